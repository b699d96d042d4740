/*
 * slob_check.c - verifies the invariants L1 to L6 that slob.c states.
 *
 * Nothing here trusts what it reads: links, units and headers may be anything. Cost: proportional
 * to the pages in use and the objects in them.
 */
#include "alloc/slob.h"

#include <stdio.h>

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

#define ULL(v) ((unsigned long long)(v))

/* What the walk over pages found, to be compared with the counters. */
struct found {
	uint64_t pool_units[SLOB_POOLS];
	uint64_t *live; /* by cache index, in the pages of pools */
};

/* L2, and the sum of L3. */
static int check_free_list(const struct slob *s, pfn_t pfn, struct check_report *report)
{
	const struct slob_page *sp = &s->pages[pfn];
	unsigned sum = 0;
	for (unsigned unit = sp->first; sp->free_units && unit != SLOB_PAGE_UNITS;) {
		if (unit > SLOB_PAGE_UNITS)
			FAIL("L2: page %#llx: first free unit is %u", ULL(pfn), unit);
		struct slob_free f = slob_read_free(s, pfn, unit);
		if (!slob_free_ok(unit, f))
			FAIL("L2: page %#llx: the free block at unit %u has %u units, next is %u",
			     ULL(pfn), unit, f.units, f.next);
		sum += f.units;
		unit = f.next;
	}
	if (sum != sp->free_units)
		FAIL("L3: page %#llx: %u units are free, counted are %u", ULL(pfn), sum,
		     sp->free_units);
	return 0;
}

/* L5. The object that starts at @unit, behind its header if it has one: where it ends, or 0. */
static unsigned object_end(const struct slob *s, pfn_t pfn, unsigned unit, struct found *found,
			   struct check_report *report)
{
	const uint16_t *owner = &s->owner[pfn * SLOB_PAGE_UNITS];
	unsigned header = SLOB_HEADER_BYTES / SLOB_UNIT_BYTES, at = unit;
	if (!owner[at] && unit + header < SLOB_PAGE_UNITS)
		at += header;
	const struct slob_cache *c =
		owner[at] && owner[at] <= s->caches_count ? s->caches[owner[at] - 1] : NULL;
	if (!c || c->stats.flags & CACHE_POOL || slob_units(slob_header_bytes(c)) != at - unit) {
		snprintf(report->text, sizeof(report->text),
			 "L4: page %#llx: unit %u is neither free nor an object", ULL(pfn), unit);
		return 0;
	}
	uint64_t paddr = pfn * PAGE_BYTES + at * SLOB_UNIT_BYTES;
	unsigned units = slob_object_units(s, c, paddr);
	if (!units || units > slob_units(c->cut_bytes)) {
		snprintf(report->text, sizeof(report->text),
			 "L5: the header of %#llx says %u units, cache %s has %llu bytes",
			 ULL(paddr), units, c->name, ULL(c->cut_bytes));
		return 0;
	}
	found->live[c->stats.index]++;
	return at + units;
}

/* L4: tile the page with free blocks and objects. */
static int check_tiling(const struct slob *s, pfn_t pfn, struct found *found,
			struct check_report *report)
{
	const struct slob_page *sp = &s->pages[pfn];
	unsigned free_at = sp->free_units ? sp->first : SLOB_PAGE_UNITS, objects = 0;
	for (unsigned unit = 0; unit < SLOB_PAGE_UNITS;) {
		unsigned end;
		if (unit == free_at) {
			struct slob_free f = slob_read_free(s, pfn, unit);
			end = unit + f.units;
			free_at = f.next;
		} else {
			end = object_end(s, pfn, unit, found, report);
			objects++;
		}
		if (!end)
			return -1;
		if (end > free_at || end > SLOB_PAGE_UNITS)
			FAIL("L4: page %#llx: the object at unit %u runs into unit %u", ULL(pfn),
			     unit, end > free_at ? free_at : SLOB_PAGE_UNITS);
		unit = end;
	}
	if (objects != sp->objects)
		FAIL("L4: page %#llx has %u objects, counted are %u", ULL(pfn), objects,
		     sp->objects);
	return 0;
}

static int check_page(const struct slob *s, unsigned pool, bool full, pfn_t pfn,
		      struct found *found, struct check_report *report)
{
	const struct slob_page *sp = &s->pages[pfn];
	const struct page *p = physmem_page(s->base.pm, pfn);
	if (sp->kind != SLOB_POOL_PAGE || sp->where != pool)
		FAIL("L1: page %#llx on a list of pool %u is of kind %u, pool %u", ULL(pfn), pool,
		     sp->kind, sp->where);
	if (!(p->flags & PAGE_ALLOCATED) || p->order)
		FAIL("L1: page %#llx on a list of pool %u is no allocated page", ULL(pfn), pool);
	if (full != !sp->free_units || sp->free_units >= SLOB_PAGE_UNITS)
		FAIL("L3: page %#llx with %u free units is on the wrong list", ULL(pfn),
		     sp->free_units);
	if (check_free_list(s, pfn, report) != 0 || check_tiling(s, pfn, found, report) != 0)
		return -1;
	found->pool_units[pool] += SLOB_PAGE_UNITS - sp->free_units;
	return 0;
}

