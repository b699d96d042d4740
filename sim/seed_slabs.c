/*
 * seed_slabs.c - the slabs of a recorded machine: see seed_slabs.h.
 *
 * slabinfo counts slabs, objects and active objects of every cache; it does not say where slabs
 * are, nor which objects are free. The trace that follows names addresses, and an address of a
 * known cache tells its slab: the block of the cache's order around it. So, cache by cache:
 *
 * 1. Slabs that the trace names stand where they were. An object whose first event is an
 *    allocation was free, one whose first event is a free was live; what the trace never names
 *    counts as live.
 * 2. The slab that a CPU allocates from first was its current one. Of the other slabs with free
 *    objects, as many as slabinfo counts free objects on node lists are on the node's list, last
 *    used first chosen, and the rest on the partial list of the CPU that used them first.
 * 3. Slabs that slabinfo counts and the trace never names are put where memory is in use that
 *    nobody owns, in pageblocks of unmovable and reclaimable memory first. Free objects that are
 *    still missing on node lists go there, half a slab each.
 *
 * So every cache starts with the recorded numbers of slabs and objects, and the slabs that matter
 * to the trace are as it needs them.
 *
 * If slabs cannot be placed (no slabinfo, another allocator, another size of slabs by
 * configuration), objects that the trace frees are allocated from the simulated caches before the
 * start instead, and nothing else is there.
 *
 * MODEL: steps 2 and 3 are the likeliest state where the recording is silent; sheaves, where 6.18
 * keeps free objects of two caches, do not exist here.
 */
#include "sim/seed_slabs.h"

#include <stdlib.h>
#include <string.h>

#include "kern/pfnset.h"
#include "sim/slab_evidence.h"

#define BITS_WORDS(n) (((n) + 63) / 64)

/* A slab that the trace names. */
struct seen_slab {
	pfn_t pfn;
	unsigned slot;            /* of its cache */
	unsigned free_count;
	uint32_t first_alloc_seq; /* of its objects' */
	uint16_t first_alloc_cpu;
	enum slab_place place;
	uint64_t first_place, places_count; /* of seeder.order */
};

struct cache_plan {
	struct object_cache *cache;
	struct object_cache_stats stats;
	const struct truth_cache *row;
	bool placed;              /* slabs can be put where they were */
	uint64_t seen_slabs, missing_slabs;
	uint64_t missing_free;    /* free objects on node lists that no seen slab has */
};

struct seeder {
	struct machine *m;
	struct object_stack *stack;
	const struct truth *truth;
	const struct trace *trace;
	struct start_report *report;
	struct err *err;
	struct slab_evidence evidence;
	struct cache_plan *plans;  /* by slot */
	struct u64map slab_at;     /* first pfn -> index of seen slab */
	struct seen_slab *slabs;
	uint64_t slabs_count, slabs_room;
	uint64_t *order;           /* places, sorted by slab */
	struct pfnset taken;       /* pages that must not become slabs */
	uint64_t *bits;            /* free map of one slab */
	pfn_t cursor[2];           /* step 3: by pass */
};

static int no_memory(struct seeder *s)
{
	return err_set(s->err, ERR_IO, "out of memory for the recorded slabs");
}

/* --- caches ----------------------------------------------------------------------------------- */

static uint64_t slab_pages(const struct cache_plan *p)
{
	return UINT64_C(1) << p->stats.slab_order;
}

static int plan_caches(struct seeder *s)
{
	const struct object_allocator_ops *ops = s->stack->oa->ops;
	s->plans = calloc(s->stack->slots_count, sizeof(*s->plans));
	if (!s->plans)
		return no_memory(s);
	for (unsigned slot = 1; slot < s->stack->slots_count; slot++) {
		struct cache_plan *p = &s->plans[slot];
		p->cache = s->stack->slots[slot].cache;
		ops->cache_stats(s->stack->oa, p->cache, &p->stats);
		p->row = s->truth ? truth_cache_find(s->truth, 0, p->stats.name) : NULL;
		if (!p->row)
			continue;
		p->placed = ops->add_slab && p->row->size_bytes == p->stats.size_bytes &&
			    p->row->objects_per_slab == p->stats.objects_per_slab &&
			    p->row->pages_per_slab == slab_pages(p);
		s->report->caches_recorded++;
		s->report->caches_other_layout += !p->placed;
	}
	return 0;
}

