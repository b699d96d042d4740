/*
 * columns_test.c - names of columns: what they look like, and that each leads back to its figure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/columns.h"
#include "sim/derived.h"

static const char *const pairs[][2] = {
	{"totals.failed_count", "totals.failed_count"},
	{"latency[alloc].p99_ns", "latency_alloc.p99_ns"},
	{"latency[alloc,0,pcp].p99_ns", "latency_alloc_0_pcp.p99_ns"},
	{"latency[alloc,10,buddy].count", "latency_alloc_10_buddy.count"},
	{"zones[node1/Normal].merges_count", "zones_node1_Normal.merges_count"},
	{"fragmentation.unusable_index[9]", "fragmentation.unusable_index_order9"},
	{"fragmentation.extfrag_index[0]", "fragmentation.extfrag_index_order0"},
	{"zones[Normal].free_blocks_by_migratetype.Movable[10]",
	 "zones_Normal.free_blocks_by_migratetype.Movable_order10"},
	{"fidelity.zones[Normal].free_blocks_true[3]",
	 "fidelity.zones_Normal.free_blocks_true_order3"},
	/* A position in another list is no order, and a name is no position. */
	{"zones[Normal].lowmem_reserve_pages[2]", "zones_Normal.lowmem_reserve_pages_2"},
	{"free_blocks[Normal]", "free_blocks_Normal"},
	{"caches[:A-0000192#2].held_bytes", "caches__A-0000192_2.held_bytes"},
	{"caches[gr\xc3\xbc\xc3\x9f].held_bytes", "caches_gr____.held_bytes"},
	{"", ""},
};

static void test_names(void **state)
{
	char name[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_string_equal(column_name(pairs[i][0], name, sizeof(name)), pairs[i][1]);
}

static void test_names_are_cut(void **state)
{
	char name[12];

	assert_string_equal(column_name("latency[alloc,0,pcp]", name, sizeof(name)), "latency_all");
	assert_string_equal(column_name("unusable_index[9]", name, 8), "unusabl");
	assert_string_equal(column_name("a[9]", name, 1), "");
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(f);
	assert_true(getdelim(&text, &room, '\0', f) > 0);
	fclose(f);
	return text;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every leaf of the document at @path has a name of its own, and is found by it. */
static size_t check_document(const char *path)
{
	struct err err = {0};
	struct leaves l = {0};
	char *text = read_file(path), **names, name[256];
	cJSON *run = cJSON_Parse(text), *derived;
	size_t i, count;

	assert_non_null(run);
	derived = derived_figures(run);
	assert_non_null(derived);
	assert_int_equal(leaves_collect(&l, run, NULL, path, &err), 0);
	assert_int_equal(leaves_collect(&l, derived, NULL, path, &err), 0);
	assert_int_equal(leaves_sort(&l, &err), 0);
	names = calloc(l.count, sizeof(*names));
	assert_non_null(names);
	for (i = 0; i < l.count; i++) {
		names[i] = strdup(column_name(l.items[i].key, name, sizeof(name)));
		assert_non_null(names[i]);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "0123456789_-."),
				 strlen(name));
		/* All of them take long: a walk over all leaves each. */
		if (i % 7 == 0)
			assert_ptr_equal(columns_find(&l, name), &l.items[i]);
		assert_ptr_equal(columns_find(&l, l.items[i].key), &l.items[i]);
	}
	qsort(names, l.count, sizeof(*names), compare_texts);
	for (i = 1; i < l.count; i++)
		assert_string_not_equal(names[i - 1], names[i]);
	count = l.count;
	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
	leaves_release(&l);
	cJSON_Delete(derived);
	cJSON_Delete(run);
	free(text);
	return count;
}

static void test_real_results(void **state)
{
	const char *dir = getenv("TESTDATA");
	size_t count = 0, i;
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/golden/*.json", dir);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		count += check_document(found.gl_pathv[i]);
	globfree(&found);
	assert_true(count > 10000);
}

/* Names that differ in other characters alone share a column: the first key is found by it. */
static void test_shared_name(void **state)
{
	struct err err = {0};
	struct leaves l = {0};
	cJSON *run = cJSON_Parse("{\"caches\": [{\"name\": \"a_b\", \"x\": 1}, "
				 "{\"name\": \"a/b\", \"x\": 2}]}");

	assert_int_equal(leaves_collect(&l, run, NULL, "test", &err), 0);
	assert_int_equal(leaves_sort(&l, &err), 0);
	assert_string_equal(columns_find(&l, "caches_a_b.x")->key, "caches[a/b].x");
	assert_string_equal(columns_find(&l, "caches[a_b].x")->key, "caches[a_b].x");
	assert_null(columns_find(&l, "caches_a_b.y"));
	assert_null(columns_find(&l, "caches_a"));
	assert_null(columns_find(&l, ""));
	leaves_release(&l);
	cJSON_Delete(run);
	assert_null(columns_find(&l, "caches_a_b.x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_are_cut),
		cmocka_unit_test(test_real_results),
		cmocka_unit_test(test_shared_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
