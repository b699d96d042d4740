/*
 * classes_print.c - the best size classes, for people and for programs.
 */
#include <inttypes.h>

#include "sim/classes.h"
#include "sim/json.h"

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static void print_set(const struct classes_report *r, const struct class_set *s, const char *what,
		      FILE *out)
{
	fprintf(out, "%2u %-20s %14" PRIu64 " %7.1f %% %14.0f %7.1f %%\n", s->classes_count, what,
		s->waste_bytes, percent((double)s->waste_bytes, (double)r->requested_bytes),
		s->held_waste_bytes, percent(s->held_waste_bytes, r->held_bytes));
}

static void print_uses(const struct classes_report *r, FILE *out)
{
	fprintf(out, "%7s %10s %14s %14s %14s\n", "class", "requests", "waste/request",
		"live, average", "waste/live");
	for (unsigned c = 0; c < r->best.classes_count; c++) {
		const struct class_use *u = &r->uses[c];
		fprintf(out, "%7u %10" PRIu64 " %14.1f %14.1f %14.1f\n", r->best.classes_bytes[c],
			u->requests_count, ratio((double)u->waste_bytes, (double)u->requests_count),
			u->live_count, ratio(u->held_waste_bytes, u->live_count));
	}
}

void classes_print(const struct classes_report *r, FILE *out)
{
	const struct class_set *best = &r->best;
	fprintf(out,
		"kmalloc    %" PRIu64 " requests of %" PRIu64 " bytes; they hold %.0f on average\n",
		r->requests_count, r->requested_bytes, r->held_bytes);
	fprintf(out,
		"left out   %" PRIu64 " above %u bytes, %" PRIu64 " of 0 bytes, %" PRIu64
		" that failed when recorded\n\n",
		r->large_count, r->options.request_bytes_max, r->zero_count, r->failed_count);
	fprintf(out, "%-23s %24s %24s\n", "waste, bytes", "of all requests", "held on average");
	print_set(r, &r->linux_set, "of Linux", out);
	print_set(r, &r->powers, "powers of two", out);
	print_set(r, best, r->options.by_time ? "best by time" : "best by requests", out);
	if (best->classes_count < r->options.classes_max)
		fprintf(out, "More than %u would waste no less.\n", best->classes_count);
	fprintf(out, "\n--set 'kmalloc.classes=[");
	for (unsigned c = 0; c < best->classes_count; c++)
		fprintf(out, "%s%u", c ? ", " : "", best->classes_bytes[c]);
	fprintf(out, "]'\n\n");
	print_uses(r, out);
}

static void write_set(struct json *j, const char *key, const struct classes_report *r,
		      const struct class_set *s)
{
	json_object_begin(j, key);
	json_array_begin_compact(j, "classes_bytes");
	for (unsigned c = 0; c < s->classes_count; c++)
		json_u64(j, NULL, s->classes_bytes[c]);
	json_array_end(j);
	json_u64(j, "waste_bytes", s->waste_bytes);
	json_double(j, "waste_percent",
		    percent((double)s->waste_bytes, (double)r->requested_bytes));
	json_double(j, "held_waste_bytes", s->held_waste_bytes);
	json_double(j, "held_waste_percent", percent(s->held_waste_bytes, r->held_bytes));
	json_object_end(j);
}

void classes_print_json(const struct classes_report *r, const char *trace, FILE *out)
{
	struct json j;
	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", CLASSES_SCHEMA_VERSION);
	json_string(&j, "trace", trace);
	json_string(&j, "best_by", r->options.by_time ? "time" : "requests");
	json_u64(&j, "classes_max", r->options.classes_max);
	json_u64(&j, "grid_bytes", r->options.grid_bytes);
	json_u64(&j, "request_bytes_max", r->options.request_bytes_max);
	json_u64(&j, "span_ns", r->span_ns);
	json_u64(&j, "requests_count", r->requests_count);
	json_u64(&j, "requested_bytes", r->requested_bytes);
	json_double(&j, "held_bytes", r->held_bytes);
	json_u64(&j, "zero_count", r->zero_count);
	json_u64(&j, "large_count", r->large_count);
	json_u64(&j, "failed_count", r->failed_count);
	write_set(&j, "linux", r, &r->linux_set);
	write_set(&j, "powers_of_two", r, &r->powers);
	write_set(&j, "best", r, &r->best);
	json_array_begin(&j, "best_classes");
	for (unsigned c = 0; c < r->best.classes_count; c++) {
		const struct class_use *u = &r->uses[c];
		json_object_begin(&j, NULL);
		json_u64(&j, "class_bytes", r->best.classes_bytes[c]);
		json_u64(&j, "requests_count", u->requests_count);
		json_u64(&j, "waste_bytes", u->waste_bytes);
		json_double(&j, "live_count", u->live_count);
		json_double(&j, "held_waste_bytes", u->held_waste_bytes);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
}
