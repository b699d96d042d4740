/*
 * vmalloc over a mapper that is an array: what must be mapped is, guards are not, and no address is
 * mapped again before TLBs were flushed. Failures leave nothing behind; each invariant is broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "alloc/vmalloc_impl.h"
#include "kern/child_program.h"
#include "kern/rng.h"

#define SPACE_PAGES 8192u

/* --- the mapper ------------------------------------------------------------------------------- */

enum known { KNOWN_NOT, KNOWN_MAPPED, KNOWN_STALE };

struct fake_mapper {
	struct mapper base;
	pfn_t pfn[SPACE_PAGES];
	uint8_t order[SPACE_PAGES];
	uint8_t known[SPACE_PAGES]; /* to TLBs, at worst */
	uint64_t mapped_pages, maps_count, flushes_count;
	uint64_t fail_at; /* this map() finds no page for a table; 0: never */
	bool forgets;     /* flushes do nothing */
};

static uint64_t page_of(uint64_t vaddr)
{
	assert_true(vaddr >= VMALLOC_START);
	uint64_t page = (vaddr - VMALLOC_START) / PAGE_BYTES;
	assert_true(page < SPACE_PAGES);
	return page;
}

static bool reused_too_early;

static int fake_map(struct mapper *base, struct env *env, uint64_t vaddr, pfn_t pfn, unsigned order)
{
	struct fake_mapper *m = (struct fake_mapper *)base;
	uint64_t page = page_of(vaddr);
	if (++m->maps_count == m->fail_at)
		return -1;
	m->pfn[page] = pfn;
	m->order[page] = (uint8_t)order;
	for (uint64_t i = page; i < page + (UINT64_C(1) << order); i++) {
		assert_int_not_equal(m->known[i], KNOWN_MAPPED);
		reused_too_early |= m->known[i] == KNOWN_STALE;
		m->known[i] = KNOWN_MAPPED;
		m->mapped_pages++;
	}
	return 0;
}

static pfn_t fake_unmap(struct mapper *base, struct env *env, uint64_t vaddr, unsigned *order)
{
	struct fake_mapper *m = (struct fake_mapper *)base;
	uint64_t page = page_of(vaddr);
	if (m->known[page] != KNOWN_MAPPED)
		return PFN_NONE;
	*order = m->order[page];
	for (uint64_t i = page; i < page + (UINT64_C(1) << *order); i++) {
		m->known[i] = KNOWN_STALE;
		m->mapped_pages--;
	}
	return m->pfn[page];
}

static void fake_flush(struct mapper *base, struct env *env, uint64_t start, uint64_t end)
{
	struct fake_mapper *m = (struct fake_mapper *)base;
	m->flushes_count++;
	for (uint64_t i = page_of(start); i <= page_of(end - 1) && !m->forgets; i++) {
		if (m->known[i] == KNOWN_STALE)
			m->known[i] = KNOWN_NOT;
	}
}

static const struct mapper_ops fake_ops = {fake_map, fake_unmap, fake_flush};

/* --- the rig ---------------------------------------------------------------------------------- */

struct rig {
	struct op_machine m;
	struct env *env;
	struct fake_mapper mapper;
	struct vmalloc *v;
	uint64_t free_pages;
};

static struct rig rig; /* large */

static struct rig *rig_new(uint64_t zone_pages, const struct vmalloc_params *changes)
{
	const struct op_params op = {.zone_pages = zone_pages};
	struct vmalloc_params p = *changes;
	memset(&rig, 0, sizeof(rig));
	op_machine_init(&rig.m, &op);
	rig.env = &rig.m.env[0];
	rig.mapper.base.ops = &fake_ops;
	p.pa = rig.m.pa;
	p.mapper = &rig.mapper.base;
	p.cpus_count = 1;
	p.start = VMALLOC_START;
	if (!p.end)
		p.end = VMALLOC_START + SPACE_PAGES * (uint64_t)PAGE_BYTES;
	rig.v = vmalloc_new(&p);
	rig.free_pages = rig.m.pm.zones[0].free_pages;
	reused_too_early = false;
	return &rig;
}

