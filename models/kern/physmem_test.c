/* Tests of physmem.c: zones, nodes and pageblocks, and memory that costs what is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "kern/physmem.h"

/* One zone of 512 pages a node. */
static void nodes_init(struct physmem *pm, unsigned nodes, const uint64_t *distances,
		       unsigned distances_nodes, uint64_t cpu_nodes)
{
	struct zone_span spans[NODES_LIMIT];
	struct err err = {0};
	for (unsigned nid = 0; nid < nodes; nid++)
		spans[nid] = (struct zone_span){ZONE_NORMAL, nid, nid * 512, nid * 512 + 512, 512};
	const struct physmem_params params = {
		.spans = spans,
		.spans_count = nodes,
		.max_order = 9,
		.pageblock_order = 9,
		.distances = distances,
		.distances_nodes = distances_nodes,
		.cpu_nodes = cpu_nodes,
	};
	if (physmem_init(pm, &params, &err) != 0)
		fail_msg("%s", err.text);
}

static void machine_init(struct physmem *pm, const struct zone_span *spans, unsigned count)
{
	struct err err = {0};
	const struct physmem_params params = {
		.spans = spans,
		.spans_count = count,
		.max_order = 10,
		.pageblock_order = 9,
		.group_by_mobility = true,
	};
	if (physmem_init(pm, &params, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_zonelist(const struct physmem *pm, unsigned nid, const char *expected)
{
	char text[256] = "";
	size_t used = 0;
	for (unsigned n = 0; n < pm->nodes[nid].zonelist_count; n++) {
		const struct zone *z = &pm->zones[pm->nodes[nid].zonelist[n]];
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u/%s",
					 n ? " " : "", z->nid, z->name);
	}
	assert_string_equal(text, expected);
}

/* O43.fallback_order: highest zone first; zones without memory are not in the list. */
static void zonelist_of_one_node(void **state)
{
	static const struct zone_span highmem[] = {
		{ZONE_DMA, 0, 0, 4096, 4096},
		{ZONE_NORMAL, 0, 4096, 229376, 225280},
		{ZONE_HIGHMEM, 0, 229376, 1048576, 819200},
		{ZONE_MOVABLE, 0, 1048576, 1048576, 0},
	};
	static const struct zone_span movable[] = {
		{ZONE_DMA32, 0, 0, 1048576, 700000},
		{ZONE_NORMAL, 0, 1048576, 2097152, 1048576},
		{ZONE_MOVABLE, 0, 2097152, 4194304, 2097152},
	};
	struct physmem pm;
	machine_init(&pm, highmem, 4);
	assert_zonelist(&pm, 0, "0/HighMem 0/Normal 0/DMA");
	physmem_release(&pm);
	machine_init(&pm, movable, 3);
	assert_zonelist(&pm, 0, "0/Movable 0/Normal 0/DMA32");
	physmem_release(&pm);
}

static void zonelists_of_four_nodes(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA, 0, 1, 4096, 3840},
		{ZONE_NORMAL, 0, 4096, 8192, 4096},
		{ZONE_NORMAL, 1, 8192, 16384, 8192},
		{ZONE_NORMAL, 2, 16384, 24576, 8192},
		{ZONE_MOVABLE, 2, 24576, 32768, 8192},
		{ZONE_NORMAL, 3, 32768, 40960, 8192},
	};
	struct physmem pm;
	machine_init(&pm, spans, 6);
	assert_int_equal(pm.nodes_count, 4);
	assert_zonelist(&pm, 0, "0/Normal 0/DMA 1/Normal 2/Movable 2/Normal 3/Normal");
	assert_zonelist(&pm, 1, "1/Normal 2/Movable 2/Normal 3/Normal 0/Normal 0/DMA");
	assert_zonelist(&pm, 2, "2/Movable 2/Normal 3/Normal 0/Normal 0/DMA 1/Normal");
	assert_zonelist(&pm, 3, "3/Normal 0/Normal 0/DMA 1/Normal 2/Movable 2/Normal");
	physmem_release(&pm);
}

/* "0123": the nodes of @nid's zonelist, each once. */
static void assert_fallback(const struct physmem *pm, unsigned nid, const char *expected)
{
	char text[NODES_LIMIT + 1] = "";
	size_t used = 0;
	for (unsigned n = 0; n < pm->nodes[nid].zonelist_count; n++)
		text[used++] = (char)('0' + pm->zones[pm->nodes[nid].zonelist[n]].nid);
	assert_string_equal(text, expected);
	assert_int_equal(pm->nodes[nid].zonelist_own_count, expected[0] == (char)('0' + nid));
}

