/*
 * slub.h - what the parts of the object allocator "slub" share: see slub.c for the theory.
 *
 *   slub.c         allocation and free: the paths
 *   slub_slab.c    slabs: made from pages and given back, and on which list they stand
 *   slub_layout.c  sizes: what surrounds an object, how many make a slab
 *   slub_cache.c   caches: made, merged, emptied, examined
 *   slub_sheaf.c   sheaves: stocks of single objects
 *   slub_debug.c   red zones and poison
 *   slub_check.c   invariants
 */
#ifndef ALLOC_SLUB_H
#define ALLOC_SLUB_H

#include <string.h>

#include "alloc/object_allocator.h"
#include "kern/bug.h"
#include "kern/rng.h"

/* Streams of random numbers, nobody else's: one for each cache, one for each CPU. */
#define SLUB_RNG_STREAMS (UINT64_C(0x534c5542) << 32)
#define SLUB_CPU_STREAMS (UINT64_C(0x534c5543) << 32)
#define SLAB_FREE_END    UINT16_MAX /* end of a slab's shared list of free objects */
#define SLAB_OBJECTS_MAX 32767      /* 15 bits count the objects of a slab */
#define SLUB_DEBUG_FLAGS (CACHE_RED_ZONE | CACHE_POISON)

/* --- slabs ------------------------------------------------------------------------------------ */

enum slab_kind { SLAB_NOT, SLAB_HEAD, SLAB_TAIL };

/* Which list a slab is linked on; frozen slabs are on their cache's unlisted one, too. */
enum slab_list_id { LIST_UNLISTED, LIST_CPU_PARTIAL, LIST_NODE_PARTIAL, LIST_MOVING };

/*
 * What is known of a page of a slab, 16 bytes beside its frame. Only the first page's is used; the
 * others lead there.
 */
struct slab {
	uint32_t next, prev; /* pfns of list neighbours; of a tail page: next is the slab's pfn */
	uint16_t free;       /* index of the first object on the shared list, or SLAB_FREE_END */
	uint16_t inuse;      /* objects that are not on the shared list */
	unsigned objects : 15;
	unsigned frozen : 1; /* is some CPU's current slab */
	unsigned cache : 12; /* index */
	unsigned kind : 2;   /* enum slab_kind */
	unsigned list : 2;   /* enum slab_list_id */
};
_Static_assert(sizeof(struct slab) == 16, "a frame and its slab data take 32 bytes a page");

struct slab_list {
	uint32_t head, tail; /* pfns, or PAGE_LINK_NONE when empty */
	uint64_t count;
};

/* --- caches ----------------------------------------------------------------------------------- */

/*
 * Where things lie in a slab. An object's place starts with the left pad (red zone); all offsets
 * but left_pad count from the object.
 *
 *   | left pad | object ... | red zone | link | asked | padding |   size bytes
 *              ^ address    ^ object_size     ^ asked_offset
 *                                       ^ inuse_bytes == link_offset
 *
 * Without debugging, constructor or RCU the link lies in the middle of the object and nothing
 * surrounds it but padding.
 */
struct slub_layout {
	uint32_t object_size, size, align;
	uint32_t inuse_bytes; /* end of the object and of the red zone after it */
	uint32_t left_pad;
	uint32_t link_offset;
	uint32_t asked_offset; /* of the bytes that the user asked for; 0: not kept */
	uint32_t magic, shift; /* of the division by size: slub_divide() */
	unsigned order, objects;
	/* Of the slabs made when larger blocks are not to be had. */
	unsigned min_order, min_objects;
	uint64_t cpu_partial_objects, cpu_partial_slabs, min_partial;
	bool debug;     /* red zones or poison: no per-CPU slabs */
	bool fill_free; /* free objects are filled with poison */
};

/* One CPU's part of a cache; its own business but when the cache is flushed. */
struct slub_cpu {
	_Alignas(64) uint64_t free; /* first of the CPU's own objects, or OBJECT_NONE */
	uint64_t start, bytes;      /* of the current slab; 0 bytes: none */
	uint64_t fast_allocs_count, fast_frees_count;
	unsigned nid, home_nid;   /* of the current slab (home's if none), of the CPU */
	struct slab_list partial; /* most recently added first */
	/* Slabs on their way between lists, while this CPU waits for a lock or frees pages. */
	struct slab_list moving;
};

struct slub_node {
	struct env_lock lock; /* of the list */
	struct slab_list partial;
	uint64_t free_objects; /* on the shared lists of these slabs */
};

/* Objects on their way between users and slabs: see slub_sheaf.c. */
struct sheaf {
	struct sheaf *next; /* in a sheaf_list */
	unsigned count;
	uint64_t objects[]; /* capacity */
};

