/*
 * config_test.c - what the loader accepts, refuses and prints.
 *
 * Every refusal is compared with its whole line, position included: that line is what users get.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/gfp.h"
#include "sim/config.h"
#include "sim/config_rig.h"
#include "sim/json.h"
#include "sim/trace.h"

/* meson.build defines SOURCE_ROOT. */
static const char *const source_root = SOURCE_ROOT;

static void test_keys(void **state)
{
	config_rig_refused("machine: {cpu_frequencie: 1GHz}\n", NULL, ERR_CONFIG,
		"c.yaml:1:11: machine: unknown key 'cpu_frequencie'; did you mean "
		"'cpu_frequency'?\n");
	config_rig_refused("machine:\n  cpus: 1\n  cpus: 2\n", NULL, ERR_CONFIG,
		"c.yaml:3:3: machine.cpus: given twice in one mapping\n");
	config_rig_refused(
		"machine: {memory: 24, cpus: 0}\nbuddy: 3\npcp: {enabled: yes}\n", NULL, ERR_CONFIG,
		"c.yaml:1:19: machine.memory: '24' needs a unit: B, KiB, MiB, GiB, TiB\n"
		"c.yaml:1:29: machine.cpus: '0' is out of range (legal range: 1..256)\n"
		"c.yaml:2:8: buddy: must be a mapping (key: value)\n"
		"c.yaml:3:16: pcp.enabled: 'yes' is neither true nor false (legal range: true or "
		"false)\n");
	config_rig_refused("slab: {sheaf_caches: a, sheaf_capacity: 2000}\n", NULL, ERR_CONFIG,
		"c.yaml:1:22: slab.sheaf_caches: must be a list (legal range: at most 64 names, "
		"such as [vm_area_struct])\n"
		"c.yaml:1:41: slab.sheaf_capacity: '2000' is out of range (legal range: "
		"0..1024)\n");
	config_rig_refused("slab:\n  sheaf_caches: [ok, [a]]\n", NULL, ERR_CONFIG,
		"c.yaml:2:22: slab.sheaf_caches[1]: must be a name\n");
	config_rig_refused("{}\n", "machine.cpus=x", ERR_CONFIG,
		"--set machine.cpus=x: machine.cpus: 'x' is not a number (legal range: 1..256)\n");
	config_rig_refused("{}\n", "budy.max_order=1", ERR_CONFIG,
		"--set budy.max_order=1: unknown key 'budy'; did you mean 'buddy'?\n");
}

static void test_yaml(void **state)
{
	config_rig_refused("machine: &a {}\n", NULL, ERR_CONFIG,
		"c.yaml:1:10: machine: anchors (&name) are not supported\n");
	config_rig_refused("seed: !!int 3\n", NULL, ERR_CONFIG,
		"c.yaml:1:7: seed: tags (!name) are not supported\n");
	config_rig_refused("seed: 3\n---\nseed: 4\n", NULL, ERR_CONFIG,
		"c.yaml:2:1: a second document; one file is one\n");
	config_rig_refused("# ok\nname: a\xff\n", NULL, ERR_CONFIG,
		"c.yaml:2:8: not YAML text in UTF-8: invalid leading UTF-8 octet (0xff)\n");
	config_rig_refused("name: \"a\\0b\"\n", NULL, ERR_CONFIG,
		"c.yaml:1:7: name: value with a NUL character\n");
	config_rig_refused("machine: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", NULL, ERR_CONFIG,
		"c.yaml:1:10: machine: must be a mapping (key: value)\n"
		"c.yaml:1:33: machine: nested too deeply\n");
	config_rig_refused("include: c.yaml\n", NULL, ERR_CONFIG,
		"c.yaml:1:10: include: c.yaml includes itself\n");
	config_rig_refused("seed: 1\ninclude: nowhere.yaml\n", NULL, ERR_CONFIG,
		"c.yaml:2:1: include: must be the first key, because it is loaded first\n"
		"c.yaml:2:10: include: nowhere.yaml: No such file or directory\n");
}

