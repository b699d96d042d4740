/*
 * vma.h - the ranges of an address space: in order, disjoint, and as few as their flags allow.
 *
 * No locks: the address space's. Callers charge nothing: each range that is made, changed or
 * removed costs COST_VMA.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include "kern/env.h"
#include "kern/rangetree.h"

struct vma {
	struct range range; /* page-aligned */
	unsigned flags;     /* enum vma_flags */
};

/* Zeroed storage is empty. */
struct vmas {
	struct rangetree tree;
	uint64_t merges_count, splits_count;
};

void vmas_release(struct vmas *vmas);

/* The range that holds @vaddr; NULL: none. */
const struct vma *vma_find(const struct vmas *vmas, uint64_t vaddr);
/* Add [start, end), which is free, and merge it with neighbours of the same flags. */
void vma_add(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end, unsigned flags);
/* Remove what lies in [start, end); ranges that reach over an end are cut. */
void vma_remove(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end);
/* In [start, end) set the flags of @set and clear those of @clear; splits and merges. */
void vma_change(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end, unsigned set,
		unsigned clear);
/* Are ranges as they should be? NULL, or what is wrong. */
const char *vma_check(const struct vmas *vmas);

#endif
