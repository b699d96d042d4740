/*
 * Address spaces: closed forms (O14, O17, O45), a random run with other CPUs in between against an
 * array, failures at every allocation, stale translations, and every invariant broken on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/child_program.h"
#include "kern/rng.h"
#include "mm/address_space_impl.h"
#include "mm/mm_rig.h"

#define PAGE UINT64_C(4096)
#define MiB  (UINT64_C(1) << 20)
#define GiB  (UINT64_C(1) << 30)

static void check(struct address_space *as)
{
	struct check_report report;
	if (address_space_check(as, &report) != 0)
		fail_msg("%s", report.text);
}

static struct address_space_stats stats_of(const struct address_space *as)
{
	struct address_space_stats s;
	address_space_stats(as, &s);
	return s;
}

static void touch_all(struct mm_rig *r, struct address_space *as, unsigned cpu, uint64_t vaddr,
		      uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += PAGE)
		assert_true(address_space_access(as, &r->m.env[cpu], vaddr + at, 8, true));
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* O45.vma_counts. Off: neighbours of unlike rights don't merge, and ten maps are ten ranges. */
static void ranges_merge_and_split(void **state)
{
	struct mm_rig r;
	mm_rig_init(&r, 4096, true);
	struct address_space *as = mm_rig_space(&r, true);
	uint64_t first = 0, counts[4], last;
	for (int i = 0; i < 10; i++) {
		uint64_t at = address_space_map(as, r.env, PAGE, VMA_WRITE);
		first = first ? first : at;
		assert_int_equal(at, first + (uint64_t)i * PAGE); /* the lowest place */
	}
	counts[0] = stats_of(as).vmas_count;
	assert_int_equal(stats_of(as).vma_merges_count, 9);
	touch_all(&r, as, 0, first, 10 * PAGE);
	address_space_protect(as, r.env, first + 3 * PAGE, PAGE, false);
	check(as);
	counts[1] = stats_of(as).vmas_count;
	assert_int_equal(stats_of(as).vma_splits_count, 2);
	assert_false(address_space_access(as, r.env, first + 3 * PAGE, 8, true));
	assert_true(address_space_access(as, r.env, first + 3 * PAGE, 8, false));
	address_space_protect(as, r.env, first + 3 * PAGE, PAGE, true);
	check(as);
	counts[2] = stats_of(as).vmas_count;
	assert_true(address_space_access(as, r.env, first + 3 * PAGE, 8, true));
	last = first + 10 * PAGE;
	for (int i = 0; i < 10; i++) {
		last += PAGE;
		assert_true(address_space_map_at(as, r.env, last, PAGE, VMA_WRITE));
		last += PAGE;
	}
	check(as);
	counts[3] = stats_of(as).vmas_count;
	static const uint64_t expected[] = {1, 3, 1, 11};
	assert_memory_equal(counts, expected, sizeof(counts));
	address_space_free(as, r.env);
	as = mm_rig_space(&r, true);
	for (unsigned i = 0; i < 10; i++)
		address_space_map(as, r.env, PAGE, i % 2 ? VMA_WRITE : 0);
	assert_int_equal(stats_of(as).vmas_count, 10);
	assert_int_equal(stats_of(as).vma_merges_count, 0);
	address_space_free(as, r.env);
	mm_rig_release(&r);
}

static void places(void **state)
{
	struct mm_rig r;
	mm_rig_init(&r, 4096, false);
	struct address_space *as = mm_rig_space(&r, true);
	uint64_t a = address_space_map(as, r.env, 1, VMA_WRITE); /* rounded up */
	uint64_t b = address_space_map(as, r.env, 2 * MiB, VMA_WRITE | VMA_HUGE);
	uint64_t c = address_space_map(as, r.env, 3 * PAGE, VMA_WRITE);
	assert_int_equal(b % (2 * MiB), 0);
	assert_int_equal(c, a + PAGE); /* below b; as one with a */
	assert_int_equal(stats_of(as).vmas_count, 2);
	assert_false(address_space_map_at(as, r.env, b + PAGE, PAGE, 0));
	assert_true(address_space_map_at(as, r.env, b + 2 * MiB, PAGE, 0));
	assert_int_equal(address_space_map(as, r.env, UINT64_C(1) << 47, 0), 0);
	assert_int_equal(address_space_map(as, r.env, UINT64_MAX, 0), 0);
	assert_int_equal(address_space_map(as, r.env, 0, 0), 0);
	address_space_unmap(as, r.env, a, 8 * MiB); /* holes are fine */
	assert_int_equal(stats_of(as).vmas_count, 0);
	assert_int_equal(address_space_map(as, r.env, PAGE, 0), a);
	assert_false(address_space_access(as, r.env, UINT64_MAX - 4, 8, false));
	assert_false(address_space_access(as, r.env, a + PAGE - 4, 8, false)); /* over the end */
	assert_int_equal(stats_of(as).failed_count, 2);
	check(as);
	address_space_free(as, r.env);
	mm_rig_release(&r);
}

