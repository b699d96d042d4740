/*
 * Closed forms that a correct page allocator reproduces, each with the mechanism off where that shows
 * something. The ids (O20 ...) name the laws; expected values were computed apart from this program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "kern/rng.h"

static void run(struct op_machine *m, const char *script)
{
	if (op_run(m, script) != 0)
		fail_msg("script \"%s\": %s", script, m->error);
}

static struct page_zone_stats stats_of(struct op_machine *m, unsigned zone)
{
	struct page_zone_stats s;
	m->pa->ops->zone_stats(m->pa, zone, &s);
	return s;
}

static pfn_t alloc(struct op_machine *m, unsigned order, gfp_t gfp)
{
	enum alloc_failure why;
	return m->pa->ops->alloc_pages(m->pa, &m->env[0], order, gfp, 0, &why);
}

static void give(struct op_machine *m, pfn_t pfn, unsigned order)
{
	m->pa->ops->free_pages(m->pa, &m->env[0], pfn, order);
}

static void shuffle(pfn_t *pfns, uint64_t count, uint64_t seed)
{
	struct rng r;
	rng_init(&r, seed, 0);
	for (uint64_t i = count; i > 1; i--) {
		uint64_t k = rng_below(&r, i);
		pfn_t t = pfns[i - 1];
		pfns[i - 1] = pfns[k];
		pfns[k] = t;
	}
}

/* O20.worst_steps: log2 n steps for n pages, each way, however large the zone is. */
static void worst_case_steps(void **state)
{
	for (unsigned m = 4; m < ORDER_LIMIT; m++) {
		const struct op_params params = {
			.zone_pages = UINT64_C(1) << m,
			.max_order = m,
			.pageblock_order = m,
		};
		struct op_machine mc;
		op_machine_init(&mc, &params);
		run(&mc, "a0u=0");
		assert_int_equal(stats_of(&mc, 0).splits_count, m);
		run(&mc, "f0");
		assert_int_equal(stats_of(&mc, 0).merges_count, m);
		op_machine_release(&mc);
	}
}

/* O21.alloc3pages, O21.free_merges */
static void three_pages_of_1024(void **state)
{
	const struct op_params params = {.zone_pages = 1024};
	struct op_machine m;
	op_machine_init(&m, &params);
	run(&m, "a2u=0");
	assert_int_equal(stats_of(&m, 0).splits_count, 8);
	assert_string_equal(op_counts(&m, 0), "2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1");
	run(&m, "f0");
	assert_int_equal(stats_of(&m, 0).merges_count, 8);
	assert_string_equal(op_counts(&m, 0), "10:1");
	op_machine_release(&m);
}

/* O21.alloc_all_free_all: 2^m - 1 splits and as many merges, in any order; off: no merge, no block. */
static void all_pages_and_back(void **state)
{
	for (unsigned coalescing = 0; coalescing < 2; coalescing++) {
		const struct op_params params = {.zone_pages = 1024, .no_coalescing = !coalescing};
		pfn_t pfns[1024];
		struct op_machine m;
		op_machine_init(&m, &params);
		for (size_t i = 0; i < ARRAY_SIZE(pfns); i++)
			pfns[i] = alloc(&m, 0, GFP_KERNEL);
		assert_true(alloc(&m, 0, GFP_KERNEL) == PFN_NONE);
		shuffle(pfns, ARRAY_SIZE(pfns), 21);
		for (size_t i = 0; i < ARRAY_SIZE(pfns); i++)
			give(&m, pfns[i], 0);
		assert_int_equal(stats_of(&m, 0).splits_count, 1023);
		assert_int_equal(stats_of(&m, 0).merges_count, coalescing ? 1023 : 0);
		assert_string_equal(op_counts(&m, 0), coalescing ? "10:1" : "0:1024");
		op_machine_release(&m);
	}
}

/* O21.invariants: 20,000 random steps, then everything is back. */
static void splits_equal_merges(void **state)
{
	const struct op_params params = {.zone_pages = 4096, .ungrouped = true};
	static struct op_block live[4096];
	size_t count = 0;
	struct op_machine m;
	struct rng r;
	struct check_report report;
	op_machine_init(&m, &params);
	rng_init(&r, 21, 1);
	for (int i = 0; i < 20000; i++) {
		unsigned order = (unsigned)rng_below(&r, 10); /* order 10 is freed as two halves */
		pfn_t pfn = rng_u64(&r) & 1 ? alloc(&m, order, GFP_KERNEL) : PFN_NONE;
		if (pfn != PFN_NONE) {
			live[count++] = (struct op_block){pfn, order};
		} else if (count) {
			size_t k = rng_below(&r, count);
			give(&m, live[k].pfn, live[k].order);
			live[k] = live[--count];
		}
	}
	while (count--)
		give(&m, live[count].pfn, live[count].order);
	assert_int_equal(m.pa->ops->check(m.pa, &report), 0);
	assert_int_equal(stats_of(&m, 0).splits_count, stats_of(&m, 0).merges_count);
	assert_true(stats_of(&m, 0).splits_count > 1000);
	assert_string_equal(op_counts(&m, 0), "10:4");
	op_machine_release(&m);
}

