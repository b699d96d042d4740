/*
 * config_rig.h - what tests of the configuration share: a folder of their own, files and the
 * loader's whole answers.
 */
#ifndef SIM_CONFIG_RIG_H
#define SIM_CONFIG_RIG_H

#include "sim/config.h"

/* For cmocka_run_group_tests(): the tests run in an empty folder. */
int config_rig_setup(void **state);
int config_rig_teardown(void **state);

/* @name is c.yaml or base.yaml, which the teardown removes. */
void config_rig_write(const char *name, const char *text, size_t size);
/*
 * Load @yaml (as c.yaml) and then @set (NULL: none) into @c, which the caller releases. Returns the
 * diagnostics, to be freed; *@code is that of the error, ERR_NONE if there is none.
 */
char *config_rig_load(struct config *c, const char *yaml, const char *set, int *code);
/* Loading fails with @expected_code and prints exactly @expected. */
void config_rig_refused(const char *yaml, const char *set, int expected_code,
			const char *expected);
/* What --print-config shows; to be freed. */
char *config_rig_print(const struct config *c);

#endif
