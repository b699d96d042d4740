/*
 * Tests of curves: keys, units, crossings worked out by hand, references, the picture, and what is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "sim/curve.h"
#include "sim/resultdir.h"

static char home[64], source[PATH_MAX], scripts[PATH_MAX + 16];

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* A mapping of so many bytes, which took so long; @other is a figure that only some have. */
static void write_result(const char *dir, const char *name, unsigned bytes, double ns,
			 const char *other)
{
	char text[1024], path[128];
	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/run.json", dir);
	snprintf(text, sizeof(text),
		 "{\"schema_version\": 1, \"meta\": {\"name\": \"%s\"}, \"config\": {\"workload\": "
		 "{\"duration_ns\": 7, \"programs\": [{\"name\": \"p\", \"steps\": [{\"work_ns\": "
		 "{\"uniform\": {\"min\": 1, \"max\": 2}}}, {\"mmap\": \"a\", \"size_bytes\": "
		 "{\"constant\": %u}}]}]}}, \"locks\": [{\"name\": \"l\", \"wait_ns_total\": %g}], "
		 "\"programs\": [{\"name\": \"p\", \"rounds_count\": 4, \"spare_count\": 1%s}]}",
		 name, bytes, ns, other);
	write_text(path, text);
}

static int setup(void **state)
{
	const char *named = getenv("ALLOCSIM_SOURCE");
	(void)state;
	if (!realpath(named ? named : ".", source))
		return -1;
	snprintf(scripts, sizeof(scripts), "%s/scripts", source);
	strcpy(home, "/tmp/curve_test.XXXXXX");
	if (!mkdtemp(home) || chdir(home) != 0)
		return -1;
	write_result("h128", "huge", 131072, 16000, "");
	write_result("b64", "base", 65536, 10000, ", \"idle_ratio\": 0.5");
	write_result("b128", "base", 131072, 20000, "");
	write_result("h64", "huge", 65536, 14000, "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return chdir(source) || resultdir_remove_tree(home);
}

static const char *const all[] = {"h128", "b64", "b128", "h64"};
static const struct curve_options usual = {
	.x = "workload.programs[p].steps[1].size=size",
	.y = {"locks[l].wait_ns_total=time", "locks[l].wait_ns_total / programs[p].rounds_count"},
	.y_count = 2,
};

static void load(struct curve *c, const struct curve_options *options, const char *const *dirs,
		 unsigned count)
{
	struct err err = {.code = ERR_NONE};
	if (curve_load(c, options, dirs, count, &err) != 0)
		fail_msg("%s", err.text);
}

/* The example of curve.c, and of the same figure in another unit. */
static void test_lines_cross(void **state)
{
	struct curve c;
	(void)state;
	load(&c, &usual, all, 4);
	assert_int_equal(c.lines_count, 2);
	assert_string_equal(c.names[0], "huge");
	assert_int_equal(c.points_count, 4);
	assert_string_equal(c.points[0].dir, "h64");
	assert_true(c.points[3].x == 131072 && c.points[3].y[0] == 20000);
	assert_true(c.points[3].y[1] == 5000);
	assert_int_equal(c.x.unit, CURVE_BYTES);
	assert_int_equal(c.y[0].unit, CURVE_NS);
	assert_int_equal(c.y[1].unit, CURVE_NS);
	assert_string_equal(c.x.label, "size");
	assert_string_equal(c.y[1].label, usual.y[1]);
	assert_int_equal(c.crossings_count, 2);
	assert_true(c.crossings[0].panel == 0 && c.crossings[1].panel == 1);
	assert_true(c.crossings[0].x == 98304);
	curve_release(&c);
}

/* Off: lines that keep their order, or meet within 1 %, don't cross. */
static void test_lines_do_not_cross(void **state)
{
	static const char *const dirs[] = {"b64", "b128", "n64", "n128"};
	struct curve c;
	(void)state;
	write_result("n64", "near", 65536, 12000, "");
	write_result("n128", "near", 131072, 20100, "");
	load(&c, &usual, dirs, 4);
	assert_int_equal(c.crossings_count, 0);
	curve_release(&c);
	write_result("n128", "near", 131072, 19900, ""); /* by 0.5 % */
	load(&c, &usual, dirs, 4);
	assert_int_equal(c.crossings_count, 0);
	curve_release(&c);
	write_result("n128", "near", 131072, 19000, ""); /* by 5 % */
	load(&c, &usual, dirs, 4);
	assert_int_equal(c.crossings_count, 2);
	curve_release(&c);
}

static void test_keys(void **state)
{
	static const char *const one[] = {"b64"};
	static const struct {
		const char *key;
		double value;
		enum curve_unit unit;
	} expected[] = {
		{"workload.programs[0].steps[1].size", 65536, CURVE_BYTES},
		{"workload.programs[0].steps[1].size_bytes", 65536, CURVE_BYTES},
		{"workload.duration", 7, CURVE_NS},
		{"programs[p].rounds_count", 4, CURVE_PLAIN},
		{"programs[p].idle_ratio", 0.5, CURVE_RATIO},
	};
	struct curve_options options = usual;
	struct curve c;
	(void)state;
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		options.x = expected[i].key;
		load(&c, &options, one, 1);
		assert_true(c.points[0].x == expected[i].value);
		assert_int_equal(c.x.unit, expected[i].unit);
		curve_release(&c);
	}
	/* A quotient of counts is a share: 4 by 1. */
	options.y[0] = "programs[p].rounds_count / programs[p].spare_count";
	load(&c, &options, one, 1);
	assert_true(c.y[0].share && !c.y[1].share);
	assert_true(c.points[0].y[0] == 4);
	curve_release(&c);
}

