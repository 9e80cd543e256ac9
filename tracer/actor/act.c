// SPDX-License-Identifier: Apache-2.0
// An actor: one operation after the other, to its end.
#include "acting.h"

struct acting acting;

void fail(u32 actor, const char *what, long error)
{
	struct control *control = acting.control;
	u32 none = 0;

	if (__atomic_compare_exchange_n(&control->failed, &none, 2, 0, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		for (int at = 0; at < FAILURE_BYTES - 1 && what[at]; at++)
			control->failure[at] = what[at];
		control->failed_actor = (s32)actor;
		control->failed_error = (s32)error;
		__atomic_store_n(&control->failed, 1, __ATOMIC_SEQ_CST);
	}
	exit_group(STATUS_FAILED);
}

/* With a seed, another order of what is not ordered. */
static void delay(u32 actor, u32 place)
{
	u64 drawn = mix(acting.control->seed, (u64)actor << 32 | place);

	if (drawn % 4 == 0)
		call1(__NR_sched_yield, 0);
	else if (drawn % 4 == 1)
		sleep_ns(drawn / 4 % 200000);
}

static __attribute__((noreturn)) void leave(u32 actor, const struct operation *operation)
{
	set_state(actor, STATE_GONE);
	if (operation->code == OP_EXIT)
		exit_group((int)operation->number[0]);
	if (operation->code == OP_EXIT_THREAD)
		call1(__NR_exit, operation->number[0]);
	call3(__NR_kill, call1(__NR_getpid, 0), operation->number[0], 0);
	for (;;) /* another thread may have got it, which ends this one, too */
		call1(__NR_pause, 0);
}

static void ignore_children(u32 actor)
{
	struct {
		u64 handler, flags, restorer, mask;
	} ignore = { 1, 0, 0, 0 };

	if (call4(__NR_rt_sigaction, SIGCHLD_, (long)&ignore, 0, 8))
		fail(actor, "rt_sigaction", 0);
}

static void change_memory(u32 actor, const struct operation *operation)
{
	const s64 *number = operation->number;
	const struct region *region = &acting.control->region[number[0]];

	if (operation->code == OP_MAP)
		map_region(actor, (u32)number[0]);
	else if (operation->code == OP_UNMAP)
		call3(__NR_munmap, (long)region->address, (long)(region->pages * PAGE_BYTES), 0);
	else
		call3(__NR_madvise, (long)(region->address + (u64)number[2] * PAGE_BYTES),
		      number[3] * (s64)PAGE_BYTES, number[1]);
}

static void perform(u32 actor, const struct operation *operation)
{
	const s64 *number = operation->number;

	switch (operation->code) {
	case OP_READ:
	case OP_WRITE:
		touch_pages(operation);
		return;
	case OP_CREATE:
		create(actor, operation);
		return;
	case OP_WAIT:
	case OP_WAITID:
		wait_for(actor, operation);
		return;
	case OP_WAIT_ALL:
		wait_for_all(actor);
		return;
	case OP_KILL:
		kill_paused(actor, (u32)number[0], (int)number[1]);
		return;
	case OP_BARRIER:
		meet(actor, (u32)number[0]);
		return;
	case OP_SUBREAPER:
		call3(__NR_prctl, PR_SET_CHILD_SUBREAPER_, 1, 0);
		return;
	case OP_IGNORE_CHILDREN:
		ignore_children(actor);
		return;
	case OP_EXEC_ACTOR:
		execute_actor(actor, (u32)number[0]);
	case OP_EXEC_PROGRAM:
		execute_program(actor, operation);
	case OP_PAUSE:
		pause_for_ever(actor);
	case OP_EXIT:
	case OP_EXIT_THREAD:
	case OP_DIE:
		leave(actor, operation);
	default:
		change_memory(actor, operation);
	}
}

void act(u32 actor)
{
	const struct actor *plan = &acting.control->actor[actor];
	struct entry *entry = &acting.control->entry[actor];

	begin_actor(actor);
	for (u32 place = 0; place < plan->operations; place++) {
		__atomic_store_n(&entry->at, place, __ATOMIC_SEQ_CST);
		if (acting.control->seed)
			delay(actor, place);
		perform(actor, &acting.control->operation[plan->first + place]);
	}
	exit_group(STATUS_FAILED); /* not reached: the last operation ends the actor */
}
