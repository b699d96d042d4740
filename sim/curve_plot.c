/*
 * curve_plot.c - the picture of a curve: see curve.h.
 *
 * A panel for each quantity, one below the other, over the same x. An axis is logarithmic if its
 * values are all positive and far apart: x by a factor of 8, y by one of 100; shares never are. x
 * has a tick where there are results, as far as there is room. Lines of results have points, lines
 * of references are dashed. If there is one crossing in a panel, its title names it.
 *
 * The data has a block for each line: x, and the panels' values in the units of their axes.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/curve.h"
#include "sim/plot_canvas.h"
#include "sim/resultdir.h"

#define MARKER          "curve.json"
#define AXIS_CHARACTERS 86 /* of the texts of ticks, side by side */

struct range {
	double least, most;
	bool log;
};

static void widen(struct range *r, double value)
{
	if (isnan(value))
		return;
	r->least = fmin(r->least, value);
	r->most = fmax(r->most, value);
}

static struct range x_range(const struct curve *c)
{
	struct range r = {INFINITY, -INFINITY, false};
	unsigned i;

	for (i = 0; i < c->points_count; i++)
		widen(&r, c->points[i].x);
	r.log = r.least > 0 && r.most >= 8 * r.least;
	return r;
}

static struct range y_range(const struct curve *c, unsigned panel)
{
	struct range r = {INFINITY, -INFINITY, false};
	unsigned i;

	for (i = 0; i < c->points_count; i++)
		widen(&r, c->points[i].y[panel]);
	r.log = !c->y[panel].share && r.least > 0 && r.most >= 100 * r.least;
	return r;
}

/* --- what the script reads -------------------------------------------------------------------- */

static void write_blocks(const struct curve *c, const double *scale, FILE *data)
{
	unsigned i, panel;

	for (i = 0; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i];
		if (i && p[-1].line != p->line)
			fputs("\n\n", data);
		fprintf(data, "%.10g", p->x);
		for (panel = 0; panel < c->panels_count; panel++)
			plot_cell(data, p->y[panel] * scale[panel]);
		fputc('\n', data);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A tick for each x, but where it would touch the one before. */
static int write_ticks(const struct curve *c, const struct range *x, FILE *vars, struct err *err)
{
	double *values = calloc(c->points_count, sizeof(*values));
	double width = x->log ? log(x->most / x->least) : x->most - x->least, gap;
	unsigned i, count = 0, kept = 0;
	size_t length, before = 0; /* of texts */
	char text[64];

	if (!values)
		return err_set(err, ERR_IO, "out of memory");
	for (i = 0; i < c->points_count; i++)
		if (c->points[i].dir)
			values[count++] = c->points[i].x;
	qsort(values, count, sizeof(*values), compare_numbers);
	for (i = 0; i < count; i++) {
		gap = kept ? values[i] - values[kept - 1] : INFINITY;
		if (kept && x->log)
			gap = log(values[i] / values[kept - 1]);
		curve_format(c->x.unit, values[i], text, sizeof(text));
		length = strlen(text);
		/* Half of each text lies between the two ticks. */
		if (gap > 0 &&
		    gap * AXIS_CHARACTERS >= width * ((double)(before + length) / 2 + 1)) {
			values[kept++] = values[i];
			before = length;
		}
	}
	fprintf(vars, "ticks = %u\narray tick_at[%u]\narray tick_text[%u]\n", kept, kept, kept);
	for (i = 0; i < kept; i++) {
		fprintf(vars, "tick_at[%u] = %.10g\n", i + 1, values[i]);
		curve_format(c->x.unit, values[i], text, sizeof(text));
		plot_set_element(vars, "tick_text", i + 1, text);
	}
	free(values);
	return 0;
}

/* "time; base and huge cross at 256 KiB" */
static void panel_title(const struct curve *c, unsigned panel, char *buf, size_t size)
{
	int used = snprintf(buf, size, "%s", c->y[panel].label);
	const struct curve_crossing *only = NULL;
	unsigned i, count = 0;
	char text[64];

	for (i = 0; i < c->crossings_count; i++) {
		if (c->crossings[i].panel != panel)
			continue;
		only = &c->crossings[i];
		count++;
	}
	if (count != 1)
		return;
	curve_format(c->x.unit, only->x, text, sizeof(text));
	snprintf(buf + used, size - (size_t)used, "; %s and %s cross at %s",
		 c->names[only->line[0]], c->names[only->line[1]], text);
}

/* gnuplot complains of lines without any point. */
static void write_panel_lines(const struct curve *c, unsigned panel, FILE *vars)
{
	unsigned i, last = UINT_MAX;

	fprintf(vars, "panel_lines[%u] = '", panel + 1);
	for (i = 0; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i];
		if (isnan(p->y[panel]) || p->line == last)
			continue;
		fprintf(vars, "%s%u", last == UINT_MAX ? "" : " ", p->line + 1);
		last = p->line;
	}
	fputs("'\n", vars);
}

