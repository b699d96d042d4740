/*
 * buddy.c - the binary buddy allocator of one zone, as Linux 6.18 has it (mm/page_alloc.c).
 *
 * Terms. A block of order o is 2^o page frames whose first pfn is a multiple of 2^o. Its buddy is
 * the block at pfn XOR 2^o; together they are the block of order o+1 that encloses both. A
 * pageblock is 2^pageblock_order pages that are kept for one migratetype, so that pages that cannot
 * be moved do not scatter over all of memory.
 *
 * Structure. One doubly linked list for each (order, migratetype), linked by pfn through the page
 * frames of the blocks' heads; allocation takes the head. bit o of nonempty[type] says whether the
 * list has blocks, so a search is one find-first-set.
 *
 *   lists[10][Movable]  -> 0x100000 -> 0x100400 -> ...
 *   lists[ 0][Movable]  -> 0x2f03
 *
 * Taking 2^o pages: the smallest order c >= o whose list has a block. It is split c - o times; each
 * time the upper half goes to the head of its list and the lower half is kept. If the type has
 * nothing, another type's block is claimed or stolen: buddy_fallback.c.
 *
 * Returning a block: while its buddy is free, of the same order, in the same zone and of a type
 * that may merge, take the buddy off its list and go one order up. Then it goes to the head of its
 * list, or to the tail if the next merge is near: if the enclosing block's buddy is free, being
 * taken last lets the remaining half come back first.
 *
 * Example. A zone of 1024 pages, one free block of order 10. Asking for 3 pages means order 2:
 * eight splits leave one free block of each order 2..9, and the block at pfn 0 is handed out.
 * Returning it merges eight times; the order-10 block is back.
 *
 * Untouched blocks. At boot nearly all memory is in blocks of the largest order, in ascending order
 * at the tail of one list. Linking a terabyte of them would touch a page of host memory for each,
 * so they stay a range [untouched_start, untouched_end) that continues the list, and are linked
 * when the list in front of them has run out. Nothing is ever put behind them: largest-order blocks
 * go to heads.
 *
 * Pageblock types are read without the zone lock by CPUs that free pages, from what they knew when
 * they last synchronised. pageblock_log keeps each change's old type for that: see
 * pageblock_type_seen().
 *
 * Invariants (buddy_check.c):
 *   I1  every list is linked both ways, its count is its length, and nonempty says if it is empty
 *   I2  a listed block is marked PAGE_BUDDY, aligned to its order, inside the zone
 *   I3  frames inside a free block, after its head, carry no state
 *   I4  the list's order and type are the block's; the type is that of all its pageblocks
 *   I5  below the pageblock order, two free buddies are merged (unless coalescing is off, or a
 *       recorded start state held them apart). From that order on, a change of type may bring
 *       mergeable blocks side by side; they merge when one of them is next returned.
 *   I6  zone.free_pages and free_highatomic_pages equal what the lists hold
 *   I7  untouched blocks are aligned, their heads carry no state, and they belong to their type
 *   I8  every marked free block is on a list: marks and list lengths agree
 *
 * Cost charged: SEARCH for each order looked at, LINK for each list operation, SPLIT and MERGE for
 * each step; O(max_order) whatever the size of the zone.
 *
 * MODEL: no page reporting, memory hot-plug or CMA here; isolation of pageblocks has its list, but
 * nothing isolates yet.
 */
#include "alloc/buddy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

static void page_set_state(struct page *p, uint8_t state)
{
	p->flags = (uint8_t)((p->flags & PAGE_BACKED) | state);
}

void buddy_init(struct buddy_zone *bz, const struct page_allocator_params *params,
		struct zone *zone, struct pageblock_log *log)
{
	memset(bz, 0, sizeof(*bz));
	bz->pm = params->pm;
	bz->zone = zone;
	bz->coalesce = params->coalesce;
	bz->highatomic = params->highatomic;
	bz->split_steps_max = params->split_steps_max;
	bz->boost_factor = params->watermark_boost_factor;
	bz->log = log;
	snprintf(bz->lock.name, sizeof(bz->lock.name), "node%u/%s", zone->nid, zone->name);
	for (unsigned o = 0; o < ORDER_LIMIT; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			pagelist_init(&bz->lists[o][mt]);
	}
}

