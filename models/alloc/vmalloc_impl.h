/*
 * vmalloc_impl.h - what vmalloc.c keeps; for it and its tests.
 */
#ifndef ALLOC_VMALLOC_IMPL_H
#define ALLOC_VMALLOC_IMPL_H

#include "alloc/vmalloc.h"
#include "kern/rangetree.h"

enum area_state { AREA_FILLING, AREA_LIVE, AREA_FREEING, AREA_LAZY, AREA_PURGING };

/* Where an area's page array is. */
enum array_kind { ARRAY_NONE, ARRAY_KMALLOC, ARRAY_PAGE, ARRAY_AREA };

struct area {
	struct range range; /* addresses, with the guard */
	enum area_state state;
	enum array_kind array_kind;
	uint64_t pages;
	uint64_t freed, filled; /* pages [freed, filled) of the array hold frames */
	uint64_t mapped;        /* pages [0, mapped) have entries */
	uint64_t array_paddr;   /* ARRAY_KMALLOC, ARRAY_PAGE */
	struct area *array;     /* ARRAY_AREA */
	struct area *next_lazy;
};

struct vmalloc {
	struct vmalloc_params p;
	struct rangetree areas;
	struct area *lazy; /* most recently freed first */
	struct env_lock lock, purge_lock;
	struct vmalloc_stats stats;
};

static inline struct area *area_of(struct range *r)
{
	return (struct area *)r; /* its first member */
}

#endif
