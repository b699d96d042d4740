/*
 * html_report_plots.c - the pictures of a report.
 *
 * Which ones: that of the command line; else those that the sweeps' plans name; else, one for each
 * of the first parameters that vary, against the first figures that do. There another parameter
 * gives the lines, and what varies besides is held at its first value: then every point of the
 * picture is one result, or repetitions of one.
 *
 *   parameters slab.max_order 0..3, machine.cpus 1..8, trace files boot
 *   plots      x slab.max_order, a line for each trace, where machine.cpus is 1
 *              x machine.cpus, a line for each trace, where slab.max_order is 0
 *
 * A report of a single run has the pictures of `allocsim plot RESULT` instead.
 *
 * They are drawn in a temporary directory, which is deleted in any case, and read back as text. A
 * picture that can't be drawn because of what the results hold is a note on the page; without
 * gnuplot, or without room to draw, there is no report.
 *
 * Cost: a chart reads all results again.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/html_report_impl.h"
#include "sim/plot.h"
#include "sim/resultdir.h"

#define DEFAULT_PLOTS 3
#define LINES_MAX     6 /* of a plot that nobody asked for */

/* While plots are drawn. */
struct drawing {
	struct html_plots *plots;
	const struct html_table *table;
	struct results *results;
	const struct html_report_options *options;
	char dir[PATH_MAX];
};

static struct html_plot *new_plot(struct html_plots *plots, const char *title, struct err *err)
{
	struct html_plot *items;

	items = realloc(plots->items, (plots->count + 1) * sizeof(*items));
	if (items) {
		plots->items = items;
		items += plots->count;
		*items = (struct html_plot){.title = strdup(title)};
	}
	if (!items || !items->title) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	plots->count++;
	return items;
}

static int read_picture(struct html_plots *plots, const char *dir, const char *name,
			const char *title, struct err *err)
{
	struct html_plot *plot = new_plot(plots, title, err);
	char path[PATH_MAX];

	if (!plot)
		return -1;
	if (snprintf(path, sizeof(path), "%s/%s.svg", dir, name) < (int)sizeof(path))
		plot->svg = html_read_file(path);
	return plot->svg ? 0 : err_set(err, ERR_IO, "%s: can't read: %s", path, strerror(errno));
}

/* Is it what the results hold that kept a picture from being drawn? */
static bool is_of_results(const struct err *err)
{
	return err->code == ERR_USAGE || err->code == ERR_TRACE;
}

/*
 * Draw one chart. With @is_noted, one that can't be drawn is a note under @title; with neither, it
 * is an error.
 */
static int draw_chart(struct drawing *d, const struct chart_options *options, const char *title,
		      bool is_noted, struct err *err)
{
	struct chart_output output = {
		.dir = d->dir,
		.name = "chart",
		.scripts_dir = d->options->scripts_dir,
		.stop = d->options->stop,
	};
	struct err own = {.code = ERR_NONE};
	struct chart *chart = chart_new(options, d->results, &own);
	struct html_plot *plot;
	int failed;

	failed = !chart || chart_draw(chart, &output, &own);
	chart_free(chart);
	if (!failed)
		return read_picture(d->plots, d->dir, output.name, title, err);
	if (!is_noted || !is_of_results(&own))
		return err_set(err, own.code, "%s", own.text);
	plot = new_plot(d->plots, title, err);
	if (plot)
		plot->why = strdup(own.text);
	return plot && plot->why ? 0 : err_set(err, ERR_IO, "out of memory");
}

static int draw_plan(struct drawing *d, const struct plan *plan, struct err *err)
{
	struct chart_options options;
	unsigned i;

	for (i = 0; i < plan->plots_count; i++) {
		const struct plan_plot *plot = &plan->plots[i];
		options = (struct chart_options){0};
		chart_options_of_plan(plot, &options);
		options.title = NULL; /* it stands above the picture, which says what is drawn */
		if (draw_chart(d, &options, plot->title ? plot->title : plot->name, true, err))
			return -1;
	}
	return 0;
}

