/*
 * cache.c - one set-associative cache: which lines it holds, and which one goes next.
 *
 * A line is a number, address / line bytes. It may lie in any way of one set, the one that its low
 * bits name; a cache with one set is fully associative, one with one way is direct mapped. Each
 * line has a byte of flags that belongs to whoever uses the cache.
 *
 * Replacement:
 *
 *   LRU   exact. The ways of a set stand in the order of use, latest first: a hit on way i moves
 *         ways 0..i-1 up by one, and the last way is the victim. A set's tags are neighbours in
 *         host memory, so at the usual 8 or 16 ways that is one or two of the host's cache lines.
 *   PLRU  a binary tree over the ways, a bit a node, in heap order (node n has children 2n and
 *         2n + 1, ways are the leaves). A use turns all nodes on its path away from itself; the
 *         victim is where the nodes point. Lines don't move.
 *
 * The way used last is tried first: most accesses repeat it, and need no reordering then.
 *
 * Example, 4 ways, lines a b c d of one set used in this order. LRU: d c b a; using b: b d c a; the
 * next new line replaces a. PLRU: after d the nodes point at a (root left, left node left); using b
 * turns the root right and the left node left; the next new line replaces c, which is not the one
 * used longest ago: that is what the tree gives up.
 *
 * Empty ways are filled first. Tags and flags start as zeroes of the host, so sets that no line
 * ever falls into take no memory.
 *
 * Invariants:
 *   C1  a line lies in the set that its low bits name
 *   C2  no line is in a cache twice
 *   C3  LRU: no empty way before a used one
 *   C4  the way noted as used last exists; it is 0 with LRU
 *
 * Cost: a hit on the way used last is a comparison; other operations take O(ways), which for fully
 * associative caches of thousands of lines is felt.
 *
 * MODEL: sets by the low bits of the line number, as first levels have them; last levels of today's
 * CPUs hash addresses over slices by functions that are not published.
 */
#include "hw/cache_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

struct cache *cache_new(const struct hw_cache *params)
{
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	uint64_t lines = params->size_bytes / params->line_bytes;
	uint64_t sets = lines / params->ways;
	BUG_ON(!sets || sets & (sets - 1) || sets * params->ways != lines,
	       "cache %s: %llu lines in %llu ways", params->name, (unsigned long long)lines,
	       (unsigned long long)params->ways);
	c->sets_mask = sets - 1;
	c->ways = (unsigned)params->ways;
	c->lru = params->replacement == HW_LRU;
	c->tree_words = (c->ways + 63) / 64;
	c->tags = calloc(lines, sizeof(*c->tags));
	c->flags = calloc(lines, sizeof(*c->flags));
	c->recent = calloc(sets, sizeof(*c->recent));
	c->tree = calloc(c->lru ? 1 : sets * c->tree_words, sizeof(*c->tree));
	if (!c->tags || !c->flags || !c->recent || !c->tree) {
		cache_free(c);
		return NULL;
	}
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	free(c->tags);
	free(c->flags);
	free(c->recent);
	free(c->tree);
	free(c);
}

/* The way of its set that @line lies in; c->ways: none. */
static unsigned find_way(const struct cache *c, uint64_t line)
{
	const uint64_t *tags = &c->tags[cache_first(c, line)];
	unsigned way = 0;
	while (way < c->ways && tags[way] != line + 1)
		way++;
	return way;
}

/* Put what is known of a line to the front; the @way ways before it move up. */
static void to_front(struct cache *c, size_t first, unsigned way, uint64_t tag, uint8_t flags)
{
	memmove(&c->tags[first + 1], &c->tags[first], way * sizeof(*c->tags));
	memmove(&c->flags[first + 1], &c->flags[first], way);
	c->tags[first] = tag;
	c->flags[first] = flags;
}

/* @way of @set was used: all nodes on its path point elsewhere. */
static void tree_use(struct cache *c, uint64_t set, unsigned way)
{
	uint64_t *tree = &c->tree[set * c->tree_words];
	unsigned node = 1;
	for (unsigned half = c->ways / 2; half; half /= 2) {
		bool right = way & half;
		uint64_t bit = UINT64_C(1) << (node % 64);
		if (right)
			tree[node / 64] &= ~bit;
		else
			tree[node / 64] |= bit;
		node = 2 * node + right;
	}
	c->recent[set] = way;
}

