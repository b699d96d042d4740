/*
 * Tests of nodes in the object allocators: an object lies on the node that was asked for, a freed
 * one goes back to its own node, and a node without free objects turns to the nearest other.
 *
 * Four nodes of 512 pages each in a ring, a CPU on each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"

#define NODE_PAGES 512
#define SIZE       1024 /* bytes of an object */

static const struct zone_span spans[] = {
	{ZONE_NORMAL, 0, 0, 512, 512},
	{ZONE_NORMAL, 1, 512, 1024, 512},
	{ZONE_NORMAL, 2, 1024, 1536, 512},
	{ZONE_NORMAL, 3, 1536, 2048, 512},
};
static const uint64_t ring[16] = {
	10, 16, 22, 16, //
	16, 10, 16, 22, //
	22, 16, 10, 16, //
	16, 22, 16, 10, //
};
static const struct op_params machine = {
	.spans = spans,
	.spans_count = 4,
	.max_order = 9,
	.cpus_count = 4,
	.cpu_nid = {0, 1, 2, 3},
	.distances = ring,
	.distances_nodes = 4,
};

static struct object_cache *start(struct object_rig *r, const char *allocator, unsigned ratio)
{
	struct object_allocator_params p;
	object_params_init(&p);
	p.remote_node_defrag_ratio = ratio;
	p.min_partial_slabs = 0; /* of slub: another node's every partial slab may be taken */
	p.cpu_partial_objects = strcmp(allocator, "slub") == 0 ? 0 : SLAB_AUTO;
	p.max_order = 0;
	rig_init(r, allocator, &machine, &p);
	return rig_sized(r, "things", SIZE, 0);
}

static uint64_t alloc(struct object_rig *r, struct object_cache *c, unsigned cpu, unsigned nid,
		      gfp_t gfp)
{
	enum alloc_failure why;
	return r->oa->ops->alloc(r->oa, &r->m.env[cpu], c, SIZE, gfp, nid, &why);
}

static unsigned node_of(uint64_t paddr)
{
	return (unsigned)(paddr >> PAGE_SHIFT) / NODE_PAGES;
}

/* All pages of these nodes are in use. */
static void fill(struct object_rig *r, const char *nodes)
{
	const struct page_allocator *pa = r->m.pa;
	enum alloc_failure why;
	for (; *nodes; nodes++) {
		while (pa->ops->alloc_pages(r->m.pa, &r->m.env[0], 0, GFP_KERNEL | __GFP_THISNODE,
					    (unsigned)(*nodes - '0'), &why) != PFN_NONE)
			;
	}
}

static void an_object_lies_on_the_node_asked_for(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_rig r;
		struct object_cache *c = start(&r, (*ops)->name, 100);
		uint64_t held[64];
		for (unsigned i = 0; i < 64; i++) {
			held[i] = alloc(&r, c, i % 3, i % 4, GFP_KERNEL | __GFP_THISNODE);
			assert_int_equal(node_of(held[i]), i % 4);
		}
		rig_check(&r);
		for (unsigned i = 0; i < 64; i++)
			rig_free(&r, c, 3, held[i]);
		rig_check(&r);
		/* What others freed is not handed to a CPU that asks for its own node. */
		assert_int_equal(node_of(alloc(&r, c, 3, 3, GFP_KERNEL | __GFP_THISNODE)), 3);
		rig_release(&r);
	}
}

static void this_node_or_none(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_rig r;
		struct object_cache *c = start(&r, (*ops)->name, 100);
		fill(&r, "2");
		uint64_t got = alloc(&r, c, 2, 2, GFP_KERNEL | __GFP_THISNODE | __GFP_NOWARN);
		assert_true(got == OBJECT_NONE);
		got = alloc(&r, c, 2, 2, GFP_KERNEL);
		assert_int_equal(node_of(got), 3); /* as near as 1, with a higher number */
		rig_check(&r);
		rig_release(&r);
	}
}

/* Without __GFP_THISNODE too, as long as the node has memory; the CPU's own has partial slabs. */
static void a_named_node_goes_before_partial_slabs(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_rig r;
		struct object_cache *c = start(&r, (*ops)->name, 100);
		for (unsigned i = 0; i < 9; i++)
			alloc(&r, c, 0, 0, GFP_KERNEL);
		for (unsigned i = 0; i < 9; i++)
			assert_int_equal(node_of(alloc(&r, c, 0, 2, GFP_KERNEL)), 2);
		rig_check(&r);
		rig_release(&r);
	}
}

