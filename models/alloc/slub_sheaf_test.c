/*
 * Tests of sheaves (slub_sheaf.c): histories worked out by hand, memory that runs out during a
 * refill, several nodes, and each of their invariants broken on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"
#include "alloc/slub.h"

#define CAPACITY 4

static const struct op_params two_cpus = {.zone_pages = 8192, .cpus_count = 2};

static struct object_cache *start(struct object_rig *r, const struct op_params *machine,
				  unsigned capacity, unsigned flags)
{
	const struct object_cache_params p = {.name = "sheafed",
					      .object_size_bytes = 192,
					      .flags = flags,
					      .sheaf_capacity = capacity};
	memset(r, 0, sizeof(*r));
	rig_init(r, "slub", machine, NULL);
	return rig_cache(r, &p);
}

struct counts {
	uint64_t live, in_sheaves, refills, flushes, gets, puts;
};

static void assert_counts(struct object_rig *r, struct object_cache *c, struct counts expected)
{
	struct object_cache_stats s = rig_stats(r, c);
	struct counts found = {s.live_count,          s.sheaf_objects_count,
			       s.sheaf_refills_count, s.sheaf_flushes_count,
			       s.barn_gets_count,     s.barn_puts_count};
	rig_check(r);
	assert_memory_equal(&found, &expected, sizeof(found));
}

/* The first objects of a slab, four at a time, last one first. */
static void order_of_objects(void **state)
{
	static const unsigned order[8] = {3, 2, 1, 0, 7, 6, 5, 4};
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
	uint64_t at[8];
	for (unsigned i = 0; i < 8; i++) {
		static const enum op_path paths[8] = {PATH_SLAB_NEW, [4] = PATH_SLAB_SHARED};
		at[i] = rig_alloc(&r, c, 0);
		assert_int_equal(at[i] % PAGE_BYTES, order[i] * 192);
		assert_int_equal(rig_path(&r, 0), i % 4 ? PATH_SLAB_FAST : paths[i]);
		assert_counts(&r, c, (struct counts){i + 1, 3 - i % 4, 1 + i / 4, 0, 0, 0});
	}
	assert_string_equal(rig_slabs(&r, c), "c0:8");
	/* The fifth one finds main full, and the empty sheaf of the barn. */
	for (unsigned i = 0; i < 8; i++) {
		rig_free(&r, c, 0, at[i]);
		assert_int_equal(rig_path(&r, 0), i == 4 ? PATH_SLAB_SHARED : PATH_SLAB_FAST);
		assert_counts(&r, c, (struct counts){7 - i, i + 1, 2, 0, 0, 0});
	}
	assert_string_equal(rig_slabs(&r, c), "c0:0");
	assert_int_equal(rig_stats(&r, c).active_count, 21);
	/* Main, then the spare: a swap. */
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(rig_alloc(&r, c, 0), at[7 - i]);
		assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	}
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.allocs_count, 16);
	assert_int_equal(s.fast_allocs_count, 14);
	assert_int_equal(s.frees_count, 8);
	assert_int_equal(s.fast_frees_count, 7);
	rig_release(&r);
}

/*
 * 49 objects are 13 refills, which leaves 3 in main. Of 49 frees the first fills it; the next four
 * fill an empty sheaf, so that the full one is the spare; then each four send a full one to the
 * barn, until the 45th free has filled main and the barn has 10. The 46th has the spare flushed.
 */
static void through_the_barn(void **state)
{
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
	uint64_t at[49];
	for (unsigned i = 0; i < 49; i++)
		at[i] = rig_alloc(&r, c, 0);
	assert_counts(&r, c, (struct counts){49, 3, 13, 0, 0, 0});
	for (unsigned i = 0; i < 45; i++)
		rig_free(&r, c, 0, at[i]);
	assert_counts(&r, c, (struct counts){4, 48, 13, 0, 0, 10});
	rig_free(&r, c, 0, at[45]);
	assert_counts(&r, c, (struct counts){3, 45, 13, 1, 0, 10});
	for (unsigned i = 46; i < 49; i++)
		rig_free(&r, c, 0, at[i]);
	assert_counts(&r, c, (struct counts){0, 48, 13, 1, 0, 10});
	/* CPU 1 has nothing of its own: the sheaf that came last, which ends with the 41st free. */
	uint64_t one = rig_alloc(&r, c, 1);
	assert_int_equal(one, at[40]);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_SHARED);
	assert_counts(&r, c, (struct counts){1, 47, 13, 1, 1, 10});
	/* Main, spare and 3 objects of CPU 1's: each sheaf is flushed. */
	r.oa->ops->shrink(r.oa, &r.m.env[1], c);
	assert_counts(&r, c, (struct counts){1, 0, 13, 13, 1, 10});
	assert_string_equal(rig_slabs(&r, c), "n:1");
	rig_free(&r, c, 1, one);
	assert_counts(&r, c, (struct counts){0, 1, 13, 13, 1, 10});
	assert_int_equal(r.oa->ops->cache_free(r.oa, &r.m.env[0], c), 0);
	rig_release(&r);
}

