/*
 * import_heaptrack.c - the text that heaptrack records, raw or interpreted, versions 1 to 3.
 *
 * The first line is `v VERSION FILE_VERSION`; all numbers are hexadecimal. Of the other lines only
 * these matter here:
 *
 *   raw (heaptrack --raw)              interpreted (what heaptrack writes otherwise)
 *   + 4b0 9 560deeb66460   size, call  a 4b0 9       the next class: size, call stack
 *                          stack, and  + 6           an object of class 6
 *   - 560deeb66460         address     - 6           one of them is gone
 *   c a                    10 ms since the start
 *
 * So only raw files tell which object is freed. In interpreted ones the oldest of the class is
 * taken; where there was a choice, the report counts it (approximate_frees).
 *
 * heaptrack records a realloc as a free and an allocation, in this order, and leaves out requests
 * that fail.
 */
#include <string.h>

#include "sim/import_line.h"
#include "sim/import_user.h"

#define FILE_VERSION_MAX 3
#define NUMBERS_MAX      3
#define MS_MAX           (UINT64_C(1) << 42) /* 139 years; times still fit 63 bits in ns */

struct heaptrack_state {
	uint64_t classes_count;
	struct u64map sizes; /* by class */
};

/* The numbers of a line; more than NUMBERS_MAX if something else is in it. */
static unsigned read_numbers(const char *p, const char *end, uint64_t numbers[NUMBERS_MAX])
{
	unsigned count = 0;
	for (;;) {
		p = skip_blanks(p);
		if (p >= end)
			return count;
		if (count == NUMBERS_MAX || !scan_hex(&p, &numbers[count]) ||
		    (*p != ' ' && *p != '\t' && p != end))
			return NUMBERS_MAX + 1;
		count++;
	}
}

static enum user_line version(const uint64_t *numbers, unsigned count)
{
	/* The first versions had no file version. */
	if (count == 1)
		return USER_LINE_IGNORED;
	if (count != 2)
		return USER_LINE_UNKNOWN;
	return numbers[1] <= FILE_VERSION_MAX ? USER_LINE_IGNORED : USER_LINE_REFUSED;
}

static enum user_line new_class(struct heaptrack_state *s, const uint64_t *numbers, unsigned count)
{
	if (count > 2)
		return USER_LINE_UNKNOWN;
	/* A class whose line is cut counts all the same, or the others would get its number. */
	uint64_t size = count ? numbers[0] : 0;
	if (u64map_put(&s->sizes, s->classes_count++, size) != 0)
		return USER_LINE_NO_MEMORY;
	return count == 2 ? USER_LINE_IGNORED : USER_LINE_CUT;
}

static enum user_line allocation(const struct heaptrack_state *s, const uint64_t *numbers,
				 unsigned count, struct user_event *event)
{
	event->op = USER_ALLOC;
	if (count == 3 && !s->classes_count) {
		event->size_bytes = numbers[0];
		event->key = numbers[2];
		return event->key && event->key != USER_KEY_NONE ? USER_LINE_EVENT
								 : USER_LINE_UNKNOWN;
	}
	if (count < (s->classes_count ? 1u : 3u))
		return USER_LINE_CUT;
	if (count != 1)
		return USER_LINE_UNKNOWN;
	const uint64_t *size = NULL;
	if (numbers[0] < s->classes_count)
		size = u64map_get(&s->sizes, numbers[0]);
	if (!size)
		return USER_LINE_UNKNOWN;
	event->size_bytes = *size;
	event->key = numbers[0];
	event->by_class = true;
	return USER_LINE_EVENT;
}

static enum user_line release(const struct heaptrack_state *s, const uint64_t *numbers,
			      unsigned count, struct user_event *event)
{
	if (!count)
		return USER_LINE_CUT;
	if (count != 1)
		return USER_LINE_UNKNOWN;
	event->op = USER_FREE;
	event->by_class = s->classes_count > 0;
	event->key = numbers[0];
	if (event->by_class && event->key >= s->classes_count)
		return USER_LINE_UNKNOWN;
	if (!event->by_class && !event->key)
		event->key = USER_KEY_NONE;
	return USER_LINE_EVENT;
}

static enum user_line heaptrack_parse(void *state, char *line, char *end, struct user_event *event)
{
	struct heaptrack_state *s = state;
	uint64_t numbers[NUMBERS_MAX];
	bool letter = (line[0] >= 'a' && line[0] <= 'z') || (line[0] >= 'A' && line[0] <= 'Z');
	if (line == end || line[0] == '#')
		return USER_LINE_IGNORED;
	if ((!letter && line[0] != '+' && line[0] != '-') || (line[1] != ' ' && line + 1 != end))
		return USER_LINE_UNKNOWN;
	if (!strchr("vac+-", line[0]))
		return USER_LINE_IGNORED;
	unsigned count = read_numbers(line + 1, end, numbers);
	switch (line[0]) {
	case 'v':
		return version(numbers, count);
	case 'a':
		return new_class(s, numbers, count);
	case '+':
		return allocation(s, numbers, count, event);
	case '-':
		return release(s, numbers, count, event);
	default: /* c */
		if (!count)
			return USER_LINE_CUT;
		if (count != 1 || numbers[0] > MS_MAX)
			return USER_LINE_UNKNOWN;
		event->time_ns = numbers[0] * 1000000;
		return USER_LINE_CLOCK;
	}
}

static void heaptrack_release(void *state)
{
	u64map_release(&((struct heaptrack_state *)state)->sizes);
}

/* "v 10400 3" */
static bool heaptrack_sniff(const char *text, const char *end)
{
	uint64_t numbers[NUMBERS_MAX];
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	if (!newline || text[0] != 'v' || text[1] != ' ')
		return false;
	if (newline[-1] == '\r')
		newline--;
	unsigned count = read_numbers(text + 1, newline, numbers);
	return count == 1 || count == 2;
}

const struct user_format user_heaptrack = {
	.name = "heaptrack",
	.state_bytes = sizeof(struct heaptrack_state),
	.sniff = heaptrack_sniff,
	.parse = heaptrack_parse,
	.release = heaptrack_release,
};
