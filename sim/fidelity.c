/*
 * fidelity.c - see fidelity.h.
 */
#include "sim/fidelity.h"

#include <string.h>

static uint64_t distance(const struct free_counts *a, const struct free_counts *b)
{
	uint64_t sum = 0;
	for (unsigned o = 0; o < ORDER_LIMIT; o++)
		sum += a->blocks[o] > b->blocks[o] ? a->blocks[o] - b->blocks[o]
						   : b->blocks[o] - a->blocks[o];
	return sum;
}

void fidelity_score(struct fidelity *f, struct machine *m, const struct truth *truth,
		    const struct free_counts *start)
{
	memset(f, 0, sizeof(*f));
	f->zones_count = m->pm.zones_count;
	for (unsigned i = 0; i < f->zones_count; i++) {
		struct fidelity_zone *z = &f->zones[i];
		free_counts_zone(m->pa, i, &z->sim);
		z->start = start[i];
		z->truth.max_order = z->sim.max_order;
		for (unsigned o = 0; o < ORDER_LIMIT; o++) {
			z->truth.blocks[o] = truth->zones[i].free_blocks_end[o];
			z->true_blocks += z->truth.blocks[o];
		}
		z->error_blocks = distance(&z->sim, &z->truth);
		z->drift_blocks = distance(&z->start, &z->truth);
	}
}

static bool ratio(uint64_t part, uint64_t whole, double *out)
{
	if (!whole)
		return false;
	*out = (double)part / (double)whole;
	return true;
}

bool fidelity_error(const struct fidelity_zone *z, double *error)
{
	return ratio(z->error_blocks, z->true_blocks, error);
}

bool fidelity_drift(const struct fidelity_zone *z, double *drift)
{
	return ratio(z->drift_blocks, z->true_blocks, drift);
}

bool fidelity_skill(const struct fidelity_zone *z, double *skill)
{
	if (!ratio(z->error_blocks, z->drift_blocks, skill))
		return false;
	*skill = 1.0 - *skill;
	return true;
}
