/*
 * slab_text.h - the caches of an object allocator as Linux's /proc/slabinfo shows them.
 */
#ifndef ALLOC_SLAB_TEXT_H
#define ALLOC_SLAB_TEXT_H

#include <stdio.h>

#include "alloc/object_allocator.h"

/* The line of one cache, as statistics describe it. */
void proc_slabinfo_line(const struct object_cache_stats *s, FILE *out);
/* All of it: the header, and a line a cache, the youngest first as in Linux. */
void proc_slabinfo(struct object_allocator *oa, FILE *out);

#endif
