/*
 * Tests of the generators: rates, distributions, phases, ends, independence of the streams, memory.
 * Seeds are fixed; tolerances are five standard errors of what is measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/workload.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)

static struct config config;
static struct workload workload;
static struct config_generator generators[2];

static struct config_dist constant(double v)
{
	return (struct config_dist){.kind = DIST_CONSTANT, .value = v};
}

static void open_on(unsigned cpus)
{
	struct err err = {0};
	assert_int_equal(workload_from_generators(&workload, &config, cpus, &err), 0);
}

/* One generator, on all CPUs, of order 0, 10000/s, living 1 ms, for a second. */
static int setup(void **state)
{
	config_init(&config);
	memset(generators, 0, sizeof(generators));
	for (size_t i = 0; i < ARRAY_SIZE(generators); i++) {
		struct config_generator *g = &generators[i];
		memset(g->cpus, 0xff, sizeof(g->cpus));
		g->gfp = GFP_KERNEL;
		g->order = constant(0);
		g->lifetime_ns = constant(1e6);
		g->rate_per_s = 10000;
	}
	config.workload.generators = generators;
	config.workload.generators_count = 1;
	config.workload.duration_ns = S;
	return 0;
}

static int teardown(void **state)
{
	workload_release(&workload);
	config.workload.generators = NULL; /* not the heap's */
	config.workload.generators_count = 0;
	config_release(&config);
	return 0;
}

/* Everything a stream did, folded. */
struct tally {
	uint64_t allocs, frees, times_hash, ids_hash;
	double order_sum, lifetime_sum_ns, lifetime_squares;
	double lifetime_min_ns, lifetime_max_ns;
	ps_t last_ps;
	uint64_t live, live_max;
};

#define IDS 400000
static ps_t born_ps[IDS];

static uint64_t mix(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * UINT64_C(1099511628211);
}

/* Run @cpu of @cpus to its end, checking what holds for every stream. */
static struct tally run_stream(unsigned cpu, unsigned cpus)
{
	struct tally t = {.lifetime_min_ns = INFINITY};
	struct op op;
	while (workload_next(&workload, cpu, &op)) {
		uint64_t chunk = op.id / OBJECT_CHUNK_SIZE; /* its streams take turns */
		assert_int_equal(chunk % cpus, cpu);
		uint64_t i = chunk / cpus * OBJECT_CHUNK_SIZE + op.id % OBJECT_CHUNK_SIZE;
		assert_true(i < IDS);
		assert_true(op.at_ps >= t.last_ps);
		t.last_ps = op.at_ps;
		t.times_hash = mix(mix(t.times_hash, op.at_ps), op.kind << 8 | op.order);
		t.ids_hash = mix(t.ids_hash, i);
		if (op.kind == OP_ALLOC) {
			assert_int_equal(i, t.allocs); /* dense, in order */
			born_ps[i] = op.at_ps;
			t.allocs++;
			t.order_sum += op.order;
			t.live++;
			t.live_max = u64_max(t.live_max, t.live);
		} else {
			assert_true(i < t.allocs);
			assert_true(born_ps[i] != UINT64_MAX); /* not freed before */
			double ns = (double)(op.at_ps - born_ps[i]) / 1000.0;
			born_ps[i] = UINT64_MAX;
			t.frees++;
			t.live--;
			t.lifetime_sum_ns += ns;
			t.lifetime_squares += ns * ns;
			t.lifetime_min_ns = fmin(t.lifetime_min_ns, ns);
			t.lifetime_max_ns = fmax(t.lifetime_max_ns, ns);
		}
	}
	assert_false(workload_next(&workload, cpu, &op));
	return t;
}

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.9g is not within %.3g of %.9g", value, tolerance, expected);
}

/* --- arrivals --------------------------------------------------------------------------------- */

static void test_rate(void **state)
{
	static const double rates[] = {10, 1000, 50000, 300000};
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		generators[0].rate_per_s = rates[i];
		open_on(1);
		struct tally t = run_stream(0, 1);
		assert_near((double)t.allocs, rates[i], 5 * sqrt(rates[i]));
		workload_release(&workload);
	}
}

/* Little's law: the number that lives is rate x lifetime. */
static void test_live_count(void **state)
{
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_in_range(t.live_max, 10, 40); /* mean 10, Poisson */
	assert_true(t.allocs - t.frees <= t.live_max);
}

