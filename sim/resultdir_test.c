/*
 * resultdir_test.c - creating, replacing, failing: after each, exactly the expected files exist.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/dir_rig.h"
#include "sim/resultdir.h"

static void write_result(struct resultdir *rd, const char *text)
{
	struct err err = {0};
	FILE *f = resultdir_open(rd, "run.json", &err);

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(resultdir_close(rd, f, &err), 0);
}

#define RESULT "{\n  \"schema_version\": 1\n}\n"

static void test_create(void **state)
{
	struct err err = {0};
	struct resultdir rd;

	assert_int_equal(resultdir_create(&rd, "a/b//c/", &err), 0);
	write_result(&rd, RESULT);
	assert_int_not_equal(access("a/b/c", F_OK), 0);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
	dir_rig_assert("a/b/c/run.json", RESULT);
	assert_int_equal(dir_rig_entries("a/b"), 1);
	assert_true(resultdir_is_result("a/b/c"));
	assert_false(resultdir_is_result("a/b"));
	resultdir_abort(&rd);
	dir_rig_assert("a/b/c/run.json", RESULT);
}

static void test_replace(void **state)
{
	struct err err = {0};
	struct resultdir rd;

	mkdir("r", 0777);
	mkdir("r/plots", 0777);
	dir_rig_put("r/run.json", RESULT);
	dir_rig_put("r/plots/x.png", "old");
	assert_int_equal(resultdir_create(&rd, "r", &err), 0);
	write_result(&rd, "{\"schema_version\":2}");
	dir_rig_assert("r/run.json", RESULT);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
	dir_rig_assert("r/run.json", "{\"schema_version\":2}");
	assert_int_equal(dir_rig_entries("r"), 1);
	assert_int_equal(dir_rig_entries("."), 1);
}

static void test_replace_through_link(void **state)
{
	struct err err = {0};
	struct resultdir rd;
	struct stat st;

	mkdir("real", 0777);
	assert_int_equal(symlink("real", "link"), 0);
	assert_int_equal(resultdir_create(&rd, "link", &err), 0);
	write_result(&rd, RESULT);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	dir_rig_assert("real/run.json", RESULT);
}

static void refused(const char *path, const char *words)
{
	struct err err = {0};
	struct resultdir rd;

	assert_int_equal(resultdir_create(&rd, path, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_non_null(strstr(err.text, words));
	assert_null(strchr(err.text, '\n'));
}

static void test_refused(void **state)
{
	mkdir("ours-not", 0777);
	dir_rig_put("ours-not/precious", "x");
	refused("ours-not", "not empty");
	/* A run.json of some other program. */
	dir_rig_put("ours-not/run.json", "{\"run\": 1}");
	refused("ours-not", "not empty");
	assert_int_equal(dir_rig_entries("ours-not"), 2);
	dir_rig_put("file", "");
	refused("file", "Not a directory");
	refused("file/below", "Not a directory");
	refused("", "no name");
	refused("/", "no name");
	refused("new/..", "no name");
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	refused("dangling", "No such file");
	refused("/proc/no/such/place", "/proc/no");
	assert_int_equal(dir_rig_entries("."), 3);
}

