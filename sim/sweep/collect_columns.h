/*
 * collect_columns.h - which figures become columns of a sweep's table; private to collect*.c.
 */
#ifndef SIM_SWEEP_COLLECT_COLUMNS_H
#define SIM_SWEEP_COLLECT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/compare_keys.h"
#include "sim/sweep/collect.h"

/* A key that some run has. */
struct collect_key {
	char *key;
	bool selected;
	size_t column; /* SELECTED: its number among the columns; set by the end */
};

struct collect_columns {
	const struct collect_options *options;
	struct collect_key *keys; /* by key */
	size_t keys_count, keys_room;
	bool *pattern_used; /* by options->columns: selects some key */
	char **names;       /* of the columns, in their order; set by the end */
	size_t count;
};

/* 0, or -1 with @err (ERR_IO); to be released in both cases. */
int collect_columns_init(struct collect_columns *c, const struct collect_options *options,
			 struct err *err);
void collect_columns_release(struct collect_columns *c);

/* Take note of the figures of a run. 0, or -1 with @err (ERR_IO). */
int collect_columns_add(struct collect_columns *c, const struct leaves *l, struct err *err);
/*
 * After all runs: put the columns in order and name them. @taken: names that the table has already,
 * @taken_count of them. 0, or -1 with @err: ERR_USAGE (a pattern that selects nothing), ERR_IO.
 */
int collect_columns_end(struct collect_columns *c, char *const *taken, size_t taken_count,
			struct err *err);

/* The values of a run by column into @items, which has @c->count; NULL: it has none. */
void collect_columns_values(const struct collect_columns *c, const struct leaves *l,
			    const cJSON **items);

#endif
