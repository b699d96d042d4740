/*
 * results.c - the results that a command was given: see results.h.
 *
 * A source is a path that was given: a result, or a sweep's directory with a row for each point of
 * its plan. What cells are is looked at once, when the sources are opened, and holds until they are
 * released: two visits show the same rows although a sweep may be running. Of the runs themselves
 * only one is in memory at a time, so thousands take no more than one.
 *
 * A key is looked for in this order:
 *
 *   1. "trace" and "repeat": the sweep's own parameters, as texts of the plan
 *   2. a setting of run.json's config, which is named as for --set; the names there say the unit:
 *      workload.duration is workload.duration_ns. Elements of lists count from 0 or have their
 *      names: machine.caches[1].size and machine.caches[L2].size are the same number.
 *   3. a figure of run.json, or one that is derived from it (derived.h), by its key or its column
 *
 * Keys are made for what is asked for alone: of a run of thousands of figures a plot shows two or
 * three. The keys of the members of run.json that begin like the key asked for are kept for the
 * next one, as long as the run is visited.
 *
 * "trace" of a run of no sweep, or of a sweep without that parameter, is the name of its trace's
 * file without the ending; without a trace it has none.
 *
 * Example: of workload.programs[0].steps[2].size, "size" is the member size_bytes, {"constant":
 * 4096}: the number 4096, in bytes.
 *
 * Invariants:
 *   1. states_count of a sweep are the states of its points, and sum up to them.
 *   2. A row has a run if and only if it is no point's or its cell is done.
 */
#include "sim/results.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/columns.h"
#include "sim/config.h"
#include "sim/derived.h"
#include "sim/resultdir.h"
#include "sim/runjson.h"
#include "sim/suggest.h"
#include "sim/units.h"

#define NAMED_MAX 5 /* points that are named by results_print_lacking() */

/* A path that was given. */
struct results_source {
	char *dir;
	int sweep;          /* its number, or -1: a result */
	struct cell *cells; /* of the sweep's points */
};

/* The keys of the members of a run.json whose names begin with @begin. */
struct known_leaves {
	char *begin;
	struct leaves leaves;
};

/* Of a row with a run. */
struct results_figures {
	cJSON *derived; /* once it was asked for */
	struct known_leaves *known;
	size_t known_count;
	struct err err; /* what could not be read */
};

/* --- directories ----------------------------------------------------------------------------- */

static char *plan_path(const char *dir, char *path, size_t size, struct err *err)
{
	if (snprintf(path, size, "%s/plan.jsonl", dir) < (int)size)
		return path;
	err_set(err, ERR_NO_INPUT, "%.200s...: the name is too long", dir);
	return NULL;
}

/* Read the plan at @path and look at its cells. */
static int open_sweep(struct results *r, struct results_source *source, const char *path,
		      struct err *err)
{
	struct results_sweep *sweep = &r->sweeps[r->sweeps_count];
	uint64_t i;

	if (plan_load(&sweep->plan, path, err))
		return -1;
	sweep->dir = source->dir;
	source->sweep = (int)r->sweeps_count++;
	source->cells = calloc(sweep->plan.points_count + 1, sizeof(*source->cells));
	if (!source->cells)
		return err_set(err, ERR_IO, "out of memory");
	for (i = 0; i < sweep->plan.points_count; i++) {
		cell_read(sweep->dir, &sweep->plan.points[i], &source->cells[i]);
		sweep->states_count[source->cells[i].state]++;
	}
	return 0;
}

