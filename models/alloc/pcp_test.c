/*
 * Tests of the per-CPU lists (pcp.c): sizes by Linux's formulas, refills, drains and decay.
 *
 * The lists are driven directly on a zone of 2 million pages, so that each call is one refill or
 * drain of a known size. Counts of lock takings go through the whole allocator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "alloc/pcp.h"

static const struct pcp_params automatic = {
	.enabled = true,
	.batch_pages = PCP_AUTO,
	.high_min_pages = PCP_AUTO,
	.high_max_pages = PCP_AUTO,
};

/* --- sizes ------------------------------------------------------------------------------------ */

static void limits_of_a_24_gib_machine(void **state)
{
	static const struct {
		uint64_t managed, low;
		struct pcp_limits expected;
	} zones[] = {
		{3840, 13, {1, 6, 240}},
		{772917, 2918, {63, 1459, 48307}},
		{5308416, 20047, {63, 10023, 331776}},
		/* The same machine before its Normal zone had grown. */
		{3840, 60, {1, 30, 240}},
		{772917, 12237, {63, 6118, 48307}},
		{557056, 8820, {63, 4410, 34816}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		struct zone z = {.managed_pages = zones[i].managed};
		struct pcp_limits l;
		z.watermark_pages[WMARK_LOW] = zones[i].low;
		pcp_limits_init(&l, &z, 2, &automatic);
		assert_int_equal(l.batch, zones[i].expected.batch);
		assert_int_equal(l.high_min, zones[i].expected.high_min);
		assert_int_equal(l.high_max, zones[i].expected.high_max);
	}
}

/* O46.pcp_batch_high: 16 GiB, 1 GiB and 64 MiB; then the steps on both sides. */
static void batch_by_zone_size(void **state)
{
	static const struct {
		uint64_t managed, batch;
	} steps[] = {
		{4194304, 63}, {262144, 63}, {16384, 3},
		{0, 1},        {1, 1},       {12287, 1},  {12288, 3}, {24575, 3},
		{24576, 7},    {45055, 7},   {45056, 15}, {90111, 15}, {90112, 31},
		{176127, 31},  {176128, 63}, {UINT32_MAX, 63},
	};
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct zone z = {.managed_pages = steps[i].managed};
		struct pcp_limits l;
		pcp_limits_init(&l, &z, 1, &automatic);
		assert_int_equal(l.batch, steps[i].batch);
		assert_true(l.high_min >= 4 * l.batch);
		assert_true(l.high_max >= l.high_min);
	}
}

static void limits_set_by_hand(void **state)
{
	struct zone z = {.managed_pages = 5308416};
	struct pcp_limits l;
	struct pcp_params p = automatic;
	z.watermark_pages[WMARK_LOW] = 20047;
	p.high_fraction = 8;
	pcp_limits_init(&l, &z, 2, &p);
	assert_int_equal(l.high_min, 331776);
	assert_int_equal(l.high_max, 331776);
	p.high_fraction = 1000000; /* never below four batches */
	pcp_limits_init(&l, &z, 2, &p);
	assert_int_equal(l.high_min, 252);
	p = automatic;
	p.batch_pages = 10;
	p.high_min_pages = 100;
	p.high_max_pages = 50;
	pcp_limits_init(&l, &z, 2, &p);
	assert_int_equal(l.batch, 10);
	assert_int_equal(l.high_max, 50);
	assert_true(l.high_min <= l.high_max);
}

/* --- one CPU's lists, driven directly --------------------------------------------------------- */

#define ZONE_PAGES (UINT64_C(1) << 21)

struct bench {
	struct op_machine m; /* for its physmem and env */
	struct pageblock_log log;
	struct buddy_zone bz;
	struct pcp_limits limits;
	struct pcp pcp;
	unsigned synced; /* zone lock takings seen */
};

static void count_synced(void *arg)
{
	struct bench *b = arg;
	b->synced++;
}

static void bench_init(struct bench *b, uint64_t high_min, uint64_t high_max)
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
	buddy_init(&b->bz, &pap, &b->m.pm.zones[0], &b->log);
	buddy_add_range(&b->bz, 0, ZONE_PAGES);
	b->limits = (struct pcp_limits){63, high_min, high_max};
	pcp_init(&b->pcp, &b->bz, &b->limits);
}

