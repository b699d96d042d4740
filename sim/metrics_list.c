/*
 * metrics_list.c - see metrics_list.h. run.schema.json describes every key; these are the ones that
 * people compare.
 *
 * A figure has a direction only if a change of it alone is good or bad news. What measures the
 * amount of some work (splits, merges, refills) is neutral: that work has its price in the
 * latencies and in the time that locks are waited for, which have a direction.
 */
#include "sim/metrics_list.h"

#include <stddef.h>
#include <string.h>

#define LOWER  METRIC_LOWER_IS_BETTER
#define HIGHER METRIC_HIGHER_IS_BETTER
#define NONE   METRIC_NEUTRAL

const struct metric_info metrics_list[] = {
	{"totals.ops_count", "operations", NONE, "allocations and frees performed"},
	{"totals.failed_count", "operations", LOWER, "allocations that found no page"},
	{"totals.simulated_ns", "ns", LOWER, "simulated time until the last CPU was done"},
	{"totals.late_ops_count", "operations", LOWER,
	 "started after their recorded time: their CPU was busy"},
	{"totals.late_ns_max", "ns", LOWER, "the longest delay of such an operation"},
	{"totals.skipped_frees_count", "operations", NONE,
	 "frees of allocations that failed in the simulation"},
	{"totals.conflicting_frees_count", "operations", NONE,
	 "frees of pages whose allocation was not recorded"},
	{"failures.no_memory_count", "operations", LOWER,
	 "failed: fewer free pages than asked for"},
	{"failures.fragmented_count", "operations", LOWER,
	 "failed: enough free pages, no block large enough"},
	{"failures.watermark_count", "operations", LOWER,
	 "failed: the block is kept for more urgent requests"},
	{"failures.split_limit_count", "operations", LOWER,
	 "failed: the block may not be split so far"},
	{"latency[].count", "operations", NONE,
	 "operations of an order and path; compare adds latency[OP]"},
	{"latency[].min_ns", "ns", LOWER, "shortest latency of an order and path"},
	{"latency[].mean_ns", "ns", LOWER, "mean latency"},
	{"latency[].p50_ns", "ns", LOWER, "median latency"},
	{"latency[].p90_ns", "ns", LOWER, "latency that 1 operation in 10 exceeds"},
	{"latency[].p99_ns", "ns", LOWER, "latency that 1 operation in 100 exceeds"},
	{"latency[].p99_9_ns", "ns", LOWER, "latency that 1 operation in 1000 exceeds"},
	{"latency[].max_ns", "ns", LOWER, "longest latency"},
	{"fragmentation.unusable_index[]", "0..1", LOWER,
	 "by order: free memory in blocks that are too small"},
	{"fragmentation.unusable_index_start[]", "0..1", NONE, "the same at the start"},
	{"fragmentation.extfrag_index[]", "-1..1", NONE,
	 "by order: -1 a block is free; to 0 lack of memory, to 1 fragmentation"},
	{"fragmentation.largest_free_order", "order", HIGHER,
	 "largest order with a free block; -1: none"},
	{"zones[].unusable_index[]", "0..1", LOWER, "by order: the index of one zone"},
	{"zones[].free_blocks[]", "blocks", NONE, "free blocks by order at the end"},
	{"zones[].free_blocks_start[]", "blocks", NONE, "free blocks by order at the start"},
	{"zones[].free_blocks_by_migratetype.*[]", "blocks", NONE,
	 "free blocks on the lists of a migratetype"},
	{"zones[].pageblocks_by_migratetype.*", "pageblocks", NONE, "pageblocks of a migratetype"},
	{"zones[].splits_count", "steps", NONE, "blocks cut in half"},
	{"zones[].merges_count", "steps", NONE, "buddies put together"},
	{"zones[].claims_count", "blocks", NONE,
	 "fallbacks that changed a pageblock's migratetype"},
	{"zones[].steals_count", "blocks", LOWER,
	 "fallbacks that mixed migratetypes in a pageblock"},
	{"pcp[].count_pages", "pages", NONE, "in a CPU's lists at the end"},
	{"pcp[].refills_count", "times", NONE,
	 "a CPU's list was empty and took a batch from the zone"},
	{"pcp[].drains_count", "times", NONE, "a CPU gave pages back to the zone"},
	{"cpus[].ops_count", "operations", NONE, "operations of a CPU"},
	{"cpus[].busy_ns", "ns", LOWER, "time a CPU spent in operations, lock waits included"},
	{"locks[].acquired_count", "times", NONE, "a zone's lock was taken"},
	{"locks[].contended_count", "times", LOWER, "a zone's lock was not free on arrival"},
	{"locks[].wait_ns_total", "ns", LOWER, "time CPUs waited for a zone's lock"},
	{"locks[].wait_ns_max", "ns", LOWER, "the longest of these waits"},
	{"locks[].hold_ns_total", "ns", LOWER, "time a zone's lock was held"},
	{"fidelity.zones[].block_count_error", "ratio", LOWER,
	 "distance to the recorded end state; 0 is perfect"},
	{"fidelity.zones[].block_count_drift", "ratio", NONE,
	 "the same for a model that does nothing"},
	{"fidelity.zones[].block_count_skill", "ratio", HIGHER,
	 "1 - error / drift; 1 is perfect, 0 like doing nothing"},
	{"checks.violations_count", "times", LOWER, "invariants found broken"},
	{"host.ops_per_second", "1/s", HIGHER, "speed of the simulation on this host"},
	{"host.wall_seconds", "s", LOWER, "host time of the simulation, without loading"},
	{"host.setup_seconds", "s", LOWER, "host time of loading"},
	{"host.rss_bytes_max", "bytes", LOWER, "host memory used"},
	{NULL, NULL, NONE, NULL},
};

bool metric_matches(const char *pattern, const char *key)
{
	const char *star = NULL, *retry = NULL;

	/* As with one * at a time: a later * makes an earlier one's choice final. */
	while (*key) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = key;
		} else if (pattern[0] == '[' && pattern[1] == ']' && *key == '[' &&
			   strchr(key, ']')) {
			pattern += 2;
			key = strchr(key, ']') + 1;
		} else if (*pattern == *key) {
			pattern++;
			key++;
		} else if (star) {
			pattern = star;
			key = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

const struct metric_info *metrics_list_find(const char *key)
{
	const struct metric_info *m;

	for (m = metrics_list; m->key; m++)
		if (metric_matches(m->key, key))
			return m;
	return NULL;
}

const char *metric_direction_text(enum metric_direction direction)
{
	static const char *const texts[] = {"", "lower is better", "higher is better"};

	return texts[direction];
}
