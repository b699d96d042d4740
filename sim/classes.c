/*
 * classes.c - the kmalloc size classes that waste least on the requests of a trace: see classes.h.
 *
 * The trace is reduced to a table by size: how often it was asked for, and for how long in all such
 * objects lived. An object lives from its allocation to its free, or to the end of the trace if it
 * has none. alloc/size_class.h finds the best set for either weight; with lifetimes it is the one
 * that holds least on average:
 *
 *   average waste = sum over requests of (class - size) * lifetime / span of the trace
 *
 * Example: in a trace of 100 us, a request of 20 bytes that lives 50 us and one of 30 bytes that
 * lives 100 us. Class 32 wastes 12 + 2 bytes on the requests, and holds 12 * 0.5 + 2 * 1 = 8 bytes
 * of waste on average.
 *
 * Every set is judged by both. A request above the largest class of a set gets 2^order pages, as
 * from kmalloc.
 *
 * What it leaves out: the memory that is held besides rounding. More classes strand more free
 * objects, and some classes leave ends of slabs; only a run tells.
 */
#include "sim/classes.h"

#include <stdlib.h>

#include "alloc/size_class.h"

__extension__ typedef unsigned __int128 u128;

/* Lifetimes of all requests are scaled below this, so that times a class they fit 64 bits. */
#define LIFETIME_END ((u128)1 << 46)

struct size_tally {
	uint64_t count;
	u128 lifetime_ns; /* 2^32 objects of 2^64 ns at most; times any size it fits */
};

/* When each object is freed, by id; the end of the trace if it is not. NULL: out of memory. */
static uint64_t *find_ends(const struct trace *t)
{
	uint64_t *ends = malloc((t->ids_count ? t->ids_count : 1) * sizeof(*ends));
	if (!ends)
		return NULL;
	for (uint64_t id = 0; id < t->ids_count; id++)
		ends[id] = t->span_ns;
	for (unsigned cpu = 0; cpu < t->cpus_count; cpu++) {
		for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
			const struct trace_rec *r = &t->ops[cpu][i];
			if (r->kind == TRACE_OBJECT_FREE && r->id != TRACE_ID_NONE)
				ends[r->id] = r->time_ns;
		}
	}
	return ends;
}

static void tally_request(const struct trace_rec *r, const uint64_t *ends,
			  struct size_tally *sizes, struct classes_report *report)
{
	if (r->flags & TRACE_F_FAILED) {
		report->failed_count++;
	} else if (!r->aux) {
		report->zero_count++;
	} else if (r->aux > report->options.request_bytes_max) {
		report->large_count++;
	} else {
		report->requests_count++;
		report->requested_bytes += r->aux;
		sizes[r->aux].count++;
		/* Clocks of CPUs may differ: a free can seem to come first. */
		if (ends[r->id] > r->time_ns)
			sizes[r->aux].lifetime_ns += ends[r->id] - r->time_ns;
	}
}

static int tally(const struct trace *t, struct size_tally *sizes, struct classes_report *report)
{
	uint64_t *ends = find_ends(t);
	if (!ends)
		return -1;
	for (unsigned cpu = 0; cpu < t->cpus_count; cpu++) {
		for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
			if (t->ops[cpu][i].kind == TRACE_KMALLOC)
				tally_request(&t->ops[cpu][i], ends, sizes, report);
		}
	}
	free(ends);
	return 0;
}

static double average(u128 sum_ns, const struct classes_report *report)
{
	return report->span_ns ? (double)sum_ns / (double)report->span_ns : 0;
}

/* Index of the class that serves @bytes, or classes_count: none. */
static unsigned class_of(const struct class_set *s, uint32_t bytes)
{
	unsigned c = 0;
	while (c < s->classes_count && s->classes_bytes[c] < bytes)
		c++;
	return c;
}

static uint64_t given_bytes(const struct class_set *s, uint32_t bytes)
{
	unsigned c = class_of(s, bytes);
	if (c < s->classes_count)
		return s->classes_bytes[c];
	uint64_t block = PAGE_BYTES;
	while (block < bytes)
		block *= 2;
	return block;
}

