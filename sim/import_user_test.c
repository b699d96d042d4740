/*
 * Tests of the importers of user traces: what each format's lines become, odd input of every kind,
 * what is counted, what is refused, and the samples that are shipped.
 *
 * A trace is written as a string: "a0:512" allocates object 0 of 512 bytes, "A:9" is an allocation
 * that failed, "f0" frees object 0, "i0" is a free that the importer made up, "@7" the time in us
 * if it is not one more than the last, "/1" the CPU if it is not 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/import_user.h"

#define US   UINT64_C(1000)
#define ROOM 8192

static struct trace_report report;
static struct err err;
static char shown[ROOM];

static const struct trace_rec *next_in_order(const struct trace *t, uint64_t at[TRACE_CPUS_LIMIT])
{
	const struct trace_rec *first = NULL;
	for (unsigned cpu = 0; cpu < t->cpus_count; cpu++) {
		const struct trace_rec *r = &t->ops[cpu][at[cpu]];
		if (at[cpu] < t->ops_count[cpu] && (!first || r->seq < first->seq))
			first = r;
	}
	if (first)
		at[first->cpu]++;
	return first;
}

static void show(const struct trace *t)
{
	uint64_t at[TRACE_CPUS_LIMIT] = {0}, last_us = UINT64_MAX - 1;
	const struct trace_rec *r;
	size_t n = 0;
	shown[0] = '\0';
	while ((r = next_in_order(t, at)) && n < ROOM - 100) {
		uint64_t us = r->time_ns / US;
		char id[16] = "";
		assert_int_equal(r->pfn, TRACE_PFN_NONE);
		if (r->id != TRACE_ID_NONE)
			snprintf(id, sizeof(id), "%u", r->id);
		if (r->kind == TRACE_KMALLOC) {
			assert_int_equal(t->gfps[r->gfp], GFP_KERNEL);
			n += (size_t)sprintf(shown + n, " %c%s:%u",
					     r->flags & TRACE_F_FAILED ? 'A' : 'a', id, r->aux);
		} else {
			assert_int_equal(r->kind, TRACE_OBJECT_FREE);
			assert_int_equal(r->cache, TRACE_CACHE_NONE);
			n += (size_t)sprintf(shown + n, " %c%s",
					     r->flags & TRACE_F_IMPLICIT ? 'i' : 'f', id);
		}
		if (us != last_us + 1)
			n += (size_t)sprintf(shown + n, "@%llu", (unsigned long long)us);
		if (r->cpu)
			n += (size_t)sprintf(shown + n, "/%u", r->cpu);
		last_us = us;
	}
}

/* Import @text and show what it became. NULL as @format: sniffed. The error's code if it fails. */
static enum err_code import_bytes(const char *format, const char *map, const void *text,
				  size_t bytes, bool strict)
{
	struct import_user_options user = {.gap_ns = IMPORT_GAP_NS};
	struct trace trace;
	int fd = -1;
	err = (struct err){0};
	struct textin *in = textin_open_memory(text, bytes, &err);
	assert_non_null(in);
	if (format)
		user.format = user_format_find(format);
	else
		assert_int_equal(user_format_sniff(in, &user.format, &err), 0);
	if (!user.format) {
		textin_close(in);
		return ERR_USAGE;
	}
	if (map)
		assert_int_equal(csv_map_parse(map, &user.map, &err), 0);
	struct trace_writer *writer = trace_writer_new(NULL, &err);
	assert_non_null(writer);
	int result = import_user_text(in, &user, strict, NULL, NULL, writer, &report, &fd, &err);
	textin_close(in);
	if (result != 0) {
		assert_int_not_equal(err.code, ERR_NONE);
		return err.code;
	}
	if (trace_open_fd(&trace, fd, "imported", &err) != 0)
		fail_msg("%s", err.text);
	assert_memory_equal(&report, &trace.report, sizeof(report));
	assert_int_equal(report.demands, trace.demands_count);
	assert_int_equal(report.object_allocs + report.object_frees, report.demands);
	show(&trace);
	trace_close(&trace);
	close(fd);
	return ERR_NONE;
}

