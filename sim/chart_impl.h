/*
 * chart_impl.h - what a chart is made of. Private to chart*.c.
 */
#ifndef SIM_CHART_IMPL_H
#define SIM_CHART_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/chart.h"
#include "sim/plot_data.h"
#include "sim/results.h"

#define CHART_KEYS_MAX        4  /* of a quantity: one, divided by the others */
#define CHART_LABEL           96 /* with its end */
#define CHART_TEXT            64 /* a value in words, with its end */
#define CHART_CROSSINGS_MAX   64
#define CHART_HEAT_PANELS_MAX 4
#define CHART_HEAT_SIDE_MAX   64  /* cells side by side */
#define CHART_HELD_MAX        8   /* parameters that are held */
#define CHART_SUBTITLE        320 /* with its end */
#define CHART_NAME_MAX        120 /* characters of a picture's name */

/* --- units (chart_units.c) ----------------------------------------------------------------------
 */

/* What a value is, by the end of its key's name. */
enum chart_unit { CHART_PLAIN, CHART_NS, CHART_BYTES, CHART_RATIO, CHART_RATE };

enum chart_unit chart_unit_of(const char *name);
/* Of a quotient; *@factor is what it has to be multiplied by to be in base units. */
enum chart_unit chart_unit_of_quotient(enum chart_unit unit, enum chart_unit divisor,
				       double *factor);
/* "64 KiB", "1.5 us", "25 %", "3 M/s", "4": @value in a unit that fits. */
void chart_format(enum chart_unit unit, double value, char *buf, size_t size);
/* The same of a value that is not known more exactly: a crossing. */
void chart_format_about(enum chart_unit unit, double value, char *buf, size_t size);
/* The factor that makes values of up to @most readable on an axis; its unit in @text, or "". */
double chart_scale(enum chart_unit unit, double most, const char **text);

/* --- parts --------------------------------------------------------------------------------------
 */

/* What is drawn: a key, divided by others or not. */
struct chart_quantity {
	char *keys[CHART_KEYS_MAX];
	unsigned keys_count;
	char text[CHART_LABEL]; /* "KEY / KEY" */
	char label[CHART_LABEL];
	enum chart_unit unit;
	bool share; /* a ratio, or a quotient of like quantities: its 0 means something */
};

/* A value that a quantity has somewhere. */
struct chart_value {
	double number; /* NAN: none, @text alone counts */
	char text[CHART_TEXT];
	unsigned place; /* among the values of the plan's parameter; UINT_MAX: it has none */
};

/* All values of an axis or of the lines. After reading: in order, numbers first. */
struct chart_values {
	struct chart_value *items;
	unsigned count, room;
	bool numeric; /* all of them */
};

/* What repetitions of one point measured; count 0: nothing, all else is NAN. */
struct chart_summary {
	unsigned count;
	double least, quartile, median, upper_quartile, most;
};

/* One result. */
struct chart_sample {
	char *dir;
	unsigned line, column, row;        /* numbers of its values; row is 0 without a heat map */
	unsigned sequence;                 /* in the order of reading */
	double y[CHART_PANELS_MAX];        /* NAN where the result has no such figure */
	const struct results_sweep *sweep; /* NULL: none; only while results are read */
	const struct plan_point *point;
};

/* What lies at one place of a picture: samples [first, first + count), or a line of a reference. */
struct chart_point {
	unsigned line; /* of a reference: lines.count + its number */
	unsigned column, row;
	unsigned first, count; /* count 0: of a reference */
	double x;              /* the column's number, or where the reference has it; NAN: a name */
	struct chart_summary y[CHART_PANELS_MAX];
};

/* A parameter of the sweep that is nowhere in the picture; only results of this value are. */
struct chart_held {
	char key[CHART_LABEL], value[CHART_TEXT];
};

/* Two lines of a panel cross between two neighbouring points of x that both have. */
struct chart_crossing {
	unsigned panel, line[2];
	double x;
};

