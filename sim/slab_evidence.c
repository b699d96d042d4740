/*
 * slab_evidence.c - see slab_evidence.h.
 *
 * For every address, the first event in the window tells what was there before: an allocation finds
 * a free object, a free a live one. What happened before the window is known outright. Events in
 * slabs that the recorded kernel made inside the window tell nothing about its start and are passed
 * over.
 *
 * kfree does not name a cache; its object's cache is known if some other event of the same address
 * names it.
 */
#include "sim/slab_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "kern/pfnset.h"

struct collector {
	struct slab_evidence *e;
	const struct trace *trace;
	const struct object_stack *stack;
	uint64_t start_ns, end_ns;
	struct pfnset new_pages; /* of slabs made in the window */
	struct err *err;
};

static int no_memory(struct collector *c)
{
	return err_set(c->err, ERR_IO, "out of memory for the recorded objects");
}

static struct object_cache *cache_of_record(const struct collector *c, const struct trace_rec *r)
{
	if (r->kind == TRACE_KMALLOC)
		return kmalloc_cache(&c->stack->km, r->aux, c->trace->gfps[r->gfp]);
	return r->cache == TRACE_CACHE_NONE ? NULL : c->stack->caches[r->cache];
}

static struct place *place_of(struct collector *c, uint64_t paddr)
{
	struct slab_evidence *e = c->e;
	const uint64_t *known = u64map_get(&e->by_paddr, paddr);
	if (known)
		return &e->places[*known];
	if (e->count == e->room) {
		uint64_t room = e->room ? 2 * e->room : 1024;
		struct place *grown = reallocarray(e->places, room, sizeof(*grown));
		if (!grown)
			return NULL;
		e->places = grown;
		e->room = room;
	}
	if (u64map_put(&e->by_paddr, paddr, e->count) != 0)
		return NULL;
	struct place *p = &e->places[e->count++];
	*p = (struct place){.paddr = paddr, .first_alloc_seq = EVIDENCE_NEVER};
	return p;
}

static void note_alloc(struct place *p, const struct trace_rec *r, bool inside)
{
	p->live = !inside;
	if (inside) {
		p->first_alloc_seq = r->seq;
		p->first_alloc_cpu = r->cpu;
		p->decided = true;
	}
}

static void note_free(struct place *p, bool inside)
{
	p->live = p->freed = p->decided = inside;
}

static int note_object(struct collector *c, const struct trace_rec *r)
{
	bool inside = r->time_ns >= c->start_ns;
	uint64_t paddr = trace_rec_paddr(r);
	if (r->pfn == TRACE_PFN_NONE || pfnset_has(&c->new_pages, r->pfn) ||
	    r->flags & TRACE_F_FAILED)
		return 0;
	struct place *p = place_of(c, paddr);
	if (!p)
		return no_memory(c);
	if (!p->cache)
		p->cache = cache_of_record(c, r);
	if (p->decided)
		return 0;
	if (trace_kind_is_alloc(r->kind))
		note_alloc(p, r, inside);
	else
		note_free(p, inside);
	return 0;
}

static int note_record(struct collector *c, const struct trace_rec *r)
{
	if (trace_kind_is_object(r->kind))
		return note_object(c, r);
	if (r->kind == TRACE_PAGE_ALLOC && r->flags & TRACE_F_SLAB && r->time_ns >= c->start_ns &&
	    pfnset_add(&c->new_pages, r->pfn, UINT64_C(1) << r->order) < 0)
		return no_memory(c);
	return 0;
}

/* All CPUs' records in the order of the recording. */
static int note_all(struct collector *c)
{
	const struct trace *t = c->trace;
	uint64_t done[TRACE_CPUS_LIMIT] = {0};
	if (!t) /* generators: nothing was recorded */
		return 0;
	for (;;) {
		const struct trace_rec *next = NULL;
		for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
			const struct trace_rec *r = &t->ops[cpu][done[cpu]];
			if (done[cpu] < t->ops_count[cpu] && (!next || r->seq < next->seq))
				next = r;
		}
		if (!next || next->time_ns >= c->end_ns)
			return 0;
		done[next->cpu]++;
		if (note_record(c, next) != 0)
			return -1;
	}
}

int slab_evidence_collect(struct slab_evidence *e, const struct trace *trace, uint64_t start_ns,
			  uint64_t end_ns, const struct object_stack *stack, struct err *err)
{
	struct collector c = {
		.e = e,
		.trace = trace,
		.stack = stack,
		.start_ns = start_ns,
		.end_ns = end_ns,
		.err = err,
	};
	memset(e, 0, sizeof(*e));
	int rc = pfnset_init(&c.new_pages) == 0 ? note_all(&c) : no_memory(&c);
	pfnset_release(&c.new_pages);
	return rc;
}

void slab_evidence_release(struct slab_evidence *e)
{
	u64map_release(&e->by_paddr);
	free(e->places);
	memset(e, 0, sizeof(*e));
}
