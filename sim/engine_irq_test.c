/*
 * Tests of interrupts: what IPIs cost the initiator and the targets, at which moment they reach a
 * CPU that idles, computes, waits or is done, CPUs that interrupt each other, devices, and that
 * run-ahead takes every interrupt where one event per operation does.
 *
 * A process has one SimGrid, so every simulation runs in a child. A cycle is a picosecond here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/child_program.h"
#include "kern/rng.h"
#include "sim/engine.h"

#define CPUS_MOST 64
#define PS_KHZ	  UINT64_C(1000000000)
#define NS	  UINT64_C(1000)

struct outcome {
	ps_t end_ps[CPUS_MOST];
	ps_t first_ps[CPUS_MOST]; /* when the first interrupt was taken, handler's entry paid */
	ps_t interrupts_ps[CPUS_MOST], delay_ps_max[CPUS_MOST], delay_ps_total[CPUS_MOST],
		busy_ps[CPUS_MOST];
	uint64_t interrupts[CPUS_MOST];
	uint64_t hash[CPUS_MOST]; /* of (what, when) of all that a CPU did */
	ps_t call_ps[16];         /* lengths of the first IPI calls */
	unsigned calls;
	uint64_t events;
	bool finished;
};

struct scene {
	unsigned cpus;
	bool exact, ipis;
	uint64_t seed;
	struct hw_machine hw;
	void (*body)(struct scene *s, struct engine_cpu *cpu);
	void (*daemon)(struct engine_cpu *daemon, void *scene); /* NULL: none */
	/* State of the simulation. */
	struct outcome *out;
	struct engine *engine;
	struct env_lock lock, irqs_off_lock;
	struct rng rng[CPUS_MOST];
	struct engine_wait *sleeper;
};

static const struct hw_machine flight_700 = {
	.ipi_send_ns = 200,
	.ipi_flight_ns = 700,
	.interrupt_ns = 300,
};

static void note(struct scene *s, struct engine_cpu *cpu, uint64_t what)
{
	uint64_t *h = &s->out->hash[cpu->env.cpu];
	*h = (*h ^ what) * UINT64_C(0x9e3779b97f4a7c15);
	*h = (*h ^ cpu->now_ps) * UINT64_C(0x9e3779b97f4a7c15);
}

static void actor(struct engine_cpu *cpu, void *arg)
{
	struct scene *s = arg;
	s->body(s, cpu);
}

static void child(struct scene *s)
{
	static const uint32_t no_costs[COST_KINDS];
	const struct engine_params params = {
		.cpus_count = s->cpus,
		.cpu_khz = PS_KHZ,
		.cost_cycles = no_costs,
		.exact_events = s->exact,
		.hw = &s->hw,
		.ipis = s->ipis,
	};
	struct err err;
	alarm(20);
	s->irqs_off_lock.irqs_off = true;
	s->engine = engine_new(&params, &err);
	for (unsigned i = 0; i < s->cpus; i++) {
		rng_init(&s->rng[i], s->seed, i);
		engine_set_main(s->engine, i, actor, s);
	}
	if (s->daemon)
		engine_add_daemon(s->engine, "daemon", s->daemon, s);
	s->out->finished = engine_run(s->engine, &err) == 0;
	for (unsigned i = 0; i < s->cpus; i++) {
		const struct engine_cpu *cpu = engine_cpu(s->engine, i);
		s->out->end_ps[i] = cpu->now_ps;
		s->out->interrupts[i] = cpu->interrupts_count;
		s->out->interrupts_ps[i] = cpu->interrupts_ps;
		s->out->delay_ps_max[i] = cpu->interrupt_delay_ps_max;
		s->out->delay_ps_total[i] = cpu->interrupt_delay_ps_total;
		s->out->busy_ps[i] = cpu->busy_ps;
	}
	s->out->events = engine_events(s->engine);
	engine_free(s->engine);
}

