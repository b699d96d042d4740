/*
 * tlb_bench.c - what a lookup of the simulated TLB costs on this host.
 *
 * Best of some rounds, in ns for one access including the loop that makes its address. Each line
 * of the output is "CASE FIGURE".
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/tlb_rig.h"

#define ROUNDS   41
#define ACCESSES 200000

struct bench_case {
	const char *name;
	struct hw_machine hw;
	uint64_t pages;
	bool in_order; /* else drawn uniformly, from a table made before */
	uint64_t step_bytes;
};

static const struct bench_case cases[] = {
	{"same_page", RIG_SKYLAKE, 1, true, 8},
	{"lines_in_order", RIG_SKYLAKE, 1024, true, 64},
	{"level1_4_ways", RIG_SKYLAKE, 32, false, 0},
	{"level1_64_ways",
	 {.tlbs = {{1, 64, 64, SIZES, false}}, .tlbs_count = 1, .paging_levels = 4},
	 64, false, 0},
	{"level2", RIG_SKYLAKE, 1024, false, 0},
	{"full_1536_ways",
	 {.tlbs = {{1, 1536, 1536, SIZE_4K | SIZE_2M, false}},
	  .tlbs_count = 1,
	  .paging_levels = 4},
	 1536, false, 0},
	{"full_1536_ways_misses",
	 {.tlbs = {{1, 1536, 1536, SIZE_4K | SIZE_2M, false}},
	  .tlbs_count = 1,
	  .paging_levels = 4},
	 1 << 20, false, 0},
	{"misses", RIG_SKYLAKE, 1 << 20, false, 0},
};

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double measure(const struct bench_case *c, uint64_t *vaddrs)
{
	uint64_t best_ns = UINT64_MAX;
	struct rng rng;
	struct tlb *t = tlb_new(&c->hw);
	if (!t) {
		fprintf(stderr, "tlb_bench: out of memory\n");
		exit(1);
	}
	rng_init(&rng, 1, 1);
	for (uint64_t i = 0; i < ACCESSES; i++)
		vaddrs[i] = c->in_order ? i * c->step_bytes % (c->pages << PAGE_SHIFT)
					: rng_below(&rng, c->pages) << PAGE_SHIFT;
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t start = now_ns();
		for (uint64_t i = 0; i < ACCESSES; i++)
			rig_touch(t, vaddrs[i], HW_PAGE_4K);
		best_ns = u64_min(best_ns, now_ns() - start);
	}
	tlb_free(t);
	return (double)best_ns / ACCESSES;
}

int main(void)
{
	uint64_t *vaddrs = malloc(ACCESSES * sizeof(*vaddrs));
	if (!vaddrs) {
		fprintf(stderr, "tlb_bench: out of memory\n");
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		printf("%-22s %6.1f\n", cases[i].name, measure(&cases[i], vaddrs));
	free(vaddrs);
	return 0;
}
