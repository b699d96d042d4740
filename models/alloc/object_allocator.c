/*
 * object_allocator.c - what all object allocators have in common: see object_allocator.h.
 */
#include "alloc/object_allocator.h"

#include <string.h>

void object_params_init(struct object_allocator_params *p)
{
	*p = (struct object_allocator_params){
		.merge = true,
		.max_order = SLAB_ORDER_AUTO,
		.min_objects = SLAB_AUTO,
		.cpu_partial_objects = SLAB_AUTO,
		.min_partial_slabs = SLAB_AUTO,
		.remote_node_defrag_ratio = 100,
	};
}

struct usage_walk {
	struct object_cache_usage *usage;
	uint64_t size_bytes;
};

static void add_view(void *arg, const struct slab_view *v)
{
	struct usage_walk *w = arg;
	struct object_cache_usage *u = w->usage;
	if (v->live_count == v->objects_count)
		u->slabs_full++;
	else if (v->live_count)
		u->slabs_partial++;
	else
		u->slabs_empty++;
	if ((v->live_count == 1 && v->objects_count > 1) || v->single) {
		u->slabs_single++;
		u->pages_single += UINT64_C(1) << v->order;
	}
	u->tail_bytes += ((uint64_t)PAGE_BYTES << v->order) - v->objects_count * w->size_bytes;
}

void object_cache_usage(struct object_allocator *oa, struct object_cache *cache,
			struct object_cache_usage *usage)
{
	struct object_cache_stats stats;
	oa->ops->cache_stats(oa, cache, &stats);
	memset(usage, 0, sizeof(*usage));
	struct usage_walk walk = {usage, stats.size_bytes};
	oa->ops->walk(oa, cache, add_view, &walk);
}
