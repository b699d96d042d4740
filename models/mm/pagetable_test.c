/*
 * Page tables: closed forms (O17), a random run against an array, failures, and every invariant
 * broken on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "kern/child_program.h"
#include "kern/rng.h"
#include "mm/pagetable.h"

#define MiB (UINT64_C(1) << 20)
#define GiB (UINT64_C(1) << 30)

struct rig {
	struct op_machine m;
	struct env *env;
	struct pagetable pt;
	uint64_t free_pages;
};

static void rig_init(struct rig *r, unsigned levels, uint64_t zone_pages)
{
	const struct op_params params = {.zone_pages = zone_pages};
	op_machine_init(&r->m, &params);
	r->env = &r->m.env[0];
	r->free_pages = r->m.pm.zones[0].free_pages;
	assert_int_equal(pagetable_init(&r->pt, r->m.pa, r->env, levels, 0), 0);
}

/* Everything is unmapped: then no page is lost. */
static void rig_release(struct rig *r)
{
	pagetable_release(&r->pt, r->env);
	assert_int_equal(r->m.pm.zones[0].free_pages, r->free_pages);
	op_machine_release(&r->m);
}

static void check(struct rig *r)
{
	struct check_report report;
	if (pagetable_check(&r->pt, NULL, NULL, &report) != 0)
		fail_msg("%s", report.text);
}

/* Frames need not exist: tables don't look at them. */
static void map_range(struct rig *r, uint64_t vaddr, uint64_t bytes, enum hw_page page)
{
	uint64_t span = pagetable_span(page);
	for (uint64_t v = vaddr; v < vaddr + bytes; v += span)
		assert_int_equal(pagetable_map(&r->pt, r->env, v, v >> PAGE_SHIFT, page, true, 0),
				 PAGETABLE_OK);
}

static void unmap_range(struct rig *r, uint64_t vaddr, uint64_t bytes)
{
	struct pagetable_leaf leaves[256];
	uint64_t v = vaddr;
	while (v < vaddr + bytes) {
		struct pagetable_gather g = {.leaves = leaves, .leaves_max = ARRAY_SIZE(leaves)};
		v = pagetable_unmap_range(&r->pt, r->env, v, vaddr + bytes, &g);
	}
	pagetable_trim(&r->pt, r->env, vaddr, vaddr + bytes);
}

/* O17.va_split_4level: the indexes at which a walk reads, and the offset. */
static void address_in_fields(void **state)
{
	static const unsigned expected[] = {254, 72, 418, 359};
	const uint64_t va = 0x7f1234567abc;
	struct rig r;
	struct walk w;
	rig_init(&r, 4, 4096);
	map_range(&r, va & ~UINT64_C(4095), 1, HW_PAGE_4K);
	pagetable_walk(&r.pt, va, &w);
	assert_int_equal(w.count, 4);
	assert_int_equal(w.entry_paddrs[0] / PAGE_BYTES, r.pt.root);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(w.entry_paddrs[i] % PAGE_BYTES / 8, expected[i]);
		assert_int_equal(pagetable_index(va, 3 - i), expected[i]);
	}
	assert_int_equal(va & 4095, 2748);
	assert_int_equal(w.pfn, va >> 12);
	/* Off: one bit of one field differs, and the walk ends elsewhere. */
	pagetable_walk(&r.pt, va ^ 1 << 12, &w);
	assert_true(w.pfn == PFN_NONE);
	unmap_range(&r, va & ~UINT64_C(4095), PAGE_BYTES);
	rig_release(&r);
}

/*
 * O17.table_pages_128MiB, O17.leaf_bytes. Off: unaligned, memory reaches into one table more; one
 * page in every 2 MiB has as few entries as huge pages, and all the tables.
 */
