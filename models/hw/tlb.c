/*
 * tlb.c - translation lookaside buffers and paging-structure caches of one CPU.
 *
 * Terms. A TLB array holds entries, each the translation of one page of 4 KiB, 2 MiB or 1 GiB, in
 * sets of as many ways as the datasheet says; one set makes it fully associative. The set of a page
 * is the low bits of its number (address / size of page), or those XORed with the same number of
 * bits above them (`hashed`). The entry of a set that goes for a new one is the one used longest
 * ago. Entries are tagged with the number of their address space; those of SPACE_KERNEL are global:
 * they serve every space.
 *
 *   lookup   level 1 (all sizes) --hit--> done
 *               | miss
 *            level 2 (all sizes) --hit--> a copy goes into level 1
 *               | miss
 *            page walk, whose result goes into both
 *
 * A hit counts as a use in the level that answers: level 2 does not see what level 1 answers, and
 * neither level keeps or drops an entry because of the other.
 *
 * A walk reads one entry of each table, root first. Three paging-structure caches, each fully
 * associative with exact LRU, keep entries that point to tables: of PML4Es (what they know skips to
 * the PUD), of PDPTEs (to the PMD) and of PDEs (to the PTE). The longest skip is taken; what is
 * read below it is kept. Entries that map a page are the TLB's and never kept here.
 *
 * Data. All entries of an array are in a hash table by page, whatever their set: where in its set
 * an entry is makes no difference, only the order of use does. So one mechanism serves 4 ways and
 * 1536: a lookup costs a hash and about one comparison. The order of a set is a ring of all its
 * slots, newest to oldest, then to the newest again; what is dropped becomes the oldest, and the
 * next entry takes its slot.
 *
 *   chains[hash] -> slot -> slot          newest[set] -> a -> b -> c -> (empty) -> a
 *
 * The key leaves the space out, so that one search finds a space's entries and global ones.
 *
 * Invariants (tlb_check):
 *   I1  the ring of a set has its ways slots, each once, in both directions
 *   I2  no used slot is older than an empty one
 *   I3  a used slot is in the set and in the chain of its key; chains hold nothing else
 *   I4  no two entries of an array are of one page and space
 *   I5  live_count[] counts entries by size; only sizes that the array is for
 *   I6  the entry used last is in level 1, as it was found, and the newest of its set
 *
 * Example: two ways, two sets. Pages 0, 2 and 4 are of set 0. After 0, 2, 0, 4, page 2 has gone:
 * newest[0] is page 4, then page 0. Page 6 next, and 0 goes. Pages 1 and 3 are not affected.
 *
 * Cost: the page used last a comparison; else O(1) for each size of page that arrays hold. Dropping
 * a page costs a lookup in both levels and a pass over the paging-structure caches, dropping a
 * space a pass over all slots.
 *
 * MODEL: two arrays of a level for one size of page (loads and stores apart): the first gets all.
 * MODEL: no instruction TLB, no prefetch of translations, no merging of neighbouring pages into one
 * entry, no limit to walks at a time: what the allocators do is data access, one by one.
 * MODEL: no PML5E cache: a walk of five levels reads the root's entry unless a lower one is known.
 * MODEL: a dropped page takes all paging-structure entries of its space along, as Intel's INVLPG
 * does (SDM volume 3, 4.10.4.1), and of no other space; spaces never run out, as PCIDs do.
 * MODEL: no nested tables of virtual machines: a walk has one dimension.
 *
 * An address that a space and the kernel both map, or that is mapped by pages of two sizes, may
 * find either: whoever changes tables drops the old page first.
 */
#include "hw/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "hw/tlb_impl.h"
#include "kern/bug.h"

static unsigned log2_of(uint64_t power_of_two)
{
	return (unsigned)__builtin_ctzll(power_of_two);
}

static void forget_last(struct tlb *t)
{
	t->last_mask = 0;
	t->last_vaddr = 1;
}

static void remember_last(struct tlb *t, const struct tlb_entry *entry)
{
	t->last = *entry;
	t->last_vaddr = entry->vaddr;
	t->last_mask = -(UINT64_C(1) << hw_page_shift(entry->page));
}

