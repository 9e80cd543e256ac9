// SPDX-License-Identifier: Apache-2.0
// Every combination of flags and arguments that clone and clone3 refuse. Prints "NAME ERRNO" for
// each; ends with 0 however many were not refused.
#include "common.h"

#include <linux/sched.h>

static char stack[1 << 16] __attribute__((aligned(16)));
static pid_t parent_tid;

static int end(void *argument)
{
	return argument != NULL;
}

static void print(const char *name, long result)
{
	int error = result < 0 ? errno : 0;

	printf("%s %d\n", name, error);
	fflush(stdout);
	if (result > 0)
		waitpid(result, NULL, __WALL);
}

static void by_clone(const char *name, unsigned int flags)
{
	print(name, clone(end, stack + sizeof(stack), flags, NULL, &parent_tid));
}

static void by_clone3(const char *name, struct clone_args arguments, size_t size)
{
	long result = syscall(SYS_clone3, &arguments, size);

	if (result == 0)
		_exit(0);
	print(name, result);
}

// For these two the parent is another process, so that it keeps its rights and its namespaces.
static void without_rights(void)
{
	pid_t pid = sound(fork(), "fork");

	if (pid == 0) {
		struct clone_args arguments = { .flags = CLONE_NEWTIME, .exit_signal = SIGCHLD };

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			err(97, "setresuid");
		by_clone("newns_without_rights", CLONE_NEWNS | SIGCHLD);
		by_clone("newuts_without_rights", CLONE_NEWUTS | SIGCHLD);
		by_clone("newipc_without_rights", CLONE_NEWIPC | SIGCHLD);
		by_clone("newpid_without_rights", CLONE_NEWPID | SIGCHLD);
		by_clone("newnet_without_rights", CLONE_NEWNET | SIGCHLD);
		by_clone("newcgroup_without_rights", CLONE_NEWCGROUP | SIGCHLD);
		by_clone3("newtime_without_rights", arguments, sizeof(arguments));
		exit(0);
	}
	reap(pid);
}

static void with_children_elsewhere(void)
{
	pid_t pid = sound(fork(), "fork");

	if (pid == 0) {
		sound(unshare(CLONE_NEWPID), "unshare");
		by_clone("thread_other_pidns", CLONE_THREAD | CLONE_SIGHAND | CLONE_VM);
		exit(0);
	}
	reap(pid);
}

static void as_init(void)
{
	pid_t pid = sound(raw_clone(CLONE_NEWPID | SIGCHLD), "clone");

	if (pid == 0) {
		by_clone("parent_by_init", CLONE_PARENT | SIGCHLD);
		exit(0);
	}
	reap(pid);
}

static void by_flags(void)
{
	by_clone("newns_fs", CLONE_NEWNS | CLONE_FS | SIGCHLD);
	by_clone("newuser_fs", CLONE_NEWUSER | CLONE_FS | SIGCHLD);
	by_clone("thread_without_sighand", CLONE_THREAD | CLONE_VM);
	by_clone("sighand_without_vm", CLONE_SIGHAND | SIGCHLD);
	by_clone("thread_newpid", CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID);
	by_clone("thread_newuser", CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUSER);
	by_clone("pidfd_detached", CLONE_PIDFD | CLONE_DETACHED | SIGCHLD);
	by_clone("pidfd_parent_settid", CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD);
	by_clone("newipc_sysvsem", CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD);
}

static void by_arguments(void)
{
	static const pid_t one = 1;
	const struct {
		const char *name;
		struct clone_args arguments;
		size_t size;
	} calls[] = {
		{ "clone3_detached", { .flags = CLONE_DETACHED }, 0 },
		{ "clone3_signal_bits", { .flags = 0x11 }, 0 },
		{ "clone3_unknown_flag", { .flags = 1ULL << 40 }, 0 },
		{ "clone3_sighand_clear",
		  { .flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND }, 0 },
		{ "clone3_parent_signal", { .flags = CLONE_PARENT, .exit_signal = SIGCHLD }, 0 },
		{ "clone3_thread_signal",
		  { .flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, .exit_signal = SIGCHLD }, 0 },
		{ "clone3_pidfd_parent_settid",
		  { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&parent_tid,
		    .parent_tid = (uintptr_t)&parent_tid }, 0 },
		{ "clone3_bad_signal", { .exit_signal = 65 }, 0 },
		{ "clone3_signal_too_big", { .exit_signal = 0x111 }, 0 },
		{ "clone3_stack_size_alone", { .stack_size = 4096 }, 0 },
		{ "clone3_stack_alone", { .stack = (uintptr_t)stack }, 0 },
		{ "clone3_set_tid_size_alone", { .set_tid_size = 1 }, 0 },
		{ "clone3_set_tid_alone", { .set_tid = (uintptr_t)&one }, 0 },
		{ "clone3_set_tid_size_33", { .set_tid = (uintptr_t)&one, .set_tid_size = 33 }, 0 },
		{ "clone3_cgroup_too_big", { .flags = CLONE_INTO_CGROUP, .cgroup = 1ULL << 33 }, 0 },
		{ "clone3_cgroup_not_there", { .flags = CLONE_INTO_CGROUP }, CLONE_ARGS_SIZE_VER1 },
		{ "clone3_size_too_small", { .exit_signal = SIGCHLD }, CLONE_ARGS_SIZE_VER0 - 1 },
		{ "clone3_size_too_big", { .exit_signal = SIGCHLD }, 8192 },
	};
	struct { struct clone_args known; uint64_t unknown; } longer = { .unknown = 1 };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		by_clone3(calls[i].name, calls[i].arguments,
			  calls[i].size ? calls[i].size : sizeof(struct clone_args));
	print("clone3_unknown_argument", syscall(SYS_clone3, &longer, sizeof(longer)));
	print("clone3_bad_pointer", syscall(SYS_clone3, 8UL, sizeof(struct clone_args)));
}

int main(void)
{
	by_flags();
	as_init();
	without_rights();
	with_children_elsewhere();
	by_arguments();
	return 0;
}
