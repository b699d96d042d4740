/*
 * collect_columns.c - which figures become columns of a sweep's table: see collect_columns.h.
 *
 * Runs of one sweep have different figures: another allocator has other caches, another machine
 * other locks. The columns are those that any run has, so all runs are looked at before the first
 * row is written. Whether a key is selected is decided once, when it is first seen, and it gets the
 * next number then; the keys are kept sorted as a run's leaves are, so that a run is merged and
 * numbered in one walk over both.
 *
 * Columns are ordered by section and then by name, numbers in names by value: order9 comes before
 * order10. So their order depends on what there is, not on which run had it first.
 *
 * Which figures a table has by default: those of whole runs. What is listed by cache, CPU, zone,
 * lock, or operation, order and path is there in sums (derived.h); asking for it is easy.
 *
 * Invariants:
 *   1. `keys` is sorted, each once.
 *   2. No two columns have the same name: of keys that give the same, the first in order has it and
 *      the others end in _2, _3 ...
 *   3. No figure of the host is a column: the table is the same however the sweep was run.
 *
 * Example: two runs have the leaves {a, c} and {a, b}. The numbers of a, b and c are 0, 2 and 1,
 * and the columns are a, b and c.
 *
 * Cost: a run of n leaves takes n steps; a new key moves those behind it.
 */
#include "sim/sweep/collect_columns.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/columns.h"
#include "sim/compare.h"
#include "sim/suggest.h"

/* Sections of whole runs, in the order of the columns. */
static const char *const sections[] = {
	"totals",    "failures",    "latency",  "fragmentation", "zones_total",
	"pcp_total", "locks_total", "objects",  "cycles",        "memory_system",
	"locking",   "programs",    "fidelity", "checks",
};

/* What of these sections is listed one by one. */
static const char *const details[] = {
	"latency[*,*].*",
	"cycles.cpus[].*",
	"memory_system.cpus[].*",
	"fidelity.caches[].*",
	"fidelity.zones[].free_blocks_*",
	"programs[].steps*",
};

/* No outcome of the simulation, but what was asked for and the computer that did it. */
static const char *const never[] = {"schema_version", "meta", "config", "host"};

static bool begins_with_section(const char *key, const char *section)
{
	size_t length = strlen(section);

	return !strncmp(key, section, length) && (!key[length] || strchr(".[", key[length]));
}

static size_t section_of(const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sections) && !begins_with_section(key, sections[i]); i++)
		;
	return i;
}

static bool is_detail(const char *key)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(details); i++)
		if (metric_matches(details[i], key))
			return true;
	return false;
}

bool collect_columns_wants(const struct collect_columns *c, const char *member)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		if (begins_with_section(member, never[i]))
			return false;
	return c->options->columns_count || c->options->all_columns ||
	       section_of(member) < ARRAY_SIZE(sections);
}

static bool is_selected(struct collect_columns *c, const struct leaf *leaf)
{
	const struct collect_options *o = c->options;
	char name[2 * COMPARE_KEY_BYTES_MAX];
	bool selected = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		if (begins_with_section(leaf->key, never[i]))
			return false;
	column_name(leaf->key, name, sizeof(name));
	for (i = 0; i < o->columns_count; i++) {
		if (!compare_selects(o->columns[i], leaf->key) &&
		    !metric_matches(o->columns[i], name))
			continue;
		c->pattern_used[i] = true;
		selected = true;
	}
	if (o->columns_count || o->all_columns)
		return selected || o->all_columns;
	/* By default no texts: a picture can't show them. */
	return section_of(leaf->key) < ARRAY_SIZE(sections) && !is_detail(leaf->key) &&
	       !cJSON_IsString(leaf->item);
}

/* --- the runs' keys -------------------------------------------------------------------------- */

int collect_columns_init(struct collect_columns *c, const struct collect_options *options,
			 struct err *err)
{
	*c = (struct collect_columns){.options = options};
	c->pattern_used = calloc(options->columns_count + 1, sizeof(*c->pattern_used));
	return c->pattern_used ? 0 : err_set(err, ERR_IO, "out of memory");
}

void collect_columns_release(struct collect_columns *c)
{
	size_t i;

	for (i = 0; i < c->keys_count; i++)
		free(c->keys[i].key);
	for (i = 0; c->names && i < c->count; i++)
		free(c->names[i]);
	free(c->keys);
	free(c->names);
	free(c->numbers);
	free(c->pattern_used);
	*c = (struct collect_columns){0};
}

/* Put the key of @leaf at the place @at of the list. */
static int insert(struct collect_columns *c, size_t at, const struct leaf *leaf)
{
	size_t room = c->keys_room ? 2 * c->keys_room : 1024;
	struct collect_key *keys;
	char *key;

	if (c->keys_count == c->keys_room) {
		keys = realloc(c->keys, room * sizeof(*keys));
		if (!keys)
			return -1;
		c->keys = keys;
		c->keys_room = room;
	}
	key = strdup(leaf->key);
	if (!key)
		return -1;
	memmove(&c->keys[at + 1], &c->keys[at], (c->keys_count - at) * sizeof(*c->keys));
	c->keys[at] = (struct collect_key){.key = key, .number = COLLECT_NONE};
	c->keys_count++;
	if (is_selected(c, leaf))
		c->keys[at].number = c->numbers_count++;
	return 0;
}

int collect_columns_add(struct collect_columns *c, const struct leaves *l, size_t *numbers,
			struct err *err)
{
	size_t i, at = 0;

