/*
 * plot_misses.c - misses of caches and TLBs over time.
 *
 * machine.csv has sums since the start. A point of a line is the share of misses among the accesses
 * between its sample and the one before, in percent; an interval without accesses has no point.
 * Each level of caches is measured by what reached it: of 100 accesses of which 10 miss the first
 * level and 5 of these the second, the lines are at 10 % and 50 %.
 */
#include <math.h>
#include <string.h>

#include "hw/machine.h"
#include "sim/plot_data.h"

#define LINES_MAX (HW_CACHES + 2)

/* Misses and accesses, in columns of machine.csv. */
struct line {
	char label[PLOT_LABEL];
	long misses, accesses;
	long hits; /* >= 0: misses are accesses without these */
	unsigned panel, color;
};

static long column(const struct plot_input *in, const char *name)
{
	return series_column(&in->machine, name);
}

static unsigned find_caches(const struct plot_input *in, struct line *lines)
{
	const cJSON *system = cJSON_GetObjectItemCaseSensitive(in->run, "memory_system");
	const cJSON *caches = cJSON_GetObjectItemCaseSensitive(system, "caches");
	char name[PLOT_LABEL];
	unsigned count = 0, i;

	for (i = 0; i < HW_CACHES; i++) {
		struct line *l = &lines[count];
		*l = (struct line){.hits = -1, .panel = 1, .color = i + 1};
		snprintf(name, sizeof(name), "cache%u_misses_count", i + 1);
		l->misses = column(in, name);
		snprintf(name, sizeof(name), "cache%u_accesses_count", i + 1);
		l->accesses = column(in, name);
		snprintf(name, sizeof(name), "level %u", i + 1);
		snprintf(l->label, sizeof(l->label), "%.40s",
			 plot_text(cJSON_GetArrayItem(caches, (int)i), "name", name));
		count += l->misses >= 0 && l->accesses >= 0;
	}
	return count;
}

static unsigned find_tlbs(const struct plot_input *in, struct line *lines, unsigned panel)
{
	long translations = column(in, "translations_count");
	long hits = column(in, "tlb1_hits_count"), walks = column(in, "walks_count");
	size_t last = in->machine.rows_count - 1;

	if (translations < 0 || hits < 0 || walks < 0 ||
	    !(series_cell(&in->machine, last, (size_t)translations) > 0))
		return 0;
	lines[0] = (struct line){.label = "level 1",
				 .accesses = translations,
				 .hits = hits,
				 .panel = panel,
				 .color = 5};
	lines[1] = (struct line){.label = "both (page walks)",
				 .accesses = translations,
				 .misses = walks,
				 .hits = -1,
				 .panel = panel,
				 .color = 6};
	return 2;
}

/* Growth of a column from the row before. */
static double growth(const struct plot_input *in, size_t row, long column)
{
	return series_cell(&in->machine, row, (size_t)column) -
	       series_cell(&in->machine, row - 1, (size_t)column);
}

/* Percent; NAN without accesses. */
static double missed(const struct plot_input *in, size_t row, const struct line *l)
{
	double accesses = growth(in, row, l->accesses);
	double misses =
		l->hits >= 0 ? accesses - growth(in, row, l->hits) : growth(in, row, l->misses);

	return accesses > 0 ? 100 * misses / accesses : NAN;
}

static void write_panel(const struct plot_input *in, const struct plot_time *time,
			const struct line *lines, unsigned first, unsigned end,
			struct plot_output *out)
{
	unsigned panel = lines[first].panel, i;
	double most = 0, value;
	size_t row;

	fprintf(out->vars, "first[%u] = %u\nlast[%u] = %u\n", panel, first + 1, panel, end);
	for (i = first; i < end; i++) {
		plot_set_element(out->vars, "label", i + 1, lines[i].label);
		fprintf(out->vars, "color[%u] = %u\n", i + 1, lines[i].color);
	}
	fprintf(out->data, "# time, then percent missed by line\n");
	for (row = 1; row < in->machine.rows_count; row++) {
		fprintf(out->data, "%.10g", plot_time_cell(time, in, row));
		for (i = first; i < end; i++) {
			value = missed(in, row, &lines[i]);
			plot_cell(out->data, value);
			most = fmax(most, value);
		}
		fputc('\n', out->data);
	}
	fputs("\n\n", out->data);
	fprintf(out->vars, "y_max[%u] = %.10g\n", panel,
		most > 60 ? 100 : plot_nice_ceiling(fmax(most * 1.08, 0.001)));
}

/* Did @column count anything that a line would show? */
static bool moves(const struct plot_input *in, long column)
{
	size_t rows = in->machine.rows_count;

	return rows > 1 && series_cell(&in->machine, rows - 1, (size_t)column) >
				   series_cell(&in->machine, 0, (size_t)column);
}

int plot_miss_rates(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct line lines[LINES_MAX];
	struct plot_time time;
	unsigned caches, tlbs;

	if (!in->has_machine) {
		snprintf(out->reason, sizeof(out->reason),
			 "the result has no machine.csv: no caches, or no samples");
		return 1;
	}
	if (plot_time_init(&time, in, out))
		return 1;
	if (in->machine.rows_count != in->series.rows_count)
		return err_set(err, ERR_TRACE,
			       "%s/machine.csv: %zu rows, but series.csv has %zu samples", in->dir,
			       in->machine.rows_count, in->series.rows_count);
	caches = find_caches(in, lines);
	if (!caches) {
		snprintf(out->reason, sizeof(out->reason), "machine.csv has no columns of caches");
		return 1;
	}
	if (!moves(in, lines[0].accesses)) {
		snprintf(out->reason, sizeof(out->reason), "no CPU accessed memory");
		return 1;
	}
	tlbs = find_tlbs(in, lines + caches, 2);
	if (tlbs && !moves(in, lines[caches].accesses))
		tlbs = 0;
	out->panel_rows = tlbs ? 2 : 1;
	fprintf(out->vars,
		"panels = %u\narray panel_title[2]\narray first[2]\narray last[2]\n"
		"array y_max[2]\narray label[%u]\narray color[%u]\n",
		out->panel_rows, LINES_MAX, LINES_MAX);
	plot_set_string(out->vars, "y_label", "misses (%)");
	plot_set_element(out->vars, "panel_title", 1,
			 "caches: misses in percent of what reached the level");
	plot_set_element(out->vars, "panel_title", 2, "TLB: misses in percent of all translations");
	write_panel(in, &time, lines, 0, caches, out);
	if (tlbs)
		write_panel(in, &time, lines, caches, caches + tlbs, out);
	return 0;
}