static void test_relations(void **state)
{
	config_rig_refused("buddy:\n  pageblock_order: 9\n", "buddy.max_order=8", ERR_CONFIG,
		"c.yaml:2:20: buddy.pageblock_order: pageblock_order 9 is above max_order 8\n");
	config_rig_refused("machine: {memory: 4097KiB}\n", NULL, ERR_CONFIG,
		"c.yaml:1:19: machine.memory: is not a multiple of the page size, 4KiB\n");
	config_rig_refused("machine:\n  zones:\n  - {type: Normal, start: 0B, size: 8MiB}\n"
		"  - {type: DMA, start: 4MiB, size: 8MiB}\n  - {type: DMA, node: 2, start: 1GiB, "
		"size: 1MiB}\n",
		NULL, ERR_CONFIG,
		"c.yaml:4:24: machine.zones[1].start: overlaps machine.zones[0]\n"
		"c.yaml:4:12: machine.zones[1].type: must be higher than that of machine.zones[0] "
		"on the "
		"same node (ascending: DMA, DMA32, Normal, HighMem, Movable)\n"
		"c.yaml:5:23: machine.zones[2].node: is 2 but there is no node 1: numbers have no "
		"holes\n");
	config_rig_refused(
		"workload:\n  generators:\n  - {name: a, rate: 1/s, order: 11, lifetime: 1s, cpus: "
		"[2],\n"
		"     gfp: GFP_KERNEL}\n",
		NULL, ERR_CONFIG,
		"c.yaml:3:33: workload.generators[0].order: can exceed 10, the largest block of "
		"buddy.max_order\n"
		"c.yaml:3:57: workload.generators[0].cpus: names CPU 2 but machine.cpus is 2 "
		"(legal range: 0..1)\n"
		"c.yaml:3:5: workload.generators[0].count: would never end: give a count above 0 "
		"or "
		"workload.duration\n");
	config_rig_refused("workload: {trace: none.atrace}\n", NULL, ERR_NO_INPUT,
		"c.yaml:1:19: workload.trace: none.atrace: No such file or directory\n");
	config_rig_refused(
		"workload: {generators: [{name: a, gfp: GFP_KERNEL|GFP_X, rate: 0/s, order: 1, "
		"size: 1B,\n"
		"  lifetime: {choice: [{value: 1s, weight: 0}]}}]}\n",
		NULL, ERR_CONFIG,
		"c.yaml:1:40: workload.generators[0].gfp: unknown flag 'GFP_X' at byte 12 of "
		"'GFP_KERNEL|GFP_X' (names are joined by |, such as GFP_KERNEL|__GFP_ZERO)\n"
		"c.yaml:1:64: workload.generators[0].rate: '0/s' is out of range (legal range: "
		"above 0/s, "
		"up to 1000/us)\n"
		"c.yaml:2:43: workload.generators[0].lifetime.choice[0].weight: '0' is out of "
		"range (legal "
		"range: above 0, up to 1000000000)\n");
}

static void test_operations(void **state)
{
	struct config c;
	struct trace t;
	struct err err = {0};
	int code;
	char *text = config_rig_load(&c,
			  "workload:\n  operations:\n"
			  "  - {at: 0ns, cpu: 0, alloc: a, order: 3, gfp: GFP_ATOMIC}\n"
			  "  - {at: 1us, cpu: 1, free: a}\n  - {at: 2us, alloc: a, size: 12KiB}\n",
			  NULL, &code);
	assert_string_equal(text, "");
	assert_int_equal(config_check_runnable(&c, &err), 0);
	assert_int_equal(trace_open_fd(&t, c.workload.ops_fd, "ops", &err), 0);
	assert_int_equal(t.cpus_count, 2);
	assert_int_equal(t.ops_count[0], 2);
	assert_int_equal(t.ops[0][0].order, 3);
	assert_int_equal(t.gfps[t.ops[0][0].gfp], GFP_ATOMIC);
	assert_int_equal(t.ops[1][0].flags, TRACE_F_OTHER_CPU);
	assert_int_equal(t.ops[1][0].time_ns, 1000);
	assert_int_equal(t.ops[0][1].order, 2);
	assert_int_equal(t.ops[0][1].id, 1);
	trace_close(&t);
	free(text);
	config_release(&c);
	config_rig_refused(
		"workload:\n  operations:\n  - {at: 1us, free: x}\n  - {at: 0us, alloc: y, order: "
		"1}\n"
		"  - {at: 2us, alloc: y, order: 1}\n  - {at: 3us, alloc: z}\n",
		NULL, ERR_CONFIG,
		"c.yaml:3:5: workload.operations[0]: frees a name that is not allocated: 'x'\n"
		"c.yaml:4:5: workload.operations[1]: time goes back on this CPU\n"
		"c.yaml:5:5: workload.operations[2]: allocates a name that is still in use: 'y'\n"
		"c.yaml:6:5: workload.operations[3]: alloc needs exactly one of 'order' and "
		"'size'\n");
	config_rig_refused(
		"workload: {operations: [{at: 0s, cpu: 5, alloc: a, order: 12}]}\n", NULL,
		ERR_CONFIG,
		"c.yaml:1:25: workload.operations: names CPU 5 but machine.cpus is 2 (legal range: "
		"0..1)\n"
		"c.yaml:1:25: workload.operations: allocates order 12, above buddy.max_order 10\n");
}

