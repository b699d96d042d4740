/*
 * Tests of slub_layout.c: every cache of a recorded kernel, kmalloc caches of a server, orders by
 * size and number of CPUs, and what is lost to rounding and slab tails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slub.h"

static struct physmem machine = {.max_order = 10};

static void no_ctor(void *object, uint64_t bytes)
{
}

static struct object_allocator_params params_for(unsigned cpus)
{
	struct object_allocator_params p;
	object_params_init(&p);
	p.pm = &machine;
	p.cpus_count = cpus;
	return p;
}

static struct slub_layout layout(uint64_t bytes, uint64_t align, unsigned flags, unsigned cpus)
{
	struct object_allocator_params p = params_for(cpus);
	const struct object_cache_params c = {
		.name = "test", .object_size_bytes = bytes, .align_bytes = align, .flags = flags};
	struct slub_layout l;
	struct err err = {0};
	if (slub_layout_init(&l, &c, flags, &p, &err) != 0)
		fail_msg("%llu bytes: %s", (unsigned long long)bytes, err.text);
	return l;
}

/* --- a recorded kernel ------------------------------------------------------------------------ */

static const struct row {
	const char *name;
	unsigned object_size, size, align, order, objects, cpu_partial, min_partial;
} rows[] = {
#define ROW(...) {__VA_ARGS__},
#include "alloc/slub_rows_6_18.inc"
#undef ROW
};

/* Caches that have a constructor or are read under RCU, so that the link lies behind the object. */
static const char *const link_behind[] = {"TCP",
					  "TCPv6",
					  "anon_vma",
					  "bio-448",
					  "btrfs_inode",
					  "debugfs_inode_cache",
					  "erofs_inode",
					  "ext4_inode_cache",
					  "hugetlbfs_inode_cache",
					  "inode_cache",
					  "jbd2_journal_head",
					  "ovl_inode",
					  "proc_inode_cache",
					  "radix_tree_node",
					  "request_sock_TCP",
					  "request_sock_TCPv6",
					  "request_sock_subflow_v4",
					  "request_sock_subflow_v6",
					  "shmem_inode_cache",
					  "sock_inode_cache",
					  "tracefs_inode_cache",
					  "tw_sock_TCP",
					  "tw_sock_TCPv6"};

static bool has_link_behind(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(link_behind); i++) {
		if (!strcmp(name, link_behind[i]))
			return true;
	}
	return false;
}

static unsigned differs(const struct row *r, unsigned flags)
{
	struct slub_layout l = layout(r->object_size, r->align, flags, 2);
	bool same = l.object_size == r->object_size && l.size == r->size && l.align == r->align &&
		    l.order == r->order && l.objects == r->objects &&
		    l.cpu_partial_objects == r->cpu_partial && l.min_partial == r->min_partial;
	if (!same)
		print_message("%s: size %u, align %u, order %u, %u objects, %u, %u\n", r->name,
			      l.size, l.align, l.order, l.objects, (unsigned)l.cpu_partial_objects,
			      (unsigned)l.min_partial);
	return !same;
}

static void all_rows_of_a_recorded_kernel(void **state)
{
	unsigned wrong = 0, behind = 0;
	assert_int_equal(ARRAY_SIZE(rows), 235);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned flags = has_link_behind(rows[i].name) ? CACHE_TYPESAFE_BY_RCU : 0;
		behind += flags ? 1 : 0;
		wrong += differs(&rows[i], flags);
	}
	assert_int_equal(behind, ARRAY_SIZE(link_behind));
	assert_int_equal(wrong, 0);
}

/*
 * vm_area_struct is read under RCU, but names a place inside itself for the link. The contract of
 * object allocators has no such wish: with CACHE_TYPESAFE_BY_RCU the cache comes out one line
 * larger, with the recorded layout or without the flag it comes out as recorded.
 */
