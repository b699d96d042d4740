/*
 * vmalloc.c - Linux's vmalloc: memory that is contiguous in virtual addresses only.
 *
 * Purpose. Large blocks are hard to find once memory is fragmented, and rounding to powers of two
 * wastes up to half. vmalloc takes single pages from anywhere and maps them in a row. It pays with
 * page tables, with one TLB entry for every page, and with a flush of all CPUs' TLBs when addresses
 * are used again.
 *
 * A range ("area"), from its start: pages, and a guard page that is never mapped, so that running
 * over the end faults:
 *
 *   | page 0 | page 1 | ... | page n-1 | guard |
 *
 * Its page array, which says what frames it has, is memory of its own: 8 bytes a page, from kmalloc
 * up to one page, beyond that by vmalloc again. It is kept in simulated RAM and read when the range
 * is freed.
 *
 * Addresses: all areas are in one tree (kern/rangetree.h); a new one goes to the lowest place that
 * fits.
 *
 * Freeing. Mappings are removed and pages freed at once. TLBs still know them, so the addresses
 * wait ("lazy") until more than lazy_max_pages have gathered, fls(CPUs) * 32 MiB; then one flush
 * serves for all, and the addresses are free. Running out of addresses purges, too.
 *
 *   FILLING -> LIVE -> FREEING -> LAZY -> PURGING -> gone
 *
 * Huge. With params.huge a request of 2 MiB or more is rounded up to that and tries blocks of order
 * 9, mapped as one page each; if one is not to be had, all of it is done over with single pages.
 * Blocks are split, since Linux frees single pages whatever they were.
 *
 * Example. 1 MiB + 4 KiB: 257 pages and a guard, 1,056,768 bytes of addresses; an array of 2056
 * bytes; 257 entries in one or two tables. kmalloc takes a block of order 9, of which 1,044,480
 * bytes are waste, and no table.
 *
 * Concurrency. The tree, the list of lazy areas and their sum are under the spin lock. An area that
 * is being filled or freed belongs to the CPU that does it. Purges take the sleeping lock, under
 * which flushing may wait for other CPUs.
 *
 * Invariants
 *   V1  areas are in order, disjoint, page-aligned and inside [start, end)
 *   V2  an area is as long as its pages and guard; a live one has all its pages, all mapped
 *   V3  pages of areas are allocated blocks of order 0, each in one place only
 *   V4  areas_count, mapped_pages, guard_pages and array_bytes are sums over live areas
 *   V5  lazy_pages is the sum over lazy areas, which are all on the list
 *
 * Cost charged: VMA for an area made, freed, purged; the allocators' and the mapper's for pages,
 * array and entries; a lock each way.
 *
 * MODEL: pages are allocated one by one, as Linux's bulk interface falls back to; it costs about as
 * much here, since most come from the per-CPU list. One tree: Linux has one for each of up to 128
 * nodes, and pools of areas of equal sizes, so it spreads the lock better and doesn't always use
 * the lowest address. The CPU whose free went over the limit purges itself, where Linux wakes a
 * worker. Freeing in an interrupt, which Linux hands to a worker, counts as sleeping there.
 */
#include "alloc/vmalloc_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"
#include "kern/u64map.h"

#define HUGE_ORDER 9u
#define HUGE_PAGES (1u << HUGE_ORDER)

uint64_t vmalloc_lazy_max_pages(unsigned cpus_count)
{
	uint64_t fls = cpus_count ? 32u - (unsigned)__builtin_clz(cpus_count) : 0;
	return fls * ((UINT64_C(32) << 20) / PAGE_BYTES);
}

struct vmalloc *vmalloc_new(const struct vmalloc_params *params)
{
	struct vmalloc *v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->p = *params;
	if (v->p.lazy_max_pages == UINT64_MAX)
		v->p.lazy_max_pages = vmalloc_lazy_max_pages(params->cpus_count);
	v->purge_lock.sleeps = true;
	snprintf(v->lock.name, sizeof(v->lock.name), "vmap_area");
	snprintf(v->purge_lock.name, sizeof(v->purge_lock.name), "vmap_purge");
	v->stats.lock = &v->lock;
	v->stats.lazy_max_pages = v->p.lazy_max_pages;
	return v;
}

