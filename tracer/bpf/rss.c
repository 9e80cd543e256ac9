/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* How many pages of what kind a fork gave to the child: the counters of both address spaces
 * (mm_struct.rss_stat) as dup_mm() has left them. */
#ifdef RECORD_FAULTS

#define CLONE_VM_BIT 0x100 /* include/uapi/linux/sched.h */

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, MM_COUNTERS };

#if MAYBE_percpu_counter__counters >= 0 && MAYBE_mm_rss_stat__count < 0 && \
	MAYBE_task_group__cfs_rq >= 0 && MAYBE_task_struct__sched_task_group >= 0 && \
	MAYBE_cfs_rq__rq >= 0 && MAYBE_rq__cpu >= 0 && PERCPU_runqueues >= 0 && \
	PERCPU_this_cpu_off >= 0
/* What is added to a per-CPU pointer to reach the value of one CPU. No symbol tells it without
 * CONFIG_KALLSYMS_ALL, but the per-CPU variable this_cpu_off holds it, at a known distance from
 * the CPU's struct rq, to which every scheduling group leads (kernel/sched/sched.h). */
INLINE u64 offset_of_cpu(u64 task, u32 cpu)
{
	u64 group = peek(task + MAYBE_task_struct__sched_task_group);
	u64 queues = peek(group + MAYBE_task_group__cfs_rq);
	u64 rq = peek(peek(queues + 8ULL * cpu) + MAYBE_cfs_rq__rq);

	if (!rq || peek32(rq + MAYBE_rq__cpu) != cpu)
		return 0;
	return peek(rq + (s64)PERCPU_this_cpu_off - (s64)PERCPU_runqueues);
}

/* rss_stat is an array of struct percpu_counter since 6.2 (f1a7941243c1): each CPU adds to its own
 * part and moves it to `count` when it reaches percpu_counter_batch (lib/percpu_counter.c). The
 * sum is that of __percpu_counter_sum(), without its lock. */
INLINE u32 read_rss(u64 task, u64 mm, s64 *pages)
{
	u64 counter = mm + OFF_mm_struct__rss_stat;
	u32 cpus = 0;

	for (int i = 0; i < MM_COUNTERS; i++)
		pages[i] = peek(counter + i * SIZE_percpu_counter + MAYBE_percpu_counter__count);
	for (u32 cpu = 0; cpu < CPUS_POSSIBLE; cpu++) {
		u64 offset = offset_of_cpu(task, cpu);

		if (!offset)
			continue;
		cpus++;
		for (int i = 0; i < MM_COUNTERS; i++)
			pages[i] += (s32)peek32(offset + peek(counter + i * SIZE_percpu_counter +
							      MAYBE_percpu_counter__counters));
	}
	return cpus;
}
#else
/* Before 6.2, and where the parts of CPUs cannot be found: what was accounted so far. */
INLINE u32 read_rss(u64 task, u64 mm, s64 *pages)
{
#if MAYBE_mm_rss_stat__count >= 0
	u64 counter = mm + OFF_mm_struct__rss_stat + MAYBE_mm_rss_stat__count, stride = 8;
#else
	u64 counter = mm + OFF_mm_struct__rss_stat + MAYBE_percpu_counter__count;
	u64 stride = SIZE_percpu_counter;
#endif

	for (int i = 0; i < MM_COUNTERS; i++)
		pages[i] = peek(counter + i * stride);
	return 0;
}
#endif

INLINE void record_fork_rss(struct followed *caller, u64 task, u64 child, u64 clone_flags)
{
	struct fork_rss *r;
	s64 pages[MM_COUNTERS];
	u64 mm, child_mm;

	if (clone_flags & CLONE_VM_BIT)
		return;
	mm = peek(task + OFF_task_struct__mm);
	child_mm = peek(child + OFF_task_struct__mm);
	if (!mm || !child_mm)
		return;
	r = reserve_fork_rss();
	if (!r)
		return;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_FORK_RSS;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = caller->tid;
	r->child_tid = tid_of(child);
	r->mm = mm;
	r->child_mm = child_mm;
	r->cpus_read = read_rss(task, mm, pages);
	r->file_pages = pages[MM_FILEPAGES];
	r->anon_pages = pages[MM_ANONPAGES];
	r->swap_entries = pages[MM_SWAPENTS];
	r->shmem_pages = pages[MM_SHMEMPAGES];
	read_rss(task, child_mm, pages);
	r->child_file_pages = pages[MM_FILEPAGES];
	r->child_anon_pages = pages[MM_ANONPAGES];
	r->child_swap_entries = pages[MM_SWAPENTS];
	r->child_shmem_pages = pages[MM_SHMEMPAGES];
	submit_fork_rss(r);
}

#endif
