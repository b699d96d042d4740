/*
 * rng.c - see rng.h. xoshiro256** 1.0 and splitmix64 after Blackman and Vigna (prng.di.unimi.it).
 */
#include "kern/rng.h"

#include <math.h>

#include "kern/bug.h"
#include "kern/types.h"

uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void rng_init(struct rng *r, uint64_t seed, uint64_t stream)
{
	uint64_t state = seed;
	uint64_t mixed = splitmix64(&state) ^ (stream * UINT64_C(0xd1342543de82ef95));
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&mixed);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
	BUG_ON(bound == 0, "a random number below 0");
	uint64_t limit =
		-bound % bound; /* 2^64 mod bound: values below it would be drawn too often */
	uint64_t x;
	do
		x = rng_u64(r);
	while (x < limit);
	return x % bound;
}

double rng_unit(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

double rng_exponential(struct rng *r)
{
	return -det_log(1.0 - rng_unit(r));
}

double rng_normal(struct rng *r)
{
	double u, v, q;
	do {
		u = 2.0 * rng_unit(r) - 1.0;
		v = 2.0 * rng_unit(r) - 1.0;
		q = u * u + v * v;
	} while (q >= 1.0 || q == 0.0);
	return u * sqrt(-2.0 * det_log(q) / q);
}

#define LN2_HI 0x1.62e42fee00000p-1 /* ln 2 in two parts: k * LN2_HI is exact for |k| < 2^20 */
#define LN2_LO 0x1.a39ef35793c76p-33

/* x = m * 2^k with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh((m - 1) / (m + 1)) by its series. */
double det_log(double x)
{
	BUG_ON(!(x > 0.0), "logarithm of %g", x);
	int k;
	double m = frexp(x, &k);
	if (m < 0.70710678118654752) {
		m *= 2.0;
		k--;
	}
	static const double inverse[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
					 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
	double t = (m - 1.0) / (m + 1.0), t2 = t * t, sum = 0.0;
	/* |t| < 0.172: what the series leaves out is below 2^-60. */
	for (unsigned i = 0; i < ARRAY_SIZE(inverse); i++)
		sum = sum * t2 + inverse[i];
	return (double)k * LN2_HI + (2.0 * t * sum + (double)k * LN2_LO);
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor series. */
double det_exp(double x)
{
	if (x > 709.0)
		x = 709.0;
	if (x < -708.0)
		return 0.0;
	double k = floor(x / 0.69314718055994531 + 0.5);
	static const double inverse[] = {1.0 / 18, 1.0 / 17, 1.0 / 16, 1.0 / 15, 1.0 / 14, 1.0 / 13,
					 1.0 / 12, 1.0 / 11, 1.0 / 10, 1.0 / 9,  1.0 / 8,  1.0 / 7,
					 1.0 / 6,  1.0 / 5,  1.0 / 4,  1.0 / 3,  1.0 / 2,  1.0};
	double rest = (x - k * LN2_HI) - k * LN2_LO, sum = 1.0;
	for (unsigned i = 0; i < ARRAY_SIZE(inverse); i++)
		sum = 1.0 + sum * (rest * inverse[i]);
	return ldexp(sum, (int)k);
}
