/*
 * import_object_test.c - object events of kernel traces.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/env.h"
#include "kern/types.h"
#include "sim/import_line.h"

/* Import @text as ftrace; the report, and the trace for the caller to close. */
static struct trace_report import_text_of(const char *text, struct trace *t)
{
	struct err err = {0};
	struct trace_report report;
	int fd;
	struct textin *in = textin_open_memory(text, strlen(text), &err);
	struct trace_writer *w = trace_writer_new(NULL, &err);
	assert_non_null(in);
	assert_non_null(w);
	if (import_text(in, &import_ftrace, false, NULL, NULL, w, &report, &fd, &err) != 0)
		fail_msg("%s", err.text);
	textin_close(in);
	if (trace_open_fd(t, fd, "test", &err) != 0)
		fail_msg("%s", err.text);
	close(fd);
	return report;
}

#define LINE(cpu, time, event) "x-1 [" #cpu "] " #time ": " event "\n"
#define SIZES "bytes_req=188 bytes_alloc=192 gfp_flags=GFP_KERNEL"
#define PAGE(pfn, order, gfp)                                                                      \
	"mm_page_alloc: page=1 pfn=" #pfn " order=" #order " migratetype=0 gfp_flags=" gfp

/* Each as a kernel of some time printed it; all say the same. */
static void variants(void **state)
{
	static const char *const lines[] = {
		"kmalloc: call_site=f+0x38e/0x490 ptr=ffff888000001080 bytes_req=100 "
		"bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false",
		"kmalloc: call_site=ffffffff81123456 ptr=0xffff888000001080 bytes_req=100 "
		"bytes_alloc=128 gfp_flags=GFP_KERNEL",
		"kmalloc_node: call_site=c104de4f ptr=ffff888000001080 bytes_req=100 "
		"bytes_alloc=128 gfp_flags=GFP_KERNEL node=0",
		"kmalloc: (alloc_pipe_info+0x6c) call_site=f ptr=0xffff888000001080 bytes_req=100 "
		"bytes_alloc=128 gfp_flags=GFP_KERNEL",
		"kmalloc: gfp_flags=GFP_KERNEL bytes_alloc=128 bytes_req=100 ptr=ffff888000001080",
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[512];
		struct trace t;
		snprintf(text, sizeof(text), "x-1 [003] d.h1. 1.5: %s\n", lines[i]);
		struct trace_report r = import_text_of(text, &t);
		assert_int_equal(r.object_allocs, 1);
		assert_int_equal(t.ops_count[3], 1);
		const struct trace_rec *rec = &t.ops[3][0];
		assert_int_equal(rec->kind, TRACE_KMALLOC);
		assert_int_equal(rec->aux, 100);
		assert_int_equal(trace_rec_paddr(rec), 0x1080);
		assert_int_equal(t.gfps[rec->gfp], GFP_KERNEL);
		assert_int_equal(rec->flags >> TRACE_CONTEXT_SHIFT, CONTEXT_IRQ);
		trace_close(&t);
	}
}

static void contexts(void **state)
{
	static const struct {
		const char *flags;
		unsigned context;
	} cases[] = {{".....", CONTEXT_PROCESS}, {"..s1.", CONTEXT_SOFTIRQ}, {"d.H1", CONTEXT_IRQ},
		     {"d.Z1.", CONTEXT_NMI}, {"", CONTEXT_PROCESS}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[256];
		struct trace t;
		snprintf(text, sizeof(text), "x-1 [0] %s 1.0: " PAGE(5, 0, "GFP_ATOMIC") "\n",
			 cases[i].flags);
		import_text_of(text, &t);
		assert_int_equal(t.ops[0][0].flags >> TRACE_CONTEXT_SHIFT, cases[i].context);
		trace_close(&t);
	}
}

