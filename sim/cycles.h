/*
 * cycles.h - where the CPUs' time went, by cause.
 */
#ifndef SIM_CYCLES_H
#define SIM_CYCLES_H

#include "sim/engine.h"

/* The causes of enum cycle_cause, and what is left: the allocator's own code. */
#define CYCLE_PARTS    (CYCLE_CAUSES + 1)
#define PART_ALLOCATOR CYCLE_CAUSES

/*
 * The time of one CPU, or of several together. Exactly:
 *
 *   charged_cycles = sum of cycles[]
 *   active_ps = sum of ps[] + lock_wait_ps + ipi_wait_ps
 *   active_ps + idle_ps = the CPU's clock
 */
struct cycle_account {
	uint64_t cycles[CYCLE_PARTS];
	ps_t ps[CYCLE_PARTS]; /* the time of these cycles */
	uint64_t charged_cycles;
	ps_t lock_wait_ps, ipi_wait_ps; /* standing still: for a lock, for other CPUs' handlers */
	ps_t active_ps;                 /* operations, periodic work, interrupts */
	ps_t idle_ps; /* until the next operation's time, or another CPU's allocation */
};

/* A part as results name it: "dram" in dram_cycles and dram_ns. */
struct cycle_part {
	unsigned part; /* enum cycle_cause or PART_ALLOCATOR */
	const char *name;
	const char *label; /* for people */
	bool always;       /* also of a machine without caches */
};

/* All CYCLE_PARTS of them, in the order of reports. */
extern const struct cycle_part cycle_parts[CYCLE_PARTS];

/* What @cpu did until now. Cycles that are charged but not collected have no time yet. */
void cycles_of_cpu(struct cycle_account *account, const struct engine_cpu *cpu);
void cycles_add(struct cycle_account *to, const struct cycle_account *from);
/*
 * Does a report name @part? Those of caches and TLBs only if @machine_has_caches, or there is any
 * time in them. @sum is of all CPUs.
 */
bool cycles_shown(const struct cycle_account *sum, const struct cycle_part *part,
		  bool machine_has_caches);

#endif
