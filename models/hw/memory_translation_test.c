/* Tests of memory.c: TLBs, page walks and flushes as accesses meet them, and what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hw/memory_rig.h"
#include "kern/physmem.h"

#define MIB    UINT64_C(0x100000)
#define LEVEL2 7  /* cycles of looking level 2 up */
#define MISS   37 /* those, and a walk of 30 */

static unsigned one_node = 1;

/* TLBs of 4 and 16 entries for pages of 4 KiB and 2 MiB; a cache of 64 KiB; DRAM of 100 ns. */
static void start(struct rig *rig, enum hw_page page, uint64_t walk_cycles)
{
	*rig = (struct rig){0};
	struct hw_machine *hw = &rig->hw;
	hw->caches[0] = (struct hw_cache){"L1", 64 << 10, 1024, 64, 4, 1, HW_LRU, false};
	hw->caches_count = 1;
	hw->tlbs[0] = (struct hw_tlb){1, 4, 4, 3, false};
	hw->tlbs[1] = (struct hw_tlb){2, 16, 16, 3, false};
	hw->tlbs_count = 2;
	hw->tlb_hit2_cycles = LEVEL2;
	hw->walk_cycles = walk_cycles;
	hw->paging_levels = 4;
	hw->direct_map_page = page;
	hw->dram_latency_ns = 100;
	hw->tlb_flush_page_cycles = 200;
	hw->tlb_flush_all_cycles = 500;
	assert_true(rig_start(rig, 1, &one_node));
}

static void stop(struct rig *rig)
{
	char text[300] = "";
	memory_check(rig->m, text, sizeof(text));
	assert_string_equal(text, "");
	memory_free(rig->m);
}

/* Touch the pages of [0, @pages) in turn; what that costs besides the caches. */
static uint64_t touch_pages(struct rig *rig, uint64_t pages, uint64_t page_bytes)
{
	uint64_t before = rig->envs[0].cycles_by[CAUSE_TLB];
	for (uint64_t i = 0; i < pages; i++)
		rig_access(rig, 0, i * page_bytes, false);
	return rig->envs[0].cycles_by[CAUSE_TLB] - before;
}

static void misses_and_second_level_hits_cost(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_4K, 30);
	assert_int_equal(touch_pages(&rig, 4, PAGE_BYTES), 4 * MISS);
	assert_int_equal(touch_pages(&rig, 4, PAGE_BYTES), 0);
	assert_int_equal(touch_pages(&rig, 16, PAGE_BYTES), 12 * MISS);
	/* In turn: LRU has lost them all from level 1. */
	assert_int_equal(touch_pages(&rig, 16, PAGE_BYTES), 16 * LEVEL2);
	assert_int_equal(touch_pages(&rig, 17, PAGE_BYTES), 16 * LEVEL2 + MISS);
	assert_int_equal(touch_pages(&rig, 17, PAGE_BYTES), 17 * MISS);
	struct memory_stats s = rig_stats(&rig, 0);
	assert_int_equal(s.translations_count, 4 + 4 + 16 + 16 + 17 + 17);
	assert_int_equal(s.tlb_hits_count[0], 4 + 4);
	assert_int_equal(s.tlb_hits_count[1], 16 + 16);
	assert_int_equal(s.walks_count, 4 + 12 + 1 + 17);
	assert_int_equal(s.cycles[CAUSE_TLB], rig.envs[0].cycles_by[CAUSE_TLB]);
	stop(&rig);
}

/* The same with huge pages: 16 of them reach 512 times as far. */
static void huge_pages_reach_farther(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_2M, 30);
	assert_int_equal(touch_pages(&rig, 4 * 512, PAGE_BYTES), 4 * MISS);
	assert_int_equal(touch_pages(&rig, 4, 2 * MIB), 0);
	stop(&rig);
}

/* Reading memory in order, line by line: a walk for each page, so for each 64 or 32768 lines. */
static void sequential_walks(void **state)
{
	for (enum hw_page page = HW_PAGE_4K; page <= HW_PAGE_2M; page++) {
		struct rig rig;
		start(&rig, page, 30);
		env_touch(&rig.envs[0], 0, 4 * MIB, false);
		rig_sync(&rig, 0, 0);
		struct memory_stats s = rig_stats(&rig, 0);
		assert_int_equal(s.accesses_count, 65536);
		assert_int_equal(s.translations_count, 65536);
		assert_int_equal(s.walks_count, page == HW_PAGE_4K ? 1024 : 2);
		stop(&rig);
	}
}

