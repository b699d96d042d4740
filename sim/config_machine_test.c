/*
 * config_machine_test.c - machines that are read, and machines that can't exist.
 *
 * Every check has a configuration that breaks it alone, by a --set on one that is right, and is
 * compared with its whole line: position, key and legal range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config.h"
#include "sim/config_rig.h"
#include "sim/json.h"

/* Right as it stands; each line is what a position refers to. */
static const char good[] =
	"machine:\n"
	"  cpus: 8\n"
	"  nodes: 2\n"
	"  node_cpus: [\"0-3\", \"4-7\"]\n"
	"  distances: [[10, 21], [21, 10]]\n"
	"  caches:\n"
	"  - {name: L1, size: 32KiB, ways: 8, latency_cycles: 4}\n"
	"  - {name: L2, size: 512KiB, ways: 8, latency_cycles: 12, shared_by: 2, inclusive: true}\n"
	"  - {name: L3, size: 8MiB, ways: 16, latency_cycles: 46, shared_by: 4}\n"
	"  tlbs:\n"
	"  - {level: 1, pages: [4KiB, 2MiB, 1GiB], entries: 64, ways: full}\n"
	"  - {level: 2, pages: [4KiB], entries: 2048, ways: 8}\n"
	"  direct_map: 1GiB\n"
	"  dram: {latency: 90ns, bandwidth: 204.8GB/s}\n";

static void load_good(struct config *c, const char *set)
{
	int code;
	char *text = config_rig_load(c, good, set, &code);
	assert_string_equal(text, "");
	assert_int_equal(code, ERR_NONE);
	free(text);
}

/* @set makes the good machine wrong: one line, where @set stands. */
static void refused_set(const char *set, const char *why)
{
	char line[512];
	snprintf(line, sizeof(line), "--set %s: %s\n", set, why);
	config_rig_refused(good, set, ERR_CONFIG, line);
}

/* @set, a change elsewhere, makes a key of the good machine wrong: one line, at that key. */
static void refused_at(const char *set, const char *where_and_why)
{
	char line[512];
	snprintf(line, sizeof(line), "c.yaml:%s\n", where_and_why);
	config_rig_refused(good, set, ERR_CONFIG, line);
}

static void test_values(void **state)
{
	struct config c;
	load_good(&c, NULL);
	const struct config_machine *m = &c.machine;
	const struct hw_machine *hw = &m->hw;
	assert_int_equal(hw->caches_count, 3);
	assert_string_equal(hw->caches[1].name, "L2");
	assert_int_equal(hw->caches[1].size_bytes, 512 << 10);
	assert_int_equal(hw->caches[1].line_bytes, 64);
	assert_int_equal(hw->caches[1].shared_by, 2);
	assert_true(hw->caches[1].inclusive);
	assert_int_equal(hw->tlbs_count, 2);
	assert_int_equal(hw->tlbs[0].ways, 64);
	assert_int_equal(hw->tlbs[0].pages, 7);
	assert_int_equal(hw->tlbs[1].pages, 1);
	assert_int_equal(hw->direct_map_page, HW_PAGE_1G);
	assert_int_equal(hw->dram_bytes_per_s, 204800000000);
	assert_int_equal(hw->dram_latency_ns, 90);
	assert_int_equal(hw->walk_cycles, HW_AUTO);
	assert_int_equal(hw->distances_count, 4);
	assert_int_equal(hw->distances[1], 21);
	assert_int_equal(m->node_cpus_count, 2);
	assert_int_equal(m->cpu_node[3], 0);
	assert_int_equal(m->cpu_node[4], 1);
	assert_int_equal(m->cpu_node[8], CPU_NO_NODE);
	config_release(&c);
}


/* No caches, no TLBs: a machine that says nothing behaves as before there were any. */
static void test_defaults(void **state)
{
	struct config c;
	config_init(&c);
	const struct hw_machine *hw = &c.machine.hw;
	assert_int_equal(hw->caches_count, 0);
	assert_int_equal(hw->tlbs_count, 0);
	assert_int_equal(hw->distances_count, 0);
	assert_int_equal(hw->dram_bytes_per_s, 0);
	assert_int_equal(hw->tlb_flush_ceiling_pages, 33);
	assert_int_equal(hw->paging_levels, 4);
	assert_true(hw->ipi_flight_ns >= 1);
	assert_false(hw->locks_unfair);
	assert_int_equal(c.machine.node_cpus_count, 0);
	config_release(&c);
}

