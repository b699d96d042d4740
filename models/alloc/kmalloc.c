/*
 * kmalloc.c - memory by size, over any object allocator: see kmalloc.h.
 *
 * A request of `bytes` goes one of four ways:
 *
 *   0                       KMALLOC_ZERO, which is no memory and may be freed
 *   up to the largest class an object of the smallest class that holds it
 *   more                    2^order whole pages, order = log2 of the pages, rounded up
 *   more than any block     fails
 *
 * Finding the class is one look into a table with an entry for every eighth byte, as Linux does for
 * sizes up to 192: with classes 8 16 32 64 96, class_of_eighth is
 *
 *   (bytes + 7) / 8    0 1 2 3 4 5 6 7 8 9 10 11 12
 *   class              0 0 1 2 2 3 3 3 3 4 4  4  4         20 bytes: entry 3, class 2, 32 bytes
 *
 * Every class has four caches, and flags choose among them: DMA before reclaimable before accounted
 * before normal. Names are those of Linux's slabinfo. A class is aligned to the largest power of
 * two that divides it: 64 to 64, 96 to 32, 192 to 64; classes above a page to a page.
 *
 * kfree() is told an address only. An object allocator knows its slabs by page, so it is asked
 * first; what is in no slab is the head page of an allocated block, which knows its order.
 *
 * Cost: COST_KMALLOC or COST_KFREE, besides what the object or page allocator charges. There is no
 * state that CPUs share, but for counters that nobody reads during a run.
 *
 * MODEL: one cache for each class and kind. Linux's RANDOM_KMALLOC_CACHES, which spreads callers
 * over 16 copies of a normal class, and its per-user buckets are not here.
 */
#include "alloc/kmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

#define CLASS_STEP 8u /* classes are multiples of this */

static const uint32_t linux_classes_bytes[] = {8,   16,  32,   64,   96,   128, 192,
					       256, 512, 1024, 2048, 4096, 8192};

static const struct {
	const char *prefix;
	unsigned flags;
} kinds[KMALLOC_KINDS] = {
	/* Linux keeps other caches out of these when memory cgroups are configured. */
	[KMALLOC_NORMAL] = {"kmalloc", CACHE_NO_MERGE},
	[KMALLOC_CGROUP] = {"kmalloc-cg", CACHE_ACCOUNT},
	[KMALLOC_RECLAIM] = {"kmalloc-rcl", CACHE_RECLAIM_ACCOUNT},
	[KMALLOC_DMA] = {"dma-kmalloc", CACHE_DMA},
};

/* --- classes ---------------------------------------------------------------------------------- */

const uint32_t *kmalloc_linux_classes(unsigned *count)
{
	*count = ARRAY_SIZE(linux_classes_bytes);
	return linux_classes_bytes;
}

int kmalloc_check_classes(const uint32_t *classes_bytes, unsigned classes_count,
			  uint64_t largest_bytes, unsigned *bad, struct err *err)
{
	largest_bytes = u64_min(largest_bytes, OBJECT_BYTES_MAX);
	*bad = 0;
	if (!classes_count)
		return err_set(err, ERR_CONFIG, "no size class; 1 to %u are needed",
			       KMALLOC_CLASSES_LIMIT);
	if (classes_count > KMALLOC_CLASSES_LIMIT) {
		*bad = KMALLOC_CLASSES_LIMIT;
		return err_set(err, ERR_CONFIG, "%u size classes; 1 to %u are possible",
			       classes_count, KMALLOC_CLASSES_LIMIT);
	}
	for (unsigned i = 0; i < classes_count; i++) {
		uint32_t bytes = classes_bytes[i], before = i ? classes_bytes[i - 1] : 0;
		*bad = i;
		if (!bytes || bytes % CLASS_STEP || bytes > largest_bytes)
			return err_set(err, ERR_CONFIG,
				       "size class %u is %u bytes; multiples of %u from %u to %llu "
				       "(the largest slab) are possible",
				       i, bytes, CLASS_STEP, CLASS_STEP,
				       (unsigned long long)largest_bytes);
		if (bytes <= before)
			return err_set(
				err, ERR_CONFIG,
				"size class %u is %u bytes, %s class %u of %u bytes; classes "
				"ascend: more than %u, up to %llu bytes are possible",
				i, bytes, bytes == before ? "the same as" : "less than", i - 1,
				before, before, (unsigned long long)largest_bytes);
	}
	return 0;
}

