/* Tests of memory*.c: what accesses cost, level by level and between CPUs. At 1 GHz, 1 ns a cycle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hw/memory_rig.h"
#include "kern/physmem.h"

#define LINE UINT64_C(64)

static unsigned two_nodes = 2;

/* Fully associative levels of @l1 and @l2 lines of each CPU, and of @l3 lines of 4; 0: none. */
static void describe(struct rig *rig, uint64_t l1, uint64_t l2, uint64_t l3)
{
	const uint64_t lines[] = {l1, l2, l3}, latency[] = {4, 14, 40}, shared_by[] = {1, 1, 4};
	*rig = (struct rig){0};
	struct hw_machine *hw = &rig->hw;
	for (unsigned i = 0; i < 3; i++) {
		if (!lines[i])
			continue;
		hw->caches[hw->caches_count++] = (struct hw_cache){
			.size_bytes = lines[i] * LINE,
			.ways = lines[i],
			.line_bytes = LINE,
			.latency_cycles = latency[i],
			.shared_by = shared_by[i],
		};
	}
	hw->dram_latency_ns = 100;
	hw->transfer_cache_ns = 20;
	hw->transfer_node_ns = 50;
	hw->transfer_remote_ns = 150;
	hw->paging_levels = 4;
	for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
		rig->nids[cpu] = cpu / 4;
}

static void start(struct rig *rig)
{
	assert_true(rig_start(rig, RIG_CPUS, &two_nodes));
}

static void stop(struct rig *rig)
{
	char text[300] = "";
	for (unsigned cpu = 0; cpu < rig->cpus_count; cpu++)
		rig_sync(rig, cpu, 0);
	memory_check(rig->m, text, sizeof(text));
	assert_string_equal(text, "");
	memory_free(rig->m);
}

/* --- one CPU ---------------------------------------------------------------------------------- */

static void levels_cost_their_latency(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 64);
	start(&rig);
	assert_int_equal(rig_access(&rig, 0, 0, false), 100);
	assert_int_equal(rig_access(&rig, 0, 8, false), 0);
	for (unsigned i = 1; i <= 4; i++)
		rig_access(&rig, 0, i * LINE, false);
	assert_int_equal(rig_access(&rig, 0, 0, false), 14 - 4);
	for (unsigned i = 1; i <= 16; i++)
		rig_access(&rig, 0, i * LINE, false);
	assert_int_equal(rig_access(&rig, 0, 0, false), 40 - 4);
	for (unsigned i = 1; i <= 64; i++)
		rig_access(&rig, 0, i * LINE, false);
	assert_int_equal(rig_access(&rig, 0, 0, false), 100);
	const uint64_t *by = rig.envs[0].cycles_by;
	struct memory_stats s = rig_stats(&rig, 0);
	assert_int_equal(by[CAUSE_CACHE2], 10 * s.hits_count[1]);
	assert_int_equal(by[CAUSE_CACHE3], 36 * s.hits_count[2]);
	assert_int_equal(by[CAUSE_DRAM], 100 * s.dram_local_count);
	assert_int_equal(by[CAUSE_DRAM_REMOTE] + by[CAUSE_TRANSFER] + by[CAUSE_TLB], 0);
	assert_int_equal(s.translations_count, 0);
	stop(&rig);
}

/* What leaves the CPU's own levels is charged when it synchronises, and is never lost. */
static void misses_wait_for_sync(void **state)
{
	enum { LINES = 50000 };
	struct rig rig;
	describe(&rig, 4, 16, 64);
	start(&rig);
	struct env *env = &rig.envs[0];
	env_touch(env, 0, LINES * LINE, true);
	assert_true(env->memory->waiting && env->memory->pending);
	assert_int_equal(env->cycles, 0);
	rig_sync(&rig, 0, 0);
	assert_false(env->memory->waiting || env->memory->pending);
	assert_int_equal(env->cycles, UINT64_C(100) * LINES);
	assert_int_equal(rig_stats(&rig, 0).dram_local_count, LINES);
	/* All dirty lines but those that L3 has, L2's among them, went to memory. */
	assert_int_equal(rig_stats(&rig, 0).writebacks_count, LINES - 64);
	stop(&rig);
}

/* Lines that are only read need no writing back. */
static void clean_lines_are_dropped(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 64);
	start(&rig);
	env_touch(&rig.envs[0], 0, 1000 * LINE, false);
	rig_sync(&rig, 0, 0);
	assert_int_equal(rig_stats(&rig, 0).writebacks_count, 0);
	stop(&rig);
}

