/*
 * Tests of start states: the bundled recorded state must come out as the kernel printed it, and a
 * machine as after boot must have free what the trace does not claim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "alloc/proc_text.h"
#include "kern/gfp.h"
#include "sim/import.h"
#include "sim/start_state.h"

#define FILES SOURCE_ROOT "/workloads/files"

static char trace_path[] = "/tmp/allocsim-start-test.XXXXXX";
static struct trace trace;
static struct truth truth;
static struct config config;
static struct machine machine;
static struct start_report report;

static char *file_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 65536);
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

static int group_setup(void **state)
{
	struct import_options o = {.input = FILES "/trace.ftrace.zst", .output = trace_path};
	struct trace_report imported;
	struct err err = {0};
	int fd = mkstemp(trace_path);
	close(fd);
	if (import_trace(&o, &imported, &err) != 0 || trace_open(&trace, trace_path, &err) != 0 ||
	    truth_load(&truth, FILES, &err) != 0) {
		print_message("%s\n", err.text);
		return -1;
	}
	config_init(&config);
	return 0;
}

static int group_teardown(void **state)
{
	trace_close(&trace);
	truth_release(&truth);
	config_release(&config);
	return unlink(trace_path);
}

static void load(const struct trace *t)
{
	struct err err = {0};
	uint64_t end_ns = truth.end_ns - trace.base_ns;
	memset(&report, 0, sizeof(report));
	if (machine_init(&machine, &config, &truth, &err) != 0 ||
	    start_recorded(&machine, &truth, t, end_ns, &report, &err) != 0)
		fail_msg("%s", err.text);
}

static int teardown(void **state)
{
	machine_release(&machine);
	return 0;
}

static void assert_checks(void)
{
	struct check_report found;
	if (machine.pa->ops->check(machine.pa, &found) != 0)
		fail_msg("%s", found.text);
}

static char *proc_text(void (*print)(struct page_allocator *, FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	print(machine.pa, f);
	fclose(f);
	return text;
}

/* --- the recorded state ----------------------------------------------------------------------- */

static void assert_buddyinfo(void)
{
	char *ours = proc_text(proc_buddyinfo), *kernels = file_text(FILES "/start.buddyinfo");
	assert_string_equal(ours, kernels);
	free(ours);
	free(kernels);
}

static void test_buddyinfo_byte_for_byte(void **state)
{
	load(&trace);
	assert_buddyinfo();
	assert_checks();
}

/* The free map is counted here from the file's blocks, by the zones' limits. */
static void test_start_counts_are_the_free_maps(void **state)
{
	load(&trace);
	assert_int_equal(machine.pm.zones_count, truth.zones_count);
	for (unsigned i = 0; i < truth.zones_count; i++) {
		const struct truth_zone *z = &truth.zones[i];
		uint64_t blocks[ORDER_LIMIT] = {0};
		for (uint64_t k = 0; k < truth.free_blocks_count; k++) {
			const struct truth_block *b = &truth.free_blocks[k];
			if (b->pfn >= z->start_pfn && b->pfn < z->start_pfn + z->spanned_pages)
				blocks[b->order]++;
		}
		assert_memory_equal(report.free_start[i].blocks, blocks, sizeof(blocks));
		assert_true(blocks[10] > 0);
	}
}

/* Every recorded free block is free; those that differ are what reconciling reports. */
struct pages {
	uint8_t *free;
	uint64_t count;
};

static void mark(void *arg, const struct free_block *b)
{
	struct pages *p = arg;
	if (b->cpu >= 0)
		return;
	for (pfn_t pfn = b->pfn; pfn < b->pfn + (UINT64_C(1) << b->order); pfn++) {
		assert_int_equal(p->free[pfn], 0);
		p->free[pfn] = 1;
		p->count++;
	}
}

static void test_pages_differ_as_reported(void **state)
{
	load(&trace);
	struct pages p = {.free = calloc(machine.pm.pfn_end + 1024, 1)};
	assert_non_null(p.free);
	machine.pa->ops->walk(machine.pa, mark, &p);
	uint64_t recorded = 0, removed = 0;
	for (uint64_t k = 0; k < truth.free_blocks_count; k++) {
		uint64_t n = UINT64_C(1) << truth.free_blocks[k].order;
		recorded += n;
		for (pfn_t pfn = truth.free_blocks[k].pfn; n; n--, pfn++)
			removed += !p.free[pfn];
	}
	uint64_t added = p.count - (recorded - removed);
	assert_int_equal(added, report.reconciled_added_pages);
	assert_int_equal(removed, report.reconciled_removed_pages);
	free(p.free);
}

