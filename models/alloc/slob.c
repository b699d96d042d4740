/*
 * slob.c - the object allocator "slob": a first-fit heap in single pages, for the smallest
 * machines.
 *
 * It follows Linux's SLOB (mm/slob.c, removed in 6.4). There are no slabs of one cache: objects of
 * all caches are cut from the same pages, to the byte pair, so that little is lost to rounding and
 * everything is slow: one lock, and searches through lists.
 *
 *   pool "slob-small"    pages that objects below 256 bytes are cut from
 *   pool "slob-medium"   below 1024
 *   pool "slob-large"    below a page; larger objects are blocks of the page allocator
 *
 * A page is counted in units of 2 bytes. Free blocks of a page form a list in order of address,
 * which lies in the blocks themselves, as signed 16-bit words: {units, next}, or {-next} in a block
 * of one unit; next is a unit of the page, and 2048 ends the list. After cutting 12, 100 and 30
 * bytes from a new page, each aligned to 8, and freeing the 100:
 *
 *   unit     0      6                   60      75                       2048
 *            | 12 B | free 54, next 75  | 30 B  | free 1973, next 2048   |
 *   page     first 6, free_units 2027, objects 2
 *
 * Allocation is next-fit over the pages of a pool (the list is rotated so that the search goes on
 * where the last one ended) and first-fit by address inside the page. What alignment skips stays
 * free. Freeing inserts in order of address and joins neighbours; a page without objects goes back
 * at once.
 *
 * An object of a CACHE_KMALLOC cache takes what was asked for, not its class, behind a header of 8
 * bytes whose first 4 hold that size: 100 bytes take 108. It is aligned to 8, and if the size is a
 * power of two to that (Linux since 5.4), up to the cache's alignment. Constructors run at every
 * allocation.
 *
 * Whose object is it? Linux's SLOB can't tell: kmem_cache_free() is told the cache, and kfree()
 * works for objects with a header only. The contract wants an answer for every address.
 * MODEL: a table beside the simulated memory has the cache of the object that starts at a unit; no
 * simulated access is charged for it. It also makes every wrong free a bug at once.
 *
 * Invariants:
 *   L1  lists of pages hold pool pages of their pool, each an allocated page, linked both ways,
 *       as many as counted
 *   L2  a page's free blocks lie in it, ascend, and don't touch
 *   L3  free_units is their sum; it is on the list of pages with free units if there are any, and
 *       not all units are free
 *   L4  free blocks and objects cover the page without gaps; objects are as many as counted
 *   L5  the header of an object holds a size that its cache allows
 *   L6  pools and caches count what is there: units, pages, live objects
 *
 * Cost: COST_LOCK, COST_SEARCH for a page looked at, COST_SLAB_OBJECT for a free block looked at or
 * written. Full pages are on a list here, for walks; Linux keeps no list of them. Lists of blocks
 * and the counters of caches, which only walks and reports read, are not under the lock.
 *
 * MODEL: pages outside the zones that a request allows are passed over, where Linux forgets to
 * look. A request for the CPU's own node states no preference, unless with __GFP_THISNODE; for
 * another node's, pages of that node alone are searched, as Linux does. Caches with
 * CACHE_TYPESAFE_BY_RCU have the 24 bytes of Linux's footer, but there is no grace period. Recorded
 * layouts, free list shuffling and hardening mean nothing here; red zones and poison are refused.
 */
#include "alloc/slob.h"

#include <string.h>

#include "kern/bug.h"

#define SMALL_BYTES  256u
#define MEDIUM_BYTES 1024u

/* Where a request's object may be cut. */
struct cut {
	struct slob *s;
	struct env *env;
	struct slob_cache *cache;
	uint64_t bytes; /* asked for */
	unsigned units;
	uint64_t align_bytes, header_bytes;
	gfp_t gfp;
	unsigned nid;
};

