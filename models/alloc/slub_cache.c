/*
 * slub_cache.c - caches: made, merged, emptied, given a recorded state, and examined.
 *
 * Merging. A cache that differs from an older one by nothing but its name shares its slabs: same
 * rounded size, alignment that the older one's size is a multiple of, and the same kind of pages.
 * Caches whose free objects or surroundings matter (constructor, RCU, debugging) stand alone, and
 * size classes, too, as they do in a hardened Linux. At most one cache can be the one to merge
 * with, since a second like it would have merged itself.
 *
 * A cache with a recorded layout stands for what a recorded kernel had after merging and merges
 * no more.
 */
#include "alloc/slub.h"

#include <stdio.h>
#include <stdlib.h>

#define SHRINK_CLASSES 32 /* slabs with more free objects than this are not sorted */
#define MERGE_SAME     (CACHE_RECLAIM_ACCOUNT | CACHE_DMA | CACHE_DMA32 | CACHE_ACCOUNT)
#define MERGE_NEVER                                                                                \
	(CACHE_RED_ZONE | CACHE_POISON | CACHE_TYPESAFE_BY_RCU | CACHE_NO_MERGE | CACHE_KMALLOC)

/* --- making a cache --------------------------------------------------------------------------- */

static struct object_cache *find_mergeable(struct slub *sa, const struct slub_layout *l,
					   unsigned flags)
{
	for (unsigned i = 0; i < sa->caches_count; i++) {
		struct object_cache *c = sa->caches[i];
		if (c && c->mergeable && c->l.size >= l->size && c->l.size - l->size < 8 &&
		    (flags & MERGE_SAME) == (c->flags & MERGE_SAME) && c->l.size % l->align == 0)
			return c;
	}
	return NULL;
}

/* Fisher and Yates: every order equally likely. NULL if out of memory. */
static uint16_t *shuffled(struct rng *rng, unsigned count)
{
	uint16_t *order = malloc(count * sizeof(*order));
	for (unsigned i = 0; order && i < count; i++)
		order[i] = (uint16_t)i;
	for (unsigned i = count - 1; order && i > 0; i--) {
		unsigned other = (unsigned)rng_below(rng, i + 1);
		uint16_t moved = order[i];
		order[i] = order[other];
		order[other] = moved;
	}
	return order;
}

static gfp_t page_flags(unsigned flags)
{
	gfp_t gfp = __GFP_COMP;
	if (flags & CACHE_DMA)
		gfp |= __GFP_DMA;
	if (flags & CACHE_DMA32)
		gfp |= __GFP_DMA32;
	if (flags & CACHE_RECLAIM_ACCOUNT)
		gfp |= __GFP_RECLAIMABLE;
	return gfp;
}

static int init_cache(struct object_cache *c, struct slub *sa)
{
	const struct object_allocator_params *p = &sa->params;
	c->ram = sa->base.pm->ram;
	c->sa = sa;
	c->hardened = p->freelist_hardened;
	rng_init(&c->rng, p->seed, SLUB_RNG_STREAMS + c->index);
	c->key = rng_u64(&c->rng);
	slab_list_init(&c->unlisted);
	for (unsigned cpu = 0; cpu < p->cpus_count; cpu++) {
		c->cpus[cpu].home_nid = p->cpu_nid[cpu];
		slab_forget(&c->cpus[cpu]);
		slab_list_init(&c->cpus[cpu].partial);
		slab_list_init(&c->cpus[cpu].moving);
	}
	c->nodes = calloc(sa->base.pm->nodes_count, sizeof(*c->nodes));
	if (p->freelist_random && c->l.objects >= 2)
		c->order_of_objects = shuffled(&c->rng, c->l.objects);
	if (!c->nodes || (p->freelist_random && c->l.objects >= 2 && !c->order_of_objects))
		return -1;
	for (unsigned nid = 0; nid < sa->base.pm->nodes_count; nid++) {
		slab_list_init(&c->nodes[nid].partial);
		snprintf(c->nodes[nid].lock.name, sizeof(c->nodes[nid].lock.name), "%.20s/%u",
			 c->name, nid & (NODES_LIMIT - 1));
	}
	return 0;
}

