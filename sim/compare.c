/*
 * compare.c - what differs between runs.
 *
 * Each run.json becomes a sorted list of keys and numbers (compare_keys.c). The metrics are the
 * union of the runs' keys, without what describes the run instead of its outcome (meta, config) and
 * what describes the computer that simulated it (host, unless asked for). null, text and truth
 * values are no figures; a metric that a run lacks or that is null there is missing.
 *
 * What is listed by operation, order, path, lock, CPU or zone can hardly be compared one by one, so
 * the sums over all join the metrics: latency[alloc], locks_total and so on (derived.c).
 *
 * Two runs can be compared if they did the same: the same trace, by its checksum; without a trace,
 * the same `workload` section and seed. Anything else compares apples with pears, and is refused
 * unless the user says so.
 */
#include "sim/compare.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/compare_rank.h"
#include "sim/derived.h"
#include "sim/runjson.h"
#include "sim/suggest.h"

static int load_run(struct compare_run *run, const struct compare_options *options, struct err *err)
{
	static const char *const skipped[] = {"schema_version", "meta", "config", "host"};
	const cJSON *config, *item;
	unsigned i, kinds;

	run->json = runjson_load(run->dir, err);
	if (!run->json)
		return -1;
	config = cJSON_GetObjectItemCaseSensitive(run->json, "config");
	if (!cJSON_IsObject(config) ||
	    !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(run->json, "meta")))
		return err_set(err, ERR_TRACE, "%s/run.json: meta and config are no objects",
			       run->dir);
	kinds = ARRAY_SIZE(skipped) - options->host;
	cJSON_ArrayForEach(item, run->json)
	{
		for (i = 0; i < kinds && strcmp(item->string, skipped[i]); i++)
			;
		if (i == kinds &&
		    leaves_collect(&run->values, run->json, item->string, run->dir, err))
			return -1;
	}
	run->derived = derived_figures(run->json);
	if (!run->derived)
		return err_set(err, ERR_IO, "out of memory");
	if (leaves_collect(&run->values, run->derived, NULL, run->dir, err) ||
	    leaves_collect(&run->config, config, NULL, run->dir, err))
		return -1;
	return leaves_sort(&run->values, err) || leaves_sort(&run->config, err) ? -1 : 0;
}

static const cJSON *meta_of(const struct compare_run *run, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(run->json, "meta"),
						key);
}

/* The trace's checksum as text, NULL for a workload without a trace. */
static int trace_of(const struct compare_run *run, const char **crc, struct err *err)
{
	const cJSON *item = meta_of(run, "trace_crc32");

	*crc = cJSON_IsString(item) ? item->valuestring : NULL;
	if (!cJSON_IsString(item) && !cJSON_IsNull(item))
		return err_set(err, ERR_TRACE,
			       "%s/run.json: meta.trace_crc32 is neither text nor null", run->dir);
	return 0;
}

static bool configs_agree(const struct compare_run *a, const struct compare_run *b, const char *key)
{
	const cJSON *x, *y;

	x = cJSON_GetObjectItemCaseSensitive(a->json, "config");
	y = cJSON_GetObjectItemCaseSensitive(b->json, "config");
	x = cJSON_GetObjectItemCaseSensitive(x, key);
	y = cJSON_GetObjectItemCaseSensitive(y, key);
	return (!x && !y) || cJSON_Compare(x, y, true);
}

static int check_workload(const struct compare_run *base, const struct compare_run *run,
			  struct err *err)
{
	static const char hint[] = "--different-workloads compares them nevertheless";
	const char *x, *y;

	if (trace_of(base, &x, err) || trace_of(run, &y, err))
		return -1;
	if (x && y && strcmp(x, y))
		return err_set(err, ERR_USAGE,
			       "%s and %s replay different traces (%.16s and %.16s); %s", base->dir,
			       run->dir, x, y, hint);
	if (!x != !y)
		return err_set(err, ERR_USAGE, "%s replays a trace, %s does not; %s",
			       x ? base->dir : run->dir, x ? run->dir : base->dir, hint);
	if (!x && !configs_agree(base, run, "workload"))
		return err_set(err, ERR_USAGE, "%s and %s have different workloads; %s", base->dir,
			       run->dir, hint);
	if (!x && !configs_agree(base, run, "seed"))
		return err_set(err, ERR_USAGE,
			       "%s and %s have different seeds, so their workloads differ; %s",
			       base->dir, run->dir, hint);
	return 0;
}

