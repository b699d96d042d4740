/*
 * expr_test.c - constraints: what they mean, and what is said of those that mean nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sim/sweep/expr.h"

static const char *const traces[] = {"web", "files"};

/* "1", "0" or what is wrong, of @text for the built-in configuration with some values. */
static void check(const char *text, const char *expected)
{
	struct config c;
	struct err err = {0};
	char got[1200];
	unsigned column;
	config_init(&c);
	c.machine.memory_bytes = UINT64_C(256) << 20;
	c.slab.max_order = 3;
	c.seed = 7;
	const struct expr_scope scope = {&c, traces, 2, true};
	struct expr *e = expr_parse(text, &scope, &column, &err);
	int holds = e ? expr_holds(e, &c, "web", 2, &column, &err) : -1;
	if (holds >= 0)
		snprintf(got, sizeof(got), "%d", holds);
	else
		snprintf(got, sizeof(got), "%u: %s", column, err.text);
	assert_string_equal(got, expected);
	assert_int_equal(holds < 0, err.code == ERR_CONFIG);
	expr_free(e);
	config_release(&c);
}

static void test_meaning(void **state)
{
	check("slab.min_order <= slab.max_order", "1");
	check("slab.max_order < 3", "0");
	check("slab.max_order * 2 + 1 == 7", "1");
	check("1 + slab.max_order * 2 == 7", "1");
	check("(1 + slab.max_order) * 2 == 8", "1");
	check("10 - 4 - 3 == 3", "1");
	check("12 / 2 / 3 == 2", "1");
	check("-slab.max_order == 0 - 3", "1");
	check("--1 == 1", "1");
	check("machine.memory >= 256MiB", "1");
	check("machine.memory == 128MiB * machine.cpus", "1");
	check("machine.memory / 1MiB == 256", "1");
	check("pcp.decay_interval == 1000ms", "1");
	check("machine.cpu_frequency > 2.4GHz", "1");
	check("1/2 == 0.5", "1");
	check("1000/s == 1/ms", "1");
	check("trace == 'web'", "1");
	check("trace != \"web\"", "0");
	check("repeat == 2 and seed == 7", "1");
	check("pcp.enabled", "1");
	check("pcp.enabled == false", "0");
	check("slab.allocator == 'slub'", "1");
	check("machine.layout == 'x86_64'", "1");
}

static void test_logic(void **state)
{
	check("true or false and false", "1");
	check("(true or false) and false", "0");
	check("not true or true", "1");
	check("not (true or true)", "0");
	check("not slab.max_order == 3", "0");
	check("not not pcp.enabled", "1");
	check("pcp.enabled != true or trace == 'web'", "1");
}

/* What is auto compares with the word only; `or` keeps the rest from being looked at. */
static void test_auto(void **state)
{
	check("slab.cpu_partial == 'auto'", "1");
	check("'auto' != slab.cpu_partial", "0");
	check("slab.max_order == 'auto'", "0");
	check("slab.cpu_partial == 'auto' or slab.cpu_partial <= 8", "1");
	check("slab.cpu_partial != 'auto' and slab.cpu_partial <= 8", "0");
	check("slab.cpu_partial == 3", "0");
	check("slab.cpu_partial <= 8 or slab.cpu_partial == 'auto'",
	      "1: slab.cpu_partial is auto here, which only == and != 'auto' compare");
	check("1 + slab.cpu_partial > 8",
	      "5: slab.cpu_partial is auto here, which only == and != 'auto' compare");
	check("slab.cpu_partial == 'none'",
	      "21: slab.cpu_partial is a number or 'auto', never 'none'");
	check("slab.cpu_partial > 'auto'", "18: compares a plain number with a text");
	check("1 / slab.min_order > 2", "3: divides by zero");
}

static void test_syntax(void **state)
{
	check("", "1: ends where a value is missing");
	check("slab.max_order <", "17: ends where a value is missing");
	check("slab.max_order = 3", "16: equality is written ==");
	check("1 < 2 < 3", "7: a second comparison; join two by `and`");
	check("(1 < 2", "1: the parenthesis is not closed");
	check("1 < 2 )", "7: is followed by something else");
	check("trace == 'web", "10: the text has no end: ' is missing");
	check("1 < %", "5: a value is missing here");
	check("3", "1: is a plain number, where a condition is needed");
	check("trace", "1: is a text, where a condition is needed");
	check("1 and true", "1: is a plain number, where a condition is needed");
	check("3kg > 1", "1: '3kg' is no number with a unit that is known");
	check("3_000 > 1", "1: is no number");
	check("- 'a' == 'b'", "3: is a text, where a number is needed");
}

static void test_names(void **state)
{
	check("slab.max_ordr < 3", "1: slab: unknown key 'max_ordr'; did you mean 'max_order'?");
	check("machine < 3", "1: machine has no single value to compare");
	check("kmalloc.classes == 3", "1: kmalloc.classes has no single value to compare");
	check("trace == 'wep'", "10: trace is never 'wep'; did you mean 'web'?");
	check("'x86' == machine.layout", "1: machine.layout is never 'x86'");
	check("trace == 3", "7: compares a text with a plain number");
	check("trace < 'web'", "7: texts have no order; only == and != compare them");
	check("machine.memory >= 256", "16: compares a number of bytes with a plain number");
	check("machine.memory + 1s > 2s", "16: adds a number of bytes and a time");
	check("machine.memory * 2MiB > 1",
	      "16: multiplies a number of bytes and a number of bytes");
	check("2 / machine.memory > 1", "3: divides a plain number and a number of bytes");
	struct config c;
	struct err err = {0};
	unsigned column;
	config_init(&c);
	const struct expr_scope scope = {&c, NULL, 0, false};
	assert_null(expr_parse("trace == 'web'", &scope, &column, &err));
	assert_string_equal(err.text, "the sweep has no traces");
	err = (struct err){0};
	assert_null(expr_parse("1 < 2 and repeat == 0", &scope, &column, &err));
	assert_string_equal(err.text, "the sweep has no seeds");
	assert_int_equal(column, 11);
	config_release(&c);
}

/* However it is nested, an answer comes with bounded memory. */
static void test_bounds(void **state)
{
	char text[4096] = "";
	for (unsigned i = 0; i < 1000; i++)
		strcat(text, "(");
	check(text, "33: is nested too deeply");
	text[0] = '\0';
	for (unsigned i = 0; i < 1000; i++)
		strcat(text, "not ");
	check(text, "129: is nested too deeply");
	strcpy(text, "1");
	for (unsigned i = 0; i < 1000; i++)
		strcat(text, "+1");
	check(text, "256: the condition is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning), cmocka_unit_test(test_logic),
		cmocka_unit_test(test_auto),    cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_names),   cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