static void the_row_that_differs(void **state)
{
	struct slub_layout l = layout(192, 64, CACHE_TYPESAFE_BY_RCU, 2);
	assert_int_equal(l.size, 256);
	assert_int_equal(l.objects, 16);
	struct object_allocator_params p = params_for(2);
	const struct object_cache_params recorded = {
		.name = "vm_area_struct",
		.object_size_bytes = 192,
		.align_bytes = 64,
		.flags = CACHE_TYPESAFE_BY_RCU,
		.size_bytes = 192,
		.objects_per_slab = 21,
	};
	struct err err = {0};
	assert_int_equal(slub_layout_init(&l, &recorded, recorded.flags, &p, &err), 0);
	assert_int_equal(l.size, 192);
	assert_int_equal(l.link_offset, 96);
}

/* --- other machines --------------------------------------------------------------------------- */

/* Number of objects and pages of slabs, as /proc/slabinfo prints them. */
static const struct {
	unsigned bytes, align, flags, cpus, objects, pages;
} slabinfo[] = {
	/* 6.18, 2 CPUs */
	{1120, 8, CACHE_TYPESAFE_BY_RCU, 2, 14, 4}, /* ext4_inode_cache */
	{576, 64, 0, 2, 14, 2},                     /* skbuff_small_head */
	{224, 64, 0, 2, 16, 1},                     /* skbuff_head_cache */
	{184, 64, 0, 2, 21, 1},                     /* filp */
	{616, 8, CACHE_TYPESAFE_BY_RCU, 2, 13, 2},  /* inode_cache */
	{192, 8, 0, 2, 21, 1},                      /* dentry */
	{4240, 64, 0, 2, 7, 8},                     /* task_struct */
	{576, 8, CACHE_TYPESAFE_BY_RCU, 2, 14, 2},  /* radix_tree_node */
	{8192, 8, 0, 2, 4, 8},
	{4096, 8, 0, 2, 8, 8},
	{2048, 8, 0, 2, 16, 8},
	{1024, 8, 0, 2, 16, 4},
	{512, 8, 0, 2, 16, 2},
	{256, 8, 0, 2, 16, 1},
	{128, 8, 0, 2, 32, 1},
	{64, 8, 0, 2, 64, 1},
	{192, 8, 0, 2, 21, 1},
	{96, 8, 0, 2, 42, 1},
	{8, 8, 0, 2, 512, 1},
	/* kmalloc of 5.10 on a server with 128 CPUs */
	{8192, 8, 0, 128, 4, 8},
	{4096, 8, 0, 128, 8, 8},
	{2048, 8, 0, 128, 16, 8},
	{1024, 8, 0, 128, 32, 8},
	{512, 8, 0, 128, 64, 8},
	{256, 8, 0, 128, 64, 4},
	{128, 8, 0, 128, 64, 2},
	{64, 8, 0, 128, 64, 1},
	{192, 8, 0, 128, 42, 2},
	{96, 8, 0, 128, 42, 1},
	{32, 8, 0, 128, 128, 1},
	{16, 8, 0, 128, 256, 1},
	{8, 8, 0, 128, 512, 1},
};

static void slabinfo_of_two_machines(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(slabinfo); i++) {
		struct slub_layout l = layout(slabinfo[i].bytes, slabinfo[i].align,
					      slabinfo[i].flags, slabinfo[i].cpus);
		if (l.objects != slabinfo[i].objects || 1u << l.order != slabinfo[i].pages)
			fail_msg("row %u, %u bytes: %u objects in %u pages", i, slabinfo[i].bytes,
				 l.objects, 1u << l.order);
	}
}

