/*
 * Tests of gfp.c: every flag and composite by its documented bits, names in and out, and where a
 * wrong name stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "kern/rng.h"

/*
 * Bit numbers of Linux 6.18; the composites are spelled out in numbers, not by the header's words.
 */
static const struct {
	const char *name;
	gfp_t bits;
} flags[] = {
	{"__GFP_DMA", 1u << 0},
	{"__GFP_HIGHMEM", 1u << 1},
	{"__GFP_DMA32", 1u << 2},
	{"__GFP_MOVABLE", 1u << 3},
	{"__GFP_RECLAIMABLE", 1u << 4},
	{"__GFP_HIGH", 1u << 5},
	{"__GFP_IO", 1u << 6},
	{"__GFP_FS", 1u << 7},
	{"__GFP_ZERO", 1u << 8},
	{"__GFP_DIRECT_RECLAIM", 1u << 10},
	{"__GFP_KSWAPD_RECLAIM", 1u << 11},
	{"__GFP_WRITE", 1u << 12},
	{"__GFP_NOWARN", 1u << 13},
	{"__GFP_RETRY_MAYFAIL", 1u << 14},
	{"__GFP_NOFAIL", 1u << 15},
	{"__GFP_NORETRY", 1u << 16},
	{"__GFP_MEMALLOC", 1u << 17},
	{"__GFP_COMP", 1u << 18},
	{"__GFP_NOMEMALLOC", 1u << 19},
	{"__GFP_HARDWALL", 1u << 20},
	{"__GFP_THISNODE", 1u << 21},
	{"__GFP_ACCOUNT", 1u << 22},
	{"__GFP_ZEROTAGS", 1u << 23},
	{"__GFP_NO_OBJ_EXT", 1u << 24},
	{"__GFP_RECLAIM", 0xc00},
	{"GFP_ATOMIC", 0x820},
	{"GFP_KERNEL", 0xcc0},
	{"GFP_KERNEL_ACCOUNT", 0x400cc0},
	{"GFP_NOWAIT", 0x2800},
	{"GFP_NOIO", 0xc00},
	{"GFP_NOFS", 0xc40},
	{"GFP_USER", 0x100cc0},
	{"GFP_HIGHUSER", 0x100cc2},
	{"GFP_HIGHUSER_MOVABLE", 0x100cca},
	{"GFP_TRANSHUGE_LIGHT", 0x1c20ca},
	{"GFP_TRANSHUGE", 0x1c24ca},
	{"GFP_DMA", 1},
	{"GFP_DMA32", 4},
	{"none", 0},
};

static gfp_t parsed(const char *text)
{
	gfp_t gfp = 0xdead;
	if (gfp_parse(text, strlen(text), &gfp, NULL, NULL) != 0)
		fail_msg("\"%s\" is not understood", text);
	return gfp;
}

static void every_name(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		assert_int_equal(parsed(flags[i].name), flags[i].bits);
}

/* What is written is read back, and no other way of writing it is longer than the buffer. */
static void round_trip(void **state)
{
	char text[192];
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
			gfp_t gfp = flags[i].bits | flags[k].bits;
			assert_int_equal(parsed(gfp_format(gfp, text, sizeof(text))), gfp);
		}
	}
	char all[1024];
	struct rng r;
	rng_init(&r, 1, 1);
	for (int i = 0; i < 10000; i++) {
		gfp_t gfp = (gfp_t)rng_u64(&r);
		assert_int_equal(parsed(gfp_format(gfp, all, sizeof(all))), gfp);
	}
	assert_string_equal(gfp_format(0xcc0, text, sizeof(text)), "GFP_KERNEL");
	assert_string_equal(gfp_format(0xdc0, text, sizeof(text)), "GFP_KERNEL|__GFP_ZERO");
	assert_string_equal(gfp_format(0x100cca, text, sizeof(text)), "GFP_HIGHUSER_MOVABLE");
	assert_string_equal(gfp_format(0, text, sizeof(text)), "none");
	assert_string_equal(gfp_format(1u << 9, text, sizeof(text)), "0x200");
}

/* A buffer that is too small gets a shorter text and nothing behind it is written. */
static void formats_into_any_buffer(void **state)
{
	char text[64];
	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		gfp_format(0xffffffff, text, size);
		assert_non_null(memchr(text, '\0', size));
		for (size_t i = size; i < sizeof(text); i++)
			assert_int_equal(text[i], '#');
	}
}

