/*
 * cell.h - what became of a point of a sweep: one directory of its results, named by its id.
 *
 *   RESULTS/plan.jsonl              the plan that was run here last
 *   RESULTS/index.jsonl             id, parameters and state of every point; made by collect
 *   RESULTS/ID/status.json          state, exit status, host, attempts; also of a failed run
 *   RESULTS/ID/config.yaml          the point's resolved configuration
 *   RESULTS/ID/run.json, series.csv ... what `allocsim run` writes; only of a run that is done
 *   RESULTS/ID/stderr.log           what the run said; the end of it, if that is long
 *   RESULTS/.ID.tmp.HOST.PID        a run under way
 *
 * A cell appears complete in one step. A cell whose run.json is not the one that its status.json
 * vouches for (length and digest) counts as missing.
 */
#ifndef SIM_SWEEP_CELL_H
#define SIM_SWEEP_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/err.h"
#include "sim/resultdir.h"
#include "sim/sweep/plan.h"

#define CELL_MARKER "status.json"

enum cell_state { CELL_MISSING, CELL_DONE, CELL_FAILED, CELL_STATES };

struct cell {
	enum cell_state state;
	int exit_code;       /* of the run; -1: it was ended by a signal */
	int signal;          /* that ended it; 0: none */
	bool timed_out;      /* ended by us: it took longer than --timeout */
	bool transient;      /* failed by what comes from outside (killed): worth another try */
	double wall_seconds; /* of the last attempt */
	unsigned attempts;
	char host[64];
	char message[512];   /* FAILED: the last line of its standard error, or what happened */
	uint64_t run_json_bytes, run_json_digest; /* DONE */
};

/* "RESULTS/ID" into @path; -1 with @err if it is too long (ERR_USAGE). */
int cell_path(const char *results, const struct plan_point *point, char *path, size_t size,
	      struct err *err);

/*
 * Read the cell of @point in the directory @results. What is not there, or not complete, is
 * CELL_MISSING; `attempts` is what is known of earlier ones. Cost: reads run.json once.
 */
void cell_read(const char *results, const struct plan_point *point, struct cell *cell);

/* Write status.json into a directory in the making. 0, or -1 with @err. */
int cell_write_status(struct resultdir *rd, const struct plan_point *point, const struct cell *cell,
		      struct err *err);

/* "missing", "done", "failed" */
const char *cell_state_name(enum cell_state state);
/* "exit status 70", "signal 11 (Segmentation fault)", "timed out after 10.0 s" into @buf. */
char *cell_reason(const struct cell *cell, char *buf, size_t size);

#endif
