/*
 * Closed forms of locking: deadlock (a cycle, its probability, the time until it), sleeping against
 * spinning, throughput of one lock and of magazines in front of it, and a queue's mean wait. Each
 * comes with what happens without the mechanism. Every simulation runs in both modes of the engine.
 *
 * The expected values come from mean value analysis of the closed network, checked against a
 * birth-death chain, and from queueing formulas.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "sim/engine_rig.h"
#include "sim/report_locks.h"

#define NS PS_PER_NS
#define US (1000 * NS)

/* Sanitizers run every CPU as a thread, which costs 20 times as much: fewer draws there. */
#if defined(__SANITIZE_ADDRESS__)
#define SCALE 20
#define LOOSE 5
#else
#define SCALE 1
#define LOOSE 1 /* how much further a result may be off */
#endif

static struct rig_outcome found;

static void assert_near(double value, double expected, double relative)
{
	if (fabs(value - expected) > relative * expected)
		print_message("%.9g, not %.9g within %g\n", value, expected, relative);
	assert_true(fabs(value - expected) <= relative * expected);
}

static ps_t exponential(struct rng *rng, ps_t mean)
{
	return (ps_t)(rng_exponential(rng) * (double)mean);
}

/* --- O26: the allocator's lock and the pager's ------------------------------------------------ */

/*
 * The heap takes its own lock, and in it, for a page fault, the pager's; the pager takes its lock
 * and allocates. Cures: pages of the heap are pinned, so that it never faults there; the pager has
 * a pool of its own.
 */
struct crossing {
	bool pinned, pool;
	ps_t at[2], hold;
};

enum { HEAP, PAGER };

static void crossing_body(struct rig *r, unsigned cpu)
{
	const struct crossing *c = r->arg;
	bool cured = cpu == HEAP ? c->pinned : c->pool;
	rig_idle_until(r, cpu, c->at[cpu]);
	rig_take(r, cpu, cpu);
	rig_work(r, cpu, c->hold);
	if (!cured) {
		rig_take(r, cpu, !cpu);
		rig_give(r, cpu, !cpu);
	}
	rig_give(r, cpu, cpu);
}

static void o26_cycle(void **state)
{
	static const bool expected[2][2] = {{true, false}, {false, false}}; /* [pinned][pool] */
	for (unsigned i = 0; i < 4; i++) {
		/* At the same time, and far apart: then the run is lucky, the order is not. */
		for (unsigned lucky = 0; lucky < 2; lucky++) {
			const struct crossing c = {.pinned = i / 2,
						   .pool = i % 2,
						   .at = {10 * US, (lucky ? 20 : 12) * US},
						   .hold = 5 * US};
			struct rig r = {.cpus = 2, .body = crossing_body, .arg = &c};
			rig_simulate(&r, &found);
			bool cycle = expected[i / 2][i % 2];
			assert_string_equal(found.cycle,
					    !cycle  ? ""
					    : lucky ? "l0 -> l1 -> l0, CPU 1 at 25.0 us"
						    : "l0 -> l1 -> l0, CPU 1 at 17.0 us");
			assert_int_equal(found.deadlock, cycle && !lucky);
			if (found.deadlock)
				assert_int_equal(found.deadlock_at_ps, 17 * US);
		}
	}
}

#define OVERLAP_ROUNDS (100000 / SCALE)
#define OVERLAP_HOLD   (5 * US)
#define OVERLAP_WINDOW (1000 * US)

static void overlap_body(struct rig *r, unsigned cpu)
{
	struct rng rng;
	rng_init(&rng, 26, cpu);
	for (ps_t i = 0; i < (r->arg ? OVERLAP_ROUNDS / 10 : OVERLAP_ROUNDS); i++) {
		ps_t at = 2 * OVERLAP_WINDOW * i + rng_below(&rng, OVERLAP_WINDOW);
		rig_idle_until(r, cpu, at);
		rig_take(r, cpu, r->arg ? cpu : 0);
		rig_work(r, cpu, OVERLAP_HOLD);
		rig_give(r, cpu, r->arg ? cpu : 0);
	}
}

