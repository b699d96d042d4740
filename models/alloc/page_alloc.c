/*
 * page_alloc.c - the page allocator "buddy": Linux's zoned buddy with per-CPU lists.
 *
 * This is the entry to everything below it, in the order in which a request meets it:
 *
 *   alloc_pages   choose type and highest zone; fast attempt at the low watermark, then slow path
 *   walk_zones    zones of the node's zonelist, highest first; watermark test for each
 *   take_from     per-CPU list (pcp.c) or the zone's free lists (buddy.c)
 *
 * The first attempt avoids mixing migratetypes: it may go to a lower zone rather than steal from
 * another type. The slow path goes down to the min watermark and below it for urgent requests
 * (__GFP_HIGH, requests that cannot wait), takes what was reserved for high-order atomic requests,
 * and then fails with a reason.
 *
 * What a CPU knows. Zone counters, watermark boosts and pageblock types are changed by other CPUs.
 * A CPU reads them as of its last visit to a zone lock (struct cpu_view), so that an operation that
 * its own lists can serve needs no other CPU. A test that fails on that knowledge is repeated on
 * the truth. Linux's own counters are stale in the same way, by up to 125 pages a CPU. Nothing may
 * synchronise between taking a page off a list and marking it: it would be in nobody's hands.
 *
 * MODEL: no direct reclaim, compaction or OOM killer here, so a request that would wait for them
 * fails instead, with __GFP_NOFAIL too. kswapd's answer to a raised watermark boost is instant and
 * frees nothing. Dirty limits, cpusets and memory cgroups are not modelled.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc/page_allocator.h"
#include "alloc/pcp.h"
#include "kern/bug.h"

#define LOG_TRIM 1024 /* changes of pageblock types after which old ones are forgotten */

struct zone_view {
	struct zone counters; /* copy */
	uint32_t nonempty[MIGRATE_TYPES]; /* of its free lists: see buddy.h */
};

/* What one CPU knew when it last synchronised. */
struct cpu_view {
	bool valid;
	uint64_t log_seen;       /* pageblock type changes */
	struct zone_view *zones; /* by zone index */
};

struct buddy_allocator {
	struct page_allocator base;
	unsigned cpus_count;
	bool pcp_enabled, dma32_built;
	struct buddy_zone *zones;   /* by zone index */
	struct pcp_limits *limits;  /* by zone index */
	struct pcp *pcps;           /* zone index * cpus_count + cpu */
	struct cpu_view *views;     /* by CPU */
	struct zone_view *view_zones;
	struct pageblock_log log;
	uint64_t log_trim_at;       /* length at which to trim it */
	struct numastat numastat;
};

/* A request on its way through the zones. */
struct request {
	struct buddy_allocator *ba;
	struct env *env;
	unsigned order, nid;
	gfp_t gfp;
	enum migratetype mt;
	enum zone_type highest;
	unsigned flags; /* enum alloc_flags */
	unsigned wanted_nid, got_nid; /* of the first zone that it may use; of the one it used */
};

const char *const alloc_failure_names[ALLOC_FAILURES] = {
	[ALLOC_OK] = "ok",
	[ALLOC_NO_MEMORY] = "no_memory",
	[ALLOC_FRAGMENTED] = "fragmented",
	[ALLOC_WATERMARK] = "watermark",
	[ALLOC_SPLIT_LIMIT] = "split_limit",
	[ALLOC_BAD_ORDER] = "bad_order",
};

static struct buddy_allocator *to_buddy(struct page_allocator *pa)
{
	return (struct buddy_allocator *)pa;
}

static struct pcp *pcp_of(struct buddy_allocator *ba, unsigned zone, unsigned cpu)
{
	return &ba->pcps[zone * ba->cpus_count + cpu];
}

/* --- what a CPU knows ------------------------------------------------------------------------- */

struct refresh_arg {
	struct buddy_allocator *ba;
	unsigned cpu;
};

/* Forget changes of pageblock types that every CPU knows of, so that the log does not grow. */
static void trim_log(struct buddy_allocator *ba)
{
	uint64_t known = ba->log.count;
	for (unsigned cpu = 0; cpu < ba->cpus_count; cpu++) {
		if (ba->views[cpu].valid)
			known = u64_min(known, ba->views[cpu].log_seen);
	}
	ba->log.count -= known;
	memmove(ba->log.changes, ba->log.changes + known, ba->log.count * sizeof(*ba->log.changes));
	for (unsigned cpu = 0; cpu < ba->cpus_count; cpu++)
		ba->views[cpu].log_seen -= ba->views[cpu].valid ? known : 0;
}

