/*
 * chart_values.c - the values that lie along an axis, or tell lines apart.
 *
 * A value is a number or, where a result has none at the key, a name: "auto", "slub". Two values
 * are the same if their numbers are, or without numbers their texts.
 *
 * Their order is that in which people would write them: numbers first, ascending, wherever the
 * sweep named them; then names as the sweep lists them; then, of plain results, by first
 * appearance.
 *
 * Example: a sweep lists "auto", 10, 2. The axis is 2, 10, auto, and it is no axis of numbers.
 *
 * Cost: adding looks at all values there are, the last one first, because results of one value tend
 * to follow each other.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"

static bool is_same(const struct chart_value *a, const struct chart_value *b)
{
	if (isnan(a->number) != isnan(b->number))
		return false;
	return isnan(a->number) ? !strcmp(a->text, b->text) : a->number == b->number;
}

int chart_values_add(struct chart_values *v, const struct chart_value *value, struct err *err)
{
	unsigned room = v->room ? 2 * v->room : 16, i;
	struct chart_value *items;

	for (i = v->count; i-- > 0;) {
		if (!is_same(&v->items[i], value))
			continue;
		if (value->place < v->items[i].place)
			v->items[i].place = value->place;
		return (int)i;
	}
	if (v->count == v->room) {
		items = realloc(v->items, room * sizeof(*items));
		if (!items)
			return err_set(err, ERR_IO, "out of memory");
		v->items = items;
		v->room = room;
	}
	v->items[v->count] = *value;
	return (int)v->count++;
}

struct ranked {
	struct chart_value value;
	unsigned appearance;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	bool x_name = isnan(x->value.number), y_name = isnan(y->value.number);

	if (x_name != y_name)
		return x_name ? 1 : -1;
	if (!x_name)
		return (x->value.number > y->value.number) - (x->value.number < y->value.number);
	if (x->value.place != y->value.place)
		return x->value.place < y->value.place ? -1 : 1;
	return x->appearance < y->appearance ? -1 : 1;
}

int chart_values_sort(struct chart_values *v, unsigned **moved, struct err *err)
{
	struct ranked *ranked = calloc(v->count + 1, sizeof(*ranked));
	unsigned i;

	*moved = calloc(v->count + 1, sizeof(**moved));
	if (!ranked || !*moved) {
		free(ranked);
		free(*moved);
		*moved = NULL;
		return err_set(err, ERR_IO, "out of memory");
	}
	for (i = 0; i < v->count; i++)
		ranked[i] = (struct ranked){v->items[i], i};
	qsort(ranked, v->count, sizeof(*ranked), by_rank);
	for (i = 0; i < v->count; i++) {
		v->items[i] = ranked[i].value;
		(*moved)[ranked[i].appearance] = i;
	}
	v->numeric = v->count && !isnan(v->items[v->count - 1].number);
	free(ranked);
	return 0;
}

/* The same letters, blanks aside: 64KiB is "64 KiB". */
static bool same_letters(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

bool chart_value_matches(const char *wanted, const char *text, double number)
{
	char *end;
	double value = strtod(wanted, &end);

	if (end != wanted && !*end && value == number)
		return true;
	return same_letters(wanted, text);
}
