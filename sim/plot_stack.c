/*
 * plot_stack.c - free memory over time as stacked areas, by order and by migratetype.
 *
 * A layer is one order (or migratetype); its height is the memory in its free blocks, in all chosen
 * zones together. The data hold cumulative heights, so that layer i lies between columns i and i+1.
 *
 * On a machine with much free memory one layer (the largest order, or Movable) covers the picture
 * and the rest is a line at the bottom. Then a second panel shows the stack without that layer, at
 * its own scale.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plot_data.h"

#define LAYERS_MAX ORDER_LIMIT

struct stack {
	unsigned layers;
	char label[LAYERS_MAX][PLOT_LABEL];
	unsigned color[LAYERS_MAX]; /* index into the script's palette, from 1 */
	double *bytes;              /* [rows * layers] */
	bool found;                 /* a column for it exists */
};

static int stack_init(struct stack *s, unsigned layers, const struct plot_input *in,
		      struct err *err)
{
	memset(s, 0, sizeof(*s));
	s->layers = layers;
	s->bytes = calloc(in->series.rows_count * layers, sizeof(*s->bytes));
	return s->bytes ? 0 : err_set(err, ERR_NO_INPUT, "%s: out of memory", in->dir);
}

/* Add the blocks of 2^@order pages counted in @column to @layer. */
static void stack_add(struct stack *s, const struct plot_input *in, unsigned layer,
		      const char *column, unsigned order)
{
	long index = series_column(&in->series, column);
	size_t row;
	double blocks;

	if (index < 0)
		return;
	s->found = true;
	for (row = 0; row < in->series.rows_count; row++) {
		blocks = series_cell(&in->series, row, (size_t)index);
		if (blocks > 0)
			s->bytes[row * s->layers + layer] += ldexp(blocks * PAGE_BYTES, (int)order);
	}
}

static double layer_mean(const struct stack *s, size_t rows, unsigned layer)
{
	double sum = 0;
	size_t row;

	for (row = 0; row < rows; row++)
		sum += s->bytes[row * s->layers + layer];
	return sum / (double)rows;
}

/* The layer that hides the others, or s->layers if none does. */
static unsigned dominant_layer(const struct stack *s, size_t rows)
{
	double mean, total = 0, most = -1;
	unsigned layer, found = 0;

	for (layer = 0; layer < s->layers; layer++) {
		mean = layer_mean(s, rows, layer);
		total += mean;
		if (mean > most) {
			most = mean;
			found = layer;
		}
	}
	return most > 0.6 * total && most < total ? found : s->layers;
}

/* One panel: its unit, range and block of columns; @left_out is a layer or s->layers. */
static void write_panel(const struct stack *s, const struct plot_input *in,
			const struct plot_time *time, struct plot_output *out, unsigned panel,
			unsigned left_out)
{
	double most = 0, sum, divisor, height;
	const char *label;
	unsigned layer;
	size_t row;

	for (row = 0; row < in->series.rows_count; row++) {
		for (sum = 0, layer = 0; layer < s->layers; layer++)
			sum += layer == left_out ? 0 : s->bytes[row * s->layers + layer];
		most = fmax(most, sum);
	}
	divisor = most >= 0x1p33 ? 0x1p30 : most >= 0x1p20 ? 0x1p20 : 0x1p10;
	label = divisor == 0x1p30   ? "free memory (GiB)"
		: divisor == 0x1p20 ? "free memory (MiB)"
				    : "free memory (KiB)";
	plot_set_element(out->vars, "y_label", panel, label);
	fprintf(out->vars, "y_max[%u] = %.10g\n", panel,
		most > 0 ? plot_nice_ceiling(most * 1.02 / divisor) : 1);
	for (row = 0; row < in->series.rows_count; row++) {
		fprintf(out->data, "%.10g\t0", plot_time_cell(time, in, row));
		for (sum = 0, layer = 0; layer < s->layers; layer++) {
			height = s->bytes[row * s->layers + layer];
			sum += layer == left_out ? 0 : height;
			plot_cell(out->data, sum / divisor);
		}
		fputc('\n', out->data);
	}
	fputs("\n\n", out->data);
}

/* A layer that is empty throughout gets no place in the legend. */
static void hide_empty(struct stack *s, size_t rows)
{
	unsigned layer;

	for (layer = 0; layer < s->layers; layer++)
		if (!(layer_mean(s, rows, layer) > 0))
			s->label[layer][0] = '\0';
}

