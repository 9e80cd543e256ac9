/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What page faults need of the task that runs on a CPU, kept per CPU while it runs.
 *
 * Looking a task up at the begin and at the end of every fault would cost more than anything else
 * that is recorded of it. So what is needed is loaded at the first fault after a switch, and put
 * back into the task's own entry at the next one. Some hosts hide switches from certain tasks:
 * that it is still the same task is seen by its kernel stack, on which the fault saved the
 * registers.
 */
#ifdef RECORD_FAULTS

#define STACK_BYTES 0x4000 /* THREAD_SIZE, arch/x86/include/asm/page_64_types.h */

struct running {
	u64 task; /* a followed one, else 0 */
	u64 stack;
	u32 tid;
	struct pending_fault fault;
};

BPF_PERCPU_ARRAY(running, struct running, 1);

INLINE struct running *this_cpu(void)
{
	int zero = 0;

	return running.lookup(&zero);
}

INLINE void put_back(struct running *r)
{
	u64 task = r->task;
	struct followed *entry;

	if (!task)
		return;
	entry = followed.lookup(&task);
	if (entry)
		entry->fault = r->fault;
	r->task = 0;
}

/* At a switch, and before the running task's identity changes. */
INLINE void forget_running(void)
{
	struct running *r = this_cpu();

	if (r)
		put_back(r);
}

INLINE void load_running(struct running *r, u64 stack)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = follow_wanted(task, 0);

	put_back(r);
	if (!entry)
		return;
	r->task = task;
	r->stack = stack;
	r->tid = entry->tid;
	r->fault = entry->fault;
}

/* What is kept of the task that runs here, 0 if it is not followed. `registers` is where the fault
 * saved them; at its end, which no unseen switch can come before, 0. */
INLINE struct running *running_here(u64 registers)
{
	u64 stack = registers & ~(STACK_BYTES - 1ULL);
	struct running *r = this_cpu();

	if (!r)
		return 0;
	if (!r->task || (stack && r->stack != stack))
		load_running(r, stack);
	return r->task ? r : 0;
}

#endif
