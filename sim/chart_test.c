/*
 * Tests of charts: units, order of values, repetitions, relative values, crossings worked out by
 * hand, references, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"
#include "sim/chart_rig.h"

/* A mapping of so many bytes, which took so long; @figures are some that only few have. */
static void write_size(const char *dir, const char *name, unsigned bytes, double ns,
		       const char *figures)
{
	char config[512];

	snprintf(config, sizeof(config),
		 ", \"seed\": 1, \"workload\": {\"duration_ns\": 7, \"programs\": [{\"name\": "
		 "\"p\", "
		 "\"steps\": [{\"work_ns\": {\"uniform\": {\"min\": 1, \"max\": 2}}}, {\"mmap\": "
		 "\"a\", \"size_bytes\": {\"constant\": %u}}]}]}",
		 bytes);
	chart_rig_result(dir, name, config, ns, figures);
}

static int setup(void **state)
{
	if (chart_rig_setup(state))
		return -1;
	write_size("h128", "huge", 131072, 16000, "");
	write_size("b64", "base", 65536, 10000, ", \"idle_ratio\": 0.5");
	write_size("b128", "base", 131072, 20000, "");
	write_size("h64", "huge", 65536, 14000, "");
	return 0;
}

static const char *const all[] = {"h128", "b64", "b128", "h64"}, *const sweep[] = {"sweep"};
static const struct chart_options usual = {
	.x = "workload.programs[p].steps[1].size=size",
	.y = {"locks[l].wait_ns_total=time", "locks[l].wait_ns_total / programs[p].rounds_count"},
	.y_count = 2,
};
static const struct chart_options of_sweep = {
	.x = "slab.max_order",
	.y = {"locks[l].wait_ns_total"},
	.y_count = 1,
	.by = "trace",
};

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) <= 1e-12 * fabs(b)))
		fail_msg("%.17g is not %.17g", a, b);
}

/* --- lines -------------------------------------------------------------------------------------
 */

/* The example of chart_points.c, and of the same figure in another unit. */
static void test_lines_cross(void **state)
{
	struct chart *c = chart_rig_load(&usual, all, 4);

	(void)state;
	assert_int_equal(c->kind, CHART_LINES);
	assert_int_equal(c->lines.count, 2);
	assert_string_equal(chart_line_name(c, 0), "huge"); /* it came first */
	assert_int_equal(c->points_count, 4);
	assert_string_equal(c->samples[c->points[0].first].dir, "h64");
	assert_true(c->points[3].x == 131072 && c->points[3].y[0].median == 20000);
	assert_true(c->points[3].y[1].median == 5000);
	assert_int_equal(c->x.unit, CHART_BYTES);
	assert_int_equal(c->y[0].unit, CHART_NS);
	assert_int_equal(c->y[1].unit, CHART_NS);
	assert_string_equal(c->x.label, "size");
	assert_string_equal(c->columns.items[1].text, "128 KiB");
	assert_string_equal(c->y[1].label, usual.y[1]);
	assert_string_equal(c->title, "time against size");
	assert_int_equal(c->crossings_count, 2);
	assert_true(c->crossings[0].panel == 0 && c->crossings[1].panel == 1);
	assert_true(c->crossings[0].x == 98304);
	chart_free(c);
}

/* Off: lines that keep their order, or meet within 1 %, don't cross. */
static void test_lines_do_not_cross(void **state)
{
	static const char *const dirs[] = {"b64", "b128", "n64", "n128"};
	static const struct {
		double ns;
		unsigned crossings;
	} cases[] = {{20100, 0}, {19900, 0}, {19000, 2}}; /* by +0.5 %, -0.5 % and -5 % */
	unsigned i;

	(void)state;
	write_size("n64", "near", 65536, 12000, "");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		write_size("n128", "near", 131072, cases[i].ns, "");
		struct chart *c = chart_rig_load(&usual, dirs, 4);
		assert_int_equal(c->crossings_count, cases[i].crossings);
		chart_free(c);
	}
}

