/*
 * make_test.c - plans out of sweeps: which points there are, and what their ids and seeds depend on
 * and don't.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/config_rig.h"
#include "sim/sweep/make.h"
#include "sim/sweep/sample.h"
#include "sim/trace.h"

/* A workload without a trace, so that points can be run. */
static const char base_yaml[] =
	"name: base\n"
	"workload: {generators: [{name: g, order: 0, rate: 1000/s, lifetime: 1ms, count: 10}]}\n";

static void write_trace(const char *path, uint16_t order)
{
	struct err err = {0};
	struct trace_report report = {.events = 2, .imported = 2, .demands = 2};
	struct trace_writer *w = trace_writer_new(path, &err);
	struct trace_rec alloc = {.kind = TRACE_PAGE_ALLOC, .order = (uint8_t)order};
	struct trace_rec end = {.kind = TRACE_PAGE_FREE, .order = (uint8_t)order, .seq = 1};
	assert_non_null(w);
	assert_true(trace_writer_add(w, &alloc, GFP_KERNEL, &err) >= 0);
	assert_true(trace_writer_add(w, &end, 0, &err) >= 0);
	assert_int_equal(trace_writer_finish(w, 0, &report, NULL, &err), 0);
}

static int setup(void **state)
{
	if (config_rig_setup(state) != 0)
		return -1;
	config_rig_write("base.yaml", base_yaml, strlen(base_yaml));
	config_rig_write("empty.yaml", "name: base\n", 11);
	write_trace("one.atrace", 0);
	write_trace("two.atrace", 1);
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = {"empty.yaml", "one.atrace", "two.atrace", "s.yaml",
					    "p.jsonl"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(files[i]);
	return config_rig_teardown(state);
}

static int make(struct plan *p, const char *yaml, const struct make_options *options,
		struct make_report *report, struct err *err)
{
	struct spec s;
	config_rig_write("s.yaml", yaml, strlen(yaml));
	if (spec_load(&s, "s.yaml", NULL, 0, NULL, err) != 0)
		return -1;
	int rc = make_plan(p, &s, options, report, NULL, err);
	spec_release(&s);
	return rc;
}

static const struct make_options all = {.runs_max = 10000};

static void made(struct plan *p, const char *yaml, const struct make_options *options,
		 struct make_report *report)
{
	struct err err = {0};
	if (make(p, yaml, options, report, &err) != 0)
		fail_msg("%s", err.text);
}

static void refused(const char *yaml, const struct make_options *options, int code,
		    const char *expected)
{
	struct plan p;
	struct make_report report;
	struct err err = {0};
	assert_int_equal(make(&p, yaml, options, &report, &err), -1);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.code, code);
}

/* "0 1 2": the values of @key, point after point. */
static void values_are(const struct plan *p, const char *key, const char *expected)
{
	char got[512] = "";
	int k = plan_parameter_find(p, key);
	assert_true(k >= 0);
	for (uint64_t i = 0; i < p->points_count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			 p->points[i].values[k]);
	assert_string_equal(got, expected);
}

static void test_product(void **state)
{
	struct plan p;
	struct make_report report;
	made(&p,
	     "config: empty.yaml\ntraces: [one.atrace, two.atrace]\n"
	     "zip: {pcp.high_min: [1, 2], pcp.high_max: [10, 20]}\n"
	     "grid: {slab.max_order: [0, 1]}\nseeds: 2\n",
	     &all, &report);
	assert_int_equal(p.points_count, 16);
	values_are(&p, "trace", "one one one one one one one one two two two two two two two two");
	values_are(&p, "pcp.high_min", "1 1 1 1 2 2 2 2 1 1 1 1 2 2 2 2");
	values_are(&p, "pcp.high_max", "10 10 10 10 20 20 20 20 10 10 10 10 20 20 20 20");
	values_are(&p, "slab.max_order", "0 0 1 1 0 0 1 1 0 0 1 1 0 0 1 1");
	values_are(&p, "repeat", "0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1");
	for (uint64_t i = 0; i < 16; i++) {
		char seed[24];
		snprintf(seed, sizeof(seed), "%" PRIu64, sample_seed(1, i));
		assert_string_equal(p.points[i].values[plan_parameter_find(&p, "seed")], seed);
		assert_int_equal(p.points[i].index, i);
		for (uint64_t j = 0; j < i; j++)
			assert_string_not_equal(p.points[i].id, p.points[j].id);
	}
	assert_int_equal(p.inputs_count, 2);
	plan_release(&p);
}

