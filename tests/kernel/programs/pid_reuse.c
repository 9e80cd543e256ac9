// SPDX-License-Identifier: Apache-2.0
// The same pid again and again. ns_last_pid is set to one below the pid just reaped, so that the
// next fork gets it again. With argument "namespace" this happens in a new pid namespace, else in
// ours, where another fork may come between: then it tries again. The Nth child that has the pid
// exits with N. Prints "PID COUNT".
#include <fcntl.h>

#include "common.h"

#define COUNT 5
#define TRIES 2000

static void set_last(pid_t pid)
{
	int file = sound(open("/proc/sys/kernel/ns_last_pid", O_WRONLY), "ns_last_pid");

	if (dprintf(file, "%d", pid) < 0)
		err(99, "ns_last_pid");
	close(file);
}

static pid_t child_that_exits(int status)
{
	pid_t child = sound(fork(), "fork");

	if (child == 0)
		_exit(status);
	return child;
}

static int reuse(void)
{
	pid_t wanted = child_that_exits(1), child;
	int had = 1;

	reap(wanted);
	for (int i = 0; i < TRIES && had < COUNT; i++) {
		set_last(wanted - 1);
		child = child_that_exits(had + 1);
		reap(child);
		had += child == wanted;
	}
	printf("%d %d\n", wanted, had);
	fflush(stdout);
	return had == COUNT ? 0 : 95;
}

int main(int argc, char **argv)
{
	pid_t init;

	if (argc < 2 || strcmp(argv[1], "namespace"))
		return reuse();
	init = sound(raw_clone3(CLONE_NEWPID, SIGCHLD), "clone3");
	if (init == 0)
		_exit(reuse());
	return WEXITSTATUS(reap(init));
}
