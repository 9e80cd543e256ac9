/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Whom we follow, what we know of each, and how records reach their ring.
 *
 * The key is the task_struct's address: unlike the tid it is the same before and after an exec by
 * a non-leader thread (de_thread() exchanges tids), and it can't be used again before the task's
 * last switch, where the entry is deleted.
 *
 * Kernel members are read by offset: the tokens OFF_<struct>__<member> are defined from the running
 * kernel's BTF by tracer/offsets.py, so no kernel header is needed.
 */
#define BPF_LICENSE Dual MIT/GPL
#define INLINE static inline __attribute__((always_inline))

#define SIGCHLD_NR 17
#define TASK_DEAD_STATE 0x80 /* include/linux/sched.h, TASK_DEAD, since 4.14 */
#define TS_COMPAT_BIT 0x2    /* arch/x86/include/asm/thread_info.h, TS_COMPAT */

enum { LOST_SMALL, LOST_LARGE, LOST_TEXT, LOST_FOLLOWED, LOST_SCRATCH, LOST_FAULT,
       LOST_STEP, LOST_SLOTS };
enum { COUNT_LIVE, COUNT_NEWTASK, COUNT_NEWTASK_OTHER, COUNT_EXIT, COUNT_DEAD, COUNT_SLOTS };
enum { ADOPT_AT_EXEC = 1, ADOPT_AT_ONCE = 2 };

#ifdef RECORD_FAULTS
/* The page fault that a task is in; ns of 0 is none. */
struct pending_fault {
	u64 ns;
	u64 address;
	u64 ip;
	u64 pte;
	u64 slot;
	s32 refcount;
	s32 mapcount;
	u8 level;
	u8 error;
	u8 flags;
};
#endif

struct followed {
	u64 start_ns;
	u64 leader_start_ns;
	u32 tid;
	u32 tgid;
	u32 orphans;
	u32 first_orphan_tid;
	u64 first_orphan;
	u64 orphan_link;
	u64 fork_ns;
	u64 wakeup_new_ns;
	/* the system call it is in: 0 is none of those we follow */
	u16 syscall;
	u8 compat;
	u8 has_run;
	u8 ended;
	u8 args_read;
	u16 piece_flags;
	u64 enter_ns;
	u64 arg[6];
	u64 old_mm;
	u64 blocked_ns;
	u64 blocked_total_ns;
	u64 woken_ns;
	u64 sleeping_since_ns;
	u32 waker_tid;
	u32 sleeps;
#ifdef RECORD_FAULTS
	struct pending_fault fault;
#endif
#ifdef RECORD_STEPS
	/* its stack while it is in a call of the clone family, else 0 */
	u64 stack_end;
	u64 stack_top;
#endif
	/* where reading the arguments of a failed exec goes on */
	u64 exec_failed_ns;
	u32 argv_index;
	u32 argv_bytes;
	u64 argv_within;
	u32 piece_used;
};

struct lost_count {
	u64 count;
	u64 first_ns;
	u64 last_ns;
};

struct raw_arguments {
	u64 args[5];
};

BPF_HASH(followed, u64, struct followed, FOLLOWED_MAX);
BPF_HASH(wanted_tids, u32, u32, 32768);
BPF_PERCPU_ARRAY(lost, struct lost_count, LOST_SLOTS);
BPF_ARRAY(counts, u64, COUNT_SLOTS);
/* Whose own calls are none of those recorded. */
BPF_ARRAY(recorder_tgid, u32, 1);
BPF_RINGBUF_OUTPUT(small, SMALL_RING_PAGES);
BPF_RINGBUF_OUTPUT(large, LARGE_RING_PAGES);
BPF_RINGBUF_OUTPUT(text, TEXT_RING_PAGES);
#ifdef RECORD_FAULTS
BPF_RINGBUF_OUTPUT(faults, FAULT_RING_PAGES);
#endif
#ifdef RECORD_STEPS
BPF_RINGBUF_OUTPUT(steps, STEP_RING_PAGES);
#endif

/* For every bpf_probe_read_user() that bcc finds in the text it reads all of /proc/kallsyms, which
 * takes 60 ms, to learn whether the kernel has that helper. Under names of our own the helpers
 * are called without that; they exist since 5.5. */
