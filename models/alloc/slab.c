/*
 * slab.c - the object allocator "slab": Bonwick's slabs with per-CPU arrays, as Linux had it as
 * SLAB until 6.8 (mm/slab.c).
 *
 * Purpose. Objects of one size are cut from slabs, blocks of pages that a cache keeps. What a CPU
 * frees, it most likely needs again soon, warm in its cache: so each CPU has, for each cache, an
 * array of free objects of its own, and needs a lock only once for a batch of them.
 *
 *   CPU 0 [array]   CPU 1 [array]       limit 120, 54, 24, 8 or 1 objects, by size; LIFO
 *        \  batches  /                  a batch is half of that
 *       [ shared array ]                one for each node: 8 batches
 *              |
 *   partial   full   empty              the node's slabs (slab_node.c), each with an index of its
 *                                       free objects (slab_layout.c)
 *
 * Allocation takes the newest entry of the CPU's array. If it is empty, it is refilled by a batch:
 * from the shared array; else from partial slabs, then from empty ones; else from a new slab.
 * An array that was not used since the reaper's last visit gets 16 objects at most.
 *
 * Free puts the object into the array of the CPU that frees it. If that is full, its oldest batch
 * moves to the shared array, or, if that is full, to the slabs.
 *
 * Reaper. Every 2 s each CPU gives back a fifth of each array that was not used since; every 4 s
 * the node does so with the shared array, and frees some of its empty slabs.
 *
 * Other nodes. An object for another node is taken straight from that node's slabs, and so are all
 * if arrays have no entries. If a node has no memory left, the others' slabs are tried, the
 * nearest first, then their pages.
 *
 * Parameters. cpu_partial_objects is the limit of a CPU's array (automatic: by size; 0: no arrays,
 * every operation works on the node's lists). min_partial_slabs is how many empty slabs a node
 * keeps (automatic: as many as hold free_limit objects, (1 + CPUs) batches and one slab).
 * max_order automatic is 1, Linux's slab_max_order. min_objects and freelist_hardened have no
 * meaning here.
 *
 * Example. 256-byte objects, two CPUs: arrays of 120, batch 60, shared array of 480. The first
 * allocation finds nothing anywhere and makes a slab of 16 objects: one is handed out, 15 stay in
 * the array. CPU 1 frees 121 objects: the first 60 of them go to the shared array, from where
 * CPU 0's next refill takes them.
 *
 * Invariants: see slab_check.c. Costs: SLAB_ALLOC and SLAB_FREE for an array alone; SLAB_SLOW and
 * the lock beyond that, SLAB_OBJECT for each object that leaves or enters a slab.
 *
 * MODEL: arrays and indexes off slab are in the host's memory, so their bytes are not accounted
 * for. No alien arrays: an object of another node goes to that node's lists at once, as with the
 * boot option noaliencache. A reaper's period is two calls of tick(), taken to be a second apart.
 * Arrays of other CPUs are emptied at once where Linux interrupts these CPUs (shrinking, end of a
 * cache).
 */
#include "alloc/slab.h"
#include "kern/bug.h"

#define UNTOUCHED_BATCH 16 /* Linux's BATCHREFILL_LIMIT */
#define REAP_TICKS      2
#define NODE_REAP_TICKS 4

/* An operation on its way. */
struct slab_op {
	struct slab_allocator *sa;
	struct slab_cache *c;
	struct env *env;
	gfp_t gfp;
	uint64_t bytes;
	enum op_path path;
	enum alloc_failure *why;
};

/* --- allocation ------------------------------------------------------------------------------- */

static __attribute__((noinline)) void prepare(const struct slab_op *op, uint64_t object)
{
	const struct slab_layout *l = &op->c->layout;
	if (slab_debugged(op->c))
		slab_debug_alloc(op->sa, op->c, op->env, object, op->bytes);
	if (!(op->gfp & __GFP_ZERO))
		return;
	bool guarded = l->flags & CACHE_RED_ZONE && l->flags & CACHE_KMALLOC;
	uint64_t bytes = guarded ? op->bytes : l->object_size_bytes;
	memset(object_bytes(&op->sa->base, object), 0, bytes);
	env_charge_n(op->env, COST_ZERO_LINE, (bytes + 63) / 64);
}

/*
 * The object leaves the allocator's hands. Nothing may synchronise between taking it off its list
 * and this, or it would be in nobody's.
 */
static inline uint64_t hand_out(struct slab_op *op, uint64_t object, enum op_path path)
{
	struct slab_cache *c = op->c;
	if (__builtin_expect(slab_debugged(c) || op->gfp & __GFP_ZERO, 0))
		prepare(op, object);
	c->live_count++;
	c->counters.allocs_count++;
	c->counters.fast_allocs_count += path == PATH_SLAB_FAST;
	c->counters.refills_shared_count += path == PATH_SLAB_SHARED;
	c->counters.refills_node_partial_count += path == PATH_SLAB_NODE_PARTIAL;
	op->path = path;
	return object;
}

