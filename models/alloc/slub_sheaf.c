/*
 * slub_sheaf.c - sheaves: stocks of single objects before the slabs.
 *
 * Purpose. A CPU's current slab serves a free without a lock only if the object is one of it. A
 * sheaf is an array of objects of any slabs: allocation takes its last one, free puts one behind
 * it. Linux 6.18 has them for caches that ask for them; later kernels for all.
 *
 *   CPU    main sheaf, in use; spare sheaf, if any
 *   node   barn, under a lock: up to 10 full sheaves and 10 empty ones
 *
 * Allocation, main sheaf empty: 1 swap with a spare that has objects; 2 a full sheaf of the barn
 * for the empty one; 3 if the request may wait, a sheaf is filled from the slabs (the spare, an
 * empty one of the barn, or a new one) and the empty one goes to the barn; 4 the slabs.
 *
 * Free, main sheaf full: 1 swap with a spare that has room; 2 without a spare, the full one becomes
 * it, and main is an empty sheaf of the barn or a new one; 3 the full one goes to the barn for an
 * empty or new one; 4 if the barn has 10 full ones, the spare is flushed to the slabs and becomes
 * main, and the full one the spare.
 *
 * Example. Capacity 4, one CPU: the 1st allocation takes 4 objects from the slabs. Freeing 5 fills
 * main, then makes it the spare; the 9th free sends a full sheaf to the barn.
 *
 * Objects in sheaves are in use for their slabs, as slabinfo counts them, but not live. With
 * several nodes, only objects of the CPU's node are freed to sheaves, and requests for other nodes
 * go to the slabs.
 *
 * What a CPU may read. Main and spare are the CPU's. The barn is read and written under its lock.
 * The sheaf that is being filled or flushed is the hand, and an object between it and its slab the
 * transit, so that each object is found somewhere whenever another CPU may run.
 *
 * Cost charged: SLAB_ALLOC and SLAB_FREE as without sheaves; SLAB_SLOW for leaving main and spare,
 * the barn's lock, LINK for each sheaf that changes places there, SLAB_OBJECT for each object
 * between a sheaf and its slab, and what the slabs charge.
 *
 * MODEL: a sheaf takes no simulated memory, so that a new one can always be had, where Linux asks
 * kmalloc and flushes the main sheaf if that fails. A flush frees objects one by one, where Linux
 * frees neighbours of one slab in one step. kfree_rcu() and its sheaf don't exist: objects come
 * back at once. A flush of all CPUs empties all sheaves first, then the slabs of the CPUs.
 */
#include "alloc/slub.h"

#include <stdio.h>
#include <stdlib.h>

#define BARN_FULL_MAX  10
#define BARN_EMPTY_MAX 10
#define CPU_SHEAVES    3 /* main, spare, hand */

/* --- storage ---------------------------------------------------------------------------------- */

static void push(struct sheaf_list *l, struct sheaf *s)
{
	s->next = l->head;
	l->head = s;
	l->count++;
}

static struct sheaf *pop(struct sheaf_list *l)
{
	struct sheaf *s = l->head;
	if (!s)
		return NULL;
	l->head = s->next;
	l->count--;
	return s;
}

/* There are as many as all CPUs and barns can hold. */
static struct sheaf *new_sheaf(struct sheaf_store *st)
{
	struct sheaf *s = pop(&st->unused);
	BUG_ON(!s || s->count, "a cache's sheaves are lost");
	return s;
}

int slub_sheaves_init(struct object_cache *c, unsigned capacity)
{
	const struct slub *sa = c->sa;
	size_t cpus = sa->params.cpus_count, nodes = sa->base.pm->nodes_count;
	size_t sheaves = cpus * CPU_SHEAVES + nodes * (BARN_FULL_MAX + BARN_EMPTY_MAX);
	size_t sheaf_bytes = sizeof(struct sheaf) + capacity * sizeof(uint64_t);
	size_t objects_max = (cpus * CPU_SHEAVES + nodes * BARN_FULL_MAX) * capacity + cpus;
	struct sheaf_store *st = calloc(1, sizeof(*st));
	c->sheaves = st;
	if (!st)
		return -1;
	st->capacity = capacity;
	st->cpus = calloc(cpus, sizeof(*st->cpus));
	st->barns = calloc(nodes, sizeof(*st->barns));
	st->memory = calloc(sheaves, sheaf_bytes);
	st->snapshot = malloc(objects_max * sizeof(*st->snapshot));
	if (!st->cpus || !st->barns || !st->memory || !st->snapshot)
		return -1;
	for (size_t i = sheaves; i-- > 0;)
		push(&st->unused, (struct sheaf *)(void *)(st->memory + i * sheaf_bytes));
	for (size_t cpu = 0; cpu < cpus; cpu++) {
		st->cpus[cpu].main = new_sheaf(st);
		st->cpus[cpu].transit = OBJECT_NONE;
	}
	for (unsigned nid = 0; nid < nodes; nid++)
		snprintf(st->barns[nid].lock.name, sizeof(st->barns[nid].lock.name),
			 "%.14s/barn%u", c->name, nid & (NODES_LIMIT - 1));
	return 0;
}

