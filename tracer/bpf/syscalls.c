/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The system calls we follow, from entry to return: the clone family, exec, wait. */

#define NR_CLONE 56
#define NR_FORK 57
#define NR_VFORK 58
#define NR_EXECVE 59
#define NR_WAIT4 61
#define NR_WAITID 247
#define NR_EXECVEAT 322
#define NR_CLONE3 435

#define FLAGS_OF_VFORK 0x4100 /* CLONE_VFORK | CLONE_VM, kernel/fork.c SYSCALL_DEFINE0(vfork) */
#define SIGNAL_MASK 0xff      /* CSIGNAL, include/uapi/linux/sched.h */
#define AT_FDCWD_NR -100

enum { GOT_STATUS = 1, GOT_RUSAGE = 2, GOT_SIGINFO = 4 };

/* The x86-64 number of a call made through the 32-bit entry, 0 for one we don't follow. */
INLINE u32 number_of_compat(u32 nr)
{
	switch (nr) {
	case 2: return NR_FORK;
	case 7: return NR_WAIT4; /* waitpid: no rusage */
	case 11: return NR_EXECVE;
	case 114: return NR_WAIT4;
	case 120: return NR_CLONE;
	case 190: return NR_VFORK;
	case 284: return NR_WAITID;
	case 358: return NR_EXECVEAT;
	case 435: return NR_CLONE3;
	}
#ifdef RECORD_FAULTS
	return mapping_number_of_compat(nr);
#else
	return 0;
#endif
}

INLINE u32 number_of_native(u32 nr)
{
	switch (nr) {
	case NR_CLONE:
	case NR_FORK:
	case NR_VFORK:
	case NR_EXECVE:
	case NR_WAIT4:
	case NR_WAITID:
	case NR_EXECVEAT:
	case NR_CLONE3:
		return nr;
	}
#ifdef RECORD_FAULTS
	return mapping_number_of_native(nr);
#else
	return 0;
#endif
}

INLINE u8 is_compat(u64 task)
{
	u32 status = peek32(task + OFF_task_struct__thread_info + OFF_thread_info__status);

	return (status & TS_COMPAT_BIT) != 0;
}

INLINE void read_arguments(struct followed *entry, u64 regs)
{
	if (entry->compat) {
		entry->arg[0] = (u32)peek(regs + OFF_pt_regs__bx);
		entry->arg[1] = (u32)peek(regs + OFF_pt_regs__cx);
		entry->arg[2] = (u32)peek(regs + OFF_pt_regs__dx);
		entry->arg[3] = (u32)peek(regs + OFF_pt_regs__si);
		entry->arg[4] = (u32)peek(regs + OFF_pt_regs__di);
		entry->arg[5] = (u32)peek(regs + OFF_pt_regs__bp);
		return;
	}
	entry->arg[0] = peek(regs + OFF_pt_regs__di);
	entry->arg[1] = peek(regs + OFF_pt_regs__si);
	entry->arg[2] = peek(regs + OFF_pt_regs__dx);
	entry->arg[3] = peek(regs + OFF_pt_regs__r10);
	entry->arg[4] = peek(regs + OFF_pt_regs__r8);
	entry->arg[5] = peek(regs + OFF_pt_regs__r9);
}

/* What clone3 asks for is in user memory, which may change before the call returns: keep
 * {flags, exit_signal, stack, set_tid_size} in arg[0..3]. */
INLINE void read_clone_args(struct followed *entry)
{
	u64 clone_args[10] = {}; /* include/uapi/linux/sched.h, up to set_tid_size */

	entry->args_read =
		!read_user(clone_args, sizeof(clone_args), (void *)entry->arg[0]);
	entry->arg[0] = clone_args[0];
	entry->arg[1] = clone_args[4];
	entry->arg[2] = clone_args[5];
	entry->arg[3] = clone_args[9];
}

/* kernel/fork.c, 6.18: how fork, vfork and clone fill struct kernel_clone_args */
INLINE void normalise_clone(struct followed *entry)
{
	u64 flags = entry->arg[0];

	if (entry->syscall == NR_CLONE3) {
		read_clone_args(entry);
		return;
	}
	entry->args_read = 1;
	if (entry->syscall == NR_CLONE) {
		entry->arg[2] = entry->arg[1];
		entry->arg[0] = (u32)flags & ~SIGNAL_MASK;
		entry->arg[1] = flags & SIGNAL_MASK;
	} else {
		entry->arg[0] = entry->syscall == NR_VFORK ? FLAGS_OF_VFORK : 0;
		entry->arg[1] = SIGCHLD_NR;
		entry->arg[2] = 0;
	}
	entry->arg[3] = 0;
}

