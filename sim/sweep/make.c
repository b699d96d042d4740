/*
 * make.c - from a sweep to its plan: see make.h.
 *
 * A point's index is its number in the product of the dimensions, whose last one, the repetitions,
 * runs fastest. All else follows from the index alone:
 *
 *   values         digits of the index, one for each dimension
 *   seed           from the master seed and the index (or the repetition, with `by: repeat`)
 *   configuration  the base with the values
 *   id             from the configuration and the contents of its inputs (make_id.c)
 *
 * so dropping points, choosing some of them, or making them in another order changes none of the
 * others. A point goes through
 *
 *   values -> configuration -> constraints -> refused? -> id -> seen before? -> plan
 *
 * in this order: a constraint is evaluated for configurations that the loader refuses, too, since
 * that is what constraints are for ("slab.min_order <= slab.max_order").
 *
 * A choice of N points (--sample) draws indices without putting them back, until N are kept. The
 * drawing is a shuffle of all indices of which only what was swapped is kept, so a sweep may have
 * far more points than there is memory for.
 *
 * Cost: about 40 us a point, for the checks and the JSON of its configuration.
 */
#include "sim/sweep/make.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kern/rng.h"
#include "kern/u64map.h"
#include "sim/sweep/make_impl.h"
#include "sim/sweep/sample.h"

#define REFUSED_SHOWN 3
#define DRAWS_MAX     1000000 /* indices that are drawn to find a sample */

struct maker {
	const struct spec *s;
	struct plan *p;
	struct make_report *report;
	struct config base;
	struct make_ids ids;
	struct u64map seen; /* ids -> 0 */
	uint64_t points_room;
	FILE *diagnostics;
	char refused[1024]; /* the first */
	struct err *err;
	/* The point that is being made; texts are the spec's, but for the last two. */
	char *values[PLAN_PARAMS_MAX];
	char repeat_text[24], seed_text[24];
	struct plan_point point;
};

static int no_memory(struct maker *m)
{
	return err_set(m->err, ERR_IO, "out of memory");
}

/* The values of point @index; returns its repetition. */
static uint64_t values_of(struct maker *m, uint64_t index)
{
	const struct spec *s = m->s;
	uint64_t rest = index, repeat = 0;
	unsigned k = m->p->parameters_count;
	if (s->seeds_count) {
		repeat = rest % s->seeds_count;
		rest /= s->seeds_count;
		snprintf(m->repeat_text, sizeof(m->repeat_text), "%" PRIu64, repeat);
		snprintf(m->seed_text, sizeof(m->seed_text), "%" PRIu64,
			 sample_seed(s->master_seed, s->by_repeat ? repeat : index));
		m->values[--k] = m->seed_text;
		m->values[--k] = m->repeat_text;
	}
	for (unsigned i = s->dimensions_count; i-- > 0;) {
		const struct spec_dimension *d = &s->dimensions[i];
		const struct spec_text *row = &d->values[rest % d->count * d->keys_count];
		rest /= d->count;
		for (unsigned j = d->keys_count; j-- > 0;)
			m->values[--k] = row[j].text;
	}
	m->point = (struct plan_point){.index = index, .values = m->values};
	return repeat;
}

/* "point 7 (slab.max_order=0, pcp.batch=3)" */
static char *describe(const struct maker *m, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "point %" PRIu64, m->point.index);
	for (unsigned k = 0; k < m->p->parameters_count && used < size; k++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s=%.60s", k ? ", " : " (",
					 m->p->parameters[k].key, m->values[k]);
	if (m->p->parameters_count && used < size)
		snprintf(buf + used, size - used, ")");
	return buf;
}

static void refuse(struct maker *m, const struct err *why)
{
	char point[400], line[sizeof(m->refused)];
	snprintf(line, sizeof(line), "%.200s: %s: %.360s", m->s->path,
		 describe(m, point, sizeof(point)), why->text);
	if (!m->report->refused_count)
		strcpy(m->refused, line);
	if (m->diagnostics && m->report->refused_count < REFUSED_SHOWN)
		fprintf(m->diagnostics, "%s\n", line);
	m->report->refused_count++;
}

