/*
 * suggest_test.c - near names are found, far ones are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/types.h"
#include "sim/suggest.h"

static void test_nearest(void **state)
{
	static const char *const names[] = {"cpus", "cpu_frequency", "memory",
					    "run",  "import",	     "B"};
	static const struct {
		const char *word, *expected;
	} cases[] = {
		{"cpu_frequencie", "cpu_frequency"}, {"cpsu", "cpus"}, {"MEMORY", "memory"},
		{"imprt", "import"}, {"rnu", "run"}, {"run", "run"},
		{"layout", NULL}, {"", NULL}, {"x", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = suggest_nearest(cases[i].word, names, ARRAY_SIZE(names));
		if (cases[i].expected)
			assert_string_equal(got, cases[i].expected);
		else
			assert_null(got);
	}
	char long_word[200];
	memset(long_word, 'c', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(suggest_nearest(long_word, names, ARRAY_SIZE(names)));
	assert_null(suggest_nearest("run", names, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nearest)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
