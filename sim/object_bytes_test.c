/*
 * object_bytes_test.c - what objects hold: exact sums for every allocator, and the series of them.
 *
 * Objects come and go through kmalloc and a cache of every allocator; what was asked for is counted
 * beside them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "kern/rng.h"
#include "sim/machine.h"
#include "sim/object_bytes.h"
#include "sim/sampler.h"

#define OBJECTS 400

static const uint32_t no_costs[COST_KINDS];

struct bench {
	struct config config;
	struct machine m;
	struct env env;
	struct {
		uint64_t paddr, bytes;
		unsigned slot;
	} objects[OBJECTS];
	uint64_t asked_bytes, live_count;
};

static struct bench b;

static void open_bench(const char *allocator)
{
	struct err err = {0};
	memset(&b, 0, sizeof(b));
	config_init(&b.config);
	b.config.machine.cpus = 1;
	b.config.machine.memory_bytes = UINT64_C(64) << 20;
	b.config.machine.layout = LAYOUT_FLAT;
	snprintf(b.config.slab.allocator, sizeof(b.config.slab.allocator), "%s", allocator);
	b.config.slab.caches = calloc(1, sizeof(*b.config.slab.caches));
	assert_non_null(b.config.slab.caches);
	b.config.slab.caches_count = 1;
	snprintf(b.config.slab.caches[0].name, sizeof(b.config.slab.caches[0].name), "session");
	b.config.slab.caches[0].object_size_bytes = 200;
	b.config.slab.caches[0].align_bytes = 64;
	b.config.slab.caches[0].no_merge = true;
	assert_int_equal(machine_init(&b.m, &b.config, NULL, &err), 0);
	struct zone *z = &b.m.pm.zones[0];
	b.m.pa->ops->add_range(b.m.pa, z->start_pfn, z->end_pfn);
	assert_int_equal(object_stack_init(&b.m.objects, &b.config, b.m.pa, 1, b.m.cpu_nid, NULL,
					   NULL, &err),
			 0);
	b.env.cost_cycles = no_costs;
}

static void close_bench(void)
{
	machine_release(&b.m);
	config_release(&b.config);
}

static uint64_t rounding(unsigned slot, uint64_t bytes)
{
	struct object_stack *s = &b.m.objects;
	if (!s->oa->ops->given_bytes || slot == SLOT_LARGE)
		return 0;
	return s->oa->ops->given_bytes(s->oa, s->slots[slot].cache, bytes) - bytes;
}

/* As the replay does it. */
static void allocate(unsigned i, uint64_t bytes, bool session)
{
	struct object_stack *s = &b.m.objects;
	enum alloc_failure why;
	struct object_cache *cache = session ? s->caches[0] : kmalloc_cache(&s->km, bytes, 0);
	uint64_t paddr = session ? s->oa->ops->alloc(s->oa, &b.env, cache, bytes, GFP_KERNEL, 0,
						     &why)
				 : kmalloc_alloc(&s->km, &b.env, bytes, GFP_KERNEL, 0, &why);
	assert_true(paddr != OBJECT_NONE);
	unsigned slot = object_stack_slot(s, cache);
	b.objects[i].paddr = paddr;
	b.objects[i].bytes = bytes;
	b.objects[i].slot = slot;
	s->slots[slot].live_requested_bytes += bytes;
	s->slots[slot].live_rounding_bytes += rounding(slot, bytes);
	b.asked_bytes += bytes;
	b.live_count++;
}

static void release(unsigned i)
{
	struct object_stack *s = &b.m.objects;
	unsigned slot = b.objects[i].slot;
	kmalloc_free(&s->km, &b.env, b.objects[i].paddr);
	s->slots[slot].live_requested_bytes -= b.objects[i].bytes;
	s->slots[slot].live_rounding_bytes -= rounding(slot, b.objects[i].bytes);
	b.asked_bytes -= b.objects[i].bytes;
	b.live_count--;
	b.objects[i].bytes = 0;
}

/* held = requested + the wastes, for each cache and in sum; every page once. */
static void assert_exact(void)
{
	const struct object_stack *s = &b.m.objects;
	struct object_bytes sum, check = {0};
	uint64_t pages = s->km.large_live_pages;
	object_bytes_sum(s, &sum);
	for (unsigned slot = 0; slot < s->slots_count; slot++) {
		struct object_bytes o;
		struct object_cache_stats stats;
		object_bytes_of_slot(s, slot, &o);
		uint64_t parts = o.requested_bytes;
		for (unsigned i = 0; i < OBJECT_WASTES; i++) {
			assert_in_range(o.waste_bytes[i], 0, o.held_bytes);
			parts += o.waste_bytes[i];
		}
		assert_int_equal(parts, o.held_bytes);
		assert_int_equal(object_bytes_waste(&o), o.held_bytes - o.requested_bytes);
		object_bytes_add(&check, &o);
		if (slot == SLOT_LARGE)
			continue;
		s->oa->ops->cache_stats(s->oa, s->slots[slot].cache, &stats);
		pages += stats.pages_count;
	}
	assert_memory_equal(&sum, &check, sizeof(sum));
	assert_int_equal(sum.held_bytes, pages * PAGE_BYTES);
	assert_int_equal(sum.requested_bytes, b.asked_bytes);
	assert_int_equal(sum.live_count, b.live_count);
	/* What is not free has been taken for objects. */
	assert_true(sum.held_bytes <= (b.m.pm.zones[0].managed_pages - b.m.pm.zones[0].free_pages) *
					      PAGE_BYTES);
}

