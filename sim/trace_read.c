/*
 * trace_read.c - the reading half of trace.h: map and verify.
 *
 * A trace is verified completely before anyone sees it, so that a replay needs no checks. After the
 * header, whose layout follows from its counts, two passes are made. The first goes through every
 * section in file order: CRC, then each record by itself, then what an allocation says about its
 * object is noted under its id (8 bytes an object). The second looks at frees only, and needs all
 * allocations: a free may stand in the run of an earlier CPU than its allocation. It checks that
 *
 *   - every id below ids_count is allocated exactly once, and in order within a CPU;
 *   - an object is freed after its allocation (by seq), at most once, and whole or by parts that
 *     lie inside it and don't overlap;
 *   - preexisting blocks don't overlap.
 *
 * What it does not check: that recorded frame numbers of different objects don't collide at any
 * time. No user of a trace places objects by them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kern/pfnset.h"
#include "kern/types.h"
#include "sim/trace_format.h"

/* What says how an event came about, not what it means. */
#define REC_CIRCUMSTANCES (TRACE_F_SLAB | TRACE_F_CONTEXT)

enum object_state {
	OBJECT_UNKNOWN, /* no allocation seen */
	OBJECT_LIVE,
	OBJECT_IN_PARTS, /* freed in part */
	OBJECT_FREED,
};

_Static_assert((TRACE_F_PREEXISTING | TRACE_F_PARTIAL | TRACE_F_FAILED | TRACE_F_IMPLICIT |
		TRACE_F_OTHER_CPU | TRACE_F_SLAB | TRACE_F_CONTEXT) == 0xff,
	       "every bit of the flags has a meaning");

struct object {
	uint32_t seq; /* of its allocation */
	uint8_t order;
	uint8_t state; /* enum object_state */
	bool pages;    /* a block of pages */
	bool slab;     /* pages that were used for objects */
};

struct part {
	uint32_t id, offset, pages;
};

struct verifier {
	struct trace *trace;
	const char *name;
	struct err *err;
	struct object *objects; /* by id */
	uint64_t allocations;
	struct part *parts;
	size_t parts_count, parts_room;
};

