/*
 * Random histories of every registered page allocator, against an oracle of frames.
 *
 * A seed decides everything: the machine (zones, nodes, CPUs, per-CPU lists, watermarks, switches)
 * and which kinds of operation the history may hold. Switching kinds off at random (swarm testing)
 * makes long runs of the same kind, which reach states that an even mixture never sees.
 *
 * What has to hold: no frame is handed out twice; blocks are aligned and in a zone that the request
 * allows; a failure has the reason it claims; free, cached and live pages are all pages; and when
 * everything was freed, memory is in largest blocks again, but where pages are still cached.
 *
 * A history that fails is cut down: pieces are left out as long as it still fails. One line is
 * printed, with the seed that replays it and the operations that are left:
 *
 *   ALLOCSIM_SEED=17 page_allocator_property_test
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/frame_oracle.h"
#include "alloc/op_script.h"
#include "kern/rng.h"

#define SEEDS      600
#define OPS_MAX    1500
#define CHECK_EACH 64

enum kind {
	KIND_ALLOC,
	KIND_FREE,
	KIND_SPLIT,
	KIND_TICK,
};

struct op {
	uint8_t kind, cpu, order, nid;
	gfp_t gfp;
	uint32_t pick; /* which live block, modulo their number */
};

struct history {
	uint64_t seed;
	struct op_params params;
	struct op ops[OPS_MAX];
	size_t count;
	bool strict_end; /* all freed: every largest block is whole again */
};

/* --- from a seed to a history ----------------------------------------------------------------- */

static const struct zone_span spans_one[] = {{ZONE_NORMAL, 0, 0, 16384, 16384}};
static const struct zone_span spans_small[] = {{ZONE_NORMAL, 0, 0, 1500, 1500}};
static const struct zone_span spans_three[] = {
	{ZONE_DMA, 0, 1, 2048, 2047},
	{ZONE_DMA32, 0, 2048, 9000, 6952},
	{ZONE_NORMAL, 0, 9000, 20480, 11480},
};
static const struct zone_span spans_nodes[] = {
	{ZONE_DMA32, 0, 0, 4096, 4096},      {ZONE_NORMAL, 0, 4096, 8192, 4000},
	{ZONE_NORMAL, 1, 8192, 16384, 8192}, {ZONE_MOVABLE, 1, 16384, 20480, 4096},
};
static const struct zone_span spans_four[] = {
	{ZONE_DMA32, 0, 0, 4096, 4096},       {ZONE_NORMAL, 0, 4096, 6144, 2048},
	{ZONE_NORMAL, 1, 6144, 10240, 4096},  {ZONE_NORMAL, 2, 10240, 12288, 2000},
	{ZONE_NORMAL, 3, 12288, 16384, 4096},
};
/* A ring, as rows of four: to itself, to its neighbours, across. */
static const uint64_t ring[16] = {
	10, 16, 22, 16, //
	16, 10, 16, 22, //
	22, 16, 10, 16, //
	16, 22, 16, 10, //
};
static const struct zone_span spans_highmem[] = {
	{ZONE_DMA, 0, 0, 4096, 4096},
	{ZONE_NORMAL, 0, 4096, 8192, 4096},
	{ZONE_HIGHMEM, 0, 8192, 16384, 8192},
};

static const struct {
	const struct zone_span *spans;
	unsigned count, nodes;
} machines[] = {
	{spans_one, 1, 1},
	{spans_small, 1, 1},
	{spans_three, 3, 1},
	{spans_nodes, 4, 2},
	{spans_four, 5, 4},
	{spans_highmem, 3, 1},
};

static bool coin(struct rng *r)
{
	return rng_u64(r) >> 63;
}

