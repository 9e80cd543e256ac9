/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The steps of copy_process(), seen by what they allocate and free: a window is one call of the
 * clone family, from its entry to its return, of one task. The functions themselves are inlined
 * into copy_process() on every current kernel, but not what they allocate, and its call site
 * tells where.
 *
 * These tracepoints are hit by everything that runs on the host, so whoever is in no window is
 * sent away before any map of many entries is asked.
 */
#ifdef RECORD_STEPS

#define WINDOW_BUCKETS 1024
#define CACHE_BUCKETS 1024

enum { STEP_SLAB_ALLOC = 1, STEP_SLAB_FREE, STEP_KMALLOC, STEP_KFREE, STEP_CAPABLE, STEP_PAGES,
       STEP_RSS };
enum { STEP_IN_INTERRUPT = 1 };

/* How many tasks of each bucket are in a window. */
BPF_ARRAY(windows, u32, WINDOW_BUCKETS);
/* Caches whose name was sent; another one of the same bucket has its name sent again. */
BPF_ARRAY(named_caches, u64, CACHE_BUCKETS);

INLINE u32 *window_of(u64 task)
{
	u32 bucket = (task >> 6) % WINDOW_BUCKETS;

	return windows.lookup(&bucket);
}

/* sys_enter has the registers at the top of the task's own stack, so that between here and its
 * end is whatever the call itself does. */
INLINE void open_window(struct followed *entry, u64 task, u64 regs)
{
	u32 *open = window_of(task);

	if (!open)
		return;
	entry->stack_end = peek(task + OFF_task_struct__stack);
	entry->stack_top = regs;
	__sync_fetch_and_add(open, 1);
}

INLINE void close_window(struct followed *entry, u64 task)
{
	u32 *open = window_of(task);

	if (!open || !entry->stack_top)
		return;
	entry->stack_top = 0;
	__sync_fetch_and_add(open, -1);
}

/* The running task if it is in a window. */
INLINE struct followed *in_window(void)
{
	u64 task = bpf_get_current_task();
	u32 *open = window_of(task);
	struct followed *entry;

	if (!open || !*open)
		return 0;
	entry = followed.lookup(&task);
	return entry && entry->stack_top ? entry : 0;
}

/* A step's record with everything but what it is about; where nothing stands is 0.
 *
 * Interrupts, and the softirqs after them, run on stacks of their own (arch/x86/kernel/irq_64.c,
 * asm/irq_stack.h), and the arguments of a tracepoint are on the stack it was hit on. So an event
 * elsewhere than on the task's stack is none of the call's. */
INLINE struct step *begin_step(struct followed *entry, struct raw_arguments *ctx, u8 what)
{
	struct step *r = reserve_step();

	if (!r)
		return 0;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_STEP;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->what = what;
	r->flags = 0;
	if ((u64)ctx < entry->stack_end || (u64)ctx > entry->stack_top)
		r->flags = STEP_IN_INTERRUPT;
	r->site = 0;
	r->object = 0;
	r->cache = 0;
	r->amount = 0;
	r->gfp = 0;
	r->result = 0;
	return r;
}

/* `name` is the address of the string, 0 where it is to be read from the cache itself. */
INLINE void name_cache(struct followed *entry, u64 cache, u64 name)
{
	u32 bucket = (cache >> 6) % CACHE_BUCKETS;
	u64 *named = named_caches.lookup(&bucket);
	struct slab_cache *r;

	if (!cache || !named || *named == cache)
		return;
	r = reserve_slab_cache();
	if (!r)
		return;
	*named = cache;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_SLAB_CACHE;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->cache = cache;
	r->object_bytes = name ? 0 : peek32(cache + OFF_kmem_cache__object_size);
	__builtin_memset(r->name, 0, sizeof(r->name));
	bpf_probe_read_kernel_str(r->name, sizeof(r->name),
				  (void *)(name ? name : peek(cache + OFF_kmem_cache__name)));
	submit_slab_cache(r);
}

/* The cache of a slab object, from the descriptor of the page that it is in, or of the first of
 * several (compound_head(), include/linux/page-flags.h): virt_to_cache(), mm/slab.h, of 5.10. What
 * a slab needs of it is in struct page up to 5.16, and at the same place in struct slab since. */
INLINE u64 cache_of(u64 object)
{
#if defined(RECORD_FAULTS) && MAYBE_page__compound_head >= 0 && \
	(MAYBE_page__slab_cache >= 0 || MAYBE_slab__slab_cache >= 0)
	struct layout *l = the_layout();
	u64 page, head;

	if (!l || !l->vmemmap || object < l->direct_map)
		return 0;
	page = l->vmemmap + ((object - l->direct_map) >> PAGE_BYTES_SHIFT) * SIZE_page;
	head = peek(page + MAYBE_page__compound_head);
	if (head & 1)
		page = head - 1;
#if MAYBE_page__slab_cache >= 0
	return peek(page + MAYBE_page__slab_cache);
#else
	return peek(page + MAYBE_slab__slab_cache);
#endif
#else
	return 0;
#endif
}