struct object_cache *slub_cache_new(struct object_allocator *oa,
				    const struct object_cache_params *params, struct err *err)
{
	struct slub *sa = (struct slub *)oa;
	unsigned flags = params->flags | (sa->params.debug_flags & SLUB_DEBUG_FLAGS);
	bool recorded = params->size_bytes || params->objects_per_slab;
	bool mergeable = sa->params.merge && !params->ctor && !(flags & MERGE_NEVER) && !recorded &&
			 !params->sheaf_capacity;
	struct slub_layout l;
	if (params->sheaf_capacity > SHEAF_CAPACITY_MAX) {
		err_set(err, ERR_CONFIG, "cache %s: sheaves of %u objects; at most %u are possible",
			params->name, params->sheaf_capacity, SHEAF_CAPACITY_MAX);
		return NULL;
	}
	if (slub_layout_init(&l, params, flags, &sa->params, err) != 0)
		return NULL;
	struct object_cache *c = mergeable ? find_mergeable(sa, &l, flags) : NULL;
	if (c) {
		c->refs_count++;
		c->l.object_size = (uint32_t)u64_max(c->l.object_size, l.object_size);
		c->l.inuse_bytes = (uint32_t)u64_max(c->l.inuse_bytes, l.inuse_bytes);
		return c;
	}
	if (sa->caches_count == OBJECT_CACHES_LIMIT) {
		err_set(err, ERR_CONFIG, "cache %s: there are %u caches already", params->name,
			OBJECT_CACHES_LIMIT);
		return NULL;
	}
	size_t bytes = sizeof(*c) + sa->params.cpus_count * sizeof(c->cpus[0]);
	c = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
	if (c) {
		memset(c, 0, bytes);
		snprintf(c->name, sizeof(c->name), "%s", params->name);
		c->index = sa->caches_count;
		c->flags = flags;
		c->refs_count = 1;
		c->mergeable = mergeable;
		c->page_gfp = page_flags(flags);
		c->ctor = params->ctor;
		c->l = l;
	}
	unsigned sheaf_capacity = l.debug ? 0 : params->sheaf_capacity;
	if (!c || init_cache(c, sa) != 0 ||
	    (sheaf_capacity && slub_sheaves_init(c, sheaf_capacity) != 0)) {
		slub_cache_release(c);
		err_set(err, ERR_IO, "out of memory for cache %s", params->name);
		return NULL;
	}
	sa->caches[sa->caches_count++] = c;
	return c;
}

void slub_cache_release(struct object_cache *c)
{
	if (!c)
		return;
	slub_sheaves_release(c);
	free(c->nodes);
	free(c->order_of_objects);
	free(c);
}

/* --- emptying --------------------------------------------------------------------------------- */

static void flush_all(struct object_cache *c, struct env *env)
{
	env_sync(env);
	slub_sheaves_flush(c, env);
	for (unsigned cpu = 0; cpu < c->sa->params.cpus_count; cpu++)
		slub_flush_cpu(c, env, &c->cpus[cpu]);
}

/* Under the lock: the empty slabs of a node go to the CPU's moving list. */
static void collect_empty(struct object_cache *c, struct env *env, struct slub_node *n)
{
	struct slub *sa = c->sa;
	for (uint32_t pfn = n->partial.head, next; pfn != PAGE_LINK_NONE; pfn = next) {
		next = sa->slabs[pfn].next;
		env_charge(env, COST_SEARCH);
		if (sa->slabs[pfn].inuse)
			continue;
		node_remove(c, env, pfn);
		slab_list_add(sa, &c->cpus[env->cpu].moving, pfn, LIST_MOVING, true);
	}
}

/* As Linux: the last one first, so that the first one's pages are the next to be used. */
static void discard_moving(struct object_cache *c, struct env *env)
{
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	while (moving->count) {
		pfn_t pfn = moving->tail;
		slab_list_remove(c->sa, moving, pfn);
		slab_free_pages(c, env, pfn);
	}
}

/* Under the lock: slabs with fewest free objects first; of equal ones, the last comes first. */
static void sort_node(struct object_cache *c, struct env *env, struct slub_node *n)
{
	struct slub *sa = c->sa;
	struct slab_list classes[SHRINK_CLASSES];
	for (unsigned i = 0; i < SHRINK_CLASSES; i++)
		slab_list_init(&classes[i]);
	for (uint32_t pfn = n->partial.head, next; pfn != PAGE_LINK_NONE; pfn = next) {
		const struct slab *s = &sa->slabs[pfn];
		unsigned available = s->objects - s->inuse;
		next = s->next;
		env_charge(env, COST_SEARCH);
		if (available > SHRINK_CLASSES)
			continue;
		env_charge(env, COST_LINK);
		slab_list_remove(sa, &n->partial, pfn);
		slab_list_add(sa, &classes[available - 1], pfn, LIST_NODE_PARTIAL, false);
	}
	for (unsigned i = SHRINK_CLASSES; i-- > 0;) {
		while (classes[i].count) {
			pfn_t pfn = classes[i].tail;
			slab_list_remove(sa, &classes[i], pfn);
			slab_list_add(sa, &n->partial, pfn, LIST_NODE_PARTIAL, false);
		}
	}
}

