// SPDX-License-Identifier: Apache-2.0
// Creating tasks by the bare system calls, and executing.
#include "acting.h"
#include "operations.h"

struct clone3_arguments {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

/* Where a new task begins, on its own stack. */
__attribute__((noreturn, used)) static void begin(u32 actor)
{
	act(actor);
}

/*
 * The call, and in the child at once a stack of its own: a child that shares the memory (vfork has
 * no argument for a stack) must never write to the frame that its parent comes back to. Nothing is
 * read from or written to the old stack in between.
 */
__attribute__((noinline)) static long create_task(long number, const long *argument, const char *stack,
						  u32 actor)
{
	register long d __asm__("r10") = argument[3];
	register long e __asm__("r8") = argument[4];
	register const char *top __asm__("r12") = stack;
	register long which __asm__("r13") = actor;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %%r12, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13d, %%edi\n\t"
			 "call begin\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "a"(number), "D"(argument[0]), "S"(argument[1]), "d"(argument[2]), "r"(d),
			   "r"(e), "r"(top), "r"(which)
			 : "rcx", "r11", "memory");
	return result;
}

static long clone3_task(struct entry *entry, u64 flags, long signal, const char *stack, u32 actor)
{
	struct clone3_arguments arguments = {
		.flags = flags,
		.pidfd = (u64)&entry->pidfd_word,
		.child_tid = (u64)&entry->child_tid_word,
		.parent_tid = (u64)&entry->parent_tid_word,
		.exit_signal = (u64)signal,
	};
	long argument[5] = { (long)&arguments, sizeof(arguments) };

	if (flags & CLONE_VM_) {
		arguments.stack = (u64)stack - STACK_BYTES;
		arguments.stack_size = STACK_BYTES;
	}
	return create_task(__NR_clone3, argument, stack, actor);
}

void create(u32 actor, const struct operation *operation)
{
	u32 child = (u32)operation->number[0];
	u64 flags = (u64)operation->number[1];
	long signal = operation->number[2], call = operation->number[3], result;
	struct entry *entry = &acting.control->entry[child];
	const char *stack = acting.stacks + (child + 1) * STACK_BYTES;
	long argument[5] = { 0 };

	if (flags & CLONE_VFORK_)
		set_state(actor, STATE_VFORK);
	if (call == __NR_clone3) {
		result = clone3_task(entry, flags, signal, stack, child);
	} else {
		if (call == __NR_clone) {
			argument[0] = (long)flags | signal;
			argument[1] = flags & CLONE_VM_ ? (long)stack : 0;
			argument[2] = (long)&entry->parent_tid_word;
			argument[3] = (long)&entry->child_tid_word;
		}
		result = create_task(call, argument, stack, child);
	}
	__atomic_store_n(&entry->seen_tid, (s32)result, __ATOMIC_SEQ_CST);
	if (flags & CLONE_VFORK_)
		set_state(actor, STATE_RUNNING);
}

/* Names the next actor in the environment, which no recording shows unless asked to. */
static void name_next(char *text, u32 next)
{
	const char *handed = acting.handed;
	char digits[11];
	int count = 0;

	for (const char *name = ACTOR_VARIABLE; *name; name++)
		*text++ = *name;
	do
		digits[count++] = (char)('0' + next % 10);
	while (next /= 10);
	while (count)
		*text++ = digits[--count];
	while ((*text++ = *handed++))
		;
}

void execute_actor(u32 actor, u32 next)
{
	const char *argv[2] = { acting.control->actor[next].name, NULL };
	const char *environment[ENVIRONMENT_MAX];
	char text[HANDED_BYTES];
	u32 count = 0;

	while (count < ENVIRONMENT_MAX - 2 && acting.environment[count]) {
		environment[count] = acting.environment[count];
		count++;
	}
	name_next(text, next);
	environment[count++] = text;
	environment[count] = NULL;
	set_state(actor, STATE_GONE);
	fail(actor, "execve of itself", -call3(__NR_execve, (long)acting.path, (long)argv,
					       (long)environment));
}

void execute_program(u32 actor, const struct operation *operation)
{
	const char *argv[ARGUMENTS_MAX + 1];
	const char *at = acting.plan + operation->text;

	for (s64 count = 0; count < operation->number[0]; count++) {
		if (count)
			for (int spaces = 0; spaces <= NUMBERS; spaces++)
				while (*at++ != ' ')
					;
		argv[count] = at;
		while (*at++)
			;
	}
	argv[operation->number[0]] = NULL;
	/* Its files are not for programs; where the kernel is older than 5.11 they see them. */
	call3(__NR_close_range, 3, UINT32_MAX, CLOSE_UNSHARED_AT_EXEC);
	set_state(actor, STATE_GONE);
	fail(actor, argv[0], -call3(__NR_execve, (long)argv[0], (long)argv, (long)acting.environment));
}