/*
 * By zone and order the sum over the types is exact. The types of single blocks are a
 * reconstruction: of the tens of thousands no more than a handful are of another type than in
 * pagetypeinfo, and the numbers of pageblocks are exact.
 */
static void test_pagetypeinfo(void **state)
{
	load(&trace);
	for (unsigned i = 0; i < truth.zones_count; i++) {
		const struct truth_zone *t = &truth.zones[i];
		struct page_zone_stats s;
		uint64_t pageblocks[MIGRATE_TYPES], off = 0, all = 0;
		machine.pa->ops->zone_stats(machine.pa, i, &s);
		for (unsigned o = 0; o <= truth.max_order; o++) {
			uint64_t ours = 0, kernels = 0;
			for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
				uint64_t a = s.free_blocks[o][mt],
					 b = t->free_blocks_by_type[o][mt];
				off += a > b ? a - b : b - a;
				ours += a;
				kernels += b;
			}
			assert_int_equal(ours, kernels);
			all += ours;
		}
		assert_true(off <= all / 1000);
		zone_pageblocks(&machine.pm, &machine.pm.zones[i], pageblocks);
		assert_memory_equal(pageblocks, t->pageblocks, sizeof(pageblocks));
	}
}

/* A recorded pagetypeinfo and ours have the same lines but for numbers of those few blocks. */
static void test_pagetypeinfo_text(void **state)
{
	load(&trace);
	char *ours = proc_text(proc_pagetypeinfo),
	     *kernels = file_text(FILES "/start.pagetypeinfo");
	unsigned differing = 0, lines = 0;
	assert_int_equal(strlen(ours), strlen(kernels));
	char *save_a, *save_b;
	char *a = strtok_r(ours, "\n", &save_a), *b = strtok_r(kernels, "\n", &save_b);
	for (; a && b; a = strtok_r(NULL, "\n", &save_a), b = strtok_r(NULL, "\n", &save_b)) {
		lines++;
		differing += strcmp(a, b) != 0;
	}
	assert_true(!a && !b);
	assert_true(lines > 20);
	assert_true(differing <= 2);
	free(ours);
	free(kernels);
}

static void test_zoneinfo_counts(void **state)
{
	load(&trace);
	uint64_t counted = 0, held = 0;
	for (unsigned i = 0; i < truth.zones_count; i++) {
		for (unsigned cpu = 0; cpu < truth.cpus_count; cpu++) {
			struct page_pcp_stats s;
			const struct truth_pcp *t = &truth.zones[i].pcp[cpu];
			counted += t->count_pages;
			if (!machine.pa->ops->pcp_stats(machine.pa, i, cpu, &s))
				continue;
			held += s.count_pages;
			assert_true(s.count_pages <= t->count_pages);
			assert_int_equal(s.high_pages, t->high_pages);
		}
		const struct zone *z = &machine.pm.zones[i];
		assert_memory_equal(z->watermark_pages, truth.zones[i].watermark_pages,
				    sizeof(z->watermark_pages));
		assert_int_equal(z->managed_pages, truth.zones[i].managed_pages);
		assert_int_equal(z->present_pages, truth.zones[i].present_pages);
	}
	assert_true(counted > 0 && report.cached_known_pages > 0);
	assert_int_equal(held, report.cached_known_pages + report.cached_assumed_pages);
	assert_int_equal(counted, report.cached_known_pages + report.cached_assumed_pages +
					  report.cached_unplaced_pages);
}

/* The state does not need the trace: it is then just less certain. */
static void test_without_trace(void **state)
{
	load(NULL);
	assert_buddyinfo();
	assert_checks();
	assert_int_equal(report.known_pageblocks, 0);
	assert_int_equal(report.cached_known_pages, 0);
}

/* A page of zone Normal that the free map does not have. */
static uint32_t used_page(void)
{
	uint32_t pfn = (uint32_t)truth.zones[truth.zones_count - 1].start_pfn;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint64_t i = 0; i < truth.free_blocks_count; i++) {
			const struct truth_block *b = &truth.free_blocks[i];
			if (pfn >= b->pfn && pfn - b->pfn < 1u << b->order) {
				pfn = b->pfn + (1u << b->order);
				moved = true;
			}
		}
	}
	return pfn;
}

