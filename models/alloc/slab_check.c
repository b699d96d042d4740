/*
 * slab_check.c - looking over the slabs of a cache: the walk, and the invariants of "slab".
 *
 *   A1  a node's lists are linked both ways, and their counts are their lengths
 *   A2  a listed slab is of this cache and node, and on the list that suits its count of objects
 *       taken: none, some, all
 *   A3  a node's count of free objects is the sum over its slabs
 *   A4  a slab's index names each free object once, and the object that holds the index last
 *   A5  an array holds no more than its limit, and only objects of this cache that are taken out of
 *       their slabs, each in one array only
 *   A6  objects taken out of slabs are live or in arrays, and the cache counts both
 *   A7  a slab's pages are marked as its own, and the page allocator has handed them out
 *   A8  guards of all objects and the poison of free ones are as they were left
 *
 * Objects in arrays count as free, though their slabs count them as taken. To tell, the addresses
 * in all arrays are gathered and sorted; those of a slab are then found by bisection.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alloc/slab.h"

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

typedef unsigned long long ull;

static const char *const list_names[SLAB_LISTS] = {"no", "partial", "full", "empty"};
static const enum slab_list_kind list_order[] = {SLAB_PARTIAL, SLAB_EMPTY, SLAB_FULL};

/* --- objects in arrays ------------------------------------------------------------------------ */

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void gather(struct slab_allocator *sa, const struct slab_array *a)
{
	uint64_t count = u64_min(a->avail, a->limit);
	memcpy(sa->scratch + sa->scratch_count, a->entries, count * sizeof(*sa->scratch));
	sa->scratch_count += count;
}

void slab_gather_arrays(struct slab_allocator *sa, const struct slab_cache *c)
{
	sa->scratch_count = 0;
	if (!sa->scratch)
		return;
	for (unsigned cpu = 0; cpu < sa->params.cpus_count; cpu++)
		gather(sa, &c->arrays[cpu]);
	for (unsigned nid = 0; nid < sa->nodes_count; nid++)
		gather(sa, &c->nodes[nid].shared);
	qsort(sa->scratch, sa->scratch_count, sizeof(*sa->scratch), compare_u64);
}

