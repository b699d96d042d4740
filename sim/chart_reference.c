/*
 * chart_reference.c - numbers that are drawn beside results: measured elsewhere, or computed.
 *
 * A reference is a file of numbers in columns, x and then a value for each panel, in base units
 * (ns, bytes, shares of 1); columns are separated by blanks or commas, and # begins a comment.
 * Panels without a value have no such line.
 *
 * Example: "1 1e6" and "64 64e6" are the ideal of a speed of a million a second with one CPU.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"

/* The numbers of @text; -1 if it holds anything else. */
static int parse_row(struct chart *c, unsigned line, char *text, struct err *err)
{
	double values[1 + CHART_PANELS_MAX];
	struct chart_point *p;
	unsigned count = 0, i;
	char *end;

	text[strcspn(text, "#\r\n")] = '\0';
	for (;; count++) {
		text += strspn(text, " \t,");
		if (!*text || count == 1 + c->panels_count)
			break;
		values[count] = strtod(text, &end);
		if (end == text || !isfinite(values[count]))
			return -1;
		text = end;
	}
	if (!count && !*text)
		return 0;
	if (count < 2 || *text)
		return -1;
	p = chart_add_point(c, err);
	if (!p)
		return -1;
	p->line = line;
	p->x = values[0];
	for (i = 1; i < count; i++)
		p->y[i - 1] = chart_summarize(&values[i], 1);
	return 0;
}

static int by_x(const void *a, const void *b)
{
	const struct chart_point *p = a, *q = b;

	return (p->x > q->x) - (p->x < q->x);
}

int chart_read_reference(struct chart *c, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	unsigned line = c->lines.count + c->references_count, first = c->points_count, number = 0;
	char *row = NULL;
	size_t room = 0;
	int failed = 0;
	FILE *f;

	if (!equals || equals == text)
		return err_set(err, ERR_USAGE, "'%s': a reference is NAME=FILE", text);
	f = fopen(equals + 1, "re");
	if (!f)
		return err_set(err, ERR_NO_INPUT, "%s: %s", equals + 1, strerror(errno));
	snprintf(c->references[c->references_count], sizeof(c->references[0]), "%.*s",
		 (int)(equals - text), text);
	c->references_count++;
	while (!failed && getline(&row, &room, f) >= 0) {
		number++;
		failed = parse_row(c, line, row, err);
	}
	if (failed) /* out of memory is said already */
		err_set(err, ERR_TRACE, "%s:%u: needs numbers: x and then up to %u values",
			equals + 1, number, c->panels_count);
	else if (ferror(f))
		failed = err_set(err, ERR_NO_INPUT, "%s: can't be read", equals + 1);
	else
		qsort(c->points + first, c->points_count - first, sizeof(*c->points), by_x);
	free(row);
	fclose(f);
	return failed;
}
