// SPDX-License-Identifier: Apache-2.0
// Every combination of flags that clone and clone3 refuse by their flags alone; ends with the number
// of those that were not refused with EINVAL.
#include "common.h"

#define CLEAR_SIGHAND 0x100000000ULL

static int accepted;

static void refused(pid_t pid)
{
	if (pid == 0)
		_exit(96);
	accepted += pid != -1 || errno != EINVAL;
}

int main(void)
{
	refused(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD));
	refused(raw_clone(CLONE_NEWUSER | CLONE_FS | SIGCHLD));
	refused(raw_clone(CLONE_THREAD | CLONE_VM));
	refused(raw_clone(CLONE_SIGHAND | SIGCHLD));
	refused(raw_clone(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWPID));
	refused(raw_clone(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD));
	refused(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD));
	refused(raw_clone(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD));
	refused(raw_clone3(CLONE_DETACHED, SIGCHLD));
	refused(raw_clone3(SIGCHLD, SIGCHLD));
	refused(raw_clone3(1ULL << 50, SIGCHLD));
	refused(raw_clone3(CLONE_VM | CLONE_SIGHAND | CLEAR_SIGHAND, SIGCHLD));
	refused(raw_clone3(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, SIGCHLD));
	refused(raw_clone3(0, 70));
	return accepted;
}
