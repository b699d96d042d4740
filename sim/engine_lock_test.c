/*
 * Tests of engine_lock.c: each kind of lock step by step, both modes against each other, deadlocks,
 * what a CPU's caches kept back, and misuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "sim/engine_rig.h"

#define NS PS_PER_NS

static struct rig_outcome found, other;

/* Pairs of CPUs share a cache; even and odd eights are of two nodes. */
static const struct hw_machine costs = {
	.caches = {{.shared_by = 1}, {.shared_by = 2}},
	.caches_count = 2,
	.transfer_cache_ns = 7,
	.transfer_node_ns = 40,
	.transfer_remote_ns = 90,
	.context_switch_ns = 50,
	.lock_wakeup_ns = 10,
};

static unsigned nids[CPUS_LIMIT];

static int setup(void **state)
{
	for (unsigned i = 0; i < CPUS_LIMIT; i++)
		nids[i] = i / 8 % 2;
	return 0;
}

/* --- both modes ------------------------------------------------------------------------------- */

struct mix {
	uint64_t seed;
	unsigned rounds, locks;
	bool nested;
	bool kinds; /* lock 0 fifo, 1 unfair, 2 a mutex */
};

static void mixed_body(struct rig *r, unsigned cpu)
{
	const struct mix *m = r->arg;
	struct rng rng;
	if (m->kinds) {
		r->locks[1].unfair = true;
		r->locks[2].sleeps = true;
	}
	rng_init(&rng, m->seed, cpu);
	for (unsigned i = 0; i < m->rounds; i++) {
		/* Coarse, so that many arrivals and releases fall on the same moment. */
		rig_work(r, cpu, 10 * NS * rng_below(&rng, 40 * r->cpus));
		unsigned first = m->nested ? 0 : (unsigned)rng_below(&rng, m->locks);
		rig_take(r, cpu, first);
		rig_work(r, cpu, 10 * NS * rng_below(&rng, 30));
		for (unsigned k = first + 1; m->nested && k < m->locks; k++) {
			rig_take(r, cpu, k);
			rig_work(r, cpu, 10 * NS * rng_below(&rng, 20));
		}
		for (unsigned k = m->locks - 1; m->nested && k > first; k--)
			rig_give(r, cpu, k);
		rig_give(r, cpu, first);
	}
}

static void both_modes_agree(void **state)
{
	static const unsigned cpus[] = {1, 2, 16, 64};
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned k = 0; k < 8; k++) {
			const struct mix mix = {.seed = 8 * i + k,
						.rounds = 400 / cpus[i] + 8,
						.locks = k / 4 == 0 ? 2 : 3,
						.nested = k % 4 == 3 || k == 6,
						.kinds = k >= 4};
			struct rig r = {.cpus = cpus[i],
					.body = mixed_body,
					.arg = &mix,
					.unfair = k == 1,
					.sleeps = k == 2,
					.hw = k == 5 ? NULL : &costs,
					.cpu_nid = nids};
			rig_simulate(&r, &found);
			assert_true(found.locks[0].acquired > 0);
			assert_true((found.locks[0].contended > 0) == (cpus[i] > 1));
			assert_string_equal(found.cycle, "");
			assert_false(found.deadlock);
		}
	}
}

/* Without a machine all CPUs are equally near: first come, first served. */
static void unfair_without_distances(void **state)
{
	const struct mix mix = {.seed = 3, .rounds = 40, .locks = 2};
	struct rig r = {.cpus = 16, .body = mixed_body, .arg = &mix};
	rig_simulate(&r, &other);
	r.unfair = true;
	rig_simulate(&r, &found);
	assert_memory_equal(&found, &other, sizeof(found));
	assert_true(found.locks[0].contended > 100);
	/* With distances it is not. */
	r.hw = &costs;
	r.cpu_nid = nids;
	rig_simulate(&r, &found);
	assert_int_not_equal(found.locks[0].order_hash, other.locks[0].order_hash);
}

/* --- step by step ----------------------------------------------------------------------------- */

struct visit {
	unsigned cpu;
	ps_t at, hold; /* hold 0: does not come */
};

/* figures[cpu]: when it had the lock. */
static void visit_body(struct rig *r, unsigned cpu)
{
	for (const struct visit *v = r->arg; v->hold; v++) {
		if (v->cpu != cpu)
			continue;
		rig_idle_until(r, cpu, v->at);
		rig_take(r, cpu, 0);
		r->out->figures[cpu] = rig_now(r, cpu);
		rig_work(r, cpu, v->hold);
		rig_give(r, cpu, 0);
	}
}

