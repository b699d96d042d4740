/*
 * Tests of kmalloc.c: Linux's classes and others, names, kinds, what each size gets, blocks above
 * the classes, frees that can't be, and what an object costs over each allocator (O41).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_oracle.h"
#include "alloc/size_class.h"
#include "kern/child_program.h"

static const struct op_params two_cpus = {.zone_pages = 8192, .unchecked = true, .cpus_count = 2};

static void start_with(struct object_machine *om, const char *allocator, const uint32_t *classes,
		       unsigned classes_count)
{
	struct object_allocator_params p;
	object_params_init(&p);
	object_machine_init(om, &two_cpus, object_allocator_find(allocator), &p, classes,
			    classes_count);
}

static void start(struct object_machine *om, const char *allocator)
{
	start_with(om, allocator, NULL, 0);
}

static uint64_t take(struct object_machine *om, uint64_t bytes, gfp_t gfp)
{
	enum alloc_failure why = ALLOC_FAILURES;
	uint64_t paddr = kmalloc_alloc(&om->km, &om->m.env[0], bytes, gfp, 0, &why);
	assert_int_equal(why, ALLOC_OK);
	return paddr;
}

static struct object_cache_stats stats(struct object_machine *om, struct object_cache *cache)
{
	struct object_cache_stats st;
	om->oa->ops->cache_stats(om->oa, cache, &st);
	return st;
}

/* --- classes ---------------------------------------------------------------------------------- */

static void names_sizes_and_flags(void **state)
{
	static const struct {
		uint64_t bytes;
		gfp_t gfp;
		const char *name;
		uint64_t align_bytes;
		unsigned flags;
	} rows[] = {
		{1, GFP_KERNEL, "kmalloc-8", 8, CACHE_NO_MERGE},
		{96, GFP_KERNEL, "kmalloc-96", 32, CACHE_NO_MERGE},
		{192, GFP_ATOMIC, "kmalloc-192", 64, CACHE_NO_MERGE},
		{512, GFP_ATOMIC, "kmalloc-512", 512, CACHE_NO_MERGE},
		{513, GFP_KERNEL, "kmalloc-1k", 1024, CACHE_NO_MERGE},
		{8192, GFP_KERNEL, "kmalloc-8k", 4096, CACHE_NO_MERGE},
		{96, GFP_KERNEL | __GFP_ACCOUNT, "kmalloc-cg-96", 32, CACHE_ACCOUNT},
		{2000, GFP_KERNEL | __GFP_ACCOUNT, "kmalloc-cg-2k", 2048, CACHE_ACCOUNT},
		{96, GFP_KERNEL | __GFP_RECLAIMABLE, "kmalloc-rcl-96", 32, CACHE_RECLAIM_ACCOUNT},
		{96, GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_ACCOUNT, "kmalloc-rcl-96", 32,
		 CACHE_RECLAIM_ACCOUNT},
		{96, GFP_KERNEL | __GFP_DMA, "dma-kmalloc-96", 32, CACHE_DMA},
		{4096, GFP_KERNEL | __GFP_DMA | __GFP_RECLAIMABLE | __GFP_ACCOUNT, "dma-kmalloc-4k",
		 4096, CACHE_DMA},
	};
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_machine om;
		start(&om, (*ops)->name);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct object_cache_stats st =
				stats(&om, kmalloc_cache(&om.km, rows[i].bytes, rows[i].gfp));
			assert_string_equal(st.name, rows[i].name);
			assert_int_equal(st.align_bytes, rows[i].align_bytes);
			assert_int_equal(st.flags, CACHE_KMALLOC | rows[i].flags);
		}
		object_machine_release(&om);
	}
}

/* Linux's rule: a table with 96 and 192 up to 192, powers of two above. */
static uint64_t linux_class(uint64_t bytes)
{
	uint64_t class = 8;
	if (bytes > 64 && bytes <= 96)
		return 96;
	if (bytes > 128 && bytes <= 192)
		return 192;
	while (class < bytes)
		class *= 2;
	return class;
}

