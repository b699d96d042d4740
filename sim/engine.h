/*
 * engine.h - simulated time: CPUs as SimGrid actors, and the order in which they share things.
 *
 * Time is integer picoseconds; SimGrid's clock runs in the same unit (1 SimGrid second = 1 ps), so
 * its doubles are exact for 2^53 ps = 2.5 hours, and beyond that order is still exact (see
 * engine.c).
 *
 * Each CPU has a private clock that runs ahead of the others while it does what only it can see.
 * Before it touches anything shared it joins: it waits until no other CPU is at an earlier point.
 * The order at equal times is (time, CPU number). So results are those of one event per operation,
 * which exact_events really makes; a test compares the two.
 *
 * Interrupts reach a CPU between two operations, while it idles, and while it waits with interrupts
 * on (engine_wait_open). One that another CPU sends arrives ipi_flight_ps later at the earliest; so
 * a CPU that joins at least that often knows at every moment what has arrived.
 *
 * One engine per process, because SimGrid has one: engine_new() may be called once.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>

#include "hw/machine.h"
#include "kern/env.h"
#include "kern/err.h"

struct engine;

/* One simulated CPU or daemon. env must stay first: env_ops get the env and find the CPU. */
struct engine_cpu {
	struct env env;
	struct engine *engine;
	ps_t now_ps;       /* private clock; what was charged since is in env.cycles */
	uint64_t khz;      /* cycles to time */
	uint64_t khz_inverse; /* 2^64 / khz or less: a quotient without a division */
	uint64_t rest;     /* fraction of a picosecond carried over, in 1/khz */
	ps_t busy_ps;      /* time spent in operations, waiting for locks included */
	/* Of now_ps, what no cycles were charged for; of that, waiting for locks, and for IPIs. */
	ps_t skipped_ps, lock_wait_ps, ipi_wait_ps;
	uint64_t charged_cycles; /* all that were collected */
	void (*main)(struct engine_cpu *cpu, void *arg);
	void *arg;
	bool finished;
	const struct env_lock *waits_for; /* whose queue it is in; NULL: none's */
	unsigned heap_index; /* in engine.c's order */
	ps_t key_ps;
	void *kick;        /* semaphore, engine.c's */
	struct engine_wait *wait; /* what it sleeps on */
	ps_t joined_ps;    /* its time at the last join: nobody has been earlier since */
	bool ipis, stops;  /* engine_params: others interrupt it; that, or exact_events */
	bool in_operation; /* its program is in an operation: that counts the time as busy */
	/* Interrupts. */
	struct engine_irq *irqs; /* a heap: posted and not taken yet */
	unsigned irqs_count, irqs_room;
	uint64_t irqs_posted;    /* by this CPU: the order of those that arrive at one time */
	bool listening;          /* asleep, and to be woken when an interrupt arrives */
	uint64_t interrupts_count; /* taken */
	ps_t interrupts_ps;        /* time in them */
	/* From arrival till taken, since interrupts were off: all together, and the longest. */
	ps_t interrupt_delay_ps_total, interrupt_delay_ps_max;
	unsigned irqs_off;           /* locks with irqs_off that it holds or waits for */
	ps_t irqs_off_since_ps, irqs_off_ps_max;
};

/* What a CPU sleeps on; on its stack. */
struct engine_wait {
	struct engine_cpu *cpu;
	ps_t woken_ps; /* ENGINE_NEVER: not yet */
};
#define ENGINE_NEVER UINT64_MAX

struct engine_params {
	unsigned cpus_count;      /* 1..CPUS_LIMIT */
	uint64_t cpu_khz;
	const uint32_t *cost_cycles;
	bool exact_events;        /* one SimGrid event per operation and per join */
	const struct hw_machine *hw; /* costs of interrupts and hand-overs; NULL: none */
	const unsigned *cpu_nid;  /* node of each CPU, with hw */
	bool ipis;                /* CPUs interrupt each other: costs a join each ipi_flight_ns */
};

/* NULL with @err if SimGrid cannot be set up. */
struct engine *engine_new(const struct engine_params *params, struct err *err);
void engine_free(struct engine *e);

/*
 * Give CPU @cpu its program. A daemon is added after the CPUs: it is later than all of them at
 * equal times and does not keep the simulation alive.
 */
void engine_set_main(struct engine *e, unsigned cpu, void (*main)(struct engine_cpu *, void *),
		     void *arg);
void engine_add_daemon(struct engine *e, const char *name,
		       void (*main)(struct engine_cpu *, void *), void *arg);

/*
 * Run until every CPU's program has returned, or nobody can act any more because CPUs wait for
 * locks for ever: engine_deadlock() tells. -1 with @err (ERR_INTERNAL) if they wait for ever, but
 * none for a lock.
 */
