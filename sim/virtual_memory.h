/*
 * virtual_memory.h - the address spaces and the vmalloc of a run: of its processes, which are those
 * of programs that map memory, and of the kernel.
 */
#ifndef SIM_VIRTUAL_MEMORY_H
#define SIM_VIRTUAL_MEMORY_H

#include "alloc/vmalloc.h"
#include "mm/address_space.h"
#include "mm/kernel_map.h"
#include "sim/config.h"
#include "sim/machine.h"
#include "sim/report_locks.h"

struct virtual_memory {
	struct address_space **spaces; /* by process; NULL: nothing maps there */
	unsigned spaces_count;
	struct kernel_map kernel_map;  /* of vmalloc, if there is one */
	struct vmalloc *vmalloc;      /* NULL: no step calls it */
	const uint32_t *cost_cycles;
};

/* Does a step of @c map memory or vmalloc? CPUs then interrupt each other. */
bool virtual_memory_wanted(const struct config *c);
/*
 * What @c needs, on @m, whose memory is in its start state and whose objects are made. Root tables
 * take pages of it, at no cost. 0, or -1 with @err; to be released either way.
 */
int virtual_memory_init(struct virtual_memory *v, const struct config *c, struct machine *m,
			struct err *err);
/* Before the machine. What is left is unmapped, unless a CPU was stopped in the middle of it. */
void virtual_memory_release(struct virtual_memory *v);
/* Verify all of it; 0, or -1 with @report. */
int virtual_memory_check(struct virtual_memory *v, struct check_report *report);

/* Add its locks to a run's. 0, or -1 with @err (ERR_IO: out of memory). */
int virtual_memory_locks(const struct virtual_memory *v, struct lock_report *report,
			 struct err *err);

struct json;
/* `virtual_memory` of run.json. */
void virtual_memory_report(const struct virtual_memory *v, const struct config *c, struct json *j);
/*
 * For people: a line for each process, one for vmalloc, and one for the interrupts of both, whose
 * senders waited @ipi_wait_ps for them, all together. Nothing without any of them.
 */
void virtual_memory_summary(const struct virtual_memory *v, const struct config *c,
			    ps_t ipi_wait_ps, FILE *out);

#endif
