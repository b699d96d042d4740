/*
 * input_watch.h - whether what a sweep reads stays as it was while the sweep runs.
 */
#ifndef SIM_SWEEP_INPUT_WATCH_H
#define SIM_SWEEP_INPUT_WATCH_H

#include "kern/err.h"
#include "sim/config.h"
#include "sim/sweep/plan.h"

struct input_look;

struct input_watch {
	const struct plan *plan;  /* NULL: nothing is watched */
	struct input_look *looks; /* of the plan's inputs, when they were known to be unchanged */
};

/*
 * plan_check_inputs(), and begin to watch them; @p stays the caller's. 0, or -1 with @err, and then
 * there is nothing to release.
 */
int input_watch_begin(struct input_watch *w, const struct plan *p, struct err *err);
/*
 * Are the inputs that @c names still those of the plan? 0, or -1 with @err: ERR_NO_INPUT,
 * ERR_TRACE. Cost: one stat() for each; what looks otherwise than before is read.
 */
int input_watch_check(struct input_watch *w, const struct config *c, struct err *err);
/* Fine for a zeroed @w. */
void input_watch_release(struct input_watch *w);

#endif
