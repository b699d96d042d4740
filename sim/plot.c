/*
 * plot.c - pictures of a result, drawn by gnuplot.
 *
 * A plot is one row of the table below: a name, a function that computes what is to be drawn, and a
 * gnuplot script that draws it. For each picture the function writes two files,
 *
 *   data/NAME.dat   columns of numbers
 *   data/NAME.gp    titles, labels, colours by number, ranges
 *
 * and gnuplot runs NAME.gp, common.gp (terminal, fonts, palettes) and the script, in this order.
 * All three remain beside the pictures, so that a picture can be redrawn by hand in another style.
 *
 * Everything is made in a work directory inside the result and moved to plots/ when a picture is
 * complete; a failure leaves no part of one behind.
 */
#include "sim/plot.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/plot_canvas.h"
#include "sim/plot_data.h"
#include "sim/resultdir.h"
#include "sim/runjson.h"

struct plot {
	struct plot_info info;
	const char *script;
	int (*write)(const struct plot_input *in, struct plot_output *out, struct err *err);
};

static const struct plot plots[] = {
	{{"memory", "Where memory went",
	  "all memory by use, and what objects hold by cache: requested, wasted and why"},
	 "bars.gp",
	 plot_memory},
	{{"caches_over_time", "Memory of object caches",
	  "memory held by each object cache over time"},
	 "caches.gp",
	 plot_caches_over_time},
	{{"waste", "Memory that objects waste",
	  "waste by cache and cause, and slabs that a single object pins"},
	 "bars.gp",
	 plot_waste},
	{{"free_by_order", "Free memory by order", "free memory by block order over time, stacked"},
	 "stack.gp",
	 plot_free_by_order},
	{{"unusable_index", "Unusable free space index",
	  "share of free memory too fragmented for a request, over time"},
	 "lines.gp",
	 plot_unusable_index},
	{{"free_blocks_start_end", "Free blocks by order",
	  "free blocks by order and zone: start, end and, if recorded, the truth"},
	 "free_blocks.gp",
	 plot_free_blocks},
	{{"latency", "Latency of page operations",
	  "share of allocations and frees that took longer, by path"},
	 "latency.gp",
	 plot_latency},
	{{"object_latency", "Latency of object operations",
	  "share of object allocations and frees that took longer, by path"},
	 "latency.gp",
	 plot_object_latency},
	{{"step_latency", "Latency of programs' steps",
	  "share of a program's other steps that took longer, by kind"},
	 "latency.gp",
	 plot_step_latency},
	{{"cycles_by_cause", "Where the CPUs' time went",
	  "cycles per operation by cause: allocator code, caches, memory, locks"},
	 "bars.gp",
	 plot_cycles},
	{{"miss_rates", "Misses of caches and TLBs",
	  "share of accesses that each level of caches and TLBs missed, over time"},
	 "miss_rates.gp",
	 plot_miss_rates},
	{{"locks", "Locks", "time that CPUs waited for each lock and held it"},
	 "bars.gp",
	 plot_locks},
	{{"fidelity", "Simulated against recorded free blocks",
	  "difference from the recorded end state by order and zone (needs --truth)"},
	 "fidelity.gp",
	 plot_fidelity},
	{{"pcp_contents", "Pages on per-CPU lists", "pages held by each CPU's lists over time"},
	 "lines.gp",
	 plot_pcp_contents},
	{{"migratetype", "Free memory by migratetype",
	  "free memory by migratetype over time, stacked"},
	 "stack.gp",
	 plot_migratetype},
};

/* One call of plot_results(). */
struct session {
	struct plot_input in;
	struct plot_canvas canvas; /* its strings are ours; target: dir/plots */
};

const struct plot_info *plot_info(unsigned index)
{
	return index < ARRAY_SIZE(plots) ? &plots[index].info : NULL;
}

