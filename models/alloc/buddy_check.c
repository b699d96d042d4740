/*
 * buddy_check.c - verify the invariants I1 to I8 that buddy.c states, from outside.
 */
#include <stdio.h>
#include <stdlib.h>

#include "alloc/buddy.h"

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(report->text, sizeof(report->text), __VA_ARGS__);                         \
		return -1;                                                                         \
	} while (0)

/* One check in progress, and what it has counted. */
struct checker {
	const struct buddy_zone *bz;
	struct check_report *report;
	unsigned char *resident; /* see physmem_resident(); NULL: look at every frame */
	uint64_t per_host_page;
	uint64_t free_pages, highatomic_pages, blocks;
};

/*
 * If the host never gave memory to the frame @pfn, its whole host page reads as zero: the first
 * frame behind it, so that a check of a large machine does not touch all of it. Else @pfn.
 */
static pfn_t skip_untouched(const struct checker *c, pfn_t pfn)
{
	if (!c->resident || (c->resident[pfn / c->per_host_page] & 1))
		return pfn;
	return (pfn / c->per_host_page + 1) * c->per_host_page;
}

static int check_interior(const struct checker *c, pfn_t pfn, unsigned order)
{
	struct check_report *report = c->report;
	const struct page *pages = c->bz->pm->pages;
	pfn_t end = pfn + (UINT64_C(1) << order);
	for (pfn_t p = pfn + 1; p < end;) {
		pfn_t next = skip_untouched(c, p);
		if (next == p && (pages[p].flags & ~PAGE_BACKED))
			FAIL("I3: frame %#llx inside the free block %#llx of order %u has state "
			     "%#x",
			     (unsigned long long)p, (unsigned long long)pfn, order, pages[p].flags);
		p = next == p ? p + 1 : next;
	}
	return 0;
}

/* @invariant: "I4" for blocks on a list, "I7" for those that will be. */
static int check_types(const struct buddy_zone *bz, pfn_t pfn, unsigned order, unsigned mt,
		       const char *invariant, struct check_report *report)
{
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p += pageblock_pages(bz->pm)) {
		if (pageblock_type(bz->pm, p) != mt)
			FAIL("%s: block %#llx of order %u is on the %s list, its pageblock %#llx "
			     "is %s",
			     invariant, (unsigned long long)pfn, order, migratetype_names[mt],
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

static int check_block(const struct checker *c, pfn_t pfn, unsigned order, unsigned mt)
{
	const struct buddy_zone *bz = c->bz;
	struct check_report *report = c->report;
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
	if (check_interior(c, pfn, order) != 0 ||
	    check_types(bz, pfn, order, mt, "I4", report) != 0)
		return -1;
	return check_merged(bz, pfn, order, report);
}

static int check_list(struct checker *c, unsigned order, unsigned mt)
{
	const struct buddy_zone *bz = c->bz;
	struct check_report *report = c->report;
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
		if (check_block(c, pfn, order, mt) != 0)
			return -1;
		prev = pfn;
	}
	if (length != list->count || list->tail != prev)
		FAIL("I1: the order-%u %s list of zone %s has %llu blocks, its count is %llu",
		     order, migratetype_names[mt], bz->zone->name, (unsigned long long)length,
		     (unsigned long long)list->count);
	uint64_t pages = length << order;
	c->blocks += length;
	if (mt != MIGRATE_ISOLATE)
		c->free_pages += pages;
	if (mt == MIGRATE_HIGHATOMIC)
		c->highatomic_pages += pages;
	return 0;
}

static int check_untouched(struct checker *c)
{
	const struct buddy_zone *bz = c->bz;
	struct check_report *report = c->report;
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
		if (check_types(bz, p, bz->pm->max_order, bz->untouched_type, "I7",
				report) != 0)
			return -1;
	}
	c->free_pages += bz->untouched_end - bz->untouched_start;
	return 0;
}

/* Blocks marked free in the zone. */
static uint64_t count_marks(const struct checker *c)
{
	const struct buddy_zone *bz = c->bz;
	uint64_t marked = 0;
	for (pfn_t p = bz->zone->start_pfn; p < bz->zone->end_pfn;) {
		if (p == bz->untouched_start && bz->untouched_start < bz->untouched_end) {
			p = bz->untouched_end;
			continue;
		}
		pfn_t next = skip_untouched(c, p);
		if (next != p) {
			p = next;
			continue;
		}
		const struct page *page = &bz->pm->pages[p];
		bool head = page->flags & (PAGE_BUDDY | PAGE_PCP | PAGE_ALLOCATED);
		marked += page->flags & PAGE_BUDDY ? 1 : 0;
		p += head ? UINT64_C(1) << page->order : 1;
	}
	return marked;
}

/* Every frame that is marked free must have been met on a list. */
static int check_marks(struct checker *c)
{
	struct check_report *report = c->report;
	uint64_t marked = count_marks(c);
	if (marked != c->blocks) { /* the host may have swapped frames out: look at all of them */
		free(c->resident);
		c->resident = NULL;
		marked = count_marks(c);
	}
	if (marked != c->blocks)
		FAIL("I8: zone %s has %llu blocks marked free and %llu on lists", c->bz->zone->name,
		     (unsigned long long)marked, (unsigned long long)c->blocks);
	return 0;
}

static int check_nonempty(const struct checker *c, unsigned order, unsigned mt)
{
	const struct buddy_zone *bz = c->bz;
	struct check_report *report = c->report;
	bool untouched = order == bz->pm->max_order && mt == bz->untouched_type &&
			 bz->untouched_start < bz->untouched_end;
	bool marked = bz->nonempty[mt] >> order & 1;
	if (marked != (bz->lists[order][mt].count || untouched))
		FAIL("I1: zone %s, order %u, %s: the list has %llu blocks, nonempty says %d",
		     bz->zone->name, order, migratetype_names[mt],
		     (unsigned long long)bz->lists[order][mt].count, marked);
	return 0;
}

static int check_zone(struct checker *c)
{
	const struct zone *z = c->bz->zone;
	struct check_report *report = c->report;
	for (unsigned o = 0; o <= c->bz->pm->max_order; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
			if (check_list(c, o, mt) != 0 || check_nonempty(c, o, mt) != 0)
				return -1;
		}
	}
	if (check_untouched(c) != 0)
		return -1;
	if (c->free_pages != z->free_pages || c->highatomic_pages != z->free_highatomic_pages)
		FAIL("I6: zone %s counts %llu free pages (%llu highatomic), its lists hold %llu "
		     "(%llu)",
		     z->name, (unsigned long long)z->free_pages,
		     (unsigned long long)z->free_highatomic_pages,
		     (unsigned long long)c->free_pages, (unsigned long long)c->highatomic_pages);
	return check_marks(c);
}

int buddy_check(struct buddy_zone *bz, struct check_report *report)
{
	struct checker c = {
		.bz = bz,
		.report = report,
		.resident = physmem_resident(bz->pm),
		.per_host_page = physmem_frames_per_host_page(),
	};
	report->text[0] = '\0';
	int rc = check_zone(&c);
	free(c.resident);
	return rc;
}
