/* SPDX-License-Identifier: Apache-2.0 */
/* Forks, touches ANON anonymous and SHARED shared pages, prints its own /proc/self/statm, and forks
 * again: the counters of its memory differ by just these pages. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define ANON 1003
#define SHARED 101

static void fork_once(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	waitpid(child, 0, 0);
}

int main(void)
{
	int protection = PROT_READ | PROT_WRITE;
	char *anon = mmap(0, ANON * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(0, SHARED * PAGE, protection, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char line[256];
	ssize_t got;
	int statm;

	fork_once(); /* so that what its own pages are is settled */
	fork_once();
	memset(anon, 1, ANON * PAGE);
	memset(shared, 1, SHARED * PAGE);
	statm = open("/proc/self/statm", O_RDONLY);
	got = read(statm, line, sizeof(line));
	if (got <= 0 || write(1, line, got) != got)
		return 1;
	fork_once();
	return 0;
}
