// SPDX-License-Identifier: Apache-2.0
// A grandchild outlives its parent and is adopted: by us with argument "subreaper", else by
// whoever takes orphans here. Prints "GRANDCHILD ADOPTER", pids.
#include <sys/prctl.h>

#include "common.h"

static void grandchild(pid_t parent)
{
	while (getppid() == parent)
		nap();
	printf("%d %d\n", getpid(), getppid());
	fflush(stdout);
	_exit(7);
}

int main(int argc, char **argv)
{
	int ended[2], subreaper = argc > 1 && !strcmp(argv[1], "subreaper");
	char byte;
	pid_t middle;

	if (subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(99, "prctl");
	sound(pipe(ended), "pipe");
	middle = sound(fork(), "fork");
	if (middle == 0) {
		pid_t me = getpid();

		if (sound(fork(), "fork") == 0)
			grandchild(me);
		_exit(6);
	}
	close(ended[1]);
	reap(middle);
	if (subreaper)
		return wait(NULL) > 0 ? 0 : 97;
	// The grandchild holds the last writing end, so this returns as it ends.
	return read(ended[0], &byte, 1) == 0 ? 0 : 97;
}
