/*
 * plot_test.c - what is drawn (the columns), that it is drawn, and every way in which it can't be.
 *
 * testdata/result is a small result by hand; each test works on a copy of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/plot.h"
#include "sim/resultdir.h"
#include "sim/series.h"

static char home[64], scripts[PATH_MAX + 16], path_before[4096];

/* Absolute, since each test has a directory of its own. */
static const char *source_root(void)
{
	static char root[PATH_MAX];
	const char *named = getenv("ALLOCSIM_SOURCE");

	if (!root[0] && !realpath(named ? named : ".", root))
		abort();
	return root;
}

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	return text;
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void copy_file(const char *name)
{
	char from[PATH_MAX + 64], to[PATH_MAX], *text;

	snprintf(from, sizeof(from), "%s/sim/testdata/result/%s", source_root(), name);
	snprintf(to, sizeof(to), "%s/r/%s", home, name);
	text = read_text(from);
	write_text(to, text);
	free(text);
}

/* Replace the first @from in the file @path. */
static void edit(const char *path, const char *from, const char *to)
{
	char *text = read_text(path), *found = strstr(text, from);
	FILE *f = fopen(path, "w");

	assert_non_null(found);
	assert_non_null(f);
	fprintf(f, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
	assert_int_equal(fclose(f), 0);
	free(text);
}

static int setup(void **state)
{
	char dir[PATH_MAX];

	strcpy(home, "/tmp/plot_test.XXXXXX");
	if (!mkdtemp(home))
		return -1;
	snprintf(scripts, sizeof(scripts), "%s/scripts", source_root());
	snprintf(path_before, sizeof(path_before), "%s", getenv("PATH"));
	snprintf(dir, sizeof(dir), "%s/r", home);
	mkdir(dir, 0777);
	copy_file("run.json");
	copy_file("series.csv");
	copy_file("caches.csv");
	copy_file("machine.csv");
	return chdir(home);
}

static int teardown(void **state)
{
	setenv("PATH", path_before, 1);
	return chdir(source_root()) || resultdir_remove_tree(home);
}

static bool gnuplot_is_there(void)
{
	return system("gnuplot --version >/dev/null 2>&1") == 0;
}

/* Plot r; the messages are returned (free them). */
static char *plot(struct plot_options *options, int expected, struct err *err)
{
	char *messages = NULL;
	size_t bytes;

	memset(err, 0, sizeof(*err));
	options->scripts_dir = scripts;
	options->messages = open_memstream(&messages, &bytes);
	assert_non_null(options->messages);
	if (plot_results("r", options, err) != expected)
		fail_msg("unexpected result; error: %s", err->text);
	fclose(options->messages);
	assert_null(strchr(err->text, '\n'));
	return messages;
}

/* Plot and expect a failure with @code and @words, that leaves nothing behind. */
static void fails(struct plot_options options, enum err_code code, const char *words)
{
	struct err err;

	free(plot(&options, -1, &err));
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_int_equal(err.code, code);
	assert_int_not_equal(access("r/plots", F_OK), 0);
	assert_int_equal(system("test -z \"$(ls -A r | grep tmp)\""), 0);
}

static void assert_contains(const char *path, const char *expected)
{
	char *text = read_text(path);

	if (!strstr(text, expected))
		fail_msg("\"%s\" is not in %s:\n%s", expected, path, text);
	free(text);
}

static void test_registry(void **state)
{
	unsigned i, j;

	for (i = 0; plot_info(i); i++) {
		assert_true(plot_info(i)->name[0] && plot_info(i)->title[0]);
		assert_true(plot_info(i)->summary[0]);
		for (j = 0; j < i; j++)
			assert_string_not_equal(plot_info(i)->name, plot_info(j)->name);
	}
	/* The first one is the one to open first. */
	assert_string_equal(plot_info(0)->name, "memory");
	assert_int_equal(i, 15);
}

/* Make the second latency of the result, 10 allocations of order 1, one of a step without a path.
 */
static void edit_to_step(const char *op)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "\"op\": \"%s\",\n      \"order\": 0,\n"
		 "      \"path\": \"none\"",
		 op);
	edit("r/run.json", "\"op\": \"alloc\",\n      \"order\": 1,\n      \"path\": \"pcp\"",
	     text);
}

