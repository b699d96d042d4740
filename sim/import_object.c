/*
 * import_object.c - what kmem's object events mean together: see import.c for those of pages.
 *
 *   allocation   a new object, with the next id. If its address is still live, a free was missed
 *                (kfree_rcu's and other bulk frees have no event): freed first (IMPLICIT).
 *   free         of a live object: an ordinary free. Of an address that no event has named before:
 *                allocated before the recording, PREEXISTING. Of one that was free: its allocation
 *                has no event (bulk); counted, not imported, since nothing is known to free.
 *   null         kfree(NULL) and of a request of 0 bytes: counted
 *
 * Some kernels print two events for one kmalloc, the inner one first; the second is recognised by
 * its address and size and counted.
 *
 * Slab pages. A kernel maps all its memory in one piece, so an object's address tells its page
 * frame: frame = (address - base) / 4096. An object that lies in a block whose page allocation was
 * recorded shows that the block is a slab, or a large kmalloc; the block's record is marked then
 * (TRACE_F_SLAB). The base is Linux's fixed one for x86-64 until a recording shows another (KASLR,
 * other machines): an object that lies at a multiple of 1 GiB from the block allocated just before
 * it, on the same CPU, twice. Records get the low 32 bits of their object's page number, from which
 * the writer takes the base's at the end.
 *
 * Addresses that ftrace has hashed are good for nothing but telling objects apart. No slab is
 * recognised then.
 *
 * Caches are known by name and size. kmalloc's objects belong to none: which class they went to is
 * for the simulated allocator to say. A trace has a limited number of caches; the last one stands
 * for all that are too many, without a size.
 */
#include "sim/import_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/import_impl.h"

#define MAP_BASE_X86_64 UINT64_C(0xffff888000000000)
#define MAP_BASE_ALIGN  (UINT64_C(1) << 30) /* KASLR moves it by whole 1 GiB entries */
#define MAP_BASE_LEAST  UINT64_C(0xc0000000) /* of 32-bit kernels */
#define HASHED_END      (UINT64_C(1) << 32)
#define ZERO_SIZE_PTR   16
/* Between a slab's pages and its first object: a vector for accounting, say. */
#define EVENTS_BETWEEN_MAX 8

#define ADDRESS_FREE UINT64_MAX
#define OTHER_CACHES (TRACE_CACHES_LIMIT - 1) /* index of the cache for those that are too many */

struct live_object {
	uint32_t id;
	uint16_t cache; /* TRACE_CACHE_NONE: kmalloc */
	uint8_t cpu;
};

static uint64_t pack(struct live_object o)
{
	return (uint64_t)o.id << 32 | (uint64_t)o.cache << 8 | o.cpu;
}

static struct live_object unpack(uint64_t v)
{
	return (struct live_object){(uint32_t)(v >> 32), (uint16_t)(v >> 8), (uint8_t)v};
}

int object_tracker_init(struct object_tracker *t)
{
	*t = (struct object_tracker){.map_base = MAP_BASE_X86_64};
	return pfnset_init(&t->pages);
}

void object_tracker_release(struct object_tracker *t)
{
	u64map_release(&t->by_address);
	u64map_release(&t->cache_index);
	pfnset_release(&t->pages);
}

/* --- where objects lie ------------------------------------------------------------------------ */

void object_tracker_page(struct object_tracker *t, unsigned cpu, pfn_t pfn, unsigned order)
{
	t->last_page[cpu] = (struct last_page){.pfn = pfn, .order = (uint8_t)order, .there = true};
}

static uint32_t low_page(uint64_t ptr)
{
	return (uint32_t)(ptr >> PAGE_SHIFT);
}

/* The page frame of an address, or PFN_NONE. */
static pfn_t frame_of(const struct object_tracker *t, uint64_t ptr)
{
	if (ptr < t->map_base || (ptr < HASHED_END && !t->map_base_known))
		return PFN_NONE;
	pfn_t pfn = (ptr - t->map_base) >> PAGE_SHIFT;
	return pfn < PFN_END_LIMIT ? pfn : PFN_NONE;
}

