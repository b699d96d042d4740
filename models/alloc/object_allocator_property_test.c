/*
 * Random histories of every registered object allocator, against an oracle of who holds which
 * bytes.
 *
 * A seed decides everything: CPUs and nodes, memory (often too little), the allocator's switches,
 * caches of random sizes, alignments and flags, and a history of allocations, frees (by other CPUs,
 * too) and shrinks. Each phase of a history leans to allocating or to freeing, so that slabs fill
 * and drain.
 *
 * What has to hold: objects are aligned, inside their cache's slabs, and overlap no other live one;
 * the bytes of a live object stay as its user left them; constructed objects come constructed;
 * counters are what the oracle counts; every invariant of both allocators holds; and when all was
 * freed and the caches have ended, every page is back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"
#include "kern/rng.h"
#include "kern/u64map.h"

#define SEEDS      60
#define OPS        3000
#define CHECK_EACH 150
#define CACHES     6
#define PAGES      512
#define MADE       0x3d /* what the constructor writes */

struct live {
	uint64_t paddr, bytes;
	unsigned cache;
	uint8_t pattern;
};

struct world {
	struct object_rig r;
	struct rng rng;
	unsigned cpus;
	struct object_cache *caches[CACHES];
	struct object_cache_params params[CACHES];
	uint64_t live_of[CACHES];
	struct live live[OPS];
	size_t live_count;
	struct u64map words; /* every 8 bytes of a live object */
	uint64_t failed_count;
};

static void construct(void *object, uint64_t bytes)
{
	memset(object, MADE, bytes);
}

static const struct zone_span one_node[] = {{ZONE_NORMAL, 0, 0, PAGES, PAGES}};
static const struct zone_span two_nodes[] = {{ZONE_NORMAL, 0, 0, PAGES / 2, PAGES / 2},
					     {ZONE_NORMAL, 1, PAGES / 2, PAGES, PAGES / 2}};

static bool coin(struct world *w, unsigned one_in)
{
	return rng_below(&w->rng, one_in) == 0;
}

static void make_cache(struct world *w, unsigned i)
{
	static const unsigned flags[] = {CACHE_RECLAIM_ACCOUNT, CACHE_ACCOUNT,  CACHE_HWCACHE_ALIGN,
					 CACHE_TYPESAFE_BY_RCU, CACHE_NO_MERGE, CACHE_KMALLOC,
					 CACHE_RED_ZONE,        CACHE_POISON};
	static const unsigned largest[] = {40, 300, 3000, 20000};
	struct object_cache_params *p = &w->params[i];
	*p = (struct object_cache_params){
		.name = "random",
		.object_size_bytes = 1 + rng_below(&w->rng, largest[rng_below(&w->rng, 4)]),
		.align_bytes = coin(w, 2) ? 0 : UINT64_C(1) << rng_below(&w->rng, 13),
	};
	for (unsigned k = 0; k < ARRAY_SIZE(flags); k++)
		p->flags |= coin(w, 6) ? flags[k] : 0;
	if (coin(w, 5) && !(p->flags & CACHE_KMALLOC)) /* size classes have no constructors */
		p->ctor = construct;
	w->caches[i] = rig_cache(&w->r, p);
}

static void start(struct world *w, const char *allocator, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	rng_init(&w->rng, seed, 0);
	bool two = coin(w, 3);
	w->cpus = 1 + (unsigned)rng_below(&w->rng, OP_CPUS);
	struct op_params machine = {
		.spans = two ? two_nodes : one_node,
		.spans_count = two ? 2 : 1,
		.cpus_count = w->cpus,
		.pageblock_order = 5,
		.max_order = 7,
		.pcp = {coin(w, 2), 4, 16, 16, 0},
	};
	for (unsigned cpu = 0; two && cpu < w->cpus; cpu++)
		machine.cpu_nid[cpu] = cpu % 2;
	struct object_allocator_params p;
	object_params_init(&p);
	p.seed = seed;
	p.merge = coin(w, 2);
	p.freelist_random = coin(w, 2);
	p.freelist_hardened = coin(w, 3);
	if (coin(w, 3))
		p.cpu_partial_objects = rng_below(&w->rng, 40);
	if (coin(w, 3))
		p.min_partial_slabs = rng_below(&w->rng, 8);
	if (coin(w, 3))
		p.min_order = (unsigned)rng_below(&w->rng, 4);
	rig_init(&w->r, allocator, &machine, &p);
	for (unsigned i = 0; i < CACHES; i++)
		make_cache(w, i);
}

