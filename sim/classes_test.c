/*
 * Tests of classes.c: known optima from traces, both weights against sums done by hand, what is
 * left out, and traces with nothing to choose from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "sim/classes.h"

static const struct classes_options usual = {13, 8, 8192, false};

/* A trace in the making, on two CPUs in turn: a record every microsecond. */
struct maker {
	struct trace_writer *w;
	uint32_t seq, ids;
};

static void maker_init(struct maker *m)
{
	struct err err = {0};
	*m = (struct maker){.w = trace_writer_new(NULL, &err)};
	assert_non_null(m->w);
}

static void add(struct maker *m, struct trace_rec r)
{
	struct err err = {0};
	r.time_ns = m->seq * 1000ull;
	r.seq = m->seq++;
	r.cpu = (uint16_t)(r.seq & 1);
	assert_int_equal(trace_writer_add(m->w, &r, 0, &err), 0);
}

static uint32_t add_kmalloc(struct maker *m, uint32_t bytes)
{
	add(m, (struct trace_rec){
		       .id = m->ids, .pfn = 256 + m->ids, .aux = bytes, .kind = TRACE_KMALLOC});
	return m->ids++;
}

static void add_failed(struct maker *m, uint32_t bytes)
{
	add(m, (struct trace_rec){.id = TRACE_ID_NONE,
				  .pfn = TRACE_PFN_NONE,
				  .aux = bytes,
				  .kind = TRACE_KMALLOC,
				  .flags = TRACE_F_FAILED});
}

static void add_free(struct maker *m, uint32_t id)
{
	add(m, (struct trace_rec){.id = id,
				  .pfn = 256 + id,
				  .cache = TRACE_CACHE_NONE,
				  .kind = TRACE_OBJECT_FREE});
}

static void add_page(struct maker *m)
{
	add(m, (struct trace_rec){.id = m->ids, .pfn = 256 + m->ids, .kind = TRACE_PAGE_ALLOC});
	m->ids++;
}

/* Finish the trace and look at it; what classes_find() returns. */
static int find(struct maker *m, const struct classes_options *o, struct classes_report *r,
		struct err *err)
{
	struct trace t;
	struct trace_report report = {0};
	int fd;
	assert_int_equal(trace_writer_finish(m->w, 0, &report, &fd, err), 0);
	if (trace_open_fd(&t, fd, "made", err) != 0)
		fail_msg("%s", err->text);
	int ret = classes_find(&t, "made", o, r, err);
	trace_close(&t);
	close(fd);
	return ret;
}