/* By repetition, every configuration draws the same numbers, and ids outlive new values. */
static void test_by_repeat(void **state)
{
	struct plan p, more;
	struct make_report report;
	made(&p, "config: base.yaml\ngrid: {pcp.batch: [3]}\nseeds: {count: 2, by: repeat}\n", &all,
	     &report);
	made(&more, "config: base.yaml\ngrid: {pcp.batch: [1, 2, 3]}\nseeds: {count: 2, by: "
		    "repeat}\n", &all, &report);
	int seed = plan_parameter_find(&p, "seed");
	assert_string_equal(more.points[0].values[seed], more.points[4].values[seed]);
	assert_string_not_equal(more.points[0].values[seed], more.points[1].values[seed]);
	assert_string_equal(p.points[0].id, more.points[4].id);
	assert_string_equal(p.points[1].id, more.points[5].id);
	plan_release(&p);
	plan_release(&more);
}

static void test_constraints(void **state)
{
	struct plan p;
	struct make_report report;
	made(&p, "config: base.yaml\ngrid: {slab.min_order: [0, 1], slab.max_order: [0, 1]}\n"
		 "constraints: [slab.min_order <= slab.max_order]\n", &all, &report);
	assert_int_equal(p.points_count, 3);
	assert_int_equal(report.dropped_count, 1);
	assert_int_equal(p.points[1].index, 1);
	assert_int_equal(p.points[2].index, 3); /* as without the constraint */
	plan_release(&p);
	/* Off: without it, the configuration refuses the point. */
	refused("config: base.yaml\ngrid: {slab.min_order: [0, 1], slab.max_order: [0, 1]}\n", &all,
		ERR_CONFIG,
		"s.yaml: point 2 (slab.min_order=1, slab.max_order=0): --set slab.min_order=1: "
		"slab.min_order: is above slab.max_order 0 (1 of 4 points can't be run; add a "
		"constraint that drops such points)");
	refused("config: base.yaml\ngrid: {pcp.batch: [1, auto]}\n"
		"constraints: [pcp.batch > 0]\n", &all, ERR_CONFIG,
		"s.yaml:3:15: constraints[0]: column 1: pcp.batch is auto here, which only == and "
		"!= 'auto' compare, for point 1 (pcp.batch=auto)");
	refused("config: base.yaml\nconstraints: [\"1 > 2\"]\n", &all, ERR_CONFIG,
		"s: no point is left: constraints drop all 1");
	refused("config: empty.yaml\n", &all, ERR_CONFIG,
		"s.yaml: point 0: nothing to run: the sweep has no traces, and its config no "
		"workload "
		"(1 of 1 points can't be run)");
}

/* Keys that don't matter beside others make equal points. */
static void test_same(void **state)
{
	struct plan p;
	struct make_report report;
	made(&p, "config: base.yaml\n"
		 "grid: {machine.nodes: [1, 2], slab.remote_node_defrag_ratio: [100]}\n"
		 "list: [{pcp.batch: 1}, {pcp.batch: 1}]\n", &all, &report);
	assert_int_equal(p.points_count, 2);
	assert_int_equal(report.same_count, 2);
	assert_int_equal(p.points[0].index, 0);
	assert_int_equal(p.points[1].index, 1);
	plan_release(&p);
}

#define WIDE                                                                                       \
	"config: base.yaml\ngrid: {pcp.batch: [1, 2, 3, 4], pcp.high_min: [1, 2, 3, 4], "          \
	"slab.max_order: [0, 1, 2, 3]}\nseeds: 5\n"

/* Index, id and seed of a chosen point are those that it has in the whole plan. */
static void test_sample(void **state)
{
	struct plan whole, some, others;
	struct make_report report;
	const struct make_options ten = {.runs_max = 10, .sample_count = 10, .sample_seed = 1};
	const struct make_options ten_others = {.runs_max = 10, .sample_count = 10,
						.sample_seed = 2};
	unsigned same = 0;
	made(&whole, WIDE, &all, &report);
	assert_int_equal(whole.points_count, 320);
	made(&some, WIDE, &ten, &report);
	made(&others, WIDE, &ten_others, &report);
	assert_int_equal(some.points_count, 10);
	for (uint64_t i = 0; i < 10; i++) {
		const struct plan_point *a = &some.points[i];
		const struct plan_point *b = plan_point_find(&whole, a->index);
		assert_true(!i || a->index > some.points[i - 1].index);
		assert_string_equal(a->id, b->id);
		for (unsigned k = 0; k < some.parameters_count; k++)
			assert_string_equal(a->values[k], b->values[k]);
		same += plan_point_find(&others, a->index) != NULL;
	}
	assert_true(same < 10);
	plan_release(&some);
	plan_release(&others);
	/* As many as there are: all, each once. */
	made(&some, WIDE, &(struct make_options){.runs_max = 1000, .sample_count = 1000}, &report);
	assert_int_equal(some.points_count, 320);
	plan_release(&some);
	plan_release(&whole);
}

