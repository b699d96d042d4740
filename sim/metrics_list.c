/*
 * metrics_list.c - see metrics_list.h. run.schema.json describes every key; these are the ones that
 * people compare.
 */
#include "sim/metrics_list.h"

#include <stddef.h>

const struct metric_info metrics_list[] = {
	{"totals.ops_count", "operations", "allocations and frees performed"},
	{"totals.failed_count", "operations", "allocations that found no page; lower is better"},
	{"totals.simulated_ns", "ns", "simulated time until the last CPU was done"},
	{"totals.late_ops_count", "operations",
	 "started after their recorded time: their CPU was busy"},
	{"totals.skipped_frees_count", "operations",
	 "frees of allocations that failed in the simulation"},
	{"totals.conflicting_frees_count", "operations",
	 "frees of pages whose allocation was not recorded"},
	{"failures.no_memory_count", "operations", "failed: fewer free pages than asked for"},
	{"failures.fragmented_count", "operations",
	 "failed: enough free pages, no block large enough"},
	{"failures.watermark_count", "operations",
	 "failed: the block is kept for more urgent requests"},
	{"latency[].p50_ns", "ns",
	 "median latency of an order and path; also p90, p99, p99_9, max"},
	{"fragmentation.unusable_index[]", "0..1",
	 "by order: free memory in blocks that are too small; lower is better"},
	{"fragmentation.extfrag_index[]", "-1..1",
	 "by order: -1 a block is free; to 0 lack of memory, to 1 fragmentation"},
	{"fragmentation.largest_free_order", "order", "largest order with a free block; -1: none"},
	{"zones[].free_blocks[]", "blocks",
	 "free blocks by order at the end; free_blocks_start at the start"},
	{"zones[].splits_count", "steps", "blocks cut in half"},
	{"zones[].merges_count", "steps", "buddies put together"},
	{"zones[].claims_count", "blocks", "fallbacks that changed a pageblock's migratetype"},
	{"zones[].steals_count", "blocks",
	 "fallbacks that mixed migratetypes in a pageblock; lower is better"},
	{"pcp[].count_pages", "pages", "in a CPU's lists at the end"},
	{"pcp[].refills_count", "times", "a CPU's list was empty and took a batch from the zone"},
	{"pcp[].drains_count", "times", "a CPU gave pages back to the zone"},
	{"cpus[].busy_ns", "ns", "time a CPU spent in operations, lock waits included"},
	{"locks[].wait_ns_total", "ns", "time CPUs waited for a zone's lock; lower is better"},
	{"locks[].contended_count", "times", "a zone's lock was not free on arrival"},
	{"fidelity.zones[].block_count_error", "ratio",
	 "distance to the recorded end state; 0 is perfect"},
	{"fidelity.zones[].block_count_drift", "ratio", "the same for a model that does nothing"},
	{"fidelity.zones[].block_count_skill", "ratio",
	 "1 - error / drift; 1 is perfect, 0 like doing nothing"},
	{"host.ops_per_second", "1/s", "speed of the simulation on this host"},
	{"host.wall_seconds", "s", "host time of the simulation, without loading"},
	{"host.rss_bytes_max", "bytes", "host memory used"},
	{NULL, NULL, NULL},
};