static int open_source(struct results *r, const char *dir, struct err *err)
{
	struct results_source *source = &r->sources[r->sources_count];
	char path[PATH_MAX];
	size_t length = strlen(dir);

	while (length > 1 && dir[length - 1] == '/')
		length--;
	source->sweep = -1;
	source->dir = strndup(dir, length);
	if (!source->dir)
		return err_set(err, ERR_IO, "out of memory");
	r->sources_count++;
	if (!plan_path(source->dir, path, sizeof(path), err))
		return -1;
	if (!access(path, F_OK))
		return open_sweep(r, source, path, err);
	if (resultdir_is_result(source->dir))
		return 0;
	if (access(source->dir, F_OK))
		return err_set(err, ERR_NO_INPUT, "%s: %s", dir, strerror(errno));
	return err_set(err, ERR_NO_INPUT,
		       "%s: is no result (run.json) and no directory of a sweep (plan.jsonl)", dir);
}

int results_open(struct results *r, const char *const *paths, unsigned count, struct err *err)
{
	unsigned i;

	*r = (struct results){0};
	r->sources = calloc(count + 1, sizeof(*r->sources));
	r->sweeps = calloc(count + 1, sizeof(*r->sweeps));
	if (!r->sources || !r->sweeps)
		err_set(err, ERR_IO, "out of memory");
	for (i = 0; r->sources && r->sweeps && i < count; i++)
		if (open_source(r, paths[i], err))
			break;
	if (r->sources && r->sweeps && i == count)
		return 0;
	results_release(r);
	return -1;
}

void results_release(struct results *r)
{
	unsigned i;

	for (i = 0; i < r->sweeps_count; i++)
		plan_release(&r->sweeps[i].plan);
	for (i = 0; i < r->sources_count; i++) {
		free(r->sources[i].cells);
		free(r->sources[i].dir);
	}
	free(r->sources);
	free(r->sweeps);
	*r = (struct results){0};
}

/* --- visits ---------------------------------------------------------------------------------- */

struct visitor {
	int (*visit)(void *arg, const struct results_row *row, struct err *err);
	void *arg;
};

static void release_figures(struct results_figures *f)
{
	size_t i;

	for (i = 0; i < f->known_count; i++) {
		leaves_release(&f->known[i].leaves);
		free(f->known[i].begin);
	}
	free(f->known);
	cJSON_Delete(f->derived);
}

/* Visit @row with its run, if it has one. */
static int visit_row(const struct visitor *v, struct results_row *row, struct err *err)
{
	struct results_figures figures = {0};
	cJSON *run = NULL;
	int failed;

	if (!row->cell || row->cell->state == CELL_DONE) {
		run = runjson_load(row->dir, err);
		if (!run)
			return -1;
		row->run = run;
		row->figures = &figures;
	}
	failed = v->visit(v->arg, row, err) ? -1 : 0;
	if (!failed && figures.err.code != ERR_NONE)
		failed = err_set(err, figures.err.code, "%s", figures.err.text);
	release_figures(&figures);
	cJSON_Delete(run);
	return failed;
}

static int visit_sweep(const struct visitor *v, const struct results_sweep *sweep,
		       const struct cell *cells, bool with_undone, struct err *err)
{
	const struct plan *p = &sweep->plan;
	char path[PATH_MAX];
	uint64_t i;

	for (i = 0; i < p->points_count; i++) {
		struct results_row row = {
			.dir = path, .sweep = sweep, .point = &p->points[i], .cell = &cells[i]};

		if (cells[i].state != CELL_DONE && !with_undone)
			continue;
		if (cell_path(sweep->dir, row.point, path, sizeof(path), err) ||
		    visit_row(v, &row, err))
			return -1;
	}
	return 0;
}

int results_each(struct results *r, bool with_undone,
		 int (*visit)(void *arg, const struct results_row *row, struct err *err), void *arg,
		 struct err *err)
{
	const struct visitor v = {visit, arg};
	unsigned i;

	for (i = 0; i < r->sources_count; i++) {
		const struct results_source *s = &r->sources[i];
		struct results_row row = {.dir = s->dir};

		if (s->sweep < 0
			    ? visit_row(&v, &row, err)
			    : visit_sweep(&v, &r->sweeps[s->sweep], s->cells, with_undone, err))
			return -1;
	}
	return 0;
}

