/*
 * buddy_fallback.c - what a zone does when a migratetype has run out: claim, steal, and the reserve
 * for high-order atomic requests. Follows Linux 6.18 (__rmqueue_claim, __rmqueue_steal,
 * reserve_highatomic_pageblock).
 *
 * Claiming comes first. From the largest order down, the first other type that has a block offers
 * its head. A block of a whole pageblock or more changes type at once. A smaller one changes the
 * type of its pageblock only if at least half of the pageblock is free or used by pages of a like
 * kind; then all its free blocks move over. A claim keeps future requests of the type together.
 *
 * Stealing takes the smallest block of another type that fits and leaves the pageblock's type
 * alone. It mixes types in one pageblock, the seed of lasting fragmentation, so a first attempt may
 * be forbidden to do it (ALLOC_NOFRAGMENT) and looks into other zones first.
 *
 * Like kinds. Which used pages of a pageblock can be moved is a question about what they hold.
 * MODEL: a page is as movable as the request it was taken from the free lists for; pages that were
 * in use before the simulation began are as movable as their pageblock's type says. Pages on
 * per-CPU lists count like used ones: private state of other CPUs must not be looked at here.
 */
#include "alloc/buddy.h"
#include "kern/bug.h"

static const enum migratetype fallbacks[MIGRATE_PCPTYPES][MIGRATE_PCPTYPES - 1] = {
	[MIGRATE_UNMOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE},
	[MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
	[MIGRATE_RECLAIMABLE] = {MIGRATE_UNMOVABLE, MIGRATE_MOVABLE},
};

/* The first fallback type of @mt with a block of @order, or MIGRATE_TYPES. */
static enum migratetype fallback_type(const struct buddy_zone *bz, unsigned order,
				      enum migratetype mt)
{
	for (unsigned i = 0; i < MIGRATE_PCPTYPES - 1; i++) {
		if (bz->nonempty[fallbacks[mt][i]] & (1u << order))
			return fallbacks[mt][i];
	}
	return MIGRATE_TYPES;
}

/* Is looking for a pageblock to claim at @order worth it for a request of type @mt? */
static bool claim_plausible(const struct buddy_zone *bz, unsigned order, enum migratetype mt)
{
	return order >= bz->pm->pageblock_order / 2 || mt != MIGRATE_MOVABLE;
}

static pfn_t pageblock_start(const struct buddy_zone *bz, pfn_t pfn)
{
	return pfn & ~(pageblock_pages(bz->pm) - 1);
}

static bool pageblock_in_zone(const struct buddy_zone *bz, pfn_t start)
{
	return start >= bz->zone->start_pfn && start + pageblock_pages(bz->pm) <= bz->zone->end_pfn;
}

/* Count the free pages of a pageblock, and its used pages that could be moved. */
static void scan_pageblock(struct buddy_zone *bz, struct env *env, pfn_t start,
			   uint64_t *free_pages, uint64_t *movable_pages)
{
	pfn_t end = start + pageblock_pages(bz->pm);
	bool unknown_movable = pageblock_type(bz->pm, start) == MIGRATE_MOVABLE;
	uint64_t free_blocks = 0;
	*free_pages = *movable_pages = 0;
	for (pfn_t p = start; p < end;) {
		const struct page *page = &bz->pm->pages[p];
		uint64_t pages = 1;
		if (page->flags & (PAGE_BUDDY | PAGE_PCP | PAGE_ALLOCATED))
			pages = UINT64_C(1) << page->order;
		if (page->flags & PAGE_BUDDY) {
			*free_pages += pages;
			free_blocks++;
		} else if (page->flags & (PAGE_PCP | PAGE_ALLOCATED)) {
			if (page->migratetype == MIGRATE_MOVABLE)
				*movable_pages += pages;
		} else if (unknown_movable) {
			*movable_pages += pages;
		}
		p += pages;
	}
	/* How other blocks are cut up changes without the lock; so every used page costs a look. */
	env_charge_n(env, COST_SCAN_PAGE, pageblock_pages(bz->pm) - *free_pages + free_blocks);
}

/* Move every free block of a pageblock to @mt's lists, at the tails, and change its type. */
static void convert_pageblock(struct buddy_zone *bz, struct env *env, pfn_t start,
			      enum migratetype mt)
{
	pfn_t end = start + pageblock_pages(bz->pm);
	for (pfn_t p = start; p < end;) {
		const struct page *page = &bz->pm->pages[p];
		if (!(page->flags & PAGE_BUDDY)) {
			p++;
			continue;
		}
		unsigned order = page->order;
		buddy_unlink(bz, env, p, order);
		buddy_link(bz, env, p, order, mt, true);
		p += UINT64_C(1) << order;
	}
	buddy_retype(bz, start, bz->pm->pageblock_order, mt);
}

/*
 * A block of at least a pageblock: it changes type as a whole and is split on the new type's lists.
 */
static pfn_t claim_whole(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order,
			 unsigned found, enum migratetype mt)
{
	buddy_unlink(bz, env, pfn, found);
	buddy_retype(bz, pfn, found, mt);
	buddy_expand(bz, env, pfn, order, found, mt);
	return pfn;
}

/* A smaller block: its pageblock changes type if half of it would then be of one kind. */
static pfn_t claim_part(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order,
			enum migratetype mt, enum migratetype from, unsigned flags)
{
	if (watermark_boost(bz->pm, bz->zone, bz->boost_factor)) {
		bz->boosts_count++;
		if (flags & ALLOC_KSWAPD)
			bz->zone->watermark_boost_pages = 0; /* MODEL: kswapd answers at once */
	}
	pfn_t start = pageblock_start(bz, pfn);
	if (!pageblock_in_zone(bz, start))
		return PFN_NONE;
	uint64_t free_pages, movable_pages, alike = 0;
	scan_pageblock(bz, env, start, &free_pages, &movable_pages);
	if (mt == MIGRATE_MOVABLE)
		alike = movable_pages;
	else if (from == MIGRATE_MOVABLE)
		alike = pageblock_pages(bz->pm) - free_pages - movable_pages;
	if (free_pages + alike < pageblock_pages(bz->pm) / 2)
		return PFN_NONE;
	convert_pageblock(bz, env, start, mt);
	return buddy_take_type(bz, env, order, mt);
}

static pfn_t claim(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt,
		   unsigned flags)
{
	unsigned lowest = order;
	if ((flags & ALLOC_NOFRAGMENT) && lowest < bz->pm->pageblock_order)
		lowest = bz->pm->pageblock_order;
	for (unsigned o = bz->pm->max_order + 1; o-- > lowest;) {
		env_charge(env, COST_SEARCH);
		if (!claim_plausible(bz, o, mt))
			return PFN_NONE;
		enum migratetype from = fallback_type(bz, o, mt);
		if (from == MIGRATE_TYPES || !buddy_split_allowed(bz, o, order))
			continue;
		pfn_t pfn = buddy_first(bz, o, from);
		if (o >= bz->pm->pageblock_order)
			pfn = claim_whole(bz, env, pfn, order, o, mt);
		else
			pfn = claim_part(bz, env, pfn, order, mt, from, flags);
		if (pfn != PFN_NONE)
			return pfn;
	}
	return PFN_NONE;
}

static pfn_t steal(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt)
{
	for (unsigned o = order; o <= bz->pm->max_order; o++) {
		env_charge(env, COST_SEARCH);
		enum migratetype from = fallback_type(bz, o, mt);
		if (from == MIGRATE_TYPES || !buddy_split_allowed(bz, o, order))
			continue;
		pfn_t pfn = buddy_first(bz, o, from);
		buddy_unlink(bz, env, pfn, o);
		buddy_expand(bz, env, pfn, order, o, from);
		return pfn;
	}
	return PFN_NONE;
}

/* The part of buddy_take() after the type's own lists; @mode says where a bulk has got to. */
pfn_t buddy_fallback(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt,
		     unsigned flags, enum take_mode *mode)
{
	if (mt >= MIGRATE_PCPTYPES)
		return PFN_NONE;
	if (*mode != TAKE_STEAL) {
		pfn_t pfn = claim(bz, env, order, mt, flags);
		if (pfn != PFN_NONE) {
			bz->claims_count++;
			*mode = TAKE_NORMAL; /* its own lists hold blocks again */
			return pfn;
		}
	}
	if (flags & ALLOC_NOFRAGMENT)
		return PFN_NONE;
	pfn_t pfn = steal(bz, env, order, mt);
	if (pfn != PFN_NONE) {
		bz->steals_count++;
		*mode = TAKE_STEAL;
	}
	return pfn;
}

/* --- the high-order atomic reserve ------------------------------------------------------------ */

void buddy_reserve_highatomic(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order)
{
	uint64_t block = pageblock_pages(bz->pm), share = bz->zone->managed_pages / 100;
	if (!bz->highatomic || share < block)
		return;
	uint64_t limit = (share + block - 1) / block * block;
	pfn_t start = pageblock_start(bz, pfn);
	if (bz->zone->reserved_highatomic_pages >= limit || !pageblock_in_zone(bz, start) ||
	    !migratetype_mergeable(pageblock_type(bz->pm, start)))
		return;
	if (order < bz->pm->pageblock_order)
		convert_pageblock(bz, env, start, MIGRATE_HIGHATOMIC);
	else
		buddy_retype(bz, pfn, order, MIGRATE_HIGHATOMIC);
	bz->zone->reserved_highatomic_pages += u64_max(block, UINT64_C(1) << order);
}

bool buddy_unreserve_highatomic(struct buddy_zone *bz, struct env *env, enum migratetype mt)
{
	if (!bz->zone->reserved_highatomic_pages)
		return false;
	for (unsigned o = 0; o <= bz->pm->max_order; o++) {
		pfn_t pfn = buddy_first(bz, o, MIGRATE_HIGHATOMIC);
		if (pfn == PFN_NONE)
			continue;
		uint64_t block = pageblock_pages(bz->pm);
		uint64_t pages = u64_max(block, UINT64_C(1) << o);
		if (o < bz->pm->pageblock_order) {
			convert_pageblock(bz, env, pageblock_start(bz, pfn), mt);
		} else {
			buddy_unlink(bz, env, pfn, o);
			buddy_retype(bz, pfn, o, mt);
			buddy_link(bz, env, pfn, o, mt, true);
		}
		BUG_ON(bz->zone->reserved_highatomic_pages < pages,
		       "zone %s: %llu reserved pages, %llu given back", bz->zone->name,
		       (unsigned long long)bz->zone->reserved_highatomic_pages,
		       (unsigned long long)pages);
		bz->zone->reserved_highatomic_pages -= pages;
		return true;
	}
	return false;
}
