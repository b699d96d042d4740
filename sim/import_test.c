/* Tests of the whole import: what a text becomes, what is counted, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/json.h"
#include "sim/import_line.h"

static char dir[] = "/tmp/allocsim-import-test.XXXXXX";
static char input[64], output[64];

/*
 * ftrace lines, shortened: "a 0 1.5 64 3": alloc on CPU 0 at 1.5 s of pfn 64, order 3; f: free; t:
 * taken; d: drained; b: free_batched; o: another event.
 */
static char *expand(const char *script)
{
	char *text = malloc(1 << 16), *out = text;
	char op;
	unsigned cpu, order;
	unsigned long pfn;
	char time[32];
	int used;
	*out = '\0';
	while (sscanf(script, " %c %u %31s %lu %u%n", &op, &cpu, time, &pfn, &order, &used) == 5) {
		const char *name = op == 'a'   ? "mm_page_alloc"
				   : op == 'f' ? "mm_page_free"
				   : op == 't' ? "mm_page_alloc_zone_locked"
				   : op == 'd' ? "mm_page_pcpu_drain"
				   : op == 'b' ? "mm_page_free_batched"
					       : "rss_stat";
		out += sprintf(out, "x-1 [%u] %s: %s: pfn=%lu order=%u migratetype=1 "
				    "gfp_flags=GFP_KERNEL\n", cpu, time, name, pfn, order);
		script += used;
	}
	return text;
}