static enum slob_pool_index pool_of(uint64_t bytes)
{
	return bytes < SMALL_BYTES ? SLOB_SMALL : bytes < MEDIUM_BYTES ? SLOB_MEDIUM : SLOB_LARGE;
}

/* Bytes to cut for a request of @bytes; PAGE_BYTES or more: it gets a block. */
static uint64_t wanted_bytes(const struct slob_cache *c, uint64_t bytes)
{
	if (!(c->stats.flags & CACHE_KMALLOC))
		return c->cut_bytes;
	return bytes + SLOB_HEADER_BYTES;
}

static uint32_t *header_of(const struct slob *s, uint64_t paddr)
{
	return (uint32_t *)(void *)(s->base.pm->ram + paddr - SLOB_HEADER_BYTES);
}

unsigned slob_object_units(const struct slob *s, const struct slob_cache *c, uint64_t paddr)
{
	uint64_t bytes = c->stats.flags & CACHE_KMALLOC ? *header_of(s, paddr) : c->cut_bytes;
	return slob_units(bytes);
}

/* --- free blocks of one page ------------------------------------------------------------------ */

static struct slob_free read_free(const struct slob *s, struct env *env, pfn_t pfn, unsigned unit)
{
	struct slob_free f = slob_read_free(s, pfn, unit);
	env_charge(env, COST_SLAB_OBJECT);
	env_touch(env, pfn * PAGE_BYTES + unit * SLOB_UNIT_BYTES, 2 * SLOB_UNIT_BYTES, false);
	BUG_ON(!slob_free_ok(unit, f),
	       "free block at %#llx says %u units, next %u: freed memory was written",
	       (unsigned long long)(pfn * PAGE_BYTES + unit * SLOB_UNIT_BYTES), f.units, f.next);
	return f;
}

static void write_free(const struct slob *s, struct env *env, pfn_t pfn, unsigned unit,
		       unsigned units, unsigned next)
{
	int16_t *w = (int16_t *)(void *)(s->base.pm->ram + pfn * PAGE_BYTES) + unit;
	env_charge(env, COST_SLAB_OBJECT);
	env_touch(env, pfn * PAGE_BYTES + unit * SLOB_UNIT_BYTES, 2 * SLOB_UNIT_BYTES, true);
	if (units > 1) {
		w[0] = (int16_t)units;
		w[1] = (int16_t)next;
	} else {
		w[0] = (int16_t) - (int)next;
	}
}

/* What comes before a unit in a page's free list. */
struct before {
	bool any;
	unsigned unit;
	struct slob_free block;
};

static void link_after(struct slob *s, struct env *env, pfn_t pfn, const struct before *b,
		       unsigned next)
{
	if (b->any)
		write_free(s, env, pfn, b->unit, b->block.units, next);
	else
		s->pages[pfn].first = (uint16_t)next;
}

/* First fit in page @pfn. Returns the unit, or SLOB_PAGE_UNITS if nothing is large enough. */
static unsigned cut_from_page(const struct cut *cut, pfn_t pfn)
{
	struct slob *s = cut->s;
	struct before before = {.any = false};
	for (unsigned unit = s->pages[pfn].first; unit < SLOB_PAGE_UNITS;) {
		struct slob_free f = read_free(s, cut->env, pfn, unit);
		uint64_t paddr = pfn * PAGE_BYTES + unit * SLOB_UNIT_BYTES + cut->header_bytes;
		uint64_t aligned = (paddr + cut->align_bytes - 1) & -cut->align_bytes;
		unsigned skip = (unsigned)(aligned - paddr) / SLOB_UNIT_BYTES;
		if (f.units < skip + cut->units) {
			before = (struct before){true, unit, f};
			unit = f.next;
			continue;
		}
		unsigned rest = f.units - skip - cut->units, next = f.next;
		if (rest) {
			next = unit + skip + cut->units;
			write_free(s, cut->env, pfn, next, rest, f.next);
		}
		if (skip)
			write_free(s, cut->env, pfn, unit, skip, next);
		else
			link_after(s, cut->env, pfn, &before, next);
		s->pages[pfn].free_units -= (uint16_t)cut->units;
		s->pages[pfn].objects++;
		return unit + skip;
	}
	return SLOB_PAGE_UNITS;
}