static void test_all_pictures(void **state)
{
	struct plot_options options = {0};
	char path[PATH_MAX], *text;
	struct err err;
	unsigned i;

	if (!gnuplot_is_there())
		skip();
	edit_to_step("munmap");
	text = plot(&options, 0, &err);
	/* Nothing is skipped, and gnuplot has nothing to complain about. */
	assert_null(strstr(text, "skipped"));
	assert_null(strstr(text, "gnuplot says"));
	free(text);
	for (i = 0; plot_info(i); i++) {
		snprintf(path, sizeof(path), "r/plots/%s.png", plot_info(i)->name);
		text = read_text(path);
		assert_memory_equal(text, "\x89PNG", 4);
		free(text);
		snprintf(path, sizeof(path), "r/plots/%s.svg", plot_info(i)->name);
		assert_contains(path, plot_info(i)->title);
		assert_contains(path, "six samples");
		assert_contains(path, "</svg>");
	}
	assert_int_equal(system("test -z \"$(ls -A r | grep tmp)\""), 0);
}

/* The columns, against numbers worked out by hand. */
static void test_columns(void **state)
{
	struct plot_options options = {0};
	struct err err;

	if (!gnuplot_is_there())
		skip();
	free(plot(&options, 0, &err));
	/* Bars of order 1 in zone Normal: start 40, end 46, recorded 50. */
	assert_contains("r/plots/data/free_blocks_start_end.dat",
			"\n1\t0.72\t40\t1\t46\t1.28\t50\n");
	/* Simulated - recorded = -4, start - recorded = -10. */
	assert_contains("r/plots/data/fidelity.dat", "\n1\t0.79\t-4\t1.21\t-10\n");
	assert_contains("r/plots/data/fidelity.gp",
			"zone Normal: error 0.0476, drift 0.1429, skill 0.667");
	assert_contains("r/plots/data/fidelity.gp",
			"zone DMA: error 0.0000, drift 0.0000, skill none (the recorded counts did "
			"not change)");
	/* At time 0, order 0: 100 + 2 pages of 4 KiB; order 1: 40 blocks more; and so on. */
	assert_contains("r/plots/data/free_by_order.dat",
			"\n0\t0\t0.3984375\t0.7109375\t0.8515625\t3.539062");
	/* Types without a page have no label. */
	assert_contains("r/plots/data/migratetype.gp", "label[1] = ''\n");
	assert_contains("r/plots/data/migratetype.gp", "label[5] = 'Movable'\n");
	/* Orders 0 and 1 together: 20 of 100 took up to 32 ns. */
	assert_contains("r/plots/data/latency.dat",
			"3e-08\t1\n3.2e-08\t1\n3.2e-08\t0.8\n3.6e-08\t0.8\n");
	/* The last bucket's upper edge is 45, the largest latency 44. */
	assert_contains("r/plots/data/latency.dat", "\n4.4e-08\t0.001\n");
	assert_contains("r/plots/data/latency.gp",
			"figures[1] = '100; p50 36 ns, p99 44 ns, p99.9 44 ns, max 44 ns'\n");
	assert_contains("r/plots/data/pcp_contents.dat", "\n1.6\t34\t13\n");
	assert_contains("r/plots/data/unusable_index.gp", "label[1] = 'order 3'\n");
}

