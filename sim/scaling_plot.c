/*
 * scaling_plot.c - the picture of a scaling: see scaling.h.
 *
 * Above, speed against CPUs, both logarithmic, so that proportional growth is a straight line of
 * the same slope wherever it starts; the ideal goes through the configuration that is fastest with
 * the fewest CPUs. Below, what the lines lack: the share of the CPUs' time in which they wait for
 * locks.
 *
 * The data has a block for each configuration, and a last one for the ideal.
 */
#include <math.h>
#include <stdlib.h>

#include "sim/plot_canvas.h"
#include "sim/resultdir.h"
#include "sim/scaling.h"

#define MARKER "scaling.json"

/* The point from which the ideal starts. */
static const struct scaling_point *ideal_base(const struct scaling *s)
{
	const struct scaling_point *base = &s->points[0];
	unsigned i;

	for (i = 1; i < s->points_count; i++) {
		const struct scaling_point *p = &s->points[i];
		if (p->cpus < base->cpus ||
		    (p->cpus == base->cpus && p->ops_per_s > base->ops_per_s))
			base = p;
	}
	return base;
}

static void write_blocks(const struct scaling *s, const struct scaling_point *base,
			 unsigned cpus_max, FILE *data)
{
	unsigned i;

	fprintf(data, "# CPUs, M operations/s, waiting for locks (%%)\n");
	for (i = 0; i < s->points_count; i++) {
		const struct scaling_point *p = &s->points[i];
		if (i && p[-1].group != p->group)
			fputs("\n\n", data);
		fprintf(data, "%u\t%.10g\t%.10g\n", p->cpus, p->ops_per_s / 1e6,
			100 * p->lock_wait_ratio);
	}
	fprintf(data, "\n\n%u\t%.10g\n%u\t%.10g\n", base->cpus, base->ops_per_s / 1e6, cpus_max,
		base->ops_per_s / 1e6 * cpus_max / base->cpus);
}

/* A tick for each number of CPUs that occurs. */
static void write_ticks(const struct scaling *s, FILE *vars)
{
	bool seen[CPUS_LIMIT + 1] = {false};
	const char *separator = "";
	unsigned i;

	for (i = 0; i < s->points_count; i++)
		seen[s->points[i].cpus] = true;
	fprintf(vars, "cpu_tics = '");
	for (i = 1; i <= CPUS_LIMIT; i++) {
		if (!seen[i])
			continue;
		fprintf(vars, "%s%u", separator, i);
		separator = " ";
	}
	fprintf(vars, "'\n");
}

static void write_vars(const struct scaling *s, const struct scaling_point *base, FILE *vars)
{
	unsigned cpus_min = CPUS_LIMIT, cpus_max = 1, i;
	double least = INFINITY, most = 0, wait = 0;
	char text[160];

	for (i = 0; i < s->points_count; i++) {
		const struct scaling_point *p = &s->points[i];
		cpus_min = p->cpus < cpus_min ? p->cpus : cpus_min;
		cpus_max = p->cpus > cpus_max ? p->cpus : cpus_max;
		least = fmin(least, p->ops_per_s / 1e6);
		most = fmax(most, p->ops_per_s / 1e6);
		wait = fmax(wait, 100 * p->lock_wait_ratio);
	}
	plot_set_string(vars, "title", "Speed against CPUs");
	snprintf(text, sizeof(text), "ideal: %.4g M operations/s with %u CPU%s, and in proportion",
		 base->ops_per_s / 1e6, base->cpus, base->cpus == 1 ? "" : "s");
	plot_set_string(vars, "subtitle", text);
	plot_set_string(vars, "data", "data/scaling.dat");
	most = fmax(most, base->ops_per_s / 1e6 * cpus_max / base->cpus);
	fprintf(vars, "x_min = %u\nx_max = %u\ny_min = %.10g\ny_max = %.10g\nwait_max = %d\n",
		cpus_min, cpus_max, least / 1.5, most * 1.3,
		wait > 50   ? 100
		: wait > 10 ? 50
			    : 10);
	fprintf(vars, "groups = %u\narray label[%u]\n", s->groups_count, s->groups_count);
	for (i = 0; i < s->groups_count; i++)
		plot_set_element(vars, "label", i + 1, s->groups[i]);
	write_ticks(s, vars);
}

static int draw(const struct scaling *s, const struct plot_canvas *canvas, struct err *err)
{
	const struct scaling_point *base = ideal_base(s);
	struct plot_output out = {.panel_rows = 2};
	unsigned cpus_max = 1, i;

	for (i = 0; i < s->points_count; i++)
		cpus_max = s->points[i].cpus > cpus_max ? s->points[i].cpus : cpus_max;
	if (plot_canvas_begin(canvas, "scaling", &out, err))
		return -1;
	write_vars(s, base, out.vars);
	write_blocks(s, base, cpus_max, out.data);
	if (plot_canvas_end(canvas, "scaling", &out, err))
		return -1;
	return plot_canvas_draw(canvas, "scaling", "scaling.gp", out.panel_rows, err);
}

/* scaling.json, and room for the picture in the work directory of @rd. */
static int prepare(const struct scaling *s, struct resultdir *rd, struct plot_canvas *canvas,
		   struct err *err)
{
	FILE *f = resultdir_open(rd, MARKER, err);

	if (!f)
		return -1;
	scaling_print_json(s, f);
	if (resultdir_close(rd, f, err))
		return -1;
	return plot_canvas_work_in(canvas, resultdir_work(rd), err);
}

int scaling_plot(const struct scaling *s, const struct scaling_plot_options *options,
		 struct err *err)
{
	const char *dir = options->dir ? options->dir : "results/scaling";
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
	if (prepare(s, &rd, &canvas, err) || draw(s, &canvas, err))
		goto out;
	failed = resultdir_commit(&rd, err);
	if (!failed)
		plot_canvas_say(&canvas, "%s/scaling.png\n%s/scaling.svg\n", dir, dir);
out:
	resultdir_abort(&rd);
	free(canvas.work);
	free(canvas.scripts);
	return failed;
}