/* Right after env_lock() or env_sync(): renew the CPU's knowledge. */
static void refresh(struct buddy_allocator *ba, unsigned cpu)
{
	struct cpu_view *v = &ba->views[cpu];
	for (unsigned i = 0; i < ba->base.pm->zones_count; i++) {
		v->zones[i].counters = ba->base.pm->zones[i];
		memcpy(v->zones[i].nonempty, ba->zones[i].nonempty, sizeof(v->zones[i].nonempty));
	}
	v->log_seen = ba->log.count;
	v->valid = true;
	if (ba->log.count >= ba->log_trim_at) {
		trim_log(ba);
		ba->log_trim_at =
			u64_max(LOG_TRIM, 2 * ba->log.count); /* some CPU may be far behind */
	}
}

static void refresh_synced(void *arg)
{
	struct refresh_arg *r = arg;
	refresh(r->ba, r->cpu);
}

static struct cpu_view *view_of(struct buddy_allocator *ba, struct env *env)
{
	struct cpu_view *v = &ba->views[env->cpu];
	if (!v->valid) {
		env_sync(env);
		refresh(ba, env->cpu);
	}
	return v;
}

/* --- watermarks ------------------------------------------------------------------------------- */

/* Linux's zone_watermark_fast() on what the CPU knows of a zone. */
static bool watermark_ok(const struct request *r, const struct zone_view *view, unsigned flags)
{
	const struct zone *z = &view->counters;
	bool ok = watermark_pages_ok(z, r->order, watermark_mark(z, flags), r->highest, flags);
	if (!ok && !r->order && (flags & ALLOC_MIN_RESERVE) && z->watermark_boost_pages &&
	    (flags & ALLOC_WMARK_MASK) == WMARK_MIN)
		ok = watermark_pages_ok(z, 0, z->watermark_pages[WMARK_MIN], r->highest, flags);
	return ok && (!r->order || buddy_has_block(view->nonempty, r->order, flags));
}

/*
 * May @r take from zone @i? If the CPU's list has a block, what the CPU knows may say yes.
 * Otherwise the zone itself is about to be used, and the truth is asked.
 */
static bool zone_allows(struct request *r, unsigned i)
{
	struct buddy_allocator *ba = r->ba;
	struct zone_view *view = &view_of(ba, r->env)->zones[i];
	bool cached = ba->pcp_enabled && pcp_caches(ba->base.pm, r->order) &&
		      pcp_of(ba, i, r->env->cpu)->lists[pcp_list_index(r->order, r->mt)].count;
	unsigned high = (r->flags & ~(unsigned)ALLOC_WMARK_MASK) | WMARK_HIGH;
	if (cached && !view->counters.below_high && watermark_ok(r, view, high))
		return true;

	env_sync(r->env);
	refresh(ba, r->env->cpu);
	if (!view->counters.below_high) {
		if (watermark_ok(r, view, high))
			return true;
		view->counters.below_high = ba->base.pm->zones[i].below_high = true;
	}
	return (r->flags & ALLOC_NO_WATERMARKS) || watermark_ok(r, view, r->flags);
}

/* --- taking from one zone --------------------------------------------------------------------- */

static pfn_t take_direct(struct request *r, struct buddy_zone *bz)
{
	enum take_mode mode = TAKE_NORMAL;
	pfn_t pfn = PFN_NONE;
	env_set_path(r->env, PATH_BUDDY);
	env_lock(r->env, &bz->lock);
	refresh(r->ba, r->env->cpu);
	if (r->flags & ALLOC_HIGHATOMIC)
		pfn = buddy_take_type(bz, r->env, r->order, MIGRATE_HIGHATOMIC);
	if (pfn == PFN_NONE)
		pfn = buddy_take(bz, r->env, r->order, r->mt, r->flags, &mode);
	if (pfn == PFN_NONE && (r->flags & (ALLOC_OOM | ALLOC_NON_BLOCK)))
		pfn = buddy_take_type(bz, r->env, r->order, MIGRATE_HIGHATOMIC);
	env_unlock(r->env, &bz->lock);
	return pfn;
}

