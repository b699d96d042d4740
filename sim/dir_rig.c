/*
 * dir_rig.c - for tests: an empty directory for each, and files in it: see dir_rig.h.
 */
#include "sim/dir_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/resultdir.h"

static char home[64];

int dir_rig_setup(void **state)
{
	strcpy(home, "/tmp/allocsim_test.XXXXXX");
	return mkdtemp(home) && !chdir(home) ? 0 : -1;
}

int dir_rig_teardown(void **state)
{
	return chdir("/") || resultdir_remove_tree(home);
}

void dir_rig_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void dir_rig_assert(const char *path, const char *expected)
{
	char text[256];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(text, expected);
}

unsigned dir_rig_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}
