/*
 * spec_check.c - a sweep against its configuration: see spec_impl.h.
 *
 * Everything here is about one key or one value at a time, and about who gives a key: whether
 * values fit each other depends on the point, and is found when points are made (make.c).
 *
 * Paths become absolute here, so that a plan may be read anywhere.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/sweep/spec_impl.h"

static const char *kind_name(enum spec_kind kind)
{
	static const char *const names[SPEC_KINDS] = {"traces", "list", "zip", "grid",
						      "sample.parameters"};
	return names[kind];
}

__attribute__((format(printf, 5, 6)))
static void wrong(struct spec_reader *r, const struct spec_text *at, const char *section,
		  const char *key, const char *fmt, ...)
{
	struct config_pos pos = spec_pos(r, at);
	char path[PATH_SIZE], text[640];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s%s%.200s", section, *key ? "." : "", key);
	diag_at(&r->ld, ERR_CONFIG, &pos, path, "%s", text);
}

/* What is wrong with @err's key without naming the key once more. */
static const char *without_key(const char *text, const char *key)
{
	size_t length = strlen(key);
	return strncmp(text, key, length) == 0 && strncmp(text + length, ": ", 2) == 0
		       ? text + length + 2
		       : text;
}

/* --- keys and values -------------------------------------------------------------------------- */

/* The absolute path instead of one that is relative to the file; what is not there stays. */
static void make_absolute(struct spec_reader *r, struct spec_text *value)
{
	const char *slash = strrchr(r->s->path, '/');
	char *joined = NULL;
	if (!*value->text || *value->text == '/')
		return;
	if (asprintf(&joined, "%.*s%s", slash ? (int)(slash + 1 - r->s->path) : 0, r->s->path,
		     value->text) < 0) {
		diag_no_memory(&r->ld);
		return;
	}
	char *real = realpath(joined, NULL);
	free(value->text);
	value->text = real ? real : joined;
	if (real)
		free(joined);
}

/* One value that @key is given in @section; @scratch is a configuration to try it in. */
static void check_value(struct spec_reader *r, struct config *scratch, const char *section,
			const struct spec_text *key, struct spec_text *value)
{
	struct config_key found;
	struct err err = {0};
	char *set;
	if (config_key_find(scratch, key->text, &found, &err) == 0 && config_key_is_path(&found))
		make_absolute(r, value);
	if (r->ld.out_of_memory)
		return;
	if (asprintf(&set, "%s=%s", key->text, value->text) < 0) {
		diag_no_memory(&r->ld);
		return;
	}
	err = (struct err){0};
	if (config_check_set(scratch, set, &err) != 0)
		wrong(r, value, section, key->text, "%s", without_key(err.text, key->text));
	free(set);
}

static bool check_key(struct spec_reader *r, const char *section, const struct spec_text *key)
{
	struct config_key found;
	struct err err = {0};
	if (config_key_find(&r->s->base, key->text, &found, &err) == 0)
		return true;
	wrong(r, key, section, key->text, "%s", err.text);
	return false;
}

static void check_dimension(struct spec_reader *r, struct spec_dimension *d,
			    struct config *scratch)
{
	const char *section = kind_name(d->kind);
	for (unsigned k = 0; k < d->keys_count; k++) {
		if (!check_key(r, section, &d->keys[k]))
			continue;
		for (uint64_t i = 0; i < d->count && !diag_is_full(&r->ld); i++) {
			struct spec_text *value = &d->values[i * d->keys_count + k];
			if (value->text)
				check_value(r, scratch, section, &d->keys[k], value);
		}
	}
}

/* The configuration's own value where an entry of a list leaves a key out. */
static void fill_list(struct spec_reader *r, struct spec_dimension *d)
{
	struct config_key key;
	struct err err = {0};
	for (uint64_t i = 0; i < d->count * d->keys_count; i++) {
		struct spec_text *value = &d->values[i], *name = &d->keys[i % d->keys_count];
		if (value->text || config_key_find(&r->s->base, name->text, &key, &err) != 0)
			continue;
		value->text = config_key_text(&key);
		if (value->text)
			continue;
		wrong(r, value->line ? value : name, "list", name->text,
		      "must be given in every entry of the list, since it is no single value");
		return;
	}
}

