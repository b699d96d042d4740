/*
 * mempolicy.h - which node an allocation asks for, when its caller does not say.
 *
 * Linux's memory policies of a task, as far as they choose a node: local, and interleave over all
 * nodes that have memory. A node that the caller names needs no policy.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "alloc/page_allocator.h"
#include "kern/gfp.h"

enum mempolicy_mode {
	MEMPOLICY_LOCAL,      /* the CPU's own node */
	MEMPOLICY_INTERLEAVE, /* the nodes in turn */
	MEMPOLICIES,
};

/* What a request says of nodes; all zero: nothing, so the CPU's own. */
struct mem_request {
	bool has_nid;
	uint8_t nid;    /* has_nid: wanted, or with __GFP_THISNODE demanded */
	uint8_t policy; /* else: enum mempolicy_mode */
};

struct mempolicy {
	struct page_allocator *pa;
	const unsigned *cpu_nid;
	unsigned turn[CPUS_LIMIT]; /* by CPU: 1 + the node that had the last turn; 0: none had */
};

/* @cpu_nid outlives it. */
void mempolicy_init(struct mempolicy *mp, struct page_allocator *pa, const unsigned *cpu_nid);

/* Is the node that @r gets the choice of an interleaving, in env's context? */
static inline bool mempolicy_interleaves(const struct env *env, const struct mem_request *r,
					 gfp_t gfp)
{
	return __builtin_expect(r->policy == MEMPOLICY_INTERLEAVE, 0) && !r->has_nid &&
	       env->context == CONTEXT_PROCESS && !(gfp & __GFP_THISNODE);
}

/* The node whose turn it is on CPU @cpu; it has had it. */
unsigned mempolicy_turn(struct mempolicy *mp, unsigned cpu);

/* The node to ask for, on CPU env->cpu in its present context. */
static inline unsigned mempolicy_node(struct mempolicy *mp, const struct env *env,
				      const struct mem_request *r, gfp_t gfp)
{
	if (mempolicy_interleaves(env, r, gfp))
		return mempolicy_turn(mp, env->cpu);
	return r->has_nid ? r->nid : mp->cpu_nid[env->cpu];
}

/* alloc_pages() of the node whose turn it is; counts interleave_hit. */
pfn_t mempolicy_alloc_in_turn(struct mempolicy *mp, struct env *env, unsigned order, gfp_t gfp,
			      enum alloc_failure *why);

/* alloc_pages() for such a request. */
static inline pfn_t mempolicy_alloc_pages(struct mempolicy *mp, struct env *env, unsigned order,
					  gfp_t gfp, const struct mem_request *r,
					  enum alloc_failure *why)
{
	if (mempolicy_interleaves(env, r, gfp))
		return mempolicy_alloc_in_turn(mp, env, order, gfp, why);
	return mp->pa->ops->alloc_pages(mp->pa, env, order, gfp, mempolicy_node(mp, env, r, gfp),
					why);
}

#endif
