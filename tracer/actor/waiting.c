// SPDX-License-Identifier: Apache-2.0
// wait4() and waitid(), with room for all that they report.
#include "acting.h"

#define RUSAGE_BYTES 144
#define SIGINFO_BYTES 128

/* The pid of an actor as its creator sees it; our own, which is no child of ours, when it was not
 * created: the call then fails with ECHILD, as one for no child does. */
static long pid_of(s64 actor)
{
	const struct entry *entry = &acting.control->entry[actor];
	s32 seen = __atomic_load_n(&entry->seen_tid, __ATOMIC_SEQ_CST);

	if (seen > 0)
		return seen;
	return entry->tid ? entry->tid : call1(__NR_getpid, 0);
}

static long wait4_once(long pid, long options)
{
	u64 usage[RUSAGE_BYTES / 8];
	s32 status;

	return call4(__NR_wait4, pid, (long)&status, options, (long)usage);
}

void wait_for(u32 actor, const struct operation *operation)
{
	const s64 *number = operation->number;
	u64 usage[RUSAGE_BYTES / 8], information[SIGINFO_BYTES / 8];

	set_state(actor, STATE_WAITING);
	if (operation->code == OP_WAIT)
		wait4_once(number[0] == NOBODY ? -1 : pid_of(number[0]), number[1]);
	else
		call6(__NR_waitid, number[2], number[0] == NOBODY ? 0 : pid_of(number[0]),
		      (long)information, number[1], (long)usage, 0);
	set_state(actor, STATE_RUNNING);
}

void wait_for_all(u32 actor)
{
	set_state(actor, STATE_WAITING);
	while (wait4_once(-1, 0) > 0)
		;
	set_state(actor, STATE_RUNNING);
}
