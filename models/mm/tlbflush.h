/*
 * tlbflush.h - TLB shootdown: making all CPUs that may hold a translation forget it.
 */
#ifndef MM_TLBFLUSH_H
#define MM_TLBFLUSH_H

#include "hw/memory.h"

struct tlb_flush_stats {
	uint64_t flushes_count; /* shootdowns, and flushes of the own TLB alone; none if @cpus is
				   empty */
	uint64_t targets_count; /* other CPUs interrupted, over all */
	uint64_t full_count;    /* beyond the ceiling: everything of the space */
};

/*
 * Make @pages_count pages of size @page from @vaddr on of @space unknown to the CPUs of @cpus,
 * env's own among them or not: one by one, or the whole space above hw's ceiling. @cpus may be
 * written by other CPUs and is read after env_sync(). Returns when all have; the caller holds no
 * spin lock.
 */
void tlb_flush_range(const struct hw_machine *hw, struct env *env, const struct cpu_set *cpus,
		     uint32_t space, uint64_t vaddr, uint64_t pages_count, enum hw_page page,
		     struct tlb_flush_stats *stats);

#endif
