/*
 * fault.c - page faults: memory comes when it is first touched.
 *
 * A fault looks up the range (VMA), allocates a zeroed page, and hangs it into the page table. In a
 * range with VMA_HUGE, where 2 MiB fit and nothing is mapped yet, it tries a block of order 9 and
 * one entry instead; if no such block is to be had, it falls back to a page of 4 KiB. With every
 * huge page a table is put by, in case it has to be split.
 *
 * Concurrency. A fault doesn't take the lock of the ranges, so that CPUs fault side by side.
 * Allocating pauses it; meanwhile another CPU may have unmapped the range or mapped the very page.
 * So under the lock of the page table's region it looks at the range once more, and sets the entry
 * only if all is as before and the place is empty. Otherwise its page goes back and it begins
 * again.
 *
 *   sync, find range, allocate page ..(pause).. tables ..(pause).. lock: same range? set entry
 *
 * Unmapping removes the range before the entries. So either the fault sees that, or its entry is
 * there in time to be removed.
 *
 * Cost charged: FAULT, the allocator's, ZERO_PAGE for each page of 4 KiB, PTE and a lock. A minor
 * fault comes to about 0.7 us at 2.45 GHz.
 *
 * MODEL: no zero page for reads, no fault-around, no intermediate sizes, no khugepaged. Clearing a
 * page takes time but no place in the caches. A huge page may come from another node when the own
 * has none left; Linux tries the own node alone first, which is the same without reclaim.
 */
#include "mm/address_space_impl.h"

enum outcome {
	OUTCOME_DONE,
	OUTCOME_CHANGED, /* another CPU was faster: look again */
	OUTCOME_NO_PAGE,
};

/* What the fault began with. */
struct fault {
	uint64_t vaddr;
	unsigned flags;
	enum hw_page page; /* to be mapped */
};

static bool same_range(const struct address_space *as, const struct fault *f)
{
	uint64_t span = pagetable_span(f->page), at = f->vaddr & ~(span - 1);
	const struct vma *v = vma_find(&as->vmas, f->vaddr);
	return v && v->flags == f->flags && v->range.start <= at && at + span <= v->range.end;
}

static enum outcome install(struct address_space *as, struct env *env, const struct fault *f,
			    pfn_t pfn)
{
	uint64_t at = f->vaddr & ~(pagetable_span(f->page) - 1);
	struct env_lock *lock = pagetable_lock(&as->pt, at);
	enum pagetable_result result = PAGETABLE_NO_TABLE;
	while (result == PAGETABLE_NO_TABLE) {
		if (pagetable_prepare(&as->pt, env, at, f->page, as->p.cpu_nid[env->cpu]) != 0)
			return OUTCOME_NO_PAGE;
		env_lock(env, lock);
		result = same_range(as, f) ? pagetable_set(&as->pt, env, at, pfn, f->page,
							   f->flags & VMA_WRITE)
					   : PAGETABLE_TAKEN;
		env_unlock(env, lock);
	}
	return result == PAGETABLE_OK ? OUTCOME_DONE : OUTCOME_CHANGED;
}

/* A page of the size wanted, mapped; or nothing is changed. */
static enum outcome fault_page(struct address_space *as, struct env *env, const struct fault *f)
{
	struct page_allocator *pa = as->p.pa;
	bool huge = f->page == HW_PAGE_2M;
	unsigned nid = as->p.cpu_nid[env->cpu], order = huge ? HUGE_ORDER : 0;
	gfp_t gfp = (huge ? GFP_TRANSHUGE : GFP_HIGHUSER_MOVABLE) | __GFP_ZERO;
	enum alloc_failure why;
	if (huge && pagetable_deposit(&as->pt, env, nid) != 0)
		return OUTCOME_NO_PAGE;
	pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, &why);
	enum outcome outcome = OUTCOME_NO_PAGE;
	if (pfn != PFN_NONE)
		outcome = install(as, env, f, pfn);
	if (outcome == OUTCOME_DONE)
		return outcome;
	if (pfn != PFN_NONE)
		pa->ops->free_pages(pa, env, pfn, order);
	if (huge)
		pagetable_withdraw(&as->pt, env);
	return outcome;
}

/* Does a page of 2 MiB fit into the range around @vaddr, and is nothing there yet? */
static bool huge_fits(const struct vma *v, uint64_t vaddr, const struct walk *w)
{
	uint64_t at = vaddr & ~(HUGE_BYTES - 1);
	return (v->flags & VMA_HUGE) && v->range.start <= at && v->range.end >= at + HUGE_BYTES &&
	       w->page >= HW_PAGE_2M;
}

bool address_space_fault(struct address_space *as, struct env *env, uint64_t vaddr, bool write)
{
	bool try_huge = true;
	env_might_sleep(env);
	env_charge(env, COST_FAULT);
	as->faults_count++;
	for (;;) {
		struct walk w;
		env_sync(env);
		const struct vma *v = vma_find(&as->vmas, vaddr);
		if (!v || (write && !(v->flags & VMA_WRITE)))
			return false;
		pagetable_walk(&as->pt, vaddr, &w);
		if (w.pfn != PFN_NONE) {
			if (write && !w.writable) { /* rights are on their way: wait for them */
				env_lock(env, &as->lock);
				env_unlock(env, &as->lock);
			}
			return true;
		}
		struct fault f = {
			.vaddr = vaddr,
			.flags = v->flags,
			.page = try_huge && huge_fits(v, vaddr, &w) ? HW_PAGE_2M : HW_PAGE_4K,
		};
		enum outcome outcome = fault_page(as, env, &f);
		if (outcome == OUTCOME_DONE) {
			as->huge_faults_count += f.page == HW_PAGE_2M;
			return true;
		}
		if (outcome == OUTCOME_NO_PAGE) {
			if (f.page == HW_PAGE_4K)
				return false;
			as->huge_fallbacks_count++;
			try_huge = false;
		}
	}
}