/* --- plots that nobody asked for -------------------------------------------------------------- */

static unsigned values_count(const struct html_table *t, unsigned column)
{
	unsigned count = 0;
	size_t i, k;

	for (i = 0; i < t->rows_count && count <= LINES_MAX; i++) {
		const char *text = t->rows[i].cells[column].text;
		for (k = 0; k < i; k++)
			if (!strcmp(t->rows[k].cells[column].text ? t->rows[k].cells[column].text
								  : "",
				    text ? text : ""))
				break;
		count += k == i;
	}
	return count;
}

/* Does it tell experiments apart, rather than repetitions of one? */
static bool is_varied(const struct html_table *t, unsigned column)
{
	const struct html_column *c = &t->columns[column];

	return !c->is_figure && strcmp(c->key, PLAN_REPEAT_KEY) != 0 &&
	       strcmp(c->key, "seed") != 0 && html_table_varies(t, column);
}

/* The parameter whose values become lines, or NULL: the trace, or the first that has few values. */
static const char *choose_lines(const struct html_table *t, unsigned x)
{
	const char *by = NULL;
	unsigned i;

	for (i = 0; i < t->columns_count; i++) {
		const char *key = t->columns[i].key;
		if (i == x || !is_varied(t, i) || values_count(t, i) > LINES_MAX)
			continue;
		if (!strcmp(key, PLAN_TRACE_KEY))
			return key;
		by = by ? by : key;
	}
	return by;
}

/* The first value in a row that is done. */
static const char *first_value(const struct html_table *t, unsigned column)
{
	size_t i;

	for (i = 0; i < t->rows_count; i++)
		if (t->rows[i].state == CELL_DONE && t->rows[i].cells[column].text)
			return t->rows[i].cells[column].text;
	return NULL;
}

/* Hold at one value whatever varies but @x and the lines. The texts are options->where's. */
static int hold_others(const struct html_table *t, unsigned x, struct chart_options *options,
		       struct err *err)
{
	const char *value;
	char *text;
	unsigned i;

	for (i = 0; i < t->columns_count; i++) {
		value = first_value(t, i);
		if (i == x || !is_varied(t, i) || !value ||
		    (options->by && !strcmp(t->columns[i].key, options->by)))
			continue;
		if (options->where_count == ARRAY_SIZE(options->where))
			return 0;
		if (asprintf(&text, "%s=%s", t->columns[i].key, value) < 0)
			return err_set(err, ERR_IO, "out of memory");
		options->where[options->where_count++] = text;
	}
	return 0;
}

/* "slab.max_order, by trace, where machine.cpus=1" */
static void describe(const struct chart_options *o, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "%s", o->x);
	unsigned i;

	if (o->by && used < size)
		used += (size_t)snprintf(buf + used, size - used, ", by %s", o->by);
	for (i = 0; i < o->where_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : ", where ",
					 o->where[i]);
}

static int draw_parameter(struct drawing *d, unsigned x, struct err *err)
{
	const struct html_table *t = d->table;
	struct chart_options options = {.x = t->columns[x].key, .by = choose_lines(t, x)};
	char title[512];
	unsigned i;
	int rc;

	for (i = 0; i < t->columns_count && options.y_count < CHART_PANELS_MAX; i++)
		if (t->columns[i].is_figure && html_table_varies(t, i))
			options.y[options.y_count++] = t->columns[i].key;
	rc = options.y_count ? hold_others(t, x, &options, err) : 0;
	if (!rc && options.y_count) {
		describe(&options, title, sizeof(title));
		rc = draw_chart(d, &options, title, true, err);
	}
	for (i = 0; i < options.where_count; i++)
		free((char *)options.where[i]);
	return rc;
}

