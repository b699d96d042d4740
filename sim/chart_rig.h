/*
 * chart_rig.h - results and a sweep for tests of charts, made of a few numbers.
 *
 * All of it lies in a new directory, which is the current one from setup to teardown.
 */
#ifndef SIM_CHART_RIG_H
#define SIM_CHART_RIG_H

#include "sim/chart.h"

/* For cmocka_unit_test_setup_teardown(). */
int chart_rig_setup(void **state);
int chart_rig_teardown(void **state);
/* The directory scripts/ of the sources. */
const char *chart_rig_scripts(void);

void chart_rig_write(const char *path, const char *text);
/*
 * A result: locks[l].wait_ns_total is @ns, programs[p].rounds_count 4, programs[p].spare_count 1.
 * @config is put into its configuration, @figures into programs[p]: "" or ", \"key\": value".
 */
void chart_rig_result(const char *dir, const char *name, const char *config, double ns,
		      const char *figures);

/*
 * A sweep in the directory "sweep", which need not be there: traces "web" and "db", slab.max_order
 * "auto", 2 and 10, and three repetitions with their seeds. wait_ns_total is 1000, for db 3000, and
 * for each order (auto: 5) 100 more, and of the repetitions 0, 10 and 40 more. Points whose bit is
 * set in @failed are failed ones.
 */
void chart_rig_sweep(unsigned failed);

/* chart_new() of @paths, which has to succeed. */
struct chart *chart_rig_load(const struct chart_options *options, const char *const *paths,
			     unsigned count);
/* It has to fail so, with @words in its text. */
void chart_rig_refuse(const struct chart_options *options, const char *const *paths, unsigned count,
		      enum err_code code, const char *words);
/* The file has that text in it. */
void chart_rig_assert_contains(const char *path, const char *expected);

#endif
