/*
 * object_bytes.c - see object_bytes.h.
 *
 * A slab of a cache is cut into slots of size_bytes, and what is left is its tail:
 *
 *   | object_size | around | object_size | around | ... | tail |
 *    live: given   overhead  free: the whole slot
 *
 * So with the counters of the cache alone
 *
 *   held           pages * PAGE_BYTES
 *   given          live * object_size, of which users asked for `requested`
 *   overhead       live * (size - object_size)
 *   free objects   (objects - live) * size
 *   slab tail      held - objects * size
 *
 * which add up to held whatever the numbers are. With pools (see struct object_cache_stats) objects
 * of all caches lie in the same pages: a cache holds what its objects take of the pools, and the
 * pool itself what nobody has taken, which are free objects without a cache. What such an object
 * takes beyond what it was given (a header, the rest of its block) is overhead.
 */
#include "sim/object_bytes.h"

#include <string.h>

const char *const object_waste_names[OBJECT_WASTES] = {
	[WASTE_CLASS_ROUNDING] = "class_rounding",
	[WASTE_OBJECT_OVERHEAD] = "object_overhead",
	[WASTE_FREE_OBJECTS] = "free_objects",
	[WASTE_SLAB_TAIL] = "slab_tail",
};

static void of_large(const struct object_stack *s, struct object_bytes *b)
{
	b->live_count = s->km.large_live_count;
	b->held_bytes = b->given_bytes = s->km.large_live_pages * PAGE_BYTES;
}

static void of_slabs(const struct object_cache_stats *c, struct object_bytes *b)
{
	b->live_count = c->live_count;
	b->held_bytes = c->pages_count * PAGE_BYTES;
	b->given_bytes = c->live_count * c->object_size_bytes;
	b->waste_bytes[WASTE_OBJECT_OVERHEAD] =
		c->live_count * (c->size_bytes - c->object_size_bytes);
	b->waste_bytes[WASTE_FREE_OBJECTS] = (c->objects_count - c->live_count) * c->size_bytes;
	b->waste_bytes[WASTE_SLAB_TAIL] = b->held_bytes - c->objects_count * c->size_bytes;
}

static void of_pools(const struct object_cache_stats *c, const struct cache_slot *known,
		     struct object_bytes *b)
{
	if (c->flags & CACHE_POOL) {
		b->held_bytes = c->pages_count * PAGE_BYTES - c->live_count * c->size_bytes;
		b->waste_bytes[WASTE_FREE_OBJECTS] = b->held_bytes;
		return;
	}
	b->live_count = c->live_count;
	b->held_bytes = c->pages_count * PAGE_BYTES + c->pool_bytes;
	b->given_bytes =
		u64_min(known->live_requested_bytes + known->live_rounding_bytes, b->held_bytes);
	b->waste_bytes[WASTE_OBJECT_OVERHEAD] = b->held_bytes - b->given_bytes;
}

void object_bytes_of_slot(const struct object_stack *s, unsigned slot, struct object_bytes *b)
{
	const struct cache_slot *known = &s->slots[slot];
	struct object_cache_stats stats;
	memset(b, 0, sizeof(*b));
	if (slot == SLOT_LARGE) {
		of_large(s, b);
	} else {
		s->oa->ops->cache_stats(s->oa, known->cache, &stats);
		if (s->pools)
			of_pools(&stats, known, b);
		else
			of_slabs(&stats, b);
	}
	b->requested_bytes = u64_min(known->live_requested_bytes, b->given_bytes);
	b->waste_bytes[WASTE_CLASS_ROUNDING] = b->given_bytes - b->requested_bytes;
}

void object_bytes_add(struct object_bytes *to, const struct object_bytes *b)
{
	to->live_count += b->live_count;
	to->requested_bytes += b->requested_bytes;
	to->given_bytes += b->given_bytes;
	to->held_bytes += b->held_bytes;
	for (unsigned i = 0; i < OBJECT_WASTES; i++)
		to->waste_bytes[i] += b->waste_bytes[i];
}

void object_bytes_sum(const struct object_stack *s, struct object_bytes *sum)
{
	struct object_bytes b;
	memset(sum, 0, sizeof(*sum));
	for (unsigned slot = 0; slot < s->slots_count; slot++) {
		object_bytes_of_slot(s, slot, &b);
		object_bytes_add(sum, &b);
	}
}

enum object_waste object_bytes_largest(const struct object_bytes *b)
{
	enum object_waste most = WASTE_CLASS_ROUNDING;
	for (unsigned i = 0; i < OBJECT_WASTES; i++) {
		if (b->waste_bytes[i] > b->waste_bytes[most])
			most = i;
	}
	return most;
}