static long (*read_user)(void *to, u32 bytes, const void *from) = (void *)BPF_FUNC_probe_read_user;
static long (*read_user_string)(void *to, u32 bytes, const void *from) =
	(void *)BPF_FUNC_probe_read_user_str;

#ifdef DIRECT_READ_TYPE
/* The call is turned into one of the kernel function bpf_rdonly_cast() (kernel/bpf/helpers.c,
 * since 6.2) by tracer/direct_reads.py: what it gives may be read with plain loads, which cost a
 * twentieth of a helper's call and give 0 where there is no memory. */
static void *(*direct_read)(u64 address, u64 type_id) = (void *)DIRECT_READ_CALL;

INLINE u64 peek(u64 address)
{
	return *(volatile u64 *)direct_read(address, DIRECT_READ_TYPE);
}

INLINE u32 peek32(u64 address)
{
	return *(volatile u32 *)direct_read(address, DIRECT_READ_TYPE);
}
#else
INLINE u64 peek(u64 address)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

INLINE u32 peek32(u64 address)
{
	u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}
#endif

INLINE void add(int which, s64 amount)
{
	int slot = which;
	u64 *count = counts.lookup(&slot);

	if (count)
		__sync_fetch_and_add(count, amount);
}

INLINE void count_lost(int which)
{
	int slot = which;
	struct lost_count *count = lost.lookup(&slot);
	u64 now = bpf_ktime_get_ns();

	if (!count)
		return;
	if (!count->count)
		count->first_ns = now;
	count->last_ns = now;
	count->count++;
}

/* A ring that is not full refuses a record, too, when its lock is not got within a millisecond or
 * so, as happens while the virtual CPU that holds it is not run (raw_res_spin_lock_irqsave() in
 * __bpf_ringbuf_reserve(), kernel/bpf/ringbuf.c, since 6.15). So each is asked several times. */
#define RESERVE_ATTEMPTS 8

INLINE void *reserve_small(void)
{
	void *slot = 0;

#pragma unroll
	for (int i = 0; i < RESERVE_ATTEMPTS && !slot; i++)
		slot = small.ringbuf_reserve(SMALL_SLOT_BYTES);
	if (!slot)
		count_lost(LOST_SMALL);
	return slot;
}

INLINE void *reserve_large(void)
{
	void *slot = 0;

#pragma unroll
	for (int i = 0; i < RESERVE_ATTEMPTS && !slot; i++)
		slot = large.ringbuf_reserve(LARGE_SLOT_BYTES);
	if (!slot)
		count_lost(LOST_LARGE);
	return slot;
}

#ifdef RECORD_FAULTS
INLINE void *reserve_faults(void)
{
	void *slot = 0;

#pragma unroll
	for (int i = 0; i < RESERVE_ATTEMPTS && !slot; i++)
		slot = faults.ringbuf_reserve(FAULT_SLOT_BYTES);
	if (!slot)
		count_lost(LOST_FAULT);
	return slot;
}

INLINE void submit_faults(void *slot)
{
	faults.ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}
#endif

#ifdef RECORD_STEPS
INLINE void *reserve_steps(void)
{
	void *slot = 0;

#pragma unroll
	for (int i = 0; i < RESERVE_ATTEMPTS && !slot; i++)
		slot = steps.ringbuf_reserve(STEP_SLOT_BYTES);
	if (!slot)
		count_lost(LOST_STEP);
	return slot;
}

INLINE void submit_steps(void *slot)
{
	steps.ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}
#endif

/* The recorder polls on a timer: a wake-up per record would cost more than the record. */
INLINE void submit_small(void *slot)
{
	small.ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}

INLINE void submit_large(void *slot)
{
	large.ringbuf_submit(slot, BPF_RB_NO_WAKEUP);
}

INLINE u32 tid_of(u64 task)
{
	return peek32(task + OFF_task_struct__pid);
}

INLINE u32 tgid_of(u64 task)
{
	return peek32(task + OFF_task_struct__tgid);
}

#define COMM_BYTES 16 /* TASK_COMM_LEN, include/linux/sched.h */

/* Until Linux 5.17, commit 06c5088aeecf, __set_task_comm() (fs/exec.c) leaves what a longer name left
 * behind the end of a shorter one, which is no part of it. */
