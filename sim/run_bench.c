/*
 * run_bench.c - how fast runs are, and what their parts cost.
 *
 *   run_bench replay [TRACE.atrace]   a trace on the machine of configs/linux-6.18.yaml
 *   run_bench machine                 the same generated workload on machines of 1 GiB to 1 TiB
 *   run_bench cpus                    as many operations on 2, 8 and 64 CPUs that do not contend
 *
 * Without a trace, one is made: two CPUs that take pages in waves and give them back in random
 * order, 92 % of them single pages.
 *
 * Each run has a process of its own, since there is one SimGrid engine in a process, and resident
 * memory is then the run's. Variants take turns, so that what else the host does falls on all of
 * them; the figures are medians. Seconds are those of run.json's `host`; "CPU s" is what the whole
 * process took, from reading the configuration to the last result written.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/gfp.h"
#include "kern/rng.h"
#include "sim/resultdir.h"
#include "sim/run.h"

#define RUNS         5
#define VARIANTS_MAX 12
#define CONFIGS_MAX  2
#define SETS_MAX     8

#define CONFIG(path) SOURCE_ROOT "/configs/" path

struct variant {
	const char *label;
	const char *configs[CONFIGS_MAX]; /* the second may be NULL */
	const char *sets[SETS_MAX]; /* ended by NULL */
	bool exact_events;
};

struct figures {
	uint64_t ops_count, events_count;
	double wall_seconds, setup_seconds, cpu_seconds, rss_mib;
};

static void die(const struct err *err)
{
	fprintf(stderr, "run_bench: %s\n", err->text);
	exit(1);
}

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* In the child: run @v and write its figures to @fd. */
static void run_child(const struct variant *v, const char *trace_set, int fd)
{
	char output[256];
	const struct run_options options = {
		.output = output,
		.exact_events = v->exact_events,
	};
	struct run_result *r = malloc(sizeof(*r));
	const char *sets[SETS_MAX + 1];
	unsigned sets_count = 0;
	struct config c;
	struct err err;

	const char *place = getenv("TMPDIR");
	snprintf(output, sizeof(output), "%s/run_bench.%ld", place ? place : "/tmp",
		 (long)getpid());
	for (; v->sets[sets_count]; sets_count++)
		sets[sets_count] = v->sets[sets_count];
	if (trace_set)
		sets[sets_count++] = trace_set;
	config_init(&c);
	if (!r ||
	    config_load(&c, v->configs, v->configs[1] ? 2 : 1, sets, sets_count, stderr, &err) ||
	    run_simulation(r, &c, &options, &err))
		die(&err);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	const struct figures f = {
		.ops_count = r->metrics.ops_count,
		.events_count = r->engine_events_count,
		.wall_seconds = r->wall_seconds,
		.setup_seconds = r->setup_seconds,
		.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
		.rss_mib = (double)usage.ru_maxrss / 1024,
	};
	if (write(fd, &f, sizeof(f)) != sizeof(f))
		exit(1);
	run_result_release(r);
	config_release(&c);
	free(r);
	resultdir_remove_tree(output);
	exit(0);
}

static struct figures run_once(const struct variant *v, const char *trace_set)
{
	struct figures f;
	int fds[2], status;
	fflush(NULL);
	pid_t pid = pipe(fds) == 0 ? fork() : -1;
	if (pid == 0)
		run_child(v, trace_set, fds[1]);
	if (pid < 0 || read(fds[0], &f, sizeof(f)) != sizeof(f) ||
	    waitpid(pid, &status, 0) != pid) {
		fprintf(stderr, "run_bench: the run of \"%s\" failed\n", v->label);
		exit(1);
	}
	close(fds[0]);
	close(fds[1]);
	return f;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, RUNS, sizeof(*values), compare);
	return values[RUNS / 2];
}

