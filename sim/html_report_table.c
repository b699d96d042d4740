/*
 * html_report_table.c - the rows and columns of a report: a result each, parameters and figures.
 *
 * All results are visited once; a sweep of 10,000 points has a gigabyte of run.json. Columns are
 * chosen before as far as they are known: the parameters of the sweeps, in their order, then the
 * figures that are asked for, those of the sweeps' plots, and a list of figures that say most about
 * a run. Those that nobody asked for go again if they are absent or the same in all results.
 *
 * What tells apart results that are no sweep's is known at the end only: the settings that are not
 * the same in all of them. So their settings are kept while the table is read, and become columns
 * after it, those first that come first in the configuration.
 *
 * A parameter's values are sorted as quantities if all are: 8KiB comes after 512B. Otherwise they
 * have the order in which the sweep names them. A setting is sorted by its number or its text, a
 * figure by its number.
 *
 * Example: a sweep over slab.max_order, [0, 3], and trace, [files, boot], has four rows; the first
 * has the cells ("0", 0), ("files", 0), then figures.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"
#include "sim/html_report_impl.h"
#include "sim/units.h"

/* Without being asked, the first of these that are not the same everywhere. */
static const char *const headline[] = {
	"totals.failed_count",
	"fragmentation.unusable_index[9]",
	"fragmentation.largest_free_order",
	"objects.held_bytes",
	"objects.waste_bytes",
	"objects.failed_count",
	"objects.lock_contended_count",
	"latency[alloc].mean_ns",
	"latency[alloc].p99_ns",
	"cycles.lock_wait_ns",
	"cycles.active_ns",
	"totals.simulated_ns",
};

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory");
}

/* --- columns ---------------------------------------------------------------------------------- */

static bool has_column(const struct html_table *t, const char *key, size_t length)
{
	unsigned i;

	for (i = 0; i < t->columns_count; i++)
		if (!strncmp(t->columns[i].key, key, length) && !t->columns[i].key[length])
			return true;
	return false;
}

/* A column for the first @length bytes of @key, if there is none yet. */
static int add_column(struct html_table *t, const char *key, size_t length, bool is_figure,
		      bool is_asked, struct err *err)
{
	struct html_column *columns;

	if (!length || has_column(t, key, length))
		return 0;
	columns = realloc(t->columns, (t->columns_count + 1) * sizeof(*columns));
	if (!columns)
		return out_of_memory(err);
	t->columns = columns;
	columns += t->columns_count;
	*columns = (struct html_column){.is_figure = is_figure, .is_asked = is_asked};
	columns->key = strndup(key, length);
	if (!columns->key)
		return out_of_memory(err);
	columns->info = is_figure ? metrics_list_find(columns->key) : NULL;
	t->columns_count++;
	return 0;
}

/* Of a quantity of a plot, "KEY", "KEY=LABEL" or "KEY / KEY=LABEL", the keys. */
static int add_quantity(struct html_table *t, const char *quantity, struct err *err)
{
	size_t length = quantity ? strcspn(quantity, "=") : 0, first;
	const char *divisor = length ? memmem(quantity, length, " / ", 3) : NULL;

	if (!length)
		return 0;
	first = divisor ? (size_t)(divisor - quantity) : length;
	if (add_column(t, quantity, first, true, true, err))
		return -1;
	return divisor ? add_column(t, divisor + 3, length - first - 3, true, true, err) : 0;
}

static int add_plot_figures(struct html_table *t, const char *const *y, unsigned y_count,
			    const char *z, struct err *err)
{
	unsigned i;

	if (z) /* y is the other parameter then */
		return add_quantity(t, z, err);
	for (i = 0; i < y_count; i++)
		if (add_quantity(t, y[i], err))
			return -1;
	return 0;
}

