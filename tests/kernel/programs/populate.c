// SPDX-License-Identifier: Apache-2.0
// populate PAGES: a child has the kernel touch so many pages for it by MAP_POPULATE, and ends.
#include "common.h"
#include <sys/mman.h>
#include <sys/prctl.h>

#define PAGE_BYTES 4096

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) * PAGE_BYTES : PAGE_BYTES;
	pid_t child;

	// A huge page would be one fault.
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	child = sound(fork(), "fork");
	if (!child)
		_exit(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED);
	return reap(child) != 0;
}