static void test_identity(void **state)
{
	for (unsigned a = 0; object_allocators[a]; a++) {
		struct rng rng;
		rng_init(&rng, 42, a);
		open_bench(object_allocators[a]->name);
		assert_exact();
		for (unsigned step = 0; step < 4000; step++) {
			unsigned i = (unsigned)rng_below(&rng, OBJECTS);
			bool session = rng_below(&rng, 4) == 0;
			uint64_t bytes = 1 + rng_below(&rng, rng_below(&rng, 20) ? 700 : 40000);
			if (b.objects[i].bytes)
				release(i);
			else
				allocate(i, session ? 200 : bytes, session);
			if (step % 40 == 0)
				assert_exact();
		}
		for (unsigned i = 0; i < OBJECTS; i++) {
			if (b.objects[i].bytes)
				release(i);
		}
		assert_exact();
		close_bench();
	}
}

/* By hand: three objects of slub. */
static void test_causes(void **state)
{
	struct object_bytes o, large;
	struct object_cache_stats stats;
	open_bench("slub");
	struct object_stack *s = &b.m.objects;
	allocate(0, 200, true);
	allocate(1, 100, false);
	allocate(2, 20000, false);
	object_bytes_of_slot(s, b.objects[0].slot, &o);
	s->oa->ops->cache_stats(s->oa, s->caches[0], &stats);
	assert_int_equal(o.requested_bytes, 200);
	assert_int_equal(o.waste_bytes[WASTE_CLASS_ROUNDING], 0);
	assert_int_equal(o.waste_bytes[WASTE_OBJECT_OVERHEAD], 56);
	assert_int_equal(o.waste_bytes[WASTE_FREE_OBJECTS], (stats.objects_per_slab - 1) * 256);
	object_bytes_of_slot(s, b.objects[1].slot, &o);
	assert_int_equal(o.waste_bytes[WASTE_CLASS_ROUNDING], 28);
	assert_int_equal(object_bytes_largest(&o), WASTE_FREE_OBJECTS);
	object_bytes_of_slot(s, SLOT_LARGE, &large);
	assert_int_equal(large.held_bytes, 8 * PAGE_BYTES);
	assert_int_equal(large.waste_bytes[WASTE_CLASS_ROUNDING], 8 * PAGE_BYTES - 20000);
	close_bench();
}

static uint64_t cell(const char *header, const char *row, const char *column)
{
	char *names = strndup(header, strcspn(header, "\n"));
	char *cells = strndup(row, strcspn(row, "\n")), *n = names, *c = cells, *name;
	uint64_t value = UINT64_MAX;
	assert_non_null(names);
	assert_non_null(cells);
	while ((name = strsep(&n, ",")) != NULL) {
		const char *text = strsep(&c, ",");
		assert_non_null(text);
		if (strcmp(name, column) == 0)
			value = strtoull(text, NULL, 10);
	}
	free(names);
	free(cells);
	return value;
}

static void test_series(void **state)
{
	struct metrics metrics;
	struct sampler sampler;
	struct object_bytes sum, session;
	char *series = NULL, *caches = NULL;
	size_t series_size, caches_size;
	open_bench("slub");
	metrics_init(&metrics);
	metrics.object_allocs_count = 7;
	metrics.held_pages = 11;
	struct replay replay = {.pa = b.m.pa, .metrics = &metrics, .stack = &b.m.objects};
	for (unsigned i = 0; i < 30; i++)
		allocate(i, i % 3 ? 30 * i : 200, i % 3 == 0);
	allocate(30, 20000, false);
	FILE *out = open_memstream(&series, &series_size);
	FILE *by_cache = open_memstream(&caches, &caches_size);
	assert_int_equal(sampler_init(&sampler, &replay, 1, 1000, out, by_cache), 0);
	sampler_sample(&sampler, 5000 * PS_PER_NS);
	object_bytes_sum(&b.m.objects, &sum);
	assert_memory_equal(&sampler.objects_peak, &sum, sizeof(sum));
	assert_int_equal(sampler.objects_peak_ps, 5000 * PS_PER_NS);
	sampler_release(&sampler);
	fclose(out);
	fclose(by_cache);
	const char *row = strchr(series, '\n') + 1, *cache_row = strchr(caches, '\n') + 1;
	assert_int_equal(cell(series, row, "objects_live_count"), 31);
	assert_int_equal(cell(series, row, "objects_held_bytes"), sum.held_bytes);
	assert_int_equal(cell(series, row, "objects_requested_bytes"), b.asked_bytes);
	assert_int_equal(cell(series, row, "objects_free_objects_bytes"),
			 sum.waste_bytes[WASTE_FREE_OBJECTS]);
	assert_int_equal(cell(series, row, "objects_large_bytes"), 8 * PAGE_BYTES);
	assert_int_equal(cell(series, row, "objects_large_requested_bytes"), 20000);
	assert_int_equal(cell(series, row, "objects_allocs_count"), 7);
	assert_int_equal(cell(series, row, "workload_pages"), 11);
	object_bytes_of_slot(&b.m.objects, b.objects[0].slot, &session);
	assert_int_equal(cell(caches, cache_row, "time_ns"), 5000);
	assert_int_equal(cell(caches, cache_row, "session_held_bytes"), session.held_bytes);
	assert_int_equal(cell(caches, cache_row, "kmalloc-large_held_bytes"), 8 * PAGE_BYTES);
	free(series);
	free(caches);
	close_bench();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_series),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