static enum err_code import_lines(const char *format, const char *map, const char *text)
{
	return import_bytes(format, map, text, strlen(text), false);
}

/* What @text becomes, and how many findings of each kind there are; all others must be 0. */
struct expectation {
	const char *text, *trace;
	unsigned skipped, cut, live, unmatched, twice, failed, null, zero, huge, approximate, late;
};

static void expect(const char *format, const char *map, const struct expectation *e)
{
	if (import_lines(format, map, e->text) != ERR_NONE)
		fail_msg("%s: %s", e->text, err.text);
	if (strcmp(shown, e->trace) != 0)
		fail_msg("%s\nis  %s\nnot %s", e->text, shown, e->trace);
	const struct {
		const char *what;
		uint64_t is;
		unsigned should;
	} rows[] = {
		{"skipped", report.skipped_lines, e->skipped},
		{"cut", report.truncated_lines, e->cut},
		{"live", report.live_object_allocations, e->live},
		{"unmatched", report.unmatched_object_frees, e->unmatched},
		{"twice", report.double_frees, e->twice},
		{"failed", report.failed_object_allocations, e->failed},
		{"null", report.null_frees, e->null},
		{"zero", report.zero_object_allocations, e->zero},
		{"huge", report.huge_object_allocations, e->huge},
		{"approximate", report.approximate_frees, e->approximate},
		{"late", report.out_of_order, e->late},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].is != rows[i].should)
			fail_msg("%s: %s is %llu, not %u", e->text, rows[i].what,
				 (unsigned long long)rows[i].is, rows[i].should);
	}
}

#define EXPECT_ALL(format, map, rows)                                                              \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++)                   \
			expect(format, map, &(rows)[i_]);                                          \
	} while (0)

static void rep(void **state)
{
	static const struct expectation rows[] = {
		{.text = "20000\n2\n4\n1\na 0 512\na 1 128\nf 1\nf 0\n",
		 .trace = " a0:512@0 a1:128 f1 f0"},
		{.text = "2\n2\na 0 1\nf 0\n", .trace = " a0:1@0 f0"}, /* a header of two */
		{.text = "a 5 1\r\nf 5\r\n", .trace = " a0:1@0 f0"},   /* of none; CRLF */
		{.text = "1\n1\n3\na 0 8\nr 0 16\nf 0\n", .trace = " a0:8@0 a1:16 f0@1 f1"},
		{.text = "a 0 8\nf 0\na 0 9\nf 0\n",
		 .trace = " a0:8@0 f0 a1:9 f1"}, /* an id used again */
		{"a 0 8\na 0 9\nf 0\n", " a0:8@0 i0 a1:9@1 f1", .live = 1},
		{"f 0\na 0 8\n", " a0:8@1", .twice = 1}, /* freed before it is allocated */
		{"a 0 8\nf 0\nf 0\n", " a0:8@0 f0", .twice = 1},
		{"r 3 8\nf 3\n", " a0:8@0 f0", .twice = 1},        /* of what was never allocated */
		{.text = "a 0 8\nr 0 0\n", .trace = " a0:8@0 f0"}, /* to nothing: a free */
		{"a 0 8\nr 0 0\nf 0\n", " a0:8@0 f0", .twice = 1},
		{"a 0 0\n", " a0:0@0", .zero = 1},
		{.text = "a 0 4294967294\n", .trace = " a0:4294967294@0"},
		{"a 0 4294967295\n", " a0:4294967295@0", .huge = 1},
		{"a 0 9223372036854775808\n", " a0:4294967295@0", .huge = 1},
		{"a 0 99999999999999999999999\n", " a0:4294967295@0", .huge = 1},
		{"a 0 -1\na -1 1\na 0 8\n", " a0:8@0", .skipped = 2},
		{"a 0 8 7\nx 0 8\naa 0 8\na 0 8\n", " a0:8@0", .skipped = 3},
		{"a 0\na\nf\na 0 8\n", " a0:8@0", .cut = 3},
		{"a 0 8\nf 0", " a0:8@0", .cut = 1}, /* perhaps f 01 */
		{.text = "a 0 8\n\n  \nf 0\n", .trace = " a0:8@0 f0"},
		{"1\n2\n3\n4\n5\na 0 8\nf 0\n", " a0:8@0 f0", .skipped = 1},
		{"2\n9\na 0 8\n", " a0:8@0", .cut = 1}, /* of nine operations */
		{"a 18446744073709551615 8\na 0 8\n", " a0:8@0", .skipped = 1},
	};
	EXPECT_ALL("rep", NULL, rows);
}

