/*
 * slub.c - the object allocator "slub": Linux 6.18's SLUB (mm/slub.c). Theory, and the paths of
 * allocation and free.
 *
 * Purpose. Kernels live on small objects of a few hundred kinds. A cache cuts blocks of pages
 * (slabs) into objects of one size, so that a free one fits the next request, and keeps some on
 * every CPU, so that most requests take no lock.
 *
 * Structure. A free object holds the address of the next one: a list costs no memory.
 *
 *   CPU      current slab (frozen: this CPU's alone)   free -> o -> o -> o      "own list"
 *            CPU partial list: a few slabs in stock
 *   slab     shared list of free objects, to which other CPUs push
 *   node     partial list, under a lock: slabs with free objects
 *   nobody   full slabs: a free finds them by their object's address
 *
 * Allocation looks, in this order, in: 1 the own list; 2 the current slab's shared list, which is
 * taken over in one step (empty: the slab is forgotten); 3 the CPU partial list, head first; 4 the
 * node's list, head first, with more slabs for the CPU partial list, until more than half of the
 * limit was moved; 5 other nodes' lists; 6 new pages.
 *
 * Free: an object of the current slab goes in front of the own list. Else it goes in front of the
 * slab's shared list, and the slab, unless it is frozen,
 *   was full:    goes to this CPU's partial list; if that has reached its limit, all of it first
 *                goes to the tail of the node's list
 *   got empty:   goes back to the page allocator if it stands on a node's list that has min_partial
 *                slabs or more
 *   otherwise:   stays where it is.
 *
 * Example. kmalloc-64, 64 objects a slab, limit of 4 slabs: with five full slabs, free one object
 * of each. The first four slabs form the CPU partial list; the fifth sends them to the node's list
 * and is the new list.
 *
 * Sheaves (slub_sheaf.c). Caches that ask for them keep objects in stock before all this: what is
 * told above happens when a sheaf is refilled or flushed.
 *
 * Debugging (slub_debug.c). Caches with red zones or poison have no per-CPU slabs: each operation
 * works on a slab of the node's list, under its lock, and looks the object over.
 *
 * Invariants (slub_check.c):
 *   S1  each list of slabs is linked both ways, its count is its length, and its slabs know it
 *   S2  a slab is a block in use, of its cache, with as many objects as its order has, and all its
 *       pages lead to it
 *   S3  lists of free objects: each is one of the slab's, is there once, the list ends, and the
 *       shared list has objects - inuse
 *   S4  exactly the CPUs' current slabs are frozen, and nothing in an own list is in the shared one
 *   S5  slabs on partial lists have free objects, those on no list have none to share, and no CPU
 *       has more slabs in stock than its limit
 *   S6  counters of slabs, pages, objects and live objects are what a walk finds
 *   S7  red zones are intact
 *   S8  poison of free objects, and of padding, is intact
 *   S9  sheaves hold no more than their capacity; a barn's are full or empty, and as many as it
 *       counts, at most 10 of each
 *   S10 what is in a sheaf is an object of one of the cache's slabs, there once, and in no list
 *
 * What a CPU may read. The own list and the CPU partial list are the CPU's. A slab's shared list is
 * read after env_sync(), a node's list is written under its lock; waiting for a lock lets other
 * CPUs run, so what was read before is read again. Before it waits, a CPU leaves every slab on some
 * list (slub_slab.c).
 *
 * Cost charged: SLAB_ALLOC and SLAB_FREE for the fast paths, SLAB_SLOW for leaving them, then
 * SLAB_CMPXCHG for each slab taken over or pushed to, LINK for each slab moved, the lock, what the
 * page allocator charges, and SLAB_OBJECT for each object of a new slab.
 *
 * MODEL: slabs of CACHE_TYPESAFE_BY_RCU go back at once, without a grace period.
 * cpu_partial_objects of 0 means no CPU partial lists (Linux built without them; its sysfs knob
 * leaves one slab in stock). There is no memory policy: a request for the CPU's own node states no
 * preference, as most of Linux's do, so a slab from another node goes on being used. Slabs from
 * emergency reserves (pfmemalloc) are like others. A flush of all CPUs (shrink, the end of a cache)
 * empties the other CPUs at once and without cost to them, where Linux interrupts them: whoever
 * calls it during a run has the other CPUs stand still.
 */
