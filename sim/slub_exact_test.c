/*
 * slub under the engine: CPUs that run ahead get the same objects at the same times as CPUs that
 * make an event of every operation.
 *
 * A few CPUs allocate, free, and hand objects to each other, from few caches and little memory, so
 * that they meet at slabs, node lists and locks. What each CPU got, when, and what the caches
 * counted is hashed. A process has one SimGrid, so each run is a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc/object_allocator.h"
#include "kern/bug.h"
#include "kern/rng.h"
#include "kern/watermark.h"
#include "sim/engine.h"

#define CPUS   4
#define CACHES 3
#define OPS    1500
#define OWN    200
#define POSTED 400

struct outcome {
	uint64_t cpu_hash[CPUS], stats_hash, contended, events;
	ps_t end_ps[CPUS];
};

struct object {
	uint64_t paddr;
	unsigned cache;
};

struct scene {
	struct physmem pm;
	struct page_allocator *pa;
	struct object_allocator *oa;
	struct object_cache *caches[CACHES];
	struct engine *engine;
	uint64_t seed;
	unsigned cpu_nid[CPUS];
	struct object posted[POSTED]; /* handed over; touched after a join */
	unsigned posted_count;
	struct outcome out;
};

static const uint32_t costs[COST_KINDS] = {
#define X(id, name, cycles, meaning) [COST_##id] = cycles,
	COST_LIST(X)
#undef X
};

static void mix(uint64_t *hash, uint64_t value)
{
	*hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	*hash ^= *hash >> 29;
}

/* --- one run ---------------------------------------------------------------------------------- */

static void set_up(struct scene *s, bool exact)
{
	static const struct zone_span spans[] = {{ZONE_NORMAL, 0, 0, 256, 256},
						 {ZONE_NORMAL, 1, 256, 512, 256}};
	bool two = s->seed % 2;
	const struct zone_span one = {ZONE_NORMAL, 0, 0, 512, 512};
	const struct physmem_params machine = {
		.spans = two ? spans : &one,
		.spans_count = two ? 2 : 1,
		.max_order = 7,
		.pageblock_order = 5,
		.group_by_mobility = true,
	};
	const struct watermark_params marks = {.scale_factor = 10};
	struct object_allocator_params p;
	struct err err = {0};
	BUG_ON(physmem_init(&s->pm, &machine, &err) != 0, "%s", err.text);
	BUG_ON(!physmem_ram(&s->pm, 0, &err), "%s", err.text);
	watermark_setup(&s->pm, &marks);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		s->cpu_nid[cpu] = two ? cpu % 2 : 0;
	s->pa = page_allocator_find("buddy")->new (&(struct page_allocator_params){
		.pm = &s->pm,
		.cpus_count = CPUS,
		.cpu_nid = s->cpu_nid,
		.coalesce = true,
		.split_steps_max = ORDER_LIMIT,
		.pcp = {true, 4, 8, 8, 0},
	});
	BUG_ON(!s->pa, "out of memory");
	for (unsigned i = 0; i < s->pm.zones_count; i++)
		s->pa->ops->add_range(s->pa, s->pm.zones[i].start_pfn, s->pm.zones[i].end_pfn);
	object_params_init(&p);
	p.pm = &s->pm;
	p.pa = s->pa;
	p.cpus_count = CPUS;
	p.cpu_nid = s->cpu_nid;
	p.seed = s->seed;
	p.freelist_random = s->seed % 3 == 0;
	p.cpu_partial_objects = s->seed % 5 == 0 ? 0 : 20;
	p.min_partial_slabs = 2;
	p.debug_flags = s->seed % 7 == 0 ? CACHE_RED_ZONE : 0;
	s->oa = object_allocator_find("slub")->new (&p, &err);
	BUG_ON(!s->oa, "%s", err.text);
	static const unsigned sizes[CACHES] = {256, 1024, 2048};
	for (unsigned i = 0; i < CACHES; i++) {
		const struct object_cache_params c = {
			.name = "c",
			.object_size_bytes = sizes[i],
			.sheaf_capacity = s->seed % 4 < 2 ? 0 : 1 + s->seed % 9,
		};
		s->caches[i] = s->oa->ops->cache_new(s->oa, &c, &err);
		BUG_ON(!s->caches[i], "%s", err.text);
	}
	const struct engine_params ep = {.cpus_count = CPUS,
					 .cpu_khz = 2450000,
					 .cost_cycles = costs,
					 .exact_events = exact};
	s->engine = engine_new(&ep, &err);
	BUG_ON(!s->engine, "%s", err.text);
}

static void give(struct scene *s, struct engine_cpu *cpu, struct object o)
{
	s->oa->ops->free_object(s->oa, &cpu->env, s->caches[o.cache], o.paddr);
}

/* Wait for this CPU's turn, then hand over, or take what the others handed over. */
static struct object exchange(struct scene *s, struct engine_cpu *cpu, struct object mine)
{
	struct object theirs = {.paddr = OBJECT_NONE};
	engine_collect(cpu);
	engine_join(cpu);
	if (mine.paddr != OBJECT_NONE && s->posted_count < POSTED) {
		s->posted[s->posted_count++] = mine;
		return theirs;
	}
	if (mine.paddr != OBJECT_NONE)
		return mine;
	if (s->posted_count)
		theirs = s->posted[--s->posted_count];
	return theirs;
}

