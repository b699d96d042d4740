/*
 * collect_rows.h - the rows of a sweep's table before its columns are known; private to collect*.c.
 *
 * Cells have numbers. A row is put down cell by cell, in any order; when all rows are, they are
 * read back one after the other as texts by number, in the form that they have in the table.
 */
#ifndef SIM_SWEEP_COLLECT_ROWS_H
#define SIM_SWEEP_COLLECT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "kern/err.h"
#include "sim/sweep/collect.h"

struct collect_rows {
	enum collect_format format;
	FILE *file;  /* without a name */
	FILE *cells; /* of the row that is put down: into @text */
	char *text;
	size_t bytes;
	char *read; /* the row that was read */
	size_t room;
};

/* 0, or -1 with @err (ERR_CANT_CREATE, ERR_IO); to be released in both cases. */
int collect_rows_init(struct collect_rows *r, enum collect_format format, struct err *err);
void collect_rows_release(struct collect_rows *r);

/* Put down a cell: a text (NULL: nothing, as for a cell that is left out) or a number. */
void collect_rows_text(struct collect_rows *r, size_t number, const char *text);
void collect_rows_integer(struct collect_rows *r, size_t number, int64_t value);
/* A whole number below 2^64 without zeros before it; false, and nothing is put down, for others. */
bool collect_rows_whole(struct collect_rows *r, size_t number, const char *digits);
/* Any value of a document; lists and mappings as a text. NULL: nothing. */
void collect_rows_item(struct collect_rows *r, size_t number, const cJSON *item);
/* The row has all its cells. 0, or -1 with @err (ERR_IO). */
int collect_rows_end(struct collect_rows *r, struct err *err);

/* Back to the first row, when all are put down. 0, or -1 with @err (ERR_IO). */
int collect_rows_rewind(struct collect_rows *r, struct err *err);
/*
 * The next row: its cells by number into @texts, which has @count, NULL where there is none. They
 * hold until the next call. 0, or -1 with @err (ERR_IO), also if there is no row.
 */
int collect_rows_next(struct collect_rows *r, const char **texts, size_t count, struct err *err);

#endif
