/*
 * spec_sample.c - the section sample of a sweep: parameters whose values are drawn.
 *
 *   sample:
 *     count: 100
 *     method: latin_hypercube
 *     parameters:
 *       machine.memory: {from: 64MiB, to: 4GiB, scale: log}
 *       pcp.batch: {choices: [1, 7, 63]}
 *
 * It is one dimension of `count` positions. What is drawn follows from the sweep's master seed and
 * the parameter's key alone (sample.h).
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/digest.h"
#include "sim/sweep/sample.h"
#include "sim/sweep/spec_impl.h"

static int read_count(struct spec_reader *r, void *target)
{
	return spec_count(r, 1, SPEC_POSITIONS_MAX, &((struct spec_sample *)target)->count);
}

static int read_method(struct spec_reader *r, void *target)
{
	static const char *const names[] = {"random", "latin_hypercube"};
	struct spec_sample *s = target;
	unsigned choice = s->is_hypercube;
	int rc = spec_choice(r, names, ARRAY_SIZE(names), &choice);
	s->is_hypercube = choice == 1;
	return rc;
}

static int read_from(struct spec_reader *r, void *target)
{
	return spec_value(r, &((struct spec_drawn *)target)->from);
}

static int read_to(struct spec_reader *r, void *target)
{
	return spec_value(r, &((struct spec_drawn *)target)->to);
}

static int read_scale(struct spec_reader *r, void *target)
{
	static const char *const names[] = {"linear", "log"};
	unsigned choice = 0;
	struct spec_drawn *d = target;
	int rc = spec_choice(r, names, ARRAY_SIZE(names), &choice);
	d->is_log = choice == 1;
	return rc;
}

static int read_choices(struct spec_reader *r, void *target)
{
	struct spec_drawn *d = target;
	struct spec_texts values = {0};
	int rc = spec_values(r, &values);
	spec_texts_release(d->choices, d->choices_count);
	d->choices = values.texts;
	d->choices_count = values.count;
	return rc;
}

static int take_drawn(struct spec_reader *r, const char *key, const struct config_pos *pos,
		      void *target)
{
	static const struct spec_member members[] = {
		{"from", read_from},
		{"to", read_to},
		{"scale", read_scale},
		{"choices", read_choices},
	};
	struct spec_sample *s = target;
	unsigned problems = r->ld.problems_count;
	struct spec_drawn *d = SPEC_PUSH(r, s->drawn, s->drawn_count);
	if (!d)
		return -1;
	d->key = (struct spec_text){strdup(key), pos->line, pos->column};
	if (!d->key.text)
		return diag_no_memory(&r->ld);
	int rc = spec_members(r, members, ARRAY_SIZE(members), d);
	bool range = d->from.text && d->to.text, any = d->from.text || d->to.text || d->is_log;
	if (rc == 0 && problems == r->ld.problems_count &&
	    (d->choices_count ? any : !range))
		diag_at(&r->ld, ERR_CONFIG, pos, r->ld.path,
			"needs either 'from' and 'to' or 'choices'");
	return rc;
}

static int read_parameters(struct spec_reader *r, void *target)
{
	return spec_keys(r, "a mapping of keys to ranges", take_drawn, target);
}

int spec_read_sample(struct spec_reader *r, void *target)
{
	static const struct spec_member members[] = {
		{"count", read_count},
		{"method", read_method},
		{"parameters", read_parameters},
	};
	struct spec_sample *s = &r->s->sample;
	struct config_pos pos = pos_here(&r->ld);
	unsigned problems = r->ld.problems_count;
	s->given = true;
	s->line = pos.line;
	s->column = pos.column;
	int rc = spec_members(r, members, ARRAY_SIZE(members), s);
	if (rc != 0 || problems != r->ld.problems_count)
		return rc;
	if (!s->count)
		diag_at(&r->ld, ERR_CONFIG, &pos, "sample", "lacks 'count' (how many points)");
	if (!s->drawn_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, "sample", "lacks 'parameters' (what is drawn)");
	return 0;
}

/* --- drawing ---------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5)))
static int wrong(struct spec_reader *r, const struct spec_drawn *d, const struct spec_text *at,
		 const char *fmt, ...)
{
	struct config_pos pos = spec_pos(r, at);
	char path[PATH_SIZE], text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "sample.parameters.%.200s", d->key.text);
	return diag_at(&r->ld, ERR_CONFIG, &pos, path, "%s", text);
}

static int parse_end(struct spec_reader *r, const struct spec_drawn *d, const struct spec_text *t,
		     struct sample_range *range, uint64_t *integer, double *real)
{
	char why[UNITS_WHY], quoted[QUOTE_SIZE];
	int rc = range->is_integer ? units_parse_u64(range->unit, t->text, integer, why)
				   : units_parse_double(range->unit, t->text, real, why);
	return rc == 0 ? 0 : wrong(r, d, t, "'%s' %s", diag_quote(t->text, quoted), why);
}

/* The range of @d for its key, whose ends were checked against what is legal. */
static int range_of(struct spec_reader *r, const struct spec_drawn *d, struct sample_range *range)
{
	struct config_key key;
	struct err err = {0};
	if (config_key_find(&r->s->base, d->key.text, &key, &err) != 0)
		return wrong(r, d, &d->key, "%s", err.text);
	const struct field *f = key.field;
	*range = (struct sample_range){.unit = f->unit, .is_log = d->is_log, .step = 1};
	range->is_integer = f->kind == FIELD_U64 || f->kind == FIELD_U32;
	if (!range->is_integer && f->kind != FIELD_DOUBLE)
		return wrong(r, d, &d->key, "is no number; give `choices`");
	if (f->page_aligned)
		range->step = PAGE_BYTES;
	if (parse_end(r, d, &d->from, range, &range->from, &range->real_from) != 0 ||
	    parse_end(r, d, &d->to, range, &range->to, &range->real_to) != 0)
		return -1;
	if (range->from % range->step || range->to % range->step)
		return wrong(r, d, range->from % range->step ? &d->from : &d->to,
			     "is not a multiple of the page size, 4KiB");
	if (range->is_integer ? range->from > range->to : range->real_from > range->real_to)
		return wrong(r, d, &d->to, "is below 'from'");
	if (d->is_log && (range->is_integer ? range->from == 0 : range->real_from <= 0))
		return wrong(r, d, &d->from, "must be above 0 on a logarithmic scale");
	return 0;
}