/* Objects, against numbers worked out by hand. */
static void test_object_columns(void **state)
{
	struct plot_options options = {0};
	struct err err;

	if (!gnuplot_is_there())
		skip();
	free(plot(&options, 0, &err));
	/* The end: 256 pages of the workload, 78400 bytes requested but for the large ones. */
	assert_contains("r/plots/data/memory.gp", "part_label[2] = 'pages of the workload'\n");
	assert_contains("r/plots/data/memory.gp", "part_value[2] = '1.0 MiB, ");
	assert_contains("r/plots/data/memory.gp", "part_value[3] = '76.6 KiB, ");
	/* Large requests hold 32 KiB, requested and rounding together. */
	assert_contains("r/plots/data/memory.gp", "part_value[8] = '32.0 KiB, ");
	/* Of 40 KiB each, dentry: 37.5 requested, 1.875 free, 0.625 tail. */
	assert_contains("r/plots/data/memory.dat",
			"\t0\t0\t0\t37.5\t37.5\t37.5\t39.375\t40\t40\t40\t40\t"
			"\"40.0 KiB, 94 % requested\"\n");
	/* session wastes most: 5600 bytes around objects, 15360 in free ones. */
	assert_contains("r/plots/data/waste.gp", "bar_label[1] = 'kmalloc-128'\n");
	assert_contains("r/plots/data/waste.gp", "bar_label[2] = 'session'\n");
	assert_contains("r/plots/data/waste.dat", "\n2\t0\t0\t5.46875\t20.46875\t20.46875\t");
	/* Three slabs of one object, one empty one. */
	assert_contains("r/plots/data/waste.gp", "bar_label[15] = 'kmalloc-128'\n");
	assert_contains("r/plots/data/waste.dat", "\n1\t0\t0\t0\t0\t0\t12\t16\t");
	/* The stack grows from dentry's 20 KiB; a cache that never held memory is not there. */
	assert_contains("r/plots/data/caches_over_time.gp", "layers = 4\n");
	assert_contains("r/plots/data/caches_over_time.gp", "label[1] = 'kmalloc-128'\n");
	assert_contains("r/plots/data/caches_over_time.dat", "\n0\t0\t0\t0\t20\t20\n");
	assert_contains("r/plots/data/caches_over_time.dat", "\n8\t0\t40\t80\t120\t152\n");
	/* kmalloc and cache_alloc together, and large requests as pages. */
	assert_contains("r/plots/data/object_latency.gp", "label[1] = 'fast'\n");
	assert_contains("r/plots/data/object_latency.gp", "figures[1] = '3,000; p50 ");
	assert_contains("r/plots/data/object_latency.gp", "label[3] = 'large: pages'\n");
	assert_contains("r/plots/data/object_latency.gp", "panel_title[2] = 'freeing objects'\n");
}

/* CPUs' time, caches and locks, against numbers worked out by hand. */
static void test_machine_columns(void **state)
{
	static const char *const only[] = {"cycles_by_cause", "miss_rates", "locks"};
	struct plot_options options = {.only = only, .only_count = 3};
	struct err err;

	if (!gnuplot_is_there())
		skip();
	free(plot(&options, 0, &err));
	/* CPU 1, of each operation: 80 of code, 20 for locks, 4 in level 2, 60 on other CPUs. */
	assert_contains("r/plots/data/cycles_by_cause.dat",
			"\n3\t0\t80\t80\t100\t104\t104\t164\t164\t164\t\"164, 66.9 ns\"\n");
	/* CPU 0 waits 20 ns for locks: 49 cycles of 2.45 GHz. Together 180 of 418 are code. */
	assert_contains("r/plots/data/cycles_by_cause.dat", "\t205\t254\t\"254, 104 ns\"\n");
	assert_contains("r/plots/data/cycles_by_cause.gp", "part_label[1] = 'allocator code'\n");
	assert_contains("r/plots/data/cycles_by_cause.gp", "part_value[1] = '43.1 %'\n");
	assert_contains("r/plots/data/cycles_by_cause.gp", "parts = 8\n");
	/* From the first sample to the second: 10 of 100 miss level 1, 2 of these 10 level 2. */
	assert_contains("r/plots/data/miss_rates.dat", "\n3.2\t10\t20\n");
	/* 50 translations, 45 of them in the first level, 1 walk. */
	assert_contains("r/plots/data/miss_rates.dat", "\n3.2\t10\t2\n");
	assert_contains("r/plots/data/miss_rates.gp", "label[1] = 'L1d'\n");
	assert_contains("r/plots/data/locks.gp", "bar_label[1] = 'zone Normal'\n");
	assert_contains("r/plots/data/locks.dat", "\n1\t0\t0\t1\t\"1 ns, taken 1 times\"\n");
}

