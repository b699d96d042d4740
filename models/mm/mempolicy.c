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

static unsigned next_turn(struct mempolicy *mp, unsigned cpu)
{
	const struct physmem *pm = mp->pa->pm;
	unsigned nid = mp->turn[cpu] % pm->nodes_count;
	while (!node_has_memory(&pm->nodes[nid]))
		nid = (nid + 1) % pm->nodes_count;
	mp->turn[cpu] = nid + 1;
	return nid;
}

unsigned mempolicy_node(struct mempolicy *mp, const struct env *env, const struct mem_request *r,
			gfp_t gfp, bool *interleaved)
{
	*interleaved = !r->has_nid && r->policy == MEMPOLICY_INTERLEAVE &&
		       env->context == CONTEXT_PROCESS && !(gfp & __GFP_THISNODE);
	if (*interleaved)
		return next_turn(mp, env->cpu);
	return r->has_nid ? r->nid : mp->cpu_nid[env->cpu];
}

pfn_t mempolicy_alloc_pages(struct mempolicy *mp, struct env *env, unsigned order, gfp_t gfp,
			    const struct mem_request *r, enum alloc_failure *why)
{
	struct page_allocator *pa = mp->pa;
	bool interleaved;
	unsigned nid = mempolicy_node(mp, env, r, gfp, &interleaved);
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, why);
	if (pfn != PFN_NONE && interleaved && pa->ops->numastat &&
	    physmem_zone(pa->pm, pfn)->nid == nid)
		numastat_interleaved(pa->ops->numastat(pa), env->cpu, nid);
	return pfn;
}
