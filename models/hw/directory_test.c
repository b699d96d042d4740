/* Tests of directory.c: against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "hw/directory.h"
#include "kern/rng.h"

#define LINES 600

/* Random holders come and go on @holders places; every answer is the array's. */
static void against_an_array(unsigned holders)
{
	static bool held[LINES][CPUS_LIMIT + 40];
	struct directory d;
	struct rng r;
	memset(held, 0, sizeof(held));
	rng_init(&r, holders, 0);
	assert_int_equal(directory_init(&d, holders), 0);
	for (unsigned i = 0; i < 30000; i++) {
		/* Lines some way apart, as pages are. */
		unsigned n = (unsigned)rng_below(&r, LINES), h = (unsigned)rng_below(&r, holders);
		uint64_t line = (uint64_t)n * 4096;
		struct directory_entry *e = directory_find(&d, line);
		bool any = memchr(held[n], 1, holders) != NULL;
		assert_int_equal(e != NULL, any);
		if (rng_below(&r, i < 15000 ? 3 : 2)) {
			e = directory_get(&d, line);
			assert_true(e->owner == (any ? n : DIRECTORY_NOBODY));
			assert_int_equal(entry_has(e, h), held[n][h]);
			e->owner = n;
			entry_add(e, h);
			held[n][h] = true;
		} else if (e) {
			unsigned first = entry_next(e, h, holders);
			const bool *want = memchr(held[n] + h, 1, holders - h);
			assert_int_equal(first, want ? want - held[n] : holders);
			entry_drop(e, h);
			held[n][h] = false;
			if (entry_empty(&d, e))
				directory_remove(&d, e);
		}
	}
	size_t at = 0, count = 0;
	struct directory_entry *e;
	while ((e = directory_next(&d, &at))) {
		uint64_t n = (e->tag - 1) / 4096;
		for (unsigned h = 0; h < holders; h++)
			assert_int_equal(entry_has(e, h), held[n][h]);
		count++;
	}
	assert_int_equal(count, d.count);
	directory_release(&d);
}

static void holders_come_and_go(void **state)
{
	against_an_array(1);
	against_an_array(2);
	against_an_array(64);
	against_an_array(65);
	against_an_array(CPUS_LIMIT + 33);
}

/* What is removed leaves nothing behind: a table that lives long does not grow. */
static void removal_leaves_no_trace(void **state)
{
	struct directory d;
	assert_int_equal(directory_init(&d, 2), 0);
	unsigned bits = d.bits;
	for (uint64_t line = 0; line < 100000; line++) {
		entry_add(directory_get(&d, line), 1);
		if (line >= 20)
			directory_remove(&d, directory_find(&d, line - 20));
	}
	assert_int_equal(d.count, 20);
	assert_int_equal(d.bits, bits);
	directory_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holders_come_and_go),
		cmocka_unit_test(removal_leaves_no_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
