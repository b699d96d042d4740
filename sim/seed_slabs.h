/*
 * seed_slabs.h - which slabs a recorded machine had, and which of their objects were free.
 */
#ifndef SIM_SEED_SLABS_H
#define SIM_SEED_SLABS_H

#include "sim/machine.h"
#include "sim/start_state.h"
#include "sim/trace.h"

/*
 * Fill the caches of @m->objects as they were at @start_ns of @trace (its clock): with the slabs
 * that @truth counts (NULL: nothing is known of them) and, above all, with the objects that the
 * trace frees between @start_ns and @end_ns without having allocated them, which
 * @m->objects.start_objects then names. The page allocator is in its start state. Returns 0, or -1
 * with @err.
 */
int seed_slabs(struct machine *m, const struct truth *truth, const struct trace *trace,
	       uint64_t start_ns, uint64_t end_ns, struct start_report *report, struct err *err);

#endif
