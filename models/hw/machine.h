/*
 * machine.h - the datasheet of a machine: what its caches, TLBs, memory and interrupts are and
 * cost.
 *
 * Plain numbers, filled in by whoever describes a machine (sim: from `machine.*` of a
 * configuration); the models of this folder read them. Cycles are those of the CPU's clock.
 */
#ifndef HW_MACHINE_H
#define HW_MACHINE_H

#include "kern/types.h"

#define HW_NAME   32
#define HW_CACHES 4   /* levels of caches */
#define HW_TLBS   8   /* arrays of translations, over both levels */
#define HW_LINE   64u /* bytes of a cache line unless a cache says otherwise */
#define HW_AUTO   UINT64_MAX

enum hw_replacement {
	HW_LRU,  /* exact: the line used longest ago */
	HW_PLRU, /* tree of bits, ways a power of two */
};

/* Sizes of pages that a TLB entry may map. */
enum hw_page {
	HW_PAGE_4K,
	HW_PAGE_2M,
	HW_PAGE_1G,
	HW_PAGES,
};

static inline unsigned hw_page_shift(enum hw_page page)
{
	return 12 + 9 * (unsigned)page;
}

/* One level of caches for data, nearest to the CPU first. */
struct hw_cache {
	char name[HW_NAME];
	uint64_t size_bytes;     /* of one instance: ways * line * a power of two of sets */
	uint64_t ways;           /* >= 1; size / line: fully associative */
	uint64_t line_bytes;     /* a power of two, 16..256; the same on all levels */
	uint64_t latency_cycles; /* >= 1, load to use; more than the level before */
	uint64_t shared_by;      /* CPUs of one instance, numbered in a row; a multiple of the level
				    before's */
	enum hw_replacement replacement;
	bool inclusive; /* holds all that levels before it hold; what it evicts leaves them, too */
};

/* One array of a TLB. An access looks up all arrays of level 1, then all of level 2. */
struct hw_tlb {
	uint64_t level;   /* 1 or 2 */
	uint64_t entries; /* ways * a power of two of sets */
	uint64_t ways;    /* entries: fully associative */
	uint64_t pages;   /* bit p: holds entries of enum hw_page p */
	bool hashed;      /* sets by an XOR of page number bits, not by its low bits alone */
};

struct hw_machine {
	struct hw_cache caches[HW_CACHES];
	unsigned caches_count; /* 0: no caches and no TLBs are simulated */
	struct hw_tlb tlbs[HW_TLBS];
	unsigned tlbs_count;      /* 0: translation is free */
	uint64_t tlb_hit2_cycles; /* of looking level 2 of the TLB up, with success or not */
	/* Paging-structure caches: entries that skip to the PTE, the PMD, the PUD; 0: none. */
	uint64_t pwc_pde_entries, pwc_pdpte_entries, pwc_pml4e_entries;
	uint64_t walk_cycles;         /* a page walk; HW_AUTO: its references through the caches */
	uint64_t paging_levels;       /* 4 or 5 */
	enum hw_page direct_map_page; /* what the kernel maps all memory with */

	uint64_t dram_latency_ns;  /* of the CPU's own node; another's: times distance / 10 */
	uint64_t dram_bytes_per_s; /* of one node; 0: unlimited */
	/*
	 * Row by row, a row of a value for each node, as ACPI's SLIT: 10 to itself, symmetric;
	 * count: of values, nodes * nodes, or 0: 10 and 20.
	 */
	uint64_t distances[NODES_LIMIT * NODES_LIMIT];
	unsigned distances_count;

	/* A line, or a lock's, comes from another CPU: that shares a cache, of the node, beyond. */
	uint64_t transfer_cache_ns, transfer_node_ns, transfer_remote_ns;

	uint64_t ipi_send_ns;   /* initiator, for each target */
	uint64_t ipi_flight_ns; /* from sending to arrival; >= 1 */
	uint64_t interrupt_ns;  /* entering and leaving an interrupt */
	uint64_t tlb_flush_page_cycles, tlb_flush_all_cycles;
	uint64_t tlb_flush_ceiling_pages; /* more pages than this: one flush of everything */

	bool locks_unfair;          /* spin locks go to the nearest waiter */
	uint64_t context_switch_ns; /* a sleeping waiter: once to sleep, once to run again */
	uint64_t lock_wakeup_ns;    /* who hands over to a sleeper */
	uint64_t waiter_bytes;      /* memory of a sleeping waiter's record */
};

#endif
