/*
 * metrics_list.h - what the numbers of run.json mean, for `allocsim list metrics` and `compare`.
 */
#ifndef SIM_METRICS_LIST_H
#define SIM_METRICS_LIST_H

#include <stdbool.h>

enum metric_direction { METRIC_NEUTRAL, METRIC_LOWER_IS_BETTER, METRIC_HIGHER_IS_BETTER };

struct metric_info {
	const char *key; /* path in run.json, a pattern of metric_matches() */
	const char *unit;
	enum metric_direction direction;
	const char *meaning;
};

/* Ended by a NULL key. The first row that matches a key describes it. */
extern const struct metric_info metrics_list[];

/* The row for @key (as compare names it), or NULL if the list doesn't have it. */
const struct metric_info *metrics_list_find(const char *key);

/*
 * Does @pattern match the whole of @key? In a pattern * stands for any text, [] for any one
 * element, as in zones[].splits_count; every other character stands for itself.
 */
bool metric_matches(const char *pattern, const char *key);

/* "lower is better", "higher is better", or "". */
const char *metric_direction_text(enum metric_direction direction);

#endif
