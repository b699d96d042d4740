/*
 * Tests of the slabs that a run starts with: the bundled recorded state must come out as slabinfo
 * counts it, and what a trace tells of single objects must be so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/import.h"
#include "sim/seed_slabs.h"
#include "sim/slab_evidence.h"

#define FILES SOURCE_ROOT "/workloads/files"

static char trace_path[] = "/tmp/allocsim-seed-test.XXXXXX";
static struct trace trace;
static struct truth truth;
static struct config config;
static struct machine machine;
static struct start_report report;

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
	return 0;
}

static int group_teardown(void **state)
{
	trace_close(&trace);
	truth_release(&truth);
	return unlink(trace_path);
}

static int setup(void **state)
{
	config_init(&config);
	memset(&report, 0, sizeof(report));
	return 0;
}

static int teardown(void **state)
{
	machine_release(&machine);
	config_release(&config);
	return 0;
}

static uint64_t window_start(void)
{
	return truth.freemap_start_ns - trace.base_ns;
}

/* The machine with its caches, seeded from @t; @recorded: in the recorded state. */
static void load(const struct trace *t, bool recorded, uint64_t start_ns)
{
	struct err err = {0};
	const struct truth *from = recorded ? &truth : NULL;
	uint64_t end_ns = recorded ? truth.end_ns - trace.base_ns : UINT64_MAX;
	int rc = machine_init(&machine, &config, from, &err);
	if (rc == 0 && recorded)
		rc = start_recorded(&machine, &truth, t, end_ns, &report, &err);
	else if (rc == 0)
		rc = start_boot(&machine, t, &report, &err);
	if (rc == 0)
		rc = object_stack_init(&machine.objects, &config, machine.pa, machine.cpus_count,
				       machine.cpu_nid, t, from, &err);
	if (rc == 0)
		rc = seed_slabs(&machine, from, t, start_ns, end_ns, &report, &err);
	if (rc != 0)
		fail_msg("%s", err.text);
	struct check_report found;
	if (machine.objects.oa->ops->check(machine.objects.oa, &found) != 0 ||
	    machine.pa->ops->check(machine.pa, &found) != 0)
		fail_msg("%s", found.text);
}

static struct object_cache_stats stats_of(const char *name)
{
	struct object_cache_stats stats;
	struct object_allocator *oa = machine.objects.oa;
	struct object_cache *cache = object_stack_find(&machine.objects, name);
	assert_non_null(cache);
	oa->ops->cache_stats(oa, cache, &stats);
	return stats;
}

/* --- the recorded state ----------------------------------------------------------------------- */

static void test_slabinfo_counts(void **state)
{
	unsigned active_off = 0;
	load(&trace, true, window_start());
	assert_int_equal(report.caches_recorded, truth.caches_count[0]);
	assert_int_equal(report.caches_other_layout, 0);
	assert_int_equal(report.slabs_missing, 0);
	uint64_t slabs = 0;
	for (unsigned i = 0; i < truth.caches_count[0]; i++) {
		const struct truth_cache *row = &truth.caches[0][i];
		struct object_cache_stats s = stats_of(row->name);
		assert_int_equal(s.slabs_count, row->slabs_count);
		assert_int_equal(s.objects_count, row->objects_count);
		assert_int_equal(s.pages_count, row->slabs_count * row->pages_per_slab);
		active_off += s.active_count != row->active_count;
		slabs += row->slabs_count;
	}
	assert_int_equal(report.slabs_placed + report.slabs_assumed, slabs);
	assert_true(report.slabs_placed > 1000);
	/* Where the trace shows more free objects than slabinfo counts, or too few slabs for them.
	 */
	assert_true(active_off <= truth.caches_count[0] / 10);
}

/* What the trace frees first lies where it lay, is live, and can be freed. */
static void test_start_objects_are_live(void **state)
{
	struct slab_evidence e;
	struct err err = {0};
	struct env env = {.cost_cycles = (uint32_t[COST_KINDS]){0}};
	load(&trace, true, window_start());
	struct object_stack *stack = &machine.objects;
	assert_int_equal(slab_evidence_collect(&e, &trace, window_start(),
					       truth.end_ns - trace.base_ns, stack, &err), 0);
	unsigned freed = 0, lost = 0;
	for (uint64_t i = 0; i < e.count; i++) {
		const struct place *p = &e.places[i];
		uint64_t start;
		if (!p->freed)
			continue;
		const uint64_t *at = u64map_get(&stack->start_objects, p->paddr);
		if (!at) {
			lost++;
			continue;
		}
		struct object_cache *cache = stack->oa->ops->cache_of(stack->oa, *at, &start);
		/* kfree names no cache; another object of the slab told it then. */
		if (p->cache)
			assert_ptr_equal(cache, p->cache);
		assert_non_null(cache);
		assert_int_equal(start, *at);
		assert_int_equal(*at, p->paddr);
		stack->oa->ops->free_object(stack->oa, &env, cache, *at);
		freed++;
	}
	slab_evidence_release(&e);
	assert_true(freed > 50);
	assert_true(lost <= 4); /* kfree of objects of which no other event names the cache */
	struct check_report found;
	if (stack->oa->ops->check(stack->oa, &found) != 0)
		fail_msg("%s", found.text);
}

