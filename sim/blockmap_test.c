/* Tests of the map of free blocks, at random against one bit a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "sim/blockmap.h"

#define PAGES 512
#define MAX_ORDER 6

static bool any(const bool *free, pfn_t pfn, unsigned order)
{
	for (pfn_t p = pfn; p < pfn + (1u << order); p++) {
		if (free[p])
			return true;
	}
	return false;
}

/* Heads are aligned and disjoint, and cover exactly the free pages. */
static void assert_equals(const struct blockmap *b, const bool *free)
{
	for (pfn_t p = 0; p < PAGES;) {
		unsigned order = 99, found = 99;
		if (!blockmap_is_head(b, p)) {
			assert_false(free[p]);
			assert_int_equal(blockmap_find(b, p, &order), PFN_NONE);
			p++;
			continue;
		}
		order = b->order_plus_1[p] - 1u;
		assert_true(order <= MAX_ORDER);
		assert_int_equal(p & ((1u << order) - 1), 0);
		for (pfn_t q = p; q < p + (1u << order); q++) {
			assert_true(free[q]);
			assert_int_equal(blockmap_find(b, q, &found), p);
			assert_int_equal(found, order);
			assert_true(q == p || !blockmap_is_head(b, q));
		}
		p += UINT64_C(1) << order;
	}
}

/* No two free buddies are left beside each other. */
static void assert_merged(const struct blockmap *b)
{
	for (pfn_t p = 0; p < PAGES; p++) {
		unsigned tag = b->order_plus_1[p];
		if (tag && tag <= MAX_ORDER)
			assert_int_not_equal(b->order_plus_1[p ^ (UINT64_C(1) << (tag - 1))], tag);
	}
}

static void random_steps(unsigned seed, bool merge)
{
	struct blockmap b;
	struct rng rng;
	bool free[PAGES] = {false};
	assert_int_equal(blockmap_init(&b, PAGES, MAX_ORDER), 0);
	rng_init(&rng, 1, seed);
	for (unsigned step = 0; step < 400; step++) {
		unsigned order = (unsigned)rng_below(&rng, MAX_ORDER + 1);
		pfn_t pfn = rng_below(&rng, PAGES >> order) << order;
		assert_int_equal(blockmap_overlaps(&b, pfn, order), any(free, pfn, order));
		switch (rng_below(&rng, merge ? 2 : 3)) {
		case 0:
			blockmap_fill(&b, pfn, order);
			memset(free + pfn, true, 1u << order);
			break;
		case 1:
			blockmap_remove(&b, pfn, order);
			memset(free + pfn, false, 1u << order);
			break;
		default:
			if (any(free, pfn, order))
				continue;
			blockmap_add(&b, pfn, order, false);
			memset(free + pfn, true, 1u << order);
		}
		assert_equals(&b, free);
		if (merge)
			assert_merged(&b);
	}
	blockmap_release(&b);
}

static void test_random_merging(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++)
		random_steps(seed, true);
}

static void test_random_with_unmerged_blocks(void **state)
{
	for (unsigned seed = 100; seed < 120; seed++)
		random_steps(seed, false);
}

static void test_add_merges_or_not(void **state)
{
	struct blockmap b;
	unsigned order;
	assert_int_equal(blockmap_init(&b, PAGES, MAX_ORDER), 0);
	blockmap_add(&b, 0, 3, false);
	blockmap_add(&b, 8, 3, false);
	assert_int_equal(blockmap_find(&b, 9, &order), 8);
	assert_int_equal(order, 3);
	blockmap_remove(&b, 8, 3);
	blockmap_add(&b, 8, 3, true);
	assert_int_equal(blockmap_find(&b, 9, &order), 0);
	assert_int_equal(order, 4);
	/* Two blocks of the largest order stay two. */
	blockmap_add(&b, 64, MAX_ORDER, true);
	blockmap_add(&b, 128, MAX_ORDER, true);
	blockmap_add(&b, 192, MAX_ORDER, true);
	assert_int_equal(blockmap_find(&b, 200, &order), 192);
	assert_int_equal(order, MAX_ORDER);
	blockmap_release(&b);
}

static void test_last_page(void **state)
{
	struct blockmap b;
	unsigned order;
	assert_int_equal(blockmap_init(&b, PAGES - 3, MAX_ORDER), 0); /* ends inside a block */
	blockmap_add(&b, PAGES - 4, 0, true);
	assert_int_equal(blockmap_find(&b, PAGES - 4, &order), PAGES - 4);
	assert_int_equal(order, 0);
	blockmap_release(&b);
	blockmap_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_merging),
		cmocka_unit_test(test_random_with_unmerged_blocks),
		cmocka_unit_test(test_add_merges_or_not),
		cmocka_unit_test(test_last_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
