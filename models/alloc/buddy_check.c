/*
 * buddy_check.c - verify the invariants I1 to I8 that buddy.c states, from outside.
 */
#include <stdio.h>

#include "alloc/buddy.h"

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

struct totals {
	uint64_t free_pages, highatomic_pages, blocks;
};

static int check_interior(const struct buddy_zone *bz, pfn_t pfn, unsigned order,
			  struct check_report *report)
{
	for (pfn_t p = pfn + 1; p < pfn + (UINT64_C(1) << order); p++) {
		if (bz->pm->pages[p].flags & ~PAGE_BACKED)
			FAIL("I3: frame %#llx inside the free block %#llx of order %u has state "
			     "%#x",
			     (unsigned long long)p, (unsigned long long)pfn, order,
			     bz->pm->pages[p].flags);
	}
	return 0;
}

static int check_types(const struct buddy_zone *bz, pfn_t pfn, unsigned order, unsigned mt,
		       struct check_report *report)
{
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p += pageblock_pages(bz->pm)) {
		if (pageblock_type(bz->pm, p) != mt)
			FAIL("I4: block %#llx of order %u is on the %s list, its pageblock %#llx "
			     "is %s",
			     (unsigned long long)pfn, order, migratetype_names[mt],
			     (unsigned long long)(p >> bz->pm->pageblock_order),
			     migratetype_names[pageblock_type(bz->pm, p)]);
	}
	return 0;
}

static int check_merged(const struct buddy_zone *bz, pfn_t pfn, unsigned order,
			struct check_report *report)
{
	if (!bz->coalesce || bz->unmerged_start || order >= bz->pm->pageblock_order)
		return 0;
	pfn_t buddy = pfn ^ (UINT64_C(1) << order);
	if (buddy < bz->zone->start_pfn || buddy >= bz->zone->end_pfn)
		return 0;
	const struct page *p = &bz->pm->pages[buddy];
	if ((p->flags & PAGE_BUDDY) && p->order == order)
		FAIL("I5: free buddies %#llx and %#llx of order %u are not merged",
		     (unsigned long long)pfn, (unsigned long long)buddy, order);
	return 0;
}

static int check_block(const struct buddy_zone *bz, pfn_t pfn, unsigned order, unsigned mt,
		       struct check_report *report)
{
	const struct page *p = &bz->pm->pages[pfn];
	if (!(p->flags & PAGE_BUDDY) || (p->flags & (PAGE_PCP | PAGE_ALLOCATED)))
		FAIL("I2: block %#llx on the order-%u %s list has state %#x",
		     (unsigned long long)pfn, order, migratetype_names[mt], p->flags);
	if (pfn & ((UINT64_C(1) << order) - 1))
		FAIL("I2: block %#llx is not aligned to order %u", (unsigned long long)pfn, order);
	if (pfn < bz->zone->start_pfn || pfn + (UINT64_C(1) << order) > bz->zone->end_pfn)
		FAIL("I2: block %#llx of order %u is outside zone %s", (unsigned long long)pfn,
		     order, bz->zone->name);
	if (p->order != order || p->migratetype != mt)
		FAIL("I4: block %#llx says order %u, type %u; its list is of order %u, type %u",
		     (unsigned long long)pfn, p->order, p->migratetype, order, mt);
	if (check_interior(bz, pfn, order, report) != 0 ||
	    check_types(bz, pfn, order, mt, report) != 0)
		return -1;
	return check_merged(bz, pfn, order, report);
}