void vmalloc_free_all(struct vmalloc *v)
{
	if (!v)
		return;
	while (v->areas.root) {
		struct area *a = area_of(v->areas.root);
		rangetree_remove(&v->areas, &a->range);
		free(a);
	}
	free(v);
}

/* --- page arrays ------------------------------------------------------------------------------ */

static uint64_t array_bytes(const struct area *a)
{
	return a->pages * sizeof(uint64_t);
}

/* Physical address of entry @i of the array of @a. */
static uint64_t entry_paddr(const struct vmalloc *v, const struct area *a, uint64_t i)
{
	uint64_t offset = i * sizeof(uint64_t);
	if (a->array_kind != ARRAY_AREA)
		return a->array_paddr + offset;
	uint64_t paddr = entry_paddr(v, a->array, offset / PAGE_BYTES);
	return *(const uint64_t *)(const void *)(v->p.pa->pm->ram + paddr) * PAGE_BYTES +
	       offset % PAGE_BYTES;
}

static uint64_t *entry_at(const struct vmalloc *v, const struct area *a, uint64_t i)
{
	uint64_t paddr = entry_paddr(v, a, i);
	return (void *)(physmem_ram(v->p.pa->pm, paddr >> PAGE_SHIFT, NULL) +
			    paddr % PAGE_BYTES);
}

static pfn_t entry_load(const struct vmalloc *v, struct env *env, const struct area *a, uint64_t i)
{
	env_touch(env, entry_paddr(v, a, i), sizeof(uint64_t), false);
	return *entry_at(v, a, i);
}

static void entry_store(const struct vmalloc *v, struct env *env, const struct area *a, uint64_t i,
			pfn_t pfn)
{
	env_touch(env, entry_paddr(v, a, i), sizeof(uint64_t), true);
	*entry_at(v, a, i) = pfn;
}

static struct area *area_new(struct vmalloc *v, struct env *env, uint64_t pages, gfp_t gfp,
			     unsigned nid, enum alloc_failure *why);
static void area_release(struct vmalloc *v, struct env *env, struct area *a);

/* Memory for the page array; false: none, @why says it. */
static bool array_alloc(struct vmalloc *v, struct env *env, struct area *a, gfp_t gfp, unsigned nid,
			enum alloc_failure *why)
{
	gfp_t array_gfp = (gfp & (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_NOWARN)) | __GFP_ZERO;
	if (array_bytes(a) > PAGE_BYTES) {
		a->array = area_new(v, env, (array_bytes(a) + PAGE_BYTES - 1) / PAGE_BYTES,
				    array_gfp, nid, why);
		a->array_kind = a->array ? ARRAY_AREA : ARRAY_NONE;
		return a->array;
	}
	if (v->p.km) {
		a->array_paddr = kmalloc_alloc(v->p.km, env, array_bytes(a), array_gfp, nid, why);
		if (a->array_paddr == OBJECT_NONE)
			return false;
		a->array_kind = ARRAY_KMALLOC;
	} else {
		pfn_t pfn = v->p.pa->ops->alloc_pages(v->p.pa, env, 0, array_gfp, nid, why);
		if (pfn == PFN_NONE)
			return false;
		a->array_paddr = pfn * PAGE_BYTES;
		a->array_kind = ARRAY_PAGE;
	}
	if (physmem_ram(v->p.pa->pm, a->array_paddr >> PAGE_SHIFT, NULL))
		return true;
	*why = ALLOC_NO_MEMORY; /* of the host, for all simulated RAM */
	return false;
}

static void array_free(struct vmalloc *v, struct env *env, struct area *a)
{
	enum array_kind kind = a->array_kind;
	a->array_kind = ARRAY_NONE;
	if (kind == ARRAY_KMALLOC)
		kmalloc_free(v->p.km, env, a->array_paddr);
	else if (kind == ARRAY_PAGE)
		v->p.pa->ops->free_pages(v->p.pa, env, a->array_paddr >> PAGE_SHIFT, 0);
	else if (kind == ARRAY_AREA)
		area_release(v, env, a->array);
}

/* --- addresses -------------------------------------------------------------------------------- */