static void test_cpulists(void **state)
{
	static const struct {
		const char *set;
		const char *printed;
	} cases[] = {
		{"machine.node_cpus=[\"0-7\", \"\"]", "node_cpus: [\"0-7\", \"\"]"},
		{"machine.node_cpus=[\"0,2, 4,6\", \"1,3,5,7\"]",
		 "node_cpus: [\"0,2,4,6\", \"1,3,5,7\"]"},
		{"machine.node_cpus=[\"0-7:1/2\", \"1-7:1/2\"]",
		 "node_cpus: [\"0,2,4,6\", \"1,3,5,7\"]"},
		{"machine.node_cpus=[\"0-7:2/4\", \"2-3,6-7\"]",
		 "node_cpus: [\"0-1,4-5\", \"2-3,6-7\"]"},
	};
	static const char *const wrong[] = {"3-1", "a", "0,", ",0", "0-", "256", "-1", "0-3:0/2",
					    "0-3:3/2", "0-3:1", "1 2", "99999999999999999999"};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c;
		load_good(&c, cases[i].set);
		char *text = config_rig_print(&c);
		assert_non_null(strstr(text, cases[i].printed));
		free(text);
		config_release(&c);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char set[64], why[256];
		snprintf(set, sizeof(set), "machine.node_cpus=[\"%s\", \"0-7\"]", wrong[i]);
		snprintf(why, sizeof(why),
			 "machine.node_cpus[0]: '%s' is no list of CPUs (legal range: numbers and "
			 "ranges of 0..255, such as \"0-3,8\")", wrong[i]);
		refused_set(set, why);
	}
}

static void test_shapes(void **state)
{
	refused_set("machine.tlbs[0].pages[0]=1GiB",
		    "machine.tlbs[0].pages: is a list that is set as a whole, as in pages=[...]");
	refused_set("machine.distances[0]=[10, 20]",
		    "machine.distances: is a list that is set as a whole, as in distances=[...]");
	refused_set("machine.cpus[0]=1",
		    "machine.cpus: only a list has elements, written as cpus[0]");
	refused_set("machine.node_cpus=0-7",
		    "machine.node_cpus: must be a list (legal range: CPUs of each node, such as "
		    "[\"0-3,8\", \"4-7\", \"\"])");
	refused_set("machine.node_cpus=[~, 0-7]",
		    "machine.node_cpus[0]: must be a text such as \"0-3,8\", or \"\" for a node "
		    "without CPUs");
	refused_set("machine.distances=[[10, 21], [21]]",
		    "machine.distances[1]: has 1 values, but the first row has 2");
	refused_set("machine.distances=[[10, 21]]",
		    "machine.distances: has 1 row of 2 values: it must be square");
	refused_set("machine.distances=[[10, 9], [9, 10]]",
		    "machine.distances[0][1]: '9' is out of range (legal range: 10..254)\n"
		    "--set machine.distances=[[10, 9], [9, 10]]: machine.distances[1][0]: '9' is "
		    "out of range (legal range: 10..254)");
	refused_set("machine.distances=[[10, [21]], [21, 10]]",
		    "machine.distances[0][1]: must be a number");
}

static void test_names(void **state)
{
	refused_set("machine.direct_map=2MB",
		    "machine.direct_map: unknown value '2MB'; did you mean '2MiB'? (legal range: "
		    "one of 4KiB, 2MiB, 1GiB)");
	refused_set("machine.tlbs[0].pages=[4KiB, 2MB]",
		    "machine.tlbs[0].pages[1]: unknown value '2MB'; did you mean '2MiB'? (legal "
		    "range: a list of 4KiB, 2MiB, 1GiB)");
	refused_set("machine.tlbs[0].pages=[]",
		    "machine.tlbs[0].pages: is empty (legal range: a list of 4KiB, 2MiB, 1GiB)");
	refused_set("machine.tlbs[0].pages=4KiB",
		    "machine.tlbs[0].pages: must be a list (legal range: a list of 4KiB, 2MiB, "
		    "1GiB)");
	refused_set("machine.tlbs[0].pages=[4KiB, 4KiB]",
		    "machine.tlbs[0].pages[1]: '4KiB' is there already");
	refused_set("machine.locks.handover=fair",
		    "machine.locks.handover: unknown value 'fair' (legal range: one of fifo, "
		    "nearest)");
	refused_set("machine.dram.bandwidth=128GB",
		    "machine.dram.bandwidth: '128GB' has no known unit "
		    "(allowed: B/s, MB/s, MiB/s, GB/s, GiB/s)");
	refused_set("machine.caches[0].ways=all",
		    "machine.caches[0].ways: 'all' is not a number (legal range: 1..16777216 or "
		    "full)");
	refused_set("machine.dram.latncy=1ns",
		    "machine.dram: unknown key 'latncy'; did you mean 'latency'?");
}

