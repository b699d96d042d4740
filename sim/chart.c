/*
 * chart.c - figures of many results against a parameter: see chart.h.
 *
 * A result is a sample: x is what it has at one key, y what it has at others, and its line is told
 * by the key `by`. Samples of one place, the same x and line, are repetitions of one experiment and
 * make a point, whose median is drawn (chart_points.c). A heat map has two such axes, x and y;
 * there, what would be a line is a panel, and z is what y is elsewhere.
 *
 * Making a chart reads each result once, and keeps of it numbers alone:
 *
 *   results -> samples (here) -> those held (chart_hold.c) -> order of the axes (chart_values.c) ->
 * points (chart_points.c)
 *   -> relative, crossings -> text (chart_print.c) or picture (chart_plot.c)
 *
 * Invariants of a finished chart:
 *   1. Samples are in the order of line, row and column; points as well, references behind.
 *   2. The samples of a point differ in seed and repetition alone.
 *   3. There are at most CHART_LINES_MAX lines, and of a heat map CHART_HEAT_PANELS_MAX panels.
 *   4. If x is no number everywhere, there are no references and no crossings.
 *
 * Example: a sweep has slab.max_order 0 to 3, two traces and 5 seeds: 40 results. With x
 * slab.max_order and by trace, that is 2 lines of 4 points of 5 samples, drawn as boxes. Without
 * by, the samples of a point would differ in the trace, which is held at the first (chart_hold.c).
 *
 * Cost: one reading of each run.json; then sorting. A sample takes about 100 bytes.
 */
#include "sim/chart.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"

/* --- what to look for ------------------------------------------------------------------------- */

/* "KEY / KEY=LABEL" */
static int parse_quantity(struct chart_quantity *q, const char *text, struct err *err)
{
	const char *equals = strchr(text, '='), *at = text, *end, *slash;

	end = equals ? equals : text + strlen(text);
	snprintf(q->text, sizeof(q->text), "%.*s", (int)(end - text), text);
	snprintf(q->label, sizeof(q->label), "%s", equals ? equals + 1 : q->text);
	while (at <= end) {
		slash = strstr(at, " / ");
		if (!slash || slash > end)
			slash = end;
		if (slash == at)
			return err_set(err, ERR_USAGE, "'%s': a key is missing", text);
		if (q->keys_count == CHART_KEYS_MAX)
			return err_set(err, ERR_USAGE, "'%s': has more than %d keys", text,
				       CHART_KEYS_MAX);
		q->keys[q->keys_count] = strndup(at, (size_t)(slash - at));
		if (!q->keys[q->keys_count++])
			return err_set(err, ERR_IO, "out of memory");
		at = slash + strlen(" / ");
	}
	return 0;
}

static void release_quantity(struct chart_quantity *q)
{
	unsigned i;

	for (i = 0; i < q->keys_count; i++)
		free(q->keys[i]);
}

static int check_options(const struct chart_options *o, struct err *err)
{
	unsigned i;

	if (o->kind == CHART_HEAT && !o->z)
		return err_set(err, ERR_USAGE, "a heat map needs --z, what its colours say");
	if (o->z && (o->kind == CHART_LINES || o->kind == CHART_BOXES))
		return err_set(err, ERR_USAGE, "--z makes a heat map, which has no lines or boxes");
	if (o->z && o->y_count != 1)
		return err_set(err, ERR_USAGE, "a heat map has one --y, its other parameter");
	if (o->z && (o->relative || o->references_count))
		return err_set(err, ERR_USAGE, "a heat map has no %s",
			       o->relative ? "line for --relative" : "place for --reference");
	for (i = 0; i < o->where_count; i++)
		if (!strchr(o->where[i], '=') || o->where[i][0] == '=')
			return err_set(err, ERR_USAGE, "'%s': --where takes KEY=VALUE",
				       o->where[i]);
	return 0;
}

