/*
 * tlb_test.c - tlb.c against a naive model, and each of its invariants broken on purpose.
 *
 * The model is a plain list of entries with the time of their last use, for each array: the oldest
 * of a set goes. Everything that tlb.c has beside it (hash chains, rings, the entry used last) must
 * make no difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/tlb_impl.h"
#include "hw/tlb_rig.h"
#include "kern/rng.h"

#define KERNEL_HALF UINT64_C(0xffff800000000000)

static void check(const struct tlb *t)
{
	char text[256] = "";
	if (tlb_check(t, text, sizeof(text)))
		fail_msg("%s", text);
}

static struct tlb *make(const struct hw_machine *hw)
{
	struct tlb *t = tlb_new(hw);
	assert_non_null(t);
	return t;
}

static struct tlb_entry entry_of(uint32_t space, uint64_t vaddr, enum hw_page page)
{
	return (struct tlb_entry){
		.vaddr = vaddr >> hw_page_shift(page) << hw_page_shift(page),
		.space = space,
		.page = page,
		.pfn = (vaddr >> hw_page_shift(page)) * 7 + space,
		.writable = vaddr >> 12 & 1,
	};
}

static void assert_same(const struct tlb_entry *a, const struct tlb_entry *b)
{
	assert_int_equal(a->vaddr, b->vaddr);
	assert_int_equal(a->space, b->space);
	assert_int_equal(a->page, b->page);
	assert_int_equal(a->pfn, b->pfn);
	assert_int_equal(a->writable, b->writable);
}

/* --- the naive model -------------------------------------------------------------------------- */

#define NAIVE_ENTRIES 64

struct naive_array {
	struct hw_tlb hw;
	struct tlb_entry entries[NAIVE_ENTRIES];
	uint64_t used_at[NAIVE_ENTRIES];
	unsigned count;
};

struct naive {
	struct naive_array arrays[HW_TLBS], pwc[3];
	unsigned count, levels;
	uint64_t now;
};

static uint64_t naive_set(const struct naive_array *a, uint64_t vaddr, unsigned page)
{
	uint64_t sets = a->hw.entries / a->hw.ways, number = vaddr >> (12 + 9 * page);
	if (a->hw.hashed)
		number = number % sets ^ number / sets % sets;
	return number % sets;
}

static int naive_find(const struct naive_array *a, uint32_t space, uint64_t vaddr, unsigned page)
{
	for (unsigned i = 0; i < a->count; i++) {
		const struct tlb_entry *e = &a->entries[i];
		if (e->page == page && (e->vaddr ^ vaddr) >> (12 + 9 * page) == 0 &&
		    (e->space == space || e->space == SPACE_KERNEL))
			return (int)i;
	}
	return -1;
}

static void naive_remove(struct naive_array *a, unsigned i)
{
	a->entries[i] = a->entries[--a->count];
	a->used_at[i] = a->used_at[a->count];
}

static void naive_put(struct naive *n, struct naive_array *a, const struct tlb_entry *entry)
{
	uint64_t set = naive_set(a, entry->vaddr, entry->page);
	unsigned in_set = 0, oldest = 0;
	int i = naive_find(a, entry->space, entry->vaddr, entry->page);
	if (i >= 0)
		naive_remove(a, (unsigned)i);
	for (unsigned k = 0; k < a->count; k++) {
		if (naive_set(a, a->entries[k].vaddr, a->entries[k].page) != set)
			continue;
		if (!in_set++ || a->used_at[k] < a->used_at[oldest])
			oldest = k;
	}
	if (in_set == a->hw.ways)
		naive_remove(a, oldest);
	a->entries[a->count] = *entry;
	a->used_at[a->count++] = ++n->now;
}

static void naive_insert(struct naive *n, unsigned level, const struct tlb_entry *entry)
{
	for (unsigned i = 0; i < n->count; i++) {
		struct naive_array *a = &n->arrays[i];
		if (a->hw.level == level && a->hw.pages >> entry->page & 1)
			naive_put(n, a, entry);
	}
}

static enum tlb_result naive_lookup(struct naive *n, uint32_t space, uint64_t vaddr,
				    struct tlb_entry *found)
{
	for (unsigned level = 1; level <= 2; level++) {
		for (unsigned i = 0; i < n->count * HW_PAGES; i++) {
			struct naive_array *a = &n->arrays[i / HW_PAGES];
			int k = a->hw.level == level ? naive_find(a, space, vaddr, i % HW_PAGES)
						     : -1;
			if (k < 0)
				continue;
			*found = a->entries[k];
			a->used_at[k] = ++n->now;
			if (level == 2)
				naive_insert(n, 1, found);
			return level == 1 ? TLB_HIT1 : TLB_HIT2;
		}
	}
	return TLB_MISS;
}