static pfn_t take_from(struct request *r, unsigned i)
{
	struct buddy_allocator *ba = r->ba;
	struct buddy_zone *bz = &ba->zones[i];
	pfn_t pfn = PFN_NONE;
	if (ba->pcp_enabled && pcp_caches(ba->base.pm, r->order)) {
		struct refresh_arg arg = {ba, r->env->cpu};
		bool below_high = ba->views[r->env->cpu].zones[i].counters.below_high;
		pfn = pcp_alloc(pcp_of(ba, i, r->env->cpu), r->env, r->order, r->mt, r->flags,
				below_high, refresh_synced, &arg);
	}
	if (pfn == PFN_NONE)
		pfn = take_direct(r, bz);
	return pfn;
}

/* --- the walk over zones ---------------------------------------------------------------------- */

/* Do the request's flags allow zone @z, which is on its node's zonelist? */
static bool may_use(const struct request *r, const struct zone *z)
{
	return z->type <= r->highest && (!(r->gfp & __GFP_THISNODE) || z->nid == r->nid);
}

static pfn_t walk_zones(struct request *r)
{
	const struct physmem *pm = r->ba->base.pm;
	const struct node *node = &pm->nodes[r->nid];
	bool first = true;
	for (unsigned n = 0; n < node->zonelist_count; n++) {
		unsigned i = node->zonelist[n];
		const struct zone *z = &pm->zones[i];
		if (!may_use(r, z))
			continue;
		if (first)
			r->wanted_nid = z->nid;
		/* A block of another type on the own node is better than one of another node. */
		if ((r->flags & ALLOC_NOFRAGMENT) && z->nid != r->wanted_nid)
			return PFN_NONE;
		if (!first)
			env_charge(r->env, COST_ZONE);
		first = false;
		if (!zone_allows(r, i))
			continue;
		pfn_t pfn = take_from(r, i);
		if (pfn != PFN_NONE) {
			r->got_nid = z->nid;
			return pfn;
		}
	}
	return PFN_NONE;
}

static pfn_t walk_again_if_nofragment(struct request *r)
{
	pfn_t pfn = walk_zones(r);
	if (pfn == PFN_NONE && (r->flags & ALLOC_NOFRAGMENT)) {
		r->flags &= ~(unsigned)ALLOC_NOFRAGMENT;
		pfn = walk_zones(r);
	}
	return pfn;
}

/* Flags of the fast attempt: keep types apart where a lower zone is there to turn to. */
static unsigned fast_flags(const struct request *r)
{
	const struct physmem *pm = r->ba->base.pm;
	unsigned flags = WMARK_LOW | (r->gfp & __GFP_KSWAPD_RECLAIM ? ALLOC_KSWAPD : 0u);
	const struct node *node = &pm->nodes[r->nid];
	for (unsigned n = 0; r->ba->dma32_built && n < node->zonelist_count; n++) {
		const struct zone *z = &pm->zones[node->zonelist[n]];
		if (z->type > r->highest || z->nid != r->nid)
			continue;
		bool lower = n + 1 < node->zonelist_count &&
			     pm->zones[node->zonelist[n + 1]].type == ZONE_DMA32;
		if (z->type == ZONE_NORMAL && (pm->nodes_count == 1 || lower))
			flags |= ALLOC_NOFRAGMENT;
		break;
	}
	return flags;
}

static unsigned slow_flags(const struct request *r)
{
	unsigned flags = WMARK_MIN | (r->gfp & __GFP_KSWAPD_RECLAIM ? ALLOC_KSWAPD : 0u);
	if (r->gfp & __GFP_HIGH)
		flags |= ALLOC_MIN_RESERVE;
	if (!(r->gfp & __GFP_DIRECT_RECLAIM) && !(r->gfp & __GFP_NOMEMALLOC)) {
		flags |= ALLOC_NON_BLOCK;
		if (r->order && (flags & ALLOC_MIN_RESERVE))
			flags |= ALLOC_HIGHATOMIC;
	}
	return flags;
}

/* Turn one reserved pageblock over to the request; false if no zone it may use has one. */
static bool unreserve(struct request *r)
{
	const struct physmem *pm = r->ba->base.pm;
	const struct node *node = &pm->nodes[r->nid];
	bool done = false;
	for (unsigned n = 0; n < node->zonelist_count && !done; n++) {
		struct buddy_zone *bz = &r->ba->zones[node->zonelist[n]];
		if (!may_use(r, bz->zone))
			continue;
		env_lock(r->env, &bz->lock);
		done = buddy_unreserve_highatomic(bz, r->env, r->mt);
		env_unlock(r->env, &bz->lock);
	}
	return done;
}

