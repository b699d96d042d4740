/*
 * seed_pcp.c - see seed_pcp.h.
 *
 * zoneinfo says how many pages each CPU's lists hold, not which. The trace shows most of those that
 * matter: a page whose first event is an allocation, without a removal from the free lists before,
 * can only have come from the CPU's list; a page whose first event is a drain was at the list's
 * end.
 *
 *   head: allocated first, second, ...     (the assumed rest)     ..., drained second, first :tail
 *
 * What zoneinfo counts beyond that was never touched while the trace ran, so it lies in lists that
 * the trace never refills: a list is refilled when it is empty, and one that still holds old pages
 * never was. Huge blocks go first, because one of them accounts for 512 pages.
 *
 * The trace also tells when each CPU's vmstat worker runs, which drains its lists once a second: a
 * drain that does not follow a free on that CPU at once can only be the worker's.
 *
 * MODEL: which pages the assumed rest consists of is not known. They are taken from pageblocks of
 * the list's type, from high addresses down, where nothing is free and nothing happens in the
 * trace.
 */
#include "sim/seed_pcp.h"

#include <stdlib.h>
#include <string.h>

#include "kern/pfnset.h"

#define SEED_ORDERS 5 /* 0..3 and huge */

struct seed {
	uint32_t pfn;
	uint8_t order, migratetype;
	uint8_t zone;
	bool tail; /* drained: belongs at the tail, in reverse order of events */
	uint16_t cpu;
};

struct seeder {
	struct machine *m;
	const struct truth *truth;
	const struct trace *trace;
	uint64_t start_ns, end_ns;
	struct blockmap *free;
	struct pfnset seen;           /* pages that had an event, or were assumed */
	struct seed *seeds;           /* in order of events */
	uint64_t seeds_count, seeds_room;
	bool refilled[CPUS_LIMIT][SEED_ORDERS][MIGRATE_PCPTYPES];
	const struct trace_rec *last[CPUS_LIMIT]; /* event of each CPU */
	pfn_t donor[MIGRATE_TYPES];   /* where the search for assumed pages goes on */
	struct start_report *report;
};

static unsigned order_slot(unsigned order)
{
	return order < SEED_ORDERS - 1 ? order : SEED_ORDERS - 1;
}

static bool cached_order(const struct seeder *s, unsigned order)
{
	return order < SEED_ORDERS - 1 || order == s->m->pm.pageblock_order;
}

static int add_seed(struct seeder *s, const struct trace_rec *e, bool tail)
{
	if (s->seeds_count == s->seeds_room) {
		uint64_t room = s->seeds_room ? 2 * s->seeds_room : 4096;
		struct seed *more = realloc(s->seeds, room * sizeof(*more));
		if (!more)
			return -1;
		s->seeds = more;
		s->seeds_room = room;
	}
	s->seeds[s->seeds_count++] = (struct seed){
		.pfn = e->pfn,
		.order = e->order,
		.migratetype = e->migratetype,
		.zone = (uint8_t)physmem_zone(&s->m->pm, e->pfn)->index,
		.tail = tail,
		.cpu = (uint16_t)(e->cpu % s->m->cpus_count),
	};
	return 0;
}

#define DRAIN_AFTER_FREE_NS 100000 /* a free and the drain that it causes are closer than this */

/* Does @e begin a drain by the CPU's vmstat worker? Then its moment is the first one's known. */
static void look_for_tick(struct seeder *s, const struct trace_rec *e)
{
	unsigned cpu = e->cpu % s->m->cpus_count;
	const struct trace_rec *before = s->last[cpu];
	s->last[cpu] = e;
	if (e->kind != TRACE_PAGE_DRAINED || s->report->tick_known[cpu] || !before ||
	    before->kind == TRACE_PAGE_DRAINED)
		return;
	if (before->kind == TRACE_PAGE_FREE && e->time_ns - before->time_ns < DRAIN_AFTER_FREE_NS)
		return;
	s->report->tick_known[cpu] = true;
	s->report->tick_ns[cpu] = e->time_ns - s->start_ns;
}

