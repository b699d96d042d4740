/*
 * chart_lines.c - columns and labels of lines and boxes, for chart.gp.
 *
 * A panel for each quantity, one below the other, over the same x. Along x each result has a
 * position: the number, its logarithm to base 2, or of names 1, 2, 3 ..; so gnuplot's axis is
 * always linear and all distances are worked out here. x has a tick where there are results; of
 * numbers as far as there is room.
 *
 * An axis is logarithmic if its values are all positive and far apart: x by a factor of 8, y by one
 * of 100; shares never are, and start at 0. Relative values are shown as x is, so that growth in
 * proportion is a straight line.
 *
 * Lines join points whose x are numbers, also if there is a name among them, as "auto"; names alone
 * have nothing between them, so their points stand side by side. Repetitions make boxes, side by
 * side as well, or a band around the line. If there is one crossing in a panel, its title names it.
 *
 * The data has a block for each line. Columns: x, x side by side, and for each panel the least
 * value, quartile, median, upper quartile and the most, in the units of its axis; then the number
 * of repetitions and x in words.
 *
 * Example: 3 lines of boxes at 1, 2, 4, 8: positions 0 to 3, and at each a group of 0.18 (6 % of
 * the span of 3), so boxes are 0.054 wide and lie at -0.06, 0 and +0.06 from the position.
 */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"

#define AXIS_CHARACTERS   86 /* of the texts of ticks, side by side */
#define LEGEND_CHARACTERS 27
#define TICK_CHARACTERS   24 /* of one that is written aslant */

/* What all panels share. */
struct layout {
	bool log, joined, boxes, band;
	double least, most; /* positions */
	double group, box;  /* widths: of all lines at a position, of one box */
	double scale[CHART_PANELS_MAX];
};

static void widen(struct chart_range *r, double value)
{
	if (isnan(value))
		return;
	r->least = fmin(r->least, value);
	r->most = fmax(r->most, value);
}

static struct chart_range x_range(const struct chart *c)
{
	struct chart_range r = {INFINITY, -INFINITY, false};
	unsigned i;

	for (i = 0; i < c->points_count; i++)
		widen(&r, c->points[i].x);
	r.log = r.least > 0 && r.most >= 8 * r.least;
	return r;
}

static struct chart_range y_range(const struct chart *c, const struct layout *l, unsigned panel)
{
	struct chart_range r = {INFINITY, -INFINITY, false};
	unsigned i;

	for (i = 0; i < c->points_count; i++) {
		widen(&r, c->points[i].y[panel].least);
		widen(&r, c->points[i].y[panel].most);
	}
	r.log = !c->y[panel].share && r.least > 0 &&
		r.most >= (c->relative && l->log ? 8 : 100) * r.least;
	return r;
}

static double position(const struct chart *c, const struct layout *l, const struct chart_point *p)
{
	if (!c->columns.numeric)
		return p->column + 1;
	return l->log ? log2(p->x) : p->x;
}

/* The least distance between two columns. */
static double least_gap(const struct chart *c, const struct layout *l)
{
	const struct chart_value *v = c->columns.items;
	double gap = l->most > l->least ? l->most - l->least : 1, here;
	unsigned i;

	for (i = 1; c->columns.numeric && i < c->columns.count; i++) {
		here = l->log ? log2(v[i].number / v[i - 1].number) : v[i].number - v[i - 1].number;
		gap = fmin(gap, here);
	}
	return c->columns.numeric ? gap : 1;
}

static struct layout lay_out(const struct chart *c)
{
	struct chart_range x = x_range(c);
	struct layout l = {.log = c->columns.numeric && x.log};
	double span;

	l.joined = !isnan(c->columns.items[0].number);
	l.boxes = c->kind == CHART_BOXES || (c->repeated && !l.joined);
	l.band = !l.boxes && c->repeated;
	l.least = c->columns.numeric ? (l.log ? log2(x.least) : x.least) : 1;
	l.most = c->columns.numeric ? (l.log ? log2(x.most) : x.most) : c->columns.count;
	span = l.most > l.least ? l.most - l.least : 1;
	if (l.boxes || !l.joined)
		l.group = fmin(0.7 * least_gap(c, &l), (0.04 + 0.02 * c->lines.count) * span);
	l.box = 0.9 * l.group / c->lines.count;
	return l;
}

/* --- data --------------------------------------------------------------------------------------
 */

/* The last cell of a row, in quotes for its blanks. */
static void write_word(const char *text, FILE *data)
{
	fputc('"', data);
	for (; *text; text++)
		fputc(iscntrl((unsigned char)*text) || *text == '"' ? '?' : *text, data);
	fputs("\"\n", data);
}