/* Gaps of a Poisson process: the standard deviation equals the mean. */
static void test_gaps_are_exponential(void **state)
{
	struct op op;
	double sum = 0, squares = 0;
	uint64_t n = 0;
	ps_t last = 0;
	open_on(1);
	while (workload_next(&workload, 0, &op)) {
		if (op.kind != OP_ALLOC)
			continue;
		double gap = (double)(op.at_ps - last);
		last = op.at_ps;
		sum += gap;
		squares += gap * gap;
		n++;
	}
	double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
	assert_near(mean / 1e8, 1.0, 5 / sqrt((double)n));
	assert_near(sqrt(variance) / mean, 1.0, 5 * sqrt(2 / (double)n));
}

static void test_phases(void **state)
{
	struct config_generator *g = &generators[0];
	struct op op;
	uint64_t in[3] = {0};
	g->phases[0] = (struct config_phase){.duration_ns = 10 * MS, .rate_factor = 1.0};
	g->phases[1] = (struct config_phase){.duration_ns = 20 * MS, .rate_factor = 0};
	g->phases[2] = (struct config_phase){.duration_ns = 10 * MS, .rate_factor = 3.0};
	g->phases_count = 3;
	open_on(1);
	while (workload_next(&workload, 0, &op)) {
		uint64_t at = op.at_ps / PS_PER_NS % (40 * MS);
		if (op.kind == OP_ALLOC)
			in[at < 10 * MS ? 0 : at < 30 * MS ? 1 : 2]++;
	}
	assert_near((double)in[0], 2500, 5 * sqrt(2500));
	assert_int_equal(in[1], 0);
	assert_near((double)in[2], 7500, 5 * sqrt(7500));
}

static void test_phases_that_never_arrive(void **state)
{
	struct op op;
	generators[0].phases[0] = (struct config_phase){.duration_ns = 10, .rate_factor = 0};
	generators[0].phases_count = 1;
	config.workload.duration_ns = 0;
	generators[0].count_max = 5;
	open_on(1);
	assert_false(workload_next(&workload, 0, &op));
}

/* Thousands of phases between two arrivals must not be walked one by one. */
static void test_short_phases_at_a_low_rate(void **state)
{
	struct config_generator *g = &generators[0];
	g->phases[0] = (struct config_phase){.duration_ns = 1, .rate_factor = 0.5};
	g->phases[1] = (struct config_phase){.duration_ns = 3, .rate_factor = 1.5};
	g->phases_count = 2;
	g->rate_per_s = 1;
	g->lifetime_ns = constant(0);
	config.workload.duration_ns = 400 * S;
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_near((double)t.allocs, 500, 5 * sqrt(500)); /* mean factor 1.25 */
}

/* Rates so low that the next arrival is after the end of all time. */
static void test_beyond_all_time(void **state)
{
	struct op op;
	config.workload.duration_ns = 0;
	generators[0].count_max = 3;
	generators[0].rate_per_s = 1e-12;
	open_on(1);
	assert_false(workload_next(&workload, 0, &op));
	workload_release(&workload);
	generators[0].phases[0] = (struct config_phase){.duration_ns = 1, .rate_factor = 1};
	generators[0].phases_count = 1;
	open_on(1);
	assert_false(workload_next(&workload, 0, &op));
}

static void test_cpus_mask(void **state)
{
	struct op op;
	memset(generators[0].cpus, 0, sizeof(generators[0].cpus));
	generators[0].cpus[1] = UINT64_C(1) << 6; /* CPU 70 */
	open_on(72);
	for (unsigned cpu = 0; cpu < 72; cpu++)
		assert_int_equal(workload_next(&workload, cpu, &op), cpu == 70);
}

/* --- lifetimes, orders, sizes ----------------------------------------------------------------- */

static struct tally lifetimes(struct config_dist d)
{
	workload_release(&workload);
	generators[0].lifetime_ns = d;
	generators[0].rate_per_s = 200000;
	config.workload.duration_ns = 0;
	generators[0].count_max = 200000;
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_int_equal(t.allocs, 200000);
	assert_int_equal(t.frees, 200000);
	return t;
}

static void assert_mean(const struct tally *t, double mean, double deviation)
{
	assert_near(t->lifetime_sum_ns / (double)t->frees, mean,
		    5 * deviation / sqrt((double)t->frees));
}

