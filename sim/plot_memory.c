/*
 * plot_memory.c - where memory went: the picture to open first, and what wastes it.
 *
 * `memory` divides all managed memory at the start, at the moment of least free memory, and at the
 * end; a second panel divides the part that objects hold, by cache. What is neither free nor on a
 * per-CPU list nor held by the workload's pages and objects has been in use since before the start,
 * and nothing is known about it.
 *
 * Machines are large and workloads small, so where most memory is free the axis ends a bit beyond
 * what is in use, and the title says that all beyond it is free.
 *
 * `waste` sorts caches by what they hold and nobody asked for, and shows beside that what slabs pin
 * that one live object holds, or none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plot_bars.h"

#define CACHES_SHOWN 12
#define PINNED_SHOWN 8

/* Parts of held memory, in the order of object_bytes.h. */
static const struct {
	const char *key, *label;
} held_parts[] = {
	{"requested_bytes", "objects, as requested"},
	{"class_rounding_bytes", "class rounding"},
	{"object_overhead_bytes", "overhead of objects"},
	{"free_objects_bytes", "free objects"},
	{"slab_tail_bytes", "tails of slabs"},
};
#define HELD_PARTS ARRAY_SIZE(held_parts)

/* --- caches ----------------------------------------------------------------------------------- */

struct cache_row {
	const cJSON *json;
	double size; /* sorted by this, largest first */
};

static int compare_rows(const void *a, const void *b)
{
	const struct cache_row *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(plot_text(x->json, "name", ""), plot_text(y->json, "name", ""));
}

static double pinned_single(const cJSON *cache)
{
	return plot_number(cache, "single_pages", 0) * PAGE_BYTES;
}

static double pinned_empty(const cJSON *cache)
{
	double order = fmin(fmax(plot_number(cache, "slab_order", 0), 0), ORDER_LIMIT);

	return ldexp(plot_number(cache, "slabs_empty_count", 0) * PAGE_BYTES, (int)order);
}

static double size_held(const cJSON *cache)
{
	return plot_number(cache, "held_bytes", 0);
}

static double size_waste(const cJSON *cache)
{
	return plot_number(cache, "waste_bytes", 0);
}

static double size_pinned(const cJSON *cache)
{
	return pinned_single(cache) + pinned_empty(cache);
}

/* All caches with a size, sorted; the caller frees *@rows. The count, or -1. */
static long sort_caches(const struct plot_input *in, double (*size)(const cJSON *cache),
			struct cache_row **rows, struct err *err)
{
	const cJSON *caches = cJSON_GetObjectItemCaseSensitive(in->run, "caches"), *cache;
	long count = 0;

	*rows = calloc((size_t)cJSON_GetArraySize(caches) + 1, sizeof(**rows));
	if (!*rows)
		return err_set(err, ERR_NO_INPUT, "%s: out of memory", in->dir);
	cJSON_ArrayForEach(cache, caches)
	{
		if (size(cache) > 0)
			(*rows)[count++] = (struct cache_row){cache, size(cache)};
	}
	qsort(*rows, (size_t)count, sizeof(**rows), compare_rows);
	return count;
}

/* Name of a bar: the cache, or how many are added up. */
static void set_label(struct plot_bar *bar, const struct cache_row *row, long others)
{
	if (others > 0)
		snprintf(bar->label, sizeof(bar->label), "%ld others", others);
	else
		snprintf(bar->label, sizeof(bar->label), "%.28s",
			 plot_text(row->json, "name", "unnamed"));
}

static double bar_sum(const struct plot_bar *bar)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < BAR_PARTS_MAX; i++)
		sum += bar->parts[i];
	return sum;
}

/*
 * The first @shown rows as bars, the others as one more. @fill adds the parts of a cache, @note
 * describes the whole.
 */