static struct outcome *simulate(const struct scene *scene)
{
	int status;
	struct outcome *o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(o, MAP_FAILED);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct scene *s = malloc(sizeof(*s));
		*s = *scene;
		s->out = o;
		child(s);
		free(s);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(o->finished);
	return o;
}

static void release(struct outcome *o)
{
	munmap(o, sizeof(*o));
}

/* --- what a call costs ------------------------------------------------------------------------ */

static void handler(struct env *env, void *arg)
{
	struct scene *s = arg;
	struct engine_cpu *cpu = (struct engine_cpu *)env;
	assert_int_equal(env->context, CONTEXT_IRQ);
	engine_collect(cpu);
	note(s, cpu, 7);
	if (!s->out->first_ps[env->cpu])
		s->out->first_ps[env->cpu] = cpu->now_ps;
}

static void call(struct scene *s, struct engine_cpu *cpu, const struct cpu_set *targets)
{
	ps_t begin = cpu->now_ps;
	env_ipi(&cpu->env, targets, handler, s);
	if (s->out->calls < 16)
		s->out->call_ps[s->out->calls++] = cpu->now_ps - begin;
}

static struct cpu_set others(const struct scene *s, unsigned count)
{
	struct cpu_set set = {0};
	for (unsigned i = 0; i <= count && i < s->cpus; i++)
		cpu_set_add(&set, i); /* its own number among them does nothing */
	return set;
}

/* CPU 0 interrupts 1, 3, 15 and all 63 others, which idle. */
static void calls_of_all_sizes(struct scene *s, struct engine_cpu *cpu)
{
	static const unsigned targets[] = {1, 3, 15, 63};
	if (cpu->env.cpu) {
		engine_idle_until(cpu, 1000000 * NS);
		return;
	}
	for (unsigned i = 0; i < 4; i++) {
		struct cpu_set set = others(s, targets[i]);
		engine_idle_until(cpu, (i + 1) * 100000 * NS);
		call(s, cpu, &set);
	}
}

/* 1000 ns and 200 ns for each target. */
static void initiator_pays_by_target(void **state)
{
	static const ps_t expected_ns[] = {1200, 1600, 4000, 13600};
	struct scene s = {.cpus = 64, .ipis = true, .hw = flight_700, .body = calls_of_all_sizes};
	for (s.exact = false;; s.exact = true) {
		struct outcome *o = simulate(&s);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(o->call_ps[i], expected_ns[i] * NS);
		assert_int_equal(o->interrupts[0], 0);
		assert_int_equal(o->interrupts[1], 4);
		assert_int_equal(o->interrupts[63], 1);
		assert_int_equal(o->interrupts_ps[1], 4 * 300 * NS);
		assert_int_equal(o->busy_ps[1], 4 * 300 * NS);
		assert_int_equal(o->delay_ps_max[1], 0); /* it idles: at once */
		release(o);
		if (s.exact)
			break;
	}
	/* Off: without a cost of sending and handling, all sizes cost the flight alone. */
	s.hw = (struct hw_machine){.ipi_flight_ns = 700};
	struct outcome *o = simulate(&s);
	assert_int_equal(o->call_ps[0], 700 * NS);
	assert_int_equal(o->call_ps[3], 700 * NS);
	release(o);
}

/* CPU 1 computes in operations of 5 us; CPU 0 interrupts it at 12 us. */
static void target_computes(struct scene *s, struct engine_cpu *cpu)
{
	struct cpu_set set = others(s, 1);
	if (cpu->env.cpu == 0) {
		engine_idle_until(cpu, 12000 * NS);
		call(s, cpu, &set);
		return;
	}
	for (unsigned i = 0; i < 10; i++) {
		engine_boundary(cpu);
		cpu->in_operation = true;
		cpu->env.cycles += 5000 * NS;
		engine_end_operation(cpu);
		cpu->in_operation = false;
		cpu->busy_ps += 5000 * NS;
	}
}

