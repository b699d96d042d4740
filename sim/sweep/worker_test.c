/*
 * worker_test.c - what the end of a run means, for each way to end, and what the meter shows.
 *
 * Statuses are as waitpid() gives them: an exit status times 256, or the number of a signal.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/types.h"
#include "sim/sweep/meter.h"
#include "sim/sweep/worker.h"

#define EXIT(status) ((status) << 8)

static const struct plan_point point = {.id = "0123456789abcdef"};

static enum worker_outcome outcome(int status, unsigned attempts, struct cell *cell)
{
	const struct worker w = {
		.point = &point, .said_fd = -1, .status = status, .attempts = attempts};

	return worker_outcome(&w, false, cell);
}

static void done(void **state)
{
	struct worker w = {.point = &point, .said_fd = -1, .status = 0, .attempts = 1};
	struct cell cell;

	assert_int_equal(worker_outcome(&w, true, &cell), OUTCOME_DONE);
	/* Another call made the same result while ours was killed; ours came too late to matter. */
	w.status = SIGKILL;
	assert_int_equal(worker_outcome(&w, true, &cell), OUTCOME_DONE);
	w.status = 0;
	w.asked = w.timed_out = true;
	assert_int_equal(worker_outcome(&w, true, &cell), OUTCOME_DONE);
}

static void ended_well_without_a_result(void **state)
{
	struct cell cell;

	assert_int_equal(outcome(0, 1, &cell), OUTCOME_FAILED);
	assert_true(cell.transient);
	assert_non_null(strstr(cell.message, "not in its place"));
}

static void failed_by_itself(void **state)
{
	static const int exits[] = {1, 64, 65, 66, 69, 70, 71, 73, 74, 78};
	static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGXCPU, SIGSYS};
	struct cell cell;

	for (size_t i = 0; i < ARRAY_SIZE(exits); i++) {
		assert_int_equal(outcome(EXIT(exits[i]), 1, &cell), OUTCOME_FAILED);
		assert_int_equal(cell.exit_code, exits[i]);
		assert_int_equal(cell.signal, 0);
		assert_false(cell.transient);
		assert_int_equal(cell.state, CELL_FAILED);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(outcome(numbers[i], 1, &cell), OUTCOME_FAILED);
		assert_int_equal(cell.exit_code, -1);
		assert_int_equal(cell.signal, numbers[i]);
		assert_false(cell.transient);
	}
}

static void killed_from_outside(void **state)
{
	static const int ends[] = {SIGKILL, SIGTERM, SIGHUP, SIGINT, EXIT(ERR_INTERRUPTED)};
	struct cell cell;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		for (unsigned n = 1; n < WORKER_ATTEMPTS_MAX; n++)
			assert_int_equal(outcome(ends[i], n, &cell), OUTCOME_AGAIN);
		assert_int_equal(outcome(ends[i], WORKER_ATTEMPTS_MAX, &cell), OUTCOME_FAILED);
		assert_true(cell.transient);
		assert_int_equal(cell.attempts, WORKER_ATTEMPTS_MAX);
	}
}

static void asked_or_timed_out(void **state)
{
	static const int ends[] = {EXIT(ERR_INTERRUPTED), SIGKILL, SIGTERM, EXIT(70), SIGSEGV};
	struct cell cell;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct worker w = {.point = &point,
				   .said_fd = -1,
				   .status = ends[i],
				   .attempts = WORKER_ATTEMPTS_MAX,
				   .asked = true};

		assert_int_equal(worker_outcome(&w, false, &cell), OUTCOME_DROPPED);
		w.timed_out = true;
		w.attempts = 1;
		assert_int_equal(worker_outcome(&w, false, &cell), OUTCOME_FAILED);
		assert_true(cell.timed_out);
		assert_false(cell.transient);
	}
}

static void no_output(void **state)
{
	struct cell cell;

	assert_int_equal(outcome(EXIT(100 + ERR_IO), 1, &cell), OUTCOME_NO_OUTPUT);
	assert_int_equal(cell.exit_code, ERR_IO);
	assert_int_equal(outcome(EXIT(100 + ERR_CANT_CREATE), 1, &cell), OUTCOME_NO_OUTPUT);
	assert_int_equal(cell.exit_code, ERR_CANT_CREATE);
}

static void message_of(const char *said, const char *expected)
{
	struct worker w = {.point = &point, .status = EXIT(70), .attempts = 1};
	struct cell cell;
	char path[] = "/tmp/worker_test.XXXXXX";

	w.said_fd = mkstemp(path);
	assert_true(w.said_fd >= 0);
	unlink(path);
	assert_int_equal(write(w.said_fd, said, strlen(said)), strlen(said));
	worker_outcome(&w, false, &cell);
	assert_string_equal(cell.message, expected);
	close(w.said_fd);
}

static void messages(void **state)
{
	message_of("", "exit status 70");
	message_of("\n\n", "exit status 70");
	message_of("allocsim: it broke\n", "it broke");
	message_of("one\ntwo\n\n", "two");
	message_of("no end of line", "no end of line");
	/* After a bug's line comes what helps to find it. */
	message_of("a warning\nallocsim: internal error at x.c:1: y\n  seed 5\n",
		   "internal error at x.c:1: y");
	char *lines = malloc(3 * WORKER_SAID_MAX);
	assert_non_null(lines);
	memset(lines, 'x', 3 * WORKER_SAID_MAX);
	strcpy(lines + 3 * WORKER_SAID_MAX - 20, "\nallocsim: the end\n");
	message_of(lines, "the end");
	free(lines);
}

static void meter_texts(void **state)
{
	struct meter m = {.total_count = 200, .done_count = 80, .todo_count = 120};
	char text[200];

	meter_format(&m, 0, text, sizeof(text));
	assert_string_equal(text, "sweep   40 % [========>           ] 80/200  0 running");
	m.done_count = 83;
	m.failed_count = 1;
	m.ended_count = 4;
	m.running_count = 2;
	meter_format(&m, UINT64_C(2000000000), text, sizeof(text));
	assert_string_equal(text, "sweep   42 % [========>           ] 84/200  1 failed  2 running"
				  "  2.0 /s  ETA 0:58");
	meter_format(&m, UINT64_C(400000000000), text, sizeof(text));
	assert_non_null(strstr(text, "  0.6 /min  ETA 193:20"));
	meter_format(&m, UINT64_C(2000000000), text, 20);
	assert_int_equal(strlen(text), 19);
	m = (struct meter){.total_count = 0};
	meter_format(&m, 5, text, sizeof(text));
	assert_non_null(strstr(text, "100 %"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(done),
		cmocka_unit_test(ended_well_without_a_result),
		cmocka_unit_test(failed_by_itself),
		cmocka_unit_test(killed_from_outside),
		cmocka_unit_test(asked_or_timed_out),
		cmocka_unit_test(no_output),
		cmocka_unit_test(messages),
		cmocka_unit_test(meter_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
