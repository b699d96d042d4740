/*
 * fidelity.c - see fidelity.h.
 */
#include "sim/fidelity.h"

#include <string.h>

#include "alloc/pcp.h"

static uint64_t distance(const struct free_counts *a, const struct free_counts *b)
{
	uint64_t sum = 0;
	for (unsigned o = 0; o < ORDER_LIMIT; o++)
		sum += a->blocks[o] > b->blocks[o] ? a->blocks[o] - b->blocks[o]
						   : b->blocks[o] - a->blocks[o];
	return sum;
}

void fidelity_score(struct fidelity *f, struct machine *m, const struct truth *truth,
		    const struct free_counts *start)
{
	memset(f, 0, sizeof(*f));
	f->zones_count = m->pm.zones_count;
	for (unsigned i = 0; i < f->zones_count; i++) {
		struct fidelity_zone *z = &f->zones[i];
		free_counts_zone(m->pa, i, &z->sim);
		z->start = start[i];
		z->truth.max_order = z->sim.max_order;
		for (unsigned o = 0; o < ORDER_LIMIT; o++) {
			z->truth.blocks[o] = truth->zones[i].free_blocks_end[o];
			z->true_blocks += z->truth.blocks[o];
		}
		z->error_blocks = distance(&z->sim, &z->truth);
		z->drift_blocks = distance(&z->start, &z->truth);
	}
}

/* A page left the free lists: by an event of its own, or by a fallback that took a whole block. */
static bool is_taken(const struct trace_rec *e, const struct trace_rec *before)
{
	if (e->kind == TRACE_PAGE_TAKEN)
		return true;
	return e->kind == TRACE_PAGE_EXTFRAG &&
	       !(before && before->kind == TRACE_PAGE_TAKEN && before->pfn == e->pfn);
}

static void count_recorded(struct fidelity *f, struct machine *m, const struct trace *trace,
			   uint64_t start_ns, uint64_t end_ns)
{
	for (uint64_t i = 0; i < trace->evidence_count; i++) {
		const struct trace_rec *e = &trace->evidence[i];
		bool cached = e->order < PCP_ORDERS || e->order == m->pm.pageblock_order;
		const struct zone *z = physmem_zone(&m->pm, e->pfn);
		if (e->time_ns < start_ns || e->time_ns >= end_ns || !z || !cached)
			continue;
		uint64_t pages = UINT64_C(1) << e->order;
		if (e->kind == TRACE_PAGE_DRAINED)
			f->zones[z->index].drained_pages_true += pages;
		else if (is_taken(e, i ? e - 1 : NULL))
			f->zones[z->index].refilled_pages_true += pages;
	}
}

void fidelity_traffic(struct fidelity *f, struct machine *m, const struct trace *trace,
		      uint64_t start_ns, uint64_t end_ns)
{
	count_recorded(f, m, trace, start_ns, end_ns);
	for (unsigned i = 0; i < f->zones_count; i++) {
		for (unsigned cpu = 0; cpu < m->cpus_count; cpu++) {
			struct page_pcp_stats s;
			if (!m->pa->ops->pcp_stats || !m->pa->ops->pcp_stats(m->pa, i, cpu, &s))
				continue;
			f->zones[i].refilled_pages_sim += s.refilled_pages;
			f->zones[i].drained_pages_sim += s.drained_pages;
		}
	}
}

static bool ratio(uint64_t part, uint64_t whole, double *out)
{
	if (!whole)
		return false;
	*out = (double)part / (double)whole;
	return true;
}

bool fidelity_error(const struct fidelity_zone *z, double *error)
{
	return ratio(z->error_blocks, z->true_blocks, error);
}

bool fidelity_drift(const struct fidelity_zone *z, double *drift)
{
	return ratio(z->drift_blocks, z->true_blocks, drift);
}

bool fidelity_skill(const struct fidelity_zone *z, double *skill)
{
	if (!ratio(z->error_blocks, z->drift_blocks, skill))
		return false;
	*skill = 1.0 - *skill;
	return true;
}
