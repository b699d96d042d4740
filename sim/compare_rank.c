/*
 * compare_rank.c - which differences are worth showing first.
 *
 * What differs most comes first. The relative difference alone would put a counter that went from 1
 * to 2 above everything, so the score of a difference is
 *
 *             |value - base|              samples
 *   ------------------------------- * ---------------,     between 0 and 1
 *   max(|value|, |base|) + scale      samples + 100
 *
 * where the scale is an amount of the metric's unit that nobody would look at twice (10 operations,
 * 10 ns, 16 pages, 0.05 of an index), and the second factor is there only for latencies, which mean
 * little if few operations took that path. 1 -> 2 failures scores 0.08, 100 -> 200 scores 0.48,
 * 0 -> 100 scores 0.91. A metric's score is that of the run that differs most. Metrics with a
 * direction come before those without, because they say whether a change is good.
 *
 * Figures that a change is usually made for (compare_headlines) come first if they differ visibly,
 * in their own order. The largest latency of all is that of one operation and ranks as such.
 *
 * One effect must not fill the table: the elements of an array (an index by order) change together,
 * so only the first few are shown, as of object caches and of the percentiles of one latency; and a
 * figure that is there under two keys (with a single zone, the zone's and the sum) is shown once.
 */
#include "sim/compare_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"

#define SAMPLES_SCALE  100.0
#define HEADLINE_SCORE 0.01

const char *const compare_headlines[] = {
	"latency[alloc].mean_ns",
	"latency[free].mean_ns",
	"latency[kmalloc].mean_ns",
	"latency[cache_alloc].mean_ns",
	"latency[object_free].mean_ns",
	"objects.peak.held_bytes",
	"objects.held_bytes",
	"objects.waste_bytes",
	"objects.lock_acquired_count",
	NULL,
};

/* The place of @m among the headlines; their number if it is none, or hardly differs. */
static unsigned headline(const struct compare_metric *m)
{
	bool counts = m->direction != METRIC_NEUTRAL && m->score >= HEADLINE_SCORE;
	unsigned i = 0;

	while (compare_headlines[i] && !(counts && !strcmp(compare_headlines[i], m->key)))
		i++;
	return i;
}

/* Units that a name ends with, where metrics_list doesn't know the key; and the scales of all. */
static const struct {
	const char *suffix, *unit;
	double scale;
} units[] = {
	{"_count", "", 10},
	{"_ns", "ns", 10},
	{"_pages", "pages", 16},
	{"_bytes", "bytes", 4096},
	{"_blocks", "blocks", 10},
	{"_index", "ratio", 0.05},
	{"_skill", "ratio", 0.05},
	{"_error", "ratio", 0.05},
	{"", "0..1", 0.05},
	{"", "-1..1", 0.05},
	{"", "order", 1},
	{"", "s", 0.1},
	{"", "1/s", 0},
	{"", "operations", 10},
	{"", "steps", 10},
	{"", "times", 10},
	{"", "pageblocks", 10},
	{"", "slabs", 10},
	{"", "objects", 10},
};

static double scale_of(const char *unit)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].unit, unit))
			return units[i].scale;
	return 10;
}

/* From the last component of @key without brackets: zones[Normal].free_blocks[3] ends in _blocks.
 */
const char *compare_unit(const char *key)
{
	size_t length = strlen(key), suffix;
	unsigned i;

	while (length && key[length - 1] == ']')
		while (length && key[--length] != '[')
			;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		suffix = strlen(units[i].suffix);
		if (suffix && length >= suffix &&
		    !strncmp(key + length - suffix, units[i].suffix, suffix))
			return units[i].unit;
	}
	return "";
}

double compare_score(const struct compare_metric *m, unsigned run, double samples)
{
	double base = m->values[0], value = m->values[run], largest, result;

	/* In fractions of the larger one: the difference of two huge numbers may have no double. */
	largest = fmax(fabs(base), fabs(value));
	if (!(largest > 0))
		return 0;
	result = fabs(value / largest - base / largest) / (1 + scale_of(m->unit) / largest);
	/* Of opposite signs the distance is up to twice the larger one. */
	result = fmin(result, 1);
	return isfinite(samples) ? result * samples / (samples + SAMPLES_SCALE) : result;
}