void slub_shrink(struct object_allocator *oa, struct env *env, struct object_cache *c)
{
	flush_all(c, env);
	for (unsigned nid = 0; nid < oa->pm->nodes_count; nid++) {
		struct slub_node *n = &c->nodes[nid];
		env_lock(env, &n->lock);
		collect_empty(c, env, n);
		sort_node(c, env, n);
		env_unlock(env, &n->lock);
		discard_moving(c, env);
	}
}

uint64_t slub_cache_free(struct object_allocator *oa, struct env *env, struct object_cache *c)
{
	struct slub *sa = (struct slub *)oa;
	if (c->refs_count > 1) {
		c->refs_count--;
		return 0;
	}
	flush_all(c, env);
	for (unsigned nid = 0; nid < oa->pm->nodes_count; nid++) {
		struct slub_node *n = &c->nodes[nid];
		env_lock(env, &n->lock);
		collect_empty(c, env, n);
		env_unlock(env, &n->lock);
		discard_moving(c, env);
	}
	uint64_t live = slub_live_count(c);
	if (live)
		return live;
	BUG_ON(c->slabs_count, "cache %s has %llu slabs, but no object", c->name,
	       (unsigned long long)c->slabs_count);
	sa->caches[c->index] = NULL;
	slub_cache_release(c);
	return 0;
}

/* --- a recorded state ------------------------------------------------------------------------- */

void slub_add_slab(struct object_allocator *oa, struct object_cache *c, pfn_t pfn,
		   const uint64_t *free_map, enum slab_place place, int cpu)
{
	struct slub *sa = (struct slub *)oa;
	BUG_ON(!physmem_has_block(oa->pm, pfn, c->l.order),
	       "cache %s: no slab of order %u can be at pfn %#llx", c->name, c->l.order,
	       (unsigned long long)pfn);
	slab_adopt(c, pfn, free_map);
	const struct slab *s = &sa->slabs[pfn];
	bool per_cpu = cpu >= 0 && (unsigned)cpu < sa->params.cpus_count && !c->l.debug;
	struct slub_cpu *slot = per_cpu ? &c->cpus[cpu] : NULL;
	if (place == SLAB_CPU_CURRENT && per_cpu && !slot->bytes) {
		slab_make_current(c, slot, pfn);
		return;
	}
	if (s->free == SLAB_FREE_END)
		return;
	slab_list_remove(sa, &c->unlisted, pfn);
	if ((place == SLAB_CPU_CURRENT || place == SLAB_CPU_PARTIAL) && per_cpu &&
	    slot->partial.count < c->l.cpu_partial_slabs) {
		slab_list_add(sa, &slot->partial, pfn, LIST_CPU_PARTIAL, true);
		return;
	}
	struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
	slab_list_add(sa, &n->partial, pfn, LIST_NODE_PARTIAL, true);
	n->free_objects += s->objects - s->inuse;
}

/* --- questions -------------------------------------------------------------------------------- */

unsigned slub_cpu_free_count(const struct object_cache *c, const struct slub_cpu *cpu,
			     unsigned limit)
{
	unsigned count = 0;
	for (uint64_t o = cpu->free; o - cpu->start < cpu->bytes && count < limit;
	     o = link_load(c, o))
		count++;
	return count;
}

struct walk {
	struct object_cache *c;
	void (*visit)(void *arg, const struct slab_view *view);
	void *arg;
};

static void view(const struct walk *w, pfn_t pfn, unsigned own_free, enum slab_place place, int cpu)
{
	const struct slab *s = &w->c->sa->slabs[pfn];
	const uint64_t *in_sheaves;
	const struct slab_view v = {
		.pfn = pfn,
		.order = slab_order(w->c, s),
		.objects_count = s->objects,
		.live_count = s->inuse - own_free - slub_sheaves_of_slab(w->c, pfn, &in_sheaves),
		.place = place,
		.cpu = cpu,
	};
	w->visit(w->arg, &v);
}