struct sheaf_list {
	struct sheaf *head;
	unsigned count;
};

/* One CPU's; its own business but when the cache is flushed. */
struct sheaf_cpu {
	struct sheaf *main;
	struct sheaf *spare; /* or NULL */
	struct sheaf *hand;  /* being filled from slabs or given to them, or NULL */
	uint64_t transit;    /* left the hand, has not reached its slab yet; or OBJECT_NONE */
};

struct barn {
	struct env_lock lock;
	struct sheaf_list full, empty;
};

struct sheaf_store {
	unsigned capacity;
	struct sheaf_cpu *cpus;
	struct barn *barns;       /* by nid */
	struct sheaf_list unused; /* the host's memory, nowhere in the simulated machine */
	char *memory;
	uint64_t *snapshot;       /* addresses, ascending: slub_sheaves_snapshot() */
	uint64_t snapshot_count;
	uint64_t refills_count, flushes_count, barn_gets_count, barn_puts_count;
};

struct slub;

struct object_cache {
	/* Read by every operation. */
	uint8_t *ram;
	uint64_t key; /* of hardened links */
	bool hardened;
	struct sheaf_store *sheaves; /* NULL: none */
	struct slub_layout l;
	struct slub *sa;
	struct slub_node *nodes; /* by nid */

	char name[CACHE_NAME_SIZE];
	unsigned index, flags, refs_count;
	bool mergeable;
	gfp_t page_gfp; /* added to requests for pages */
	void (*ctor)(void *object, uint64_t object_size_bytes);
	struct rng rng;
	uint16_t *order_of_objects; /* shuffled, of new slabs; NULL: ascending */
	struct slab_list unlisted;  /* slabs on no other list: full and current ones */

	/* See struct object_cache_stats. */
	uint64_t slow_allocs_count, slow_frees_count, failed_count;
	uint64_t refills_shared_count, refills_cpu_partial_count, refills_node_partial_count;
	uint64_t slabs_new_count, slabs_freed_count, slabs_fallback_count, ctor_calls_count;
	uint64_t slabs_count, pages_count, objects_count;
	uint64_t recorded_live_count; /* live from the start */
	struct slub_cpu cpus[];
};

struct slub {
	struct object_allocator base;
	struct object_allocator_params params;
	unsigned *cpu_nid;
	struct rng *cpu_rng; /* by CPU: whether it looks for slabs on other nodes; its own */
	struct slab *slabs; /* by pfn, as sparse as the frames */
	uint64_t slabs_bytes;
	struct object_cache **caches;
	unsigned caches_count;
};

/* --- slub.c ----------------------------------------------------------------------------------- */

/* The slab of @object; stops the program if it is no object of @c. */
pfn_t slub_object_slab(const struct object_cache *c, uint64_t object);
/* For sheaves: take an object from the slabs; OBJECT_NONE with @why. Sets env->path. */
uint64_t slub_take(struct object_cache *c, struct env *env, gfp_t gfp, enum alloc_failure *why);
/* This CPU's transit reaches its slab. Sets env->path if that is not the current one. */
void slub_give(struct object_cache *c, struct env *env, uint64_t object);

/* --- slub_layout.c ---------------------------------------------------------------------------- */

/*
 * Linux's calculate_alignment(), calculate_sizes() and calculate_order(). @flags: those of @params
 * and those that debug every cache. 0, or -1 with @err if no slab of the machine can hold it.
 */
int slub_layout_init(struct slub_layout *l, const struct object_cache_params *params,
		     unsigned flags, const struct object_allocator_params *p, struct err *err);

/* offset / size, exact for every 32-bit offset. */
static inline uint32_t slub_divide(const struct slub_layout *l, uint32_t offset)
{
	uint32_t t = (uint32_t)((uint64_t)l->magic * offset >> 32);
	return (t + ((offset - t) >> 1)) >> (l->shift - 1);
}

/* --- addresses -------------------------------------------------------------------------------- */

static inline uint64_t slab_paddr(pfn_t pfn)
{
	return pfn << PAGE_SHIFT;
}

/* The first page of the slab that @pfn is a page of; PFN_NONE: of none. */
static inline pfn_t slab_head(const struct slub *sa, pfn_t pfn)
{
	if (pfn >= sa->base.pm->pfn_end)
		return PFN_NONE;
	const struct slab *s = &sa->slabs[pfn];
	if (s->kind == SLAB_HEAD)
		return pfn;
	return s->kind == SLAB_TAIL ? s->next : PFN_NONE;
}

