// SPDX-License-Identifier: Apache-2.0
// Checks operations, one by one and all together.
#include "operations.h"

static const u8 numbers_used[OP_CODES] = {
	[OP_MAP] = 1, [OP_UNMAP] = 1, [OP_MADVISE] = 4, [OP_READ] = 6, [OP_WRITE] = 6,
	[OP_CREATE] = 4, [OP_EXEC_ACTOR] = 1, [OP_EXEC_PROGRAM] = 2, [OP_WAIT] = 2,
	[OP_WAITID] = 3, [OP_EXIT] = 1, [OP_EXIT_THREAD] = 1, [OP_DIE] = 1, [OP_KILL] = 2,
	[OP_BARRIER] = 1,
};

static int within(s64 number, s64 low, s64 high)
{
	return number >= low && number <= high;
}

int ends_actor(int code)
{
	return code == OP_EXEC_ACTOR || code == OP_EXEC_PROGRAM || code == OP_EXIT ||
	       code == OP_EXIT_THREAD || code == OP_DIE || code == OP_PAUSE;
}

static const char *check_pages(const struct control *control, const s64 *number, s64 first,
			       s64 count)
{
	s64 pages;

	if (!within(number[0], 0, (s64)control->regions - 1))
		return "there is no region of that number";
	pages = (s64)control->region[number[0]].pages;
	if (!within(first, 0, pages) || !within(count, 0, pages - first))
		return "there are pages beyond the end of the region";
	return NULL;
}

static const char *check_touch(const struct control *control, const s64 *number)
{
	s64 first = number[1], count = number[2], step = number[3], seed = number[4];
	s64 span = number[5], last;

	if (seed == NO_SEED) {
		if (!within(step, 1, 1L << 40) || !within(count, 0, PAGES_MAX) || first < 0)
			return "there are pages that no region has";
		if (!count)
			return check_pages(control, number, 0, 0);
		if (__builtin_mul_overflow(count - 1, step, &last) ||
		    __builtin_add_overflow(last, first, &last))
			return "there are pages that no region has";
		return check_pages(control, number, last, 1);
	}
	if (seed < 0 || !within(count, 0, 1L << 40) || (count && span < 1))
		return "random pages need a seed, and pages to draw from";
	return check_pages(control, number, first, span);
}

static const char *check_create(const s64 *number)
{
	u64 flags = (u64)number[1];

	if (number[1] < 0 || flags >> 33 || !within(number[2], 0, SIGNALS))
		return "there are no such flags, or no such signal";
	switch (number[3]) {
	case __NR_fork:
		return flags || number[2] != SIGCHLD_ ? "fork has no flags of its own" : NULL;
	case __NR_vfork:
		if (flags != (CLONE_VM_ | CLONE_VFORK_) || number[2] != SIGCHLD_)
			return "vfork has the flags 0x4100 and SIGCHLD";
		return NULL;
	case __NR_clone:
		return flags >> 32 || flags & 0xff ? "clone has flags from 0x100 to 2^32" : NULL;
	case __NR_clone3:
		return NULL;
	}
	return "tasks are created by 56 clone, 57 fork, 58 vfork or 435 clone3";
}

static const char *check_memory(const struct control *control, const struct operation *operation)
{
	const s64 *number = operation->number;

	switch (operation->code) {
	case OP_MAP:
	case OP_UNMAP:
		return check_pages(control, number, 0, 0);
	case OP_MADVISE:
		if (!within(number[1], 0, 1 << 16))
			return "there is no such advice";
		return check_pages(control, number, number[2], number[3]);
	default:
		return check_touch(control, number);
	}
}

static int is_other(const struct control *control, s64 actor)
{
	return within(actor, 0, (s64)control->actors - 1);
}

static const char *check_other(const struct control *control, const struct operation *operation)
{
	const s64 *number = operation->number;
	int whose = is_other(control, number[0]);

	switch (operation->code) {
	case OP_CREATE:
		return whose ? check_create(number) : "there is no actor of that number";
	case OP_EXEC_ACTOR:
		return whose ? NULL : "there is no actor of that number";
	case OP_KILL:
		return whose && within(number[1], 1, SIGNALS)
			       ? NULL : "there is no such actor, or no such signal";
	default:
		if (!(whose || number[0] == NOBODY) || !within(number[1], 0, UINT32_MAX))
			return "there is no such actor, or there are no such options";
		if (operation->code == OP_WAITID && number[2] != (number[0] != NOBODY))
			return "waitid is for all, or for one actor";
		return NULL;
	}
}

const char *check_operation(const struct control *control, const struct operation *operation)
{
	const s64 *number = operation->number;

	for (int place = numbers_used[operation->code]; place < NUMBERS; place++)
		if (number[place])
			return "an operation has a number that it does not take";
	switch (operation->code) {
	case OP_MAP:
	case OP_UNMAP:
	case OP_MADVISE:
	case OP_READ:
	case OP_WRITE:
		return check_memory(control, operation);
	case OP_CREATE:
	case OP_EXEC_ACTOR:
	case OP_KILL:
	case OP_WAIT:
	case OP_WAITID:
		return check_other(control, operation);
	case OP_EXIT:
	case OP_EXIT_THREAD:
		return within(number[0], 0, 255) ? NULL : "a status is from 0 to 255";
	case OP_EXEC_PROGRAM:
		return within(number[1], 0, 255) ? NULL : "a status is from 0 to 255";
	case OP_DIE:
		return within(number[0], 1, SIGNALS) ? NULL : "there is no such signal";
	case OP_BARRIER:
		return within(number[0], 0, (s64)control->barriers - 1)
			       ? NULL : "there is no barrier of that number";
	}
	return NULL;
}

static const char *note_begin(struct control *control, u32 by, const struct operation *operation)
{
	u8 made = operation->code == OP_CREATE ? MADE_CREATED : MADE_EXECUTED;
	struct actor *begun = &control->actor[operation->number[0]];

	if (begun->parent != (s32)by || begun->made != made || begun->begins++)
		return "an actor is begun once, by its parent, in the way that it says";
	begun->thread = made == MADE_CREATED && operation->number[1] & CLONE_THREAD_;
	return NULL;
}

const char *check_plan(struct control *control)
{
	const char *why = NULL;

	for (u32 by = 0; !why && by < control->actors; by++) {
		const struct actor *actor = &control->actor[by];

		for (u32 place = 0; !why && place < actor->operations; place++) {
			const struct operation *operation = &control->operation[actor->first + place];

			if (operation->code == OP_CREATE || operation->code == OP_EXEC_ACTOR)
				why = note_begin(control, by, operation);
			if (operation->code == OP_BARRIER)
				control->barrier[operation->number[0]].meant++;
		}
	}
	for (u32 at = 1; !why && at < control->actors; at++)
		if (!control->actor[at].begins)
			why = "there is an actor that nobody begins";
	for (u32 at = 0; !why && at < control->barriers; at++)
		if (control->barrier[at].meant != control->barrier[at].participants)
			why = "a barrier has other participants than it says";
	return why;
}
