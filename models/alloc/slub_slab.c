/*
 * slub_slab.c - slabs: made from pages, given back, and moved between the lists they stand on.
 *
 * A slab is on exactly one list at any time that another CPU may run:
 *
 *   unlisted      full slabs, and those that are some CPU's current one (frozen). Linux has no such
 *                 list (but for debugging); it costs nothing in simulated time and lets a walk
 *                 find every slab without looking at all of memory.
 *   CPU partial   a CPU's stock, most recently added first
 *   node partial  the node's list, under its lock
 *   moving        waiting for the node's lock, or for the page allocator
 *
 * Since taking a lock and freeing pages let other CPUs run, a slab goes to the moving list before
 * either. Frees by other CPUs find it there in order: it has free objects and is on no node's list,
 * so they only add their object.
 *
 * Full and current slabs have nothing on their shared list but what other CPUs freed.
 */
#include "alloc/slub.h"

/* What Linux passes on of a request's flags: how hard to try, and from where. */
#define PAGE_GFP_MASK                                                                              \
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | __GFP_NOWARN | __GFP_RETRY_MAYFAIL |   \
	 __GFP_NOFAIL | __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_HARDWALL |       \
	 __GFP_THISNODE)

/* --- lists ------------------------------------------------------------------------------------ */

void slab_list_init(struct slab_list *l)
{
	l->head = l->tail = PAGE_LINK_NONE;
	l->count = 0;
}

void slab_list_add(struct slub *sa, struct slab_list *l, pfn_t pfn, enum slab_list_id id, bool tail)
{
	struct slab *slabs = sa->slabs, *s = &slabs[pfn];
	uint32_t next = tail ? PAGE_LINK_NONE : l->head, prev = tail ? l->tail : PAGE_LINK_NONE;
	s->list = id;
	s->next = next;
	s->prev = prev;
	*(next != PAGE_LINK_NONE ? &slabs[next].prev : &l->tail) = (uint32_t)pfn;
	*(prev != PAGE_LINK_NONE ? &slabs[prev].next : &l->head) = (uint32_t)pfn;
	l->count++;
}

void slab_list_remove(struct slub *sa, struct slab_list *l, pfn_t pfn)
{
	struct slab *slabs = sa->slabs;
	const struct slab *s = &slabs[pfn];
	*(s->next != PAGE_LINK_NONE ? &slabs[s->next].prev : &l->tail) = s->prev;
	*(s->prev != PAGE_LINK_NONE ? &slabs[s->prev].next : &l->head) = s->next;
	l->count--;
}

void node_add(struct object_cache *c, struct env *env, pfn_t pfn, bool tail)
{
	struct slub_node *n = &c->nodes[slab_nid(c->sa, pfn)];
	const struct slab *s = &c->sa->slabs[pfn];
	env_charge(env, COST_LINK);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	slab_list_add(c->sa, &n->partial, pfn, LIST_NODE_PARTIAL, tail);
	n->free_objects += s->objects - s->inuse;
}

void node_remove(struct object_cache *c, struct env *env, pfn_t pfn)
{
	struct slub_node *n = &c->nodes[slab_nid(c->sa, pfn)];
	const struct slab *s = &c->sa->slabs[pfn];
	env_charge(env, COST_LINK);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	slab_list_remove(c->sa, &n->partial, pfn);
	n->free_objects -= s->objects - s->inuse;
}

/* --- the shared list of a slab ---------------------------------------------------------------- */

uint64_t slab_pop(struct object_cache *c, pfn_t pfn)
{
	struct slab *s = &c->sa->slabs[pfn];
	uint64_t object = object_at(c, pfn, s->free), next = link_load(c, object);
	BUG_ON(next != OBJECT_NONE && !object_in_slab(c, pfn, next),
	       "cache %s: the link of the free object %#llx leads to %#llx", c->name,
	       (unsigned long long)object, (unsigned long long)next);
	s->free = next == OBJECT_NONE ? SLAB_FREE_END : (uint16_t)object_index(c, pfn, next);
	s->inuse++;
	return object;
}

/* --- new slabs -------------------------------------------------------------------------------- */

/* Pages become a slab without free objects, on no list. */
static struct slab *claim_pages(struct object_cache *c, pfn_t pfn, unsigned order, unsigned objects)
{
	struct slub *sa = c->sa;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		BUG_ON(sa->slabs[p].kind != SLAB_NOT, "pfn %#llx is a slab's already",
		       (unsigned long long)p);
		sa->slabs[p].kind = SLAB_TAIL;
		sa->slabs[p].next = (uint32_t)pfn;
		physmem_page(sa->base.pm, p)->flags |= PAGE_BACKED;
	}
	struct slab *s = &sa->slabs[pfn];
	*s = (struct slab){
		.free = SLAB_FREE_END,
		.inuse = (uint16_t)objects,
		.objects = objects & SLAB_OBJECTS_MAX,
		.cache = c->index & (OBJECT_CACHES_LIMIT - 1),
		.kind = SLAB_HEAD,
	};
	c->slabs_count++;
	c->pages_count += UINT64_C(1) << order;
	c->objects_count += objects;
	return s;
}

