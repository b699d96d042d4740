/*
 * Tests of the zoned buddy (buddy.c, buddy_fallback.c, page_alloc.c) without per-CPU lists: scripts
 * and the free lists that they must leave. The same program is built with ENV_NATIVE as well, so
 * the simulated and the native allocator are held to the same lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "kern/rng.h"

struct row {
	const char *script, *lists; /* of zone 0 */
};

static void run_rows(const struct op_params *params, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct op_machine m;
		op_machine_init(&m, params);
		if (op_run(&m, rows[i].script) != 0)
			fail_msg("script \"%s\": %s", rows[i].script, m.error);
		if (strcmp(op_lists(&m, 0, -1), rows[i].lists) != 0)
			fail_msg("script \"%s\" leaves \"%s\", not \"%s\"", rows[i].script, m.text,
				 rows[i].lists);
		op_machine_release(&m);
	}
}

#define RUN_ROWS(params, rows) run_rows(&(params), rows, ARRAY_SIZE(rows))

static void run(struct op_machine *m, const char *script)
{
	if (op_run(m, script) != 0)
		fail_msg("script \"%s\": %s", script, m->error);
}

static struct page_zone_stats stats_of(struct op_machine *m, unsigned zone)
{
	struct page_zone_stats s;
	m->pa->ops->zone_stats(m->pa, zone, &s);
	return s;
}

/* 4096 pages, pageblocks of 512, all movable and free: four blocks of order 10. */
static void fresh_zone(void **state)
{
	static const struct op_params params = {.zone_pages = 4096};
	static const struct row rows[] = {
		{"", "10m:0,1024,2048,3072"},
		{"a0m=0", "0m:1 1m:2 2m:4 3m:8 4m:16 5m:32 6m:64 7m:128 8m:256 9m:512 "
			  "10m:1024,2048,3072"},
		{"a0m=0 a0m=1", "1m:2 2m:4 3m:8 4m:16 5m:32 6m:64 7m:128 8m:256 9m:512 "
				"10m:1024,2048,3072"},
		{"a0m=0 f0", "10m:0,1024,2048,3072"},
		{"a10m=0 a10m=1024 f0", "10m:0,2048,3072"}, /* back at the head */
		{"a10m=0 a10m=1024 f0 f1024", "10m:1024,0,2048,3072"},
		{"a10m*4 a0m!no_memory", ""},
		{"a10m*4 a0u!no_memory F", "10m:3072,2048,1024,0"},
		{"a3m=0 s0 f0 f1", "1m:0 3m:8 4m:16 5m:32 6m:64 7m:128 8m:256 9m:512 "
				   "10m:1024,2048,3072"},
		{"a3m=0 s0 F", "10m:0,1024,2048,3072"},
		{"a11m!bad_order", "10m:0,1024,2048,3072"},
	};
	RUN_ROWS(params, rows);
}

/* An unmovable request in a movable zone takes a largest block over with both its pageblocks. */
static void claim_of_a_largest_block(void **state)
{
	static const struct op_params params = {.zone_pages = 4096};
	static const struct row rows[] = {
		{"a0u=0", "0u:1 1u:2 2u:4 3u:8 4u:16 5u:32 6u:64 7u:128 8u:256 9u:512 "
			  "10m:1024,2048,3072"},
		{"a0u=0 f0", "10u:0 10m:1024,2048,3072"},
		{"a0u=0 a0u=1 a0r=1024 a0m=2048 F", "10u:0 10m:2048,3072 10r:1024"},
		{"a9u=0 a9m=1024", "9u:512 9m:1536 10m:2048,3072"},
	};
	RUN_ROWS(params, rows);

	struct op_machine m;
	uint64_t blocks[MIGRATE_TYPES];
	op_machine_init(&m, &params);
	run(&m, "a0u=0");
	zone_pageblocks(&m.pm, &m.pm.zones[0], blocks);
	assert_int_equal(blocks[MIGRATE_UNMOVABLE], 2);
	assert_int_equal(blocks[MIGRATE_MOVABLE], 6);
	assert_int_equal(stats_of(&m, 0).claims_count, 1);
	assert_int_equal(stats_of(&m, 0).steals_count, 0);
	op_machine_release(&m);
}

