/*
 * objects.h - what a workload has allocated: from the workload's object ids to where they are.
 *
 * Ids are handed out in order of allocation, so the table is an array in chunks; a chunk is given
 * back when all of its objects are gone, and memory follows what lives, not how much was ever
 * allocated.
 */
#ifndef SIM_OBJECTS_H
#define SIM_OBJECTS_H

#include "kern/types.h"

enum object_state {
	OBJECT_UNBORN,   /* not allocated yet */
	OBJECT_LIVE,     /* allocated by the simulation */
	OBJECT_RECORDED, /* allocated before the start, at its recorded pfn */
	OBJECT_FAILED,   /* the allocation found no page, or is outside the replayed window */
};

struct object {
	ps_t born_ps;        /* when the allocation ended: no free can be earlier */
	uint32_t pfn;
	union {
		uint16_t pages_left;   /* of a block that is freed in parts */
		uint16_t offset_bytes; /* of an object of a cache or kmalloc: in its page */
	};
	uint8_t order;
	uint8_t state;       /* enum object_state */
	bool parts;          /* split into single pages */
	bool waited_for;     /* a CPU sleeps until the allocation is done */
	uint16_t slot;       /* of its cache, see object_stack.h */
	uint32_t bytes;      /* asked for, as far as 32 bits tell */
};
_Static_assert(sizeof(struct object) == 24, "one for every allocation that lives");

static inline uint64_t object_paddr(const struct object *o)
{
	return (uint64_t)o->pfn << PAGE_SHIFT | o->offset_bytes;
}

#define OBJECT_CHUNK_BITS 10
#define OBJECT_CHUNK_SIZE (1u << OBJECT_CHUNK_BITS)

struct object_chunk {
	unsigned dropped_count;
	struct object objects[OBJECT_CHUNK_SIZE];
};

struct objects {
	struct object_chunk **chunks;
	uint64_t chunks_count;
	uint64_t live_chunks;
};

void objects_init(struct objects *t);
void objects_release(struct objects *t);
/* Make the chunk of object @id, if it is not there; the object, or NULL: out of memory. */
struct object *objects_make(struct objects *t, uint64_t id);

/* The object @id; made, unborn, when it is met first. NULL: out of memory. */
static inline struct object *objects_get(struct objects *t, uint64_t id)
{
	uint64_t chunk = id >> OBJECT_CHUNK_BITS;
	if (__builtin_expect(chunk >= t->chunks_count || !t->chunks[chunk], 0))
		return objects_make(t, id);
	return &t->chunks[chunk]->objects[id & (OBJECT_CHUNK_SIZE - 1)];
}

/*
 * Ids for one of several sources that make objects, each for itself. One may be far ahead of the
 * others, as CPUs are; so each has whole chunks of its own, which go when its objects are gone.
 */
struct object_ids {
	uint64_t next, sources_count;
};

static inline struct object_ids object_ids_of(unsigned source, unsigned sources_count)
{
	return (struct object_ids){(uint64_t)source << OBJECT_CHUNK_BITS, sources_count};
}

static inline uint64_t object_ids_take(struct object_ids *ids)
{
	uint64_t id = ids->next++;
	if (ids->next % OBJECT_CHUNK_SIZE == 0)
		ids->next += (ids->sources_count - 1) << OBJECT_CHUNK_BITS;
	return id;
}

/*
 * @pages of the object are freed on their own. Returns whether nothing of it is left; it is then to
 * be dropped.
 */
bool object_free_part(struct object *o, unsigned pages);
/* @id is gone for good. */
void objects_drop(struct objects *t, uint64_t id);

#endif