/* Two sections of 5 us somewhere within the same 1 ms meet with 1 - (1 - h/W)^2. */
static void o26_probability_of_overlap(void **state)
{
	const double p = 0.009974999999999956;
	struct rig r = {.cpus = 2, .body = overlap_body};
	rig_simulate(&r, &found);
	assert_int_equal(found.locks[0].acquired, 2 * OVERLAP_ROUNDS);
	double met = (double)found.locks[0].contended / OVERLAP_ROUNDS;
	assert_true(fabs(met - p) < 4 * sqrt(p * (1 - p) / OVERLAP_ROUNDS));
	r.arg = "a lock of its own for each";
	rig_simulate(&r, &found);
	assert_int_equal(found.locks[0].contended + found.locks[1].contended, 0);
}

/*
 * 100 heaps with their pagers, each pair with its two locks, until all have deadlocked, in each of
 * MTTD_RUNS runs. Of 10^4 allocations a second 1 in 1000 faults: what is left of them is a Poisson
 * process of 10 a second, and the others never meet the pager's lock. The pager allocates 100 times
 * a second. Sections are DILATION times the 5 us of the law, so that it all happens that much
 * sooner.
 *
 * Times are exponential, so the mean of 400 has a standard error of 5 %, and 20 % are four of them:
 * one seed in 16,000 would miss.
 */
#define PAIRS     (100 / SCALE)
#define MTTD_RUNS 4
#define DILATION  10

struct pairs {
	unsigned run;
	bool pinned;
	ps_t until;
};

static void pair_body(struct rig *r, unsigned cpu)
{
	const struct pairs *p = r->arg;
	unsigned pair = cpu / 2, side = cpu % 2, mine = cpu, others = 2 * pair + !side;
	const ps_t mean = side == HEAP ? 1000000 * US / 10 : 1000000 * US / 100;
	struct rng rng;
	rng_init(&rng, 26, (p->run + 1) * CPUS_LIMIT + cpu);
	for (;;) {
		rig_work(r, cpu, exponential(&rng, mean));
		if (p->until && rig_now(r, cpu) > p->until)
			return;
		rig_take(r, cpu, mine);
		rig_work(r, cpu, DILATION * 5 * US);
		r->out->figures[cpu] = rig_now(r, cpu); /* the last one: when it began to wait */
		if (side == PAGER || !p->pinned) {
			rig_take(r, cpu, others);
			rig_give(r, cpu, others);
		}
		rig_give(r, cpu, mine);
	}
}

static void o26_mean_time_to_deadlock(void **state)
{
	struct pairs p = {0};
	struct rig r = {.cpus = 2 * PAIRS, .body = pair_body, .arg = &p};
	double sum = 0;
	for (p.run = 0; p.run < MTTD_RUNS; p.run++) {
		rig_simulate(&r, &found);
		assert_true(found.deadlock);
		for (unsigned i = 0; i < PAIRS; i++) {
			const uint64_t *at = &found.figures[2 * i];
			assert_int_equal(found.waits_for[2 * i], 2 * i + 1);
			assert_int_equal(found.waits_for[2 * i + 1], 2 * i);
			sum += (double)u64_max(at[0], at[1]) * 1e-12;
		}
	}
	assert_near(sum / (MTTD_RUNS * PAIRS) * DILATION, 100.0, LOOSE * 0.2);
	/* With the heap's pages pinned, nothing within the same time. */
	p = (struct pairs){.pinned = true, .until = 2 * 1000000 * US};
	rig_simulate(&r, &found);
	assert_false(found.deadlock);
	assert_string_equal(found.cycle, "");
	assert_true(found.end_ps[0] > p.until);
}

/* --- a closed network: think, take the lock, hold it ------------------------------------------ */

struct closed {
	ps_t think, fast, hold;
	unsigned magazine; /* operations for each trip to the lock */
	bool constant;     /* not exponential */
	bool apart;        /* a lock for each CPU */
	ps_t until;
};

