// SPDX-License-Identifier: Apache-2.0
// A thread that is not the leader executes another program. Prints "TGID TID" before.
#include <pthread.h>

#include "common.h"

static void *execute(void *unused)
{
	printf("%d %d\n", getpid(), (int)syscall(SYS_gettid));
	fflush(stdout);
	execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
	_exit(98);
	return unused;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, execute, NULL))
		errx(99, "pthread_create");
	for (;;)
		pause();
}
