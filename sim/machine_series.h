/*
 * machine_series.h - caches, TLBs and the CPUs' time over simulated time, one CSV row a sample.
 */
#ifndef SIM_MACHINE_SERIES_H
#define SIM_MACHINE_SERIES_H

#include <stdio.h>

#include "hw/memory.h"
#include "sim/cycles.h"

struct machine_series {
	struct engine *engine;
	const struct memory *memory;
	unsigned cpus_count, levels_count;
	FILE *out;
};

/*
 * Write the header of a machine with @levels_count levels of caches to @out. All arguments stay the
 * caller's and outlive @s.
 */
void machine_series_init(struct machine_series *s, struct engine *engine,
			 const struct memory *memory, unsigned cpus_count, unsigned levels_count,
			 FILE *out);
/* Write the row of @now_ps, a moment at which all CPUs stand still. */
void machine_series_sample(const struct machine_series *s, ps_t now_ps);

#endif
