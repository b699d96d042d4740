/*
 * Tests of the engine: both of its modes against each other and against plain SimGrid mutexes,
 * semaphores and sleeps, the order of ties, dates that a double can't hold, deadlocks, and cycles.
 *
 * A process has one SimGrid, so every simulation runs in a child, which sends back what it
 * measured. A cycle is a picosecond here (khz = 10^9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/mutex.h>
#include <simgrid/semaphore.h>

#include "kern/rng.h"
#include "sim/engine.h"

#define CPUS_MOST 64
#define LOCKS 2
#define PS_KHZ UINT64_C(1000000000)

enum mode { RUN_AHEAD, EXACT, PLAIN_SIMGRID };

/* What a child sends. */
struct outcome {
	ps_t end_ps[CPUS_MOST];
	ps_t cpu_lock_wait_ps;       /* of all CPUs */
	unsigned unaccounted_count;  /* CPUs whose clock is not what was charged and skipped */
	ps_t wait_ps[LOCKS], wait_ps_max[LOCKS], hold_ps[LOCKS];
	uint64_t acquired[LOCKS], contended[LOCKS];
	/*
	 * Of (CPU, number, time) of what happened, in order: by lock, and of each CPU's hand-offs.
	 */
	uint64_t order_hash[LOCKS + CPUS_MOST];
	uint64_t events;
	uint32_t order[4096]; /* CPUs of the first sections of lock 0 */
	unsigned order_count;
	bool deadlock;
	ps_t deadlock_at_ps;
	int rc;
	struct err err;
};

struct scene {
	enum mode mode;
	unsigned cpus, ops;
	uint64_t seed;
	ps_t start_ps;
	unsigned lock_one_in; /* 0: no locks */
	bool nested, handoffs;
	void (*body)(struct scene *s, unsigned cpu); /* NULL: random_body */
	/* State of the simulation. */
	struct outcome *out;
	struct engine_cpu *cpu[CPUS_MOST];
	struct env_lock lock[LOCKS];
	sg_mutex_t mutex[LOCKS];
	sg_sem_t sem[CPUS_MOST];
	uint64_t posted[CPUS_MOST];
	struct engine_wait *waits[CPUS_MOST];
};

/* --- the same steps in the engine and in plain SimGrid ---------------------------------------- */

static ps_t now(struct scene *s, unsigned cpu)
{
	if (s->mode == PLAIN_SIMGRID)
		return (ps_t)simgrid_get_clock();
	engine_collect(s->cpu[cpu]);
	return s->cpu[cpu]->now_ps;
}

static void work(struct scene *s, unsigned cpu, ps_t ps)
{
	if (s->mode == PLAIN_SIMGRID)
		sg_actor_sleep_for((double)ps);
	else
		s->cpu[cpu]->env.cycles += ps;
}

/* @where: a lock, or LOCKS + a CPU. */
static void note(struct scene *s, unsigned cpu, unsigned where, uint64_t what)
{
	struct outcome *o = s->out;
	const uint64_t words[] = {cpu, what, now(s, cpu)};
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		o->order_hash[where] = (o->order_hash[where] ^ words[i]) * UINT64_C(1099511628211);
	if (where == 0 && o->order_count < ARRAY_SIZE(o->order))
		o->order[o->order_count++] = cpu;
}

static void take(struct scene *s, unsigned cpu, unsigned lock, uint64_t number)
{
	if (s->mode == PLAIN_SIMGRID) {
		ps_t before = now(s, cpu);
		sg_mutex_lock(s->mutex[lock]);
		ps_t wait = now(s, cpu) - before;
		s->out->wait_ps[lock] += wait;
		s->out->wait_ps_max[lock] = u64_max(s->out->wait_ps_max[lock], wait);
		s->out->acquired[lock]++;
		s->out->contended[lock] += wait > 0;
	} else {
		env_lock(&s->cpu[cpu]->env, &s->lock[lock]);
	}
	note(s, cpu, lock, number);
}

static void give(struct scene *s, unsigned cpu, unsigned lock)
{
	if (s->mode == PLAIN_SIMGRID)
		sg_mutex_unlock(s->mutex[lock]);
	else
		env_unlock(&s->cpu[cpu]->env, &s->lock[lock]);
}

