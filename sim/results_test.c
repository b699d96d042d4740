/*
 * results_test.c - what results a command gets, and what is found in them by which name.
 *
 * The sweep is testdata/sweep/tiny: points 0 and 2 are done, 1 failed, 3 is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/config.h"
#include "sim/resultdir.h"
#include "sim/results.h"

static char home[64], sweep[512];

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	char path[128];

	snprintf(sweep, sizeof(sweep), "%s/sweep/tiny/", getenv("TESTDATA"));
	strcpy(home, "/tmp/results_test.XXXXXX");
	if (!mkdtemp(home))
		return -1;
	snprintf(path, sizeof(path), "%s/one", home);
	if (mkdir(path, 0777))
		return -1;
	put_file(
		"one/run.json",
		"{\"schema_version\": 1, \"config\": {\"name\": \"one\", \"machine\": "
		"{\"cpu_khz\": "
		"2450000, \"caches\": [{\"name\": \"L1\", \"size_bytes\": 32768}, {\"name\": "
		"\"L2\", "
		"\"size_bytes\": 524288}]}, \"slab\": {\"allocator\": \"slub\", \"max_order\": "
		"\"auto\", \"merge\": true}, \"workload\": {\"trace\": \"web.atrace\", "
		"\"duration_ns\": 1500000, \"programs\": [{\"name\": \"p\", \"steps\": "
		"[{\"size_bytes\": {\"constant\": 4096}}, {\"size_bytes\": {\"uniform\": {\"min\": "
		"1, \"max\": 2}}}]}]}}, \"fragmentation\": {\"unusable_index\": [0, 0.25]}, "
		"\"slab\": {\"allocator\": 7}, \"locks\": [{\"name\": \"a\", \"acquired_count\": "
		"2, "
		"\"wait_ns_max\": 5}, {\"name\": \"b\", \"acquired_count\": 3, \"wait_ns_max\": "
		"4}], \"meta\": {\"trace_crc32\": null}}");
	return 0;
}

static int teardown(void **state)
{
	return resultdir_remove_tree(home);
}

/* --- visits ---------------------------------------------------------------------------------- */

struct seen {
	char text[512];
	unsigned count, stop_at; /* stop_at 0: never */
};

static int note(void *arg, const struct results_row *row, struct err *err)
{
	struct seen *s = arg;
	size_t used = strlen(s->text);

	/* Invariant 2. */
	assert_int_equal(!row->run, row->cell && row->cell->state != CELL_DONE);
	assert_int_equal(!row->run, !row->figures);
	assert_int_equal(!row->sweep, !row->point);
	if (row->point)
		snprintf(s->text + used, sizeof(s->text) - used, "%u:%s ",
			 (unsigned)row->point->index, cell_state_name(row->cell->state));
	else
		snprintf(s->text + used, sizeof(s->text) - used, "result ");
	s->count++;
	return s->count == s->stop_at ? err_set(err, ERR_USAGE, "enough") : 0;
}

static void test_visits(void **state)
{
	struct results r;
	struct err err = {0};
	char one[128];
	const char *const paths[] = {one, sweep, one};
	struct seen all = {0}, done = {0}, some = {.stop_at = 2};

	snprintf(one, sizeof(one), "%s/one//", home);
	assert_int_equal(results_open(&r, paths, 3, &err), 0);
	assert_int_equal(r.sweeps_count, 1);
	/* Invariant 1. */
	assert_int_equal(r.sweeps[0].states_count[CELL_DONE], 2);
	assert_int_equal(r.sweeps[0].states_count[CELL_FAILED], 1);
	assert_int_equal(r.sweeps[0].states_count[CELL_MISSING], 1);
	assert_int_equal(results_each(&r, true, note, &all, &err), 0);
	assert_string_equal(all.text, "result 0:done 1:failed 2:done 3:missing result ");
	assert_int_equal(results_each(&r, false, note, &done, &err), 0);
	assert_string_equal(done.text, "result 0:done 2:done result ");
	assert_int_equal(results_each(&r, false, note, &some, &err), -1);
	assert_string_equal(err.text, "enough");
	assert_int_equal(some.count, 2);
	results_release(&r);
}