/* --- the oracle ------------------------------------------------------------------------------- */

static void hold(struct world *w, const struct live *l)
{
	for (uint64_t at = l->paddr / 8; at <= (l->paddr + l->bytes - 1) / 8; at++) {
		if (u64map_get(&w->words, at))
			fail_msg("object %#llx overlaps a live one", (unsigned long long)l->paddr);
		assert_int_equal(u64map_put(&w->words, at, l->paddr), 0);
	}
}

static void let_go(struct world *w, const struct live *l)
{
	for (uint64_t at = l->paddr / 8; at <= (l->paddr + l->bytes - 1) / 8; at++)
		assert_true(u64map_remove(&w->words, at));
}

static void assert_all(struct world *w, const struct live *l, uint8_t value)
{
	const uint8_t *bytes = object_bytes(w->r.oa, l->paddr);
	for (uint64_t i = 0; i < l->bytes; i++) {
		if (bytes[i] != value)
			fail_msg("object %#llx of %llu bytes: byte %llu is %#x, not %#x",
				 (unsigned long long)l->paddr, (unsigned long long)l->bytes,
				 (unsigned long long)i, bytes[i], value);
	}
}

static void allocate(struct world *w, unsigned i, unsigned cpu)
{
	const struct object_cache_params *p = &w->params[i];
	static const gfp_t gfps[] = {GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_KERNEL | __GFP_ZERO,
				     GFP_KERNEL | __GFP_THISNODE};
	gfp_t gfp = gfps[rng_below(&w->rng, ARRAY_SIZE(gfps))];
	struct object_allocator *oa = w->r.oa;
	unsigned nid = coin(w, 4) ? (unsigned)rng_below(&w->rng, w->r.m.pm.nodes_count)
				  : w->r.cpu_nid[cpu];
	enum alloc_failure why;
	struct live l = {
		.bytes = 1 + rng_below(&w->rng, p->object_size_bytes),
		.cache = i,
		.pattern = (uint8_t)rng_u64(&w->rng),
	};
	uint64_t start;
	l.paddr = oa->ops->alloc(oa, &w->r.m.env[cpu], w->caches[i], l.bytes, gfp, nid, &why);
	assert_int_equal(why == ALLOC_OK, l.paddr != OBJECT_NONE);
	if (l.paddr == OBJECT_NONE) {
		w->failed_count++;
		return;
	}
	assert_int_equal(l.paddr % u64_max(p->align_bytes, 8), 0);
	assert_ptr_equal(oa->ops->cache_of(oa, l.paddr + l.bytes - 1, &start), w->caches[i]);
	assert_int_equal(start, l.paddr);
	if (gfp & __GFP_THISNODE)
		assert_int_equal(physmem_zone(oa->pm, l.paddr >> PAGE_SHIFT)->nid, nid);
	hold(w, &l);
	if (gfp & __GFP_ZERO)
		assert_all(w, &l, 0);
	else if (p->ctor)
		assert_all(w, &l, MADE);
	memset(object_bytes(oa, l.paddr), l.pattern, l.bytes);
	w->live_of[i]++;
	w->live[w->live_count++] = l;
}

static void release(struct world *w, size_t which, unsigned cpu)
{
	struct live l = w->live[which];
	assert_all(w, &l, l.pattern);
	let_go(w, &l);
	if (w->params[l.cache].ctor) { /* its users leave such objects as they got them */
		const struct object_cache_params *p = &w->params[l.cache];
		memset(object_bytes(w->r.oa, l.paddr), MADE, p->object_size_bytes);
	}
	rig_free(&w->r, w->caches[l.cache], cpu, l.paddr);
	w->live_of[l.cache]--;
	w->live[which] = w->live[--w->live_count];
}

