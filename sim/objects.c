/*
 * objects.c - see objects.h.
 *
 * Each id is dropped exactly once, after its last use, so a chunk counts the drops and is freed
 * with the last one. The array of chunk pointers stays: 8 bytes for 1024 allocations.
 */
#include "sim/objects.h"

#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

void objects_init(struct objects *t)
{
	memset(t, 0, sizeof(*t));
}

void objects_release(struct objects *t)
{
	for (uint64_t i = 0; i < t->chunks_count; i++)
		free(t->chunks[i]);
	free(t->chunks);
	objects_init(t);
}

static int grow(struct objects *t, uint64_t chunk)
{
	uint64_t count = u64_max(chunk + 1, t->chunks_count ? 2 * t->chunks_count : 64);
	struct object_chunk **chunks = realloc(t->chunks, count * sizeof(struct object_chunk *));
	if (!chunks)
		return -1;
	for (uint64_t i = t->chunks_count; i < count; i++)
		chunks[i] = NULL;
	t->chunks = chunks;
	t->chunks_count = count;
	return 0;
}

struct object *objects_make(struct objects *t, uint64_t id)
{
	uint64_t chunk = id >> OBJECT_CHUNK_BITS;
	if (chunk >= t->chunks_count && grow(t, chunk) != 0)
		return NULL;
	if (!t->chunks[chunk]) {
		t->chunks[chunk] = calloc(1, sizeof(struct object_chunk));
		if (!t->chunks[chunk])
			return NULL;
		t->live_chunks++;
	}
	return &t->chunks[chunk]->objects[id & (OBJECT_CHUNK_SIZE - 1)];
}

bool object_free_part(struct object *o, unsigned pages)
{
	if (!o->parts) {
		o->parts = true;
		o->pages_left = (uint16_t)(1u << o->order);
	}
	BUG_ON(pages > o->pages_left, "%u pages of an object are freed, %u are left", pages,
	       o->pages_left);
	o->pages_left = (uint16_t)(o->pages_left - pages);
	return o->pages_left == 0;
}

void objects_drop(struct objects *t, uint64_t id)
{
	uint64_t chunk = id >> OBJECT_CHUNK_BITS;
	BUG_ON(chunk >= t->chunks_count || !t->chunks[chunk], "object %llu is dropped twice",
	       (unsigned long long)id);
	if (++t->chunks[chunk]->dropped_count < OBJECT_CHUNK_SIZE)
		return;
	free(t->chunks[chunk]);
	t->chunks[chunk] = NULL;
	t->live_chunks--;
}
