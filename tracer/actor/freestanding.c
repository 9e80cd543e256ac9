// SPDX-License-Identifier: Apache-2.0
// What the compiler takes for granted in any program.
#include "system.h"

void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);

void *memcpy(void *to, const void *from, size_t bytes)
{
	for (size_t at = 0; at < bytes; at++)
		((volatile u8 *)to)[at] = ((const u8 *)from)[at];
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	for (size_t at = 0; at < bytes; at++)
		((volatile u8 *)to)[at] = (u8)value;
	return to;
}