static void write_point(const struct chart *c, const struct layout *l, const struct chart_point *p,
			FILE *data)
{
	double at = position(c, l, p), aside = 0;
	unsigned panel;

	if (p->count)
		aside = l->group / c->lines.count * (p->line - (c->lines.count - 1) / 2.0);
	fprintf(data, "%.10g\t%.10g", at, at + aside);
	for (panel = 0; panel < c->panels_count; panel++) {
		const struct chart_summary *s = &p->y[panel];
		plot_cell(data, s->least * l->scale[panel]);
		plot_cell(data, s->quartile * l->scale[panel]);
		plot_cell(data, s->median * l->scale[panel]);
		plot_cell(data, s->upper_quartile * l->scale[panel]);
		plot_cell(data, s->most * l->scale[panel]);
	}
	fprintf(data, "\t%u\t", p->count);
	write_word(p->count ? c->columns.items[p->column].text : "", data);
}

static void write_blocks(const struct chart *c, const struct layout *l, FILE *data)
{
	unsigned i;

	for (i = 0; i < c->points_count; i++) {
		const struct chart_point *p = &c->points[i];
		if (i && p[-1].line != p->line)
			fputs("\n\n", data);
		write_point(c, l, p, data);
	}
}

/* --- labels ------------------------------------------------------------------------------------
 */

char *chart_shorten(const char *text, unsigned characters_max, char *buf, size_t size)
{
	unsigned characters = 0;
	size_t i, kept = 0;

	/* Not within a character of several bytes. */
	for (i = 0; text[i]; i++) {
		if (((unsigned char)text[i] & 0xc0) == 0x80)
			continue;
		if (++characters == characters_max - 2)
			kept = i;
	}
	if (characters <= characters_max)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, "%.*s...", (int)kept, text);
	return buf;
}

/*
 * A tick for each number, but where it would touch the one before; one for each name, all aslant if
 * they don't fit.
 */
static void write_ticks(const struct chart *c, const struct layout *l, FILE *vars)
{
	double width = l->most - l->least, at, last = 0;
	size_t length, before = 0, longest = 0, all = 0; /* of texts */
	unsigned i, kept = 0;
	char text[CHART_TEXT];

	fprintf(vars, "array tick_at[%u]\narray tick_text[%u]\n", c->columns.count,
		c->columns.count);
	for (i = 0; i < c->columns.count; i++) {
		const struct chart_value *v = &c->columns.items[i];
		at = c->columns.numeric ? (l->log ? log2(v->number) : v->number) : i + 1;
		chart_shorten(v->text, TICK_CHARACTERS, text, sizeof(text));
		length = strlen(text);
		all += length + 2;
		longest = length > longest ? length : longest;
		/* Half of each text lies between the two ticks. */
		if (kept && c->columns.numeric &&
		    (at - last) * AXIS_CHARACTERS < width * ((double)(before + length) / 2 + 1))
			continue;
		fprintf(vars, "tick_at[%u] = %.10g\n", ++kept, at);
		plot_set_element(vars, "tick_text", kept, text);
		last = at;
		before = length;
	}
	fprintf(vars, "ticks = %u\naslant = %d\ntick_length = %zu\n", kept,
		!c->columns.numeric && all > AXIS_CHARACTERS, longest);
}

/* "time; base and huge cross at 256 KiB" */
static void panel_title(const struct chart *c, unsigned panel, char *buf, size_t size)
{
	/* The label of the only panel is in the title already. */
	bool named = c->panels_count > 1 || c->titled;
	int used = snprintf(buf, size, "%s", named ? c->y[panel].label : "");
	const struct chart_crossing *only = NULL;
	unsigned i, count = 0;
	char text[CHART_TEXT];

	for (i = 0; i < c->crossings_count; i++) {
		if (c->crossings[i].panel != panel)
			continue;
		only = &c->crossings[i];
		count++;
	}
	if (count != 1)
		return;
	chart_format_about(c->x.unit, only->x, text, sizeof(text));
	snprintf(buf + used, size - (size_t)used, "%s%s and %s cross at %s", used ? "; " : "",
		 chart_line_name(c, only->line[0]), chart_line_name(c, only->line[1]), text);
}

/* gnuplot complains of lines without any point. */
static void write_panel_lines(const struct chart *c, unsigned panel, FILE *vars)
{
	unsigned i, last = UINT_MAX;

	fprintf(vars, "panel_lines[%u] = '", panel + 1);
	for (i = 0; i < c->points_count; i++) {
		const struct chart_point *p = &c->points[i];
		if (!p->y[panel].count || p->line == last)
			continue;
		fprintf(vars, "%s%u", last == UINT_MAX ? "" : " ", p->line + 1);
		last = p->line;
	}
	fputs("'\n", vars);
}