/* A pageblock changes type if half of it is free or used in the new way. */
static void claim_threshold(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct row rows[] = {
		/* 256 free pages: claimed. */
		{"+0/8 a0u=0", "0u:1 1u:2 2u:4 3u:8 4u:16 5u:32 6u:64 7u:128"},
		/* 255: stolen, the smallest block. */
		{"+1/0 +2/1 +4/2 +8/3 +16/4 +32/5 +64/6 +128/7 a0u=1",
		 "1m:2 2m:4 3m:8 4m:16 5m:32 6m:64 7m:128"},
		/* 128 free, and 128 of the used ones unmovable: claimed. */
		{"+0/9 a7u=0", "7u:128 8u:256"},
		{"p0=m +256/7 a0u=256", "0m:257 1m:258 2m:260 3m:264 4m:272 5m:288 6m:320"},
		/* A movable request: orders 4 and above are worth a look, smaller ones are not. */
		{"p0=u +0/8 a0m=0", "0m:1 1m:2 2m:4 3m:8 4m:16 5m:32 6m:64 7m:128"},
		{"p0=u +0/4 a0m=0", "0u:1 1u:2 2u:4 3u:8"},
		/* The tail of the claimed pageblock's lists keeps ascending addresses. */
		{"+0/7 +256/7 a0u=0", "0u:1 1u:2 2u:4 3u:8 4u:16 5u:32 6u:64 7u:256"},
		{"+256/8 +0/6 +128/5 a5u=128", "6u:0 8u:256"},
	};
	RUN_ROWS(params, rows);
}

/* Every other block of one order in a pageblock is free: half of it, in small pieces. */
static void small_pieces(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct {
		const char *type, *request;
		unsigned order;
		bool claimed;
	} cases[] = {
		{"p0=u", "a0m=0", 3, false}, /* movable: nothing to claim below order 4 */
		{"p0=u", "a0m=0", 4, true},
		{"p0=m", "a0u=0", 3, true},
		{"p0=m", "a0u=0", 0, true},
		{"p0=r", "a0u=0", 3, true},
		{"p0=m", "a0r=0", 3, true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct op_machine m;
		op_machine_init(&m, &params);
		run(&m, cases[i].type);
		for (unsigned p = 0; p < 512; p += 2u << cases[i].order) {
			char word[32];
			snprintf(word, sizeof(word), "+%u/%u", p, cases[i].order);
			run(&m, word);
		}
		run(&m, cases[i].request);
		assert_int_equal(stats_of(&m, 0).claims_count, cases[i].claimed);
		assert_int_equal(stats_of(&m, 0).steals_count, !cases[i].claimed);
		op_machine_release(&m);
	}
}

/* Which type is robbed first; reserved and isolated pageblocks never are. */
static void fallback_table(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct row rows[] = {
		{"p1=r +0/4 +512/4 a0u=512", "0r:513 1r:514 2r:516 3r:520 4m:0"},
		{"p1=r +0/4 +512/4 a4u=512 a4u=0", ""},
		{"p1=r p2=u +512/4 +1024/4 a0m=512", "0r:513 1r:514 2r:516 3r:520 4u:1024"},
		{"p1=r p2=u +512/4 +1024/4 a4m=512 a4m=1024", ""},
		{"p2=u +0/4 +1024/4 a0r=1024", "0u:1025 1u:1026 2u:1028 3u:1032 4m:0"},
		{"p2=u +0/4 +1024/4 a4r=1024 a4r=0", ""},
		{"p1=H +512/4 a0u!watermark a0m!watermark", "4H:512"},
		{"p1=i +512/4 a0u!no_memory a0m!no_memory", "4i:512"},
		/* A request that may not wait gets at the reserve when all else has failed. */
		{"p1=H +512/4 a0un=512", "0H:513 1H:514 2H:516 3H:520"},
		{"p1=H +512/4 +0/0 a0un=0 a0un=512", "0H:513 1H:514 2H:516 3H:520"},
	};
	RUN_ROWS(params, rows);
}

/* The first attempt looks into DMA32 rather than mix types in Normal. */
static void types_are_kept_apart(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA32, 0, 0, 4096, 4096},
		{ZONE_NORMAL, 0, 4096, 8192, 4096},
	};
	static const struct op_params params = {
		.spans = spans,
		.spans_count = 2,
		.all_used = true,
	};
	static const struct op_params reserved = {
		.spans = spans,
		.spans_count = 2,
		.all_used = true,
		.lowmem_reserve_ratio = {0, 1, 0, 0, 0},
	};
	static const struct row rows[] = {
		{"+0/10 +4096/8 a0u=0",
		 "0u:1 1u:2 2u:4 3u:8 4u:16 5u:32 6u:64 7u:128 8u:256 9u:512"},
		{"+0/10 +4096/8 a0m=4096", "10m:0"},
		{"+0/10 +4096/9 a0u=4096", "10m:0"}, /* a whole pageblock mixes nothing */
		{"+4096/8 a0u=4096", ""},            /* DMA32 has nothing: then Normal mixes */
		{"+4096/3 a0u=4096", ""},
	};
	static const struct row row_reserved[] = {
		{"+0/10 +4096/8 a0u=4096", "10m:0"}, /* DMA32 is kept for its own */
	};
	RUN_ROWS(params, rows);
	RUN_ROWS(reserved, row_reserved);
}

