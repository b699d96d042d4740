/*
 * object_oracle.c - see object_oracle.h.
 */
#include "alloc/object_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

#define FAIL(...)                                                                                  \
	do {                                                                                       \
		snprintf(o->error, sizeof(o->error), __VA_ARGS__);                                 \
		return -1;                                                                         \
	} while (0)

#define ULL(v) ((unsigned long long)(v))

/* --- the machine ------------------------------------------------------------------------------ */

void object_machine_init(struct object_machine *om, const struct op_params *machine,
			 const struct object_allocator_ops *ops,
			 const struct object_allocator_params *params,
			 const uint32_t *classes_bytes, unsigned classes_count)
{
	struct object_allocator_params p = *params;
	struct err err = {0};
	op_machine_init(&om->m, machine);
	p.pm = &om->m.pm;
	p.pa = om->m.pa;
	p.cpus_count = machine->cpus_count ? machine->cpus_count : 1;
	p.cpu_nid = machine->cpu_nid;
	BUG_ON(!physmem_ram(p.pm, p.pm->zones[0].start_pfn, &err), "%s", err.text);
	om->oa = ops->new (&p, &err);
	if (!om->oa && err.code == ERR_CONFIG && p.debug_flags) {
		p.debug_flags = 0;
		err = (struct err){0};
		om->oa = ops->new (&p, &err);
	}
	BUG_ON(!om->oa, "%s", err.text);
	om->oa->ops = ops;
	const struct kmalloc_params kp = {
		.oa = om->oa, .classes_bytes = classes_bytes, .classes_count = classes_count};
	BUG_ON(kmalloc_init(&om->km, &kp, &err) != 0, "%s", err.text);
}

void object_machine_release(struct object_machine *om)
{
	kmalloc_release(&om->km);
	om->oa->ops->free(om->oa);
	op_machine_release(&om->m);
}

static void add_free(void *arg, const struct free_block *b)
{
	*(uint64_t *)arg += UINT64_C(1) << b->order;
}

/* Without what CPUs keep, which is no use to others. */
static void add_listed(void *arg, const struct free_block *b)
{
	*(uint64_t *)arg += b->cpu < 0 ? UINT64_C(1) << b->order : 0;
}

uint64_t object_machine_free_pages(struct object_machine *om)
{
	uint64_t pages = 0;
	om->m.pa->ops->walk(om->m.pa, add_free, &pages);
	return pages;
}

int object_machine_free_caches(struct object_machine *om, char *text)
{
	const struct object_allocator_ops *ops = om->oa->ops;
	for (unsigned i = 0; i < OBJECT_CACHES_LIMIT; i++) {
		struct object_cache *cache;
		while ((cache = ops->cache_at(om->oa, i)) != NULL) {
			struct object_cache_stats stats;
			ops->cache_stats(om->oa, cache, &stats);
			if (stats.flags & CACHE_POOL)
				break;
			uint64_t live = ops->cache_free(om->oa, &om->m.env[0], cache);
			if (live) {
				snprintf(text, 256, "cache %u is empty, but has %llu live objects",
					 i, ULL(live));
				return -1;
			}
		}
	}
	return 0;
}

/* --- the record ------------------------------------------------------------------------------- */

void object_oracle_init(struct object_oracle *o, struct object_machine *om)
{
	memset(o, 0, sizeof(*o));
	o->om = om;
	o->held = calloc(om->m.pm.pfn_end, PAGE_BYTES);
	BUG_ON(!o->held, "out of memory for the object oracle");
	o->pages = object_machine_free_pages(om);
}

void object_oracle_release(struct object_oracle *o)
{
	free(o->held);
	free(o->live);
}

static uint8_t pattern(uint64_t id, uint64_t i)
{
	return (uint8_t)(id * 131 + (id >> 8) * 59 + i * 29 + (i >> 8));
}

/* Simulated RAM; pages that kmalloc hands out are the user's to bring to life. */
static uint8_t *ram_of(struct object_oracle *o, uint64_t paddr, uint64_t bytes)
{
	struct physmem *pm = &o->om->m.pm;
	for (pfn_t p = paddr >> PAGE_SHIFT; p <= (paddr + bytes - 1) >> PAGE_SHIFT; p++)
		pm->pages[p].flags |= PAGE_BACKED;
	return pm->ram + paddr;
}

/* In a zone and on a node that the request allows? */
static int check_place(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr)
{
	const struct physmem *pm = &o->om->m.pm;
	for (unsigned i = 0; i < pm->zones_count; i++) {
		const struct zone *z = &pm->zones[i];
		if (paddr < z->start_pfn * PAGE_BYTES || paddr + r->bytes > z->end_pfn * PAGE_BYTES)
			continue;
		if (z->type > gfp_zone(r->gfp) || ((r->gfp & __GFP_THISNODE) && z->nid != r->nid))
			FAIL("%#llx lies in zone %s of node %u, flags are %#x, node %u", ULL(paddr),
			     z->name, z->nid, r->gfp, r->nid);
		return 0;
	}
	FAIL("%#llx, %llu bytes: in no zone", ULL(paddr), ULL(r->bytes));
}

