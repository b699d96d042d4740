/*
 * cmd_report.c - allocsim report: results as one page of HTML.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/html_report.h"

enum {
	OPT_X = 256,
	OPT_Y,
	OPT_Z,
	OPT_BY,
	OPT_WHERE,
	OPT_RELATIVE,
	OPT_FIGURE,
	OPT_TITLE,
	OPT_NO_PLOTS,
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write the page to FILE (-: standard output)", 0},
	{"title", OPT_TITLE, "TEXT", 0, "Heading of the page (default: the sweep's title)", 0},
	{"figure", OPT_FIGURE, "KEY", 0,
	 "A column of the table, instead of those that say most; may be repeated", 0},
	{"x", OPT_X, "KEY", 0, "Draw this plot instead of the sweep's: the axis", 0},
	{"y", OPT_Y, "KEY", 0, "A figure of it; up to three times", 0},
	{"z", OPT_Z, "KEY", 0, "The figure of a heat map over x and y", 0},
	{"by", OPT_BY, "KEY", 0, "A line for each value", 0},
	{"where", OPT_WHERE, "KEY=VALUE", 0, "Draw such results only; may be repeated", 0},
	{"relative", OPT_RELATIVE, NULL, 0, "Draw y by its line's value at the least x", 0},
	{"no-plots", OPT_NO_PLOTS, NULL, 0, "Draw no plots; gnuplot isn't needed then", 0},
	{"quiet", 'q', NULL, 0, "Name neither the file nor what failed or is missing", 0},
	{0},
};

static const char doc[] =
	"Write what sweeps and single results hold as one page of HTML, with plots, a table that "
	"can be sorted and filtered, and the configurations. The page needs nothing else: no "
	"network, no other file."
	"\vExamples:\n"
	"  allocsim report results/slub-order -o report.html\n"
	"  allocsim report results/quickstart -o report.html\n"
	"  allocsim report results/quickstart results/no-pcp --no-plots -o report.html\n";

struct arguments {
	struct html_report_options report;
	const char **paths, **figures;
	bool quiet;
};

static void add_limited(struct argp_state *state, const char **list, unsigned *count,
			unsigned count_max, const char *arg, const char *what)
{
	if (*count == count_max)
		argp_error(state, "at most %u times %s", count_max, what);
	list[(*count)++] = arg;
}

static error_t parse_chart(int key, char *arg, struct argp_state *state,
			   struct chart_options *chart)
{
	switch (key) {
	case OPT_X:
		chart->x = arg;
		return 0;
	case OPT_Y:
		add_limited(state, chart->y, &chart->y_count, CHART_PANELS_MAX, arg, "--y");
		return 0;
	case OPT_Z:
		chart->z = arg;
		return 0;
	case OPT_BY:
		chart->by = arg;
		return 0;
	case OPT_WHERE:
		add_limited(state, chart->where, &chart->where_count,
			    sizeof(chart->where) / sizeof(chart->where[0]), arg, "--where");
		return 0;
	case OPT_RELATIVE:
		chart->relative = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void check(const struct html_report_options *o, struct argp_state *state)
{
	const struct chart_options *c = &o->chart;

	if (!o->paths_count)
		argp_error(state, "no result or sweep is given");
	if (!o->output)
		argp_error(state, "needs -o FILE");
	if (!c->x && (c->y_count || c->z || c->by || c->where_count || c->relative))
		argp_error(state, "a plot needs --x");
	if (c->x && !c->y_count)
		argp_error(state, "a plot needs --y");
	if (c->x && o->no_plots)
		argp_error(state, "--no-plots leaves nothing for --x");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	struct html_report_options *o = &a->report;

	switch (key) {
	case 'o':
		o->output = arg;
		return 0;
	case OPT_TITLE:
		o->title = arg;
		return 0;
	case OPT_FIGURE:
		a->figures[o->figures_count++] = arg;
		return 0;
	case OPT_NO_PLOTS:
		o->no_plots = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		a->paths[o->paths_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		check(o, state);
		return 0;
	default:
		return parse_chart(key, arg, state, &o->chart);
	}
}

int cmd_report(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULT...", doc, NULL, NULL, NULL};
	const char **words = calloc(2 * (size_t)argc, sizeof(*words));
	struct arguments a = {.paths = words, .figures = words + argc};
	int rc;

	if (!words)
		return err_set(err, ERR_IO, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.report.paths = a.paths;
	a.report.figures = a.figures;
	a.report.stop = &cmd_stop;
	a.report.messages = a.quiet ? NULL : stderr;
	rc = html_report(&a.report, err);
	if (!rc && !a.quiet && strcmp(a.report.output, "-") != 0)
		printf("%s\n", a.report.output);
	free(words);
	return rc;
}
