/*
 * memory.h - all CPUs' caches and TLBs, and the memory behind them: what an access costs.
 *
 * One struct memory is the machine's; each CPU has a part of its own, which its struct env points
 * to. Levels of caches that one CPU has alone (shared_by 1), its TLBs and its page-walk caches
 * answer at once. Whatever goes beyond them, or needs other CPUs to lose their copies of a line, is
 * kept and done in sync(), when the CPU is synchronised with the others: see struct env_memory. All
 * of it is exact for a given order of synchronisations, and takes no memory of the simulated
 * machine.
 *
 *   access      L1 TLBs -> L2 TLBs -> page walk (reads table entries through the caches)
 *               caches of its own -> shared levels -> another CPU's copy, or a node's memory
 *
 * Cycles beyond a first-level hit go to env->cycles, and by cause to env->cycles_by: a first-level
 * hit is what the cost table (kern/env.h) already holds.
 */
#ifndef HW_MEMORY_H
#define HW_MEMORY_H

#include "hw/machine.h"
#include "kern/env.h"

struct memory;

struct memory_params {
	const struct hw_machine *hw; /* outlives the memory; checked by whoever reads it */
	unsigned cpus_count;
	const unsigned *cpu_nid; /* node of each CPU; outlives the memory */
	unsigned nodes_count;
	uint64_t cpu_khz;
	/* The node whose memory holds @paddr; NULL: node 0 has all. */
	unsigned (*nid_of)(void *arg, uint64_t paddr);
	void *nid_arg;
};

/* NULL: out of host memory. @params->hw has at least one cache. */
struct memory *memory_new(const struct memory_params *params);
void memory_free(struct memory *m);
/* What to put into @cpu's struct env as `memory`. */
struct env_memory *memory_of_cpu(struct memory *m, unsigned cpu);

/* --- virtual addresses (for models/mm) -------------------------------------------------------- */

/* Address spaces by number; entries of the kernel's are global. Numbers are never used again. */
#define SPACE_KERNEL 0u

struct tlb_entry {
	uint64_t vaddr; /* of the page */
	uint32_t space;
	enum hw_page page;
	pfn_t pfn; /* first of the page */
	bool writable;
};

/*
 * Translate @vaddr of @space for env's CPU; charges what level 2 takes. False: a miss, or a write
 * to a page that the entry has read-only (which is dropped): the caller walks its tables, and says
 * so with memory_walked(). Needs env->memory, like all of this section.
 */
bool memory_translate(struct env *env, uint32_t space, uint64_t vaddr, bool write,
		      struct tlb_entry *found);
/*
 * A page walk after a miss: it read the @count table entries at @entry_paddrs, root first (fewer if
 * paging-structure caches skip some), and found @entry, which the TLB holds from now on; NULL: no
 * translation, since the last of them is empty or allows too little.
 */
void memory_walked(struct env *env, uint32_t space, uint64_t vaddr, const uint64_t *entry_paddrs,
		   unsigned count, const struct tlb_entry *entry);
/* An access at a physical address whose translation is paid for: caches only. */
void memory_access(struct env *env, uint64_t paddr, uint64_t bytes, bool write);
/*
 * Drop this CPU's translations of @pages_count pages of size @page from @vaddr on in @space, one by
 * one; or all of the space's (SPACE_KERNEL: all there are). Charges their cost. Paging-structure
 * caches lose what belongs to @space, too.
 */
void memory_flush_pages(struct env *env, uint32_t space, uint64_t vaddr, uint64_t pages_count,
			enum hw_page page);
void memory_flush_all(struct env *env, uint32_t space);

/* --- figures ---------------------------------------------------------------------------------- */

/* Of one CPU, since it was made. */
struct memory_stats {
	uint64_t accesses_count;        /* of cache lines, page walks' among them */
	uint64_t hits_count[HW_CACHES]; /* answered by this level */
	uint64_t dram_local_count, dram_remote_count;
	uint64_t transfers_count[3]; /* another CPU's copy: sharing a cache, node, beyond */
	uint64_t upgrades_count;     /* writes that made others lose their copies */
	uint64_t invalidated_count;  /* lines lost to other CPUs' writes */
	uint64_t writebacks_count;   /* dirty lines to memory, of the instances it filled */
	uint64_t translations_count; /* TLB lookups */
	uint64_t tlb_hits_count[2];  /* by level */
	uint64_t walks_count, walk_refs_count; /* page walks; table entries that they read */
	uint64_t tlb_flushed_pages_count, tlb_flushes_count; /* single pages; everything */
	uint64_t cycles[CYCLE_CAUSES]; /* what all this cost: its part of env->cycles_by */
};
void memory_stats(const struct memory *m, unsigned cpu, struct memory_stats *stats);

/* Verify every invariant (memory.c states them); 0, or -1 with what is wrong in @text. */
int memory_check(const struct memory *m, char *text, size_t text_size);

#endif