/* Move up to a batch of the newest entries. Under the lock of the node. */
static unsigned move_entries(struct slab_array *to, struct slab_array *from, unsigned batch)
{
	unsigned room = to->limit - to->avail;
	unsigned count = (unsigned)u64_min(u64_min(from->avail, batch), room);
	memcpy(to->entries + to->avail, from->entries + from->avail - count,
	       count * sizeof(*to->entries));
	to->avail += count;
	from->avail -= count;
	return count;
}

static inline uint64_t pop(struct slab_op *op, struct slab_array *a, enum op_path path)
{
	if (!a->avail)
		return OBJECT_NONE;
	a->touched = true;
	return hand_out(op, a->entries[--a->avail], path);
}

/* Fill the empty array from its node, or from a new slab of it, and take the newest object. */
static uint64_t refill(struct slab_op *op, struct slab_array *a, unsigned nid, gfp_t grow_gfp)
{
	struct slab_node *n = &op->c->nodes[nid];
	struct env *env = op->env;
	unsigned batch = a->touched ? a->batch : (unsigned)u64_min(a->batch, UNTOUCHED_BATCH);
	env_sync(env);
	if (n->free_objects || n->shared.avail) {
		enum op_path path = PATH_SLAB_SHARED;
		env_lock(env, &n->lock);
		if (move_entries(a, &n->shared, batch)) {
			n->shared.touched = true;
			env_charge(env, COST_LINK);
		} else {
			path = PATH_SLAB_NODE_PARTIAL;
			a->avail = slab_node_take(op->sa, op->c, n, env, a->entries, batch);
		}
		uint64_t object = pop(op, a, path);
		env_unlock(env, &n->lock);
		if (object != OBJECT_NONE)
			return object;
	}
	pfn_t pfn = slab_grow(op->sa, op->c, env, grow_gfp, nid, op->why);
	if (pfn == PFN_NONE)
		return OBJECT_NONE;
	env_lock(env, &n->lock);
	a->avail = slab_add_new(op->sa, op->c, n, env, pfn, a->entries, batch);
	uint64_t object = pop(op, a, PATH_SLAB_NEW);
	env_unlock(env, &n->lock);
	return object;
}

/* One object from the slabs that the node has. */
static uint64_t take_one(struct slab_op *op, unsigned nid)
{
	struct slab_node *n = &op->c->nodes[nid];
	uint64_t object = OBJECT_NONE;
	env_sync(op->env);
	if (!n->free_objects)
		return OBJECT_NONE;
	env_lock(op->env, &n->lock);
	if (slab_node_take(op->sa, op->c, n, op->env, &object, 1))
		hand_out(op, object, PATH_SLAB_NODE_PARTIAL);
	env_unlock(op->env, &n->lock);
	return object;
}

/* One object from a new slab, wherever the page allocator finds it. */
static uint64_t grow_one(struct slab_op *op, unsigned nid, gfp_t gfp)
{
	uint64_t object;
	pfn_t pfn = slab_grow(op->sa, op->c, op->env, gfp, nid, op->why);
	if (pfn == PFN_NONE)
		return OBJECT_NONE;
	struct slab_node *n = &op->c->nodes[slab_nid(op->sa, pfn)];
	env_lock(op->env, &n->lock);
	slab_add_new(op->sa, op->c, n, op->env, pfn, &object, 1);
	hand_out(op, object, PATH_SLAB_NEW);
	env_unlock(op->env, &n->lock);
	return object;
}

static uint64_t take_elsewhere(struct slab_op *op, unsigned nid)
{
	const struct physmem *pm = op->sa->base.pm;
	const struct node *node = &pm->nodes[nid];
	uint64_t object = OBJECT_NONE;
	for (unsigned i = 0; i < node->zonelist_count && object == OBJECT_NONE; i++) {
		unsigned other = pm->zones[node->zonelist[i]].nid;
		if (i >= node->zonelist_own_count &&
		    other != pm->zones[node->zonelist[i - 1]].nid)
			object = take_one(op, other);
	}
	return object != OBJECT_NONE ? object : grow_one(op, nid, op->gfp);
}

