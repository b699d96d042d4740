/*
 * Tests of the readers of recorded states: what is read, and each file cut, garbled, gone,
 * compressed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "sim/resultdir.h"
#include "sim/truth.h"

static char dir[] = "/tmp/allocsim-truth-test.XXXXXX";

#define ROW(zone, type, counts) "Node    0, zone " zone ", type " type " " counts "\n"
#define ZEROES "0 0 0 0 0 0 0 0 0 0 0"

/*
 * A machine of one DMA and one Normal zone and 2 CPUs, as the kernel prints it, cut to what
 * matters.
 */
static const struct {
	const char *name, *text;
} files[] = {
	{"start.zoneinfo",
	 "Node 0, zone      DMA\n"
	 "  per-node stats\n"
	 "      nr_inactive_anon 12\n"
	 "  pages free     64\n"
	 "        boost    0\n"
	 "        min      10\n"
	 "        low      20\n"
	 "        high     30\n"
	 "        promo    40\n"
	 "        spanned  4095\n"
	 "        present  3998\n"
	 "        managed  3840\n"
	 "        protection: (0, 2000, 2000)\n"
	 "  pagesets\n"
	 "    cpu: 0\n"
	 "              count:    0\n"
	 "              high:     0\n"
	 "              batch:    1\n"
	 "    cpu: 1\n"
	 "              count:    0\n"
	 "              high:     0\n"
	 "              batch:    1\n"
	 "  node_unreclaimable:  0\n"
	 "  start_pfn:           1\n"
	 "Node 0, zone   Normal\n"
	 "  pages free     2000\n"
	 "        boost    5\n"
	 "        min      100\n"
	 "        low      200\n"
	 "        high     300\n"
	 "        promo    400\n"
	 "        spanned  28672\n"
	 "        present  28672\n"
	 "        managed  28000\n"
	 "  pagesets\n"
	 "    cpu: 0\n"
	 "              count:    17\n"
	 "              high:     100\n"
	 "    cpu: 1\n"
	 "              count:    23\n"
	 "              high:     200\n"
	 "  start_pfn:           4096\n"
	 "Node 0, zone  Movable\n"
	 "  pages free     0\n"
	 "        spanned  0\n"
	 "        present  0\n"
	 "        managed  0\n"
	 "  start_pfn:           0\n"},
	{"start.pagetypeinfo",
	 "Page block order: 9\n"
	 "Pages per block:  512\n\n"
	 "Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10\n"
	 ROW("DMA", "Unmovable", "0 0 0 0 0 0 1 0 0 0 0")
	 ROW("DMA", "Movable", ZEROES)
	 ROW("DMA", "Reclaimable", ZEROES)
	 ROW("DMA", "HighAtomic", ZEROES)
	 ROW("DMA", "Isolate", ZEROES)
	 ROW("Normal", "Unmovable", "3 0 0 0 0 0 0 0 0 0 0")
	 ROW("Normal", "Movable", "0 0 0 0 0 0 0 0 0 0 1")
	 ROW("Normal", "Reclaimable", "0 2 0 0 0 0 0 0 0 0 0")
	 ROW("Normal", "HighAtomic", ZEROES)
	 ROW("Normal", "Isolate", ZEROES)
	 "\nNumber of blocks type     Unmovable      Movable  Reclaimable   HighAtomic      "
	 "Isolate\n"
	 "Node 0, zone      DMA            1            7            0            0            0\n"
	 "Node 0, zone   Normal            6           40            9            1            "
	 "0\n"},
	{"start.time", "proc 100.000001 100.000500\nfreemap 100.000500 101.250000\n"},
	{"start.freemap", "64 6\n4096 0\n4098 1\n4100 0\n4102 0\n4104 1\n8192 10\n"},
	{"end.buddyinfo",
	 "Node 0, zone      DMA      0      0      0      0      0      0      1      0      0    "
	 "  0      0 \n"
	 "Node 0, zone   Normal      5      4      3      2      1      0      0      0      0    "
	 "  0      7 \n"},
	{"end.time", "proc 103.5 103.6\nfreemap 103.6 104.0\n"},
};

/* What may be there besides. */
#define SLABINFO(rows)                                                                             \
	"slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> ...\n" rows
