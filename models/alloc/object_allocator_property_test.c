/*
 * Random histories of every registered object allocator and of kmalloc over it, against a record
 * of who holds which byte.
 *
 * A seed decides everything: the machine, the allocator's parameters, size classes, six caches of
 * random sizes, alignments, flags and constructors, and which kinds of operation the history may
 * hold (swarm testing). Phases of growth alternate with phases of shrinking; small machines run out
 * of memory.
 *
 * What has to hold: live objects don't overlap, are aligned, lie where the request allows, and keep
 * their bytes while others come and go; new ones are zero if asked for, or as constructed; an
 * object is found by any address inside it; counters and walks tell the truth; at the end every
 * page is back.
 *
 * A history that fails is cut down: pieces are left out as long as it still fails. One line is
 * printed, with the seed that replays it and the operations that are left:
 *
 *   ALLOCSIM_SEED=17 object_allocator_property_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_oracle.h"
#include "kern/bug.h"
#include "kern/rng.h"

#define SEEDS      150
#define OPS_MAX    1200
#define CHECK_EACH 64
#define SLOTS      6

enum kind {
	KIND_ALLOC,
	KIND_KMALLOC,
	KIND_FREE,
	KIND_SHRINK,
	KIND_TICK,
	KIND_DESTROY, /* free a cache; its objects are freed first, or it has to stay */
};

struct op {
	uint8_t kind, cpu, nid, slot;
	gfp_t gfp;
	uint32_t bytes;
	uint32_t pick; /* which live object, modulo their number */
};

struct history {
	uint64_t seed;
	struct op_params machine;
	struct object_allocator_params params;
	struct object_cache_params caches[SLOTS];
	char names[SLOTS][16];
	const uint32_t *classes_bytes;
	unsigned classes_count;
	struct op ops[OPS_MAX];
	size_t count;
};

/* --- from a seed to a history ----------------------------------------------------------------- */

static const struct zone_span spans_one[] = {{ZONE_NORMAL, 0, 0, 2048, 2048}};
static const struct zone_span spans_small[] = {{ZONE_NORMAL, 0, 0, 300, 300}};
static const struct zone_span spans_dma[] = {
	{ZONE_DMA, 0, 1, 512, 511},
	{ZONE_NORMAL, 0, 512, 2048, 1536},
};
static const struct zone_span spans_nodes[] = {
	{ZONE_DMA32, 0, 0, 512, 512},
	{ZONE_NORMAL, 0, 512, 1024, 512},
	{ZONE_NORMAL, 1, 1024, 2048, 1024},
};
static const struct zone_span spans_four[] = {
	{ZONE_NORMAL, 0, 0, 512, 512},
	{ZONE_NORMAL, 1, 512, 1024, 500},
	{ZONE_NORMAL, 2, 1024, 1536, 512},
	{ZONE_NORMAL, 3, 1536, 2048, 512},
};
static const uint64_t ring[16] = { /* to itself, to its neighbours, across */
	10, 16, 22, 16, //
	16, 10, 16, 22, //
	22, 16, 10, 16, //
	16, 22, 16, 10, //
};

static const struct {
	const struct zone_span *spans;
	unsigned count, nodes;
	bool dma;
} machines[] = {
	{spans_one, 1, 1, false},
	{spans_small, 1, 1, false},
	{spans_dma, 2, 1, true},
	{spans_nodes, 3, 2, false},
	{spans_four, 4, 4, false},
};

static const uint32_t classes_few[] = {8, 24, 40, 64};
static const uint32_t classes_odd[] = {48, 200, 1000, 5000, 20000};
static const struct {
	const uint32_t *bytes;
	unsigned count;
} class_sets[] = {{NULL, 0}, {NULL, 0}, {classes_few, 4}, {classes_odd, 5}};

static bool coin(struct rng *r)
{
	return rng_u64(r) >> 63;
}

/* 1 .. 2^bits, small numbers as likely as large ones. */
static uint64_t any_size(struct rng *r, unsigned bits)
{
	return 1 + rng_below(r, UINT64_C(1) << rng_below(r, bits + 1));
}

static void construct(void *object, uint64_t object_size_bytes)
{
	uint8_t *b = object;
	for (uint64_t i = 0; i < object_size_bytes; i++)
		b[i] = (uint8_t)(0xc0 + i % 11);
}

