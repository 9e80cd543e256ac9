// SPDX-License-Identifier: Apache-2.0
// Two clones that fail: EINVAL (CLONE_SIGHAND without CLONE_VM), and EAGAIN by RLIMIT_NPROC as an
// unprivileged user.
#include <sys/resource.h>

#include "common.h"

int main(void)
{
	struct rlimit none = { 0, 0 };
	pid_t child;

	if (raw_clone(CLONE_SIGHAND | SIGCHLD) != -1 || errno != EINVAL)
		err(97, "clone");
	child = sound(fork(), "fork");
	if (child == 0) {
		if (setrlimit(RLIMIT_NPROC, &none) || setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534))
			err(99, "setresuid");
		_exit(fork() == -1 && errno == EAGAIN ? 11 : 97);
	}
	return WEXITSTATUS(reap(child));
}