/* A free object as its next user must find it. */
static void set_up_object(struct object_cache *c, uint64_t object)
{
	if (c->l.debug)
		slub_debug_fill(c, object, false, 0);
	if (c->ctor)
		c->ctor(c->ram + object, c->l.object_size);
}

/*
 * Link all objects of a new slab: ascending, or in the cache's shuffled order from a random place
 * on. Indices that a fallback slab does not have are skipped.
 */
static void link_all(struct object_cache *c, pfn_t pfn)
{
	struct slab *s = &c->sa->slabs[pfn];
	bool shuffle = c->order_of_objects && s->objects >= 2;
	unsigned at = shuffle ? (unsigned)rng_below(&c->rng, c->l.objects) : 0;
	uint64_t last = OBJECT_NONE;
	for (unsigned i = 0; i < s->objects; i++) {
		unsigned index = i;
		while (shuffle) {
			index = c->order_of_objects[at];
			at = at + 1 == c->l.objects ? 0 : at + 1;
			if (index < s->objects)
				break;
		}
		uint64_t object = object_at(c, pfn, index);
		set_up_object(c, object);
		if (last == OBJECT_NONE)
			s->free = (uint16_t)index;
		else
			link_store(c, last, object);
		last = object;
	}
	link_store(c, last, OBJECT_NONE);
	s->inuse = 0;
}

static uint64_t lines(uint64_t bytes)
{
	return (bytes + 63) / 64;
}

static void charge_new(struct object_cache *c, struct env *env, pfn_t pfn)
{
	const struct slab *s = &c->sa->slabs[pfn];
	uint64_t slab_bytes = (uint64_t)PAGE_BYTES << slab_order(c, s);
	env_charge_n(env, COST_SLAB_OBJECT, s->objects);
	if (c->ctor)
		env_charge_n(env, COST_ZERO_LINE, s->objects * lines(c->l.object_size));
	if (c->l.debug)
		env_charge_n(env, COST_ZERO_LINE, lines(slab_bytes));
	env_touch(env, page_meta_paddr(pfn), 64, true);
	env_touch(env, slab_paddr(pfn), slab_bytes, true);
}

pfn_t slab_new(struct object_cache *c, struct env *env, gfp_t gfp, unsigned nid,
	       enum alloc_failure *why)
{
	struct page_allocator *pa = c->sa->base.pa;
	const struct slub_layout *l = &c->l;
	/*
	 * A large block is tried for without effort: no waiting, no waking of kswapd. The smallest
	 * slab is asked for in earnest.
	 */
	gfp = (gfp & PAGE_GFP_MASK) | c->page_gfp;
	gfp_t first = (gfp | __GFP_NOWARN | __GFP_NORETRY) & ~__GFP_NOFAIL;
	if ((first & __GFP_DIRECT_RECLAIM) && l->order > l->min_order)
		first = (first | __GFP_NOMEMALLOC) & ~__GFP_RECLAIM;
	unsigned order = l->order, objects = l->objects;
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, first, nid, why);
	if (pfn == PFN_NONE) {
		order = l->min_order;
		objects = l->min_objects;
		pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, why);
		if (pfn == PFN_NONE)
			return PFN_NONE;
		c->slabs_fallback_count += order < l->order ? 1 : 0;
	}
	claim_pages(c, pfn, order, objects);
	slab_list_add(c->sa, &c->unlisted, pfn, LIST_UNLISTED, false);
	c->slabs_new_count++;
	if (l->debug)
		slub_debug_fill_slab(c, pfn, order);
	link_all(c, pfn);
	c->ctor_calls_count += c->ctor ? objects : 0;
	charge_new(c, env, pfn);
	return pfn;
}

void slab_adopt(struct object_cache *c, pfn_t pfn, const uint64_t *free_map)
{
	claim_pages(c, pfn, c->l.order, c->l.objects);
	slab_list_add(c->sa, &c->unlisted, pfn, LIST_UNLISTED, true);
	if (c->l.debug) {
		slub_debug_fill_slab(c, pfn, c->l.order);
		for (unsigned i = 0; i < c->l.objects; i++)
			slub_debug_fill(c, object_at(c, pfn, i), true, c->l.object_size);
	}
	for (unsigned i = c->l.objects; i-- > 0;) {
		if (!(free_map[i / 64] >> (i % 64) & 1))
			continue;
		uint64_t object = object_at(c, pfn, i);
		set_up_object(c, object);
		slab_push(c, pfn, object, i);
	}
	c->recorded_live_count += c->sa->slabs[pfn].inuse;
}

