/*
 * results.h - the results that a command was given: directories of runs, and of sweeps.
 *
 * A sweep's directory stands for all its points that are done. Whatever is looked up in a result
 * has one name everywhere: --set's for settings (slab.max_order, workload.programs[0].rounds),
 * compare's for figures (latency[alloc].p99_ns), and of a sweep "trace" and "repeat".
 */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include <stdbool.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "kern/err.h"
#include "sim/compare_keys.h"
#include "sim/sweep/cell.h"
#include "sim/sweep/plan.h"

/* Of a sweep: its plan. */
struct results_sweep {
	char *dir;
	struct plan plan;
	uint64_t states_count[CELL_STATES]; /* of the plan's points; set by results_open() */
};

/* A result, for as long as it is visited. */
struct results_row {
	const char *dir;                   /* RESULTS/ID or the result directory itself */
	const struct results_sweep *sweep; /* NULL: no sweep's */
	const struct plan_point *point;    /* NULL: no sweep's */
	const struct cell *cell;           /* NULL: no sweep's */
	const cJSON *run;                  /* run.json; NULL for a point that isn't done */
	struct results_figures *figures;   /* private */
};

struct results {
	struct results_sweep *sweeps;
	unsigned sweeps_count;
	struct results_source *sources; /* private */
	unsigned sources_count;
};

/*
 * @paths: result directories and sweeps' directories (which hold plan.jsonl), in any mixture; they
 * stay the caller's. The cells of sweeps are looked at, nothing else is read. 0, or -1 with @err:
 * ERR_NO_INPUT, ERR_TRACE.
 */
int results_open(struct results *r, const char *const *paths, unsigned count, struct err *err);
void results_release(struct results *r);

/*
 * Visit all results in the order of @paths, points by index. Points that aren't done are visited
 * only @with_undone. Stops at the first @visit that returns other than 0, and returns -1 then, as
 * for a run.json that can't be read (@err).
 */
int results_each(struct results *r, bool with_undone,
		 int (*visit)(void *arg, const struct results_row *row, struct err *err), void *arg,
		 struct err *err);

/*
 * Collect the keys of @row's run.json, and of the sums over it (derived.h), into the zeroed @l and
 * sort them: those of the members that are @wanted (totals, zones; NULL: of all). The row has to
 * have a run. 0, or -1 with @err (ERR_TRACE, ERR_IO); @l has to be released in both cases.
 */
int results_leaves(const struct results_row *row,
		   bool (*wanted)(const void *arg, const char *member), const void *arg,
		   struct leaves *l, struct err *err);

/*
 * Whether some points failed or are missing, in words ("3 of 40 points failed and have no figures:
 * ID (exit status 70), ..."), up to two lines for each sweep that has such; nothing otherwise.
 */
void results_print_lacking(const struct results *r, FILE *out);

/*
 * What run.json's @config (or that of config_write_json()) has at @key, which is named as for --set
 * or as there; NULL if there is nothing.
 */
const cJSON *results_setting(const cJSON *config, const char *key);
/*
 * The number at @key: a parameter of the sweep ("repeat"), a setting, or a figure; NAN if there is
 * no such key or it has no number ("auto"); if the figures can't be read, results_each() fails
 * after the visit. A figure may also be named as a column of collect is
 * (columns.h: fragmentation.unusable_index_order9). *@name (may be NULL) becomes the last member's
 * name, which tells the unit; it belongs to @row or @key.
 */
double results_number(const struct results_row *row, const char *key, const char **name);
/*
 * The same as a text for people and legends: "files", "slub", "64 KiB", "auto"; "" if there is
 * none.
 */
char *results_text(const struct results_row *row, const char *key, char *buf, size_t size);
/*
 * What @key, at which @row has nothing, was meant to be, into @buf, which is returned:
 * '; did you mean "A" or "B"?', parameters of the sweep before settings and figures; of a sweep
 * otherwise "; the sweep varies A, B", else "".
 */
char *results_suggest(const struct results_row *row, const char *key, char *buf, size_t size);

#endif
