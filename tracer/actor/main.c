// SPDX-License-Identifier: Apache-2.0
//
// The program whose processes are the actors of a scenario. The recorder starts it with the
// variable PROCTRACE_ACTOR: the number of an actor, then the descriptors of the control memory and
// of the plan. It executes itself with another number where the scenario has an actor executed.
// Without the variable it checks the plan in the file that is named.
#include "acting.h"

#define AT_EXECFN_ 31
#define FILE_READ 0

static u64 length_of(const char *text)
{
	u64 bytes = 0;

	while (text[bytes])
		bytes++;
	return bytes;
}

static void say(const char *text)
{
	call3(__NR_write, 2, (long)text, (long)length_of(text));
}

static void say_number(u32 number)
{
	char digits[12];
	int at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	say(digits + at);
}

static __attribute__((noreturn)) void refuse(const char *why)
{
	say("proctrace-actor: ");
	say(why);
	say("\n");
	exit_group(STATUS_MISUSED);
}

static void *map_file(long file, u64 bytes, long flags)
{
	long address = call6(__NR_mmap, 0, (long)bytes, PROT_READ_WRITE, flags, file, 0);

	if (address < 0 && address > -4096)
		refuse("no memory for the plan");
	return (void *)address;
}

static u64 file_bytes(long file)
{
	long bytes = call3(__NR_lseek, file, 0, 2);

	if (bytes < 1 || bytes > (long)PLAN_BYTES_MAX)
		refuse(bytes < 0 ? "the plan cannot be read" : "the plan is empty or too long");
	return (u64)bytes;
}

static void read_or_refuse(char *plan, u64 bytes)
{
	struct fault fault;

	if (read_plan(acting.control, plan, bytes, &fault))
		return;
	say("proctrace-actor: line ");
	say_number(fault.line);
	say(" of the plan: ");
	say(fault.why);
	say("\n");
	exit_group(STATUS_MISUSED);
}

static __attribute__((noreturn)) void check_file(const char *path)
{
	long file = call3(__NR_open, (long)path, FILE_READ, 0);
	u64 bytes = file_bytes(file);

	acting.control = map_file(-1, sizeof(struct control),
				  MAP_PRIVATE_ | MAP_ANONYMOUS_ | MAP_NORESERVE_);
	read_or_refuse(map_file(file, bytes, MAP_PRIVATE_), bytes);
	exit_group(0);
}

/* Read the next number of the variable; anything else is an error of whoever starts us. */
static long handed_number(const char **at)
{
	long number = 0;

	while (**at == ' ')
		++*at;
	if (**at < '0' || **at > '9')
		refuse(ACTOR_VARIABLE " is not as the recorder gives it");
	for (; **at >= '0' && **at <= '9' && number < 1000000; ++*at)
		number = number * 10 + (**at - '0');
	return number;
}

/* Take our variable out of the environment, which is handed on to programs without it. */
static const char *take_variable(char **environment)
{
	const char *name = ACTOR_VARIABLE, *found = NULL;
	u64 bytes = length_of(name), kept = 0;

	for (u64 at = 0; environment[at]; at++) {
		u64 same = 0;

		while (same < bytes && environment[at][same] == name[same])
			same++;
		if (same == bytes)
			found = environment[at] + bytes;
		else
			environment[kept++] = environment[at];
	}
	environment[kept] = NULL;
	return found;
}

static void take_memory(long control_file, long plan_file, int first)
{
	u64 bytes = file_bytes(plan_file);
	char *plan;

	if (first && call3(__NR_ftruncate, control_file, sizeof(struct control), 0))
		refuse("no room for the plan");
	acting.control = map_file(control_file, sizeof(struct control), MAP_SHARED_);
	plan = map_file(plan_file, bytes, MAP_SHARED_);
	acting.plan = plan;
	if (acting.control->magic != CONTROL_MAGIC)
		refuse("the control memory is not the recorder's");
	if (first)
		read_or_refuse(plan, bytes);
	bytes = acting.control->actors * STACK_BYTES;
	acting.stacks = map_file(-1, bytes, MAP_PRIVATE_ | MAP_ANONYMOUS_ | MAP_NORESERVE_);
	call3(__NR_madvise, (long)acting.stacks, (long)bytes, MADV_NOHUGEPAGE_);
}

__attribute__((noreturn, used)) static void start(char **stack)
{
	char **argv = stack + 1, **environment = argv + (u64)stack[0] + 1;
	u64 *auxiliary = (u64 *)environment;
	const char *handed;
	long actor, control_file, plan_file;

	while (*auxiliary++)
		;
	for (; auxiliary[0]; auxiliary += 2)
		if (auxiliary[0] == AT_EXECFN_)
			acting.path = (const char *)auxiliary[1];
	handed = take_variable(environment);
	if (!handed) {
		if (stack[0] != (char *)2)
			refuse("usage: proctrace-actor PLAN, which checks a plan");
		check_file(argv[1]);
	}
	if (length_of(handed) > HANDED_BYTES / 2)
		refuse(ACTOR_VARIABLE " is too long");
	acting.environment = environment;
	actor = handed_number(&handed);
	acting.handed = handed;
	control_file = handed_number(&handed);
	plan_file = handed_number(&handed);
	take_memory(control_file, plan_file, !actor);
	if (actor >= acting.control->actors || !acting.path)
		refuse("there is no such actor");
	if (!actor)
		begin_root();
	act((u32)actor);
}

#ifdef HOSTED /* with a C library, for its sanitizers */
int main(int count, char **argv)
{
	(void)count;
	start(argv - 1);
}
#else
__asm__(".globl _start\n"
	"_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"mov %rsp, %rdi\n\t"
	"and $-16, %rsp\n\t"
	"call start\n\t"
	"ud2\n");
#endif