/* Other slabs than the recorded ones: only what the trace frees is there, made before the start. */
static void test_other_layout(void **state)
{
	config.slab.red_zone = true;
	load(&trace, true, window_start());
	assert_int_equal(report.slabs_placed + report.slabs_assumed, 0);
	assert_true(report.caches_other_layout > report.caches_recorded * 9 / 10);
	assert_true(report.objects_made > 50);
	assert_int_equal(stats_of("dentry").live_count > 0, 1);
}

static void test_without_slabinfo(void **state)
{
	load(&trace, false, 0);
	assert_int_equal(report.caches_recorded, 0);
	assert_true(report.objects_made > 50);
}

/* --- single objects --------------------------------------------------------------------------- */

#define SECOND UINT64_C(1000000000)

struct event {
	unsigned second, cpu;
	enum trace_kind kind;
	uint32_t id;
	uint64_t paddr;
	unsigned flags;
};

/* A trace of objects of one cache, "c", of 64 bytes; page allocations are slabs. */
static void make_trace(const struct event *events, unsigned count, struct trace *t)
{
	struct err err = {0};
	struct trace_report r = {0};
	int fd;
	struct trace_writer *w = trace_writer_new(NULL, &err);
	assert_int_equal(trace_writer_add_cache(w, "c", 64, 64, &err), 0);
	for (unsigned i = 0; i < count; i++) {
		const struct event *e = &events[i];
		bool page = e->kind == TRACE_PAGE_ALLOC;
		struct trace_rec rec = {
			.time_ns = e->second * SECOND,
			.seq = i,
			.id = e->id,
			.pfn = (uint32_t)(e->paddr >> PAGE_SHIFT),
			.aux = page ? 0 : (uint32_t)(e->paddr % PAGE_BYTES),
			.cpu = (uint16_t)e->cpu,
			.kind = (uint8_t)e->kind,
			.flags = (uint8_t)e->flags,
		};
		assert_int_equal(trace_writer_add(w, &rec, 0, &err), 0);
		if (page)
			assert_int_equal(trace_writer_mark_slab(w, e->id, &err), 0);
	}
	assert_int_equal(trace_writer_finish(w, 0, &r, &fd, &err), 0);
	if (trace_open_fd(t, fd, "made", &err) != 0)
		fail_msg("%s", err.text);
	close(fd);
}

#define A(second, cpu, id, paddr) {second, cpu, TRACE_CACHE_ALLOC, id, paddr, 0}
#define F(second, cpu, id, paddr) {second, cpu, TRACE_OBJECT_FREE, id, paddr, 0}
#define OLD(second, cpu, paddr)                                                                    \
	{second, cpu, TRACE_OBJECT_FREE, TRACE_ID_NONE, paddr, TRACE_F_PREEXISTING}
#define SLAB(second, id, paddr) {second, 0, TRACE_PAGE_ALLOC, id, paddr, 0}

static const struct event life[] = {
	A(1, 0, 0, 0x5000),  /* before the window: live at its start, freed in it */
	A(1, 0, 1, 0x5040),
	F(2, 1, 1, 0x5040),  /* freed before it: free, and allocated first on CPU 1 */
	OLD(2, 0, 0x5080),   /* older than all, and gone before the window */
	F(4, 0, 0, 0x5000),
	A(4, 1, 2, 0x5040),
	OLD(5, 1, 0x50c0),   /* live at the start */
	A(5, 1, 3, 0x50c0),  /* and used again: tells nothing more */
	A(6, 0, 4, 0x5100),  /* free at the start */
	SLAB(7, 5, 0x6000),  /* a slab of the window tells nothing of its start */
	A(7, 0, 6, 0x6040),
	OLD(9, 0, 0x5140),   /* behind the end of the window */
};

static const struct place *find(const struct slab_evidence *e, uint64_t paddr)
{
	const uint64_t *index = u64map_get(&e->by_paddr, paddr);
	return index ? &e->places[*index] : NULL;
}

static void test_evidence(void **state)
{
	struct err err = {0};
	struct slab_evidence e;
	struct trace t;
	make_trace(life, ARRAY_SIZE(life), &t);
	load(&t, false, 3 * SECOND);
	assert_int_equal(slab_evidence_collect(&e, &t, 3 * SECOND, 8 * SECOND, &machine.objects,
					       &err), 0);
	assert_int_equal(e.count, 5);
	const struct {
		uint64_t paddr;
		bool live, freed;
		uint32_t seq;
	} expected[] = {
		{0x5000, true, true, EVIDENCE_NEVER},  {0x5040, false, false, 5},
		{0x5080, false, false, EVIDENCE_NEVER}, {0x50c0, true, true, EVIDENCE_NEVER},
		{0x5100, false, false, 8},
	};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct place *p = find(&e, expected[i].paddr);
		assert_non_null(p);
		assert_int_equal(p->live, expected[i].live);
		assert_int_equal(p->freed, expected[i].freed);
		assert_int_equal(p->first_alloc_seq, expected[i].seq);
		assert_ptr_equal(p->cache, machine.objects.caches[0]);
	}
	assert_int_equal(find(&e, 0x5040)->first_alloc_cpu, 1);
	assert_null(find(&e, 0x6040));
	slab_evidence_release(&e);
	trace_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slabinfo_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_start_objects_are_live, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_slabinfo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evidence, setup, teardown),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
