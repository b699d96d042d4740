/*
 * address_space.c - a process's virtual memory: see address_space.h.
 *
 * Mapping only notes a range (vma.c); pages come with faults (fault.c); translations are page table
 * entries (pagetable.c), which CPUs copy into their TLBs when they walk (translate.c).
 *
 * Unmapping, under the sleeping lock of the ranges, in an order that matters:
 *
 *   1 the range goes: no fault adds an entry from now on
 *   2 huge pages that reach over an end are split, and their large translation flushed
 *   3 entries are cleared, and tables left empty are unlinked; frames are gathered
 *   4 TLBs of all CPUs that ever used the space are flushed (tlbflush.c)
 *   5 frames and tables are freed
 *
 * Were 5 before 4, a CPU could read or write a page by its old translation while it belongs to
 * someone else. Steps 3 to 5 repeat when GATHER_MAX pages have been gathered, or, without
 * batch_flushes, after every page.
 *
 * Taking away the right to write is the same with rights: ranges, splits, entries, flush. Giving it
 * needs no flush: a CPU with the old translation misses once and walks again.
 *
 * Example. 512 pages of 4 KiB that three other CPUs have used: 1 shootdown, 3 interrupts, each a
 * full flush (512 > 33). Unbatched: 512 shootdowns, 1536 interrupts. As a huge page: 1, 3, and one
 * entry dropped.
 *
 * Invariants
 *   A1  ranges are in order, disjoint, page-aligned, merged where alike, and inside the addresses
 *   A2  a page that is mapped lies in a range, and is writable only if the range is; but for where
 *       the lock's holder is taking rights away
 *   A3  a frame that is mapped is an allocated block of its page's size, and mapped once
 *   A4  for every huge page a table is put by
 *   T1 to T5 of pagetable.c
 *
 * Cost charged: VMA for each range found, made, changed or removed; those of the parts.
 *
 * MODEL: places are looked for from the lowest address up; Linux goes down from below the stack,
 * which gives the same gaps, mirrored. A huge page that is unmapped in part is split into single
 * pages at once, and those unmapped are freed; Linux keeps the block until memory is short
 * (deferred split). No fork, no copy on write, no files, no swap, no limits. Linux gathers about
 * 10,000 pages, as we do, and as much as one page of its own memory describes at a time.
 */
#include "mm/address_space_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "kern/bug.h"
#include "kern/u64map.h"
#include "mm/translate.h"

#define GATHER_MAX    10000u
#define FIRST_ADDRESS UINT64_C(0x400000) /* where programs of x86-64 begin; not 0 */

struct address_space *address_space_new(const struct address_space_params *p, struct env *env)
{
	BUG_ON(p->space == SPACE_KERNEL, "address space of the kernel's number");
	struct address_space *as = calloc(1, sizeof(*as));
	if (!as)
		return NULL;
	as->p = *p;
	as->lock.sleeps = true;
	snprintf(as->lock.name, sizeof(as->lock.name), "mmap");
	unsigned levels = (unsigned)p->hw->paging_levels;
	as->end = pagetable_span(levels) / 2; /* the other half is the kernel's */
	as->leaves = malloc(GATHER_MAX * sizeof(*as->leaves));
	if (as->leaves && pagetable_init(&as->pt, p->pa, env, levels, p->cpu_nid[env->cpu]) == 0)
		return as;
	free(as->leaves);
	free(as);
	return NULL;
}

/* --- unmapping -------------------------------------------------------------------------------- */

/* Flush what @g gathered; nothing, or tables alone: at @vaddr. */
static void flush(struct address_space *as, struct env *env, const struct pagetable_gather *g,
		  uint64_t vaddr)
{
	uint64_t small = g->count[HW_PAGE_4K], huge = g->count[HW_PAGE_2M], pages = 1;
	enum hw_page page = huge ? HW_PAGE_2M : HW_PAGE_4K;
	if (small || huge) {
		vaddr = g->start;
		pages = (g->end - g->start) / pagetable_span(page);
	}
	if (small && huge)
		pages = UINT64_MAX; /* two kinds of entries: all of them */
	tlb_flush_range(as->p.hw, env, &as->users, as->p.space, vaddr, pages, page, &as->flushes);
}

/* No huge page reaches over @at; its frames are pages by themselves. */
static void split_at(struct address_space *as, struct env *env, uint64_t at)
{
	pfn_t pfn = at % HUGE_BYTES ? pagetable_split(&as->pt, env, at) : PFN_NONE;
	if (pfn == PFN_NONE)
		return;
	for (unsigned i = 0; i < 1u << HUGE_ORDER; i++)
		as->p.pa->ops->split_allocated(as->p.pa, pfn + i, 0);
	tlb_flush_range(as->p.hw, env, &as->users, as->p.space, at & ~(HUGE_BYTES - 1), 1,
			HW_PAGE_2M, &as->flushes);
}

