/*
 * compare_test.c - keys, differences, their order and direction, conditions, and bad documents.
 *
 * Each test writes its own small results, a run.json with little more than what it is about.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/compare.h"
#include "sim/compare_plot.h"
#include "sim/resultdir.h"

static char home[64], start[4096];

static int setup(void **state)
{
	strcpy(home, "/tmp/compare_test.XXXXXX");
	return !getcwd(start, sizeof(start)) || !mkdtemp(home) || chdir(home);
}

static int teardown(void **state)
{
	return chdir(start) || resultdir_remove_tree(home);
}

static void write_run(const char *dir, const char *text)
{
	char path[128];
	FILE *f;

	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/run.json", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A run with @figures ("..., "key": value") and @config. */
static void write_figures(const char *dir, const char *figures, const char *config)
{
	char *text;

	assert_true(
		asprintf(&text,
			 "{\"schema_version\": 1, \"meta\": {\"name\": \"n\", \"max_order\": 3, "
			 "\"trace_crc32\": \"89abcdef\"}, \"config\": {%s}%s%s}",
			 config, *figures ? ", " : "", figures) > 0);
	write_run(dir, text);
	free(text);
}

static void load(struct comparison *c, const struct compare_options *options)
{
	static const char *const dirs[] = {"a", "b"};
	struct err err = {0};

	if (compare_load(c, dirs, 2, options, &err))
		fail_msg("%s", err.text);
}

static void compare(struct comparison *c, const char *a, const char *b)
{
	struct compare_options options = {0};

	write_figures("a", a, "");
	write_figures("b", b, "");
	load(c, &options);
}

static void refuses(enum err_code code, const char *words)
{
	static const char *const dirs[] = {"a", "b"};
	struct compare_options options = {0};
	struct comparison c;
	struct err err = {0};

	assert_int_equal(compare_load(&c, dirs, 2, &options, &err), -1);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	assert_int_equal(err.code, code);
	assert_null(strchr(err.text, '\n'));
}

static const struct compare_metric *metric(const struct comparison *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->metrics_count; i++)
		if (!strcmp(c->metrics[i].key, key))
			return &c->metrics[i];
	fail_msg("no metric %s", key);
	return NULL;
}

static void test_keys(void **state)
{
	static const char *const keys[] = {
		"totals.failed_count",
		"zones[Normal].splits_count",
		"zones[node1/Normal].splits_count",
		"zones[node1/Normal].free_blocks[1]",
		"latency[alloc,0,pcp].p99_ns",
		"pcp[3,DMA].refills_count",
		"locks[node0/Normal].contended_count",
		"list[0].value",
		"list[1].value",
		"strange[a?b_c].x",
		"twice[t].x",
		"twice[t].x#2",
		"twice[t].x#3",
	};
	struct comparison c;
	unsigned i;

	compare(&c,
		"\"totals\": {\"failed_count\": 1},"
		"\"zones\": [{\"name\": \"Normal\", \"nid\": 0, \"splits_count\": 2}, {\"name\": "
		"\"Normal\", \"nid\": 1, \"splits_count\": 3, \"free_blocks\": [7, 8]}],"
		"\"latency\": [{\"op\": \"alloc\", \"order\": 0, \"path\": \"pcp\", \"p99_ns\": 4,"
		"\"histogram\": [[1, 2]]}],"
		"\"pcp\": [{\"cpu\": 3, \"zone\": \"DMA\", \"nid\": 0, \"refills_count\": 5}],"
		"\"locks\": [{\"name\": \"node0/Normal\", \"nid\": 1, \"contended_count\": 6}],"
		"\"list\": [{\"value\": 1}, {\"value\": 2}],"
		"\"strange\": [{\"name\": \"a\\u0007b<c\", \"x\": 1}],"
		"\"twice\": [{\"name\": \"t\", \"x\": 1}, {\"name\": \"t\", \"x\": 2},"
		"{\"name\": \"t\", \"x\": 3}],"
		"\"host\": {\"wall_seconds\": 1}",
		"");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		metric(&c, keys[i]);
	assert_true(metric(&c, "twice[t].x#3")->values[0] == 3);
	assert_true(metric(&c, "zones[node1/Normal].free_blocks[1]")->values[0] == 8);
	for (i = 0; i < c.metrics_count; i++) {
		assert_null(strstr(c.metrics[i].key, "histogram"));
		assert_null(strstr(c.metrics[i].key, "host"));
		assert_null(strstr(c.metrics[i].key, "meta"));
		assert_true(c.metrics[i].missing);
	}
	compare_release(&c);
}

