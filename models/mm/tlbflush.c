/*
 * tlbflush.c - TLB shootdown, as Linux does it on x86.
 *
 * Purpose. A TLB is not told when a page table changes. Before a page is given to someone else, all
 * CPUs that may have its old translation must forget it. The CPU that changes the table drops its
 * own entries and interrupts the others, which drop theirs while it waits.
 *
 * Cost, per shootdown: the interrupts (machine.ipi_*: sending one after the other, their flight,
 * entry and exit), and on every CPU invalidating page by page (tlb_flush_page_cycles each) or
 * everything (tlb_flush_all_cycles, and the misses that follow). Above tlb_flush_ceiling_pages, 33,
 * everything goes. So it pays to gather many changes and flush once:
 *
 *   unmapping 512 pages, 3 other CPUs    interrupts
 *   page by page                         1536
 *   gathered                                3, each flushing everything (512 > 33)
 *   as one page of 2 MiB                    3, each dropping one entry
 *
 * Who is interrupted: every CPU that has ever used the address space; all CPUs for the kernel's.
 *
 * MODEL: Linux also forgets CPUs that run something else since, and flushes those lazily when they
 * come back; here a CPU that used a space once is interrupted from then on. So shootdowns of
 * processes that wander between CPUs are dearer here.
 */
#include "mm/tlbflush.h"

struct flush {
	uint64_t vaddr, pages_count;
	enum hw_page page;
	uint32_t space;
	bool full;
};

/* On each CPU, in an interrupt but for the first. */
static void flush_here(struct env *env, void *arg)
{
	const struct flush *f = arg;
	if (!env->memory)
		return;
	if (f->full)
		memory_flush_all(env, f->space);
	else
		memory_flush_pages(env, f->space, f->vaddr, f->pages_count, f->page);
}

void tlb_flush_range(const struct hw_machine *hw, struct env *env, const struct cpu_set *cpus,
		     uint32_t space, uint64_t vaddr, uint64_t pages_count, enum hw_page page,
		     struct tlb_flush_stats *stats)
{
	struct flush f = {
		.vaddr = vaddr,
		.pages_count = pages_count,
		.page = page,
		.space = space,
		.full = pages_count > hw->tlb_flush_ceiling_pages,
	};
	env_sync(env);
	struct cpu_set others = *cpus;
	bool own = cpu_set_has(&others, env->cpu);
	if (own)
		others.bits[env->cpu / 64] ^= UINT64_C(1) << (env->cpu % 64);
	unsigned targets = 0;
	for (size_t i = 0; i < ARRAY_SIZE(others.bits); i++)
		targets += (unsigned)__builtin_popcountll(others.bits[i]);
	if (!own && !targets)
		return;
	stats->flushes_count++;
	stats->targets_count += targets;
	stats->full_count += f.full;
	if (own)
		flush_here(env, &f);
	if (targets)
		env_ipi(env, &others, flush_here, &f);
}