static size_t draw_machine(struct history *h, struct rng *r)
{
	size_t m = rng_below(r, ARRAY_SIZE(machines));
	h->machine = (struct op_params){
		.spans = machines[m].spans,
		.spans_count = machines[m].count,
		.max_order = 6 + (unsigned)rng_below(r, 3),
		.pageblock_order = 5,
		.min_free_kbytes = coin(r) ? rng_below(r, 200) : 0,
		.cpus_count = 1 + (unsigned)rng_below(r, OP_CPUS),
		.pcp = {.enabled = coin(r), .batch_pages = 1 + rng_below(r, 15)},
	};
	h->machine.pcp.high_min_pages = h->machine.pcp.high_max_pages = rng_below(r, 60);
	for (unsigned i = 0; i < OP_CPUS; i++)
		h->machine.cpu_nid[i] = i % machines[m].nodes;
	if (machines[m].nodes == 4 && coin(r)) {
		h->machine.distances = ring;
		h->machine.distances_nodes = 4;
	}
	object_params_init(&h->params);
	h->params.remote_node_defrag_ratio = coin(r) ? 100 : (unsigned)rng_below(r, 101);
	h->params.seed = rng_u64(r);
	h->params.merge = coin(r);
	h->params.min_order = rng_below(r, 4) == 0;
	h->params.max_order = h->params.min_order + (unsigned)rng_below(r, 4);
	h->params.min_objects = coin(r) ? SLAB_AUTO : 1 + rng_below(r, 40);
	h->params.cpu_partial_objects = coin(r) ? SLAB_AUTO : rng_below(r, 60);
	h->params.min_partial_slabs = coin(r) ? SLAB_AUTO : rng_below(r, 8);
	h->params.freelist_random = coin(r);
	h->params.freelist_hardened = coin(r);
	h->params.debug_flags = rng_below(r, 4) ? 0 : CACHE_RED_ZONE | CACHE_POISON;
	size_t classes = rng_below(r, ARRAY_SIZE(class_sets));
	h->classes_bytes = class_sets[classes].bytes;
	h->classes_count = class_sets[classes].count;
	return m;
}

static void draw_caches(struct history *h, struct rng *r, bool dma)
{
	static const unsigned some_flags[] = {
		CACHE_RECLAIM_ACCOUNT, CACHE_ACCOUNT,  CACHE_HWCACHE_ALIGN, CACHE_TYPESAFE_BY_RCU,
		CACHE_NO_MERGE,        CACHE_RED_ZONE, CACHE_POISON,
	};
	for (unsigned i = 0; i < SLOTS; i++) {
		struct object_cache_params *c = &h->caches[i];
		snprintf(h->names[i], sizeof(h->names[i]), "cache-%u", i);
		*c = (struct object_cache_params){
			.name = h->names[i],
			.object_size_bytes = any_size(r, 13),
			.align_bytes = coin(r) ? 0 : UINT64_C(1) << rng_below(r, 13),
			.ctor = rng_below(r, 4) ? NULL : construct,
			.sheaf_capacity = coin(r) ? 0 : 1 + (unsigned)rng_below(r, 40),
		};
		for (size_t f = 0; f < ARRAY_SIZE(some_flags); f++)
			c->flags |= rng_below(r, 5) ? 0 : some_flags[f];
		c->flags |= dma && !rng_below(r, 5) ? CACHE_DMA : 0u;
	}
}

/* Which kinds of operation this history may hold. */
struct swarm {
	unsigned cpus, nodes, slots;                        /* how many of each are used */
	unsigned alloc_weight, kmalloc_weight, rare_weight; /* of 100 */
	unsigned kmalloc_bits, phase;
	gfp_t extras;
};

static gfp_t draw_gfp(struct rng *r, const struct swarm *s)
{
	static const gfp_t bases[] = {GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT, GFP_NOFS};
	gfp_t gfp = bases[rng_below(r, ARRAY_SIZE(bases))];
	for (unsigned bit = 0; bit < 32; bit++)
		gfp |= s->extras >> bit & 1 && !rng_below(r, 4) ? GFP_BIT(bit) : 0;
	return gfp;
}

