/*
 * plot_data.h - from a result to the columns and labels that a plot's script draws.
 *
 * Private to the plot_*.c files. A plot has one function that writes two files: numbers in columns
 * (blocks are separated by two empty lines, gnuplot's "index"), and gnuplot assignments (titles,
 * labels, counts, ranges). Scripts only draw; every sum, share and difference is computed here.
 */
#ifndef SIM_PLOT_DATA_H
#define SIM_PLOT_DATA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "kern/err.h"
#include "kern/types.h"
#include "sim/plot.h"
#include "sim/series.h"

#define PLOT_REASON     160
#define PLOT_LABEL      96
#define PLOT_PANELS_MAX 12

/* What all plots draw from. */
struct plot_input {
	const char *dir;
	const struct plot_options *options;
	cJSON *run;
	struct series series, caches, machine; /* series.csv, caches.csv, machine.csv */
	bool has_series, has_caches, has_machine;
	unsigned max_order;
	uint32_t orders; /* bit mask for unusable_index */
};

/* What a plot writes. */
struct plot_output {
	FILE *data, *vars;
	unsigned panel_rows;      /* for the height of a terminal picture */
	char reason[PLOT_REASON]; /* why it was skipped */
};

/* Each returns 0, or 1 for "skipped" with out->reason, or -1 with @err. */
int plot_memory(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_caches_over_time(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_waste(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_free_by_order(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_migratetype(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_unusable_index(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_pcp_contents(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_free_blocks(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_latency(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_object_latency(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_step_latency(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_cycles(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_miss_rates(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_locks(const struct plot_input *in, struct plot_output *out, struct err *err);
int plot_fidelity(const struct plot_input *in, struct plot_output *out, struct err *err);

/* Helpers; see plot_data.c. */

/* A member's number; @missing if there is none. */
double plot_number(const cJSON *object, const char *key, double missing);
const char *plot_text(const cJSON *object, const char *key, const char *missing);
/* Element @index of the array @key; 0 if there is none. */
double plot_element(const cJSON *object, const char *key, unsigned index);

/* NAME = 'VALUE' */
void plot_set_string(FILE *vars, const char *name, const char *value);
/* NAME[INDEX] = 'VALUE'; @index counts from 1 */
void plot_set_element(FILE *vars, const char *name, unsigned index, const char *value);
/* One cell; what is not finite becomes NaN, which gnuplot leaves out. */
void plot_cell(FILE *data, double value);

/* "1,234,567" */
void plot_format_count(char *buf, size_t size, double value);
/* "850 ns", "12.3 us", "1.5 ms" */
void plot_format_ns(char *buf, size_t size, double ns);
/* A round number >= @value (> 0) for the end of an axis. */
double plot_nice_ceiling(double value);

/*
 * "1,3,5" as a bit mask; NULL: 1, 3, 5, 7, 9 and 10, as far as there are such. An order above
 * @max_order is ERR_USAGE if the user named it.
 */
int plot_parse_orders(uint32_t *orders, const char *text, unsigned max_order, struct err *err);

/*
 * A zone of run.json as the series' columns are prefixed ("normal", "node1_normal"), and for
 * people.
 */
void plot_zone_prefix(const cJSON *zone, char *buf, size_t size);
void plot_zone_label(const cJSON *zone, char *buf, size_t size);
/* Is @zone among those that options->zone asks for? */
bool plot_zone_selected(const struct plot_input *in, const cJSON *zone);

/* The time axis in a readable unit. */
struct plot_time {
	long column;
	double divisor; /* ns to the axis' unit */
};
/* Choose the unit and write x_label and x_max; 1 with out->reason if there is no series to draw. */
int plot_time_init(struct plot_time *time, const struct plot_input *in, struct plot_output *out);
double plot_time_cell(const struct plot_time *time, const struct plot_input *in, size_t row);

#endif
