/*
 * Tests of generators of objects, and of those that follow a table. Seeds are fixed; tolerances are
 * four standard errors of what is measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/env.h"
#include "kern/gfp.h"
#include "sim/workload.h"

#define S   UINT64_C(1000000000)
#define IDS 400000

static struct config config;
static struct workload workload;
static struct config_generator generators[1];

/* On all CPUs 10000/s that live 1 ms, for a second. */
static int setup(void **state)
{
	struct config_generator *g = &generators[0];
	config_init(&config);
	memset(generators, 0, sizeof(generators));
	memset(g->cpus, 0xff, sizeof(g->cpus));
	g->gfp = GFP_KERNEL;
	g->lifetime_ns = (struct config_dist){.kind = DIST_CONSTANT, .value = 1e6};
	g->rate_per_s = 10000;
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

static void open_on(unsigned cpus)
{
	struct err err = {0};
	if (workload_from_generators(&workload, &config, cpus, &err) != 0)
		fail_msg("%s", err.text);
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
	return (hash ^ v) * UINT64_C(1099511628211);
}

static void assert_near(double value, double expected, double tolerance)
{
	if (!(fabs(value - expected) <= tolerance))
		fail_msg("%.9g is not within %.3g of %.9g", value, tolerance, expected);
}

#define FLEET SOURCE_ROOT "/workloads/fleet/TCMALLOC_4.csv"

/* What a generator of objects does, by size. */
#define SIZES 64
struct size_tally {
	uint64_t bytes;
	double allocs, frees, prefilled, lifetime_sum_s;
};
static struct size_tally sizes[SIZES];
static double born_s[IDS];
static uint32_t size_of[IDS];

static struct size_tally *tally_of(uint64_t bytes)
{
	for (size_t i = 0; i < SIZES; i++) {
		struct size_tally *t = &sizes[i];
		if (t->bytes == bytes || (t->allocs <= 0 && t->prefilled <= 0)) {
			t->bytes = bytes;
			return t;
		}
	}
	fail_msg("more than %d sizes", SIZES);
	return NULL;
}

static void run_objects(void)
{
	struct op op;
	uint64_t made = 0;
	memset(sizes, 0, sizeof(sizes));
	while (workload_next(&workload, 0, &op)) {
		double at_s = (double)op.at_ps / 1e12;
		assert_true(op.id < IDS);
		if (op.kind == OP_KMALLOC) {
			struct size_tally *t = tally_of(op.bytes);
			assert_int_equal(op.id, made++);
			*(op.at_ps ? &t->allocs : &t->prefilled) += 1;
			born_s[op.id] = at_s;
			size_of[op.id] = (uint32_t)(t - sizes);
		} else {
			assert_int_equal(op.kind, OP_OBJECT_FREE);
			assert_true(op.id < made);
			struct size_tally *t = &sizes[size_of[op.id]];
			t->frees++;
			t->lifetime_sum_s += at_s - born_s[op.id];
		}
	}
}

/* Generator 0 follows the table in @path. */
static void use_table(const char *path)
{
	struct config_generator *g = &generators[0];
	g->what = GENERATOR_FLEET;
	g->rate_per_s = 0;
	g->rate_factor = 1;
	g->prefill = true;
	snprintf(g->fleet, sizeof(g->fleet), "%s", path);
}

static void open_on_table(const char *text, double rate_factor, bool prefill)
{
	char path[] = "/tmp/allocsim-generator-test.XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	use_table(path);
	generators[0].rate_factor = rate_factor;
	generators[0].prefill = prefill;
	open_on(1);
	unlink(path);
}

static void test_kmalloc(void **state)
{
	struct config_generator *g = &generators[0];
	struct op op;
	double sum = 0, n = 0;
	g->what = GENERATOR_KMALLOC;
	g->kmalloc_bytes = (struct config_dist){.kind = DIST_CHOICE, .choices_count = 2,
						.choices = {{0, 3}, {100, 1}}};
	g->context = CONTEXT_IRQ;
	open_on(1);
	assert_false(workload_next(&workload, 0, &op)); /* what interrupts do stands apart */
	while (workload_next_interrupt(&workload, 0, &op)) {
		assert_true(op.kind == OP_KMALLOC || op.kind == OP_OBJECT_FREE);
		assert_int_equal(op.context, CONTEXT_IRQ);
		assert_int_equal(op.cache, OP_CACHE_NONE);
		if (op.kind == OP_KMALLOC) {
			sum += (double)op.bytes;
			n++;
		}
	}
	assert_near(sum / n, 25, 4 * 43.4 / sqrt(n));
	workload_release(&workload);

	/* Without an end: cut at 2^63, not wrapped. */
	g->kmalloc_bytes = (struct config_dist){.kind = DIST_PARETO, .scale = 1e18, .shape = 0.01};
	uint64_t most = 0;
	open_on(1);
	while (workload_next_interrupt(&workload, 0, &op))
		most = u64_max(most, op.bytes);
	assert_true(most == UINT64_C(1) << 63);
}

static void test_cache_objects(void **state)
{
	struct op op;
	uint64_t allocs = 0, frees = 0;
	generators[0].what = GENERATOR_CACHE;
	generators[0].cache_index = 7;
	open_on(1);
	while (workload_next(&workload, 0, &op)) {
		assert_int_equal(op.cache, 7);
		allocs += op.kind == OP_CACHE_ALLOC;
		frees += op.kind == OP_OBJECT_FREE;
	}
	assert_near((double)allocs, 10000, 4 * 100);
	assert_in_range(allocs - frees, 0, 40);
}

/* Rates, live objects and mean lifetimes of each size are the table's, within 4 standard errors. */
static void test_table(void **state)
{
	static const struct {
		uint64_t bytes;
		double rate, live;
	} rows[] = {
		{8, 500, 100},  /* lives 0.2 s */
		{64, 1000, 10}, /* 10 ms */
		{3000, 20, 40}, /* 2 s */
		{4096, 100, 0}, /* gone at once */
		{5000, 0, 300}, /* there for ever */
	};
	const double seconds = 100;
	config.workload.duration_ns = 100 * S;
	open_on_table("8,500,100\n64,1000,10\n3000,20,40\n4096,100,0\n5000,0,300\n", 1, true);
	run_objects();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct size_tally *t = tally_of(rows[i].bytes);
		double allocs = rows[i].rate * seconds, live = rows[i].live;
		assert_near(t->allocs, allocs, 4 * sqrt(allocs));
		assert_near(t->prefilled, live, 4 * sqrt(live));
		assert_near(t->allocs + t->prefilled - t->frees, live, 4 * sqrt(live));
		if (allocs <= 0)
			continue;
		/* Of n lifetimes in a window w, those cut by its end take about mean / w off. */
		double mean = live / rows[i].rate;
		assert_near(t->lifetime_sum_s / t->frees, mean * (1 - mean / seconds),
			    4 * mean / sqrt(t->frees));
	}
}

