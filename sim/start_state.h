/*
 * start_state.h - what is free when a run begins.
 */
#ifndef SIM_START_STATE_H
#define SIM_START_STATE_H

#include "sim/machine.h"
#include "sim/metrics.h"
#include "sim/trace.h"

/* What was found out about the start, for the report. */
struct start_report {
	uint64_t carved_blocks;      /* boot: blocks kept in use because the trace frees them */
	uint64_t outside_blocks;     /* boot: such blocks that the machine has no memory for */
	/* Recorded state. */
	/* read as used, but left the free lists only while reading */
	uint64_t reconciled_added_pages;
	uint64_t reconciled_removed_pages; /* read as free, but came free only while reading */
	uint64_t known_pageblocks;         /* type told by the trace */
	uint64_t cached_known_pages;       /* in a per-CPU list, told by the trace */
	uint64_t cached_assumed_pages;     /* in a per-CPU list, by zoneinfo's count alone */
	uint64_t cached_freed_pages;    /* of both, but free: this allocator has no per-CPU lists */
	uint64_t cached_unplaced_pages;    /* counted by zoneinfo, but no list could hold them */
	/* Objects. */
	uint64_t caches_recorded;     /* slabinfo and the simulation both have them */
	uint64_t caches_other_layout; /* of these: with other slabs here, so none could be placed */
	uint64_t slabs_placed;        /* where the trace shows them */
	uint64_t slabs_assumed;       /* counted by slabinfo, put into memory of unknown use */
	uint64_t slabs_missing;       /* counted by slabinfo, but there was no such memory */
	uint64_t objects_made;  /* that the trace frees, allocated before the start */
	bool tick_known[CPUS_LIMIT]; /* a moment of each CPU's vmstat worker, told by the trace */
	uint64_t tick_ns[CPUS_LIMIT];      /* since the start */
	struct free_counts free_start[ZONE_TYPES * 8]; /* by zone: the free map as it was read */
};

/*
 * As after boot: all managed memory is free but for what @trace (NULL: nothing) frees without
 * having allocated it. Returns 0, or -1 with @err.
 */
int start_boot(struct machine *m, const struct trace *trace, struct start_report *report,
	       struct err *err);

/*
 * The recorded state @truth at truth->freemap_start_ns. @trace (may be NULL) tells what the
 * snapshot cannot: pageblock types, order in the free lists, contents of per-CPU lists. Its events
 * up to
 * @end_ns (its own clock) are looked at. Returns 0, or -1 with @err.
 */
int start_recorded(struct machine *m, const struct truth *truth, const struct trace *trace,
		   uint64_t end_ns, struct start_report *report, struct err *err);

#endif
