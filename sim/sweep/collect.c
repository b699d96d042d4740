/*
 * collect.c - a sweep as a table, a row for each point: see collect.h.
 *
 *   index,id,state,exit_code,signal,machine.memory_bytes,repeat,seed,totals.ops_count,...
 *   0,0a1b2c3d4e5f6071,done,0,0,16777216,0,11,6120,...
 *   1,1b2c3d4e5f60718a,failed,70,0,16777216,1,22,,...
 *
 * First what became of the point, then the parameters, then the figures (collect_columns.c). Rows
 * are in the order of the plan, failed and missing points included, so that two tables of one plan
 * have the same rows. Parameters are in base units as in run.json: of a run that is done they are
 * read there, of others the plan's configuration is resolved for the point. A whole number of the
 * plan is written as it is there, since a seed has more digits than a number of JSON keeps.
 *
 * The runs are visited twice, for the columns and for the rows; only one is in memory at a time.
 *
 * A point whose configuration can't be resolved (its trace is not on this host) shows of its
 * parameters what needs no unit: numbers, "trace" and "repeat". This is said.
 *
 * Cells are quoted by RFC 4180 where they hold what separates others. Lines end in LF alone; there
 * are no thousands separators, and what is missing is empty (JSON lines: null).
 *
 * Invariants:
 *   1. The bytes depend on the plan and on the runs' results alone: not on the order or the place
 *      in which they were made, nor on when.
 *   2. All rows have as many cells as the first line has names.
 *
 * Cost: two times reading each run; about a millisecond for 50 KB.
 */
#include "sim/sweep/collect.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/types.h"
#include "sim/columns.h"
#include "sim/config.h"
#include "sim/json.h"
#include "sim/results.h"
#include "sim/safefile.h"
#include "sim/sweep/collect_columns.h"

static const char *const fixed[] = {"index", "id", "state", "exit_code", "signal"};

struct collector {
	const struct collect_options *options;
	struct results results;
	const struct results_sweep *sweep;
	struct collect_columns columns;
	char **head; /* names of the columns before the figures: fixed and parameters */
	size_t head_count;
	const cJSON **values; /* of the row's figures */
	struct config base;
	bool has_base, base_failed;
	FILE *out, *index;
	/* Points whose parameters are not known, and why. */
	uint64_t unresolved_count;
	struct err unresolved;
};

/* --- cells ----------------------------------------------------------------------------------- */

static bool is_whole_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits < 20 + (text[0] == '1') && !text[digits] &&
	       (text[0] != '0' || digits == 1);
}