static int add_figures(struct html_table *t, const struct results *r, struct err *err)
{
	const struct html_report_options *o = t->options;
	unsigned i, k;

	for (i = 0; i < o->figures_count; i++)
		if (add_quantity(t, o->figures[i], err))
			return -1;
	if (o->figures_count)
		return 0;
	if (add_plot_figures(t, o->chart.y, o->chart.y_count, o->chart.z, err))
		return -1;
	for (i = 0; i < r->sweeps_count; i++) {
		const struct plan *p = &r->sweeps[i].plan;
		for (k = 0; k < p->plots_count; k++)
			if (add_plot_figures(t, (const char *const *)p->plots[k].y,
					     p->plots[k].y_count, p->plots[k].z, err))
				return -1;
	}
	for (i = 0; i < ARRAY_SIZE(headline); i++)
		if (add_column(t, headline[i], strlen(headline[i]), true, false, err))
			return -1;
	return 0;
}

static int choose_columns(struct html_table *t, const struct results *r, struct err *err)
{
	unsigned i, k;

	for (i = 0; i < r->sweeps_count; i++) {
		const struct plan *p = &r->sweeps[i].plan;
		for (k = 0; k < p->parameters_count; k++)
			if (add_column(t, p->parameters[k].key, strlen(p->parameters[k].key), false,
				       true, err))
				return -1;
	}
	return add_figures(t, r, err);
}

/* --- cells ------------------------------------------------------------------------------------ */

/* 1234567 as 1,234,567, in place. */
static void group_digits(char *text, size_t size)
{
	char *digits = text + (*text == '-');
	size_t count = strspn(digits, "0123456789"), length = strlen(text), i;

	if (count < 5)
		return;
	for (i = 3; i < count; i += 3) {
		char *at = digits + count - i;
		if (++length >= size)
			return;
		memmove(at + 1, at, strlen(at) + 1);
		*at = ',';
	}
}

static int set_number(struct html_cell *cell, double value, const char *name, struct err *err)
{
	char text[64];

	if (isnan(value))
		return 0;
	if (chart_unit_of(name) == CHART_PLAIN && value == floor(value) && fabs(value) < 1e15) {
		snprintf(text, sizeof(text), "%.0f", value);
		group_digits(text, sizeof(text));
	} else {
		chart_format(chart_unit_of(name), value, text, sizeof(text));
	}
	cell->value = value;
	cell->text = strdup(text);
	return cell->text ? 0 : out_of_memory(err);
}

static double quantity(const char *text)
{
	char why[UNITS_WHY];
	double value;
	int unit;

	for (unit = UNIT_COUNT; unit < UNIT_KINDS; unit++)
		if (!units_parse_double((enum unit)unit, text, &value, why))
			return value;
	return NAN;
}

/* What the value @text of @p sorts by. */
static double parameter_rank(const struct plan_parameter *p, const char *text)
{
	unsigned i, own = 0;
	bool is_quantity = true;

	for (i = 0; i < p->values_count; i++) {
		is_quantity = is_quantity && !isnan(quantity(p->values[i]));
		if (!strcmp(p->values[i], text))
			own = i;
	}
	return is_quantity ? quantity(text) : own;
}

/* The value of a setting for people. Numbers keep their digits: they say what was chosen. */
static int set_setting(struct html_cell *cell, const struct results_row *row, const char *key,
		       struct err *err)
{
	char text[256];

	cell->value = row->run ? results_number(row, key, NULL) : NAN;
	results_text(row, key, text, sizeof(text));
	cell->text = text[0] ? strdup(text) : NULL;
	return text[0] && !cell->text ? out_of_memory(err) : 0;
}

static int fill_cell(struct html_cell *cell, const struct html_column *column,
		     const struct results_row *row, struct err *err)
{
	const char *name = column->key, *text;
	double value;
	int i;

	cell->value = NAN;
	if (column->is_figure) {
		value = row->run ? results_number(row, column->key, &name) : NAN;
		return set_number(cell, value, name, err);
	}
	i = row->sweep ? plan_parameter_find(&row->sweep->plan, column->key) : -1;
	if (i < 0)
		return set_setting(cell, row, column->key, err);
	text = row->point->values[i];
	cell->value = parameter_rank(&row->sweep->plan.parameters[i], text);
	cell->text = strdup(text);
	return cell->text ? 0 : out_of_memory(err);
}

