/*
 * spec_vary.c - the sections of a sweep that say what varies: traces, grid, zip and list.
 *
 *   grid   {a: [1, 2], b: [3, 4]}          two dimensions: 13 14 23 24
 *   zip    {a: [1, 2], b: [3, 4]}          one dimension:  13 24
 *   list   [{a: 1, b: 3}, {a: 2}]          one dimension:  13 2x, x what the configuration has
 *   traces [web.atrace, files.atrace]      one dimension, "trace"
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/spec_impl.h"

struct spec_dimension *spec_dimension_add(struct spec_reader *r, enum spec_kind kind,
					  unsigned keys_count)
{
	struct spec *s = r->s;
	unsigned order = s->dimensions_count;
	struct spec_dimension *d = SPEC_PUSH(r, s->dimensions, s->dimensions_count);
	if (!d)
		return NULL;
	d->kind = kind;
	d->order = order;
	d->keys = calloc(keys_count, sizeof(*d->keys));
	if (!d->keys) {
		diag_no_memory(&r->ld);
		return NULL;
	}
	d->keys_count = keys_count;
	return d;
}

static int key_set(struct spec_reader *r, struct spec_text *t, const char *key,
		   const struct config_pos *pos)
{
	*t = (struct spec_text){strdup(key), pos->line, pos->column};
	return t->text ? 0 : diag_no_memory(&r->ld);
}

/* --- grid ------------------------------------------------------------------------------------- */

static int take_grid_key(struct spec_reader *r, const char *key, const struct config_pos *pos,
			 void *target)
{
	struct spec_texts values = {0};
	struct spec_dimension *d = spec_dimension_add(r, SPEC_GRID, 1);
	if (!d || key_set(r, &d->keys[0], key, pos) != 0)
		return -1;
	int rc = spec_values(r, &values);
	d->values = values.texts;
	d->count = values.count;
	return rc;
}

int spec_read_grid(struct spec_reader *r, void *target)
{
	return spec_keys(r, "a mapping of keys to lists of values", take_grid_key, NULL);
}

/* --- zip -------------------------------------------------------------------------------------- */

struct column {
	struct spec_text key;
	struct spec_texts values;
};

struct columns {
	struct column *columns;
	unsigned count;
};

static int take_column(struct spec_reader *r, const char *key, const struct config_pos *pos,
		       void *target)
{
	struct columns *c = target;
	struct column *column = SPEC_PUSH(r, c->columns, c->count);
	if (!column || key_set(r, &column->key, key, pos) != 0)
		return -1;
	int rc = spec_values(r, &column->values);
	unsigned first = c->columns[0].values.count, own = column->values.count;
	if (rc == 0 && first && own && own != first)
		diag_at(&r->ld, ERR_CONFIG, pos, r->ld.path,
			"has %u value%s but %s has %u: values of a zip go together", own,
			own == 1 ? "" : "s", c->columns[0].key.text, first);
	return rc;
}

/* One dimension of lists of equal length, whose texts move there. */
static int columns_join(struct spec_reader *r, struct columns *c)
{
	if (!c->count || r->ld.problems_count)
		return 0;
	unsigned count = c->columns[0].values.count;
	struct spec_dimension *d = spec_dimension_add(r, SPEC_ZIP, c->count);
	if (!d)
		return -1;
	d->values = calloc((size_t)count * c->count, sizeof(*d->values));
	if (!d->values)
		return diag_no_memory(&r->ld);
	d->count = count;
	for (unsigned k = 0; k < c->count; k++) {
		d->keys[k] = c->columns[k].key;
		c->columns[k].key.text = NULL;
		for (unsigned i = 0; i < count; i++) {
			d->values[i * c->count + k] = c->columns[k].values.texts[i];
			c->columns[k].values.texts[i].text = NULL;
		}
	}
	return 0;
}

