/*
 * memory_figures.c - see memory_figures.h.
 */
#include "sim/memory_figures.h"

void memory_stats_add(struct memory_stats *to, const struct memory_stats *from)
{
	to->accesses_count += from->accesses_count;
	for (unsigned i = 0; i < HW_CACHES; i++)
		to->hits_count[i] += from->hits_count[i];
	to->dram_local_count += from->dram_local_count;
	to->dram_remote_count += from->dram_remote_count;
	for (size_t i = 0; i < ARRAY_SIZE(to->transfers_count); i++)
		to->transfers_count[i] += from->transfers_count[i];
	to->upgrades_count += from->upgrades_count;
	to->invalidated_count += from->invalidated_count;
	to->writebacks_count += from->writebacks_count;
	to->translations_count += from->translations_count;
	for (size_t i = 0; i < ARRAY_SIZE(to->tlb_hits_count); i++)
		to->tlb_hits_count[i] += from->tlb_hits_count[i];
	to->walks_count += from->walks_count;
	to->walk_refs_count += from->walk_refs_count;
	to->tlb_flushed_pages_count += from->tlb_flushed_pages_count;
	to->tlb_flushes_count += from->tlb_flushes_count;
}

uint64_t memory_stats_transfers(const struct memory_stats *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < ARRAY_SIZE(s->transfers_count); i++)
		sum += s->transfers_count[i];
	return sum;
}

uint64_t memory_stats_accesses(const struct memory_stats *s, unsigned level)
{
	uint64_t left = s->accesses_count;
	for (unsigned i = 0; i < level; i++)
		left -= s->hits_count[i];
	return left;
}

uint64_t memory_stats_misses(const struct memory_stats *s, unsigned level)
{
	return memory_stats_accesses(s, level) - s->hits_count[level];
}
