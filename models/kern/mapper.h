/*
 * mapper.h - how an allocator of virtual memory puts pages into the kernel's page tables. vmalloc
 * calls it, models/mm implements it.
 */
#ifndef KERN_MAPPER_H
#define KERN_MAPPER_H

#include "kern/env.h"

struct mapper;

struct mapper_ops {
	/*
	 * Map one page of 2^@order frames (0 or 9) from @pfn at @vaddr, both aligned, not mapped
	 * yet. 0, or -1: no page for a table; what was mapped before stays.
	 */
	int (*map)(struct mapper *m, struct env *env, uint64_t vaddr, pfn_t pfn, unsigned order);
	/* Remove a mapping; its frame, or PFN_NONE if there is none. TLBs may still have it. */
	pfn_t (*unmap)(struct mapper *m, struct env *env, uint64_t vaddr, unsigned *order);
	/* Afterwards no CPU's TLB has a translation of [start, end). */
	void (*flush)(struct mapper *m, struct env *env, uint64_t start, uint64_t end);
};

struct mapper {
	const struct mapper_ops *ops;
};

#endif
