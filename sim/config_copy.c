/*
 * config_copy.c - a configuration that is its own: copies, whatever lists they hold.
 *
 * A struct config is plain bytes but for lists on the heap and one file descriptor. Copying takes
 * the bytes and then walks the table of keys (config_schema.h) for rows that are lists: each list
 * on the heap is replaced by a copy of its elements, and the walk goes on inside the elements,
 * whose own lists still point into the original.
 *
 *   to = from                 programs -> A                (A is the original's)
 *   programs replaced         programs -> B, B[0].steps -> A[0].steps
 *   inside B[0]               B[0].steps -> a copy
 *
 * Where memory runs out, a list becomes empty and the walk goes on: afterwards no list is shared,
 * so that the copy can be released like any other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config_impl.h"

static int own_lists(const struct field *map, void *base);

/* A copy of the elements that list @f of the struct at @base points to. */
static int own_elements(const struct field *f, void *base)
{
	const struct schema_list *l = f->list;
	unsigned count, none = 0;
	const void *items = schema_list_items(f, base, &count);
	void *copy = count ? reallocarray(NULL, count, l->element_bytes) : NULL;
	if (copy)
		memcpy(copy, items, count * l->element_bytes);
	else
		memcpy((char *)base + l->count_offset, &none, sizeof(none));
	memcpy((char *)base + f->offset, &copy, sizeof(copy));
	return count && !copy ? -1 : 0;
}

static int own_list(const struct field *f, void *base)
{
	int rc = f->list->heap ? own_elements(f, base) : 0;
	unsigned count;
	char *items = schema_list_items(f, base, &count);
	for (unsigned i = 0; i < count; i++) {
		if (own_lists(f, items + i * f->list->element_bytes) != 0)
			rc = -1;
	}
	return rc;
}

/* Make the lists of the mapping @map at @base those of a copy. */
static int own_lists(const struct field *map, void *base)
{
	int rc = 0;
	for (unsigned i = 0; i < map->keys_count; i++) {
		const struct field *f = &map->keys[i];
		if (f->kind == FIELD_MAP && own_lists(f, (char *)base + f->offset) != 0)
			rc = -1;
		if (f->kind == FIELD_LIST && own_list(f, base) != 0)
			rc = -1;
	}
	return rc;
}

int config_copy(struct config *to, const struct config *from, struct err *err)
{
	memcpy(to, from, sizeof(*to));
	int rc = own_lists(&schema_root, to);
	if (rc != 0)
		err_set(err, ERR_IO, "configuration: out of memory");
	if (from->workload.ops_fd < 0)
		return rc;
	to->workload.ops_fd = fcntl(from->workload.ops_fd, F_DUPFD_CLOEXEC, 0);
	if (to->workload.ops_fd < 0)
		rc = err_set(err, ERR_IO, "workload.operations: %s", strerror(errno));
	return rc;
}
