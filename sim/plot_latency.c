/*
 * plot_latency.c - how many operations took longer than a given time, by operation and path.
 *
 * The curve of a path is the complementary distribution function on two logarithmic axes: at height
 * 0.01 it crosses the latency that one operation in a hundred exceeds, which is p99. Tails, which a
 * linear share would press into its last pixel row, get as much room as the median.
 *
 * Entries of one operation and path but of different orders are added up. Histogram buckets are
 * known by their upper edge; the curve falls to the next value at each edge, from the smallest
 * latency to the largest. Medians and tails in the legend come from the added-up histogram, so they
 * are upper edges too, at most the largest latency.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/latency_curve.h"
#include "sim/plot_data.h"

static const char *const paths[] = {"pcp", "pcp_refill", "pcp_drain", "buddy", "failed"};
static const char *const ops[] = {"alloc", "free"};

/* What is known after the curves were collected. */
struct extent {
	double min_ns, max_ns, count;
	unsigned panels, curves;
};

static void write_panel(struct latency_curve *curves, const char *op, const struct extent *extent,
			double floor_share, struct plot_output *out, unsigned *panel,
			unsigned *curve)
{
	unsigned first = *curve + 1, p;
	char figures[256];

	for (p = 0; p < ARRAY_SIZE(paths); p++) {
		if (!curves[p].buckets_count)
			continue;
		(*curve)++;
		plot_set_element(out->vars, "label", *curve, paths[p]);
		latency_curve_legend(&curves[p], figures, sizeof(figures));
		plot_set_element(out->vars, "figures", *curve, figures);
		fprintf(out->vars, "color[%u] = %u\n", *curve, p + 1);
		latency_curve_write(&curves[p], floor_share, out->data);
	}
	if (*curve < first)
		return;
	(*panel)++;
	fprintf(out->vars, "first[%u] = %u\nlast[%u] = %u\n", *panel, first, *panel, *curve);
	plot_set_element(out->vars, "panel_title", *panel,
			 strcmp(op, "alloc") ? "freeing" : "allocating");
}

static void write_all(struct latency_curve (*curves)[ARRAY_SIZE(paths)],
		      const struct extent *extent, struct plot_output *out)
{
	double floor_share = latency_floor_share(extent->count);
	unsigned panel = 0, curve = 0, o;

	out->panel_rows = extent->panels;
	fprintf(out->vars, "panels = %u\narray panel_title[%u]\narray first[%u]\narray last[%u]\n",
		extent->panels, extent->panels, extent->panels, extent->panels);
	fprintf(out->vars, "array label[%u]\narray figures[%u]\narray color[%u]\n", extent->curves,
		extent->curves, extent->curves);
	fprintf(out->vars, "overlays = 0\nx_min = %.10g\nx_max = %.10g\ny_min = %.10g\n",
		latency_axis_begin(extent->min_ns), latency_axis_end(extent->max_ns), floor_share);
	fprintf(out->data, "# latency (s), share of operations that took longer\n");
	for (o = 0; o < ARRAY_SIZE(ops); o++)
		write_panel(curves[o], ops[o], extent, floor_share, out, &panel, &curve);
}

int plot_latency(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct latency_curve curves[ARRAY_SIZE(ops)][ARRAY_SIZE(paths)] = {0};
	struct extent extent = {.min_ns = INFINITY};
	unsigned o, p, found;
	int result = -1;

	for (o = 0; o < ARRAY_SIZE(ops); o++) {
		for (found = 0, p = 0; p < ARRAY_SIZE(paths); p++) {
			if (latency_curve_collect(&curves[o][p], in->run, ops[o], paths[p])) {
				err_set(err, ERR_NO_INPUT, "%s: out of memory", in->dir);
				goto out;
			}
			if (!curves[o][p].buckets_count)
				continue;
			found++;
			extent.min_ns = fmin(extent.min_ns, curves[o][p].min_ns);
			extent.max_ns = fmax(extent.max_ns, curves[o][p].max_ns);
			extent.count = fmax(extent.count, curves[o][p].count);
		}
		extent.curves += found;
		extent.panels += found > 0;
	}
	if (extent.curves)
		write_all(curves, &extent, out);
	else
		snprintf(out->reason, sizeof(out->reason), "run.json has no latencies");
	result = extent.curves ? 0 : 1;
out:
	for (o = 0; o < ARRAY_SIZE(ops); o++)
		for (p = 0; p < ARRAY_SIZE(paths); p++)
			latency_curve_release(&curves[o][p]);
	return result;
}
