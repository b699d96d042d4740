/*
 * cmd_sweep_status.c - allocsim sweep status: how far a sweep is.
 */
#include "sim/cmd.h"
#include "sim/sweep/status.h"

enum { OPT_JSON = 256 };

static const struct argp_option options[] = {
	{"all", 'a', NULL, 0, "Describe all failed points, not just the first 20", 0},
	{"json", OPT_JSON, NULL, 0, "Print JSON", 0},
	{0},
};

static const char doc[] = "Say how many points of a sweep are done, which failed and why, and "
			  "which are missing. Exit "
			  "status 0 if all are done, 1 if not."
			  "\vExamples:\n"
			  "  allocsim sweep status results/slub-order\n"
			  "  allocsim sweep status results/slub-order --json\n";

struct arguments {
	const char *dir;
	bool all, json;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'a':
		a->all = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->dir)
			argp_error(state, "more than one directory");
		a->dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->dir)
			argp_error(state, "no directory of a sweep is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_sweep_status(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULTS", doc, NULL, NULL, NULL};
	struct arguments a = {0};
	struct sweep_status s;
	bool complete;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (sweep_status_read(&s, a.dir, err))
		return -1;
	if (a.json)
		sweep_status_print_json(&s, stdout);
	else
		sweep_status_print(&s, a.all, stdout);
	complete = s.states_count[CELL_DONE] == s.plan.points_count;
	sweep_status_release(&s);
	/* What is not done was said: nothing is left to say on standard error. */
	return complete ? 0 : err_set(err, ERR_DIFFERENCE, "%s", "");
}
