/*
 * spec_read.c - mappings, lists and values of a sweep's YAML: see spec_impl.h.
 *
 * A sweep's file has few keys of its own; most are those of the configuration, whose values are
 * kept as texts, just as --set would get them, and are given a meaning only when the configuration
 * is known. A value that is a list or mapping becomes flow text:
 *
 *   classes:              "[8, 64, 4KiB]"
 *     - 8
 *     - 64
 *     - 4KiB
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suggest.h"
#include "sim/sweep/spec_impl.h"

void *spec_push(struct spec_reader *r, void *array, unsigned *count, size_t size)
{
	char *elements;
	memcpy(&elements, array, sizeof(elements));
	if ((*count & (*count - 1)) == 0) {
		elements = reallocarray(elements, *count ? (size_t)*count * 2 : 1, size);
		if (!elements) {
			diag_no_memory(&r->ld);
			return NULL;
		}
		memcpy(array, &elements, sizeof(elements));
	}
	return memset(elements + size * (*count)++, 0, size);
}

void spec_texts_release(struct spec_text *texts, uint64_t count)
{
	for (uint64_t i = 0; texts && i < count; i++)
		free(texts[i].text);
	free(texts);
}

struct config_pos spec_pos(const struct spec_reader *r, const struct spec_text *t)
{
	return (struct config_pos){.source = r->s->path, .line = t->line, .column = t->column};
}

static bool is_stuck(const struct spec_reader *r)
{
	return diag_is_full(&r->ld) || r->ld.out_of_memory;
}

/* --- mappings and lists ----------------------------------------------------------------------- */

int spec_keys(struct spec_reader *r, const char *what,
	      int (*take)(struct spec_reader *r, const char *key, const struct config_pos *pos,
			  void *target),
	      void *target)
{
	struct loader *ld = &r->ld;
	char key[PATH_SIZE];
	if (ld->reader->event.type != YAML_MAPPING_START_EVENT) {
		diag_here(ld, "must be %s", what);
		return yaml_reader_skip(ld->reader);
	}
	for (;;) {
		if (yaml_reader_next(ld->reader) != 0 || is_stuck(r))
			return -1;
		if (ld->reader->event.type == YAML_MAPPING_END_EVENT)
			return 0;
		const char *text = yaml_reader_scalar(ld->reader);
		struct config_pos pos = pos_here(ld);
		if (!text || strlen(text) >= sizeof(key)) {
			diag_here(ld, "a key must be a single word");
			if (yaml_reader_skip(ld->reader) != 0 ||
			    yaml_reader_next(ld->reader) != 0 || yaml_reader_skip(ld->reader) != 0)
				return -1;
			continue;
		}
		strcpy(key, text);
		size_t length = path_push(ld, key);
		if (yaml_reader_next(ld->reader) != 0 || take(r, key, &pos, target) != 0)
			return -1;
		path_pop(ld, length);
	}
}

struct members {
	const struct spec_member *members;
	unsigned count;
	uint64_t seen;
	void *target;
};

/* A key of the configuration, or a path that begins with one: slab.max_order. */
static bool is_setting(const char *key)
{
	char first[PATH_SIZE];
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(key, "."), key);
	return schema_find(&schema_root, first) >= 0;
}

static int take_member(struct spec_reader *r, const char *key, const struct config_pos *pos,
		       void *target)
{
	struct members *m = target;
	const char *names[SCHEMA_KEYS_MAX];
	char quoted[QUOTE_SIZE], outer[PATH_SIZE];
	for (unsigned i = 0; i < m->count; i++) {
		names[i] = m->members[i].key;
		if (strcmp(key, names[i]) != 0)
			continue;
		if (m->seen >> i & 1)
			diag_at(&r->ld, ERR_CONFIG, pos, r->ld.path, "given twice in one mapping");
		m->seen |= UINT64_C(1) << i;
		return m->members[i].read(r, m->target);
	}
	const char *near = suggest_nearest(key, names, m->count);
	snprintf(outer, sizeof(outer), "%s", r->ld.path);
	outer[strlen(outer) - strlen(key)] = '\0';
	if (*outer)
		outer[strlen(outer) - 1] = '\0';
	if (!*outer && is_setting(key))
		diag_at(&r->ld, ERR_CONFIG, pos, "",
			"unknown key '%s'; keys of the configuration belong under 'set' or what "
			"varies (grid, zip, list, sample)",
			diag_quote(key, quoted));
	else
		diag_at(&r->ld, ERR_CONFIG, pos, outer, "unknown key '%s'%s%s%s",
			diag_quote(key, quoted), near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "");
	return yaml_reader_skip(r->ld.reader);
}

