/*
 * numastat.h - which node's memory allocations got: Linux's counters of the same name.
 *
 * Each CPU counts for itself, so counting needs no other CPU. An allocation of any order counts
 * once, as in Linux.
 */
#ifndef ALLOC_NUMASTAT_H
#define ALLOC_NUMASTAT_H

#include "kern/physmem.h"

/* X(enum suffix, Linux's name, meaning): counted at the node that the memory is of, but MISSED. */
#define NUMA_ITEM_LIST(X)                                                                          \
	X(HIT, numa_hit, "allocations that wanted this node and got it")                           \
	X(MISS, numa_miss, "that got this node's memory, but had wanted another's")                \
	X(FOREIGN, numa_foreign, "that wanted this node, and got another's memory")                \
	X(INTERLEAVE, interleave_hit, "of numa_hit: the node was its turn in an interleaving")     \
	X(LOCAL, local_node, "that got this node's memory on one of its CPUs")                     \
	X(OTHER, other_node, "that got this node's memory on a CPU of another node")

enum numa_item {
#define X(id, name, meaning) NUMA_##id,
	NUMA_ITEM_LIST(X)
#undef X
	NUMA_ITEMS,
};
extern const char *const numa_item_names[NUMA_ITEMS];

/* Of one node, summed over the CPUs. */
struct page_node_stats {
	uint64_t counts[NUMA_ITEMS];
};

struct numastat {
	unsigned nodes_count, cpus_count;
	unsigned *cpu_nid;
	/* By CPU, node wanted, node got: all items but one follow from these. */
	uint64_t *counts;
	uint64_t *interleaved_counts; /* by CPU, node */
};

/* 0, or -1 if the host is out of memory; then there is nothing to release. */
int numastat_init(struct numastat *ns, unsigned nodes_count, unsigned cpus_count,
		  const unsigned *cpu_nid);
void numastat_release(struct numastat *ns);

/* CPU @cpu wanted memory of node @wanted_nid and got some of node @nid. */
static inline void numastat_count(struct numastat *ns, unsigned cpu, unsigned wanted_nid,
				  unsigned nid)
{
	size_t nodes = ns->nodes_count;
	ns->counts[(cpu * nodes + wanted_nid) * nodes + nid]++;
}

/* An interleaving had node @nid's turn, and the allocation got it. */
static inline void numastat_interleaved(struct numastat *ns, unsigned cpu, unsigned nid)
{
	ns->interleaved_counts[(size_t)cpu * ns->nodes_count + nid]++;
}

void numastat_sum(const struct numastat *ns, unsigned nid, struct page_node_stats *stats);

#endif
