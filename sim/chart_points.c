/*
 * chart_points.c - from samples to points: repetitions, relative values, crossings.
 *
 * A point stands for all repetitions at one place. Of n values in ascending order v[0] .. v[n-1],
 * the quantile p lies at the position (n - 1) p, between two of them in proportion: the definition
 * that R and numpy use unless told otherwise. The quartiles are those of 1/4 and 3/4, the median
 * that of 1/2. Example: of 1, 2, 4, 8 the position of 1/4 is 0.75, so the lower quartile is 1.75;
 * the median is 3, the upper quartile 5.
 *
 * Relative: each value is divided by the median at the line's least x that has one. Example: 25, 50
 * and 80 M/s on 1, 2 and 4 CPUs become 1, 2 and 3.2.
 *
 * Where the medians of two lines cross, one design takes over from the other. A crossing is looked
 * for between neighbouring values of x that both lines have, and placed by straight lines between
 * the points; less than 1 % between two lines is none, and neither is what can hardly be seen
 * beside the panel's largest value. Example: at 64 and 128 KiB one design takes 10 and 20 us,
 * another 14 and 16. Their differences are -4 and +4, so they cross half-way, at 96 KiB.
 *
 * MODEL: between two points nothing was simulated; a crossing is as exact as they are near.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "sim/chart_impl.h"

/* --- repetitions -------------------------------------------------------------------------------
 */

static int compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile(const double *sorted, unsigned count, double share)
{
	double position = (count - 1) * share;
	unsigned below = (unsigned)position;

	if (below + 1 == count)
		return sorted[below];
	return sorted[below] + (sorted[below + 1] - sorted[below]) * (position - below);
}

struct chart_summary chart_summarize(double *values, unsigned count)
{
	struct chart_summary s = {0, NAN, NAN, NAN, NAN, NAN};
	unsigned i;

	for (i = 0; i < count; i++)
		if (!isnan(values[i]))
			values[s.count++] = values[i];
	if (!s.count)
		return s;
	qsort(values, s.count, sizeof(*values), compare_numbers);
	s.least = values[0];
	s.quartile = quantile(values, s.count, 0.25);
	s.median = quantile(values, s.count, 0.5);
	s.upper_quartile = quantile(values, s.count, 0.75);
	s.most = values[s.count - 1];
	return s;
}

struct chart_point *chart_add_point(struct chart *c, struct err *err)
{
	unsigned room = c->points_room ? 2 * c->points_room : 64, i;
	struct chart_point *points;

	if (c->points_count == c->points_room) {
		points = realloc(c->points, room * sizeof(*points));
		if (!points) {
			err_set(err, ERR_IO, "out of memory");
			return NULL;
		}
		c->points = points;
		c->points_room = room;
	}
	points = &c->points[c->points_count++];
	*points = (struct chart_point){.x = NAN};
	for (i = 0; i < CHART_PANELS_MAX; i++)
		points->y[i] = chart_summarize(NULL, 0);
	return points;
}

static bool same_place(const struct chart_sample *a, const struct chart_sample *b)
{
	return a->line == b->line && a->row == b->row && a->column == b->column;
}

/* The samples from @first on that lie where it lies. */
static int make_point(struct chart *c, unsigned first, unsigned count, struct err *err)
{
	struct chart_point *p = chart_add_point(c, err);
	double *values = calloc(count, sizeof(*values));
	unsigned i, panel;

	if (!p || !values) {
		free(values);
		return err_set(err, ERR_IO, "out of memory");
	}
	p->line = c->samples[first].line;
	p->column = c->samples[first].column;
	p->row = c->samples[first].row;
	p->x = c->columns.items[p->column].number;
	p->first = first;
	p->count = count;
	for (panel = 0; panel < c->panels_count; panel++) {
		for (i = 0; i < count; i++)
			values[i] = c->samples[first + i].y[panel];
		p->y[panel] = chart_summarize(values, count);
	}
	free(values);
	return 0;
}

int chart_make_points(struct chart *c, struct err *err)
{
	unsigned first, end;

	for (first = 0; first < c->samples_count; first = end) {
		const struct chart_sample *s = &c->samples[first];
		for (end = first + 1; end < c->samples_count; end++) {
			if (!same_place(s, &c->samples[end]))
				break;
			if (chart_check_repeat(c, &c->samples[end - 1], &c->samples[end], err))
				return -1;
		}
		if (make_point(c, first, end - first, err))
			return -1;
		if (end - first > c->repeats_max)
			c->repeats_max = end - first;
	}
	c->repeated = c->repeats_max > 1;
	return 0;
}

