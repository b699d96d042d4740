/*
 * series.h - reading a result's series.csv.
 */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include <stddef.h>

#include "kern/err.h"

/* A table of numbers with named columns. */
struct series {
	char *header;  /* the names, each ended by NUL */
	char **names;  /* [columns_count], into header */
	double *cells; /* [rows_count * columns_count]; NAN for an empty cell */
	size_t columns_count, rows_count;
};

/*
 * Read @path: a header row, then rows of numbers or empty cells, separated by commas. Returns 0, or
 * -1 with @err (ERR_NO_INPUT: can't be opened; ERR_TRACE: malformed, with file:line) and @s empty.
 */
int series_read(struct series *s, const char *path, struct err *err);
void series_release(struct series *s);

/* The number of the column @name, or -1. */
long series_column(const struct series *s, const char *name);

static inline double series_cell(const struct series *s, size_t row, size_t column)
{
	return s->cells[row * s->columns_count + column];
}

#endif
