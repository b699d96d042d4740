/*
 * Random use of "slab" by four CPUs and several caches: what lies in each live object stays, no two
 * overlap, counts agree, the invariants hold, and all memory is there at the end.
 *
 * Once more with CPUs that interrupt each other: wherever an operation waits for a lock or for
 * other CPUs, another CPU does something first, and the invariants are looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"

#define CPUS  4
#define LIVE  6000
#define STEPS 60000

struct live {
	uint64_t object;
	unsigned cache;
	uint8_t pattern;
};

struct run {
	struct slab_machine s;
	struct rng rng;
	struct slab_cache *caches[6];
	struct live live[LIVE];
	unsigned live_count, of_cache[6];
	unsigned locks_held, others_count; /* in interleaved runs */
	bool nested;
};

static void word_ctor(void *object, uint64_t object_size_bytes)
{
	memset(object, 0x11, object_size_bytes);
}

static void start(struct run *r, uint64_t seed)
{
	static const struct object_cache_params caches[] = {
		{.name = "small", .object_size_bytes = 24},
		{.name = "in-object", .object_size_bytes = 192, .flags = CACHE_NO_MERGE},
		{.name = "off-slab", .object_size_bytes = 1024, .ctor = word_ctor},
		{.name = "reclaim", .object_size_bytes = 600, .flags = CACHE_RECLAIM_ACCOUNT},
		{.name = "guarded",
		 .object_size_bytes = 130,
		 .align_bytes = 32,
		 .flags = CACHE_RED_ZONE | CACHE_POISON},
		{.name = "large", .object_size_bytes = 5000},
	};
	struct object_allocator_params p = slab_machine_params();
	memset(r, 0, sizeof(*r));
	rng_init(&r->rng, seed, 0);
	p.seed = seed;
	p.freelist_random = seed & 1;
	if (seed % 3)
		p.cpu_partial_objects = seed % 3 == 1 ? 0 : 7;
	slab_machine_init(&r->s, p, CPUS);
	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++)
		r->caches[i] = slab_machine_cache(&r->s, &caches[i]);
}

static void take(struct run *r, unsigned cpu)
{
	unsigned i = (unsigned)rng_below(&r->rng, ARRAY_SIZE(r->caches));
	struct slab_cache *c = r->caches[i];
	uint64_t object = slab_machine_alloc(&r->s, cpu, c);
	if (object == OBJECT_NONE)
		return;
	assert_int_equal(object % c->layout.align_bytes, 0);
	struct live *l = &r->live[r->live_count++];
	*l = (struct live){object, i, (uint8_t)rng_u64(&r->rng)};
	memset(object_bytes(r->s.oa, object), l->pattern, c->layout.object_size_bytes);
	r->of_cache[i]++;
}

static void give(struct run *r, unsigned cpu)
{
	struct live *last = &r->live[rng_below(&r->rng, r->live_count)], l = *last;
	struct slab_cache *c = r->caches[l.cache];
	uint64_t begin;
	const uint8_t *bytes = object_bytes(r->s.oa, l.object);
	*last = r->live[--r->live_count];
	r->of_cache[l.cache]--;
	for (uint64_t k = 0; k < c->layout.object_size_bytes; k++) {
		if (bytes[k] != l.pattern)
			fail_msg("byte %llu of an object of %s changed", (unsigned long long)k,
				 c->name);
	}
	assert_ptr_equal(r->s.oa->ops->cache_of(r->s.oa, l.object, &begin), c);
	assert_int_equal(begin, l.object);
	slab_machine_give(&r->s, cpu, c, l.object);
}

static void sum_live(void *arg, const struct slab_view *v)
{
	uint64_t *sum = arg;
	assert_true(v->live_count <= v->objects_count);
	*sum += v->live_count;
}

static void verify(struct run *r)
{
	struct check_report report;
	if (r->s.oa->ops->check(r->s.oa, &report))
		fail_msg("%s", report.text);
	for (unsigned i = 0; i < ARRAY_SIZE(r->caches); i++) {
		struct object_cache_stats stats;
		uint64_t live = 0;
		struct object_cache *c = (struct object_cache *)r->caches[i];
		r->s.oa->ops->cache_stats(r->s.oa, c, &stats);
		r->s.oa->ops->walk(r->s.oa, c, sum_live, &live);
		assert_int_equal(live, r->of_cache[i]);
		assert_int_equal(stats.live_count, live);
		assert_int_equal(stats.allocs_count - stats.frees_count, live);
		assert_true(stats.active_count >= live);
	}
}

