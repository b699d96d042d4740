/*
 * rangetree.h - disjoint ranges of addresses in order, and the lowest gap that fits between them.
 *
 * For virtual memory, of processes and the kernel. A tree that is balanced by chance and knows the
 * largest gap below every node: every function but the check takes time logarithmic in the number
 * of ranges. Its shape depends on the ranges' addresses alone.
 */
#ifndef KERN_RANGETREE_H
#define KERN_RANGETREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of whatever a range stands for; its owner allocates it. */
struct range {
	uint64_t start, end; /* end exclusive; not to be changed while it is in a tree */
	/* The tree's own. */
	struct range *left, *right;
	uint64_t low, high; /* of all ranges from here down: first start, last end */
	uint64_t gap;       /* largest gap between two of them */
	uint64_t priority;
};

/* Zeroed storage is an empty tree. */
struct rangetree {
	struct range *root;
	size_t count;
};

/* Put in a range (start < end) that overlaps none that is there. */
void rangetree_insert(struct rangetree *t, struct range *r);
/* Take out a range that is there. */
void rangetree_remove(struct rangetree *t, struct range *r);
/* The first range that ends after @at: the one that holds @at, or the next; NULL: none. */
struct range *rangetree_find(const struct rangetree *t, uint64_t at);
/* The last range that ends at or before @at; NULL: none. */
struct range *rangetree_before(const struct rangetree *t, uint64_t at);
/*
 * The lowest multiple of @align (a power of two) in [start, end) with @bytes free behind it, below
 * @end; UINT64_MAX: there is none. With an @align above that of the ranges themselves, gaps that
 * are large enough but lie badly are looked at one by one.
 */
uint64_t rangetree_fit(const struct rangetree *t, uint64_t start, uint64_t end, uint64_t bytes,
		       uint64_t align);
/* Is the tree what it says? NULL, or what is wrong. Linear. */
const char *rangetree_check(const struct rangetree *t);

#endif
