/*
 * slab.h - inside the object allocator "slab": what its files share. See slab.c for the theory.
 *
 *   slab.c        allocation and free: a CPU's array of free objects, refill, flush, reaping
 *   slab_node.c   a node's lists of slabs; new slabs and their end
 *   slab_layout.c object size, slab order, place of the index, colours
 *   slab_cache.c  caches: made, merged, dropped, shrunk; statistics and recorded slabs
 *   slab_debug.c  red zones and poison
 *   slab_check.c  invariants A1 to A8
 */
#ifndef ALLOC_SLAB_H
#define ALLOC_SLAB_H

#include <string.h>

#include "alloc/object_allocator.h"
#include "kern/rng.h"

#define SLAB_OBJECTS_LIMIT 65535 /* objects of one slab: what frames count */
#define SLAB_ARRAY_LIMIT   65536 /* entries of one array */
#define SLAB_SHARED_FACTOR 8     /* a node's shared array holds so many batches */
#define SLAB_RED_BYTES     8

/* --- layout (slab_layout.c) ------------------------------------------------------------------- */

/* Where a slab's index of free objects is kept. */
enum slab_index_place {
	SLAB_INDEX_ON_SLAB,   /* at the slab's end */
	SLAB_INDEX_IN_OBJECT, /* in one of its free objects; a full slab needs none */
	SLAB_INDEX_OFF_SLAB,  /* outside */
};

struct slab_layout {
	uint64_t object_size_bytes;
	uint64_t size_bytes; /* stride */
	uint64_t align_bytes;
	uint64_t left_pad_bytes; /* of each stride, before the object: with red zones */
	unsigned flags;          /* enum cache_flags that are in force */
	unsigned order, objects_count;
	enum slab_index_place index_place;
	unsigned index_entry_bytes; /* 1 or 2 */
	uint64_t left_bytes;        /* of a slab, used by neither objects nor index */
	uint64_t colour_off_bytes;
	unsigned colours_count; /* >= 1 */
};

/* The limits within which an order is chosen. */
struct slab_order_limits {
	unsigned min_order, max_order; /* wished for */
	unsigned largest_order;        /* that the machine has */
};

/*
 * Objects of @size_bytes in a slab of @order whose index lies at @place; *@left_bytes is the rest.
 */
unsigned slab_layout_objects(uint64_t size_bytes, unsigned order, enum slab_index_place place,
			     uint64_t *left_bytes);
/*
 * The smallest order that wastes at most an eighth, for this place of the index. Fills order,
 * objects_count and left_bytes of @l, whose sizes and flags are set. False: no slab can hold one.
 */
bool slab_layout_order(struct slab_layout *l, enum slab_index_place place,
		       const struct slab_order_limits *limits);
/*
 * Lay out the slabs of a cache. Returns 0, or -1 with @err (ERR_CONFIG) for what no slab can hold
 * and for recorded layouts that contradict themselves.
 */
int slab_layout_choose(struct slab_layout *l, const struct object_cache_params *params,
		       unsigned flags, const struct slab_order_limits *limits, struct err *err);
/* The alignment of objects that Linux uses for such a request. */
uint64_t slab_layout_align(const struct object_cache_params *params);

/* --- state ------------------------------------------------------------------------------------ */

enum slab_list_kind {
	SLAB_NO_LIST, /* new, not yet on a list */
	SLAB_PARTIAL,
	SLAB_FULL,
	SLAB_EMPTY,
	SLAB_LISTS,
	SLAB_TAIL_PAGE = SLAB_LISTS, /* a later page of a slab */
};

/* Beside each page frame, all zero where there is no slab. 16 bytes: see the assertion below. */
struct slab_frame {
	uint32_t next, prev;    /* pfns of list neighbours; in tail pages, next is the first page */
	uint16_t cache_id : 13; /* index of its cache + 1; 0: no slab */
	uint16_t list : 3;      /* enum slab_list_kind */
	uint16_t active;        /* objects that were taken out: live, or in arrays */
	uint16_t holder;        /* the object in which the index lies, if it lies in one */
	uint16_t colour;        /* objects start at colour * colour_off_bytes */
};
_Static_assert(sizeof(struct slab_frame) == 16, "four frames to a cache line");
_Static_assert(OBJECT_CACHES_LIMIT < 1 << 13, "cache_id holds every index + 1");

struct slab_queue {
	uint32_t head, tail; /* pfns, or PAGE_LINK_NONE */
	uint64_t count;
};

/* Free objects at hand, oldest first; taken from the end. */
struct slab_array {
	unsigned avail, limit, batch;
	bool touched;      /* used since the reaper last looked */
	uint64_t *entries; /* limit addresses */
};

