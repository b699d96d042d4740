/*
 * vmalloc against kmalloc over real page tables and TLBs (O16), and the kernel's map by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/kmalloc.h"
#include "alloc/object_allocator.h"
#include "alloc/vmalloc.h"
#include "kern/child_program.h"
#include "mm/mm_rig.h"

#define PAGE  UINT64_C(4096)
#define MiB   (UINT64_C(1) << 20)
#define BYTES 1052672u /* 1 MiB + 4 KiB */

static const unsigned cpu_nid[OP_CPUS];

struct rig {
	struct mm_rig r;
	struct kernel_map map;
	struct vmalloc *v;
};

static void rig_init(struct rig *g, uint64_t start, bool guard, bool huge)
{
	mm_rig_init(&g->r, 8192, true);
	const struct kernel_map_params map = {
		.pa = &g->r.pa, .hw = &g->r.hw, .cpus_count = OP_CPUS, .cpu_nid = cpu_nid};
	assert_int_equal(kernel_map_init(&g->map, &map, g->r.env), 0);
	const struct vmalloc_params params = {
		.pa = &g->r.pa,
		.mapper = &g->map.mapper,
		.cpus_count = OP_CPUS,
		.start = start,
		.end = VMALLOC_END,
		.guard = guard,
		.huge = huge,
		.lazy_max_pages = UINT64_MAX,
	};
	g->v = vmalloc_new(&params);
	assert_non_null(g->v);
}

static void check(struct rig *g)
{
	struct check_report report;
	if (vmalloc_check(g->v, &report) != 0 ||
	    pagetable_check(&g->map.pt, NULL, NULL, &report) != 0)
		fail_msg("%s", report.text);
}

static void rig_release(struct rig *g)
{
	check(g);
	vmalloc_free_all(g->v);
	kernel_map_release(&g->map, g->r.env);
	mm_rig_release(&g->r);
}

/* Touching memory costs nothing. */
static void rig_init_without_memory(struct rig *g, uint64_t start)
{
	rig_init(g, start, true, false);
	for (unsigned cpu = 0; cpu < OP_CPUS; cpu++)
		g->r.m.env[cpu].memory = NULL;
}

static void rig_release_without_memory(struct rig *g)
{
	for (unsigned cpu = 0; cpu < OP_CPUS; cpu++)
		g->r.m.env[cpu].memory = memory_of_cpu(g->r.memory, cpu);
	rig_release(g);
}

static uint64_t take(struct rig *g, uint64_t bytes)
{
	enum alloc_failure why;
	return vmalloc_alloc(g->v, g->r.env, bytes, GFP_KERNEL, 0, &why);
}

/* Read a word of every page; returns how many page walks that took. */
static uint64_t walks(struct rig *g, uint64_t vaddr, uint64_t bytes)
{
	struct memory_stats before, after;
	memory_stats(g->r.memory, 0, &before);
	for (uint64_t at = 0; at < bytes; at += PAGE)
		assert_true(kernel_map_access(&g->map, g->r.env, vaddr + at, 8, false));
	memory_stats(g->r.memory, 0, &after);
	return after.walks_count - before.walks_count;
}

/* O16.vmalloc_1M4K: entries, tables, TLB. With huge pages: 4 MiB of memory, but 2 walks. */
static void one_mib_and_a_page(void **state)
{
	static const struct {
		uint64_t start;
		bool huge;
		uint64_t bytes, entries[2], tables, walks;
	} rows[] = {
		{VMALLOC_START, false, BYTES, {257, 0}, 1, 257},
		{VMALLOC_START + MiB, false, BYTES, {257, 0}, 2, 257},
		{VMALLOC_START, true, 3 * MiB, {2, 2}, 1, 2}, /* the page array takes two */
		{VMALLOC_START, false, 3 * MiB, {770, 0}, 2, 768},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig g;
		rig_init(&g, rows[i].start, true, rows[i].huge);
		uint64_t at = take(&g, rows[i].bytes);
		assert_true(at >= rows[i].start);
		check(&g);
		assert_int_equal(g.map.pt.mapped_count[HW_PAGE_4K], rows[i].entries[0]);
		assert_int_equal(g.map.pt.mapped_count[HW_PAGE_2M], rows[i].entries[1]);
		assert_int_equal(g.map.pt.tables_count[0], rows[i].tables);
		assert_int_equal(walks(&g, at, rows[i].bytes), rows[i].walks);
		vmalloc_free(g.v, g.r.env, at);
		vmalloc_purge(g.v, g.r.env);
		rig_release(&g);
	}
}