static ps_t draw(const struct closed *c, struct rng *rng, ps_t mean)
{
	return c->constant ? mean : exponential(rng, mean);
}

/* figures[cpu]: its operations; beyond, when the sections ended that lock 0 had. */
static void closed_body(struct rig *r, unsigned cpu)
{
	const struct closed *c = r->arg;
	uint64_t *ends = &r->out->figures[CPUS_LIMIT];
	unsigned lock = c->apart ? cpu : 0;
	struct rng rng;
	rng_init(&rng, 28, cpu);
	while (rig_now(r, cpu) < c->until) {
		for (unsigned i = 0; i < c->magazine; i++)
			rig_work(r, cpu, draw(c, &rng, c->think) + c->fast);
		rig_take(r, cpu, lock);
		rig_work(r, cpu, draw(c, &rng, c->hold));
		uint64_t number = r->locks[lock].acquired_count;
		if (number < RIG_FIGURES - CPUS_LIMIT)
			ends[number] = rig_now(r, cpu);
		if (rig_now(r, cpu) <= c->until)
			r->out->figures[cpu] += c->magazine;
		rig_give(r, cpu, lock);
	}
}

static void simulate_closed(const struct closed *c, unsigned cpus, struct rig r)
{
	r.cpus = cpus;
	r.body = closed_body;
	r.arg = c;
	rig_simulate(&r, &found);
}

/* Operations a second. */
static double throughput(const struct closed *c, unsigned cpus)
{
	uint64_t ops = 0;
	simulate_closed(c, cpus, (struct rig){.hw = NULL});
	for (unsigned i = 0; i < cpus; i++)
		ops += found.figures[i];
	return (double)ops / ((double)c->until * 1e-12);
}

/* --- O28: how a lock scales ------------------------------------------------------------------- */

#define TRIPS (20000 / SCALE)

static void o28_single_lock(void **state)
{
	static const struct {
		unsigned cpus;
		double ops_per_s;
	} rows[] = {{1, 833333.3333333334},  {2, 1621621.6216216218}, {4, 3008285.532186106},
		    {6, 4040763.7055681753}, {8, 4649760.738952165},  {16, 4999754.299127033},
		    {32, 4999999.999999996}, {64, 5000000.0}};
	struct closed c = {.think = 1000 * NS, .hold = 200 * NS, .magazine = 1};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		c.until = (ps_t)(TRIPS / rows[i].ops_per_s * 1e12);
		assert_near(throughput(&c, rows[i].cpus), rows[i].ops_per_s, LOOSE * 0.03);
	}
	/* Without contention 64 CPUs do what 64 do. */
	c.apart = true;
	assert_near(throughput(&c, 64), 64 * 833333.3333333334, LOOSE * 0.03);
}

static void o28_magazines(void **state)
{
	static const struct {
		unsigned cpus;
		double ops_per_s;
	} rows[] = {{1, 968523.0024213075},  {4, 3872348.1167616984}, {8, 7739638.328220738},
		    {16, 15455687.14132069}, {32, 30777514.53818485}, {64, 60147971.48140118}};
	struct closed c = {
		.think = 1000 * NS, .fast = 20 * NS, .hold = 200 * NS, .magazine = 16};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		c.until = (ps_t)(16.0 * TRIPS / 3 / rows[i].ops_per_s * 1e12);
		assert_near(throughput(&c, rows[i].cpus), rows[i].ops_per_s, LOOSE * 0.03);
	}
	c.magazine = 1;
	assert_true(throughput(&c, 64) < 60147971.48140118 / 10); /* the lock's bound: a 12th */
}

/* Mean time between sections of lock 0, from the @from-th to the @to-th. */
static double interval(unsigned from, unsigned to)
{
	const uint64_t *ends = &found.figures[CPUS_LIMIT];
	return (double)(ends[to] - ends[from]) / (to - from);
}

