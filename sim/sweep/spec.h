/*
 * spec.h - a sweep as people write it: YAML that says what to vary.
 *
 *   config: ../linux-6.18.yaml
 *   traces: [web.atrace, files.atrace]
 *   grid: {slab.max_order: [0, 1, 2, 3], slab.cpu_partial: [0, auto]}
 *   constraints: ["trace == 'files' or slab.max_order > 0"]
 *   seeds: 5
 *
 * docs/sweeps.md has all sections. A sweep is a product of dimensions. A dimension is one or more
 * parameters and a list of positions, each with a value for every one of its parameters.
 */
#ifndef SIM_SWEEP_SPEC_H
#define SIM_SWEEP_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/config.h"
#include "sim/sweep/expr.h"
#include "sim/sweep/plan.h"

#define SPEC_POSITIONS_MAX 1000000 /* of one dimension */

enum spec_kind { SPEC_TRACES, SPEC_LIST, SPEC_ZIP, SPEC_GRID, SPEC_SAMPLE, SPEC_KINDS };

/* A key or value and where it stands; line 0: nowhere. */
struct spec_text {
	char *text; /* NULL: not given */
	uint64_t line, column;
};

struct spec_dimension {
	enum spec_kind kind;
	unsigned order;            /* in which it was written */
	unsigned keys_count;
	struct spec_text *keys;
	uint64_t count;            /* positions */
	struct spec_text *values;  /* [position * keys_count + key] */
	bool drawn;                /* values are numbers out of ranges: no list to choose from */
};

/* A parameter that is drawn: from a range or from choices. */
struct spec_drawn {
	struct spec_text key, from, to;
	bool is_log;
	struct spec_text *choices;
	unsigned choices_count;
};

struct spec_sample {
	bool given, is_hypercube;
	uint64_t count, line, column;
	struct spec_drawn *drawn;
	unsigned drawn_count;
};

struct spec_constraint {
	struct spec_text text;
	struct expr *expr;
};

struct spec {
	char *path; /* the file */
	char *name, *title, *question;
	struct spec_text *files;    /* of `config`: paths as config_load() takes them */
	unsigned files_count;
	struct spec_text *set_keys, *set_values; /* of `set` */
	unsigned sets_count;
	struct plan_trace *traces;
	struct spec_text *trace_places;
	unsigned traces_count;
	struct spec_dimension *dimensions; /* slowest first; without repetitions */
	unsigned dimensions_count;
	struct spec_sample sample;
	struct spec_constraint *constraints;
	unsigned constraints_count;
	uint64_t seeds_count;       /* 0: not given; every point has the configuration's seed */
	uint64_t master_seed;
	bool by_repeat;
	struct plan_plot *plots;
	unsigned plots_count;
	struct config base;         /* what all points have in common */
};

/*
 * Read the sweep @path, its configuration and the texts @sets, which are set for all points. What
 * is wrong is printed to @diagnostics (NULL: not printed), "sweep.yaml:3:5: grid: ...", up to a
 * bound. Returns 0; or -1 with @err, ERR_CONFIG or ERR_NO_INPUT, which sums up or is the first line
 * if @diagnostics is NULL, and nothing to release.
 */
int spec_load(struct spec *s, const char *path, const char *const *sets, unsigned sets_count,
	      FILE *diagnostics, struct err *err);
void spec_release(struct spec *s);

/* Points of the whole sweep, before constraints; UINT64_MAX: that many or more. */
uint64_t spec_points_count(const struct spec *s);

#endif
