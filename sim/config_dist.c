/*
 * config_dist.c - reading of distributions.
 *
 *   order: 3                                             a bare value: always that
 *   lifetime: {exponential: {mean: 5ms, max: 1s}}        one kind with its parameters
 *   size: {choice: [{value: 4KiB, weight: 3}, ...]}      values with weights
 *   lifetime: forever                                    a constant without end
 *
 * The parameters are rows of the schema whose unit and range are those of the key where the
 * distribution stands. A distribution is always replaced as a whole, never merged.
 */
#include "sim/config_impl.h"

#include <math.h>
#include <string.h>

#include "sim/suggest.h"

bool dist_is_forever(const struct config_dist *d)
{
	return d->kind == DIST_CONSTANT && isinf(d->value);
}

const struct schema_dist *dist_schema(const struct config_dist *d)
{
	for (unsigned i = 0; i < schema_dists_count; i++) {
		if (schema_dists[i].kind == d->kind)
			return &schema_dists[i];
	}
	return &schema_dists[0];
}

int dist_set_value(struct loader *ld, const struct field *f, const char *text, double *value)
{
	char why[UNITS_WHY], quoted[QUOTE_SIZE], range[UNITS_TEXT * 2];
	double v;
	if (units_parse_double(f->unit, text, &v, why) != 0)
		return diag_here(ld, "'%s' %s", diag_quote(text, quoted), why);
	if (v < (double)f->min || v > (double)f->max)
		return diag_here(ld, "'%s' is out of range (legal range: %s)",
				 diag_quote(text, quoted),
				 schema_range(f, NULL, range, sizeof(range)));
	*value = v;
	return 0;
}

int dist_set_scalar(struct loader *ld, const struct field *f, struct config_dist *d,
		    const char *text)
{
	memset(d, 0, sizeof(*d));
	d->kind = DIST_CONSTANT;
	if (f->unit == UNIT_DURATION && strcmp(text, "forever") == 0) {
		d->value = (double)INFINITY;
		return 0;
	}
	return dist_set_value(ld, f, text, &d->value);
}

/* The value of a parameter: the current event. */
static int load_parameter(struct loader *ld, const struct field *f, const struct field *param,
			  void *base)
{
	const char *text = yaml_reader_scalar(ld->reader);
	if (!text) {
		diag_here(ld, "must be a single value");
		return yaml_reader_skip(ld->reader);
	}
	if (param->kind == FIELD_PLACE)
		dist_set_value(ld, f, text, (void *)((char *)base + param->offset));
	else
		value_set_scalar(ld, param, base, text);
	return 0;
}

static int parameter_find(const struct field *params, unsigned count, unsigned allowed,
			  const char *key, const char **near)
{
	const char *names[SCHEMA_KEYS_MAX];
	unsigned n = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!(allowed >> i & 1))
			continue;
		if (strcmp(params[i].key, key) == 0)
			return (int)i;
		names[n++] = params[i].key;
	}
	*near = suggest_nearest(key, names, n);
	return -1;
}

/* A mapping of the @allowed parameters, of which all in @needed must be there. */
static int load_parameters(struct loader *ld, const struct field *f, const struct field *params,
			   unsigned count, unsigned needed, unsigned allowed, void *base)
{
	struct yaml_reader *r = ld->reader;
	struct config_pos begin = pos_here(ld);
	unsigned seen = 0;
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		diag_here(ld, "must be a mapping of its parameters");
		return yaml_reader_skip(r);
	}
	for (;;) {
		const char *near = NULL;
		char quoted[QUOTE_SIZE];
		if (yaml_reader_next(r) != 0 || diag_is_full(ld))
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		const char *key = yaml_reader_scalar(r);
		int i = key ? parameter_find(params, count, allowed, key, &near) : -1;
		if (i < 0) {
			diag_here(ld, "unknown parameter '%s'%s%s%s",
				  key ? diag_quote(key, quoted) : "[]",
				  near ? "; did you mean '" : "", near ? near : "",
				  near ? "'?" : "");
			if (yaml_reader_skip(r) != 0 || yaml_reader_next(r) != 0 ||
			    yaml_reader_skip(r) != 0)
				return -1;
			continue;
		}
		size_t length = path_push(ld, params[i].key);
		if (seen >> i & 1)
			diag_here(ld, "given twice in one mapping");
		seen |= 1u << i;
		int rc = yaml_reader_next(r);
		if (rc == 0) {
			place_add(ld);
			rc = load_parameter(ld, f, &params[i], base);
		}
		path_pop(ld, length);
		if (rc != 0)
			return -1;
	}
	for (unsigned i = 0; i < count; i++) {
		if ((needed & ~seen) >> i & 1)
			diag_at(ld, ERR_CONFIG, &begin, ld->path, "lacks '%s' (%s)", params[i].key,
				params[i].help);
	}
	return 0;
}