static void numbers(void **state)
{
	assert_int_equal(parsed("0xcc0"), 0xcc0);
	assert_int_equal(parsed("0XCC0"), 0xcc0);
	assert_int_equal(parsed("0"), 0);
	assert_int_equal(parsed("3264"), 0xcc0);
	assert_int_equal(parsed("0xffffffff"), 0xffffffff);
	assert_int_equal(parsed("4294967295"), 0xffffffff);
	assert_int_equal(parsed("GFP_KERNEL|0x100"), 0xdc0);
	assert_int_equal(parsed("0x40|GFP_ATOMIC|none"), 0x860);
}

static void wrong_names(void **state)
{
	static const struct {
		const char *text;
		size_t off, len;
	} rows[] = {
		{"GFP_KERNL", 0, 9},
		{"GFP_KERNEL|__GFP_ZER", 11, 9},
		{"GFP_KERNEL||__GFP_ZERO", 11, 0},
		{"GFP_KERNEL|", 11, 0},
		{"", 0, 0},
		{"|", 0, 0},
		{"gfp_kernel", 0, 10},
		{"GFP_KERNEL ", 0, 11},
		{"0x", 0, 2},
		{"0x100000000", 0, 11},
		{"4294967296", 0, 10},
		{"12a", 0, 3},
		{"0xg", 0, 3},
		{"-1", 0, 2},
		{"\x11", 0, 1}, /* '1' but for one bit */
		{"0x\x11", 0, 3},
		{"1\xb1", 0, 2},
		{"__GFP_ZERO|18446744073709551616", 11, 20},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gfp_t gfp = 0xdead;
		size_t off = 99, len = 99;
		if (gfp_parse(rows[i].text, strlen(rows[i].text), &gfp, &off, &len) != -1)
			fail_msg("\"%s\" is accepted as %#x", rows[i].text, gfp);
		assert_int_equal(off, rows[i].off);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(gfp, 0xdead); /* untouched */
	}
}

/* Only @len bytes are looked at. */
static void ends_at_its_length(void **state)
{
	gfp_t gfp;
	assert_int_equal(gfp_parse("GFP_KERNEL|__GFP_ZERO", 10, &gfp, NULL, NULL), 0);
	assert_int_equal(gfp, GFP_KERNEL);
	assert_int_equal(gfp_parse("0xcc0ffff", 5, &gfp, NULL, NULL), 0);
	assert_int_equal(gfp, 0xcc0);
}

static void zone_and_migratetype(void **state)
{
	static const struct {
		const char *name;
		enum zone_type zone;
		enum migratetype type;
	} rows[] = {
		{"GFP_KERNEL", ZONE_NORMAL, MIGRATE_UNMOVABLE},
		{"GFP_KERNEL_ACCOUNT", ZONE_NORMAL, MIGRATE_UNMOVABLE},
		{"GFP_ATOMIC", ZONE_NORMAL, MIGRATE_UNMOVABLE},
		{"GFP_NOWAIT", ZONE_NORMAL, MIGRATE_UNMOVABLE},
		{"GFP_USER", ZONE_NORMAL, MIGRATE_UNMOVABLE},
		{"GFP_HIGHUSER", ZONE_HIGHMEM, MIGRATE_UNMOVABLE},
		{"GFP_HIGHUSER_MOVABLE", ZONE_MOVABLE, MIGRATE_MOVABLE},
		{"GFP_TRANSHUGE", ZONE_MOVABLE, MIGRATE_MOVABLE},
		{"GFP_TRANSHUGE_LIGHT", ZONE_MOVABLE, MIGRATE_MOVABLE},
		{"GFP_KERNEL|__GFP_MOVABLE", ZONE_NORMAL, MIGRATE_MOVABLE},
		{"GFP_KERNEL|__GFP_RECLAIMABLE", ZONE_NORMAL, MIGRATE_RECLAIMABLE},
		{"GFP_KERNEL|GFP_DMA", ZONE_DMA, MIGRATE_UNMOVABLE},
		{"GFP_KERNEL|GFP_DMA32", ZONE_DMA32, MIGRATE_UNMOVABLE},
		{"GFP_HIGHUSER_MOVABLE|GFP_DMA32", ZONE_DMA32, MIGRATE_MOVABLE},
		{"none", ZONE_NORMAL, MIGRATE_UNMOVABLE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(gfp_zone(parsed(rows[i].name)), rows[i].zone);
		assert_int_equal(gfp_migratetype(parsed(rows[i].name)), rows[i].type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(formats_into_any_buffer),
		cmocka_unit_test(numbers),
		cmocka_unit_test(wrong_names),
		cmocka_unit_test(ends_at_its_length),
		cmocka_unit_test(zone_and_migratetype),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
