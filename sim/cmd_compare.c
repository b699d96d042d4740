/*
 * cmd_compare.c - allocsim compare: what differs between runs.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/compare.h"
#include "sim/compare_plot.h"

enum {
	OPT_ALL = 256,
	OPT_METRIC,
	OPT_FAIL_IF,
	OPT_JSON,
	OPT_HOST,
	OPT_DIFFERENT_WORKLOADS,
	OPT_NO_PLOTS,
	OPT_ORDERS,
};

static const struct argp_option options[] = {
	{"metric", OPT_METRIC, "METRIC", 0,
	 "Show this metric, or those below it; * and [] are wildcards; may be repeated", 0},
	{"all", OPT_ALL, NULL, 0, "Show every metric that differs, not only the first 20", 0},
	{"fail-if", OPT_FAIL_IF, "CONDITION", 0,
	 "Exit with status 1 if it holds for a run: METRIC > NUMBER, or NUMBER% for a change "
	 "relative to the base; also >= < <= ==; may be repeated",
	 0},
	{"json", OPT_JSON, NULL, 0, "Print the comparison as JSON", 0},
	{"host", OPT_HOST, NULL, 0, "Compare the speed of the simulator, too", 0},
	{"different-workloads", OPT_DIFFERENT_WORKLOADS, NULL, 0,
	 "Don't refuse runs of different workloads", 0},
	{"output", 'o', "DIR", 0, "Write the pictures to DIR (default: results/compare)", 0},
	{"orders", OPT_ORDERS, "LIST", 0, "Orders of the unusable index, as 0,4,9", 0},
	{"no-plots", OPT_NO_PLOTS, NULL, 0, "Draw no pictures and write nothing", 0},
	{"quiet", 'q', NULL, 0, "Don't name the pictures that are written", 0},
	{0},
};

static const char doc[] =
	"Print what differs between results: first the settings, then the metrics that differ most "
	"from those of the first result, the base. Draw overlays of all runs with gnuplot."
	"\vExamples:\n"
	"  allocsim compare results/quickstart results/no-pcp\n"
	"  allocsim compare results/quickstart results/no-pcp --metric latency\n"
	"  allocsim compare results/quickstart results/no-pcp --json --no-plots\n"
	"  allocsim compare results/quickstart results/no-pcp --no-plots \\\n"
	"      --fail-if 'fragmentation.unusable_index[9] > 5%'\n";

struct arguments {
	struct compare_options compare;
	struct compare_plot_options plot;
	const char **metrics, **dirs, **conditions;
	unsigned dirs_count, conditions_count;
	bool all, json, no_plots, quiet;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case OPT_METRIC:
		a->metrics[a->compare.metrics_count++] = arg;
		return 0;
	case OPT_ALL:
		a->all = true;
		return 0;
	case OPT_FAIL_IF:
		a->conditions[a->conditions_count++] = arg;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_HOST:
		a->compare.host = true;
		return 0;
	case OPT_DIFFERENT_WORKLOADS:
		a->compare.different_workloads = true;
		return 0;
	case 'o':
		a->plot.dir = arg;
		return 0;
	case OPT_ORDERS:
		a->plot.orders = arg;
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
		if (a->dirs_count < 2)
			argp_error(state, "a comparison needs two results or more");
		if (a->no_plots && (a->plot.dir || a->plot.orders))
			argp_error(state, "--no-plots leaves nothing for --output and --orders");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Say on standard error which conditions hold. Returns their number. */
static unsigned report_conditions(const struct comparison *c, const struct condition *conditions,
				  unsigned count)
{
	char text[768];
	unsigned held = 0, i;

	for (i = 0; i < count; i++) {
		if (!conditions[i].holds_count)
			continue;
		condition_describe(&conditions[i], c, text, sizeof(text));
		fprintf(stderr, "allocsim: fail-if: %s\n", text);
		held++;
	}
	return held;
}

static int compare(const struct arguments *a, struct condition *conditions, struct comparison *c,
		   struct err *err)
{
	unsigned held, i;

	for (i = 0; i < a->conditions_count; i++)
		if (condition_evaluate(&conditions[i], c, err))
			return -1;
	if (a->json)
		compare_print_json(c, conditions, a->conditions_count, stdout);
	else
		compare_print(c, a->all, stdout);
	if (!a->no_plots && compare_plot(c, conditions, a->conditions_count, &a->plot, err))
		return -1;
	fflush(stdout);
	held = report_conditions(c, conditions, a->conditions_count);
	if (!held)
		return 0;
	return err_set(err, ERR_DIFFERENCE, "%u of %u conditions of --fail-if hold%s", held,
		       a->conditions_count, held == 1 ? "s" : "");
}

int cmd_compare(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "BASE RESULT...", doc, NULL, NULL, NULL};
	struct condition *conditions = calloc((size_t)argc, sizeof(*conditions));
	const char **words = calloc(3 * (size_t)argc, sizeof(*words));
	struct comparison c = {0};
	struct arguments a = {0};
	unsigned parsed = 0;
	int rc = -1;

	if (!words || !conditions) {
		err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	a.metrics = words;
	a.dirs = words + argc;
	a.conditions = words + 2 * argc;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.compare.metrics = a.metrics;
	a.plot.stop = &cmd_stop;
	a.plot.messages = a.quiet ? NULL : a.json ? stderr : stdout;
	for (; parsed < a.conditions_count; parsed++)
		if (condition_parse(&conditions[parsed], a.conditions[parsed], err))
			goto out;
	if (compare_load(&c, a.dirs, a.dirs_count, &a.compare, err))
		goto out;
	rc = compare(&a, conditions, &c, err);
	compare_release(&c);
out:
	while (parsed > 0)
		condition_release(&conditions[--parsed]);
	free(conditions);
	free(words);
	return rc;
}