/* Off: two lines that both lie on the ground beside a third, far above them. */
static void test_lines_that_can_not_be_seen_do_not_cross(void **state)
{
	static const char *const dirs[] = {"b64", "b128", "n64", "n128", "f64", "f128"};
	struct chart *c;

	(void)state;
	write_size("n64", "near", 65536, 12000, "");
	write_size("n128", "near", 131072, 19000, "");
	write_size("f64", "far", 65536, 9000000, ""); /* from 10 us on: a logarithmic axis */
	write_size("f128", "far", 131072, 9000000, "");
	c = chart_rig_load(&usual, dirs, 4);
	assert_int_equal(c->crossings_count, 2);
	chart_free(c);
	c = chart_rig_load(&usual, dirs, 6);
	assert_int_equal(c->crossings_count, 2);
	chart_free(c);
	write_size("f64", "far", 65536, 0, "");
	c = chart_rig_load(&usual, dirs, 6);
	assert_int_equal(c->crossings_count, 0);
	chart_free(c);
}

static void test_keys(void **state)
{
	static const char *const one[] = {"b64"};
	static const struct {
		const char *key;
		double value;
		enum chart_unit unit;
	} expected[] = {
		{"workload.programs[0].steps[1].size", 65536, CHART_BYTES},
		{"workload.duration", 7, CHART_NS},
		{"programs[p].rounds_count", 4, CHART_PLAIN},
		{"programs_p.rounds_count", 4, CHART_PLAIN}, /* a column */
		{"programs[p].idle_ratio", 0.5, CHART_RATIO},
		{"programs[p].rounds_count / workload.duration", 4e9 / 7, CHART_RATE},
		{"programs[p].rounds_count / workload.duration / programs[p].rounds_count", 1e9 / 7,
		 CHART_RATE},
		{"locks[l].wait_ns_total / workload.duration", 1e4 / 7, CHART_RATIO},
		{"workload.duration / workload.programs[0].steps[1].size", 7 / 65536.0,
		 CHART_PLAIN},
	};
	struct chart_options options = usual;
	struct chart *c;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		options.x = expected[i].key;
		c = chart_rig_load(&options, one, 1);
		assert_near(c->points[0].x, expected[i].value);
		assert_int_equal(c->x.unit, expected[i].unit);
		chart_free(c);
	}
	/* A quotient of counts is a share: 4 by 1. */
	options.y[0] = "programs[p].rounds_count / programs[p].spare_count";
	c = chart_rig_load(&options, one, 1);
	assert_true(c->y[0].share && !c->y[1].share);
	assert_true(c->points[0].y[0].median == 4);
	chart_free(c);
}

static void test_units(void **state)
{
	static const struct {
		enum chart_unit unit;
		double value;
		const char *text;
	} expected[] = {
		{CHART_BYTES, 65536, "64 KiB"}, {CHART_BYTES, 100663296, "96 MiB"},
		{CHART_NS, 1500, "1.5 us"},     {CHART_NS, 0, "0 ns"},
		{CHART_RATIO, 0.25, "25 %"},    {CHART_PLAIN, 20480, "20480"},
		{CHART_RATE, 8e7, "80 M/s"},
	};
	char text[CHART_TEXT];
	const char *unit;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		chart_format(expected[i].unit, expected[i].value, text, sizeof(text));
		assert_string_equal(text, expected[i].text);
	}
	assert_true(chart_scale(CHART_NS, 2e6, &unit) == 1e-6);
	assert_string_equal(unit, "ms");
	assert_int_equal(chart_unit_of("rounds_per_s"), CHART_RATE);
	assert_int_equal(chart_unit_of("waiter_bytes_max"), CHART_BYTES);
	assert_int_equal(chart_unit_of("bandwidth_bytes_per_s"), CHART_PLAIN);
}

/* A reference has what it says, for as many panels as it says, and crosses nothing. */
static void test_reference(void **state)
{
	struct chart_options options = usual;
	struct chart *c;

	(void)state;
	chart_rig_write("theory.txt", "# size, time\n131072, 15000 1e3 # fine\n\n65536 11000\n");
	options.references[0] = "theory=theory.txt";
	options.references_count = 1;
	c = chart_rig_load(&options, all, 4);
	assert_int_equal(c->points_count, 6);
	assert_string_equal(chart_line_name(c, 2), "theory");
	assert_true(c->points[4].line == 2 && c->points[4].y[0].median == 11000);
	assert_true(!c->points[4].y[1].count && c->points[5].y[1].median == 1000);
	assert_int_equal(c->crossings_count, 2);
	chart_free(c);
}

