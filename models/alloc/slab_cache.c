/*
 * slab_cache.c - the caches of the allocator "slab": made, merged, dropped, shrunk, counted.
 *
 * Sizes of arrays, as Linux's enable_cpucache() has them, by the stride of the objects:
 *
 *   above 128 KiB 1, above a page 8, above 1 KiB 24, above 256 bytes 54, else 120 objects
 *   batch: half of that, rounded up
 *   shared array: 8 batches, if there are several CPUs and objects fit into a page
 *
 * Merging. A request for a cache like one that is there gets that one: no constructor, no
 * debugging, no TYPESAFE_BY_RCU on either side; the same flags for memory; a stride less than a
 * word larger; a suitable alignment. The newest suitable cache is taken. Size classes are always
 * made anew, but others may merge with them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "alloc/slab.h"
#include "kern/bug.h"

#define FLAGS_NEVER_MERGED (CACHE_RED_ZONE | CACHE_POISON | CACHE_TYPESAFE_BY_RCU | CACHE_NO_MERGE)
#define FLAGS_ALIKE        (CACHE_RECLAIM_ACCOUNT | CACHE_ACCOUNT | CACHE_DMA | CACHE_DMA32)

static void *reserve(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* --- the allocator ---------------------------------------------------------------------------- */

/* The node itself, or the first in its zonelist that has memory. */
static unsigned home_of(const struct physmem *pm, unsigned nid)
{
	const struct node *node = &pm->nodes[nid];
	return node->zonelist_count ? pm->zones[node->zonelist[0]].nid : nid;
}

static int init_tables(struct slab_allocator *sa)
{
	const struct physmem *pm = sa->base.pm;
	unsigned cpus = sa->params.cpus_count;
	sa->nodes_count = pm->nodes_count;
	sa->frames_bytes = pm->pfn_end * sizeof(*sa->frames);
	sa->frames = reserve(sa->frames_bytes);
	sa->node_home = calloc(sa->nodes_count, sizeof(*sa->node_home));
	sa->node_cpus_count = calloc(sa->nodes_count, sizeof(*sa->node_cpus_count));
	sa->cpu_home = calloc(cpus, sizeof(*sa->cpu_home));
	sa->ticks_count = calloc(cpus, sizeof(*sa->ticks_count));
	if (!sa->frames || !sa->node_home || !sa->node_cpus_count || !sa->cpu_home ||
	    !sa->ticks_count)
		return -1;
	for (unsigned nid = 0; nid < sa->nodes_count; nid++)
		sa->node_home[nid] = home_of(pm, nid);
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		unsigned home = sa->node_home[sa->params.cpu_nid[cpu]];
		sa->cpu_home[cpu] = home;
		sa->node_cpus_count[home]++;
	}
	return 0;
}

struct object_allocator *slab_allocator_new(const struct object_allocator_params *params,
					    struct err *err)
{
	if (params->cpu_partial_objects != SLAB_AUTO &&
	    params->cpu_partial_objects > SLAB_ARRAY_LIMIT) {
		err_set(err, ERR_CONFIG, "a CPU's array holds at most %u objects, not %llu",
			SLAB_ARRAY_LIMIT, (unsigned long long)params->cpu_partial_objects);
		return NULL;
	}
	struct slab_allocator *sa = calloc(1, sizeof(*sa));
	if (!sa) {
		err_set(err, ERR_IO, "out of memory for the object allocator");
		return NULL;
	}
	sa->base.ops = &slab_object_allocator;
	sa->base.pm = params->pm;
	sa->base.pa = params->pa;
	sa->params = *params;
	bool ok = physmem_ram(params->pm, 0, err) && init_tables(sa) == 0;
	sa->params.cpu_nid = NULL; /* the caller's; cpu_home has what is needed of it */
	if (ok)
		return &sa->base;
	err_set(err, ERR_IO, "out of memory for the object allocator");
	slab_allocator_free(&sa->base);
	return NULL;
}

static void cache_release(struct slab_cache *c)
{
	if (!c)
		return;
	if (c->index_arena)
		munmap(c->index_arena, c->index_arena_bytes);
	free(c->arrays);
	free(c->nodes);
	free(c->entries);
	free(c);
}

