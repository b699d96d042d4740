/*
 * pagetable.h - x86-64 page tables of 4 or 5 levels whose tables are pages of the simulated page
 * allocator, with entries in simulated RAM.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "alloc/page_allocator.h"
#include "hw/machine.h"

#define PAGETABLE_LEVELS 5

struct pagetable {
	struct page_allocator *pa;
	struct physmem *pm;
	unsigned levels; /* 4 or 5 */
	pfn_t root;
	uint64_t tables_count[PAGETABLE_LEVELS]; /* [0]: of PTEs, [1]: of PMDs, ... */
	uint64_t mapped_count[HW_PAGES];         /* leaf entries by size of page */
};

/* What a walk of the tables found. */
struct walk {
	uint64_t entry_paddrs[PAGETABLE_LEVELS]; /* that were read, root first */
	unsigned count;
	enum hw_page page; /* at which it ended, found or not */
	pfn_t pfn;         /* first frame of the page, or PFN_NONE: not present */
	bool writable;
};

/* 0, or -1: no page for the root. */
int pagetable_init(struct pagetable *pt, struct page_allocator *pa, struct env *env,
		   unsigned levels, unsigned nid);
/* Free all tables; whoever mapped pages has unmapped them. */
void pagetable_release(struct pagetable *pt, struct env *env);

/* Map a page at @vaddr, aligned to its size, not mapped yet. 0, or -1: no page for a table. */
int pagetable_map(struct pagetable *pt, struct env *env, uint64_t vaddr, pfn_t pfn,
		  enum hw_page page, bool writable, unsigned nid);
/* Remove a mapping; its first frame, or PFN_NONE. Tables stay until pagetable_trim(). */
pfn_t pagetable_unmap(struct pagetable *pt, struct env *env, uint64_t vaddr, enum hw_page *page);
/* Change whether a mapped page is writable; false: it is not mapped. */
bool pagetable_protect(struct pagetable *pt, struct env *env, uint64_t vaddr, bool writable,
		       enum hw_page *page);
/* Free tables without entries in [start, end), as free_pgtables() does. */
void pagetable_trim(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end);
/* Read the tables without cost or trace: what hardware would find. */
void pagetable_walk(const struct pagetable *pt, uint64_t vaddr, struct walk *w);

/* Index of @vaddr in the table at @level (0: of PTEs). */
static inline unsigned pagetable_index(uint64_t vaddr, unsigned level)
{
	return (unsigned)(vaddr >> (12 + 9 * level)) & 511;
}

#endif
