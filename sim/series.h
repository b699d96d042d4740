/*
 * series.h - the state of memory over simulated time, one CSV row a sample.
 */
#ifndef SIM_SERIES_H
#define SIM_SERIES_H

#include <stdio.h>

#include "sim/replay.h"

struct series {
	struct replay *replay;
	unsigned cpus_count;
	ps_t interval_ps;
	FILE *out;                /* NULL: sample without writing */
	uint64_t rows_count;
	/* Called with every sample, at a moment when all CPUs stand still; may be NULL. */
	void (*on_sample)(void *arg, ps_t now_ps);
	void *arg;
	char *row;                /* text of one row */
	size_t row_size;
};

/*
 * Prepare sampling every @interval_ps into @out, and write the header. Returns 0, or -1 if the host is
 * out of memory.
 */
int series_init(struct series *s, struct replay *replay, unsigned cpus_count, ps_t interval_ps,
		FILE *out);
void series_release(struct series *s);
/* Write the row of @now_ps. */
void series_sample(struct series *s, ps_t now_ps);
/* Add the daemon that samples to the engine of the replay. */
void series_start(struct series *s);

#endif
