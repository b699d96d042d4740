/*
 * slub_debug.c - red zones and poison: what they are filled with, how a change is found, and the
 * paths of caches that have them.
 *
 * Bytes, as in Linux: 0xbb red zone of a free object, 0xcc of a live one; 0x6b in a free object,
 * 0xa5 its last byte; 0x5a padding. A live object of a size class has its red zone begin where the
 * request ended; the size asked for is kept behind the object.
 *
 * A write past the end of a live object is found when it is freed (or by a check before), a write
 * to a free object when it is allocated (or when its slab is given back, or by a check). Both are
 * bugs of the simulated kernel's code, so the run stops, with the cache, the object and the byte.
 *
 * Such caches have no per-CPU slabs. An allocation takes an object of the first slab of the node's
 * list, a free puts it back, both under the list's lock; full slabs are kept apart.
 */
#include "alloc/slub.h"

enum {
	RED_FREE = 0xbb,
	RED_LIVE = 0xcc,
	POISON_FREE = 0x6b,
	POISON_END = 0xa5,
	POISON_PADDING = 0x5a,
};

/* --- filling ---------------------------------------------------------------------------------- */

/* Bytes from the object on that belong to it: to its padding, and the left pad of the next. */
static uint64_t extent(const struct object_cache *c)
{
	return c->l.size - c->l.left_pad;
}

/* Where what is kept behind the object ends, and padding begins. */
static uint64_t kept_end(const struct object_cache *c)
{
	uint64_t end = c->l.inuse_bytes;
	if (c->l.link_offset >= end)
		end = c->l.link_offset + sizeof(uint64_t);
	return c->l.asked_offset ? c->l.asked_offset + sizeof(uint64_t) : end;
}

static uint64_t tail_start(const struct object_cache *c, pfn_t pfn)
{
	return slab_paddr(pfn) + (uint64_t)c->sa->slabs[pfn].objects * c->l.size;
}

static uint64_t slab_end(const struct object_cache *c, pfn_t pfn)
{
	const struct slab *s = &c->sa->slabs[pfn];
	return slab_paddr(pfn) + ((uint64_t)PAGE_BYTES << slab_order(c, s));
}

void slub_debug_fill_slab(struct object_cache *c, pfn_t pfn, unsigned order)
{
	if (c->flags & CACHE_POISON)
		memset(c->ram + slab_paddr(pfn), POISON_PADDING, (size_t)PAGE_BYTES << order);
}

uint64_t slub_debug_asked(const struct object_cache *c, uint64_t object)
{
	uint64_t asked = c->l.object_size;
	if (c->l.asked_offset)
		memcpy(&asked, c->ram + object + c->l.asked_offset, sizeof(asked));
	return asked;
}

void slub_debug_fill(struct object_cache *c, uint64_t object, bool live, uint64_t bytes)
{
	uint8_t *p = c->ram + object, red = live ? RED_LIVE : RED_FREE;
	uint64_t content = c->l.object_size;
	if (c->l.asked_offset) {
		memcpy(p + c->l.asked_offset, &bytes, sizeof(bytes));
		content = live ? bytes : content;
	}
	if (c->flags & CACHE_RED_ZONE) {
		memset(p - c->l.left_pad, red, c->l.left_pad);
		memset(p + content, red, c->l.inuse_bytes - content);
	}
	if (c->l.fill_free && content) {
		memset(p, POISON_FREE, content - 1);
		p[content - 1] = POISON_END;
	}
}

/* --- looking ---------------------------------------------------------------------------------- */

/* Are all bytes from @start to @end @expected? */
static bool all_are(const struct object_cache *c, uint64_t start, uint64_t end, uint8_t expected,
		    const char *what, struct slub_fault *fault)
{
	for (uint64_t at = start; at < end; at++) {
		if (c->ram[at] == expected)
			continue;
		*fault = (struct slub_fault){
			.what = what,
			.red_zone = expected == RED_FREE || expected == RED_LIVE,
			.paddr = at,
			.found = c->ram[at],
			.expected = expected,
		};
		return false;
	}
	return true;
}

