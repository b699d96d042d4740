/*
 * plot_bars.c - horizontal bars that are divided into parts: see plot_bars.h.
 *
 * The data has a block a panel and a line a bar: its place from above, the edges of its parts in
 * the unit of the axis, the first one 0, and the note. A bar that is cut ends with the axis, and so
 * do the edges beyond.
 */
#include "sim/plot_bars.h"

#include <math.h>
#include <string.h>

void plot_format_bytes(char *buf, size_t size, double bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	unsigned i;

	for (i = 0; fabs(bytes) >= 1023.5 && i < ARRAY_SIZE(units) - 1; i++)
		bytes /= 1024;
	if (i == 0 || fabs(bytes) >= 99.95)
		snprintf(buf, size, "%.0f %s", bytes, units[i]);
	else
		snprintf(buf, size, "%.1f %s", bytes, units[i]);
}

void plot_bars_begin(struct plot_output *out, const char *palette, unsigned panels,
		     const struct plot_part *parts, unsigned parts_count)
{
	unsigned i;

	/* Drawn with characters, the legend takes as much room as a panel. */
	out->panel_rows = panels + 1;
	plot_set_string(out->vars, "palette", palette);
	fprintf(out->vars, "panels = %u\nparts = %u\n", panels, parts_count);
	fprintf(out->vars, "array part_label[%u]\narray part_value[%u]\narray color[%u]\n",
		parts_count, parts_count, parts_count);
	for (i = 0; i < parts_count; i++) {
		plot_set_element(out->vars, "part_label", i + 1, parts[i].label);
		plot_set_element(out->vars, "part_value", i + 1, parts[i].value);
		fprintf(out->vars, "color[%u] = %u\n", i + 1, parts[i].color);
	}
	fprintf(out->vars,
		"array panel_title[%u]\narray x_label[%u]\narray x_max[%u]\narray bars[%u]\n",
		panels, panels, panels, panels);
	fprintf(out->vars, "array bottom[%u]\narray top[%u]\narray bar_label[%u]\n", panels, panels,
		panels * BARS_MAX);
	fprintf(out->vars, "bars_max = %u\n", BARS_MAX);
	fprintf(out->data, "# place, edges of the parts, note\n");
}

static double length(const struct plot_bar *bar, unsigned parts_count)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < parts_count; i++)
		sum += bar->parts[i];
	return sum;
}

static void write_bar(struct plot_output *out, unsigned place, const struct plot_bar *bar,
		      unsigned parts_count, double end, double divisor)
{
	double edge = 0;
	unsigned i;

	fprintf(out->data, "%u\t0", place);
	for (i = 0; i < parts_count; i++) {
		edge += bar->parts[i];
		plot_cell(out->data, fmin(edge, end) / divisor);
	}
	fprintf(out->data, "\t\"%s\"\n", bar->note[0] ? bar->note : " ");
}

void plot_bars_panel(struct plot_output *out, unsigned number, const struct plot_bar_panel *panel,
		     unsigned parts_count)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
	double end = panel->end, divisor = 1, longest = 0;
	char label[PLOT_LABEL];
	unsigned i, unit = 0;

	for (i = 0; i < panel->count; i++)
		longest = fmax(longest, length(&panel->bars[i], parts_count));
	end = end > 0 ? end : longest;
	for (; !panel->unit && end / divisor > 4096 && unit < ARRAY_SIZE(units) - 1; unit++)
		divisor *= 1024;
	plot_set_element(out->vars, "panel_title", number, panel->title);
	snprintf(label, sizeof(label), "%s (%s)", panel->x_label,
		 panel->unit ? panel->unit : units[unit]);
	plot_set_element(out->vars, "x_label", number, label);
	fprintf(out->vars, "x_max[%u] = %.10g\nbars[%u] = %u\nbottom[%u] = %.4g\ntop[%u] = %.4g\n",
		number, end > 0 ? end / divisor : 1, number, panel->count, number, panel->bottom,
		number, panel->top);
	for (i = 0; i < panel->count; i++) {
		plot_set_element(out->vars, "bar_label", (number - 1) * BARS_MAX + i + 1,
				 panel->bars[i].label);
		write_bar(out, i + 1, &panel->bars[i], parts_count, end, divisor);
	}
	fputs("\n\n", out->data);
}
