/*
 * kmalloc.h - memory by size: classes of object caches, and whole pages above the largest.
 *
 * Linux's classes are 8, 16, 32, 64, 96, 128, 192, 256, 512, 1k, 2k, 4k and 8k bytes; every class
 * has a cache for ordinary memory and one each for reclaimable, cgroup-accounted and DMA memory.
 */
#ifndef ALLOC_KMALLOC_H
#define ALLOC_KMALLOC_H

#include "alloc/object_allocator.h"

#define KMALLOC_CLASSES_LIMIT 64
/*
 * What a request of 0 bytes returns, like Linux's ZERO_SIZE_PTR: no address of any machine.
 * (Linux's 16 would be one here, where page 0 may be handed out.)
 */
#define KMALLOC_ZERO (UINT64_MAX - 15)

/* In order of precedence, highest last. */
enum kmalloc_kind { KMALLOC_NORMAL, KMALLOC_CGROUP, KMALLOC_RECLAIM, KMALLOC_DMA, KMALLOC_KINDS };

struct kmalloc_params {
	struct object_allocator *oa;    /* outlives the kmalloc */
	/* Ascending multiples of 8; 0: Linux's classes. */
	const uint32_t *classes_bytes;
	unsigned classes_count;
	/* The sheaf_capacity of the cache @name, see struct object_cache_params; NULL: all 0. */
	unsigned (*sheaf_capacity)(const void *arg, const char *name);
	const void *arg;
};

struct kmalloc_class {
	uint32_t bytes;
	struct object_cache *caches[KMALLOC_KINDS];
};

struct kmalloc {
	struct object_allocator *oa;
	struct kmalloc_class classes[KMALLOC_CLASSES_LIMIT];
	unsigned classes_count;
	uint8_t *class_of_eighth;      /* [(bytes + 7) / 8]: index of the class */
	uint64_t class_bytes_max;      /* larger requests go to the page allocator */
	/* Requests above the largest class. */
	uint64_t large_allocs_count, large_frees_count, large_failed_count;
	uint64_t large_live_count, large_live_pages;
	uint64_t zero_size_count;      /* requests of 0 bytes */
	uint64_t too_large_count;      /* requests that no block can hold */
};

/*
 * Make the caches of all classes. Returns 0, or -1 with @err: ERR_CONFIG for classes that are
 * none, unsorted, not multiples of 8, or larger than the largest slab.
 */
int kmalloc_init(struct kmalloc *km, const struct kmalloc_params *params, struct err *err);
void kmalloc_release(struct kmalloc *km);

/* The same check alone, for a configuration: *@bad is the index of the offending class. */
int kmalloc_check_classes(const uint32_t *classes_bytes, unsigned classes_count,
			  uint64_t largest_bytes, unsigned *bad, struct err *err);

/* Linux's classes, ascending, and how many they are: what is used if no others are given. */
const uint32_t *kmalloc_linux_classes(unsigned *count);

/*
 * @bytes of memory for CPU env->cpu. Returns its address, KMALLOC_ZERO for 0 bytes, or OBJECT_NONE
 * with the reason in @why (ALLOC_BAD_ORDER: more than the largest block). Sets env->path.
 */
uint64_t kmalloc_alloc(struct kmalloc *km, struct env *env, uint64_t bytes, gfp_t gfp, unsigned nid,
		       enum alloc_failure *why);
/*
 * Linux's kfree(): finds out by itself what @paddr is: nothing (KMALLOC_ZERO), an object of any
 * cache, or pages. Anything else is a bug.
 */
void kmalloc_free(struct kmalloc *km, struct env *env, uint64_t paddr);

/* The cache that serves such a request; NULL: pages, or nothing. */
struct object_cache *kmalloc_cache(const struct kmalloc *km, uint64_t bytes, gfp_t gfp);
/* Bytes that such a request really gets: the class, or whole pages; 0 for 0 and for too much. */
uint64_t kmalloc_given_bytes(const struct kmalloc *km, uint64_t bytes);

#endif