static void bench_release(struct bench *b)
{
	struct check_report report;
	if (buddy_check(&b->bz, &report) != 0 || pcp_check(&b->pcp, 0, &report) != 0)
		fail_msg("%s", report.text);
	assert_int_equal(b->pcp.count + b->m.pm.zones[0].free_pages <= ZONE_PAGES, true);
	free(b->log.changes);
	op_machine_release(&b->m);
}

static pfn_t take(struct bench *b, unsigned order)
{
	pfn_t pfn = pcp_alloc(&b->pcp, &b->m.env[0], order, MIGRATE_MOVABLE, WMARK_LOW, false,
			      count_synced, b);
	assert_true(pfn != PFN_NONE);
	struct page *p = physmem_page(&b->m.pm, pfn);
	p->flags |= PAGE_ALLOCATED;
	p->order = (uint8_t)order;
	return pfn;
}

static void give(struct bench *b, pfn_t pfn, unsigned order, bool below_high)
{
	pcp_free(&b->pcp, &b->m.env[0], pfn, order, MIGRATE_MOVABLE, below_high, count_synced, b);
}

/* Allocate single pages until the list has to be refilled; how many pages came. */
static uint64_t next_refill(struct bench *b)
{
	uint64_t before = b->pcp.refilled_pages;
	while (b->pcp.refilled_pages == before)
		take(b, 0);
	return b->pcp.refilled_pages - before;
}

/* The bite grows with each refill and halves with a free. */
static void refills_double(void **state)
{
	static const uint64_t expected[] = {63, 126, 252, 504, 1008, 2016, 2016, 2016};
	struct bench b;
	bench_init(&b, 10023, 331776);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(next_refill(&b), expected[i]);
	assert_int_equal(b.synced, ARRAY_SIZE(expected));
	assert_int_equal(b.pcp.alloc_factor, PCP_SCALE_MAX);
	pfn_t pfn = take(&b, 0);
	give(&b, pfn, 0, false);
	assert_int_equal(b.pcp.alloc_factor, 2);
	assert_int_equal(next_refill(&b), 252);
	assert_int_equal(next_refill(&b), 504);
	bench_release(&b);
}

/* Each refill lifts the mark, up to its limit; a zone that is short of pages does not. */
static void refills_raise_the_mark(void **state)
{
	struct bench b;
	bench_init(&b, 1000, 1500);
	next_refill(&b);
	assert_int_equal(b.pcp.high, 1063);
	next_refill(&b);
	assert_int_equal(b.pcp.high, 1189);
	next_refill(&b);
	next_refill(&b);
	assert_int_equal(b.pcp.high, 1500);
	bench_release(&b);

	bench_init(&b, 1000, 1500);
	assert_true(pcp_alloc(&b.pcp, &b.m.env[0], 0, MIGRATE_MOVABLE, WMARK_LOW, true,
			      count_synced, &b) != PFN_NONE);
	assert_int_equal(b.pcp.high, 1000);
	bench_release(&b);
}

static void refills_of_higher_orders(void **state)
{
	static const struct {
		unsigned order, blocks;
	} rows[] = {{1, 31}, {2, 15}, {3, 7}, {9, 2}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		bench_init(&b, 10023, 331776);
		pfn_t first = take(&b, rows[i].order);
		assert_int_equal(first, 0); /* ascending from the head */
		assert_int_equal(b.pcp.refilled_pages, (uint64_t)rows[i].blocks << rows[i].order);
		assert_int_equal(take(&b, rows[i].order), UINT64_C(1) << rows[i].order);
		bench_release(&b);
	}
}

/* An allocation halves the memory of recent frees. */
static void allocations_halve_the_count_of_frees(void **state)
{
	struct bench b;
	bench_init(&b, 10023, 331776);
	b.pcp.free_count = 100;
	take(&b, 0);
	assert_int_equal(b.pcp.free_count, 50);
	take(&b, 3);
	assert_int_equal(b.pcp.free_count, 25);
	bench_release(&b);
}

