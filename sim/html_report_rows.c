/*
 * html_report_rows.c - the table of a report: a row for each point.
 *
 * The first rows are HTML, which any browser shows without a script. The others would be slow to
 * lay out: they are JSON, from which the script makes rows when they are to be seen. A row is there
 * once, in one form or the other; what it sorts by stands in data-v, or before the text.
 *
 *   <td class="n" data-v="65536">64 KiB</td>      [65536, "64 KiB"]
 *   <td class="n" data-v="4">4</td>               4
 *   <td>files</td>                                "files"
 *
 * A point that failed has a second row below its own, for the reason, the end of its standard error
 * and the command that runs it again.
 */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/html.h"
#include "sim/html_report_impl.h"
#include "sim/json.h"

/* Are its cells numbers, to be aligned at their right? */
static bool is_numeric(const struct html_table *t, unsigned column)
{
	const char *text;
	bool found = false;
	size_t i;

	if (t->columns[column].is_figure)
		return true;
	for (i = 0; i < t->rows_count; i++) {
		text = t->rows[i].cells[column].text;
		if (text && !isdigit((unsigned char)text[text[0] == '-']))
			return false;
		found = found || text;
	}
	return found;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "slab.max_order" with its first part small, and its unit. */
static void write_heading(FILE *out, const struct html_column *c, bool numeric)
{
	const char *last = strrchr(c->key, '.'), *bracket = strrchr(c->key, ']');
	char *path;

	if (last && bracket && bracket > last && bracket[1])
		last = bracket;
	fprintf(out, "<th scope=\"col\"%s", numeric ? " class=\"n\"" : "");
	if (c->info) {
		fputs(" title=\"", out);
		html_text(out, c->info->meaning);
		fputc('"', out);
	}
	fputs("><span class=\"label\">", out);
	if (last && (path = strndup(c->key, (size_t)(last - c->key) + 1))) {
		fputs("<small>", out);
		html_text(out, path);
		fputs("</small>", out);
		free(path);
	}
	html_text(out, last ? last + 1 : c->key);
	fputs("</span>", out);
	if (c->info && strcmp(c->info->unit, "ns") != 0 && strcmp(c->info->unit, "bytes") != 0) {
		fputs(" <span class=\"unit\">", out);
		html_text(out, c->info->unit);
		fputs("</span>", out);
	}
	fputs("</th>\n", out);
}

static void write_head(const struct html_page *page, const bool *numeric)
{
	const struct html_table *t = page->table;
	unsigned i;

	fputs("<thead><tr>\n<th scope=\"col\" class=\"n\"><span class=\"label\">point</span></th>\n"
	      "<th scope=\"col\"><span class=\"label\">state</span></th>\n",
	      page->out);
	for (i = 0; i < t->columns_count; i++)
		write_heading(page->out, &t->columns[i], numeric[i]);
	fputs("<th scope=\"col\"><span class=\"label\">result</span></th>\n</tr></thead>\n",
	      page->out);
}

/* --- rows as HTML ----------------------------------------------------------------------------- */

static void write_cell(FILE *out, const struct html_cell *cell, bool numeric)
{
	fprintf(out, "<td%s", numeric ? " class=\"n\"" : "");
	if (!isnan(cell->value))
		fprintf(out, " data-v=\"%.15g\"", cell->value);
	fputc('>', out);
	html_text(out, cell->text ? cell->text : "");
	fputs("</td>", out);
}

char *html_shell_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_./-+:,@%=";
	char *text = NULL;
	size_t bytes = 0;
	FILE *f;

	if (*word && !word[strspn(word, plain)])
		return strdup(word);
	f = open_memstream(&text, &bytes);
	if (!f)
		return NULL;
	fputc('\'', f);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\'", f);
		fputc(*word, f);
	}
	fputc('\'', f);
	fclose(f);
	return text;
}

/* The command that runs a failed point again; NULL without memory. The caller frees it. */
static char *command_of(const struct html_row *row)
{
	char *dir = html_shell_word(row->sweep->dir), *text = NULL;

	if (dir &&
	    asprintf(&text,
		     "allocsim sweep run %s/plan.jsonl -d %s --points %" PRIu64 " --retry-failed",
		     dir, dir, row->point->index) < 0)
		text = NULL;
	free(dir);
	return text;
}

static void write_note(FILE *out, const struct html_row *row, unsigned columns)
{
	char *command = command_of(row);

	fprintf(out, "<tr class=\"note\"><td colspan=\"%u\"><details><summary>", columns);
	html_text(out, row->reason);
	fputs("</summary><div>", out);
	if (row->log || row->message[0]) {
		fputs("<pre>", out);
		html_text(out, row->log ? row->log : row->message);
		fputs("</pre>", out);
	}
	fputs("<p>To run it again:</p><pre class=\"command\">", out);
	html_text(out, command ? command : "");
	fputs("</pre></div></details></td></tr>\n", out);
	free(command);
}

