/*
 * cmd_scaling.c - allocsim scaling: speed against CPUs.
 */
#include <stdlib.h>

#include "sim/cmd.h"
#include "sim/scaling.h"

enum { OPT_JSON = 256, OPT_NO_PLOTS };

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write the picture to DIR (default: results/scaling)", 0},
	{"json", OPT_JSON, NULL, 0, "Print the figures as JSON", 0},
	{"no-plots", OPT_NO_PLOTS, NULL, 0, "Draw no picture and write nothing", 0},
	{"quiet", 'q', NULL, 0, "Don't name the files that are written", 0},
	{0},
};

static const char doc[] =
	"Print and draw operations per second of simulated time against the number of CPUs. "
	"Results "
	"of the same configuration name are one line; scripts/scaling makes such results."
	"\vExamples:\n"
	"  allocsim scaling results/per-cpu-1 results/per-cpu-2 results/global-lock-1\n"
	"  allocsim scaling --no-plots --json results/per-cpu-*\n";

struct arguments {
	struct scaling_plot_options plot;
	const char **dirs;
	unsigned dirs_count;
	bool json, no_plots, quiet;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
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
		if (a->no_plots && a->plot.dir)
			argp_error(state, "--no-plots leaves nothing for --output");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_scaling(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULT...", doc, NULL, NULL, NULL};
	struct arguments a = {.dirs = calloc((size_t)argc, sizeof(char *))};
	struct scaling s;
	int rc = -1;

	if (!a.dirs)
		return err_set(err, ERR_IO, "out of memory");
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.plot.stop = &cmd_stop;
	a.plot.messages = a.quiet ? NULL : a.json ? stderr : stdout;
	if (!scaling_load(&s, a.dirs, a.dirs_count, err)) {
		if (a.json)
			scaling_print_json(&s, stdout);
		else
			scaling_print(&s, stdout);
		rc = a.no_plots ? 0 : scaling_plot(&s, &a.plot, err);
		scaling_release(&s);
	}
	free(a.dirs);
	return rc;
}