/* Up to 6.0 no allocation tells its cache. */
INLINE void record_slab_allocation(struct followed *entry, struct raw_arguments *ctx, u64 cache,
				   u64 amount, u64 gfp)
{
	struct step *r;

	name_cache(entry, cache, 0);
	r = begin_step(entry, ctx, STEP_SLAB_ALLOC);
	if (!r)
		return;
	r->site = ctx->args[0];
	r->object = ctx->args[1];
	r->cache = cache;
	r->amount = amount;
	r->gfp = gfp;
	submit_step(r);
}

/* kmem_cache_alloc(call_site, ptr, cache, gfp, node); up to 6.0 (call_site, ptr, bytes_req,
 * bytes_alloc, gfp), without the cache, and the same as kmem_cache_alloc_node. */
int on_kmem_cache_alloc(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	u64 cache, amount = 0, gfp = 0;

	if (!entry)
		return 0;
#if ARG_kmem_cache_alloc__kmem_cache >= 0
	cache = ctx->args[ARG_kmem_cache_alloc__kmem_cache];
#else
	cache = cache_of(ctx->args[1]);
#if ARG_kmem_cache_alloc__size_t >= 0
	amount = ctx->args[ARG_kmem_cache_alloc__size_t];
#endif
#endif
#if ARG_kmem_cache_alloc__gfp_t >= 0
	gfp = ctx->args[ARG_kmem_cache_alloc__gfp_t];
#endif
	record_slab_allocation(entry, ctx, cache, amount, gfp);
	return 0;
}

int on_kmem_cache_alloc_node(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	u64 object;

	if (!entry)
		return 0;
	object = ctx->args[1];
	record_slab_allocation(entry, ctx, cache_of(object), ctx->args[2], ctx->args[4]);
	return 0;
}

/* kmem_cache_free(call_site, ptr, cache); 5.12 to 6.0 with the cache's name, before that without. */
int on_kmem_cache_free(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry)
		return 0;
#if ARG_kmem_cache_free__kmem_cache >= 0
	name_cache(entry, ctx->args[ARG_kmem_cache_free__kmem_cache], 0);
#elif ARG_kmem_cache_free__char >= 0
	name_cache(entry, ctx->args[ARG_kmem_cache_free__char], ctx->args[ARG_kmem_cache_free__char]);
#endif
	r = begin_step(entry, ctx, STEP_SLAB_FREE);
	if (!r)
		return 0;
	r->site = ctx->args[0];
	r->object = ctx->args[1];
#if ARG_kmem_cache_free__kmem_cache >= 0
	r->cache = ctx->args[ARG_kmem_cache_free__kmem_cache];
#elif ARG_kmem_cache_free__char >= 0
	r->cache = ctx->args[ARG_kmem_cache_free__char];
#endif
	submit_step(r);
	return 0;
}

/* kmalloc(call_site, ptr, bytes_req, bytes_alloc, gfp, ...) */
INLINE int record_kmalloc(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry)
		return 0;
	r = begin_step(entry, ctx, STEP_KMALLOC);
	if (!r)
		return 0;
	r->site = ctx->args[0];
	r->object = ctx->args[1];
#if ARG_kmalloc__size_t >= 0
	r->amount = ctx->args[ARG_kmalloc__size_t];
#endif
#if ARG_kmalloc__gfp_t >= 0 && ARG_kmalloc__gfp_t < 5
	r->gfp = ctx->args[ARG_kmalloc__gfp_t];
#endif
	submit_step(r);
	return 0;
}

int on_kmalloc(struct raw_arguments *ctx)
{
	return record_kmalloc(ctx);
}

/* up to 6.0 */
int on_kmalloc_node(struct raw_arguments *ctx)
{
	return record_kmalloc(ctx);
}

/* kfree(call_site, ptr) */
int on_kfree(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry || !ctx->args[1])
		return 0;
	r = begin_step(entry, ctx, STEP_KFREE);
	if (!r)
		return 0;
	r->site = ctx->args[0];
	r->object = ctx->args[1];
	submit_step(r);
	return 0;
}

/* cap_capable(cred, target_ns, capable_ns, int cap, int ret), since 6.14 */
int on_cap_capable(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry)
		return 0;
	r = begin_step(entry, ctx, STEP_CAPABLE);
	if (!r)
		return 0;
	r->object = ctx->args[1];
	r->amount = (u32)ctx->args[3];
	r->result = ctx->args[4];
	submit_step(r);
	return 0;
}

/* mm_page_alloc(struct page *, unsigned int order, gfp_t, int migratetype) */
int on_mm_page_alloc(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry)
		return 0;
	r = begin_step(entry, ctx, STEP_PAGES);
	if (!r)
		return 0;
	r->object = ctx->args[0];
	r->amount = 4096ULL << (ctx->args[1] & 31);
	r->gfp = ctx->args[2];
	submit_step(r);
	return 0;
}

/* rss_stat(struct mm_struct *, int member), up to 6.1 with the new count as a third argument */
int on_rss_stat(struct raw_arguments *ctx)
{
	struct followed *entry = in_window();
	struct step *r;

	if (!entry)
		return 0;
	r = begin_step(entry, ctx, STEP_RSS);
	if (!r)
		return 0;
	r->object = ctx->args[0];
	r->result = ctx->args[1];
#if ARG_rss_stat__long >= 0
	r->amount = ctx->args[ARG_rss_stat__long];
#endif
	submit_step(r);
	return 0;
}

#endif