/* --- O22: internal fragmentation ---------------------------------------------------------------- */

/* Pages that a request for @pages takes from the zone. */
static uint64_t pages_taken(struct op_machine *m, uint64_t pages)
{
	unsigned order = pages > 1 ? 64u - (unsigned)__builtin_clzll(pages - 1) : 0;
	uint64_t before = m->pm.zones[0].free_pages;
	pfn_t pfn = alloc(m, order, GFP_KERNEL);
	assert_true(pfn != PFN_NONE);
	uint64_t taken = before - m->pm.zones[0].free_pages;
	give(m, pfn, order);
	assert_int_equal(m->pm.zones[0].free_pages, before);
	return taken;
}

static void assert_close(double got, double expected, double relative)
{
	if (!(fabs(got - expected) <= relative * expected))
		fail_msg("%.9g instead of %.9g", got, expected);
}

static const struct op_params large_orders = {
	.zone_pages = 32768,
	.max_order = 15,
	.pageblock_order = 15,
};

/* O22.uniform_1_1024 */
static void waste_of_uniform_sizes(void **state)
{
	struct op_machine m;
	uint64_t asked = 0, taken = 0;
	op_machine_init(&m, &large_orders);
	for (uint64_t pages = 1; pages <= 1024; pages++) {
		asked += pages;
		taken += pages_taken(&m, pages);
	}
	assert_close((double)taken / 1024, 682.6669921875, 1e-12);
	assert_close(1 - (double)asked / (double)taken, 0.24926793610194398, 1e-12);
	op_machine_release(&m);
}

/* O22.geometric: P(n) = p (1-p)^(n-1) */
static void waste_of_geometric_sizes(void **state)
{
	static const struct {
		double p, taken, waste;
	} rows[] = {
		{0.5, 2.2814941480755806, 0.1233814902891679},
		{0.1, 13.7273839172678, 0.2715290793738995},
		{0.01, 143.54887244688283, 0.30337314187540654},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum { N = 200000 };
		struct op_machine m;
		struct rng r;
		uint64_t asked = 0, taken = 0;
		double log_q = log(1 - rows[i].p);
		op_machine_init(&m, &large_orders);
		rng_init(&r, 22, i);
		for (int k = 0; k < N; k++) {
			uint64_t pages = 1 + (uint64_t)(log(1 - rng_unit(&r)) / log_q);
			asked += pages;
			taken += pages_taken(&m, pages);
		}
		assert_close((double)taken / N, rows[i].taken, 0.01);
		assert_close(1 - (double)asked / (double)taken, rows[i].waste, 0.01);
		op_machine_release(&m);
	}
}

/* O22.loguniform_limit: 1 - 1 / (2 ln 2); sizes at equal steps of their logarithm, so no noise. */
static void waste_of_log_uniform_sizes(void **state)
{
	enum { N = 20000 };
	struct op_machine m;
	uint64_t asked = 0, taken = 0;
	op_machine_init(&m, &large_orders);
	for (int k = 0; k < N; k++) {
		uint64_t pages = (uint64_t)(16384 * exp2((k + 0.5) / N));
		asked += pages;
		taken += pages_taken(&m, pages);
	}
	assert_close(1 - (double)asked / (double)taken, 0.2786524795555183, 0.01);
	op_machine_release(&m);
}

/* --- O43: zones --------------------------------------------------------------------------------- */

static const struct zone_span spans_32_bit[] = {
	{ZONE_DMA, 0, 0, 4096, 4096},
	{ZONE_NORMAL, 0, 4096, 229376, 225280},
	{ZONE_HIGHMEM, 0, 229376, 1048576, 819200},
};

