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

#include "sim/plot_data.h"

static const char *const paths[] = {"pcp", "pcp_refill", "pcp_drain", "buddy", "failed"};
static const char *const ops[] = {"alloc", "free"};

struct bucket {
	double upper_ns, count;
};

/* Latencies of one operation and path, over all orders. */
struct curve {
	struct bucket *buckets;
	size_t buckets_count, room;
	double count, min_ns, max_ns;
};

static int add_bucket(struct curve *c, double upper_ns, double count)
{
	size_t room = c->room ? 2 * c->room : 128;
	struct bucket *buckets;

	if (c->buckets_count == c->room) {
		buckets = realloc(c->buckets, room * sizeof(*buckets));
		if (!buckets)
			return -1;
		c->buckets = buckets;
		c->room = room;
	}
	c->buckets[c->buckets_count++] = (struct bucket){upper_ns, count};
	c->count += count;
	return 0;
}

static int compare_buckets(const void *a, const void *b)
{
	double x = ((const struct bucket *)a)->upper_ns, y = ((const struct bucket *)b)->upper_ns;

	return (x > y) - (x < y);
}

static int add_entry(struct curve *c, const cJSON *entry)
{
	const cJSON *pair, *upper, *count;

	cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(entry, "histogram"))
	{
		upper = cJSON_IsArray(pair) ? cJSON_GetArrayItem(pair, 0) : NULL;
		count = cJSON_IsArray(pair) ? cJSON_GetArrayItem(pair, 1) : NULL;
		if (cJSON_IsNumber(upper) && cJSON_IsNumber(count) && count->valuedouble > 0 &&
		    add_bucket(c, upper->valuedouble, count->valuedouble))
			return -1;
	}
	c->min_ns = fmin(c->min_ns, plot_number(entry, "min_ns", INFINITY));
	c->max_ns = fmax(c->max_ns, plot_number(entry, "max_ns", 0));
	return 0;
}

static int collect(const struct plot_input *in, const char *op, const char *path, struct curve *c)
{
	const cJSON *entry;

	*c = (struct curve){.min_ns = INFINITY};
	cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(in->run, "latency"))
	{
		if (strcmp(plot_text(entry, "op", ""), op) ||
		    strcmp(plot_text(entry, "path", ""), path))
			continue;
		if (add_entry(c, entry))
			return -1;
	}
	if (!c->buckets_count)
		return 0;
	qsort(c->buckets, c->buckets_count, sizeof(*c->buckets), compare_buckets);
	if (!(c->max_ns > 0))
		c->max_ns = c->buckets[c->buckets_count - 1].upper_ns;
	/* The axis is logarithmic and begins at 1 ns. */
	c->max_ns = fmax(c->max_ns, 1);
	c->min_ns = fmin(fmax(c->min_ns, 1), c->max_ns);
	return 0;
}

static double edge(const struct curve *c, size_t bucket)
{
	return fmin(fmax(c->buckets[bucket].upper_ns, c->min_ns), c->max_ns);
}

static double quantile(const struct curve *c, double share)
{
	double seen = 0;
	size_t i;

	for (i = 0; i < c->buckets_count; i++) {
		seen += c->buckets[i].count;
		if (seen >= share * c->count)
			return edge(c, i);
	}
	return c->max_ns;
}

static void write_curve(const struct curve *c, FILE *data, double floor_share)
{
	double above = c->count, share = 1;
	size_t i;

	fprintf(data, "%.10g\t1\n", c->min_ns / 1e9);
	for (i = 0; i < c->buckets_count; i++) {
		above -= c->buckets[i].count;
		fprintf(data, "%.10g\t%.10g\n", edge(c, i) / 1e9, share);
		share = i + 1 < c->buckets_count ? fmax(above / c->count, floor_share)
						 : floor_share;
		fprintf(data, "%.10g\t%.10g\n", edge(c, i) / 1e9, share);
	}
	fputs("\n\n", data);
}

static void legend(const struct curve *c, char *buf, size_t size)
{
	char count[32], p50[24], p99[24], p999[24], max[24];

	plot_format_count(count, sizeof(count), c->count);
	plot_format_ns(p50, sizeof(p50), quantile(c, 0.5));
	plot_format_ns(p99, sizeof(p99), quantile(c, 0.99));
	plot_format_ns(p999, sizeof(p999), quantile(c, 0.999));
	plot_format_ns(max, sizeof(max), c->max_ns);
	snprintf(buf, size, "%s; p50 %s, p99 %s, p99.9 %s, max %s", count, p50, p99, p999, max);
}

/* What is known after the curves were collected. */
struct extent {
	double min_ns, max_ns, count;
	unsigned panels, curves;
};

static void write_panel(struct curve *curves, const char *op, const struct extent *extent,
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
		legend(&curves[p], figures, sizeof(figures));
		plot_set_element(out->vars, "figures", *curve, figures);
		fprintf(out->vars, "color[%u] = %u\n", *curve, p + 1);
		write_curve(&curves[p], out->data, floor_share);
	}
	if (*curve < first)
		return;
	(*panel)++;
	fprintf(out->vars, "first[%u] = %u\nlast[%u] = %u\n", *panel, first, *panel, *curve);
	plot_set_element(out->vars, "panel_title", *panel,
			 strcmp(op, "alloc") ? "freeing" : "allocating");
}

static void write_all(struct curve (*curves)[ARRAY_SIZE(paths)], const struct extent *extent,
		      struct plot_output *out)
{
	double floor_share = pow(10, floor(log10(1 / extent->count)));
	unsigned panel = 0, curve = 0, o;

	floor_share = fmin(fmax(floor_share, 1e-8), 1e-3);
	out->panel_rows = extent->panels;
	fprintf(out->vars, "panels = %u\narray panel_title[%u]\narray first[%u]\narray last[%u]\n",
		extent->panels, extent->panels, extent->panels, extent->panels);
	fprintf(out->vars, "array label[%u]\narray figures[%u]\narray color[%u]\n", extent->curves,
		extent->curves, extent->curves);
	fprintf(out->vars, "x_min = %.10g\nx_max = %.10g\ny_min = %.10g\n",
		pow(10, floor(log10(extent->min_ns)) - 9),
		pow(10, floor(log10(extent->max_ns)) - 8), floor_share);
	fprintf(out->data, "# latency (s), share of operations that took longer\n");
	for (o = 0; o < ARRAY_SIZE(ops); o++)
		write_panel(curves[o], ops[o], extent, floor_share, out, &panel, &curve);
}

int plot_latency(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct curve curves[ARRAY_SIZE(ops)][ARRAY_SIZE(paths)] = {0};
	struct extent extent = {.min_ns = INFINITY};
	unsigned o, p, found;
	int result = -1;

	for (o = 0; o < ARRAY_SIZE(ops); o++) {
		for (found = 0, p = 0; p < ARRAY_SIZE(paths); p++) {
			if (collect(in, ops[o], paths[p], &curves[o][p])) {
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
			free(curves[o][p].buckets);
	return result;
}