static void life_of_objects(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, "kmem_cache_alloc: ptr=ffff888000001000 name=dentry " SIZES)
		LINE(1, 1.1, "kmem_cache_alloc: ptr=ffff8880000010c0 name=dentry " SIZES)
		LINE(1, 1.2, "kmem_cache_free: ptr=ffff888000001000 name=dentry")
		LINE(1, 1.3, "kfree: ptr=ffff8880000010c0")              /* of a cache's object */
		LINE(1, 1.4, "kfree: ptr=ffff8880000010c0")              /* was allocated in bulk */
		LINE(0, 1.5, "kmem_cache_free: ptr=ffff888000009000 name=filp") /* older */
		LINE(0, 1.6, "kfree: ptr=0000000000000000")
		LINE(0, 1.7, "kfree: ptr=          (null)")
		LINE(0, 1.8, "kfree: ptr=(nil)")
		LINE(0, 1.9, "kfree: ptr=0000000000000010")
		LINE(0, 2.0, "kmem_cache_alloc: ptr=ffff888000001000 name=dentry " SIZES)
		LINE(0, 2.1, "kmem_cache_alloc: ptr=ffff888000001000 name=dentry " SIZES)
		LINE(0, 2.2, "kmalloc: ptr=(null) bytes_req=100 bytes_alloc=0 gfp_flags=0")
		LINE(0, 2.3, "kmem_cache_free: ptr=ffff888000001000 name=filp")
		LINE(0, 2.4, "kmalloc: ptr=0x10 bytes_req=0 bytes_alloc=0 gfp_flags=0"), &t);
	assert_int_equal(r.events, 15);
	assert_int_equal(r.zero_object_allocations, 1);
	assert_int_equal(r.object_allocs, 4);
	assert_int_equal(r.object_frees, 5); /* one of them implicit */
	assert_int_equal(r.unmatched_object_frees, 1);
	assert_int_equal(r.untraced_object_allocations, 1);
	assert_int_equal(r.null_frees, 4);
	assert_int_equal(r.live_object_allocations, 1);
	assert_int_equal(r.failed_object_allocations, 1);
	assert_int_equal(r.wrong_cache_frees, 1);
	assert_int_equal(t.objects_count, 10);
	assert_int_equal(t.caches_count, 2);
	assert_string_equal(t.caches[0].name, "dentry");
	assert_int_equal(t.caches[0].object_size_bytes, 188);
	assert_int_equal(t.caches[0].size_bytes, 192);
	assert_string_equal(t.caches[1].name, "filp");
	assert_int_equal(t.caches[1].size_bytes, 0); /* no allocation told it */
	assert_int_equal(t.ops[1][1].flags, TRACE_F_OTHER_CPU);
	assert_int_equal(t.ops[1][2].cache, TRACE_CACHE_NONE);
	assert_int_equal(t.ops[1][2].id, 1);
	assert_int_equal(t.ops[0][1].flags, TRACE_F_PREEXISTING);
	assert_int_equal(trace_rec_paddr(&t.ops[0][1]), 0x9000);
	assert_int_equal(t.ops[0][3].flags, TRACE_F_IMPLICIT);
	trace_close(&t);
}

/* One name, two sizes; and an allocation that names no cache. */
static void cache_names(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, "kmem_cache_alloc: ptr=ffff888000001000 name=a " SIZES) LINE(
			0, 1.1,
			"kmem_cache_alloc: ptr=ffff888000002000 name=a bytes_req=8 bytes_alloc=8 "
			"gfp_flags=0") LINE(0, 1.2, "kmem_cache_alloc: ptr=ffff888000003000 " SIZES)
			LINE(0, 1.3, "kmem_cache_free: ptr=ffff888000002000 name=a")
				LINE(0, 1.4, "kmem_cache_free: ptr=ffff888000003000 name=b") LINE(
					0, 1.5,
					"kmem_cache_alloc: ptr=ffff888000003000 name=b " SIZES),
		&t);
	assert_int_equal(r.cache_name_clashes, 1);
	assert_int_equal(r.wrong_cache_frees, 0);
	assert_int_equal(t.caches_count, 4);
	assert_string_equal(t.caches[0].name, "a");
	assert_string_equal(t.caches[1].name, "a(8)");
	assert_string_equal(t.caches[2].name, "size-192");
	assert_string_equal(t.caches[3].name, "b");
	assert_int_equal(t.caches[3].size_bytes, 192); /* learned after the free */
	trace_close(&t);
}

