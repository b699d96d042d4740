/*
 * u64map.c - open addressing with linear probing: see u64map.h.
 *
 * A key's home slot is the top bits of key * 2^64/phi (Fibonacci hashing), which spreads the dense
 * and the aligned keys that page frame numbers are. A key lies in the first free slot from its home
 * on. The table is at most 5/8 full, so a lookup looks at about two slots, mostly in one cache
 * line.
 *
 * Removal closes the gap: each following entry of the run moves into it unless its home lies after
 * the gap. So there are no tombstones, and a table that lives through billions of removals stays as
 * fast as a new one.
 *
 * What it does not do: shrink, iterate, or resist keys chosen to collide.
 */
#include "kern/u64map.h"

#include <stdlib.h>

#define BITS_MIN 6

static size_t slot_home(const struct u64map *map, uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - map->bits));
}

static size_t slot_mask(const struct u64map *map)
{
	return ((size_t)1 << map->bits) - 1;
}

void u64map_release(struct u64map *map)
{
	free(map->slots);
	*map = (struct u64map){0};
}

static struct u64map_slot *find_slot(const struct u64map *map, uint64_t key)
{
	if (!map->count || key == U64MAP_KEY_NONE)
		return NULL;
	size_t mask = slot_mask(map);
	size_t i = slot_home(map, key);
	for (; map->slots[i].key != U64MAP_KEY_NONE; i = (i + 1) & mask) {
		if (map->slots[i].key == key)
			return &map->slots[i];
	}
	return NULL;
}

uint64_t *u64map_get(const struct u64map *map, uint64_t key)
{
	struct u64map_slot *slot = find_slot(map, key);
	return slot ? &slot->value : NULL;
}

/* Put a key that is not there into a table that has room. */
static void insert_new(struct u64map *map, uint64_t key, uint64_t value)
{
	size_t mask = slot_mask(map);
	size_t i = slot_home(map, key);
	while (map->slots[i].key != U64MAP_KEY_NONE)
		i = (i + 1) & mask;
	map->slots[i] = (struct u64map_slot){key, value};
}

static int grow(struct u64map *map)
{
	struct u64map bigger = {.count = map->count, .bits = map->slots ? map->bits + 1 : BITS_MIN};
	size_t slots = (size_t)1 << bigger.bits;
	bigger.slots = malloc(slots * sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i < slots; i++)
		bigger.slots[i].key = U64MAP_KEY_NONE;
	for (size_t i = 0; map->slots && i <= slot_mask(map); i++) {
		if (map->slots[i].key != U64MAP_KEY_NONE)
			insert_new(&bigger, map->slots[i].key, map->slots[i].value);
	}
	free(map->slots);
	*map = bigger;
	return 0;
}

int u64map_put(struct u64map *map, uint64_t key, uint64_t value)
{
	if (key == U64MAP_KEY_NONE)
		return -1;
	uint64_t *there = u64map_get(map, key);
	if (there) {
		*there = value;
		return 0;
	}
	if (!map->slots || (map->count + 1) * 8 > ((size_t)5 << map->bits)) {
		if (grow(map) != 0)
			return -1;
	}
	insert_new(map, key, value);
	map->count++;
	return 0;
}

bool u64map_remove(struct u64map *map, uint64_t key)
{
	struct u64map_slot *slot = find_slot(map, key);
	if (!slot)
		return false;
	size_t mask = slot_mask(map);
	size_t gap = (size_t)(slot - map->slots);
	size_t i = (gap + 1) & mask;
	for (; map->slots[i].key != U64MAP_KEY_NONE; i = (i + 1) & mask) {
		size_t home = slot_home(map, map->slots[i].key);
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap].key = U64MAP_KEY_NONE;
	map->count--;
	return true;
}
