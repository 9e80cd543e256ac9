/* SPDX-License-Identifier: Apache-2.0 */
/* A page fault that takes longer than 2**32 ns: the page comes from another thread of the program
 * (userfaultfd), which takes its time. Prints the address; status 77 where the kernel has no such
 * thing. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define NOT_HERE 77

static char page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));

static void *serve(void *argument)
{
	int descriptor = *(int *)argument;
	struct uffd_msg message;
	struct uffdio_copy copy = {0};

	if (read(descriptor, &message, sizeof(message)) != sizeof(message))
		return NULL;
	usleep(4400 * 1000);
	copy.dst = message.arg.pagefault.address & ~(PAGE_BYTES - 1ULL);
	copy.src = (uintptr_t)page;
	copy.len = PAGE_BYTES;
	ioctl(descriptor, UFFDIO_COPY, &copy);
	return NULL;
}

int main(void)
{
	int descriptor = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register wanted = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t server;
	char *slow;

	memset(page, 7, PAGE_BYTES);
	if (descriptor < 0 || ioctl(descriptor, UFFDIO_API, &api))
		return NOT_HERE;
	slow = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	wanted.range.start = (uintptr_t)slow;
	wanted.range.len = PAGE_BYTES;
	if (slow == MAP_FAILED || ioctl(descriptor, UFFDIO_REGISTER, &wanted))
		return NOT_HERE;
	printf("%llu\n", (unsigned long long)(uintptr_t)slow);
	pthread_create(&server, NULL, serve, &descriptor);
	return *(volatile char *)slow == 7 && !pthread_join(server, NULL) ? 0 : 1;
}
