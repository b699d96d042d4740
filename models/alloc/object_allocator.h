/*
 * object_allocator.h - the contract between object allocators and whoever uses or examines one.
 *
 * An object allocator is one const struct object_allocator_ops, named once in models/meson.build.
 * It cuts blocks that it takes from a page allocator (slabs) into objects of one size each, kept
 * apart by cache. Objects are known by their simulated physical address; what lies in them, free
 * list links, red zones and poison included, is in simulated RAM (physmem).
 *
 * Exactness (see env.h): what belongs to the CPU alone (its slab, its list of free objects) may be
 * used at once; whatever another CPU may change (a slab's shared list of free objects, a node's
 * list of slabs, the slab of an object that is not this CPU's) only after env_sync() or under
 * env_lock().
 */
#ifndef ALLOC_OBJECT_ALLOCATOR_H
#define ALLOC_OBJECT_ALLOCATOR_H

#include "alloc/page_allocator.h"

#define OBJECT_NONE       UINT64_MAX /* "no object": what a failed allocation returns */
#define CACHE_NAME_SIZE   48
#define OBJECT_CACHES_LIMIT 4096     /* caches of one allocator, merged ones counted once */
#define OBJECT_BYTES_MAX  (UINT64_C(4) << 20)
#define SHEAF_CAPACITY_MAX 1024
#define SLAB_AUTO         UINT64_MAX
#define SLAB_ORDER_AUTO   UINT32_MAX   /* max_order: the allocator's own (slub 3, slab 1) */

enum cache_flags {
	CACHE_RECLAIM_ACCOUNT = 1 << 0, /* slabs from Reclaimable pageblocks */
	CACHE_ACCOUNT = 1 << 1,         /* charged to a memory cgroup; keeps caches from merging */
	CACHE_DMA = 1 << 2,             /* slabs from ZONE_DMA */
	CACHE_DMA32 = 1 << 3,           /* slabs from ZONE_DMA32 or below */
	CACHE_HWCACHE_ALIGN = 1 << 4,   /* align to a cache line, small objects to half of one */
	CACHE_TYPESAFE_BY_RCU = 1 << 5, /* free pointer after the object */
	CACHE_NO_MERGE = 1 << 6,
	CACHE_RED_ZONE = 1 << 7,        /* guard bytes around each object */
	CACHE_POISON = 1 << 8,          /* fill free objects; a change is found when reused */
	CACHE_KMALLOC = 1 << 9,         /* a size class: users write what they asked for, and red
					   zones start there */
	CACHE_POOL = 1 << 10,           /* no users' cache, but memory that all caches share; see
					   struct object_cache_stats */
};

struct object_cache_params {
	const char *name;           /* up to CACHE_NAME_SIZE - 1 bytes; copied */
	uint64_t object_size_bytes; /* what users may write; 1 .. OBJECT_BYTES_MAX */
	uint64_t align_bytes;       /* 0 (a word) or a power of two up to OBJECT_BYTES_MAX */
	unsigned flags;             /* enum cache_flags */
	/* Called once for each object of a new slab, with its bytes; may be NULL. Such a cache's
	 * free objects keep what their users left in them, so links are kept outside. */
	void (*ctor)(void *object, uint64_t object_size_bytes);
	/*
	 * A recorded layout, which replaces the allocator's own choice. 0: its own.
	 */
	uint64_t size_bytes;        /* of an object with everything around it: the stride */
	unsigned objects_per_slab;  /* together with slab_order */
	unsigned slab_order;
	/*
	 * slub: objects of a sheaf, see slub_sheaf.c; 0: no sheaves; up to SHEAF_CAPACITY_MAX. Such
	 * a cache does not merge. Debugged caches have none. Others ignore it.
	 */
	unsigned sheaf_capacity;
};

