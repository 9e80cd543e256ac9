/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that get another frame without a fault: a huge page is made of small ones (MADV_COLLAPSE,
 * 6.1 and later), and memory is compacted, which migrates pages of a region full of holes. A child
 * writes to all of them then. Prints where both begin, and whether each could be done. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define HUGE (2UL << 20)
#define HOLED 4096
#define COLLAPSE 25 /* MADV_COLLAPSE */

static char *anonymous(size_t bytes)
{
	return mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(void)
{
	uintptr_t begin = (uintptr_t)anonymous(2 * HUGE);
	char *huge = (char *)((begin + HUGE - 1) & -HUGE), *holed = anonymous(HOLED * PAGE);
	int collapsed, compacted, file = open("/proc/sys/vm/compact_memory", O_WRONLY);

	for (size_t at = 0; at < HUGE; at += PAGE)
		huge[at] = 1;
	collapsed = madvise(huge, HUGE, COLLAPSE) == 0;
	memset(holed, 1, HOLED * PAGE);
	for (size_t at = 0; at < HOLED; at += 2)
		madvise(holed + at * PAGE, PAGE, MADV_DONTNEED);
	compacted = write(file, "1", 1) == 1;
	if (!fork()) {
		for (size_t at = 0; at < HUGE; at += PAGE)
			huge[at] = 2;
		for (size_t at = 1; at < HOLED; at += 2)
			holed[at * PAGE] = 2;
		_exit(0);
	}
	printf("%lu %lu %d %d\n", (unsigned long)huge, (unsigned long)holed, collapsed, compacted);
	return wait(0) < 0;
}