void slub_sheaves_release(struct object_cache *c)
{
	struct sheaf_store *st = c->sheaves;
	if (!st)
		return;
	free(st->cpus);
	free(st->barns);
	free(st->memory);
	free(st->snapshot);
	free(st);
}

/* --- between sheaves and slabs ---------------------------------------------------------------- */

/* Fill the sheaf in this CPU's hand. False: for want of memory it is not full. */
static bool fill_hand(struct object_cache *c, struct env *env, gfp_t gfp)
{
	struct sheaf_store *st = c->sheaves;
	struct sheaf *hand = st->cpus[env->cpu].hand;
	enum alloc_failure why;
	while (hand->count < st->capacity) {
		uint64_t object = slub_take(c, env, gfp, &why);
		if (object == OBJECT_NONE)
			return false;
		hand->objects[hand->count++] = object;
		env_charge(env, COST_SLAB_OBJECT);
	}
	st->refills_count++;
	return true;
}

/* Give all objects of the sheaf in this CPU's hand back to their slabs, last one first. */
static void flush_hand(struct object_cache *c, struct env *env)
{
	struct sheaf_store *st = c->sheaves;
	struct sheaf_cpu *p = &st->cpus[env->cpu];
	st->flushes_count += p->hand->count ? 1 : 0;
	while (p->hand->count) {
		p->transit = p->hand->objects[--p->hand->count];
		env_charge(env, COST_SLAB_OBJECT);
		slub_give(c, env, p->transit);
	}
}

/* --- allocation ------------------------------------------------------------------------------- */

static void swap_main(struct sheaf_cpu *p)
{
	struct sheaf *full = p->spare;
	p->spare = p->main;
	p->main = full;
}

/* Under the lock: an empty sheaf that nobody needs now. */
static void put_empty(struct sheaf_store *st, struct barn *b, struct sheaf *s)
{
	push(b->empty.count < BARN_EMPTY_MAX ? &b->empty : &st->unused, s);
}

static struct sheaf *get_empty(struct sheaf_store *st, struct barn *b)
{
	return b->empty.count ? pop(&b->empty) : new_sheaf(st);
}

/* Main is empty and the spare no help: get a full one. */
static bool replace_empty(struct object_cache *c, struct env *env, gfp_t gfp)
{
	struct sheaf_store *st = c->sheaves;
	struct sheaf_cpu *p = &st->cpus[env->cpu];
	struct barn *b = &st->barns[c->cpus[env->cpu].home_nid];
	env_charge(env, COST_SLAB_SLOW);
	env_set_path(env, PATH_SLAB_SHARED);
	env_lock(env, &b->lock);
	bool found = b->full.count, may_wait = gfp & __GFP_DIRECT_RECLAIM;
	if (found) {
		env_charge_n(env, COST_LINK, 2);
		struct sheaf *full = pop(&b->full);
		put_empty(st, b, p->main);
		p->main = full;
		st->barn_gets_count++;
	} else if (may_wait) {
		p->hand = p->spare ? p->spare : get_empty(st, b);
		p->spare = NULL;
		env_charge(env, COST_LINK);
	}
	env_unlock(env, &b->lock);
	if (found || !may_wait)
		return found;
	bool filled = fill_hand(c, env, gfp);
	if (!filled)
		flush_hand(c, env);
	env_lock(env, &b->lock);
	env_charge(env, COST_LINK);
	put_empty(st, b, filled ? p->main : p->hand);
	if (filled)
		p->main = p->hand;
	p->hand = NULL;
	env_unlock(env, &b->lock);
	return filled;
}

