/*
 * Tests of slab_check.c: each invariant is broken on purpose, by writing into frames, lists, arrays
 * and simulated memory, and the check has to name it. Then the structure is made anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"

/*
 * One CPU with an array of 4. "in": 512-byte objects, 8 to a slab of one page, index in an object.
 * Slabs: 0 full, 1 partial (5 of 8 taken, of which 2 are in the array), 2 empty. "red": one slab
 * of guarded and poisoned objects, two of them live. "wide": slabs of two pages, one partial.
 */
struct bench {
	struct slab_machine s;
	struct slab_cache *in, *red, *wide;
	uint64_t o[24], guarded[2], large;
	uint32_t slabs[3], wide_slab;
};

static void bench_init(struct bench *b)
{
	struct object_allocator_params p = slab_machine_params();
	struct check_report report;
	memset(b, 0, sizeof(*b));
	p.cpu_partial_objects = 4;
	p.min_partial_slabs = 5;
	slab_machine_init(&b->s, p, 1);
	b->in = slab_machine_cache(
		&b->s, &(struct object_cache_params){.name = "in", .object_size_bytes = 512});
	b->red = slab_machine_cache(
		&b->s, &(struct object_cache_params){.name = "red",
						     .object_size_bytes = 100,
						     .flags = CACHE_RED_ZONE | CACHE_POISON});
	b->wide = slab_machine_cache(
		&b->s, &(struct object_cache_params){.name = "wide", .object_size_bytes = 2720});
	for (unsigned i = 0; i < 24; i++)
		b->o[i] = slab_machine_alloc(&b->s, 0, b->in);
	for (unsigned i = 0; i < 3; i++)
		b->slabs[i] = (uint32_t)(b->o[8 * i] >> PAGE_SHIFT);
	for (unsigned i = 13; i < 24; i++)
		slab_machine_give(&b->s, 0, b->in, b->o[i]);
	slab_array_drain(b->s.sa, b->in, &b->in->nodes[0], &b->in->arrays[0], &b->s.m.env[0], 4);
	slab_machine_give(&b->s, 0, b->in, b->o[8]);
	slab_machine_give(&b->s, 0, b->in, b->o[9]);
	for (unsigned i = 0; i < 2; i++)
		b->guarded[i] = slab_machine_alloc(&b->s, 0, b->red);
	b->large = slab_machine_alloc(&b->s, 0, b->wide);
	b->wide_slab = (uint32_t)(b->large >> PAGE_SHIFT) & ~1u;
	if (b->s.oa->ops->check(b->s.oa, &report))
		fail_msg("%s", report.text);
	assert_int_equal(b->in->nodes[0].lists[SLAB_FULL].head, b->slabs[0]);
	assert_int_equal(b->in->nodes[0].lists[SLAB_PARTIAL].head, b->slabs[1]);
	assert_int_equal(b->in->nodes[0].lists[SLAB_EMPTY].head, b->slabs[2]);
	assert_int_equal(b->s.sa->frames[b->slabs[1]].active, 5);
}

static struct slab_node *node(struct bench *b)
{
	return &b->in->nodes[0];
}

static struct slab_frame *frame(struct bench *b, unsigned slab)
{
	return &b->s.sa->frames[b->slabs[slab]];
}

static uint8_t *index_of(struct bench *b, unsigned slab)
{
	return slab_index(b->s.sa, b->in, b->slabs[slab]);
}

/* --- A1 --------------------------------------------------------------------------------------- */

static void list_too_long(struct bench *b)
{
	node(b)->lists[SLAB_PARTIAL].count--;
}

static void list_too_short(struct bench *b)
{
	node(b)->lists[SLAB_FULL].count++;
}

static void circle(struct bench *b)
{
	frame(b, 0)->next = b->slabs[0];
}

static void back_link(struct bench *b)
{
	frame(b, 2)->prev = b->slabs[0];
}

static void tail_wrong(struct bench *b)
{
	node(b)->lists[SLAB_EMPTY].tail = b->slabs[1];
}

static void out_of_the_machine(struct bench *b)
{
	frame(b, 1)->next = 0x7fffffff;
}

/* --- A2 --------------------------------------------------------------------------------------- */

static void wrong_list(struct bench *b)
{
	frame(b, 1)->active = 8;
}

static void empty_as_partial(struct bench *b)
{
	frame(b, 2)->active = 1;
}

static void wrong_mark(struct bench *b)
{
	frame(b, 0)->list = SLAB_PARTIAL;
}

static void other_cache(struct bench *b)
{
	frame(b, 0)->cache_id = (uint16_t)((b->red->index + 1) & 0x1fff);
}

/* --- A3 --------------------------------------------------------------------------------------- */

static void free_objects_wrong(struct bench *b)
{
	node(b)->free_objects++;
}

/* --- A4 --------------------------------------------------------------------------------------- */

