/*
 * pagetable.h - x86-64 page tables of 4 or 5 levels whose tables are pages of the simulated page
 * allocator, with entries in simulated RAM.
 *
 * Entries are shared by CPUs. Functions that change them say which lock they take; those that may
 * allocate or free pages may pause the CPU and are called without any spin lock.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "alloc/page_allocator.h"
#include "hw/machine.h"

#define PAGETABLE_LEVELS 5
#define PAGETABLE_LOCKS  16

struct pagetable {
	struct page_allocator *pa;
	struct physmem *pm;
	unsigned levels; /* 4 or 5 */
	pfn_t root;
	uint64_t tables_count[PAGETABLE_LEVELS]; /* [0]: of PTEs, [1]: of PMDs, ... */
	uint64_t mapped_count[HW_PAGES];         /* leaf entries by size of page */
	uint64_t deposits;                       /* 1 + the first table put by; 0: none */
	uint64_t deposits_count;
	struct env_lock locks[PAGETABLE_LOCKS]; /* spin locks; each for some 2 MiB regions */
};

enum pagetable_result {
	PAGETABLE_NO_PAGE = -1, /* no page for a table; nothing mapped, empty tables may be left */
	PAGETABLE_OK,
	PAGETABLE_TAKEN,    /* something is mapped there; a table is where a huge page should go */
	PAGETABLE_NO_TABLE, /* pagetable_set(): a table above the entry is missing */
};

/* What a walk of the tables found. */
struct walk {
	uint64_t entry_paddrs[PAGETABLE_LEVELS]; /* that were read, root first */
	unsigned count;
	enum hw_page page; /* at which it ended, found or not */
	pfn_t pfn;         /* first frame of the page, or PFN_NONE: not present */
	bool writable;
};

/* 0, or -1: no page for the root, or no host memory for RAM. */
int pagetable_init(struct pagetable *pt, struct page_allocator *pa, struct env *env,
		   unsigned levels, unsigned nid);
/* Free all tables; whoever mapped pages has unmapped them. */
void pagetable_release(struct pagetable *pt, struct env *env);

/* --- one page --------------------------------------------------------------------------------- */

/*
 * Map a page at @vaddr, aligned to its size. Takes locks, and pages for tables that are missing;
 * never PAGETABLE_NO_TABLE.
 */
enum pagetable_result pagetable_map(struct pagetable *pt, struct env *env, uint64_t vaddr,
				    pfn_t pfn, enum hw_page page, bool writable, unsigned nid);
/*
 * The same in two steps, for who has to look at something else under the lock: the tables above an
 * entry (0, or -1: no page), which others may remove until the lock is taken ...
 */
int pagetable_prepare(struct pagetable *pt, struct env *env, uint64_t vaddr, enum hw_page page,
		      unsigned nid);
/* ... and the entry. The caller holds the lock, or nobody else uses this entry. Never pauses. */
enum pagetable_result pagetable_set(struct pagetable *pt, struct env *env, uint64_t vaddr,
				    pfn_t pfn, enum hw_page page, bool writable);
/*
 * Remove a mapping; its first frame, or PFN_NONE. Tables stay until pagetable_trim(). Nobody else
 * uses this entry. Never pauses.
 */
pfn_t pagetable_unmap(struct pagetable *pt, struct env *env, uint64_t vaddr, enum hw_page *page);
/* Read the tables without cost or trace: what hardware would find. */
void pagetable_walk(const struct pagetable *pt, uint64_t vaddr, struct walk *w);

/* --- ranges ----------------------------------------------------------------------------------- */

struct pagetable_leaf {
	pfn_t pfn; /* first of the page */
	enum hw_page page;
};

/* What was changed and has to be flushed from TLBs. Zeroed storage is empty. */
struct pagetable_gather {
	uint64_t start, end;           /* pages that were changed lie in here */
	uint64_t count[HW_PAGES];      /* of them, by size */
	struct pagetable_leaf *leaves; /* pages that were unmapped, in order; the caller's */
	unsigned leaves_count, leaves_max;
};

/*
 * Remove mappings from @vaddr on, until @end or until @g is full; takes locks. Returns where it
 * stopped. A huge page lies inside the range as a whole.
 */
uint64_t pagetable_unmap_range(struct pagetable *pt, struct env *env, uint64_t vaddr, uint64_t end,
			       struct pagetable_gather *g);
/* Make what is mapped in [start, end) writable or not; @g gathers pages that changed. */
void pagetable_protect_range(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end,
			     bool writable, struct pagetable_gather *g);
/*
 * Unlink tables without entries that reach into [start, end). They are to be freed with
 * pagetable_free_tables() when no CPU may read them any more. 0: none. Callers exclude each other.
 */
uint64_t pagetable_unlink(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end);
void pagetable_free_tables(struct pagetable *pt, struct env *env, uint64_t unlinked);
/* Both, as free_pgtables() does. */
void pagetable_trim(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end);

/* --- splitting huge pages --------------------------------------------------------------------- */

/* Put a page by that a later split will need; 0, or -1: none to be had. */
int pagetable_deposit(struct pagetable *pt, struct env *env, unsigned nid);
/* Give back a page that was put by; there is one. */
void pagetable_withdraw(struct pagetable *pt, struct env *env);
/*
 * If @vaddr is in a page of 2 MiB, map its frames as 512 pages, with a table that was put by; takes
 * the lock. TLBs may still have the large translation. Returns the first frame, or PFN_NONE: there
 * is no such page.
 */
pfn_t pagetable_split(struct pagetable *pt, struct env *env, uint64_t vaddr);

/* --- looking ---------------------------------------------------------------------------------- */

typedef int (*pagetable_visit)(void *arg, uint64_t vaddr, const struct pagetable_leaf *leaf,
			       bool writable);
/*
 * Verify every invariant (pagetable.c states them) and @visit every leaf in order of addresses (not
 * sign-extended); stops if it returns other than 0. 0, or -1 with @report.
 */
int pagetable_check(const struct pagetable *pt, pagetable_visit visit, void *arg,
		    struct check_report *report);

/* Index of @vaddr in the table at @level (0: of PTEs). */
static inline unsigned pagetable_index(uint64_t vaddr, unsigned level)
{
	return (unsigned)(vaddr >> (12 + 9 * level)) & 511;
}

/* Bytes that one entry at @level maps. */
static inline uint64_t pagetable_span(unsigned level)
{
	return UINT64_C(1) << (12 + 9 * level);
}

static inline struct env_lock *pagetable_lock(struct pagetable *pt, uint64_t vaddr)
{
	return &pt->locks[(vaddr >> 21) % PAGETABLE_LOCKS];
}

#endif
