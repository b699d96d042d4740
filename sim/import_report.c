/*
 * import_report.c - what an import found, for people and for programs, from one table.
 */
#include <inttypes.h>

#include "kern/types.h"
#include "sim/import.h"
#include "sim/json.h"

enum line_use {
	ALWAYS,
	PAGES,  /* likewise, if the trace has events of pages */
	IF_ANY, /* a line that says "none" would only hide those that say something */
};

static const struct {
	const char *key; /* in JSON; the name of the member */
	size_t offset;
	enum line_use use;
	const char *text;
} lines[] = {
#define LINE(member, use, text) {#member, offsetof(struct trace_report, member), use, text}
	LINE(events, ALWAYS, "events read"),
	LINE(imported, ALWAYS, "events imported"),
	LINE(demands, ALWAYS, "  demands (allocations and frees), to be replayed"),
	LINE(evidence, PAGES, "  evidence (refills, drains, fallbacks), to compare with"),
	LINE(batched_frees, PAGES, "mm_page_free_batched, which only repeats a free"),
	LINE(other_events, ALWAYS, "events of other kinds, not imported"),
	LINE(unmatched_frees, PAGES, "frees of blocks allocated before the recording"),
	LINE(untraced_allocations, PAGES, "frees of pages that were free: allocated untraced"),
	LINE(partial_frees, IF_ANY, "frees of a part of a block"),
	LINE(failed_allocations, IF_ANY, "allocations that failed when recorded"),
	LINE(live_allocations, IF_ANY, "allocations of a live page, which was freed first"),
	LINE(order_mismatches, IF_ANY, "frees larger than their allocation"),
	LINE(object_allocs, ALWAYS, "objects allocated (kmalloc, kmem_cache_alloc)"),
	LINE(object_frees, ALWAYS, "objects freed"),
	LINE(slab_page_allocs, PAGES, "page allocations that were for objects (slabs)"),
	LINE(slab_page_frees, PAGES, "page frees likewise"),
	LINE(unmatched_object_frees, ALWAYS, "frees of objects allocated before the recording"),
	LINE(untraced_object_allocations, IF_ANY,
	     "frees of objects that were free: allocated untraced"),
	LINE(live_object_allocations, IF_ANY,
	     "allocations of a live object, which was freed first"),
	LINE(failed_object_allocations, IF_ANY, "allocations of objects that failed when recorded"),
	LINE(duplicate_kmallocs, IF_ANY, "second events of one kmalloc, not imported"),
	LINE(null_frees, IF_ANY, "frees of no object (NULL), not imported"),
	LINE(wrong_cache_frees, IF_ANY, "frees that name another cache than the allocation"),
	LINE(double_frees, IF_ANY, "objects freed twice, or never allocated"),
	LINE(cache_name_clashes, IF_ANY, "caches of one name and different sizes, told apart"),
	LINE(hashed_pointers, IF_ANY, "hashed addresses: slab pages can't be recognised"),
	LINE(out_of_order, IF_ANY, "events out of order, moved to their CPU's latest time"),
	LINE(lost_events, ALWAYS, "events lost by the recorder"),
	LINE(skipped_lines, IF_ANY, "lines that are no event, skipped"),
	LINE(truncated_lines, IF_ANY, "events cut short, skipped"),
	LINE(zero_object_allocations, IF_ANY, "allocations of 0 bytes"),
	LINE(huge_object_allocations, IF_ANY, "allocations of 4 GiB - 1 or more, stored as that"),
	LINE(approximate_frees, IF_ANY, "frees that name only a class, taken for its oldest"),
	LINE(unknown_gfp_names, IF_ANY, "unknown gfp flag names, ignored"),
#undef LINE
};

static uint64_t value_of(const struct trace_report *report, size_t offset)
{
	return *(const uint64_t *)(const void *)((const char *)report + offset);
}

void import_report_print(const struct trace_report *report, const char *input, const char *output,
			 FILE *out)
{
	bool pages = report->demands > report->object_allocs + report->object_frees ||
		     report->evidence;
	fprintf(out, "%s -> %s\n", input, output);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		uint64_t value = value_of(report, lines[i].offset);
		if (value || lines[i].use == ALWAYS || (lines[i].use == PAGES && pages))
			fprintf(out, "%12" PRIu64 "  %s\n", value, lines[i].text);
	}
	fprintf(out, "%12.6f  seconds from the first to the last of them\n",
		(double)report->span_ns / 1e9);
}

void import_report_write(const struct trace_report *report, struct json *j, const char *key)
{
	json_object_begin(j, key);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		json_u64(j, lines[i].key, value_of(report, lines[i].offset));
	json_u64(j, "span_ns", report->span_ns);
	json_object_end(j);
}