static void post(struct scene *s, unsigned from, unsigned to)
{
	if (s->mode == PLAIN_SIMGRID) {
		sg_sem_release(s->sem[to]);
		return;
	}
	env_sync(&s->cpu[from]->env);
	s->posted[to]++;
	if (s->waits[to]) {
		engine_wake(s->waits[to], s->cpu[from]->now_ps);
		s->waits[to] = NULL;
	}
}

static void receive(struct scene *s, unsigned cpu)
{
	if (s->mode == PLAIN_SIMGRID) {
		sg_sem_acquire(s->sem[cpu]);
		return;
	}
	env_sync(&s->cpu[cpu]->env);
	if (!s->posted[cpu]) {
		struct engine_wait wait;
		engine_wait_init(&wait, s->cpu[cpu]);
		s->waits[cpu] = &wait;
		engine_wait(&wait);
	}
	s->posted[cpu]--;
}

/* --- a simulation in a child ------------------------------------------------------------------ */

/* Odd picoseconds over a wide range: ties, which mutexes don't order, are next to none. */
static void random_body(struct scene *s, unsigned cpu)
{
	struct rng rng;
	rng_init(&rng, s->seed, cpu);
	for (uint64_t i = 0; i < s->ops; i++) {
		work(s, cpu, 20000 + rng_below(&rng, 600011));
		if (s->mode != PLAIN_SIMGRID) {
			engine_collect(s->cpu[cpu]);
			engine_boundary(s->cpu[cpu]);
		}
		if (s->lock_one_in && rng_below(&rng, s->lock_one_in) == 0) {
			unsigned first = s->nested ? 0 : (unsigned)rng_below(&rng, LOCKS);
			take(s, cpu, first, i);
			work(s, cpu, 50000 + rng_below(&rng, 200003));
			if (s->nested && rng_below(&rng, 2)) {
				take(s, cpu, 1, i);
				work(s, cpu, 10000 + rng_below(&rng, 90001));
				give(s, cpu, 1);
			}
			work(s, cpu, rng_below(&rng, 70001));
			give(s, cpu, first);
		}
		/* Even CPUs give to the odd one after them. */
		if (s->handoffs && cpu % 2 == 0 && cpu + 1 < s->cpus)
			post(s, cpu, cpu + 1);
		if (s->handoffs && cpu % 2 == 1) {
			receive(s, cpu);
			note(s, cpu, LOCKS + cpu, i);
		}
	}
}

static void run_body(struct scene *s, unsigned cpu)
{
	if (s->start_ps)
		engine_idle_until(s->cpu[cpu], s->start_ps);
	(s->body ? s->body : random_body)(s, cpu);
	s->out->end_ps[cpu] = now(s, cpu);
}

static void engine_main(struct engine_cpu *cpu, void *arg)
{
	run_body(arg, cpu->env.cpu);
}

struct plain_arg {
	struct scene *s;
	unsigned cpu;
};

static void plain_main(int argc, char **argv)
{
	struct plain_arg *a = sg_actor_self_get_data();
	run_body(a->s, a->cpu);
}

static void run_plain(struct scene *s)
{
	static struct plain_arg args[CPUS_MOST];
	for (unsigned l = 0; l < LOCKS; l++)
		s->mutex[l] = sg_mutex_init();
	for (unsigned cpu = 0; cpu < s->cpus; cpu++)
		s->sem[cpu] = sg_sem_init(0);
	for (unsigned cpu = 0; cpu < s->cpus; cpu++) {
		char host[16];
		snprintf(host, sizeof(host), "cpu%u", cpu);
		args[cpu] = (struct plain_arg){s, cpu};
		sg_actor_t a = sg_actor_create(host, sg_host_by_name(host), plain_main, 0, NULL);
		sg_actor_set_data(a, &args[cpu]);
	}
	simgrid_run();
}