/* --- arrays ----------------------------------------------------------------------------------- */

static void array_clear(struct tlb_array *a)
{
	if (!a->slots)
		return;
	memset(a->chains, 0xff, sizeof(*a->chains) << a->chain_bits);
	memset(a->live_count, 0, sizeof(a->live_count));
	for (uint32_t set = 0; set < a->sets; set++) {
		uint32_t first = set * a->ways, last = first + a->ways - 1;
		a->newest[set] = first;
		for (uint32_t i = first; i <= last; i++) {
			a->slots[i].key = TLB_KEY_NONE;
			a->slots[i].newer = i == first ? last : i - 1;
			a->slots[i].older = i == last ? first : i + 1;
		}
	}
}

/* False: out of host memory; release what is there. */
static bool array_init(struct tlb_array *a, uint64_t entries, uint64_t ways, bool hashed)
{
	if (!entries)
		return true;
	BUG_ON(!ways || entries % ways || entries >= TLB_SLOT_NONE / 2,
	       "a TLB of %llu entries and %llu ways", (unsigned long long)entries,
	       (unsigned long long)ways);
	a->sets = entries / ways;
	BUG_ON(a->sets & (a->sets - 1), "a TLB of %llu sets", (unsigned long long)a->sets);
	a->ways = (uint32_t)ways;
	a->set_bits = log2_of(a->sets);
	a->hashed = hashed && a->set_bits;
	a->chain_bits = 65 - (unsigned)__builtin_clzll(entries); /* 2 to 4 chains for each */
	a->slots = calloc(entries, sizeof(*a->slots));
	a->newest = calloc(a->sets, sizeof(*a->newest));
	a->chains = calloc((size_t)1 << a->chain_bits, sizeof(*a->chains));
	if (!a->slots || !a->newest || !a->chains)
		return false;
	array_clear(a);
	return true;
}

static void array_release(struct tlb_array *a)
{
	free(a->slots);
	free(a->newest);
	free(a->chains);
}

/* An entry that serves @space: its own, or a global one. */
static inline uint32_t array_find(const struct tlb_array *a, uint64_t key, uint32_t space)
{
	uint32_t i = a->chains[tlb_hash(a, key)];
	for (; i != TLB_SLOT_NONE; i = a->slots[i].chain) {
		const struct tlb_slot *s = &a->slots[i];
		if (s->key == key && (s->space == space || s->space == SPACE_KERNEL))
			break;
	}
	return i;
}

/* The entry of exactly this space. */
static uint32_t array_find_own(const struct tlb_array *a, uint64_t key, uint32_t space)
{
	uint32_t i = a->chains[tlb_hash(a, key)];
	while (i != TLB_SLOT_NONE && (a->slots[i].key != key || a->slots[i].space != space))
		i = a->slots[i].chain;
	return i;
}

static void ring_remove(struct tlb_array *a, uint32_t i)
{
	struct tlb_slot *s = &a->slots[i];
	a->slots[s->newer].older = s->older;
	a->slots[s->older].newer = s->newer;
}

/* Between @newest and the set's oldest. */
static void ring_insert(struct tlb_array *a, uint32_t i, uint32_t newest)
{
	struct tlb_slot *s = &a->slots[i], *n = &a->slots[newest];
	s->older = newest;
	s->newer = n->newer;
	a->slots[n->newer].older = i;
	n->newer = i;
}

static inline void make_newest(struct tlb_array *a, uint32_t set, uint32_t i)
{
	uint32_t newest = a->newest[set];
	if (i == newest)
		return;
	if (i != a->slots[newest].newer) {
		ring_remove(a, i);
		ring_insert(a, i, newest);
	}
	a->newest[set] = i;
}

static void make_oldest(struct tlb_array *a, uint32_t set, uint32_t i)
{
	if (i == a->newest[set]) {
		a->newest[set] = a->slots[i].older;
	} else {
		ring_remove(a, i);
		ring_insert(a, i, a->newest[set]);
	}
}

static void unchain(struct tlb_array *a, uint32_t i)
{
	uint32_t *link = &a->chains[tlb_hash(a, a->slots[i].key)];
	while (*link != i)
		link = &a->slots[*link].chain;
	*link = a->slots[i].chain;
	a->live_count[a->slots[i].key & 3]--;
}

