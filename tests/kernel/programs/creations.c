// SPDX-License-Identifier: Apache-2.0
// One creation, of the kind that the argument names; prints what the call gave: a pid or -errno.
#include "common.h"

#include <linux/sched.h>
#include <sys/resource.h>

#define NOBODY 65534

static char stack[65536];

static int nothing(void *argument)
{
	return argument != NULL;
}

static long with_set_tid(pid_t pid)
{
	struct clone_args arguments = {
		.exit_signal = SIGCHLD,
		.set_tid = (unsigned long)&pid,
		.set_tid_size = 1,
	};

	return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static long over_the_limit(void)
{
	struct rlimit one = {1, 1};

	if (setrlimit(RLIMIT_NPROC, &one) || setgid(NOBODY) || setuid(NOBODY))
		return 0;
	return fork();
}

static long create(const char *kind)
{
	if (!strcmp(kind, "fork"))
		return syscall(SYS_fork);
	if (!strcmp(kind, "thread"))
		return clone(nothing, stack + sizeof(stack),
			     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				     CLONE_SYSVSEM, NULL);
	if (!strcmp(kind, "files"))
		return clone(nothing, stack + sizeof(stack), CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
	if (!strcmp(kind, "uts"))
		return clone(nothing, stack + sizeof(stack), CLONE_NEWUTS | SIGCHLD, NULL);
	if (!strcmp(kind, "exists"))
		return with_set_tid(getpid());
	if (!strcmp(kind, "limit"))
		return over_the_limit();
	if (!strcmp(kind, "refused"))
		return clone(nothing, stack + sizeof(stack), CLONE_SIGHAND | SIGCHLD, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	volatile long result;

	result = strcmp(kind, "vfork") ? create(kind) : vfork();
	if (result == 0)
		_exit(0);
	if (result < 0)
		result = -errno;
	printf("%ld\n", result);
	fflush(stdout);
	if (strcmp(kind, "thread"))
		wait(NULL);
	else
		usleep(20000);
	return 0;
}