/* Nodes that allocations ask for: out of range, at their line; beside a policy; at a free. */
static void test_nodes(void **state)
{
	config_rig_refused("machine: {nodes: 2}\n"
		"workload:\n"
		"  generators:\n"
		"  - {name: a, rate: 1/s, order: 1, lifetime: 1s, count: 1,\n"
		"     node: 2, policy: local}\n",
		NULL, ERR_CONFIG,
		"c.yaml:5:12: workload.generators[0].node: is 2 but machine.nodes is 2 (legal "
		"range: 0..1)\n"
		"c.yaml:5:23: workload.generators[0].policy: has no effect beside node, which says "
		"it all\n");
	config_rig_refused("machine: {nodes: 2}\n"
		"workload: {operations: [{at: 0s, kmalloc: a, size: 8B, node: 1},\n"
		"  {at: 0s, kmalloc: b, size: 8B, node: 3}, {at: 0s, free: a, node: 1}]}\n",
		NULL, ERR_CONFIG,
		"c.yaml:3:44: workload.operations[2]: free does not take 'node'\n");
	config_rig_refused("machine: {nodes: 2}\n"
		"workload: {operations: [{at: 0s, kmalloc: a, size: 8B, node: 1},\n"
		"  {at: 0s, kmalloc: b, size: 8B, node: 3}]}\n",
		NULL, ERR_CONFIG,
		"c.yaml:3:3: workload.operations: asks for node 3 but machine.nodes is 2 (legal "
		"range: 0..1)\n");
}

/* Many names that live and die in an order that makes runs in the hash map wrap and close up. */
static void test_names(void **state)
{
	enum { BLOCKS = 3000 };
	struct config c;
	struct trace t;
	struct err err = {0};
	int code;
	char *yaml = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&yaml, &size);
	fprintf(out, "workload:\n  operations:\n");
	for (int i = 0; i < BLOCKS; i++) {
		fprintf(out, "  - {at: 0s, alloc: n%d, order: 0}\n", i);
		if (i % 3 == 2)
			fprintf(out, "  - {at: 0s, free: n%d}\n", i / 3 * 2);
	}
	fclose(out);
	char *text = config_rig_load(&c, yaml, NULL, &code);
	assert_string_equal(text, "");
	assert_int_equal(trace_open_fd(&t, c.workload.ops_fd, "ops", &err), 0);
	assert_int_equal(t.ops_count[0], BLOCKS + BLOCKS / 3);
	trace_close(&t);
	free(text);
	free(yaml);
	config_release(&c);
}

static void test_bounded(void **state)
{
	struct config c;
	int code;
	unsigned lines = 0;
	char *yaml = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&yaml, &size);
	for (int i = 0; i < 1000; i++)
		fprintf(out, "wrong%d: 1\n", i);
	fclose(out);
	char *text = config_rig_load(&c, yaml, NULL, &code);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 51);
	assert_int_equal(code, ERR_CONFIG);
	free(text);
	free(yaml);
	config_release(&c);
}

/* Every shipped configuration and seed loads, and what is printed loads to the same. */
static void test_generators_of_objects(void **state)
{
	config_rig_refused("workload:\n  duration: 1s\n  generators:\n"
		"  - {name: a, kmalloc: 64B, order: 1, lifetime: 1s, rate: 1/s}\n"
		"  - {name: b, kmalloc: 64B, rate: 1/s}\n"
		"  - {name: c, cache: dentry, lifetime: 1s, rate: 1/s, prefill: true}\n"
		"  - {name: d, lifetime: 1s, rate: 1/s}\n"
		"  - {name: e, kmalloc: 64B, lifetime: 1s, rate: 1/s, context: hardirq}\n",
		NULL, ERR_CONFIG,
		"c.yaml:8:63: workload.generators[4].context: unknown value 'hardirq' (legal "
		"range: one of process, softirq, irq, nmi)\n");
	config_rig_refused("workload:\n  duration: 1s\n  generators:\n"
		"  - {name: a, kmalloc: 64B, order: 1, lifetime: 1s, rate: 1/s}\n"
		"  - {name: b, kmalloc: 64B, rate: 1/s}\n"
		"  - {name: c, cache: dentry, lifetime: 1s, rate: 1/s, prefill: true}\n"
		"  - {name: d, kmalloc: {uniform: {min: 9B, max: 8B}}, lifetime: 1s, rate: 1/s}\n"
		"  - {name: e, fleet: none.csv, lifetime: 1s}\n",
		NULL, ERR_CONFIG,
		"c.yaml:4:5: workload.generators[0]: needs exactly one of 'order', 'size', "
		"'kmalloc', 'cache' and 'fleet'\n"
		"c.yaml:5:5: workload.generators[1]: lacks 'lifetime'\n"
		"c.yaml:6:22: workload.generators[2].cache: names the cache 'dentry', which "
		"slab.caches does not define\n"
		"c.yaml:6:64: workload.generators[2].prefill: has no effect without fleet\n"
		"c.yaml:7:24: workload.generators[3].kmalloc: its min is above its max\n"
		"c.yaml:8:22: workload.generators[4].fleet: none.csv: can't open: No such file or "
		"directory\n"
		"c.yaml:8:42: workload.generators[4].lifetime: is decided by the table that fleet "
		"names\n");
}