static void put_input(const void *data, size_t bytes)
{
	FILE *f = fopen(input, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static int import_to(const char *from, const char *to, const char *format, bool strict,
		     struct trace_report *report, struct err *err)
{
	struct import_options o = {.input = from, .output = to, .format = format, .strict = strict};
	*err = (struct err){0};
	return import_trace(&o, report, err);
}

/* Import a script and open the result. */
static void import_script(const char *script, struct trace *t)
{
	struct err err;
	struct trace_report report;
	char *text = expand(script);
	put_input(text, strlen(text));
	free(text);
	if (import_to(input, output, NULL, false, &report, &err) != 0)
		fail_msg("%s", err.text);
	err = (struct err){0};
	if (trace_open(t, output, &err) != 0)
		fail_msg("%s", err.text);
	assert_memory_equal(&report, &t->report, sizeof(report));
}

static void expect_rec(const struct trace_rec *r, unsigned kind, uint32_t id, uint32_t pfn,
		       unsigned order, uint32_t aux, unsigned flags)
{
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->id, id);
	assert_int_equal(r->pfn, pfn);
	assert_int_equal(r->order, order);
	assert_int_equal(r->aux, aux);
	assert_int_equal(r->flags, flags);
}

#define ALLOC TRACE_PAGE_ALLOC
#define FREE  TRACE_PAGE_FREE
#define NONE  TRACE_ID_NONE

static void ordinary_life(void **state)
{
	struct trace t;
	import_script("o 0 1.0 1 0  a 0 1.5 64 3  a 1 1.6 72 0  f 1 1.7 64 3  f 1 1.8 72 0"
		      " b 1 1.9 72 0  a 1 2.0 64 0", &t);
	assert_int_equal(t.base_ns, 1500000000);
	assert_int_equal(t.span_ns, 500000000);
	assert_int_equal(t.ids_count, 3);
	expect_rec(&t.ops[0][0], ALLOC, 0, 64, 3, 0, 0);
	expect_rec(&t.ops[1][0], ALLOC, 1, 72, 0, 0, 0);
	expect_rec(&t.ops[1][1], FREE, 0, 64, 3, 0, TRACE_F_OTHER_CPU);
	expect_rec(&t.ops[1][2], FREE, 1, 72, 0, 0, 0);
	expect_rec(&t.ops[1][3], ALLOC, 2, 64, 0, 0, 0);
	assert_int_equal(t.ops[1][0].seq, 1);
	assert_int_equal(t.ops[1][0].migratetype, MIGRATE_MOVABLE);
	assert_int_equal(t.gfps[t.ops[1][0].gfp], GFP_KERNEL);
	assert_int_equal(t.ops[1][0].time_ns, 100000000);
	assert_int_equal(t.report.events, 7);
	assert_int_equal(t.report.imported, 5);
	assert_int_equal(t.report.other_events, 1);
	assert_int_equal(t.report.batched_frees, 1);
	trace_close(&t);
}

static void unknown_frees(void **state)
{
	struct trace t;
	/*
	 * 8: older than the recording; again: untraced; 16: taken, so free before; 32 and 33: half
	 * of the block was seen; 64: drained before.
	 */
	import_script("f 0 1.0 8 0  f 0 1.1 8 0  t 0 1.2 16 2  f 0 1.3 16 2  f 0 1.4 33 0"
		      " f 0 1.5 32 1  d 0 1.6 64 0  f 0 1.7 64 0  a 0 1.8 80 0  f 0 1.9 80 0"
		      " f 0 2.0 80 0", &t);
	assert_int_equal(t.report.unmatched_frees, 2);
	assert_int_equal(t.report.untraced_allocations, 5);
	assert_int_equal(t.preexisting_count, 2);
	assert_int_equal(t.preexisting[0].pfn, 8);
	assert_int_equal(t.preexisting[1].pfn, 33);
	expect_rec(&t.ops[0][0], FREE, NONE, 8, 0, 0, TRACE_F_PREEXISTING);
	expect_rec(&t.ops[0][1], FREE, NONE, 8, 0, 0, TRACE_F_PREEXISTING);
	expect_rec(&t.ops[0][4], FREE, NONE, 32, 1, 0, TRACE_F_PREEXISTING);
	assert_int_equal(t.evidence_count, 2);
	expect_rec(&t.evidence[0], TRACE_PAGE_TAKEN, NONE, 16, 2, 0, 0);
	expect_rec(&t.evidence[1], TRACE_PAGE_DRAINED, NONE, 64, 0, 0, 0);
	trace_close(&t);
}

static void partial_frees(void **state)
{
	struct trace t;
	import_script("a 0 1.0 64 3  f 1 1.1 66 0  f 0 1.2 68 2  f 0 1.3 64 1  f 0 1.4 66 0"
		      " f 0 1.5 67 0  f 0 1.6 64 3", &t);
	const unsigned part = TRACE_F_PARTIAL;
	expect_rec(&t.ops[1][0], FREE, 0, 66, 0, 2, part | TRACE_F_OTHER_CPU);
	expect_rec(&t.ops[0][1], FREE, 0, 68, 2, 4, part);
	expect_rec(&t.ops[0][2], FREE, 0, 64, 1, 0, part);
	expect_rec(&t.ops[0][3], FREE, NONE, 66, 0, 0, TRACE_F_PREEXISTING);
	expect_rec(&t.ops[0][4], FREE, 0, 67, 0, 3, part);
	expect_rec(&t.ops[0][5], FREE, NONE, 64, 3, 0, TRACE_F_PREEXISTING);
	assert_int_equal(t.report.partial_frees, 4);
	assert_int_equal(t.report.untraced_allocations, 2);
	assert_int_equal(t.preexisting_count, 0);
	trace_close(&t);
}

static void larger_frees(void **state)
{
	struct trace t;
	import_script("a 0 1.0 64 0  a 0 1.1 66 1  f 0 1.2 64 2", &t);
	expect_rec(&t.ops[0][2], FREE, 0, 64, 0, 0, 0);
	expect_rec(&t.ops[0][3], FREE, 1, 66, 1, 0, 0);
	assert_int_equal(t.ops_count[0], 4);
	assert_int_equal(t.report.order_mismatches, 1);
	trace_close(&t);
}

static void allocation_of_live_pages(void **state)
{
	struct trace t;
	const unsigned implicit = TRACE_F_IMPLICIT;
	import_script("a 0 1.0 64 0  a 0 1.1 64 0  a 0 1.2 67 0  a 1 1.3 64 2  a 1 1.4 65 0"
		      " a 0 1.5 128 2  f 0 1.6 128 1  a 0 1.7 128 2", &t);
	expect_rec(&t.ops[0][1], FREE, 0, 64, 0, 0, implicit);
	expect_rec(&t.ops[0][2], ALLOC, 1, 64, 0, 0, 0);
	expect_rec(&t.ops[1][0], FREE, 1, 64, 0, 0, implicit | TRACE_F_OTHER_CPU);
	expect_rec(&t.ops[1][1], FREE, 2, 67, 0, 0, implicit | TRACE_F_OTHER_CPU);
	expect_rec(&t.ops[1][2], ALLOC, 3, 64, 2, 0, 0);
	expect_rec(&t.ops[1][3], FREE, 3, 64, 2, 0, implicit);
	expect_rec(&t.ops[1][4], ALLOC, 4, 65, 0, 0, 0);
	expect_rec(&t.ops[0][5], FREE, 5, 128, 1, 0, TRACE_F_PARTIAL);
	expect_rec(&t.ops[0][6], FREE, 5, 130, 1, 2, implicit | TRACE_F_PARTIAL);
	assert_int_equal(t.report.live_allocations, 4);
	assert_int_equal(t.report.imported, 8);
	assert_int_equal(t.report.demands, 13);
	trace_close(&t);
}

static void times_out_of_order(void **state)
{
	struct trace t;
	/*
	 * CPU 0 goes back; CPU 1 is behind CPU 0, which is fine, but before the trace's first
	 * event.
	 */
	import_script("a 0 5.0 1 0  a 0 4.0 2 0  a 1 4.5 3 0  a 1 5.5 4 0  a 0 5.25 5 0", &t);
	assert_int_equal(t.report.out_of_order, 2);
	assert_int_equal(t.ops[0][1].time_ns, 0);
	assert_int_equal(t.ops[1][0].time_ns, 0);
	assert_int_equal(t.ops[0][2].time_ns, 250000000);
	assert_int_equal(t.span_ns, 500000000);
	trace_close(&t);
	/*
	 * Moved for three reasons, counted once: behind its CPU, the trace's start and the
	 * evidence.
	 */
	import_script("o 0 2.0 0 0  d 1 5.0 1 0  d 1 6.0 1 0  d 0 1.0 1 0  a 0 7.0 1 0", &t);
	assert_int_equal(t.report.out_of_order, 1);
	assert_int_equal(t.evidence[2].time_ns, 1000000000);
	trace_close(&t);
}

/* The same recording by two recorders, with what each adds. */
static void both_formats(void **state)
{
	static const char *const texts[] = {
		"# tracer: nop\n"
		"#\n"
		"# entries-in-buffer/entries-written: 4/6   #P:2\n"
		"CPU:1 [LOST 5 EVENTS]\n"
		"   <...>-1    [000] d..1.   10.000001: mm_page_alloc: page=(nil) "
		"pfn=0xffffffffffffffff order=9 migratetype=1 gfp_flags=GFP_NEW\n"
		"   <...>-1    [000]   10.000002: mm_page_alloc: page=f pfn=0x40 order=0 "
		"migratetype=0 gfp_flags=GFP_NOFS\n"
		"what is this?\n"
		"   <...>-1    [000]   10.000003: mm_page_free: page=f pfn=0x40\n"
		"   <...>-1    [000]   10.000004: mm_page_free: page=f pfn=0x41 order=1\n"
		"   <...>-1    [000]   10.000005: mm_page_free: page=f pfn=0x40 order=0",
		"my prog 7 [000] 10.000000000: PERF_RECORD_LOST lost 5\n"
		"my prog 7 [000] 10.000001000: kmem:mm_page_alloc: page=0xffffffffffffffff "
		"pfn=0xffffffffffffffff order=9 migratetype=1 gfp_flags=GFP_NEW\n"
		"    ffffffff81000000 f+0x1 ([kernel.kallsyms])\n"
		"\n"
		"my prog 7/8 [000] 10.000002000: kmem:mm_page_alloc: pfn=0x40 page=0x40 order=0 "
		"migratetype=0 gfp_flags=GFP_NOFS\n"
		"what is this?\n"
		"my prog 7 [000] 10.000003000: kmem:mm_page_free: page=0x40 pfn=0x40\n"
		"my prog 7 [000] 10.000004000: kmem:mm_page_free: page=0x41 pfn=0x41 order=1\n"
		"my prog 7 [000] 10.000005000: kmem:mm_page_free: page=0x40 pfn=0x40 order=0",
	};
	uint32_t content_crc[2];
	for (int i = 0; i < 2; i++) {
		struct err err = {0};
		struct trace_report r;
		struct trace t;
		put_input(texts[i], strlen(texts[i]));
		assert_int_equal(import_to(input, output, NULL, false, &r, &err), 0);
		assert_int_equal(trace_open(&t, output, &err), 0);
		assert_int_equal(r.events, 4);
		assert_int_equal(r.imported, 2);
		assert_int_equal(r.failed_allocations, 1);
		assert_int_equal(r.lost_events, 5);
		assert_int_equal(r.unknown_gfp_names, 1);
		assert_int_equal(r.skipped_lines, 2);
		assert_int_equal(r.truncated_lines, 2);
		assert_int_equal(r.span_ns, 1000);
		expect_rec(&t.ops[0][0], ALLOC, NONE, TRACE_PFN_NONE, 9, 0, TRACE_F_FAILED);
		expect_rec(&t.ops[0][1], ALLOC, 0, 64, 0, 0, 0);
		content_crc[i] = t.content_crc;
		trace_close(&t);
	}
	assert_int_equal(content_crc[0], content_crc[1]);
}

/* Figures counted with grep and a script of its own from the same texts. */
static void recorded_texts(void **state)
{
	const char *testdata = getenv("TESTDATA");
	char path[512];
	struct err err;
	struct trace_report r;
	assert_non_null(testdata);
	snprintf(path, sizeof(path), "%s/ftrace-6.18.txt.gz", testdata);
	assert_int_equal(import_to(path, output, NULL, true, &r, &err), -1);
	assert_int_equal(import_to(path, output, NULL, false, &r, &err), 0);
	assert_int_equal(r.events, 794);
	assert_int_equal(r.imported, 46 + 149 + 250 + 136);
	assert_int_equal(r.batched_frees, 164);
	assert_int_equal(r.other_events, 0);
	assert_int_equal(r.object_allocs, 28 + 222);
	assert_int_equal(r.object_frees, 76 + 109 - 49);
	assert_int_equal(r.null_frees, 49);
	assert_int_equal(r.unmatched_object_frees, 43);
	assert_int_equal(r.unmatched_frees, 148);
	assert_int_equal(r.untraced_allocations + r.skipped_lines + r.out_of_order, 0);
	snprintf(path, sizeof(path), "%s/perf-6.18.txt.gz", testdata);
	assert_int_equal(import_to(path, output, "perf", false, &r, &err), 0);
	assert_int_equal(r.events, 800);
	assert_int_equal(r.imported, 11 + 113 + 62 + 385);
	assert_int_equal(r.batched_frees, 134);
	assert_int_equal(r.object_allocs, 11 + 51);
	assert_int_equal(r.object_frees, 94 + 386 - 80 - 15);
	assert_int_equal(r.null_frees, 80);
	assert_int_equal(r.unmatched_object_frees, 334);
	assert_int_equal(r.untraced_object_allocations, 15);
	assert_int_equal(r.unmatched_frees, 71);
	assert_int_equal(r.untraced_allocations, 38);
	assert_int_equal(r.skipped_lines + r.out_of_order + r.unknown_gfp_names, 0);
}

static void expect_refused(const void *data, size_t bytes, const char *format, bool strict,
			   enum err_code code, const char *what)
{
	struct err err;
	struct trace_report r;
	struct stat st;
	unlink(output);
	put_input(data, bytes);
	assert_int_equal(import_to(input, output, format, strict, &r, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, what))
		fail_msg("\"%s\" lacks \"%s\"", err.text, what);
	assert_int_equal(stat(output, &st), -1);
}

static void refusals(void **state)
{
	enum { LONG = 10 << 20 };
	static const char binary[] = "\x7f\x45LF\0\0\n\xff\xfe[001] \n-1 [0] 1.1: \0";
	static const char event[] = "x-1 [0] 1.0: mm_page_alloc: pfn=1 order=0 gfp_flags=0\n";
	expect_refused("", 0, NULL, false, ERR_TRACE, "in: empty input");
	expect_refused("Dear reader,\nthis is no trace.\n", 31, NULL, false, ERR_TRACE,
		       "in:2: no trace");
	expect_refused(binary, sizeof(binary), NULL, false, ERR_TRACE, "no trace");
	expect_refused("# tracer: nop\n", 14, NULL, false, ERR_TRACE, "no event of kmem");
	expect_refused("x-1 [0] 1.0: rss_stat: a=1\n", 27, NULL, false, ERR_TRACE,
		       "among 1 events");
	expect_refused("x-1 [256] 1.0: kfree: ptr=1\n", 28, NULL, false, ERR_TRACE,
		       "in:1: a CPU above 255");
	expect_refused(event, sizeof(event) - 1, "perf", false, ERR_TRACE, "no event of kmem");
	expect_refused(event, sizeof(event) - 1, "qemu", false, ERR_USAGE,
		       "unknown trace format 'qemu'");
	expect_refused(event, sizeof(event) - 2, NULL, false, ERR_TRACE, "no trace");
	char *text = malloc(LONG);
	memset(text, 'x', LONG);
	expect_refused(text, LONG, NULL, false, ERR_TRACE, "in:1: no trace");
	memset(text, '\n', 5000);
	expect_refused(text, LONG, NULL, false, ERR_TRACE, "in:1000: no trace");
	/* A long line among good ones is skipped. */
	struct err err;
	struct trace_report r;
	memset(text, 'x', 5000);
	memcpy(text, event, sizeof(event) - 1);
	text[LONG - 1] = '\n';
	put_input(text, LONG);
	assert_int_equal(import_to(input, output, NULL, false, &r, &err), 0);
	assert_int_equal(r.skipped_lines, 1);
	free(text);
}

static void strictness(void **state)
{
	static const struct {
		const char *script, *what;
	} cases[] = {
		{"a 0 1.0 1 0  f 0 1.1 2 0  f 0 1.2 3 0",
		 "in:2: frees of blocks older than the recording: 2"},
		{"a 0 1.0 1 0  f 0 1.1 1 0  f 0 1.2 1 0", "in:3: frees of pages that were free: 1"},
		{"a 0 1.0 1 0  a 0 1.1 1 0  f 0 1.2 7 0", "in:2: allocations of a live page: 1"},
		{"a 0 1.0 1 0  a 0 0.9 2 0", "in:2: events out of order: 1"},
		{"a 0 1.0 2 0  f 0 1.1 2 1", "in:2: frees larger than their allocation: 1"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = expand(cases[i].script);
		expect_refused(text, strlen(text), NULL, true, ERR_TRACE, cases[i].what);
		free(text);
	}
	static const char *const good =
		"x-1 [0] 1.0: mm_page_alloc: pfn=2 order=1 gfp_flags=%s\n%s";
	static const char *const tails[][3] = {
		{"GFP_NEW", "", "in:1: unknown gfp flag names: 1"},
		{"0", "x", "in:2: events cut short: 1"},
		{"0", "hello\n", "in:2: lines that are no event: 1"},
		{"0", "CPU:1 [LOST 9 EVENTS]\n", "in:2: events lost by the recorder: 9"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		char text[256];
		int n = snprintf(text, sizeof(text), good, tails[i][0], tails[i][1]);
		expect_refused(text, (size_t)n, NULL, true, ERR_TRACE, tails[i][2]);
	}
#define OBJECT(cpu, time, event) "x-1 [" #cpu "] " #time ": " event "\n"
#define DENTRY(ptr, size)                                                                          \
	"kmem_cache_alloc: ptr=" ptr " name=a bytes_req=" size " bytes_alloc=" size " gfp_flags=0"
	static const struct {
		const char *text, *what;
	} objects[] = {
		{OBJECT(0, 1.0, DENTRY("ffff888000001000", "8"))
			 OBJECT(0, 1.1, DENTRY("ffff888000002000", "16")),
		 "in:2: caches of one name and two sizes: 1"},
		{OBJECT(0, 1.0, DENTRY("ffff888000001000", "8"))
			 OBJECT(0, 1.1, "kmem_cache_free: ptr=ffff888000001000 name=b"),
		 "in:2: frees to another cache: 1"},
		{OBJECT(0, 1.0, DENTRY("ffff888000001000", "8"))
			 OBJECT(0, 1.1, "kfree: ptr=ffff888000002000"),
		 "in:2: frees of objects older than the recording: 1"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		expect_refused(objects[i].text, strlen(objects[i].text), NULL, true, ERR_TRACE,
			       objects[i].what);
	struct err err;
	struct trace_report r;
	char *text = expand("a 0 1.0 1 0  a 0 1.1 2 1  f 0 1.2 1 0  f 0 1.3 2 0  b 0 1.4 2 0");
	put_input(text, strlen(text));
	assert_int_equal(import_to(input, output, NULL, true, &r, &err), 0);
	free(text);
}

static void files_refused(void **state)
{
	struct err err;
	struct trace_report r;
	put_input("x", 1);
	assert_int_equal(import_to("/nonexistent", output, NULL, false, &r, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_int_equal(import_to(input, input, NULL, false, &r, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(import_to(input, "/nonexistent/x", NULL, false, &r, &err), -1);
	assert_int_equal(err.code, ERR_CANT_CREATE);
}

static void report_texts(void **state)
{
	char text[4096] = "";
	struct trace_report r = {.events = UINT64_MAX, .span_ns = 1500000000, .partial_frees = 3};
	FILE *f = fmemopen(text, sizeof(text), "w");
	import_report_print(&r, "in", "out", f);
	fclose(f);
	assert_non_null(strstr(text, "in -> out\n"));
	assert_non_null(strstr(text, "18446744073709551615  events read\n"));
	assert_non_null(strstr(text, "    1.500000  seconds"));
	assert_non_null(strstr(text, " 3  frees of a part"));
	assert_null(strstr(text, "unknown gfp"));
	f = fmemopen(text, sizeof(text), "w");
	struct json j;
	json_init(&j, f);
	import_report_write(&r, &j, NULL);
	json_finish(&j);
	fclose(f);
	assert_non_null(strstr(text, "{\n  \"events\": 18446744073709551615,\n"));
	assert_non_null(
		strstr(text, "  \"unknown_gfp_names\": 0,\n  \"span_ns\": 1500000000\n}\n"));
	/* Every member is told. */
	size_t colons = 0;
	for (const char *p = text; *p; p++)
		colons += *p == ':';
	assert_int_equal(colons * sizeof(uint64_t), sizeof(struct trace_report));
}

static int make_dir(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(input, sizeof(input), "%s/in", dir);
	snprintf(output, sizeof(output), "%s/out", dir);
	return 0;
}

/* rmdir() fails if an import left anything else behind. */
static int remove_dir(void **state)
{
	unlink(input);
	unlink(output);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_life),
		cmocka_unit_test(unknown_frees),
		cmocka_unit_test(partial_frees),
		cmocka_unit_test(larger_frees),
		cmocka_unit_test(allocation_of_live_pages),
		cmocka_unit_test(times_out_of_order),
		cmocka_unit_test(both_formats),
		cmocka_unit_test(recorded_texts),
		cmocka_unit_test(refusals),
		cmocka_unit_test(strictness),
		cmocka_unit_test(files_refused),
		cmocka_unit_test(report_texts),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
