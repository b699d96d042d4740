/*
 * rng.h - random numbers that are the same on every host: xoshiro256** seeded by splitmix64, and
 * draws whose floating-point steps are additions, multiplications, divisions and square roots only,
 * which IEEE 754 fixes to the last bit. The C library's log() and exp() differ between CPUs.
 */
#ifndef KERN_RNG_H
#define KERN_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Independent streams: same @seed, different @stream. */
void rng_init(struct rng *r, uint64_t seed, uint64_t stream);
uint64_t rng_u64(struct rng *r);
/* Uniform in 0..bound-1, unbiased; @bound >= 1. */
uint64_t rng_below(struct rng *r, uint64_t bound);
/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *r);
/* Exponential with mean 1. */
double rng_exponential(struct rng *r);
/* Normal with mean 0 and variance 1 (polar method). */
double rng_normal(struct rng *r);

/* Natural logarithm (x > 0) and exponential, bit-identical everywhere, within 4 ulp. */
double det_log(double x);
double det_exp(double x);

uint64_t splitmix64(uint64_t *state);

#endif
