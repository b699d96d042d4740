/*
 * slab_evidence.h - what a trace tells of the objects that were there when a window of it begins.
 */
#ifndef SIM_SLAB_EVIDENCE_H
#define SIM_SLAB_EVIDENCE_H

#include "kern/err.h"
#include "kern/u64map.h"
#include "sim/object_stack.h"
#include "sim/trace.h"

#define EVIDENCE_NEVER UINT32_MAX

/* One recorded address of an object. */
struct place {
	uint64_t paddr;
	struct object_cache *cache; /* NULL: no event told */
	uint32_t first_alloc_seq;   /* of the first allocation in the window, or NEVER */
	uint16_t first_alloc_cpu;
	bool live;                  /* at the start of the window; else free */
	bool freed;                 /* live, and freed in the window */
	bool decided;               /* nothing in the window changes the above any more */
};

struct slab_evidence {
	struct place *places; /* in the order in which the trace first names them */
	uint64_t count, room;
	struct u64map by_paddr; /* index */
};

/*
 * Collect the places that events of @trace before @end_ns name and that lie in slabs older than
 * @start_ns. Returns 0, or -1 with @err if memory is short; release it in any case.
 */
int slab_evidence_collect(struct slab_evidence *e, const struct trace *trace, uint64_t start_ns,
			  uint64_t end_ns, const struct object_stack *stack, struct err *err);
void slab_evidence_release(struct slab_evidence *e);

#endif
