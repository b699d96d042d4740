/*
 * pcp.c - per-CPU page lists, Linux 6.18's pagesets (mm/page_alloc.c).
 *
 * Purpose. Most requests are for one page and most pages are freed where they were used. A small
 * stock on every CPU serves them without the zone's lock, and gives back the page that is warmest
 * in the CPU's cache. The lock is taken once for a whole batch.
 *
 * Structure. 14 lists: orders 0..3 for each of three migratetypes, and huge blocks (pageblock
 * order) movable or not. Allocation and free use the head; a drain takes from the tail, the
 * coldest.
 *
 *   free -> [head ... tail] -> drain, to the zone
 *   alloc <- [head]  <- refill appends at the tail of an empty list
 *
 * Sizes. batch: about 0.1 % of the zone, 63 pages at most. high: drain from this count on. It moves
 * between high_min and high_max: a refill raises it, so that a CPU that allocates and frees in
 * waves keeps its pages; draining after many frees, reclaim, and the vmstat worker lower it.
 *
 * Refill of order 0: batch << alloc_factor pages; the factor grows with each refill and falls with
 * each free, so long runs of allocation take larger bites: 63, 126, 252, 504, 1008, 2016. A higher
 * order takes batch >> order blocks, at least two.
 *
 * Drain: as many pages as were freed lately, at least batch, keeping batch behind. It starts with
 * the freed block's own list and goes on round robin over the others.
 *
 * Example. batch 63, high 10023, empty lists: the first order-0 request refills 63 pages and takes
 * one; the next 62 cost no lock; the 64th refills 126.
 *
 * Zones of other nodes. When the CPU has not used its lists of one for three turns of the vmstat
 * worker, a batch goes back to the zone, and another after every three turns more. MODEL: used is
 * who took or put a page; Linux also counts what the pages' owners do to the zone's other counters.
 *
 * Invariants: P1 each list is linked both ways and its count is its length; P2 a listed block is
 * marked PAGE_PCP and of the list's order; P3 pcp.count is the pages on all lists.
 *
 * Cost charged: PCP for each push or pop; refill and drain charge what the buddy charges, plus the
 * lock.
 *
 * MODEL: the lists' own lock never fails, because nothing interrupts an operation; reclaim and
 * remote drains are not modelled; the hint to free in batches when the CPU's cache slice is large
 * (PCPF_FREE_HIGH_BATCH) is taken as unset.
 */
#include "alloc/pcp.h"

#include <stdio.h>
#include <string.h>

#include "kern/bug.h"

void pcp_limits_init(struct pcp_limits *limits, const struct zone *zone, unsigned cpus_count,
		     const struct pcp_params *params)
{
	uint64_t managed = zone->managed_pages, batch = params->batch_pages;
	if (batch == PCP_AUTO) {
		uint64_t base = u64_max(u64_min(managed >> 10, 256) / 4, 1);
		uint64_t wide = base + base / 2;
		batch = u64_max((UINT64_C(1) << (63 - __builtin_clzll(wide))) - 1, 1);
	}
	uint64_t floor = 4 * batch;
	uint64_t high_min = u64_max(zone->watermark_pages[WMARK_LOW] / cpus_count, floor);
	uint64_t high_max = u64_max(managed / 8 / cpus_count, floor);
	if (params->high_fraction)
		high_min = high_max = u64_max(managed / params->high_fraction / cpus_count, floor);
	if (params->high_min_pages != PCP_AUTO)
		high_min = params->high_min_pages;
	if (params->high_max_pages != PCP_AUTO)
		high_max = params->high_max_pages;
	*limits = (struct pcp_limits){
		.batch = batch,
		.high_min = u64_min(high_min, high_max),
		.high_max = high_max,
	};
}

void pcp_init(struct pcp *pcp, struct buddy_zone *bz, const struct pcp_limits *limits)
{
	memset(pcp, 0, sizeof(*pcp));
	pcp->bz = bz;
	pcp->limits = limits;
	for (unsigned i = 0; i < PCP_LISTS; i++)
		pagelist_init(&pcp->lists[i]);
}

