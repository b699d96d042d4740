/*
 * start_boot.c - a machine as it is after boot: see start_state.h.
 *
 * A trace that frees blocks which it never saw allocated was recorded on a machine where these were
 * in use. They are left out when the rest of memory is made free, so their later frees are real.
 */
#include <stdlib.h>

#include "sim/start_state.h"

static int compare_blocks(const void *a, const void *b)
{
	const struct trace_block *x = a, *y = b;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/* The trace's blocks in ascending order; NULL if memory is short or there are none. */
static struct trace_block *sorted_blocks(const struct trace *trace)
{
	struct trace_block *blocks = malloc(trace->preexisting_count * sizeof(*blocks));
	if (!blocks)
		return NULL;
	for (uint64_t i = 0; i < trace->preexisting_count; i++)
		blocks[i] = trace->preexisting[i];
	qsort(blocks, trace->preexisting_count, sizeof(*blocks), compare_blocks);
	return blocks;
}

static void boot_zone(struct machine *m, const struct zone *z, const struct trace_block *blocks,
		      uint64_t count, struct start_report *report)
{
	pfn_t at = z->start_pfn, end = z->start_pfn + z->managed_pages;
	for (uint64_t i = 0; i < count; i++) {
		pfn_t first = blocks[i].pfn, last = first + (UINT64_C(1) << blocks[i].order);
		if (first < at || last > end) /* not of this zone, or inside the one before */
			continue;
		m->pa->ops->add_range(m->pa, at, first);
		report->carved_blocks++;
		at = last;
	}
	m->pa->ops->add_range(m->pa, at, end);
}

int start_boot(struct machine *m, const struct trace *trace, struct start_report *report,
	       struct err *err)
{
	*report = (struct start_report){0};
	uint64_t count = trace ? trace->preexisting_count : 0;
	struct trace_block *blocks = count ? sorted_blocks(trace) : NULL;
	if (count && !blocks)
		return err_set(err, ERR_IO, "out of memory for the trace's blocks");
	for (unsigned i = 0; i < m->pm.zones_count; i++) {
		boot_zone(m, &m->pm.zones[i], blocks, count, report);
		free_counts_zone(m->pa, i, &report->free_start[i]);
	}
	for (uint64_t i = 0; i < count; i++)
		report->outside_blocks += physmem_zone(&m->pm, blocks[i].pfn) == NULL;
	free(blocks);
	return 0;
}
