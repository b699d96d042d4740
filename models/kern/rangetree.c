/*
 * rangetree.c - see rangetree.h.
 *
 * A treap: a search tree by address that is a heap by priority, which is a hash of the address. So
 * it has the shape that inserting in order of priority would give, about 2 log2(n) deep, whatever
 * the order of changes was. Every node knows the first start, the last end and the largest gap of
 * its part of the tree:
 *
 *               [40,50)  low 0, high 90, gap 20
 *              /       \
 *        [0,20)         [60,70)  low 60, high 90, gap 10
 *                              \
 *                               [80,90)
 *
 * A search for 15 free bytes goes where a gap of 15 is known to be: left of the root there is none
 * inside, but between the left part's end, 20, and the root's start, 40.
 *
 * Invariants: ranges are in order and disjoint; priorities fall from the root down; low, high and
 * gap are those of the part below; count is the number of ranges.
 */
#include "kern/rangetree.h"

#include "kern/bug.h"
#include "kern/types.h"

/* Mixes all bits (the finalizer of splitmix64). */
static uint64_t priority_of(uint64_t start)
{
	uint64_t z = start + UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* What a node knows of its part of the tree, from its children's. */
static void update(struct range *r)
{
	const struct range *left = r->left, *right = r->right;
	r->low = left ? left->low : r->start;
	r->high = right ? right->high : r->end;
	r->gap = 0;
	if (left)
		r->gap = u64_max(left->gap, r->start - left->high);
	if (right)
		r->gap = u64_max(r->gap, u64_max(right->gap, right->low - r->end));
}

/* Cut a tree in two: ranges that start below @at, and the others. */
static void cut(struct range *r, uint64_t at, struct range **below, struct range **above)
{
	if (!r) {
		*below = *above = NULL;
	} else if (r->start < at) {
		cut(r->right, at, &r->right, above);
		*below = r;
		update(r);
	} else {
		cut(r->left, at, below, &r->left);
		*above = r;
		update(r);
	}
}

/* All of @low is below all of @high. */
static struct range *join(struct range *low, struct range *high)
{
	if (!low || !high)
		return low ? low : high;
	if (low->priority > high->priority) {
		low->right = join(low->right, high);
		update(low);
		return low;
	}
	high->left = join(low, high->left);
	update(high);
	return high;
}

static void insert(struct range **place, struct range *new)
{
	struct range *r = *place;
	if (!r || new->priority > r->priority) {
		cut(r, new->start, &new->left, &new->right);
		BUG_ON((new->left &&new->left->high > new->start) ||
			       (new->right &&new->right->low < new->end),
		       "range %#llx-%#llx overlaps another", (unsigned long long)new->start,
		       (unsigned long long)new->end);
		*place = r = new;
	} else {
		BUG_ON(new->start<r->end &&new->end> r->start, "range %#llx-%#llx overlaps another",
		       (unsigned long long)new->start, (unsigned long long)new->end);
		insert(new->start < r->start ? &r->left : &r->right, new);
	}
	update(r);
}

void rangetree_insert(struct rangetree *t, struct range *r)
{
	BUG_ON(r->start >= r->end, "range %#llx-%#llx", (unsigned long long)r->start,
	       (unsigned long long)r->end);
	r->priority = priority_of(r->start);
	r->left = r->right = NULL;
	insert(&t->root, r);
	t->count++;
}

static void take_out(struct range **place, struct range *out)
{
	struct range *r = *place;
	BUG_ON(!r, "range %#llx-%#llx is not in the tree", (unsigned long long)out->start,
	       (unsigned long long)out->end);
	if (r == out) {
		*place = join(r->left, r->right);
		return;
	}
	take_out(out->start < r->start ? &r->left : &r->right, out);
	update(r);
}

void rangetree_remove(struct rangetree *t, struct range *r)
{
	take_out(&t->root, r);
	t->count--;
}

struct range *rangetree_find(const struct rangetree *t, uint64_t at)
{
	struct range *found = NULL;
	for (struct range *r = t->root; r; r = r->end > at ? r->left : r->right) {
		if (r->end > at)
			found = r;
	}
	return found;
}

struct range *rangetree_before(const struct rangetree *t, uint64_t at)
{
	struct range *found = NULL;
	for (struct range *r = t->root; r; r = r->end <= at ? r->right : r->left) {
		if (r->end <= at)
			found = r;
	}
	return found;
}

struct fit {
	uint64_t bytes, align;
	uint64_t start; /* what is wanted begins here or later */
};

/* Is there room in the gap [start, end)? Its first place is stored. */
static bool gap_fits(const struct fit *f, uint64_t start, uint64_t end, uint64_t *at)
{
	uint64_t place = u64_max(start, f->start);
	*at = (place + f->align - 1) & ~(f->align - 1);
	return *at >= place && *at <= end && end - *at >= f->bytes;
}

/* The lowest place between ranges of this part of the tree. */
static bool fit_inside(const struct fit *f, const struct range *r, uint64_t *at)
{
	if (!r || r->gap < f->bytes || r->high <= f->start)
		return false;
	if (fit_inside(f, r->left, at))
		return true;
	if (r->left && gap_fits(f, r->left->high, r->start, at))
		return true;
	if (r->right && gap_fits(f, r->end, r->right->low, at))
		return true;
	return fit_inside(f, r->right, at);
}

uint64_t rangetree_fit(const struct rangetree *t, uint64_t start, uint64_t end, uint64_t bytes,
		       uint64_t align)
{
	const struct fit f = {.bytes = bytes, .align = align, .start = start};
	const struct range *root = t->root;
	uint64_t at;
	bool found = root ? gap_fits(&f, start, root->low, &at) || fit_inside(&f, root, &at) ||
				     gap_fits(&f, root->high, end, &at)
			  : gap_fits(&f, start, end, &at);
	return found && at <= end && end - at >= bytes ? at : UINT64_MAX;
}

static const char *check_below(const struct range *r, size_t *count)
{
	if (!r)
		return NULL;
	struct range copy = *r;
	update(&copy);
	++*count;
	if (r->start >= r->end)
		return "a range ends before it starts";
	if ((r->left && r->left->high > r->start) || (r->right && r->right->low < r->end))
		return "ranges overlap or are out of order";
	if ((r->left && r->left->priority > r->priority) ||
	    (r->right && r->right->priority > r->priority))
		return "priorities rise";
	if (copy.low != r->low || copy.high != r->high || copy.gap != r->gap)
		return "a node is wrong about the ranges below it";
	const char *wrong = check_below(r->left, count);
	return wrong ? wrong : check_below(r->right, count);
}

const char *rangetree_check(const struct rangetree *t)
{
	size_t count = 0;
	const char *wrong = check_below(t->root, &count);
	if (!wrong && count != t->count)
		wrong = "the number of ranges is wrong";
	return wrong;
}
