/*
 * pagetable.c - x86-64 page tables in simulated memory.
 *
 * Purpose. A translation costs memory twice: the tables are pages, which the page allocator hands
 * out like any other, and a walk reads their entries through the caches. So tables are real pages
 * here, entries are 8 bytes of simulated RAM, and every entry that is read or written is touched at
 * its physical address.
 *
 * Structure. A table is one page of 512 entries. Nine bits of the address choose the entry at each
 * level; the lowest 12 are the offset in the page. With four levels:
 *
 *    47       39 38       30 29       21 20       12 11        0
 *   | PGD  (3)  | PUD  (2)  | PMD  (1)  | PTE  (0)  |  offset   |
 *
 * An entry: bit 0 present, bit 1 writable, bit 7 a page rather than a table (levels 1 and 2), from
 * bit 12 on the frame. An entry of 0 is empty.
 *
 * Who may change what. An entry is set under the lock of its 2 MiB region. A table that is missing
 * is allocated first, without the lock, since that may pause the CPU; then the lock is taken and
 * the place is looked at again, because another CPU may have been faster: its table stays, ours
 * goes back. Tables disappear in pagetable_unlink() alone, whose callers hold their mmap lock; so
 * who wants to set an entry finds under the lock that its table is gone, and begins again.
 *
 * Removing is in three steps, with the flush of TLBs and paging-structure caches before the last:
 * entries are cleared (unmap_range), tables left empty are unlinked (unlink), pages and tables are
 * freed. Tables that wait to be freed are linked through their first entry, as are those put by for
 * splits.
 *
 * Splitting. A huge page that is unmapped in part needs a table, at a moment that can't fail. As in
 * Linux, the table is put by when the huge page is mapped (pagetable_deposit).
 *
 * Example. 0x7f1234567abc: PGD 254, PUD 72, PMD 418, PTE 359, offset 0xabc. 128 MiB of 4 KiB pages,
 * aligned, take 64 tables of PTEs (262,144 bytes) and one of each level above; of 2 MiB pages none
 * of PTEs, and 64 entries (512 bytes) in the table of PMDs.
 *
 * Invariants
 *   T1  a table is an allocated page of order 0 and appears once
 *   T2  tables_count and mapped_count are what the tables hold
 *   T3  a leaf's frame is aligned to the size of its page
 *   T4  an entry is empty or present; only levels 1 and 2 have the bit for pages
 *   T5  deposits_count is the length of the list of tables put by
 *
 * Cost charged: PTE for each entry changed, at any level; the page allocator's for a table, with
 * ZERO_PAGE; a lock for each 2 MiB region; and what touching the entries costs. Looking for empty
 * tables is free: Linux decides by addresses and doesn't look.
 *
 * MODEL: no accessed and dirty bits, since nothing reclaims pages by them. No user, global or
 * no-execute bits: the TLB knows an address space by its number. Linux has a lock for every table
 * of PTEs; here regions share PAGETABLE_LOCKS of them, which 16 CPUs may notice. The kernel's half
 * of the addresses has tables of its own, not copied into every process's root.
 */
#include "mm/pagetable.h"

#include <stdio.h>
#include <string.h>

#include "kern/bug.h"
#include "kern/u64map.h"

#define ENTRY_PRESENT  UINT64_C(1)
#define ENTRY_WRITABLE UINT64_C(2)
#define ENTRY_PAGE     UINT64_C(0x80)
#define ENTRY_FRAME    UINT64_C(0x000ffffffffff000)
#define ENTRIES        512u

#define TABLE_GFP (GFP_KERNEL | __GFP_ZERO)

static uint64_t *table_entries(const struct pagetable *pt, pfn_t table)
{
	return (void *)(pt->pm->ram + table * PAGE_BYTES);
}

static uint64_t entry_paddr(pfn_t table, unsigned index)
{
	return table * PAGE_BYTES + index * sizeof(uint64_t);
}

static pfn_t entry_pfn(uint64_t entry)
{
	return (entry & ENTRY_FRAME) >> PAGE_SHIFT;
}

/* Does a page, not a table, hang on this entry? */
static bool entry_is_leaf(uint64_t entry, unsigned level)
{
	return !level || (entry & ENTRY_PAGE);
}

