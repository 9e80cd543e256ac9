/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The user stack of each fault: only its number in the map, which the recorder reads at the end. */
#ifdef RECORD_STACKS

BPF_TABLE("stacktrace", int, struct bpf_stacktrace, stacks, STACKS_MAX);

/* Whether this CPU is following frame pointers: what a program without them keeps in that register
 * is no address, and reading there faults in the midst of the fault that is recorded. */
BPF_PERCPU_ARRAY(unwinding, u32, 1);

INLINE u32 *is_unwinding(void)
{
	int zero = 0;

	return unwinding.lookup(&zero);
}

INLINE void record_stack(struct raw_arguments *ctx, u64 time_ns, u32 tid)
{
	u32 *busy = is_unwinding();
	struct fault_stack *r;

	if (!busy)
		return;
	r = reserve_fault_stack();
	if (!r)
		return;
	r->time_ns = time_ns;
	r->kind = KIND_FAULT_STACK;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = tid;
	/* get_perf_callchain() (kernel/events/callchain.c) follows frame pointers; -EEXIST where
	 * another stack has the same hash, -EFAULT where there is none. */
	*busy = 1;
	r->stack = stacks.get_stackid(ctx, BPF_F_USER_STACK);
	*busy = 0;
	submit_fault_stack(r);
}

#endif