struct slab_node {
	struct env_lock lock;                /* for everything here */
	struct slab_queue lists[SLAB_LISTS]; /* SLAB_PARTIAL, SLAB_FULL, SLAB_EMPTY */
	struct slab_array shared;
	uint64_t free_objects; /* in slabs */
	uint64_t free_limit;   /* more than this: empty slabs go back */
	unsigned colour_next;
	bool empty_touched; /* an empty slab was used since the reaper last looked */
};

struct slab_cache {
	struct slab_layout layout;
	char name[CACHE_NAME_SIZE];
	unsigned index, refs_count;
	void (*ctor)(void *object, uint64_t object_size_bytes);
	unsigned array_limit, batch;
	uint64_t empty_slabs_max;  /* SLAB_AUTO: free_limit decides */
	struct slab_array *arrays; /* by CPU */
	struct slab_node *nodes;   /* by nid */
	uint64_t *entries;         /* of all arrays */
	uint8_t *index_arena;      /* indexes off slab: for slab n of the machine at n * stride */
	uint64_t index_arena_bytes;
	struct rng rng;                     /* of shuffled slabs */
	struct object_cache_stats counters; /* only those since the cache was made */
	uint64_t slabs_count, live_count;
};

struct slab_allocator {
	struct object_allocator base;
	struct object_allocator_params params;
	struct slab_frame *frames; /* by pfn; reserved, touched where slabs are */
	uint64_t frames_bytes;
	unsigned nodes_count;
	unsigned *node_home;       /* by nid: itself, or where its memory comes from */
	unsigned *cpu_home;        /* by CPU */
	uint64_t *node_cpus_count; /* by nid */
	uint64_t *ticks_count;     /* by CPU */
	struct slab_cache *caches[OBJECT_CACHES_LIMIT];
	unsigned caches_count; /* ever made */
	/* For examining: the addresses in a cache's arrays; a bit for each object of a slab. */
	uint64_t *scratch;
	uint64_t scratch_capacity, scratch_count;
	uint64_t scratch_bits[(SLAB_OBJECTS_LIMIT + 64) / 64];
};

static inline struct slab_allocator *to_slab(struct object_allocator *oa)
{
	return (struct slab_allocator *)oa;
}

static inline struct slab_cache *to_slab_cache(struct object_cache *cache)
{
	return (struct slab_cache *)cache;
}

static inline uint64_t slab_bytes(const struct slab_layout *l)
{
	return (uint64_t)PAGE_BYTES << l->order;
}

/* First pfn of the slab of @c around @pfn, or PFN_NONE. */
static inline pfn_t slab_first(const struct slab_allocator *sa, const struct slab_cache *c,
			       pfn_t pfn)
{
	if (pfn >= sa->base.pm->pfn_end || sa->frames[pfn].cache_id != c->index + 1)
		return PFN_NONE;
	return sa->frames[pfn].list == SLAB_TAIL_PAGE ? sa->frames[pfn].next : pfn;
}

/* Address of object @i of the slab at @pfn. */
static inline uint64_t slab_object(const struct slab_allocator *sa, const struct slab_cache *c,
				   pfn_t pfn, unsigned i)
{
	const struct slab_layout *l = &c->layout;
	return (pfn << PAGE_SHIFT) + sa->frames[pfn].colour * l->colour_off_bytes +
	       i * l->size_bytes + l->left_pad_bytes;
}

/* The stride of the slab at @pfn in which @paddr lies; objects_count or more: in none. */
static inline unsigned slab_object_number(const struct slab_allocator *sa,
					  const struct slab_cache *c, pfn_t pfn, uint64_t paddr)
{
	const struct slab_layout *l = &c->layout;
	uint64_t start = (pfn << PAGE_SHIFT) + sa->frames[pfn].colour * l->colour_off_bytes;
	if (paddr < start)
		return UINT32_MAX;
	return (uint32_t)(paddr - start) / (uint32_t)l->size_bytes;
}

/* The index of the slab at @pfn, objects_count entries. In an object: only if one is free. */
static inline uint8_t *slab_index(const struct slab_allocator *sa, const struct slab_cache *c,
				  pfn_t pfn)
{
	const struct slab_layout *l = &c->layout;
	uint64_t bytes = (uint64_t)l->objects_count * l->index_entry_bytes;
	if (l->index_place == SLAB_INDEX_OFF_SLAB)
		return c->index_arena + (pfn >> l->order) * bytes;
	uint64_t paddr = l->index_place == SLAB_INDEX_IN_OBJECT
				 ? slab_object(sa, c, pfn, sa->frames[pfn].holder)
				 : (pfn << PAGE_SHIFT) + slab_bytes(l) - bytes;
	return sa->base.pm->ram + paddr;
}

static inline unsigned slab_index_get(const struct slab_cache *c, const uint8_t *index, unsigned i)
{
	uint16_t wide;
	if (c->layout.index_entry_bytes == 1)
		return index[i];
	memcpy(&wide, index + 2 * (size_t)i, sizeof(wide));
	return wide;
}