static void test_table_grows_in(void **state)
{
	open_on_table("8,1000,1000\n", 0.5, false);
	run_objects();
	assert_near(sizes[0].allocs, 500, 4 * sqrt(500));
	assert_true(sizes[0].prefilled <= 0);
	/* After one mean lifetime: 500 (1 - 1/e). */
	assert_near(sizes[0].allocs - sizes[0].frees, 316, 4 * sqrt(316));
}

/* The shipped table on two CPUs: the same again, and another with another seed. */
static void test_table_is_determined(void **state)
{
	uint64_t hashes[3] = {0};
	use_table(FLEET);
	generators[0].rate_factor = 0.01;
	for (unsigned run = 0; run < 3; run++) {
		struct op op;
		config.seed = run / 2;
		open_on(2);
		for (unsigned cpu = 0; cpu < 2; cpu++) {
			uint64_t first = 0, later = 0;
			while (workload_next(&workload, cpu, &op)) {
				uint64_t what = op.bytes << 8 | op.kind;
				hashes[run] = mix(mix(hashes[run], op.at_ps), what);
				if (op.kind == OP_KMALLOC)
					++*(op.at_ps ? &later : &first);
			}
			assert_near((double)first, 3370, 4 * sqrt(3370));
			assert_near((double)later, 86.7, 4 * sqrt(86.7));
		}
		workload_release(&workload);
	}
	assert_true(hashes[0] == hashes[1]);
	assert_true(hashes[0] != hashes[2]);
}

static void test_table_refused(void **state)
{
	struct err err = {0};
	use_table("/nonexistent/table.csv");
	assert_int_equal(workload_from_generators(&workload, &config, 2, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kmalloc),
		TEST(test_cache_objects),
		TEST(test_table),
		TEST(test_table_grows_in),
		TEST(test_table_is_determined),
		TEST(test_table_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