static void running_target_answers_between_operations(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = target_computes};
	for (unsigned exact = 0; exact < 2; exact++) {
		s.exact = exact;
		struct outcome *o = simulate(&s);
		/* Sent till 12.2 us, there at 12.9, taken at 15, done at 15.3. */
		assert_int_equal(o->first_ps[1], 15300 * NS);
		assert_int_equal(o->call_ps[0], 3300 * NS);
		assert_int_equal(o->delay_ps_max[1], 2100 * NS);
		assert_int_equal(o->delay_ps_total[1], 2100 * NS);
		assert_int_equal(o->end_ps[1], 50300 * NS);
		assert_int_equal(o->busy_ps[1], 50300 * NS);
		release(o);
	}
}

static void target_is_done(struct scene *s, struct engine_cpu *cpu)
{
	struct cpu_set set = others(s, 1);
	if (cpu->env.cpu == 0) {
		engine_idle_until(cpu, 12000 * NS);
		call(s, cpu, &set);
	}
}

static void finished_target_answers(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = target_is_done};
	for (unsigned exact = 0; exact < 2; exact++) {
		s.exact = exact;
		struct outcome *o = simulate(&s);
		assert_int_equal(o->call_ps[0], 1200 * NS);
		assert_int_equal(o->end_ps[1], 13200 * NS);
		release(o);
	}
}

/* Both CPUs interrupt each other at the same time: each answers while it waits. */
static void crossing(struct scene *s, struct engine_cpu *cpu)
{
	struct cpu_set set = others(s, 1);
	engine_idle_until(cpu, 1000 * NS);
	call(s, cpu, &set);
}

static void crossing_calls_end(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = crossing};
	struct outcome *o = simulate(&s);
	assert_int_equal(o->call_ps[0], 1200 * NS);
	assert_int_equal(o->call_ps[1], 1200 * NS);
	assert_int_equal(o->interrupts[0], 1);
	assert_int_equal(o->interrupts[1], 1);
	release(o);
}

/* --- a device of the CPU's own ---------------------------------------------------------------- */

static void device(struct env *env, void *arg)
{
	struct scene *s = arg;
	struct engine_cpu *cpu = (struct engine_cpu *)env;
	env_lock(env, &s->lock);
	env->cycles += 100 * NS;
	env_unlock(env, &s->lock);
	engine_collect(cpu);
	note(s, cpu, 9);
	if (cpu->now_ps < 50000 * NS)
		engine_post(cpu, cpu, cpu->now_ps + 3000 * NS, device, s);
}

/* A wait that another CPU ends at 40 us, with a device that interrupts every 3.4 us. */
static void device_body(struct scene *s, struct engine_cpu *cpu)
{
	if (cpu->env.cpu == 1) {
		engine_idle_until(cpu, 40000 * NS);
		env_sync(&cpu->env);
		engine_wake(s->sleeper, cpu->now_ps);
		return;
	}
	struct engine_wait wait;
	engine_post(cpu, cpu, 3000 * NS, device, s);
	engine_wait_init(&wait, cpu);
	s->sleeper = &wait;
	env_sync(&cpu->env);
	engine_wait_open(&wait);
	note(s, cpu, 1);
	s->out->first_ps[0] = cpu->now_ps;
}

static void interrupts_run_while_a_cpu_waits(void **state)
{
	struct scene s = {.cpus = 2, .hw = flight_700, .body = device_body};
	uint64_t hash = 0;
	for (unsigned exact = 0; exact < 2; exact++) {
		s.exact = exact;
		struct outcome *o = simulate(&s);
		/* The 11th from 37.0 us to 37.4; the wait ends in peace at 40. */
		assert_int_equal(o->interrupts[0], 11);
		assert_int_equal(o->first_ps[0], 40000 * NS);
		assert_int_equal(o->interrupts_ps[0], 11 * 400 * NS);
		assert_true(!exact || hash == o->hash[0]);
		hash = o->hash[0];
		release(o);
	}
}