struct sums {
	uint64_t slabs, pages, objects, live;
};

static void sum(void *arg, const struct slab_view *v)
{
	struct sums *s = arg;
	s->slabs++;
	s->pages += UINT64_C(1) << v->order;
	s->objects += v->objects_count;
	s->live += v->live_count;
}

static void verify(struct world *w)
{
	rig_check(&w->r);
	for (unsigned i = 0; i < CACHES; i++) {
		uint64_t live = 0;
		struct sums sums = {0};
		for (unsigned k = 0; k < CACHES; k++) /* merged ones count together */
			live += w->caches[k] == w->caches[i] ? w->live_of[k] : 0;
		struct object_cache_stats s = rig_stats(&w->r, w->caches[i]);
		w->r.oa->ops->walk(w->r.oa, w->caches[i], sum, &sums);
		assert_int_equal(s.live_count, live);
		assert_int_equal(sums.live, live);
		assert_int_equal(sums.slabs, s.slabs_count);
		assert_int_equal(sums.pages, s.pages_count);
		assert_int_equal(sums.objects, s.objects_count);
		assert_true(s.active_count >= live && s.active_count <= s.objects_count);
		assert_int_equal(s.slabs_new_count - s.slabs_freed_count, s.slabs_count);
	}
}

/* --- histories -------------------------------------------------------------------------------- */

static uint64_t free_pages(const struct world *w)
{
	uint64_t pages = 0;
	struct physmem *pm = w->r.oa->pm;
	struct page_allocator *pa = w->r.m.pa;
	for (unsigned i = 0; i < pm->zones_count; i++) {
		pages += pm->zones[i].free_pages;
		for (unsigned cpu = 0; cpu < w->cpus; cpu++) {
			struct page_pcp_stats s;
			if (pa->ops->pcp_stats(pa, i, cpu, &s))
				pages += s.count_pages;
		}
	}
	return pages;
}

static void step(struct world *w, unsigned grow_of_8)
{
	const struct object_allocator_ops *ops = w->r.oa->ops;
	unsigned cpu = (unsigned)rng_below(&w->rng, w->cpus);
	unsigned cache = (unsigned)rng_below(&w->rng, CACHES);
	if (ops->shrink && coin(w, 500))
		ops->shrink(w->r.oa, &w->r.m.env[cpu], w->caches[cache]);
	if (w->live_count < OPS && rng_below(&w->rng, 8) < grow_of_8)
		allocate(w, cache, cpu);
	else if (w->live_count)
		release(w, coin(w, 2) ? w->live_count - 1 : rng_below(&w->rng, w->live_count), cpu);
}

/* Returns how many allocations failed. */
static uint64_t run(const char *allocator, uint64_t seed)
{
	static struct world w;
	start(&w, allocator, seed);
	unsigned grow = 6;
	for (unsigned i = 0; i < OPS; i++) {
		if (i % 200 == 199)
			grow = 1 + (unsigned)rng_below(&w.rng, 7);
		step(&w, grow);
		if (i % CHECK_EACH == 0)
			verify(&w);
	}
	while (w.live_count)
		release(&w, w.live_count - 1, (unsigned)rng_below(&w.rng, w.cpus));
	verify(&w);
	for (unsigned i = 0; i < CACHES; i++)
		assert_int_equal(w.r.oa->ops->cache_free(w.r.oa, &w.r.m.env[0], w.caches[i]), 0);
	rig_check(&w.r);
	assert_int_equal(free_pages(&w), PAGES);
	rig_release(&w.r);
	u64map_release(&w.words);
	return w.failed_count;
}

static void random_histories(void **state)
{
	unsigned allocators = 0;
	for (const struct object_allocator_ops *const *a = object_allocators; *a; a++) {
		uint64_t failed = 0;
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			failed += run((*a)->name, seed);
		allocators++;
		assert_true(failed > 100); /* scarcity was met */
	}
	assert_true(allocators >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
