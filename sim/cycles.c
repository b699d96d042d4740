/*
 * cycles.c - where the CPUs' time went, by cause: see cycles.h.
 *
 * A CPU's clock moves in two ways only: cycles that were charged are turned into time
 * (engine_collect), or it is set forward (engine_idle_until), because the CPU waits for a lock, for
 * an IPI, or has nothing to do. Both are counted where they happen:
 *
 *   clock = time of charged cycles + skipped
 *   skipped = lock_wait + ipi_wait + idle
 *
 * Cycles are known by cause (struct env's cycles_by); what no cause claims is the allocator's own
 * code. Their time is only known as a whole: the engine carries fractions of a picosecond from one
 * operation to the next and drops them when the CPU idles, so that cycles / frequency may be up to
 * a picosecond too much for each idling. So the whole is divided in the proportion of the cycles:
 * with C cycles so far and A in all, the edge after a part is at floor(whole * C / A), and a part
 * is what lies between two edges. Thus parts are integers that add up to the whole, and none is
 * further than 1 ps from its exact share.
 *
 * Example: 30 cycles at 4 GHz, 20 of the allocator, 10 of zeroing, and 5 ns for a lock, at
 * 20 ns on the clock. The cycles took 7500 ps: allocator 5000, zeroing 2500. Active are
 * 7500 + 5000 ps, idle the other 7500.
 *
 * Cost: some additions a report or sample; in the engine, one addition each time it collects.
 */
#include "sim/cycles.h"

#include <string.h>

#include "kern/bug.h"

__extension__ typedef unsigned __int128 u128;

const struct cycle_part cycle_parts[CYCLE_PARTS] = {
	{PART_ALLOCATOR, "allocator", "allocator code", true},
	{CAUSE_ZERO, "zero", "zeroing and copying", true},
	{CAUSE_LOCK, "lock", "taking locks", true},
	{CAUSE_CACHE2, "cache2", "second-level cache", false},
	{CAUSE_CACHE3, "cache3", "third-level cache", false},
	{CAUSE_CACHE4, "cache4", "fourth-level cache", false},
	{CAUSE_DRAM, "dram", "memory", false},
	{CAUSE_DRAM_REMOTE, "dram_remote", "memory of other nodes", false},
	{CAUSE_TRANSFER, "transfer", "lines of other CPUs", false},
	{CAUSE_TLB, "tlb", "TLB misses", false},
	{CAUSE_WALK, "walk", "reading page tables", false},
	{CAUSE_FLUSH, "flush", "flushing TLBs", false},
	{CAUSE_INTERRUPT, "interrupt", "interrupts", true},
	{CAUSE_WORK, "work", "the workload itself", true},
};

/* Divide @whole_ps among the parts. */
static void divide(struct cycle_account *a, ps_t whole_ps)
{
	uint64_t so_far = 0;
	ps_t edge = 0;
	for (unsigned i = 0; i < CYCLE_PARTS && a->charged_cycles; i++) {
		unsigned part = cycle_parts[i].part;
		so_far += a->cycles[part];
		ps_t next = (ps_t)((u128)whole_ps * so_far / a->charged_cycles);
		a->ps[part] = next - edge;
		edge = next;
	}
	BUG_ON(edge != whole_ps, "%llu ps of cycles, but none were charged",
	       (unsigned long long)whole_ps);
}

void cycles_of_cpu(struct cycle_account *account, const struct engine_cpu *cpu)
{
	uint64_t known = 0;
	memset(account, 0, sizeof(*account));
	for (unsigned c = 0; c < CYCLE_CAUSES; c++) {
		account->cycles[c] = cpu->env.cycles_by[c];
		known += account->cycles[c];
	}
	account->charged_cycles = cpu->charged_cycles + cpu->env.cycles;
	BUG_ON(known > account->charged_cycles, "CPU %u: causes have %llu of %llu cycles",
	       cpu->env.cpu, (unsigned long long)known,
	       (unsigned long long)account->charged_cycles);
	account->cycles[PART_ALLOCATOR] = account->charged_cycles - known;
	account->lock_wait_ps = cpu->lock_wait_ps;
	account->ipi_wait_ps = cpu->ipi_wait_ps;
	account->idle_ps = cpu->skipped_ps - cpu->lock_wait_ps - cpu->ipi_wait_ps;
	account->active_ps = cpu->now_ps - account->idle_ps;
	divide(account, cpu->now_ps - cpu->skipped_ps);
}

void cycles_add(struct cycle_account *to, const struct cycle_account *from)
{
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		to->cycles[i] += from->cycles[i];
		to->ps[i] += from->ps[i];
	}
	to->charged_cycles += from->charged_cycles;
	to->lock_wait_ps += from->lock_wait_ps;
	to->ipi_wait_ps += from->ipi_wait_ps;
	to->active_ps += from->active_ps;
	to->idle_ps += from->idle_ps;
}

bool cycles_shown(const struct cycle_account *sum, const struct cycle_part *part,
		  bool machine_has_caches)
{
	return part->always || machine_has_caches || sum->cycles[part->part];
}