/* Find a place for @a, purging what waits if there is none. */
static bool area_place(struct vmalloc *v, struct env *env, struct area *a, uint64_t align)
{
	uint64_t bytes = (a->pages + v->p.guard) * PAGE_BYTES, at = UINT64_MAX;
	env_charge(env, COST_VMA);
	for (int attempt = 0; attempt < 2 && at == UINT64_MAX; attempt++) {
		if (attempt)
			vmalloc_purge(v, env);
		env_lock(env, &v->lock);
		at = rangetree_fit(&v->areas, v->p.start, v->p.end, bytes, align);
		if (at != UINT64_MAX) {
			a->range.start = at;
			a->range.end = at + bytes;
			rangetree_insert(&v->areas, &a->range);
		}
		env_unlock(env, &v->lock);
	}
	return at != UINT64_MAX;
}

/* Its addresses wait for a flush, or are free at once if no TLB can know them. */
static void area_retire(struct vmalloc *v, struct env *env, struct area *a, bool was_mapped)
{
	env_charge(env, COST_VMA);
	env_lock(env, &v->lock);
	if (!was_mapped) {
		rangetree_remove(&v->areas, &a->range);
		env_unlock(env, &v->lock);
		free(a);
		return;
	}
	a->state = AREA_LAZY;
	a->next_lazy = v->lazy;
	v->lazy = a;
	v->stats.lazy_pages += (a->range.end - a->range.start) / PAGE_BYTES;
	bool full = v->stats.lazy_pages > v->p.lazy_max_pages;
	env_unlock(env, &v->lock);
	if (full)
		vmalloc_purge(v, env);
}

void vmalloc_purge(struct vmalloc *v, struct env *env)
{
	uint64_t start = UINT64_MAX, end = 0;
	env_might_sleep(env);
	env_lock(env, &v->purge_lock);
	env_lock(env, &v->lock);
	struct area *list = v->lazy;
	v->lazy = NULL;
	v->stats.lazy_pages = 0;
	for (struct area *a = list; a; a = a->next_lazy) {
		a->state = AREA_PURGING;
		start = u64_min(start, a->range.start);
		end = u64_max(end, a->range.end);
	}
	v->stats.purges_count += list != NULL;
	env_unlock(env, &v->lock);
	if (list) {
		v->p.mapper->ops->flush(v->p.mapper, env, start, end);
		env_lock(env, &v->lock);
		while (list) {
			struct area *a = list;
			list = a->next_lazy;
			env_charge(env, COST_VMA);
			rangetree_remove(&v->areas, &a->range);
			free(a);
		}
		env_unlock(env, &v->lock);
	}
	env_unlock(env, &v->purge_lock);
}

/* --- pages ------------------------------------------------------------------------------------ */

static bool area_fill(struct vmalloc *v, struct env *env, struct area *a, unsigned order, gfp_t gfp,
		      unsigned nid, enum alloc_failure *why)
{
	struct page_allocator *pa = v->p.pa;
	while (a->filled < a->pages) {
		pfn_t pfn = pa->ops->alloc_pages(pa, env, order, gfp, nid, why);
		if (pfn == PFN_NONE)
			return false;
		for (pfn_t i = 0; i < UINT64_C(1) << order; i++) {
			if (order)
				pa->ops->split_allocated(pa, pfn + i, 0);
			entry_store(v, env, a, a->filled++, pfn + i);
		}
	}
	return true;
}

static bool area_map(struct vmalloc *v, struct env *env, struct area *a, unsigned order)
{
	while (a->mapped < a->pages) {
		uint64_t vaddr = a->range.start + a->mapped * PAGE_BYTES;
		pfn_t pfn = entry_load(v, env, a, a->mapped);
		if (v->p.mapper->ops->map(v->p.mapper, env, vaddr, pfn, order) != 0)
			return false;
		a->mapped += UINT64_C(1) << order;
	}
	return true;
}

static void area_unmap(struct vmalloc *v, struct env *env, struct area *a)
{
	uint64_t last = a->mapped, done = 0;
	a->mapped = 0;
	while (done < last) {
		unsigned order = 0;
		uint64_t vaddr = a->range.start + done * PAGE_BYTES;
		pfn_t pfn = v->p.mapper->ops->unmap(v->p.mapper, env, vaddr, &order);
		BUG_ON(pfn == PFN_NONE, "vmalloc: %#llx is not mapped", (unsigned long long)vaddr);
		done += UINT64_C(1) << order;
	}
}