bool slub_debug_intact(const struct object_cache *c, uint64_t object, bool live,
		       struct slub_fault *fault)
{
	const struct slub_layout *l = &c->l;
	uint8_t red = live ? RED_LIVE : RED_FREE;
	uint64_t content =
		live ? u64_min(slub_debug_asked(c, object), l->object_size) : l->object_size;
	if (c->flags & CACHE_RED_ZONE) {
		if (!all_are(c, object - l->left_pad, object, red, "red zone", fault) ||
		    !all_are(c, object + content, object + l->inuse_bytes, red, "red zone", fault))
			return false;
	} else if (!all_are(c, object + l->object_size, object + l->inuse_bytes, POISON_PADDING,
			    "padding", fault)) {
		return false;
	}
	if (!live && l->fill_free &&
	    (!all_are(c, object, object + content - 1, POISON_FREE, "poison", fault) ||
	     !all_are(c, object + content - 1, object + content, POISON_END, "poison", fault)))
		return false;
	return !(c->flags & CACHE_POISON) || all_are(c, object + kept_end(c), object + extent(c),
						     POISON_PADDING, "padding", fault);
}

bool slub_debug_tail_intact(const struct object_cache *c, pfn_t pfn, struct slub_fault *fault)
{
	return !(c->flags & CACHE_POISON) ||
	       all_are(c, tail_start(c, pfn), slab_end(c, pfn), POISON_PADDING, "padding", fault);
}

static void look_over(struct object_cache *c, struct env *env, uint64_t object, bool live)
{
	struct slub_fault fault;
	env_charge(env, COST_SLAB_OBJECT);
	env_charge_n(env, COST_ZERO_LINE, 2 * ((c->l.size + 63) / 64)); /* looking and filling */
	env_touch(env, object - c->l.left_pad, c->l.size, true);
	BUG_ON(!slub_debug_intact(c, object, live, &fault),
	       "cache %s: the %s of the %s object %#llx was overwritten: %#x instead of %#x at "
	       "%#llx",
	       c->name, fault.what, live ? "live" : "free", (unsigned long long)object, fault.found,
	       fault.expected, (unsigned long long)fault.paddr);
}

/* --- the paths -------------------------------------------------------------------------------- */

/* An object leaves the shared list of its slab. */
static uint64_t take(struct object_cache *c, struct env *env, pfn_t pfn, uint64_t bytes)
{
	BUG_ON(bytes > c->l.object_size, "cache %s: a request of %llu bytes", c->name,
	       (unsigned long long)bytes);
	uint64_t object = slab_pop(c, pfn);
	look_over(c, env, object, false);
	slub_debug_fill(c, object, true, bytes);
	c->slow_allocs_count++;
	return object;
}

static uint64_t take_from_node(struct object_cache *c, struct env *env, unsigned nid,
			       uint64_t bytes)
{
	struct slub_node *n = &c->nodes[nid];
	uint64_t object = OBJECT_NONE;
	if (!n->partial.count)
		return OBJECT_NONE;
	env_lock(env, &n->lock);
	if (n->partial.count) {
		pfn_t pfn = n->partial.head;
		const struct slab *s = &c->sa->slabs[pfn];
		env_touch(env, page_meta_paddr(pfn), 64, true);
		object = take(c, env, pfn, bytes);
		n->free_objects--;
		if (s->inuse == s->objects) {
			node_remove(c, env, pfn);
			slab_list_add(c->sa, &c->unlisted, pfn, LIST_UNLISTED, false);
		}
		c->refills_node_partial_count++;
		env_set_path(env, PATH_SLAB_NODE_PARTIAL);
	}
	env_unlock(env, &n->lock);
	return object;
}

