/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Pages that get another frame without a fault: migration, and small pages that are collapsed into
 * a huge one. The kernel says of a migrated page only at which address, of none in whose memory,
 * so all of them are recorded: the frame before tells whose it was. */
#ifdef RECORD_FAULTS

#define SCAN_SUCCEED 1 /* enum scan_result, mm/khugepaged.c, 6.18 */

enum { MOVED_OUT = 1, MOVED_IN };

INLINE int record_migration(struct raw_arguments *ctx, u8 what)
{
	struct migration *r = reserve_migration();

	if (!r)
		return 0;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_MIGRATION;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = bpf_get_current_pid_tgid();
	r->address = ctx->args[0];
	r->entry = ctx->args[1];
	r->order = ctx->args[2];
	r->what = what;
	submit_migration(r);
	return 0;
}

/* set_migration_pte(unsigned long address, unsigned long pte, int order): try_to_migrate_one(),
 * mm/rmap.c, 6.18; the entry holds the frame before. */
int on_set_migration_pte(struct raw_arguments *ctx)
{
	return record_migration(ctx, MOVED_OUT);
}

/* remove_migration_pte(address, pte, order): in mm/migrate.c, with the new entry. */
int on_remove_migration_pte(struct raw_arguments *ctx)
{
	return record_migration(ctx, MOVED_IN);
}

/* By task: which pages a collapse took, until it says in whose memory. */
BPF_HASH(collapsing, u64, u64, 256);

/* mm_collapse_huge_page_isolate(folio, none_or_zero, referenced, status), up to 6.17 with a bool,
 * writable, before the status: with the last page that was isolated, in the same task before
 * mm_collapse_huge_page. An anonymous page's index is its address over 4096, where mremap did not
 * move the mapping (linear_page_index()). */
#if ARG_mm_collapse_huge_page_isolate__bool >= 0
#define ISOLATE_STATUS (ARG_mm_collapse_huge_page_isolate__bool + 1)
#else
#define ISOLATE_STATUS 3
#endif

int on_mm_collapse_huge_page_isolate(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	u64 index;

	if ((u32)ctx->args[ISOLATE_STATUS] != SCAN_SUCCEED || !ctx->args[0])
		return 0;
	index = peek(ctx->args[0] + OFF_page____folio_index);
	collapsing.update(&task, &index);
	return 0;
}

/* mm_collapse_huge_page(struct mm_struct *mm, int isolated, int status) */
int on_mm_collapse_huge_page(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	u64 *index = collapsing.lookup(&task);
	struct collapse *r = reserve_collapse();

	if (r) {
		r->time_ns = bpf_ktime_get_ns();
		r->kind = KIND_COLLAPSE;
		r->cpu = bpf_get_smp_processor_id();
		r->tid = bpf_get_current_pid_tgid();
		r->mm = ctx->args[0];
		r->status = ctx->args[2];
		r->index = index ? *index : 0;
		submit_collapse(r);
	}
	collapsing.delete(&task);
	return 0;
}

#endif
