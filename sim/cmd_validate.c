/*
 * cmd_validate.c - allocsim validate: everything that is wrong with a configuration, before any
 * run.
 */
#include <stdlib.h>

#include "alloc/page_allocator.h"
#include "sim/cmd.h"
#include "sim/config.h"

enum { OPT_SET = 256, OPT_PRINT, OPT_REFERENCE };

static const struct argp_option options[] = {
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "Override a key, as in --set machine.cpus=4; may be repeated", 0},
	{"print-config", OPT_PRINT, NULL, 0, "Print the configuration as it was resolved", 0},
	{"reference", OPT_REFERENCE, NULL, 0,
	 "Print all keys with their ranges and defaults, and stop", 0},
	{0},
};

static const char doc[] =
	"Check configurations without running them. Several files are merged left to right."
	"\vExamples:\n"
	"  allocsim validate configs/linux-6.18.yaml\n"
	"  allocsim validate configs/linux-6.18.yaml workloads/churn.yaml\n"
	"  allocsim validate configs/examples/fragmentation.yaml \\\n"
	"      --set machine.memory=64GiB --print-config\n";

struct arguments {
	const char **files, **sets;
	unsigned files_count, sets_count;
	bool print, reference;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case OPT_SET:
		a->sets[a->sets_count++] = arg;
		return 0;
	case OPT_PRINT:
		a->print = true;
		return 0;
	case OPT_REFERENCE:
		a->reference = true;
		return 0;
	case ARGP_KEY_ARG:
		a->files[a->files_count++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->files_count && !a->reference)
			argp_error(state, "no configuration is given");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_ok(const struct arguments *a)
{
	for (unsigned i = 0; i < a->files_count; i++)
		printf("%s%s", i ? " " : "", a->files[i]);
	printf(": ok\n");
}

static int validate(const struct arguments *a, struct err *err)
{
	struct config c;
	config_init(&c);
	int rc = cmd_load_config(&c, a->files, a->files_count, a->sets, a->sets_count, err);
	if (rc == 0 && !page_allocator_find(c.page_allocator))
		rc = err_set(
			err, ERR_CONFIG,
			"page_allocator: there is no allocator '%s' (see allocsim list allocators)",
			c.page_allocator);
	if (rc == 0 && a->print)
		rc = config_print_yaml(&c, stdout, err);
	else if (rc == 0)
		print_ok(a);
	config_release(&c);
	return rc;
}

int cmd_validate(int argc, char **argv, struct err *err)
{
	const struct argp argp = {options, parse, "CONFIG...", doc, NULL, NULL, NULL};
	struct arguments a = {
		.files = calloc((size_t)argc, sizeof(char *)),
		.sets = calloc((size_t)argc, sizeof(char *)),
	};
	int rc = 0;
	if (!a.files || !a.sets) {
		rc = err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (a.reference)
		config_print_reference(stdout);
	else
		rc = validate(&a, err);
out:
	free(a.files);
	free(a.sets);
	return rc;
}