/* More sizes of one name, and more names, than a trace has room for: the rest share its last. */
static void too_many_caches(void **state)
{
	for (int names = 0; names < 2; names++) {
		struct trace t;
		char *text;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		for (unsigned i = 0; i < TRACE_CACHES_LIMIT + 10; i++)
			fprintf(f, "x-1 [0] 1.0: kmem_cache_alloc: ptr=%llx name=c%u bytes_req=8 "
				"bytes_alloc=%u gfp_flags=0\n",
				0xffff888000001000ull + 64 * i, names ? i : 0, names ? 8 : 8 + i);
		fprintf(f, "x-1 [0] 1.0: kmem_cache_free: ptr=ffff888000001000 name=another\n");
		fclose(f);
		struct trace_report r = import_text_of(text, &t);
		free(text);
		assert_int_equal(r.object_allocs, TRACE_CACHES_LIMIT + 10);
		assert_int_equal(r.cache_name_clashes, names ? 0 : TRACE_CACHES_LIMIT + 9);
		assert_int_equal(r.wrong_cache_frees, 1);
		assert_int_equal(t.caches_count, TRACE_CACHES_LIMIT);
		assert_string_equal(t.caches[TRACE_CACHES_LIMIT - 1].name, "(other caches)");
		assert_int_equal(t.caches[TRACE_CACHES_LIMIT - 1].size_bytes, 0);
		assert_int_equal(t.ops[0][TRACE_CACHES_LIMIT - 2].cache, TRACE_CACHES_LIMIT - 2);
		assert_int_equal(t.ops[0][TRACE_CACHES_LIMIT + 5].cache, TRACE_CACHES_LIMIT - 1);
		trace_close(&t);
	}
}

/* Slabs, a large kmalloc with its two events, and pages that are neither. */
static void slab_pages(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, PAGE(0x10, 1, "GFP_KERNEL|__GFP_RECLAIMABLE")) LINE(
			0, 1.1, "kmem_cache_alloc: ptr=ffff888000011000 name=dentry " SIZES)
			LINE(0, 1.2, PAGE(0x20, 3, "GFP_KERNEL")) LINE(
				0, 1.3,
				"kmalloc: ptr=ffff888000020000 bytes_req=20000 bytes_alloc=32768 "
				"gfp_flags=GFP_KERNEL") LINE(0, 1.4,
							     "kmalloc: ptr=ffff888000020000 "
							     "bytes_req=20000 bytes_alloc=32768 "
							     "gfp_flags=GFP_KERNEL")
				LINE(0, 1.5, PAGE(0x30, 0, "GFP_KERNEL")) LINE(
					1, 1.6, "kmem_cache_free: ptr=ffff888000011000 name=dentry")
					LINE(1, 1.7, "mm_page_free: page=0 pfn=0x10 order=1")
						LINE(0, 1.8,
						     "kmem_cache_free: ptr=ffff888000040000 "
						     "name=dentry") /* an older slab */
		LINE(0, 1.9, "mm_page_free: page=0 pfn=0x40 order=0")
			LINE(0, 2.0, "mm_page_free: page=0 pfn=0x50 order=0"),
		&t);
	assert_int_equal(r.slab_page_allocs, 2);
	assert_int_equal(r.slab_page_frees, 2);
	assert_int_equal(r.duplicate_kmallocs, 1);
	assert_int_equal(t.caches[0].flags, TRACE_CACHE_GREW | TRACE_CACHE_RECLAIMABLE);
	assert_int_equal(t.ops[0][0].flags, TRACE_F_SLAB);
	assert_int_equal(t.ops[0][2].flags, TRACE_F_SLAB);
	assert_int_equal(t.ops[0][4].flags, 0);
	assert_int_equal(t.ops[1][1].flags & TRACE_F_SLAB, TRACE_F_SLAB);
	assert_int_equal(t.ops[0][6].flags, TRACE_F_SLAB | TRACE_F_PREEXISTING);
	assert_int_equal(t.ops[0][7].flags, TRACE_F_PREEXISTING);
	trace_close(&t);
}

