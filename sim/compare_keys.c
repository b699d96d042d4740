/*
 * compare_keys.c - a JSON document as a sorted list of dotted keys.
 *
 * A member is named by its path: totals.failed_count. An array element is named by what identifies
 * it, not by its position, because two runs may list different elements: an allocator without
 * per-CPU lists has no latencies of the path pcp, and the third element is another one then.
 *
 *   latency[alloc,0,pcp].p99_ns      by op, order and path
 *   zones[node1/Normal].merges_count by name, with the node beyond node 0
 *   pcp[0,Normal].refills_count      by CPU and zone
 *   fragmentation.unusable_index[9]  by position: numbers have nothing else
 *
 * Keys that are the same nevertheless get #2, #3 at their ends. What is written here holds for any
 * document: members that say who an element is are listed below, and new arrays of a result whose
 * elements have a name need no change.
 *
 * The number of operations that a latency was computed from stands beside it in `count`; it is kept
 * with the leaf, so that a percentile of three operations can be weighed as what it is.
 */
#include "sim/compare_keys.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"

/* Members that tell elements apart, in the order in which they are written. */
static const char *const identity[] = {"op", "order", "path", "name", "cpu", "zone"};

/* The walk through one document. */
struct walk {
	struct leaves *leaves;
	const char *file;
	char key[COMPARE_KEY_BYTES_MAX];
	struct err *err;
};

static int append(struct walk *w, size_t *used, const char *text)
{
	for (; *text; text++) {
		if (*used + 1 >= sizeof(w->key)) {
			w->key[*used] = '\0';
			return err_set(w->err, ERR_TRACE, "%s: %.64s...: the key is too long",
				       w->file, w->key);
		}
		if (iscntrl((unsigned char)*text))
			w->key[*used] = '?';
		else
			w->key[*used] = strchr("<>=", *text) ? '_' : *text;
		(*used)++;
	}
	w->key[*used] = '\0';
	return 0;
}

static int add_leaf(struct walk *w, const cJSON *item, double samples)
{
	struct leaves *l = w->leaves;
	size_t room = l->room ? 2 * l->room : 256;
	struct leaf *items;

	if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
		return err_set(w->err, ERR_TRACE, "%s: %s: the number is out of range", w->file,
			       w->key);
	if (l->count == l->room) {
		items = realloc(l->items, room * sizeof(*items));
		if (!items)
			return err_set(w->err, ERR_IO, "out of memory");
		l->items = items;
		l->room = room;
	}
	l->items[l->count] = (struct leaf){
		.key = strdup(w->key), .item = item, .samples = samples, .sequence = l->count};
	if (!l->items[l->count].key)
		return err_set(w->err, ERR_IO, "out of memory");
	l->count++;
	return 0;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double node_of(const cJSON *element)
{
	const cJSON *node = member(element, "nid");

	node = node ? node : member(element, "node");
	return cJSON_IsNumber(node) ? node->valuedouble : 0;
}

static bool is_scalar(const cJSON *item)
{
	return cJSON_IsString(item) || cJSON_IsNumber(item);
}

/* "alloc,0,pcp"; the empty string if nothing identifies @element. */
static void element_name(const cJSON *element, char *buf, size_t size)
{
	const cJSON *item;
	double node = node_of(element);
	size_t used = 0, i;
	bool is_place;

	buf[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(identity) && used < size; i++) {
		item = member(element, identity[i]);
		if (!is_scalar(item))
			continue;
		used += (size_t)snprintf(buf + used, size - used, "%s", used ? "," : "");
		is_place = cJSON_IsString(item) && node > 0 && !strchr(item->valuestring, '/') &&
			   (!strcmp(identity[i], "name") || !strcmp(identity[i], "zone"));
		if (is_place && used < size)
			used += (size_t)snprintf(buf + used, size - used, "node%.0f/", node);
		if (used < size && cJSON_IsString(item))
			used += (size_t)snprintf(buf + used, size - used, "%s", item->valuestring);
		else if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "%.10g",
						 item->valuedouble);
	}
	item = member(element, "type");
	if (!used && cJSON_IsString(item) && node > 0)
		snprintf(buf, size, "node%.0f/%s", node, item->valuestring);
	else if (!used && cJSON_IsString(item))
		snprintf(buf, size, "%s", item->valuestring);
}

