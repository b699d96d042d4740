/*
 * Tests of streams from a binary trace: merging, windows, what happened before them, pace and
 * scale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "kern/rng.h"
#include "sim/workload.h"

static struct trace trace;
static struct config config;
static struct objects objects;
static struct workload workload;

/* --- making traces ---------------------------------------------------------------------------- */

static struct trace_writer *writer;
static uint32_t next_seq, next_id;

static void begin(void)
{
	struct err err = {0};
	writer = trace_writer_new(NULL, &err);
	assert_non_null(writer);
	next_seq = next_id = 0;
}

static void put(struct trace_rec r, gfp_t gfp)
{
	struct err err = {0};
	r.seq = next_seq++;
	assert_int_equal(trace_writer_add(writer, &r, gfp, &err), 0);
}

/* Returns the object's id. */
static uint32_t put_alloc(uint64_t ns, unsigned cpu, uint32_t pfn, unsigned order)
{
	put((struct trace_rec){.time_ns = ns, .cpu = (uint16_t)cpu, .id = next_id, .pfn = pfn,
			       .order = (uint8_t)order, .kind = TRACE_PAGE_ALLOC},
	    GFP_KERNEL);
	return next_id++;
}

static void put_failed(uint64_t ns, unsigned cpu)
{
	put((struct trace_rec){.time_ns = ns, .cpu = (uint16_t)cpu, .id = TRACE_ID_NONE,
			       .pfn = TRACE_PFN_NONE, .order = 9, .kind = TRACE_PAGE_ALLOC,
			       .flags = TRACE_F_FAILED},
	    GFP_TRANSHUGE);
}

static void put_free(uint64_t ns, unsigned cpu, uint32_t id, uint32_t pfn, unsigned order)
{
	put((struct trace_rec){.time_ns = ns, .cpu = (uint16_t)cpu, .id = id, .pfn = pfn,
			       .order = (uint8_t)order, .kind = TRACE_PAGE_FREE,
			       .flags = id == TRACE_ID_NONE ? TRACE_F_PREEXISTING : 0},
	    0);
}

static void put_part(uint64_t ns, unsigned cpu, uint32_t id, uint32_t pfn, unsigned order,
		     uint32_t offset)
{
	put((struct trace_rec){.time_ns = ns, .cpu = (uint16_t)cpu, .id = id, .pfn = pfn + offset,
			       .aux = offset, .order = (uint8_t)order, .kind = TRACE_PAGE_FREE,
			       .flags = TRACE_F_PARTIAL},
	    0);
}

static void end(void)
{
	struct err err = {0};
	struct trace_report report = {0};
	int fd = -1;
	assert_int_equal(trace_writer_finish(writer, 0, &report, &fd, &err), 0);
	if (trace_open_fd(&trace, fd, "test", &err) != 0)
		fail_msg("%s", err.text);
	close(fd);
}

static void open_window(uint64_t start_ns, uint64_t end_ns, unsigned cpus)
{
	struct err err = {0};
	objects_init(&objects);
	assert_int_equal(workload_from_trace(&workload, &trace, start_ns, end_ns, &config, cpus,
					     &objects, &err), 0);
}

static void close_window(void)
{
	workload_release(&workload);
	objects_release(&objects);
}

static int setup(void **state)
{
	config_init(&config);
	return 0;
}