/*
 * A page is freed and drained at once. What happens to an object in between does not make this a
 * drain by a worker, nor does an object hide that its page was in a list before.
 */
static void test_objects_tell_nothing_of_lists(void **state)
{
	uint64_t start_ns = truth.freemap_start_ns - trace.base_ns;
	uint32_t pfn = used_page();
	const struct trace_rec demands[] = {
		{.time_ns = start_ns + 10, .seq = 0, .pfn = pfn + 1, .kind = TRACE_PAGE_FREE},
		{.time_ns = start_ns + 20, .seq = 1, .pfn = pfn, .kind = TRACE_OBJECT_FREE},
	};
	const struct trace_rec evidence[] = {
		{.time_ns = start_ns + 30, .seq = 2, .pfn = pfn, .kind = TRACE_PAGE_DRAINED},
	};
	struct trace t = trace;
	t.cpus_count = 1;
	t.ops[0] = demands;
	t.evidence = evidence;
	t.evidence_count = 1;
	for (uint64_t with_object = 0; with_object < 2; with_object++) {
		t.ops_count[0] = 1 + with_object;
		load(&t);
		assert_false(report.tick_known[0]);
		assert_int_equal(report.cached_known_pages, 1);
		if (!with_object)
			machine_release(&machine);
	}
}

static void test_deterministic(void **state)
{
	load(&trace);
	struct start_report first = report;
	char *a = proc_text(proc_pagetypeinfo);
	machine_release(&machine);
	load(&trace);
	char *b = proc_text(proc_pagetypeinfo);
	assert_string_equal(a, b);
	assert_memory_equal(&first, &report, sizeof(first));
	free(a);
	free(b);
}

/* --- as after boot ---------------------------------------------------------------------------- */

static void boot(const struct trace *t)
{
	struct err err = {0};
	memset(&report, 0, sizeof(report));
	assert_int_equal(machine_init(&machine, &config, NULL, &err), 0);
	assert_int_equal(start_boot(&machine, t, &report, &err), 0);
	assert_checks();
}

static void test_boot_is_all_free(void **state)
{
	boot(NULL);
	uint64_t free_pages = 0, managed = 0;
	for (unsigned i = 0; i < machine.pm.zones_count; i++) {
		struct free_counts now;
		free_counts_zone(machine.pa, i, &now);
		assert_memory_equal(now.blocks, report.free_start[i].blocks, sizeof(now.blocks));
		free_pages += free_counts_pages(&now);
		managed += machine.pm.zones[i].managed_pages;
	}
	assert_int_equal(free_pages, managed);
	assert_int_equal(report.carved_blocks, 0);
}

/* What the trace frees without having allocated it is in use, and can be freed. */
static void test_boot_carves(void **state)
{
	config.machine.memory_bytes = UINT64_C(32) << 30;
	boot(&trace);
	config.machine.memory_bytes = UINT64_C(4) << 30;
	assert_true(trace.preexisting_count > 0);
	assert_int_equal(report.carved_blocks + report.outside_blocks, trace.preexisting_count);
	assert_int_equal(report.outside_blocks, 0);
	struct env env = {.cost_cycles = config.cost_cycles};
	for (uint64_t i = 0; i < trace.preexisting_count; i++) {
		const struct trace_block *b = &trace.preexisting[i];
		assert_false(machine.pa->ops->knows(machine.pa, b->pfn, b->order));
		machine.pa->ops->free_pages(machine.pa, &env, b->pfn, b->order);
	}
	assert_checks();
}

/* A machine too small for the recording: the blocks beyond it are counted, not touched. */
static void test_boot_outside(void **state)
{
	config.machine.memory_bytes = UINT64_C(64) << 20;
	boot(&trace);
	config.machine.memory_bytes = UINT64_C(4) << 30;
	assert_true(report.outside_blocks > 0);
	assert_int_equal(report.carved_blocks + report.outside_blocks, trace.preexisting_count);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_buddyinfo_byte_for_byte),
		TEST(test_start_counts_are_the_free_maps),
		TEST(test_pages_differ_as_reported),
		TEST(test_pagetypeinfo),
		TEST(test_pagetypeinfo_text),
		TEST(test_zoneinfo_counts),
		TEST(test_without_trace),
		TEST(test_objects_tell_nothing_of_lists),
		TEST(test_deterministic),
		TEST(test_boot_is_all_free),
		TEST(test_boot_carves),
		TEST(test_boot_outside),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
