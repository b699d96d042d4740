/*
 * physmem.h - the simulated machine's physical memory: page frames, RAM bytes, zones and nodes.
 *
 * Page frames and RAM are reserved by address and touched on use, so a machine costs the host what
 * a run touches, whatever its size. Both start as zeroes: a frame with no flag set is memory that
 * nobody under simulation has freed or allocated yet (firmware, kernel image, pages older than a
 * trace).
 */
#ifndef KERN_PHYSMEM_H
#define KERN_PHYSMEM_H

#include "kern/err.h"
#include "kern/types.h"

#define PAGE_LINK_NONE UINT32_MAX

enum page_flags {
	PAGE_BUDDY = 1 << 0,     /* head of a free block on a zone's free list */
	PAGE_PCP = 1 << 1,       /* head of a free block on a per-CPU list */
	PAGE_ALLOCATED = 1 << 2, /* head of a block handed out by a page allocator */
	PAGE_BACKED = 1 << 3,    /* its RAM bytes may differ from zero (any page, not just heads) */
};

/* One page frame, 16 bytes. Only the head of a block carries order, migratetype and links. */
struct page {
	uint32_t next, prev; /* pfns of list neighbours, PAGE_LINK_NONE at the ends */
	uint8_t order;
	uint8_t flags;       /* enum page_flags */
	uint8_t migratetype; /* of its list; once taken: what it was taken for */
	uint8_t unused[5];   /* 16 bytes: four frames to a cache line */
};
_Static_assert(sizeof(struct page) <= 32, "a page frame costs at most 32 bytes");

enum watermark {
	WMARK_MIN,
	WMARK_LOW,
	WMARK_HIGH,
	WMARK_PROMO,
	WMARKS,
};

struct zone {
	char name[ZONE_NAME_SIZE]; /* as Linux prints it: "DMA32", "Normal" */
	enum zone_type type;
	unsigned nid;
	unsigned index;            /* in physmem.zones */
	pfn_t start_pfn, end_pfn;  /* spanned; end exclusive */
	uint64_t present_pages, managed_pages;
	uint64_t pageblocks_count; /* that hold usable memory, from start_pfn up; what pagetypeinfo
				      counts */
	uint64_t watermark_pages[WMARKS];
	uint64_t watermark_boost_pages;
	uint64_t lowmem_reserve_pages[ZONE_TYPES]; /* against requests whose highest zone is the
						      index */
	/* Kept by the page allocator. */
	uint64_t free_pages;               /* on the free lists, without isolated ones */
	uint64_t free_highatomic_pages;    /* part of free_pages in highatomic pageblocks */
	uint64_t reserved_highatomic_pages;
	bool below_high;                   /* free pages were seen under the high watermark */
};

struct node {
	unsigned zonelist[NODES_LIMIT * ZONE_TYPES]; /* zone indexes: own node, highest type first,
							then by distance */
	unsigned zonelist_count;
	unsigned zonelist_own_count; /* the first of them: the node's own, all of __GFP_THISNODE */
	bool has_cpus;
};

struct physmem {
	struct page *pages;       /* by pfn, 0 .. pfn_end - 1 */
	pfn_t pfn_end;
	uint8_t *ram;             /* simulated bytes; NULL until first asked for */
	uint8_t *pageblock_type;  /* enum migratetype, by pfn >> pageblock_order */
	uint8_t *pageblock_zone;  /* zone index, or PAGEBLOCK_MIXED */
	uint64_t pageblocks_count;
	unsigned pageblock_order;
	unsigned max_order;
	bool group_by_mobility;   /* off: every pageblock and request counts as unmovable */
	struct zone *zones;       /* ascending node, then ascending type */
	unsigned zones_count;
	struct node *nodes;
	unsigned nodes_count;
	uint8_t *distances;       /* nodes x nodes, row by row */
};

#define PAGEBLOCK_MIXED 0xff

/* What a zone spans; the input of physmem_init(). */
struct zone_span {
	enum zone_type type;
	unsigned nid;
	pfn_t start_pfn, end_pfn;
	uint64_t managed_pages;
};

