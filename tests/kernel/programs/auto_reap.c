// SPDX-License-Identifier: Apache-2.0
// A child that needs no reaping: SIGCHLD is ignored, or (argument "nocldwait") has SA_NOCLDWAIT.
#include "common.h"

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	if (argc > 1 && !strcmp(argv[1], "nocldwait")) {
		action.sa_handler = SIG_DFL;
		action.sa_flags = SA_NOCLDWAIT;
	}
	sigaction(SIGCHLD, &action, NULL);
	if (sound(fork(), "fork") == 0)
		_exit(4);
	return wait(NULL) == -1 && errno == ECHILD ? 0 : 97;
}