/* Read a word of every page through the direct map; returns how many page walks that took. */
static uint64_t direct_walks(struct rig *g, uint64_t paddr, uint64_t bytes)
{
	struct memory_stats before, after;
	memory_flush_all(g->r.env, SPACE_KERNEL);
	memory_stats(g->r.memory, 0, &before);
	for (uint64_t at = 0; at < bytes; at += PAGE)
		env_touch(g->r.env, paddr + at, 8, false);
	memory_stats(g->r.memory, 0, &after);
	return after.walks_count - before.walks_count;
}

/*
 * O16.kmalloc_1M4K: a block of order 9, no entries; through the direct map, one TLB entry. Off: a
 * page less is a power of two, and wastes nothing; a direct map of base pages, an entry for each.
 */
static void kmalloc_of_the_same(void **state)
{
	struct rig g;
	struct kmalloc km;
	struct err err = {0};
	enum alloc_failure why;
	rig_init(&g, VMALLOC_START, true, false);
	const struct object_allocator_params params = {
		.pm = &g.r.m.pm,
		.pa = g.r.m.pa,
		.cpus_count = OP_CPUS,
		.cpu_nid = cpu_nid,
		.max_order = 3,
		.min_objects = SLAB_AUTO,
		.cpu_partial_objects = SLAB_AUTO,
		.min_partial_slabs = SLAB_AUTO,
	};
	struct object_allocator *oa = object_allocator_find("slub")->new (&params, &err);
	assert_non_null(oa);
	const struct kmalloc_params km_params = {.oa = oa};
	assert_int_equal(kmalloc_init(&km, &km_params, &err), 0);
	assert_int_equal(kmalloc_given_bytes(&km, BYTES), PAGE << 9);
	assert_int_equal(kmalloc_given_bytes(&km, BYTES) - BYTES, 1044480);
	uint64_t paddr = kmalloc_alloc(&km, g.r.env, BYTES, GFP_KERNEL, 0, &why);
	assert_true(paddr != OBJECT_NONE);
	assert_int_equal(g.map.pt.mapped_count[HW_PAGE_4K], 0);
	assert_int_equal(direct_walks(&g, paddr, BYTES), 1);
	g.r.hw.direct_map_page = HW_PAGE_4K;
	assert_int_equal(direct_walks(&g, paddr, BYTES), 257);
	assert_int_equal(kmalloc_given_bytes(&km, BYTES - PAGE), BYTES - PAGE);
	kmalloc_free(&km, g.r.env, paddr);
	kmalloc_release(&km);
	oa->ops->free(oa);
	rig_release(&g);
}

/*
 * O16.cost_ns: 150 a page, 30 an entry, 400 a table, of which 250 are clearing it. Off: entries and
 * clearing are free, and it is 257 pages, one for the array and 4 tables.
 */
