/*
 * program_test.c - programs as configured and as streams of operations.
 *
 * Refusals are compared with their whole lines, as in config_test.c. What operations do to the
 * machine is tested from outside, by programs_test.py and the golden run.
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
#include "sim/workload.h"

static struct config config;
static struct workload workload;

/* Load @yaml; the diagnostics, to be freed. */
static char *load(const char *yaml)
{
	const char *files[] = {"program.yaml"};
	struct err err = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size), *f = fopen(files[0], "wb");
	assert_non_null(f);
	fputs(yaml, f);
	assert_int_equal(fclose(f), 0);
	config_init(&config);
	int rc = config_load(&config, files, 1, NULL, 0, out, &err);
	fclose(out);
	assert_int_equal(rc != 0, *text != '\0');
	return text;
}

static void refused(const char *yaml, const char *expected)
{
	char *text = load(yaml);
	assert_string_equal(text, expected);
	free(text);
	config_release(&config);
}

static void opened(const char *yaml, unsigned cpus_count)
{
	struct err err = {0};
	char *text = load(yaml);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(workload_from_programs(&workload, &config, cpus_count, &err), 0);
}

static void closed(void)
{
	workload_release(&workload);
	config_release(&config);
}

static struct op next(unsigned cpu)
{
	struct op op;
	assert_true(workload_next(&workload, cpu, &op));
	return op;
}

/* --- what is refused -------------------------------------------------------------------------- */

#define STEPS(text) "workload:\n  programs:\n  - name: p\n    steps:\n" text

static void test_names(void **state)
{
	(void)state;
	refused(STEPS("    - {free: a}\n"
		      "    - {kmalloc: a, size: 8B}\n"
		      "    - {kmalloc: a, size: 8B}\n"
		      "    - {munmap: a}\n"
		      "    - {free: a}\n"
		      "    - {touch: a}\n"),
		"program.yaml:5:14: workload.programs[0].steps[0].free: 'a' is not allocated here\n"
		"program.yaml:7:17: workload.programs[0].steps[2].kmalloc: 'a' is still in use: it "
		"was made by workload.programs[0].steps[1]\n"
		"program.yaml:8:16: workload.programs[0].steps[3].munmap: 'a' is no mapped memory: "
		"workload.programs[0].steps[1] made it\n"
		"program.yaml:9:14: workload.programs[0].steps[4].free: 'a' is not allocated here\n"
		"program.yaml:10:15: workload.programs[0].steps[5].touch: 'a' is not allocated "
		"here\n");
	refused(STEPS("    - {alloc: a, order: 0}\n"
		      "    - {chance: 0.5, steps: [{free: a}, {alloc: b, order: 0}]}\n"
		      "    - {mmap: m, size: 8KiB}\n"
		      "    - {free: m}\n"),
		"program.yaml:6:36: workload.programs[0].steps[1].steps[0].free: 'a' was made "
		"outside of this chance, by workload.programs[0].steps[0]\n"
		"program.yaml:6:40: workload.programs[0].steps[1].steps[1]: 'b' is not freed by "
		"the "
		"end of the chance (to lose it on purpose: keep: true)\n"
		"program.yaml:8:14: workload.programs[0].steps[3].free: 'm' is mapped memory, "
		"which "
		"munmap ends\n");
	refused("workload:\n  programs:\n  - name: p\n    start: [{alloc: a, order: 0}]\n"
		"    steps:\n    - {free: a}\n    - {vmalloc: v, size: 1MiB}\n"
		"    - {kmalloc: k, size: 8B, keep: true}\n    - {free: k}\n",
		"program.yaml:6:14: workload.programs[0].steps[0].free: 'a' was made outside of "
		"this "
		"round, by workload.programs[0].start[0]\n"
		"program.yaml:9:14: workload.programs[0].steps[3].free: 'k' is kept for ever, as "
		"workload.programs[0].steps[2] says\n"
		"program.yaml:7:7: workload.programs[0].steps[1]: 'v' is not freed by the end of "
		"the "
		"round (to lose it on purpose: keep: true)\n");
}

