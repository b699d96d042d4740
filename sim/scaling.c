/*
 * scaling.c - how speed grows with CPUs: see scaling.h.
 *
 * Speed is operations per second of simulated time, until the last CPU was done. It says something
 * about a design if CPUs are never idle, as with workload.pace back_to_back, and if each CPU has
 * the same work however many there are, as with generators.
 *
 * Example: 4 CPUs do 1000 operations each in 50 us, 80 M operations/s. One CPU alone did 25 M. Then
 * the speedup is 3.2 and the efficiency 80 %.
 */
#include "sim/scaling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/json.h"
#include "sim/plot_data.h"
#include "sim/runjson.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The index of the group @name, a new one if need be; -1 if there are too many. */
static int group_of(struct scaling *s, const char *name)
{
	unsigned i;

	for (i = 0; i < s->groups_count; i++)
		if (!strncmp(s->groups[i], name, sizeof(s->groups[i]) - 1))
			return (int)i;
	if (i == SCALING_GROUPS_MAX)
		return -1;
	snprintf(s->groups[i], sizeof(s->groups[i]), "%s", name);
	s->groups_count++;
	return (int)i;
}

static int read_point(struct scaling *s, struct scaling_point *p, const char *dir, const cJSON *run,
		      struct err *err)
{
	const cJSON *totals = member(run, "totals"), *cycles = member(run, "cycles");
	double cpus = plot_number(member(member(run, "config"), "machine"), "cpus", 0);
	double active_ns = plot_number(cycles, "active_ns", 0);
	int group = group_of(s, plot_text(member(run, "meta"), "name", "unnamed"));

	if (group < 0)
		return err_set(err, ERR_USAGE,
			       "%s: more than %d configurations; results of one name are one line",
			       dir, SCALING_GROUPS_MAX);
	*p = (struct scaling_point){
		.dir = dir,
		.group = (unsigned)group,
		.ops = plot_number(totals, "ops_count", 0),
		.simulated_ns = plot_number(totals, "simulated_ns", 0),
	};
	if (!(cpus >= 1 && cpus <= CPUS_LIMIT) || !(p->ops > 0) || !(p->simulated_ns > 0) ||
	    !isfinite(p->ops / p->simulated_ns))
		return err_set(err, ERR_TRACE, "%s/run.json: has no CPUs or no operations", dir);
	p->cpus = (unsigned)cpus;
	p->ops_per_s = p->ops / p->simulated_ns * 1e9;
	if (active_ns > 0)
		p->lock_wait_ratio =
			fmin(fmax(plot_number(cycles, "lock_wait_ns", 0) / active_ns, 0), 1);
	return 0;
}

static int by_group_and_cpus(const void *a, const void *b)
{
	const struct scaling_point *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->cpus > y->cpus) - (x->cpus < y->cpus);
}

/* Speedups, once the points are in order. */
static int relate(struct scaling *s, struct err *err)
{
	const struct scaling_point *base = NULL;
	unsigned i;

	for (i = 0; i < s->points_count; i++) {
		struct scaling_point *p = &s->points[i];
		bool same = i && p[-1].group == p->group;
		if (same && p[-1].cpus == p->cpus)
			return err_set(err, ERR_USAGE,
				       "%s and %s are both of configuration \"%s\" with %u CPU%s; "
				       "name one differently (--set name=...)",
				       p[-1].dir, p->dir, s->groups[p->group], p->cpus,
				       p->cpus == 1 ? "" : "s");
		base = same ? base : p;
		p->speedup = p->ops_per_s * base->cpus / base->ops_per_s;
		p->efficiency = p->speedup / p->cpus;
	}
	return 0;
}

int scaling_load(struct scaling *s, const char *const *dirs, unsigned dirs_count, struct err *err)
{
	unsigned i;
	cJSON *run;
	int rc;

	memset(s, 0, sizeof(*s));
	s->points = calloc(dirs_count, sizeof(*s->points));
	if (!s->points)
		return err_set(err, ERR_IO, "out of memory");
	for (i = 0; i < dirs_count; i++) {
		run = runjson_load(dirs[i], err);
		rc = run ? read_point(s, &s->points[i], dirs[i], run, err) : -1;
		cJSON_Delete(run);
		if (rc)
			goto failed;
	}
	s->points_count = dirs_count;
	qsort(s->points, s->points_count, sizeof(*s->points), by_group_and_cpus);
	if (!relate(s, err))
		return 0;
failed:
	scaling_release(s);
	return -1;
}

void scaling_release(struct scaling *s)
{
	free(s->points);
	memset(s, 0, sizeof(*s));
}

/* --- in words --------------------------------------------------------------------------------- */

void scaling_print(const struct scaling *s, FILE *out)
{
	int width = 14;
	unsigned i;

	for (i = 0; i < s->groups_count; i++)
		width = (int)strlen(s->groups[i]) > width ? (int)strlen(s->groups[i]) : width;
	fprintf(out, "%-*s  CPUs  M operations/s  speedup  efficiency  waiting for locks\n", width,
		"configuration");
	for (i = 0; i < s->points_count; i++) {
		const struct scaling_point *p = &s->points[i];
		fprintf(out, "%-*s  %4u  %14.2f  %7.2f  %8.1f %%  %15.1f %%\n", width,
			s->groups[p->group], p->cpus, p->ops_per_s / 1e6, p->speedup,
			100 * p->efficiency, 100 * p->lock_wait_ratio);
	}
}

void scaling_print_json(const struct scaling *s, FILE *out)
{
	struct json j;
	unsigned i;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	json_array_begin(&j, "points");
	for (i = 0; i < s->points_count; i++) {
		const struct scaling_point *p = &s->points[i];
		json_object_begin(&j, NULL);
		json_string(&j, "name", s->groups[p->group]);
		json_u64(&j, "cpus", p->cpus);
		json_string(&j, "result", p->dir);
		json_double(&j, "ops_count", p->ops);
		json_double(&j, "simulated_ns", p->simulated_ns);
		json_double(&j, "ops_per_second", p->ops_per_s);
		json_double(&j, "speedup", p->speedup);
		json_double(&j, "efficiency", p->efficiency);
		json_double(&j, "lock_wait_ratio", p->lock_wait_ratio);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
