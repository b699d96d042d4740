/*
 * choose.h - the points of a plan that a call is about: --points and --shard.
 */
#ifndef SIM_SWEEP_CHOOSE_H
#define SIM_SWEEP_CHOOSE_H

#include "kern/err.h"
#include "sim/sweep/plan.h"

/*
 * The points of @p whose index is named by @points and modulo @shards is @shard, in the order of
 * the plan, into *@chosen (to be freed by the caller; of @p's points) and their number into
 * *@count, which may be 0: there may be more shards than points.
 *
 * @points: indices and ranges with both ends, "3,7-9", in any order; NULL: all. Each index has to
 * be that of a point, and each range has to hold one. @shards 0: all.
 *
 * Returns 0, or -1 with @err: ERR_USAGE (a text that is no list, no such point), ERR_IO (memory).
 */
int choose_points(const struct plan *p, const char *points, uint64_t shard, uint64_t shards,
		  const struct plan_point ***chosen, uint64_t *count, struct err *err);

/* "2/8" into 2 and 8; 0, or -1 with @err: ERR_USAGE. Shards are numbered from 0. */
int choose_parse_shard(const char *text, uint64_t *shard, uint64_t *shards, struct err *err);

#endif
