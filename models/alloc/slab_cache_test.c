/*
 * Tests of slab_cache.c: caches made, merged and dropped, whose an object is, recorded slabs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"

static void empty_ctor(void *object, uint64_t object_size_bytes)
{
}

static void merging(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 1);
	const struct object_cache_params base = {.name = "base", .object_size_bytes = 200};
	const struct object_cache_params same = {.name = "same", .object_size_bytes = 196};
	struct slab_cache *c = slab_machine_cache(&s, &base);
	assert_ptr_equal(slab_machine_cache(&s, &same), c);
	assert_int_equal(slab_machine_stats(&s, c).aliases_count, 1);
	assert_string_equal(slab_machine_stats(&s, c).name, "base");
	const struct object_cache_params others[] = {
		{.name = "smaller", .object_size_bytes = 192},
		{.name = "ctor", .object_size_bytes = 200, .ctor = empty_ctor},
		{.name = "aligned", .object_size_bytes = 200, .align_bytes = 64},
		{.name = "reclaim", .object_size_bytes = 200, .flags = CACHE_RECLAIM_ACCOUNT},
		{.name = "account", .object_size_bytes = 200, .flags = CACHE_ACCOUNT},
		{.name = "own", .object_size_bytes = 200, .flags = CACHE_NO_MERGE},
		{.name = "rcu", .object_size_bytes = 200, .flags = CACHE_TYPESAFE_BY_RCU},
		{.name = "red", .object_size_bytes = 200, .flags = CACHE_RED_ZONE},
		{.name = "class", .object_size_bytes = 200, .flags = CACHE_KMALLOC},
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(slab_machine_stats(&s, slab_machine_cache(&s, &others[i])).index,
				 i + 1);
	}
	/* The newest that suits; larger by less than a word. */
	assert_string_equal(slab_machine_stats(&s, slab_machine_cache(&s, &same)).name, "class");
	slab_machine_release(&s);
}

static void end_of_a_cache(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 2);
	const struct object_cache_params params = {.name = "ends", .object_size_bytes = 64};
	struct slab_cache *c = slab_machine_cache(&s, &params);
	struct object_cache *cache = (struct object_cache *)c;
	assert_ptr_equal(slab_machine_cache(&s, &params), c);
	uint64_t o[130];
	slab_machine_take(&s, 0, c, o, 130);
	slab_machine_give_all(&s, 1, c, o, 129);
	assert_int_equal(s.oa->ops->cache_free(s.oa, &s.m.env[0], cache), 0);
	assert_ptr_equal(s.oa->ops->cache_at(s.oa, 0), cache); /* the other user's */
	assert_int_equal(s.oa->ops->cache_free(s.oa, &s.m.env[0], cache), 1);
	assert_ptr_equal(s.oa->ops->cache_at(s.oa, 0), cache);
	assert_string_equal(slab_machine_states(&s, c), "0 1 0");
	assert_int_equal(slab_machine_stats(&s, c).live_count, 1);
	slab_machine_give_all(&s, 0, c, o + 129, 1);
	assert_int_equal(s.oa->ops->cache_free(s.oa, &s.m.env[0], cache), 0);
	assert_null(s.oa->ops->cache_at(s.oa, 0));
	assert_int_equal(s.m.pm.zones[0].free_pages, SLAB_TEST_PAGES);
	assert_int_equal(slab_machine_stats(&s, slab_machine_cache(&s, &params)).index, 1);
	slab_machine_release(&s);
}

static void whose_object(void **state)
{
	struct slab_machine s;
	uint64_t start = 0;
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c704", .object_size_bytes = 704});
	uint64_t o[11];
	slab_machine_take(&s, 0, c, o, 11);
	for (unsigned i = 0; i < 11; i++) {
		assert_ptr_equal(s.oa->ops->cache_of(s.oa, o[i] + 703, &start), c);
		assert_int_equal(start, o[i]);
	}
	uint64_t end = (o[0] & ~(uint64_t)8191) + 8191;
	assert_null(s.oa->ops->cache_of(s.oa, end, &start)); /* the rest of the slab */
	assert_null(s.oa->ops->cache_of(s.oa, end + 1, &start));
	assert_null(s.oa->ops->cache_of(s.oa, UINT64_MAX, &start));
	slab_machine_release(&s);
}

static void recorded_slabs(void **state)
{
	struct slab_machine s;
	const struct op_params used = {
		.zone_pages = 64, .all_used = true, .max_order = 4, .pageblock_order = 4};
	static const unsigned cpu_nid[1];
	const uint64_t maps[3][1] = {{0}, {0xff}, {0x81}};
	memset(&s, 0, sizeof(s));
	op_machine_init(&s.m, &used);
	slab_machine_start(&s, slab_machine_params(), 1, cpu_nid);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "recorded", .object_size_bytes = 512});
	for (unsigned i = 0; i < 3; i++)
		s.oa->ops->add_slab(s.oa, (struct object_cache *)c, 10 + i, maps[i],
				    SLAB_CPU_CURRENT, 0);
	assert_string_equal(slab_machine_states(&s, c), "1 1 1");
	assert_int_equal(slab_machine_stats(&s, c).live_count, 14);
	assert_int_equal(slab_machine_alloc(&s, 0, c) >> PAGE_SHIFT, 11);
	/* Both of the partial slab and all of the empty one are in the array. */
	assert_int_equal(c->arrays[0].avail, 9);
	for (unsigned i = 0; i < 8; i++)
		slab_machine_give(&s, 0, c, UINT64_C(10) * PAGE_BYTES + i * UINT64_C(512));
	s.oa->ops->shrink(s.oa, &s.m.env[0], (struct object_cache *)c);
	assert_string_equal(slab_machine_states(&s, c), "0 2 0");
	assert_int_equal(s.m.pm.zones[0].free_pages, 1);
	slab_machine_release(&s);
}

/* Arrays that are too large; more caches than there are numbers for. */
static void refused(void **state)
{
	struct slab_machine s;
	struct err err = {0};
	struct object_allocator_params p = slab_machine_params();
	const struct object_cache_params params = {
		.name = "many", .object_size_bytes = 4096, .flags = CACHE_NO_MERGE};
	p.cpu_partial_objects = SLAB_ARRAY_LIMIT + 1;
	assert_null(slab_object_allocator.new(&p, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	p.cpu_partial_objects = 0;
	slab_machine_init(&s, p, 1);
	for (unsigned i = 0; i < OBJECT_CACHES_LIMIT; i++)
		assert_int_equal(slab_machine_cache(&s, &params)->index, i);
	memset(&err, 0, sizeof(err));
	assert_null(s.oa->ops->cache_new(s.oa, &params, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	slab_machine_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging),      cmocka_unit_test(end_of_a_cache),
		cmocka_unit_test(whose_object), cmocka_unit_test(recorded_slabs),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
