/*
 * tlb_oracle_test.c - closed forms of TLB misses, reproduced by tlb.c.
 *
 * Uniform accesses to P pages, E entries, LRU, any associativity as long as each set has at least
 * as many pages as ways: a set of w ways holds the w pages used last, so an access hits with
 * probability E / P. Patterns with an order tell geometries apart that uniform ones can't: a scan
 * of one page more than fits misses always (LRU) and pages at a distance of the number of sets
 * share one set. Each law is followed by what breaks it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hw/tlb_rig.h"

#define SAMPLES 400000

static struct tlb *make(const struct hw_machine *hw)
{
	struct tlb *t = tlb_new(hw);
	assert_non_null(t);
	return t;
}

static struct tlb *make_array(uint64_t entries, uint64_t ways, bool hashed)
{
	const struct hw_machine hw = {
		.tlbs = {{1, entries, ways, SIZE_4K | SIZE_2M, hashed}},
		.tlbs_count = 1,
		.paging_levels = 4,
	};
	return make(&hw);
}

static void assert_near(double value, double expected, double tolerance)
{
	if (fabs(value - expected) > tolerance)
		fail_msg("%.9g, expected %.9g", value, expected);
}

/* Part of SAMPLES uniform accesses, after as many to warm up, that missed. */
static double uniform_miss(struct tlb *t, uint64_t pages_count, enum hw_page page)
{
	struct rng rng;
	uint64_t warm[3] = {0}, results[3] = {0};
	rng_init(&rng, 12, pages_count);
	rig_uniform(t, &rng, pages_count, page, SAMPLES, warm);
	rig_uniform(t, &rng, pages_count, page, SAMPLES, results);
	return (double)results[TLB_MISS] / SAMPLES;
}

/* --- O12: uniform accesses -------------------------------------------------------------------- */

static const struct uniform_row {
	uint64_t entries, ways;
	enum hw_page page;
	double miss; /* of 128 MiB: 32768 pages of 4 KiB, 64 of 2 MiB */
	uint64_t reach_bytes;
} uniform_rows[] = {
	{64, 4, HW_PAGE_4K, 0.998046875, 262144},
	{1536, 12, HW_PAGE_4K, 0.953125, 6291456},
	{2048, 16, HW_PAGE_4K, 0.9375, 8388608},
	{32, 4, HW_PAGE_2M, 0.5, 67108864},
	{64, 4, HW_PAGE_2M, 0.0, 134217728},
	{1536, 12, HW_PAGE_2M, 0.0, 3221225472},
};

/* O12.miss_uniform_128MiB; any associativity. */
static void miss_uniform(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(uniform_rows); i++) {
		const struct uniform_row *r = &uniform_rows[i];
		uint64_t pages = (UINT64_C(128) << 20) >> hw_page_shift(r->page);
		const uint64_t ways[] = {r->ways, r->entries, 1};
		for (size_t k = 0; k < ARRAY_SIZE(ways); k++) {
			if (r->entries % 3 == 0 && ways[k] == 1)
				continue; /* 1536 is no power of two of sets */
			struct tlb *t = make_array(r->entries, ways[k], false);
			assert_near(uniform_miss(t, pages, r->page), r->miss, 0.005);
			tlb_free(t);
		}
	}
}

/* Off: a buffer within reach, where no access misses; twice the reach, where every other does. */
static void miss_uniform_off(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(uniform_rows); i++) {
		const struct uniform_row *r = &uniform_rows[i];
		struct tlb *t = make_array(r->entries, r->ways, false);
		assert_near(uniform_miss(t, r->entries, r->page), 0, 0);
		tlb_free(t);
		t = make_array(r->entries, r->ways, false);
		assert_near(uniform_miss(t, 2 * r->entries, r->page), 0.5, 0.005);
		tlb_free(t);
	}
}

static uint64_t scan(struct tlb *t, uint64_t pages_count, enum hw_page page)
{
	uint64_t misses = 0;
	for (uint64_t i = 0; i < pages_count; i++)
		misses += rig_touch(t, i << hw_page_shift(page), page) == TLB_MISS;
	return misses;
}

/* O12.cold_misses: 128 MiB touched for the first time. */
static void cold_misses(void **state)
{
	const struct hw_machine hw = RIG_SKYLAKE;
	struct tlb *t = make(&hw);
	assert_int_equal(scan(t, 32768, HW_PAGE_4K), 32768);
	tlb_drop_space(t, RIG_SPACE);
	assert_int_equal(scan(t, 64, HW_PAGE_2M), 64);
	/* Off: not for the first time. */
	assert_int_equal(scan(t, 64, HW_PAGE_2M), 0);
	tlb_free(t);
}