/* order/objects for 1, 2, 4, 8, 16 and 64 CPUs. */
static const unsigned cpu_counts[] = {1, 2, 4, 8, 16, 64};
static const struct {
	unsigned bytes;
	struct {
		unsigned order, objects;
	} by_cpus[6];
} orders[] = {
	{136, {{0, 30}, {0, 30}, {0, 30}, {0, 30}, {0, 30}, {1, 60}}},
	{192, {{0, 21}, {0, 21}, {0, 21}, {0, 21}, {1, 42}, {1, 42}}},
	{256, {{0, 16}, {0, 16}, {0, 16}, {1, 32}, {1, 32}, {1, 32}}},
	{320, {{0, 12}, {0, 12}, {1, 25}, {1, 25}, {1, 25}, {2, 51}}},
	{384, {{0, 10}, {1, 21}, {1, 21}, {1, 21}, {2, 42}, {2, 42}}},
	{512, {{0, 8}, {1, 16}, {1, 16}, {2, 32}, {2, 32}, {2, 32}}},
	{576, {{1, 14}, {1, 14}, {2, 28}, {2, 28}, {2, 28}, {3, 56}}},
	{640, {{1, 12}, {1, 12}, {2, 25}, {2, 25}, {2, 25}, {3, 51}}},
	{704, {{1, 11}, {2, 23}, {2, 23}, {2, 23}, {3, 46}, {3, 46}}},
	{1024, {{1, 8}, {2, 16}, {2, 16}, {3, 32}, {3, 32}, {3, 32}}},
	{1152, {{2, 14}, {2, 14}, {3, 28}, {3, 28}, {3, 28}, {3, 28}}},
	{1472, {{2, 11}, {3, 22}, {3, 22}, {3, 22}, {3, 22}, {3, 22}}},
	{2048, {{2, 8}, {3, 16}, {3, 16}, {3, 16}, {3, 16}, {3, 16}}},
	{2560, {{3, 12}, {3, 12}, {3, 12}, {3, 12}, {3, 12}, {3, 12}}},
	{4096, {{3, 8}, {3, 8}, {3, 8}, {3, 8}, {3, 8}, {3, 8}}},
	{8192, {{3, 4}, {3, 4}, {3, 4}, {3, 4}, {3, 4}, {3, 4}}},
};

static void orders_by_cpus(void **state)
{
	for (unsigned k = 0; k < ARRAY_SIZE(cpu_counts); k++) {
		for (unsigned bytes = 8; bytes <= 128; bytes += 8)
			assert_int_equal(layout(bytes, 8, 0, cpu_counts[k]).order, 0);
		for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
			struct slub_layout l = layout(orders[i].bytes, 8, 0, cpu_counts[k]);
			if (l.order != orders[i].by_cpus[k].order ||
			    l.objects != orders[i].by_cpus[k].objects)
				fail_msg("%u bytes, %u CPUs: %u/%u", orders[i].bytes, cpu_counts[k],
					 l.order, l.objects);
		}
	}
}

/* The stock of size classes on 2 CPUs, in slabs. */
static void stock_of_size_classes(void **state)
{
	static const unsigned classes[][4] = {
		{8, 120, 1, 5},  {16, 120, 1, 5},  {32, 120, 2, 5},   {64, 120, 4, 5},
		{96, 120, 6, 5}, {128, 120, 8, 5}, {192, 120, 12, 5}, {256, 52, 7, 5},
		{512, 52, 7, 5}, {1024, 24, 3, 5}, {2048, 24, 3, 5},  {4096, 6, 2, 6},
		{8192, 6, 3, 6},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		struct slub_layout l = layout(classes[i][0], 8, CACHE_KMALLOC, 2);
		assert_int_equal(l.cpu_partial_objects, classes[i][1]);
		assert_int_equal(l.cpu_partial_slabs, classes[i][2]);
		assert_int_equal(l.min_partial, classes[i][3]);
	}
}

/* --- what is lost ----------------------------------------------------------------------------- */

static void tails_of_slabs(void **state)
{
	static const unsigned tails[][2] = {{24, 16},     {96, 64},     {192, 64},
					    {384, 128},   {576, 128},   {2560, 2048},
					    {3072, 2048}, {4224, 3200}, {5120, 2048},
					    {7168, 4096}, {9216, 5120}, {12288, 8192}};
	for (unsigned i = 0; i < ARRAY_SIZE(tails); i++) {
		struct slub_layout l = layout(tails[i][0], 8, 0, 2);
		assert_int_equal((PAGE_BYTES << l.order) - l.objects * l.size, tails[i][1]);
	}
}