/*
 * A CPU whose main sheaf is empty and whose spare is full, and that takes one, gives two back and
 * takes one, again and again: it never leaves its two sheaves. With one magazine, which is
 * exchanged at the depot when it is empty or full, every second operation would.
 */
static void at_the_edge(void **state)
{
	enum { ROUNDS = 1000 };
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
	uint64_t at[8];
	for (unsigned i = 0; i < 8; i++)
		at[i] = rig_alloc(&r, c, 0);
	for (unsigned i = 0; i < 8; i++)
		rig_free(&r, c, 0, at[i]);
	for (unsigned i = 0; i < 4; i++)
		at[i] = rig_alloc(&r, c, 0);
	struct object_cache_stats before = rig_stats(&r, c);
	unsigned trips = 0, single = 0, loaded = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t one = rig_alloc(&r, c, 0);
		trips += rig_path(&r, 0) != PATH_SLAB_FAST;
		rig_free(&r, c, 0, one);
		trips += rig_path(&r, 0) != PATH_SLAB_FAST;
		rig_free(&r, c, 0, at[0]);
		trips += rig_path(&r, 0) != PATH_SLAB_FAST;
		at[0] = rig_alloc(&r, c, 0);
		trips += rig_path(&r, 0) != PATH_SLAB_FAST;
		for (const char *op = "affa"; *op; op++) {
			if (*op == 'a' && loaded == 0) {
				loaded = CAPACITY;
				single++;
			} else if (*op == 'f' && loaded == CAPACITY) {
				loaded = 0;
				single++;
			}
			loaded = *op == 'a' ? loaded - 1 : loaded + 1;
		}
	}
	assert_int_equal(trips, 0);
	assert_int_equal(single, 2 * ROUNDS);
	struct object_cache_stats after = rig_stats(&r, c);
	assert_int_equal(after.lock->acquired_count, before.lock->acquired_count);
	assert_int_equal(after.fast_allocs_count - before.fast_allocs_count, 2 * ROUNDS);
	assert_int_equal(after.barn_gets_count + after.barn_puts_count,
			 before.barn_gets_count + before.barn_puts_count);
	rig_release(&r);
}

/* What may not wait takes single objects of the slabs. */
static void requests_that_may_not_wait(void **state)
{
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
	r.gfp = GFP_ATOMIC;
	uint64_t a = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_SHARED);
	assert_counts(&r, c, (struct counts){2, 0, 0, 0, 0, 0});
	rig_free(&r, c, 0, a);
	assert_counts(&r, c, (struct counts){1, 1, 0, 0, 0, 0});
	assert_int_equal(rig_alloc(&r, c, 0), a);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	rig_release(&r);
}

/* Objects are cleared also when they come from a sheaf. */
static void cleared(void **state)
{
	static const uint8_t zeros[192];
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
	uint64_t a = rig_alloc(&r, c, 0);
	memset(object_bytes(r.oa, a), 0x77, 192);
	rig_free(&r, c, 0, a);
	r.gfp = GFP_KERNEL | __GFP_ZERO;
	assert_int_equal(rig_alloc(&r, c, 0), a);
	assert_memory_equal(object_bytes(r.oa, a), zeros, 192);
	rig_release(&r);
}

/* A refill that finds too little gives it back, and the request is served from the slabs. */
static void memory_runs_out(void **state)
{
	static const struct op_params small = {.zone_pages = 64, .cpus_count = 1};
	struct object_rig r;
	struct object_cache *c = start(&r, &small, 100, 0);
	struct env *env = &r.m.env[0];
	enum alloc_failure why;
	uint64_t *at = calloc(64 * 21, sizeof(*at)), count = 0;
	for (uint64_t a = 0; a != OBJECT_NONE; count += a != OBJECT_NONE) {
		a = r.oa->ops->alloc(r.oa, env, c, 192, GFP_KERNEL, 0, &why);
		if (a != OBJECT_NONE)
			at[count] = a;
		rig_check(&r);
	}
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(rig_path(&r, 0), PATH_FAILED);
	assert_int_not_equal(why, ALLOC_OK);
	assert_int_equal(s.failed_count, 1);
	assert_int_equal(s.live_count, count);
	assert_int_equal(s.objects_count, count);
	assert_int_equal(s.sheaf_refills_count, count / 100);
	assert_true(s.sheaf_flushes_count > 0);
	while (count)
		rig_free(&r, c, 0, at[--count]);
	rig_check(&r);
	assert_int_equal(r.oa->ops->cache_free(r.oa, env, c), 0);
	free(at);
	rig_release(&r);
}

