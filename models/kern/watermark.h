/*
 * watermark.h - how much free memory a zone keeps back, and from whom.
 */
#ifndef KERN_WATERMARK_H
#define KERN_WATERMARK_H

#include "kern/physmem.h"

/*
 * Internal flags of one allocation attempt, Linux's ALLOC_*. The low two bits name the watermark.
 */
enum alloc_flags {
	ALLOC_WMARK_MASK = 0x03,
	ALLOC_NO_WATERMARKS = 0x04,
	ALLOC_OOM = 0x08,
	ALLOC_NON_BLOCK = 0x10,
	ALLOC_MIN_RESERVE = 0x20,
	ALLOC_NOFRAGMENT = 0x100,
	ALLOC_HIGHATOMIC = 0x200,
	ALLOC_KSWAPD = 0x800,
	ALLOC_RESERVES = ALLOC_HIGHATOMIC | ALLOC_MIN_RESERVE | ALLOC_NON_BLOCK | ALLOC_OOM,
};

struct watermark_params {
	uint64_t min_free_kbytes; /* UINT64_MAX: int_sqrt(16 * lowmem kB), clamped to 128..262144 */
	uint64_t scale_factor;     /* of 10000, at least 1 */
	uint64_t lowmem_reserve_ratio[ZONE_TYPES]; /* by zone type; 0: no reserve */
};

/*
 * Set watermarks and lowmem reserves of every zone from its managed pages and clear the boost, as
 * Linux does at boot and after each change of size. Returns the min_free_kbytes that was used.
 */
uint64_t watermark_setup(struct physmem *pm, const struct watermark_params *params);

/*
 * Raise the boost of @z after a fallback that mixes migratetypes. @boost_factor is
 * watermark_boost_factor, of 10000; 0 turns boosting off. Returns whether the boost is set now.
 */
bool watermark_boost(struct physmem *pm, struct zone *z, uint64_t boost_factor);

/* The mark a test with @flags compares with, boost included. */
static inline uint64_t watermark_mark(const struct zone *z, unsigned flags)
{
	return z->watermark_pages[flags & ALLOC_WMARK_MASK] + z->watermark_boost_pages;
}

/*
 * The part of Linux's __zone_watermark_ok() that counts pages: may a request of @order, whose
 * highest zone is @highest, take from a zone with @free free pages at @mark? The caller still has
 * to find a block that is large enough. Costs a few additions.
 */
static inline bool watermark_pages_ok(const struct zone *z, unsigned order, uint64_t mark,
				      enum zone_type highest, unsigned flags)
{
	int64_t free = (int64_t)z->free_pages - (int64_t)((UINT64_C(1) << order) - 1);
	if (!(flags & ALLOC_RESERVES))
		free -= (int64_t)z->free_highatomic_pages;
	int64_t min = (int64_t)mark;
	if (flags & ALLOC_MIN_RESERVE) {
		min -= min / 2;
		if (flags & ALLOC_NON_BLOCK)
			min -= min / 4;
	}
	if (flags & ALLOC_OOM)
		min -= min / 2;
	return free > min + (int64_t)z->lowmem_reserve_pages[highest];
}

#endif
