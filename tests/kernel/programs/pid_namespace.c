// SPDX-License-Identifier: Apache-2.0
// Two pid namespaces, one in the other: an init in each, and a second process in the inner one.
// With argument "orphan" the inner init adopts a grandchild.
#include "common.h"

static int inner_init(int orphan)
{
	pid_t child = sound(fork(), "fork");

	if (child == 0) {
		if (getpid() != 2)
			errx(96, "pid %d", getpid());
		if (orphan && fork() == 0) {
			while (getppid() == 2)
				nap();
			_exit(getppid() == 1 ? 34 : 96);
		}
		_exit(33);
	}
	if (WEXITSTATUS(reap(child)) != 33)
		return 96;
	if (orphan && (wait(NULL) != 3))
		return 96;
	return 32;
}

int main(int argc, char **argv)
{
	int orphan = argc > 1 && !strcmp(argv[1], "orphan");
	pid_t outer = sound(raw_clone3(CLONE_NEWPID, SIGCHLD), "clone3"), inner;

	if (outer == 0) {
		inner = sound(raw_clone3(CLONE_NEWPID, SIGCHLD), "clone3");
		if (inner == 0)
			_exit(inner_init(orphan));
		_exit(WEXITSTATUS(reap(inner)) == 32 ? 31 : 96);
	}
	return WEXITSTATUS(reap(outer)) == 31 ? 0 : 96;
}