static void test_zero_latencies(void **state)
{
	static const char *const keys[] = {
		"machine.dram.latency",          "machine.transfer.same_cache",
		"machine.transfer.same_node",    "machine.transfer.other_node",
		"machine.interrupts.ipi_flight",
	};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char set[128], why[256];
		snprintf(set, sizeof(set), "%s=0ns", keys[i]);
		snprintf(why, sizeof(why), "%s: '0ns' is out of range (legal range: 1ns..1s)",
			 keys[i]);
		refused_set(set, why);
	}
	refused_set("machine.caches[0].latency_cycles=0",
		    "machine.caches[0].latency_cycles: '0' is out of range (legal range: "
		    "1..1000000)");
	refused_set("machine.tlb_hit2_cycles=0",
		    "machine.tlb_hit2_cycles: '0' is out of range (legal range: 1..1000000)");
	refused_set("machine.page_walk.cycles=0",
		    "machine.page_walk.cycles: '0' is out of range (legal range: 1..1000000 or "
		    "auto)");
}

static void test_cache_geometry(void **state)
{
	refused_set("machine.caches[0].ways=7",
		    "machine.caches[0].ways: 512 lines don't divide into sets of 7 (legal range: "
		    "divisors of 512, or full)");
	refused_set("machine.caches[0].ways=1024",
		    "machine.caches[0].ways: 512 lines don't divide into sets of 1024 (legal "
		    "range: divisors of 512, or full)");
	refused_at("machine.caches[0].size=48KiB",
		   "7:35: machine.caches[0].ways: 768 lines in sets of 8 make 96 sets, which is no "
		   "power of two");
	refused_set("machine.caches[0].size=32800B",
		    "machine.caches[0].size: is not a multiple of the line, 64B");
	refused_set("machine.caches[0].line=48B",
		    "machine.caches[0].line: 48B is no power of two (legal range: 16B..256B)");
	refused_set("machine.caches[2].line=128B",
		    "machine.caches[2].line: is 128B but that of machine.caches[1] is 64B: all "
		    "levels have one size");
	config_rig_refused("machine: {caches: [{name: a, size: 48KiB, ways: 12,\n"
			   "  latency_cycles: 5, replacement: plru}]}\n",
			   NULL, ERR_CONFIG,
			   "c.yaml:2:35: machine.caches[0].replacement: plru needs a power of two "
			   "of ways, not "
			   "12 (legal range: lru, or other ways)\n");
	refused_set("machine.caches[1].name=L1",
		    "machine.caches[1].name: is already the name of machine.caches[0]");
	refused_set("machine.caches[1].name=L 2",
		    "machine.caches[1].name: has blanks or commas, which separate columns of "
		    "tables");
}

static void test_cache_levels(void **state)
{
	refused_set("machine.caches[1].latency_cycles=4",
		    "machine.caches[1].latency_cycles: is 4 but that of machine.caches[0], which "
		    "is nearer, is 4 (legal range: above 4)");
	refused_set("machine.caches[1].size=32KiB",
		    "machine.caches[1].size: is smaller than what it includes: 2 x L1 (legal "
		    "range: at least 64KiB, or inclusive: false)");
	refused_set("machine.caches[2].shared_by=1",
		    "machine.caches[2].shared_by: is 1 but machine.caches[1] is shared by 2: its "
		    "CPUs would be split (legal range: multiples of 2)");
	config_rig_refused("machine:\n  cpus: 8\n  caches:\n"
			   "  - {name: L1, size: 4KiB, ways: 1, latency_cycles: 1, shared_by: 6}\n",
			   NULL, ERR_CONFIG,
			   "c.yaml:4:67: machine.caches[0].shared_by: 8 CPUs are no whole groups "
			   "of 6 (legal range: divisors of 8)\n");
	/* Not inclusive: smaller than the levels before it is legal. */
	struct config c;
	load_good(&c, "machine.caches[2].size=64KiB");
	config_release(&c);
}

