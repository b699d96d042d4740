/*
 * frame_oracle.h - test helper: who holds which page frame, as plain arrays of bytes.
 *
 * It shares nothing with the allocators that it judges: no lists, no page frames, no counters.
 */
#ifndef ALLOC_FRAME_ORACLE_H
#define ALLOC_FRAME_ORACLE_H

#include "alloc/page_allocator.h"

struct frame_oracle {
	struct page_allocator *pa;
	uint8_t *live;          /* by pfn: handed out */
	uint8_t *free;          /* by pfn: met by the last walk; scratch */
	pfn_t pfn_end;
	uint64_t pages, live_pages; /* all; handed out */
	char error[256];
};

/* @pa's machine has @pages pages in all, of which none is handed out. Aborts if memory is short. */
void frame_oracle_init(struct frame_oracle *o, struct page_allocator *pa, uint64_t pages);
void frame_oracle_release(struct frame_oracle *o);

/* A block was handed out for such a request: 0, or -1 with o->error if it can't be right. */
int frame_oracle_take(struct frame_oracle *o, pfn_t pfn, unsigned order, gfp_t gfp, unsigned nid);
/* A block is given back. */
void frame_oracle_give(struct frame_oracle *o, pfn_t pfn, unsigned order);
/*
 * An allocation failed for the reason @why: is that so? @split_steps_max: the cap that is in force.
 */
int frame_oracle_failure(struct frame_oracle *o, unsigned order, gfp_t gfp, unsigned nid,
			 enum alloc_failure why, unsigned split_steps_max);
/*
 * Free blocks and live ones together are all pages, each once. Runs the allocator's own check too.
 */
int frame_oracle_verify(struct frame_oracle *o);

/* May a request with @gfp for node @nid be served from @z? */
bool frame_oracle_allows(const struct zone *z, gfp_t gfp, unsigned nid);

#endif