static void free_leaves(struct address_space *as, struct env *env, const struct pagetable_gather *g)
{
	struct page_allocator *pa = as->p.pa;
	for (unsigned i = 0; i < g->leaves_count; i++) {
		bool huge = g->leaves[i].page == HW_PAGE_2M;
		pa->ops->free_pages(pa, env, g->leaves[i].pfn, huge ? HUGE_ORDER : 0);
		if (huge)
			pagetable_withdraw(&as->pt, env);
	}
}

/* The lock is held. */
static void unmap(struct address_space *as, struct env *env, uint64_t start, uint64_t end)
{
	as->busy_start = start;
	as->busy_end = end;
	vma_remove(&as->vmas, env, start, end);
	split_at(as, env, start);
	split_at(as, env, end);
	for (uint64_t at = start; at < end;) {
		struct pagetable_gather g = {
			.leaves = as->leaves,
			.leaves_max = as->p.batch_flushes ? GATHER_MAX : 1,
		};
		uint64_t from = at;
		at = pagetable_unmap_range(&as->pt, env, at, end, &g);
		uint64_t tables = pagetable_unlink(&as->pt, env, from, at);
		if (g.leaves_count || tables)
			flush(as, env, &g, from);
		free_leaves(as, env, &g);
		pagetable_free_tables(&as->pt, env, tables);
	}
	as->busy_start = as->busy_end = 0;
}

void address_space_free(struct address_space *as, struct env *env)
{
	if (!as)
		return;
	env_lock(env, &as->lock);
	unmap(as, env, 0, as->end);
	env_unlock(env, &as->lock);
	pagetable_release(&as->pt, env);
	vmas_release(&as->vmas);
	free(as->leaves);
	free(as);
}

/* --- the interface ---------------------------------------------------------------------------- */

static bool is_range(const struct address_space *as, uint64_t vaddr, uint64_t bytes)
{
	return bytes && vaddr <= as->end && bytes <= as->end - vaddr;
}

static void must_be_range(const struct address_space *as, uint64_t vaddr, uint64_t bytes)
{
	BUG_ON(!is_range(as, vaddr, bytes) || (vaddr | bytes) % PAGE_BYTES,
	       "%#llx bytes at %#llx are no pages of an address space", (unsigned long long)bytes,
	       (unsigned long long)vaddr);
}

uint64_t address_space_map(struct address_space *as, struct env *env, uint64_t bytes,
			   unsigned flags)
{
	if (!is_range(as, 0, bytes))
		return 0;
	bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	env_might_sleep(env);
	env_charge(env, COST_VMA);
	env_lock(env, &as->lock);
	uint64_t at = rangetree_fit(&as->vmas.tree, FIRST_ADDRESS, as->end, bytes,
				    flags & VMA_HUGE ? HUGE_BYTES : PAGE_BYTES);
	if (at != UINT64_MAX)
		vma_add(&as->vmas, env, at, at + bytes, flags);
	env_unlock(env, &as->lock);
	return at == UINT64_MAX ? 0 : at;
}

bool address_space_map_at(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes,
			  unsigned flags)
{
	must_be_range(as, vaddr, bytes);
	env_might_sleep(env);
	env_charge(env, COST_VMA);
	env_lock(env, &as->lock);
	const struct range *next = rangetree_find(&as->vmas.tree, vaddr);
	bool free = !next || next->start >= vaddr + bytes;
	if (free)
		vma_add(&as->vmas, env, vaddr, vaddr + bytes, flags);
	env_unlock(env, &as->lock);
	return free;
}

void address_space_unmap(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes)
{
	must_be_range(as, vaddr, bytes);
	env_might_sleep(env);
	env_charge(env, COST_VMA);
	env_lock(env, &as->lock);
	unmap(as, env, vaddr, vaddr + bytes);
	env_unlock(env, &as->lock);
}

/* Does a huge page reach over @at that has other rights than the ranges give now? */
static bool rights_end_in_huge(struct address_space *as, struct env *env, uint64_t at,
			       bool writable)
{
	struct walk w;
	env_sync(env);
	pagetable_walk(&as->pt, at, &w);
	return w.pfn != PFN_NONE && w.page == HW_PAGE_2M && w.writable != writable;
}

