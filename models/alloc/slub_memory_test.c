/*
 * Tests of what slub asks of memory: kinds of pages, scarcity, nodes, the bytes of free objects,
 * and recorded slabs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"

#define BASE (UINT64_C(1) << PAGE_SHIFT)

static const struct op_params two_cpus = {.zone_pages = 8192, .cpus_count = 2};

static void start(struct object_rig *r, const struct object_allocator_params *params)
{
	memset(r, 0, sizeof(*r));
	rig_init(r, "slub", &two_cpus, params);
}

static void assert_slabs(struct object_rig *r, struct object_cache *c, const char *expected)
{
	rig_check(r);
	assert_string_equal(rig_slabs(r, c), expected);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void kinds_of_pages(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	static const struct {
		unsigned flags;
		enum migratetype mt;
	} kinds[] = {{0, MIGRATE_UNMOVABLE}, {CACHE_RECLAIM_ACCOUNT, MIGRATE_RECLAIMABLE}};
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		r.gfp = GFP_HIGHUSER_MOVABLE; /* of no matter: the cache decides */
		struct object_cache *c = rig_sized(&r, "kind", 256, kinds[i].flags);
		const struct page *p = &r.m.pm.pages[rig_alloc(&r, c, 0) >> PAGE_SHIFT];
		assert_int_equal(pageblock_type(&r.m.pm, (pfn_t)(p - r.m.pm.pages)), kinds[i].mt);
	}
	rig_release(&r);
}

static void zones_of_pages(void **state)
{
	static const struct zone_span spans[] = {{ZONE_DMA, 0, 0, 512, 512},
						 {ZONE_DMA32, 0, 512, 1024, 512},
						 {ZONE_NORMAL, 0, 1024, 4096, 3072}};
	static const struct op_params machine = {.spans = spans, .spans_count = 3};
	static const struct {
		unsigned flags;
		enum zone_type zone;
	} cases[] = {{0, ZONE_NORMAL}, {CACHE_DMA, ZONE_DMA}, {CACHE_DMA32, ZONE_DMA32}};
	struct object_rig r;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &machine, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct object_cache *c = rig_sized(&r, "zone", 96, cases[i].flags);
		uint64_t a = rig_alloc(&r, c, 0);
		assert_int_equal(physmem_zone(&r.m.pm, a >> PAGE_SHIFT)->type, cases[i].zone);
	}
	rig_release(&r);
}

/* What the page allocator was asked for; it has nothing but single pages. */
static struct {
	const struct page_allocator_ops *real;
	gfp_t gfp[4];
	unsigned order[4], count;
} spied;

static pfn_t spy_on_pages(struct page_allocator *pa, struct env *env, unsigned order, gfp_t gfp,
			  unsigned nid, enum alloc_failure *why)
{
	spied.gfp[spied.count] = gfp;
	spied.order[spied.count++] = order;
	*why = ALLOC_FRAGMENTED;
	return order ? PFN_NONE : spied.real->alloc_pages(pa, env, order, gfp, nid, why);
}

/* Large blocks are asked for without effort, the smallest as the caller said. */
static void how_pages_are_asked_for(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct page_allocator_ops ops = *r.m.pa->ops;
	spied.real = r.m.pa->ops;
	spied.count = 0;
	ops.alloc_pages = spy_on_pages;
	r.m.pa->ops = &ops;
	struct object_cache *c = rig_sized(&r, "asks", 1024, CACHE_RECLAIM_ACCOUNT);
	r.gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOFAIL | __GFP_ACCOUNT;
	rig_alloc(&r, c, 0);
	const gfp_t own = __GFP_COMP | __GFP_RECLAIMABLE;
	assert_int_equal(spied.count, 2);
	assert_int_equal(spied.order[0], 2);
	assert_int_equal(spied.order[1], 0);
	assert_int_equal(spied.gfp[0], own | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_NORETRY |
					       __GFP_NOMEMALLOC);
	assert_int_equal(spied.gfp[1], own | GFP_KERNEL | __GFP_NOFAIL);
	/* Who may not wait wakes kswapd at once. */
	spied.count = 0;
	r.gfp = GFP_ATOMIC;
	for (unsigned i = 0; i < 4; i++)
		rig_alloc(&r, c, 0);
	assert_int_equal(spied.gfp[0], own | GFP_ATOMIC | __GFP_NOWARN | __GFP_NORETRY);
	assert_int_equal(spied.gfp[1], own | GFP_ATOMIC);
	r.m.pa->ops = spied.real;
	rig_release(&r);
}