static void tables_of_128_mib(void **state)
{
	static const struct {
		enum hw_page page;
		uint64_t at;
		unsigned tables[4]; /* PTE, PMD, PUD, PGD */
		uint64_t leaf_bytes;
	} rows[] = {
		{HW_PAGE_4K, GiB, {64, 1, 1, 1}, 262144},
		{HW_PAGE_2M, GiB, {0, 1, 1, 1}, 512},
		{HW_PAGE_4K, GiB + MiB, {65, 1, 1, 1}, 262144},
		{HW_PAGE_2M, 2 * GiB - 64 * MiB, {0, 2, 1, 1}, 512},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig r;
		rig_init(&r, 4, 4096);
		map_range(&r, rows[i].at, 128 * MiB, rows[i].page);
		check(&r);
		uint64_t tables = 0;
		for (unsigned level = 0; level < 4; level++) {
			assert_int_equal(r.pt.tables_count[level], rows[i].tables[level]);
			tables += rows[i].tables[level];
		}
		assert_int_equal(r.pt.mapped_count[rows[i].page] * 8, rows[i].leaf_bytes);
		/* They are pages of the machine. */
		assert_int_equal(r.free_pages - r.m.pm.zones[0].free_pages, tables);
		unmap_range(&r, rows[i].at, 128 * MiB);
		for (unsigned level = 0; level < 4; level++)
			assert_int_equal(r.pt.tables_count[level], level == 3);
		rig_release(&r);
	}
	struct rig r;
	rig_init(&r, 4, 4096);
	for (uint64_t at = GiB; at < GiB + 128 * MiB; at += 2 * MiB)
		map_range(&r, at, PAGE_BYTES, HW_PAGE_4K);
	assert_int_equal(r.pt.mapped_count[HW_PAGE_4K] * 8, 512);
	assert_int_equal(r.pt.tables_count[0], 64);
	unmap_range(&r, GiB, 128 * MiB);
	rig_release(&r);
}

/*
 * O17.struct_page_overhead: 64 bytes for a page of 4096. Off: were a block of 2 MiB one page to it,
 * they would be a 512th; it has the 64 bytes of each of its frames.
 */
static void frames_metadata(void **state)
{
	assert_int_equal(page_meta_paddr(1) - page_meta_paddr(0), 64);
	assert_true((double)PAGE_META_BYTES / PAGE_BYTES == 0.015625);
	uint64_t huge = page_meta_paddr(512) - page_meta_paddr(0);
	assert_true((double)huge / (2 * MiB) == 0.015625);
	assert_true(huge == 512 * PAGE_META_BYTES);
}

/* O17.walk_refs without paging-structure caches: an entry a level, less with large pages. */
static void walk_reads(void **state)
{
	static const struct {
		unsigned levels;
		enum hw_page page;
		unsigned refs;
	} rows[] = {
		{4, HW_PAGE_4K, 4}, {5, HW_PAGE_4K, 5}, {4, HW_PAGE_2M, 3},
		{4, HW_PAGE_1G, 2}, {5, HW_PAGE_2M, 4},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig r;
		struct walk w;
		rig_init(&r, rows[i].levels, 4096);
		map_range(&r, 512 * GiB, 1, rows[i].page);
		pagetable_walk(&r.pt, 512 * GiB + 5, &w);
		assert_int_equal(w.count, rows[i].refs);
		assert_int_equal(w.page, rows[i].page);
		assert_int_equal(w.pfn, 512 * GiB >> 12);
		pagetable_walk(&r.pt, 0, &w); /* nothing is there */
		assert_true(w.pfn == PFN_NONE);
		unmap_range(&r, 512 * GiB, pagetable_span(rows[i].page));
		rig_release(&r);
	}
}

/*
 * O17.walk_refs of a guest: its entries lie at guest-physical addresses, each of which takes a walk
 * of the host's tables, and so does the page in the end: (n + 1)(m + 1) - 1 references. The
 * simulated TLB has no second dimension; two tables in a row have the same references.
 */
static unsigned nested_refs(const struct rig *guest, const struct rig *host, uint64_t vaddr)
{
	struct walk w, under;
	unsigned refs = 0;
	pagetable_walk(&guest->pt, vaddr, &w);
	assert_true(w.pfn != PFN_NONE);
	for (unsigned i = 0; i <= w.count; i++) {
		pagetable_walk(&host->pt, i < w.count ? w.entry_paddrs[i] : w.pfn << 12, &under);
		assert_true(under.pfn != PFN_NONE);
		refs += under.count + (i < w.count);
	}
	return refs;
}