static uint64_t take_from_new(struct object_cache *c, struct env *env, uint64_t bytes, gfp_t gfp,
			      unsigned nid, enum alloc_failure *why)
{
	struct slub *sa = c->sa;
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	pfn_t pfn = slab_new(c, env, gfp, nid, why);
	if (pfn == PFN_NONE)
		return OBJECT_NONE;
	struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
	uint64_t object = take(c, env, pfn, bytes);
	if (sa->slabs[pfn].free != SLAB_FREE_END) {
		slab_list_remove(sa, &c->unlisted, pfn);
		slab_list_add(sa, moving, pfn, LIST_MOVING, true);
	}
	env_lock(env, &n->lock);
	if (sa->slabs[pfn].list == LIST_MOVING) {
		slab_list_remove(sa, moving, pfn);
		node_add(c, env, pfn, false);
	} else {
		env_charge(env, COST_LINK); /* to the full ones */
	}
	env_unlock(env, &n->lock);
	env_set_path(env, PATH_SLAB_NEW);
	return object;
}

uint64_t slub_debug_alloc(struct object_cache *c, struct env *env, uint64_t bytes, gfp_t gfp,
			  unsigned nid, enum alloc_failure *why)
{
	const struct physmem *pm = c->sa->base.pm;
	const struct node *node = &pm->nodes[nid];
	uint64_t object = take_from_node(c, env, nid, bytes);
	bool elsewhere = object == OBJECT_NONE && !(gfp & __GFP_THISNODE) &&
			 slub_looks_elsewhere(c->sa, env);
	for (unsigned i = 0; i < node->zonelist_count; i++) {
		unsigned other = pm->zones[node->zonelist[i]].nid;
		if (object != OBJECT_NONE || !elsewhere)
			break;
		if (other != nid && c->nodes[other].partial.count > c->l.min_partial)
			object = take_from_node(c, env, other, bytes);
	}
	if (object == OBJECT_NONE)
		object = take_from_new(c, env, bytes, gfp, nid, why);
	return object;
}

/* Is @object in the slab's list of free ones? */
static bool is_free(struct object_cache *c, pfn_t pfn, uint64_t object)
{
	const struct slab *s = &c->sa->slabs[pfn];
	uint64_t at = s->free == SLAB_FREE_END ? OBJECT_NONE : object_at(c, pfn, s->free);
	for (unsigned i = 0; at != OBJECT_NONE && at != object; i++) {
		uint64_t next = link_load(c, at);
		BUG_ON(i >= s->objects || (next != OBJECT_NONE && !object_in_slab(c, pfn, next)),
		       "cache %s: the link of the free object %#llx leads to %#llx", c->name,
		       (unsigned long long)at, (unsigned long long)next);
		at = next;
	}
	return at == object;
}

void slub_debug_free(struct object_cache *c, struct env *env, pfn_t pfn, uint64_t object)
{
	struct slub *sa = c->sa;
	const struct slab *s = &sa->slabs[pfn];
	struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
	struct slab_list *moving = &c->cpus[env->cpu].moving;
	env_lock(env, &n->lock);
	BUG_ON(is_free(c, pfn, object), "cache %s: %#llx is freed, which is free", c->name,
	       (unsigned long long)object);
	look_over(c, env, object, true);
	slub_debug_fill(c, object, false, 0);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	slab_push(c, pfn, object, object_index(c, pfn, object));
	c->slow_frees_count++;
	bool listed = s->list == LIST_NODE_PARTIAL, moves = s->list == LIST_UNLISTED;
	n->free_objects += listed ? 1 : 0;
	bool discard = !s->inuse && n->partial.count >= c->l.min_partial && (listed || moves);
	env_set_path(env, PATH_SLAB_NODE_PARTIAL);
	if (discard && listed)
		node_remove(c, env, pfn);
	if (moves) {
		slab_list_remove(sa, &c->unlisted, pfn);
		env_charge(env, COST_LINK);
	}
	if (discard)
		slab_list_add(sa, moving, pfn, LIST_MOVING, true);
	else if (moves)
		node_add(c, env, pfn, true);
	env_unlock(env, &n->lock);
	if (discard) {
		slab_list_remove(sa, moving, pfn);
		slab_free_pages(c, env, pfn);
		env_set_path(env, PATH_SLAB_DISCARD);
	}
}