struct physmem_params {
	const struct zone_span *spans; /* ascending node, then ascending type; not overlapping */
	unsigned spans_count;
	unsigned max_order;            /* < ORDER_LIMIT */
	unsigned pageblock_order;      /* <= max_order */
	bool group_by_mobility;        /* wanted; off by itself on machines too small for it */
	/*
	 * How far nodes are from each other, as ACPI's SLIT says it: @distances_nodes squared, row
	 * by row, NODE_LOCAL to itself, more to others, up to 255. NULL: NODE_REMOTE to all others.
	 * Nodes beyond them, which have no memory of their own, count as well.
	 */
	const uint64_t *distances;
	unsigned distances_nodes;
	uint64_t cpu_nodes; /* bit by node: has CPUs; 0: all have */
};

#define NODE_LOCAL  10u
#define NODE_REMOTE 20u

/*
 * Reserve frames for every zone, all pageblocks movable (as Linux boots). Returns 0, or -1 with
 * @err if the host lacks address space. Cost: independent of memory size but for one byte a
 * pageblock.
 */
int physmem_init(struct physmem *pm, const struct physmem_params *params, struct err *err);
void physmem_release(struct physmem *pm);

extern const char *const zone_type_names[ZONE_TYPES];
extern const char *const migratetype_names[MIGRATE_TYPES];

/* How far node @to is from node @from, see physmem_params. */
static inline unsigned physmem_distance(const struct physmem *pm, unsigned from, unsigned to)
{
	return pm->distances[from * pm->nodes_count + to];
}

/* Has the node memory of its own? */
static inline bool node_has_memory(const struct node *node)
{
	return node->zonelist_own_count;
}

/* The zone that spans @pfn, or NULL. */
struct zone *physmem_zone(struct physmem *pm, pfn_t pfn);
/* Can there be a block of @order at @pfn: legal, aligned, and inside one zone? */
bool physmem_has_block(struct physmem *pm, pfn_t pfn, unsigned order);

/* Count the pageblocks of @z by type into @blocks[MIGRATE_TYPES], as pagetypeinfo does. */
void zone_pageblocks(const struct physmem *pm, const struct zone *z, uint64_t *blocks);

/*
 * Which frames the host has given memory to: a byte for each host page of the frame array, odd if
 * it has; frames of others read as zero, unless the host has swapped them out. For looking over
 * large machines without touching them. The caller frees it; NULL if the host can't tell.
 */
unsigned char *physmem_resident(const struct physmem *pm);
/* Frames in one host page of the frame array. */
uint64_t physmem_frames_per_host_page(void);

/*
 * Simulated RAM of a page, for writing: the host memory behind it comes to life and the frame is
 * marked PAGE_BACKED. NULL with @err if the host lacks address space (first call only).
 */
uint8_t *physmem_ram(struct physmem *pm, pfn_t pfn, struct err *err);
/* Make 2^order pages read as zero. Free of charge for pages that were never written. */
void physmem_zero(struct physmem *pm, pfn_t pfn, unsigned order);

static inline struct page *physmem_page(struct physmem *pm, pfn_t pfn)
{
	return &pm->pages[pfn];
}

/*
 * The simulated physical address of a frame's metadata, for env_touch. MODEL: metadata lies in an
 * order of its own behind all memory, 64 bytes a page as Linux has it, and takes no page frames.
 */
#define PAGE_META_PADDR  (PFN_END_LIMIT << PAGE_SHIFT)
#define PAGE_META_BYTES  64u
static inline uint64_t page_meta_paddr(pfn_t pfn)
{
	return PAGE_META_PADDR + pfn * PAGE_META_BYTES;
}

static inline enum migratetype pageblock_type(const struct physmem *pm, pfn_t pfn)
{
	return (enum migratetype)pm->pageblock_type[pfn >> pm->pageblock_order];
}

static inline void pageblock_set_type(struct physmem *pm, pfn_t pfn, enum migratetype mt)
{
	pm->pageblock_type[pfn >> pm->pageblock_order] = (uint8_t)mt;
}

static inline uint64_t pageblock_pages(const struct physmem *pm)
{
	return UINT64_C(1) << pm->pageblock_order;
}

/* Types below HIGHATOMIC merge with each other and may be converted. */
static inline bool migratetype_mergeable(enum migratetype mt)
{
	return mt < MIGRATE_PCPTYPES;
}

#endif