static void test_units(void **state)
{
	static const struct {
		enum curve_unit unit;
		double value;
		const char *text;
	} expected[] = {
		{CURVE_BYTES, 65536, "64 KiB"}, {CURVE_BYTES, 100663296, "96 MiB"},
		{CURVE_NS, 1500, "1.5 us"},     {CURVE_NS, 0, "0 ns"},
		{CURVE_RATIO, 0.25, "25 %"},    {CURVE_PLAIN, 20480, "20480"},
	};
	char text[64];
	const char *unit;
	(void)state;
	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		curve_format(expected[i].unit, expected[i].value, text, sizeof(text));
		assert_string_equal(text, expected[i].text);
	}
	assert_true(curve_scale(CURVE_NS, 2e6, &unit) == 1e-6);
	assert_string_equal(unit, "ms");
	assert_int_equal(curve_unit_of("rounds_per_s"), CURVE_PLAIN);
	assert_int_equal(curve_unit_of("waiter_bytes_max"), CURVE_BYTES);
	assert_int_equal(curve_unit_of("bandwidth_bytes_per_s"), CURVE_PLAIN);
}

/* A reference has what it says, for as many panels as it says, and crosses nothing. */
static void test_reference(void **state)
{
	struct curve_options options = usual;
	struct curve c;
	(void)state;
	write_text("theory.txt", "# size, time\n65536 11000\n\n131072, 15000 1e3 # fine\n");
	options.references[0] = "theory=theory.txt";
	options.references_count = 1;
	load(&c, &options, all, 4);
	assert_int_equal(c.points_count, 6);
	assert_string_equal(c.names[2], "theory");
	assert_true(c.points[4].line == 2 && c.points[4].y[0] == 11000);
	assert_true(isnan(c.points[4].y[1]) && c.points[5].y[1] == 1000);
	assert_int_equal(c.crossings_count, 2);
	curve_release(&c);
}