/* --- tables and frames ------------------------------------------------------------------------ */

/* O17.table_pages_128MiB through faults; off: unaligned, one table more. */
static void tables_of_128_mib(void **state)
{
	static const struct {
		uint64_t at;
		unsigned flags;
		uint64_t tables[4], small, huge;
	} rows[] = {
		{GiB, VMA_WRITE, {64, 1, 1, 1}, 32768, 0},
		{GiB, VMA_WRITE | VMA_HUGE, {0, 1, 1, 1}, 0, 64},
		{GiB + MiB, VMA_WRITE, {65, 1, 1, 1}, 32768, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mm_rig r;
		mm_rig_init(&r, 65536, false);
		struct address_space *as = mm_rig_space(&r, true);
		assert_true(address_space_map_at(as, r.env, rows[i].at, 128 * MiB, rows[i].flags));
		touch_all(&r, as, 0, rows[i].at, 128 * MiB);
		check(as);
		struct address_space_stats s = stats_of(as);
		for (unsigned level = 0; level < 4; level++)
			assert_int_equal(s.tables_count[level], rows[i].tables[level]);
		assert_int_equal(s.mapped_pages, rows[i].small);
		assert_int_equal(s.huge_pages, rows[i].huge);
		assert_int_equal(s.faults_count, rows[i].small + rows[i].huge);
		address_space_free(as, r.env);
		mm_rig_release(&r);
	}
}

/* O45.user_vs_contig: the bump state, of which no block is above order 3. */
static void user_frames_need_no_contiguity(void **state)
{
	struct mm_rig r;
	static pfn_t pfns[4096];
	enum alloc_failure why;
	mm_rig_init(&r, 4096, false);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++)
		pfns[i] = r.pa.ops->alloc_pages(&r.pa, r.env, 0, GFP_HIGHUSER_MOVABLE, 0, &why);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
		if (pfns[i] % 16 != 15)
			r.pa.ops->free_pages(&r.pa, r.env, pfns[i], 0);
	}
	struct page_allocator *pa = r.m.pa;
	assert_true(pa->ops->alloc_pages(pa, r.env, 4, GFP_KERNEL, 0, &why) == PFN_NONE);
	assert_int_equal(why, ALLOC_FRAGMENTED);
	pfn_t order3 = pa->ops->alloc_pages(pa, r.env, 3, GFP_KERNEL, 0, &why);
	assert_true(order3 != PFN_NONE);
	pa->ops->free_pages(pa, r.env, order3, 3);

	/* 3840 frames are free: 3829 and the 11 tables they need are had, huge or not. */
	struct address_space *as = mm_rig_space(&r, true);
	assert_true(address_space_map_at(as, r.env, GiB, 16 * MiB, VMA_WRITE | VMA_HUGE));
	uint64_t pages = 0;
	while (address_space_access(as, r.env, GiB + pages * PAGE, 1, true))
		pages++;
	struct address_space_stats s = stats_of(as);
	assert_int_equal(pages, 3829);
	assert_int_equal(s.tables_count[0], 8);
	assert_int_equal(s.huge_pages, 0);
	assert_true(s.huge_fallbacks_count > 0);
	assert_int_equal(s.failed_count, 1);
	check(as);
	address_space_free(as, r.env);
	for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
		if (pfns[i] % 16 == 15)
			r.pa.ops->free_pages(&r.pa, r.env, pfns[i], 0);
	}
	mm_rig_release(&r);
}

/* --- shootdowns ------------------------------------------------------------------------------- */

