/*
 * Tests of charts' pictures: the columns and labels that are drawn, where they go, what is refused,
 * and JSON and text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/chart_impl.h"
#include "sim/chart_rig.h"

static const char *const sizes[] = {"h128", "b64", "b128", "h64"}, *const sweep[] = {"sweep"};
static const struct chart_options of_sizes = {
	.x = "machine.memory=size",
	.y = {"locks[l].wait_ns_total=time", "locks[l].wait_ns_total / programs[p].rounds_count"},
	.y_count = 2,
	.title = "It's",
};
static const struct chart_options of_sweep = {
	.x = "slab.max_order=order",
	.y = {"locks[l].wait_ns_total=time"},
	.y_count = 1,
	.by = "trace",
};

static int setup(void **state)
{
	if (chart_rig_setup(state))
		return -1;
	chart_rig_result("h128", "huge", ", \"machine\": {\"memory_bytes\": 131072}", 16000, "");
	chart_rig_result("b64", "base", ", \"machine\": {\"memory_bytes\": 65536}", 10000, "");
	chart_rig_result("b128", "base", ", \"machine\": {\"memory_bytes\": 131072}", 20000, "");
	chart_rig_result("h64", "huge", ", \"machine\": {\"memory_bytes\": 65536}", 14000, "");
	return 0;
}

static void need_gnuplot(void)
{
	if (system("gnuplot --version >/dev/null 2>&1") != 0)
		skip();
}

static void draw(const struct chart *c, const char *dir, const char *name)
{
	struct chart_output out = {.dir = dir, .name = name, .scripts_dir = chart_rig_scripts()};
	struct err err = {.code = ERR_NONE};

	if (chart_draw(c, &out, &err))
		fail_msg("%s", err.text);
}

static unsigned entries(const char *dir)
{
	struct dirent *e;
	unsigned count = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)))
		count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return count;
}

static void test_lines(void **state)
{
	struct chart_options options = of_sizes;
	struct chart *c;

	(void)state;
	need_gnuplot();
	chart_rig_write("theory.txt", "65536 11000\n131072 15000\n");
	options.references[0] = "theory=theory.txt";
	options.references_count = 1;
	c = chart_rig_load(&options, sizes, 4);
	draw(c, "out/of/it", "first");
	draw(c, "out/of/it", "second"); /* beside the first */
	draw(c, "out/of/it", "second"); /* in its place */
	assert_int_equal(entries("out/of/it"), 5);
	assert_int_equal(entries("out/of/it/data"), 6);
	/* Positions, then least, quartile, median, upper quartile and most in us. */
	chart_rig_assert_contains("out/of/it/data/first.dat",
				  "65536\t65536\t14\t14\t14\t14\t14\t3.5\t3.5\t3.5\t3.5\t3.5\t1\t"
				  "\"64 KiB\"\n131072\t131072\t16\t");
	chart_rig_assert_contains("out/of/it/data/first.dat",
				  "\t\"128 KiB\"\n\n\n65536\t65536\t10\t");
	chart_rig_assert_contains(
		"out/of/it/data/first.dat",
		"\n\n\n65536\t65536\t11\t11\t11\t11\t11\tNaN\tNaN\tNaN\tNaN\tNaN\t0\t"
		"\"\"\n");
	chart_rig_assert_contains("out/of/it/data/first.gp", "title = 'It''s'\n");
	chart_rig_assert_contains("out/of/it/data/first.gp", "tick_text[2] = '128 KiB'\n");
	chart_rig_assert_contains("out/of/it/data/first.gp",
				  "panel_title[1] = 'time; huge and base cross at 96 KiB'\n");
	chart_rig_assert_contains("out/of/it/data/first.gp",
				  "y_label[1] = 'us'\npanel_lines[1] = '1 2 3'\n");
	chart_rig_assert_contains("out/of/it/data/first.gp", "panel_lines[2] = '1 2'\n");
	chart_rig_assert_contains("out/of/it/data/first.json", "\"x\": 98304");
	chart_rig_assert_contains("out/of/it/second.svg", "</svg>");
	assert_int_equal(access("out/of/it/second.png", F_OK), 0);
	chart_free(c);
}

/* Sizes far apart lie at their logarithms: 64 and 128 KiB at 16 and 17. */
static void test_logarithm(void **state)
{
	static const char *const dirs[] = {"b64", "b128", "b1024"};
	struct chart *c;

	(void)state;
	need_gnuplot();
	chart_rig_result("b1024", "base", ", \"machine\": {\"memory_bytes\": 1048576}", 2e6, "");
	c = chart_rig_load(&of_sizes, dirs, 3);
	draw(c, "out", "p");
	chart_rig_assert_contains("out/data/p.dat", "16\t16\t10\t");
	chart_rig_assert_contains("out/data/p.dat", "17\t17\t20\t");
	chart_rig_assert_contains("out/data/p.gp", "x_min = 15.88\nx_max = 20.12\n");
	chart_rig_assert_contains("out/data/p.gp", "y_log[1] = 1\n"); /* by a factor of 200 */
	chart_free(c);
}

