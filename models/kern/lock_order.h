/*
 * lock_order.h - which locks are taken while others are held, and whether that can deadlock.
 *
 * Locks of one name are one class. The first time that a class is taken while another is held, the
 * pair becomes an edge of a directed graph; a cycle in it is an order of events in which CPUs wait
 * for each other for ever, whether or not this run meets it.
 */
#ifndef KERN_LOCK_ORDER_H
#define KERN_LOCK_ORDER_H

#include "kern/env.h"

#define LOCK_CLASSES_MAX 1024
#define LOCK_CYCLE_TEXT  256

struct lock_order {
	unsigned classes_count;
	/* Locks whose class would have been one too many; they are not followed. */
	uint64_t left_out_count;
	char names[LOCK_CLASSES_MAX][sizeof(((struct env_lock *)0)->name)];
	/* Row: held; bit: a class that was taken meanwhile. */
	uint64_t taken[LOCK_CLASSES_MAX][LOCK_CLASSES_MAX / 64];
	/* The first cycle: "heap -> pager -> heap, CPU 1 at 12.3 us"; empty: none. */
	char cycle[LOCK_CYCLE_TEXT];
};

/* Zeroed storage is an empty graph. It is large: heap, not stack. */

/*
 * @env's CPU comes to @lock at @now_ps and holds env->held[]. Sets order_class of the locks
 * involved. Costs a test of a bit for each lock held, unless the pair is new.
 */
void lock_order_take(struct lock_order *o, const struct env *env, struct env_lock *lock,
		     ps_t now_ps);

#endif
