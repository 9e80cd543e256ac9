/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Reading page tables and page descriptors, x86-64, 4 or 5 levels.
 *
 * Where the kernel maps physical memory and where its array of struct page begins is random on
 * most hosts (CONFIG_RANDOMIZE_MEMORY) and no symbol tells it without CONFIG_KALLSYMS_ALL. So it
 * is measured, verified and put into the map `layout` by tracer/memory_layout.py before anything
 * is recorded.
 */
#ifdef RECORD_FAULTS

#define PTE_PRESENT 0x1ULL
#define PTE_HUGE 0x80ULL /* _PAGE_PSE: a leaf at PMD or PUD level */
#define PTE_FRAME 0x000ffffffffff000ULL
#define PAGE_BYTES_SHIFT 12
#define LEVELS_MAX 5

enum { LEVEL_PTE = 1, LEVEL_PMD, LEVEL_PUD, LEVEL_P4D, LEVEL_PGD };

struct layout {
	u64 direct_map;
	u64 vmemmap;
	u64 levels;
	/* a question of one of the recorder's threads (pid_tgid), and what was found */
	u64 asked_by;
	u64 asked_address;
	u64 asked_frame;
	u64 candidate;
	u64 collecting;
	u64 collected;
	u64 pages[8];
};

BPF_ARRAY(layout, struct layout, 1);

struct entry {
	u64 pte;
	u64 slot; /* where the entry stands, in the kernel's direct map */
	u32 level;
};

INLINE struct layout *the_layout(void)
{
	int zero = 0;

	return layout.lookup(&zero);
}

INLINE u32 shift_of(u32 level)
{
	return PAGE_BYTES_SHIFT + 9 * (level - 1);
}

/* One level down, where there is a table. */
INLINE void descend(struct entry *e, u64 direct_map, u64 address)
{
	if (e->level <= LEVEL_PTE || !(e->pte & PTE_PRESENT) || (e->pte & PTE_HUGE))
		return;
	e->level--;
	e->slot = direct_map + (e->pte & PTE_FRAME) + ((address >> shift_of(e->level)) & 511) * 8;
	e->pte = peek(e->slot);
}

/* The entry that maps `address`, or the empty one above it where the walk ended. */
INLINE void walk(struct entry *e, u64 pgd, u64 direct_map, u32 levels, u64 address)
{
	e->level = levels;
	e->slot = pgd + ((address >> shift_of(levels)) & 511) * 8;
	e->pte = peek(e->slot);
	for (int i = 1; i < LEVELS_MAX; i++)
		descend(e, direct_map, address);
}

#endif
