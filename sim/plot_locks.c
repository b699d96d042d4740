/*
 * plot_locks.c - which locks CPUs wait for, and how long they are held.
 *
 * Locks are ranked by the two together, and are in this order in both panels: a lock that is held
 * long and never waited for is as much of interest as one that is fought for. Both are sums over
 * the run, of all CPUs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plot_bars.h"

#define LOCKS_SHOWN 12

enum lock_part { LOCK_WAIT, LOCK_HOLD, LOCK_PARTS };

struct lock_row {
	const char *name;
	double wait_ns, hold_ns, acquired, contended;
};

static int by_time(const void *a, const void *b)
{
	const struct lock_row *x = a, *y = b;
	double p = x->wait_ns + x->hold_ns, q = y->wait_ns + y->hold_ns;

	if (p != q)
		return p < q ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Locks that were ever taken, the most important first; -1 with @err. */
static long read_locks(const struct plot_input *in, struct lock_row **rows, struct err *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(in->run, "locks"), *lock;
	long count = 0;

	*rows = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(**rows));
	if (!*rows)
		return err_set(err, ERR_IO, "out of memory");
	cJSON_ArrayForEach(lock, list)
	{
		struct lock_row *row = &(*rows)[count];
		row->name = plot_text(lock, "name", "unnamed");
		row->wait_ns = fmax(plot_number(lock, "wait_ns_total", 0), 0);
		row->hold_ns = fmax(plot_number(lock, "hold_ns_total", 0), 0);
		row->acquired = plot_number(lock, "acquired_count", 0);
		row->contended = plot_number(lock, "contended_count", 0);
		count += row->acquired > 0;
	}
	qsort(*rows, (size_t)count, sizeof(**rows), by_time);
	return count;
}

static void fill_panel(struct plot_bar_panel *panel, const struct lock_row *rows, long count,
		       enum lock_part part)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
	char time[32], taken[32], contended[32];
	double most = 0, ns;
	unsigned unit = 0;
	long i;

	for (i = 0; i < count; i++)
		most = fmax(most, part == LOCK_WAIT ? rows[i].wait_ns : rows[i].hold_ns);
	while (unit < ARRAY_SIZE(units) - 1 && most < 2 * units[unit].ns)
		unit++;
	panel->unit = units[unit].name;
	panel->count = (unsigned)(count < LOCKS_SHOWN ? count : LOCKS_SHOWN);
	for (i = 0; i < (long)panel->count; i++) {
		struct plot_bar *bar = &panel->bars[i];
		ns = part == LOCK_WAIT ? rows[i].wait_ns : rows[i].hold_ns;
		snprintf(bar->label, sizeof(bar->label), "%.24s", rows[i].name);
		bar->parts[part] = ns / units[unit].ns;
		plot_format_ns(time, sizeof(time), ns);
		plot_format_count(taken, sizeof(taken), rows[i].acquired);
		plot_format_count(contended, sizeof(contended), rows[i].contended);
		if (part == LOCK_WAIT)
			snprintf(bar->note, sizeof(bar->note), "%s, %s waits", time, contended);
		else
			snprintf(bar->note, sizeof(bar->note), "%s, taken %s times", time, taken);
	}
}

static void set_legend(const struct lock_row *rows, long count, struct plot_part *parts)
{
	static const char *const labels[LOCK_PARTS] = {"waited for", "held"};
	double sums[LOCK_PARTS] = {0};
	unsigned part;
	long i;

	for (i = 0; i < count; i++) {
		sums[LOCK_WAIT] += rows[i].wait_ns;
		sums[LOCK_HOLD] += rows[i].hold_ns;
	}
	for (part = 0; part < LOCK_PARTS; part++) {
		snprintf(parts[part].label, PLOT_LABEL, "%s", labels[part]);
		plot_format_ns(parts[part].value, sizeof(parts[part].value), sums[part]);
		parts[part].color = part == LOCK_WAIT ? 11 : 1;
	}
}

int plot_locks(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct plot_bar_panel wait = {.x_label = "waited", .top = 0.86};
	struct plot_bar_panel hold = {.x_label = "held", .bottom = 0.085};
	struct plot_part parts[LOCK_PARTS];
	struct lock_row *rows;
	long count = read_locks(in, &rows, err);

	if (count < 0)
		return -1;
	if (count) {
		wait.bottom = 0.56;
		hold.top = 0.39;
		snprintf(wait.title, sizeof(wait.title), "time that CPUs waited for the lock");
		snprintf(hold.title, sizeof(hold.title), "time that CPUs held it");
		if (count > LOCKS_SHOWN)
			snprintf(wait.title, sizeof(wait.title),
				 "time that CPUs waited for the lock: %d of %ld locks", LOCKS_SHOWN,
				 count);
		fill_panel(&wait, rows, count, LOCK_WAIT);
		fill_panel(&hold, rows, count, LOCK_HOLD);
		set_legend(rows, count, parts);
		plot_bars_begin(out, "parts", 2, parts, LOCK_PARTS);
		plot_bars_panel(out, 1, &wait, LOCK_PARTS);
		plot_bars_panel(out, 2, &hold, LOCK_PARTS);
	} else {
		snprintf(out->reason, sizeof(out->reason), "no lock was ever taken");
	}
	free(rows);
	return count ? 0 : 1;
}
