// SPDX-License-Identifier: Apache-2.0
// The leader ends alone; a second thread sees it as a zombie, then ends the process with 9.
#include <pthread.h>

#include "common.h"

static void *outlive(void *unused)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	while (state != 'Z') {
		stat = fopen(path, "r");
		if (!stat || fscanf(stat, "%*d %*s %c", &state) != 1)
			errx(99, "%s", path);
		fclose(stat);
		nap();
	}
	exit(9);
	return unused;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, outlive, NULL))
		errx(99, "pthread_create");
	pthread_exit(NULL);
}