/* O14.ipi_count, for 0 to 3 other CPUs. Off: what batching saves is the first row. */
static void interrupts_of_unmapping(void **state)
{
	static const struct {
		bool batch;
		unsigned flags;
		uint64_t shootdowns, full, dropped; /* per CPU that used it */
	} rows[] = {
		{false, VMA_WRITE, 512, 0, 512},
		{true, VMA_WRITE, 1, 1, 0},
		{true, VMA_WRITE | VMA_HUGE, 1, 0, 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned others = 0; others < OP_CPUS; others++) {
			struct mm_rig r;
			struct memory_stats s;
			mm_rig_init(&r, 4096, true);
			struct address_space *as = mm_rig_space(&r, rows[i].batch);
			uint64_t at = address_space_map(as, r.env, 2 * MiB, rows[i].flags);
			for (unsigned cpu = 0; cpu <= others; cpu++)
				touch_all(&r, as, cpu, at, 2 * MiB);
			assert_int_equal(r.ipis_count, 0);
			address_space_unmap(as, r.env, at, 2 * MiB);
			assert_int_equal(r.ipis_count, rows[i].shootdowns * others);
			assert_int_equal(stats_of(as).shootdowns_count, rows[i].shootdowns);
			assert_int_equal(stats_of(as).shootdown_targets_count, r.ipis_count);
			assert_int_equal(stats_of(as).shootdown_full_count, rows[i].full);
			for (unsigned cpu = 0; cpu < OP_CPUS; cpu++) {
				bool used = cpu <= others;
				memory_stats(r.memory, cpu, &s);
				assert_int_equal(s.tlb_flushed_pages_count,
						 used ? rows[i].dropped : 0);
				assert_int_equal(s.tlb_flushes_count, used ? rows[i].full : 0);
			}
			address_space_free(as, r.env);
			mm_rig_release(&r);
		}
	}
}

/* 33 pages are dropped one by one, 34 take everything. */
static void flush_ceiling(void **state)
{
	for (uint64_t pages = 33; pages <= 34; pages++) {
		struct mm_rig r;
		mm_rig_init(&r, 4096, true);
		struct address_space *as = mm_rig_space(&r, true);
		uint64_t at = address_space_map(as, r.env, pages * PAGE, VMA_WRITE);
		touch_all(&r, as, 1, at, pages * PAGE);
		address_space_protect(as, r.env, at, pages * PAGE, false);
		assert_int_equal(stats_of(as).shootdown_full_count, pages == 34);
		assert_int_equal(r.ipis_count, 1); /* CPU 0 never used it */
		assert_int_equal(stats_of(as).shootdowns_count, 1);
		address_space_protect(as, r.env, at, pages * PAGE, true); /* needs none */
		assert_int_equal(stats_of(as).shootdowns_count, 1);
		assert_true(address_space_access(as, &r.m.env[1], at, 8, true));
		address_space_free(as, r.env);
		mm_rig_release(&r);
	}
}

/*
 * Why frames are freed after the flush. Off: with interrupts lost, another CPU's TLB leads to a
 * frame that is free, and then to one that somebody else has.
 */
static void stale_translations(void **state)
{
	for (unsigned lost = 0; lost < 2; lost++) {
		struct mm_rig r;
		struct tlb_entry e;
		mm_rig_init(&r, 4096, true);
		struct address_space *as = mm_rig_space(&r, true);
		uint64_t at = address_space_map(as, r.env, PAGE, VMA_WRITE);
		touch_all(&r, as, 1, at, PAGE);
		assert_true(mm_rig_tlb(&r, 1, 1, at, &e));
		pfn_t frame = e.pfn;
		assert_true(r.m.pm.pages[frame].flags & PAGE_ALLOCATED);
		r.forgets_ipis = lost;
		address_space_unmap(as, r.env, at, PAGE);
		assert_false(r.m.pm.pages[frame].flags & PAGE_ALLOCATED);
		assert_int_equal(mm_rig_tlb(&r, 1, 1, at, &e), lost);
		assert_int_equal(address_space_access(as, &r.m.env[1], at, 8, true), lost);
		if (lost)
			assert_true(e.pfn == frame);
		address_space_free(as, r.env);
		mm_rig_release(&r);
	}
}