/* Free units unit .. unit + units - 1 of @pfn, which has free blocks and keeps objects. */
static void join_into_page(struct slob *s, struct env *env, pfn_t pfn, unsigned unit,
			   unsigned units)
{
	struct before before = {.any = false};
	unsigned next = s->pages[pfn].first;
	while (next < unit) {
		before = (struct before){true, next, read_free(s, env, pfn, next)};
		next = before.block.next;
	}
	if (unit + units == next && next < SLOB_PAGE_UNITS) {
		struct slob_free f = read_free(s, env, pfn, next);
		units += f.units;
		next = f.next;
	}
	if (before.any && before.unit + before.block.units == unit) {
		write_free(s, env, pfn, before.unit, before.block.units + units, next);
		return;
	}
	write_free(s, env, pfn, unit, units, next);
	link_after(s, env, pfn, &before, unit);
}

/* --- pools ------------------------------------------------------------------------------------ */

/* Make @pfn the head, its successors following and its predecessors after those. */
static void rotate_to(struct pagelist *l, struct page *pages, pfn_t pfn)
{
	uint32_t before = pages[pfn].prev;
	if (before == PAGE_LINK_NONE)
		return;
	pages[l->tail].next = l->head;
	pages[l->head].prev = l->tail;
	l->head = (uint32_t)pfn;
	l->tail = before;
	pages[pfn].prev = PAGE_LINK_NONE;
	pages[before].next = PAGE_LINK_NONE;
}

static bool page_allowed(const struct cut *cut, pfn_t pfn)
{
	const struct zone *z = physmem_zone(cut->s->base.pm, pfn);
	bool any = cut->nid == cut->s->cpu_nid[cut->env->cpu] && !(cut->gfp & __GFP_THISNODE);
	return z->type <= gfp_zone(cut->gfp) && (any || z->nid == cut->nid);
}

/* @paddr is an object of @c from now on. */
static void note_object(struct slob *s, struct slob_cache *c, uint64_t paddr)
{
	s->owner[paddr / SLOB_UNIT_BYTES] = (uint16_t)(c->stats.index + 1);
	c->stats.allocs_count++;
	c->stats.live_count++;
}

/*
 * Books of an object just cut from @unit of @pfn, a page of @pool. All of them, since others look
 * at the page as soon as the lock, which is held, is given back. Returns the object's address.
 */
static uint64_t note_cut(const struct cut *cut, struct slob_cache *pool, pfn_t pfn, unsigned unit)
{
	uint64_t paddr = pfn * PAGE_BYTES + unit * SLOB_UNIT_BYTES + cut->header_bytes;
	if (cut->header_bytes) {
		*header_of(cut->s, paddr) = (uint32_t)cut->bytes;
		env_touch(cut->env, paddr - SLOB_HEADER_BYTES, sizeof(uint32_t), true);
	}
	note_object(cut->s, cut->cache, paddr);
	struct page *pages = cut->s->base.pm->pages;
	pool->used_units += cut->units;
	cut->cache->used_units += cut->units;
	if (!cut->s->pages[pfn].free_units) {
		pagelist_remove(&pool->partial, pages, pfn);
		pagelist_push_tail(&pool->full, pages, pfn);
	} else {
		rotate_to(&pool->partial, pages, pfn);
	}
	return paddr;
}

/* The object cut; OBJECT_NONE: no page of the pool has room. */
static uint64_t cut_from_pool(const struct cut *cut, struct slob_cache *pool)
{
	const struct page *pages = cut->s->base.pm->pages;
	for (uint32_t pfn = pool->partial.head; pfn != PAGE_LINK_NONE; pfn = pages[pfn].next) {
		env_charge(cut->env, COST_SEARCH);
		if (cut->s->pages[pfn].free_units < cut->units || !page_allowed(cut, pfn))
			continue;
		unsigned unit = cut_from_page(cut, pfn);
		if (unit == SLOB_PAGE_UNITS)
			continue;
		return note_cut(cut, pool, pfn, unit);
	}
	return OBJECT_NONE;
}

