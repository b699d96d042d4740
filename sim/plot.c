/*
 * plot.c - pictures of a result, drawn by gnuplot.
 *
 * A plot is one row of the table below: a name, a function that computes what is to be drawn, and a
 * gnuplot script that draws it. For each picture the function writes two files,
 *
 *   data/NAME.dat   columns of numbers
 *   data/NAME.gp    titles, labels, colours by number, ranges
 *
 * and gnuplot runs NAME.gp, common.gp (terminal, fonts, palettes) and the script, in this order.
 * All three remain beside the pictures, so that a picture can be redrawn by hand in another style.
 *
 * Everything is made in a work directory inside the result and moved to plots/ when a picture is
 * complete; a failure leaves no part of one behind.
 */
#include "sim/plot.h"

#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/gnuplot.h"
#include "sim/plot_data.h"
#include "sim/resultdir.h"

#define RUN_JSON_BYTES_MAX (256L << 20)

struct plot {
	struct plot_info info;
	const char *script;
	int (*write)(const struct plot_input *in, struct plot_output *out, struct err *err);
};

static const struct plot plots[] = {
	{{"free_by_order", "Free memory by order", "free memory by block order over time, stacked"},
	 "stack.gp",
	 plot_free_by_order},
	{{"unusable_index", "Unusable free space index",
	  "share of free memory too fragmented for a request, over time"},
	 "lines.gp",
	 plot_unusable_index},
	{{"free_blocks_start_end", "Free blocks by order",
	  "free blocks by order and zone: start, end and, if recorded, the truth"},
	 "free_blocks.gp",
	 plot_free_blocks},
	{{"latency", "Latency of page operations",
	  "share of allocations and frees that took longer, by path"},
	 "latency.gp",
	 plot_latency},
	{{"fidelity", "Simulated against recorded free blocks",
	  "difference from the recorded end state by order and zone (needs --truth)"},
	 "fidelity.gp",
	 plot_fidelity},
	{{"pcp_contents", "Pages on per-CPU lists", "pages held by each CPU's lists over time"},
	 "lines.gp",
	 plot_pcp_contents},
	{{"migratetype", "Free memory by migratetype",
	  "free memory by migratetype over time, stacked"},
	 "stack.gp",
	 plot_migratetype},
};

/* One call of plot_results(). */
struct session {
	struct plot_input in;
	char *scripts; /* absolute, holds common.gp */
	char *work;    /* absolute, with a directory data/ */
	char *target;  /* dir/plots */
};

const struct plot_info *plot_info(unsigned index)
{
	return index < ARRAY_SIZE(plots) ? &plots[index].info : NULL;
}

static int check_names(const struct plot_options *options, struct err *err)
{
	char known[512];
	size_t used = 0;
	unsigned i, p;

	for (i = 0; i < options->only_count; i++) {
		for (p = 0; p < ARRAY_SIZE(plots); p++)
			if (!strcmp(plots[p].info.name, options->only[i]))
				break;
		if (p < ARRAY_SIZE(plots))
			continue;
		for (p = 0; p < ARRAY_SIZE(plots); p++)
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 p ? ", " : "", plots[p].info.name);
		return err_set(err, ERR_USAGE, "no plot is named \"%.64s\"; there are %s",
			       options->only[i], known);
	}
	return 0;
}

/* Orders above the machine's largest are an error if the user named them. */
static int parse_orders(struct plot_input *in, struct err *err)
{
	const char *text = in->options->orders, *next = text;
	unsigned long order;
	char *end;

	if (!text) {
		in->orders = 1u << 1 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 9 | 1u << 10;
		in->orders &= (2u << in->max_order) - 1;
		/* A machine with tiny blocks only. */
		in->orders |= in->orders ? 0 : 1;
		return 0;
	}
	do {
		order = isdigit((unsigned char)*next) ? strtoul(next, &end, 10) : ULONG_MAX;
		if (order > in->max_order || (*end && *end != ','))
			return err_set(err, ERR_USAGE,
				       "orders \"%.64s\": expected numbers from 0 to %u, separated "
				       "by commas",
				       text, in->max_order);
		in->orders |= 1u << order;
		next = end + 1;
	} while (*end);
	return 0;
}

static int check_zone(const struct plot_input *in, struct err *err)
{
	const cJSON *zone;
	char known[512] = "", prefix[PLOT_LABEL];
	size_t used = 0;

	cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(in->run, "zones"))
	{
		if (plot_zone_selected(in, zone))
			return 0;
		plot_zone_prefix(zone, prefix, sizeof(prefix));
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 used ? ", " : "", prefix);
	}
	if (!in->options->zone)
		return 0;
	return err_set(err, ERR_USAGE, "no zone is named \"%.64s\"; there are %s",
		       in->options->zone, known);
}