/* --- pageblock types -------------------------------------------------------------------------- */

static void log_change(struct pageblock_log *log, uint64_t block, enum migratetype old_type)
{
	if (log->count == log->capacity) {
		log->capacity = log->capacity ? 2 * log->capacity : 256;
		log->changes = realloc(log->changes, log->capacity * sizeof(*log->changes));
		BUG_ON(!log->changes, "out of memory for the log of pageblock types");
	}
	log->changes[log->count++] = (struct pageblock_change){
		.block = (uint32_t)block,
		.old_type = (uint8_t)old_type,
	};
}

enum migratetype pageblock_type_seen(const struct physmem *pm, const struct pageblock_log *log,
				     uint64_t seen, pfn_t pfn)
{
	uint64_t block = pfn >> pm->pageblock_order;
	for (uint64_t i = seen; i < log->count; i++) {
		if (log->changes[i].block == block)
			return (enum migratetype)log->changes[i].old_type;
	}
	return pageblock_type(pm, pfn);
}

/* Set the type of every pageblock that the block of @order at @pfn reaches into. */
void buddy_retype(struct buddy_zone *bz, pfn_t pfn, unsigned order, enum migratetype mt)
{
	pfn_t end = pfn + (UINT64_C(1) << order);
	for (pfn_t p = pfn; p < end; p += pageblock_pages(bz->pm)) {
		enum migratetype old = pageblock_type(bz->pm, p);
		if (old != mt) {
			log_change(bz->log, p >> bz->pm->pageblock_order, old);
			pageblock_set_type(bz->pm, p, mt);
		}
	}
}

/* --- lists ------------------------------------------------------------------------------------ */

static void account(struct buddy_zone *bz, unsigned order, enum migratetype mt, int64_t sign)
{
	int64_t pages = sign * (int64_t)(UINT64_C(1) << order);
	if (mt != MIGRATE_ISOLATE)
		bz->zone->free_pages += (uint64_t)pages;
	if (mt == MIGRATE_HIGHATOMIC)
		bz->zone->free_highatomic_pages += (uint64_t)pages;
}

static void link_uncharged(struct buddy_zone *bz, pfn_t pfn, unsigned order, enum migratetype mt,
			   bool tail)
{
	struct page *p = &bz->pm->pages[pfn];
	page_set_state(p, PAGE_BUDDY);
	p->order = (uint8_t)order;
	p->migratetype = (uint8_t)mt;
	struct pagelist *list = &bz->lists[order][mt];
	if (tail)
		pagelist_push_tail(list, bz->pm->pages, pfn);
	else
		pagelist_push_head(list, bz->pm->pages, pfn);
	bz->nonempty[mt] |= 1u << order;
	account(bz, order, mt, 1);
}

static bool has_untouched(const struct buddy_zone *bz, unsigned order, enum migratetype mt)
{
	return order == bz->pm->max_order && mt == bz->untouched_type &&
	       bz->untouched_start < bz->untouched_end;
}

/* Put the first untouched block on its list, which continues with it. */
static void touch_first(struct buddy_zone *bz)
{
	pfn_t pfn = bz->untouched_start;
	bz->untouched_start += UINT64_C(1) << bz->pm->max_order;
	account(bz, bz->pm->max_order, bz->untouched_type, -1);
	link_uncharged(bz, pfn, bz->pm->max_order, bz->untouched_type, true);
}

static void touch_all(struct buddy_zone *bz)
{
	while (bz->untouched_start < bz->untouched_end)
		touch_first(bz);
}

void buddy_link(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order,
		enum migratetype mt, bool tail)
{
	env_charge(env, COST_LINK);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	if (tail && has_untouched(bz, order, mt))
		touch_all(bz);
	link_uncharged(bz, pfn, order, mt, tail);
}

