/*
 * Tests that a page allocator stops at once when it is misused: freeing what is free, with a wrong
 * order, or in a wrong place. Each misuse runs in a child process, which has to die of SIGABRT with
 * the text that names the trouble.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "kern/child_program.h"

struct misuse {
	const char *script, *text; /* runs into a bug that prints this */
};

struct run {
	const struct op_params *params;
	const char *script;
};

static void program(void *arg)
{
	const struct run *run = arg;
	struct op_machine m;
	op_machine_init(&m, run->params);
	op_run(&m, run->script);
}

static void run_misuse(const struct op_params *params, const struct misuse *misuse)
{
	struct run run = {params, misuse->script};
	struct child_end end;
	child_run(program, &run, &end);
	if (!child_aborted(&end, misuse->text))
		fail_msg("\"%s\": status %#x, \"%s\" instead of \"%s\"", misuse->script,
			 (unsigned)end.status, end.text, misuse->text);
}

static void without_per_cpu_lists(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .unchecked = true};
	static const struct misuse misuses[] = {
		{"a10m=0 f0 f0/10", "free of pfn 0, which is free (state 0x1)"},
		{"a0m=0 a0m=1 f1 f1/0", "free of pfn 0x1, which is free"},
		{"a0m=0 a0m=1 f1 f0 f1/0", "free or part of another block"}, /* merged meanwhile */
		{"f2048/0", "free or part of another block"},                /* never allocated */
		{"a10m=0 a3m=1024 f1032/1", "which is free (state 0x1)"},
		{"a3m=0 f0/2", "free of pfn 0 with order 2, allocated with order 3"},
		{"a3m=0 f0/4", "free of pfn 0 with order 4, allocated with order 3"},
		{"a3m=0 f1/0", "free or part of another block"},
		{"a3m=0 s0 f0/3", "free of pfn 0 with order 3, allocated with order 0"},
		{"a3m=0 f4096/0", "no block of this machine"},
		{"a3m=0 f1/1", "no block of this machine"},
		{"a3m=0 f0/11", "no block of this machine"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++)
		run_misuse(&params, &misuses[i]);
}

static void with_per_cpu_lists(void **state)
{
	static const struct op_params params = {
		.zone_pages = 4096,
		.unchecked = true,
		.cpus_count = 2,
		.pcp = {.enabled = true, .batch_pages = 3, .high_min_pages = 12,
			.high_max_pages = 12},
	};
	static const struct misuse misuses[] = {
		{"a0m=0 f0 f0/0", "free of pfn 0, which is free (state 0x2)"},
		{"a0m=0 f0 c1 f0/0", "free of pfn 0, which is free (state 0x2)"},
		{"a0m=0 f1/0", "free of pfn 0x1, which is free (state 0x2)"}, /* refilled */
		{"a3m=0 f0 f4/0", "free or part of another block"},
		{"a3m=0 f0/9", "free of pfn 0 with order 9, allocated with order 3"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++)
		run_misuse(&params, &misuses[i]);
}

/* Pages that were in use from the start may be freed once. */
static void older_pages(void **state)
{
	static const struct op_params params = {
		.zone_pages = 4096,
		.all_used = true,
		.unchecked = true,
	};
	static const struct misuse misuses[] = {
		{"f8/3 f8/3", "which is free (state 0x1)"},
		{"f8/3 f9/0", "free or part of another block"},
		{"f8/3 f0/4", "free or part of another block"},
		{"f9/0 f8/3", "free or part of another block"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++)
		run_misuse(&params, &misuses[i]);
	struct op_machine m;
	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "f8/3 f0/3 f16/0 f17/0"), 0);
	assert_string_equal(op_lists(&m, 0, -1), "1m:16 4m:0");
	op_machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_per_cpu_lists),
		cmocka_unit_test(with_per_cpu_lists),
		cmocka_unit_test(older_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