static void set_entry(struct pagetable *pt, struct env *env, pfn_t table, unsigned index,
		      uint64_t entry)
{
	env_charge(env, COST_PTE);
	env_touch(env, entry_paddr(table, index), sizeof(entry), true);
	table_entries(pt, table)[index] = entry;
}

/* --- tables ----------------------------------------------------------------------------------- */

static pfn_t table_alloc(struct pagetable *pt, struct env *env, unsigned nid)
{
	enum alloc_failure why;
	pfn_t table = pt->pa->ops->alloc_pages(pt->pa, env, 0, TABLE_GFP, nid, &why);
	if (table == PFN_NONE)
		return PFN_NONE;
	physmem_zero(pt->pm, table, 0);
	if (!physmem_ram(pt->pm, table, NULL)) {
		pt->pa->ops->free_pages(pt->pa, env, table, 0);
		return PFN_NONE;
	}
	return table;
}

/* A table that is not linked any more becomes the first of a list, and the list's new value. */
static uint64_t chain_push(struct pagetable *pt, uint64_t chain, pfn_t table)
{
	table_entries(pt, table)[0] = chain;
	return table + 1;
}

/* The first table of a list, all empty again. */
static pfn_t chain_pop(struct pagetable *pt, uint64_t *chain)
{
	pfn_t table = *chain - 1;
	*chain = table_entries(pt, table)[0];
	table_entries(pt, table)[0] = 0;
	return table;
}

int pagetable_init(struct pagetable *pt, struct page_allocator *pa, struct env *env,
		   unsigned levels, unsigned nid)
{
	BUG_ON(levels < 4 || levels > PAGETABLE_LEVELS, "%u levels of page tables", levels);
	*pt = (struct pagetable){.pa = pa, .pm = pa->pm, .levels = levels};
	for (unsigned i = 0; i < PAGETABLE_LOCKS; i++)
		snprintf(pt->locks[i].name, sizeof(pt->locks[i].name), "page_table");
	pt->root = table_alloc(pt, env, nid);
	if (pt->root == PFN_NONE)
		return -1;
	pt->tables_count[levels - 1] = 1;
	return 0;
}

void pagetable_release(struct pagetable *pt, struct env *env)
{
	for (unsigned i = 0; i < HW_PAGES; i++)
		BUG_ON(pt->mapped_count[i], "page tables released that map %llu pages",
		       (unsigned long long)pt->mapped_count[i]);
	pagetable_trim(pt, env, 0, UINT64_MAX);
	while (pt->deposits_count)
		pagetable_withdraw(pt, env);
	pt->tables_count[pt->levels - 1] = 0;
	pt->pa->ops->free_pages(pt->pa, env, pt->root, 0);
	pt->root = PFN_NONE;
}

/*
 * Go down towards the entry of @vaddr at level @to, touching what is read. Returns the table that
 * holds the entry, or, with *@level above @to, the one where the way ends: at an empty entry or at
 * a page.
 */