static void wee_alloc(void **state)
{
	static const struct expectation rows[] = {
		{.text = "Alloc(552),\nAlloc(120),\nFree(1),\nFree(0),\n",
		 .trace = " a0:552@0 a1:120 f1 f0"},
		{.text = "&[\r\n    Alloc(1),\r\n // no\r\n Free(0)\r\n];\r\n",
		 .trace = " a0:1@0 f0"},
		{"Alloc(1),\nFree(1),\nFree(0),\nFree(0),\n", " a0:1@0 f0@2", .twice = 2},
		{"Alloc(0),\nAlloc(9223372036854775808),\n", " a0:0@0 a1:4294967295", .zero = 1,
		 .huge = 1},
		{"Alloc(1),\nAlloc(2\nAlloc(\nAlloc\nFree(0),\n", " a0:1@0 f0", .cut = 3},
		{"Alloc(1),\nAlloc(-1),\nRealloc(2),\nAlloc(2)x\nAlloc(),\nFree(0),\n",
		 " a0:1@0 f0", .skipped = 4},
		{"Alloc(1),\nFree(18446744073709551615),\n", " a0:1@0", .skipped = 1},
	};
	EXPECT_ALL("wee_alloc", NULL, rows);
}

static void mtrace(void **state)
{
	static const struct expectation rows[] = {
		{.text = "= Start\n@ ./t:[0x1] + 0x10 0x64\n@ ./t:[0x1] - 0x10\n= End\n",
		 .trace = " a0:100@0 f0"},
		{"@ a b c:(main+0x1)[0x1] + 0x10 0\r\n- 0x10\r\n", " a0:0@0 f0", .zero = 1},
		{.text = "+ 0x10 0x8\n< 0x10\n> 0x20 0x9\n- 0x20\n",
		 .trace = " a0:8@0 a1:9 f0@1 f1"},
		{.text = "+ 0x10 0x8\n< 0x10\n> 0x10 0x9\n- 0x10\n",
		 .trace = " a0:8@0 a1:9 f0@1 f1"}, /* in place */
		{"+ 0x10 0x8\n+ 0x20 0x7\n< 0x10\n> 0x20 0x9\n", " a0:8@0 a1:7 i1 a2:9@2 f0@2",
		 .live = 1},
		{"+ 0x10 0x8\n! 0x10 0x99\n- 0x10\n", " a0:8@0 A:153 f0", .failed = 1},
		{"+ (nil) 0x3fffffffffffffff\n", " A:4294967295@0", .failed = 1, .huge = 1},
		{"+ 0x10 0x8\n- (nil)\n- 0x0\n", " a0:8@0", .null = 2},
		{"- 0x99\n+ 0x10 0x8\n", " a0:8@1", .unmatched = 1},
		{"+ 0x10 0x8\n- 0x10\n- 0x10\n", " a0:8@0 f0", .twice = 1},
		{"< 0x99\n> 0x10 0x8\n", " a0:8@0", .unmatched = 1},
		{.text = "> 0x10 0x8\n- 0x10\n", .trace = " a0:8@0 f0"},
		{"+ 0x10 0x8\n< 0x10\n", " a0:8@0", .cut = 1},
		{"+ 0x10 0x8\n< 0x10\n< 0x10\n> 0x20 0x9\n", " a0:8@0 a1:9 f0@1", .cut = 1},
		{.text = "+ 0x10 0x8\n< (nil)\n> 0x20 0x9\n", .trace = " a0:8@0 a1:9"},
		{"+ 0x10 0x8\n@ ./t:[0x1] + 0x1\n@ ./t:[0x1]\n+ 0x10\n", " a0:8@0", .cut = 3},
		{"+ 0x10 0x8\nnonsense\n? 0x10\n", " a0:8@0", .skipped = 2},
		{"+ 0x10 0x8\n+ -1 0x8\n", " a0:8@0", .cut = 1},
	};
	EXPECT_ALL("mtrace", NULL, rows);
}