static int corrupt(struct verifier *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int corrupt(struct verifier *v, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(v->err, ERR_TRACE, "%s: corrupt trace: %s", v->name, text);
}

static int out_of_memory(struct verifier *v)
{
	return err_set(v->err, ERR_IO, "%s: out of memory", v->name);
}

static int bad_record(struct verifier *v, const struct trace_rec *r, const char *what)
{
	uint64_t offset = (uint64_t)((const uint8_t *)r - (const uint8_t *)v->trace->map);
	return corrupt(v, "record at byte %llu: %s", (unsigned long long)offset, what);
}

static bool block_is_legal(uint64_t pfn, unsigned order)
{
	uint64_t pages = UINT64_C(1) << order;
	return !(pfn & (pages - 1)) && pfn < PFN_END_LIMIT && pages <= PFN_END_LIMIT - pfn;
}

/* Where a section has got to. */
struct position {
	int64_t seq; /* -1 before the first record */
	uint64_t time_ns;
};

/* Does @r come after *@last, which then moves there? */
static const char *order_flaw(const struct trace_rec *r, struct position *last)
{
	if (r->time_ns < last->time_ns)
		return "time goes back";
	if ((int64_t)r->seq <= last->seq)
		return "sequence goes back";
	*last = (struct position){.seq = r->seq, .time_ns = r->time_ns};
	return NULL;
}

/* What any record must keep to; NULL if it does. */
static const char *record_flaw(const struct trace *t, const struct trace_rec *r)
{
	if (r->gfp >= t->gfps_count)
		return "gfp index out of range";
	if (r->time_ns > t->span_ns)
		return "time beyond the trace's span";
	return NULL;
}

/* What records of pages must keep to besides. */
static const char *page_flaw(const struct trace_rec *r)
{
	if (r->order >= ORDER_LIMIT)
		return "order out of range";
	if (r->migratetype >= MIGRATE_TYPES)
		return "migratetype out of range";
	if (r->flags & TRACE_F_FAILED)
		return r->pfn == TRACE_PFN_NONE ? NULL : "failed allocation with a page";
	return block_is_legal(r->pfn, r->order) ? NULL : "page frame out of range or unaligned";
}

/* Records of objects likewise. */
static const char *object_flaw(const struct trace *t, const struct trace_rec *r)
{
	if (r->pfn != TRACE_PFN_NONE && !block_is_legal(r->pfn, 0))
		return "page frame out of range";
	if (r->flags & (TRACE_F_PARTIAL | TRACE_F_SLAB))
		return "flags that an object can't have";
	if (r->kind == TRACE_KMALLOC)
		return r->slot < PAGE_BYTES / 8 ? NULL : "address outside its page";
	if (r->aux >= PAGE_BYTES)
		return "address outside its page";
	if (r->kind == TRACE_OBJECT_FREE && r->cache == TRACE_CACHE_NONE)
		return NULL;
	return r->cache < t->caches_count ? NULL : "cache out of range";
}

static const char *alloc_flaw(const struct trace *t, const struct trace_rec *r)
{
	unsigned flags = r->flags & ~REC_CIRCUMSTANCES;
	if (r->kind == TRACE_PAGE_ALLOC && r->aux > NODES_LIMIT)
		return "node out of range";
	if (flags == TRACE_F_FAILED)
		return r->id == TRACE_ID_NONE ? NULL : "failed allocation with an id";
	if (flags)
		return "flags that an allocation can't have";
	return r->id < t->ids_count ? NULL : "id out of range";
}

static const char *free_flaw(const struct trace *t, const struct trace_rec *r)
{
	if (r->gfp)
		return "gfp set on a free";
	if (r->flags & TRACE_F_FAILED)
		return "flags that a free can't have";
	if (r->kind == TRACE_PAGE_FREE && !(r->flags & TRACE_F_PARTIAL) && r->aux)
		return "offset on a free that is not partial";
	if (r->flags & TRACE_F_PREEXISTING) {
		if ((r->flags & ~REC_CIRCUMSTANCES) != TRACE_F_PREEXISTING)
			return "flags that a free of a preexisting block can't have";
		return r->id == TRACE_ID_NONE ? NULL : "preexisting block with an id";
	}
	return r->id < t->ids_count ? NULL : "id out of range";
}

static const char *demand_flaw(const struct trace *t, const struct trace_rec *r)
{
	if (!trace_kind_is_demand(r->kind))
		return "kind that is no demand";
	const char *flaw = record_flaw(t, r);
	if (!flaw)
		flaw = trace_kind_is_object(r->kind) ? object_flaw(t, r) : page_flaw(r);
	if (!flaw)
		flaw = trace_kind_is_alloc(r->kind) ? alloc_flaw(t, r) : free_flaw(t, r);
	return flaw;
}

static int note_allocation(struct verifier *v, const struct trace_rec *r, int64_t *last_id)
{
	struct object *o = &v->objects[r->id];
	if (o->state != OBJECT_UNKNOWN)
		return bad_record(v, r, "id allocated twice");
	if ((int64_t)r->id <= *last_id)
		return bad_record(v, r, "ids not in order of allocation");
	*last_id = r->id;
	*o = (struct object){
		.seq = r->seq,
		.order = r->order,
		.state = OBJECT_LIVE,
		.pages = r->kind == TRACE_PAGE_ALLOC,
		.slab = r->flags & TRACE_F_SLAB,
	};
	v->allocations++;
	return 0;
}

static int check_ops(struct verifier *v, uint32_t cpu)
{
	struct trace *t = v->trace;
	struct position last = {.seq = -1};
	int64_t last_id = -1;
	for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
		const struct trace_rec *r = &t->ops[cpu][i];
		const char *flaw = demand_flaw(t, r);
		bool alloc = trace_kind_is_alloc(r->kind);
		if (!flaw && r->cpu != cpu)
			flaw = "record of another CPU";
		if (!flaw)
			flaw = order_flaw(r, &last);
		if (flaw)
			return bad_record(v, r, flaw);
		t->objects_count += trace_kind_is_object(r->kind);
		if (alloc && r->id != TRACE_ID_NONE && note_allocation(v, r, &last_id) != 0)
			return -1;
	}
	return 0;
}