/* A layout that is forced to slabs of one order. */
static struct slub_layout of_order(unsigned bytes, unsigned order)
{
	struct object_allocator_params p = params_for(1);
	struct object_cache_params c = {.name = "s", .object_size_bytes = bytes};
	struct slub_layout l;
	struct err err = {0};
	p.min_order = p.max_order = order;
	p.min_objects = 1;
	assert_int_equal(slub_layout_init(&l, &c, 0, &p, &err), 0);
	return l;
}

/*
 * Objects of 700 bytes in slabs of 4 and 32 KiB: 5 and 46, as without rounding to words, and 100 of
 * them hold 20 slabs, 11,920 bytes more than they asked for. Slabs of 2 MiB are no matter for SLUB.
 */
static void objects_of_700_bytes(void **state)
{
	assert_int_equal(of_order(700, 0).objects, 5);
	assert_int_equal(of_order(700, 3).objects, 46);
	assert_int_equal(of_order(256, 0).objects * 256, PAGE_BYTES);
	assert_int_equal(of_order(1500, 0).objects, 2);
	assert_int_equal(of_order(9472, 3).objects, 3);
	unsigned each = of_order(700, 0).objects, slabs = (100 + each - 1) / each;
	assert_int_equal(slabs * PAGE_BYTES - 100 * 700, 11920);
}

/* Bytes for each object through the size classes, tails included. */
static void bytes_per_object(void **state)
{
	static const struct {
		unsigned bytes, class_bytes;
		double held;
	} cases[] = {{8, 8, 8},
		     {24, 32, 32},
		     {32, 32, 32},
		     {64, 64, 64},
		     {100, 128, 128},
		     {128, 128, 128},
		     {192, 192, 195.04761904761904},
		     {256, 256, 256},
		     {700, 1024, 1024}};
	double held = 0, asked = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slub_layout l = layout(cases[i].class_bytes, 8, CACHE_KMALLOC, 2);
		double each = (double)(PAGE_BYTES << l.order) / l.objects;
		assert_true(each == cases[i].held);
		held += each;
		asked += cases[i].bytes;
	}
	assert_true(held / asked > 1.24138 && held / asked < 1.24139);
}

/* --- surroundings ----------------------------------------------------------------------------- */

static void where_things_lie(void **state)
{
	struct slub_layout l = layout(100, 0, 0, 2);
	assert_int_equal(l.size, 104);
	assert_int_equal(l.link_offset, 48); /* the middle, in words */
	assert_int_equal(l.left_pad, 0);

	/* Red zone in what rounding left; a word of padding; a pad before the object. */
	l = layout(100, 0, CACHE_RED_ZONE, 2);
	assert_int_equal(l.inuse_bytes, 104);
	assert_int_equal(l.link_offset, 48);
	assert_int_equal(l.left_pad, 8);
	assert_int_equal(l.size, 104 + 8 + 8);
	assert_int_equal(l.cpu_partial_slabs, 0);

	/* Nothing left by rounding: one word more. */
	l = layout(96, 0, CACHE_RED_ZONE | CACHE_POISON, 2);
	assert_int_equal(l.inuse_bytes, 104);
	assert_int_equal(l.link_offset, 104);
	assert_int_equal(l.size, 104 + 8 + 8 + 8);
	assert_true(l.fill_free);

	/* A size class keeps what was asked for. */
	l = layout(64, 64, CACHE_RED_ZONE | CACHE_KMALLOC, 2);
	assert_int_equal(l.link_offset, 72);
	assert_int_equal(l.asked_offset, 80);
	assert_int_equal(l.left_pad, 64);
	assert_int_equal(l.size, 192);

	l = layout(100, 0, CACHE_POISON | CACHE_TYPESAFE_BY_RCU, 2);
	assert_int_equal(l.link_offset, 104);
	assert_false(l.fill_free);
	l = layout(20, 0, CACHE_HWCACHE_ALIGN, 2);
	assert_int_equal(l.align, 32);
	l = layout(65, 0, CACHE_HWCACHE_ALIGN, 2);
	assert_int_equal(l.align, 64);
	assert_int_equal(l.size, 128);

	struct object_allocator_params p = params_for(2);
	struct err err = {0};
	const struct object_cache_params made = {
		.name = "c", .object_size_bytes = 24, .ctor = no_ctor};
	assert_int_equal(slub_layout_init(&l, &made, 0, &p, &err), 0);
	assert_int_equal(l.link_offset, 24);
}