#include "alloc/slub.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ANY_NODE UINT32_MAX

#define unlikely(x) __builtin_expect(!!(x), 0)

/* A request that left the fast path. */
struct request {
	struct object_cache *c;
	struct slub_cpu *cpu;
	struct env *env;
	gfp_t gfp;
	unsigned nid; /* the node that it insists on, or ANY_NODE */
};

/* --- taking objects --------------------------------------------------------------------------- */

static _Noreturn void link_is_bad(const struct object_cache *c, uint64_t object, uint64_t next)
{
	BUG("cache %s: the link of the free object %#llx leads to %#llx", c->name,
	    (unsigned long long)object, (unsigned long long)next);
}

/* Take the first object of the own list, which is not empty. */
static inline uint64_t take_own(struct object_cache *c, struct slub_cpu *cpu)
{
	uint64_t object = cpu->free, next = link_load(c, object);
	/* Whatever a user wrote into a free object must not lead out of the slab. */
	if (unlikely(next - cpu->start >= cpu->bytes && next != OBJECT_NONE))
		link_is_bad(c, object, next);
	if (unlikely(c->hardened && next != OBJECT_NONE &&
		     !object_in_slab(c, cpu->start >> PAGE_SHIFT, next)))
		link_is_bad(c, object, next);
	cpu->free = next;
	/* The next allocation will read its link; as Linux does. At OBJECT_NONE nothing happens. */
	__builtin_prefetch((const void *)((uintptr_t)c->ram + next + c->l.link_offset), 1);
	return object;
}

static bool mismatch(const struct request *r, unsigned nid)
{
	return r->nid != ANY_NODE && r->nid != nid;
}

static void charge_take_over(struct request *r, pfn_t pfn)
{
	env_charge(r->env, COST_SLAB_CMPXCHG);
	env_touch(r->env, page_meta_paddr(pfn), 64, true);
}

/* Objects that other CPUs freed to the current slab become the CPU's own. */
static bool take_over_shared(struct request *r)
{
	struct slub_cpu *cpu = r->cpu;
	pfn_t pfn = cpu->start >> PAGE_SHIFT;
	struct slab *s = &r->c->sa->slabs[pfn];
	charge_take_over(r, pfn);
	if (s->free == SLAB_FREE_END) {
		s->frozen = 0;
		slab_forget(cpu);
		return false;
	}
	slab_make_current(r->c, cpu, pfn);
	r->c->refills_shared_count++;
	env_set_path(r->env, PATH_SLAB_SHARED);
	return true;
}

/* A slab that this CPU just took off a list becomes its current one. */
static void take_over_slab(struct request *r, pfn_t pfn, enum op_path path)
{
	slab_list_add(r->c->sa, &r->c->unlisted, pfn, LIST_UNLISTED, false);
	slab_make_current(r->c, r->cpu, pfn);
	env_set_path(r->env, path);
}

static bool take_cpu_partial(struct request *r)
{
	struct object_cache *c = r->c;
	struct slub_cpu *cpu = r->cpu;
	while (cpu->partial.count) {
		pfn_t pfn = cpu->partial.head;
		env_charge(r->env, COST_LINK);
		slab_list_remove(c->sa, &cpu->partial, pfn);
		if (!mismatch(r, slab_nid(c->sa, pfn))) {
			c->refills_cpu_partial_count++;
			take_over_slab(r, pfn, PATH_SLAB_CPU_PARTIAL);
			charge_take_over(r, pfn);
			return true;
		}
		slab_list_add(c->sa, &cpu->moving, pfn, LIST_MOVING, true);
		slabs_to_nodes(c, r->env);
	}
	return false;
}