static int parse_options(struct chart *c, const struct chart_options *o, struct err *err)
{
	unsigned i;

	if (check_options(o, err) || parse_quantity(&c->x, o->x, err))
		return -1;
	c->kind = o->z ? CHART_HEAT : o->kind;
	c->relative = o->relative;
	if (o->by && parse_quantity(&c->by, o->by, err))
		return -1;
	if (o->z) {
		c->panels_count = 1;
		return parse_quantity(&c->row, o->y[0], err) || parse_quantity(&c->y[0], o->z, err);
	}
	for (i = 0; i < o->y_count; i++) {
		c->panels_count++;
		if (parse_quantity(&c->y[i], o->y[i], err))
			return -1;
	}
	return 0;
}

/* --- samples -----------------------------------------------------------------------------------
 */

#define NEAR_BYTES 256 /* of suggestions */

struct reading {
	struct chart *c;
	const struct chart_options *options;
	bool known[CHART_WHERE_MAX]; /* where: some result has that key */
	/* What keys may have meant that the first result lacks, or "". */
	char near_where[CHART_WHERE_MAX][NEAR_BYTES], near_y[CHART_PANELS_MAX][NEAR_BYTES];
	unsigned seen_count;
};

static double quantity_number(struct chart_quantity *q, const struct results_row *row)
{
	const char *name = "";
	double value = results_number(row, q->keys[0], &name), divisor, factor;
	enum chart_unit unit = chart_unit_of(name), other;
	bool share = unit == CHART_RATIO;
	unsigned i;

	for (i = 1; i < q->keys_count; i++) {
		divisor = results_number(row, q->keys[i], &name);
		if (isnan(divisor) || divisor == 0)
			return NAN;
		other = chart_unit_of(name);
		share = share || unit == other;
		unit = chart_unit_of_quotient(unit, other, &factor);
		value = value / divisor * factor;
	}
	if (!isfinite(value))
		return NAN;
	q->unit = unit;
	q->share = share;
	return value;
}

/* Where the plan lists the value that @row has of its parameter @key. */
static unsigned place_of(const struct results_row *row, const char *key)
{
	const struct plan_parameter *parameter;
	int number = row->sweep ? plan_parameter_find(&row->sweep->plan, key) : -1;
	unsigned i;

	if (number < 0)
		return UINT_MAX;
	parameter = &row->sweep->plan.parameters[number];
	for (i = 0; i < parameter->values_count; i++)
		if (!strcmp(parameter->values[i], row->point->values[number]))
			return i;
	return UINT_MAX;
}

/* The number of what @row has of @q among @values; -1 with @err if it has nothing. */
static int value_of(struct chart_quantity *q, struct chart_values *values,
		    const struct results_row *row, struct err *err)
{
	struct chart_value value = {.number = quantity_number(q, row), .place = UINT_MAX};
	char near[NEAR_BYTES];

	if (q->keys_count == 1) {
		value.place = place_of(row, q->keys[0]);
		if (isnan(value.number))
			results_text(row, q->keys[0], value.text, sizeof(value.text));
	}
	if (isnan(value.number) && !value.text[0])
		return err_set(err, ERR_USAGE, "%s/run.json: has nothing at %s%s", row->dir,
			       q->text, results_suggest(row, q->keys[0], near, sizeof(near)));
	return chart_values_add(values, &value, err);
}

static int line_of(struct chart *c, const struct results_row *row, struct err *err)
{
	struct chart_value value = {.number = NAN, .place = UINT_MAX};

	if (c->by.keys_count)
		return value_of(&c->by, &c->lines, row, err);
	value.place = place_of(row, "name");
	snprintf(value.text, sizeof(value.text), "%s",
		 c->kind == CHART_HEAT
			 ? ""
			 : plot_text(cJSON_GetObjectItemCaseSensitive(row->run, "meta"), "name",
				     "unnamed"));
	return chart_values_add(&c->lines, &value, err);
}

