/*
 * hist.h - a histogram of unsigned 64-bit values with bounded relative error.
 *
 * Log-linear: values below 32 have a bucket each, above that every power of two is cut into 32
 * equal buckets, so a bucket is at most 1/32 (3.1 %) wide relative to its values. Count, sum,
 * minimum and maximum are exact. Adding costs one increment; histograms of shards add up exactly.
 */
#ifndef KERN_HIST_H
#define KERN_HIST_H

#include <stdint.h>

#define HIST_SUB_BITS 5
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count, sum, min, max; /* min is UINT64_MAX while empty; sum saturates */
	uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_merge(struct hist *to, const struct hist *from);

static inline unsigned hist_index(uint64_t v)
{
	if (v < (1u << HIST_SUB_BITS))
		return (unsigned)v;
	unsigned shift = 63u - (unsigned)__builtin_clzll(v) - HIST_SUB_BITS;
	return ((shift + 1) << HIST_SUB_BITS) + (unsigned)((v >> shift) - (1u << HIST_SUB_BITS));
}

/* Largest value that falls into bucket @index. */
uint64_t hist_bucket_max(unsigned index);

static inline void hist_add(struct hist *h, uint64_t v)
{
	h->count++;
	h->sum += v;
	if (h->sum < v)
		h->sum = UINT64_MAX;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->bucket[hist_index(v)]++;
}

/*
 * The value that @per_mille of the values do not exceed (500: the median; 999: p99.9): the upper
 * end of the bucket it lies in, never above the maximum. 0 for an empty histogram.
 */
uint64_t hist_quantile(const struct hist *h, unsigned per_mille);

#endif