/* No block of order 1 for 8 objects of 1024 bytes: pages of 4, then none at all. */
static void fallback_and_failure(void **state)
{
	static const struct op_params scarce = {.zone_pages = 64, .all_used = true};
	struct object_rig r;
	enum alloc_failure why;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &scarce, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-1k", 1024, CACHE_KMALLOC);
	assert_int_equal(op_run(&r.m, "+8/0 +10/0"), 0);
	/* One CPU: 8 objects of 1024 bytes are wished for, order 1. */
	for (unsigned i = 0; i < 8; i++)
		rig_alloc(&r, c, 0);
	assert_slabs(&r, c, "c0:4 -:4");
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.slab_order, 1);
	assert_int_equal(s.slabs_fallback_count, 2);
	assert_int_equal(s.pages_count, 2);
	assert_int_equal(s.objects_count, 8);
	assert_int_equal(r.oa->ops->alloc(r.oa, &r.m.env[0], c, 8, GFP_KERNEL, 0, &why),
			 OBJECT_NONE);
	assert_int_equal(why, ALLOC_NO_MEMORY);
	assert_int_equal(rig_path(&r, 0), PATH_FAILED);
	assert_int_equal(rig_stats(&r, c).failed_count, 1);
	rig_check(&r);
	assert_int_equal(op_run(&r.m, "+16/1"), 0);
	rig_alloc(&r, c, 0);
	assert_slabs(&r, c, "c0:1 -:4,4");
	assert_int_equal(rig_stats(&r, c).pages_count, 4);
	assert_int_equal(rig_stats(&r, c).slabs_fallback_count, 2);
	rig_release(&r);
}

static const struct zone_span two_nodes[] = {
	{ZONE_NORMAL, 0, 0, 64, 64},
	{ZONE_NORMAL, 1, 64, 128, 64},
};

static uint64_t alloc_on(struct object_rig *r, struct object_cache *c, unsigned cpu, gfp_t gfp,
			 unsigned nid)
{
	enum alloc_failure why;
	return r->oa->ops->alloc(r->oa, &r->m.env[cpu], c, 8, gfp, nid, &why);
}

static void nodes(void **state)
{
	const struct op_params machine = {
		.spans = two_nodes, .spans_count = 2, .cpus_count = 2, .cpu_nid = {0, 1}};
	struct object_rig r;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &machine, NULL);
	struct object_cache *c = rig_sized(&r, "n", 4096, 0);
	uint64_t a = alloc_on(&r, c, 0, GFP_KERNEL, 0), b = alloc_on(&r, c, 0, GFP_KERNEL, 1);
	assert_true(a >> PAGE_SHIFT < 64);
	assert_true(b >> PAGE_SHIFT >= 64);
	assert_slabs(&r, c, "c0:1 n:1"); /* the wrong node's slab was given up */
	/* For the own node any slab will do that the CPU has. */
	assert_true(alloc_on(&r, c, 0, GFP_KERNEL, 0) >> PAGE_SHIFT >= 64);
	/* Unless the node is insisted on. */
	assert_true(alloc_on(&r, c, 0, GFP_KERNEL | __GFP_THISNODE, 0) >> PAGE_SHIFT < 64);
	assert_slabs(&r, c, "c0:2 n:2");

	/*
	 * All of node 0, then of node 1. The 6 free objects on node 1's list are left alone: there
	 * are no more than min_partial slabs.
	 */
	uint64_t last = 0;
	for (unsigned i = 0; i < 128 - 4 - 6; i++) {
		last = alloc_on(&r, c, 0, GFP_KERNEL, 0);
		assert_true(last != OBJECT_NONE);
		rig_check(&r);
	}
	assert_true(last >> PAGE_SHIFT >= 64);
	assert_true(alloc_on(&r, c, 0, GFP_KERNEL, 0) == OBJECT_NONE);
	for (unsigned i = 0; i < 6; i++)
		assert_true(alloc_on(&r, c, 1, GFP_KERNEL, 1) != OBJECT_NONE);
	rig_free(&r, c, 1, b);
	assert_true(alloc_on(&r, c, 1, GFP_KERNEL | __GFP_THISNODE, 0) == OBJECT_NONE);
	rig_check(&r);
	rig_free(&r, c, 1, a);
	assert_int_equal(alloc_on(&r, c, 1, GFP_KERNEL | __GFP_THISNODE, 0), a);
	assert_int_equal(rig_stats(&r, c).live_count, 127);
	rig_release(&r);
}

