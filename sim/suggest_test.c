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

static void expect_keys(const char *word, const char *expected)
{
	static const char *const names[] = {
		"objects.peak.waste_bytes", "trace", "slab.min_order", "objects.waste_bytes",
		"slab.max_order", "slab.orders", "a.b.waste_bytes", "objects.a.waste_bytes",
		"objects.b.c.waste_bytes",
	};
	char text[256];
	assert_string_equal(suggest_keys(word, names, ARRAY_SIZE(names), text, sizeof(text)),
			    expected);
}

/* What is mistyped is near; what is remembered in part has its words, the shortest keys first. */
static void test_keys(void **state)
{
	char small[8];
	static const char *const one[] = {"slab.max_order"};

	expect_keys("slab.max_ordr", "; did you mean \"slab.max_order\"?");
	expect_keys("order.min", "; did you mean \"slab.min_order\"?");
	expect_keys("objects.waste", "; did you mean \"objects.waste_bytes\", "
				     "\"objects.a.waste_bytes\" or \"objects.b.c.waste_bytes\"?");
	expect_keys("slab", "; did you mean \"slab.orders\", \"slab.min_order\" or "
			    "\"slab.max_order\"?");
	expect_keys("waste.slab", "");
	expect_keys("", "");
	expect_keys("...", "");
	suggest_keys("slab.order", one, 1, small, sizeof(small));
	assert_string_equal(small, "; did y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