/* A result without caches has no series of them, and its cycles have fewer causes. */
static void test_no_caches(void **state)
{
	static const char *const misses[] = {"miss_rates"}, *const cycles[] = {"cycles_by_cause"};
	static const char *const locks[] = {"locks"};
	struct plot_options options = {.only = misses, .only_count = 1};

	write_text("r/machine.csv", "time_ns,cache1_accesses_count,cache1_misses_count\n0,1,1\n");
	fails(options, ERR_TRACE, "machine.csv: 1 rows, but series.csv has 6 samples");
	write_text("r/machine.csv", "time_ns,cache1_accesses_count,cache1_misses_count\n"
				    "0,7,3\n1,7,3\n2,7,3\n3,7,3\n4,7,3\n5,7,3\n");
	fails(options, ERR_NO_INPUT, "no CPU accessed memory");
	write_text("r/machine.csv", "time_ns\n0\n1\n2\n3\n4\n5\n");
	fails(options, ERR_NO_INPUT, "machine.csv has no columns of caches");
	unlink("r/machine.csv");
	fails(options, ERR_NO_INPUT, "no machine.csv: no caches, or no samples");
	edit("r/run.json", "\n  \"locks\": [", "\n  \"not\": [");
	fails((struct plot_options){.only = locks, .only_count = 1}, ERR_NO_INPUT,
	      "no lock was ever taken");
	edit("r/run.json", "\"cycles\": {", "\"not\": {");
	fails((struct plot_options){.only = cycles, .only_count = 1}, ERR_NO_INPUT,
	      "run.json has no cycles");
}

/* More CPUs than bars: the slowest, the fastest, and even steps between. */
static void test_many_cpus(void **state)
{
	static const char *const only[] = {"cycles_by_cause"};
	struct plot_options options = {.only = only, .only_count = 1};
	struct err err;
	FILE *f;
	unsigned i;

	if (!gnuplot_is_there())
		skip();
	f = fopen("r/run.json", "w");
	assert_non_null(f);
	fprintf(f, "{\"schema_version\": 1, \"meta\": {\"max_order\": 3}, \"config\": "
		   "{\"machine\": {\"cpu_khz\": 1000000}}, \"totals\": {\"ops_count\": 64}, "
		   "\"cpus\": [");
	for (i = 0; i < 64; i++)
		fprintf(f, "%s{\"cpu\": %u, \"ops_count\": 1}", i ? ", " : "", i);
	fprintf(f, "], \"cycles\": {\"allocator_cycles\": 8320, \"cpus\": [");
	for (i = 0; i < 64; i++)
		fprintf(f, "%s{\"cpu\": %u, \"allocator_cycles\": %u}", i ? ", " : "", i, 100 + i);
	fprintf(f, "]}}\n");
	assert_int_equal(fclose(f), 0);
	free(plot(&options, 0, &err));
	assert_contains("r/plots/data/cycles_by_cause.gp",
			"12 of 64, from the slowest to the fastest");
	assert_contains("r/plots/data/cycles_by_cause.dat", "\n1\t0\t130\t\"130, 130 ns\"\n");
	assert_contains("r/plots/data/cycles_by_cause.dat", "\n2\t0\t163\t\"163, 163 ns\"\n");
	assert_contains("r/plots/data/cycles_by_cause.dat", "\n13\t0\t100\t\"100, 100 ns\"\n");
	assert_contains("r/plots/data/cycles_by_cause.gp", "bar_label[2] = 'CPU 63'\n");
	assert_contains("r/plots/data/cycles_by_cause.gp", "bar_label[13] = 'CPU 0'\n");
}