static void test_patterns(void **state)
{
	assert_true(metric_matches("zones[].splits_count", "zones[node1/Normal].splits_count"));
	assert_true(metric_matches("a.*[]", "a.b.c[7]"));
	assert_true(metric_matches("*_free_pages", "node1_normal_free_pages"));
	assert_true(metric_matches("*a*b", "xaxaxb"));
	assert_false(metric_matches("*a*b", "xaxaxbc"));
	assert_false(metric_matches("zones[]", "zones[Normal].x"));
	assert_false(metric_matches("zones[].x", "zones[open"));
	assert_false(metric_matches("", "a"));
	assert_true(metric_matches("", ""));
	assert_true(compare_selects("zones", "zones[Normal].splits_count"));
	assert_true(compare_selects("zones[]", "zones[Normal].splits_count"));
	assert_true(compare_selects("zones[Normal]", "zones[Normal].splits_count"));
	assert_false(compare_selects("zone", "zones[Normal].splits_count"));
	assert_false(compare_selects("zones[DMA]", "zones[Normal].splits_count"));
}

static void test_verdicts(void **state)
{
	const struct compare_metric *m;
	struct comparison c;
	char text[32];

	compare(&c,
		"\"totals\": {\"failed_count\": 200, \"ops_count\": 5, \"late_ops_count\": 0, "
		"\"late_ns_max\": 3, \"simulated_ns\": null},"
		"\"fidelity\": {\"zones\": [{\"name\": \"N\", \"block_count_skill\": -0.5}]}",
		"\"totals\": {\"failed_count\": 190, \"ops_count\": 6, \"late_ops_count\": 7, "
		"\"late_ns_max\": 3, \"simulated_ns\": 9},"
		"\"fidelity\": {\"zones\": [{\"name\": \"N\", \"block_count_skill\": 0.5}]}");
	m = metric(&c, "totals.failed_count");
	assert_int_equal(compare_verdict(m, 1), COMPARE_BETTER);
	assert_true(compare_relative(m, 1) == -0.05);
	assert_string_equal(m->unit, "operations");
	m = metric(&c, "totals.ops_count");
	assert_int_equal(compare_verdict(m, 1), COMPARE_CHANGED);
	m = metric(&c, "totals.late_ops_count");
	assert_int_equal(compare_verdict(m, 1), COMPARE_WORSE);
	assert_true(isnan(compare_relative(m, 1)));
	compare_format_change(m, 1, text, sizeof(text));
	assert_string_equal(text, "new");
	m = metric(&c, "totals.late_ns_max");
	assert_int_equal(compare_verdict(m, 1), COMPARE_EQUAL);
	assert_false(m->differs);
	m = metric(&c, "totals.simulated_ns");
	assert_int_equal(compare_verdict(m, 1), COMPARE_MISSING);
	assert_true(m->missing && !m->differs);
	m = metric(&c, "fidelity.zones[N].block_count_skill");
	assert_int_equal(compare_verdict(m, 1), COMPARE_BETTER);
	assert_true(compare_relative(m, 1) == 2);
	compare_release(&c);
}

