/*
 * plot_latency.c - how many operations took longer than a given time, by operation and path.
 *
 * The curve of a path is the complementary distribution function on two logarithmic axes: at height
 * 0.01 it crosses the latency that one operation in a hundred exceeds, which is p99. Tails, which a
 * linear share would press into its last pixel row, get as much room as the median.
 *
 * Pages, objects and the steps of programs have a picture each. Where paths are many, those that
 * say the same are one curve: object allocations by size and by cache are added up, and so are the
 * paths of large requests, which are blocks of pages.
 *
 * A step of a program that is no allocation of pages or objects takes no path: there each operation
 * is a curve.
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

#define OPS_MAX   2 /* kinds of operations that one panel adds up */
#define CURVES_MAX 7 /* in a panel */
#define PATHS_MAX 4 /* that one curve adds up */

/* A curve: the paths that it adds up, as the legend calls them. */
struct path_group {
	const char *label;
	const char *paths[PATHS_MAX];
	unsigned color;
	const char *op; /* in addition to the panel's; NULL: none */
};

struct panel_group {
	const char *title;
	const char *ops[OPS_MAX];
	struct path_group groups[CURVES_MAX];
};

#define PATH(name, color) {name, {name}, color, NULL}
#define PAGE_PATHS                                                                                 \
	{                                                                                          \
		PATH("pcp", 1), PATH("pcp_refill", 2), PATH("pcp_drain", 3), PATH("buddy", 4),     \
			PATH("failed", 5),                                                         \
	}

static const struct panel_group page_panels[] = {
	{"allocating", {"alloc"}, PAGE_PATHS},
	{"freeing", {"free"}, PAGE_PATHS},
};

/* Large requests take the paths of pages. */
#define SLAB_PATH(name, color) {name, {"slab_" name}, color, NULL}
#define OBJECT_PATHS(last)                                                                         \
	{                                                                                          \
		SLAB_PATH("fast", 1), SLAB_PATH("shared", 3), SLAB_PATH("cpu_partial", 6),         \
			SLAB_PATH("node_partial", 5), SLAB_PATH(last, 2),                          \
			{"large: pages", {"pcp", "pcp_refill", "pcp_drain", "buddy"}, 4, NULL},    \
			PATH("failed", 7),                                                         \
	}

static const struct panel_group object_panels[] = {
	{"allocating objects", {"kmalloc", "cache_alloc"}, OBJECT_PATHS("new")},
	{"freeing objects", {"object_free"}, OBJECT_PATHS("discard")},
};
#define PANELS ARRAY_SIZE(page_panels)

#define STEP(name, color) {name, {"none"}, color, name}

static const struct panel_group step_panels[] = {
	{"virtual memory",
	 {NULL},
	 {STEP("mmap", 1), STEP("munmap", 2), STEP("protect", 3), STEP("vmalloc", 4),
	  STEP("vfree", 5)}},
	{"accesses, locks and computing",
	 {NULL},
	 {STEP("touch", 1), STEP("lock", 2), STEP("unlock", 3), STEP("work", 4), STEP("idle", 5)}},
};

/* What is known after the curves were collected. */
struct extent {
	double min_ns, max_ns, count;
	unsigned panels, curves;
};

static void write_panel(struct latency_curve *curves, const struct panel_group *group,
			double floor_share, struct plot_output *out, unsigned *panel,
			unsigned *curve)
{
	unsigned first = *curve + 1, g;
	char figures[256];

	for (g = 0; g < CURVES_MAX; g++) {
		if (!curves[g].buckets_count)
			continue;
		(*curve)++;
		plot_set_element(out->vars, "label", *curve, group->groups[g].label);
		latency_curve_legend(&curves[g], figures, sizeof(figures));
		plot_set_element(out->vars, "figures", *curve, figures);
		fprintf(out->vars, "color[%u] = %u\n", *curve, group->groups[g].color);
		latency_curve_write(&curves[g], floor_share, out->data);
	}
	if (*curve < first)
		return;
	(*panel)++;
	fprintf(out->vars, "first[%u] = %u\nlast[%u] = %u\n", *panel, first, *panel, *curve);
	plot_set_element(out->vars, "panel_title", *panel, group->title);
}

static void write_all(struct latency_curve (*curves)[CURVES_MAX], const struct panel_group *panels,
		      const struct extent *extent, struct plot_output *out)
{
	double floor_share = latency_floor_share(extent->count);
	unsigned panel = 0, curve = 0, p;

	out->panel_rows = extent->panels;
	fprintf(out->vars, "panels = %u\narray panel_title[%u]\narray first[%u]\narray last[%u]\n",
		extent->panels, extent->panels, extent->panels, extent->panels);
	fprintf(out->vars, "array label[%u]\narray figures[%u]\narray color[%u]\n", extent->curves,
		extent->curves, extent->curves);
	fprintf(out->vars, "overlays = 0\nx_min = %.10g\nx_max = %.10g\ny_min = %.10g\n",
		latency_axis_begin(extent->min_ns), latency_axis_end(extent->max_ns), floor_share);
	fprintf(out->data, "# latency (s), share of operations that took longer\n");
	for (p = 0; p < PANELS; p++)
		write_panel(curves[p], &panels[p], floor_share, out, &panel, &curve);
}

/* One curve; 0, or -1 if out of memory. */
static int collect(struct latency_curve *c, const struct plot_input *in,
		   const struct panel_group *panel, const struct path_group *group)
{
	unsigned o, p;

	latency_curve_begin(c);
	if (group->op && latency_curve_add(c, in->run, group->op, group->paths[0]))
		return -1;
	for (o = 0; o < OPS_MAX && panel->ops[o]; o++)
		for (p = 0; p < PATHS_MAX && group->paths[p]; p++)
			if (latency_curve_add(c, in->run, panel->ops[o], group->paths[p]))
				return -1;
	latency_curve_end(c);
	return 0;
}

static int plot_panels(const struct plot_input *in, const struct panel_group *panels,
		       const char *what, struct plot_output *out, struct err *err)
{
	struct latency_curve curves[PANELS][CURVES_MAX] = {0}, *c;
	struct extent extent = {.min_ns = INFINITY};
	unsigned p, g, found;
	int result = -1;

	for (p = 0; p < PANELS; p++) {
		for (found = 0, g = 0; g < CURVES_MAX; g++) {
			c = &curves[p][g];
			if (collect(c, in, &panels[p], &panels[p].groups[g])) {
				err_set(err, ERR_NO_INPUT, "%s: out of memory", in->dir);
				goto out;
			}
			if (!c->buckets_count)
				continue;
			found++;
			extent.min_ns = fmin(extent.min_ns, c->min_ns);
			extent.max_ns = fmax(extent.max_ns, c->max_ns);
			extent.count = fmax(extent.count, c->count);
		}
		extent.curves += found;
		extent.panels += found > 0;
	}
	if (extent.curves)
		write_all(curves, panels, &extent, out);
	else
		snprintf(out->reason, sizeof(out->reason), "run.json has no latencies%s", what);
	result = extent.curves ? 0 : 1;
out:
	for (p = 0; p < PANELS; p++)
		for (g = 0; g < CURVES_MAX; g++)
			latency_curve_release(&curves[p][g]);
	return result;
}

int plot_latency(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	return plot_panels(in, page_panels, " of pages", out, err);
}

int plot_object_latency(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	return plot_panels(in, object_panels, " of objects", out, err);
}

int plot_step_latency(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	return plot_panels(in, step_panels, " of other steps of programs", out, err);
}
