/*
 * cmd_sweep_collect.c - allocsim sweep collect: a sweep as a table.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/sweep/collect.h"

enum { OPT_FORMAT = 256, OPT_ALL_COLUMNS, OPT_REQUIRE_ALL };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0,
	 "Write the table to FILE, in the format that its name ends with: .csv or .jsonl; - is "
	 "standard output (default)",
	 0},
	{"format", OPT_FORMAT, "csv|jsonl", 0, "The format, whatever the name is", 0},
	{"columns", 'c', "PATTERN", 0,
	 "These figures instead of those of whole runs: names as in compare or of columns, * for "
	 "any text, [] for any element; may be repeated",
	 0},
	{"all-columns", OPT_ALL_COLUMNS, NULL, 0, "All figures that some run has", 0},
	{"require-all", OPT_REQUIRE_ALL, NULL, 0,
	 "Exit with status 1 if points failed or are missing; the table is written all the same",
	 0},
	{"quiet", 'q', NULL, 0, "Don't say what was written", 0},
	{0},
};

static const char doc[] =
	"Put the results of a sweep into a table: a row for each point, its parameters, and its "
	"figures, with units in the columns' names. Points that failed or are missing have empty "
	"figures."
	"\vExamples:\n"
	"  allocsim sweep collect results/slub-order -o all.csv\n"
	"  allocsim sweep collect results/slub-order -c 'latency[alloc]' -c totals\n"
	"  allocsim sweep collect results/slub-order --all-columns -o all.jsonl\n";

struct arguments {
	struct collect_options collect;
	const char **columns;
	const char *format;
	bool require_all, quiet;
};

static bool ends_with(const char *name, const char *end)
{
	return strlen(name) >= strlen(end) && !strcmp(name + strlen(name) - strlen(end), end);
}

static void choose_format(struct arguments *a, struct argp_state *state)
{
	const char *output = a->collect.output;

	if (a->format && strcmp(a->format, "csv") && strcmp(a->format, "jsonl"))
		argp_error(state, "--format %s: is neither csv nor jsonl", a->format);
	if (!a->format && strcmp(output, "-") && !ends_with(output, ".csv") &&
	    !ends_with(output, ".jsonl"))
		argp_error(state, "%s: the name ends neither in .csv nor in .jsonl; use --format",
			   output);
	a->collect.format = (a->format ? !strcmp(a->format, "jsonl") : ends_with(output, ".jsonl"))
				    ? COLLECT_JSONL
				    : COLLECT_CSV;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'o':
		a->collect.output = arg;
		return 0;
	case OPT_FORMAT:
		a->format = arg;
		return 0;
	case 'c':
		a->columns[a->collect.columns_count++] = arg;
		return 0;
	case OPT_ALL_COLUMNS:
		a->collect.all_columns = true;
		return 0;
	case OPT_REQUIRE_ALL:
		a->require_all = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->collect.dir)
			argp_error(state, "more than one directory");
		a->collect.dir = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->collect.dir)
			argp_error(state, "no directory of a sweep is given");
		if (a->collect.all_columns && a->collect.columns_count)
			argp_error(state, "--all-columns leaves nothing for --columns");
		choose_format(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_sweep_collect(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "RESULTS", doc, NULL, NULL, NULL};
	struct arguments a = {.columns = calloc((size_t)argc, sizeof(char *))};
	struct collect_report report;
	int failed;

	if (!a.columns)
		return err_set(err, ERR_IO, "out of memory");
	a.collect.output = "-";
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.collect.columns = a.columns;
	a.collect.messages = a.quiet ? NULL : stderr;
	failed = sweep_collect(&a.collect, &report, err);
	free(a.columns);
	if (!failed && a.require_all && report.failed_count + report.missing_count)
		return err_set(err, ERR_DIFFERENCE, "%s", "");
	return failed;
}
