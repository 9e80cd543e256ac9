/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Measures the memory layout for tracer/memory_layout.py, which asks about pages of its own whose
 * frames /proc/self/pagemap tells. Attached only while that goes on. */
#ifdef RECORD_FAULTS

#define GIB_SHIFT 30
#define CANDIDATES_PER_CALL 32

/* The layout, if it is the thread that asks. The recorder's other threads enter the kernel at the
 * same time, and two that count candidates would pass one over. */
INLINE struct layout *asked_here(void)
{
	struct layout *l = the_layout();

	return l && l->asked_by == bpf_get_current_pid_tgid() ? l : 0;
}

INLINE u64 own_pgd(void)
{
	u64 mm = peek(bpf_get_current_task() + OFF_task_struct__mm);

	return peek(mm + OFF_mm_struct__pgd);
}

INLINE int leads_to_frame(struct layout *l, u64 pgd, u64 direct_map, u32 levels)
{
	struct entry e;

	walk(&e, pgd, direct_map, levels, l->asked_address);
	return e.level == LEVEL_PTE && (e.pte & PTE_PRESENT) &&
	       (e.pte & PTE_FRAME) >> PAGE_BYTES_SHIFT == l->asked_frame;
}

/*
 * At any system call of the thread that asks. The page table's root is a page of the direct map, whose
 * base is aligned to 1 GiB (kernel_randomize_memory(), arch/x86/mm/kaslr.c, 6.18): so the base is
 * some whole number of GiB below. The right one leads from the root to the frame asked for.
 */
int measure_direct_map(struct raw_arguments *ctx)
{
	struct layout *l = asked_here();
	u64 pgd;

	if (!l || !l->asked_frame)
		return 0;
	pgd = own_pgd();
	for (int i = 0; i < CANDIDATES_PER_CALL; i++) {
		u64 base = ((pgd >> GIB_SHIFT) - l->candidate) << GIB_SHIFT;
		u32 levels = 0;

		if (leads_to_frame(l, pgd, base, LEVEL_P4D))
			levels = LEVEL_P4D;
		else if (leads_to_frame(l, pgd, base, LEVEL_PGD))
			levels = LEVEL_PGD;
		if (levels) {
			l->direct_map = base;
			l->levels = levels;
			l->asked_frame = 0;
			return 0;
		}
		l->candidate++;
	}
	return 0;
}

/* mm_page_alloc(struct page *page, unsigned int order, gfp_t gfp, int migratetype): the
 * descriptors of what the thread that asks is given while it touches a new page. */
int collect_pages(struct raw_arguments *ctx)
{
	struct layout *l = asked_here();

	if (!l || !l->collecting)
		return 0;
	l->pages[l->collected & 7] = ctx->args[0];
	l->collected++;
	return 0;
}

#endif
