/*
 * units_test.c - quantities read exactly, refuse what they must, and print back to themselves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kern/types.h"
#include "sim/units.h"

static void test_whole(void **state)
{
	static const struct {
		enum unit unit;
		const char *text;
		uint64_t value;
		const char *printed;
	} cases[] = {
		{UNIT_COUNT, "0", 0, "0"},
		{UNIT_COUNT, "18446744073709551615", UINT64_MAX, "18446744073709551615"},
		{UNIT_BYTES, "24GiB", UINT64_C(24) << 30, "24GiB"},
		{UNIT_BYTES, "1.5KiB", 1536, "1536B"},
		{UNIT_BYTES, "16 TiB", UINT64_C(1) << 44, "16TiB"},
		{UNIT_DURATION, "85ns", 85, "85ns"},
		{UNIT_DURATION, "1.5ms", 1500000, "1500us"},
		{UNIT_DURATION, "0s", 0, "0ns"},
		{UNIT_FREQUENCY, "2.45GHz", 2450000, "2.45GHz"},
		{UNIT_FREQUENCY, "5000Hz", 5, "5kHz"},
		{UNIT_FREQUENCY, "1000001kHz", 1000001, "1.000001GHz"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char why[UNITS_WHY], buf[UNITS_TEXT];
		uint64_t value = 0;
		assert_int_equal(units_parse_u64(cases[i].unit, cases[i].text, &value, why), 0);
		assert_true(value == cases[i].value);
		assert_string_equal(units_format_u64(cases[i].unit, value, buf), cases[i].printed);
	}
}

static void test_refused(void **state)
{
	static const struct {
		enum unit unit;
		const char *text, *why;
	} cases[] = {
		{UNIT_BYTES, "24", "needs a unit: B, KiB, MiB, GiB, TiB"},
		{UNIT_BYTES, "24GB",
		 "has no known unit; did you mean 'GiB'? (allowed: B, KiB, MiB, GiB, TiB)"},
		{UNIT_BYTES, "0.3B", "is not a whole number of B"},
		{UNIT_BYTES, "99999999TiB", "is too large"},
		{UNIT_COUNT, "18446744073709551616", "is too large"},
		{UNIT_COUNT, "-1", "must not be negative"},
		{UNIT_COUNT, "", "is not a number"},
		{UNIT_COUNT, "5x", "is not a plain number"},
		{UNIT_COUNT, "1.", "is not a number"},
		{UNIT_FREQUENCY, "1Hz", "is not a whole number of kHz"},
		{UNIT_COUNT, "0.00000000000000000000000", "has too many digits"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char why[UNITS_WHY] = "";
		uint64_t value = 0;
		assert_int_equal(units_parse_u64(cases[i].unit, cases[i].text, &value, why), -1);
		assert_string_equal(why, cases[i].why);
	}
}

static void test_real(void **state)
{
	static const double values[] = {
		0, 1, 0.1, 1e300, 5e-324, 1.0 / 3, 12345.678, -2.5, 9007199254740993e3};
	for (unsigned unit = 0; unit < UNIT_KINDS; unit++) {
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			char why[UNITS_WHY], buf[UNITS_TEXT];
			double back = 7;
			units_format_double(unit, values[i], buf);
			assert_int_equal(units_parse_double(unit, buf, &back, why), 0);
			assert_true(back == values[i]);
		}
	}
	char why[UNITS_WHY];
	double value;
	assert_int_equal(units_parse_double(UNIT_RATE, "20000/s", &value, why), 0);
	assert_true(value == 20000);
	assert_int_equal(units_parse_double(UNIT_RATE, "20000", &value, why), -1);
	assert_int_equal(units_parse_double(UNIT_COUNT, "1e999", &value, why), -1);
	assert_int_equal(units_parse_double(UNIT_COUNT, "nan", &value, why), -1);
	assert_int_equal(units_parse_double(UNIT_COUNT, "0x10", &value, why), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_real),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
