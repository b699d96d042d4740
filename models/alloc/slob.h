/*
 * slob.h - what slob.c keeps, for its checker (slob_check.c) and for tests that break it.
 */
#ifndef ALLOC_SLOB_H
#define ALLOC_SLOB_H

#include "alloc/object_allocator.h"
#include "kern/pagelist.h"

#define SLOB_UNIT_BYTES 2u
#define SLOB_PAGE_UNITS (PAGE_BYTES / SLOB_UNIT_BYTES)
#define SLOB_HEADER_BYTES                                                                          \
	8u /* before an object of a CACHE_KMALLOC cache; its first word: the size */

#define SLOB_WORD_BYTES 8u
#define SLOB_LINE_BYTES 64u

enum slob_pool_index { SLOB_SMALL, SLOB_MEDIUM, SLOB_LARGE, SLOB_POOLS };

enum slob_kind {
	SLOB_NOT_OURS,
	SLOB_POOL_PAGE, /* cut into objects of any cache */
	SLOB_BLOCK,     /* of a block that is one object */
};

/* One frame; Linux keeps it in struct page. */
struct slob_page {
	uint16_t free_units;
	uint16_t first;   /* unit of the first free block; SLOB_PAGE_UNITS: none */
	uint16_t objects; /* live ones */
	uint8_t kind;     /* enum slob_kind */
	uint8_t where;    /* its pool; of a block: the order */
};

/* A cache, or a pool. */
struct slob_cache {
	struct object_cache_stats stats; /* kept up to date, but for live objects of pools */
	char name[CACHE_NAME_SIZE];
	void (*ctor)(void *object, uint64_t object_size_bytes);
	uint64_t cut_bytes;            /* of an object, with what lies around it */
	struct pagelist blocks;        /* of a cache: objects that are blocks, by head page */
	struct pagelist partial, full; /* of a pool: pages with free units, and without */
	uint64_t used_units;           /* of a pool: taken; of a cache: taken of pools */
};

struct slob {
	struct object_allocator base;
	struct env_lock lock;
	struct slob_page *pages; /* by pfn */
	uint16_t *owner; /* by address / SLOB_UNIT_BYTES: at an object's start, 1 + index of its
			    cache; 0 elsewhere */
	struct slob_cache *caches[OBJECT_CACHES_LIMIT]; /* pools first; NULL: freed */
	unsigned caches_count;
	uint8_t cpu_nid[CPUS_LIMIT]; /* node of each CPU */
};

/* A free block, as it is written into its first units. */
struct slob_free {
	unsigned units, next; /* next: unit where the next one starts; SLOB_PAGE_UNITS: none */
};

/* As 16-bit words: units and next; a block of one unit holds minus next. */
static inline struct slob_free slob_read_free(const struct slob *s, pfn_t pfn, unsigned unit)
{
	const int16_t *w =
		(const int16_t *)(const void *)(s->base.pm->ram + pfn * PAGE_BYTES) + unit;
	if (w[0] > 0)
		return (struct slob_free){(unsigned)w[0], unit + 1 < SLOB_PAGE_UNITS
								  ? (uint16_t)w[1]
								  : SLOB_PAGE_UNITS + 1u};
	return (struct slob_free){1, (unsigned)-w[0]};
}

/* Can @f be the free block that starts at @unit? Neighbours that touch would have been joined. */
static inline bool slob_free_ok(unsigned unit, struct slob_free f)
{
	unsigned end = unit + f.units;
	return f.next <= SLOB_PAGE_UNITS &&
	       (end < f.next || (end == SLOB_PAGE_UNITS && f.next == SLOB_PAGE_UNITS));
}

static inline struct slob *slob_of(struct object_allocator *oa)
{
	return (struct slob *)oa;
}

static inline struct slob_cache *slob_cache_from(struct object_cache *cache)
{
	return (struct slob_cache *)cache;
}

static inline unsigned slob_units(uint64_t bytes)
{
	return (unsigned)((bytes + SLOB_UNIT_BYTES - 1) / SLOB_UNIT_BYTES);
}

static inline unsigned slob_order(uint64_t bytes)
{
	unsigned order = 0;
	while ((uint64_t)PAGE_BYTES << order < bytes)
		order++;
	return order;
}

static inline uint64_t slob_header_bytes(const struct slob_cache *c)
{
	return c->stats.flags & CACHE_KMALLOC ? SLOB_HEADER_BYTES : 0;
}

/* Units that the live object at @paddr takes from there on, its header left out. */
unsigned slob_object_units(const struct slob *s, const struct slob_cache *c, uint64_t paddr);

/* Members of slob's operations: see object_allocator.h. */
uint64_t slob_alloc(struct object_allocator *oa, struct env *env, struct object_cache *cache,
		    uint64_t bytes, gfp_t gfp, unsigned nid, enum alloc_failure *why);
void slob_free_object(struct object_allocator *oa, struct env *env, struct object_cache *cache,
		      uint64_t paddr);
struct object_cache *slob_cache_of(struct object_allocator *oa, uint64_t paddr,
				   uint64_t *start_paddr);
uint64_t slob_given_bytes(struct object_allocator *oa, struct object_cache *cache, uint64_t bytes);
int slob_check(struct object_allocator *oa, struct check_report *report);

#endif
