/*
 * chart_heat.c - columns and labels of heat maps, for heat.gp.
 *
 * A cell for each pair of values of x and y, all of one size whatever the values, its colour being
 * z. Pairs that no result has, as of a run that failed, are hatched. All panels have one scale of
 * colours, which is logarithmic as an axis would be: by a factor of 100, and never of shares. Where
 * there is room, and there are at most 80 cells, the values stand in them, dark on bright colours
 * and the other way round.
 *
 * The data has up to two blocks for each panel: cells with a value (column, row, value, the value
 * in words, the colour of that text), and those without (column, row).
 *
 * Example: 4 orders by 3 sizes are 12 cells at (1, 1) to (4, 3). If the run of (2, 3) failed, its
 * block of missing cells is "2 3".
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"

#define AXIS_CHARACTERS 84 /* side by side, of all panels of a row */
#define ROWS_READABLE   30 /* texts one above the other, of all panels of a column */
#define TEXTS_MAX       80 /* values in cells */
#define CELL_CHARACTERS 5  /* "0.123", "12345" */
#define TICK_CHARACTERS 24

/* Panels in a row. */
static unsigned across(const struct chart *c)
{
	return c->lines.count > 1 ? 2 : 1;
}

static unsigned down(const struct chart *c)
{
	return (c->lines.count + across(c) - 1) / across(c);
}

static struct chart_range z_range(const struct chart *c)
{
	struct chart_range r = {INFINITY, -INFINITY, false};
	unsigned i;

	for (i = 0; i < c->points_count; i++) {
		if (isnan(c->points[i].y[0].median))
			continue;
		r.least = fmin(r.least, c->points[i].y[0].median);
		r.most = fmax(r.most, c->points[i].y[0].median);
	}
	r.log = !c->y[0].share && r.least > 0 && r.most >= 100 * r.least;
	return r;
}

/* Where @value lies on the scale, 0 to 1. */
static double height_of(const struct chart_range *r, double value)
{
	if (!(r->most > r->least))
		return 0.5;
	return r->log ? log(value / r->least) / log(r->most / r->least)
		      : (value - r->least) / (r->most - r->least);
}

/* --- data --------------------------------------------------------------------------------------
 */

static void write_cell(const struct chart_point *p, const struct chart_range *r, double scale,
		       FILE *data)
{
	double value = p->y[0].median, shown = value * scale;
	bool whole = fabs(shown) >= 100 && fabs(shown) < 1e5;

	fprintf(data, "%u\t%u", p->column + 1, p->row + 1);
	plot_cell(data, shown);
	/* The upper part of the palette is bright. */
	fprintf(data, whole ? "\t%.0f\t%d\n" : "\t%.3g\t%d\n", shown,
		height_of(r, value) > 0.55 ? 0 : 0xffffff);
}

/* The block of the panel's cells that have a value, or of those that have none; cells written. */
static unsigned write_block(const struct chart *c, unsigned line, bool missing,
			    const struct chart_range *r, double scale, FILE *data)
{
	const struct chart_point *p = c->points, *end = c->points + c->points_count;
	unsigned row, column, count = 0;

	while (p < end && p->line < line)
		p++;
	for (row = 0; row < c->rows.count; row++) {
		for (column = 0; column < c->columns.count; column++) {
			bool there =
				p < end && p->line == line && p->row == row && p->column == column;
			bool measured = there && p->y[0].count;
			if (measured && !missing)
				write_cell(p, r, scale, data);
			else if (!measured && missing)
				fprintf(data, "%u\t%u\n", column + 1, row + 1);
			count += measured != missing;
			p += there;
		}
	}
	if (count)
		fputs("\n\n", data);
	return count;
}

static void write_blocks(const struct chart *c, const struct chart_range *r, double scale,
			 struct plot_output *out)
{
	unsigned line, block = 0;

	fprintf(out->vars, "array cells[%u]\narray missing[%u]\n", c->lines.count, c->lines.count);
	for (line = 0; line < c->lines.count; line++) {
		bool any = write_block(c, line, false, r, scale, out->data);
		fprintf(out->vars, "cells[%u] = %d\n", line + 1, any ? (int)block : -1);
		block += any;
		any = write_block(c, line, true, r, scale, out->data);
		fprintf(out->vars, "missing[%u] = %d\n", line + 1, any ? (int)block : -1);
		block += any;
	}
}

/* --- labels ------------------------------------------------------------------------------------
 */

