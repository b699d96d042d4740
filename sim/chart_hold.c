/*
 * chart_hold.c - parameters of a sweep that a chart doesn't name are held at one value.
 *
 * A sweep over several parameters has several results at one place of a picture that shows fewer.
 * They are no repetitions, so only those are drawn that have, of each parameter that tells them
 * apart, the value that comes first in the plan. What is held is in the picture, in the JSON, and
 * can be said (chart_print_held()). A parameter of --where isn't held: there somebody chose values.
 * Results that aren't all of one sweep are left as they are, and are refused as no repetitions.
 *
 * Parameters are held one after the other, and only as long as results fall together: of keys that
 * a zip varies together, or that x or by tell, nothing need be held.
 *
 * Example: a sweep of slab.max_order 0 to 4 and slab.cpu_partial 0, 2, 6 and 30, drawn against
 * slab.max_order: there are four results at each order, so slab.cpu_partial is held at 0, and one
 * of four results is drawn.
 *
 * Cost: one sorting of the samples, and one passage for each parameter.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"

static bool is_chosen(const struct chart_options *o, const char *key)
{
	size_t length = strlen(key);
	unsigned i;

	for (i = 0; i < o->where_count; i++)
		if (!strncmp(o->where[i], key, length) && o->where[i][length] == '=')
			return true;
	return false;
}

static bool of_one_sweep(const struct chart *c)
{
	unsigned i;

	for (i = 0; i < c->samples_count; i++)
		if (!c->samples[i].sweep || c->samples[i].sweep != c->samples[0].sweep)
			return false;
	return true;
}

/* Do samples fall together that differ in @parameter? */
static bool tells_apart(const struct chart *c, unsigned parameter)
{
	const struct chart_sample *s;

	for (s = c->samples + 1; s < c->samples + c->samples_count; s++)
		if (s->line == s[-1].line && s->column == s[-1].column && s->row == s[-1].row &&
		    strcmp(s->point->values[parameter], s[-1].point->values[parameter]) != 0)
			return true;
	return false;
}

static const char *first_value(const struct chart *c, unsigned parameter)
{
	const struct chart_sample *s, *first = c->samples;

	for (s = c->samples; s < c->samples + c->samples_count; s++)
		if (s->sequence < first->sequence)
			first = s;
	return first->point->values[parameter];
}

static void hold(struct chart *c, unsigned parameter)
{
	const char *value = first_value(c, parameter);
	unsigned i, kept = 0;

	snprintf(c->held[c->held_count].key, sizeof(c->held->key), "%s",
		 c->samples[0].sweep->plan.parameters[parameter].key);
	snprintf(c->held[c->held_count++].value, sizeof(c->held->value), "%s", value);
	for (i = 0; i < c->samples_count; i++) {
		if (!strcmp(c->samples[i].point->values[parameter], value))
			c->samples[kept++] = c->samples[i];
		else
			free(c->samples[i].dir);
	}
	c->samples_count = kept;
}

static unsigned *line_of(struct chart_sample *s)
{
	return &s->line;
}

static unsigned *column_of(struct chart_sample *s)
{
	return &s->column;
}

static unsigned *row_of(struct chart_sample *s)
{
	return &s->row;
}

/* Values that no sample has any more leave their axis. */
static int forget_unused(struct chart *c, struct chart_values *v,
			 unsigned *(*number)(struct chart_sample *), struct err *err)
{
	unsigned *moved = calloc(v->count + 1, sizeof(*moved)), i, kept = 0;

	if (!moved)
		return err_set(err, ERR_IO, "out of memory");
	for (i = 0; i < c->samples_count && v->count; i++)
		moved[*number(&c->samples[i])] = 1;
	for (i = 0; i < v->count; i++) {
		if (!moved[i])
			continue;
		v->items[kept] = v->items[i];
		moved[i] = kept++;
	}
	for (i = 0; i < c->samples_count && v->count; i++)
		*number(&c->samples[i]) = moved[*number(&c->samples[i])];
	v->count = kept;
	free(moved);
	return 0;
}

int chart_hold_others(struct chart *c, const struct chart_options *options, struct err *err)
{
	const struct plan *plan;
	unsigned i;

	if (!c->samples_count || !of_one_sweep(c))
		return 0;
	plan = &c->samples[0].sweep->plan;
	chart_sort_samples(c);
	for (i = 0; i < plan->parameters_count && c->held_count < CHART_HELD_MAX; i++)
		if (!chart_is_repetition(plan->parameters[i].key) &&
		    !is_chosen(options, plan->parameters[i].key) && tells_apart(c, i))
			hold(c, i);
	if (!c->held_count)
		return 0;
	return forget_unused(c, &c->lines, line_of, err) ||
			       forget_unused(c, &c->columns, column_of, err) ||
			       forget_unused(c, &c->rows, row_of, err)
		       ? -1
		       : 0;
}

int chart_say_held(const struct chart *c, char *buf, size_t size)
{
	size_t used = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; i < c->held_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s %s", i ? ", " : "held: ",
					 c->held[i].key, c->held[i].value);
	return (int)strlen(buf);
}

void chart_print_held(const struct chart *c, FILE *out)
{
	unsigned i;

	for (i = 0; i < c->held_count; i++)
		fprintf(out,
			"%s is held at %s: --where %s=VALUE chooses another, --by %s tells them "
			"apart\n",
			c->held[i].key, c->held[i].value, c->held[i].key, c->held[i].key);
}