static void class_of_each_size(void **state)
{
	struct object_machine om;
	start(&om, "slub");
	assert_int_equal(om.km.classes_count, 13);
	assert_null(kmalloc_cache(&om.km, 0, GFP_KERNEL));
	assert_int_equal(kmalloc_given_bytes(&om.km, 0), 0);
	for (uint64_t bytes = 1; bytes <= 8192; bytes++) {
		struct object_cache *c = kmalloc_cache(&om.km, bytes, GFP_KERNEL);
		assert_int_equal(stats(&om, c).object_size_bytes, linux_class(bytes));
		assert_int_equal(kmalloc_given_bytes(&om.km, bytes), linux_class(bytes));
	}
	assert_null(kmalloc_cache(&om.km, 8193, GFP_KERNEL));
	object_machine_release(&om);
}

/* O36: the four classes that waste least, and what they waste when kmalloc serves the mix. */
static void classes_of_the_user(void **state)
{
	static const struct size_weight mix[] = {{6, 15},  {8, 15}, {18, 40}, {22, 5},
						 {36, 10}, {40, 5}, {60, 10}};
	static const uint32_t pow2[] = {8, 16, 32, 64};
	uint32_t best[4];
	unsigned count;
	assert_int_equal(size_classes_choose(mix, ARRAY_SIZE(mix), 8, 4, best, &count, NULL), 0);
	const uint32_t *const sets[] = {best, pow2};
	static const uint64_t wasted[] = {360, 1080};
	for (unsigned i = 0; i < 2; i++) {
		struct object_machine om;
		uint64_t sum = 0;
		start_with(&om, "slub", sets[i], 4);
		for (size_t s = 0; s < ARRAY_SIZE(mix); s++)
			sum += mix[s].weight *
			       (kmalloc_given_bytes(&om.km, mix[s].bytes) - mix[s].bytes);
		assert_int_equal(sum, wasted[i]);
		assert_int_equal(om.km.class_bytes_max, 64);
		struct object_cache_stats st = stats(&om, om.km.classes[1].caches[KMALLOC_NORMAL]);
		assert_string_equal(st.name, i ? "kmalloc-16" : "kmalloc-24");
		assert_int_equal(st.align_bytes, i ? 16 : 8);
		take(&om, 65, GFP_KERNEL);
		assert_int_equal(om.km.large_live_pages, 1);
		object_machine_release(&om);
	}
}