static void fill_panel(struct plot_bar_panel *panel, const struct cache_row *rows, long count,
		       long shown, void (*fill)(struct plot_bar *bar, const cJSON *cache),
		       void (*note)(struct plot_bar *bar))
{
	struct plot_bar *bar = NULL;
	long i;

	shown = count == shown + 1 ? count : shown;
	while (shown < count && shown > 1 && rows[shown - 1].size < rows[0].size / 500)
		shown--;
	for (i = 0; i < count; i++) {
		if (i <= shown) {
			bar = &panel->bars[panel->count++];
			set_label(bar, &rows[i], i == shown ? count - shown : 0);
		}
		fill(bar, rows[i].json);
	}
	for (i = 0; i < (long)panel->count; i++)
		note(&panel->bars[i]);
}

/* --- memory ----------------------------------------------------------------------------------- */

enum memory_part {
	MEMORY_UNKNOWN,
	MEMORY_PAGES,
	MEMORY_REQUESTED, /* and the wastes, HELD_PARTS in all */
	MEMORY_LARGE = MEMORY_REQUESTED + HELD_PARTS,
	MEMORY_PCP,
	MEMORY_FREE,
	MEMORY_PARTS,
};

/* Sizes at one moment; the parts of large requests are taken out of those of objects. */
struct moment {
	double managed, free, pcp, pages, large, held[HELD_PARTS];
};

static void set_moment(struct plot_bar *bar, const struct moment *m)
{
	double known = m->free + m->pcp + m->pages + m->large;
	unsigned i;

	for (i = 0; i < HELD_PARTS; i++) {
		bar->parts[MEMORY_REQUESTED + i] = m->held[i];
		known += m->held[i];
	}
	bar->parts[MEMORY_PAGES] = m->pages;
	bar->parts[MEMORY_LARGE] = m->large;
	bar->parts[MEMORY_PCP] = m->pcp;
	bar->parts[MEMORY_FREE] = m->free;
	bar->parts[MEMORY_UNKNOWN] = fmax(m->managed - known, 0);
}

static double sum_of(const cJSON *array, const char *key)
{
	const cJSON *element;
	double sum = 0;

	cJSON_ArrayForEach(element, array) sum += plot_number(element, key, 0);
	return sum;
}

static const cJSON *large_requests(const struct plot_input *in)
{
	const cJSON *caches = cJSON_GetObjectItemCaseSensitive(in->run, "caches"), *cache;

	cJSON_ArrayForEach(cache, caches)
	{
		if (!strcmp(plot_text(cache, "name", ""), "kmalloc-large"))
			return cache;
	}
	return NULL;
}

static void end_moment(const struct plot_input *in, struct moment *m)
{
	const cJSON *run = in->run, *large = large_requests(in);
	const cJSON *objects = cJSON_GetObjectItemCaseSensitive(run, "objects");
	const cJSON *zones = cJSON_GetObjectItemCaseSensitive(run, "zones");
	unsigned i;

	m->managed = sum_of(zones, "managed_pages") * PAGE_BYTES;
	m->free = sum_of(zones, "free_pages") * PAGE_BYTES;
	m->pcp = sum_of(cJSON_GetObjectItemCaseSensitive(run, "pcp"), "count_pages") * PAGE_BYTES;
	m->pages = plot_number(cJSON_GetObjectItemCaseSensitive(run, "totals"), "held_pages", 0) *
		   PAGE_BYTES;
	m->large = plot_number(large, "held_bytes", 0);
	for (i = 0; i < HELD_PARTS; i++)
		m->held[i] = plot_number(objects, held_parts[i].key, 0) -
			     plot_number(large, held_parts[i].key, 0);
}

static double cell(const struct series *s, size_t row, const char *column)
{
	long index = series_column(s, column);

	return index < 0 ? 0 : fmax(series_cell(s, row, (size_t)index), 0);
}

