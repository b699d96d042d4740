/*
 * Tests of the line parsers and of a page event's fields: a matrix of lines as kernels print them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sim/import_line.h"

#define S UINT64_C(1000000000)

struct line_case {
	const struct import_parser *parser;
	const char *line; /* without its '\n' */
	enum line_kind kind;
	uint64_t time_ns, cpu; /* or the number lost */
	const char *name;
};

static const struct line_case lines[] = {
	{&import_ftrace, "  <...>-4093    [001]   1367.405893: kmem_cache_free: ptr=1", LINE_EVENT,
	 1367 * S + 405893000, 1, "kmem_cache_free"},
	{&import_ftrace, "init-1     [000] .N..     0.170000: kmalloc: a=1", LINE_EVENT, 170000000,
	 0, "kmalloc"},
	{&import_ftrace, "<idle>-0 [012] d.s2. 5.5: mm_page_free: pfn=1", LINE_EVENT,
	 5 * S + 500000000, 12, "mm_page_free"},
	{&import_ftrace, "kworker/u8:2-events-12 [3] 7.000000001: kmem:mm_page_alloc: pfn=1",
	 LINE_EVENT, 7 * S + 1, 3, "mm_page_alloc"},
	{&import_ftrace, "my [0] prog-77    (   77) [003] d..2.  12.000001: x: pfn=2", LINE_EVENT,
	 12 * S + 1000, 3, "x"},
	{&import_ftrace, "a-1 (-----) [003]  12.000001: x:", LINE_EVENT, 12 * S + 1000, 3, "x"},
	{&import_ftrace, "a -- b-1 [2] c-5 [003]  12.000001: x: y", LINE_EVENT, 12 * S + 1000, 3,
	 "x"},
	{&import_ftrace, "ls-1234  [002]  100.000001: kmalloc: (alloc+0x6c) call_site=1",
	 LINE_EVENT, 100 * S + 1000, 2, "kmalloc"},
	{&import_ftrace, "ls-1234  [002]  100.000001: alloc_pages <-foo", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "ls-1234  [002]  100: kmalloc: a=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "ls-1234  [002]  1.0000000001: kmalloc: a=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "ls-1234  [1000000]  1.0: kmalloc: a=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "ls 1234  [001]  1.0: kmalloc: a=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "ls-1234[001]  1.0: kmalloc: a=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_ftrace, "CPU:3 [LOST 120 EVENTS]", LINE_MISSED, 0, 120, NULL},
	{&import_ftrace, "CPU:3 [7 EVENTS DROPPED]", LINE_MISSED, 0, 7, NULL},
	{&import_ftrace, "# entries-in-buffer/entries-written: 10/17   #P:2", LINE_LOST, 0, 7,
	 NULL},
	{&import_ftrace, "# entries-in-buffer/entries-written: 17/17   #P:2", LINE_IGNORED, 0, 0,
	 NULL},
	{&import_ftrace, "# tracer: nop", LINE_IGNORED, 0, 0, NULL},
	{&import_ftrace, "cpus=2", LINE_IGNORED, 0, 0, NULL},
	{&import_ftrace, " => __alloc_pages", LINE_IGNORED, 0, 0, NULL},
	{&import_ftrace, "", LINE_IGNORED, 0, 0, NULL},
	{&import_ftrace, "[[[[ [1] -1 [ 2-", LINE_UNKNOWN, 0, 0, NULL},
	{&import_perf, "  perf  8372 [001]  1579.884845:     kmem:kmem_cache_alloc: ptr=1",
	 LINE_EVENT, 1579 * S + 884845000, 1, "kmem_cache_alloc"},
	{&import_perf, "my [0] prog 77/78 [003]  12.000001234:   1 kmem:mm_page_free: pfn=1",
	 LINE_EVENT, 12 * S + 1234, 3, "mm_page_free"},
	{&import_perf, ":-1    -1 [000]  13.5: sched:sched_switch: a=1", LINE_EVENT,
	 13 * S + 500000000, 0, "sched:sched_switch"},
	{&import_perf, "perf  0 [000] 14.000000: PERF_RECORD_LOST lost 12", LINE_MISSED, 0, 12,
	 NULL},
	{&import_perf, "        ffffffff8129f2c1 __alloc_pages+0x1a1 ([kernel.kallsyms])",
	 LINE_IGNORED, 0, 0, NULL},
	{&import_perf, "# captured on: today", LINE_IGNORED, 0, 0, NULL},
	{&import_perf, "perf-8372 [001]  1579.884845: kmem:kfree: ptr=1", LINE_UNKNOWN, 0, 0, NULL},
	{&import_perf, "no event at all", LINE_UNKNOWN, 0, 0, NULL},
};

static void line_matrix(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct line_case *c = &lines[i];
		char text[256];
		struct text_event e = {0};
		uint64_t lost = 0;
		int n = snprintf(text, sizeof(text), "%s\n", c->line);
		enum line_kind kind = c->parser->parse(text, text + n - 1, &e, &lost);
		if (kind != c->kind)
			fail_msg("%s: \"%s\" is of kind %d", c->parser->name, c->line, kind);
		if (kind == LINE_LOST || kind == LINE_MISSED)
			assert_int_equal(lost, c->cpu);
		if (kind != LINE_EVENT)
			continue;
		assert_int_equal(e.time_ns, c->time_ns);
		assert_int_equal(e.cpu, c->cpu);
		assert_int_equal(e.name_bytes, strlen(c->name));
		assert_memory_equal(e.name, c->name, e.name_bytes);
	}
}

