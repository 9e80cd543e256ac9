// SPDX-License-Identifier: Apache-2.0
// The daemon's double fork: the first child makes a session and ends, the second runs on.
#include "common.h"

int main(void)
{
	int ended[2];
	char byte;
	pid_t first;

	sound(pipe(ended), "pipe");
	first = sound(fork(), "fork");
	if (first == 0) {
		pid_t second;

		sound(setsid(), "setsid");
		second = sound(fork(), "fork");
		if (second > 0)
			_exit(0);
		nap();
		execl("/bin/true", "daemon", (char *)NULL);
		_exit(98);
	}
	close(ended[1]);
	reap(first);
	return read(ended[0], &byte, 1) == 0 ? 0 : 97;
}