/* What a new object holds: zeroes, or what its constructor wrote. */
static int check_contents(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr)
{
	const uint8_t *ram = ram_of(o, paddr, r->bytes);
	uint8_t *wanted = r->ctor || r->gfp & __GFP_ZERO ? calloc(1, r->bytes) : NULL;
	if (!wanted)
		return 0;
	if (r->ctor)
		r->ctor(wanted, r->bytes);
	uint64_t i = 0;
	while (i < r->bytes && ram[i] == wanted[i])
		i++;
	free(wanted);
	if (i < r->bytes)
		FAIL("%#llx: byte %llu of a new object is %#x, which is not %s", ULL(paddr), ULL(i),
		     ram[i], r->ctor ? "what its constructor wrote" : "zero");
	return 0;
}

static int check_found(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr)
{
	struct object_allocator *oa = o->om->oa;
	const uint64_t at[] = {paddr, paddr + r->bytes / 2, paddr + r->bytes - 1};
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		uint64_t start = paddr;
		struct object_cache *found = oa->ops->cache_of(oa, at[i], &start);
		if (found != r->cache || start != paddr)
			FAIL("%#llx, in the object at %#llx: found %s cache, object %#llx",
			     ULL(at[i]), ULL(paddr),
			     found == r->cache ? "its"
			     : found           ? "another"
					       : "no",
			     ULL(start));
	}
	return 0;
}

static unsigned index_of(struct object_oracle *o, struct object_cache *cache)
{
	struct object_cache_stats stats;
	o->om->oa->ops->cache_stats(o->om->oa, cache, &stats);
	return stats.index;
}

static void add_live(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr)
{
	if (o->live_count == o->live_capacity) {
		o->live_capacity = o->live_capacity ? 2 * o->live_capacity : 1024;
		o->live = realloc(o->live, o->live_capacity * sizeof(*o->live));
		BUG_ON(!o->live, "out of memory for the object oracle");
	}
	o->live[o->live_count++] = (struct oracle_object){
		.paddr = paddr,
		.bytes = r->bytes,
		.id = ++o->ids,
		.cache = r->cache,
		.ctor = r->ctor,
		.by_kmalloc = r->by_kmalloc,
		.slot = r->slot,
	};
	if (r->cache)
		o->cache_live[index_of(o, r->cache)]++;
}

int object_oracle_take(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr)
{
	if (!r->bytes) {
		if (paddr != KMALLOC_ZERO)
			FAIL("a request of 0 bytes got %#llx", ULL(paddr));
		add_live(o, r, paddr);
		return 0;
	}
	if (check_place(o, r, paddr) != 0)
		return -1;
	if (paddr % r->align_bytes)
		FAIL("%#llx is not aligned to %llu", ULL(paddr), ULL(r->align_bytes));
	const uint8_t *other = memchr(o->held + paddr, 1, r->bytes);
	if (other)
		FAIL("%#llx, %llu bytes: byte %llu belongs to another live object", ULL(paddr),
		     ULL(r->bytes), ULL(other - o->held - paddr));
	if (check_contents(o, r, paddr) != 0 || check_found(o, r, paddr) != 0)
		return -1;
	add_live(o, r, paddr);
	memset(o->held + paddr, 1, r->bytes);
	uint8_t *ram = ram_of(o, paddr, r->bytes);
	for (uint64_t i = 0; i < r->bytes; i++)
		ram[i] = pattern(o->ids, i);
	return 0;
}

int object_oracle_failure(struct object_oracle *o, const struct oracle_request *r,
			  enum alloc_failure why)
{
	bool too_large = r->bytes > (uint64_t)PAGE_BYTES << o->om->m.pm.max_order;
	if (why == ALLOC_OK || why >= ALLOC_FAILURES || (why == ALLOC_BAD_ORDER) != too_large)
		FAIL("a request of %llu bytes failed with reason %u", ULL(r->bytes), why);
	uint64_t pages = 0;
	o->om->m.pa->ops->walk(o->om->m.pa, add_listed, &pages);
	bool anywhere = gfp_zone(r->gfp) >= ZONE_NORMAL && !(r->gfp & __GFP_THISNODE);
	if (anywhere && r->bytes + r->align_bytes < PAGE_BYTES / 2 && pages > o->pages / 2)
		FAIL("a request of %llu bytes failed (%s) with %llu of %llu pages free",
		     ULL(r->bytes), alloc_failure_names[why], ULL(pages), ULL(o->pages));
	return 0;
}