#define SLABINFO_ROW(name, numbers, slabs)                                                         \
	name " " numbers " : tunables    0    0    0 : slabdata " slabs "\n"
static const char start_slabinfo[] = SLABINFO(
	SLABINFO_ROW("dentry           ", "144014 144018    192   21    1", "  6858   6858      0")
	SLABINFO_ROW("task_struct", "91 91 4288 7 8", "13 13 0"));
static const char end_slabinfo[] = SLABINFO(SLABINFO_ROW("dentry", "20 21 192 21 1", "1 1 0"));

static void write_bytes(const char *name, const void *data, size_t bytes)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static void remove_file(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
}

static int setup(void **state)
{
	resultdir_remove_tree(dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		write_text(files[i].name, files[i].text);
	return 0;
}

static const char *text_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (strcmp(files[i].name, name) == 0)
			return files[i].text;
	}
	fail_msg("no file %s", name);
	return NULL;
}

static struct truth truth; /* too large for a stack */

static void assert_loads(void)
{
	struct err err = {0};
	if (truth_load(&truth, dir, &err) != 0)
		fail_msg("%s", err.text);
}

static void assert_refused(enum err_code code, const char *says)
{
	struct err err = {0};
	assert_int_equal(truth_load(&truth, dir, &err), -1);
	if (err.code != code || !strstr(err.text, says))
		fail_msg("%d: '%s', expected %d: '%s'", (int)err.code, err.text, (int)code, says);
	assert_null(strchr(err.text, '\n'));
	assert_null(truth.free_blocks);
}

/* --- what is read ----------------------------------------------------------------------------- */

static void assert_content(void)
{
	assert_int_equal(truth.zones_count, 2); /* Movable has no memory */
	assert_int_equal(truth.cpus_count, 2);
	assert_int_equal(truth.max_order, 10);
	assert_int_equal(truth.pageblock_order, 9);
	const struct truth_zone *z = &truth.zones[1];
	assert_string_equal(z->name, "Normal");
	assert_int_equal(z->type, ZONE_NORMAL);
	assert_int_equal(z->start_pfn, 4096);
	assert_int_equal(z->spanned_pages, 28672);
	assert_int_equal(z->present_pages, 28672);
	assert_int_equal(z->managed_pages, 28000);
	assert_int_equal(z->watermark_boost_pages, 5);
	assert_int_equal(z->watermark_pages[WMARK_MIN], 100);
	assert_int_equal(z->watermark_pages[WMARK_PROMO], 400);
	assert_int_equal(z->pcp[0].count_pages, 17);
	assert_int_equal(z->pcp[1].count_pages, 23);
	assert_int_equal(z->pcp[1].high_pages, 200);
	assert_int_equal(z->free_blocks_by_type[0][MIGRATE_UNMOVABLE], 3);
	assert_int_equal(z->free_blocks_by_type[1][MIGRATE_RECLAIMABLE], 2);
	assert_int_equal(z->free_blocks_by_type[10][MIGRATE_MOVABLE], 1);
	assert_int_equal(z->pageblocks[MIGRATE_UNMOVABLE], 6);
	assert_int_equal(z->pageblocks[MIGRATE_HIGHATOMIC], 1);
	assert_int_equal(truth.freemap_start_ns, UINT64_C(100000500000));
	assert_int_equal(truth.freemap_end_ns, UINT64_C(101250000000));
	assert_int_equal(truth.free_blocks_count, 7);
	assert_int_equal(truth.free_blocks[6].pfn, 8192);
	assert_int_equal(truth.free_blocks[6].order, 10);
	assert_ptr_equal(truth_zone_of(&truth, 64), &truth.zones[0]);
	assert_ptr_equal(truth_zone_of(&truth, 32767), &truth.zones[1]);
	assert_null(truth_zone_of(&truth, 0));
	assert_null(truth_zone_of(&truth, 32768));
}

static void test_good(void **state)
{
	assert_loads();
	assert_content();
	assert_true(truth.has_end);
	assert_int_equal(truth.end_ns, UINT64_C(103500000000));
	assert_int_equal(truth.zones[1].free_blocks_end[0], 5);
	assert_int_equal(truth.zones[1].free_blocks_end[10], 7);
	truth_release(&truth);
}