static void check(struct rig *r)
{
	struct check_report report;
	if (vmalloc_check(r->v, &report) != 0)
		fail_msg("%s", report.text);
}

static struct vmalloc_stats stats_of(struct rig *r)
{
	struct vmalloc_stats s;
	vmalloc_stats(r->v, &s);
	return s;
}

/* All is freed: nothing is mapped, no page is lost. */
static void rig_free(struct rig *r)
{
	check(r);
	assert_int_equal(r->mapper.mapped_pages, 0);
	assert_int_equal(r->m.pm.zones[0].free_pages, r->free_pages);
	vmalloc_free_all(r->v);
	op_machine_release(&r->m);
}

static uint64_t take(struct rig *r, uint64_t bytes)
{
	enum alloc_failure why;
	uint64_t vaddr = vmalloc_alloc(r->v, r->env, bytes, GFP_KERNEL, 0, &why);
	assert_int_equal(!vaddr, why != ALLOC_OK);
	check(r);
	return vaddr;
}

static void give(struct rig *r, uint64_t vaddr)
{
	vmalloc_free(r->v, r->env, vaddr);
	check(r);
}

static const struct vmalloc_params usual = {.guard = true, .lazy_max_pages = UINT64_MAX};

/* O16.vmalloc_1M4K: pages, addresses, array; no waste. Off: without guards ranges touch. */
static void one_mib_and_a_page(void **state)
{
	for (unsigned guard = 0; guard < 2; guard++) {
		const struct vmalloc_params p = {.guard = guard, .lazy_max_pages = UINT64_MAX};
		struct rig *r = rig_new(4096, &p);
		uint64_t a = take(r, 1052672), b = take(r, 1);
		assert_int_equal(a, VMALLOC_START);
		assert_int_equal(b - a, guard ? 1056768 : 1052672);
		assert_int_equal(r->mapper.known[257], guard ? KNOWN_NOT : KNOWN_MAPPED);
		struct vmalloc_stats s = stats_of(r);
		assert_int_equal(s.mapped_pages, 257 + 1);
		assert_int_equal(s.guard_pages, 2 * guard);
		assert_int_equal(s.array_bytes, 2056 + 8);
		assert_int_equal(r->mapper.maps_count, 258);
		/* Two more pages hold the arrays. */
		assert_int_equal(r->free_pages - r->m.pm.zones[0].free_pages, 258 + 2);
		give(r, a);
		give(r, b);
		rig_free(r);
	}
}