/* Take slabs of one node's list: the first for now, some more for the CPU's stock. */
static bool take_node(struct request *r, unsigned nid)
{
	struct object_cache *c = r->c;
	struct slub_node *n = &c->nodes[nid];
	pfn_t first = PFN_NONE;
	if (!n->partial.count)
		return false;
	env_lock(r->env, &n->lock);
	if (n->partial.count) {
		first = n->partial.head;
		node_remove(c, r->env, first);
		c->refills_node_partial_count++;
		take_over_slab(r, first, PATH_SLAB_NODE_PARTIAL);
	}
	for (uint64_t moved = 0; c->l.cpu_partial_slabs && n->partial.count;) {
		pfn_t pfn = n->partial.head;
		node_remove(c, r->env, pfn);
		slab_list_add(c->sa, &r->cpu->partial, pfn, LIST_CPU_PARTIAL, false);
		env_charge(r->env, COST_LINK);
		if (++moved > c->l.cpu_partial_slabs / 2)
			break;
	}
	env_unlock(r->env, &n->lock);
	if (first == PFN_NONE)
		return false;
	charge_take_over(r, first);
	return true;
}

/* Own node first; then others that have plenty, the nearest one first. */
static bool take_partial(struct request *r, bool this_node)
{
	const struct physmem *pm = r->c->sa->base.pm;
	unsigned home = r->nid == ANY_NODE ? r->cpu->home_nid : r->nid;
	if (take_node(r, home))
		return true;
	if (this_node || !slub_looks_elsewhere(r->c->sa, r->env))
		return false;
	const struct node *node = &pm->nodes[home];
	for (unsigned i = 0; i < node->zonelist_count; i++) {
		unsigned nid = pm->zones[node->zonelist[i]].nid;
		if (nid != home && r->c->nodes[nid].partial.count > r->c->l.min_partial &&
		    take_node(r, nid))
			return true;
	}
	return false;
}

static bool take_new(struct request *r, gfp_t gfp, enum alloc_failure *why)
{
	unsigned nid = r->nid == ANY_NODE ? r->cpu->home_nid : r->nid;
	pfn_t pfn = slab_new(r->c, r->env, gfp, nid, why);
	if (pfn == PFN_NONE)
		return false;
	slab_make_current(r->c, r->cpu, pfn);
	env_set_path(r->env, PATH_SLAB_NEW);
	return true;
}

/* Give the CPU a current slab that suits the request and has free objects. */
static bool refill(struct request *r, enum alloc_failure *why)
{
	struct slub_cpu *cpu = r->cpu;
	if (cpu->bytes) {
		if (mismatch(r, cpu->nid))
			slab_deactivate(r->c, r->env, cpu);
		else if (take_over_shared(r))
			return true;
	}
	if (take_cpu_partial(r))
		return true;
	/* Before a node that was asked for is given up, its free pages are tried without effort. */
	bool strict = r->gfp & __GFP_THISNODE;
	if (r->nid != ANY_NODE && !strict &&
	    (take_partial(r, true) || take_new(r, GFP_NOWAIT | __GFP_THISNODE, why)))
		return true;
	return take_partial(r, strict) || take_new(r, r->gfp, why);
}

uint64_t slub_take(struct object_cache *c, struct env *env, gfp_t gfp, enum alloc_failure *why)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	struct request r = {c, cpu, env, gfp, ANY_NODE};
	if (cpu->free == OBJECT_NONE) {
		env_sync(env);
		if (!refill(&r, why))
			return OBJECT_NONE;
	}
	return take_own(c, cpu);
}

static uint64_t alloc_slow(struct object_cache *c, struct env *env, uint64_t bytes, gfp_t gfp,
			   unsigned nid, enum alloc_failure *why)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	bool any = c->sa->base.pm->nodes_count == 1 ||
		   (nid == cpu->home_nid && !(gfp & __GFP_THISNODE));
	struct request r = {c, cpu, env, gfp, any ? ANY_NODE : nid};
	uint64_t object = OBJECT_NONE;
	if (cpu->free != OBJECT_NONE && !mismatch(&r, cpu->nid)) {
		/* With sheaves, the CPU has left its own ones in vain. */
		env_set_path(env, c->sheaves ? PATH_SLAB_SHARED : PATH_SLAB_FAST);
		*(c->sheaves ? &c->slow_allocs_count : &cpu->fast_allocs_count) += 1;
		return take_own(c, cpu);
	}
	env_charge(env, COST_SLAB_SLOW);
	env_sync(env);
	if (c->l.debug) {
		object = slub_debug_alloc(c, env, bytes, gfp, nid, why);
	} else if (refill(&r, why)) {
		object = take_own(c, cpu);
		c->slow_allocs_count++;
	}
	if (object == OBJECT_NONE) {
		env_set_path(env, PATH_FAILED);
		c->failed_count++;
		return OBJECT_NONE;
	}
	*why = ALLOC_OK;
	return object;
}

