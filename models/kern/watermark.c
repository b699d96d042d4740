/*
 * watermark.c - watermarks and reserves by Linux's formulas (mm/page_alloc.c of 6.18).
 *
 * min_free_kbytes is shared out to the zones below HighMem in proportion to their managed pages;
 * HighMem and Movable zones get managed/1024, within 32..128 pages. Then
 *
 *   delta = max(share / 4, managed * scale_factor / 10000)
 *   min = share, low = min + delta, high = low + delta, promo = high + delta
 *
 * A request whose highest zone is j leaves lowmem_reserve[j] more pages alone in a lower zone i:
 * the managed pages of zones i+1..j of the node, divided by zone i's ratio.
 *
 * Example, 24 GiB and min_free_kbytes 67584: Normal (5308416 pages) gets 16896 * 5308416 / 6085173
 * = 14739 as min and, with delta 5308, low 20047 and high 25355.
 */
#include "kern/watermark.h"

static bool is_lowmem(const struct zone *z)
{
	return z->type != ZONE_HIGHMEM && z->type != ZONE_MOVABLE;
}

static uint64_t int_sqrt(uint64_t x)
{
	uint64_t root = 0;
	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1) {
		if ((root + bit) * (root + bit) <= x)
			root += bit;
	}
	return root;
}

static void set_marks(struct zone *z, uint64_t pages_min, uint64_t lowmem_pages, uint64_t scale)
{
	uint64_t share = lowmem_pages ? pages_min * z->managed_pages / lowmem_pages : 0;
	uint64_t min = is_lowmem(z) ? share : u64_clamp(z->managed_pages / 1024, 32, 128);
	uint64_t delta = u64_max(share / 4, z->managed_pages * scale / 10000);
	for (unsigned i = 0; i < WMARKS; i++)
		z->watermark_pages[i] = min + i * delta;
	z->watermark_boost_pages = 0;
}

static void set_reserves(struct physmem *pm, struct zone *z, uint64_t ratio)
{
	for (unsigned j = 0; j < ZONE_TYPES; j++) {
		uint64_t above = 0;
		for (unsigned i = 0; i < pm->zones_count; i++) {
			const struct zone *other = &pm->zones[i];
			if (other->nid == z->nid && other->type > z->type && other->type <= j)
				above += other->managed_pages;
		}
		z->lowmem_reserve_pages[j] = ratio && z->managed_pages ? above / ratio : 0;
	}
}

uint64_t watermark_setup(struct physmem *pm, const struct watermark_params *params)
{
	uint64_t lowmem_pages = 0;
	for (unsigned i = 0; i < pm->zones_count; i++) {
		if (is_lowmem(&pm->zones[i]))
			lowmem_pages += pm->zones[i].managed_pages;
	}
	uint64_t kbytes = params->min_free_kbytes;
	if (kbytes == UINT64_MAX)
		kbytes = u64_clamp(int_sqrt(16 * lowmem_pages * (PAGE_BYTES / 1024)), 128, 262144);
	for (unsigned i = 0; i < pm->zones_count; i++) {
		struct zone *z = &pm->zones[i];
		set_marks(z, kbytes / (PAGE_BYTES / 1024), lowmem_pages, params->scale_factor);
		set_reserves(pm, z, params->lowmem_reserve_ratio[z->type]);
	}
	return kbytes;
}

bool watermark_boost(struct physmem *pm, struct zone *z, uint64_t boost_factor)
{
	if (!boost_factor || z->managed_pages < 4 * pageblock_pages(pm))
		return false;
	uint64_t max_boost = z->watermark_pages[WMARK_HIGH] * boost_factor / 10000;
	if (!max_boost)
		return false;
	max_boost = u64_max(pageblock_pages(pm), max_boost);
	z->watermark_boost_pages =
		u64_min(z->watermark_boost_pages + pageblock_pages(pm), max_boost);
	return true;
}
