/*
 * chart_plot.c - the picture of a chart: see chart.h.
 *
 * A picture NAME in a directory is NAME.png, NAME.svg and, in data/, what was drawn: NAME.dat and
 * NAME.gp for gnuplot (plot_canvas.h), and NAME.json for other programs. All is made in a hidden
 * directory beside and moved when it is complete; other pictures in the directory stay.
 *
 * Example: y "totals.ops_count / totals.simulated_ns=speed" against x "machine.cpus=CPUs" is called
 * totals.ops_count-against-machine.cpus, whatever the labels.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sim/chart_impl.h"
#include "sim/columns.h"
#include "sim/plot_canvas.h"
#include "sim/resultdir.h"

/* The column of the first key of @quantity. */
static void short_name(const char *quantity, char *buf, size_t size)
{
	char key[COMPARE_KEY_BYTES_MAX];
	const char *divided = strstr(quantity, " / ");
	size_t length = strcspn(quantity, "=");

	if (divided && (size_t)(divided - quantity) < length)
		length = (size_t)(divided - quantity);
	snprintf(key, sizeof(key), "%.*s", (int)length, quantity);
	column_name(key, buf, size);
}

char *chart_name(const struct chart_options *options, char *buf, size_t size)
{
	char y[CHART_NAME_MAX / 2 - 8], x[CHART_NAME_MAX / 2 - 8];

	short_name(options->z ? options->z : options->y[0], y, sizeof(y));
	short_name(options->x, x, sizeof(x));
	snprintf(buf, size, "%s-against-%s", y, x);
	return buf;
}

static int check_name(const char *name, struct err *err)
{
	const char *at;

	for (at = name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("_-.", *at))
			break;
	if (*at || at == name || name[0] == '.')
		return err_set(err, ERR_USAGE,
			       "'%s': a picture's name has letters, digits, _, - and . only", name);
	if (at - name > CHART_NAME_MAX)
		return err_set(err, ERR_USAGE, "a picture's name has at most %d characters",
			       CHART_NAME_MAX);
	return 0;
}

static int write_json(const struct chart *c, const struct plot_canvas *canvas, const char *name,
		      struct err *err)
{
	char path[PATH_MAX];
	FILE *f;
	bool failed;

	snprintf(path, sizeof(path), "%s/data/%s.json", canvas->work, name);
	f = fopen(path, "we");
	if (!f)
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", path, strerror(errno));
	chart_print_json(c, f);
	failed = ferror(f);
	if (fclose(f) || failed)
		return err_set(err, ERR_IO, "%s: writing failed: %s", path, strerror(errno));
	return 0;
}

static int write_files(const struct chart *c, const struct plot_canvas *canvas, const char *name,
		       struct plot_output *out, struct err *err)
{
	char text[CHART_NAME_MAX + 16];

	if (plot_canvas_begin(canvas, name, out, err))
		return -1;
	snprintf(text, sizeof(text), "data/%s.dat", name);
	plot_set_string(out->vars, "data", text);
	if (c->kind == CHART_HEAT)
		chart_write_heat(c, out);
	else
		chart_write_lines(c, out);
	return plot_canvas_end(canvas, name, out, err);
}

int chart_draw(const struct chart *c, const struct chart_output *output, struct err *err)
{
	const char *script = c->kind == CHART_HEAT ? "heat.gp" : "chart.gp";
	struct plot_output out = {.panel_rows = 1};
	struct plot_canvas canvas = {
		.target = (char *)output->dir,
		.terminal = output->terminal,
		.columns = output->columns,
		.rows = output->rows,
		.color = output->color,
		.messages = output->messages,
		.stop = output->stop,
	};
	int failed = -1;

	if (check_name(output->name, err))
		return -1;
	if (c->kind == CHART_HEAT && output->terminal)
		return err_set(err, ERR_USAGE,
			       "a heat map can't be drawn with characters; --no-plots prints its "
			       "figures");
	canvas.scripts = plot_scripts_find(output->scripts_dir, err);
	if (!canvas.scripts ||
	    (!output->terminal && plot_canvas_make_directories(output->dir, err)) ||
	    plot_canvas_temporary(&canvas, output->terminal ? NULL : output->dir, err))
		goto out;
	if (write_files(c, &canvas, output->name, &out, err))
		goto out;
	if (output->terminal)
		failed = plot_canvas_draw_text(&canvas, output->name, script, out.panel_rows, err);
	else
		failed = write_json(c, &canvas, output->name, err) ||
					 plot_canvas_draw(&canvas, output->name, script,
							  out.panel_rows, err) ||
					 plot_canvas_publish(&canvas, output->name, err)
				 ? -1
				 : 0;
out:
	if (canvas.work)
		resultdir_remove_tree(canvas.work);
	free(canvas.work);
	free(canvas.scripts);
	return failed;
}