static void array_drop(struct tlb_array *a, uint32_t i)
{
	unchain(a, i);
	make_oldest(a, tlb_set(a, a->slots[i].key), i);
	a->slots[i].key = TLB_KEY_NONE;
}

static void array_drop_space(struct tlb_array *a, uint32_t space)
{
	uint32_t live = 0;
	for (unsigned page = 0; page < ARRAY_SIZE(a->live_count); page++)
		live += a->live_count[page];
	for (uint32_t i = 0; live; i++) {
		if (a->slots[i].key == TLB_KEY_NONE)
			continue;
		live--;
		if (a->slots[i].space == space)
			array_drop(a, i);
	}
}

/* Put an entry that is not there in place of the oldest. */
static void array_put(struct tlb_array *a, uint64_t key, uint32_t space, uint64_t target)
{
	uint32_t set = tlb_set(a, key), i = a->slots[a->newest[set]].newer;
	struct tlb_slot *s = &a->slots[i];
	if (s->key != TLB_KEY_NONE)
		unchain(a, i);
	s->key = key;
	s->space = space;
	s->target = target;
	uint32_t *chain = &a->chains[tlb_hash(a, key)];
	s->chain = *chain;
	*chain = i;
	a->live_count[key & 3]++;
	a->newest[set] = i;
}

/* --- the TLB ---------------------------------------------------------------------------------- */

struct tlb *tlb_new(const struct hw_machine *hw)
{
	const uint64_t pwc[TLB_PWCS] = {hw->pwc_pde_entries, hw->pwc_pdpte_entries,
					hw->pwc_pml4e_entries};
	struct tlb *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->arrays_count = hw->tlbs_count;
	t->paging_levels = hw->paging_levels;
	forget_last(t);
	for (unsigned i = 0; i < hw->tlbs_count; i++) {
		const struct hw_tlb *params = &hw->tlbs[i];
		BUG_ON(params->level < 1 || params->level > 2, "a TLB of level %llu",
		       (unsigned long long)params->level);
		if (!array_init(&t->arrays[i], params->entries, params->ways, params->hashed))
			goto out;
		for (unsigned page = 0; page < HW_PAGES; page++) {
			struct tlb_array **of = &t->of[params->level - 1][page];
			if (params->pages >> page & 1 && !*of)
				*of = &t->arrays[i];
		}
	}
	for (unsigned k = 0; k < TLB_PWCS; k++) {
		if (!array_init(&t->pwc[k], pwc[k], pwc[k], false))
			goto out;
	}
	return t;
out:
	tlb_free(t);
	return NULL;
}

void tlb_free(struct tlb *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->arrays_count; i++)
		array_release(&t->arrays[i]);
	for (unsigned k = 0; k < TLB_PWCS; k++)
		array_release(&t->pwc[k]);
	free(t);
}

/* Look up @vaddr as an address in a page of size @page; a hit is the newest of its set then. */
static inline bool lookup_in(struct tlb_array *a, uint32_t space, uint64_t vaddr, enum hw_page page,
			     struct tlb_entry *found)
{
	if (!a || !a->live_count[page])
		return false;
	uint64_t key = tlb_key(vaddr, page);
	uint32_t i = array_find(a, key, space);
	if (i == TLB_SLOT_NONE)
		return false;
	const struct tlb_slot *s = &a->slots[i];
	make_newest(a, tlb_set(a, key), i);
	*found = (struct tlb_entry){
		.vaddr = key >> 2 << hw_page_shift(page),
		.space = s->space,
		.page = page,
		.pfn = s->target >> 1,
		.writable = s->target & 1,
	};
	return true;
}

static inline bool lookup_level(struct tlb *t, unsigned level, uint32_t space, uint64_t vaddr,
				enum hw_page hint, struct tlb_entry *found)
{
	if (lookup_in(t->of[level][hint], space, vaddr, hint, found))
		return true;
	for (unsigned page = 0; page < HW_PAGES; page++) {
		if (page != hint && lookup_in(t->of[level][page], space, vaddr, page, found))
			return true;
	}
	return false;
}

