/*
 * native_machine.c - see native_machine.h.
 *
 * The machine has one node with a small ZONE_DMA, for the requests that ask for it, and a
 * ZONE_NORMAL several times as large as what the sequence ever holds, so that nothing fails for
 * want of memory. Address space is reserved and host memory comes with use.
 *
 * Caches are laid out as recorded and keep to themselves, as in a replay: the recorded kernel has
 * merged already what it would merge. An allocator that cannot pack objects as recorded lays them
 * out itself.
 */
#include "sim/native_machine.h"

#include <stdlib.h>

#include "kern/watermark.h"

#define DMA_PAGES (UINT64_C(16) << (20 - PAGE_SHIFT))

static int make_machine(struct native_machine *m, uint64_t bytes, struct err *err)
{
	static const unsigned nid;
	uint64_t pages = ((4 * bytes + (UINT64_C(1) << 30)) >> 22 << 22) / PAGE_BYTES;
	const struct zone_span spans[] = {
		{ZONE_DMA, 0, 0, DMA_PAGES, DMA_PAGES},
		{ZONE_NORMAL, 0, DMA_PAGES, DMA_PAGES + pages, pages},
	};
	const struct physmem_params pm = {
		.spans = spans,
		.spans_count = ARRAY_SIZE(spans),
		.max_order = 10,
		.pageblock_order = 9,
		.group_by_mobility = true,
	};
	const struct watermark_params marks = {.min_free_kbytes = UINT64_MAX, .scale_factor = 10};
	if (physmem_init(&m->pm, &pm, err) != 0 || !physmem_ram(&m->pm, 0, err))
		return -1;
	watermark_setup(&m->pm, &marks);
	m->pa = page_allocator_find("buddy")->new(&(struct page_allocator_params){
		.pm = &m->pm,
		.cpus_count = 1,
		.cpu_nid = &nid,
		.highatomic = true,
		.coalesce = true,
		.split_steps_max = UINT32_MAX,
		.pcp = {true, PCP_AUTO, PCP_AUTO, PCP_AUTO, 0},
	});
	if (!m->pa)
		return err_set(err, ERR_IO, "out of memory for the page allocator");
	m->pa->ops->add_range(m->pa, 0, DMA_PAGES);
	m->pa->ops->add_range(m->pa, DMA_PAGES, pages);
	return 0;
}

static int make_allocator(struct native_machine *m, const char *name, struct err *err)
{
	static const unsigned nid;
	struct object_allocator_params params;
	const struct object_allocator_ops *ops = object_allocator_find(name);
	if (!ops)
		return err_set(err, ERR_CONFIG, "no object allocator %s", name);
	object_params_init(&params);
	params.pm = &m->pm;
	params.pa = m->pa;
	params.cpus_count = 1;
	params.cpu_nid = &nid;
	m->oa = ops->new(&params, err);
	if (!m->oa)
		return -1;
	return kmalloc_init(&m->km, &(struct kmalloc_params){.oa = m->oa}, err);
}

static int make_cache(struct native_machine *m, const struct trace_cache *c,
		      struct object_cache **cache, struct err *err)
{
	struct object_cache_params params = {
		.name = c->name,
		.object_size_bytes = c->object_size_bytes ? c->object_size_bytes : c->size_bytes,
		.size_bytes = c->size_bytes,
		.flags = CACHE_NO_MERGE |
			 (c->flags & TRACE_CACHE_RECLAIMABLE ? CACHE_RECLAIM_ACCOUNT : 0u) |
			 (c->flags & TRACE_CACHE_DMA ? CACHE_DMA : 0u),
	};
	*cache = NULL;
	if (!params.object_size_bytes) /* nothing was ever allocated from it */
		return 0;
	*cache = m->oa->ops->cache_new(m->oa, &params, err);
	if (!*cache && err->code == ERR_CONFIG) {
		*err = (struct err){0};
		params.size_bytes = 0;
		*cache = m->oa->ops->cache_new(m->oa, &params, err);
	}
	return *cache ? 0 : -1;
}

int native_machine_init(struct native_machine *m, const char *allocator,
			const struct native_ops *o, struct err *err)
{
	*m = (struct native_machine){0};
	int result = make_machine(m, o->live_bytes_max, err);
	if (result == 0)
		result = make_allocator(m, allocator, err);
	m->caches = calloc(o->caches_count + 1, sizeof(struct object_cache *));
	if (!m->caches)
		result = err_set(err, ERR_IO, "out of memory for the object caches");
	for (unsigned i = 0; result == 0 && i < o->caches_count; i++)
		result = make_cache(m, &o->caches[i], &m->caches[i], err);
	if (result != 0)
		native_machine_release(m);
	return result;
}

void native_machine_release(struct native_machine *m)
{
	free(m->caches);
	kmalloc_release(&m->km);
	if (m->oa)
		m->oa->ops->free(m->oa);
	if (m->pa)
		m->pa->ops->free(m->pa);
	physmem_release(&m->pm);
	*m = (struct native_machine){0};
}

uint64_t native_machine_held_bytes(struct native_machine *m)
{
	uint64_t pages = m->km.large_live_pages;
	struct object_cache *cache;
	struct object_cache_stats stats;
	for (unsigned i = 0; (cache = m->oa->ops->cache_at(m->oa, i)) != NULL; i++) {
		m->oa->ops->cache_stats(m->oa, cache, &stats);
		pages += stats.pages_count;
	}
	return pages * PAGE_BYTES;
}
