/*
 * import_impl.h - what the parts of the import of kernel traces share: import.c has the state and
 * the pages, import_object.c the objects. Internal to the import.
 */
#ifndef SIM_IMPORT_IMPL_H
#define SIM_IMPORT_IMPL_H

#include "kern/pfnset.h"
#include "sim/import_line.h"
#include "sim/import_live.h"
#include "sim/import_object.h"
#include "sim/trace_format.h"

#define FINDINGS 14

struct import {
	struct textin *in;
	const struct import_parser *parser; /* NULL: not known yet */
	struct trace_writer *writer;
	struct trace_report *report;
	volatile const int *stop;
	struct err *err;
	struct live_map live;
	struct pfnset seen;
	struct gfp_cache gfps;
	struct object_tracker objects;
	uint64_t last_ns[TRACE_CPUS_LIMIT];
	uint64_t base_ns;
	bool based; /* base_ns is set */
	bool moved; /* the current event, to a later time */
	uint32_t seq, next_id;
	uint64_t lost_total;  /* as the recorder sums up */
	uint64_t lost_missed; /* as it said where it happened */
	uint64_t first_line[FINDINGS];
};

/* ERR_TRACE at the present line; -1. */
int import_error_here(const struct import *im, const char *what);
int import_out_of_memory(const struct import *im);
/* Count @n of what @counter (a field of im->report) counts. */
void import_note(struct import *im, uint64_t *counter, uint64_t n);
/* Write a record; what is not in @rec yet: seq. */
int import_emit(struct import *im, struct trace_rec rec, gfp_t gfp);
/* The next id, or -1 when there are no more. */
int64_t import_new_id(struct import *im);

#endif
