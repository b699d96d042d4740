/*
 * lock_order.c - see lock_order.h.
 *
 * Terms. A class is a lock's name: all locks of the same name follow the same rules, as in Linux's
 * lockdep, whose idea this is. An edge a -> b says that some CPU, holding a lock of class a, came
 * to one of class b. A deadlock of CPUs that each hold one lock and wait for the next one's is a
 * cycle of such edges; the cycle is there as soon as each of its edges was seen once, on whatever
 * CPU and however far apart in time. So the graph finds a deadlock in runs that were lucky.
 *
 * How it works. The graph is a matrix of bits. An edge that is already known costs one test. A new
 * edge a -> b closes a cycle if b already leads to a; a breadth-first search from b finds the
 * shortest way, once for each edge that ever appears. The edge is added when a CPU comes to the
 * lock, not when it has it: a run that ends in the deadlock has the edge that closed it.
 *
 *   CPU 0 holds heap, comes to pager     edge heap -> pager
 *   CPU 1 holds pager, comes to heap     edge pager -> heap; heap leads to pager:
 *                                        "heap -> pager -> heap, CPU 1 at 12.3 us"
 *
 * Invariants:
 *   I1  order_class is 0, or 1 + the index of the lock's name in names[], or, where there was no
 *       room for it, 1 + LOCK_CLASSES_MAX.
 *   I2  names[] holds no name twice.
 *   I3  cycle[] is empty as long as the graph has no cycle, and never changes once written.
 *
 * Cost: nothing when no lock is held; else a bit test for each lock held. A first meeting compares
 * a lock's name with those of all classes; a new edge searches at most all edges.
 *
 * MODEL: two locks of one name that nest are a cycle of one class ("a -> a"), as lockdep says
 * unless it is told of subclasses: which of two equals comes first is not to be seen in names.
 * MODEL: contexts are not told apart (lockdep's irq-safe and irq-unsafe states): an interrupt
 * counts as a part of what it interrupts, with the locks that are held there.
 */
#include "kern/lock_order.h"

#include <stdio.h>
#include <string.h>

/* Index of @lock's class, or LOCK_CLASSES_MAX if there is no room for it. */
static unsigned class_of(struct lock_order *o, struct env_lock *lock)
{
	if (!lock->order_class) {
		unsigned i = 0;
		while (i < o->classes_count && strcmp(o->names[i], lock->name) != 0)
			i++;
		if (i == LOCK_CLASSES_MAX)
			o->left_out_count++;
		else if (i == o->classes_count)
			memcpy(o->names[o->classes_count++], lock->name, sizeof(lock->name));
		lock->order_class = i + 1;
	}
	return lock->order_class - 1;
}

static bool leads(const struct lock_order *o, unsigned from, unsigned to)
{
	return o->taken[from][to / 64] >> (to % 64) & 1;
}

/* Shortest way from @from to @to; next[] says how it goes on from each of its classes. */
static bool find_way(const struct lock_order *o, unsigned from, unsigned to, unsigned *next)
{
	/* Searched backwards, so that each class found knows its successor. */
	static const unsigned unseen = LOCK_CLASSES_MAX;
	unsigned queue[LOCK_CLASSES_MAX], head = 0, tail = 0;
	for (unsigned i = 0; i < o->classes_count; i++)
		next[i] = unseen;
	queue[tail++] = to;
	next[to] = to;
	while (head < tail && next[from] == unseen) {
		unsigned at = queue[head++];
		for (unsigned i = 0; i < o->classes_count; i++) {
			if (next[i] == unseen && leads(o, i, at)) {
				next[i] = at;
				queue[tail++] = i;
			}
		}
	}
	return next[from] != unseen;
}

/* The edge @held -> @taken closes a cycle: write it down. */
static void describe(struct lock_order *o, unsigned held, unsigned taken, const unsigned *next,
		     unsigned cpu, ps_t now_ps)
{
	char *text = o->cycle;
	size_t size = sizeof(o->cycle), at = 0;
	/* Room for the last name and the moment is kept: a long cycle is cut in its middle. */
	const size_t tail = sizeof(o->names[0]) + 64;
	for (unsigned i = taken;; i = next[i]) {
		if (at + sizeof(o->names[0]) + 4 + tail > size) {
			at += (size_t)snprintf(text + at, size - at, "... -> ");
			break;
		}
		at += (size_t)snprintf(text + at, size - at, "%s -> ", o->names[i]);
		if (i == held)
			break;
	}
	snprintf(text + at, size - at, "%s, CPU %u at %llu.%llu us", o->names[taken], cpu,
		 (unsigned long long)(now_ps / 1000000),
		 (unsigned long long)(now_ps / 100000 % 10));
}

void lock_order_take(struct lock_order *o, const struct env *env, struct env_lock *lock,
		     ps_t now_ps)
{
	if (!env->held_count)
		return;
	unsigned taken = class_of(o, lock);
	for (unsigned i = 0; i < env->held_count; i++) {
		unsigned held = class_of(o, env->held[i]);
		if (held == LOCK_CLASSES_MAX || taken == LOCK_CLASSES_MAX || leads(o, held, taken))
			continue;
		o->taken[held][taken / 64] |= UINT64_C(1) << (taken % 64);
		unsigned next[LOCK_CLASSES_MAX];
		if (!o->cycle[0] && find_way(o, taken, held, next))
			describe(o, held, taken, next, env->cpu, now_ps);
	}
}