bool object_tracker_knows_page(const struct object_tracker *t, pfn_t pfn, unsigned order)
{
	uint32_t first = (uint32_t)pfn + low_page(t->map_base);
	for (uint32_t i = 0; i < 1u << order; i++) {
		if (pfnset_has(&t->pages, first + i))
			return true;
	}
	return false;
}

/* Does this address, right after a page allocation on its CPU, tell where memory is mapped? */
static void vote_base(struct object_tracker *t, unsigned cpu, uint64_t ptr)
{
	struct last_page *last = &t->last_page[cpu];
	if (!last->there || ptr < MAP_BASE_LEAST)
		return;
	last->there = ++last->events_ago < EVENTS_BETWEEN_MAX;
	uint64_t block_bytes = (uint64_t)PAGE_BYTES << last->order;
	uint64_t base = (ptr & ~(block_bytes - 1)) - (last->pfn << PAGE_SHIFT);
	if (base % MAP_BASE_ALIGN || base < MAP_BASE_LEAST || base > ptr)
		return;
	if (base == t->map_base || base == t->map_base_vote) {
		t->map_base = base;
		t->map_base_known = true;
	}
	t->map_base_vote = base;
}

/* Note the page of an object; an allocated block that holds it is a slab. */
static int note_place(struct import *im, uint64_t ptr, struct trace_rec *rec, uint16_t cache)
{
	struct object_tracker *t = &im->objects;
	rec->pfn = TRACE_PFN_NONE;
	if (ptr < HASHED_END && !t->map_base_known) {
		im->report->hashed_pointers++;
		return 0;
	}
	rec->pfn = low_page(ptr);
	t->saw_high_address = true;
	if (rec->pfn < PFN_END_LIMIT && pfnset_add(&t->pages, rec->pfn, 1) < 0)
		return import_out_of_memory(im);
	pfn_t pfn = frame_of(t, ptr);
	struct live_block block;
	if (pfn == PFN_NONE || live_find(&im->live, pfn, 0, &block) == PFN_NONE)
		return 0;
	if (cache != TRACE_CACHE_NONE)
		trace_writer_cache(im->writer, cache)->flags |= block.slab_flags;
	return trace_writer_mark_slab(im->writer, block.id, im->err);
}

void import_objects_finish(struct import *im)
{
	trace_writer_set_object_base(im->writer, low_page(im->objects.map_base));
}

/* --- caches ----------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t hash_cache(const char *name, size_t bytes, uint64_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
	return (h ^ size) * UINT64_C(0x100000001b3);
}

static bool has_name(struct import *im, unsigned cache, const char *name, size_t bytes)
{
	const char *known = trace_writer_cache(im->writer, cache)->name;
	return strlen(known) == bytes && memcmp(known, name, bytes) == 0;
}

/* The first cache of this name, or -1. */
static int find_cache(struct import *im, const char *name, size_t bytes)
{
	for (unsigned i = 0; i < im->objects.caches_count; i++) {
		if (has_name(im, i, name, bytes))
			return (int)i;
	}
	return -1;
}

static uint32_t clamp32(uint64_t bytes)
{
	return (uint32_t)u64_min(bytes, UINT32_MAX);
}

/* The cache for those that are too many; -1 with the error filled. */
static int other_caches(struct import *im)
{
	struct object_tracker *t = &im->objects;
	if (t->caches_count == OTHER_CACHES) {
		if (trace_writer_add_cache(im->writer, "(other caches)", 0, 0, im->err) < 0)
			return -1;
		t->first_of[OTHER_CACHES] = OTHER_CACHES;
		t->caches_count++;
	}
	return OTHER_CACHES;
}

