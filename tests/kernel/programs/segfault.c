// SPDX-License-Identifier: Apache-2.0
// segfault: a child writes where nothing is mapped and dies of it. Prints the address.
#include "common.h"

#include <sys/mman.h>

int main(void)
{
	volatile char *nothing = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (nothing == MAP_FAILED || munmap((void *)nothing, 4096))
		err(99, "mmap");
	printf("%lu\n", (unsigned long)nothing);
	fflush(stdout);
	pid_t child = fork();

	if (child < 0)
		err(99, "fork");
	if (!child)
		*nothing = 1;
	if (waitpid(child, 0, 0) != child)
		err(99, "waitpid");
	return 0;
}