static int take_zip(struct spec_reader *r, void *target)
{
	struct columns c = {0};
	int rc = spec_keys(r, "a mapping of keys to lists of values", take_column, &c);
	if (rc == 0)
		rc = columns_join(r, &c);
	for (unsigned k = 0; k < c.count; k++) {
		free(c.columns[k].key.text);
		spec_texts_release(c.columns[k].values.texts, c.columns[k].values.count);
	}
	free(c.columns);
	return rc;
}

int spec_read_zip(struct spec_reader *r, void *target)
{
	if (r->ld.reader->event.type == YAML_SEQUENCE_START_EVENT)
		return spec_elements(r, "a list of mappings", take_zip, NULL);
	return take_zip(r, NULL);
}

/* --- list ------------------------------------------------------------------------------------- */

/* Points written out: each has texts at the positions of its keys. */
struct rows {
	struct spec_text *keys;
	unsigned keys_count;
	struct spec_texts *rows; /* as many texts as there were keys when the row was read */
	unsigned count;
};

static int take_cell(struct spec_reader *r, const char *key, const struct config_pos *pos,
		     void *target)
{
	struct rows *rows = target;
	struct spec_texts *row = &rows->rows[rows->count - 1];
	unsigned k = 0;
	while (k < rows->keys_count && strcmp(rows->keys[k].text, key) != 0)
		k++;
	if (k == PLAN_PARAMS_MAX)
		return diag_here(&r->ld, "is one key more than the %d that may vary",
				 PLAN_PARAMS_MAX);
	if (k == rows->keys_count) {
		struct spec_text *new_key = SPEC_PUSH(r, rows->keys, rows->keys_count);
		if (!new_key || key_set(r, new_key, key, pos) != 0)
			return -1;
	}
	while (row->count <= k) {
		if (!SPEC_PUSH(r, row->texts, row->count))
			return -1;
	}
	if (row->texts[k].text)
		diag_at(&r->ld, ERR_CONFIG, pos, r->ld.path, "given twice in one mapping");
	return spec_value(r, &row->texts[k]);
}

static int take_row(struct spec_reader *r, void *target)
{
	struct rows *rows = target;
	struct config_pos pos = pos_here(&r->ld);
	if (!SPEC_PUSH(r, rows->rows, rows->count))
		return -1;
	int rc = spec_keys(r, "a mapping of keys to values", take_cell, rows);
	struct spec_texts *row = &rows->rows[rows->count - 1];
	if (rc == 0 && !row->count && !r->ld.problems_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "is empty");
	/* What is missing in a row is missed where the row stands. */
	for (unsigned k = 0; k < row->count; k++) {
		if (!row->texts[k].text) {
			row->texts[k].line = pos.line;
			row->texts[k].column = pos.column;
		}
	}
	return rc;
}

static int rows_join(struct spec_reader *r, struct rows *rows)
{
	if (!rows->keys_count || r->ld.problems_count)
		return 0;
	struct spec_dimension *d = spec_dimension_add(r, SPEC_LIST, rows->keys_count);
	if (!d)
		return -1;
	d->values = calloc((size_t)rows->count * rows->keys_count, sizeof(*d->values));
	if (!d->values)
		return diag_no_memory(&r->ld);
	d->count = rows->count;
	for (unsigned k = 0; k < rows->keys_count; k++) {
		d->keys[k] = rows->keys[k];
		rows->keys[k].text = NULL;
	}
	for (unsigned i = 0; i < rows->count; i++) {
		for (unsigned k = 0; k < rows->rows[i].count; k++) {
			d->values[(size_t)i * rows->keys_count + k] = rows->rows[i].texts[k];
			rows->rows[i].texts[k].text = NULL;
		}
	}
	return 0;
}

int spec_read_list(struct spec_reader *r, void *target)
{
	struct rows rows = {0};
	struct config_pos pos = pos_here(&r->ld);
	int rc = spec_elements(r, "a list of mappings, each a point", take_row, &rows);
	if (rc == 0 && !rows.count && !r->ld.problems_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "is empty");
	if (rc == 0)
		rc = rows_join(r, &rows);
	for (unsigned i = 0; i < rows.count; i++)
		spec_texts_release(rows.rows[i].texts, rows.rows[i].count);
	free(rows.rows);
	spec_texts_release(rows.keys, rows.keys_count);
	return rc;
}

