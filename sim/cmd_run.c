/*
 * cmd_run.c - allocsim run: simulate a configuration into a result directory.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/engine.h"
#include "sim/report.h"
#include "sim/run.h"

enum { OPT_SET = 256, OPT_TRUTH, OPT_EXACT, OPT_PRINT, OPT_PLATFORM, OPT_JSON };

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0,
	 "Write the result to DIR (default: results/NAME of the configuration)", 0},
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "Override a key, as in --set workload.trace=web.atrace; may be repeated", 0},
	{"truth", OPT_TRUTH, "DIR", 0,
	 "Start from the recorded state in DIR and score the end against it", 0},
	{"exact-events", OPT_EXACT, NULL, 0,
	 "Make one SimGrid event per operation: slow, the same result", 0},
	{"print-config", OPT_PRINT, NULL, 0, "Print the configuration as it was resolved, and stop",
	 0},
	{"dump-platform", OPT_PLATFORM, NULL, 0, "Print the SimGrid platform as XML, and stop", 0},
	{"json", OPT_JSON, NULL, 0, "Print run.json instead of the summary", 0},
	{"quiet", 'q', NULL, 0, "Print no summary", 0},
	{0},
};

static const char doc[] =
	"Simulate a configuration: machine, allocators, start state, workload, measurement. "
	"Several files "
	"are merged left to right, then the --set options."
	"\vExamples:\n"
	"  allocsim run configs/quickstart.yaml\n"
	"  allocsim run configs/examples/churn.yaml -o results/churn\n"
	"  allocsim run configs/examples/churn.yaml --set pcp.enabled=false \\\n"
	"      -o results/no-pcp\n"
	"  allocsim run configs/machines/zen3.yaml workloads/vmalloc.yaml \\\n"
	"      -o results/vmalloc-zen3\n"
	"\nWith a trace of your own (see allocsim import --help):\n"
	"  allocsim run configs/linux-6.18.yaml --set workload.trace=my.atrace \\\n"
	"      --truth my-recording\n";

struct arguments {
	const char **files, **sets;
	unsigned files_count, sets_count;
	char *truth_set;
	struct run_options run;
	bool print, platform, json, quiet;
	char output[512];
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'o':
		a->run.output = arg;
		return 0;
	case OPT_SET:
		a->sets[a->sets_count++] = arg;
		return 0;
	case OPT_TRUTH:
		free(a->truth_set);
		if (asprintf(&a->truth_set, "start.truth=%s", arg) < 0)
			argp_failure(state, ERR_IO, 0, "out of memory");
		return 0;
	case OPT_EXACT:
		a->run.exact_events = true;
		return 0;
	case OPT_PRINT:
		a->print = true;
		return 0;
	case OPT_PLATFORM:
		a->platform = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case 'q':
		a->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		a->files[a->files_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->files_count)
			argp_error(state, "no configuration is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int dump_platform(const struct config *c, struct err *err)
{
	char *xml = engine_platform_xml((unsigned)c->machine.cpus);
	if (!xml)
		return err_set(err, ERR_IO, "out of memory");
	fputs(xml, stdout);
	free(xml);
	return 0;
}

/* results/NAME, where a name that is no plain file name is made one. */
static void default_output(struct arguments *a, const char *name)
{
	snprintf(a->output, sizeof(a->output), "results/%s", name[0] ? name : "run");
	char *p = a->output + strlen("results/");
	if (*p == '.')
		*p = '_';
	while ((p = strchr(p, '/')))
		*p = '_';
	a->run.output = a->output;
}

static int simulate(struct arguments *a, struct config *c, struct err *err)
{
	struct run_result *result = malloc(sizeof(*result));
	if (!result)
		return err_set(err, ERR_IO, "out of memory");
	if (!a->run.output)
		default_output(a, c->name);
	a->run.progress = cmd_progress_wanted() && !a->quiet;
	a->run.stop = &cmd_stop;
	int rc = run_simulation(result, c, &a->run, err);
	if (rc == 0) {
		if (a->json)
			report_write(result, stdout);
		else if (!a->quiet)
			run_print_summary(result, a->run.output, stdout);
		run_result_release(result);
	}
	free(result);
	return rc;
}

static int load_and_run(struct arguments *a, struct err *err)
{
	struct config c;
	config_init(&c);
	if (a->truth_set)
		a->sets[a->sets_count++] = a->truth_set;
	int rc = cmd_load_config(&c, a->files, a->files_count, a->sets, a->sets_count, err);
	if (rc == 0 && a->print)
		rc = config_print_yaml(&c, stdout, err);
	else if (rc == 0 && a->platform)
		rc = dump_platform(&c, err);
	else if (rc == 0)
		rc = config_check_runnable(&c, err) == 0 ? simulate(a, &c, err) : -1;
	config_release(&c);
	return rc;
}

int cmd_run(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "CONFIG...", doc, NULL, NULL, NULL};
	struct arguments a = {
		.files = calloc((size_t)argc, sizeof(char *)),
		.sets = calloc((size_t)argc + 1, sizeof(char *)),
	};
	int rc = -1;
	if (!a.files || !a.sets) {
		err_set(err, ERR_IO, "out of memory");
	} else {
		argp_parse(&argp, argc, argv, 0, NULL, &a);
		rc = load_and_run(&a, err);
	}
	free(a.files);
	free(a.sets);
	free(a.truth_set);
	return rc;
}