static void find_ok(struct maker *m, const struct classes_options *o, struct classes_report *r)
{
	struct err err = {0};
	if (find(m, o, r, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_best(const struct classes_report *r, const uint32_t *wanted, unsigned count)
{
	assert_int_equal(r->best.classes_count, count);
	assert_memory_equal(r->best.classes_bytes, wanted, count * sizeof(*wanted));
}

static void add_mix(struct maker *m)
{
	static const uint32_t mix[][2] = {{6, 15},  {8, 15}, {18, 40}, {22, 5},
					  {36, 10}, {40, 5}, {60, 10}};
	for (size_t i = 0; i < ARRAY_SIZE(mix); i++)
		for (unsigned k = 0; k < mix[i][1]; k++)
			add_kmalloc(m, mix[i][0]);
}

/* O36: 3.6 bytes a request, where 8 16 32 64 waste 10.8. */
static void known_optimum(void **state)
{
	static const uint32_t best[] = {8, 24, 40, 64}, pow2[] = {8, 16, 32, 64};
	struct classes_options o = usual;
	struct classes_report r;
	struct maker m;
	o.classes_max = 4;
	o.request_bytes_max = 64;
	maker_init(&m);
	add_mix(&m);
	find_ok(&m, &o, &r);
	assert_best(&r, best, 4);
	assert_int_equal(r.requests_count, 100);
	assert_int_equal(r.requested_bytes, 2200);
	assert_int_equal(r.best.waste_bytes, 360);
	assert_int_equal(r.powers.classes_count, 4);
	assert_memory_equal(r.powers.classes_bytes, pow2, sizeof(pow2));
	assert_int_equal(r.powers.waste_bytes, 1080);
	assert_int_equal(r.linux_set.waste_bytes, 1080);
	assert_int_equal(r.uses[0].requests_count, 30);
	assert_int_equal(r.uses[0].waste_bytes, 30);
	assert_int_equal(r.uses[1].requests_count, 45);
	assert_int_equal(r.uses[1].waste_bytes, 250);
	assert_int_equal(r.uses[2].waste_bytes, 40);
	assert_int_equal(r.uses[3].waste_bytes, 40);
}

static void more_classes_than_sizes(void **state)
{
	static const uint32_t best[] = {8, 24, 40, 64}, wide[] = {48, 96};
	struct classes_options o = usual;
	struct classes_report r;
	struct maker m;
	o.classes_max = KMALLOC_CLASSES_LIMIT;
	maker_init(&m);
	add_mix(&m);
	find_ok(&m, &o, &r);
	assert_best(&r, best, 4);
	o.grid_bytes = 48;
	maker_init(&m);
	add_mix(&m);
	find_ok(&m, &o, &r);
	assert_best(&r, wide, 2);
}

static void left_out(void **state)
{
	static const uint32_t best[] = {104, 8192};
	struct classes_report r;
	struct maker m;
	maker_init(&m);
	add_page(&m);
	add_kmalloc(&m, 100);
	add_kmalloc(&m, 0);
	add_kmalloc(&m, 8192);
	add_kmalloc(&m, 8193);
	add_kmalloc(&m, UINT32_MAX);
	add_failed(&m, 300);
	find_ok(&m, &usual, &r);
	assert_best(&r, best, 2);
	assert_int_equal(r.requests_count, 2);
	assert_int_equal(r.requested_bytes, 8292);
	assert_int_equal(r.zero_count, 1);
	assert_int_equal(r.large_count, 2);
	assert_int_equal(r.failed_count, 1);
}

/* Nine requests of 20 that are freed at once, one of 40 that stays: the weights disagree. */
static void by_time(void **state)
{
	static const uint32_t by_requests[] = {24, 64}, by_lifetime[] = {40, 64};
	struct classes_options o = usual;
	struct classes_report r;
	o.classes_max = 2;
	for (unsigned pass = 0; pass < 2; pass++) {
		struct maker m;
		o.by_time = pass;
		maker_init(&m);
		add_kmalloc(&m, 40);
		for (unsigned i = 0; i < 9; i++)
			add_free(&m, add_kmalloc(&m, 20));
		add_kmalloc(&m, 64); /* at 19 us; the last record is at 20 us */
		add_page(&m);
		find_ok(&m, &o, &r);
		assert_best(&r, pass ? by_lifetime : by_requests, 2);
		assert_int_equal(r.span_ns, 20000);
		/* 40 for 20 us, 20 for 9 us, 64 for 1 us */
		assert_float_equal(r.held_bytes, (40 * 20 + 20 * 9 + 64) / 20.0, 1e-9);
		assert_int_equal(r.best.waste_bytes, pass ? 9 * 20 : 9 * 4 + 24);
		assert_float_equal(r.best.held_waste_bytes,
				   pass ? 20 * 9 / 20.0 : (4 * 9 + 24 * 20) / 20.0, 1e-9);
		assert_float_equal(r.uses[0].live_count, pass ? 29 / 20.0 : 9 / 20.0, 1e-9);
	}
}

/* Linux serves what is above its classes with blocks of pages. */
static void pages_above_linux(void **state)
{
	struct classes_options o = usual;
	struct classes_report r;
	struct maker m;
	o.request_bytes_max = 64 << 10;
	maker_init(&m);
	add_kmalloc(&m, 20000);
	find_ok(&m, &o, &r);
	assert_int_equal(r.linux_set.waste_bytes, 32768 - 20000);
	assert_int_equal(r.powers.waste_bytes, 32768 - 20000);
	assert_int_equal(r.powers.classes_bytes[r.powers.classes_count - 1], 65536);
	assert_int_equal(r.best.waste_bytes, 0);
}

static void nothing_to_choose(void **state)
{
	struct classes_options o = usual;
	struct classes_report r;
	for (unsigned pass = 0; pass < 3; pass++) {
		struct err err = {0};
		struct maker m;
		maker_init(&m);
		if (pass == 1)
			add_kmalloc(&m, 9000);
		if (pass == 2) /* as the last record it lives for no time */
			add_kmalloc(&m, 100);
		o.by_time = pass == 2;
		assert_int_equal(find(&m, &o, &r, &err), -1);
		assert_int_equal(err.code, ERR_TRACE);
		assert_non_null(strstr(err.text, pass == 2 ? "made: no kmalloc lives for any time"
							   : "made: no kmalloc of 1 to 8192"));
	}
}

/* A trace that spans centuries: sums of lifetimes times bytes exceed 64 bits. */
static void long_lifetimes(void **state)
{
	static const uint32_t best[] = {8184, 8192};
	struct err err = {0};
	struct classes_report r;
	struct classes_options o = usual;
	struct maker m;
	o.by_time = true;
	maker_init(&m);
	for (unsigned i = 0; i < 40; i++)
		add_kmalloc(&m, i & 1 ? 8190 : 8181);
	struct trace_rec last = {.time_ns = UINT64_MAX / 4, .seq = m.seq, .id = m.ids, .pfn = 1,
				 .kind = TRACE_PAGE_ALLOC};
	assert_int_equal(trace_writer_add(m.w, &last, 0, &err), 0);
	find_ok(&m, &o, &r);
	assert_best(&r, best, 2);
	assert_float_equal(r.best.held_waste_bytes, 20 * 2 + 20 * 3, 1e-3);
	assert_float_equal(r.linux_set.held_waste_bytes, 20 * 2 + 20 * 11, 1e-3);
}

static void printed(void **state)
{
	static const char *const wanted[] = {
		"kmalloc    100 requests of 2200 bytes; ",
		"\n13 of Linux                       1080    49.1 % ",
		"\n 4 best by requests                360    16.4 % ",
		"\nMore than 4 would waste no less.\n",
		"\n--set 'kmalloc.classes=[8, 24, 40, 64]'\n",
		"\n     24         45            5.6 ",
	};
	struct classes_report r;
	struct maker m;
	char *text = NULL;
	size_t bytes;
	maker_init(&m);
	add_mix(&m);
	find_ok(&m, &usual, &r);
	FILE *f = open_memstream(&text, &bytes);
	assert_non_null(f);
	classes_print(&r, f);
	fclose(f);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("lacks \"%s\":\n%s", wanted[i], text);
	free(text);
}

static double number(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	if (!cJSON_IsNumber(item))
		fail_msg("no number %s", key);
	return item->valuedouble;
}

static void printed_json(void **state)
{
	struct classes_report r;
	struct maker m;
	char *text = NULL;
	size_t bytes;
	maker_init(&m);
	add_mix(&m);
	find_ok(&m, &usual, &r);
	FILE *f = open_memstream(&text, &bytes);
	assert_non_null(f);
	classes_print_json(&r, "made", f);
	fclose(f);
	cJSON *j = cJSON_Parse(text);
	assert_non_null(j);
	assert_int_equal((int)number(j, "schema_version"), CLASSES_SCHEMA_VERSION);
	assert_int_equal((int)number(j, "requests_count"), 100);
	assert_int_equal((int)number(j, "requested_bytes"), 2200);
	const cJSON *best = cJSON_GetObjectItemCaseSensitive(j, "best");
	assert_int_equal((int)number(best, "waste_bytes"), 360);
	assert_int_equal((int)number(cJSON_GetObjectItemCaseSensitive(j, "linux"), "waste_bytes"),
			 1080);
	const cJSON *classes = cJSON_GetObjectItemCaseSensitive(j, "best_classes");
	assert_int_equal(cJSON_GetArraySize(classes), 4);
	assert_int_equal((int)number(cJSON_GetArrayItem(classes, 3), "class_bytes"), 64);
	assert_int_equal((int)number(cJSON_GetArrayItem(classes, 3), "requests_count"), 10);
	cJSON_Delete(j);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_optimum),     cmocka_unit_test(more_classes_than_sizes),
		cmocka_unit_test(left_out),          cmocka_unit_test(by_time),
		cmocka_unit_test(pages_above_linux), cmocka_unit_test(nothing_to_choose),
		cmocka_unit_test(long_lifetimes),    cmocka_unit_test(printed),
		cmocka_unit_test(printed_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