/* A kernel that maps its memory somewhere else is found out by two slabs. */
static void moved_memory(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, "kmem_cache_free: ptr=ffff9a4040005000 name=a")
		LINE(0, 1.1, PAGE(0x10, 0, "GFP_KERNEL"))
		LINE(0, 1.2, "kmem_cache_alloc: ptr=ffff9a4040010300 name=a " SIZES)
		LINE(0, 1.3, PAGE(0x20, 0, "GFP_KERNEL"))
		LINE(0, 1.4, "kmem_cache_alloc: ptr=ffff9a4040020000 name=a " SIZES)
		LINE(0, 1.5, PAGE(0x30, 0, "GFP_KERNEL"))
		LINE(0, 1.6, "kmem_cache_alloc: ptr=ffff9a4040030000 name=a " SIZES), &t);
	assert_int_equal(r.slab_page_allocs, 2); /* the first one only voted */
	assert_int_equal(trace_rec_paddr(&t.ops[0][0]), 0x5000);
	assert_int_equal(trace_rec_paddr(&t.ops[0][2]), 0x10300);
	trace_close(&t);
}

static void hashed_pointers(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, PAGE(0x10, 0, "GFP_KERNEL"))
		LINE(0, 1.1, "kmem_cache_alloc: ptr=0000000012345678 name=a " SIZES)
		LINE(0, 1.2, "kmem_cache_free: ptr=0000000012345678 name=a"), &t);
	assert_int_equal(r.hashed_pointers, 2);
	assert_int_equal(r.slab_page_allocs, 0);
	assert_int_equal(t.ops[0][1].pfn, TRACE_PFN_NONE);
	assert_int_equal(t.ops[0][2].id, t.ops[0][1].id);
	trace_close(&t);
}

static void impossible_values(void **state)
{
	struct trace t;
	struct trace_report r = import_text_of(
		LINE(0, 1.0, "kmalloc: ptr=ffff888000001000 bytes_req=0 bytes_alloc=0 gfp_flags=0")
		LINE(0, 1.1, "kmalloc: ptr=0000000000000010 bytes_req=0 bytes_alloc=0 gfp_flags=0")
		LINE(0, 1.2, "kmalloc: ptr=ffff888000002000 bytes_req=9223372036854775808 "
			     "bytes_alloc=1 gfp_flags=0")
		LINE(0, 1.3, "kmalloc: ptr=ffff888000003000 bytes_req=99999999999999999999 "
			     "bytes_alloc=1 gfp_flags=0")
		LINE(0, 1.4, "kmalloc: ptr=hello bytes_req=1 bytes_alloc=1 gfp_flags=0")
		LINE(0, 1.5, "kmalloc: ptr=ffffffffffffffff bytes_req=1 bytes_alloc=1 gfp_flags=0")
		LINE(0, 1.6, "kmalloc: bytes_req=1 bytes_alloc=1 gfp_flags=0")
		LINE(0, 1.7, "kfree:"), &t);
	assert_int_equal(r.object_allocs, 2);
	assert_int_equal(r.zero_object_allocations, 2);
	assert_int_equal(r.huge_object_allocations, 1);
	assert_int_equal(r.skipped_lines, 3);
	assert_int_equal(r.truncated_lines, 2);
	assert_int_equal(t.ops[0][0].aux, 0);
	assert_int_equal(t.ops[0][1].aux, UINT32_MAX);
	trace_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variants),	   cmocka_unit_test(contexts),
		cmocka_unit_test(life_of_objects), cmocka_unit_test(cache_names),
		cmocka_unit_test(slab_pages),	   cmocka_unit_test(moved_memory),
		cmocka_unit_test(hashed_pointers), cmocka_unit_test(impossible_values),
		cmocka_unit_test(too_many_caches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
