/*
 * compare_keys.h - a JSON document as a sorted list of dotted keys.
 *
 * Private to compare*.c.
 */
#ifndef SIM_COMPARE_KEYS_H
#define SIM_COMPARE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "kern/err.h"

#define COMPARE_KEY_BYTES_MAX 512
#define COMPARE_DEPTH_MAX     32

/* One value that is no object and no array. */
struct leaf {
	char *key;         /* "zones[Normal].splits_count" */
	const cJSON *item; /* into the document */
	size_t sequence;   /* place in the document */
	double samples;    /* the count that stands beside the value; INFINITY without one */
};

struct leaves {
	struct leaf *items; /* sorted by key, each once */
	size_t count, room;
};

/*
 * Collect the leaves of the member @name of @object (or of @object itself, without a prefix, if
 * @name is NULL) into the zeroed @l. An absent member has none. Members called "histogram" are left
 * out.
 *
 * A control character in a key is read as ?, and < > = as _, which mean something in conditions.
 *
 * @file names the document in errors. Returns 0, or -1 with @err (ERR_TRACE: nested too deeply, a
 * key that is too long, a number beyond the range of a double; ERR_IO: out of memory); @l has to be
 * released in both cases.
 */
int leaves_collect(struct leaves *l, const cJSON *object, const char *name, const char *file,
		   struct err *err);
/* The same of @item, a member of an object, under its own name. */
int leaves_collect_member(struct leaves *l, const cJSON *item, const char *file, struct err *err);

/* Sort after the last leaves_collect(), before the first leaves_find(). 0, or -1 (ERR_IO). */
int leaves_sort(struct leaves *l, struct err *err);

const struct leaf *leaves_find(const struct leaves *l, const char *key);
void leaves_release(struct leaves *l);

#endif
