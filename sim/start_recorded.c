/*
 * start_recorded.c - a machine in the state that a running kernel was in: see start_state.h.
 *
 * A snapshot says which blocks are free. It does not say all that an allocator's next steps depend
 * on, so the rest is worked out from the trace that follows it, in this order:
 *
 * 1. One moment. The free map is read in about a second, while the kernel goes on. The first thing
 *    that the trace shows to happen to a page in that time tells what the page was before: a page
 *    that left the free lists was free, a page that came back to them was not. Later steps start
 *    from this.
 * 2. Pageblock types. pagetypeinfo gives only totals: how many blocks of each type, and how many
 *    free blocks by order and type. Where the trace shows a page of a pageblock leave or enter a
 *    list, it names the type. The others are assigned so that the totals come out: Reclaimable and
 *    Unmovable blocks first, those with most free blocks that still fit; what is left is Movable.
 * 3. Per-CPU lists: seed_pcp.c.
 * 4. Order. Blocks that the kernel took first stand first in their list; the others follow by
 *    address.
 *
 * MODEL: steps 2 to 4 are the likeliest state, not the recorded one, where the trace is silent.
 */
#include <stdlib.h>
#include <string.h>

#include "kern/pfnset.h"
#include "sim/blockmap.h"
#include "sim/seed_pcp.h"
#include "sim/start_state.h"

#define TYPE_UNKNOWN 0xff

struct recorded {
	struct machine *m;
	const struct truth *truth;
	const struct trace *trace;
	uint64_t start_ns, end_ns; /* on the trace's clock */
	struct blockmap free;
	uint8_t *block_type;       /* by pageblock: enum migratetype or TYPE_UNKNOWN */
	struct start_report *report;
	struct err *err;
};

static int no_memory(struct recorded *r)
{
	return err_set(r->err, ERR_IO, "out of memory for the recorded state");
}

/* --- 1. one moment ---------------------------------------------------------------------------- */

static void count_start(struct recorded *r)
{
	for (unsigned i = 0; i < r->m->pm.zones_count; i++)
		r->report->free_start[i].max_order = r->truth->max_order;
	for (uint64_t i = 0; i < r->truth->free_blocks_count; i++) {
		const struct truth_block *b = &r->truth->free_blocks[i];
		const struct zone *z = physmem_zone(&r->m->pm, b->pfn);
		r->report->free_start[z->index].blocks[b->order]++;
		blockmap_add(&r->free, b->pfn, b->order, false);
	}
}

static bool on_machine(const struct recorded *r, const struct trace_rec *e)
{
	return physmem_has_block(&r->m->pm, e->pfn, e->order);
}

static int reconcile(struct recorded *r)
{
	uint64_t window_end = r->start_ns + r->truth->freemap_end_ns - r->truth->freemap_start_ns;
	struct pfnset seen;
	if (pfnset_init(&seen) != 0)
		return no_memory(r);
	int rc = 0;
	for (uint64_t i = 0; r->trace && i < r->trace->evidence_count && rc == 0; i++) {
		const struct trace_rec *e = &r->trace->evidence[i];
		bool taken = e->kind == TRACE_PAGE_TAKEN;
		if (e->time_ns < r->start_ns || (!taken && e->kind != TRACE_PAGE_DRAINED))
			continue;
		if (e->time_ns >= window_end)
			break;
		if (!on_machine(r, e))
			continue;
		int met = pfnset_add(&seen, e->pfn, UINT64_C(1) << e->order);
		if (met < 0)
			rc = no_memory(r);
		if (met != 0 || taken == blockmap_overlaps(&r->free, e->pfn, e->order))
			continue;
		if (taken) {
			blockmap_fill(&r->free, e->pfn, e->order);
			r->report->reconciled_added_pages += UINT64_C(1) << e->order;
		} else {
			blockmap_remove(&r->free, e->pfn, e->order);
			r->report->reconciled_removed_pages += UINT64_C(1) << e->order;
		}
	}
	pfnset_release(&seen);
	return rc;
}

/* --- 2. pageblock types ----------------------------------------------------------------------- */

/* A pageblock, or two or more that one large free block covers: they share a type. */
struct unit {
	pfn_t start;
	unsigned blocks;                   /* pageblocks */
	uint32_t free_blocks[ORDER_LIMIT];
	uint32_t total;                    /* free blocks of all orders */
};

struct zone_types {
	int64_t blocks_left[MIGRATE_TYPES];
	int64_t free_left[MIGRATE_TYPES][ORDER_LIMIT];
};

static uint64_t block_index(const struct recorded *r, pfn_t pfn)
{
	return pfn >> r->truth->pageblock_order;
}