void buddy_unlink(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order)
{
	env_charge(env, COST_LINK);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	struct page *p = &bz->pm->pages[pfn];
	enum migratetype mt = (enum migratetype)p->migratetype;
	struct pagelist *list = &bz->lists[order][mt];
	pagelist_remove(list, bz->pm->pages, pfn);
	if (!list->count && !has_untouched(bz, order, mt))
		bz->nonempty[mt] &= ~(1u << order);
	page_set_state(p, 0);
	account(bz, order, mt, -1);
}

/* The head of a list, or PFN_NONE. */
pfn_t buddy_first(struct buddy_zone *bz, unsigned order, enum migratetype mt)
{
	struct pagelist *list = &bz->lists[order][mt];
	if (!list->count && has_untouched(bz, order, mt))
		touch_first(bz);
	return list->count ? list->head : PFN_NONE;
}

/* --- taking ----------------------------------------------------------------------------------- */

/*
 * Halve the unlisted block at @pfn from order @high down to @low. Upper halves go to the heads of
 * @mt's lists; the block of order @low at @pfn stays unlisted.
 */
void buddy_expand(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned low, unsigned high,
		  enum migratetype mt)
{
	while (high > low) {
		high--;
		env_charge(env, COST_SPLIT);
		bz->splits_count++;
		buddy_link(bz, env, pfn + (UINT64_C(1) << high), high, mt, false);
	}
}

bool buddy_split_allowed(const struct buddy_zone *bz, unsigned from, unsigned to)
{
	return from - to <= bz->split_steps_max;
}

pfn_t buddy_take_type(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt)
{
	uint32_t orders = bz->nonempty[mt] >> order << order;
	env_charge_n(env, COST_SEARCH,
		     orders ? (unsigned)__builtin_ctz(orders) - order + 1
			    : bz->pm->max_order - order + 1);
	if (!orders)
		return PFN_NONE;
	unsigned found = (unsigned)__builtin_ctz(orders);
	if (!buddy_split_allowed(bz, found, order))
		return PFN_NONE;
	pfn_t pfn = buddy_first(bz, found, mt);
	buddy_unlink(bz, env, pfn, found);
	pagelist_prefetch_head(&bz->lists[found][mt], bz->pm->pages);
	buddy_expand(bz, env, pfn, order, found, mt);
	return pfn;
}

pfn_t buddy_take(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt,
		 unsigned flags, enum take_mode *mode)
{
	pfn_t pfn = PFN_NONE;
	if (*mode == TAKE_NORMAL)
		pfn = buddy_take_type(bz, env, order, mt);
	if (pfn == PFN_NONE)
		pfn = buddy_fallback(bz, env, order, mt, flags, mode);
	if (pfn != PFN_NONE)
		bz->pm->pages[pfn].migratetype = (uint8_t)mt;
	return pfn;
}

/* --- returning -------------------------------------------------------------------------------- */

/* Is the block of @order at @pfn free, as one block, in this zone? */
static bool is_free_block(const struct buddy_zone *bz, pfn_t pfn, unsigned order)
{
	if (pfn < bz->zone->start_pfn || pfn >= bz->zone->end_pfn)
		return false;
	const struct page *p = &bz->pm->pages[pfn];
	return (p->flags & PAGE_BUDDY) && p->order == order;
}

/* May a block of type @mt take in its free buddy at @buddy? Both types must allow it. */
static bool may_merge(const struct buddy_zone *bz, unsigned order, enum migratetype mt,
		      pfn_t buddy)
{
	if (order < bz->pm->pageblock_order)
		return true; /* one pageblock, one type */
	enum migratetype other = pageblock_type(bz->pm, buddy);
	return other == mt || (migratetype_mergeable(other) && migratetype_mergeable(mt));
}

/* Would the block be merged soon? Then it is better taken last. */
static bool merge_likely(const struct buddy_zone *bz, pfn_t pfn, unsigned order)
{
	if (order + 1 >= bz->pm->max_order)
		return false;
	pfn_t enclosing = pfn & ~(UINT64_C(1) << order);
	return is_free_block(bz, enclosing ^ (UINT64_C(1) << (order + 1)), order + 1);
}