static void test_without_end(void **state)
{
	remove_file("end.buddyinfo");
	remove_file("end.time");
	assert_loads();
	assert_content();
	assert_false(truth.has_end);
	truth_release(&truth);
}

static void test_slabinfo(void **state)
{
	write_text("start.slabinfo", start_slabinfo);
	assert_loads();
	assert_content();
	assert_int_equal(truth.caches_count[0], 2);
	assert_int_equal(truth.caches_count[1], 0);
	const struct truth_cache *c = truth_cache_find(&truth, 0, "dentry");
	assert_non_null(c);
	assert_int_equal(c->active_count, 144014);
	assert_int_equal(c->objects_count, 144018);
	assert_int_equal(c->size_bytes, 192);
	assert_int_equal(c->objects_per_slab, 21);
	assert_int_equal(c->pages_per_slab, 1);
	assert_int_equal(c->slabs_count, 6858);
	assert_null(truth_cache_find(&truth, 0, "dent"));
	assert_null(truth_cache_find(&truth, 1, "dentry"));
	truth_release(&truth);
	write_text("end.slabinfo", end_slabinfo);
	assert_loads();
	assert_int_equal(truth_cache_find(&truth, 1, "dentry")->slabs_count, 1);
	truth_release(&truth);
	remove_file("start.slabinfo");
	remove_file("end.slabinfo");
}

static void test_bad_slabinfo(void **state)
{
	static const struct {
		const char *row, *says;
	} rows[] = {
		{"dentry 1 2 192\n", "start.slabinfo:3: no line of slabinfo"},
		{SLABINFO_ROW("dentry", "1 2 192", "1 1 0"), "numbers are missing"},
		{SLABINFO_ROW("dentry", "1 21 192 21 1", "1"), "numbers are missing"},
		{SLABINFO_ROW("dentry", "1 21 192 21 3", "1 1 0"), "contradict each other"},
		{SLABINFO_ROW("dentry", "1 21 192 22 1", "1 1 0"), "contradict each other"},
		{SLABINFO_ROW("dentry", "1 22 192 21 1", "1 1 0"), "contradict each other"},
		{SLABINFO_ROW("dentry", "22 21 192 21 1", "1 1 0"), "contradict each other"},
		{SLABINFO_ROW("dentry", "0 0 0 0 1", "0 0 0"), "contradict each other"},
		{SLABINFO_ROW("dentry", "0 0 192 21 99999999999999999999", "0 0 0"),
		 "numbers are missing"},
		{SLABINFO_ROW("dentry", "0 21 192 21 1", "1 9999999999999 0"),
		 "contradict each other"},
		{SLABINFO_ROW("a_name_that_is_longer_than_any_cache_of_a_kernel_has",
			      "0 0 192 21 1", "0 0 0"), "no line of slabinfo"},
		{SLABINFO_ROW("a", "0 0 192 21 1", "0 0 0")
		 SLABINFO_ROW("a", "0 0 192 21 1", "0 0 0"), ":4: a second line of this cache"},
		{"", "nothing of what was expected"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[1024];
		snprintf(text, sizeof(text), SLABINFO("%s"), rows[i].row);
		write_text("start.slabinfo", text);
		assert_refused(ERR_TRACE, rows[i].says);
	}
	remove_file("start.slabinfo");
}

/* Every file may be compressed, the end's too. */
static void test_compressed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char packed[4096], name[128];
		size_t bytes = strlen(files[i].text);
		remove_file(files[i].name);
		if (i % 2) {
			snprintf(name, sizeof(name), "%s/%s.gz", dir, files[i].name);
			gzFile gz = gzopen(name, "wb");
			assert_int_equal(gzwrite(gz, files[i].text, (unsigned)bytes), bytes);
			assert_int_equal(gzclose(gz), Z_OK);
		} else {
			snprintf(name, sizeof(name), "%s.zst", files[i].name);
			size_t n = ZSTD_compress(packed, sizeof(packed), files[i].text, bytes, 3);
			assert_false(ZSTD_isError(n));
			write_bytes(name, packed, n);
		}
	}
	assert_loads();
	assert_content();
	assert_true(truth.has_end);
	assert_int_equal(truth.zones[1].free_blocks_end[10], 7);
	truth_release(&truth);
}