static void clearing_and_sleeping(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "z", 200, 0);
	uint8_t zeroes[200] = {0};
	uint64_t a = rig_alloc(&r, c, 0);
	memset(object_bytes(r.oa, a), 0xee, 200);
	rig_free(&r, c, 0, a);
	r.gfp = GFP_KERNEL | __GFP_ZERO;
	assert_int_equal(rig_alloc(&r, c, 0), a);
	assert_memory_equal(object_bytes(r.oa, a), zeroes, 200);
	r.m.env[0].context = CONTEXT_SOFTIRQ;
	r.gfp = GFP_ATOMIC;
	rig_alloc(&r, c, 0);
	assert_int_equal(r.m.env[0].sleep_violations_count, 0);
	r.gfp = GFP_KERNEL;
	rig_alloc(&r, c, 0);
	assert_int_equal(r.m.env[0].sleep_violations_count, 1);
	rig_release(&r);
}

/* --- order and links -------------------------------------------------------------------------- */

/* The order in which a new slab hands out its objects. */
static void order_of_slab(struct object_rig *r, struct object_cache *c, unsigned *order,
			  unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		order[i] = (unsigned)(rig_alloc(r, c, 0) % BASE / 64);
}

/* One shuffled order for each cache; each slab starts somewhere in it and goes round. */
static void shuffled_lists(void **state)
{
	struct object_allocator_params p;
	unsigned first[64] = {0}, other[64], starts = 0;
	object_params_init(&p);
	p.freelist_random = true;
	for (unsigned seed = 1; seed <= 2; seed++) {
		struct object_rig r;
		p.seed = seed;
		start(&r, &p);
		struct object_cache *c = rig_sized(&r, "shuffled", 64, 0);
		unsigned before = first[0];
		order_of_slab(&r, c, first, 64);
		assert_true(seed == 1 || before != first[0]);
		bool ascending = true;
		uint64_t seen = 0;
		for (unsigned i = 0; i < 64; i++) {
			seen |= UINT64_C(1) << first[i];
			ascending = ascending && (i == 0 || first[i] == (first[i - 1] + 1) % 64);
		}
		assert_true(seen == UINT64_MAX);
		assert_false(ascending);
		for (unsigned slab = 0; slab < 10; slab++) {
			order_of_slab(&r, c, other, 64);
			unsigned at = 0;
			while (first[at] != other[0])
				at++;
			for (unsigned i = 0; i < 64; i++)
				assert_int_equal(other[i], first[(at + i) % 64]);
			starts += at != 0;
		}
		rig_check(&r);
		rig_release(&r);
	}
	assert_true(starts > 15);
}

