// SPDX-License-Identifier: Apache-2.0
// vfork, exec in the child, wait.
#include "common.h"

int main(void)
{
	pid_t child = sound(vfork(), "vfork");

	if (child == 0) {
		execl("/bin/true", "true", "by-vfork", (char *)NULL);
		_exit(98);
	}
	return WEXITSTATUS(reap(child));
}