/* A curve for each kind of step, in the panel of its kind, which is alone if the other has none. */
static void test_steps(void **state)
{
	static const char *const steps[] = {"step_latency"};
	struct plot_options options = {.only = steps, .only_count = 1};
	struct err err;

	fails(options, ERR_NO_INPUT, "run.json has no latencies of other steps of programs");
	if (!gnuplot_is_there())
		skip();
	edit_to_step("munmap");
	free(plot(&options, 0, &err));
	assert_contains("r/plots/data/step_latency.gp", "panels = 1\n");
	assert_contains("r/plots/data/step_latency.gp", "panel_title[1] = 'virtual memory'\n");
	assert_contains("r/plots/data/step_latency.gp", "label[1] = 'munmap'\n");
	assert_contains("r/plots/data/step_latency.gp", "figures[1] = '10; p50 ");
	assert_contains("r/plots/data/step_latency.gp", "steps of programs in");
	edit("r/run.json", "\"op\": \"munmap\"", "\"op\": \"lock\"");
	free(plot(&options, 0, &err));
	assert_contains("r/plots/data/step_latency.gp", "accesses, locks and computing");
}

static void test_pages_only(void **state)
{
	static const char *const memory[] = {"memory"};
	struct plot_options options = {0};
	struct err err;
	char *text;

	if (!gnuplot_is_there())
		skip();
	edit("r/run.json", "\"objects\": {\n    \"allocator\"",
	     "\"objects\": null,\n  \"other\": {\n    \"allocator\"");
	edit("r/run.json", "\n  \"programs\": [", "\n  \"programs\": [],\n  \"none\": [");
	unlink("r/caches.csv");
	fails((struct plot_options){.only = memory, .only_count = 1}, ERR_NO_INPUT,
	      "the run has no objects");
	text = plot(&options, 0, &err);
	assert_non_null(strstr(text, "memory: skipped, the run has no objects\n"));
	assert_non_null(strstr(text, "waste: skipped, the run has no objects\n"));
	assert_non_null(strstr(text, "caches_over_time: skipped, the result has no caches.csv"));
	free(text);
	assert_contains("r/plots/data/free_by_order.gp", "page operations in");
}

static void test_options(void **state)
{
	static const char *const stack[] = {"free_by_order"}, *const index[] = {"unusable_index"};
	static const char *const unknown[] = {"latencies"};
	struct plot_options options = {.only = stack, .only_count = 1, .zone = "dma"};
	struct err err;

	if (!gnuplot_is_there())
		skip();
	fails((struct plot_options){.only = unknown, .only_count = 1}, ERR_USAGE,
	      "no plot is named \"latencies\"; there are memory, caches_over_time, waste");
	fails((struct plot_options){.zone = "HighMem"}, ERR_USAGE,
	      "no zone is named \"HighMem\"; there are dma, dma32, normal, movable");
	fails((struct plot_options){.orders = "1,4"}, ERR_USAGE, "numbers from 0 to 3");
	fails((struct plot_options){.orders = "1,"}, ERR_USAGE, "numbers from 0 to 3");
	fails((struct plot_options){.orders = ""}, ERR_USAGE, "numbers from 0 to 3");
	fails((struct plot_options){.orders = "1;2"}, ERR_USAGE, "numbers from 0 to 3");
	free(plot(&options, 0, &err));
	/* Zone DMA holds two blocks of order 3: 64 KiB. */
	assert_contains("r/plots/data/free_by_order.dat", "\n0\t0\t0\t0\t0\t64\n");
	assert_int_not_equal(access("r/plots/latency.png", F_OK), 0);
	options = (struct plot_options){.only = index, .only_count = 1, .orders = "2,0"};
	free(plot(&options, 0, &err));
	assert_contains("r/plots/data/unusable_index.gp", "lines_count = 2\n");
	assert_int_equal(access("r/plots/free_by_order.png", F_OK), 0);
}