static void write_panel(const struct chart *c, struct layout *l, unsigned i, FILE *vars)
{
	struct chart_range r = y_range(c, l, i);
	char text[CHART_LABEL + 4 * CHART_TEXT];
	const char *unit;
	double margin;

	l->scale[i] = chart_scale(c->y[i].unit, r.log ? sqrt(r.least * r.most) : r.most, &unit);
	panel_title(c, i, text, sizeof(text));
	plot_set_element(vars, "panel_title", i + 1, text);
	if (c->relative)
		snprintf(text, sizeof(text), "%s, relative to %s %s", unit, c->x.label,
			 c->columns.items[0].text);
	plot_set_element(vars, "y_label", i + 1, !c->relative ? unit : *unit ? text : text + 2);
	write_panel_lines(c, i, vars);
	r.least *= l->scale[i];
	r.most *= l->scale[i];
	if (r.log) {
		r.least /= 1.4;
		r.most *= 1.4;
	} else {
		margin = r.most > r.least ? 0.05 * r.most : fabs(r.most) + 1;
		r.least = r.least < 0 ? r.least - margin : 0;
		r.most = r.most + margin > r.least ? r.most + margin : r.least + 1;
	}
	fprintf(vars, "y_min[%u] = %.10g\ny_max[%u] = %.10g\ny_log[%u] = %d\n", i + 1, r.least,
		i + 1, r.most, i + 1, r.log);
}

static void write_heading(const struct chart *c, const struct layout *l, FILE *vars)
{
	char text[CHART_SUBTITLE], *at = text;
	size_t room = sizeof(text);

	at += chart_say_held(c, text, sizeof(text) / 2);
	if (at > text && (c->repeated || l->band))
		at = stpcpy(at, "; ");
	room -= (size_t)(at - text);
	plot_set_string(vars, "title", c->title);
	if (l->boxes && c->repeated)
		snprintf(at, room,
			 "up to %u repetitions: median, quartiles, and whiskers to the least and "
			 "the most",
			 c->repeats_max);
	else if (l->band)
		snprintf(at, room,
			 "up to %u repetitions: median, and a band from the least to the most",
			 c->repeats_max);
	plot_set_string(vars, "subtitle", text);
	plot_set_string(vars, "x_label", c->x.label);
}

static void write_legend(const struct chart *c, FILE *vars)
{
	unsigned i, count = c->lines.count + c->references_count;
	char text[CHART_LABEL];

	fprintf(vars, "lines = %u\nlegend = %d\narray name[%u]\n", c->lines.count,
		count > 1 || c->by.keys_count, count);
	for (i = 0; i < count; i++)
		plot_set_element(vars, "name", i + 1,
				 chart_shorten(chart_line_name(c, i), LEGEND_CHARACTERS, text,
					       sizeof(text)));
	plot_set_string(vars, "legend_title",
			c->by.keys_count
				? chart_shorten(c->by.label, LEGEND_CHARACTERS, text, sizeof(text))
				: "");
}

void chart_write_lines(const struct chart *c, struct plot_output *out)
{
	struct layout l = lay_out(c);
	FILE *vars = out->vars;
	double span = l.most - l.least, margin;
	unsigned i;

	out->panel_rows = c->panels_count;
	write_heading(c, &l, vars);
	margin = span > 0 ? 0.03 * span : c->columns.numeric ? fabs(l.most) / 10 + 1 : 0.5;
	margin = fmax(margin, c->columns.numeric ? 0.6 * l.group : 0.5);
	fprintf(vars,
		"x_min = %.10g\nx_max = %.10g\njoined = %d\nboxes = %d\nband = %d\n"
		"box_width = %.10g\nbox_half = %.10g\n",
		l.least - margin, l.most + margin, l.joined, l.boxes, l.band, l.box > 0 ? l.box : 1,
		l.box / 2);
	write_legend(c, vars);
	fprintf(vars, "panels = %u\narray panel_title[%u]\narray y_label[%u]\n", c->panels_count,
		c->panels_count, c->panels_count);
	fprintf(vars, "array y_min[%u]\narray y_max[%u]\narray y_log[%u]\narray panel_lines[%u]\n",
		c->panels_count, c->panels_count, c->panels_count, c->panels_count);
	for (i = 0; i < c->panels_count; i++)
		write_panel(c, &l, i, vars);
	write_ticks(c, &l, vars);
	write_blocks(c, &l, out->data);
}