/* The first event of a pageblock in which the kernel names its type. */
static void types_from_trace(struct recorded *r)
{
	for (uint64_t i = 0; r->trace && i < r->trace->evidence_count; i++) {
		const struct trace_rec *e = &r->trace->evidence[i];
		if (e->time_ns < r->start_ns || !on_machine(r, e))
			continue;
		if (e->time_ns >= r->end_ns)
			break;
		uint8_t *type = &r->block_type[block_index(r, e->pfn)];
		if (*type != TYPE_UNKNOWN)
			continue;
		/*
		 * A fallback names the type it took the page from; a claim changes it afterwards.
		 */
		*type = e->kind == TRACE_PAGE_EXTFRAG ? (uint8_t)(e->aux >> 16) : e->migratetype;
		if (*type >= MIGRATE_TYPES)
			*type = TYPE_UNKNOWN;
		else
			r->report->known_pageblocks++;
	}
}

static void describe_unit(const struct recorded *r, struct unit *u, pfn_t start)
{
	uint64_t block = pageblock_pages(&r->m->pm);
	unsigned order;
	*u = (struct unit){.start = start, .blocks = 1};
	pfn_t head = blockmap_find(&r->free, start, &order);
	if (head != PFN_NONE && order >= r->truth->pageblock_order) {
		u->blocks = 1u << (order - r->truth->pageblock_order);
		u->free_blocks[order] = u->total = 1;
		return;
	}
	pfn_t p = start;
	while ((p = blockmap_next(&r->free, p, start + block)) < start + block) {
		order = r->free.order_plus_1[p] - 1u;
		u->free_blocks[order]++;
		u->total++;
		p += UINT64_C(1) << order;
	}
}

static void assign(struct recorded *r, struct zone_types *t, const struct unit *u,
		   enum migratetype mt)
{
	for (unsigned i = 0; i < u->blocks; i++)
		r->block_type[block_index(r, u->start) + i] = (uint8_t)mt;
	t->blocks_left[mt] -= u->blocks;
	for (unsigned o = 0; o < ORDER_LIMIT; o++)
		t->free_left[mt][o] -= u->free_blocks[o];
}

static bool fits(const struct zone_types *t, const struct unit *u, enum migratetype mt)
{
	if (t->blocks_left[mt] < u->blocks)
		return false;
	for (unsigned o = 0; o < ORDER_LIMIT; o++) {
		if (u->free_blocks[o] > t->free_left[mt][o] && u->free_blocks[o])
			return false;
	}
	return true;
}

static int compare_units(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;
	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Cut a zone into units; those with a known type are settled, the others returned in @open. */
static uint64_t open_units(struct recorded *r, const struct zone *z, struct zone_types *t,
			   struct unit *open)
{
	uint64_t count = 0, block = pageblock_pages(&r->m->pm);
	for (pfn_t p = z->start_pfn & ~(block - 1); p < z->end_pfn;) {
		struct unit u;
		describe_unit(r, &u, p);
		uint8_t type = TYPE_UNKNOWN;
		for (unsigned i = 0; i < u.blocks && type == TYPE_UNKNOWN; i++)
			type = r->block_type[block_index(r, p) + i];
		if (type != TYPE_UNKNOWN)
			assign(r, t, &u, (enum migratetype)type);
		else
			open[count++] = u;
		p += u.blocks * block;
	}
	return count;
}

static int assign_zone(struct recorded *r, const struct zone *z, const struct truth_zone *from)
{
	static const enum migratetype first[] = {MIGRATE_HIGHATOMIC, MIGRATE_ISOLATE,
						 MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE};
	struct zone_types t;
	uint64_t blocks = (z->end_pfn - z->start_pfn) / pageblock_pages(&r->m->pm) + 2;
	struct unit *open = malloc(blocks * sizeof(*open));
	if (!open)
		return no_memory(r);
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		t.blocks_left[mt] = (int64_t)from->pageblocks[mt];
		for (unsigned o = 0; o < ORDER_LIMIT; o++)
			t.free_left[mt][o] = (int64_t)from->free_blocks_by_type[o][mt];
	}
	uint64_t count = open_units(r, z, &t, open);
	qsort(open, count, sizeof(*open), compare_units);
	for (size_t k = 0; k < ARRAY_SIZE(first); k++) {
		for (uint64_t i = 0; i < count; i++) {
			if (open[i].blocks && fits(&t, &open[i], first[k])) {
				assign(r, &t, &open[i], first[k]);
				open[i].blocks = 0;
			}
		}
	}
	for (uint64_t i = 0; i < count; i++) {
		if (open[i].blocks)
			assign(r, &t, &open[i], MIGRATE_MOVABLE);
	}
	free(open);
	return 0;
}

