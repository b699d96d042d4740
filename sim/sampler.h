/*
 * sampler.h - the state of memory over simulated time, one CSV row a sample.
 */
#ifndef SIM_SAMPLER_H
#define SIM_SAMPLER_H

#include <stdio.h>

#include "sim/machine_series.h"
#include "sim/object_bytes.h"
#include "sim/replay.h"

struct sampler {
	struct replay *replay;
	unsigned cpus_count;
	ps_t interval_ps;
	FILE *out;                /* NULL: sample without writing */
	FILE *caches;             /* memory held by each cache; NULL: not written */
	struct machine_series *machine; /* CPUs' time and caches; NULL: not written */
	uint64_t rows_count;
	ps_t last_ps;             /* of the last row; UINT64_MAX before the first */
	/* Called with every sample, at a moment when all CPUs stand still; may be NULL. */
	void (*on_sample)(void *arg, ps_t now_ps);
	void *arg;
	char *row;                /* text of one row */
	size_t row_size;
	struct object_bytes objects_peak; /* of the sample that held most */
	ps_t objects_peak_ps;
};

/*
 * Prepare sampling every @interval_ps into @out and @caches, and write their headers. @caches needs
 * a replay with an object stack. Returns 0, or -1 if the host is out of memory.
 */
int sampler_init(struct sampler *s, struct replay *replay, unsigned cpus_count, ps_t interval_ps,
		 FILE *out, FILE *caches);
void sampler_release(struct sampler *s);
/* Write the row of @now_ps. */
void sampler_sample(struct sampler *s, ps_t now_ps);
/* Add the daemon that samples to the engine of the replay. */
void sampler_start(struct sampler *s);

#endif