static int check_evidence(struct verifier *v)
{
	const struct trace *t = v->trace;
	struct position last = {.seq = -1};
	for (uint64_t i = 0; i < t->evidence_count; i++) {
		const struct trace_rec *r = &t->evidence[i];
		const char *flaw = record_flaw(t, r);
		if (!flaw)
			flaw = page_flaw(r);
		if (!flaw && (r->kind < TRACE_PAGE_TAKEN || r->kind > TRACE_PAGE_EXTFRAG))
			flaw = "kind that is no evidence";
		if (!flaw && (r->flags || r->gfp || r->id != TRACE_ID_NONE))
			flaw = "flags, gfp or id set on evidence";
		if (!flaw && r->kind != TRACE_PAGE_EXTFRAG && r->aux)
			flaw = "aux set on evidence that has none";
		if (!flaw && r->cpu >= t->cpus_count)
			flaw = "cpu out of range";
		if (!flaw)
			flaw = order_flaw(r, &last);
		if (flaw)
			return bad_record(v, r, flaw);
	}
	return 0;
}

static int check_caches(struct verifier *v)
{
	const struct trace *t = v->trace;
	for (uint32_t i = 0; i < t->caches_count; i++) {
		const struct trace_cache *c = &t->caches[i];
		if (!c->name[0] || c->name[sizeof(c->name) - 1])
			return corrupt(v, "cache %u: name not ended, or empty", i);
		if (c->unused)
			return corrupt(v, "cache %u: bytes set that are not used", i);
	}
	return 0;
}

static int check_preexisting(struct verifier *v)
{
	const struct trace *t = v->trace;
	struct pfnset set;
	if (!t->preexisting_count)
		return 0;
	if (pfnset_init(&set) != 0)
		return out_of_memory(v);
	int result = 0;
	for (uint64_t i = 0; i < t->preexisting_count && result == 0; i++) {
		const struct trace_block *b = &t->preexisting[i];
		unsigned long long n = i;
		if (b->order >= ORDER_LIMIT || !block_is_legal(b->pfn, b->order) || b->unused[0] ||
		    b->unused[1] || b->unused[2]) {
			result = corrupt(v, "preexisting block %llu: illegal", n);
			break;
		}
		int before = pfnset_add(&set, b->pfn, UINT64_C(1) << b->order);
		if (before < 0)
			result = out_of_memory(v);
		else if (before)
			result = corrupt(v, "preexisting block %llu: overlaps an earlier one", n);
	}
	pfnset_release(&set);
	return result;
}

static int note_part(struct verifier *v, const struct trace_rec *r, const struct object *o)
{
	uint32_t pages = 1u << r->order;
	if (r->order >= o->order || (r->aux & (pages - 1)) || r->aux >= 1u << o->order)
		return bad_record(v, r, "partial free outside its object");
	if (v->parts_count == v->parts_room) {
		size_t room = v->parts_room ? v->parts_room * 2 : 64;
		struct part *parts = realloc(v->parts, room * sizeof(*parts));
		if (!parts)
			return out_of_memory(v);
		v->parts = parts;
		v->parts_room = room;
	}
	v->parts[v->parts_count++] = (struct part){r->id, r->aux, pages};
	return 0;
}

static int part_compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int check_frees(struct verifier *v, uint32_t cpu)
{
	const struct trace *t = v->trace;
	for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
		const struct trace_rec *r = &t->ops[cpu][i];
		if (trace_kind_is_alloc(r->kind) || r->id == TRACE_ID_NONE)
			continue;
		struct object *o = &v->objects[r->id];
		if (o->pages != (r->kind == TRACE_PAGE_FREE))
			return bad_record(v, r, "free of another kind than the allocation");
		if (o->slab != !!(r->flags & TRACE_F_SLAB))
			return bad_record(v, r, "slab mark differs from the allocation's");
		bool part = r->flags & TRACE_F_PARTIAL;
		if (r->seq <= o->seq)
			return bad_record(v, r, "free before its allocation");
		if (o->state == OBJECT_FREED || (o->state == OBJECT_IN_PARTS && !part))
			return bad_record(v, r, "object freed twice");
		if (!part && o->pages && r->order != o->order)
			return bad_record(v, r, "order differs from the allocation's");
		o->state = part ? OBJECT_IN_PARTS : OBJECT_FREED;
		if (part && note_part(v, r, o) != 0)
			return -1;
	}
	return 0;
}