/* --- O12: patterns with an order -------------------------------------------------------------- */

/* The most bytes of which every round after the first hits. */
static uint64_t reach_bytes(uint64_t entries, uint64_t ways, enum hw_page page)
{
	uint64_t lo = 1, hi = 4 * entries; /* lo fits, hi does not */
	while (hi - lo > 1) {
		uint64_t pages = (lo + hi) / 2;
		struct tlb *t = make_array(entries, ways, false);
		scan(t, pages, page);
		if (scan(t, pages, page))
			hi = pages;
		else
			lo = pages;
		tlb_free(t);
	}
	return lo << hw_page_shift(page);
}

/* O12.reach_bytes. */
static void reach(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(uniform_rows); i++) {
		const struct uniform_row *r = &uniform_rows[i];
		assert_int_equal(reach_bytes(r->entries, r->entries, r->page), r->reach_bytes);
		assert_int_equal(reach_bytes(r->entries, r->ways, r->page), r->reach_bytes);
	}
}

/* A scan in rounds over 1537 pages if any of 1536 entries may go for a new one, not the oldest. */
static double random_replacement_miss(uint64_t pages_count)
{
	enum { ENTRIES = 1536, ROUNDS = 80 };
	static uint64_t held[ENTRIES];
	struct rng rng;
	uint64_t misses = 0;
	rng_init(&rng, 12, 1);
	for (uint64_t i = 0; i < ENTRIES; i++)
		held[i] = i;
	for (uint64_t n = 0; n < ROUNDS * pages_count; n++) {
		uint64_t page = n % pages_count, i = 0;
		while (i < ENTRIES && held[i] != page)
			i++;
		if (i == ENTRIES) {
			held[rng_below(&rng, ENTRIES)] = page;
			misses++;
		}
	}
	return (double)misses / (double)(ROUNDS * pages_count);
}

/* O12.cyclic_scan_miss: E pages always hit, E + 1 never. */
static void cyclic_scan(void **state)
{
	struct tlb *t = make_array(1536, 1536, false);
	scan(t, 1536, HW_PAGE_4K);
	for (int round = 0; round < 5; round++)
		assert_int_equal(scan(t, 1536, HW_PAGE_4K), 0);
	tlb_drop_space(t, RIG_SPACE);
	for (int round = 0; round < 5; round++)
		assert_int_equal(scan(t, 1537, HW_PAGE_4K), 1537);
	tlb_free(t);

	/* Off: in 128 sets, only the set with 13 pages loses them all. */
	t = make_array(1536, 12, false);
	scan(t, 1537, HW_PAGE_4K);
	for (int round = 0; round < 5; round++)
		assert_int_equal(scan(t, 1537, HW_PAGE_4K), 13);
	tlb_free(t);
	/* Off: without LRU nearly all hit. */
	assert_true(random_replacement_miss(1537) < 0.1);
}

static uint64_t strided_misses(uint64_t entries, uint64_t ways, bool hashed, unsigned count)
{
	struct tlb *t = make_array(entries, ways, hashed);
	uint64_t misses = 0;
	for (unsigned round = 0; round < 10; round++) {
		misses = 0;
		for (uint64_t i = 0; i < count; i++)
			misses += rig_touch(t, (i * 128) << 12, HW_PAGE_4K) == TLB_MISS;
	}
	tlb_free(t);
	return misses; /* of the last round */
}

/* O12.stride_conflict: pages 128 apart, 128 sets of 12 ways. Off: one set, or hashed sets. */
static void stride_conflict(void **state)
{
	assert_int_equal(strided_misses(1536, 12, false, 12), 0);
	assert_int_equal(strided_misses(1536, 12, false, 13), 13);
	assert_int_equal(strided_misses(1536, 1536, false, 13), 0);
	assert_int_equal(strided_misses(1536, 12, true, 13), 0);
	assert_int_equal(strided_misses(1536, 12, true, 128), 0);
}