/* kswapd is woken for every zone that the request may use; MODEL: at once, see above. */
static void wake_kswapds(struct request *r)
{
	const struct physmem *pm = r->ba->base.pm;
	const struct node *node = &pm->nodes[r->nid];
	if (!(r->gfp & __GFP_KSWAPD_RECLAIM))
		return;
	env_sync(r->env);
	for (unsigned n = 0; n < node->zonelist_count; n++) {
		struct zone *z = &pm->zones[node->zonelist[n]];
		if (may_use(r, z))
			z->watermark_boost_pages = 0;
	}
	refresh(r->ba, r->env->cpu);
}

static pfn_t alloc_slow(struct request *r)
{
	r->flags = slow_flags(r);
	wake_kswapds(r);
	pfn_t pfn = walk_zones(r);
	if (pfn == PFN_NONE && (r->gfp & __GFP_MEMALLOC) && !(r->gfp & __GFP_NOMEMALLOC)) {
		r->flags = ALLOC_NO_WATERMARKS | (r->flags & ALLOC_KSWAPD);
		pfn = walk_zones(r);
	}
	while (pfn == PFN_NONE && (r->gfp & __GFP_DIRECT_RECLAIM) && unreserve(r))
		pfn = walk_zones(r);
	if (pfn == PFN_NONE && (r->gfp & __GFP_NOFAIL) && (r->gfp & __GFP_DIRECT_RECLAIM)) {
		r->flags |= ALLOC_MIN_RESERVE;
		pfn = walk_zones(r);
	}
	return pfn;
}

/* Why the zones that @r may use could not serve it. */
static enum alloc_failure failure_cause(const struct request *r)
{
	const struct physmem *pm = r->ba->base.pm;
	const struct node *node = &pm->nodes[r->nid];
	uint64_t free_pages = 0;
	bool block = false, within_limit = false;
	for (unsigned n = 0; n < node->zonelist_count; n++) {
		const struct buddy_zone *bz = &r->ba->zones[node->zonelist[n]];
		if (!may_use(r, bz->zone))
			continue;
		free_pages += bz->zone->free_pages;
		for (unsigned o = r->order; o <= pm->max_order; o++) {
			bool there = false;
			for (unsigned mt = 0; mt < MIGRATE_ISOLATE; mt++)
				there |= bz->nonempty[mt] >> o & 1;
			block |= there;
			within_limit |= there && buddy_split_allowed(bz, o, r->order);
		}
	}
	if (block)
		return within_limit ? ALLOC_WATERMARK : ALLOC_SPLIT_LIMIT;
	return free_pages >> r->order ? ALLOC_FRAGMENTED : ALLOC_NO_MEMORY;
}

/* --- the contract ----------------------------------------------------------------------------- */

static pfn_t buddy_alloc_pages(struct page_allocator *pa, struct env *env, unsigned order,
			       gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct buddy_allocator *ba = to_buddy(pa);
	if (gfp & __GFP_DIRECT_RECLAIM)
		env_might_sleep(env);
	env_charge(env, COST_ALLOC);
	env_set_path(env, PATH_PCP);
	*why = ALLOC_BAD_ORDER;
	if (order > pa->pm->max_order) {
		env_set_path(env, PATH_FAILED);
		return PFN_NONE;
	}
	struct request r = {
		.ba = ba,
		.env = env,
		.order = order,
		.nid = nid,
		.gfp = gfp,
		.mt = pa->pm->group_by_mobility ? gfp_migratetype(gfp) : MIGRATE_UNMOVABLE,
		.highest = gfp_zone(gfp),
	};
	r.flags = fast_flags(&r);
	pfn_t pfn = walk_again_if_nofragment(&r);
	if (pfn == PFN_NONE)
		pfn = alloc_slow(&r);
	if (pfn == PFN_NONE) {
		env_sync(env);
		*why = failure_cause(&r);
		env_set_path(env, PATH_FAILED);
		return PFN_NONE;
	}
	numastat_count(&ba->numastat, env->cpu, r.wanted_nid, r.got_nid);
	struct page *p = physmem_page(pa->pm, pfn);
	p->flags = (uint8_t)((p->flags & PAGE_BACKED) | PAGE_ALLOCATED);
	p->order = (uint8_t)order;
	env_charge_n(env, COST_PREP_PAGE, UINT64_C(1) << order);
	if (r.flags & ALLOC_HIGHATOMIC) {
		struct buddy_zone *bz = &ba->zones[physmem_zone(pa->pm, pfn)->index];
		env_lock(env, &bz->lock);
		refresh(ba, env->cpu);
		buddy_reserve_highatomic(bz, env, pfn, order);
		env_unlock(env, &bz->lock);
	}
	if (gfp & __GFP_ZERO)
		env_charge_n(env, COST_ZERO_PAGE, UINT64_C(1) << order);
	*why = ALLOC_OK;
	return pfn;
}

