/*
 * slab_text_test.c - slabinfo: a recorded line, and all of an allocator's caches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"
#include "alloc/slab_text.h"

/* Lines of a recorded Linux 6.18, with counters of every width. */
static void test_recorded_lines(void **state)
{
	static const struct {
		struct object_cache_stats stats;
		const char *line;
	} rows[] = {
		{{.name = "bio-312",
		  .active_count = 12,
		  .objects_count = 12,
		  .size_bytes = 320,
		  .objects_per_slab = 12,
		  .slabs_count = 1},
		 "bio-312               12     12    320   12    1 : tunables    0    0    0 : "
		 "slabdata      1      1      0\n"},
		{{.name = "btrfs_ordered_extent",
		  .size_bytes = 416,
		  .objects_per_slab = 19,
		  .slab_order = 1},
		 "btrfs_ordered_extent      0      0    416   19    2 : tunables    0    0    0 : "
		 "slabdata      0      0      0\n"},
		{{.name = "buffer_head",
		  .active_count = 1234567,
		  .objects_count = 1234571,
		  .size_bytes = 104,
		  .objects_per_slab = 39,
		  .slabs_count = 31656},
		 "buffer_head       1234567 1234571    104   39    1 : tunables    0    0    0 : "
		 "slabdata  31656  31656      0\n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = NULL;
		size_t size;
		FILE *f = open_memstream(&text, &size);
		assert_non_null(f);
		proc_slabinfo_line(&rows[i].stats, f);
		fclose(f);
		assert_string_equal(text, rows[i].line);
		free(text);
	}
}

/* Youngest first; what is free on a CPU's slab counts as active. */
static void test_caches(void **state)
{
	struct object_rig r;
	char *text = NULL;
	size_t size;
	const struct op_params machine = {.zone_pages = 1024, .max_order = 5};
	rig_init(&r, "slub", &machine, NULL);
	struct object_cache *c = rig_sized(&r, "first", 256, CACHE_NO_MERGE);
	rig_sized(&r, "second", 1000, CACHE_NO_MERGE);
	uint64_t a = rig_alloc(&r, c, 0);
	FILE *f = open_memstream(&text, &size);
	assert_non_null(f);
	proc_slabinfo(r.oa, f);
	fclose(f);
	assert_memory_equal(text, "slabinfo - version: 2.1\n# name            <active_objs>", 51);
	const char *second = strstr(text, "\nsecond "), *first = strstr(text, "\nfirst ");
	assert_non_null(second);
	assert_non_null(first);
	assert_true(second < first);
	struct object_cache_stats stats = rig_stats(&r, c);
	unsigned long active, objects, bytes, per_slab, pages;
	assert_int_equal(sscanf(first, " first %lu %lu %lu %lu %lu :", &active, &objects, &bytes,
				&per_slab, &pages),
			 5);
	assert_int_equal(active, stats.objects_per_slab);
	assert_int_equal(objects, stats.objects_per_slab);
	assert_int_equal(bytes, 256);
	assert_int_equal(pages, 1u << stats.slab_order);
	free(text);
	rig_free(&r, c, 0, a);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_lines),
		cmocka_unit_test(test_caches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