/* Objects freed by other nodes' CPUs fill their own node's slabs, which then go back. */
static void remote_frees_go_home(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_rig r;
		struct object_cache *c = start(&r, (*ops)->name, 100);
		uint64_t held[400];
		for (unsigned i = 0; i < 400; i++)
			held[i] = alloc(&r, c, 0, 0, GFP_KERNEL | __GFP_THISNODE);
		uint64_t others = r.m.pm.zones[1].free_pages;
		for (unsigned i = 0; i < 400; i++)
			rig_free(&r, c, 1 + i % 3, held[i]);
		rig_check(&r);
		/* CPU 1 allocates on its own node, not what it has just freed. */
		assert_int_equal(node_of(alloc(&r, c, 1, 1, GFP_KERNEL | __GFP_THISNODE)), 1);
		assert_true(r.m.pm.zones[1].free_pages < others);
		r.oa->ops->shrink ? r.oa->ops->shrink(r.oa, &r.m.env[0], c) : (void)0;
		assert_true(r.m.pm.zones[0].free_pages >= 510);
		rig_check(&r);
		rig_release(&r);
	}
}

/* Leave one object on each slab of @count on node @nid. */
static void leave_partial_slabs(struct object_rig *r, struct object_cache *c, unsigned nid,
				unsigned count)
{
	uint64_t held[4 * 64];
	for (unsigned i = 0; i < 4 * count; i++)
		held[i] = alloc(r, c, nid, nid, GFP_KERNEL | __GFP_THISNODE);
	for (unsigned i = 0; i < 4 * count; i++) {
		if (i % 4)
			rig_free(r, c, nid, held[i]);
	}
}

/* SLUB: a full node uses the partial slabs of the nearest other, before its free pages. */
static void slub_takes_partial_slabs_of_the_nearest(void **state)
{
	struct object_rig r;
	struct object_cache *c = start(&r, "slub", 100);
	for (unsigned nid = 1; nid < 4; nid++)
		leave_partial_slabs(&r, c, nid, 5);
	/* CPU 0 (list 0132): 1 first, whose current slab is its CPU's, then 3, then 2. */
	char order[128] = "";
	unsigned last = 9, used = 0;
	for (unsigned i = 0; i < 40; i++) {
		unsigned nid = node_of(alloc(&r, c, 0, 0, GFP_KERNEL));
		if (nid != last)
			order[used++] = (char)('0' + nid);
		last = nid;
	}
	assert_true(strncmp(order, "13", 2) == 0 || strncmp(order, "1013", 4) == 0);
	rig_check(&r);
	rig_release(&r);
}

/* How many of 200 searches of another node's list CPU 0 makes. */
static unsigned searches(unsigned ratio, bool debug)
{
	struct object_rig r;
	struct object_cache *c = start(&r, "slub", ratio);
	unsigned found = 0;
	if (debug)
		c = rig_sized(&r, "poisoned", SIZE, CACHE_POISON);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t a = alloc(&r, c, 1, 1, GFP_KERNEL | __GFP_THISNODE);
		uint64_t b = alloc(&r, c, 1, 1, GFP_KERNEL | __GFP_THISNODE);
		r.oa->ops->shrink(r.oa, &r.m.env[1],
				  c); /* its current slab is on its node's list */
		uint64_t got = alloc(&r, c, 0, 0, GFP_KERNEL);
		found += node_of(got) == 1;
		rig_free(&r, c, 0, got);
		rig_free(&r, c, 1, a);
		rig_free(&r, c, 1, b);
		r.oa->ops->shrink(r.oa, &r.m.env[0], c);
	}
	rig_check(&r);
	rig_release(&r);
	return found;
}

/* remote_node_defrag_ratio: 0 never, 100 in all but 23 of 1024 cases, 50 in 501 of them. */
static void slub_looks_elsewhere_as_often_as_told(void **state)
{
	for (int debug = 0; debug < 2; debug++) {
		assert_int_equal(searches(0, debug), 0); /* off */
		assert_in_range(searches(100, debug), 188, 199);
		assert_in_range(searches(50, debug), 75, 121);
	}
}

/* SLAB: without memory on its own node, the nearest node's slabs, then their pages. */
static void slab_falls_back_by_distance(void **state)
{
	struct object_rig r;
	struct object_cache *c = start(&r, "slab", 100);
	for (unsigned nid = 1; nid < 4; nid++) {
		uint64_t one = alloc(&r, c, nid, nid, GFP_KERNEL);
		rig_free(&r, c, (nid + 1) % 4, one); /* to its slab, and not to an array */
	}
	fill(&r, "0123");
	static const unsigned expected[] = {1, 3, 2};
	unsigned seen[4] = {0}, used = 0;
	for (uint64_t got; (got = alloc(&r, c, 0, 0, GFP_KERNEL | __GFP_NOWARN)) != OBJECT_NONE;) {
		if (!seen[node_of(got)]++)
			assert_int_equal(node_of(got), expected[used++]);
	}
	assert_int_equal(used, 3);
	rig_check(&r);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_lies_on_the_node_asked_for),
		cmocka_unit_test(this_node_or_none),
		cmocka_unit_test(a_named_node_goes_before_partial_slabs),
		cmocka_unit_test(remote_frees_go_home),
		cmocka_unit_test(slub_takes_partial_slabs_of_the_nearest),
		cmocka_unit_test(slub_looks_elsewhere_as_often_as_told),
		cmocka_unit_test(slab_falls_back_by_distance),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
