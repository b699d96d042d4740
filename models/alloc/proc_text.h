/*
 * proc_text.h - the state of a page allocator as Linux's /proc files show it, byte for byte.
 *
 * Output is what the kernel of the same geometry would print: users' own scripts for buddyinfo,
 * pagetypeinfo and zoneinfo read it. MODEL: zoneinfo has the lines that the simulation knows
 * (sizes, watermarks, protection, per-CPU lists), not the counters of reclaim and the like.
 */
#ifndef ALLOC_PROC_TEXT_H
#define ALLOC_PROC_TEXT_H

#include <stdio.h>

#include "alloc/page_allocator.h"

void proc_buddyinfo(struct page_allocator *pa, FILE *out);
void proc_pagetypeinfo(struct page_allocator *pa, FILE *out);
void proc_zoneinfo(struct page_allocator *pa, unsigned cpus_count, FILE *out);
/* The nodes' numastat files as numactl's numastat prints them; nothing without such counts. */
void proc_numastat(struct page_allocator *pa, FILE *out);

#endif
