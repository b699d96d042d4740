/*
 * series.c - reading a result's series.csv.
 *
 * The whole table is held as doubles: a series has some hundred rows, and a picture needs no more
 * than a double's 53 bits. Columns are found by name, because their number depends on the machine
 * (zones, orders, CPUs). Quoted cells don't occur in a series and are not understood.
 */
#include "sim/series.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *chomp(char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	return line;
}

static int parse_header(struct series *s, char *line)
{
	size_t i;
	char *name;

	s->header = strdup(chomp(line));
	if (!s->header)
		return -1;
	for (s->columns_count = 1, i = 0; s->header[i]; i++)
		s->columns_count += s->header[i] == ',';
	s->names = calloc(s->columns_count, sizeof(*s->names));
	if (!s->names)
		return -1;
	name = s->header;
	for (i = 0; i < s->columns_count; i++)
		s->names[i] = strsep(&name, ",");
	return 0;
}

/* 0, or the 1-based number of the cell that is wrong. */
static size_t parse_row(struct series *s, char *line, double *cells)
{
	char *cell, *end;
	size_t i;

	chomp(line);
	for (i = 0; i < s->columns_count; i++) {
		cell = strsep(&line, ",");
		if (!cell)
			return i + 1;
		cells[i] = *cell ? strtod(cell, &end) : NAN;
		if (*cell && (*end || end == cell || !isfinite(cells[i])))
			return i + 1;
	}
	return line ? i + 1 : 0;
}

/* Room for one more row. */
static int grow(struct series *s, size_t *rows_room)
{
	size_t room = *rows_room ? 2 * *rows_room : 256;
	double *cells;

	if (s->rows_count < *rows_room)
		return 0;
	if (room > SIZE_MAX / sizeof(*cells) / s->columns_count)
		return -1;
	cells = realloc(s->cells, room * s->columns_count * sizeof(*cells));
	if (!cells)
		return -1;
	s->cells = cells;
	*rows_room = room;
	return 0;
}

static int read_rows(struct series *s, FILE *f, const char *path, struct err *err)
{
	size_t line_bytes = 0, rows_room = 0, bad;
	char *line = NULL;
	int failed = -1;

	if (getline(&line, &line_bytes, f) <= 0 || !*chomp(line)) {
		err_set(err, ERR_TRACE, "%s:1: the header row is missing", path);
		goto out;
	}
	if (parse_header(s, line))
		goto out_memory;
	while (getline(&line, &line_bytes, f) > 0) {
		if (grow(s, &rows_room))
			goto out_memory;
		bad = parse_row(s, line, s->cells + s->rows_count * s->columns_count);
		if (bad) {
			err_set(err, ERR_TRACE,
				"%s:%zu: column %zu is no number, or the row has not %zu columns",
				path, s->rows_count + 2, bad, s->columns_count);
			goto out;
		}
		s->rows_count++;
	}
	if (ferror(f))
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
	else
		failed = 0;
	goto out;
out_memory:
	err_set(err, ERR_NO_INPUT, "%s: out of memory", path);
out:
	free(line);
	return failed;
}

int series_read(struct series *s, const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	int failed;

	memset(s, 0, sizeof(*s));
	if (!f)
		return err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
	failed = read_rows(s, f, path, err);
	fclose(f);
	if (failed)
		series_release(s);
	return failed;
}

void series_release(struct series *s)
{
	free(s->header);
	free(s->names);
	free(s->cells);
	memset(s, 0, sizeof(*s));
}

long series_column(const struct series *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->columns_count; i++)
		if (!strcmp(s->names[i], name))
			return (long)i;
	return -1;
}
