/*
 * Tests of the fragmentation indices of metrics.c on histograms with results known by hand.
 *
 * The bump state: 4096 pages of which the last of every 16 stays in use, so that 256 blocks of each
 * of the orders 0 to 3 are free.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/metrics.h"

static const struct free_counts bump = {.blocks = {256, 256, 256, 256}, .max_order = 10};

/* O34.proxy: one read for each of the 11 orders finds the largest free order. */
static void proxy_of_bump_state(void **state)
{
	assert_int_equal(free_counts_pages(&bump), 3840);
	assert_int_equal(largest_free_order(&bump), 3);
	assert_int_equal(unusable_index_millionths(&bump, 0), 0);
	assert_int_equal(unusable_index_millionths(&bump, 1), 256 * UINT64_C(1000000) / 3840);
	assert_int_equal(unusable_index_millionths(&bump, 3), 466666); /* 0.4667 */
	for (unsigned o = 4; o <= 10; o++)
		assert_int_equal(unusable_index_millionths(&bump, o), 1000000);
}

/* O34.linux_fragmentation_index */
static void linux_index_of_bump_state(void **state)
{
	assert_int_equal(extfrag_index_thousandths(&bump, 3), -1000);
	assert_int_equal(extfrag_index_thousandths(&bump, 4), 765);
	assert_int_equal(extfrag_index_thousandths(&bump, 9), 992);
}

static void hundred_single_pages(void **state)
{
	struct free_counts f = {.blocks = {100}, .max_order = 10};
	assert_int_equal(extfrag_index_thousandths(&f, 3), 865);
	assert_int_equal(unusable_index_millionths(&f, 3), 1000000);
	assert_int_equal(unusable_index_millionths(&f, 0), 0);
	assert_int_equal(largest_free_order(&f), 0);
}

/* A lack of memory is near 0, fragmentation near 1000. */
static void little_memory_is_not_fragmentation(void **state)
{
	struct free_counts one = {.blocks = {1}, .max_order = 10};
	struct free_counts many = {.blocks = {1000000}, .max_order = 10};
	assert_int_equal(extfrag_index_thousandths(&one, 10), 0);
	assert_int_equal(extfrag_index_thousandths(&many, 10), 1000);
}

static void nothing_free(void **state)
{
	struct free_counts f = {.max_order = 10};
	assert_int_equal(free_counts_pages(&f), 0);
	assert_int_equal(largest_free_order(&f), -1);
	assert_int_equal(extfrag_index_thousandths(&f, 0), 0);
	assert_int_equal(unusable_index_millionths(&f, 0), 1000000);
}

static void counts_add_up(void **state)
{
	struct free_counts sum = {.max_order = 10}, top = {.blocks = {[10] = 3}, .max_order = 10};
	free_counts_add(&sum, &bump);
	free_counts_add(&sum, &top);
	assert_int_equal(free_counts_pages(&sum), 3840 + 3072);
	assert_int_equal(largest_free_order(&sum), 10);
	assert_int_equal(extfrag_index_thousandths(&sum, 10), -1000);
}

static void latencies_by_kind_order_and_path(void **state)
{
	struct metrics m;
	metrics_init(&m);
	metrics_latency(&m, OP_ALLOC, 3, PATH_BUDDY, 700);
	metrics_latency(&m, OP_ALLOC, 3, PATH_BUDDY, 900);
	metrics_latency(&m, OP_FREE, 0, PATH_PCP, 5);
	assert_int_equal(m.latency_ps[OP_ALLOC][3][PATH_BUDDY]->count, 2);
	assert_int_equal(m.latency_ps[OP_ALLOC][3][PATH_BUDDY]->sum, 1600);
	assert_int_equal(m.latency_ps[OP_FREE][0][PATH_PCP]->max, 5);
	assert_null(m.latency_ps[OP_FREE][3][PATH_BUDDY]);
	metrics_release(&m);
	assert_null(m.latency_ps[OP_ALLOC][3][PATH_BUDDY]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxy_of_bump_state),
		cmocka_unit_test(linux_index_of_bump_state),
		cmocka_unit_test(hundred_single_pages),
		cmocka_unit_test(little_memory_is_not_fragmentation),
		cmocka_unit_test(nothing_free),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(latencies_by_kind_order_and_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