static const uint64_t ring[16] = {
	10, 16, 22, 16, //
	16, 10, 16, 22, //
	22, 16, 10, 16, //
	16, 22, 16, 10, //
};
static const uint64_t mesh[16] = { /* two sockets of two nodes */
	10, 12, 32, 32, //
	12, 10, 32, 32, //
	32, 32, 10, 12, //
	32, 32, 12, 10, //
};

/* The nearest next; a higher number before a lower one that is as near. */
static void fallback_in_a_ring(void **state)
{
	struct physmem pm;
	nodes_init(&pm, 4, ring, 4, 0);
	assert_fallback(&pm, 0, "0132");
	assert_fallback(&pm, 1, "1203");
	assert_fallback(&pm, 2, "2310");
	assert_fallback(&pm, 3, "3021");
	assert_int_equal(physmem_distance(&pm, 1, 3), 22);
	physmem_release(&pm);
}

/* Equally far nodes across: the two of a socket don't both turn to the same one. */
static void fallback_in_a_mesh(void **state)
{
	struct physmem pm;
	nodes_init(&pm, 4, mesh, 4, 0);
	assert_fallback(&pm, 0, "0123");
	assert_fallback(&pm, 1, "1032");
	assert_fallback(&pm, 2, "2301");
	assert_fallback(&pm, 3, "3210");
	physmem_release(&pm);
}

/* Off: without distances the opposite of a ring comes before a neighbour. */
static void fallback_without_distances(void **state)
{
	struct physmem pm;
	nodes_init(&pm, 4, NULL, 0, 0);
	assert_fallback(&pm, 0, "0123"); /* the ring: 0132 */
	assert_fallback(&pm, 1, "1230"); /* the ring: 1203, the mesh: 1032 */
	assert_fallback(&pm, 2, "2301"); /* the ring: 2310 */
	assert_fallback(&pm, 3, "3012"); /* the mesh: 3210 */
	assert_int_equal(physmem_distance(&pm, 1, 1), NODE_LOCAL);
	assert_int_equal(physmem_distance(&pm, 1, 3), NODE_REMOTE);
	physmem_release(&pm);
}

/* A node without CPUs is nobody's own: it is taken before one that has some. */
static void fallback_prefers_nodes_without_cpus(void **state)
{
	struct physmem pm;
	nodes_init(&pm, 4, NULL, 0, 0x7);
	assert_fallback(&pm, 0, "0312");
	assert_fallback(&pm, 1, "1320");
	assert_fallback(&pm, 2, "2301");
	assert_true(pm.nodes[2].has_cpus && !pm.nodes[3].has_cpus);
	physmem_release(&pm);
}

/* Nodes that have CPUs or distances alone fall back at once, and have nothing for THISNODE. */
static void fallback_of_nodes_without_memory(void **state)
{
	struct physmem pm;
	nodes_init(&pm, 2, NULL, 0, 0x5);
	assert_int_equal(pm.nodes_count, 3);
	assert_fallback(&pm, 2, "10"); /* 1 has no CPUs */
	assert_false(node_has_memory(&pm.nodes[2]));
	physmem_release(&pm);
	nodes_init(&pm, 3, ring, 4, 0);
	assert_int_equal(pm.nodes_count, 4);
	assert_fallback(&pm, 3, "021");
	assert_true(node_has_memory(&pm.nodes[1]) && !node_has_memory(&pm.nodes[3]));
	physmem_release(&pm);
}

/* Zones that meet inside a pageblock, a hole, and what lies outside all zones. */
static void zone_of_a_frame(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA, 0, 1, 1000, 999},
		{ZONE_DMA32, 0, 1000, 5000, 3000},
		{ZONE_NORMAL, 0, 10240, 20480, 10240},
	};
	struct physmem pm;
	machine_init(&pm, spans, 3);
	for (pfn_t p = 0; p < 30000; p++) {
		const struct zone *expected = NULL;
		for (unsigned i = 0; i < 3; i++) {
			if (p >= spans[i].start_pfn && p < spans[i].end_pfn)
				expected = &pm.zones[i];
		}
		assert_ptr_equal(physmem_zone(&pm, p), expected);
	}
	assert_null(physmem_zone(&pm, PFN_NONE));
	assert_int_equal(pm.zones[2].index, 2);
	assert_string_equal(pm.zones[1].name, "DMA32");
	physmem_release(&pm);
}