/* All but the most common case; apart from it, so that that one stays short. */
static __attribute__((noinline)) uint64_t alloc_other(struct object_cache *c, struct env *env,
						      uint64_t bytes, gfp_t gfp, unsigned nid,
						      enum alloc_failure *why)
{
	uint64_t object = c->sheaves ? slub_sheaf_alloc(c, env, gfp, nid) : OBJECT_NONE;
	if (object == OBJECT_NONE) {
		object = alloc_slow(c, env, bytes, gfp, nid, why);
		if (object == OBJECT_NONE)
			return OBJECT_NONE;
		env_touch(env, object + c->l.link_offset, sizeof(uint64_t), false);
	}
	if (gfp & __GFP_ZERO) {
		uint64_t clear = c->l.asked_offset ? bytes : c->l.object_size;
		memset(c->ram + object, 0, clear);
		env_charge_n(env, COST_ZERO_LINE, (clear + 63) / 64);
		env_touch(env, object, u64_max(clear, 1), true);
	}
	return object;
}

static uint64_t slub_alloc(struct object_allocator *oa, struct env *env, struct object_cache *c,
			   uint64_t bytes, gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	if (gfp & __GFP_DIRECT_RECLAIM)
		env_might_sleep(env);
	env_charge(env, COST_SLAB_ALLOC);
	*why = ALLOC_OK;
	if (unlikely(cpu->free == OBJECT_NONE || cpu->nid != nid || (gfp & __GFP_ZERO) ||
		     c->sheaves))
		return alloc_other(c, env, bytes, gfp, nid, why);
	env_set_path(env, PATH_SLAB_FAST);
	cpu->fast_allocs_count++;
	uint64_t object = take_own(c, cpu);
	env_touch(env, object + c->l.link_offset, sizeof(uint64_t), false);
	return object;
}

/* --- free ------------------------------------------------------------------------------------- */

/* The slab was full: it joins this CPU's stock. If that is full, all of it goes to the nodes. */
static void put_cpu_partial(struct object_cache *c, struct env *env, pfn_t pfn)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	struct slub *sa = c->sa;
	bool drain = cpu->partial.count >= c->l.cpu_partial_slabs;
	env_set_path(env, PATH_SLAB_CPU_PARTIAL);
	env_charge(env, COST_LINK);
	while (drain && cpu->partial.count) {
		pfn_t old = cpu->partial.head;
		slab_list_remove(sa, &cpu->partial, old);
		slab_list_add(sa, &cpu->moving, old, LIST_MOVING, true);
	}
	slab_list_remove(sa, &c->unlisted, pfn);
	slab_list_add(sa, &cpu->partial, pfn, LIST_CPU_PARTIAL, false);
	if (drain) {
		unsigned freed = slabs_to_nodes(c, env);
		env_set_path(env, freed ? PATH_SLAB_DISCARD : PATH_SLAB_NODE_PARTIAL);
	}
}

/* Will freeing one more object change the node's list? */
static bool concerns_node(const struct object_cache *c, const struct slab *s)
{
	bool prior = s->free != SLAB_FREE_END;
	return !s->frozen && (s->inuse == 1 || !prior) && (!c->l.cpu_partial_slabs || prior);
}

/*
 * Under the lock: the object is pushed, and the slab, which was not frozen, got empty or has its
 * first free object.
 */
static void free_on_node(struct object_cache *c, struct env *env, struct slub_node *n, pfn_t pfn,
			 bool prior)
{
	struct slub *sa = c->sa;
	const struct slab *s = &sa->slabs[pfn];
	bool on_node = s->list == LIST_NODE_PARTIAL;
	env_set_path(env, PATH_SLAB_SHARED);
	if (prior && !on_node) { /* in some CPU's stock, or on its way: stays, though empty */
		env_unlock(env, &n->lock);
		return;
	}
	env_set_path(env, PATH_SLAB_NODE_PARTIAL);
	if (!s->inuse && n->partial.count >= c->l.min_partial) {
		if (on_node)
			node_remove(c, env, pfn);
		else
			slab_list_remove(sa, &c->unlisted, pfn);
		slab_list_add(sa, &c->cpus[env->cpu].moving, pfn, LIST_MOVING, true);
		env_unlock(env, &n->lock);
		slab_list_remove(sa, &c->cpus[env->cpu].moving, pfn);
		slab_free_pages(c, env, pfn);
		env_set_path(env, PATH_SLAB_DISCARD);
		return;
	}
	if (!prior) {
		slab_list_remove(sa, &c->unlisted, pfn);
		node_add(c, env, pfn, true);
	}
	env_unlock(env, &n->lock);
}

