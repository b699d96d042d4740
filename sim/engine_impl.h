/*
 * engine_impl.h - what the parts of the engine share: engine.c has actors and order, engine_lock.c
 * the locks, engine_irq.c the interrupts. Internal to the engine.
 */
#ifndef SIM_ENGINE_IMPL_H
#define SIM_ENGINE_IMPL_H

#include "kern/lock_order.h"
#include "sim/engine.h"

/* What the engine knows of locks, apart from the locks themselves. */
struct engine_locks {
	const struct hw_machine *hw; /* NULL: no costs of distance */
	const unsigned *cpu_nid;
	struct lock_order order;
	bool deadlocked;     /* CPUs wait for each other in a circle: they will for ever */
	ps_t deadlock_at_ps; /* when the first circle was closed */
};

struct engine {
	struct engine_cpu *cpus; /* CPUs, then daemons */
	unsigned cpus_count, all_count, all_limit;
	unsigned *heap; /* numbers by (key, number), smallest first */
	struct engine_params params;
	struct engine_locks *locks;
	ps_t flight_ps; /* of an IPI */
	uint64_t events_count;
	const char *daemon_name[4];
};

/* An interrupt that is to come; taken in order of (at, from, number). */
struct engine_irq {
	ps_t at_ps;
	uint64_t number; /* among those that `from` posted */
	unsigned from;
	env_handler handler;
	void *arg;
};

/* @cpu, which sleeps until a later time, is to run at @ps. */
void engine_rouse(struct engine_cpu *cpu, ps_t ps);
/* Take what is due at the CPU's present time. */
void engine_take_interrupts(struct engine_cpu *cpu);

/*
 * Time that passed without cycles, and not in waits for locks or IPIs: what the wait that begins
 * now adds to it is the wait's, without those of interrupts meanwhile.
 */
static inline ps_t engine_other_skips(const struct engine_cpu *cpu)
{
	return cpu->skipped_ps - cpu->lock_wait_ps - cpu->ipi_wait_ps;
}

/* The CPU is synchronised: its memory catches up with the others'. */
static inline void engine_sync_memory(struct engine_cpu *cpu)
{
	struct env_memory *memory = cpu->env.memory;
	if (!memory || !memory->pending)
		return;
	memory->sync(&cpu->env, cpu->now_ps);
	engine_collect(cpu);
}

/* env_ops. */
void engine_ipi(struct env *env, const struct cpu_set *targets, env_handler handler, void *arg);
void engine_lock(struct env *env, struct env_lock *lock);
void engine_unlock(struct env *env, struct env_lock *lock);

static inline struct engine_cpu *engine_cpu_of(struct env *env)
{
	return (struct engine_cpu *)env;
}

#endif