static void draw_machine(struct history *h, struct rng *r, unsigned *nodes)
{
	size_t m = rng_below(r, ARRAY_SIZE(machines));
	struct op_params *p = &h->params;
	*nodes = machines[m].nodes;
	*p = (struct op_params){
		.spans = machines[m].spans,
		.spans_count = machines[m].count,
		.max_order = 6 + (unsigned)rng_below(r, 5),
		.ungrouped = rng_below(r, 4) == 0,
		.no_coalescing = rng_below(r, 8) == 0,
		.no_highatomic = coin(r),
		.split_steps_max = rng_below(r, 4) == 0 ? 1 + (unsigned)rng_below(r, 6) : 0,
		.min_free_kbytes = coin(r) ? rng_below(r, 4000) : 0,
		.scale_factor = coin(r) ? 10 : 0,
		.boost_factor = coin(r) ? 15000 : 0,
		.cpus_count = 1 + (unsigned)rng_below(r, OP_CPUS),
	};
	if (*nodes == 4 && coin(r)) {
		p->distances = ring;
		p->distances_nodes = 4;
	}
	p->pageblock_order = p->max_order - (unsigned)rng_below(r, 4);
	for (unsigned i = 0; i < OP_CPUS; i++)
		p->cpu_nid[i] = i % *nodes;
	if (coin(r))
		p->lowmem_reserve_ratio[ZONE_DMA] = p->lowmem_reserve_ratio[ZONE_DMA32] = 256;
	p->pcp.enabled = coin(r);
	p->pcp.batch_pages = coin(r) ? PCP_AUTO : 1 + rng_below(r, 63);
	p->pcp.high_min_pages = coin(r) ? PCP_AUTO : rng_below(r, 300);
	p->pcp.high_max_pages = coin(r) ? PCP_AUTO
				: p->pcp.high_min_pages == PCP_AUTO
					? 400
					: p->pcp.high_min_pages + rng_below(r, 900);
	h->strict_end = !p->no_coalescing && p->no_highatomic;
}

/* Which kinds of operation this history may hold. */
struct swarm {
	unsigned orders, types, zones, urgency; /* bit sets */
	unsigned cpus, nodes;
	unsigned alloc_weight, split_weight;    /* of 100 */
	unsigned phase; /* operations until growing and shrinking change over */
};

static unsigned some_bits(struct rng *r, unsigned count)
{
	unsigned bits = (unsigned)rng_u64(r) & ((1u << count) - 1);
	return bits ? bits : 1u << rng_below(r, count);
}

static unsigned draw_bit(struct rng *r, unsigned bits)
{
	unsigned i;
	do
		i = (unsigned)rng_below(r, 32);
	while (!(bits >> i & 1));
	return i;
}

static gfp_t draw_gfp(struct rng *r, const struct swarm *s)
{
	static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	static const gfp_t zones[] = {0, __GFP_HIGHMEM, __GFP_DMA32, __GFP_DMA, __GFP_THISNODE};
	static const gfp_t urgency[] = {
		GFP_KERNEL,
		GFP_ATOMIC,
		GFP_NOWAIT,
		GFP_NOIO | __GFP_NORETRY,
		GFP_KERNEL | __GFP_NOFAIL,
		GFP_KERNEL | __GFP_MEMALLOC,
		GFP_ATOMIC | __GFP_NOMEMALLOC,
	};
	return types[draw_bit(r, s->types)] | zones[draw_bit(r, s->zones)] |
	       urgency[draw_bit(r, s->urgency)];
}

static struct op draw_op(struct rng *r, const struct swarm *s, const struct history *h, size_t i)
{
	unsigned weight = i / s->phase % 2 ? 100 - s->alloc_weight : s->alloc_weight;
	struct op op = {
		.kind = rng_below(r, 100) < weight ? KIND_ALLOC : KIND_FREE,
		.cpu = (uint8_t)rng_below(r, s->cpus),
		.nid = (uint8_t)rng_below(r, s->nodes),
		.order = (uint8_t)draw_bit(r, s->orders),
		.gfp = draw_gfp(r, s),
		.pick = (uint32_t)rng_u64(r),
	};
	if (op.kind == KIND_FREE && rng_below(r, 100) < s->split_weight)
		op.kind = KIND_SPLIT;
	if (rng_below(r, 40) == 0)
		op.kind = KIND_TICK;
	if (rng_below(r, 100) == 0)
		op.order = (uint8_t)(h->params.max_order + 1);
	return op;
}

static void draw_history(struct history *h, uint64_t seed)
{
	struct rng r;
	struct swarm s;
	rng_init(&r, seed, 0);
	h->seed = seed;
	draw_machine(h, &r, &s.nodes);
	s.orders = some_bits(&r, h->params.max_order + 1);
	s.types = some_bits(&r, 3);
	s.zones = some_bits(&r, 5) | 1;
	s.urgency = some_bits(&r, 7);
	s.cpus = 1 + (unsigned)rng_below(&r, h->params.cpus_count);
	s.alloc_weight = 50 + (unsigned)rng_below(&r, 45);
	s.split_weight = coin(&r) ? (unsigned)rng_below(&r, 10) : 0;
	s.phase = 50 + (unsigned)rng_below(&r, 700);
	h->count = OPS_MAX / 2 + rng_below(&r, OPS_MAX / 2);
	for (size_t i = 0; i < h->count; i++)
		h->ops[i] = draw_op(&r, &s, h, i);
}

