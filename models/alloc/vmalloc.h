/*
 * vmalloc.h - memory that is contiguous in virtual addresses only: pages from anywhere, mapped in a
 * row, with a guard page behind. Lazy: a freed range keeps its addresses until enough has gathered;
 * one flush of all TLBs then serves for all of it. See vmalloc.c for the theory.
 */
#ifndef ALLOC_VMALLOC_H
#define ALLOC_VMALLOC_H

#include "alloc/kmalloc.h"
#include "alloc/page_allocator.h"
#include "kern/mapper.h"

#define VMALLOC_START UINT64_C(0xffffc90000000000) /* x86-64, 4 levels */
#define VMALLOC_END   UINT64_C(0xffffe90000000000)

struct vmalloc;

struct vmalloc_params {
	struct page_allocator *pa;
	struct kmalloc *km; /* for page arrays of at most a page; NULL: pages of pa */
	struct mapper *mapper;
	unsigned cpus_count;
	uint64_t start, end; /* addresses to give out; page-aligned */
	bool guard;          /* an unmapped page behind every range */
	bool huge;           /* map 2 MiB pages where a range has them */
	/* Freed pages that may wait for a flush; UINT64_MAX: Linux's formula. */
	uint64_t lazy_max_pages;
};

/* NULL: out of host memory. */
struct vmalloc *vmalloc_new(const struct vmalloc_params *params);
/* The end of a run: host memory alone; simulated pages and mappings stay as they are. */
void vmalloc_free_all(struct vmalloc *v);

/*
 * Allocate @bytes (>= 1). Returns the address, page-aligned, or 0 with the reason in @why (pages,
 * or ALLOC_NO_MEMORY for addresses) and nothing left behind.
 */
uint64_t vmalloc_alloc(struct vmalloc *v, struct env *env, uint64_t bytes, gfp_t gfp, unsigned nid,
		       enum alloc_failure *why);
/* Give back what vmalloc_alloc() returned; anything else is a bug. */
void vmalloc_free(struct vmalloc *v, struct env *env, uint64_t vaddr);
/* Linux's lazy_max_pages(): fls(CPUs) * 32 MiB. */
uint64_t vmalloc_lazy_max_pages(unsigned cpus_count);
/* Purge what waits: the flush, then the addresses are free again. Takes a sleeping lock. */
void vmalloc_purge(struct vmalloc *v, struct env *env);

struct vmalloc_stats {
	uint64_t areas_count, mapped_pages;  /* live; ranges that hold page arrays among them */
	uint64_t lazy_pages, lazy_max_pages; /* wait for a purge now; at most by the formula */
	uint64_t guard_pages;                /* addresses of live ranges' guards */
	uint64_t array_bytes;                /* of page arrays of live ranges */
	uint64_t allocs_count, frees_count, failed_count, purges_count;
	const struct env_lock *lock;
};
void vmalloc_stats(const struct vmalloc *v, struct vmalloc_stats *stats);
/* Verify every invariant (vmalloc.c states them); 0, or -1 with @report. */
int vmalloc_check(const struct vmalloc *v, struct check_report *report);

#endif