static void test_refusals(void **state)
{
	struct results r;
	struct seen seen = {0};
	char path[128], bad[128];
	const char *const nowhere[] = {sweep, path}, *const broken[] = {bad};
	struct err err = {0};

	snprintf(path, sizeof(path), "%s/nowhere", home);
	assert_int_equal(results_open(&r, nowhere, 2, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_non_null(strstr(err.text, "nowhere: No such file or directory"));
	err = (struct err){0};
	snprintf(path, sizeof(path), "%s", home);
	assert_int_equal(results_open(&r, nowhere, 2, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_non_null(strstr(err.text, "is no result"));
	/* A run.json that can't be read ends the visit. */
	err = (struct err){0};
	snprintf(bad, sizeof(bad), "%s/bad", home);
	assert_int_equal(mkdir(bad, 0777), 0);
	put_file("bad/run.json", "{\"schema_version\": 1, oops");
	assert_int_equal(results_open(&r, broken, 1, &err), 0);
	assert_int_equal(results_each(&r, true, note, &seen, &err), -1);
	assert_int_equal(err.code, ERR_TRACE);
	assert_int_equal(seen.count, 0);
	results_release(&r);
	/* A plan that can't be read opens nothing. */
	err = (struct err){0};
	put_file("bad/plan.jsonl", "{}\n");
	assert_int_equal(results_open(&r, broken, 1, &err), -1);
	assert_int_equal(err.code, ERR_TRACE);
}

static void test_lacking(void **state)
{
	const char *const paths[] = {sweep};
	struct results r;
	struct err err = {0};
	char *text = NULL, expected[2048];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(results_open(&r, paths, 1, &err), 0);
	results_print_lacking(&r, f);
	assert_int_equal(fclose(f), 0);
	snprintf(
		expected, sizeof(expected),
		"%.*s: 1 of 4 points failed and has no figures: 1b2c3d4e5f60718a (exit status 70)\n"
		"%.*s: 1 of 4 points is missing and has no figures: 3d4e5f60718a9bac\n",
		(int)strlen(sweep) - 1, sweep, (int)strlen(sweep) - 1, sweep);
	assert_string_equal(text, expected);
	free(text);
	results_release(&r);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Visit the rows of @path with @visit. */
static void each_of(const char *path,
		    int (*visit)(void *arg, const struct results_row *row, struct err *err),
		    void *arg)
{
	struct results r;
	struct err err = {0};

	assert_int_equal(results_open(&r, &path, 1, &err), 0);
	assert_int_equal(results_each(&r, true, visit, arg, &err), 0);
	results_release(&r);
}

static const struct {
	const char *key, *name, *text;
	double number;
} known[] = {
	{"name", "name", "one", NAN},
	{"trace", "trace", "web", NAN},
	{"workload.trace", "trace", "web.atrace", NAN},
	{"workload.duration", "duration_ns", "1500 us", 1500000},
	{"workload.duration_ns", "duration_ns", "1500 us", 1500000},
	{"machine.cpu_frequency", "cpu_khz", "2.45 GHz", 2450000},
	{"machine.caches[1].size", "size_bytes", "512 KiB", 524288},
	{"machine.caches[L2].size", "size_bytes", "512 KiB", 524288},
	{"machine.caches[L2].size_bytes", "size_bytes", "512 KiB", 524288},
	{"machine.caches[2].size", "size", "", NAN},
	{"machine.cpu", "cpu", "", NAN},
	{"slab.max_order", "max_order", "auto", NAN},
	{"slab.merge", "merge", "true", NAN},
	/* A setting comes before a figure of the same name. */
	{"slab.allocator", "allocator", "slub", NAN},
	{"workload.programs[p].steps[0].size", "size_bytes", "4 KiB", 4096},
	{"workload.programs[p].steps[0].size.constant", "size_bytes", "4 KiB", 4096},
	{"workload.programs[p].steps[1].size", "size_bytes", "{\"uniform\":{\"min\":1,\"max\":2}}",
	 NAN},
	{"fragmentation.unusable_index[1]", "unusable_index[1]", "0.25", 0.25},
	{"fragmentation.unusable_index_order1", "unusable_index_order1", "0.25", 0.25},
	{"locks[b].acquired_count", "acquired_count", "3", 3},
	{"locks_b.acquired_count", "acquired_count", "3", 3},
	{"locks_total.acquired_count", "acquired_count", "5", 5},
	{"locks_total.wait_ns_max", "wait_ns_max", "5", 5},
	{"meta.trace_crc32", "trace_crc32", "", NAN},
	{"repeat", "repeat", "", NAN},
	{"nonsense", "nonsense", "", NAN},
	{"machine.caches[", "caches[", "", NAN},
	{"", "", "", NAN},
};

static int check_known(void *arg, const struct results_row *row, struct err *err)
{
	const char *name;
	char text[64];
	double number;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		number = results_number(row, known[i].key, &name);
		if (isnan(known[i].number))
			assert_true(isnan(number));
		else
			assert_true(number == known[i].number);
		assert_string_equal(name, known[i].name);
		assert_string_equal(results_text(row, known[i].key, text, sizeof(text)),
				    known[i].text);
	}
	return 0;
}

static void test_keys(void **state)
{
	char one[128];

	snprintf(one, sizeof(one), "%s/one", home);
	each_of(one, check_known, NULL);
}

static int check_point(void *arg, const struct results_row *row, struct err *err)
{
	bool is_done = row->cell->state == CELL_DONE;
	char text[64];

	assert_true(results_number(row, "repeat", NULL) ==
		    (row->point->index == 1 || row->point->index == 3));
	/* What takes a configuration to understand is a text without one. */
	if (row->point->index < 2)
		assert_string_equal(results_text(row, "machine.memory", text, sizeof(text)),
				    is_done ? "16 MiB" : "16MiB");
	assert_int_equal(isnan(results_number(row, "machine.memory", NULL)), !is_done);
	assert_int_equal(isnan(results_number(row, "totals.ops_count", NULL)), !is_done);
	assert_int_equal(isnan(results_number(row, "latency[alloc].p99_ns", NULL)), !is_done);
	assert_string_equal(results_text(row, "totals.nothing", text, sizeof(text)), "");
	return 0;
}

static void test_keys_of_points(void **state)
{
	each_of(sweep, check_point, NULL);
}

static void test_json_paths(void **state)
{
	static const char *const pairs[][2] = {
		{"machine.memory", "machine.memory_bytes"},
		{"machine.cpu_frequency", "machine.cpu_khz"},
		{"workload.programs[0].steps[2].size", "workload.programs[0].steps[2].size_bytes"},
		{"workload.generators[a.b].rate", "workload.generators[a.b].rate_per_s"},
		{"workload.generators[0].lifetime.exponential.mean",
		 "workload.generators[0].lifetime_ns.exponential.mean"},
		{"pcp.batch", "pcp.batch_pages"},
		{"pcp.batch_pages", "pcp.batch_pages"},
		{"seed", "seed"},
		{"no.such[key", "no.such[key"},
		{"", ""},
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(config_json_path(pairs[i][0], path, sizeof(path)), pairs[i][1]);
	assert_string_equal(config_json_path("machine.memory", path, 10), "machine.m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_visits),         cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_lacking),        cmocka_unit_test(test_keys),
		cmocka_unit_test(test_keys_of_points), cmocka_unit_test(test_json_paths),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
