/*
 * sample_test.c - draws: evenly spread, the same everywhere, independent of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/sample.h"

#define COUNT 1000

/* How many of COUNT equal intervals have exactly one of @u. */
static unsigned strata_with_one(const double *u)
{
	unsigned hits[COUNT] = {0}, count = 0;
	for (unsigned i = 0; i < COUNT; i++) {
		assert_true(u[i] >= 0 && u[i] < 1);
		hits[(unsigned)(u[i] * COUNT)]++;
	}
	for (unsigned i = 0; i < COUNT; i++)
		count += hits[i] == 1;
	return count;
}

static void test_hypercube(void **state)
{
	double u[COUNT], other[COUNT];
	unsigned same = 0;
	assert_int_equal(sample_unit(u, COUNT, true, 1, 5), 0);
	assert_int_equal(strata_with_one(u), COUNT);
	/* The order is another for each parameter. */
	assert_int_equal(sample_unit(other, COUNT, true, 1, 6), 0);
	assert_int_equal(strata_with_one(other), COUNT);
	for (unsigned i = 0; i < COUNT; i++)
		same += (unsigned)(u[i] * COUNT) == (unsigned)(other[i] * COUNT);
	assert_true(same < 20);
	/* Off: independent draws leave about 1/e of the strata empty, 1/e with one. */
	assert_int_equal(sample_unit(u, COUNT, false, 1, 5), 0);
	assert_in_range(strata_with_one(u), 300, 440);
}

static void test_reproducible(void **state)
{
	double u[COUNT], again[COUNT];
	for (int hypercube = 0; hypercube < 2; hypercube++) {
		assert_int_equal(sample_unit(u, COUNT, hypercube, 9, 2), 0);
		assert_int_equal(sample_unit(again, COUNT, hypercube, 9, 2), 0);
		assert_memory_equal(u, again, sizeof(u));
		assert_int_equal(sample_unit(again, COUNT, hypercube, 8, 2), 0);
		assert_memory_not_equal(u, again, sizeof(u));
	}
}

static void test_integers(void **state)
{
	const struct sample_range orders = {.is_integer = true, .from = 2, .to = 4, .step = 1};
	const struct sample_range one = {.is_integer = true, .from = 7, .to = 7, .step = 1};
	char text[UNITS_TEXT];
	assert_string_equal(sample_value(&orders, 0, text), "2");
	assert_string_equal(sample_value(&orders, 0.333, text), "2");
	assert_string_equal(sample_value(&orders, 0.334, text), "3");
	assert_string_equal(sample_value(&orders, 0.999999, text), "4");
	assert_string_equal(sample_value(&orders, 1, text), "4");
	assert_string_equal(sample_value(&one, 0.5, text), "7");
}

/* Values of a logarithmic range get the parts from log k to log (k + 1). */
static void test_logarithmic(void **state)
{
	const struct sample_range r = {.is_integer = true, .is_log = true, .from = 1, .to = 3,
				       .step = 1};
	const struct sample_range real = {.is_log = true, .real_from = 0.01, .real_to = 100};
	char text[UNITS_TEXT];
	assert_string_equal(sample_value(&r, 0.499, text), "1");
	assert_string_equal(sample_value(&r, 0.501, text), "2");
	assert_string_equal(sample_value(&r, 0.792, text), "2");
	assert_string_equal(sample_value(&r, 0.793, text), "3");
	assert_string_equal(sample_value(&r, 1, text), "3");
	assert_true(strtod(sample_value(&real, 0.5, text), NULL) > 0.9999999);
	assert_true(strtod(sample_value(&real, 0.5, text), NULL) < 1.0000001);
	assert_string_equal(sample_value(&real, 0, text), "0.01");
	assert_true(strtod(sample_value(&real, 1, text), NULL) <= 100);
}

static void test_pages(void **state)
{
	const struct sample_range r = {.unit = UNIT_BYTES, .is_integer = true, .is_log = true,
				       .from = 64 << 20, .to = UINT64_C(4) << 30, .step = 4096};
	char text[UNITS_TEXT], why[UNITS_WHY];
	uint64_t bytes;
	for (unsigned i = 0; i <= 100; i++) {
		sample_value(&r, i / 100.0, text);
		assert_int_equal(units_parse_u64(UNIT_BYTES, text, &bytes, why), 0);
		assert_int_equal(bytes % 4096, 0);
		assert_true(bytes >= r.from && bytes <= r.to);
	}
	assert_string_equal(sample_value(&r, 0, text), "64MiB");
	assert_string_equal(sample_value(&r, 1, text), "4GiB");
}

static void test_choices(void **state)
{
	assert_int_equal(sample_choice(3, 0), 0);
	assert_int_equal(sample_choice(3, 0.34), 1);
	assert_int_equal(sample_choice(3, 0.999), 2);
	assert_int_equal(sample_choice(3, 1), 2);
}

/* Seeds differ, and are these numbers for ever: results refer to them. */
static void test_seeds(void **state)
{
	for (uint64_t i = 0; i < 100; i++) {
		for (uint64_t j = 0; j < i; j++)
			assert_true(sample_seed(1, i) != sample_seed(1, j));
	}
	assert_true(sample_seed(1, 0) != sample_seed(2, 0));
	assert_true(sample_seed(1, 3) == UINT64_C(12773366489153039575));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hypercube),   cmocka_unit_test(test_reproducible),
		cmocka_unit_test(test_integers),    cmocka_unit_test(test_logarithmic),
		cmocka_unit_test(test_pages),       cmocka_unit_test(test_choices),
		cmocka_unit_test(test_seeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
