/*
 * slab_size_oracle_test.c - what large slabs cost and gain: closed forms, reproduced by SLUB.
 *
 * Objects of s bytes in slabs of S bytes: n = S / s objects, S mod s bytes of tail; N objects hold
 * ceil(N / n) slabs. When of full slabs each object survives with probability u, a slab survives
 * with 1 - (1 - u)^n, so (1 - (1 - u)^n) / u times the live objects' slots stay held: small slabs
 * give memory back, large ones keep nearly all of it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "alloc/object_rig.h"
#include "kern/rng.h"

#define ORDER_4K  0
#define ORDER_32K 3
#define ORDER_2M  9

static void rig_start(struct object_rig *r, uint64_t zone_pages)
{
	const struct op_params machine = {.zone_pages = zone_pages, .unchecked = true};
	struct object_allocator_params params;
	object_params_init(&params);
	params.cpu_partial_objects = 0;
	params.min_partial_slabs = 0;
	rig_init(r, "slub", &machine, &params);
}

/* A cache of this stride and order, as many objects to a slab as fit. */
static struct object_cache *make_cache(struct object_rig *r, uint64_t bytes, unsigned order)
{
	char name[CACHE_NAME_SIZE];
	snprintf(name, sizeof(name), "c%llu-%u", (unsigned long long)bytes, order);
	return rig_cache(r, &(struct object_cache_params){
		.name = name,
		.object_size_bytes = bytes,
		.flags = CACHE_NO_MERGE,
		.size_bytes = bytes,
		.slab_order = order,
		.objects_per_slab = (unsigned)(((uint64_t)PAGE_BYTES << order) / bytes),
	});
}

/* O13.rounding_waste_frac, where the size is a multiple of a word, as SLUB's are. */
static void rounding(void **state)
{
	static const struct {
		uint64_t bytes;
		unsigned order;
		double waste;
	} rows[] = {
		{256, ORDER_4K, 0},
		{256, ORDER_32K, 0},
		{256, ORDER_2M, 0},
		{9472, ORDER_32K, 0.1328125},
		{9472, ORDER_2M, 0.0018310546875},
		{65536, ORDER_2M, 0},
		{716800, ORDER_2M, 0.31640625},
		{1126400, ORDER_2M, 0.462890625},
		/* 700 and 1500 bytes are 704 and 1504 here. */
		{704, ORDER_4K, 576 / 4096.0},
		{704, ORDER_32K, 384 / 32768.0},
		{1504, ORDER_4K, 1088 / 4096.0},
	};
	struct object_rig r;
	rig_start(&r, 1 << 15);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct object_cache *c = make_cache(&r, rows[i].bytes, rows[i].order);
		struct object_cache_usage usage;
		rig_alloc(&r, c, 0);
		object_cache_usage(r.oa, c, &usage);
		double slab = (double)((uint64_t)PAGE_BYTES << rows[i].order);
		assert_true((double)usage.tail_bytes / slab == rows[i].waste);
	}
	rig_release(&r);
}

/* O13.slack_N100_700B, of 704: held beyond what 100 objects take. */
static void slack(void **state)
{
	static const struct {
		unsigned order;
		uint64_t slabs;
	} rows[] = {{ORDER_4K, 20}, {ORDER_32K, 3}, {ORDER_2M, 1}};
	struct object_rig r;
	rig_start(&r, 1 << 15);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct object_cache *c = make_cache(&r, 704, rows[i].order);
		for (unsigned k = 0; k < 100; k++)
			rig_alloc(&r, c, 0);
		struct object_cache_stats s = rig_stats(&r, c);
		assert_int_equal(s.slabs_count, rows[i].slabs);
		assert_int_equal(s.pages_count, rows[i].slabs << rows[i].order);
	}
	rig_release(&r);
}

/* O13.retention_after_random_free, u = 0.1. */
static void retention(void **state)
{
	static const struct {
		unsigned order, slabs;
		double expected;
	} rows[] = {{ORDER_4K, 8000, 4.0951}, {ORDER_32K, 1500, 9.9214}, {ORDER_2M, 40, 10.0}};
	struct rng rng;
	rng_init(&rng, 13, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct object_rig r;
		rig_start(&r, (uint64_t)rows[i].slabs * 2 << rows[i].order);
		struct object_cache *c = make_cache(&r, 704, rows[i].order);
		unsigned n = rig_stats(&r, c).objects_per_slab, count = n * rows[i].slabs;
		uint64_t *objects = malloc(count * sizeof(*objects)), live = 0;
		assert_non_null(objects);
		for (unsigned k = 0; k < count; k++)
			objects[k] = rig_alloc(&r, c, 0);
		for (unsigned k = 0; k < count; k++) {
			if (rng_below(&rng, 10) == 0)
				live++;
			else
				rig_free(&r, c, 0, objects[k]);
		}
		free(objects);
		r.oa->ops->shrink(r.oa, &r.m.env[0], c);
		double held = (double)(rig_stats(&r, c).slabs_count * n);
		assert_true(fabs(held / (double)live / rows[i].expected - 1) < 0.02);
		rig_check(&r);
		rig_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounding),
		cmocka_unit_test(slack),
		cmocka_unit_test(retention),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