/* A device interrupts at 10 us an idle CPU, which nothing has made join since the beginning. */
static void idle_body(struct scene *s, struct engine_cpu *cpu)
{
	engine_post(cpu, cpu, 10000 * NS, device, s);
	engine_idle_until(cpu, 20000 * NS);
}

static void looks_at_9_us(struct engine_cpu *daemon, void *scene)
{
	struct scene *s = scene;
	engine_idle_until(daemon, 9000 * NS);
	engine_join(daemon);
	s->out->call_ps[0] = engine_cpu(s->engine, 0)->env.cycles_by[CAUSE_INTERRUPT];
	s->out->call_ps[1] = engine_cpu(s->engine, 0)->interrupts_count;
}

/* It sees nothing of what comes later, however far the CPU has run ahead. */
static void daemons_look_before_interrupts(void **state)
{
	struct scene s = {
		.cpus = 1, .hw = flight_700, .body = idle_body, .daemon = looks_at_9_us};
	for (unsigned exact = 0; exact < 2; exact++) {
		s.exact = exact;
		struct outcome *o = simulate(&s);
		assert_int_equal(o->call_ps[0], 0);
		assert_int_equal(o->call_ps[1], 0);
		assert_true(o->interrupts[0] > 0);
		release(o);
	}
}

static void posts_too_soon(struct scene *s, struct engine_cpu *cpu)
{
	if (cpu->env.cpu == 0)
		engine_post(cpu, engine_cpu(s->engine, 1), cpu->now_ps + 699 * NS, handler, s);
}

static void run_child(void *arg)
{
	static struct outcome o;
	struct scene *s = arg;
	s->out = &o;
	child(s);
}

/* Off: the bound that run-ahead relies on is not taken on trust. */
static void too_early_an_arrival_is_a_bug(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = posts_too_soon};
	struct child_end end;
	child_run(run_child, &s, &end);
	assert_true(child_aborted(&end, "CPU 0 interrupts CPU 1 sooner than it can"));
}

/* CPU 1 waits for the lock under which CPU 0 interrupts it. */
static void sends_under_a_lock(struct scene *s, struct engine_cpu *cpu)
{
	struct cpu_set set = others(s, 1);
	engine_idle_until(cpu, cpu->env.cpu * NS);
	env_lock(&cpu->env, &s->lock);
	cpu->env.cycles += 5000 * NS;
	engine_collect(cpu);
	if (cpu->env.cpu == 0)
		call(s, cpu, &set);
	env_unlock(&cpu->env, &s->lock);
}

/* Off: under a lock whose waiters sleep, they answer. */
static void ipi_under_a_spin_lock_is_a_bug(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = sends_under_a_lock,
			  .lock = {.name = "held"}};
	struct child_end end;
	child_run(run_child, &s, &end);
	assert_true(child_aborted(&end, "CPU 0 sends an IPI and holds spin lock held"));
	s.lock.sleeps = true;
	struct outcome *o = simulate(&s);
	assert_int_equal(o->call_ps[0], 1200 * NS);
	assert_int_equal(o->interrupts[1], 1);
	release(o);
}

/*
 * CPU 1 holds a lock for three operations of 5 us, from the beginning, with interrupts off or not;
 * CPU 0 interrupts it at 2 us.
 */
static void target_holds_a_lock(struct scene *s, struct engine_cpu *cpu)
{
	struct cpu_set set = others(s, 1);
	struct env_lock *lock = s->seed ? &s->irqs_off_lock : &s->lock;
	if (cpu->env.cpu == 0) {
		engine_idle_until(cpu, 2000 * NS);
		call(s, cpu, &set);
		return;
	}
	env_lock(&cpu->env, lock);
	for (unsigned i = 0; i < 3; i++) {
		engine_boundary(cpu);
		cpu->env.cycles += 5000 * NS;
		engine_end_operation(cpu);
	}
	env_sync(&cpu->env);
	env_unlock(&cpu->env, lock);
	engine_boundary(cpu);
	assert_int_equal(cpu->irqs_off_ps_max, s->seed ? 15000 * NS : 0);
}