/* One event more must not stand above what changed by a third. */
static void test_order(void **state)
{
	struct comparison c;

	compare(&c,
		"\"totals\": {\"failed_count\": 1, \"late_ops_count\": 300, \"ops_count\": 10},"
		"\"latency\": [{\"op\": \"alloc\", \"order\": 9, \"path\": \"buddy\", \"count\": 2,"
		"\"p50_ns\": 1000}, {\"op\": \"alloc\", \"order\": 0, \"path\": \"buddy\", "
		"\"count\": 90000, \"p50_ns\": 100}]",
		"\"totals\": {\"failed_count\": 2, \"late_ops_count\": 400, \"ops_count\": 900},"
		"\"latency\": [{\"op\": \"alloc\", \"order\": 9, \"path\": \"buddy\", \"count\": 2,"
		"\"p50_ns\": 9000}, {\"op\": \"alloc\", \"order\": 0, \"path\": \"buddy\", "
		"\"count\": 90000, \"p50_ns\": 150}]");
	assert_string_equal(c.metrics[0].key, "latency[alloc,0,buddy].p50_ns");
	assert_string_equal(c.metrics[1].key, "totals.late_ops_count");
	assert_string_equal(c.metrics[2].key, "totals.failed_count");
	assert_true(fabs(c.metrics[2].score - 1.0 / 12) < 1e-12);
	/* Nine times as long, but two operations: 8000 / 9010 * 2 / 102. */
	assert_string_equal(c.metrics[3].key, "latency[alloc,9,buddy].p50_ns");
	assert_true(fabs(c.metrics[3].score - 8000.0 / 9010 * 2 / 102) < 1e-12);
	/* No direction: after those that have one, whatever the score. */
	assert_string_equal(c.metrics[4].key, "totals.ops_count");
	assert_true(c.metrics[4].score > 0.9);
	assert_false(c.metrics[5].differs);
	compare_release(&c);
}

/* What a change is made for comes first, and the largest latency of all far behind. */
static void test_headlines(void **state)
{
	struct comparison c;

	compare(&c,
		"\"totals\": {\"late_ops_count\": 300}, \"latency\": [{\"op\": \"alloc\", "
		"\"order\": 0, \"path\": \"pcp\", \"count\": 9000, \"max_ns\": 1000}], "
		"\"objects\": {\"waste_bytes\": 100000, \"lock_acquired_count\": 1000}",
		"\"totals\": {\"late_ops_count\": 900}, \"latency\": [{\"op\": \"alloc\", "
		"\"order\": 0, \"path\": \"pcp\", \"count\": 9000, \"max_ns\": 9000}], "
		"\"objects\": {\"waste_bytes\": 90000, \"lock_acquired_count\": 1100}");
	assert_string_equal(c.metrics[0].key, "objects.waste_bytes");
	assert_string_equal(c.metrics[1].key, "objects.lock_acquired_count");
	assert_string_equal(c.metrics[2].key, "totals.late_ops_count");
	assert_true(metric(&c, "latency[alloc,0,pcp].max_ns")->score < 0.1);
	assert_false(c.starts_differ);
	compare_release(&c);
}

/* Memory that one run began with and the other did not is nothing that a design gained or lost. */
static void test_other_starts(void **state)
{
	struct comparison c;

	compare(&c,
		"\"start\": {\"placed_slabs_count\": 1226}, \"objects\": {\"held_bytes\": 300000,"
		"\"allocs_count\": 5}, \"totals\": {\"late_ops_count\": 300}",
		"\"start\": {\"placed_slabs_count\": 0}, \"objects\": {\"held_bytes\": 2000,"
		"\"allocs_count\": 5}, \"totals\": {\"late_ops_count\": 900}");
	assert_true(c.starts_differ);
	assert_int_equal(compare_verdict(metric(&c, "objects.held_bytes"), 1), COMPARE_CHANGED);
	assert_int_equal(compare_verdict(metric(&c, "totals.late_ops_count"), 1), COMPARE_WORSE);
	compare_release(&c);
}

/* Of an array three elements, and no figure twice, unless the user asks for it. */
static void test_top(void **state)
{
	static const char *const some[] = {"x"};
	struct compare_options options = {.metrics = some, .metrics_count = 1};
	const struct compare_metric *top[20];
	struct comparison c;

	compare(&c,
		"\"x\": {\"a\": [1, 2, 3, 4, 50], \"b\": 1, \"c\": {\"b\": 1, \"a\": [7]}, \"e\": "
		"1}",
		"\"x\": {\"a\": [2, 3, 4, 5, 90], \"b\": 2, \"c\": {\"b\": 2, \"a\": [8]}, \"e\": "
		"1}");
	assert_int_equal(compare_top(&c, top, 20), 4);
	assert_string_equal(top[0]->key, "x.a[4]");
	assert_int_equal(compare_top(&c, top, 2), 2);
	compare_release(&c);
	load(&c, &options);
	assert_int_equal(compare_top(&c, top, 20), 9);
	assert_string_equal(top[8]->key, "x.e");
	compare_release(&c);
}