uint64_t slub_sheaf_alloc(struct object_cache *c, struct env *env, gfp_t gfp, unsigned nid)
{
	const struct slub *sa = c->sa;
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	struct sheaf_cpu *p = &c->sheaves->cpus[env->cpu];
	bool nodes = sa->base.pm->nodes_count > 1, fast = true;
	if (nodes && nid != cpu->home_nid)
		return OBJECT_NONE;
	if (!p->main->count) {
		fast = p->spare && p->spare->count;
		if (fast)
			swap_main(p);
		else if (!replace_empty(c, env, gfp))
			return OBJECT_NONE;
	}
	uint64_t object = p->main->objects[p->main->count - 1];
	if (nodes && (gfp & __GFP_THISNODE) && slab_nid(sa, object >> PAGE_SHIFT) != nid)
		return OBJECT_NONE;
	p->main->count--;
	if (fast)
		env_set_path(env, PATH_SLAB_FAST);
	*(fast ? &cpu->fast_allocs_count : &c->slow_allocs_count) += 1;
	return object;
}

/* --- free ------------------------------------------------------------------------------------- */

/* Main is full and the spare is missing or full, too: get an empty one. */
static void replace_full(struct object_cache *c, struct env *env)
{
	struct sheaf_store *st = c->sheaves;
	struct sheaf_cpu *p = &st->cpus[env->cpu];
	struct barn *b = &st->barns[c->cpus[env->cpu].home_nid];
	env_charge(env, COST_SLAB_SLOW);
	env_set_path(env, PATH_SLAB_SHARED);
	env_lock(env, &b->lock);
	bool room = !p->spare || b->full.count < BARN_FULL_MAX;
	if (room) {
		struct sheaf *empty = get_empty(st, b);
		env_charge(env, COST_LINK);
		if (p->spare) {
			push(&b->full, p->main);
			env_charge(env, COST_LINK);
			st->barn_puts_count++;
		} else {
			p->spare = p->main;
		}
		p->main = empty;
	}
	env_unlock(env, &b->lock);
	if (room)
		return;
	p->hand = p->spare;
	p->spare = NULL;
	flush_hand(c, env);
	p->spare = p->main;
	p->main = p->hand;
	p->hand = NULL;
}

bool slub_sheaf_free(struct object_cache *c, struct env *env, uint64_t object)
{
	struct sheaf_store *st = c->sheaves;
	struct slub_cpu *cpu = &c->cpus[env->cpu];
	struct sheaf_cpu *p = &st->cpus[env->cpu];
	pfn_t pfn = slub_object_slab(c, object);
	if (slab_nid(c->sa, pfn) != cpu->home_nid && c->sa->base.pm->nodes_count > 1)
		return false;
	BUG_ON(c->hardened && p->main->count && p->main->objects[p->main->count - 1] == object,
	       "cache %s: %#llx is freed twice", c->name, (unsigned long long)object);
	bool fast = p->main->count < st->capacity;
	if (!fast) {
		fast = p->spare && p->spare->count < st->capacity;
		if (fast)
			swap_main(p);
		else
			replace_full(c, env);
	}
	p->main->objects[p->main->count++] = object;
	if (fast)
		env_set_path(env, PATH_SLAB_FAST);
	*(fast ? &cpu->fast_frees_count : &c->slow_frees_count) += 1;
	return true;
}

/* --- emptying --------------------------------------------------------------------------------- */

static void flush_sheaf(struct object_cache *c, struct env *env, struct sheaf *s)
{
	struct sheaf_cpu *self = &c->sheaves->cpus[env->cpu];
	self->hand = s;
	flush_hand(c, env);
	push(&c->sheaves->unused, s);
	self->hand = NULL;
}

/* Under the lock: all empty sheaves are dropped; returns a full one, or NULL. */
static struct sheaf *clear_barn(struct sheaf_store *st, struct barn *b)
{
	while (b->empty.count)
		push(&st->unused, pop(&b->empty));
	return pop(&b->full);
}

void slub_sheaves_flush(struct object_cache *c, struct env *env)
{
	struct sheaf_store *st = c->sheaves;
	if (!st)
		return;
	for (unsigned i = 0; i < c->sa->params.cpus_count; i++) {
		struct sheaf_cpu *p = &st->cpus[i];
		struct sheaf *spare = p->spare, *old = p->main;
		p->main = new_sheaf(st);
		flush_sheaf(c, env, old);
		p->spare = NULL;
		if (spare)
			flush_sheaf(c, env, spare);
	}
	for (unsigned nid = 0; nid < c->sa->base.pm->nodes_count; nid++) {
		struct barn *b = &st->barns[nid];
		struct sheaf *full;
		do {
			env_lock(env, &b->lock);
			full = clear_barn(st, b);
			env_unlock(env, &b->lock);
			if (full)
				flush_sheaf(c, env, full);
		} while (full);
	}
}