static inline void slab_index_set(const struct slab_cache *c, uint8_t *index, unsigned i,
				  unsigned number)
{
	uint16_t wide = (uint16_t)number;
	if (c->layout.index_entry_bytes == 1)
		index[i] = (uint8_t)number;
	else
		memcpy(index + 2 * (size_t)i, &wide, sizeof(wide));
}

/* --- slabs of a node (slab_node.c) ------------------------------------------------------------ */

void slab_queue_init(struct slab_queue *list);
/* Put the slab on the list that suits what it holds, at the tail or head. Under the lock. */
void slab_queue_add(struct slab_allocator *sa, struct slab_node *n, pfn_t pfn,
		    enum slab_list_kind kind, bool tail);
void slab_queue_remove(struct slab_allocator *sa, struct slab_node *n, pfn_t pfn);

/* The node that the memory of @pfn belongs to. */
unsigned slab_nid(const struct slab_allocator *sa, pfn_t pfn);

/* Take up to @count objects of node @n: partial slabs first, then empty ones. Under the lock. */
unsigned slab_node_take(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
			struct env *env, uint64_t *objects, unsigned count);
/*
 * Put @count objects back and take out the empty slabs that are too many. Under the lock. The
 * latter are chained by their frames; their pages are freed by slab_discard(), without the lock.
 */
uint32_t slab_node_put(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		       struct env *env, const uint64_t *objects, unsigned count);
/* Take up to @count empty slabs out, longest empty first; chained as above. Under the lock. */
uint32_t slab_node_trim(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
			struct env *env, uint64_t count);
void slab_discard(struct slab_allocator *sa, struct slab_cache *c, struct env *env, uint32_t chain);

/*
 * A new slab from the page allocator, all objects free, on no list yet. PFN_NONE with the reason in
 * @why. To be followed by slab_add_new() under the lock of its node.
 */
pfn_t slab_grow(struct slab_allocator *sa, struct slab_cache *c, struct env *env, gfp_t gfp,
		unsigned nid, enum alloc_failure *why);
/* Make it the node's, and take up to @count of its objects. */
unsigned slab_add_new(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		      struct env *env, pfn_t pfn, uint64_t *objects, unsigned count);
/* Mark the frames of a slab, and that its bytes are used. */
void slab_mark_frames(struct slab_allocator *sa, struct slab_cache *c, pfn_t pfn, unsigned colour);

/* --- arrays (slab.c) -------------------------------------------------------------------------- */

/* Put the @count oldest entries of @a back into slabs of node @n. */
void slab_array_drain(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		      struct slab_array *a, struct env *env, unsigned count);

extern const struct object_allocator_ops slab_object_allocator;

/* --- caches (slab_cache.c): entries of the table of operations -------------------------------- */

struct object_allocator *slab_allocator_new(const struct object_allocator_params *params,
					    struct err *err);
void slab_allocator_free(struct object_allocator *oa);
struct object_cache *slab_cache_new(struct object_allocator *oa,
				    const struct object_cache_params *params, struct err *err);
uint64_t slab_cache_free(struct object_allocator *oa, struct env *env, struct object_cache *cache);
struct object_cache *slab_cache_at(struct object_allocator *oa, unsigned index);
void slab_cache_shrink(struct object_allocator *oa, struct env *env, struct object_cache *cache);
void slab_cache_stats(struct object_allocator *oa, struct object_cache *cache,
		      struct object_cache_stats *stats);
void slab_add_slab(struct object_allocator *oa, struct object_cache *cache, pfn_t pfn,
		   const uint64_t *free_map, enum slab_place place, int cpu);

/* --- examining (slab_check.c) ----------------------------------------------------------------- */

/* Gather the addresses in all arrays of @c, ascending, in the scratch space. */
void slab_gather_arrays(struct slab_allocator *sa, const struct slab_cache *c);
void slab_walk(struct object_allocator *oa, struct object_cache *cache,
	       void (*visit)(void *arg, const struct slab_view *), void *arg);
int slab_check(struct object_allocator *oa, struct check_report *report);

/* --- red zones and poison (slab_debug.c) ------------------------------------------------------ */

static inline bool slab_debugged(const struct slab_cache *c)
{
	return c->layout.flags & (CACHE_RED_ZONE | CACHE_POISON);
}

/* An object of a new slab, or one that its user gives back: fill it as free. */
void slab_debug_fill(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		     uint64_t object);
/* A free object is handed out for @bytes: stop if it was written to; guard it. */
void slab_debug_alloc(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		      uint64_t object, uint64_t bytes);
/* Stop if the guards of a live object were written to, or if it is not live. */
void slab_debug_free(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		     uint64_t object);
/* What is wrong with the bytes around or in an object, or NULL. */
const char *slab_debug_wrong(const struct slab_allocator *sa, const struct slab_cache *c,
			     uint64_t object, bool live);

#endif