/* execve and execveat alike: {path, argv, dirfd, flags} in arg[0..3] */
INLINE void normalise_exec(struct followed *entry)
{
	u64 dirfd = entry->arg[0];

	if (entry->syscall == NR_EXECVEAT) {
		entry->arg[0] = entry->arg[1];
		entry->arg[1] = entry->arg[2];
		entry->arg[2] = dirfd;
		entry->arg[3] = entry->arg[4];
	} else {
		entry->arg[2] = AT_FDCWD_NR;
		entry->arg[3] = 0;
	}
}

INLINE int is_clone(u32 nr)
{
	return nr == NR_CLONE || nr == NR_FORK || nr == NR_VFORK || nr == NR_CLONE3;
}

INLINE void enter_call(struct followed *entry, u64 task, u64 regs, u32 nr, u8 compat, u64 now)
{
	entry->syscall = nr;
	entry->compat = compat;
	entry->enter_ns = now;
	entry->blocked_ns = 0;
	entry->blocked_total_ns = 0;
	entry->woken_ns = 0;
	entry->sleeping_since_ns = 0;
	entry->waker_tid = 0;
	entry->sleeps = 0;
	read_arguments(entry, regs);
	if (nr == NR_EXECVE || nr == NR_EXECVEAT) {
		entry->old_mm = peek(task + OFF_task_struct__mm);
		normalise_exec(entry);
	} else if (is_clone(nr)) {
		normalise_clone(entry);
#ifdef RECORD_STEPS
		open_window(entry, task, regs);
#endif
	}
}

/* sys_enter(struct pt_regs *regs, long id) */
int on_sys_enter(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	u32 native = number_of_native(ctx->args[1]);
	u32 foreign = number_of_compat(ctx->args[1]);
	struct followed *entry;
	u8 compat;
	u32 nr;

	if (!native && !foreign)
		return 0;
	compat = is_compat(task);
	nr = compat ? foreign : native;
	if (!nr)
		return 0;
	entry = follow_wanted(task, nr == NR_EXECVE || nr == NR_EXECVEAT);
	if (entry)
		enter_call(entry, task, ctx->args[0], nr, compat, bpf_ktime_get_ns());
	return 0;
}

INLINE void record_clone_call(struct followed *entry, s64 result)
{
	struct clone_call *r = reserve_clone_call();

	if (!r)
		return;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_CLONE_CALL;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->enter_ns = entry->enter_ns;
	r->syscall = entry->syscall;
	r->compat = entry->compat;
	r->unfinished = 0;
	r->flags = entry->arg[0];
	r->exit_signal = entry->arg[1];
	r->stack = entry->arg[2];
	r->set_tid_size = entry->arg[3];
	r->args_read = entry->args_read;
	r->result = result;
	r->blocked_ns = entry->blocked_ns;
	r->blocked_total_ns = entry->blocked_total_ns;
	r->woken_ns = entry->woken_ns;
	r->waker_tid = entry->waker_tid;
	r->sleeps = entry->sleeps;
	submit_clone_call(r);
}

/* struct rusage of the 64-bit ABI, include/uapi/linux/resource.h */
INLINE void read_rusage(struct wait *r, u64 address)
{
	u64 rusage[10] = {};

	r->ru_utime_us = 0;
	r->ru_stime_us = 0;
	r->ru_maxrss_kib = 0;
	r->ru_minflt = 0;
	r->ru_majflt = 0;
	if (!address || read_user(rusage, sizeof(rusage), (void *)address))
		return;
	r->got |= GOT_RUSAGE;
	r->ru_utime_us = rusage[0] * 1000000 + rusage[1];
	r->ru_stime_us = rusage[2] * 1000000 + rusage[3];
	r->ru_maxrss_kib = rusage[4];
	r->ru_minflt = rusage[8];
	r->ru_majflt = rusage[9];
}