static void test_lifetime_distributions(void **state)
{
	struct tally t = lifetimes(constant(12345));
	assert_near(t.lifetime_min_ns, 12345, 0.001);
	assert_near(t.lifetime_max_ns, 12345, 0.001);

	t = lifetimes((struct config_dist){.kind = DIST_UNIFORM, .min = 1000, .max = 5000});
	assert_mean(&t, 3000, 4000 / sqrt(12));
	assert_true(t.lifetime_min_ns >= 1000 && t.lifetime_max_ns <= 5000);

	t = lifetimes((struct config_dist){.kind = DIST_EXPONENTIAL, .mean = 7000});
	assert_mean(&t, 7000, 7000);
	double mean = t.lifetime_sum_ns / (double)t.frees;
	assert_near(sqrt(t.lifetime_squares / (double)t.frees - mean * mean) / 7000, 1, 0.03);

	/* mean is that of the values, not of their logarithms */
	t = lifetimes((struct config_dist){.kind = DIST_LOGNORMAL, .mean = 9000, .sigma = 0.8});
	assert_mean(&t, 9000, 9000 * sqrt(exp(0.64) - 1));

	t = lifetimes((struct config_dist){.kind = DIST_PARETO, .scale = 1000, .shape = 4});
	assert_mean(&t, 4000.0 / 3, 1000 * sqrt(4.0 / (9 * 2)));
	assert_true(t.lifetime_min_ns >= 999.999);

	t = lifetimes((struct config_dist){.kind = DIST_CHOICE, .choices_count = 3,
					   .choices = {{100, 1}, {1000, 2}, {10000, 1}}});
	assert_mean(&t, 3025, 4100);
}

static void test_clamps(void **state)
{
	struct tally t = lifetimes((struct config_dist){
		.kind = DIST_EXPONENTIAL, .mean = 1000, .min = 500, .max = 2000});
	assert_near(t.lifetime_min_ns, 500, 0.001);
	assert_near(t.lifetime_max_ns, 2000, 0.001);
	/* E[clamp] = 500 + integral of the tail from 500 to 2000 */
	assert_mean(&t, 500 + 1000 * (exp(-0.5) - exp(-2)), 600);
}

static void test_orders(void **state)
{
	config.workload.duration_ns = 10 * S;
	generators[0].order = (struct config_dist){.kind = DIST_UNIFORM, .min = 1, .max = 4};
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_near(t.order_sum / (double)t.allocs, 2.5, 5 * sqrt(1.25 / (double)t.allocs));
	workload_release(&workload);
	generators[0].order = (struct config_dist){.kind = DIST_CHOICE, .choices_count = 2,
						   .choices = {{0, 3}, {8, 1}}};
	open_on(1);
	t = run_stream(0, 1);
	assert_near(t.order_sum / (double)t.allocs, 2.0, 5 * sqrt(12.0 / (double)t.allocs));
}

static void test_sizes_round_up(void **state)
{
	static const struct {
		double bytes;
		unsigned order;
	} rows[] = {{1, 0},     {4096, 0},  {4097, 1},      {8192, 1},
		    {12288, 2}, {65536, 4}, {134217728, 15}};
	struct op op;
	generators[0].what = GENERATOR_SIZE;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		generators[0].size_bytes = constant(rows[i].bytes);
		open_on(1);
		assert_true(workload_next(&workload, 0, &op));
		assert_int_equal(op.order, rows[i].order);
		assert_int_equal(op.gfp, GFP_KERNEL);
		workload_release(&workload);
	}
}

/* --- ends ------------------------------------------------------------------------------------- */

static void test_count(void **state)
{
	generators[0].count_max = 77;
	config.workload.duration_ns = 0;
	open_on(2);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		struct tally t = run_stream(cpu, 2);
		assert_int_equal(t.allocs, 77);
		assert_int_equal(t.frees, 77);
	}
}

static void test_duration_ends_it(void **state)
{
	generators[0].lifetime_ns = constant(1e8);
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_true(t.last_ps < S * PS_PER_NS);
	assert_in_range(t.allocs - t.frees, 800, 1200); /* 10000/s x 0.1 s */
}

static void test_free_at_end(void **state)
{
	config.workload.free_at_end = true;
	generators[0].lifetime_ns = constant(INFINITY);
	open_on(1);
	struct tally t = run_stream(0, 1);
	assert_int_equal(t.allocs, t.frees);
	assert_int_equal(t.last_ps, S * PS_PER_NS);
	workload_release(&workload);
	config.workload.duration_ns = 0;
	generators[0].count_max = 10;
	open_on(1);
	t = run_stream(0, 1);
	assert_int_equal(t.frees, 10);
}