static void nested_walk_reads(void **state)
{
	static const struct {
		unsigned guest_levels, host_levels;
		enum hw_page host_page;
		unsigned refs;
	} rows[] = {
		{4, 4, HW_PAGE_4K, 24}, {5, 5, HW_PAGE_4K, 35},
		{4, 4, HW_PAGE_2M, 19}, {4, 4, HW_PAGE_1G, 14}, /* off: large pages below */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig guest, host;
		uint64_t bytes = u64_max(16 * MiB, pagetable_span(rows[i].host_page));
		rig_init(&guest, rows[i].guest_levels, 4096);
		rig_init(&host, rows[i].host_levels, 4096);
		map_range(&guest, 8 * MiB, 1, HW_PAGE_4K);
		map_range(&host, 0, bytes, rows[i].host_page); /* all of the guest's memory */
		assert_int_equal(nested_refs(&guest, &host, 8 * MiB + 5), rows[i].refs);
		unmap_range(&guest, 8 * MiB, pagetable_span(HW_PAGE_4K));
		unmap_range(&host, 0, bytes);
		rig_release(&guest);
		rig_release(&host);
	}
}

/* What is there can't be mapped over, and a page can't be hung where a table is. */
static void taken_places(void **state)
{
	struct rig r;
	enum hw_page page;
	rig_init(&r, 4, 4096);
	map_range(&r, 4 * MiB, 1, HW_PAGE_4K);
	map_range(&r, 6 * MiB, 1, HW_PAGE_2M);
	assert_int_equal(pagetable_map(&r.pt, r.env, 4 * MiB, 7, HW_PAGE_4K, true, 0),
			 PAGETABLE_TAKEN);
	assert_int_equal(pagetable_map(&r.pt, r.env, 4 * MiB, 512, HW_PAGE_2M, true, 0),
			 PAGETABLE_TAKEN);
	assert_int_equal(pagetable_map(&r.pt, r.env, 7 * MiB, 7, HW_PAGE_4K, true, 0),
			 PAGETABLE_TAKEN);
	assert_int_equal(pagetable_set(&r.pt, r.env, 8 * MiB, 7, HW_PAGE_4K, true),
			 PAGETABLE_NO_TABLE);
	check(&r);
	assert_int_equal(pagetable_unmap(&r.pt, r.env, 6 * MiB, &page), 6 * MiB >> 12);
	assert_int_equal(page, HW_PAGE_2M);
	assert_true(pagetable_unmap(&r.pt, r.env, 6 * MiB, &page) == PFN_NONE);
	unmap_range(&r, 4 * MiB, PAGE_BYTES);
	rig_release(&r);
}

/* A huge page becomes 512 of the same frames and rights, without a page to be allocated. */
static void split_in_place(void **state)
{
	struct rig r;
	struct walk w;
	rig_init(&r, 4, 4096);
	assert_int_equal(pagetable_deposit(&r.pt, r.env, 0), 0);
	map_range(&r, 6 * MiB, 1, HW_PAGE_2M);
	uint64_t free_pages = r.m.pm.zones[0].free_pages;
	assert_true(pagetable_split(&r.pt, r.env, 4 * MiB) == PFN_NONE);
	assert_int_equal(pagetable_split(&r.pt, r.env, 7 * MiB), 6 * MiB >> 12);
	assert_true(pagetable_split(&r.pt, r.env, 7 * MiB) == PFN_NONE);
	assert_int_equal(r.m.pm.zones[0].free_pages, free_pages);
	assert_int_equal(r.pt.mapped_count[HW_PAGE_4K], 512);
	assert_int_equal(r.pt.mapped_count[HW_PAGE_2M], 0);
	check(&r);
	for (uint64_t v = 6 * MiB; v < 8 * MiB; v += PAGE_BYTES) {
		pagetable_walk(&r.pt, v, &w);
		assert_int_equal(w.page, HW_PAGE_4K);
		assert_int_equal(w.pfn, v >> 12);
		assert_true(w.writable);
	}
	unmap_range(&r, 6 * MiB, 2 * MiB);
	rig_release(&r);
}

