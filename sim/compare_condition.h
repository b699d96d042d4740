/*
 * compare_condition.h - conditions on a comparison, as in --fail-if 'totals.failed_count > 5%'.
 */
#ifndef SIM_COMPARE_CONDITION_H
#define SIM_COMPARE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>

#include "kern/err.h"

struct comparison;
struct compare_metric;

enum condition_op { OP_GREATER, OP_GREATER_EQUAL, OP_LESS, OP_LESS_EQUAL, OP_EQUAL };

struct condition {
	const char *text; /* the caller's */
	char *pattern;    /* the metrics it is about, see compare_selects() */
	enum condition_op op;
	double number;
	bool relative; /* @number is a change in percent of the base, not a value */

	/* Filled by condition_evaluate(). */
	size_t holds_count;                  /* pairs of a metric and a run */
	const struct compare_metric *metric; /* the pair of these with the largest difference */
	unsigned run;
};

/*
 * Parse METRIC OP NUMBER or METRIC OP NUMBER%, where OP is one of > >= < <= ==. Returns 0 and @c
 * for condition_release(), or -1 with @err (ERR_USAGE, with the column) and nothing to release.
 */
int condition_parse(struct condition *c, const char *text, struct err *err);
void condition_release(struct condition *c);

/*
 * Find the runs after the base for which @c holds. It does not hold for a run without the metric; a
 * change from 0 is larger than any percentage. ERR_USAGE if there is nothing to judge: no such
 * metric, or no run that has it (with %: and whose base has it).
 */
int condition_evaluate(struct condition *c, const struct comparison *comparison, struct err *err);

/* One line for a condition that holds: "CONDITION: RUN: METRIC BASE -> VALUE (CHANGE)". */
void condition_describe(const struct condition *c, const struct comparison *comparison, char *buf,
			size_t size);

#endif
