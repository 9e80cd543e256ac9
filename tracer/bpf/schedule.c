/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* When a followed task first runs, sleeps in a call we follow, is woken, and is gone for good. */

/* `late` is 1 when no switch to the task was seen before its first own event: some hosts hide
 * switches from certain tasks, and `now` is then an upper bound. */
INLINE void record_started(struct followed *entry, u64 now, u8 late)
{
	struct started *r;

	entry->has_run = 1;
	r = reserve_started();
	if (!r)
		return;
	r->time_ns = now;
	r->kind = KIND_STARTED;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->fork_ns = entry->fork_ns;
	r->wakeup_new_ns = entry->wakeup_new_ns;
	r->late = late;
	submit_started(r);
}

/*
 * exit_notify() gave all children to one reaper (find_new_reaper() runs once per father,
 * forget_original_parent(), 6.18), so the first child's real_parent tells it. The child may be
 * gone by now: then its memory no longer carries its tid, and the reaper stays unknown.
 */
INLINE void record_dead(struct followed *entry, u64 task, u64 now)
{
	struct dead *r = reserve_dead();
	u64 reaper;

	if (!r)
		return;
	r->time_ns = now;
	r->kind = KIND_DEAD;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->exit_state = peek32(task + OFF_task_struct__exit_state);
	/* A leader that ended before its threads is a zombie at its own last switch, and is
	 * reaped, if the parent ignores SIGCHLD, only as its last thread is released
	 * (release_task(), kernel/exit.c, 6.18). */
	r->leader_exit_state = peek32(peek(task + OFF_task_struct__group_leader) +
				      OFF_task_struct__exit_state);
	r->orphans = entry->orphans;
	r->reaper_tid = 0;
	r->reaper_tgid = 0;
	r->reaper_start_ns = 0;
	if (entry->first_orphan && tid_of(entry->first_orphan) == entry->first_orphan_tid) {
		reaper = peek(entry->first_orphan + OFF_task_struct__real_parent);
		if (reaper != task) {
			r->reaper_tid = tid_of(reaper);
			r->reaper_tgid = tgid_of(reaper);
			r->reaper_start_ns = start_of(reaper);
		}
	}
	submit_dead(r);
}

/* sched_switch(bool preempt, prev, next, ...) */
int on_sched_switch(struct raw_arguments *ctx)
{
	u64 prev = ctx->args[ARG_SWITCH_PREV];
	u64 next = ctx->args[ARG_SWITCH_PREV + 1];
	u64 now = bpf_ktime_get_ns();
	struct followed *entry = followed.lookup(&next);
	u32 state;

#ifdef RECORD_FAULTS
	forget_running();
#endif
	if (entry) {
		if (!entry->has_run)
			record_started(entry, now, 0);
		if (entry->sleeping_since_ns) {
			entry->blocked_total_ns += now - entry->sleeping_since_ns;
			entry->sleeping_since_ns = 0;
		}
	}
	entry = followed.lookup(&prev);
	if (!entry)
		return 0;
	if (entry->ended) {
		if (state_of(prev) & TASK_DEAD_STATE) {
			record_dead(entry, prev, now);
			followed.delete(&prev);
			add(COUNT_LIVE, -1);
			add(COUNT_DEAD, 1);
		}
		return 0;
	}
	if (!entry->syscall || (ctx->args[0] & 1))
		return 0;
	state = state_of(prev);
	if (!state)
		return 0;
	if (!entry->blocked_ns)
		entry->blocked_ns = now;
	entry->sleeping_since_ns = now;
	entry->sleeps++;
	return 0;
}

/* sched_waking(task): runs in the context of the task that wakes. */
int on_sched_waking(struct raw_arguments *ctx)
{
	u64 task = ctx->args[0];
	struct followed *entry = followed.lookup(&task);

	if (!entry || !entry->sleeping_since_ns)
		return 0;
	entry->woken_ns = bpf_ktime_get_ns();
	entry->waker_tid = bpf_get_current_pid_tgid();
	return 0;
}