static char *read_file(const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	long bytes;

	if (!f || fseek(f, 0, SEEK_END) || (bytes = ftell(f)) < 0) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		goto out;
	}
	rewind(f);
	if (bytes > RUN_JSON_BYTES_MAX) {
		err_set(err, ERR_TRACE, "%s: has more than %ld bytes", path, RUN_JSON_BYTES_MAX);
		goto out;
	}
	text = malloc((size_t)bytes + 1);
	if (!text || fread(text, 1, (size_t)bytes, f) != (size_t)bytes) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
		goto out;
	}
	text[bytes] = '\0';
out:
	if (f)
		fclose(f);
	return text;
}

static int load_run(struct plot_input *in, struct err *err)
{
	char path[PATH_MAX], *text;
	const char *end = NULL, *c;
	unsigned line = 1;
	double max_order;

	snprintf(path, sizeof(path), "%s/run.json", in->dir);
	text = read_file(path, err);
	if (!text)
		return -1;
	in->run = cJSON_ParseWithOpts(text, &end, false);
	for (c = text; !in->run && end && c < end; c++)
		line += *c == '\n';
	free(text);
	if (!in->run)
		return err_set(err, ERR_TRACE, "%s:%u: is no JSON", path, line);
	max_order = plot_number(cJSON_GetObjectItemCaseSensitive(in->run, "meta"), "max_order", -1);
	if (plot_number(in->run, "schema_version", 0) != 1)
		return err_set(err, ERR_TRACE, "%s: schema_version is not 1", path);
	if (!(max_order >= 0 && max_order < ORDER_LIMIT))
		return err_set(err, ERR_TRACE, "%s: meta.max_order is not from 0 to %d", path,
			       ORDER_LIMIT - 1);
	in->max_order = (unsigned)max_order;
	return 0;
}

static int load(struct plot_input *in, struct err *err)
{
	char path[PATH_MAX];

	if (load_run(in, err) || parse_orders(in, err) || check_zone(in, err))
		return -1;
	snprintf(path, sizeof(path), "%s/series.csv", in->dir);
	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	if (series_read(&in->series, path, err))
		return -1;
	in->has_series = true;
	return 0;
}

/* The absolute path of @dir/plots if it holds the scripts, else NULL. */
static char *try_scripts(const char *dir, const char *below)
{
	char path[PATH_MAX], *found;

	if (snprintf(path, sizeof(path), "%s%s/common.gp", dir, below) >= (int)sizeof(path))
		return NULL;
	found = realpath(path, NULL);
	if (found)
		*strrchr(found, '/') = '\0';
	return found;
}

static char *find_scripts(const struct plot_options *options, struct err *err)
{
	/* An executable in build/, in build/sim/ and in PREFIX/bin/. */
	static const char *const places[] = {
		"/../scripts/plots",
		"/../../scripts/plots",
		"/../share/allocsim/plots",
	};
	const char *named = getenv("ALLOCSIM_SCRIPTS");
	char exe[PATH_MAX], *found = NULL, *dir;
	ssize_t bytes;
	unsigned i;

	if (!named || !*named)
		named = options->scripts_dir;
	if (named) {
		found = try_scripts(named, "/plots");
		if (!found)
			err_set(err, ERR_NO_INPUT, "%s: holds no plots/common.gp", named);
		return found;
	}
	bytes = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[bytes > 0 ? bytes : 0] = '\0';
	dir = dirname(exe);
	for (i = 0; i < ARRAY_SIZE(places) && !found; i++)
		found = try_scripts(dir, places[i]);
	if (!found)
		err_set(err, ERR_NO_INPUT,
			"the gnuplot scripts are not found; set ALLOCSIM_SCRIPTS to the directory "
			"scripts/ of allocsim");
	return found;
}

/*
 * A work directory with data/ in it: inside the result, or for the terminal among temporary files.
 */
static int make_work(struct session *s, struct err *err)
{
	const struct plot_options *options = s->in.options;
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];
	bool made;

	if (options->terminal)
		snprintf(path, sizeof(path), "%s/allocsim-plot.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	else
		snprintf(path, sizeof(path), "%s/.plots.tmp.%ld", s->in.dir, (long)getpid());
	if (!options->terminal)
		resultdir_remove_tree(path);
	made = options->terminal ? mkdtemp(path) != NULL : !mkdir(path, 0777);
	if (made)
		s->work = realpath(path, NULL);
	if (s->work && snprintf(path, sizeof(path), "%s/data", s->work) < (int)sizeof(path) &&
	    !mkdir(path, 0777) && asprintf(&s->target, "%s/plots", s->in.dir) >= 0)
		return 0;
	err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", path, strerror(errno));
	if (made && !s->work)
		rmdir(path);
	s->target = NULL;
	return -1;
}