static void step(struct run *r, unsigned cpu, uint64_t wanted)
{
	uint64_t percent = r->live_count < wanted ? 65 : 25;
	bool more = rng_below(&r->rng, 100) < percent;
	if (r->live_count == 0 || (more && r->live_count < LIVE))
		take(r, cpu);
	else
		give(r, cpu);
	if (rng_below(&r->rng, 100) == 0)
		r->s.oa->ops->tick(r->s.oa, &r->s.m.env[cpu]);
	if (rng_below(&r->rng, 1000) == 0)
		r->s.oa->ops->shrink(r->s.oa, &r->s.m.env[cpu],
				     (struct object_cache *)
					     r->caches[rng_below(&r->rng, ARRAY_SIZE(r->caches))]);
}

static void finish(struct run *r)
{
	while (r->live_count)
		give(r, r->live_count % CPUS);
	verify(r);
	for (unsigned i = 0; i < ARRAY_SIZE(r->caches); i++)
		assert_int_equal(r->s.oa->ops->cache_free(r->s.oa, &r->s.m.env[0],
							  (struct object_cache *)r->caches[i]),
				 0);
	assert_int_equal(r->s.m.pm.zones[0].free_pages, SLAB_TEST_PAGES);
	slab_machine_release(&r->s);
}

static void random_use(void **state)
{
	struct run *r = malloc(sizeof(*r));
	assert_non_null(r);
	for (uint64_t seed = 0; seed < 6; seed++) {
		start(r, seed);
		for (unsigned i = 0; i < STEPS; i++) {
			/* It fills up, and empties. */
			step(r, (unsigned)rng_below(&r->rng, CPUS), i / 5000 % 2 ? 200 : LIVE);
			if (i % 499 == 0)
				verify(r);
		}
		finish(r);
	}
	free(r);
}

/* --- CPUs that come in between ---------------------------------------------------------------- */

static struct run *interleaved; /* the run whose environment calls back */

static void others_first(struct env *env)
{
	struct run *r = interleaved;
	struct check_report report;
	if (r->nested || r->locks_held)
		return;
	r->nested = true;
	if (r->s.oa->ops->check(r->s.oa, &report))
		fail_msg("in the middle of an operation: %s", report.text);
	for (uint64_t i = rng_below(&r->rng, 8); i > 0; i--) {
		unsigned cpu = (env->cpu + 1 + (unsigned)rng_below(&r->rng, CPUS - 1)) % CPUS;
		step(r, cpu, LIVE / 8);
		r->others_count++;
	}
	if (r->s.oa->ops->check(r->s.oa, &report))
		fail_msg("after other CPUs: %s", report.text);
	r->nested = false;
}

static void lock_after_others(struct env *env, struct env_lock *lock)
{
	others_first(env);
	assert_null(lock->owner);
	lock->owner = env;
	interleaved->locks_held++;
}

static void unlock_before_others(struct env *env, struct env_lock *lock)
{
	lock->owner = NULL;
	interleaved->locks_held--;
	others_first(env);
}

static void interleaved_use(void **state)
{
	static const struct env_ops ops = {
		.lock = lock_after_others, .unlock = unlock_before_others, .sync = others_first};
	struct run *r = interleaved = malloc(sizeof(*r));
	assert_non_null(r);
	for (uint64_t seed = 0; seed < 6; seed++) {
		start(r, seed);
		for (unsigned cpu = 0; cpu < CPUS; cpu++)
			r->s.m.env[cpu].ops = &ops;
		for (unsigned i = 0; i < STEPS / 50; i++) {
			step(r, (unsigned)rng_below(&r->rng, CPUS), i / 300 % 2 ? 100 : LIVE / 8);
			verify(r);
		}
		assert_true(r->others_count > 500);
		for (unsigned cpu = 0; cpu < CPUS; cpu++)
			r->s.m.env[cpu].ops = NULL;
		finish(r);
	}
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_use),
		cmocka_unit_test(interleaved_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
