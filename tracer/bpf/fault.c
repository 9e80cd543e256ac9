/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Page faults: the entry before (exceptions:page_fault_*), the entry after (perf's minor-faults
 * and major-faults, which the kernel counts in mm_account_fault(), mm/memory.c, once a fault is
 * completed). Faults that the kernel takes for somebody's get_user_pages() have neither. */
#ifdef RECORD_FAULTS

enum { FAULT_KERNEL = 1, FAULT_MAJOR = 2, FAULT_COMPLETED = 4, FAULT_PAGE_READ = 8,
       FAULT_EXCLUSIVE = 16 };

#define ERROR_WRITE 2

/* struct bpf_perf_event_data of x86-64: the registers, the period, the address */
struct perf_arguments {
	u64 registers[21];
	u64 sample_period;
	u64 address;
};

INLINE void record_fault(struct followed *entry, u64 new_pte, u32 new_level, u32 took_ns)
{
	struct fault *r = reserve_fault();

	if (!r)
		return;
	r->time_ns = entry->fault_ns;
	r->kind = KIND_FAULT;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->address = entry->fault_address;
	r->ip = entry->fault_ip;
	r->old_pte = entry->fault_pte;
	r->new_pte = new_pte;
	r->took_ns = took_ns;
	r->refcount = entry->fault_refcount;
	r->mapcount = entry->fault_mapcount;
	r->old_level = entry->fault_level;
	r->new_level = new_level;
	r->error_code = entry->fault_error;
	r->flags = entry->fault_flags;
	submit_fault(r);
}

/* refcount, mapcount and exclusiveness of the page that a write is about to copy or reuse: what
 * do_wp_page(), mm/memory.c, decides by. */
INLINE void read_page(struct followed *entry, u64 vmemmap, u64 pte)
{
	u64 page = vmemmap + ((pte & PTE_FRAME) >> PAGE_BYTES_SHIFT) * SIZE_page;
	char d[SIZE_page] = {}; /* one read of the whole descriptor is cheaper than three */

	bpf_probe_read_kernel(d, sizeof(d), (void *)page);
	entry->fault_mapcount = *(s32 *)(d + OFF_page___mapcount) + 1;
	entry->fault_refcount = *(s32 *)(d + OFF_page___refcount);
	entry->fault_flags |= FAULT_PAGE_READ;
#if PAGE_FLAG_PG_anon_exclusive >= 0 /* since 5.19 */
	if ((*(u64 *)(d + OFF_page__flags) >> PAGE_FLAG_PG_anon_exclusive) & 1)
		entry->fault_flags |= FAULT_EXCLUSIVE;
#endif
}

/* The root of the task's page table. It changes with an exec alone, and is looked up at every
 * fault from the call's entry until the new image stands ready. */
INLINE u64 page_table_of(struct followed *entry, u64 task)
{
	u64 pgd = entry->pgd;

	if (!pgd) {
		pgd = peek(peek(task + OFF_task_struct__mm) + OFF_mm_struct__pgd);
		if (entry->syscall != NR_EXECVE && entry->syscall != NR_EXECVEAT)
			entry->pgd = pgd;
	}
	return pgd;
}

INLINE int begin_fault(struct raw_arguments *ctx, u8 flags)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = followed.lookup(&task);
	struct layout *l = the_layout();
	struct entry e;

	if (!entry || !l)
		return 0;
	if (entry->fault_ns) /* the one before never completed: SIGSEGV, or a fixed-up copy */
		record_fault(entry, 0, 0, 0);
	entry->fault_ns = bpf_ktime_get_ns();
	entry->fault_address = ctx->args[0];
	entry->fault_ip = peek(ctx->args[1] + OFF_pt_regs__ip);
	entry->fault_error = ctx->args[2];
	entry->fault_flags = flags;
	entry->fault_refcount = 0;
	entry->fault_mapcount = 0;
	walk(&e, page_table_of(entry, task), l->direct_map, l->levels, ctx->args[0]);
	entry->fault_pte = e.pte;
	entry->fault_level = e.level;
	entry->fault_slot = e.slot;
	if (l->vmemmap && (ctx->args[2] & ERROR_WRITE) && (e.pte & PTE_PRESENT) &&
	    e.level == LEVEL_PTE)
		read_page(entry, l->vmemmap, e.pte);
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

/* Where the walk had ended in a page table, the entry is read again in its place; elsewhere a
 * table may have been put in since, and the walk goes on from there. */
INLINE int complete_fault(u8 flags)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = followed.lookup(&task);
	struct layout *l = the_layout();
	struct entry e;

	if (!entry || !l || !entry->fault_ns)
		return 0;
	e.slot = entry->fault_slot;
	e.level = entry->fault_level;
	e.pte = peek(e.slot);
	if (e.level != LEVEL_PTE) {
		for (int i = 1; i < LEVELS_MAX; i++)
			descend(&e, l->direct_map, entry->fault_address);
	}
	entry->fault_flags |= flags | FAULT_COMPLETED;
	record_fault(entry, e.pte, e.level, bpf_ktime_get_ns() - entry->fault_ns);
	entry->fault_ns = 0;
	return 0;
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
