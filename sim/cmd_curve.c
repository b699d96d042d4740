/*
 * cmd_curve.c - allocsim curve: figures of results against a key of their configuration.
 */
#include <stdlib.h>

#include "sim/cmd.h"
#include "sim/curve.h"

enum { OPT_JSON = 256, OPT_NO_PLOTS };

static const struct argp_option options[] = {
	{NULL, 'x', "KEY[=LABEL]", 0,
	 "The parameter: a configuration key as run sets it, or a figure", 0},
	{NULL, 'y', "KEY[ / KEY][=LABEL]", 0,
	 "A figure of run.json as compare names it, or a quotient of two; at most 3, one below the "
	 "other",
	 0},
	{"reference", 'r', "NAME=FILE", 0,
	 "Draw numbers, measured or computed, beside the results: x and a value for each -y, in "
	 "base units (ns, bytes, shares of 1); at most 2",
	 0},
	{"title", 't', "TEXT", 0, "The picture's title", 0},
	{"output", 'o', "DIR", 0, "Write the picture to DIR (default: results/curve)", 0},
	{"json", OPT_JSON, NULL, 0, "Print the figures as JSON", 0},
	{"no-plots", OPT_NO_PLOTS, NULL, 0, "Draw no picture and write nothing", 0},
	{"quiet", 'q', NULL, 0, "Don't name the files that are written", 0},
	{0},
};

static const char doc[] =
	"Print and draw figures of results against a parameter, and where lines cross. Results of "
	"the same configuration name are one line; scripts/curve makes such results."
	"\vExamples:\n"
	"  allocsim curve -x machine.cpus -y totals.simulated_ns results/per-cpu-*\n"
	"  allocsim curve -x machine.cpus -y cycles.lock_wait_ns=waiting results/*-[12]\n";

struct arguments {
	struct curve_options curve;
	struct curve_plot_options plot;
	const char **dirs;
	unsigned dirs_count;
	bool json, no_plots, quiet;
};

static error_t parse_curve(int key, char *arg, struct argp_state *state)
{
	struct curve_options *o = &((struct arguments *)state->input)->curve;

	switch (key) {
	case 'x':
		o->x = arg;
		return 0;
	case 'y':
		if (o->y_count == CURVE_PANELS_MAX)
			argp_error(state, "more than %d times -y", CURVE_PANELS_MAX);
		o->y[o->y_count++] = arg;
		return 0;
	case 'r':
		if (o->references_count == CURVE_REFERENCES_MAX)
			argp_error(state, "more than %d references", CURVE_REFERENCES_MAX);
		o->references[o->references_count++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 't':
		a->plot.title = arg;
		return 0;
	case 'o':
		a->plot.dir = arg;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_NO_PLOTS:
		a->no_plots = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		a->dirs[a->dirs_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->dirs_count)
			argp_error(state, "no result directory is given");
		if (!a->curve.x || !a->curve.y_count)
			argp_error(state, "needs -x KEY and -y KEY");
		if (a->no_plots && a->plot.dir)
			argp_error(state, "--no-plots leaves nothing for --output");
		return 0;
	default:
		return parse_curve(key, arg, state);
	}
}

int cmd_curve(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULT...", doc, NULL, NULL, NULL};
	struct arguments a = {.dirs = calloc((size_t)argc, sizeof(char *))};
	struct curve c;
	int rc = -1;

	if (!a.dirs)
		return err_set(err, ERR_IO, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.plot.stop = &cmd_stop;
	a.plot.messages = a.quiet ? NULL : a.json ? stderr : stdout;
	if (!curve_load(&c, &a.curve, a.dirs, a.dirs_count, err)) {
		if (a.json)
			curve_print_json(&c, stdout);
		else
			curve_print(&c, stdout);
		rc = a.no_plots ? 0 : curve_plot(&c, &a.plot, err);
		curve_release(&c);
	}
	free(a.dirs);
	return rc;
}
