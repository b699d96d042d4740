/*
 * plot.h - pictures of a result, drawn by gnuplot.
 */
#ifndef SIM_PLOT_H
#define SIM_PLOT_H

#include <stdbool.h>
#include <stdio.h>

#include "kern/err.h"

/* The plots that exist, ended by a NULL name. */
struct plot_info {
	const char *name;    /* `allocsim plot --only NAME`; stem of the files */
	const char *title;   /* heading of the picture */
	const char *summary; /* one line for `allocsim list plots` */
};

struct plot_options {
	const char *const *only; /* names of plots */
	unsigned only_count;     /* 0: all */
	const char *orders;      /* for unusable_index: "1,3,5"; NULL: 1,3,5,7,9,10 */
	const char *zone;        /* for plots over time: "Normal" or "node1_normal"; NULL: all */
	const char *scripts_dir; /* holds plots/NAME.gp; NULL: see plot_results() */
	FILE *terminal;         /* draw with characters into it and write no file; NULL: pictures */
	unsigned columns, rows; /* of the terminal; 0: 80 and 24 */
	bool color;             /* terminal: ANSI colours */
	FILE *messages;         /* a line for each picture written or skipped; NULL: none */
	volatile const int *stop; /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/* The @index-th plot, or NULL after the last. */
const struct plot_info *plot_info(unsigned index);

/*
 * Draw the result in @dir (run.json and the tables of samples) into @dir/plots: NAME.png, NAME.svg
 * and, in data/, the columns and labels that were drawn. A plot that doesn't apply (no series, no
 * recorded truth) is skipped with a message; one named in options->only is then an error. Pictures
 * appear complete or not at all.
 *
 * The scripts are looked for in $ALLOCSIM_SCRIPTS, else options->scripts_dir, else beside the
 * executable's build directory or in ../share/allocsim of its directory.
 *
 * Returns 0, or -1 with @err: ERR_NO_INPUT (no such result, plot doesn't apply), ERR_TRACE
 * (a file of the result is malformed), ERR_USAGE (unknown plot, bad orders or zone), ERR_PROGRAM
 * (gnuplot is missing or failed), ERR_CANT_CREATE, ERR_IO.
 */
int plot_results(const char *dir, const struct plot_options *options, struct err *err);

#endif