/* The speed-up of the example in chart_points.c: from 14 to 16 is 8/7, from 10 to 20 is 2. */
static void test_relative(void **state)
{
	struct chart_options options = usual;
	struct chart *c;

	(void)state;
	options.relative = true;
	c = chart_rig_load(&options, all, 4);
	assert_near(c->points[0].y[0].median, 1);
	assert_near(c->points[1].y[0].median, 8 / 7.0);
	assert_near(c->points[3].y[0].median, 2);
	assert_near(c->samples[c->points[3].first].y[0], 2);
	assert_int_equal(c->y[0].unit, CHART_PLAIN);
	chart_free(c);
	write_size("b64", "base", 65536, 0, "");
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "the line \"base\" begins with 0");
}

/* --- repetitions and names -----------------------------------------------------------------------
 */

static void test_quartiles(void **state)
{
	double four[] = {8, 2, NAN, 1, 4}, one[] = {7}, two[] = {3, 1}, none[] = {NAN};
	struct chart_summary s = chart_summarize(four, 5);

	(void)state;
	assert_int_equal(s.count, 4);
	assert_true(s.least == 1 && s.quartile == 1.75 && s.median == 3);
	assert_true(s.upper_quartile == 5 && s.most == 8);
	s = chart_summarize(one, 1);
	assert_true(s.least == 7 && s.quartile == 7 && s.median == 7 && s.most == 7);
	s = chart_summarize(two, 2);
	assert_true(s.quartile == 1.5 && s.median == 2 && s.upper_quartile == 2.5);
	s = chart_summarize(none, 1);
	assert_true(!s.count && isnan(s.median) && isnan(s.least));
}

/* Numbers in their order and "auto" behind, lines as the sweep names them, boxes of three. */
static void test_sweep(void **state)
{
	struct chart *c;

	(void)state;
	chart_rig_sweep(0);
	c = chart_rig_load(&of_sweep, sweep, 1);
	assert_int_equal(c->kind, CHART_BOXES);
	assert_int_equal(c->repeats_max, 3);
	assert_int_equal(c->columns.count, 3);
	assert_string_equal(c->columns.items[0].text, "2");
	assert_string_equal(c->columns.items[1].text, "10");
	assert_string_equal(c->columns.items[2].text, "auto");
	assert_false(c->columns.numeric);
	assert_string_equal(chart_line_name(c, 0), "web");
	assert_string_equal(chart_line_name(c, 1), "db");
	assert_int_equal(c->points_count, 6);
	/* web, 2: 1200, 1210, 1240 */
	assert_int_equal(c->points[0].count, 3);
	assert_true(c->points[0].y[0].median == 1210 && c->points[0].y[0].quartile == 1205);
	assert_true(c->points[0].y[0].least == 1200 && c->points[0].y[0].most == 1240);
	assert_true(c->points[5].y[0].median == 3510 && isnan(c->points[5].x));
	assert_int_equal(c->crossings_count, 0);
	chart_free(c);
}

/* What failed is left out. */
static void test_failed(void **state)
{
	struct chart *c;

	(void)state;
	chart_rig_sweep(1u << 4 | 7u << 15); /* web, 2, one; db, 10, all */
	c = chart_rig_load(&of_sweep, sweep, 1);
	assert_int_equal(c->points_count, 5);
	assert_int_equal(c->points[0].count, 2);
	assert_true(c->points[0].y[0].median == 1220);
	chart_free(c);
}

static void test_where(void **state)
{
	struct chart_options options = of_sweep;
	struct chart *c;

	(void)state;
	chart_rig_sweep(0);
	options.by = NULL;
	options.where[0] = "trace=db";
	options.where[1] = "slab.max_order=2";
	options.where[2] = "slab.max_order=auto";
	options.where_count = 3;
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->points_count, 2);
	assert_true(c->points[1].y[0].median == 3510);
	assert_string_equal(chart_line_name(c, 0), "s");
	chart_free(c);
	options.where[1] = "repeat=1";
	options.where_count = 2;
	options.kind = CHART_AUTO;
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->kind, CHART_LINES); /* nothing is repeated now */
	assert_int_equal(c->points_count, 3);
	chart_free(c);
	options.where[0] = "trace=dbx";
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE, "no result is left by --where");
	options.where[0] = "trac=db";
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE,
			 "--where trac=db: no result has such a key");
	assert_true(chart_value_matches("64KiB", "64 KiB", 65536));
	assert_true(chart_value_matches("4", "4", 4) && chart_value_matches("4.0", "4", 4));
	assert_false(chart_value_matches("6", "64", 64));
}

