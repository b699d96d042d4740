/*
 * compare_plot_data.c - what the pictures of a comparison draw: lines over time, tails of latency,
 * bars of differences.
 *
 * The axis of an index begins at 0. That of free memory doesn't if the runs differ by a small part
 * of the memory, because a change of some MiB in some GiB would be invisible; its title says so.
 */
#include "sim/compare_plot_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/latency_curve.h"
#include "sim/metrics_list.h"

#define BARS_MAX 14

int compare_plot_orders(struct compare_input *in, const char *text, struct err *err)
{
	const cJSON *meta;
	unsigned largest = 0, i;
	double order;

	for (i = 0; i < in->runs_count; i++) {
		meta = cJSON_GetObjectItemCaseSensitive(in->comparison->runs[i].json, "meta");
		order = plot_number(meta, "max_order", -1);
		if (!(order >= 0 && order < ORDER_LIMIT))
			return err_set(err, ERR_TRACE,
				       "%s/run.json: meta.max_order is not from 0 to %d",
				       in->comparison->runs[i].dir, ORDER_LIMIT - 1);
		largest = (unsigned)u64_max(largest, (uint64_t)order);
	}
	return plot_parse_orders(&in->orders, text, largest, err);
}

/* One panel of lines over time. */
struct panel {
	char pattern[48]; /* of the columns that are added up */
	char title[PLOT_LABEL];
	double factor;   /* a column's unit to the axis' */
	double min, max; /* of all runs; max < min: nothing to draw */
};

static double panel_cell(const struct series *s, const struct panel *p, size_t row)
{
	double sum = NAN, value;
	size_t column;

	for (column = 0; column < s->columns_count; column++) {
		if (!metric_matches(p->pattern, s->names[column]))
			continue;
		value = series_cell(s, row, column) * p->factor;
		sum = isnan(sum) ? value : sum + value;
	}
	return sum;
}

/* Find the extent of @p. */
static void measure(const struct compare_input *in, struct panel *p)
{
	double value;
	unsigned run;
	size_t row;

	p->min = INFINITY;
	p->max = -INFINITY;
	for (run = 0; run < in->runs_count; run++) {
		for (row = 0; row < in->series[run].rows_count; row++) {
			value = panel_cell(&in->series[run], p, row);
			p->min = fmin(p->min, value);
			p->max = fmax(p->max, value);
		}
	}
}