void slab_allocator_free(struct object_allocator *oa)
{
	struct slab_allocator *sa = to_slab(oa);
	for (unsigned i = 0; i < sa->caches_count; i++)
		cache_release(sa->caches[i]);
	if (sa->frames)
		munmap(sa->frames, sa->frames_bytes);
	free(sa->node_home);
	free(sa->node_cpus_count);
	free(sa->cpu_home);
	free(sa->ticks_count);
	free(sa->scratch);
	free(sa);
}

/* --- a cache ---------------------------------------------------------------------------------- */

static unsigned automatic_limit(uint64_t size_bytes)
{
	if (size_bytes > 131072)
		return 1;
	if (size_bytes > PAGE_BYTES)
		return 8;
	if (size_bytes > 1024)
		return 24;
	return size_bytes > 256 ? 54 : 120;
}

static void set_limits(const struct slab_allocator *sa, struct slab_cache *c)
{
	uint64_t wished = sa->params.cpu_partial_objects;
	c->array_limit =
		wished == SLAB_AUTO ? automatic_limit(c->layout.size_bytes) : (unsigned)wished;
	c->batch = (c->array_limit + 1) / 2;
	c->empty_slabs_max = sa->params.min_partial_slabs;
}

static uint64_t node_free_limit(const struct slab_allocator *sa, const struct slab_cache *c,
				unsigned nid)
{
	uint64_t objects = c->layout.objects_count;
	if (c->empty_slabs_max != SLAB_AUTO)
		return u64_min(c->empty_slabs_max, UINT32_MAX) * objects;
	return (1 + sa->node_cpus_count[nid]) * c->batch + objects;
}

static int init_arrays(struct slab_allocator *sa, struct slab_cache *c)
{
	unsigned cpus = sa->params.cpus_count;
	bool share = cpus > 1 && c->layout.size_bytes <= PAGE_BYTES;
	unsigned shared_limit = share ? SLAB_SHARED_FACTOR * c->batch : 0;
	uint64_t entries = (uint64_t)cpus * c->array_limit + sa->nodes_count * shared_limit;
	c->arrays = calloc(cpus, sizeof(*c->arrays));
	c->nodes = calloc(sa->nodes_count, sizeof(*c->nodes));
	c->entries = calloc(entries + 1, sizeof(*c->entries));
	if (!c->arrays || !c->nodes || !c->entries)
		return -1;
	uint64_t *next = c->entries;
	for (unsigned cpu = 0; cpu < cpus; cpu++, next += c->array_limit)
		c->arrays[cpu] = (struct slab_array){
			.limit = c->array_limit, .batch = c->batch, .entries = next};
	for (unsigned nid = 0; nid < sa->nodes_count; nid++, next += shared_limit) {
		struct slab_node *n = &c->nodes[nid];
		snprintf(n->lock.name, sizeof(n->lock.name), "node%u/%.16s", nid % NODES_LIMIT,
			 c->name);
		for (unsigned i = 0; i < SLAB_LISTS; i++)
			slab_queue_init(&n->lists[i]);
		n->shared = (struct slab_array){
			.limit = shared_limit, .batch = c->batch, .entries = next};
		n->free_limit = node_free_limit(sa, c, nid);
	}
	if (entries <= sa->scratch_capacity)
		return 0;
	uint64_t *scratch = realloc(sa->scratch, entries * sizeof(*scratch));
	if (!scratch)
		return -1;
	sa->scratch = scratch;
	sa->scratch_capacity = entries;
	return 0;
}

static int init_index_arena(const struct slab_allocator *sa, struct slab_cache *c)
{
	const struct slab_layout *l = &c->layout;
	if (l->index_place != SLAB_INDEX_OFF_SLAB)
		return 0;
	uint64_t slabs = (sa->base.pm->pfn_end >> l->order) + 1;
	c->index_arena_bytes = slabs * l->objects_count * l->index_entry_bytes;
	c->index_arena = reserve(c->index_arena_bytes);
	return c->index_arena ? 0 : -1;
}

