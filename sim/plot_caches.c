/*
 * plot_caches.c - memory held by object caches over time.
 *
 * The caches whose peaks are highest are stacked, the others are one layer. After a recorded start,
 * most memory belongs to caches that hardly change; then a second panel shows how much each cache
 * that moves has gained or lost since the start. A cache has one colour in both.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plot_data.h"

#define LAYERS_SHOWN 10
#define OTHERS_COLOR 11
#define LINES_SHOWN  8

/* A column of caches.csv. */
struct cache_column {
	size_t column;
	double start, peak, least; /* bytes */
	unsigned color;            /* from 1; 0: none yet */
};

struct caches {
	struct cache_column *list;
	size_t count;
	double start, peak; /* of all together */
};

static double bytes_at(const struct plot_input *in, size_t row, const struct cache_column *c)
{
	double bytes = series_cell(&in->caches, row, c->column);

	return bytes > 0 ? bytes : 0;
}

static double change_of(const struct cache_column *c)
{
	return fmax(c->peak - c->start, c->start - c->least);
}

static int by_peak(const void *a, const void *b)
{
	const struct cache_column *x = a, *y = b;

	if (x->peak != y->peak)
		return x->peak < y->peak ? 1 : -1;
	return (x->column > y->column) - (x->column < y->column);
}

static int by_change(const void *a, const void *b)
{
	const struct cache_column *x = a, *y = b;

	if (change_of(x) != change_of(y))
		return change_of(x) < change_of(y) ? 1 : -1;
	return (x->column > y->column) - (x->column < y->column);
}

/* Caches that ever held memory. */
static int collect(struct caches *c, const struct plot_input *in, struct err *err)
{
	const struct series *s = &in->caches;
	double sum;
	size_t column, row, i;

	memset(c, 0, sizeof(*c));
	c->list = calloc(s->columns_count, sizeof(*c->list));
	if (!c->list)
		return err_set(err, ERR_NO_INPUT, "%s: out of memory", in->dir);
	for (column = 1; column < s->columns_count; column++) {
		struct cache_column *e = &c->list[c->count];
		*e = (struct cache_column){.column = column, .least = INFINITY};
		e->start = bytes_at(in, 0, e);
		for (row = 0; row < s->rows_count; row++) {
			e->peak = fmax(e->peak, bytes_at(in, row, e));
			e->least = fmin(e->least, bytes_at(in, row, e));
		}
		c->count += e->peak > 0;
	}
	for (row = 0; row < s->rows_count; row++) {
		for (sum = 0, i = 0; i < c->count; i++)
			sum += bytes_at(in, row, &c->list[i]);
		c->start = row ? c->start : sum;
		c->peak = fmax(c->peak, sum);
	}
	return 0;
}

static void set_cache_name(struct plot_output *out, const char *array, unsigned index,
			   const char *column)
{
	static const char end[] = "_held_bytes";
	char name[PLOT_LABEL];
	size_t length;

	snprintf(name, sizeof(name), "%s", column);
	length = strlen(name);
	if (length >= sizeof(end) && !strcmp(name + length - (sizeof(end) - 1), end))
		name[length - (sizeof(end) - 1)] = '\0';
	name[24] = '\0';
	plot_set_element(out->vars, array, index, name);
}

static double unit_of(double bytes, const char **name)
{
	*name = bytes >= 0x1p33 ? "GiB" : bytes >= 0x1p20 ? "MiB" : "KiB";
	return bytes >= 0x1p33 ? 0x1p30 : bytes >= 0x1p20 ? 0x1p20 : 0x1p10;
}

static void set_y_label(struct plot_output *out, unsigned panel, const char *what, const char *unit)
{
	char label[PLOT_LABEL];

	snprintf(label, sizeof(label), "%s (%s)", what, unit);
	plot_set_element(out->vars, "y_label", panel, label);
}

static void write_stack(struct caches *c, const struct plot_input *in, const struct plot_time *time,
			struct plot_output *out)
{
	size_t shown = c->count <= LAYERS_SHOWN + 1 ? c->count : LAYERS_SHOWN, row, i;
	unsigned layers = (unsigned)(c->count > shown ? shown + 1 : shown);
	const char *unit;
	char others[32];
	double divisor = unit_of(c->peak, &unit), sum;

