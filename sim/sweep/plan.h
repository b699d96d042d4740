/*
 * plan.h - the list of runs that make up a sweep, as `allocsim sweep plan` writes it.
 *
 * A plan is a text file, one JSON object a line. The first line is about all points: the resolved
 * configuration they have in common, what they vary, the traces, what to draw. Each other line is a
 * point:
 *
 *   {"i": 7, "id": "3f0c...", "params": {"trace": "files", "slab.max_order": "2", "seed": "91"}}
 *
 * `params` are in the order of the plan's parameters: values as they are given to --set, each key a
 * configuration key but for two: "trace" is the name of one of the plan's traces and "repeat" the
 * number of a repetition, from 0. The id is a digest of the point's resolved configuration, the
 * contents of its inputs and the version of allocsim; it does not depend on where files lie, nor on
 * the other points. A plan is the same bytes whenever it is made from the same files.
 */
#ifndef SIM_SWEEP_PLAN_H
#define SIM_SWEEP_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/config.h"
#include "sim/sweep/digest.h"

#define PLAN_PARAMS_MAX 64
#define PLAN_PANELS_MAX 3
#define PLAN_WHERE_MAX  16
#define PLAN_TRACE_KEY  "trace"
#define PLAN_REPEAT_KEY "repeat"

/* A parameter, and its values in the order in which the sweep names them. */
struct plan_parameter {
	char *key;
	char **values;
	unsigned values_count;
};

struct plan_trace {
	char *name;  /* of the value of the parameter "trace" */
	char *trace; /* absolute path */
	char *truth; /* absolute path of a recorded state, or NULL */
};

/* A file or a recorded state that points read, and what it held when the plan was made. */
struct plan_input {
	char *path; /* absolute */
	bool is_recording; /* digest_recording(), not digest_file() */
	uint64_t bytes, digest;
};

/* A picture of the sweep: the options of `allocsim plot`. NULL: not given. */
struct plan_plot {
	char *name;  /* stem of the files */
	char *title;
	char *x, *y[PLAN_PANELS_MAX], *z, *by, *kind;
	char *where[PLAN_WHERE_MAX]; /* KEY=VALUE */
	unsigned y_count, where_count;
	bool relative;
};

struct plan_point {
	uint64_t index;       /* in the whole sweep: also if only a part of it was planned */
	char id[DIGEST_TEXT]; /* also the name of its result directory */
	char **values;        /* by parameter of the plan */
};

struct plan {
	char *name;     /* of the sweep; [A-Za-z0-9_.-]+ */
	char *title, *question; /* for people; NULL: none */
	char *version;  /* of the allocsim that made it */
	char *config;   /* YAML of the common configuration, paths absolute */
	uint64_t master_seed;
	struct plan_parameter *parameters;
	unsigned parameters_count;
	struct plan_trace *traces;
	unsigned traces_count;
	struct plan_input *inputs;
	unsigned inputs_count;
	struct plan_plot *plots;
	unsigned plots_count;
	struct plan_point *points; /* by index, ascending */
	uint64_t points_count;
};

/*
 * Read a plan. Returns 0, or -1 with @err and nothing to release: ERR_NO_INPUT, ERR_TRACE (no plan;
 * file:line says where).
 */
int plan_load(struct plan *p, const char *path, struct err *err);
void plan_release(struct plan *p);
/* Its texts. */
void plan_plot_release(struct plan_plot *plot);

/* Write it to @out; whether that succeeded is for the caller's ferror(). */
void plan_write(const struct plan *p, FILE *out);
/*
 * Write it to the file @path: complete, or not at all; "-" is standard output. A file that has the
 * same bytes already is left alone. 0, or -1 with @err: ERR_CANT_CREATE, ERR_IO.
 */
int plan_save(const struct plan *p, const char *path, struct err *err);

/* The number of the parameter @key, or -1. */
int plan_parameter_find(const struct plan *p, const char *key);
/* The point whose index is @index, or NULL. */
const struct plan_point *plan_point_find(const struct plan *p, uint64_t index);
/* The trace of @point, or NULL if the plan has none. */
const struct plan_trace *plan_point_trace(const struct plan *p, const struct plan_point *point);

/*
 * The configuration that all points begin from into @base, which config_init() prepared. 0, or -1
 * with @err.
 */
int plan_base(const struct plan *p, struct config *base, struct err *err);
/*
 * The configuration of @point: a copy of @base, which plan_base() made, with its parameters. @c is
 * config_init()ed here and to be released in any case. 0, or -1 with @err: ERR_CONFIG.
 */
int plan_config(const struct plan *p, const struct plan_point *point, const struct config *base,
		struct config *c, struct err *err);

/*
 * Do the inputs hold what they held when the plan was made, and is this the version that made it?
 * 0, or -1 with @err: ERR_NO_INPUT, ERR_TRACE (it changed), ERR_USAGE (another version).
 */
int plan_check_inputs(const struct plan *p, struct err *err);
/* Of one of them: 0, or -1 with @err: ERR_NO_INPUT, ERR_TRACE. */
int plan_check_input(const struct plan_input *in, struct err *err);

#endif
