// SPDX-License-Identifier: Apache-2.0
// late_refusals KIND: one creation that a late step refuses for what was asked of it. Prints KIND,
// errno and own pid.
#include "common.h"

#include <linux/sched.h>
#include <sys/resource.h>

#define NOBODY 65534

static long clone3(struct clone_args arguments)
{
	arguments.exit_signal = SIGCHLD;
	return syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static long with_tid(pid_t tid)
{
	return clone3((struct clone_args){ .set_tid = (uintptr_t)&tid, .set_tid_size = 1 });
}

static long exists(void)
{
	return with_tid(getpid());
}

static long tid_zero(void)
{
	return with_tid(0);
}

static long tid_too_big(void)
{
	return with_tid(1 << 30);
}

static long with_tids(void)
{
	static const pid_t tids[32];

	return clone3((struct clone_args){ .set_tid = (uintptr_t)tids, .set_tid_size = 32 });
}

static long without_rights(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		err(99, "setuid");
	return with_tid(getpid());
}

// A new pid namespace takes no other first task than number 1.
static long without_reaper(void)
{
	sound(unshare(CLONE_NEWPID), "unshare");
	return with_tid(5);
}

// The owner of a user namespace must be known in the one above.
static long unmapped(void)
{
	sound(unshare(CLONE_NEWUSER), "unshare");
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
}

static long without_descriptors(void)
{
	struct rlimit none = { 0, 0 };
	int pidfd;

	if (setrlimit(RLIMIT_NOFILE, &none))
		err(99, "setrlimit");
	return clone3((struct clone_args){ .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd });
}

static long into_a_bad_pointer(void)
{
	return clone3((struct clone_args){ .flags = CLONE_PIDFD, .pidfd = 8 });
}

static long into_no_cgroup(void)
{
	return clone3((struct clone_args){ .flags = CLONE_INTO_CGROUP, .cgroup = 999 });
}

static const struct {
	const char *name;
	long (*fail)(void);
} kinds[] = {
	{ "bad_cgroup", into_no_cgroup },
	{ "exists", exists },
	{ "no_reaper", without_reaper },
	{ "no_rights", without_rights },
	{ "pidfd", without_descriptors },
	{ "pidfd_pointer", into_a_bad_pointer },
	{ "tid_too_big", tid_too_big },
	{ "tid_zero", tid_zero },
	{ "too_many_tids", with_tids },
	{ "unmapped", unmapped },
};

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i].name))
			continue;
		long result = kinds[i].fail();

		if (result == 0)
			_exit(0);
		printf("%s %d %d\n", kind, result < 0 ? errno : 0, getpid());
		return 0;
	}
	errx(99, "no kind %s", kind);
}
