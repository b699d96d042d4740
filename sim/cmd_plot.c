/*
 * cmd_plot.c - allocsim plot: the pictures of a result.
 */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/cmd.h"
#include "sim/plot.h"

enum { OPT_ONLY = 256, OPT_ORDERS, OPT_ZONE, OPT_TERM };

static const struct argp_option options[] = {
	{"only", OPT_ONLY, "PLOT", 0, "Draw this plot (see allocsim list plots); may be repeated",
	 0},
	{"orders", OPT_ORDERS, "LIST", 0, "Orders of the unusable index, as 0,4,9", 0},
	{"zone", OPT_ZONE, "NAME", 0, "Draw one zone over time instead of all", 0},
	{"term", OPT_TERM, NULL, 0, "Draw in the terminal instead of writing PNG and SVG", 0},
	{"quiet", 'q', NULL, 0, "Don't name the files that are written", 0},
	{0},
};

static const char doc[] =
	"Draw the plots of a result directory into its plots/, as PNG and SVG, with gnuplot."
	"\vExamples:\n"
	"  allocsim plot results/quickstart\n"
	"  allocsim plot results/quickstart --term --only free_by_order\n"
	"  allocsim plot results/quickstart --only unusable_index --orders 0,4,9\n";

struct arguments {
	struct plot_options plot;
	const char **only;
	const char *dir;
	bool quiet;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case OPT_ONLY:
		a->only[a->plot.only_count++] = arg;
		return 0;
	case OPT_ORDERS:
		a->plot.orders = arg;
		return 0;
	case OPT_ZONE:
		a->plot.zone = arg;
		return 0;
	case OPT_TERM:
		a->plot.terminal = stdout;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->dir)
			argp_error(state, "one result at a time: %s and %s", a->dir, arg);
		a->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->dir)
			argp_error(state, "no result directory is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
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

int cmd_plot(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULT", doc, NULL, NULL, NULL};
	struct arguments a = {.only = calloc((size_t)argc, sizeof(char *))};
	if (!a.only)
		return err_set(err, ERR_IO, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.plot.only = a.only;
	a.plot.stop = &cmd_stop;
	a.plot.messages = a.quiet ? NULL : a.plot.terminal ? stderr : stdout;
	if (a.plot.terminal)
		fit_terminal(&a.plot);
	int rc = plot_results(a.dir, &a.plot, err);
	free(a.only);
	return rc;
}