static void run_engine(struct scene *s, struct engine *e)
{
	struct outcome *o = s->out;
	for (unsigned l = 0; l < LOCKS; l++)
		snprintf(s->lock[l].name, sizeof(s->lock[l].name), "lock%u", l);
	for (unsigned cpu = 0; cpu < s->cpus; cpu++) {
		s->cpu[cpu] = engine_cpu(e, cpu);
		engine_set_main(e, cpu, engine_main, s);
	}
	o->rc = engine_run(e, &o->err);
	o->events = engine_events(e);
	o->deadlock = engine_deadlock(e, &o->deadlock_at_ps);
	for (unsigned cpu = 0; cpu < s->cpus; cpu++) {
		const struct engine_cpu *c = s->cpu[cpu];
		o->cpu_lock_wait_ps += c->lock_wait_ps;
		o->unaccounted_count += c->now_ps != c->charged_cycles + c->skipped_ps;
	}
	for (unsigned l = 0; l < LOCKS; l++) {
		o->wait_ps[l] = s->lock[l].wait_ps_total;
		o->wait_ps_max[l] = s->lock[l].wait_ps_max;
		o->hold_ps[l] = s->lock[l].hold_ps_total;
		o->acquired[l] = s->lock[l].acquired_count;
		o->contended[l] = s->lock[l].contended_count;
	}
}

static void child(struct scene *s, struct outcome *o)
{
	static const uint32_t no_costs[COST_KINDS];
	const struct engine_params params = {
		.cpus_count = s->cpus,
		.cpu_khz = PS_KHZ,
		.cost_cycles = no_costs,
		.exact_events = s->mode == EXACT,
	};
	alarm(20); /* a simulation that does not end is a failure, not a hang */
	s->out = o;
	struct engine *e = engine_new(&params, &o->err);
	if (!e)
		o->rc = -1;
	else if (s->mode == PLAIN_SIMGRID)
		run_plain(s); /* on the engine's hosts and settings */
	else
		run_engine(s, e);
}

static bool read_all(int fd, void *to, size_t bytes)
{
	while (bytes) {
		ssize_t n = read(fd, to, bytes);
		if (n <= 0)
			return false;
		to = (char *)to + n;
		bytes -= (size_t)n;
	}
	return true;
}

/* Returns the child's wait status; @text, if given, is the beginning of what it said on stderr. */
static int simulate(const struct scene *scene, struct outcome *o, char *text, size_t text_size)
{
	int data[2], said[2], status;
	assert_int_equal(pipe(data), 0);
	assert_int_equal(pipe(said), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct outcome mine;
		struct scene s = *scene;
		dup2(said[1], STDERR_FILENO);
		child(&s, &mine);
		fflush(NULL);
		ssize_t n = write(data[1], &mine, sizeof(mine));
		_exit(n == (ssize_t)sizeof(mine) ? 0 : 1);
	}
	close(data[1]);
	close(said[1]);
	bool complete = read_all(data[0], o, sizeof(*o));
	memset(text, 0, text_size);
	size_t got = 0;
	for (ssize_t n; got + 1 < text_size; got += (size_t)n) {
		n = read(said[0], text + got, text_size - 1 - got);
		if (n <= 0)
			break;
	}
	close(data[0]);
	close(said[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(complete || status != 0);
	return status;
}

static void simulate_well(struct scene s, enum mode mode, struct outcome *o)
{
	char text[1024];
	s.mode = mode;
	int status = simulate(&s, o, text, sizeof(text));
	if (status != 0 || o->rc != 0)
		print_message("mode %d, %u CPUs: status %d: %s%s\n", (int)mode, s.cpus, status,
			      o->err.text, text);
	assert_int_equal(status, 0);
	assert_int_equal(o->rc, 0);
	assert_string_equal(text, "");
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(a->end_ps, b->end_ps, sizeof(a->end_ps));
	assert_memory_equal(a->wait_ps, b->wait_ps, sizeof(a->wait_ps));
	assert_memory_equal(a->wait_ps_max, b->wait_ps_max, sizeof(a->wait_ps_max));
	assert_memory_equal(a->acquired, b->acquired, sizeof(a->acquired));
	assert_memory_equal(a->contended, b->contended, sizeof(a->contended));
	assert_memory_equal(a->order, b->order, sizeof(a->order));
	assert_memory_equal(a->order_hash, b->order_hash, sizeof(a->order_hash));
}

/* --- the modes agree, and with plain SimGrid -------------------------------------------------- */

static struct outcome ahead, exact, plain;

/* Every moment of a CPU is work, a wait for a lock, or idle. */
static void assert_time_is_known(const struct outcome *o)
{
	ps_t waits = 0;
	for (unsigned l = 0; l < LOCKS; l++)
		waits += o->wait_ps[l];
	assert_int_equal(o->cpu_lock_wait_ps, waits);
	assert_int_equal(o->unaccounted_count, 0);
}

static void all_modes_agree(struct scene s)
{
	simulate_well(s, RUN_AHEAD, &ahead);
	simulate_well(s, EXACT, &exact);
	simulate_well(s, PLAIN_SIMGRID, &plain);
	assert_same(&ahead, &exact);
	assert_int_equal(ahead.hold_ps[0], exact.hold_ps[0]);
	assert_same(&ahead, &plain);
	assert_time_is_known(&ahead);
	assert_time_is_known(&exact);
	assert_true(ahead.events <= exact.events);
}

static void test_private_work(void **state)
{
	for (unsigned cpus = 1; cpus <= CPUS_MOST; cpus *= 8) {
		all_modes_agree((struct scene){.cpus = cpus, .ops = 40, .seed = cpus});
		assert_true(ahead.events <= cpus); /* nothing is shared: nobody has to give way */
		assert_true(exact.events >= 40 * cpus);
	}
}

static void test_contended_locks(void **state)
{
	static const unsigned cpus[] = {1, 2, 5, 16, 64};
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned one_in = 1; one_in <= 5; one_in += 4)
			all_modes_agree((struct scene){.cpus = cpus[i],
						       .ops = 700 / cpus[i] + 5,
						       .seed = 7 * i + one_in,
						       .lock_one_in = one_in});
	}
	assert_true(ahead.contended[0] > 0);
	assert_true(ahead.wait_ps[0] > 0);
}