static enum page_event_flaw parse(const char *name, const char *args, enum page_event_kind *kind,
				  struct page_event *page)
{
	static char text[512];
	static struct gfp_cache cache;
	int n = snprintf(text, sizeof(text), "%s\n", args);
	struct text_event e = {.name = name, .name_bytes = strlen(name), .args = text,
			       .end = text + n - 1};
	*kind = page_event_kind(&e);
	return page_event_parse(&e, *kind, &cache, page);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		enum page_event_kind kind;
	} cases[] = {
		{"mm_page_alloc", PAGE_EVENT_ALLOC},
		{"mm_page_free", PAGE_EVENT_FREE},
		{"mm_page_free_direct", PAGE_EVENT_FREE},
		{"mm_page_free_batched", PAGE_EVENT_FREE_BATCHED},
		{"mm_pagevec_free", PAGE_EVENT_FREE_BATCHED},
		{"mm_page_alloc_zone_locked", PAGE_EVENT_TAKEN},
		{"mm_page_pcpu_drain", PAGE_EVENT_DRAINED},
		{"mm_page_alloc_extfrag", PAGE_EVENT_EXTFRAG},
		{"mm_page_alloc_other", PAGE_EVENT_NONE},
		{"mm_page_allo", PAGE_EVENT_NONE},
		{"kfree", PAGE_EVENT_NONE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text_event e = {.name = cases[i].name, .name_bytes = strlen(cases[i].name)};
		assert_int_equal(page_event_kind(&e), cases[i].kind);
	}
}

