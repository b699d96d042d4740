/*
 * engine_lock.c - locks in simulated time.
 *
 * Locks are calendars. env_lock() joins at the time of arrival, so arrivals come in simulated
 * order. A free lock is taken at once: the section runs natively, and unlock only notes when it
 * ended in simulated time. One event at most for an acquisition, none for holding or releasing.
 * What happens to those who come before that end depends on the kind of lock.
 *
 *   spin, first come, first served. If the last section ends after the arrival, the CPU becomes the
 *   owner, its clock moves to that end (plus the cost of the hand-over), and it joins again, so
 *   that its section runs natively in its turn. Arrivals that find an owner queue.
 *
 *   spin, unfair. Who gets the lock depends on all who wait when it is released, so nobody may be
 *   chosen before that moment. The first waiter is the dispatcher: it sleeps until the release,
 *   joins, and then everyone who came earlier is in the queue. It picks the CPU nearest to the last
 *   holder (that shares a cache, of the same node, any; of equals the first to come), perhaps
 *   itself. An arrival at the very moment of the release competes if it comes before the dispatcher
 *   in the order (time, CPU).
 *
 *   mutex. Unlock joins at the release, since who hands over to a sleeper pays for waking it. So
 *   the queue is complete at once and no calendar is needed. A waiter pays a context switch when it
 *   goes to sleep, which the release may overtake, and one to run again.
 *
 *   section of CPU 0 from 100 to 180; CPU 5, of another node, comes at 120, CPU 1, that shares a
 *   cache with CPU 0, at 150.
 *   first come     5 at 180, 1 after it
 *   unfair         5 is the dispatcher, wakes at 180, finds 5 and 1 in the queue and picks 1
 *   mutex, switch 50, wake-up 10: 5 sleeps at 170; CPU 0 wakes it at 190, it runs at 240
 *
 * Lines. With a machine description an acquisition after another CPU's pays for the transfer of the
 * lock's cache line, by distance: contended or not, as cycles of CAUSE_LOCK. Without one, contended
 * hand-overs alone cost COST_LOCK_HANDOFF.
 *
 * Invariants:
 *   L1  Arrivals at a lock never go back in time.
 *   L2  A lock has one owner or none, and an owner's held[] has it.
 *   L3  Only an unfair spin lock has waiters without having an owner, and then it has a dispatcher,
 *       who is one of them.
 *   L4  A CPU that is in a queue and not yet an owner has a waits_for. A circle of owners and
 *       waits_for is a deadlock and remains one.
 *
 * MODEL: a spin lock that is handed over first come, first served stands for Linux's queued spin
 * lock; unfair hand-over for test-and-set locks, and for what a NUMA-aware queue (CNA) would do.
 * MODEL: a mutex has no optimistic spinning: waiters always sleep, first come, first served.
 * MODEL: spinning on a lock does not slow down its holder, beyond the transfer of the line.
 */
#include "kern/bug.h"
#include "sim/engine_impl.h"

/* --- distances -------------------------------------------------------------------------------- */

enum nearness { SHARES_CACHE, SAME_NODE, OTHER_NODE };

static enum nearness nearness(const struct engine_locks *l, unsigned a, unsigned b)
{
	if (!l->hw)
		return SAME_NODE;
	for (unsigned i = 0; i < l->hw->caches_count; i++) {
		uint64_t shared_by = l->hw->caches[i].shared_by;
		if (a / shared_by == b / shared_by)
			return SHARES_CACHE;
	}
	return !l->cpu_nid || l->cpu_nid[a] == l->cpu_nid[b] ? SAME_NODE : OTHER_NODE;
}

static uint64_t cycles_of_ns(const struct engine_cpu *cpu, uint64_t ns)
{
	return ns * cpu->khz / 1000000;
}

static void charge_ns(struct engine_cpu *cpu, uint64_t ns)
{
	env_charge_to(&cpu->env, CAUSE_LOCK, cycles_of_ns(cpu, ns));
}

