/*
 * compare_plot.c - pictures of several runs laid over each other.
 *
 * As in plot.c, a plot is one row of the table below: a name, a function that computes what is
 * drawn, and a gnuplot script. A run has the same colour in all pictures, the base the first one.
 *
 * Lines over time are sums of the columns of series.csv that a pattern selects: the data has a
 * block a run (its samples need not be at the same moments as another's) and a column a panel.
 *
 * The directory is made by resultdir.c, so an earlier comparison stays until this one is complete.
 */
#include "sim/compare_plot.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/compare_plot_data.h"
#include "sim/plot_canvas.h"
#include "sim/resultdir.h"

#define MARKER "compare.json"

struct compare_picture {
	const char *name, *title, *script;
	/* 0, or 1 for "skipped" with out->reason, or -1 with @err. */
	int (*write)(const struct compare_input *in, struct plot_output *out, struct err *err);
};

static const struct compare_picture pictures[] = {
	{"unusable_index", "Unusable free space index over time", "compare_lines.gp",
	 compare_plot_unusable_index},
	{"differences", "Metrics that differ most from the base", "compare_bars.gp",
	 compare_plot_differences},
	{"free_memory", "Free memory over time", "compare_lines.gp", compare_plot_free_memory},
	{"pcp_contents", "Pages on per-CPU lists over time", "compare_lines.gp",
	 compare_plot_pcp_contents},
	{"object_memory", "Memory held and wasted by objects over time", "compare_lines.gp",
	 compare_plot_object_memory},
	{"latency", "Latency of all page operations", "latency.gp", compare_plot_latency},
	{"object_latency", "Latency of all object operations", "latency.gp",
	 compare_plot_object_latency},
};

static int load_series(struct compare_input *in, struct err *err)
{
	const struct comparison *c = in->comparison;
	char path[PATH_MAX];
	unsigned i;

	for (i = 0; i < in->runs_count; i++) {
		snprintf(path, sizeof(path), "%s/series.csv", c->runs[i].dir);
		if (access(path, F_OK) && errno == ENOENT)
			continue;
		if (series_read(&in->series[i], path, err))
			return -1;
		in->series_count++;
	}
	return 0;
}

/* "no-pcp: pcp.enabled = false": what makes the run, if that is short enough to be read. */
static void describe_runs(const struct compare_input *in, char *buf, size_t size)
{
	const struct comparison *c = in->comparison;
	size_t used, i;

	used = (size_t)snprintf(buf, size, "base: %.48s", c->runs[0].name);
	if (in->runs_count < c->runs_count)
		used += (size_t)snprintf(buf + used, size - used, "; the first %u of %u runs",
					 in->runs_count, c->runs_count);
	if (c->runs_count == 2 && c->settings_count && c->settings_count <= 2) {
		for (i = 0; i < c->settings_count && used < size; i++)
			used += (size_t)snprintf(buf + used, size - used, "%s%.64s = %.32s",
						 i ? ", " : "; changed: ", c->settings[i].key,
						 c->settings[i].values[1] ? c->settings[i].values[1]
									  : "(absent)");
	} else if (used < size) {
		snprintf(buf + used, size - used, "; %zu setting%s differ%s", c->settings_count,
			 c->settings_count == 1 ? "" : "s", c->settings_count == 1 ? "s" : "");
	}
}

static void write_heading(const struct compare_input *in, const struct compare_picture *picture,
			  FILE *vars)
{
	char text[512];

	plot_set_string(vars, "title", picture->title);
	describe_runs(in, text, sizeof(text));
	plot_set_string(vars, "subtitle", text);
	snprintf(text, sizeof(text), "data/%s.dat", picture->name);
	plot_set_string(vars, "data", text);
}

static int make_picture(const struct compare_input *in, const struct plot_canvas *canvas,
			const struct compare_picture *picture, struct err *err)
{
	struct plot_output out = {.panel_rows = 1};
	char name[PATH_MAX];
	int result;

	if (plot_canvas_begin(canvas, picture->name, &out, err))
		return -1;
	write_heading(in, picture, out.vars);
	result = picture->write(in, &out, err);
	if (plot_canvas_end(canvas, picture->name, &out, err) || result < 0)
		return -1;
	if (!result)
		return plot_canvas_draw(canvas, picture->name, picture->script, out.panel_rows,
					err);
	plot_canvas_say(canvas, "%s: skipped, %s\n", picture->name, out.reason);
	snprintf(name, sizeof(name), "%s/data/%s.dat", canvas->work, picture->name);
	unlink(name);
	snprintf(name, sizeof(name), "%s/data/%s.gp", canvas->work, picture->name);
	unlink(name);
	return 0;
}

static int write_document(struct resultdir *rd, const struct comparison *c,
			  const struct condition *conditions, unsigned conditions_count,
			  struct err *err)
{
	FILE *f = resultdir_open(rd, MARKER, err);

	if (!f)
		return -1;
	compare_print_json(c, conditions, conditions_count, f);
	return resultdir_close(rd, f, err);
}

/* Name the files that are there now. */
static void name_pictures(const struct plot_canvas *canvas, const char *dir)
{
	static const char *const formats[] = {"png", "svg"};
	char path[PATH_MAX];
	unsigned i, f;

	for (i = 0; i < ARRAY_SIZE(pictures); i++) {
		for (f = 0; f < ARRAY_SIZE(formats); f++) {
			snprintf(path, sizeof(path), "%s/%s.%s", dir, pictures[i].name, formats[f]);
			if (!access(path, F_OK))
				plot_canvas_say(canvas, "%s\n", path);
		}
	}
}

int compare_plot(const struct comparison *c, const struct condition *conditions,
		 unsigned conditions_count, const struct compare_plot_options *options,
		 struct err *err)
{
	const char *dir = options->dir ? options->dir : "results/compare";
	struct compare_input in = {.comparison = c};
	struct plot_canvas canvas = {
		.messages = options->messages,
		.stop = options->stop,
		.target = (char *)dir,
	};
	struct resultdir rd = {0};
	int failed = -1;
	unsigned i;

	in.runs_count = (unsigned)u64_min(c->runs_count, COMPARE_PLOT_RUNS_MAX);
	if (compare_plot_orders(&in, options->orders, err) || load_series(&in, err))
		goto out;
	canvas.scripts = plot_scripts_find(options->scripts_dir, err);
	if (!canvas.scripts || resultdir_create_kind(&rd, dir, MARKER, err))
		goto out;
	if (write_document(&rd, c, conditions, conditions_count, err) ||
	    plot_canvas_work_in(&canvas, resultdir_work(&rd), err))
		goto out;
	plot_canvas_say(&canvas, "\n");
	for (i = 0; i < ARRAY_SIZE(pictures); i++)
		if (make_picture(&in, &canvas, &pictures[i], err))
			goto out;
	failed = resultdir_commit(&rd, err);
	if (!failed)
		name_pictures(&canvas, dir);
out:
	resultdir_abort(&rd);
	for (i = 0; i < in.runs_count; i++)
		series_release(&in.series[i]);
	free(canvas.work);
	free(canvas.scripts);
	return failed;
}