/* An existing cache that can serve such a request, newest first; NULL if there is none. */
static struct slab_cache *find_mergeable(const struct slab_allocator *sa,
					 const struct object_cache_params *params,
					 const struct slab_layout *l)
{
	if (!sa->params.merge || params->ctor || params->flags & CACHE_KMALLOC ||
	    l->flags & FLAGS_NEVER_MERGED)
		return NULL;
	uint64_t align = slab_layout_align(params), size = l->size_bytes;
	for (unsigned i = sa->caches_count; i-- > 0;) {
		struct slab_cache *c = sa->caches[i];
		if (!c || c->ctor || c->layout.flags & FLAGS_NEVER_MERGED ||
		    (c->layout.flags ^ l->flags) & FLAGS_ALIKE)
			continue;
		if (size > c->layout.size_bytes || c->layout.size_bytes - size >= 8 ||
		    c->layout.size_bytes % align || c->layout.align_bytes % align)
			continue;
		if (params->objects_per_slab &&
		    (l->order != c->layout.order || l->objects_count != c->layout.objects_count))
			continue;
		return c;
	}
	return NULL;
}

static struct slab_cache *make_cache(struct slab_allocator *sa,
				     const struct object_cache_params *params,
				     const struct slab_layout *layout, struct err *err)
{
	struct slab_cache *c = calloc(1, sizeof(*c));
	if (!c) {
		err_set(err, ERR_IO, "out of memory for cache %s", params->name);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", params->name);
	c->layout = *layout;
	c->ctor = params->ctor;
	c->index = sa->caches_count;
	c->refs_count = 1;
	rng_init(&c->rng, sa->params.seed, c->index);
	set_limits(sa, c);
	if (init_arrays(sa, c) || init_index_arena(sa, c)) {
		err_set(err, ERR_IO, "out of memory for cache %s", params->name);
		cache_release(c);
		return NULL;
	}
	return c;
}

struct object_cache *slab_cache_new(struct object_allocator *oa,
				    const struct object_cache_params *params, struct err *err)
{
	struct slab_allocator *sa = to_slab(oa);
	const struct slab_order_limits limits = {
		.min_order = sa->params.min_order,
		.max_order = sa->params.max_order,
		.largest_order = oa->pm->max_order,
	};
	struct slab_layout layout;
	if (slab_layout_choose(&layout, params, params->flags | sa->params.debug_flags, &limits,
			       err))
		return NULL;
	struct slab_cache *c = find_mergeable(sa, params, &layout);
	if (c) {
		c->refs_count++;
		c->layout.object_size_bytes =
			u64_max(c->layout.object_size_bytes, params->object_size_bytes);
		return (struct object_cache *)c;
	}
	if (sa->caches_count == OBJECT_CACHES_LIMIT) {
		err_set(err, ERR_CONFIG, "cache %s: more than %u caches", params->name,
			OBJECT_CACHES_LIMIT);
		return NULL;
	}
	c = make_cache(sa, params, &layout, err);
	if (c)
		sa->caches[sa->caches_count++] = c;
	return (struct object_cache *)c;
}

struct object_cache *slab_cache_at(struct object_allocator *oa, unsigned index)
{
	struct slab_allocator *sa = to_slab(oa);
	return index < sa->caches_count ? (struct object_cache *)sa->caches[index] : NULL;
}

/* --- shrinking and the end -------------------------------------------------------------------- */

void slab_cache_shrink(struct object_allocator *oa, struct env *env, struct object_cache *cache)
{
	struct slab_allocator *sa = to_slab(oa);
	struct slab_cache *c = to_slab_cache(cache);
	for (unsigned cpu = 0; cpu < sa->params.cpus_count; cpu++) {
		env_sync(env);
		if (c->arrays[cpu].avail)
			slab_array_drain(sa, c, &c->nodes[sa->cpu_home[cpu]], &c->arrays[cpu], env,
					 UINT32_MAX);
	}
	for (unsigned nid = 0; nid < sa->nodes_count; nid++) {
		struct slab_node *n = &c->nodes[nid];
		slab_array_drain(sa, c, n, &n->shared, env, UINT32_MAX);
		env_lock(env, &n->lock);
		uint32_t doomed = slab_node_trim(sa, c, n, env, UINT64_MAX);
		env_unlock(env, &n->lock);
		slab_discard(sa, c, env, doomed);
	}
}

uint64_t slab_cache_free(struct object_allocator *oa, struct env *env, struct object_cache *cache)
{
	struct slab_allocator *sa = to_slab(oa);
	struct slab_cache *c = to_slab_cache(cache);
	if (c->refs_count > 1) {
		c->refs_count--;
		return 0;
	}
	slab_cache_shrink(oa, env, cache);
	if (c->live_count)
		return c->live_count;
	BUG_ON(c->slabs_count, "cache %s has slabs, but no live objects", c->name);
	sa->caches[c->index] = NULL;
	cache_release(c);
	return 0;
}

/* --- statistics ------------------------------------------------------------------------------- */

void slab_cache_stats(struct object_allocator *oa, struct object_cache *cache,
		      struct object_cache_stats *stats)
{
	struct slab_allocator *sa = to_slab(oa);
	const struct slab_cache *c = to_slab_cache(cache);
	const struct slab_layout *l = &c->layout;
	uint64_t free_objects = 0;
	for (unsigned nid = 0; nid < sa->nodes_count; nid++)
		free_objects += c->nodes[nid].free_objects;
	*stats = c->counters;
	stats->name = c->name;
	stats->index = c->index;
	stats->aliases_count = c->refs_count - 1;
	stats->flags = l->flags;
	stats->object_size_bytes = l->object_size_bytes;
	stats->size_bytes = l->size_bytes;
	stats->align_bytes = l->align_bytes;
	stats->slab_order = l->order;
	stats->objects_per_slab = l->objects_count;
	stats->cpu_partial_objects = c->array_limit;
	stats->min_partial_slabs = c->nodes[0].free_limit / l->objects_count;
	stats->slabs_count = c->slabs_count;
	stats->pages_count = c->slabs_count << l->order;
	stats->objects_count = c->slabs_count * l->objects_count;
	stats->live_count = c->live_count;
	stats->active_count = stats->objects_count - free_objects;
	stats->lock = &c->nodes[0].lock;
}

/* --- recorded slabs --------------------------------------------------------------------------- */

/* Number the free objects of a recorded slab, the last of them as holder of the index. */
static void number_recorded(struct slab_allocator *sa, struct slab_cache *c, pfn_t pfn,
			    const uint64_t *free_map)
{
	unsigned total = c->layout.objects_count, free_count = 0;
	for (unsigned i = 0; i < total; i++) {
		if (!(free_map[i / 64] >> i % 64 & 1))
			continue;
		free_count++;
		sa->frames[pfn].holder = (uint16_t)i;
	}
	sa->frames[pfn].active = (uint16_t)(total - free_count);
	if (!free_count)
		return;
	uint8_t *index = slab_index(sa, c, pfn);
	unsigned entry = total - free_count;
	for (unsigned i = 0; i < total; i++) {
		if (free_map[i / 64] >> i % 64 & 1)
			slab_index_set(c, index, entry++, i);
	}
}

/* Places of a CPU are no places here: all free objects are the node's. */
void slab_add_slab(struct object_allocator *oa, struct object_cache *cache, pfn_t pfn,
		   const uint64_t *free_map, enum slab_place place, int cpu)
{
	struct slab_allocator *sa = to_slab(oa);
	struct slab_cache *c = to_slab_cache(cache);
	struct slab_node *n = &c->nodes[slab_nid(sa, pfn)];
	unsigned total = c->layout.objects_count;
	slab_mark_frames(sa, c, pfn, 0);
	number_recorded(sa, c, pfn, free_map);
	for (unsigned i = 0; slab_debugged(c) && i < total; i++) {
		struct env env = {.cost_cycles = (const uint32_t[COST_KINDS]){0}};
		slab_debug_fill(sa, c, &env, slab_object(sa, c, pfn, i));
		if (!(free_map[i / 64] >> i % 64 & 1))
			slab_debug_alloc(sa, c, &env, slab_object(sa, c, pfn, i),
					 c->layout.object_size_bytes);
	}
	unsigned active = sa->frames[pfn].active;
	enum slab_list_kind kind = active == total ? SLAB_FULL : active ? SLAB_PARTIAL : SLAB_EMPTY;
	slab_queue_add(sa, n, pfn, kind, true);
	n->free_objects += total - active;
	c->slabs_count++;
	c->live_count += active;
}
