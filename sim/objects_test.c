/*
 * Tests of the object table: against a plain array, frees in parts, memory that follows what lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "sim/objects.h"

static void test_new_objects_are_unborn(void **state)
{
	static const uint64_t ids[] = {0, 1, 1023, 1024, 65535, 65536, 1000000};
	struct objects t;
	objects_init(&t);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct object *o = objects_get(&t, ids[i]);
		assert_non_null(o);
		assert_int_equal(o->state, OBJECT_UNBORN);
		assert_int_equal(o->born_ps, 0);
		o->pfn = (uint32_t)ids[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_int_equal(objects_get(&t, ids[i])->pfn, ids[i]);
	objects_release(&t);
	assert_int_equal(t.live_chunks, 0);
	assert_null(t.chunks);
}

/* Ids come in order; each is dropped once, at random; every live one keeps what was written. */
static void test_random_against_array(void **state)
{
	enum { LIVE = 3000, STEPS = 200000 };
	struct {
		uint64_t id;
		uint32_t pfn;
	} live[LIVE];
	struct objects t;
	struct rng rng;
	uint64_t next = 0;
	unsigned count = 0;
	objects_init(&t);
	rng_init(&rng, 11, 0);
	for (unsigned step = 0; step < STEPS; step++) {
		if (count < LIVE && rng_below(&rng, 100) < 52) {
			struct object *o = objects_get(&t, next);
			assert_int_equal(o->state, OBJECT_UNBORN);
			o->state = OBJECT_LIVE;
			o->pfn = (uint32_t)rng_u64(&rng);
			live[count].id = next++;
			live[count++].pfn = o->pfn;
		} else if (count) {
			unsigned i = (unsigned)rng_below(&rng, count);
			struct object *o = objects_get(&t, live[i].id);
			assert_int_equal(o->state, OBJECT_LIVE);
			assert_int_equal(o->pfn, live[i].pfn);
			objects_drop(&t, live[i].id);
			live[i] = live[--count];
		}
	}
	while (count)
		objects_drop(&t, live[--count].id);
	assert_true(t.live_chunks <= 1); /* the last one is not full yet */
	objects_release(&t);
}

/*
 * Three sources, one of which runs far ahead of the others: ids are never handed out twice, and no
 * chunk waits for another source. Ids that take turns would keep all of the first one's.
 */
static void test_sources_do_not_share_chunks(void **state)
{
	enum { AHEAD = 100000, BEHIND = 2000 };
	struct objects t;
	struct object_ids ids[3];
	unsigned made = 0;
	objects_init(&t);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		ids[i] = object_ids_of(i, ARRAY_SIZE(ids));
		for (unsigned k = 0; k < (i == 0 ? AHEAD : BEHIND); k++, made++) {
			uint64_t id = object_ids_take(&ids[i]);
			struct object *o = objects_get(&t, id);
			assert_int_equal(o->state, OBJECT_UNBORN);
			o->state = OBJECT_LIVE;
			objects_drop(&t, id);
			assert_true(t.live_chunks <= i + 1);
		}
	}
	assert_int_equal(made, AHEAD + 2 * BEHIND);
	objects_release(&t);
	for (uint64_t turn = 0; turn < AHEAD; turn++) {
		objects_get(&t, 3 * turn);
		objects_drop(&t, 3 * turn);
	}
	assert_true(t.live_chunks > 3 * AHEAD / 1024 - 2);
	objects_release(&t);
}

/* A million objects of which 1000 live at a time, freed in order: chunks go as they empty. */
static void test_memory_follows_what_lives(void **state)
{
	struct objects t;
	objects_init(&t);
	for (uint64_t id = 0; id < 1000000; id++) {
		objects_get(&t, id)->state = OBJECT_LIVE;
		if (id >= 1000)
			objects_drop(&t, id - 1000);
		assert_true(t.live_chunks <= 3);
	}
	assert_true(t.chunks_count < 4096);
	objects_release(&t);
}

static void test_parts(void **state)
{
	for (unsigned order = 0; order <= 10; order++) {
		struct object o = {.order = (uint8_t)order};
		unsigned pages = 1u << order;
		for (unsigned i = 1; i < pages; i++)
			assert_false(object_free_part(&o, 1));
		assert_true(object_free_part(&o, 1));
	}
	struct object o = {.order = 15};
	assert_false(object_free_part(&o, 1u << 14));
	assert_false(object_free_part(&o, 1u << 13));
	assert_true(object_free_part(&o, 1u << 13));
}

static void part_too_many(void)
{
	struct object o = {.order = 1};
	object_free_part(&o, 1);
	object_free_part(&o, 2);
}

static void drop_unknown(void)
{
	struct objects t;
	objects_init(&t);
	objects_drop(&t, 5);
}

static void test_misuse_aborts(void **state)
{
	static void (*const misuses[])(void) = {part_too_many, drop_unknown};
	for (size_t i = 0; i < ARRAY_SIZE(misuses); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			close(STDERR_FILENO);
			misuses[i]();
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_objects_are_unborn),
		cmocka_unit_test(test_random_against_array),
		cmocka_unit_test(test_sources_do_not_share_chunks),
		cmocka_unit_test(test_memory_follows_what_lives),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_misuse_aborts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
