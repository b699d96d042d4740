/*
 * config_check_generator.c - what a generator's keys must be to each other, and to other sections.
 *
 * Notes on the way which of the keys that exclude each other was given, and which cache of
 * slab.caches is meant. A table of `fleet` is read once to see that it can be; its path and line
 * are in the message.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/config_impl.h"
#include "sim/fleet.h"

#define FAIL(ld, path, ...) diag_key(ld, ERR_CONFIG, path, __VA_ARGS__)

static bool is_given(const struct config_generator *g, const char *key)
{
	return schema_is_given(schema_generator_keys, GENERATOR_KEYS, g->given, key);
}

static void generator_path(char path[PATH_SIZE], unsigned index, const char *key)
{
	snprintf(path, PATH_SIZE, "workload.generators[%u].%s", index, key);
}

double dist_largest(const struct config_dist *d)
{
	double largest = 0;
	switch (d->kind) {
	case DIST_CONSTANT:
		return d->value;
	case DIST_CHOICE:
		for (unsigned i = 0; i < d->choices_count; i++)
			largest = fmax(largest, d->choices[i].value);
		return largest;
	default:
		return d->max > 0 ? d->max : (double)INFINITY;
	}
}

void check_dist(struct loader *ld, const struct config_dist *d, const char *path)
{
	if ((d->kind == DIST_UNIFORM || d->max > 0) && d->min > d->max)
		FAIL(ld, path, "its min is above its max");
	if ((d->kind == DIST_EXPONENTIAL || d->kind == DIST_LOGNORMAL) && d->mean <= 0)
		FAIL(ld, path, "its mean must be above 0");
	if (d->kind == DIST_PARETO && d->scale <= 0)
		FAIL(ld, path, "its scale must be above 0");
	if (d->kind == DIST_PARETO && d->max > 0 && d->scale > d->max)
		FAIL(ld, path, "its scale is above its max");
}

/* The blocks that a generator allocates fit the largest one. */
static void check_block_size(struct loader *ld, const struct config *c, unsigned index)
{
	const struct config_generator *g = &c->workload.generators[index];
	char path[PATH_SIZE], text[UNITS_TEXT];
	bool by_size = g->what == GENERATOR_SIZE;
	double limit = by_size ? (double)((uint64_t)PAGE_BYTES << c->buddy.max_order)
			       : (double)c->buddy.max_order;
	double largest = dist_largest(by_size ? &g->size_bytes : &g->order);
	generator_path(path, index, by_size ? "size" : "order");
	units_format_double(by_size ? UNIT_BYTES : UNIT_COUNT, limit, text);
	if (isinf(largest))
		FAIL(ld, path, "has no upper end; give it a max (at most %s, from buddy.max_order)",
		     text);
	else if (largest > limit)
		FAIL(ld, path, "can exceed %s, the largest block of buddy.max_order", text);
}

unsigned check_cache_name(struct loader *ld, const struct config *c, const char *name,
			  const char *path)
{
	for (unsigned i = 0; i < c->slab.caches_count; i++) {
		if (strcmp(c->slab.caches[i].name, name) == 0)
			return i;
	}
	FAIL(ld, path, "names the cache '%s', which slab.caches does not define", name);
	return 0;
}

static void check_cache(struct loader *ld, struct config *c, unsigned index)
{
	struct config_generator *g = &c->workload.generators[index];
	char path[PATH_SIZE];
	generator_path(path, index, "cache");
	g->cache_index = check_cache_name(ld, c, g->cache, path);
}

static void check_fleet(struct loader *ld, const struct config *c, unsigned index)
{
	struct fleet fleet;
	struct err err = {0};
	char path[PATH_SIZE];
	generator_path(path, index, "fleet");
	if (ld->is_applied && !place_find(ld, path))
		return; /* as it was checked with the base */
	if (fleet_load(&fleet, c->workload.generators[index].fleet, &err) != 0) {
		diag_key(ld, err.code, path, "%s", err.text);
		return;
	}
	fleet_release(&fleet);
}

/* Of `lifetime` and `rate`, which a table has, and of what only a table needs. */
static void check_needed(struct loader *ld, const struct config_generator *g, unsigned index)
{
	static const char *const own[] = {"lifetime", "rate"};
	static const char *const of_fleet[] = {"rate_factor", "prefill"};
	bool fleet = g->what == GENERATOR_FLEET;
	char path[PATH_SIZE], generator[PATH_SIZE];
	snprintf(generator, sizeof(generator), "workload.generators[%u]", index);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		generator_path(path, index, own[i]);
		if (fleet && is_given(g, own[i]))
			FAIL(ld, path, "is decided by the table that fleet names");
		else if (!fleet && !is_given(g, own[i]))
			FAIL(ld, generator, "lacks '%s'", own[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_fleet) && !fleet; i++) {
		generator_path(path, index, of_fleet[i]);
		if (is_given(g, of_fleet[i]))
			FAIL(ld, path, "has no effect without fleet");
	}
}