/* The line of @lock comes from the CPU that held it last. */
static void charge_transfer(const struct engine_locks *l, struct engine_cpu *cpu,
			    const struct env_lock *lock)
{
	const uint64_t ns[] = {
		[SHARES_CACHE] = l->hw->transfer_cache_ns,
		[SAME_NODE] = l->hw->transfer_node_ns,
		[OTHER_NODE] = l->hw->transfer_remote_ns,
	};
	charge_ns(cpu, ns[nearness(l, lock->last_cpu - 1, cpu->env.cpu)]);
}

static bool comes_from_another(const struct engine_cpu *cpu, const struct env_lock *lock)
{
	return lock->last_cpu && lock->last_cpu != cpu->env.cpu + 1;
}

/* --- queues ----------------------------------------------------------------------------------- */

/* Do those who wait for each other's locks form a circle through @cpu, which comes to @lock? */
static bool closes_circle(const struct engine_cpu *cpu, const struct env_lock *lock)
{
	/* A circle that @cpu is not part of would go on for ever. */
	for (unsigned steps = 0; steps < CPUS_LIMIT && lock && lock->owner; steps++) {
		if (lock->owner == &cpu->env)
			return true;
		const struct env_lock *next = engine_cpu_of(lock->owner)->waits_for;
		if (next == lock) /* its owner has just been chosen, and will run */
			return false;
		lock = next;
	}
	return false;
}

/* A CPU that waits, on its stack: in an interrupt it may wait for another lock. */
struct lock_waiter {
	struct engine_cpu *cpu;
	struct lock_waiter *next;
	struct engine_wait wait;
};

static void enqueue(struct lock_waiter *w, struct engine_cpu *cpu, struct env_lock *lock)
{
	struct engine_locks *l = cpu->engine->locks;
	if (!l->deadlocked && closes_circle(cpu, lock)) {
		l->deadlocked = true;
		l->deadlock_at_ps = lock->last_arrival_ps;
	}
	*w = (struct lock_waiter){.cpu = cpu};
	engine_wait_init(&w->wait, cpu);
	cpu->waits_for = lock;
	if (lock->waiters_tail)
		lock->waiters_tail->next = w;
	else
		lock->waiters_head = w;
	lock->waiters_tail = w;
}

static void dequeue(struct env_lock *lock, struct lock_waiter *w)
{
	struct lock_waiter *before = NULL;
	for (struct lock_waiter *i = lock->waiters_head; i != w; i = i->next)
		before = i;
	if (before)
		before->next = w->next;
	else
		lock->waiters_head = w->next;
	if (lock->waiters_tail == w)
		lock->waiters_tail = before;
}

/* The waiter to which the lock goes, as its owner. The queue is complete and not empty. */
static struct lock_waiter *choose(const struct engine_locks *l, struct env_lock *lock)
{
	struct lock_waiter *nearest = lock->waiters_head;
	if (lock->unfair && l->hw) {
		for (struct lock_waiter *i = nearest->next; i; i = i->next) {
			if (nearness(l, lock->last_cpu - 1, i->cpu->env.cpu) <
			    nearness(l, lock->last_cpu - 1, nearest->cpu->env.cpu))
				nearest = i;
		}
	}
	lock->owner = &nearest->cpu->env;
	dequeue(lock, nearest);
	return nearest;
}

/* When a contended lock that is free from @free_at on is @cpu's, apart from cycles it pays. */
static ps_t granted_at(const struct engine_locks *l, const struct engine_cpu *cpu, ps_t free_at)
{
	uint64_t cycles = l->hw ? 0 : cpu->env.cost_cycles[COST_LOCK_HANDOFF];
	return free_at + cycles * UINT64_C(1000000000) / cpu->khz;
}

/* --- taking ----------------------------------------------------------------------------------- */

static void wait_in_order(struct engine_locks *l, struct engine_cpu *cpu, struct env_lock *lock)
{
	if (!lock->owner) {
		lock->owner = &cpu->env;
		engine_advance_to(cpu, granted_at(l, cpu, lock->free_at_ps));
		return;
	}
	struct lock_waiter w;
	enqueue(&w, cpu, lock);
	engine_wait(&w.wait);
}