/* --- rows ------------------------------------------------------------------------------------- */

char *html_read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t bytes = 0, room = 0, i, got = 1;

	if (!f)
		return NULL;
	while (got) {
		if (room - bytes < 2) {
			room = room ? 2 * room : 65536;
			char *more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		got = fread(text + bytes, 1, room - bytes - 1, f);
		bytes += got;
	}
	if (got || ferror(f)) {
		free(text);
		text = NULL;
	}
	fclose(f);
	for (i = 0; text && i < bytes; i++)
		if (!text[i])
			text[i] = '?';
	if (text)
		text[bytes] = '\0';
	return text;
}

/* The end of what the run said, from the beginning of a line if there is one. */
static char *read_log(const char *dir)
{
	char path[PATH_MAX], *log = NULL, *line;
	size_t got, i;
	FILE *f;

	snprintf(path, sizeof(path), "%s/stderr.log", dir);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	if (fseek(f, -HTML_LOG_BYTES, SEEK_END))
		rewind(f);
	got = ftell(f) > 0;
	log = malloc(HTML_LOG_BYTES + 1);
	if (log) {
		bool is_cut = got;
		got = fread(log, 1, HTML_LOG_BYTES, f);
		for (i = 0; i < got; i++)
			log[i] = log[i] ? log[i] : '?';
		log[got] = '\0';
		line = is_cut ? strchr(log, '\n') : NULL;
		if (line && line[1])
			memmove(log, line + 1, strlen(line));
	}
	fclose(f);
	if (log && !log[strspn(log, " \t\r\n")]) {
		free(log);
		log = NULL;
	}
	return log;
}

static int describe_failure(struct html_table *t, struct html_row *row, const struct cell *cell,
			    struct err *err)
{
	char reason[128];

	row->reason = strdup(cell_reason(cell, reason, sizeof(reason)));
	row->message = strdup(cell->message);
	if (t->logs_count++ < HTML_LOGS_MAX)
		row->log = read_log(row->dir);
	return row->reason && row->message ? 0 : out_of_memory(err);
}

/* Keep the settings of a result that is no sweep's. */
static int keep_settings(struct html_table *t, const struct results_row *row, struct err *err)
{
	struct leaves l = {0};
	struct html_setting *s;
	char text[256];
	int failed = -1;
	size_t i;

	if (leaves_collect(&l, row->run, "config", row->dir, err) || leaves_sort(&l, err))
		goto out;
	for (i = 0; i < l.count; i++) {
		const char *key = l.items[i].key + strlen("config.");

		if (strncmp(l.items[i].key, "config.", strlen("config.")) != 0)
			continue;
		if (t->settings_count == t->settings_room) {
			t->settings_room = t->settings_room ? 2 * t->settings_room : 1024;
			s = realloc(t->settings, t->settings_room * sizeof(*s));
			if (!s) {
				out_of_memory(err);
				goto out;
			}
			t->settings = s;
		}
		s = &t->settings[t->settings_count];
		results_text(row, key, text, sizeof(text));
		s->row = t->rows_count;
		s->sequence = l.items[i].sequence;
		s->value = results_number(row, key, NULL);
		s->key = strdup(key);
		s->text = strdup(text);
		t->settings_count++;
		if (!s->key || !s->text) {
			out_of_memory(err);
			goto out;
		}
	}
	failed = 0;
out:
	leaves_release(&l);
	return failed;
}

static int keep_config(struct html_table *t, const struct results_row *row, struct err *err)
{
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(row->run, "config");

	free(t->config);
	t->config = t->rows_count ? NULL : cJSON_Print(config);
	return keep_settings(t, row, err);
}

static struct html_row *new_row(struct html_table *t, struct err *err)
{
	size_t room = t->rows_room ? 2 * t->rows_room : 64;
	struct html_row *rows = t->rows;