static void interrupts_wait_for_a_lock_that_keeps_them_off(void **state)
{
	struct scene s = {.cpus = 2, .ipis = true, .hw = flight_700, .body = target_holds_a_lock};
	for (unsigned i = 0; i < 4; i++) {
		s.exact = i % 2;
		s.seed = i / 2;
		struct outcome *o = simulate(&s);
		/* There at 2.9 us; taken at 5, or after the lock. */
		assert_int_equal(o->first_ps[1], (s.seed ? 15300 : 5300) * NS);
		assert_int_equal(o->delay_ps_max[1], (s.seed ? 12100 : 2100) * NS);
		release(o);
	}
}

/* --- everything at random --------------------------------------------------------------------- */

static void random_body(struct scene *s, struct engine_cpu *cpu)
{
	struct rng *rng = &s->rng[cpu->env.cpu];
	for (unsigned i = 0; i < 150; i++) {
		engine_boundary(cpu);
		note(s, cpu, i);
		ps_t start = cpu->now_ps;
		cpu->in_operation = true;
		switch (rng_below(rng, 12)) {
		case 0: {
			struct cpu_set set = {0};
			for (unsigned t = 0; t < s->cpus; t++) {
				if (rng_below(rng, 3) == 0)
					cpu_set_add(&set, t);
			}
			call(s, cpu, &set);
			break;
		}
		case 1:
		case 2:
			env_lock(&cpu->env, &s->lock);
			engine_collect(cpu);
			note(s, cpu, 2);
			cpu->env.cycles += rng_below(rng, 800 * NS);
			env_unlock(&cpu->env, &s->lock);
			break;
		case 4:
			env_lock(&cpu->env, &s->irqs_off_lock);
			for (unsigned k = 0; k < 3; k++) {
				engine_end_operation(cpu);
				engine_boundary(cpu);
				cpu->env.cycles += rng_below(rng, 400 * NS);
			}
			env_sync(&cpu->env);
			note(s, cpu, 4);
			env_unlock(&cpu->env, &s->irqs_off_lock);
			break;
		case 3:
			cpu->in_operation = false;
			engine_idle_until(cpu, cpu->now_ps + rng_below(rng, 5000 * NS));
			start = cpu->now_ps;
			break;
		default:
			cpu->env.cycles += rng_below(rng, 300 * NS);
			break;
		}
		engine_end_operation(cpu);
		cpu->busy_ps += cpu->now_ps - start;
		cpu->in_operation = false;
	}
}

static void both_modes_take_interrupts_alike(void **state)
{
	static const unsigned cpus[] = {1, 2, 3, 8, 16, 64};
	for (unsigned i = 0; i < 30; i++) {
		struct scene s = {.cpus = cpus[i % 6], .ipis = true, .hw = flight_700, .seed = i,
				  .body = random_body};
		s.hw.ipi_flight_ns = i % 3 == 0 ? 1 : i % 3 == 1 ? 700 : 20000;
		struct outcome *ahead = simulate(&s);
		s.exact = true;
		struct outcome *exact = simulate(&s);
		assert_true(s.cpus == 1 || ahead->interrupts[0] > 0);
		assert_true(ahead->events < exact->events);
		ahead->events = exact->events;
		assert_memory_equal(ahead, exact, sizeof(*ahead));
		release(ahead);
		release(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator_pays_by_target),
		cmocka_unit_test(running_target_answers_between_operations),
		cmocka_unit_test(finished_target_answers),
		cmocka_unit_test(crossing_calls_end),
		cmocka_unit_test(interrupts_run_while_a_cpu_waits),
		cmocka_unit_test(daemons_look_before_interrupts),
		cmocka_unit_test(too_early_an_arrival_is_a_bug),
		cmocka_unit_test(ipi_under_a_spin_lock_is_a_bug),
		cmocka_unit_test(interrupts_wait_for_a_lock_that_keeps_them_off),
		cmocka_unit_test(both_modes_take_interrupts_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
