/* Tests of hist.c against sorted arrays of the values themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/hist.h"
#include "kern/rng.h"

#define VALUES 5000

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Buckets follow each other without a gap, over all 64-bit values. */
static void buckets_cover_everything(void **state)
{
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		uint64_t max = hist_bucket_max(i);
		assert_int_equal(hist_index(max), i);
		if (i + 1 < HIST_BUCKETS)
			assert_int_equal(hist_index(max + 1), i + 1);
		else
			assert_true(max == UINT64_MAX);
		uint64_t width = i ? max - hist_bucket_max(i - 1) : 1;
		assert_true(width == 1 || width <= max / 32);
	}
	assert_int_equal(hist_index(0), 0);
	assert_int_equal(hist_index(31), 31);
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
}

/* A quantile is never below the true one, and at most 1/32 above it. */
static void quantiles_like_a_sorted_array(void **state)
{
	static uint64_t values[VALUES];
	static const unsigned per_mille[] = {1, 10, 250, 500, 900, 990, 999, 1000};
	for (unsigned shape = 0; shape < 4; shape++) {
		struct rng r;
		struct hist h;
		uint64_t sum = 0;
		hist_init(&h);
		rng_init(&r, 9, shape);
		for (int i = 0; i < VALUES; i++) {
			/* Small, wide, over all magnitudes, and nearly all equal. */
			values[i] = shape == 0   ? rng_below(&r, 40)
				    : shape == 1 ? rng_below(&r, 1000000)
				    : shape == 2 ? rng_u64(&r) >> rng_below(&r, 60) >> 13
						 : 777 + (i % 1000 == 0);
			sum += values[i];
			hist_add(&h, values[i]);
		}
		qsort(values, VALUES, sizeof(values[0]), by_value);
		assert_int_equal(h.count, VALUES);
		assert_true(h.sum == sum);
		assert_true(h.min == values[0] && h.max == values[VALUES - 1]);
		for (size_t q = 0; q < sizeof(per_mille) / sizeof(per_mille[0]); q++) {
			uint64_t rank = ((uint64_t)VALUES * per_mille[q] + 999) / 1000;
			uint64_t truth = values[rank - 1], got = hist_quantile(&h, per_mille[q]);
			assert_true(got >= truth && got <= truth + truth / 32);
		}
		assert_true(hist_quantile(&h, 1000) == h.max);
	}
}

/* Histograms of eight parts, merged, are the histogram of the whole: O49. */
static void merged_parts_equal_the_whole(void **state)
{
	static struct hist whole, part, sum;
	struct rng r;
	hist_init(&whole);
	hist_init(&sum);
	rng_init(&r, 10, 0);
	for (int shard = 0; shard < 8; shard++) {
		hist_init(&part);
		for (int i = 0; i < 500; i++) {
			uint64_t v = rng_u64(&r) >> rng_below(&r, 64) >> 12;
			hist_add(&whole, v);
			hist_add(&part, v);
		}
		hist_merge(&sum, &part);
	}
	assert_int_equal(sum.count, 4000);
	assert_memory_equal(&sum, &whole, sizeof(sum));
	hist_init(&part);
	hist_merge(&sum, &part); /* an empty one changes nothing */
	assert_memory_equal(&sum, &whole, sizeof(sum));
}

static void extremes(void **state)
{
	struct hist h;
	hist_init(&h);
	assert_int_equal(hist_quantile(&h, 500), 0);
	assert_true(h.min == UINT64_MAX);
	hist_add(&h, 0);
	assert_int_equal(hist_quantile(&h, 1000), 0);
	hist_add(&h, UINT64_MAX);
	hist_add(&h, UINT64_MAX);
	assert_true(h.sum == UINT64_MAX); /* saturated */
	assert_true(h.min == 0 && h.max == UINT64_MAX);
	assert_int_equal(hist_quantile(&h, 1), 0);
	assert_int_equal(hist_quantile(&h, 333), 0);
	assert_true(hist_quantile(&h, 334) == UINT64_MAX);
	struct hist g = h;
	hist_merge(&g, &h);
	assert_true(g.sum == UINT64_MAX && g.count == 6);
	/* Counts near the limit: the rank must not overflow. */
	hist_init(&h);
	hist_add(&h, 5);
	h.count = h.bucket[hist_index(5)] = UINT64_MAX;
	assert_int_equal(hist_quantile(&h, 999), 5);
	assert_int_equal(hist_quantile(&h, 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_cover_everything),
		cmocka_unit_test(quantiles_like_a_sorted_array),
		cmocka_unit_test(merged_parts_equal_the_whole),
		cmocka_unit_test(extremes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