static void fields(void **state)
{
	enum page_event_kind kind;
	struct page_event p;
	const char *alloc = "mm_page_alloc";

	assert_int_equal(parse(alloc, " page=ffffea000a2f1cc0 pfn=0x28bc78 order=3 migratetype=1 "
				      "gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO", &kind, &p),
			 PAGE_EVENT_FINE);
	assert_int_equal(p.pfn, 0x28bc78);
	assert_int_equal(p.order, 3);
	assert_int_equal(p.migratetype, MIGRATE_MOVABLE);
	assert_int_equal(p.gfp, GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	assert_false(p.failed);

	/* Any order, decimal, extra and repeated keys, a call site in front, no migratetype. */
	assert_int_equal(parse(alloc, " (f+0x6c) gfp_flags=0x11 new=1 order=2 =x pfn=64 pfn= y=z=1",
			       &kind, &p), PAGE_EVENT_FINE);
	assert_int_equal(p.pfn, 64);
	assert_int_equal(p.migratetype, MIGRATE_RECLAIMABLE);
	assert_int_equal(p.gfp, 0x11);

	assert_int_equal(parse(alloc, "pfn=64 order=0 gfp_flags=GFP_KERNEL|GFP_NEW||X", &kind, &p),
			 PAGE_EVENT_FINE);
	assert_int_equal(p.unknown_gfp_names, 3);
	assert_int_equal(p.gfp, GFP_KERNEL);

	assert_int_equal(
		parse("mm_page_alloc_extfrag",
		      "page=1 pfn=0x206800 alloc_order=1 fallback_order=10 pageblock_order=9 "
		      "alloc_migratetype=0 fallback_migratetype=5 fragmenting=0 "
		      "change_ownership=1",
		      &kind, &p),
		PAGE_EVENT_FINE);
	assert_int_equal(p.order, 1);
	assert_int_equal(p.fallback_order, 10);
	assert_int_equal(p.fallback_migratetype, MIGRATE_ISOLATE);
	assert_int_equal(p.change_ownership, 1);
}

static void failures(void **state)
{
	static const char *const failed[] = {
		"page=0000000000000000 pfn=0xffffffffffffffff order=9 gfp_flags=0",
		"page=(nil) pfn=0xffffffffffffffff order=9 gfp_flags=0",
		"page=(null) pfn=0 order=9 gfp_flags=0",
		"page=0x0 pfn=0x0 order=9 gfp_flags=0",
		"page=0 pfn=18446744073709551615 order=9 gfp_flags=0",
		"page=0xffffffff pfn=0xffffffff order=9 gfp_flags=0",
		"pfn=0xffffffffffffffff order=9 gfp_flags=0",
	};
	enum page_event_kind kind;
	struct page_event p;
	for (size_t i = 0; i < ARRAY_SIZE(failed); i++) {
		assert_int_equal(parse("mm_page_alloc", failed[i], &kind, &p), PAGE_EVENT_FINE);
		assert_true(p.failed);
	}
	assert_int_equal(
		parse("mm_page_free", "page=(nil) pfn=0xffffffffffffffff order=0", &kind, &p),
		PAGE_EVENT_ILLEGAL);
}

static void flaws(void **state)
{
	static const struct {
		const char *name, *args;
		enum page_event_flaw flaw;
	} cases[] = {
		{"mm_page_alloc", "pfn=1 order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_alloc", "pfn=1 gfp_flags=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=1 orde", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=0x order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=12a order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=18446744073709551616 order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=-1 order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_pcpu_drain", "pfn=1 order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_alloc_extfrag", "pfn=1 order=0", PAGE_EVENT_KEY_MISSING},
		{"mm_page_free", "pfn=1 order=16", PAGE_EVENT_ILLEGAL},
		{"mm_page_free", "pfn=1 order=1", PAGE_EVENT_ILLEGAL},
		{"mm_page_free", "pfn=0xffffff00 order=0", PAGE_EVENT_ILLEGAL},
		{"mm_page_free", "pfn=0xfffffeff order=0", PAGE_EVENT_FINE},
		{"mm_page_free", "pfn=0x100000000 order=0", PAGE_EVENT_ILLEGAL},
		{"mm_page_pcpu_drain", "pfn=1 order=0 migratetype=8", PAGE_EVENT_ILLEGAL},
		{"mm_page_pcpu_drain", "pfn=1 order=0 migratetype=7", PAGE_EVENT_FINE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum page_event_kind kind;
		struct page_event p;
		enum page_event_flaw flaw = parse(cases[i].name, cases[i].args, &kind, &p);
		if (flaw != cases[i].flaw)
			fail_msg("%s: %s: flaw %d", cases[i].name, cases[i].args, flaw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_matrix), cmocka_unit_test(names), cmocka_unit_test(fields),
		cmocka_unit_test(failures),    cmocka_unit_test(flaws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
