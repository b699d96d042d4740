/* Ranges against an array of bytes; every invariant broken; the largest trees stay fast. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kern/child_program.h"
#include "kern/rangetree.h"
#include "kern/rng.h"
#include "kern/types.h"

#define SPACE 512u

struct model {
	struct rangetree tree;
	struct range *owner[SPACE]; /* by address */
};

static void check(const struct model *m)
{
	const char *wrong = rangetree_check(&m->tree);
	if (wrong)
		fail_msg("%s", wrong);
}

static uint64_t naive_fit(const struct model *m, uint64_t start, uint64_t end, uint64_t bytes,
			  uint64_t align)
{
	for (uint64_t at = (start + align - 1) / align * align; at + bytes <= end; at += align) {
		uint64_t free = 0;
		while (free < bytes && !m->owner[at + free])
			free++;
		if (free == bytes)
			return at;
	}
	return UINT64_MAX;
}

static void compare(const struct model *m, struct rng *rng)
{
	uint64_t at = rng_below(rng, SPACE), k;
	for (k = at; k < SPACE && !m->owner[k]; k++)
		;
	assert_ptr_equal(rangetree_find(&m->tree, at), k < SPACE ? m->owner[k] : NULL);
	for (k = at; k > 0 && (!m->owner[k - 1] || m->owner[k - 1]->end > at); k--)
		;
	assert_ptr_equal(rangetree_before(&m->tree, at), k ? m->owner[k - 1] : NULL);
	uint64_t start = rng_below(rng, SPACE), end = start + rng_below(rng, SPACE - start + 1);
	uint64_t bytes = 1 + rng_below(rng, 40), align = UINT64_C(1) << rng_below(rng, 5);
	assert_int_equal(rangetree_fit(&m->tree, start, end, bytes, align),
			 naive_fit(m, start, end, bytes, align));
}

static void random_run(void **state)
{
	struct model m = {0};
	struct rng rng;
	rng_init(&rng, 1, 0);
	for (int step = 0; step < 20000; step++) {
		uint64_t at = rng_below(&rng, SPACE), bytes = 1 + rng_below(&rng, 16);
		struct range *r = m.owner[at];
		if (r) {
			for (uint64_t k = r->start; k < r->end; k++)
				m.owner[k] = NULL;
			rangetree_remove(&m.tree, r);
			free(r);
		} else {
			at = rangetree_fit(&m.tree, at, SPACE, bytes, 1);
			if (at == UINT64_MAX)
				continue;
			r = calloc(1, sizeof(*r));
			r->start = at;
			r->end = at + bytes;
			rangetree_insert(&m.tree, r);
			for (uint64_t k = at; k < at + bytes; k++)
				m.owner[k] = r;
		}
		check(&m);
		compare(&m, &rng);
	}
	while (m.tree.root) {
		struct range *r = m.tree.root;
		rangetree_remove(&m.tree, r);
		free(r);
	}
	assert_int_equal(m.tree.count, 0);
}

static unsigned depth(const struct range *r)
{
	if (!r)
		return 0;
	unsigned left = depth(r->left), right = depth(r->right);
	return 1 + (left > right ? left : right);
}

/* 100,000 ranges in order of address, the worst case of a tree that is not balanced. */
static void many_ranges(void **state)
{
	enum { N = 100000 };
	struct range *ranges = calloc(N, sizeof(*ranges));
	struct rangetree t = {0};
	for (uint64_t i = 0; i < N; i++) {
		ranges[i].start = i << 13;
		ranges[i].end = (i << 13) + 4096;
		rangetree_insert(&t, &ranges[i]);
	}
	assert_null(rangetree_check(&t));
	assert_in_range(depth(t.root), 17, 60);
	rangetree_remove(&t, &ranges[70000]);
	assert_int_equal(rangetree_fit(&t, 0, UINT64_MAX, 12288, 4096),
			 (UINT64_C(70000) << 13) - 4096);
	assert_int_equal(rangetree_fit(&t, 0, UINT64_MAX, 16384, 4096), (N << 13) - 4096);
	free(ranges);
}

/* The ends of the 64-bit addresses don't wrap around. */
static void last_addresses(void **state)
{
	struct rangetree t = {0};
	struct range r = {.start = UINT64_MAX - 8191, .end = UINT64_MAX - 4095};
	assert_int_equal(rangetree_fit(&t, UINT64_MAX - 100, UINT64_MAX, 1, 4096), UINT64_MAX);
	rangetree_insert(&t, &r);
	assert_int_equal(rangetree_fit(&t, UINT64_MAX - 8191, UINT64_MAX, 4096, 4096), UINT64_MAX);
	assert_int_equal(rangetree_fit(&t, UINT64_MAX - 8191, UINT64_MAX, 4095, 4096),
			 UINT64_MAX - 4095);
}

static void refused(const struct rangetree *t, const char *what)
{
	assert_string_equal(rangetree_check(t), what);
}

static void invariants_broken(void **state)
{
	struct range r[] = {
		{.start = 10, .end = 20}, {.start = 40, .end = 50}, {.start = 60, .end = 70}};
	struct rangetree t = {0};
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		rangetree_insert(&t, &r[i]);
	assert_null(rangetree_check(&t));
	t.count++;
	refused(&t, "the number of ranges is wrong");
	t.count--;
	struct range *root = t.root;
	root->gap++;
	refused(&t, "a node is wrong about the ranges below it");
	root->gap--;
	uint64_t priority = root->priority;
	root->priority = 0;
	refused(&t, "priorities rise");
	root->priority = priority;
	uint64_t end = root->end;
	root->end = root->start;
	refused(&t, "a range ends before it starts");
	root->end = end;
	r[0].end = r[0].high = 45;
	refused(&t, "ranges overlap or are out of order");
}

static void insert_overlapping(void *arg)
{
	struct range r[] = {{.start = 10, .end = 20}, {.start = 19, .end = 30}};
	struct rangetree t = {0};
	rangetree_insert(&t, &r[0]);
	rangetree_insert(&t, &r[1]);
}

static void insert_empty(void *arg)
{
	struct range r = {.start = 10, .end = 10};
	struct rangetree t = {0};
	rangetree_insert(&t, &r);
}

static void remove_missing(void *arg)
{
	struct range r = {.start = 10, .end = 20};
	struct rangetree t = {0};
	rangetree_remove(&t, &r);
}

static void misuse(void **state)
{
	struct child_end end;
	child_run(insert_overlapping, NULL, &end);
	assert_true(child_aborted(&end, "overlaps another"));
	child_run(insert_empty, NULL, &end);
	assert_true(child_aborted(&end, "range 0xa-0xa"));
	child_run(remove_missing, NULL, &end);
	assert_true(child_aborted(&end, "is not in the tree"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_run),     cmocka_unit_test(many_ranges),
		cmocka_unit_test(last_addresses), cmocka_unit_test(invariants_broken),
		cmocka_unit_test(misuse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