/* The array has none. @own: it is this CPU's array that the object would come from. */
static __attribute__((noinline)) uint64_t alloc_slow(struct slab_op *op, unsigned home, bool own)
{
	bool several = op->sa->nodes_count > 1;
	gfp_t gfp = op->gfp;
	/* With other nodes to turn to, the first attempt does not wait for this one. */
	if (several)
		gfp = (gfp | __GFP_THISNODE | __GFP_NOWARN) & ~(__GFP_RECLAIM | __GFP_NOFAIL);
	env_charge(op->env, COST_SLAB_SLOW);
	uint64_t object =
		own ? refill(op, &op->c->arrays[op->env->cpu], home, gfp) : take_one(op, home);
	if (object == OBJECT_NONE && !own)
		object = grow_one(op, home, gfp);
	if (object == OBJECT_NONE && several && !(op->gfp & __GFP_THISNODE))
		object = take_elsewhere(op, home);
	op->c->counters.failed_count += object == OBJECT_NONE;
	if (object != OBJECT_NONE)
		*op->why = ALLOC_OK;
	env_set_path(op->env, op->path);
	return object;
}

static uint64_t slab_alloc(struct object_allocator *oa, struct env *env, struct object_cache *cache,
			   uint64_t bytes, gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct slab_allocator *sa = to_slab(oa);
	struct slab_op op = {sa, to_slab_cache(cache), env, gfp, bytes, PATH_FAILED, why};
	struct slab_array *a = &op.c->arrays[env->cpu];
	unsigned home = sa->node_home[nid];
	bool own = a->limit && home == sa->cpu_home[env->cpu];
	BUG_ON(bytes > op.c->layout.object_size_bytes, "cache %s: %llu bytes asked for", op.c->name,
	       (unsigned long long)bytes);
	*why = ALLOC_OK;
	if (gfp & __GFP_DIRECT_RECLAIM)
		env_might_sleep(env);
	env_charge(env, COST_SLAB_ALLOC);
	if (__builtin_expect(!own || !a->avail, 0))
		return alloc_slow(&op, home, own);
	env_set_path(env, PATH_SLAB_FAST);
	return pop(&op, a, PATH_SLAB_FAST);
}

/* --- free ------------------------------------------------------------------------------------- */

static void remove_oldest(struct slab_array *a, unsigned count)
{
	a->avail -= count;
	memmove(a->entries, a->entries + count, a->avail * sizeof(*a->entries));
}

void slab_array_drain(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		      struct slab_array *a, struct env *env, unsigned count)
{
	env_lock(env, &n->lock);
	count = (unsigned)u64_min(count, a->avail);
	uint32_t doomed = slab_node_put(sa, c, n, env, a->entries, count);
	remove_oldest(a, count);
	env_unlock(env, &n->lock);
	slab_discard(sa, c, env, doomed);
}

/* Make room in the full array: its oldest batch goes to the shared array, or to the slabs. */
static __attribute__((noinline)) void flush(struct slab_op *op, struct slab_array *a,
					    struct slab_node *n)
{
	uint32_t doomed = PAGE_LINK_NONE;
	env_charge(op->env, COST_SLAB_SLOW);
	env_lock(op->env, &n->lock);
	unsigned count = (unsigned)u64_min(a->batch, a->avail);
	unsigned room = n->shared.limit - n->shared.avail;
	if (room) {
		count = (unsigned)u64_min(count, room);
		memcpy(n->shared.entries + n->shared.avail, a->entries,
		       count * sizeof(*a->entries));
		n->shared.avail += count;
		env_charge(op->env, COST_LINK);
		op->path = PATH_SLAB_SHARED;
	} else {
		doomed = slab_node_put(op->sa, op->c, n, op->env, a->entries, count);
		op->path = doomed == PAGE_LINK_NONE ? PATH_SLAB_NODE_PARTIAL : PATH_SLAB_DISCARD;
	}
	remove_oldest(a, count);
	env_unlock(op->env, &n->lock);
	slab_discard(op->sa, op->c, op->env, doomed);
}

/* The object comes into the allocator's hands: see hand_out(). */
static inline void take_back(struct slab_op *op, uint64_t object)
{
	if (__builtin_expect(slab_debugged(op->c), 0))
		slab_debug_free(op->sa, op->c, op->env, object);
	op->c->live_count--;
	op->c->counters.frees_count++;
	op->c->counters.fast_frees_count += op->path == PATH_SLAB_FAST;
}

/* Straight into its slab. */
static __attribute__((noinline)) void put_one(struct slab_op *op, uint64_t object,
					      struct slab_node *n)
{
	env_charge(op->env, COST_SLAB_SLOW);
	env_lock(op->env, &n->lock);
	op->path = PATH_SLAB_NODE_PARTIAL;
	take_back(op, object);
	uint32_t doomed = slab_node_put(op->sa, op->c, n, op->env, &object, 1);
	env_unlock(op->env, &n->lock);
	if (doomed != PAGE_LINK_NONE)
		op->path = PATH_SLAB_DISCARD;
	slab_discard(op->sa, op->c, op->env, doomed);
}

