/*
 * latency_curve.c - a complementary distribution function of latencies, from run.json's histograms.
 *
 * Entries of one operation and path but of different orders are added up. Histogram buckets are
 * known by their upper edge; the curve falls to the next value at each edge, from the smallest
 * latency to the largest. Medians and tails in the legend come from the added-up histogram, so they
 * are upper edges too, at most the largest latency.
 */
#include "sim/latency_curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plot_data.h"

static int add_bucket(struct latency_curve *c, double upper_ns, double count)
{
	size_t room = c->room ? 2 * c->room : 128;
	struct latency_bucket *buckets;

	if (c->buckets_count == c->room) {
		buckets = realloc(c->buckets, room * sizeof(*buckets));
		if (!buckets)
			return -1;
		c->buckets = buckets;
		c->room = room;
	}
	c->buckets[c->buckets_count++] = (struct latency_bucket){upper_ns, count};
	c->count += count;
	return 0;
}

static int compare_buckets(const void *a, const void *b)
{
	double x = ((const struct latency_bucket *)a)->upper_ns,
	       y = ((const struct latency_bucket *)b)->upper_ns;

	return (x > y) - (x < y);
}

static int add_entry(struct latency_curve *c, const cJSON *entry)
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
	c->sum_ns += plot_number(entry, "mean_ns", 0) * plot_number(entry, "count", 0);
	c->min_ns = fmin(c->min_ns, plot_number(entry, "min_ns", INFINITY));
	c->max_ns = fmax(c->max_ns, plot_number(entry, "max_ns", 0));
	return 0;
}

void latency_curve_begin(struct latency_curve *c)
{
	*c = (struct latency_curve){.min_ns = INFINITY};
}

int latency_curve_add(struct latency_curve *c, const cJSON *run, const char *op, const char *path)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(run, "latency"))
	{
		if (strcmp(plot_text(entry, "op", ""), op) ||
		    (path && strcmp(plot_text(entry, "path", ""), path)))
			continue;
		if (add_entry(c, entry))
			return -1;
	}
	return 0;
}

void latency_curve_end(struct latency_curve *c)
{
	if (!c->buckets_count)
		return;
	qsort(c->buckets, c->buckets_count, sizeof(*c->buckets), compare_buckets);
	if (!(c->max_ns > 0))
		c->max_ns = c->buckets[c->buckets_count - 1].upper_ns;
	/* The axis is logarithmic and begins at 1 ns. */
	c->max_ns = fmax(c->max_ns, 1);
	c->min_ns = fmin(fmax(c->min_ns, 1), c->max_ns);
}

int latency_curve_collect(struct latency_curve *c, const cJSON *run, const char *op,
			  const char *path)
{
	latency_curve_begin(c);
	if (latency_curve_add(c, run, op, path))
		return -1;
	latency_curve_end(c);
	return 0;
}

static double edge(const struct latency_curve *c, size_t bucket)
{
	return fmin(fmax(c->buckets[bucket].upper_ns, c->min_ns), c->max_ns);
}

double latency_curve_quantile(const struct latency_curve *c, double share)
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

void latency_curve_write(const struct latency_curve *c, double floor_share, FILE *data)
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

void latency_curve_legend(const struct latency_curve *c, char *buf, size_t size)
{
	char count[32], p50[24], p99[24], p999[24], max[24];

	plot_format_count(count, sizeof(count), c->count);
	plot_format_ns(p50, sizeof(p50), latency_curve_quantile(c, 0.5));
	plot_format_ns(p99, sizeof(p99), latency_curve_quantile(c, 0.99));
	plot_format_ns(p999, sizeof(p999), latency_curve_quantile(c, 0.999));
	plot_format_ns(max, sizeof(max), c->max_ns);
	snprintf(buf, size, "%s; p50 %s, p99 %s, p99.9 %s, max %s", count, p50, p99, p999, max);
}

double latency_floor_share(double count)
{
	return fmin(fmax(pow(10, floor(log10(1 / count))), 1e-8), 1e-3);
}

double latency_axis_begin(double min_ns)
{
	return pow(10, floor(log10(min_ns)) - 9);
}

double latency_axis_end(double max_ns)
{
	return pow(10, floor(log10(max_ns)) - 8);
}

void latency_curve_release(struct latency_curve *c)
{
	free(c->buckets);
	*c = (struct latency_curve){0};
}
