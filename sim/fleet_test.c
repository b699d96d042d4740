/* Tests of the tables of a fleet's allocations: what is read, what is refused, draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

#include "kern/types.h"
#include "sim/fleet.h"
#include "sim/textin.h"

static int read_text(struct fleet *fleet, const char *text, struct err *err)
{
	*err = (struct err){0};
	struct textin *in = textin_open_memory(text, strlen(text), err);
	assert_non_null(in);
	int result = fleet_read(fleet, in, err);
	textin_close(in);
	return result;
}

static void rows(void **state)
{
	struct fleet f;
	struct err err;
	assert_int_equal(read_text(&f,
				   "# a table\r\n16, 30, 60\r\n\n 0 ,0, 5\n"
				   "9223372036854775808,1e1,0\n24,60.0,15",
				   &err),
			 0);
	assert_int_equal(f.count, 4);
	assert_true(f.rate_per_s == 100);
	assert_true(f.live == 80);
	assert_int_equal(f.rows[1].bytes, 0);
	assert_int_equal(f.rows[2].bytes, UINT64_C(1) << 63);
	assert_true(fleet_mean_lifetime_s(&f.rows[0]) == 2);
	assert_true(isinf(fleet_mean_lifetime_s(&f.rows[1])));
	assert_true(fleet_mean_lifetime_s(&f.rows[2]) == 0);
	fleet_release(&f);
}

static void draws(void **state)
{
	struct fleet f;
	struct err err;
	assert_int_equal(read_text(&f, "8,0,0\n16,30,60\n1,0,5\n2,10,0\n24,60,15\n9,0,0\n", &err),
			 0);
	static const struct {
		double at;
		uint64_t by_rate, by_live;
	} expected[] = {
		{0, 16, 16},      {0.29, 16, 16},
		{0.3, 2, 16},     {0.3999, 2, 16},
		{0.4, 24, 16},    {0.7499, 24, 16},
		{0.75, 24, 1},    {0.8124, 24, 1},
		{0.8126, 24, 24}, {0.9999999999999999, 24, 24},
	};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(fleet_by_rate(&f, expected[i].at)->bytes, expected[i].by_rate);
		assert_int_equal(fleet_by_live(&f, expected[i].at)->bytes, expected[i].by_live);
	}
	fleet_release(&f);
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"", "<memory>: no rows"},
		{"# 1,2,3\n\n", "<memory>: no rows"},
		{"8,0,1\n", "<memory>: all rates are 0"},
		{"8,1,1\n0,29615\n", "<memory>:2: must be size"},
		{"8,1,1,1\n", "<memory>:1: must be size"},
		{"8;1;1\n", "<memory>:1: must be size"},
		{"size,rate,live\n", "<memory>:1: the size"},
		{"-8,1,1\n", "<memory>:1: the size"},
		{"1.5,1,1\n", "<memory>:1: the size"},
		{"18446744073709551616,1,1\n", "<memory>:1: the size"},
		{"8,-1,1\n", "<memory>:1: the rate is out of range"},
		{"8,nan,1\n", "<memory>:1: the rate"},
		{"8,1,inf\n", "<memory>:1: the number of live objects"},
		{"8,1,1e19\n", "<memory>:1: the number of live objects is out of range"},
		{"8,1,\n", "<memory>:1: the number of live objects"},
	};
	struct fleet f;
	struct err err;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(read_text(&f, wrong[i].text, &err), -1);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_null(f.rows);
		if (strncmp(err.text, wrong[i].says, strlen(wrong[i].says)) != 0)
			fail_msg("'%s' gives '%s'", wrong[i].text, err.text);
	}
	err = (struct err){0};
	assert_int_equal(fleet_load(&f, "/nonexistent/table.csv", &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	static const char zeros[] = "8,1,1\n8,1\0,1\n";
	struct textin *in = textin_open_memory(zeros, sizeof(zeros) - 1, &err);
	err = (struct err){0};
	assert_int_equal(fleet_read(&f, in, &err), -1);
	assert_string_equal(err.text, "<memory>:2: is no text");
	textin_close(in);
}

/* The shipped table: sums counted with a script of its own. */
static void shipped(void **state)
{
	struct fleet f;
	struct err err = {0};
	if (fleet_load(&f, SOURCE_ROOT "/workloads/fleet/TCMALLOC_4.csv", &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(f.count, 1045);
	assert_int_equal((uint64_t)f.rate_per_s, 8670);
	assert_int_equal((uint64_t)f.live, 337001);
	fleet_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(draws),
		cmocka_unit_test(refusals),
		cmocka_unit_test(shipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