/* But not into another node: mixing types at home is better than memory far away. */
static void types_mix_rather_than_leave_the_node(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_DMA32, 0, 0, 4096, 4096},
		{ZONE_NORMAL, 0, 4096, 8192, 4096},
		{ZONE_NORMAL, 1, 8192, 12288, 4096},
	};
	static const struct op_params params = {
		.spans = spans,
		.spans_count = 3,
		.all_used = true,
	};
	static const struct row rows[] = {
		{"+4096/8 +8192/10 a0u=4096", ""},
		{"+4096/3 +8192/10 a0u=4096", ""},
		{"+4096/3 +8192/10 n1 a0u=8192 n0", ""},
		{"+4096/0 +8192/10 a0u=4096 a0u=8192 a0ut!no_memory", ""},
		{"+0/10 +8192/10 a0u=0", "0u:1 1u:2 2u:4 3u:8 4u:16 5u:32 6u:64 7u:128 8u:256 "
					 "9u:512"},
	};
	RUN_ROWS(params, rows);
}

/* A block whose merge is near is put at the tail, to be taken last. */
static void placement_when_a_merge_is_likely(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct row rows[] = {
		{"+8/0 +2/1 f0/0", "0m:8,0 1m:2"},
		{"+8/0 f0/0", "0m:0,8"},
		{"+8/0 +2/0 f0/0", "0m:0,8,2"}, /* half of the neighbour is not the neighbour */
		{"+64/2 +8/3 f0/2", "2m:64,0 3m:8"},
		{"+704/6 f640/6", "7m:640"}, /* the buddy of 704 at order 6 is 640 */
		{"+2048/9 +1024/10 f0/9", "9m:0,2048 10m:1024"}, /* order 9: always the head */
	};
	RUN_ROWS(params, rows);
}

/* A block over several pageblocks is returned pageblock by pageblock. */
static void largest_block_comes_back_in_two(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct row rows[] = {
		{"f0/10", "10m:0"},
		{"p1=u f0/10", "10u:0"}, /* types that may merge: the second one's */
		{"p0=r f0/10", "10m:0"},
		{"p1=H f0/10", "9m:0 9H:512"},
		{"p1=i f0/10", "9m:0 9i:512"},
		{"p0=H p1=H f0/10", "10H:0"},
	};
	RUN_ROWS(params, rows);
}