static char *name_of(const struct compare_run *run, unsigned index, unsigned kind)
{
	const cJSON *name = meta_of(run, "name");
	size_t length = strlen(run->dir);
	char *text = NULL, *c;

	while (length > 1 && run->dir[length - 1] == '/')
		length--;
	text = strndup(run->dir, length);
	if (text && kind == 0 && cJSON_IsString(name) && *name->valuestring) {
		free(text);
		text = strdup(name->valuestring);
	} else if (text && kind <= 1 && strrchr(text, '/') && strrchr(text, '/')[1]) {
		memmove(text, strrchr(text, '/') + 1, strlen(strrchr(text, '/')));
	} else if (text && kind == 3) {
		c = text;
		if (asprintf(&text, "%s#%u", c, index + 1) < 0)
			text = NULL;
		free(c);
	}
	for (c = text; c && *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return text;
}

static bool names_differ(const struct comparison *c)
{
	unsigned i, k;

	for (i = 0; i < c->runs_count; i++)
		for (k = 0; k < i; k++)
			if (!strcmp(c->runs[i].name, c->runs[k].name))
				return false;
	return true;
}

/* The configurations' names, or the directories', or their paths, or these with numbers. */
static int name_runs(struct comparison *c, struct err *err)
{
	unsigned kind, i;

	for (kind = 0; kind <= 3; kind++) {
		for (i = 0; i < c->runs_count; i++) {
			free(c->runs[i].name);
			c->runs[i].name = name_of(&c->runs[i], i, kind);
			if (!c->runs[i].name)
				return err_set(err, ERR_IO, "out of memory");
		}
		if (names_differ(c))
			break;
	}
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every key that a run has, sorted, each once; NULL if out of memory. */
static const char **all_keys(const struct comparison *c, bool config, size_t *count)
{
	const struct leaves *l;
	const char **keys;
	size_t total = 0, used = 0, k;
	unsigned i;

	for (i = 0; i < c->runs_count; i++)
		total += (config ? &c->runs[i].config : &c->runs[i].values)->count;
	keys = malloc((total + 1) * sizeof(*keys));
	if (!keys)
		return NULL;
	total = 0;
	for (i = 0; i < c->runs_count; i++) {
		l = config ? &c->runs[i].config : &c->runs[i].values;
		for (k = 0; k < l->count; k++)
			keys[total++] = l->items[k].key;
	}
	qsort(keys, total, sizeof(*keys), compare_texts);
	for (k = 0; k < total; k++)
		if (!used || strcmp(keys[used - 1], keys[k]))
			keys[used++] = keys[k];
	*count = used;
	return keys;
}

static double number_of(const struct leaf *leaf)
{
	return leaf && cJSON_IsNumber(leaf->item) ? leaf->item->valuedouble : NAN;
}

/* What a statistic owes to one operation counts as one of few samples. */
#define EXTREME_SAMPLES 10

static bool is_extreme(const char *key)
{
	size_t length = strlen(key);

	return length > 7 && (!strcmp(key + length - 7, ".max_ns") ||
			      !strcmp(key + length - 7, ".min_ns"));
}

static void compare_values(const struct comparison *c, struct compare_metric *m)
{
	double samples = INFINITY;
	const struct leaf *leaf;
	unsigned i;

	for (i = 0; i < c->runs_count; i++) {
		leaf = leaves_find(&c->runs[i].values, m->key);
		m->values[i] = number_of(leaf);
		if (leaf)
			samples = fmin(samples, fmax(leaf->samples, 0));
		if (leaf && isfinite(leaf->samples) && is_extreme(m->key))
			samples = fmin(samples, EXTREME_SAMPLES);
		m->missing |= isnan(m->values[i]);
	}
	for (i = 1; i < c->runs_count; i++) {
		if (isnan(m->values[0]) || isnan(m->values[i]) || m->values[0] == m->values[i])
			continue;
		m->differs = true;
		m->score = fmax(m->score, compare_score(m, i, samples));
	}
}

bool compare_selects(const char *pattern, const char *key)
{
	char head[COMPARE_KEY_BYTES_MAX + 32];
	size_t i;

	if (metric_matches(pattern, key))
		return true;
	for (i = 0; key[i] && i < sizeof(head) - 1; i++) {
		head[i] = '\0';
		if ((key[i] == '.' || key[i] == '[') && metric_matches(pattern, head))
			return true;
		head[i] = key[i];
	}
	return false;
}

static bool is_selected(const struct compare_options *options, const char *key)
{
	unsigned i;

	for (i = 0; i < options->metrics_count; i++)
		if (compare_selects(options->metrics[i], key))
			return true;
	return !options->metrics_count;
}

static bool is_figure(const struct comparison *c, const char *key)
{
	unsigned i;

	for (i = 0; i < c->runs_count; i++)
		if (!isnan(number_of(leaves_find(&c->runs[i].values, key))))
			return true;
	return false;
}

/* Is this memory of objects, most of which was there at the start if it was recorded? */
static bool is_object_memory(const char *key)
{
	size_t length = strlen(key);

	if (strncmp(key, "objects.", 8) && strncmp(key, "caches[", 7))
		return false;
	return length > 6 && (!strcmp(key + length - 6, "_bytes") || strstr(key, "slabs_") ||
			      strstr(key, "pages"));
}

static bool have_other_starts(const struct comparison *c)
{
	static const char *const keys[] = {"start.placed_slabs_count", "start.assumed_slabs_count"};
	unsigned i;
	size_t k;

	for (k = 0; k < ARRAY_SIZE(keys); k++) {
		for (i = 1; i < c->runs_count; i++) {
			double a = number_of(leaves_find(&c->runs[0].values, keys[k]));
			double b = number_of(leaves_find(&c->runs[i].values, keys[k]));

			if (!isnan(a) && !isnan(b) && a != b)
				return true;
		}
	}
	return false;
}

static int find_metrics(struct comparison *c, const struct compare_options *options,
			struct err *err)
{
	const struct metric_info *info;
	struct compare_metric *m;
	const char **keys;
	size_t count, i;
	int failed = -1;

	c->starts_differ = have_other_starts(c);
	keys = all_keys(c, false, &count);
	c->metrics = keys ? calloc(count + 1, sizeof(*c->metrics)) : NULL;
	if (!c->metrics)
		goto out;
	for (i = 0; i < count; i++) {
		if (!is_figure(c, keys[i]))
			continue;
		m = &c->metrics[c->metrics_count];
		m->values = calloc(c->runs_count, sizeof(*m->values));
		if (!m->values)
			goto out;
		info = metrics_list_find(keys[i]);
		m->key = keys[i];
		m->selected = is_selected(options, keys[i]);
		m->unit = info ? info->unit : compare_unit(keys[i]);
		m->direction = info ? info->direction : METRIC_NEUTRAL;
		if (c->starts_differ && is_object_memory(keys[i]))
			m->direction = METRIC_NEUTRAL;
		compare_values(c, m);
		c->metrics_count++;
	}
	compare_sort(c);
	failed = 0;
out:
	free(keys);
	return failed ? err_set(err, ERR_IO, "out of memory") : 0;
}

static char *setting_text(const cJSON *item)
{
	char *text = NULL, *c;

	if (cJSON_IsString(item))
		text = strdup(item->valuestring);
	else if (cJSON_IsNumber(item))
		text = asprintf(&c, "%.15g", item->valuedouble) < 0 ? NULL : c;
	else
		text = strdup(cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null");
	for (c = text; c && *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return text;
}

/* The texts of @key in all runs; 1 if they are the same, -1 if out of memory. */
static int read_setting(const struct comparison *c, struct compare_setting *s)
{
	const struct leaf *leaf;
	bool same = true;
	unsigned i;

	s->values = calloc(c->runs_count, sizeof(*s->values));
	if (!s->values)
		return -1;
	for (i = 0; i < c->runs_count; i++) {
		leaf = leaves_find(&c->runs[i].config, s->key);
		s->values[i] = leaf ? setting_text(leaf->item) : NULL;
		if (leaf && !s->values[i])
			return -1;
		if (!s->values[0] || !s->values[i])
			same &= s->values[0] == s->values[i];
		else
			same &= !strcmp(s->values[0], s->values[i]);
	}
	return same;
}

static void release_setting(struct compare_setting *s, unsigned runs)
{
	unsigned i;

	for (i = 0; s->values && i < runs; i++)
		free(s->values[i]);
	free(s->values);
	s->values = NULL;
}

static int find_settings(struct comparison *c, struct err *err)
{
	struct compare_setting *s;
	const char **keys;
	size_t count, i;
	int result = -1;

	keys = all_keys(c, true, &count);
	c->settings = keys ? calloc(count + 1, sizeof(*c->settings)) : NULL;
	for (i = 0; c->settings && i < count; i++) {
		/* The name stands above the table. */
		if (!strcmp(keys[i], "name"))
			continue;
		s = &c->settings[c->settings_count];
		s->key = keys[i];
		result = read_setting(c, s);
		if (result)
			release_setting(s, c->runs_count);
		if (result < 0)
			break;
		c->settings_count += !result;
	}
	result = c->settings && i == count ? 0 : err_set(err, ERR_IO, "out of memory");
	free(keys);
	return result;
}

int compare_check_pattern(const struct comparison *c, const char *pattern, struct err *err)
{
	char near[512];
	const char **keys;
	size_t i;

	for (i = 0; i < c->metrics_count; i++)
		if (compare_selects(pattern, c->metrics[i].key))
			return 0;
	keys = calloc(c->metrics_count + 1, sizeof(*keys));
	if (!keys)
		return err_set(err, ERR_IO, "out of memory");
	for (i = 0; i < c->metrics_count; i++)
		keys[i] = c->metrics[i].key;
	suggest_keys(pattern, keys, (unsigned)c->metrics_count, near, sizeof(near));
	err_set(err, ERR_USAGE, "no run has a metric \"%.200s\"%s", pattern,
		near[0] ? near : " (see allocsim list metrics)");
	free(keys);
	return -1;
}

int compare_load(struct comparison *c, const char *const *dirs, unsigned dirs_count,
		 const struct compare_options *options, struct err *err)
{
	unsigned i;

	*c = (struct comparison){.runs_count = dirs_count, .selective = options->metrics_count > 0};
	if (dirs_count < 2)
		return err_set(err, ERR_USAGE, "a comparison needs two results");
	c->runs = calloc(dirs_count, sizeof(*c->runs));
	if (!c->runs) {
		c->runs_count = 0;
		return err_set(err, ERR_IO, "out of memory");
	}
	for (i = 0; i < dirs_count; i++) {
		c->runs[i].dir = dirs[i];
		if (load_run(&c->runs[i], options, err))
			goto fail;
		if (!options->different_workloads && check_workload(&c->runs[0], &c->runs[i], err))
			goto fail;
	}
	if (name_runs(c, err) || find_metrics(c, options, err) || find_settings(c, err))
		goto fail;
	for (i = 0; i < options->metrics_count; i++)
		if (compare_check_pattern(c, options->metrics[i], err))
			goto fail;
	return 0;
fail:
	compare_release(c);
	return -1;
}

void compare_release(struct comparison *c)
{
	size_t i;

	for (i = 0; i < c->metrics_count; i++)
		free(c->metrics[i].values);
	for (i = 0; i < c->settings_count; i++)
		release_setting(&c->settings[i], c->runs_count);
	for (i = 0; c->runs && i < c->runs_count; i++) {
		free(c->runs[i].name);
		leaves_release(&c->runs[i].values);
		leaves_release(&c->runs[i].config);
		cJSON_Delete(c->runs[i].derived);
		cJSON_Delete(c->runs[i].json);
	}
	free(c->metrics);
	free(c->settings);
	free(c->runs);
	*c = (struct comparison){0};
}

double compare_relative(const struct compare_metric *m, unsigned run)
{
	double base = m->values[0], value = m->values[run];

	if (base == value)
		return 0;
	return base == 0 ? NAN : (value - base) / fabs(base);
}

enum compare_verdict compare_verdict(const struct compare_metric *m, unsigned run)
{
	double base = m->values[0], value = m->values[run];

	if (isnan(base) || isnan(value))
		return COMPARE_MISSING;
	if (base == value)
		return COMPARE_EQUAL;
	if (m->direction == METRIC_NEUTRAL)
		return COMPARE_CHANGED;
	return (value < base) == (m->direction == METRIC_LOWER_IS_BETTER) ? COMPARE_BETTER
									  : COMPARE_WORSE;
}

const char *compare_verdict_text(enum compare_verdict verdict)
{
	static const char *const texts[] = {"equal", "better", "worse", "changed", "missing"};

	return texts[verdict];
}