static void naive_drop(struct naive_array *a, uint32_t space, bool all, uint64_t vaddr,
		       unsigned page)
{
	for (unsigned i = a->count; i-- > 0;) {
		const struct tlb_entry *e = &a->entries[i];
		if (e->space == space &&
		    (all || (e->page == page && (e->vaddr ^ vaddr) >> (12 + 9 * page) == 0)))
			naive_remove(a, i);
	}
}

static unsigned naive_skips(struct naive *n, uint32_t space, uint64_t vaddr, unsigned leaf)
{
	for (unsigned size = leaf + 1; size <= 3; size++) {
		struct naive_array *a = &n->pwc[size - 1];
		int k = naive_find(a, space, vaddr, size);
		if (k >= 0) {
			a->used_at[k] = ++n->now;
			return n->levels - size;
		}
		const struct tlb_entry e = {.vaddr = vaddr, .space = space, .page = size};
		if (a->hw.entries)
			naive_put(n, a, &e);
	}
	return 0;
}

/* --- property --------------------------------------------------------------------------------- */

struct pair {
	struct tlb *t;
	struct naive *n;
	struct rng rng;
};

static void pair_init(struct pair *p, const struct hw_machine *hw, uint64_t seed)
{
	p->t = make(hw);
	p->n = calloc(1, sizeof(*p->n));
	assert_non_null(p->n);
	p->n->count = hw->tlbs_count;
	p->n->levels = (unsigned)hw->paging_levels;
	for (unsigned i = 0; i < hw->tlbs_count; i++)
		p->n->arrays[i].hw = hw->tlbs[i];
	const uint64_t pwc[] = {hw->pwc_pde_entries, hw->pwc_pdpte_entries, hw->pwc_pml4e_entries};
	for (unsigned k = 0; k < 3; k++)
		p->n->pwc[k].hw = (struct hw_tlb){.entries = pwc[k], .ways = pwc[k]};
	rng_init(&p->rng, seed, 0);
}

/* An address whose bits say space and size of page, so that no two maps of it collide. */
static uint64_t random_vaddr(struct rng *rng, uint32_t *space, enum hw_page *page)
{
	*space = (uint32_t)rng_below(rng, 4);
	*page = rng_below(rng, HW_PAGES);
	uint64_t base = *space == SPACE_KERNEL ? KERNEL_HALF : 0;
	uint64_t number = rng_below(rng, 3) ? rng_below(rng, 12) : rng_below(rng, 300);
	return base + ((UINT64_C(1) + *page) << 42) + (number << hw_page_shift(*page)) +
	       rng_below(rng, 4096);
}

static void drop_all(struct naive *n, uint32_t space)
{
	for (uint32_t s = 0; s < 4; s++) {
		if (space != SPACE_KERNEL && s != space)
			continue;
		for (unsigned i = 0; i < n->count; i++)
			naive_drop(&n->arrays[i], s, true, 0, 0);
		for (unsigned k = 0; k < 3; k++)
			naive_drop(&n->pwc[k], s, true, 0, 0);
	}
}

static void step(struct pair *p)
{
	struct tlb_entry found, expected;
	enum hw_page page, hint = rng_below(&p->rng, HW_PAGES);
	uint32_t space;
	uint64_t vaddr = random_vaddr(&p->rng, &space, &page), what = rng_below(&p->rng, 1000);
	/* Global entries serve whoever looks them up. */
	uint32_t looks = space == SPACE_KERNEL ? (uint32_t)rng_below(&p->rng, 4) : space;
	if (what < 3) {
		tlb_drop_space(p->t, space);
		drop_all(p->n, space);
	} else if (what < 60) {
		tlb_drop_page(p->t, space, vaddr, page);
		for (unsigned i = 0; i < p->n->count; i++)
			naive_drop(&p->n->arrays[i], space, false, vaddr, page);
		for (unsigned k = 0; k < 3; k++)
			naive_drop(&p->n->pwc[k], space, true, 0, 0);
	} else if (what < 100) {
		/* Again, with another target and permission. */
		struct tlb_entry e = entry_of(space, vaddr, page);
		e.pfn += what;
		e.writable = what & 1;
		tlb_insert(p->t, &e);
		naive_insert(p->n, 1, &e);
		naive_insert(p->n, 2, &e);
	} else {
		enum tlb_result result = naive_lookup(p->n, looks, vaddr, &expected);
		assert_int_equal(tlb_lookup(p->t, looks, vaddr, hint, &found), result);
		if (result != TLB_MISS) {
			assert_same(&found, &expected);
			return;
		}
		assert_int_equal(tlb_walk_skips(p->t, space, vaddr, page),
				 naive_skips(p->n, space, vaddr, page));
		struct tlb_entry e = entry_of(space, vaddr, page);
		tlb_insert(p->t, &e);
		naive_insert(p->n, 1, &e);
		naive_insert(p->n, 2, &e);
	}
}

