/*
 * chart_repeats.c - whether results that fall on one place are repetitions of one experiment.
 *
 * Repetitions differ in their seed, and in a sweep in the number of the repetition, which tells
 * what seed to draw. A median over anything else would hide what differs: a picture of two traces
 * drawn as one box says nothing about either. So it is refused, and the parameters are named,
 * unless all is of one sweep, whose parameters can be held (chart_hold.c).
 *
 * Of points of one sweep its parameters are compared; of other results their configurations, which
 * are read again for it: results of other origin rarely fall together. Two that differ in nothing
 * are one experiment given twice.
 *
 * Example: two results have slab.max_order 1 and no --by, but the sweep varies the trace, too:
 * "... but differ in trace (files, sqlite): tell them apart with --by trace, ...".
 */
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"
#include "sim/compare_keys.h"
#include "sim/runjson.h"

#define NAMED_MAX 3 /* differences that are written out */

/* What differs, for people. */
struct differences {
	char text[512];
	char first[COMPARE_KEY_BYTES_MAX];
	unsigned count;
};

bool chart_is_repetition(const char *key)
{
	return !strcmp(key, "seed") || !strcmp(key, PLAN_REPEAT_KEY);
}

static void add_difference(struct differences *d, const char *key, const char *a, const char *b)
{
	size_t used = strlen(d->text);

	if (!d->count)
		snprintf(d->first, sizeof(d->first), "%s", key);
	if (d->count++ < NAMED_MAX)
		snprintf(d->text + used, sizeof(d->text) - used, "%s%s (%.40s, %.40s)",
			 used ? ", " : "", key, a, b);
}

static void compare_points(const struct chart_sample *a, const struct chart_sample *b,
			   struct differences *d)
{
	const struct plan *plan = &a->sweep->plan;
	unsigned i;

	for (i = 0; i < plan->parameters_count; i++) {
		const char *key = plan->parameters[i].key;
		if (!chart_is_repetition(key) &&
		    strcmp(a->point->values[i], b->point->values[i]) != 0)
			add_difference(d, key, a->point->values[i], b->point->values[i]);
	}
}

/* All settings of the result in @dir, sorted. The caller releases both in any case. */
static int load_settings(const char *dir, cJSON **run, struct leaves *l, struct err *err)
{
	*run = runjson_load(dir, err);
	if (!*run ||
	    leaves_collect(l, cJSON_GetObjectItemCaseSensitive(*run, "config"), NULL, dir, err))
		return -1;
	return leaves_sort(l, err);
}

static void compare_settings(const struct leaves *a, const struct leaves *b, bool *same_seed,
			     struct differences *d)
{
	char *text[2];
	size_t i, j = 0;
	int order;

	*same_seed = true;
	for (i = 0; i < a->count || j < b->count;) {
		order = i == a->count   ? 1
			: j == b->count ? -1
					: strcmp(a->items[i].key, b->items[j].key);
		const char *key = order <= 0 ? a->items[i].key : b->items[j].key;
		text[0] = order <= 0 ? cJSON_PrintUnformatted(a->items[i].item) : NULL;
		text[1] = order >= 0 ? cJSON_PrintUnformatted(b->items[j].item) : NULL;
		if (!text[0] || !text[1] || strcmp(text[0], text[1]) != 0) {
			if (chart_is_repetition(key))
				*same_seed = false;
			else if (strcmp(key, "name") != 0)
				add_difference(d, key, text[0] ? text[0] : "none",
					       text[1] ? text[1] : "none");
		}
		cJSON_free(text[0]);
		cJSON_free(text[1]);
		i += order <= 0;
		j += order >= 0;
	}
}

static int compare_results(const struct chart_sample *a, const struct chart_sample *b,
			   bool *same_seed, struct differences *d, struct err *err)
{
	struct leaves settings[2] = {{0}};
	cJSON *runs[2] = {NULL};
	int failed = -1;

	if (load_settings(a->dir, &runs[0], &settings[0], err) ||
	    load_settings(b->dir, &runs[1], &settings[1], err))
		goto out;
	compare_settings(&settings[0], &settings[1], same_seed, d);
	failed = 0;
out:
	leaves_release(&settings[0]);
	leaves_release(&settings[1]);
	cJSON_Delete(runs[0]);
	cJSON_Delete(runs[1]);
	return failed;
}

/* "with size 64 KiB, in line "base"" */
static void say_place(const struct chart *c, const struct chart_sample *s, char *buf, size_t size)
{
	const char *column = c->columns.items[s->column].text;
	const char *line = c->lines.items[s->line].text;
	int used = snprintf(buf, size, "%s %s", c->x.text, column);

	if (c->kind == CHART_HEAT)
		used += snprintf(buf + used, size - (size_t)used, " and %s %s", c->row.text,
				 c->rows.items[s->row].text);
	if (*line)
		snprintf(buf + used, size - (size_t)used, " and %s %s",
			 c->by.keys_count ? c->by.text : "name", line);
}

int chart_check_repeat(const struct chart *c, const struct chart_sample *a,
		       const struct chart_sample *b, struct err *err)
{
	char place[4 * CHART_LABEL + 4 * CHART_TEXT];
	struct differences d = {.count = 0};
	bool same_seed = false;

	if (a->sweep && a->sweep == b->sweep)
		compare_points(a, b, &d);
	else if (compare_results(a, b, &same_seed, &d, err))
		return -1;
	if (!d.count && !same_seed)
		return 0;
	say_place(c, a, place, sizeof(place));
	if (!d.count)
		return err_set(err, ERR_USAGE,
			       "%s and %s are the same experiment with the same seed, both with %s",
			       a->dir, b->dir, place);
	return err_set(err, ERR_USAGE,
		       "%s and %s both have %s, but differ in %s%s: tell them apart with --by %s, "
		       "or choose with --where %s=VALUE",
		       a->dir, b->dir, place, d.text, d.count > NAMED_MAX ? " and more" : "",
		       d.first, d.first);
}
