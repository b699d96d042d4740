/*
 * page_allocator.h - the contract between page allocators and whoever uses or examines one.
 *
 * A page allocator is one const struct page_allocator_ops, named once in models/meson.build. It
 * hands out blocks of 2^order page frames of a struct physmem, and does all its work through a
 * struct env.
 */
#ifndef ALLOC_PAGE_ALLOCATOR_H
#define ALLOC_PAGE_ALLOCATOR_H

#include "alloc/numastat.h"
#include "kern/env.h"
#include "kern/err.h"
#include "kern/gfp.h"
#include "kern/physmem.h"

#define PCP_AUTO UINT64_MAX

struct pcp_params {
	bool enabled;
	uint64_t batch_pages;    /* PCP_AUTO: the kernel's formula */
	uint64_t high_min_pages; /* PCP_AUTO likewise */
	uint64_t high_max_pages; /* PCP_AUTO likewise; equal to high_min: no tuning */
	uint64_t high_fraction;  /* 0, or percpu_pagelist_high_fraction */
};

struct page_allocator_params {
	struct physmem *pm;      /* outlives the allocator; watermarks are set */
	unsigned cpus_count;
	const unsigned *cpu_nid; /* node of each CPU */
	bool highatomic;         /* reserve pageblocks for high-order atomic requests */
	bool coalesce;
	unsigned split_steps_max; /* more splits than this for one request: not done */
	uint64_t watermark_boost_factor;
	struct pcp_params pcp;
};

/* Why an allocation found no page. */
enum alloc_failure {
	ALLOC_OK,
	ALLOC_NO_MEMORY,   /* fewer free pages than asked for in the zones allowed */
	ALLOC_FRAGMENTED,  /* enough free pages, but in blocks that are too small */
	ALLOC_WATERMARK,   /* a block is there, but kept back for more urgent requests */
	ALLOC_SPLIT_LIMIT, /* a block is there, but too large for the cap on splits */
	ALLOC_BAD_ORDER,   /* larger than the largest order */
	ALLOC_FAILURES,
};
extern const char *const alloc_failure_names[ALLOC_FAILURES];

/* A free block as a walk shows it. */
struct free_block {
	pfn_t pfn;
	unsigned order;
	enum migratetype migratetype; /* of the list it is on */
	unsigned zone;                /* index */
	int cpu; /* of the per-CPU list it is on, or -1: the zone's free lists */
};

/* Counters of one zone, since the allocator was made. */
struct page_zone_stats {
	uint64_t splits_count, merges_count;
	uint64_t claims_count; /* fallbacks that converted a pageblock */
	uint64_t steals_count; /* fallbacks that did not */
	uint64_t boosts_count; /* watermark boosts */
	uint64_t free_blocks[ORDER_LIMIT][MIGRATE_TYPES]; /* now, on the zone's free lists */
	const struct env_lock *lock;
};

/* One CPU's list of one zone. */
struct page_pcp_stats {
	uint64_t count_pages, high_pages, high_min_pages, high_max_pages, batch_pages;
	uint64_t refills_count, refilled_pages, drains_count, drained_pages;
};

struct page_allocator {
	const struct page_allocator_ops *ops;
	struct physmem *pm;
};

/* What check() found wrong; it stops at the first finding. */
struct check_report {
	char text[256]; /* "I3: free block 0x400 of order 2 ..." or empty */
};

struct page_allocator_ops {
	const char *name;
	const char *summary;

	/*
	 * NULL if the host is out of memory. All memory is in use until add_range() or add_block().
	 */
	struct page_allocator *(*new)(const struct page_allocator_params *params);
	void (*free)(struct page_allocator *pa);

	/*
	 * Boot: pages start..end-1 of one zone, in use until now, become free, at the lists' tails.
	 */
	void (*add_range)(struct page_allocator *pa, pfn_t start_pfn, pfn_t end_pfn);
	/*
	 * A recorded state: this block is free, at the tail of its lists, and not merged with
	 * others.
	 */
	void (*add_block)(struct page_allocator *pa, pfn_t pfn, unsigned order);
	/*
	 * A recorded state: this block, in use until now, lies in @cpu's list for @mt, at its tail.
	 * Optional; returns whether the allocator has such a list.
	 */
	bool (*add_cached)(struct page_allocator *pa, unsigned cpu, pfn_t pfn, unsigned order,
			   enum migratetype mt);
	/* A recorded state: the high mark that auto-tuning had reached. Optional. */
	void (*set_cached_high)(struct page_allocator *pa, unsigned cpu, unsigned zone,
				uint64_t high_pages);

	/*
	 * Allocate 2^@order pages for CPU env->cpu, preferring node @nid, then others in the order
	 * of its zonelist; with __GFP_THISNODE, from no other. Returns the first pfn, or
	 * PFN_NONE with the reason in @why. Sets env->path.
	 */
	pfn_t (*alloc_pages)(struct page_allocator *pa, struct env *env, unsigned order, gfp_t gfp,
			     unsigned nid, enum alloc_failure *why);
	/*
	 * Free a block that alloc_pages() returned, or one that was in use from the start (any
	 * aligned block of pages that are not free). Freeing what is free is a bug.
	 */
	void (*free_pages)(struct page_allocator *pa, struct env *env, pfn_t pfn, unsigned order);
	/*
	 * Make the block of @order at @pfn, which is a part of an allocated block, a block of its
	 * own, to be freed by itself. What is left of the larger block is in blocks, too.
	 */
	void (*split_allocated)(struct page_allocator *pa, pfn_t pfn, unsigned order);
	/*
	 * Is any page of the block free, cached or handed out by this allocator? False: all of it
	 * has been in use since before the start. Needs env_sync() before.
	 */
	bool (*knows)(struct page_allocator *pa, pfn_t pfn, unsigned order);
	/*
	 * Periodic work of one CPU (Linux: the vmstat worker's decay of per-CPU lists). Optional.
	 */
	void (*tick)(struct page_allocator *pa, struct env *env);

	/* Visit every free block: zones, then CPUs; each list from head to tail. */
	void (*walk)(struct page_allocator *pa, void (*visit)(void *arg, const struct free_block *),
		     void *arg);
	/* Verify every invariant; 0, or -1 with @report. Cost: proportional to the free blocks. */
	int (*check)(struct page_allocator *pa, struct check_report *report);
	void (*zone_stats)(struct page_allocator *pa, unsigned zone, struct page_zone_stats *stats);
	/* False if there is no such list. */
	bool (*pcp_stats)(struct page_allocator *pa, unsigned zone, unsigned cpu,
			  struct page_pcp_stats *stats);
	/* Which node's memory allocations got; the caller may count interleavings. Optional. */
	struct numastat *(*numastat)(struct page_allocator *pa);
};

/* Every registered page allocator, ended by NULL (generated from models/meson.build). */
extern const struct page_allocator_ops *const page_allocators[];
/* By name; NULL if unknown. */
const struct page_allocator_ops *page_allocator_find(const char *name);

#endif