static void test_forever(void **state)
{
	generators[0].lifetime_ns = constant(INFINITY);
	open_on(1);
	assert_int_equal(run_stream(0, 1).frees, 0);
}

static void test_pace_and_scale(void **state)
{
	open_on(1);
	struct tally t = run_stream(0, 1), scaled;
	workload_release(&workload);
	config.workload.time_scale = 3;
	open_on(1);
	scaled = run_stream(0, 1);
	assert_int_equal(scaled.allocs, t.allocs);
	assert_near((double)scaled.last_ps, 3.0 * (double)t.last_ps, 2.0);
	workload_release(&workload);
	config.workload.pace = PACE_BACK_TO_BACK;
	open_on(1);
	assert_int_equal(run_stream(0, 1).last_ps, 0);
}

/* --- independence ----------------------------------------------------------------------------- */

static void test_deterministic(void **state)
{
	generators[0].lifetime_ns =
		(struct config_dist){.kind = DIST_LOGNORMAL, .mean = 1e6, .sigma = 2};
	open_on(1);
	struct tally a = run_stream(0, 1);
	workload_release(&workload);
	open_on(1);
	struct tally b = run_stream(0, 1);
	workload_release(&workload);
	assert_memory_equal(&a, &b, sizeof(a));
	config.seed++;
	open_on(1);
	b = run_stream(0, 1);
	assert_int_not_equal(a.times_hash, b.times_hash);
}

static void test_cpus_are_independent(void **state)
{
	open_on(1);
	struct tally alone = run_stream(0, 1), other;
	workload_release(&workload);
	open_on(5);
	other = run_stream(0, 5);
	assert_int_equal(alone.times_hash, other.times_hash);
	assert_int_equal(alone.ids_hash, other.ids_hash);
	for (unsigned cpu = 1; cpu < 5; cpu++)
		assert_int_not_equal(run_stream(cpu, 5).times_hash, alone.times_hash);
}

/* A second generator leaves the first one's arrivals and orders as they were. */
static void test_generators_are_independent(void **state)
{
	struct op op;
	uint64_t hash[2] = {0};
	generators[0].order = (struct config_dist){.kind = DIST_UNIFORM, .min = 0, .max = 3};
	generators[1].gfp = GFP_ATOMIC;
	generators[1].rate_per_s = 33333;
	for (unsigned count = 1; count <= 2; count++) {
		config.workload.generators_count = count;
		open_on(1);
		while (workload_next(&workload, 0, &op)) {
			if (op.kind == OP_ALLOC && op.gfp == GFP_KERNEL)
				hash[count - 1] = mix(mix(hash[count - 1], op.at_ps), op.order);
		}
		workload_release(&workload);
	}
	assert_int_equal(hash[0], hash[1]);
}

/* --- memory ----------------------------------------------------------------------------------- */

static long rss_max_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* Ten million operations with 1000 live objects, in a child with a fresh high-water mark. */
static void test_memory_follows_what_lives(void **state)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct op op;
		uint64_t n = 0;
		generators[0].rate_per_s = 1e6;
		config.workload.duration_ns = 0;
		generators[0].count_max = UINT32_MAX;
		open_on(1);
		for (; n < 10000 && workload_next(&workload, 0, &op); n++)
			;
		long before = rss_max_kib();
		for (; n < 10000000 && workload_next(&workload, 0, &op); n++)
			;
		_exit(n == 10000000 && rss_max_kib() - before < 2048 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rate),
		TEST(test_live_count),
		TEST(test_gaps_are_exponential),
		TEST(test_phases),
		TEST(test_phases_that_never_arrive),
		TEST(test_short_phases_at_a_low_rate),
		TEST(test_beyond_all_time),
		TEST(test_cpus_mask),
		TEST(test_lifetime_distributions),
		TEST(test_clamps),
		TEST(test_orders),
		TEST(test_sizes_round_up),
		TEST(test_count),
		TEST(test_duration_ends_it),
		TEST(test_free_at_end),
		TEST(test_forever),
		TEST(test_pace_and_scale),
		TEST(test_deterministic),
		TEST(test_cpus_are_independent),
		TEST(test_generators_are_independent),
		TEST(test_memory_follows_what_lives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