/* The dispatcher's work, at the release; if the lock goes to another, it waits on. */
static void dispatch(struct engine_locks *l, struct lock_waiter *mine, struct env_lock *lock)
{
	struct engine_cpu *cpu = mine->cpu;
	engine_advance_to(cpu, lock->free_at_ps);
	engine_join(cpu);
	lock->dispatcher = NULL;
	engine_wait_init(&mine->wait, cpu);
	struct lock_waiter *next = choose(l, lock);
	engine_wake(&next->wait, granted_at(l, next->cpu, lock->free_at_ps));
}

static void wait_unfair(struct engine_locks *l, struct engine_cpu *cpu, struct env_lock *lock)
{
	struct lock_waiter w;
	bool dispatches = !lock->owner && !lock->dispatcher;
	enqueue(&w, cpu, lock);
	if (dispatches)
		lock->dispatcher = &cpu->env;
	while (lock->owner != &cpu->env) {
		if (lock->dispatcher == &cpu->env)
			dispatch(l, &w, lock);
		engine_wait(&w.wait);
	}
}

/* Sleeping here is a mistake outside process context, and with a spin lock held. */
static void check_sleep(struct env *env)
{
	env_might_sleep(env);
	for (unsigned i = 0; i < env->held_count && !env->sleep_noted; i++) {
		if (!env->held[i]->sleeps) {
			env->sleep_noted = true;
			env->sleep_violations_count++;
		}
	}
}

static void wait_asleep(struct engine_locks *l, struct engine_cpu *cpu, struct env_lock *lock)
{
	struct lock_waiter w;
	check_sleep(&cpu->env);
	enqueue(&w, cpu, lock);
	if (l->hw) {
		charge_ns(cpu, l->hw->context_switch_ns);
		engine_collect(cpu);
	}
	engine_wait_open(&w.wait);
	if (l->hw)
		charge_ns(cpu, l->hw->context_switch_ns);
}

/* Wait until @lock, which is not free, is @cpu's, and its line there. */
static void wait_for(struct engine_locks *l, struct engine_cpu *cpu, struct env_lock *lock)
{
	BUG_ON(lock->waiters_head && !lock->owner && !lock->dispatcher,
	       "CPU %u comes to lock %s, for which CPU %u waits, and nobody has it", cpu->env.cpu,
	       lock->name, lock->waiters_head->cpu->env.cpu);
	/* In an interrupt, what the interrupted operation waits for. */
	const struct env_lock *outer = cpu->waits_for;
	ps_t before = engine_other_skips(cpu);
	lock->waiting_count++;
	if (lock->waiting_count > lock->waiting_max)
		lock->waiting_max = lock->waiting_count;
	if (lock->sleeps)
		wait_asleep(l, cpu, lock);
	else if (lock->unfair)
		wait_unfair(l, cpu, lock);
	else
		wait_in_order(l, cpu, lock);
	if (l->hw && comes_from_another(cpu, lock))
		charge_transfer(l, cpu, lock);
	engine_collect(cpu);
	engine_join(cpu); /* who reads without the lock may be earlier */
	lock->waiting_count--;
	cpu->waits_for = outer;
	cpu->lock_wait_ps += engine_other_skips(cpu) - before;
}

/* @lock is @cpu's from now on. */
static void note_taken(struct engine_cpu *cpu, struct env_lock *lock, ps_t wait)
{
	struct env *env = &cpu->env;
	BUG_ON(env->held_count == ENV_HELD_MAX, "CPU %u takes lock %s, and holds %d", env->cpu,
	       lock->name, ENV_HELD_MAX);
	env->held[env->held_count++] = lock;
	lock->acquired_count++;
	lock->transfers_count += comes_from_another(cpu, lock);
	lock->last_cpu = env->cpu + 1;
	lock->contended_count += wait > 0;
	lock->wait_ps_total += wait;
	lock->wait_ps_max = u64_max(lock->wait_ps_max, wait);
	lock->acquired_at_ps = cpu->now_ps;
}

