/*
 * cmd_plot.c - allocsim plot: the pictures of a result, of a sweep, and of many results.
 *
 * Without --x, a result has its plots and a sweep those that its plan names. With it, figures of
 * any results are drawn against a parameter.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/chart.h"
#include "sim/cmd.h"
#include "sim/plot.h"

enum {
	OPT_ONLY = 256,
	OPT_ORDERS,
	OPT_ZONE,
	OPT_TERM,
	OPT_JSON,
	OPT_NO_PLOTS,
	OPT_KIND,
	OPT_RELATIVE,
	OPT_NAME,
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Figures of many results against a parameter:", 1},
	{"x", 'x', "KEY[=LABEL]", 0,
	 "The parameter: a configuration key as run sets it, \"trace\", or a figure", 1},
	{"y", 'y', "KEY[ / KEY][=LABEL]", 0,
	 "A figure of run.json as compare or collect name it, or a quotient; at most 3, one below "
	 "the other. With --z: the other parameter",
	 1},
	{"z", 'z', "KEY[ / KEY][=LABEL]", 0, "A heat map over x and y: the figure it shows", 1},
	{"by", 'b', "KEY[=LABEL]", 0,
	 "A line (heat map: a panel) for each value of KEY (default: for each configuration name)",
	 1},
	{"where", 'w', "KEY=VALUE", 0,
	 "Only results with this value; may be repeated, also for other values of one KEY", 1},
	{"kind", OPT_KIND, "KIND", 0,
	 "auto, lines, boxes or heat (default: auto, boxes if anything is repeated)", 1},
	{"relative", OPT_RELATIVE, NULL, 0, "Divide y by its line's value at the least x", 1},
	{"reference", 'r', "NAME=FILE", 0,
	 "Draw numbers, measured or computed, beside the results: x and a value for each --y, in "
	 "base units (ns, bytes, shares of 1); at most 2",
	 1},
	{"title", 't', "TEXT", 0, "The picture's title", 1},
	{"name", OPT_NAME, "NAME", 0, "The stem of the files (default: made of y and x)", 1},
	{"output", 'o', "DIR", 0,
	 "Write pictures to DIR (default: plots/ of a sweep, else results/plot)", 1},
	{"json", OPT_JSON, NULL, 0, "Print the figures as JSON", 1},
	{"no-plots", OPT_NO_PLOTS, NULL, 0, "Draw no picture and write nothing", 1},
	{NULL, 0, NULL, 0, "Plots of one result or sweep:", 2},
	{"only", OPT_ONLY, "PLOT", 0,
	 "Draw this plot (see allocsim list plots, or the sweep's); may be repeated", 2},
	{"orders", OPT_ORDERS, "LIST", 0, "Orders of the unusable index, as 0,4,9", 2},
	{"zone", OPT_ZONE, "NAME", 0, "Draw one zone over time instead of all", 2},
	{NULL, 0, NULL, 0, "Both:", 3},
	{"term", OPT_TERM, NULL, 0, "Draw in the terminal instead of writing PNG and SVG", 3},
	{"quiet", 'q', NULL, 0, "Don't name the files that are written", 3},
	{0},
};

static const char doc[] =
	"Draw, with gnuplot, as PNG and SVG: the plots of a result, into its plots/; those that a "
	"sweep's plan names, into its plots/; or, with --x and --y, figures of many results, or of "
	"a sweep, against a parameter."
	"\vExamples:\n"
	"  allocsim plot results/quickstart\n"
	"  allocsim plot results/quickstart --term --only free_by_order\n"
	"  allocsim plot results/quickstart --only unusable_index --orders 0,4,9\n"
	"  allocsim plot results/per-cpu-* -x machine.cpus -y totals.simulated_ns\n"
	"  allocsim plot results/slub-order -x slab.max_order -y totals.ops_count\n"
	"  allocsim plot results/*-[12] -x machine.cpus -y cycles.idle_ns --no-plots\n";

struct arguments {
	struct plot_options plot;
	struct chart_options chart;
	struct chart_output output;
	const char **only, **paths;
	unsigned paths_count;
	bool of_chart;         /* an option that a result's plots don't have */
	const char *of_result; /* one that charts don't have */
	bool json, no_plots, quiet;
};

