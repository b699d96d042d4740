/*
 * pagelist.h - doubly linked lists of blocks, linked by pfn through their heads' page frames.
 *
 * A block is on at most one list. All operations are O(1) and touch the block and its neighbours.
 */
#ifndef KERN_PAGELIST_H
#define KERN_PAGELIST_H

#include "kern/physmem.h"

struct pagelist {
	uint32_t head, tail; /* pfns, or PAGE_LINK_NONE when empty */
	uint64_t count;      /* blocks */
};

static inline void pagelist_init(struct pagelist *l)
{
	l->head = l->tail = PAGE_LINK_NONE;
	l->count = 0;
}

static inline void pagelist_push_head(struct pagelist *l, struct page *pages, pfn_t pfn)
{
	struct page *p = &pages[pfn];
	p->prev = PAGE_LINK_NONE;
	p->next = l->head;
	if (l->head != PAGE_LINK_NONE)
		pages[l->head].prev = (uint32_t)pfn;
	else
		l->tail = (uint32_t)pfn;
	l->head = (uint32_t)pfn;
	l->count++;
}

static inline void pagelist_push_tail(struct pagelist *l, struct page *pages, pfn_t pfn)
{
	struct page *p = &pages[pfn];
	p->next = PAGE_LINK_NONE;
	p->prev = l->tail;
	if (l->tail != PAGE_LINK_NONE)
		pages[l->tail].next = (uint32_t)pfn;
	else
		l->head = (uint32_t)pfn;
	l->tail = (uint32_t)pfn;
	l->count++;
}

/* @pfn must be on @l. */
static inline void pagelist_remove(struct pagelist *l, struct page *pages, pfn_t pfn)
{
	const struct page *p = &pages[pfn];
	if (p->prev != PAGE_LINK_NONE)
		pages[p->prev].next = p->next;
	else
		l->head = p->next;
	if (p->next != PAGE_LINK_NONE)
		pages[p->next].prev = p->prev;
	else
		l->tail = p->prev;
	l->count--;
}

/*
 * Frames lie anywhere in memory, and removing the head touches the next block's. After one removal
 * these have the frame that the following one will touch on its way.
 */
static inline void pagelist_prefetch_head(const struct pagelist *l, const struct page *pages)
{
	if (l->count > 1)
		__builtin_prefetch(&pages[pages[l->head].next], 1);
}

static inline void pagelist_prefetch_tail(const struct pagelist *l, const struct page *pages)
{
	if (l->count > 1)
		__builtin_prefetch(&pages[pages[l->tail].prev], 1);
}

#endif
