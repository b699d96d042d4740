/*
 * compare_plot.h - pictures of several runs laid over each other.
 */
#ifndef SIM_COMPARE_PLOT_H
#define SIM_COMPARE_PLOT_H

#include <stdio.h>

#include "kern/err.h"
#include "sim/compare.h"

/* Colours that can be told apart; of more runs, the first are drawn. */
#define COMPARE_PLOT_RUNS_MAX 8

struct compare_plot_options {
	const char *dir;         /* to be written; NULL: results/compare */
	const char *orders;      /* for the unusable index: "1,3,5"; NULL: 1,3,5,7,9,10 */
	const char *scripts_dir; /* holds plots/NAME.gp; NULL: see plot_canvas_open() */
	FILE *messages;          /* a line for each picture written or skipped; NULL: none */
	volatile const int *stop; /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/*
 * Write the directory options->dir: compare.json (what compare_print_json() prints) and the
 * pictures NAME.png, NAME.svg with what was drawn in data/. An earlier comparison there is
 * replaced; any other directory that isn't empty is left as it is. The directory appears when it is
 * complete, or not at all.
 *
 * Returns 0, or -1 with @err: ERR_USAGE (bad orders), ERR_TRACE (a series.csv is malformed),
 * ERR_PROGRAM (gnuplot is missing or failed), ERR_CANT_CREATE, ERR_IO.
 */
int compare_plot(const struct comparison *c, const struct condition *conditions,
		 unsigned conditions_count, const struct compare_plot_options *options,
		 struct err *err);

#endif