/* Up to the knee, CPUs with constant times fall into step and nobody waits; one more does. */
static void o28_knee(void **state)
{
	static const struct {
		unsigned magazine, below, many;
		ps_t fast;
		double knee;
	} rows[] = {{1, 6, 64, 0, 6.0}, {16, 82, 128, 20 * NS, 82.6}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct closed c = {.think = 1000 * NS,
				   .fast = rows[i].fast,
				   .hold = 200 * NS,
				   .constant = true,
				   .magazine = rows[i].magazine,
				   .until = 200 * US};
		simulate_closed(&c, 1, (struct rig){.hw = NULL});
		double alone = interval(1, 10);
		simulate_closed(&c, rows[i].many, (struct rig){.hw = NULL});
		double together = interval(200, 800);
		assert_true(fabs(alone / together - rows[i].knee) < 1e-9);
		ps_t wait[2];
		for (unsigned more = 0; more < 2; more++) {
			c.until = 200 * US;
			simulate_closed(&c, rows[i].below + more, (struct rig){.hw = NULL});
			wait[more] = found.locks[0].wait_ps;
			c.until = 400 * US;
			simulate_closed(&c, rows[i].below + more, (struct rig){.hw = NULL});
			wait[more] = found.locks[0].wait_ps - wait[more];
		}
		assert_int_equal(wait[0], 0); /* once in step */
		assert_true(wait[1] > 0);
	}
}

/* --- O27: sleeping against spinning ----------------------------------------------------------- */

static const struct hw_machine sleeping = {.caches = {{.shared_by = 1}},
					   .caches_count = 1,
					   .context_switch_ns = 1500,
					   .waiter_bytes = 64};

/* What the report makes of lock 0. */
static struct lock_figures figures_of(bool sleeps, ps_t simulated)
{
	struct lock_figures f;
	const struct lock_report report = {.simulated_ps = simulated,
					   .waiter_bytes = sleeping.waiter_bytes};
	struct env_lock lock = {.sleeps = sleeps,
				.waiting_max = (unsigned)found.locks[0].waiting_max,
				.wait_ps_total = found.locks[0].wait_ps,
				.acquired_count = found.locks[0].acquired};
	lock_figures(&f, &report, &lock);
	return f;
}

static void all_at_once_body(struct rig *r, unsigned cpu)
{
	rig_take(r, cpu, 0);
	rig_work(r, cpu, 100 * NS);
	rig_give(r, cpu, 0);
}

static void o27_waiter_bytes(void **state)
{
	static const uint64_t expected[] = {0, 4032};
	for (unsigned sleeps = 0; sleeps < 2; sleeps++) {
		struct rig r = {
			.cpus = 64, .body = all_at_once_body, .hw = &sleeping, .sleeps = sleeps};
		rig_simulate(&r, &found);
		assert_int_equal(found.locks[0].waiting_max, 63);
		assert_int_equal(figures_of(sleeps, US).waiter_bytes_max, expected[sleeps]);
		/* The price of sleeping: two context switches for each who waited. */
		for (unsigned cpu = 0; cpu < 64; cpu++)
			assert_int_equal(found.lock_cycles[cpu],
					 sleeps && cpu > 0 ? 2 * 1500 * NS : 0);
	}
}

static void o27_mean_waiters(void **state)
{
	const double waiters = 10.000294841047562, bytes = 640.018869827044;
	const struct closed c = {.think = 1000 * NS,
				 .hold = 200 * NS,
				 .magazine = 1,
				 .until = (ps_t)TRIPS * 200 * NS};
	struct hw_machine quick = sleeping;
	quick.context_switch_ns = 0;
	for (unsigned sleeps = 0; sleeps < 2; sleeps++) {
		simulate_closed(&c, 16, (struct rig){.hw = &quick, .sleeps = sleeps});
		struct lock_figures f = figures_of(sleeps, c.until);
		assert_near(f.waiting_mean, waiters, LOOSE * 0.05);
		assert_near(f.spinning_cpus_mean, sleeps ? 0 : waiters, LOOSE * 0.05);
		assert_near(f.waiter_bytes_mean, sleeps ? bytes : 0, LOOSE * 0.05);
	}
	/* Few waiters where the lock is seldom held. */
	struct closed seldom = c;
	seldom.think = 1000 * 1000 * NS;
	seldom.until = 1000 * US;
	simulate_closed(&seldom, 16, (struct rig){.hw = &quick});
	assert_true(figures_of(false, seldom.until).waiting_mean < 0.01);
}

