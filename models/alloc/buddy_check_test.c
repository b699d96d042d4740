/*
 * Tests of the checkers (buddy_check.c, pcp_check in pcp.c): each invariant is broken on purpose,
 * by writing into page frames, lists and counters, and the check has to name that invariant. Then
 * the structure is put back as it was and has to pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "alloc/pcp.h"

#define ZONE_PAGES 8192

/*
 * One zone and one CPU's lists. Frames 0..4095: 0x10 order 4 and 0x40 order 6 free, 0x20 allocated
 * with order 5, the rest in use from the start. 1024 up: untouched blocks, of which the first is
 * split for the per-CPU lists.
 */
struct bench {
	struct op_machine m; /* for its physmem and env */
	struct pageblock_log log;
	struct buddy_zone bz;
	struct pcp_limits limits;
	struct pcp pcp;
	struct page *pages;
	struct zone *z;
};

static void no_sync(void *arg)
{
}

static void bench_init(struct bench *b)
{
	static const struct op_params params = {.zone_pages = ZONE_PAGES, .all_used = true};
	memset(b, 0, sizeof(*b));
	op_machine_init(&b->m, &params);
	const struct page_allocator_params pap = {
		.pm = &b->m.pm,
		.cpus_count = 1,
		.coalesce = true,
		.split_steps_max = ORDER_LIMIT,
	};
	b->z = &b->m.pm.zones[0];
	b->pages = b->m.pm.pages;
	pageblock_set_type(&b->m.pm, 512, MIGRATE_HIGHATOMIC);
	buddy_init(&b->bz, &pap, b->z, &b->log);
	buddy_add_block(&b->bz, 0x10, 4);
	buddy_add_block(&b->bz, 0x40, 6);
	buddy_add_block(&b->bz, 0x80, 6);
	buddy_add_block(&b->bz, 512, 3);
	buddy_add_range(&b->bz, 1024, ZONE_PAGES);
	b->pages[0x20].flags = PAGE_ALLOCATED;
	b->pages[0x20].order = 5;
	b->limits = (struct pcp_limits){8, 100, 100};
	pcp_init(&b->pcp, &b->bz, &b->limits);
	pfn_t first = pcp_alloc(&b->pcp, &b->m.env[0], 0, MIGRATE_UNMOVABLE, WMARK_MIN, false,
				no_sync, NULL);
	b->pages[first].flags = PAGE_ALLOCATED;
	pfn_t second = pcp_alloc(&b->pcp, &b->m.env[0], 1, MIGRATE_UNMOVABLE, WMARK_MIN, false,
				 no_sync, NULL);
	b->pages[second].flags = PAGE_ALLOCATED;
}

static void bench_release(struct bench *b)
{
	free(b->log.changes);
	op_machine_release(&b->m);
}

static struct pagelist *list(struct bench *b, unsigned order, enum migratetype mt)
{
	return &b->bz.lists[order][mt];
}

/* --- I1: links, counts and the summary of non-empty lists ------------------------------------- */

static void count_too_large(struct bench *b)
{
	list(b, 6, MIGRATE_MOVABLE)->count++;
}

static void count_too_small(struct bench *b)
{
	list(b, 6, MIGRATE_MOVABLE)->count--;
}

static void back_link_wrong(struct bench *b)
{
	b->pages[0x80].prev = 0x10;
}

static void circle(struct bench *b)
{
	b->pages[0x80].next = 0x40;
}

static void link_out_of_the_machine(struct bench *b)
{
	b->pages[0x40].next = 0x7fffffff;
}

static void tail_wrong(struct bench *b)
{
	list(b, 6, MIGRATE_MOVABLE)->tail = 0x40;
}

static void nonempty_cleared(struct bench *b)
{
	b->bz.nonempty[MIGRATE_MOVABLE] &= ~(1u << 4);
}

static void nonempty_set(struct bench *b)
{
	b->bz.nonempty[MIGRATE_RECLAIMABLE] |= 1u << 7;
}

static void nonempty_of_untouched_cleared(struct bench *b)
{
	b->bz.nonempty[MIGRATE_MOVABLE] &= ~(1u << 10);
}

