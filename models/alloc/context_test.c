/*
 * Contexts and reserves (O47): which requests may sleep where, what GFP_ATOMIC gets when memory
 * runs out, and that a request that may sleep in an interrupt is counted as a mistake, once.
 *
 * Each row runs for a page, for a small kmalloc over every object allocator (a new slab, whose
 * pages have to come from somewhere) and for a large kmalloc, on three machines: with free memory,
 * with only the reserve below the min watermark left, and with nothing that an urgent request gets.
 *
 * What a process with GFP_KERNEL does below the watermark, to sleep while memory is reclaimed and
 * then go on, belongs to reclaim, which the page allocator does not have. Here it fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_oracle.h"

enum level { LEVEL_FREE, LEVEL_RESERVE, LEVEL_NONE, LEVELS };

enum demand {
	DEMAND_PAGE,
	DEMAND_SMALL, /* kmalloc of a class that has no slab yet */
	DEMAND_LARGE, /* kmalloc of four pages */
	DEMANDS,
};

#define SMALL_BYTES 1000
#define LARGE_BYTES 16384

struct result {
	bool ok;
	enum alloc_failure why;
	uint64_t violations;
	uint64_t pages_before, pages_after, min_pages;
};

static void start(struct object_machine *om, const struct object_allocator_ops *ops)
{
	static const struct op_params machine = {
		.zone_pages = 4096,
		.min_free_kbytes = 2048,
		.no_highatomic = true,
		.unchecked = true,
	};
	struct object_allocator_params p;
	object_params_init(&p);
	object_machine_init(om, &machine, ops, &p, NULL, 0);
}

/* Take pages until a request with @gfp gets none. */
static void exhaust(struct object_machine *om, gfp_t gfp)
{
	enum alloc_failure why = ALLOC_OK;
	while (why == ALLOC_OK)
		om->m.pa->ops->alloc_pages(om->m.pa, &om->m.env[0], 0, gfp, 0, &why);
}

static bool demand(struct object_machine *om, enum demand d, gfp_t gfp, enum alloc_failure *why)
{
	struct env *env = &om->m.env[0];
	if (d == DEMAND_PAGE)
		return om->m.pa->ops->alloc_pages(om->m.pa, env, 0, gfp, 0, why) != PFN_NONE;
	uint64_t bytes = d == DEMAND_SMALL ? SMALL_BYTES : LARGE_BYTES;
	return kmalloc_alloc(&om->km, env, bytes, gfp, 0, why) != OBJECT_NONE;
}

static struct result run(const struct object_allocator_ops *ops, enum level level, enum demand d,
			 enum env_context context, gfp_t gfp)
{
	struct object_machine om;
	struct result res = {.ok = false};
	start(&om, ops);
	if (level >= LEVEL_RESERVE)
		exhaust(&om, GFP_KERNEL);
	if (level == LEVEL_NONE)
		exhaust(&om, GFP_ATOMIC);
	res.min_pages = om.m.pm.zones[0].watermark_pages[WMARK_MIN];
	res.pages_before = om.m.pm.zones[0].free_pages;
	env_set_context(&om.m.env[0], context);
	res.ok = demand(&om, d, gfp, &res.why);
	res.pages_after = om.m.pm.zones[0].free_pages;
	res.violations = om.m.env[0].sleep_violations_count;
	object_machine_release(&om);
	return res;
}

static void the_table(void **state)
{
	static const struct {
		enum env_context context;
		gfp_t gfp;
		bool ok[LEVELS];
		uint64_t violations;
	} rows[] = {
		/* Below min this one would sleep, and succeed or meet the OOM killer: reclaim. */
		{CONTEXT_PROCESS, GFP_KERNEL, {true, false, false}, 0},
		{CONTEXT_IRQ, GFP_ATOMIC, {true, true, false}, 0},
		{CONTEXT_IRQ, GFP_KERNEL, {true, false, false}, 1},
		{CONTEXT_PROCESS, GFP_ATOMIC, {true, true, false}, 0},
		{CONTEXT_SOFTIRQ, GFP_ATOMIC, {true, true, false}, 0},
		{CONTEXT_SOFTIRQ, GFP_KERNEL, {true, false, false}, 1},
		{CONTEXT_NMI, GFP_NOFS, {true, false, false}, 1},
		{CONTEXT_PROCESS,
		 GFP_NOWAIT,
		 {true, false, false},
		 0}, /* does not wait, is not urgent */
	};
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows) * LEVELS * DEMANDS; i++) {
			size_t row = i / (LEVELS * DEMANDS);
			enum level level = (enum level)(i / DEMANDS % LEVELS);
			enum demand d = (enum demand)(i % DEMANDS);
			struct result res = run(*ops, level, d, rows[row].context, rows[row].gfp);
			bool reserve = level == LEVEL_RESERVE && res.ok;
			if (res.ok != rows[row].ok[level] ||
			    res.violations != rows[row].violations ||
			    (!res.ok && res.why != ALLOC_WATERMARK &&
			     res.why != ALLOC_FRAGMENTED) ||
			    (reserve && (res.pages_before > res.min_pages ||
					 res.pages_after >= res.pages_before)))
				fail_msg("%s: row %zu, level %u, demand %u: ok %d, cause %s, %llu "
					 "violations, %llu then %llu pages, min %llu",
					 (*ops)->name, row, level, d, res.ok,
					 alloc_failure_names[res.why],
					 (unsigned long long)res.violations,
					 (unsigned long long)res.pages_before,
					 (unsigned long long)res.pages_after,
					 (unsigned long long)res.min_pages);
		}
	}
}

/* The reserve lasts for a while, and then there is nothing; no request ever sleeps. */
static void the_reserve_ends(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		for (enum demand d = DEMAND_PAGE; d < DEMANDS; d++) {
			struct object_machine om;
			enum alloc_failure why = ALLOC_OK;
			unsigned served = 0;
			start(&om, *ops);
			exhaust(&om, GFP_KERNEL);
			env_set_context(&om.m.env[0], CONTEXT_IRQ);
			uint64_t before = om.m.pm.zones[0].free_pages;
			while (demand(&om, d, GFP_ATOMIC, &why))
				served++;
			uint64_t used = before - om.m.pm.zones[0].free_pages;
			assert_int_equal(om.m.env[0].sleep_violations_count, 0);
			assert_true(served > 10);
			/* Urgent requests that can't wait get 5/8 of what lies below min. */
			uint64_t min = om.m.pm.zones[0].watermark_pages[WMARK_MIN];
			assert_in_range(used, min * 5 / 8 - 8, min * 5 / 8 + 8);
			assert_int_not_equal(why, ALLOC_OK);
			object_machine_release(&om);
		}
	}
}

/* A mistake is one although nothing had to be waited for, and one although two allocators see it.
 */
static void each_operation_counts_once(void **state)
{
	for (const struct object_allocator_ops *const *ops = object_allocators; *ops; ops++) {
		struct object_machine om;
		enum alloc_failure why;
		start(&om, *ops);
		for (unsigned n = 1; n <= 40; n++) {
			env_set_context(&om.m.env[0], CONTEXT_SOFTIRQ);
			assert_true(demand(&om, DEMAND_SMALL, GFP_KERNEL, &why));
			assert_int_equal(om.m.env[0].sleep_violations_count, n);
		}
		env_set_context(&om.m.env[0], CONTEXT_PROCESS);
		assert_true(demand(&om, DEMAND_SMALL, GFP_KERNEL, &why));
		assert_int_equal(om.m.env[0].sleep_violations_count, 40);
		object_machine_release(&om);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(the_reserve_ends),
		cmocka_unit_test(each_operation_counts_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
