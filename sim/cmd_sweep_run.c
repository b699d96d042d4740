/*
 * cmd_sweep_run.c - allocsim sweep run: carry out the points of a plan.
 */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/cmd.h"
#include "sim/sweep/choose.h"
#include "sim/sweep/run.h"

#define JOBS_MAX 4096

enum { OPT_SHARD = 256, OPT_POINTS, OPT_TIMEOUT, OPT_RETRY, OPT_FORCE, OPT_STOP, OPT_PROGRESS };

static const struct argp_option options[] = {
	{"directory", 'd', "DIR", 0, "Directory of the results; made if need be", 0},
	{"jobs", 'j', "N", 0, "Runs at a time (default: as many as there are CPUs)", 0},
	{"shard", OPT_SHARD, "K/N", 0,
	 "Run only the points whose number modulo N is K; K from 0 to N-1", 0},
	{"points", OPT_POINTS, "LIST", 0, "Run only these points, as in --points 3,7-9", 0},
	{"timeout", OPT_TIMEOUT, "SECONDS", 0, "A run that takes longer has failed", 0},
	{"retry-failed", OPT_RETRY, NULL, 0, "Run points again that failed earlier", 0},
	{"force", OPT_FORCE, NULL, 0, "Run points again that are done", 0},
	{"stop-on-failure", OPT_STOP, NULL, 0, "Start no further run after one failed", 0},
	{"progress", OPT_PROGRESS, "HOW", 0,
	 "How to say on standard error how far it is: auto, bar, lines, json or none "
	 "(default: auto, a bar on a terminal and otherwise a line every 30 s)",
	 0},
	{"quiet", 'q', NULL, 0, "Print no progress and no summary", 0},
	{0},
};

static const char doc[] =
	"Run the points of a plan (see allocsim sweep plan), each in a process of its own, into a "
	"directory of results. Points that are done are skipped, so the same command goes on "
	"after anything that ended it."
	"\vExamples:\n"
	"  allocsim sweep run plan.jsonl -d results/orders -j 2\n"
	"  allocsim sweep run plan.jsonl -d results/orders --shard 0/4\n"
	"  allocsim sweep run plan.jsonl -d results/orders --points 3,7-9 --force\n"
	"\nExit status: 0 if all chosen points are done, 1 if one failed, 73 or 74 if\n"
	"results can't be written, 75 if interrupted.\n";

struct arguments {
	const char *plan;
	struct sweep_run_options run;
};

static int find_progress(const char *name, enum sweep_progress *progress)
{
	static const char *const names[] = {
		[PROGRESS_AUTO] = "auto",   [PROGRESS_NONE] = "none", [PROGRESS_BAR] = "bar",
		[PROGRESS_LINES] = "lines", [PROGRESS_JSON] = "json",
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*progress = (enum sweep_progress)i;
		return 0;
	}
	return -1;
}

/* A decimal number from @low to @high that is all of @text. */
static int parse_number(const char *text, double low, double high, double *value)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return -1;
	*value = strtod(text, &end);
	return *end || !(*value >= low && *value <= high) ? -1 : 0;
}

static void parse_run(struct sweep_run_options *run, int key, char *arg, struct argp_state *state)
{
	struct err err = {.code = ERR_NONE};
	double number = 0;
	switch (key) {
	case 'j':
		if (parse_number(arg, 1, JOBS_MAX, &number) != 0 || number != (unsigned)number)
			argp_error(state, "-j: '%s' is no number of runs from 1 to %d", arg,
				   JOBS_MAX);
		run->jobs = (unsigned)number;
		break;
	case OPT_SHARD:
		if (choose_parse_shard(arg, &run->shard, &run->shards, &err) != 0)
			argp_error(state, "%s", err.text);
		break;
	case OPT_TIMEOUT:
		if (parse_number(arg, 1e-3, 1e9, &run->timeout_seconds) != 0)
			argp_error(state, "--timeout: '%s' is no number of seconds", arg);
		break;
	case OPT_PROGRESS:
		if (find_progress(arg, &run->progress) != 0)
			argp_error(state,
				   "--progress: '%s' is none of auto, bar, lines, json, none", arg);
		break;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'd':
		a->run.results = arg;
		return 0;
	case 'j':
	case OPT_SHARD:
	case OPT_TIMEOUT:
	case OPT_PROGRESS:
		parse_run(&a->run, key, arg, state);
		return 0;
	case OPT_POINTS:
		a->run.points = arg;
		return 0;
	case OPT_RETRY:
		a->run.retry_failed = true;
		return 0;
	case OPT_FORCE:
		a->run.force = true;
		return 0;
	case OPT_STOP:
		a->run.stop_on_failure = true;
		return 0;
	case 'q':
		a->run.quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->plan)
			argp_error(state,
				   "one plan at a time, not also %s; -d names the directory", arg);
		a->plan = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->plan)
			argp_error(state, "no plan is given");
		if (!a->run.results || !a->run.results[0])
			argp_error(state, "no directory for the results is given (-d)");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Those that this process may use: a batch system gives it some of the host's. */
static unsigned cpus_count(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

int cmd_sweep_run(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "PLAN", doc, NULL, NULL, NULL};
	struct arguments a = {.run = {.jobs = cpus_count(), .stop = &cmd_stop}};
	struct sweep_run_report *report = malloc(sizeof(*report));
	struct plan plan;
	int rc;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.run.progress == PROGRESS_AUTO && getenv("ALLOCSIM_NO_PROGRESS"))
		a.run.progress = PROGRESS_NONE;
	if (!report)
		return err_set(err, ERR_IO, "out of memory");
	rc = plan_load(&plan, a.plan, err);
	if (rc == 0) {
		rc = sweep_run(&plan, &a.run, report, err);
		if (!a.run.quiet && report->chosen_count)
			sweep_run_print(&plan, &a.run, report, stdout);
		plan_release(&plan);
	}
	free(report);
	return rc;
}
