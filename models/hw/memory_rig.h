/*
 * memory_rig.h - what the tests of memory*.c share: a machine of CPUs that synchronise when a test
 * says so.
 */
#ifndef HW_MEMORY_RIG_H
#define HW_MEMORY_RIG_H

#include <string.h>

#include "hw/memory_impl.h"

#define RIG_CPUS       8
#define RIG_NODE_BYTES (UINT64_C(1) << 30) /* node n has [n, n + 1) of this */

struct rig {
	struct memory *m;
	struct hw_machine hw;
	unsigned nids[RIG_CPUS];
	struct env envs[RIG_CPUS];
	unsigned cpus_count;
};

static const uint32_t rig_costs[COST_KINDS];

static unsigned rig_nid_of(void *arg, uint64_t paddr)
{
	return (unsigned)(paddr / RIG_NODE_BYTES) % *(unsigned *)arg;
}

/* A machine of rig->hw and rig->nids; 1 GHz, so that ns are cycles. */
static inline bool rig_start(struct rig *rig, unsigned cpus, unsigned *nodes)
{
	rig->cpus_count = cpus;
	rig->m = memory_new(&(struct memory_params){
		.hw = &rig->hw,
		.cpus_count = cpus,
		.cpu_nid = rig->nids,
		.nodes_count = *nodes,
		.cpu_khz = 1000000,
		.nid_of = rig_nid_of,
		.nid_arg = nodes,
	});
	for (unsigned cpu = 0; rig->m && cpu < cpus; cpu++)
		rig->envs[cpu] = (struct env){
			.cpu = cpu,
			.cost_cycles = rig_costs,
			.memory = memory_of_cpu(rig->m, cpu),
		};
	return rig->m != NULL;
}

static inline void rig_sync(struct rig *rig, unsigned cpu, ps_t now_ps)
{
	struct env *env = &rig->envs[cpu];
	if (env->memory->pending)
		env->memory->sync(env, now_ps);
}

/* Access, synchronise, and say what it cost. */
static inline uint64_t rig_access(struct rig *rig, unsigned cpu, uint64_t paddr, bool write)
{
	struct env *env = &rig->envs[cpu];
	rig_sync(rig, cpu, 0);
	env->cycles = 0;
	env_touch(env, paddr, 8, write);
	rig_sync(rig, cpu, 0);
	return env->cycles;
}

static inline struct memory_stats rig_stats(const struct rig *rig, unsigned cpu)
{
	struct memory_stats s;
	memory_stats(rig->m, cpu, &s);
	return s;
}

#endif
