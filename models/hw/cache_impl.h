/*
 * cache_impl.h - inside a struct cache: for cache.c, for memory.c's fast path, and for tests that
 * break a cache on purpose.
 */
#ifndef HW_CACHE_IMPL_H
#define HW_CACHE_IMPL_H

#include "hw/cache.h"

struct cache {
	uint64_t sets_mask; /* sets - 1 */
	unsigned ways;
	bool lru;            /* ways in order of use, latest first; else the tree below */
	unsigned tree_words; /* of one set */
	uint64_t *tags;      /* sets * ways: line + 1, 0: empty; untouched sets take no memory */
	uint8_t *flags;      /* enum line_flags and the owner's own, beside each tag */
	uint32_t *recent;    /* of each set: the way used last; always 0 with LRU */
	uint64_t *tree;      /* PLRU: bit n of a set's words is node n, 1: the victim is right */
};

static inline size_t cache_first(const struct cache *c, uint64_t line)
{
	return (size_t)(line & c->sets_mask) * c->ways;
}

/* The flags of @line if it is the one of its set that was used last: no order changes. */
static inline uint8_t *cache_recent(const struct cache *c, uint64_t line)
{
	size_t at = cache_first(c, line) + c->recent[line & c->sets_mask];
	return c->tags[at] == line + 1 ? &c->flags[at] : NULL;
}

/* The line will be looked up soon: let the host fetch what that takes. */
static inline void cache_prefetch(const struct cache *c, uint64_t line)
{
	size_t first = cache_first(c, line);
	for (unsigned way = 0; way < c->ways && way < 32; way += 8)
		__builtin_prefetch(&c->tags[first + way]);
	__builtin_prefetch(&c->flags[first]);
}

#endif
