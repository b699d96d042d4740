/*
 * chart_print.c - a chart in words, and as JSON.
 *
 * A table has a row for each point: the line, x, and what was measured; of repetitions the median,
 * behind it the quartiles and how many they are. Crossings follow. The JSON has the same, and which
 * results make a point; the numbers in it are in base units.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"
#include "sim/json.h"

#define COLUMN_MIN 14

/* --- a table -----------------------------------------------------------------------------------
 */

static int wider(int width, const char *text)
{
	int length = (int)strlen(text);

	return length > width ? length : width;
}

static const char *line_heading(const struct chart *c)
{
	return c->by.keys_count ? c->by.label : "configuration";
}

/* Is there anything that tells lines apart? */
static bool has_lines(const struct chart *c)
{
	return c->by.keys_count || (c->kind != CHART_HEAT);
}

static void x_text(const struct chart *c, const struct chart_point *p, char *buf, size_t size)
{
	if (p->count)
		snprintf(buf, size, "%s", c->columns.items[p->column].text);
	else
		chart_format(c->x.unit, p->x, buf, size);
}

/* "12 us", "12 us (11 us .. 13 us)", "-" */
static void summary_text(const struct chart *c, enum chart_unit unit, const struct chart_summary *s,
			 char *buf, size_t size)
{
	char median[CHART_TEXT], lower[CHART_TEXT], upper[CHART_TEXT];

	if (!s->count) {
		snprintf(buf, size, "-");
		return;
	}
	chart_format(unit, s->median, median, sizeof(median));
	chart_format(unit, s->quartile, lower, sizeof(lower));
	chart_format(unit, s->upper_quartile, upper, sizeof(upper));
	if (c->repeated)
		snprintf(buf, size, "%s (%s .. %s)", median, lower, upper);
	else
		snprintf(buf, size, "%s", median);
}

/* The widths of columns: lines, x, row, and the panels. */
struct widths {
	int line, x, row, y[CHART_PANELS_MAX];
};

static struct widths measure(const struct chart *c)
{
	struct widths w = {wider(0, line_heading(c)),
			   wider(COLUMN_MIN, c->x.label),
			   wider(COLUMN_MIN, c->row.label),
			   {0}};
	char text[4 * CHART_TEXT];
	unsigned i, panel;

	for (i = 0; i < c->lines.count + c->references_count; i++)
		w.line = wider(w.line, chart_line_name(c, i));
	for (panel = 0; panel < c->panels_count; panel++)
		w.y[panel] = wider(COLUMN_MIN, c->y[panel].label);
	for (i = 0; i < c->points_count; i++) {
		const struct chart_point *p = &c->points[i];
		x_text(c, p, text, sizeof(text));
		w.x = wider(w.x, text);
		for (panel = 0; panel < c->panels_count; panel++) {
			summary_text(c, c->y[panel].unit, &p->y[panel], text, sizeof(text));
			w.y[panel] = wider(w.y[panel], text);
		}
	}
	for (i = 0; i < c->rows.count; i++)
		w.row = wider(w.row, c->rows.items[i].text);
	return w;
}

static void print_point(const struct chart *c, const struct chart_point *p, const struct widths *w,
			FILE *out)
{
	char text[4 * CHART_TEXT];
	unsigned panel;

	if (has_lines(c))
		fprintf(out, "%-*s  ", w->line, chart_line_name(c, p->line));
	x_text(c, p, text, sizeof(text));
	fprintf(out, "%*s", w->x, text);
	if (c->kind == CHART_HEAT)
		fprintf(out, "  %*s", w->row, c->rows.items[p->row].text);
	if (c->repeated)
		fprintf(out, "  %5u", p->count);
	for (panel = 0; panel < c->panels_count; panel++) {
		summary_text(c, c->y[panel].unit, &p->y[panel], text, sizeof(text));
		fprintf(out, "  %*s", w->y[panel], text);
	}
	fputc('\n', out);
}