static bool buddy_knows(struct page_allocator *pa, pfn_t pfn, unsigned order)
{
	const uint8_t heads = PAGE_BUDDY | PAGE_PCP | PAGE_ALLOCATED;
	struct zone *z = physmem_zone(pa->pm, pfn);
	if (!z || buddy_in_untouched(&to_buddy(pa)->zones[z->index], pfn, order))
		return z != NULL;
	for (unsigned o = order; o <= pa->pm->max_order; o++) { /* a block that holds all of it */
		const struct page *p = physmem_page(pa->pm, pfn & ~((UINT64_C(1) << o) - 1));
		if ((p->flags & heads) && p->order >= o)
			return true;
	}
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) { /* blocks inside it */
		if (physmem_page(pa->pm, p)->flags & heads)
			return true;
	}
	return false;
}

static void buddy_free_pages(struct page_allocator *pa, struct env *env, pfn_t pfn, unsigned order)
{
	struct buddy_allocator *ba = to_buddy(pa);
	struct zone *z = physmem_zone(pa->pm, pfn);
	struct page *p = physmem_page(pa->pm, pfn);
	BUG_ON(!z || order > pa->pm->max_order || pfn & ((UINT64_C(1) << order) - 1) ||
		       pfn + (UINT64_C(1) << order) > z->end_pfn,
	       "free of pfn %#llx, order %u: no block of this machine", (unsigned long long)pfn,
	       order);
	BUG_ON(p->flags & (PAGE_BUDDY | PAGE_PCP), "free of pfn %#llx, which is free (state %#x)",
	       (unsigned long long)pfn, p->flags);
	BUG_ON((p->flags & PAGE_ALLOCATED) && p->order != order,
	       "free of pfn %#llx with order %u, allocated with order %u", (unsigned long long)pfn,
	       order, p->order);
	BUG_ON(!(p->flags & PAGE_ALLOCATED) && buddy_knows(pa, pfn, order),
	       "free of pfn %#llx, order %u, which is free or part of another block",
	       (unsigned long long)pfn, order);
	struct cpu_view *v = view_of(ba, env);
	struct refresh_arg arg = {ba, env->cpu};
	env_charge(env, COST_FREE);
	env_charge_n(env, COST_PREP_PAGE, UINT64_C(1) << order);
	if (ba->pcp_enabled && pcp_caches(pa->pm, order)) {
		enum migratetype mt = pageblock_type_seen(pa->pm, &ba->log, v->log_seen, pfn);
		if (mt != MIGRATE_ISOLATE) {
			if (!(p->flags & PAGE_ALLOCATED))
				p->migratetype = (uint8_t)mt; /* older than the simulation */
			env_set_path(env, PATH_PCP);
			pcp_free(pcp_of(ba, z->index, env->cpu), env, pfn, order, mt,
				 v->zones[z->index].counters.below_high, refresh_synced, &arg);
			return;
		}
	}
	struct buddy_zone *bz = &ba->zones[z->index];
	env_set_path(env, PATH_BUDDY);
	env_lock(env, &bz->lock);
	refresh(ba, env->cpu);
	buddy_put(bz, env, pfn, order);
	env_unlock(env, &bz->lock);
}

static void buddy_split_allocated(struct page_allocator *pa, pfn_t pfn, unsigned order)
{
	pfn_t head = PFN_NONE;
	for (unsigned o = order; o <= pa->pm->max_order && head == PFN_NONE; o++) {
		pfn_t h = pfn & ~((UINT64_C(1) << o) - 1);
		const struct page *p = physmem_page(pa->pm, h);
		if ((p->flags & PAGE_ALLOCATED) && p->order >= o)
			head = h;
	}
	BUG_ON(head == PFN_NONE, "split of pfn %#llx, order %u, which is no part of a block",
	       (unsigned long long)pfn, order);
	/* Halve until the part stands alone. */
	for (struct page *p = physmem_page(pa->pm, head); p->order > order;) {
		p->order--;
		pfn_t upper = head + (UINT64_C(1) << p->order);
		struct page *half = physmem_page(pa->pm, upper);
		half->flags = (uint8_t)((half->flags & PAGE_BACKED) | PAGE_ALLOCATED);
		half->order = p->order;
		half->migratetype = p->migratetype;
		if (pfn >= upper) {
			head = upper;
			p = half;
		}
	}
}