static struct op draw_op(struct rng *r, const struct swarm *s, size_t i)
{
	/* Phases: mostly allocations, then mostly frees. */
	bool growing = i / s->phase % 2 == 0;
	unsigned weight = growing ? s->alloc_weight : 100 - s->alloc_weight;
	struct op op = {
		.kind = KIND_FREE,
		.cpu = (uint8_t)rng_below(r, s->cpus),
		.nid = (uint8_t)rng_below(r, s->nodes),
		.slot = (uint8_t)rng_below(r, s->slots),
		.gfp = draw_gfp(r, s),
		.bytes = (uint32_t)any_size(r, s->kmalloc_bits),
		.pick = (uint32_t)rng_u64(r),
	};
	if (rng_below(r, 1000) < s->rare_weight)
		op.kind = KIND_SHRINK + (uint8_t)rng_below(r, 3);
	else if (rng_below(r, 100) < weight)
		op.kind = rng_below(r, 100) < s->kmalloc_weight ? KIND_KMALLOC : KIND_ALLOC;
	if (op.kind == KIND_KMALLOC && !rng_below(r, 100))
		op.bytes = 0;
	return op;
}

static void draw_history(struct history *h, uint64_t seed)
{
	struct rng r;
	rng_init(&r, seed, 0);
	memset(h, 0, sizeof(*h));
	h->seed = seed;
	size_t m = draw_machine(h, &r);
	draw_caches(h, &r, machines[m].dma);
	struct swarm s = {
		.cpus = h->machine.cpus_count,
		.nodes = machines[m].nodes,
		.slots = 1 + (unsigned)rng_below(&r, SLOTS),
		.alloc_weight = 55 + (unsigned)rng_below(&r, 45),
		.kmalloc_weight = coin(&r) ? (unsigned)rng_below(&r, 101) : 0,
		.rare_weight = coin(&r) ? (unsigned)rng_below(&r, 60) : 0,
		.kmalloc_bits = coin(&r) ? 10 : 19,
		.phase = 50 + (unsigned)rng_below(&r, 500),
	};
	s.extras = __GFP_ZERO | __GFP_RECLAIMABLE | __GFP_ACCOUNT;
	s.extras |= machines[m].dma ? __GFP_DMA : 0;
	s.extras |= machines[m].nodes > 1 ? __GFP_THISNODE : 0;
	s.extras &= (gfp_t)rng_u64(&r);
	h->count = OPS_MAX / 2 + rng_below(&r, OPS_MAX / 2);
	for (size_t i = 0; i < h->count; i++)
		h->ops[i] = draw_op(&r, &s, i);
}

/* --- running one ------------------------------------------------------------------------------ */

struct run {
	struct object_machine om;
	struct object_oracle oracle;
	struct object_cache *caches[SLOTS];
};

/* Debug flags that the allocator does not have are left out. */
static struct object_cache *make_cache(struct run *run, const struct object_cache_params *params)
{
	struct object_allocator *oa = run->om.oa;
	struct object_cache_params p = *params;
	struct err err = {0};
	struct object_cache *cache = oa->ops->cache_new(oa, &p, &err);
	if (!cache && err.code == ERR_CONFIG) {
		p.flags &= ~(unsigned)(CACHE_RED_ZONE | CACHE_POISON);
		err = (struct err){0};
		cache = oa->ops->cache_new(oa, &p, &err);
	}
	if (!cache)
		fail_msg("%s", err.text);
	return cache;
}

static int run_alloc(struct run *run, const struct history *h, const struct op *op)
{
	const struct object_cache_params *p = &h->caches[op->slot];
	struct object_allocator *oa = run->om.oa;
	enum alloc_failure why = ALLOC_FAILURES;
	gfp_t gfp = op->gfp & ~(__GFP_DMA | (p->ctor ? __GFP_ZERO : 0));
	const struct oracle_request r = {
		.bytes = p->object_size_bytes,
		.align_bytes = p->align_bytes > 8 ? p->align_bytes : 8,
		.gfp = gfp | (p->flags & CACHE_DMA ? __GFP_DMA : 0),
		.nid = op->nid,
		.cache = run->caches[op->slot],
		.ctor = p->ctor,
		.slot = op->slot,
	};
	uint64_t paddr =
		oa->ops->alloc(oa, &run->om.m.env[op->cpu], r.cache, r.bytes, gfp, op->nid, &why);
	if (paddr == OBJECT_NONE)
		return object_oracle_failure(&run->oracle, &r, why);
	return object_oracle_take(&run->oracle, &r, paddr);
}