/* O16.vfree_lazy_bytes: fls(CPUs) * 32 MiB. */
static void lazy_limit(void **state)
{
	static const uint64_t rows[][2] = {{1, 1}, {2, 2}, {3, 2}, {4, 3}, {16, 5}, {255, 8}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(vmalloc_lazy_max_pages((unsigned)rows[i][0]) * PAGE_BYTES,
				 rows[i][1] * 33554432);
	assert_int_equal(vmalloc_lazy_max_pages(16) * PAGE_BYTES, 167772160);
}

/*
 * Addresses that were freed wait until more than the limit have gathered; one flush serves for all.
 * Off: with a limit of 0 every free flushes.
 */
static void lazy_purge(void **state)
{
	for (unsigned lazy = 0; lazy < 2; lazy++) {
		const struct vmalloc_params p = {.guard = true, .lazy_max_pages = lazy ? 40 : 0};
		struct rig *r = rig_new(4096, &p);
		uint64_t first = take(r, 3 * PAGE_BYTES);
		give(r, first);
		assert_int_equal(stats_of(r).lazy_pages, lazy ? 4 : 0);
		for (int i = 1; i < 10; i++) {
			uint64_t a = take(r, 3 * PAGE_BYTES);
			assert_int_equal(a == first, !lazy);
			give(r, a);
		}
		assert_int_equal(stats_of(r).lazy_pages, lazy ? 40 : 0);
		assert_int_equal(r->mapper.flushes_count, lazy ? 0 : 10);
		uint64_t a = take(r, 3 * PAGE_BYTES);
		give(r, a); /* 44 wait: purged */
		assert_int_equal(stats_of(r).lazy_pages, 0);
		assert_int_equal(stats_of(r).purges_count, lazy ? 1 : 11);
		assert_int_equal(r->mapper.flushes_count, lazy ? 1 : 11);
		a = take(r, 1);
		assert_int_equal(a, first); /* the lowest place, and nobody knows it any more */
		give(r, a);
		vmalloc_purge(r->v, r->env);
		assert_false(reused_too_early);
		rig_free(r);
	}
}

/* Off: if the purge doesn't flush, addresses are used again that TLBs may still know. */
static void purge_without_flush(void **state)
{
	const struct vmalloc_params p = {.guard = true, .lazy_max_pages = 0};
	struct rig *r = rig_new(4096, &p);
	r->mapper.forgets = true;
	uint64_t a = take(r, PAGE_BYTES);
	give(r, a);
	assert_false(reused_too_early);
	a = take(r, PAGE_BYTES);
	assert_true(reused_too_early);
	give(r, a);
	rig_free(r);
}

/* The page array of more than 512 pages is vmalloc's, too. */
static void nested_arrays(void **state)
{
	struct rig *r = rig_new(8192, &usual);
	uint64_t a = take(r, 512 * PAGE_BYTES);
	assert_int_equal(stats_of(r).areas_count, 1);
	uint64_t b = take(r, 513 * PAGE_BYTES);
	struct vmalloc_stats s = stats_of(r);
	assert_int_equal(s.areas_count, 3); /* 513 pages need two for the array */
	assert_int_equal(s.mapped_pages, 512 + 513 + 2);
	assert_int_equal(s.array_bytes, 4096 + 4104 + 16);
	give(r, b);
	give(r, a);
	assert_int_equal(stats_of(r).lazy_pages, 513 + 514 + 3);
	vmalloc_purge(r->v, r->env);
	rig_free(r);
}

/* With addresses used up, what waits is purged; then there is room, or there is none. */
static void no_addresses(void **state)
{
	struct vmalloc_params p = usual;
	p.end = VMALLOC_START + 16 * PAGE_BYTES;
	struct rig *r = rig_new(4096, &p);
	enum alloc_failure why;
	uint64_t a = take(r, 9 * PAGE_BYTES);
	assert_int_equal(take(r, 9 * PAGE_BYTES), 0);
	give(r, a);
	assert_int_equal(stats_of(r).lazy_pages, 10);
	a = take(r, 9 * PAGE_BYTES);
	assert_int_equal(a, VMALLOC_START);
	assert_int_equal(stats_of(r).purges_count, 1);
	assert_int_equal(take(r, 16 * PAGE_BYTES), 0); /* its guard is outside */
	assert_int_equal(vmalloc_alloc(r->v, r->env, UINT64_MAX, GFP_KERNEL, 0, &why), 0);
	assert_int_equal(why, ALLOC_NO_MEMORY);
	assert_int_equal(stats_of(r).failed_count, 3);
	give(r, a);
	vmalloc_purge(r->v, r->env);
	rig_free(r);
}

/* No page for the array, the n-th page, or a table: nothing is left but addresses that wait. */
static void failures_leave_nothing(void **state)
{
	struct rig *r = rig_new(1024, &usual);
	for (uint64_t pages = 600; pages < 2000; pages += 100) {
		uint64_t free_pages = r->m.pm.zones[0].free_pages;
		uint64_t a = take(r, pages * PAGE_BYTES);
		assert_int_equal(!a, pages + 3 > 1024);
		if (a)
			give(r, a);
		assert_int_equal(r->m.pm.zones[0].free_pages, free_pages);
		assert_int_equal(r->mapper.mapped_pages, 0);
	}
	uint64_t holes[1024], held = 0;
	for (pfn_t pfn; held < 1024; holes[held++] = pfn) {
		enum alloc_failure why;
		pfn = r->m.pa->ops->alloc_pages(r->m.pa, r->env, 0, GFP_KERNEL, 0, &why);
		assert_true(pfn != PFN_NONE);
	}
	assert_int_equal(take(r, 1), 0); /* not even an array */
	assert_int_equal(stats_of(r).areas_count, 0);
	while (held)
		r->m.pa->ops->free_pages(r->m.pa, r->env, holes[--held], 0);
	for (uint64_t fail = 1; fail <= 520; fail += 40) {
		r->mapper.fail_at = r->mapper.maps_count + fail;
		assert_int_equal(take(r, 520 * PAGE_BYTES), 0); /* its array takes two maps */
		assert_int_equal(r->mapper.mapped_pages, 0);
		assert_int_equal(r->m.pm.zones[0].free_pages, r->free_pages);
		vmalloc_purge(r->v, r->env);
	}
	rig_free(r);
}

/* Huge pages where blocks are to be had, else single ones. */
static void huge_and_fallback(void **state)
{
	for (unsigned fragmented = 0; fragmented < 2; fragmented++) {
		const struct vmalloc_params p = {.guard = true, .huge = true, .lazy_max_pages = 0};
		struct rig *r = rig_new(4096, &p);
		pfn_t held[8];
		for (unsigned i = 0; fragmented && i < 8; i++) { /* a page of each pageblock */
			enum alloc_failure why;
			held[i] =
				r->m.pa->ops->alloc_pages(r->m.pa, r->env, 9, GFP_KERNEL, 0, &why);
			r->m.pa->ops->split_allocated(r->m.pa, held[i], 0);
			for (unsigned k = 1; k < 512; k++) {
				r->m.pa->ops->split_allocated(r->m.pa, held[i] + k, 0);
				r->m.pa->ops->free_pages(r->m.pa, r->env, held[i] + k, 0);
			}
		}
		uint64_t a = take(r, 600 * PAGE_BYTES);
		assert_int_equal(a % (512 * PAGE_BYTES), 0);
		/* An array of two pages, with 2 entries; or with 600, after an attempt's array. */
		assert_int_equal(r->mapper.maps_count, fragmented ? 604 : 4);
		assert_int_equal(stats_of(r).mapped_pages, fragmented ? 602 : 1026);
		give(r, a);
		for (unsigned i = 0; fragmented && i < 8; i++)
			r->m.pa->ops->free_pages(r->m.pa, r->env, held[i], 0);
		rig_free(r);
	}
}

static void random_run(void **state)
{
	static const struct vmalloc_params rows[] = {
		{.guard = true, .lazy_max_pages = 500},
		{.guard = false, .lazy_max_pages = 0},
		{.guard = true, .huge = true, .lazy_max_pages = UINT64_MAX},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *r = rig_new(4096, &rows[i]);
		uint64_t live[64][2], count = 0; /* address, pages */
		struct rng rng;
		rng_init(&rng, 16, i);
		for (int step = 0; step < 1500; step++) {
			uint64_t k = count ? rng_below(&rng, count) : 0;
			if (count == 64 || (count && rng_below(&rng, 2))) {
				give(r, live[k][0]);
				live[k][0] = live[--count][0];
				live[k][1] = live[count][1];
				continue;
			}
			uint64_t bytes =
				1 + rng_below(&rng, UINT64_C(1) << (6 + rng_below(&rng, 17)));
			r->mapper.fail_at = rng_below(&rng, 8) ? 0
							       : r->mapper.maps_count + 1 +
									 rng_below(&rng, 700);
			uint64_t a = take(r, bytes);
			if (!a)
				continue;
			live[count][0] = a;
			live[count++][1] = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
			for (k = 0; k < live[count - 1][1]; k++)
				assert_int_equal(r->mapper.known[page_of(a) + k], KNOWN_MAPPED);
		}
		while (count)
			give(r, live[--count][0]);
		vmalloc_purge(r->v, r->env);
		assert_int_equal(stats_of(r).lazy_pages, 0);
		assert_false(reused_too_early);
		rig_free(r);
	}
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void refused(struct rig *r, const char *what)
{
	struct check_report report;
	assert_int_equal(vmalloc_check(r->v, &report), -1);
	if (!strstr(report.text, what))
		fail_msg("\"%s\" instead of %s", report.text, what);
}

static void invariants_broken(void **state)
{
	struct rig *r = rig_new(4096, &usual);
	uint64_t a = take(r, 2 * PAGE_BYTES), b = take(r, 2 * PAGE_BYTES);
	struct area *first = area_of(rangetree_find(&r->v->areas, a));
	struct area *second = area_of(rangetree_find(&r->v->areas, b));

	r->v->p.start += PAGE_BYTES;
	refused(r, "V1: area at 0xffffc90000000000, of");
	r->v->p.start -= PAGE_BYTES;
	r->v->areas.count++;
	refused(r, "V1: the number of ranges");
	r->v->areas.count--;

	first->pages++;
	refused(r, "V2: area at 0xffffc90000000000 of 3 pages ends");
	first->pages--;
	second->mapped--;
	refused(r, "V2: live area at 0xffffc90000003000 is not complete");
	second->mapped++;

	uint64_t *entries = (uint64_t *)(r->m.pm.ram + first->array_paddr), was = entries[0];
	entries[0] = 4000; /* free */
	refused(r, "V3: page 0 of the area at 0xffffc90000000000 is frame 0xfa0");
	entries[0] = entries[1];
	refused(r, "is in two places");
	entries[0] = was;

	r->v->stats.areas_count++;
	refused(r, "V4: 2 live areas of 4 pages, counted 3 of 4");
	r->v->stats.areas_count--;

	give(r, a);
	r->v->stats.lazy_pages++;
	refused(r, "V5: 3 pages wait, 3 on the list, counted 4");
	r->v->stats.lazy_pages--;
	r->v->lazy = NULL;
	refused(r, "V5: 3 pages wait, 0 on the list, counted 3");
	r->v->lazy = first;
	give(r, b);
	rig_free(r);
}

static void free_inside(void *arg)
{
	vmalloc_free(rig.v, rig.env, VMALLOC_START + PAGE_BYTES);
}

static void free_twice(void *arg)
{
	vmalloc_free(rig.v, rig.env, VMALLOC_START);
	vmalloc_free(rig.v, rig.env, VMALLOC_START);
}

static void alloc_nothing(void *arg)
{
	enum alloc_failure why;
	vmalloc_alloc(rig.v, rig.env, 0, GFP_KERNEL, 0, &why);
}

static void unmapped_behind_its_back(void *arg)
{
	unsigned order;
	fake_unmap(&rig.mapper.base, rig.env, VMALLOC_START, &order);
	vmalloc_free(rig.v, rig.env, VMALLOC_START);
}

static void misuse(void **state)
{
	static const struct {
		void (*program)(void *arg);
		const char *text;
	} rows[] = {
		{free_inside, "vfree of 0xffffc90000001000, where no range begins"},
		{free_twice, "vfree of 0xffffc90000000000, where no range begins"},
		{alloc_nothing, "vmalloc of 0 bytes"},
		{unmapped_behind_its_back, "0xffffc90000000000 is not mapped"},
	};
	struct rig *r = rig_new(4096, &usual);
	uint64_t a = take(r, 2 * PAGE_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct child_end end;
		child_run(rows[i].program, NULL, &end);
		assert_true(child_aborted(&end, rows[i].text));
	}
	give(r, a);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_mib_and_a_page),
		cmocka_unit_test(lazy_limit),
		cmocka_unit_test(lazy_purge),
		cmocka_unit_test(purge_without_flush),
		cmocka_unit_test(nested_arrays),
		cmocka_unit_test(no_addresses),
		cmocka_unit_test(failures_leave_nothing),
		cmocka_unit_test(huge_and_fallback),
		cmocka_unit_test(random_run),
		cmocka_unit_test(invariants_broken),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
