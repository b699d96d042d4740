/*
 * engine_impl.h - what the parts of the engine share: engine.c has actors and order, engine_lock.c
 * the locks. Internal to the engine.
 */
#ifndef SIM_ENGINE_IMPL_H
#define SIM_ENGINE_IMPL_H

#include "kern/lock_order.h"
#include "sim/engine.h"

/* What the engine knows of locks, apart from the locks themselves. */
struct engine_locks {
	const struct hw_machine *hw; /* as engine_params; NULL: no costs of distance */
	const unsigned *cpu_nid;
	struct lock_order order;
	bool deadlocked;     /* CPUs wait for each other in a circle: they will for ever */
	ps_t deadlock_at_ps; /* when the first circle was closed */
};

struct engine_locks *engine_locks(struct engine *e);

/* env_ops. */
void engine_lock(struct env *env, struct env_lock *lock);
void engine_unlock(struct env *env, struct env_lock *lock);

static inline struct engine_cpu *engine_cpu_of(struct env *env)
{
	return (struct engine_cpu *)env;
}

/* The CPU has just joined: news for its caches, and what they kept back, is carried out. */
static inline void engine_memory_news(struct engine_cpu *cpu)
{
	struct env_memory *memory = cpu->env.memory;
	if (memory && memory->pending)
		memory->sync(&cpu->env, cpu->now_ps);
}

#endif