/* Lists that can't hold a batch pass single blocks through. */
static void lists_switched_off(void **state)
{
	struct bench b;
	bench_init(&b, 0, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(next_refill(&b), 1);
	pfn_t pfn = take(&b, 0);
	assert_int_equal(b.pcp.count, 0);
	give(&b, pfn, 0, false);
	assert_int_equal(b.pcp.count, 0);
	assert_int_equal(b.pcp.drained_pages, 1);
	bench_release(&b);
}

/* At the mark, a free gives back what was freed lately, at least a batch, from the list's tail. */
static void drain_at_the_mark(void **state)
{
	struct bench b;
	bench_init(&b, 1000, 1000);
	pfn_t blocks[1001];
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE);
	for (size_t i = 0; i < 999; i++)
		give(&b, blocks[i], 0, false);
	assert_int_equal(b.pcp.drains_count, 0);
	b.pcp.free_count = 0; /* all that was long ago */
	give(&b, blocks[999], 0, false);
	assert_int_equal(b.pcp.drained_pages, 63);
	assert_int_equal(b.pcp.count, 937);
	/* The coldest went, the warmest is next out. */
	assert_int_equal(b.pcp.lists[pcp_list_index(0, MIGRATE_MOVABLE)].tail, blocks[63]);
	assert_int_equal(take(&b, 0), blocks[999]);
	bench_release(&b);
}

/* Many frees in a row: the drain is as large, but leaves a batch behind. */
static void drain_grows_with_frees(void **state)
{
	struct bench b;
	bench_init(&b, 1000, 1000);
	for (int i = 0; i < 1000; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_int_equal(b.pcp.drains_count, 1);
	assert_int_equal(b.pcp.drained_pages, 937);
	assert_int_equal(b.pcp.count, 63);
	bench_release(&b);
}

/* A mark that is tuned rises to what was freed lately, after one more drain at the old mark. */
static void drain_raises_a_tuned_mark(void **state)
{
	struct bench b;
	bench_init(&b, 100, 100000);
	b.pcp.high = 200;
	for (int i = 0; i < 200; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_int_equal(b.pcp.drains_count, 1);
	assert_int_equal(b.pcp.drained_pages, 200 - 63);
	assert_int_equal(b.pcp.high, 200 + 63);
	b.pcp.free_count = 0; /* frees of long ago do not lower it */
	for (int i = 0; i < 200; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_int_equal(b.pcp.drains_count, 2);
	assert_int_equal(b.pcp.high, 200 + 63);
	bench_release(&b);
}

/* A drain goes on with the next lists, round robin, when the freed block's list has run out. */
static void drain_goes_round(void **state)
{
	struct bench b;
	bench_init(&b, 252, 252);
	for (int i = 0; i < 40; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	for (int i = 0; i < 50; i++) {
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 2, MIGRATE_MOVABLE), 2, false);
		b.pcp.free_count = 0;
	}
	b.pcp.prev_free_high_order = false;
	assert_int_equal(b.pcp.count, 240);
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 3, MIGRATE_MOVABLE), 3, false);
	assert_int_equal(b.pcp.drains_count, 0);
	b.pcp.free_count = 0;
	b.pcp.prev_free_high_order = false;
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 3, MIGRATE_MOVABLE), 3, false);
	/* 63 pages: two blocks of order 3, 40 single pages after the turn, two of order 2. */
	assert_int_equal(b.pcp.lists[pcp_list_index(3, MIGRATE_MOVABLE)].count, 0);
	assert_int_equal(b.pcp.lists[pcp_list_index(0, MIGRATE_MOVABLE)].count, 0);
	assert_int_equal(b.pcp.lists[pcp_list_index(2, MIGRATE_MOVABLE)].count, 48);
	assert_int_equal(b.pcp.drained_pages, 64);
	bench_release(&b);
}

/* Two frees of order 1 to 3 in a row after many pages: a CPU that frees more than it uses. */
static void free_high(void **state)
{
	struct bench b;
	bench_init(&b, 1000, 100000);
	b.pcp.high = 5000;
	for (int i = 0; i < 3000; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_int_equal(b.pcp.drains_count, 0);
	assert_true(b.pcp.free_count >= 63 + 1000 / 2);
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 1, MIGRATE_MOVABLE), 1, false);
	assert_int_equal(b.pcp.drains_count, 0); /* the first one only leaves a note */
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 1, MIGRATE_MOVABLE), 1, false);
	assert_int_equal(b.pcp.drains_count, 1);
	assert_int_equal(b.pcp.drained_pages, 2016);
	assert_int_equal(b.pcp.high, 5000 - 2016);
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_false(b.pcp.prev_free_high_order); /* a single page in between starts anew */
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 1, MIGRATE_MOVABLE), 1, false);
	assert_int_equal(b.pcp.drains_count, 1);
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 1, MIGRATE_MOVABLE), 1, false);
	assert_int_equal(b.pcp.drains_count, 2);
	assert_int_equal(b.pcp.high, 1000);
	bench_release(&b);
}