/* O43.max_pages_by_request, O43.fallback_order: until the min watermark stops each request. */
static void pages_by_kind_of_request(void **state)
{
	static const struct {
		gfp_t gfp;
		uint64_t pages[3];
		const char *order;
	} rows[] = {
		{__GFP_DMA, {4079, 0, 0}, "0"},
		{0, {3199, 224341, 0}, "10"},
		{__GFP_HIGHMEM, {0, 198741, 819072}, "21"},
	};
	const struct op_params params = {
		.spans = spans_32_bit,
		.spans_count = 3,
		.min_free_kbytes = UINT64_MAX,
		.scale_factor = 10,
		.lowmem_reserve_ratio = {256, 0, 32, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct op_machine m;
		uint64_t pages[3] = {0};
		char order[4] = "";
		op_machine_init(&m, &params);
		for (;;) {
			pfn_t pfn = alloc(&m, 0, GFP_NOWAIT | rows[i].gfp);
			if (pfn == PFN_NONE)
				break;
			unsigned zone = physmem_zone(&m.pm, pfn)->index;
			if (!pages[zone]++)
				order[strlen(order)] = (char)('0' + zone);
		}
		for (unsigned z = 0; z < 3; z++)
			assert_int_equal(pages[z], rows[i].pages[z]);
		assert_string_equal(order, rows[i].order);
		op_machine_release(&m);
	}
}

/* O43.no_zones_dma_violation: without zones, nearly every frame is out of a 24-bit device's reach. */
static void without_zones_dma_gets_high_frames(void **state)
{
	const struct op_params params = {.zone_pages = 1048576};
	struct op_machine m;
	uint64_t bad = 0, all = 0;
	op_machine_init(&m, &params);
	for (pfn_t pfn; (pfn = alloc(&m, 8, GFP_KERNEL | __GFP_DMA32)) != PFN_NONE;) {
		fail_msg("a machine with a Normal zone only gave pfn %llu for DMA32",
			 (unsigned long long)pfn);
	}
	for (pfn_t pfn; (pfn = alloc(&m, 8, GFP_KERNEL)) != PFN_NONE; all++)
		bad += pfn >= 4096;
	assert_int_equal(all, 4096);
	assert_true((double)bad / (double)all == 0.99609375);
	op_machine_release(&m);
}

/* --- O2, O45: the bump state -------------------------------------------------------------------- */

/* All pages are taken and freed again but for the last of every 16. */
static void bump_state(struct op_machine *m)
{
	const struct op_params params = {.zone_pages = 4096};
	static pfn_t pfns[4096];
	op_machine_init(m, &params);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = alloc(m, 0, GFP_KERNEL | __GFP_MOVABLE);
	shuffle(pfns, ARRAY_SIZE(pfns), 45);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
		if (pfns[i] % 16 != 15)
			give(m, pfns[i], 0);
	}
}

/* O45.user_vs_contig: frames are plenty, contiguity ends at order 3. */
static void frames_without_contiguity(void **state)
{
	struct op_machine m;
	bump_state(&m);
	assert_string_equal(op_counts(&m, 0), "0:256 1:256 2:256 3:256"); /* O2.bump_hist */
	assert_int_equal(m.pm.zones[0].free_pages, 3840);
	run(&m, "a4m!fragmented a9m!fragmented a3m F");
	for (int i = 0; i < 3840; i++)
		assert_true(alloc(&m, 0, GFP_HIGHUSER_MOVABLE) != PFN_NONE);
	run(&m, "a0m!no_memory");
	op_machine_release(&m);
}

/* O2.memblock_hist, O2.order9_blocks: the same pages in use, packed at one end. */
static void packed_pages_leave_large_blocks(void **state)
{
	const struct op_params params = {.zone_pages = 4096, .all_used = true};
	struct op_machine m;
	op_machine_init(&m, &params);
	run(&m, "+256-4096");
	assert_string_equal(op_counts(&m, 0), "8:1 9:1 10:3");
	assert_int_equal(m.pm.zones[0].free_pages, 3840);
	for (int i = 0; i < 7; i++)
		run(&m, "a9m");
	run(&m, "a9m!no_memory");
	op_machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worst_case_steps),
		cmocka_unit_test(three_pages_of_1024),
		cmocka_unit_test(all_pages_and_back),
		cmocka_unit_test(splits_equal_merges),
		cmocka_unit_test(waste_of_uniform_sizes),
		cmocka_unit_test(waste_of_geometric_sizes),
		cmocka_unit_test(waste_of_log_uniform_sizes),
		cmocka_unit_test(pages_by_kind_of_request),
		cmocka_unit_test(without_zones_dma_gets_high_frames),
		cmocka_unit_test(frames_without_contiguity),
		cmocka_unit_test(packed_pages_leave_large_blocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
