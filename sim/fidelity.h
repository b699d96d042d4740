/*
 * fidelity.h - how close a replay came to what the recorded kernel did.
 */
#ifndef SIM_FIDELITY_H
#define SIM_FIDELITY_H

#include <stdio.h>

#include "sim/machine.h"
#include "sim/metrics.h"
#include "sim/trace.h"

/*
 * Scores of one zone. With N(o) the number of free blocks of order o:
 *   error = sum |N_sim - N_true| / sum N_true     0 is perfect
 *   drift = the same with the start's N for N_sim: what a model that does nothing would get
 *   skill = 1 - error / drift                     1 is perfect, 0 no better than doing nothing
 */
struct fidelity_zone {
	struct free_counts sim, truth, start;
	uint64_t error_blocks, drift_blocks, true_blocks; /* the sums */
	/* Pages that went to per-CPU lists from the zone and back. */
	uint64_t refilled_pages_true, refilled_pages_sim, drained_pages_true, drained_pages_sim;
};

/* An object cache that slabinfo has at the start and at the end, and the simulation too. */
struct fidelity_cache {
	char name[TRUTH_CACHE_NAME_SIZE];
	uint64_t pages_per_slab;
	uint64_t slabs_start, slabs_true, slabs_sim;
	uint64_t active_start, active_true, active_sim; /* objects, as slabinfo counts them */
};

struct fidelity {
	struct fidelity_zone zones[ZONE_TYPES * 8];
	unsigned zones_count;
	struct fidelity_cache *caches; /* heap; in the order of the recorded end */
	unsigned caches_count;
	/*
	 * Over all caches: distance of simulated and recorded end, of start and recorded end, and
	 * the recorded end itself. Error, drift and skill follow as for zones.
	 */
	struct fidelity_sum {
		uint64_t error, drift, total;
	} slab_pages, active_objects;
};

/* Compare the present state of @m with the end of @truth; @start: by zone, as recorded. */
void fidelity_score(struct fidelity *f, struct machine *m, const struct truth *truth,
		    const struct free_counts *start);
/* Add the traffic of per-CPU lists: the evidence of @trace between two times (its clock) and @m's.
 */
void fidelity_traffic(struct fidelity *f, struct machine *m, const struct trace *trace,
		      uint64_t start_ns, uint64_t end_ns);

/*
 * Compare the object caches of @m with @truth's slabinfo. Returns 0, or -1 with @err if memory is
 * short.
 */
int fidelity_caches(struct fidelity *f, struct machine *m, const struct truth *truth,
		    struct err *err);
void fidelity_release(struct fidelity *f);
/* Tables for people. */
void fidelity_print(const struct fidelity *f, struct machine *m, FILE *out);
bool fidelity_sum_skill(const struct fidelity_sum *s, double *skill);

/* False where a figure is not defined (nothing free in the truth; no drift). */
bool fidelity_error(const struct fidelity_zone *z, double *error);
bool fidelity_drift(const struct fidelity_zone *z, double *drift);
bool fidelity_skill(const struct fidelity_zone *z, double *skill);

#endif
