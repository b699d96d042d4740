/*
 * directory.c - a hash map from line numbers to sets of holders: see directory.h.
 *
 * Open addressing with linear probing and Fibonacci hashing, like kern/u64map.c, but an entry holds
 * as many words of holders as the machine needs: 24 bytes on machines of up to 64 holders, 48 on
 * one of 256 CPUs. Removal closes the gap, so that a table through which millions of lines pass
 * stays as fast as a new one. At most 5/8 of the slots are used; the table only grows, to what the
 * simulated caches hold together.
 *
 * Example: lines 5 and 9 have home slot 3 of 8, line 7 has 4. Put in this order they lie in slots
 * 3, 4 and 5. Removing line 5 moves 9 to slot 3 and 7 to slot 4; no mark of 5 is left.
 *
 * Cost: a lookup reads about two neighbouring slots.
 */
#include "hw/directory.h"

#include <stdlib.h>
#include <string.h>

#define BITS_MIN 6

static struct directory_entry *slot(const struct directory *d, size_t i)
{
	return (void *)(d->slots + i * d->entry_bytes);
}

static size_t slot_mask(const struct directory *d)
{
	return ((size_t)1 << d->bits) - 1;
}

static size_t slot_home(const struct directory *d, uint64_t tag)
{
	return (size_t)((tag * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - d->bits));
}

int directory_init(struct directory *d, unsigned holders_count)
{
	unsigned words = (holders_count + 63) / 64;
	*d = (struct directory){
		.words = words,
		.entry_bytes = sizeof(struct directory_entry) + words * sizeof(uint64_t),
		.bits = BITS_MIN,
	};
	d->slots = calloc((size_t)1 << d->bits, d->entry_bytes);
	return d->slots ? 0 : -1;
}

void directory_release(struct directory *d)
{
	free(d->slots);
	*d = (struct directory){0};
}

/* The slot of @tag, or the empty one where it would go. */
static struct directory_entry *probe(const struct directory *d, uint64_t tag)
{
	size_t i = slot_home(d, tag);
	while (slot(d, i)->tag && slot(d, i)->tag != tag)
		i = (i + 1) & slot_mask(d);
	return slot(d, i);
}

struct directory_entry *directory_find(const struct directory *d, uint64_t line)
{
	struct directory_entry *e = probe(d, line + 1);
	return e->tag ? e : NULL;
}

void directory_prefetch(const struct directory *d, uint64_t line)
{
	__builtin_prefetch(slot(d, slot_home(d, line + 1)));
}

static int grow(struct directory *d)
{
	struct directory bigger = *d;
	bigger.bits = d->bits + 1;
	bigger.slots = calloc((size_t)1 << bigger.bits, d->entry_bytes);
	if (!bigger.slots)
		return -1;
	for (size_t i = 0; i <= slot_mask(d); i++) {
		const struct directory_entry *e = slot(d, i);
		if (e->tag)
			memcpy(probe(&bigger, e->tag), e, d->entry_bytes);
	}
	free(d->slots);
	*d = bigger;
	return 0;
}

struct directory_entry *directory_get(struct directory *d, uint64_t line)
{
	struct directory_entry *e = probe(d, line + 1);
	if (e->tag)
		return e;
	if ((d->count + 1) * 8 > ((size_t)5 << d->bits)) {
		if (grow(d))
			return NULL;
		e = probe(d, line + 1);
	}
	memset(e, 0, d->entry_bytes);
	e->tag = line + 1;
	e->owner = DIRECTORY_NOBODY;
	d->count++;
	return e;
}

void directory_remove(struct directory *d, struct directory_entry *e)
{
	size_t mask = slot_mask(d);
	size_t gap = (size_t)((uint8_t *)e - d->slots) / d->entry_bytes;
	size_t i = (gap + 1) & mask;
	for (; slot(d, i)->tag; i = (i + 1) & mask) {
		size_t home = slot_home(d, slot(d, i)->tag);
		if (((i - home) & mask) >= ((i - gap) & mask)) {
			memcpy(slot(d, gap), slot(d, i), d->entry_bytes);
			gap = i;
		}
	}
	slot(d, gap)->tag = 0;
	d->count--;
}

struct directory_entry *directory_next(const struct directory *d, size_t *at)
{
	while (*at <= slot_mask(d)) {
		struct directory_entry *e = slot(d, (*at)++);
		if (e->tag)
			return e;
	}
	return NULL;
}

unsigned entry_next(const struct directory_entry *e, unsigned from, unsigned end)
{
	while (from < end) {
		uint64_t bits = e->holders[from / 64] >> (from % 64);
		if (bits) {
			unsigned holder = from + (unsigned)__builtin_ctzll(bits);
			return holder < end ? holder : end;
		}
		from = (from / 64 + 1) * 64;
	}
	return end;
}

bool entry_empty(const struct directory *d, const struct directory_entry *e)
{
	for (unsigned i = 0; i < d->words; i++) {
		if (e->holders[i])
			return false;
	}
	return true;
}
