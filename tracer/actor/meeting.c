// SPDX-License-Identifier: Apache-2.0
// Actors that wait for each other: barriers, and the pause that a kill waits for.
#include "acting.h"

static void sleep_while(u32 *word, u32 value)
{
	/* Not private: the word is in memory that processes share. Returns early, too. */
	call4(__NR_futex, (long)word, FUTEX_WAIT_, value, 0);
}

static void wake_all(u32 *word)
{
	call3(__NR_futex, (long)word, FUTEX_WAKE_, INT32_MAX);
}

void set_state(u32 actor, enum state state)
{
	__atomic_store_n(&acting.control->entry[actor].state, (u32)state, __ATOMIC_SEQ_CST);
}

void meet(u32 actor, u32 number)
{
	struct barrier *barrier = &acting.control->barrier[number];

	if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_SEQ_CST) == barrier->participants) {
		__atomic_store_n(&barrier->open, 1, __ATOMIC_SEQ_CST);
		wake_all(&barrier->open);
		return;
	}
	set_state(actor, STATE_BARRIER);
	while (!__atomic_load_n(&barrier->open, __ATOMIC_SEQ_CST))
		sleep_while(&barrier->open, 0);
	set_state(actor, STATE_RUNNING);
}

void kill_paused(u32 actor, u32 victim, int signal)
{
	struct entry *entry = &acting.control->entry[victim];
	u32 state;
	s32 seen;

	set_state(actor, STATE_KILL);
	while ((state = __atomic_load_n(&entry->state, __ATOMIC_SEQ_CST)) != STATE_PAUSED)
		sleep_while(&entry->state, state);
	set_state(actor, STATE_RUNNING);
	seen = __atomic_load_n(&entry->seen_tid, __ATOMIC_SEQ_CST);
	call3(__NR_kill, seen > 0 ? seen : entry->tid, signal, 0);
}

void pause_for_ever(u32 actor)
{
	set_state(actor, STATE_PAUSED);
	wake_all(&acting.control->entry[actor].state);
	for (;;) {
		if (clock_ns(CLOCK_MONOTONIC_) > acting.control->give_up_ns)
			exit_group(STATUS_GIVEN_UP);
		/* The init of a pid namespace survives the timer that ends all others. */
		sleep_ns(3600UL * 1000000000);
	}
}