/* --- I2: what may be on a list ---------------------------------------------------------------- */

static void listed_but_not_marked(struct bench *b)
{
	b->pages[0x10].flags = 0;
}

static void listed_and_allocated(struct bench *b)
{
	b->pages[0x40].flags |= PAGE_ALLOCATED;
}

static void replace_only_block(struct bench *b, uint32_t pfn)
{
	struct pagelist *l = list(b, 4, MIGRATE_MOVABLE);
	b->pages[pfn] = b->pages[0x10];
	b->pages[0x10].flags = 0;
	l->head = l->tail = pfn;
}

static void not_aligned(struct bench *b)
{
	replace_only_block(b, 0x118);
}

static void reaches_out_of_the_zone(struct bench *b)
{
	b->z->end_pfn = 0x88;
}

static void before_the_zone(struct bench *b)
{
	b->z->start_pfn = 0x18;
}

/* --- I3 to I5: inside, types, merging --------------------------------------------------------- */

static void free_inside_free(struct bench *b)
{
	b->pages[0x47].flags = PAGE_BUDDY;
}

static void allocated_inside_free(struct bench *b)
{
	b->pages[0x1f].flags = PAGE_ALLOCATED;
}

static void order_wrong(struct bench *b)
{
	b->pages[0x10].order = 3;
}

static void type_wrong(struct bench *b)
{
	b->pages[0x10].migratetype = MIGRATE_UNMOVABLE;
}

static void pageblock_type_wrong(struct bench *b)
{
	pageblock_set_type(&b->m.pm, 0, MIGRATE_RECLAIMABLE);
}

static void halves_not_merged(struct bench *b)
{
	buddy_unlink(&b->bz, &b->m.env[0], 0x40, 6);
	buddy_link(&b->bz, &b->m.env[0], 0x40, 5, MIGRATE_MOVABLE, false);
	buddy_link(&b->bz, &b->m.env[0], 0x60, 5, MIGRATE_MOVABLE, false);
}

/* --- I6 to I8: counters, untouched blocks, marks ---------------------------------------------- */

static void free_pages_wrong(struct bench *b)
{
	b->z->free_pages--;
}

static void highatomic_pages_wrong(struct bench *b)
{
	b->z->free_highatomic_pages++;
}

static void untouched_not_aligned(struct bench *b)
{
	b->bz.untouched_end -= 512;
}

static void untouched_has_state(struct bench *b)
{
	b->pages[b->bz.untouched_start + 1024].flags = PAGE_ALLOCATED;
}

static void untouched_type_wrong(struct bench *b)
{
	b->bz.untouched_type = MIGRATE_RECLAIMABLE;
	b->bz.nonempty[MIGRATE_MOVABLE] &= ~(1u << 10);
	b->bz.nonempty[MIGRATE_RECLAIMABLE] |= 1u << 10;
}

static void marked_but_not_listed(struct bench *b)
{
	b->pages[0x100].flags = PAGE_BUDDY;
	b->pages[0x100].order = 2;
}

/* --- P1 to P3: per-CPU lists ------------------------------------------------------------------ */

static void pcp_count_of_list_wrong(struct bench *b)
{
	b->pcp.lists[0].count++;
}

static void pcp_back_link_wrong(struct bench *b)
{
	b->pages[b->pcp.lists[0].tail].prev = 0x10;
}

static void pcp_circle(struct bench *b)
{
	b->pages[b->pcp.lists[0].tail].next = b->pcp.lists[0].head;
}

static void pcp_tail_wrong(struct bench *b)
{
	b->pcp.lists[0].tail = b->pcp.lists[0].head;
}

static void pcp_block_allocated(struct bench *b)
{
	b->pages[b->pcp.lists[0].head].flags = PAGE_ALLOCATED;
}

static void pcp_block_of_wrong_order(struct bench *b)
{
	b->pages[b->pcp.lists[pcp_list_index(1, MIGRATE_UNMOVABLE)].head].order = 0;
}

static void pcp_count_wrong(struct bench *b)
{
	b->pcp.count--;
}