/* --- running one ------------------------------------------------------------------------------ */

struct run {
	struct op_machine m;
	struct frame_oracle oracle;
	struct op_block *live;
	size_t live_count, live_capacity;
	char text[512]; /* what went wrong */
};

static void live_add(struct run *run, pfn_t pfn, unsigned order)
{
	if (run->live_count == run->live_capacity) {
		run->live_capacity = run->live_capacity ? 2 * run->live_capacity : 1024;
		run->live = realloc(run->live, run->live_capacity * sizeof(*run->live));
		assert_non_null(run->live);
	}
	run->live[run->live_count++] = (struct op_block){pfn, order};
}

static void free_picked(struct run *run, struct env *env, size_t i)
{
	struct op_block b = run->live[i];
	run->live[i] = run->live[--run->live_count];
	frame_oracle_give(&run->oracle, b.pfn, b.order);
	run->m.pa->ops->free_pages(run->m.pa, env, b.pfn, b.order);
}

static int run_op(struct run *run, const struct history *h, const struct op *op)
{
	const struct page_allocator_ops *ops = run->m.pa->ops;
	struct env *env = &run->m.env[op->cpu];
	enum alloc_failure why = ALLOC_FAILURES;
	if (op->kind == KIND_ALLOC) {
		pfn_t pfn = ops->alloc_pages(run->m.pa, env, op->order, op->gfp, op->nid, &why);
		if (pfn == PFN_NONE)
			return frame_oracle_failure(&run->oracle, op->order, op->gfp, op->nid, why,
						    h->params.split_steps_max
							    ? h->params.split_steps_max
							    : ORDER_LIMIT);
		live_add(run, pfn, op->order);
		return frame_oracle_take(&run->oracle, pfn, op->order, op->gfp, op->nid);
	}
	if (op->kind == KIND_TICK && ops->tick)
		ops->tick(run->m.pa, env);
	if (op->kind == KIND_TICK || !run->live_count)
		return 0;
	size_t i = op->pick % run->live_count;
	if (op->kind == KIND_FREE) {
		free_picked(run, env, i);
	} else if (run->live[i].order <= 4) {
		struct op_block b = run->live[i];
		for (pfn_t p = b.pfn; p < b.pfn + (UINT64_C(1) << b.order); p++)
			ops->split_allocated(run->m.pa, p, 0);
		run->live[i].order = 0;
		for (pfn_t p = b.pfn + 1; p < b.pfn + (UINT64_C(1) << b.order); p++)
			live_add(run, p, 0);
	}
	return 0;
}

/* Everything was freed: which largest blocks are whole, and which hold cached pages? */
struct end_walk {
	const struct physmem *pm;
	uint8_t *cached; /* by pfn >> max_order */
	uint8_t *whole;
};

static void see_end(void *arg, const struct free_block *b)
{
	struct end_walk *w = arg;
	if (b->cpu >= 0)
		w->cached[b->pfn >> w->pm->max_order] = 1;
	else if (b->order == w->pm->max_order)
		w->whole[b->pfn >> w->pm->max_order] = 1;
}

static int verify_end(struct run *run)
{
	const struct physmem *pm = &run->m.pm;
	size_t chunks = (pm->pfn_end >> pm->max_order) + 1;
	struct end_walk w = {pm, calloc(chunks, 1), calloc(chunks, 1)};
	int ret = 0;
	assert_true(w.cached && w.whole);
	run->m.pa->ops->walk(run->m.pa, see_end, &w);
	for (unsigned i = 0; i < pm->zones_count; i++) {
		const struct zone *z = &pm->zones[i];
		uint64_t step = UINT64_C(1) << pm->max_order;
		pfn_t end = z->start_pfn + z->managed_pages;
		for (pfn_t p = (z->start_pfn + step - 1) / step * step; p + step <= end;
		     p += step) {
			if (!w.whole[p / step] && !w.cached[p / step]) {
				snprintf(run->text, sizeof(run->text),
					 "all freed, but block %llu of order %u is not whole",
					 (unsigned long long)p, pm->max_order);
				ret = -1;
			}
		}
	}
	free(w.cached);
	free(w.whole);
	return ret;
}

static int finish(struct run *run, const struct history *h)
{
	const struct page_allocator_ops *ops = run->m.pa->ops;
	while (run->live_count)
		free_picked(run, &run->m.env[run->live_count % h->params.cpus_count], 0);
	for (unsigned i = 0; ops->tick && i < 200; i++)
		ops->tick(run->m.pa, &run->m.env[i % h->params.cpus_count]);
	if (frame_oracle_verify(&run->oracle) != 0) {
		snprintf(run->text, sizeof(run->text), "at the end: %s", run->oracle.error);
		return -1;
	}
	return h->strict_end ? verify_end(run) : 0;
}