/* Which of the keys that exclude each other is given: its number, or -1. */
static int find_what(const struct config_generator *g, const char *const names[], unsigned count)
{
	int what = -1;
	for (unsigned i = 0; i < count; i++) {
		if (!is_given(g, names[i]))
			continue;
		if (what >= 0)
			return -1;
		what = (int)i;
	}
	return what;
}

static void check_what(struct loader *ld, struct config *c, unsigned index)
{
	static const char *const names[] = {
		[GENERATOR_ORDER] = "order",     [GENERATOR_SIZE] = "size",
		[GENERATOR_KMALLOC] = "kmalloc", [GENERATOR_CACHE] = "cache",
		[GENERATOR_FLEET] = "fleet",
	};
	struct config_generator *g = &c->workload.generators[index];
	const struct config_dist *const dists[] = {
		[GENERATOR_ORDER] = &g->order,
		[GENERATOR_SIZE] = &g->size_bytes,
		[GENERATOR_KMALLOC] = &g->kmalloc_bytes,
	};
	char path[PATH_SIZE];
	int what = find_what(g, names, ARRAY_SIZE(names));
	if (what < 0) {
		snprintf(path, sizeof(path), "workload.generators[%u]", index);
		FAIL(ld, path,
		     "needs exactly one of 'order', 'size', 'kmalloc', 'cache' and 'fleet'");
		return;
	}
	g->what = (enum generator_what)what;
	if (g->what == GENERATOR_ORDER || g->what == GENERATOR_SIZE)
		check_block_size(ld, c, index);
	else if (g->what == GENERATOR_CACHE)
		check_cache(ld, c, index);
	else if (g->what == GENERATOR_FLEET)
		check_fleet(ld, c, index);
	if ((size_t)what < ARRAY_SIZE(dists)) {
		generator_path(path, index, names[what]);
		check_dist(ld, dists[what], path);
	}
	check_needed(ld, g, index);
}

void check_cpus(struct loader *ld, const struct config *c, const uint64_t *mask, const char *path)
{
	bool all = true;
	for (unsigned i = 0; i < CPUS_LIMIT / 64; i++)
		all = all && mask[i] == UINT64_MAX;
	for (unsigned cpu = (unsigned)c->machine.cpus; cpu < CPUS_LIMIT && !all; cpu++) {
		if (mask[cpu / 64] >> (cpu % 64) & 1) {
			FAIL(ld, path,
			     "names CPU %u but machine.cpus is %llu (legal range: 0..%llu)", cpu,
			     (unsigned long long)c->machine.cpus,
			     (unsigned long long)c->machine.cpus - 1);
			return;
		}
	}
}

static void check_nodes(struct loader *ld, const struct config *c, unsigned index)
{
	const struct config_generator *g = &c->workload.generators[index];
	char path[PATH_SIZE];
	generator_path(path, index, "node");
	if (g->node == CONFIG_AUTO)
		return;
	if (g->node >= c->machine.nodes)
		FAIL(ld, path, "is %llu but machine.nodes is %llu (legal range: 0..%llu)",
		     (unsigned long long)g->node, (unsigned long long)c->machine.nodes,
		     (unsigned long long)c->machine.nodes - 1);
	generator_path(path, index, "policy");
	if (g->policy != GENERATOR_POLICY_WORKLOAD)
		FAIL(ld, path, "has no effect beside node, which says it all");
}

static void check_phases(struct loader *ld, const struct config_generator *g, unsigned index)
{
	char path[PATH_SIZE];
	double most = 0;
	for (unsigned i = 0; i < g->phases_count; i++)
		most = fmax(most, g->phases[i].rate_factor);
	generator_path(path, index, "phases");
	if (g->phases_count && most <= 0)
		FAIL(ld, path, "all have rate_factor 0: nothing would ever be allocated");
}

void check_generator(struct loader *ld, struct config *c, unsigned index)
{
	struct config_generator *g = &c->workload.generators[index];
	char path[PATH_SIZE];
	check_what(ld, c, index);
	generator_path(path, index, "lifetime");
	if (is_given(g, "lifetime"))
		check_dist(ld, &g->lifetime_ns, path);
	generator_path(path, index, "cpus");
	check_cpus(ld, c, g->cpus, path);
	check_nodes(ld, c, index);
	check_phases(ld, g, index);
	generator_path(path, index, "count");
	if (!c->workload.duration_ns && !g->count_max)
		FAIL(ld, path, "would never end: give a count above 0 or workload.duration");
	generator_path(path, index, "name");
	for (unsigned i = 0; i < index; i++) {
		if (strcmp(c->workload.generators[i].name, g->name) == 0)
			FAIL(ld, path, "'%s' is already the name of workload.generators[%u]",
			     g->name, i);
	}
}