static void check_sample_values(struct spec_reader *r, struct config *scratch)
{
	struct spec_sample *s = &r->s->sample;
	for (unsigned k = 0; k < s->drawn_count; k++) {
		struct spec_drawn *d = &s->drawn[k];
		if (!check_key(r, "sample.parameters", &d->key))
			continue;
		if (d->from.text)
			check_value(r, scratch, "sample.parameters", &d->key, &d->from);
		if (d->to.text)
			check_value(r, scratch, "sample.parameters", &d->key, &d->to);
		for (unsigned i = 0; i < d->choices_count; i++)
			check_value(r, scratch, "sample.parameters", &d->key, &d->choices[i]);
	}
}

/* --- who gives a key -------------------------------------------------------------------------- */

static const struct spec_dimension *giver_of(const struct spec *s, const char *key,
					     const struct spec_dimension *but)
{
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		const struct spec_dimension *d = &s->dimensions[i];
		for (unsigned k = 0; d != but && k < d->keys_count; k++) {
			if (strcmp(d->keys[k].text, key) == 0)
				return d;
		}
	}
	return NULL;
}

static void check_givers(struct spec_reader *r, const char *const *sets, unsigned sets_count)
{
	const struct spec *s = r->s;
	unsigned params = s->seeds_count ? 2 : 0;
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		const struct spec_dimension *d = &s->dimensions[i];
		params += d->keys_count;
		for (unsigned k = 0; k < d->keys_count; k++) {
			const struct spec_text *key = &d->keys[k];
			const struct spec_dimension *other = giver_of(s, key->text, d);
			for (unsigned j = 0; j < k && !other; j++)
				other = strcmp(d->keys[j].text, key->text) == 0 ? d : NULL;
			if (other && other <= d)
				wrong(r, key, kind_name(d->kind), key->text, "%s gives it too",
				      kind_name(other->kind));
			if (s->seeds_count && strcmp(key->text, "seed") == 0)
				wrong(r, key, kind_name(d->kind), key->text, "seeds gives it too");
			if (s->traces_count && strcmp(key->text, "workload.trace") == 0)
				wrong(r, key, kind_name(d->kind), key->text, "traces gives it too");
		}
	}
	for (unsigned i = 0; i < s->sets_count; i++) {
		const struct spec_dimension *d = giver_of(s, s->set_keys[i].text, NULL);
		if (d)
			wrong(r, &s->set_keys[i], "set", s->set_keys[i].text,
			      "has no effect: %s gives it", kind_name(d->kind));
	}
	for (unsigned i = 0; i < sets_count; i++) {
		char key[PATH_SIZE];
		snprintf(key, sizeof(key), "%.*s", (int)strcspn(sets[i], "="), sets[i]);
		const struct spec_dimension *d = giver_of(s, key, NULL);
		struct config_pos pos = {.source = sets[i]};
		if (d)
			diag_at(&r->ld, ERR_CONFIG, &pos, key, "has no effect: %s gives it",
				kind_name(d->kind));
	}
	if (params > PLAN_PARAMS_MAX) {
		struct config_pos pos = {s->path, 1, 1};
		diag_at(&r->ld, ERR_CONFIG, &pos, "",
			"%u parameters vary, of at most %d", params, PLAN_PARAMS_MAX);
	}
}

/* --- the configuration ------------------------------------------------------------------------ */

/* A file that can't be read is named where the sweep names it. */
static void check_files(struct spec_reader *r)
{
	const struct spec *s = r->s;
	for (unsigned i = 0; i < s->files_count; i++) {
		struct config_pos pos = spec_pos(r, &s->files[i]);
		if (access(s->files[i].text, R_OK) != 0)
			diag_at(&r->ld, ERR_NO_INPUT, &pos, "config", "%s: %s", s->files[i].text,
				strerror(errno));
	}
}

/* Load the files with @sets into the base. */
static int load_base(struct spec_reader *r, const char *const *sets, unsigned sets_count,
		     struct err *err)
{
	struct spec *s = r->s;
	const char **files = calloc(s->files_count + 1, sizeof(*files));
	if (!files)
		return diag_no_memory(&r->ld);
	for (unsigned i = 0; i < s->files_count; i++)
		files[i] = s->files[i].text;
	config_release(&s->base);
	config_init(&s->base);
	int rc = config_load_base(&s->base, files, s->files_count, sets, sets_count,
				  r->ld.diagnostics, err);
	free(files);
	return rc;
}