static void cost(void **state)
{
	struct rig g;
	uint32_t costs[COST_KINDS] = {[COST_ALLOC] = 150, [COST_PTE] = 30, [COST_ZERO_PAGE] = 250};
	enum alloc_failure why;
	rig_init_without_memory(&g, VMALLOC_START + MiB);
	g.r.env->cost_cycles = costs;
	uint64_t before = g.r.env->cycles;
	uint64_t at = take(&g, BYTES);
	assert_in_range(g.r.env->cycles - before, 47060 * 98 / 100, 47060 * 102 / 100 + 400);
	/* Without the array's page, the tables above those of PTEs and their entries: exactly. */
	uint64_t array = 150 + 250, above = 2 * 400 + 4 * 30;
	assert_int_equal(g.r.env->cycles - before - array - above, 47060);
	vmalloc_free(g.v, g.r.env, at);
	rig_release_without_memory(&g);

	rig_init_without_memory(&g, VMALLOC_START + MiB);
	costs[COST_PTE] = costs[COST_ZERO_PAGE] = 0;
	g.r.env->cost_cycles = costs;
	before = g.r.env->cycles;
	at = take(&g, BYTES);
	assert_int_equal(g.r.env->cycles - before, (257 + 1 + 4) * 150);
	vmalloc_free(g.v, g.r.env, at);

	before = g.r.env->cycles;
	pfn_t block = g.r.m.pa->ops->alloc_pages(g.r.m.pa, g.r.env, 9, GFP_KERNEL, 0, &why);
	assert_int_equal(g.r.env->cycles - before, 150);
	g.r.m.pa->ops->free_pages(g.r.m.pa, g.r.env, block, 9);
	rig_release_without_memory(&g);
}

/*
 * O16.fragmented_success: on the bump state order 4 fails; 16 single pages are had. Off: before the
 * state is made, order 4 is had as well.
 */
static void fragmented(void **state)
{
	struct rig g;
	static pfn_t pfns[8192];
	enum alloc_failure why;
	size_t count = 0;
	rig_init(&g, VMALLOC_START, true, false);
	struct page_allocator *pa = g.r.m.pa;
	pfn_t block = pa->ops->alloc_pages(pa, g.r.env, 4, GFP_KERNEL, 0, &why);
	assert_true(block != PFN_NONE);
	pa->ops->free_pages(pa, g.r.env, block, 4);
	for (pfn_t pfn;
	     (pfn = pa->ops->alloc_pages(pa, g.r.env, 0, GFP_KERNEL, 0, &why)) != PFN_NONE;)
		pfns[count++] = pfn;
	for (size_t i = 0; i < count; i++) {
		if (pfns[i] % 16 != 15) {
			pa->ops->free_pages(pa, g.r.env, pfns[i], 0);
			pfns[i] = PFN_NONE;
		}
	}
	assert_true(pa->ops->alloc_pages(pa, g.r.env, 4, GFP_KERNEL, 0, &why) == PFN_NONE);
	assert_int_equal(why, ALLOC_FRAGMENTED);
	uint64_t at = take(&g, 65536);
	assert_int_not_equal(at, 0);
	assert_int_equal(g.map.pt.mapped_count[HW_PAGE_4K], 16);
	check(&g);
	vmalloc_free(g.v, g.r.env, at);
	for (size_t i = 0; i < count; i++) {
		if (pfns[i] != PFN_NONE)
			pa->ops->free_pages(pa, g.r.env, pfns[i], 0);
	}
	rig_release(&g);
}

/* A guard page is not mapped; off: without it an overrun reads the neighbour. */
static void guard(void **state)
{
	for (unsigned guarded = 0; guarded < 2; guarded++) {
		struct rig g;
		rig_init(&g, VMALLOC_START, guarded, false);
		uint64_t a = take(&g, PAGE), b = take(&g, PAGE);
		assert_true(kernel_map_access(&g.map, g.r.env, a, PAGE, true));
		assert_int_equal(kernel_map_access(&g.map, g.r.env, a, PAGE + 1, true), !guarded);
		vmalloc_free(g.v, g.r.env, a);
		vmalloc_free(g.v, g.r.env, b);
		rig_release(&g);
	}
}

/* A freed range stays in TLBs until the purge, which reaches every CPU; off: interrupts are lost.
 */
