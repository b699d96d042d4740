/*
 * choose_test.c - which points a list and a shard mean, and what is said of those that mean none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/sweep/choose.h"

#define POINTS 8

/* A sample of a sweep of 20. */
static struct plan_point sample[POINTS] = {
	{.index = 0}, {.index = 1}, {.index = 2},  {.index = 5},
	{.index = 8}, {.index = 9}, {.index = 13}, {.index = 19},
};
static const struct plan plan = {.points = sample, .points_count = POINTS};

static void assert_chosen(const char *points, uint64_t shard, uint64_t shards, const char *expected)
{
	const struct plan_point **chosen;
	struct err err = {.code = ERR_NONE};
	char text[128] = "";
	uint64_t count;

	assert_int_equal(choose_points(&plan, points, shard, shards, &chosen, &count, &err), 0);
	for (uint64_t i = 0; i < count; i++)
		sprintf(text + strlen(text), "%s%d", i ? " " : "", (int)chosen[i]->index);
	free(chosen);
	assert_string_equal(text, expected);
}

static void assert_refused(const char *points, const char *says)
{
	const struct plan_point **chosen;
	struct err err = {.code = ERR_NONE};
	uint64_t count;

	assert_int_equal(choose_points(&plan, points, 0, 0, &chosen, &count, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.text, says);
	assert_null(chosen);
}

static void lists(void **state)
{
	assert_chosen(NULL, 0, 0, "0 1 2 5 8 9 13 19");
	assert_chosen("5", 0, 0, "5");
	assert_chosen("13,0-2,1", 0, 0, "0 1 2 13");
	assert_chosen("3-8", 0, 0, "5 8");
	assert_chosen("10-18446744073709551615", 0, 0, "13 19");
	assert_chosen("0-0", 0, 0, "0");
}

static void shards(void **state)
{
	assert_chosen(NULL, 0, 1, "0 1 2 5 8 9 13 19");
	assert_chosen(NULL, 0, 3, "0 9");
	assert_chosen(NULL, 1, 3, "1 13 19");
	assert_chosen(NULL, 2, 3, "2 5 8");
	assert_chosen("1-9", 2, 3, "2 5 8");
	assert_chosen("0,1", 2, 3, "");
	assert_chosen(NULL, 10, 100, "");
}

static void refused_lists(void **state)
{
	static const char *const malformed[] = {"",
						",",
						"1,",
						",1",
						"1-",
						"-1",
						"1--2",
						"a",
						"1 2",
						" 1",
						"+1",
						"1-2-3",
						"18446744073709551616",
						"0x1",
						"1.5"};
	char says[128];

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		snprintf(says, sizeof(says),
			 "--points: '%s' is no list of numbers and ranges: 3,7-9", malformed[i]);
		assert_refused(malformed[i], says);
	}
	assert_refused("3", "--points: the plan has no point 3; its 8 points lie in 0-19");
	assert_refused("1,20", "--points: the plan has no point 20; its 8 points lie in 0-19");
	assert_refused("14-18",
		       "--points: the plan has no point in 14-18; its 8 points lie in 0-19");
	assert_refused("9-8", "--points: the range 9-8 runs backwards");
}

static void shard_texts(void **state)
{
	static const struct {
		const char *text, *says;
	} refused[] = {
		{"1", "--shard: '1' is not K/N, a number and how many shards there are"},
		{"", "--shard: '' is not K/N, a number and how many shards there are"},
		{"1/", "--shard: '1/' is not K/N, a number and how many shards there are"},
		{"/2", "--shard: '/2' is not K/N, a number and how many shards there are"},
		{"-1/2", "--shard: '-1/2' is not K/N, a number and how many shards there are"},
		{"1/2x", "--shard: '1/2x' is not K/N, a number and how many shards there are"},
		{"0/0", "--shard: there can't be 0 shards"},
		{"4/4", "--shard: of 4 shards the last is 3/4: they are numbered from 0"},
	};
	uint64_t shard, count;
	struct err err;

	assert_int_equal(choose_parse_shard("3/17", &shard, &count, &err), 0);
	assert_int_equal(shard, 3);
	assert_int_equal(count, 17);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		err.code = ERR_NONE;
		assert_int_equal(choose_parse_shard(refused[i].text, &shard, &count, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_string_equal(err.text, refused[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(shards),
		cmocka_unit_test(refused_lists),
		cmocka_unit_test(shard_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