static void slab_free_object(struct object_allocator *oa, struct env *env,
			     struct object_cache *cache, uint64_t paddr)
{
	struct slab_allocator *sa = to_slab(oa);
	struct slab_op op = {
		.sa = sa,
		.c = to_slab_cache(cache),
		.env = env,
		.path = PATH_SLAB_FAST,
	};
	struct slab_array *a = &op.c->arrays[env->cpu];
	pfn_t pfn = slab_first(sa, op.c, paddr >> PAGE_SHIFT);
	unsigned number = pfn == PFN_NONE ? UINT32_MAX : slab_object_number(sa, op.c, pfn, paddr);
	BUG_ON(number >= op.c->layout.objects_count || paddr != slab_object(sa, op.c, pfn, number),
	       "free of %#llx, which is no object of cache %s", (unsigned long long)paddr,
	       op.c->name);
	unsigned nid = slab_nid(sa, pfn);
	env_charge(env, COST_SLAB_FREE);
	if (!a->limit || nid != sa->cpu_home[env->cpu]) {
		put_one(&op, paddr, &op.c->nodes[nid]);
	} else {
		if (a->avail == a->limit)
			flush(&op, a, &op.c->nodes[nid]);
		take_back(&op, paddr);
		a->entries[a->avail++] = paddr;
	}
	env_set_path(env, op.path);
}

/* --- the reaper ------------------------------------------------------------------------------- */

/* A fifth of an array that nobody used since the last visit goes back (drain_array). */
static void reap_array(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		       struct slab_array *a, struct env *env)
{
	if (!a->avail)
		return;
	if (a->touched) {
		a->touched = false;
		return;
	}
	unsigned count = (a->limit + 4) / 5;
	if (count > a->avail)
		count = (a->avail + 1) / 2;
	slab_array_drain(sa, c, n, a, env, count);
}

static void reap_node(struct slab_allocator *sa, struct slab_cache *c, struct slab_node *n,
		      struct env *env)
{
	uint64_t unit = UINT64_C(5) * c->layout.objects_count;
	env_sync(env);
	reap_array(sa, c, n, &n->shared, env);
	env_sync(env);
	if (n->empty_touched || !n->lists[SLAB_EMPTY].count) {
		n->empty_touched = false;
		return;
	}
	env_lock(env, &n->lock);
	uint32_t doomed = slab_node_trim(sa, c, n, env, (n->free_limit + unit - 1) / unit);
	env_unlock(env, &n->lock);
	slab_discard(sa, c, env, doomed);
}

static bool first_of_node(const struct slab_allocator *sa, unsigned cpu)
{
	for (unsigned i = 0; i < cpu; i++) {
		if (sa->cpu_home[i] == sa->cpu_home[cpu])
			return false;
	}
	return true;
}

static void slab_tick(struct object_allocator *oa, struct env *env)
{
	struct slab_allocator *sa = to_slab(oa);
	unsigned home = sa->cpu_home[env->cpu];
	uint64_t ticks = ++sa->ticks_count[env->cpu];
	if (ticks % REAP_TICKS)
		return;
	bool node = ticks % NODE_REAP_TICKS == 0 && first_of_node(sa, env->cpu);
	for (unsigned i = 0; i < sa->caches_count; i++) {
		struct slab_cache *c = sa->caches[i];
		if (!c)
			continue;
		reap_array(sa, c, &c->nodes[home], &c->arrays[env->cpu], env);
		if (node)
			reap_node(sa, c, &c->nodes[home], env);
	}
}

/* --- whose object ----------------------------------------------------------------------------- */

static struct object_cache *slab_cache_of(struct object_allocator *oa, uint64_t paddr,
					  uint64_t *start_paddr)
{
	struct slab_allocator *sa = to_slab(oa);
	pfn_t pfn = paddr >> PAGE_SHIFT;
	if (pfn >= oa->pm->pfn_end || !sa->frames[pfn].cache_id)
		return NULL;
	struct slab_cache *c = sa->caches[sa->frames[pfn].cache_id - 1];
	pfn = slab_first(sa, c, pfn);
	unsigned number = slab_object_number(sa, c, pfn, paddr);
	if (number >= c->layout.objects_count)
		return NULL;
	*start_paddr = slab_object(sa, c, pfn, number);
	return (struct object_cache *)c;
}

const struct object_allocator_ops slab_object_allocator = {
	.name = "slab",
	.summary = "Linux's SLAB until 6.8: slabs, per-CPU arrays of free objects, colouring",
	.new = slab_allocator_new,
	.free = slab_allocator_free,
	.cache_new = slab_cache_new,
	.cache_free = slab_cache_free,
	.cache_at = slab_cache_at,
	.alloc = slab_alloc,
	.free_object = slab_free_object,
	.cache_of = slab_cache_of,
	.shrink = slab_cache_shrink,
	.tick = slab_tick,
	.add_slab = slab_add_slab,
	.walk = slab_walk,
	.check = slab_check,
	.cache_stats = slab_cache_stats,
};
