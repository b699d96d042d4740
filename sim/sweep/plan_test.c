/*
 * plan_test.c - a plan survives being written and read; every kind of wrong line is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/dir_rig.h"
#include "sim/resultdir.h"
#include "sim/sweep/plan.h"

#define HEAD_OF(COUNT, TRACES, INPUTS, PLOTS)                                                      \
	"{\"schema_version\": 1, \"name\": \"orders\", \"title\": null, \"question\": \"why?\", "  \
	"\"allocsim_version\": \"" ALLOCSIM_VERSION "\", \"master_seed\": "                        \
	"\"18446744073709551615\", \"points_count\": " COUNT ", \"parameters\": ["                 \
	"{\"key\": \"trace\", \"values\": [\"a\"]}, "                                              \
	"{\"key\": \"slab.max_order\", \"values\": [\"1\", \"3\"]}], \"traces\": [" TRACES "], "   \
	"\"inputs\": [" INPUTS "], \"plots\": [" PLOTS "], \"config\": \"name: x\\n\"}\n"
#define TRACE "{\"name\": \"a\", \"trace\": \"/t/a\\\"b.atrace\", \"truth\": null}"
#define INPUT(DIGEST)                                                                              \
	"{\"path\": \"input\", \"is_recording\": false, \"bytes\": 5, \"digest\": \"" DIGEST "\"}"
#define PLOT                                                                                       \
	"{\"name\": \"p\", \"title\": null, \"x\": \"slab.max_order\", \"y\": [\"totals.a\", "     \
	"\"totals.b / totals.c\"], \"z\": null, \"by\": \"trace\", \"kind\": \"lines\", "          \
	"\"where\": [\"a=1\", \"b=2\"], \"relative\": true}"
#define HEAD HEAD_OF("2", TRACE, INPUT("00000000000000aa"), PLOT)
#define POINT0                                                                                     \
	"{\"i\": 0, \"id\": \"00112233445566ff\", \"params\": {\"trace\": \"a\", "                 \
	"\"slab.max_order\": \"1\"}}\n"
#define POINT7                                                                                     \
	"{\"i\": 7, \"id\": \"ff112233445566ff\", \"params\": {\"trace\": \"a\", "                 \
	"\"slab.max_order\": \"3\"}}\n"

static void test_comes_back(void **state)
{
	static const char *const text = HEAD POINT0 POINT7;
	struct err err = {0};
	struct plan p;
	char *again = NULL;
	size_t bytes = 0;
	FILE *f;

	dir_rig_put("plan", text);
	assert_int_equal(plan_load(&p, "plan", &err), 0);
	assert_true(p.master_seed == UINT64_MAX);
	assert_string_equal(p.question, "why?");
	assert_null(p.title);
	assert_string_equal(p.traces[0].trace, "/t/a\"b.atrace");
	assert_true(p.plots[0].relative);
	assert_int_equal(p.plots[0].y_count, 2);
	assert_int_equal(p.plots[0].where_count, 2);
	assert_string_equal(p.plots[0].where[1], "b=2");
	assert_int_equal(plan_parameter_find(&p, "slab.max_order"), 1);
	assert_int_equal(plan_parameter_find(&p, "slab"), -1);
	assert_ptr_equal(plan_point_find(&p, 7), &p.points[1]);
	assert_null(plan_point_find(&p, 1));
	assert_null(plan_point_find(&p, 8));
	assert_ptr_equal(plan_point_trace(&p, &p.points[1]), &p.traces[0]);
	f = open_memstream(&again, &bytes);
	assert_non_null(f);
	plan_write(&p, f);
	fclose(f);
	assert_string_equal(again, text);
	assert_int_equal(plan_save(&p, "saved", &err), 0);
	dir_rig_put("plan", "");
	assert_int_equal(plan_save(&p, "plan", &err), 0);
	free(again);
	plan_release(&p);
	assert_int_equal(plan_load(&p, "plan", &err), 0);
	plan_release(&p);
}

static void test_wrong_lines(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "plan: is empty"},
		{"{", "plan:1: is no JSON"},
		{"[]", "plan:1: is no plan of a sweep"},
		{"{\"schema_version\": 2, \"allocsim_version\": \"9\"}", "plan:1: schema_version"},
		{HEAD POINT0, "plan: has 1 points and should have 2: it is not complete"},
		{HEAD POINT0 POINT7 POINT7, "plan:4: points are not in order"},
		{HEAD POINT7 POINT0, "plan:3: points are not in order"},
		{HEAD POINT0 "{\"i\": 7", "plan:3: is no JSON"},
		{HEAD "{\"i\": -1}\n", "plan:2: needs a whole number at \"i\""},
		{HEAD "{\"i\": 0.5}\n", "plan:2: needs a whole number at \"i\""},
		{HEAD "{\"i\": 0, \"id\": \"../../etc/passwd\"}\n", "plan:2: needs 16 hexadecimal"},
		{HEAD "{\"i\": 0, \"id\": \"00112233445566ff\"}\n",
		 "plan:2: needs a value of each"},
		{HEAD "{\"i\": 0, \"id\": \"00112233445566ff\", \"params\": {\"trace\": \"b\", "
		      "\"slab.max_order\": \"1\"}}\n",
		 "plan:2: names a trace"},
		{HEAD "{\"i\": 0, \"id\": \"00112233445566ff\", \"params\": {\"trace\": \"a\", "
		      "\"slab.max_order\": 1}}\n",
		 "plan:2: needs a text at \"slab.max_order\""},
		{HEAD_OF("2", "3", "", ""), "plan:1: needs a text at \"name\""},
		{HEAD_OF("2", "", INPUT("xyz"), ""), "plan:1: needs a number in quotes at \"dig"},
		{HEAD_OF("2", "", "",
			 "{\"name\": \"../x\", \"y\": [\"a\"], \"x\": \"b\", \"where\": []}"),
		 "plan:1: the name of a plot"},
		{HEAD_OF("2", "", "", "{\"name\": \"x\", \"y\": [], \"x\": \"b\", \"where\": []}"),
		 "plan:1: a plot needs \"y\""},
		{HEAD_OF("2", "", "",
			 "{\"name\": \"x\", \"y\": [\"a\", \"b\", \"c\", \"d\"], \"x\": \"b\"}"),
		 "plan:1: \"y\" has more than 3"},
		{HEAD_OF("2", "", "", "{\"name\": \"x\", \"y\": [\"a\", 2], \"x\": \"b\"}"),
		 "plan:1: \"y\" holds something other than texts"},
		{HEAD_OF("99999999999999", TRACE, "", "") POINT0, "it is not complete"},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = {0};
		struct plan p;
		dir_rig_put("plan", cases[i].text);
		assert_int_equal(plan_load(&p, "plan", &err), -1);
		assert_int_equal(err.code, ERR_TRACE);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].says, err.text);
	}
}

static void test_missing(void **state)
{
	struct err err = {0};
	struct plan p;

	assert_int_equal(plan_load(&p, "nothing", &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	err = (struct err){0};
	assert_int_equal(plan_load(&p, ".", &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
}

static void load_with(struct plan *p, const char *digest, const char *version)
{
	static const char head[] = HEAD_OF("0", TRACE, INPUT("0123456789abcdef"), "");
	char *text = strdup(head), *at;
	struct err err = {0};

	assert_non_null(text);
	at = strstr(text, "0123456789abcdef");
	memcpy(at, digest, 16);
	at = strstr(text, "\"allocsim_version\": \"") + 21;
	*at = *version;
	dir_rig_put("plan", text);
	free(text);
	assert_int_equal(plan_load(p, "plan", &err), 0);
}

static void test_inputs(void **state)
{
	char digest[DIGEST_TEXT];
	uint64_t value, bytes;
	struct err err = {0};
	struct plan p;

	dir_rig_put("input", "hello");
	assert_int_equal(digest_file("input", &value, &bytes, &err), 0);
	assert_int_equal(bytes, 5);
	digest_format(value, digest);
	load_with(&p, digest, ALLOCSIM_VERSION);
	assert_int_equal(plan_check_inputs(&p, &err), 0);
	dir_rig_put("input", "hallo");
	assert_int_equal(plan_check_inputs(&p, &err), -1);
	assert_int_equal(err.code, ERR_TRACE);
	assert_non_null(strstr(err.text, "input: has changed"));
	err = (struct err){0};
	unlink("input");
	assert_int_equal(plan_check_inputs(&p, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	plan_release(&p);
	dir_rig_put("input", "hello");
	load_with(&p, digest, "9");
	err = (struct err){0};
	assert_int_equal(plan_check_inputs(&p, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	plan_release(&p);
}

/* Known answers: the digest is the same on every host, and of what it should be. */
static void test_digests(void **state)
{
	uint64_t recording, value, bytes;
	struct err err = {0};
	struct digest d;

	assert_int_equal(digest_begin(&d), 0);
	assert_true(digest_end(&d) == UINT64_C(0x2d06800538d394c2)); /* XXH3 of nothing */
	assert_int_equal(digest_begin(&d), 0);
	digest_add(&d, "abc", 3);
	assert_true(digest_end(&d) == UINT64_C(0x78af5f94892f3950));
	dir_rig_put("start.time", "1");
	dir_rig_put("start.freemap", "2");
	assert_int_equal(digest_recording(".", &recording, &bytes, &err), 0);
	assert_int_equal(bytes, 2);
	dir_rig_put("README.md", "not of it");
	assert_int_equal(digest_recording(".", &value, &bytes, &err), 0);
	assert_true(value == recording);
	/* The same bytes in other files are another recording. */
	dir_rig_put("start.time", "");
	dir_rig_put("start.freemap", "12");
	assert_int_equal(digest_recording(".", &value, &bytes, &err), 0);
	assert_true(value != recording);
	assert_int_equal(digest_recording("none", &value, &bytes, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_lines, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_missing, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_inputs, dir_rig_setup, dir_rig_teardown),
		cmocka_unit_test_setup_teardown(test_digests, dir_rig_setup, dir_rig_teardown),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
