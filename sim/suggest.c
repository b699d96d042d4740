/*
 * suggest.c - nearest name by edit distance: see suggest.h.
 *
 * The distance is the restricted Damerau-Levenshtein one (optimal string alignment): insertions,
 * deletions, substitutions and swaps of neighbours cost 1 each. Only three rows of the table are
 * kept. Words above WORD_MAX bytes are never near anything; names are far shorter.
 *
 * A key that somebody remembers in part is near nothing, but all its words are in the key that was
 * meant. A word ends at anything but a letter or a digit: slab.order has two, and both are in
 * slab.max_order, but not in slab.orders.
 */
#include "sim/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64
#define KEYS_MAX 3 /* that suggest_keys() names */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

static int fold(char c)
{
	return tolower((unsigned char)c);
}

static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned wrong = fold(a[i - 1]) != fold(b[j - 1]);
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + wrong);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *oldest = before;
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_len];
}

const char *suggest_nearest(const char *word, const char *const *names, unsigned count)
{
	const char *best = NULL;
	size_t len = strlen(word);
	if (len == 0 || len > WORD_MAX)
		return NULL;
	unsigned limit = len < 6 ? 1 : (unsigned)len / 3;
	for (unsigned i = 0; i < count; i++) {
		size_t name_len = strlen(names[i]);
		if (name_len > WORD_MAX)
			continue;
		unsigned d = distance(word, len, names[i], name_len);
		/* Everything of the name wrong is no likeness, however short the name. */
		if (d <= limit && d < name_len) {
			best = names[i];
			if (d == 0)
				return best;
			limit = d - 1;
		}
	}
	return best;
}

/* --- keys that have the same words --------------------------------------------------------------
 */

static size_t word_length(const char *at)
{
	size_t length = 0;

	while (isalnum((unsigned char)at[length]))
		length++;
	return length;
}

static bool has_word(const char *key, const char *word, size_t length)
{
	size_t other;

	for (; *key; key += other ? other : 1) {
		other = word_length(key);
		if (other == length && !strncasecmp(key, word, length))
			return true;
	}
	return false;
}

/* Has @key all words of @wanted, which has some? */
static bool has_words(const char *key, const char *wanted)
{
	bool any = false;
	size_t length;

	for (; *wanted; wanted += length ? length : 1) {
		length = word_length(wanted);
		if (length && !has_word(key, wanted, length))
			return false;
		any = any || length;
	}
	return any;
}

/* Keep the shortest names, in their order: the more is beside the words, the less it was meant. */
static void add_shorter(const char **found, unsigned *count, const char *name)
{
	unsigned at = *count < KEYS_MAX ? (*count)++ : KEYS_MAX - 1;

	if (found[at] && strlen(found[at]) <= strlen(name))
		return;
	for (; at > 0 && strlen(found[at - 1]) > strlen(name); at--)
		found[at] = found[at - 1];
	found[at] = name;
}

char *suggest_keys(const char *word, const char *const *names, unsigned count, char *buf,
		   size_t size)
{
	const char *found[KEYS_MAX] = {suggest_nearest(word, names, count)};
	bool is_near = found[0] != NULL;
	unsigned found_count = is_near, i;
	size_t used = 0;

	for (i = 0; i < count && !is_near; i++)
		if (has_words(names[i], word))
			add_shorter(found, &found_count, names[i]);
	buf[0] = '\0';
	for (i = 0; i < found_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s\"%s\"",
					 i == 0                 ? "; did you mean "
					 : i == found_count - 1 ? " or "
								: ", ",
					 found[i]);
	if (used < size && found_count)
		snprintf(buf + used, size - used, "?");
	return buf;
}