/* The address of the next free object is in RAM, in the middle of a free one, or hidden. */
static void links_in_ram(void **state)
{
	for (unsigned hardened = 0; hardened < 2; hardened++) {
		struct object_allocator_params p;
		struct object_rig r;
		uint64_t link;
		object_params_init(&p);
		p.freelist_hardened = hardened;
		start(&r, &p);
		struct object_cache *c = rig_sized(&r, "l", 64, 0);
		uint64_t a = rig_alloc(&r, c, 0), b = rig_alloc(&r, c, 0);
		rig_free(&r, c, 0, b);
		rig_free(&r, c, 0, a);
		memcpy(&link, object_bytes(r.oa, a) + 32, sizeof(link));
		assert_int_equal(link == b, !hardened);
		assert_int_equal(rig_alloc(&r, c, 0), a);
		assert_int_equal(rig_alloc(&r, c, 0), b);
		rig_release(&r);
	}
}

/* --- recorded states -------------------------------------------------------------------------- */

static void recorded_slabs(void **state)
{
	static const struct op_params used = {
		.zone_pages = 8192, .all_used = true, .cpus_count = 2};
	static const uint64_t none[1] = {0}, all[1] = {UINT64_MAX}, two[1] = {0x21};
	struct object_rig r;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &used, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-64", 64, CACHE_KMALLOC);
	const struct object_allocator_ops *ops = r.oa->ops;
	ops->add_slab(r.oa, c, 100, two, SLAB_CPU_CURRENT, 0);
	ops->add_slab(r.oa, c, 101, two, SLAB_CPU_CURRENT, 0); /* taken: in stock */
	for (pfn_t pfn = 102; pfn < 106; pfn++)
		ops->add_slab(r.oa, c, pfn, two, SLAB_CPU_PARTIAL, 0); /* room for three more */
	ops->add_slab(r.oa, c, 106, all, SLAB_NODE_PARTIAL, -1);
	ops->add_slab(r.oa, c, 107, none, SLAB_UNLISTED, -1);
	assert_slabs(&r, c, "c0:62 p0:62,62,62,62 n:62,0 -:64");
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.live_count, 6 * 62 + 64);
	assert_int_equal(s.active_count, 8 * 64 - 66);
	assert_int_equal(s.slabs_new_count, 0);
	assert_int_equal(rig_alloc(&r, c, 0), 100 * BASE);
	assert_int_equal(rig_alloc(&r, c, 0), 100 * BASE + 5 * 64);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_int_equal(rig_alloc(&r, c, 0), 101 * BASE);
	/* An object from before the start is freed, the last ones of a slab give its page back. */
	rig_free(&r, c, 1, 107 * BASE + 64);
	assert_slabs(&r, c, "c0:63 p0:62,62,62 p1:63 n:62,0 -:64");
	ops->shrink(r.oa, &r.m.env[0], c);
	assert_slabs(&r, c, "n:63,63,62,62,62,62 -:64");
	assert_int_equal(rig_free_pages(&r), 1);
	rig_release(&r);
}

/* A full recorded slab costs no RAM of the host. */
static void full_slabs_touch_no_ram(void **state)
{
	static const struct op_params used = {.zone_pages = 8192, .all_used = true};
	uint64_t none[8] = {0};
	struct object_rig r;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &used, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-8", 8, CACHE_KMALLOC);
	memset(r.m.pm.ram + 200 * BASE, 0x5c, PAGE_BYTES);
	r.oa->ops->add_slab(r.oa, c, 200, none, SLAB_UNLISTED, -1);
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		assert_int_equal(r.m.pm.ram[200 * BASE + i], 0x5c);
	rig_free(&r, c, 0, 200 * BASE + 8);
	assert_slabs(&r, c, "p0:511");
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_pages),
		cmocka_unit_test(zones_of_pages),
		cmocka_unit_test(how_pages_are_asked_for),
		cmocka_unit_test(fallback_and_failure),
		cmocka_unit_test(nodes),
		cmocka_unit_test(clearing_and_sleeping),
		cmocka_unit_test(shuffled_lists),
		cmocka_unit_test(links_in_ram),
		cmocka_unit_test(recorded_slabs),
		cmocka_unit_test(full_slabs_touch_no_ram),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