/* Unmapping or protecting part of a huge page splits it, and leaves the rest as it was. */
static void parts_of_huge_pages(void **state)
{
	for (unsigned protect = 0; protect < 2; protect++) {
		struct mm_rig r;
		struct tlb_entry e;
		mm_rig_init(&r, 4096, true);
		struct address_space *as = mm_rig_space(&r, true);
		uint64_t at = address_space_map(as, r.env, 6 * MiB, VMA_WRITE | VMA_HUGE);
		touch_all(&r, as, 1, at, 6 * MiB);
		assert_int_equal(stats_of(as).huge_pages, 3);
		assert_true(mm_rig_tlb(&r, 1, 1, at, &e) && e.page == HW_PAGE_2M);
		uint64_t from = at + MiB, bytes = 4 * MiB;
		if (protect)
			address_space_protect(as, r.env, from, bytes, false);
		else
			address_space_unmap(as, r.env, from, bytes);
		check(as);
		assert_int_equal(stats_of(as).huge_pages, protect ? 1 : 0);
		assert_int_equal(stats_of(as).mapped_pages, protect ? 1024 : 512);
		assert_int_equal(stats_of(as).shootdown_targets_count, 3); /* two splits */
		uint64_t faults = stats_of(as).faults_count;
		for (uint64_t a = at; a < at + 6 * MiB; a += PAGE) {
			bool inside = a >= from && a < from + bytes;
			assert_int_equal(address_space_access(as, &r.m.env[1], a, 8, false),
					 !inside || protect);
			assert_int_equal(address_space_access(as, &r.m.env[1], a, 8, true),
					 !inside);
		}
		/* Nothing had to be fetched again: faults are refusals. */
		assert_int_equal(stats_of(as).faults_count - faults, protect ? 1024 : 2048);
		address_space_free(as, r.env);
		mm_rig_release(&r);
	}
}

/* --- a random run ----------------------------------------------------------------------------- */

#define PAGES 3072u /* 12 MiB */
#define BASE  (GiB - 6 * MiB)

struct naive {
	bool mapped[PAGES], writable[PAGES];
};

static struct address_space *random_space;
static struct rng random_rng;

static void others_access(struct mm_rig *r)
{
	if (rng_below(&random_rng, 4))
		return;
	unsigned cpu = 1 + (unsigned)rng_below(&random_rng, OP_CPUS - 1);
	uint64_t at = BASE + rng_below(&random_rng, PAGES) * PAGE;
	address_space_access(random_space, &r->m.env[cpu], at, 8, rng_u64(&random_rng) & 1);
}

/* No TLB knows anything that the tables don't say. */
static void compare_tlbs(struct mm_rig *r, struct address_space *as)
{
	for (unsigned cpu = 0; cpu < OP_CPUS; cpu++) {
		for (uint64_t i = 0; i < PAGES; i += 1 + rng_below(&random_rng, 32)) {
			struct tlb_entry e;
			struct walk w;
			uint64_t at = BASE + i * PAGE;
			if (!mm_rig_tlb(r, cpu, 1, at, &e))
				continue;
			pagetable_walk(&as->pt, at, &w);
			assert_true(w.pfn == e.pfn && w.page == e.page);
			assert_true(w.writable || !e.writable);
		}
	}
}

static void random_step(struct mm_rig *r, struct address_space *as, struct naive *n)
{
	struct rng *g = &random_rng;
	unsigned i = (unsigned)rng_below(g, PAGES), kind = (unsigned)rng_below(g, 8);
	unsigned max = rng_below(g, 3) ? 40 : PAGES;
	unsigned end = i + 1 + (unsigned)rng_below(g, u64_min(max, PAGES - i));
	if (kind == 2) { /* where huge pages fit */
		i = i / 512 * 512;
		end = i + 512;
	}
	uint64_t at = BASE + i * PAGE, bytes = (end - i) * PAGE;
	bool write = rng_u64(g) & 1, free = true;
	switch (kind) {
	case 0:
		address_space_unmap(as, r->env, at, bytes);
		memset(n->mapped + i, false, end - i);
		break;
	case 1:
		address_space_protect(as, r->env, at, bytes, write);
		memset(n->writable + i, write, end - i);
		break;
	case 2:
	case 3:
		for (unsigned k = i; k < end; k++)
			free &= !n->mapped[k];
		unsigned flags = (write ? VMA_WRITE : 0u) | (kind == 2 ? VMA_HUGE : 0u);
		assert_int_equal(address_space_map_at(as, r->env, at, bytes, flags), free);
		if (free) {
			memset(n->mapped + i, true, end - i);
			memset(n->writable + i, write, end - i);
		}
		break;
	default:
		free = n->mapped[i] && (n->writable[i] || !write);
		assert_int_equal(address_space_access(as, r->env, at + 8, 64, write), free);
	}
}

