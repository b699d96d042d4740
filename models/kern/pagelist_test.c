/* Tests of pagelist.h against an array that holds the same sequence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/pagelist.h"
#include "kern/rng.h"

#define FRAMES 64

static struct page pages[FRAMES];

struct model {
	uint32_t pfn[FRAMES];
	unsigned count;
};

static void assert_same(const struct pagelist *l, const struct model *m)
{
	uint32_t prev = PAGE_LINK_NONE, p = l->head;
	assert_int_equal(l->count, m->count);
	for (unsigned i = 0; i < m->count; i++) {
		assert_int_equal(p, m->pfn[i]);
		assert_int_equal(pages[p].prev, prev);
		prev = p;
		p = pages[p].next;
	}
	assert_int_equal(p, PAGE_LINK_NONE);
	assert_int_equal(l->tail, prev);
}

static void model_remove(struct model *m, unsigned i)
{
	m->count--;
	memmove(&m->pfn[i], &m->pfn[i + 1], (m->count - i) * sizeof(m->pfn[0]));
}

static void ends_and_middle(void **state)
{
	struct pagelist l;
	pagelist_init(&l);
	assert_same(&l, &(struct model){.count = 0});
	pagelist_push_head(&l, pages, 0);
	assert_same(&l, &(struct model){{0}, 1});
	pagelist_push_tail(&l, pages, FRAMES - 1);
	pagelist_push_head(&l, pages, 7);
	assert_same(&l, &(struct model){{7, 0, FRAMES - 1}, 3});
	pagelist_remove(&l, pages, 0);
	assert_same(&l, &(struct model){{7, FRAMES - 1}, 2});
	pagelist_remove(&l, pages, FRAMES - 1);
	pagelist_remove(&l, pages, 7);
	assert_same(&l, &(struct model){.count = 0});
}

static void random_changes(void **state)
{
	struct pagelist l;
	struct model m = {.count = 0};
	bool on[FRAMES] = {false};
	struct rng r;
	rng_init(&r, 1, 0);
	pagelist_init(&l);
	for (int i = 0; i < 20000; i++) {
		uint32_t p = (uint32_t)rng_below(&r, FRAMES);
		if (on[p]) {
			unsigned at = 0;
			while (m.pfn[at] != p)
				at++;
			model_remove(&m, at);
			pagelist_remove(&l, pages, p);
		} else if (rng_u64(&r) & 1) {
			memmove(&m.pfn[1], &m.pfn[0], m.count * sizeof(m.pfn[0]));
			m.pfn[0] = p;
			m.count++;
			pagelist_push_head(&l, pages, p);
		} else {
			m.pfn[m.count++] = p;
			pagelist_push_tail(&l, pages, p);
		}
		on[p] = !on[p];
		assert_same(&l, &m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_and_middle),
		cmocka_unit_test(random_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