/* Make the RAM of a block come to life. False: the host has no addresses. */
static bool back_block(struct slob *s, pfn_t pfn, unsigned order)
{
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		if (!physmem_ram(s->base.pm, p, NULL))
			return false;
	}
	return true;
}

static uint64_t cut_from_new_page(const struct cut *cut, struct slob_cache *pool,
				  enum alloc_failure *why)
{
	struct slob *s = cut->s;
	struct page_allocator *pa = s->base.pa;
	pfn_t pfn = pa->ops->alloc_pages(pa, cut->env, 0, cut->gfp & ~__GFP_ZERO, cut->nid, why);
	if (pfn == PFN_NONE)
		return OBJECT_NONE;
	BUG_ON(!back_block(s, pfn, 0), "no addresses for simulated RAM");
	env_lock(cut->env, &s->lock);
	s->pages[pfn] = (struct slob_page){
		.free_units = SLOB_PAGE_UNITS,
		.kind = SLOB_POOL_PAGE,
		.where = (uint8_t)pool->stats.index,
	};
	write_free(s, cut->env, pfn, 0, SLOB_PAGE_UNITS, SLOB_PAGE_UNITS);
	pagelist_push_head(&pool->partial, pa->pm->pages, pfn);
	pool->stats.slabs_new_count++;
	unsigned unit = cut_from_page(cut, pfn);
	BUG_ON(unit == SLOB_PAGE_UNITS, "%u units do not fit a page", cut->units);
	uint64_t paddr = note_cut(cut, pool, pfn, unit);
	env_unlock(cut->env, &s->lock);
	env_set_path(cut->env, PATH_SLAB_NEW);
	return paddr;
}

/* Give @bytes back to the page @pfn; true: the page is off its list and to be freed. */
static bool put_bytes(struct slob *s, struct env *env, pfn_t pfn, unsigned unit, uint64_t bytes)
{
	unsigned units = slob_units(bytes);
	struct slob_page *sp = &s->pages[pfn];
	struct slob_cache *pool = s->caches[sp->where];
	struct page *pages = s->base.pm->pages;
	bool was_full = !sp->free_units;
	pool->used_units -= units;
	sp->objects--;
	if (sp->free_units + units == SLOB_PAGE_UNITS) {
		pagelist_remove(was_full ? &pool->full : &pool->partial, pages, pfn);
		pool->stats.slabs_freed_count++;
		*sp = (struct slob_page){.kind = SLOB_NOT_OURS};
		return true;
	}
	if (!was_full) {
		join_into_page(s, env, pfn, unit, units);
		sp->free_units += (uint16_t)units;
		return false;
	}
	sp->free_units = (uint16_t)units;
	sp->first = (uint16_t)unit;
	write_free(s, env, pfn, unit, units, SLOB_PAGE_UNITS);
	pagelist_remove(&pool->full, pages, pfn);
	pagelist_push_head(&pool->partial, pages, pfn);
	return false;
}

/* --- objects ---------------------------------------------------------------------------------- */

static uint64_t alloc_block(struct slob *s, struct env *env, struct slob_cache *c, uint64_t bytes,
			    gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct page_allocator *pa = s->base.pa;
	unsigned order = slob_order(c->stats.flags & CACHE_KMALLOC ? bytes : c->cut_bytes);
	gfp |= order ? __GFP_COMP : 0;
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, why);
	if (pfn == PFN_NONE)
		return OBJECT_NONE;
	if (gfp & __GFP_ZERO)
		physmem_zero(pa->pm, pfn, order);
	BUG_ON(!back_block(s, pfn, order), "no addresses for simulated RAM");
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++)
		s->pages[p] = (struct slob_page){.kind = SLOB_BLOCK, .where = (uint8_t)order};
	pagelist_push_tail(&c->blocks, pa->pm->pages, pfn);
	c->stats.pages_count += UINT64_C(1) << order;
	c->stats.slabs_new_count++;
	note_object(s, c, pfn * PAGE_BYTES);
	env_set_path(env, PATH_SLAB_NEW);
	return pfn * PAGE_BYTES;
}