/* 0, or -1 with the trouble in @text (512 bytes). @ops stands in for the allocator of that name. */
static int run_history(const struct history *h, const struct page_allocator_ops *ops, char *text)
{
	struct run run = {.live = NULL};
	struct op_params params = h->params;
	uint64_t pages = 0;
	int ret = 0;
	params.allocator = ops->name;
	op_machine_init(&run.m, &params);
	run.m.pa->ops = ops;
	for (unsigned i = 0; i < run.m.pm.zones_count; i++)
		pages += run.m.pm.zones[i].managed_pages;
	frame_oracle_init(&run.oracle, run.m.pa, pages);
	for (size_t i = 0; i < h->count && ret == 0; i++) {
		ret = run_op(&run, h, &h->ops[i]);
		if (ret == 0 && i % CHECK_EACH == CHECK_EACH - 1)
			ret = frame_oracle_verify(&run.oracle);
		if (ret != 0)
			snprintf(run.text, sizeof(run.text), "operation %zu: %s", i,
				 run.oracle.error);
	}
	if (ret == 0)
		ret = finish(&run, h);
	memcpy(text, run.text, sizeof(run.text));
	frame_oracle_release(&run.oracle);
	op_machine_release(&run.m);
	free(run.live);
	return ret;
}

/* --- cutting a failure down ------------------------------------------------------------------- */

/* Leave out halves, quarters ... single operations, as long as what is left still fails. */
static void shrink(struct history *h, const struct page_allocator_ops *ops, char *text)
{
	static struct history trial;
	for (size_t piece = h->count / 2; piece; piece /= 2) {
		for (size_t at = 0; at < h->count;) {
			size_t cut = piece < h->count - at ? piece : h->count - at;
			char why[512];
			trial = *h;
			trial.count -= cut;
			memmove(&trial.ops[at], &h->ops[at + cut],
				(h->count - at - cut) * sizeof(h->ops[0]));
			if (run_history(&trial, ops, why) != 0) {
				*h = trial;
				memcpy(text, why, sizeof(why));
			} else {
				at += piece;
			}
		}
	}
}

static void describe(const struct history *h, char *text, size_t size)
{
	static const char kinds[] = "afst";
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < h->count && used + 64 < size; i++) {
		const struct op *op = &h->ops[i];
		used += (size_t)snprintf(text + used, size - used, " c%u:%c", op->cpu,
					 kinds[op->kind]);
		if (op->kind == KIND_ALLOC)
			used += (size_t)snprintf(text + used, size - used, "%u/%#x/n%u", op->order,
						 op->gfp, op->nid);
	}
}

static void run_seed(uint64_t seed)
{
	static struct history h;
	char text[512], ops_text[4096];
	for (const struct page_allocator_ops *const *ops = page_allocators; *ops; ops++) {
		draw_history(&h, seed);
		if (run_history(&h, *ops, text) == 0)
			continue;
		shrink(&h, *ops, text);
		describe(&h, ops_text, sizeof(ops_text));
		fail_msg("ALLOCSIM_SEED=%llu page_allocator_property_test: %s: %s:%s",
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

static struct page_allocator_ops leaky;

/* Forgets blocks of order 2 instead of freeing them. */
static void free_but_order_two(struct page_allocator *pa, struct env *env, pfn_t pfn,
			       unsigned order)
{
	if (order != 2)
		page_allocators[0]->free_pages(pa, env, pfn, order);
}

/* A leak is found, and cut down to the allocation that shows it. */
static void a_leak_is_found_and_cut_down(void **state)
{
	static struct history h;
	char text[512];
	leaky = *page_allocators[0];
	leaky.free_pages = free_but_order_two;
	uint64_t seed = 1;
	for (draw_history(&h, seed); run_history(&h, &leaky, text) == 0; draw_history(&h, ++seed))
		assert_true(seed < 20);
	assert_true(h.count > 100);
	shrink(&h, &leaky, text);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.ops[0].kind, KIND_ALLOC);
	assert_int_equal(h.ops[0].order, 2);
	assert_non_null(strstr(text, "pages are free and 0 live"));
}

static void same_seed_same_history(void **state)
{
	static struct history a, b;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
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
		cmocka_unit_test(same_seed_same_history),
		cmocka_unit_test(a_leak_is_found_and_cut_down),
		cmocka_unit_test(seeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