static void write_panels(const struct curve *c, double *scale, FILE *vars)
{
	char text[CURVE_LABEL + 200];
	const char *unit;
	unsigned i;

	fprintf(vars, "panels = %u\narray panel_title[%u]\narray y_label[%u]\n", c->panels_count,
		c->panels_count, c->panels_count);
	fprintf(vars, "array y_min[%u]\narray y_max[%u]\narray y_log[%u]\n", c->panels_count,
		c->panels_count, c->panels_count);
	fprintf(vars, "array panel_lines[%u]\n", c->panels_count);
	for (i = 0; i < c->panels_count; i++) {
		struct range r = y_range(c, i);
		double margin;
		scale[i] = curve_scale(c->y[i].unit, r.most, &unit);
		panel_title(c, i, text, sizeof(text));
		plot_set_element(vars, "panel_title", i + 1, text);
		plot_set_element(vars, "y_label", i + 1, unit);
		write_panel_lines(c, i, vars);
		r.least *= scale[i];
		r.most *= scale[i];
		if (r.log) {
			r.least /= 1.4;
			r.most *= 1.4;
		} else {
			margin = r.most > r.least ? 0.05 * r.most : fabs(r.most) + 1;
			r.least = r.least < 0 ? r.least - margin : 0;
			r.most = r.most + margin > r.least ? r.most + margin : r.least + 1;
		}
		fprintf(vars, "y_min[%u] = %.10g\ny_max[%u] = %.10g\ny_log[%u] = %d\n", i + 1,
			r.least, i + 1, r.most, i + 1, r.log);
	}
}

static int write_vars(const struct curve *c, const char *title, double *scale, FILE *vars,
		      struct err *err)
{
	struct range x = x_range(c);
	char text[2 * CURVE_LABEL + 32];
	double margin = x.most > x.least ? 0.03 * (x.most - x.least) : fabs(x.most) / 10 + 1;
	unsigned i;

	snprintf(text, sizeof(text), "%s against %s", c->y[0].label, c->x.label);
	plot_set_string(vars, "title", title ? title : text);
	plot_set_string(vars, "subtitle", "");
	plot_set_string(vars, "data", "data/curve.dat");
	plot_set_string(vars, "x_label", c->x.label);
	fprintf(vars, "x_log = %d\nx_min = %.10g\nx_max = %.10g\n", x.log,
		x.log ? x.least / 1.15 : x.least - margin, x.log ? x.most * 1.15 : x.most + margin);
	fprintf(vars, "lines = %u\nreferences = %u\narray name[%u]\n", c->lines_count,
		c->references_count, c->lines_count + CURVE_REFERENCES_MAX);
	for (i = 0; i < c->lines_count + c->references_count; i++)
		plot_set_element(vars, "name", i + 1, c->names[i]);
	write_panels(c, scale, vars);
	return write_ticks(c, &x, vars, err);
}

static int draw(const struct curve *c, const char *title, const struct plot_canvas *canvas,
		struct err *err)
{
	struct plot_output out = {.panel_rows = c->panels_count};
	double scale[CURVE_PANELS_MAX];
	int failed;

	if (plot_canvas_begin(canvas, "curve", &out, err))
		return -1;
	failed = write_vars(c, title, scale, out.vars, err);
	if (!failed)
		write_blocks(c, scale, out.data);
	if (plot_canvas_end(canvas, "curve", &out, err) || failed)
		return -1;
	return plot_canvas_draw(canvas, "curve", "curve.gp", out.panel_rows, err);
}

/* --- the directory ---------------------------------------------------------------------------- */

/* curve.json, and room for the picture in the work directory of @rd. */
static int prepare(const struct curve *c, struct resultdir *rd, struct plot_canvas *canvas,
		   struct err *err)
{
	FILE *f = resultdir_open(rd, MARKER, err);
	char path[PATH_MAX];

	if (!f)
		return -1;
	curve_print_json(c, f);
	if (resultdir_close(rd, f, err))
		return -1;
	canvas->work = realpath(resultdir_work(rd), NULL);
	if (canvas->work &&
	    snprintf(path, sizeof(path), "%s/data", canvas->work) < (int)sizeof(path) &&
	    !mkdir(path, 0777))
		return 0;
	return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", resultdir_work(rd),
		       strerror(errno));
}

int curve_plot(const struct curve *c, const struct curve_plot_options *options, struct err *err)
{
	const char *dir = options->dir ? options->dir : "results/curve";
	struct plot_canvas canvas = {
		.messages = options->messages,
		.stop = options->stop,
		.target = (char *)dir,
	};
	struct resultdir rd = {0};
	int failed = -1;

	canvas.scripts = plot_scripts_find(options->scripts_dir, err);
	if (!canvas.scripts || resultdir_create_kind(&rd, dir, MARKER, err))
		goto out;
	if (prepare(c, &rd, &canvas, err) || draw(c, options->title, &canvas, err))
		goto out;
	failed = resultdir_commit(&rd, err);
	if (!failed)
		plot_canvas_say(&canvas, "%s/curve.png\n%s/curve.svg\n", dir, dir);
out:
	resultdir_abort(&rd);
	free(canvas.work);
	free(canvas.scripts);
	return failed;
}