/* --- options -----------------------------------------------------------------------------------
 */

static error_t parse_lists(struct arguments *a, int key, char *arg, struct argp_state *state)
{
	struct chart_options *o = &a->chart;

	switch (key) {
	case 'y':
		if (o->y_count == CHART_PANELS_MAX)
			argp_error(state, "more than %d times --y", CHART_PANELS_MAX);
		o->y[o->y_count++] = arg;
		return 0;
	case 'w':
		if (o->where_count == CHART_WHERE_MAX)
			argp_error(state, "more than %d times --where", CHART_WHERE_MAX);
		o->where[o->where_count++] = arg;
		return 0;
	case 'r':
		if (o->references_count == CHART_REFERENCES_MAX)
			argp_error(state, "more than %d references", CHART_REFERENCES_MAX);
		o->references[o->references_count++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_chart(struct arguments *a, int key, char *arg, struct argp_state *state)
{
	int kind;

	switch (key) {
	case 'x':
		a->chart.x = arg;
		return 0;
	case 'z':
		a->chart.z = arg;
		return 0;
	case 'b':
		a->chart.by = arg;
		return 0;
	case 't':
		a->chart.title = arg;
		return 0;
	case OPT_KIND:
		kind = chart_kind_of(arg);
		if (kind < 0)
			argp_error(state, "--kind: '%s' is none of auto, lines, boxes, heat", arg);
		a->chart.kind = (enum chart_kind)kind;
		return 0;
	case OPT_RELATIVE:
		a->chart.relative = true;
		return 0;
	case OPT_NAME:
		a->output.name = arg;
		return 0;
	default:
		return parse_lists(a, key, arg, state);
	}
}

static void check(const struct arguments *a, const struct argp_state *state)
{
	if (!a->paths_count)
		argp_error(state, "no result directory is given");
	if (a->of_chart && (!a->chart.x || !a->chart.y_count))
		argp_error(state, "figures of many results need --x KEY and --y FIGURE");
	if (a->of_result && a->chart.x)
		argp_error(state, "%s is for the plots of one result, without --x", a->of_result);
	if (!a->chart.x && a->paths_count > 1)
		argp_error(state, "several results need --x KEY and --y FIGURE: %s and %s",
			   a->paths[0], a->paths[1]);
	if (a->no_plots && (a->output.dir || a->output.name || a->plot.terminal))
		argp_error(state, "--no-plots leaves nothing for %s",
			   a->output.dir    ? "--output"
			   : a->output.name ? "--name"
					    : "--term");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case OPT_ONLY:
		a->only[a->plot.only_count++] = arg;
		a->of_result = "--only";
		return 0;
	case OPT_ORDERS:
		a->plot.orders = arg;
		a->of_result = "--orders";
		return 0;
	case OPT_ZONE:
		a->plot.zone = arg;
		a->of_result = "--zone";
		return 0;
	case OPT_TERM:
		a->plot.terminal = stdout;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_NO_PLOTS:
		a->no_plots = true;
		return 0;
	case 'o':
		a->output.dir = arg;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		a->paths[a->paths_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		check(a, state);
		return 0;
	default:
		if (parse_chart(a, key, arg, state))
			return ARGP_ERR_UNKNOWN;
		a->of_chart = true;
		return 0;
	}
}

static void fit_terminal(struct plot_options *o)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		o->columns = size.ws_col;
		o->rows = size.ws_row;
	}
	o->color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
}

/* --- charts ------------------------------------------------------------------------------------
 */

static bool is_sweep(const char *path)
{
	char plan[PATH_MAX];

	return snprintf(plan, sizeof(plan), "%s/plan.jsonl", path) < (int)sizeof(plan) &&
	       access(plan, F_OK) == 0;
}

/* Draw one chart; its figures are printed unless a plan asks for it. */
static int draw(const struct arguments *a, const struct chart_options *o, const char *name,
		bool print, struct results *results, struct err *err)
{
	struct chart_output output = a->output;
	char made[256];
	struct chart *c = chart_new(o, results, err);
	int failed = -1;

	if (!c)
		return -1;
	output.name = name ? name : chart_name(o, made, sizeof(made));
	if (a->json)
		chart_print_json(c, stdout);
	else if (print && !output.terminal)
		chart_print(c, stdout);
	failed = a->no_plots ? 0 : chart_draw(c, &output, err);
	if (!failed && !a->quiet)
		chart_print_held(c, stderr);
	chart_free(c);
	return failed;
}

static bool is_asked_for(const struct arguments *a, const char *name)
{
	unsigned i;

	for (i = 0; i < a->plot.only_count; i++)
		if (!strcmp(a->only[i], name))
			return true;
	return !a->plot.only_count;
}

static int refuse_only(const char *name, const struct results_sweep *sweep, struct err *err)
{
	char names[512] = "";
	size_t used = 0;
	unsigned i;

	for (i = 0; i < sweep->plan.plots_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 sweep->plan.plots[i].name);
	return err_set(err, ERR_USAGE, "%s: its plan has no plot named \"%.64s\"; it has %s",
		       sweep->dir, name, names);
}

/* All plots of the plan that can be drawn; the first error if some can't. */
static int draw_plan(const struct arguments *a, struct results *results, struct err *err)
{
	const struct results_sweep *sweep = &results->sweeps[0];
	const struct plan *plan = &sweep->plan;
	struct chart_options o;
	unsigned i, drawn = 0;
	int failed = 0;

	for (i = 0; i < plan->plots_count; i++) {
		if (!is_asked_for(a, plan->plots[i].name))
			continue;
		drawn++;
		chart_options_of_plan(&plan->plots[i], &o);
		if (draw(a, &o, plan->plots[i].name, a->no_plots, results, err))
			failed = -1;
	}
	if (!plan->plots_count)
		return err_set(err, ERR_USAGE,
			       "%s: its plan names no plots; choose with --x KEY and --y FIGURE",
			       sweep->dir);
	if (!drawn)
		return refuse_only(a->only[0], sweep, err);
	return failed;
}

static int plot_charts(struct arguments *a, struct err *err)
{
	struct results results;
	char dir[PATH_MAX];
	int failed;

	if (results_open(&results, a->paths, a->paths_count, err))
		return -1;
	snprintf(dir, sizeof(dir), "%s/plots", a->paths[0]);
	if (!a->output.dir)
		a->output.dir =
			a->paths_count == 1 && results.sweeps_count == 1 ? dir : "results/plot";
	a->output.terminal = a->plot.terminal;
	a->output.columns = a->plot.columns;
	a->output.rows = a->plot.rows;
	a->output.color = a->plot.color;
	a->output.messages = a->quiet ? NULL : a->json ? stderr : stdout;
	a->output.stop = &cmd_stop;
	failed = a->chart.x ? draw(a, &a->chart, a->output.name, true, &results, err)
			    : draw_plan(a, &results, err);
	if (!failed)
		results_print_lacking(&results, stderr);
	results_release(&results);
	return failed;
}

int cmd_plot(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "PATH...", doc, NULL, NULL, NULL};
	struct arguments a = {.only = calloc((size_t)argc, sizeof(char *)),
			      .paths = calloc((size_t)argc, sizeof(char *))};
	int rc = -1;

	if (!a.only || !a.paths) {
		err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.plot.only = a.only;
	a.plot.stop = &cmd_stop;
	a.plot.messages = a.quiet ? NULL : a.plot.terminal ? stderr : stdout;
	if (a.plot.terminal)
		fit_terminal(&a.plot);
	if (a.chart.x || is_sweep(a.paths[0]))
		rc = plot_charts(&a, err);
	else if (a.json || a.no_plots || a.output.dir)
		err_set(err, ERR_USAGE, "%s: the plots of a result have no %s; see --x and --y",
			a.paths[0],
			a.json       ? "--json"
			: a.no_plots ? "--no-plots"
				     : "--output");
	else
		rc = plot_results(a.paths[0], &a.plot, err);
out:
	free(a.only);
	free(a.paths);
	return rc;
}