void chart_print(const struct chart *c, FILE *out)
{
	struct widths w = measure(c);
	char text[CHART_TEXT];
	unsigned i;

	if (has_lines(c))
		fprintf(out, "%-*s  ", w.line, line_heading(c));
	fprintf(out, "%*s", w.x, c->x.label);
	if (c->kind == CHART_HEAT)
		fprintf(out, "  %*s", w.row, c->row.label);
	if (c->repeated)
		fprintf(out, "  times");
	for (i = 0; i < c->panels_count; i++)
		fprintf(out, "  %*s", w.y[i], c->y[i].label);
	fputc('\n', out);
	for (i = 0; i < c->points_count; i++)
		print_point(c, &c->points[i], &w, out);
	for (i = 0; i < c->crossings_count; i++) {
		const struct chart_crossing *x = &c->crossings[i];
		chart_format_about(c->x.unit, x->x, text, sizeof(text));
		fprintf(out, "%s: %s and %s cross at %s\n", c->y[x->panel].label,
			chart_line_name(c, x->line[0]), chart_line_name(c, x->line[1]), text);
	}
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static void print_quantity(struct json *j, const char *name, const struct chart_quantity *q)
{
	static const char *const units[] = {
		[CHART_PLAIN] = "",      [CHART_NS] = "ns",      [CHART_BYTES] = "bytes",
		[CHART_RATIO] = "ratio", [CHART_RATE] = "per_s",
	};

	json_object_begin(j, name);
	json_string(j, "key", q->text);
	json_string(j, "label", q->label);
	json_string(j, "unit", units[q->unit]);
	json_object_end(j);
}

static void print_place(struct json *j, const char *name, const struct chart_value *v)
{
	if (isnan(v->number))
		json_string(j, name, v->text);
	else
		json_double(j, name, v->number);
}

static void print_summary(struct json *j, const struct chart_summary *s)
{
	if (!s->count) {
		json_null(j, NULL);
		return;
	}
	json_object_begin(j, NULL);
	json_u64(j, "count", s->count);
	json_double(j, "min", s->least);
	json_double(j, "quartile", s->quartile);
	json_double(j, "median", s->median);
	json_double(j, "upper_quartile", s->upper_quartile);
	json_double(j, "max", s->most);
	json_object_end(j);
}

static void print_json_point(struct json *j, const struct chart *c, const struct chart_point *p)
{
	unsigned i;

	json_object_begin(j, NULL);
	json_string(j, "name", chart_line_name(c, p->line));
	if (p->count)
		print_place(j, "x", &c->columns.items[p->column]);
	else
		json_double(j, "x", p->x);
	if (c->kind == CHART_HEAT)
		print_place(j, "row", &c->rows.items[p->row]);
	json_array_begin_compact(j, "y");
	for (i = 0; i < c->panels_count; i++)
		json_double(j, NULL, p->y[i].median);
	json_array_end(j);
	if (p->count > 1) {
		json_array_begin(j, "repetitions");
		for (i = 0; i < c->panels_count; i++)
			print_summary(j, &p->y[i]);
		json_array_end(j);
	}
	if (p->count) {
		json_array_begin_compact(j, "results");
		for (i = p->first; i < p->first + p->count; i++)
			json_string(j, NULL, c->samples[i].dir);
		json_array_end(j);
	}
	json_object_end(j);
}

void chart_print_json(const struct chart *c, FILE *out)
{
	struct json j;
	unsigned i;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	json_string(&j, "kind", chart_kind_name(c->kind));
	json_string(&j, "title", c->title);
	json_bool(&j, "relative", c->relative);
	print_quantity(&j, "x", &c->x);
	if (c->kind == CHART_HEAT)
		print_quantity(&j, "row", &c->row);
	if (c->by.keys_count)
		print_quantity(&j, "by", &c->by);
	json_array_begin(&j, "y");
	for (i = 0; i < c->panels_count; i++)
		print_quantity(&j, NULL, &c->y[i]);
	json_array_end(&j);
	if (c->held_count) {
		json_object_begin(&j, "held");
		for (i = 0; i < c->held_count; i++)
			json_string(&j, c->held[i].key, c->held[i].value);
		json_object_end(&j);
	}
	json_array_begin(&j, "points");
	for (i = 0; i < c->points_count; i++)
		print_json_point(&j, c, &c->points[i]);
	json_array_end(&j);
	json_array_begin(&j, "crossings");
	for (i = 0; i < c->crossings_count; i++) {
		const struct chart_crossing *x = &c->crossings[i];
		json_object_begin(&j, NULL);
		json_string(&j, "label", c->y[x->panel].label);
		json_string(&j, "name", chart_line_name(c, x->line[0]));
		json_string(&j, "other", chart_line_name(c, x->line[1]));
		json_double(&j, "x", x->x);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
