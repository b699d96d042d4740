/*
 * pcp.h - one CPU's page lists for one zone. See pcp.c for the theory.
 *
 * Private to its CPU: no lock, no engine event while an operation stays on the lists. What it needs
 * from the zone it takes and gives back in bulk, under the zone's lock.
 */
#ifndef ALLOC_PCP_H
#define ALLOC_PCP_H

#include "alloc/buddy.h"

#define PCP_ORDERS    4 /* orders 0..3 (PAGE_ALLOC_COSTLY_ORDER) have a list for each type */
#define PCP_HUGE      (PCP_ORDERS * MIGRATE_PCPTYPES) /* then: huge blocks, not movable; movable */
#define PCP_LISTS     (PCP_HUGE + 2)
#define PCP_EXPIRE    3 /* turns of the vmstat worker that a list of another node may rest */
#define PCP_SCALE_MAX 5 /* a bulk is at most batch << 5 pages (PCP_BATCH_SCALE_MAX) */

/* Sizes of every CPU's lists of one zone. */
struct pcp_limits {
	uint64_t batch, high_min, high_max; /* pages */
};

struct pcp {
	struct buddy_zone *bz;
	struct pagelist lists[PCP_LISTS];
	const struct pcp_limits *limits;
	uint64_t count;      /* pages on all lists */
	uint64_t high;       /* drain from this count on; tuned within the limits */
	uint64_t free_count; /* pages freed lately: how large a drain pays */
	unsigned alloc_factor;      /* the next order-0 refill takes batch << alloc_factor */
	bool prev_free_high_order;  /* the last free was of order 1..3 */
	bool used;                  /* since the last pcp_expire() */
	unsigned expire;            /* turns of the vmstat worker until a batch goes back */
	uint64_t refills_count, refilled_pages, drains_count, drained_pages;
};

/* Linux's sizes for a zone that @cpus_count CPUs share; its low watermark must be set. */
void pcp_limits_init(struct pcp_limits *limits, const struct zone *zone, unsigned cpus_count,
		     const struct pcp_params *params);
void pcp_init(struct pcp *pcp, struct buddy_zone *bz, const struct pcp_limits *limits);

/* Is there a list for this order? */
static inline bool pcp_caches(const struct physmem *pm, unsigned order)
{
	return order < PCP_ORDERS || order == pm->pageblock_order;
}

/* The list for blocks of @order and a type below MIGRATE_PCPTYPES. */
static inline unsigned pcp_list_index(unsigned order, enum migratetype mt)
{
	return order < PCP_ORDERS ? order * MIGRATE_PCPTYPES + mt
				  : PCP_HUGE + (mt == MIGRATE_MOVABLE);
}

/*
 * Take a block from the lists, refilling from the zone when the list is empty. @below_high: this
 * CPU knows the zone to be below its high watermark. @synced is called with @arg once the zone lock
 * is held, so that the caller can renew what it knows of the zone. PFN_NONE: nothing to refill
 * with.
 */
pfn_t pcp_alloc(struct pcp *pcp, struct env *env, unsigned order, enum migratetype mt,
		unsigned flags, bool below_high, void (*synced)(void *arg), void *arg);
/*
 * Put a block on the list for @mt (its pageblock's type), draining to the zone when over the mark.
 */
void pcp_free(struct pcp *pcp, struct env *env, pfn_t pfn, unsigned order, enum migratetype mt,
	      bool below_high, void (*synced)(void *arg), void *arg);
/* The vmstat worker's turn: lower the mark and drain what is above it. */
void pcp_decay(struct pcp *pcp, struct env *env, void (*synced)(void *arg), void *arg);

/*
 * The vmstat worker's turn, for lists of another node's zone: when the CPU has not used them for
 * PCP_EXPIRE turns, a batch goes back; after as many turns the next.
 */
void pcp_expire(struct pcp *pcp, struct env *env, void (*synced)(void *arg), void *arg);

/* Recorded state: a block at the tail of a list. */
void pcp_add(struct pcp *pcp, pfn_t pfn, unsigned order, enum migratetype mt);

void pcp_walk(struct pcp *pcp, unsigned cpu, void (*visit)(void *arg, const struct free_block *),
	      void *arg);
/* P1..P3, stated in pcp.c. */
int pcp_check(const struct pcp *pcp, unsigned cpu, struct check_report *report);

#endif