/* CPU 0 holds the lock for as long as is to be waited for it. */
static void meet_body(struct rig *r, unsigned cpu)
{
	rig_idle_until(r, cpu, cpu);
	rig_take(r, cpu, 0);
	rig_work(r, cpu, *(const ps_t *)r->arg + 1);
	rig_give(r, cpu, 0);
}

/* CPU time that the second one burns: the wait, or two context switches. */
static ps_t burnt(ps_t wait, bool sleeps)
{
	struct rig r = {
		.cpus = 2, .body = meet_body, .arg = &wait, .hw = &sleeping, .sleeps = sleeps};
	rig_simulate(&r, &found);
	assert_int_equal(found.locks[0].contended, 1);
	return sleeps ? found.lock_cycles[1] : found.locks[0].wait_ps;
}

static void o27_spin_or_sleep(void **state)
{
	assert_int_equal(burnt(3000 * NS, false), burnt(3000 * NS, true));
	assert_true(burnt(3000 * NS - 1, false) < burnt(3000 * NS - 1, true));
	assert_true(burnt(3000 * NS + 1, false) > burnt(3000 * NS + 1, true));
}

/* --- O44: a queue with one server and constant service times ---------------------------------- */

#define ARRIVALS (250000 / SCALE)
#define SERVERS  64 /* CPUs that take turns: that many may wait at once */
#define SERVICE  (1000 * NS)

static ps_t arrivals[ARRIVALS];

static void queue_body(struct rig *r, unsigned cpu)
{
	for (unsigned i = cpu; i < ARRIVALS; i += SERVERS) {
		r->out->figures[cpu] += rig_now(r, cpu) > arrivals[i];
		rig_idle_until(r, cpu, arrivals[i]);
		rig_take(r, cpu, 0);
		rig_work(r, cpu, SERVICE);
		rig_give(r, cpu, 0);
	}
}

static double mean_wait(bool poisson)
{
	struct rng rng;
	struct rig r = {.cpus = SERVERS, .body = queue_body};
	const ps_t mean = SERVICE * 10 / 8; /* load 0.8 */
	ps_t at = 0;
	rng_init(&rng, 44, 0);
	for (unsigned i = 0; i < ARRIVALS; i++) {
		at += poisson ? exponential(&rng, mean) : mean;
		arrivals[i] = at;
	}
	rig_simulate(&r, &found);
	for (unsigned cpu = 0; cpu < SERVERS; cpu++)
		assert_int_equal(found.figures[cpu], 0); /* nobody came late */
	assert_int_equal(found.locks[0].acquired, ARRIVALS);
	return (double)found.locks[0].wait_ps / ARRIVALS / (double)SERVICE;
}

static void o44_wait_of_a_queue(void **state)
{
	assert_near(mean_wait(true), 2.0, LOOSE * 0.03);
	/* It is the irregularity of arrivals that makes CPUs wait. */
	assert_true(mean_wait(false) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(o26_cycle),
		cmocka_unit_test(o26_probability_of_overlap),
		cmocka_unit_test(o26_mean_time_to_deadlock),
		cmocka_unit_test(o27_waiter_bytes),
		cmocka_unit_test(o27_mean_waiters),
		cmocka_unit_test(o27_spin_or_sleep),
		cmocka_unit_test(o28_single_lock),
		cmocka_unit_test(o28_magazines),
		cmocka_unit_test(o28_knee),
		cmocka_unit_test(o44_wait_of_a_queue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