static void purge_flushes_all(void **state)
{
	for (unsigned lost = 0; lost < 2; lost++) {
		for (uint64_t pages = 33; pages <= 1024; pages += 991) {
			struct rig g;
			struct tlb_entry e;
			rig_init(&g, VMALLOC_START, true, false);
			uint64_t a = take(&g, pages * PAGE);
			for (unsigned cpu = 0; cpu < OP_CPUS; cpu++)
				assert_true(kernel_map_access(&g.map, &g.r.m.env[cpu], a, 8, true));
			vmalloc_free(g.v, g.r.env, a);
			assert_int_equal(g.r.ipis_count, 0);
			for (unsigned cpu = 0; cpu < OP_CPUS; cpu++)
				assert_true(mm_rig_tlb(&g.r, cpu, SPACE_KERNEL, a, &e));
			g.r.forgets_ipis = lost;
			vmalloc_purge(g.v, g.r.env);
			assert_int_equal(g.r.ipis_count, OP_CPUS - 1);
			assert_int_equal(g.map.flushes.full_count, 1); /* 34 pages with the guard */
			for (unsigned cpu = 0; cpu < OP_CPUS; cpu++)
				assert_int_equal(mm_rig_tlb(&g.r, cpu, SPACE_KERNEL, a, &e),
						 lost && cpu);
			rig_release(&g);
		}
	}
}

/* Where small pages were, a huge one finds their table: 512 entries go into it. */
static void huge_over_an_old_table(void **state)
{
	struct rig g;
	struct mapper *m;
	unsigned order;
	rig_init(&g, VMALLOC_START, true, false);
	m = &g.map.mapper;
	assert_int_equal(m->ops->map(m, g.r.env, VMALLOC_START, 5, 0), 0);
	assert_int_equal(m->ops->unmap(m, g.r.env, VMALLOC_START, &order), 5);
	assert_int_equal(order, 0);
	assert_int_equal(m->ops->map(m, g.r.env, VMALLOC_START, 512, 9), 0);
	assert_int_equal(g.map.pt.mapped_count[HW_PAGE_4K], 512);
	for (pfn_t i = 0; i < 512; i++)
		assert_int_equal(m->ops->unmap(m, g.r.env, VMALLOC_START + i * PAGE, &order),
				 512 + i);
	assert_true(m->ops->unmap(m, g.r.env, VMALLOC_START, &order) == PFN_NONE);
	assert_int_equal(m->ops->map(m, g.r.env, VMALLOC_START + 2 * MiB, 512, 9), 0);
	assert_int_equal(m->ops->unmap(m, g.r.env, VMALLOC_START + 2 * MiB, &order), 512);
	assert_int_equal(order, 9);
	rig_release(&g);
}

/* Whichever allocation fails - array, page, table - nothing is left but tables and addresses. */
static void every_failure(void **state)
{
	for (uint64_t fail = 1; fail <= 262; fail++) {
		struct rig g;
		rig_init(&g, VMALLOC_START + MiB, true, false);
		g.r.fail_at = g.r.allocs_count + fail;
		uint64_t at = take(&g, BYTES); /* array, 257 pages, 4 tables */
		assert_int_equal(at, 0);
		check(&g);
		uint64_t tables = 0;
		for (unsigned level = 0; level < 4; level++)
			tables += g.map.pt.tables_count[level];
		assert_int_equal(g.map.pt.mapped_count[HW_PAGE_4K], 0);
		assert_int_equal(g.r.free_pages - g.r.m.pm.zones[0].free_pages, tables);
		at = take(&g, BYTES);
		assert_int_not_equal(at, 0);
		vmalloc_free(g.v, g.r.env, at);
		rig_release(&g);
	}
}

static void map_twice(void *arg)
{
	struct rig *g = arg;
	struct mapper *m = &g->map.mapper;
	m->ops->map(m, g->r.env, VMALLOC_START, 5, 0);
	m->ops->map(m, g->r.env, VMALLOC_START, 5, 0);
}

static void misuse(void **state)
{
	struct rig g;
	struct child_end end;
	rig_init(&g, VMALLOC_START, true, false);
	child_run(map_twice, &g, &end);
	assert_true(child_aborted(&end, "0xffffc90000000000 is mapped already"));
	rig_release(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_mib_and_a_page),
		cmocka_unit_test(kmalloc_of_the_same),
		cmocka_unit_test(cost),
		cmocka_unit_test(fragmented),
		cmocka_unit_test(guard),
		cmocka_unit_test(purge_flushes_all),
		cmocka_unit_test(huge_over_an_old_table),
		cmocka_unit_test(every_failure),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
