/*
 * native_ops_test.c - sequences for native measurements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/native_ops.h"

static struct trace_writer *writer;
static uint32_t next_seq, next_id;

static void put(struct trace_rec r, gfp_t gfp)
{
	struct err err = {0};
	r.seq = next_seq++;
	r.pfn = TRACE_PFN_NONE;
	assert_int_equal(trace_writer_add(writer, &r, gfp, &err), 0);
}

static uint32_t put_kmalloc(uint16_t cpu, uint32_t bytes, gfp_t gfp)
{
	put((struct trace_rec){
		    .cpu = cpu, .id = next_id, .aux = bytes, .kind = TRACE_KMALLOC}, gfp);
	return next_id++;
}

static uint32_t put_cache(uint16_t cpu, uint16_t cache)
{
	put((struct trace_rec){
		    .cpu = cpu, .id = next_id, .cache = cache, .kind = TRACE_CACHE_ALLOC},
	    GFP_KERNEL);
	return next_id++;
}

static void put_free(uint16_t cpu, uint32_t id, uint16_t cache)
{
	put((struct trace_rec){.cpu = cpu, .id = id, .cache = cache, .kind = TRACE_OBJECT_FREE,
			       .flags = id == TRACE_ID_NONE ? TRACE_F_PREEXISTING : 0}, 0);
}

static void begin(void)
{
	struct err err = {0};
	writer = trace_writer_new(NULL, &err);
	assert_non_null(writer);
	next_seq = next_id = 0;
}

static void end(struct native_ops *o)
{
	struct trace_report report = {0};
	struct err err = {0};
	struct trace t;
	int fd;
	if (trace_writer_finish(writer, 0, &report, &fd, &err) != 0 ||
	    trace_open_fd(&t, fd, "test", &err) != 0 ||
	    native_ops_from_trace(o, &t, &err) != 0)
		fail_msg("%s", err.text);
	trace_close(&t);
	close(fd);
}

static void expect(const struct native_ops *o, uint64_t i, unsigned kind, uint32_t slot,
		   uint32_t bytes)
{
	assert_true(i < o->count);
	assert_int_equal(o->ops[i].kind, kind);
	assert_int_equal(o->ops[i].slot, slot);
	assert_int_equal(o->ops[i].bytes, bytes);
}

/* The example of native_ops.c, on two CPUs. */
static void slots_in_order_of_the_recording(void **state)
{
	struct native_ops o;
	begin();
	uint32_t a = put_kmalloc(1, 64, GFP_KERNEL | __GFP_ZERO);
	put_kmalloc(0, 96, GFP_ATOMIC);
	put_free(0, a, TRACE_CACHE_NONE);
	put_free(0, put_kmalloc(1, 8, GFP_KERNEL), TRACE_CACHE_NONE);
	end(&o);
	assert_int_equal(o.count, 5);
	expect(&o, 0, NATIVE_KMALLOC, 0, 64);
	expect(&o, 1, NATIVE_KMALLOC, 1, 96);
	expect(&o, 2, NATIVE_FREE, 0, 0);
	expect(&o, 3, NATIVE_KMALLOC, 0, 8);
	expect(&o, 4, NATIVE_FREE, 0, 0);
	assert_int_equal(o.ops[0].gfp, GFP_KERNEL);
	assert_int_equal(o.ops[1].gfp, GFP_ATOMIC);
	assert_int_equal(o.allocs_count, 3);
	assert_int_equal(o.slots_count, 2);
	assert_int_equal(o.ends_count, 1);
	assert_int_equal(o.ends[0], 1);
	assert_int_equal(o.live_bytes_max, 160);
	assert_int_equal(o.live_objects_max, 2);
	native_ops_release(&o);
}

