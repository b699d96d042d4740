/*
 * worker.h - one point of a sweep in a process of its own, and what its end means.
 *
 * Not for threads: a worker forks, and its child goes on with what this process has in memory.
 */
#ifndef SIM_SWEEP_WORKER_H
#define SIM_SWEEP_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kern/err.h"
#include "sim/config.h"
#include "sim/run.h"
#include "sim/sweep/cell.h"
#include "sim/sweep/input_watch.h"
#include "sim/sweep/plan.h"

#define WORKER_ATTEMPTS_MAX 3 /* of a run that is killed from outside */
#define WORKER_GRACE_NS     UINT64_C(5000000000) /* from SIGTERM to SIGKILL */
#define WORKER_SAID_MAX     (64u << 10) /* bytes of standard error that are kept */

struct worker {
	const struct plan_point *point; /* NULL: idle */
	struct config config;           /* of the point */
	struct err config_err;          /* why it has none; the child reports it */
	pid_t pid;                      /* 0: not running */
	int said_fd;                    /* what the child writes to standard error; -1: none */
	uint64_t started_ns;            /* this attempt, of the host's monotonic clock */
	uint64_t term_ns, kill_ns;      /* when to send which signal; UINT64_MAX: never */
	bool asked;                     /* to give up, because all do */
	bool timed_out;
	unsigned attempts;              /* of this call */
	unsigned earlier_attempts;      /* of calls before */
	int status;                     /* as of waitpid(), once it has ended */
	double wall_seconds;
};

/* What the child has to know beside its point. */
struct worker_job {
	const char *results;
	const struct run_shared *shared;
	struct input_watch *inputs; /* no result takes its place if they changed */
	volatile const int *stop;   /* set in the child by SIGTERM; may be NULL */
	uint64_t timeout_ns;        /* 0: none */
};

/*
 * Take @point on: make its configuration out of @base, which plan_base() made. What is wrong with
 * it is left for the child to say. worker_release() is due in any case.
 */
void worker_take(struct worker *w, const struct plan *p, const struct plan_point *point,
		 const struct config *base, unsigned earlier_attempts);
/* Begin the next attempt. 0, or -1 with @err: ERR_IO (no process could be made). */
int worker_start(struct worker *w, const struct worker_job *job, struct err *err);
/* Ask it to give up what it does, and see that it does. */
void worker_ask(struct worker *w);
/*
 * To be called now and then: sends signals that are due. Returns true once when it has ended; it is
 * not running then, and nothing of an unfinished result is left.
 */
bool worker_poll(struct worker *w, const struct worker_job *job);
/* The host, or we, stood still for so long: that is not the run's time. */
void worker_delay(struct worker *w, uint64_t ns);
/* When the next signal is due; UINT64_MAX: never. */
uint64_t worker_due_ns(const struct worker *w);
void worker_release(struct worker *w);

enum worker_outcome {
	OUTCOME_DONE,
	OUTCOME_DROPPED,   /* given up as it was asked to: as if it had never begun */
	OUTCOME_AGAIN,     /* killed from outside: worth another attempt */
	OUTCOME_FAILED,
	OUTCOME_NO_OUTPUT, /* its result could not be written */
};

/*
 * What the end of @w means. @is_done: its cell holds a result that it made or that stands for it.
 * @cell is filled for OUTCOME_FAILED, and for OUTCOME_NO_OUTPUT its exit_code and message.
 */
enum worker_outcome worker_outcome(const struct worker *w, bool is_done, struct cell *cell);

/* Write the failed cell of @w. 0, or -1 with @err: ERR_CANT_CREATE, ERR_IO. */
int worker_record_failure(const struct worker *w, const struct worker_job *job,
			  const struct cell *cell, struct err *err);

/* The host's monotonic clock. */
uint64_t worker_now_ns(void);

#endif
