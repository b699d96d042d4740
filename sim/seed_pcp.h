/*
 * seed_pcp.h - what was in the per-CPU lists of a recorded machine.
 */
#ifndef SIM_SEED_PCP_H
#define SIM_SEED_PCP_H

#include "sim/blockmap.h"
#include "sim/start_state.h"

/*
 * Fill the per-CPU lists of @m as the trace between @start_ns and @end_ns (its clock; @trace may be
 * NULL) and zoneinfo's counts tell. @free: what the free lists will hold; where there are no
 * per-CPU lists, their pages are added to it. Returns 0, or -1 with @err.
 */
int seed_pcp(struct machine *m, const struct truth *truth, const struct trace *trace,
	     uint64_t start_ns, uint64_t end_ns, struct blockmap *free,
	     struct start_report *report, struct err *err);

#endif
