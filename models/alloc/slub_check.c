/*
 * slub_check.c - the invariants S1 to S10 of slub.c, looked up one by one.
 *
 * Every slab is visited through the list it stands on. What a breakage may have left behind is read
 * with care: lists are followed for as many steps as they count, links only within the slab.
 */
#include "alloc/slub.h"

#include <stdio.h>

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

struct seen {
	uint64_t bits[(SLAB_OBJECTS_MAX + 64) / 64]; /* by index: is in a list of free objects */
};

/* What the walk over one cache has found. */
struct tally {
	struct object_cache *c;
	struct check_report *report;
	uint64_t slabs, pages, objects, free, frozen, sheafed;
	uint64_t node_free; /* of the node whose list is looked at */
};

/* S3: follow a list of free objects from @at; returns its length, or -1. */
static int follow(struct tally *t, pfn_t pfn, uint64_t at, struct seen *seen, const char *invariant)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	int count = 0;
	uint64_t before = OBJECT_NONE;
	for (; at != OBJECT_NONE; at = link_load(c, at), count++) {
		if (!object_in_slab(c, pfn, at))
			FAIL("S3: cache %s, slab %#llx: after %d free objects the list leads from "
			     "%#llx to %#llx",
			     c->name, (unsigned long long)slab_paddr(pfn), count,
			     (unsigned long long)before, (unsigned long long)at);
		unsigned index = object_index(c, pfn, at);
		if (seen->bits[index / 64] >> (index % 64) & 1)
			FAIL("%s: cache %s: object %#llx is twice in lists of free objects",
			     invariant, c->name, (unsigned long long)at);
		seen->bits[index / 64] |= UINT64_C(1) << (index % 64);
		before = at;
	}
	return count;
}

static int check_head(struct tally *t, pfn_t pfn)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	const struct slub *sa = c->sa;
	const struct slab *s = &sa->slabs[pfn];
	bool normal = s->objects == c->l.objects, small = s->objects == c->l.min_objects;
	if (s->cache != c->index || (!normal && !small) || s->inuse > s->objects)
		FAIL("S2: cache %s, slab %#llx: of cache %u, %u objects, %u of them in use",
		     c->name, (unsigned long long)slab_paddr(pfn), s->cache, s->objects, s->inuse);
	unsigned order = slab_order(c, s);
	if (!physmem_has_block(sa->base.pm, pfn, order))
		FAIL("S2: cache %s: no slab of order %u can be at pfn %#llx", c->name, order,
		     (unsigned long long)pfn);
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		if (slab_head(sa, p) != pfn || (p != pfn && sa->slabs[p].kind != SLAB_TAIL))
			FAIL("S2: cache %s, slab %#llx: its page %#llx does not lead to it",
			     c->name, (unsigned long long)slab_paddr(pfn), (unsigned long long)p);
		if (physmem_page(sa->base.pm, p)->flags & (PAGE_BUDDY | PAGE_PCP))
			FAIL("S2: cache %s, slab %#llx: its page %#llx is free", c->name,
			     (unsigned long long)slab_paddr(pfn), (unsigned long long)p);
	}
	t->slabs++;
	t->pages += UINT64_C(1) << order;
	t->objects += s->objects;
	return 0;
}

/* S4: @pfn is the current slab of one CPU; its own list. Returns the length, or -1. */
static int check_frozen(struct tally *t, pfn_t pfn, struct seen *seen)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	const struct slub_cpu *owner = NULL;
	for (unsigned i = 0; i < c->sa->params.cpus_count; i++) {
		const struct slub_cpu *cpu = &c->cpus[i];
		if (cpu->bytes && cpu->start == slab_paddr(pfn)) {
			if (owner)
				FAIL("S4: cache %s: slab %#llx is current on two CPUs", c->name,
				     (unsigned long long)slab_paddr(pfn));
			owner = cpu;
		}
	}
	if (!owner || c->sa->slabs[pfn].list != LIST_UNLISTED)
		FAIL("S4: cache %s: slab %#llx is frozen, but %s", c->name,
		     (unsigned long long)slab_paddr(pfn),
		     owner ? "on a list" : "no CPU's current one");
	t->frozen++;
	return follow(t, pfn, owner->free, seen, "S4");
}

