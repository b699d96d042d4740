/*
 * numastat.c - see numastat.h.
 *
 * What was wanted is the node of the first zone that the request could have used: a node without
 * memory wants its nearest one's.
 *
 *   A CPU of node 0 allocates three times, the third when node 0 is full:
 *
 *                     node0  node1
 *     numa_hit            2      0
 *     numa_miss           0      1
 *     numa_foreign        1      0
 *     local_node          2      0
 *     other_node          0      1
 *
 * Invariant, by node: numa_hit + numa_miss = local_node + other_node, which is all that the node
 * gave; and over all nodes, numa_miss and numa_foreign are as many.
 */
#include "alloc/numastat.h"

#include <stdlib.h>
#include <string.h>

const char *const numa_item_names[NUMA_ITEMS] = {
#define X(id, name, meaning) #name,
	NUMA_ITEM_LIST(X)
#undef X
};

int numastat_init(struct numastat *ns, unsigned nodes_count, unsigned cpus_count,
		  const unsigned *cpu_nid)
{
	ns->nodes_count = nodes_count;
	ns->cpus_count = cpus_count;
	ns->cpu_nid = malloc(cpus_count * sizeof(*ns->cpu_nid));
	ns->counts = calloc((size_t)cpus_count * nodes_count, nodes_count * sizeof(*ns->counts));
	ns->interleaved_counts =
		calloc((size_t)cpus_count * nodes_count, sizeof(*ns->interleaved_counts));
	if (!ns->cpu_nid || !ns->counts || !ns->interleaved_counts) {
		numastat_release(ns);
		return -1;
	}
	memcpy(ns->cpu_nid, cpu_nid, cpus_count * sizeof(*ns->cpu_nid));
	return 0;
}

void numastat_release(struct numastat *ns)
{
	free(ns->cpu_nid);
	free(ns->counts);
	free(ns->interleaved_counts);
	memset(ns, 0, sizeof(*ns));
}

void numastat_sum(const struct numastat *ns, unsigned nid, struct page_node_stats *stats)
{
	size_t nodes = ns->nodes_count;
	uint64_t *sums = stats->counts;
	memset(stats, 0, sizeof(*stats));
	for (unsigned cpu = 0; cpu < ns->cpus_count; cpu++) {
		const uint64_t *of_cpu = &ns->counts[cpu * nodes * nodes];
		for (size_t wanted = 0; wanted < nodes; wanted++) {
			uint64_t got = of_cpu[wanted * nodes + nid];
			sums[wanted == nid ? NUMA_HIT : NUMA_MISS] += got;
			sums[nid == ns->cpu_nid[cpu] ? NUMA_LOCAL : NUMA_OTHER] += got;
		}
		for (size_t got = 0; got < nodes; got++)
			sums[NUMA_FOREIGN] += got == nid ? 0 : of_cpu[nid * nodes + got];
		sums[NUMA_INTERLEAVE] += ns->interleaved_counts[cpu * nodes + nid];
	}
}