/* Does @row have the value that options->where[@i] wants? */
static bool matches(struct reading *r, unsigned i, const struct results_row *row)
{
	const char *condition = r->options->where[i], *equals = strchr(condition, '=');
	char key[COMPARE_KEY_BYTES_MAX], text[CHART_TEXT] = "";
	double number;
	int parameter;

	snprintf(key, sizeof(key), "%.*s", (int)(equals - condition), condition);
	number = results_number(row, key, NULL);
	results_text(row, key, text, sizeof(text));
	if (!isnan(number) || text[0])
		r->known[i] = true;
	else if (r->seen_count == 1)
		results_suggest(row, key, r->near_where[i], sizeof(r->near_where[i]));
	parameter = row->sweep ? plan_parameter_find(&row->sweep->plan, key) : -1;
	if (parameter >= 0 && !strcmp(row->point->values[parameter], equals + 1))
		return true;
	return chart_value_matches(equals + 1, text, number);
}

/* Conditions on different keys have to be met all, of those on one key any. */
static bool is_wanted(struct reading *r, const struct results_row *row)
{
	const struct chart_options *o = r->options;
	bool met[ARRAY_SIZE(o->where)];
	unsigned i, j;

	for (i = 0; i < o->where_count; i++)
		met[i] = matches(r, i, row);
	for (i = 0; i < o->where_count; i++) {
		size_t length = strcspn(o->where[i], "=") + 1;
		bool any = false;
		for (j = 0; j < o->where_count; j++)
			any = any || (met[j] && !strncmp(o->where[i], o->where[j], length));
		if (!any)
			return false;
	}
	return true;
}

static struct chart_sample *add_sample(struct chart *c, struct err *err)
{
	unsigned room = c->samples_room ? 2 * c->samples_room : 64;
	struct chart_sample *samples;

	if (c->samples_count == c->samples_room) {
		samples = realloc(c->samples, room * sizeof(*samples));
		if (!samples) {
			err_set(err, ERR_IO, "out of memory");
			return NULL;
		}
		c->samples = samples;
		c->samples_room = room;
	}
	samples = &c->samples[c->samples_count];
	*samples = (struct chart_sample){.sequence = c->samples_count++};
	return samples;
}

/* What the first key of @q that @row has no number at may have meant. */
static void suggest_figure(const struct chart_quantity *q, const struct results_row *row,
			   char *near, size_t size)
{
	unsigned i;

	for (i = 0; i < q->keys_count; i++)
		if (isnan(results_number(row, q->keys[i], NULL)))
			break;
	if (i < q->keys_count)
		results_suggest(row, q->keys[i], near, size);
}

static int read_row(void *arg, const struct results_row *row, struct err *err)
{
	struct reading *r = arg;
	struct chart *c = r->c;
	struct chart_sample *s;
	int line, column, heat_row = 0;
	unsigned i;

	r->seen_count++;
	if (!is_wanted(r, row))
		return 0;
	line = line_of(c, row, err);
	column = line < 0 ? -1 : value_of(&c->x, &c->columns, row, err);
	if (column >= 0 && c->kind == CHART_HEAT)
		heat_row = value_of(&c->row, &c->rows, row, err);
	if (column < 0 || heat_row < 0)
		return -1;
	s = add_sample(c, err);
	if (!s)
		return -1;
	s->line = (unsigned)line;
	s->column = (unsigned)column;
	s->row = (unsigned)heat_row;
	s->sweep = row->sweep;
	s->point = row->point;
	for (i = 0; i < CHART_PANELS_MAX; i++) {
		s->y[i] = i < c->panels_count ? quantity_number(&c->y[i], row) : NAN;
		if (c->samples_count == 1 && i < c->panels_count && isnan(s->y[i]))
			suggest_figure(&c->y[i], row, r->near_y[i], sizeof(r->near_y[i]));
	}
	s->dir = strdup(row->dir);
	return s->dir ? 0 : err_set(err, ERR_IO, "out of memory");
}

