/*
 * metrics.h - what a run counts and times, and the indices computed from free lists.
 */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include "alloc/page_allocator.h"
#include "kern/hist.h"
#include "sim/workload.h"

struct metrics {
	struct hist *latency_ps[OP_KINDS][ORDER_LIMIT][PATH_KINDS]; /* NULL: never happened */
	uint64_t ops_count, allocs_count, frees_count;
	uint64_t object_allocs_count, object_frees_count, object_failed_count;
	uint64_t unknown_object_frees_count; /* of recorded objects that the simulation lacks */
	uint64_t pages_allocated, pages_freed;
	uint64_t held_pages;         /* of blocks that the workload allocated and holds now */
	uint64_t failed_count;                    /* allocations without a page, by cause below */
	uint64_t failures[ALLOC_FAILURES];        /* of pages */
	uint64_t object_failures[ALLOC_FAILURES]; /* of objects, large kmallocs among them */
	uint64_t recorded_failures_count;         /* the recording's own failures: not replayed */
	uint64_t skipped_frees_count;             /* of allocations that failed here */
	uint64_t conflicting_frees_count; /* of recorded pages that the model holds itself */
	uint64_t outside_frees_count;     /* of recorded pages that the machine does not have */
	uint64_t late_ops_count;                  /* started after their recorded time */
	ps_t late_ps_max;
};

void metrics_init(struct metrics *m);
void metrics_release(struct metrics *m);

struct hist *metrics_new_hist(struct metrics *m, enum op_kind kind, unsigned order, unsigned path);

/* Record that an operation took @ps. */
static inline void metrics_latency(struct metrics *m, enum op_kind kind, unsigned order,
				   unsigned path, ps_t ps)
{
	struct hist *h = m->latency_ps[kind][order][path];
	if (__builtin_expect(!h, 0))
		h = metrics_new_hist(m, kind, order, path);
	hist_add(h, ps);
}

extern const char *const op_kind_names[OP_KINDS];
extern const char *const op_path_names[PATH_KINDS];

/* Free blocks by order, summed over zones and types as needed. */
struct free_counts {
	uint64_t blocks[ORDER_LIMIT];
	unsigned max_order;
};

void free_counts_zone(struct page_allocator *pa, unsigned zone, struct free_counts *f);
void free_counts_add(struct free_counts *to, const struct free_counts *from);
uint64_t free_counts_pages(const struct free_counts *f);

/*
 * Unusable free space index of an order, in millionths (Gorman and Whitcroft; debugfs extfrag):
 * the share of free memory that lies in blocks too small for it. 0: all usable; 1000000: none, or
 * nothing free.
 */
uint64_t unusable_index_millionths(const struct free_counts *f, unsigned order);
/*
 * Linux's fragmentation index in thousandths: -1000 if a block of the order is free; otherwise
 * towards 0 an allocation would fail for lack of memory, towards 1000 because of fragmentation.
 */
int64_t extfrag_index_thousandths(const struct free_counts *f, unsigned order);
/* The largest order with a free block, or -1. */
int largest_free_order(const struct free_counts *f);

#endif
