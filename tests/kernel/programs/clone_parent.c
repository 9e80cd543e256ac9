// SPDX-License-Identifier: Apache-2.0
// A middle process creates a sibling of its own: with CLONE_PARENT the child's parent is ours.
// Prints "MIDDLE SIBLING", pids.
#include "common.h"

int main(void)
{
	pid_t middle = sound(fork(), "fork"), sibling;

	if (middle == 0) {
		sibling = sound(raw_clone(CLONE_PARENT | SIGCHLD), "clone");
		if (sibling == 0)
			_exit(21);
		printf("%d %d\n", getpid(), sibling);
		fflush(stdout);
		_exit(20);
	}
	reap(middle);
	sibling = wait(NULL);
	return sibling > 0 ? 0 : 97;
}
