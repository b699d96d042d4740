/*
 * object_stack.c - see object_stack.h.
 *
 * A cache can be described in three places. The configuration's slab.caches says everything and
 * wins. A recorded state (slabinfo) and a trace tell the distance from one object to the next and
 * what part of it users asked for, but neither alignment nor flags; such a cache gets the recorded
 * distance, and keeps to itself, since the recorded kernel has merged already what it would merge.
 * With guard bytes or poison the recorded distance would leave no room for them, so the allocator
 * lays the objects out anew, aligned as the recorded distance allows.
 */
#include "sim/object_stack.h"

#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

#define CACHE_LINE_BYTES 64

static bool steps_want_objects(const struct config_step *steps, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (steps[i].kind == STEP_KMALLOC || steps[i].kind == STEP_CACHE_ALLOC ||
		    steps[i].kind == STEP_VMALLOC ||
		    (steps[i].kind == STEP_CHANCE &&
		     steps_want_objects(steps[i].steps, steps[i].steps_count)))
			return true;
	}
	return false;
}

bool object_stack_wanted(const struct config *c, const struct trace *trace)
{
	for (unsigned i = 0; i < c->workload.generators_count; i++) {
		enum generator_what what = c->workload.generators[i].what;
		if (what != GENERATOR_ORDER && what != GENERATOR_SIZE)
			return true;
	}
	for (unsigned i = 0; i < c->workload.programs_count; i++) {
		const struct config_program *p = &c->workload.programs[i];
		if (steps_want_objects(p->start, p->start_count) ||
		    steps_want_objects(p->steps, p->steps_count))
			return true;
	}
	return trace && trace->objects_count && c->workload.level != LEVEL_PAGES;
}

/* What a constructor might do; a pattern that a test can look for. */
static void construct(void *object, uint64_t object_size_bytes)
{
	memset(object, 0xc7, object_size_bytes);
}

static unsigned flags_of(const struct config_cache *c)
{
	return (c->reclaim_account ? CACHE_RECLAIM_ACCOUNT : 0u) |
	       (c->account ? CACHE_ACCOUNT : 0u) | (c->dma ? CACHE_DMA : 0u) |
	       (c->hwcache_align ? CACHE_HWCACHE_ALIGN : 0u) |
	       (c->typesafe_by_rcu ? CACHE_TYPESAFE_BY_RCU : 0u) |
	       (c->no_merge ? CACHE_NO_MERGE : 0u);
}

static const struct config_cache *config_cache_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->slab.caches_count; i++) {
		if (strcmp(c->slab.caches[i].name, name) == 0)
			return &c->slab.caches[i];
	}
	return NULL;
}

static const struct trace_cache *trace_cache_find(const struct trace *t, const char *name)
{
	for (unsigned i = 0; t && i < t->caches_count; i++) {
		if (strcmp(t->caches[i].name, name) == 0)
			return &t->caches[i];
	}
	return NULL;
}

/* What slab.sheaf_capacity and slab.sheaf_caches (@arg is the section) mean for a cache. */
static unsigned sheaf_capacity(const void *arg, const char *name)
{
	const struct config_slab *k = arg;
	bool listed = !k->sheaf_caches.count;
	for (unsigned i = 0; i < k->sheaf_caches.count; i++)
		listed = listed || strcmp(k->sheaf_caches.names[i], name) == 0;
	return listed ? (unsigned)k->sheaf_capacity_objects : 0;
}

static struct object_cache_params from_config(const struct config_cache *c)
{
	return (struct object_cache_params){
		.name = c->name,
		.object_size_bytes = c->object_size_bytes,
		.align_bytes = c->align_bytes,
		.flags = flags_of(c),
		.ctor = c->constructor ? construct : NULL,
	};
}

/* @object_size_bytes 0: not told. */
static struct object_cache_params from_recording(const struct config *c, const char *name,
						 uint64_t object_size_bytes, uint64_t size_bytes,
						 const struct trace_cache *seen)
{
	bool guarded = c->slab.red_zone || c->slab.poison;
	uint64_t align = size_bytes & -size_bytes;
	return (struct object_cache_params){
		.name = name,
		.object_size_bytes = object_size_bytes && object_size_bytes <= size_bytes
					     ? object_size_bytes
					     : size_bytes,
		.align_bytes = guarded ? u64_min(align, CACHE_LINE_BYTES) : 0,
		.size_bytes = guarded ? 0 : size_bytes,
		.flags = CACHE_NO_MERGE |
			 (seen && seen->flags & TRACE_CACHE_RECLAIMABLE ? CACHE_RECLAIM_ACCOUNT
									: 0u) |
			 (seen && seen->flags & TRACE_CACHE_DMA ? CACHE_DMA : 0u),
	};
}

struct object_cache *object_stack_find(const struct object_stack *s, const char *name)
{
	struct object_cache_stats stats;
	struct object_cache *cache;
	for (unsigned i = 0; (cache = s->oa->ops->cache_at(s->oa, i)) != NULL; i++) {
		s->oa->ops->cache_stats(s->oa, cache, &stats);
		if (!(stats.flags & CACHE_POOL) && strcmp(stats.name, name) == 0)
			return cache;
	}
	return NULL;
}

