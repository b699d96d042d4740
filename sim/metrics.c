/*
 * metrics.c - see metrics.h. The indices follow mm/vmstat.c of Linux 6.18, in integers.
 * Orders above max_order hold no blocks, so sums run over the whole array.
 */
#include "sim/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

const char *const op_kind_names[OP_KINDS] = {
	"alloc",   "free",   "kmalloc", "cache_alloc", "object_free",
	"vmalloc", "vfree",  "mmap",    "touch",       "protect",
	"munmap",  "lock",   "unlock",  "work",        "idle",
};
const char *const op_path_names[PATH_KINDS] = {
	[PATH_PCP] = "pcp",     [PATH_PCP_REFILL] = "pcp_refill", [PATH_PCP_DRAIN] = "pcp_drain",
	[PATH_BUDDY] = "buddy", [PATH_FAILED] = "failed",
	[PATH_SLAB_FAST] = "slab_fast", [PATH_SLAB_SHARED] = "slab_shared",
	[PATH_SLAB_CPU_PARTIAL] = "slab_cpu_partial",
	[PATH_SLAB_NODE_PARTIAL] = "slab_node_partial",
	[PATH_SLAB_NEW] = "slab_new", [PATH_SLAB_DISCARD] = "slab_discard",
	[PATH_NONE] = "none",
};

void metrics_init(struct metrics *m)
{
	memset(m, 0, sizeof(*m));
}

void metrics_release(struct metrics *m)
{
	for (unsigned k = 0; k < OP_KINDS; k++) {
		for (unsigned o = 0; o < ORDER_LIMIT; o++) {
			for (unsigned p = 0; p < PATH_KINDS; p++)
				free(m->latency_ps[k][o][p]);
		}
	}
	metrics_init(m);
}

struct hist *metrics_new_hist(struct metrics *m, enum op_kind kind, unsigned order, unsigned path)
{
	struct hist *h = malloc(sizeof(*h));
	BUG_ON(!h, "out of memory for a histogram");
	hist_init(h);
	m->latency_ps[kind][order][path] = h;
	return h;
}

void free_counts_zone(struct page_allocator *pa, unsigned zone, struct free_counts *f)
{
	struct page_zone_stats s;
	pa->ops->zone_stats(pa, zone, &s);
	memset(f, 0, sizeof(*f));
	f->max_order = pa->pm->max_order;
	for (unsigned o = 0; o <= f->max_order; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			f->blocks[o] += s.free_blocks[o][mt];
	}
}

void free_counts_add(struct free_counts *to, const struct free_counts *from)
{
	to->max_order = from->max_order;
	for (unsigned o = 0; o <= from->max_order; o++)
		to->blocks[o] += from->blocks[o];
}

uint64_t free_counts_pages(const struct free_counts *f)
{
	uint64_t pages = 0;
	for (unsigned o = 0; o < ORDER_LIMIT; o++)
		pages += f->blocks[o] << o;
	return pages;
}

/* Blocks of @order that the free blocks of that order and above hold. */
static uint64_t suitable_blocks(const struct free_counts *f, unsigned order)
{
	uint64_t suitable = 0;
	for (unsigned o = order; o < ORDER_LIMIT; o++)
		suitable += f->blocks[o] << (o - order);
	return suitable;
}

uint64_t unusable_index_millionths(const struct free_counts *f, unsigned order)
{
	uint64_t pages = free_counts_pages(f);
	if (!pages)
		return 1000000;
	return (pages - (suitable_blocks(f, order) << order)) * 1000000 / pages;
}

int64_t extfrag_index_thousandths(const struct free_counts *f, unsigned order)
{
	uint64_t blocks = 0;
	for (unsigned o = 0; o < ORDER_LIMIT; o++)
		blocks += f->blocks[o];
	if (!blocks)
		return 0;
	if (suitable_blocks(f, order))
		return -1000;
	uint64_t needed = free_counts_pages(f) * 1000 >> order;
	return 1000 - (int64_t)((1000 + needed) / blocks);
}

int largest_free_order(const struct free_counts *f)
{
	for (int o = (int)f->max_order; o >= 0; o--) {
		if (f->blocks[o])
			return o;
	}
	return -1;
}
