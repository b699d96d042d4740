/*
 * chart.h - figures of many results against a parameter: lines, boxes, heat maps.
 *
 * What a chart shows is named by keys (results.h):
 *
 *   x        along the axis; a number everywhere, or else names, in their order of appearance
 *   y        the figure, up to three panels one below the other; or with z: the other parameter
 *   z        heat map: the figure, as colour, over x and y
 *   by       a line (heat map: a panel) for each of its values; NULL: for each configuration name,
 *            or if there is only one, a single line
 *
 * Several results of the same x and line are repetitions: their median is drawn, with boxes of
 * their quartiles. A parameter of a sweep that is none of these, nor in --where, is held at its
 * first value.
 */
#ifndef SIM_CHART_H
#define SIM_CHART_H

#include <stdbool.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/results.h"

#define CHART_LINES_MAX      8 /* colours that can be told apart */
#define CHART_PANELS_MAX     3
#define CHART_REFERENCES_MAX 2
#define CHART_WHERE_MAX      16

enum chart_kind { CHART_AUTO, CHART_LINES, CHART_BOXES, CHART_HEAT };

struct chart_options {
	const char *x;                                /* KEY or KEY=LABEL */
	const char *y[CHART_PANELS_MAX];              /* the same, or "KEY / KEY=LABEL" */
	const char *z;                                /* likewise; NULL: no heat map */
	const char *by;                               /* KEY or KEY=LABEL; NULL: see above */
	const char *where[CHART_WHERE_MAX]; /* KEY=VALUE: only such; of one key, any of them */
	const char *references[CHART_REFERENCES_MAX]; /* NAME=FILE */
	unsigned y_count, where_count, references_count;
	enum chart_kind kind;                         /* AUTO: boxes if anything is repeated */
	bool relative;                                /* y by its line's value at the least x */
	const char *title;                            /* NULL: made of the labels */
};

struct chart; /* private to chart*.c */

/*
 * Read what @options name from @results, both the caller's. NULL with @err: ERR_NO_INPUT, ERR_TRACE
 * (a wrong line of a reference), ERR_USAGE (a key that no result has; too many lines).
 */
struct chart *chart_new(const struct chart_options *options, struct results *results,
			struct err *err);
void chart_free(struct chart *c);

/* The options of a plan's plot; the texts stay the plan's. An unknown kind is CHART_AUTO. */
void chart_options_of_plan(const struct plan_plot *plot, struct chart_options *options);
/* "auto", "lines", "boxes" or "heat"; -1: none of them. */
int chart_kind_of(const char *name);
const char *chart_kind_name(enum chart_kind kind);
/*
 * A name for the picture's files, made of y and x: "totals.ops_count-against-machine.cpus". Returns
 * @buf.
 */
char *chart_name(const struct chart_options *options, char *buf, size_t size);

void chart_print(const struct chart *c, FILE *out);
/* A line for each parameter of the sweep that was held at one value, and how to choose another. */
void chart_print_held(const struct chart *c, FILE *out);
void chart_print_json(const struct chart *c, FILE *out);

struct chart_output {
	const char *dir;          /* where NAME.png, NAME.svg and data/NAME.* go; made if need be */
	const char *name;         /* stem of the files */
	const char *scripts_dir;  /* see plot_canvas.h; NULL: look for it */
	FILE *terminal;           /* draw with characters into it instead; NULL: pictures */
	unsigned columns, rows;   /* of the terminal; 0: 80 and 24 */
	bool color;               /* terminal: ANSI colours */
	FILE *messages;           /* a line for each picture written; NULL: none */
	volatile const int *stop; /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/*
 * Draw it: pictures appear complete or not at all. Returns 0, or -1 with @err: ERR_PROGRAM,
 * ERR_CANT_CREATE, ERR_IO, ERR_INTERRUPTED.
 */
int chart_draw(const struct chart *c, const struct chart_output *output, struct err *err);

#endif