static int check_names(const struct plot_options *options, struct err *err)
{
	char known[1024];
	size_t used = 0;
	unsigned i, p;

	for (i = 0; i < options->only_count; i++) {
		for (p = 0; p < ARRAY_SIZE(plots); p++)
			if (!strcmp(plots[p].info.name, options->only[i]))
				break;
		if (p < ARRAY_SIZE(plots))
			continue;
		for (p = 0; p < ARRAY_SIZE(plots); p++)
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 p ? ", " : "", plots[p].info.name);
		return err_set(err, ERR_USAGE, "no plot is named \"%.64s\"; there are %s",
			       options->only[i], known);
	}
	return 0;
}

static int check_zone(const struct plot_input *in, struct err *err)
{
	const cJSON *zone;
	char known[512] = "", prefix[PLOT_LABEL];
	size_t used = 0;

	cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(in->run, "zones"))
	{
		if (plot_zone_selected(in, zone))
			return 0;
		plot_zone_prefix(zone, prefix, sizeof(prefix));
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 used ? ", " : "", prefix);
	}
	if (!in->options->zone)
		return 0;
	return err_set(err, ERR_USAGE, "no zone is named \"%.64s\"; there are %s",
		       in->options->zone, known);
}

static int load_run(struct plot_input *in, struct err *err)
{
	double max_order;

	in->run = runjson_load(in->dir, err);
	if (!in->run)
		return -1;
	max_order = plot_number(cJSON_GetObjectItemCaseSensitive(in->run, "meta"), "max_order", -1);
	if (!(max_order >= 0 && max_order < ORDER_LIMIT))
		return err_set(err, ERR_TRACE, "%s/run.json: meta.max_order is not from 0 to %d",
			       in->dir, ORDER_LIMIT - 1);
	in->max_order = (unsigned)max_order;
	return 0;
}

/* 0 with *@found false if there is no such file. */
static int load_series(const struct plot_input *in, const char *name, struct series *s, bool *found,
		       struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", in->dir, name);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	if (series_read(s, path, err))
		return -1;
	*found = true;
	return 0;
}

static int load(struct plot_input *in, struct err *err)
{

	if (load_run(in, err) ||
	    plot_parse_orders(&in->orders, in->options->orders, in->max_order, err) ||
	    check_zone(in, err))
		return -1;
	if (load_series(in, "series.csv", &in->series, &in->has_series, err) ||
	    load_series(in, "caches.csv", &in->caches, &in->has_caches, err) ||
	    load_series(in, "machine.csv", &in->machine, &in->has_machine, err))
		return -1;
	return 0;
}

/* A work directory inside the result, or for the terminal among temporary files. */
static int make_work(struct session *s, struct err *err)
{
	if (plot_canvas_temporary(&s->canvas, s->in.options->terminal ? NULL : s->in.dir, err))
		return -1;
	if (asprintf(&s->canvas.target, "%s/plots", s->in.dir) >= 0)
		return 0;
	s->canvas.target = NULL;
	return err_set(err, ERR_IO, "out of memory");
}

static void write_heading(const struct plot_input *in, const struct plot *plot, FILE *vars)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(in->run, "meta");
	const cJSON *totals = cJSON_GetObjectItemCaseSensitive(in->run, "totals");
	const cJSON *objects = cJSON_GetObjectItemCaseSensitive(in->run, "objects");
	const cJSON *programs = cJSON_GetObjectItemCaseSensitive(in->run, "programs");
	const char *kind = cJSON_GetArraySize(programs) ? "steps of programs"
			   : cJSON_IsObject(objects)    ? "operations"
							: "page operations";
	char ops[32], span[32], failed[32], text[256];

	plot_format_count(ops, sizeof(ops), plot_number(totals, "ops_count", 0));
	plot_format_count(failed, sizeof(failed),
			  plot_number(totals, "failed_count", 0) +
				  plot_number(objects, "failed_count", 0));
	plot_format_ns(span, sizeof(span), plot_number(totals, "simulated_ns", 0));
	const cJSON *workload = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(in->run, "config"), "workload");
	const char *trace = plot_text(workload, "trace", "");
	snprintf(text, sizeof(text), "%s: %.64s%s%.64s", plot->info.title,
		 plot_text(meta, "name", "unnamed run"), *trace ? ", " : "", trace);
	plot_set_string(vars, "title", text);
	snprintf(text, sizeof(text), "%s %s in %s, %s failed%s%.64s", ops, kind, span, failed,
		 in->options->zone ? ", zone " : "", in->options->zone ? in->options->zone : "");
	plot_set_string(vars, "subtitle", text);
	snprintf(text, sizeof(text), "data/%s.dat", plot->info.name);
	plot_set_string(vars, "data", text);
}