/* A kernel with CMA has a sixth type, whose pageblocks count as movable. */
static void test_cma(void **state)
{
	write_text("start.pagetypeinfo",
		   "Page block order: 9\n"
		   ROW("Normal", "Movable", "0 0 0 0 0 0 0 0 0 0 1")
		   ROW("Normal", "CMA", "0 0 0 0 0 0 0 0 0 0 3")
		   "Number of blocks type Unmovable Movable Reclaimable HighAtomic CMA Isolate\n"
		   "Node 0, zone   Normal            6           40            9            1     "
		   "       2            3\n");
	assert_loads();
	assert_int_equal(truth.zones[1].pageblocks[MIGRATE_MOVABLE], 42);
	assert_int_equal(truth.zones[1].pageblocks[MIGRATE_ISOLATE], 3);
	truth_release(&truth);
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_missing(void **state)
{
	static const char *const needed[] = {"start.zoneinfo", "start.pagetypeinfo", "start.time",
					     "start.freemap", "end.time"};
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		remove_file(needed[i]);
		assert_refused(ERR_NO_INPUT, needed[i]);
		write_text(needed[i], text_of(needed[i]));
	}
	resultdir_remove_tree(dir);
	assert_refused(ERR_NO_INPUT, "start.zoneinfo");
}

static void test_empty_and_garbage(void **state)
{
	static char garbage[5000];
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)(i * 7919 >> 3);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		write_text(files[i].name, "");
		assert_refused(ERR_TRACE, files[i].name);
		write_text(files[i].name, "\n\n\n");
		assert_refused(ERR_TRACE, files[i].name);
		write_bytes(files[i].name, garbage, sizeof(garbage));
		assert_refused(ERR_TRACE, files[i].name);
		write_text(files[i].name, files[i].text);
	}
}

/* Cut after every byte: refused, or read if whole lines are gone that need not be there. */
static void test_cut_anywhere(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		for (size_t n = 0; n < strlen(files[i].text); n++) {
			struct err err = {0};
			write_bytes(files[i].name, files[i].text, n);
			if (truth_load(&truth, dir, &err) == 0) {
				assert_int_equal(files[i].text[n - 1], '\n');
				truth_release(&truth);
				continue;
			}
			assert_int_equal(err.code, ERR_TRACE);
			assert_int_not_equal(err.text[0], '\0');
		}
		write_text(files[i].name, files[i].text);
	}
}

static void test_compressed_cut(void **state)
{
	char packed[4096];
	const char *text = text_of("start.freemap");
	size_t n = ZSTD_compress(packed, sizeof(packed), text, strlen(text), 3);
	remove_file("start.freemap");
	write_bytes("start.freemap.zst", packed, n - 3);
	assert_refused(ERR_TRACE, "start.freemap.zst");
}