static void write_heading(const struct plot_input *in, const struct plot *plot, FILE *vars)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(in->run, "meta");
	const cJSON *totals = cJSON_GetObjectItemCaseSensitive(in->run, "totals");
	char ops[32], span[32], failed[32], text[256];

	plot_format_count(ops, sizeof(ops), plot_number(totals, "ops_count", 0));
	plot_format_count(failed, sizeof(failed), plot_number(totals, "failed_count", 0));
	plot_format_ns(span, sizeof(span), plot_number(totals, "simulated_ns", 0));
	snprintf(text, sizeof(text), "%s: %.64s", plot->info.title,
		 plot_text(meta, "name", "unnamed run"));
	plot_set_string(vars, "title", text);
	snprintf(text, sizeof(text), "%s page operations in %s, %s failed%s%.64s", ops, span,
		 failed, in->options->zone ? ", zone " : "",
		 in->options->zone ? in->options->zone : "");
	plot_set_string(vars, "subtitle", text);
	snprintf(text, sizeof(text), "data/%s.dat", plot->info.name);
	plot_set_string(vars, "data", text);
}

static int close_written(FILE *f, const char *path, struct err *err)
{
	bool failed = ferror(f);

	if (fclose(f) || failed)
		return err_set(err, ERR_IO, "%s: writing failed: %s", path, strerror(errno));
	return 0;
}

/* 0, or 1 for skipped, or -1. */
static int write_files(struct session *s, const struct plot *plot, struct plot_output *out,
		       struct err *err)
{
	char data[PATH_MAX], vars[PATH_MAX];
	int result = -1;

	snprintf(data, sizeof(data), "%s/data/%s.dat", s->work, plot->info.name);
	snprintf(vars, sizeof(vars), "%s/data/%s.gp", s->work, plot->info.name);
	out->data = fopen(data, "we");
	out->vars = out->data ? fopen(vars, "we") : NULL;
	if (out->vars) {
		write_heading(&s->in, plot, out->vars);
		result = plot->write(&s->in, out, err);
	} else {
		err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", out->data ? vars : data,
			strerror(errno));
	}
	if (out->data && close_written(out->data, data, err))
		result = -1;
	if (out->vars && close_written(out->vars, vars, err))
		result = -1;
	return result;
}

__attribute__((format(printf, 2, 3))) static void say(const struct session *s, const char *fmt, ...)
{
	va_list args;

	if (!s->in.options->messages)
		return;
	va_start(args, fmt);
	vfprintf(s->in.options->messages, fmt, args);
	va_end(args);
}

/* Draw one picture, @output being its file in the work directory. */
static int draw(struct session *s, const struct plot *plot, const char *format, const char *output,
		unsigned panel_rows, struct err *err)
{
	const struct plot_options *options = s->in.options;
	unsigned columns = options->columns ? options->columns : 80;
	unsigned rows = options->rows ? options->rows : 24;
	char definitions[256], vars[64], common[PATH_MAX], script[PATH_MAX];
	char warnings[GNUPLOT_WARNINGS];
	const char *args[] = {"-e", definitions, vars, common, script, NULL};

	/* The prompt takes a line; several panels need more than a screen to be read. */
	rows = (unsigned)u64_max(rows - 1, 6 + 14 * panel_rows);
	columns = (unsigned)u64_clamp(columns, 60, 400);
	snprintf(definitions, sizeof(definitions),
		 "format = '%s'; output = '%s'; columns = %u; rows = %u; ansi = %d", format, output,
		 columns, rows, options->color);
	snprintf(vars, sizeof(vars), "data/%s.gp", plot->info.name);
	snprintf(common, sizeof(common), "%s/common.gp", s->scripts);
	snprintf(script, sizeof(script), "%s/%s", s->scripts, plot->script);
	if (gnuplot_run(s->work, args, warnings, err))
		return -1;
	if (warnings[0])
		say(s, "%s: gnuplot says: %s\n", plot->info.name, warnings);
	return 0;
}

/* Print the picture without the blanks at the ends of lines and the form feed before it. */
static int draw_in_terminal(struct session *s, const struct plot *plot, unsigned panel_rows,
			    struct err *err)
{
	char path[PATH_MAX], *line = NULL;
	size_t line_bytes = 0;
	ssize_t bytes;
	FILE *f;

