/*
 * import_ftrace.c - a line of tracefs' `trace` or `trace_pipe`, or of `trace-cmd report`.
 *
 *	           <...>-25553   [001]   1140.329054: kmem_cache_free: call_site=... ptr=...
 *	          init-1     [000] .N..     0.170000: kmalloc: call_site=...
 *	   my [0] prog-77    (   77) [003] d..2.  12.000001: mm_page_free: page=... pfn=...
 *	            ls-1234  [002]  100.000001: kmalloc: (alloc_pipe_info+0x6c) call_site=...
 *
 * A command may contain blanks, dashes and brackets, so the anchor is `-PID`, an optional `(TGID)`
 * and `[CPU]` with a time behind it; the first place that fits all of it wins. The flags between
  * CPU and time are there or not, 4 characters or 5; they tell interrupts from process context.
 *
 * Loss is told in the header (entries-in-buffer/entries-written) and where it happened (CPU:1 [LOST
 * 120 EVENTS]); both describe the same events, so the importer takes the larger figure.
 */
#include <string.h>

#include "kern/env.h"
#include "sim/import_line.h"

/* How far a PID, TGID and their blanks reach back from the '[' at most. */
#define BEFORE_CPU_BYTES_MAX 48

/* Does `...x-PID ` or `...x-PID (TGID) ` end at @p? */
static bool task_ends_at(const char *line, const char *p)
{
	const char *limit = p - line > BEFORE_CPU_BYTES_MAX ? p - BEFORE_CPU_BYTES_MAX : line;
	const char *at = p;
	while (at > limit && at[-1] == ' ')
		at--;
	if (at == p)
		return false;
	if (at > limit && at[-1] == ')') {
		at--;
		while (at > limit && (is_digit(at[-1]) || at[-1] == ' ' || at[-1] == '-'))
			at--;
		if (at == limit || at[-1] != '(')
			return false;
		at--;
		while (at > limit && at[-1] == ' ')
			at--;
	}
	const char *pid_end = at;
	while (at > limit && is_digit(at[-1]))
		at--;
	return at < pid_end && at - line >= 2 && at[-1] == '-' && at[-2] != ' ';
}

/* The third flag tells what was interrupted: "d.h1." is a hardware interrupt. */
static unsigned context_of(const char *flags, size_t bytes)
{
	if (bytes < 4 || bytes > 5)
		return CONTEXT_PROCESS;
	switch (flags[2]) {
	case 's':
		return CONTEXT_SOFTIRQ;
	case 'h':
	case 'H':
		return CONTEXT_IRQ;
	case 'z':
	case 'Z':
		return CONTEXT_NMI;
	default:
		return CONTEXT_PROCESS;
	}
}

static bool parse_event(const char *line, const char *end, struct text_event *event)
{
	const char *p = line;
	while ((p = memchr(p, '[', (size_t)(end - p))) != NULL) {
		const char *behind = p;
		if (task_ends_at(line, p) && scan_cpu(&behind, &event->cpu) && *behind == ' ') {
			behind = skip_blanks(behind);
			if (scan_event(behind, end, event))
				return true;
			/* Not the time yet: the flags. */
			const char *flags = behind;
			while (*behind != ' ' && *behind != '\n')
				behind++;
			event->context = context_of(flags, (size_t)(behind - flags));
			if (scan_event(skip_blanks(behind), end, event))
				return true;
		}
		p++;
	}
	return false;
}

/* "# entries-in-buffer/entries-written: 177712/177712   #P:2" */
static enum line_kind parse_header(const char *line, const char *end, uint64_t *lost)
{
	static const char key[] = "entries-in-buffer/entries-written:";
	const char *p = memmem(line, (size_t)(end - line), key, sizeof(key) - 1);
	uint64_t there, written;
	if (!p)
		return LINE_IGNORED;
	p = skip_blanks(p + sizeof(key) - 1);
	if (!scan_decimal(&p, &there) || *p != '/')
		return LINE_IGNORED;
	p++;
	if (!scan_decimal(&p, &written) || written <= there)
		return LINE_IGNORED;
	*lost = written - there;
	return LINE_LOST;
}

/* "CPU:3 [LOST 120 EVENTS]", or trace-cmd's "CPU:3 [120 EVENTS DROPPED]" */
static bool parse_missed(const char *p, const char *end, uint64_t *lost)
{
	static const char word[] = "LOST ";
	if (strncmp(p, "CPU:", 4) != 0 || !(p = memchr(p, '[', (size_t)(end - p))))
		return false;
	p++;
	if (strncmp(p, word, sizeof(word) - 1) == 0)
		p += sizeof(word) - 1;
	return scan_decimal(&p, lost) && strncmp(p, " EVENTS", 7) == 0;
}

static bool starts_with(const char *p, const char *text)
{
	return strncmp(p, text, strlen(text)) == 0;
}

static enum line_kind parse(const char *line, const char *end, struct text_event *event,
			    uint64_t *lost)
{
	if (parse_event(line, end, event))
		return LINE_EVENT;
	const char *p = skip_blanks(line);
	if (*p == '\n')
		return LINE_IGNORED;
	if (*p == '#')
		return parse_header(line, end, lost);
	if (parse_missed(p, end, lost))
		return LINE_MISSED;
	/* Call chains, and what trace-cmd report says first. */
	if (starts_with(p, "=> ") || starts_with(p, "cpus=") || starts_with(p, "version = "))
		return LINE_IGNORED;
	return LINE_UNKNOWN;
}

const struct import_parser import_ftrace = {"ftrace", parse};