int object_oracle_give(struct object_oracle *o, size_t i, unsigned cpu)
{
	struct oracle_object *last = &o->live[--o->live_count];
	const struct oracle_object obj = o->live[i];
	struct object_machine *om = o->om;
	o->live[i] = *last;
	uint8_t *ram = obj.bytes ? ram_of(o, obj.paddr, obj.bytes) : NULL;
	for (uint64_t b = 0; b < obj.bytes; b++) {
		if (ram[b] != pattern(obj.id, b))
			FAIL("%#llx: byte %llu of %llu changed from %#x to %#x while it was live",
			     ULL(obj.paddr), ULL(b), ULL(obj.bytes), pattern(obj.id, b), ram[b]);
	}
	if (obj.ctor)
		obj.ctor(ram, obj.bytes); /* as users of such caches must leave it */
	if (obj.bytes)
		memset(o->held + obj.paddr, 0, obj.bytes);
	if (obj.cache)
		o->cache_live[index_of(o, obj.cache)]--;
	if (obj.by_kmalloc)
		kmalloc_free(&om->km, &om->m.env[cpu], obj.paddr);
	else
		om->oa->ops->free_object(om->oa, &om->m.env[cpu], obj.cache, obj.paddr);
	return 0;
}

/* --- looking over everything ------------------------------------------------------------------ */

struct sums {
	uint64_t slabs, pages, objects, live;
	bool broken; /* a view that can't be */
};

static void add_slab_view(void *arg, const struct slab_view *v)
{
	struct sums *s = arg;
	s->slabs++;
	s->pages += UINT64_C(1) << v->order;
	s->objects += v->objects_count;
	s->live += v->live_count;
	bool on_cpu = v->place == SLAB_CPU_CURRENT || v->place == SLAB_CPU_PARTIAL;
	s->broken |= v->live_count > v->objects_count || on_cpu != (v->cpu >= 0);
}

static int verify_cache(struct object_oracle *o, struct object_cache *cache, bool pooled,
			uint64_t *pages)
{
	struct object_allocator *oa = o->om->oa;
	struct object_cache_stats st;
	struct sums sums = {0};
	oa->ops->cache_stats(oa, cache, &st);
	oa->ops->walk(oa, cache, add_slab_view, &sums);
	*pages += st.pages_count;
	if (sums.broken || sums.slabs != st.slabs_count || sums.pages != st.pages_count)
		FAIL("cache %s: the walk finds %llu slabs with %llu pages, counted are %llu and "
		     "%llu",
		     st.name, ULL(sums.slabs), ULL(sums.pages), ULL(st.slabs_count),
		     ULL(st.pages_count));
	if (st.slabs_new_count - st.slabs_freed_count != st.slabs_count && !(st.flags & CACHE_POOL))
		FAIL("cache %s: %llu slabs made, %llu freed, %llu there", st.name,
		     ULL(st.slabs_new_count), ULL(st.slabs_freed_count), ULL(st.slabs_count));
	if (st.live_count > st.active_count || st.active_count > st.objects_count)
		FAIL("cache %s: %llu objects, %llu active, %llu live", st.name,
		     ULL(st.objects_count), ULL(st.active_count), ULL(st.live_count));
	if (st.flags & CACHE_POOL)
		return 0;
	if (st.live_count != o->cache_live[st.index] ||
	    st.allocs_count - st.frees_count != st.live_count)
		FAIL("cache %s: %llu live objects (%llu - %llu), the truth is %llu", st.name,
		     ULL(st.live_count), ULL(st.allocs_count), ULL(st.frees_count),
		     ULL(o->cache_live[st.index]));
	if (!pooled && (sums.objects != st.objects_count || sums.live != st.live_count))
		FAIL("cache %s: the walk finds %llu objects, %llu live; counted are %llu and %llu",
		     st.name, ULL(sums.objects), ULL(sums.live), ULL(st.objects_count),
		     ULL(st.live_count));
	return 0;
}

int object_oracle_verify(struct object_oracle *o)
{
	struct object_allocator *oa = o->om->oa;
	struct check_report report;
	bool pooled = false;
	uint64_t pages = object_machine_free_pages(o->om) + o->om->km.large_live_pages;
	if (oa->ops->check(oa, &report) != 0 || oa->pa->ops->check(oa->pa, &report) != 0)
		FAIL("%s", report.text);
	for (unsigned i = 0; i < OBJECT_CACHES_LIMIT; i++) {
		struct object_cache *cache = oa->ops->cache_at(oa, i);
		struct object_cache_stats st;
		if (!cache)
			continue;
		oa->ops->cache_stats(oa, cache, &st);
		pooled |= (st.flags & CACHE_POOL) != 0;
		if (verify_cache(o, cache, pooled, &pages) != 0)
			return -1;
	}
	if (pages != o->pages)
		FAIL("free, slabs and large blocks are %llu pages, of %llu", ULL(pages),
		     ULL(o->pages));
	return 0;
}
