/*
 * sample.c - draws for sampled parameters: see sample.h.
 *
 * Every parameter has a stream of uniform numbers of its own; a number becomes a value by the
 * parameter's range. So a parameter that is added to a sweep leaves the values of the others alone.
 *
 * A Latin hypercube of N points cuts [0, 1) into N strata and draws once in each, in an order
 * shuffled for each parameter: N values of a parameter cover its whole range evenly, where
 * independent draws leave gaps (of 1/e of the strata, on average).
 *
 *   N = 4   strata   0..1/4  1/4..2/4  2/4..3/4  3/4..1
 *           order       2        0         3        1       (shuffled)
 *           draws     0.61     0.07      0.83     0.44
 *
 * An integer range from..to is cut into as many equal parts as it has values; on a logarithmic
 * scale, value k gets the part from log k to log (k + 1):
 *
 *   from 1, to 3, log    1: 0..0.50    2: 0.50..0.79    3: 0.79..1
 *
 * Logarithms are those of kern/rng.h, which are the same on every host.
 */
#include "sim/sweep/sample.h"

#include <stdlib.h>

#include "kern/rng.h"
#include "kern/types.h"

int sample_unit(double *u, uint64_t count, bool is_hypercube, uint64_t seed, uint64_t stream)
{
	struct rng rng;
	rng_init(&rng, seed, stream);
	if (!is_hypercube) {
		for (uint64_t i = 0; i < count; i++)
			u[i] = rng_unit(&rng);
		return 0;
	}
	uint64_t *order = calloc(count, sizeof(*order));
	if (!order)
		return -1;
	for (uint64_t i = 0; i < count; i++)
		order[i] = i;
	for (uint64_t i = count; i > 1; i--) {
		uint64_t other = rng_below(&rng, i), kept = order[i - 1];
		order[i - 1] = order[other];
		order[other] = kept;
	}
	for (uint64_t i = 0; i < count; i++)
		u[i] = ((double)order[i] + rng_unit(&rng)) / (double)count;
	free(order);
	return 0;
}

static uint64_t integer_at(const struct sample_range *r, double u)
{
	uint64_t low = r->from / r->step, high = r->to / r->step;
	double at;
	if (r->is_log) {
		double first = det_log((double)low);
		at = det_exp(first + u * (det_log((double)high + 1) - first));
	} else {
		at = (double)low + u * ((double)(high - low) + 1);
	}
	/* Rounding may lead out at either end. */
	uint64_t value = at <= (double)low ? low : at >= (double)high ? high : (uint64_t)at;
	return value * r->step;
}

char *sample_value(const struct sample_range *r, double u, char *buf)
{
	if (r->is_integer)
		return units_format_u64(r->unit, integer_at(r, u), buf);
	double value = r->real_from + u * (r->real_to - r->real_from);
	if (r->is_log) {
		double first = det_log(r->real_from);
		value = det_exp(first + u * (det_log(r->real_to) - first));
	}
	value = value < r->real_from ? r->real_from : value > r->real_to ? r->real_to : value;
	return units_format_double(r->unit, value, buf);
}

unsigned sample_choice(unsigned count, double u)
{
	unsigned choice = (unsigned)(u * count);
	return choice < count ? choice : count - 1;
}

uint64_t sample_seed(uint64_t master, uint64_t number)
{
	uint64_t state = master;
	state = splitmix64(&state) + number;
	return splitmix64(&state);
}