/* Do all constraints hold for @c? 1, 0, or -1 with the error. */
static int constraints_hold(struct maker *m, const struct config *c, uint64_t repeat)
{
	const struct plan_trace *trace = plan_point_trace(m->p, &m->point);
	for (unsigned i = 0; i < m->s->constraints_count; i++) {
		const struct spec_constraint *constraint = &m->s->constraints[i];
		struct err err = {0};
		char point[400];
		unsigned column;
		int holds = expr_holds(constraint->expr, c, trace ? trace->name : NULL, repeat,
				       &column, &err);
		if (holds < 0)
			return err_set(m->err, err.code,
				       "%s:%" PRIu64 ":%" PRIu64 ": constraints[%u]: column %u: "
				       "%.300s, for %s",
				       m->s->path, constraint->text.line, constraint->text.column,
				       i, column, err.text, describe(m, point, sizeof(point)));
		if (!holds)
			return 0;
	}
	return 1;
}

/* Keep the point that is being made. */
static int keep(struct maker *m, uint64_t id)
{
	struct plan *p = m->p;
	if (p->points_count == m->points_room) {
		uint64_t room = m->points_room ? m->points_room * 2 : 64;
		struct plan_point *grown = reallocarray(p->points, room, sizeof(*grown));
		if (!grown)
			return no_memory(m);
		p->points = grown;
		m->points_room = room;
	}
	struct plan_point *point = &p->points[p->points_count];
	*point = (struct plan_point){.index = m->point.index};
	digest_format(id, point->id);
	point->values = calloc(p->parameters_count + 1, sizeof(*point->values));
	if (!point->values)
		return no_memory(m);
	p->points_count++;
	for (unsigned k = 0; k < p->parameters_count; k++) {
		point->values[k] = strdup(m->values[k]);
		if (!point->values[k])
			return no_memory(m);
	}
	return 0;
}

static int make_checked(struct maker *m, const struct config *c)
{
	uint64_t id;
	struct err err = {0};
	if (config_check_runnable(c, NULL) != 0) {
		err_set(&err, ERR_CONFIG,
			"nothing to run: the sweep has no traces, and its config no workload");
		refuse(m, &err);
		return 0;
	}
	if (make_id(&m->ids, c, &id, m->err) != 0)
		return -1;
	/* The one value that a map can't hold; ids that differ by it are the same run. */
	uint64_t key = id == U64MAP_KEY_NONE ? 0 : id;
	if (u64map_get(&m->seen, key)) {
		m->report->same_count++;
		return 0;
	}
	if (u64map_put(&m->seen, key, 0) != 0)
		return no_memory(m);
	return keep(m, id);
}

static int make_point(struct maker *m, uint64_t index)
{
	struct config c;
	struct err err = {0};
	uint64_t repeat = values_of(m, index);
	int rc = plan_config(m->p, &m->point, &m->base, &c, &err);
	m->report->tried_count++;
	if (rc != 0 && err.code == ERR_IO) {
		err_set(m->err, err.code, "%s", err.text);
		config_release(&c);
		return -1;
	}
	int holds = constraints_hold(m, &c, repeat);
	int result = holds < 0 ? -1 : 0;
	if (holds == 0)
		m->report->dropped_count++;
	else if (holds > 0 && rc != 0)
		refuse(m, &err);
	else if (holds > 0)
		result = make_checked(m, &c);
	config_release(&c);
	return result;
}

/* Draw number @drawn of a shuffle of 0..@count-1, of which @swapped has what is not in its place.
 */
static int draw_index(struct maker *m, struct rng *rng, struct u64map *swapped, uint64_t drawn,
		      uint64_t count, uint64_t *index)
{
	uint64_t other = drawn + rng_below(rng, count - drawn);
	const uint64_t *there = u64map_get(swapped, other);
	*index = there ? *there : other;
	const uint64_t *here = u64map_get(swapped, drawn);
	return u64map_put(swapped, other, here ? *here : drawn) == 0 ? 0 : no_memory(m);
}