static void bad_classes(void **state)
{
	static const struct {
		uint32_t classes[4];
		unsigned count, bad;
		const char *text;
	} rows[] = {
		{{0}, 0, 0, "no size class; 1 to 64 are needed"},
		{{8, 24, 20, 64},
		 4,
		 2,
		 "size class 2 is 20 bytes; multiples of 8 from 8 to 4194304"},
		{{0, 8}, 2, 0, "size class 0 is 0 bytes; multiples of 8 from 8"},
		{{8, 64, 24}, 3, 2, "size class 2 is 24 bytes, less than class 1 of 64 bytes"},
		{{8, 24, 24},
		 3,
		 2,
		 "size class 2 is 24 bytes, the same as class 1 of 24 bytes; "
		 "classes ascend: more than 24, up to 4194304 bytes"},
		{{8, 8u << 20},
		 2,
		 1,
		 "size class 1 is 8388608 bytes; multiples of 8 from 8 to "
		 "4194304 (the largest slab)"},
	};
	static uint32_t many[KMALLOC_CLASSES_LIMIT + 1];
	unsigned bad;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = {0};
		assert_int_equal(
			kmalloc_check_classes(rows[i].classes, rows[i].count, 4u << 20, &bad, &err),
			-1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_int_equal(bad, rows[i].bad);
		if (!strstr(err.text, rows[i].text))
			fail_msg("\"%s\" instead of \"%s\"", err.text, rows[i].text);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = 8 * (i + 1);
	assert_int_equal(kmalloc_check_classes(many, ARRAY_SIZE(many), 4u << 20, &bad, NULL), -1);
	assert_int_equal(bad, KMALLOC_CLASSES_LIMIT);
	assert_int_equal(kmalloc_check_classes(many, ARRAY_SIZE(many) - 1, 4u << 20, &bad, NULL),
			 0);
	assert_int_equal(kmalloc_check_classes(many, 2, 8, &bad, NULL), -1);
	assert_int_equal(bad, 1);
}

/* --- requests --------------------------------------------------------------------------------- */

static void above_the_classes(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_machine om;
		start(&om, (*ops)->name);
		uint64_t pages = object_machine_free_pages(&om);
		uint64_t a = take(&om, 8193, GFP_KERNEL), b = take(&om, 16385, GFP_KERNEL);
		assert_int_equal(a % (4 * PAGE_BYTES), 0);
		assert_int_equal(kmalloc_given_bytes(&om.km, 8193), 4 * PAGE_BYTES);
		assert_int_equal(object_machine_free_pages(&om), pages - 4 - 8);
		assert_int_equal(om.km.large_live_count, 2);
		assert_int_equal(om.km.large_live_pages, 12);
		assert_int_equal(om.m.pm.pages[b >> PAGE_SHIFT].order, 3);
		kmalloc_free(&om.km, &om.m.env[1], a);
		kmalloc_free(&om.km, &om.m.env[1], b);
		assert_int_equal(object_machine_free_pages(&om), pages);
		assert_int_equal(om.km.large_allocs_count, 2);
		assert_int_equal(om.km.large_frees_count, 2);
		assert_int_equal(om.km.large_live_pages, 0);
		object_machine_release(&om);
	}
}

static void sizes_that_no_block_holds(void **state)
{
	static const uint64_t sizes[] = {(4u << 20) + 1, UINT64_C(1) << 32, UINT64_C(1) << 63,
					 UINT64_MAX};
	struct object_machine om;
	start(&om, "slub");
	assert_int_equal(take(&om, 4u << 20, GFP_KERNEL) % (4u << 20), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		enum alloc_failure why = ALLOC_OK;
		assert_int_equal(kmalloc_alloc(&om.km, &om.m.env[0], sizes[i], GFP_KERNEL, 0, &why),
				 OBJECT_NONE);
		assert_int_equal(why, ALLOC_BAD_ORDER);
		assert_int_equal(om.m.env[0].path, PATH_FAILED);
		assert_int_equal(kmalloc_given_bytes(&om.km, sizes[i]), 0);
	}
	assert_int_equal(om.km.too_large_count, ARRAY_SIZE(sizes));
	assert_int_equal(om.km.large_failed_count, 0);
	object_machine_release(&om);
}

static void nothing_at_all(void **state)
{
	struct object_machine om;
	start(&om, "slub");
	uint64_t pages = object_machine_free_pages(&om), cycles = om.m.env[0].cycles;
	const uint32_t *cost = om.m.env[0].cost_cycles;
	assert_true(take(&om, 0, GFP_KERNEL) == KMALLOC_ZERO);
	kmalloc_free(&om.km, &om.m.env[0], KMALLOC_ZERO);
	assert_int_equal(om.km.zero_size_count, 1);
	assert_int_equal(object_machine_free_pages(&om), pages);
	assert_int_equal(om.m.env[0].cycles - cycles, cost[COST_KMALLOC] + cost[COST_KFREE]);
	object_machine_release(&om);
}

/* Blocks that were written before read as zero. */
static void large_zeroed(void **state)
{
	struct object_machine om;
	start(&om, "slub");
	uint64_t at = take(&om, 20000, GFP_KERNEL);
	for (pfn_t p = at >> PAGE_SHIFT; p < (at >> PAGE_SHIFT) + 8; p++)
		memset(physmem_ram(&om.m.pm, p, NULL), 0xaa, PAGE_BYTES);
	kmalloc_free(&om.km, &om.m.env[0], at);
	assert_int_equal(take(&om, 20000, GFP_KERNEL | __GFP_ZERO), at);
	for (uint64_t i = 0; i < 20000; i++)
		assert_int_equal(om.m.pm.ram[at + i], 0);
	object_machine_release(&om);
}