/* Off: results that differ in more than their seed are no repetitions. */
static void test_no_repetitions(void **state)
{
	static const char *const twice[] = {"b64", "b128", "b64"}, *const seeds[] = {"s1", "s2"};
	static const char *const other[] = {"s1", "s3"};
	struct chart_options options = of_sweep;
	struct chart *c;

	(void)state;
	chart_rig_sweep(0);
	options.by = NULL;
	options.where[0] = "trace=web";
	options.where[1] = "trace=db";
	options.where_count = 2;
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE,
			 "both have slab.max_order 2 and name s, but differ in trace (web, db): "
			 "tell them apart with --by trace, or choose with --where trace=VALUE");
	options.where_count = 0;
	chart_rig_refuse(&usual, twice, 3, ERR_USAGE,
			 "b64 and b64 are the same experiment with the same seed, both with "
			 "workload.programs[p].steps[1].size 64 KiB and name base");
	chart_rig_result("s1", "s", ", \"seed\": 1, \"slab\": {\"max_order\": 1, \"b\": 2}", 10,
			 "");
	chart_rig_result("s2", "s", ", \"seed\": 2, \"slab\": {\"max_order\": 1, \"b\": 2}", 20,
			 "");
	chart_rig_result("s3", "s", ", \"seed\": 2, \"slab\": {\"max_order\": 1, \"c\": true}", 1,
			 "");
	c = chart_rig_load(&options, seeds, 2);
	assert_true(c->points_count == 1 && c->points[0].y[0].median == 15);
	chart_free(c);
	chart_rig_refuse(
		&options, other, 2, ERR_USAGE,
		"differ in slab.b (2, none), slab.c (none, true): tell them apart with --by "
		"slab.b");
}

/* A parameter that is nowhere in the picture is held at its first value, and that is said. */
static void test_held(void **state)
{
	struct chart_options options = of_sweep;
	char *text = NULL;
	size_t size = 0;
	struct chart *c;
	FILE *f;

	(void)state;
	chart_rig_sweep(0);
	options.by = NULL;
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->samples_count, 9);
	assert_int_equal(c->points_count, 3);
	assert_int_equal(c->held_count, 1);
	assert_string_equal(c->held[0].key, "trace");
	assert_string_equal(c->held[0].value, "web");
	f = open_memstream(&text, &size);
	assert_non_null(f);
	chart_print_held(c, f);
	chart_print_json(c, f);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, "trace is held at web: --where trace=VALUE chooses another"));
	assert_non_null(strstr(text, "\"held\": {\n    \"trace\": \"web\"\n  }"));
	free(text);
	chart_free(c);
	/* The axis is that of the results that are left. */
	options.x = "trace";
	options.where[0] = "slab.max_order=2";
	options.where_count = 1;
	c = chart_rig_load(&options, sweep, 1);
	assert_true(c->held_count == 0 && c->columns.count == 2);
	chart_free(c);
	options.x = "locks[l].wait_ns_total=wait";
	options.where_count = 0;
	c = chart_rig_load(&options, sweep, 1);
	assert_true(c->held_count == 0 && c->samples_count == 18 && c->columns.count == 18);
	chart_free(c);
	options.x = "programs[p].rounds_count";
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->held_count, 2);
	assert_true(c->columns.count == 1 && c->samples_count == 3);
	chart_free(c);
	/* Of lines that lose all their results, nothing is left. */
	options.x = "slab.max_order";
	options.by = "seed";
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->lines.count, 3);
	chart_free(c);
}