static int by_index(const void *left, const void *right)
{
	const struct plan_point *a = left, *b = right;
	return a->index < b->index ? -1 : a->index > b->index;
}

static int make_sample(struct maker *m, const struct make_options *o)
{
	struct u64map swapped = {0};
	struct rng rng;
	uint64_t count = m->report->points_count, index;
	int rc = 0;
	rng_init(&rng, o->sample_seed, 0);
	for (uint64_t drawn = 0; rc == 0 && drawn < count && drawn < DRAWS_MAX &&
				 m->p->points_count < o->sample_count;
	     drawn++) {
		rc = draw_index(m, &rng, &swapped, drawn, count, &index);
		if (rc == 0)
			rc = make_point(m, index);
	}
	if (m->p->points_count)
		qsort(m->p->points, m->p->points_count, sizeof(*m->p->points), by_index);
	u64map_release(&swapped);
	return rc;
}

static int make_points(struct maker *m, const struct make_options *o)
{
	if (o->sample_count)
		return make_sample(m, o);
	for (uint64_t index = 0; index < m->report->points_count; index++) {
		if (make_point(m, index) != 0)
			return -1;
	}
	return 0;
}

static int check_count(const struct spec *s, const struct make_options *o,
		       struct make_report *report, struct err *err)
{
	uint64_t wanted = o->sample_count ? o->sample_count : report->points_count;
	if (report->points_count == UINT64_MAX)
		return err_set(err, ERR_USAGE, "%s: more than 2^64 points", s->name);
	if (wanted > o->runs_max)
		return err_set(err, ERR_USAGE,
			       "%s: %" PRIu64 " points are more than --max-runs, %" PRIu64
			       "; raise it, or choose some points with --sample",
			       s->name, wanted, o->runs_max);
	return 0;
}

static int check_result(struct maker *m)
{
	const struct make_report *report = m->report;
	const char *hint = report->refused_count < report->tried_count
				   ? "; add a constraint that drops such points"
				   : "";
	if (report->refused_count && (report->refused_count == 1 || !m->diagnostics))
		return err_set(m->err, ERR_CONFIG, "%s (%" PRIu64 " of %" PRIu64
			       " points can't be run%s)", m->refused, report->refused_count,
			       report->tried_count, hint);
	if (report->refused_count)
		return err_set(m->err, ERR_CONFIG, "%s: %" PRIu64 " of %" PRIu64
			       " points can't be run%s", m->s->name, report->refused_count,
			       report->tried_count, hint);
	if (!m->p->points_count)
		return err_set(m->err, ERR_CONFIG,
			       "%s: no point is left: constraints drop all %" PRIu64, m->s->name,
			       report->dropped_count);
	return 0;
}

int make_plan(struct plan *p, const struct spec *s, const struct make_options *options,
	      struct make_report *report, FILE *diagnostics, struct err *err)
{
	struct maker *m = calloc(1, sizeof(*m));
	int rc = -1;
	memset(p, 0, sizeof(*p));
	*report = (struct make_report){.points_count = spec_points_count(s)};
	if (!m)
		return err_set(err, ERR_IO, "out of memory");
	m->s = s;
	m->p = p;
	m->report = report;
	m->diagnostics = diagnostics;
	m->err = err;
	config_init(&m->base);
	if (check_count(s, options, report, err) == 0 && make_head(p, s, err) == 0 &&
	    plan_base(p, &m->base, err) == 0 && make_ids_init(&m->ids, p, err) == 0 &&
	    make_points(m, options) == 0)
		rc = check_result(m);
	make_ids_release(&m->ids);
	u64map_release(&m->seen);
	config_release(&m->base);
	free(m);
	if (rc != 0)
		plan_release(p);
	return rc;
}