static void visit(const struct visit *visits, struct rig r)
{
	r.body = visit_body;
	r.arg = visits;
	r.cpus = 16;
	r.cpu_nid = nids;
	rig_simulate(&r, &found);
}

/* The example of engine_lock.c, which has no costs of transfer. */
static void example_of_the_theory(void **state)
{
	static const struct visit visits[] = {
		{0, 100, 80}, {9, 120, 20}, {1, 150, 20}, {0, 0, 0}};
	struct hw_machine free_lines = costs;
	free_lines.transfer_cache_ns = free_lines.transfer_node_ns = 0;
	free_lines.transfer_remote_ns = 0;
	free_lines.context_switch_ns = free_lines.lock_wakeup_ns = 0;
	visit(visits, (struct rig){.hw = &free_lines});
	assert_int_equal(found.figures[9], 180);
	assert_int_equal(found.figures[1], 200);
	visit(visits, (struct rig){.hw = &free_lines, .unfair = true});
	assert_int_equal(found.figures[1], 180);
	assert_int_equal(found.figures[9], 200);
	assert_int_equal(found.locks[0].waiting_max, 2);
	assert_int_equal(found.locks[0].wait_ps, 30 + 80);
	free_lines.locks_unfair = true; /* all spin locks of the machine */
	visit(visits, (struct rig){.hw = &free_lines});
	assert_int_equal(found.figures[1], 180);
	visit(visits, (struct rig){.hw = &free_lines, .sleeps = true});
	assert_int_equal(found.figures[1], 200);
}

static void mutex_step_by_step(void **state)
{
	static const struct visit visits[] = {{0, 100 * NS, 80 * NS}, {5, 120 * NS, 20 * NS}, {0}};
	visit(visits, (struct rig){.hw = &costs, .sleeps = true});
	/* It sleeps at 170, is woken at 190, runs at 240 and has the line at 280. */
	assert_int_equal(found.figures[5], 280 * NS);
	assert_int_equal(found.end_ps[0], 190 * NS);
	assert_int_equal(found.lock_cycles[0], 10 * NS);
	assert_int_equal(found.lock_cycles[5], (2 * 50 + 40) * NS);
	assert_int_equal(found.locks[0].wait_ps_max, 160 * NS);
	assert_int_equal(found.locks[0].hold_ps, 100 * NS);
	assert_int_equal(found.locks[0].hold_ps_max, 80 * NS);
	/* The release overtakes the way to sleep, at 200, which has to end first. */
	static const struct visit late[] = {{0, 100 * NS, 80 * NS}, {5, 150 * NS, 20 * NS}, {0}};
	visit(late, (struct rig){.hw = &costs, .sleeps = true});
	assert_int_equal(found.figures[5], (200 + 50 + 40) * NS);
}

/* Costs of a machine description only: without one a hand-over has its old price, here 0. */
static void transfers_by_distance(void **state)
{
	static const struct visit visits[] = {{0, 1 * NS, 1 * NS},    {0, 3 * NS, 1 * NS},
					      {1, 10 * NS, 1 * NS},   {2, 30 * NS, 1 * NS},
					      {9, 100 * NS, 30 * NS}, {8, 200 * NS, 30 * NS},
					      {3, 210 * NS, 1 * NS},  {0}};
	visit(visits, (struct rig){.hw = &costs});
	assert_int_equal(found.figures[0], 3 * NS); /* its own line, the second time */
	assert_int_equal(found.figures[1], (10 + 7) * NS);
	assert_int_equal(found.figures[2], (30 + 40) * NS);
	assert_int_equal(found.figures[9], (100 + 90) * NS); /* held until 220 */
	assert_int_equal(found.figures[8], (220 + 7) * NS);  /* and until 257 */
	assert_int_equal(found.figures[3], (257 + 90) * NS);
	assert_int_equal(found.locks[0].transfers, 5);
	assert_int_equal(found.locks[0].contended, 2);
	assert_int_equal(found.locks[0].wait_ps, (27 + 137) * NS);
	assert_int_equal(found.lock_cycles[3], 90 * NS);
	visit(visits, (struct rig){.hw = NULL});
	assert_int_equal(found.figures[1], 10 * NS);
	assert_int_equal(found.locks[0].transfers, 5);
	assert_int_equal(found.lock_cycles[1], 0);
}

/*
 * CPU 2 and CPU 12 wait when CPU 3 releases at 200; CPU 12 came first. At that very moment CPU 1
 * and CPU 13 come, too: CPU 1 before the dispatcher, CPU 12, CPU 13 after it.
 */
