/*
 * fidelity.h - how close a replay came to what the recorded kernel did.
 */
#ifndef SIM_FIDELITY_H
#define SIM_FIDELITY_H

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

struct fidelity {
	struct fidelity_zone zones[ZONE_TYPES * 8];
	unsigned zones_count;
};

/* Compare the present state of @m with the end of @truth; @start: by zone, as recorded. */
void fidelity_score(struct fidelity *f, struct machine *m, const struct truth *truth,
		    const struct free_counts *start);
/* Add the traffic of per-CPU lists: the evidence of @trace between two times (its clock) and @m's.
 */
void fidelity_traffic(struct fidelity *f, struct machine *m, const struct trace *trace,
		      uint64_t start_ns, uint64_t end_ns);

/* False where a figure is not defined (nothing free in the truth; no drift). */
bool fidelity_error(const struct fidelity_zone *z, double *error);
bool fidelity_drift(const struct fidelity_zone *z, double *drift);
bool fidelity_skill(const struct fidelity_zone *z, double *skill);

#endif