static void test_nested_locks(void **state)
{
	static const unsigned cpus[] = {2, 9, 64};
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		for (unsigned one_in = 1; one_in <= 4; one_in += 3)
			all_modes_agree((struct scene){.cpus = cpus[i], .ops = 700 / cpus[i] + 5,
						       .seed = 100 + 7 * i + one_in, .nested = true,
						       .lock_one_in = one_in});
	}
	assert_true(ahead.contended[0] > 0);
	assert_true(ahead.acquired[1] > 0);
}

static void test_handoffs(void **state)
{
	static const unsigned cpus[] = {2, 6, 64};
	for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
		all_modes_agree((struct scene){.cpus = cpus[i], .ops = 20, .seed = 200 + i,
					       .handoffs = true});
		all_modes_agree((struct scene){.cpus = cpus[i], .ops = 20, .seed = 300 + i,
					       .handoffs = true, .lock_one_in = 3, .nested = true});
	}
}

static void test_seeds_differ(void **state)
{
	struct scene s = {.cpus = 4, .ops = 50, .lock_one_in = 2, .seed = 1};
	simulate_well(s, RUN_AHEAD, &ahead);
	s.seed = 2;
	simulate_well(s, RUN_AHEAD, &exact);
	assert_int_not_equal(ahead.order_hash[0], exact.order_hash[0]);
}

/* --- ties ------------------------------------------------------------------------------------- */

#define TIE_ROUNDS 8

/* All CPUs come at the same moment, again and again; sections take no time. */
static void tie_body(struct scene *s, unsigned cpu)
{
	for (unsigned i = 0; i < TIE_ROUNDS; i++) {
		work(s, cpu, 1000);
		take(s, cpu, 0, i);
		give(s, cpu, 0);
	}
}

static void test_ties_by_cpu(void **state)
{
	for (unsigned cpus = 2; cpus <= CPUS_MOST; cpus *= 2) {
		struct scene s = {.cpus = cpus, .body = tie_body};
		simulate_well(s, RUN_AHEAD, &ahead);
		simulate_well(s, EXACT, &exact);
		assert_same(&ahead, &exact);
		assert_int_equal(ahead.order_count, cpus * TIE_ROUNDS);
		for (unsigned i = 0; i < ahead.order_count; i++)
			assert_int_equal(ahead.order[i], i % cpus);
		assert_int_equal(ahead.wait_ps[0], 0);
	}
}

/* CPU c arrives at (cpus - c) in the first half, so that time goes before number. */
static void reversed_body(struct scene *s, unsigned cpu)
{
	work(s, cpu, s->cpus - cpu);
	take(s, cpu, 0, 0);
	work(s, cpu, 500);
	give(s, cpu, 0);
}

