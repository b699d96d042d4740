/*
 * slub_bench.c - the cost of allocating and freeing an object, for a few sizes.
 *
 *   slub_bench [ALLOCATOR]   "slub", or another object allocator
 *
 * Two loops, with which kernel developers measure theirs (slab_bulk_test, slab_test): "pair"
 * allocates an object and frees it, again; "batch" allocates 1000 objects and frees them in the
 * same order. Pairs stay within the CPU's own list. Batches take slabs from, and give them to, the
 * partial lists, and the page allocator when objects are large.
 *
 * Built with ENV_NATIVE it measures the allocator as plain C code on this host, in ns for an
 * allocation and a free (median of some rounds); else it adds up what they are charged, in cycles.
 * Each line of the output is "pair|batch SIZE FIGURE". scripts/bench puts both beside each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "alloc/object_allocator.h"
#include "kern/watermark.h"

#define ZONE_PAGES (UINT64_C(1) << 18) /* 1 GiB */
#define BATCH      1000

struct bench {
	struct physmem pm;
	struct page_allocator *pa;
	struct object_allocator *oa;
	struct object_cache *cache;
	struct env env;
	uint64_t bytes;
	uint64_t objects[BATCH];
};

static const uint32_t costs[COST_KINDS] = {
#define X(id, name, cycles, meaning) [COST_##id] = cycles,
	COST_LIST(X)
#undef X
};

static void give_up(const char *why)
{
	fprintf(stderr, "slub_bench: %s\n", why);
	exit(1);
}

static void start(struct bench *b, const char *allocator)
{
	static const unsigned nid;
	const struct zone_span span = {ZONE_NORMAL, 0, 0, ZONE_PAGES, ZONE_PAGES};
	const struct physmem_params pm = {
		.spans = &span, .spans_count = 1, .max_order = 10, .pageblock_order = 9,
		.group_by_mobility = true,
	};
	const struct watermark_params marks = {.min_free_kbytes = UINT64_MAX, .scale_factor = 10};
	struct object_allocator_params params;
	struct err err = {0};

	*b = (struct bench){.env.cost_cycles = costs};
	if (physmem_init(&b->pm, &pm, &err) != 0 || !physmem_ram(&b->pm, 0, &err))
		give_up(err.text);
	watermark_setup(&b->pm, &marks);
	b->pa = page_allocator_find("buddy")->new(&(struct page_allocator_params){
		.pm = &b->pm,
		.cpus_count = 1,
		.cpu_nid = &nid,
		.highatomic = true,
		.coalesce = true,
		.split_steps_max = UINT32_MAX,
		.pcp = {true, PCP_AUTO, PCP_AUTO, PCP_AUTO, 0},
	});
	if (!b->pa)
		give_up("out of memory");
	b->pa->ops->add_range(b->pa, 0, ZONE_PAGES);
	object_params_init(&params);
	params.pm = &b->pm;
	params.pa = b->pa;
	params.cpus_count = 1;
	params.cpu_nid = &nid;
	const struct object_allocator_ops *ops = object_allocator_find(allocator);
	if (!ops)
		give_up("no such object allocator");
	b->oa = ops->new(&params, &err);
	if (!b->oa)
		give_up(err.text);
}

static uint64_t take(struct bench *b)
{
	enum alloc_failure why;
	uint64_t o = b->oa->ops->alloc(b->oa, &b->env, b->cache, b->bytes, GFP_KERNEL, 0, &why);
	if (o == OBJECT_NONE)
		give_up("no object");
	return o;
}

static void give(struct bench *b, uint64_t object)
{
	b->oa->ops->free_object(b->oa, &b->env, b->cache, object);
}

/* @count allocations and frees. */
static void pairs(struct bench *b, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		give(b, take(b));
}

static void batches(struct bench *b, unsigned count)
{
	for (unsigned done = 0; done < count; done += BATCH) {
		for (unsigned i = 0; i < BATCH; i++)
			b->objects[i] = take(b);
		for (unsigned i = 0; i < BATCH; i++)
			give(b, b->objects[i]);
	}
}

#ifdef ENV_NATIVE

#define ROUNDS 15
#define PAIRS  20000

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* ns for a pair. */
static double measure(struct bench *b, void (*loop)(struct bench *b, unsigned count))
{
	double ns[ROUNDS];
	loop(b, PAIRS / 10);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct timespec t0, t1;
		clock_gettime(CLOCK_MONOTONIC, &t0);
		loop(b, PAIRS);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		ns[i] = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 +
			 (double)(t1.tv_nsec - t0.tv_nsec)) /
			PAIRS;
	}
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	return ns[ROUNDS / 2];
}

#else

/* Cycles for a pair. */
static double measure(struct bench *b, void (*loop)(struct bench *b, unsigned count))
{
	enum { PAIRS = 10 * BATCH };
	loop(b, PAIRS);
	b->env.cycles = 0;
	loop(b, PAIRS);
	return (double)b->env.cycles / PAIRS;
}

#endif

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {8, 64, 256, 1024, 4096, 8192};
	static const struct {
		const char *name;
		void (*run)(struct bench *b, unsigned count);
	} loops[] = {{"pair", pairs}, {"batch", batches}};
	struct bench b;
	struct err err = {0};
	start(&b, argc > 1 ? argv[1] : "slub");
	for (unsigned k = 0; k < ARRAY_SIZE(loops); k++) {
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
			const struct object_cache_params params = {
				.name = "bench",
				.object_size_bytes = sizes[i],
				.flags = CACHE_NO_MERGE,
			};
			b.bytes = sizes[i];
			b.cache = b.oa->ops->cache_new(b.oa, &params, &err);
			if (!b.cache)
				give_up(err.text);
			printf("%s %u %.1f\n", loops[k].name, sizes[i], measure(&b, loops[k].run));
		}
	}
	b.oa->ops->free(b.oa);
	b.pa->ops->free(b.pa);
	physmem_release(&b.pm);
	return 0;
}
