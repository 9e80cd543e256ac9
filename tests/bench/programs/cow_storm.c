// SPDX-License-Identifier: Apache-2.0
// cow_storm PAGES FORKS RESULT: FORKS children, one after the other, write to each of their
// parent's PAGES pages. Writes the mean ns that one such write took to the file RESULT.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static void write_each(volatile char *region, long pages, char value)
{
	for (long i = 0; i < pages; i++)
		region[i * 4096] = value;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	long pages = atol(argv[1]), forks = atol(argv[2]);
	char *region = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double *took = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED || took == MAP_FAILED || madvise(region, pages * 4096, MADV_NOHUGEPAGE))
		return 1;
	write_each(region, pages, 1);
	for (long i = 0; i < forks; i++) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (!child) {
			double begin = now_ns();

			write_each(region, pages, 2);
			*took += now_ns() - begin;
			_exit(0);
		}
		if (waitpid(child, 0, 0) != child)
			return 1;
	}
	FILE *result = fopen(argv[3], "w");

	if (!result)
		return 1;
	fprintf(result, "%.0f\n", *took / forks / pages);
	return fclose(result) ? 1 : 0;
}
