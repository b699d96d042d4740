/*
 * memory_bench.c - how many simulated accesses the host carries out in a second.
 *
 * Each stream runs on machines of 1, 2 and 64 CPUs that take turns, 64 accesses each, and then
 * synchronise, as the engine does after an operation. A core has 32 KiB of L1 and 1 MiB of L2,
 * eight cores share 32 MiB of L3, and TLBs are on. CPUs touch memory of their own:
 *
 *   hits      one line of 64 in the same page, 3 reads to a write
 *   l1        lines of 16 KiB in order: level-1 hits in changing sets and pages
 *   l2        lines of 512 KiB in order: LRU has lost them from level 1, level 2 has them
 *   misses    lines of 64 MiB in a scattered order: shared levels, directory and DRAM
 *
 * and `share`: all write one line in turn (a transfer each time). Each line of the output is
 * "STREAM CPUS MILLIONS-PER-SECOND", the best of some rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "hw/memory.h"

#define CPUS   64
#define BURST  64
#define ROUNDS 3

static const struct hw_machine hw = {
	.caches = {{"L1", 32 << 10, 8, 64, 4, 1, HW_LRU, false},
		   {"L2", 1 << 20, 16, 64, 14, 1, HW_LRU, true},
		   {"L3", 32 << 20, 16, 64, 46, 8, HW_PLRU, false}},
	.caches_count = 3,
	.tlbs = {{1, 64, 4, 1 << HW_PAGE_4K | 1 << HW_PAGE_2M, false},
		 {2, 1536, 12, 1 << HW_PAGE_4K | 1 << HW_PAGE_2M, false}},
	.tlbs_count = 2,
	.tlb_hit2_cycles = 7,
	.pwc_pde_entries = 32,
	.pwc_pdpte_entries = 4,
	.pwc_pml4e_entries = 2,
	.walk_cycles = HW_AUTO,
	.paging_levels = 4,
	.direct_map_page = HW_PAGE_2M,
	.dram_latency_ns = 85,
	.dram_bytes_per_s = UINT64_C(128000000000),
	.transfer_cache_ns = 20,
	.transfer_node_ns = 48,
	.transfer_remote_ns = 140,
};

enum stream { HITS, L1, L2, MISSES, SHARE, STREAMS };
static const char *const names[] = {"hits", "l1", "l2", "misses", "share"};
static const uint64_t counts[] = {40000000, 10000000, 4000000, 1000000, 4000000};

/* The address of access @i of @cpu. */
static uint64_t address(enum stream stream, unsigned cpu, uint64_t i)
{
	uint64_t base = (uint64_t)cpu << 30;
	switch (stream) {
	case HITS:
		return base + i % 64 * 8;
	case L1:
		return base + i * 64 % (16 << 10);
	case L2:
		return base + i * 64 % (512 << 10);
	case MISSES:
		return base + i * UINT64_C(0x9e3779b97f4a7c15) % (64 << 20);
	default:
		return 0;
	}
}

static void run(struct env *envs, unsigned cpus, enum stream stream, uint64_t from, uint64_t end)
{
	for (uint64_t i = from; i < end; i += BURST) {
		for (unsigned cpu = 0; cpu < cpus; cpu++) {
			struct env *env = &envs[cpu];
			for (uint64_t j = i; j < i + BURST; j++) {
				bool write = stream == SHARE || !(j & 3);
				env_touch(env, address(stream, cpu, j), 8, write);
			}
			if (env->memory->pending)
				env->memory->sync(env, i * 10000);
		}
	}
}

static void measure(unsigned cpus, enum stream stream)
{
	static const unsigned nids[CPUS];
	static const uint32_t costs[COST_KINDS];
	static struct env envs[CPUS];
	struct memory *m = memory_new(&(struct memory_params){
		.hw = &hw,
		.cpus_count = cpus,
		.cpu_nid = nids,
		.nodes_count = 1,
		.cpu_khz = 2500000,
	});
	if (!m) {
		fprintf(stderr, "memory_bench: out of memory\n");
		exit(1);
	}
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		envs[cpu] = (struct env){
			.cpu = cpu, .cost_cycles = costs, .memory = memory_of_cpu(m, cpu)};

	double best = 0;
	uint64_t each = counts[stream] / cpus / BURST * BURST;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct timespec t0, t1;
		clock_gettime(CLOCK_MONOTONIC, &t0);
		run(envs, cpus, stream, round * each, (round + 1) * each);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		double s =
			(double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
		double rate = (double)(each * cpus) / s / 1e6;
		best = rate > best ? rate : best;
	}
	printf("%s %u %.1f\n", names[stream], cpus, best);
	memory_free(m);
}

int main(void)
{
	static const unsigned cpus[] = {1, 2, CPUS};
	for (enum stream stream = HITS; stream < STREAMS; stream++) {
		for (unsigned i = 0; i < 3; i++)
			measure(cpus[i], stream);
	}
	return 0;
}
