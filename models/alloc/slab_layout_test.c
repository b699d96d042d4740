/*
 * Tests of slab_layout.c: order, objects, place of the index, colours, against figures that were
 * worked out by hand or published.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"

static const struct slab_order_limits automatic = {.max_order = SLAB_ORDER_AUTO,
						   .largest_order = 10};

static void empty_ctor(void *object, uint64_t object_size_bytes)
{
}

static double bytes_per_object(const struct slab_layout *l)
{
	return (double)slab_bytes(l) / l->objects_count;
}

static struct slab_layout layout_of(struct object_cache_params params)
{
	struct slab_layout l;
	struct err err = {0};
	params.name = "test";
	if (slab_layout_choose(&l, &params, params.flags, &automatic, &err))
		fail_msg("%s", err.text);
	return l;
}

/*
 * Bytes that an object of a size class takes with a byte index on the slab: nine sizes in classes
 * of 32 bytes and more.
 */
static void index_on_slab(void **state)
{
	static const struct {
		unsigned asked, class;
		double held;
	} rows[] = {{8, 32, 33.0323},    {24, 32, 33.0323},   {32, 32, 33.0323},
		    {64, 64, 65.0159},   {100, 128, 132.129}, {128, 128, 132.129},
		    {192, 192, 195.048}, {256, 256, 273.067}, {700, 1024, 1170.286}};
	double held = 0, asked = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_layout l = {.size_bytes = rows[i].class};
		assert_true(slab_layout_order(&l, SLAB_INDEX_ON_SLAB, &automatic));
		assert_float_equal(bytes_per_object(&l), rows[i].held, 1e-3);
		held += bytes_per_object(&l);
		asked += rows[i].asked;
	}
	assert_float_equal(held / asked, 1.3741827, 1e-6);
}

