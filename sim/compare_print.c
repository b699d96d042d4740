/*
 * compare_print.c - a comparison as a table for people and as JSON for programs.
 *
 * The table begins with what the user changed (the settings), then has a row a metric: the base's
 * value, and for each other run its value, the change and whether that is good news. Columns are as
 * wide as what stands in them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/compare.h"
#include "sim/compare_rank.h"
#include "sim/json.h"

#define CELL 48

void compare_format_value(double value, char *buf, size_t size)
{
	if (isnan(value))
		snprintf(buf, size, "-");
	else if (value == trunc(value) && fabs(value) < 1e15)
		snprintf(buf, size, "%.0f", value == 0 ? 0 : value);
	else if (fabs(value) >= 1000 && fabs(value) < 1e15)
		snprintf(buf, size, "%.1f", value);
	else
		snprintf(buf, size, "%.4g", value);
}

void compare_format_change(const struct compare_metric *m, unsigned run, char *buf, size_t size)
{
	double relative = compare_relative(m, run);

	buf[0] = '\0';
	switch (compare_verdict(m, run)) {
	case COMPARE_MISSING:
		return;
	case COMPARE_EQUAL:
		snprintf(buf, size, "=");
		return;
	default:
		break;
	}
	if (isnan(relative))
		snprintf(buf, size, "new");
	else if (relative >= 10 && m->values[0] > 0)
		snprintf(buf, size, "x %.4g", m->values[run] / m->values[0]);
	else if (fabs(relative) >= 1e6)
		snprintf(buf, size, "%+.3g %%", 100 * relative);
	else if (fabs(relative) < 0.0005)
		snprintf(buf, size, "%+.2g %%", 100 * relative);
	else
		snprintf(buf, size, "%+.1f %%", 100 * relative);
}

/* A table whose cells are kept until the widths of its columns are known. */
struct table {
	char (*cells)[CELL * 3]; /* [rows * columns] */
	unsigned columns, left_columns;
	size_t rows;
};

static char *cell(const struct table *t, size_t row, unsigned column)
{
	return t->cells[row * t->columns + column];
}

static void set_cell(const struct table *t, size_t row, unsigned column, const char *text)
{
	snprintf(cell(t, row, column), sizeof(*t->cells), "%s", text);
}