/* --- checks and order ---------------------------------------------------------------------------
 */

static int check_found(const struct reading *r, struct err *err)
{
	const struct chart_options *o = r->options;
	const struct chart *c = r->c;
	unsigned i, panel;
	bool found;

	for (i = 0; i < o->where_count; i++)
		if (r->seen_count && !r->known[i])
			return err_set(err, ERR_USAGE, "--where %s: no result has such a key%s",
				       o->where[i], r->near_where[i]);
	if (!c->samples_count)
		return err_set(err, r->seen_count ? ERR_USAGE : ERR_NO_INPUT, "%s",
			       r->seen_count ? "no result is left by --where"
					     : "no point of the sweep is done yet");
	for (panel = 0; panel < c->panels_count; panel++) {
		for (i = 0, found = false; i < c->samples_count && !found; i++)
			found = !isnan(c->samples[i].y[panel]);
		if (!found)
			return err_set(
				err, ERR_USAGE, "no result has a number at %s%s", c->y[panel].text,
				strstr(r->near_y[panel], "did you mean")
					? r->near_y[panel]
					: "; `allocsim list metrics` explains what there is");
	}
	return 0;
}

static int check_counts(const struct chart *c, struct err *err)
{
	const char *by = c->by.keys_count ? c->by.text : "name";
	unsigned most = c->kind == CHART_HEAT ? CHART_HEAT_PANELS_MAX : CHART_LINES_MAX;

	if (c->lines.count > most && c->by.keys_count)
		return err_set(err, ERR_USAGE,
			       "%s has %u values, more than the %u %s of a picture; choose some "
			       "with --where '%s=VALUE', given several times",
			       by, c->lines.count, most, c->kind == CHART_HEAT ? "panels" : "lines",
			       by);
	if (c->lines.count > most)
		return err_set(err, ERR_USAGE,
			       "there are more than %u configurations; results of one name are one "
			       "line: choose with --where name=NAME, or name a parameter with --by",
			       most);
	if (c->kind == CHART_HEAT &&
	    (c->columns.count > CHART_HEAT_SIDE_MAX || c->rows.count > CHART_HEAT_SIDE_MAX))
		return err_set(err, ERR_USAGE, "a heat map has at most %d cells side by side",
			       CHART_HEAT_SIDE_MAX);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct chart_sample *s = a, *t = b;

	if (s->line != t->line)
		return s->line < t->line ? -1 : 1;
	if (s->row != t->row)
		return s->row < t->row ? -1 : 1;
	if (s->column != t->column)
		return s->column < t->column ? -1 : 1;
	return s->sequence < t->sequence ? -1 : 1;
}

void chart_sort_samples(struct chart *c)
{
	qsort(c->samples, c->samples_count, sizeof(*c->samples), by_place);
}

static void name_numbers(struct chart_values *v, enum chart_unit unit)
{
	struct chart_value *value;

	for (value = v->items; value < v->items + v->count; value++) {
		if (isnan(value->number))
			continue;
		if (unit == CHART_PLAIN && value->number == floor(value->number) &&
		    fabs(value->number) < 1e9)
			snprintf(value->text, sizeof(value->text), "%.0f", value->number);
		else
			chart_format(unit, value->number, value->text, sizeof(value->text));
	}
}

static int put_in_order(struct chart *c, struct err *err)
{
	unsigned *lines = NULL, *columns = NULL, *rows = NULL, i;
	int failed = -1;

	if (chart_values_sort(&c->lines, &lines, err) ||
	    chart_values_sort(&c->columns, &columns, err) ||
	    chart_values_sort(&c->rows, &rows, err))
		goto out;
	for (i = 0; i < c->samples_count; i++) {
		struct chart_sample *s = &c->samples[i];
		s->line = lines[s->line];
		s->column = columns[s->column];
		s->row = rows[s->row];
	}
	chart_sort_samples(c);
	name_numbers(&c->columns, c->x.unit);
	name_numbers(&c->rows, c->row.unit);
	name_numbers(&c->lines, c->by.unit);
	failed = 0;
out:
	free(lines);
	free(columns);
	free(rows);
	return failed;
}