/* --- frees that can't be ---------------------------------------------------------------------- */

static void free_unknown(struct object_machine *om)
{
	kmalloc_free(&om->km, &om->m.env[0], 4000u * PAGE_BYTES);
}

static void free_outside(struct object_machine *om)
{
	kmalloc_free(&om->km, &om->m.env[0], UINT64_C(1) << 50);
}

static void free_inside_block(struct object_machine *om)
{
	kmalloc_free(&om->km, &om->m.env[0], take(om, 10000, GFP_KERNEL) + 64);
}

static void free_inside_object(struct object_machine *om)
{
	kmalloc_free(&om->km, &om->m.env[0], take(om, 100, GFP_KERNEL) + 8);
}

static void free_block_twice(struct object_machine *om)
{
	uint64_t at = take(om, 10000, GFP_KERNEL);
	kmalloc_free(&om->km, &om->m.env[0], at);
	kmalloc_free(&om->km, &om->m.env[0], at);
}

static void free_pages_of_others(struct object_machine *om)
{
	enum alloc_failure why;
	pfn_t pfn = om->m.pa->ops->alloc_pages(om->m.pa, &om->m.env[0], 2, GFP_KERNEL, 0, &why);
	kmalloc_free(&om->km, &om->m.env[0], pfn * PAGE_BYTES);
}

struct run {
	const char *allocator;
	void (*misuse)(struct object_machine *om);
};

static void program(void *arg)
{
	const struct run *run = arg;
	struct object_machine om;
	start(&om, run->allocator);
	run->misuse(&om);
}

static void assert_stops(const char *allocator, void (*misuse)(struct object_machine *),
			 const char *wanted)
{
	struct run run = {allocator, misuse};
	struct child_end end;
	child_run(program, &run, &end);
	if (!child_aborted(&end, wanted))
		fail_msg("%s: status %#x, \"%s\" instead of \"%s\"", allocator,
			 (unsigned)end.status, end.text, wanted);
}

static void frees_that_cannot_be(void **state)
{
	static const struct {
		void (*run)(struct object_machine *om);
		const char *text;
	} rows[] = {
		{free_unknown, "neither an object nor the start of allocated pages"},
		{free_outside, "neither an object nor the start of allocated pages"},
		{free_inside_block, "neither an object nor the start of allocated pages"},
		{free_block_twice, "neither an object nor the start of allocated pages"},
		{free_inside_object, "which is inside the object at"},
		{free_pages_of_others, "kmalloc handed out no such block"},
	};
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			assert_stops((*ops)->name, rows[i].run, rows[i].text);
	}
}

/* --- what an object costs (O41) --------------------------------------------------------------- */

static const uint64_t o41_sizes[] = {8, 24, 32, 64, 100, 128, 192, 256, 700};

static void assert_close(double value, double wanted, double tolerance)
{
	if (value < wanted * (1 - tolerance) || value > wanted * (1 + tolerance))
		fail_msg("%g instead of %g", value, wanted);
}

/* Ten full slabs of each class. */
static void bytes_per_object_slub(void **state)
{
	static const double wanted[] = {8, 32, 32, 64, 128, 128, 195.0476, 256, 1024};
	double held = 0, asked = 0;
	for (size_t i = 0; i < ARRAY_SIZE(o41_sizes); i++) {
		struct object_machine om;
		start(&om, "slub");
		uint64_t pages = object_machine_free_pages(&om);
		struct object_cache *c = kmalloc_cache(&om.km, o41_sizes[i], GFP_KERNEL);
		unsigned count = 10 * stats(&om, c).objects_per_slab;
		for (unsigned n = 0; n < count; n++)
			take(&om, o41_sizes[i], GFP_KERNEL);
		pages -= object_machine_free_pages(&om);
		double each = (double)(pages * PAGE_BYTES) / count;
		assert_close(each, wanted[i], 0.01);
		held += each;
		asked += (double)o41_sizes[i];
		object_machine_release(&om);
	}
	assert_close(held / asked, 1.241388, 0.02);
}