static void test_occupied_while_running(void **state)
{
	struct err err = {0};
	struct resultdir rd;

	assert_int_equal(resultdir_create(&rd, "r", &err), 0);
	write_result(&rd, RESULT);
	mkdir("r", 0777);
	dir_rig_put("r/precious", "x");
	assert_int_equal(resultdir_commit(&rd, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_int_equal(dir_rig_entries("."), 1);
	dir_rig_assert("r/precious", "x");
}

static void test_abort(void **state)
{
	struct err err = {0};
	struct resultdir rd = {0};
	FILE *f;

	resultdir_abort(&rd);
	mkdir("there", 0777);
	assert_int_equal(resultdir_create(&rd, "there/new/deep/r", &err), 0);
	write_result(&rd, RESULT);
	f = resultdir_open(&rd, "series.csv", &err);
	assert_non_null(f);
	fputs("time_ns\n", f);
	resultdir_abort(&rd);
	resultdir_abort(&rd);
	assert_int_equal(dir_rig_entries("there"), 0);
}

/* A file-size limit stands for a full disk: write() fails midway. */
static void test_write_error(void **state)
{
	struct rlimit before, limit;
	struct err err = {0};
	struct resultdir rd;
	unsigned i;
	FILE *f;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 100000;
	assert_int_equal(resultdir_create(&rd, "r", &err), 0);
	f = resultdir_open(&rd, "series.csv", &err);
	assert_non_null(f);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (i = 0; i < 100000; i++)
		fputs("12345678,", f);
	assert_int_equal(resultdir_check(&rd, f, &err), -1);
	memset(&err, 0, sizeof(err));
	assert_int_equal(resultdir_close(&rd, f, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(err.code, ERR_IO);
	assert_string_equal(err.text, "r/series.csv: writing failed: File too large");
	resultdir_abort(&rd);
	assert_int_equal(dir_rig_entries("."), 0);
}

static void test_file_twice(void **state)
{
	struct err err = {0};
	struct resultdir rd;

	assert_int_equal(resultdir_create(&rd, "r", &err), 0);
	write_result(&rd, RESULT);
	assert_null(resultdir_open(&rd, "run.json", &err));
	assert_string_equal(err.text, "r/run.json: can't create: File exists");
	resultdir_abort(&rd);
}

/* The number of a process that has been and is no more. */
static pid_t gone_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void make_work(char name[512], const char *of, const char *host, long pid, const char *end)
{
	snprintf(name, 512, ".%s.tmp.%s.%ld%s", of, host, pid, end);
	assert_int_equal(mkdir(name, 0777), 0);
	snprintf(name, 512, ".%s.tmp.%s.%ld%s/run.json", of, host, pid, end);
	dir_rig_put(name, "half of it");
}

static void test_leftovers(void **state)
{
	char host[256] = "", name[512];
	pid_t gone = gone_process();

	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	make_work(name, "a", host, gone, "");
	make_work(name, "a", host, gone, ".old");
	make_work(name, "x.tmp.y", host, gone, "");
	make_work(name, "b", host, getpid(), ""); /* by one that had our number */
	assert_int_equal(dir_rig_entries("."), 4);
	assert_int_equal(resultdir_remove_leftovers("."), 4);
	assert_int_equal(dir_rig_entries("."), 0);

	make_work(name, "a", host, getppid(), "");
	make_work(name, "a", host, 0, "");
	make_work(name, "a", host, gone, ".new");
	make_work(name, "a", "elsewhere.example", gone, "");
	dir_rig_put("a.tmp", "");
	dir_rig_put(".tmp.", "");
	assert_int_equal(resultdir_remove_leftovers("."), 0);
	assert_int_equal(dir_rig_entries("."), 6);
	assert_int_equal(resultdir_remove_leftovers("nowhere"), 0);
}

/* What died is gone, though its parent has not asked for it yet. */
static void test_leftovers_of_a_zombie(void **state)
{
	char host[256] = "", name[512];
	siginfo_t info;
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	make_work(name, "a", host, pid, "");
	assert_int_equal(resultdir_remove_leftovers("."), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(resultdir_remove_leftovers("."), 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_leftover_of_one(void **state)
{
	char host[256] = "", name[512];
	pid_t gone = gone_process();

	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(mkdir("d", 0777), 0);
	make_work(name, "a", host, gone, "");
	make_work(name, "a", host, gone, ".old");
	make_work(name, "b", host, gone, "");
	resultdir_remove_leftover("b", gone + 1);
	assert_int_equal(dir_rig_entries("."), 4);
	resultdir_remove_leftover("a", gone);
	assert_int_equal(dir_rig_entries("."), 2);
	resultdir_remove_leftover("d/../b/", gone);
	assert_int_equal(dir_rig_entries("."), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_replace, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_replace_through_link, dir_rig_setup,
						dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_refused, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_occupied_while_running, dir_rig_setup,
						dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_abort, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_write_error, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_file_twice, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_leftovers_of_a_zombie, dir_rig_setup,
						dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_leftover_of_one, dir_rig_setup,
						dir_rig_teardown),
	};

	return cmocka_run_group_tests_name("resultdir", tests, NULL, NULL);
}