static inline uint64_t object_at(const struct object_cache *c, pfn_t pfn, unsigned index)
{
	return slab_paddr(pfn) + c->l.left_pad + (uint64_t)index * c->l.size;
}

/* The object of slab @pfn that @paddr lies in or around; past the last one: objects or more. */
static inline unsigned object_index(const struct object_cache *c, pfn_t pfn, uint64_t paddr)
{
	return slub_divide(&c->l, (uint32_t)(paddr - slab_paddr(pfn)));
}

static inline unsigned slab_order(const struct object_cache *c, const struct slab *s)
{
	return s->objects == c->l.objects ? c->l.order : c->l.min_order;
}

/*
 * Does the CPU look for partial slabs on other nodes this time? Linux takes the clock for chance.
 */
static inline bool slub_looks_elsewhere(struct slub *sa, const struct env *env)
{
	unsigned ratio = sa->params.remote_node_defrag_ratio;
	return sa->base.pm->nodes_count > 1 && ratio &&
	       rng_below(&sa->cpu_rng[env->cpu], 1024) <= 10 * ratio;
}

static inline unsigned slab_nid(const struct slub *sa, pfn_t pfn)
{
	return sa->base.pm->nodes_count == 1 ? 0 : physmem_zone(sa->base.pm, pfn)->nid;
}

/* --- links in free objects -------------------------------------------------------------------- */

/* Hardened links are hidden by a key and by where they lie. */
static inline uint64_t link_scramble(const struct object_cache *c, uint64_t link, uint64_t paddr)
{
	return c->hardened ? link ^ c->key ^ __builtin_bswap64(paddr) : link;
}

static inline void link_store(struct object_cache *c, uint64_t object, uint64_t next)
{
	uint64_t at = object + c->l.link_offset, link = link_scramble(c, next, at);
	memcpy(c->ram + at, &link, sizeof(link));
}

static inline uint64_t link_load(const struct object_cache *c, uint64_t object)
{
	uint64_t at = object + c->l.link_offset, link;
	memcpy(&link, c->ram + at, sizeof(link));
	return link_scramble(c, link, at);
}

/* Is @object where an object of slab @pfn starts? */
static inline bool object_in_slab(const struct object_cache *c, pfn_t pfn, uint64_t object)
{
	if (object - slab_paddr(pfn) >= (uint64_t)PAGE_BYTES << ORDER_LIMIT)
		return false;
	unsigned index = object_index(c, pfn, object);
	return index < c->sa->slabs[pfn].objects && object == object_at(c, pfn, index);
}

/* --- slub_slab.c ------------------------------------------------------------------------------ */

void slab_list_init(struct slab_list *l);
void slab_list_add(struct slub *sa, struct slab_list *l, pfn_t pfn, enum slab_list_id id,
		   bool tail);
void slab_list_remove(struct slub *sa, struct slab_list *l, pfn_t pfn);

/* The shared list of a slab: take the first object (there is one), put one in front. */
uint64_t slab_pop(struct object_cache *c, pfn_t pfn);
static inline void slab_push(struct object_cache *c, pfn_t pfn, uint64_t object, unsigned index)
{
	struct slab *s = &c->sa->slabs[pfn];
	link_store(c, object, s->free == SLAB_FREE_END ? OBJECT_NONE : object_at(c, pfn, s->free));
	s->free = (uint16_t)index;
	s->inuse--;
}

/*
 * A slab from new pages, all objects on its shared list, on the unlisted list. PFN_NONE with @why.
 * Nothing synchronises after the pages were had. slab_adopt() is its second half, with a recorded
 * state: @live tells for each object whether it is in use (NULL: none is).
 */
pfn_t slab_new(struct object_cache *c, struct env *env, gfp_t gfp, unsigned nid,
	       enum alloc_failure *why);
void slab_adopt(struct object_cache *c, pfn_t pfn, const uint64_t *free_map);
/* Give back slab @pfn, which is on no list and has no live objects. */
void slab_free_pages(struct object_cache *c, struct env *env, pfn_t pfn);

/* To and from a node's list; the caller holds its lock. */
void node_add(struct object_cache *c, struct env *env, pfn_t pfn, bool tail);
void node_remove(struct object_cache *c, struct env *env, pfn_t pfn);

/* Put slabs that wait on this CPU's moving list on node lists; those that are empty and not
 * wanted there go back to the page allocator. Returns how many did. */
