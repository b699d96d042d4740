/*
 * cmd_import.c - allocsim import: a recorded text trace into a binary one.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/import.h"
#include "sim/json.h"
#include "sim/units.h"

enum { OPT_FORMAT = 256, OPT_MAP, OPT_GAP, OPT_STRICT, OPT_JSON };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0,
	 "Write the binary trace to FILE (default: the input's name with .atrace)", 0},
	{"format", OPT_FORMAT, "NAME", 0,
	 "Read the input as NAME (see allocsim list formats) instead of guessing", 0},
	{"map", OPT_MAP, "COLUMNS", 0,
	 "Format csv: which column is what, as in time=1,op=2,id=3,size=4,unit=us; cpu and time "
	 "may be left out",
	 0},
	{"gap", OPT_GAP, "DURATION", 0,
	 "Time between two events of a format that has no times (default: 1us)", 0},
	{"strict", OPT_STRICT, NULL, 0,
	 "Fail with status 65 if the recording is not complete and consistent", 0},
	{"json", OPT_JSON, NULL, 0, "Print the report as JSON", 0},
	{"quiet", 'q', NULL, 0, "Print no report", 0},
	{0},
};

static const char doc[] = "Turn a recorded kernel memory trace into the binary trace that a run "
			  "replays, and report what is "
			  "in it. TRACE is the text of ftrace, of trace-cmd report or of perf "
			  "script, or a trace of a user program's malloc (allocsim list formats), "
			  "plain or compressed with gzip or zstd; - is standard input."
			  "\vExamples:\n"
			  "  allocsim import trace.ftrace.zst -o sqlite.atrace\n"
			  "  perf script | allocsim import - -o kernel.atrace\n"
			  "  allocsim import workloads/user/ls.trace --gap 10us -o ls.atrace\n"
			  "  allocsim import workloads/user/service.csv --format csv \\\n"
			  "      --map time=1,op=2,id=3,size=4,unit=us -o service.atrace\n"
			  "  allocsim import --strict --json trace.txt.gz -o checked.atrace\n";

struct arguments {
	struct import_options import;
	char output[4096];
	bool json, quiet;
};

static void parse_gap(const char *text, struct import_options *o, struct argp_state *state)
{
	char why[UNITS_WHY];
	o->gap_given = true;
	if (units_parse_u64(UNIT_DURATION, text, &o->gap_ns, why) != 0)
		argp_error(state, "--gap: '%s' %s", text, why);
	if (o->gap_ns > IMPORT_GAP_NS_MAX)
		argp_error(state, "--gap: '%s' is out of range (legal range: 0s..1s)", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'o':
		a->import.output = arg;
		return 0;
	case OPT_FORMAT:
		a->import.format = arg;
		return 0;
	case OPT_MAP:
		a->import.map = arg;
		return 0;
	case OPT_GAP:
		parse_gap(arg, &a->import, state);
		return 0;
	case OPT_STRICT:
		a->import.strict = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->import.input)
			argp_error(state, "one trace at a time: %s and %s", a->import.input, arg);
		a->import.input = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->import.input)
			argp_error(state, "no trace is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* trace.ftrace.zst -> trace.atrace, in the working directory. */
static int default_output(struct arguments *a, struct err *err)
{
	if (strcmp(a->import.input, "-") == 0)
		return err_set(err, ERR_USAGE, "reading standard input needs -o FILE");
	const char *slash = strrchr(a->import.input, '/');
	const char *base = slash ? slash + 1 : a->import.input;
	size_t stem = strcspn(base, ".");
	if (stem == 0 || stem > sizeof(a->output) - sizeof(".atrace"))
		return err_set(err, ERR_USAGE, "%s: give the output's name with -o FILE", base);
	snprintf(a->output, sizeof(a->output), "%.*s.atrace", (int)stem, base);
	a->import.output = a->output;
	return 0;
}

int cmd_import(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "TRACE", doc, NULL, NULL, NULL};
	struct arguments a = {.json = false};
	struct trace_report report;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (!a.import.output && default_output(&a, err) != 0)
		return -1;
	a.import.progress = cmd_progress_wanted() && !a.quiet;
	a.import.stop = &cmd_stop;
	if (import_trace(&a.import, &report, err) != 0)
		return -1;
	if (a.json) {
		struct json j;
		json_init(&j, stdout);
		import_report_write(&report, &j, NULL);
		json_finish(&j);
	} else if (!a.quiet) {
		import_report_print(&report, a.import.input, a.import.output, stdout);
	}
	return 0;
}