/* One event of the recording, in its order. */
static int look_at(struct seeder *s, const struct trace_rec *e)
{
	if (!physmem_has_block(&s->m->pm, e->pfn, e->order))
		return 0;
	if (e->kind == TRACE_PAGE_TAKEN && cached_order(s, e->order) &&
	    e->migratetype < MIGRATE_PCPTYPES)
		s->refilled[e->cpu % s->m->cpus_count][order_slot(e->order)][e->migratetype] = true;
	int met = pfnset_add(&s->seen, e->pfn, UINT64_C(1) << e->order);
	if (met)
		return met < 0 ? -1 : 0;
	bool allocated = e->kind == TRACE_PAGE_ALLOC, drained = e->kind == TRACE_PAGE_DRAINED;
	if ((!allocated && !drained) || !cached_order(s, e->order) ||
	    e->migratetype >= MIGRATE_PCPTYPES || blockmap_overlaps(s->free, e->pfn, e->order))
		return 0;
	return add_seed(s, e, drained);
}

struct cursor {
	const struct trace_rec *next, *end;
};

static struct cursor cursor_from(const struct seeder *s, const struct trace_rec *r, uint64_t count)
{
	const struct trace_rec *end = r + count;
	while (r < end && r->time_ns < s->start_ns)
		r++;
	return (struct cursor){r, end};
}

/*
 * Merge the demands for pages of all CPUs and the evidence by their place in the recording. Objects
 * lie in pages that are in use and tell nothing of lists.
 */
static int look_at_all(struct seeder *s)
{
	struct cursor c[TRACE_CPUS_LIMIT + 1];
	unsigned n = 0;
	for (unsigned cpu = 0; cpu < s->trace->cpus_count; cpu++)
		c[n++] = cursor_from(s, s->trace->ops[cpu], s->trace->ops_count[cpu]);
	c[n++] = cursor_from(s, s->trace->evidence, s->trace->evidence_count);
	for (;;) {
		struct cursor *first = NULL;
		for (unsigned i = 0; i < n; i++) {
			if (c[i].next < c[i].end && (!first || c[i].next->seq < first->next->seq))
				first = &c[i];
		}
		if (!first || first->next->time_ns >= s->end_ns)
			return 0;
		const struct trace_rec *e = first->next++;
		if (trace_kind_is_object(e->kind))
			continue;
		look_for_tick(s, e);
		if (look_at(s, e) != 0)
			return -1;
	}
}

/* Put a block at the tail of a list, or, without such lists, among the free blocks. */
static void place(struct seeder *s, unsigned cpu, pfn_t pfn, unsigned order, enum migratetype mt)
{
	const struct page_allocator_ops *ops = s->m->pa->ops;
	if (ops->add_cached && ops->add_cached(s->m->pa, cpu, pfn, order, mt))
		return;
	blockmap_fill(s->free, pfn, order);
	s->report->cached_freed_pages += UINT64_C(1) << order;
}

/* --- the assumed rest ------------------------------------------------------------------------- */

/*
 * An aligned run of 2^order pages of unknown use in a pageblock of type @mt, from high addresses
 * down.
 */
static pfn_t find_unknown(struct seeder *s, const struct zone *z, unsigned order,
			  enum migratetype mt)
{
	struct physmem *pm = &s->m->pm;
	uint64_t pages = UINT64_C(1) << order;
	pfn_t p = s->donor[mt] && s->donor[mt] <= z->end_pfn ? s->donor[mt] : z->end_pfn;
	p &= ~(pages - 1);
	while (p >= z->start_pfn + pages) {
		p -= pages;
		if (pageblock_type(pm, p) == mt && !blockmap_overlaps(s->free, p, order) &&
		    pfnset_add(&s->seen, p, pages) == 0) {
			s->donor[mt] = p;
			return p;
		}
	}
	return PFN_NONE;
}