/* The index lies in a free object if that is large enough for it. */
static void index_in_object(void **state)
{
	static const struct {
		unsigned size, order, objects;
		enum slab_index_place place;
	} rows[] = {
		{8, 0, 240, SLAB_INDEX_ON_SLAB},  /* rounded up to 16 bytes */
		{32, 0, 124, SLAB_INDEX_ON_SLAB}, /* 128 bytes of index don't fit into 32 */
		{64, 0, 64, SLAB_INDEX_IN_OBJECT},
		{96, 0, 42, SLAB_INDEX_IN_OBJECT},
		{128, 0, 32, SLAB_INDEX_IN_OBJECT},
		{256, 0, 16, SLAB_INDEX_IN_OBJECT},
		{1024, 0, 4, SLAB_INDEX_IN_OBJECT},
		{704, 1, 11, SLAB_INDEX_IN_OBJECT}, /* at order 0, 576 * 8 > 4096 are left */
		{3072, 1, 2, SLAB_INDEX_IN_OBJECT}, /* wasteful, but larger is not allowed */
		{8192, 1, 1, SLAB_INDEX_IN_OBJECT},
		{OBJECT_BYTES_MAX, 10, 1, SLAB_INDEX_IN_OBJECT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_layout l =
			layout_of((struct object_cache_params){.object_size_bytes = rows[i].size});
		assert_int_equal(l.index_place, rows[i].place);
		assert_int_equal(l.order, rows[i].order);
		assert_int_equal(l.objects_count, rows[i].objects);
		assert_int_equal(l.index_entry_bytes, 1);
	}
}

/* Free objects that have to keep their contents hold no index: 512 bytes and more put it outside.
 */
static void index_off_slab(void **state)
{
	static const struct {
		unsigned size, flags;
		bool ctor;
		enum slab_index_place place;
		unsigned objects;
	} rows[] = {
		{256, 0, true, SLAB_INDEX_ON_SLAB, 15},
		{256, CACHE_TYPESAFE_BY_RCU, false, SLAB_INDEX_ON_SLAB, 15},
		{256, CACHE_POISON, false, SLAB_INDEX_ON_SLAB, 15},
		{512, 0, true, SLAB_INDEX_OFF_SLAB, 8},
		{1024, CACHE_TYPESAFE_BY_RCU, false, SLAB_INDEX_OFF_SLAB, 4},
		{1000, 0, true, SLAB_INDEX_ON_SLAB, 4}, /* 96 bytes are left anyway */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_layout l = layout_of((struct object_cache_params){
			.object_size_bytes = rows[i].size,
			.flags = rows[i].flags,
			.ctor = rows[i].ctor ? empty_ctor : NULL,
		});
		assert_int_equal(l.index_place, rows[i].place);
		assert_int_equal(l.objects_count, rows[i].objects);
	}
}

/* The slab of text books: a head of 32 bytes and one word with a bit for each object. */
static void better_than_one_word(void **state)
{
	static const struct {
		unsigned size, objects;
	} rows[] = {{8, 64}, {32, 64}, {63, 64}, {64, 63}, {128, 31}, {700, 5}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t left;
		unsigned text_book = (unsigned)u64_min(64, (PAGE_BYTES - 32) / rows[i].size);
		assert_int_equal(text_book, rows[i].objects);
		assert_true(slab_layout_objects(rows[i].size, 0, SLAB_INDEX_ON_SLAB, &left) >=
			    text_book);
	}
}

static void orders(void **state)
{
	struct slab_layout l = {.size_bytes = 3072};
	struct slab_order_limits limits = {.max_order = 3, .largest_order = 10};
	assert_true(slab_layout_order(&l, SLAB_INDEX_IN_OBJECT, &limits));
	assert_int_equal(l.order, 2); /* 5 objects, 1024 * 8 <= 16384 left */
	assert_int_equal(l.objects_count, 5);

	l = (struct slab_layout){.size_bytes = 3072, .flags = CACHE_RECLAIM_ACCOUNT};
	assert_true(slab_layout_order(&l, SLAB_INDEX_IN_OBJECT, &limits));
	assert_int_equal(l.order, 0); /* the first that holds one */

	l = (struct slab_layout){.size_bytes = 256};
	limits.min_order = 2;
	assert_true(slab_layout_order(&l, SLAB_INDEX_IN_OBJECT, &limits));
	assert_int_equal(l.order, 2);
	l.size_bytes = 64;
	assert_true(slab_layout_order(&l, SLAB_INDEX_IN_OBJECT, &limits));
	assert_int_equal(l.order, 1); /* order 2 would have 256 objects, more than bytes number */

	l.size_bytes = UINT64_C(8) << 20;
	assert_false(slab_layout_order(&l, SLAB_INDEX_IN_OBJECT, &limits));
}

static void colours(void **state)
{
	struct slab_layout l;
	struct err err = {0};
	const struct slab_order_limits pages = {.max_order = 0, .largest_order = 10};
	struct object_cache_params params = {
		.name = "c704", .object_size_bytes = 704, .ctor = empty_ctor};
	assert_int_equal(slab_layout_choose(&l, &params, 0, &pages, &err), 0);
	assert_int_equal(l.objects_count, 5);
	assert_int_equal(l.left_bytes, 571);
	assert_int_equal(l.colours_count, 8);
	assert_int_equal(l.colour_off_bytes, 64);

	params.align_bytes = 256; /* stride 768, 5 * 769 bytes: 251 left */
	assert_int_equal(slab_layout_choose(&l, &params, 0, &pages, &err), 0);
	assert_int_equal(l.size_bytes, 768);
	assert_int_equal(l.left_bytes, 251);
	assert_int_equal(l.colour_off_bytes, 256);
	assert_int_equal(l.colours_count, 1);
}

static void alignment(void **state)
{
	static const struct {
		unsigned size, align, flags, stride;
	} rows[] = {
		{100, 0, 0, 104},
		{100, 64, 0, 128},
		{100, 8192, 0, 8192}, /* larger than a page */
		{100, 0, CACHE_HWCACHE_ALIGN, 128},
		{33, 0, CACHE_HWCACHE_ALIGN, 64},
		{32, 0, CACHE_HWCACHE_ALIGN, 32}, /* half a line */
		{20, 0, CACHE_HWCACHE_ALIGN, 32},
		{1, 0, 0, 16},
		{24, 0, CACHE_RED_ZONE, 40},                   /* 8 + 24 + 8 */
		{24, 0, CACHE_RED_ZONE | CACHE_KMALLOC, 48},   /* and the size asked for */
		{20, 32, CACHE_RED_ZONE, 64},                  /* 32 + 24 + 8 */
		{30, 64, CACHE_RED_ZONE | CACHE_KMALLOC, 128}, /* 64 + 32 + 8 + 8, rounded up */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_layout l = layout_of((struct object_cache_params){
			.object_size_bytes = rows[i].size,
			.align_bytes = rows[i].align,
			.flags = rows[i].flags,
		});
		assert_int_equal(l.size_bytes, rows[i].stride);
	}
}

static void recorded(void **state)
{
	struct slab_layout l = layout_of((struct object_cache_params){
		.object_size_bytes = 8, .size_bytes = 8, .objects_per_slab = 512});
	assert_int_equal(l.index_place, SLAB_INDEX_OFF_SLAB); /* no room for 1024 bytes */
	assert_int_equal(l.index_entry_bytes, 2);
	l = layout_of((struct object_cache_params){.object_size_bytes = 1024,
						   .size_bytes = 1024,
						   .objects_per_slab = 7,
						   .slab_order = 1,
						   .ctor = empty_ctor});
	assert_int_equal(l.index_place, SLAB_INDEX_ON_SLAB);
	assert_int_equal(l.left_bytes, 1017);
	l = layout_of((struct object_cache_params){.object_size_bytes = 184,
						   .size_bytes = 192,
						   .objects_per_slab = 21,
						   .flags = CACHE_RED_ZONE});
	assert_int_equal(l.index_place, SLAB_INDEX_IN_OBJECT);
	assert_int_equal(l.flags & CACHE_RED_ZONE, 0); /* no room for guards */
}

static void refused(void **state)
{
	static const struct {
		struct object_cache_params params;
		const char *text;
	} rows[] = {
		{{.object_size_bytes = 0}, "objects of 0 bytes"},
		{{.object_size_bytes = OBJECT_BYTES_MAX + 1}, "objects of 4194305 bytes"},
		{{.object_size_bytes = UINT64_C(1) << 63}, "objects of 9223372036854775808 bytes"},
		{{.object_size_bytes = 8, .align_bytes = 24}, "alignment 24 is no power of two"},
		{{.object_size_bytes = 8, .align_bytes = 8 << 20}, "alignment 8388608"},
		{{.object_size_bytes = 100, .size_bytes = 96}, "a recorded size of 96 bytes"},
		{{.object_size_bytes = 100, .size_bytes = 108}, "a recorded size of 108 bytes"},
		{{.object_size_bytes = 64, .size_bytes = 64, .objects_per_slab = 65},
		 "can't hold 65 objects of 64 bytes"},
		{{.object_size_bytes = 64,
		  .size_bytes = 64,
		  .objects_per_slab = 1,
		  .slab_order = 11},
		 "a slab of order 11"},
		{{.object_size_bytes = OBJECT_BYTES_MAX, .flags = CACHE_RED_ZONE},
		 "no slab can hold"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct object_cache_params params = rows[i].params;
		struct slab_layout l;
		struct err err = {0};
		params.name = "bad";
		assert_int_equal(slab_layout_choose(&l, &params, params.flags, &automatic, &err),
				 -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.text, "cache bad: "));
		assert_non_null(strstr(err.text, rows[i].text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_on_slab),  cmocka_unit_test(index_in_object),
		cmocka_unit_test(index_off_slab), cmocka_unit_test(better_than_one_word),
		cmocka_unit_test(orders),         cmocka_unit_test(colours),
		cmocka_unit_test(alignment),      cmocka_unit_test(recorded),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
