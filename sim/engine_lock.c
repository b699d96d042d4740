/*
 * engine_lock.c - locks in simulated time.
 *
 * Locks are calendars. env_lock() joins at the time of arrival, so arrivals come in simulated
 * order. A free lock is taken at once: the section runs natively, and unlock only notes when it
 * ended in simulated time. One event at most for an acquisition, none for holding or releasing. If
 * the last section ends after the arrival, the CPU becomes the owner, its clock moves to that end
 * (plus the cost of the hand-over), and it joins again, so that its section runs natively in its
 * turn. Arrivals that find an owner queue, first come, first served.
 */
#include "kern/bug.h"
#include "sim/engine_impl.h"

static void enqueue(struct env_lock *lock, struct env *env)
{
	env->lock_next = NULL;
	if (lock->waiters_tail)
		lock->waiters_tail->lock_next = env;
	else
		lock->waiters_head = env;
	lock->waiters_tail = env;
}

/* When a contended lock that was free from @free_at on is ours. */
static ps_t handed_over(struct engine_cpu *cpu, ps_t free_at)
{
	uint64_t cycles = cpu->env.cost_cycles[COST_LOCK_HANDOFF];
	return free_at + cycles * UINT64_C(1000000000) / cpu->khz;
}

void engine_lock(struct env *env, struct env_lock *lock)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	engine_collect(cpu);
	engine_join(cpu);
	ps_t arrival = cpu->now_ps, skipped = cpu->skipped_ps;
	BUG_ON(arrival < lock->last_arrival_ps,
	       "CPU %u came to lock %s at %llu ps, after one at %llu", env->cpu, lock->name,
	       (unsigned long long)arrival, (unsigned long long)lock->last_arrival_ps);
	BUG_ON(lock->owner == env, "CPU %u takes lock %s twice", env->cpu, lock->name);
	lock->last_arrival_ps = arrival;
	lock->acquired_count++;
	if (lock->owner) {
		enqueue(lock, env);
		do
			engine_wait(cpu);
		while (lock->owner != env);
		engine_join(cpu);
	} else {
		lock->owner = env;
		if (lock->free_at_ps > arrival) {
			engine_idle_until(cpu, handed_over(cpu, lock->free_at_ps));
			engine_join(cpu); /* who reads without the lock may be earlier */
		}
	}
	ps_t wait = cpu->now_ps - arrival;
	cpu->lock_wait_ps += cpu->skipped_ps - skipped;
	lock->contended_count += wait > 0;
	lock->wait_ps_total += wait;
	lock->wait_ps_max = u64_max(lock->wait_ps_max, wait);
	lock->acquired_at_ps = cpu->now_ps;
}

void engine_unlock(struct env *env, struct env_lock *lock)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	engine_collect(cpu);
	lock->free_at_ps = cpu->now_ps;
	lock->hold_ps_total += cpu->now_ps - lock->acquired_at_ps;
	struct env *next = lock->waiters_head;
	lock->owner = next;
	if (!next)
		return;
	lock->waiters_head = next->lock_next;
	if (!lock->waiters_head)
		lock->waiters_tail = NULL;
	engine_wake(engine_cpu_of(next), handed_over(engine_cpu_of(next), lock->free_at_ps));
}

