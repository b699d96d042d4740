/*
 * plot_canvas.c - from a plot's columns and labels to its pictures.
 *
 * A plot NAME is written as data/NAME.dat and data/NAME.gp in a work directory, from where gnuplot
 * draws NAME.png and NAME.svg beside them, or characters into a terminal. What becomes of the work
 * directory is the owner's affair.
 */
#include "sim/plot_canvas.h"

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
#include "sim/safefile.h"

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

char *plot_scripts_find(const char *scripts_dir, struct err *err)
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
		named = scripts_dir;
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

int plot_canvas_work_in(struct plot_canvas *canvas, const char *dir, struct err *err)
{
	char path[PATH_MAX];

	canvas->work = realpath(dir, NULL);
	if (canvas->work &&
	    snprintf(path, sizeof(path), "%s/data", canvas->work) < (int)sizeof(path) &&
	    !mkdir(path, 0777))
		return 0;
	return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", dir, strerror(errno));
}

void plot_canvas_say(const struct plot_canvas *canvas, const char *fmt, ...)
{
	va_list args;

	if (!canvas->messages)
		return;
	va_start(args, fmt);
	vfprintf(canvas->messages, fmt, args);
	va_end(args);
}

static int close_written(FILE *f, const char *path, struct err *err)
{
	bool failed = ferror(f);

	if (fclose(f) || failed)
		return err_set(err, ERR_IO, "%s: writing failed: %s", path, strerror(errno));
	return 0;
}

int plot_canvas_temporary(struct plot_canvas *canvas, const char *parent, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];

	if (parent)
		snprintf(path, sizeof(path), "%s/.plots.tmp.XXXXXX", parent);
	else
		snprintf(path, sizeof(path), "%s/allocsim-plot.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(path))
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", path, strerror(errno));
	if (!plot_canvas_work_in(canvas, path, err))
		return 0;
	rmdir(path);
	return -1;
}

int plot_canvas_begin(const struct plot_canvas *canvas, const char *name, struct plot_output *out,
		      struct err *err)
{
	char data[PATH_MAX], vars[PATH_MAX];

	snprintf(data, sizeof(data), "%s/data/%s.dat", canvas->work, name);
	snprintf(vars, sizeof(vars), "%s/data/%s.gp", canvas->work, name);
	out->data = fopen(data, "we");
	out->vars = out->data ? fopen(vars, "we") : NULL;
	if (out->vars)
		return 0;
	err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", out->data ? vars : data,
		strerror(errno));
	if (out->data)
		fclose(out->data);
	return -1;
}

int plot_canvas_end(const struct plot_canvas *canvas, const char *name, struct plot_output *out,
		    struct err *err)
{
	char data[PATH_MAX], vars[PATH_MAX];
	int failed;

	snprintf(data, sizeof(data), "%s/data/%s.dat", canvas->work, name);
	snprintf(vars, sizeof(vars), "%s/data/%s.gp", canvas->work, name);
	failed = close_written(out->data, data, err);
	return close_written(out->vars, vars, err) || failed ? -1 : 0;
}

/* Draw one picture, @output being its file in the work directory. */
static int draw(const struct plot_canvas *canvas, const char *name, const char *script_name,
		const char *format, const char *output, unsigned panel_rows, struct err *err)
{
	unsigned columns = canvas->columns ? canvas->columns : 80;
	unsigned rows = canvas->rows ? canvas->rows : 24;
	char definitions[384], vars[160], common[PATH_MAX], script[PATH_MAX];
	char warnings[GNUPLOT_WARNINGS];
	const char *args[] = {"-e", definitions, vars, common, script, NULL};

	/* The prompt takes a line; several panels need more than a screen to be read. */
	rows = (unsigned)u64_max(rows - 1, 6 + 14 * panel_rows);
	columns = (unsigned)u64_clamp(columns, 60, 400);
	snprintf(definitions, sizeof(definitions),
		 "format = '%s'; output = '%s'; columns = %u; rows = %u; ansi = %d", format, output,
		 columns, rows, canvas->color);
	snprintf(vars, sizeof(vars), "data/%s.gp", name);
	snprintf(common, sizeof(common), "%s/common.gp", canvas->scripts);
	snprintf(script, sizeof(script), "%s/%s", canvas->scripts, script_name);
	if (gnuplot_run(canvas->work, args, canvas->stop, warnings, err))
		return -1;
	if (warnings[0])
		plot_canvas_say(canvas, "%s: gnuplot says: %s\n", name, warnings);
	return 0;
}