/* What an object allocator is told; 0 and false are not defaults, see object_params_init(). */
struct object_allocator_params {
	struct physmem *pm;          /* its RAM is reserved */
	struct page_allocator *pa;   /* slabs come from here; outlives the object allocator */
	unsigned cpus_count;
	const unsigned *cpu_nid;     /* node of each CPU */
	uint64_t seed;               /* of free list shuffling and pointer keys */
	bool merge;                  /* caches alike share slabs */
	unsigned min_order, max_order; /* of slabs, unless one object needs more */
	uint64_t min_objects;        /* wished for in a slab; SLAB_AUTO: from the CPUs */
	uint64_t cpu_partial_objects; /* free ones on a CPU's partial slabs; SLAB_AUTO; 0: none */
	uint64_t min_partial_slabs;  /* kept on a node's list, empty or not; SLAB_AUTO */
	/*
	 * How often a CPU whose node has no partial slab looks for one on other nodes, as Linux's
	 * sysfs says it: in tens of 1024 times, 0..100; 0: never, 100: but for one time in 45.
	 */
	unsigned remote_node_defrag_ratio;
	bool freelist_random;        /* new slabs' objects in shuffled order */
	bool freelist_hardened;      /* links are stored scrambled and checked */
	unsigned debug_flags;        /* CACHE_RED_ZONE, CACHE_POISON for every cache */
};

/* The defaults of a Linux kernel: merging, orders 0 to 3, everything automatic, no debugging. */
void object_params_init(struct object_allocator_params *p);

/* How a slab stands; "live" are the objects that users hold. */
struct slab_view {
	pfn_t pfn;
	unsigned order;
	unsigned objects_count, live_count;
	/*
	 * Where its free objects are found: a CPU's current slab, a CPU's partial list, a node's
	 * list, or nowhere (no free objects, or only in per-CPU lists of objects).
	 */
	enum slab_place {
		SLAB_CPU_CURRENT,
		SLAB_CPU_PARTIAL,
		SLAB_NODE_PARTIAL,
		SLAB_UNLISTED,
	} place;
	int cpu; /* of the first two; else -1 */
	bool single; /* held by one object, though live_count counts its parts (CACHE_POOL) */
};

/*
 * An allocator without slabs of one cache each (slob) shows its memory as pools: caches with
 * CACHE_POOL at the first indexes, whose slabs hold the objects of all other caches and whose
 * "objects" are the units that those are cut from. Pages and slabs are the pools', live objects
 * and allocations the others', so that sums over caches without pools count each object once, and
 * sums of pages over all caches count each page once. pool_bytes tells what a cache takes of them.
 */
struct object_cache_stats {
	const char *name;
	unsigned index;             /* 0 .. caches count - 1, in order of creation; never reused */
	unsigned aliases_count;     /* caches merged into this one */
	unsigned flags;
	uint64_t object_size_bytes, size_bytes, align_bytes;
	unsigned slab_order, objects_per_slab;
	uint64_t cpu_partial_objects, cpu_partial_slabs, min_partial_slabs;
	/* Since the cache was made. */
	uint64_t allocs_count, frees_count, failed_count;
	uint64_t fast_allocs_count, fast_frees_count; /* of these: without leaving the CPU */
	uint64_t refills_shared_count;       /* took over a slab's shared free list */
	uint64_t refills_cpu_partial_count;  /* took a slab of the CPU's partial list */
	uint64_t refills_node_partial_count; /* took slabs of a node's list */
	uint64_t sheaf_refills_count, sheaf_flushes_count; /* sheaves filled from, given to slabs */
	uint64_t barn_gets_count, barn_puts_count; /* full sheaves got from, put to nodes' barns */
	uint64_t slabs_new_count, slabs_freed_count;
	uint64_t slabs_fallback_count;       /* of the new ones: of the smallest order, for want of
						larger blocks */
	uint64_t ctor_calls_count;
	/* Now. */
	uint64_t slabs_count;
	uint64_t pages_count;        /* of all slabs; fallbacks are smaller than slab_order */
	uint64_t objects_count;      /* in all slabs */
	uint64_t live_count;         /* held by users */
	uint64_t active_count;       /* as slabinfo counts: all but those free on node lists */
	unsigned sheaf_capacity;     /* 0: has no sheaves */
	uint64_t sheaf_objects_count; /* in sheaves: active, but not live */
	uint64_t pool_bytes;         /* of pools, taken by this cache's live objects, overhead
					included; of a pool: taken by all caches */
	const struct env_lock *lock; /* the list lock of node 0 */
};

/* A snapshot of how a cache's slabs are filled; costs a walk over them. */
struct object_cache_usage {
	uint64_t slabs_full, slabs_partial, slabs_empty; /* by live objects */
	uint64_t slabs_single;       /* held by one live object, with room for more */
	uint64_t pages_single;       /* their pages */
	uint64_t tail_bytes;         /* at the end of slabs, too short for an object */
};

struct object_cache;

struct object_allocator {
	const struct object_allocator_ops *ops;
	struct physmem *pm;
	struct page_allocator *pa;
};

