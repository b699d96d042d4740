/*
 * machine_test.c - machines as a configuration says: where CPUs are, and whose memory a line is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "hw/memory.h"
#include "sim/machine.h"

static struct config config;
static struct machine machine;
static uint32_t costs[COST_KINDS];

static void build(const char *const *sets, unsigned sets_count)
{
	struct err err = {0};
	config_init(&config);
	config.machine.layout = LAYOUT_FLAT;
	config.machine.memory_bytes = 64 << 20;
	if (config_load(&config, NULL, 0, sets, sets_count, NULL, &err) != 0 ||
	    machine_init(&machine, &config, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

static void demolish(void)
{
	machine_release(&machine);
	config_release(&config);
}

static void test_equal_shares(void **state)
{
	static const char *const sets[] = {"machine.cpus=6", "machine.nodes=2"};
	build(sets, 2);
	assert_int_equal(machine.cpus_count, 6);
	for (unsigned cpu = 0; cpu < 6; cpu++)
		assert_int_equal(machine.cpu_nid[cpu], cpu / 3);
	assert_null(machine.memory);
	demolish();
}

static void test_node_cpus(void **state)
{
	static const char *const sets[] = {"machine.cpus=4", "machine.nodes=3",
					   "machine.node_cpus=[\"1,3\", \"\", \"0,2\"]"};
	static const unsigned expected[] = {2, 0, 2, 0};
	build(sets, 3);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		assert_int_equal(machine.cpu_nid[cpu], expected[cpu]);
	demolish();
}

/* Touch a line of each node's memory, and of its frames' metadata, from CPU 0: half are remote. */
static void test_memory_of_nodes(void **state)
{
	static const char *const sets[] = {
		"machine.cpus=2", "machine.nodes=2",
		"machine.caches=[{name: L1, size: 4KiB, ways: 1, latency_cycles: 4}]"};
	struct memory_stats stats;
	build(sets, 3);
	assert_non_null(machine.memory);
	struct env env = {.cost_cycles = costs, .memory = memory_of_cpu(machine.memory, 0)};
	pfn_t middle = machine.pm.pfn_end / 2;
	const uint64_t paddrs[] = {
		UINT64_C(3) << PAGE_SHIFT,
		((middle + 5) << PAGE_SHIFT) + 64,
		page_meta_paddr(2),
		page_meta_paddr(middle + 7),
	};
	for (unsigned i = 0; i < ARRAY_SIZE(paddrs); i++) {
		env_touch(&env, paddrs[i], 8, false);
		env.memory->sync(&env, 0);
		memory_stats(machine.memory, 0, &stats);
		assert_int_equal(stats.dram_local_count, (i + 2) / 2);
		assert_int_equal(stats.dram_remote_count, (i + 1) / 2);
	}
	demolish();
}

/* Without nodes there is nothing remote. */
static void test_memory_of_one_node(void **state)
{
	static const char *const sets[] = {
		"machine.caches=[{name: L1, size: 4KiB, ways: 1, latency_cycles: 4}]"};
	struct memory_stats stats;
	build(sets, 1);
	struct env env = {.cost_cycles = costs, .memory = memory_of_cpu(machine.memory, 1)};
	env_touch(&env, machine.pm.pfn_end / 2 << PAGE_SHIFT, 8, true);
	env.memory->sync(&env, 0);
	memory_stats(machine.memory, 1, &stats);
	assert_int_equal(stats.dram_local_count, 1);
	assert_int_equal(stats.dram_remote_count, 0);
	demolish();
}

/* Machines that come with the program can be built. */
static void test_shipped(void **state)
{
	static const char *const names[] = {
		"embedded-4cpu", "guest-2cpu", "icelake-sp", "server-64cpu-2node",
		"skylake-sp",    "zen3",       "zen4",
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[4096], why[256];
		const char *files[] = {path};
		struct err err = {0};
		snprintf(path, sizeof(path), SOURCE_ROOT "/configs/machines/%s.yaml", names[i]);
		config_init(&config);
		if (config_load(&config, files, 1, NULL, 0, stderr, &err) != 0 ||
		    machine_init(&machine, &config, NULL, &err) != 0)
			fail_msg("%s: %s", path, err.text);
		assert_string_equal(config.name, names[i]);
		assert_non_null(machine.memory);
		assert_int_equal(memory_check(machine.memory, why, sizeof(why)), 0);
		demolish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_shares),
		cmocka_unit_test(test_node_cpus),
		cmocka_unit_test(test_memory_of_nodes),
		cmocka_unit_test(test_memory_of_one_node),
		cmocka_unit_test(test_shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
