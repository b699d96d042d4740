/*
 * Random tests of memory*.c: on machines of random geometry the invariants hold whatever CPUs do,
 * and results depend on the order of synchronisations alone, not on when in between a CPU acts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <cmocka.h>

#include "hw/memory_rig.h"
#include "kern/rng.h"

#define SHAPES 150
#define STEPS  400

static unsigned nodes = 2;

/* Caches of a few lines, so that everything is evicted from everywhere. */
static void random_machine(struct rig *rig, struct rng *r)
{
	struct hw_machine *hw = &rig->hw;
	*rig = (struct rig){0};
	hw->caches_count = 1 + (unsigned)rng_below(r, HW_CACHES);
	uint64_t shared_by = rng_below(r, 4) ? 1 : 2;
	for (unsigned level = 0; level < hw->caches_count; level++) {
		struct hw_cache *c = &hw->caches[level];
		bool plru = rng_below(r, 2);
		c->line_bytes = 64;
		c->ways = plru ? UINT64_C(1) << rng_below(r, 3) : 1 + rng_below(r, 4);
		c->size_bytes = c->ways * 64 << rng_below(r, 3 + level);
		c->latency_cycles = 4 + 10 * level;
		c->replacement = plru ? HW_PLRU : HW_LRU;
		/* Smaller than what is before it is a strange, but possible inclusive level. */
		c->inclusive = rng_below(r, 2);
		if (level && rng_below(r, 2))
			shared_by = u64_min(shared_by << rng_below(r, 3), RIG_CPUS);
		c->shared_by = shared_by;
	}
	hw->dram_latency_ns = 100;
	hw->dram_bytes_per_s = rng_below(r, 2) ? 0 : UINT64_C(7000000000);
	hw->transfer_cache_ns = 30;
	hw->transfer_node_ns = 60;
	hw->transfer_remote_ns = 150;
	hw->paging_levels = 4;
	if (rng_below(r, 2)) {
		hw->tlbs[0] = (struct hw_tlb){1, 4, 2, 7, false};
		hw->tlbs_count = 1;
		hw->walk_cycles = rng_below(r, 2) ? 30 : HW_AUTO;
	}
	for (unsigned cpu = 0; cpu < RIG_CPUS; cpu++)
		rig->nids[cpu] = cpu / 4;
	assert_true(rig_start(rig, 1 + (unsigned)rng_below(r, RIG_CPUS), &nodes));
}

struct step {
	unsigned cpu;
	uint64_t paddr;
	bool write, sync;
};

static void random_steps(struct step *steps, unsigned cpus, struct rng *r)
{
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t line = rng_below(r, 4) ? rng_below(r, 40) : rng_below(r, 400);
		steps[i] = (struct step){
			.cpu = (unsigned)rng_below(r, cpus),
			.paddr = line * 64 + rng_below(r, 2) * RIG_NODE_BYTES,
			.write = !rng_below(r, 3),
			.sync = !rng_below(r, 3),
		};
	}
}

static void act(struct rig *rig, const struct step *s)
{
	env_touch(&rig->envs[s->cpu], s->paddr, 8, s->write);
}

static void assert_in_order(const struct rig *rig, unsigned shape)
{
	char text[300] = "";
	if (memory_check(rig->m, text, sizeof(text)))
		fail_msg("shape %u: %s", shape, text);
}

static void invariants_hold(void **state)
{
	static struct step steps[STEPS];
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		struct rig rig;
		struct rng r;
		rng_init(&r, 7, shape);
		random_machine(&rig, &r);
		random_steps(steps, rig.cpus_count, &r);
		for (unsigned i = 0; i < STEPS; i++) {
			act(&rig, &steps[i]);
			if (steps[i].sync)
				rig_sync(&rig, steps[i].cpu, i * UINT64_C(100000));
			if (i % 8 == 0)
				assert_in_order(&rig, shape);
		}
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned cpu = 0; cpu < rig.cpus_count; cpu++)
				rig_sync(&rig, cpu, STEPS * UINT64_C(100000));
		}
		for (unsigned cpu = 0; cpu < rig.cpus_count; cpu++)
			assert_false(rig.envs[cpu].memory->waiting);
		assert_in_order(&rig, shape);
		memory_free(rig.m);
	}
}

/*
 * The same steps three times: as they come; each CPU's put off until it synchronises; each CPU's as
 * early as its synchronisation before allows. All that comes out is equal.
 */
static void run(struct rig *rig, const struct step *steps, unsigned how)
{
	static bool done[STEPS];
	memset(done, 0, sizeof(done));
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned cpu = steps[i].cpu;
		if (how == 0)
			act(rig, &steps[i]);
		for (unsigned j = 0; how == 1 && steps[i].sync && j <= i; j++) {
			if (steps[j].cpu == cpu && !done[j]) {
				act(rig, &steps[j]);
				done[j] = true;
			}
		}
		if (how == 2 && !done[i]) { /* all up to the next synchronisation, at once */
			bool synced = false;
			for (unsigned j = i; j < STEPS && !synced; j++) {
				if (steps[j].cpu != cpu)
					continue;
				act(rig, &steps[j]);
				done[j] = true;
				synced = steps[j].sync;
			}
		}
		if (steps[i].sync)
			rig_sync(rig, cpu, i * UINT64_C(100000));
	}
}

static void only_the_order_of_syncs_counts(void **state)
{
	static struct step steps[STEPS];
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		struct rig rigs[3];
		for (unsigned how = 0; how < 3; how++) {
			struct rng r;
			rng_init(&r, 8, shape);
			random_machine(&rigs[how], &r);
			random_steps(steps, rigs[how].cpus_count, &r);
			for (unsigned cpu = 0; cpu < rigs[how].cpus_count; cpu++)
				steps[STEPS - 1 - cpu] = (struct step){
					.cpu = cpu, .paddr = 0, .write = true, .sync = true};
			run(&rigs[how], steps, how);
		}
		for (unsigned how = 1; how < 3; how++) {
			for (unsigned cpu = 0; cpu < rigs[0].cpus_count; cpu++) {
				struct memory_stats a = rig_stats(&rigs[0], cpu);
				struct memory_stats b = rig_stats(&rigs[how], cpu);
				assert_memory_equal(&a, &b, sizeof(a));
				assert_true(rigs[0].envs[cpu].cycles == rigs[how].envs[cpu].cycles);
			}
		}
		for (unsigned how = 0; how < 3; how++)
			memory_free(rigs[how].m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invariants_hold),
		cmocka_unit_test(only_the_order_of_syncs_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