/* Sums over paths: the histogram's upper edges, and the exact mean. */
static void test_derived_latency(void **state)
{
	static const char figures[] =
		"\"latency\": [{\"op\": \"alloc\", \"order\": 0, \"path\": \"pcp\", \"count\": 3, "
		"\"min_ns\": 9, \"mean_ns\": 10, \"max_ns\": 11, \"histogram\": [[12, 3]]},"
		"{\"op\": \"alloc\", \"order\": 0, \"path\": \"buddy\", \"count\": 1, \"min_ns\": "
		"90,"
		"\"mean_ns\": 90, \"max_ns\": 90, \"histogram\": [[95, 1]]}]";
	struct comparison c;

	compare(&c, figures, figures);
	assert_true(metric(&c, "latency[alloc].mean_ns")->values[0] == 30);
	assert_true(metric(&c, "latency[alloc].p50_ns")->values[0] == 12);
	assert_true(metric(&c, "latency[alloc].p99_ns")->values[0] == 90);
	assert_true(metric(&c, "latency[alloc].count")->values[0] == 4);
	assert_int_equal(metric(&c, "latency[alloc].p50_ns")->direction, METRIC_LOWER_IS_BETTER);
	compare_release(&c);
}

static void test_settings(void **state)
{
	struct compare_options options = {0};
	struct comparison c;

	write_figures("a", "",
		      "\"name\": \"x\", \"pcp\": {\"enabled\": true, \"batch_pages\": \"auto\"},"
		      "\"gone\": 1");
	write_figures("b", "",
		      "\"name\": \"y\", \"pcp\": {\"enabled\": false, \"batch_pages\": 63}");
	load(&c, &options);
	assert_int_equal(c.settings_count, 3);
	assert_string_equal(c.settings[0].key, "gone");
	assert_string_equal(c.settings[0].values[0], "1");
	assert_null(c.settings[0].values[1]);
	assert_string_equal(c.settings[1].key, "pcp.batch_pages");
	assert_string_equal(c.settings[1].values[1], "63");
	assert_string_equal(c.settings[2].values[0], "true");
	assert_string_equal(c.settings[2].values[1], "false");
	compare_release(&c);
}

/* The runs' own names are the same, so the directories' are taken, then paths, then numbers. */
static void test_names(void **state)
{
	static const char *const same[] = {"a", "a/"}, *const nested[] = {"a", "d/a"};
	struct compare_options options = {0};
	struct comparison c;

	compare(&c, "", "");
	assert_string_equal(c.runs[0].name, "a");
	assert_string_equal(c.runs[1].name, "b");
	compare_release(&c);
	assert_int_equal(mkdir("d", 0777), 0);
	write_figures("d/a", "", "");
	assert_int_equal(compare_load(&c, nested, 2, &options, NULL), 0);
	assert_string_equal(c.runs[0].name, "a");
	assert_string_equal(c.runs[1].name, "d/a");
	compare_release(&c);
	assert_int_equal(compare_load(&c, same, 2, &options, NULL), 0);
	assert_string_equal(c.runs[0].name, "a#1");
	assert_string_equal(c.runs[1].name, "a#2");
	compare_release(&c);
}

static void check_parse(const char *text, enum condition_op op, double number, bool relative)
{
	struct condition c;
	struct err err = {0};

	if (condition_parse(&c, text, &err))
		fail_msg("%s", err.text);
	assert_string_equal(c.pattern, "a b.c[d e]");
	assert_int_equal(c.op, op);
	assert_true(c.number == number);
	assert_int_equal(c.relative, relative);
	condition_release(&c);
}

