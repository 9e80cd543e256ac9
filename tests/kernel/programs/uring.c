// SPDX-License-Identifier: Apache-2.0
// Has io_uring make worker threads: IOSQE_ASYNC asks for one. Ends with 77 where it is forbidden.
#include "common.h"

#include <linux/io_uring.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define ENTRIES 8
#define SUBMITTED 4

int main(void)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, ENTRIES, &params);
	struct io_uring_sqe *entries;
	char *queue;
	unsigned int *array, *tail;

	if (ring < 0)
		return 77;
	queue = mmap(NULL, params.sq_off.array + ENTRIES * sizeof(int), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, ENTRIES * sizeof(*entries), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (queue == MAP_FAILED || entries == MAP_FAILED)
		err(99, "mmap");
	array = (unsigned int *)(queue + params.sq_off.array);
	tail = (unsigned int *)(queue + params.sq_off.tail);
	for (int i = 0; i < SUBMITTED; i++) {
		entries[i] = (struct io_uring_sqe){ .opcode = IORING_OP_NOP, .flags = IOSQE_ASYNC };
		array[i] = i;
	}
	atomic_store((_Atomic unsigned int *)tail, SUBMITTED);
	if (syscall(SYS_io_uring_enter, ring, SUBMITTED, SUBMITTED, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		err(99, "io_uring_enter");
	return 0;
}