/* A cache that was not met before under this name and size (0: a free, which tells no size). */
static int add_cache(struct import *im, const char *name, size_t bytes,
		     const struct object_event *e)
{
	struct object_tracker *t = &im->objects;
	int first = find_cache(im, name, bytes);
	if (first >= 0 && !e->bytes_alloc)
		return first;
	if (first >= 0 && !trace_writer_cache(im->writer, (unsigned)first)->size_bytes) {
		struct trace_cache *known = trace_writer_cache(im->writer, (unsigned)first);
		known->object_size_bytes = clamp32(e->bytes_req);
		known->size_bytes = clamp32(e->bytes_alloc);
		return first;
	}
	char text[TRACE_CACHE_NAME_SIZE];
	if (first >= 0)
		import_note(im, &im->report->cache_name_clashes, 1);
	if (t->caches_count >= OTHER_CACHES)
		return other_caches(im);
	if (first >= 0) { /* names differ in a trace */
		snprintf(text, sizeof(text), "%.*s(%u)", (int)u64_min(bytes, 24), name,
			 clamp32(e->bytes_alloc));
	} else {
		snprintf(text, sizeof(text), "%.*s", (int)u64_min(bytes, sizeof(text)), name);
	}
	int index = trace_writer_add_cache(im->writer, text, clamp32(e->bytes_req),
					   clamp32(e->bytes_alloc), im->err);
	if (index < 0)
		return -1;
	t->first_of[index] = (uint16_t)(first >= 0 ? first : index);
	t->caches_count = (unsigned)index + 1;
	return index;
}

/* The cache that an event names; -1 with the error filled. */
static int cache_of_event(struct import *im, const struct object_event *e)
{
	char unnamed[32];
	const char *name = e->name;
	size_t bytes = u64_min(e->name_bytes, TRACE_CACHE_NAME_SIZE - 1);
	if (!name) { /* older kernels name the cache at frees only */
		snprintf(unnamed, sizeof(unnamed), "size-%u", clamp32(e->bytes_alloc));
		name = unnamed;
		bytes = strlen(unnamed);
	}
	uint64_t hash = hash_cache(name, bytes, e->bytes_alloc);
	if (hash == U64MAP_KEY_NONE)
		hash--;
	uint64_t *known = u64map_get(&im->objects.cache_index, hash);
	if (known && (*known == OTHER_CACHES ||
		      has_name(im, im->objects.first_of[*known], name, bytes)))
		return (int)*known;
	int index = add_cache(im, name, bytes, e);
	if (index >= 0 && u64map_put(&im->objects.cache_index, hash, (uint64_t)index) != 0)
		return import_out_of_memory(im);
	return index;
}

/* --- events ----------------------------------------------------------------------------------- */

static int emit_object_free(struct import *im, struct trace_rec rec, uint64_t ptr,
			    struct live_object live, unsigned flags)
{
	rec.kind = TRACE_OBJECT_FREE;
	rec.id = live.id;
	rec.aux = (uint32_t)(ptr % PAGE_BYTES);
	rec.flags |= (uint8_t)(flags | (live.cpu != rec.cpu ? TRACE_F_OTHER_CPU : 0));
	im->report->object_frees++;
	return import_emit(im, rec, 0);
}

static int handle_alloc(struct import *im, const struct object_event *e, bool kmalloc,
			struct trace_rec rec)
{
	struct live_object live = {.cache = TRACE_CACHE_NONE, .cpu = (uint8_t)rec.cpu};
	import_note(im, &im->report->unknown_gfp_names, e->unknown_gfp_names);
	im->report->zero_object_allocations += e->bytes_req == 0;
	im->report->huge_object_allocations += e->bytes_req >= UINT32_MAX;
	rec.kind = kmalloc ? TRACE_KMALLOC : TRACE_CACHE_ALLOC;
	if (!kmalloc) {
		int cache = cache_of_event(im, e);
		if (cache < 0)
			return -1;
		live.cache = (uint16_t)cache;
	}
	uint64_t *known = e->ptr ? u64map_get(&im->objects.by_address, e->ptr) : NULL;
	if (e->ptr && note_place(im, e->ptr, &rec, live.cache) != 0)
		return -1;
	if (known && *known != ADDRESS_FREE) {
		import_note(im, &im->report->live_object_allocations, 1);
		struct live_object old = unpack(*known);
		struct trace_rec free_rec = rec;
		free_rec.cache = old.cache;
		if (emit_object_free(im, free_rec, e->ptr, old, TRACE_F_IMPLICIT) != 0)
			return -1;
	}
	if (kmalloc) {
		rec.aux = clamp32(e->bytes_req);
		rec.slot = (uint16_t)(e->ptr % PAGE_BYTES / 8);
	} else {
		rec.aux = (uint32_t)(e->ptr % PAGE_BYTES);
		rec.cache = live.cache;
	}
	if (!e->ptr) {
		im->report->failed_object_allocations++;
		rec.flags |= TRACE_F_FAILED;
		rec.pfn = TRACE_PFN_NONE;
		return import_emit(im, rec, e->gfp);
	}
	int64_t id = import_new_id(im);
	if (id < 0)
		return -1;
	rec.id = live.id = (uint32_t)id;
	if (u64map_put(&im->objects.by_address, e->ptr, pack(live)) != 0)
		return import_out_of_memory(im);
	im->report->object_allocs++;
	return import_emit(im, rec, e->gfp);
}

