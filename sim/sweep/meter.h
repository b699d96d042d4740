/*
 * meter.h - says on standard error how far a sweep is.
 */
#ifndef SIM_SWEEP_METER_H
#define SIM_SWEEP_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/sweep/cell.h"
#include "sim/sweep/run.h"

struct meter {
	enum sweep_progress kind; /* not AUTO */
	FILE *out;
	uint64_t total_count;  /* points that were chosen */
	uint64_t done_count;   /* of them, also by calls before */
	uint64_t failed_count; /* of them, also by calls before and not tried again */
	uint64_t todo_count;   /* what this call has to do */
	uint64_t ended_count;  /* ... and has done, well or not */
	unsigned running_count;
	uint64_t started_ns, said_ns; /* of the host's monotonic clock; said: the last line */
	bool drawn;
};

/* PROGRESS_AUTO becomes a bar on a terminal and lines elsewhere. Counts are set by the caller. */
void meter_init(struct meter *m, enum sweep_progress kind, FILE *out);
/* Call it when a count may have changed and when meter_due_ns() has come. */
void meter_update(struct meter *m);
/* When it wants to say something though nothing happened; UINT64_MAX: never. */
uint64_t meter_due_ns(const struct meter *m);
/* A point has ended, as @cell says; the counts are up to date. */
void meter_point(struct meter *m, const struct plan_point *point, const struct cell *cell);
/* Erase the bar. */
void meter_done(struct meter *m);

/* The text of the bar or line, without control characters. */
void meter_format(const struct meter *m, uint64_t elapsed_ns, char *buf, size_t size);

#endif
