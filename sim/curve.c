/*
 * curve.c - figures of many results against a key of their configuration: see curve.h.
 *
 * A result is a point of each panel: x is what its configuration has at a key, y a figure of it.
 * Points of one configuration name are a line, so that designs can be compared over a range of
 * some parameter. What is measured, or what a theory says, can be drawn beside them as references.
 *
 * Where two lines cross, one design takes over from the other. A crossing is looked for between
 * neighbouring values of x that both lines have, and placed by straight lines between the points;
 * less than 1 % between two lines is none.
 *
 * Example: at 64 and 128 KiB one design takes 10 and 20 us, another 14 and 16. Their differences
 * are -4 and +4, so they cross half-way, at 96 KiB.
 *
 * MODEL: between two points nothing was simulated; a crossing is as exact as they are near.
 */
#include "sim/curve.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/json.h"
#include "sim/plot_data.h"
#include "sim/runjson.h"

/* --- what to look for ------------------------------------------------------------------------ */

/* "KEY / KEY=LABEL" */
static int parse_quantity(struct curve_quantity *q, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	char *slash;

	q->key = strndup(text, equals ? (size_t)(equals - text) : strlen(text));
	if (!q->key)
		return err_set(err, ERR_IO, "out of memory");
	snprintf(q->label, sizeof(q->label), "%s", equals ? equals + 1 : q->key);
	slash = strstr(q->key, " / ");
	if (slash) {
		q->divisor = strdup(slash + 3);
		*slash = '\0';
		if (!q->divisor)
			return err_set(err, ERR_IO, "out of memory");
	}
	if (!*q->key || (q->divisor && !*q->divisor))
		return err_set(err, ERR_USAGE, "'%s': a key is missing", text);
	return 0;
}

static double quantity_value(struct curve_quantity *q, const cJSON *run, const struct leaves *l)
{
	const char *name, *by = "";
	double value = curve_value(run, l, q->key, &name), divisor = 1;

	if (q->divisor)
		divisor = curve_value(run, l, q->divisor, &by);
	if (isnan(value) || isnan(divisor) || divisor == 0)
		return NAN;
	q->unit = curve_unit_of(name);
	q->share = q->unit == CURVE_RATIO || (q->divisor && curve_unit_of(by) == q->unit);
	if (q->divisor && curve_unit_of(by) == q->unit)
		q->unit = CURVE_PLAIN;
	return value / divisor;
}

/* --- points ---------------------------------------------------------------------------------- */

/* The next point, all its figures missing; NULL with @err. */
static struct curve_point *add_point(struct curve *c, unsigned line, struct err *err)
{
	unsigned room = c->points_room ? 2 * c->points_room : 16, i;
	struct curve_point *p;

	if (c->points_count == c->points_room) {
		p = realloc(c->points, room * sizeof(*p));
		if (!p) {
			err_set(err, ERR_IO, "out of memory");
			return NULL;
		}
		c->points = p;
		c->points_room = room;
	}
	p = &c->points[c->points_count++];
	*p = (struct curve_point){.line = line};
	for (i = 0; i < CURVE_PANELS_MAX; i++)
		p->y[i] = NAN;
	return p;
}

/* The number of the line @name, a new one if need be; -1 if there are too many. */
static int line_of(struct curve *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->lines_count; i++)
		if (!strncmp(c->names[i], name, sizeof(c->names[i]) - 1))
			return (int)i;
	if (i == CURVE_LINES_MAX)
		return -1;
	snprintf(c->names[i], sizeof(c->names[i]), "%s", name);
	c->lines_count++;
	return (int)i;
}

static int read_run(struct curve *c, const char *dir, const cJSON *run, struct err *err)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(run, "meta");
	int line = line_of(c, plot_text(meta, "name", "unnamed"));
	struct curve_point *p = line < 0 ? NULL : add_point(c, (unsigned)line, err);
	struct leaves leaves = {0};
	int failed = -1;
	unsigned i;

	if (line < 0)
		return err_set(err, ERR_USAGE,
			       "%s: more than %d configurations; results of one name are one line",
			       dir, CURVE_LINES_MAX);
	if (!p || leaves_collect(&leaves, run, NULL, dir, err) || leaves_sort(&leaves, err))
		goto out;
	p->dir = dir;
	p->x = quantity_value(&c->x, run, &leaves);
	if (!isfinite(p->x)) {
		err_set(err, ERR_USAGE, "%s/run.json: has no number at %s", dir, c->x.key);
		goto out;
	}
	for (i = 0; i < c->panels_count; i++)
		p->y[i] = quantity_value(&c->y[i], run, &leaves);
	failed = 0;
out:
	leaves_release(&leaves);
	return failed;
}

