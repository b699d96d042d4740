/*
 * kernel_map.c - see kernel_map.h.
 *
 * Entries of the vmalloc range need no lock: an area is mapped and unmapped by the CPU that has it.
 * Tables are shared and never freed, as in Linux; each CPU remembers the last one that it has seen,
 * so that mapping pages in a row looks for it, which needs to be synchronised, once in 2 MiB.
 *
 * Where a huge page should go, a table may be left from earlier small pages; then 512 entries go
 * into it. (Linux frees the empty table.)
 *
 * Flushes go to all CPUs, since all run the kernel.
 */
#include "mm/kernel_map.h"

#include "kern/bug.h"
#include "mm/translate.h"

static struct kernel_map *kernel_map_of(struct mapper *m)
{
	return (struct kernel_map *)m; /* its first member */
}

/* The table of PTEs for @vaddr is there; 0, or -1: no page for it. */
static int get_ready(struct kernel_map *k, struct env *env, uint64_t vaddr)
{
	uint64_t region = (vaddr >> 21) + 1;
	if (k->ready[env->cpu] == region)
		return 0;
	if (pagetable_prepare(&k->pt, env, vaddr, HW_PAGE_4K, k->p.cpu_nid[env->cpu]) != 0)
		return -1;
	k->ready[env->cpu] = region;
	return 0;
}

static int map_small(struct kernel_map *k, struct env *env, uint64_t vaddr, pfn_t pfn,
		     uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		uint64_t at = vaddr + i * PAGE_BYTES;
		if (get_ready(k, env, at) != 0)
			return -1;
		enum pagetable_result r = pagetable_set(&k->pt, env, at, pfn + i, HW_PAGE_4K, true);
		BUG_ON(r != PAGETABLE_OK, "kernel address %#llx is mapped already",
		       (unsigned long long)at);
	}
	return 0;
}

static int kernel_map_map(struct mapper *m, struct env *env, uint64_t vaddr, pfn_t pfn,
			  unsigned order)
{
	struct kernel_map *k = kernel_map_of(m);
	unsigned nid = k->p.cpu_nid[env->cpu];
	if (!order)
		return map_small(k, env, vaddr, pfn, 1);
	BUG_ON(order != 9, "kernel page of order %u", order);
	switch (pagetable_map(&k->pt, env, vaddr, pfn, HW_PAGE_2M, true, nid)) {
	case PAGETABLE_OK:
		return 0;
	case PAGETABLE_TAKEN:
		return map_small(k, env, vaddr, pfn, 512);
	default:
		return -1;
	}
}

static pfn_t kernel_map_unmap(struct mapper *m, struct env *env, uint64_t vaddr, unsigned *order)
{
	struct kernel_map *k = kernel_map_of(m);
	enum hw_page page;
	pfn_t pfn = pagetable_unmap(&k->pt, env, vaddr, &page);
	if (pfn != PFN_NONE)
		*order = page == HW_PAGE_2M ? 9 : 0;
	return pfn;
}

static void kernel_map_flush(struct mapper *m, struct env *env, uint64_t start, uint64_t end)
{
	struct kernel_map *k = kernel_map_of(m);
	uint64_t pages = (end - start) / PAGE_BYTES;
	/* A range that may hold huge pages: entries of both sizes. */
	if (pages >= 512)
		pages = UINT64_MAX;
	tlb_flush_range(k->p.hw, env, &k->cpus, SPACE_KERNEL, start, pages, HW_PAGE_4K,
			&k->flushes);
}

static const struct mapper_ops kernel_map_ops = {
	.map = kernel_map_map,
	.unmap = kernel_map_unmap,
	.flush = kernel_map_flush,
};

int kernel_map_init(struct kernel_map *k, const struct kernel_map_params *params, struct env *env)
{
	*k = (struct kernel_map){.mapper.ops = &kernel_map_ops, .p = *params};
	for (unsigned cpu = 0; cpu < params->cpus_count; cpu++)
		cpu_set_add(&k->cpus, cpu);
	return pagetable_init(&k->pt, params->pa, env, (unsigned)params->hw->paging_levels,
			      params->cpu_nid[env->cpu]);
}

void kernel_map_release(struct kernel_map *k, struct env *env)
{
	pagetable_release(&k->pt, env);
}

bool kernel_map_access(struct kernel_map *k, struct env *env, uint64_t vaddr, uint64_t bytes,
		       bool write)
{
	struct cpu_set users = {0}; /* all are flushed anyway */
	while (bytes) {
		struct translation t;
		if (!translate(&k->pt, env, SPACE_KERNEL, vaddr, write, &users, &t))
			return false;
		uint64_t n = u64_min(bytes, t.bytes);
		translate_access(env, t.paddr, n, write);
		vaddr += n;
		bytes -= n;
	}
	return true;
}