	qsort(c->list, c->count, sizeof(*c->list), by_peak);
	fprintf(out->vars, "layers = %u\narray label[%u]\narray color[%u]\n", layers, layers,
		layers);
	for (i = 0; i < shown; i++) {
		c->list[i].color = (unsigned)i + 1;
		set_cache_name(out, "label", (unsigned)i + 1, in->caches.names[c->list[i].column]);
		fprintf(out->vars, "color[%zu] = %zu\n", i + 1, i + 1);
	}
	if (c->count > shown) {
		snprintf(others, sizeof(others), "%zu others", c->count - shown);
		plot_set_element(out->vars, "label", layers, others);
		fprintf(out->vars, "color[%u] = %u\n", layers, OTHERS_COLOR);
	}
	plot_set_element(out->vars, "panel_title", 1, "memory held by each cache, stacked");
	set_y_label(out, 1, "memory held", unit);
	fprintf(out->vars, "y_max = %.10g\n", plot_nice_ceiling(c->peak * 1.02 / divisor));
	fprintf(out->data, "# time, then the upper edge of each layer\n");
	for (row = 0; row < in->caches.rows_count; row++) {
		fprintf(out->data, "%.10g\t0", plot_time_cell(time, in, row));
		for (sum = 0, i = 0; i < c->count; i++) {
			sum += bytes_at(in, row, &c->list[i]);
			if (i < shown || i + 1 == c->count)
				plot_cell(out->data, sum / divisor);
		}
		fputc('\n', out->data);
	}
	fputs("\n\n", out->data);
}

/* The caches that change most, relative to the start. */
static void write_changes(struct caches *c, const struct plot_input *in,
			  const struct plot_time *time, struct plot_output *out)
{
	size_t lines = 0, row, i;
	unsigned color = OTHERS_COLOR;
	double most = 0, least = 0, divisor;
	const char *unit;

	qsort(c->list, c->count, sizeof(*c->list), by_change);
	while (lines < c->count && lines < LINES_SHOWN && change_of(&c->list[lines]) > 0)
		lines++;
	fprintf(out->vars, "lines_count = %zu\narray line_label[%zu]\narray line_color[%zu]\n",
		lines, lines, lines);
	for (i = 0; i < lines; i++) {
		most = fmax(most, c->list[i].peak - c->list[i].start);
		least = fmin(least, c->list[i].least - c->list[i].start);
		c->list[i].color = c->list[i].color ? c->list[i].color : ++color;
		set_cache_name(out, "line_label", (unsigned)i + 1,
			       in->caches.names[c->list[i].column]);
		fprintf(out->vars, "line_color[%zu] = %u\n", i + 1, c->list[i].color);
	}
	divisor = unit_of(fmax(most, -least), &unit);
	plot_set_element(out->vars, "panel_title", 2,
			 "gained or lost since the start, by the caches that change most");
	set_y_label(out, 2, "change", unit);
	fprintf(out->vars, "change_min = %.10g\nchange_max = %.10g\n",
		least < 0 ? -plot_nice_ceiling(-least * 1.05 / divisor) : 0,
		most > 0 ? plot_nice_ceiling(most * 1.05 / divisor) : 0);
	for (row = 0; row < in->caches.rows_count; row++) {
		fprintf(out->data, "%.10g", plot_time_cell(time, in, row));
		for (i = 0; i < lines; i++)
			plot_cell(out->data,
				  (bytes_at(in, row, &c->list[i]) - c->list[i].start) / divisor);
		fputc('\n', out->data);
	}
	fputs("\n\n", out->data);
}

static bool any_changes(const struct caches *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (change_of(&c->list[i]) > 0)
			return true;
	return false;
}

int plot_caches_over_time(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct plot_time time;
	struct caches c;

	if (!in->has_caches) {
		snprintf(out->reason, sizeof(out->reason),
			 "the result has no caches.csv: no objects, or no samples");
		return 1;
	}
	if (plot_time_init(&time, in, out))
		return 1;
	if (in->caches.rows_count != in->series.rows_count)
		return err_set(err, ERR_TRACE,
			       "%s/caches.csv: %zu rows, but series.csv has %zu samples", in->dir,
			       in->caches.rows_count, in->series.rows_count);
	if (collect(&c, in, err))
		return -1;
	if (c.count) {
		/* From nothing, the change is what the first panel shows. */
		out->panel_rows = c.start > 0.1 * c.peak && any_changes(&c) ? 2 : 1;
		fprintf(out->vars, "panels = %u\narray panel_title[2]\narray y_label[2]\n",
			out->panel_rows);
		write_stack(&c, in, &time, out);
		if (out->panel_rows > 1)
			write_changes(&c, in, &time, out);
	} else {
		snprintf(out->reason, sizeof(out->reason), "no cache holds memory at any sample");
	}
	free(c.list);
	return c.count ? 0 : 1;
}