static unsigned list_order(const struct pcp *pcp, unsigned index)
{
	return index < PCP_HUGE ? index / MIGRATE_PCPTYPES : pcp->bz->pm->pageblock_order;
}

static void push(struct pcp *pcp, pfn_t pfn, unsigned order, unsigned index, bool tail)
{
	struct page *pages = pcp->bz->pm->pages;
	pages[pfn].flags = (uint8_t)((pages[pfn].flags & PAGE_BACKED) | PAGE_PCP);
	pages[pfn].order = (uint8_t)order;
	if (tail)
		pagelist_push_tail(&pcp->lists[index], pages, pfn);
	else
		pagelist_push_head(&pcp->lists[index], pages, pfn);
	pcp->count += UINT64_C(1) << order;
}

static void pop(struct pcp *pcp, pfn_t pfn, unsigned index)
{
	struct page *pages = pcp->bz->pm->pages;
	pagelist_remove(&pcp->lists[index], pages, pfn);
	pages[pfn].flags &= PAGE_BACKED;
	pcp->count -= UINT64_C(1) << list_order(pcp, index);
}

/* --- refill ----------------------------------------------------------------------------------- */

/* How many blocks to take for an empty list (nr_pcp_alloc). */
static uint64_t refill_blocks(struct pcp *pcp, unsigned order, bool below_high)
{
	const struct pcp_limits *l = pcp->limits;
	uint64_t high = pcp->high = u64_clamp(pcp->high, l->high_min, l->high_max);
	if (high < l->batch)
		return 1;
	uint64_t want = order ? l->batch : l->batch << pcp->alloc_factor;
	if (l->high_min != l->high_max && !below_high)
		high = pcp->high = u64_min(high + want, l->high_max);
	if (!order) {
		uint64_t kept = pcp->count + l->batch;
		uint64_t max = high > kept ? u64_max(high - kept, l->batch) : l->batch;
		if (want <= max && pcp->alloc_factor < PCP_SCALE_MAX)
			pcp->alloc_factor++;
		want = u64_min(want, max);
	}
	return want > 1 ? u64_max(want >> order, 2) : want;
}

static void refill(struct pcp *pcp, struct env *env, unsigned order, enum migratetype mt,
		   unsigned flags, bool below_high, void (*synced)(void *arg), void *arg)
{
	unsigned index = pcp_list_index(order, mt);
	uint64_t want = refill_blocks(pcp, order, below_high), got = 0;
	enum take_mode mode = TAKE_NORMAL;
	env_set_path(env, PATH_PCP_REFILL);
	env_lock(env, &pcp->bz->lock);
	synced(arg);
	for (; got < want; got++) {
		pfn_t pfn = buddy_take(pcp->bz, env, order, mt, flags, &mode);
		if (pfn == PFN_NONE)
			break;
		push(pcp, pfn, order, index, true);
	}
	env_unlock(env, &pcp->bz->lock);
	pcp->refills_count += got ? 1 : 0;
	pcp->refilled_pages += got << order;
}

pfn_t pcp_alloc(struct pcp *pcp, struct env *env, unsigned order, enum migratetype mt,
		unsigned flags, bool below_high, void (*synced)(void *arg), void *arg)
{
	unsigned index = pcp_list_index(order, mt);
	struct pagelist *list = &pcp->lists[index];
	env_charge(env, COST_PCP);
	pcp->used = true;
	pcp->free_count >>= 1;
	if (!list->count)
		refill(pcp, env, order, mt, flags, below_high, synced, arg);
	if (!list->count)
		return PFN_NONE;
	pfn_t pfn = list->head;
	pop(pcp, pfn, index);
	pagelist_prefetch_head(list, pcp->bz->pm->pages);
	return pfn;
}

/* --- drain ------------------------------------------------------------------------------------ */

/*
 * Return at least @pages pages (or all there are) to the zone, from the tails of the lists,
 * beginning with list @index (free_pcppages_bulk).
 */
