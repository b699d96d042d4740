/*
 * cmd_sweep_plan.c - allocsim sweep plan: turn a sweep's YAML into a list of runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cmd.h"
#include "sim/sweep/make.h"
#include "sim/trace.h"
#include "sim/truth.h"

enum { OPT_COUNT = 256, OPT_LIST, OPT_RUNS_MAX, OPT_SAMPLE, OPT_SEED, OPT_SET };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write the plan to FILE; - is standard output", 0},
	{"count", OPT_COUNT, NULL, 0, "Print the number of runs, and write no plan", 0},
	{"list", OPT_LIST, NULL, 0, "Print a table of the runs, and write no plan", 0},
	{"max-runs", OPT_RUNS_MAX, "N", 0, "Refuse a sweep of more points (default: 10000)", 0},
	{"sample", OPT_SAMPLE, "N", 0, "Plan only N of the points, chosen at random", 0},
	{"seed", OPT_SEED, "S", 0, "What the choice of --sample follows from (default: 1)", 0},
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "Override a key for all points, as in --set machine.cpus=4; may be repeated", 0},
	{"quiet", 'q', NULL, 0, "Print no summary", 0},
	{0},
};

static const char doc[] =
	"List the runs of a sweep: each with its parameters, its seed and an id that follows from "
	"its configuration, its inputs and the version of allocsim."
	"\vExamples:\n"
	"  allocsim sweep plan configs/sweeps/slub-order.yaml -o plan.jsonl\n"
	"  allocsim sweep plan configs/sweeps/slub-order.yaml --list\n"
	"  allocsim sweep plan configs/sweeps/slub-order.yaml --sample 5 -o some.jsonl\n"
	"  allocsim sweep plan configs/sweeps/slub-order.yaml --count\n";

struct arguments {
	const char *file, *output;
	const char **sets;
	unsigned sets_count;
	struct make_options make;
	bool count, list, quiet;
};

static uint64_t number(struct argp_state *state, const char *option, const char *text, uint64_t min)
{
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min)
		argp_error(state, "--%s: '%s' is not a whole number of at least %" PRIu64, option,
			   text, min);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'o':
		a->output = arg;
		return 0;
	case OPT_COUNT:
		a->count = true;
		return 0;
	case OPT_LIST:
		a->list = true;
		return 0;
	case OPT_RUNS_MAX:
		a->make.runs_max = number(state, "max-runs", arg, 1);
		return 0;
	case OPT_SAMPLE:
		a->make.sample_count = number(state, "sample", arg, 1);
		return 0;
	case OPT_SEED:
		a->make.sample_seed = number(state, "seed", arg, 0);
		return 0;
	case OPT_SET:
		a->sets[a->sets_count++] = arg;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->file)
			argp_error(state, "one sweep at a time");
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->file)
			argp_error(state, "no sweep is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- what is printed -------------------------------------------------------------------------- */

/* "trace 2 x slab.max_order 4 x repeat 5": the dimensions and their sizes. */
static void print_dimensions(const struct spec *s)
{
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		const struct spec_dimension *d = &s->dimensions[i];
		fputs(i ? " x " : "", stderr);
		for (unsigned k = 0; k < d->keys_count; k++)
			fprintf(stderr, "%s%s", k ? "+" : "", d->keys[k].text);
		fprintf(stderr, " %" PRIu64, d->count);
	}
	if (s->seeds_count)
		fprintf(stderr, "%srepeat %" PRIu64, s->dimensions_count ? " x " : "",
			s->seeds_count);
}

static void print_summary(const struct spec *s, const struct plan *p, const struct make_report *r)
{
	fprintf(stderr, "%s: %" PRIu64 " run%s planned, of %" PRIu64 " point%s", p->name,
		p->points_count, p->points_count == 1 ? "" : "s", r->points_count,
		r->points_count == 1 ? "" : "s");
	if (s->dimensions_count || s->seeds_count) {
		fputs(": ", stderr);
		print_dimensions(s);
	}
	putc('\n', stderr);
	if (r->tried_count < r->points_count)
		fprintf(stderr, "%" PRIu64 " points were drawn\n", r->tried_count);
	if (r->dropped_count)
		fprintf(stderr, "%" PRIu64 " dropped by constraints\n", r->dropped_count);
	if (r->same_count)
		fprintf(stderr, "%" PRIu64 " the same as an earlier point: planned once\n",
			r->same_count);
}

