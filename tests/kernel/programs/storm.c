// SPDX-License-Identifier: Apache-2.0
// N times fork, exit and wait. The Nth child exits with N modulo 256.
#include "common.h"

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < count; i++) {
		pid_t child = sound(fork(), "fork");

		if (child == 0)
			_exit(i & 255);
		reap(child);
	}
	return 0;
}