static int check_parts(struct verifier *v)
{
	if (v->parts_count)
		qsort(v->parts, v->parts_count, sizeof(*v->parts), part_compare);
	for (size_t i = 1; i < v->parts_count; i++) {
		const struct part *a = &v->parts[i - 1], *b = &v->parts[i];
		if (a->id == b->id && a->offset + a->pages > b->offset)
			return corrupt(v, "object %u: partial frees overlap", b->id);
	}
	return 0;
}

static int check_crc(struct verifier *v, const struct trace_header *h, unsigned section)
{
	static const char *const names[] = {"gfp table", "cache table", "evidence",
					    "preexisting blocks"};
	const struct trace_section *s = &h->sections[section];
	const uint8_t *data = (const uint8_t *)v->trace->map + s->offset;
	size_t bytes = s->count * trace_element_bytes(section);
	if ((uint32_t)crc32_z(0, data, bytes) == s->crc)
		return 0;
	if (section < TRACE_SECTION_OPS)
		return corrupt(v, "checksum of the %s is wrong", names[section]);
	return corrupt(v, "checksum of CPU %u's records is wrong", section - TRACE_SECTION_OPS);
}

/* Everything behind the header. */
static int verify_content(struct verifier *v, const struct trace_header *h)
{
	const struct trace *t = v->trace;
	for (unsigned i = 0; i < TRACE_SECTION_OPS; i++) {
		if (check_crc(v, h, i) != 0)
			return -1;
	}
	if (t->gfps[0] != 0)
		return corrupt(v, "the first gfp mask is not 0");
	if (check_caches(v) != 0 || check_evidence(v) != 0 || check_preexisting(v) != 0)
		return -1;
	v->objects = calloc(t->ids_count ? t->ids_count : 1, sizeof(*v->objects));
	if (!v->objects)
		return out_of_memory(v);
	for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
		if (check_crc(v, h, TRACE_SECTION_OPS + cpu) != 0 || check_ops(v, cpu) != 0)
			return -1;
	}
	if (v->allocations != t->ids_count)
		return corrupt(v, "%llu ids but %llu allocations", (unsigned long long)t->ids_count,
			       (unsigned long long)v->allocations);
	for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
		if (check_frees(v, cpu) != 0)
			return -1;
	}
	return check_parts(v);
}

/* Magic, version, CRC and layout; @bytes is the file's size. Fills v->trace's fields. */
static int read_header(struct verifier *v, struct trace *t, uint64_t bytes)
{
	const struct trace_header *h = t->map;
	if (bytes < sizeof(*h) || memcmp(h->magic, TRACE_MAGIC, sizeof(h->magic)) != 0)
		return err_set(v->err, ERR_TRACE,
			       "%s: not a binary trace (text traces need `allocsim import` first)",
			       v->name);
	if (h->version != TRACE_VERSION)
		return err_set(v->err, ERR_TRACE,
			       "%s: trace format %u, this allocsim reads %u: import it again",
			       v->name, h->version, TRACE_VERSION);
	if (h->cpus_count > TRACE_CPUS_LIMIT || bytes < trace_header_bytes(h->cpus_count))
		return corrupt(v, "header cut short");
	size_t head_bytes = trace_header_bytes(h->cpus_count);
	struct trace_header *copy = malloc(head_bytes);
	if (!copy)
		return out_of_memory(v);
	memcpy(copy, h, head_bytes);
	copy->header_crc = 0;
	uint32_t crc = (uint32_t)crc32(0, (const void *)copy, (uInt)head_bytes);
	free(copy);
	if (crc != h->header_crc)
		return corrupt(v, "checksum of the header is wrong");

	uint64_t offset = head_bytes;
	for (unsigned i = 0; i < TRACE_SECTION_OPS + h->cpus_count; i++) {
		const struct trace_section *s = &h->sections[i];
		offset = trace_align(offset);
		if (s->offset != offset || offset > bytes ||
		    s->count > (bytes - offset) / trace_element_bytes(i))
			return corrupt(v, "cut short: section %u does not fit into %llu bytes", i,
				       (unsigned long long)bytes);
		offset += s->count * trace_element_bytes(i);
	}
	if (offset != bytes)
		return corrupt(v, "%llu bytes after its end", (unsigned long long)(bytes - offset));
	uint64_t demands = 0;
	for (unsigned i = 0; i < h->cpus_count; i++)
		demands += h->sections[TRACE_SECTION_OPS + i].count;
	uint64_t gfps = h->sections[TRACE_SECTION_GFPS].count;
	uint64_t caches = h->sections[TRACE_SECTION_CACHES].count;
	if (demands != h->demands_count || h->ids_count > demands || h->ids_count > TRACE_ID_NONE ||
	    gfps < 1 || gfps > TRACE_GFP_LIMIT || caches > TRACE_CACHES_LIMIT)
		return corrupt(v, "counts in the header contradict each other");
	return 0;
}

