/*
 * blockmap.c - see blockmap.h. One byte a page frame, in address space that is used where touched.
 */
#include "sim/blockmap.h"

#include <string.h>
#include <sys/mman.h>

static uint64_t map_bytes(const struct blockmap *b)
{
	/* Whole largest blocks, and what a look at eight bytes may reach beyond them. */
	return (b->pfn_end | ((UINT64_C(1) << b->max_order) - 1)) + 1 + sizeof(uint64_t);
}

int blockmap_init(struct blockmap *b, pfn_t pfn_end, unsigned max_order)
{
	*b = (struct blockmap){.pfn_end = pfn_end, .max_order = max_order};
	void *p = mmap(NULL, map_bytes(b), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	b->order_plus_1 = p;
	return 0;
}

void blockmap_release(struct blockmap *b)
{
	if (b->order_plus_1)
		munmap(b->order_plus_1, map_bytes(b));
	memset(b, 0, sizeof(*b));
}

void blockmap_add(struct blockmap *b, pfn_t pfn, unsigned order, bool merge)
{
	while (merge && order < b->max_order) {
		pfn_t buddy = pfn ^ (UINT64_C(1) << order);
		if (b->order_plus_1[buddy] != order + 1)
			break;
		b->order_plus_1[buddy] = 0;
		pfn &= ~(UINT64_C(1) << order);
		order++;
	}
	b->order_plus_1[pfn] = (uint8_t)(order + 1);
}

pfn_t blockmap_find(const struct blockmap *b, pfn_t pfn, unsigned *order)
{
	for (unsigned o = 0; o <= b->max_order; o++) {
		pfn_t head = pfn & ~((UINT64_C(1) << o) - 1);
		if (b->order_plus_1[head] > o) {
			*order = b->order_plus_1[head] - 1u;
			return head;
		}
	}
	return PFN_NONE;
}

pfn_t blockmap_next(const struct blockmap *b, pfn_t pfn, pfn_t end)
{
	while (pfn < end && !b->order_plus_1[pfn]) {
		uint64_t eight;
		memcpy(&eight, &b->order_plus_1[pfn], sizeof(eight));
		pfn += pfn + sizeof(eight) <= end && !eight ? sizeof(eight) : 1;
	}
	return pfn;
}

bool blockmap_overlaps(const struct blockmap *b, pfn_t pfn, unsigned order)
{
	unsigned found;
	if (blockmap_find(b, pfn, &found) != PFN_NONE)
		return true;
	for (pfn_t p = pfn + 1; p < pfn + (UINT64_C(1) << order); p++) {
		if (b->order_plus_1[p])
			return true;
	}
	return false;
}

void blockmap_remove(struct blockmap *b, pfn_t pfn, unsigned order)
{
	pfn_t end = pfn + (UINT64_C(1) << order);
	for (pfn_t p = pfn; p < end; p++) {
		unsigned o;
		pfn_t head = blockmap_find(b, p, &o);
		if (head == PFN_NONE)
			continue;
		b->order_plus_1[head] = 0;
		/* Halve the block until what is left lies inside the part to remove. */
		while (head < pfn || head + (UINT64_C(1) << o) > end) {
			o--;
			pfn_t upper = head + (UINT64_C(1) << o);
			pfn_t other = p >= upper ? head : upper;
			b->order_plus_1[other] = (uint8_t)(o + 1);
			head = p >= upper ? upper : head;
		}
		p = head + (UINT64_C(1) << o) - 1;
	}
}

void blockmap_fill(struct blockmap *b, pfn_t pfn, unsigned order)
{
	if (!blockmap_overlaps(b, pfn, order)) {
		blockmap_add(b, pfn, order, true);
		return;
	}
	unsigned o;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		if (blockmap_find(b, p, &o) == PFN_NONE)
			blockmap_add(b, p, 0, true);
	}
}