static void drain(struct pcp *pcp, struct env *env, uint64_t pages, unsigned index, bool freeing,
		  void (*synced)(void *arg), void *arg)
{
	pages = u64_min(pages, pcp->count);
	if (!pages)
		return;
	env_lock(env, &pcp->bz->lock);
	synced(arg);
	pcp->drains_count++;
	uint64_t done = 0;
	for (; done < pages; index = (index + 1) % PCP_LISTS) {
		struct pagelist *list = &pcp->lists[index];
		unsigned order = list_order(pcp, index);
		while (list->count && done < pages) {
			pfn_t pfn = list->tail;
			pop(pcp, pfn, index);
			pagelist_prefetch_tail(list, pcp->bz->pm->pages);
			buddy_put(pcp->bz, env, pfn, order);
			done += UINT64_C(1) << order;
		}
	}
	pcp->drained_pages += done;
	struct zone *z = pcp->bz->zone;
	if (freeing && z->below_high &&
	    watermark_pages_ok(z, 0, watermark_mark(z, WMARK_HIGH), ZONE_MOVABLE, 0))
		z->below_high = false;
	env_unlock(env, &pcp->bz->lock);
}

/* The count from which to drain now, and how the mark moves (nr_pcp_high). */
static uint64_t drain_mark(struct pcp *pcp, bool free_high, bool below_high)
{
	const struct pcp_limits *l = pcp->limits;
	uint64_t high = pcp->high = u64_clamp(pcp->high, l->high_min, l->high_max);
	if (!high)
		return 0;
	uint64_t bulk = l->batch << PCP_SCALE_MAX;
	if (free_high) {
		pcp->high = u64_max(high > bulk ? high - bulk : 0, l->high_min);
		return 0;
	}
	if (l->high_min == l->high_max)
		return high;
	if (below_high) {
		uint64_t less = u64_max(pcp->free_count, l->batch);
		pcp->high = u64_max(high > less ? high - less : 0, l->high_min);
		return u64_max(pcp->count, l->high_min);
	}
	if (pcp->count >= high) {
		uint64_t need = pcp->free_count + l->batch;
		if (pcp->high < need)
			pcp->high = u64_clamp(need, l->high_min, l->high_max);
	}
	return high;
}

/* How many pages to drain (nr_pcp_free). */
static uint64_t drain_pages(const struct pcp *pcp, uint64_t mark, bool free_high)
{
	uint64_t batch = pcp->limits->batch;
	if (free_high)
		return u64_min(pcp->count, batch << PCP_SCALE_MAX);
	if (mark < batch)
		return 1;
	return u64_clamp(pcp->free_count, batch, u64_max(mark - batch, batch));
}

void pcp_free(struct pcp *pcp, struct env *env, pfn_t pfn, unsigned order, enum migratetype mt,
	      bool below_high, void (*synced)(void *arg), void *arg)
{
	const struct pcp_limits *l = pcp->limits;
	enum migratetype list_type = mt < MIGRATE_PCPTYPES ? mt : MIGRATE_MOVABLE;
	unsigned index = pcp_list_index(order, list_type);
	env_charge(env, COST_PCP);
	pcp->used = true;
	pcp->alloc_factor >>= 1;
	push(pcp, pfn, order, index, false);

	/*
	 * Blocks of order 1..3 freed in a row, after many pages: the CPU frees more than it uses.
	 */
	bool free_high = false;
	if (order && order < PCP_ORDERS) {
		free_high = pcp->free_count >= l->batch + l->high_min / 2 &&
			    pcp->prev_free_high_order;
		pcp->prev_free_high_order = true;
	} else {
		pcp->prev_free_high_order = false;
	}
	if (pcp->free_count < l->batch << PCP_SCALE_MAX)
		pcp->free_count += UINT64_C(1) << order;
	uint64_t mark = drain_mark(pcp, free_high, below_high);
	if (pcp->count < mark)
		return;
	env_set_path(env, PATH_PCP_DRAIN);
	drain(pcp, env, drain_pages(pcp, mark, free_high), index, true, synced, arg);
}

