/*
 * import_live.h - which pages of a recording are allocated, by recorded page frame. Internal to the
 * import.
 */
#ifndef SIM_IMPORT_LIVE_H
#define SIM_IMPORT_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/types.h"
#include "kern/u64map.h"
#include "sim/trace.h"

/* A live block: a whole object, or what is left of one that was freed in part. */
struct live_block {
	uint32_t id;
	uint32_t offset; /* of this block in its object, pages */
	uint8_t order;
	uint8_t cpu; /* of the allocation */
	bool part;
	uint8_t slab_flags; /* enum trace_cache_flags of a cache whose slab this is */
};

/* Zeroed storage holds nothing. */
struct live_map {
	struct u64map blocks; /* first pfn -> packed live_block */
	uint64_t count_by_order[ORDER_LIMIT];
};

void live_release(struct live_map *live);

/* Add a block where no live one is. -1 if memory is short. */
int live_add(struct live_map *live, pfn_t pfn, struct live_block block);

/* The live block that contains the @order block at @pfn (aligned): its pfn, or PFN_NONE. */
pfn_t live_find(const struct live_map *live, pfn_t pfn, unsigned order, struct live_block *block);

/* The first live block that begins in [@pfn, @pfn_end): its pfn, or PFN_NONE. */
pfn_t live_find_inside(const struct live_map *live, pfn_t pfn, pfn_t pfn_end,
		       struct live_block *block);

/* Remove the block that begins at @pfn, which must be there. */
void live_remove(struct live_map *live, pfn_t pfn, const struct live_block *block);

/*
 * Cut the @order block at @pfn out of @block, which begins at @block_pfn and is larger: it is
 * removed and its other pages are added as parts. -1 if memory is short.
 */
int live_cut(struct live_map *live, pfn_t block_pfn, const struct live_block *block, pfn_t pfn,
	     unsigned order);

#endif