static int teardown(void **state)
{
	close_window();
	if (trace.map)
		trace_close(&trace);
	config_release(&config);
	return 0;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_fields(void **state)
{
	struct op op;
	begin();
	put_alloc(10, 0, 64, 3);
	put_failed(11, 0);
	put_free(12, 0, TRACE_ID_NONE, 4096, 5);
	put_part(13, 0, 0, 64, 1, 2);
	end();
	open_window(0, UINT64_MAX, 1);
	assert_int_equal(workload.ops_expected, 4);
	assert_true(workload_next(&workload, 0, &op));
	assert_int_equal(op.kind, OP_ALLOC);
	assert_int_equal(op.at_ps, 10000);
	assert_int_equal(op.id, 0);
	assert_int_equal(op.order, 3);
	assert_int_equal(op.gfp, GFP_KERNEL);
	assert_false(op.failed);
	assert_true(workload_next(&workload, 0, &op));
	assert_true(op.failed);
	assert_true(op.id == OP_ID_NONE && op.pfn == PFN_NONE);
	assert_int_equal(op.gfp, GFP_TRANSHUGE);
	assert_true(workload_next(&workload, 0, &op));
	assert_int_equal(op.kind, OP_FREE);
	assert_true(op.id == OP_ID_NONE);
	assert_int_equal(op.pfn, 4096);
	assert_int_equal(op.order, 5);
	assert_true(workload_next(&workload, 0, &op));
	assert_true(op.partial);
	assert_int_equal(op.offset, 2);
	assert_int_equal(op.order, 1);
	assert_false(workload_next(&workload, 0, &op));
	assert_false(workload_next(&workload, 0, &op));
}

/* 7 trace CPUs on 1, 2, 3, 7 and 9: every record once, on CPU modulo, by (time, position). */
static void test_merge(void **state)
{
	enum { RECORDS = 3000, TRACE_CPUS = 7 };
	static const unsigned cpus[] = {1, 2, 3, 7, 9};
	struct rng rng;
	unsigned source[RECORDS];
	uint64_t at[RECORDS], ns = 0;
	begin();
	rng_init(&rng, 3, 0);
	for (unsigned i = 0; i < RECORDS; i++) {
		ns += rng_below(&rng, 3); /* many are at the same time */
		source[i] = (unsigned)rng_below(&rng, TRACE_CPUS);
		at[i] = ns;
		put_alloc(ns, source[i], i, 0);
	}
	end();
	for (size_t k = 0; k < ARRAY_SIZE(cpus); k++) {
		open_window(0, UINT64_MAX, cpus[k]);
		assert_int_equal(workload.ops_expected, RECORDS);
		for (unsigned cpu = 0; cpu < cpus[k]; cpu++) {
			struct op op;
			for (unsigned i = 0; i < RECORDS; i++) {
				if (source[i] % cpus[k] != cpu)
					continue;
				assert_true(workload_next(&workload, cpu, &op));
				assert_int_equal(op.id, i);
				assert_int_equal(op.at_ps, at[i] * PS_PER_NS);
			}
			assert_false(workload_next(&workload, cpu, &op));
		}
		close_window();
	}
}

static void test_window(void **state)
{
	struct op op;
	begin();
	uint32_t gone = put_alloc(10, 0, 8, 3);
	uint32_t kept = put_alloc(20, 1, 16, 2);
	uint32_t later_freed = put_alloc(30, 0, 32, 0);
	put_free(40, 1, gone, 8, 3);
	uint32_t inside = put_alloc(100, 0, 64, 1); /* the start itself is inside */
	put_free(150, 1, later_freed, 32, 0);
	put_free(199, 1, inside, 64, 1);
	uint32_t after = put_alloc(200, 0, 128, 0); /* the end is outside */
	put_failed(201, 0);
	end();
	open_window(100, 200, 2);
	assert_int_equal(workload.ops_expected, 3);
	assert_int_equal(objects_get(&objects, kept)->state, OBJECT_RECORDED);
	assert_int_equal(objects_get(&objects, kept)->pfn, 16);
	assert_int_equal(objects_get(&objects, kept)->order, 2);
	assert_int_equal(objects_get(&objects, later_freed)->state, OBJECT_RECORDED);
	assert_int_equal(objects_get(&objects, inside)->state, OBJECT_UNBORN);
	assert_int_equal(objects_get(&objects, after)->state, OBJECT_FAILED);
	/* What failed in the recording is no object. */
	assert_true(objects.chunks_count < 1024);
	assert_true(workload_next(&workload, 0, &op));
	assert_int_equal(op.id, inside);
	assert_int_equal(op.at_ps, 0);
	assert_false(workload_next(&workload, 0, &op));
	assert_true(workload_next(&workload, 1, &op));
	assert_int_equal(op.id, later_freed);
	assert_int_equal(op.at_ps, 50 * PS_PER_NS);
	assert_true(workload_next(&workload, 1, &op));
	assert_int_equal(op.at_ps, 99 * PS_PER_NS);
	assert_false(workload_next(&workload, 1, &op));
}

/* Freed in parts before the window, by a CPU with a smaller number than the allocation's. */
static void test_parts_before_window(void **state)
{
	begin();
	uint32_t part = put_alloc(10, 1, 64, 3);
	uint32_t all = put_alloc(11, 1, 128, 1);
	put_part(20, 0, part, 64, 1, 2);
	put_part(21, 0, all, 128, 0, 0);
	put_part(22, 0, all, 128, 0, 1);
	put_part(120, 0, part, 64, 1, 0);
	end();
	open_window(100, UINT64_MAX, 2);
	struct object *o = objects_get(&objects, part);
	assert_int_equal(o->state, OBJECT_RECORDED);
	assert_true(o->parts);
	assert_int_equal(o->pages_left, 6);
	assert_int_equal(workload.ops_expected, 1);
}

static void test_empty_window(void **state)
{
	struct op op;
	begin();
	put_alloc(10, 0, 64, 3);
	end();
	open_window(11, UINT64_MAX, 3);
	assert_int_equal(workload.ops_expected, 0);
	for (unsigned cpu = 0; cpu < 3; cpu++)
		assert_false(workload_next(&workload, cpu, &op));
}

static void test_pace_and_scale(void **state)
{
	static const double scales[] = {1.0, 2.0, 0.5, 0.001};
	struct op op;
	begin();
	put_alloc(1000, 0, 64, 0);
	put_alloc(3000, 0, 65, 0);
	end();
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		config.workload.time_scale = scales[i];
		open_window(1000, UINT64_MAX, 1);
		assert_true(workload_next(&workload, 0, &op));
		assert_int_equal(op.at_ps, 0);
		assert_true(workload_next(&workload, 0, &op));
		assert_int_equal(op.at_ps, (ps_t)(2000000 * scales[i]));
		close_window();
	}
	config.workload.pace = PACE_BACK_TO_BACK;
	open_window(0, UINT64_MAX, 1);
	while (workload_next(&workload, 0, &op))
		assert_int_equal(op.at_ps, 0);
}