/* Line 0 is used all the time, so L1 keeps it; L2 never sees that, and drops it: so does L1, if L2
 * is inclusive. */
static uint64_t cost_of_a_hot_line(bool inclusive)
{
	struct rig rig;
	describe(&rig, 4, 8, 0);
	rig.hw.caches[1].inclusive = inclusive;
	start(&rig);
	uint64_t cycles = 0;
	for (unsigned i = 1; i < 100; i++) {
		cycles += rig_access(&rig, 0, 0, true);
		rig_access(&rig, 0, i * LINE, false);
	}
	stop(&rig);
	return cycles;
}

static void inclusive_levels_take_hot_lines(void **state)
{
	assert_int_equal(cost_of_a_hot_line(false), 100);
	assert_int_equal(cost_of_a_hot_line(true), 100 * 13); /* L2 of 8 lines drops it 12 times */
}

/* One CPU streams through the shared level; another's small working set suffers if inclusive. */
static uint64_t cost_beside_a_stream(bool inclusive)
{
	struct rig rig;
	describe(&rig, 4, 0, 16);
	rig.hw.caches[1].inclusive = inclusive;
	start(&rig);
	uint64_t cycles = 0;
	for (unsigned i = 0; i < 64; i++) {
		cycles += rig_access(&rig, 0, 0, false);
		rig_access(&rig, 1, (1000 + i) * LINE, false);
	}
	stop(&rig);
	return cycles;
}

static void inclusive_shared_levels_take_others_lines(void **state)
{
	assert_int_equal(cost_beside_a_stream(false), 100);
	assert_int_equal(cost_beside_a_stream(true), 100 * 4); /* once for each 16 lines */
}

/* An access of some bytes is as many accesses as lines. */
static void accesses_are_split(void **state)
{
	struct rig rig;
	describe(&rig, 16, 0, 0);
	start(&rig);
	env_touch(&rig.envs[0], 60, 8, false);
	env_touch(&rig.envs[0], 128, 1, false);
	env_touch(&rig.envs[0], 4000, 200, false);
	assert_int_equal(rig_stats(&rig, 0).accesses_count, 2 + 1 + 4);
	stop(&rig);
}

/* Without levels of its own a CPU asks the shared ones for everything. */
static void all_levels_shared(void **state)
{
	struct rig rig;
	describe(&rig, 0, 4, 16);
	rig.hw.caches[0].shared_by = 2;
	start(&rig);
	assert_int_equal(rig_access(&rig, 0, 0, true), 100);
	assert_int_equal(rig_access(&rig, 0, 0, true), 0);
	assert_int_equal(rig_access(&rig, 1, 0, true), 0);
	assert_int_equal(rig_access(&rig, 2, 0, true), 20); /* from the other first level */
	assert_int_equal(rig_access(&rig, 0, 0, false), 20);
	for (unsigned i = 1; i <= 4; i++)
		rig_access(&rig, 0, i * LINE, false);
	assert_int_equal(rig_access(&rig, 3, 0, false), 0);
	assert_int_equal(rig_stats(&rig, 1).hits_count[0], 1);
	stop(&rig);
}

/* --- several CPUs ----------------------------------------------------------------------------- */

/* Two CPUs write in turn, @apart bytes from each other; cycles of one write in the long run. */
static uint64_t writes_in_turn(unsigned other, uint64_t l3, uint64_t apart)
{
	struct rig rig;
	uint64_t cycles = 0;
	describe(&rig, 4, 16, l3);
	start(&rig);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t turn = rig_access(&rig, 0, 0, true) + rig_access(&rig, other, apart, true);
		cycles += i < 10 ? 0 : turn;
	}
	stop(&rig);
	return cycles / 20;
}

/* Two counters in one line cost a transfer each time; in two lines, nothing. */
static void false_sharing(void **state)
{
	assert_int_equal(writes_in_turn(1, 64, 8), 20);
	assert_int_equal(writes_in_turn(1, 0, 8), 50);
	assert_int_equal(writes_in_turn(4, 64, 8), 150);
	assert_int_equal(writes_in_turn(1, 64, LINE), 0);
	assert_int_equal(writes_in_turn(1, 0, LINE), 0);
	assert_int_equal(writes_in_turn(4, 64, LINE), 0);
}

