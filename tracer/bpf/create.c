/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* A task comes into being: task_newtask, sched_process_fork, sched_wakeup_new. */

INLINE void record_newtask(struct followed *caller, u64 task, u64 child, u64 clone_flags)
{
	struct newtask *r = reserve_newtask();
	u64 parent;

	if (!r)
		return;
	parent = peek(child + OFF_task_struct__real_parent);
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_NEWTASK;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = caller->tid;
	r->tgid = caller->tgid;
	r->start_ns = caller->start_ns;
	r->child_tid = tid_of(child);
	r->child_tgid = tgid_of(child);
	r->child_start_ns = start_of(child);
	r->child_leader_start_ns = start_of(peek(child + OFF_task_struct__group_leader));
	r->real_parent_tid = tid_of(parent);
	r->real_parent_tgid = tgid_of(parent);
	r->real_parent_start_ns = start_of(parent);
	r->clone_flags = clone_flags;
	r->exit_signal = peek32(child + OFF_task_struct__exit_signal);
	r->child_state = state_of(child);
	r->flags = peek32(task + OFF_task_struct__flags);
	r->child_flags = peek32(child + OFF_task_struct__flags);
	namespace_of(child, &r->pidns_level, &r->pidns_inum, &r->ns_tid);
	r->uid = uid_of(child);
	r->cgroup = cgroup_of(child);
	r->mm = peek(task + OFF_task_struct__mm);
	r->files = peek(task + OFF_task_struct__files);
	r->fs = peek(task + OFF_task_struct__fs);
	r->sighand = peek(task + OFF_task_struct__sighand);
	r->signal = peek(task + OFF_task_struct__signal);
	r->nsproxy = peek(task + OFF_task_struct__nsproxy);
	r->cred = peek(task + OFF_task_struct__cred);
	r->child_mm = peek(child + OFF_task_struct__mm);
	r->child_files = peek(child + OFF_task_struct__files);
	r->child_fs = peek(child + OFF_task_struct__fs);
	r->child_sighand = peek(child + OFF_task_struct__sighand);
	r->child_signal = peek(child + OFF_task_struct__signal);
	r->child_nsproxy = peek(child + OFF_task_struct__nsproxy);
	r->child_cred = peek(child + OFF_task_struct__cred);
	read_comm(r->comm, child);
	submit_newtask(r);
}

/* task_newtask(struct task_struct *child, unsigned long clone_flags): in copy_process(), 6.18, after
 * the last step that can fail and before the child can run. */
int on_task_newtask(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	u64 child = ctx->args[0];
	struct followed *caller = follow_wanted(task, 0);

	if (!caller) {
		add(COUNT_NEWTASK_OTHER, 1);
#ifdef WANTED_CGROUP
		adopt_by_cgroup(child);
#endif
		return 0;
	}
	add(COUNT_NEWTASK, 1);
	start_following(child);
	record_newtask(caller, task, child, ctx->args[1]);
#ifdef RECORD_FAULTS
	record_fork_rss(caller, task, child, ctx->args[1]);
#endif
#ifdef RECORD_STEPS
	record_newtask_state(caller, task, child);
#endif
	return 0;
}

/* sched_process_fork(parent, child): in kernel_clone(), 6.18, right after copy_process(). */
int on_sched_process_fork(struct raw_arguments *ctx)
{
	u64 child = ctx->args[1];
	struct followed *entry = followed.lookup(&child);

	if (entry)
		entry->fork_ns = bpf_ktime_get_ns();
	return 0;
}

/* sched_wakeup_new(child): in wake_up_new_task(). */
int on_sched_wakeup_new(struct raw_arguments *ctx)
{
	u64 child = ctx->args[0];
	struct followed *entry = followed.lookup(&child);

	if (entry)
		entry->wakeup_new_ns = bpf_ktime_get_ns();
	return 0;
}
