/*
 * config_copy_test.c - copies of configurations, and values set in them: what a sweep does for each
 * of its points must be what loading everything anew does.
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

/* meson.build defines SOURCE_ROOT. */
static const char *const source_root = SOURCE_ROOT;

static void load_base(struct config *c, const char *file)
{
	struct err err = {0};
	config_init(c);
	assert_int_equal(config_load_base(c, &file, 1, NULL, 0, NULL, &err), 0);
}

static void load_text(struct config *c, const char *yaml)
{
	config_rig_write("base.yaml", yaml, strlen(yaml));
	load_base(c, "base.yaml");
}

/* @file with @sets: loaded, and applied to a copy of a base, are the same. */
static void check_same(const char *file, const char *const *sets, unsigned count)
{
	struct config loaded, base, point;
	struct err err = {0};
	config_init(&loaded);
	assert_int_equal(config_load(&loaded, &file, 1, sets, count, NULL, &err), 0);
	load_base(&base, file);
	char *before = config_rig_print(&base);
	assert_int_equal(config_copy(&point, &base, &err), 0);
	assert_int_equal(config_apply(&point, sets, count, NULL, &err), 0);
	char *expected = config_rig_print(&loaded), *got = config_rig_print(&point);
	assert_string_equal(got, expected);
	config_release(&point);
	char *after = config_rig_print(&base);
	assert_string_equal(before, after);
	config_release(&base);
	config_release(&loaded);
	free(before);
	free(after);
	free(expected);
	free(got);
}

static void test_as_loaded(void **state)
{
	static const char *const files[] = {
		"configs/linux-6.18.yaml", "workloads/churn.yaml", "workloads/vmalloc.yaml",
		"workloads/touch-patterns.yaml", "workloads/operations.yaml",
		"workloads/lock-contention.yaml", "workloads/objects.yaml",
		"configs/machines/zen3.yaml",
	};
	static const char *const sets[] = {"seed=5", "pcp.batch=7", "slab.max_order=1"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%s", source_root, files[i]);
		check_same(path, NULL, 0);
		check_same(path, sets, ARRAY_SIZE(sets));
	}
}

static const char lists[] =
	"machine: {cpus: 2}\n"
	"workload:\n"
	"  locks: [{name: l}]\n"
	"  programs:\n"
	"    - name: p\n"
	"      cpus: [0]\n"
	"      start: [{kmalloc: a, size: 8B}]\n"
	"      steps:\n"
	"        - {work: 5us}\n"
	"        - {chance: 0.5, steps: [{kmalloc: b, size: 64B}, {free: b}]}\n";

static void test_nothing_shared(void **state)
{
	static const char *const sets[] = {
		"workload.programs[0].steps[1].steps[0].size=128B",
		"workload.programs[0].start[0].size=16B", "workload.locks[0].name=m",
	};
	struct config base, copy;
	struct err err = {0};
	load_text(&base, lists);
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_ptr_not_equal(copy.workload.programs, base.workload.programs);
	assert_ptr_not_equal(copy.workload.programs[0].steps, base.workload.programs[0].steps);
	assert_ptr_not_equal(copy.workload.programs[0].steps[1].steps,
			     base.workload.programs[0].steps[1].steps);
	assert_int_equal(config_apply(&copy, sets, ARRAY_SIZE(sets), NULL, &err), 0);
	assert_true(copy.workload.programs[0].steps[1].steps[0].size_bytes.value == 128);
	assert_true(base.workload.programs[0].steps[1].steps[0].size_bytes.value == 64);
	assert_true(base.workload.programs[0].start[0].size_bytes.value == 8);
	assert_string_equal(base.workload.locks[0].name, "l");
	config_release(&base);
	/* What the base held is gone; the copy has its own. */
	char *text = config_rig_print(&copy);
	assert_non_null(strstr(text, "name: m"));
	free(text);
	config_release(&copy);
}

static void test_lists_replaced(void **state)
{
	static const char *const sets[] = {
		"workload.programs=[{name: q, steps: [{work: 1us}]}, {name: r, cpus: [1], "
		"steps: [{work: 1us}]}]",
		"workload.programs[0].cpus=[0]",
	};
	struct config base, copy;
	struct err err = {0};
	load_text(&base, lists);
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_int_equal(config_apply(&copy, sets, ARRAY_SIZE(sets), NULL, &err), 0);
	assert_int_equal(copy.workload.programs_count, 2);
	assert_int_equal(base.workload.programs_count, 1);
	config_release(&copy);
	config_release(&base);
}

/* Compiled operations stay readable through either after the other is gone. */
static void test_operations(void **state)
{
	struct config base, copy;
	struct err err = {0};
	load_text(&base, "workload: {operations: [{at: 0ns, alloc: a, order: 3}]}\n");
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_int_not_equal(copy.workload.ops_fd, base.workload.ops_fd);
	config_release(&base);
	char *text = config_rig_print(&copy);
	assert_non_null(strstr(text, "order: 3"));
	free(text);
	config_release(&copy);
}