static void buddy_tick(struct page_allocator *pa, struct env *env)
{
	struct buddy_allocator *ba = to_buddy(pa);
	struct refresh_arg arg = {ba, env->cpu};
	unsigned nid = ba->numastat.cpu_nid[env->cpu];
	for (unsigned i = 0; ba->pcp_enabled && i < pa->pm->zones_count; i++) {
		struct pcp *pcp = pcp_of(ba, i, env->cpu);
		pcp_decay(pcp, env, refresh_synced, &arg);
		if (pa->pm->zones[i].nid != nid)
			pcp_expire(pcp, env, refresh_synced, &arg);
	}
}

static void buddy_add_range_op(struct page_allocator *pa, pfn_t start, pfn_t end)
{
	if (start < end)
		buddy_add_range(&to_buddy(pa)->zones[physmem_zone(pa->pm, start)->index], start,
				end);
}

static void buddy_add_block_op(struct page_allocator *pa, pfn_t pfn, unsigned order)
{
	buddy_add_block(&to_buddy(pa)->zones[physmem_zone(pa->pm, pfn)->index], pfn, order);
}

static bool buddy_add_cached(struct page_allocator *pa, unsigned cpu, pfn_t pfn, unsigned order,
			     enum migratetype mt)
{
	struct buddy_allocator *ba = to_buddy(pa);
	if (!ba->pcp_enabled || !pcp_caches(pa->pm, order) || mt >= MIGRATE_PCPTYPES)
		return false;
	pcp_add(pcp_of(ba, physmem_zone(pa->pm, pfn)->index, cpu), pfn, order, mt);
	return true;
}

static void buddy_set_cached_high(struct page_allocator *pa, unsigned cpu, unsigned zone,
				  uint64_t high_pages)
{
	pcp_of(to_buddy(pa), zone, cpu)->high = high_pages;
}

static void buddy_walk_all(struct page_allocator *pa,
			   void (*visit)(void *arg, const struct free_block *), void *arg)
{
	struct buddy_allocator *ba = to_buddy(pa);
	for (unsigned i = 0; i < pa->pm->zones_count; i++)
		buddy_walk(&ba->zones[i], visit, arg);
	for (unsigned i = 0; i < pa->pm->zones_count; i++) {
		for (unsigned cpu = 0; cpu < ba->cpus_count; cpu++)
			pcp_walk(pcp_of(ba, i, cpu), cpu, visit, arg);
	}
}

static int buddy_check_all(struct page_allocator *pa, struct check_report *report)
{
	struct buddy_allocator *ba = to_buddy(pa);
	for (unsigned i = 0; i < pa->pm->zones_count; i++) {
		if (buddy_check(&ba->zones[i], report) != 0)
			return -1;
		for (unsigned cpu = 0; cpu < ba->cpus_count; cpu++) {
			if (pcp_check(pcp_of(ba, i, cpu), cpu, report) != 0)
				return -1;
		}
	}
	return 0;
}

static void buddy_zone_stats(struct page_allocator *pa, unsigned zone, struct page_zone_stats *s)
{
	const struct buddy_zone *bz = &to_buddy(pa)->zones[zone];
	memset(s, 0, sizeof(*s));
	s->splits_count = bz->splits_count;
	s->merges_count = bz->merges_count;
	s->claims_count = bz->claims_count;
	s->steals_count = bz->steals_count;
	s->boosts_count = bz->boosts_count;
	s->lock = &bz->lock;
	for (unsigned o = 0; o <= pa->pm->max_order; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			s->free_blocks[o][mt] = bz->lists[o][mt].count;
	}
	if (bz->untouched_start < bz->untouched_end)
		s->free_blocks[pa->pm->max_order][bz->untouched_type] +=
			(bz->untouched_end - bz->untouched_start) >> pa->pm->max_order;
}