/* Linux guarantees that sizes which are powers of two are aligned to themselves. */
static uint64_t wanted_align(const struct slob_cache *c, uint64_t bytes)
{
	if (!(c->stats.flags & CACHE_KMALLOC))
		return c->stats.align_bytes;
	bool power = !(bytes & (bytes - 1));
	return u64_max(SLOB_WORD_BYTES,
		       power ? u64_min(bytes, c->stats.align_bytes) : SLOB_WORD_BYTES);
}

static uint64_t alloc_cut(struct slob *s, struct env *env, struct slob_cache *c, uint64_t bytes,
			  gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	uint64_t wanted = wanted_bytes(c, bytes);
	const struct cut cut = {
		.s = s,
		.env = env,
		.cache = c,
		.bytes = bytes,
		.units = slob_units(wanted),
		.align_bytes = wanted_align(c, bytes),
		.header_bytes = slob_header_bytes(c),
		.gfp = gfp,
		.nid = nid,
	};
	struct slob_cache *pool = s->caches[pool_of(wanted)];
	*why = ALLOC_OK;
	env_lock(env, &s->lock);
	env_set_path(env, PATH_SLAB_NODE_PARTIAL);
	uint64_t paddr = cut_from_pool(&cut, pool);
	env_unlock(env, &s->lock);
	if (paddr == OBJECT_NONE)
		paddr = cut_from_new_page(&cut, pool, why);
	if (paddr == OBJECT_NONE)
		return OBJECT_NONE;
	if (gfp & __GFP_ZERO) {
		uint64_t clear = wanted - cut.header_bytes;
		memset(s->base.pm->ram + paddr, 0, clear);
		env_charge_n(env, COST_ZERO_LINE, (clear + SLOB_LINE_BYTES - 1) / SLOB_LINE_BYTES);
	}
	return paddr;
}

uint64_t slob_alloc(struct object_allocator *oa, struct env *env, struct object_cache *cache,
		    uint64_t bytes, gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct slob *s = slob_of(oa);
	struct slob_cache *c = slob_cache_from(cache);
	if (gfp & __GFP_DIRECT_RECLAIM)
		env_might_sleep(env);
	if (c->stats.flags & (CACHE_DMA | CACHE_DMA32))
		gfp |= c->stats.flags & CACHE_DMA ? __GFP_DMA : __GFP_DMA32;
	uint64_t paddr = wanted_bytes(c, bytes) < PAGE_BYTES
				 ? alloc_cut(s, env, c, bytes, gfp, nid, why)
				 : alloc_block(s, env, c, bytes, gfp, nid, why);
	if (paddr == OBJECT_NONE) {
		c->stats.failed_count++;
		return OBJECT_NONE;
	}
	if (c->ctor) {
		c->ctor(object_bytes(oa, paddr), c->stats.object_size_bytes);
		c->stats.ctor_calls_count++;
	}
	return paddr;
}

static void free_block(struct slob *s, struct env *env, struct slob_cache *c, pfn_t pfn)
{
	struct page_allocator *pa = s->base.pa;
	unsigned order = s->pages[pfn].where;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++)
		s->pages[p] = (struct slob_page){.kind = SLOB_NOT_OURS};
	pagelist_remove(&c->blocks, pa->pm->pages, pfn);
	c->stats.pages_count -= UINT64_C(1) << order;
	c->stats.slabs_freed_count++;
	pa->ops->free_pages(pa, env, pfn, order);
	env_set_path(env, PATH_SLAB_DISCARD);
}