/* At a turn of one CPU the others may stand in the middle of an operation; all must be in order. */
static void check(struct scene *s, struct engine_cpu *cpu)
{
	struct check_report report;
	engine_collect(cpu);
	engine_join(cpu);
	BUG_ON(s->oa->ops->check(s->oa, &report) != 0, "%s", report.text);
	BUG_ON(s->pa->ops->check(s->pa, &report) != 0, "%s", report.text);
}

static void cpu_main(struct engine_cpu *cpu, void *arg)
{
	struct scene *s = arg;
	unsigned number = cpu->env.cpu, count = 0;
	struct object own[OWN], none = {.paddr = OBJECT_NONE};
	uint64_t *hash = &s->out.cpu_hash[number];
	struct rng rng;
	rng_init(&rng, s->seed, number);
	for (unsigned i = 0; i < OPS; i++) {
		unsigned what = (unsigned)rng_below(&rng, 10), phase = i / 200 % 2;
		cpu->env.cycles += rng_below(&rng, 300);
		engine_boundary(cpu);
		if (i % 64 == 16 * number)
			check(s, cpu);
		if (what < (phase ? 6 : 3) && count < OWN) {
			enum alloc_failure why;
			struct object o = {.cache = (unsigned)rng_below(&rng, CACHES)};
			o.paddr = s->oa->ops->alloc(s->oa, &cpu->env, s->caches[o.cache], 8,
						    GFP_KERNEL, s->cpu_nid[number], &why);
			mix(hash, o.paddr);
			if (o.paddr != OBJECT_NONE)
				own[count++] = o;
		} else if (what < 8 && count) {
			unsigned which = (unsigned)rng_below(&rng, count);
			struct object o = own[which];
			own[which] = own[--count];
			if (what == 6)
				o = exchange(s, cpu, o);
			if (o.paddr != OBJECT_NONE)
				give(s, cpu, o);
		} else {
			struct object o = exchange(s, cpu, none);
			mix(hash, o.paddr);
			if (o.paddr != OBJECT_NONE)
				give(s, cpu, o);
		}
		engine_collect(cpu);
		mix(hash, cpu->now_ps);
		mix(hash, cpu->env.path);
	}
	s->out.end_ps[number] = cpu->now_ps;
}

static void run(uint64_t seed, bool exact, struct outcome *out)
{
	static struct scene s;
	struct err err = {0};
	struct check_report report;
	s.seed = seed;
	set_up(&s, exact);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		engine_set_main(s.engine, cpu, cpu_main, &s);
	BUG_ON(engine_run(s.engine, &err) != 0, "%s", err.text);
	BUG_ON(s.oa->ops->check(s.oa, &report) != 0, "%s", report.text);
	BUG_ON(s.pa->ops->check(s.pa, &report) != 0, "%s", report.text);
	for (unsigned i = 0; i < CACHES; i++) {
		struct object_cache_stats st;
		s.oa->ops->cache_stats(s.oa, s.caches[i], &st);
		const uint64_t counts[] = {st.allocs_count,
					   st.failed_count,
					   st.fast_allocs_count,
					   st.fast_frees_count,
					   st.refills_shared_count,
					   st.refills_cpu_partial_count,
					   st.refills_node_partial_count,
					   st.slabs_new_count,
					   st.slabs_freed_count,
					   st.live_count,
					   st.sheaf_objects_count,
					   st.active_count,
					   st.lock->wait_ps_total};
		for (unsigned k = 0; k < ARRAY_SIZE(counts); k++)
			mix(&s.out.stats_hash, counts[k]);
		s.out.contended += st.lock->contended_count;
	}
	s.out.events = engine_events(s.engine);
	*out = s.out;
}

static struct outcome run_in_child(uint64_t seed, bool exact)
{
	struct outcome out;
	int ends[2], status;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		memset(&out, 0, sizeof(out));
		run(seed, exact, &out);
		_exit(write(ends[1], &out, sizeof(out)) != sizeof(out));
	}
	close(ends[1]);
	ssize_t got = read(ends[0], &out, sizeof(out));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (got != sizeof(out) || status != 0)
		fail_msg("seed %llu: status %#x", (unsigned long long)seed, status);
	return out;
}

static void running_ahead_is_exact(void **state)
{
	uint64_t contended = 0, events = 0, exact_events = 0;
	for (uint64_t seed = 1; seed <= 14; seed++) {
		struct outcome ahead = run_in_child(seed, false), exact = run_in_child(seed, true);
		assert_memory_equal(ahead.cpu_hash, exact.cpu_hash, sizeof(ahead.cpu_hash));
		assert_memory_equal(ahead.end_ps, exact.end_ps, sizeof(ahead.end_ps));
		assert_true(ahead.stats_hash == exact.stats_hash);
		contended += ahead.contended;
		events += ahead.events;
		exact_events += exact.events;
	}
	assert_true(contended > 100);
	assert_true(events < exact_events / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(running_ahead_is_exact)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
