/*
 * address_space.h - a process's virtual memory: ranges (VMAs), page tables, faults, and what its
 * changes cost other CPUs' TLBs.
 *
 * Any CPU may use one. Ranges and tables are shared state: they change under locks, and are read
 * after env_sync(); a TLB hit needs neither.
 */
#ifndef MM_ADDRESS_SPACE_H
#define MM_ADDRESS_SPACE_H

#include "alloc/page_allocator.h"
#include "hw/memory.h"
#include "mm/pagetable.h"

struct address_space;

enum vma_flags {
	VMA_WRITE = 1, /* pages may be written */
	VMA_HUGE = 2,  /* faults try 2 MiB pages where they fit */
};

struct address_space_params {
	struct page_allocator *pa;
	const struct hw_machine *hw; /* paging_levels, costs of flushes */
	uint32_t space;              /* number, > SPACE_KERNEL, not used before */
	unsigned cpus_count;
	const unsigned *cpu_nid;
	bool batch_flushes; /* false: one shootdown for each page unmapped */
};

/* NULL: no page for the root table, or out of host memory. */
struct address_space *address_space_new(const struct address_space_params *p, struct env *env);
/* Unmaps all that is left. */
void address_space_free(struct address_space *as, struct env *env);

/* @bytes (rounded up to pages) at the lowest free place, 2 MiB-aligned with VMA_HUGE; 0: no room.
 */
uint64_t address_space_map(struct address_space *as, struct env *env, uint64_t bytes,
			   unsigned flags);
/* The same at a given page-aligned place that is free; false: it is not. */
bool address_space_map_at(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes,
			  unsigned flags);
/* Unmap [vaddr, vaddr + bytes), page-aligned; holes are fine. Flushes TLBs, frees pages, tables. */
void address_space_unmap(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes);
/* Make mapped memory in a page-aligned range writable or not; flushes TLBs if it lost rights. */
void address_space_protect(struct address_space *as, struct env *env, uint64_t vaddr,
			   uint64_t bytes, bool writable);
/*
 * Read or write memory as the CPU would: TLB, page walk, fault, caches. False: not mapped, no right
 * to, or no page to be had; counted.
 */
bool address_space_access(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes,
			  bool write);

struct address_space_stats {
	uint64_t vmas_count, mapped_pages, huge_pages; /* now; pages of 4 KiB, of 2 MiB */
	uint64_t tables_count[PAGETABLE_LEVELS];       /* now */
	uint64_t faults_count, huge_faults_count, huge_fallbacks_count, failed_count;
	uint64_t vma_merges_count, vma_splits_count;
	uint64_t shootdowns_count, shootdown_targets_count, shootdown_full_count;
	const struct env_lock *lock; /* of the ranges */
};
void address_space_stats(const struct address_space *as, struct address_space_stats *stats);
/* Verify every invariant (address_space.c states them); 0, or -1 with @report. */
int address_space_check(struct address_space *as, struct check_report *report);

#endif
