/*
 * run.c - carry out the points of a plan: see run.h.
 *
 * One process, the parent, starts a child for each point (worker.c), at most so many at a time, and
 * does nothing itself but reading the inputs that they share (shared_inputs.c): it stays small, and
 * what a run does wrong, it does to itself.
 *
 *   choose   which points are meant: --points, --shard
 *   survey   which of them are done, have failed, are to do
 *   loop     poll the children, settle those that ended, start others, sleep
 *   conclude one error for all that went wrong
 *
 * There is no journal. What is done is what a whole cell says (cell.c), so a sweep that was killed
 * at any moment goes on with the same command, calls on several hosts may share a directory, and
 * two that run the same point at the same time make the same result twice: the second replaces the
 * first by the same bytes.
 *
 * The parent sleeps in ppoll() until a signal: SIGCHLD, or one that ends the sweep. These are
 * blocked but for that call, so none can slip in between looking and sleeping.
 *
 * When results can't be written (the disk is full), that is not the point's failure: none is
 * recorded, no further point is started, those under way may still end, and the error is told once.
 *
 * Nor is it the point's failure when an input has changed since the plan was made
 * (input_watch.c): that ends the sweep in the same way.
 *
 * Invariants:
 *   R1  A point has a failed cell, or counts as failed, only if its run failed by itself, timed
 *       out, or was killed WORKER_ATTEMPTS_MAX times.
 *   R2  When sweep_run() returns, no child is running and none is a zombie.
 *   R3  chosen = skipped + done + failed + known failed + not run.
 *
 * Example: 6 points, of which 2 are done and 1 has failed by SIGSEGV earlier; 1 fails now. Chosen
 * 6, skipped 2, known failed 1, done 2, failed 1; the exit status is 1. With --retry-failed the
 * next call has 2 points to do.
 *
 * Cost over bare runs: a fork, three small files and one digest for each point.
 */
#include "sim/sweep/run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "sim/sweep/cell.h"
#include "sim/sweep/choose.h"
#include "sim/sweep/input_watch.h"
#include "sim/sweep/meter.h"
#include "sim/sweep/shared_inputs.h"
#include "sim/sweep/worker.h"

#define NAMED_FAILURES 5  /* in the text of the error */
#define FILES_OF_A_RUN 32 /* open at a time, and ours */
#define OVERSLEPT_NS   UINT64_C(1000000000)

struct sweep {
	const struct plan *plan;
	const struct sweep_run_options *options;
	struct sweep_run_report *report;
	struct config base;
	struct input_watch watch;
	struct shared_inputs inputs;
	struct worker_job job;
	const struct plan_point **todo; /* some of the chosen */
	uint64_t todo_count, next;
	struct worker *workers;
	unsigned workers_count, running_count;
	bool halted;    /* start no more */
	struct err err; /* why, if that is an error of the host */
	struct meter meter;
};

static bool is_stopped(const struct sweep *s)
{
	return s->options->stop && *s->options->stop;
}

/* --- before ----------------------------------------------------------------------------------- */

