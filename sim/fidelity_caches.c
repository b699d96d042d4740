/*
 * fidelity_caches.c - object caches at the end, against the recorded slabinfo: see fidelity.h.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/fidelity.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void add(struct fidelity_sum *s, uint64_t start, uint64_t truth, uint64_t sim, uint64_t unit)
{
	s->error += distance(sim, truth) * unit;
	s->drift += distance(start, truth) * unit;
	s->total += truth * unit;
}

/* Only a cache with slabs like the recorded ones began with them (seed_slabs.c). */
static bool is_alike(struct object_stack *stack, struct object_cache *cache,
		     const struct truth_cache *row)
{
	struct object_cache_stats stats;
	stack->oa->ops->cache_stats(stack->oa, cache, &stats);
	return stack->oa->ops->add_slab && row->size_bytes == stats.size_bytes &&
	       row->objects_per_slab == stats.objects_per_slab &&
	       row->pages_per_slab == UINT64_C(1) << stats.slab_order;
}

static void score(struct fidelity *f, struct object_stack *stack, struct object_cache *cache,
		  const struct truth_cache *start, const struct truth_cache *end)
{
	struct object_cache_stats stats;
	stack->oa->ops->cache_stats(stack->oa, cache, &stats);
	struct fidelity_cache *c = &f->caches[f->caches_count++];
	*c = (struct fidelity_cache){
		.pages_per_slab = end->pages_per_slab,
		.slabs_start = start->slabs_count,
		.slabs_true = end->slabs_count,
		.slabs_sim = stats.slabs_count,
		.active_start = start->active_count,
		.active_true = end->active_count,
		.active_sim = stats.active_count,
	};
	memcpy(c->name, end->name, sizeof(c->name));
	add(&f->slab_pages, c->slabs_start, c->slabs_true, c->slabs_sim, c->pages_per_slab);
	add(&f->active_objects, c->active_start, c->active_true, c->active_sim, 1);
}

int fidelity_caches(struct fidelity *f, struct machine *m, const struct truth *truth,
		    struct err *err)
{
	struct object_stack *stack = &m->objects;
	if (!stack->oa)
		return 0;
	f->caches = calloc(truth->caches_count[1] + 1, sizeof(*f->caches));
	if (!f->caches)
		return err_set(err, ERR_IO, "out of memory for the fidelity of object caches");
	for (unsigned i = 0; i < truth->caches_count[1]; i++) {
		const struct truth_cache *end = &truth->caches[1][i];
		const struct truth_cache *start = truth_cache_find(truth, 0, end->name);
		struct object_cache *cache = object_stack_find(stack, end->name);
		if (start && cache && is_alike(stack, cache, start))
			score(f, stack, cache, start, end);
	}
	return 0;
}

bool fidelity_sum_skill(const struct fidelity_sum *s, double *skill)
{
	if (!s->drift)
		return false;
	*skill = 1.0 - (double)s->error / (double)s->drift;
	return true;
}

void fidelity_release(struct fidelity *f)
{
	free(f->caches);
	f->caches = NULL;
	f->caches_count = 0;
}
