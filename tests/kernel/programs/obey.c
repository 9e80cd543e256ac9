// SPDX-License-Identifier: Apache-2.0
// obey FOLDER FILE N: does what it is told, and nothing else. Each process reads orders, 8 words
// of 64 bits, from FOLDER/N.orders, and answers each with one word in FOLDER/N.answers; of a child,
// N is what the order to create it said. tests/kernel/obey.py gives the orders.
#include "common.h"

#include <fcntl.h>
#include <sys/mman.h>

enum order { CALL, READ, WRITE, FORK, VFORK, CLONE_SAME_MM, EXECUTE, OPEN, USE_STACK, END };

static char **arguments;
static char stack_of_clone[65536] __attribute__((aligned(4096)));

static void serve(long number);

static int opened(long number, const char *suffix, int how)
{
	char name[4096];
	int descriptor;

	snprintf(name, sizeof(name), "%s/%ld.%s", arguments[1], number, suffix);
	descriptor = open(name, how | O_CLOEXEC);
	if (descriptor < 0)
		err(99, "%s", name);
	return descriptor;
}

static long touch_for_reading(volatile char *address, long pages)
{
	long sum = 0;

	for (long i = 0; i < pages; i++)
		sum += address[i * 4096];
	return sum;
}

static long touch_for_writing(volatile char *address, long pages, char value)
{
	for (long i = 0; i < pages; i++)
		address[i * 4096] = value;
	return 0;
}

static int serve_on_a_stack_of_its_own(void *number)
{
	serve((long)number);
	_exit(0);
}

// As deep as this, each page of it written on the way down.
static __attribute__((noinline)) long use_stack(long pages)
{
	volatile char page[4096];

	page[0] = pages;
	return pages > 1 ? use_stack(pages - 1) + page[0] : (long)&page[0];
}

static long obey(const long *order)
{
	pid_t child;
	long done;

	switch (order[0]) {
	case CALL:
		done = syscall(order[1], order[2], order[3], order[4], order[5], order[6], order[7]);
		return done < 0 ? -errno : done;
	case READ:
		return touch_for_reading((char *)order[1], order[2]);
	case WRITE:
		return touch_for_writing((char *)order[1], order[2], order[3]);
	case FORK:
		child = sound(fork(), "fork");
		if (!child) {
			serve(order[1]);
			_exit(0);
		}
		return child;
	case VFORK:
		child = sound(vfork(), "vfork");
		if (!child) {
			serve(order[1]);
			_exit(0);
		}
		return child;
	case CLONE_SAME_MM:
		return sound(clone(serve_on_a_stack_of_its_own, stack_of_clone + sizeof(stack_of_clone),
				   CLONE_VM | SIGCHLD, (void *)order[1]), "clone");
	case EXECUTE:
		snprintf(arguments[3], 2, "%ld", order[1]);
		execv("/proc/self/exe", arguments);
		err(99, "exec");
	case OPEN:
		return sound(open(arguments[2], order[1]), arguments[2]);
	case USE_STACK:
		return use_stack(order[1]);
	}
	errx(99, "unknown order %ld", order[0]);
}

static void serve(long number)
{
	int orders = opened(number, "orders", O_RDONLY), answers = opened(number, "answers", O_WRONLY);
	long order[8], answer;

	while (read(orders, order, sizeof(order)) == sizeof(order) && order[0] != END) {
		answer = obey(order);
		if (write(answers, &answer, sizeof(answer)) != sizeof(answer))
			err(99, "answer");
	}
	close(orders);
	close(answers);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(99, "FOLDER FILE N"); // N of one digit, as the N of any that executes anew
	arguments = argv;
	serve(atol(argv[3]));
	return 0;
}
