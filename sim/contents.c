/*
 * contents.c - see contents.h.
 */
#include "sim/contents.h"

#include <string.h>

#include "kern/rng.h"

struct marks {
	uint8_t *first, *last; /* of 8 bytes each */
};

static struct marks marks_of(struct physmem *pm, pfn_t pfn, unsigned order)
{
	pfn_t last = pfn + (UINT64_C(1) << order) - 1;
	return (struct marks){
		.first = physmem_ram(pm, pfn, NULL),
		.last = physmem_ram(pm, last, NULL) + PAGE_BYTES - sizeof(uint64_t),
	};
}

/* The mark of an object; a bijection, so no two are alike. */
static uint64_t mark_of(uint64_t id)
{
	return splitmix64(&id);
}

int contents_init(struct physmem *pm, struct err *err)
{
	return physmem_ram(pm, 0, err) ? 0 : -1;
}

void contents_write(struct physmem *pm, uint64_t id, pfn_t pfn, unsigned order, bool zeroed)
{
	const uint64_t mark = mark_of(id), end = ~mark;
	if (zeroed)
		physmem_zero(pm, pfn, order);
	struct marks m = marks_of(pm, pfn, order);
	memcpy(m.first, &mark, sizeof(mark));
	memcpy(m.last, &end, sizeof(end));
}

bool contents_check(struct physmem *pm, uint64_t id, pfn_t pfn, unsigned order)
{
	const uint64_t mark = mark_of(id), end = ~mark;
	struct marks m = marks_of(pm, pfn, order);
	return memcmp(m.first, &mark, sizeof(mark)) == 0 && memcmp(m.last, &end, sizeof(end)) == 0;
}

/* Marks of @bytes of memory: the first and last 8, or what there is. */
static size_t mark_bytes(uint64_t bytes)
{
	return (size_t)u64_min(bytes, sizeof(uint64_t));
}

void contents_write_bytes(struct physmem *pm, uint64_t id, uint64_t paddr, uint64_t bytes)
{
	const uint64_t mark = mark_of(id), end = ~mark;
	size_t n = mark_bytes(bytes);
	physmem_ram(pm, paddr >> PAGE_SHIFT, NULL);
	physmem_ram(pm, (paddr + bytes - n) >> PAGE_SHIFT, NULL);
	memcpy(pm->ram + paddr + bytes - n, &end, n);
	memcpy(pm->ram + paddr, &mark, n);
}

bool contents_check_bytes(struct physmem *pm, uint64_t id, uint64_t paddr, uint64_t bytes)
{
	const uint64_t mark = mark_of(id), end = ~mark;
	size_t n = mark_bytes(bytes);
	/* Where both marks overlap, the first was written last. */
	uint64_t behind = bytes < 2 * n ? bytes - n : n;
	return memcmp(pm->ram + paddr, &mark, n) == 0 &&
	       memcmp(pm->ram + paddr + bytes - behind, (const uint8_t *)&end + n - behind,
		      behind) == 0;
}
