/*
 * Tests of scaling: its figures against numbers worked out by hand, the picture, and results that
 * make no line.
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

#include "sim/resultdir.h"
#include "sim/scaling.h"

static char home[64], source[PATH_MAX], scripts[PATH_MAX + 16];

static void write_result(const char *dir, const char *name, unsigned cpus, unsigned ops,
			 unsigned ns, unsigned wait_ns)
{
	char path[128];
	mkdir(dir, 0777);
	snprintf(path, sizeof(path), "%s/run.json", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"{\"schema_version\": 1, \"meta\": {\"name\": \"%s\"}, \"config\": {\"machine\": "
		"{\"cpus\": %u}}, \"totals\": {\"ops_count\": %u, \"simulated_ns\": %u}, "
		"\"cycles\": {\"active_ns\": 400, \"lock_wait_ns\": %u}}",
		name, cpus, ops, ns, wait_ns);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	const char *named = getenv("ALLOCSIM_SOURCE");
	(void)state;
	if (!realpath(named ? named : ".", source))
		return -1;
	snprintf(scripts, sizeof(scripts), "%s/scripts", source);
	strcpy(home, "/tmp/scaling_test.XXXXXX");
	if (!mkdtemp(home) || chdir(home) != 0)
		return -1;
	write_result("b4", "beta", 4, 4000, 50000, 100);
	write_result("a1", "alpha", 1, 1000, 50000, 0);
	write_result("b1", "beta", 1, 1000, 40000, 0);
	write_result("b2", "beta", 2, 2000, 40000, 0);
	write_result("a8", "alpha", 8, 8000, 50000, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return chdir(source) || resultdir_remove_tree(home);
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) < 1e-9 * fabs(b) + 1e-12))
		fail_msg("%.17g is not %.17g", a, b);
}

static const char *const all[] = {"b4", "a1", "b1", "b2", "a8"};

static void test_figures(void **state)
{
	static const struct {
		const char *dir;
		double ops_per_s, speedup, efficiency, wait;
	} expected[] = {
		/* beta came first; the example of scaling.c. */
		{"b1", 25e6, 1, 1, 0}, {"b2", 50e6, 2, 1, 0},  {"b4", 80e6, 3.2, 0.8, 0.25},
		{"a1", 20e6, 1, 1, 0}, {"a8", 160e6, 8, 1, 0},
	};
	struct scaling s;
	struct err err = {.code = ERR_NONE};
	(void)state;
	assert_int_equal(scaling_load(&s, all, 5, &err), 0);
	assert_int_equal(s.groups_count, 2);
	assert_string_equal(s.groups[0], "beta");
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(s.points[i].dir, expected[i].dir);
		assert_near(s.points[i].ops_per_s, expected[i].ops_per_s);
		assert_near(s.points[i].speedup, expected[i].speedup);
		assert_near(s.points[i].efficiency, expected[i].efficiency);
		assert_near(s.points[i].lock_wait_ratio, expected[i].wait);
	}
	scaling_release(&s);
}

/* Without a result of one CPU, the smallest one's CPUs count as if each were alone. */
static void test_base(void **state)
{
	static const char *const dirs[] = {"b4", "b2"};
	struct scaling s;
	struct err err = {.code = ERR_NONE};
	(void)state;
	assert_int_equal(scaling_load(&s, dirs, 2, &err), 0);
	assert_near(s.points[0].speedup, 2);
	assert_near(s.points[1].speedup, 3.2);
	scaling_release(&s);
}

static void refuse(const char *const *dirs, unsigned count, enum err_code code, const char *words)
{
	struct scaling s;
	struct err err = {.code = ERR_NONE};
	assert_int_equal(scaling_load(&s, dirs, count, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_null(s.points);
}

static void test_refused(void **state)
{
	static const char *const twice[] = {"b1", "b2", "b1"}, *const none[] = {"b1", "absent"};
	static const char *const idle[] = {"idle"}, *const standing[] = {"standing"};
	static const char *const cpuless[] = {"cpuless"};
	char names[9][8];
	const char *many[9];
	(void)state;
	refuse(twice, 3, ERR_USAGE, "b1 and b1 are both of configuration \"beta\" with 1 CPU;");
	refuse(none, 2, ERR_NO_INPUT, "absent/run.json");
	write_result("idle", "idle", 1, 0, 10, 0);
	write_result("standing", "standing", 1, 10, 0, 0);
	write_result("cpuless", "cpuless", 0, 10, 10, 0);
	refuse(idle, 1, ERR_TRACE, "idle/run.json: has no CPUs or no operations");
	refuse(standing, 1, ERR_TRACE, "standing/run.json");
	refuse(cpuless, 1, ERR_TRACE, "cpuless/run.json");
	for (unsigned i = 0; i < 9; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		write_result(names[i], names[i], 1, 10, 10, 0);
		many[i] = names[i];
	}
	refuse(many, 9, ERR_USAGE, "n8: more than 8 configurations");
}

static char *read_text(const char *path)
{
	char *text = calloc(1, 1 << 16);
	FILE *f = fopen(path, "r");
	assert_non_null(text);
	if (!f)
		fail_msg("%s is missing", path);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	return text;
}

static void assert_contains(const char *path, const char *expected)
{
	char *text = read_text(path);
	if (!strstr(text, expected))
		fail_msg("\"%s\" is not in %s:\n%s", expected, path, text);
	free(text);
}

static void test_picture(void **state)
{
	struct scaling_plot_options options = {.dir = "out", .scripts_dir = scripts};
	struct scaling s;
	struct err err = {.code = ERR_NONE};
	(void)state;
	if (system("gnuplot --version >/dev/null 2>&1") != 0)
		skip();
	assert_int_equal(scaling_load(&s, all, 5, &err), 0);
	for (unsigned i = 0; i < 2; i++) { /* the second replaces the first */
		if (scaling_plot(&s, &options, &err) != 0)
			fail_msg("%s", err.text);
	}
	/* The ideal starts at 25 M with one CPU and ends with the most CPUs of all. */
	assert_contains("out/data/scaling.dat", "\n1\t25\t0\n2\t50\t0\n4\t80\t25\n\n\n1\t20\t0\n");
	assert_contains("out/data/scaling.dat", "\n\n\n1\t25\n8\t200\n");
	assert_contains("out/data/scaling.gp", "cpu_tics = '1 2 4 8'\n");
	assert_contains("out/scaling.json", "\"speedup\": 3.2,");
	assert_contains("out/scaling.svg", "</svg>");
	assert_int_equal(access("out/scaling.png", F_OK), 0);
	/* A directory of something else stays. */
	options.dir = "b1";
	assert_int_equal(scaling_plot(&s, &options, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_int_equal(access("b1/run.json", F_OK), 0);
	scaling_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_figures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_base, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_picture, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