static bool is_size_class(const struct object_stack *s, struct object_cache *cache)
{
	struct object_cache_stats stats;
	s->oa->ops->cache_stats(s->oa, cache, &stats);
	return stats.flags & CACHE_KMALLOC;
}

/*
 * The cache @name from whatever describes it best; *@cache is NULL if nothing does, and if the
 * allocator cannot have what a recording says. -1 with @err.
 */
static int make_cache(struct object_stack *s, const struct config *c, const char *name,
		      const struct trace *trace, const struct truth *truth,
		      struct object_cache **cache, struct err *err)
{
	const struct config_cache *given = config_cache_find(c, name);
	const struct trace_cache *seen = trace_cache_find(trace, name);
	const struct truth_cache *row = truth ? truth_cache_find(truth, 0, name) : NULL;
	struct object_cache_params params;
	*cache = object_stack_find(s, name);
	if (*cache && given && is_size_class(s, *cache))
		return err_set(err, ERR_CONFIG,
			       "slab.caches: %s is a size class of kmalloc; another name is needed",
			       name);
	if (*cache)
		return 0;
	bool capacity_given = given && given->sheaf_capacity_objects != CONFIG_AUTO;
	if (given)
		params = from_config(given);
	else if (row)
		params = from_recording(c, name, seen ? seen->object_size_bytes : 0,
					row->size_bytes, seen);
	else if (seen && seen->size_bytes)
		params = from_recording(c, name, seen->object_size_bytes, seen->size_bytes, seen);
	else
		return 0;
	params.sheaf_capacity = capacity_given ? (unsigned)given->sheaf_capacity_objects
					       : sheaf_capacity(&c->slab, name);
	*cache = s->oa->ops->cache_new(s->oa, &params, err);
	if (!*cache && params.size_bytes && err->code == ERR_CONFIG) {
		/* Another allocator than the recorded one may not be able to pack them so. */
		*err = (struct err){0};
		params.size_bytes = 0;
		*cache = s->oa->ops->cache_new(s->oa, &params, err);
	}
	if (!*cache && !given && err->code == ERR_CONFIG) {
		/* A recording may say anything: allocations from this cache fail, counted. */
		*err = (struct err){0};
		return 0;
	}
	return *cache ? 0 : -1;
}

/* What users of this name write; caches that were merged into another may be smaller than it. */
static uint64_t object_size(struct object_stack *s, const struct config *c,
			    struct object_cache *cache, const char *name, const struct trace *trace)
{
	const struct config_cache *given = config_cache_find(c, name);
	const struct trace_cache *seen = trace_cache_find(trace, name);
	struct object_cache_stats stats;
	if (!cache)
		return 0;
	s->oa->ops->cache_stats(s->oa, cache, &stats);
	uint64_t bytes = given ? given->object_size_bytes : seen ? seen->object_size_bytes : 0;
	return bytes && bytes <= stats.object_size_bytes ? bytes : stats.object_size_bytes;
}

/* Caches in a fixed order: recorded state, configuration, trace. */
static int make_caches(struct object_stack *s, const struct config *c, const struct trace *trace,
		       const struct truth *truth, struct err *err)
{
	struct object_cache *cache;
	for (unsigned i = 0; truth && i < truth->caches_count[0]; i++) {
		if (make_cache(s, c, truth->caches[0][i].name, trace, truth, &cache, err) != 0)
			return -1;
	}
	for (unsigned i = 0; i < c->slab.caches_count; i++) {
		if (make_cache(s, c, c->slab.caches[i].name, trace, truth, &cache, err) != 0)
			return -1;
	}
	s->caches_count = trace ? trace->caches_count : c->slab.caches_count;
	s->caches = calloc(s->caches_count + 1, sizeof(struct object_cache *));
	s->object_sizes = calloc(s->caches_count + 1, sizeof(*s->object_sizes));
	if (!s->caches || !s->object_sizes)
		return err_set(err, ERR_IO, "out of memory for the object caches");
	for (unsigned i = 0; i < s->caches_count; i++) {
		const char *name = trace ? trace->caches[i].name : c->slab.caches[i].name;
		if (make_cache(s, c, name, trace, truth, &s->caches[i], err) != 0)
			return -1;
		s->object_sizes[i] = object_size(s, c, s->caches[i], name, trace);
	}
	return 0;
}

static int make_slots(struct object_stack *s, struct err *err)
{
	struct object_cache *cache;
	unsigned count = 0;
	while (s->oa->ops->cache_at(s->oa, count))
		count++;
	s->slots = calloc(count + 1, sizeof(*s->slots));
	if (!s->slots)
		return err_set(err, ERR_IO, "out of memory for the object caches");
	s->slots_count = count + 1;
	for (unsigned i = 0; i < count; i++) {
		struct object_cache_stats stats;
		cache = s->oa->ops->cache_at(s->oa, i);
		s->oa->ops->cache_stats(s->oa, cache, &stats);
		s->pools = s->pools || stats.flags & CACHE_POOL;
		s->slots[i + 1].cache = cache;
		if (u64map_put(&s->slot_of_cache, (uint64_t)(uintptr_t)cache, i + 1) != 0)
			return err_set(err, ERR_IO, "out of memory for the object caches");
	}
	return 0;
}