static void heaptrack_raw(void **state)
{
	static const struct expectation rows[] = {
		{.text = "v 10400 3\nx 3 abc\nt 7f 0\n+ 1f 1 abc0\nc 1\n+ 10 1 abd0\n- abc0\nR 1\n",
		 .trace = " a0:31@0 a1:16@1000 f0"},
		{.text = "v 10400 3\n+ 1 1 a\nc 0\n- a\nc 1\n",
		 .trace = " a0:1@0 f0"}, /* the clock never goes back */
		{"v 10400 3\n- a\n+ 1 1 a\n- a\n- a\n- 0\n", " a0:1@1 f0", .unmatched = 1,
		 .twice = 1, .null = 1},
		{"v 10400 3\r\n+ 0 1 a\r\n+ ffffffff 1 b\r\n", " a0:0@0 a1:4294967295", .zero = 1,
		 .huge = 1},
		{"v 10400 3\n+ 1 1 a\n+ 1 1 a\n", " a0:1@0 i0 a1:1@1", .live = 1},
		{"v 10400 3\n+ 1 1 a\n+ 1\n+\n-\nc\n", " a0:1@0", .cut = 4},
		{"v 10400 3\n+ 1 1 a\n- x\n- 1 2\n+ 1 2 3 4\n+ 1 1 0\n9 9\nc fffffffffff\n+ 1 1 "
		 "11111111111111111\n",
		 " a0:1@0", .skipped = 7},
	};
	EXPECT_ALL("heaptrack", NULL, rows);
	assert_int_equal(import_lines("heaptrack", NULL, "v 99999 4\n+ 1 1 a\n"), ERR_TRACE);
	assert_non_null(strstr(err.text, "<memory>:1: a version"));
}

static void heaptrack_interpreted(void **state)
{
	static const struct expectation rows[] = {
		{"v 10400 3\na 10 1\n+ 0\na 20 2\n+ 1\n- 0\n+ 1\n- 1\n- 1\n",
		 " a0:16@0 a1:32 f0 a2:32 f1 f2", .approximate = 1},
		{"v 10400 3\na 10 1\n+ 0\n- 0\n- 0\n+ 0\n- 0\n", " a0:16@0 f0 a1:16@3 f1",
		 .twice = 1},
		{"v 10400 3\na 10 1\n+ 0\na 8 1\n- 1\n", " a0:16@0", .unmatched = 1},
		{"v 10400 3\na 10 1\n+ 0\n+ 1\n- 1\n+ 1 2 3\n", " a0:16@0", .skipped = 3},
		/* The next class keeps its number. */
		{"v 10400 3\na 10\na 20 1\n+ 1\n", " a0:32@0", .cut = 1},
	};
	EXPECT_ALL("heaptrack", NULL, rows);
}