INLINE void read_wait4(struct followed *entry, struct wait *r, s64 result)
{
	r->idtype = -1;
	r->id = entry->arg[0];
	r->options = entry->arg[2];
	r->ns_pid = result > 0 ? result : 0;
	if (result > 0 && entry->arg[1] &&
	    !read_user(&r->status, sizeof(r->status), (void *)entry->arg[1]))
		r->got |= GOT_STATUS;
	read_rusage(r, result > 0 && !entry->compat ? entry->arg[3] : 0);
}

/* siginfo of the x86-64 and of the 32-bit ABI: signo, errno, code, then the SIGCHLD fields */
INLINE void read_waitid(struct followed *entry, struct wait *r, s64 result)
{
	s32 siginfo[7] = {};
	u32 fields = entry->compat ? 3 : 4;

	r->idtype = entry->arg[0];
	r->id = entry->arg[1];
	r->options = entry->arg[3];
	if (result == 0 && entry->arg[2] &&
	    !read_user(siginfo, sizeof(siginfo), (void *)entry->arg[2])) {
		r->got |= GOT_STATUS | GOT_SIGINFO;
		r->code = siginfo[2];
		r->ns_pid = fields == 3 ? siginfo[3] : siginfo[4];
		r->status = fields == 3 ? siginfo[5] : siginfo[6];
	}
	read_rusage(r, r->ns_pid && !entry->compat ? entry->arg[4] : 0);
}

INLINE void record_wait(struct followed *entry, s64 result)
{
	struct wait *r = reserve_wait();

	if (!r)
		return;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_WAIT;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->enter_ns = entry->enter_ns;
	r->syscall = entry->syscall;
	r->compat = entry->compat;
	r->unfinished = 0;
	r->result = result;
	r->got = 0;
	r->ns_pid = 0;
	r->code = 0;
	r->status = 0;
	if (entry->syscall == NR_WAIT4)
		read_wait4(entry, r, result);
	else
		read_waitid(entry, r, result);
	r->blocked_ns = entry->blocked_ns;
	r->blocked_total_ns = entry->blocked_total_ns;
	r->woken_ns = entry->woken_ns;
	r->waker_tid = entry->waker_tid;
	r->sleeps = entry->sleeps;
	submit_wait(r);
}

#ifdef ADOPT_RUNNING
/* A target of -p that slept in a call as recording began: its arguments are still in its
 * registers as it returns, only the time of entry is unknown. */
INLINE struct followed *adopt_inside_call(struct raw_arguments *ctx, u64 task)
{
	u64 regs = ctx->args[0];
	u32 number = peek(regs + OFF_pt_regs__orig_ax);
	u8 compat = is_compat(task);
	u32 nr = compat ? number_of_compat(number) : number_of_native(number);
	struct followed *entry;

	if (nr != NR_WAIT4 && nr != NR_WAITID)
		return 0;
	entry = follow_wanted(task, 0);
	if (entry)
		enter_call(entry, task, regs, nr, compat, 0);
	return entry;
}
#endif

/* sys_exit(struct pt_regs *regs, long ret). A successful exec was taken care of when its image
 * stood ready; a child's own return from clone has no entry here. */
int on_sys_exit(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = followed.lookup(&task);
	s64 result = ctx->args[1];
	u32 nr;

#ifdef ADOPT_RUNNING
	if (!entry)
		entry = adopt_inside_call(ctx, task);
#endif
	if (!entry)
		return 0;
	if (!entry->has_run) /* a new task's own return from clone */
		record_started(entry, bpf_ktime_get_ns(), 1);
	nr = entry->syscall;
	if (!nr)
		return 0;
	if (entry->sleeping_since_ns) { /* the switch back was not seen */
		entry->blocked_total_ns += bpf_ktime_get_ns() - entry->sleeping_since_ns;
		entry->sleeping_since_ns = 0;
	}
	if (nr == NR_EXECVE || nr == NR_EXECVEAT) {
		if (result < 0) {
			begin_exec_failed(entry, task, result);
			entry->syscall = 0;
			continue_argv.call(ctx, 0);
		}
	} else if (nr == NR_WAIT4 || nr == NR_WAITID) {
		record_wait(entry, result);
	} else if (is_clone(nr)) {
#ifdef RECORD_STEPS
		close_window(entry, task);
#endif
		record_clone_call(entry, result);
	}
#ifdef RECORD_FAULTS
	else {
		record_mapping_call(entry, task, result);
	}
#endif
	entry->syscall = 0;
	return 0;
}
