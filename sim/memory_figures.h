/*
 * memory_figures.h - what is computed from the counters of caches and TLBs.
 */
#ifndef SIM_MEMORY_FIGURES_H
#define SIM_MEMORY_FIGURES_H

#include "hw/memory.h"

/* Sum up, but for cycles, which struct cycle_account has. */
void memory_stats_add(struct memory_stats *to, const struct memory_stats *from);

/*
 * Every access is answered by one of: a level of caches, a node's memory, another CPU's cache. So
 * these add up to accesses_count; 0 is the level nearest to the CPU.
 */
uint64_t memory_stats_transfers(const struct memory_stats *s);
/* Accesses that reached @level of the caches: all but what those before it answered. */
uint64_t memory_stats_accesses(const struct memory_stats *s, unsigned level);
uint64_t memory_stats_misses(const struct memory_stats *s, unsigned level);

#endif