INLINE void read_comm(char comm[COMM_BYTES], u64 task)
{
	__builtin_memset(comm, 0, COMM_BYTES);
	bpf_probe_read_kernel_str(comm, COMM_BYTES, (void *)(task + OFF_task_struct__comm));
}

INLINE u64 start_of(u64 task)
{
	return peek(task + OFF_task_struct__start_boottime);
}

INLINE u32 state_of(u64 task)
{
	return peek32(task + OFF_task_struct____state);
}

INLINE u64 cgroup_of(u64 task)
{
	u64 css_set = peek(task + OFF_task_struct__cgroups);
	u64 cgroup = peek(css_set + OFF_css_set__dfl_cgrp);

	return peek(peek(cgroup + OFF_cgroup__kn) + OFF_kernfs_node__id);
}

INLINE u32 uid_of(u64 task)
{
	return peek32(peek(task + OFF_task_struct__cred) + OFF_cred__uid);
}

/* task_active_pid_ns() and task_pid_vnr(), kernel/pid.c: the last of the pid's numbers. */
INLINE void namespace_of(u64 task, u32 *level, u32 *inum, u32 *ns_tid)
{
	u64 pid = peek(task + OFF_task_struct__thread_pid);
	u32 depth = peek32(pid + OFF_pid__level);
	u64 upid = pid + OFF_pid__numbers + (u64)depth * SIZE_upid;
	u64 ns = peek(upid + OFF_upid__ns);

	*level = depth;
	*ns_tid = peek32(upid + OFF_upid__nr);
	*inum = peek32(ns + OFF_pid_namespace__ns + OFF_ns_common__inum);
}

INLINE struct followed *start_following(u64 task)
{
	struct followed fresh = {};
	struct followed *entry;

	fresh.tid = tid_of(task);
	fresh.tgid = tgid_of(task);
	fresh.start_ns = start_of(task);
	fresh.leader_start_ns = start_of(peek(task + OFF_task_struct__group_leader));
	if (followed.update(&task, &fresh)) {
		count_lost(LOST_FOLLOWED);
		return 0;
	}
	add(COUNT_LIVE, 1);
	entry = followed.lookup(&task);
	return entry;
}

INLINE int is_recorder(u64 task)
{
	int first = 0;
	u32 *tgid = recorder_tgid.lookup(&first);

	return tgid && tgid_of(task) == *tgid;
}

/* Begin to follow a task that existed before, and say who it is. */
INLINE struct followed *adopt(u64 task)
{
	struct followed *entry;
	struct adopted *r;
	u64 parent;

	if (is_recorder(task))
		return 0;
	entry = start_following(task);
	if (!entry)
		return 0;
	entry->has_run = 1;
	r = reserve_adopted();
	if (!r)
		return entry;
	parent = peek(task + OFF_task_struct__real_parent);
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_ADOPTED;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->leader_start_ns = entry->leader_start_ns;
	r->real_parent_tid = tid_of(parent);
	r->real_parent_tgid = tgid_of(parent);
	r->real_parent_start_ns = start_of(parent);
	r->exit_signal = peek32(task + OFF_task_struct__exit_signal);
	r->flags = peek32(task + OFF_task_struct__flags);
	namespace_of(task, &r->pidns_level, &r->pidns_inum, &r->ns_tid);
	r->uid = uid_of(task);
	r->cgroup = cgroup_of(task);
	r->mm = peek(task + OFF_task_struct__mm);
	read_comm(r->comm, task);
	submit_adopted(r);
	return entry;
}

/* The entry of a task, adopted now if it is wanted. A command that waits to be released is wanted
 * from its exec on: what the recorder's child does before is none of the user's. */
INLINE struct followed *follow_wanted(u64 task, int at_exec)
{
	struct followed *entry = followed.lookup(&task);
	u32 *want;
	u32 tid;

	if (entry)
		return entry;
#if defined(FOLLOW_ALL)
	return adopt(task);
#elif !defined(ADOPT_RUNNING)
	if (!at_exec)
		return 0;
#endif
	tid = tid_of(task);
	want = wanted_tids.lookup(&tid);
	if (!want || (*want == ADOPT_AT_EXEC && !at_exec))
		return 0;
	wanted_tids.delete(&tid);
	return adopt(task);
}