/* --- relative ----------------------------------------------------------------------------------
 */

static void divide(struct chart *c, struct chart_point *p, unsigned panel, double base)
{
	struct chart_summary *s = &p->y[panel];
	double least = s->least / base, most = s->most / base;
	double lower = s->quartile / base, upper = s->upper_quartile / base;
	unsigned i;

	/* A negative base turns the order round. */
	s->least = fmin(least, most);
	s->most = fmax(least, most);
	s->quartile = fmin(lower, upper);
	s->upper_quartile = fmax(lower, upper);
	s->median /= base;
	for (i = p->first; i < p->first + p->count; i++)
		c->samples[i].y[panel] /= base;
}

static int divide_line(struct chart *c, unsigned first, unsigned end, unsigned panel,
		       struct err *err)
{
	double base = NAN;
	unsigned i;

	for (i = first; i < end && isnan(base); i++)
		base = c->points[i].y[panel].median;
	if (base == 0)
		return err_set(err, ERR_USAGE,
			       "--relative: the line \"%s\" begins with 0 at %s, which nothing can "
			       "be compared with",
			       chart_line_name(c, c->points[first].line), c->y[panel].text);
	for (i = first; i < end && !isnan(base); i++)
		divide(c, &c->points[i], panel, base);
	return 0;
}

int chart_make_relative(struct chart *c, struct err *err)
{
	unsigned first, end, panel;

	for (first = 0; first < c->points_count; first = end) {
		for (end = first + 1; end < c->points_count; end++)
			if (c->points[end].line != c->points[first].line)
				break;
		for (panel = 0; panel < c->panels_count; panel++)
			if (divide_line(c, first, end, panel, err))
				return -1;
	}
	for (panel = 0; panel < c->panels_count; panel++) {
		c->y[panel].unit = CHART_PLAIN;
		c->y[panel].share = false;
	}
	return 0;
}

/* --- crossings ---------------------------------------------------------------------------------
 */

/*
 * The largest value of a panel, without its sign; 0 if its axis may be logarithmic, which shows
 * small values, too.
 */
static double most_of(const struct chart *c, unsigned panel)
{
	double most = 0, least = INFINITY;
	unsigned i;

	for (i = 0; i < c->points_count; i++) { /* NAN is passed over */
		most = fmax(most, fabs(c->points[i].y[panel].median));
		least = fmin(least, c->points[i].y[panel].median);
	}
	return least > 0 && !c->y[panel].share ? 0 : most;
}

/* By less than 1 %, or by what can hardly be seen beside @most, nobody is better. */
static double difference_of(double a, double b, double most)
{
	double least = fmax(0.01 * fmax(fabs(a), fabs(b)), 0.002 * most);

	return fabs(a - b) < least ? 0 : a - b;
}

/* The points of @line: from *@end of it back to the answer. */
static const struct chart_point *line_points(const struct chart *c, unsigned line,
					     const struct chart_point **end)
{
	const struct chart_point *first = c->points, *all = c->points + c->points_count;

	while (first < all && first->line != line)
		first++;
	for (*end = first; *end < all && (*end)->line == line; (*end)++)
		continue;
	return first;
}

static void cross(struct chart *c, unsigned panel, unsigned a, unsigned b)
{
	const struct chart_point *p, *q, *p_end, *q_end;
	double before = NAN, at = 0, difference, most = most_of(c, panel);

	q = line_points(c, b, &q_end);
	for (p = line_points(c, a, &p_end); p < p_end; p++) {
		while (q < q_end && q->x < p->x)
			q++;
		if (q == q_end || q->x != p->x)
			continue;
		difference = difference_of(p->y[panel].median, q->y[panel].median, most);
		if (isnan(difference))
			continue;
		if (before * difference < 0 && c->crossings_count < CHART_CROSSINGS_MAX)
			c->crossings[c->crossings_count++] = (struct chart_crossing){
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

void chart_find_crossings(struct chart *c)
{
	unsigned panel, a, b;

	for (panel = 0; panel < c->panels_count; panel++)
		for (a = 0; a < c->lines.count; a++)
			for (b = a + 1; b < c->lines.count; b++)
				cross(c, panel, a, b);
}
