/*
 * kernel_map.h - the kernel's own page tables: what vmalloc maps into, and how a CPU reads it.
 */
#ifndef MM_KERNEL_MAP_H
#define MM_KERNEL_MAP_H

#include "hw/memory.h"
#include "kern/mapper.h"
#include "mm/pagetable.h"
#include "mm/tlbflush.h"

struct kernel_map_params {
	struct page_allocator *pa;
	const struct hw_machine *hw; /* paging_levels, costs of flushes */
	unsigned cpus_count;
	const unsigned *cpu_nid;
};

struct kernel_map {
	struct mapper mapper; /* for vmalloc */
	struct kernel_map_params p;
	struct pagetable pt;
	struct cpu_set cpus; /* all: entries are global */
	struct tlb_flush_stats flushes;
	/* By CPU, 1 + a 2 MiB region that it knows to have a table of PTEs; those never go. */
	uint64_t ready[CPUS_LIMIT];
};

/* 0, or -1: no page for the root table. */
int kernel_map_init(struct kernel_map *k, const struct kernel_map_params *params, struct env *env);
/* Everything that was mapped is unmapped. Frees the tables. */
void kernel_map_release(struct kernel_map *k, struct env *env);

/*
 * Read or write memory of the vmalloc range as the CPU would: TLB, page walk, caches. False: it is
 * not mapped (a guard page, freed memory), which ends the access.
 */
bool kernel_map_access(struct kernel_map *k, struct env *env, uint64_t vaddr, uint64_t bytes,
		       bool write);

#endif
