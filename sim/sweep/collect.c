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
 * The runs are visited once, and only one is in memory at a time: the rows wait in a file until all
 * columns are known (collect_rows.c).
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
 * Cost: reading each run, most of it by cJSON: about half a millisecond for 50 KB.
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
#include "sim/sweep/collect_rows.h"

static const char *const fixed[] = {"index", "id", "state", "exit_code", "signal"};

struct collector {
	const struct collect_options *options;
	struct results results;
	const struct results_sweep *sweep;
	struct collect_columns columns;
	char **head; /* names of the columns before the figures: fixed and parameters */
	size_t head_count;
	struct collect_rows rows;
	struct config base;
	bool has_base, base_failed;
	FILE *index;
	/* Points whose parameters are not known, and why. */
	uint64_t unresolved_count;
	struct err unresolved;
};

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

static void put_parameters(struct collector *c, const struct results_row *row)
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
		size_t number = ARRAY_SIZE(fixed) + i;

		if (collect_rows_whole(&c->rows, number, value))
			continue;
		if (is_sweeps_own(key))
			collect_rows_text(&c->rows, number, value);
		else
			collect_rows_item(&c->rows, number, results_setting(config, key));
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

static bool is_wanted(const void *columns, const char *member)
{
	return collect_columns_wants(columns, member);
}

/* The figures' cells follow those of the head. */
static int put_figures(struct collector *c, const struct results_row *row, struct err *err)
{
	struct leaves leaves = {0};
	size_t *numbers = NULL, i;
	int failed = -1;

	if (results_leaves(row, is_wanted, &c->columns, &leaves, err))
		goto out;
	numbers = calloc(leaves.count + 1, sizeof(*numbers));
	if (!numbers) {
		err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	if (collect_columns_add(&c->columns, &leaves, numbers, err))
		goto out;
	for (i = 0; i < leaves.count; i++)
		if (numbers[i] != COLLECT_NONE)
			collect_rows_item(&c->rows, c->head_count + numbers[i],
					  leaves.items[i].item);
	failed = 0;
out:
	free(numbers);
	leaves_release(&leaves);
	return failed;
}

static int put_row(void *arg, const struct results_row *row, struct err *err)
{
	struct collector *c = arg;
	const struct cell *cell = row->cell;

	collect_rows_integer(&c->rows, 0, (int64_t)row->point->index);
	collect_rows_text(&c->rows, 1, row->point->id);
	collect_rows_text(&c->rows, 2, cell_state_name(cell->state));
	if (cell->state != CELL_MISSING && !cell->signal)
		collect_rows_integer(&c->rows, 3, cell->exit_code);
	if (cell->state != CELL_MISSING)
		collect_rows_integer(&c->rows, 4, cell->signal);
	put_parameters(c, row);
	if (row->run && put_figures(c, row, err))
		return -1;
	if (c->index)
		write_index_line(row, c->index);
	return collect_rows_end(&c->rows, err);
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

static size_t columns_count(const struct collector *c)
{
	return c->head_count + c->columns.count;
}

/* The number of the cells of column @i. */
static size_t cell_of(const struct collector *c, size_t i)
{
	return i < c->head_count ? i : c->head_count + c->columns.numbers[i - c->head_count];
}

static const char *column(const struct collector *c, size_t i)
{
	return i < c->head_count ? c->head[i] : c->columns.names[i - c->head_count];
}

static void write_names(const struct collector *c, FILE *out)
{
	size_t i;

	for (i = 0; i < columns_count(c); i++)
		fprintf(out, "%s%s", i ? "," : "", column(c, i));
	fputc('\n', out);
}

/* @texts by the cells' numbers. */
static void write_row(const struct collector *c, const char *const *texts, FILE *out)
{
	struct json j;
	size_t i;

	json_init_line(&j, out);
	if (c->options->format == COLLECT_JSONL)
		json_object_begin(&j, NULL);
	for (i = 0; i < columns_count(c); i++) {
		const char *text = texts[cell_of(c, i)];

		if (c->options->format == COLLECT_JSONL)
			json_written(&j, column(c, i), text ? text : "null");
		else
			fprintf(out, "%s%s", i ? "," : "", text ? text : "");
	}
	if (c->options->format == COLLECT_JSONL) {
		json_object_end(&j);
		json_finish(&j);
	} else {
		fputc('\n', out);
	}
}

static int write_rows(struct collector *c, FILE *out, struct err *err)
{
	size_t count = c->head_count + c->columns.numbers_count;
	const char **texts = calloc(count + 1, sizeof(*texts));
	int failed = texts ? collect_rows_rewind(&c->rows, err)
			   : err_set(err, ERR_IO, "out of memory");
	uint64_t i;

	if (!failed && c->options->format == COLLECT_CSV)
		write_names(c, out);
	/* Why it can't be written is said by the file's end. */
	for (i = 0; i < c->sweep->plan.points_count && !failed && !ferror(out); i++) {
		failed = collect_rows_next(&c->rows, texts, count, err);
		if (!failed)
			write_row(c, texts, out);
	}
	free(texts);
	return failed;
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
	struct safefile table = {0};
	FILE *out = stdout;
	int failed;

	if (!to_stdout && safefile_create(&table, c->options->output, err))
		return -1;
	if (!to_stdout)
		out = table.stream;
	failed = write_rows(c, out, err);
	if (to_stdout && !failed && (fflush(stdout) || ferror(stdout)))
		failed = err_set(err, ERR_IO, "standard output: cannot be written");
	else if (!to_stdout && !failed)
		failed = safefile_commit(&table, err);
	safefile_abort(&table);
	return failed;
}

/* The table and index.jsonl. */
static int write_both(struct collector *c, struct err *err)
{
	struct safefile index = {0};
	int failed = -1;

	if (begin_index(c, &index, err))
		return -1;
	c->index = index.stream;
	if (!results_each(&c->results, true, put_row, c, err) &&
	    !collect_columns_end(&c->columns, c->head, c->head_count, err))
		failed = write_table(c, err);
	if (!failed && c->index)
		failed = safefile_commit(&index, err);
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
		.columns_count = columns_count(c),
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
	    collect_rows_init(&c.rows, options->format, err) || write_both(&c, err))
		goto out;
	report_on(&c, report);
	failed = 0;
out:
	for (i = 0; i < c.head_count; i++)
		free(c.head[i]);
	free(c.head);
	collect_rows_release(&c.rows);
	if (c.has_base)
		config_release(&c.base);
	collect_columns_release(&c.columns);
	results_release(&c.results);
	return failed;
}
