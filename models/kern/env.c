/*
 * env.c - locks without an engine: they charge their cost and check that they are used right.
 */
#include "kern/env.h"

#include "kern/bug.h"

#ifndef ENV_NATIVE

void env_lock(struct env *env, struct env_lock *lock)
{
	env_charge_to(env, CAUSE_LOCK, env->cost_cycles[COST_LOCK]);
	if (env->ops) {
		env->ops->lock(env, lock);
		return;
	}
	BUG_ON(lock->owner, "lock %s taken twice", lock->name);
	lock->owner = env;
	lock->acquired_count++;
}

void env_unlock(struct env *env, struct env_lock *lock)
{
	BUG_ON(lock->owner != env, "lock %s released by CPU %u, which does not hold it", lock->name,
	       env->cpu);
	if (env->ops) {
		env->ops->unlock(env, lock);
		return;
	}
	lock->owner = NULL;
}

#endif
