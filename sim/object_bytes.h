/*
 * object_bytes.h - what objects hold of memory, and what becomes of it.
 *
 *   held = requested + class_rounding + object_overhead + free_objects + slab_tail
 *
 * holds exactly, for each cache and so for sums.
 */
#ifndef SIM_OBJECT_BYTES_H
#define SIM_OBJECT_BYTES_H

#include "sim/object_stack.h"

enum object_waste {
	WASTE_CLASS_ROUNDING,  /* users may write it, but asked for less */
	WASTE_OBJECT_OVERHEAD, /* around live objects: alignment, red zones, headers */
	WASTE_FREE_OBJECTS,    /* slots of free objects; free memory in pools */
	WASTE_SLAB_TAIL,       /* at the end of slabs, too short for an object; bookkeeping */
	OBJECT_WASTES,
};

/* "class_rounding" ... */
extern const char *const object_waste_names[OBJECT_WASTES];

struct object_bytes {
	uint64_t live_count;      /* objects that users hold */
	uint64_t requested_bytes; /* asked for by their users */
	uint64_t given_bytes;     /* what these users may write */
	uint64_t held_bytes;      /* pages of slabs, or the share of a pool */
	uint64_t waste_bytes[OBJECT_WASTES];
};

/*
 * Of a slot of the stack (SLOT_LARGE: large requests, in whole pages). Costs no walk. While an
 * operation is under way, in a sample, its object may count as given and not yet as requested.
 */
void object_bytes_of_slot(const struct object_stack *s, unsigned slot, struct object_bytes *b);
/* Of all slots: every page and object once. */
void object_bytes_sum(const struct object_stack *s, struct object_bytes *sum);
void object_bytes_add(struct object_bytes *to, const struct object_bytes *b);

static inline uint64_t object_bytes_waste(const struct object_bytes *b)
{
	return b->held_bytes - b->requested_bytes;
}

/* The cause that wastes most. */
enum object_waste object_bytes_largest(const struct object_bytes *b);

#endif
