/*
 * run.h - carry out the points of a plan: `allocsim sweep run`.
 */
#ifndef SIM_SWEEP_RUN_H
#define SIM_SWEEP_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/sweep/cell.h"
#include "sim/sweep/plan.h"

#define SWEEP_FAILURES_MAX 10 /* that are told in full */

enum sweep_progress { PROGRESS_AUTO, PROGRESS_NONE, PROGRESS_BAR, PROGRESS_LINES, PROGRESS_JSON };

struct sweep_run_options {
	const char *results;      /* the sweep's directory; made if need be */
	unsigned jobs;            /* runs at a time, >= 1 */
	uint64_t shard, shards;   /* points whose index modulo shards is shard; shards 0: all */
	const char *points;       /* "3,7-9": only these indices; NULL: all */
	double timeout_seconds;   /* of a run; 0: none */
	bool retry_failed;        /* run failed points again */
	bool force;               /* run points again that are done */
	bool stop_on_failure;     /* begin no further point after one failed */
	bool quiet;
	enum sweep_progress progress;
	volatile const int *stop; /* set by a signal handler: drop what is under way */
};

struct sweep_failure {
	const struct plan_point *point;
	struct cell cell;
};

/* What happened, over the points that were chosen. */
struct sweep_run_report {
	uint64_t chosen_count;
	uint64_t skipped_count;      /* were done already */
	uint64_t done_count;         /* by this call */
	uint64_t failed_count;       /* in this call */
	uint64_t known_failed_count; /* failed earlier, not tried again */
	struct sweep_failure failures[SWEEP_FAILURES_MAX]; /* the first of both kinds */
	unsigned failures_count;
	uint64_t leftovers_count; /* work directories of killed runs that were deleted */
	bool other_plan;          /* the results had another plan, which was replaced */
	double wall_seconds;
};

/*
 * Run the points of @p that are chosen and not done. Each runs in a process of its own, so one that
 * crashes is one failed cell; the traces and recorded states are read once and shared by all.
 *
 * Returns 0 if all chosen points are done now; otherwise -1 with @err: ERR_DIFFERENCE (some
 * failed), ERR_INTERRUPTED, ERR_IO or ERR_CANT_CREATE (results can't be written: said once, nothing
 * that was done is lost), ERR_NO_INPUT, ERR_TRACE, ERR_CONFIG, ERR_USAGE. @report is filled in any
 * case.
 */
int sweep_run(const struct plan *p, const struct sweep_run_options *options,
	      struct sweep_run_report *report, struct err *err);

/* The report in a few lines for people; each failure with its parameters. */
void sweep_run_print(const struct plan *p, const struct sweep_run_options *options,
		     const struct sweep_run_report *report, FILE *out);

#endif
