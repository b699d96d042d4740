/* Tests of the progress line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "sim/progress.h"

static void texts(void **state)
{
	char text[160];
	struct progress p = {.label = "import", .total = 1000};
	progress_format(&p, 250, 3000000, 2000000000, text, sizeof(text));
	assert_string_equal(text, "import   25 % [=====>              ]  1.50 M/s  ETA 0:06");
	progress_format(&p, 0, 0, 0, text, sizeof(text));
	assert_string_equal(text, "import    0 % [>                   ]  0 /s");
	progress_format(&p, 2000, 24000, 2000000000, text, sizeof(text));
	assert_string_equal(text, "import  100 % [====================]  12.0 k/s  ETA 0:00");
	p.total = 0;
	progress_format(&p, 5000, 24, 2000000000, text, sizeof(text));
	assert_string_equal(text, "import  24  12 /s");
	p.total = UINT64_MAX;
	progress_format(&p, 1, 1, UINT64_MAX, text, sizeof(text));
	assert_non_null(strstr(text, "ETA 5999:59"));
	progress_format(&p, 1, 1, UINT64_MAX, text, 20);
	assert_int_equal(strlen(text), 19);
}

static void at_most_ten_times_a_second_and_erased(void **state)
{
	char buffer[512] = "";
	struct progress p;
	progress_init(&p, "run", 100);
	assert_ptr_equal(p.out, stderr);
	p.out = fmemopen(buffer, sizeof(buffer), "w");
	setvbuf(p.out, NULL, _IONBF, 0);
	FILE *out = p.out;
	progress_update(&p, 1, 1);
	assert_string_equal(buffer, "");
	p.next_ns = 0; /* as if a tenth of a second had passed */
	progress_update(&p, 50, 1);
	assert_non_null(strstr(buffer, "\rrun   50 %"));
	size_t drawn = strlen(buffer);
	progress_update(&p, 60, 1);
	assert_int_equal(strlen(buffer), drawn);
	progress_done(&p);
	assert_string_equal(buffer + drawn, "\r\033[K");
	progress_update(&p, 70, 1);
	progress_done(&p);
	assert_string_equal(buffer + drawn, "\r\033[K");
	fclose(out);
}

static void silent(void **state)
{
	struct progress p = {0};
	progress_update(&p, 1, 1);
	progress_done(&p);
	assert_null(p.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(at_most_ten_times_a_second_and_erased),
		cmocka_unit_test(silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