/* Walks read the entries through the caches: cold ones from memory, neighbours' from L1. */
static void walks_read_entries(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_4K, HW_AUTO);
	struct env *env = &rig.envs[0];
	assert_int_equal(rig_access(&rig, 0, 0, false), LEVEL2 + 5 * 100);
	assert_int_equal(env->cycles_by[CAUSE_WALK], 4 * 100);
	/* Upper entries are the same, and the PTE is in the same line: level-1 hits in full. */
	assert_int_equal(rig_access(&rig, 0, PAGE_BYTES, false), LEVEL2 + 4 * 4 + 100);
	/* Eight PTEs on, another line. */
	assert_int_equal(rig_access(&rig, 0, 8 * PAGE_BYTES, false),
			 LEVEL2 + 3 * 4 + 2 * 100);
	assert_int_equal(env->cycles_by[CAUSE_TLB], 3 * LEVEL2);
	assert_int_equal(rig_stats(&rig, 0).walk_refs_count, 12);
	assert_int_equal(rig_stats(&rig, 0).accesses_count, 12 + 3);
	/* Metadata is mapped with pages of 2 MiB: three entries, the first is known. */
	uint64_t walk = env->cycles_by[CAUSE_WALK];
	rig_access(&rig, 0, page_meta_paddr(0), false);
	rig_access(&rig, 0, page_meta_paddr(0) + MIB, false);
	assert_int_equal(rig_stats(&rig, 0).walk_refs_count, 12 + 3);
	assert_int_equal(env->cycles_by[CAUSE_WALK] - walk, 3 * 100);
	stop(&rig);
}

/* Paging-structure caches leave one entry to read. */
static void skipped_entries_are_not_read(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_4K, HW_AUTO);
	memory_free(rig.m);
	rig.hw.pwc_pde_entries = 4;
	assert_true(rig_start(&rig, 1, &one_node));
	rig_access(&rig, 0, 0, false);
	assert_int_equal(rig_access(&rig, 0, PAGE_BYTES, false), LEVEL2 + 4 + 100);
	assert_int_equal(rig_stats(&rig, 0).walk_refs_count, 4 + 1);
	stop(&rig);
}

/* Memory ends inside the huge page in which metadata begins: each has its own translation. */
static void memory_and_metadata_are_apart(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_2M, 30);
	rig_access(&rig, 0, PAGE_META_PADDR - 64, false);
	rig_access(&rig, 0, PAGE_META_PADDR, false);
	assert_int_equal(rig_stats(&rig, 0).walks_count, 2);
	env_touch(&rig.envs[0], PAGE_META_PADDR - 8, 16, false);
	assert_int_equal(rig_stats(&rig, 0).walks_count, 2);
	assert_int_equal(rig_stats(&rig, 0).translations_count, 4);
	rig_sync(&rig, 0, 0);
	stop(&rig);
}

/* What models/mm does for an address space: look up, walk, look up again; rights; flushes. */
static void address_spaces(void **state)
{
	static const uint64_t entries[] = {0x10000, 0x11000, 0x12000, 0x13000};
	const uint64_t vaddr = 0x400000;
	struct tlb_entry entry = {vaddr, 1, HW_PAGE_4K, 77, false}, found;
	struct rig rig;
	start(&rig, HW_PAGE_4K, 30);
	struct env *env = &rig.envs[0];
	assert_false(memory_translate(env, 1, vaddr + 5, false, &found));
	memory_walked(env, 1, vaddr + 5, entries, 4, NULL);
	assert_false(memory_translate(env, 1, vaddr + 5, false, &found)); /* nothing was found */
	memory_walked(env, 1, vaddr + 5, entries, 4, &entry);
	assert_true(memory_translate(env, 1, vaddr + 9, false, &found));
	assert_int_equal(found.pfn, 77);
	assert_false(memory_translate(env, 2, vaddr, false, &found));
	assert_int_equal(env->cycles, 3 * LEVEL2 + 2 * 30);
	/* A write drops the entry that forbids it. */
	assert_false(memory_translate(env, 1, vaddr, true, &found));
	assert_false(memory_translate(env, 1, vaddr, false, &found));
	entry.writable = true;
	memory_walked(env, 1, vaddr, entries, 4, &entry);
	assert_true(memory_translate(env, 1, vaddr, true, &found));
	/* Flushes: one page, or all of the space, or all there is. */
	memory_flush_pages(env, 1, vaddr - PAGE_BYTES, 3, HW_PAGE_4K);
	assert_int_equal(env->cycles_by[CAUSE_FLUSH], 3 * 200);
	assert_false(memory_translate(env, 1, vaddr, false, &found));
	memory_walked(env, 1, vaddr, entries, 4, &entry);
	memory_flush_all(env, 2);
	assert_true(memory_translate(env, 1, vaddr, false, &found));
	memory_flush_all(env, 1);
	assert_false(memory_translate(env, 1, vaddr, false, &found));
	assert_int_equal(env->cycles_by[CAUSE_FLUSH], 3 * 200 + 2 * 500);
	assert_int_equal(rig_stats(&rig, 0).tlb_flushed_pages_count, 3);
	assert_int_equal(rig_stats(&rig, 0).tlb_flushes_count, 2);
	stop(&rig);
}