/* L1: links and count of one list. */
static int check_links(const struct slob *s, const char *name, const struct pagelist *l,
		       struct check_report *report)
{
	const struct physmem *pm = s->base.pm;
	uint32_t before = PAGE_LINK_NONE;
	uint64_t count = 0;
	for (uint32_t pfn = l->head; pfn != PAGE_LINK_NONE; pfn = pm->pages[pfn].next) {
		if (pfn >= pm->pfn_end || pm->pages[pfn].prev != before || ++count > l->count)
			FAIL("L1: a list of %s is broken at page %#llx, place %llu of %llu", name,
			     ULL(pfn), ULL(count), ULL(l->count));
		before = pfn;
	}
	if (count != l->count || l->tail != before)
		FAIL("L1: a list of %s holds %llu pages, counted are %llu", name, ULL(count),
		     ULL(l->count));
	return 0;
}

static int check_pool(const struct slob *s, unsigned pool, struct found *found,
		      struct check_report *report)
{
	const struct slob_cache *c = s->caches[pool];
	const struct pagelist *lists[] = {&c->partial, &c->full};
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
		if (check_links(s, c->name, lists[i], report) != 0)
			return -1;
		uint32_t pfn = lists[i]->head;
		for (; pfn != PAGE_LINK_NONE; pfn = s->base.pm->pages[pfn].next) {
			if (check_page(s, pool, i == 1, pfn, found, report) != 0)
				return -1;
		}
	}
	if (found->pool_units[pool] != c->used_units)
		FAIL("L6: pool %s has %llu units in use, counted are %llu", c->name,
		     ULL(found->pool_units[pool]), ULL(c->used_units));
	return 0;
}

static int check_blocks(const struct slob *s, const struct slob_cache *c,
			struct check_report *report)
{
	uint64_t pages = 0;
	if (check_links(s, c->name, &c->blocks, report) != 0)
		return -1;
	for (uint32_t pfn = c->blocks.head; pfn != PAGE_LINK_NONE;
	     pfn = s->base.pm->pages[pfn].next) {
		const struct page *p = physmem_page(s->base.pm, pfn);
		const struct slob_page *sp = &s->pages[pfn];
		if (!(p->flags & PAGE_ALLOCATED) || sp->kind != SLOB_BLOCK ||
		    sp->where != p->order ||
		    s->owner[(uint64_t)pfn * SLOB_PAGE_UNITS] != c->stats.index + 1)
			FAIL("L1: page %#llx is no block of cache %s", ULL(pfn), c->name);
		pages += UINT64_C(1) << p->order;
	}
	if (pages != c->stats.pages_count)
		FAIL("L6: cache %s has %llu pages of its own, counted are %llu", c->name,
		     ULL(pages), ULL(c->stats.pages_count));
	return 0;
}

/* L6: caches together have taken what the pools have given. */
static int check_shares(const struct slob *s, struct check_report *report)
{
	uint64_t given = 0, taken = 0;
	for (unsigned i = 0; i < s->caches_count; i++) {
		if (s->caches[i])
			*(i < SLOB_POOLS ? &given : &taken) += s->caches[i]->used_units;
	}
	if (given != taken)
		FAIL("L6: pools have %llu units in use, caches have taken %llu", ULL(given),
		     ULL(taken));
	return 0;
}

int slob_check(struct object_allocator *oa, struct check_report *report)
{
	const struct slob *s = slob_of(oa);
	uint64_t live[OBJECT_CACHES_LIMIT] = {0};
	struct found found = {.live = live};
	report->text[0] = '\0';
	for (unsigned pool = 0; pool < SLOB_POOLS; pool++) {
		if (check_pool(s, pool, &found, report) != 0)
			return -1;
	}
	for (unsigned i = SLOB_POOLS; i < s->caches_count; i++) {
		const struct slob_cache *c = s->caches[i];
		if (!c)
			continue;
		if (check_blocks(s, c, report) != 0)
			return -1;
		uint64_t count = live[i] + c->blocks.count;
		if (count != c->stats.live_count ||
		    c->stats.allocs_count - c->stats.frees_count != count)
			FAIL("L6: cache %s has %llu live objects, counted are %llu", c->name,
			     ULL(count), ULL(c->stats.live_count));
	}
	return check_shares(s, report);
}