/* A free names the cache only if the allocation did; sizes are the cache's. */
static void caches(void **state)
{
	struct native_ops o;
	struct err err = {0};
	begin();
	assert_int_equal(trace_writer_add_cache(writer, "inode", 600, 608, &err), 0);
	assert_int_equal(trace_writer_add_cache(writer, "dentry", 192, 192, &err), 1);
	uint32_t dentry = put_cache(0, 1), inode = put_cache(0, 0);
	uint32_t bytes = put_kmalloc(0, 100, GFP_KERNEL);
	put_free(0, dentry, 1);
	put_free(0, inode, TRACE_CACHE_NONE);
	put_free(0, bytes, 1);
	end(&o);
	assert_int_equal(o.count, 6);
	expect(&o, 0, NATIVE_CACHE_ALLOC, 0, 192);
	expect(&o, 1, NATIVE_CACHE_ALLOC, 1, 600);
	expect(&o, 3, NATIVE_CACHE_FREE, 0, 0);
	expect(&o, 4, NATIVE_FREE, 1, 0);
	expect(&o, 5, NATIVE_FREE, 2, 0);
	assert_int_equal(o.ops[0].cache, 1);
	assert_int_equal(o.ops[3].cache, 1);
	assert_int_equal(o.caches_count, 2);
	assert_string_equal(o.caches[0].name, "inode");
	assert_int_equal(o.ends_count, 0);
	native_ops_release(&o);
}

static void what_is_left_out(void **state)
{
	struct native_ops o;
	begin();
	put_free(0, TRACE_ID_NONE, TRACE_CACHE_NONE);
	put_free(0, put_kmalloc(0, 0, GFP_KERNEL), TRACE_CACHE_NONE);
	uint32_t huge = put_kmalloc(0, NATIVE_BYTES_MAX + 1, GFP_KERNEL);
	put((struct trace_rec){.id = TRACE_ID_NONE, .aux = 8, .kind = TRACE_KMALLOC,
			       .flags = TRACE_F_FAILED}, GFP_KERNEL);
	put_kmalloc(0, NATIVE_BYTES_MAX, GFP_KERNEL);
	put_free(0, huge, TRACE_CACHE_NONE);
	end(&o);
	assert_int_equal(o.count, 1);
	expect(&o, 0, NATIVE_KMALLOC, 0, NATIVE_BYTES_MAX);
	assert_int_equal(o.early_frees_count, 1);
	assert_int_equal(o.left_out_count, 5);
	assert_int_equal(o.ends_count, 1);
	native_ops_release(&o);
}

/* Every free is of a slot that is in use, and nothing is lost. */
static void made_sequence_is_consistent(void **state)
{
	struct native_ops o;
	struct err err = {0};
	uint64_t live_bytes = 0, live_bytes_max = 0, allocs = 0;
	uint32_t live = 0;
	assert_int_equal(native_ops_make(&o, 200000, &err), 0);
	struct native_op *held = calloc(o.slots_count, sizeof(*held));
	assert_non_null(held);
	for (uint64_t i = 0; i < o.count; i++) {
		const struct native_op *op = &o.ops[i];
		struct native_op *h = &held[op->slot];
		assert_true(op->slot < o.slots_count);
		if (op->kind <= NATIVE_CACHE_ALLOC) {
			assert_int_equal(h->bytes, 0);
			assert_in_range(op->bytes, 1, NATIVE_BYTES_MAX);
			*h = *op;
			live++;
			allocs++;
			live_bytes += op->bytes;
			live_bytes_max = u64_max(live_bytes_max, live_bytes);
		} else {
			assert_int_not_equal(h->bytes, 0);
			bool cache = h->kind == NATIVE_CACHE_ALLOC;
			assert_int_equal(op->kind, cache ? NATIVE_CACHE_FREE : NATIVE_FREE);
			assert_int_equal(op->cache, h->cache);
			live--;
			live_bytes -= h->bytes;
			h->bytes = 0;
		}
	}
	assert_in_range(o.count, 200000, 200002);
	assert_int_equal(o.allocs_count, allocs);
	assert_int_equal(o.live_bytes_max, live_bytes_max);
	assert_int_equal(o.ends_count, live);
	for (uint32_t i = 0; i < o.ends_count; i++)
		assert_int_not_equal(held[o.ends[i]].bytes, 0);
	free(held);
	native_ops_release(&o);
}

static void not_a_trace(void **state)
{
	struct native_ops o;
	struct err err = {0};
	assert_int_equal(native_ops_read(&o, "/nonexistent.atrace", &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	assert_null(o.ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_in_order_of_the_recording),
		cmocka_unit_test(caches),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(made_sequence_is_consistent),
		cmocka_unit_test(not_a_trace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
