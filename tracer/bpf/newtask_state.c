/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* What else copy_process() leaves behind in parent and child: what newtask has no room for. */
#ifdef RECORD_STEPS

enum { NEW_UTS = 1, NEW_IPC = 2, NEW_MNT = 4, NEW_PID = 8, NEW_NET = 16, NEW_TIME = 32,
       NEW_CGROUP = 64, NEW_USER = 128 };

/* A member that this kernel may be built without: its offset is -1 then, and its value 0. */
INLINE u64 peek_maybe(u64 address, s64 offset)
{
	return offset < 0 ? 0 : peek(address + offset);
}

INLINE u64 undo_list_of(u64 task)
{
#if MAYBE_task_struct__sysvsem >= 0 && MAYBE_sysv_sem__undo_list >= 0
	return peek(task + MAYBE_task_struct__sysvsem + MAYBE_sysv_sem__undo_list);
#else
	return 0;
#endif
}

INLINE void seccomp_of(u64 task, u32 *mode, u64 *filter)
{
	*mode = 0;
	*filter = 0;
#if MAYBE_task_struct__seccomp >= 0 && MAYBE_seccomp__filter >= 0
	*mode = peek32(task + MAYBE_task_struct__seccomp + MAYBE_seccomp__mode);
	*filter = peek(task + MAYBE_task_struct__seccomp + MAYBE_seccomp__filter);
#endif
}

INLINE u64 pending_of(u64 pending)
{
	return peek(pending + OFF_sigpending__signal);
}

/* mm_struct.map_count of a task; 0 for a kernel thread */
INLINE s32 mappings_of(u64 task)
{
	u64 mm = peek(task + OFF_task_struct__mm);

	return mm ? peek32(mm + OFF_mm_struct__map_count) : 0;
}

INLINE u8 differs(u64 one, u64 other, s64 offset, u8 bit)
{
	return peek_maybe(one, offset) == peek_maybe(other, offset) ? 0 : bit;
}

INLINE u8 new_namespaces(u64 task, u64 child)
{
	u64 mine = peek(task + OFF_task_struct__nsproxy);
	u64 theirs = peek(child + OFF_task_struct__nsproxy);
	u8 found = differs(peek(task + OFF_task_struct__cred), peek(child + OFF_task_struct__cred),
			   MAYBE_cred__user_ns, NEW_USER);

	if (mine == theirs)
		return found;
	return found | differs(mine, theirs, OFF_nsproxy__uts_ns, NEW_UTS) |
	       differs(mine, theirs, OFF_nsproxy__ipc_ns, NEW_IPC) |
	       differs(mine, theirs, OFF_nsproxy__mnt_ns, NEW_MNT) |
	       differs(mine, theirs, OFF_nsproxy__pid_ns_for_children, NEW_PID) |
	       differs(mine, theirs, OFF_nsproxy__net_ns, NEW_NET) |
	       differs(mine, theirs, MAYBE_nsproxy__time_ns_for_children, NEW_TIME) |
	       differs(mine, theirs, OFF_nsproxy__cgroup_ns, NEW_CGROUP);
}

INLINE void record_newtask_state(struct followed *caller, u64 task, u64 child)
{
	u64 signal = peek(task + OFF_task_struct__signal);
	u64 child_signal = peek(child + OFF_task_struct__signal);
	u64 children = child + OFF_task_struct__children;
	struct newtask_state *r = reserve_newtask_state();

	if (!r)
		return;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_NEWTASK_STATE;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = caller->tid;
	r->child_tid = tid_of(child);
	r->child_start_ns = start_of(child);
	r->pending = pending_of(task + OFF_task_struct__pending);
	r->shared_pending = pending_of(signal + OFF_signal_struct__shared_pending);
	r->child_pending = pending_of(child + OFF_task_struct__pending);
	r->child_shared_pending = pending_of(child_signal + OFF_signal_struct__shared_pending);
	r->blocked = peek(task + OFF_task_struct__blocked);
	r->child_blocked = peek(child + OFF_task_struct__blocked);
	r->child_utime_ns = peek(child + OFF_task_struct__utime);
	r->child_stime_ns = peek(child + OFF_task_struct__stime);
	r->child_min_flt = peek(child + OFF_task_struct__min_flt);
	r->child_maj_flt = peek(child + OFF_task_struct__maj_flt);
	r->child_switches = peek(child + OFF_task_struct__nvcsw) +
			    peek(child + OFF_task_struct__nivcsw);
	r->child_vfork_done = peek(child + OFF_task_struct__vfork_done);
	r->child_set_child_tid = peek(child + OFF_task_struct__set_child_tid);
	r->child_clear_child_tid = peek(child + OFF_task_struct__clear_child_tid);
	r->stack = peek(task + OFF_task_struct__stack);
	r->child_stack = peek(child + OFF_task_struct__stack);
	r->io_context = peek_maybe(task, MAYBE_task_struct__io_context);
	r->child_io_context = peek_maybe(child, MAYBE_task_struct__io_context);
	r->undo_list = undo_list_of(task);
	r->child_undo_list = undo_list_of(child);
	seccomp_of(task, &r->seccomp_mode, &r->seccomp_filter);
	seccomp_of(child, &r->child_seccomp_mode, &r->child_seccomp_filter);
	r->map_count = mappings_of(task);
	r->child_map_count = mappings_of(child);
	r->normal_prio = peek32(task + OFF_task_struct__normal_prio);
	r->child_prio = peek32(child + OFF_task_struct__prio);
	r->static_prio = peek32(task + OFF_task_struct__static_prio);
	r->child_static_prio = peek32(child + OFF_task_struct__static_prio);
	r->child_nr_threads = peek32(child_signal + OFF_signal_struct__nr_threads);
	r->child_has_children = peek(children) != children;
	r->new_namespaces = new_namespaces(task, child);
	submit_newtask_state(r);
}

#endif