	for (i = 0; i < l->count; i++) {
		while (at < c->keys_count && strcmp(c->keys[at].key, l->items[i].key) < 0)
			at++;
		numbers[i] = COLLECT_NONE;
		if (cJSON_IsNull(l->items[i].item))
			continue;
		if ((at == c->keys_count || strcmp(c->keys[at].key, l->items[i].key)) &&
		    insert(c, at, &l->items[i]))
			return err_set(err, ERR_IO, "out of memory");
		numbers[i] = c->keys[at].number;
	}
	return 0;
}

/* --- the columns ----------------------------------------------------------------------------- */

/* As strcmp(), but numbers within the texts by their value. */
static int compare_natural(const char *a, const char *b)
{
	size_t x, y;
	int order;

	while (*a && *b) {
		if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
			if (*a != *b)
				break;
			a++;
			b++;
			continue;
		}
		while (*a == '0' && isdigit((unsigned char)a[1]))
			a++;
		while (*b == '0' && isdigit((unsigned char)b[1]))
			b++;
		x = strspn(a, "0123456789");
		y = strspn(b, "0123456789");
		order = x != y ? (x > y) - (x < y) : strncmp(a, b, x);
		if (order)
			return order;
		a += x;
		b += y;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

static int compare_columns(const void *a, const void *b)
{
	const struct collect_key *const *x = a, *const *y = b;
	size_t s = section_of((*x)->key), t = section_of((*y)->key);
	int order;

	if (s != t)
		return s < t ? -1 : 1;
	order = compare_natural((*x)->key, (*y)->key);
	return order ? order : strcmp((*x)->key, (*y)->key);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that the table has: @taken and the columns'. */
struct names {
	char *const *taken;
	size_t taken_count;
};

/* Is @name taken, or that of a column before @end other than @but? */
static bool has_name(const struct collect_columns *c, const struct names *n, const char *name,
		     size_t end, size_t but)
{
	size_t i;

	for (i = 0; i < n->taken_count; i++)
		if (!strcmp(n->taken[i], name))
			return true;
	for (i = 0; i < end; i++)
		if (i != but && !strcmp(c->names[i], name))
			return true;
	return false;
}

/* Are any two names the same? 1 or 0; -1 without memory. */
static int have_twins(const struct collect_columns *c, const struct names *n)
{
	size_t total = c->count + n->taken_count, i;
	const char **sorted = calloc(total + 1, sizeof(*sorted));
	int found = 0;

	if (!sorted)
		return -1;
	for (i = 0; i < total; i++)
		sorted[i] = i < c->count ? c->names[i] : n->taken[i - c->count];
	qsort(sorted, total, sizeof(*sorted), compare_texts);
	for (i = 1; i < total; i++)
		found |= !strcmp(sorted[i - 1], sorted[i]);
	free(sorted);
	return found;
}

/* Invariant 2. */
static int number_twins(struct collect_columns *c, const struct names *n)
{
	int twins = have_twins(c, n);
	unsigned number;
	char *name;
	size_t i;

	for (i = 0; twins > 0 && i < c->count; i++) {
		if (!has_name(c, n, c->names[i], i, i))
			continue;
		for (number = 2, name = NULL; !name; number++) {
			if (asprintf(&name, "%s_%u", c->names[i], number) < 0)
				return -1;
			if (!has_name(c, n, name, c->count, i))
				break;
			free(name);
			name = NULL;
		}
		free(c->names[i]);
		c->names[i] = name;
	}
	return twins < 0 ? -1 : 0;
}

static int check_patterns(const struct collect_columns *c, struct err *err)
{
	char near[512];
	const char **keys;
	unsigned i;
	size_t k;

	for (i = 0; i < c->options->columns_count && c->pattern_used[i]; i++)
		;
	if (i == c->options->columns_count || !c->keys_count)
		return 0;
	keys = calloc(c->keys_count, sizeof(*keys));
	if (!keys)
		return err_set(err, ERR_IO, "out of memory");
	for (k = 0; k < c->keys_count; k++)
		keys[k] = c->keys[k].key;
	suggest_keys(c->options->columns[i], keys, (unsigned)c->keys_count, near, sizeof(near));
	err_set(err, ERR_USAGE, "no run has a figure \"%.200s\"%s", c->options->columns[i],
		near[0] ? near : " (see allocsim list metrics)");
	free(keys);
	return -1;
}

int collect_columns_end(struct collect_columns *c, char *const *taken, size_t taken_count,
			struct err *err)
{
	struct collect_key **columns = calloc(c->keys_count + 1, sizeof(struct collect_key *));
	char name[2 * COMPARE_KEY_BYTES_MAX];
	size_t count = 0, i;
	int failed = -1;

	c->names = calloc(c->keys_count + 1, sizeof(*c->names));
	c->numbers = calloc(c->keys_count + 1, sizeof(*c->numbers));
	if (!columns || !c->names || !c->numbers)
		goto out;
	for (i = 0; i < c->keys_count; i++)
		if (c->keys[i].number != COLLECT_NONE)
			columns[count++] = &c->keys[i];
	qsort(columns, count, sizeof(struct collect_key *), compare_columns);
	for (; c->count < count; c->count++) {
		c->numbers[c->count] = columns[c->count]->number;
		column_name(columns[c->count]->key, name, sizeof(name));
		c->names[c->count] = strdup(name);
		if (!c->names[c->count])
			goto out;
	}
	failed = number_twins(c, &(struct names){taken, taken_count});
out:
	free(columns);
	return failed ? err_set(err, ERR_IO, "out of memory") : check_patterns(c, err);
}