	if (t->rows_count == t->rows_room) {
		rows = realloc(rows, room * sizeof(*rows));
		if (!rows) {
			out_of_memory(err);
			return NULL;
		}
		t->rows = rows;
		t->rows_room = room;
	}
	rows = &t->rows[t->rows_count];
	*rows = (struct html_row){.cells = calloc(t->columns_count + 1, sizeof(*rows->cells))};
	if (!rows->cells) {
		out_of_memory(err);
		return NULL;
	}
	return rows;
}

static int visit(void *arg, const struct results_row *result, struct err *err)
{
	struct html_table *t = arg;
	struct html_row *row = new_row(t, err);
	unsigned i;
	int rc = 0;

	if (!row)
		return -1;
	if (t->options->stop && *t->options->stop)
		rc = err_set(err, ERR_INTERRUPTED, "interrupted");
	row->dir = strdup(result->dir);
	row->sweep = result->sweep;
	row->point = result->point;
	row->state = result->cell ? result->cell->state : CELL_DONE;
	if (!row->dir)
		rc = out_of_memory(err);
	for (i = 0; i < t->columns_count && !rc; i++)
		rc = fill_cell(&row->cells[i], &t->columns[i], result, err);
	if (!rc && row->state == CELL_FAILED)
		rc = describe_failure(t, row, result->cell, err);
	if (!rc && !result->sweep)
		rc = keep_config(t, result, err);
	t->rows_count++;
	return rc;
}

/* --- settings that differ --------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct html_setting *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int by_place(const void *a, const void *b)
{
	const struct html_setting *const *x = a, *const *y = b;

	if ((*x)->sequence != (*y)->sequence)
		return (*x)->sequence > (*y)->sequence ? 1 : -1;
	return strcmp((*x)->key, (*y)->key);
}

/* Settings of the key at @from: do they differ, or has a result none? */
static bool differs(const struct html_table *t, size_t from, size_t end, size_t results_count)
{
	size_t i;

	for (i = from + 1; i < end; i++)
		if (strcmp(t->settings[i].text, t->settings[from].text) != 0)
			return true;
	return end - from != results_count;
}

/* Parameters stand before figures. */
static void move_before_figures(struct html_table *t, unsigned column)
{
	struct html_column moved = t->columns[column];
	unsigned to = column;
	size_t i;

	while (to && t->columns[to - 1].is_figure)
		to--;
	memmove(&t->columns[to + 1], &t->columns[to], (column - to) * sizeof(moved));
	t->columns[to] = moved;
	for (i = 0; i < t->rows_count; i++) {
		struct html_cell *cells = t->rows[i].cells, cell = cells[column];
		memmove(&cells[to + 1], &cells[to], (column - to) * sizeof(cell));
		cells[to] = cell;
	}
}

static int fill_setting(struct html_table *t, const char *key, struct err *err)
{
	unsigned column = t->columns_count;
	size_t i;

	if (has_column(t, key, strlen(key)))
		return 0;
	for (i = 0; i < t->rows_count; i++) {
		struct html_cell *cells = realloc(t->rows[i].cells, (column + 2) * sizeof(*cells));
		if (!cells)
			return out_of_memory(err);
		cells[column] = (struct html_cell){.value = NAN};
		t->rows[i].cells = cells;
	}
	if (add_column(t, key, strlen(key), false, true, err))
		return -1;
	for (i = 0; i < t->settings_count; i++) {
		struct html_setting *s = &t->settings[i];
		if (strcmp(s->key, key) != 0)
			continue;
		t->rows[s->row].cells[column] = (struct html_cell){s->text, s->value};
		s->text = NULL;
	}
	move_before_figures(t, column);
	return 0;
}

