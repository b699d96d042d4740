/*
 * pfnset.h - a set of page frame numbers, as a sparse bitmap.
 *
 * One bit a frame in chunks of 16384 frames that exist once touched: a set that covers a 24 GiB
 * machine takes 0.8 MB, an empty one 2 MB of address space and no memory.
 */
#ifndef KERN_PFNSET_H
#define KERN_PFNSET_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/types.h"

struct pfnset {
	uint64_t **chunks;
	size_t chunks_end; /* none is used from here on */
};

/* Returns 0, or -1 if memory is short (then there is nothing to release). */
int pfnset_init(struct pfnset *set);
void pfnset_release(struct pfnset *set);

/*
 * Add the @pages frames from @pfn on. @pages is a power of two, @pfn a multiple of it and
 * pfn + pages <= PFN_END_LIMIT. Returns 1 if any of them was in the set already, 0 if none was, -1
 * if memory is short.
 */
int pfnset_add(struct pfnset *set, pfn_t pfn, uint64_t pages);
bool pfnset_has(const struct pfnset *set, pfn_t pfn);

#endif