static bool buddy_pcp_stats(struct page_allocator *pa, unsigned zone, unsigned cpu,
			    struct page_pcp_stats *s)
{
	struct buddy_allocator *ba = to_buddy(pa);
	const struct pcp *pcp = pcp_of(ba, zone, cpu);
	if (!ba->pcp_enabled)
		return false;
	*s = (struct page_pcp_stats){
		.count_pages = pcp->count,
		.high_pages = pcp->high,
		.high_min_pages = pcp->limits->high_min,
		.high_max_pages = pcp->limits->high_max,
		.batch_pages = pcp->limits->batch,
		.refills_count = pcp->refills_count,
		.refilled_pages = pcp->refilled_pages,
		.drains_count = pcp->drains_count,
		.drained_pages = pcp->drained_pages,
	};
	return true;
}

static struct numastat *buddy_numastat(struct page_allocator *pa)
{
	return &to_buddy(pa)->numastat;
}

static void buddy_free_allocator(struct page_allocator *pa)
{
	struct buddy_allocator *ba = to_buddy(pa);
	if (!ba)
		return;
	free(ba->zones);
	free(ba->limits);
	free(ba->pcps);
	free(ba->views);
	free(ba->view_zones);
	free(ba->log.changes);
	numastat_release(&ba->numastat);
	free(ba);
}

extern const struct page_allocator_ops buddy_page_allocator;

static void init_zone(struct buddy_allocator *ba, const struct page_allocator_params *p, unsigned i)
{
	struct zone *z = &p->pm->zones[i];
	buddy_init(&ba->zones[i], p, z, &ba->log);
	unsigned local = 0;
	for (unsigned cpu = 0; cpu < p->cpus_count; cpu++)
		local += p->cpu_nid[cpu] == z->nid;
	pcp_limits_init(&ba->limits[i], z, local ? local : p->cpus_count, &p->pcp);
	for (unsigned cpu = 0; cpu < p->cpus_count; cpu++)
		pcp_init(pcp_of(ba, i, cpu), &ba->zones[i], &ba->limits[i]);
	ba->dma32_built |= z->type == ZONE_DMA32;
}

static struct page_allocator *buddy_new(const struct page_allocator_params *p)
{
	struct buddy_allocator *ba = calloc(1, sizeof(*ba));
	unsigned zones = p->pm->zones_count;
	if (!ba)
		return NULL;
	ba->base = (struct page_allocator){.ops = &buddy_page_allocator, .pm = p->pm};
	ba->cpus_count = p->cpus_count;
	ba->pcp_enabled = p->pcp.enabled;
	ba->log_trim_at = LOG_TRIM;
	ba->zones = calloc(zones, sizeof(*ba->zones));
	ba->limits = calloc(zones, sizeof(*ba->limits));
	ba->pcps = calloc((size_t)zones * p->cpus_count, sizeof(*ba->pcps));
	ba->views = calloc(p->cpus_count, sizeof(*ba->views));
	ba->view_zones = calloc((size_t)zones * p->cpus_count, sizeof(*ba->view_zones));
	if (!ba->zones || !ba->limits || !ba->pcps || !ba->views || !ba->view_zones ||
	    numastat_init(&ba->numastat, p->pm->nodes_count, p->cpus_count, p->cpu_nid) != 0) {
		buddy_free_allocator(&ba->base);
		return NULL;
	}
	for (unsigned cpu = 0; cpu < p->cpus_count; cpu++)
		ba->views[cpu].zones = &ba->view_zones[(size_t)zones * cpu];
	for (unsigned i = 0; i < zones; i++)
		init_zone(ba, p, i);
	return &ba->base;
}

const struct page_allocator_ops buddy_page_allocator = {
	.name = "buddy",
	.summary = "Linux 6.18's zoned binary buddy with migratetypes and per-CPU page lists",
	.new = buddy_new,
	.free = buddy_free_allocator,
	.add_range = buddy_add_range_op,
	.add_block = buddy_add_block_op,
	.add_cached = buddy_add_cached,
	.set_cached_high = buddy_set_cached_high,
	.alloc_pages = buddy_alloc_pages,
	.free_pages = buddy_free_pages,
	.split_allocated = buddy_split_allocated,
	.knows = buddy_knows,
	.tick = buddy_tick,
	.walk = buddy_walk_all,
	.check = buddy_check_all,
	.zone_stats = buddy_zone_stats,
	.pcp_stats = buddy_pcp_stats,
	.numastat = buddy_numastat,
};
