/*
 * slob_cache.c - caches, pools and walks of the object allocator "slob", whose theory is in slob.c.
 *
 * A cache is little more than a size, an alignment and counters; pools are caches of the same kind,
 * made first. The tables by page frame and by unit are reserved by address and cost what is used.
 */
#include "alloc/slob.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RCU_FOOTER_BYTES 24u /* of Linux's struct slob_rcu, behind the object */

/* --- caches ----------------------------------------------------------------------------------- */

static uint64_t cache_align(const struct object_cache_params *p)
{
	uint64_t align = u64_max(p->align_bytes, SLOB_WORD_BYTES);
	if (p->flags & CACHE_HWCACHE_ALIGN) {
		uint64_t line = SLOB_LINE_BYTES;
		while (p->object_size_bytes <= line / 2)
			line /= 2;
		align = u64_max(align, line);
	}
	return align;
}

static uint64_t footer_bytes(const struct object_cache_params *p)
{
	return p->flags & CACHE_TYPESAFE_BY_RCU ? RCU_FOOTER_BYTES : 0;
}

static int check_params(const struct slob *s, const struct object_cache_params *p, struct err *err)
{
	uint64_t largest = u64_min(OBJECT_BYTES_MAX, (uint64_t)PAGE_BYTES << s->base.pm->max_order);
	if (!p->object_size_bytes || p->object_size_bytes > largest - footer_bytes(p))
		return err_set(err, ERR_CONFIG,
			       "cache %s: objects of %llu bytes; 1 to %llu are possible", p->name,
			       (unsigned long long)p->object_size_bytes,
			       (unsigned long long)(largest - footer_bytes(p)));
	if (p->align_bytes & (p->align_bytes - 1) || p->align_bytes > largest)
		return err_set(err, ERR_CONFIG,
			       "cache %s: alignment of %llu bytes; powers of two up to %llu are "
			       "possible",
			       p->name, (unsigned long long)p->align_bytes,
			       (unsigned long long)largest);
	if (p->flags & (CACHE_RED_ZONE | CACHE_POISON))
		return err_set(err, ERR_CONFIG, "cache %s: slob has no red zones and no poison",
			       p->name);
	return 0;
}

static struct slob_cache *add_cache(struct slob *s, const char *name, unsigned flags,
				    struct err *err)
{
	struct slob_cache *c = s->caches_count < OBJECT_CACHES_LIMIT ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		err_set(err, s->caches_count < OBJECT_CACHES_LIMIT ? ERR_IO : ERR_CONFIG,
			"cache %s: out of memory, or more than %u caches", name,
			OBJECT_CACHES_LIMIT);
		return NULL;
	}
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->stats.name = c->name;
	c->stats.index = s->caches_count;
	c->stats.flags = flags;
	c->stats.lock = &s->lock;
	pagelist_init(&c->blocks);
	pagelist_init(&c->partial);
	pagelist_init(&c->full);
	s->caches[s->caches_count++] = c;
	return c;
}

static struct object_cache *slob_cache_new(struct object_allocator *oa,
					   const struct object_cache_params *p, struct err *err)
{
	struct slob *s = slob_of(oa);
	if (check_params(s, p, err) != 0)
		return NULL;
	struct slob_cache *c = add_cache(s, p->name, p->flags & ~(unsigned)CACHE_POOL, err);
	if (!c)
		return NULL;
	c->ctor = p->ctor;
	c->cut_bytes = p->object_size_bytes + footer_bytes(p);
	c->stats.object_size_bytes = p->object_size_bytes;
	c->stats.align_bytes = cache_align(p);
	/* Blocks are aligned to their size, and nothing else is to more than a page. */
	if (c->stats.align_bytes > PAGE_BYTES)
		c->cut_bytes = u64_max(c->cut_bytes, c->stats.align_bytes);
	uint64_t size = c->cut_bytes + slob_header_bytes(c);
	bool blocks = size >= PAGE_BYTES;
	c->stats.size_bytes = blocks ? c->cut_bytes : slob_units(size) * SLOB_UNIT_BYTES;
	c->stats.slab_order = blocks ? slob_order(c->cut_bytes) : 0;
	c->stats.objects_per_slab = blocks ? 1 : (unsigned)(PAGE_BYTES / c->stats.size_bytes);
	return (struct object_cache *)c;
}

static uint64_t slob_cache_free(struct object_allocator *oa, struct env *env,
				struct object_cache *cache)
{
	struct slob_cache *c = slob_cache_from(cache);
	uint64_t live = c->stats.live_count;
	if (live)
		return live;
	slob_of(oa)->caches[c->stats.index] = NULL;
	free(c);
	return 0;
}

static struct object_cache *slob_cache_at(struct object_allocator *oa, unsigned index)
{
	struct slob *s = slob_of(oa);
	return index < s->caches_count ? (struct object_cache *)s->caches[index] : NULL;
}