/* Words and numbers that the checks resolve are resolved for each set of values anew. */
static void test_resolved_late(void **state)
{
	static const char *const sets[] = {"machine.cpus=8", "machine.caches[0].size=64KiB"};
	struct config base, copy;
	struct err err = {0};
	load_text(&base, "machine:\n  cpus: 2\n  caches:\n"
			 "    - {name: L1, size: 32KiB, line: 64B, ways: full, latency_cycles: 4,"
			 " shared_by: 4}\n");
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_int_equal(config_apply(&copy, NULL, 0, NULL, &err), 0);
	assert_int_equal(copy.machine.hw.caches[0].shared_by, 2);
	assert_int_equal(copy.machine.hw.caches[0].ways, 512);
	config_release(&copy);
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_int_equal(config_apply(&copy, sets, ARRAY_SIZE(sets), NULL, &err), 0);
	assert_int_equal(copy.machine.hw.caches[0].shared_by, 4);
	assert_int_equal(copy.machine.hw.caches[0].ways, 1024);
	config_release(&copy);
	/* A configuration that was loaded to be run has the limits of its CPUs for good. */
	const char *file = "base.yaml";
	struct config loaded;
	config_init(&loaded);
	assert_int_equal(config_load(&loaded, &file, 1, NULL, 0, NULL, &err), 0);
	assert_int_equal(config_apply(&loaded, sets, 1, NULL, &err), 0);
	assert_int_equal(loaded.machine.hw.caches[0].shared_by, 2);
	config_release(&loaded);
	config_release(&base);
}

static void test_memory_replaces_zones(void **state)
{
	static const char *const sets[] = {"machine.memory=1GiB"};
	struct config base;
	struct err err = {0};
	load_text(&base, "machine: {zones: [{type: Normal, start: 4KiB, size: 64MiB}]}\n");
	assert_int_equal(config_apply(&base, sets, 1, NULL, &err), 0);
	assert_int_equal(base.machine.zones_count, 0);
	assert_int_equal(base.machine.memory_bytes, UINT64_C(1) << 30);
	config_release(&base);
}

static void check_refused(const char *yaml, const char *set, const char *expected)
{
	struct config base, copy;
	struct err err = {0};
	load_text(&base, yaml);
	assert_int_equal(config_copy(&copy, &base, &err), 0);
	assert_int_equal(config_apply(&copy, &set, 1, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_string_equal(err.text, expected);
	config_release(&copy);
	config_release(&base);
}

/* Relations between a new value and those that the base has. */
static void test_refused(void **state)
{
	check_refused("{}\n", "machine.cpus=0",
		      "--set machine.cpus=0: machine.cpus: '0' is out of range (legal range: "
		      "1..256)");
	check_refused("slab: {min_order: 2}\n", "slab.max_order=1",
		      "slab.min_order: is above slab.max_order 1");
	check_refused("kmalloc: {classes: [8, 4MiB]}\n", "buddy.max_order=9",
		      "kmalloc.classes[1]: size class 1 is 4194304 bytes; multiples of 8 from 8 to "
		      "2097152 (the largest slab) are possible");
	check_refused("machine: {cpus: 2}\n"
		      "workload: {operations: [{at: 0ns, cpu: 1, alloc: a, order: 0}]}\n",
		      "machine.cpus=1",
		      "base.yaml: workload.operations: names CPU 1 but machine.cpus is 1 (legal "
		      "range: 0..0)");
	check_refused(
		"workload: {operations: [{at: 0ns, alloc: a, order: 9}]}\n", "buddy.max_order=8",
		"--set buddy.max_order=8: buddy.max_order: pageblock_order 9 is above max_order "
		"8");
	check_refused("buddy: {pageblock_order: 3}\n"
		      "workload: {operations: [{at: 0ns, alloc: a, order: 9}]}\n",
		      "buddy.max_order=8",
		      "base.yaml: workload.operations: allocates order 9, above buddy.max_order 8");
	check_refused("machine: {nodes: 2}\n"
		      "workload: {operations: [{at: 0ns, alloc: a, order: 0, node: 1}]}\n",
		      "machine.nodes=1",
		      "base.yaml: workload.operations: asks for node 1 but machine.nodes is 1 "
		      "(legal range: 0..0)");
	check_refused("slab: {caches: [{name: c, object_size: 64B}]}\n"
		      "workload: {operations: [{at: 0ns, cache_alloc: a, cache: c}]}\n",
		      "slab.caches=[]",
		      "base.yaml: workload.operations: names the cache 'c', which slab.caches does "
		      "not define");
	check_refused(lists, "workload.programs[0].cpus=[4]",
		      "--set workload.programs[0].cpus=[4]: workload.programs[0].cpus: names CPU 4 "
		      "but machine.cpus is 2 (legal range: 0..1)");
	check_refused(lists, "workload.programs[0].steps[0].free=z",
		      "workload.programs[0].steps[0]: needs exactly one of 'kmalloc', "
		      "'cache_alloc', 'alloc', 'vmalloc', 'mmap', 'touch', 'protect', 'munmap', "
		      "'free', 'lock', 'unlock', 'work', 'idle' and 'chance'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_loaded),
		cmocka_unit_test(test_nothing_shared),
		cmocka_unit_test(test_lists_replaced),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_resolved_late),
		cmocka_unit_test(test_memory_replaces_zones),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