/* ": ID (exit status 70), ID (exit status 70) and 3 more" */
static void print_points(const struct results_sweep *sweep, const struct cell *cells,
			 enum cell_state state, FILE *out)
{
	char reason[256];
	unsigned named = 0;
	uint64_t i;

	for (i = 0; i < sweep->plan.points_count && named < NAMED_MAX; i++) {
		if (cells[i].state != state)
			continue;
		fprintf(out, "%s%s", named++ ? ", " : ": ", sweep->plan.points[i].id);
		if (state == CELL_FAILED)
			fprintf(out, " (%s)", cell_reason(&cells[i], reason, sizeof(reason)));
	}
	if (sweep->states_count[state] > named)
		fprintf(out, " and %" PRIu64 " more", sweep->states_count[state] - named);
}

void results_print_lacking(const struct results *r, FILE *out)
{
	static const struct {
		enum cell_state state;
		const char *one, *many;
	} lacking[] = {{CELL_FAILED, "failed", "failed"},
		       {CELL_MISSING, "is missing", "are missing"}};
	unsigned i, k;

	for (i = 0; i < r->sources_count; i++) {
		const struct results_source *s = &r->sources[i];
		const struct results_sweep *sweep = s->sweep < 0 ? NULL : &r->sweeps[s->sweep];

		for (k = 0; sweep && k < ARRAY_SIZE(lacking); k++) {
			uint64_t count = sweep->states_count[lacking[k].state];

			if (!count)
				continue;
			fprintf(out, "%s: %" PRIu64 " of %" PRIu64 " points %s and %s no figures",
				sweep->dir, count, sweep->plan.points_count,
				count == 1 ? lacking[k].one : lacking[k].many,
				count == 1 ? "has" : "have");
			print_points(sweep, s->cells, lacking[k].state, out);
			fputc('\n', out);
		}
	}
}

/* --- keys ------------------------------------------------------------------------------------ */

static const char *text_of(const cJSON *item)
{
	return cJSON_IsString(item) ? item->valuestring : "";
}

/* The element that is called so, or the one with that number. */
static const cJSON *element(const cJSON *array, const char *name, size_t length)
{
	const cJSON *item, *own;
	char *end;
	long index;

	cJSON_ArrayForEach(item, array)
	{
		own = cJSON_GetObjectItemCaseSensitive(item, "name");
		if (strlen(text_of(own)) == length && !strncmp(text_of(own), name, length))
			return item;
	}
	index = strtol(name, &end, 10);
	if (end != name + length || index < 0 || index >= cJSON_GetArraySize(array))
		return NULL;
	return cJSON_GetArrayItem(array, (int)index);
}

static const cJSON *member(const cJSON *object, const char *name, size_t length)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object) if (item->string && strlen(item->string) == length &&
					     !strncmp(item->string, name, length)) return item;
	return NULL;
}

/* The setting @key of @config, and its last member's name; NULL if there is none. */
static const cJSON *setting(const cJSON *config, const char *key, const char **name)
{
	char json_path[COMPARE_KEY_BYTES_MAX];
	const char *c = config_json_path(key, json_path, sizeof(json_path)), *end;
	const cJSON *item = config;

	while (item && *c) {
		if (*c == '[') {
			end = strchr(c, ']');
			item = end && cJSON_IsArray(item)
				       ? element(item, c + 1, (size_t)(end - c - 1))
				       : NULL;
			c = end ? end + 1 : c;
		} else {
			c += *c == '.';
			end = c + strcspn(c, ".[");
			item = cJSON_IsObject(item) && end != c ? member(item, c, (size_t)(end - c))
								: NULL;
			/* A distribution's constant is in the unit of its place. */
			if (item && strcmp(item->string, "constant"))
				*name = item->string;
			c = end;
		}
	}
	return item == config ? NULL : item;
}