static void slob_cache_stats(struct object_allocator *oa, struct object_cache *cache,
			     struct object_cache_stats *stats)
{
	const struct slob_cache *c = slob_cache_from(cache);
	*stats = c->stats;
	if (stats->flags & CACHE_POOL) {
		stats->slabs_count = stats->pages_count = c->partial.count + c->full.count;
		stats->objects_count = stats->slabs_count * SLOB_PAGE_UNITS;
		stats->live_count = c->used_units;
	} else {
		stats->slabs_count = c->blocks.count;
		stats->objects_count = stats->live_count;
	}
	stats->active_count = stats->live_count;
	stats->pool_bytes = c->used_units * SLOB_UNIT_BYTES;
}

static void walk_list(struct slob *s, const struct slob_cache *c, const struct pagelist *l,
		      enum slab_place place, void (*visit)(void *arg, const struct slab_view *),
		      void *arg)
{
	for (uint32_t pfn = l->head; pfn != PAGE_LINK_NONE; pfn = s->base.pm->pages[pfn].next) {
		const struct slob_page *sp = &s->pages[pfn];
		bool pool = c->stats.flags & CACHE_POOL;
		const struct slab_view view = {
			.pfn = pfn,
			.order = pool ? 0 : sp->where,
			.objects_count = pool ? SLOB_PAGE_UNITS : 1,
			.live_count = pool ? SLOB_PAGE_UNITS - sp->free_units : 1,
			.place = place,
			.cpu = -1,
			.single = pool && sp->objects == 1,
		};
		visit(arg, &view);
	}
}

static void slob_walk(struct object_allocator *oa, struct object_cache *cache,
		      void (*visit)(void *arg, const struct slab_view *), void *arg)
{
	struct slob *s = slob_of(oa);
	const struct slob_cache *c = slob_cache_from(cache);
	walk_list(s, c, &c->partial, SLAB_NODE_PARTIAL, visit, arg);
	walk_list(s, c, &c->full, SLAB_UNLISTED, visit, arg);
	walk_list(s, c, &c->blocks, SLAB_UNLISTED, visit, arg);
}

/* --- the allocator ---------------------------------------------------------------------------- */

static void *reserve(uint64_t bytes, struct err *err)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		err_set(err, ERR_IO, "cannot reserve %llu bytes of addresses for slob: %s",
			(unsigned long long)bytes, strerror(errno));
		return NULL;
	}
	return p;
}

static uint64_t owner_bytes(const struct slob *s)
{
	return s->base.pm->pfn_end * SLOB_PAGE_UNITS * sizeof(*s->owner);
}

static void slob_free(struct object_allocator *oa)
{
	if (!oa)
		return;
	struct slob *s = slob_of(oa);
	for (unsigned i = 0; i < s->caches_count; i++)
		free(s->caches[i]);
	if (s->pages)
		munmap(s->pages, s->base.pm->pfn_end * sizeof(*s->pages));
	if (s->owner)
		munmap(s->owner, owner_bytes(s));
	free(s);
}

extern const struct object_allocator_ops slob_object_allocator;

static struct object_allocator *slob_new(const struct object_allocator_params *p, struct err *err)
{
	static const char *const pools[SLOB_POOLS] = {"slob-small", "slob-medium", "slob-large"};
	if (p->debug_flags & (CACHE_RED_ZONE | CACHE_POISON)) {
		err_set(err, ERR_CONFIG, "slob has no red zones and no poison");
		return NULL;
	}
	struct slob *s = calloc(1, sizeof(*s));
	if (!s) {
		err_set(err, ERR_IO, "out of memory for the object allocator");
		return NULL;
	}
	s->base = (struct object_allocator){&slob_object_allocator, p->pm, p->pa};
	for (unsigned cpu = 0; cpu < p->cpus_count; cpu++)
		s->cpu_nid[cpu] = (uint8_t)p->cpu_nid[cpu];
	snprintf(s->lock.name, sizeof(s->lock.name), "slob");
	s->pages = reserve(p->pm->pfn_end * sizeof(*s->pages), err);
	s->owner = s->pages ? reserve(owner_bytes(s), err) : NULL;
	for (unsigned i = 0; i < SLOB_POOLS && s->owner; i++) {
		struct slob_cache *c = add_cache(s, pools[i], CACHE_POOL, err);
		if (!c)
			break;
		c->stats.object_size_bytes = c->stats.size_bytes = SLOB_UNIT_BYTES;
		c->stats.align_bytes = SLOB_UNIT_BYTES;
		c->stats.objects_per_slab = SLOB_PAGE_UNITS;
	}
	if (s->caches_count < SLOB_POOLS) {
		slob_free(&s->base);
		return NULL;
	}
	return &s->base;
}

const struct object_allocator_ops slob_object_allocator = {
	.name = "slob",
	.summary = "Linux's SLOB (until 6.3): a first-fit heap of 2-byte units behind one lock",
	.new = slob_new,
	.free = slob_free,
	.cache_new = slob_cache_new,
	.cache_free = slob_cache_free,
	.cache_at = slob_cache_at,
	.alloc = slob_alloc,
	.free_object = slob_free_object,
	.cache_of = slob_cache_of,
	.given_bytes = slob_given_bytes,
	.walk = slob_walk,
	.check = slob_check,
	.cache_stats = slob_cache_stats,
};