/* Queues of many classes, against arrays. */
static void heaptrack_queues(void **state)
{
	enum { CLASSES = 5, OPS = 2000 };
	static unsigned queue[CLASSES][OPS], head[CLASSES], tail[CLASSES];
	static char text[OPS * 16];
	char *out = text + sprintf(text, "v 10400 3\n");
	uint32_t random = 12345, made = 0;
	static uint32_t freed[OPS];
	unsigned freed_count = 0, approximate = 0;
	for (unsigned c = 0; c < CLASSES; c++)
		out += sprintf(out, "a %x 1\n", c + 1);
	for (unsigned i = 0; i < OPS; i++) {
		random = random * 1664525 + 1013904223;
		unsigned c = random >> 16 & 0xff, free = random >> 8 & 1;
		c %= CLASSES;
		if (free && head[c] < tail[c]) {
			approximate += tail[c] - head[c] > 1;
			freed[freed_count++] = queue[c][head[c]++];
			out += sprintf(out, "- %x\n", c);
		} else {
			queue[c][tail[c]++] = made++;
			out += sprintf(out, "+ %x\n", c);
		}
	}
	assert_int_equal(import_lines(NULL, NULL, text), ERR_NONE);
	assert_int_equal(report.object_allocs, made);
	assert_int_equal(report.object_frees, freed_count);
	assert_int_equal(report.approximate_frees, approximate);
	const char *p = shown;
	for (unsigned i = 0; i < freed_count && (p = strchr(p, 'f')); i++, p++)
		assert_int_equal(strtoul(p + 1, NULL, 10), freed[i]);
}

#define MAP "time=1,op=2,id=3,size=4,unit=us"

static void csv(void **state)
{
	static const struct expectation rows[] = {
		{.text = "time,op,id,size\n0,malloc,x,5\n1,free,x,\n", .trace = " a0:5@0 f0"},
		{.text = "7;+;x;5\n9;-;x\n", .trace = " a0:5@0 f0@2"},
		{.text = "7\ta\tx\t5\r\n9\tf\tx\r\n", .trace = " a0:5@0 f0@2"},
		{.text = "\"1\",\"Alloc\",\"a \"\"b\"\", c\",\"5\"\n2 , FREE , \"a \"\"b\"\", c\" "
			 ",\n",
		 .trace = " a0:5@0 f0"},
		{.text = "1.5,a,x,5\n2.499999,r,x,6\n3.5,r,x,0\n",
		 .trace = " a0:5@0 a1:6@0 f0@0 f1@2"},
		{"1,a,x,5\n2,a,x,6\n2,f,y,\n3,f,x,\n4,f,x,\n", " a0:5@0 i0 a1:6@1 f1", .live = 1,
		 .unmatched = 1, .twice = 1},
		{"5,a,x,5\n3,a,y,6\n4,f,x,\n9,f,y,\n", " a0:5@0 a1:6@0 f0@0 f1@4", .late = 2},
		{"1,f,,\n1,f,(nil),\n1,f,NULL,\n1,f,0x0,\n1,a,0,5\n2,f,0,0\n", " a0:5@0 f0",
		 .null = 4},
		{"1,a,,5\n", " A:5@0", .failed = 1},
		{"1,a,x,-5\n-1,a,x,5\n1,a,x,1e3\n1,a,x,5 B\n1,q,x,5\n1,a,x,5\n", " a0:5@0",
		 .skipped = 5},
		{"1,a,x,5\n1,a\n1\n1,a,x\n1,f,x\n", " a0:5@0 f0@0", .cut = 3},
		{"1,a,x,9223372036854775808\n1,a,y,0x100000000\n1,a,z,0\n",
		 " a0:4294967295@0 a1:4294967295@0 a2:0@0", .huge = 2, .zero = 1},
		{"9223372036854775807,a,x,5\n1,a,x,5\n", " a0:5@0", .skipped = 1},
		{"1,a,\"x,5\n1,a,x,5\n", " a0:5@0", .cut = 1}, /* a quote that isn't closed */
	};
	EXPECT_ALL("csv", MAP, rows);
	static const struct expectation cpus = {
		.text = "op,id,cpu,size\nmalloc,x,3,10\nfree,x,1,\n",
		.trace = " a0:10@0/3 f0/1",
	};
	expect("csv", "op=1,id=2,size=4,cpu=3", &cpus);
	assert_int_equal(import_lines("csv", "op=1,id=2,size=4,cpu=3", "a,x,256,1\n"), ERR_TRACE);
	assert_non_null(strstr(err.text, "<memory>:1: a CPU above 255"));
}

