/*
 * json_test.c - the JSON writer against exact texts and against cJSON as a reader.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <math.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "sim/json.h"

struct document {
	struct json j;
	char *text;
	size_t bytes;
};

static void document_begin(struct document *d)
{
	FILE *out = open_memstream(&d->text, &d->bytes);

	assert_non_null(out);
	json_init(&d->j, out);
}

static void document_is(struct document *d, const char *expected)
{
	json_finish(&d->j);
	assert_int_equal(fclose(d->j.out), 0);
	assert_string_equal(d->text, expected);
	free(d->text);
}

static void test_layout(void **state)
{
	struct document d;

	document_begin(&d);
	json_object_begin(&d.j, NULL);
	json_u64(&d.j, "count", 3);
	json_object_begin(&d.j, "empty");
	json_object_end(&d.j);
	json_array_begin(&d.j, "none");
	json_array_end(&d.j);
	json_array_begin(&d.j, "zones");
	json_object_begin(&d.j, NULL);
	json_string(&d.j, "name", "DMA");
	json_written(&d.j, "as is", "[1, {}]");
	json_array_begin_compact(&d.j, "free");
	json_u64(&d.j, NULL, 1);
	json_i64(&d.j, NULL, -2);
	json_array_begin(&d.j, NULL);
	json_bool(&d.j, NULL, true);
	json_null(&d.j, NULL);
	json_array_end(&d.j);
	json_array_end(&d.j);
	json_object_end(&d.j);
	json_bool(&d.j, NULL, false);
	json_array_end(&d.j);
	json_object_end(&d.j);
	document_is(&d, "{\n"
			"  \"count\": 3,\n"
			"  \"empty\": {},\n"
			"  \"none\": [],\n"
			"  \"zones\": [\n"
			"    {\n"
			"      \"name\": \"DMA\",\n"
			"      \"as is\": [1, {}],\n"
			"      \"free\": [1, -2, [true, null]]\n"
			"    },\n"
			"    false\n"
			"  ]\n"
			"}\n");
}

static void test_integers_are_whole(void **state)
{
	struct document d;

	document_begin(&d);
	json_array_begin_compact(&d.j, NULL);
	json_u64(&d.j, NULL, UINT64_MAX);
	json_u64(&d.j, NULL, (UINT64_C(1) << 53) + 1);
	json_i64(&d.j, NULL, INT64_MIN);
	json_array_end(&d.j);
	document_is(&d, "[18446744073709551615, 9007199254740993, -9223372036854775808]\n");
}

static void test_doubles_read_back(void **state)
{
	static const double values[] = {
		0.1,   1.0 / 3,  2.0 / 3, 1e-300,   5e-324, 1.7976931348623157e308,
		-1e22, 123456.7, 1e15,    1e15 + 1, 0.3,    4503599627370497.5,
		1e-5,  -0.75,
	};
	struct document d;
	unsigned i;

	document_begin(&d);
	json_array_begin_compact(&d.j, NULL);
	json_double(&d.j, NULL, 0.1);
	json_double(&d.j, NULL, 100000);
	json_double(&d.j, NULL, -0.75);
	json_double(&d.j, NULL, 1e22);
	json_double(&d.j, NULL, NAN);
	json_double(&d.j, NULL, -INFINITY);
	json_array_end(&d.j);
	document_is(&d, "[0.1, 100000, -0.75, 1e+22, null, null]\n");

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		document_begin(&d);
		json_double(&d.j, NULL, values[i]);
		json_finish(&d.j);
		fclose(d.j.out);
		assert_true(strtod(d.text, NULL) == values[i]);
		free(d.text);
	}
}

static void test_strings(void **state)
{
	struct document d;

	document_begin(&d);
	json_array_begin_compact(&d.j, NULL);
	json_string(&d.j, NULL, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f");
	json_string(&d.j, NULL, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	/* A lone continuation, an overlong '/', a surrogate, beyond Unicode, a cut sequence. */
	json_string(&d.j, NULL, "\x80|\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82");
	json_array_end(&d.j);
	document_is(
		&d,
		"[\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\", "
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\", "
		"\"\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\"]\n");
}

static void test_every_byte_is_read_back(void **state)
{
	struct document d;
	char text[129];
	cJSON *parsed;
	int i;

	for (i = 1; i < 128; i++)
		text[i - 1] = (char)i;
	text[127] = '\0';
	document_begin(&d);
	json_object_begin(&d.j, NULL);
	json_string(&d.j, text, text);
	json_object_end(&d.j);
	json_finish(&d.j);
	fclose(d.j.out);
	parsed = cJSON_Parse(d.text);
	assert_non_null(parsed);
	assert_string_equal(parsed->child->string, text);
	assert_string_equal(cJSON_GetStringValue(parsed->child), text);
	cJSON_Delete(parsed);
	free(d.text);
}

/* Run @misuse in a child and expect the abort() of BUG_ON(). */
static void aborts(void (*misuse)(struct json *))
{
	struct json j;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL); /* cmocka's own handler would return to the test */
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		json_init(&j, stderr);
		misuse(&j);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void misuse_key_in_array(struct json *j)
{
	json_array_begin(j, NULL);
	json_u64(j, "key", 1);
}

static void misuse_no_key(struct json *j)
{
	json_object_begin(j, NULL);
	json_u64(j, NULL, 1);
}

static void misuse_key_at_top(struct json *j)
{
	json_u64(j, "key", 1);
}

static void misuse_open_at_finish(struct json *j)
{
	json_array_begin(j, NULL);
	json_finish(j);
}

static void misuse_wrong_end(struct json *j)
{
	json_array_begin(j, NULL);
	json_object_end(j);
}

static void misuse_two_values(struct json *j)
{
	json_null(j, NULL);
	json_null(j, NULL);
}

static void misuse_too_deep(struct json *j)
{
	unsigned i;

	for (i = 0; i < JSON_DEPTH_MAX; i++)
		json_array_begin(j, NULL);
}

static void test_misuse_is_a_bug(void **state)
{
	aborts(misuse_key_in_array);
	aborts(misuse_no_key);
	aborts(misuse_key_at_top);
	aborts(misuse_open_at_finish);
	aborts(misuse_wrong_end);
	aborts(misuse_two_values);
	aborts(misuse_too_deep);
}

static void test_deepest_nesting(void **state)
{
	struct document d;
	unsigned i;

	document_begin(&d);
	for (i = 0; i < JSON_DEPTH_MAX - 1; i++)
		json_array_begin_compact(&d.j, NULL);
	for (i = 0; i < JSON_DEPTH_MAX - 1; i++)
		json_array_end(&d.j);
	document_is(&d, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n");
}

static void test_stream_error_is_kept(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct json j;

	if (!full)
		skip();
	setvbuf(full, NULL, _IONBF, 0);
	json_init(&j, full);
	json_u64(&j, NULL, 1);
	json_finish(&j);
	assert_true(ferror(full));
	fclose(full);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_integers_are_whole),
		cmocka_unit_test(test_doubles_read_back),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_every_byte_is_read_back),
		cmocka_unit_test(test_misuse_is_a_bug),
		cmocka_unit_test(test_deepest_nesting),
		cmocka_unit_test(test_stream_error_is_kept),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
