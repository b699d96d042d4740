/*
 * scaling.h - how speed grows with CPUs: results of several designs at several numbers of CPUs.
 */
#ifndef SIM_SCALING_H
#define SIM_SCALING_H

#include <stdbool.h>
#include <stdio.h>

#include "kern/err.h"

#define SCALING_GROUPS_MAX 8 /* colours that can be told apart */

/* One result. */
struct scaling_point {
	const char *dir; /* the caller's */
	unsigned group;  /* index into groups */
	unsigned cpus;
	double ops, simulated_ns;
	double ops_per_s;           /* of simulated time */
	double speedup, efficiency; /* see scaling_load() */
	double lock_wait_ratio;     /* of the CPUs' active time, 0 .. 1 */
};

struct scaling {
	char groups[SCALING_GROUPS_MAX][64]; /* names of configurations, in order of appearance */
	unsigned groups_count;
	struct scaling_point *points; /* by group, then by CPUs */
	unsigned points_count;
};

/*
 * Read the results @dirs, which stay the caller's. Those of one configuration name are a group. A
 * point's speedup is its speed by that of one CPU in its group's result of fewest CPUs; its
 * efficiency is speedup / CPUs.
 *
 * Returns 0, or -1 with @err and nothing to release: ERR_NO_INPUT, ERR_TRACE (no result, or one
 * without operations), ERR_USAGE (a group has two results of the same number of CPUs; too many
 * groups).
 */
int scaling_load(struct scaling *s, const char *const *dirs, unsigned dirs_count, struct err *err);
void scaling_release(struct scaling *s);

void scaling_print(const struct scaling *s, FILE *out);
void scaling_print_json(const struct scaling *s, FILE *out);

struct scaling_plot_options {
	const char *dir;          /* to be written; NULL: results/scaling */
	const char *scripts_dir;  /* holds plots/NAME.gp; NULL: see plot_canvas.h */
	FILE *messages;           /* a line for each picture written; NULL: none */
	volatile const int *stop; /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/*
 * Write the directory options->dir: scaling.json (what scaling_print_json() prints), scaling.png
 * and scaling.svg, with what was drawn in data/. An earlier one there is replaced; any other
 * directory that isn't empty is left as it is. It appears when it is complete, or not at all.
 *
 * Returns 0, or -1 with @err: ERR_PROGRAM (gnuplot is missing or failed), ERR_CANT_CREATE, ERR_IO.
 */
int scaling_plot(const struct scaling *s, const struct scaling_plot_options *options,
		 struct err *err);

#endif