static double free_at(const struct series *s, size_t row)
{
	static const char end[] = "_free_pages";
	double sum = 0;
	size_t i, length;

	for (i = 0; i < s->columns_count; i++) {
		length = strlen(s->names[i]);
		if (length > sizeof(end) - 1 &&
		    !strcmp(s->names[i] + length - (sizeof(end) - 1), end))
			sum += fmax(series_cell(s, row, i), 0);
	}
	return sum * PAGE_BYTES;
}

/* A row of the series. */
static void sample_moment(const struct plot_input *in, size_t row, double managed, struct moment *m)
{
	const struct series *s = &in->series;
	char column[PLOT_LABEL];
	double large;
	unsigned i;

	m->managed = managed;
	m->free = free_at(s, row);
	m->pcp = cell(s, row, "pcp_pages") * PAGE_BYTES;
	m->pages = cell(s, row, "workload_pages") * PAGE_BYTES;
	m->large = cell(s, row, "objects_large_bytes");
	large = fmin(cell(s, row, "objects_large_requested_bytes"), m->large);
	for (i = 0; i < HELD_PARTS; i++) {
		snprintf(column, sizeof(column), "objects_%s", held_parts[i].key);
		m->held[i] = cell(s, row, column);
	}
	m->held[0] -= large;
	m->held[1] -= m->large - large;
}

/* The sample with the least free memory. */
static size_t fullest(const struct plot_input *in)
{
	size_t row, found = 0;

	for (row = 1; row < in->series.rows_count; row++)
		if (free_at(&in->series, row) < free_at(&in->series, found))
			found = row;
	return found;
}

static void note_free(struct plot_bar *bar)
{
	double gib = bar->parts[MEMORY_FREE] / (double)(1 << 30);
	char size[24];

	plot_format_bytes(size, sizeof(size), bar->parts[MEMORY_FREE]);
	if (gib >= 1) /* the moments differ by less than what that rounds to */
		snprintf(size, sizeof(size), "%.2f GiB", gib);
	snprintf(bar->note, sizeof(bar->note), "%s free", size);
}

/* Start and fullest moment, as far as there are samples, and the end; parts in the legend. */
static void fill_moments(const struct plot_input *in, struct plot_bar_panel *panel,
			 struct moment *end)
{
	struct moment m;
	size_t row = in->has_series && in->series.rows_count ? fullest(in) : 0;
	char at[24];

	end_moment(in, end);
	if (in->has_series && in->series.rows_count > 1) {
		sample_moment(in, 0, end->managed, &m);
		snprintf(panel->bars[0].label, PLOT_LABEL, "start");
		set_moment(&panel->bars[panel->count++], &m);
	}
	if (row > 0 && row + 1 < in->series.rows_count) {
		sample_moment(in, row, end->managed, &m);
		plot_format_ns(at, sizeof(at), cell(&in->series, row, "time_ns"));
		snprintf(panel->bars[panel->count].label, PLOT_LABEL, "least free, at %s", at);
		set_moment(&panel->bars[panel->count++], &m);
	}
	snprintf(panel->bars[panel->count].label, PLOT_LABEL, "end");
	set_moment(&panel->bars[panel->count++], end);
}

/* Where the axis ends, and what the title says about it. */
static void cut_axis(struct plot_bar_panel *panel, double managed)
{
	double used = 0;
	char all[24], end[24];
	unsigned i;

	for (i = 0; i < panel->count; i++) {
		used = fmax(used, bar_sum(&panel->bars[i]) - panel->bars[i].parts[MEMORY_FREE]);
		note_free(&panel->bars[i]);
	}
	plot_format_bytes(all, sizeof(all), managed);
	if (used > 0.6 * managed || !(used > 0)) {
		snprintf(panel->title, sizeof(panel->title), "all memory, %s", all);
		return;
	}
	panel->end = used * 1.12;
	plot_format_bytes(end, sizeof(end), panel->end);
	snprintf(panel->title, sizeof(panel->title),
		 "all memory, %s; bars end at %s, what is beyond is free", all, end);
}