/* Below the zone's high watermark the lists shrink to their minimum. */
static void zone_short_of_pages(void **state)
{
	struct bench b;
	bench_init(&b, 300, 10000);
	b.pcp.high = 900;
	for (int i = 0; i < 400; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	assert_int_equal(b.pcp.drains_count, 0);
	give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, true);
	assert_int_equal(b.pcp.drains_count, 1);
	assert_int_equal(b.pcp.high, 900 - 401);
	assert_int_equal(b.pcp.count, 401 - 338); /* all but a batch */
	bench_release(&b);
}

static void decay(void **state)
{
	struct bench b;
	bench_init(&b, 100, 100000);
	b.pcp.high = 8000;
	for (int i = 0; i < 1000; i++)
		give(&b, buddy_take_type(&b.bz, &b.m.env[0], 0, MIGRATE_MOVABLE), 0, false);
	pcp_decay(&b.pcp, &b.m.env[0], count_synced, &b);
	assert_int_equal(b.pcp.high, 7000);
	assert_int_equal(b.pcp.count, 1000);
	for (int i = 0; i < 14; i++)
		pcp_decay(&b.pcp, &b.m.env[0], count_synced, &b);
	assert_true(b.pcp.high > 1000 && b.pcp.drains_count == 0);
	uint64_t high = b.pcp.high - b.pcp.high / 8;
	high -= high / 8;
	b.synced = 0;
	pcp_decay(&b.pcp, &b.m.env[0], count_synced, &b);
	pcp_decay(&b.pcp, &b.m.env[0], count_synced, &b);
	assert_int_equal(b.pcp.high, high);
	assert_int_equal(b.pcp.count, high);
	assert_int_equal(b.pcp.drained_pages, 1000 - high);
	assert_int_equal(b.synced, b.pcp.drains_count); /* a batch for each lock taking */
	for (int i = 0; i < 100; i++)
		pcp_decay(&b.pcp, &b.m.env[0], count_synced, &b);
	assert_int_equal(b.pcp.high, 100); /* no further */
	assert_int_equal(b.pcp.count, 100);
	bench_release(&b);
}

/* A reserved pageblock's pages go to the movable list; huge blocks have two lists. */
static void list_for_each_type(void **state)
{
	assert_int_equal(pcp_list_index(0, MIGRATE_UNMOVABLE), 0);
	assert_int_equal(pcp_list_index(3, MIGRATE_RECLAIMABLE), 11);
	assert_int_equal(pcp_list_index(9, MIGRATE_UNMOVABLE), 12);
	assert_int_equal(pcp_list_index(9, MIGRATE_RECLAIMABLE), 12);
	assert_int_equal(pcp_list_index(9, MIGRATE_MOVABLE), 13);
	struct bench b;
	bench_init(&b, 10023, 331776);
	pfn_t pfn = take(&b, 0);
	uint64_t before = b.pcp.lists[1].count;
	pcp_free(&b.pcp, &b.m.env[0], pfn, 0, MIGRATE_HIGHATOMIC, false, count_synced, &b);
	assert_int_equal(b.pcp.lists[1].count, before + 1);
	assert_true(pcp_caches(&b.m.pm, 3) && pcp_caches(&b.m.pm, 9));
	assert_false(pcp_caches(&b.m.pm, 4) || pcp_caches(&b.m.pm, 8) || pcp_caches(&b.m.pm, 10));
	bench_release(&b);
}

/* --- the whole allocator ---------------------------------------------------------------------- */

/* O46.zone_lock_ops: 100,000 pages take the zone lock once for 63 of them, or each time. */
static void zone_lock_takings(void **state)
{
	/*
	 * high_min = high_max = 4 * batch, on an empty list: the room is 3 * 63, a refill at most
	 * 126; 2 * batch leaves room for exactly one batch.
	 */
	struct op_params params = {
		.zone_pages = 262144,
		.unchecked = true,
		.pcp = {.enabled = true, .batch_pages = 63, .high_min_pages = 126,
			.high_max_pages = 126},
	};
	struct op_machine m;
	struct page_zone_stats s;
	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "a0m*100000"), 0);
	m.pa->ops->zone_stats(m.pa, 0, &s);
	assert_int_equal(s.lock->acquired_count, 1588);
	op_machine_release(&m);

	params.pcp.enabled = false;
	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "a0m*100000"), 0);
	m.pa->ops->zone_stats(m.pa, 0, &s);
	assert_int_equal(s.lock->acquired_count, 100000);
	op_machine_release(&m);
}