pfn_t slub_object_slab(const struct object_cache *c, uint64_t object)
{
	const struct slub *sa = c->sa;
	pfn_t pfn = slab_head(sa, object >> PAGE_SHIFT);
	BUG_ON(pfn == PFN_NONE || sa->slabs[pfn].cache != c->index ||
		       !object_in_slab(c, pfn, object),
	       "cache %s: free of %#llx, which is no object of it", c->name,
	       (unsigned long long)object);
	return pfn;
}

/* The object is on its slab's list of free ones; one from a sheaf was counted when it got there. */
static void count_free(struct object_cache *c, struct env *env)
{
	uint64_t *transit = c->sheaves ? &c->sheaves->cpus[env->cpu].transit : NULL;
	if (transit && *transit != OBJECT_NONE)
		*transit = OBJECT_NONE;
	else
		c->slow_frees_count++;
}

static __attribute__((noinline)) void free_slow(struct object_cache *c, struct env *env,
						uint64_t object)
{
	struct slub *sa = c->sa;
	env_charge(env, COST_SLAB_SLOW);
	pfn_t pfn = slub_object_slab(c, object);
	unsigned index = object_index(c, pfn, object);
	env_sync(env);
	struct slab *s = &sa->slabs[pfn];
	struct slub_node *n = &c->nodes[slab_nid(sa, pfn)];
	BUG_ON(!s->inuse, "cache %s: free of %#llx, which is free: so is all of its slab", c->name,
	       (unsigned long long)object);
	if (c->l.debug) {
		slub_debug_free(c, env, pfn, object);
		return;
	}
	bool locked = false;
	if (concerns_node(c, s)) {
		env_lock(env, &n->lock);
		locked = concerns_node(c, s); /* others may have freed meanwhile */
		if (!locked)
			env_unlock(env, &n->lock);
	}
	bool prior = s->free != SLAB_FREE_END;
	BUG_ON(c->hardened && prior && index == s->free,
	       "cache %s: %#llx is freed twice", c->name, (unsigned long long)object);
	env_charge(env, COST_SLAB_CMPXCHG);
	env_touch(env, page_meta_paddr(pfn), 64, true);
	env_touch(env, object + c->l.link_offset, sizeof(uint64_t), true);
	slab_push(c, pfn, object, index);
	count_free(c, env);
	n->free_objects += s->list == LIST_NODE_PARTIAL ? 1 : 0;
	env_set_path(env, PATH_SLAB_SHARED);
	if (locked)
		free_on_node(c, env, n, pfn, prior);
	else if (!s->frozen && !prior)
		put_cpu_partial(c, env, pfn);
}

/* With hardened lists: @object is to become the first of the own list. */
static __attribute__((noinline)) void check_freed(const struct object_cache *c,
						  const struct slub_cpu *cpu, uint64_t object)
{
	BUG_ON(object == cpu->free || !object_in_slab(c, cpu->start >> PAGE_SHIFT, object),
	       "cache %s: %#llx is freed, which is free or no object", c->name,
	       (unsigned long long)object);
}

void slub_give(struct object_cache *c, struct env *env, uint64_t object)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	if (object - cpu->start >= cpu->bytes) {
		free_slow(c, env, object);
		return;
	}
	if (unlikely(c->hardened))
		check_freed(c, cpu, object);
	env_touch(env, object + c->l.link_offset, sizeof(uint64_t), true);
	link_store(c, object, cpu->free);
	cpu->free = object;
	c->sheaves->cpus[env->cpu].transit = OBJECT_NONE;
}