/* --- questions -------------------------------------------------------------------------------- */

static void note(struct sheaf_store *st, const struct sheaf *s)
{
	for (unsigned i = 0; s && i < s->count; i++)
		st->snapshot[st->snapshot_count++] = s->objects[i];
}

uint64_t slub_sheaves_count(const struct object_cache *c)
{
	const struct sheaf_store *st = c->sheaves;
	uint64_t count = 0;
	for (unsigned i = 0; st && i < c->sa->params.cpus_count; i++) {
		const struct sheaf_cpu *p = &st->cpus[i];
		count += p->main->count + (p->spare ? p->spare->count : 0) +
			 (p->hand ? p->hand->count : 0) + (p->transit != OBJECT_NONE);
	}
	for (unsigned nid = 0; st && nid < c->sa->base.pm->nodes_count; nid++)
		count += (uint64_t)st->barns[nid].full.count * st->capacity;
	return count;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

uint64_t slub_sheaves_snapshot(struct object_cache *c)
{
	struct sheaf_store *st = c->sheaves;
	if (!st)
		return 0;
	st->snapshot_count = 0;
	for (unsigned i = 0; i < c->sa->params.cpus_count; i++) {
		const struct sheaf_cpu *p = &st->cpus[i];
		note(st, p->main);
		note(st, p->spare);
		note(st, p->hand);
		if (p->transit != OBJECT_NONE)
			st->snapshot[st->snapshot_count++] = p->transit;
	}
	for (unsigned nid = 0; nid < c->sa->base.pm->nodes_count; nid++) {
		for (const struct sheaf *s = st->barns[nid].full.head; s; s = s->next)
			note(st, s);
	}
	qsort(st->snapshot, st->snapshot_count, sizeof(st->snapshot[0]), by_address);
	return st->snapshot_count;
}

/* How many of the snapshot lie below @paddr. */
static uint64_t count_below(const struct sheaf_store *st, uint64_t paddr)
{
	uint64_t low = 0, high = st->snapshot_count;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		if (st->snapshot[middle] < paddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

unsigned slub_sheaves_of_slab(const struct object_cache *c, pfn_t pfn, const uint64_t **objects)
{
	const struct sheaf_store *st = c->sheaves;
	if (!st)
		return 0;
	uint64_t bytes = (uint64_t)PAGE_BYTES << slab_order(c, &c->sa->slabs[pfn]);
	uint64_t first = count_below(st, slab_paddr(pfn));
	*objects = &st->snapshot[first];
	return (unsigned)(count_below(st, slab_paddr(pfn) + bytes) - first);
}

static bool list_is_good(const struct sheaf_list *l, unsigned limit, unsigned objects)
{
	unsigned count = 0;
	for (const struct sheaf *s = l->head; s; s = s->next) {
		if (count++ == limit || s->count != objects)
			return false;
	}
	return count == l->count;
}

int slub_sheaves_check(const struct object_cache *c, struct check_report *report)
{
	const struct sheaf_store *st = c->sheaves;
	for (unsigned i = 0; st && i < c->sa->params.cpus_count; i++) {
		const struct sheaf_cpu *p = &st->cpus[i];
		if (p->main && p->main->count <= st->capacity &&
		    (!p->spare || p->spare->count <= st->capacity) &&
		    (!p->hand || p->hand->count <= st->capacity))
			continue;
		snprintf(report->text, sizeof(report->text),
			 "S9: cache %s: CPU %u has no sheaf, or one of more than %u objects",
			 c->name, i, st->capacity);
		return -1;
	}
	for (unsigned nid = 0; st && nid < c->sa->base.pm->nodes_count; nid++) {
		const struct barn *b = &st->barns[nid];
		if (list_is_good(&b->full, BARN_FULL_MAX, st->capacity) &&
		    list_is_good(&b->empty, BARN_EMPTY_MAX, 0))
			continue;
		snprintf(report->text, sizeof(report->text),
			 "S9: cache %s: the barn of node %u counts %u full sheaves and %u empty "
			 "ones, and finds others",
			 c->name, nid, b->full.count, b->empty.count);
		return -1;
	}
	return 0;
}