/* The lists of two CPUs are their own; a freed page stays where it was freed. */
static void one_list_for_each_cpu(void **state)
{
	static const struct op_params params = {
		.zone_pages = 65536,
		.cpus_count = 2,
		.pcp = {.enabled = true, .batch_pages = 3, .high_min_pages = 100,
			.high_max_pages = 100},
	};
	struct op_machine m;
	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "a0m=0 c1 a0m=3 f0 c0"), 0);
	assert_string_equal(op_lists(&m, 0, 0), "0m:1,2");
	assert_string_equal(op_lists(&m, 0, 1), "0m:0,4,5");
	assert_int_equal(op_run(&m, "a0m=1 c1 a0m=0 a9m=512"), 0);
	assert_string_equal(op_lists(&m, 0, 1), "0m:4,5 9m:1024");
	assert_int_equal(m.env[1].path, PATH_PCP_REFILL);
	assert_int_equal(op_run(&m, "f512"), 0);
	assert_int_equal(m.env[1].path, PATH_PCP_DRAIN);
	op_machine_release(&m);
}

/* A freed page goes to the list of its pageblock's type, as the CPU last knew it. */
static void list_of_the_pageblock(void **state)
{
	static const struct op_params params = {
		.zone_pages = 65536,
		.cpus_count = 2,
		.all_used = true,
		.pcp = {.enabled = true, .batch_pages = 3, .high_min_pages = 100,
			.high_max_pages = 100},
	};
	struct op_machine m;
	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "+0-65536 a0u=0 a0m=1024 f0 f1024"), 0);
	assert_string_equal(op_lists(&m, 0, 0), "0u:0,1,2 0m:1024,1025,1026,1027,1028,1029");
	op_machine_release(&m);

	op_machine_init(&m, &params);
	assert_int_equal(op_run(&m, "+0/9 c1 a0m=0 c0 a0u=3 c1 f0"), 0);
	assert_int_equal(pageblock_type(&m.pm, 0), MIGRATE_UNMOVABLE);
	assert_string_equal(op_lists(&m, 0, 1), "0m:0,1,2"); /* CPU 1 has not heard of it */
	assert_int_equal(op_run(&m, "a0m=0 a4u f0"), 0);     /* now it has */
	assert_string_equal(op_lists(&m, 0, 1), "0u:0 0m:1,2");
	op_machine_release(&m);
}

/* Once a refill had to steal, it goes on stealing: claiming was tried in vain under this lock. */
static void a_refill_remembers_that_it_steals(void **state)
{
	static const struct op_params params = {
		.zone_pages = 65536,
		.all_used = true,
		.min_free_kbytes = 3200,
		.boost_factor = 15000,
		.pcp = {.enabled = true, .batch_pages = 15, .high_min_pages = 100,
			.high_max_pages = 100},
	};
	struct op_machine m;
	struct page_zone_stats s;
	op_machine_init(&m, &params);
	for (unsigned block = 0; block < 32; block++) { /* 128 free pages: too few to claim it */
		char word[32];
		snprintf(word, sizeof(word), "+%u/7", block * 512);
		assert_int_equal(op_run(&m, word), 0);
	}
	assert_int_equal(op_run(&m, "a0u=0"), 0);
	m.pa->ops->zone_stats(m.pa, 0, &s);
	assert_int_equal(s.steals_count, 15);
	assert_int_equal(s.boosts_count, 1); /* one for each attempt to claim */
	op_machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_of_a_24_gib_machine),
		cmocka_unit_test(batch_by_zone_size),
		cmocka_unit_test(limits_set_by_hand),
		cmocka_unit_test(refills_double),
		cmocka_unit_test(refills_raise_the_mark),
		cmocka_unit_test(refills_of_higher_orders),
		cmocka_unit_test(allocations_halve_the_count_of_frees),
		cmocka_unit_test(lists_switched_off),
		cmocka_unit_test(drain_at_the_mark),
		cmocka_unit_test(drain_grows_with_frees),
		cmocka_unit_test(drain_raises_a_tuned_mark),
		cmocka_unit_test(drain_goes_round),
		cmocka_unit_test(free_high),
		cmocka_unit_test(zone_short_of_pages),
		cmocka_unit_test(decay),
		cmocka_unit_test(list_for_each_type),
		cmocka_unit_test(zone_lock_takings),
		cmocka_unit_test(one_list_for_each_cpu),
		cmocka_unit_test(list_of_the_pageblock),
		cmocka_unit_test(a_refill_remembers_that_it_steals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