/* From samples to what is drawn. */
static int finish(struct chart *c, const struct chart_options *o, struct err *err)
{
	unsigned i;

	if (put_in_order(c, err) || chart_make_points(c, err))
		return -1;
	if (c->kind == CHART_AUTO)
		c->kind = c->repeated ? CHART_BOXES : CHART_LINES;
	if (o->references_count && !c->columns.numeric)
		return err_set(err, ERR_USAGE, "--reference needs numbers at %s", c->x.text);
	for (i = 0; i < o->references_count; i++)
		if (chart_read_reference(c, o->references[i], err))
			return -1;
	if (c->relative && chart_make_relative(c, err))
		return -1;
	if (c->kind != CHART_HEAT && c->columns.numeric)
		chart_find_crossings(c);
	c->titled = o->title != NULL;
	if (o->title)
		snprintf(c->title, sizeof(c->title), "%s", o->title);
	else
		snprintf(c->title, sizeof(c->title), "%s against %s%s%s", c->y[0].label, c->x.label,
			 c->kind == CHART_HEAT ? " and " : "", c->row.label);
	return 0;
}

struct chart *chart_new(const struct chart_options *options, struct results *results,
			struct err *err)
{
	struct chart *c = calloc(1, sizeof(*c));
	struct reading r = {.c = c, .options = options};

	if (!c) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	if (!parse_options(c, options, err) && !results_each(results, false, read_row, &r, err) &&
	    !check_found(&r, err) && !chart_hold_others(c, options, err) &&
	    !check_counts(c, err) && !finish(c, options, err))
		return c;
	chart_free(c);
	return NULL;
}

void chart_free(struct chart *c)
{
	unsigned i;

	if (!c)
		return;
	release_quantity(&c->x);
	release_quantity(&c->row);
	release_quantity(&c->by);
	for (i = 0; i < CHART_PANELS_MAX; i++)
		release_quantity(&c->y[i]);
	for (i = 0; i < c->samples_count; i++)
		free(c->samples[i].dir);
	free(c->samples);
	free(c->points);
	free(c->columns.items);
	free(c->rows.items);
	free(c->lines.items);
	free(c);
}

const char *chart_line_name(const struct chart *c, unsigned line)
{
	return line < c->lines.count ? c->lines.items[line].text
				     : c->references[line - c->lines.count];
}

/* --- options -----------------------------------------------------------------------------------
 */

static const char *const kinds[] = {
	[CHART_AUTO] = "auto",
	[CHART_LINES] = "lines",
	[CHART_BOXES] = "boxes",
	[CHART_HEAT] = "heat",
};

int chart_kind_of(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i], name))
			return (int)i;
	return -1;
}

const char *chart_kind_name(enum chart_kind kind)
{
	return kinds[kind];
}

void chart_options_of_plan(const struct plan_plot *plot, struct chart_options *options)
{
	int kind = plot->kind ? chart_kind_of(plot->kind) : CHART_AUTO;
	unsigned i;

	*options = (struct chart_options){
		.x = plot->x,
		.z = plot->z,
		.by = plot->by,
		.kind = kind < 0 ? CHART_AUTO : (enum chart_kind)kind,
		.relative = plot->relative,
		.title = plot->title,
	};
	for (i = 0; i < plot->y_count && i < CHART_PANELS_MAX; i++)
		options->y[options->y_count++] = plot->y[i];
	for (i = 0; i < plot->where_count && i < CHART_WHERE_MAX; i++)
		options->where[options->where_count++] = plot->where[i];
}
