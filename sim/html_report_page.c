/*
 * html_report_page.c - the page of a report, from its head to its foot.
 *
 * It has these sections: what was asked (title, question, how many points), summary (traces,
 * parameters), plots, points, configuration, how to make it again. Style and script are in it; a
 * policy forbids the browser to load anything. Nothing on it tells when or where it was made.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"
#include "sim/html.h"
#include "sim/html_report_impl.h"

#define VALUES_SHOWN 24

static const char policy[] = "default-src 'none'; style-src 'unsafe-inline'; "
			     "script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
			     "form-action 'none'";

/* <@tag>@text</@tag>, or nothing. */
static void element(FILE *out, const char *tag, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(out, "<%s>", tag);
	html_text(out, text);
	fprintf(out, "</%.*s>\n", (int)strcspn(tag, " "), tag);
}

static void section_begin(FILE *out, const char *id, const char *title)
{
	fprintf(out,
		"<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n",
		id, id, id, title);
}

/* @key with places where a line may be broken. */
static void write_key(FILE *out, const char *key)
{
	char piece[2] = "";

	for (; *key; key++) {
		piece[0] = *key;
		/* Bytes above 0x7f are parts of characters. */
		if ((unsigned char)*key >= 0x80) {
			char character[256];
			size_t length = strcspn(key, "._[/ ");
			length = length < sizeof(character) ? length : sizeof(character) - 1;
			memcpy(character, key, length);
			character[length] = '\0';
			html_text(out, character);
			key += length - 1;
			continue;
		}
		if (*key == '[')
			fputs("<wbr>", out);
		html_text(out, piece);
		if (*key == '.' || *key == '_' || *key == '/')
			fputs("<wbr>", out);
	}
}

/* --- head ------------------------------------------------------------------------------------- */

static const struct results_sweep *only_sweep(const struct html_page *page)
{
	const struct results *r = page->results;

	return r->sweeps_count == 1 ? &r->sweeps[0] : NULL;
}

static const char *page_title(const struct html_page *page, char *buf, size_t size)
{
	const struct results_sweep *sweep = only_sweep(page);
	const struct html_table *t = page->table;
	const char *slash;

	if (page->options->title)
		return page->options->title;
	if (sweep)
		return sweep->plan.title ? sweep->plan.title : sweep->plan.name;
	if (t->rows_count == 1) {
		slash = strrchr(t->rows[0].dir, '/');
		return slash && slash[1] ? slash + 1 : t->rows[0].dir;
	}
	snprintf(buf, size, "%zu results", t->rows_count);
	return buf;
}

static void write_count(FILE *out, const char *what, uint64_t count, const char *kind)
{
	char text[32];
	size_t length, i;

	snprintf(text, sizeof(text), "%" PRIu64, count);
	length = strlen(text);
	fprintf(out, "<li%s%s%s><b>", *kind ? " class=\"" : "", kind, *kind ? "\"" : "");
	for (i = 0; i < length; i++)
		fprintf(out, "%s%c", i && (length - i) % 3 == 0 ? "," : "", text[i]);
	fprintf(out, "</b> %s</li>\n", what);
}

static void write_counts(const struct html_page *page)
{
	uint64_t counts[CELL_STATES] = {0};
	const struct html_table *t = page->table;
	size_t i;

	for (i = 0; i < t->rows_count; i++)
		counts[t->rows[i].state]++;
	fputs("<ul class=\"counts\">\n", page->out);
	if (page->results->sweeps_count) {
		write_count(page->out, t->rows_count == 1 ? "point" : "points", t->rows_count, "");
		write_count(page->out, "done", counts[CELL_DONE], "");
		write_count(page->out, "failed", counts[CELL_FAILED],
			    counts[CELL_FAILED] ? "bad" : "");
		write_count(page->out, "missing", counts[CELL_MISSING], "");
	} else {
		write_count(page->out, t->rows_count == 1 ? "result" : "results", t->rows_count,
			    "");
	}
	fputs("</ul>\n", page->out);
}

