/* Tests of memory_check.c: each invariant, broken on purpose, is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hw/memory_rig.h"
#include "hw/tlb_impl.h"

static unsigned one_node = 1;

/* Two CPUs with two levels each, the second inclusive, and an inclusive one for both. */
static void start(struct rig *rig)
{
	*rig = (struct rig){0};
	struct hw_machine *hw = &rig->hw;
	hw->caches[0] = (struct hw_cache){"L1", 4 << 6, 2, 64, 4, 1, HW_LRU, false};
	hw->caches[1] = (struct hw_cache){"L2", 16 << 6, 4, 64, 14, 1, HW_LRU, true};
	hw->caches[2] = (struct hw_cache){"L3", 64 << 6, 8, 64, 40, 2, HW_PLRU, true};
	hw->caches_count = 3;
	hw->tlbs[0] = (struct hw_tlb){1, 4, 4, 1, false};
	hw->tlbs_count = 1;
	hw->paging_levels = 4;
	assert_true(rig_start(rig, 2, &one_node));
	for (uint64_t line = 0; line < 100; line++) {
		for (unsigned cpu = 0; cpu < 2; cpu++)
			rig_access(rig, cpu, line % 40 * 64, line % 3 == cpu);
	}
	rig_access(rig, 0, 0, true);  /* exclusive to CPU 0 */
	rig_access(rig, 1, 64, true); /* owned by CPU 1, CPU 0 has it, too */
	rig_access(rig, 0, 64, false);
	rig_sync(rig, 1, 0);
	char text[300] = "";
	memory_check(rig->m, text, sizeof(text));
	assert_string_equal(text, "");
}

static void assert_names(struct rig *rig, const char *what)
{
	char text[300] = "";
	assert_int_equal(memory_check(rig->m, text, sizeof(text)), -1);
	assert_non_null(strstr(text, what));
	memory_free(rig->m);
}

static void m1_directory_and_own_levels_agree(void **state)
{
	struct rig rig;
	uint8_t flags;
	start(&rig);
	entry_drop(directory_find(&rig.m->dir, 1), 0);
	assert_names(&rig, "M1: CPU 0 has line 1");
	start(&rig);
	for (unsigned level = 0; level < 2; level++)
		cache_remove(rig.m->cpus[0].own[level], 0);
	assert_names(&rig, "M1: CPU 0 has");
	start(&rig);
	cache_remove(rig.m->cpus[0].own[0], 1);
	cache_insert(rig.m->cpus[0].own[0], 1001, 0, &flags);
	cache_remove(rig.m->cpus[0].own[1], 5);
	cache_insert(rig.m->cpus[0].own[1], 1001, 0, &flags);
	assert_names(&rig, "M1: CPU 0 has line 3e9");
	start(&rig);
	directory_get(&rig.m->dir, 12345);
	assert_names(&rig, "M1: line 3039 of the directory has no holder");
}

static void m1_waits_for_pending_work(void **state)
{
	struct rig rig;
	char text[300];
	start(&rig);
	env_touch(&rig.envs[0], 70 * 64, 8, true);
	assert_null(directory_find(&rig.m->dir, 70));
	assert_int_equal(memory_check(rig.m, text, sizeof(text)), 0);
	rig.envs[0].memory->pending = false;
	assert_names(&rig, "M1: CPU 0 has line 46");
}

static void m2_owners(void **state)
{
	struct rig rig;
	start(&rig);
	*cache_peek(rig.m->cpus[0].own[0], 1) |= LINE_EXCLUSIVE;
	assert_names(&rig, "M2: CPU 0, level 1: line 1 is exclusive");
	start(&rig);
	*cache_peek(rig.m->cpus[0].own[0], 0) &= (uint8_t)~LINE_EXCLUSIVE;
	assert_names(&rig, "M2: CPU 0, level 1: line 0 is exclusive");
	start(&rig);
	*cache_peek(rig.m->cpus[0].own[0], 1) |= LINE_DIRTY;
	assert_names(&rig, "M2: CPU 0: line 1 is dirty");
	start(&rig);
	directory_find(&rig.m->dir, 1)->exclusive = true;
	*cache_peek(rig.m->cpus[1].own[0], 1) |= LINE_EXCLUSIVE;
	*cache_peek(rig.m->cpus[1].own[1], 1) |= LINE_EXCLUSIVE;
	assert_names(&rig, "M2: line 1 is exclusive to CPU 1, but 0 holds it");
	start(&rig);
	struct directory_entry *e = directory_find(&rig.m->dir, 39);
	e->owner = entry_has(e, 0) ? 1 : 0;
	entry_drop(e, e->owner);
	for (unsigned level = 0; level < 2; level++)
		cache_remove(rig.m->cpus[e->owner].own[level], 39);
	assert_names(&rig, "of line 27 does not hold it");
	start(&rig);
	e = directory_find(&rig.m->dir, 0);
	e->owner = rig.m->first_place[2];
	for (unsigned level = 0; level < 2; level++)
		*cache_peek(rig.m->cpus[0].own[level], 0) = 0;
	assert_names(&rig, "M2: line 0 is exclusive, but to no CPU");
}

static void m3_inclusion(void **state)
{
	struct rig rig;
	start(&rig);
	cache_remove(rig.m->cpus[0].own[1], 0);
	assert_names(&rig, "M3: CPU 0: line 0 of level 1 is not in level 2");
	start(&rig);
	unsigned place = rig.m->first_place[2];
	cache_remove(shared_cache(rig.m, place), 0);
	entry_drop(directory_find(&rig.m->dir, 0), place);
	assert_names(&rig, "M3: line 0 of holder 0 is not in level 3");
}

static void m4_caches_and_tlbs(void **state)
{
	struct rig rig;
	start(&rig);
	struct cache *c = rig.m->cpus[1].own[0];
	c->tags[1] = c->tags[0];
	assert_names(&rig, "M4: CPU 1, level 1: C2");
	start(&rig);
	c = shared_cache(rig.m, rig.m->first_place[2]);
	c->recent[3] = 8;
	assert_names(&rig, "M4: shared cache 2: C4");
	start(&rig);
	uint8_t flags;
	c = shared_cache(rig.m, rig.m->first_place[2]);
	cache_remove(c, 0);
	assert_names(&rig, "M4: shared cache 2 has");
	start(&rig);
	c = shared_cache(rig.m, rig.m->first_place[2]);
	cache_insert(c, 1000, 0, &flags);
	assert_names(&rig, "M4: line 3e8 of shared cache 2 is not in the directory");
	start(&rig);
	rig.m->cpus[0].tlb->arrays[0].live_count[HW_PAGE_4K]++;
	assert_names(&rig, "M4: CPU 0, TLB: ");
}

static void m5_counts_add_up(void **state)
{
	struct rig rig;
	start(&rig);
	rig.m->cpus[1].stats.dram_local_count++;
	assert_names(&rig, "M5: CPU 1: ");
	start(&rig);
	rig.m->cpus[0].stats.accesses_count++;
	rig.m->cpus[0].missed_first_count++;
	assert_names(&rig, "M5: CPU 0: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m1_directory_and_own_levels_agree),
		cmocka_unit_test(m1_waits_for_pending_work),
		cmocka_unit_test(m2_owners),
		cmocka_unit_test(m3_inclusion),
		cmocka_unit_test(m4_caches_and_tlbs),
		cmocka_unit_test(m5_counts_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
