// SPDX-License-Identifier: Apache-2.0
// One child, waited for in the way that the argument names. The child exits with 8.
#include <poll.h>
#include <pthread.h>

#include "common.h"

static pid_t child;

static void *reap_it(void *unused)
{
	reap(child);
	return unused;
}

static void until_ended(void)
{
	int pidfd = sound(syscall(SYS_pidfd_open, child, 0), "pidfd_open");
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	while (poll(&end, 1, -1) < 1)
		;
	close(pidfd);
}

static void wait_so(const char *how)
{
	siginfo_t info;
	pthread_t thread;

	if (!strcmp(how, "blocked")) {
		reap(child);
	} else if (!strcmp(how, "late")) {
		until_ended();
		reap(child);
	} else if (!strcmp(how, "nowait")) {
		sound(waitid(P_PID, child, &info, WEXITED | WNOWAIT), "waitid");
		sound(waitid(P_PID, child, &info, WEXITED), "waitid");
	} else if (!strcmp(how, "pidfd")) {
		int pidfd = sound(syscall(SYS_pidfd_open, child, 0), "pidfd_open");

		sound(waitid(P_PIDFD, pidfd, &info, WEXITED), "waitid");
	} else if (!strcmp(how, "group")) {
		sound(waitid(P_PGID, getpgrp(), &info, WEXITED), "waitid");
	} else if (!strcmp(how, "poll")) {
		while (sound(waitpid(child, NULL, WNOHANG), "waitpid") == 0)
			nap();
	} else if (!strcmp(how, "thread")) {
		if (pthread_create(&thread, NULL, reap_it, NULL) || pthread_join(thread, NULL))
			errx(99, "pthread");
	} else if (!strcmp(how, "never")) {
		until_ended();
	} else {
		errx(99, "unknown: %s", how);
	}
}

int main(int argc, char **argv)
{
	child = sound(fork(), "fork");
	if (child == 0) {
		// Long enough for a parent that blocks to be asleep by then; tests that say
		// "blocked" depend on that order, which half a second makes safe.
		usleep(500000);
		_exit(8);
	}
	wait_so(argc > 1 ? argv[1] : "blocked");
	return 0;
}
