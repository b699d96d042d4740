/*
 * worker.c - one point of a sweep in a process of its own: see worker.h.
 *
 * The child is a fork of the sweep's process, with its configuration made and its inputs read
 * (shared_inputs.c). It runs the simulation into the point's cell, RESULTS/ID, by way of a work
 * directory, adds config.yaml, stderr.log and status.json to what a run writes, and renames all of
 * it into place in one step. What it says on standard error goes to nameless memory that it shares
 * with its parent, so that there is something to read after any death.
 *
 *   parent                                   child
 *   worker_take    configuration of the point
 *   worker_start   fork ------------------>  run_simulation() ... add_cell() ... commit
 *   worker_poll    SIGTERM when it is due ->  gives up: exit status 75
 *                  SIGKILL 5 s after that
 *   worker_poll    waitpid <---------------  exit status, or a signal
 *   worker_outcome what that means
 *
 * What an end means, first rule first:
 *
 *   exit 0, and the cell is whole              done
 *   --timeout is over                          failed
 *   asked to give up (the sweep ends)          dropped
 *   the result could not be written            no output: not the point's fault
 *   exit 75 or SIGKILL, SIGTERM, SIGHUP,       again, and failed the third time: "transient", for
 *   SIGINT that did not come from us           another call to try again
 *   anything else                              failed
 *
 * Example: the host runs out of memory and kills the child of point 7. Its work directory is
 * deleted, the point is started again, and its cell says "attempts": 2.
 *
 * Invariants:
 *   W1  A child never outlives its parent: it asks for SIGKILL at the parent's death, and looks
 *       whether that has happened already.
 *   W2  When worker_poll() has said that a child ended, its work directory is gone.
 *   W3  The parent alone decides what a signal from the terminal means: children ignore SIGINT and
 *       SIGHUP, which go to all of them, and obey the SIGTERM that the parent sends.
 *
 * Exit statuses 73 and 74 stand for more than the result, such as memory that is short, which is a
 * failure of the point. So a child adds WORKER_NO_OUTPUT to them if the result is what could not be
 * written.
 */
#include "sim/sweep/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/sweep/digest.h"

#define WORKER_NO_OUTPUT 100        /* added to an exit status */
#define SAID_LIMIT       (16 << 20) /* what a child may say; the rest is lost */
#define NS_PER_S         1e9

uint64_t worker_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static double seconds_since(uint64_t then_ns)
{
	return (double)(worker_now_ns() - then_ns) / NS_PER_S;
}

/* --- what a child says ------------------------------------------------------------------------ */

/* Bounded, so that a child that never stops talking does not fill the host's memory. */
static int open_said(void)
{
	int fd = memfd_create("stderr.log", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && ftruncate(fd, SAID_LIMIT) == 0)
		fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	return fd;
}

/*
 * The end of what was said, from the beginning of a line, as a text for the caller to free; NULL if
 * there is nothing. The offset of the file, which the child moves, is the length.
 */
static char *read_said(int fd)
{
	off_t end = lseek(fd, 0, SEEK_CUR);
	off_t from = end > WORKER_SAID_MAX ? end - WORKER_SAID_MAX : 0;
	ssize_t bytes;
	char *text, *line;

	if (end <= 0)
		return NULL;
	text = malloc((size_t)(end - from) + 1);
	if (!text)
		return NULL;
	bytes = pread(fd, text, (size_t)(end - from), from);
	text[bytes > 0 ? bytes : 0] = '\0';
	line = from ? strchr(text, '\n') : NULL;
	if (line && line[1])
		memmove(text, line + 1, strlen(line + 1) + 1);
	return text;
}

/* The last line of ours, or else the last line, without our name. */
static void last_line(const char *text, char *buf, size_t size)
{
	static const char ours[] = "allocsim: ";
	const char *line = text, *found = "", *next;
	bool found_ours = false;

	for (; *line; line = next) {
		bool is_ours = strncmp(line, ours, strlen(ours)) == 0;

		next = strchrnul(line, '\n');
		if (next != line && (is_ours || !found_ours))
			found = is_ours ? line + strlen(ours) : line;
		found_ours = found_ours || is_ours;
		next += *next == '\n';
	}
	snprintf(buf, size, "%.*s", (int)strcspn(found, "\n"), found);
}

static int write_text(struct resultdir *rd, const char *name, const char *text, struct err *err)
{
	FILE *f = resultdir_open(rd, name, err);

	if (!f)
		return -1;
	fputs(text, f);
	return resultdir_close(rd, f, err);
}

/* --- the child -------------------------------------------------------------------------------- */

struct child {
	const struct worker *w;
	struct input_watch *inputs;
	char path[4096]; /* of the cell */
	char *config;    /* YAML */
};

static void describe(const struct worker *w, struct cell *cell)
{
	if (gethostname(cell->host, sizeof(cell->host) - 1) != 0)
		cell->host[0] = '\0';
	cell->attempts = w->earlier_attempts + w->attempts;
}

