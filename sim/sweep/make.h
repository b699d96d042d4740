/*
 * make.h - from a sweep to its plan: every point with its values, seed and id.
 */
#ifndef SIM_SWEEP_MAKE_H
#define SIM_SWEEP_MAKE_H

#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/sweep/plan.h"
#include "sim/sweep/spec.h"

struct make_options {
	uint64_t runs_max;     /* more points are an error, found before any is made */
	uint64_t sample_count; /* only that many points, chosen at random; 0: all */
	uint64_t sample_seed;
};

struct make_report {
	uint64_t points_count;   /* of the whole sweep; UINT64_MAX: that many or more */
	uint64_t tried_count;    /* of them, with sample_count; else all */
	uint64_t dropped_count;  /* for which a constraint does not hold */
	uint64_t same_count;     /* as an earlier point: planned once */
	uint64_t refused_count;  /* whose configuration is wrong: then there is no plan */
};

/*
 * Make the plan of @s. The first few points that the configuration refuses are printed to
 * @diagnostics (NULL: not printed), what they are and why. Returns 0, or -1 with @err and nothing
 * to release: ERR_CONFIG (points refused, a constraint that can't be evaluated, no point left),
 * ERR_USAGE (more than runs_max), ERR_NO_INPUT, ERR_IO. @report is filled in any case.
 */
int make_plan(struct plan *p, const struct spec *s, const struct make_options *options,
	      struct make_report *report, FILE *diagnostics, struct err *err);

#endif
