/*
 * collect_rows_test.c - rows come back as they were put down, in the form of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "sim/sweep/collect_rows.h"

/* A cell of each kind, from 0; cells 8 to 10 are put down without a value. */
static void put_all(struct collect_rows *r)
{
	cJSON *item = cJSON_Parse(
		"[true, 0.1, {\"constant\": 4096}, [1, \"a\"], \"say \\\"no\\\"\\n\", null]");

	assert_non_null(item);
	collect_rows_item(r, 4, cJSON_GetArrayItem(item, 4));
	collect_rows_text(r, 0, "a,b");
	collect_rows_integer(r, 1, -7);
	assert_true(collect_rows_whole(r, 2, "18446744073709551615"));
	collect_rows_item(r, 3, cJSON_GetArrayItem(item, 0));
	collect_rows_item(r, 5, cJSON_GetArrayItem(item, 1));
	collect_rows_item(r, 6, cJSON_GetArrayItem(item, 2));
	collect_rows_item(r, 7, cJSON_GetArrayItem(item, 3));
	collect_rows_item(r, 8, cJSON_GetArrayItem(item, 5));
	collect_rows_item(r, 9, NULL);
	collect_rows_text(r, 10, NULL);
	cJSON_Delete(item);
}

static void check_format(enum collect_format format, const char *const *expected)
{
	const char *texts[11];
	struct collect_rows r;
	struct err err = {0};
	size_t i;

	assert_int_equal(collect_rows_init(&r, format, &err), 0);
	collect_rows_text(&r, 1, "a first row, longer than what follows, and more than that");
	assert_int_equal(collect_rows_end(&r, &err), 0);
	put_all(&r);
	assert_int_equal(collect_rows_end(&r, &err), 0);
	/* A row without cells. */
	assert_int_equal(collect_rows_end(&r, &err), 0);
	assert_int_equal(collect_rows_rewind(&r, &err), 0);
	assert_int_equal(collect_rows_next(&r, texts, 11, &err), 0);
	assert_null(texts[0]);
	assert_non_null(strstr(texts[1], "more than that"));
	assert_int_equal(collect_rows_next(&r, texts, 11, &err), 0);
	for (i = 0; i < 8; i++)
		assert_string_equal(texts[i], expected[i]);
	for (; i < 11; i++)
		assert_null(texts[i]);
	assert_int_equal(collect_rows_next(&r, texts, 11, &err), 0);
	for (i = 0; i < 11; i++)
		assert_null(texts[i]);
	/* There is no fourth. */
	assert_int_equal(collect_rows_next(&r, texts, 11, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	collect_rows_release(&r);
}

static void test_csv(void **state)
{
	static const char *const expected[] = {"\"a,b\"", "-7",
					       "18446744073709551615", "true",
					       "\"say \"\"no\"\"\n\"", "0.1",
					       "4096", "\"[1,\"\"a\"\"]\""};

	check_format(COLLECT_CSV, expected);
}

static void test_jsonl(void **state)
{
	static const char *const expected[] = {"\"a,b\"", "-7",
					       "18446744073709551615", "true",
					       "\"say \\\"no\\\"\\n\"", "0.1",
					       "4096", "\"[1,\\\"a\\\"]\""};

	check_format(COLLECT_JSONL, expected);
}

static void test_no_whole_numbers(void **state)
{
	static const char *const others[] = {"", "-1", "01", "1.5", "4KiB", "18446744073709551616",
					     "100000000000000000000"};
	cJSON *infinite = cJSON_CreateNumber(INFINITY);
	const char *texts[1];
	struct collect_rows r;
	struct err err = {0};
	size_t i;

	assert_int_equal(collect_rows_init(&r, COLLECT_CSV, &err), 0);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(collect_rows_whole(&r, 0, others[i]));
	collect_rows_item(&r, 0, infinite);
	assert_int_equal(collect_rows_end(&r, &err), 0);
	assert_int_equal(collect_rows_rewind(&r, &err), 0);
	assert_int_equal(collect_rows_next(&r, texts, 1, &err), 0);
	assert_null(texts[0]);
	collect_rows_release(&r);
	cJSON_Delete(infinite);
}

/* A file that can't be written is an error at the latest before the first row is read back. */
static void test_full(void **state)
{
	struct collect_rows r;
	struct err err = {0};

	assert_int_equal(collect_rows_init(&r, COLLECT_CSV, &err), 0);
	assert_int_equal(fclose(r.file), 0);
	r.file = fopen("/dev/full", "r+");
	assert_non_null(r.file);
	collect_rows_integer(&r, 0, 1);
	if (!collect_rows_end(&r, &err))
		assert_int_equal(collect_rows_rewind(&r, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_non_null(strstr(err.text, "No space left"));
	collect_rows_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_jsonl),
		cmocka_unit_test(test_no_whole_numbers),
		cmocka_unit_test(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
