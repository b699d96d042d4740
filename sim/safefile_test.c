/*
 * safefile_test.c - the old file or the whole new one, and never anything beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/dir_rig.h"
#include "sim/resultdir.h"
#include "sim/safefile.h"

static void test_commit_and_abort(void **state)
{
	struct err err = {0};
	struct safefile f;

	assert_int_equal(safefile_create(&f, "a", &err), 0);
	fputs("one", f.stream);
	fflush(f.stream);
	assert_int_equal(access("a", F_OK), -1);
	assert_int_equal(safefile_commit(&f, &err), 0);
	dir_rig_assert("a", "one");
	assert_int_equal(safefile_create(&f, "a", &err), 0);
	fputs("two", f.stream);
	dir_rig_assert("a", "one");
	safefile_abort(&f);
	safefile_abort(&f);
	dir_rig_assert("a", "one");
	assert_int_equal(dir_rig_entries("."), 1);
}

/* The target of a link is replaced, not the link; what is no file is written as it is. */
static void test_links_and_pipes(void **state)
{
	struct err err = {0};
	struct safefile f;
	struct stat st;

	assert_int_equal(mkdir("d", 0777), 0);
	assert_int_equal(symlink("d/real", "link"), 0);
	assert_int_equal(safefile_create(&f, "d/real", &err), 0);
	assert_int_equal(safefile_commit(&f, &err), 0);
	assert_int_equal(safefile_create(&f, "link", &err), 0);
	fputs("x", f.stream);
	assert_int_equal(safefile_commit(&f, &err), 0);
	dir_rig_assert("d/real", "x");
	assert_int_equal(lstat("link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(safefile_create(&f, "/dev/null", &err), 0);
	fputs("x", f.stream);
	assert_int_equal(safefile_commit(&f, &err), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void test_move(void **state)
{
	dir_rig_put("new", "new");
	dir_rig_put("old", "old");
	assert_int_equal(safefile_move("new", "old"), 0);
	dir_rig_assert("old", "new");
	assert_int_equal(dir_rig_entries("."), 1);
	assert_int_equal(safefile_move("none", "old"), ENOENT);
	assert_int_equal(safefile_move("old", "none/old"), ENOENT);
	dir_rig_assert("old", "new");
}

static void test_failures(void **state)
{
	struct rlimit old, small = {.rlim_cur = 4096};
	struct err err = {0};
	struct safefile f;
	unsigned i;

	assert_int_equal(safefile_create(&f, "none/a", &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_non_null(strstr(err.text, "none/a: can't create: No such file"));
	/* As a full disk does, a limit makes a write fail. */
	err = (struct err){0};
	assert_int_equal(safefile_create(&f, "a", &err), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (i = 0; i < 10000; i++)
		fputs("0123456789", f.stream);
	assert_int_equal(safefile_commit(&f, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "a: writing failed: "));
	assert_int_equal(dir_rig_entries("."), 0);
	assert_int_equal(safefile_create(&f, "/dev/full", &(struct err){0}), 0);
	fputs("x", f.stream);
	err = (struct err){0};
	assert_int_equal(safefile_commit(&f, &err), -1);
	assert_int_equal(err.code, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_commit_and_abort, dir_rig_setup,
						dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_links_and_pipes, dir_rig_setup,
						dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_move, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_failures, dir_rig_setup, dir_rig_teardown),
	};

	return cmocka_run_group_tests_name("safefile", tests, NULL, NULL);
}