static void test_parse_condition(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{"", "column 1: expected the name of a metric, found its end"},
		{"  > 5", "column 3: expected the name of a metric, found \"> 5\""},
		{"a.b 5%", "column 7: expected one of > >= < <= == after the metric"},
		{"a = 5", "column 3: expected one of > >= < <= =="},
		{"a >", "column 4: expected a number, found its end"},
		{"a > x", "column 5: expected a number, found \"x\""},
		{"a > nan", "column 5: expected a number"},
		{"a > -inf", "column 5: expected a number"},
		{"a > 0x10", "column 5: expected a decimal number"},
		{"a > 1e999", "column 5: expected a number that a double can hold"},
		{"a > .", "column 5: expected a number that a double can hold"},
		{"a > 5 ms", "column 7: expected % or nothing more, found \"ms\""},
		{"a > 5%%", "column 7: expected nothing more, found \"%\""},
		{"a => 5", "column 3: expected one of"},
		{"a >> 5", "column 4: expected a number"},
	};
	struct condition c;
	struct err err;
	size_t i;

	check_parse("a b.c[d e] > 5%", OP_GREATER, 5, true);
	check_parse("  a b.c[d e]>=-.5e1 % ", OP_GREATER_EQUAL, -5, true);
	check_parse("a b.c[d e]\t< +7 ", OP_LESS, 7, false);
	check_parse("a b.c[d e]<=0", OP_LESS_EQUAL, 0, false);
	check_parse("a b.c[d e]==0.25", OP_EQUAL, 0.25, false);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err = (struct err){0};
		assert_int_equal(condition_parse(&c, wrong[i].text, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.text, wrong[i].words))
			fail_msg("\"%s\" lacks \"%s\"", err.text, wrong[i].words);
	}
}

static size_t holds(const struct comparison *c, const char *text)
{
	struct condition condition;
	struct err err = {0};

	assert_int_equal(condition_parse(&condition, text, &err), 0);
	if (condition_evaluate(&condition, c, &err))
		fail_msg("%s", err.text);
	condition_release(&condition);
	return condition.holds_count;
}