const cJSON *results_setting(const cJSON *config, const char *key)
{
	const char *name = NULL;

	return setting(config, key, &name);
}

static int collect_members(struct leaves *l, const cJSON *object,
			   bool (*wanted)(const void *arg, const char *member), const void *arg,
			   const char *file, struct err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object)
	{
		if ((!wanted || wanted(arg, item->string)) &&
		    leaves_collect_member(l, item, file, err))
			return -1;
	}
	return 0;
}

int results_leaves(const struct results_row *row,
		   bool (*wanted)(const void *arg, const char *member), const void *arg,
		   struct leaves *l, struct err *err)
{
	struct results_figures *f = row->figures;

	if (!f->derived)
		f->derived = derived_figures(row->run);
	if (!f->derived)
		return err_set(err, ERR_IO, "out of memory");
	if (collect_members(l, row->run, wanted, arg, row->dir, err) ||
	    collect_members(l, f->derived, wanted, arg, row->dir, err))
		return -1;
	return leaves_sort(l, err);
}

static bool begins_with(const void *begin, const char *member)
{
	return !strncmp(member, begin, strlen(begin));
}

/* A figure of @row by its key or its column; both begin as the member does, up to the first _. */
static const struct leaf *find_figure(const struct results_row *row, const char *key)
{
	struct results_figures *f = row->figures;
	size_t length = strcspn(key, "._["), i;
	struct known_leaves *known;

	for (i = 0; i < f->known_count; i++)
		if (strlen(f->known[i].begin) == length &&
		    !strncmp(f->known[i].begin, key, length))
			return columns_find(&f->known[i].leaves, key);
	known = reallocarray(f->known, f->known_count + 1, sizeof(*known));
	if (!known) {
		err_set(&f->err, ERR_IO, "out of memory");
		return NULL;
	}
	f->known = known;
	known += f->known_count;
	*known = (struct known_leaves){.begin = strndup(key, length)};
	if (!known->begin) {
		err_set(&f->err, ERR_IO, "out of memory");
		return NULL;
	}
	f->known_count++;
	if (!results_leaves(row, begins_with, known->begin, &known->leaves, &f->err))
		return columns_find(&known->leaves, key);
	return NULL;
}

/* What @row has at @key; *@text instead if it is a text that run.json doesn't have. */
static const cJSON *find(const struct results_row *row, const char *key, const char **name,
			 const char **text)
{
	bool is_trace = !strcmp(key, PLAN_TRACE_KEY), is_repeat = !strcmp(key, PLAN_REPEAT_KEY);
	int parameter = row->sweep ? plan_parameter_find(&row->sweep->plan, key) : -1;
	const cJSON *config, *item;
	const struct leaf *leaf;

	*name = key;
	*text = NULL;
	if (parameter >= 0 && (is_trace || is_repeat || !row->run)) {
		*text = row->point->values[parameter];
		return NULL;
	}
	if (!row->run)
		return NULL;
	config = cJSON_GetObjectItemCaseSensitive(row->run, "config");
	item = setting(config, is_trace ? "workload.trace" : key, name);
	if (item)
		return item;
	leaf = find_figure(row, key);
	*name = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
	return leaf ? leaf->item : NULL;
}