static void set_legend(struct plot_part *parts, const struct plot_bar *end, double managed)
{
	static const struct {
		const char *label;
		unsigned color;
	} others[] = {
		[MEMORY_UNKNOWN] = {"in use before the start", 6},
		[MEMORY_PAGES] = {"pages of the workload", 7},
		[MEMORY_LARGE] = {"large kmalloc", 8},
		[MEMORY_PCP] = {"on per-CPU lists", 9},
		[MEMORY_FREE] = {"free", 10},
	};
	char size[24];
	unsigned i, held;

	for (i = 0; i < MEMORY_PARTS; i++) {
		held = i - MEMORY_REQUESTED;
		plot_format_bytes(size, sizeof(size), end->parts[i]);
		snprintf(parts[i].label, PLOT_LABEL, "%s",
			 held < HELD_PARTS ? held_parts[held].label : others[i].label);
		if (end->parts[i] < managed / 1000)
			snprintf(parts[i].value, sizeof(parts[i].value), "%s", size);
		else
			snprintf(parts[i].value, sizeof(parts[i].value), "%s, %.1f %%", size,
				 100 * end->parts[i] / managed);
		parts[i].color = held < HELD_PARTS ? held + 1 : others[i].color;
	}
}

static void fill_held(struct plot_bar *bar, const cJSON *cache)
{
	bool large = !strcmp(plot_text(cache, "name", ""), "kmalloc-large");
	unsigned i;

	for (i = 0; i < HELD_PARTS; i++)
		bar->parts[large ? MEMORY_LARGE : MEMORY_REQUESTED + i] +=
			plot_number(cache, held_parts[i].key, 0);
}

static void note_held(struct plot_bar *bar)
{
	double held = bar_sum(bar);
	char size[24];

	plot_format_bytes(size, sizeof(size), held);
	if (bar->parts[MEMORY_LARGE] > 0.5 * held)
		snprintf(bar->note, sizeof(bar->note), "%s", size);
	else
		snprintf(bar->note, sizeof(bar->note), "%s, %.0f %% requested", size,
			 100 * bar->parts[MEMORY_REQUESTED] / held);
}

static bool has_objects(const struct plot_input *in, struct plot_output *out)
{
	if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(in->run, "objects")))
		return true;
	snprintf(out->reason, sizeof(out->reason), "the run has no objects");
	return false;
}

int plot_memory(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct plot_bar_panel all = {.x_label = "memory", .bottom = 0.7, .top = 0.86};
	struct plot_bar_panel caches = {.x_label = "memory held by objects", .bottom = 0.085};
	struct plot_part parts[MEMORY_PARTS];
	struct cache_row *rows;
	struct moment end;
	char held[24];
	long count;

	if (!has_objects(in, out))
		return 1;
	count = sort_caches(in, size_held, &rows, err);
	if (count < 0)
		return -1;
	fill_moments(in, &all, &end);
	set_legend(parts, &all.bars[all.count - 1], end.managed);
	cut_axis(&all, end.managed);
	fill_panel(&caches, rows, count, CACHES_SHOWN, fill_held, note_held);
	free(rows);
	caches.top = 0.53;
	plot_format_bytes(
		held, sizeof(held),
		plot_number(cJSON_GetObjectItemCaseSensitive(in->run, "objects"), "held_bytes", 0));
	snprintf(caches.title, sizeof(caches.title), "held by objects at the end: %s, by cache",
		 held);
	plot_bars_begin(out, "parts", count ? 2 : 1, parts, MEMORY_PARTS);
	plot_bars_panel(out, 1, &all, MEMORY_PARTS);
	if (count)
		plot_bars_panel(out, 2, &caches, MEMORY_PARTS);
	return 0;
}

/* --- waste ------------------------------------------------------------------------------------ */

enum waste_part { WASTE_SINGLE = HELD_PARTS - 1, WASTE_EMPTY, WASTE_PARTS };