static void test_tlbs(void **state)
{
	refused_set("machine.tlbs[1].ways=3",
		    "machine.tlbs[1].ways: 2048 entries don't divide into sets of 3 (legal range: "
		    "divisors of 2048, or full)");
	refused_at("machine.tlbs[1].entries=1536",
		   "12:52: machine.tlbs[1].ways: 1536 entries in sets of 8 make 192 sets, which is "
		   "no power of two");
	refused_at("machine.tlbs[0].pages=[4KiB, 2MiB]",
		   "13:15: machine.direct_map: no array of level 1 holds pages of 1GiB, as used by "
		   "the kernel's map of all memory");
	refused_set("machine.tlbs=[{level: 1, pages: [4KiB, 1GiB], entries: 1, ways: 1}]",
		    "machine.tlbs: no array of level 1 holds pages of 2MiB, as used by the "
		    "kernel's array of page descriptors");
	refused_set("machine.tlbs=[{level: 1, pages: [2MiB, 1GiB], entries: 1, ways: 1}]",
		    "machine.tlbs: no array of level 1 holds pages of 4KiB, as used by programs "
		    "and vmalloc");
	refused_set("machine.tlbs=[{level: 2, pages: [4KiB], entries: 1, ways: 1}]",
		    "machine.tlbs[0].level: is 2, but no array has level 1");
	refused_at("machine.caches=[]",
		   "11:3: machine.tlbs: needs machine.caches: without caches no access is "
		   "simulated");
	config_rig_refused("machine:\n"
			   "  caches: [{name: L1, size: 4KiB, ways: 1, latency_cycles: 1}]\n"
			   "  tlbs:\n"
			   "  - {level: 1, pages: [4KiB, 2MiB], entries: 1, ways: 1}\n"
			   "  - {level: 2, pages: [4KiB, 1GiB], entries: 1, ways: 1}\n",
			   NULL, ERR_CONFIG,
			   "c.yaml:5:23: machine.tlbs[1].pages: has a size of pages that no array "
			   "of level 1 holds\n");
}

static void test_nodes(void **state)
{
	refused_at("machine.cpus=4",
		   "4:22: machine.node_cpus[1]: names CPU 4 but there are 4 (legal range: 0..3)");
	refused_at("machine.nodes=1",
		   "5:14: machine.distances: has 2 rows but the machine has 1 node (legal range: a "
		   "row of 1 for each, or [])\n"
		   "c.yaml:4:22: machine.node_cpus[1]: there is no node 1 (legal range: a list for "
		   "each of machine.nodes, 1)");
	refused_set("machine.node_cpus=[\"0-3\", \"5-7\"]",
		    "machine.node_cpus: CPU 4 is in no node");
	refused_set("machine.node_cpus=[\"0-3\", \"3-7\"]",
		    "machine.node_cpus[1]: names CPU 3, which is in node 0 already");
	refused_set("machine.node_cpus=[\"0-3\", \"4-8\"]",
		    "machine.node_cpus[1]: names CPU 8 but there are 8 (legal range: 0..7)");
	refused_set(
		"machine.node_cpus=[\"0-7\"]",
		"machine.node_cpus: lacks node 1 (legal range: a list for each of machine.nodes, "
		"2, \"\" for one without CPUs)");
	refused_set("machine.node_cpus=[\"0-3\", \"4-7\", \"\"]",
		    "machine.node_cpus[2]: there is no node 2 (legal range: a list for each of "
		    "machine.nodes, 2)");
	refused_set("machine.distances=[[10]]",
		    "machine.distances: has 1 row but the machine has 2 nodes (legal range: a "
		    "row of 2 for each, or [])");
	refused_set("machine.distances=[[10, 21], [20, 10]]",
		    "machine.distances[1][0]: is 20 but the way back, [0][1], is 21");
	refused_set("machine.distances=[[11, 21], [21, 10]]",
		    "machine.distances[0][0]: is 11: a node's distance to itself is 10");
	refused_set("machine.distances=[[10, 10], [20, 10]]",
		    "machine.distances[0][1]: is 10: another node is farther (legal range: "
		    "11..254)\n"
		    "--set machine.distances=[[10, 10], [20, 10]]: machine.distances[1][0]: is 20 "
		    "but the way back, [0][1], is 10");
}