void engine_lock(struct env *env, struct env_lock *lock)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	struct engine_locks *l = cpu->engine->locks;
	engine_end_operation(cpu); /* what was done before the lock costs before it */
	engine_join(cpu);
	ps_t arrival = cpu->now_ps, wait = 0;
	BUG_ON(arrival < lock->last_arrival_ps,
	       "CPU %u came to lock %s at %llu ps, after one at %llu", env->cpu, lock->name,
	       (unsigned long long)arrival, (unsigned long long)lock->last_arrival_ps);
	BUG_ON(lock->owner == env, "CPU %u takes lock %s twice", env->cpu, lock->name);
	lock->last_arrival_ps = arrival;
	if (lock->irqs_off && cpu->irqs_off++ == 0)
		cpu->irqs_off_since_ps = arrival;
	if (l->hw && l->hw->locks_unfair && !lock->sleeps)
		lock->unfair = true;
	if (env->held_count)
		lock_order_take(&l->order, env, lock, arrival);
	if (lock->owner || lock->waiters_head || lock->free_at_ps > arrival) {
		wait_for(l, cpu, lock);
		wait = cpu->now_ps - arrival;
	} else {
		lock->owner = env;
		if (l->hw && comes_from_another(cpu, lock)) {
			charge_transfer(l, cpu, lock);
			engine_collect(cpu);
		}
	}
	engine_sync_memory(cpu);
	note_taken(cpu, lock, wait);
}

/* --- giving back ------------------------------------------------------------------------------ */

static void forget_held(struct env *env, const struct env_lock *lock)
{
	unsigned i = env->held_count;
	while (i > 0 && env->held[--i] != lock)
		;
	BUG_ON(!env->held_count || env->held[i] != lock, "CPU %u gives lock %s back, not in held[]",
	       env->cpu, lock->name);
	env->held_count--;
	for (; i < env->held_count; i++)
		env->held[i] = env->held[i + 1];
}

/* Let everything earlier happen, until nothing more is to pay for. */
static void join_at_release(struct engine_cpu *cpu)
{
	ps_t joined;
	do {
		engine_join(cpu);
		joined = cpu->now_ps;
		engine_sync_memory(cpu);
	} while (cpu->now_ps != joined);
}

/* To the next who sleeps, at the present time; waking it costs the present owner's. */
static void wake_next(struct engine_locks *l, struct engine_cpu *cpu, struct env_lock *lock)
{
	struct lock_waiter *next = choose(l, lock);
	if (l->hw) {
		charge_ns(cpu, l->hw->lock_wakeup_ns);
		engine_collect(cpu);
	}
	engine_wake(&next->wait, granted_at(l, next->cpu, cpu->now_ps));
}

void engine_unlock(struct env *env, struct env_lock *lock)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	struct engine_locks *l = cpu->engine->locks;
	engine_collect(cpu);
	if (lock->sleeps) {
		join_at_release(cpu);
	} else {
		/* Nobody else ran since this CPU joined: the section is one native step. */
		engine_sync_memory(cpu);
	}
	lock->free_at_ps = cpu->now_ps;
	ps_t hold = cpu->now_ps - lock->acquired_at_ps;
	lock->hold_ps_total += hold;
	lock->hold_ps_max = u64_max(lock->hold_ps_max, hold);
	forget_held(env, lock);
	if (lock->irqs_off && --cpu->irqs_off == 0)
		cpu->irqs_off_ps_max =
			u64_max(cpu->irqs_off_ps_max, cpu->now_ps - cpu->irqs_off_since_ps);
	lock->owner = NULL;
	if (!lock->waiters_head)
		return;
	if (lock->sleeps) {
		wake_next(l, cpu, lock);
	} else if (lock->unfair) {
		lock->dispatcher = &lock->waiters_head->cpu->env;
		engine_wake(&lock->waiters_head->wait, lock->free_at_ps);
	} else {
		struct lock_waiter *next = choose(l, lock);
		engine_wake(&next->wait, granted_at(l, next->cpu, lock->free_at_ps));
	}
}
