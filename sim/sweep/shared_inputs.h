/*
 * shared_inputs.h - traces and recorded states that the runs of a sweep have in common, read once.
 */
#ifndef SIM_SWEEP_SHARED_INPUTS_H
#define SIM_SWEEP_SHARED_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/run.h"
#include "sim/trace.h"
#include "sim/truth.h"

#define SHARED_INPUTS_MAX 16 /* of each kind, open at a time */

struct shared_input {
	char *path; /* NULL: free */
	uint64_t used; /* when, as a count of uses */
	union {
		struct trace trace;
		struct truth *truth; /* heap */
	};
};

struct shared_inputs {
	struct shared_input traces[SHARED_INPUTS_MAX], truths[SHARED_INPUTS_MAX];
	uint64_t uses;
};

/* A zeroed one is empty and ready. */
void shared_inputs_release(struct shared_inputs *s);

/*
 * The inputs that @c names into @shared, read if they are not there yet; valid until the next call.
 * What can't be read is left out: the run will find that out by itself, and say it.
 */
void shared_inputs_get(struct shared_inputs *s, const struct config *c, struct run_shared *shared);

#endif
