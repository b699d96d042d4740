/*
 * sample.h - numbers drawn for the sampled parameters of a sweep, the same on every host.
 */
#ifndef SIM_SWEEP_SAMPLE_H
#define SIM_SWEEP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/units.h"

/* A range of values, both ends included. */
struct sample_range {
	enum unit unit;
	bool is_integer, is_log;
	uint64_t from, to, step; /* integers: values are multiples of step; from <= to */
	double real_from, real_to;
};

/*
 * Fill @u with @count numbers in [0, 1) from stream @stream of @seed: independent ones, or, as a
 * Latin hypercube wants, exactly one in each of the intervals [i / count, (i + 1) / count), in
 * random order. Streams don't depend on each other. 0, or -1 without memory.
 */
int sample_unit(double *u, uint64_t count, bool is_hypercube, uint64_t seed, uint64_t stream);

/* The value of @r at @u as text, a number with its unit, into @buf (UNITS_TEXT); returns @buf. */
char *sample_value(const struct sample_range *r, double u, char *buf);
/* The choice of @count at @u. */
unsigned sample_choice(unsigned count, double u);

/* Seed number @number of those that follow from @master; all differ. */
uint64_t sample_seed(uint64_t master, uint64_t number);

#endif
