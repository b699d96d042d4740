/*
 * run.h - one simulation from a resolved configuration to a result directory.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>

#include "sim/config.h"
#include "sim/cycles.h"
#include "sim/fidelity.h"
#include "sim/machine.h"
#include "sim/metrics.h"
#include "sim/object_bytes.h"
#include "sim/report_locks.h"
#include "sim/resultdir.h"
#include "sim/start_state.h"
#include "sim/trace.h"
#include "sim/virtual_memory.h"

/*
 * Inputs that were read already, for many runs in processes of their own. They are used where a
 * configuration names the same paths, and stay the caller's.
 */
struct run_shared {
	const char *trace_path, *truth_path; /* NULL: none */
	const struct trace *trace;
	const struct truth *truth;
};

struct run_options {
	const char *output;       /* result directory */
	const char *marker;       /* of its kind, see resultdir_create_kind(); NULL: run.json */
	const struct run_shared *shared; /* NULL: none */
	/* Called when all files are written, to add more. 0, or -1 with @err: the run fails. */
	int (*before_commit)(void *arg, struct resultdir *rd, struct err *err);
	void *before_commit_arg;
	bool exact_events;        /* one SimGrid event per operation */
	bool progress;            /* draw a progress line on stderr */
	volatile const int *stop; /* set by a signal handler: give up; may be NULL */
};

/* Everything that a run knows when it is over; what run.json and the summary are made of. */
struct run_result {
	const struct config *config;
	struct machine machine;
	struct trace trace;
	bool has_trace, has_fidelity;
	bool trace_is_shared; /* not ours to close */
	struct start_report start;
	struct metrics metrics;
	struct fidelity fidelity;
	uint64_t left_out_count[2]; /* see struct workload */
	uint64_t older_frees_left_out_count; /* likewise */
	struct program_counts *programs; /* by program; NULL: none */
	struct virtual_memory virtual_memory; /* all zero unless programs use it */
	struct env_lock *locks;          /* of workload.locks, in their order */
	unsigned locks_count;
	ps_t simulated_ps;
	ps_t sample_interval_ps;
	uint64_t samples_count;
	uint64_t checks_count;
	struct {
		uint64_t ops_count;
		ps_t busy_ps, end_ps;
		uint64_t interrupts_count;
		ps_t interrupts_ps; /* see struct engine_cpu */
		ps_t interrupt_delay_ps_total, interrupt_delay_ps_max;
		ps_t irqs_off_ps_max;
		struct cycle_account cycles;
		struct memory_stats memory; /* all zero without caches */
	} cpus[CPUS_LIMIT];
	/* Objects; all zero without any. The peak is the sample with the most memory held. */
	struct object_bytes objects_start, objects_peak, objects_end;
	ps_t objects_peak_ps;
	uint64_t sleep_violations_count;
	struct lock_report lock_report;
	/* Of this host and moment, never of the simulation. */
	double wall_seconds;      /* of the replay alone */
	double setup_seconds;     /* before it: start state, trace, machine */
	uint64_t engine_events_count;
	char started_utc[32];
};

/*
 * Run @c and write the result directory. A recorded start state decides on CPUs, orders and zones;
 * @c is changed to what was used. One run per process (the engine's limit). On success @result (the
 * caller's, to be released) holds what was found. Returns 0, or -1 with @err and no result
 * directory: ERR_NO_INPUT, ERR_TRACE, ERR_CONFIG, ERR_CANT_CREATE, ERR_IO, ERR_INTERNAL (an
 * invariant broke), ERR_INTERRUPTED.
 */
int run_simulation(struct run_result *result, struct config *c, const struct run_options *options,
		   struct err *err);
void run_result_release(struct run_result *result);

/*
 * Rounds a second of program @index, until the last of its own CPUs was done: others may go on for
 * longer. False if no time passed.
 */
bool run_rounds_per_s(const struct run_result *result, unsigned index, double *rate);

/* The summary of some ten lines for people, and the table of fidelity if there was a truth. */
void run_print_summary(struct run_result *result, const char *output, FILE *out);

#endif
