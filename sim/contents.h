/*
 * contents.h - marks in the memory of allocated blocks, which tell if two owners share one.
 *
 * A block's first and last word name its object while it is allocated. If an allocator hands memory
 * out twice, the second owner's marks overwrite the first's, and the check at the free finds it.
 */
#ifndef SIM_CONTENTS_H
#define SIM_CONTENTS_H

#include "kern/physmem.h"

/* Reserve the machine's RAM, so that the functions below can't fail. -1 with @err. */
int contents_init(struct physmem *pm, struct err *err);
/*
 * Mark a block as @id's. @zeroed: it was asked for with __GFP_ZERO, so it is cleared first. Uses
 * host memory for the block's first and last page.
 */
void contents_write(struct physmem *pm, uint64_t id, pfn_t pfn, unsigned order, bool zeroed);
/* Is the block still marked as @id's? */
bool contents_check(struct physmem *pm, uint64_t id, pfn_t pfn, unsigned order);

/* The same for @bytes (any number) of memory at @paddr, which lie in one piece. */
void contents_write_bytes(struct physmem *pm, uint64_t id, uint64_t paddr, uint64_t bytes);
bool contents_check_bytes(struct physmem *pm, uint64_t id, uint64_t paddr, uint64_t bytes);

#endif
