/*
 * truth.h - a recorded state of a real kernel: the start.* and end.* files beside a trace.
 *
 * Needed: start.freemap (plain, .gz or .zst), start.pagetypeinfo, start.zoneinfo, start.time. Used
 * when there: start.slabinfo, the object caches; end.buddyinfo and end.time, and end.slabinfo,
 * against which a run scores itself. scripts/capture-kmem
 * writes them.
 */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include "kern/err.h"
#include "kern/physmem.h"
#include "kern/watermark.h"

struct truth_pcp {
	uint64_t count_pages, high_pages;
};

struct truth_zone {
	char name[ZONE_NAME_SIZE];
	enum zone_type type;
	unsigned nid;
	pfn_t start_pfn;
	uint64_t spanned_pages, present_pages, managed_pages;
	uint64_t watermark_pages[WMARKS];
	uint64_t watermark_boost_pages;
	uint64_t free_blocks_by_type[ORDER_LIMIT][MIGRATE_TYPES]; /* pagetypeinfo, at the start */
	uint64_t pageblocks[MIGRATE_TYPES];                       /* pagetypeinfo, at the start */
	uint64_t free_blocks_end[ORDER_LIMIT];                    /* end.buddyinfo */
	bool has_end;                             /* end.buddyinfo has a row of it */
	struct truth_pcp pcp[CPUS_LIMIT];
};

struct truth_block {
	uint32_t pfn;
	uint8_t order;
};

#define TRUTH_CACHE_NAME_SIZE 48

/* A line of slabinfo. */
struct truth_cache {
	char name[TRUTH_CACHE_NAME_SIZE];
	uint64_t active_count, objects_count; /* active: all but those free on node lists */
	uint64_t size_bytes;                  /* the stride of objects */
	uint64_t objects_per_slab, pages_per_slab, slabs_count;
};

struct truth {
	/* those with managed pages, as zoneinfo lists them */
	struct truth_zone zones[ZONE_TYPES * 8];
	unsigned zones_count, cpus_count;
	unsigned max_order, pageblock_order;
	struct truth_block *free_blocks; /* the freemap, ascending */
	uint64_t free_blocks_count, free_blocks_room;
	/* On the recording's clock. The freemap is read page by page between its two moments. */
	uint64_t freemap_start_ns, freemap_end_ns;
	struct truth_cache *caches[2]; /* at the start, at the end; in the order of slabinfo */
	unsigned caches_count[2];      /* 0: not recorded */
	bool has_end;
	uint64_t end_ns; /* when end.buddyinfo was read */
};

/* The files, in the order in which they are to be read. */
enum truth_file {
	TRUTH_ZONEINFO,
	TRUTH_PAGETYPEINFO,
	TRUTH_TIME,
	TRUTH_FREEMAP,
	TRUTH_SLABINFO,      /* may be missing, and then the end's is not looked for */
	TRUTH_END_BUDDYINFO, /* this and the next may be missing, together */
	TRUTH_END_TIME,
	TRUTH_END_SLABINFO,  /* may be missing */
	TRUTH_FILES,
};

struct textin;

void truth_init(struct truth *t);
/* Read one file into @t. Returns 0, or -1 with @err (ERR_TRACE with file:line). */
int truth_read(struct truth *t, enum truth_file file, struct textin *in, struct err *err);
/*
 * All files of a directory. Returns 0, or -1 with @err: ERR_NO_INPUT for a missing file, or
 * ERR_TRACE.
 */
int truth_load(struct truth *t, const char *dir, struct err *err);
void truth_release(struct truth *t);

/* The cache of this name at the start (@end 0) or the end (1), or NULL. */
const struct truth_cache *truth_cache_find(const struct truth *t, unsigned end, const char *name);
/* Nodes, numbered from 0. */
unsigned truth_nodes(const struct truth *t);
/* The zone that spans @pfn, or NULL. */
const struct truth_zone *truth_zone_of(const struct truth *t, pfn_t pfn);

#endif