void slab_free_pages(struct object_cache *c, struct env *env, pfn_t pfn)
{
	struct slub *sa = c->sa;
	unsigned objects = sa->slabs[pfn].objects, order = slab_order(c, &sa->slabs[pfn]);
	struct slub_fault fault;
	if (c->l.debug) {
		env_charge_n(env, COST_ZERO_LINE, lines((uint64_t)PAGE_BYTES << order));
		BUG_ON(!slub_debug_tail_intact(c, pfn, &fault),
		       "cache %s: the %s behind the objects of slab %#llx: %#x instead of %#x at "
		       "%#llx",
		       c->name, fault.what, (unsigned long long)slab_paddr(pfn), fault.found,
		       fault.expected, (unsigned long long)fault.paddr);
	}
	c->slabs_count--;
	c->slabs_freed_count++;
	c->pages_count -= UINT64_C(1) << order;
	c->objects_count -= objects;
	memset(&sa->slabs[pfn], 0, sizeof(struct slab) << order);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	sa->base.pa->ops->free_pages(sa->base.pa, env, pfn, order);
}

/* --- between lists ---------------------------------------------------------------------------- */

unsigned slabs_to_nodes(struct object_cache *c, struct env *env)
{
	struct slub *sa = c->sa;
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	struct slub_node *locked = NULL;
	unsigned freed = 0;
	for (uint64_t left = moving->count; left; left--) {
		pfn_t pfn = moving->head;
		struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
		if (n != locked) {
			if (locked)
				env_unlock(env, &locked->lock);
			env_lock(env, &n->lock);
			locked = n;
		}
		slab_list_remove(sa, moving, pfn);
		if (!sa->slabs[pfn].inuse && n->partial.count >= c->l.min_partial)
			slab_list_add(sa, moving, pfn, LIST_MOVING, true);
		else
			node_add(c, env, pfn, true);
	}
	if (locked)
		env_unlock(env, &locked->lock);
	for (; moving->count; freed++) { /* as Linux: the last one first */
		pfn_t pfn = moving->tail;
		slab_list_remove(sa, moving, pfn);
		slab_free_pages(c, env, pfn);
	}
	return freed;
}

void slab_make_current(struct object_cache *c, struct slub_cpu *cpu, pfn_t pfn)
{
	struct slab *s = &c->sa->slabs[pfn];
	cpu->start = slab_paddr(pfn);
	cpu->bytes = (uint64_t)PAGE_BYTES << slab_order(c, s);
	cpu->nid = slab_nid(c->sa, pfn);
	cpu->free = s->free == SLAB_FREE_END ? OBJECT_NONE : object_at(c, pfn, s->free);
	s->free = SLAB_FREE_END;
	s->inuse = s->objects;
	s->frozen = 1;
}

/* Join a CPU's own list with the slab's shared one, in this order. Returns how many it had. */
static unsigned splice(struct object_cache *c, struct slub_cpu *cpu, pfn_t pfn)
{
	struct slab *s = &c->sa->slabs[pfn];
	if (cpu->free == OBJECT_NONE)
		return 0;
	uint64_t last = cpu->free;
	unsigned count = 1;
	for (uint64_t next = link_load(c, last); next != OBJECT_NONE; next = link_load(c, last)) {
		BUG_ON(!object_in_slab(c, pfn, next) || count >= s->objects,
		       "cache %s: the link of the free object %#llx leads to %#llx", c->name,
		       (unsigned long long)last, (unsigned long long)next);
		last = next;
		count++;
	}
	link_store(c, last, s->free == SLAB_FREE_END ? OBJECT_NONE : object_at(c, pfn, s->free));
	s->free = (uint16_t)object_index(c, pfn, cpu->free);
	s->inuse = (uint16_t)(s->inuse - count);
	return count;
}

void slab_deactivate(struct object_cache *c, struct env *env, struct slub_cpu *cpu)
{
	struct slub *sa = c->sa;
	pfn_t pfn = cpu->start >> PAGE_SHIFT;
	struct slab *s = &sa->slabs[pfn];
	struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	bool remote = s->free != SLAB_FREE_END;
	env_charge(env, COST_SLAB_CMPXCHG);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	env_charge_n(env, COST_SLAB_OBJECT, splice(c, cpu, pfn));
	slab_forget(cpu);
	s->frozen = 0;
	if (s->free == SLAB_FREE_END)
		return; /* full: stays where it is */
	slab_list_remove(sa, &c->unlisted, pfn);
	if (!s->inuse && n->partial.count >= c->l.min_partial) {
		slab_free_pages(c, env, pfn);
		return;
	}
	slab_list_add(sa, moving, pfn, LIST_MOVING, true);
	env_lock(env, &n->lock);
	slab_list_remove(sa, moving, pfn);
	node_add(c, env, pfn, remote);
	env_unlock(env, &n->lock);
}

void slub_flush_cpu(struct object_cache *c, struct env *env, struct slub_cpu *cpu)
{
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	if (cpu->bytes)
		slab_deactivate(c, env, cpu);
	while (cpu->partial.count) {
		pfn_t pfn = cpu->partial.head;
		slab_list_remove(c->sa, &cpu->partial, pfn);
		slab_list_add(c->sa, moving, pfn, LIST_MOVING, true);
	}
	slabs_to_nodes(c, env);
}