/* S7 and S8 for all objects of a slab. */
static int check_bytes(struct tally *t, pfn_t pfn, const struct seen *seen)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	struct slub_fault f;
	if (!slub_debug_tail_intact(c, pfn, &f))
		FAIL("S8: cache %s: the %s behind the objects of slab %#llx: %#x instead of %#x at "
		     "%#llx",
		     c->name, f.what, (unsigned long long)slab_paddr(pfn), f.found, f.expected,
		     (unsigned long long)f.paddr);
	for (unsigned i = 0; i < c->sa->slabs[pfn].objects; i++) {
		bool live = !(seen->bits[i / 64] >> (i % 64) & 1);
		uint64_t object = object_at(c, pfn, i);
		if (!slub_debug_intact(c, object, live, &f))
			FAIL("%s: cache %s: the %s of the %s object %#llx was overwritten: %#x "
			     "instead of %#x at %#llx",
			     f.red_zone ? "S7" : "S8", c->name, f.what, live ? "live" : "free",
			     (unsigned long long)object, f.found, f.expected,
			     (unsigned long long)f.paddr);
	}
	return 0;
}

/* S10: objects in sheaves, as the snapshot has them, are in no other list. Adds them to @seen. */
static int check_sheafed(struct tally *t, pfn_t pfn, struct seen *seen)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	const uint64_t *objects;
	unsigned count = slub_sheaves_of_slab(c, pfn, &objects);
	for (unsigned i = 0; i < count; i++) {
		unsigned index = object_index(c, pfn, objects[i]);
		if (!object_in_slab(c, pfn, objects[i]))
			FAIL("S10: cache %s: %#llx is in a sheaf and is no object", c->name,
			     (unsigned long long)objects[i]);
		if (seen->bits[index / 64] >> (index % 64) & 1)
			FAIL("S10: cache %s: object %#llx is twice in sheaves and lists of free "
			     "objects",
			     c->name, (unsigned long long)objects[i]);
		seen->bits[index / 64] |= UINT64_C(1) << (index % 64);
	}
	t->sheafed += count;
	return 0;
}

static int check_slab(struct tally *t, pfn_t pfn)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	const struct slab *s = &c->sa->slabs[pfn];
	if (check_head(t, pfn) != 0)
		return -1;
	struct seen seen;
	memset(seen.bits, 0, (s->objects / 64 + 1) * sizeof(seen.bits[0]));
	if (s->free != SLAB_FREE_END && s->free >= s->objects)
		FAIL("S3: cache %s, slab %#llx: the first free object is number %u of %u", c->name,
		     (unsigned long long)slab_paddr(pfn), s->free, s->objects);
	uint64_t first = s->free == SLAB_FREE_END ? OBJECT_NONE : object_at(c, pfn, s->free);
	int shared = follow(t, pfn, first, &seen, "S3"), own = 0;
	if (shared < 0)
		return -1;
	if (shared != s->objects - s->inuse)
		FAIL("S3: cache %s, slab %#llx: %d objects on the shared list, %u of %u in use",
		     c->name, (unsigned long long)slab_paddr(pfn), shared, s->inuse, s->objects);
	if (s->frozen) {
		own = check_frozen(t, pfn, &seen);
		if (own < 0)
			return -1;
	}
	bool partial = s->list == LIST_CPU_PARTIAL || s->list == LIST_NODE_PARTIAL;
	if ((partial && !shared) || (s->list == LIST_UNLISTED && !s->frozen && shared))
		FAIL("S5: cache %s, slab %#llx: %s list, %d objects to share", c->name,
		     (unsigned long long)slab_paddr(pfn), partial ? "on a partial" : "on no",
		     shared);
	if (check_sheafed(t, pfn, &seen) != 0)
		return -1;
	t->free += (uint64_t)shared + (uint64_t)own;
	t->node_free += (uint64_t)shared;
	return c->l.debug ? check_bytes(t, pfn, &seen) : 0;
}

/* S1, then each slab. */
static int check_list(struct tally *t, const struct slab_list *l, enum slab_list_id id,
		      const char *name)
{
	const struct slub *sa = t->c->sa;
	struct check_report *report = t->report;
	uint64_t length = 0;
	uint32_t prev = PAGE_LINK_NONE;
	for (uint32_t pfn = l->head; pfn != PAGE_LINK_NONE; pfn = sa->slabs[pfn].next) {
		if (length++ >= l->count || pfn >= sa->base.pm->pfn_end ||
		    sa->slabs[pfn].kind != SLAB_HEAD || sa->slabs[pfn].prev != prev ||
		    sa->slabs[pfn].list != id)
			FAIL("S1: cache %s: the %s list is not linked well at pfn %#x", t->c->name,
			     name, pfn);
		if (check_slab(t, pfn) != 0)
			return -1;
		prev = pfn;
	}
	if (length != l->count || l->tail != prev)
		FAIL("S1: cache %s: the %s list has %llu slabs up to pfn %#x, not %llu up to %#x",
		     t->c->name, name, (unsigned long long)length, prev,
		     (unsigned long long)l->count, l->tail);
	return 0;
}

