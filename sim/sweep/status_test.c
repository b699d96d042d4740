/*
 * status_test.c - how far a sweep is, told from what lies in its directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "sim/resultdir.h"
#include "sim/safefile.h"
#include "sim/sweep/status.h"

#define POINTS 8

static char home[64];

static void id_of(unsigned index, char id[DIGEST_TEXT])
{
	digest_format(0x00aa000000000000u + index, id);
}

/* A plan of POINTS points, whose last two have the indices 20 and 21. */
static void write_plan(void)
{
	FILE *f = fopen("plan.jsonl", "w");
	char id[DIGEST_TEXT];
	unsigned i;

	assert_non_null(f);
	fprintf(f,
		"{\"schema_version\": 1, \"name\": \"s\", \"title\": null, \"question\": null, "
		"\"allocsim_version\": \"1\", \"master_seed\": \"1\", \"points_count\": %d, "
		"\"parameters\": [{\"key\": \"seed\", \"values\": [\"1\"]}], \"traces\": [], "
		"\"inputs\": [], \"plots\": [], \"config\": \"name: x\\n\"}\n",
		POINTS);
	for (i = 0; i < POINTS; i++) {
		id_of(i, id);
		fprintf(f, "{\"i\": %u, \"id\": \"%s\", \"params\": {\"seed\": \"1\"}}\n",
			i < 6 ? i : i + 14, id);
	}
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	strcpy(home, "/tmp/status_test.XXXXXX");
	if (!mkdtemp(home) || chdir(home))
		return -1;
	write_plan();
	return 0;
}

static int teardown(void **state)
{
	return chdir("/") || resultdir_remove_tree(home);
}

static void put_failed(unsigned index, const char *message)
{
	struct cell cell = {.state = CELL_FAILED, .exit_code = 70, .attempts = 1};
	struct plan_point point = {.index = index};
	struct resultdir rd;
	struct err err = {0};

	id_of(index, point.id);
	snprintf(cell.message, sizeof(cell.message), "%s", message);
	assert_int_equal(resultdir_create_kind(&rd, point.id, CELL_MARKER, &err), 0);
	assert_int_equal(cell_write_status(&rd, &point, &cell, &err), 0);
	assert_int_equal(resultdir_commit(&rd, &err), 0);
}

static char *printed(const struct sweep_status *s, bool all)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	sweep_status_print(s, all, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* The process number of a child that is gone. */
static long dead_process(void)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return child;
}

/* A directory whose name is @name and @who. */
static void make_dir(const char *name, const char *who)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s", name, who);
	assert_int_equal(mkdir(path, 0777), 0);
}

static void test_nothing_done(void **state)
{
	struct sweep_status s;
	struct err err = {0};
	char *text;

	assert_int_equal(sweep_status_read(&s, ".", &err), 0);
	text = printed(&s, false);
	assert_string_equal(text, "s: 8 points: 0 done, 0 failed, 8 missing\nmissing: 0-5,20-21\n");
	free(text);
	sweep_status_release(&s);
}

static void test_failed(void **state)
{
	struct sweep_status s;
	struct err err = {0};
	char *text;

	put_failed(1, "it \x1b[2J broke");
	put_failed(5, "");
	assert_int_equal(sweep_status_read(&s, ".", &err), 0);
	assert_int_equal(s.states_count[CELL_FAILED], 2);
	text = printed(&s, false);
	assert_string_equal(text, "s: 8 points: 0 done, 2 failed, 6 missing\nfailed:\n"
				  "  1  00aa000000000001  exit status 70\n"
				  "     seed=1\n     it ?[2J broke\n"
				  "  5  00aa000000000005  exit status 70\n     seed=1\n"
				  "missing: 0,2-4,20-21\n");
	free(text);
	sweep_status_release(&s);
}

static void test_work(void **state)
{
	struct sweep_status s;
	struct err err = {0};
	char who[SAFEFILE_WHO], left[160], *text;

	safefile_who(who);
	make_dir(".00aa000000000000.tmp.", who);
	snprintf(left, sizeof(left), "%.*s.%ld", (int)(strrchr(who, '.') - who), who,
		 dead_process());
	make_dir(".00aa000000000001.tmp.", left);
	make_dir(".00aa000000000002.tmp.", "some.other-host.77");
	/* Cells and directories of others. */
	make_dir("", "00bb000000000000");
	make_dir("", "00bb0000000000000");
	make_dir("", "results");
	make_dir(".00aa000000000003.tmp.", "host.");
	make_dir(".00aa000000000003.tmp.", "host.-1");
	make_dir(".00aa000000000003.tmp.", "");
	make_dir(".00aa000000000003.tmp", "");
	make_dir(".all.csv.tmp.", who);
	assert_int_equal(sweep_status_read(&s, ".", &err), 0);
	assert_int_equal(s.work_count, 3);
	assert_int_equal(s.work[0].state, WORK_RUNNING);
	assert_int_equal(s.work[0].pid, getpid());
	assert_int_equal(s.work[1].state, WORK_LEFT);
	assert_int_equal(s.work[2].state, WORK_PERHAPS);
	assert_string_equal(s.work[2].host, "some.other-host");
	assert_string_equal(s.work[2].id, "00aa000000000002");
	assert_int_equal(s.others_count, 1);
	text = printed(&s, false);
	assert_non_null(strstr(text, "\nrunning on this host: 1\n"
				     "perhaps running on other hosts: 1 (some.other-host)\n"
				     "left behind by runs that were killed: 1\n"
				     "cells of other plans: 1\n"));
	free(text);
	sweep_status_release(&s);
}

static void test_json(void **state)
{
	struct sweep_status s;
	struct err err = {0};
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	cJSON *json;

	put_failed(1, "a \"b\"");
	make_dir(".00aa000000000002.tmp.", "other.77");
	assert_int_equal(sweep_status_read(&s, ".", &err), 0);
	sweep_status_print_json(&s, f);
	assert_int_equal(fclose(f), 0);
	json = cJSON_Parse(text);
	assert_non_null(json);
	assert_int_equal(cJSON_GetObjectItem(json, "missing_count")->valueint, 7);
	assert_string_equal(cJSON_GetObjectItem(json, "missing")->valuestring, "0,2-5,20-21");
	assert_string_equal(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "failed")->child, "message")
			->valuestring,
		"a \"b\"");
	assert_string_equal(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "work")->child, "state")->valuestring,
		"perhaps");
	cJSON_Delete(json);
	free(text);
	sweep_status_release(&s);
}

static void test_refusals(void **state)
{
	struct sweep_status s;
	struct err err = {0};

	assert_int_equal(sweep_status_read(&s, "nowhere", &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	err = (struct err){0};
	assert_int_equal(truncate("plan.jsonl", 40), 0);
	assert_int_equal(sweep_status_read(&s, ".", &err), -1);
	assert_int_equal(err.code, ERR_TRACE);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_done), TEST(test_failed),   TEST(test_work),
		TEST(test_json),         TEST(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
