/*
 * status.h - how far a sweep is: `allocsim sweep status`.
 */
#ifndef SIM_SWEEP_STATUS_H
#define SIM_SWEEP_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/sweep/cell.h"
#include "sim/sweep/plan.h"

#define STATUS_NAMED_MAX 20 /* failed points that are described unless all are asked for */

enum sweep_work_state {
	WORK_RUNNING, /* its process lives on this host */
	WORK_PERHAPS, /* its process is another host's */
	WORK_LEFT,    /* its process is gone: it was killed */
	WORK_STATES,
};

/* A work directory. */
struct sweep_work {
	char id[DIGEST_TEXT];
	char host[65]; /* "": not said; this one */
	long pid;
	enum sweep_work_state state;
};

struct sweep_status {
	struct plan plan;   /* that was run last */
	struct cell *cells; /* of its points */
	uint64_t states_count[CELL_STATES];
	struct sweep_work *work; /* by id, host and process */
	unsigned work_count;
	uint64_t work_states_count[WORK_STATES];
	uint64_t others_count; /* cells of points that the plan doesn't have */
};

/*
 * Look at the sweep's directory @dir. 0, or -1 with @err and nothing to release: ERR_NO_INPUT (no
 * such directory, or no plan in it), ERR_TRACE (no plan).
 */
int sweep_status_read(struct sweep_status *s, const char *dir, struct err *err);
void sweep_status_release(struct sweep_status *s);

/* For people; @all: every failed point. */
void sweep_status_print(const struct sweep_status *s, bool all, FILE *out);
/* All that is known, every failed point described. */
void sweep_status_print_json(const struct sweep_status *s, FILE *out);

#endif
