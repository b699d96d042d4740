/*
 * Tests of the series: the header's names and each value of a row against the allocator's own
 * numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/machine.h"
#include "sim/sampler.h"

#define COLUMNS 1024

static struct config config;
static struct machine machine;
static struct metrics metrics;
static struct replay replay;

/* 2 nodes: DMA, DMA32 and Normal of the first, Normal of the second. */
static int setup(void **state)
{
	struct err err = {0};
	config_init(&config);
	config.machine.cpus = 3;
	config.machine.nodes = 2;
	config.machine.memory_bytes = UINT64_C(8) << 30;
	if (machine_init(&machine, &config, NULL, &err) != 0)
		return -1;
	for (unsigned i = 0; i < machine.pm.zones_count; i++) {
		struct zone *z = &machine.pm.zones[i];
		machine.pa->ops->add_range(machine.pa, z->start_pfn, z->end_pfn);
	}
	metrics_init(&metrics);
	replay = (struct replay){.pa = machine.pa, .metrics = &metrics};
	return 0;
}

static int teardown(void **state)
{
	machine_release(&machine);
	config_release(&config);
	return 0;
}

struct table {
	char *text;
	size_t size;
	char *header[COLUMNS], *row[COLUMNS];
	unsigned headers, values;
};

static unsigned split(char *line, char **cells)
{
	unsigned n = 0;
	for (char *p = strtok(line, ","); p; p = strtok(NULL, ",")) {
		assert_true(n < COLUMNS);
		cells[n++] = p;
	}
	return n;
}

/* One header and one row of time @now_ps. */
static void sample(struct table *t, ps_t now_ps)
{
	struct sampler s;
	memset(t, 0, sizeof(*t));
	FILE *out = open_memstream(&t->text, &t->size);
	assert_int_equal(sampler_init(&s, &replay, machine.cpus_count, 1000, out, NULL), 0);
	sampler_sample(&s, now_ps);
	assert_int_equal(s.rows_count, 1);
	sampler_release(&s);
	fclose(out);
	char *row = strchr(t->text, '\n');
	assert_non_null(row);
	*row++ = '\0';
	assert_int_equal(row[strlen(row) - 1], '\n');
	row[strlen(row) - 1] = '\0';
	t->headers = split(t->text, t->header);
	t->values = split(row, t->row);
}

static const char *value(const struct table *t, const char *name)
{
	for (unsigned i = 0; i < t->headers; i++) {
		if (strcmp(t->header[i], name) == 0)
			return t->row[i];
	}
	fail_msg("no column %s", name);
	return NULL;
}

static void assert_value(const struct table *t, uint64_t expected, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void assert_value(const struct table *t, uint64_t expected, const char *format, ...)
{
	char name[64];
	va_list ap;
	va_start(ap, format);
	vsnprintf(name, sizeof(name), format, ap);
	va_end(ap);
	const char *got = value(t, name);
	if (strtoull(got, NULL, 10) != expected)
		fail_msg("%s is %s, not %llu", name, got, (unsigned long long)expected);
}

static void lower(char *to, const char *from)
{
	for (; *from; from++)
		*to++ = (char)tolower((unsigned char)*from);
	*to = '\0';
}

static void assert_zone(const struct table *t, unsigned i)
{
	const struct zone *z = &machine.pm.zones[i];
	struct page_zone_stats s;
	uint64_t pages = 0;
	char name[32], zone[16];
	lower(zone, z->name);
	if (z->nid)
		snprintf(name, sizeof(name), "node%u_%s", z->nid, zone);
	else
		snprintf(name, sizeof(name), "%s", zone);
	machine.pa->ops->zone_stats(machine.pa, i, &s);
	for (unsigned o = 0; o <= machine.pm.max_order; o++) {
		uint64_t blocks = 0;
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
			char type[16];
			lower(type, migratetype_names[mt]);
			assert_value(t, s.free_blocks[o][mt], "%s_%s_order%u_blocks", name, type,
				     o);
			blocks += s.free_blocks[o][mt];
		}
		assert_value(t, blocks, "%s_order%u_blocks", name, o);
		pages += blocks << o;
	}
	assert_value(t, pages, "%s_free_pages", name);
	assert_int_equal(pages, z->free_pages);
}

