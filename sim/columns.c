/*
 * columns.c - names of figures as columns of a table: see columns.h.
 *
 * A column's name is made from a key alone, member by member. What stands in brackets is put behind
 * a _, and whatever is no letter, digit, _, - or . becomes a _, too. Where a number in brackets is
 * a position, it says what it counts: lists by order are known by their names (by_order below).
 *
 *   zones[Normal].free_blocks_by_migratetype.Movable[10]
 *   zones_Normal.free_blocks_by_migratetype.Movable_order10
 *
 * Two keys can have the same column's name only if caches, locks or programs do that differ in such
 * characters alone, as the caches "a/b" and "a_b" would. So a name is looked for among the keys
 * that are there, and the first of several is found; a table gives the others numbers
 * (sweep/collect_columns.c).
 *
 * Cost: finding by a key is a binary search, by a column's name a walk over all leaves.
 */
#include "sim/columns.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "kern/types.h"

/* Lists with an element for each order, by their last member, or the one before it. */
static const char *const by_order[] = {
	"extfrag_index",   "free_blocks",          "free_blocks_by_migratetype",
	"free_blocks_sim", "free_blocks_start",    "free_blocks_true",
	"unusable_index",  "unusable_index_start",
};

static bool is_by_order(const char *member, size_t length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(by_order); i++)
		if (strlen(by_order[i]) == length && !strncmp(by_order[i], member, length))
			return true;
	return false;
}

/* Has the list whose name ends before @end of @key an element for each order? */
static bool list_is_by_order(const char *key, const char *end)
{
	const char *begin, *parent;

	for (begin = end; begin > key && begin[-1] != '.'; begin--)
		;
	if (is_by_order(begin, (size_t)(end - begin)))
		return true;
	if (begin == key)
		return false;
	for (parent = begin - 1; parent > key && parent[-1] != '.'; parent--)
		;
	return is_by_order(parent, (size_t)(begin - 1 - parent));
}

static bool is_position(const char *element)
{
	size_t digits = strspn(element, "0123456789");

	return digits && element[digits] == ']';
}

char *column_name(const char *key, char *buf, size_t size)
{
	size_t used = 0, i;
	const char *word;

	for (i = 0; key[i] && used + 1 < size; i++) {
		if (key[i] == ']')
			continue;
		if (key[i] != '[') {
			buf[used++] = isascii(key[i]) && (isalnum((unsigned char)key[i]) ||
							  strchr("_-.", key[i]))
					      ? key[i]
					      : '_';
			continue;
		}
		word = "_";
		if (is_position(key + i + 1) && list_is_by_order(key, key + i))
			word = "_order";
		while (*word && used + 1 < size)
			buf[used++] = *word++;
	}
	buf[used] = '\0';
	return buf;
}

const struct leaf *columns_find(const struct leaves *l, const char *name)
{
	char column[2 * COMPARE_KEY_BYTES_MAX];
	const struct leaf *leaf = leaves_find(l, name);
	size_t same = strcspn(name, "_"), i;

	for (i = 0; !leaf && i < l->count; i++) {
		/* Up to its first _ a column's name is its key. */
		if (strncmp(l->items[i].key, name, same))
			continue;
		if (!strcmp(column_name(l->items[i].key, column, sizeof(column)), name))
			leaf = &l->items[i];
	}
	return leaf;
}