static void test_terminal(void **state)
{
	static const char *const only[] = {"latency"};
	struct plot_options options = {.only = only, .only_count = 1, .columns = 90, .rows = 30};
	char *text = NULL;
	struct err err;
	size_t bytes;

	if (!gnuplot_is_there())
		skip();
	options.terminal = open_memstream(&text, &bytes);
	assert_non_null(options.terminal);
	free(plot(&options, 0, &err));
	fclose(options.terminal);
	assert_non_null(strstr(text, "Latency of page operations: six samples, six.atrace\n"));
	assert_non_null(strstr(text, "p99.9"));
	assert_null(strpbrk(text, "\f\033"));
	free(text);
	assert_int_not_equal(access("r/plots", F_OK), 0);
}

static void test_skipped(void **state)
{
	static const char *const fidelity[] = {"fidelity"}, *const pcp[] = {"pcp_contents"};
	struct plot_options options = {0};
	char *text, *second, *third;
	struct err err;

	if (!gnuplot_is_there())
		skip();
	edit("r/run.json", "\"fidelity\": {", "\"not\": {");
	edit("r/run.json", "\"latency\": [", "\"not\": [");
	/* One sample only. */
	text = read_text("r/series.csv");
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n') + 1;
	*third = '\0';
	write_text("r/series.csv", text);
	free(text);
	fails((struct plot_options){.only = fidelity, .only_count = 1}, ERR_NO_INPUT,
	      "has no recorded truth (run with --truth)");
	fails((struct plot_options){.only = pcp, .only_count = 1}, ERR_NO_INPUT, "two samples");
	text = plot(&options, 0, &err);
	assert_non_null(strstr(text, "latency: skipped, run.json has no latencies of pages\n"));
	assert_non_null(strstr(text, "r/plots/free_blocks_start_end.png\n"));
	assert_null(strstr(text, "gnuplot says"));
	free(text);
	assert_contains("r/plots/data/free_blocks_start_end.gp", "bars = 2\n");
	assert_int_not_equal(access("r/plots/latency.png", F_OK), 0);
	/* And without a series at all. */
	unlink("r/series.csv");
	text = plot(&options, 0, &err);
	assert_non_null(strstr(text, "free_by_order: skipped, the result has no series.csv\n"));
	free(text);
}

static void test_names_are_quoted(void **state)
{
	static const char *const only[] = {"latency"};
	struct plot_options options = {.only = only, .only_count = 1};
	struct err err;

	if (!gnuplot_is_there())
		skip();
	edit("r/run.json", "six samples", "it's\\n'.system('touch bad').'");
	free(plot(&options, 0, &err));
	assert_contains("r/plots/data/latency.gp",
			": it''s ''.system(''touch bad'').'', six.atrace'\n");
	assert_int_not_equal(system("find . -name bad | grep -q ."), 0);
}

static void test_bad_results(void **state)
{
	static const char *const only[] = {"caches_over_time"};
	struct plot_options options = {0};

	write_text("r/caches.csv", "time_ns,a_held_bytes\n0,1\n5,2\n");
	fails((struct plot_options){.only = only, .only_count = 1}, ERR_TRACE,
	      "caches.csv: 2 rows, but series.csv has 6 samples");
	write_text("r/series.csv", "time_ns,a\n0,1\n5,x\n");
	fails(options, ERR_TRACE, "r/series.csv:3: column 2");
	write_text("r/run.json", "{\n \"a\": 1,\n}\n");
	fails(options, ERR_TRACE, "r/run.json:3: is no JSON");
	write_text("r/run.json", "{\"schema_version\": 2}");
	fails(options, ERR_TRACE, "schema_version is not 1");
	write_text("r/run.json", "{\"schema_version\": 1, \"meta\": {\"max_order\": 99}}");
	fails(options, ERR_TRACE, "meta.max_order is not from 0 to 15");
	unlink("r/run.json");
	fails(options, ERR_NO_INPUT, "r/run.json: No such file");
}