static void start_states(void **state)
{
	static const struct op_params params = {.zone_pages = 4096, .all_used = true};
	static const struct row rows[] = {
		{"+3-17", "0m:3,16 2m:4 3m:8"},
		{"+0-2048 +2048-4096", "10m:0,1024,2048,3072"},
		{"+2048-4096 +0-2048", "10m:2048,3072,0,1024"},
		{"+1000-3100", "2m:3096 3m:1000,3088 4m:1008,3072 10m:1024,2048"},
		{"+256-4096", "8m:256 9m:512 10m:1024,2048,3072"}, /* O2.memblock_hist */
		{"+0/0 +1/0 a0m=0 f0", "1m:0"}, /* recorded apart; merged when returned */
		{"+0/0 +2/0 a1u!fragmented", "0m:0,2"},
		{"a0u!no_memory", ""},
		{"+0/0 +1/0 +512/0 f513/0", "0m:0,1 1m:512"},
	};
	RUN_ROWS(params, rows);
}

/* Memory of which nothing was used yet costs the host nothing, but is on the lists. */
static void untouched_blocks(void **state)
{
	static const struct op_params params = {.zone_pages = 4096};
	static const struct page empty;
	struct op_machine m;
	op_machine_init(&m, &params);
	run(&m, "a0m=0");
	for (pfn_t p = 1024; p < 4096; p++)
		assert_memory_equal(physmem_page(&m.pm, p), &empty, sizeof(empty));
	assert_true(m.pa->ops->knows(m.pa, 2048, 0));
	assert_true(m.pa->ops->knows(m.pa, 0, 0));
	assert_true(m.pa->ops->knows(m.pa, 0, 10));
	assert_int_equal(stats_of(&m, 0).free_blocks[10][MIGRATE_MOVABLE], 3);
	assert_int_equal(m.pm.zones[0].free_pages, 4095);
	op_machine_release(&m);

	struct op_params used = params;
	used.all_used = true;
	op_machine_init(&m, &used);
	run(&m, "+1024/3");
	assert_false(m.pa->ops->knows(m.pa, 0, 9));
	assert_true(m.pa->ops->knows(m.pa, 1024, 9));
	assert_true(m.pa->ops->knows(m.pa, 1031, 0));
	assert_false(m.pa->ops->knows(m.pa, 1032, 0));
	op_machine_release(&m);
}

/* Other geometries: the largest and the smallest orders. */
static void geometries(void **state)
{
	static const struct op_params largest = {
		.zone_pages = 65536,
		.max_order = 15,
		.pageblock_order = 13,
	};
	static const struct row largest_rows[] = {
		{"a15m=0", "15m:32768"},
		{"a15u=0 a0u=32768 F", "15u:32768,0"},
		{"a14m=0 a13u=32768 F", "15u:32768 15m:0"},
		{"a15m*2 a15m!no_memory a16m!bad_order", ""},
	};
	static const struct op_params one_order = {.zone_pages = 16, .max_order = 4,
						   .pageblock_order = 4};
	static const struct row one_order_rows[] = {
		{"a0m=0 a1r=2 a2u=4", "0u:1 3u:8"}, /* too small to be grouped */
		{"a0m=0 a1r=2 a2u=4 F", "4u:0"},
		{"a5u!bad_order", "4u:0"},
	};
	static const struct op_params ungrouped = {.zone_pages = 4096, .ungrouped = true};
	static const struct row ungrouped_rows[] = {
		{"a0m=0 a0u=1 a0r=2", "0u:3 2u:4 3u:8 4u:16 5u:32 6u:64 7u:128 8u:256 9u:512 "
				      "10u:1024,2048,3072"},
	};
	RUN_ROWS(largest, largest_rows);
	RUN_ROWS(one_order, one_order_rows);
	RUN_ROWS(ungrouped, ungrouped_rows);
}

/* --- what was reserved for urgent requests ---------------------------------------------------- */

