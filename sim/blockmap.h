/*
 * blockmap.h - a set of disjoint free blocks that can be taken apart and put together, used to work
 * out a start state before an allocator is given it.
 */
#ifndef SIM_BLOCKMAP_H
#define SIM_BLOCKMAP_H

#include "kern/types.h"

struct blockmap {
	uint8_t *order_plus_1; /* by pfn: 0, or 1 + order of the block that begins here */
	pfn_t pfn_end;
	unsigned max_order;
};

/*
 * Empty, for pfns below @pfn_end. -1: the host lacks address space. Memory is used where touched.
 */
int blockmap_init(struct blockmap *b, pfn_t pfn_end, unsigned max_order);
void blockmap_release(struct blockmap *b);

/* Add a block that overlaps none. @merge: join it with free buddies. */
void blockmap_add(struct blockmap *b, pfn_t pfn, unsigned order, bool merge);
/* The block that holds page @pfn: its first pfn, and @order; PFN_NONE if there is none. */
pfn_t blockmap_find(const struct blockmap *b, pfn_t pfn, unsigned *order);
/* Is any page of the block in the map? */
bool blockmap_overlaps(const struct blockmap *b, pfn_t pfn, unsigned order);
/* Take all pages of the block out of the map, splitting larger blocks. */
void blockmap_remove(struct blockmap *b, pfn_t pfn, unsigned order);
/* Put all pages of the block into the map, merging; some may be there already. */
void blockmap_fill(struct blockmap *b, pfn_t pfn, unsigned order);

static inline bool blockmap_is_head(const struct blockmap *b, pfn_t pfn)
{
	return b->order_plus_1[pfn] != 0;
}

/* The first pfn from @pfn on, below @end, at which a block begins; @end if there is none. */
pfn_t blockmap_next(const struct blockmap *b, pfn_t pfn, pfn_t end);

#endif