/*
 * A walk that ends at an empty entry has found the tables above, and caches no more than these: the
 * first in 512 GiB ends in the root, the next one there reads it again.
 */
static void empty_entries_are_not_cached(void **state)
{
	static const uint64_t entries[] = {0x10000, 0x11000, 0x12000, 0x13000};
	static const struct {
		unsigned found, refs; /* entries of the first walk; what the second one reads */
	} rows[] = {{1, 4}, {2, 3}, {3, 2}, {4, 1}};
	const struct tlb_entry entry = {0x400000, 1, HW_PAGE_4K, 77, true};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		start(&rig, HW_PAGE_4K, 30);
		memory_free(rig.m);
		rig.hw.pwc_pde_entries = rig.hw.pwc_pdpte_entries = rig.hw.pwc_pml4e_entries = 4;
		assert_true(rig_start(&rig, 1, &one_node));
		memory_walked(&rig.envs[0], 1, 0x400000, entries, rows[i].found, NULL);
		assert_int_equal(rig_stats(&rig, 0).walk_refs_count, rows[i].found);
		memory_walked(&rig.envs[0], 1, 0x400000, entries, 4, &entry);
		assert_int_equal(rig_stats(&rig, 0).walk_refs_count, rows[i].found + rows[i].refs);
		stop(&rig);
	}
}

/* The direct map's entries are global: they stay when a space is flushed, not when all is. */
static void flushes_reach_the_direct_map(void **state)
{
	struct rig rig;
	start(&rig, HW_PAGE_2M, 30);
	struct env *env = &rig.envs[0];
	assert_int_equal(touch_pages(&rig, 1, 0), MISS);
	memory_flush_all(env, 1);
	assert_int_equal(touch_pages(&rig, 1, 0), 0);
	memory_flush_all(env, SPACE_KERNEL);
	assert_int_equal(touch_pages(&rig, 1, 0), MISS);
	memory_flush_pages(env, SPACE_KERNEL, UINT64_C(0xffff888000000000), 1, HW_PAGE_2M);
	assert_int_equal(touch_pages(&rig, 1, 0), MISS);
	stop(&rig);
}

/* Off: a machine without TLBs translates for nothing. */
static void without_tlbs(void **state)
{
	struct tlb_entry found;
	struct rig rig;
	start(&rig, HW_PAGE_4K, 30);
	memory_free(rig.m);
	rig.hw.tlbs_count = 0;
	assert_true(rig_start(&rig, 1, &one_node));
	struct env *env = &rig.envs[0];
	assert_int_equal(touch_pages(&rig, 100, PAGE_BYTES), 0);
	uint64_t cycles = env->cycles;
	assert_false(memory_translate(env, 1, 0, false, &found));
	memory_walked(env, 1, 0, (const uint64_t[]){0}, 1, NULL);
	memory_flush_pages(env, 1, 0, 5, HW_PAGE_4K);
	memory_flush_all(env, 1);
	assert_true(env->cycles == cycles);
	assert_int_equal(rig_stats(&rig, 0).translations_count, 0);
	stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misses_and_second_level_hits_cost),
		cmocka_unit_test(huge_pages_reach_farther),
		cmocka_unit_test(sequential_walks),
		cmocka_unit_test(walks_read_entries),
		cmocka_unit_test(skipped_entries_are_not_read),
		cmocka_unit_test(memory_and_metadata_are_apart),
		cmocka_unit_test(address_spaces),
		cmocka_unit_test(empty_entries_are_not_cached),
		cmocka_unit_test(flushes_reach_the_direct_map),
		cmocka_unit_test(without_tlbs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