/* No page for a table: nothing is mapped, the empty ones go with a trim. */
static void no_page_for_a_table(void **state)
{
	for (unsigned have = 0; have < 3; have++) {
		struct rig r;
		enum alloc_failure why;
		pfn_t held[64];
		unsigned count = 0;
		rig_init(&r, 4, 64);
		for (;;) {
			pfn_t pfn = r.m.pa->ops->alloc_pages(r.m.pa, r.env, 0, GFP_KERNEL, 0, &why);
			if (pfn == PFN_NONE)
				break;
			held[count++] = pfn;
		}
		for (unsigned i = 0; i < have; i++)
			r.m.pa->ops->free_pages(r.m.pa, r.env, held[--count], 0);
		assert_int_equal(pagetable_map(&r.pt, r.env, GiB, 7, HW_PAGE_4K, true, 0),
				 PAGETABLE_NO_PAGE);
		check(&r);
		assert_int_equal(r.pt.mapped_count[0], 0);
		assert_int_equal(r.m.pm.zones[0].free_pages, 0);
		pagetable_trim(&r.pt, r.env, GiB, GiB + PAGE_BYTES);
		assert_int_equal(r.m.pm.zones[0].free_pages, have);
		check(&r);
		while (count)
			r.m.pa->ops->free_pages(r.m.pa, r.env, held[--count], 0);
		rig_release(&r);
	}
}

/* --- another CPU is faster -------------------------------------------------------------------- */

static struct rig *racing;
static void (*race)(struct rig *r); /* what the other CPU does before the next lock is taken */

static void racing_lock(struct env *env, struct env_lock *lock)
{
	void (*now)(struct rig * r) = race;
	race = NULL;
	if (now)
		now(racing);
	assert_null(lock->owner);
	lock->owner = env;
}

static void racing_unlock(struct env *env, struct env_lock *lock)
{
	assert_ptr_equal(lock->owner, env);
	lock->owner = NULL;
}

static void racing_sync(struct env *env)
{
}

static const struct env_ops racing_ops = {
	.lock = racing_lock,
	.unlock = racing_unlock,
	.sync = racing_sync,
};

static void other_maps_it(struct rig *r)
{
	assert_int_equal(pagetable_map(&r->pt, &r->m.env[1], GiB, 9, HW_PAGE_4K, true, 0),
			 PAGETABLE_OK);
}

static void other_maps_neighbour(struct rig *r)
{
	assert_int_equal(
		pagetable_map(&r->pt, &r->m.env[1], GiB + PAGE_BYTES, 9, HW_PAGE_4K, true, 0),
		PAGETABLE_OK);
}

static void other_trims(struct rig *r)
{
	pagetable_trim(&r->pt, &r->m.env[1], GiB, GiB + PAGE_BYTES);
}

/* Tables and entries that another CPU made or removed meanwhile are found; no page is lost. */
static void another_cpu_is_faster(void **state)
{
	static const struct {
		void (*other)(struct rig *r);
		bool prepared; /* the race is for the entry, not for the tables */
		enum pagetable_result result;
		uint64_t mapped;
	} rows[] = {
		{other_maps_it, false, PAGETABLE_TAKEN, 1},
		{other_maps_neighbour, false, PAGETABLE_OK, 2},
		{other_trims, false, PAGETABLE_OK, 1},
		{other_maps_it, true, PAGETABLE_TAKEN, 1},
		{other_maps_neighbour, true, PAGETABLE_OK, 2},
		{other_trims, true, PAGETABLE_OK, 1},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig r;
		rig_init(&r, 4, 4096);
		racing = &r;
		r.m.env[1] = r.m.env[0];
		r.m.env[0].ops = &racing_ops;
		if (rows[i].prepared)
			pagetable_prepare(&r.pt, r.env, GiB, HW_PAGE_4K, 0);
		race = rows[i].other;
		assert_int_equal(pagetable_map(&r.pt, r.env, GiB, 7, HW_PAGE_4K, true, 0),
				 rows[i].result);
		assert_null(race);
		check(&r);
		assert_int_equal(r.pt.mapped_count[HW_PAGE_4K], rows[i].mapped);
		unmap_range(&r, GiB, 2 * MiB);
		r.m.env[0].ops = NULL;
		rig_release(&r);
	}
}

/* --- a random run ----------------------------------------------------------------------------- */

#define PAGES 2048u /* 8 MiB from BASE on, over a border of 1 GiB */
#define BASE  (GiB - 4 * MiB)

struct naive {
	pfn_t pfn[PAGES]; /* PFN_NONE: nothing */
	bool writable[PAGES];
};