static void test_round_trip(void **state)
{
	static const char *const names[] = {
		"configs/linux-6.18.yaml",
		"configs/machines/embedded-4cpu.yaml",
		"configs/machines/guest-2cpu.yaml",
		"configs/machines/icelake-sp.yaml",
		"configs/machines/server-64cpu-2node.yaml",
		"configs/machines/skylake-sp.yaml",
		"configs/machines/zen3.yaml",
		"configs/machines/zen4.yaml",
		"configs/examples/operations.yaml",
		"configs/examples/churn.yaml",
		"configs/examples/fleet.yaml",
		"configs/examples/fragmentation.yaml",
		"configs/examples/highorder-atomic.yaml",
		"sim/fuzz_corpus/config/full.yaml",
		"sim/fuzz_corpus/config/zones.yaml",
		"sim/fuzz_corpus/config/machine.yaml",
		"sim/fuzz_corpus/config/operations.yaml",
	};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[4096];
		const char *files[] = {path};
		struct config a, b;
		struct err err = {0};
		int code;
		snprintf(path, sizeof(path), "%s/%s", source_root, names[i]);
		config_init(&a);
		assert_int_equal(config_load(&a, files, 1, NULL, 0, stderr, &err), 0);
		char *first = config_rig_print(&a);
		char *problems = config_rig_load(&b, first, NULL, &code);
		assert_string_equal(problems, "");
		char *second = config_rig_print(&b);
		assert_string_equal(first, second);
		config_release(&a);
		config_release(&b);
		free(first);
		free(second);
		free(problems);
	}
}

static void test_missing_file(void **state)
{
	const char *files[] = {"nowhere.yaml"};
	struct config c;
	struct err err = {0};
	config_init(&c);
	assert_int_equal(config_load(&c, files, 1, NULL, 0, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_string_equal(err.text, "nowhere.yaml: No such file or directory");
	config_release(&c);
}

static void test_merge(void **state)
{
	struct config c;
	struct err err = {0};
	int code;
	const char *base = "machine: {cpus: 8, memory: 1GiB}\n"
			   "workload: {duration: 1s, generators: [{name: a, rate: 1/s, order: 0, "
			   "lifetime: forever},\n"
			   "  {name: b, rate: 1/s, size: 5KiB, lifetime: 1s}]}\n";
	config_rig_write("base.yaml", base, strlen(base));
	char *text = config_rig_load(&c, "include: base.yaml\nmachine: {cpus: 4}\n",
			  "workload.generators[1].lifetime={uniform: {min: 1ms, max: 2ms}}", &code);
	assert_string_equal(text, "");
	assert_int_equal(c.machine.cpus, 4);
	assert_int_equal(c.machine.memory_bytes, 1 << 30);
	assert_int_equal(c.workload.generators_count, 2);
	assert_true(isinf(c.workload.generators[0].lifetime_ns.value));
	assert_int_equal(c.workload.generators[0].what, GENERATOR_ORDER);
	assert_int_equal(c.workload.generators[1].what, GENERATOR_SIZE);
	assert_int_equal(c.workload.generators[1].lifetime_ns.kind, DIST_UNIFORM);
	assert_true(c.workload.generators[1].lifetime_ns.max == 2e6);
	free(text);
	config_release(&c);
	text = config_rig_load(&c, "include: base.yaml\n", "workload.generators=[]", &code);
	assert_string_equal(text, "");
	assert_int_equal(config_check_runnable(&c, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	free(text);
	config_release(&c);
}

static void test_json(void **state)
{
	struct config c;
	struct json j;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	config_init(&c);
	json_init(&j, out);
	json_object_begin(&j, NULL);
	config_write_json(&c, &j);
	json_object_end(&j);
	json_finish(&j);
	fclose(out);
	assert_non_null(strstr(text, "\"memory_bytes\": 4294967296"));
	assert_non_null(strstr(text, "\"cpu_khz\": 2450000"));
	assert_non_null(strstr(text, "\"batch_pages\": \"auto\""));
	assert_non_null(strstr(text, "\"alloc_cycles\": 45"));
	free(text);
	config_release(&c);
}

static void test_reference(void **state)
{
	char path[4096], *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	config_print_reference(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/docs/config-reference.md", source_root);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	char *committed = calloc(1, size + 2);
	size_t got = fread(committed, 1, size + 1, f);
	fclose(f);
	assert_int_equal(got, size);
	assert_string_equal(committed, text);
	free(committed);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_yaml),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_generators_of_objects),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_reference),
	};
	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