unsigned slabs_to_nodes(struct object_cache *c, struct env *env);
/* The slab, on no list, becomes the current one of @cpu with all its free objects. */
void slab_make_current(struct object_cache *c, struct slub_cpu *cpu, pfn_t pfn);
/* @cpu gives up its current slab. */
void slab_deactivate(struct object_cache *c, struct env *env, struct slub_cpu *cpu);
/* Empty all that @cpu holds. */
void slub_flush_cpu(struct object_cache *c, struct env *env, struct slub_cpu *cpu);

/* Full slabs leave the CPU without ceremony. */
static inline void slab_forget(struct slub_cpu *cpu)
{
	cpu->start = cpu->bytes = 0;
	cpu->free = OBJECT_NONE;
	cpu->nid = cpu->home_nid;
}

/* --- slub_cache.c ----------------------------------------------------------------------------- */

struct object_cache *slub_cache_new(struct object_allocator *oa,
				    const struct object_cache_params *params, struct err *err);
uint64_t slub_cache_free(struct object_allocator *oa, struct env *env, struct object_cache *c);
void slub_cache_release(struct object_cache *c);
void slub_shrink(struct object_allocator *oa, struct env *env, struct object_cache *c);
void slub_add_slab(struct object_allocator *oa, struct object_cache *c, pfn_t pfn,
		   const uint64_t *free_map, enum slab_place place, int cpu);
void slub_walk(struct object_allocator *oa, struct object_cache *c,
	       void (*visit)(void *arg, const struct slab_view *), void *arg);
void slub_cache_stats(struct object_allocator *oa, struct object_cache *c,
		      struct object_cache_stats *stats);
uint64_t slub_live_count(const struct object_cache *c);
/* Objects in a CPU's own list, at most @limit. */
unsigned slub_cpu_free_count(const struct object_cache *c, const struct slub_cpu *cpu,
			     unsigned limit);

/* --- slub_sheaf.c ----------------------------------------------------------------------------- */

/* Caches without sheaves: all but the first two may be called and do nothing, or return 0. */

/* From this CPU's sheaves; OBJECT_NONE: the slabs are to be asked. Sets env->path. */
uint64_t slub_sheaf_alloc(struct object_cache *c, struct env *env, gfp_t gfp, unsigned nid);
/* False: @object goes to its slab. Sets env->path. */
bool slub_sheaf_free(struct object_cache *c, struct env *env, uint64_t object);
/* -1: out of memory; slub_sheaves_release() frees what there is. */
int slub_sheaves_init(struct object_cache *c, unsigned capacity);
void slub_sheaves_release(struct object_cache *c);
/* Give all objects in sheaves back to the slabs. */
void slub_sheaves_flush(struct object_cache *c, struct env *env);
/*
 * Note which objects are in sheaves, for slub_sheaves_of_slab(), which returns how many of them
 * are slab @pfn's and their addresses, ascending, in *@objects. Returns how many there are.
 */
uint64_t slub_sheaves_snapshot(struct object_cache *c);
unsigned slub_sheaves_of_slab(const struct object_cache *c, pfn_t pfn, const uint64_t **objects);
/* How many objects are in sheaves. */
uint64_t slub_sheaves_count(const struct object_cache *c);
/* S9; 0, or -1 with @report. */
int slub_sheaves_check(const struct object_cache *c, struct check_report *report);

/* --- slub_debug.c ----------------------------------------------------------------------------- */

/* A byte that is not what it should be. */
struct slub_fault {
	const char *what; /* "red zone", "poison", ... */
	bool red_zone;
	uint64_t paddr;
	uint8_t found, expected;
};

/* Fill a new slab's padding; the objects are filled one by one. */
void slub_debug_fill_slab(struct object_cache *c, pfn_t pfn, unsigned order);
/* Fill red zones and poison of an object that becomes live or free. */
void slub_debug_fill(struct object_cache *c, uint64_t object, bool live, uint64_t bytes);
/* Are an object's surroundings (and, if it is free, its poison) intact? */
bool slub_debug_intact(const struct object_cache *c, uint64_t object, bool live,
		       struct slub_fault *fault);
/* The padding behind the last object. */
bool slub_debug_tail_intact(const struct object_cache *c, pfn_t pfn, struct slub_fault *fault);
/* Bytes of @object that its user may write. */
uint64_t slub_debug_asked(const struct object_cache *c, uint64_t object);

/* Allocation and free of caches that are debugged. */
uint64_t slub_debug_alloc(struct object_cache *c, struct env *env, uint64_t bytes, gfp_t gfp,
			  unsigned nid, enum alloc_failure *why);
void slub_debug_free(struct object_cache *c, struct env *env, pfn_t pfn, uint64_t object);

/* --- slub_check.c ----------------------------------------------------------------------------- */

int slub_check(struct object_allocator *oa, struct check_report *report);

#endif
