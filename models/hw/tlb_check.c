/*
 * tlb_check.c - verify the invariants I1 to I6 that tlb.c states, for tests and memory_check().
 *
 * Each array is looked at by itself: the rings of its sets (I1, I2), then its chains (I3, I4), then
 * its counts (I5); I6 last, since it trusts the rings. An array of E entries costs O(E), and a pass
 * over a chain for each entry.
 */
#include <stdarg.h>
#include <stdio.h>

#include "hw/tlb_impl.h"

struct report {
	char *text;
	size_t size;
	const char *array; /* which one */
	unsigned index;
};

static int __attribute__((format(printf, 2, 3))) wrong(const struct report *r, const char *fmt, ...)
{
	char what[128];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(r->text, r->size, "%s %u: %s", r->array, r->index, what);
	return -1;
}

static int check_ring(const struct report *r, const struct tlb_array *a, uint32_t set)
{
	uint32_t first = set * a->ways, i = a->newest[set];
	bool empty = false;
	for (uint32_t n = 0; n < a->ways; n++) {
		if (i < first || i - first >= a->ways)
			return wrong(r, "I1: slot %u in the ring of set %u", i, set);
		const struct tlb_slot *s = &a->slots[i];
		if (s->older >= a->sets * a->ways || a->slots[s->older].newer != i)
			return wrong(r, "I1: the ring of set %u is broken after slot %u", set, i);
		if (n + 1 < a->ways && s->older == a->newest[set])
			return wrong(r, "I1: the ring of set %u has %u slots", set, n + 1);
		if (empty && s->key != TLB_KEY_NONE)
			return wrong(r, "I2: slot %u is older than an empty one", i);
		empty = s->key == TLB_KEY_NONE;
		if (!empty && tlb_set(a, s->key) != set)
			return wrong(r, "I3: slot %u is not of set %u", i, set);
		i = s->older;
	}
	return i == a->newest[set] ? 0 : wrong(r, "I1: the ring of set %u does not close", set);
}

static int check_chain(const struct report *r, const struct tlb_array *a, uint32_t hash,
		       uint32_t *chained)
{
	uint32_t entries = (uint32_t)a->sets * a->ways;
	for (uint32_t i = a->chains[hash]; i != TLB_SLOT_NONE; i = a->slots[i].chain) {
		if (i >= entries || a->slots[i].key == TLB_KEY_NONE ||
		    tlb_hash(a, a->slots[i].key) != hash || ++*chained > entries)
			return wrong(r, "I3: slot %u is in the wrong chain", i);
		const struct tlb_slot *s = &a->slots[i];
		for (uint32_t k = s->chain; k < entries; k = a->slots[k].chain) {
			if (k == i)
				return wrong(r, "I3: slot %u is twice in its chain", i);
			if (a->slots[k].key == s->key && a->slots[k].space == s->space)
				return wrong(r, "I4: slots %u and %u are of one page", i, k);
		}
	}
	return 0;
}

/* @pages: bits of the sizes that the array is for. */
static int check_array(const struct report *r, const struct tlb_array *a, uint64_t pages)
{
	uint32_t live_count[HW_PAGES + 1] = {0}, live = 0, chained = 0;
	if (!a->slots)
		return 0;
	for (uint32_t set = 0; set < a->sets; set++) {
		if (check_ring(r, a, set))
			return -1;
	}
	for (uint32_t i = 0; i < a->sets * a->ways; i++) {
		if (a->slots[i].key == TLB_KEY_NONE)
			continue;
		live_count[a->slots[i].key & 3]++;
		live++;
	}
	for (uint32_t hash = 0; hash < UINT32_C(1) << a->chain_bits; hash++) {
		if (check_chain(r, a, hash, &chained))
			return -1;
	}
	if (chained != live)
		return wrong(r, "I3: %u entries, %u in chains", live, chained);
	for (unsigned page = 0; page < ARRAY_SIZE(live_count); page++) {
		if (live_count[page] != a->live_count[page] ||
		    (live_count[page] && !(pages >> page & 1)))
			return wrong(r, "I5: %u entries of size %u, counted %u", live_count[page],
				     page, a->live_count[page]);
	}
	return 0;
}

static int check_last(const struct report *r, const struct tlb *t)
{
	if (!t->last_mask)
		return t->last_vaddr == 1 ? 0 : wrong(r, "I6: no entry, but an address");
	const struct tlb_entry *e = &t->last;
	const struct tlb_array *a = e->page < HW_PAGES ? t->of[0][e->page] : NULL;
	if (!a || t->last_mask != -(UINT64_C(1) << hw_page_shift(e->page)) ||
	    t->last_vaddr != e->vaddr)
		return wrong(r, "I6: the entry used last can't be in level 1");
	uint64_t key = tlb_key(e->vaddr, e->page);
	const struct tlb_slot *s = &a->slots[a->newest[tlb_set(a, key)]];
	if (s->key != key || s->space != e->space || s->target != (e->pfn << 1 | e->writable))
		return wrong(r, "I6: the entry used last is not the newest of its set");
	return 0;
}

int tlb_check(const struct tlb *t, char *text, size_t text_size)
{
	struct report r = {text, text_size, "TLB array", 0};
	for (r.index = 0; r.index < t->arrays_count; r.index++) {
		const struct tlb_array *a = &t->arrays[r.index];
		uint64_t pages = 0;
		for (unsigned page = 0; page < HW_PAGES; page++) {
			if (t->of[0][page] == a || t->of[1][page] == a)
				pages |= UINT64_C(1) << page;
		}
		if (check_array(&r, a, pages))
			return -1;
	}
	r.array = "level";
	r.index = 1;
	if (check_last(&r, t))
		return -1;
	r.array = "paging-structure cache";
	for (r.index = 0; r.index < TLB_PWCS; r.index++) {
		if (check_array(&r, &t->pwc[r.index], UINT64_C(2) << r.index))
			return -1;
	}
	return 0;
}