static void test_time_before_cpu(void **state)
{
	const uint64_t n = 16;
	struct scene s = {.cpus = (unsigned)n, .body = reversed_body};
	simulate_well(s, RUN_AHEAD, &ahead);
	simulate_well(s, EXACT, &exact);
	assert_same(&ahead, &exact);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(ahead.order[i], n - 1 - i);
	/* The k-th to come, at 1 + k, begins at 1 + 500 k and waits 499 k. */
	assert_int_equal(ahead.wait_ps[0], 499 * n * (n - 1) / 2);
	assert_int_equal(ahead.wait_ps_max[0], 499 * (n - 1));
	assert_int_equal(ahead.hold_ps[0], 500 * n);
	assert_int_equal(ahead.contended[0], n - 1);
}

/* --- dates beyond a double's precision -------------------------------------------------------- */

/* Steps of one picosecond where doubles are 4 or more apart; every CPU at its own stride. */
static void far_body(struct scene *s, unsigned cpu)
{
	for (unsigned i = 0; i < 40; i++) {
		work(s, cpu, 1 + (cpu * 7 + i) % 5);
		take(s, cpu, 0, i);
		s->out->order[s->out->order_count - 1] =
			(uint32_t)(now(s, cpu) - s->start_ps) << 8 | cpu;
		give(s, cpu, 0);
	}
}

static void test_beyond_2_53(void **state)
{
	static const ps_t starts[] = {(UINT64_C(1) << 53) - 20, (UINT64_C(1) << 54) + 1,
				      (UINT64_C(1) << 58) + 3, (UINT64_C(1) << 62) + 1};
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct scene s = {.cpus = 8, .body = far_body, .start_ps = starts[i]};
		simulate_well(s, RUN_AHEAD, &ahead);
		simulate_well(s, EXACT, &exact);
		assert_same(&ahead, &exact);
		assert_int_equal(ahead.order_count, 8 * 40);
		for (unsigned k = 1; k < ahead.order_count; k++)
			assert_true(ahead.order[k - 1] < ahead.order[k]); /* (time, CPU) */
		for (unsigned cpu = 0; cpu < 8; cpu++)
			assert_in_range(ahead.end_ps[cpu] - starts[i], 40, 200);
	}
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void crossing_body(struct scene *s, unsigned cpu)
{
	work(s, cpu, 10 + cpu);
	if (cpu > 1)
		return;
	take(s, cpu, cpu, 0);
	work(s, cpu, 1000);
	take(s, cpu, 1 - cpu, 1);
	give(s, cpu, 1 - cpu);
	give(s, cpu, cpu);
}

static void forgotten_body(struct scene *s, unsigned cpu)
{
	work(s, cpu, 5);
	if (cpu == 1)
		receive(s, cpu); /* nobody posts */
}

/* Who waits for a lock for ever is a result. */
static void test_deadlock_is_a_result(void **state)
{
	for (enum mode mode = RUN_AHEAD; mode <= EXACT; mode++) {
		char text[4096];
		struct scene s = {.cpus = 3, .body = crossing_body, .mode = mode};
		int status = simulate(&s, &ahead, text, sizeof(text));
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_int_equal(ahead.rc, 0);
		assert_true(ahead.deadlock);
		assert_int_equal(ahead.deadlock_at_ps, 1011);
		assert_int_equal(ahead.end_ps[0] + ahead.end_ps[1], 0); /* these never end */
		assert_int_equal(ahead.end_ps[2], 12);
		assert_string_equal(text, ""); /* SimGrid's own words are not for users */
	}
}

/* Who waits for ever, and not for a lock, is a mistake of ours. */
static void test_waiting_for_ever_is_reported(void **state)
{
	for (enum mode mode = RUN_AHEAD; mode <= EXACT; mode++) {
		char text[4096];
		struct scene s = {.cpus = 2, .body = forgotten_body, .mode = mode};
		int status = simulate(&s, &ahead, text, sizeof(text));
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_int_equal(ahead.rc, -1);
		assert_int_equal(ahead.err.code, ERR_INTERNAL);
		assert_non_null(strstr(ahead.err.text, "deadlock: CPU"));
		assert_false(ahead.deadlock);
		assert_string_equal(text, "");
	}
}

static void twice_body(struct scene *s, unsigned cpu)
{
	take(s, cpu, 0, 0);
	work(s, cpu, 10);
	take(s, cpu, 0, 1);
}

static void stranger_body(struct scene *s, unsigned cpu)
{
	give(s, cpu, 0);
}

