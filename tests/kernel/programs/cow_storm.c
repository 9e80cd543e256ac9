// SPDX-License-Identifier: Apache-2.0
// cow_storm PAGES FORKS: touches PAGES pages, then FORKS children one after the other write to
// each of them, and at last the parent does. Prints the address of the first page.
#include "common.h"

#include <sys/mman.h>

static void write_each(volatile char *region, long pages, char value)
{
	for (long i = 0; i < pages; i++)
		region[i * 4096] = value;
}

int main(int argc, char **argv)
{
	long pages = argc > 1 ? atol(argv[1]) : 16;
	int forks = argc > 2 ? atoi(argv[2]) : 1;
	char *region = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED || madvise(region, pages * 4096, MADV_NOHUGEPAGE))
		err(99, "mmap");
	printf("%lu\n", (unsigned long)region);
	fflush(stdout);
	write_each(region, pages, 1);
	for (int i = 0; i < forks; i++) {
		pid_t child = fork();

		if (child < 0)
			err(99, "fork");
		if (!child) {
			write_each(region, pages, 2);
			_exit(0);
		}
		if (waitpid(child, 0, 0) != child)
			err(99, "waitpid");
	}
	write_each(region, pages, 3);
	return 0;
}