static int add_settings(struct html_table *t, struct err *err)
{
	struct html_setting **chosen = calloc(t->settings_count + 1, sizeof(struct html_setting *));
	size_t from, end, results_count = 0, count = 0, i;
	int rc = 0;

	if (!chosen)
		return out_of_memory(err);
	for (i = 0; i < t->rows_count; i++)
		results_count += !t->rows[i].sweep;
	if (t->settings_count)
		qsort(t->settings, t->settings_count, sizeof(*t->settings), by_key);
	for (from = 0; from < t->settings_count; from = end) {
		for (end = from + 1; end < t->settings_count; end++)
			if (strcmp(t->settings[end].key, t->settings[from].key) != 0)
				break;
		if (differs(t, from, end, results_count))
			chosen[count++] = &t->settings[from];
	}
	qsort(chosen, count, sizeof(struct html_setting *), by_place);
	for (i = 0; i < count && i < HTML_SETTINGS_MAX && !rc; i++)
		rc = fill_setting(t, chosen[i]->key, err);
	free(chosen);
	return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

bool html_table_varies(const struct html_table *t, unsigned column)
{
	const struct html_cell *cell, *first = NULL;
	size_t i;

	for (i = 0; i < t->rows_count; i++) {
		cell = &t->rows[i].cells[column];
		if (t->rows[i].state != CELL_DONE)
			continue;
		if (first && strcmp(cell->text ? cell->text : "", first->text ? first->text : ""))
			return true;
		first = cell;
	}
	return false;
}

static bool has_value(const struct html_table *t, unsigned column)
{
	size_t i;

	for (i = 0; i < t->rows_count; i++)
		if (t->rows[i].cells[column].text)
			return true;
	return false;
}

static void remove_column(struct html_table *t, unsigned column)
{
	unsigned after = t->columns_count - column - 1;
	struct html_cell *cells;
	size_t i;

	free(t->columns[column].key);
	memmove(&t->columns[column], &t->columns[column + 1], after * sizeof(*t->columns));
	for (i = 0; i < t->rows_count; i++) {
		cells = t->rows[i].cells;
		free(cells[column].text);
		memmove(&cells[column], &cells[column + 1], after * sizeof(*cells));
	}
	t->columns_count--;
}

/* Keep the figures that say something, and of those that nobody asked for the first ones. */
static int keep_figures(struct html_table *t, struct err *err)
{
	const struct html_report_options *o = t->options;
	unsigned i = 0, kept = 0;
	bool is_done = false;
	size_t k;

	for (k = 0; k < t->rows_count; k++)
		is_done = is_done || t->rows[k].state == CELL_DONE;
	while (i < t->columns_count) {
		struct html_column *c = &t->columns[i];
		bool is_asked = c->is_asked && (has_value(t, i) || !is_done);
		if (c->is_figure && c->is_asked && !is_asked && o->figures_count)
			return err_set(err, ERR_USAGE, "no result has a number %s", c->key);
		if (!c->is_figure || is_asked ||
		    (kept < HTML_FIGURES_MAX && has_value(t, i) &&
		     (t->rows_count == 1 || html_table_varies(t, i)))) {
			kept += c->is_figure;
			i++;
		} else {
			remove_column(t, i);
		}
	}
	return 0;
}

int html_table_read(struct html_table *t, struct results *r,
		    const struct html_report_options *options, struct err *err)
{
	*t = (struct html_table){.options = options};
	if (choose_columns(t, r, err) || results_each(r, true, visit, t, err))
		return -1;
	return add_settings(t, err) || keep_figures(t, err) ? -1 : 0;
}

static void release_row(struct html_row *row, unsigned columns_count)
{
	unsigned i;

	for (i = 0; i < columns_count; i++)
		free(row->cells[i].text);
	free(row->cells);
	free(row->dir);
	free(row->reason);
	free(row->message);
	free(row->log);
}

void html_table_release(struct html_table *t)
{
	size_t i;

	for (i = 0; i < t->rows_count; i++)
		release_row(&t->rows[i], t->columns_count);
	for (i = 0; i < t->columns_count; i++)
		free(t->columns[i].key);
	for (i = 0; i < t->settings_count; i++) {
		free(t->settings[i].key);
		free(t->settings[i].text);
	}
	free(t->settings);
	free(t->columns);
	free(t->rows);
	free(t->config);
	*t = (struct html_table){0};
}