static void put_one(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order)
{
	enum migratetype mt = pageblock_type(bz->pm, pfn);
	page_set_state(&bz->pm->pages[pfn], 0);
	while (bz->coalesce && order < bz->pm->max_order) {
		pfn_t buddy = pfn ^ (UINT64_C(1) << order);
		env_touch(env, page_meta_paddr(buddy), 64, false);
		if (!is_free_block(bz, buddy, order) || !may_merge(bz, order, mt, buddy))
			break;
		env_charge(env, COST_MERGE);
		bz->merges_count++;
		buddy_unlink(bz, env, buddy, order);
		if (order >= bz->pm->pageblock_order)
			buddy_retype(bz, buddy, order, mt);
		pfn &= ~(UINT64_C(1) << order);
		order++;
	}
	buddy_link(bz, env, pfn, order, mt, merge_likely(bz, pfn, order));
}

void buddy_put(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order)
{
	/* The pageblocks of a larger block may have different types: one at a time. */
	unsigned step = order < bz->pm->pageblock_order ? order : bz->pm->pageblock_order;
	pfn_t end = pfn + (UINT64_C(1) << order);
	for (pfn_t p = pfn; p < end; p += UINT64_C(1) << step)
		put_one(bz, env, p, step);
}

/* --- start states ----------------------------------------------------------------------------- */

void buddy_add_block(struct buddy_zone *bz, pfn_t pfn, unsigned order)
{
	touch_all(bz);
	/*
	 * The block first: a frame that is written before it is read costs the host one fault, not
	 * two.
	 */
	link_uncharged(bz, pfn, order, pageblock_type(bz->pm, pfn), true);
	if (order < bz->pm->max_order && is_free_block(bz, pfn ^ (UINT64_C(1) << order), order))
		bz->unmerged_start = true;
}

void buddy_add_range(struct buddy_zone *bz, pfn_t start, pfn_t end)
{
	unsigned max_order = bz->pm->max_order;
	uint64_t max_pages = UINT64_C(1) << max_order;
	pfn_t first_whole = (start + max_pages - 1) & ~(max_pages - 1),
	      last_whole = end & ~(max_pages - 1);
	touch_all(bz); /* this range comes behind whatever is there */
	for (pfn_t p = start; p < end;) {
		if (p == first_whole && p < last_whole) {
			bz->untouched_start = first_whole;
			bz->untouched_end = last_whole;
			bz->untouched_type = pageblock_type(bz->pm, p);
			bz->nonempty[bz->untouched_type] |= 1u << max_order;
			bz->zone->free_pages += last_whole - first_whole;
			p = last_whole;
			continue;
		}
		unsigned order = p ? (unsigned)__builtin_ctzll(p) : max_order;
		order = order < max_order ? order : max_order;
		while (p + (UINT64_C(1) << order) > end)
			order--;
		link_uncharged(bz, p, order, pageblock_type(bz->pm, p), true);
		p += UINT64_C(1) << order;
	}
}

/* --- questions -------------------------------------------------------------------------------- */

bool buddy_in_untouched(const struct buddy_zone *bz, pfn_t pfn, unsigned order)
{
	return pfn < bz->untouched_end && pfn + (UINT64_C(1) << order) > bz->untouched_start;
}

void buddy_walk(struct buddy_zone *bz, void (*visit)(void *arg, const struct free_block *),
		void *arg)
{
	struct free_block b = {.zone = bz->zone->index, .cpu = -1};
	for (b.order = 0; b.order <= bz->pm->max_order; b.order++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
			b.migratetype = (enum migratetype)mt;
			for (uint32_t p = bz->lists[b.order][mt].head; p != PAGE_LINK_NONE;
			     p = bz->pm->pages[p].next) {
				b.pfn = p;
				visit(arg, &b);
			}
			if (!has_untouched(bz, b.order, b.migratetype))
				continue;
			for (b.pfn = bz->untouched_start; b.pfn < bz->untouched_end;
			     b.pfn += UINT64_C(1) << bz->pm->max_order)
				visit(arg, &b);
		}
	}
}
