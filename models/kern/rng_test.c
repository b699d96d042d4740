/*
 * Tests of rng.c: the published first outputs of both generators, uniformity, and the functions
 * that must not depend on the C library, against the C library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kern/rng.h"

static void splitmix64_published_outputs(void **state)
{
	static const uint64_t expected[] = {
		UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
		UINT64_C(16408922859458223821),
	};
	uint64_t x = 1234567;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(splitmix64(&x) == expected[i]);
	x = 0;
	assert_true(splitmix64(&x) == UINT64_C(0xe220a8397b1dcdaf));
}

static void xoshiro256ss_published_outputs(void **state)
{
	static const uint64_t expected[] = {
		11520,
		0,
		1509978240,
		UINT64_C(1215971899390074240),
		UINT64_C(1216172134540287360),
		UINT64_C(607988272756665600),
		UINT64_C(16172922978634559625),
		UINT64_C(8476171486693032832),
		UINT64_C(10595114339597558777),
		UINT64_C(2904607092377533576),
	};
	struct rng r = {.s = {1, 2, 3, 4}};
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(rng_u64(&r) == expected[i]);
}

static void streams_are_repeatable_and_differ(void **state)
{
	struct rng a, b, c, d;
	rng_init(&a, 42, 7);
	rng_init(&b, 42, 7);
	rng_init(&c, 42, 8);
	rng_init(&d, 43, 7);
	for (int i = 0; i < 100; i++) {
		uint64_t x = rng_u64(&a);
		assert_true(x == rng_u64(&b));
		assert_true(x != rng_u64(&c));
		assert_true(x != rng_u64(&d));
	}
	rng_init(&a, 0, 0); /* the all-zero state, which would never leave zero, can't arise */
	assert_true(a.s[0] | a.s[1] | a.s[2] | a.s[3]);
}

/*
 * Each value of 0..bound-1 is drawn equally often: chi-squared within 6 standard deviations. A
 * bound of 2/3 of 2^64 shows the bias of a plain remainder, which halves the upper half's share.
 */
static void below_is_unbiased(void **state)
{
	static const uint64_t bounds[] = {2, 3, 7, 10, 64, 100, 1000};
	struct rng r;
	rng_init(&r, 1, 2);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		uint64_t counts[1000] = {0}, draws = 100000;
		for (uint64_t k = 0; k < draws; k++) {
			uint64_t x = rng_below(&r, bounds[i]);
			assert_true(x < bounds[i]);
			counts[x]++;
		}
		double expected = (double)draws / (double)bounds[i], chi2 = 0;
		for (uint64_t k = 0; k < bounds[i]; k++)
			chi2 += ((double)counts[k] - expected) * ((double)counts[k] - expected) /
				expected;
		double freedom = (double)bounds[i] - 1;
		assert_true(fabs(chi2 - freedom) < 6 * sqrt(2 * freedom));
	}
	uint64_t bound = UINT64_MAX / 3 * 2, low = 0;
	for (int k = 0; k < 100000; k++)
		low += rng_below(&r, bound) < bound / 2;
	assert_true(low > 49000 && low < 51000); /* 6 sigma: 949 */
	assert_int_equal(rng_below(&r, 1), 0);
}

/* Within 6 standard errors of the moments of each distribution. */
static void moments(void **state)
{
	enum { N = 200000 };
	struct rng r;
	rng_init(&r, 3, 0);
	double unit = 0, exponential = 0, normal = 0, square = 0;
	for (int i = 0; i < N; i++) {
		double u = rng_unit(&r), n = rng_normal(&r), e = rng_exponential(&r);
		assert_true(u >= 0.0 && u < 1.0);
		assert_true(e >= 0.0);
		unit += u;
		exponential += e;
		normal += n;
		square += n * n;
	}
	assert_true(fabs(unit / N - 0.5) < 6 * sqrt(1.0 / 12 / N));
	assert_true(fabs(exponential / N - 1.0) < 6 * sqrt(1.0 / N));
	assert_true(fabs(normal / N) < 6 * sqrt(1.0 / N));
	assert_true(fabs(square / N - 1.0) < 6 * sqrt(2.0 / N));
}

/* How many doubles lie between two of the same sign. */
static uint64_t ulps(double a, double b)
{
	int64_t x, y;
	memcpy(&x, &a, sizeof(x));
	memcpy(&y, &b, sizeof(y));
	return x > y ? (uint64_t)(x - y) : (uint64_t)(y - x);
}

static void log_like_libm(void **state)
{
	struct rng r;
	rng_init(&r, 4, 0);
	assert_true(det_log(1.0) == 0.0);
	uint64_t worst = 0;
	for (int e = -1021; e < 1023; e++) {
		for (int i = 0; i < 50; i++) {
			double x = ldexp(1.0 + rng_unit(&r), e);
			uint64_t d = ulps(det_log(x), log(x));
			worst = d > worst ? d : worst;
		}
	}
	for (int i = 0; i < 50000; i++) { /* around 1, where the result loses its leading digits */
		double x = 0.5 + rng_unit(&r);
		uint64_t d = ulps(det_log(x), log(x));
		worst = d > worst ? d : worst;
	}
	if (worst > 4)
		fail_msg("det_log is %llu ulp off", (unsigned long long)worst);
}

static void exp_like_libm(void **state)
{
	struct rng r;
	rng_init(&r, 5, 0);
	assert_true(det_exp(0.0) == 1.0);
	uint64_t worst = 0;
	for (int i = 0; i < 100000; i++) {
		double x = (2.0 * rng_unit(&r) - 1.0) * 708.0;
		double small = x / 708.0 / 1024.0;
		uint64_t d = ulps(det_exp(x), exp(x)), s = ulps(det_exp(small), exp(small));
		worst = d > worst ? d : worst;
		worst = s > worst ? s : worst;
	}
	if (worst > 4)
		fail_msg("det_exp is %llu ulp off", (unsigned long long)worst);
	assert_true(det_exp(-1000.0) == 0.0);
	assert_true(det_exp(1000.0) == det_exp(709.0) && isfinite(det_exp(1000.0)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splitmix64_published_outputs),
		cmocka_unit_test(xoshiro256ss_published_outputs),
		cmocka_unit_test(streams_are_repeatable_and_differ),
		cmocka_unit_test(below_is_unbiased),
		cmocka_unit_test(moments),
		cmocka_unit_test(log_like_libm),
		cmocka_unit_test(exp_like_libm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