static void view_list(const struct walk *w, const struct slab_list *l, enum slab_place place,
		      int cpu)
{
	const struct slab *slabs = w->c->sa->slabs;
	for (uint32_t pfn = l->head, next; pfn != PAGE_LINK_NONE; pfn = next) {
		next = slabs[pfn].next;
		if (!slabs[pfn].frozen)
			view(w, pfn, 0, place, cpu);
	}
}

void slub_walk(struct object_allocator *oa, struct object_cache *c,
	       void (*visit)(void *arg, const struct slab_view *), void *arg)
{
	const struct slub *sa = (const struct slub *)oa;
	const struct walk w = {c, visit, arg};
	slub_sheaves_snapshot(c);
	for (unsigned i = 0; i < sa->params.cpus_count; i++) {
		const struct slub_cpu *cpu = &c->cpus[i];
		pfn_t pfn = cpu->start >> PAGE_SHIFT;
		if (cpu->bytes)
			view(&w, pfn, slub_cpu_free_count(c, cpu, sa->slabs[pfn].inuse),
			     SLAB_CPU_CURRENT, (int)i);
	}
	for (unsigned i = 0; i < sa->params.cpus_count; i++)
		view_list(&w, &c->cpus[i].partial, SLAB_CPU_PARTIAL, (int)i);
	for (unsigned nid = 0; nid < oa->pm->nodes_count; nid++)
		view_list(&w, &c->nodes[nid].partial, SLAB_NODE_PARTIAL, -1);
	view_list(&w, &c->unlisted, SLAB_UNLISTED, -1);
	for (unsigned i = 0; i < sa->params.cpus_count; i++)
		view_list(&w, &c->cpus[i].moving, SLAB_UNLISTED, -1);
}

static void sum_cpus(const struct object_cache *c, uint64_t *allocs, uint64_t *frees)
{
	*allocs = *frees = 0;
	for (unsigned i = 0; i < c->sa->params.cpus_count; i++) {
		*allocs += c->cpus[i].fast_allocs_count;
		*frees += c->cpus[i].fast_frees_count;
	}
}

uint64_t slub_live_count(const struct object_cache *c)
{
	uint64_t allocs, frees;
	sum_cpus(c, &allocs, &frees);
	return c->recorded_live_count + allocs + c->slow_allocs_count - frees - c->slow_frees_count;
}

void slub_cache_stats(struct object_allocator *oa, struct object_cache *c,
		      struct object_cache_stats *stats)
{
	uint64_t node_free = 0, allocs, frees;
	sum_cpus(c, &allocs, &frees);
	for (unsigned nid = 0; nid < oa->pm->nodes_count; nid++)
		node_free += c->nodes[nid].free_objects;
	const struct sheaf_store none = {0}, *st = c->sheaves ? c->sheaves : &none;
	*stats = (struct object_cache_stats){
		.name = c->name,
		.index = c->index,
		.aliases_count = c->refs_count - 1,
		.flags = c->flags,
		.object_size_bytes = c->l.object_size,
		.size_bytes = c->l.size,
		.align_bytes = c->l.align,
		.slab_order = c->l.order,
		.objects_per_slab = c->l.objects,
		.cpu_partial_objects = c->l.cpu_partial_objects,
		.cpu_partial_slabs = c->l.cpu_partial_slabs,
		.min_partial_slabs = c->l.min_partial,
		.allocs_count = allocs + c->slow_allocs_count,
		.frees_count = frees + c->slow_frees_count,
		.failed_count = c->failed_count,
		.fast_allocs_count = allocs,
		.fast_frees_count = frees,
		.refills_shared_count = c->refills_shared_count,
		.refills_cpu_partial_count = c->refills_cpu_partial_count,
		.refills_node_partial_count = c->refills_node_partial_count,
		.sheaf_refills_count = st->refills_count,
		.sheaf_flushes_count = st->flushes_count,
		.barn_gets_count = st->barn_gets_count,
		.barn_puts_count = st->barn_puts_count,
		.slabs_new_count = c->slabs_new_count,
		.slabs_freed_count = c->slabs_freed_count,
		.slabs_fallback_count = c->slabs_fallback_count,
		.ctor_calls_count = c->ctor_calls_count,
		.slabs_count = c->slabs_count,
		.pages_count = c->pages_count,
		.objects_count = c->objects_count,
		.live_count = slub_live_count(c),
		.active_count = c->objects_count - node_free,
		.sheaf_capacity = st->capacity,
		.sheaf_objects_count = slub_sheaves_count(c),
		.lock = &c->nodes[0].lock,
	};
}