void pcp_decay(struct pcp *pcp, struct env *env, void (*synced)(void *arg), void *arg)
{
	const struct pcp_limits *l = pcp->limits;
	if (pcp->high > l->high_min) {
		uint64_t bulk = l->batch << PCP_SCALE_MAX;
		uint64_t high = pcp->high - (pcp->high >> 3);
		high = u64_max(high, pcp->count > bulk ? pcp->count - bulk : 0);
		pcp->high = u64_max(high, l->high_min);
	}
	uint64_t left = pcp->count > pcp->high ? pcp->count - pcp->high : 0;
	for (uint64_t n; left && pcp->count; left -= n) {
		n = u64_min(left, l->batch);
		drain(pcp, env, n, 0, false, synced, arg);
	}
}

void pcp_expire(struct pcp *pcp, struct env *env, void (*synced)(void *arg), void *arg)
{
	if (pcp->used)
		pcp->expire = PCP_EXPIRE;
	pcp->used = false;
	if (!pcp->expire || !pcp->count || --pcp->expire)
		return;
	drain(pcp, env, pcp->limits->batch, 0, false, synced, arg);
	pcp->used = true; /* the zone's counters have changed, which is how Linux knows */
}

/* --- start states and questions --------------------------------------------------------------- */

void pcp_add(struct pcp *pcp, pfn_t pfn, unsigned order, enum migratetype mt)
{
	pcp->bz->pm->pages[pfn].migratetype = (uint8_t)mt;
	push(pcp, pfn, order, pcp_list_index(order, mt), true);
}

void pcp_walk(struct pcp *pcp, unsigned cpu, void (*visit)(void *arg, const struct free_block *),
	      void *arg)
{
	struct free_block b = {.zone = pcp->bz->zone->index, .cpu = (int)cpu};
	for (unsigned i = 0; i < PCP_LISTS; i++) {
		b.order = list_order(pcp, i);
		b.migratetype = i < PCP_HUGE    ? (enum migratetype)(i % MIGRATE_PCPTYPES)
				: i == PCP_HUGE ? MIGRATE_UNMOVABLE
						: MIGRATE_MOVABLE;
		for (uint32_t p = pcp->lists[i].head; p != PAGE_LINK_NONE;
		     p = pcp->bz->pm->pages[p].next) {
			b.pfn = p;
			visit(arg, &b);
		}
	}
}

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

int pcp_check(const struct pcp *pcp, unsigned cpu, struct check_report *report)
{
	const struct page *pages = pcp->bz->pm->pages;
	uint64_t total = 0;
	for (unsigned i = 0; i < PCP_LISTS; i++) {
		const struct pagelist *list = &pcp->lists[i];
		unsigned order = list_order(pcp, i);
		uint64_t length = 0;
		uint32_t prev = PAGE_LINK_NONE;
		for (uint32_t p = list->head; p != PAGE_LINK_NONE; p = pages[p].next) {
			if (length++ >= list->count || pages[p].prev != prev)
				FAIL("P1: CPU %u, zone %s, list %u is not linked well at pfn %#x",
				     cpu, pcp->bz->zone->name, i, p);
			if ((pages[p].flags & ~PAGE_BACKED) != PAGE_PCP || pages[p].order != order)
				FAIL("P2: CPU %u, zone %s, list %u: pfn %#x has state %#x, order "
				     "%u",
				     cpu, pcp->bz->zone->name, i, p, pages[p].flags,
				     pages[p].order);
			prev = p;
		}
		if (length != list->count || list->tail != prev)
			FAIL("P1: CPU %u, zone %s, list %u has %llu blocks, its count is %llu", cpu,
			     pcp->bz->zone->name, i, (unsigned long long)length,
			     (unsigned long long)list->count);
		total += length << order;
	}
	if (total != pcp->count)
		FAIL("P3: CPU %u, zone %s counts %llu pages, its lists hold %llu", cpu,
		     pcp->bz->zone->name, (unsigned long long)pcp->count,
		     (unsigned long long)total);
	return 0;
}
