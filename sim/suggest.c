/*
 * suggest.c - nearest name by edit distance: see suggest.h.
 *
 * The distance is the restricted Damerau-Levenshtein one (optimal string alignment): insertions,
 * deletions, substitutions and swaps of neighbours cost 1 each. Only three rows of the table are
 * kept. Words above WORD_MAX bytes are never near anything; names are far shorter.
 */
#include "sim/suggest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#define WORD_MAX 64

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
