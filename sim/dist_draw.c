/*
 * dist_draw.c - a value of a distribution of a configuration.
 *
 * One draw takes as many random numbers as its kind needs, in a fixed order, and calculates with
 * what is bit-identical on every host (kern/rng.h). Limits clamp: a value beyond is the limit, so
 * the mean of a distribution with limits is not the one that is written.
 *
 *   exponential, mean 5 ms, max 20 ms: 5 ms * e, e exponential with mean 1; 1.8 % are cut to 20 ms
 *
 * MODEL: uniform draws of integers have no bias; the others are rounded down by whoever asked.
 */
#include "sim/dist_draw.h"

#include "kern/bug.h"

static double draw_choice(const struct config_dist *d, struct rng *rng)
{
	double total = 0, at;
	for (unsigned i = 0; i < d->choices_count; i++)
		total += d->choices[i].weight;
	at = rng_unit(rng) * total;
	for (unsigned i = 0; i + 1 < d->choices_count; i++) {
		if (at < d->choices[i].weight)
			return d->choices[i].value;
		at -= d->choices[i].weight;
	}
	return d->choices[d->choices_count - 1].value;
}

static double draw_raw(const struct config_dist *d, struct rng *rng, bool integer)
{
	switch (d->kind) {
	case DIST_CONSTANT:
		return d->value;
	case DIST_UNIFORM:
		if (integer)
			return d->min + (double)rng_below(rng, (uint64_t)(d->max - d->min) + 1);
		return d->min + rng_unit(rng) * (d->max - d->min);
	case DIST_EXPONENTIAL:
		return d->mean * rng_exponential(rng);
	case DIST_LOGNORMAL:
		return d->mean * det_exp(d->sigma * rng_normal(rng) - d->sigma * d->sigma / 2);
	case DIST_PARETO:
		return d->scale * det_exp(rng_exponential(rng) / d->shape);
	case DIST_CHOICE:
		return draw_choice(d, rng);
	}
	BUG("distribution %d", (int)d->kind);
}

double dist_draw(const struct config_dist *d, struct rng *rng, bool integer)
{
	double v = draw_raw(d, rng, integer);
	if (d->max > 0 && d->kind != DIST_UNIFORM)
		v = v < d->min ? d->min : v > d->max ? d->max : v;
	return v > 0 ? v : 0;
}
