/*
 * buddy_bench.c - the cost of allocating and freeing a block, for blocks of a few orders, with and
 * without per-CPU lists.
 *
 * The loop is that of page_bench01, with which kernel developers measure their page allocator:
 * allocate a block, free it, again. Everything is warm, no lock is contended, and the buddy alone
 * splits and merges all the way each time, since nothing else of the zone is in use.
 *
 * Built with ENV_NATIVE it measures the allocator as plain C code on this host, in ns for a pair
 * (median of some rounds); else it adds up what the pair is charged, in cycles. Each line of the
 * output is "pcp|buddy ORDER FIGURE". scripts/bench puts both beside each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "alloc/page_allocator.h"
#include "kern/watermark.h"

#define ZONE_PAGES (UINT64_C(1) << 18) /* 1 GiB */

struct bench {
	struct physmem pm;
	struct page_allocator *pa;
	struct env env;
};

static const uint32_t costs[COST_KINDS] = {
#define X(id, name, cycles, meaning) [COST_##id] = cycles,
	COST_LIST(X)
#undef X
};

static void start(struct bench *b, bool pcp)
{
	static const unsigned nid;
	const struct zone_span span = {ZONE_NORMAL, 0, 0, ZONE_PAGES, ZONE_PAGES};
	const struct physmem_params pm = {
		.spans = &span, .spans_count = 1, .max_order = 10, .pageblock_order = 9,
		.group_by_mobility = true,
	};
	const struct watermark_params marks = {.min_free_kbytes = UINT64_MAX, .scale_factor = 10};
	struct err err;

	*b = (struct bench){.env.cost_cycles = costs};
	if (physmem_init(&b->pm, &pm, &err)) {
		fprintf(stderr, "buddy_bench: %s\n", err.text);
		exit(1);
	}
	watermark_setup(&b->pm, &marks);
	b->pa = page_allocator_find("buddy")->new(&(struct page_allocator_params){
		.pm = &b->pm,
		.cpus_count = 1,
		.cpu_nid = &nid,
		.highatomic = true,
		.coalesce = true,
		.split_steps_max = UINT32_MAX,
		.pcp = {.enabled = pcp, PCP_AUTO, PCP_AUTO, PCP_AUTO, 0},
	});
	if (!b->pa) {
		fprintf(stderr, "buddy_bench: out of memory\n");
		exit(1);
	}
	b->pa->ops->add_range(b->pa, 0, ZONE_PAGES);
}

static void pairs(struct bench *b, unsigned order, unsigned count)
{
	enum alloc_failure why;
	for (unsigned i = 0; i < count; i++) {
		pfn_t pfn = b->pa->ops->alloc_pages(b->pa, &b->env, order, GFP_KERNEL, 0, &why);
		if (pfn == PFN_NONE) {
			fprintf(stderr, "buddy_bench: no block of order %u\n", order);
			exit(1);
		}
		b->pa->ops->free_pages(b->pa, &b->env, pfn, order);
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
static double measure(struct bench *b, unsigned order)
{
	double ns[ROUNDS];
	pairs(b, order, PAIRS / 10);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct timespec t0, t1;
		clock_gettime(CLOCK_MONOTONIC, &t0);
		pairs(b, order, PAIRS);
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
static double measure(struct bench *b, unsigned order)
{
	enum { PAIRS = 1000 };
	pairs(b, order, PAIRS);
	b->env.cycles = 0;
	pairs(b, order, PAIRS);
	return (double)b->env.cycles / PAIRS;
}

#endif

int main(void)
{
	static const unsigned orders[] = {0, 3, 9};
	for (unsigned pcp = 0; pcp < 2; pcp++) {
		struct bench b;
		start(&b, pcp);
		for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
			printf("%s %u %.1f\n", pcp ? "pcp" : "buddy", orders[i],
			       measure(&b, orders[i]));
		b.pa->ops->free(b.pa);
		physmem_release(&b.pm);
	}
	return 0;
}
