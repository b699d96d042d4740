/*
 * op_script.h - test helper: a small machine with one page allocator, driven by short scripts.
 *
 * A test is a row of a table: a script and the free lists that it must leave. Words of a script are
 * separated by blanks:
 *
 *   p<block>=<type>       start state: the pageblock is of this type
 *   +<pfn>/<order>        start state: this block is free, at the tail of its list
 *   +<start>-<end>        start state: these pages are free, as after boot (end exclusive)
 *   a<order><flags>       allocate on the present CPU and node, by default GFP_KERNEL. Flags:
 *                           u m r   unmovable, movable, reclaimable
 *                           h       urgent (__GFP_HIGH)
 *                           n       may not wait (no direct reclaim)
 *                           d x H   zone DMA, DMA32, HIGHMEM or below
 *                           t       this node only
 *     ...=<pfn>             and this must be the block
 *     ...!<cause>           and it must fail, for this reason (alloc_failure_names)
 *   f<pfn>[/<order>]      free; the order of a block older than the script has to be given
 *   F                     free all that the script allocated, in order of allocation
 *   s<pfn>                make single pages of an allocated block
 *   c<cpu>  n<nid>        from now on, this CPU or node
 *   t                     periodic work of the present CPU
 *
 * <word>*<count> repeats an allocation or `t`. Types are u, m, r, H (highatomic), i (isolated).
 * Numbers are decimal.
 */
#ifndef ALLOC_OP_SCRIPT_H
#define ALLOC_OP_SCRIPT_H

#include "alloc/page_allocator.h"
#include "kern/watermark.h"

#define OP_CPUS 4

/* Zero means the usual: see the comments. */
struct op_params {
	const char *allocator;          /* NULL: "buddy" */
	const struct zone_span *spans;  /* NULL: one Normal zone of zone_pages from pfn 0 */
	unsigned spans_count;
	uint64_t zone_pages;
	unsigned max_order;             /* 0: 10 */
	unsigned pageblock_order;       /* 0: 9 */
	bool all_used;                  /* nothing is free at the start; else every page is */
	bool ungrouped;                 /* no grouping by mobility */
	bool no_coalescing, no_highatomic;
	unsigned split_steps_max;       /* 0: no cap */
	uint64_t min_free_kbytes;       /* 0: all watermarks are 0 */
	uint64_t scale_factor;
	uint64_t lowmem_reserve_ratio[ZONE_TYPES];
	uint64_t boost_factor;
	unsigned cpus_count;            /* 0: 1; up to OP_CPUS */
	unsigned cpu_nid[OP_CPUS];
	const uint64_t *distances;      /* nodes x nodes; NULL: all others are equally far */
	unsigned distances_nodes;
	struct pcp_params pcp;          /* pcp.enabled false: no per-CPU lists */
	bool unchecked;                 /* don't verify the invariants after each word */
};

struct op_block {
	pfn_t pfn;
	unsigned order;
};

struct op_machine {
	struct physmem pm;
	struct page_allocator *pa;
	struct env env[OP_CPUS];
	unsigned cpu, nid;
	bool unchecked;
	struct op_block *live;  /* handed out to the script, in order of allocation */
	size_t live_count, live_capacity;
	char error[512];        /* what went wrong in the last script */
	char text[8192];        /* what the functions below return */
};

/* Aborts if the machine can't be made. */
void op_machine_init(struct op_machine *m, const struct op_params *params);
void op_machine_release(struct op_machine *m);

/* Returns 0, or -1 with m->error at the first word that did not do what it says. */
int op_run(struct op_machine *m, const char *script);

/*
 * The free blocks of a zone, from head to tail: "0m:1 3m:8,24 9u:512" are lists of orders 0, 3
 * and 9.
 * @cpu -1: the zone's free lists, else this CPU's lists. "" if nothing is free. Long text is cut.
 */
const char *op_lists(struct op_machine *m, unsigned zone, int cpu);
/* How many free blocks the lists of a zone hold, all types together: "0:1 3:2 9:1". */
const char *op_counts(struct op_machine *m, unsigned zone);

#endif