static void test_keys(void **state)
{
	(void)state;
	refused(STEPS("    - {kmalloc: a}\n"
		      "    - {cache_alloc: b, cache: none}\n"
		      "    - {alloc: c, order: 11}\n"
		      "    - {alloc: d, size: {exponential: {mean: 1KiB}}}\n"
		      "    - {touch: c, bytes: 16MiB, size: 1B}\n"
		      "    - {touch: c, free: c}\n"
		      "    - {stride: 1B}\n"
		      "    - {work: forever}\n"
		      "    - {chance: 0.5}\n"
		      "    - {free: a}\n    - {free: b}\n    - {free: c}\n    - {free: d}\n"),
		"program.yaml:5:7: workload.programs[0].steps[0]: kmalloc needs 'size'\n"
		"program.yaml:6:31: workload.programs[0].steps[1].cache: names the cache 'none', "
		"which slab.caches does not define\n"
		"program.yaml:7:25: workload.programs[0].steps[2].order: is above buddy.max_order "
		"10\n"
		"program.yaml:8:24: workload.programs[0].steps[3].size: has no upper end; give it "
		"a "
		"max (at most 4MiB)\n"
		"program.yaml:9:38: workload.programs[0].steps[4].size: does not belong to touch\n"
		"program.yaml:9:25: workload.programs[0].steps[4].bytes: leads beyond the 8388608 "
		"bytes of 'c'\n"
		"program.yaml:10:7: workload.programs[0].steps[5]: needs exactly one of 'kmalloc', "
		"'cache_alloc', 'alloc', 'vmalloc', 'mmap', 'touch', 'protect', 'munmap', 'free', "
		"'lock', 'unlock', 'work', 'idle' and 'chance'\n"
		"program.yaml:11:7: workload.programs[0].steps[6]: needs exactly one of 'kmalloc', "
		"'cache_alloc', 'alloc', 'vmalloc', 'mmap', 'touch', 'protect', 'munmap', 'free', "
		"'lock', 'unlock', 'work', 'idle' and 'chance'\n"
		"program.yaml:12:14: workload.programs[0].steps[7].work: must end: forever is for "
		"lifetimes\n"
		"program.yaml:13:7: workload.programs[0].steps[8]: chance needs 'steps'\n");
	refused(STEPS("    - {mmap: m, size: 8KiB}\n"
		      "    - {protect: m, offset: 100B}\n"
		      "    - {touch: m, offset: 8KiB}\n"
		      "    - {munmap: m}\n"),
		"program.yaml:6:28: workload.programs[0].steps[1].offset: is not a multiple of the "
		"page size, 4KiB\n"
		"program.yaml:7:26: workload.programs[0].steps[2].offset: leaves nothing of the "
		"8192 "
		"bytes of 'm'\n");
}

static void test_locks(void **state)
{
	(void)state;
	refused("workload:\n  locks:\n  - {name: a}\n  - {name: m, kind: mutex}\n"
		"  - {name: a}\n  programs:\n  - name: p\n    steps:\n"
		"    - {lock: a}\n    - {lock: a}\n    - {lock: m}\n    - {idle: 1us}\n"
		"    - {mmap: x, size: 4KiB}\n    - {unlock: none}\n    - {unlock: m}\n"
		"    - {chance: 1, steps: [{unlock: a}, {lock: m}]}\n",
		"program.yaml:5:12: workload.locks[2].name: 'a' is already the name of "
		"workload.locks[0]\n"
		"program.yaml:10:14: workload.programs[0].steps[1].lock: takes 'a' twice: it is "
		"held "
		"since workload.programs[0].steps[0]\n"
		"program.yaml:11:14: workload.programs[0].steps[2].lock: may sleep or wait for "
		"other "
		"CPUs, which nobody may who holds a spin lock, here 'a'\n"
		"program.yaml:12:14: workload.programs[0].steps[3].idle: may sleep or wait for "
		"other "
		"CPUs, which nobody may who holds a spin lock, here 'a'\n"
		"program.yaml:13:14: workload.programs[0].steps[4].mmap: may sleep or wait for "
		"other "
		"CPUs, which nobody may who holds a spin lock, here 'a'\n"
		"program.yaml:14:16: workload.programs[0].steps[5].unlock: names the lock 'none', "
		"which workload.locks does not define\n"
		"program.yaml:16:36: workload.programs[0].steps[7].steps[0].unlock: 'a' was taken "
		"outside of this chance, by workload.programs[0].steps[0]\n"
		"program.yaml:16:40: workload.programs[0].steps[7].steps[1]: the lock is not "
		"released by the end of the chance\n"
		"program.yaml:13:7: workload.programs[0].steps[4]: 'x' is not unmapped by the end "
		"of "
		"the round (to lose it on purpose: keep: true)\n");
}