static int check_cpus(struct tally *t)
{
	const struct object_cache *c = t->c;
	struct check_report *report = t->report;
	uint64_t current = 0;
	for (unsigned i = 0; i < c->sa->params.cpus_count; i++) {
		const struct slub_cpu *cpu = &c->cpus[i];
		if (check_list(t, &cpu->partial, LIST_CPU_PARTIAL, "CPU partial") != 0 ||
		    check_list(t, &cpu->moving, LIST_MOVING, "moving") != 0)
			return -1;
		if (cpu->partial.count > c->l.cpu_partial_slabs)
			FAIL("S5: cache %s: CPU %u has %llu slabs in stock, at most %llu", c->name,
			     i, (unsigned long long)cpu->partial.count,
			     (unsigned long long)c->l.cpu_partial_slabs);
		if (!cpu->bytes && cpu->free != OBJECT_NONE)
			FAIL("S4: cache %s: CPU %u has free objects, but no slab", c->name, i);
		pfn_t pfn = cpu->start >> PAGE_SHIFT;
		if (cpu->bytes && (slab_head(c->sa, pfn) != pfn || !c->sa->slabs[pfn].frozen))
			FAIL("S4: cache %s: CPU %u's current slab %#llx is not frozen", c->name, i,
			     (unsigned long long)cpu->start);
		current += cpu->bytes ? 1 : 0;
	}
	if (current != t->frozen)
		FAIL("S4: cache %s: %llu CPUs have a current slab, %llu slabs are frozen", c->name,
		     (unsigned long long)current, (unsigned long long)t->frozen);
	return 0;
}

static int check_cache(struct object_cache *c, struct check_report *report)
{
	struct tally t = {.c = c, .report = report};
	if (slub_sheaves_check(c, report) != 0)
		return -1;
	uint64_t sheafed = slub_sheaves_snapshot(c);
	if (check_list(&t, &c->unlisted, LIST_UNLISTED, "unlisted") != 0)
		return -1;
	for (unsigned nid = 0; nid < c->sa->base.pm->nodes_count; nid++) {
		const struct slub_node *n = &c->nodes[nid];
		t.node_free = 0;
		if (check_list(&t, &n->partial, LIST_NODE_PARTIAL, "node partial") != 0)
			return -1;
		if (t.node_free != n->free_objects)
			FAIL("S6: cache %s: node %u has %llu free objects, counted %llu", c->name,
			     nid, (unsigned long long)t.node_free,
			     (unsigned long long)n->free_objects);
	}
	if (check_cpus(&t) != 0)
		return -1;
	if (t.slabs != c->slabs_count || t.pages != c->pages_count || t.objects != c->objects_count)
		FAIL("S6: cache %s: %llu slabs of %llu pages with %llu objects, counted %llu, "
		     "%llu, %llu",
		     c->name, (unsigned long long)t.slabs, (unsigned long long)t.pages,
		     (unsigned long long)t.objects, (unsigned long long)c->slabs_count,
		     (unsigned long long)c->pages_count, (unsigned long long)c->objects_count);
	if (t.sheafed != sheafed)
		FAIL("S10: cache %s: %llu objects are in sheaves, %llu of them in its slabs",
		     c->name, (unsigned long long)sheafed, (unsigned long long)t.sheafed);
	uint64_t live = t.objects - t.free - sheafed;
	if (live != slub_live_count(c))
		FAIL("S6: cache %s: %llu live objects, counted %llu", c->name,
		     (unsigned long long)live,
		     (unsigned long long)slub_live_count(c));
	return 0;
}

int slub_check(struct object_allocator *oa, struct check_report *report)
{
	const struct slub *sa = (const struct slub *)oa;
	report->text[0] = '\0';
	for (unsigned i = 0; i < sa->caches_count; i++) {
		if (sa->caches[i] && check_cache(sa->caches[i], report) != 0)
			return -1;
	}
	return 0;
}
