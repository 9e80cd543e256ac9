// SPDX-License-Identifier: Apache-2.0
// every_clone CGROUP: creates a task in every way that clone knows, one after the other, and waits
// for each. CGROUP is a folder of the v2 hierarchy; with an empty one that way is left out.
#include "common.h"

#include <fcntl.h>
#include <linux/sched.h>

static char stack[1 << 16] __attribute__((aligned(16)));
static char stored[4096];
static int may_be_refused;

static int touch(void *argument)
{
	stored[0] = argument != NULL;
	return 0;
}

// Glibc's clone() gives the child a stack of its own, which what shares memory needs.
static void on_a_stack(int flags)
{
	pid_t pid, before;
	int pidfd;

	pid = clone(touch, stack + sizeof(stack), flags | SIGCHLD, NULL, &pidfd);
	if (pid < 0 && errno == EINVAL && may_be_refused)
		return;
	sound(pid, "clone");
	before = waitpid(pid, NULL, __WALL);
	// With CLONE_PARENT it is our parent's child.
	if (before != pid && !(flags & CLONE_PARENT))
		err(98, "waitpid");
}

static void by_clone3(struct clone_args arguments)
{
	pid_t pid;

	arguments.exit_signal = SIGCHLD;
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0 && errno == EINVAL && may_be_refused)
		return;
	sound(pid, "clone3");
	if (pid == 0)
		_exit(3);
	reap(pid);
}

static void as_thread(int more)
{
	volatile pid_t tid = -1;
	pid_t parent_tid, pid;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | more;

	pid = clone(touch, stack + sizeof(stack), flags, NULL, &parent_tid, NULL, &tid);
	if (pid < 0 && errno == EINVAL && may_be_refused)
		return;
	sound(pid, "clone");
	while (tid)
		usleep(500);
}

// The child of such a caller has the time namespace of its own, unless it shares the memory.
static void with_other_time(void)
{
	pid_t pid = sound(fork(), "fork");

	if (pid == 0) {
		sound(unshare(CLONE_NEWTIME), "unshare");
		on_a_stack(0);
		may_be_refused = 1; /* up to 6.2 */
		on_a_stack(CLONE_VM | CLONE_VFORK);
		_exit(0);
	}
	reap(pid);
}

int main(int argc, char **argv)
{
	static const unsigned int flags[] = {
		0, CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_VM | CLONE_SIGHAND, CLONE_SYSVSEM,
		CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_IO,
		CLONE_PIDFD, CLONE_VM | CLONE_VFORK, CLONE_NEWCGROUP, CLONE_NEWNET,
	};
	pid_t wanted, pid, middle;
	const char *cgroup = argc > 1 ? argv[1] : "";

	pid = sound(syscall(SYS_fork), "fork");
	if (pid == 0)
		_exit(1);
	reap(pid);
	pid = sound(vfork(), "vfork");
	if (pid == 0)
		_exit(2);
	reap(pid);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		on_a_stack(flags[i]);
	as_thread(CLONE_PARENT_SETTID);
	with_other_time();
	// A sibling: from a middle process, so that we are its parent.
	middle = sound(fork(), "fork");
	if (middle == 0) {
		on_a_stack(CLONE_PARENT);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	by_clone3((struct clone_args){ .flags = CLONE_CLEAR_SIGHAND });
	pid = sound(fork(), "fork");
	if (pid == 0)
		_exit(0);
	wanted = pid;
	reap(pid);
	by_clone3((struct clone_args){ .set_tid = (uintptr_t)&wanted, .set_tid_size = 1 });
	if (*cgroup) {
		int folder = sound(open(cgroup, O_RDONLY | O_DIRECTORY), cgroup);

		by_clone3((struct clone_args){ .flags = CLONE_INTO_CGROUP, .cgroup = folder });
	}
	may_be_refused = 1;
	as_thread(CLONE_PIDFD); /* up to 6.8 */
	by_clone3((struct clone_args){ .flags = CLONE_NEWTIME }); /* up to 6.2 */
	return 0;
}