static const struct hw_machine small_machines[] = {
	/* Split level 1, shared level 2 with hashed sets, all paging-structure caches. */
	{.tlbs = {{1, 16, 4, SIZE_4K, false},
		  {1, 8, 4, SIZE_2M, false},
		  {1, 4, 4, SIZE_1G, false},
		  {2, 48, 6, SIZE_4K | SIZE_2M, true},
		  {2, 4, 1, SIZE_1G, false}},
	 .tlbs_count = 5,
	 .pwc_pde_entries = 8,
	 .pwc_pdpte_entries = 4,
	 .pwc_pml4e_entries = 2,
	 .paging_levels = 4},
	/* One fully associative array of everything; level 2 for small pages only. */
	{.tlbs = {{1, 12, 12, SIZES, false}, {2, 64, 2, SIZE_4K, true}},
	 .tlbs_count = 2,
	 .pwc_pdpte_entries = 3,
	 .paging_levels = 5},
	/* Level 2 only, direct-mapped; a size that no array holds. */
	{.tlbs = {{2, 32, 1, SIZE_4K | SIZE_1G, false}},
	 .tlbs_count = 1,
	 .pwc_pde_entries = 5,
	 .pwc_pml4e_entries = 1,
	 .paging_levels = 4},
	/* No TLB at all. */
	{.tlbs_count = 0, .paging_levels = 4},
};

static void against_naive(void **state)
{
	for (unsigned seed = 0; seed < 4 * ARRAY_SIZE(small_machines); seed++) {
		struct pair p;
		pair_init(&p, &small_machines[seed % ARRAY_SIZE(small_machines)], seed);
		for (unsigned i = 0; i < 8000; i++) {
			step(&p);
			if (i % 16 == 0)
				check(p.t);
		}
		tlb_free(p.t);
		free(p.n);
	}
}

/* --- rules, one by one ------------------------------------------------------------------------ */

static enum tlb_result look(struct tlb *t, uint32_t space, uint64_t vaddr)
{
	struct tlb_entry found;
	return tlb_lookup(t, space, vaddr, HW_PAGE_4K, &found);
}

static void put(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page page)
{
	struct tlb_entry e = entry_of(space, vaddr, page);
	tlb_insert(t, &e);
}

/* The example of tlb.c: two ways, two sets. */
static void example(void **state)
{
	const struct hw_machine hw = {
		.tlbs = {{1, 4, 2, SIZE_4K, false}}, .tlbs_count = 1, .paging_levels = 4};
	struct tlb *t = make(&hw);
	put(t, 1, 0x0000, HW_PAGE_4K);
	put(t, 1, 0x2000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x0008), TLB_HIT1);
	put(t, 1, 0x4000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x2000), TLB_MISS);
	put(t, 1, 0x1000, HW_PAGE_4K);
	put(t, 1, 0x3000, HW_PAGE_4K);
	put(t, 1, 0x6000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x0000), TLB_MISS);
	assert_int_equal(look(t, 1, 0x4000), TLB_HIT1);
	assert_int_equal(look(t, 1, 0x1000), TLB_HIT1);
	tlb_free(t);
}

