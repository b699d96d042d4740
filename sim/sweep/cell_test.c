/*
 * cell_test.c - a cell is done only if run.json is the one that status.json vouches for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/dir_rig.h"
#include "sim/sweep/cell.h"

static const struct plan_point point = {.index = 3, .id = "00112233445566ff"};
#define CELL "00112233445566ff/"

/* A cell whose run.json, if any, is @run. */
static void put_cell(struct cell *cell, const char *run)
{
	struct resultdir rd;
	struct err err = {0};

	assert_int_equal(resultdir_create_kind(&rd, point.id, CELL_MARKER, &err), 0);
	if (run) {
		char path[256];
		snprintf(path, sizeof(path), "%s/run.json", resultdir_work(&rd));
		dir_rig_put(path, run);
		assert_int_equal(digest_file(path, &cell->run_json_digest, &cell->run_json_bytes,
					     &err),
				 0);
	}
	assert_int_equal(cell_write_status(&rd, &point, cell, &err), 0);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
}

static void test_done(void **state)
{
	struct cell cell = {.state = CELL_DONE, .wall_seconds = 0.25, .attempts = 2}, found;
	static const struct plan_point other = {.index = 3, .id = "00112233445566fe"};

	strcpy(cell.host, "n1");
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_MISSING);
	put_cell(&cell, "{\"schema_version\": 1}\n");
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_DONE);
	assert_int_equal(found.attempts, 2);
	assert_true(found.wall_seconds == 0.25);
	assert_string_equal(found.host, "n1");
	cell_read(".", &other, &found);
	assert_int_equal(found.state, CELL_MISSING);
	/* Whatever happens to it later. */
	dir_rig_put(CELL "run.json", "{\"schema_version\": 2}\n");
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_MISSING);
	assert_int_equal(found.attempts, 2);
	dir_rig_put(CELL "run.json", "{\"schema_ver");
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_MISSING);
	unlink(CELL "run.json");
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_MISSING);
}

static void test_failed(void **state)
{
	struct cell cell = {.state = CELL_FAILED, .exit_code = -1, .signal = SIGSEGV}, found;
	char text[64];

	strcpy(cell.message, "a \"bug\"\n");
	put_cell(&cell, NULL);
	cell_read(".", &point, &found);
	assert_int_equal(found.state, CELL_FAILED);
	assert_int_equal(found.exit_code, -1);
	assert_int_equal(found.signal, SIGSEGV);
	assert_string_equal(found.message, cell.message);
	assert_string_equal(cell_reason(&found, text, sizeof(text)),
			    "signal 11 (Segmentation fault)");
	cell = (struct cell){.state = CELL_FAILED, .exit_code = 70, .transient = true};
	put_cell(&cell, NULL);
	cell_read(".", &point, &found);
	assert_true(found.transient);
	assert_string_equal(cell_reason(&found, text, sizeof(text)), "exit status 70");
	found.timed_out = true;
	found.wall_seconds = 10;
	assert_string_equal(cell_reason(&found, text, sizeof(text)), "timed out after 10.0 s");
}

/* A status.json that is not ours, or broken, is no cell. */
static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "null", "{\"id\": 3}", "{\"id\": \"00112233445566ff\"}",
		"{\"id\": \"00112233445566ff\", \"state\": \"done\"}",
		"{\"id\": \"00112233445566ff\", \"state\": \"done\", \"run_json_bytes\": 1e300, "
		"\"exit_code\": 1e300, \"attempts\": -5, \"run_json_digest\": \"zz\"}",
	};
	struct cell cell = {.state = CELL_DONE}, found;
	size_t i;

	put_cell(&cell, "{}");
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		dir_rig_put(CELL CELL_MARKER, texts[i]);
		cell_read(".", &point, &found);
		assert_int_equal(found.state, CELL_MISSING);
	}
}

/* Another process puts the same cell here over and over: a reader never sees a gap. */
static void test_replaced_while_read(void **state)
{
	struct cell cell = {.state = CELL_DONE}, found;
	int status, i;
	pid_t child;

	put_cell(&cell, "{\"round\": -1}\n");
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		for (i = 0; i < 200; i++) {
			char run[32];
			snprintf(run, sizeof(run), "{\"round\": %d}\n", i);
			put_cell(&cell, run);
		}
		_exit(0);
	}
	while (!waitpid(child, &status, WNOHANG)) {
		cell_read(".", &point, &found);
		assert_int_equal(found.state, CELL_DONE);
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_done, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_failed, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_hostile, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_replaced_while_read, dir_rig_setup,
						dir_rig_teardown),
	};

	return cmocka_run_group_tests_name("cell", tests, NULL, NULL);
}
