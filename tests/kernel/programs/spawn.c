// SPDX-License-Identifier: Apache-2.0
// posix_spawn of /bin/true.
#include <spawn.h>

#include "common.h"

int main(void)
{
	char *arguments[] = { "true", "by-spawn", NULL }, *none[] = { NULL };
	pid_t child;

	errno = posix_spawn(&child, "/bin/true", NULL, NULL, arguments, none);
	if (errno)
		err(99, "posix_spawn");
	return WEXITSTATUS(reap(child));
}
