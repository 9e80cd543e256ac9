/* SPDX-License-Identifier: Apache-2.0 */
/* A parent and a child that share pages before anybody looks. Prints both pids and where the
 * pages are; then, told to by a line on stdin: the child writes to the first PAGES of them, the
 * parent to all, and to a page of `table`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 16

static char table[4 * PAGE] __attribute__((aligned(PAGE))) = {1};

__attribute__((noinline)) static void write_pages(volatile char *region, int count)
{
	for (int i = 0; i < count; i++)
		region[i * PAGE] = 2;
}

int main(void)
{
	char *region = mmap(0, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int told[2], done[2];
	char byte;
	pid_t child;

	memset(region, 1, 2 * PAGES * PAGE);
	memset(table, 1, sizeof(table));
	if (pipe(told) || pipe(done))
		return 1;
	child = fork();
	if (!child) {
		if (read(told[0], &byte, 1) != 1)
			return 1;
		write_pages(region, PAGES);
		return write(done[1], "", 1) != 1;
	}
	printf("%d %d %lu %lu\n", getpid(), child, (unsigned long)region, (unsigned long)table);
	fflush(stdout);
	if (read(0, &byte, 1) != 1 || write(told[1], "", 1) != 1 || read(done[0], &byte, 1) != 1)
		return 1;
	waitpid(child, 0, 0);
	write_pages(region, 2 * PAGES);
	write_pages(table + PAGE, 1);
	return 0;
}