static void test_programs(void **state)
{
	(void)state;
	refused("machine: {cpus: 4}\nworkload:\n  touch: all\n  programs:\n"
		"  - {name: p, cpus: [0, 1], rounds: 0, steps: [{work: 1us}]}\n"
		"  - {name: p, cpus: [1, 9], steps: []}\n"
		"  - {name: q, cpus: [2], rounds: 3}\n",
		"program.yaml:7:5: workload.programs[2]: lacks 'steps' (a round; it frees what it "
		"allocates, but for `keep`)\n");
	refused("machine: {cpus: 4}\nworkload:\n  touch: all\n  programs:\n"
		"  - {name: p, cpus: [0, 1], rounds: 0, steps: [{work: 1us}]}\n"
		"  - {name: p, cpus: [1, 9], steps: []}\n",
		"program.yaml:3:10: workload.touch: has no effect: programs touch by steps\n"
		"program.yaml:5:37: workload.programs[0].rounds: would never end: give rounds "
		"above "
		"0 or workload.duration\n"
		"program.yaml:6:12: workload.programs[1].name: 'p' is already the name of "
		"workload.programs[0]\n"
		"program.yaml:6:21: workload.programs[1].cpus: CPU 1 runs the program 'p' already\n"
		"program.yaml:6:21: workload.programs[1].cpus: names CPU 9 but machine.cpus is 4 "
		"(legal range: 0..3)\n"
		"program.yaml:6:36: workload.programs[1].steps: is empty: nothing to do\n");
	refused("workload:\n  duration: 1s\n  programs:\n"
		"  - {name: p, rounds: 0, start: [{alloc: a, order: 0}], steps: [{touch: a}]}\n",
		"program.yaml:4:23: workload.programs[0].rounds: would never end: no step of a "
		"round "
		"is sure to take time\n");
}

/* --- what is read ----------------------------------------------------------------------------- */

#define ROUND                                                                                      \
	"seed: 7\nmachine: {cpus: 3}\nslab: {caches: [{name: c, object_size: 64B}]}\n"             \
	"workload:\n  duration: 1ms\n  locks: [{name: l}]\n  programs:\n"                          \
	"  - name: p\n    cpus: [0, 2]\n    rounds: 0\n"                                           \
	"    start: [{alloc: base, size: 5KiB}]\n    steps:\n"                                     \
	"    - {kmalloc: a, size: {uniform: {min: 1B, max: 1000B}}}\n"                             \
	"    - {cache_alloc: b, cache: c}\n    - {lock: l}\n    - {touch: base, random: true}\n"   \
	"    - {unlock: l}\n    - {free: b}\n    - {free: a}\n    - {idle: 3us}\n"                 \
	"    - {work: 100ns}\n"

static void test_round(void **state)
{
	(void)state;
	opened(ROUND, 3);
	assert_int_equal(workload.programs[0].cpus_count, 2);
	struct op op = next(2), base = op;
	assert_int_equal(op.kind, OP_ALLOC);
	assert_int_equal(op.order, 1);
	/* CPUs count from chunks of their own. */
	const uint64_t first = 2 * OBJECT_CHUNK_SIZE;
	assert_int_equal(op.id, first);
	op = next(2);
	assert_int_equal(op.kind, OP_KMALLOC);
	assert_int_equal(op.id, first + 1);
	assert_in_range(op.bytes, 1, 1000);
	op = next(2);
	assert_int_equal(op.kind, OP_CACHE_ALLOC);
	assert_int_equal(op.id, first + 2);
	assert_int_equal(op.cache, 0);
	op = next(2);
	assert_int_equal(op.kind, OP_LOCK);
	assert_int_equal(op.step->lock, 0);
	op = next(2);
	assert_int_equal(op.kind, OP_TOUCH);
	assert_ptr_equal(op.slot, base.slot);
	assert_int_equal(op.slot->id, first);
	assert_int_equal(next(2).kind, OP_UNLOCK);
	op = next(2);
	assert_int_equal(op.kind, OP_OBJECT_FREE);
	assert_int_equal(op.id, first + 2);
	assert_int_equal(op.cache, 0);
	op = next(2);
	assert_int_equal(op.kind, OP_OBJECT_FREE);
	assert_int_equal(op.id, first + 1);
	assert_int_equal(op.cache, OP_CACHE_NONE);
	workload.streams[2].now_ps = 500;
	op = next(2);
	assert_int_equal(op.kind, OP_IDLE);
	assert_int_equal(op.at_ps, 500 + 3000000);
	op = next(2);
	assert_int_equal(op.kind, OP_WORK);
	assert_int_equal(op.work_ps, 100000);
	assert_int_equal(workload.programs[0].rounds_count, 0);
	assert_int_equal(next(2).kind, OP_KMALLOC);
	assert_int_equal(workload.programs[0].rounds_count, 1);
	struct op none;
	assert_false(workload_next(&workload, 1, &none));
	closed();
}

