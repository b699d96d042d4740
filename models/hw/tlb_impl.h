/*
 * tlb_impl.h - the inside of a TLB, for tlb.c, tlb_check.c and tests that break it: see tlb.c.
 */
#ifndef HW_TLB_IMPL_H
#define HW_TLB_IMPL_H

#include "hw/tlb.h"

#define TLB_KEY_NONE  UINT64_MAX
#define TLB_SLOT_NONE UINT32_MAX

/* Paging-structure caches: of PDEs, PDPTEs and PML4Es. */
#define TLB_PWCS 3

/* One place of an array. */
struct tlb_slot {
	uint64_t key;    /* page number << 2 | enum hw_page; TLB_KEY_NONE: empty */
	uint64_t target; /* pfn << 1 | writable */
	uint32_t space;
	uint32_t chain;        /* next with the same hash; TLB_SLOT_NONE: last */
	uint32_t newer, older; /* ring of the set's slots */
};

struct tlb_array {
	struct tlb_slot *slots; /* set by set; NULL: an array of no entries */
	uint32_t *newest;       /* of each set; the one newer than it is the oldest */
	uint32_t *chains;       /* first slot of each hash */
	uint64_t sets;
	uint32_t ways;
	unsigned set_bits, chain_bits;
	bool hashed;
	uint32_t live_count[HW_PAGES + 1]; /* entries by size of page */
};

struct tlb {
	struct tlb_array arrays[HW_TLBS];
	unsigned arrays_count;
	struct tlb_array *of[2][HW_PAGES]; /* by level - 1 and size; NULL: the level has none */
	struct tlb_array pwc[TLB_PWCS];    /* [k]: entries that map enum hw_page k + 1 and above */
	uint64_t paging_levels;
	/* The entry used last, if level 1 holds it: the newest of its set. */
	uint64_t last_mask, last_vaddr; /* vaddr & mask == vaddr; mask 0, vaddr 1: none */
	struct tlb_entry last;
};

static inline uint64_t tlb_key(uint64_t vaddr, unsigned page)
{
	return vaddr >> (12 + 9 * page) << 2 | page;
}

static inline uint32_t tlb_set(const struct tlb_array *a, uint64_t key)
{
	uint64_t number = key >> 2;
	if (a->hashed)
		number ^= number >> a->set_bits;
	return (uint32_t)(number & (a->sets - 1));
}

/* @chain_bits is at least 1. */
static inline uint32_t tlb_hash(const struct tlb_array *a, uint64_t key)
{
	return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - a->chain_bits));
}

#endif