static void random_run(void **state)
{
	for (unsigned batch = 0; batch < 2; batch++) {
		static struct naive n;
		struct mm_rig r;
		mm_rig_init(&r, 8192, true);
		rng_init(&random_rng, 45, batch);
		memset(&n, 0, sizeof(n));
		struct address_space *as = random_space = mm_rig_space(&r, batch);
		r.meanwhile = others_access;
		for (int step = 0; step < 2000; step++) {
			random_step(&r, as, &n);
			check(as);
			compare_tlbs(&r, as);
		}
		r.meanwhile = NULL;
		struct address_space_stats s = stats_of(as);
		assert_true(s.huge_faults_count > 20 && s.vma_splits_count > 20);
		assert_true(s.shootdown_targets_count > 20 && s.vma_merges_count > 20);
		address_space_free(as, r.env);
		mm_rig_release(&r);
	}
}

static void other_writes(struct mm_rig *r)
{
	address_space_access(random_space, &r->m.env[1], GiB, 8, true);
}

/*
 * While rights are given, ranges have them before entries do: a fault in between waits for the lock
 * instead of failing, and succeeds afterwards. Off: before the range has them it is refused.
 */
static void faults_wait_for_rights(void **state)
{
	struct mm_rig r;
	mm_rig_init(&r, 4096, true);
	struct address_space *as = random_space = mm_rig_space(&r, true);
	assert_true(address_space_map_at(as, r.env, GiB, PAGE, 0));
	assert_true(address_space_access(as, r.env, GiB, 8, false));
	r.meanwhile = other_writes;
	address_space_protect(as, r.env, GiB, PAGE, true);
	r.meanwhile = NULL;
	assert_true(stats_of(as).failed_count > 0);
	assert_true(r.waits_count > 0);
	assert_true(address_space_access(as, &r.m.env[1], GiB, 8, true));
	check(as);
	address_space_free(as, r.env);
	mm_rig_release(&r);
}

/* --- failures --------------------------------------------------------------------------------- */

/* Whichever allocation of a first touch fails, all is as before, and the next touch succeeds. */
static void no_page_for_a_fault(void **state)
{
	for (unsigned huge = 0; huge < 2; huge++) {
		for (uint64_t fail = 1; fail <= 6; fail++) {
			struct mm_rig r;
			mm_rig_init(&r, 4096, true);
			struct address_space *as = mm_rig_space(&r, true);
			uint64_t at = address_space_map(as, r.env, 2 * MiB,
							VMA_WRITE | (huge ? VMA_HUGE : 0));
			r.fail_at = r.allocs_count + fail;
			/* Page, 3 tables; or table put by, block, 2 tables, or else a page. */
			bool had = address_space_access(as, r.env, at, 8, true);
			assert_int_equal(had, huge || fail > 4);
			check(as);
			struct address_space_stats s = stats_of(as);
			assert_int_equal(s.mapped_pages + s.huge_pages, had);
			assert_int_equal(s.huge_fallbacks_count, huge && fail <= 4);
			assert_int_equal(s.huge_pages, huge && fail > 4);
			assert_int_equal(as->pt.deposits_count, s.huge_pages);
			assert_int_equal(s.failed_count, !had);
			assert_true(address_space_access(as, r.env, at, 8, true));
			address_space_unmap(as, r.env, at, 2 * MiB);
			assert_int_equal(r.m.pm.zones[0].free_pages, r.free_pages - 1);
			address_space_free(as, r.env);
			mm_rig_release(&r);
		}
	}
}