/*
 * min 800, low 1000 of 65536 pages. With 992 free the fast attempt fails; an urgent request for two
 * pages then reserves the pageblock it was served from (limit: 2 pageblocks, 1 % rounded up).
 */
#define NEARLY_FULL "a10m*63 a5m=64512 "

static void highatomic_reserve(void **state)
{
	static const struct op_params params = {.zone_pages = 65536, .min_free_kbytes = 3200};
	static const struct op_params off = {
		.zone_pages = 65536,
		.min_free_kbytes = 3200,
		.no_highatomic = true,
	};
	static const struct row rows[] = {
		{NEARLY_FULL "a1uhn=65024",
		 "1H:65026 2H:65028 3H:65032 4H:65040 5m:64544 5H:65056 "
		 "6m:64576 6H:65088 7m:64640 7H:65152 8m:64768 8H:65280"},
		/*
		 * Urgent requests take from the reserve first; one that only can't wait does not.
		 */
		{NEARLY_FULL "a1uhn=65024 a1uhn=65026 a0un=64544",
		 "0u:64545 1u:64546 2u:64548 2H:65028 3u:64552 3H:65032 4u:64560 4H:65040 5H:65056 "
		 "6u:64576 6H:65088 7u:64640 7H:65152 8u:64768 8H:65280"},
		/* One that may wait gets the pageblock instead of failing. */
		{NEARLY_FULL "a1uhn=65024 a1uhn=65026 a0u=65028",
		 "0u:65029 1u:65030 3u:65032 4u:65040 5u:65056 5m:64544 6u:65088 6m:64576 7u:65152 "
		 "7m:64640 8u:65280 8m:64768"},
		/* A single page, or a request that may wait, reserves nothing. */
		{NEARLY_FULL "a0uhn=65024", "0u:65025 1u:65026 2u:65028 3u:65032 4u:65040 5u:65056 "
					    "5m:64544 6u:65088 6m:64576 7u:65152 7m:64640 8u:65280 "
					    "8m:64768"},
	};
	static const struct row off_rows[] = {
		{NEARLY_FULL "a1uhn=65024",
		 "1u:65026 2u:65028 3u:65032 4u:65040 5u:65056 5m:64544 "
		 "6u:65088 6m:64576 7u:65152 7m:64640 8u:65280 8m:64768"},
	};
	RUN_ROWS(params, rows);
	RUN_ROWS(off, off_rows);

	struct op_machine m;
	op_machine_init(&m, &params);
	run(&m, NEARLY_FULL "a1uhn=65024");
	assert_int_equal(m.pm.zones[0].reserved_highatomic_pages, 512);
	assert_int_equal(m.pm.zones[0].free_highatomic_pages, 510);
	run(&m, "a0u");
	assert_int_equal(m.pm.zones[0].reserved_highatomic_pages, 0);
	assert_int_equal(m.pm.zones[0].free_highatomic_pages, 0);
	op_machine_release(&m);
}

/* No more than 1 % of the zone, rounded up to pageblocks; nothing if 1 % is below one pageblock. */
static void highatomic_limit(void **state)
{
	static const struct op_params params = {.zone_pages = 65536, .min_free_kbytes = 65536};
	static const struct op_params small = {.zone_pages = 49152, .min_free_kbytes = 65536};
	struct op_machine m;
	op_machine_init(&m, &params); /* min 16384, low 20480: 40 of 64 largest blocks go first */
	run(&m, "a10m*44");
	for (int i = 0; i < 6; i++)
		run(&m, "a9uhn"); /* each fills its pageblock */
	assert_int_equal(m.pm.zones[0].reserved_highatomic_pages, 1024);
	op_machine_release(&m);

	op_machine_init(&m, &small);
	run(&m, "a10m*28 a9uhn a9uhn");
	assert_int_equal(m.pm.zones[0].reserved_highatomic_pages, 0);
	op_machine_release(&m);
}

/* --- the cap on splits and other switches ----------------------------------------------------- */

