/* A test that must fail: if it ever counts as passed, failures go unnoticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void canary(void **state)
{
	assert_int_equal(1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(canary)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
