/*
 * slab_node.c - the slabs of a cache on one node: lists, objects taken and put, growth and end.
 *
 * A slab is on one of three lists: full, partial, empty. Objects are taken from the head of the
 * partial list, then from the empty one, so that memory is used up before more is, and slabs that
 * are nearly empty get a chance to become so. A slab that gets an object back goes to the tail of
 * the partial list, where its other objects have the most time to be freed, too.
 *
 * In a slab, its index names the free objects: entries active .. count - 1. Taking reads the entry
 * at `active` and steps up; putting steps down and writes.
 *
 *   entry    0   1   2   3   4         active = 2: entries 2, 3, 4 are free; the next object to
 *          [ .   .   4   0   3 ]       be taken is 4
 *
 * An index that lies in an object is in the one that its last entry names, which is therefore taken
 * last, and put first.
 *
 * Growth. Pages come from the page allocator; each object is numbered in the index and given to the
 * constructor, once. The first slab of a node starts its objects at offset 0, the next one a colour
 * further, and so on around.
 *
 * The end. More free objects on the node than free_limit (or, if set, more empty slabs than
 * empty_slabs_max): the slab that has been empty for longest is taken off, and its pages are freed
 * after the lock was given back.
 */
#include "alloc/slab.h"
#include "kern/bug.h"

/* Flags of a request that matter to the slab's pages, rather than to the object. */
#define GFP_SLAB_MASK                                                                              \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_RETRY_MAYFAIL |   \
	 __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_HARDWALL |       \
	 __GFP_THISNODE)

void slab_queue_init(struct slab_queue *list)
{
	list->head = list->tail = PAGE_LINK_NONE;
	list->count = 0;
}

void slab_queue_add(struct slab_allocator *sa, struct slab_node *n, pfn_t pfn,
		    enum slab_list_kind kind, bool tail)
{
	struct slab_queue *l = &n->lists[kind];
	struct slab_frame *f = &sa->frames[pfn];
	f->list = kind;
	f->next = tail ? PAGE_LINK_NONE : l->head;
	f->prev = tail ? l->tail : PAGE_LINK_NONE;
	if (f->next != PAGE_LINK_NONE)
		sa->frames[f->next].prev = (uint32_t)pfn;
	else
		l->tail = (uint32_t)pfn;
	if (f->prev != PAGE_LINK_NONE)
		sa->frames[f->prev].next = (uint32_t)pfn;
	else
		l->head = (uint32_t)pfn;
	l->count++;
}

void slab_queue_remove(struct slab_allocator *sa, struct slab_node *n, pfn_t pfn)
{
	struct slab_frame *f = &sa->frames[pfn];
	struct slab_queue *l = &n->lists[f->list];
	if (f->prev != PAGE_LINK_NONE)
		sa->frames[f->prev].next = f->next;
	else
		l->head = f->next;
	if (f->next != PAGE_LINK_NONE)
		sa->frames[f->next].prev = f->prev;
	else
		l->tail = f->prev;
	l->count--;
	f->list = SLAB_NO_LIST;
}

