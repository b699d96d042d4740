/*
 * physmem.c - page frames, RAM, zones and nodes: see physmem.h.
 *
 *   pfn      0        4096                1048576                    pfn_end
 *   zones    | DMA    | DMA32   (hole)    | Normal                   |
 *   pages    [16 bytes a frame, one array over everything, holes included, MAP_NORESERVE]
 *   blocks   [1 byte type, 1 byte zone for each 2^pageblock_order frames]
 *   ram      [4096 bytes a frame, reserved at the first write]
 *
 * An untouched host page of the frame array reads as zeroes and takes no memory, so a 4 TiB machine
 * reserves 16 GiB of addresses and uses what its run touches.
 *
 * The pageblock arrays are initialised in full: 1 byte for 2 MiB.
 *
 * Zonelists. A node's memory is asked for first, then that of the others as Linux 6.18 orders them
 * (build_zonelists, find_next_best_node): the nearest next, where a node counts as one farther if
 * its number is below the own, and as one farther if it has CPUs, which need it themselves. Among
 * those that are still equal, the one goes first that is the first of its distance on fewer lists
 * built so far; then the one with the smallest number.
 *
 *   two sockets of two nodes: 12 to the neighbour, 32 across
 *     list of node 0: 0, 1, 2, 3   (1 is near; 2 and 3 are equal: the smaller number)
 *     list of node 1: 1, 0, 3, 2   (2 is already the first across of node 0: so 3)
 *     list of node 2: 2, 3, 0, 1
 *     list of node 3: 3, 2, 1, 0
 *
 * MODEL: built once; memory that comes or goes later does not reorder them.
 */
#include "kern/physmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/bug.h"

const char *const zone_type_names[ZONE_TYPES] = {"DMA", "DMA32", "Normal", "HighMem", "Movable"};
const char *const migratetype_names[MIGRATE_TYPES] = {"Unmovable", "Movable", "Reclaimable",
						      "HighAtomic", "Isolate"};

static void *reserve(uint64_t bytes, const char *what, struct err *err)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		err_set(err, ERR_IO, "cannot reserve %llu GiB of addresses for %s: %s",
			(unsigned long long)(bytes >> 30), what, strerror(errno));
		return NULL;
	}
	return p;
}

static void release(void *p, uint64_t bytes)
{
	if (p)
		munmap(p, bytes);
}

/* --- zonelists -------------------------------------------------------------------------------- */

/* Append the zones of node @other to the zonelist of @node, highest first. */
static void append_zones(struct physmem *pm, struct node *node, unsigned other)
{
	for (unsigned i = pm->zones_count; i-- > 0;) {
		if (pm->zones[i].nid == other && pm->zones[i].managed_pages)
			node->zonelist[node->zonelist_count++] = i;
	}
}

/* What speaks against @other as the next fallback of @nid; the smallest one wins. */
static unsigned fallback_penalty(const struct physmem *pm, unsigned nid, unsigned other,
				 const unsigned *load)
{
	unsigned penalty = physmem_distance(pm, nid, other);
	penalty += other < nid;
	penalty += pm->nodes[other].has_cpus;
	return penalty * NODES_LIMIT + load[other];
}

/* The best node with memory of those that are not in @used; -1: none is left. */
static int next_fallback(const struct physmem *pm, unsigned nid, uint64_t used,
			 uint64_t with_memory, const unsigned *load)
{
	if ((with_memory & ~used) >> nid & 1)
		return (int)nid;
	int best = -1;
	for (unsigned other = 0; other < pm->nodes_count; other++) {
		if ((with_memory & ~used) >> other & 1 &&
		    (best < 0 || fallback_penalty(pm, nid, other, load) <
					 fallback_penalty(pm, nid, (unsigned)best, load)))
			best = (int)other;
	}
	return best;
}

static void build_zonelist(struct physmem *pm, unsigned nid, uint64_t with_memory, unsigned *load)
{
	struct node *node = &pm->nodes[nid];
	uint64_t used = 0;
	unsigned last = nid;
	for (int next; (next = next_fallback(pm, nid, used, with_memory, load)) >= 0;) {
		unsigned other = (unsigned)next;
		/* Only the first of those that are equally far bears the load. */
		if (physmem_distance(pm, nid, other) != physmem_distance(pm, nid, last))
			load[other]++;
		append_zones(pm, node, other);
		if (other == nid)
			node->zonelist_own_count = node->zonelist_count;
		used |= UINT64_C(1) << other;
		last = other;
	}
}