/* Characters of UTF-8 text. */
static int width(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static void print_table(const struct table *t, FILE *out)
{
	int widths[256] = {0}, gap;
	unsigned column, last;
	size_t row;

	for (row = 0; row < t->rows; row++)
		for (column = 0; column < t->columns && column < ARRAY_SIZE(widths); column++)
			widths[column] = (int)u64_max((uint64_t)widths[column],
						      (uint64_t)width(cell(t, row, column)));
	for (row = 0; row < t->rows; row++) {
		/* No blanks at the ends of lines. */
		for (last = t->columns; last && !*cell(t, row, last - 1);)
			last--;
		for (column = 0; column < last; column++) {
			gap = column < ARRAY_SIZE(widths) ? widths[column] : 0;
			gap -= width(cell(t, row, column));
			gap = gap > 0 ? gap : 0;
			if (column >= t->left_columns)
				fprintf(out, "%*s%s", gap, "", cell(t, row, column));
			else
				fprintf(out, "%s%*s", cell(t, row, column),
					column + 1 < last ? gap : 0, "");
			fputs(column + 1 < last ? "  " : "", out);
		}
		fputc('\n', out);
	}
}

static bool table_init(struct table *t, size_t rows, unsigned columns, unsigned left_columns)
{
	*t = (struct table){.rows = rows, .columns = columns, .left_columns = left_columns};
	t->cells = calloc(rows * columns, sizeof(*t->cells));
	return t->cells != NULL;
}

static void print_runs(const struct comparison *c, FILE *out)
{
	struct table t;
	unsigned i;

	if (!table_init(&t, c->runs_count, 3, 3))
		return;
	for (i = 0; i < c->runs_count; i++) {
		set_cell(&t, i, 0, i ? "run" : "base");
		set_cell(&t, i, 1, c->runs[i].name);
		set_cell(&t, i, 2, c->runs[i].dir);
	}
	print_table(&t, out);
	free(t.cells);
}

static void print_settings(const struct comparison *c, FILE *out)
{
	struct table t;
	unsigned i;
	size_t row;

	if (!c->settings_count) {
		fprintf(out, "\nThe configurations are the same.\n");
		return;
	}
	if (!table_init(&t, c->settings_count + 1, 1 + c->runs_count, 1 + c->runs_count))
		return;
	fputc('\n', out);
	set_cell(&t, 0, 0, "setting");
	for (i = 0; i < c->runs_count; i++)
		set_cell(&t, 0, 1 + i, c->runs[i].name);
	for (row = 0; row < c->settings_count; row++) {
		set_cell(&t, row + 1, 0, c->settings[row].key);
		for (i = 0; i < c->runs_count; i++)
			set_cell(&t, row + 1, 1 + i,
				 c->settings[row].values[i] ? c->settings[row].values[i] : "-");
	}
	print_table(&t, out);
	free(t.cells);
}

static void fill_row(const struct table *t, size_t row, const struct compare_metric *m,
		     unsigned runs)
{
	enum compare_verdict verdict;
	char text[CELL];
	unsigned i;

	set_cell(t, row, 0, m->key);
	set_cell(t, row, 1, m->unit);
	compare_format_value(m->values[0], text, sizeof(text));
	set_cell(t, row, 2, text);
	for (i = 1; i < runs; i++) {
		verdict = compare_verdict(m, i);
		compare_format_value(m->values[i], text, sizeof(text));
		set_cell(t, row, 3 * i, text);
		compare_format_change(m, i, text, sizeof(text));
		set_cell(t, row, 3 * i + 1, text);
		if (verdict == COMPARE_BETTER || verdict == COMPARE_WORSE)
			set_cell(t, row, 3 * i + 2, compare_verdict_text(verdict));
	}
}

static void print_metrics(const struct comparison *c, const struct compare_metric **shown,
			  size_t rows, FILE *out)
{
	struct table t;
	size_t row;
	unsigned run;

	if (!table_init(&t, rows + 1, 3 * c->runs_count, 2))
		return;
	fputc('\n', out);
	set_cell(&t, 0, 0, "metric");
	set_cell(&t, 0, 1, "unit");
	set_cell(&t, 0, 2, c->runs[0].name);
	for (run = 1; run < c->runs_count; run++) {
		set_cell(&t, 0, 3 * run, c->runs[run].name);
		set_cell(&t, 0, 3 * run + 1, "change");
	}
	for (row = 0; row < rows; row++)
		fill_row(&t, row + 1, shown[row], c->runs_count);
	print_table(&t, out);
	free(t.cells);
}

static void print_sums(const struct comparison *c, size_t shown, bool all, FILE *out)
{
	size_t better, worse, equal = 0, differ = 0, missing = 0, i;
	const struct compare_metric *m;
	unsigned run;

	for (i = 0; i < c->metrics_count; i++) {
		m = &c->metrics[i];
		differ += m->selected && m->differs;
		missing += m->selected && !m->differs && m->missing;
		equal += m->selected && !m->differs && !m->missing;
	}
	fprintf(out, "\n%zu metrics differ, %zu are equal, %zu are missing in some run", differ,
		equal, missing);
	if (!all && (shown < differ || missing))
		fprintf(out, "; %zu shown, --all shows more", shown);
	fputc('\n', out);
	if (c->starts_differ)
		fputs("note: the runs begin with different slabs of the recorded state (start.*), "
		      "so "
		      "what objects hold is not judged;\n      without start.truth all begin "
		      "alike\n",
		      out);
	for (run = 1; run < c->runs_count; run++) {
		for (better = worse = i = 0; i < c->metrics_count; i++) {
			m = &c->metrics[i];
			if (!c->selective && compare_is_detail(m->key))
				continue;
			better += m->selected && compare_verdict(m, run) == COMPARE_BETTER;
			worse += m->selected && compare_verdict(m, run) == COMPARE_WORSE;
		}
		fprintf(out, "%s: %zu better, %zu worse than %s%s\n", c->runs[run].name, better,
			worse, c->runs[0].name,
			c->selective ? "" : ", single caches and paths not counted");
	}
}

void compare_print(const struct comparison *c, bool all, FILE *out)
{
	const struct compare_metric **shown = calloc(c->metrics_count + 1, sizeof(*shown)), *m;
	size_t count = 0, i;

	if (!shown)
		return;
	print_runs(c, out);
	print_settings(c, out);
	for (i = 0; all && i < c->metrics_count; i++) {
		m = &c->metrics[i];
		if (m->selected && (c->selective || m->differs || m->missing))
			shown[count++] = m;
	}
	if (!all)
		count = compare_top(c, shown, u64_min(c->metrics_count, COMPARE_TOP));
	if (count)
		print_metrics(c, shown, count, out);
	print_sums(c, count, all, out);
	free(shown);
}

/* Whole numbers whole: json_double() would write 1e+06 for a million pages. */
static void write_value(struct json *j, const char *key, double value)
{
	if (value == trunc(value) && fabs(value) < 9e15)
		json_i64(j, key, (int64_t)value);
	else
		json_double(j, key, value);
}

static void write_run(struct json *j, const char *key, const struct compare_run *run)
{
	json_object_begin(j, key);
	json_string(j, "name", run->name);
	json_string(j, "dir", run->dir);
	json_object_end(j);
}

static void write_metric(struct json *j, const struct compare_metric *m, unsigned runs)
{
	static const char *const directions[] = {"neutral", "lower_is_better", "higher_is_better"};
	unsigned i;

	json_object_begin(j, NULL);
	json_string(j, "key", m->key);
	json_string(j, "unit", m->unit);
	json_string(j, "direction", directions[m->direction]);
	json_double(j, "score", m->score);
	write_value(j, "base", m->values[0]);
	json_array_begin_compact(j, "values");
	for (i = 1; i < runs; i++)
		write_value(j, NULL, m->values[i]);
	json_array_end(j);
	json_array_begin_compact(j, "relative");
	for (i = 1; i < runs; i++)
		json_double(j, NULL, compare_relative(m, i));
	json_array_end(j);
	json_array_begin_compact(j, "verdict");
	for (i = 1; i < runs; i++)
		json_string(j, NULL, compare_verdict_text(compare_verdict(m, i)));
	json_array_end(j);
	json_object_end(j);
}

static void write_setting(struct json *j, const struct compare_setting *s, unsigned runs)
{
	unsigned i;

	json_object_begin(j, NULL);
	json_string(j, "key", s->key);
	if (s->values[0])
		json_string(j, "base", s->values[0]);
	else
		json_null(j, "base");
	json_array_begin_compact(j, "values");
	for (i = 1; i < runs; i++) {
		if (s->values[i])
			json_string(j, NULL, s->values[i]);
		else
			json_null(j, NULL);
	}
	json_array_end(j);
	json_object_end(j);
}

static void write_condition(struct json *j, const struct comparison *c,
			    const struct condition *condition)
{
	json_object_begin(j, NULL);
	json_string(j, "condition", condition->text);
	json_u64(j, "holds_count", condition->holds_count);
	if (condition->holds_count) {
		json_string(j, "run", c->runs[condition->run].name);
		json_string(j, "key", condition->metric->key);
	} else {
		json_null(j, "run");
		json_null(j, "key");
	}
	json_object_end(j);
}

void compare_print_json(const struct comparison *c, const struct condition *conditions,
			unsigned conditions_count, FILE *out)
{
	struct json j;
	size_t i;

	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", COMPARE_SCHEMA_VERSION);
	write_run(&j, "base", &c->runs[0]);
	json_array_begin(&j, "runs");
	for (i = 1; i < c->runs_count; i++)
		write_run(&j, NULL, &c->runs[i]);
	json_array_end(&j);
	json_array_begin(&j, "config_differences");
	for (i = 0; i < c->settings_count; i++)
		write_setting(&j, &c->settings[i], c->runs_count);
	json_array_end(&j);
	json_array_begin(&j, "metrics");
	for (i = 0; i < c->metrics_count; i++)
		if (c->metrics[i].selected)
			write_metric(&j, &c->metrics[i], c->runs_count);
	json_array_end(&j);
	json_array_begin(&j, "conditions");
	for (i = 0; i < conditions_count; i++)
		write_condition(&j, c, &conditions[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
