/*
 * metrics_list.c - see metrics_list.h. run.schema.json describes every key; these are the ones that
 * people compare.
 *
 * A figure has a direction only if a change of it alone is good or bad news. What measures the
 * amount of some work (splits, merges, refills) is neutral: that work has its price in the
 * latencies and in the time that locks are waited for, which have a direction. Parts of the waste
 * and fast paths have one in the sums over all objects only: one cause often replaces another. So
 * it is with cycles: the time of all causes has a direction, and so have accesses that are dear.
 */
#include "sim/metrics_list.h"

#include <stddef.h>
#include <string.h>

#define LOWER  METRIC_LOWER_IS_BETTER
#define HIGHER METRIC_HIGHER_IS_BETTER
#define NONE   METRIC_NEUTRAL

const struct metric_info metrics_list[] = {
	{"totals.ops_count", "operations", NONE, "allocations, frees and other steps performed"},
	{"totals.failed_count", "operations", LOWER, "allocations that found no page"},
	{"totals.held_pages", "pages", NONE, "blocks of pages that the workload holds"},
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
	{"zones_total.splits_count", "steps", NONE, "blocks cut in half, in all zones"},
	{"zones_total.merges_count", "steps", NONE, "buddies put together, in all zones"},
	{"zones_total.claims_count", "blocks", NONE,
	 "fallbacks of all zones that changed a pageblock's migratetype"},
	{"zones_total.steals_count", "blocks", LOWER,
	 "fallbacks of all zones that mixed migratetypes in a pageblock"},
	{"numa[].numa_hit_count", "operations", NONE, "allocations that got the node they wanted"},
	{"numa[].numa_miss_count", "operations", LOWER,
	 "allocations that got this node's memory and had wanted another's"},
	{"numa[].numa_foreign_count", "operations", LOWER,
	 "allocations that wanted this node and got another's memory"},
	{"numa[].interleave_hit_count", "operations", NONE,
	 "allocations that got this node in its turn of an interleaving"},
	{"numa[].local_node_count", "operations", NONE,
	 "allocations that got this node's memory on one of its CPUs"},
	{"numa[].other_node_count", "operations", LOWER,
	 "allocations that got this node's memory on a CPU of another"},
	{"objects.requested_bytes", "bytes", NONE, "asked for by the holders of all objects"},
	{"objects.given_bytes", "bytes", NONE, "what the holders of all objects may write"},
	{"objects.held_bytes", "bytes", LOWER, "memory of all objects: requested and wasted"},
	{"objects.waste_bytes", "bytes", LOWER, "held without being requested"},
	{"objects.class_rounding_bytes", "bytes", LOWER, "waste: size classes above the request"},
	{"objects.object_overhead_bytes", "bytes", LOWER, "waste: alignment, red zones, headers"},
	{"objects.free_objects_bytes", "bytes", LOWER, "waste: free objects in slabs"},
	{"objects.slab_tail_bytes", "bytes", LOWER,
	 "waste: ends of slabs, too short for an object"},
	{"objects.single_pages", "pages", LOWER, "pages of slabs that one live object holds"},
	{"objects.slabs_single_count", "slabs", LOWER, "slabs that one live object holds"},
	{"objects.slabs_empty_count", "slabs", NONE, "slabs without live objects"},
	{"objects.live_count", "objects", NONE, "objects that users hold"},
	{"objects.allocs_count", "operations", NONE, "allocations of objects"},
	{"objects.frees_count", "operations", NONE, "frees of objects"},
	{"objects.failed_count", "operations", LOWER, "allocations that found no memory"},
	{"objects.fast_allocs_count", "operations", HIGHER, "from the CPU's own free list alone"},
	{"objects.slow_allocs_count", "operations", LOWER, "allocations that took more"},
	{"objects.fast_frees_count", "operations", HIGHER, "to the CPU's own free list alone"},
	{"objects.slow_frees_count", "operations", LOWER, "frees that took more"},
	{"objects.peak.held_bytes", "bytes", LOWER, "the most memory held, of all samples"},
	{"objects.peak.waste_bytes", "bytes", LOWER, "waste at that moment"},
	{"objects.unknown_frees_count", "operations", NONE,
	 "frees of recorded objects that the simulation lacks"},
	{"objects.sleep_violations_count", "operations", LOWER,
	 "operations that may sleep where that is forbidden"},
	{"objects.page_requests_count", "blocks", NONE,
	 "slabs and large requests taken from the page allocator"},
	{"objects.page_frees_count", "blocks", NONE, "such blocks given back"},
	{"objects.lock_acquired_count", "times", LOWER,
	 "locks taken of lists of slabs that CPUs share, all caches together"},
	{"objects.lock_contended_count", "times", LOWER, "of these, locks that were held"},
	{"caches[].lock_acquired_count", "times", LOWER, "the same of one cache"},
	{"caches[].lock_contended_count", "times", LOWER, "of these, locks that were held"},
	{"objects.recorded_page_requests_count", "blocks", NONE,
	 "slabs and large requests of the recorded kernel, left to the simulated allocator"},
	{"objects.recorded_page_frees_count", "blocks", NONE, "such blocks given back"},
	{"objects.failures.*", "operations", LOWER, "failed allocations of objects by cause"},
	{"caches[].requested_bytes", "bytes", NONE, "asked for by the holders of a cache"},
	{"caches[].given_bytes", "bytes", NONE, "what the holders of a cache may write"},
	{"caches[].held_bytes", "bytes", LOWER, "memory of a cache: requested and wasted"},
	{"caches[].waste_bytes", "bytes", LOWER, "held without being requested"},
	{"caches[].class_rounding_bytes", "bytes", NONE, "waste: size classes above the request"},
	{"caches[].object_overhead_bytes", "bytes", NONE, "waste: alignment, red zones, headers"},
	{"caches[].free_objects_bytes", "bytes", NONE, "waste: free objects in slabs"},
	{"caches[].slab_tail_bytes", "bytes", NONE,
	 "waste: ends of slabs, too short for an object"},
	{"caches[].single_pages", "pages", LOWER, "pages of slabs that one live object holds"},
	{"caches[].slabs_single_count", "slabs", LOWER, "slabs that one live object holds"},
	{"caches[].slabs_empty_count", "slabs", NONE, "slabs without live objects"},
	{"caches[].live_count", "objects", NONE, "objects that users hold"},
	{"caches[].allocs_count", "operations", NONE, "allocations of objects"},
	{"caches[].frees_count", "operations", NONE, "frees of objects"},
	{"caches[].failed_count", "operations", LOWER, "allocations that found no memory"},
	{"caches[].fast_allocs_count", "operations", NONE, "from the CPU's own free list alone"},
	{"caches[].slow_allocs_count", "operations", NONE, "allocations that took more"},
	{"caches[].fast_frees_count", "operations", NONE, "to the CPU's own free list alone"},
	{"caches[].slow_frees_count", "operations", NONE, "frees that took more"},
	{"caches[].refills_*_count", "times", NONE,
	 "allocations that took a slab or its free list over"},
	{"caches[].slabs_new_count", "slabs", NONE, "slabs made"},
	{"caches[].slabs_freed_count", "slabs", NONE, "slabs given back"},
	{"caches[].slabs_fallback_count", "slabs", LOWER,
	 "slabs made small for want of larger blocks"},
	{"caches[].slabs_count", "slabs", NONE, "slabs at the end"},
	{"caches[].slabs_partial_count", "slabs", NONE, "slabs with live and free objects"},
	{"caches[].pages_count", "pages", NONE, "pages of all slabs"},
	{"caches[].lock_contended_count", "times", LOWER,
	 "a cache's list lock was not free on arrival"},
	{"caches[].lock_wait_ns_total", "ns", LOWER, "time CPUs waited for a cache's list lock"},
	{"pcp[].count_pages", "pages", NONE, "in a CPU's lists at the end"},
	{"pcp[].refills_count", "times", NONE,
	 "a CPU's list was empty and took a batch from the zone"},
	{"pcp[].drains_count", "times", NONE, "a CPU gave pages back to the zone"},
	{"pcp_total.count_pages", "pages", NONE, "in all CPUs' lists at the end"},
	{"pcp_total.refills_count", "times", NONE, "such refills of all CPUs"},
	{"pcp_total.refilled_pages", "pages", NONE, "that these took from the zones"},
	{"pcp_total.drains_count", "times", NONE, "such returns of all CPUs"},
	{"pcp_total.drained_pages", "pages", NONE, "that these gave back"},
	{"cpus[].ops_count", "operations", NONE, "operations of a CPU"},
	{"cpus[].busy_ns", "ns", LOWER, "time a CPU spent in operations, lock waits included"},
	{"cpus[].interrupts_count", "times", NONE, "interrupts that a CPU took"},
	{"cpus[].interrupts_ns", "ns", NONE, "time it spent in them"},
	{"cpus[].interrupt_delay_ns_total", "ns", NONE,
	 "from their arrival until they were taken, all together"},
	{"cpus[].interrupt_delay_ns_max", "ns", LOWER, "the longest of these delays"},
	{"cpus[].irqs_off_ns_max", "ns", LOWER,
	 "the longest time that a workload's lock kept interrupts off"},
	{"cycles.charged_cycles", "cycles", NONE, "cycles of all CPUs, waiting not included"},
	{"cycles.active_ns", "ns", LOWER, "time of all CPUs in operations, waiting included"},
	{"cycles.allocator_cycles", "cycles", NONE, "the allocators' own code"},
	{"cycles.zero_cycles", "cycles", NONE, "clearing, filling and copying memory"},
	{"cycles.lock_cycles", "cycles", NONE, "taking locks, without waiting for them"},
	{"cycles.cache*_cycles", "cycles", NONE,
	 "accesses that this level of caches answered, beyond a first-level hit"},
	{"cycles.dram_cycles", "cycles", NONE, "accesses to memory of the CPU's own node"},
	{"cycles.dram_remote_cycles", "cycles", NONE, "accesses to memory of other nodes"},
	{"cycles.transfer_cycles", "cycles", NONE, "accesses to lines in other CPUs' caches"},
	{"cycles.tlb_cycles", "cycles", NONE,
	 "second-level TLB hits and page walks, without reading"},
	{"cycles.walk_cycles", "cycles", NONE, "reading page tables through the caches"},
	{"cycles.flush_cycles", "cycles", NONE, "invalidating TLB entries"},
	{"cycles.interrupt_cycles", "cycles", NONE, "entering, leaving and sending interrupts"},
	{"cycles.work_cycles", "cycles", NONE, "the workload's own computing"},
	{"cycles.lock_wait_ns", "ns", LOWER, "time that CPUs waited for locks"},
	{"cycles.ipi_wait_ns", "ns", LOWER, "time that CPUs waited for others' handlers"},
	{"cycles.idle_ns", "ns", NONE, "time in which CPUs had nothing to do"},
	{"cycles.*_ns", "ns", NONE, "the time of these cycles"},
	{"cycles.cpus[].*_cycles", "cycles", NONE, "the same of one CPU"},
	{"memory_system.accesses_count", "lines", NONE, "cache lines that were accessed"},
	{"memory_system.caches[].accesses_count", "lines", NONE, "that reached a level of caches"},
	{"memory_system.caches[].hits_count", "lines", NONE, "that the level answered"},
	{"memory_system.caches[].misses_count", "lines", LOWER, "that it did not"},
	{"memory_system.caches[].miss_ratio", "0..1", NONE, "misses by accesses of the level"},
	{"memory_system.dram_local_count", "lines", NONE, "from memory of the CPU's own node"},
	{"memory_system.dram_remote_count", "lines", LOWER, "from memory of other nodes"},
	{"memory_system.transfers_*_count", "lines", LOWER,
	 "from other CPUs' caches: sharing one, of the node, beyond"},
	{"memory_system.upgrades_count", "times", NONE,
	 "writes that made others lose their copies"},
	{"memory_system.invalidated_count", "lines", NONE, "lost to other CPUs' writes"},
	{"memory_system.writebacks_count", "lines", NONE, "dirty lines to memory"},
	{"memory_system.translations_count", "times", NONE, "lookups in TLBs"},
	{"memory_system.tlb1_hits_count", "times", NONE, "answered by the first level"},
	{"memory_system.tlb2_hits_count", "times", NONE, "answered by the second level"},
	{"memory_system.tlb1_miss_ratio", "0..1", NONE, "first-level misses by translations"},
	{"memory_system.walks_count", "times", LOWER, "page walks"},
	{"memory_system.walk_ratio", "0..1", NONE, "page walks by translations"},
	{"memory_system.walk_refs_count", "times", NONE, "table entries that walks read"},
	{"memory_system.refs_per_walk", "ratio", NONE, "table entries that a walk reads"},
	{"memory_system.tlb_flushed_pages_count", "pages", NONE, "invalidated one by one"},
	{"memory_system.tlb_flushes_count", "times", NONE, "invalidations of everything"},
	{"locks_total.acquired_count", "times", NONE, "locks were taken, all together"},
	{"locks_total.contended_count", "times", LOWER, "of these, locks that were held"},
	{"locks_total.transfers_count", "times", NONE, "another CPU had held the lock before"},
	{"locks_total.wait_ns_total", "ns", LOWER, "time CPUs waited for locks, all together"},
	{"locks_total.wait_ns_max", "ns", LOWER, "the longest wait for any lock"},
	{"locks_total.hold_ns_total", "ns", LOWER, "time that locks were held, all together"},
	{"locks_total.hold_ns_max", "ns", LOWER, "the longest time that any lock was held"},
	{"locks[].acquired_count", "times", NONE, "a lock was taken"},
	{"locks[].contended_count", "times", LOWER, "a lock was not free on arrival"},
	{"locks[].transfers_count", "times", NONE, "another CPU had held the lock before"},
	{"locks[].wait_ns_total", "ns", LOWER, "time CPUs waited for a lock"},
	{"locks[].wait_ns_max", "ns", LOWER, "the longest of these waits"},
	{"locks[].wait_ns_mean", "ns", NONE, "the mean wait of an acquisition"},
	{"locks[].hold_ns_total", "ns", LOWER, "time a lock was held"},
	{"locks[].hold_ns_max", "ns", LOWER, "the longest time it was held at once"},
	{"locks[].waiting_max", "CPUs", NONE, "CPUs that waited at the same time, at most"},
	{"locks[].waiting_mean", "CPUs", NONE, "CPUs that waited, on average over the run"},
	{"locks[].spinning_cpus_mean", "CPUs", NONE,
	 "of these, CPUs that a spin lock kept busy"},
	{"locks[].waiter_bytes_*", "bytes", LOWER,
	 "memory of those who slept for a mutex: at most, on average"},
	{"locking.sleep_violations_count", "operations", LOWER,
	 "operations that may sleep where that is forbidden"},
	{"locking.deadlocked_cpus_count", "CPUs", LOWER, "CPUs that wait for locks for ever"},
	{"programs[].rounds_count", "rounds", NONE, "rounds that a program completed"},
	{"programs[].rounds_per_s", "1/s", HIGHER,
	 "the same for each second of simulated time, until the program's own CPUs were done"},
	{"programs[].accesses_count", "times", NONE, "accesses to memory by touch"},
	{"programs[].failed_accesses_count", "times", LOWER,
	 "accesses that found no page, or no right"},
	{"programs[].failed_maps_count", "times", LOWER, "vmalloc and mmap that found no memory"},
	{"programs[].skipped_count", "steps", LOWER, "steps on what could not be allocated"},
	{"fidelity.*.skill", "ratio", HIGHER,
	 "slab pages, active objects: 1 is perfect, 0 like doing nothing"},
	{"fidelity.*.error", "count", LOWER,
	 "slab pages, active objects: distance to the recording"},
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