/*
 * By which file a cell that is to be replaced is known for one: damage to its status.json must not
 * keep it from being made again.
 */
static const char *marker_of(const char *path)
{
	return resultdir_is_result(path) ? "run.json" : CELL_MARKER;
}

static char *print_config(const struct config *c, struct err *err)
{
	size_t bytes;
	char *text = NULL;
	FILE *f = open_memstream(&text, &bytes);

	if (!f) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	int rc = config_print_yaml(c, f, err);
	if (fclose(f) == 0 && rc == 0)
		return text;
	err_set(err, ERR_IO, "out of memory");
	free(text);
	return NULL;
}

/* What makes the result of a run a cell. */
static int add_cell(void *arg, struct resultdir *rd, struct err *err)
{
	const struct child *child = arg;
	struct cell cell = {.state = CELL_DONE};
	char path[4096 + 16], *said;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/run.json", resultdir_work(rd));
	if (input_watch_check(child->inputs, &child->w->config, err) != 0 ||
	    digest_file(path, &cell.run_json_digest, &cell.run_json_bytes, err) != 0)
		return -1;
	describe(child->w, &cell);
	cell.wall_seconds = seconds_since(child->w->started_ns);
	said = read_said(STDERR_FILENO);
	if (write_text(rd, "config.yaml", child->config, err) != 0 ||
	    (said && write_text(rd, "stderr.log", said, err) != 0) ||
	    cell_write_status(rd, child->w->point, &cell, err) != 0)
		rc = -1;
	free(said);
	return rc;
}

static int run_point(struct worker *w, const struct worker_job *job, struct child *child,
		     struct err *err)
{
	struct run_options options = {
		.output = child->path,
		.shared = job->shared,
		.before_commit = add_cell,
		.before_commit_arg = child,
		.stop = job->stop,
	};
	struct run_result *result;

	if (w->config_err.code != ERR_NONE) {
		*err = w->config_err;
		return -1;
	}
	if (cell_path(job->results, w->point, child->path, sizeof(child->path), err) != 0 ||
	    config_check_runnable(&w->config, err) != 0)
		return -1;
	options.marker = marker_of(child->path);
	/* Before the run, which changes the configuration to what it found in its inputs. */
	child->config = print_config(&w->config, err);
	result = malloc(sizeof(*result));
	if (!child->config || !result)
		return err_set(err, ERR_IO, "out of memory");
	return run_simulation(result, &w->config, &options, err);
}

/* Errors of a result directory begin with its path, as far as there is room, and no others do. */
static int exit_status(const struct child *child, const struct err *err)
{
	bool is_output = err->code == ERR_CANT_CREATE || err->code == ERR_IO;
	size_t shown = strnlen(child->path, sizeof(err->text) - 1);

	if (is_output && shown && strncmp(err->text, child->path, shown) == 0)
		return (int)err->code + WORKER_NO_OUTPUT;
	return (int)err->code;
}

static void set_up_child(const struct worker *w, pid_t parent)
{
	const struct rlimit no_core = {0, 0};
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(ERR_INTERRUPTED);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(w->said_fd, STDERR_FILENO) < 0)
		_exit(ERR_IO);
}

/* A process of its own, so it does what main() does for others: prints its error and exits. What it
 * holds is the system's to clean up. */
static _Noreturn void child_main(struct worker *w, const struct worker_job *job, pid_t parent)
{
	struct err err = {.code = ERR_NONE};
	static struct child child;

	child.w = w;
	child.inputs = job->inputs;
	set_up_child(w, parent);
	if (run_point(w, job, &child, &err) == 0)
		_exit(0);
	fprintf(stderr, "allocsim: %s\n", err.text);
	_exit(exit_status(&child, &err));
}

/* --- the parent ------------------------------------------------------------------------------- */

void worker_take(struct worker *w, const struct plan *p, const struct plan_point *point,
		 const struct config *base, unsigned earlier_attempts)
{
	memset(w, 0, sizeof(*w));
	w->point = point;
	w->said_fd = -1;
	w->earlier_attempts = earlier_attempts;
	plan_config(p, point, base, &w->config, &w->config_err);
}

int worker_start(struct worker *w, const struct worker_job *job, struct err *err)
{
	pid_t parent = getpid();

	if (w->said_fd >= 0)
		close(w->said_fd);
	w->said_fd = open_said();
	if (w->said_fd < 0)
		return err_set(err, ERR_IO, "can't make room for what a run says: %s",
			       strerror(errno));
	w->started_ns = worker_now_ns();
	w->term_ns = job->timeout_ns ? w->started_ns + job->timeout_ns : UINT64_MAX;
	w->kill_ns = UINT64_MAX;
	w->attempts++;
	w->timed_out = w->asked = false;
	w->pid = fork();
	if (w->pid == 0)
		child_main(w, job, parent);
	if (w->pid > 0)
		return 0;
	w->pid = 0;
	return err_set(err, ERR_IO, "can't start a process for a run: %s", strerror(errno));
}