static void test_guard(void **state)
{
	char yaml[2048] = "config: base.yaml\nseeds: 1000000\ngrid:\n";
	refused(WIDE, &(struct make_options){.runs_max = 319}, ERR_USAGE,
		"s: 320 points are more than --max-runs, 319; raise it, or choose some points with "
		"--sample");
	refused("config: base.yaml\nseeds: 1000000\n", &all, ERR_USAGE,
		"s: 1000000 points are more than --max-runs, 10000; raise it, or choose some "
		"points with --sample");
	/* Far more than fit memory: some of them can be chosen all the same. */
	for (unsigned i = 0; i < 8; i++) {
		static const char *const keys[] = {"pcp.batch", "pcp.high_min",
						   "costs.alloc_cycles", "costs.free_cycles",
						   "costs.zone_cycles", "costs.pcp_cycles",
						   "costs.search_cycles", "costs.prep_page_cycles"};
		snprintf(yaml + strlen(yaml), sizeof(yaml) - strlen(yaml),
			 "  %s: [100, 200, 300]\n", keys[i]);
	}
	struct plan p;
	struct make_report report;
	struct err err = {0};
	const struct make_options five = {.runs_max = 10, .sample_count = 5};
	if (make(&p, yaml, &five, &report, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(p.points_count, 5);
	assert_true(report.points_count == 1000000 * UINT64_C(6561));
	plan_release(&p);
}

static void ids_are_equal(const struct plan *a, const struct plan *b, bool equal)
{
	assert_int_equal(a->points_count, b->points_count);
	for (uint64_t i = 0; i < a->points_count; i++)
		assert_int_equal(strcmp(a->points[i].id, b->points[i].id) == 0, equal);
}

#define TRACED "config: empty.yaml\ntraces: [one.atrace]\ngrid: {pcp.batch: [1, 2]}\n"

/* Ids follow files by what they hold, not by where they are. */
static void test_places(void **state)
{
	static const char *const files[] = {"empty.yaml", "one.atrace", "s.yaml"};
	struct plan here, there;
	struct make_report report;
	made(&here, TRACED, &all, &report);
	assert_int_equal(mkdir("there", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char to[64];
		snprintf(to, sizeof(to), "there/%s", files[i]);
		assert_int_equal(link(files[i], to), 0);
	}
	assert_int_equal(chdir("there"), 0);
	struct spec s;
	struct err err = {0};
	assert_int_equal(spec_load(&s, "s.yaml", NULL, 0, NULL, &err), 0);
	assert_int_equal(make_plan(&there, &s, &all, &report, NULL, &err), 0);
	spec_release(&s);
	assert_int_equal(chdir(".."), 0);
	assert_string_not_equal(here.inputs[0].path, there.inputs[0].path);
	ids_are_equal(&here, &there, true);
	plan_release(&there);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char to[64];
		snprintf(to, sizeof(to), "there/%s", files[i]);
		unlink(to);
	}
	rmdir("there");
	/* The same name, other contents: other runs. */
	unlink("one.atrace");
	write_trace("one.atrace", 1);
	made(&there, TRACED, &all, &report);
	ids_are_equal(&here, &there, false);
	plan_release(&there);
	unlink("one.atrace");
	write_trace("one.atrace", 0);
	made(&there, TRACED, &all, &report);
	ids_are_equal(&here, &there, true);
	plan_release(&there);
	plan_release(&here);
}

/* A plan that is written and read gives the configurations that it was made of. */
static void test_written(void **state)
{
	struct plan p, read;
	struct make_report report;
	struct err err = {0};
	made(&p,
	     WIDE "title: t\nquestion: q?\nplots: [{name: a, x: pcp.batch, y: [k, l], where: a=b, "
		  "relative: "
		  "true}]\n",
	     &all, &report);
	assert_int_equal(plan_save(&p, "p.jsonl", &err), 0);
	assert_int_equal(plan_load(&read, "p.jsonl", &err), 0);
	ids_are_equal(&p, &read, true);
	assert_string_equal(read.question, "q?");
	assert_int_equal(read.plots[0].y_count, 2);
	assert_int_equal(read.plots[0].where_count, 1);
	assert_string_equal(read.plots[0].where[0], "a=b");
	assert_true(read.plots[0].relative);
	struct config base, c;
	config_init(&base);
	assert_int_equal(plan_base(&read, &base, &err), 0);
	assert_int_equal(plan_config(&read, &read.points[319], &base, &c, &err), 0);
	assert_int_equal(c.pcp.batch_pages, 4);
	assert_int_equal(c.slab.max_order, 3);
	assert_true(c.seed == sample_seed(1, 319));
	config_release(&c);
	config_release(&base);
	plan_release(&read);
	plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_product), cmocka_unit_test(test_by_repeat),
		cmocka_unit_test(test_constraints), cmocka_unit_test(test_same),
		cmocka_unit_test(test_sample), cmocka_unit_test(test_guard),
		cmocka_unit_test(test_places), cmocka_unit_test(test_written),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