/* --- 1. slabs that the trace names ------------------------------------------------------------ */

static pfn_t slab_base(const struct cache_plan *p, uint64_t paddr)
{
	return (paddr >> PAGE_SHIFT) & ~(slab_pages(p) - 1);
}

/* The index of the object at @paddr in its slab, or -1 if none begins there. */
static int64_t object_index(const struct cache_plan *p, uint64_t paddr)
{
	uint64_t offset = paddr - (slab_base(p, paddr) << PAGE_SHIFT);
	uint64_t index = offset / p->stats.size_bytes;
	return offset % p->stats.size_bytes == 0 && index < p->stats.objects_per_slab
		       ? (int64_t)index
		       : -1;
}

/* May the block at @pfn be an old slab: used, and by nobody the simulation knows? */
static bool is_usable(struct seeder *s, pfn_t pfn, unsigned order)
{
	if (!physmem_has_block(&s->m->pm, pfn, order) ||
	    s->m->pa->ops->knows(s->m->pa, pfn, order))
		return false;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		if (pfnset_has(&s->taken, p))
			return false;
	}
	return true;
}

static struct seen_slab *new_slab(struct seeder *s, pfn_t pfn, unsigned slot)
{
	if (s->slabs_count == s->slabs_room) {
		uint64_t room = s->slabs_room ? 2 * s->slabs_room : 256;
		struct seen_slab *grown = reallocarray(s->slabs, room, sizeof(*grown));
		if (!grown)
			return NULL;
		s->slabs = grown;
		s->slabs_room = room;
	}
	if (pfnset_add(&s->taken, pfn, slab_pages(&s->plans[slot])) < 0 ||
	    u64map_put(&s->slab_at, pfn, s->slabs_count) != 0)
		return NULL;
	struct seen_slab *slab = &s->slabs[s->slabs_count++];
	*slab = (struct seen_slab){
		.pfn = pfn,
		.slot = slot,
		.first_alloc_seq = EVIDENCE_NEVER,
		.place = SLAB_UNLISTED,
	};
	s->plans[slot].seen_slabs++;
	return slab;
}

/* The seen slab that place @p lies in; NULL in *@slab if there can be none. -1 without memory. */
static int slab_of_place(struct seeder *s, const struct place *p, struct seen_slab **slab)
{
	*slab = NULL;
	if (!p->cache)
		return 0;
	unsigned slot = object_stack_slot(s->stack, p->cache);
	struct cache_plan *plan = &s->plans[slot];
	if (!plan->placed || object_index(plan, p->paddr) < 0)
		return 0;
	pfn_t base = slab_base(plan, p->paddr);
	const uint64_t *known = u64map_get(&s->slab_at, base);
	if (known) {
		*slab = s->slabs[*known].slot == slot ? &s->slabs[*known] : NULL;
		return 0;
	}
	if (plan->seen_slabs == plan->row->slabs_count ||
	    !is_usable(s, base, plan->stats.slab_order))
		return 0;
	*slab = new_slab(s, base, slot);
	return *slab ? 0 : no_memory(s);
}

static void note_in_slab(struct seen_slab *slab, const struct place *p)
{
	slab->places_count++;
	slab->free_count += !p->live;
	if (p->first_alloc_seq < slab->first_alloc_seq) {
		slab->first_alloc_seq = p->first_alloc_seq;
		slab->first_alloc_cpu = p->first_alloc_cpu;
	}
}

