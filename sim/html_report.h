/*
 * html_report.h - results as one page of HTML: `allocsim report`.
 */
#ifndef SIM_HTML_REPORT_H
#define SIM_HTML_REPORT_H

#include <stdio.h>

#include "kern/err.h"
#include "sim/chart.h"

struct html_report_options {
	const char *const *paths; /* of results and sweeps, see results_open() */
	unsigned paths_count;
	const char *output;         /* a file; "-": standard output */
	const char *title;          /* NULL: the sweep's */
	const char *const *figures; /* columns of the table; none: those that say most */
	unsigned figures_count;
	struct chart_options chart; /* chart.x set: this plot instead of the sweeps' */
	bool no_plots;              /* gnuplot isn't needed then */
	const char *scripts_dir;    /* holds report/ and plots/; NULL: see plot_canvas.h */
	FILE *messages;             /* what failed or is missing; NULL: nothing is said */
	volatile const int *stop;   /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/*
 * Write the page: complete, or not at all. It needs no other file and no network, and is the same
 * bytes for the same results. A plot of a sweep that can't be drawn is a note on the page; one that
 * options->chart asks for is an error.
 *
 * Returns 0, or -1 with @err: ERR_NO_INPUT, ERR_TRACE (a result is malformed), ERR_USAGE (a key
 * that no result has), ERR_PROGRAM (gnuplot is missing), ERR_CANT_CREATE, ERR_IO, ERR_INTERRUPTED.
 */
int html_report(const struct html_report_options *options, struct err *err);

#endif