unsigned slab_nid(const struct slab_allocator *sa, pfn_t pfn)
{
	return sa->nodes_count == 1 ? 0 : physmem_zone(sa->base.pm, pfn)->nid;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void touch_index(const struct slab_allocator *sa, const struct slab_cache *c,
			struct env *env, pfn_t pfn, const uint8_t *entry)
{
	env_touch(env, page_meta_paddr(pfn), sizeof(struct page), true);
	if (c->layout.index_place != SLAB_INDEX_OFF_SLAB)
		env_touch(env, (uint64_t)(entry - sa->base.pm->ram), 1, true);
}

static unsigned take_from(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
			  struct env *env, pfn_t pfn, uint64_t *objects, unsigned count)
{
	struct slab_frame *f = &sa->frames[pfn];
	unsigned taken = 0, total = c->layout.objects_count;
	const uint8_t *index = slab_index(sa, c, pfn);
	touch_index(sa, c, env, pfn, index + (size_t)f->active * c->layout.index_entry_bytes);
	for (; taken < count && f->active < total; taken++, f->active++)
		objects[taken] = slab_object(sa, c, pfn, slab_index_get(c, index, f->active));
	n->free_objects -= taken;
	env_charge_n(env, COST_SLAB_OBJECT, taken);
	return taken;
}

/* Put a slab that was taken off its list on the one that it belongs on now. */
static void relink(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		   struct env *env, pfn_t pfn, bool tail)
{
	unsigned active = sa->frames[pfn].active;
	enum slab_list_kind kind = active == c->layout.objects_count ? SLAB_FULL
				   : active                          ? SLAB_PARTIAL
								     : SLAB_EMPTY;
	slab_queue_add(sa, n, pfn, kind, tail && kind == SLAB_PARTIAL);
	env_charge(env, COST_LINK);
}

unsigned slab_node_take(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
			struct env *env, uint64_t *objects, unsigned count)
{
	unsigned taken = 0;
	while (taken < count) {
		uint32_t pfn = n->lists[SLAB_PARTIAL].head;
		if (pfn == PAGE_LINK_NONE) {
			n->empty_touched = true;
			pfn = n->lists[SLAB_EMPTY].head;
		}
		if (pfn == PAGE_LINK_NONE)
			break;
		slab_queue_remove(sa, n, pfn);
		taken += take_from(sa, c, n, env, pfn, objects + taken, count - taken);
		relink(sa, c, n, env, pfn, false);
	}
	return taken;
}

static void put_into(struct slab_allocator *sa, struct slab_cache *c, struct env *env, pfn_t pfn,
		     uint64_t object)
{
	struct slab_frame *f = &sa->frames[pfn];
	unsigned number = slab_object_number(sa, c, pfn, object);
	BUG_ON(!f->active, "cache %s: object %#llx freed into a slab that is free", c->name,
	       (unsigned long long)object);
	if (f->active == c->layout.objects_count)
		f->holder = (uint16_t)number;
	f->active--;
	uint8_t *index = slab_index(sa, c, pfn);
	slab_index_set(c, index, f->active, number);
	touch_index(sa, c, env, pfn, index + (size_t)f->active * c->layout.index_entry_bytes);
	env_charge(env, COST_SLAB_OBJECT);
}

uint32_t slab_node_put(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		       struct env *env, const uint64_t *objects, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pfn_t pfn = slab_first(sa, c, objects[i] >> PAGE_SHIFT);
		BUG_ON(pfn == PFN_NONE, "cache %s: the slab of free object %#llx is gone", c->name,
		       (unsigned long long)objects[i]);
		slab_queue_remove(sa, n, pfn);
		put_into(sa, c, env, pfn, objects[i]);
		relink(sa, c, n, env, pfn, true);
	}
	n->free_objects += count;
	uint64_t empty = n->lists[SLAB_EMPTY].count, extra = 0;
	if (c->empty_slabs_max != SLAB_AUTO) {
		extra = empty > c->empty_slabs_max ? empty - c->empty_slabs_max : 0;
	} else if (n->free_objects > n->free_limit) {
		uint64_t objects_count = c->layout.objects_count;
		extra = (n->free_objects - n->free_limit + objects_count - 1) / objects_count;
	}
	return slab_node_trim(sa, c, n, env, extra);
}

/* --- the end of slabs ------------------------------------------------------------------------- */

static void unmark_frames(struct slab_allocator *sa, const struct slab_cache *c, pfn_t pfn)
{
	memset(&sa->frames[pfn], 0, sizeof(*sa->frames) << c->layout.order);
}

static void check_free_objects(const struct slab_allocator *sa, const struct slab_cache *c,
			       pfn_t pfn)
{
	for (unsigned i = 0; i < c->layout.objects_count; i++) {
		uint64_t object = slab_object(sa, c, pfn, i);
		const char *wrong = slab_debug_wrong(sa, c, object, false);
		BUG_ON(wrong, "cache %s, object %#llx of a slab that goes back: %s", c->name,
		       (unsigned long long)object, wrong);
	}
}

uint32_t slab_node_trim(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
			struct env *env, uint64_t count)
{
	uint32_t chain = PAGE_LINK_NONE;
	for (; count && n->lists[SLAB_EMPTY].count; count--) {
		uint32_t pfn = n->lists[SLAB_EMPTY].tail;
		slab_queue_remove(sa, n, pfn);
		env_charge(env, COST_LINK);
		if (slab_debugged(c)) {
			check_free_objects(sa, c, pfn);
			env_charge_n(env, COST_ZERO_LINE, slab_bytes(&c->layout) / 64);
		}
		n->free_objects -= c->layout.objects_count;
		c->slabs_count--;
		c->counters.slabs_freed_count++;
		unmark_frames(sa, c, pfn);
		sa->frames[pfn].next = chain;
		chain = pfn;
	}
	return chain;
}