static int load_choices(struct loader *ld, const struct field *f, struct config_dist *d)
{
	struct yaml_reader *r = ld->reader;
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list of {value: ..., weight: ...}");
		return yaml_reader_skip(r);
	}
	struct config_pos begin = pos_here(ld);
	unsigned all = (1u << schema_choices.keys_count) - 1;
	for (d->choices_count = 0;; d->choices_count++) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (d->choices_count == CONFIG_LIST) {
			diag_here(ld, "has more than %d values", CONFIG_LIST);
			return -1;
		}
		size_t length = path_push_index(ld, d->choices_count);
		int rc = load_parameters(ld, f, schema_choices.keys, schema_choices.keys_count, all,
					 all, &d->choices[d->choices_count]);
		path_pop(ld, length);
		if (rc != 0)
			return -1;
	}
	if (d->choices_count == 0)
		diag_at(ld, ERR_CONFIG, &begin, ld->path, "is empty: nothing to choose from");
	return 0;
}

static const struct schema_dist *kind_find(const char *key, const char **near)
{
	const char *names[SCHEMA_KEYS_MAX];
	for (unsigned i = 0; i < schema_dists_count; i++) {
		names[i] = schema_dists[i].key;
		if (strcmp(names[i], key) == 0)
			return &schema_dists[i];
	}
	*near = suggest_nearest(key, names, schema_dists_count);
	return NULL;
}

/* The current event is the key that names the kind. */
static int load_kind(struct loader *ld, const struct field *f, struct config_dist *d)
{
	struct yaml_reader *r = ld->reader;
	const char *key = yaml_reader_scalar(r), *near = NULL;
	char quoted[QUOTE_SIZE];
	const struct schema_dist *kind = key ? kind_find(key, &near) : NULL;
	if (!kind) {
		diag_here(ld,
			  "unknown distribution '%s'%s%s%s (legal range: a bare value, constant, "
			  "uniform, exponential, lognormal, pareto or choice)",
			  key ? diag_quote(key, quoted) : "[]", near ? "; did you mean '" : "",
			  near ? near : "", near ? "'?" : "");
		if (yaml_reader_skip(r) != 0 || yaml_reader_next(r) != 0)
			return -1;
		return yaml_reader_skip(r);
	}
	if (yaml_reader_next(r) != 0)
		return -1;
	d->kind = kind->kind;
	size_t length = path_push(ld, kind->key);
	int rc = 0;
	const char *text = yaml_reader_scalar(r);
	place_add(ld);
	if (kind->kind == DIST_CHOICE)
		rc = load_choices(ld, f, d);
	else if (kind->kind == DIST_CONSTANT && text)
		dist_set_scalar(ld, f, d, text);
	else
		rc = load_parameters(ld, f, schema_dist_params, schema_dist_params_count,
				     kind->needs, kind->needs | kind->may, d);
	path_pop(ld, length);
	return rc;
}

int dist_load(struct loader *ld, const struct field *f, struct config_dist *d)
{
	struct yaml_reader *r = ld->reader;
	const char *text = yaml_reader_scalar(r);
	unsigned kinds = 0;
	place_forget(ld);
	memset(d, 0, sizeof(*d));
	if (text) {
		dist_set_scalar(ld, f, d, text);
		return 0;
	}
	struct config_pos begin = pos_here(ld);
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		diag_here(ld, "must be a value or one distribution, such as {uniform: {min: ..., "
			      "max: ...}}");
		return yaml_reader_skip(r);
	}
	for (;; kinds++) {
		if (yaml_reader_next(r) != 0 || diag_is_full(ld))
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (load_kind(ld, f, d) != 0)
			return -1;
	}
	if (kinds != 1)
		diag_at(ld, ERR_CONFIG, &begin, ld->path,
			"needs exactly one kind of distribution, not %u", kinds);
	return 0;
}