static void send_term(struct worker *w, uint64_t now_ns)
{
	w->term_ns = UINT64_MAX;
	w->kill_ns = now_ns + WORKER_GRACE_NS;
	kill(w->pid, SIGTERM);
}

void worker_ask(struct worker *w)
{
	if (!w->pid || w->asked)
		return;
	w->asked = true;
	if (!w->timed_out) /* else it was told */
		send_term(w, worker_now_ns());
}

bool worker_poll(struct worker *w, const struct worker_job *job)
{
	uint64_t now_ns;
	char path[4096];
	pid_t ended;

	if (!w->pid)
		return false;
	ended = waitpid(w->pid, &w->status, WNOHANG);
	if (ended == w->pid) {
		w->wall_seconds = seconds_since(w->started_ns);
		if (w->status != 0 &&
		    cell_path(job->results, w->point, path, sizeof(path), NULL) == 0)
			resultdir_remove_leftover(path, w->pid);
		w->pid = 0;
		return true;
	}
	now_ns = worker_now_ns();
	if (now_ns >= w->term_ns) {
		w->timed_out = true;
		send_term(w, now_ns);
	}
	if (now_ns >= w->kill_ns) {
		w->kill_ns = UINT64_MAX;
		kill(w->pid, SIGKILL);
	}
	return false;
}

void worker_delay(struct worker *w, uint64_t ns)
{
	if (w->term_ns != UINT64_MAX)
		w->term_ns += ns;
	if (w->kill_ns != UINT64_MAX)
		w->kill_ns += ns;
}

uint64_t worker_due_ns(const struct worker *w)
{
	if (!w->pid)
		return UINT64_MAX;
	return w->term_ns < w->kill_ns ? w->term_ns : w->kill_ns;
}

void worker_release(struct worker *w)
{
	if (!w->point)
		return;
	if (w->said_fd >= 0)
		close(w->said_fd);
	config_release(&w->config);
	memset(w, 0, sizeof(*w));
}

static bool is_from_outside(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == ERR_INTERRUPTED;
	switch (WTERMSIG(status)) {
	case SIGHUP:
	case SIGINT:
	case SIGKILL:
	case SIGTERM:
		return true;
	default:
		return false;
	}
}

static void describe_failure(const struct worker *w, struct cell *cell)
{
	char *said = w->said_fd >= 0 ? read_said(w->said_fd) : NULL;

	memset(cell, 0, sizeof(*cell));
	cell->state = CELL_FAILED;
	cell->exit_code = WIFEXITED(w->status) ? WEXITSTATUS(w->status) : -1;
	cell->signal = WIFSIGNALED(w->status) ? WTERMSIG(w->status) : 0;
	cell->timed_out = w->timed_out;
	cell->wall_seconds = w->wall_seconds;
	describe(w, cell);
	if (said)
		last_line(said, cell->message, sizeof(cell->message));
	if (!cell->message[0])
		cell_reason(cell, cell->message, sizeof(cell->message));
	free(said);
}

enum worker_outcome worker_outcome(const struct worker *w, bool is_done, struct cell *cell)
{
	bool ended_well = WIFEXITED(w->status) && WEXITSTATUS(w->status) == 0;

	describe_failure(w, cell);
	if (is_done)
		return OUTCOME_DONE;
	if (ended_well) {
		cell->transient = true;
		snprintf(cell->message, sizeof(cell->message),
			 "the run ended well, but its result is not in its place");
		return OUTCOME_FAILED;
	}
	if (w->timed_out)
		return OUTCOME_FAILED;
	if (w->asked)
		return OUTCOME_DROPPED;
	if (cell->exit_code == ERR_CANT_CREATE + WORKER_NO_OUTPUT ||
	    cell->exit_code == ERR_IO + WORKER_NO_OUTPUT) {
		cell->exit_code -= WORKER_NO_OUTPUT;
		return OUTCOME_NO_OUTPUT;
	}
	if (!is_from_outside(w->status))
		return OUTCOME_FAILED;
	if (w->attempts < WORKER_ATTEMPTS_MAX)
		return OUTCOME_AGAIN;
	cell->transient = true;
	return OUTCOME_FAILED;
}

int worker_record_failure(const struct worker *w, const struct worker_job *job,
			  const struct cell *cell, struct err *err)
{
	char *config = w->config_err.code ? NULL : print_config(&w->config, NULL);
	char *said = w->said_fd >= 0 ? read_said(w->said_fd) : NULL;
	struct resultdir rd = {0};
	char path[4096];
	int rc = -1;

	if (cell_path(job->results, w->point, path, sizeof(path), err) != 0 ||
	    resultdir_create_kind(&rd, path, marker_of(path), err) != 0)
		goto out;
	if ((config && write_text(&rd, "config.yaml", config, err) != 0) ||
	    write_text(&rd, "stderr.log", said ? said : "", err) != 0 ||
	    cell_write_status(&rd, w->point, cell, err) != 0)
		goto out;
	rc = resultdir_commit(&rd, err);
out:
	resultdir_abort(&rd);
	free(said);
	free(config);
	return rc;
}