static void fails(const struct comparison *c, const char *text, const char *words)
{
	struct condition condition;
	struct err err = {0};

	assert_int_equal(condition_parse(&condition, text, &err), 0);
	assert_int_equal(condition_evaluate(&condition, c, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" lacks \"%s\"", err.text, words);
	condition_release(&condition);
}

static void test_conditions(void **state)
{
	struct comparison c;

	compare(&c,
		"\"totals\": {\"failed_count\": 100, \"late_ops_count\": 0, \"gone\": 1, \"huge\": "
		"-1.7e308}, \"f\": {\"skill\": -2}",
		"\"totals\": {\"failed_count\": 105, \"late_ops_count\": 1, \"huge\": 1.7e308}, "
		"\"f\": {\"skill\": -3}, \"extra\": {\"n\": 4}");
	assert_int_equal(holds(&c, "totals.failed_count > 5%"), 0);
	assert_int_equal(holds(&c, "totals.failed_count >= 5%"), 1);
	assert_int_equal(holds(&c, "totals.failed_count == 5%"), 1);
	assert_int_equal(holds(&c, "totals.failed_count > 4.999%"), 1);
	assert_int_equal(holds(&c, "totals.failed_count < 5%"), 0);
	assert_int_equal(holds(&c, "totals.failed_count > 104"), 1);
	assert_int_equal(holds(&c, "totals.failed_count > 105"), 0);
	/* From 0 every change is larger than any percentage. */
	assert_int_equal(holds(&c, "totals.late_ops_count > 1000%"), 1);
	assert_int_equal(holds(&c, "totals.late_ops_count < -1%"), 0);
	/* Relative to the base's size: -2 to -3 is a loss of half. */
	assert_int_equal(holds(&c, "f.skill < -49%"), 1);
	assert_int_equal(holds(&c, "f.skill > 0%"), 0);
	/* 105 and 1.7e308, not the 1. */
	assert_int_equal(holds(&c, "totals.* > 1"), 2);
	assert_int_equal(holds(&c, "totals > 1"), 2);
	assert_int_equal(holds(&c, "totals.huge >= 199%"), 1);
	assert_int_equal(holds(&c, "totals.huge > 201%"), 0);
	assert_int_equal(holds(&c, "extra.n == 4"), 1);
	fails(&c, "extra.n > 5%", "can't be judged");
	fails(&c, "totals.gone > 0", "can't be judged");
	fails(&c, "totals.faild_count > 5%", "did you mean \"totals.failed_count\"?");
	fails(&c, "nonsense > 5%", "no run has a metric \"nonsense\"");
	compare_release(&c);
}

static void test_selection(void **state)
{
	static const char *const some[] = {"totals"}, *const wrong[] = {"totls.n"},
				 *const dirs[] = {"a", "b"};
	struct compare_options options = {.metrics = some, .metrics_count = 1};
	struct comparison c;
	struct err err = {0};

	write_figures("a", "\"totals\": {\"n\": 1}, \"other\": {\"n\": 1}", "");
	write_figures("b", "\"totals\": {\"n\": 2}, \"other\": {\"n\": 2}", "");
	load(&c, &options);
	assert_true(metric(&c, "totals.n")->selected);
	assert_false(metric(&c, "other.n")->selected);
	/* A condition may be about what isn't shown. */
	assert_int_equal(holds(&c, "other.n > 1"), 1);
	compare_release(&c);
	options.metrics = wrong;
	assert_int_equal(compare_load(&c, dirs, 2, &options, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.text, "did you mean \"totals.n\"?"));
}

static void test_workloads(void **state)
{
	static const char form[] = "{\"schema_version\": 1, \"meta\": {\"trace_crc32\": %s}, "
				   "\"config\": {\"seed\": %d, \"workload\": {\"n\": %d}}}";
	static const struct {
		const char *crc;
		int seed, n;
		const char *words;
	} others[] = {
		{"\"00000001\"", 1, 1, "replay different traces (00000000 and 00000001)"},
		{"null", 1, 1, "a replays a trace, b does not"},
		{"7", 1, 1, "meta.trace_crc32 is neither text nor null"},
	};
	struct compare_options options = {.different_workloads = true};
	struct comparison c;
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(text, sizeof(text), form, "\"00000000\"", 1, 1);
		write_run("a", text);
		snprintf(text, sizeof(text), form, others[i].crc, others[i].seed, others[i].n);
		write_run("b", text);
		refuses(i < 2 ? ERR_USAGE : ERR_TRACE, others[i].words);
		load(&c, &options);
		compare_release(&c);
	}
	snprintf(text, sizeof(text), form, "null", 1, 1);
	write_run("a", text);
	snprintf(text, sizeof(text), form, "null", 1, 2);
	write_run("b", text);
	refuses(ERR_USAGE, "a and b have different workloads");
	snprintf(text, sizeof(text), form, "null", 2, 1);
	write_run("b", text);
	refuses(ERR_USAGE, "different seeds");
	snprintf(text, sizeof(text), form, "null", 1, 1);
	write_run("b", text);
	options.different_workloads = false;
	load(&c, &options);
	compare_release(&c);
	/* The trace is what counts, not the section that names it. */
	snprintf(text, sizeof(text), form, "\"00000000\"", 1, 1);
	write_run("a", text);
	snprintf(text, sizeof(text), form, "\"00000000\"", 2, 2);
	write_run("b", text);
	load(&c, &options);
	compare_release(&c);
}

/* @count times @text. */
static char *repeat(const char *text, size_t count)
{
	size_t length = strlen(text), i;
	char *all = malloc(length * count + 1);

	assert_non_null(all);
	for (i = 0; i < count; i++)
		memcpy(all + i * length, text, length);
	all[length * count] = '\0';
	return all;
}

