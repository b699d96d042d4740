/*
 * engine_rig.h - for tests: a simulation of bare CPUs and locks, in a child process.
 *
 * A process has one SimGrid, so every simulation runs in a child of its own; what it found comes
 * back in shared memory. A cycle is a picosecond (1 THz), and the cost table is all zero.
 */
#ifndef SIM_ENGINE_RIG_H
#define SIM_ENGINE_RIG_H

#include "kern/lock_order.h"
#include "sim/engine.h"

#define RIG_LOCKS   256
#define RIG_FIGURES 8192
#define RIG_KHZ     UINT64_C(1000000000)

/* What a simulation found. Compared as bytes. */
struct rig_outcome {
	ps_t end_ps[CPUS_LIMIT];          /* of CPUs that came to their end */
	uint64_t lock_cycles[CPUS_LIMIT]; /* CAUSE_LOCK */
	uint64_t sleep_violations[CPUS_LIMIT];
	struct {
		uint64_t acquired, contended, transfers, waiting_max;
		ps_t wait_ps, wait_ps_max, hold_ps, hold_ps_max;
		uint64_t order_hash; /* of (CPU, time) of its acquisitions */
	} locks[RIG_LOCKS];
	int waits_for[CPUS_LIMIT]; /* the lock for which a CPU waits for ever; -1: none */
	uint64_t figures[RIG_FIGURES]; /* the test's own */
	bool deadlock;
	ps_t deadlock_at_ps;
	char cycle[LOCK_CYCLE_TEXT];
	int rc;
	char error[sizeof(((struct err *)0)->text)];
};

struct rig {
	unsigned cpus;
	const struct hw_machine *hw; /* NULL: none */
	const unsigned *cpu_nid;
	bool exact;
	bool unfair, sleeps;         /* what all locks are */
	void (*body)(struct rig *r, unsigned cpu);
	const void *arg;             /* the body's */
	/* Called in the child, at the end; NULL: nothing. */
	void (*after)(struct rig *r, struct engine *e);
	/* State of the simulation. */
	struct engine_cpu *cpu[CPUS_LIMIT];
	struct env_lock locks[RIG_LOCKS]; /* named l0, l1, ... */
	struct rig_outcome *out;
};

/* For bodies. */
ps_t rig_now(struct rig *r, unsigned cpu);
void rig_work(struct rig *r, unsigned cpu, ps_t ps);
void rig_idle_until(struct rig *r, unsigned cpu, ps_t ps);
void rig_take(struct rig *r, unsigned cpu, unsigned lock);
void rig_give(struct rig *r, unsigned cpu, unsigned lock);

/*
 * Simulate; returns the child's wait status, with the beginning of what it said on stderr in @text
 * (may be NULL).
 */
int rig_try(const struct rig *r, struct rig_outcome *out, char *text, size_t text_size);
/* Simulate in both modes, without trouble; fails the test if their results differ. */
void rig_simulate(const struct rig *r, struct rig_outcome *out);

#endif
