/*
 * mempolicy.h - which node an allocation asks for, when its caller does not say.
 *
 * Linux's memory policies of a task, as far as they choose a node: local, and interleave over all
 * nodes that have memory. A node that the caller names needs no policy.
 */
#ifndef MM_MEMPOLICY_H
#define MM_MEMPOLICY_H

#include "alloc/page_allocator.h"

enum mempolicy_mode {
	MEMPOLICY_LOCAL,      /* the CPU's own node */
	MEMPOLICY_INTERLEAVE, /* the nodes in turn */
	MEMPOLICIES,
};

/* What a request says of nodes; all zero: nothing, so the CPU's own. */
struct mem_request {
	bool has_nid;
	unsigned nid;   /* has_nid: wanted, or with __GFP_THISNODE demanded */
	enum mempolicy_mode policy; /* else */
};

struct mempolicy {
	struct page_allocator *pa;
	const unsigned *cpu_nid;
	unsigned turn[CPUS_LIMIT]; /* by CPU: 1 + the node that had the last turn; 0: none had */
};

/* @cpu_nid outlives it. */
void mempolicy_init(struct mempolicy *mp, struct page_allocator *pa, const unsigned *cpu_nid);

/*
 * The node to ask for, on CPU env->cpu in its present context. *@interleaved: it is the choice of
 * an interleaving, and that node has had its turn.
 */
unsigned mempolicy_node(struct mempolicy *mp, const struct env *env, const struct mem_request *r,
			gfp_t gfp, bool *interleaved);

/* alloc_pages() for such a request; counts interleave_hit. */
pfn_t mempolicy_alloc_pages(struct mempolicy *mp, struct env *env, unsigned order, gfp_t gfp,
			    const struct mem_request *r, enum alloc_failure *why);

#endif