/* kfree does not tell a cache, but another object of the slab may have. */
static void find_lost_cache(struct seeder *s, struct place *p)
{
	for (unsigned order = 0; order <= s->m->pm.max_order && !p->cache; order++) {
		pfn_t base = (p->paddr >> PAGE_SHIFT) & ~((UINT64_C(1) << order) - 1);
		const uint64_t *known = u64map_get(&s->slab_at, base);
		if (known && s->plans[s->slabs[*known].slot].stats.slab_order == order)
			p->cache = s->plans[s->slabs[*known].slot].cache;
	}
}

/* Two passes, since the first finds what the second needs; then places are sorted by slab. */
static int find_slabs(struct seeder *s)
{
	struct slab_evidence *e = &s->evidence;
	struct seen_slab *slab;
	for (uint64_t i = 0; i < e->count; i++) {
		if (slab_of_place(s, &e->places[i], &slab) != 0)
			return -1;
	}
	for (uint64_t i = 0; i < e->count; i++) {
		find_lost_cache(s, &e->places[i]);
		if (slab_of_place(s, &e->places[i], &slab) != 0)
			return -1;
		if (slab)
			note_in_slab(slab, &e->places[i]);
	}
	s->order = malloc((e->count + 1) * sizeof(*s->order));
	if (!s->order)
		return no_memory(s);
	uint64_t next = 0;
	for (uint64_t i = 0; i < s->slabs_count; i++) {
		s->slabs[i].first_place = next;
		next += s->slabs[i].places_count;
		s->slabs[i].places_count = 0;
	}
	for (uint64_t i = 0; i < e->count; i++) {
		if (slab_of_place(s, &e->places[i], &slab) != 0)
			return -1;
		if (slab)
			s->order[slab->first_place + slab->places_count++] = i;
	}
	return 0;
}

/* --- 2. on which list they stand -------------------------------------------------------------- */