/* It is all there, and its owner's from now on; or it is to be taken down. */
static void area_account(struct vmalloc *v, struct area *a, bool live)
{
	uint64_t sign = live ? 1 : UINT64_MAX; /* -1 */
	v->stats.areas_count += sign;
	v->stats.mapped_pages += sign * a->pages;
	v->stats.guard_pages += sign * v->p.guard;
	v->stats.array_bytes += sign * array_bytes(a);
	a->state = live ? AREA_LIVE : AREA_FREEING;
}

/* Give back all that @a has, finished or not. */
static void area_release(struct vmalloc *v, struct env *env, struct area *a)
{
	struct page_allocator *pa = v->p.pa;
	bool was_mapped = a->mapped;
	if (a->state == AREA_LIVE)
		area_account(v, a, false);
	area_unmap(v, env, a);
	while (a->freed < a->filled) {
		pfn_t pfn = entry_load(v, env, a, a->freed++);
		pa->ops->free_pages(pa, env, pfn, 0);
	}
	array_free(v, env, a);
	area_retire(v, env, a, was_mapped);
}

/* Addresses, array, pages and entries for @pages, in pages of 2^order; NULL and @why: not all. */
static struct area *area_try(struct vmalloc *v, struct env *env, uint64_t pages, unsigned order,
			     gfp_t gfp, unsigned nid, enum alloc_failure *why)
{
	struct area *a = calloc(1, sizeof(*a));
	*why = ALLOC_NO_MEMORY;
	if (!a)
		return NULL;
	a->pages = pages;
	if (!area_place(v, env, a, (uint64_t)PAGE_BYTES << order)) {
		free(a);
		return NULL;
	}
	if (!array_alloc(v, env, a, gfp, nid, why) || !area_fill(v, env, a, order, gfp, nid, why)) {
		area_release(v, env, a);
		return NULL;
	}
	if (!area_map(v, env, a, order)) {
		*why = ALLOC_NO_MEMORY;
		area_release(v, env, a);
		return NULL;
	}
	area_account(v, a, true);
	return a;
}

static struct area *area_new(struct vmalloc *v, struct env *env, uint64_t pages, gfp_t gfp,
			     unsigned nid, enum alloc_failure *why)
{
	if (v->p.huge && pages >= HUGE_PAGES) {
		uint64_t huge_pages = (pages + HUGE_PAGES - 1) / HUGE_PAGES * HUGE_PAGES;
		gfp_t huge_gfp = (gfp & ~__GFP_NOFAIL) | __GFP_NOWARN | __GFP_NORETRY;
		struct area *a = area_try(v, env, huge_pages, HUGE_ORDER, huge_gfp, nid, why);
		if (a)
			return a;
	}
	return area_try(v, env, pages, 0, gfp, nid, why);
}

/* --- the interface ---------------------------------------------------------------------------- */

uint64_t vmalloc_alloc(struct vmalloc *v, struct env *env, uint64_t bytes, gfp_t gfp, unsigned nid,
		       enum alloc_failure *why)
{
	BUG_ON(!bytes, "vmalloc of 0 bytes");
	env_might_sleep(env);
	*why = ALLOC_NO_MEMORY;
	struct area *a = NULL;
	if (bytes <= v->p.end - v->p.start) /* what is larger can't fit, and might overflow */
		a = area_new(v, env, (bytes + PAGE_BYTES - 1) / PAGE_BYTES,
			     gfp | __GFP_HIGHMEM | __GFP_NOWARN, nid, why);
	if (!a) {
		v->stats.failed_count++;
		env_set_path(env, PATH_FAILED);
		return 0;
	}
	v->stats.allocs_count++;
	*why = ALLOC_OK;
	return a->range.start;
}

void vmalloc_free(struct vmalloc *v, struct env *env, uint64_t vaddr)
{
	env_might_sleep(env);
	env_lock(env, &v->lock);
	struct range *r = rangetree_find(&v->areas, vaddr);
	struct area *a = r && r->start == vaddr ? area_of(r) : NULL;
	BUG_ON(!a || a->state != AREA_LIVE, "vfree of %#llx, where no range begins",
	       (unsigned long long)vaddr);
	area_account(v, a, false);
	env_unlock(env, &v->lock);
	v->stats.frees_count++;
	area_release(v, env, a);
}