/* Print the picture without the blanks at the ends of lines and the form feed before it. */
int plot_canvas_draw_text(const struct plot_canvas *canvas, const char *name,
			  const char *script_name, unsigned panel_rows, struct err *err)
{
	char path[PATH_MAX], *line = NULL;
	size_t line_bytes = 0;
	ssize_t bytes;
	FILE *f;

	if (draw(canvas, name, script_name, "dumb", "picture", panel_rows, err))
		return -1;
	snprintf(path, sizeof(path), "%s/picture", canvas->work);
	f = fopen(path, "re");
	if (!f)
		return err_set(err, ERR_PROGRAM, "gnuplot drew nothing");
	while ((bytes = getline(&line, &line_bytes, f)) > 0) {
		while (bytes && isspace((unsigned char)line[bytes - 1]))
			bytes--;
		line[bytes] = '\0';
		fprintf(canvas->terminal, "%s\n", line + (line[0] == '\f'));
	}
	free(line);
	fclose(f);
	return 0;
}

/*
 * gnuplot ends with status 0 even if its output didn't fit on the disk, so look whether the file
 * @name has its end.
 */
static int check_picture(const struct plot_canvas *canvas, const char *name, const char *end,
			 struct err *err)
{
	char path[PATH_MAX], tail[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", canvas->work, name);
	f = fopen(path, "re");
	if (f) {
		if (!fseek(f, -12, SEEK_END) && fread(tail, 1, 12, f) != 12)
			tail[0] = '\0';
		fclose(f);
	}
	if (!memmem(tail, sizeof(tail), end, strlen(end)))
		return err_set(err, ERR_IO, "%s/%s: is incomplete; is the disk full?",
			       canvas->target, name);
	return 0;
}

int plot_canvas_draw(const struct plot_canvas *canvas, const char *name, const char *script,
		     unsigned panel_rows, struct err *err)
{
	static const char *const formats[] = {"png", "svg"}, *const ends[] = {"IEND", "</svg>"};
	char output[160];
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(output, sizeof(output), "%s.%s", name, formats[i]);
		if (draw(canvas, name, script, formats[i], output, panel_rows, err) ||
		    check_picture(canvas, output, ends[i], err))
			return -1;
	}
	return 0;
}

int plot_canvas_make_directories(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t i, length = strlen(path);

	if (length >= sizeof(part))
		return err_set(err, ERR_USAGE, "%s: the path is too long", path);
	for (i = 1; i <= length; i++) {
		if (path[i] && path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0777) && errno != EEXIST)
			return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", part,
				       strerror(errno));
	}
	return 0;
}

int plot_canvas_publish(const struct plot_canvas *canvas, const char *name, struct err *err)
{
	static const struct {
		const char *folder, *end;
		bool is_picture, is_needed;
	} files[] = {{"data/", ".dat", false, true},
		     {"data/", ".gp", false, true},
		     {"data/", ".json", false, false},
		     {"", ".png", true, true},
		     {"", ".svg", true, true}};
	char from[PATH_MAX], to[PATH_MAX];
	unsigned i;
	int error;

	snprintf(to, sizeof(to), "%s/data", canvas->target);
	if (plot_canvas_make_directories(to, err))
		return -1;
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(from, sizeof(from), "%s/%s%s%s", canvas->work, files[i].folder, name,
			 files[i].end);
		snprintf(to, sizeof(to), "%s/%s%s%s", canvas->target, files[i].folder, name,
			 files[i].end);
		if (!files[i].is_needed && access(from, F_OK))
			continue;
		error = safefile_move(from, to);
		if (error)
			return err_set(err,
				       error == ENOSPC || error == EIO ? ERR_IO : ERR_CANT_CREATE,
				       "%s: can't create: %s", to, strerror(error));
		if (files[i].is_picture)
			plot_canvas_say(canvas, "%s\n", to);
	}
	return 0;
}