static const char eight_cores[] =
	"machine:\n  cpus: 16\n  nodes: 2\n  caches:\n"
	"  - {name: L1, size: 4KiB, ways: 1, latency_cycles: 1}\n"
	"  - {name: L3, size: 8MiB, ways: 16, latency_cycles: 40, shared_by: 8}\n";

/* A machine with fewer CPUs than it was described with shares its caches among those there are. */
static void test_fewer_cpus(void **state)
{
	static const struct {
		const char *set;
		unsigned shared_by;
	} cases[] = {
		{"machine.cpus=16", 8}, {"machine.cpus=8", 4}, {"machine.cpus=2", 1},
		{"machine.cpus=32", 8}, {"machine.nodes=1", 8},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c;
		int code;
		char *text = config_rig_load(&c, eight_cores, cases[i].set, &code);
		assert_string_equal(text, "");
		assert_int_equal(c.machine.hw.caches[1].shared_by, cases[i].shared_by);
		assert_int_equal(c.machine.hw.caches[0].shared_by, 1);
		free(text);
		config_release(&c);
	}
	config_rig_refused(
		eight_cores, "machine.cpus=24", ERR_CONFIG,
		"c.yaml:6:69: machine.caches[1].shared_by: 12 CPUs of a node are no whole "
		"groups of 8 (legal range: divisors of 12)\n");
}

/* CPUs and nodes of a recorded state are not known when the configuration is checked. */
static void test_recorded(void **state)
{
	struct config c;
	struct err err = {0};
	int code;
	char *text = config_rig_load(&c, eight_cores, "start.truth=.", &code);
	assert_string_equal(text, "");
	assert_int_equal(c.machine.hw.caches[1].shared_by, 8);
	assert_int_equal(config_take_recorded(&c, 12, 1, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_string_equal(err.text,
			    "the recorded state, start.truth, has 12 CPUs on 1 node: "
			    "machine.caches[1].shared_by: 12 CPUs are no whole groups of 8 (legal "
			    "range: divisors of 12)");
	assert_int_equal(config_take_recorded(&c, 2, 1, &err), 0);
	assert_int_equal(c.machine.cpus, 2);
	assert_int_equal(c.machine.nodes, 1);
	assert_int_equal(c.machine.hw.caches[1].shared_by, 2);
	free(text);
	config_release(&c);
	load_good(&c, "start.truth=.");
	err = (struct err){0};
	assert_int_equal(config_take_recorded(&c, 8, 1, &err), -1);
	assert_string_equal(err.text,
			    "the recorded state, start.truth, has 8 CPUs on 1 node: "
			    "machine.distances: has 2 rows but the machine has 1 node (legal "
			    "range: a row of 1 for each, or [])");
	config_release(&c);
}

static void test_round_trip(void **state)
{
	struct config a, b;
	int code;
	load_good(&a, "machine.locks.handover=nearest");
	char *first = config_rig_print(&a);
	char *problems = config_rig_load(&b, first, NULL, &code);
	assert_string_equal(problems, "");
	char *second = config_rig_print(&b);
	assert_string_equal(first, second);
	assert_memory_equal(&a.machine.hw, &b.machine.hw, sizeof(a.machine.hw));
	assert_memory_equal(a.machine.cpu_node, b.machine.cpu_node, sizeof(a.machine.cpu_node));
	config_release(&a);
	config_release(&b);
	free(first);
	free(second);
	free(problems);
}

static void test_json(void **state)
{
	static const char *const parts[] = {
		"\"node_cpus\": [\"0-3\", \"4-7\"]",
		"\"distances\": [\n        [10, 21],\n        [21, 10]\n      ]",
		"\"name\": \"L1\",\n          \"size_bytes\": 32768,\n          \"ways\": 8,",
		"\"pages\": [\"4KiB\", \"2MiB\", \"1GiB\"]",
		"\"direct_map\": \"1GiB\"",
		"\"bandwidth_bytes_per_s\": 204800000000",
		"\"handover\": \"fifo\"",
		"\"cycles\": \"auto\"",
	};
	struct config c;
	struct json j;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	load_good(&c, NULL);
	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_object_begin(&j, "config");
	config_write_json(&c, &j);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	fclose(out);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!strstr(text, parts[i]))
			fail_msg("lacks %s:\n%s", parts[i], text);
	}
	free(text);
	config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_cpulists),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_zero_latencies),
		cmocka_unit_test(test_cache_geometry),
		cmocka_unit_test(test_cache_levels),
		cmocka_unit_test(test_tlbs),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_fewer_cpus),
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
