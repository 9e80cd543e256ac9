/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* A task ends: sched_process_exit, with the kernel's own counters and the children left behind. */

/* The next child of the list; 0 at its end. Where the walk stands is kept in the map, so that the
 * verifier need not follow every combination. */
INLINE int record_orphan(struct followed *entry, u64 task, u64 now, u8 is_last)
{
	u64 head = task + OFF_task_struct__children;
	u64 link = entry->orphan_link;
	u64 child = link - OFF_task_struct__sibling;
	u64 next = peek(link);
	u32 tid = tid_of(child);
	struct orphan *r;

	if (link == head || !link || peek(child + OFF_task_struct__real_parent) != task)
		return 0;
	if (!entry->first_orphan) {
		entry->first_orphan = child;
		entry->first_orphan_tid = tid;
	}
	entry->orphans++;
	r = reserve_orphan();
	if (!r)
		return 0;
	r->time_ns = now;
	r->kind = KIND_ORPHAN;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->child_tid = tid;
	r->child_tgid = tgid_of(child);
	r->child_start_ns = start_of(child);
	r->truncated = is_last && next != head;
	submit_orphan(r);
	/* Last, for up to 6.1 the verifier takes a call right before a loop's head for an endless
	 * loop (push_insn() of check_cfg()). */
	entry->orphan_link = next;
	return 1;
}

/*
 * Walks task->children without tasklist_lock. A list that changes under our feet is noticed,
 * since every entry must still have this task as its real_parent.
 */
INLINE void record_orphans(struct followed *entry, u64 task, u64 now)
{
	entry->orphan_link = peek(task + OFF_task_struct__children);
	for (int i = 0; i < ORPHANS_MAX; i++) {
		if (!record_orphan(entry, task, now, i == ORPHANS_MAX - 1))
			return;
	}
}

INLINE void record_exit(struct followed *entry, u64 task, u32 group_dead)
{
	u64 signal = peek(task + OFF_task_struct__signal);
	u64 parent = peek(task + OFF_task_struct__real_parent);
	struct exit *r = reserve_exit();

	if (!r)
		return;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_EXIT;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->real_parent_tid = tid_of(parent);
	r->real_parent_tgid = tgid_of(parent);
	r->real_parent_start_ns = start_of(parent);
	r->exit_code = peek32(task + OFF_task_struct__exit_code);
	r->group_exit_code = peek32(signal + OFF_signal_struct__group_exit_code);
	r->signal_flags = peek32(signal + OFF_signal_struct__flags);
	r->group_dead = group_dead;
	r->orphans = entry->orphans;
	r->flags = peek32(task + OFF_task_struct__flags);
	r->min_flt = peek(task + OFF_task_struct__min_flt);
	r->maj_flt = peek(task + OFF_task_struct__maj_flt);
	r->utime_ns = peek(task + OFF_task_struct__utime);
	r->stime_ns = peek(task + OFF_task_struct__stime);
	r->runtime_ns = peek(task + OFF_task_struct__se + OFF_sched_entity__sum_exec_runtime);
	r->nvcsw = peek(task + OFF_task_struct__nvcsw);
	r->nivcsw = peek(task + OFF_task_struct__nivcsw);
	r->maxrss_pages = peek(signal + OFF_signal_struct__maxrss);
	r->mm = peek(task + OFF_task_struct__mm);
	r->cgroup = cgroup_of(task);
	r->uid = uid_of(task);
	read_comm(r->comm, task);
	submit_exit(r);
}

#if ARG_sched_process_exit__bool < 0
/* By signal_struct, whose address may serve another process later: the start of the leader. */
BPF_TABLE("lru_hash", u64, u64, ended_processes, 4096);
#endif

/* Whether do_exit() found itself the last of its process. Up to 6.15 that is not told: of several
 * that end at the same moment each may see that none is left. There is one last task, so the first
 * of them is taken for it. */
INLINE u32 last_of_process(struct raw_arguments *ctx, struct followed *entry, u64 task)
{
#if ARG_sched_process_exit__bool >= 0
	return (u8)ctx->args[ARG_sched_process_exit__bool];
#else
	u64 signal = peek(task + OFF_task_struct__signal);
	u64 leader_start_ns = entry->leader_start_ns;
	u64 *ended;

	if (peek32(signal + OFF_signal_struct__live))
		return 0;
	if (!ended_processes.insert(&signal, &leader_start_ns))
		return 1;
	ended = ended_processes.lookup(&signal);
	if (ended && *ended == leader_start_ns)
		return 0;
	ended_processes.update(&signal, &leader_start_ns);
	return 1;
#endif
}

/*
 * sched_process_exit(task[, bool group_dead since 6.16]). do_exit() has dropped signal->live and
 * set exit_code and signal->maxrss before, in every version since 5.10.
 */
int on_sched_process_exit(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = follow_wanted(task, 0);
	u64 now;

	if (!entry)
		return 0;
	now = bpf_ktime_get_ns();
	if (!entry->has_run)
		record_started(entry, now, 1);
	add(COUNT_EXIT, 1);
#ifdef ADOPT_RUNNING
	wanted_tids.delete(&entry->tid);
#endif
#ifdef RECORD_FAULTS
	end_fault();
#endif
	entry->ended = 1;
	entry->syscall = 0;
	record_orphans(entry, task, now);
	record_exit(entry, task, last_of_process(ctx, entry, task));
	return 0;
}