/* The time axis of all runs; 1 with out->reason if there is nothing to draw over time. */
static int time_axis(const struct compare_input *in, struct plot_output *out, double *divisor)
{
	static const struct {
		double divisor;
		const char *label;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
	double last = 0;
	char label[PLOT_LABEL];
	unsigned run, i;
	long column;

	for (run = 0; run < in->runs_count; run++) {
		column = series_column(&in->series[run], "time_ns");
		if (column < 0 || in->series[run].rows_count < 2)
			continue;
		last = fmax(last, series_cell(&in->series[run], in->series[run].rows_count - 1,
					      (size_t)column));
	}
	if (!(last > 0)) {
		snprintf(out->reason, sizeof(out->reason), "no run has samples over time");
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(units) - 1 && last < 2 * units[i].divisor;)
		i++;
	*divisor = units[i].divisor;
	snprintf(label, sizeof(label), "simulated time (%s)", units[i].label);
	plot_set_string(out->vars, "x_label", label);
	fprintf(out->vars, "x_max = %.10g\n", last / units[i].divisor);
	return 0;
}

static void set_runs(const struct compare_input *in, struct plot_output *out)
{
	unsigned run;

	fprintf(out->vars, "lines_count = %u\narray label[%u]\n", in->runs_count, in->runs_count);
	for (run = 0; run < in->runs_count; run++)
		plot_set_element(out->vars, "label", run + 1, in->comparison->runs[run].name);
}

static void write_block(const struct series *s, const struct panel *panels, unsigned count,
			double divisor, FILE *data)
{
	long time = series_column(s, "time_ns");
	unsigned p;
	size_t row;

	for (row = 0; time >= 0 && row < s->rows_count; row++) {
		fprintf(data, "%.10g", series_cell(s, row, (size_t)time) / divisor);
		for (p = 0; p < count; p++)
			plot_cell(data, panel_cell(s, &panels[p], row));
		fputc('\n', data);
	}
	/* gnuplot counts blocks by their rows, so an empty one would shift the next. */
	if (time < 0 || !s->rows_count) {
		fputs("NaN", data);
		for (p = 0; p < count; p++)
			plot_cell(data, NAN);
		fputc('\n', data);
	}
	fputs("\n\n", data);
}

/* The panels are measured; @whole: their axes begin at 0. */
static int write_lines(const struct compare_input *in, struct plot_output *out,
		       const struct panel *panels, unsigned count, const char *y_label, bool whole)
{
	unsigned columns = count > 1 ? 2 : 1, p, run;
	double divisor, low, high, room;

	if (time_axis(in, out, &divisor))
		return 1;
	out->panel_rows = (count + columns - 1) / columns;
	set_runs(in, out);
	plot_set_string(out->vars, "y_label", y_label);
	fprintf(out->vars, "panels = %u\npanel_rows = %u\npanel_columns = %u\n", count,
		out->panel_rows, columns);
	fprintf(out->vars, "array panel_title[%u]\narray y_min[%u]\narray y_max[%u]\n", count,
		count, count);
	for (p = 0; p < count; p++) {
		low = whole ? 0 : panels[p].min;
		high = panels[p].max;
		room = fmax((high - low) * 0.06, fabs(high) * 1e-6);
		if (low > 0 && low < 0.5 * high)
			low = 0;
		low = low > 0 ? fmax(low - room, 0) : low;
		high = low > 0 ? high + room : plot_nice_ceiling(fmax(high * 1.02, 0.001));
		plot_set_element(out->vars, "panel_title", p + 1, panels[p].title);
		fprintf(out->vars, "y_min[%u] = %.10g\ny_max[%u] = %.10g\n", p + 1, low, p + 1,
			high);
	}
	for (run = 0; run < in->runs_count; run++)
		write_block(&in->series[run], panels, count, divisor, out->data);
	return 0;
}

int compare_plot_unusable_index(const struct compare_input *in, struct plot_output *out,
				struct err *err)
{
	struct panel panels[ORDER_LIMIT];
	unsigned count = 0, order;

	for (order = 0; order < ORDER_LIMIT; order++) {
		if (!(in->orders >> order & 1))
			continue;
		panels[count] = (struct panel){.factor = 1};
		snprintf(panels[count].pattern, sizeof(panels[count].pattern),
			 "order%u_unusable_index", order);
		snprintf(panels[count].title, sizeof(panels[count].title), "order %u", order);
		measure(in, &panels[count]);
		count += panels[count].max >= panels[count].min;
	}
	if (count)
		return write_lines(in, out, panels, count,
				   "unusable share of free memory (0 is best)", true);
	snprintf(out->reason, sizeof(out->reason),
		 "no series.csv has an orderN_unusable_index of the chosen orders");
	return 1;
}

int compare_plot_free_memory(const struct compare_input *in, struct plot_output *out,
			     struct err *err)
{
	struct panel panel = {.pattern = "*_free_pages", .factor = 1.0 / 256};

	measure(in, &panel);
	if (!(panel.max >= panel.min)) {
		snprintf(out->reason, sizeof(out->reason),
			 "no series.csv has a column ZONE_free_pages");
		return 1;
	}
	snprintf(panel.title, sizeof(panel.title), "all zones, without the per-CPU lists%s",
		 panel.min < 0.5 * panel.max ? "" : " (the axis does not begin at 0)");
	return write_lines(in, out, &panel, 1, "free memory (MiB)", false);
}

int compare_plot_pcp_contents(const struct compare_input *in, struct plot_output *out,
			      struct err *err)
{
	struct panel panel = {.pattern = "pcp_pages", .title = "all CPUs", .factor = 1};

	measure(in, &panel);
	if (!(panel.max > 0)) {
		snprintf(out->reason, sizeof(out->reason),
			 "no run has pages on per-CPU lists at any sample");
		return 1;
	}
	return write_lines(in, out, &panel, 1, "free pages on the lists (pages of 4 KiB)", true);
}

int compare_plot_object_memory(const struct compare_input *in, struct plot_output *out,
			       struct err *err)
{
	static const struct {
		const char *column, *title;
	} sums[] = {
		{"objects_held_bytes", "held in all"},
		{"objects_free_objects_bytes", "wasted: free objects in slabs"},
		{"objects_class_rounding_bytes", "wasted: class rounding"},
		{"objects_slab_tail_bytes", "wasted: tails of slabs"},
		{"objects_object_overhead_bytes", "wasted: overhead of objects"},
	};
	struct panel panels[ARRAY_SIZE(sums)];
	unsigned count = 0, i;

	for (i = 0; i < ARRAY_SIZE(sums); i++) {
		panels[count] = (struct panel){.factor = 1 / 0x1p20};
		snprintf(panels[count].pattern, sizeof(panels[count].pattern), "%s",
			 sums[i].column);
		snprintf(panels[count].title, sizeof(panels[count].title), "%s", sums[i].title);
		measure(in, &panels[count]);
		count += panels[count].max > 0;
	}
	if (count)
		return write_lines(in, out, panels, count, "memory (MiB)", false);
	snprintf(out->reason, sizeof(out->reason), "no run has objects at any sample");
	return 1;
}

/* One panel for each operation, one curve for each run. */
static void write_latencies(struct latency_curve (*curves)[COMPARE_PLOT_RUNS_MAX],
			    const char *const *titles, const struct compare_input *in,
			    double floor_share, struct plot_output *out)
{
	unsigned panel = 0, curve = 0, op, run, first;
	char figures[256];

	for (op = 0; op < 2; op++) {
		first = curve + 1;
		for (run = 0; run < in->runs_count; run++) {
			if (!curves[op][run].buckets_count)
				continue;
			curve++;
			plot_set_element(out->vars, "label", curve, in->comparison->runs[run].name);
			latency_curve_legend(&curves[op][run], figures, sizeof(figures));
			plot_set_element(out->vars, "figures", curve, figures);
			fprintf(out->vars, "color[%u] = %u\n", curve, run + 1);
			latency_curve_write(&curves[op][run], floor_share, out->data);
		}
		if (curve < first)
			continue;
		panel++;
		fprintf(out->vars, "first[%u] = %u\nlast[%u] = %u\n", panel, first, panel, curve);
		plot_set_element(out->vars, "panel_title", panel, titles[op]);
	}
}

/* Add up the operations of a panel, over all orders and paths; -1 if out of memory. */
static int collect(struct latency_curve *c, const cJSON *run, const char *const *ops)
{
	unsigned i;

	latency_curve_begin(c);
	for (i = 0; i < 2 && ops[i]; i++)
		if (latency_curve_add(c, run, ops[i], NULL))
			return -1;
	latency_curve_end(c);
	return 0;
}

/* Two panels, each of up to two kinds of operations. */
static int plot_latencies(const struct compare_input *in, const char *const (*ops)[2],
			  const char *const *titles, struct plot_output *out, struct err *err)
{
	struct latency_curve curves[2][COMPARE_PLOT_RUNS_MAX] = {0}, *c;
	double min_ns = INFINITY, max_ns = 0, count = 0, floor_share;
	unsigned op, run, found, panels = 0, total = 0;
	int result = -1;

	for (op = 0; op < 2; op++) {
		for (found = run = 0; run < in->runs_count; run++) {
			c = &curves[op][run];
			if (collect(c, in->comparison->runs[run].json, ops[op])) {
				err_set(err, ERR_IO, "out of memory");
				goto out;
			}
			if (!c->buckets_count)
				continue;
			found++;
			min_ns = fmin(min_ns, c->min_ns);
			max_ns = fmax(max_ns, c->max_ns);
			count = fmax(count, c->count);
		}
		total += found;
		panels += found > 0;
	}
	result = 1;
	snprintf(out->reason, sizeof(out->reason), "no run has latencies");
	if (!total)
		goto out;
	floor_share = latency_floor_share(count);
	out->panel_rows = panels;
	fprintf(out->vars, "panels = %u\narray panel_title[%u]\narray first[%u]\narray last[%u]\n",
		panels, panels, panels, panels);
	fprintf(out->vars, "array label[%u]\narray figures[%u]\narray color[%u]\n", total, total,
		total);
	fprintf(out->vars, "overlays = %u\nx_min = %.10g\nx_max = %.10g\ny_min = %.10g\n",
		in->runs_count, latency_axis_begin(min_ns), latency_axis_end(max_ns), floor_share);
	fprintf(out->data, "# latency (s), share of operations that took longer\n");
	write_latencies(curves, titles, in, floor_share, out);
	result = 0;
out:
	for (op = 0; op < 2; op++)
		for (run = 0; run < in->runs_count; run++)
			latency_curve_release(&curves[op][run]);
	return result;
}

int compare_plot_latency(const struct compare_input *in, struct plot_output *out, struct err *err)
{
	static const char *const ops[][2] = {{"alloc"}, {"free"}};
	static const char *const titles[] = {"allocating", "freeing"};

	return plot_latencies(in, ops, titles, out, err);
}

int compare_plot_object_latency(const struct compare_input *in, struct plot_output *out,
				struct err *err)
{
	static const char *const ops[][2] = {{"kmalloc", "cache_alloc"}, {"object_free"}};
	static const char *const titles[] = {"allocating objects", "freeing objects"};

	return plot_latencies(in, ops, titles, out, err);
}

/* "+61.0 %: worse", or the values if there is no percentage. */
static void bar_label(const struct compare_metric *m, unsigned run, char *buf, size_t size)
{
	enum compare_verdict verdict = compare_verdict(m, run);
	char value[32], change[32];

	if (verdict == COMPARE_MISSING) {
		snprintf(buf, size, "not there");
		return;
	}
	compare_format_change(m, run, change, sizeof(change));
	compare_format_value(m->values[run], value, sizeof(value));
	if (verdict == COMPARE_EQUAL)
		snprintf(buf, size, "equal");
	else
		snprintf(buf, size, "%s%s (%s)%s%s", isnan(compare_relative(m, run)) ? "0 to " : "",
			 isnan(compare_relative(m, run)) ? value : change,
			 isnan(compare_relative(m, run)) ? "new" : value, m->direction ? ", " : "",
			 m->direction ? compare_verdict_text(verdict) : "");
}

/* A block a run: place from above, change in percent (0 if it has none), label. */
int compare_plot_differences(const struct compare_input *in, struct plot_output *out,
			     struct err *err)
{
	const struct comparison *c = in->comparison;
	unsigned limit = (unsigned)u64_max(5, 28 / (in->runs_count - 1)), rows, run, row;
	const struct compare_metric *shown[BARS_MAX];
	char label[PLOT_LABEL], base[32];
	double percent, least = 0, most = 10;

	rows = (unsigned)compare_top(c, shown, u64_min(limit, BARS_MAX));
	while (rows && !shown[rows - 1]->differs)
		rows--;
	if (!rows) {
		snprintf(out->reason, sizeof(out->reason), "no metric differs");
		return 1;
	}
	set_runs(in, out);
	fprintf(out->vars, "rows = %u\narray metric[%u]\n", rows, rows);
	for (row = 0; row < rows; row++) {
		compare_format_value(shown[row]->values[0], base, sizeof(base));
		snprintf(label, sizeof(label), "%.56s (base %s)", shown[row]->key, base);
		plot_set_element(out->vars, "metric", row + 1, label);
	}
	for (run = 1; run < in->runs_count; run++) {
		for (row = 0; row < rows; row++) {
			percent = compare_relative(shown[row], run) * 100;
			percent = isfinite(percent) ? fmin(fmax(percent, -1e6), 1e6) : 0;
			least = fmin(least, percent);
			most = fmax(most, percent);
			bar_label(shown[row], run, label, sizeof(label));
			fprintf(out->data, "%u\t%.10g\t\"%s\"\n", row + 1, percent, label);
		}
		fputs("\n\n", out->data);
	}
	fprintf(out->vars, "x_min = %.10g\nx_max = %.10g\n", least, most);
	return 0;
}
