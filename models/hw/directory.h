/*
 * directory.h - who holds a copy of a cache line, by line number: a hash map to sets of holders.
 *
 * What a holder is, is the user's business; they are numbered 0 .. holders_count - 1.
 */
#ifndef HW_DIRECTORY_H
#define HW_DIRECTORY_H

#include "kern/types.h"

#define DIRECTORY_NOBODY UINT32_MAX

struct directory_entry {
	uint64_t tag;   /* line + 1; 0: an empty slot */
	uint32_t owner; /* the holder that has newer data than memory, or DIRECTORY_NOBODY */
	bool exclusive; /* the owner may write without asking */
	uint64_t holders[];
};

struct directory {
	unsigned words; /* of an entry's set of holders */
	size_t entry_bytes;
	uint8_t *slots;
	size_t count;
	unsigned bits; /* log2 of the number of slots */
};

/* 0, or -1: out of host memory. */
int directory_init(struct directory *d, unsigned holders_count);
void directory_release(struct directory *d);

/* NULL: nobody holds it. Entries move: a pointer is good until the next _get() or _remove(). */
struct directory_entry *directory_find(const struct directory *d, uint64_t line);
/* The same; an entry that is not there is made, without holders. NULL: out of host memory. */
struct directory_entry *directory_get(struct directory *d, uint64_t line);
void directory_remove(struct directory *d, struct directory_entry *e);
/* The line will be looked up soon: let the host fetch what that takes. */
void directory_prefetch(const struct directory *d, uint64_t line);
/* The entries in no order; start with *@at = 0, NULL at the end. */
struct directory_entry *directory_next(const struct directory *d, size_t *at);

static inline bool entry_has(const struct directory_entry *e, unsigned holder)
{
	return e->holders[holder / 64] >> (holder % 64) & 1;
}

static inline void entry_add(struct directory_entry *e, unsigned holder)
{
	e->holders[holder / 64] |= UINT64_C(1) << (holder % 64);
}

static inline void entry_drop(struct directory_entry *e, unsigned holder)
{
	e->holders[holder / 64] &= ~(UINT64_C(1) << (holder % 64));
}

/* The first holder in [from, end), or end. */
unsigned entry_next(const struct directory_entry *e, unsigned from, unsigned end);
bool entry_empty(const struct directory *d, const struct directory_entry *e);

#endif
