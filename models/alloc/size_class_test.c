/*
 * Tests of size_class.c: known optima, exhaustive search, ties, and input that is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/size_class.h"
#include "kern/rng.h"

/* Parts of 100, so that a waste of 3.6 bytes a request is 360. */
static const struct size_weight mix[] = {{6, 15},  {8, 15}, {18, 40}, {22, 5},
					 {36, 10}, {40, 5}, {60, 10}};

static uint64_t waste_of(const struct size_weight *sizes, size_t count, const uint32_t *classes,
			 unsigned classes_count)
{
	struct size_class_waste waste;
	size_classes_waste(sizes, count, classes, classes_count, &waste);
	assert_int_equal(waste.unserved_weight, 0);
	return waste.waste_bytes;
}

static void assert_choice(const struct size_weight *sizes, size_t count, uint32_t grid,
			  unsigned classes_max, const uint32_t *wanted, unsigned wanted_count,
			  uint64_t wanted_waste)
{
	uint32_t classes[64];
	unsigned classes_count;
	struct err err = {0};
	assert_int_equal(
		size_classes_choose(sizes, count, grid, classes_max, classes, &classes_count, &err),
		0);
	assert_int_equal(classes_count, wanted_count);
	assert_memory_equal(classes, wanted, wanted_count * sizeof(*wanted));
	assert_int_equal(waste_of(sizes, count, classes, classes_count), wanted_waste);
}

/* O36. */
static void optima_of_the_example(void **state)
{
	const uint32_t grid8[] = {8, 24, 40, 64}, observed[] = {8, 18, 40, 60};
	const uint32_t pow2[] = {8, 16, 32, 64};
	assert_choice(mix, ARRAY_SIZE(mix), 8, 4, grid8, 4, 360);
	assert_choice(mix, ARRAY_SIZE(mix), 0, 4, observed, 4, 160);
	assert_int_equal(waste_of(mix, ARRAY_SIZE(mix), pow2, 4), 1080);
}

static void optima_of_uniform_sizes(void **state)
{
	const uint32_t best[] = {16, 32, 48, 64}, pow2[] = {8, 16, 32, 64};
	struct size_weight uniform[64];
	for (unsigned i = 0; i < 64; i++)
		uniform[i] = (struct size_weight){64 - i, 1}; /* any order will do */
	assert_choice(uniform, 64, 0, 4, best, 4, 480);       /* 7.5 each */
	assert_choice(uniform, 64, 8, 4, best, 4, 480);
	assert_int_equal(waste_of(uniform, 64, pow2, 4), 672); /* 10.5 each */
}

/* The least waste of any @left classes above the place @from, by trying all. */
static uint64_t exhaust(const struct size_weight *sizes, size_t count, uint32_t grid, uint32_t top,
			uint32_t *classes, unsigned used, unsigned left)
{
	uint64_t least = UINT64_MAX;
	uint32_t from = used ? classes[used - 1] : 0;
	if (left == 1) {
		classes[used] = top;
		return from < top ? waste_of(sizes, count, classes, used + 1) : UINT64_MAX;
	}
	for (uint32_t c = from + grid; c < top; c += grid) {
		classes[used] = c;
		least = u64_min(least,
				exhaust(sizes, count, grid, top, classes, used + 1, left - 1));
	}
	return u64_min(least, exhaust(sizes, count, grid, top, classes, used, left - 1));
}

static void as_good_as_any(void **state)
{
	struct rng r;
	rng_init(&r, 7, 0);
	for (unsigned round = 0; round < 200; round++) {
		struct size_weight sizes[12];
		size_t count = 1 + rng_below(&r, ARRAY_SIZE(sizes));
		uint32_t grid = 1u << rng_below(&r, 4), top = 0, classes[64], scratch[64];
		unsigned k = 1 + (unsigned)rng_below(&r, 4), classes_count;
		for (size_t i = 0; i < count; i++) {
			sizes[i].bytes = 1 + (uint32_t)rng_below(&r, 14 * grid);
			sizes[i].weight = rng_below(&r, 20);
			top = top > sizes[i].bytes ? top : sizes[i].bytes;
		}
		top = (top + grid - 1) / grid * grid;
		assert_int_equal(
			size_classes_choose(sizes, count, grid, k, classes, &classes_count, NULL),
			0);
		assert_true(classes_count <= k);
		assert_int_equal(waste_of(sizes, count, classes, classes_count),
				 exhaust(sizes, count, grid, top, scratch, 0, k));
	}
}

/* Two sets waste 8 bytes: {8, 24} and {16, 24}. */
static void ties_go_to_small_classes(void **state)
{
	const struct size_weight sizes[] = {{8, 1}, {16, 1}, {24, 1}};
	const uint32_t first[] = {8, 24}, all[] = {8, 16, 24};
	assert_choice(sizes, 3, 8, 2, first, 2, 8);
	assert_choice(sizes, 3, 8, 60, all, 3, 0); /* more than three change nothing */
}

static void waste_counts_what_is_too_large(void **state)
{
	const uint32_t classes[] = {8, 40};
	struct size_class_waste waste;
	size_classes_waste(mix, ARRAY_SIZE(mix), classes, 2, &waste);
	assert_int_equal(waste.unserved_weight, 10);
	assert_int_equal(waste.weight, 90);
	assert_int_equal(waste.bytes, 6 * 15 + 8 * 15 + 18 * 40 + 22 * 5 + 36 * 10 + 40 * 5);
	assert_int_equal(waste.waste_bytes, 2 * 15 + 22 * 40 + 18 * 5 + 4 * 10);
}

static void bad_input(void **state)
{
	static const struct {
		struct size_weight sizes[2];
		size_t count;
		uint32_t grid;
		const char *text;
	} rows[] = {
		{{{1, 1}}, 0, 8, "no sizes"},
		{{{8, 1}, {0, 1}}, 2, 8, "a size of 0 bytes; 1 to 4294967288"},
		{{{8, 1}, {0, 1}}, 2, 0, "a size of 0 bytes; 1 to 4294967295"},
		{{{UINT32_MAX, 1}}, 1, 8, "a size of 4294967295 bytes"},
		{{{8, UINT64_MAX}, {16, 1}}, 2, 8, "add up to 2^64"},
		{{{8, UINT64_MAX / 8}}, 1, 16, "more than 64 bits"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t classes[4];
		unsigned count;
		struct err err = {0};
		assert_int_equal(size_classes_choose(rows[i].sizes, rows[i].count, rows[i].grid, 4,
						     classes, &count, &err),
				 -1);
		assert_int_equal(err.code, ERR_CONFIG);
		if (!strstr(err.text, rows[i].text))
			fail_msg("\"%s\" instead of \"%s\"", err.text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(optima_of_the_example),
		cmocka_unit_test(optima_of_uniform_sizes),
		cmocka_unit_test(as_good_as_any),
		cmocka_unit_test(ties_go_to_small_classes),
		cmocka_unit_test(waste_counts_what_is_too_large),
		cmocka_unit_test(bad_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
