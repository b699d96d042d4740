/*
 * cache.h - one set-associative cache: tags, replacement, states. Knows nothing of other caches.
 */
#ifndef HW_CACHE_H
#define HW_CACHE_H

#include "hw/machine.h"

struct cache;

#define CACHE_NO_LINE UINT64_MAX

enum line_flags {
	LINE_DIRTY = 1,     /* memory is older */
	LINE_EXCLUSIVE = 2, /* no other private cache may hold it: a write needs to ask nobody */
};

/* NULL: out of host memory. Geometry as struct hw_cache says. */
struct cache *cache_new(const struct hw_cache *params);
void cache_free(struct cache *c);

/*
 * Look up line number @line (address / line bytes) and make it the most recently used. Returns its
 * flags, to be read and written through the pointer until the next call, or NULL.
 */
uint8_t *cache_lookup(struct cache *c, uint64_t line);
/* The same without a trace of having looked. */
uint8_t *cache_peek(const struct cache *c, uint64_t line);
/*
 * Put a line that is not there into the cache, most recently used. Returns the line that had to go,
 * with its flags in *@victim_flags, or CACHE_NO_LINE.
 */
uint64_t cache_insert(struct cache *c, uint64_t line, uint8_t flags, uint8_t *victim_flags);
/* Take a line out; its flags, or -1 if it was not there. */
int cache_remove(struct cache *c, uint64_t line);
/* Visit every line. */
void cache_walk(const struct cache *c, void (*visit)(void *arg, uint64_t line, uint8_t flags),
		void *arg);
/* Verify the invariants that cache.c states; 0, or -1 with what is wrong in @text. */
int cache_check(const struct cache *c, char *text, size_t text_size);

#endif