struct object_allocator_ops {
	const char *name;
	const char *summary;

	/* NULL with @err if the host is out of memory. @params is copied. */
	struct object_allocator *(*new)(const struct object_allocator_params *params,
					struct err *err);
	/* Frees the host's memory; simulated slabs stay as they are. */
	void (*free)(struct object_allocator *oa);

	/*
	 * Make a cache, or find one to merge with. NULL with @err (ERR_CONFIG: sizes that no slab
	 * can hold, a misaligned layout; ERR_IO: out of memory). Takes no simulated time.
	 */
	struct object_cache *(*cache_new)(struct object_allocator *oa,
					  const struct object_cache_params *params,
					  struct err *err);
	/*
	 * Drop one reference; with the last, empty slabs go back. Returns how many objects are
	 * still live: if not 0, the cache stays (as Linux reports and keeps it).
	 */
	uint64_t (*cache_free)(struct object_allocator *oa, struct env *env,
			       struct object_cache *cache);
	/* By index; NULL beyond the last, or if it was freed. */
	struct object_cache *(*cache_at)(struct object_allocator *oa, unsigned index);

	/*
	 * An object for CPU env->cpu, preferring node @nid. @bytes: what the user asked for, at
	 * most object_size_bytes (red zones of size classes start there). With __GFP_ZERO it is
	 * cleared. Returns its address, or OBJECT_NONE with the page allocator's reason in @why.
	 * Sets env->path.
	 */
	uint64_t (*alloc)(struct object_allocator *oa, struct env *env, struct object_cache *cache,
			  uint64_t bytes, gfp_t gfp, unsigned nid, enum alloc_failure *why);
	/*
	 * Give back an object of @cache. Freeing what is not a live object of it is a bug where the
	 * allocator can tell (hardened lists, poison), and corrupts its lists where it can't.
	 */
	void (*free_object)(struct object_allocator *oa, struct env *env,
			    struct object_cache *cache, uint64_t paddr);
	/*
	 * The cache whose slab @paddr lies in, and in *@start_paddr the address of the object
	 * around it; NULL: in no slab. Needs no lock while the object lives.
	 */
	struct object_cache *(*cache_of)(struct object_allocator *oa, uint64_t paddr,
					 uint64_t *start_paddr);
	/* Give back every empty slab; may sort the rest, fullest first. Optional. */
	void (*shrink)(struct object_allocator *oa, struct env *env, struct object_cache *cache);
	/* Periodic work of one CPU, every second of simulated time. Optional. */
	void (*tick)(struct object_allocator *oa, struct env *env);

	/*
	 * A recorded state: the block at @pfn, which is in use and nobody's, is a slab of @cache.
	 * Bit i of @free_map (objects_per_slab bits) tells that object i is free. @place and @cpu
	 * wish where it stands; the allocator may put it elsewhere if it has no such place or it is
	 * taken. Slabs of one place are given in list order. Optional.
	 */
	void (*add_slab)(struct object_allocator *oa, struct object_cache *cache, pfn_t pfn,
			 const uint64_t *free_map, enum slab_place place, int cpu);

	/* Every slab of a cache. Optional places first: current, CPU partial, node, the others. */
	void (*walk)(struct object_allocator *oa, struct object_cache *cache,
		     void (*visit)(void *arg, const struct slab_view *), void *arg);
	/* Verify every invariant; 0, or -1 with @report. */
	int (*check)(struct object_allocator *oa, struct check_report *report);
	void (*cache_stats)(struct object_allocator *oa, struct object_cache *cache,
			    struct object_cache_stats *stats);
	/*
	 * Bytes that the user of an object of @cache may call its own when it asked for @bytes.
	 * Optional: object_size_bytes.
	 */
	uint64_t (*given_bytes)(struct object_allocator *oa, struct object_cache *cache,
				uint64_t bytes);
};

/* Every registered object allocator, ended by NULL (generated from models/meson.build). */
extern const struct object_allocator_ops *const object_allocators[];
/* By name; NULL if unknown. */
const struct object_allocator_ops *object_allocator_find(const char *name);

/* Sum up the walk of a cache. */
void object_cache_usage(struct object_allocator *oa, struct object_cache *cache,
			struct object_cache_usage *usage);

/* The bytes of an object, for writing. Its slab's pages have been made PAGE_BACKED. */
static inline uint8_t *object_bytes(struct object_allocator *oa, uint64_t paddr)
{
	return oa->pm->ram + paddr;
}

#endif
