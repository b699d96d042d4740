/*
 * import_mtrace.c - what glibc's mtrace() writes.
 *
 *   = Start
 *   @ ./program:(main+0x1c)[0x1282] + 0x5593622cb2a0 0x64       malloc, calloc, memalign
 *   @ ./program:[0x1228] < 0x5593622cb530                       realloc: of this ...
 *   @ ./program:[0x1228] > 0x5593622cc120 0x960                 ... came this
 *   @ ./program:[0x12d3] ! 0x5593622cc220 0x3fffffffffffffff    realloc that failed
 *   @ ./program:[0x1247] - 0x5593622cb2a0                       free
 *   = End
 *
 * A malloc that fails is a `+` with (nil). The caller may be missing, and it may contain blanks (it
 * begins with a file name), so lines are read from their end. There are no times and no threads.
 *
 * The halves of a realloc follow each other, since glibc writes them under one lock; one without
 * the other means that a line is missing. A trace of a program that ended without muntrace() has no
 * `= End`, which is no sign of loss.
 */
#include <string.h>

#include "sim/import_line.h"
#include "sim/import_user.h"

struct mtrace_state {
	bool realloc_open; /* `<` was read */
	uint64_t realloc_key;
};

#define WORDS_MAX 3

struct word {
	const char *text, *end;
};

/* The last words of the line, the last one first; how many there are. */
static unsigned last_words(const char *line, const char *end, struct word words[WORDS_MAX])
{
	unsigned count = 0;
	while (count < WORDS_MAX) {
		while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (end == line)
			break;
		const char *start = end;
		while (start > line && start[-1] != ' ' && start[-1] != '\t')
			start--;
		words[count++] = (struct word){start, end};
		end = start;
	}
	return count;
}

/* An address, USER_KEY_NONE if it is null. */
static bool scan_pointer(struct word word, uint64_t *key)
{
	static const char nil[] = "(nil)";
	size_t bytes = (size_t)(word.end - word.text);
	const char *p = word.text;
	if (bytes == sizeof(nil) - 1 && memcmp(p, nil, bytes) == 0) {
		*key = USER_KEY_NONE;
		return true;
	}
	if (p[0] != '0' || !scan_u64(&p, key) || p != word.end)
		return false;
	if (!*key)
		*key = USER_KEY_NONE;
	return true;
}

static bool scan_size(struct word word, uint64_t *size)
{
	const char *p = word.text;
	return is_digit(*p) && scan_u64(&p, size) && p == word.end;
}

static bool is_sign(struct word word, const char *signs)
{
	return word.end - word.text == 1 && strchr(signs, *word.text);
}

/* The operation and its numbers: the sign, or 0. */
static char read_operation(const char *line, const char *end, uint64_t *key, uint64_t *size)
{
	struct word words[WORDS_MAX];
	unsigned count = last_words(line, end, words);
	if (count >= 2 && is_sign(words[1], "-<") && scan_pointer(words[0], key))
		return *words[1].text;
	if (count >= 3 && is_sign(words[2], "+>!") && scan_pointer(words[1], key) &&
	    scan_size(words[0], size))
		return *words[2].text;
	return 0;
}

/* A line that could have become one of the above. */
static bool is_beginning(const char *line, const char *end)
{
	struct word words[WORDS_MAX];
	unsigned count = last_words(line, end, words);
	return *line == '@' || (count && is_sign(words[count - 1], "+-<>!"));
}

static enum user_line mtrace_parse(void *state, char *line, char *end, struct user_event *event)
{
	struct mtrace_state *s = state;
	bool was_open = s->realloc_open;
	uint64_t old_key = s->realloc_key;
	if (skip_blanks(line) >= end || *line == '=')
		return USER_LINE_IGNORED;
	char sign = read_operation(line, end, &event->key, &event->size_bytes);
	if (!sign)
		return is_beginning(line, end) ? USER_LINE_CUT : USER_LINE_UNKNOWN;
	s->realloc_open = sign == '<';
	s->realloc_key = event->key;
	/* After another `<`, whose `>` is missing. */
	if (sign == '<')
		return was_open ? USER_LINE_CUT : USER_LINE_IGNORED;
	event->op = sign == '-' ? USER_FREE : USER_ALLOC;
	event->failed = sign == '!' || (event->op == USER_ALLOC && event->key == USER_KEY_NONE);
	if (sign == '>' && was_open && !event->failed) {
		event->op = USER_REALLOC;
		event->new_key = event->key;
		event->key = old_key;
	}
	return USER_LINE_EVENT;
}

static bool mtrace_is_cut(const void *state)
{
	return ((const struct mtrace_state *)state)->realloc_open;
}

static bool mtrace_sniff(const char *text, const char *end)
{
	static const char start[] = "= Start";
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	uint64_t key, size;
	if (!newline)
		return false;
	if (strncmp(text, start, sizeof(start) - 1) == 0)
		return true;
	if (newline > text && newline[-1] == '\r')
		newline--;
	return text[0] == '@' && text[1] == ' ' && read_operation(text, newline, &key, &size);
}

const struct user_format user_mtrace = {
	.name = "mtrace",
	.state_bytes = sizeof(struct mtrace_state),
	.sniff = mtrace_sniff,
	.parse = mtrace_parse,
	.is_cut = mtrace_is_cut,
};