/* --- traces ----------------------------------------------------------------------------------- */

/* The absolute path of @path, which the current event names; NULL if there is no such thing. */
static char *absolute(struct spec_reader *r, const char *path)
{
	char *real = *path ? realpath(path, NULL) : NULL;
	if (*path && !real)
		diag_at(&r->ld, ERR_NO_INPUT, &(struct config_pos){r->s->path,
			yaml_reader_line(r->ld.reader), yaml_reader_column(r->ld.reader)},
			r->ld.path, "%s: %s", path, strerror(errno));
	if (real && strlen(real) >= CONFIG_TEXT) {
		diag_here(&r->ld, "its absolute path is longer than %d bytes", CONFIG_TEXT - 1);
		free(real);
		return NULL;
	}
	return real;
}

static int read_path(struct spec_reader *r, char **real)
{
	char path[CONFIG_TEXT];
	int rc = spec_path(r, path);
	if (rc != 0)
		return rc;
	free(*real);
	*real = absolute(r, path);
	return 0;
}

static int read_trace_name(struct spec_reader *r, void *target)
{
	return spec_name(r, &((struct plan_trace *)target)->name);
}

static int read_trace_path(struct spec_reader *r, void *target)
{
	return read_path(r, &((struct plan_trace *)target)->trace);
}

static int read_trace_truth(struct spec_reader *r, void *target)
{
	return read_path(r, &((struct plan_trace *)target)->truth);
}

/* The name of a trace that has none: that of its file without the end. */
static int name_by_stem(struct spec_reader *r, struct plan_trace *t, const struct config_pos *pos)
{
	const char *slash = strrchr(t->trace, '/'), *begin = slash ? slash + 1 : t->trace;
	const char *dot = strrchr(begin, '.');
	size_t length = dot && dot > begin ? (size_t)(dot - begin) : strlen(begin);
	t->name = strndup(begin, length);
	if (!t->name)
		return diag_no_memory(&r->ld);
	if (!spec_is_name(t->name))
		diag_at(&r->ld, ERR_CONFIG, pos, r->ld.path,
			"the file's name can't be the trace's; give `name`");
	return 0;
}

static int take_trace(struct spec_reader *r, void *target)
{
	static const struct spec_member members[] = {
		{"name", read_trace_name},
		{"trace", read_trace_path},
		{"truth", read_trace_truth},
	};
	struct spec *s = r->s;
	struct config_pos pos = pos_here(&r->ld);
	unsigned problems = r->ld.problems_count, places = s->traces_count;
	struct spec_text *place = SPEC_PUSH(r, s->trace_places, places);
	struct plan_trace *t = place ? SPEC_PUSH(r, s->traces, s->traces_count) : NULL;
	if (!t)
		return -1;
	place->line = pos.line;
	place->column = pos.column;
	bool is_path = yaml_reader_scalar(r->ld.reader) != NULL;
	int rc = is_path ? read_path(r, &t->trace)
			 : spec_members(r, members, ARRAY_SIZE(members), t);
	if (rc != 0 || problems != r->ld.problems_count)
		return rc;
	if (!t->trace)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "lacks 'trace' (path of a trace)");
	else if (!t->name)
		rc = name_by_stem(r, t, &pos);
	for (unsigned i = 0; t->name && i + 1 < s->traces_count; i++) {
		if (s->traces[i].name && strcmp(s->traces[i].name, t->name) == 0)
			diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path,
				"'%s' is the name of traces[%u] already; give another `name`",
				t->name, i);
	}
	return rc;
}

int spec_read_traces(struct spec_reader *r, void *target)
{
	struct config_pos pos = pos_here(&r->ld);
	unsigned problems = r->ld.problems_count;
	int rc = spec_elements(r, "a list of traces", take_trace, NULL);
	if (rc == 0 && !r->s->traces_count && problems == r->ld.problems_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "is empty");
	return rc;
}