/*
 * Simulated time ends after 2^64 ps, 213 days: a recording stretched beyond is refused, not
 * wrapped.
 */
static void test_stretched_too_far(void **state)
{
	struct err err = {0};
	begin();
	put_alloc(0, 0, 64, 0);
	put_alloc(UINT64_C(100000000000000), 0, 65, 0); /* 28 hours */
	end();
	objects_init(&objects);
	config.workload.time_scale = 1000;
	assert_int_equal(workload_from_trace(&workload, &trace, 0, UINT64_MAX, &config, 1, &objects,
					     &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "time_scale"));
}

/* A trace of two CPUs: CPU 0 allocates, CPU 1 frees that and a block older than the recording. */
static void put_two_cpus(void)
{
	begin();
	put_alloc(1000, 0, 64, 0);
	put_free(2000, 1, TRACE_ID_NONE, 4096, 0);
	put_free(3000, 1, 0, 64, 0);
	end();
}

static void expect(unsigned cpu, enum op_kind kind, uint64_t id, ps_t at_ps)
{
	struct op op;
	assert_true(workload_next(&workload, cpu, &op));
	assert_int_equal(op.kind, kind);
	assert_true(op.id == id);
	assert_int_equal(op.at_ps, at_ps);
}

static void expect_end(unsigned cpu)
{
	struct op op;
	assert_false(workload_next(&workload, cpu, &op));
}

/* Each copy has CPUs and ids of its own; the old block is freed once. */
static void test_copies(void **state)
{
	put_two_cpus();
	config.workload.copies = 3;
	open_window(0, UINT64_MAX, 6);
	assert_int_equal(workload.ops_expected, 9);
	for (unsigned copy = 0; copy < 3; copy++) {
		uint64_t id = (uint64_t)copy * OBJECT_CHUNK_SIZE;
		expect(2 * copy, OP_ALLOC, id, 1000000);
		expect_end(2 * copy);
		if (copy == 0)
			expect(1, OP_FREE, OP_ID_NONE, 2000000);
		expect(2 * copy + 1, OP_FREE, id, 3000000);
		expect_end(2 * copy + 1);
	}
	assert_int_equal(workload.older_frees_left_out_count, 2);
}

