// SPDX-License-Identifier: Apache-2.0
// Children that end by a signal: one by our SIGKILL, one by its own fault. Prints "PID SIGNAL CORE"
// of each as wait tells it.
#include <sys/resource.h>

#include "common.h"

static void tell(pid_t child)
{
	int status = reap(child);

	printf("%d %d %d\n", child, WTERMSIG(status), WCOREDUMP(status) != 0);
}

int main(int argc, char **argv)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	int *volatile nowhere = (int *)8;
	pid_t child;

	if (argc < 2 || chdir(argv[1]) || setrlimit(RLIMIT_CORE, &all))
		err(99, "%s", argv[0]);
	child = sound(fork(), "fork");
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGKILL);
	tell(child);
	child = sound(fork(), "fork");
	if (child == 0) {
		*nowhere = 1;
		_exit(98);
	}
	tell(child);
	return 0;
}
