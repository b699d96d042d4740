/*
 * engine_impl.h - what the parts of the engine share: engine.c has actors and order, engine_lock.c
 * the locks. Internal to the engine.
 */
#ifndef SIM_ENGINE_IMPL_H
#define SIM_ENGINE_IMPL_H

#include "sim/engine.h"

/* env_ops. */
void engine_lock(struct env *env, struct env_lock *lock);
void engine_unlock(struct env *env, struct env_lock *lock);

static inline struct engine_cpu *engine_cpu_of(struct env *env)
{
	return (struct engine_cpu *)env;
}

#endif