static int column_width(const struct plan *p, unsigned k)
{
	size_t width = strlen(p->parameters[k].key);
	for (uint64_t i = 0; i < p->points_count; i++) {
		size_t length = strlen(p->points[i].values[k]);
		width = length > width ? length : width;
	}
	return (int)(width < 40 ? width : 40);
}

static void print_list(const struct plan *p)
{
	int widths[PLAN_PARAMS_MAX];
	printf("%7s  %-16s", "point", "id");
	for (unsigned k = 0; k < p->parameters_count; k++) {
		widths[k] = column_width(p, k);
		printf("  %*s", widths[k], p->parameters[k].key);
	}
	putchar('\n');
	for (uint64_t i = 0; i < p->points_count; i++) {
		const struct plan_point *point = &p->points[i];
		printf("%7" PRIu64 "  %-16s", point->index, point->id);
		for (unsigned k = 0; k < p->parameters_count; k++)
			printf("  %*s", widths[k], point->values[k]);
		putchar('\n');
	}
}

/* --- the command ------------------------------------------------------------------------------ */

/* What is wrong, on standard error: one thing alone is left to @err, so that it is one line. */
static int show_diagnostics(const char *text, bool is_sum, struct err *err)
{
	const char *end = strchr(text, '\n');
	if (end && !end[1] && is_sum)
		snprintf(err->text, sizeof(err->text), "%.*s", (int)(end - text), text);
	else if (end && end[1])
		fputs(text, stderr);
	return -1;
}

static int load(struct spec *s, const struct arguments *a, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *diagnostics = open_memstream(&text, &size);
	if (!diagnostics)
		return err_set(err, ERR_IO, "out of memory");
	int rc = spec_load(s, a->file, a->sets, a->sets_count, diagnostics, err);
	fclose(diagnostics);
	if (rc != 0 && text)
		show_diagnostics(text, true, err);
	free(text);
	return rc;
}

static int make(struct plan *p, const struct spec *s, const struct arguments *a,
		struct make_report *report, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *diagnostics = open_memstream(&text, &size);
	if (!diagnostics)
		return err_set(err, ERR_IO, "out of memory");
	int rc = make_plan(p, s, &a->make, report, diagnostics, err);
	fclose(diagnostics);
	if (rc != 0 && text)
		show_diagnostics(text, false, err);
	free(text);
	return rc;
}

/* Is each trace one, and each recorded start? Otherwise all its runs would fail, much later. */
static int check_traces(const struct spec *s, struct err *err)
{
	struct err why = {.code = ERR_NONE};
	int rc = 0;
	for (unsigned i = 0; i < s->traces_count && rc == 0; i++) {
		const struct spec_text *place = &s->trace_places[i];
		struct trace trace;
		struct truth truth;
		truth_init(&truth);
		rc = trace_open(&trace, s->traces[i].trace, &why);
		if (rc == 0)
			trace_close(&trace);
		if (rc == 0 && s->traces[i].truth)
			rc = truth_load(&truth, s->traces[i].truth, &why);
		truth_release(&truth);
		if (rc != 0)
			err_set(err, why.code, "%s:%u:%u: traces[%u]: %s", s->path,
				(unsigned)place->line, (unsigned)place->column, i, why.text);
	}
	return rc;
}

static int write_plan(const struct arguments *a, const struct plan *p, struct err *err)
{
	if (a->count)
		printf("%" PRIu64 "\n", p->points_count);
	if (a->list)
		print_list(p);
	if (a->count || a->list)
		return 0;
	return plan_save(p, a->output ? a->output : "-", err);
}

static int plan(const struct arguments *a, struct err *err)
{
	struct spec s;
	struct plan p;
	struct make_report report;
	if (!a->output && !a->count && !a->list && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
			       "say where the plan goes: -o FILE (or --list to look at it)");
	if (load(&s, a, err) != 0)
		return -1;
	int rc = check_traces(&s, err) == 0 ? make(&p, &s, a, &report, err) : -1;
	if (rc == 0) {
		rc = write_plan(a, &p, err);
		if (rc == 0 && !a->quiet && !a->count)
			print_summary(&s, &p, &report);
		plan_release(&p);
	}
	spec_release(&s);
	return rc;
}

int cmd_sweep_plan(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "SWEEP.yaml", doc, NULL, NULL, NULL};
	struct arguments a = {
		.sets = calloc((size_t)argc, sizeof(char *)),
		.make = {.runs_max = 10000, .sample_seed = 1},
	};
	int rc;
	if (!a.sets)
		return err_set(err, ERR_IO, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	rc = plan(&a, err);
	free(a.sets);
	return rc;
}
