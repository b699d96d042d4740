/*
 * machine.h - the simulated machine of a run: memory, watermarks, page allocator, CPUs.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include "alloc/page_allocator.h"
#include "hw/memory.h"
#include "sim/config.h"
#include "sim/object_stack.h"
#include "sim/truth.h"

struct machine {
	struct physmem pm;
	struct page_allocator *pa;
	struct memory *memory;       /* caches and TLBs; NULL: none are simulated */
	struct object_stack objects; /* made by run.c, once the start state is known */
	unsigned cpus_count;
	unsigned cpu_nid[CPUS_LIMIT];
};

/*
 * Build the machine of @c, or, with @truth (whose CPUs and orders @c has taken over), one of the
 * recorded zones and watermarks. No page is free yet. @c outlives the machine, whose caches read
 * it. Returns 0, or -1 with @err.
 */
int machine_init(struct machine *m, const struct config *c, const struct truth *truth,
		 struct err *err);
void machine_release(struct machine *m);

#endif