static void pageblocks_by_type(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA, 0, 1, 4096, 3840},
		{ZONE_NORMAL, 0, 4096, 20480, 16384},
	};
	struct physmem pm;
	uint64_t blocks[MIGRATE_TYPES];
	machine_init(&pm, spans, 2);
	zone_pageblocks(&pm, &pm.zones[0], blocks);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 8); /* 3840 / 512, rounded up */
	zone_pageblocks(&pm, &pm.zones[1], blocks);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 32);
	assert_int_equal(blocks[MIGRATE_UNMOVABLE], 0);
	pageblock_set_type(&pm, 4096 + 511, MIGRATE_UNMOVABLE);
	pageblock_set_type(&pm, 20479, MIGRATE_RECLAIMABLE);
	zone_pageblocks(&pm, &pm.zones[1], blocks);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 30);
	assert_int_equal(blocks[MIGRATE_UNMOVABLE], 1);
	assert_int_equal(blocks[MIGRATE_RECLAIMABLE], 1);
	assert_int_equal(pageblock_type(&pm, 4096), MIGRATE_UNMOVABLE);
	assert_int_equal(pageblock_type(&pm, 4095), MIGRATE_MOVABLE);
	physmem_release(&pm);
}

/* Fewer pageblocks than migratetypes: no grouping, everything is unmovable. */
static void grouping_needs_memory(void **state)
{
	for (uint64_t pages = 2559; pages <= 2560; pages++) {
		const struct zone_span span = {ZONE_NORMAL, 0, 0, 4096, pages};
		struct physmem pm;
		machine_init(&pm, &span, 1);
		assert_int_equal(pm.group_by_mobility, pages == 2560);
		assert_int_equal(pageblock_type(&pm, 0),
				 pages == 2560 ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE);
		physmem_release(&pm);
	}
}

static void ram_reads_zero_until_written(void **state)
{
	static const struct zone_span span = {ZONE_NORMAL, 0, 0, 4096, 4096};
	static const uint8_t zeroes[PAGE_BYTES];
	struct physmem pm;
	struct err err = {0};
	machine_init(&pm, &span, 1);
	physmem_zero(&pm, 0, 10); /* before there is any RAM */
	assert_null(pm.ram);

	uint8_t *ram = physmem_ram(&pm, 17, &err);
	assert_memory_equal(ram, zeroes, PAGE_BYTES);
	assert_int_equal(physmem_page(&pm, 17)->flags, PAGE_BACKED);
	assert_int_equal(physmem_page(&pm, 16)->flags, 0);
	memset(ram, 0xa5, PAGE_BYTES);
	memset(physmem_ram(&pm, 4095, &err), 0x5a, PAGE_BYTES);

	physmem_page(&pm, 17)->flags |= PAGE_ALLOCATED;
	physmem_zero(&pm, 16, 0);
	assert_int_equal(ram[0], 0xa5); /* the neighbour was cleared, not this page */
	physmem_zero(&pm, 16, 1);
	assert_memory_equal(ram, zeroes, PAGE_BYTES);
	assert_int_equal(physmem_page(&pm, 17)->flags, PAGE_ALLOCATED);
	assert_int_equal(physmem_ram(&pm, 4095, &err)[PAGE_BYTES - 1], 0x5a);
	physmem_release(&pm);
	physmem_release(&pm); /* releasing what is released does nothing */
}

static uint64_t resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long long size = 0, resident = 0;
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%llu %llu", &size, &resident), 2);
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* 4 TiB: 16 GiB of frames by address, of which a few are touched at both ends. */
static void four_tib_cost_little(void **state)
{
	static const uint64_t pages = UINT64_C(1) << 30;
	const struct zone_span span = {ZONE_NORMAL, 0, 0, pages, pages};
	struct physmem pm;
	struct err err = {0};
	uint64_t before = resident_bytes();
	machine_init(&pm, &span, 1);
	assert_ptr_equal(physmem_zone(&pm, pages - 1), &pm.zones[0]);
	physmem_page(&pm, pages - 1)->order = 1;
	physmem_ram(&pm, 0, &err)[0] = 1;
	physmem_ram(&pm, pages - 1, &err)[PAGE_BYTES - 1] = 1;
	uint64_t cost = resident_bytes() - before;
	if (cost > UINT64_C(32) << 20)
		fail_msg("%llu bytes", (unsigned long long)cost);
	physmem_release(&pm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zonelist_of_one_node),
		cmocka_unit_test(zonelists_of_four_nodes),
		cmocka_unit_test(fallback_in_a_ring),
		cmocka_unit_test(fallback_in_a_mesh),
		cmocka_unit_test(fallback_without_distances),
		cmocka_unit_test(fallback_prefers_nodes_without_cpus),
		cmocka_unit_test(fallback_of_nodes_without_memory),
		cmocka_unit_test(zone_of_a_frame),
		cmocka_unit_test(pageblocks_by_type),
		cmocka_unit_test(grouping_needs_memory),
		cmocka_unit_test(ram_reads_zero_until_written),
		cmocka_unit_test(four_tib_cost_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