static int make_allocator(struct object_stack *s, const struct config *c, struct page_allocator *pa,
			  unsigned cpus_count, const unsigned *cpu_nid, struct err *err)
{
	const struct config_slab *k = &c->slab;
	const struct object_allocator_ops *ops = object_allocator_find(k->allocator);
	const struct object_allocator_params params = {
		.pm = pa->pm,
		.pa = pa,
		.cpus_count = cpus_count,
		.cpu_nid = cpu_nid,
		.seed = c->seed,
		.merge = k->merge,
		.min_order = (unsigned)k->min_order,
		.max_order = k->max_order == CONFIG_AUTO ? SLAB_ORDER_AUTO : (unsigned)k->max_order,
		.min_objects = k->min_objects,
		.cpu_partial_objects = k->cpu_partial_objects,
		.min_partial_slabs = k->min_partial_slabs,
		.remote_node_defrag_ratio = (unsigned)k->remote_node_defrag_ratio,
		.freelist_random = k->freelist_random,
		.freelist_hardened = k->freelist_hardened,
		.debug_flags = (k->red_zone ? CACHE_RED_ZONE : 0u) |
			       (k->poison ? CACHE_POISON : 0u),
	};
	s->oa = ops->new(&params, err);
	if (!s->oa)
		return -1;
	const struct kmalloc_params classes = {
		.oa = s->oa,
		.classes_bytes = c->kmalloc.classes_count ? c->kmalloc.classes_bytes : NULL,
		.classes_count = c->kmalloc.classes_count,
		.sheaf_capacity = sheaf_capacity,
		.arg = k,
	};
	return kmalloc_init(&s->km, &classes, err);
}

int object_stack_init(struct object_stack *s, const struct config *c, struct page_allocator *pa,
		      unsigned cpus_count, const unsigned *cpu_nid, const struct trace *trace,
		      const struct truth *truth, struct err *err)
{
	memset(s, 0, sizeof(*s));
	if (make_allocator(s, c, pa, cpus_count, cpu_nid, err) == 0 &&
	    make_caches(s, c, trace, truth, err) == 0 && make_slots(s, err) == 0)
		return 0;
	object_stack_release(s);
	return -1;
}

void object_stack_release(struct object_stack *s)
{
	u64map_release(&s->slot_of_cache);
	u64map_release(&s->start_objects);
	free(s->slots);
	free(s->caches);
	free(s->object_sizes);
	kmalloc_release(&s->km);
	if (s->oa)
		s->oa->ops->free(s->oa);
	memset(s, 0, sizeof(*s));
}

unsigned object_stack_slot(const struct object_stack *s, const struct object_cache *cache)
{
	if (!cache)
		return SLOT_LARGE;
	const uint64_t *slot = u64map_get(&s->slot_of_cache, (uint64_t)(uintptr_t)cache);
	BUG_ON(!slot, "an object of a cache that was made during the run");
	return (unsigned)*slot;
}

void object_stack_slot_name(const struct object_stack *s, unsigned slot, char *name)
{
	struct object_cache_stats stats = {.name = "kmalloc-large"};
	if (slot != SLOT_LARGE)
		s->oa->ops->cache_stats(s->oa, s->slots[slot].cache, &stats);
	snprintf(name, CACHE_NAME_SIZE, "%s", stats.name);
}

void object_stack_begin(struct object_stack *s)
{
	for (unsigned slot = SLOT_LARGE + 1; slot < s->slots_count; slot++)
		s->oa->ops->cache_stats(s->oa, s->slots[slot].cache, &s->slots[slot].begin);
}

void object_stack_stats(const struct object_stack *s, unsigned slot,
			struct object_cache_stats *stats)
{
	static const size_t counters[] = {
#define AT(member) offsetof(struct object_cache_stats, member)
		AT(allocs_count),
		AT(frees_count),
		AT(failed_count),
		AT(fast_allocs_count),
		AT(fast_frees_count),
		AT(refills_shared_count),
		AT(refills_cpu_partial_count),
		AT(refills_node_partial_count),
		AT(sheaf_refills_count),
		AT(sheaf_flushes_count),
		AT(barn_gets_count),
		AT(barn_puts_count),
		AT(slabs_new_count),
		AT(slabs_freed_count),
		AT(slabs_fallback_count),
		AT(ctor_calls_count),
#undef AT
	};
	const struct cache_slot *known = &s->slots[slot];
	s->oa->ops->cache_stats(s->oa, known->cache, stats);
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		uint64_t before;
		memcpy(&before, (const char *)&known->begin + counters[i], sizeof(before));
		*(uint64_t *)(void *)((char *)stats + counters[i]) -= before;
	}
}