static int compare_by_use(const void *a, const void *b)
{
	const struct seen_slab *x = a, *y = b;
	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (x->first_alloc_seq != y->first_alloc_seq)
		return x->first_alloc_seq < y->first_alloc_seq ? -1 : 1;
	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/* The slabs of one cache, @first to @end (exclusive), are in order of first use. */
static void choose_places(struct seeder *s, struct cache_plan *plan, uint64_t first, uint64_t end)
{
	bool has_current[CPUS_LIMIT] = {false};
	uint64_t on_node = plan->row->objects_count - plan->row->active_count;
	for (uint64_t i = first; i < end; i++) {
		struct seen_slab *slab = &s->slabs[i];
		unsigned cpu = slab->first_alloc_cpu % s->m->cpus_count;
		if (!slab->free_count)
			continue;
		slab->place = SLAB_CPU_PARTIAL;
		if (!has_current[cpu])
			slab->place = SLAB_CPU_CURRENT;
		has_current[cpu] = true;
	}
	for (uint64_t i = end; i-- > first;) {
		struct seen_slab *slab = &s->slabs[i];
		if (slab->place == SLAB_CPU_PARTIAL && slab->free_count <= on_node) {
			slab->place = SLAB_NODE_PARTIAL;
			on_node -= slab->free_count;
		}
	}
	plan->missing_free = on_node;
}

static void choose_all_places(struct seeder *s)
{
	if (s->slabs_count) /* the array is NULL otherwise, which qsort() does not take */
		qsort(s->slabs, s->slabs_count, sizeof(*s->slabs), compare_by_use);
	for (unsigned slot = 0; slot < s->stack->slots_count; slot++) {
		struct cache_plan *plan = &s->plans[slot];
		if (plan->placed)
			plan->missing_free = plan->row->objects_count - plan->row->active_count;
	}
	for (uint64_t first = 0, end; first < s->slabs_count; first = end) {
		for (end = first;
		     end < s->slabs_count && s->slabs[end].slot == s->slabs[first].slot;)
			end++;
		choose_places(s, &s->plans[s->slabs[first].slot], first, end);
	}
}

/* --- into the caches -------------------------------------------------------------------------- */

/* @plan's cache has a further slab, of which s->bits tells the @free_count free objects. */
static void add_slab(struct seeder *s, struct cache_plan *plan, pfn_t pfn, unsigned free_count,
		     enum slab_place place, unsigned cpu)
{
	struct object_stack *stack = s->stack;
	unsigned slot = object_stack_slot(stack, plan->cache);
	stack->oa->ops->add_slab(stack->oa, plan->cache, pfn, s->bits, place,
				 place == SLAB_CPU_CURRENT || place == SLAB_CPU_PARTIAL ? (int)cpu
											: -1);
	stack->slots[slot].live_requested_bytes +=
		(plan->stats.objects_per_slab - free_count) * plan->stats.object_size_bytes;
}

static int add_seen_slab(struct seeder *s, const struct seen_slab *slab)
{
	struct cache_plan *plan = &s->plans[slab->slot];
	memset(s->bits, 0, BITS_WORDS(plan->stats.objects_per_slab) * sizeof(*s->bits));
	for (uint64_t i = 0; i < slab->places_count; i++) {
		const struct place *p = &s->evidence.places[s->order[slab->first_place + i]];
		uint64_t index = (uint64_t)object_index(plan, p->paddr);
		if (!p->live)
			s->bits[index / 64] |= UINT64_C(1) << (index % 64);
		else if (p->freed &&
			 u64map_put(&s->stack->start_objects, p->paddr, p->paddr) != 0)
			return no_memory(s);
	}
	add_slab(s, plan, slab->pfn, slab->free_count, slab->place,
		 slab->first_alloc_cpu % s->m->cpus_count);
	s->report->slabs_placed++;
	return 0;
}

static bool is_kernel_block(const struct seeder *s, pfn_t pfn)
{
	enum migratetype mt = pageblock_type(&s->m->pm, pfn);
	return mt == MIGRATE_UNMOVABLE || mt == MIGRATE_RECLAIMABLE;
}

/*
 * The next place for a slab of @order that nobody needs: the first pass looks at pageblocks of
 * kernel memory, the second at the others. PFN_NONE: there is none left.
 */
static pfn_t find_room(struct seeder *s, unsigned order)
{
	uint64_t step = UINT64_C(1) << order, block = pageblock_pages(&s->m->pm);
	for (unsigned pass = 0; pass < 2; pass++) {
		pfn_t pfn = (s->cursor[pass] + step - 1) & ~(step - 1);
		while (pfn + step <= s->m->pm.pfn_end) {
			if (!(pfn & (block - 1)) && is_kernel_block(s, pfn) != (pass == 0)) {
				pfn += block;
				continue;
			}
			if (is_usable(s, pfn, order)) {
				s->cursor[pass] = pfn + step;
				return pfn;
			}
			pfn += step;
		}
		s->cursor[pass] = s->m->pm.pfn_end;
	}
	return PFN_NONE;
}

/* Step 3 for one cache. */
static int add_missing_slabs(struct seeder *s, struct cache_plan *plan)
{
	uint64_t missing = plan->missing_slabs, n = plan->stats.objects_per_slab;
	uint64_t half = n > 1 ? n / 2 : 1;
	uint64_t each = missing ? u64_max(half, (plan->missing_free + missing - 1) / missing) : 0;
	each = u64_min(each, n);
	for (uint64_t i = 0; i < missing; i++) {
		pfn_t pfn = find_room(s, plan->stats.slab_order);
		if (pfn == PFN_NONE) {
			s->report->slabs_missing += missing - i;
			return 0;
		}
		unsigned free_count = (unsigned)u64_min(each, plan->missing_free);
		plan->missing_free -= free_count;
		memset(s->bits, 0, BITS_WORDS(n) * sizeof(*s->bits));
		for (unsigned k = 0; k < free_count; k++)
			s->bits[k / 64] |= UINT64_C(1) << (k % 64);
		if (pfnset_add(&s->taken, pfn, slab_pages(plan)) < 0)
			return no_memory(s);
		add_slab(s, plan, pfn, free_count,
			 free_count ? SLAB_NODE_PARTIAL : SLAB_UNLISTED, 0);
		s->report->slabs_assumed++;
	}
	return 0;
}

/* Large slabs first, while there are places for them. */
static int add_all_missing(struct seeder *s)
{
	for (int order = (int)s->m->pm.max_order; order >= 0; order--) {
		s->cursor[0] = s->cursor[1] = 0;
		for (unsigned slot = 1; slot < s->stack->slots_count; slot++) {
			struct cache_plan *plan = &s->plans[slot];
			if (!plan->placed || plan->stats.slab_order != (unsigned)order)
				continue;
			plan->missing_slabs = plan->row->slabs_count - plan->seen_slabs;
			if (add_missing_slabs(s, plan) != 0)
				return -1;
		}
	}
	return 0;
}

/* --- objects without a recorded slab ---------------------------------------------------------- */

static int make_object(struct seeder *s, struct env *env, const struct place *p)
{
	struct object_stack *stack = s->stack;
	unsigned slot = object_stack_slot(stack, p->cache);
	uint64_t bytes = s->plans[slot].stats.object_size_bytes;
	enum alloc_failure why;
	uint64_t paddr = stack->oa->ops->alloc(stack->oa, env, p->cache, bytes, GFP_KERNEL,
					       s->m->cpu_nid[env->cpu], &why);
	if (paddr == OBJECT_NONE)
		return 0;
	if (u64map_put(&stack->start_objects, p->paddr, paddr) != 0)
		return no_memory(s);
	stack->slots[slot].live_requested_bytes += bytes;
	s->report->objects_made++;
	return 0;
}

static int make_objects(struct seeder *s)
{
	static const uint32_t no_costs[COST_KINDS];
	struct env env = {.cost_cycles = no_costs};
	for (uint64_t i = 0; i < s->evidence.count; i++) {
		const struct place *p = &s->evidence.places[i];
		if (!p->freed || !p->cache || u64map_get(&s->stack->start_objects, p->paddr))
			continue;
		if (make_object(s, &env, p) != 0)
			return -1;
	}
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Pages that the trace, if there is one, frees as pages can't have been slabs. */
static int take_pages(struct seeder *s)
{
	for (uint64_t i = 0; s->trace && i < s->trace->preexisting_count; i++) {
		const struct trace_block *b = &s->trace->preexisting[i];
		if (pfnset_add(&s->taken, b->pfn, UINT64_C(1) << b->order) < 0)
			return no_memory(s);
	}
	return 0;
}

static int seed(struct seeder *s, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t most = 1;
	if (plan_caches(s) != 0 || slab_evidence_collect(&s->evidence, s->trace, start_ns, end_ns,
							 s->stack, s->err) != 0)
		return -1;
	for (unsigned slot = 0; slot < s->stack->slots_count; slot++)
		most = u64_max(most, s->plans[slot].stats.objects_per_slab);
	s->bits = malloc(BITS_WORDS(most) * sizeof(*s->bits));
	if (!s->bits || pfnset_init(&s->taken) != 0)
		return no_memory(s);
	if (find_slabs(s) != 0)
		return -1;
	choose_all_places(s);
	for (uint64_t i = 0; i < s->slabs_count; i++) {
		if (add_seen_slab(s, &s->slabs[i]) != 0)
			return -1;
	}
	if (take_pages(s) != 0 || add_all_missing(s) != 0)
		return -1;
	return make_objects(s);
}

int seed_slabs(struct machine *m, const struct truth *truth, const struct trace *trace,
	       uint64_t start_ns, uint64_t end_ns, struct start_report *report, struct err *err)
{
	struct seeder s = {
		.m = m,
		.stack = &m->objects,
		.truth = truth,
		.trace = trace,
		.report = report,
		.err = err,
	};
	int rc = seed(&s, start_ns, end_ns);
	slab_evidence_release(&s.evidence);
	u64map_release(&s.slab_at);
	pfnset_release(&s.taken);
	free(s.plans);
	free(s.slabs);
	free(s.order);
	free(s.bits);
	return rc;
}
