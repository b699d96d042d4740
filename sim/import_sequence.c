/*
 * import_sequence.c - traces that number their objects: CS:APP's malloc lab (.rep) and wee_alloc.
 *
 *   .rep                              wee_alloc
 *   20000    suggested heap size      Alloc(552),    object 0
 *   3        ids                      Alloc(120),    object 1
 *   8        operations               Free(1),
 *   1        weight                   Free(0),
 *   a 0 512
 *   r 0 640
 *   f 0
 *
 * The header of a .rep is there in several lengths: all four, only ids and operations, none. Its
 * number of operations tells whether the file is complete. An id may be used again after its free.
 * A wee_alloc trace is the inside of an array in a source file, so brackets and comments around the
 * lines are passed over.
 */
#include <string.h>

#include "sim/import_line.h"
#include "sim/import_user.h"

#define REP_HEADER_MAX 4

struct rep_state {
	uint64_t header[REP_HEADER_MAX];
	unsigned header_count;
	uint64_t ops_count;
};

static bool at_end(const char *p, const char *end)
{
	return skip_blanks(p) >= end;
}

/* Blanks, then a number. */
static bool next_number(const char **p, uint64_t *value)
{
	*p = skip_blanks(*p);
	return is_digit(**p) && scan_u64(p, value);
}

/* "a 0 512", "r 0 640", "f 0" */
static enum user_line rep_operation(const char *line, const char *end, struct user_event *event)
{
	const char *p = skip_blanks(line);
	char op = *p;
	if ((op != 'a' && op != 'r' && op != 'f') || (p[1] != ' ' && p[1] != '\t' && p + 1 != end))
		return USER_LINE_UNKNOWN;
	p++;
	if (at_end(p, end))
		return USER_LINE_CUT;
	if (!next_number(&p, &event->key) || event->key == USER_KEY_NONE)
		return USER_LINE_UNKNOWN;
	event->new_key = event->key;
	event->op = op == 'a' ? USER_ALLOC : op == 'r' ? USER_REALLOC : USER_FREE;
	if (op != 'f') {
		if (at_end(p, end))
			return USER_LINE_CUT;
		if (!next_number(&p, &event->size_bytes))
			return USER_LINE_UNKNOWN;
	}
	return at_end(p, end) ? USER_LINE_EVENT : USER_LINE_UNKNOWN;
}

static enum user_line rep_parse(void *state, char *line, char *end, struct user_event *event)
{
	struct rep_state *s = state;
	const char *p = line;
	uint64_t value;
	if (at_end(line, end))
		return USER_LINE_IGNORED;
	if (!s->ops_count && s->header_count < REP_HEADER_MAX && next_number(&p, &value) &&
	    at_end(p, end)) {
		s->header[s->header_count++] = value;
		return USER_LINE_IGNORED;
	}
	s->ops_count++;
	return rep_operation(line, end, event);
}

/* Fewer operations than the header says. */
static bool rep_is_cut(const void *state)
{
	const struct rep_state *s = state;
	if (s->header_count < 2)
		return false;
	return s->ops_count < s->header[s->header_count == 2 ? 1 : 2];
}

/* The line at *@p, which then moves behind it; false at the end of what is there of the text. */
static bool sniff_line(const char **p, const char *end, const char **line, const char **line_end)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	if (!newline)
		return false;
	*line = *p;
	*line_end = newline > *line && newline[-1] == '\r' ? newline - 1 : newline;
	*p = newline + 1;
	return true;
}

/* Nothing but numbers until the first operation. */
static bool rep_sniff(const char *text, const char *end)
{
	const char *line, *line_end;
	while (sniff_line(&text, end, &line, &line_end)) {
		struct user_event event;
		const char *p = line;
		uint64_t value;
		if (at_end(line, line_end))
			continue;
		if (next_number(&p, &value) && at_end(p, line_end))
			continue;
		return rep_operation(line, line_end, &event) == USER_LINE_EVENT;
	}
	return false;
}

const struct user_format user_rep = {
	.name = "rep",
	.numbers_objects = true,
	.state_bytes = sizeof(struct rep_state),
	.sniff = rep_sniff,
	.parse = rep_parse,
	.is_cut = rep_is_cut,
};

/* --- wee_alloc ------------------------------------------------------------------------------ */

struct wee_state {
	uint64_t allocs_count;
};

/* What stands around the operations in a source file. */
static bool is_around(const char *p, const char *end)
{
	if (p[0] == '/' && p + 1 < end && (p[1] == '/' || p[1] == '*'))
		return true;
	return p + strspn(p, "[]&;, \t") >= end;
}

static enum user_line wee_operation(const char *line, const char *end, struct user_event *event)
{
	static const char alloc[] = "Alloc", release[] = "Free";
	const char *p = skip_blanks(line);
	if (strncmp(p, alloc, sizeof(alloc) - 1) == 0) {
		event->op = USER_ALLOC;
		p += sizeof(alloc) - 1;
	} else if (strncmp(p, release, sizeof(release) - 1) == 0) {
		event->op = USER_FREE;
		p += sizeof(release) - 1;
	} else {
		return USER_LINE_UNKNOWN;
	}
	uint64_t *value = event->op == USER_ALLOC ? &event->size_bytes : &event->key;
	if (at_end(p, end))
		return USER_LINE_CUT;
	if (*p++ != '(')
		return USER_LINE_UNKNOWN;
	if (at_end(p, end))
		return USER_LINE_CUT;
	if (!next_number(&p, value))
		return USER_LINE_UNKNOWN;
	p = skip_blanks(p);
	if (p == end)
		return USER_LINE_CUT;
	if (*p++ != ')')
		return USER_LINE_UNKNOWN;
	p = skip_blanks(p);
	if (*p == ',')
		p++;
	if (event->op == USER_FREE && event->key == USER_KEY_NONE)
		return USER_LINE_UNKNOWN;
	return at_end(p, end) ? USER_LINE_EVENT : USER_LINE_UNKNOWN;
}

static enum user_line wee_parse(void *state, char *line, char *end, struct user_event *event)
{
	struct wee_state *s = state;
	if (is_around(skip_blanks(line), end))
		return USER_LINE_IGNORED;
	enum user_line kind = wee_operation(line, end, event);
	if (kind == USER_LINE_EVENT && event->op == USER_ALLOC)
		event->key = s->allocs_count++;
	return kind;
}

static bool wee_sniff(const char *text, const char *end)
{
	const char *line, *line_end;
	while (sniff_line(&text, end, &line, &line_end)) {
		struct user_event event;
		if (is_around(skip_blanks(line), line_end))
			continue;
		return wee_operation(line, line_end, &event) == USER_LINE_EVENT;
	}
	return false;
}

const struct user_format user_wee_alloc = {
	.name = "wee_alloc",
	.numbers_objects = true,
	.state_bytes = sizeof(struct wee_state),
	.sniff = wee_sniff,
	.parse = wee_parse,
};
