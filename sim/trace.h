/*
 * trace.h - the binary trace (.atrace): what `allocsim import` writes and a run maps.
 *
 * Layout, little-endian, every section 64-byte aligned:
 *
 *   struct trace_header          magic, version, counts, section table, CRC-32 of each section
 *   gfp masks                    what records point at; the first is 0
 *   caches                       names and sizes of object caches, what records point at
 *   evidence                     what the recorded allocator did by itself, in time order
 *   preexisting                  blocks of pages that were allocated before the recording began
 *   ops of CPU 0, of CPU 1, ...  demands: what the workload asked for, by CPU, in time order
 *
 * Demands are for pages and for objects. A page allocation that the recorded kernel made to put
 * objects in it (a slab, a large kmalloc) is marked TRACE_F_SLAB, and so are its frees: a replay of
 * the objects leaves them out, since its own object allocator asks for pages itself; a replay of
 * pages alone takes them like any other.
 *
 * Demands are replayed; evidence (refills and drains of per-CPU lists, fallbacks) is never
 * replayed: it tells what was free or cached when the recording began.
 *
 * Objects, blocks of pages among them, have dense ids in order of allocation. A free names its
 * object by id; a block that was
 * allocated before the recording has no id (TRACE_ID_NONE) and is freed at its recorded pfn. So is
 * one whose allocation left no event (alloc_pages_bulk): its frees are PREEXISTING too, but it is
 * not in the preexisting section unless its first event was such a free. An object from before the
 * recording is freed at its recorded address; docs/trace-format.md has more.
 */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/err.h"
#include "kern/types.h"

#define TRACE_VERSION    2u
#define TRACE_ID_NONE    UINT32_MAX
#define TRACE_PFN_NONE   UINT32_MAX
#define TRACE_CACHE_NONE UINT16_MAX

enum trace_kind {
	/* Demands. */
	TRACE_PAGE_ALLOC = 1, /* a block of 2^order pages; pfn NONE: the kernel failed it */
	TRACE_PAGE_FREE = 2,
	TRACE_KMALLOC = 3,     /* aux: bytes asked for; UINT32_MAX: that, or more */
	TRACE_CACHE_ALLOC = 4, /* an object of a named cache */
	TRACE_OBJECT_FREE = 5, /* of either; cache: as the event named it, or NONE (kfree) */
	/* Evidence. */
	TRACE_PAGE_TAKEN = 16, /* left the buddy lists (mm_page_alloc_zone_locked) */
	/* went from a per-CPU list back to the buddy (mm_page_pcpu_drain) */
	TRACE_PAGE_DRAINED = 17,
	/* fallback between migratetypes (mm_page_alloc_extfrag); aux: see below */
	TRACE_PAGE_EXTFRAG = 18,
};

enum trace_rec_flags {
	TRACE_F_PREEXISTING = 1 << 0, /* free of a block that the recording never saw allocated */
	TRACE_F_PARTIAL = 1 << 1,     /* free of a part: aux = offset in pages inside object id */
	TRACE_F_FAILED = 1 << 2,      /* allocation that failed in the recording */
	TRACE_F_IMPLICIT = 1 << 3,  /* free made up by the importer: the pfn was allocated again */
	TRACE_F_OTHER_CPU = 1 << 4, /* free on another CPU than the allocation's */
	TRACE_F_SLAB = 1 << 5,      /* pages that the recorded kernel used for objects */
	TRACE_F_CONTEXT = 3 << 6,   /* enum env_context of the event; 0, process, if not recorded */
};
#define TRACE_CONTEXT_SHIFT 6

/* One event, 32 bytes. */
struct trace_rec {
	uint64_t time_ns; /* since trace_header.base_ns; never decreases within one CPU's demands,
			     nor within the evidence */
	uint32_t seq;     /* position among the records of the whole recording */
	uint32_t id;      /* object, dense in order of allocation, or TRACE_ID_NONE */
	uint32_t pfn;     /* recorded page frame, or TRACE_PFN_NONE; of objects: that its address
			     lies in */
	/*
	 * PAGE_ALLOC, and in a list of operations CACHE_ALLOC (KMALLOC: slot): 1 + the node that is
	 * asked for, or 0. Otherwise as follows.
	 */
	uint32_t aux;     /* PAGE_FREE, PARTIAL: offset in pages; EXTFRAG: fallback_order |
			     alloc_mt<<8 | fallback_mt<<16 | change_ownership<<24; KMALLOC: bytes;
			     CACHE_ALLOC, OBJECT_FREE: offset of the address in its page; else 0 */
	uint16_t gfp;     /* index into the table of gfp masks; 0, which is no flags, but for
			     allocations */
	uint16_t cpu;
	union {
		struct { /* pages and evidence */
			uint8_t order;
			uint8_t migratetype; /* enum migratetype; as recorded: requested (alloc),
						pageblock's (evidence) */
		};
		uint16_t cache; /* CACHE_ALLOC, OBJECT_FREE: index into the caches, or NONE */
		uint16_t slot;  /* KMALLOC: offset of the address in its page, in 8 bytes */
	};
	uint8_t kind;  /* enum trace_kind */
	uint8_t flags; /* enum trace_rec_flags */
};
_Static_assert(sizeof(struct trace_rec) == 32, "the trace format has 32-byte records");

