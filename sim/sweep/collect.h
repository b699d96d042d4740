/*
 * collect.h - a sweep as a table, a row for each point: `allocsim sweep collect`.
 */
#ifndef SIM_SWEEP_COLLECT_H
#define SIM_SWEEP_COLLECT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"

enum collect_format { COLLECT_CSV, COLLECT_JSONL };

struct collect_options {
	const char *dir;    /* of the sweep */
	const char *output; /* file; "-": standard output */
	enum collect_format format;
	/*
	 * Figures: keys or columns' names, or patterns of them, see compare_selects(); none: the
	 * ones of whole runs.
	 */
	const char *const *columns;
	unsigned columns_count;
	bool all_columns; /* every figure that some run has */
	FILE *messages;   /* what was written, what failed or is missing; NULL: nothing */
};

struct collect_report {
	uint64_t rows_count, columns_count, failed_count, missing_count;
};

/*
 * Write the table and the sweep's index.jsonl; both appear complete or not at all. 0, or -1 with
 * @err: ERR_NO_INPUT, ERR_TRACE, ERR_USAGE (no sweep; a column that no run has), ERR_CANT_CREATE,
 * ERR_IO. That points failed or are missing is no error.
 */
int sweep_collect(const struct collect_options *options, struct collect_report *report,
		  struct err *err);

#endif