/* 0, or 1 for skipped, or -1. */
static int write_files(struct session *s, const struct plot *plot, struct plot_output *out,
		       struct err *err)
{
	int result;

	if (plot_canvas_begin(&s->canvas, plot->info.name, out, err))
		return -1;
	write_heading(&s->in, plot, out->vars);
	result = plot->write(&s->in, out, err);
	return plot_canvas_end(&s->canvas, plot->info.name, out, err) ? -1 : result;
}

/* Draw both formats, then move what was made into place. */
static int make_pictures(struct session *s, const struct plot *plot, unsigned panel_rows,
			 struct err *err)
{
	if (plot_canvas_draw(&s->canvas, plot->info.name, plot->script, panel_rows, err))
		return -1;
	return plot_canvas_publish(&s->canvas, plot->info.name, err);
}

static int make_plot(struct session *s, const struct plot *plot, struct err *err)
{
	struct plot_output out = {.panel_rows = 1};
	int result = write_files(s, plot, &out, err);

	if (result < 0)
		return -1;
	if (result > 0 && s->in.options->only_count)
		return err_set(err, ERR_NO_INPUT, "%s: can't be drawn from %s: %s", plot->info.name,
			       s->in.dir, out.reason);
	if (result > 0) {
		plot_canvas_say(&s->canvas, "%s: skipped, %s\n", plot->info.name, out.reason);
		return 0;
	}
	if (s->in.options->terminal)
		return plot_canvas_draw_text(&s->canvas, plot->info.name, plot->script,
					     out.panel_rows, err);
	return make_pictures(s, plot, out.panel_rows, err);
}

static bool is_wanted(const struct plot_options *options, const struct plot *plot)
{
	unsigned i;

	for (i = 0; i < options->only_count; i++)
		if (!strcmp(options->only[i], plot->info.name))
			return true;
	return !options->only_count;
}

int plot_results(const char *dir, const struct plot_options *options, struct err *err)
{
	struct session s = {.in = {.dir = dir, .options = options}};
	int failed = -1;
	unsigned i;

	s.canvas.terminal = options->terminal;
	s.canvas.columns = options->columns;
	s.canvas.rows = options->rows;
	s.canvas.color = options->color;
	s.canvas.messages = options->messages;
	s.canvas.stop = options->stop;
	if (check_names(options, err) || load(&s.in, err))
		goto out;
	s.canvas.scripts = plot_scripts_find(options->scripts_dir, err);
	if (!s.canvas.scripts || make_work(&s, err))
		goto out;
	for (i = 0; i < ARRAY_SIZE(plots); i++)
		if (is_wanted(options, &plots[i]) && make_plot(&s, &plots[i], err))
			goto out;
	failed = 0;
out:
	if (s.canvas.work)
		resultdir_remove_tree(s.canvas.work);
	free(s.canvas.work);
	free(s.canvas.target);
	free(s.canvas.scripts);
	series_release(&s.in.series);
	series_release(&s.in.caches);
	series_release(&s.in.machine);
	cJSON_Delete(s.in.run);
	return failed;
}