/* Put up to @pages pages into one list; returns how many. */
static uint64_t assume_list(struct seeder *s, const struct zone *z, unsigned cpu, unsigned order,
			    enum migratetype mt, uint64_t pages)
{
	uint64_t done = 0;
	while (pages - done >= UINT64_C(1) << order) {
		pfn_t pfn = find_unknown(s, z, order, mt);
		if (pfn == PFN_NONE)
			break;
		place(s, cpu, pfn, order, mt);
		done += UINT64_C(1) << order;
	}
	return done;
}

static uint64_t assume_rest(struct seeder *s, const struct zone *z, unsigned cpu, uint64_t pages)
{
	static const enum migratetype types[] = {MIGRATE_MOVABLE, MIGRATE_UNMOVABLE,
						 MIGRATE_RECLAIMABLE};
	const unsigned orders[SEED_ORDERS] = {s->m->pm.pageblock_order, 3, 2, 1, 0};
	uint64_t done = 0;
	for (unsigned i = 0; i < SEED_ORDERS; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
			if (!s->refilled[cpu][order_slot(orders[i])][types[k]])
				done += assume_list(s, z, cpu, orders[i], types[k], pages - done);
		}
	}
	return done;
}

/* --- the lists -------------------------------------------------------------------------------- */

static uint64_t seed_list(struct seeder *s, const struct zone *z, unsigned cpu, bool tail)
{
	uint64_t pages = 0;
	for (uint64_t i = 0; i < s->seeds_count; i++) {
		const struct seed *seed = &s->seeds[tail ? s->seeds_count - 1 - i : i];
		if (seed->zone != z->index || seed->cpu != cpu || seed->tail != tail)
			continue;
		place(s, cpu, seed->pfn, seed->order, (enum migratetype)seed->migratetype);
		pages += UINT64_C(1) << seed->order;
	}
	return pages;
}

static uint64_t pages_of(const struct seeder *s, const struct zone *z, unsigned cpu)
{
	uint64_t pages = 0;
	for (uint64_t i = 0; i < s->seeds_count; i++) {
		if (s->seeds[i].zone == z->index && s->seeds[i].cpu == cpu)
			pages += UINT64_C(1) << s->seeds[i].order;
	}
	return pages;
}

static void seed_cpu(struct seeder *s, const struct zone *z, unsigned cpu)
{
	const struct truth_pcp *from = &s->truth->zones[z->index].pcp[cpu];
	uint64_t known = pages_of(s, z, cpu);
	uint64_t rest = from->count_pages > known ? from->count_pages - known : 0;
	s->report->cached_known_pages += seed_list(s, z, cpu, false);
	uint64_t assumed = assume_rest(s, z, cpu, rest);
	s->report->cached_known_pages += seed_list(s, z, cpu, true);
	s->report->cached_assumed_pages += assumed;
	s->report->cached_unplaced_pages += rest - assumed;
	if (s->m->pa->ops->set_cached_high)
		s->m->pa->ops->set_cached_high(s->m->pa, cpu, z->index, from->high_pages);
}

int seed_pcp(struct machine *m, const struct truth *truth, const struct trace *trace,
	     uint64_t start_ns, uint64_t end_ns, struct blockmap *free_blocks,
	     struct start_report *report, struct err *err)
{
	struct seeder *s = calloc(1, sizeof(*s));
	int rc = -1;
	if (!s || pfnset_init(&s->seen) != 0) {
		free(s);
		return err_set(err, ERR_IO, "out of memory for the per-CPU lists");
	}
	s->m = m;
	s->truth = truth;
	s->trace = trace;
	s->start_ns = start_ns;
	s->end_ns = end_ns;
	s->free = free_blocks;
	s->report = report;
	if (trace && look_at_all(s) != 0) {
		err_set(err, ERR_IO, "out of memory for the per-CPU lists");
		goto out;
	}
	for (unsigned i = 0; i < m->pm.zones_count; i++) {
		memset(s->donor, 0, sizeof(s->donor));
		for (unsigned cpu = 0; cpu < m->cpus_count; cpu++)
			seed_cpu(s, &m->pm.zones[i], cpu);
	}
	rc = 0;
out:
	pfnset_release(&s->seen);
	free(s->seeds);
	free(s);
	return rc;
}