struct chart {
	enum chart_kind kind; /* never CHART_AUTO */
	bool relative, repeated;
	bool titled;          /* by the user */
	unsigned repeats_max; /* samples of a point, at most */
	char title[4 * CHART_LABEL];
	struct chart_quantity x, row;              /* row: only of a heat map */
	struct chart_quantity y[CHART_PANELS_MAX]; /* of a heat map: z */
	unsigned panels_count;
	struct chart_quantity by; /* keys_count 0: names of configurations */
	struct chart_values columns, rows, lines;
	struct chart_held held[CHART_HELD_MAX];
	unsigned held_count;
	char references[CHART_REFERENCES_MAX][CHART_TEXT];
	unsigned references_count;
	struct chart_sample *samples; /* by line, row and column */
	unsigned samples_count, samples_room;
	struct chart_point *points; /* the same; then those of references, by x */
	unsigned points_count, points_room;
	struct chart_crossing crossings[CHART_CROSSINGS_MAX]; /* of results; the first ones */
	unsigned crossings_count;
};

/* The name of a line, of results or of a reference. */
const char *chart_line_name(const struct chart *c, unsigned line);

/* --- values (chart_values.c) --------------------------------------------------------------------
 */

/* The number of the value that is the same as @value, added if need be; -1 with @err. */
int chart_values_add(struct chart_values *v, const struct chart_value *value, struct err *err);
/*
 * Bring them into order: numbers, ascending, then names as the plan has them, then in order of
 * appearance. (*@moved)[i] becomes the new number of value i; the caller frees it.
 */
int chart_values_sort(struct chart_values *v, unsigned **moved, struct err *err);
/* Does a value that is written like @text, or is that number, satisfy "KEY=TEXT"? */
bool chart_value_matches(const char *wanted, const char *text, double number);

/* --- points (chart_points.c) --------------------------------------------------------------------
 */

/* Median and quartiles of @values, which become sorted; NANs among them don't count. */
struct chart_summary chart_summarize(double *values, unsigned count);
/* The next point, nothing measured; NULL with @err. */
struct chart_point *chart_add_point(struct chart *c, struct err *err);
/*
 * Samples in order become points, repetitions together. -1 with @err: ERR_USAGE if samples that
 * fall together are no repetitions.
 */
int chart_make_points(struct chart *c, struct err *err);
/* Divide each line by its value at its least x. */
int chart_make_relative(struct chart *c, struct err *err);
void chart_find_crossings(struct chart *c);

/* --- parameters that aren't named (chart_hold.c) ------------------------------------------------
 */

/*
 * Hold parameters at one value until samples that fall together are repetitions. 0, or -1 (ERR_IO).
 */
int chart_hold_others(struct chart *c, const struct chart_options *options, struct err *err);
/* "held: slab.cpu_partial 0, trace web" or "", for a subtitle. Returns the length. */
int chart_say_held(const struct chart *c, char *buf, size_t size);
/* Bring samples into the order of line, row, column, and reading. */
void chart_sort_samples(struct chart *c);

/* --- repetitions (chart_repeats.c) --------------------------------------------------------------
 */

/* Do repetitions differ in this key, "seed" or "repeat"? */
bool chart_is_repetition(const char *key);
/*
 * Are these two results repetitions of one thing: do they differ in no parameter but seed and
 * repeat? 0, or -1 with @err that names what differs.
 */
int chart_check_repeat(const struct chart *c, const struct chart_sample *a,
		       const struct chart_sample *b, struct err *err);

/* --- references (chart_reference.c) -------------------------------------------------------------
 */

/* "NAME=FILE": its points, by x, behind those that are there. */
int chart_read_reference(struct chart *c, const char *text, struct err *err);

/* --- pictures (chart_lines.c, chart_heat.c) -----------------------------------------------------
 */

struct chart_range {
	double least, most;
	bool log;
};

/* Columns and labels for chart.gp and heat.gp. */
void chart_write_lines(const struct chart *c, struct plot_output *out);
void chart_write_heat(const struct chart *c, struct plot_output *out);
/* @text, or its beginning and "..." if it is longer than @characters_max; returns @buf. */
char *chart_shorten(const char *text, unsigned characters_max, char *buf, size_t size);

#endif
