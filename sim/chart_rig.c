/*
 * chart_rig.c - results and a sweep for tests of charts: see chart_rig.h.
 *
 * Results are as small as a reader of results accepts: run.json has a version, a name, a
 * configuration and some figures. The sweep has a plan and cells as `allocsim sweep run` leaves
 * them; its configurations need not be ones that could be run, since nothing here runs them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/chart_rig.h"
#include "sim/resultdir.h"
#include "sim/sweep/digest.h"

static char home[64], source[PATH_MAX], scripts[PATH_MAX + 16];

int chart_rig_setup(void **state)
{
	const char *named = getenv("ALLOCSIM_SOURCE");

	(void)state;
	if (!realpath(named ? named : ".", source))
		return -1;
	snprintf(scripts, sizeof(scripts), "%s/scripts", source);
	strcpy(home, "/tmp/chart_test.XXXXXX");
	return !mkdtemp(home) || chdir(home) != 0 ? -1 : 0;
}

int chart_rig_teardown(void **state)
{
	(void)state;
	return chdir(source) || resultdir_remove_tree(home);
}

const char *chart_rig_scripts(void)
{
	return scripts;
}

void chart_rig_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void format_run(char *text, size_t size, const char *name, const char *config, double ns,
		       const char *figures)
{
	int used =
		snprintf(text, size,
			 "{\"schema_version\": 1, \"meta\": {\"name\": \"%s\"}, \"config\": "
			 "{\"name\": \"%s\"%s}, \"locks\": [{\"name\": \"l\", \"wait_ns_total\": "
			 "%g}], \"programs\": [{\"name\": \"p\", \"rounds_count\": 4, "
			 "\"spare_count\": 1%s}]}",
			 name, name, config, ns, figures);

	assert_true(used < (int)size);
}

void chart_rig_result(const char *dir, const char *name, const char *config, double ns,
		      const char *figures)
{
	char text[2048], path[128];

	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/run.json", dir);
	format_run(text, sizeof(text), name, config, ns, figures);
	chart_rig_write(path, text);
}

/* --- a sweep -----------------------------------------------------------------------------------
 */

static const char *const traces[] = {"web", "db"}, *const orders[] = {"auto", "2", "10"},
			 *const repeats[] = {"0", "1", "2"}, *const seeds[] = {"71", "5", "33"};

static void write_cell(struct plan_point *point, bool failed)
{
	struct cell cell = {.state = failed ? CELL_FAILED : CELL_DONE, .attempts = 1};
	struct resultdir rd = {0};
	struct err err = {.code = ERR_NONE};
	char path[64], text[2048], config[256];
	unsigned trace = !strcmp(point->values[0], "db");
	unsigned order = !strcmp(point->values[1], "auto") ? 5 : (unsigned)atoi(point->values[1]);
	unsigned repeat = (unsigned)atoi(point->values[2]);
	FILE *f;

	if (failed)
		cell.exit_code = 70;
	assert_int_equal(cell_path("sweep", point, path, sizeof(path), &err), 0);
	assert_int_equal(resultdir_create(&rd, path, &err), 0);
	snprintf(config, sizeof(config), ", \"seed\": %s, \"slab\": {\"max_order\": %s}",
		 point->values[3],
		 strcmp(point->values[1], "auto") ? point->values[1] : "\"auto\"");
	format_run(text, sizeof(text), "s", config,
		   1000 + 2000 * trace + 100 * order + (unsigned[]){0, 10, 40}[repeat], "");
	if (!failed) {
		f = resultdir_open(&rd, "run.json", &err);
		assert_non_null(f);
		fputs(text, f);
		assert_int_equal(resultdir_close(&rd, f, &err), 0);
		snprintf(path, sizeof(path), "%s/run.json", resultdir_work(&rd));
		assert_int_equal(
			digest_file(path, &cell.run_json_digest, &cell.run_json_bytes, &err), 0);
	}
	assert_int_equal(cell_write_status(&rd, point, &cell, &err), 0);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
}

void chart_rig_sweep(unsigned failed)
{
	struct plan_parameter parameters[] = {
		{(char *)"trace", (char **)traces, ARRAY_SIZE(traces)},
		{(char *)"slab.max_order", (char **)orders, ARRAY_SIZE(orders)},
		{(char *)"repeat", (char **)repeats, ARRAY_SIZE(repeats)},
		{(char *)"seed", (char **)seeds, ARRAY_SIZE(seeds)},
	};
	struct plan_trace files[] = {
		{(char *)"web", (char *)"/web.atrace", NULL},
		{(char *)"db", (char *)"/db.atrace", NULL},
	};
	struct plan_point points[18] = {{0}};
	char *values[18][4];
	struct plan plan = {
		.name = (char *)"s",
		.version = (char *)ALLOCSIM_VERSION,
		.config = (char *)"name: s\n",
		.parameters = parameters,
		.parameters_count = ARRAY_SIZE(parameters),
		.traces = files,
		.traces_count = ARRAY_SIZE(files),
		.points = points,
		.points_count = ARRAY_SIZE(points),
	};
	struct err err = {.code = ERR_NONE};
	unsigned i;

	assert_int_equal(mkdir("sweep", 0777), 0);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		points[i].index = i;
		snprintf(points[i].id, sizeof(points[i].id), "%016x", 0xabc0 + i);
		points[i].values = values[i];
		values[i][0] = (char *)traces[i / 9];
		values[i][1] = (char *)orders[i / 3 % 3];
		values[i][2] = (char *)repeats[i % 3];
		values[i][3] = (char *)seeds[i % 3];
		write_cell(&points[i], failed >> i & 1);
	}
	if (plan_save(&plan, "sweep/plan.jsonl", &err))
		fail_msg("%s", err.text);
}

/* --- charts ------------------------------------------------------------------------------------
 */

struct chart *chart_rig_load(const struct chart_options *options, const char *const *paths,
			     unsigned count)
{
	struct err err = {.code = ERR_NONE};
	struct results results;
	struct chart *c;

	if (results_open(&results, paths, count, &err))
		fail_msg("%s", err.text);
	c = chart_new(options, &results, &err);
	if (!c)
		fail_msg("%s", err.text);
	results_release(&results);
	return c;
}

void chart_rig_refuse(const struct chart_options *options, const char *const *paths, unsigned count,
		      enum err_code code, const char *words)
{
	struct err err = {.code = ERR_NONE};
	struct results results;
	struct chart *c = NULL;

	if (!results_open(&results, paths, count, &err)) {
		c = chart_new(options, &results, &err);
		results_release(&results);
	}
	assert_null(c);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_int_equal(err.code, code);
}

void chart_rig_assert_contains(const char *path, const char *expected)
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
