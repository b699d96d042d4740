/*
 * cmd_classes.c - allocsim classes: the kmalloc size classes that waste least on a trace.
 */
#include <string.h>

#include "sim/classes.h"
#include "sim/cmd.h"
#include "sim/units.h"

enum { OPT_GRID = 256, OPT_MAX, OPT_BY_TIME, OPT_JSON };

static const struct argp_option options[] = {
	{"classes", 'k', "N", 0, "Find a set of N classes, 1 to 64 (default: 13, as Linux has)", 0},
	{"by-time", OPT_BY_TIME, NULL, 0,
	 "Weigh each request with how long it lives: the set that wastes the least memory on "
	 "average over time, not on the sum of requests",
	 0},
	{"grid", OPT_GRID, "BYTES", 0, "Classes are multiples of this multiple of 8 (default: 8)",
	 0},
	{"max", OPT_MAX, "BYTES", 0,
	 "Leave larger requests out, up to 64KiB: pages serve them (default: 8KiB)", 0},
	{"json", OPT_JSON, NULL, 0, "Print the result as JSON", 0},
	{0},
};

static const char doc[] =
	"Find the kmalloc size classes that waste least on the requests in the binary trace TRACE, "
	"and print them as the setting for a run, beside what Linux's classes and powers of two "
	"waste."
	"\vExamples:\n"
	"  allocsim classes my.atrace\n"
	"  allocsim classes my.atrace -k 8 --by-time\n"
	"  allocsim classes my.atrace --grid 64 --max 4KiB --json\n";

struct arguments {
	struct classes_options classes;
	const char *trace;
	bool json;
};

/* With a unit, or bytes as a plain number. */
static uint32_t parse_number(const char *option, enum unit unit, const char *text, uint64_t min,
			     uint64_t max, struct argp_state *state)
{
	char why[UNITS_WHY];
	uint64_t value = 0;
	bool plain = text[strspn(text, "0123456789")] == '\0';
	if (units_parse_u64(plain ? UNIT_COUNT : unit, text, &value, why) != 0)
		argp_error(state, "--%s: '%s' %s", option, text, why);
	if (value < min || value > max)
		argp_error(state, "--%s: '%s' is out of range (legal range: %u..%u)", option, text,
			   (unsigned)min, (unsigned)max);
	return (uint32_t)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'k':
		a->classes.classes_max = parse_number("classes", UNIT_COUNT, arg, 1,
						      KMALLOC_CLASSES_LIMIT, state);
		return 0;
	case OPT_GRID:
		a->classes.grid_bytes = parse_number("grid", UNIT_BYTES, arg, CLASSES_GRID_BYTES,
						     CLASSES_REQUEST_BYTES_MAX, state);
		if (a->classes.grid_bytes % CLASSES_GRID_BYTES)
			argp_error(state, "--grid: '%s' is no multiple of %u", arg,
				   CLASSES_GRID_BYTES);
		return 0;
	case OPT_MAX:
		a->classes.request_bytes_max = parse_number("max", UNIT_BYTES, arg, 1,
							    CLASSES_REQUEST_BYTES_MAX, state);
		return 0;
	case OPT_BY_TIME:
		a->classes.by_time = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->trace)
			argp_error(state, "one trace at a time: %s and %s", a->trace, arg);
		a->trace = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->trace)
			argp_error(state, "no trace is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_classes(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "TRACE", doc, NULL, NULL, NULL};
	struct arguments a = {.classes = {.classes_max = 13,
					  .grid_bytes = CLASSES_GRID_BYTES,
					  .request_bytes_max = 8192}};
	struct classes_report report;
	struct trace trace;
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (trace_open(&trace, a.trace, err) != 0)
		return -1;
	int ret = classes_find(&trace, a.trace, &a.classes, &report, err);
	trace_close(&trace);
	if (ret != 0)
		return -1;
	if (a.json)
		classes_print_json(&report, a.trace, stdout);
	else
		classes_print(&report, stdout);
	return 0;
}