static inline bool trace_kind_is_demand(unsigned kind)
{
	return kind >= TRACE_PAGE_ALLOC && kind <= TRACE_OBJECT_FREE;
}

static inline bool trace_kind_is_alloc(unsigned kind)
{
	return kind == TRACE_PAGE_ALLOC || kind == TRACE_KMALLOC || kind == TRACE_CACHE_ALLOC;
}

/* The recorded address of an object record as a physical one, or UINT64_MAX: not known. */
static inline uint64_t trace_rec_paddr(const struct trace_rec *r)
{
	if (r->pfn == TRACE_PFN_NONE)
		return UINT64_MAX;
	return (uint64_t)r->pfn << PAGE_SHIFT | (r->kind == TRACE_KMALLOC ? r->slot * 8u : r->aux);
}

static inline bool trace_kind_is_object(unsigned kind)
{
	return kind == TRACE_KMALLOC || kind == TRACE_CACHE_ALLOC || kind == TRACE_OBJECT_FREE;
}

/* 1 + the node that an operation's allocation asks for; 0: none. Not for recorded objects. */
static inline unsigned trace_rec_node(const struct trace_rec *r)
{
	return r->kind == TRACE_KMALLOC ? r->slot : r->aux;
}

#define TRACE_CACHE_NAME_SIZE 48

enum trace_cache_flags {
	TRACE_CACHE_GREW = 1 << 0,        /* a slab of it was seen being made; else unknown: */
	TRACE_CACHE_RECLAIMABLE = 1 << 1, /* its slabs are Reclaimable */
	TRACE_CACHE_DMA = 1 << 2,
};

/* An object cache, as the events named it. Names differ. */
struct trace_cache {
	char name[TRACE_CACHE_NAME_SIZE]; /* zero-padded, and ended by a zero */
	uint32_t object_size_bytes;       /* the events' bytes_req; 0: only frees were seen */
	uint32_t size_bytes;              /* the events' bytes_alloc; 0 likewise */
	uint32_t flags;                   /* enum trace_cache_flags */
	uint32_t unused;                  /* 0: a whole number of caches fits any buffer */
};

/* A block allocated before the recording and freed in it. */
struct trace_block {
	uint32_t pfn;
	uint8_t order;
	uint8_t unused[3];
};

#define TRACE_CPUS_LIMIT 256
#define TRACE_GFP_LIMIT  1024
#define TRACE_CACHES_LIMIT 4096

/* What an import found; stored in the trace and printed as the import report. */
struct trace_report {
	uint64_t events;             /* event lines read, of any kind */
	uint64_t imported;           /* demands and evidence written (not the IMPLICIT frees) */
	uint64_t demands;            /* demands written, with the IMPLICIT ones */
	uint64_t evidence;
	uint64_t other_events;  /* events that are understood, but of no use here */
	uint64_t batched_frees; /* mm_page_free_batched: repeats of an mm_page_free, not imported */
	uint64_t skipped_lines; /* lines that are no event (headers and blank lines aside), too
				   long, or page events with an impossible value */
	uint64_t unmatched_frees;    /* frees of blocks allocated before the recording */
	uint64_t live_allocations;   /* allocations of a page that was still live: freed first */
	uint64_t failed_allocations; /* recorded with no page */
	uint64_t partial_frees;
	uint64_t order_mismatches;   /* frees with a larger order than their allocation's */
	uint64_t lost_events;        /* the recorder's own count */
	uint64_t out_of_order; /* events earlier than their CPU's last one (evidence: than the last
				  evidence), or than the first imported; moved to its time */
	uint64_t truncated_lines;    /* a last line without its end, or with a needed key missing */
	uint64_t untraced_allocations; /* frees of a page that was free: an allocation is missing */
	uint64_t unknown_gfp_names;  /* in gfp_flags, ignored */
	/* Objects. */
	uint64_t object_allocs, object_frees; /* demands written */
	uint64_t slab_page_allocs, slab_page_frees; /* page demands marked TRACE_F_SLAB */
	uint64_t unmatched_object_frees; /* of objects allocated before the recording */
	uint64_t live_object_allocations; /* at an address still live: freed first */
	uint64_t failed_object_allocations;
	uint64_t duplicate_kmallocs;     /* second event of one request, not imported */
	uint64_t null_frees;             /* kfree(NULL) and of ZERO_SIZE_PTR, not imported */
	uint64_t wrong_cache_frees;      /* a free named another cache than the allocation */
	uint64_t untraced_object_allocations; /* frees of an address that was free: an allocation
						 is missing (bulk); not imported */
	uint64_t double_frees;           /* formats that name objects: freed twice, or never made */
	uint64_t cache_name_clashes;     /* one name, two sizes: told apart by the size */
	uint64_t hashed_pointers;        /* addresses too short to be true: slabs not recognised */
	uint64_t zero_object_allocations; /* of 0 bytes */
	uint64_t huge_object_allocations; /* of 2^32 - 1 bytes or more, stored as 2^32 - 1 */
	uint64_t approximate_frees; /* formats that name a class of objects: of its oldest one */
	uint64_t span_ns;            /* first to last imported event */
};