static void write_row(const struct html_page *page, const struct html_row *row, size_t number,
		      const bool *numeric)
{
	const struct html_table *t = page->table;
	const char *state = cell_state_name(row->state);
	FILE *out = page->out;
	unsigned i;

	fprintf(out, "<tr class=\"%s\"><td class=\"n\" data-v=\"%zu\">", state, number);
	if (row->point)
		fprintf(out, "%" PRIu64, row->point->index);
	else
		fprintf(out, "%zu", number);
	fprintf(out, "</td><td>%s</td>", state);
	for (i = 0; i < t->columns_count; i++)
		write_cell(out, &row->cells[i], numeric[i]);
	fputs("<td class=\"name\">", out);
	html_text(out, base_name(row->dir));
	fputs("</td></tr>\n", out);
	if (row->state == CELL_FAILED)
		write_note(out, row, t->columns_count + 3);
}

/* --- rows as JSON ----------------------------------------------------------------------------- */

static void put_cell(struct json *j, const struct html_cell *cell)
{
	char number[32];

	if (!cell->text) {
		json_null(j, NULL);
	} else if (isnan(cell->value)) {
		json_string(j, NULL, cell->text);
	} else {
		snprintf(number, sizeof(number), "%.15g", cell->value);
		if (!strcmp(number, cell->text)) {
			json_double(j, NULL, cell->value);
			return;
		}
		json_array_begin_compact(j, NULL);
		json_double(j, NULL, cell->value);
		json_string(j, NULL, cell->text);
		json_array_end(j);
	}
}

/* [number, state, cells, result] and of a failed point [reason, log, command]. */
static void put_row(struct json *j, const struct html_table *t, const struct html_row *row,
		    size_t number)
{
	char *command;
	unsigned i;

	json_array_begin_compact(j, NULL);
	json_u64(j, NULL, row->point ? row->point->index : number);
	json_string(j, NULL, cell_state_name(row->state));
	for (i = 0; i < t->columns_count; i++)
		put_cell(j, &row->cells[i]);
	json_string(j, NULL, base_name(row->dir));
	if (row->state == CELL_FAILED) {
		command = command_of(row);
		json_array_begin_compact(j, NULL);
		json_string(j, NULL, row->reason);
		json_string(j, NULL, row->log ? row->log : row->message);
		json_string(j, NULL, command ? command : "");
		json_array_end(j);
		free(command);
	}
	json_array_end(j);
}

static void write_data(const struct html_page *page)
{
	const struct html_table *t = page->table;
	char *text = NULL;
	size_t bytes = 0, i;
	FILE *f = open_memstream(&text, &bytes);
	struct json j;

	if (!f)
		return;
	json_init(&j, f);
	json_array_begin(&j, NULL);
	for (i = HTML_ROWS_PLAIN; i < t->rows_count; i++)
		put_row(&j, t, &t->rows[i], i);
	json_array_end(&j);
	json_finish(&j);
	fclose(f);
	fputs("<script type=\"application/json\" id=\"rows\">", page->out);
	html_script_json(page->out, text ? text : "[]");
	fputs("</script>\n", page->out);
	free(text);
}

/* --- the section ------------------------------------------------------------------------------ */

void html_page_points(const struct html_page *page)
{
	const struct html_table *t = page->table;
	bool *numeric = calloc(t->columns_count + 1, sizeof(*numeric));
	size_t i;

	if (!numeric)
		return;
	for (i = 0; i < t->columns_count; i++)
		numeric[i] = is_numeric(t, (unsigned)i);
	fputs("<section id=\"points\" aria-labelledby=\"points-title\">\n"
	      "<h2 id=\"points-title\">Points</h2>\n"
	      "<div class=\"tools\" hidden>\n<label for=\"filter\">Filter</label>\n"
	      "<input id=\"filter\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" "
	      "placeholder=\"words, or column=value\">\n"
	      "<output id=\"shown\" for=\"filter\"></output>\n</div>\n"
	      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	      "aria-labelledby=\"points-title\">\n<table id=\"table\">\n<caption><span>",
	      page->out);
	fputs("A row for each point: its parameters, then its figures.", page->out);
	if (t->rows_count > HTML_ROWS_PLAIN)
		fprintf(page->out,
			"<noscript> These are the first %d of %zu; the others need "
			"JavaScript.</noscript>",
			HTML_ROWS_PLAIN, t->rows_count);
	fputs("</span></caption>\n", page->out);
	write_head(page, numeric);
	fputs("<tbody>\n", page->out);
	for (i = 0; i < t->rows_count && i < HTML_ROWS_PLAIN; i++)
		write_row(page, &t->rows[i], i, numeric);
	fputs("</tbody>\n</table>\n</div>\n"
	      "<p class=\"more\" hidden><button type=\"button\" id=\"more\">Show "
	      "more</button></p>\n"
	      "</section>\n",
	      page->out);
	write_data(page);
	free(numeric);
}
