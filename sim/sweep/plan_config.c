/*
 * plan_config.c - from a line of a plan to the configuration of a run: see plan.h.
 *
 * The plan's YAML is read once, into a base. A point is a copy of it to which the point's
 * parameters are applied as --set would, so that no YAML is parsed for each point:
 *
 *   base                           {slab: {max_order: auto}, ...}
 *   params                         {"trace": "web", "slab.max_order": "2", "repeat": "0"}
 *   sets                           workload.trace=/data/web.atrace  slab.max_order=2
 *
 * Cost of a point: some ten microseconds, most of them for the checks of the whole configuration.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/plan.h"

#define SETS_MAX (PLAN_PARAMS_MAX + 1) /* a trace sets two keys */

struct sets {
	char *texts[SETS_MAX];
	unsigned count;
};

static int add_set(struct sets *s, const char *key, const char *value, struct err *err)
{
	if (s->count == SETS_MAX)
		return err_set(err, ERR_CONFIG, "%s: more than %d parameters", key,
			       PLAN_PARAMS_MAX);
	if (asprintf(&s->texts[s->count], "%s=%s", key, value) < 0)
		return err_set(err, ERR_IO, "out of memory");
	s->count++;
	return 0;
}

static int add_trace(struct sets *s, const struct plan *p, const struct plan_point *point,
		     struct err *err)
{
	const struct plan_trace *t = plan_point_trace(p, point);
	if (!t)
		return err_set(err, ERR_CONFIG, "the plan has no trace of the name '%s'",
			       point->values[plan_parameter_find(p, PLAN_TRACE_KEY)]);
	if (add_set(s, "workload.trace", t->trace, err) != 0)
		return -1;
	return t->truth ? add_set(s, "start.truth", t->truth, err) : 0;
}

static int add_parameters(struct sets *s, const struct plan *p, const struct plan_point *point,
			  struct err *err)
{
	for (unsigned i = 0; i < p->parameters_count; i++) {
		const char *key = p->parameters[i].key;
		int rc = 0;
		if (strcmp(key, PLAN_TRACE_KEY) == 0)
			rc = add_trace(s, p, point, err);
		else if (strcmp(key, PLAN_REPEAT_KEY) != 0)
			rc = add_set(s, key, point->values[i], err);
		if (rc != 0)
			return -1;
	}
	return 0;
}

int plan_config(const struct plan *p, const struct plan_point *point, const struct config *base,
		struct config *c, struct err *err)
{
	struct sets s = {.count = 0};
	int rc = config_copy(c, base, err);
	if (rc == 0)
		rc = add_parameters(&s, p, point, err);
	if (rc == 0)
		rc = config_apply(c, (const char *const *)s.texts, s.count, NULL, err);
	for (unsigned i = 0; i < s.count; i++)
		free(s.texts[i]);
	return rc;
}