/* Each reader of a written line pays a transfer, once; the next write pays the farthest of them. */
static void read_sharing(void **state)
{
	static const uint64_t expected[RIG_CPUS] = {0, 50, 50, 50, 150, 150, 150, 150};
	struct rig rig;
	describe(&rig, 4, 16, 0);
	start(&rig);
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(rig_access(&rig, 0, 0, true), round ? 150 : 100);
		assert_int_equal(rig_access(&rig, 0, 0, true), 0);
		for (unsigned cpu = 1; cpu < RIG_CPUS; cpu++) {
			assert_int_equal(rig_access(&rig, cpu, 0, false), expected[cpu]);
			assert_int_equal(rig_access(&rig, cpu, 0, false), 0);
		}
		assert_int_equal(rig_access(&rig, 0, 0, false), 0);
	}
	assert_int_equal(rig_stats(&rig, 0).upgrades_count, 2);
	/* CPU 4: the farthest is CPU 0, not the last one. */
	assert_int_equal(rig_access(&rig, 4, 0, true), 150);
	assert_int_equal(rig_stats(&rig, 3).transfers_count[1], 3);
	assert_int_equal(rig_stats(&rig, 3).invalidated_count, 2);
	assert_int_equal(rig_stats(&rig, 7).transfers_count[2], 3);
	stop(&rig);
}

/* Off: lines that nobody writes are read by all for the price of memory, and then of nothing. */
static void reading_alone_is_free(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 0);
	start(&rig);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
			assert_int_equal(rig_access(&rig, cpu, 0, false), round     ? 0
									  : cpu < 4 ? 100
										    : 200);
	}
	assert_int_equal(rig_stats(&rig, 5).dram_remote_count, 1);
	stop(&rig);
}

/* A dirty line that its writer evicted comes from the shared level it went to. */
static void written_lines_are_found_in_shared_levels(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 64);
	start(&rig);
	rig_access(&rig, 0, 0, true);
	for (unsigned i = 1; i <= 16; i++)
		rig_access(&rig, 0, i * LINE, false);
	assert_int_equal(rig_access(&rig, 1, 0, false), 40 - 4);
	assert_int_equal(rig_access(&rig, 4, 0, false), 150);
	/* A write by the other node takes it from this one's L3, too. */
	assert_int_equal(rig_access(&rig, 4, 0, true), 150);
	assert_int_equal(rig_access(&rig, 2, 0, false), 150);
	stop(&rig);
}

/* A write to a line that nobody else has is free, and the next one asks nobody. */
static void alone_writing_is_free(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 0);
	start(&rig);
	rig_access(&rig, 0, 0, false);
	struct env *env = &rig.envs[0];
	env->cycles = 0;
	env_touch(env, 0, 8, true);
	assert_true(env->memory->waiting);
	rig_sync(&rig, 0, 0);
	env_touch(env, 0, 8, true);
	assert_false(env->memory->waiting);
	assert_int_equal(env->cycles, 0);
	/* That level 1 loses it before the write is carried out makes no difference. */
	rig_access(&rig, 0, 9 * LINE, false);
	env_touch(env, 9 * LINE, 8, true);
	env->cycles = 0;
	env_touch(env, 10 * LINE, 4 * LINE, false);
	rig_sync(&rig, 0, 0);
	assert_int_equal(env->cycles, 4 * 100);
	stop(&rig);
}

/* Another's write takes effect when a CPU synchronises; till then it hits its copy. */
static void news_wait_for_sync(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 0);
	start(&rig);
	rig_access(&rig, 1, 0, false);
	rig_access(&rig, 0, 0, true);
	struct env *env = &rig.envs[1];
	assert_true(env->memory->pending && !env->memory->waiting);
	env->cycles = 0;
	env_touch(env, 0, 8, false);
	assert_false(env->memory->waiting);
	rig_sync(&rig, 1, 0);
	env_touch(env, 0, 8, false);
	assert_true(env->memory->waiting);
	rig_sync(&rig, 1, 0);
	assert_int_equal(env->cycles, 50);
	/* CPUs that touched nothing have no news. */
	assert_false(rig.envs[2].memory->pending);
	stop(&rig);
}

