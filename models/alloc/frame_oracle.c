/*
 * frame_oracle.c - see frame_oracle.h.
 */
#include "alloc/frame_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(o->error, sizeof(o->error), __VA_ARGS__);                                 \
		return -1;                                                                         \
	} while (0)

void frame_oracle_init(struct frame_oracle *o, struct page_allocator *pa, uint64_t pages)
{
	*o = (struct frame_oracle){.pa = pa, .pages = pages, .pfn_end = pa->pm->pfn_end};
	o->live = calloc(o->pfn_end, 1);
	o->free = calloc(o->pfn_end, 1);
	BUG_ON(!o->live || !o->free, "out of memory for the frame oracle");
}

void frame_oracle_release(struct frame_oracle *o)
{
	free(o->live);
	free(o->free);
	*o = (struct frame_oracle){0};
}

bool frame_oracle_allows(const struct zone *z, gfp_t gfp, unsigned nid)
{
	enum zone_type highest = ZONE_NORMAL;
	if (gfp & __GFP_HIGHMEM)
		highest = gfp & __GFP_MOVABLE ? ZONE_MOVABLE : ZONE_HIGHMEM;
	if (gfp & __GFP_DMA32)
		highest = ZONE_DMA32;
	if (gfp & __GFP_DMA)
		highest = ZONE_DMA;
	return z->type <= highest && (!(gfp & __GFP_THISNODE) || z->nid == nid);
}

/* The zone that holds all of the block; found by looking at every zone. */
static const struct zone *zone_of(const struct frame_oracle *o, pfn_t pfn, unsigned order)
{
	const struct physmem *pm = o->pa->pm;
	for (unsigned i = 0; i < pm->zones_count; i++) {
		const struct zone *z = &pm->zones[i];
		if (pfn >= z->start_pfn && pfn + (UINT64_C(1) << order) <= z->end_pfn)
			return z;
	}
	return NULL;
}

int frame_oracle_take(struct frame_oracle *o, pfn_t pfn, unsigned order, gfp_t gfp, unsigned nid)
{
	uint64_t pages = UINT64_C(1) << order;
	const struct zone *z = zone_of(o, pfn, order);
	if (pfn % pages)
		FAIL("pfn %llu is not aligned to order %u", (unsigned long long)pfn, order);
	if (!z || !frame_oracle_allows(z, gfp, nid))
		FAIL("pfn %llu, order %u is in zone %s of node %d, flags %#x, node %u",
		     (unsigned long long)pfn, order, z ? z->name : "none", z ? (int)z->nid : -1,
		     gfp, nid);
	for (pfn_t p = pfn; p < pfn + pages; p++) {
		if (o->live[p])
			FAIL("pfn %llu was handed out twice", (unsigned long long)p);
		o->live[p] = 1;
	}
	o->live_pages += pages;
	return 0;
}

void frame_oracle_give(struct frame_oracle *o, pfn_t pfn, unsigned order)
{
	memset(o->live + pfn, 0, (size_t)1 << order);
	o->live_pages -= UINT64_C(1) << order;
}

/* What the zones that a request may use have on their free lists. */
struct supply {
	const struct frame_oracle *o;
	unsigned order, nid, split_steps_max;
	gfp_t gfp;
	uint64_t pages, blocks, blocks_within_cap; /* blocks: of the order and above */
};

static void add_supply(void *arg, const struct free_block *b)
{
	struct supply *s = arg;
	if (b->cpu >= 0 || !frame_oracle_allows(&s->o->pa->pm->zones[b->zone], s->gfp, s->nid))
		return;
	s->pages += UINT64_C(1) << b->order;
	s->blocks += b->order >= s->order;
	s->blocks_within_cap +=
		b->order >= s->order && b->order - s->order <= s->split_steps_max;
}

int frame_oracle_failure(struct frame_oracle *o, unsigned order, gfp_t gfp, unsigned nid,
			 enum alloc_failure why, unsigned split_steps_max)
{
	struct supply s = {
		.o = o,
		.order = order,
		.nid = nid,
		.split_steps_max = split_steps_max,
		.gfp = gfp,
	};
	o->pa->ops->walk(o->pa, add_supply, &s);
	enum alloc_failure truth = ALLOC_WATERMARK;
	if (order > o->pa->pm->max_order)
		truth = ALLOC_BAD_ORDER;
	else if (s.pages >> order == 0)
		truth = ALLOC_NO_MEMORY;
	else if (!s.blocks)
		truth = ALLOC_FRAGMENTED;
	else if (!s.blocks_within_cap)
		truth = ALLOC_SPLIT_LIMIT;
	if (why != truth)
		FAIL("order %u, flags %#x failed with %s, the truth is %s (%llu free pages, %llu "
		     "large)",
		     order, gfp, alloc_failure_names[why], alloc_failure_names[truth],
		     (unsigned long long)s.pages, (unsigned long long)s.blocks);
	return 0;
}

struct free_walk {
	struct frame_oracle *o;
	uint64_t pages;
	bool failed;
};

static void mark_free(void *arg, const struct free_block *b)
{
	struct free_walk *w = arg;
	struct frame_oracle *o = w->o;
	const struct zone *z = zone_of(o, b->pfn, b->order);
	if (w->failed)
		return;
	w->failed = !z || z->index != b->zone || b->pfn % (UINT64_C(1) << b->order);
	for (pfn_t p = b->pfn; p < b->pfn + (UINT64_C(1) << b->order) && !w->failed; p++) {
		w->failed = o->live[p] || o->free[p];
		o->free[p] = 1;
	}
	w->pages += UINT64_C(1) << b->order;
	if (w->failed)
		snprintf(
			o->error, sizeof(o->error),
			"the free block %llu of order %u (CPU %d) is misplaced, live or free twice",
			(unsigned long long)b->pfn, b->order, b->cpu);
}

int frame_oracle_verify(struct frame_oracle *o)
{
	struct free_walk w = {.o = o};
	struct check_report report;
	memset(o->free, 0, o->pfn_end);
	if (o->pa->ops->check(o->pa, &report) != 0)
		FAIL("%s", report.text);
	o->pa->ops->walk(o->pa, mark_free, &w);
	if (w.failed)
		return -1;
	if (w.pages + o->live_pages != o->pages)
		FAIL("%llu pages are free and %llu live, of %llu", (unsigned long long)w.pages,
		     (unsigned long long)o->live_pages, (unsigned long long)o->pages);
	return 0;
}