static void slub_free_object(struct object_allocator *oa, struct env *env, struct object_cache *c,
			     uint64_t object)
{
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	env_charge(env, COST_SLAB_FREE);
	if (unlikely(c->sheaves != NULL) && slub_sheaf_free(c, env, object))
		return;
	if (unlikely(object - cpu->start >= cpu->bytes)) {
		free_slow(c, env, object);
		return;
	}
	if (unlikely(c->hardened))
		check_freed(c, cpu, object);
	env_set_path(env, PATH_SLAB_FAST);
	env_touch(env, object + c->l.link_offset, sizeof(uint64_t), true);
	cpu->fast_frees_count++;
	link_store(c, object, cpu->free);
	cpu->free = object;
}

/* --- the contract ----------------------------------------------------------------------------- */

static struct object_cache *slub_cache_of(struct object_allocator *oa, uint64_t paddr,
					  uint64_t *start_paddr)
{
	const struct slub *sa = (const struct slub *)oa;
	pfn_t pfn = slab_head(sa, paddr >> PAGE_SHIFT);
	if (pfn == PFN_NONE)
		return NULL;
	struct object_cache *c = sa->caches[sa->slabs[pfn].cache];
	*start_paddr = object_at(c, pfn, object_index(c, pfn, paddr));
	return c;
}

static struct object_cache *slub_cache_at(struct object_allocator *oa, unsigned index)
{
	const struct slub *sa = (const struct slub *)oa;
	return index < sa->caches_count ? sa->caches[index] : NULL;
}

static void slub_delete(struct object_allocator *oa)
{
	struct slub *sa = (struct slub *)oa;
	if (!sa)
		return;
	for (unsigned i = 0; i < sa->caches_count; i++)
		slub_cache_release(sa->caches[i]);
	if (sa->slabs)
		munmap(sa->slabs, sa->slabs_bytes);
	free(sa->caches);
	free(sa->cpu_nid);
	free(sa->cpu_rng);
	free(sa);
}

static struct object_allocator *slub_create(const struct object_allocator_params *params,
					    struct err *err);

const struct object_allocator_ops slub_object_allocator = {
	.name = "slub",
	.summary = "Linux 6.18's SLUB: per-CPU slabs and partial lists over the page allocator",
	.new = slub_create,
	.free = slub_delete,
	.cache_new = slub_cache_new,
	.cache_free = slub_cache_free,
	.cache_at = slub_cache_at,
	.alloc = slub_alloc,
	.free_object = slub_free_object,
	.cache_of = slub_cache_of,
	.shrink = slub_shrink,
	.add_slab = slub_add_slab,
	.walk = slub_walk,
	.check = slub_check,
	.cache_stats = slub_cache_stats,
};

static struct object_allocator *slub_create(const struct object_allocator_params *params,
					    struct err *err)
{
	struct slub *sa = calloc(1, sizeof(*sa));
	if (!sa)
		goto out;
	sa->base = (struct object_allocator){
		.ops = &slub_object_allocator, .pm = params->pm, .pa = params->pa};
	sa->params = *params;
	sa->caches = calloc(OBJECT_CACHES_LIMIT, sizeof(struct object_cache *));
	sa->cpu_nid = malloc(params->cpus_count * sizeof(*sa->cpu_nid));
	sa->slabs_bytes = (params->pm->pfn_end + 1) * sizeof(struct slab);
	void *slabs = mmap(NULL, sa->slabs_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slabs != MAP_FAILED)
		sa->slabs = slabs;
	sa->cpu_rng = malloc(params->cpus_count * sizeof(*sa->cpu_rng));
	if (!sa->caches || !sa->cpu_nid || !sa->cpu_rng || !sa->slabs)
		goto out;
	for (unsigned cpu = 0; cpu < params->cpus_count; cpu++)
		rng_init(&sa->cpu_rng[cpu], params->seed, SLUB_CPU_STREAMS + cpu);
	memcpy(sa->cpu_nid, params->cpu_nid, params->cpus_count * sizeof(*sa->cpu_nid));
	sa->params.cpu_nid = sa->cpu_nid;
	/* Reserves the RAM if that was not done: objects hold their links. */
	if (params->pm->pfn_end && !params->pm->ram && !physmem_ram(params->pm, 0, err))
		goto out;
	return &sa->base;
out:
	err_set(err, ERR_IO, "out of memory for the object allocator");
	slub_delete((struct object_allocator *)sa);
	return NULL;
}
