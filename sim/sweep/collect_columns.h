/*
 * collect_columns.h - which figures become columns of a sweep's table; private to collect*.c.
 */
#ifndef SIM_SWEEP_COLLECT_COLUMNS_H
#define SIM_SWEEP_COLLECT_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/compare_keys.h"
#include "sim/sweep/collect.h"

#define COLLECT_NONE SIZE_MAX

/* A key that some run has. */
struct collect_key {
	char *key;
	size_t number; /* in the order in which keys were seen; COLLECT_NONE: no column */
};

struct collect_columns {
	const struct collect_options *options;
	struct collect_key *keys; /* by key */
	size_t keys_count, keys_room;
	size_t numbers_count;
	bool *pattern_used; /* by options->columns: selects some key */
	/* Columns in their order, set by the end: their names, and the numbers of their keys. */
	char **names;
	size_t *numbers;
	size_t count;
};

/* 0, or -1 with @err (ERR_IO); to be released in both cases. */
int collect_columns_init(struct collect_columns *c, const struct collect_options *options,
			 struct err *err);
void collect_columns_release(struct collect_columns *c);

/* Can @member of run.json hold a column? Leaves of other members needn't be collected. */
bool collect_columns_wants(const struct collect_columns *c, const char *member);
/*
 * Take note of the figures of a run. @numbers, which has @l->count, becomes the numbers of their
 * keys; COLLECT_NONE: it goes into no column. 0, or -1 with @err (ERR_IO).
 */
int collect_columns_add(struct collect_columns *c, const struct leaves *l, size_t *numbers,
			struct err *err);
/*
 * After all runs: put the columns in order and name them. @taken: names that the table has already,
 * @taken_count of them. 0, or -1 with @err: ERR_USAGE (a pattern that selects nothing), ERR_IO.
 */
int collect_columns_end(struct collect_columns *c, char *const *taken, size_t taken_count,
			struct err *err);

#endif
