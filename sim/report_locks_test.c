/*
 * Tests of report_locks.c: figures that follow from waiting, and a deadlock in JSON and in words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/engine_rig.h"
#include "sim/json.h"
#include "sim/report_locks.h"

static char *json_of(const struct lock_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct json j;
	assert_non_null(f);
	json_init(&j, f);
	json_object_begin(&j, NULL);
	report_locks(&j, r);
	json_object_end(&j);
	json_finish(&j);
	fclose(f);
	return text;
}

static char *summary_of(const struct lock_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	assert_non_null(f);
	summary_locks(r, f);
	fclose(f);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_message("%s\nlacks %s\n", text, part);
	assert_non_null(strstr(text, part));
}

static void figures(void **state)
{
	struct lock_report r = {.simulated_ps = 1000 * PS_PER_NS, .waiter_bytes = 64};
	struct lock_figures f;
	struct err err;
	struct env_lock locks[2] = {
		{.name = "heap", .acquired_count = 8, .wait_ps_total = 2000 * PS_PER_NS,
		 .waiting_max = 5},
		{.name = "map", .sleeps = true, .acquired_count = 4,
		 .wait_ps_total = 500 * PS_PER_NS, .waiting_max = 3}};
	lock_figures(&f, &r, &locks[0]);
	assert_true(f.wait_ns_mean == 250 && f.waiting_mean == 2 && f.spinning_cpus_mean == 2);
	assert_true(f.waiter_bytes_max == 0 && f.waiter_bytes_mean == 0);
	lock_figures(&f, &r, &locks[1]);
	assert_true(f.wait_ns_mean == 125 && f.waiting_mean == 0.5 && f.spinning_cpus_mean == 0);
	assert_true(f.waiter_bytes_max == 192 && f.waiter_bytes_mean == 32);
	const struct env_lock unused = {.name = "unused"};
	const struct lock_report instant = {.simulated_ps = 0};
	lock_figures(&f, &instant, &unused); /* no division by nothing */
	assert_true(f.wait_ns_mean == 0 && f.waiting_mean == 0);

	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(lock_report_add(&r, locks, 2, &err), 0);
	memset(locks, 0, sizeof(locks)); /* a copy was made */
	assert_int_equal(r.locks_count, 200);
	assert_string_equal(r.locks[199].name, "map");
	char *text = json_of(&r);
	assert_has(text, "\"kind\": \"mutex\"");
	assert_has(text, "\"waiter_bytes_max\": 192");
	assert_has(text, "\"deadlock\": null");
	assert_has(text, "\"order_cycle\": null");
	free(text);
	text = summary_of(&r);
	assert_string_equal(text, ""); /* nothing is wrong */
	free(text);
	lock_report_release(&r);
}

/* The longest waits first, three of them; locks without any, and those to skip, are not there. */
static void waits(void **state)
{
	const struct env_lock locks[6] = {
		{.name = "zone",
		 .acquired_count = 9,
		 .contended_count = 9,
		 .wait_ps_total = 9000000},
		{.name = "free", .acquired_count = 5},
		{.name = "a", .acquired_count = 4, .contended_count = 1, .wait_ps_total = 1000000},
		{.name = "b", .acquired_count = 3, .contended_count = 2, .wait_ps_total = 3000000},
		{.name = "c", .acquired_count = 2, .contended_count = 1, .wait_ps_total = 2000000},
		{.name = "d", .acquired_count = 1, .contended_count = 1, .wait_ps_total = 4000000}};
	struct lock_report r = {0};
	struct err err;
	char *text = NULL;
	size_t size;
	assert_int_equal(lock_report_add(&r, locks, 6, &err), 0);
	FILE *f = open_memstream(&text, &size);
	assert_non_null(f);
	summary_waits(&r, 1, f);
	fclose(f);
	assert_string_equal(text, "other locks   d taken 1 times, 1 contended, 4.0 us waited; "
				  "b taken 3 times, 2 contended, 3.0 us waited; "
				  "c taken 2 times, 1 contended, 2.0 us waited; and 1 more\n");
	free(text);
	r.locks_count = 2;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	summary_waits(&r, 1, f);
	fclose(f);
	assert_string_equal(text, ""); /* nobody waited */
	free(text);
	lock_report_release(&r);
}

/* Two CPUs cross, two wait for them, one keeps a lock to its end, one is well. */
static void crossed_body(struct rig *r, unsigned cpu)
{
	rig_idle_until(r, cpu, 100 * PS_PER_NS * (cpu + 1));
	if (cpu == 5)
		return;
	rig_take(r, cpu, cpu < 2 ? cpu : cpu == 4 ? 2 : 0);
	rig_idle_until(r, cpu, 1000 * PS_PER_NS);
	if (cpu < 2)
		rig_take(r, cpu, 1 - cpu);
}

static struct rig_outcome found;

static void reported(struct rig *r, struct engine *e)
{
	struct lock_report report = {0};
	struct err err;
	if (lock_report_engine(&report, e, r->cpus, &err) != 0)
		abort();
	char *text = json_of(&report), *words = summary_of(&report);
	snprintf((char *)r->out->figures, sizeof(r->out->figures), "%s\n%s", text, words);
	free(text);
	free(words);
	lock_report_release(&report);
}

static void deadlock(void **state)
{
	struct rig r = {.cpus = 6, .body = crossed_body, .after = reported};
	rig_simulate(&r, &found);
	const char *text = (const char *)found.figures;
	assert_has(text, "\"deadlocked_cpus_count\": 5");
	assert_has(text, "\"at_ns\": 1000");
	assert_has(text, "\"holds\": [\"l0\"],\n          \"waits_for\": \"l1\"");
	assert_has(text, "\"holds\": [],\n          \"waits_for\": \"l0\"");
	assert_has(text, "\"holds\": [\"l2\"],\n          \"waits_for\": null");
	assert_has(text, "\"order_cycle\": \"l0 -> l1 -> l0, CPU 1 at 1.0 us\"");
	assert_has(text, "DEADLOCK      at 1.000 us, 5 CPUs: CPU 0 holds l0, waits for l1; CPU 1 "
			 "holds l1, waits for l0; CPU 2 waits for l0; CPU 3 waits for l0; and 1 "
			 "more\n");
	assert_has(text, "lock order    can deadlock: l0 -> l1 -> l0, CPU 1 at 1.0 us\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures),
		cmocka_unit_test(waits),
		cmocka_unit_test(deadlock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