static int walk(struct walk *w, const cJSON *item, size_t used, unsigned depth, double samples);

static int walk_array(struct walk *w, const cJSON *array, size_t used, unsigned depth)
{
	char name[COMPARE_KEY_BYTES_MAX];
	const cJSON *element;
	unsigned index = 0;
	size_t end;

	cJSON_ArrayForEach(element, array)
	{
		name[0] = '\0';
		if (cJSON_IsObject(element))
			element_name(element, name, sizeof(name));
		if (!name[0])
			snprintf(name, sizeof(name), "%u", index);
		end = used;
		if (append(w, &end, "[") || append(w, &end, name) || append(w, &end, "]") ||
		    walk(w, element, end, depth + 1, INFINITY))
			return -1;
		index++;
	}
	return 0;
}

static int walk_object(struct walk *w, const cJSON *object, size_t used, unsigned depth)
{
	const cJSON *item, *count = member(object, "count");
	double samples = cJSON_IsNumber(count) ? count->valuedouble : INFINITY;
	size_t end;

	cJSON_ArrayForEach(item, object)
	{
		if (!strcmp(item->string, "histogram"))
			continue;
		end = used;
		if ((used && append(w, &end, ".")) || append(w, &end, item->string) ||
		    walk(w, item, end, depth + 1, item == count ? INFINITY : samples))
			return -1;
	}
	return 0;
}

static int walk(struct walk *w, const cJSON *item, size_t used, unsigned depth, double samples)
{
	if (depth > COMPARE_DEPTH_MAX)
		return err_set(w->err, ERR_TRACE,
			       "%s: %.64s...: is nested more than %d levels deep", w->file, w->key,
			       COMPARE_DEPTH_MAX);
	if (cJSON_IsArray(item))
		return walk_array(w, item, used, depth);
	if (cJSON_IsObject(item))
		return walk_object(w, item, used, depth);
	return add_leaf(w, item, samples);
}

int leaves_collect(struct leaves *l, const cJSON *object, const char *name, const char *file,
		   struct err *err)
{
	struct walk w = {.leaves = l, .file = file, .err = err};

	if (!name)
		return walk(&w, object, 0, 0, INFINITY);
	object = member(object, name);
	return object ? leaves_collect_member(l, object, file, err) : 0;
}

int leaves_collect_member(struct leaves *l, const cJSON *item, const char *file, struct err *err)
{
	struct walk w = {.leaves = l, .file = file, .err = err};
	size_t used = 0;

	if (append(&w, &used, item->string))
		return -1;
	return walk(&w, item, used, 0, INFINITY);
}

/* By key, and equal keys in the order of the document. */
static int compare_leaves(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* Returns how many were renamed, or -1. */
static long rename_namesakes(struct leaves *l, struct err *err)
{
	size_t i, first = 0;
	long renamed = 0;
	char *name;

	for (i = 1; i < l->count; i++) {
		if (strcmp(l->items[i].key, l->items[first].key)) {
			first = i;
			continue;
		}
		if (asprintf(&name, "%s#%zu", l->items[i].key, i - first + 1) < 0)
			return err_set(err, ERR_IO, "out of memory");
		free(l->items[i].key);
		l->items[i].key = name;
		renamed++;
	}
	return renamed;
}

int leaves_sort(struct leaves *l, struct err *err)
{
	long renamed;

	if (!l->count)
		return 0;
	qsort(l->items, l->count, sizeof(*l->items), compare_leaves);
	renamed = rename_namesakes(l, err);
	if (renamed > 0)
		qsort(l->items, l->count, sizeof(*l->items), compare_leaves);
	return renamed < 0 ? -1 : 0;
}

static int compare_key(const void *key, const void *leaf)
{
	return strcmp(key, ((const struct leaf *)leaf)->key);
}

const struct leaf *leaves_find(const struct leaves *l, const char *key)
{
	if (!l->count)
		return NULL;
	return bsearch(key, l->items, l->count, sizeof(*l->items), compare_key);
}

void leaves_release(struct leaves *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->items[i].key);
	free(l->items);
	*l = (struct leaves){0};
}
