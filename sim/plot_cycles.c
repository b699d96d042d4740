/*
 * plot_cycles.c - cycles per operation by cause: of all CPUs together, and of each.
 *
 * Waiting is time in which nothing is charged; the picture has it in cycles of the CPU's clock, so
 * that a bar is all that an operation took. Periodic work and interrupts are spread over the
 * operations. Causes without any time are left out of the legend.
 *
 * Of more CPUs than fit, those at even steps of the ranking by length are drawn, from the longest
 * to the shortest: with 64 CPUs and 12 bars places 1, 7, 12, .. 64.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cycles.h"
#include "sim/plot_bars.h"

#define CPUS_SHOWN  12
#define CAUSES      (CYCLE_PARTS + 2) /* and waiting for locks, for IPIs */
#define WAITS_FIRST CYCLE_PARTS

_Static_assert(CAUSES <= BAR_PARTS_MAX, "a bar has a part for each cause");

static const struct {
	const char *key, *label;
} waits[] = {
	{"lock_wait_ns", "waiting for locks"},
	{"ipi_wait_ns", "waiting for IPIs"},
};

/* A bar in the making: cycles of @json by cause, divided by @ops. */
struct row {
	const cJSON *json;
	double ops, sum; /* cycles per operation */
	double parts[CAUSES];
};

static void fill_row(struct row *row, const cJSON *json, double ops, double khz)
{
	char key[48];
	unsigned i;

	row->json = json;
	row->ops = ops;
	row->sum = 0;
	for (i = 0; i < CAUSES; i++) {
		if (i < CYCLE_PARTS) {
			snprintf(key, sizeof(key), "%s_cycles", cycle_parts[i].name);
			row->parts[i] = plot_number(json, key, 0);
		} else {
			row->parts[i] =
				plot_number(json, waits[i - WAITS_FIRST].key, 0) * khz / 1e6;
		}
		row->parts[i] = fmax(row->parts[i], 0) / ops;
		row->sum += row->parts[i];
	}
}

static int by_sum(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->sum != y->sum)
		return x->sum < y->sum ? 1 : -1;
	return plot_number(x->json, "cpu", 0) < plot_number(y->json, "cpu", 0) ? -1 : 1;
}

static void set_bar(struct plot_bar *bar, const struct row *row, const unsigned *shown,
		    unsigned shown_count, double khz)
{
	char time[32];
	unsigned i;

	for (i = 0; i < shown_count; i++)
		bar->parts[i] = row->parts[shown[i]];
	plot_format_ns(time, sizeof(time), row->sum * 1e6 / khz);
	snprintf(bar->note, sizeof(bar->note), "%.*f, %s", row->sum < 99.95 ? 1 : 0, row->sum,
		 time);
}

/* The legend: causes that took time, with their shares. Returns their number. */
static unsigned choose_parts(const struct row *all, struct plot_part *parts, unsigned *shown)
{
	unsigned count = 0, i;

	for (i = 0; i < CAUSES; i++) {
		if (!(all->parts[i] > 0))
			continue;
		snprintf(parts[count].label, PLOT_LABEL, "%s",
			 i < CYCLE_PARTS ? cycle_parts[i].label : waits[i - WAITS_FIRST].label);
		snprintf(parts[count].value, sizeof(parts[count].value), "%.1f %%",
			 100 * all->parts[i] / all->sum);
		parts[count].color = i + 1;
		shown[count++] = i;
	}
	return count;
}

/* The rows of CPUs that did anything. Returns their number, or -1 with @err. */
static long read_cpus(const struct plot_input *in, const cJSON *cycles, double khz,
		      struct row **rows, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(cycles, "cpus"), *cpu;
	const cJSON *ops = cJSON_GetObjectItemCaseSensitive(in->run, "cpus");
	int size = cJSON_GetArraySize(list), i = 0;
	long count = 0;
	double done;

	*rows = calloc((size_t)size + 1, sizeof(**rows));
	if (!*rows)
		return err_set(err, ERR_IO, "out of memory");
	cJSON_ArrayForEach(cpu, list)
	{
		done = plot_number(cJSON_GetArrayItem(ops, i++), "ops_count", 0);
		if (done > 0)
			fill_row(&(*rows)[count++], cpu, done, khz);
	}
	return count;
}

static void write_panel(struct plot_output *out, const struct row *all, const struct row *rows,
			long count, double khz)
{
	struct plot_bar_panel panel = {
		.x_label = "time per operation",
		.unit = "cycles",
		.bottom = 0.085,
		.top = 0.86,
	};
	long bars = count <= CPUS_SHOWN ? count : CPUS_SHOWN, i, place;
	struct plot_part parts[CAUSES];
	unsigned shown[CAUSES], shown_count = choose_parts(all, parts, shown);

	if (count > bars)
		snprintf(panel.title, sizeof(panel.title),
			 "all CPUs, and %ld of %ld, from the slowest to the fastest", bars, count);
	else
		snprintf(panel.title, sizeof(panel.title), "all CPUs together, and each");
	snprintf(panel.bars[0].label, PLOT_LABEL, "all CPUs");
	set_bar(&panel.bars[0], all, shown, shown_count, khz);
	for (i = 0; i < bars; i++) {
		place = count > bars ? (i * (count - 1) + (bars - 1) / 2) / (bars - 1) : i;
		snprintf(panel.bars[i + 1].label, PLOT_LABEL, "CPU %.0f",
			 plot_number(rows[place].json, "cpu", 0));
		set_bar(&panel.bars[i + 1], &rows[place], shown, shown_count, khz);
	}
	panel.count = (unsigned)bars + 1;
	plot_bars_begin(out, "causes", 1, parts, shown_count);
	plot_bars_panel(out, 1, &panel, shown_count);
}

int plot_cycles(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	const cJSON *cycles = cJSON_GetObjectItemCaseSensitive(in->run, "cycles");
	const cJSON *machine = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(in->run, "config"), "machine");
	const cJSON *totals = cJSON_GetObjectItemCaseSensitive(in->run, "totals");
	double khz = plot_number(machine, "cpu_khz", 0);
	double ops = plot_number(totals, "ops_count", 0);
	struct row all, *rows;
	long count;

	if (!cJSON_IsObject(cycles) || !(khz > 0) || !(ops > 0)) {
		snprintf(out->reason, sizeof(out->reason),
			 ops > 0 ? "run.json has no cycles" : "there are no operations");
		return 1;
	}
	fill_row(&all, cycles, ops, khz);
	if (!(all.sum > 0)) {
		snprintf(out->reason, sizeof(out->reason), "no operation took any time");
		return 1;
	}
	count = read_cpus(in, cycles, khz, &rows, err);
	if (count < 0)
		return -1;
	if (count > CPUS_SHOWN)
		qsort(rows, (size_t)count, sizeof(*rows), by_sum);
	write_panel(out, &all, rows, count, khz);
	free(rows);
	return 0;
}
