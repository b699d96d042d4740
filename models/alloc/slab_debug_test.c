/*
 * Tests that "slab" finds misuse: a write past the end, a use after the free, a second free, a
 * pointer that is no object. Each runs in a child process, which has to die of SIGABRT with the
 * text that names the trouble.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"
#include "kern/child_program.h"

#define BOTH (CACHE_RED_ZONE | CACHE_POISON)

struct scene {
	struct slab_machine s;
	struct slab_cache *c, *other;
	uint64_t object;
	uint8_t *bytes;
};

static uint64_t take(struct scene *t, uint64_t bytes)
{
	enum alloc_failure why;
	return t->s.oa->ops->alloc(t->s.oa, &t->s.m.env[0], (struct object_cache *)t->c, bytes,
				   GFP_KERNEL, 0, &why);
}

static void give(struct scene *t, uint64_t object)
{
	slab_machine_give(&t->s, 0, t->c, object);
}

static void past_the_end(struct scene *t)
{
	t->bytes[t->c->layout.object_size_bytes] = 1;
	give(t, t->object);
}

static void before_the_start(struct scene *t)
{
	t->bytes[-1] = 1;
	give(t, t->object);
}

static void past_what_was_asked(struct scene *t)
{
	uint64_t object = take(t, 70);
	object_bytes(t->s.oa, object)[70] = 1;
	give(t, object);
}

static void used_after_free(struct scene *t)
{
	give(t, t->object);
	t->bytes[5] = 1;
	take(t, 8);
}

static void used_after_free_and_shrunk(struct scene *t)
{
	give(t, t->object);
	t->bytes[5] = 1;
	t->s.oa->ops->shrink(t->s.oa, &t->s.m.env[0], (struct object_cache *)t->c);
}

static void written_past_end_after_free(struct scene *t)
{
	give(t, t->object);
	t->bytes[t->c->layout.object_size_bytes] = 1;
	take(t, 8);
}

static void freed_twice(struct scene *t)
{
	give(t, t->object);
	give(t, t->object);
}

static void inside_an_object(struct scene *t)
{
	give(t, t->object + 8);
}

static void wrong_cache(struct scene *t)
{
	slab_machine_give(&t->s, 0, t->other, t->object);
}

static void slab_is_gone(struct scene *t)
{
	give(t, t->object);
	t->s.oa->ops->shrink(t->s.oa, &t->s.m.env[0], (struct object_cache *)t->c);
	give(t, t->object);
}

static void more_than_an_object(struct scene *t)
{
	take(t, 97);
}

static void never_taken(struct scene *t)
{
	give(t, t->object); /* into the array of one entry, then to the slab */
	give(t, t->object);
	give(t, t->object);
}

static void scene_init(struct scene *t, unsigned flags)
{
	struct object_allocator_params p = slab_machine_params();
	memset(t, 0, sizeof(*t));
	p.merge = false;
	p.cpu_partial_objects = 1;
	slab_machine_init(&t->s, p, 1);
	t->c = slab_machine_cache(&t->s, &(struct object_cache_params){.name = "misused",
								       .object_size_bytes = 96,
								       .flags = flags});
	t->other = slab_machine_cache(
		&t->s, &(struct object_cache_params){.name = "other", .object_size_bytes = 96});
	t->object = take(t, 96);
	t->bytes = object_bytes(t->s.oa, t->object);
}

struct run {
	void (*misuse)(struct scene *);
	unsigned flags;
};

static void program(void *arg)
{
	const struct run *run = arg;
	struct scene t;
	scene_init(&t, run->flags);
	run->misuse(&t);
}

static void run_misuse(void (*misuse)(struct scene *), unsigned flags, const char *expected)
{
	struct run run = {misuse, flags};
	struct child_end end;
	child_run(program, &run, &end);
	if (expected ? !child_aborted(&end, expected) : end.status != 0)
		fail_msg("status %#x, \"%s\" instead of \"%s\"", (unsigned)end.status, end.text,
			 expected ? expected : "");
}

static void misuses(void **state)
{
	static const struct {
		void (*misuse)(struct scene *);
		unsigned flags;
		const char *text; /* NULL: not found without such flags */
	} rows[] = {
		{past_the_end, CACHE_RED_ZONE, "red zone overwritten"},
		{past_the_end, 0, NULL},
		{before_the_start, CACHE_RED_ZONE, "red zone overwritten"},
		{past_what_was_asked, CACHE_RED_ZONE | CACHE_KMALLOC, "red zone overwritten"},
		{past_what_was_asked, CACHE_RED_ZONE, NULL},
		{used_after_free, CACHE_POISON, "poison overwritten"},
		{used_after_free, CACHE_RED_ZONE, NULL},
		{used_after_free_and_shrunk, CACHE_POISON, "of a slab that goes back: poison"},
		{written_past_end_after_free, BOTH, "red zone overwritten"},
		{freed_twice, CACHE_RED_ZONE, "freed twice"},
		{freed_twice, 0, NULL},
		{inside_an_object, 0, "which is no object of cache misused"},
		{wrong_cache, 0, "which is no object of cache other"},
		{slab_is_gone, 0, "which is no object of cache misused"},
		{more_than_an_object, 0, "97 bytes asked for"},
		{never_taken, 0, "freed into a slab that is free"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_misuse(rows[i].misuse, rows[i].flags, rows[i].text);
}

/* Proper use of guarded objects goes unnoticed: all bytes, every path, cleared memory, too. */
static void proper_use(void **state)
{
	struct scene t;
	for (unsigned flags = 0; flags < 4; flags++) {
		unsigned debug = (flags & 1 ? BOTH : 0) | (flags & 2 ? CACHE_KMALLOC : 0);
		scene_init(&t, debug);
		for (unsigned bytes = 1; bytes <= 96; bytes++) {
			struct check_report report;
			enum alloc_failure why;
			uint64_t object = t.s.oa->ops->alloc(t.s.oa, &t.s.m.env[0],
							     (struct object_cache *)t.c, bytes,
							     GFP_KERNEL | __GFP_ZERO, 0, &why);
			uint8_t *at = object_bytes(t.s.oa, object);
			for (unsigned i = 0; i < bytes; i++)
				assert_int_equal(at[i], 0);
			memset(at, 0xff, bytes);
			assert_int_equal(t.s.oa->ops->check(t.s.oa, &report), 0);
			give(&t, object);
			assert_int_equal(t.s.oa->ops->check(t.s.oa, &report), 0);
		}
		slab_machine_release(&t.s);
	}
}

/* Recorded slabs are guarded like others. */
static void recorded(void **state)
{
	struct scene t;
	const uint64_t map[2] = {2};
	enum alloc_failure why;
	struct check_report report;
	scene_init(&t, BOTH);
	pfn_t pfn = t.s.m.pa->ops->alloc_pages(t.s.m.pa, &t.s.m.env[0], 0, GFP_KERNEL, 0, &why);
	t.s.oa->ops->add_slab(t.s.oa, (struct object_cache *)t.c, pfn, map, SLAB_NODE_PARTIAL, -1);
	assert_int_equal(t.s.oa->ops->check(t.s.oa, &report), 0);
	give(&t, slab_object(t.s.sa, t.c, pfn, 0));
	assert_int_equal(t.s.oa->ops->check(t.s.oa, &report), 0);
	slab_machine_release(&t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(misuses),
		cmocka_unit_test(proper_use),
		cmocka_unit_test(recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