static int find_types(struct recorded *r)
{
	struct physmem *pm = &r->m->pm;
	r->block_type = malloc(pm->pageblocks_count);
	if (!r->block_type)
		return no_memory(r);
	memset(r->block_type, TYPE_UNKNOWN, pm->pageblocks_count);
	if (pm->group_by_mobility) {
		types_from_trace(r);
		for (unsigned i = 0; i < pm->zones_count; i++) {
			if (assign_zone(r, &pm->zones[i], &r->truth->zones[i]) != 0)
				return -1;
		}
	}
	for (uint64_t i = 0; i < pm->pageblocks_count; i++) {
		if (r->block_type[i] != TYPE_UNKNOWN)
			pm->pageblock_type[i] = r->block_type[i];
	}
	for (unsigned i = 0; i < pm->zones_count; i++) {
		uint64_t blocks[MIGRATE_TYPES];
		zone_pageblocks(pm, &pm->zones[i], blocks);
		pm->zones[i].reserved_highatomic_pages =
			blocks[MIGRATE_HIGHATOMIC] * pageblock_pages(pm);
	}
	return 0;
}

/* --- 4. the free lists ------------------------------------------------------------------------ */

struct listed {
	uint32_t pfn, first_taken; /* UINT32_MAX: never in the trace */
	uint8_t order;
};

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	if (x->first_taken != y->first_taken)
		return x->first_taken < y->first_taken ? -1 : 1;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

static uint64_t collect_blocks(const struct recorded *r, struct listed *list)
{
	uint64_t count = 0;
	for (unsigned i = 0; i < r->m->pm.zones_count; i++) {
		const struct zone *z = &r->m->pm.zones[i];
		pfn_t p = z->start_pfn;
		while ((p = blockmap_next(&r->free, p, z->end_pfn)) < z->end_pfn) {
			unsigned order = r->free.order_plus_1[p] - 1u;
			if (list)
				list[count] =
					(struct listed){(uint32_t)p, UINT32_MAX, (uint8_t)order};
			count++;
			p += UINT64_C(1) << order;
		}
	}
	return count;
}

static int compare_by_pfn(const void *key, const void *item)
{
	uint32_t pfn = *(const uint32_t *)key, other = ((const struct listed *)item)->pfn;
	return pfn < other ? -1 : pfn > other;
}

/* Note for each block when the kernel first took a page of it. */
static void mark_taken(const struct recorded *r, struct listed *list, uint64_t count)
{
	for (uint64_t i = 0; r->trace && i < r->trace->evidence_count; i++) {
		const struct trace_rec *e = &r->trace->evidence[i];
		unsigned order;
		if (e->time_ns < r->start_ns || e->kind == TRACE_PAGE_DRAINED || !on_machine(r, e))
			continue;
		if (e->time_ns >= r->end_ns)
			break;
		uint32_t head = (uint32_t)blockmap_find(&r->free, e->pfn, &order);
		if (head == (uint32_t)PFN_NONE)
			continue;
		struct listed *b = bsearch(&head, list, count, sizeof(*list), compare_by_pfn);
		if (b && b->first_taken == UINT32_MAX)
			b->first_taken = e->seq;
	}
}

static int fill_lists(struct recorded *r)
{
	uint64_t count = collect_blocks(r, NULL);
	struct listed *list = malloc((count + 1) * sizeof(*list));
	if (!list)
		return no_memory(r);
	collect_blocks(r, list);
	mark_taken(r, list, count);
	qsort(list, count, sizeof(*list), compare_listed);
	for (uint64_t i = 0; i < count; i++)
		r->m->pa->ops->add_block(r->m->pa, list[i].pfn, list[i].order);
	free(list);
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

int start_recorded(struct machine *m, const struct truth *truth, const struct trace *trace,
		   uint64_t end_ns, struct start_report *report, struct err *err)
{
	struct recorded r = {
		.m = m,
		.truth = truth,
		.trace = trace,
		.start_ns = trace ? truth->freemap_start_ns - trace->base_ns : 0,
		.end_ns = end_ns,
		.report = report,
		.err = err,
	};
	*report = (struct start_report){0};
	int rc = -1;
	if (blockmap_init(&r.free, m->pm.pfn_end, m->pm.max_order) != 0) {
		no_memory(&r);
		goto out;
	}
	count_start(&r);
	if (reconcile(&r) != 0 || find_types(&r) != 0 ||
	    seed_pcp(m, truth, trace, r.start_ns, end_ns, &r.free, report, err) != 0)
		goto out;
	rc = fill_lists(&r);
out:
	blockmap_release(&r.free);
	free(r.block_type);
	return rc;
}
