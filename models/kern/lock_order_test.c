/*
 * Tests of lock_order.c: cycles of all lengths, what is none, texts, and too many classes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/lock_order.h"
#include "kern/rng.h"

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct lock_order));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static struct env_lock named(const char *name)
{
	struct env_lock lock = {.order_class = 0};
	snprintf(lock.name, sizeof(lock.name), "%s", name);
	return lock;
}

/* @cpu holds @held (NULL: nothing) and comes to @lock. */
static void take(struct lock_order *o, unsigned cpu, struct env_lock *held, struct env_lock *lock,
		 ps_t at)
{
	struct env env = {.cpu = cpu, .held = {held}, .held_count = held ? 1 : 0};
	lock_order_take(o, &env, lock, at);
}

static void two_locks_crossed(void **state)
{
	struct lock_order *o = *state;
	struct env_lock heap = named("heap"), pager = named("pager");
	take(o, 0, NULL, &heap, 1);
	assert_int_equal(o->classes_count, 0); /* nothing is held: nothing is to be learnt */
	take(o, 0, &heap, &pager, 5000000);
	take(o, 0, &heap, &pager, 5500000);
	assert_string_equal(o->cycle, "");
	take(o, 1, &pager, &heap, 12399999);
	assert_string_equal(o->cycle, "heap -> pager -> heap, CPU 1 at 12.3 us");
	/* Only the first is kept. */
	take(o, 0, &heap, &heap, 13000000);
	assert_string_equal(o->cycle, "heap -> pager -> heap, CPU 1 at 12.3 us");
}

/* The opposite order of the same two, one inside a third, and an order that is always kept. */
static void orders_without_a_cycle(void **state)
{
	struct lock_order *o = *state;
	struct env_lock a = named("a"), b = named("b"), c = named("c");
	struct env env = {.held = {&a, &b}, .held_count = 2};
	lock_order_take(o, &env, &c, 1);
	take(o, 0, &a, &b, 2);
	take(o, 0, &b, &c, 3);
	take(o, 0, &a, &c, 4);
	assert_string_equal(o->cycle, "");
	assert_int_equal(o->classes_count, 3);
	take(o, 3, &c, &a, 1000000);
	assert_string_equal(o->cycle, "a -> c -> a, CPU 3 at 1.0 us"); /* the shortest */
}

static void the_second_lock_held_counts(void **state)
{
	struct lock_order *o = *state;
	struct env_lock a = named("a"), b = named("b"), c = named("c");
	struct env env = {.held = {&a, &b}, .held_count = 2};
	take(o, 0, &c, &b, 1);
	lock_order_take(o, &env, &c, 2000000);
	assert_string_equal(o->cycle, "c -> b -> c, CPU 0 at 2.0 us");
}

/* Locks of one name are of one class, whether they are the same lock or not. */
static void classes_are_names(void **state)
{
	struct lock_order *o = *state;
	struct env_lock one = named("list"), two = named("list"), zone = named("zone");
	take(o, 0, &one, &zone, 1);
	take(o, 1, &zone, &two, 100000);
	assert_string_equal(o->cycle, "list -> zone -> list, CPU 1 at 0.1 us");
	memset(o, 0, sizeof(*o));
	struct env_lock three = named("list"), four = named("list");
	take(o, 2, &three, &four, 7700000);
	assert_string_equal(o->cycle, "list -> list, CPU 2 at 7.7 us");
}

/* A ring of every length: the text ends with the moment even where it is cut. */
static void long_cycles(void **state)
{
	struct lock_order *o = *state;
	for (unsigned length = 2; length <= 40; length++) {
		struct env_lock ring[40];
		memset(o, 0, sizeof(*o));
		for (unsigned i = 0; i < length; i++) {
			char name[24];
			snprintf(name, sizeof(name), "a-name-of-23-columns-%02u", i);
			ring[i] = named(name);
		}
		for (unsigned i = 0; i + 1 < length; i++)
			take(o, 0, &ring[i], &ring[i + 1], i);
		assert_string_equal(o->cycle, "");
		take(o, 255, &ring[length - 1], &ring[0], UINT64_MAX);
		assert_non_null(strstr(o->cycle, "-00, CPU 255 at 18446744073709.5 us"));
		assert_int_equal(strncmp(o->cycle, "a-name-of-23-columns-00 -> ", 27), 0);
		assert_true((strstr(o->cycle, "...") != NULL) == (length > 6));
	}
}

/* Random edges against a closure computed the slow way. */
static void against_a_closure(void **state)
{
	enum { CLASSES = 12 };
	struct lock_order *o = *state;
	for (unsigned round = 0; round < 200; round++) {
		struct env_lock lock[CLASSES];
		bool reach[CLASSES][CLASSES] = {0}, cycle = false;
		struct rng rng;
		rng_init(&rng, 11, round);
		memset(o, 0, sizeof(*o));
		for (unsigned i = 0; i < CLASSES; i++)
			lock[i] = named((char[2]){(char)('a' + i), 0});
		for (unsigned edge = 0; edge < 30; edge++) {
			unsigned from = (unsigned)rng_below(&rng, CLASSES);
			unsigned to = (unsigned)rng_below(&rng, CLASSES);
			cycle = cycle || from == to || reach[to][from];
			for (unsigned i = 0; i < CLASSES; i++)
				for (unsigned k = 0; k < CLASSES; k++)
					reach[i][k] |= (i == from || reach[i][from]) &&
						       (k == to || reach[to][k]);
			take(o, 0, &lock[from], &lock[to], edge);
			assert_int_equal(o->cycle[0] != 0, cycle);
		}
	}
}

static void too_many_classes(void **state)
{
	struct lock_order *o = *state;
	struct env_lock first = named("first"), last = named("last"), more = named("more");
	for (unsigned i = 1; i < LOCK_CLASSES_MAX; i++) {
		char name[24];
		snprintf(name, sizeof(name), "%u", i);
		struct env_lock lock = named(name);
		take(o, 0, &first, &lock, i);
	}
	assert_int_equal(o->classes_count, LOCK_CLASSES_MAX);
	take(o, 0, &first, &last, 1);
	take(o, 0, &last, &first, 2);
	take(o, 0, &more, &last, 3);
	assert_string_equal(o->cycle, "");
	assert_int_equal(o->left_out_count, 2);
	struct env_lock known = named("77");
	take(o, 0, &known, &first, 3);
	assert_int_not_equal(o->cycle[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_locks_crossed, setup, teardown),
		cmocka_unit_test_setup_teardown(orders_without_a_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(the_second_lock_held_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(classes_are_names, setup, teardown),
		cmocka_unit_test_setup_teardown(long_cycles, setup, teardown),
		cmocka_unit_test_setup_teardown(against_a_closure, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_classes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