/* What walks find is in both levels; what level 1 loses level 2 gives back. */
static void two_levels(void **state)
{
	const struct hw_machine hw = {
		.tlbs = {{1, 1, 1, SIZE_4K, false}, {2, 4, 4, SIZE_4K, false}},
		.tlbs_count = 2,
		.paging_levels = 4,
	};
	struct tlb *t = make(&hw);
	put(t, 1, 0x1000, HW_PAGE_4K);
	put(t, 1, 0x2000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x2000), TLB_HIT1);
	assert_int_equal(look(t, 1, 0x1000), TLB_HIT2);
	assert_int_equal(look(t, 1, 0x1000), TLB_HIT1);
	/* Hits on level 1 are no use of level 2: the entry used all the time is its oldest. */
	for (uint64_t page = 3; page <= 6; page++) {
		assert_int_equal(look(t, 1, 0x1000), page == 3 ? TLB_HIT1 : TLB_HIT2);
		put(t, 1, page << 12, HW_PAGE_4K);
	}
	put(t, 1, 0x7000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x1000), TLB_HIT2);
	assert_int_equal(look(t, 1, 0x2000), TLB_MISS);
	for (uint64_t page = 8; page <= 11; page++) {
		put(t, 2, page << 12, HW_PAGE_4K);
		assert_int_equal(look(t, 2, page << 12), TLB_HIT1);
	}
	assert_int_equal(look(t, 1, 0x1000), TLB_MISS);
	tlb_free(t);
}

static void spaces(void **state)
{
	struct tlb *t = make(&small_machines[0]);
	put(t, 1, 0x1000, HW_PAGE_4K);
	put(t, 2, 0x1000, HW_PAGE_4K);
	put(t, SPACE_KERNEL, KERNEL_HALF, HW_PAGE_2M);
	struct tlb_entry found;
	for (uint32_t space = 1; space <= 2; space++) {
		assert_int_equal(tlb_lookup(t, space, 0x1fff, HW_PAGE_2M, &found), TLB_HIT1);
		assert_int_equal(found.space, space);
		assert_int_equal(tlb_lookup(t, space, KERNEL_HALF + 0x1fffff, HW_PAGE_4K, &found),
				 TLB_HIT1);
		assert_int_equal(found.space, SPACE_KERNEL);
		assert_int_equal(found.vaddr, KERNEL_HALF);
	}
	assert_int_equal(look(t, 3, 0x1000), TLB_MISS);
	assert_int_equal(look(t, SPACE_KERNEL, 0x1000), TLB_MISS);

	/* Wrong space, wrong size: nothing goes. */
	tlb_drop_page(t, 3, 0x1000, HW_PAGE_4K);
	tlb_drop_page(t, 1, 0x1000, HW_PAGE_2M);
	assert_int_equal(look(t, 1, 0x1000), TLB_HIT1);
	/* The entry used last is dropped as any other. */
	tlb_drop_page(t, 1, 0x1abc, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x1000), TLB_MISS);
	assert_int_equal(look(t, 2, 0x1000), TLB_HIT1);
	tlb_drop_space(t, 2);
	assert_int_equal(look(t, 2, 0x1000), TLB_MISS);
	assert_int_equal(look(t, 2, KERNEL_HALF), TLB_HIT1);
	put(t, 1, 0x1000, HW_PAGE_4K);
	tlb_drop_space(t, SPACE_KERNEL);
	assert_int_equal(look(t, 1, 0x1000), TLB_MISS);
	assert_int_equal(look(t, 1, KERNEL_HALF), TLB_MISS);
	check(t);
	tlb_free(t);
}

/* A page that may be written now: the old entry must not be found again, on any level. */
static void replaced(void **state)
{
	struct tlb *t = make(&small_machines[0]);
	struct tlb_entry e = entry_of(1, 0x2000, HW_PAGE_4K), found;
	tlb_insert(t, &e);
	e.pfn++;
	e.writable = true;
	tlb_insert(t, &e);
	assert_int_equal(tlb_lookup(t, 1, 0x2000, HW_PAGE_4K, &found), TLB_HIT1);
	assert_same(&found, &e);
	for (uint64_t page = 1; page <= 4; page++)
		put(t, 1, 0x2000 + (page << 14), HW_PAGE_4K);
	assert_int_equal(tlb_lookup(t, 1, 0x2000, HW_PAGE_4K, &found), TLB_HIT2);
	assert_same(&found, &e);
	check(t);
	tlb_free(t);
}

/* Two arrays for one size of page: the second has no part in it, but in its other sizes. */
static void first_array(void **state)
{
	const struct hw_machine hw = {
		.tlbs = {{1, 1, 1, SIZE_4K, false}, {1, 4, 4, SIZE_4K | SIZE_2M, false}},
		.tlbs_count = 2,
		.paging_levels = 4,
	};
	struct tlb *t = make(&hw);
	put(t, 1, 0x1000, HW_PAGE_4K);
	put(t, 1, UINT64_C(1) << 40, HW_PAGE_2M);
	put(t, 1, 0x2000, HW_PAGE_4K);
	assert_int_equal(look(t, 1, 0x1000), TLB_MISS);
	assert_int_equal(look(t, 1, 0x2000), TLB_HIT1);
	assert_int_equal(look(t, 1, UINT64_C(1) << 40), TLB_HIT1);
	check(t);
	tlb_free(t);
}