static void judge(struct class_set *s, const struct size_tally *sizes,
		  const struct classes_report *report)
{
	u128 held = 0;
	for (uint32_t bytes = 1; bytes <= report->options.request_bytes_max; bytes++) {
		uint64_t waste = given_bytes(s, bytes) - bytes;
		s->waste_bytes += sizes[bytes].count * waste;
		held += sizes[bytes].lifetime_ns * waste;
	}
	s->held_waste_bytes = average(held, report);
}

static void fill_uses(const struct size_tally *sizes, struct classes_report *report)
{
	uint32_t bytes = 1;
	for (unsigned c = 0; c < report->best.classes_count; c++) {
		struct class_use *use = &report->uses[c];
		uint64_t class = report->best.classes_bytes[c];
		u128 live = 0, held = 0;
		for (; bytes <= u64_min(class, report->options.request_bytes_max); bytes++) {
			uint64_t waste = class - bytes;
			use->requests_count += sizes[bytes].count;
			use->waste_bytes += sizes[bytes].count * waste;
			live += sizes[bytes].lifetime_ns;
			held += sizes[bytes].lifetime_ns * waste;
		}
		use->live_count = average(live, report);
		use->held_waste_bytes = average(held, report);
	}
}

static void fill_known_sets(struct classes_report *report)
{
	struct class_set *s = &report->linux_set;
	const uint32_t *classes = kmalloc_linux_classes(&s->classes_count);
	for (unsigned c = 0; c < s->classes_count; c++)
		s->classes_bytes[c] = classes[c];
	s = &report->powers;
	uint32_t bytes = 8;
	s->classes_bytes[s->classes_count++] = bytes;
	while (bytes < report->options.request_bytes_max)
		s->classes_bytes[s->classes_count++] = bytes *= 2;
}

/* Into @weights; returns how many sizes there are. */
static size_t weigh(const struct size_tally *sizes, const struct classes_options *o, u128 lifetime,
		    struct size_weight *weights)
{
	unsigned shift = 0;
	size_t count = 0;
	while (lifetime >> shift >= LIFETIME_END)
		shift++;
	for (uint32_t bytes = 1; bytes <= o->request_bytes_max; bytes++) {
		const struct size_tally *size = &sizes[bytes];
		if (size->count)
			weights[count++] = (struct size_weight){
				bytes,
				o->by_time ? (uint64_t)(size->lifetime_ns >> shift) : size->count,
			};
	}
	return count;
}

/* The table is there: find the best set and judge all. */
static int choose(const char *name, const struct size_tally *sizes, struct size_weight *weights,
		  struct classes_report *report, struct err *err)
{
	const struct classes_options *o = &report->options;
	u128 lifetime = 0, held = 0;
	if (!report->requests_count)
		return err_set(err, ERR_TRACE,
			       "%s: no kmalloc of 1 to %u bytes in it: there is nothing to choose "
			       "classes for",
			       name, o->request_bytes_max);
	for (uint32_t bytes = 1; bytes <= o->request_bytes_max; bytes++) {
		lifetime += sizes[bytes].lifetime_ns;
		held += sizes[bytes].lifetime_ns * bytes;
	}
	if (o->by_time && !lifetime)
		return err_set(err, ERR_TRACE,
			       "%s: no kmalloc lives for any time: there is nothing to weigh by",
			       name);
	report->held_bytes = average(held, report);
	size_t count = weigh(sizes, o, lifetime, weights);
	if (size_classes_choose(weights, count, o->grid_bytes, o->classes_max,
				report->best.classes_bytes, &report->best.classes_count, err) != 0)
		return -1;
	fill_known_sets(report);
	judge(&report->linux_set, sizes, report);
	judge(&report->powers, sizes, report);
	judge(&report->best, sizes, report);
	fill_uses(sizes, report);
	return 0;
}

int classes_find(const struct trace *t, const char *name, const struct classes_options *options,
		 struct classes_report *report, struct err *err)
{
	size_t slots = (size_t)options->request_bytes_max + 1;
	struct size_tally *sizes = calloc(slots, sizeof(*sizes));
	struct size_weight *weights = calloc(slots, sizeof(*weights));
	int ret = -1;
	*report = (struct classes_report){.options = *options, .span_ns = t->span_ns};
	if (sizes && weights && tally(t, sizes, report) == 0)
		ret = choose(name, sizes, weights, report, err);
	else
		err_set(err, ERR_IO, "out of memory for the sizes in %s", name);
	free(sizes);
	free(weights);
	return ret;
}