static void csv_maps(void **state)
{
	static const char *const wrong[] = {
		"",
		"op",
		"op=1,id=2",
		"op=1,id=2,size=2",
		"op=0,id=1,size=2",
		"op=65,id=1,size=2",
		"op=1,id=2,size=3,time=4",
		"op=1,id=2,size=3,unit=us",
		"op=1,id=2,size=3,op=4",
		"op=1,id=2,size=3,time=4,unit=h",
		"op=1,id=2,size=3,time=4,unit=ns,unit=ns",
		"op=1,id=2,size=3,tid=4",
		"op=1x,id=2,size=3",
		"op=,id=2,size=3",
		"op=-1,id=2,size=3",
		"op=1,id=2,size=3,",
		"op=99999999999999999999,id=2,size=3",
	};
	struct csv_map map;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err = (struct err){0};
		if (csv_map_parse(wrong[i], &map, &err) == 0)
			fail_msg("'%s' was accepted", wrong[i]);
		assert_int_equal(err.code, ERR_USAGE);
		assert_memory_equal(err.text, "--map: ", 7);
	}
	assert_int_equal(csv_map_parse("unit=ms,size=4,id=3,op=2,time=1,cpu=64", &map, &err), 0);
	assert_int_equal(map.time, 1);
	assert_int_equal(map.cpu, 64);
	assert_int_equal(map.unit_ns, 1000000);
}

static void sniffing(void **state)
{
	static const struct {
		const char *text, *format;
	} rows[] = {
		{"20000\n1\n1\n1\na 0 1\n", "rep"},
		{"\n\na 0 1\n", "rep"},
		{"= Start\n@ x:[0x1] + 0x1 0x1\n", "mtrace"},
		{"@ x:[0x1] + 0x1 0x1\r\n", "mtrace"},
		{"v 10400 3\nx 1 a\n", "heaptrack"},
		{"v 10100\r\n", "heaptrack"},
		{"Alloc(1),\n", "wee_alloc"},
		{"// one\n[\nFree(1),\n", "wee_alloc"},
		{"time,op,id,size\n1,a,x,1\n", NULL},
		{"# tracer: nop\n", NULL},
		{"v 1.0 2.0\n", NULL},
		{"1\n2\n3\n", NULL},
		{"a 0 1", NULL}, /* no whole line */
		{"", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct user_format *format;
		struct textin *in = textin_open_memory(rows[i].text, strlen(rows[i].text), &err);
		assert_int_equal(user_format_sniff(in, &format, &err), 0);
		assert_string_equal(format ? format->name : "none",
				    rows[i].format ? rows[i].format : "none");
		textin_close(in);
	}
}

/* Text that is no trace, or nothing of use. */
static void refusals(void **state)
{
	static const char *const names[] = {"rep", "mtrace", "heaptrack", "wee_alloc", "csv"};
	static uint8_t garbage[100000];
	uint64_t random = 88172645463325252;
	for (size_t i = 0; i < sizeof(garbage); i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		garbage[i] = (uint8_t)random;
	}
	assert_int_equal(import_bytes(NULL, NULL, garbage, sizeof(garbage), false), ERR_USAGE);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *map = strcmp(names[i], "csv") == 0 ? MAP : NULL;
		assert_int_equal(import_bytes(names[i], map, garbage, sizeof(garbage), false),
				 ERR_TRACE);
		assert_non_null(strstr(err.text, "no allocation in it"));
		assert_int_equal(import_lines(names[i], map, ""), ERR_TRACE);
		assert_string_equal(err.text, "<memory>: empty input");
		assert_int_equal(import_lines(names[i], map, "\n\n"), ERR_TRACE);
		assert_non_null(strstr(err.text, "<memory>:2: no allocation"));
	}
}