/* Measure and print; @ns_per_op (may be NULL) gets a figure for each variant. */
static void run_variants(const struct variant *variants, unsigned count, const char *trace_set,
			 double *ns_per_op)
{
	static struct figures f[VARIANTS_MAX][RUNS];
	for (unsigned run = 0; run < RUNS; run++) {
		for (unsigned i = 0; i < count; i++)
			f[i][run] = run_once(&variants[i], trace_set);
	}
	printf("%-34s %9s %8s %9s %9s %9s %10s\n", "", "M ops/s", "ns/op", "setup ms", "CPU s",
	       "RSS MiB", "events");
	for (unsigned i = 0; i < count; i++) {
		double wall[RUNS], setup[RUNS], cpu[RUNS], rss[RUNS];
		for (unsigned run = 0; run < RUNS; run++) {
			wall[run] = f[i][run].wall_seconds;
			setup[run] = f[i][run].setup_seconds;
			cpu[run] = f[i][run].cpu_seconds;
			rss[run] = f[i][run].rss_mib;
		}
		double seconds = median(wall), ops = (double)f[i][0].ops_count;
		printf("%-34s %9.2f %8.1f %9.1f %9.2f %9.0f %10" PRIu64 "\n", variants[i].label,
		       ops / seconds / 1e6, seconds / ops * 1e9, median(setup) * 1e3, median(cpu),
		       median(rss), f[i][0].events_count);
		if (ns_per_op)
			ns_per_op[i] = seconds / ops * 1e9;
	}
}

/* One CPU of the trace that is made: what it holds, and whether it takes or gives back. */
struct maker {
	uint32_t ids[8192], orders[8192];
	unsigned held, goal;
	bool giving;
};

static unsigned draw_order(struct rng *rng)
{
	uint64_t percent = rng_below(rng, 100);
	return percent < 92 ? 0 : percent < 94 ? 1 : percent < 96 ? 2 : 3;
}

static void make_record(struct maker *m, struct rng *rng, struct trace_rec *rec, uint32_t *ids)
{
	if (m->held == m->goal) {
		m->giving = !m->giving;
		m->goal = (unsigned)rng_below(rng, 4096) + (m->giving ? 0 : 4096);
	}
	if (!m->giving) {
		rec->kind = TRACE_PAGE_ALLOC;
		rec->order = (uint8_t)draw_order(rng);
		rec->id = (*ids)++;
		rec->pfn = 0x100000 + rec->id % 0x100000 * 8;
		rec->migratetype = MIGRATE_MOVABLE;
		m->ids[m->held] = rec->id;
		m->orders[m->held++] = rec->order;
		return;
	}
	unsigned i = (unsigned)rng_below(rng, m->held--);
	rec->kind = TRACE_PAGE_FREE;
	rec->id = m->ids[i];
	rec->order = (uint8_t)m->orders[i];
	rec->pfn = 0x100000 + rec->id % 0x100000 * 8;
	m->ids[i] = m->ids[m->held];
	m->orders[i] = m->orders[m->held];
}

static void make_trace(const char *path, unsigned records)
{
	static struct maker makers[2] = {{.goal = 4096}, {.goal = 6000}};
	struct trace_report report = {.events = records, .imported = records, .demands = records};
	struct rng rng;
	uint32_t ids = 0;
	struct err err;

	rng_init(&rng, 1, 0);
	struct trace_writer *w = trace_writer_new(path, &err);
	if (!w)
		die(&err);
	for (unsigned i = 0; i < records; i++) {
		struct trace_rec rec = {.time_ns = UINT64_C(1000) * i, .seq = i, .cpu = i % 2};
		make_record(&makers[i % 2], &rng, &rec, &ids);
		report.span_ns = rec.time_ns;
		if (trace_writer_add(w, &rec,
				     rec.kind == TRACE_PAGE_ALLOC ? GFP_HIGHUSER_MOVABLE : 0,
				     &err) < 0) {
			trace_writer_abort(w);
			die(&err);
		}
	}
	if (trace_writer_finish(w, 0, &report, NULL, &err))
		die(&err);
}