static void compare(struct rig *r, const struct naive *n)
{
	for (unsigned i = 0; i < PAGES; i++) {
		struct walk w;
		uint64_t vaddr = BASE + i * (uint64_t)PAGE_BYTES;
		pagetable_walk(&r->pt, vaddr, &w);
		pfn_t pfn = w.pfn;
		if (pfn != PFN_NONE)
			pfn += (vaddr & (pagetable_span(w.page) - 1)) >> PAGE_SHIFT;
		assert_true(pfn == n->pfn[i]);
		if (pfn != PFN_NONE)
			assert_int_equal(w.writable, n->writable[i]);
	}
}

static void naive_map(struct rig *r, struct naive *n, struct rng *rng)
{
	bool huge = rng_below(rng, 4) == 0, writable = rng_u64(rng) & 1, taken = false;
	unsigned count = huge ? 512 : 1;
	unsigned i = (unsigned)rng_below(rng, PAGES / count) * count;
	pfn_t pfn = rng_below(rng, 1000) * 512;
	for (unsigned k = i; k < i + count; k++)
		taken |= n->pfn[k] != PFN_NONE;
	if (taken || (huge && pagetable_deposit(&r->pt, r->env, 0) != 0))
		return;
	enum pagetable_result got = pagetable_map(&r->pt, r->env, BASE + i * (uint64_t)PAGE_BYTES,
						  pfn, huge ? HW_PAGE_2M : HW_PAGE_4K, writable, 0);
	assert_int_equal(got, PAGETABLE_OK);
	for (unsigned k = i; k < i + count; k++) {
		n->pfn[k] = pfn + k - i;
		n->writable[k] = writable;
	}
}

/* Splits what reaches over the ends. */
static void naive_change(struct rig *r, struct naive *n, struct rng *rng)
{
	unsigned i = (unsigned)rng_below(rng, PAGES), kind = (unsigned)rng_below(rng, 3);
	unsigned end = i + 1 + (unsigned)rng_below(rng, PAGES - i);
	uint64_t start = BASE + i * (uint64_t)PAGE_BYTES, stop = BASE + end * (uint64_t)PAGE_BYTES;
	static struct pagetable_leaf leaves[PAGES];
	struct pagetable_gather g = {.leaves = leaves, .leaves_max = PAGES};
	uint64_t expected = 0, got = 0;
	if (start % (2 * MiB))
		pagetable_split(&r->pt, r->env, start);
	if (stop % (2 * MiB))
		pagetable_split(&r->pt, r->env, stop);
	for (unsigned k = i; k < end; k++) {
		if (n->pfn[k] != PFN_NONE)
			expected += !kind || n->writable[k] != (kind == 1);
		n->pfn[k] = kind ? n->pfn[k] : PFN_NONE;
		n->writable[k] = kind == 1;
	}
	if (!kind) {
		uint64_t at = pagetable_unmap_range(&r->pt, r->env, start, stop, &g);
		assert_int_equal(at, stop);
		for (unsigned k = 0; k < g.leaves_count; k++) {
			if (leaves[k].page == HW_PAGE_2M)
				pagetable_withdraw(&r->pt, r->env);
		}
		pagetable_trim(&r->pt, r->env, start, stop);
	} else {
		pagetable_protect_range(&r->pt, r->env, start, stop, kind == 1, &g);
	}
	got = g.count[HW_PAGE_4K] + 512 * g.count[HW_PAGE_2M];
	assert_int_equal(got, expected);
	assert_true(!got || (g.start >= start && g.end <= stop && g.start < g.end));
}