static void write_head(const struct html_page *page)
{
	const struct results_sweep *sweep = only_sweep(page);
	FILE *out = page->out;
	char buf[64];
	const char *title = page_title(page, buf, sizeof(buf));

	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"generator\" content=\"allocsim " ALLOCSIM_VERSION "\">\n"
		"<link rel=\"icon\" href=\"data:,\">\n",
		policy);
	element(out, "title", title);
	fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n", page->style);
	fputs("<a class=\"skip\" href=\"#points\">To the table of points</a>\n<header>\n", out);
	fprintf(out, "<p class=\"kind\">allocsim %s</p>\n", sweep ? "sweep" : "results");
	element(out, "h1", title);
	element(out, "p class=\"question\"", sweep ? sweep->plan.question : NULL);
	write_counts(page);
	fputs("<nav aria-label=\"Sections\"><a href=\"#summary\">Summary</a> ", out);
	if (page->plots->count)
		fputs("<a href=\"#plots\">Plots</a> ", out);
	fputs("<a href=\"#points\">Points</a> <a href=\"#configuration\">Configuration</a> "
	      "<a href=\"#again\">Run it again</a></nav>\n</header>\n<main>\n",
	      out);
}

/* --- summary ---------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* What the file held when the plan was made: "12 MiB"; "" if the plan doesn't say. */
static const char *input_size(const struct plan *p, const char *path, char *buf, size_t size)
{
	unsigned i;

	buf[0] = '\0';
	for (i = 0; path && i < p->inputs_count; i++)
		if (!strcmp(p->inputs[i].path, path))
			chart_format(CHART_BYTES, (double)p->inputs[i].bytes, buf, size);
	return buf;
}

