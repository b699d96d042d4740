/*
 * u64map.h - a hash map from 64-bit keys to 64-bit values.
 *
 * For tables that are looked up once or more per operation: open addressing, no allocation but when
 * it grows, deletion without tombstones. Iteration order is not offered, because it would depend on
 * the history of the table and could reach a result.
 */
#ifndef KERN_U64MAP_H
#define KERN_U64MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define U64MAP_KEY_NONE UINT64_MAX /* the one key that can't be stored */

struct u64map_slot {
	uint64_t key; /* U64MAP_KEY_NONE: empty */
	uint64_t value;
};

/* Zeroed storage is an empty map. */
struct u64map {
	struct u64map_slot *slots;
	size_t count;
	unsigned bits; /* log2 of the number of slots */
};

void u64map_release(struct u64map *map);

/* The place of @key's value, valid until the next put or remove; NULL if there is none. */
uint64_t *u64map_get(const struct u64map *map, uint64_t key);

/*
 * Store @value under @key, replacing what was there. -1 if memory is short; the map is as before.
 */
int u64map_put(struct u64map *map, uint64_t key, uint64_t value);

/* Remove @key; false if it was not there. */
bool u64map_remove(struct u64map *map, uint64_t key);

#endif