	if (draw(s, plot, "dumb", "picture", panel_rows, err))
		return -1;
	snprintf(path, sizeof(path), "%s/picture", s->work);
	f = fopen(path, "re");
	if (!f)
		return err_set(err, ERR_PROGRAM, "gnuplot drew nothing");
	while ((bytes = getline(&line, &line_bytes, f)) > 0) {
		while (bytes && isspace((unsigned char)line[bytes - 1]))
			bytes--;
		line[bytes] = '\0';
		fprintf(s->in.options->terminal, "%s\n", line + (line[0] == '\f'));
	}
	free(line);
	fclose(f);
	return 0;
}

/*
 * gnuplot ends with status 0 even if its output didn't fit on the disk, so look whether the file
 * @name has its end.
 */
static int check_picture(struct session *s, const char *name, const char *end, struct err *err)
{
	char path[PATH_MAX], tail[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", s->work, name);
	f = fopen(path, "re");
	if (f) {
		if (!fseek(f, -12, SEEK_END) && fread(tail, 1, 12, f) != 12)
			tail[0] = '\0';
		fclose(f);
	}
	if (!memmem(tail, sizeof(tail), end, strlen(end)))
		return err_set(err, ERR_IO, "%s/%s: is incomplete; is the disk full?", s->target,
			       name);
	return 0;
}

static int move_file(struct session *s, const char *name, struct err *err)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s/%s", s->work, name);
	snprintf(to, sizeof(to), "%s/%s", s->target, name);
	if (rename(from, to))
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", to, strerror(errno));
	return 0;
}

/* Draw both formats, then move what was made into place. */
static int make_pictures(struct session *s, const struct plot *plot, unsigned panel_rows,
			 struct err *err)
{
	static const char *const formats[] = {"png", "svg"}, *const ends[] = {"IEND", "</svg>"};
	char name[64], path[PATH_MAX];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(name, sizeof(name), "%s.%s", plot->info.name, formats[i]);
		if (draw(s, plot, formats[i], name, panel_rows, err) ||
		    check_picture(s, name, ends[i], err))
			return -1;
	}
	snprintf(path, sizeof(path), "%s/data", s->target);
	if ((mkdir(s->target, 0777) && errno != EEXIST) || (mkdir(path, 0777) && errno != EEXIST))
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", path, strerror(errno));
	snprintf(name, sizeof(name), "data/%s.dat", plot->info.name);
	if (move_file(s, name, err))
		return -1;
	snprintf(name, sizeof(name), "data/%s.gp", plot->info.name);
	if (move_file(s, name, err))
		return -1;
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(name, sizeof(name), "%s.%s", plot->info.name, formats[i]);
		if (move_file(s, name, err))
			return -1;
		say(s, "%s/%s\n", s->target, name);
	}
	return 0;
}

static int make_plot(struct session *s, const struct plot *plot, struct err *err)
{
	struct plot_output out = {.panel_rows = 1};
	int result = write_files(s, plot, &out, err);

	if (result < 0)
		return -1;
	if (result > 0 && s->in.options->only_count)
		return err_set(err, ERR_NO_INPUT, "%s: can't be drawn from %s: %s", plot->info.name,
			       s->in.dir, out.reason);
	if (result > 0) {
		say(s, "%s: skipped, %s\n", plot->info.name, out.reason);
		return 0;
	}
	if (s->in.options->terminal)
		return draw_in_terminal(s, plot, out.panel_rows, err);
	return make_pictures(s, plot, out.panel_rows, err);
}

static bool is_wanted(const struct plot_options *options, const struct plot *plot)
{
	unsigned i;

	for (i = 0; i < options->only_count; i++)
		if (!strcmp(options->only[i], plot->info.name))
			return true;
	return !options->only_count;
}

int plot_results(const char *dir, const struct plot_options *options, struct err *err)
{
	struct session s = {.in = {.dir = dir, .options = options}};
	int failed = -1;
	unsigned i;

	if (check_names(options, err) || load(&s.in, err))
		goto out;
	s.scripts = find_scripts(options, err);
	if (!s.scripts || make_work(&s, err))
		goto out;
	for (i = 0; i < ARRAY_SIZE(plots); i++)
		if (is_wanted(options, &plots[i]) && make_plot(&s, &plots[i], err))
			goto out;
	failed = 0;
out:
	if (s.work)
		resultdir_remove_tree(s.work);
	free(s.work);
	free(s.target);
	free(s.scripts);
	series_release(&s.in.series);
	cJSON_Delete(s.in.run);
	return failed;
}