static void write_traces(const struct plan *p, FILE *out)
{
	char size[64];
	unsigned i;

	if (!p->traces_count)
		return;
	fputs("<h3>Traces</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
	      "aria-label=\"Traces\"><table>\n<thead><tr><th scope=\"col\">name</th><th "
	      "scope=\"col\">"
	      "file</th><th scope=\"col\" class=\"n\">size</th><th scope=\"col\">recorded "
	      "state</th>"
	      "</tr></thead>\n<tbody>\n",
	      out);
	for (i = 0; i < p->traces_count; i++) {
		const struct plan_trace *t = &p->traces[i];
		fputs("<tr><th scope=\"row\">", out);
		html_text(out, t->name);
		fputs("</th><td class=\"name\">", out);
		html_text(out, base_name(t->trace));
		fprintf(out, "</td><td class=\"n\">%s</td><td class=\"name\">",
			input_size(p, t->trace, size, sizeof(size)));
		html_text(out, t->truth ? base_name(t->truth) : "none");
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void write_parameters(const struct plan *p, FILE *out)
{
	unsigned i, k;

	if (!p->parameters_count)
		return;
	fputs("<h3>Parameters</h3>\n<dl class=\"parameters\">\n", out);
	for (i = 0; i < p->parameters_count; i++) {
		const struct plan_parameter *a = &p->parameters[i];
		fputs("<dt>", out);
		write_key(out, a->key);
		fputs("</dt><dd>", out);
		for (k = 0; k < a->values_count && k < VALUES_SHOWN; k++) {
			fputs("<span>", out);
			html_text(out, a->values[k]);
			fputs("</span> ", out);
		}
		if (a->values_count > VALUES_SHOWN)
			fprintf(out, "and %u more", a->values_count - VALUES_SHOWN);
		if (!a->values_count)
			fputs("drawn for each point", out);
		fputs("</dd>\n", out);
	}
	fputs("</dl>\n", out);
}

static void write_summary(const struct html_page *page)
{
	const struct results *r = page->results;
	const struct html_table *t = page->table;
	size_t plain_count = 0, i;
	FILE *out = page->out;

	section_begin(out, "summary", "Summary");
	for (i = 0; i < t->rows_count; i++)
		plain_count += !t->rows[i].sweep;
	if (plain_count)
		fprintf(out,
			"<p>%zu result%s of single runs. The table of points has the settings in "
			"which they differ.</p>\n",
			plain_count, plain_count == 1 ? "" : "s");
	for (i = 0; i < r->sweeps_count; i++) {
		const struct results_sweep *s = &r->sweeps[i];
		if (!only_sweep(page))
			element(out, "h3", s->plan.title ? s->plan.title : s->plan.name);
		fputs("<p>Sweep <b>", out);
		html_text(out, s->plan.name);
		fputs("</b>, planned with allocsim ", out);
		html_text(out, s->plan.version);
		fprintf(out,
			". %" PRIu64 " points planned: %" PRIu64 " done, %" PRIu64
			" failed, %" PRIu64
			" missing. Points that failed or are missing are in no plot.</p>\n",
			s->plan.points_count, s->states_count[CELL_DONE],
			s->states_count[CELL_FAILED], s->states_count[CELL_MISSING]);
		write_parameters(&s->plan, out);
		write_traces(&s->plan, out);
	}
	fputs("</section>\n", out);
}

/* --- plots ------------------------------------------------------------------------------------ */

static void write_plots(const struct html_page *page)
{
	const struct html_plots *plots = page->plots;
	FILE *out = page->out;
	char prefix[24];
	unsigned i;

	if (!plots->count)
		return;
	section_begin(out, "plots", "Plots");
	for (i = 0; i < plots->count; i++) {
		const struct html_plot *plot = &plots->items[i];
		fputs("<figure>\n<figcaption>", out);
		html_text(out, plot->title);
		fputs("</figcaption>\n", out);
		snprintf(prefix, sizeof(prefix), "plot%u-", i + 1);
		if (plot->svg) {
			fputs("<div class=\"plot\" tabindex=\"0\" role=\"region\" aria-label=\"",
			      out);
			html_text(out, plot->title);
			fputs("\">\n", out);
			html_svg(out, plot->svg, prefix, plot->title);
			fputs("</div>\n", out);
		} else {
			element(out, "p class=\"undrawn\"", plot->why);
		}
		fputs("</figure>\n", out);
	}
	fputs("</section>\n", out);
}

/* --- configuration and commands --------------------------------------------------------------- */

static void write_details(FILE *out, const char *summary, const char *text)
{
	fputs("<details><summary>", out);
	html_text(out, summary);
	fputs("</summary><pre>", out);
	/* A newline right after the tag is dropped by browsers. */
	fputc('\n', out);
	html_text(out, text);
	fputs("</pre></details>\n", out);
}

static void write_configuration(const struct html_page *page)
{
	const struct results *r = page->results;
	FILE *out = page->out;
	char summary[512];
	unsigned i;

	section_begin(out, "configuration", "Configuration");
	for (i = 0; i < r->sweeps_count; i++) {
		const struct plan *p = &r->sweeps[i].plan;
		snprintf(summary, sizeof(summary), "What all points of %s have in common", p->name);
		write_details(out, summary, p->config);
	}
	if (r->sweeps_count)
		fputs("<p>A point&#39;s own configuration is this one with its parameters, which "
		      "stand in its row of the table; it is the file config.yaml of its "
		      "result.</p>\n",
		      out);
	if (page->table->config)
		write_details(out, "All settings of this run", page->table->config);
	else if (!r->sweeps_count)
		fputs("<p>Each result has its settings in <code>config</code> of its run.json; the "
		      "table of points has those that differ.</p>\n",
		      out);
	fputs("</section>\n", out);
}

static void write_words(FILE *out, const char *const *words, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		char *word = html_shell_word(words[i]);
		fputs(i ? " " : "", out);
		html_text(out, word ? word : "");
		free(word);
	}
}

static void write_again(const struct html_page *page)
{
	const struct results *r = page->results;
	const struct html_report_options *o = page->options;
	FILE *out = page->out;
	unsigned i;

	section_begin(out, "again", "Run it again");
	if (r->sweeps_count) {
		fputs("<p>What is done is skipped; into another directory, everything is run "
		      "again, to the same bytes.</p>\n<pre class=\"command\">",
		      out);
		for (i = 0; i < r->sweeps_count; i++) {
			char *dir = html_shell_word(r->sweeps[i].dir);
			fputs("allocsim sweep run ", out);
			html_text(out, dir ? dir : "");
			fputs("/plan.jsonl -d ", out);
			html_text(out, dir ? dir : "");
			fputc('\n', out);
			free(dir);
		}
		fputs("</pre>\n", out);
	}
	fputs("<p>A page like this one:</p>\n<pre class=\"command\">allocsim report ", out);
	write_words(out, o->paths, o->paths_count);
	fputs(" -o report.html</pre>\n</section>\n", out);
}

void html_page_write(const struct html_page *page)
{
	write_head(page);
	write_summary(page);
	write_plots(page);
	html_page_points(page);
	write_configuration(page);
	write_again(page);
	fprintf(page->out,
		"</main>\n<footer><p>Made by allocsim " ALLOCSIM_VERSION ".</p></footer>\n"
		"<script>\n%s</script>\n</body>\n</html>\n",
		page->script);
}