static void write_stack(const struct stack *s, const struct plot_input *in,
			const struct plot_time *time, struct plot_output *out)
{
	unsigned dominant = dominant_layer(s, in->series.rows_count), layer;
	bool zoom = dominant < s->layers;
	char title[PLOT_LABEL + 32];

	out->panel_rows = zoom ? 2 : 1;
	fprintf(out->vars, "panels = %u\nlayers = %u\n", out->panel_rows, s->layers);
	fprintf(out->vars, "left_out = %u\n", zoom ? dominant + 1 : 0);
	fprintf(out->vars, "array label[%u]\narray color[%u]\n", s->layers, s->layers);
	fprintf(out->vars, "array y_label[2]\narray y_max[2]\narray panel_title[2]\n");
	for (layer = 0; layer < s->layers; layer++) {
		plot_set_element(out->vars, "label", layer + 1, s->label[layer]);
		fprintf(out->vars, "color[%u] = %u\n", layer + 1, s->color[layer]);
	}
	plot_set_element(out->vars, "panel_title", 1, "all free memory");
	fprintf(out->data, "# time, then the upper edge of each layer\n");
	write_panel(s, in, time, out, 1, s->layers);
	if (!zoom)
		return;
	snprintf(title, sizeof(title), "the same without %s", s->label[dominant]);
	plot_set_element(out->vars, "panel_title", 2, title);
	write_panel(s, in, time, out, 2, dominant);
}

/* Draw or skip, and release @s. */
static int finish(struct stack *s, const struct plot_input *in, const struct plot_time *time,
		  struct plot_output *out)
{
	if (s->found)
		write_stack(s, in, time, out);
	else
		snprintf(out->reason, sizeof(out->reason),
			 "series.csv has no block counts of the chosen zones");
	free(s->bytes);
	return s->found ? 0 : 1;
}

static void order_label(char *buf, size_t size, unsigned order)
{
	static const char *const units[] = {"KiB", "MiB"};
	unsigned kib = 4u << order, unit = kib >= 1024;

	snprintf(buf, size, "order %u (%u %s)", order, unit ? kib / 1024 : kib, units[unit]);
}

int plot_free_by_order(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	char prefix[PLOT_LABEL], column[PLOT_LABEL + 32];
	struct plot_time time;
	const cJSON *zone;
	struct stack s;
	unsigned order;

	if (plot_time_init(&time, in, out))
		return 1;
	if (stack_init(&s, in->max_order + 1, in, err))
		return -1;
	for (order = 0; order <= in->max_order; order++) {
		order_label(s.label[order], sizeof(s.label[order]), order);
		/* Spread the 16 shades over the orders that exist. */
		s.color[order] = 1 + (in->max_order ? order * 15 / in->max_order : 0);
	}
	cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(in->run, "zones"))
	{
		if (!plot_zone_selected(in, zone))
			continue;
		plot_zone_prefix(zone, prefix, sizeof(prefix));
		for (order = 0; order <= in->max_order; order++) {
			snprintf(column, sizeof(column), "%s_order%u_blocks", prefix, order);
			stack_add(&s, in, order, column, order);
		}
	}
	plot_set_string(out->vars, "palette", "orders");
	return finish(&s, in, &time, out);
}

int plot_migratetype(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	static const struct {
		const char *column, *label;
	} types[] = {
		{"isolate", "Isolate"},         {"highatomic", "HighAtomic"},
		{"reclaimable", "Reclaimable"}, {"unmovable", "Unmovable"},
		{"movable", "Movable"},
	};
	char prefix[PLOT_LABEL], column[PLOT_LABEL + 64];
	struct plot_time time;
	const cJSON *zone;
	unsigned order, i;
	struct stack s;

	if (plot_time_init(&time, in, out))
		return 1;
	if (stack_init(&s, ARRAY_SIZE(types), in, err))
		return -1;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(s.label[i], sizeof(s.label[i]), "%s", types[i].label);
		s.color[i] = i + 1;
	}
	cJSON_ArrayForEach(zone, cJSON_GetObjectItemCaseSensitive(in->run, "zones"))
	{
		if (!plot_zone_selected(in, zone))
			continue;
		plot_zone_prefix(zone, prefix, sizeof(prefix));
		for (i = 0; i < ARRAY_SIZE(types); i++) {
			for (order = 0; order <= in->max_order; order++) {
				snprintf(column, sizeof(column), "%s_%s_order%u_blocks", prefix,
					 types[i].column, order);
				stack_add(&s, in, i, column, order);
			}
		}
	}
	hide_empty(&s, in->series.rows_count);
	plot_set_string(out->vars, "palette", "types");
	return finish(&s, in, &time, out);
}