static int read_results(struct curve *c, const char *const *dirs, unsigned count, struct err *err)
{
	unsigned i;
	cJSON *run;
	int failed;

	for (i = 0; i < count; i++) {
		run = runjson_load(dirs[i], err);
		failed = run ? read_run(c, dirs[i], run, err) : -1;
		cJSON_Delete(run);
		if (failed)
			return -1;
	}
	return 0;
}

/* --- references ------------------------------------------------------------------------------ */

/* The numbers of @text; -1 if it holds anything else. */
static int parse_row(struct curve *c, unsigned line, char *text, struct err *err)
{
	double values[1 + CURVE_PANELS_MAX];
	struct curve_point *p;
	unsigned count = 0, i;
	char *end;

	text[strcspn(text, "#\r\n")] = '\0';
	for (;; count++) {
		text += strspn(text, " \t,");
		if (!*text || count == 1 + c->panels_count)
			break;
		values[count] = strtod(text, &end);
		if (end == text || !isfinite(values[count]))
			return -1;
		text = end;
	}
	if (!count && !*text)
		return 0;
	if (count < 2 || *text)
		return -1;
	p = add_point(c, line, err);
	if (!p)
		return -1;
	p->x = values[0];
	for (i = 1; i < count; i++)
		p->y[i - 1] = values[i];
	return 0;
}

/* "NAME=FILE" */
static int read_reference(struct curve *c, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	unsigned line = c->lines_count + c->references_count, number = 0;
	char *row = NULL;
	size_t room = 0;
	int failed = 0;
	FILE *f;

	if (!equals || equals == text)
		return err_set(err, ERR_USAGE, "'%s': a reference is NAME=FILE", text);
	f = fopen(equals + 1, "re");
	if (!f)
		return err_set(err, ERR_NO_INPUT, "%s: %s", equals + 1, strerror(errno));
	snprintf(c->names[line], sizeof(c->names[line]), "%.*s", (int)(equals - text), text);
	c->references_count++;
	while (!failed && getline(&row, &room, f) >= 0) {
		number++;
		failed = parse_row(c, line, row, err);
	}
	if (failed) /* out of memory is said already */
		err_set(err, ERR_TRACE, "%s:%u: needs numbers: x and then up to %u values",
			equals + 1, number, c->panels_count);
	free(row);
	fclose(f);
	return failed;
}

/* --- order and crossings --------------------------------------------------------------------- */

static int by_line_and_x(const void *a, const void *b)
{
	const struct curve_point *p = a, *q = b;

	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	return (p->x > q->x) - (p->x < q->x);
}

static int check(const struct curve *c, struct err *err)
{
	unsigned i, panel;
	bool found;

	for (i = 1; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i];
		if (p->dir && p[-1].line == p->line && p[-1].x == p->x)
			return err_set(err, ERR_USAGE,
				       "%s and %s are both of configuration \"%s\" with the same "
				       "%s; name one differently (--set name=...)",
				       p[-1].dir, p->dir, c->names[p->line], c->x.key);
	}
	for (panel = 0; panel < c->panels_count; panel++) {
		const struct curve_quantity *q = &c->y[panel];
		for (i = 0, found = false; i < c->points_count && !found; i++)
			found = c->points[i].dir && !isnan(c->points[i].y[panel]);
		if (!found)
			return err_set(err, ERR_USAGE,
				       "no result has a number at %s%s%s; `allocsim list metrics` "
				       "explains what there is",
				       q->key, q->divisor ? " / " : "",
				       q->divisor ? q->divisor : "");
	}
	return 0;
}

/* The point of @line at @x, or NULL. */
static const struct curve_point *point_at(const struct curve *c, unsigned line, double x)
{
	unsigned i;

	for (i = 0; i < c->points_count; i++)
		if (c->points[i].line == line && c->points[i].x == x)
			return &c->points[i];
	return NULL;
}

/* By less than 1 % nobody is better. */
static double difference_of(double a, double b)
{
	return fabs(a - b) < 0.01 * fmax(fabs(a), fabs(b)) ? 0 : a - b;
}

static void cross(struct curve *c, unsigned panel, unsigned a, unsigned b)
{
	double before = NAN, at = 0, difference;
	unsigned i;

	for (i = 0; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i], *q;
		q = p->line == a ? point_at(c, b, p->x) : NULL;
		difference = q ? difference_of(p->y[panel], q->y[panel]) : NAN;
		if (isnan(difference))
			continue;
		if (before * difference < 0 && c->crossings_count < CURVE_CROSSINGS_MAX)
			c->crossings[c->crossings_count++] = (struct curve_crossing){
				.panel = panel,
				.line = {a, b},
				.x = at + (p->x - at) * before / (before - difference),
			};
		/* Where they touch, the difference before decides whether they cross. */
		if (difference != 0 || isnan(before)) {
			before = difference;
			at = p->x;
		}
	}
}