static int check_list(const struct buddy_zone *bz, unsigned order, unsigned mt,
		      struct totals *totals, struct check_report *report)
{
	const struct pagelist *list = &bz->lists[order][mt];
	uint64_t length = 0;
	uint32_t prev = PAGE_LINK_NONE;
	for (uint32_t pfn = list->head; pfn != PAGE_LINK_NONE; pfn = bz->pm->pages[pfn].next) {
		if (pfn >= bz->pm->pfn_end || length++ >= list->count)
			FAIL("I1: the order-%u %s list of zone %s runs past its count of %llu",
			     order, migratetype_names[mt], bz->zone->name,
			     (unsigned long long)list->count);
		if (bz->pm->pages[pfn].prev != prev)
			FAIL("I1: block %#x of the order-%u %s list is not linked back", pfn, order,
			     migratetype_names[mt]);
		if (check_block(bz, pfn, order, mt, report) != 0)
			return -1;
		prev = pfn;
	}
	if (length != list->count || list->tail != prev)
		FAIL("I1: the order-%u %s list of zone %s has %llu blocks, its count is %llu",
		     order, migratetype_names[mt], bz->zone->name, (unsigned long long)length,
		     (unsigned long long)list->count);
	uint64_t pages = length << order;
	totals->blocks += length;
	if (mt != MIGRATE_ISOLATE)
		totals->free_pages += pages;
	if (mt == MIGRATE_HIGHATOMIC)
		totals->highatomic_pages += pages;
	return 0;
}

static int check_untouched(const struct buddy_zone *bz, struct totals *totals,
			   struct check_report *report)
{
	uint64_t step = UINT64_C(1) << bz->pm->max_order;
	if (bz->untouched_start >= bz->untouched_end)
		return 0;
	if ((bz->untouched_start | bz->untouched_end) & (step - 1))
		FAIL("I7: untouched range %#llx..%#llx is not aligned",
		     (unsigned long long)bz->untouched_start,
		     (unsigned long long)bz->untouched_end);
	for (pfn_t p = bz->untouched_start; p < bz->untouched_end; p += step) {
		if (bz->pm->pages[p].flags & ~PAGE_BACKED)
			FAIL("I7: untouched block %#llx has state %#x", (unsigned long long)p,
			     bz->pm->pages[p].flags);
		if (check_types(bz, p, bz->pm->max_order, bz->untouched_type, report) != 0)
			return -1;
	}
	totals->free_pages += bz->untouched_end - bz->untouched_start;
	return 0;
}

/* Every frame that is marked free must have been met on a list. Skips what is inside blocks. */
static int check_marks(const struct buddy_zone *bz, const struct totals *totals,
		       struct check_report *report)
{
	uint64_t marked = 0;
	for (pfn_t p = bz->zone->start_pfn; p < bz->zone->end_pfn;) {
		if (p == bz->untouched_start && bz->untouched_start < bz->untouched_end) {
			p = bz->untouched_end;
			continue;
		}
		const struct page *page = &bz->pm->pages[p];
		bool head = page->flags & (PAGE_BUDDY | PAGE_PCP | PAGE_ALLOCATED);
		marked += page->flags & PAGE_BUDDY ? 1 : 0;
		p += head ? UINT64_C(1) << page->order : 1;
	}
	if (marked != totals->blocks)
		FAIL("I8: zone %s has %llu blocks marked free and %llu on lists", bz->zone->name,
		     (unsigned long long)marked, (unsigned long long)totals->blocks);
	return 0;
}

int buddy_check(struct buddy_zone *bz, struct check_report *report)
{
	struct totals totals = {0};
	report->text[0] = '\0';
	for (unsigned o = 0; o <= bz->pm->max_order; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (check_list(bz, o, mt, &totals, report) != 0)
				return -1;
			bool untouched = o == bz->pm->max_order && mt == bz->untouched_type &&
					 bz->untouched_start < bz->untouched_end;
			bool marked = bz->nonempty[mt] >> o & 1;
			if (marked != (bz->lists[o][mt].count || untouched))
				FAIL("I1: zone %s, order %u, %s: the list has %llu blocks, "
				     "nonempty says %d",
				     bz->zone->name, o, migratetype_names[mt],
				     (unsigned long long)bz->lists[o][mt].count, marked);
		}
	}
	if (check_untouched(bz, &totals, report) != 0)
		return -1;
	if (totals.free_pages != bz->zone->free_pages ||
	    totals.highatomic_pages != bz->zone->free_highatomic_pages)
		FAIL("I6: zone %s counts %llu free pages (%llu highatomic), its lists hold %llu "
		     "(%llu)",
		     bz->zone->name, (unsigned long long)bz->zone->free_pages,
		     (unsigned long long)bz->zone->free_highatomic_pages,
		     (unsigned long long)totals.free_pages,
		     (unsigned long long)totals.highatomic_pages);
	return check_marks(bz, &totals, report);
}