/* Is this the outer event of a kmalloc whose inner one was read just before? */
static bool is_duplicate(struct import *im, const struct object_event *e, bool kmalloc,
			 unsigned cpu)
{
	struct last_kmalloc *last = &im->objects.last_kmalloc[cpu];
	bool same = kmalloc && e->ptr && last->ptr == e->ptr && last->bytes == e->bytes_req;
	*last = (struct last_kmalloc){0};
	if (kmalloc && !same)
		*last = (struct last_kmalloc){e->ptr, e->bytes_req};
	return same;
}

static int handle_free(struct import *im, const struct object_event *e, bool named,
		       struct trace_rec rec)
{
	uint64_t *known = u64map_get(&im->objects.by_address, e->ptr);
	if (known && *known == ADDRESS_FREE) {
		import_note(im, &im->report->untraced_object_allocations, 1);
		return 0;
	}
	int cache = TRACE_CACHE_NONE;
	if (named && (cache = cache_of_event(im, e)) < 0)
		return -1;
	if (note_place(im, e->ptr, &rec, named ? (uint16_t)cache : TRACE_CACHE_NONE) != 0)
		return -1;
	rec.cache = (uint16_t)cache;
	struct live_object live = {.id = TRACE_ID_NONE, .cpu = (uint8_t)rec.cpu};
	unsigned flags = TRACE_F_PREEXISTING;
	if (known) {
		const uint16_t *first_of = im->objects.first_of;
		live = unpack(*known);
		flags = 0;
		if (named && e->name && live.cache != TRACE_CACHE_NONE &&
		    first_of[live.cache] != first_of[cache] &&
		    strncmp(trace_writer_cache(im->writer, live.cache)->name, "size-", 5) != 0)
			import_note(im, &im->report->wrong_cache_frees, 1);
	} else {
		import_note(im, &im->report->unmatched_object_frees, 1);
	}
	if (u64map_put(&im->objects.by_address, e->ptr, ADDRESS_FREE) != 0)
		return import_out_of_memory(im);
	return emit_object_free(im, rec, e->ptr, live, flags);
}

int import_object_event(struct import *im, const struct text_event *event,
			enum object_event_kind kind, struct trace_rec rec)
{
	struct object_event e;
	bool kmalloc = kind == OBJECT_EVENT_KMALLOC;
	switch (object_event_parse(event, kind, &im->gfps, &e)) {
	case PAGE_EVENT_KEY_MISSING:
		import_note(im, &im->report->truncated_lines, 1);
		return 0;
	case PAGE_EVENT_ILLEGAL:
		import_note(im, &im->report->skipped_lines, 1);
		return 0;
	case PAGE_EVENT_FINE:
		break;
	}
	if (e.ptr == UINT64_MAX) { /* an error code, not an address */
		import_note(im, &im->report->skipped_lines, 1);
		return 0;
	}
	vote_base(&im->objects, rec.cpu, e.ptr);
	if (is_duplicate(im, &e, kmalloc, rec.cpu)) {
		im->report->duplicate_kmallocs++;
		return 0;
	}
	if (kmalloc || kind == OBJECT_EVENT_CACHE_ALLOC) {
		if (e.ptr == ZERO_SIZE_PTR) { /* nothing was allocated */
			im->report->zero_object_allocations++;
			return 0;
		}
		return handle_alloc(im, &e, kmalloc, rec);
	}
	if (e.ptr <= ZERO_SIZE_PTR) {
		im->report->null_frees++;
		return 0;
	}
	return handle_free(im, &e, kind == OBJECT_EVENT_CACHE_FREE, rec);
}