/* Level 1 has no entry of this page. */
static void fill_level1(struct tlb *t, const struct tlb_entry *entry)
{
	struct tlb_array *a = t->of[0][entry->page];
	if (!a)
		return;
	array_put(a, tlb_key(entry->vaddr, entry->page), entry->space,
		  entry->pfn << 1 | entry->writable);
	remember_last(t, entry);
}

enum tlb_result tlb_lookup(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page hint,
			   struct tlb_entry *found)
{
	if ((vaddr & t->last_mask) == t->last_vaddr &&
	    (t->last.space == space || t->last.space == SPACE_KERNEL)) {
		*found = t->last;
		return TLB_HIT1;
	}
	if (lookup_level(t, 0, space, vaddr, hint, found)) {
		remember_last(t, found);
		return TLB_HIT1;
	}
	if (lookup_level(t, 1, space, vaddr, hint, found)) {
		fill_level1(t, found);
		return TLB_HIT2;
	}
	return TLB_MISS;
}

void tlb_insert(struct tlb *t, const struct tlb_entry *entry)
{
	uint64_t key = tlb_key(entry->vaddr, entry->page);
	BUG_ON(entry->page >= HW_PAGES || key >> 2 << hw_page_shift(entry->page) != entry->vaddr,
	       "a translation of %#llx in pages of kind %u", (unsigned long long)entry->vaddr,
	       (unsigned)entry->page);
	uint64_t target = entry->pfn << 1 | entry->writable;
	for (unsigned level = 0; level < 2; level++) {
		struct tlb_array *a = t->of[level][entry->page];
		if (!a)
			continue;
		uint32_t i = array_find_own(a, key, entry->space);
		if (i == TLB_SLOT_NONE) {
			array_put(a, key, entry->space, target);
		} else {
			a->slots[i].target = target;
			make_newest(a, tlb_set(a, key), i);
		}
		if (level == 0)
			remember_last(t, entry);
	}
}

static void drop_pwc(struct tlb *t, uint32_t space)
{
	for (unsigned k = 0; k < TLB_PWCS; k++)
		array_drop_space(&t->pwc[k], space);
}

void tlb_drop_page(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page page)
{
	uint64_t key = tlb_key(vaddr, page);
	for (unsigned level = 0; level < 2; level++) {
		struct tlb_array *a = t->of[level][page];
		uint32_t i = a ? array_find_own(a, key, space) : TLB_SLOT_NONE;
		if (i != TLB_SLOT_NONE)
			array_drop(a, i);
	}
	drop_pwc(t, space);
	if (t->last_mask && t->last.space == space && t->last.page == page &&
	    tlb_key(t->last_vaddr, page) == key)
		forget_last(t);
}

void tlb_drop_space(struct tlb *t, uint32_t space)
{
	if (space == SPACE_KERNEL) {
		for (unsigned i = 0; i < t->arrays_count; i++)
			array_clear(&t->arrays[i]);
		for (unsigned k = 0; k < TLB_PWCS; k++)
			array_clear(&t->pwc[k]);
		forget_last(t);
		return;
	}
	for (unsigned i = 0; i < t->arrays_count; i++)
		array_drop_space(&t->arrays[i], space);
	drop_pwc(t, space);
	if (t->last.space == space)
		forget_last(t);
}

unsigned tlb_walk_skips(struct tlb *t, uint32_t space, uint64_t vaddr, unsigned leaf)
{
	unsigned skips = 0, above = TLB_PWCS + 1;
	for (unsigned size = leaf + 1; size <= TLB_PWCS && !skips; size++) {
		struct tlb_array *a = &t->pwc[size - 1];
		uint32_t i = a->slots ? array_find(a, tlb_key(vaddr, size), space) : TLB_SLOT_NONE;
		if (i != TLB_SLOT_NONE) {
			make_newest(a, 0, i);
			skips = (unsigned)t->paging_levels - size;
			above = size;
		}
	}
	for (unsigned size = leaf + 1; size < above; size++) {
		if (t->pwc[size - 1].slots)
			array_put(&t->pwc[size - 1], tlb_key(vaddr, size), space, 0);
	}
	return skips;
}