static void refuse(const struct curve_options *options, const char *const *dirs, unsigned count,
		   enum err_code code, const char *words)
{
	struct curve c;
	struct err err = {.code = ERR_NONE};
	assert_int_equal(curve_load(&c, options, dirs, count, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_null(c.points);
}

static void test_refused(void **state)
{
	static const char *const twice[] = {"b64", "b128", "b64"}, *const none[] = {"b64",
										    "absent"};
	static const char *const wrong_x[] = {
		"workload.programs[0].steps[0].work", /* a distribution */
		"workload.programs[0].steps[2].size",
		"workload.programs[q].name",
		"workload.programs[0",
		"workload..duration",
		"nothing.at.all",
	};
	struct curve_options options = usual;
	char names[9][8];
	const char *many[9];
	(void)state;
	refuse(&usual, twice, 3, ERR_USAGE, "b64 and b64 are both of configuration \"base\" with");
	refuse(&usual, none, 2, ERR_NO_INPUT, "absent/run.json");
	for (unsigned i = 0; i < sizeof(wrong_x) / sizeof(wrong_x[0]); i++) {
		options.x = wrong_x[i];
		refuse(&options, all, 4, ERR_USAGE, "h128/run.json: has no number at");
	}
	options = usual;
	options.y[1] = "locks[l].wait_ns_total / programs[p].round_count";
	refuse(&options, all, 4, ERR_USAGE,
	       "no result has a number at locks[l].wait_ns_total / programs[p].round_count;");
	options.y[1] = "=label";
	refuse(&options, all, 4, ERR_USAGE, "'=label': a key is missing");
	options = usual;
	options.references_count = 1;
	options.references[0] = "theory";
	refuse(&options, all, 4, ERR_USAGE, "'theory': a reference is NAME=FILE");
	options.references[0] = "theory=absent.txt";
	refuse(&options, all, 4, ERR_NO_INPUT, "absent.txt: No such file");
	options.references[0] = "theory=bad.txt";
	write_text("bad.txt", "1 2\n3 x\n");
	refuse(&options, all, 4, ERR_TRACE, "bad.txt:2: needs numbers");
	write_text("bad.txt", "1 2 3 4\n");
	refuse(&options, all, 4, ERR_TRACE, "bad.txt:1: needs numbers");
	for (unsigned i = 0; i < 9; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		write_result(names[i], names[i], 1, 10, "");
		many[i] = names[i];
	}
	refuse(&usual, many, 9, ERR_USAGE, "n8: more than 8 configurations");
}

static void assert_contains(const char *path, const char *expected)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("%s is missing", path);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	if (!strstr(text, expected))
		fail_msg("\"%s\" is not in %s:\n%s", expected, path, text);
}

static void test_picture(void **state)
{
	struct curve_plot_options plot = {.dir = "out", .scripts_dir = scripts, .title = "It's"};
	struct curve_options options = usual;
	struct curve c;
	struct err err = {.code = ERR_NONE};
	(void)state;
	if (system("gnuplot --version >/dev/null 2>&1") != 0)
		skip();
	write_text("theory.txt", "65536 11000\n131072 15000\n");
	options.references[0] = "theory=theory.txt";
	options.references_count = 1;
	load(&c, &options, all, 4);
	for (unsigned i = 0; i < 2; i++) { /* the second replaces the first */
		if (curve_plot(&c, &plot, &err) != 0)
			fail_msg("%s", err.text);
	}
	assert_contains("out/data/curve.dat",
			"65536\t14\t3.5\n131072\t16\t4\n\n\n65536\t10\t2.5\n");
	assert_contains("out/data/curve.gp", "tick_text[2] = '128 KiB'\n");
	assert_contains("out/data/curve.gp",
			"panel_title[1] = 'time; huge and base cross at 96 KiB'\n");
	assert_contains("out/data/curve.gp", "y_label[1] = 'us'\npanel_lines[1] = '1 2 3'\n");
	assert_contains("out/data/curve.gp", "panel_lines[2] = '1 2'\n");
	assert_contains("out/curve.json", "\"x\": 98304");
	assert_contains("out/curve.svg", "</svg>");
	assert_int_equal(access("out/curve.png", F_OK), 0);
	/* A directory of something else stays. */
	plot.dir = "b64";
	assert_int_equal(curve_plot(&c, &plot, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_int_equal(access("b64/run.json", F_OK), 0);
	curve_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_cross, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_do_not_cross, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_units, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reference, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_picture, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