static int make_directory(const char *path, struct err *err)
{
	char *copy = strdup(path), *end = copy, saved;
	struct stat st;
	int rc = 0, error;

	if (!copy)
		return err_set(err, ERR_IO, "out of memory");
	do {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		saved = *end;
		*end = '\0';
		error = mkdir(copy, 0777) == 0 ? 0 : errno;
		if (error && error != EEXIST && stat(copy, &st) != 0)
			rc = err_set(err, error == ENOSPC ? ERR_IO : ERR_CANT_CREATE,
				     "%s: can't create directory: %s", copy, strerror(error));
		*end = saved;
	} while (saved && rc == 0);
	free(copy);
	if (rc == 0 && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
		rc = err_set(err, ERR_CANT_CREATE, "%s: is no directory", path);
	return rc;
}

static int prepare_directory(struct sweep *s, struct err *err)
{
	const char *results = s->options->results;
	uint64_t before = 0, after = 0;
	bool had_plan;
	char *path;
	int rc;

	if (make_directory(results, err) != 0)
		return -1;
	if (resultdir_is_result(results))
		return err_set(
			err, ERR_CANT_CREATE,
			"%s: is the result of a single run; a sweep needs a directory of its own",
			results);
	s->report->leftovers_count = resultdir_remove_leftovers(results);
	if (asprintf(&path, "%s/plan.jsonl", results) < 0)
		return err_set(err, ERR_IO, "out of memory");
	had_plan = digest_file(path, &before, NULL, NULL) == 0;
	rc = plan_save(s->plan, path, err);
	if (rc == 0 && had_plan && digest_file(path, &after, NULL, NULL) == 0)
		s->report->other_plan = before != after;
	free(path);
	return rc;
}

static void note_failure(struct sweep *s, const struct plan_point *point, const struct cell *cell)
{
	struct sweep_run_report *report = s->report;

	if (report->failures_count < SWEEP_FAILURES_MAX)
		report->failures[report->failures_count++] =
			(struct sweep_failure){.point = point, .cell = *cell};
}

/* Leaves the points that are to do, of those chosen, in s->todo. */
static void survey(struct sweep *s)
{
	const struct sweep_run_options *o = s->options;
	uint64_t chosen_count = s->todo_count;
	struct cell cell;

	s->report->chosen_count = chosen_count;
	s->todo_count = 0;
	for (uint64_t i = 0; i < chosen_count; i++) {
		const struct plan_point *point = s->todo[i];

		cell_read(o->results, point, &cell);
		if (cell.state == CELL_DONE && !o->force) {
			s->report->skipped_count++;
		} else if (cell.state == CELL_FAILED && !o->force && !o->retry_failed &&
			   !cell.transient) {
			s->report->known_failed_count++;
			note_failure(s, point, &cell);
		} else {
			s->todo[s->todo_count++] = point;
		}
	}
}

/* --- points ----------------------------------------------------------------------------------- */

static void count_to_meter(struct sweep *s)
{
	const struct sweep_run_report *r = s->report;

	s->meter.total_count = r->chosen_count;
	s->meter.done_count = r->skipped_count + r->done_count;
	s->meter.failed_count = r->failed_count + r->known_failed_count;
	s->meter.todo_count = s->todo_count;
	s->meter.ended_count = r->done_count + r->failed_count;
	s->meter.running_count = s->running_count;
}

/* The next points are not started; the first cause is kept. */
static void halt(struct sweep *s, enum err_code code, const char *text)
{
	err_set(&s->err, code, "%s", text);
	s->halted = true;
}

static void give_up_worker(struct sweep *s, struct worker *w)
{
	worker_release(w);
	s->running_count--;
}

/* If what the point reads isn't what was planned, no point is to blame, and no other may begin. */
static bool has_changed_inputs(struct sweep *s, const struct worker *w)
{
	struct err err = {.code = ERR_NONE};

	if (w->config_err.code != ERR_NONE || input_watch_check(&s->watch, &w->config, &err) == 0)
		return false;
	halt(s, err.code, err.text);
	return true;
}

static void start_worker(struct sweep *s, struct worker *w)
{
	struct run_shared shared = {0};
	struct err err = {.code = ERR_NONE};

	if (has_changed_inputs(s, w)) {
		give_up_worker(s, w);
		return;
	}
	if (w->config_err.code == ERR_NONE)
		shared_inputs_get(&s->inputs, &w->config, &shared);
	s->job.shared = &shared;
	if (worker_start(w, &s->job, &err) != 0) {
		halt(s, err.code, err.text);
		give_up_worker(s, w);
	}
	s->job.shared = NULL;
}

static void settle_failure(struct sweep *s, struct worker *w, const struct cell *cell)
{
	struct err err = {.code = ERR_NONE};

	if (has_changed_inputs(s, w))
		return;
	if (worker_record_failure(w, &s->job, cell, &err) != 0) {
		halt(s, err.code, err.text);
		return;
	}
	s->report->failed_count++;
	note_failure(s, w->point, cell);
	if (s->options->stop_on_failure)
		s->halted = true;
	count_to_meter(s);
	meter_point(&s->meter, w->point, cell);
}

/* A child has ended. */
static void settle(struct sweep *s, struct worker *w)
{
	struct cell found, cell;
	bool is_done;

	cell_read(s->options->results, w->point, &found);
	/* With --force, what is there may be what was to be replaced. */
	is_done = found.state == CELL_DONE && (w->status == 0 || !s->options->force);
	switch (worker_outcome(w, is_done, &cell)) {
	case OUTCOME_DONE:
		s->report->done_count++;
		count_to_meter(s);
		meter_point(&s->meter, w->point, &found);
		break;
	case OUTCOME_FAILED:
		settle_failure(s, w, &cell);
		break;
	case OUTCOME_NO_OUTPUT:
		halt(s, (enum err_code)cell.exit_code, cell.message);
		break;
	case OUTCOME_AGAIN:
		if (s->halted || is_stopped(s))
			break;
		start_worker(s, w);
		return;
	case OUTCOME_DROPPED:
		break;
	}
	give_up_worker(s, w);
}

/* Whether another call has done the point of the survey in the meantime. */
static bool is_done_meanwhile(struct sweep *s, const struct plan_point *point, unsigned *attempts)
{
	struct cell cell;

	cell_read(s->options->results, point, &cell);
	*attempts = cell.attempts;
	if (cell.state != CELL_DONE || s->options->force)
		return false;
	s->report->skipped_count++;
	s->todo_count--;
	return true;
}

static struct worker *idle_worker(struct sweep *s)
{
	for (unsigned i = 0; i < s->workers_count; i++) {
		if (!s->workers[i].point)
			return &s->workers[i];
	}
	return NULL;
}

static void start_points(struct sweep *s, uint64_t end)
{
	struct worker *w;
	unsigned attempts;

	while (s->next < end && !s->halted && !is_stopped(s) && (w = idle_worker(s))) {
		const struct plan_point *point = s->todo[s->next++];

		if (is_done_meanwhile(s, point, &attempts))
			continue;
		worker_take(w, s->plan, point, &s->base, attempts);
		s->running_count++;
		start_worker(s, w);
	}
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_child(int sig)
{
}

struct signals {
	sigset_t mask;
	struct sigaction child;
};

static void block_signals(struct signals *old)
{
	const struct sigaction action = {.sa_handler = on_child};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaction(SIGCHLD, &action, &old->child);
	sigprocmask(SIG_BLOCK, &blocked, &old->mask);
}

static void restore_signals(const struct signals *old)
{
	sigprocmask(SIG_SETMASK, &old->mask, NULL);
	sigaction(SIGCHLD, &old->child, NULL);
}

/*
 * Until a signal, or until something is due. Who sleeps far too long was stopped, as by ctrl-Z, and
 * its children most likely, too: their time goes on from where the sleep began.
 */
static void sleep_for_news(struct sweep *s, const sigset_t *awake)
{
	uint64_t due_ns = meter_due_ns(&s->meter), now_ns = worker_now_ns(), left_ns, slept_ns;
	struct timespec timeout;
	sigset_t mask = *awake;

	for (unsigned i = 0; i < s->workers_count; i++) {
		uint64_t worker_ns = worker_due_ns(&s->workers[i]);

		due_ns = worker_ns < due_ns ? worker_ns : due_ns;
	}
	sigdelset(&mask, SIGCHLD);
	left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	timeout.tv_sec = (time_t)(left_ns / 1000000000);
	timeout.tv_nsec = (long)(left_ns % 1000000000);
	ppoll(NULL, 0, due_ns == UINT64_MAX ? NULL : &timeout, &mask);
	slept_ns = worker_now_ns() - now_ns;
	for (unsigned i = 0; slept_ns > left_ns + OVERSLEPT_NS && i < s->workers_count; i++)
		worker_delay(&s->workers[i], slept_ns);
}

static void loop(struct sweep *s)
{
	uint64_t end = s->todo_count;
	struct signals old;

	block_signals(&old);
	for (;;) {
		for (unsigned i = 0; i < s->workers_count; i++) {
			struct worker *w = &s->workers[i];

			if (is_stopped(s))
				worker_ask(w);
			if (worker_poll(w, &s->job))
				settle(s, w);
		}
		start_points(s, end);
		if (!s->running_count)
			break;
		count_to_meter(s);
		meter_update(&s->meter);
		sleep_for_news(s, &old.mask);
	}
	meter_done(&s->meter);
	restore_signals(&old);
}

/* --- after ------------------------------------------------------------------------------------ */

static int fail_by_points(const struct sweep *s, struct err *err)
{
	const struct sweep_run_report *r = s->report;
	uint64_t failed = r->failed_count + r->known_failed_count;
	uint64_t left = r->chosen_count - r->skipped_count - r->done_count - failed;
	char names[512], rest[64] = "";
	size_t n = 0;

	for (unsigned i = 0; i < r->failures_count && i < NAMED_FAILURES; i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%" PRIu64 " (%s)",
				      i ? ", " : "", r->failures[i].point->index,
				      r->failures[i].point->id);
	if (failed > NAMED_FAILURES)
		snprintf(names + n, sizeof(names) - n, " and %" PRIu64 " more",
			 failed - NAMED_FAILURES);
	if (left)
		snprintf(rest, sizeof(rest), "; %" PRIu64 " were not run", left);
	return err_set(err, ERR_DIFFERENCE, "%" PRIu64 " of %" PRIu64 " points failed: %s%s",
		       failed, r->chosen_count, names, rest);
}

static int conclude(const struct sweep *s, struct err *err)
{
	const struct sweep_run_report *r = s->report;
	uint64_t done = r->skipped_count + r->done_count;
	uint64_t failed = r->failed_count + r->known_failed_count;

	if (s->err.code != ERR_NONE)
		return err_set(err, s->err.code,
			       "%.700s; %" PRIu64 " of %" PRIu64 " points are done, and the same "
			       "command goes on with the rest",
			       s->err.text, done, r->chosen_count);
	if (is_stopped(s) && done + failed < r->chosen_count)
		return err_set(err, ERR_INTERRUPTED,
			       "interrupted; %" PRIu64 " of %" PRIu64 " points are done, and the "
			       "same command goes on with the rest",
			       done, r->chosen_count);
	return failed ? fail_by_points(s, err) : 0;
}

/* Each run that is under way has a file of ours, and itself opens some more. */
static int make_room_for_files(unsigned jobs, struct err *err)
{
	rlim_t needed = (rlim_t)jobs + FILES_OF_A_RUN;
	struct rlimit limit;

	if (!jobs || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max < needed)
		return err_set(err, ERR_USAGE,
			       "%u runs at a time need %ju open files, and the limit is %ju: "
			       "give a smaller -j, or raise it with ulimit -n",
			       jobs, (uintmax_t)needed, (uintmax_t)limit.rlim_max);
	limit.rlim_cur = needed;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0
		       ? 0
		       : err_set(err, ERR_IO, "can't raise the limit of open files: %s",
				 strerror(errno));
}

static int carry_out(struct sweep *s, struct err *err)
{
	const struct sweep_run_options *o = s->options;

	s->workers_count = s->todo_count < o->jobs ? (unsigned)s->todo_count : o->jobs;
	s->workers = calloc((size_t)s->workers_count + 1, sizeof(*s->workers));
	if (!s->workers)
		return err_set(err, ERR_IO, "out of memory for %u runs at a time",
			       s->workers_count);
	if (make_room_for_files(s->workers_count, err) != 0)
		return -1;
	s->job = (struct worker_job){
		.results = o->results,
		.inputs = &s->watch,
		.stop = o->stop,
		.timeout_ns = (uint64_t)(o->timeout_seconds * 1e9),
	};
	meter_init(&s->meter, o->quiet ? PROGRESS_NONE : o->progress, stderr);
	loop(s);
	return conclude(s, err);
}

int sweep_run(const struct plan *p, const struct sweep_run_options *options,
	      struct sweep_run_report *report, struct err *err)
{
	struct sweep *s = calloc(1, sizeof(*s));
	uint64_t started_ns = worker_now_ns();
	int rc = -1;

	memset(report, 0, sizeof(*report));
	if (!s)
		return err_set(err, ERR_IO, "out of memory");
	s->plan = p;
	s->options = options;
	s->report = report;
	config_init(&s->base);
	if (choose_points(p, options->points, options->shard, options->shards, &s->todo,
			  &s->todo_count, err) != 0 ||
	    input_watch_begin(&s->watch, p, err) != 0 || plan_base(p, &s->base, err) != 0 ||
	    prepare_directory(s, err) != 0)
		goto out;
	survey(s);
	rc = carry_out(s, err);
out:
	report->wall_seconds = (double)(worker_now_ns() - started_ns) / 1e9;
	free(s->workers);
	free(s->todo);
	shared_inputs_release(&s->inputs);
	input_watch_release(&s->watch);
	config_release(&s->base);
	free(s);
	return rc;
}