static void strictness(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"a 0 1\nf 1\nf 0\nf 0\n", "<memory>:2: frees of objects that did not live: 2 in"},
		{"a 0 1\na 0 1\nx\n", "<memory>:2: allocations of a live object: 1 in"},
		{"a 0 1\nx\na 0 1\n", "<memory>:2: lines that are no event: 1 in"},
		{"1\n9\na 0 1\n", "<memory>:3: lines cut short or missing: 1 in"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			import_bytes("rep", NULL, rows[i].text, strlen(rows[i].text), true),
			ERR_TRACE);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s", err.text);
	}
	assert_int_equal(import_bytes("rep", NULL, "a 0 0\nf 0\n", 10, true), ERR_NONE);
}

/* The shipped samples, through the whole import. */
static void samples(void **state)
{
	static const struct {
		const char *name;
		unsigned allocs, frees, failed, approximate;
	} rows[] = {
		{"ls.trace", 45, 37, 0, 0},
		{"example.rep", 7, 6, 0, 0},
		{"program.mtrace", 26, 24, 2, 0},
		{"program.heaptrack-raw.zst", 25, 24, 0, 0},
		{"program.heaptrack.zst", 25, 24, 0, 0},
		{"service.csv", 33, 33, 0, 0},
	};
	char out[] = "/tmp/allocsim-import-user.XXXXXX", path[512];
	int fd = mkstemp(out);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_options o = {.input = path, .output = out};
		snprintf(path, sizeof(path), SOURCE_ROOT "/workloads/user/%s", rows[i].name);
		if (strstr(path, ".csv")) {
			o.format = "csv";
			o.map = "time=1,op=2,id=3,size=4,cpu=5,unit=us";
		}
		err = (struct err){0};
		if (import_trace(&o, &report, &err) != 0)
			fail_msg("%s", err.text);
		if (report.object_allocs != rows[i].allocs || report.object_frees != rows[i].frees)
			fail_msg("%s: %llu allocations, %llu frees", path,
				 (unsigned long long)report.object_allocs,
				 (unsigned long long)report.object_frees);
		assert_int_equal(report.failed_object_allocations, rows[i].failed);
		assert_int_equal(report.approximate_frees, rows[i].approximate);
		assert_int_equal(report.skipped_lines + report.truncated_lines +
					 report.out_of_order + report.double_frees +
					 report.unmatched_object_frees +
					 report.live_object_allocations,
				 0);
	}
	unlink(out);
}

/* Options that do not fit together. */
static void options(void **state)
{
	static const struct {
		struct import_options o;
		const char *says;
	} rows[] = {
		{{.format = "csv"}, "--format csv needs --map"},
		{{.format = "rep", .map = MAP}, "--map is for --format csv only"},
		{{.map = MAP}, "--map is for --format csv only"},
		{{.format = "csv", .map = MAP, .gap_given = true}, "--gap is for traces without"},
		{{.format = "perf", .gap_given = true}, "--gap is for traces without"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct import_options o = rows[i].o;
		o.input = SOURCE_ROOT "/workloads/user/example.rep";
		o.output = "/tmp/allocsim-import-user-none.atrace";
		err = (struct err){0};
		assert_int_equal(import_trace(&o, &report, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.text, rows[i].says))
			fail_msg("%s", err.text);
		assert_int_not_equal(access(o.output, F_OK), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rep),
		cmocka_unit_test(wee_alloc),
		cmocka_unit_test(mtrace),
		cmocka_unit_test(heaptrack_raw),
		cmocka_unit_test(heaptrack_interpreted),
		cmocka_unit_test(heaptrack_queues),
		cmocka_unit_test(csv),
		cmocka_unit_test(csv_maps),
		cmocka_unit_test(sniffing),
		cmocka_unit_test(refusals),
		cmocka_unit_test(strictness),
		cmocka_unit_test(samples),
		cmocka_unit_test(options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