static void test_heat(void **state)
{
	struct chart_options options = {
		.x = "trace", .y = {"slab.max_order"}, .y_count = 1, .z = "locks[l].wait_ns_total"};
	struct chart *c;

	(void)state;
	chart_rig_sweep(7u << 15); /* db, 10 */
	c = chart_rig_load(&options, sweep, 1);
	assert_int_equal(c->kind, CHART_HEAT);
	assert_true(c->columns.count == 2 && c->rows.count == 3 && c->lines.count == 1);
	assert_int_equal(c->points_count, 5);
	assert_true(c->points[1].column == 1 && c->points[1].row == 0); /* db, 2 */
	assert_true(c->points[1].y[0].median == 3210);
	assert_true(c->points[2].column == 0 && c->points[2].row == 1); /* web, 10 */
	chart_free(c);
	options.relative = true;
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE, "a heat map has no line for --relative");
	options.relative = false;
	options.kind = CHART_BOXES;
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE, "--z makes a heat map");
	options.kind = CHART_HEAT;
	options.y_count = 2;
	options.y[1] = options.y[0];
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE, "a heat map has one --y");
	options.z = NULL;
	chart_rig_refuse(&options, sweep, 1, ERR_USAGE, "a heat map needs --z");
}

/* --- refused ------------------------------------------------------------------------------------
 */

static void test_wrong_keys(void **state)
{
	static const char *const none[] = {"b64", "absent"};
	static const char *const wrong_x[] = {
		"workload.programs[0].steps[2].size",
		"workload.programs[q].steps",
		"workload.programs[0",
		"workload..duration",
		"nothing.at.all",
	};
	struct chart_options options = usual;

	(void)state;
	chart_rig_refuse(&usual, none, 2, ERR_NO_INPUT, "absent");
	for (unsigned i = 0; i < ARRAY_SIZE(wrong_x); i++) {
		options.x = wrong_x[i];
		chart_rig_refuse(&options, all, 4, ERR_USAGE, "h128/run.json: has nothing at ");
	}
	options = usual;
	options.by = "slab.allocator";
	chart_rig_refuse(&options, all, 4, ERR_USAGE,
			 "h128/run.json: has nothing at slab.allocator");
	options = usual;
	options.y[1] = "locks[l].wait_ns_total / programs[p].round_count";
	chart_rig_refuse(&options, all, 4, ERR_USAGE,
			 "no result has a number at locks[l].wait_ns_total / "
			 "programs[p].round_count;");
	options.y[1] = "=label";
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "'=label': a key is missing");
	options.y[1] = "a / =label";
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "'a / =label': a key is missing");
	options.y[1] = "a / b / c / d / e";
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "has more than 4 keys");
	options = usual;
	options.where[0] = "seed";
	options.where_count = 1;
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "'seed': --where takes KEY=VALUE");
}

static void test_wrong_references(void **state)
{
	struct chart_options options = usual;

	(void)state;
	options.references_count = 1;
	options.references[0] = "theory";
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "'theory': a reference is NAME=FILE");
	options.references[0] = "theory=absent.txt";
	chart_rig_refuse(&options, all, 4, ERR_NO_INPUT, "absent.txt: No such file");
	options.references[0] = "theory=bad.txt";
	chart_rig_write("bad.txt", "1 2\n3 x\n");
	chart_rig_refuse(&options, all, 4, ERR_TRACE, "bad.txt:2: needs numbers");
	chart_rig_write("bad.txt", "1 2 3 4\n");
	chart_rig_refuse(&options, all, 4, ERR_TRACE, "bad.txt:1: needs numbers");
	options.x = "name";
	chart_rig_write("bad.txt", "1 2 3\n");
	options.where[0] = "workload.programs[p].steps[1].size=64KiB";
	options.where_count = 1;
	chart_rig_refuse(&options, all, 4, ERR_USAGE, "--reference needs numbers at name");
}

static void test_too_many_lines(void **state)
{
	struct chart_options options = usual;
	char names[9][8];
	const char *many[9];

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		write_size(names[i], names[i], 4096 + i, 10, "");
		many[i] = names[i];
	}
	chart_free(chart_rig_load(&usual, many, 8));
	chart_rig_refuse(&usual, many, 9, ERR_USAGE, "there are more than 8 configurations");
	options.by = options.x;
	chart_rig_refuse(&options, many, 9, ERR_USAGE,
			 "steps[1].size has 9 values, more than the 8 lines of a picture; choose "
			 "some with --where 'workload.programs[p].steps[1].size=VALUE'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_cross, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_lines_do_not_cross, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_lines_that_can_not_be_seen_do_not_cross, setup,
						chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_reference, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_relative, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_failed, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_where, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_no_repetitions, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_held, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_heat, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_keys, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_references, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_too_many_lines, setup, chart_rig_teardown),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_quartiles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
