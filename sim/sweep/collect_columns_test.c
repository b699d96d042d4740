/*
 * collect_columns_test.c - which figures become columns, in which order and by which names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/sweep/collect_columns.h"

/* Columns over @runs, joined by spaces into @text; the last run's values behind =. */
static int columns_of(const struct collect_options *o, const char *const *runs, unsigned count,
		      char *const *taken, unsigned taken_count, char *text, size_t size,
		      struct err *err)
{
	struct collect_columns c;
	size_t numbers[64];
	struct leaves l = {0};
	cJSON *run = NULL;
	size_t used = 0, k, n;
	unsigned i;
	int failed;

	text[0] = '\0';
	assert_int_equal(collect_columns_init(&c, o, err), 0);
	for (i = 0; i < count; i++) {
		leaves_release(&l);
		cJSON_Delete(run);
		run = cJSON_Parse(runs[i]);
		assert_non_null(run);
		assert_int_equal(leaves_collect(&l, run, NULL, "test", err), 0);
		assert_int_equal(leaves_sort(&l, err), 0);
		assert_true(l.count <= ARRAY_SIZE(numbers));
		assert_int_equal(collect_columns_add(&c, &l, numbers, err), 0);
	}
	failed = collect_columns_end(&c, taken, taken_count, err);
	for (k = 0; !failed && k < c.count; k++) {
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
					 c.names[k]);
		for (n = 0; n < l.count; n++)
			if (numbers[n] == c.numbers[k] && cJSON_IsNumber(l.items[n].item))
				used += (size_t)snprintf(text + used, size - used, "=%g",
							 l.items[n].item->valuedouble);
	}
	leaves_release(&l);
	cJSON_Delete(run);
	collect_columns_release(&c);
	return failed;
}

static const char *const runs[] = {
	"{\"schema_version\": 1, \"meta\": {\"seed\": 1}, \"config\": {\"seed\": 1}, \"host\": "
	"{\"wall_seconds\": 2}, \"checks\": {\"level\": \"end\", \"ok\": true}, \"caches\": "
	"[{\"name\": \"a\", \"x\": 1}], \"totals\": {\"b\": 1, \"none\": null}}",
	"{\"totals\": {\"a\": 3}, \"latency\": [{\"op\": \"alloc\", \"p50_ns\": 4}, {\"op\": "
	"\"alloc\", \"order\": 0, \"path\": \"pcp\", \"p50_ns\": 5}], \"fragmentation\": "
	"{\"unusable_index\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}, \"fidelity\": null}",
};

#define INDEX "fragmentation.unusable_index_order"

static void test_defaults(void **state)
{
	const struct collect_options o = {0};
	struct err err = {0};
	char text[1024];

	assert_int_equal(columns_of(&o, runs, 2, NULL, 0, text, sizeof(text), &err), 0);
	assert_string_equal(text,
			    "totals.a=3 totals.b latency_alloc.p50_ns=4 " INDEX "0=0 " INDEX
			    "1=1 " INDEX "2=2 " INDEX "3=3 " INDEX "4=4 " INDEX "5=5 " INDEX
			    "6=6 " INDEX "7=7 " INDEX "8=8 " INDEX "9=9 " INDEX "10=10 checks.ok");
}

/* The columns are the same whichever run comes first. */
static void test_order_of_runs(void **state)
{
	const char *const other[] = {runs[1], runs[0], runs[1]};
	const struct collect_options o = {.all_columns = true};
	struct err err = {0};
	char text[1024], again[1024];

	assert_int_equal(columns_of(&o, runs, 2, NULL, 0, text, sizeof(text), &err), 0);
	assert_int_equal(columns_of(&o, other, 3, NULL, 0, again, sizeof(again), &err), 0);
	assert_string_equal(text, again);
	assert_non_null(strstr(text, "caches_a.x"));
	assert_non_null(strstr(text, "checks.level"));
	assert_non_null(strstr(text, "latency_alloc_0_pcp.p50_ns=5"));
	/* Invariant 3. */
	assert_null(strstr(text, "host"));
	assert_null(strstr(text, "seed"));
}

static void test_patterns(void **state)
{
	static const char *const patterns[] = {
		"totals", "latency[alloc,0,pcp].p50_ns", "*_order9", "caches_a.*", "host", "*"};
	struct collect_options o = {.columns = patterns, .columns_count = 4};
	struct err err = {0};
	char text[1024];

	assert_int_equal(columns_of(&o, runs, 2, NULL, 0, text, sizeof(text), &err), 0);
	assert_string_equal(text, "totals.a=3 totals.b latency_alloc_0_pcp.p50_ns=5 " INDEX
				  "9=9 caches_a.name caches_a.x");
	/* A figure of the host is none, not even by name. */
	o.columns_count = 5;
	assert_int_equal(columns_of(&o, runs, 2, NULL, 0, text, sizeof(text), &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "no run has a figure \"host\""));
	/* Without a run nothing can be said about names. */
	assert_int_equal(columns_of(&o, runs, 0, NULL, 0, text, sizeof(text), &err), 0);
	assert_string_equal(text, "");
	o.columns = patterns + 5;
	o.columns_count = 1;
	assert_int_equal(columns_of(&o, runs, 2, NULL, 0, text, sizeof(text), &err), 0);
	assert_null(strstr(text, "host"));
}

/* Invariant 2. */
static void test_twins(void **state)
{
	static const char *const twins[] = {
		"{\"caches\": [{\"name\": \"a_b\", \"x\": 1}, {\"name\": \"a/b\", \"x\": 2}, "
		"{\"name\": \"a:b\", \"x\": 3}, {\"name\": \"c\", \"x\": 4}, {\"name\": \"a_b\", "
		"\"x_2\": 5}]}"};
	static const char *const all[] = {"caches[].x*"};
	static char seed[] = "caches_c.x";
	char *const taken[] = {seed};
	const struct collect_options o = {.columns = all, .columns_count = 1};
	struct err err = {0};
	char text[1024];

	assert_int_equal(columns_of(&o, twins, 1, taken, 1, text, sizeof(text), &err), 0);
	assert_string_equal(text, "caches_a_b.x=2 caches_a_b.x_3=3 caches_a_b.x_4=1 "
				  "caches_a_b.x_2=5 caches_c.x_2=4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_order_of_runs),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_twins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
