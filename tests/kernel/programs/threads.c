// SPDX-License-Identifier: Apache-2.0
// Create and join N threads.
#include <pthread.h>

#include "common.h"

static void *run(void *unused)
{
	return unused;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, run, NULL) || pthread_join(thread, NULL))
			errx(99, "pthread");
	}
	return 0;
}