/* The same with the sets of the file, each checked at its place first, and then @sets. */
static int load_with_sets(struct spec_reader *r, struct config *scratch, const char *const *sets,
			  unsigned sets_count, struct err *err)
{
	struct spec *s = r->s;
	char **texts = calloc((size_t)s->sets_count + sets_count + 1, sizeof(*texts));
	int rc = 0;
	if (!texts)
		return diag_no_memory(&r->ld);
	for (unsigned i = 0; i < s->sets_count && rc == 0; i++) {
		if (check_key(r, "set", &s->set_keys[i]))
			check_value(r, scratch, "set", &s->set_keys[i], &s->set_values[i]);
		if (asprintf(&texts[i], "%s=%s", s->set_keys[i].text, s->set_values[i].text) < 0) {
			texts[i] = NULL;
			rc = diag_no_memory(&r->ld);
		}
	}
	for (unsigned i = 0; i < sets_count; i++)
		texts[s->sets_count + i] = (char *)(uintptr_t)sets[i];
	if (rc == 0 && !r->ld.problems_count && s->sets_count + sets_count)
		rc = load_base(r, (const char *const *)texts, s->sets_count + sets_count, err);
	for (unsigned i = 0; i < s->sets_count; i++)
		free(texts[i]);
	free(texts);
	return rc;
}

/* --- traces, constraints ---------------------------------------------------------------------- */

static void add_traces(struct spec_reader *r)
{
	struct spec *s = r->s;
	struct spec_dimension *d = spec_dimension_add(r, SPEC_TRACES, 1);
	if (!d)
		return;
	d->values = calloc(s->traces_count, sizeof(*d->values));
	d->keys[0].text = strdup(PLAN_TRACE_KEY);
	if (!d->values || !d->keys[0].text) {
		diag_no_memory(&r->ld);
		return;
	}
	d->count = s->traces_count;
	for (unsigned i = 0; i < s->traces_count; i++) {
		d->values[i] = s->trace_places[i];
		d->values[i].text = strdup(s->traces[i].name);
		if (!d->values[i].text)
			diag_no_memory(&r->ld);
	}
}

static void parse_constraints(struct spec_reader *r)
{
	struct spec *s = r->s;
	const char **names = calloc(s->traces_count + 1, sizeof(*names));
	if (!names) {
		diag_no_memory(&r->ld);
		return;
	}
	for (unsigned i = 0; i < s->traces_count; i++)
		names[i] = s->traces[i].name;
	const struct expr_scope scope = {&s->base, names, s->traces_count, s->seeds_count > 0};
	for (unsigned i = 0; i < s->constraints_count; i++) {
		struct spec_constraint *c = &s->constraints[i];
		struct err err = {0};
		char section[32];
		unsigned column;
		c->expr = expr_parse(c->text.text, &scope, &column, &err);
		snprintf(section, sizeof(section), "constraints[%u]", i);
		if (!c->expr)
			wrong(r, &c->text, section, "", "column %u: %s", column, err.text);
	}
	free(names);
}

static int by_kind(const void *left, const void *right)
{
	const struct spec_dimension *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void check_all_values(struct spec_reader *r, struct config *scratch)
{
	struct spec *s = r->s;
	for (unsigned i = 0; i < s->dimensions_count; i++)
		check_dimension(r, &s->dimensions[i], scratch);
	for (unsigned i = 0; i < s->dimensions_count && !r->ld.problems_count; i++) {
		if (s->dimensions[i].kind == SPEC_LIST)
			fill_list(r, &s->dimensions[i]);
	}
	if (s->sample.given)
		check_sample_values(r, scratch);
	if (s->sample.given && !r->ld.problems_count)
		spec_draw_sample(r);
	if (s->traces_count)
		add_traces(r);
}

int spec_check(struct spec_reader *r, const char *const *sets, unsigned sets_count,
	       struct err *err)
{
	struct spec *s = r->s;
	struct config scratch;
	config_init(&scratch);
	int rc = 0;
	if (!s->files_count) {
		struct config_pos pos = {s->path, 1, 1};
		diag_at(&r->ld, ERR_CONFIG, &pos, "", "lacks 'config' (what to run)");
		goto out;
	}
	check_files(r);
	if (r->ld.problems_count)
		goto out;
	rc = load_base(r, NULL, 0, err);
	if (rc == 0)
		rc = config_copy(&scratch, &s->base, err);
	if (rc == 0)
		rc = load_with_sets(r, &scratch, sets, sets_count, err);
	if (rc != 0 || r->ld.out_of_memory)
		goto out;
	check_all_values(r, &scratch);
	parse_constraints(r);
	if (r->ld.out_of_memory)
		goto out;
	if (s->dimensions_count)
		qsort(s->dimensions, s->dimensions_count, sizeof(*s->dimensions), by_kind);
	check_givers(r, sets, sets_count);
out:
	config_release(&scratch);
	return rc;
}
