/*
 * fidelity_print.c - the tables that compare a replay with its recording, for people.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/fidelity.h"

#define CACHES_SHOWN 12

static void print_figure(FILE *out, bool defined, double value)
{
	if (defined)
		fprintf(out, " %9.4f", value);
	else
		fprintf(out, " %9s", "-");
}

static void print_zones(const struct fidelity *f, struct machine *m, FILE *out)
{
	unsigned max_order = m->pm.max_order;
	fprintf(out, "\nfree blocks by order at the end, against the recorded kernel\n");
	fprintf(out, "%-8s %-9s", "zone", "");
	for (unsigned o = 0; o <= max_order; o++)
		fprintf(out, " %6u", o);
	fprintf(out, " %9s %9s %9s\n", "error", "drift", "skill");
	for (unsigned i = 0; i < f->zones_count; i++) {
		const struct fidelity_zone *z = &f->zones[i];
		const struct {
			const char *what;
			const struct free_counts *f;
		} rows[] = {{"start", &z->start}, {"recorded", &z->truth}, {"simulated", &z->sim}};
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			fprintf(out, "%-8s %-9s", k ? "" : m->pm.zones[i].name,
				rows[k].what);
			for (unsigned o = 0; o <= max_order; o++)
				fprintf(out, " %6" PRIu64, rows[k].f->blocks[o]);
			if (k + 1 < ARRAY_SIZE(rows))
				fputc('\n', out);
		}
		double error = 0, drift = 0, skill = 0;
		bool has_error = fidelity_error(z, &error), has_drift = fidelity_drift(z, &drift);
		bool has_skill = fidelity_skill(z, &skill);
		print_figure(out, has_error, error);
		print_figure(out, has_drift, drift);
		print_figure(out, has_skill, skill);
		fputc('\n', out);
	}
}

static void print_traffic(const struct fidelity *f, struct machine *m, FILE *out)
{
	fprintf(out, "\npages between zone and per-CPU lists\n%-8s %20s %20s\n", "zone",
		"refilled (recorded)", "drained (recorded)");
	for (unsigned i = 0; i < f->zones_count; i++) {
		const struct fidelity_zone *z = &f->zones[i];
		fprintf(out, "%-8s %9" PRIu64 " (%8" PRIu64 ") %9" PRIu64 " (%8" PRIu64 ")\n",
			m->pm.zones[i].name, z->refilled_pages_sim, z->refilled_pages_true,
			z->drained_pages_sim, z->drained_pages_true);
	}
}

/* How much of a cache changed, in the recording or here. */
static uint64_t change(const struct fidelity_cache *c)
{
	int64_t truth = (int64_t)(c->slabs_true - c->slabs_start);
	int64_t sim = (int64_t)(c->slabs_sim - c->slabs_start);
	return (uint64_t)(llabs(truth) + llabs(sim)) * c->pages_per_slab;
}

static int compare_changes(const void *a, const void *b)
{
	const struct fidelity_cache *x = *(const struct fidelity_cache *const *)a;
	const struct fidelity_cache *y = *(const struct fidelity_cache *const *)b;
	if (change(x) != change(y))
		return change(x) > change(y) ? -1 : 1;
	return x < y ? -1 : x > y; /* the order of slabinfo */
}

/*
 * In percent: little of it changes, so that the skill would say more about the change than about
 * how close the simulation is.
 */
static void print_sum(const char *what, const struct fidelity_sum *s, FILE *out)
{
	double percent = s->total ? 100.0 * (double)s->error / (double)s->total : 0;
	fprintf(out,
		"%s: %" PRIu64 " recorded, off by %" PRIu64 " (%.2f %%); at the start by %" PRIu64
		"\n",
		what, s->total, s->error, percent, s->drift);
}

/* Caches whose number of slabs changed, most pages first. */
static void print_caches(const struct fidelity *f, FILE *out)
{
	const struct fidelity_cache **list = calloc(f->caches_count, sizeof(*list));
	unsigned count = 0;
	for (unsigned i = 0; list && i < f->caches_count; i++) {
		if (change(&f->caches[i]))
			list[count++] = &f->caches[i];
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_changes);
	fprintf(out, "\nobject caches at the end, against the recorded kernel\n");
	if (count)
		fprintf(out, "%-24s %24s %33s\n", "", "slabs", "active objects");
	if (count)
		fprintf(out, "%-24s %8s %8s %9s %9s %9s %9s\n", "cache", "start", "recorded",
			"simulated", "start", "recorded", "simulated");
	for (unsigned i = 0; i < count && i < CACHES_SHOWN; i++) {
		const struct fidelity_cache *c = list[i];
		fprintf(out,
			"%-24s %8" PRIu64 " %8" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
			" %9" PRIu64 "\n",
			c->name, c->slabs_start, c->slabs_true, c->slabs_sim, c->active_start,
			c->active_true, c->active_sim);
	}
	if (count > CACHES_SHOWN)
		fprintf(out, "and %u more caches with a change; all are in run.json\n",
			count - CACHES_SHOWN);
	print_sum("pages of slabs", &f->slab_pages, out);
	print_sum("active objects", &f->active_objects, out);
	free(list);
}

void fidelity_print(const struct fidelity *f, struct machine *m, FILE *out)
{
	print_zones(f, m, out);
	print_traffic(f, m, out);
	if (f->caches_count)
		print_caches(f, out);
}
