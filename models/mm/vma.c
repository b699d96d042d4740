/*
 * vma.c - see vma.h.
 *
 * Linux keeps VMAs in a maple tree; here they are in a kern/rangetree.h, which also finds the
 * lowest gap. Two neighbours that touch and have the same flags become one; changing part of one
 * cuts it first.
 *
 * Example. Ten maps of one page side by side are 1 range. Taking the right to write from its fourth
 * page makes 3; giving it back 1 again. Ten maps with a hole of a page before each make 11.
 *
 * MODEL: a struct vma is the host's memory. Linux takes it, and nodes of the tree, from object
 * caches, which a workload may do by itself. Files, stack guards and accounting are left out.
 */
#include "mm/vma.h"

#include <stdlib.h>

#include "kern/bug.h"

static struct vma *vma_of(struct range *r)
{
	return (struct vma *)r; /* its first member */
}

static struct vma *vma_new(uint64_t start, uint64_t end, unsigned flags)
{
	struct vma *v = calloc(1, sizeof(*v));
	BUG_ON(!v, "the host has no memory for a range");
	v->range.start = start;
	v->range.end = end;
	v->flags = flags;
	return v;
}

static void drop(struct vmas *vmas, struct vma *v)
{
	rangetree_remove(&vmas->tree, &v->range);
	free(v);
}

void vmas_release(struct vmas *vmas)
{
	while (vmas->tree.root)
		drop(vmas, vma_of(vmas->tree.root));
}

const struct vma *vma_find(const struct vmas *vmas, uint64_t vaddr)
{
	struct range *r = rangetree_find(&vmas->tree, vaddr);
	return r && r->start <= vaddr ? vma_of(r) : NULL;
}

/* Make one of @v and the range before it, if they are alike. Returns what @v is then. */
static struct vma *merge_with_previous(struct vmas *vmas, struct env *env, struct vma *v)
{
	struct range *r = rangetree_before(&vmas->tree, v->range.start);
	if (!r || r->end != v->range.start || vma_of(r)->flags != v->flags)
		return v;
	uint64_t end = v->range.end;
	env_charge(env, COST_VMA);
	vmas->merges_count++;
	drop(vmas, v);
	rangetree_remove(&vmas->tree, r);
	r->end = end;
	rangetree_insert(&vmas->tree, r);
	return vma_of(r);
}

static void merge_around(struct vmas *vmas, struct env *env, struct vma *v)
{
	v = merge_with_previous(vmas, env, v);
	struct range *next = rangetree_find(&vmas->tree, v->range.end);
	if (next)
		merge_with_previous(vmas, env, vma_of(next));
}

void vma_add(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end, unsigned flags)
{
	struct vma *v = vma_new(start, end, flags);
	env_charge(env, COST_VMA);
	rangetree_insert(&vmas->tree, &v->range);
	merge_around(vmas, env, v);
}

/* Cut the range around @at in two, if there is one and @at is inside. */
static void cut_at(struct vmas *vmas, struct env *env, uint64_t at)
{
	struct range *r = rangetree_find(&vmas->tree, at);
	if (!r || r->start >= at)
		return;
	struct vma *upper = vma_new(at, r->end, vma_of(r)->flags);
	env_charge(env, COST_VMA);
	vmas->splits_count++;
	rangetree_remove(&vmas->tree, r);
	r->end = at;
	rangetree_insert(&vmas->tree, r);
	rangetree_insert(&vmas->tree, &upper->range);
}

void vma_remove(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end)
{
	struct range *r;
	cut_at(vmas, env, start);
	cut_at(vmas, env, end);
	while ((r = rangetree_find(&vmas->tree, start)) && r->start < end) {
		env_charge(env, COST_VMA);
		drop(vmas, vma_of(r));
	}
}

void vma_change(struct vmas *vmas, struct env *env, uint64_t start, uint64_t end, unsigned set,
		unsigned clear)
{
	for (uint64_t at = start; at < end;) {
		struct range *r = rangetree_find(&vmas->tree, at);
		if (!r || r->start >= end)
			break;
		unsigned flags = (vma_of(r)->flags | set) & ~clear;
		if (flags == vma_of(r)->flags) {
			at = r->end;
			continue;
		}
		at = u64_max(at, r->start);
		cut_at(vmas, env, u64_min(r->end, end)); /* not in a range behind this one */
		cut_at(vmas, env, at);
		struct vma *v = vma_of(rangetree_find(&vmas->tree, at));
		at = v->range.end;
		env_charge(env, COST_VMA);
		v->flags = flags;
		merge_around(vmas, env, v);
	}
}

const char *vma_check(const struct vmas *vmas)
{
	const struct range *r, *before = NULL;
	const char *wrong = rangetree_check(&vmas->tree);
	for (uint64_t at = 0; !wrong && (r = rangetree_find(&vmas->tree, at)); at = r->end) {
		if ((r->start | r->end) % PAGE_BYTES)
			wrong = "a range is not page-aligned";
		if (before && before->end == r->start &&
		    ((const struct vma *)before)->flags == ((const struct vma *)r)->flags)
			wrong = "neighbours that are alike are not one";
		before = r;
	}
	return wrong;
}
