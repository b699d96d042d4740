/*
 * curve.h - figures of many results against a key of their configuration.
 */
#ifndef SIM_CURVE_H
#define SIM_CURVE_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "kern/err.h"
#include "sim/compare_keys.h"

#define CURVE_LINES_MAX      8 /* colours that can be told apart */
#define CURVE_PANELS_MAX     3
#define CURVE_REFERENCES_MAX 2
#define CURVE_CROSSINGS_MAX  64
#define CURVE_LABEL          96

/* What a value is, by the end of its key's name. */
enum curve_unit { CURVE_PLAIN, CURVE_NS, CURVE_BYTES, CURVE_RATIO };

/* What is drawn along an axis: a key, divided by another one or not. */
struct curve_quantity {
	char *key, *divisor; /* divisor NULL: none */
	char label[CURVE_LABEL];
	enum curve_unit unit;
	bool share; /* a ratio, or a quotient of like quantities: its 0 means something */
};

/* One result, or one line of a reference. */
struct curve_point {
	const char *dir; /* the caller's; NULL of a reference */
	unsigned line;
	double x, y[CURVE_PANELS_MAX]; /* y is NAN where the result has no such key */
};

/* Two lines of a panel cross between two neighbouring points of x that both have. */
struct curve_crossing {
	unsigned panel, line[2];
	double x;
};

struct curve {
	struct curve_quantity x, y[CURVE_PANELS_MAX];
	unsigned panels_count;
	char names[CURVE_LINES_MAX + CURVE_REFERENCES_MAX][64];
	unsigned lines_count;       /* names of configurations, in order of appearance */
	unsigned references_count;  /* their names follow */
	struct curve_point *points; /* by line, then by x */
	unsigned points_count, points_room;
	struct curve_crossing crossings[CURVE_CROSSINGS_MAX]; /* of results; the first ones */
	unsigned crossings_count;
};

struct curve_options {
	const char *x;                                /* KEY or KEY=LABEL; see curve_value() */
	const char *y[CURVE_PANELS_MAX];              /* the same, or "KEY / KEY" */
	const char *references[CURVE_REFERENCES_MAX]; /* NAME=FILE */
	unsigned y_count, references_count;
};

/*
 * Read the results @dirs, which stay the caller's. Those of one configuration name are a line. A
 * reference is a file of numbers in columns, x and then a value for each panel, in base units; #
 * begins a comment.
 *
 * Returns 0, or -1 with @err and nothing to release: ERR_NO_INPUT, ERR_TRACE (no result; a wrong
 * line of a reference), ERR_USAGE (x is no number in some result, a y in none; a line has two
 * results of the same x; too many lines).
 */
int curve_load(struct curve *c, const struct curve_options *options, const char *const *dirs,
	       unsigned dirs_count, struct err *err);
void curve_release(struct curve *c);

void curve_print(const struct curve *c, FILE *out);
void curve_print_json(const struct curve *c, FILE *out);

struct curve_plot_options {
	const char *dir;          /* to be written; NULL: results/curve */
	const char *title;        /* NULL: made of the labels */
	const char *scripts_dir;  /* holds plots/NAME.gp; NULL: see plot_canvas.h */
	FILE *messages;           /* a line for each picture written; NULL: none */
	volatile const int *stop; /* set: give up, ERR_INTERRUPTED; NULL: never */
};

/*
 * Write the directory options->dir: curve.json (what curve_print_json() prints), curve.png and
 * curve.svg, with what was drawn in data/. An earlier one there is replaced; any other directory
 * that isn't empty is left as it is. It appears when it is complete, or not at all.
 *
 * Returns 0, or -1 with @err: ERR_PROGRAM (gnuplot is missing or failed), ERR_CANT_CREATE, ERR_IO.
 */
int curve_plot(const struct curve *c, const struct curve_plot_options *options, struct err *err);

/* --- keys (curve_keys.c) -------------------------------------------------------------------- */

/*
 * The number of @key in @run: first as a setting, named as for --set (workload.duration,
 * machine.caches[1].size), then as a figure, named as `allocsim compare` names it, of which @leaves
 * has all. A distribution that is a constant is a number; NAN if there is no such key, or what it
 * has is no number.
 *
 * @name (may be NULL) is set to the last member's name as run.json has it, which says the unit. It
 * belongs to @run or @key.
 */
double curve_value(const cJSON *run, const struct leaves *leaves, const char *key,
		   const char **name);

enum curve_unit curve_unit_of(const char *name);
/* "64 KiB", "1.5 us", "25 %", "4": @value in a unit that fits. */
void curve_format(enum curve_unit unit, double value, char *buf, size_t size);
/* The factor that makes values of up to @most readable on an axis; its unit in @text, "" if none.
 */
double curve_scale(enum curve_unit unit, double most, const char **text);

#endif
