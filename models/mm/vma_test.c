/* Ranges against an array of pages: always as few as flags allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "kern/types.h"
#include "mm/vma.h"

#define PAGES 24u
#define NONE  9u /* no range */

static const uint32_t costs[COST_KINDS] = {[COST_VMA] = 1};

static void compare(const struct vmas *vmas, const unsigned *flags)
{
	uint64_t count = 0;
	const char *wrong = vma_check(vmas);
	if (wrong)
		fail_msg("%s", wrong);
	for (unsigned i = 0; i < PAGES; i++) {
		const struct vma *v = vma_find(vmas, i * (uint64_t)PAGE_BYTES + 5);
		assert_int_equal(v ? v->flags : NONE, flags[i]);
		count += flags[i] != NONE && (!i || flags[i - 1] != flags[i]);
	}
	assert_int_equal(vmas->tree.count, count);
}

static void random_run(void **state)
{
	struct env env = {.cost_cycles = costs};
	struct vmas vmas = {0};
	struct rng g;
	unsigned flags[PAGES];
	rng_init(&g, 10, 0);
	for (unsigned i = 0; i < PAGES; i++)
		flags[i] = NONE;
	for (int step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rng_below(&g, PAGES), kind = (unsigned)rng_below(&g, 4);
		unsigned end = i + 1 + (unsigned)rng_below(&g, u64_min(PAGES - i, 8));
		unsigned value = (unsigned)rng_below(&g, 4);
		uint64_t start = i * (uint64_t)PAGE_BYTES, stop = end * (uint64_t)PAGE_BYTES;
		bool free = true;
		for (unsigned k = i; k < end; k++)
			free &= flags[k] == NONE;
		if (kind == 0)
			vma_remove(&vmas, &env, start, stop);
		else if (kind == 1)
			vma_change(&vmas, &env, start, stop, value & 1, ~value & 1);
		else if (free)
			vma_add(&vmas, &env, start, stop, value);
		for (unsigned k = i; k < end; k++) {
			if (kind == 0 || (kind > 1 && free))
				flags[k] = kind ? value : NONE;
			else if (kind == 1 && flags[k] != NONE)
				flags[k] = (flags[k] & ~1u) | (value & 1);
		}
		compare(&vmas, flags);
	}
	assert_true(vmas.merges_count > 100 && vmas.splits_count > 100);
	vmas_release(&vmas);
	assert_int_equal(vmas.tree.count, 0);
}

/* What costs: a range made; one made and merged; rights of the middle: two cuts and the change. */
static void costs_of_changes(void **state)
{
	struct env env = {.cost_cycles = costs};
	struct vmas vmas = {0};
	vma_add(&vmas, &env, 0, 4 * PAGE_BYTES, 1);
	assert_int_equal(env.cycles, 1);
	vma_add(&vmas, &env, 4 * PAGE_BYTES, 8 * PAGE_BYTES, 1);
	assert_int_equal(env.cycles, 3);
	vma_change(&vmas, &env, 2 * PAGE_BYTES, 3 * PAGE_BYTES, 0, 1);
	assert_int_equal(env.cycles, 6);
	vma_change(&vmas, &env, 2 * PAGE_BYTES, 3 * PAGE_BYTES, 0, 1); /* as it is */
	assert_int_equal(env.cycles, 6);
	vma_remove(&vmas, &env, 0, 8 * PAGE_BYTES);
	assert_int_equal(env.cycles, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_run),
		cmocka_unit_test(costs_of_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
