/*
 * object_stack.h - the object allocator of a run, kmalloc on it, and the caches that the workload
 * names.
 */
#ifndef SIM_OBJECT_STACK_H
#define SIM_OBJECT_STACK_H

#include "alloc/kmalloc.h"
#include "alloc/object_allocator.h"
#include "kern/u64map.h"
#include "sim/config.h"
#include "sim/trace.h"
#include "sim/truth.h"

/* What only the workload knows of a cache. */
struct cache_slot {
	struct object_cache *cache;
	uint64_t live_requested_bytes; /* asked for by those who hold its objects */
	uint64_t requested_bytes;      /* by all allocations so far */
	/* By how much its objects exceed that; only with an allocator that has given_bytes(). */
	uint64_t live_rounding_bytes;
	struct object_cache_stats begin; /* see object_stack_begin() */
};

#define SLOT_LARGE 0 /* kmalloc above the largest class; other slots are a cache's index + 1 */

struct object_stack {
	struct object_allocator *oa; /* NULL: the workload has no objects */
	struct kmalloc km;
	/* By the index that operations carry; NULL: nothing is known of that cache but its name. */
	struct object_cache **caches;
	uint64_t *object_sizes; /* of these, bytes that users write */
	unsigned caches_count;
	bool pools;                    /* the allocator has caches with CACHE_POOL */
	struct cache_slot *slots;
	unsigned slots_count;
	struct u64map slot_of_cache; /* by the cache's host address: never iterated */
	/*
	 * Objects from before the start that the workload frees: recorded address -> simulated one.
	 */
	struct u64map start_objects;
};

/* Does the workload of @c allocate objects? @trace: NULL without one. */
bool object_stack_wanted(const struct config *c, const struct trace *trace);

/*
 * Make allocator, classes and caches: those of the recorded state @truth (NULL: none) first, in its
 * order, then those that @c defines and that @trace (NULL: none) names. @pa is fresh or in its
 * start state. Returns 0, or -1 with @err and nothing to release.
 */
int object_stack_init(struct object_stack *s, const struct config *c, struct page_allocator *pa,
		      unsigned cpus_count, const unsigned *cpu_nid, const struct trace *trace,
		      const struct truth *truth, struct err *err);
void object_stack_release(struct object_stack *s);

/* The slot of a cache; NULL means kmalloc's large requests. */
unsigned object_stack_slot(const struct object_stack *s, const struct object_cache *cache);
/* Its name, at most CACHE_NAME_SIZE bytes with the end; "kmalloc-large" for large requests. */
void object_stack_slot_name(const struct object_stack *s, unsigned slot, char *name);
/* The run begins: what was done to make the start state counts no more. */
void object_stack_begin(struct object_stack *s);
/* What ops->cache_stats says of the cache of @slot, its counters since object_stack_begin(). */
void object_stack_stats(const struct object_stack *s, unsigned slot,
			struct object_cache_stats *stats);
/* The cache of this name, or NULL. */
struct object_cache *object_stack_find(const struct object_stack *s, const char *name);

#endif
