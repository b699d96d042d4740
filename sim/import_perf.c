/*
 * import_perf.c - a line of `perf script`.
 *
 *	perf-exec  8373 [001]  1579.885127: kmem:mm_page_alloc: page=0x12bc8c pfn=0x12bc8c ...
 *	my [0] prog 77/78 [003]  12.000001234:  1 kmem:mm_page_free: ...
 *	        ffffffff8129f2c1 __alloc_pages+0x1a1 ([kernel.kallsyms])
 *
 * A command may contain blanks and brackets, so the anchor is ` PID [CPU] TIME:` or ` PID/TID [CPU]
 * TIME:`; the first place that fits all of it wins. Times may have nanoseconds (--ns), a period may
 * stand before the event. Call chains follow an event, each line an address; they are passed over.
 *
 * perf prints a page frame number as `page=`, so `pfn=` alone counts.
 */
#include <string.h>

#include "sim/import_line.h"

#define BEFORE_CPU_BYTES_MAX 48

/* Does ` PID ` or ` PID/TID ` end at @p? perf shows an unknown PID as -1. */
static bool task_ends_at(const char *line, const char *p)
{
	const char *limit = p - line > BEFORE_CPU_BYTES_MAX ? p - BEFORE_CPU_BYTES_MAX : line;
	const char *at = p;
	while (at > limit && at[-1] == ' ')
		at--;
	const char *pid_end = at;
	while (at > limit && (is_digit(at[-1]) || at[-1] == '/'))
		at--;
	if (at == pid_end || pid_end == p)
		return false;
	if (at > limit && at[-1] == '-')
		at--;
	return at > limit && at[-1] == ' ';
}

/* "PERF_RECORD_LOST lost 120", from --show-lost-events */
static bool parse_missed(const char *p, uint64_t *lost)
{
	static const char record[] = "PERF_RECORD_LOST lost ";
	uint64_t time_ns;
	if (!scan_time_ns(&p, &time_ns) || *p != ':')
		return false;
	p = skip_blanks(p + 1);
	if (strncmp(p, record, sizeof(record) - 1) != 0)
		return false;
	p = skip_blanks(p + sizeof(record) - 1);
	return scan_decimal(&p, lost);
}

/* A line of a call chain: blanks, then an address in hex. */
static bool is_call_chain(const char *line)
{
	const char *p = skip_blanks(line);
	const char *address = p;
	while (is_digit(*p) || ((*p | 32) >= 'a' && (*p | 32) <= 'f'))
		p++;
	return address > line && p - address >= 4 && (*p == ' ' || *p == '\n');
}

static enum line_kind parse(const char *line, const char *end, struct text_event *event,
			    uint64_t *lost)
{
	const char *p = line;
	while ((p = memchr(p, '[', (size_t)(end - p))) != NULL) {
		const char *behind = p;
		if (task_ends_at(line, p) && scan_cpu(&behind, &event->cpu) && *behind == ' ') {
			behind = skip_blanks(behind);
			if (scan_event(behind, end, event))
				return LINE_EVENT;
			if (parse_missed(behind, lost))
				return LINE_MISSED;
		}
		p++;
	}
	p = skip_blanks(line);
	if (*p == '\n' || *p == '#' || is_call_chain(line))
		return LINE_IGNORED;
	return LINE_UNKNOWN;
}

const struct import_parser import_perf = {"perf", parse};
