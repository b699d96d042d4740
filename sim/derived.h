/*
 * derived.h - figures that are computed from a run.json: sums over what it lists one by one.
 */
#ifndef SIM_DERIVED_H
#define SIM_DERIVED_H

#include <cjson/cJSON.h>

/*
 * The sums over @run, an object in the form of run.json; the caller deletes it. NULL: no memory.
 *
 *   latency[OP]   of an operation, over all orders and paths; absent if it never happened
 *   locks_total   over all locks, pcp_total over all CPUs' lists, zones_total over all zones:
 *                 members that run.json lists; absent where it has none
 */
cJSON *derived_figures(const cJSON *run);

#endif