static void build_zonelists(struct physmem *pm)
{
	unsigned load[NODES_LIMIT] = {0};
	uint64_t with_memory = 0;
	for (unsigned i = 0; i < pm->zones_count; i++) {
		if (pm->zones[i].managed_pages)
			with_memory |= UINT64_C(1) << pm->zones[i].nid;
	}
	for (unsigned nid = 0; nid < pm->nodes_count; nid++)
		build_zonelist(pm, nid, with_memory, load);
}

static void set_distances(struct physmem *pm, const struct physmem_params *params)
{
	unsigned nodes = pm->nodes_count;
	for (unsigned from = 0; from < nodes; from++) {
		for (unsigned to = 0; to < nodes; to++) {
			uint64_t distance = from == to ? NODE_LOCAL : NODE_REMOTE;
			if (params->distances && from < params->distances_nodes &&
			    to < params->distances_nodes)
				distance = params->distances[from * params->distances_nodes + to];
			BUG_ON(distance > UINT8_MAX, "node %u is %llu away from node %u", to,
			       (unsigned long long)distance, from);
			pm->distances[from * nodes + to] = (uint8_t)distance;
		}
		pm->nodes[from].has_cpus = !params->cpu_nodes || params->cpu_nodes >> from & 1;
	}
}

/* --- the machine ------------------------------------------------------------------------------ */

static void init_zone(struct physmem *pm, unsigned i, const struct zone_span *span)
{
	struct zone *z = &pm->zones[i];
	strncpy(z->name, zone_type_names[span->type], sizeof(z->name) - 1);
	z->type = span->type;
	z->nid = span->nid;
	z->index = i;
	z->start_pfn = span->start_pfn;
	z->end_pfn = span->end_pfn;
	z->managed_pages = span->managed_pages;
	z->present_pages = span->managed_pages;
	z->pageblocks_count =
		(span->managed_pages + pageblock_pages(pm) - 1) >> pm->pageblock_order;

	pfn_t block = span->start_pfn >> pm->pageblock_order;
	pfn_t block_end = (span->end_pfn + pageblock_pages(pm) - 1) >> pm->pageblock_order;
	for (; block < block_end; block++) {
		bool taken = pm->pageblock_zone[block] != UINT8_C(0xfe);
		pm->pageblock_zone[block] = taken ? PAGEBLOCK_MIXED : (uint8_t)i;
	}
}

int physmem_init(struct physmem *pm, const struct physmem_params *params, struct err *err)
{
	memset(pm, 0, sizeof(*pm));
	pm->max_order = params->max_order;
	pm->pageblock_order = params->pageblock_order;
	pm->zones_count = params->spans_count;
	uint64_t managed = 0;
	for (unsigned i = 0; i < params->spans_count; i++) {
		const struct zone_span *s = &params->spans[i];
		BUG_ON(s->end_pfn > PFN_END_LIMIT || s->start_pfn > s->end_pfn ||
			       s->managed_pages > s->end_pfn - s->start_pfn,
		       "zone %u spans %llu..%llu", i, (unsigned long long)s->start_pfn,
		       (unsigned long long)s->end_pfn);
		pm->pfn_end = u64_max(pm->pfn_end, s->end_pfn);
		pm->nodes_count = (unsigned)u64_max(pm->nodes_count, s->nid + 1);
		managed += s->managed_pages;
	}
	/* A node may be there for its CPUs alone. */
	for (unsigned nid = pm->nodes_count; nid < NODES_LIMIT; nid++) {
		if (params->cpu_nodes >> nid & 1)
			pm->nodes_count = nid + 1;
	}
	if (params->distances)
		pm->nodes_count = (unsigned)u64_max(pm->nodes_count, params->distances_nodes);
	/* Linux gives up grouping when there are fewer pageblocks than types could use. */
	pm->group_by_mobility =
		params->group_by_mobility && managed >= pageblock_pages(pm) * MIGRATE_TYPES;

	/*
	 * One largest block more, so that looking at a block's upper buddy never leaves the arrays.
	 */
	uint64_t frames = (pm->pfn_end | ((UINT64_C(1) << pm->max_order) - 1)) + 1;
	pm->pageblocks_count = (frames >> pm->pageblock_order) + 1;
	pm->pages = reserve(frames * sizeof(struct page), "page frames", err);
	pm->pageblock_type = malloc(pm->pageblocks_count);
	pm->pageblock_zone = malloc(pm->pageblocks_count);
	pm->zones = calloc(pm->zones_count, sizeof(*pm->zones));
	pm->nodes = calloc(pm->nodes_count, sizeof(*pm->nodes));
	pm->distances = malloc((size_t)pm->nodes_count * pm->nodes_count);
	if (!pm->pages || !pm->pageblock_type || !pm->pageblock_zone || !pm->zones || !pm->nodes ||
	    !pm->distances) {
		physmem_release(pm);
		return err_set(err, ERR_IO, "out of memory for the simulated machine");
	}
	memset(pm->pageblock_type, pm->group_by_mobility ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE,
	       pm->pageblocks_count);
	memset(pm->pageblock_zone, 0xfe, pm->pageblocks_count);
	for (unsigned i = 0; i < pm->zones_count; i++)
		init_zone(pm, i, &params->spans[i]);
	set_distances(pm, params);
	build_zonelists(pm);
	return 0;
}

