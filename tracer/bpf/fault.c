/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Page faults: the entry before (exceptions:page_fault_*), the entry after (perf's minor-faults
 * and major-faults, which the kernel counts in mm_account_fault(), mm/memory.c, once a fault is
 * completed). Faults that the kernel takes for somebody's get_user_pages() have neither. */
#ifdef RECORD_FAULTS

enum { FAULT_KERNEL = 1, FAULT_MAJOR = 2, FAULT_COMPLETED = 4, FAULT_PAGE_READ = 8,
       FAULT_EXCLUSIVE = 16 };

#define ERROR_WRITE 2 /* X86_PF_WRITE, arch/x86/include/asm/trap_pf.h */
#define TAKEN_NS_MAX 0xffffffffU

/* struct bpf_perf_event_data of x86-64: the registers, the period, the address */
struct perf_arguments {
	u64 registers[21];
	u64 sample_period;
	u64 address;
};

INLINE void record_fault(struct running *task, u64 new_pte, u32 new_level, u32 took_ns)
{
	struct pending_fault *fault = &task->fault;
	struct fault *r = reserve_fault();

	if (!r)
		return;
	r->time_ns = fault->ns;
	r->kind = KIND_FAULT;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = task->tid;
	r->address = fault->address;
	r->ip = fault->ip;
	r->old_pte = fault->pte;
	r->new_pte = new_pte;
	r->took_ns = took_ns;
	r->refcount = fault->refcount;
	r->mapcount = fault->mapcount;
	r->old_level = fault->level;
	r->new_level = new_level;
	r->error_code = fault->error;
	r->flags = fault->flags;
	submit_fault(r);
}

/* refcount, mapcount and exclusiveness of the page that a write is about to copy or reuse: what
 * do_wp_page(), mm/memory.c, decides by. */
INLINE void read_page(struct pending_fault *fault, u64 vmemmap, u64 pte)
{
	u64 page = vmemmap + ((pte & PTE_FRAME) >> PAGE_BYTES_SHIFT) * SIZE_page;

	fault->mapcount = (s32)peek32(page + OFF_page___mapcount) + 1;
	fault->refcount = peek32(page + OFF_page___refcount);
	fault->flags |= FAULT_PAGE_READ;
#if PAGE_FLAG_PG_anon_exclusive >= 0 /* since 5.19 */
	if ((peek(page + OFF_page__flags) >> PAGE_FLAG_PG_anon_exclusive) & 1)
		fault->flags |= FAULT_EXCLUSIVE;
#endif
}

INLINE u64 page_table_of(u64 task)
{
	return peek(peek(task + OFF_task_struct__mm) + OFF_mm_struct__pgd);
}

INLINE int begin_fault(struct raw_arguments *ctx, u8 flags)
{
	struct running *task = running_here(ctx->args[1]);
	struct layout *l = the_layout();
	struct pending_fault *fault;
	struct entry e;

#ifdef RECORD_STACKS
	u32 *busy = is_unwinding();

	if (!busy || *busy)
		return 0;
#endif
	if (!task || !l)
		return 0;
	fault = &task->fault;
	if (fault->ns) /* the one before never completed: SIGSEGV, or a fixed-up copy */
		record_fault(task, 0, 0, 0);
	fault->ns = bpf_ktime_get_ns();
	fault->address = ctx->args[0];
	fault->ip = peek(ctx->args[1] + OFF_pt_regs__ip);
	fault->error = ctx->args[2];
	fault->flags = flags;
	fault->refcount = 0;
	fault->mapcount = 0;
	walk(&e, page_table_of(task->task), l->direct_map, l->levels, ctx->args[0]);
	fault->pte = e.pte;
	fault->level = e.level;
	fault->slot = e.slot;
	if (l->vmemmap && (ctx->args[2] & ERROR_WRITE) && (e.pte & PTE_PRESENT) &&
	    e.level == LEVEL_PTE)
		read_page(fault, l->vmemmap, e.pte);
#ifdef RECORD_STACKS
	record_stack(ctx, fault->ns, task->tid);
#endif
	return 0;
}

/* page_fault_user(unsigned long address, struct pt_regs *regs, unsigned long error_code) */
int on_page_fault_user(struct raw_arguments *ctx)
{
	return begin_fault(ctx, 0);
}

int on_page_fault_kernel(struct raw_arguments *ctx)
{
	return begin_fault(ctx, FAULT_KERNEL);
}

/* How long the fault took by now; what lasts longer than a u32 can tell (4.29 s: userfaultfd, a
 * network file system) took as long as it can. */
INLINE u32 taken_ns(struct pending_fault *fault)
{
	u64 taken = bpf_ktime_get_ns() - fault->ns;

	return taken < TAKEN_NS_MAX ? taken : TAKEN_NS_MAX;
}

/* Where the walk had ended in a page table, the entry is read again in its place; elsewhere a
 * table may have been put in since, and the walk goes on from there. */
INLINE int complete_fault(u8 flags)
{
	struct running *task = running_here(0);
	struct layout *l = the_layout();
	struct pending_fault *fault;
	struct entry e;

	if (!task || !l)
		return 0;
	fault = &task->fault;
	if (!fault->ns)
		return 0;
	e.slot = fault->slot;
	e.level = fault->level;
	e.pte = peek(e.slot);
	if (e.level != LEVEL_PTE) {
		for (int i = 1; i < LEVELS_MAX; i++)
			descend(&e, l->direct_map, fault->address);
	}
	fault->flags |= flags | FAULT_COMPLETED;
	record_fault(task, e.pte, e.level, taken_ns(fault));
	fault->ns = 0;
	return 0;
}

/* A task that ends by the signal of its last fault never completes it. */
INLINE void end_fault(void)
{
	struct running *task = running_here(0);

	if (!task || !task->fault.ns)
		return;
	record_fault(task, 0, 0, 0);
	task->fault.ns = 0;
}

int on_minor_faults(struct perf_arguments *ctx)
{
	return complete_fault(0);
}

int on_major_faults(struct perf_arguments *ctx)
{
	return complete_fault(FAULT_MAJOR);
}

#endif