static void forget_object(struct slob *s, struct slob_cache *c, uint64_t paddr)
{
	s->owner[paddr / SLOB_UNIT_BYTES] = 0;
	c->stats.frees_count++;
	c->stats.live_count--;
}

void slob_free_object(struct object_allocator *oa, struct env *env, struct object_cache *cache,
		      uint64_t paddr)
{
	struct slob *s = slob_of(oa);
	struct slob_cache *c = slob_cache_from(cache);
	pfn_t pfn = paddr >> PAGE_SHIFT;
	BUG_ON(pfn >= s->base.pm->pfn_end || paddr % SLOB_UNIT_BYTES ||
		       s->owner[paddr / SLOB_UNIT_BYTES] != c->stats.index + 1,
	       "free of %#llx, which is no live object of cache %s", (unsigned long long)paddr,
	       c->name);
	if (s->pages[pfn].kind == SLOB_BLOCK) {
		forget_object(s, c, paddr);
		free_block(s, env, c, pfn);
		return;
	}
	uint64_t bytes = c->cut_bytes, start = paddr - slob_header_bytes(c);
	if (c->stats.flags & CACHE_KMALLOC) {
		uint32_t asked = *header_of(s, paddr);
		BUG_ON(!asked || asked > c->stats.object_size_bytes,
		       "free of %#llx: its header says %u bytes, of cache %s; it was overwritten",
		       (unsigned long long)paddr, asked, c->name);
		bytes = asked + SLOB_HEADER_BYTES;
	}
	env_lock(env, &s->lock);
	env_set_path(env, PATH_SLAB_NODE_PARTIAL);
	forget_object(s, c, paddr);
	unsigned unit = (unsigned)(start % PAGE_BYTES) / SLOB_UNIT_BYTES;
	bool empty = put_bytes(s, env, pfn, unit, bytes);
	c->used_units -= slob_units(bytes);
	env_unlock(env, &s->lock);
	if (empty) {
		s->base.pa->ops->free_pages(s->base.pa, env, pfn, 0);
		env_set_path(env, PATH_SLAB_DISCARD);
	}
}

struct object_cache *slob_cache_of(struct object_allocator *oa, uint64_t paddr,
				   uint64_t *start_paddr)
{
	struct slob *s = slob_of(oa);
	pfn_t pfn = paddr >> PAGE_SHIFT;
	if (pfn >= oa->pm->pfn_end || s->pages[pfn].kind == SLOB_NOT_OURS)
		return NULL;
	const struct slob_page *sp = &s->pages[pfn];
	pfn_t head = sp->kind == SLOB_BLOCK ? pfn & ~((UINT64_C(1) << sp->where) - 1) : pfn;
	uint64_t unit = paddr / SLOB_UNIT_BYTES, first = head * SLOB_PAGE_UNITS;
	if (sp->kind == SLOB_BLOCK)
		unit = first;
	while (unit > first && !s->owner[unit])
		unit--;
	if (!s->owner[unit])
		return NULL;
	struct slob_cache *c = s->caches[s->owner[unit] - 1];
	*start_paddr = unit * SLOB_UNIT_BYTES;
	if (sp->kind == SLOB_POOL_PAGE &&
	    paddr >= *start_paddr + slob_object_units(s, c, *start_paddr) * SLOB_UNIT_BYTES)
		return NULL;
	return (struct object_cache *)c;
}

uint64_t slob_given_bytes(struct object_allocator *oa, struct object_cache *cache, uint64_t bytes)
{
	const struct slob_cache *c = slob_cache_from(cache);
	if (!(c->stats.flags & CACHE_KMALLOC))
		return c->stats.object_size_bytes;
	if (wanted_bytes(c, bytes) >= PAGE_BYTES)
		return (uint64_t)PAGE_BYTES << slob_order(bytes);
	return slob_units(bytes) * SLOB_UNIT_BYTES;
}