static void random_run(void **state)
{
	static struct naive n;
	struct rig r;
	struct rng rng;
	rng_init(&rng, 17, 0);
	rig_init(&r, 4, 4096);
	for (unsigned i = 0; i < PAGES; i++)
		n.pfn[i] = PFN_NONE;
	for (int step = 0; step < 3000; step++) {
		if (rng_below(&rng, 8))
			naive_map(&r, &n, &rng);
		else
			naive_change(&r, &n, &rng);
		check(&r);
		if (step % 16 == 0)
			compare(&r, &n);
	}
	unmap_range(&r, BASE, PAGES * (uint64_t)PAGE_BYTES);
	assert_int_equal(r.pt.tables_count[0], 0);
	rig_release(&r);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static uint64_t *entry_of(struct rig *r, uint64_t vaddr, unsigned depth)
{
	struct walk w;
	pagetable_walk(&r->pt, vaddr, &w);
	assert_true(depth < w.count);
	return (uint64_t *)(r->m.pm.ram + w.entry_paddrs[depth]);
}

static void refused(struct rig *r, const char *what)
{
	struct check_report report;
	assert_int_equal(pagetable_check(&r->pt, NULL, NULL, &report), -1);
	if (!strstr(report.text, what))
		fail_msg("\"%s\" instead of %s", report.text, what);
}

static void invariants_broken(void **state)
{
	struct rig r;
	rig_init(&r, 4, 4096);
	map_range(&r, 4 * MiB, 1, HW_PAGE_4K);
	map_range(&r, 6 * MiB, 1, HW_PAGE_2M);
	assert_int_equal(pagetable_deposit(&r.pt, r.env, 0), 0);
	check(&r);

	uint64_t *table = entry_of(&r, 4 * MiB, 2), was = *table;
	*table = (was & 4095) | UINT64_C(3000) << 12; /* a page that is free */
	refused(&r, "T1: table 0xbb8 is no page");
	*table = (was & 4095) | r.pt.root << 12;
	refused(&r, "T1: table 0 is linked twice");
	*table = was;

	r.pt.tables_count[1]++;
	refused(&r, "T2: 1 tables of level 1, counted 2");
	r.pt.tables_count[1]--;
	r.pt.mapped_count[HW_PAGE_2M] = 0;
	refused(&r, "T2: 1 pages of level 1, counted 0");
	r.pt.mapped_count[HW_PAGE_2M] = 1;

	uint64_t *huge = entry_of(&r, 6 * MiB, 2);
	*huge += PAGE_BYTES;
	refused(&r, "T3: page of level 1");
	*huge -= PAGE_BYTES;
	*huge ^= 1;
	refused(&r, "T4: entry");
	*huge ^= 1;

	r.pt.deposits_count++;
	refused(&r, "T5: 1 tables put by, counted 2");
	r.pt.deposits_count--;
	check(&r);
	unmap_range(&r, 4 * MiB, 4 * MiB);
	rig_release(&r);
}

static void release_while_mapped(void *arg)
{
	pagetable_release(&((struct rig *)arg)->pt, ((struct rig *)arg)->env);
}

static void change_part_of_huge(void *arg)
{
	struct rig *r = arg;
	struct pagetable_gather g = {0};
	pagetable_protect_range(&r->pt, r->env, 7 * MiB, 8 * MiB, false, &g);
}

static void map_unaligned(void *arg)
{
	struct rig *r = arg;
	pagetable_map(&r->pt, r->env, 9 * MiB, 512, HW_PAGE_2M, true, 0);
}

static void split_without_a_table(void *arg)
{
	pagetable_split(&((struct rig *)arg)->pt, ((struct rig *)arg)->env, 7 * MiB);
}

static void misuse(void **state)
{
	static const struct {
		void (*program)(void *arg);
		const char *text;
	} rows[] = {
		{release_while_mapped, "released that map 1 pages"},
		{change_part_of_huge, "part of the huge page around 0x700000"},
		{map_unaligned, "page of size 1 at 0x900000"},
		{split_without_a_table, "no table was put by"},
	};
	struct rig r;
	rig_init(&r, 4, 4096);
	map_range(&r, 6 * MiB, 1, HW_PAGE_2M);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct child_end end;
		child_run(rows[i].program, &r, &end);
		assert_true(child_aborted(&end, rows[i].text));
	}
	unmap_range(&r, 6 * MiB, 2 * MiB);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_in_fields),
		cmocka_unit_test(tables_of_128_mib),
		cmocka_unit_test(frames_metadata),
		cmocka_unit_test(walk_reads),
		cmocka_unit_test(nested_walk_reads),
		cmocka_unit_test(taken_places),
		cmocka_unit_test(split_in_place),
		cmocka_unit_test(no_page_for_a_table),
		cmocka_unit_test(another_cpu_is_faster),
		cmocka_unit_test(random_run),
		cmocka_unit_test(invariants_broken),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