/* Sizes that are powers of two are aligned to themselves, as far as their class is. */
static uint64_t kmalloc_align(const struct object_cache *cache, struct run *run, uint64_t bytes)
{
	struct object_cache_stats st;
	if (!cache)
		return PAGE_BYTES;
	run->om.oa->ops->cache_stats(run->om.oa, (struct object_cache *)(uintptr_t)cache, &st);
	uint64_t class = st.object_size_bytes & -st.object_size_bytes;
	uint64_t own = bytes & (bytes - 1) ? 8 : u64_min(bytes, PAGE_BYTES);
	return u64_max(8, u64_min(own, class));
}

static int run_kmalloc(struct run *run, const struct op *op)
{
	struct kmalloc *km = &run->om.km;
	enum alloc_failure why = ALLOC_FAILURES;
	struct object_cache *cache = kmalloc_cache(km, op->bytes, op->gfp);
	const struct oracle_request r = {
		.bytes = op->bytes,
		.align_bytes = kmalloc_align(cache, run, op->bytes),
		.gfp = op->gfp,
		.nid = op->nid,
		.cache = cache,
		.by_kmalloc = true,
		.slot = SLOTS,
	};
	uint64_t paddr =
		kmalloc_alloc(km, &run->om.m.env[op->cpu], op->bytes, op->gfp, op->nid, &why);
	if (paddr == OBJECT_NONE)
		return object_oracle_failure(&run->oracle, &r, why);
	return object_oracle_take(&run->oracle, &r, paddr);
}

/* A cache with live objects has to stay; then they are freed, and it has to go. */
static int run_destroy(struct run *run, const struct history *h, const struct op *op)
{
	struct object_oracle *o = &run->oracle;
	struct object_allocator *oa = run->om.oa;
	struct env *env = &run->om.m.env[op->cpu];
	struct object_cache *cache = run->caches[op->slot];
	struct object_cache_stats st;
	oa->ops->cache_stats(oa, cache, &st);
	if (st.live_count && !st.aliases_count &&
	    oa->ops->cache_free(oa, env, cache) != o->cache_live[st.index]) {
		snprintf(o->error, sizeof(o->error), "%s was freed while objects were live",
			 st.name);
		return -1;
	}
	for (size_t i = 0; i < o->live_count;) {
		if (o->live[i].slot != op->slot)
			i++;
		else if (object_oracle_give(o, i, op->cpu) != 0)
			return -1;
	}
	uint64_t live = oa->ops->cache_free(oa, env, cache);
	if (live && !st.aliases_count) {
		snprintf(o->error, sizeof(o->error), "%s has %llu live objects, all were freed",
			 st.name, (unsigned long long)live);
		return -1;
	}
	run->caches[op->slot] = make_cache(run, &h->caches[op->slot]);
	return 0;
}

static int run_op(struct run *run, const struct history *h, const struct op *op)
{
	const struct object_allocator_ops *ops = run->om.oa->ops;
	struct env *env = &run->om.m.env[op->cpu];
	switch (op->kind) {
	case KIND_ALLOC:
		return run_alloc(run, h, op);
	case KIND_KMALLOC:
		return run_kmalloc(run, op);
	case KIND_FREE:
		return run->oracle.live_count
			       ? object_oracle_give(&run->oracle, op->pick % run->oracle.live_count,
						    op->cpu)
			       : 0;
	case KIND_SHRINK:
		if (ops->shrink)
			ops->shrink(run->om.oa, env, run->caches[op->slot]);
		return 0;
	case KIND_TICK:
		if (ops->tick)
			ops->tick(run->om.oa, env);
		return 0;
	default:
		return run_destroy(run, h, op);
	}
}

static int finish(struct run *run, const struct history *h)
{
	struct object_oracle *o = &run->oracle;
	while (o->live_count) {
		if (object_oracle_give(o, 0, o->live_count % h->machine.cpus_count) != 0)
			return -1;
	}
	if (object_oracle_verify(o) != 0 || object_machine_free_caches(&run->om, o->error) != 0)
		return -1;
	uint64_t pages = object_machine_free_pages(&run->om);
	if (pages == o->pages)
		return 0;
	snprintf(o->error, sizeof(o->error), "all was freed, and %llu of %llu pages are back",
		 (unsigned long long)pages, (unsigned long long)o->pages);
	return -1;
}