/* --- invariants broken on purpose ------------------------------------------------------------- */

static struct tlb *filled(void)
{
	struct tlb *t = make(&small_machines[0]);
	for (uint64_t page = 0; page < 40; page++)
		put(t, 1, page << 12, HW_PAGE_4K);
	put(t, 1, UINT64_C(1) << 40, HW_PAGE_2M);
	tlb_walk_skips(t, 1, 0, HW_PAGE_4K);
	tlb_drop_page(t, 2, 0, HW_PAGE_4K);
	look(t, 1, 39 << 12);
	check(t);
	return t;
}

static void expect_broken(struct tlb *t, const char *name)
{
	char text[256] = "";
	assert_int_equal(tlb_check(t, text, sizeof(text)), -1);
	if (!strstr(text, name))
		fail_msg("'%s' does not name %s", text, name);
	tlb_free(t);
}

static uint32_t used_slot(const struct tlb_array *a, uint32_t nth)
{
	for (uint32_t i = 0;; i++) {
		if (a->slots[i].key != TLB_KEY_NONE && !nth--)
			return i;
	}
}

static void broken_ring(void **state)
{
	struct tlb *t = filled();
	t->arrays[0].slots[1].older = 1;
	expect_broken(t, "I1");
	t = filled();
	t->arrays[3].newest[2] = 0;
	expect_broken(t, "I1");
}

static void broken_order(void **state)
{
	struct tlb *t = filled();
	/* One entry and three empty slots: the entry made the second newest. */
	struct tlb_array *a = &t->arrays[1];
	a->newest[0] = a->slots[a->newest[0]].newer;
	expect_broken(t, "I2");
}

static void broken_chains(void **state)
{
	struct tlb *t = filled();
	struct tlb_array *a = &t->arrays[3];
	uint32_t i = used_slot(a, 5);
	a->chains[tlb_hash(a, a->slots[i].key)] = TLB_SLOT_NONE;
	expect_broken(t, "I3");

	/* In the ring of another set. */
	t = filled();
	a = &t->arrays[0];
	a->slots[used_slot(a, 0)].key += 1 << 2;
	expect_broken(t, "I3");

	/* A ring in a chain. */
	t = filled();
	a = &t->arrays[3];
	i = used_slot(a, 3);
	a->slots[i].chain = i;
	expect_broken(t, "I3");
}

static void broken_twice(void **state)
{
	struct tlb *t = filled();
	struct tlb_array *a = &t->pwc[0];
	uint32_t i = used_slot(a, 0);
	tlb_walk_skips(t, 1, UINT64_C(1) << 21, HW_PAGE_4K);
	uint32_t k = used_slot(a, i == 0);
	unsigned hash = tlb_hash(a, a->slots[k].key);
	a->chains[hash] = a->slots[k].chain;
	a->slots[k].key = a->slots[i].key;
	hash = tlb_hash(a, a->slots[k].key);
	a->slots[k].chain = a->chains[hash];
	a->chains[hash] = k;
	expect_broken(t, "I4");
}

static void broken_counts(void **state)
{
	struct tlb *t = filled();
	t->arrays[3].live_count[HW_PAGE_2M]--;
	expect_broken(t, "I5");
	t = filled();
	t->of[1][HW_PAGE_2M] = NULL;
	expect_broken(t, "I5");
}

static void broken_last(void **state)
{
	struct tlb *t = filled();
	t->last.pfn++;
	expect_broken(t, "I6");
	t = filled();
	tlb_lookup(t, 1, 38 << 12, HW_PAGE_4K, &t->last);
	t->last_vaddr = t->last.vaddr;
	/* Page 34 is of the same set; without its trace in last, 38 is not the newest. */
	struct tlb_array *a = &t->arrays[0];
	a->newest[2] = a->slots[a->newest[2]].older;
	expect_broken(t, "I6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_naive),
		cmocka_unit_test(example),
		cmocka_unit_test(two_levels),
		cmocka_unit_test(spaces),
		cmocka_unit_test(replaced),
		cmocka_unit_test(first_array),
		cmocka_unit_test(broken_ring),
		cmocka_unit_test(broken_order),
		cmocka_unit_test(broken_chains),
		cmocka_unit_test(broken_twice),
		cmocka_unit_test(broken_counts),
		cmocka_unit_test(broken_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
