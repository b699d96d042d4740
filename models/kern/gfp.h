/*
 * gfp.h - allocation flags by Linux's names.
 *
 * Bit numbers follow Linux 6.18 (include/linux/gfp_types.h, without KASAN-HW and lockdep bits), so
 * numeric gfp values of LTTng-style traces decode too; text traces name them.
 */
#ifndef KERN_GFP_H
#define KERN_GFP_H

#include "kern/types.h"

#define GFP_BIT(n) ((gfp_t)1 << (n))

#define __GFP_DMA             GFP_BIT(0)
#define __GFP_HIGHMEM         GFP_BIT(1)
#define __GFP_DMA32           GFP_BIT(2)
#define __GFP_MOVABLE         GFP_BIT(3)
#define __GFP_RECLAIMABLE     GFP_BIT(4)
#define __GFP_HIGH            GFP_BIT(5)
#define __GFP_IO              GFP_BIT(6)
#define __GFP_FS              GFP_BIT(7)
#define __GFP_ZERO            GFP_BIT(8)
#define __GFP_DIRECT_RECLAIM  GFP_BIT(10)
#define __GFP_KSWAPD_RECLAIM  GFP_BIT(11)
#define __GFP_WRITE           GFP_BIT(12)
#define __GFP_NOWARN          GFP_BIT(13)
#define __GFP_RETRY_MAYFAIL   GFP_BIT(14)
#define __GFP_NOFAIL          GFP_BIT(15)
#define __GFP_NORETRY         GFP_BIT(16)
#define __GFP_MEMALLOC        GFP_BIT(17)
#define __GFP_COMP            GFP_BIT(18)
#define __GFP_NOMEMALLOC      GFP_BIT(19)
#define __GFP_HARDWALL        GFP_BIT(20)
#define __GFP_THISNODE        GFP_BIT(21)
#define __GFP_ACCOUNT         GFP_BIT(22)
#define __GFP_ZEROTAGS        GFP_BIT(23)
#define __GFP_NO_OBJ_EXT      GFP_BIT(24)
#define __GFP_RECLAIM         (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC           (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL           (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOWAIT           (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO             (__GFP_RECLAIM)
#define GFP_NOFS             (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER             (GFP_KERNEL | __GFP_HARDWALL)
#define GFP_HIGHUSER         (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)
#define GFP_TRANSHUGE_LIGHT                                                                        \
	((GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM)
#define GFP_TRANSHUGE (GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM)

/*
 * Parse "GFP_KERNEL|__GFP_ZERO" (a composite or flag name, or a 0x number, between bars; "none" and
 * "0" are no flags). @len bytes are read. Returns 0 and the flags, or -1 at an unknown name, whose
 * offset and length are then stored if @bad_off is not NULL.
 */
int gfp_parse(const char *text, size_t len, gfp_t *gfp, size_t *bad_off, size_t *bad_len);

/*
 * Write @gfp by name, largest composite first, into @buf (cut to @size); returns @buf. 192 bytes
 * hold every combination that a kernel uses.
 */
char *gfp_format(gfp_t gfp, char *buf, size_t size);

/* The migratetype a request's flags ask for (gfp_migratetype() of Linux). */
static inline enum migratetype gfp_migratetype(gfp_t gfp)
{
	if (gfp & __GFP_MOVABLE)
		return MIGRATE_MOVABLE;
	return gfp & __GFP_RECLAIMABLE ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
}

/* The highest zone a request may use (gfp_zone() of Linux). */
static inline enum zone_type gfp_zone(gfp_t gfp)
{
	if (gfp & __GFP_DMA)
		return ZONE_DMA;
	if (gfp & __GFP_DMA32)
		return ZONE_DMA32;
	if ((gfp & (__GFP_HIGHMEM | __GFP_MOVABLE)) == (__GFP_HIGHMEM | __GFP_MOVABLE))
		return ZONE_MOVABLE;
	return gfp & __GFP_HIGHMEM ? ZONE_HIGHMEM : ZONE_NORMAL;
}

#endif
