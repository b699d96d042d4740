/*
 * compare_rank.h - which differences are worth showing first. See also compare_top() in compare.h.
 *
 * Private to compare*.c.
 */
#ifndef SIM_COMPARE_RANK_H
#define SIM_COMPARE_RANK_H

#include "sim/compare.h"

/* The unit that the last component of @key ends with; "" if it tells none. */
const char *compare_unit(const char *key);

/*
 * The size of the difference of @run from the base, 0 to 1; neither is missing. @samples: how many
 * operations are behind the smaller of them, INFINITY for what is no statistic.
 */
double compare_score(const struct compare_metric *m, unsigned run, double samples);

/*
 * Does @key say something of a part that a figure of the whole run says better: one object cache,
 * one path of an operation, one operation?
 */
bool compare_is_detail(const char *key);

/* Put c->metrics into the order in which they are shown. */
void compare_sort(struct comparison *c);

#endif