int spec_members(struct spec_reader *r, const struct spec_member *members, unsigned count,
		 void *target)
{
	struct members m = {.members = members, .count = count, .target = target};
	return spec_keys(r, "a mapping (key: value)", take_member, &m);
}

int spec_elements(struct spec_reader *r, const char *what,
		  int (*take)(struct spec_reader *r, void *target), void *target)
{
	struct loader *ld = &r->ld;
	if (ld->reader->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be %s", what);
		return yaml_reader_skip(ld->reader);
	}
	for (uint64_t index = 0;; index++) {
		if (yaml_reader_next(ld->reader) != 0 || is_stuck(r))
			return -1;
		if (ld->reader->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (index == SPEC_POSITIONS_MAX)
			return diag_here(ld, "has more than %d elements", SPEC_POSITIONS_MAX);
		size_t length = path_push_index(ld, index);
		if (take(r, target) != 0)
			return -1;
		path_pop(ld, length);
	}
}

/* --- values ----------------------------------------------------------------------------------- */

/* Would the plain scalar @text mean the same inside a flow list? */
static bool is_plain(const struct yaml_reader *r, const char *text)
{
	return r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !strpbrk(text, ",[]{}#:\n");
}

static void write_scalar(const struct yaml_reader *r, FILE *out)
{
	const char *text = yaml_reader_scalar(r);
	if (is_plain(r, text)) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
		else
			putc(*text, out);
	}
	putc('"', out);
}