/* NAME[1 ..], one for each @step-th value, and NAME_at[]; the length of the longest. */
static size_t write_ticks(const struct chart_values *v, const char *name, unsigned step, FILE *vars)
{
	unsigned i, kept = 0, count = (v->count + step - 1) / step;
	size_t longest = 0;
	char text[CHART_TEXT];

	fprintf(vars, "%ss = %u\narray %s[%u]\narray %s_at[%u]\n", name, count, name, count, name,
		count);
	for (i = 0; i < v->count; i += step) {
		chart_shorten(v->items[i].text, TICK_CHARACTERS, text, sizeof(text));
		longest = strlen(text) > longest ? strlen(text) : longest;
		fprintf(vars, "%s_at[%u] = %u\n", name, ++kept, i + 1);
		plot_set_element(vars, name, kept, text);
	}
	return longest;
}

static void write_axes(const struct chart *c, FILE *vars)
{
	unsigned room = AXIS_CHARACTERS / across(c), rows = ROWS_READABLE / down(c), i;
	size_t all = 0, longest;
	bool aslant;

	for (i = 0; i < c->columns.count; i++)
		all += strlen(c->columns.items[i].text) + 1;
	aslant = all > room;
	longest = write_ticks(&c->columns, "x_tick",
			      aslant ? 1 + 3 * (c->columns.count - 1) / room : 1, vars);
	fprintf(vars, "aslant = %d\nx_tick_length = %zu\n", aslant, longest);
	longest = write_ticks(&c->rows, "y_tick", 1 + (c->rows.count - 1) / rows, vars);
	fprintf(vars, "y_tick_length = %zu\n", longest);
	fprintf(vars, "columns_count = %u\nrows_count = %u\ntexts = %d\n", c->columns.count,
		c->rows.count,
		c->lines.count * c->columns.count * c->rows.count <= TEXTS_MAX &&
			c->columns.count * (CELL_CHARACTERS + 1) <= room && c->rows.count <= rows);
	plot_set_string(vars, "x_label", c->x.label);
	plot_set_string(vars, "y_label", c->row.label);
}

static void write_subtitle(const struct chart *c, FILE *vars)
{
	unsigned cells = c->lines.count * c->columns.count * c->rows.count, measured = 0, i;
	char text[CHART_SUBTITLE];
	int used = chart_say_held(c, text, sizeof(text) / 2);

	for (i = 0; i < c->points_count; i++)
		measured += c->points[i].y[0].count > 0;
	if (c->repeated)
		used += snprintf(text + used, sizeof(text) - (size_t)used,
				 "%smedian of up to %u repetitions", used ? "; " : "",
				 c->repeats_max);
	if (measured < cells)
		snprintf(text + used, sizeof(text) - (size_t)used, "%shatched: no result",
			 used ? "; " : "");
	plot_set_string(vars, "subtitle", text);
}

void chart_write_heat(const struct chart *c, struct plot_output *out)
{
	struct chart_range r = z_range(c);
	char text[2 * CHART_LABEL + CHART_TEXT];
	const char *unit;
	double scale = chart_scale(c->y[0].unit, r.log ? sqrt(r.least * r.most) : r.most, &unit);
	FILE *vars = out->vars;
	unsigned i;

	out->panel_rows = down(c);
	plot_set_string(vars, "title", c->title);
	write_subtitle(c, vars);
	fprintf(vars, "panels = %u\nacross = %u\ndown = %u\narray panel_title[%u]\n",
		c->lines.count, across(c), down(c), c->lines.count);
	for (i = 0; i < c->lines.count; i++) {
		snprintf(text, sizeof(text), "%s: %s", c->by.label, c->lines.items[i].text);
		plot_set_element(vars, "panel_title", i + 1, c->by.keys_count ? text : "");
	}
	write_axes(c, vars);
	snprintf(text, sizeof(text), "%s%s%s%s", c->y[0].label, *unit ? " (" : "", unit,
		 *unit ? ")" : "");
	plot_set_string(vars, "z_label", text);
	if (!(r.most > r.least)) {
		r.least -= fabs(r.least) / 2 + (r.least == 0);
		r.most += fabs(r.most) / 2 + (r.most == 0);
	}
	fprintf(vars, "z_min = %.10g\nz_max = %.10g\nz_log = %d\n", r.least * scale, r.most * scale,
		r.log);
	write_blocks(c, &r, scale, out);
}