static unsigned tree_victim(const struct cache *c, uint64_t set)
{
	const uint64_t *tree = &c->tree[set * c->tree_words];
	unsigned node = 1;
	while (node < c->ways)
		node = 2 * node + (tree[node / 64] >> (node % 64) & 1);
	return node - c->ways;
}

uint8_t *cache_lookup(struct cache *c, uint64_t line)
{
	uint8_t *flags = cache_recent(c, line);
	if (flags)
		return flags;
	unsigned way = find_way(c, line);
	if (way == c->ways)
		return NULL;
	size_t first = cache_first(c, line);
	if (c->lru) {
		to_front(c, first, way, line + 1, c->flags[first + way]);
		return &c->flags[first];
	}
	tree_use(c, line & c->sets_mask, way);
	return &c->flags[first + way];
}

uint8_t *cache_peek(const struct cache *c, uint64_t line)
{
	unsigned way = find_way(c, line);
	return way == c->ways ? NULL : &c->flags[cache_first(c, line) + way];
}

/* The way of a set that a new line gets: an empty one, or the victim's. */
static unsigned way_to_fill(const struct cache *c, size_t first, uint64_t set)
{
	if (c->lru)
		return c->ways - 1;
	for (unsigned way = 0; way < c->ways; way++) {
		if (!c->tags[first + way])
			return way;
	}
	return tree_victim(c, set);
}

uint64_t cache_insert(struct cache *c, uint64_t line, uint8_t flags, uint8_t *victim_flags)
{
	size_t first = cache_first(c, line);
	uint64_t set = line & c->sets_mask;
	unsigned way = way_to_fill(c, first, set);
	uint64_t victim = c->tags[first + way] - 1;
	*victim_flags = c->flags[first + way];
	if (c->lru) {
		to_front(c, first, way, line + 1, flags);
	} else {
		c->tags[first + way] = line + 1;
		c->flags[first + way] = flags;
		tree_use(c, set, way);
	}
	return victim; /* an empty way's tag, 0, is CACHE_NO_LINE + 1 */
}

int cache_remove(struct cache *c, uint64_t line)
{
	unsigned way = find_way(c, line);
	if (way == c->ways)
		return -1;
	size_t first = cache_first(c, line), at = first + way;
	int flags = c->flags[at];
	if (c->lru) {
		unsigned after = c->ways - 1 - way;
		memmove(&c->tags[at], &c->tags[at + 1], after * sizeof(*c->tags));
		memmove(&c->flags[at], &c->flags[at + 1], after);
		at = first + c->ways - 1;
	}
	c->tags[at] = 0;
	c->flags[at] = 0;
	return flags;
}

void cache_walk(const struct cache *c, void (*visit)(void *arg, uint64_t line, uint8_t flags),
		void *arg)
{
	size_t lines = (size_t)(c->sets_mask + 1) * c->ways;
	for (size_t i = 0; i < lines; i++) {
		if (c->tags[i])
			visit(arg, c->tags[i] - 1, c->flags[i]);
	}
}

static int check_set(const struct cache *c, uint64_t set, char *text, size_t text_size)
{
	const uint64_t *tags = &c->tags[set * c->ways];
	bool empty = false;
	for (unsigned way = 0; way < c->ways; way++) {
		unsigned long long line = tags[way] - 1;
		if (!tags[way]) {
			empty = true;
			continue;
		}
		if ((line & c->sets_mask) != set) {
			snprintf(text, text_size, "C1: line %llx in set %llx", line,
				 (unsigned long long)set);
			return -1;
		}
		for (unsigned other = 0; other < way; other++) {
			if (tags[other] == tags[way]) {
				snprintf(text, text_size, "C2: line %llx in ways %u and %u", line,
					 other, way);
				return -1;
			}
		}
		if (c->lru && empty) {
			snprintf(text, text_size, "C3: line %llx behind an empty way", line);
			return -1;
		}
	}
	if (c->recent[set] >= (c->lru ? 1 : c->ways)) {
		snprintf(text, text_size, "C4: set %llx: way %u was used last",
			 (unsigned long long)set, c->recent[set]);
		return -1;
	}
	return 0;
}

int cache_check(const struct cache *c, char *text, size_t text_size)
{
	for (uint64_t set = 0; set <= c->sets_mask; set++) {
		if (check_set(c, set, text, text_size))
			return -1;
	}
	return 0;
}
