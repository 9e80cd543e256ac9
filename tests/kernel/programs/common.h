// SPDX-License-Identifier: Apache-2.0
// What the small programs share: system calls as they are, and an end when one fails unexpectedly.
#ifndef PROCTRACE_TESTS_COMMON_H
#define PROCTRACE_TESTS_COMMON_H

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// Glibc's wrappers change flags and take stacks; these are the bare calls of x86-64.
static inline pid_t raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags, 0UL, 0UL, 0UL, 0UL);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

static inline pid_t raw_clone3(uint64_t flags, int exit_signal)
{
	struct clone3_args args = { .flags = flags, .exit_signal = exit_signal };

	return syscall(SYS_clone3, &args, sizeof(args));
}

static inline pid_t sound(pid_t pid, const char *call)
{
	if (pid < 0)
		err(99, "%s", call);
	return pid;
}

// Wait for pid in the ordinary way and give its wait status.
static inline int reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		err(99, "waitpid");
	return status;
}

// Let time pass in which another task can run; nothing depends on how long it is.
static inline void nap(void)
{
	usleep(2000);
}

#endif
