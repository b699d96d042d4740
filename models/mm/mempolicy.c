/*
 * mempolicy.c - see mempolicy.h. It follows Linux 6.18's mm/mempolicy.c.
 *
 * An interleaving gives the nodes their turns in ascending order and begins again behind the last
 * one; nodes without memory have none. The node whose turn it is is asked first; if it is full, the
 * page comes from the next of its zonelist, and the turn is over all the same. So N pages of a CPU
 * are spread over n nodes with room: at least N / n, at most N / n + 1 lie on each.
 *
 *   nodes 0, 1, 2, of which 1 has no memory: turns 0 2 0 2 ...
 *
 * As in Linux, a policy is the task's: it does not hold in interrupts, nor for __GFP_THISNODE,
 * which both mean the CPU's own node.
 *
 * State: the last turn of each CPU, which is its own, so that no other CPU is needed. A turn costs
 * no cycles: Linux does it in a few, beside the entry of an allocation.
 *
 * MODEL: a CPU's operations are those of one task. Objects are interleaved one by one, as SLAB does
 * it and SLUB with slab_strict_numa; Linux's SLUB by default interleaves the slabs that it makes.
 * The weights of weighted interleaving, sets of nodes and cpusets are not modelled.
 */
#include "mm/mempolicy.h"

#include <string.h>

void mempolicy_init(struct mempolicy *mp, struct page_allocator *pa, const unsigned *cpu_nid)
{
	memset(mp, 0, sizeof(*mp));
	mp->pa = pa;
	mp->cpu_nid = cpu_nid;
}

unsigned mempolicy_turn(struct mempolicy *mp, unsigned cpu)
{
	const struct physmem *pm = mp->pa->pm;
	unsigned nid = mp->turn[cpu] % pm->nodes_count;
	while (!node_has_memory(&pm->nodes[nid]))
		nid = (nid + 1) % pm->nodes_count;
	mp->turn[cpu] = nid + 1;
	return nid;
}

pfn_t mempolicy_alloc_in_turn(struct mempolicy *mp, struct env *env, unsigned order, gfp_t gfp,
			      enum alloc_failure *why)
{
	struct page_allocator *pa = mp->pa;
	unsigned nid = mempolicy_turn(mp, env->cpu);
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, why);
	if (pfn != PFN_NONE && pa->ops->numastat && physmem_zone(pa->pm, pfn)->nid == nid)
		numastat_interleaved(pa->ops->numastat(pa), env->cpu, nid);
	return pfn;
}
