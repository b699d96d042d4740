/*
 * report_locks.h - what a run found out about its locks: a table by lock, the order in which they
 * were taken, and a deadlock. A copy, since locks belong to allocators and programs that go first.
 */
#ifndef SIM_REPORT_LOCKS_H
#define SIM_REPORT_LOCKS_H

#include <stdio.h>

#include "kern/lock_order.h"
#include "sim/engine.h"

struct json;
struct machine;

/* A CPU that never came to its end. */
struct stuck_cpu {
	unsigned cpu, holds_count;
	char holds[ENV_HELD_MAX][sizeof(((struct env_lock *)0)->name)]; /* in order of taking */
	char waits_for[sizeof(((struct env_lock *)0)->name)]; /* ""; not for a lock */
};

/* Zeroed storage is an empty report. */
struct lock_report {
	struct env_lock *locks; /* as they were at the end; only names and figures mean anything */
	unsigned locks_count, locks_limit;
	char cycle[LOCK_CYCLE_TEXT]; /* see lock_order.h; "": none */
	struct stuck_cpu *stuck;     /* none: no deadlock */
	unsigned stuck_count;
	ps_t deadlock_at_ps;
	/* For what follows from waiting times. */
	ps_t simulated_ps;
	uint64_t waiter_bytes;       /* of hw_machine */
	uint64_t sleep_violations_count;
};

void lock_report_release(struct lock_report *r);
/* Add @count locks, in this order. 0, or -1 with @err (ERR_IO: out of memory). */
int lock_report_add(struct lock_report *r, const struct env_lock *locks, unsigned count,
		    struct err *err);
/* The locks of the machine's allocators: zones', and those of caches that were ever taken. */
int lock_report_add_machine(struct lock_report *r, const struct machine *m, struct err *err);
/* The order of locks and a deadlock, after engine_run(). */
int lock_report_engine(struct lock_report *r, struct engine *e, unsigned cpus_count,
		       struct err *err);

/* Derived figures of one lock over the whole run. */
struct lock_figures {
	double wait_ns_mean;       /* of an acquisition */
	double waiting_mean;       /* CPUs that wait, on average (Little's law) */
	double spinning_cpus_mean; /* of these, CPUs kept busy by it */
	uint64_t waiter_bytes_max; /* memory of those who sleep */
	double waiter_bytes_mean;
};
void lock_figures(struct lock_figures *f, const struct lock_report *r,
		  const struct env_lock *lock);

/* "locks" and "locking" of run.json. */
void report_locks(struct json *j, const struct lock_report *r);
/* For people, only if there is something to be alarmed about. */
void summary_locks(const struct lock_report *r, FILE *out);
/* A line about the locks behind the first @skip that CPUs waited for longest; none waited: nothing.
 */
void summary_waits(const struct lock_report *r, unsigned skip, FILE *out);

#endif