/* The node that the current event opens as flow text. */
static int write_flow(struct spec_reader *r, FILE *out)
{
	struct yaml_reader *y = r->ld.reader;
	bool is_map = y->event.type == YAML_MAPPING_START_EVENT;
	if (yaml_reader_scalar(y)) {
		write_scalar(y, out);
		return 0;
	}
	putc(is_map ? '{' : '[', out);
	for (unsigned i = 0;; i++) {
		if (yaml_reader_next(y) != 0)
			return -1;
		if (y->event.type == YAML_MAPPING_END_EVENT ||
		    y->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		fputs(!i ? "" : is_map && i % 2 ? ": " : ", ", out);
		if (write_flow(r, out) != 0)
			return -1;
	}
	putc(is_map ? '}' : ']', out);
	return 0;
}

int spec_value(struct spec_reader *r, struct spec_text *value)
{
	struct config_pos pos = pos_here(&r->ld);
	const char *text = yaml_reader_scalar(r->ld.reader);
	value->line = pos.line;
	value->column = pos.column;
	if (yaml_reader_is_null(r->ld.reader)) {
		diag_here(&r->ld, "has no value");
		text = "";
	}
	free(value->text);
	if (text) {
		value->text = strdup(text);
		return value->text ? 0 : diag_no_memory(&r->ld);
	}
	value->text = NULL;
	size_t size;
	FILE *out = open_memstream(&value->text, &size);
	if (!out)
		return diag_no_memory(&r->ld);
	int rc = write_flow(r, out);
	if (fclose(out) != 0)
		return diag_no_memory(&r->ld);
	return rc;
}

static int take_value(struct spec_reader *r, void *target)
{
	struct spec_texts *values = target;
	struct spec_text *value = SPEC_PUSH(r, values->texts, values->count);
	return value ? spec_value(r, value) : -1;
}

int spec_values(struct spec_reader *r, struct spec_texts *values)
{
	struct config_pos pos = pos_here(&r->ld);
	unsigned problems = r->ld.problems_count;
	bool nested = r->ld.reader->event.type == YAML_MAPPING_START_EVENT;
	int rc = spec_elements(r,
			       nested ? "a list of values, such as [0, 1]; keys are written with "
					"dots, as slab.max_order"
				      : "a list of values, such as [0, 1]",
			       take_value, values);
	if (rc == 0 && !values->count && problems == r->ld.problems_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "is empty");
	return rc;
}

/* The scalar of the current event; NULL, reported and passed over, if it is something else. */
static const char *scalar(struct spec_reader *r, const char *what, int *rc)
{
	const char *text = yaml_reader_scalar(r->ld.reader);
	*rc = 0;
	if (text && !yaml_reader_is_null(r->ld.reader))
		return text;
	diag_here(&r->ld, "must be %s", what);
	*rc = yaml_reader_skip(r->ld.reader);
	return NULL;
}

int spec_text(struct spec_reader *r, char **text)
{
	int rc;
	const char *given = scalar(r, "a text", &rc);
	if (!given)
		return rc;
	free(*text);
	*text = strdup(given);
	return *text ? 0 : diag_no_memory(&r->ld);
}

bool spec_is_name(const char *text)
{
	const char *p = text;
	while (isalnum((unsigned char)*p) || (*p && strchr("_.-", *p)))
		p++;
	return p > text && !*p && *text != '.' && *text != '-' && p - text < 128;
}

int spec_name(struct spec_reader *r, char **text)
{
	char quoted[QUOTE_SIZE];
	int rc;
	const char *given = scalar(r, "a name", &rc);
	if (given && !spec_is_name(given))
		return diag_here(
			       &r->ld,
			       "'%s' can't be a name of files (letters, digits, _, . and -, not . "
			       "or - at the beginning)",
			       diag_quote(given, quoted)),
		       0;
	return given ? spec_text(r, text) : rc;
}

int spec_count(struct spec_reader *r, uint64_t min, uint64_t max, uint64_t *count)
{
	char quoted[QUOTE_SIZE], why[UNITS_WHY];
	uint64_t value;
	int rc;
	const char *given = scalar(r, "a number", &rc);
	if (!given)
		return rc;
	if (units_parse_u64(UNIT_COUNT, given, &value, why) != 0)
		diag_here(&r->ld, "'%s' %s (legal range: %llu..%llu)", diag_quote(given, quoted),
			  why, (unsigned long long)min, (unsigned long long)max);
	else if (value < min || value > max)
		diag_here(&r->ld, "'%s' is out of range (legal range: %llu..%llu)",
			  diag_quote(given, quoted), (unsigned long long)min,
			  (unsigned long long)max);
	else
		*count = value;
	return 0;
}

int spec_choice(struct spec_reader *r, const char *const *names, unsigned count, unsigned *choice)
{
	char quoted[QUOTE_SIZE], list[256] = "";
	int rc;
	const char *given = scalar(r, "one word", &rc);
	if (!given)
		return rc;
	for (unsigned i = 0; i < count; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", names[i]);
		if (strcmp(given, names[i]) == 0) {
			*choice = i;
			return 0;
		}
	}
	const char *near = suggest_nearest(given, names, count);
	diag_here(&r->ld, "unknown value '%s'%s%s%s (legal range: one of %s)",
		  diag_quote(given, quoted), near ? "; did you mean '" : "", near ? near : "",
		  near ? "'?" : "", list);
	return 0;
}

int spec_path(struct spec_reader *r, char *path)
{
	static const struct field field = {.kind = FIELD_FILE};
	int rc;
	const char *given = scalar(r, "a path", &rc);
	path[0] = '\0';
	if (given && !*given)
		diag_here(&r->ld, "is empty");
	else if (given && value_set_scalar(&r->ld, &field, path, given) != 0)
		path[0] = '\0';
	return rc;
}