static int bench_replay(const char *trace)
{
	static const char config[] = CONFIG("linux-6.18.yaml");
	static const struct variant variants[] = {
		{.label = "as it is: series, latencies, check", .configs = {config}},
		{.label = "without series",
		 .configs = {config},
		 .sets = {"measurement.sample_interval=0s"}},
		{.label = "without series and check",
		 .configs = {config},
		 .sets = {"measurement.sample_interval=0s", "measurement.check=none"}},
		{.label = "with caches and TLBs",
		 .configs = {config, CONFIG("machines/guest-2cpu.yaml")}},
		{.label = "back to back",
		 .configs = {config},
		 .sets = {"workload.pace=back_to_back"}},
		{.label = "without per-CPU lists",
		 .configs = {config},
		 .sets = {"pcp.enabled=false"}},
		{.label = "one event per operation", .configs = {config}, .exact_events = true},
	};
	static const char made[] = "run_bench.atrace";
	char set[4096];

	if (!trace)
		make_trace(made, 2000000);
	snprintf(set, sizeof(set), "workload.trace=%s", trace ? trace : made);
	printf("replay of %s, 2 CPUs, 24 GiB (medians of %d runs)\n",
	       trace ? trace : "a made trace", RUNS);
	run_variants(variants, sizeof(variants) / sizeof(variants[0]), set, NULL);
	if (!trace)
		remove(made);
	return 0;
}

static int bench_machine(void)
{
	static const char config[] = CONFIG("examples/churn.yaml");
	static const struct variant variants[] = {
		{.label = "1 GiB", .configs = {config}, .sets = {"machine.memory=1GiB"}},
		{.label = "24 GiB", .configs = {config}, .sets = {"machine.memory=24GiB"}},
		{.label = "1 TiB", .configs = {config}, .sets = {"machine.memory=1TiB"}},
	};
	printf("the workload of configs/examples/churn.yaml on machines of different size (medians "
	       "of %d "
	       "runs)\n",
	       RUNS);
	run_variants(variants, sizeof(variants) / sizeof(variants[0]), NULL, NULL);
	return 0;
}

/*
 * Each CPU uses its own lists of pages and objects, so nobody waits; the operations of all CPUs
 * together are about as many with 2 as with 64. A program's include its touches, which are many
 * accesses each.
 */
static int bench_cpus(void)
{
	static const struct {
		const char *name, *config;
		unsigned cpu_us; /* simulated, of all CPUs together */
	} loads[] = {{"generators", SOURCE_ROOT "/sim/testdata/bench/generators.yaml", 500000},
		     {"programs", SOURCE_ROOT "/sim/testdata/bench/programs.yaml", 200000}};
	static const unsigned cpus[] = {2, 8, 64};
	static const char *const caches[] = {"no caches", "caches"};
	static const char machine[] = CONFIG("machines/server-64cpu-2node.yaml");
	struct variant variants[VARIANTS_MAX] = {0};
	char labels[VARIANTS_MAX][48], sets[VARIANTS_MAX][2][48];
	double ns[VARIANTS_MAX];
	unsigned count = 0;

	for (unsigned load = 0; load < 2; load++) {
		for (unsigned with = 0; with < 2; with++) {
			for (unsigned i = 0; i < 3; i++, count++) {
				snprintf(labels[count], sizeof(labels[count]), "%s, %s, %u CPUs",
					 loads[load].name, caches[with], cpus[i]);
				snprintf(sets[count][0], sizeof(sets[count][0]), "machine.cpus=%u",
					 cpus[i]);
				snprintf(sets[count][1], sizeof(sets[count][1]),
					 "workload.duration=%uus", loads[load].cpu_us / cpus[i]);
				/* The machine first: the load names its memory. */
				variants[count] = (struct variant){
					.label = labels[count],
					.configs = {with ? machine : loads[load].config,
						    with ? loads[load].config : NULL},
					.sets = {sets[count][0], sets[count][1]},
				};
			}
		}
	}
	printf("as many operations on 2, 8 and 64 CPUs that do not contend (medians of %d runs)\n",
	       RUNS);
	run_variants(variants, count, NULL, ns);
	for (unsigned i = 0; i < count; i += 3)
		printf("%s, %s: an operation on 64 CPUs takes %.2f times that on 2\n",
		       loads[i / 6].name, caches[i / 3 % 2], ns[i + 2] / ns[i]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && argc <= 3 && strcmp(argv[1], "replay") == 0)
		return bench_replay(argv[2]);
	if (argc == 2 && strcmp(argv[1], "machine") == 0)
		return bench_machine();
	if (argc == 2 && strcmp(argv[1], "cpus") == 0)
		return bench_cpus();
	fprintf(stderr, "Usage: run_bench replay [TRACE.atrace] | machine | cpus\n");
	return 64;
}