/* As slabinfo writes it: "96", "1k"; below 1 KiB and where it is no whole number, bytes. */
static void class_name(char *name, size_t size, const char *prefix, uint32_t bytes)
{
	if (bytes % (1u << 20) == 0)
		snprintf(name, size, "%s-%uM", prefix, bytes >> 20);
	else if (bytes % 1024 == 0)
		snprintf(name, size, "%s-%uk", prefix, bytes >> 10);
	else
		snprintf(name, size, "%s-%u", prefix, bytes);
}

static int make_class(struct kmalloc *km, const struct kmalloc_params *p, unsigned i,
		      struct err *err)
{
	struct kmalloc_class *c = &km->classes[i];
	for (unsigned kind = 0; kind < KMALLOC_KINDS; kind++) {
		char name[CACHE_NAME_SIZE];
		class_name(name, sizeof(name), kinds[kind].prefix, c->bytes);
		const struct object_cache_params params = {
			.name = name,
			.object_size_bytes = c->bytes,
			.align_bytes = u64_min(c->bytes & -c->bytes, PAGE_BYTES),
			.flags = CACHE_KMALLOC | kinds[kind].flags,
			.sheaf_capacity = p->sheaf_capacity ? p->sheaf_capacity(p->arg, name) : 0,
		};
		c->caches[kind] = km->oa->ops->cache_new(km->oa, &params, err);
		if (!c->caches[kind])
			return -1;
	}
	return 0;
}

static int make_table(struct kmalloc *km, struct err *err)
{
	uint64_t entries = km->class_bytes_max / CLASS_STEP + 1;
	km->class_of_eighth = malloc(entries);
	if (!km->class_of_eighth)
		return err_set(err, ERR_IO, "out of memory for the table of size classes");
	unsigned class = 0;
	for (uint64_t i = 0; i < entries; i++) {
		if (i * CLASS_STEP > km->classes[class].bytes)
			class ++;
		km->class_of_eighth[i] = (uint8_t) class;
	}
	return 0;
}

int kmalloc_init(struct kmalloc *km, const struct kmalloc_params *params, struct err *err)
{
	const struct physmem *pm = params->oa->pm;
	uint64_t largest_bytes = (uint64_t)PAGE_BYTES << pm->max_order;
	const uint32_t *classes_bytes = params->classes_bytes;
	unsigned count = params->classes_count, bad;
	*km = (struct kmalloc){.oa = params->oa};
	if (!classes_bytes && !count) {
		classes_bytes = linux_classes_bytes;
		while (count < ARRAY_SIZE(linux_classes_bytes) &&
		       classes_bytes[count] <= largest_bytes)
			count++;
	}
	if (kmalloc_check_classes(classes_bytes, count, largest_bytes, &bad, err) != 0)
		return -1;
	km->classes_count = count;
	km->class_bytes_max = classes_bytes[count - 1];
	for (unsigned i = 0; i < count; i++) {
		km->classes[i].bytes = classes_bytes[i];
		if (make_class(km, params, i, err) != 0)
			return -1;
	}
	return make_table(km, err);
}

void kmalloc_release(struct kmalloc *km)
{
	free(km->class_of_eighth);
	*km = (struct kmalloc){0};
}

/* --- requests --------------------------------------------------------------------------------- */

/* Most requests have none of the three flags. */
static enum kmalloc_kind kind_of(gfp_t gfp)
{
	if (!(gfp & (__GFP_DMA | __GFP_RECLAIMABLE | __GFP_ACCOUNT)))
		return KMALLOC_NORMAL;
	if (gfp & __GFP_DMA)
		return KMALLOC_DMA;
	return gfp & __GFP_RECLAIMABLE ? KMALLOC_RECLAIM : KMALLOC_CGROUP;
}

/* ORDER_LIMIT: no order that any machine has. */
static unsigned order_of(uint64_t bytes)
{
	unsigned order = 0;
	while (order < ORDER_LIMIT && (uint64_t)PAGE_BYTES << order < bytes)
		order++;
	return order;
}

static inline const struct kmalloc_class *class_for(const struct kmalloc *km, uint64_t bytes)
{
	return &km->classes[km->class_of_eighth[(bytes + CLASS_STEP - 1) / CLASS_STEP]];
}