static void assert_row(const struct table *t)
{
	uint64_t splits = 0, merges = 0, refills = 0, drains = 0, pcp = 0;
	assert_int_equal(t->headers, t->values);
	for (unsigned i = 0; i < machine.pm.zones_count; i++) {
		struct page_zone_stats s;
		assert_zone(t, i);
		machine.pa->ops->zone_stats(machine.pa, i, &s);
		splits += s.splits_count;
		merges += s.merges_count;
	}
	for (unsigned cpu = 0; cpu < machine.cpus_count; cpu++) {
		uint64_t mine = 0;
		for (unsigned i = 0; i < machine.pm.zones_count; i++) {
			struct page_pcp_stats s;
			if (!machine.pa->ops->pcp_stats(machine.pa, i, cpu, &s))
				continue;
			mine += s.count_pages;
			refills += s.refills_count;
			drains += s.drains_count;
		}
		assert_value(t, mine, "cpu%u_pcp_pages", cpu);
		pcp += mine;
	}
	assert_value(t, pcp, "pcp_pages");
	assert_value(t, splits, "splits_count");
	assert_value(t, merges, "merges_count");
	assert_value(t, refills, "refills_count");
	assert_value(t, drains, "drains_count");
}

static void test_names_are_unique(void **state)
{
	struct table t;
	sample(&t, 0);
	for (unsigned i = 0; i < t.headers; i++) {
		for (unsigned k = i + 1; k < t.headers; k++)
			assert_string_not_equal(t.header[i], t.header[k]);
	}
	assert_string_equal(t.header[0], "time_ns");
	free(t.text);
}

static void test_at_start(void **state)
{
	struct table t;
	sample(&t, 1234567);
	assert_row(&t);
	assert_value(&t, 1234, "time_ns");
	assert_value(&t, machine.pm.max_order, "largest_free_order");
	assert_string_equal(value(&t, "order0_unusable_index"), "0");
	assert_string_equal(value(&t, "order3_extfrag_index"), "-1");
	free(t.text);
}

/* After work on every CPU, with blocks of many orders and types left. */
static void test_after_work(void **state)
{
	struct env env = {.cost_cycles = config.cost_cycles};
	struct table t;
	enum alloc_failure why;
	pfn_t pfns[600];
	for (unsigned i = 0; i < ARRAY_SIZE(pfns); i++) {
		env.cpu = i % machine.cpus_count;
		pfns[i] = machine.pa->ops->alloc_pages(machine.pa, &env, i % 4,
						       i % 2 ? GFP_KERNEL : GFP_HIGHUSER_MOVABLE,
						       i % 2, &why);
		assert_true(pfns[i] != PFN_NONE);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pfns); i += 3) {
		env.cpu = i % machine.cpus_count;
		machine.pa->ops->free_pages(machine.pa, &env, pfns[i], i % 4);
	}
	metrics.ops_count = UINT64_C(18446744073709551615);
	metrics.failed_count = 7;
	sample(&t, 99 * PS_PER_NS);
	assert_row(&t);
	assert_string_equal(value(&t, "ops_count"), "18446744073709551615");
	assert_value(&t, 7, "failed_count");
	assert_true(strtoull(value(&t, "splits_count"), NULL, 10) > 0);
	assert_true(strtoull(value(&t, "pcp_pages"), NULL, 10) > 0);
	assert_true(strtod(value(&t, "order10_unusable_index"), NULL) > 0);
	free(t.text);
}

/* All memory is in use: no largest order, nothing usable. */
static void test_nothing_free(void **state)
{
	struct env env = {.cost_cycles = config.cost_cycles};
	struct table t;
	enum alloc_failure why;
	machine_release(&machine);
	struct err err = {0};
	config.pcp.enabled = false;
	assert_int_equal(machine_init(&machine, &config, NULL, &err), 0);
	replay.pa = machine.pa;
	assert_true(machine.pa->ops->alloc_pages(machine.pa, &env, 0, GFP_KERNEL, 0, &why) ==
		    PFN_NONE);
	sample(&t, 0);
	assert_string_equal(value(&t, "largest_free_order"), "-1");
	assert_string_equal(value(&t, "order0_unusable_index"), "1");
	assert_string_equal(value(&t, "order0_extfrag_index"), "0");
	assert_value(&t, 0, "normal_free_pages");
	free(t.text);
}

/* Without a stream there is no text, but rows are counted. */
static void test_without_output(void **state)
{
	struct sampler s;
	assert_int_equal(sampler_init(&s, &replay, 1, 0, NULL, NULL), 0);
	assert_int_equal(replay.next_sample_ps, UINT64_MAX);
	sampler_sample(&s, 5);
	assert_int_equal(s.rows_count, 1);
	sampler_release(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_are_unique), TEST(test_at_start),       TEST(test_after_work),
		TEST(test_nothing_free),     TEST(test_without_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
