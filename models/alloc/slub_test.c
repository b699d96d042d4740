/*
 * Tests of slub's paths (slub.c, slub_slab.c, slub_cache.c): which slab an object comes from and
 * goes to, worked out by hand from the rules, and what the caches count.
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

/* Fill @slabs slabs on one CPU; their objects in order. */
static uint64_t *fill(struct object_rig *r, struct object_cache *c, unsigned cpu, unsigned slabs)
{
	unsigned count = slabs * rig_stats(r, c).objects_per_slab;
	uint64_t *objects = malloc(count * sizeof(*objects));
	for (unsigned i = 0; i < count; i++)
		objects[i] = rig_alloc(r, c, cpu);
	return objects;
}

/* A new slab hands out ascending addresses; the last one freed comes first. */
static void order_of_objects(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "o", 64, 0);
	uint64_t a = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	assert_int_equal(a % BASE, 0);
	uint64_t b = rig_alloc(&r, c, 0), d = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_int_equal(b, a + 64);
	assert_int_equal(d, a + 128);
	rig_free(&r, c, 0, a);
	rig_free(&r, c, 0, d);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_slabs(&r, c, "c0:1");
	assert_int_equal(rig_alloc(&r, c, 0), d);
	assert_int_equal(rig_alloc(&r, c, 0), a);
	assert_int_equal(rig_alloc(&r, c, 0), a + 192);
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.allocs_count, 6);
	assert_int_equal(s.fast_allocs_count, 5);
	assert_int_equal(s.fast_frees_count, 2);
	assert_int_equal(s.live_count, 4);
	assert_int_equal(s.slabs_new_count, 1);
	rig_release(&r);
}

/* kmalloc-192: the 21st object fills a slab of one page, the 22nd makes another. */
static void slab_gets_full(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-192", 192, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 1);
	assert_slabs(&r, c, "c0:21");
	rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	assert_slabs(&r, c, "c0:1 -:21");
	assert_int_equal(rig_stats(&r, c).pages_count, 2);
	free(objects);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_objects),
		cmocka_unit_test(slab_gets_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
