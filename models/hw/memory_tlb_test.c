/*
 * memory_tlb_test.c - what translations cost, as memory.c charges what tlb.c answers.
 *
 * An access that misses level 1 with probability m1 and level 2 with m2 costs m1 * level2 + m2 *
 * walk cycles on average: who needs a walk has waited for level 2 before.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hw/memory_rig.h"
#include "kern/rng.h"

#define SAMPLES 200000
#define LEVEL2  9
#define WALK    30

#define SIZE_4K (1u << HW_PAGE_4K)
#define SIZE_2M (1u << HW_PAGE_2M)

static struct rig *start(enum hw_page direct_map_page, unsigned tlbs_count)
{
	static unsigned nodes = 1;
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	rig->hw = (struct hw_machine){
		.caches = {{"L1", 4096, 8, 64, 4, 1, HW_LRU, false}},
		.caches_count = 1,
		.tlbs = {{1, 64, 4, SIZE_4K, false},
			 {1, 32, 4, SIZE_2M, false},
			 {2, 1536, 12, SIZE_4K | SIZE_2M, false}},
		.tlbs_count = tlbs_count,
		.tlb_hit2_cycles = LEVEL2,
		.walk_cycles = WALK,
		.paging_levels = 4,
		.direct_map_page = direct_map_page,
		.dram_latency_ns = 100,
	};
	assert_true(rig_start(rig, 1, &nodes));
	return rig;
}

static void stop(struct rig *rig)
{
	memory_free(rig->m);
	free(rig);
}

static void check(const struct rig *rig)
{
	char text[256] = "";
	if (memory_check(rig->m, text, sizeof(text)))
		fail_msg("%s", text);
}

/* Cycles of an access to @bytes at random through the direct map, warm. */
static double direct_map_cycles(enum hw_page page, unsigned tlbs_count, uint64_t bytes)
{
	struct rig *rig = start(page, tlbs_count);
	struct rng rng;
	uint64_t warm = 0;
	rng_init(&rng, 12, 0);
	for (unsigned i = 0; i < 2 * SAMPLES; i++) {
		if (i == SAMPLES)
			warm = rig_stats(rig, 0).cycles[CAUSE_TLB];
		rig_access(rig, 0, rng_below(&rng, bytes / 8) * 8, false);
	}
	double cycles = (double)(rig_stats(rig, 0).cycles[CAUSE_TLB] - warm) / SAMPLES;
	check(rig);
	stop(rig);
	return cycles;
}

static void assert_within(double value, double expected)
{
	if (fabs(value / expected - 1) > 0.02)
		fail_msg("%.9g, expected %.9g", value, expected);
}

/* O12.extra_cycles_per_access: 128 MiB. Off: 4 MiB, with and without level 2. */
static void direct_map(void **state)
{
	assert_within(direct_map_cycles(HW_PAGE_4K, 3, UINT64_C(128) << 20), 37.576171875);
	assert_within(direct_map_cycles(HW_PAGE_2M, 3, UINT64_C(128) << 20), 4.5);
	assert_within(direct_map_cycles(HW_PAGE_4K, 3, UINT64_C(4) << 20), LEVEL2 * 15 / 16.0);
	assert_within(direct_map_cycles(HW_PAGE_4K, 2, UINT64_C(4) << 20), WALK * 15 / 16.0);
}

/* Walk 0x1000 of space 1 and let the TLB have it. */
static void walk(struct rig *rig, uint32_t space, bool writable)
{
	const uint64_t entries[] = {0x10000, 0x11000, 0x12000, 0x13000};
	const struct tlb_entry entry = {.vaddr = 0x1000,
					.space = space,
					.page = HW_PAGE_4K,
					.pfn = 7,
					.writable = writable};
	memory_walked(&rig->envs[0], space, 0x1000, entries, 4, &entry);
}

/* What memory_translate charges for each answer, and what is counted. */
static void answers(void **state)
{
	struct rig *rig = start(HW_PAGE_2M, 3);
	struct env *env = &rig->envs[0];
	struct tlb_entry found;
	assert_false(memory_translate(env, 1, 0x1000, false, &found));
	assert_int_equal(env->cycles, LEVEL2);
	walk(rig, 1, false);
	assert_int_equal(env->cycles, LEVEL2 + WALK);
	assert_true(memory_translate(env, 1, 0x1000, false, &found));
	assert_int_equal(found.pfn, 7);
	assert_int_equal(env->cycles, LEVEL2 + WALK);
	/* Written, but read-only: gone, until a walk finds that it may be. */
	assert_false(memory_translate(env, 1, 0x1000, true, &found));
	assert_false(memory_translate(env, 1, 0x1000, false, &found));
	walk(rig, 1, true);
	assert_true(memory_translate(env, 1, 0x1000, true, &found));
	assert_int_equal(env->cycles, 3 * LEVEL2 + 2 * WALK);
	memory_flush_all(env, 1);
	assert_false(memory_translate(env, 1, 0x1000, false, &found));
	struct memory_stats s = rig_stats(rig, 0);
	assert_int_equal(s.translations_count, 6);
	assert_int_equal(s.tlb_hits_count[0], 2);
	assert_int_equal(s.tlb_hits_count[1], 0);
	assert_int_equal(s.walks_count, 2);
	stop(rig);
}

/* A global entry that is read-only goes for a writer of any space. */
static void global_read_only(void **state)
{
	struct rig *rig = start(HW_PAGE_2M, 3);
	struct env *env = &rig->envs[0];
	struct tlb_entry found;
	walk(rig, SPACE_KERNEL, false);
	assert_true(memory_translate(env, 5, 0x1000, false, &found));
	assert_false(memory_translate(env, 5, 0x1000, true, &found));
	assert_false(memory_translate(env, 5, 0x1000, false, &found));
	stop(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct_map),
		cmocka_unit_test(answers),
		cmocka_unit_test(global_read_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