/* Both write before either synchronises: the later to do so takes the line from the other. */
static void concurrent_writes(void **state)
{
	struct rig rig;
	describe(&rig, 4, 16, 0);
	start(&rig);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		rig_access(&rig, cpu, 0, false);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		rig.envs[cpu].cycles = 0;
		env_touch(&rig.envs[cpu], 0, 8, true);
	}
	rig_sync(&rig, 0, 0);
	rig_sync(&rig, 1, 0);
	assert_int_equal(rig.envs[0].cycles, 50); /* 1 had a copy */
	assert_int_equal(rig.envs[1].cycles, 50); /* which was lost, and had to be fetched */
	assert_int_equal(rig_access(&rig, 0, 0, true), 50);
	stop(&rig);
}

/* --- DRAM ------------------------------------------------------------------------------------- */

static void remote_memory_is_farther(void **state)
{
	static const uint64_t distances[] = {10, 21, 21, 10};
	struct rig rig;
	describe(&rig, 4, 16, 64);
	memcpy(rig.hw.distances, distances, sizeof(distances));
	rig.hw.distances_count = 4;
	start(&rig);
	assert_int_equal(rig_access(&rig, 0, 0, false), 100);
	assert_int_equal(rig_access(&rig, 4, 4096, false), 210);
	assert_int_equal(rig_access(&rig, 0, RIG_NODE_BYTES, false), 210);
	assert_int_equal(rig_access(&rig, 4, RIG_NODE_BYTES + 4096, false), 100);
	/* Metadata of frames lies with the frames. */
	pfn_t pfn = RIG_NODE_BYTES >> PAGE_SHIFT;
	assert_int_equal(rig_access(&rig, 4, page_meta_paddr(pfn), false), 100);
	assert_int_equal(rig_access(&rig, 4, page_meta_paddr(pfn - 2), false), 210);
	assert_int_equal(rig.envs[0].cycles_by[CAUSE_DRAM], 100);
	assert_int_equal(rig.envs[0].cycles_by[CAUSE_DRAM_REMOTE], 210);
	stop(&rig);
}

/* Read @lines lines of node 0 on each of @cpus CPUs at once; the longest that one of them takes. */
static uint64_t stream(uint64_t bytes_per_s, unsigned cpus, uint64_t lines, bool write)
{
	struct rig rig;
	uint64_t longest = 0;
	describe(&rig, 4, 0, 0);
	rig.hw.dram_latency_ns = 1;
	rig.hw.dram_bytes_per_s = bytes_per_s;
	start(&rig);
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		env_touch(&rig.envs[cpu], cpu * 4096 * LINE, lines * LINE, write);
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		rig_sync(&rig, cpu, 0);
		longest = u64_max(longest, rig.envs[cpu].cycles);
	}
	stop(&rig);
	return longest;
}

static void bandwidth_is_shared(void **state)
{
	/* 6.4 GB/s: 10 ns a line. The last line starts after all others, and takes the latency. */
	assert_int_equal(stream(UINT64_C(6400000000), 1, 1000, false), 999 * 10 + 1);
	assert_int_equal(stream(UINT64_C(6400000000), 4, 1000, false), 3999 * 10 + 1);
	/* 3 GB/s: 21.3 ns, added up without loss; each wait is rounded to cycles. */
	uint64_t cycles = stream(UINT64_C(3000000000), 1, 3000, false);
	assert_true(cycles >= 63957 && cycles <= 63999);
	/* What is written back takes its time, too: all but what the cache holds. */
	assert_true(stream(UINT64_C(6400000000), 1, 1000, true) >= (1000 + 996) * 10 - 40);
	/* Off: latencies alone. */
	assert_int_equal(stream(0, 4, 1000, false), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_cost_their_latency),
		cmocka_unit_test(misses_wait_for_sync),
		cmocka_unit_test(clean_lines_are_dropped),
		cmocka_unit_test(inclusive_levels_take_hot_lines),
		cmocka_unit_test(inclusive_shared_levels_take_others_lines),
		cmocka_unit_test(accesses_are_split),
		cmocka_unit_test(all_levels_shared),
		cmocka_unit_test(false_sharing),
		cmocka_unit_test(read_sharing),
		cmocka_unit_test(reading_alone_is_free),
		cmocka_unit_test(written_lines_are_found_in_shared_levels),
		cmocka_unit_test(alone_writing_is_free),
		cmocka_unit_test(news_wait_for_sync),
		cmocka_unit_test(concurrent_writes),
		cmocka_unit_test(remote_memory_is_farther),
		cmocka_unit_test(bandwidth_is_shared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