/* Misses of touching every line of @bytes once, in order or (@shuffled) not. */
static double line_misses(uint64_t bytes, enum hw_page page, bool shuffled)
{
	const struct hw_machine hw = RIG_SKYLAKE;
	struct tlb *t = make(&hw);
	uint64_t lines = bytes / HW_LINE, misses = 0;
	for (uint64_t i = 0; i < lines; i++) {
		/* An odd factor visits every line of a power of two of lines once. */
		uint64_t line = shuffled ? i * UINT64_C(0x9e3779b97f4a7c15) % lines : i;
		misses += rig_touch(t, line * HW_LINE, page) == TLB_MISS;
	}
	tlb_free(t);
	return (double)misses / (double)lines;
}

/* O12.seq_touch_miss_per_line. Off: the same lines in another order. */
static void seq_touch(void **state)
{
	assert_near(line_misses(UINT64_C(32) << 20, HW_PAGE_4K, false), 0.015625, 0);
	assert_near(line_misses(UINT64_C(32) << 20, HW_PAGE_2M, false), 3.0517578125e-05, 0);
	assert_true(line_misses(UINT64_C(32) << 20, HW_PAGE_4K, true) > 0.5);
}

/* --- O12: two levels -------------------------------------------------------------------------- */

/* O12.two_level_walk_rate_bounds: between what E1 + E2 and what E2 entries alone would miss. */
static void two_levels(void **state)
{
	const struct hw_machine hw = RIG_SKYLAKE;
	struct tlb *t = make(&hw);
	double walks = uniform_miss(t, 4096, HW_PAGE_4K);
	assert_true(walks > 0.609375 - 0.005 && walks < 0.625 + 0.005);
	tlb_free(t);

	/* Off: either level alone. */
	t = make_array(64, 4, false);
	assert_near(uniform_miss(t, 4096, HW_PAGE_4K), 1 - 64 / 4096.0, 0.005);
	tlb_free(t);
	t = make_array(1536, 12, false);
	assert_near(uniform_miss(t, 4096, HW_PAGE_4K), 0.625, 0.005);
	tlb_free(t);
}

/* Cycles beyond a first-level hit: 9 for the second level's answer, 30 more for a walk. */
static double extra_cycles(const struct hw_machine *hw, uint64_t pages_count, enum hw_page page)
{
	struct tlb *t = make(hw);
	struct rng rng;
	uint64_t warm[3] = {0}, results[3] = {0};
	rng_init(&rng, 12, 7);
	rig_uniform(t, &rng, pages_count, page, SAMPLES, warm);
	rig_uniform(t, &rng, pages_count, page, SAMPLES, results);
	tlb_free(t);
	return (double)(9 * (results[TLB_HIT2] + results[TLB_MISS]) + 30 * results[TLB_MISS]) /
	       SAMPLES;
}

/* O12.extra_cycles_per_access: 128 MiB. */
static void extra_cycles_per_access(void **state)
{
	const struct hw_machine hw = RIG_SKYLAKE;
	assert_near(extra_cycles(&hw, 32768, HW_PAGE_4K) / 37.576171875, 1, 0.02);
	assert_near(extra_cycles(&hw, 64, HW_PAGE_2M) / 4.5, 1, 0.02);

	/* Off: 4 MiB, which level 2 covers: 15/16 * 9 cycles; without it 15/16 * 39. */
	struct hw_machine one_level = RIG_SKYLAKE;
	one_level.tlbs_count = 1;
	assert_near(extra_cycles(&hw, 1024, HW_PAGE_4K) / (9 * 15 / 16.0), 1, 0.02);
	assert_near(extra_cycles(&one_level, 1024, HW_PAGE_4K) / (39 * 15 / 16.0), 1, 0.02);
}

/* --- O17: references of a walk ---------------------------------------------------------------- */

/* What a second walk of the same page reads. */
static unsigned walk_refs(const struct hw_machine *hw, enum hw_page leaf)
{
	struct tlb *t = make(hw);
	unsigned refs = 0;
	for (int walk = 0; walk < 2; walk++)
		refs = (unsigned)hw->paging_levels - leaf -
		       tlb_walk_skips(t, RIG_SPACE, 0x7f1234567000, leaf);
	tlb_free(t);
	return refs;
}