/* One line replaced; the message names file, line and cause. */
static void test_bad_lines(void **state)
{
	static const struct {
		const char *file, *text, *says;
	} rows[] = {
		{"start.freemap", "64 6\n4096\n", "start.freemap:2: expected `pfn order`"},
		{"start.freemap", "64 6 7\n", "start.freemap:1: expected"},
		{"start.freemap", "64 -1\n", "start.freemap:1: expected"},
		{"start.freemap", "64 6\n8192 11\n",
		 "start.freemap:2: a block must have a legal order"},
		{"start.freemap", "65 6\n", "start.freemap:1: a block must have a legal order"},
		{"start.freemap", "99999999999999999999 0\n", "start.freemap:1: expected"},
		{"start.freemap", "4294967296000 0\n", "start.freemap:1: a block"},
		{"start.freemap", "0 0\n", "start.freemap:1: the block lies in no zone"},
		{"start.freemap", "31744 10\n32768 0\n",
		 "start.freemap:2: the block lies in no zone"},
		{"start.freemap", "64 6\n100 0\n",
		 "start.freemap:2: blocks must be in ascending order"},
		{"start.freemap", "64 6\n32 0\n",
		 "start.freemap:2: blocks must be in ascending order"},
		{"start.time", "proc 1.0\nfreemap 1 2\n", "start.time:1: expected two times"},
		{"start.time", "proc 2.0 1.0\nfreemap 1 2\n", "start.time:1: expected two times"},
		{"start.time", "proc nan 1.0\nfreemap 1 2\n", "start.time:1: expected two times"},
		{"start.time", "proc -5 1.0\nfreemap 1 2\n", "start.time:1: expected two times"},
		{"start.time", "proc 1 2\n", "start.time: no line `freemap"},
		{"start.time", "freemap 1 2\n", "start.time: no line `proc"},
		{"end.time", "freemap 103 104\n", "end.time: no line `proc"},
		{"end.time", "proc 100.0 100.1\n", "end.time: the end is not after the start"},
		{"end.buddyinfo", "Node 0, zone DMA " ZEROES "\nwhat is this\n",
		 "end.buddyinfo:2: not a line of buddyinfo"},
		{"end.buddyinfo", "Node 0, zone DMA 1 2 3\n",
		 "end.buddyinfo:1: the number of orders"},
		{"start.pagetypeinfo", "Page block order: 77\n",
		 "start.pagetypeinfo:1: not a page block order"},
		{"start.pagetypeinfo",
		 "Page block order: 9\n" ROW("Normal", "Movable",
		  "1 2") "Node 0, zone Normal 1 2 3\n",
		 "start.pagetypeinfo:3: a row of pageblock counts is cut short"},
		{"start.pagetypeinfo", "Page block order: 9\n" ROW("Normal", "Movable", "1 2"),
		 "start.pagetypeinfo: page block order 9, largest order 1"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		write_text(rows[i].file, rows[i].text);
		assert_refused(ERR_TRACE, rows[i].says);
		write_text(rows[i].file, text_of(rows[i].file));
	}
}

/* start.zoneinfo with @from replaced by @to. */
static void replace_in_zoneinfo(const char *from, const char *to)
{
	char text[8192];
	const char *old = text_of("start.zoneinfo"), *at = strstr(old, from);
	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
	write_text("start.zoneinfo", text);
}

static void test_bad_zones(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} rows[] = {
		{"managed  28000", "managed  29000", "zone Normal of node 0 has impossible sizes"},
		{"start_pfn:           4096", "start_pfn:           4000", "impossible sizes"},
		{"start_pfn:           4096", "start_pfn:           9999999999999999",
		 "impossible sizes"},
		{"spanned  28672", "spanned  18446744073709551615", "impossible sizes"},
		{"    cpu: 1\n", "    cpu: 256\n", "start.zoneinfo:19: more CPUs than"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		replace_in_zoneinfo(rows[i].from, rows[i].to);
		assert_refused(ERR_TRACE, rows[i].says);
	}
	write_text("start.zoneinfo", "Node 0, zone Device\n        managed  5\n");
	assert_refused(ERR_TRACE, "start.zoneinfo");
}

static void test_too_many_zones(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	for (unsigned nid = 0; nid < 64; nid++)
		fprintf(f, "Node %u, zone Normal\n        spanned 1\n        managed 1\n    cpu: "
		"0\n"
			   "  start_pfn: %u\n", nid, nid);
	fclose(f);
	write_text("start.zoneinfo", text);
	assert_refused(ERR_TRACE, "too many zones");
	free(text);
}

static int group_setup(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int group_teardown(void **state)
{
	return resultdir_remove_tree(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_good, setup),
		cmocka_unit_test_setup(test_without_end, setup),
		cmocka_unit_test_setup(test_slabinfo, setup),
		cmocka_unit_test_setup(test_bad_slabinfo, setup),
		cmocka_unit_test_setup(test_compressed, setup),
		cmocka_unit_test_setup(test_cma, setup),
		cmocka_unit_test_setup(test_missing, setup),
		cmocka_unit_test_setup(test_empty_and_garbage, setup),
		cmocka_unit_test_setup(test_cut_anywhere, setup),
		cmocka_unit_test_setup(test_compressed_cut, setup),
		cmocka_unit_test_setup(test_bad_lines, setup),
		cmocka_unit_test_setup(test_bad_zones, setup),
		cmocka_unit_test_setup(test_too_many_zones, setup),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