static inline struct object_cache *cache_for(const struct kmalloc *km, uint64_t bytes, gfp_t gfp)
{
	if (!bytes || bytes > km->class_bytes_max)
		return NULL;
	return class_for(km, bytes)->caches[kind_of(gfp)];
}

struct object_cache *kmalloc_cache(const struct kmalloc *km, uint64_t bytes, gfp_t gfp)
{
	return cache_for(km, bytes, gfp);
}

uint64_t kmalloc_given_bytes(const struct kmalloc *km, uint64_t bytes)
{
	if (!bytes)
		return 0;
	if (bytes <= km->class_bytes_max) {
		const struct kmalloc_class *c = class_for(km, bytes);
		const struct object_allocator_ops *ops = km->oa->ops;
		return ops->given_bytes ? ops->given_bytes(km->oa, c->caches[KMALLOC_NORMAL], bytes)
					: c->bytes;
	}
	unsigned order = order_of(bytes);
	return order > km->oa->pm->max_order ? 0 : (uint64_t)PAGE_BYTES << order;
}

static uint64_t alloc_large(struct kmalloc *km, struct env *env, uint64_t bytes, gfp_t gfp,
			    unsigned nid, enum alloc_failure *why)
{
	struct page_allocator *pa = km->oa->pa;
	unsigned order = order_of(bytes);
	if (order > pa->pm->max_order) {
		km->too_large_count++;
		env_set_path(env, PATH_FAILED);
		*why = ALLOC_BAD_ORDER;
		return OBJECT_NONE;
	}
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp | __GFP_COMP, nid, why);
	if (pfn == PFN_NONE) {
		km->large_failed_count++;
		return OBJECT_NONE;
	}
	if (gfp & __GFP_ZERO)
		physmem_zero(pa->pm, pfn, order);
	km->large_allocs_count++;
	km->large_live_count++;
	km->large_live_pages += UINT64_C(1) << order;
	return pfn << PAGE_SHIFT;
}

uint64_t kmalloc_alloc(struct kmalloc *km, struct env *env, uint64_t bytes, gfp_t gfp, unsigned nid,
		       enum alloc_failure *why)
{
	env_charge(env, COST_KMALLOC);
	if (__builtin_expect(!bytes, 0)) {
		km->zero_size_count++;
		env_set_path(env, PATH_SLAB_FAST);
		*why = ALLOC_OK;
		return KMALLOC_ZERO;
	}
	struct object_cache *cache = cache_for(km, bytes, gfp);
	if (!cache)
		return alloc_large(km, env, bytes, gfp, nid, why);
	return km->oa->ops->alloc(km->oa, env, cache, bytes, gfp, nid, why);
}

static void free_large(struct kmalloc *km, struct env *env, uint64_t paddr)
{
	struct page_allocator *pa = km->oa->pa;
	pfn_t pfn = paddr >> PAGE_SHIFT;
	BUG_ON(pfn >= pa->pm->pfn_end || paddr % PAGE_BYTES ||
		       !(physmem_page(pa->pm, pfn)->flags & PAGE_ALLOCATED),
	       "kfree of %#llx, which is neither an object nor the start of allocated pages",
	       (unsigned long long)paddr);
	unsigned order = physmem_page(pa->pm, pfn)->order;
	BUG_ON(!km->large_live_count || km->large_live_pages < UINT64_C(1) << order,
	       "kfree of %#llx: kmalloc handed out no such block", (unsigned long long)paddr);
	km->large_frees_count++;
	km->large_live_count--;
	km->large_live_pages -= UINT64_C(1) << order;
	pa->ops->free_pages(pa, env, pfn, order);
}

void kmalloc_free(struct kmalloc *km, struct env *env, uint64_t paddr)
{
	struct object_allocator *oa = km->oa;
	uint64_t start_paddr;
	env_charge(env, COST_KFREE);
	if (__builtin_expect(paddr == KMALLOC_ZERO, 0)) {
		env_set_path(env, PATH_SLAB_FAST);
		return;
	}
	struct object_cache *cache = oa->ops->cache_of(oa, paddr, &start_paddr);
	if (!cache) {
		free_large(km, env, paddr);
		return;
	}
	BUG_ON(start_paddr != paddr, "kfree of %#llx, which is inside the object at %#llx",
	       (unsigned long long)paddr, (unsigned long long)start_paddr);
	oa->ops->free_object(oa, env, cache, paddr);
}