static void number_twice(struct bench *b)
{
	uint8_t *index = index_of(b, 2);
	index[1] = index[2];
}

static void number_of_none(struct bench *b)
{
	index_of(b, 2)[3] = 8;
}

static void holder_not_last(struct bench *b)
{
	uint8_t *index = index_of(b, 2), last = index[7];
	index[7] = index[6];
	index[6] = last;
}

static void holder_of_none(struct bench *b)
{
	frame(b, 2)->holder = 8;
}

/* --- A5 --------------------------------------------------------------------------------------- */

static void array_over_limit(struct bench *b)
{
	b->in->arrays[0].avail = 5;
}

static void entry_inside_object(struct bench *b)
{
	b->in->arrays[0].entries[0] += 8;
}

static void entry_twice(struct bench *b)
{
	b->in->arrays[0].entries[0] = b->in->arrays[0].entries[1];
}

static void entry_free_in_slab(struct bench *b)
{
	b->in->arrays[0].entries[0] = b->o[23];
}

static void entry_of_other_cache(struct bench *b)
{
	b->in->arrays[0].entries[0] = b->guarded[0];
}

/* --- A6 --------------------------------------------------------------------------------------- */

static void live_too_many(struct bench *b)
{
	b->in->live_count++;
}

static void entry_lost(struct bench *b)
{
	b->in->arrays[0].avail--;
}

static void slabs_too_few(struct bench *b)
{
	b->in->slabs_count--;
}

/* --- A7 --------------------------------------------------------------------------------------- */

static void tail_page_unmarked(struct bench *b)
{
	b->s.sa->frames[b->wide_slab + 1].cache_id = 0;
}

static void tail_page_of_another(struct bench *b)
{
	b->s.sa->frames[b->wide_slab + 1].next = b->slabs[0];
}

static void page_is_free(struct bench *b)
{
	b->s.m.pm.pages[b->slabs[0]].flags = PAGE_BUDDY;
}

/* --- A8 --------------------------------------------------------------------------------------- */

static void written_past_end(struct bench *b)
{
	object_bytes(b->s.oa, b->guarded[0])[100] = 0;
}

static void written_before_start(struct bench *b)
{
	object_bytes(b->s.oa, b->guarded[1])[-1] = 0;
}

static void used_after_free(struct bench *b)
{
	slab_machine_give(&b->s, 0, b->red, b->guarded[0]);
	object_bytes(b->s.oa, b->guarded[0])[99] = 0;
}

static void breakages(void **state)
{
	static const struct {
		const char *text;
		void (*break_it)(struct bench *b);
	} rows[] = {
		{"A1: cache in, node 0: the partial list", list_too_long},
		{"A1: cache in, node 0: the full list has 1 slabs, its count is 2", list_too_short},
		{"A1: cache in, node 0: the full list", circle},
		{"A1: cache in, node 0: the empty list", back_link},
		{"A1: cache in, node 0: the empty list", tail_wrong},
		{"A1: cache in, node 0: the partial list", out_of_the_machine},
		{"A2: cache in, node 0, partial list", wrong_list},
		{"A2: cache in, node 0, empty list", empty_as_partial},
		{"A2: cache in, node 0, full list", wrong_mark},
		{"A2: cache in, node 0, full list", other_cache},
		{"A3: cache in, node 0: 11 free objects in its slabs, counted 12",
		 free_objects_wrong},
		{"A4: cache in", number_twice},
		{"entry 3 of its index is 8, which is none", number_of_none},
		{"A4: cache in", holder_not_last},
		{"A4: cache in", holder_of_none},
		{"A5: cache in: the array of CPU 0 holds 5 objects, limit 4", array_over_limit},
		{"is no object", entry_inside_object},
		{"is free twice", entry_twice},
		{"is free twice", entry_free_in_slab},
		{"A5: cache in: 1 of 2 objects in arrays are in no slab", entry_of_other_cache},
		{"A6: cache in: 13 objects taken out of 3 slabs, 2 in arrays; counted 12 live",
		 live_too_many},
		{"A6: cache in: 13 objects taken out of 3 slabs, 1 in arrays", entry_lost},
		{"A6: cache in", slabs_too_few},
		{"A7: cache wide", tail_page_unmarked},
		{"A7: cache wide", tail_page_of_another},
		{"A7: cache in", page_is_free},
		{"A8: cache red", written_past_end},
		{"A8: cache red", written_before_start},
		{"A8: cache red", used_after_free},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		struct check_report report;
		bench_init(&b);
		rows[i].break_it(&b);
		if (!b.s.oa->ops->check(b.s.oa, &report))
			fail_msg("row %zu: \"%s\" was not found", i, rows[i].text);
		if (!strstr(report.text, rows[i].text))
			fail_msg("\"%s\" instead of \"%s\"", report.text, rows[i].text);
		slab_machine_release(&b.s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(breakages)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
