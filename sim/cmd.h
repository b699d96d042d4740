/*
 * cmd.h - the verbs of the command line. One file each, one row in main.c.
 */
#ifndef SIM_CMD_H
#define SIM_CMD_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

#include "kern/err.h"

struct command {
	const char *name;
	const char *summary; /* one line for `allocsim --help` */
	/*
	 * argv[0] is "allocsim NAME". Returns 0, or -1 with @err, whose code becomes the exit
	 * status.
	 */
	int (*run)(int argc, char **argv, struct err *err);
};

int cmd_classes(int argc, char **argv, struct err *err);
int cmd_compare(int argc, char **argv, struct err *err);
int cmd_import(int argc, char **argv, struct err *err);
int cmd_list(int argc, char **argv, struct err *err);
int cmd_plot(int argc, char **argv, struct err *err);
int cmd_report(int argc, char **argv, struct err *err);
int cmd_run(int argc, char **argv, struct err *err);
int cmd_sweep(int argc, char **argv, struct err *err);
int cmd_sweep_collect(int argc, char **argv, struct err *err);
int cmd_sweep_plan(int argc, char **argv, struct err *err);
int cmd_sweep_run(int argc, char **argv, struct err *err);
int cmd_sweep_status(int argc, char **argv, struct err *err);
int cmd_validate(int argc, char **argv, struct err *err);

/* Set by SIGINT and SIGTERM: long work gives up as soon as it can. */
extern volatile int cmd_stop;

struct config;
/*
 * config_load(), with what is wrong on standard error: a single thing is left to @err, so that one
 * mistake is one line.
 */
int cmd_load_config(struct config *c, const char *const *files, unsigned files_count,
		    const char *const *sets, unsigned sets_count, struct err *err);

/* Should a progress line be drawn? Only on a terminal. */
bool cmd_progress_wanted(void);

#endif
