/*
 * Tests of watermark.c: marks and reserves of real machines to the page, and the test that uses
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "kern/watermark.h"

static void machine_init(struct physmem *pm, const struct zone_span *spans, unsigned count)
{
	struct err err = {0};
	const struct physmem_params params = {
		.spans = spans,
		.spans_count = count,
		.max_order = 10,
		.pageblock_order = 9,
		.group_by_mobility = true,
	};
	if (physmem_init(pm, &params, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_marks(const struct zone *z, const uint64_t *expected)
{
	for (unsigned i = 0; i < WMARKS; i++)
		assert_int_equal(z->watermark_pages[i], expected[i]);
}

static const struct zone_span spans_24_gib[] = {
	{ZONE_DMA, 0, 1, 4096, 3840},
	{ZONE_DMA32, 0, 4096, 1048576, 772917},
	{ZONE_NORMAL, 0, 1048576, 6356992, 5308416},
	{ZONE_MOVABLE, 0, 6356992, 6356992, 0},
};

/* As /proc/zoneinfo of a machine with Linux 6.18 shows them. */
static void marks_of_a_24_gib_machine(void **state)
{
	static const uint64_t expected[][WMARKS] = {
		{10, 13, 16, 19},
		{2146, 2918, 3690, 4462},
		{14739, 20047, 25355, 30663},
		{32, 32, 32, 32},
	};
	static const uint64_t protection[][ZONE_TYPES] = {
		{0, 3019, 23755, 23755, 23755},
		{0, 0, 20736, 20736, 20736},
		{0, 0, 0, 0, 0},
	};
	const struct watermark_params params = {67584, 10, {256, 256, 32, 0, 0}};
	struct physmem pm;
	machine_init(&pm, spans_24_gib, 4);
	assert_int_equal(watermark_setup(&pm, &params), 67584);
	for (unsigned i = 0; i < 4; i++)
		assert_marks(&pm.zones[i], expected[i]);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(pm.zones[i].lowmem_reserve_pages, protection[i],
				    sizeof(protection[i]));
	physmem_release(&pm);
}

/* The same machine while most of its Normal zone was not there yet: the other branch of delta. */
static void marks_before_the_machine_had_grown(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA, 0, 1, 4096, 3840},
		{ZONE_DMA32, 0, 4096, 1048576, 772917},
		{ZONE_NORMAL, 0, 1048576, 6356992, 557056},
	};
	static const uint64_t expected[][WMARKS] = {
		{48, 60, 72, 84},
		{9790, 12237, 14684, 17131},
		{7056, 8820, 10584, 12348},
	};
	const struct watermark_params params = {67584, 10, {256, 256, 32, 0, 0}};
	struct physmem pm;
	machine_init(&pm, spans, 3);
	watermark_setup(&pm, &params);
	for (unsigned i = 0; i < 3; i++)
		assert_marks(&pm.zones[i], expected[i]);
	physmem_release(&pm);
}

/* O43: a 32-bit machine with HighMem. */
static void lowmem_and_highmem(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA, 0, 0, 4096, 4096},
		{ZONE_NORMAL, 0, 4096, 229376, 225280},
		{ZONE_HIGHMEM, 0, 229376, 1048576, 819200},
	};
	const struct watermark_params params = {UINT64_MAX, 10, {256, 0, 32, 0, 0}};
	struct physmem pm;
	machine_init(&pm, spans, 3);
	assert_int_equal(watermark_setup(&pm, &params), 3831);
	assert_int_equal(pm.zones[0].watermark_pages[WMARK_MIN], 17);
	assert_int_equal(pm.zones[1].watermark_pages[WMARK_MIN], 939);
	assert_int_equal(pm.zones[2].watermark_pages[WMARK_MIN], 128);
	assert_int_equal(pm.zones[0].lowmem_reserve_pages[ZONE_NORMAL], 880);
	assert_int_equal(pm.zones[0].lowmem_reserve_pages[ZONE_HIGHMEM], 4080);
	assert_int_equal(pm.zones[1].lowmem_reserve_pages[ZONE_HIGHMEM], 25600);
	assert_int_equal(pm.zones[1].lowmem_reserve_pages[ZONE_NORMAL], 0);
	physmem_release(&pm);
}

/* O25.min_free_table_kB, and the limits at both ends. */
static void min_free_by_memory_size(void **state)
{
	static const struct {
		uint64_t mib, kbytes;
	} rows[] = {
		{1, 128},     {16, 512},    {32, 724},    {64, 1024},    {128, 1448},
		{256, 2048},  {512, 2896},  {1024, 4096}, {2048, 5792},  {4096, 8192},
		{8192, 11585}, {16384, 16384}, {8 << 20, 262144},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t pages = rows[i].mib << 8;
		const struct zone_span span = {ZONE_NORMAL, 0, 0, pages, pages};
		const struct watermark_params params = {UINT64_MAX, 10, {0}};
		struct physmem pm;
		machine_init(&pm, &span, 1);
		assert_int_equal(watermark_setup(&pm, &params), rows[i].kbytes);
		physmem_release(&pm);
	}
}