static const struct breakage {
	const char *id;
	void (*break_it)(struct bench *b);
} breakages[] = {
	{"I1: ", count_too_large},
	{"I1: ", count_too_small},
	{"I1: ", back_link_wrong},
	{"I1: ", circle},
	{"I1: ", link_out_of_the_machine},
	{"I1: ", tail_wrong},
	{"I1: ", nonempty_cleared},
	{"I1: ", nonempty_set},
	{"I1: ", nonempty_of_untouched_cleared},
	{"I2: ", listed_but_not_marked},
	{"I2: ", listed_and_allocated},
	{"I2: ", not_aligned},
	{"I2: ", reaches_out_of_the_zone},
	{"I2: ", before_the_zone},
	{"I3: ", free_inside_free},
	{"I3: ", allocated_inside_free},
	{"I4: ", order_wrong},
	{"I4: ", type_wrong},
	{"I4: ", pageblock_type_wrong},
	{"I5: ", halves_not_merged},
	{"I6: ", free_pages_wrong},
	{"I6: ", highatomic_pages_wrong},
	{"I7: ", untouched_not_aligned},
	{"I7: ", untouched_has_state},
	{"I7: ", untouched_type_wrong},
	{"I8: ", marked_but_not_listed},
	{"P1: ", pcp_count_of_list_wrong},
	{"P1: ", pcp_back_link_wrong},
	{"P1: ", pcp_circle},
	{"P1: ", pcp_tail_wrong},
	{"P2: ", pcp_block_allocated},
	{"P2: ", pcp_block_of_wrong_order},
	{"P3: ", pcp_count_wrong},
};

static int check(struct bench *b, struct check_report *report)
{
	if (buddy_check(&b->bz, report) != 0)
		return -1;
	return pcp_check(&b->pcp, 0, report);
}

/* All that a breakage may write to. */
struct snapshot {
	struct buddy_zone bz;
	struct pcp pcp;
	struct zone zone;
	struct page pages[ZONE_PAGES];
	uint8_t types[ZONE_PAGES / 512];
};

static void save(const struct bench *b, struct snapshot *s)
{
	s->bz = b->bz;
	s->pcp = b->pcp;
	s->zone = *b->z;
	memcpy(s->pages, b->pages, sizeof(s->pages));
	memcpy(s->types, b->m.pm.pageblock_type, sizeof(s->types));
}

static void restore(struct bench *b, const struct snapshot *s)
{
	b->bz = s->bz;
	b->pcp = s->pcp;
	*b->z = s->zone;
	memcpy(b->pages, s->pages, sizeof(s->pages));
	memcpy(b->m.pm.pageblock_type, s->types, sizeof(s->types));
}

static void each_invariant_is_named(void **state)
{
	static struct snapshot sound;
	struct bench b;
	struct check_report report;
	bench_init(&b);
	if (check(&b, &report) != 0)
		fail_msg("sound structure: %s", report.text);
	save(&b, &sound);
	for (size_t i = 0; i < ARRAY_SIZE(breakages); i++) {
		breakages[i].break_it(&b);
		int found = check(&b, &report);
		if (found != -1 || strncmp(report.text, breakages[i].id, 4) != 0)
			fail_msg("breakage %zu of %.2s is reported as \"%s\"", i, breakages[i].id,
				 found ? report.text : "");
		restore(&b, &sound);
		if (check(&b, &report) != 0)
			fail_msg("repaired after breakage %zu: %s", i, report.text);
	}
	bench_release(&b);
}

/* Buddies may lie side by side where merging is off or a recorded state held them apart. */
static void unmerged_buddies_where_they_are_right(void **state)
{
	struct bench b;
	struct check_report report;
	bench_init(&b);
	halves_not_merged(&b);
	b.bz.coalesce = false;
	assert_int_equal(check(&b, &report), 0);
	b.bz.coalesce = true;
	b.bz.unmerged_start = true;
	assert_int_equal(check(&b, &report), 0);
	b.bz.unmerged_start = false;
	assert_int_equal(check(&b, &report), -1);
	bench_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_invariant_is_named),
		cmocka_unit_test(unmerged_buddies_where_they_are_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