/* Two lines of boxes lie side by side; three repetitions, 1200, 1210 and 1240 ns. */
static void test_boxes(void **state)
{
	struct chart_options options = of_sweep;
	struct chart *c;

	(void)state;
	need_gnuplot();
	chart_rig_sweep(0);
	c = chart_rig_load(&of_sweep, sweep, 1);
	draw(c, "out", "boxes");
	/* 3 columns span 2; a group has (4 + 2 * 2) % of it, 0.16, so the lines are at -+0.04. */
	chart_rig_assert_contains("out/data/boxes.dat",
				  "1\t0.96\t1.2\t1.205\t1.21\t1.225\t1.24\t3\t\"2\"\n2\t1.96\t");
	chart_rig_assert_contains("out/data/boxes.dat", "\t3\t\"auto\"\n\n\n1\t1.04\t3.2\t");
	chart_rig_assert_contains("out/data/boxes.gp",
				  "joined = 1\nboxes = 1\nband = 0\nbox_width = 0.072\n");
	chart_rig_assert_contains("out/data/boxes.gp", "legend_title = 'trace'\n");
	chart_rig_assert_contains("out/data/boxes.gp", "subtitle = 'up to 3 repetitions: median,");
	chart_rig_assert_contains("out/data/boxes.json", "\"quartile\": 1205,");
	chart_rig_assert_contains("out/data/boxes.json",
				  "\"results\": [\"sweep/000000000000abc3\"");
	assert_int_equal(access("out/boxes.png", F_OK), 0);
	chart_free(c);
	options.kind = CHART_LINES;
	c = chart_rig_load(&options, sweep, 1);
	draw(c, "out", "band");
	chart_rig_assert_contains("out/data/band.gp", "joined = 1\nboxes = 0\nband = 1\n");
	chart_free(c);
	/* Between names there is nothing, so neither a line nor a band. */
	options.x = "trace";
	options.by = "slab.max_order";
	c = chart_rig_load(&options, sweep, 1);
	draw(c, "out", "names");
	chart_rig_assert_contains("out/data/names.gp", "joined = 0\nboxes = 1\nband = 0\n");
	chart_free(c);
}

static void test_heat(void **state)
{
	struct chart_options options = of_sweep;
	struct chart *c;

	(void)state;
	need_gnuplot();
	chart_rig_sweep(7u << 15); /* db, 10 */
	options.x = "trace";
	options.y[0] = "slab.max_order";
	options.z = "locks[l].wait_ns_total=time";
	options.by = NULL;
	c = chart_rig_load(&options, sweep, 1);
	draw(c, "out", "heat");
	/* The dark half has bright texts; the cell without a result is in a block of its own. */
	chart_rig_assert_contains("out/data/heat.dat", "1\t1\t1.21\t1.21\t16777215\n"
						       "2\t1\t3.21\t3.21\t0\n"
						       "1\t2\t2.01\t2.01\t16777215\n"
						       "1\t3\t1.51\t1.51\t16777215\n"
						       "2\t3\t3.51\t3.51\t0\n\n\n2\t2\n");
	chart_rig_assert_contains("out/data/heat.gp", "cells[1] = 0\nmissing[1] = 1\n");
	chart_rig_assert_contains("out/data/heat.gp", "z_label = 'time (us)'\n");
	chart_rig_assert_contains("out/data/heat.gp", "z_min = 1.21\nz_max = 3.51\nz_log = 0\n");
	chart_rig_assert_contains("out/data/heat.gp", "; hatched: no result'\n");
	chart_rig_assert_contains("out/data/heat.gp", "texts = 1\n");
	assert_int_equal(access("out/heat.png", F_OK), 0);
	chart_free(c);
	options.by = "repeat";
	c = chart_rig_load(&options, sweep, 1);
	draw(c, "out", "panels");
	chart_rig_assert_contains("out/data/panels.gp", "panels = 3\nacross = 2\ndown = 2\n");
	chart_rig_assert_contains("out/data/panels.gp", "panel_title[3] = 'repeat: 2'\n");
	chart_rig_assert_contains("out/data/panels.gp", "cells[3] = 4\nmissing[3] = 5\n");
	chart_free(c);
}