void address_space_protect(struct address_space *as, struct env *env, uint64_t vaddr,
			   uint64_t bytes, bool writable)
{
	uint64_t end = vaddr + bytes;
	must_be_range(as, vaddr, bytes);
	env_might_sleep(env);
	env_charge(env, COST_VMA);
	env_lock(env, &as->lock);
	as->busy_start = vaddr;
	as->busy_end = end;
	vma_change(&as->vmas, env, vaddr, end, writable ? VMA_WRITE : 0, writable ? 0 : VMA_WRITE);
	if (rights_end_in_huge(as, env, vaddr, writable))
		split_at(as, env, vaddr);
	if (end < as->end && rights_end_in_huge(as, env, end, writable))
		split_at(as, env, end);
	struct pagetable_gather g = {0};
	pagetable_protect_range(&as->pt, env, vaddr, end, writable, &g);
	if (!writable && (g.count[HW_PAGE_4K] || g.count[HW_PAGE_2M]))
		flush(as, env, &g, vaddr);
	as->busy_start = as->busy_end = 0;
	env_unlock(env, &as->lock);
}

bool address_space_access(struct address_space *as, struct env *env, uint64_t vaddr, uint64_t bytes,
			  bool write)
{
	bool done = is_range(as, vaddr, bytes);
	while (done && bytes) {
		struct translation t;
		if (translate(&as->pt, env, as->p.space, vaddr, write, &as->users, &t)) {
			uint64_t n = u64_min(bytes, t.bytes);
			translate_access(env, t.paddr, n, write);
			vaddr += n;
			bytes -= n;
		} else {
			done = address_space_fault(as, env, vaddr, write);
		}
	}
	as->failed_count += !done;
	return done;
}

void address_space_stats(const struct address_space *as, struct address_space_stats *stats)
{
	*stats = (struct address_space_stats){
		.vmas_count = as->vmas.tree.count,
		.mapped_pages = as->pt.mapped_count[HW_PAGE_4K],
		.huge_pages = as->pt.mapped_count[HW_PAGE_2M],
		.faults_count = as->faults_count,
		.huge_faults_count = as->huge_faults_count,
		.huge_fallbacks_count = as->huge_fallbacks_count,
		.failed_count = as->failed_count,
		.vma_merges_count = as->vmas.merges_count,
		.vma_splits_count = as->vmas.splits_count,
		.shootdowns_count = as->flushes.flushes_count,
		.shootdown_targets_count = as->flushes.targets_count,
		.shootdown_full_count = as->flushes.full_count,
		.lock = &as->lock,
	};
	for (unsigned i = 0; i < PAGETABLE_LEVELS; i++)
		stats->tables_count[i] = as->pt.tables_count[i];
}

/* --- check ------------------------------------------------------------------------------------ */

#define FAIL(report, ...) (snprintf((report)->text, sizeof((report)->text), __VA_ARGS__), -1)

struct checking {
	const struct address_space *as;
	struct check_report *report;
	struct u64map frames;
};

static int check_leaf(void *arg, uint64_t vaddr, const struct pagetable_leaf *leaf, bool writable)
{
	struct checking *c = arg;
	const struct address_space *as = c->as;
	const struct physmem *pm = as->p.pa->pm;
	unsigned long long at = vaddr, pfn = leaf->pfn;
	uint64_t end = vaddr + pagetable_span(leaf->page);
	const struct vma *v = vma_find(&as->vmas, vaddr);
	bool busy = vaddr < as->busy_end && end > as->busy_start;
	if (!busy && (!v || v->range.end < end))
		return FAIL(c->report, "A2: the page at %#llx is in no range", at);
	if (!busy && writable && !(v->flags & VMA_WRITE))
		return FAIL(c->report, "A2: the page at %#llx is writable, its range is not", at);
	if (pfn >= pm->pfn_end || !(pm->pages[pfn].flags & PAGE_ALLOCATED) ||
	    pm->pages[pfn].order != (leaf->page ? HUGE_ORDER : 0))
		return FAIL(c->report,
			    "A3: the page at %#llx has frame %#llx, which is not its own", at, pfn);
	if (u64map_get(&c->frames, pfn))
		return FAIL(c->report, "A3: frame %#llx is mapped twice", pfn);
	return u64map_put(&c->frames, pfn, 0) == 0 ? 0 : FAIL(c->report, "out of memory");
}

int address_space_check(struct address_space *as, struct check_report *report)
{
	struct checking c = {.as = as, .report = report};
	const char *wrong = vma_check(&as->vmas);
	if (wrong)
		return FAIL(report, "A1: %s", wrong);
	const struct range *root = as->vmas.tree.root;
	if (root && root->high > as->end)
		return FAIL(report, "A1: a range ends at %#llx", (unsigned long long)root->high);
	int result = pagetable_check(&as->pt, check_leaf, &c, report);
	u64map_release(&c.frames);
	if (!result && as->pt.deposits_count < as->pt.mapped_count[HW_PAGE_2M])
		return FAIL(report, "A4: %llu tables are put by for %llu huge pages",
			    (unsigned long long)as->pt.deposits_count,
			    (unsigned long long)as->pt.mapped_count[HW_PAGE_2M]);
	return result;
}