static void at_the_moment_of_release(void **state)
{
	static const struct visit visits[] = {{3, 100, 100}, {12, 110, 5}, {1, 200, 5},
					      {13, 200, 5},  {2, 150, 5},  {0}};
	static const struct visit without_2[] = {
		{3, 100, 100}, {12, 110, 5}, {1, 200, 5}, {13, 200, 5}, {0}};
	struct hw_machine hw = {.caches = {{.shared_by = 2}}, .caches_count = 1};
	visit(visits, (struct rig){.hw = &hw, .unfair = true});
	assert_int_equal(found.figures[2], 200);  /* shares a cache with 3 */
	assert_int_equal(found.figures[1], 205);  /* of its node */
	assert_int_equal(found.figures[12], 210); /* came before 13 */
	assert_int_equal(found.figures[13], 215);
	visit(without_2, (struct rig){.hw = &hw, .unfair = true});
	assert_int_equal(found.figures[1], 200);
}

/* --- sleeping where that is forbidden --------------------------------------------------------- */

static void sleeping_body(struct rig *r, unsigned cpu)
{
	static const enum env_context contexts[] = {CONTEXT_PROCESS, CONTEXT_PROCESS, CONTEXT_IRQ,
						    CONTEXT_PROCESS};
	r->locks[0].sleeps = true;
	rig_idle_until(r, cpu, 10 * cpu);
	env_set_context(&r->cpu[cpu]->env, contexts[cpu]);
	if (cpu == 3)
		rig_take(r, cpu, 1); /* a spin lock */
	rig_take(r, cpu, 0);
	rig_work(r, cpu, 1000);
	rig_give(r, cpu, 0);
	if (cpu == 3)
		rig_give(r, cpu, 1);
}

static void sleeping_in_atomic_context(void **state)
{
	static const uint64_t expected[] = {0, 0, 1, 1};
	struct rig r = {.cpus = 4, .body = sleeping_body};
	rig_simulate(&r, &found);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(found.sleep_violations[i], expected[i]);
	assert_int_equal(found.locks[0].contended, 3); /* they go on nevertheless */
}

/* --- deadlocks -------------------------------------------------------------------------------- */

/* CPU c takes lock c and then the next one's; CPUs 4 and 5 come to lock 1 later, 6 never. */
static void circle_body(struct rig *r, unsigned cpu)
{
	rig_idle_until(r, cpu, 10 + cpu);
	if (cpu < 4) {
		rig_take(r, cpu, cpu);
		rig_work(r, cpu, 100);
		rig_take(r, cpu, (cpu + 1) % 4);
	} else if (cpu < 6) {
		rig_idle_until(r, cpu, 10000);
		rig_take(r, cpu, 1);
	}
}

static void circles_are_found(void **state)
{
	static const int waits_for[] = {1, 2, 3, 0, 1, 1, -1};
	for (unsigned kind = 0; kind < 3; kind++) {
		struct rig r = {
			.cpus = 7, .body = circle_body, .unfair = kind == 1, .sleeps = kind == 2};
		rig_simulate(&r, &found);
		assert_true(found.deadlock);
		assert_int_equal(found.deadlock_at_ps, 113); /* not when the last one came */
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(found.waits_for[i], waits_for[i]);
		assert_string_equal(found.cycle, "l0 -> l1 -> l2 -> l3 -> l0, CPU 3 at 0.0 us");
		assert_int_equal(found.end_ps[6], 16);
	}
}

static void keeper_body(struct rig *r, unsigned cpu)
{
	rig_work(r, cpu, 10 + cpu);
	rig_take(r, cpu, 0);
}

/* A holder that ends and keeps its lock: no circle, and yet for ever. */
static void a_lock_that_is_kept(void **state)
{
	struct rig r = {.cpus = 3, .body = keeper_body};
	rig_simulate(&r, &found);
	assert_true(found.deadlock);
	assert_int_equal(found.deadlock_at_ps, 12);
	assert_int_equal(found.waits_for[0], -1);
	assert_int_equal(found.waits_for[2], 0);
	assert_string_equal(found.cycle, "");
}

/* --- what caches kept back -------------------------------------------------------------------- */

struct kept {
	struct env_memory memory;
	ps_t synced_at[8];
	unsigned syncs_count;
};

static void kept_sync(struct env *env, ps_t now_ps)
{
	struct kept *k = (struct kept *)env->memory;
	k->synced_at[k->syncs_count++] = now_ps;
	if (k->memory.waiting)
		env_charge_to(env, CAUSE_DRAM, 70);
	k->memory.pending = k->memory.waiting = false;
}