int curve_load(struct curve *c, const struct curve_options *options, const char *const *dirs,
	       unsigned dirs_count, struct err *err)
{
	unsigned i, panel, a, b;

	memset(c, 0, sizeof(*c));
	if (parse_quantity(&c->x, options->x, err))
		goto failed;
	for (i = 0; i < options->y_count; i++) {
		c->panels_count++;
		if (parse_quantity(&c->y[i], options->y[i], err))
			goto failed;
	}
	if (read_results(c, dirs, dirs_count, err))
		goto failed;
	for (i = 0; i < options->references_count; i++)
		if (read_reference(c, options->references[i], err))
			goto failed;
	qsort(c->points, c->points_count, sizeof(*c->points), by_line_and_x);
	if (check(c, err))
		goto failed;
	for (panel = 0; panel < c->panels_count; panel++)
		for (a = 0; a < c->lines_count; a++)
			for (b = a + 1; b < c->lines_count; b++)
				cross(c, panel, a, b);
	return 0;
failed:
	curve_release(c);
	return -1;
}

void curve_release(struct curve *c)
{
	unsigned i;

	free(c->x.key);
	free(c->x.divisor);
	for (i = 0; i < c->panels_count; i++) {
		free(c->y[i].key);
		free(c->y[i].divisor);
	}
	free(c->points);
	memset(c, 0, sizeof(*c));
}

/* --- in words -------------------------------------------------------------------------------- */

static int widest(const struct curve *c, int width)
{
	unsigned i;

	for (i = 0; i < c->lines_count + c->references_count; i++)
		if ((int)strlen(c->names[i]) > width)
			width = (int)strlen(c->names[i]);
	return width;
}

void curve_print(const struct curve *c, FILE *out)
{
	int width = widest(c, (int)strlen("configuration"));
	char text[64];
	unsigned i, panel;

	fprintf(out, "%-*s  %14s", width, "configuration", c->x.label);
	for (panel = 0; panel < c->panels_count; panel++)
		fprintf(out, "  %14s", c->y[panel].label);
	fputc('\n', out);
	for (i = 0; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i];
		curve_format(c->x.unit, p->x, text, sizeof(text));
		fprintf(out, "%-*s  %*s", width, c->names[p->line],
			(int)strlen(c->x.label) > 14 ? (int)strlen(c->x.label) : 14, text);
		for (panel = 0; panel < c->panels_count; panel++) {
			const struct curve_quantity *q = &c->y[panel];
			if (isnan(p->y[panel]))
				snprintf(text, sizeof(text), "-");
			else
				curve_format(q->unit, p->y[panel], text, sizeof(text));
			fprintf(out, "  %*s",
				(int)strlen(q->label) > 14 ? (int)strlen(q->label) : 14, text);
		}
		fputc('\n', out);
	}
	for (i = 0; i < c->crossings_count; i++) {
		const struct curve_crossing *x = &c->crossings[i];
		curve_format(c->x.unit, x->x, text, sizeof(text));
		fprintf(out, "%s: %s and %s cross at %s\n", c->y[x->panel].label,
			c->names[x->line[0]], c->names[x->line[1]], text);
	}
}

static void print_quantity(struct json *j, const char *name, const struct curve_quantity *q)
{
	json_object_begin(j, name);
	json_string(j, "key", q->key);
	if (q->divisor)
		json_string(j, "divided_by", q->divisor);
	json_string(j, "label", q->label);
	json_object_end(j);
}

static void print_points(struct json *j, const struct curve *c)
{
	unsigned i, panel;

	json_array_begin(j, "points");
	for (i = 0; i < c->points_count; i++) {
		const struct curve_point *p = &c->points[i];
		json_object_begin(j, NULL);
		json_string(j, "name", c->names[p->line]);
		if (p->dir)
			json_string(j, "result", p->dir);
		json_double(j, "x", p->x);
		json_array_begin(j, "y");
		for (panel = 0; panel < c->panels_count; panel++)
			json_double(j, NULL, p->y[panel]);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

void curve_print_json(const struct curve *c, FILE *out)
{
	struct json j;
	unsigned i;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	print_quantity(&j, "x", &c->x);
	json_array_begin(&j, "y");
	for (i = 0; i < c->panels_count; i++)
		print_quantity(&j, NULL, &c->y[i]);
	json_array_end(&j);
	print_points(&j, c);
	json_array_begin(&j, "crossings");
	for (i = 0; i < c->crossings_count; i++) {
		const struct curve_crossing *x = &c->crossings[i];
		json_object_begin(&j, NULL);
		json_string(&j, "label", c->y[x->panel].label);
		json_string(&j, "name", c->names[x->line[0]]);
		json_string(&j, "other", c->names[x->line[1]]);
		json_double(&j, "x", x->x);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