static void test_gnuplot_trouble(void **state)
{
	struct plot_options options = {0};

	char path[sizeof(path_before) + 128];

	mkdir("bin", 0777);
	write_text("bin/gnuplot", "#!/bin/sh\necho 'no  such\nterminal' >&2\nexit 3\n");
	chmod("bin/gnuplot", 0777);
	snprintf(path, sizeof(path), "%s/bin:%s", home, path_before);
	setenv("PATH", path, 1);
	fails(options, ERR_PROGRAM, "gnuplot failed with status 3: no such terminal");
	write_text("bin/gnuplot", "#!/bin/sh\nkill -9 $$\n");
	fails(options, ERR_PROGRAM, "gnuplot was killed by signal 9");
	/* What gnuplot leaves when the disk is full: half a picture, and status 0. */
	write_text("bin/gnuplot", "#!/bin/sh\nprintf PNG >free_by_order.png\n");
	fails(options, ERR_IO, "memory.png: is incomplete");
	write_text("bin/gnuplot", "#!/bin/sh\n");
	fails(options, ERR_IO, "memory.png: is incomplete");
}

static void test_no_gnuplot(void **state)
{
	struct plot_options options = {.scripts_dir = scripts};
	struct err err = {0};

	mkdir("empty", 0777);
	setenv("PATH", "empty", 1);
	assert_int_equal(plot_results("r", &options, &err), -1);
	setenv("PATH", path_before, 1);
	assert_int_equal(err.code, ERR_PROGRAM);
	assert_string_equal(err.text, "gnuplot is not installed (apt-get install gnuplot-nox)");
	assert_int_not_equal(access("r/plots", F_OK), 0);
	assert_int_equal(system("test -z \"$(ls -A r | grep tmp)\""), 0);
}

static void test_no_scripts(void **state)
{
	struct err err = {0};

	assert_int_equal(plot_results("r", &(struct plot_options){.scripts_dir = "/nowhere"}, &err),
			 -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_string_equal(err.text, "/nowhere: holds no plots/common.gp");
}

static void series_fails(const char *text, const char *words)
{
	struct err err = {0};
	struct series s;

	write_text("s.csv", text);
	assert_int_equal(series_read(&s, "s.csv", &err), -1);
	assert_non_null(strstr(err.text, words));
	assert_null(s.cells);
}

static void test_series(void **state)
{
	struct err err = {0};
	struct series s;

	write_text("s.csv", "time_ns,b\r\n0,1.5\r\n7,\r\n");
	assert_int_equal(series_read(&s, "s.csv", &err), 0);
	assert_int_equal(s.rows_count, 2);
	assert_int_equal(s.columns_count, 2);
	assert_int_equal(series_column(&s, "b"), 1);
	assert_int_equal(series_column(&s, "c"), -1);
	assert_true(series_cell(&s, 0, 1) == 1.5);
	assert_true(series_cell(&s, 1, 0) == 7);
	assert_true(series_cell(&s, 1, 1) != series_cell(&s, 1, 1)); /* NAN */
	series_release(&s);
	series_fails("", "s.csv:1: the header row is missing");
	series_fails("\n1\n", "s.csv:1: the header row is missing");
	series_fails("a,b\n1,2\n3\n", "s.csv:3: column 2");
	series_fails("a,b\n1,2,3\n", "s.csv:2: column 3");
	series_fails("a\nnan\n", "s.csv:2: column 1");
	series_fails("a\n1x\n", "s.csv:2: column 1");
}

#define PLOT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),  PLOT_TEST(test_all_pictures),
		PLOT_TEST(test_columns),          PLOT_TEST(test_object_columns),
		PLOT_TEST(test_machine_columns),  PLOT_TEST(test_no_caches),
		PLOT_TEST(test_many_cpus),        PLOT_TEST(test_steps),
		PLOT_TEST(test_pages_only),       PLOT_TEST(test_options),
		PLOT_TEST(test_terminal),         PLOT_TEST(test_skipped),
		PLOT_TEST(test_names_are_quoted), PLOT_TEST(test_bad_results),
		PLOT_TEST(test_gnuplot_trouble),  PLOT_TEST(test_no_gnuplot),
		PLOT_TEST(test_no_scripts),       PLOT_TEST(test_series),
	};

	return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
