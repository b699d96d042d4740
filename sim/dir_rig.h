/*
 * dir_rig.h - for tests: an empty directory for each, and files in it.
 */
#ifndef SIM_DIR_RIG_H
#define SIM_DIR_RIG_H

/* Of cmocka: the test runs in an empty directory, which is deleted after it. */
int dir_rig_setup(void **state);
int dir_rig_teardown(void **state);

/* The whole file @path; a failure is the test's. */
void dir_rig_put(const char *path, const char *text);
void dir_rig_assert(const char *path, const char *expected);
/* The number of entries of the directory @path. */
unsigned dir_rig_entries(const char *path);

#endif