int engine_run(struct engine *e, struct err *err);
/*
 * After engine_run(): did it end in a deadlock? Then CPUs that are not `finished` wait for ever:
 * those with waits_for for that lock, others for something that those would have done. *@at_ps (may
 * be NULL) is when the first circle of CPUs that wait for each other was closed; without one, since
 * a lock's holder has finished, when the last CPU began to wait.
 */
bool engine_deadlock(const struct engine *e, ps_t *at_ps);
/* The first cycle in the order in which locks were taken, as lock_order.h has it; "" if none. */
const char *engine_lock_cycle(const struct engine *e);

struct engine_cpu *engine_cpu(struct engine *e, unsigned cpu);
/* SimGrid events made so far: how often a CPU had to give way. */
uint64_t engine_events(const struct engine *e);
/* Can any CPU still act? False: all have finished, or wait for each other. */
bool engine_any_active(const struct engine *e);
const char *engine_simgrid_version(void);
/* The platform that was generated, as SimGrid XML; the caller frees it. */
char *engine_platform_xml(unsigned cpus_count);

__extension__ typedef unsigned __int128 engine_product;

/* Turn the cycles that were charged into time on the private clock, exactly. */
static inline void engine_collect(struct engine_cpu *cpu)
{
	uint64_t cycles = cpu->env.cycles;
	if (!cycles)
		return;
	cpu->env.cycles = 0;
	cpu->charged_cycles += cycles;
	if (__builtin_expect(cycles >> 33, 0)) { /* the product below would not fit */
		cpu->now_ps += cycles / cpu->khz * UINT64_C(1000000000);
		cycles %= cpu->khz;
	}
	uint64_t units = cycles * UINT64_C(1000000000) + cpu->rest;
	/* Never too much; with the best inverse, too little by 1 at most. */
	uint64_t ps = (uint64_t)((engine_product)units * cpu->khz_inverse >> 64);
	uint64_t rest = units - ps * cpu->khz;
	if (__builtin_expect(rest >= cpu->khz, 0)) {
		ps += rest / cpu->khz;
		rest %= cpu->khz;
	}
	cpu->now_ps += ps;
	cpu->rest = rest;
}

/* The private clock is at least @ps. */
static inline void engine_advance_to(struct engine_cpu *cpu, ps_t ps)
{
	if (ps > cpu->now_ps) {
		cpu->skipped_ps += ps - cpu->now_ps;
		cpu->now_ps = ps;
		cpu->rest = 0;
	}
}

void engine_idle(struct engine_cpu *cpu, ps_t ps);

/* Idle until @ps if that is later than now; interrupts are taken meanwhile. */
static inline void engine_idle_until(struct engine_cpu *cpu, ps_t ps)
{
	if (__builtin_expect(cpu->ipis || cpu->irqs_count, 0))
		engine_idle(cpu, ps);
	else
		engine_advance_to(cpu, ps);
}

/* Wait until nobody else is earlier than this CPU. */
void engine_join(struct engine_cpu *cpu);
void engine_stop(struct engine_cpu *cpu);

/*
 * Between operations, and inside those that are long and leave nothing half done: takes the
 * interrupts that are due, and makes the event that exact_events promises.
 */
static inline void engine_boundary(struct engine_cpu *cpu)
{
	if (__builtin_expect(cpu->stops || cpu->irqs_count, 0))
		engine_stop(cpu);
}
void engine_catch_up(struct engine_cpu *cpu);

/* At the end of an operation: what it did in memory that others share is done, and collected. */
static inline void engine_end_operation(struct engine_cpu *cpu)
{
	engine_collect(cpu);
	if (__builtin_expect(cpu->env.memory && cpu->env.memory->waiting, 0))
		engine_catch_up(cpu);
}

/* Prepare @w for engine_wait(); what will wake the CPU may be told of it now. */
void engine_wait_init(struct engine_wait *w, struct engine_cpu *cpu);
/*
 * Sleep until engine_wake(), which may have come already; the private clock is at least what it
 * says then. With interrupts off: whoever sends one waits.
 */
void engine_wait(struct engine_wait *w);
/* The same with interrupts on: they are taken meanwhile. */
void engine_wait_open(struct engine_wait *w);
/* End the wait at @ps. Once for each engine_wait_init(). */
void engine_wake(struct engine_wait *w, ps_t ps);

/*
 * Interrupt @target at @ps: @handler runs there, in interrupt context, as soon as it takes
 * interrupts.
 * @from is @target itself, or has joined and @ps is at least ipi_flight_ns later than its time,
 * with engine_params.ipis. An IPI's handler takes no locks. Interrupts of one time are taken by the
 * number of who posted them, then in order of posting.
 */
void engine_post(struct engine_cpu *from, struct engine_cpu *target, ps_t ps, env_handler handler,
		 void *arg);

#endif