static pfn_t descend(const struct pagetable *pt, struct env *env, uint64_t vaddr, unsigned to,
		     unsigned *level)
{
	pfn_t table = pt->root;
	for (*level = pt->levels - 1; *level > to; --*level) {
		unsigned index = pagetable_index(vaddr, *level);
		uint64_t entry = table_entries(pt, table)[index];
		if (env)
			env_touch(env, entry_paddr(table, index), sizeof(entry), false);
		if (!entry || entry_is_leaf(entry, *level))
			break;
		table = entry_pfn(entry);
	}
	return table;
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* Is a table missing on the way to level @to? Then *@table and *@level say where it is to hang. */
static bool table_missing(struct pagetable *pt, struct env *env, uint64_t vaddr, unsigned to,
			  pfn_t *table, unsigned *level)
{
	*table = descend(pt, env, vaddr, to, level);
	return *level > to && !table_entries(pt, *table)[pagetable_index(vaddr, *level)];
}

int pagetable_prepare(struct pagetable *pt, struct env *env, uint64_t vaddr, enum hw_page page,
		      unsigned nid)
{
	pfn_t table, above;
	unsigned level;
	env_sync(env);
	while (table_missing(pt, env, vaddr, page, &above, &level)) {
		table = table_alloc(pt, env, nid);
		if (table == PFN_NONE)
			return -1;
		env_lock(env, pagetable_lock(pt, vaddr));
		bool missing = table_missing(pt, env, vaddr, page, &above, &level);
		if (missing) {
			set_entry(pt, env, above, pagetable_index(vaddr, level),
				  table << PAGE_SHIFT | ENTRY_WRITABLE | ENTRY_PRESENT);
			pt->tables_count[level - 1]++;
		}
		env_unlock(env, pagetable_lock(pt, vaddr));
		if (!missing)
			pt->pa->ops->free_pages(pt->pa, env, table, 0);
		env_sync(env);
	}
	return 0;
}

enum pagetable_result pagetable_set(struct pagetable *pt, struct env *env, uint64_t vaddr,
				    pfn_t pfn, enum hw_page page, bool writable)
{
	unsigned level, index;
	BUG_ON((vaddr & (pagetable_span(page) - 1)) || pfn % (pagetable_span(page) >> PAGE_SHIFT),
	       "page of size %u at %#llx, frame %#llx", page, (unsigned long long)vaddr,
	       (unsigned long long)pfn);
	pfn_t table = descend(pt, env, vaddr, page, &level);
	index = pagetable_index(vaddr, level);
	if (level > (unsigned)page)
		return table_entries(pt, table)[index] ? PAGETABLE_TAKEN : PAGETABLE_NO_TABLE;
	if (table_entries(pt, table)[index])
		return PAGETABLE_TAKEN;
	set_entry(pt, env, table, index,
		  pfn << PAGE_SHIFT | (page ? ENTRY_PAGE : 0) | (writable ? ENTRY_WRITABLE : 0) |
			  ENTRY_PRESENT);
	pt->mapped_count[page]++;
	return PAGETABLE_OK;
}

enum pagetable_result pagetable_map(struct pagetable *pt, struct env *env, uint64_t vaddr,
				    pfn_t pfn, enum hw_page page, bool writable, unsigned nid)
{
	enum pagetable_result result;
	do {
		if (pagetable_prepare(pt, env, vaddr, page, nid) != 0)
			return PAGETABLE_NO_PAGE;
		env_lock(env, pagetable_lock(pt, vaddr));
		result = pagetable_set(pt, env, vaddr, pfn, page, writable);
		env_unlock(env, pagetable_lock(pt, vaddr));
	} while (result == PAGETABLE_NO_TABLE);
	return result;
}

pfn_t pagetable_unmap(struct pagetable *pt, struct env *env, uint64_t vaddr, enum hw_page *page)
{
	unsigned level;
	pfn_t table = descend(pt, env, vaddr, 0, &level);
	unsigned index = pagetable_index(vaddr, level);
	uint64_t entry = table_entries(pt, table)[index];
	if (!entry)
		return PFN_NONE;
	set_entry(pt, env, table, index, 0);
	pt->mapped_count[level]--;
	*page = (enum hw_page)level;
	return entry_pfn(entry);
}

void pagetable_walk(const struct pagetable *pt, uint64_t vaddr, struct walk *w)
{
	pfn_t table = pt->root;
	w->count = 0;
	w->pfn = PFN_NONE;
	w->writable = false;
	for (unsigned level = pt->levels; level-- > 0;) {
		unsigned index = pagetable_index(vaddr, level);
		uint64_t entry = table_entries(pt, table)[index];
		w->entry_paddrs[w->count++] = entry_paddr(table, index);
		w->page = level < HW_PAGES ? (enum hw_page)level : HW_PAGE_1G;
		if (!entry)
			return;
		table = entry_pfn(entry);
		if (entry_is_leaf(entry, level)) {
			w->pfn = table;
			w->writable = entry & ENTRY_WRITABLE;
			return;
		}
	}
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* The first address from @vaddr on, at most @end, below which a page or a table of PTEs hangs. */
static uint64_t next_present(const struct pagetable *pt, uint64_t vaddr, uint64_t end)
{
	while (vaddr < end) {
		unsigned level;
		pfn_t table = descend(pt, NULL, vaddr, 0, &level);
		if (!level || table_entries(pt, table)[pagetable_index(vaddr, level)])
			return vaddr;
		vaddr = (vaddr | (pagetable_span(level) - 1)) + 1;
		if (!vaddr)
			return end;
	}
	return end;
}

static void gather(struct pagetable_gather *g, uint64_t vaddr, unsigned level)
{
	bool empty = !g->count[HW_PAGE_4K] && !g->count[HW_PAGE_2M] && !g->count[HW_PAGE_1G];
	if (empty)
		g->start = vaddr;
	g->end = vaddr + pagetable_span(level);
	g->count[level]++;
}

enum change { CHANGE_UNMAP, CHANGE_READ_ONLY, CHANGE_WRITABLE };

/* Is there anything to change about this entry? */
static bool concerns(enum change change, uint64_t entry)
{
	return entry &&
	       (change == CHANGE_UNMAP || !(entry & ENTRY_WRITABLE) == (change == CHANGE_WRITABLE));
}

static void change_entry(struct pagetable *pt, struct env *env, uint64_t *entry, uint64_t vaddr,
			 unsigned level, enum change change, struct pagetable_gather *g)
{
	if (!concerns(change, *entry))
		return;
	if (change == CHANGE_UNMAP) {
		g->leaves[g->leaves_count++] = (struct pagetable_leaf){.pfn = entry_pfn(*entry),
								       .page = (enum hw_page)level};
		*entry = 0;
		pt->mapped_count[level]--;
	} else {
		*entry ^= ENTRY_WRITABLE;
	}
	env_charge(env, COST_PTE);
	gather(g, vaddr, level);
}

/*
 * Change the leaves of one table from @vaddr on, under the lock, which is held. Returns where it
 * stopped: at the table's end, at @end, or where @g was full.
 */
static uint64_t change_table(struct pagetable *pt, struct env *env, uint64_t vaddr, uint64_t end,
			     enum change change, struct pagetable_gather *g)
{
	unsigned level;
	pfn_t table = descend(pt, env, vaddr, 0, &level);
	uint64_t *entries = table_entries(pt, table), span = pagetable_span(level);
	unsigned first = pagetable_index(vaddr, level), i = first;
	if (level) { /* a page of 2 MiB or more, or what hung here has gone meanwhile */
		bool whole = !(vaddr & (span - 1)) && end - vaddr >= span;
		BUG_ON(!whole && concerns(change, entries[i]),
		       "part of the huge page around %#llx is changed", (unsigned long long)vaddr);
		change_entry(pt, env, &entries[i], vaddr, level, change, g);
		env_touch(env, entry_paddr(table, i), sizeof(*entries), true);
		return u64_min(end, (vaddr | (span - 1)) + 1);
	}
	do {
		change_entry(pt, env, &entries[i], vaddr, level, change, g);
		vaddr += span;
		i++;
	} while (i < ENTRIES && vaddr < end &&
		 (change != CHANGE_UNMAP || g->leaves_count < g->leaves_max));
	env_touch(env, entry_paddr(table, first), (i - first) * sizeof(*entries), true);
	return vaddr;
}

static uint64_t change_range(struct pagetable *pt, struct env *env, uint64_t vaddr, uint64_t end,
			     enum change change, struct pagetable_gather *g)
{
	while (change != CHANGE_UNMAP || g->leaves_count < g->leaves_max) {
		env_sync(env);
		vaddr = next_present(pt, vaddr, end);
		if (vaddr >= end)
			break;
		struct env_lock *lock = pagetable_lock(pt, vaddr);
		env_lock(env, lock);
		vaddr = change_table(pt, env, vaddr, end, change, g);
		env_unlock(env, lock);
	}
	return vaddr;
}

uint64_t pagetable_unmap_range(struct pagetable *pt, struct env *env, uint64_t vaddr, uint64_t end,
			       struct pagetable_gather *g)
{
	return change_range(pt, env, vaddr, end, CHANGE_UNMAP, g);
}

void pagetable_protect_range(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end,
			     bool writable, struct pagetable_gather *g)
{
	change_range(pt, env, start, end, writable ? CHANGE_WRITABLE : CHANGE_READ_ONLY, g);
}

/* --- removing tables -------------------------------------------------------------------------- */

struct unlinking {
	struct pagetable *pt;
	struct env *env;
	uint64_t start, last; /* without the sign bits; last is inclusive */
	uint64_t chain;
};

static bool table_is_empty(const struct pagetable *pt, pfn_t table)
{
	const uint64_t *entries = table_entries(pt, table);
	for (unsigned i = 0; i < ENTRIES; i += 8) { /* a line at a time: most are empty */
		uint64_t any = 0;
		for (unsigned k = i; k < i + 8; k++)
			any |= entries[k];
		if (any)
			return false;
	}
	return true;
}

/* Unlink empty tables below @table, which maps memory from @base on; true: it is empty itself. */
static bool unlink_below(struct unlinking *u, pfn_t table, unsigned level, uint64_t base)
{
	uint64_t span = pagetable_span(level);
	uint64_t first = u->start > base ? (u->start - base) / span : 0;
	uint64_t last = u64_min((u->last - base) / span, ENTRIES - 1);
	for (uint64_t i = first; level && i <= last; i++) {
		uint64_t entry = table_entries(u->pt, table)[i];
		if (!entry || entry_is_leaf(entry, level) ||
		    !unlink_below(u, entry_pfn(entry), level - 1, base + i * span))
			continue;
		set_entry(u->pt, u->env, table, (unsigned)i, 0);
		u->pt->tables_count[level - 1]--;
		u->chain = chain_push(u->pt, u->chain, entry_pfn(entry));
	}
	return table_is_empty(u->pt, table);
}

uint64_t pagetable_unlink(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end)
{
	uint64_t mask = pagetable_span(pt->levels) - 1;
	struct unlinking u = {
		.pt = pt,
		.env = env,
		.start = start & mask,
		.last = (end - 1) & mask,
	};
	env_sync(env);
	unlink_below(&u, pt->root, pt->levels - 1, 0);
	return u.chain;
}

void pagetable_free_tables(struct pagetable *pt, struct env *env, uint64_t unlinked)
{
	while (unlinked) {
		pfn_t table = chain_pop(pt, &unlinked);
		pt->pa->ops->free_pages(pt->pa, env, table, 0);
	}
}

void pagetable_trim(struct pagetable *pt, struct env *env, uint64_t start, uint64_t end)
{
	pagetable_free_tables(pt, env, pagetable_unlink(pt, env, start, end));
}

/* --- splitting -------------------------------------------------------------------------------- */

int pagetable_deposit(struct pagetable *pt, struct env *env, unsigned nid)
{
	pfn_t table = table_alloc(pt, env, nid);
	if (table == PFN_NONE)
		return -1;
	env_sync(env);
	pt->deposits = chain_push(pt, pt->deposits, table);
	pt->deposits_count++;
	return 0;
}

static pfn_t deposit_take(struct pagetable *pt)
{
	BUG_ON(!pt->deposits_count, "no table was put by");
	pt->deposits_count--;
	return chain_pop(pt, &pt->deposits);
}

void pagetable_withdraw(struct pagetable *pt, struct env *env)
{
	env_sync(env);
	pfn_t table = deposit_take(pt);
	pt->pa->ops->free_pages(pt->pa, env, table, 0);
}

pfn_t pagetable_split(struct pagetable *pt, struct env *env, uint64_t vaddr)
{
	unsigned level, index = pagetable_index(vaddr, HW_PAGE_2M);
	struct env_lock *lock = pagetable_lock(pt, vaddr);
	env_sync(env);
	pfn_t above = descend(pt, NULL, vaddr, HW_PAGE_2M, &level);
	if (level != HW_PAGE_2M || !(table_entries(pt, above)[index] & ENTRY_PAGE))
		return PFN_NONE;
	env_lock(env, lock);
	above = descend(pt, env, vaddr, HW_PAGE_2M, &level);
	uint64_t entry = table_entries(pt, above)[index];
	pfn_t table = deposit_take(pt);
	for (unsigned i = 0; i < ENTRIES; i++)
		table_entries(pt, table)[i] = (entry & ~ENTRY_PAGE) + i * (uint64_t)PAGE_BYTES;
	env_charge_n(env, COST_PTE, ENTRIES);
	env_touch(env, entry_paddr(table, 0), PAGE_BYTES, true);
	set_entry(pt, env, above, index, table << PAGE_SHIFT | ENTRY_WRITABLE | ENTRY_PRESENT);
	pt->mapped_count[HW_PAGE_2M]--;
	pt->mapped_count[HW_PAGE_4K] += ENTRIES;
	pt->tables_count[0]++;
	env_unlock(env, lock);
	return entry_pfn(entry);
}

/* --- check ------------------------------------------------------------------------------------ */

struct checking {
	const struct pagetable *pt;
	pagetable_visit visit;
	void *arg;
	struct check_report *report;
	struct u64map seen; /* tables */
	uint64_t tables_count[PAGETABLE_LEVELS], mapped_count[HW_PAGES];
};

#define FAIL(c, ...) (snprintf((c)->report->text, sizeof((c)->report->text), __VA_ARGS__), -1)

static int check_is_table(struct checking *c, pfn_t table)
{
	const struct page *p = physmem_page(c->pt->pm, table);
	if (table >= c->pt->pm->pfn_end || !(p->flags & PAGE_ALLOCATED) || p->order)
		return FAIL(c, "T1: table %#llx is no page of its own", (unsigned long long)table);
	if (u64map_get(&c->seen, table))
		return FAIL(c, "T1: table %#llx is linked twice", (unsigned long long)table);
	BUG_ON(u64map_put(&c->seen, table, 0) != 0, "out of memory for a check");
	return 0;
}

static int check_leaf(struct checking *c, uint64_t entry, unsigned level, uint64_t vaddr)
{
	struct pagetable_leaf leaf = {.pfn = entry_pfn(entry), .page = (enum hw_page)level};
	if (leaf.pfn % (pagetable_span(level) >> PAGE_SHIFT))
		return FAIL(c, "T3: page of level %u at %#llx has frame %#llx", level,
			    (unsigned long long)vaddr, (unsigned long long)leaf.pfn);
	c->mapped_count[level]++;
	return c->visit ? c->visit(c->arg, vaddr, &leaf, entry & ENTRY_WRITABLE) : 0;
}

static int check_table(struct checking *c, pfn_t table, unsigned level, uint64_t base)
{
	if (check_is_table(c, table) != 0)
		return -1;
	c->tables_count[level]++;
	const uint64_t *entries = table_entries(c->pt, table);
	for (unsigned i = 0; i < ENTRIES; i++) {
		uint64_t vaddr = base + i * pagetable_span(level), entry = entries[i];
		if (!entry)
			continue;
		bool page = level && (entry & ENTRY_PAGE);
		if (!(entry & ENTRY_PRESENT) || (page && level >= HW_PAGES))
			return FAIL(c, "T4: entry %#llx at level %u for %#llx",
				    (unsigned long long)entry, level, (unsigned long long)vaddr);
		int wrong = entry_is_leaf(entry, level)
				    ? check_leaf(c, entry, level, vaddr)
				    : check_table(c, entry_pfn(entry), level - 1, vaddr);
		if (wrong)
			return -1;
	}
	return 0;
}

static int check_all(struct checking *c)
{
	const struct pagetable *pt = c->pt;
	uint64_t deposits_count = 0;
	if (check_table(c, pt->root, pt->levels - 1, 0) != 0)
		return -1;
	for (uint64_t d = pt->deposits; d; d = table_entries(pt, d - 1)[0], deposits_count++) {
		if (check_is_table(c, d - 1) != 0)
			return -1;
	}
	if (deposits_count != pt->deposits_count)
		return FAIL(c, "T5: %llu tables put by, counted %llu",
			    (unsigned long long)deposits_count,
			    (unsigned long long)pt->deposits_count);
	for (unsigned i = 0; i < PAGETABLE_LEVELS; i++) {
		if (c->tables_count[i] != pt->tables_count[i])
			return FAIL(c, "T2: %llu tables of level %u, counted %llu",
				    (unsigned long long)c->tables_count[i], i,
				    (unsigned long long)pt->tables_count[i]);
	}
	for (unsigned i = 0; i < HW_PAGES; i++) {
		if (c->mapped_count[i] != pt->mapped_count[i])
			return FAIL(c, "T2: %llu pages of level %u, counted %llu",
				    (unsigned long long)c->mapped_count[i], i,
				    (unsigned long long)pt->mapped_count[i]);
	}
	return 0;
}

int pagetable_check(const struct pagetable *pt, pagetable_visit visit, void *arg,
		    struct check_report *report)
{
	struct checking c = {.pt = pt, .visit = visit, .arg = arg, .report = report};
	report->text[0] = '\0';
	int wrong = check_all(&c);
	u64map_release(&c.seen);
	return wrong ? -1 : 0;
}