static void no_page_for_the_root(void **state)
{
	struct mm_rig r;
	mm_rig_init(&r, 4096, true);
	r.fail_at = 1;
	assert_null(mm_rig_space(&r, true));
	mm_rig_release(&r);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void refused(struct address_space *as, const char *what)
{
	struct check_report report;
	assert_int_equal(address_space_check(as, &report), -1);
	if (!strstr(report.text, what))
		fail_msg("\"%s\" instead of %s", report.text, what);
}

static uint64_t *entry_of(struct mm_rig *r, struct address_space *as, uint64_t vaddr)
{
	struct walk w;
	pagetable_walk(&as->pt, vaddr, &w);
	return (uint64_t *)(r->m.pm.ram + w.entry_paddrs[w.count - 1]);
}

static void invariants_broken(void **state)
{
	struct mm_rig r;
	mm_rig_init(&r, 4096, true);
	struct address_space *as = mm_rig_space(&r, true);
	uint64_t huge = address_space_map(as, r.env, 2 * MiB, VMA_WRITE | VMA_HUGE);
	uint64_t at = address_space_map(as, r.env, 2 * PAGE, VMA_WRITE);
	touch_all(&r, as, 0, huge, PAGE);
	touch_all(&r, as, 0, at, 2 * PAGE);
	check(as);

	uint64_t end = as->end;
	as->end = huge + PAGE;
	refused(as, "A1: a range ends at");
	as->end = end;
	struct vma *v = (struct vma *)rangetree_find(&as->vmas.tree, at);
	unsigned flags = v->flags;
	v->flags = VMA_WRITE | VMA_HUGE;
	refused(as, "A1: neighbours that are alike are not one");
	v->flags = 0;
	refused(as, "A2: the page at 0x600000 is writable, its range is not");
	v->flags = flags;
	rangetree_remove(&as->vmas.tree, &v->range);
	refused(as, "A2: the page at 0x600000 is in no range");
	as->busy_start = at; /* as while it is being unmapped */
	as->busy_end = at + 2 * PAGE;
	check(as);
	as->busy_start = as->busy_end = 0;
	v->range.start++;
	rangetree_insert(&as->vmas.tree, &v->range);
	refused(as, "A1: a range is not page-aligned");
	rangetree_remove(&as->vmas.tree, &v->range);
	v->range.start--;
	rangetree_insert(&as->vmas.tree, &v->range);

	uint64_t *first = entry_of(&r, as, at), *second = entry_of(&r, as, at + PAGE), was = *first;
	*first = *second;
	refused(as, "is mapped twice");
	*first = (was & 4095) | UINT64_C(4000) << 12;
	refused(as, "A3: the page at 0x600000 has frame 0xfa0, which is not its own");
	*first = was;
	pagetable_withdraw(&as->pt, r.env);
	refused(as, "A4: 0 tables are put by for 1 huge pages");
	assert_int_equal(pagetable_deposit(&as->pt, r.env, 0), 0);
	check(as);
	address_space_free(as, r.env);
	mm_rig_release(&r);
}

static void unmap_unaligned(void *arg)
{
	struct mm_rig *r = arg;
	address_space_unmap(mm_rig_space(r, true), r->env, GiB + 1, PAGE);
}

static void space_of_the_kernel(void *arg)
{
	struct mm_rig *r = arg;
	const struct address_space_params p = {.pa = &r->pa, .hw = &r->hw, .space = SPACE_KERNEL};
	address_space_new(&p, r->env);
}

static void misuse(void **state)
{
	struct mm_rig r;
	struct child_end end;
	mm_rig_init(&r, 4096, true);
	child_run(unmap_unaligned, &r, &end);
	assert_true(child_aborted(&end, "0x40000001 are no pages of an address space"));
	child_run(space_of_the_kernel, &r, &end);
	assert_true(child_aborted(&end, "address space of the kernel's number"));
	mm_rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_merge_and_split),
		cmocka_unit_test(places),
		cmocka_unit_test(tables_of_128_mib),
		cmocka_unit_test(user_frames_need_no_contiguity),
		cmocka_unit_test(interrupts_of_unmapping),
		cmocka_unit_test(flush_ceiling),
		cmocka_unit_test(stale_translations),
		cmocka_unit_test(parts_of_huge_pages),
		cmocka_unit_test(faults_wait_for_rights),
		cmocka_unit_test(random_run),
		cmocka_unit_test(no_page_for_a_fault),
		cmocka_unit_test(no_page_for_the_root),
		cmocka_unit_test(invariants_broken),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