static void test_refused(void **state)
{
	static const struct {
		const char *dir, *name;
		enum err_code code;
		const char *words;
	} cases[] = {
		{"out", "a/b", ERR_USAGE, "'a/b': a picture's name has letters"},
		{"out", ".a", ERR_USAGE, "'.a': "},
		{"out", "", ERR_USAGE, "'': "},
		{"b64/run.json", "a", ERR_CANT_CREATE, "b64/run.json"},
	};
	struct chart *c = chart_rig_load(&of_sizes, sizes, 4);
	unsigned i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct chart_output out = {.dir = cases[i].dir,
					   .name = cases[i].name,
					   .scripts_dir = chart_rig_scripts()};
		struct err err = {.code = ERR_NONE};
		assert_int_equal(chart_draw(c, &out, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		if (!strstr(err.text, cases[i].words))
			fail_msg("\"%s\" is not in: %s", cases[i].words, err.text);
	}
	chart_free(c);
	assert_int_equal(access("out", F_OK), -1);
}

/* A picture that fails leaves the earlier one, and nothing of its own. */
static void test_failure(void **state)
{
	struct chart *c = chart_rig_load(&of_sizes, sizes, 4);
	struct chart_output out = {.dir = "out", .name = "p", .scripts_dir = "broken"};
	struct err err = {.code = ERR_NONE};

	(void)state;
	need_gnuplot();
	draw(c, "out", "p");
	mkdir("broken", 0777);
	mkdir("broken/plots", 0777);
	chart_rig_write("broken/plots/common.gp", "set nonsense\n");
	chart_rig_write("broken/plots/chart.gp", "");
	assert_int_equal(chart_draw(c, &out, &err), -1);
	assert_int_equal(err.code, ERR_PROGRAM);
	assert_int_equal(entries("out"), 3);
	assert_int_equal(entries("out/data"), 3);
	chart_rig_assert_contains("out/p.svg", "</svg>");
	chart_free(c);
}

static void test_names(void **state)
{
	struct chart_options options = of_sizes;
	char name[256];

	(void)state;
	assert_string_equal(chart_name(&options, name, sizeof(name)),
			    "locks_l.wait_ns_total-against-machine.memory");
	options.y[0] = "a[0,pcp].b_ns / c=d / e";
	assert_string_equal(chart_name(&options, name, sizeof(name)),
			    "a_0_pcp.b_ns-against-machine.memory");
	options.z = "z";
	assert_string_equal(chart_name(&options, name, sizeof(name)), "z-against-machine.memory");
}

static void test_text(void **state)
{
	struct chart *c;
	FILE *f = fopen("text", "w");

	(void)state;
	chart_rig_sweep(0);
	c = chart_rig_load(&of_sizes, sizes, 4);
	chart_print(c, f);
	chart_free(c);
	c = chart_rig_load(&of_sweep, sweep, 1);
	chart_print(c, f);
	chart_free(c);
	assert_int_equal(fclose(f), 0);
	chart_rig_assert_contains("text", "huge                   64 KiB           14 us  ");
	chart_rig_assert_contains("text", "time: huge and base cross at 96 KiB\n");
	chart_rig_assert_contains("text",
				  "web                 2      3  1.21 us (1.205 us .. 1.225 us)\n");
}

/* A plan's plot has the options of the command. */
static void test_plan_plot(void **state)
{
	struct plan_plot plot = {.name = (char *)"n",
				 .x = (char *)"a",
				 .y = {(char *)"b", (char *)"c"},
				 .y_count = 2,
				 .kind = (char *)"boxes",
				 .relative = true};
	struct chart_options o;

	(void)state;
	chart_options_of_plan(&plot, &o);
	assert_string_equal(o.x, "a");
	assert_string_equal(o.y[1], "c");
	assert_true(o.y_count == 2 && o.kind == CHART_BOXES && o.relative && !o.z && !o.by);
	assert_int_equal(chart_kind_of("heat"), CHART_HEAT);
	assert_int_equal(chart_kind_of("pie"), -1);
}

static void test_shorten(void **state)
{
	char buf[32];

	(void)state;
	assert_string_equal(chart_shorten("12345678", 8, buf, sizeof(buf)), "12345678");
	assert_string_equal(chart_shorten("123456789", 8, buf, sizeof(buf)), "12345...");
	/* Letters of two bytes count once and stay whole. */
	assert_string_equal(chart_shorten("ääääääää", 8, buf, sizeof(buf)), "ääääääää");
	assert_string_equal(chart_shorten("äääääääää", 8, buf, sizeof(buf)), "äääää...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_logarithm, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_boxes, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_heat, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, chart_rig_teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, chart_rig_teardown),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_plan_plot),
		cmocka_unit_test(test_shorten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