void slab_discard(struct slab_allocator *sa, struct slab_cache *c, struct env *env, uint32_t chain)
{
	struct page_allocator *pa = sa->base.pa;
	unsigned order = c->layout.order;
	while (chain != PAGE_LINK_NONE) {
		pfn_t pfn = chain;
		chain = sa->frames[pfn].next;
		sa->frames[pfn].next = 0;
		pa->ops->free_pages(pa, env, pfn, order);
	}
}

/* --- growth ----------------------------------------------------------------------------------- */

void slab_mark_frames(struct slab_allocator *sa, struct slab_cache *c, pfn_t pfn, unsigned colour)
{
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << c->layout.order); p++) {
		struct slab_frame *f = &sa->frames[p];
		BUG_ON(f->cache_id, "pfn %#llx is in a slab already", (unsigned long long)p);
		*f = (struct slab_frame){
			.cache_id = (uint16_t)((c->index + 1) & 0x1fff),
			.list = p == pfn ? SLAB_NO_LIST : SLAB_TAIL_PAGE,
			.next = (uint32_t)pfn,
		};
		physmem_ram(sa->base.pm, p, NULL);
	}
	sa->frames[pfn].colour = (uint16_t)colour;
}

/*
 * Number the objects of a new slab, in order or shuffled (Fisher and Yates). The last entry is
 * fixed first: it says in which object the index lies.
 */
static void number_objects(struct slab_allocator *sa, struct slab_cache *c, pfn_t pfn)
{
	unsigned count = c->layout.objects_count;
	bool shuffle = sa->params.freelist_random && count > 2;
	unsigned last = shuffle ? (unsigned)rng_below(&c->rng, count) : count - 1;
	sa->frames[pfn].holder = (uint16_t)last;
	uint8_t *index = slab_index(sa, c, pfn);
	for (unsigned i = 0; i < count; i++)
		slab_index_set(c, index, i, i);
	slab_index_set(c, index, last, count - 1);
	slab_index_set(c, index, count - 1, last);
	for (unsigned i = count - 2; shuffle && i > 0; i--) {
		unsigned j = (unsigned)rng_below(&c->rng, i + 1);
		unsigned number = slab_index_get(c, index, i);
		slab_index_set(c, index, i, slab_index_get(c, index, j));
		slab_index_set(c, index, j, number);
	}
}

static void init_objects(struct slab_allocator *sa, struct slab_cache *c, struct env *env,
			 pfn_t pfn)
{
	number_objects(sa, c, pfn);
	env_charge_n(env, COST_SLAB_OBJECT, c->layout.objects_count);
	if (!c->ctor && !slab_debugged(c))
		return;
	for (unsigned i = 0; i < c->layout.objects_count; i++) {
		uint64_t object = slab_object(sa, c, pfn, i);
		if (slab_debugged(c))
			slab_debug_fill(sa, c, env, object);
		if (!c->ctor)
			continue;
		c->ctor(sa->base.pm->ram + object, c->layout.object_size_bytes);
		c->counters.ctor_calls_count++;
	}
}

static gfp_t pages_gfp(const struct slab_cache *c, gfp_t gfp)
{
	gfp_t flags = gfp & GFP_SLAB_MASK;
	if (c->layout.order)
		flags |= __GFP_COMP;
	if (c->layout.flags & CACHE_DMA)
		flags |= __GFP_DMA;
	if (c->layout.flags & CACHE_DMA32)
		flags |= __GFP_DMA32;
	if (c->layout.flags & CACHE_RECLAIM_ACCOUNT)
		flags |= __GFP_RECLAIMABLE;
	return flags;
}

pfn_t slab_grow(struct slab_allocator *sa, struct slab_cache *c, struct env *env, gfp_t gfp,
		unsigned nid, enum alloc_failure *why)
{
	struct page_allocator *pa = sa->base.pa;
	pfn_t pfn = pa->ops->alloc_pages(pa, env, c->layout.order, pages_gfp(c, gfp), nid, why);
	if (pfn == PFN_NONE)
		return PFN_NONE;
	env_sync(env);
	struct slab_node *n = &c->nodes[slab_nid(sa, pfn)];
	unsigned colour = n->colour_next;
	n->colour_next = (colour + 1) % c->layout.colours_count;
	slab_mark_frames(sa, c, pfn, colour);
	init_objects(sa, c, env, pfn);
	return pfn;
}

unsigned slab_add_new(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		      struct env *env, pfn_t pfn, uint64_t *objects, unsigned count)
{
	n->free_objects += c->layout.objects_count;
	c->slabs_count++;
	c->counters.slabs_new_count++;
	unsigned taken = take_from(sa, c, n, env, pfn, objects, count);
	relink(sa, c, n, env, pfn, false);
	return taken;
}
