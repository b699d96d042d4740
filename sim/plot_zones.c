/*
 * plot_zones.c - free blocks by order, one panel for each zone: start, end and the recorded truth.
 *
 * Counts span five decades (thousands of single pages beside one block of the largest order), so
 * bars stand on a logarithmic scale that begins below 1, and every bar carries its number.
 * Differences from the truth have both signs; they stand on a scale that is linear around 0 and
 * logarithmic beyond (the script's business), again with their numbers.
 *
 * A zone without pages has no panel. At most PLOT_PANELS_MAX zones are drawn.
 */
#include <math.h>
#include <string.h>

#include "sim/plot_data.h"

/*
 * The zone of fidelity.zones that belongs to @zone: the one with its name, of equals the one with
 * the same position among equals.
 */
static const cJSON *truth_of(const struct plot_input *in, const cJSON *zone)
{
	const cJSON *fidelity = cJSON_GetObjectItemCaseSensitive(in->run, "fidelity");
	const char *name = plot_text(zone, "name", "");
	const cJSON *other;
	unsigned before = 0;

	for (other = zone->prev; other && other->next; other = other->prev)
		before += !strcmp(plot_text(other, "name", ""), name);
	cJSON_ArrayForEach(
		other,
		cJSON_GetObjectItemCaseSensitive(
			fidelity, "zones")) if (!strcmp(plot_text(other, "name", ""), name) &&
						!before--) return other;
	return NULL;
}

static bool has_blocks(const struct plot_input *in, const cJSON *object, const char *key)
{
	unsigned order;

	for (order = 0; order <= in->max_order; order++)
		if (plot_element(object, key, order) > 0)
			return true;
	return false;
}

static bool is_populated(const struct plot_input *in, const cJSON *zone)
{
	return plot_number(zone, "managed_pages", 0) > 0 ||
	       has_blocks(in, zone, "free_blocks_start") || has_blocks(in, zone, "free_blocks");
}

/* The zones to draw, at most PLOT_PANELS_MAX; returns how many there would be. */
static unsigned choose_zones(const struct plot_input *in, bool with_truth,
			     const cJSON *zones[PLOT_PANELS_MAX])
{
	const cJSON *zone;
	unsigned count = 0;

	cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(in->run, "zones"))
	{
		if (!is_populated(in, zone) || !plot_zone_selected(in, zone) ||
		    (with_truth && !truth_of(in, zone)))
			continue;
		if (count < PLOT_PANELS_MAX)
			zones[count] = zone;
		count++;
	}
	return count;
}

/* Panels in one column as long as they stay readable, else in two. */
static unsigned begin_panels(const struct plot_input *in, struct plot_output *out, unsigned zones)
{
	unsigned panels = zones < PLOT_PANELS_MAX ? zones : PLOT_PANELS_MAX;
	unsigned columns = panels > 3 ? 2 : 1;

	out->panel_rows = (panels + columns - 1) / columns;
	fprintf(out->vars,
		"panels = %u\npanel_rows = %u\npanel_columns = %u\nmax_order = %u\n"
		"array panel_title[%u]\narray y_max[%u]\n",
		panels, out->panel_rows, columns, in->max_order, panels, panels);
	if (zones > panels)
		fprintf(out->vars, "subtitle = subtitle . ', first %u of %u zones'\n", panels,
			zones);
	return panels;
}

/* The bars of one order: where each stands and its number. */
static void write_bars(FILE *data, unsigned order, const double *values, unsigned bars)
{
	double width = 0.84 / bars;
	unsigned i;

	fprintf(data, "%u", order);
	for (i = 0; i < bars; i++) {
		plot_cell(data, order + width * (i - (bars - 1) / 2.0));
		plot_cell(data, values[i]);
	}
	fputc('\n', data);
}

int plot_free_blocks(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	const cJSON *zones[PLOT_PANELS_MAX], *truth;
	unsigned count = choose_zones(in, false, zones), panels, bars = 2, i, order;
	double values[3], most;
	char label[PLOT_LABEL];

	if (!count) {
		snprintf(out->reason, sizeof(out->reason), "run.json has no such zone with pages");
		return 1;
	}
	panels = begin_panels(in, out, count);
	for (i = 0; i < panels; i++)
		if (truth_of(in, zones[i]))
			bars = 3;
	fprintf(out->vars, "bars = %u\nbar_width = %.4g\n", bars, 0.84 / bars);
	fprintf(out->data, "# order, then position and blocks at the start, at the end%s\n",
		bars == 3 ? ", as recorded" : "");
	for (i = 0; i < panels; i++) {
		truth = truth_of(in, zones[i]);
		for (most = 1, order = 0; order <= in->max_order; order++) {
			values[0] = plot_element(zones[i], "free_blocks_start", order);
			values[1] = plot_element(zones[i], "free_blocks", order);
			values[2] = truth ? plot_element(truth, "free_blocks_true", order) : 0;
			write_bars(out->data, order, values, bars);
			most = fmax(most, fmax(values[0], fmax(values[1], values[2])));
		}
		fputs("\n\n", out->data);
		plot_zone_label(zones[i], label, sizeof(label));
		plot_set_element(out->vars, "panel_title", i + 1, label);
		/* Room for the number above the highest bar. */
		fprintf(out->vars, "y_max[%u] = %.10g\n", i + 1, pow(10, ceil(log10(most * 4))));
	}
	return 0;
}

static void fidelity_title(const cJSON *zone, const cJSON *truth, char *buf, size_t size)
{
	char label[PLOT_LABEL], skill[PLOT_LABEL];
	double value = plot_number(truth, "block_count_skill", NAN);

	plot_zone_label(zone, label, sizeof(label));
	if (isnan(value))
		snprintf(skill, sizeof(skill), "none (%.60s)",
			 plot_text(truth, "reason", "no drift to compare with"));
	else
		snprintf(skill, sizeof(skill), "%.3f", value);
	snprintf(buf, size, "%s: error %.4f, drift %.4f, skill %s", label,
		 plot_number(truth, "block_count_error", NAN),
		 plot_number(truth, "block_count_drift", NAN), skill);
}

int plot_fidelity(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	const cJSON *zones[PLOT_PANELS_MAX], *truth;
	unsigned count = choose_zones(in, true, zones), panels, i, order;
	double values[2], recorded, most;
	char title[3 * PLOT_LABEL];

	if (!count) {
		snprintf(out->reason, sizeof(out->reason),
			 "the result has no recorded truth (run with --truth)");
		return 1;
	}
	panels = begin_panels(in, out, count);
	fprintf(out->vars, "bars = 2\nbar_width = 0.42\n");
	fprintf(out->data, "# order, then position and difference from the recorded blocks: of the "
			   "simulation, of the start state\n");
	for (i = 0; i < panels; i++) {
		truth = truth_of(in, zones[i]);
		for (most = 1, order = 0; order <= in->max_order; order++) {
			recorded = plot_element(truth, "free_blocks_true", order);
			values[0] = plot_element(truth, "free_blocks_sim", order) - recorded;
			values[1] = plot_element(truth, "free_blocks_start", order) - recorded;
			write_bars(out->data, order, values, 2);
			most = fmax(most, fmax(fabs(values[0]), fabs(values[1])));
		}
		fputs("\n\n", out->data);
		fidelity_title(zones[i], truth, title, sizeof(title));
		plot_set_element(out->vars, "panel_title", i + 1, title);
		fprintf(out->vars, "y_max[%u] = %.10g\n", i + 1, pow(10, ceil(log10(most * 4))));
	}
	return 0;
}