void physmem_release(struct physmem *pm)
{
	uint64_t frames = (pm->pfn_end | ((UINT64_C(1) << pm->max_order) - 1)) + 1;
	release(pm->pages, frames * sizeof(struct page));
	release(pm->ram, pm->pfn_end * PAGE_BYTES);
	free(pm->pageblock_type);
	free(pm->pageblock_zone);
	free(pm->zones);
	free(pm->nodes);
	free(pm->distances);
	memset(pm, 0, sizeof(*pm));
}

struct zone *physmem_zone(struct physmem *pm, pfn_t pfn)
{
	if (pfn >= pm->pfn_end)
		return NULL;
	unsigned i = pm->pageblock_zone[pfn >> pm->pageblock_order];
	if (i < pm->zones_count) {
		struct zone *z = &pm->zones[i];
		return pfn >= z->start_pfn && pfn < z->end_pfn ? z : NULL;
	}
	for (i = 0; i < pm->zones_count; i++) {
		if (pfn >= pm->zones[i].start_pfn && pfn < pm->zones[i].end_pfn)
			return &pm->zones[i];
	}
	return NULL;
}

bool physmem_has_block(struct physmem *pm, pfn_t pfn, unsigned order)
{
	const struct zone *z = physmem_zone(pm, pfn);
	if (!z || order > pm->max_order)
		return false;
	uint64_t pages = UINT64_C(1) << order;
	return !(pfn & (pages - 1)) && pfn + pages <= z->end_pfn;
}

void zone_pageblocks(const struct physmem *pm, const struct zone *z, uint64_t *blocks)
{
	memset(blocks, 0, MIGRATE_TYPES * sizeof(*blocks));
	uint64_t left = z->pageblocks_count;
	for (pfn_t p = z->start_pfn; p < z->end_pfn && left; left--) {
		blocks[pageblock_type(pm, p)]++;
		p = (p | (pageblock_pages(pm) - 1)) + 1;
	}
}

uint64_t physmem_frames_per_host_page(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE) / sizeof(struct page);
}

unsigned char *physmem_resident(const struct physmem *pm)
{
	uint64_t host_pages = pm->pfn_end / physmem_frames_per_host_page() + 1;
	unsigned char *resident = malloc(host_pages);
	if (resident && mincore(pm->pages, pm->pfn_end * sizeof(struct page), resident) != 0) {
		free(resident);
		return NULL;
	}
	return resident;
}

uint8_t *physmem_ram(struct physmem *pm, pfn_t pfn, struct err *err)
{
	BUG_ON(pfn >= pm->pfn_end, "RAM of pfn %llu", (unsigned long long)pfn);
	if (!pm->ram) {
		pm->ram = reserve(pm->pfn_end * PAGE_BYTES, "simulated RAM", err);
		if (!pm->ram)
			return NULL;
	}
	pm->pages[pfn].flags |= PAGE_BACKED;
	return pm->ram + pfn * PAGE_BYTES;
}

void physmem_zero(struct physmem *pm, pfn_t pfn, unsigned order)
{
	if (!pm->ram)
		return;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++) {
		if (pm->pages[p].flags & PAGE_BACKED) {
			memset(pm->ram + p * PAGE_BYTES, 0, PAGE_BYTES);
			pm->pages[p].flags &= (uint8_t)~PAGE_BACKED;
		}
	}
}
