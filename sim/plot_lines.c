/*
 * plot_lines.c - lines over time: the unusable free space index, and the per-CPU lists.
 *
 * The index for order o says which share of the free memory lies in blocks too small for a request
 * of that order (Gorman and Whitcroft): 0 means that every free page could serve it, 1 that none
 * could. A moment without any free memory has no index and leaves a gap.
 *
 * Each CPU is a line of its own as long as lines can be told apart; beyond that, the highest, the
 * median and the lowest CPU of each moment are drawn.
 */
#include <math.h>
#include <stdlib.h>

#include "sim/plot_data.h"

#define CPU_LINES_MAX 8

static void begin_lines(struct plot_output *out, unsigned lines, const char *palette)
{
	out->panel_rows = 1;
	fprintf(out->vars, "lines_count = %u\narray label[%u]\narray color[%u]\n", lines, lines,
		lines);
	plot_set_string(out->vars, "palette", palette);
}

static void set_line(struct plot_output *out, unsigned line, const char *label, unsigned color)
{
	plot_set_element(out->vars, "label", line, label);
	fprintf(out->vars, "color[%u] = %u\n", line, color);
}

static void set_y(struct plot_output *out, double y_max, const char *label)
{
	fprintf(out->vars, "y_max = %.10g\n", y_max);
	plot_set_string(out->vars, "y_label", label);
}

int plot_unusable_index(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	char label[PLOT_LABEL];
	long columns[ORDER_LIMIT];
	unsigned orders[ORDER_LIMIT], order, lines = 0, i;
	struct plot_time time;
	double value, most = -1;
	size_t row;

	if (plot_time_init(&time, in, out))
		return 1;
	/* Highest first: the index grows with the order, so the legend lies as the lines do. */
	for (order = in->max_order + 1; order-- > 0;) {
		snprintf(label, sizeof(label), "order%u_unusable_index", order);
		columns[lines] = series_column(&in->series, label);
		if (in->orders >> order & 1 && columns[lines] >= 0)
			orders[lines++] = order;
	}
	if (!lines) {
		snprintf(out->reason, sizeof(out->reason),
			 "series.csv has no orderN_unusable_index of the chosen orders");
		return 1;
	}
	begin_lines(out, lines, "lines");
	for (i = 0; i < lines; i++) {
		snprintf(label, sizeof(label), "order %u", orders[i]);
		set_line(out, i + 1, label, i % 8 + 1);
	}
	for (row = 0; row < in->series.rows_count; row++) {
		fprintf(out->data, "%.10g", plot_time_cell(&time, in, row));
		for (i = 0; i < lines; i++) {
			value = series_cell(&in->series, row, (size_t)columns[i]);
			plot_cell(out->data, value);
			most = fmax(most, value);
		}
		fputc('\n', out->data);
	}
	if (most < 0) {
		snprintf(out->reason, sizeof(out->reason), "no memory is free at any sample");
		return 1;
	}
	set_y(out, most > 0.4 ? 1 : plot_nice_ceiling(fmax(most * 1.1, 0.01)),
	      "unusable free space index (0 = all usable, 1 = none; lower is better)");
	return 0;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The cells of one row; with many CPUs, their highest, median and lowest. */
static unsigned pcp_row(const struct plot_input *in, size_t row, const long *columns, unsigned cpus,
			double *values)
{
	unsigned i;

	for (i = 0; i < cpus; i++) {
		values[i] = series_cell(&in->series, row, (size_t)columns[i]);
		if (isnan(values[i]))
			values[i] = 0;
	}
	if (cpus <= CPU_LINES_MAX)
		return cpus;
	qsort(values, cpus, sizeof(*values), compare_doubles);
	values[1] = values[cpus / 2];
	values[2] = values[0];
	values[0] = values[cpus - 1];
	return 3;
}

static void label_cpus(struct plot_output *out, const unsigned *numbers, unsigned cpus)
{
	static const char *const summary[] = {"highest CPU", "median CPU", "lowest CPU"};
	unsigned lines = cpus <= CPU_LINES_MAX ? cpus : ARRAY_SIZE(summary), i;
	char label[PLOT_LABEL];

	begin_lines(out, lines, "lines");
	for (i = 0; i < lines; i++) {
		snprintf(label, sizeof(label), "CPU %u", numbers[i]);
		set_line(out, i + 1, cpus <= CPU_LINES_MAX ? label : summary[i], i + 1);
	}
}

int plot_pcp_contents(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	unsigned numbers[CPUS_LIMIT], cpu, cpus = 0, lines, i;
	double values[CPUS_LIMIT], most = 0;
	long columns[CPUS_LIMIT];
	struct plot_time time;
	char name[PLOT_LABEL];
	size_t row;

	if (plot_time_init(&time, in, out))
		return 1;
	for (cpu = 0; cpu < CPUS_LIMIT; cpu++) {
		snprintf(name, sizeof(name), "cpu%u_pcp_pages", cpu);
		columns[cpus] = series_column(&in->series, name);
		if (columns[cpus] >= 0)
			numbers[cpus++] = cpu;
	}
	if (!cpus) {
		snprintf(out->reason, sizeof(out->reason),
			 "series.csv has no column cpuN_pcp_pages");
		return 1;
	}
	label_cpus(out, numbers, cpus);
	for (row = 0; row < in->series.rows_count; row++) {
		fprintf(out->data, "%.10g", plot_time_cell(&time, in, row));
		lines = pcp_row(in, row, columns, cpus, values);
		for (i = 0; i < lines; i++) {
			plot_cell(out->data, values[i]);
			most = fmax(most, values[i]);
		}
		fputc('\n', out->data);
	}
	set_y(out, plot_nice_ceiling(fmax(most * 1.05, 1)),
	      "free pages on the CPU's lists (pages of 4 KiB)");
	return 0;
}
