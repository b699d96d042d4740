/*
 * compare.h - what differs between runs: their configurations, and their figures.
 *
 * The first run is the base; every other one is compared with it.
 */
#ifndef SIM_COMPARE_H
#define SIM_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "kern/err.h"
#include "sim/compare_condition.h"
#include "sim/compare_keys.h"
#include "sim/metrics_list.h"

#define COMPARE_SCHEMA_VERSION 1
#define COMPARE_TOP            20 /* rows of the table unless all are asked for */
#define COMPARE_TOP_ARRAY      3  /* of them, elements of arrays of one name */
#define COMPARE_TOP_CACHES     5  /* of them, of object caches */
#define COMPARE_TOP_LATENCIES  2  /* of them, of the latency of one operation */
#define COMPARE_TOP_PATHS      4  /* of them, of latencies by path, one for each path */

struct compare_options {
	const char *const *metrics; /* keys or patterns, see compare_selects() */
	unsigned metrics_count;     /* 0: all */
	bool different_workloads;   /* don't refuse runs of different workloads */
	bool host;                  /* the figures of the host, too */
};

struct compare_run {
	const char *dir;      /* the caller's */
	char *name;           /* for people: no other run of the comparison has it */
	cJSON *json;          /* run.json */
	cJSON *derived;       /* what is computed from it, in the same form */
	struct leaves values; /* of the metrics */
	struct leaves config;
};

enum compare_verdict {
	COMPARE_EQUAL,
	COMPARE_BETTER,
	COMPARE_WORSE,
	COMPARE_CHANGED, /* the metric has no direction */
	COMPARE_MISSING, /* the base or the run has no such figure */
};

struct compare_metric {
	const char *key; /* of a leaf of a run */
	const char *unit;
	enum metric_direction direction;
	double *values; /* [runs_count], the base's first; NAN: the run doesn't have it */
	double score;   /* size of the difference, 0 to 1, see compare_rank.c */
	bool selected;  /* the options ask for it */
	bool differs;   /* some run's value is not the base's */
	bool missing;   /* some run doesn't have it */
};

/* A key of the configuration that is not the same in all runs. */
struct compare_setting {
	const char *key;
	char **values; /* [runs_count], as text; NULL: the run doesn't have it */
};

/* The first rows of the table, if they differ: what a change is usually made for. */
extern const char *const compare_headlines[]; /* ended by NULL */

struct comparison {
	struct compare_run *runs; /* the base first */
	unsigned runs_count;
	struct compare_metric *metrics; /* those that differ most first */
	size_t metrics_count;
	bool selective;                   /* the options name metrics */
	/*
	 * Of the slabs of a recorded start not all runs have the same: what objects hold at an end
	 * says nothing about a design, so it is shown without a verdict.
	 */
	bool starts_differ;
	struct compare_setting *settings; /* by key */
	size_t settings_count;
};

/*
 * Load and compare the results @dirs[0..dirs_count), of which there are at least two; the strings
 * have to outlive @c. Returns 0 and @c for compare_release(), or -1 with @err:
 * ERR_NO_INPUT, ERR_TRACE (a run.json that can't be read or is none), ERR_USAGE (fewer than two
 * runs, runs of different workloads, an unknown metric).
 */
int compare_load(struct comparison *c, const char *const *dirs, unsigned dirs_count,
		 const struct compare_options *options, struct err *err);
void compare_release(struct comparison *c);

/*
 * Does @pattern select @key? Either it matches the whole key, or what comes before a . or a [ in
 * it: "zones[Normal]" and "zones" select zones[Normal].splits_count. See metric_matches() for
 * patterns.
 */
bool compare_selects(const char *pattern, const char *key);

/* ERR_USAGE unless @pattern selects a metric of @c; with the nearest key as a suggestion. */
int compare_check_pattern(const struct comparison *c, const char *pattern, struct err *err);

/* (value - base) / |base|; NAN if the base is 0 or one is missing. 0 if both are 0. */
double compare_relative(const struct compare_metric *m, unsigned run);
enum compare_verdict compare_verdict(const struct compare_metric *m, unsigned run);
const char *compare_verdict_text(enum compare_verdict verdict);

/*
 * Put the metrics that are worth showing first into @top, at most @limit: the selected ones that
 * differ, of arrays of numbers of one name COMPARE_TOP_ARRAY elements, and of metrics of one name
 * and equal values one; if the user named metrics, just those, equal ones too. Returns their
 * number.
 */
size_t compare_top(const struct comparison *c, const struct compare_metric **top, size_t limit);

/*
 * For people: the runs, the settings that differ, and the metrics of compare_top(), or with @all
 * every one that differs, is missing in a run or was asked for by name.
 */
void compare_print(const struct comparison *c, bool all, FILE *out);

/*
 * As JSON: every selected metric, equal ones too, and how the @conditions, which have been
 * evaluated, turned out.
 */
void compare_print_json(const struct comparison *c, const struct condition *conditions,
			unsigned conditions_count, FILE *out);

/* A value as the table shows it: whole numbers whole, others with four significant digits. */
void compare_format_value(double value, char *buf, size_t size);
/* "+5.2 %", "x 12.3" for more than tenfold, "new" if the base is 0, "" if one is missing. */
void compare_format_change(const struct compare_metric *m, unsigned run, char *buf, size_t size);

#endif