/* How many gathered addresses are below @paddr. */
static uint64_t gathered_below(const struct slab_allocator *sa, uint64_t paddr)
{
	uint64_t low = 0, high = sa->scratch_count;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		if (sa->scratch[middle] < paddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- the walk --------------------------------------------------------------------------------- */

void slab_walk(struct object_allocator *oa, struct object_cache *cache,
	       void (*visit)(void *arg, const struct slab_view *), void *arg)
{
	struct slab_allocator *sa = to_slab(oa);
	const struct slab_cache *c = to_slab_cache(cache);
	slab_gather_arrays(sa, c);
	for (unsigned i = 0; i < ARRAY_SIZE(list_order) * sa->nodes_count; i++) {
		enum slab_list_kind kind = list_order[i / sa->nodes_count];
		const struct slab_node *n = &c->nodes[i % sa->nodes_count];
		for (uint32_t p = n->lists[kind].head; p != PAGE_LINK_NONE;
		     p = sa->frames[p].next) {
			uint64_t start = (uint64_t)p << PAGE_SHIFT;
			uint64_t in_arrays = gathered_below(sa, start + slab_bytes(&c->layout)) -
					     gathered_below(sa, start);
			const struct slab_view view = {
				.pfn = p,
				.order = c->layout.order,
				.objects_count = c->layout.objects_count,
				.live_count = sa->frames[p].active - (unsigned)in_arrays,
				.place = kind == SLAB_FULL ? SLAB_UNLISTED : SLAB_NODE_PARTIAL,
				.cpu = -1,
			};
			visit(arg, &view);
		}
	}
}

/* --- invariants ------------------------------------------------------------------------------- */

struct check_state {
	struct slab_allocator *sa;
	struct slab_cache *c;
	struct check_report *report;
	uint64_t slabs, active, in_arrays; /* sums so far */
};

static bool bit_test_and_set(struct slab_allocator *sa, unsigned i)
{
	bool was = sa->scratch_bits[i / 64] >> i % 64 & 1;
	sa->scratch_bits[i / 64] |= UINT64_C(1) << i % 64;
	return was;
}

static bool bit_is_set(const struct slab_allocator *sa, unsigned i)
{
	return sa->scratch_bits[i / 64] >> i % 64 & 1;
}

/* A4: leaves a bit set for each free object. */
static int check_index(struct check_state *s, uint32_t pfn)
{
	struct slab_allocator *sa = s->sa;
	const struct slab_cache *c = s->c;
	struct check_report *report = s->report;
	unsigned total = c->layout.objects_count, active = sa->frames[pfn].active, number = 0;
	memset(sa->scratch_bits, 0, (total + 63) / 64 * sizeof(*sa->scratch_bits));
	if (active == total)
		return 0;
	if (sa->frames[pfn].holder >= total)
		FAIL("A4: cache %s, slab %#x: its index is in object %u of %u", c->name, pfn,
		     sa->frames[pfn].holder, total);
	const uint8_t *index = slab_index(sa, c, pfn);
	for (unsigned i = active; i < total; i++) {
		number = slab_index_get(c, index, i);
		if (number >= total || bit_test_and_set(sa, number))
			FAIL("A4: cache %s, slab %#x: entry %u of its index is %u, which is %s",
			     c->name, pfn, i, number, number >= total ? "none" : "there twice");
	}
	if (c->layout.index_place == SLAB_INDEX_IN_OBJECT && number != sa->frames[pfn].holder)
		FAIL("A4: cache %s, slab %#x: its index is in object %u, but object %u is last",
		     c->name, pfn, sa->frames[pfn].holder, number);
	return 0;
}

/* A5: objects of this slab that are in arrays; sets their bits, too. */
static int check_entries(struct check_state *s, uint32_t pfn)
{
	struct slab_allocator *sa = s->sa;
	const struct slab_cache *c = s->c;
	struct check_report *report = s->report;
	uint64_t start = (uint64_t)pfn << PAGE_SHIFT;
	uint64_t i = gathered_below(sa, start);
	uint64_t end = gathered_below(sa, start + slab_bytes(&c->layout));
	s->in_arrays += end - i;
	for (; i < end; i++) {
		uint64_t object = sa->scratch[i];
		unsigned number = slab_object_number(sa, c, pfn, object);
		if (number >= c->layout.objects_count || object != slab_object(sa, c, pfn, number))
			FAIL("A5: cache %s: %#llx in an array is no object", c->name, (ull)object);
		if (bit_test_and_set(sa, number))
			FAIL("A5: cache %s: object %#llx is free twice", c->name, (ull)object);
	}
	return 0;
}

static int check_pages(const struct check_state *s, uint32_t pfn)
{
	const struct slab_allocator *sa = s->sa;
	struct check_report *report = s->report;
	for (uint64_t p = pfn; p < pfn + (UINT64_C(1) << s->c->layout.order); p++) {
		const struct slab_frame *f = &sa->frames[p];
		if (f->cache_id != s->c->index + 1 ||
		    (p != pfn && (f->list != SLAB_TAIL_PAGE || f->next != pfn)))
			FAIL("A7: cache %s, slab %#x: page %#llx is not marked as its own",
			     s->c->name, pfn, (ull)p);
		if (sa->base.pm->pages[p].flags & (PAGE_BUDDY | PAGE_PCP))
			FAIL("A7: cache %s, slab %#x: page %#llx is free", s->c->name, pfn, (ull)p);
	}
	return 0;
}

static int check_bytes(const struct check_state *s, uint32_t pfn)
{
	struct check_report *report = s->report;
	for (unsigned i = 0; slab_debugged(s->c) && i < s->c->layout.objects_count; i++) {
		uint64_t object = slab_object(s->sa, s->c, pfn, i);
		const char *wrong = slab_debug_wrong(s->sa, s->c, object, !bit_is_set(s->sa, i));
		if (wrong)
			FAIL("A8: cache %s, object %#llx: %s", s->c->name, (ull)object, wrong);
	}
	return 0;
}

static int check_list(struct check_state *s, unsigned nid, enum slab_list_kind kind)
{
	const struct slab_allocator *sa = s->sa;
	const struct slab_cache *c = s->c;
	struct check_report *report = s->report;
	const struct slab_queue *l = &c->nodes[nid].lists[kind];
	unsigned total = c->layout.objects_count;
	uint64_t length = 0;
	uint32_t prev = PAGE_LINK_NONE;
	for (uint32_t p = l->head; p != PAGE_LINK_NONE; prev = p, p = sa->frames[p].next) {
		if (p >= sa->base.pm->pfn_end || length++ >= l->count || sa->frames[p].prev != prev)
			FAIL("A1: cache %s, node %u: the %s list is not linked well at slab %#x",
			     c->name, nid, list_names[kind], p);
		const struct slab_frame *f = &sa->frames[p];
		enum slab_list_kind suits = f->active == total ? SLAB_FULL
					    : f->active        ? SLAB_PARTIAL
							       : SLAB_EMPTY;
		if (f->cache_id != c->index + 1 || f->list != kind || suits != kind ||
		    f->active > total || slab_nid(sa, p) != nid)
			FAIL("A2: cache %s, node %u, %s list: slab %#x of cache %d, marked as %u, "
			     "with %u of %u objects taken",
			     c->name, nid, list_names[kind], p, (int)f->cache_id - 1, f->list,
			     f->active, total);
		s->active += f->active;
		if (check_pages(s, p) || check_index(s, p) || check_entries(s, p) ||
		    check_bytes(s, p))
			return -1;
	}
	if (length != l->count || l->tail != prev)
		FAIL("A1: cache %s, node %u: the %s list has %llu slabs, its count is %llu",
		     c->name, nid, list_names[kind], (ull)length, (ull)l->count);
	s->slabs += length;
	return 0;
}

static int check_limits(const struct check_state *s)
{
	const struct slab_cache *c = s->c;
	struct check_report *report = s->report;
	for (unsigned cpu = 0; cpu < s->sa->params.cpus_count; cpu++) {
		if (c->arrays[cpu].avail > c->arrays[cpu].limit)
			FAIL("A5: cache %s: the array of CPU %u holds %u objects, limit %u",
			     c->name, cpu, c->arrays[cpu].avail, c->arrays[cpu].limit);
	}
	for (unsigned nid = 0; nid < s->sa->nodes_count; nid++) {
		const struct slab_array *a = &c->nodes[nid].shared;
		if (a->avail > a->limit)
			FAIL("A5: cache %s: the shared array of node %u holds %u objects, limit %u",
			     c->name, nid, a->avail, a->limit);
	}
	return 0;
}

static int check_cache(struct check_state *s)
{
	struct slab_allocator *sa = s->sa;
	const struct slab_cache *c = s->c;
	struct check_report *report = s->report;
	if (check_limits(s))
		return -1;
	slab_gather_arrays(sa, c);
	for (unsigned nid = 0; nid < sa->nodes_count; nid++) {
		uint64_t slabs = s->slabs, active = s->active;
		for (size_t i = 0; i < ARRAY_SIZE(list_order); i++) {
			if (check_list(s, nid, list_order[i]))
				return -1;
		}
		uint64_t free_objects =
			(s->slabs - slabs) * c->layout.objects_count - (s->active - active);
		if (free_objects != c->nodes[nid].free_objects)
			FAIL("A3: cache %s, node %u: %llu free objects in its slabs, counted %llu",
			     c->name, nid, (ull)free_objects, (ull)c->nodes[nid].free_objects);
	}
	if (s->in_arrays != sa->scratch_count)
		FAIL("A5: cache %s: %llu of %llu objects in arrays are in no slab", c->name,
		     (ull)(sa->scratch_count - s->in_arrays), (ull)sa->scratch_count);
	if (s->active != s->in_arrays + c->live_count || s->slabs != c->slabs_count)
		FAIL("A6: cache %s: %llu objects taken out of %llu slabs, %llu in arrays; counted "
		     "%llu live, %llu slabs",
		     c->name, (ull)s->active, (ull)s->slabs, (ull)s->in_arrays, (ull)c->live_count,
		     (ull)c->slabs_count);
	return 0;
}

int slab_check(struct object_allocator *oa, struct check_report *report)
{
	struct slab_allocator *sa = to_slab(oa);
	report->text[0] = '\0';
	for (unsigned i = 0; i < sa->caches_count; i++) {
		struct check_state state = {.sa = sa, .c = sa->caches[i], .report = report};
		if (state.c && check_cache(&state))
			return -1;
	}
	return 0;
}
