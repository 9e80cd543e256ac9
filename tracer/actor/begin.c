// SPDX-License-Identifier: Apache-2.0
// What each actor does before its first operation: it tells who it is, and sees to it that it ends.
#include "acting.h"

/*
 * The tid that the recorder knows: that of the pid namespace of /proc, also for those who live in
 * another one (proc_thread_self_get_link(), fs/proc/thread_self.c: "TGID/task/TID").
 */
static s32 own_tid(void)
{
	char link[40];
	long bytes = call3(__NR_readlink, (long)"/proc/thread-self", (long)link, sizeof(link));
	s32 tid = 0;

	for (long at = 0; at < bytes; at++)
		tid = link[at] >= '0' && link[at] <= '9' ? tid * 10 + (link[at] - '0') : 0;
	return tid > 0 ? tid : (s32)call1(__NR_gettid, 0);
}

/* Have SIGALRM end this process, a program that it executes, too, whatever becomes of the rest. */
static void set_timer(void)
{
	struct {
		s64 repeat_s, repeat_us, s, us;
	} timer = { 0, 0, 0, 1 };
	u64 now = clock_ns(CLOCK_MONOTONIC_), until = acting.control->give_up_ns;

	if (until > now) {
		timer.s = (s64)((until - now) / 1000000000);
		timer.us = (s64)((until - now) % 1000000000 / 1000) + 1;
	}
	call3(__NR_setitimer, ITIMER_REAL_, (long)&timer, 0);
}

void begin_actor(u32 actor)
{
	struct entry *entry = &acting.control->entry[actor];

	entry->begun_ns = clock_ns(CLOCK_BOOTTIME_);
	__atomic_store_n(&entry->tid, own_tid(), __ATOMIC_SEQ_CST);
	set_state(actor, STATE_RUNNING);
	call3(__NR_prctl, PR_SET_NAME_, (long)acting.control->actor[actor].name, 0);
	if (!acting.control->actor[actor].thread)
		set_timer();
}

void begin_root(void)
{
	struct {
		u64 handler, flags, restorer, mask;
	} standard = { 0, 0, 0, 0 };
	struct {
		u64 soft, hard;
	} core = { 1, 1 };
	u64 none = 0;

	/* Whoever calls may ignore or block signals, as nohup does. */
	for (long signal = 1; signal <= SIGNALS; signal++)
		call4(__NR_rt_sigaction, signal, (long)&standard, 0, sizeof(none));
	call4(__NR_rt_sigprocmask, SIG_UNBLOCK_ALL, (long)&none, 0, sizeof(none));
	/* No core file, and no helper that gets one: of those only a limit of 1 keeps the kernel
	 * (do_coredump(), fs/coredump.c). */
	call4(__NR_prlimit64, 0, RLIMIT_CORE_, (long)&core, 0);
}