/* Sheaves hold objects of the CPU's own node, and serve no requests for others. */
static void of_another_node(void **state)
{
	static const struct zone_span spans[] = {{ZONE_NORMAL, 0, 0, 1024, 1024},
						 {ZONE_NORMAL, 1, 1024, 2048, 1024}};
	const struct op_params machine = {
		.spans = spans, .spans_count = 2, .cpus_count = 2, .cpu_nid = {0, 1}};
	struct object_rig r;
	struct object_cache *c = start(&r, &machine, CAPACITY, 0);
	enum alloc_failure why;
	uint64_t near = rig_alloc(&r, c, 0);
	rig_free(&r, c, 1, near);
	assert_counts(&r, c, (struct counts){0, 3, 1, 0, 0, 0});
	uint64_t far = r.oa->ops->alloc(r.oa, &r.m.env[0], c, 192, GFP_KERNEL, 1, &why);
	assert_true(far >= 1024 * PAGE_BYTES);
	rig_free(&r, c, 0, far);
	assert_counts(&r, c, (struct counts){0, 3, 1, 0, 0, 0});
	far = rig_alloc(&r, c, 1);
	rig_free(&r, c, 1, far);
	assert_counts(&r, c, (struct counts){0, 3 + 4, 2, 0, 0, 0});
	rig_check(&r);
	rig_release(&r);
}

static void who_has_sheaves(void **state)
{
	struct object_rig r;
	struct object_cache *c = start(&r, &two_cpus, CAPACITY, CACHE_RED_ZONE);
	struct err err = {0};
	struct object_cache_params p = {
		.name = "other",
		.object_size_bytes = 192,
		.sheaf_capacity = SHEAF_CAPACITY_MAX + 1,
	};
	assert_int_equal(rig_stats(&r, c).sheaf_capacity, 0);
	assert_null(r.oa->ops->cache_new(r.oa, &p, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	p.sheaf_capacity = SHEAF_CAPACITY_MAX;
	c = rig_cache(&r, &p);
	assert_int_equal(rig_stats(&r, c).sheaf_capacity, SHEAF_CAPACITY_MAX);
	assert_ptr_not_equal(rig_sized(&r, "without", 192, 0), c);
	p.name = "too";
	assert_ptr_not_equal(rig_cache(&r, &p), c);
	rig_release(&r);
}

/* --- invariants ------------------------------------------------------------------------------- */

static void too_many(struct object_cache *c)
{
	c->sheaves->cpus[0].main->count = CAPACITY + 1;
}

static void no_main(struct object_cache *c)
{
	c->sheaves->cpus[1].main = NULL;
}

static void barn_count(struct object_cache *c)
{
	c->sheaves->barns[0].full.count++;
}

static void full_is_not(struct object_cache *c)
{
	c->sheaves->barns[0].full.head->count--;
}

static void empty_is_not(struct object_cache *c)
{
	c->sheaves->barns[0].empty.head->count++;
}

static void circle(struct object_cache *c)
{
	c->sheaves->barns[0].full.head->next = c->sheaves->barns[0].full.head;
}

static void inside_an_object(struct object_cache *c)
{
	c->sheaves->cpus[0].spare->objects[1] += 8;
}

static void twice(struct object_cache *c)
{
	c->sheaves->cpus[0].spare->objects[1] = c->sheaves->barns[0].full.head->objects[0];
}

static void free_in_its_slab(struct object_cache *c)
{
	c->sheaves->cpus[0].spare->objects[1] = c->cpus[0].free;
}

static void nowhere(struct object_cache *c)
{
	c->sheaves->cpus[0].spare->objects[1] = 8000 * PAGE_BYTES;
}

static void lost(struct object_cache *c)
{
	c->sheaves->cpus[0].spare->count--;
}

static const struct {
	const char *id;
	void (*break_it)(struct object_cache *c);
} breakages[] = {
	{"S9: ", too_many},          {"S9: ", no_main},  {"S9: ", barn_count},
	{"S9: ", full_is_not},       {"S9: ", circle},   {"S9: ", empty_is_not},
	{"S10: ", inside_an_object}, {"S10: ", twice},   {"S10: ", free_in_its_slab},
	{"S10: ", nowhere},          {"S6: ", lost},
};

/* CPU 0 has a full spare, and the barn full sheaves and an empty one. */
static void each_invariant_is_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(breakages); i++) {
		struct object_rig r;
		struct check_report report;
		struct object_cache *c = start(&r, &two_cpus, CAPACITY, 0);
		uint64_t at[26];
		for (unsigned k = 0; k < 26; k++)
			at[k] = rig_alloc(&r, c, 0);
		for (unsigned k = 0; k < 25; k++)
			rig_free(&r, c, 0, at[k]);
		rig_alloc(&r, c, 1);
		rig_check(&r);
		breakages[i].break_it(c);
		int found = slub_check(r.oa, &report);
		if (found != -1 ||
		    strncmp(report.text, breakages[i].id, strlen(breakages[i].id)) != 0)
			fail_msg("breakage %zu of %s is reported as \"%s\"", i, breakages[i].id,
				 found ? report.text : "");
		rig_release(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_objects), cmocka_unit_test(through_the_barn),
		cmocka_unit_test(at_the_edge),
		cmocka_unit_test(cleared),          cmocka_unit_test(requests_that_may_not_wait),
		cmocka_unit_test(memory_runs_out),  cmocka_unit_test(of_another_node),
		cmocka_unit_test(who_has_sheaves),  cmocka_unit_test(each_invariant_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