/* A round that has begun is finished; none begins at the end of the time or after it. */
static void test_end(void **state)
{
	(void)state;
	opened(ROUND, 3);
	next(0);
	next(0);
	workload.streams[0].now_ps = UINT64_C(1000000000);
	unsigned left = 0;
	struct op op;
	while (workload_next(&workload, 0, &op))
		left++;
	assert_int_equal(left, 8);
	assert_int_equal(workload.programs[0].rounds_count, 1);
	assert_false(workload_next(&workload, 0, &op));
	assert_int_equal(workload.programs[0].rounds_count, 1);
	closed();
	opened("workload: {programs: [{name: p, rounds: 5, steps: [{work: 1ns}, {work: 1ns}]}]}\n",
	       1);
	for (left = 0; workload_next(&workload, 0, &op);)
		left++;
	assert_int_equal(left, 10);
	closed();
}

/* What a CPU draws depends on the seed, the program and the CPU, and on nothing else. */
static void test_draws(void **state)
{
	(void)state;
	uint64_t alone[40], other = 0;
	opened(ROUND, 1);
	for (unsigned i = 0; i < 40; i++)
		alone[i] = next(0).bytes;
	closed();
	opened(ROUND, 3);
	for (unsigned i = 0; i < 40; i++) {
		struct op on_2 = next(2);
		other += on_2.kind == OP_KMALLOC && on_2.bytes != alone[i];
		assert_int_equal(next(0).bytes, alone[i]);
	}
	assert_true(other > 0);
	closed();
}

/* The share of rounds in which a chance is taken. */
static void test_chance(void **state)
{
	(void)state;
	opened(
		STEPS("    - {work: 1ns}\n    - {chance: 0.25, steps: [{idle: 1ns}, {idle: "
		      "2ns}]}\n") "    rounds: 10000\n",
		1);
	unsigned idle = 0, work = 0;
	struct op op;
	while (workload_next(&workload, 0, &op)) {
		idle += op.kind == OP_IDLE;
		work += op.kind == OP_WORK;
	}
	assert_int_equal(work, 10000);
	assert_int_equal(idle % 2, 0);
	/* 2500 expected; four standard deviations of a binomial are 174. */
	assert_in_range(idle / 2, 2500 - 174, 2500 + 174);
	closed();
}

/* Printed, read and printed again it is the same. */
static void test_print(void **state)
{
	(void)state;
	struct err err = {0};
	char *text[2];
	size_t size;
	char *problems =
		load(ROUND "    - {chance: 0.5, steps: [{mmap: m, size: 2MiB, huge: true}, "
			   "{munmap: m, bytes: 4KiB}, {munmap: m}]}\n");
	assert_string_equal(problems, "");
	free(problems);
	for (unsigned i = 0; i < 2; i++) {
		FILE *out = open_memstream(&text[i], &size);
		assert_int_equal(config_print_yaml(&config, out, &err), 0);
		fclose(out);
		config_release(&config);
		if (i == 0) {
			problems = load(text[0]);
			assert_string_equal(problems, "");
			free(problems);
		}
	}
	assert_string_equal(text[0], text[1]);
	assert_non_null(strstr(text[0], "- munmap: m\n              offset: 0B\n"));
	free(text[0]);
	free(text[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_locks), cmocka_unit_test(test_programs),
		cmocka_unit_test(test_round), cmocka_unit_test(test_end),
		cmocka_unit_test(test_draws), cmocka_unit_test(test_chance),
		cmocka_unit_test(test_print),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