static void fill_trace(struct trace *t)
{
	const struct trace_header *h = t->map;
	const uint8_t *base = t->map;
	const struct trace_section *s = h->sections;
	t->gfps = (const void *)(base + s[TRACE_SECTION_GFPS].offset);
	t->gfps_count = (uint32_t)s[TRACE_SECTION_GFPS].count;
	t->caches = (const void *)(base + s[TRACE_SECTION_CACHES].offset);
	t->caches_count = (uint32_t)s[TRACE_SECTION_CACHES].count;
	t->evidence = (const void *)(base + s[TRACE_SECTION_EVIDENCE].offset);
	t->evidence_count = s[TRACE_SECTION_EVIDENCE].count;
	t->preexisting = (const void *)(base + s[TRACE_SECTION_PREEXISTING].offset);
	t->preexisting_count = s[TRACE_SECTION_PREEXISTING].count;
	for (uint32_t cpu = 0; cpu < h->cpus_count; cpu++) {
		t->ops[cpu] = (const void *)(base + s[TRACE_SECTION_OPS + cpu].offset);
		t->ops_count[cpu] = s[TRACE_SECTION_OPS + cpu].count;
	}
	t->cpus_count = h->cpus_count;
	t->ids_count = h->ids_count;
	t->base_ns = h->base_ns;
	t->span_ns = h->span_ns;
	t->demands_count = h->demands_count;
	t->content_crc = h->content_crc;
	t->report = h->report;
}

int trace_open_fd(struct trace *trace, int fd, const char *name, struct err *err)
{
	struct verifier v = {.trace = trace, .name = name, .err = err};
	struct stat st;
	*trace = (struct trace){0};
	if (fstat(fd, &st) != 0)
		return err_set(err, ERR_NO_INPUT, "%s: can't read: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_NO_INPUT, "%s: not a regular file", name);
	if (st.st_size == 0)
		return err_set(err, ERR_TRACE, "%s: empty file", name);
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return err_set(err, ERR_NO_INPUT, "%s: can't map: %s", name, strerror(errno));
	trace->map = map;
	trace->map_bytes = (uint64_t)st.st_size;
	madvise(map, trace->map_bytes, MADV_WILLNEED);

	int result = read_header(&v, trace, trace->map_bytes);
	if (result == 0) {
		fill_trace(trace);
		result = verify_content(&v, trace->map);
	}
	free(v.objects);
	free(v.parts);
	if (result != 0)
		trace_close(trace);
	return result;
}

int trace_open(struct trace *trace, const char *path, struct err *err)
{
	*trace = (struct trace){0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, ERR_NO_INPUT, "%s: can't open: %s", path, strerror(errno));
	int result = trace_open_fd(trace, fd, path, err);
	close(fd);
	return result;
}

void trace_close(struct trace *trace)
{
	if (trace->map)
		munmap(trace->map, trace->map_bytes);
	*trace = (struct trace){0};
}
