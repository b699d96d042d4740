/*
 * html_report.c - results as one page of HTML.
 *
 * Results are read into a table first, then plots are drawn, then the page is written from both: so
 * what is wrong with results or options is found before a byte is written. The page is kept in
 * memory until it is complete, a few megabytes for 10,000 points, and then written beside its place
 * and renamed.
 *
 *   results -> html_report_table.c -> table --+-> html_report_page.c -> html.c -> page
 *          \-> chart.c -> html_report_plots.c -+
 *
 * Invariants:
 *   1. The bytes of a page are a function of the results, of how they were named, and of the
 * options.
 *   2. No text of a plan or a result reaches the page but through html.c.
 *   3. A page is complete or not there.
 *
 * Cost: each run.json is read once for the table, and once for each plot. A sweep of 10,000 points
 * makes a page of 2 MB.
 */
#include "sim/html_report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/html_report_impl.h"
#include "sim/plot_canvas.h"
#include "sim/safefile.h"

/* @name in the directory report/ beside the gnuplot scripts. */
static char *read_script(const char *scripts, const char *name, struct err *err)
{
	char path[PATH_MAX], *text;

	if (snprintf(path, sizeof(path), "%s/../report/%s", scripts, name) >= (int)sizeof(path)) {
		err_set(err, ERR_NO_INPUT, "%s: the path is too long", scripts);
		return NULL;
	}
	text = html_read_file(path);
	if (!text)
		err_set(err, ERR_NO_INPUT, "%s: can't read: %s", path, strerror(errno));
	return text;
}

static int read_scripts(struct html_page *page, struct err *err)
{
	char *scripts = plot_scripts_find(page->options->scripts_dir, err);

	if (!scripts)
		return -1;
	page->style = read_script(scripts, "style.css", err);
	page->script = page->style ? read_script(scripts, "table.js", err) : NULL;
	free(scripts);
	return page->script ? 0 : -1;
}

static int save(const char *path, const char *text, size_t bytes, struct err *err)
{
	struct safefile file;

	if (!strcmp(path, "-")) {
		if (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout))
			return err_set(err, ERR_IO, "cannot write to standard output");
		return 0;
	}
	if (safefile_create(&file, path, err))
		return -1;
	fwrite(text, 1, bytes, file.stream);
	return safefile_commit(&file, err);
}

static int write_page(struct html_page *page, struct err *err)
{
	char *text = NULL;
	size_t bytes = 0;
	int rc;

	page->out = open_memstream(&text, &bytes);
	if (!page->out)
		return err_set(err, ERR_IO, "out of memory");
	html_page_write(page);
	rc = ferror(page->out);
	if (fclose(page->out) || rc)
		rc = err_set(err, ERR_IO, "out of memory");
	else
		rc = save(page->options->output, text, bytes, err);
	free(text);
	return rc;
}

int html_report(const struct html_report_options *options, struct err *err)
{
	struct html_plots plots = {0};
	struct html_table table = {0};
	struct html_page page = {.options = options, .table = &table, .plots = &plots};
	struct results results;
	int rc = -1;

	if (results_open(&results, options->paths, options->paths_count, err))
		return -1;
	page.results = &results;
	if (read_scripts(&page, err) || html_table_read(&table, &results, options, err) ||
	    html_plots_draw(&plots, &table, &results, options, err))
		goto out;
	rc = write_page(&page, err);
	if (!rc && options->messages)
		results_print_lacking(&results, options->messages);
out:
	free(page.style);
	free(page.script);
	html_plots_release(&plots);
	html_table_release(&table);
	results_release(&results);
	return rc;
}
