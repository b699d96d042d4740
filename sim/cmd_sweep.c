/*
 * cmd_sweep.c - allocsim sweep: many runs of one configuration with other values, as commands of
 * their own: `allocsim sweep plan`, `allocsim sweep run` and so on.
 *
 * A command of a sweep is a row of the table here and a file cmd_sweep_NAME.c, which sees an argv
 * whose first word is "allocsim sweep NAME".
 */
#include <string.h>

#include "sim/cmd.h"
#include "sim/suggest.h"

#define COMMANDS_MAX 16

static const struct command commands[COMMANDS_MAX + 1] = {
	{"plan", "turn a sweep's YAML into a list of runs", cmd_sweep_plan},
	{"run", "carry out the runs of a plan", cmd_sweep_run},
	{"status", "say what is done, what failed and what is missing", cmd_sweep_status},
	{"collect", "put the results into a table", cmd_sweep_collect},
	{NULL, NULL, NULL},
};

static void print_help(FILE *out)
{
	fprintf(out,
		"Usage: allocsim sweep COMMAND [OPTION...] [ARGUMENT...]\n"
		"Run one configuration many times with other values, on one machine or many.\n\n"
		"Commands:\n");
	for (unsigned i = 0; commands[i].name; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n`allocsim sweep COMMAND --help` shows a command's options and examples.\n");
}

static int unknown_command(const char *name, struct err *err)
{
	const char *names[COMMANDS_MAX] = {0};
	unsigned count = 0;
	for (; commands[count].name; count++)
		names[count] = commands[count].name;
	const char *near = suggest_nearest(name, names, count);
	return err_set(err, ERR_USAGE,
		       "sweep has no command '%s'%s%s%s (see allocsim sweep --help)", name,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int cmd_sweep(int argc, char **argv, struct err *err)
{
	char name[64];
	if (argc < 2) {
		print_help(stderr);
		return err_set(err, ERR_USAGE, "sweep: a command is missing");
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return 0;
	}
	for (unsigned i = 0; commands[i].name; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof(name), "allocsim sweep %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1, err);
	}
	return unknown_command(argv[1], err);
}