/* 0, or -1 with the trouble in @text (256 bytes). @ops stands in for the allocator of that name. */
static int run_history(const struct history *h, const struct object_allocator_ops *ops, char *text)
{
	struct run *run = calloc(1, sizeof(*run));
	int ret = 0;
	assert_non_null(run);
	struct op_params machine = h->machine;
	machine.unchecked = true;
	object_machine_init(&run->om, &machine, ops, &h->params, h->classes_bytes,
			    h->classes_count);
	object_oracle_init(&run->oracle, &run->om);
	for (unsigned i = 0; i < SLOTS; i++)
		run->caches[i] = make_cache(run, &h->caches[i]);
	for (size_t i = 0; i < h->count && ret == 0; i++) {
		ret = run_op(run, h, &h->ops[i]);
		if (ret == 0 && i % CHECK_EACH == CHECK_EACH - 1)
			ret = object_oracle_verify(&run->oracle);
	}
	if (ret == 0)
		ret = finish(run, h);
	memcpy(text, run->oracle.error, sizeof(run->oracle.error));
	object_oracle_release(&run->oracle);
	object_machine_release(&run->om);
	free(run);
	return ret;
}

/* --- cutting a failure down ------------------------------------------------------------------- */

/* Leave out halves, quarters ... single operations, as long as what is left still fails. */
static void shrink_once(struct history *h, const struct object_allocator_ops *ops, char *text)
{
	static struct history trial;
	for (size_t piece = h->count / 2; piece; piece /= 2) {
		for (size_t at = 0; at < h->count;) {
			size_t cut = piece < h->count - at ? piece : h->count - at;
			char why[256];
			trial = *h;
			trial.count -= cut;
			memmove(&trial.ops[at], &h->ops[at + cut],
				(h->count - at - cut) * sizeof(h->ops[0]));
			for (unsigned i = 0; i < SLOTS; i++)
				trial.caches[i].name = trial.names[i];
			if (run_history(&trial, ops, why) != 0) {
				*h = trial;
				memcpy(text, why, sizeof(why));
			} else {
				at += piece;
			}
		}
	}
	for (unsigned i = 0; i < SLOTS; i++)
		h->caches[i].name = h->names[i];
}

static void shrink(struct history *h, const struct object_allocator_ops *ops, char *text)
{
	size_t before;
	do {
		before = h->count;
		shrink_once(h, ops, text);
	} while (h->count < before);
}

static void describe(const struct history *h, char *text, size_t size)
{
	static const char kinds[] = "akfstd";
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < h->count && used + 96 < size; i++) {
		const struct op *op = &h->ops[i];
		used += (size_t)snprintf(text + used, size - used, " c%u:%c", op->cpu,
					 kinds[op->kind]);
		if (op->kind == KIND_KMALLOC)
			used += (size_t)snprintf(text + used, size - used, "%u/%#x/n%u", op->bytes,
						 op->gfp, op->nid);
		else if (op->kind == KIND_ALLOC)
			used += (size_t)snprintf(
				text + used, size - used, "%llu~%llu/%#x/%#x/n%u",
				(unsigned long long)h->caches[op->slot].object_size_bytes,
				(unsigned long long)h->caches[op->slot].align_bytes,
				h->caches[op->slot].flags, op->gfp, op->nid);
	}
}

/* What runs, for allocators that stop by themselves: see bug.h. */
static uint64_t seed_now;
static const char *allocator_now;

static void print_seed(void)
{
	fprintf(stderr, "ALLOCSIM_SEED=%llu object_allocator_property_test: %s stopped\n",
		(unsigned long long)seed_now, allocator_now);
}

static void run_seed(uint64_t seed)
{
	static struct history h;
	char text[256], ops_text[4096];
	bug_context = print_seed;
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		seed_now = seed;
		allocator_now = (*ops)->name;
		draw_history(&h, seed);
		if (run_history(&h, *ops, text) == 0)
			continue;
		shrink(&h, *ops, text);
		describe(&h, ops_text, sizeof(ops_text));
		fail_msg("ALLOCSIM_SEED=%llu object_allocator_property_test: %s: %s:%s",
			 (unsigned long long)seed, (*ops)->name, text, ops_text);
	}
}

