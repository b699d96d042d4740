/*
 * dist_draw.h - values of the distributions of a configuration.
 */
#ifndef SIM_DIST_DRAW_H
#define SIM_DIST_DRAW_H

#include <stdbool.h>

#include "kern/rng.h"
#include "sim/config.h"

/*
 * A value of at least 0 in the unit of the place of @d, within its limits if it has any. @integer:
 * a uniform one is an integer; others are left to be rounded. INFINITY for a constant "forever".
 */
double dist_draw(const struct config_dist *d, struct rng *rng, bool integer);

#endif