/* Touched before the lock, in the section, and news alone before env_sync(). */
static void kept_body(struct rig *r, unsigned cpu)
{
	static struct kept kept;
	struct env *env = &r->cpu[cpu]->env;
	r->locks[0].sleeps = r->arg != NULL;
	if (cpu > 0) {
		rig_idle_until(r, cpu, 180);
		rig_take(r, cpu, 0);
		rig_give(r, cpu, 0);
		return;
	}
	kept = (struct kept){.memory.sync = kept_sync};
	env->memory = &kept.memory;
	rig_work(r, cpu, 100);
	kept.memory.pending = kept.memory.waiting = true;
	rig_take(r, cpu, 0);
	r->out->figures[0] = rig_now(r, cpu);
	rig_work(r, cpu, 30);
	kept.memory.pending = kept.memory.waiting = true;
	rig_give(r, cpu, 0);
	r->out->figures[1] = rig_now(r, cpu);
	kept.memory.pending = true;
	env_sync(env);
	engine_end_operation(r->cpu[cpu]); /* nothing is left */
	for (unsigned i = 0; i < kept.syncs_count; i++)
		r->out->figures[2 + i] = kept.synced_at[i];
}

static void accesses_are_carried_out(void **state)
{
	for (unsigned sleeps = 0; sleeps < 2; sleeps++) {
		struct rig r = {.cpus = 2, .body = kept_body, .arg = sleeps ? "mutex" : NULL};
		rig_simulate(&r, &found);
		assert_int_equal(found.figures[0], 170);
		assert_int_equal(found.figures[1], 270); /* 200, and what the section kept back */
		static const uint64_t synced_at[] = {100, 200, 270, 0};
		assert_memory_equal(&found.figures[2], synced_at, sizeof(synced_at));
		assert_int_equal(found.locks[0].hold_ps_max, 100);
		assert_int_equal(found.locks[0].wait_ps, 90);
	}
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void greedy_body(struct rig *r, unsigned cpu)
{
	for (unsigned i = 0; i <= ENV_HELD_MAX; i++)
		rig_take(r, cpu, i);
}

static void any_order_body(struct rig *r, unsigned cpu)
{
	for (unsigned i = 0; i < ENV_HELD_MAX; i++)
		rig_take(r, cpu, i);
	for (unsigned i = 0; i < ENV_HELD_MAX; i++)
		rig_give(r, cpu, (5 * i + 3) % ENV_HELD_MAX);
	r->out->figures[0] = r->cpu[cpu]->env.held_count;
	rig_take(r, cpu, 0);
	rig_give(r, cpu, 0);
}

static void back_in_time_body(struct rig *r, unsigned cpu)
{
	r->locks[0].last_arrival_ps = 1000;
	rig_take(r, cpu, 0); /* L1 */
}

static void not_held_body(struct rig *r, unsigned cpu)
{
	rig_take(r, cpu, 0);
	r->cpu[cpu]->env.held_count = 0;
	rig_give(r, cpu, 0); /* L2 */
}

static void nobody_body(struct rig *r, unsigned cpu)
{
	rig_idle_until(r, cpu, 10 * cpu);
	env_sync(&r->cpu[cpu]->env);
	if (cpu == 3)
		r->locks[0].owner = NULL; /* L3 */
	rig_take(r, cpu, 0);
	rig_idle_until(r, cpu, 1000);
	rig_give(r, cpu, 0);
}

static void misuse_aborts(void **state)
{
	static const struct {
		void (*body)(struct rig *, unsigned);
		const char *says;
	} rows[] = {{greedy_body, "CPU 0 takes lock l8, and holds 8"},
		    {back_in_time_body, "came to lock l0 at 0 ps, after one at 1000"},
		    {not_held_body, "gives lock l0 back, not in held[]"},
		    {nobody_body, "for which CPU 2 waits, and nobody has it"}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		struct rig r = {.cpus = 4, .body = rows[i].body};
		int status = rig_try(&r, &found, text, sizeof(text));
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		if (!strstr(text, rows[i].says))
			print_message("%s", text);
		assert_non_null(strstr(text, rows[i].says));
	}
	struct rig r = {.cpus = 1, .body = any_order_body};
	rig_simulate(&r, &found);
	assert_int_equal(found.figures[0], 0);
	assert_int_equal(found.locks[0].acquired, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_modes_agree),
		cmocka_unit_test(unfair_without_distances),
		cmocka_unit_test(example_of_the_theory),
		cmocka_unit_test(mutex_step_by_step),
		cmocka_unit_test(transfers_by_distance),
		cmocka_unit_test(at_the_moment_of_release),
		cmocka_unit_test(sleeping_in_atomic_context),
		cmocka_unit_test(circles_are_found),
		cmocka_unit_test(a_lock_that_is_kept),
		cmocka_unit_test(accesses_are_carried_out),
		cmocka_unit_test(misuse_aborts),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