static void seeds(void **state)
{
	const char *one = getenv("ALLOCSIM_SEED"), *many = getenv("ALLOCSIM_SEEDS");
	if (one) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	uint64_t count = many ? strtoull(many, NULL, 10) : SEEDS;
	for (uint64_t seed = 1; seed <= count; seed++)
		run_seed(seed);
}

/* --- the harness itself ----------------------------------------------------------------------- */

/* slob with one fault. */
#define SLOB object_allocator_find("slob")
static struct object_allocator_ops faulty;
static uint64_t last_paddr;

static struct object_allocator *new_afresh(const struct object_allocator_params *params,
					   struct err *err)
{
	last_paddr = OBJECT_NONE;
	return SLOB->new (params, err);
}

/* An object that CPU 0 got last is handed out to CPU 1 again, if it is of the same size. */
static uint64_t alloc_twice(struct object_allocator *oa, struct env *env,
			    struct object_cache *cache, uint64_t bytes, gfp_t gfp, unsigned nid,
			    enum alloc_failure *why)
{
	uint64_t start;
	if (env->cpu == 1 && last_paddr != OBJECT_NONE &&
	    SLOB->cache_of(oa, last_paddr, &start) == cache) {
		*why = ALLOC_OK;
		return last_paddr;
	}
	uint64_t paddr = SLOB->alloc(oa, env, cache, bytes, gfp, nid, why);
	last_paddr = env->cpu == 0 ? paddr : OBJECT_NONE;
	return paddr;
}

static uint64_t alloc_without_zeroing(struct object_allocator *oa, struct env *env,
				      struct object_cache *cache, uint64_t bytes, gfp_t gfp,
				      unsigned nid, enum alloc_failure *why)
{
	return SLOB->alloc(oa, env, cache, bytes, gfp & ~__GFP_ZERO, nid, why);
}

/* Keeps what CPU 2 frees. */
static void free_not_on_cpu_two(struct object_allocator *oa, struct env *env,
				struct object_cache *cache, uint64_t paddr)
{
	if (env->cpu != 2)
		SLOB->free_object(oa, env, cache, paddr);
}

/* Writes to the live object that ends where the freed one starts. */
static void free_into_neighbour(struct object_allocator *oa, struct env *env,
				struct object_cache *cache, uint64_t paddr)
{
	uint64_t start;
	SLOB->free_object(oa, env, cache, paddr);
	if (paddr % PAGE_BYTES && SLOB->cache_of(oa, paddr - 1, &start))
		oa->pm->ram[paddr - 1]++;
}

/* Find a seed that shows the fault, and cut it down. */
static void assert_found(const char *wanted, size_t ops_max)
{
	static struct history h;
	char text[256];
	uint64_t seed = 1;
	for (draw_history(&h, seed); run_history(&h, &faulty, text) == 0; draw_history(&h, ++seed))
		assert_true(seed < 60);
	shrink(&h, &faulty, text);
	if (!strstr(text, wanted) || h.count > ops_max)
		fail_msg("\"%s\" with %zu operations instead of \"%s\"", text, h.count, wanted);
}

static void an_address_twice(void **state)
{
	faulty = *SLOB;
	faulty.new = new_afresh;
	faulty.alloc = alloc_twice;
	assert_found("belongs to another live object", 2);
}

static void forgotten_zeroing(void **state)
{
	faulty = *SLOB;
	faulty.alloc = alloc_without_zeroing;
	assert_found("of a new object is", 4);
}

static void forgotten_free(void **state)
{
	faulty = *SLOB;
	faulty.free_object = free_not_on_cpu_two;
	assert_found("live", 2);
}

static void neighbour_overwritten(void **state)
{
	faulty = *SLOB;
	faulty.free_object = free_into_neighbour;
	assert_found("while it was live", 6);
}

static void same_seed_same_history(void **state)
{
	static struct history a, b;
	draw_history(&a, 5);
	draw_history(&b, 5);
	assert_int_equal(a.count, b.count);
	assert_memory_equal(a.ops, b.ops, a.count * sizeof(a.ops[0]));
	draw_history(&b, 6);
	assert_true(a.count != b.count || memcmp(a.ops, b.ops, a.count * sizeof(a.ops[0])) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_same_history), cmocka_unit_test(an_address_twice),
		cmocka_unit_test(forgotten_zeroing),      cmocka_unit_test(forgotten_free),
		cmocka_unit_test(neighbour_overwritten),  cmocka_unit_test(seeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
