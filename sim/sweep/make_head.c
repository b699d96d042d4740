/*
 * make_head.c - what the points of a plan have in common: see make.h.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/make_impl.h"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory");
}

/* A copy of @text, which may be NULL; false without memory. */
static bool copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return !text || *to;
}

static int config_text(struct plan *p, const struct config *base, struct err *err)
{
	size_t size;
	FILE *out = open_memstream(&p->config, &size);
	if (!out)
		return no_memory(err);
	int rc = config_print_yaml(base, out, err);
	if (fclose(out) != 0)
		return no_memory(err);
	return rc;
}

static bool has_value(const struct plan_parameter *q, const char *value)
{
	for (unsigned i = 0; i < q->values_count; i++) {
		if (strcmp(q->values[i], value) == 0)
			return true;
	}
	return false;
}

/* Key @k of dimension @d: its different values in the order in which they are given. */
static bool add_parameter(struct plan *p, const struct spec *s, const struct spec_dimension *d,
			  unsigned k)
{
	struct plan_parameter *q = &p->parameters[p->parameters_count++];
	bool listed = !d->drawn || s->sample.drawn[k].choices_count;
	q->values = calloc(listed ? d->count : 1, sizeof(*q->values));
	if (!copy(&q->key, d->keys[k].text) || !q->values)
		return false;
	for (uint64_t i = 0; listed && i < d->count; i++) {
		const char *value = d->values[i * d->keys_count + k].text;
		if (has_value(q, value))
			continue;
		if (!copy(&q->values[q->values_count], value))
			return false;
		q->values_count++;
	}
	return true;
}

/* The repetition and the seed that follows from it, or from the point. */
static bool add_repeats(struct plan *p, const struct spec *s)
{
	struct plan_parameter *repeat = &p->parameters[p->parameters_count++];
	struct plan_parameter *seed = &p->parameters[p->parameters_count++];
	repeat->values = calloc(s->seeds_count, sizeof(*repeat->values));
	seed->values = calloc(1, sizeof(*seed->values));
	if (!copy(&repeat->key, PLAN_REPEAT_KEY) || !copy(&seed->key, "seed") ||
	    !repeat->values || !seed->values)
		return false;
	for (; repeat->values_count < s->seeds_count; repeat->values_count++) {
		if (asprintf(&repeat->values[repeat->values_count], "%u", repeat->values_count) < 0)
			return false;
	}
	return true;
}

static bool add_parameters(struct plan *p, const struct spec *s)
{
	p->parameters = calloc(PLAN_PARAMS_MAX, sizeof(*p->parameters));
	if (!p->parameters)
		return false;
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		const struct spec_dimension *d = &s->dimensions[i];
		for (unsigned k = 0; k < d->keys_count; k++) {
			if (!add_parameter(p, s, d, k))
				return false;
		}
	}
	return !s->seeds_count || add_repeats(p, s);
}

static bool add_traces(struct plan *p, const struct spec *s)
{
	p->traces = calloc(s->traces_count + 1, sizeof(*p->traces));
	if (!p->traces)
		return false;
	for (; p->traces_count < s->traces_count; p->traces_count++) {
		const struct plan_trace *from = &s->traces[p->traces_count];
		struct plan_trace *to = &p->traces[p->traces_count];
		if (!copy(&to->name, from->name) || !copy(&to->trace, from->trace) ||
		    !copy(&to->truth, from->truth)) {
			p->traces_count++;
			return false;
		}
	}
	return true;
}

static bool copy_plot(struct plan_plot *to, const struct plan_plot *from)
{
	bool ok = copy(&to->name, from->name) && copy(&to->title, from->title) &&
		  copy(&to->x, from->x) && copy(&to->z, from->z) && copy(&to->by, from->by) &&
		  copy(&to->kind, from->kind);
	to->relative = from->relative;
	for (unsigned i = 0; ok && i < from->y_count; i++) {
		ok = copy(&to->y[i], from->y[i]);
		to->y_count += ok;
	}
	for (unsigned i = 0; ok && i < from->where_count; i++) {
		ok = copy(&to->where[i], from->where[i]);
		to->where_count += ok;
	}
	return ok;
}

static bool add_plots(struct plan *p, const struct spec *s)
{
	p->plots = calloc(s->plots_count + 1, sizeof(*p->plots));
	bool ok = p->plots != NULL;
	while (ok && p->plots_count < s->plots_count) {
		ok = copy_plot(&p->plots[p->plots_count], &s->plots[p->plots_count]);
		p->plots_count++;
	}
	return ok;
}

int make_head(struct plan *p, const struct spec *s, struct err *err)
{
	p->master_seed = s->master_seed;
	if (!copy(&p->name, s->name) || !copy(&p->title, s->title) ||
	    !copy(&p->question, s->question) || !copy(&p->version, ALLOCSIM_VERSION) ||
	    !add_parameters(p, s) || !add_traces(p, s) || !add_plots(p, s))
		return no_memory(err);
	return config_text(p, &s->base, err);
}