/* O25.watermarks_4GiB: one zone, default settings. */
static void one_zone_of_4_gib(void **state)
{
	static const struct zone_span span = {ZONE_NORMAL, 0, 0, 1048576, 1048576};
	static const uint64_t expected[] = {2048, 3096, 4144, 5192};
	const struct watermark_params params = {UINT64_MAX, 10, {0}};
	struct physmem pm;
	machine_init(&pm, &span, 1);
	watermark_setup(&pm, &params);
	assert_marks(&pm.zones[0], expected);
	/* An urgent request that may not wait goes down to 3/8 of min. */
	struct zone *z = &pm.zones[0];
	unsigned urgent = WMARK_MIN | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK;
	z->free_pages = 769;
	assert_true(watermark_pages_ok(z, 0, 2048, ZONE_NORMAL, urgent));
	z->free_pages = 768;
	assert_false(watermark_pages_ok(z, 0, 2048, ZONE_NORMAL, urgent));
	physmem_release(&pm);
}

static void arithmetic_of_the_test(void **state)
{
	struct zone z = {.watermark_pages = {14739, 20047, 25355, 30663}};
	struct {
		uint64_t free;
		unsigned order, flags;
		bool ok;
	} rows[] = {
		{20048, 0, WMARK_LOW, true},
		{20047, 0, WMARK_LOW, false},
		{20047 + 8, 3, WMARK_LOW, true},
		{20047 + 7, 3, WMARK_LOW, false},
		{14740, 0, WMARK_MIN, true},
		{14739, 0, WMARK_MIN, false},
		{7371, 0, WMARK_MIN | ALLOC_MIN_RESERVE, true}, /* min - min / 2 = 7370 */
		{7370, 0, WMARK_MIN | ALLOC_MIN_RESERVE, false},
		{5529, 0, WMARK_MIN | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, true}, /* 5528 */
		{5528, 0, WMARK_MIN | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK, false},
		{14739, 0, WMARK_MIN | ALLOC_NON_BLOCK,
		 false}, /* not waiting alone earns nothing */
		{7371, 0, WMARK_MIN | ALLOC_OOM, true},
		{7370, 0, WMARK_MIN | ALLOC_OOM, false},
		{0, 10, WMARK_MIN, false}, /* fewer pages than the block: no wrap-around */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		z.free_pages = rows[i].free;
		uint64_t mark = watermark_mark(&z, rows[i].flags);
		if (watermark_pages_ok(&z, rows[i].order, mark, ZONE_NORMAL, rows[i].flags) !=
		    rows[i].ok)
			fail_msg("row %zu: %llu free, order %u, flags %#x", i,
				 (unsigned long long)rows[i].free, rows[i].order, rows[i].flags);
	}
}

static void reserves_and_highatomic_pages_count(void **state)
{
	struct zone z = {.watermark_pages = {100, 200, 300, 400}, .free_pages = 1000};
	z.lowmem_reserve_pages[ZONE_NORMAL] = 800;
	assert_false(watermark_pages_ok(&z, 0, 200, ZONE_NORMAL, WMARK_LOW));
	assert_true(watermark_pages_ok(&z, 0, 200, ZONE_DMA32, WMARK_LOW));
	z.lowmem_reserve_pages[ZONE_NORMAL] = 0;
	z.free_highatomic_pages = 800;
	assert_false(watermark_pages_ok(&z, 0, 200, ZONE_NORMAL, WMARK_LOW));
	assert_true(watermark_pages_ok(&z, 0, 200, ZONE_NORMAL, WMARK_LOW | ALLOC_HIGHATOMIC));
	z.watermark_boost_pages = 50;
	assert_int_equal(watermark_mark(&z, WMARK_MIN), 150);
	assert_int_equal(watermark_mark(&z, WMARK_HIGH | ALLOC_KSWAPD), 350);
}

static void boost(void **state)
{
	struct physmem pm;
	const struct watermark_params params = {67584, 10, {256, 256, 32, 0, 0}};
	machine_init(&pm, spans_24_gib, 4);
	watermark_setup(&pm, &params);
	struct zone *normal = &pm.zones[2], *dma = &pm.zones[0];
	assert_true(watermark_boost(&pm, normal, 15000));
	assert_int_equal(normal->watermark_boost_pages, 512);
	for (int i = 0; i < 100; i++)
		assert_true(watermark_boost(&pm, normal, 15000));
	assert_int_equal(normal->watermark_boost_pages, 38032); /* 150 % of 25355 */
	assert_true(watermark_boost(&pm, dma, 15000));
	assert_int_equal(dma->watermark_boost_pages, 512); /* at least a pageblock */
	watermark_setup(&pm, &params);
	assert_int_equal(normal->watermark_boost_pages, 0);
	assert_false(watermark_boost(&pm, normal, 0));
	dma->managed_pages = 2047; /* four pageblocks are the least */
	assert_false(watermark_boost(&pm, dma, 15000));
	assert_int_equal(dma->watermark_boost_pages, 0);
	physmem_release(&pm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_of_a_24_gib_machine),
		cmocka_unit_test(marks_before_the_machine_had_grown),
		cmocka_unit_test(lowmem_and_highmem),
		cmocka_unit_test(min_free_by_memory_size),
		cmocka_unit_test(one_zone_of_4_gib),
		cmocka_unit_test(arithmetic_of_the_test),
		cmocka_unit_test(reserves_and_highatomic_pages_count),
		cmocka_unit_test(boost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