static void test_misuse_aborts(void **state)
{
	static const struct {
		void (*body)(struct scene *, unsigned);
		const char *says;
	} rows[] = {{twice_body, "lock0"}, {stranger_body, "lock0"}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[4096];
		struct scene s = {.cpus = 2, .body = rows[i].body};
		int status = simulate(&s, &ahead, text, sizeof(text));
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
		assert_non_null(strstr(text, "internal error"));
		assert_non_null(strstr(text, rows[i].says));
	}
}

/* --- cycles to time --------------------------------------------------------------------------- */

static void test_cycles_to_time_is_exact(void **state)
{
	static const uint64_t all_khz[] = {1,	     7,	      999983,  1000000,
					   2449999, 2450000, 3333333, 99999989};
	__extension__ typedef unsigned __int128 wide;
	/* Without an inverse, then with one that is far off, then with the best. */
	for (size_t i = 0; i < 3 * ARRAY_SIZE(all_khz); i++) {
		uint64_t khz = all_khz[i / 3];
		const uint64_t inverses[] = {0, UINT64_MAX / khz / 3, UINT64_MAX / khz};
		struct engine_cpu cpu = {.khz = khz, .khz_inverse = inverses[i % 3]};
		struct rng rng;
		uint64_t total = 0;
		/* Within 2^64 ps at the lowest frequency. */
		uint64_t bound = khz < 100 ? 50 : 5000;
		rng_init(&rng, 5, i);
		for (unsigned step = 0; step < 200000; step++) {
			uint64_t cycles = rng_below(&rng, bound);
			cpu.env.cycles += cycles;
			total += cycles;
			if (rng_below(&rng, 3))
				engine_collect(&cpu);
		}
		engine_collect(&cpu);
		assert_int_equal(cpu.now_ps, (uint64_t)((wide)total * PS_KHZ / khz));
		assert_int_equal(cpu.rest, (uint64_t)((wide)total * PS_KHZ % khz));
		assert_int_equal(cpu.env.cycles, 0);
	}
}

static void test_many_cycles_at_once(void **state)
{
	__extension__ typedef unsigned __int128 wide;
	static const uint64_t cycles[] = {UINT64_C(1) << 33, (UINT64_C(1) << 33) - 1, 18446744074,
					  UINT64_C(1024) * 1000000000 + 7,
					  UINT64_C(20000000000000)};
	for (size_t i = 0; i < ARRAY_SIZE(cycles); i++) {
		struct engine_cpu cpu = {.khz = 2449999, .rest = 2449998, .env.cycles = cycles[i]};
		wide units = (wide)cycles[i] * PS_KHZ + 2449998;
		engine_collect(&cpu);
		assert_int_equal(cpu.now_ps, (uint64_t)(units / 2449999));
		assert_int_equal(cpu.rest, (uint64_t)(units % 2449999));
	}
}

static void test_idle_until(void **state)
{
	struct engine_cpu cpu = {.khz = 3, .now_ps = 100, .rest = 2};
	engine_idle_until(&cpu, 100);
	assert_int_equal(cpu.now_ps, 100);
	assert_int_equal(cpu.rest, 2);
	engine_idle_until(&cpu, 99);
	assert_int_equal(cpu.now_ps, 100);
	engine_idle_until(&cpu, 101);
	assert_int_equal(cpu.now_ps, 101);
	assert_int_equal(cpu.rest, 0);
}

static void test_platform_xml(void **state)
{
	char *xml = engine_platform_xml(3);
	assert_non_null(strstr(xml, "<host id=\"cpu2\""));
	assert_null(strstr(xml, "cpu3"));
	free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private_work),
		cmocka_unit_test(test_contended_locks),
		cmocka_unit_test(test_nested_locks),
		cmocka_unit_test(test_handoffs),
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_ties_by_cpu),
		cmocka_unit_test(test_time_before_cpu),
		cmocka_unit_test(test_beyond_2_53),
		cmocka_unit_test(test_deadlock_is_a_result),
		cmocka_unit_test(test_waiting_for_ever_is_reported),
		cmocka_unit_test(test_misuse_aborts),
		cmocka_unit_test(test_cycles_to_time_is_exact),
		cmocka_unit_test(test_many_cycles_at_once),
		cmocka_unit_test(test_idle_until),
		cmocka_unit_test(test_platform_xml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