/* O21.cap: with a cap of 4, an order-10 block serves orders 6 and up. */
static void split_cap(void **state)
{
	static const struct op_params params = {.zone_pages = 1024, .split_steps_max = 4};
	static const struct row rows[] = {
		{"a0u!split_limit", "10u:0"},
		{"a5u!split_limit", "10u:0"},
		{"a6u=0", "6u:64 7u:128 8u:256 9u:512"},
		{"a9u=0", "9u:512"},
		{"a6u=0 a2u=64", "2u:68 3u:72 4u:80 5u:96 7u:128 8u:256 9u:512"},
	};
	RUN_ROWS(params, rows);
}

static void cap_holds_for_fallbacks(void **state)
{
	static const struct op_params params = {
		.zone_pages = 4096,
		.all_used = true,
		.split_steps_max = 4,
	};
	static const struct row rows[] = {
		{"+0/10 a0u!split_limit", "10m:0"},
		{"+0/10 a6u=0", "6u:64 7u:128 8u:256 9u:512"},
		{"p0=u +0/5 a0m!split_limit", "5u:0"},
		{"p0=u +0/5 a1m=0", "1u:2 2u:4 3u:8 4u:16"},
	};
	RUN_ROWS(params, rows);
}

/* Without coalescing, no large block ever comes back. */
static void coalescing_off(void **state)
{
	static const struct op_params params = {.zone_pages = 1024, .no_coalescing = true};
	struct op_machine m;
	op_machine_init(&m, &params);
	run(&m, "a0u*1024 a0u!no_memory F");
	assert_string_equal(op_counts(&m, 0), "0:1024");
	run(&m, "a1u!fragmented a0u*1024 a0u!no_memory");
	assert_int_equal(stats_of(&m, 0).merges_count, 0);
	op_machine_release(&m);
}

/* An attempt to mix types raises the watermarks by a pageblock. */
static void watermark_boost_on_mixing(void **state)
{
	static const struct op_params params = {
		.zone_pages = 65536,
		.all_used = true,
		.min_free_kbytes = 3200,
		.boost_factor = 15000,
	};
	struct op_machine m;
	op_machine_init(&m, &params);
	assert_int_equal(m.pm.zones[0].watermark_pages[WMARK_HIGH], 1200);
	run(&m, "+1024-4096 +0/8");
	run(&m, "a10m*2");
	assert_int_equal(m.pm.zones[0].watermark_boost_pages, 0);
	op_machine_release(&m);

	op_machine_init(&m, &params);
	for (unsigned block = 0; block < 32; block++) { /* too little free to claim any of them */
		char word[32];
		snprintf(word, sizeof(word), "+%u/7", block * 512);
		run(&m, word);
	}
	run(&m, "a7un");
	assert_int_equal(stats_of(&m, 0).boosts_count, 1);
	assert_int_equal(stats_of(&m, 0).steals_count, 1);
	assert_int_equal(m.pm.zones[0].watermark_boost_pages, 0); /* kswapd answers at once */
	op_machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_zone),
		cmocka_unit_test(claim_of_a_largest_block),
		cmocka_unit_test(claim_threshold),
		cmocka_unit_test(small_pieces),
		cmocka_unit_test(fallback_table),
		cmocka_unit_test(types_are_kept_apart),
		cmocka_unit_test(types_mix_rather_than_leave_the_node),
		cmocka_unit_test(placement_when_a_merge_is_likely),
		cmocka_unit_test(largest_block_comes_back_in_two),
		cmocka_unit_test(start_states),
		cmocka_unit_test(untouched_blocks),
		cmocka_unit_test(geometries),
		cmocka_unit_test(highatomic_reserve),
		cmocka_unit_test(highatomic_limit),
		cmocka_unit_test(split_cap),
		cmocka_unit_test(cap_holds_for_fallbacks),
		cmocka_unit_test(coalescing_off),
		cmocka_unit_test(watermark_boost_on_mixing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
