/*
 * html_report_impl.h - private to html_report*.c.
 */
#ifndef SIM_HTML_REPORT_IMPL_H
#define SIM_HTML_REPORT_IMPL_H

#include "sim/html_report.h"
#include "sim/metrics_list.h"

#define HTML_ROWS_PLAIN   200  /* rows written as HTML; the others are data for the script */
#define HTML_LOGS_MAX     200  /* failed points whose standard error is shown */
#define HTML_LOG_BYTES    4000 /* of each: its end */
#define HTML_FIGURES_MAX  10   /* columns that nobody asked for */
#define HTML_SETTINGS_MAX 12   /* columns of settings in which results differ that are no sweep's */

/* --- the table (html_report_table.c) -------------------------------------------------------- */

struct html_cell {
	char *text;   /* for people; NULL: nothing */
	double value; /* to sort by; NAN: by the text */
};

struct html_column {
	char *key;
	bool is_figure;
	bool is_asked;                  /* stays although it is the same everywhere */
	const struct metric_info *info; /* figure: its unit and meaning; NULL: not known */
};

struct html_row {
	char *dir;                         /* of the result */
	const struct results_sweep *sweep; /* NULL: no sweep's */
	const struct plan_point *point;
	enum cell_state state;
	char *reason, *message;  /* of a failed point; else NULL */
	char *log;               /* the end of its standard error; NULL: none, or too many */
	struct html_cell *cells; /* by column */
};

/* A setting of a result that is no sweep's. */
struct html_setting {
	size_t row;
	size_t sequence; /* place in its configuration */
	char *key, *text;
	double value;
};

struct html_table {
	struct html_column *columns;
	unsigned columns_count;
	struct html_row *rows;
	size_t rows_count, rows_room;
	struct html_setting *settings; /* while the table is made */
	size_t settings_count, settings_room;
	size_t logs_count;
	char *config; /* of the only result, if it is no sweep's: its settings as JSON; or NULL */
	const struct html_report_options *options;
};

/* 0, or -1 with @err; to be released in any case. */
int html_table_read(struct html_table *t, struct results *r,
		    const struct html_report_options *options, struct err *err);
void html_table_release(struct html_table *t);

/* Has the column different values in rows that are done? */
bool html_table_varies(const struct html_table *t, unsigned column);

/* --- plots (html_report_plots.c) ------------------------------------------------------------ */

struct html_plot {
	char *title;
	char *svg; /* NULL: not drawn */
	char *why; /* it was not */
};

struct html_plots {
	struct html_plot *items;
	unsigned count;
};

/* 0, or -1 with @err; to be released in any case. */
int html_plots_draw(struct html_plots *plots, const struct html_table *t, struct results *r,
		    const struct html_report_options *options, struct err *err);
void html_plots_release(struct html_plots *plots);

/* The whole file @path, zero bytes read as ?; NULL with errno. The caller frees it. */
char *html_read_file(const char *path);

/* --- the page (html_report_page.c, html_report_rows.c) -------------------------------------- */

struct html_page {
	FILE *out;
	const struct html_report_options *options;
	const struct results *results;
	const struct html_table *table;
	const struct html_plots *plots;
	char *style, *script; /* contents of style.css and table.js */
};

void html_page_write(const struct html_page *page);
/* The section of points: table and its data. */
void html_page_points(const struct html_page *page);
/* @word as a shell reads it; NULL without memory. The caller frees it. */
char *html_shell_word(const char *word);

#endif