/* O17.walk_refs; without paging-structure caches (off) and with each alone. */
static void walks(void **state)
{
	const struct hw_machine none = {.paging_levels = 4}, none5 = {.paging_levels = 5};
	assert_int_equal(walk_refs(&none, HW_PAGE_4K), 4);
	assert_int_equal(walk_refs(&none5, HW_PAGE_4K), 5);
	assert_int_equal(walk_refs(&none, HW_PAGE_2M), 3);
	assert_int_equal(walk_refs(&none, HW_PAGE_1G), 2);

	const struct hw_machine skylake = RIG_SKYLAKE;
	assert_int_equal(walk_refs(&skylake, HW_PAGE_4K), 1);
	assert_int_equal(walk_refs(&skylake, HW_PAGE_2M), 1);
	assert_int_equal(walk_refs(&skylake, HW_PAGE_1G), 1);
	struct hw_machine five = skylake;
	five.paging_levels = 5;
	assert_int_equal(walk_refs(&five, HW_PAGE_4K), 1);

	const struct hw_machine pdpte = {.paging_levels = 4, .pwc_pdpte_entries = 4};
	assert_int_equal(walk_refs(&pdpte, HW_PAGE_4K), 2);
	const struct hw_machine pml4e = {.paging_levels = 4, .pwc_pml4e_entries = 2};
	assert_int_equal(walk_refs(&pml4e, HW_PAGE_4K), 3);
	/* An entry that maps a page is not kept: the PDE of a 2 MiB page skips nothing. */
	const struct hw_machine pde = {.paging_levels = 4, .pwc_pde_entries = 32};
	assert_int_equal(walk_refs(&pde, HW_PAGE_2M), 3);
	/* A walk that ended at the root's entry found no table to remember. */
	assert_int_equal(walk_refs(&skylake, HW_PAGES), 1);
}

/* Which skip it is, and that each dropped page or space takes the space's along. */
static void skips(void **state)
{
	const struct hw_machine hw = RIG_SKYLAKE;
	struct tlb *t = make(&hw);
	const uint64_t at = UINT64_C(3) << 39;
	assert_int_equal(tlb_walk_skips(t, 1, at, HW_PAGE_4K), 0);
	assert_int_equal(tlb_walk_skips(t, 1, at + 0x1ff000, HW_PAGE_4K), 3);
	assert_int_equal(tlb_walk_skips(t, 1, at + 0x200000, HW_PAGE_4K), 2);
	assert_int_equal(tlb_walk_skips(t, 1, at + 0x40000000, HW_PAGE_4K), 1);
	assert_int_equal(tlb_walk_skips(t, 2, at, HW_PAGE_4K), 0);
	tlb_drop_page(t, 1, 0, HW_PAGE_4K);
	assert_int_equal(tlb_walk_skips(t, 1, at, HW_PAGE_4K), 0);
	assert_int_equal(tlb_walk_skips(t, 2, at, HW_PAGE_4K), 3);
	tlb_drop_space(t, 2);
	assert_int_equal(tlb_walk_skips(t, 2, at, HW_PAGE_4K), 0);
	tlb_drop_space(t, SPACE_KERNEL);
	assert_int_equal(tlb_walk_skips(t, 1, at, HW_PAGE_4K), 0);
	tlb_free(t);
}

/*
 * Uniform walks over 128 MiB are of 64 PDEs, of which the cache holds 32: every other walk reads
 * the PMD, too. Over 32 MiB, of 16 PDEs, none does.
 */
static void walk_refs_uniform(void **state)
{
	static const struct {
		uint64_t pages;
		double refs;
	} rows[] = {{32768, 1.5}, {8192, 1.0}};
	const struct hw_machine hw = RIG_SKYLAKE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tlb *t = make(&hw);
		struct rng rng;
		uint64_t refs = 0;
		rng_init(&rng, 17, i);
		for (unsigned n = 0; n < 2 * SAMPLES; n++) {
			uint64_t vaddr = rng_below(&rng, rows[i].pages) << 12;
			unsigned skipped = tlb_walk_skips(t, RIG_SPACE, vaddr, HW_PAGE_4K);
			refs += n < SAMPLES ? 0 : 4 - skipped;
		}
		assert_near((double)refs / SAMPLES, rows[i].refs, 0.005);
		tlb_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(miss_uniform),
		cmocka_unit_test(miss_uniform_off),
		cmocka_unit_test(cold_misses),
		cmocka_unit_test(reach),
		cmocka_unit_test(cyclic_scan),
		cmocka_unit_test(stride_conflict),
		cmocka_unit_test(seq_touch),
		cmocka_unit_test(two_levels),
		cmocka_unit_test(extra_cycles_per_access),
		cmocka_unit_test(walks),
		cmocka_unit_test(skips),
		cmocka_unit_test(walk_refs_uniform),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