/* Three CPUs for three copies of two: what they share is merged by position, then by copy. */
static void test_copies_share_cpus(void **state)
{
	put_two_cpus();
	config.workload.copies = 3;
	open_window(0, UINT64_MAX, 3);
	expect(0, OP_ALLOC, 0, 1000000); /* copy 0, CPU 0; copy 1, CPU 1 */
	expect(0, OP_FREE, OBJECT_CHUNK_SIZE, 3000000);
	expect_end(0);
	expect(1, OP_ALLOC, 2 * OBJECT_CHUNK_SIZE, 1000000); /* copy 0, CPU 1; copy 2, CPU 0 */
	expect(1, OP_FREE, OP_ID_NONE, 2000000);
	expect(1, OP_FREE, 0, 3000000);
	expect_end(1);
	expect(2, OP_ALLOC, OBJECT_CHUNK_SIZE, 1000000); /* copy 1, CPU 0; copy 2, CPU 1 */
	expect(2, OP_FREE, 2 * OBJECT_CHUNK_SIZE, 3000000);
	expect_end(2);
	close_window();
	open_window(0, UINT64_MAX, 1);
	for (unsigned copy = 0; copy < 3; copy++)
		expect(0, OP_ALLOC, (uint64_t)copy * OBJECT_CHUNK_SIZE, 1000000);
	expect(0, OP_FREE, OP_ID_NONE, 2000000);
	for (unsigned copy = 0; copy < 3; copy++)
		expect(0, OP_FREE, (uint64_t)copy * OBJECT_CHUNK_SIZE, 3000000);
	expect_end(0);
}

/* An offset is of simulated time: it is not scaled, and holds back to back for the first alone. */
static void test_copies_offset(void **state)
{
	struct err err = {0};
	put_two_cpus();
	config.workload.copies = 2;
	config.workload.copies_offset_ns = 500;
	config.workload.time_scale = 2;
	open_window(0, UINT64_MAX, 4);
	expect(0, OP_ALLOC, 0, 2000000);
	expect(2, OP_ALLOC, OBJECT_CHUNK_SIZE, 2500000);
	expect(3, OP_FREE, OBJECT_CHUNK_SIZE, 6500000);
	close_window();
	config.workload.pace = PACE_BACK_TO_BACK;
	trace_close(&trace);
	begin();
	put_alloc(1000, 0, 64, 0);
	put_alloc(1000, 0, 65, 0);
	end();
	open_window(0, UINT64_MAX, 2);
	expect(0, OP_ALLOC, 0, 0);
	expect(1, OP_ALLOC, OBJECT_CHUNK_SIZE, 500000);
	expect(1, OP_ALLOC, OBJECT_CHUNK_SIZE + 1, 0);
	close_window();
	assert_int_equal(workload_from_trace(&workload, &trace, 0, UINT64_MAX, &config, 1, &objects,
					     &err), -1);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.text, "need 2 CPUs; machine.cpus is 1"));
	close_window();
	config.workload.copies = WORKLOAD_COPIES_MAX;
	config.workload.copies_offset_ns = UINT64_C(1000000000000000);
	assert_int_equal(workload_from_trace(&workload, &trace, 0, UINT64_MAX, &config, 256,
					     &objects, &err), -1);
	assert_non_null(strstr(err.text, "copies_offset"));
}

/* Objects that a copy leaves out are dropped by its ids: nothing of them stays in the table. */
static void test_copies_left_out(void **state)
{
	struct op op;
	begin();
	for (unsigned i = 0; i < OBJECT_CHUNK_SIZE; i++)
		put_alloc(1000 + i, 0, 64 + i, 0);
	end();
	config.workload.copies = 4;
	config.workload.level = LEVEL_OBJECTS;
	open_window(0, UINT64_MAX, 4);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		assert_false(workload_next(&workload, cpu, &op));
	assert_true(objects.chunks_count >= 4);
	assert_int_equal(objects.live_chunks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parts_before_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pace_and_scale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stretched_too_far, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies_share_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies_offset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies_left_out, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