static void fill_waste(struct plot_bar *bar, const cJSON *cache)
{
	unsigned i;

	for (i = 1; i < HELD_PARTS; i++)
		bar->parts[i - 1] += plot_number(cache, held_parts[i].key, 0);
}

static void note_size(struct plot_bar *bar)
{
	plot_format_bytes(bar->note, sizeof(bar->note), bar_sum(bar));
}

static void fill_pinned(struct plot_bar *bar, const cJSON *cache)
{
	bar->parts[WASTE_SINGLE] += pinned_single(cache);
	bar->parts[WASTE_EMPTY] += pinned_empty(cache);
}

static void set_waste_legend(const struct plot_input *in, double empty, struct plot_part *parts)
{
	const cJSON *objects = cJSON_GetObjectItemCaseSensitive(in->run, "objects");
	char size[24];
	unsigned i;

	for (i = 1; i < HELD_PARTS; i++) {
		plot_format_bytes(size, sizeof(size), plot_number(objects, held_parts[i].key, 0));
		snprintf(parts[i - 1].label, PLOT_LABEL, "%s", held_parts[i].label);
		snprintf(parts[i - 1].value, sizeof(parts[i - 1].value), "%s", size);
		parts[i - 1].color = i + 1;
	}
	plot_format_bytes(size, sizeof(size), plot_number(objects, "single_pages", 0) * PAGE_BYTES);
	snprintf(parts[WASTE_SINGLE].label, PLOT_LABEL, "slabs of one object");
	snprintf(parts[WASTE_SINGLE].value, sizeof(parts[WASTE_SINGLE].value), "%s", size);
	parts[WASTE_SINGLE].color = 11;
	snprintf(parts[WASTE_EMPTY].label, PLOT_LABEL, "empty slabs");
	plot_format_bytes(size, sizeof(size), empty);
	snprintf(parts[WASTE_EMPTY].value, sizeof(parts[WASTE_EMPTY].value), "%s", size);
	parts[WASTE_EMPTY].color = 12;
}

int plot_waste(const struct plot_input *in, struct plot_output *out, struct err *err)
{
	struct plot_bar_panel waste = {.x_label = "held and not requested", .top = 0.86};
	struct plot_bar_panel pinned = {.x_label = "in such slabs", .bottom = 0.085, .top = 0.36};
	struct plot_part parts[WASTE_PARTS];
	struct cache_row *rows;
	long wasting, pinning;
	double empty = 0;
	unsigned i;

	if (!has_objects(in, out))
		return 1;
	wasting = sort_caches(in, size_waste, &rows, err);
	if (wasting < 0)
		return -1;
	fill_panel(&waste, rows, wasting, CACHES_SHOWN, fill_waste, note_size);
	free(rows);
	pinning = sort_caches(in, size_pinned, &rows, err);
	if (pinning < 0)
		return -1;
	fill_panel(&pinned, rows, pinning, PINNED_SHOWN, fill_pinned, note_size);
	free(rows);
	if (!wasting) {
		snprintf(out->reason, sizeof(out->reason), "no cache wastes memory");
		return 1;
	}
	waste.bottom = pinning ? 0.53 : 0.085;
	snprintf(waste.title, sizeof(waste.title), "waste at the end, by cache and cause");
	snprintf(pinned.title, sizeof(pinned.title),
		 "slabs that are all but empty: held by one live object, or kept by none");
	for (i = 0; i < pinned.count; i++)
		empty += pinned.bars[i].parts[WASTE_EMPTY];
	set_waste_legend(in, empty, parts);
	plot_bars_begin(out, "parts", pinning ? 2 : 1, parts, WASTE_PARTS);
	plot_bars_panel(out, 1, &waste, WASTE_PARTS);
	if (pinning)
		plot_bars_panel(out, 2, &pinned, WASTE_PARTS);
	return 0;
}