static uint64_t slob_units_in_use(struct object_machine *om)
{
	uint64_t units = 0;
	struct object_cache *c;
	for (unsigned i = 0; (c = om->oa->ops->cache_at(om->oa, i)) != NULL; i++) {
		struct object_cache_stats st = stats(om, c);
		units += st.flags & CACHE_POOL ? st.live_count : 0;
	}
	return units;
}

/*
 * SLOB with a header of 8 bytes and an alignment of 8, as before Linux 5.4: what objects take, with
 * the gaps that alignment leaves between them, when all nine sizes share pages.
 */
static void bytes_per_object_slob(void **state)
{
	static const uint64_t wanted[] = {16, 32, 40, 72, 108, 136, 200, 264, 708};
	struct object_machine om;
	struct object_cache *c;
	double asked = 0;
	uint64_t cut = 0;
	start(&om, "slob");
	const struct object_cache_params p = {
		.name = "size",
		.object_size_bytes = 1024,
		.align_bytes = 8,
		.flags = CACHE_KMALLOC,
	};
	assert_non_null(c = om.oa->ops->cache_new(om.oa, &p, NULL));
	uint64_t pages = object_machine_free_pages(&om), before = UINT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(o41_sizes); i++) {
		uint64_t start_units = slob_units_in_use(&om);
		enum alloc_failure why;
		for (unsigned n = 0; n < 2000; n++) {
			uint64_t at = om.oa->ops->alloc(om.oa, &om.m.env[0], c, o41_sizes[i],
							GFP_KERNEL, 0, &why);
			/* From one object to the next in a page: rounded up to 8. */
			if (n && at >> PAGE_SHIFT == before >> PAGE_SHIFT && at > before)
				assert_int_equal(at - before, (wanted[i] + 7) / 8 * 8);
			before = at;
		}
		assert_int_equal((slob_units_in_use(&om) - start_units) * 2, 2000 * wanted[i]);
		cut += (wanted[i] + 7) / 8 * 8;
		asked += (double)o41_sizes[i];
	}
	assert_close((double)cut / asked, 1.053191, 0.02);
	/* Size after size, 712 bytes five to a page: tails of 536 bytes are left. */
	pages -= object_machine_free_pages(&om);
	assert_close((double)(pages * PAGE_BYTES) / (2000 * asked), 1.137, 0.005);
	object_machine_release(&om);
}

/* Aligning powers of two to themselves, as Linux does since 5.4, costs SLOB its advantage. */
static void natural_alignment_under_slob(void **state)
{
	struct object_machine om;
	start(&om, "slob");
	uint64_t pages = object_machine_free_pages(&om);
	for (unsigned n = 0; n < 3200; n++)
		assert_int_equal(take(&om, 64, GFP_KERNEL) % 64, 0);
	pages -= object_machine_free_pages(&om);
	assert_int_equal(pages, 100); /* 128 bytes each, where it is 72 if aligned to 8 */
	object_machine_release(&om);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_sizes_and_flags),
		cmocka_unit_test(class_of_each_size),
		cmocka_unit_test(classes_of_the_user),
		cmocka_unit_test(bad_classes),
		cmocka_unit_test(above_the_classes),
		cmocka_unit_test(sizes_that_no_block_holds),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(large_zeroed),
		cmocka_unit_test(frees_that_cannot_be),
		cmocka_unit_test(bytes_per_object_slub),
		cmocka_unit_test(bytes_per_object_slob),
		cmocka_unit_test(natural_alignment_under_slob),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