static void test_bad_documents(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "b/run.json:1: is no JSON"},
		{"{\n\"a\": \n}", "b/run.json:3: is no JSON"},
		{"[]", "schema_version is not 1"},
		{"7", "schema_version is not 1"},
		{"{}", "schema_version is not 1"},
		{"{\"schema_version\": 2}", "schema_version is not 1"},
		{"{\"schema_version\": \"1\"}", "schema_version is not 1"},
		{"{\"schema_version\": 1} x", "is no JSON"},
		{"{\"schema_version\": 1}", "meta and config are no objects"},
		{"{\"schema_version\": 1, \"meta\": [], \"config\": {}}", "are no objects"},
		{"{\"schema_version\": 1, \"meta\": {}, \"config\": 5}", "are no objects"},
		{"{\"schema_version\": 1, \"meta\": {}, \"config\": {}, \"n\": [-1e999]}",
		 "b: n[0]: the number is out of range"},
	};
	char *deep, *close, *text;
	size_t i;

	write_figures("a", "", "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_run("b", bad[i].text);
		refuses(ERR_TRACE, bad[i].words);
	}
	deep = repeat("[", 40);
	close = repeat("]", 40);
	assert_true(asprintf(&text, "\"n\": %s%s", deep, close) > 0);
	write_figures("b", text, "");
	refuses(ERR_TRACE, "nested more than 32 levels deep");
	free(text);
	free(deep);
	free(close);
	text = repeat("[", 100000);
	write_run("b", text);
	refuses(ERR_TRACE, "is no JSON");
	free(text);
	deep = repeat("k", 600);
	assert_true(asprintf(&text, "\"%s\": 1", deep) > 0);
	write_figures("b", text, "");
	refuses(ERR_TRACE, "the key is too long");
	free(text);
	free(deep);
	unlink("b/run.json");
	refuses(ERR_NO_INPUT, "b/run.json: No such file");
	assert_int_equal(mkdir("b/run.json", 0777), 0);
	refuses(ERR_NO_INPUT, "b/run.json: is no regular file");
}

/* Members of types that no run writes are read as what they are, or not at all. */
static void test_wrong_types(void **state)
{
	static const char figures[] =
		"\"totals\": 5, \"zones\": {\"name\": 7}, \"latency\": \"x\", \"pcp\": [1, null, "
		"[2], "
		"{\"cpu\": [], \"zone\": 3, \"nid\": 1e300, \"n\": 4}], \"locks\": [[[]]], "
		"\"fragmentation\": {\"unusable_index\": {\"a\": true}}, \"\": 1";
	struct compare_options options = {0};
	struct comparison c;
	FILE *out = tmpfile();

	assert_non_null(out);
	write_figures("a", figures, "");
	write_figures("b", "\"totals\": {\"failed_count\": 1}", "");
	load(&c, &options);
	assert_true(metric(&c, "totals")->values[0] == 5);
	assert_true(metric(&c, "pcp[2][0]")->values[0] == 2);
	compare_print(&c, true, out);
	compare_print_json(&c, NULL, 0, out);
	assert_true(ftell(out) > 1000);
	compare_release(&c);
	write_figures(
		"a",
		"\"latency\": [{\"op\": \"alloc\", \"histogram\": [5, [], [\"a\", 1], [1, -7], "
		"[1]]}, 3, {\"op\": \"free\", \"count\": -4, \"mean_ns\": \"x\", "
		"\"histogram\": [[0, 1e308], [1, 1e308]]}]",
		"");
	load(&c, &options);
	compare_release(&c);
	fclose(out);
}

static void test_one_run(void **state)
{
	static const char *const dirs[] = {"a"};
	struct compare_options options = {0};
	struct comparison c;
	struct err err = {0};

	write_figures("a", "", "");
	assert_int_equal(compare_load(&c, dirs, 1, &options, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

/* What isn't a comparison is never replaced; bad orders leave nothing behind. */
static void test_output_directory(void **state)
{
	struct compare_plot_options options = {.dir = "a", .scripts_dir = SOURCE_ROOT "/scripts"};
	struct comparison c;
	struct err err = {0};

	compare(&c, "\"totals\": {\"n\": 1}", "\"totals\": {\"n\": 2}");
	assert_int_equal(compare_plot(&c, NULL, 0, &options, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_non_null(strstr(err.text, "holds no compare.json"));
	assert_int_equal(access("a/run.json", F_OK), 0);
	err = (struct err){0};
	options.dir = "out";
	options.orders = "4";
	assert_int_equal(compare_plot(&c, NULL, 0, &options, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_not_equal(access("out", F_OK), 0);
	compare_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test_setup_teardown(test_verdicts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_headlines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_top, setup, teardown),
		cmocka_unit_test_setup_teardown(test_derived_latency, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test(test_parse_condition),
		cmocka_unit_test_setup_teardown(test_conditions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_selection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_workloads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_directory, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
