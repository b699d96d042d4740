/*
 * hist.c - see hist.h.
 */
#include "kern/hist.h"

#include <string.h>

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum = to->sum + from->sum < to->sum ? UINT64_MAX : to->sum + from->sum;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t hist_bucket_max(unsigned index)
{
	unsigned sub = 1u << HIST_SUB_BITS;
	if (index < sub)
		return index;
	unsigned shift = (index >> HIST_SUB_BITS) - 1;
	uint64_t low = (uint64_t)(sub + (index & (sub - 1))) << shift;
	return low + ((UINT64_C(1) << shift) - 1);
}

uint64_t hist_quantile(const struct hist *h, unsigned per_mille)
{
	if (!h->count)
		return 0;
	/* The rank is rounded up, so the quantile of 1000 is the maximum. */
	uint64_t rank = h->count / 1000 * per_mille + (h->count % 1000 * per_mille + 999) / 1000;
	uint64_t seen = 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank && h->bucket[i]) {
			uint64_t top = hist_bucket_max(i);
			return top < h->max ? top : h->max;
		}
	}
	return h->max;
}