static void write_quoted(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/*
 * One cell of a row. In CSV a row has no keys; in JSON each cell is a member. A row is written into
 * @j, which is a line of JSON, or has just the stream.
 */
struct row {
	enum collect_format format;
	struct json j;
	bool begun;
};

static void row_begin(struct row *r, enum collect_format format, FILE *out)
{
	*r = (struct row){.format = format};
	json_init_line(&r->j, out);
	if (format == COLLECT_JSONL)
		json_object_begin(&r->j, NULL);
}

static void row_end(struct row *r)
{
	if (r->format == COLLECT_JSONL) {
		json_object_end(&r->j);
		json_finish(&r->j);
	} else {
		fputc('\n', r->j.out);
	}
}

static void row_separate(struct row *r)
{
	if (r->begun)
		fputc(',', r->j.out);
	r->begun = true;
}

/* NULL: nothing. */
static void row_text(struct row *r, const char *key, const char *text)
{
	if (r->format == COLLECT_JSONL && text) {
		json_string(&r->j, key, text);
	} else if (r->format == COLLECT_JSONL) {
		json_null(&r->j, key);
	} else {
		row_separate(r);
		write_quoted(text ? text : "", r->j.out);
	}
}

/* @digits is_whole_number(). */
static void row_whole(struct row *r, const char *key, const char *digits)
{
	if (r->format == COLLECT_JSONL)
		json_u64(&r->j, key, strtoull(digits, NULL, 10));
	else
		row_text(r, key, digits);
}

static void row_integer(struct row *r, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	if (r->format == COLLECT_JSONL)
		json_i64(&r->j, key, value);
	else
		row_text(r, key, text);
}

/* Any value of a document; lists and mappings as a text. */
static void row_item(struct row *r, const char *key, const cJSON *item)
{
	const cJSON *constant = cJSON_GetObjectItemCaseSensitive(item, "constant");
	char text[JSON_NUMBER], *json;

	item = cJSON_IsNumber(constant) ? constant : item;
	if (!item || cJSON_IsNull(item)) {
		row_text(r, key, NULL);
	} else if (cJSON_IsString(item)) {
		row_text(r, key, item->valuestring);
	} else if (cJSON_IsBool(item) && r->format == COLLECT_JSONL) {
		json_bool(&r->j, key, cJSON_IsTrue(item));
	} else if (cJSON_IsBool(item)) {
		row_text(r, key, cJSON_IsTrue(item) ? "true" : "false");
	} else if (cJSON_IsNumber(item) && r->format == COLLECT_JSONL) {
		json_double(&r->j, key, item->valuedouble);
	} else if (cJSON_IsNumber(item)) {
		row_text(r, key, json_format_double(item->valuedouble, text));
	} else {
		json = cJSON_PrintUnformatted(item);
		row_text(r, key, json);
		cJSON_free(json);
	}
}

/* --- parameters ------------------------------------------------------------------------------ */

/* The configuration of a point without a run, in the form of run.json's; NULL if there is none. */
static cJSON *resolve(struct collector *c, const struct plan_point *point, struct err *err)
{
	const struct plan *p = &c->sweep->plan;
	char *text = NULL;
	cJSON *json = NULL;
	struct config config;
	size_t bytes = 0;
	struct json j;
	FILE *f;

	if (!c->has_base && !c->base_failed) {
		config_init(&c->base);
		c->has_base = true;
		c->base_failed = plan_base(p, &c->base, err) != 0;
	}
	if (c->base_failed)
		return NULL;
	f = open_memstream(&text, &bytes);
	if (!f)
		return NULL;
	if (!plan_config(p, point, &c->base, &config, err)) {
		json_init_line(&j, f);
		json_object_begin(&j, NULL);
		config_write_json(&config, &j);
		json_object_end(&j);
		json_finish(&j);
		if (!fflush(f))
			json = cJSON_Parse(text);
	}
	config_release(&config);
	fclose(f);
	free(text);
	return json;
}

static bool is_sweeps_own(const char *key)
{
	return !strcmp(key, PLAN_TRACE_KEY) || !strcmp(key, PLAN_REPEAT_KEY);
}

static void write_parameters(struct collector *c, const struct results_row *row, struct row *r)
{
	const struct plan *p = &c->sweep->plan;
	const cJSON *config = NULL;
	struct err err = {0};
	cJSON *resolved = NULL;
	unsigned i;

	if (row->run) {
		config = cJSON_GetObjectItemCaseSensitive(row->run, "config");
	} else {
		config = resolved = resolve(c, row->point, &err);
		if (!resolved && !c->unresolved_count++)
			c->unresolved = err;
	}
	for (i = 0; i < p->parameters_count; i++) {
		const char *key = p->parameters[i].key, *value = row->point->values[i];
		const char *name = c->head[ARRAY_SIZE(fixed) + i];

		if (is_whole_number(value))
			row_whole(r, name, value);
		else if (is_sweeps_own(key))
			row_text(r, name, value);
		else
			row_item(r, name, results_setting(config, key));
	}
	cJSON_Delete(resolved);
}

/* A line of index.jsonl. */
static void write_index_line(const struct results_row *row, FILE *out)
{
	const struct plan *p = &row->sweep->plan;
	char reason[256];
	struct json j;
	unsigned i;

	json_init_line(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "i", row->point->index);
	json_string(&j, "id", row->point->id);
	json_string(&j, "state", cell_state_name(row->cell->state));
	if (row->cell->state == CELL_FAILED)
		json_string(&j, "reason", cell_reason(row->cell, reason, sizeof(reason)));
	else
		json_null(&j, "reason");
	json_object_begin(&j, "params");
	for (i = 0; i < p->parameters_count; i++)
		json_string(&j, p->parameters[i].key, row->point->values[i]);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
}

/* --- rows ------------------------------------------------------------------------------------ */

static int add_columns(void *arg, const struct results_row *row, struct err *err)
{
	struct collector *c = arg;

	return collect_columns_add(&c->columns, row->leaves, err);
}

static int write_row(void *arg, const struct results_row *row, struct err *err)
{
	struct collector *c = arg;
	const struct cell *cell = row->cell;
	struct row r;
	size_t i;

	row_begin(&r, c->options->format, c->out);
	row_integer(&r, fixed[0], (int64_t)row->point->index);
	row_text(&r, fixed[1], row->point->id);
	row_text(&r, fixed[2], cell_state_name(cell->state));
	if (cell->state == CELL_MISSING || cell->signal)
		row_text(&r, fixed[3], NULL);
	else
		row_integer(&r, fixed[3], cell->exit_code);
	if (cell->state == CELL_MISSING)
		row_text(&r, fixed[4], NULL);
	else
		row_integer(&r, fixed[4], cell->signal);
	write_parameters(c, row, &r);
	if (row->run)
		collect_columns_values(&c->columns, row->leaves, c->values);
	for (i = 0; i < c->columns.count; i++)
		row_item(&r, c->columns.names[i], row->run ? c->values[i] : NULL);
	row_end(&r);
	if (c->index)
		write_index_line(row, c->index);
	/* Why it can't be written is said by the file's end. */
	return ferror(c->out) ? -1 : 0;
}

static int name_head(struct collector *c, struct err *err)
{
	const struct plan *p = &c->sweep->plan;
	char path[COMPARE_KEY_BYTES_MAX], name[2 * COMPARE_KEY_BYTES_MAX];
	size_t count = ARRAY_SIZE(fixed) + p->parameters_count, i;

	c->head = calloc(count, sizeof(*c->head));
	for (i = 0; c->head && i < count; i++) {
		const char *key =
			i < ARRAY_SIZE(fixed) ? fixed[i] : p->parameters[i - ARRAY_SIZE(fixed)].key;

		column_name(config_json_path(key, path, sizeof(path)), name, sizeof(name));
		c->head[i] = strdup(i < ARRAY_SIZE(fixed) ? key : name);
		if (!c->head[i])
			break;
		c->head_count++;
	}
	return c->head && i == count ? 0 : err_set(err, ERR_IO, "out of memory");
}

static void write_names(struct collector *c)
{
	struct row r;
	size_t i;

	if (c->options->format != COLLECT_CSV)
		return;
	row_begin(&r, COLLECT_CSV, c->out);
	for (i = 0; i < c->head_count; i++)
		row_text(&r, NULL, c->head[i]);
	for (i = 0; i < c->columns.count; i++)
		row_text(&r, NULL, c->columns.names[i]);
	row_end(&r);
}

/* Begin index.jsonl, but not in a directory that is only to be read. */
static int begin_index(const struct collector *c, struct safefile *file, struct err *err)
{
	char *path;
	int failed;

	if (access(c->sweep->dir, W_OK))
		return 0;
	if (asprintf(&path, "%s/index.jsonl", c->sweep->dir) < 0)
		return err_set(err, ERR_IO, "out of memory");
	failed = safefile_create(file, path, err);
	free(path);
	return failed;
}

static int write_table(struct collector *c, struct err *err)
{
	bool to_stdout = !strcmp(c->options->output, "-");
	struct safefile table = {0}, index = {0};
	int failed = -1;

	if (begin_index(c, &index, err) ||
	    (!to_stdout && safefile_create(&table, c->options->output, err)))
		goto out;
	c->index = index.stream;
	c->out = to_stdout ? stdout : table.stream;
	write_names(c);
	failed = results_each(&c->results, true, write_row, c, err);
	if (to_stdout && (fflush(stdout) || ferror(stdout)))
		failed = err_set(err, ERR_IO, "standard output: cannot be written");
	else if (!to_stdout && (!failed || ferror(c->out)))
		failed = safefile_commit(&table, err);
	if (!failed && c->index)
		failed = safefile_commit(&index, err);
out:
	safefile_abort(&table);
	safefile_abort(&index);
	return failed;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void report_on(struct collector *c, struct collect_report *report)
{
	const uint64_t *states = c->sweep->states_count;
	FILE *out = c->options->messages;

	*report = (struct collect_report){
		.rows_count = c->sweep->plan.points_count,
		.columns_count = c->head_count + c->columns.count,
		.failed_count = states[CELL_FAILED],
		.missing_count = states[CELL_MISSING],
	};
	if (!out)
		return;
	fprintf(out, "%s: %" PRIu64 " rows, %" PRIu64 " columns\n",
		!strcmp(c->options->output, "-") ? "standard output" : c->options->output,
		report->rows_count, report->columns_count);
	results_print_lacking(&c->results, out);
	if (c->unresolved_count)
		fprintf(out,
			"the configuration of %" PRIu64
			" point%s can't be resolved, whose parameters "
			"with units are left empty: %s\n",
			c->unresolved_count, c->unresolved_count == 1 ? "" : "s",
			c->unresolved.text);
}

int sweep_collect(const struct collect_options *options, struct collect_report *report,
		  struct err *err)
{
	struct collector c = {.options = options};
	int failed = -1;
	size_t i;

	if (results_open(&c.results, &options->dir, 1, err))
		return -1;
	if (!c.results.sweeps_count) {
		err_set(err, ERR_USAGE, "%s: is one result and no directory of a sweep",
			options->dir);
		goto out;
	}
	c.sweep = &c.results.sweeps[0];
	if (collect_columns_init(&c.columns, options, err) || name_head(&c, err) ||
	    results_each(&c.results, false, add_columns, &c, err) ||
	    collect_columns_end(&c.columns, c.head, c.head_count, err))
		goto out;
	c.values = calloc(c.columns.count + 1, sizeof(*c.values));
	if (!c.values) {
		err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	if (write_table(&c, err))
		goto out;
	report_on(&c, report);
	failed = 0;
out:
	for (i = 0; i < c.head_count; i++)
		free(c.head[i]);
	free(c.head);
	free(c.values);
	if (c.has_base)
		config_release(&c.base);
	collect_columns_release(&c.columns);
	results_release(&c.results);
	return failed;
}