static int draw_parameters(struct drawing *d, struct err *err)
{
	unsigned i, drawn = 0;

	for (i = 0; i < d->table->columns_count && drawn < DEFAULT_PLOTS; i++) {
		if (!is_varied(d->table, i) || !strcmp(d->table->columns[i].key, PLAN_TRACE_KEY))
			continue;
		if (draw_parameter(d, i, err))
			return -1;
		drawn++;
	}
	return 0;
}

/* --- a single run ----------------------------------------------------------------------------- */

/* Its pictures, drawn beside links to what it holds: the result itself is not touched. */
static int draw_run(struct drawing *d, const char *result, struct err *err)
{
	static const char *const files[] = {"run.json", "series.csv", "caches.csv", "machine.csv"};
	struct plot_options options = {
		.scripts_dir = d->options->scripts_dir,
		.stop = d->options->stop,
	};
	char from[PATH_MAX], to[PATH_MAX], *absolute = realpath(result, NULL);
	const struct plot_info *info;
	unsigned i;
	int rc = 0;

	for (i = 0; i < ARRAY_SIZE(files) && absolute && !rc; i++) {
		if (snprintf(from, sizeof(from), "%s/%s", absolute, files[i]) >=
			    (int)sizeof(from) ||
		    snprintf(to, sizeof(to), "%s/%s", d->dir, files[i]) >= (int)sizeof(to))
			rc = err_set(err, ERR_USAGE, "%s: the path is too long", result);
		else if (!access(from, R_OK) && symlink(from, to))
			rc = err_set(err, ERR_CANT_CREATE, "%s: %s", to, strerror(errno));
	}
	free(absolute);
	if (rc || plot_results(d->dir, &options, err))
		return -1;
	for (i = 0; (info = plot_info(i)); i++) {
		snprintf(to, sizeof(to), "%.*s/plots", PATH_MAX - 8, d->dir);
		snprintf(from, sizeof(from), "%.*s/%s.svg", PATH_MAX - 64, to, info->name);
		if (!access(from, R_OK) && read_picture(d->plots, to, info->name, info->title, err))
			return -1;
	}
	return 0;
}

static int draw_all(struct drawing *d, struct err *err)
{
	const struct results *r = d->results;
	unsigned i, count = 0;

	if (d->options->chart.x)
		return draw_chart(d, &d->options->chart,
				  d->options->chart.title ? d->options->chart.title
							  : d->options->chart.x,
				  false, err);
	if (!r->sweeps_count && d->table->rows_count == 1)
		return draw_run(d, d->table->rows[0].dir, err);
	for (i = 0; i < r->sweeps_count; i++) {
		count += r->sweeps[i].plan.plots_count;
		if (draw_plan(d, &r->sweeps[i].plan, err))
			return -1;
	}
	return count ? 0 : draw_parameters(d, err);
}

int html_plots_draw(struct html_plots *plots, const struct html_table *t, struct results *r,
		    const struct html_report_options *options, struct err *err)
{
	struct drawing d = {.plots = plots, .table = t, .results = r, .options = options};
	const char *base = getenv("TMPDIR");
	bool is_done = options->chart.x;
	size_t i;
	int rc;

	*plots = (struct html_plots){0};
	for (i = 0; i < t->rows_count && !is_done; i++)
		is_done = t->rows[i].state == CELL_DONE;
	if (options->no_plots || !is_done)
		return 0;
	snprintf(d.dir, sizeof(d.dir), "%s/allocsim-report.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(d.dir))
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", d.dir,
			       strerror(errno));
	rc = draw_all(&d, err);
	resultdir_remove_tree(d.dir);
	return rc;
}

void html_plots_release(struct html_plots *plots)
{
	unsigned i;

	for (i = 0; i < plots->count; i++) {
		free(plots->items[i].title);
		free(plots->items[i].svg);
		free(plots->items[i].why);
	}
	free(plots->items);
	*plots = (struct html_plots){0};
}