static void wishes(void **state)
{
	struct object_allocator_params p = params_for(2);
	struct object_cache_params c = {.name = "w", .object_size_bytes = 256};
	struct slub_layout l;
	struct err err = {0};
	p.min_order = 2;
	assert_int_equal(slub_layout_init(&l, &c, 0, &p, &err), 0);
	assert_int_equal(l.order, 2);
	assert_int_equal(l.min_order, 0); /* in need */
	p.min_order = 0;
	p.min_objects = 100;
	assert_int_equal(slub_layout_init(&l, &c, 0, &p, &err), 0);
	assert_int_equal(l.order, 3);
	p.cpu_partial_objects = 0;
	p.min_partial_slabs = 77;
	assert_int_equal(slub_layout_init(&l, &c, 0, &p, &err), 0);
	assert_int_equal(l.cpu_partial_slabs, 0);
	assert_int_equal(l.min_partial, 77);
	/* 15 bits count objects. */
	p = params_for(2);
	p.min_order = 10;
	c.object_size_bytes = 8;
	assert_int_equal(slub_layout_init(&l, &c, 0, &p, &err), 0);
	assert_int_equal(l.order, 5);
	assert_int_equal(l.objects, 16384);
}

static void refused(void **state)
{
	static const struct object_cache_params bad[] = {
		{.name = "none"},
		{.name = "large", .object_size_bytes = OBJECT_BYTES_MAX + 1},
		{.name = "guarded", .object_size_bytes = OBJECT_BYTES_MAX, .flags = CACHE_RED_ZONE},
		{.name = "align", .object_size_bytes = 8, .align_bytes = 24},
		{.name = "far", .object_size_bytes = 8, .align_bytes = UINT64_C(8) << 20},
		{.name = "stride", .object_size_bytes = 64, .size_bytes = 56},
		{.name = "odd", .object_size_bytes = 60, .size_bytes = 63},
		{.name = "many", .object_size_bytes = 64, .size_bytes = 64, .objects_per_slab = 65},
		{.name = "order", .object_size_bytes = 64, .objects_per_slab = 1, .slab_order = 11},
		{.name = "no room",
		 .object_size_bytes = 64,
		 .size_bytes = 64,
		 .flags = CACHE_RED_ZONE},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct object_allocator_params p = params_for(2);
		struct slub_layout l;
		struct err err = {0};
		assert_int_equal(slub_layout_init(&l, &bad[i], bad[i].flags, &p, &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.text, bad[i].name));
	}
}

/* The division without dividing, near every multiple. */
static void division(void **state)
{
	for (uint32_t size = 8; size <= 70000; size += size < 600 ? 8 : 1000) {
		struct slub_layout l = layout(size, 8, 0, 2);
		for (uint64_t n = 0; n < (UINT64_C(1) << 27); n = n * 3 / 2 + l.size) {
			uint32_t below = (uint32_t)(n / l.size * l.size);
			assert_int_equal(slub_divide(&l, below), below / l.size);
			assert_int_equal(slub_divide(&l, below + l.size - 1), below / l.size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows_of_a_recorded_kernel),
		cmocka_unit_test(the_row_that_differs),
		cmocka_unit_test(slabinfo_of_two_machines),
		cmocka_unit_test(orders_by_cpus),
		cmocka_unit_test(stock_of_size_classes),
		cmocka_unit_test(tails_of_slabs),
		cmocka_unit_test(objects_of_700_bytes),
		cmocka_unit_test(bytes_per_object),
		cmocka_unit_test(where_things_lie),
		cmocka_unit_test(wishes),
		cmocka_unit_test(refused),
		cmocka_unit_test(division),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
