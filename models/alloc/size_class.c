/*
 * size_class.c - the best size classes by dynamic programming: see size_class.h.
 *
 * Let c[1] < c[2] < ... < c[m] be the places where a class could be: the multiples of the grid that
 * some size is rounded up to. (A class anywhere else could be moved down to the next such place
 * and would waste less, or serves nobody.) If neighbouring classes are c[i] and c[j], then c[j]
 * serves the sizes in between, and wastes
 *
 *   w(i, j) = c[j] * (W[j] - W[i]) - (S[j] - S[i])
 *
 * where W and S are running sums of weights and of weights times sizes. The best that can be done
 * for the sizes above c[i] with k classes is
 *
 *   best(1, i) = w(i, m)        best(k, i) = min over j > i of  w(i, j) + best(k - 1, j)
 *
 * and the answer is best(k, 0); the largest class is always c[m]. It is computed from the top down,
 * so that following the smallest j from 0 upwards gives the set that is smallest in order.
 *
 * Example: 6, 8, 18, 22, 36, 40 and 60 bytes in parts of 15, 15, 40, 5, 10, 5 and 10 of 100, on
 * multiples of 8. Places are 8 24 40 64, so 4 classes waste 3.6 bytes a request, where 8 16 32 64
 * waste 10.8.
 *
 * All numbers are integers: the same input gives the same classes everywhere.
 */
#include "alloc/size_class.h"

#include <stdlib.h>
#include <string.h>

/* The places; [0] is 0, below all sizes. */
struct places {
	size_t count;           /* m */
	uint32_t *bytes;        /* c */
	uint64_t *weight, *sum; /* W, S */
};

static int by_bytes(const void *a, const void *b)
{
	const struct size_weight *x = a, *y = b;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static uint64_t round_up(uint32_t bytes, uint32_t grid)
{
	return grid ? ((uint64_t)bytes + grid - 1) / grid * grid : bytes;
}

/* Does every number that can come up fit 64 bits? */
static int check_sizes(const struct size_weight *sizes, size_t count, uint32_t grid,
		       struct err *err)
{
	uint64_t weight = 0, largest = 0, product;
	if (!count)
		return err_set(err, ERR_CONFIG, "no sizes to choose classes for");
	for (size_t i = 0; i < count; i++) {
		uint64_t place = round_up(sizes[i].bytes, grid);
		if (!place || place > UINT32_MAX)
			return err_set(err, ERR_CONFIG,
				       "a size of %u bytes; 1 to %llu are possible", sizes[i].bytes,
				       (unsigned long long)(UINT32_MAX / (grid ? grid : 1)) *
					       (grid ? grid : 1));
		largest = u64_max(largest, place);
		if (__builtin_add_overflow(weight, sizes[i].weight, &weight))
			return err_set(err, ERR_CONFIG, "the weights of sizes add up to 2^64");
	}
	if (__builtin_mul_overflow(weight, largest, &product))
		return err_set(err, ERR_CONFIG,
			       "the weights of sizes add up to %llu; with %llu bytes that is more "
			       "than 64 bits hold",
			       (unsigned long long)weight, (unsigned long long)largest);
	return 0;
}

/* @sorted ascends. */
static void fill_places(struct places *p, const struct size_weight *sorted, size_t count,
			uint32_t grid)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t place = (uint32_t)round_up(sorted[i].bytes, grid);
		if (place != p->bytes[p->count]) {
			p->count++;
			p->bytes[p->count] = place;
			p->weight[p->count] = p->weight[p->count - 1];
			p->sum[p->count] = p->sum[p->count - 1];
		}
		p->weight[p->count] += sorted[i].weight;
		p->sum[p->count] += sorted[i].weight * sorted[i].bytes;
	}
}

static uint64_t waste_between(const struct places *p, size_t i, size_t j)
{
	return p->bytes[j] * (p->weight[j] - p->weight[i]) - (p->sum[j] - p->sum[i]);
}

/* best[k * (m + 1) + i] and the smallest j behind it; k counts from 1. */
static void solve(const struct places *p, unsigned k_max, uint64_t *best, uint32_t *next)
{
	size_t m = p->count, row = m + 1;
	for (size_t i = 0; i < m; i++) {
		best[row + i] = waste_between(p, i, m);
		next[row + i] = (uint32_t)m;
	}
	for (unsigned k = 2; k <= k_max; k++) {
		/* At least k places have to be left above i. */
		for (size_t i = 0; i + k <= m; i++) {
			uint64_t least = UINT64_MAX;
			for (size_t j = i + 1; j + k - 1 <= m; j++) {
				uint64_t w = waste_between(p, i, j) + best[(k - 1) * row + j];
				if (w < least) {
					least = w;
					next[k * row + i] = (uint32_t)j;
				}
			}
			best[k * row + i] = least;
		}
	}
}

int size_classes_choose(const struct size_weight *sizes, size_t sizes_count, uint32_t grid_bytes,
			unsigned classes_max, uint32_t *classes, unsigned *classes_count,
			struct err *err)
{
	int ret = -1;
	if (check_sizes(sizes, sizes_count, grid_bytes, err) != 0)
		return -1;
	struct size_weight *sorted = malloc(sizes_count * sizeof(*sorted));
	struct places p = {
		.bytes = calloc(sizes_count + 1, sizeof(*p.bytes)),
		.weight = calloc(sizes_count + 1, sizeof(*p.weight)),
		.sum = calloc(sizes_count + 1, sizeof(*p.sum)),
	};
	uint64_t *best = NULL;
	uint32_t *next = NULL;
	if (!sorted || !p.bytes || !p.weight || !p.sum)
		goto out;
	memcpy(sorted, sizes, sizes_count * sizeof(*sorted));
	qsort(sorted, sizes_count, sizeof(*sorted), by_bytes);
	fill_places(&p, sorted, sizes_count, grid_bytes);
	unsigned k = (unsigned)u64_min(u64_max(classes_max, 1), p.count);
	best = calloc((size_t)k + 1, (p.count + 1) * sizeof(*best));
	next = calloc((size_t)k + 1, (p.count + 1) * sizeof(*next));
	if (!best || !next)
		goto out;
	solve(&p, k, best, next);
	*classes_count = k;
	for (size_t i = 0; k; k--) {
		i = next[k * (p.count + 1) + i];
		*classes++ = p.bytes[i];
	}
	ret = 0;
out:
	if (ret != 0)
		err_set(err, ERR_IO, "out of memory for choosing size classes");
	free(sorted);
	free(p.bytes);
	free(p.weight);
	free(p.sum);
	free(best);
	free(next);
	return ret;
}

void size_classes_waste(const struct size_weight *sizes, size_t sizes_count,
			const uint32_t *classes, unsigned classes_count,
			struct size_class_waste *waste)
{
	*waste = (struct size_class_waste){0};
	for (size_t i = 0; i < sizes_count; i++) {
		unsigned c = 0;
		while (c < classes_count && classes[c] < sizes[i].bytes)
			c++;
		if (c == classes_count) {
			waste->unserved_weight += sizes[i].weight;
			continue;
		}
		waste->weight += sizes[i].weight;
		waste->bytes += sizes[i].weight * sizes[i].bytes;
		waste->waste_bytes += sizes[i].weight * (classes[c] - sizes[i].bytes);
	}
}