/* The number of @item, or NAN; a distribution that is a constant is one. */
static double number_of(const cJSON *item)
{
	if (cJSON_IsObject(item))
		item = cJSON_GetObjectItemCaseSensitive(item, "constant");
	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

double results_number(const struct results_row *row, const char *key, const char **name)
{
	const char *last, *text;
	const cJSON *item = find(row, key, &last, &text);
	double value;
	char *end;

	if (name)
		*name = last;
	if (!text)
		return number_of(item);
	/* A value with a unit is none here: only the configuration knows its base. */
	value = strtod(text, &end);
	return end != text && !*end && isfinite(value) ? value : NAN;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length >= end_length && !strcmp(name + length - end_length, end);
}

/* "64 KiB", "1.5 us", "2.45 GHz", "12" */
static char *number_text(double value, const char *name, char *buf, size_t size)
{
	static const enum unit units[] = {UNIT_BYTES, UNIT_DURATION, UNIT_FREQUENCY};
	char text[UNITS_TEXT], *unit;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (ends_with(name, units_suffix(units[i])))
			break;
	if (i == ARRAY_SIZE(units) || value < 0 || value != floor(value) || value >= 0x1p53) {
		snprintf(buf, size, "%.6g", value);
		return buf;
	}
	units_format_u64(units[i], (uint64_t)value, text);
	unit = text + strspn(text, "0123456789.");
	snprintf(buf, size, "%.*s %s", (int)(unit - text), text, unit);
	return buf;
}

char *results_text(const struct results_row *row, const char *key, char *buf, size_t size)
{
	const char *name, *text;
	const cJSON *item = find(row, key, &name, &text);
	size_t length;
	char *json;

	if (!text && cJSON_IsString(item))
		text = item->valuestring;
	else if (!text && cJSON_IsBool(item))
		text = cJSON_IsTrue(item) ? "true" : "false";
	if (text) {
		length = strlen(text);
		if (item && !strcmp(key, PLAN_TRACE_KEY) && ends_with(text, ".atrace"))
			length -= strlen(".atrace");
		snprintf(buf, size, "%.*s", (int)length, text);
	} else if (!isnan(number_of(item))) {
		number_text(number_of(item), name, buf, size);
	} else {
		json = item && !cJSON_IsNull(item) ? cJSON_PrintUnformatted(item) : NULL;
		snprintf(buf, size, "%s", json ? json : "");
		cJSON_free(json);
	}
	return buf;
}

/* --- mistakes --------------------------------------------------------------------------------- */

static char *suggest_parameter(const struct results_row *row, const char *key, char *buf,
			       size_t size)
{
	const struct plan *plan = &row->sweep->plan;
	const char **names = calloc(plan->parameters_count + 1, sizeof(*names));
	unsigned i;

	buf[0] = '\0';
	for (i = 0; names && i < plan->parameters_count; i++)
		names[i] = plan->parameters[i].key;
	if (names)
		suggest_keys(key, names, i, buf, size);
	free(names);
	return buf;
}

static void suggest_leaf(const struct results_row *row, const char *key, char *buf, size_t size)
{
	struct leaves settings = {0}, figures = {0};
	struct err ignored = {.code = ERR_NONE};
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(row->run, "config");
	const char **names = NULL;
	size_t i, count = 0;

	if (!leaves_collect(&settings, config, NULL, row->dir, &ignored) &&
	    !results_leaves(row, NULL, NULL, &figures, &ignored))
		names = calloc(settings.count + figures.count + 1, sizeof(*names));
	for (i = 0; names && i < settings.count; i++)
		names[count++] = settings.items[i].key;
	for (i = 0; names && i < figures.count; i++)
		names[count++] = figures.items[i].key;
	if (names)
		suggest_keys(key, names, (unsigned)count, buf, size);
	free(names);
	leaves_release(&figures);
	leaves_release(&settings);
}

char *results_suggest(const struct results_row *row, const char *key, char *buf, size_t size)
{
	const struct plan *plan;
	size_t used;
	unsigned i;

	buf[0] = '\0';
	if (row->sweep && suggest_parameter(row, key, buf, size)[0])
		return buf;
	if (row->run)
		suggest_leaf(row, key, buf, size);
	if (buf[0] || !row->sweep)
		return buf;
	plan = &row->sweep->plan;
	used = (size_t)snprintf(buf, size, "%s",
				plan->parameters_count ? "; the sweep varies" : "");
	for (i = 0; i < plan->parameters_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s %s", i ? "," : "",
					 plan->parameters[i].key);
	return buf;
}