/* What differs first, what has a direction first, larger scores first. */
static int compare_metrics(const void *a, const void *b)
{
	const struct compare_metric *x = a, *y = b;

	if (x->differs != y->differs)
		return y->differs - x->differs;
	if (headline(x) != headline(y))
		return headline(x) < headline(y) ? -1 : 1;
	if (!x->direction != !y->direction)
		return !x->direction - !y->direction;
	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	/* Sums have shorter keys than their parts. */
	if (strlen(x->key) != strlen(y->key))
		return strlen(x->key) < strlen(y->key) ? -1 : 1;
	return strcmp(x->key, y->key);
}

void compare_sort(struct comparison *c)
{
	if (c->metrics_count)
		qsort(c->metrics, c->metrics_count, sizeof(*c->metrics), compare_metrics);
}

static const char *last_name(const char *key)
{
	const char *dot = strrchr(key, '.');

	return dot ? dot + 1 : key;
}

/* Are both elements of arrays of numbers that have the same name? */
static bool are_of_array(const char *a, const char *b)
{
	size_t x, y;

	a = last_name(a);
	b = last_name(b);
	x = strcspn(a, "[");
	y = strcspn(b, "[");
	return a[x] && b[y] && x == y && !strncmp(a, b, x);
}

/* The sum over all zones is that of the only zone: the same figure under another key. */
static bool says_the_same(const struct compare_metric *a, const struct compare_metric *b,
			  unsigned runs)
{
	unsigned i;

	for (i = 0; i < runs; i++)
		if (a->values[i] != b->values[i])
			return false;
	return !strcmp(last_name(a->key), last_name(b->key));
}

static bool is_of_cache(const char *key)
{
	return !strncmp(key, "caches[", 7) || !strncmp(key, "fidelity.caches[", 16);
}

/* What happens to caches happens to many of them, and the sums over all say it better. */
static bool is_one_cache_more(const struct compare_metric **top, size_t count,
			      const struct compare_metric *m)
{
	size_t of_caches = 0, same = 0, i;

	if (!is_of_cache(m->key))
		return false;
	for (i = 0; i < count; i++) {
		of_caches += is_of_cache(top[i]->key);
		same += is_of_cache(top[i]->key) &&
			!strcmp(last_name(top[i]->key), last_name(m->key));
	}
	return of_caches >= COMPARE_TOP_CACHES || same >= COMPARE_TOP_ARRAY;
}

/*
 * How much of @key is the name of an operation's latencies, "latency[alloc]", or those of one of
 * its paths, "latency[alloc,0,pcp]"; 0 if it is no latency.
 */
static size_t latency_name(const char *key)
{
	return strncmp(key, "latency[", 8) ? 0 : strcspn(key, "]");
}

static bool is_of_path(const char *key)
{
	return latency_name(key) > strcspn(key, ",");
}

bool compare_is_detail(const char *key)
{
	size_t length = strlen(key);

	return is_of_cache(key) || is_of_path(key) ||
	       (latency_name(key) && (!strcmp(key + length - 7, ".max_ns") ||
				      !strcmp(key + length - 7, ".min_ns")));
}

/* A path's percentiles move together, and the operation's say it better. */
static bool is_one_latency_more(const struct compare_metric **top, size_t count,
				const struct compare_metric *m)
{
	size_t name = latency_name(m->key), of_paths = 0, same = 0, i;

	if (!name)
		return false;
	for (i = 0; i < count; i++) {
		of_paths += is_of_path(top[i]->key);
		same += latency_name(top[i]->key) == name && !strncmp(top[i]->key, m->key, name);
	}
	return is_of_path(m->key) ? same >= 1 || of_paths >= COMPARE_TOP_PATHS
				  : same >= COMPARE_TOP_LATENCIES;
}

static bool is_redundant(const struct comparison *c, const struct compare_metric **top,
			 size_t count, const struct compare_metric *m)
{
	size_t of_array = 0, i;

	if (is_one_cache_more(top, count, m) || is_one_latency_more(top, count, m))
		return true;

	for (i = 0; i < count; i++) {
		if (says_the_same(top[i], m, c->runs_count))
			return true;
		of_array += are_of_array(top[i]->key, m->key);
	}
	return of_array >= COMPARE_TOP_ARRAY;
}

size_t compare_top(const struct comparison *c, const struct compare_metric **top, size_t limit)
{
	const struct compare_metric *m;
	size_t count = 0, i;

	for (i = 0; i < c->metrics_count && count < limit; i++) {
		m = &c->metrics[i];
		if (m->selected && (c->selective || m->differs) &&
		    (c->selective || !is_redundant(c, top, count, m)))
			top[count++] = m;
	}
	return count;
}