static int draw(struct spec_reader *r, struct spec_dimension *d, unsigned k, double *u)
{
	const struct spec_sample *s = &r->s->sample;
	const struct spec_drawn *drawn = &s->drawn[k];
	struct sample_range range;
	struct digest stream;
	char text[UNITS_TEXT];
	if (!drawn->choices_count && range_of(r, drawn, &range) != 0)
		return 0;
	if (digest_begin(&stream) != 0)
		return diag_no_memory(&r->ld);
	digest_add_text(&stream, drawn->key.text);
	if (sample_unit(u, s->count, s->is_hypercube, r->s->master_seed, digest_end(&stream)) != 0)
		return diag_no_memory(&r->ld);
	for (uint64_t i = 0; i < s->count; i++) {
		struct spec_text *value = &d->values[i * d->keys_count + k];
		const struct spec_text *place = &drawn->key;
		if (drawn->choices_count) {
			place = &drawn->choices[sample_choice(drawn->choices_count, u[i])];
			value->text = strdup(place->text);
		} else {
			value->text = strdup(sample_value(&range, u[i], text));
		}
		if (!value->text)
			return diag_no_memory(&r->ld);
		value->line = place->line;
		value->column = place->column;
	}
	return 0;
}

void spec_draw_sample(struct spec_reader *r)
{
	const struct spec_sample *s = &r->s->sample;
	struct spec_dimension *d = spec_dimension_add(r, SPEC_SAMPLE, s->drawn_count);
	double *u = calloc(s->count, sizeof(*u));
	if (d)
		d->values = calloc(s->count * s->drawn_count, sizeof(*d->values));
	if (!d || !d->values || !u) {
		diag_no_memory(&r->ld);
		free(u);
		return;
	}
	d->count = s->count;
	d->drawn = true;
	for (unsigned k = 0; k < s->drawn_count; k++) {
		d->keys[k] = s->drawn[k].key;
		d->keys[k].text = strdup(s->drawn[k].key.text);
		if (!d->keys[k].text)
			diag_no_memory(&r->ld);
		else
			draw(r, d, k, u);
	}
	free(u);
}
