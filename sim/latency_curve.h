/*
 * latency_curve.h - a complementary distribution function of latencies, from run.json's histograms.
 *
 * Private to the plot files.
 */
#ifndef SIM_LATENCY_CURVE_H
#define SIM_LATENCY_CURVE_H

#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

struct latency_bucket {
	double upper_ns, count;
};

/* Latencies of one operation and path, over all orders. */
struct latency_curve {
	struct latency_bucket *buckets;
	size_t buckets_count, room;
	double sum_ns;                /* of count operations */
	double count, min_ns, max_ns; /* at least 1 ns, for logarithmic axes */
};

/*
 * Add up the latencies of @op and @path (NULL: all paths) in the run.json @run. Without any,
 * buckets_count is 0. Returns 0, or -1 if out of memory; the caller releases @c in both cases.
 */
int latency_curve_collect(struct latency_curve *c, const cJSON *run, const char *op,
			  const char *path);
/* The same in steps, for several operations or paths: begin, add each, end. */
void latency_curve_begin(struct latency_curve *c);
int latency_curve_add(struct latency_curve *c, const cJSON *run, const char *op, const char *path);
void latency_curve_end(struct latency_curve *c);
void latency_curve_release(struct latency_curve *c);

/* The latency in ns that @share of the operations don't exceed; there are some. */
double latency_curve_quantile(const struct latency_curve *c, double share);

/* One block of lines "latency in s, share that took longer", not below @floor_share. */
void latency_curve_write(const struct latency_curve *c, double floor_share, FILE *data);

/* "1,234; p50 30 ns, p99 1.2 us, ..." */
void latency_curve_legend(const struct latency_curve *c, char *buf, size_t size);

/* Where the axes end: the smallest share that @count operations can show; in s, decades. */
double latency_floor_share(double count);
double latency_axis_begin(double min_ns);
double latency_axis_end(double max_ns);

#endif