void vmalloc_stats(const struct vmalloc *v, struct vmalloc_stats *stats)
{
	*stats = v->stats;
}

/* --- check ------------------------------------------------------------------------------------ */

#define FAIL(report, ...) (snprintf((report)->text, sizeof((report)->text), __VA_ARGS__), -1)

static int check_area(const struct vmalloc *v, const struct area *a, struct u64map *frames,
		      struct check_report *report)
{
	unsigned long long start = a->range.start;
	const struct physmem *pm = v->p.pa->pm;
	if (start < v->p.start || a->range.end > v->p.end || start % PAGE_BYTES)
		return FAIL(report, "V1: area at %#llx, of %#llx to %#llx", start,
			    (unsigned long long)v->p.start, (unsigned long long)v->p.end);
	if (a->range.end - start != (a->pages + v->p.guard) * PAGE_BYTES)
		return FAIL(report, "V2: area at %#llx of %llu pages ends at %#llx", start,
			    (unsigned long long)a->pages, (unsigned long long)a->range.end);
	if (a->state == AREA_LIVE && (a->freed || a->filled != a->pages || a->mapped != a->pages))
		return FAIL(report, "V2: live area at %#llx is not complete", start);
	for (uint64_t i = a->freed; i < a->filled && a->array_kind != ARRAY_NONE; i++) {
		pfn_t pfn = *entry_at(v, a, i);
		if (pfn >= pm->pfn_end || !(pm->pages[pfn].flags & PAGE_ALLOCATED) ||
		    pm->pages[pfn].order)
			return FAIL(report, "V3: page %llu of the area at %#llx is frame %#llx",
				    (unsigned long long)i, start, (unsigned long long)pfn);
		if (u64map_get(frames, pfn))
			return FAIL(report, "V3: frame %#llx is in two places",
				    (unsigned long long)pfn);
		if (u64map_put(frames, pfn, 0) != 0)
			return FAIL(report, "out of memory for the check");
	}
	return 0;
}

static int check_sums(const struct vmalloc *v, struct check_report *report)
{
	struct vmalloc_stats sum = {0};
	uint64_t listed = 0, at = 0;
	const struct range *r;
	for (; (r = rangetree_find(&v->areas, at)); at = r->end) {
		const struct area *a = (const struct area *)r;
		if (a->state == AREA_LIVE) {
			sum.areas_count++;
			sum.mapped_pages += a->pages;
			sum.guard_pages += v->p.guard;
			sum.array_bytes += array_bytes(a);
		} else if (a->state == AREA_LAZY) {
			sum.lazy_pages += (r->end - r->start) / PAGE_BYTES;
		}
	}
	if (sum.areas_count != v->stats.areas_count || sum.mapped_pages != v->stats.mapped_pages ||
	    sum.guard_pages != v->stats.guard_pages || sum.array_bytes != v->stats.array_bytes)
		return FAIL(report, "V4: %llu live areas of %llu pages, counted %llu of %llu",
			    (unsigned long long)sum.areas_count,
			    (unsigned long long)sum.mapped_pages,
			    (unsigned long long)v->stats.areas_count,
			    (unsigned long long)v->stats.mapped_pages);
	for (const struct area *a = v->lazy; a; a = a->next_lazy)
		listed += (a->range.end - a->range.start) / PAGE_BYTES;
	if (sum.lazy_pages != v->stats.lazy_pages || listed != v->stats.lazy_pages)
		return FAIL(report, "V5: %llu pages wait, %llu on the list, counted %llu",
			    (unsigned long long)sum.lazy_pages, (unsigned long long)listed,
			    (unsigned long long)v->stats.lazy_pages);
	return 0;
}

int vmalloc_check(const struct vmalloc *v, struct check_report *report)
{
	struct u64map frames = {0};
	const struct range *r;
	int result = 0;
	report->text[0] = '\0';
	const char *wrong = rangetree_check(&v->areas);
	if (wrong)
		return FAIL(report, "V1: %s", wrong);
	for (uint64_t at = 0; !result && (r = rangetree_find(&v->areas, at)); at = r->end)
		result = check_area(v, (const struct area *)r, &frames, report);
	u64map_release(&frames);
	return result ? result : check_sums(v, report);
}
