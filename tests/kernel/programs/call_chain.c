/* SPDX-License-Identifier: Apache-2.0 */
/* A child writes to the pages of its parent at the end of a known chain of calls. The chain keeps
 * frame pointers, whatever the compiler is told for the rest. */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 200
#define CHAINED __attribute__((noinline, noclone, optimize("no-omit-frame-pointer", \
							   "no-optimize-sibling-calls")))

static volatile char *region;
static volatile int done;

CHAINED void *innermost(void)
{
	for (int i = 0; i < PAGES; i++)
		region[i * PAGE] = 2;
	return __builtin_frame_address(0); /* a leaf has no frame otherwise */
}

CHAINED void middle(void)
{
	innermost();
	done++;
}

CHAINED void outermost(void)
{
	middle();
	done++;
}

int main(void)
{
	region = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset((char *)region, 1, PAGES * PAGE);
	if (!fork()) {
		outermost();
		_exit(0);
	}
	return wait(0) < 0;
}