/* An open, mapped, verified trace. The pointers stay valid until trace_close(). */
struct trace {
	const struct trace_rec *ops[TRACE_CPUS_LIMIT]; /* by CPU */
	uint64_t ops_count[TRACE_CPUS_LIMIT];
	const struct trace_rec *evidence;
	uint64_t evidence_count;
	const struct trace_block *preexisting; /* in order of first free; no duplicates */
	uint64_t preexisting_count;
	const struct trace_cache *caches;
	uint32_t caches_count;
	const uint32_t *gfps; /* gfp_t masks, indexed by trace_rec.gfp */
	uint32_t gfps_count;
	uint32_t cpus_count; /* highest CPU + 1 */
	uint64_t ids_count;
	uint64_t base_ns; /* the recording's clock at time_ns = 0 */
	uint64_t span_ns; /* largest time_ns */
	uint64_t demands_count;
	uint64_t objects_count; /* of the demands: for objects, not pages */
	uint32_t content_crc; /* identifies the content, independent of path and time */
	struct trace_report report;
	void *map;
	uint64_t map_bytes;
};

/*
 * Map @path read-only and check magic, version, section bounds, CRCs and that every record is legal
 * (kind, cpu, order, id and gfp in range, time not decreasing), so that users of the records need
 * no checks. Returns 0, or -1 with @err filled (ERR_NO_INPUT or ERR_TRACE) and nothing open.
 */
int trace_open(struct trace *trace, const char *path, struct err *err);
/* The same from an open file descriptor, which stays the caller's; @name is for messages. */
int trace_open_fd(struct trace *trace, int fd, const char *name, struct err *err);
void trace_close(struct trace *trace);

/*
 * Writing. Records are buffered by CPU in unlinked temporary files beside the output, so memory
 * does not grow with the trace. Nothing appears under @path before trace_writer_finish() has
 * renamed the complete, synced file to it.
 */
struct trace_writer;

/* NULL and @err on failure. @path may be NULL: then finish gives an unlinked file's descriptor. */
struct trace_writer *trace_writer_new(const char *path, struct err *err);
/*
 * Append a record to its section: evidence by kind, demands by rec->cpu. rec->gfp is set by the
 * writer from @gfp, which is 0 but for allocations. The fields must be what trace_open() accepts:
 * above all, ids count up from 0 over the whole trace and seq grows with each record. A time
 * earlier than the CPU's last (evidence: also than the last evidence) is raised to it; returns 1
 * then, 0 otherwise, -1 with @err on failure, after which the writer can only be aborted.
 */
int trace_writer_add(struct trace_writer *w, struct trace_rec *rec, uint32_t gfp, struct err *err);
/* A new cache; its index, or -1 with @err. A name is cut to fit. At most TRACE_CACHES_LIMIT. */
int trace_writer_add_cache(struct trace_writer *w, const char *name, uint32_t object_size_bytes,
			   uint32_t size_bytes, struct err *err);
/* The entry of a cache, to be completed as its sizes and flags become known. */
struct trace_cache *trace_writer_cache(struct trace_writer *w, unsigned cache);
/*
 * Objects were added with the low 32 bits of their address's page number; this is what to take from
 * them to get page frames: the number of the page where the recorded kernel mapped frame 0.
 * Without this call they are taken as they are.
 */
void trace_writer_set_object_base(struct trace_writer *w, uint32_t first_page);
/*
 * The pages allocated as @id turned out to hold objects: TRACE_F_SLAB goes to that record and to
 * all frees of it. -1 with @err if memory is short.
 */
int trace_writer_mark_slab(struct trace_writer *w, uint32_t id, struct err *err);
int trace_writer_add_preexisting(struct trace_writer *w, uint32_t pfn, unsigned order,
				 struct err *err);
/*
 * Write everything and free @w, also on failure. With a NULL path, *@fd receives the file. The
 * numbers of slab pages in @report are filled in.
 */
int trace_writer_finish(struct trace_writer *w, uint64_t base_ns, struct trace_report *report,
			int *fd, struct err *err);
/* Give up: remove what was written and free @w (NULL is fine). */
void trace_writer_abort(struct trace_writer *w);

#endif
