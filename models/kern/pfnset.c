/*
 * pfnset.c - see pfnset.h.
 *
 * Two levels: a table of 2^18 pointers (calloc leaves it untouched, hence unbacked, until used) and
 * chunks of 16384 bits. A naturally aligned block of up to 64 frames lies in one word, a larger one
 * fills whole words.
 */
#include "kern/pfnset.h"

#include <stdlib.h>

#include "kern/bug.h"

#define CHUNK_BITS  14
#define CHUNK_WORDS ((1u << CHUNK_BITS) / 64)
#define CHUNKS      ((size_t)1 << (32 - CHUNK_BITS))

int pfnset_init(struct pfnset *set)
{
	*set = (struct pfnset){.chunks = calloc(CHUNKS, sizeof(*set->chunks))};
	return set->chunks ? 0 : -1;
}

void pfnset_release(struct pfnset *set)
{
	if (!set->chunks)
		return;
	for (size_t i = 0; i < set->chunks_end; i++)
		free(set->chunks[i]);
	free(set->chunks);
	*set = (struct pfnset){0};
}

static uint64_t *word_of(struct pfnset *set, pfn_t pfn)
{
	size_t i = pfn >> CHUNK_BITS;
	uint64_t **chunk = &set->chunks[i];
	if (!*chunk) {
		*chunk = calloc(CHUNK_WORDS, sizeof(uint64_t));
		if (i >= set->chunks_end)
			set->chunks_end = i + 1;
	}
	return *chunk ? &(*chunk)[(pfn >> 6) & (CHUNK_WORDS - 1)] : NULL;
}

int pfnset_add(struct pfnset *set, pfn_t pfn, uint64_t pages)
{
	BUG_ON(!pages || (pages & (pages - 1)) || (pfn & (pages - 1)) || pfn >= PFN_END_LIMIT ||
		       pages > PFN_END_LIMIT - pfn,
	       "pfnset_add(0x%llx, %llu)", (unsigned long long)pfn, (unsigned long long)pages);
	uint64_t before = 0;
	uint64_t bits = pages >= 64 ? UINT64_MAX : ((UINT64_C(1) << pages) - 1) << (pfn & 63);
	for (pfn_t p = pfn; p < pfn + pages; p += 64) {
		uint64_t *word = word_of(set, p);
		if (!word)
			return -1;
		before |= *word & bits;
		*word |= bits;
	}
	return before != 0;
}

bool pfnset_has(const struct pfnset *set, pfn_t pfn)
{
	size_t i = pfn >> CHUNK_BITS;
	if (i >= set->chunks_end || !set->chunks[i])
		return false;
	return set->chunks[i][(pfn >> 6) & (CHUNK_WORDS - 1)] >> (pfn & 63) & 1;
}
