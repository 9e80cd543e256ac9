// SPDX-License-Identifier: Apache-2.0
// COUNT times fork, exit and wait; writes the nanoseconds that one took into FILE. The time is
// taken inside, so that what a tracer needs to start and stop is not in it.
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	long long begin;
	int count;
	FILE *file;

	if (argc != 3)
		errx(2, "usage: fork_storm COUNT FILE");
	count = atoi(argv[1]);
	begin = now_ns();
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			_exit(0);
		if (waitpid(child, NULL, 0) != child)
			err(1, "waitpid");
	}
	begin = now_ns() - begin;
	file = fopen(argv[2], "w");
	if (!file)
		err(1, "%s", argv[2]);
	fprintf(file, "%lld\n", begin / count);
	return fclose(file) ? 1 : 0;
}
