/*
 * Tests of what slub notices: each invariant is broken on purpose and slub_check() has to name it;
 * writes past an object and to a free one are found by the check, and by the next allocation or
 * free, which stops the program (run in a child process).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"
#include "alloc/slub.h"
#include "kern/child_program.h"

static const struct op_params two_cpus = {.zone_pages = 4096, .cpus_count = 2};

/*
 * A machine with something on every list: CPU 0 has a current slab with free objects of its own and
 * one freed by CPU 1, and two slabs in stock; the node has two, one slab is full.
 */
struct bench {
	struct object_rig r;
	struct object_cache *c;
	struct slub *sa;
	uint64_t objects[8 * 64];
};

static void bench_init(struct bench *b, unsigned flags, bool hardened)
{
	struct object_allocator_params p;
	object_params_init(&p);
	p.freelist_hardened = hardened;
	p.debug_flags = flags & SLUB_DEBUG_FLAGS;
	memset(b, 0, sizeof(*b));
	rig_init(&b->r, "slub", &two_cpus, &p);
	b->c = rig_sized(&b->r, "bench", 64, flags & CACHE_KMALLOC);
	b->sa = (struct slub *)b->r.oa;
	unsigned each = b->c->l.objects;
	for (unsigned i = 0; i < 8 * each; i++)
		b->objects[i] = rig_alloc(&b->r, b->c, 0);
	for (unsigned slab = 0; slab < 6; slab++)
		rig_free(&b->r, b->c, 0, b->objects[slab * each + 7]);
	for (unsigned i = 0; i < 5; i++)
		rig_free(&b->r, b->c, i == 2, b->objects[7 * each + i]);
}

static pfn_t current_pfn(struct bench *b)
{
	return b->c->cpus[0].start >> PAGE_SHIFT;
}

static struct slab *slab_at(struct bench *b, pfn_t pfn)
{
	return &b->sa->slabs[pfn];
}

static struct slab_list *node_list(struct bench *b)
{
	return &b->c->nodes[0].partial;
}

static void count_too_large(struct bench *b)
{
	node_list(b)->count++;
}

static void back_link_wrong(struct bench *b)
{
	slab_at(b, node_list(b)->tail)->prev = 0;
}

static void circle(struct bench *b)
{
	slab_at(b, node_list(b)->tail)->next = node_list(b)->head;
}

static void link_out_of_the_machine(struct bench *b)
{
	slab_at(b, node_list(b)->tail)->next = UINT32_MAX - 5;
}

static void tail_wrong(struct bench *b)
{
	node_list(b)->tail = node_list(b)->head;
}

static void on_another_list(struct bench *b)
{
	slab_at(b, node_list(b)->head)->list = LIST_CPU_PARTIAL;
}

static void not_a_slab(struct bench *b)
{
	slab_at(b, node_list(b)->head)->kind = SLAB_NOT;
}

static void of_another_cache(struct bench *b)
{
	slab_at(b, node_list(b)->head)->cache = 77;
}

static void too_many_objects(struct bench *b)
{
	slab_at(b, node_list(b)->head)->objects++;
}

static void page_is_free(struct bench *b)
{
	b->r.m.pm.pages[node_list(b)->head].flags |= PAGE_PCP;
}

static void more_in_use_than_there_are(struct bench *b)
{
	slab_at(b, node_list(b)->head)->inuse = 65;
}

static void first_free_wrong(struct bench *b)
{
	slab_at(b, node_list(b)->head)->free = 64;
}

static void free_object_lost(struct bench *b)
{
	slab_at(b, node_list(b)->head)->inuse++;
}

static void link_into_an_object(struct bench *b)
{
	link_store(b->c, b->objects[7], b->objects[8] + 8);
}

static void link_to_another_slab(struct bench *b)
{
	link_store(b->c, b->objects[7], b->objects[64]);
}

static void link_to_itself(struct bench *b)
{
	link_store(b->c, b->objects[7], b->objects[7]);
}

static void link_overwritten(struct bench *b)
{
	memset(b->c->ram + b->objects[7], 0xff, 40);
	b->c->ram[b->objects[7] + b->c->l.link_offset] = 0x40;
}

static void own_list_in_shared(struct bench *b)
{
	struct slab *s = slab_at(b, current_pfn(b));
	link_store(b->c, object_at(b->c, current_pfn(b), s->free), b->c->cpus[0].free);
	s->inuse = (uint16_t)(s->inuse - 4);
}

static void not_frozen(struct bench *b)
{
	slab_at(b, current_pfn(b))->frozen = 0;
	slab_at(b, current_pfn(b))->free = SLAB_FREE_END;
	slab_at(b, current_pfn(b))->inuse = 64;
}

static void nobodys_frozen(struct bench *b)
{
	slab_at(b, node_list(b)->head)->frozen = 1;
}

static void current_twice(struct bench *b)
{
	b->c->cpus[1].start = b->c->cpus[0].start;
	b->c->cpus[1].bytes = b->c->cpus[0].bytes;
}

static void own_list_without_slab(struct bench *b)
{
	b->c->cpus[1].free = b->objects[0];
}

static void current_is_no_slab(struct bench *b)
{
	b->c->cpus[1].start = 4000 * PAGE_BYTES;
	b->c->cpus[1].bytes = PAGE_BYTES;
}

static void full_on_a_partial_list(struct bench *b)
{
	struct slab *s = slab_at(b, node_list(b)->head);
	s->free = SLAB_FREE_END;
	s->inuse = s->objects;
}

static void free_objects_on_no_list(struct bench *b)
{
	pfn_t pfn = node_list(b)->head;
	slab_list_remove(b->sa, node_list(b), pfn);
	slab_list_add(b->sa, &b->c->unlisted, pfn, LIST_UNLISTED, true);
}

static void too_much_in_stock(struct bench *b)
{
	while (node_list(b)->count) {
		pfn_t pfn = node_list(b)->head;
		b->c->nodes[0].free_objects--;
		slab_list_remove(b->sa, node_list(b), pfn);
		slab_list_add(b->sa, &b->c->cpus[0].partial, pfn, LIST_CPU_PARTIAL, true);
	}
}

static void node_free_wrong(struct bench *b)
{
	b->c->nodes[0].free_objects++;
}

static void slabs_count_wrong(struct bench *b)
{
	b->c->slabs_count++;
}

static void pages_count_wrong(struct bench *b)
{
	b->c->pages_count--;
}

static void objects_count_wrong(struct bench *b)
{
	b->c->objects_count += 64;
}

static void live_count_wrong(struct bench *b)
{
	b->c->slow_frees_count++;
}

struct breakage {
	const char *id;
	void (*break_it)(struct bench *b);
};

static const struct breakage breakages[] = {
	{"S1: ", count_too_large},
	{"S1: ", back_link_wrong},
	{"S1: ", circle},
	{"S1: ", link_out_of_the_machine},
	{"S1: ", tail_wrong},
	{"S1: ", on_another_list},
	{"S1: ", not_a_slab},
	{"S2: ", of_another_cache},
	{"S2: ", too_many_objects},
	{"S2: ", page_is_free},
	{"S2: ", more_in_use_than_there_are},
	{"S3: ", first_free_wrong},
	{"S3: ", free_object_lost},
	{"S3: ", link_into_an_object},
	{"S3: ", link_to_another_slab},
	{"S3: ", link_to_itself},
	{"S3: ", link_overwritten},
	{"S4: ", own_list_in_shared},
	{"S4: ", not_frozen},
	{"S4: ", nobodys_frozen},
	{"S4: ", current_twice},
	{"S4: ", own_list_without_slab},
	{"S4: ", current_is_no_slab},
	{"S5: ", full_on_a_partial_list},
	{"S5: ", free_objects_on_no_list},
	{"S5: ", too_much_in_stock},
	{"S6: ", node_free_wrong},
	{"S6: ", slabs_count_wrong},
	{"S6: ", pages_count_wrong},
	{"S6: ", objects_count_wrong},
	{"S6: ", live_count_wrong},
};

static void assert_named(struct bench *b, const struct breakage *breakage, size_t number)
{
	struct check_report report;
	if (slub_check(b->r.oa, &report) != 0)
		fail_msg("sound structure: %s", report.text);
	breakage->break_it(b);
	int found = slub_check(b->r.oa, &report);
	if (found != -1 || strncmp(report.text, breakage->id, 4) != 0)
		fail_msg("breakage %zu of %.2s is reported as \"%s\"", number, breakage->id,
			 found ? report.text : "");
}

static void each_invariant_is_named(void **state)
{
	for (unsigned hardened = 0; hardened < 2; hardened++) {
		for (size_t i = 0; i < ARRAY_SIZE(breakages); i++) {
			struct bench b;
			bench_init(&b, 0, hardened);
			assert_named(&b, &breakages[i], i);
			rig_release(&b.r);
		}
	}
}

/* All pages of a slab lead to its first one. */
static void pages_of_large_slabs(void **state)
{
	struct object_rig r;
	struct check_report report;
	uint64_t start;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &two_cpus, NULL);
	struct object_cache *c = rig_sized(&r, "large", 5000, 0);
	struct slub *sa = (struct slub *)r.oa;
	uint64_t a = rig_alloc(&r, c, 0);
	assert_int_equal(c->l.order, 3);
	assert_ptr_equal(r.oa->ops->cache_of(r.oa, a + 4999, &start), c);
	assert_int_equal(start, a);
	assert_null(r.oa->ops->cache_of(r.oa, UINT64_C(1) << 40, &start));
	sa->slabs[(a >> PAGE_SHIFT) + 5].next++;
	assert_int_equal(slub_check(r.oa, &report), -1);
	assert_memory_equal(report.text, "S2: ", 4);
	rig_release(&r);
}

/* --- red zones and poison --------------------------------------------------------------------- */

#define GUARDED (CACHE_RED_ZONE | CACHE_POISON)

static uint8_t *live_object(struct bench *b)
{
	return b->c->ram + b->objects[0];
}

static uint8_t *free_object(struct bench *b)
{
	return b->c->ram + b->objects[7];
}

static void one_past_the_end(struct bench *b)
{
	live_object(b)[64] = 0;
}

static void one_before_the_start(struct bench *b)
{
	live_object(b)[-1] = 0;
}

static void past_a_free_one(struct bench *b)
{
	free_object(b)[65] = 0xcc;
}

static void first_byte_after_free(struct bench *b)
{
	free_object(b)[0] = 0;
}

static void last_byte_after_free(struct bench *b)
{
	free_object(b)[63] = 0xa6;
}

static void far_past_the_end(struct bench *b)
{
	live_object(b)[b->c->l.size - b->c->l.left_pad - 1] = 0;
}

static void behind_the_last_object(struct bench *b)
{
	pfn_t pfn = b->objects[0] >> PAGE_SHIFT;
	b->c->ram[(pfn << PAGE_SHIFT) + (PAGE_BYTES << b->c->l.order) - 1] = 0;
}

static const struct breakage writes[] = {
	{"S7: ", one_past_the_end},       {"S7: ", one_before_the_start},
	{"S7: ", past_a_free_one},        {"S8: ", first_byte_after_free},
	{"S8: ", last_byte_after_free},   {"S8: ", far_past_the_end},
	{"S8: ", behind_the_last_object},
};

static void writes_are_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++) {
		struct bench b;
		bench_init(&b, GUARDED, false);
		assert_true(b.c->l.objects * b.c->l.size < PAGE_BYTES << b.c->l.order);
		assert_named(&b, &writes[i], i);
		rig_release(&b.r);
	}
}

static uint64_t alloc_bytes(struct object_rig *r, struct object_cache *c, uint64_t bytes, gfp_t gfp)
{
	enum alloc_failure why;
	return r->oa->ops->alloc(r->oa, &r->m.env[0], c, bytes, gfp, 0, &why);
}

/* In a size class, what was not asked for is red, too. Users may write all that they asked for. */
static void past_the_requested_bytes(void **state)
{
	for (uint64_t bytes = 1; bytes <= 64; bytes += 9) {
		struct bench b;
		struct check_report report;
		bench_init(&b, GUARDED | CACHE_KMALLOC, false);
		uint64_t a = alloc_bytes(&b.r, b.c, bytes, GFP_KERNEL | __GFP_ZERO);
		memset(b.c->ram + a, 0x11, bytes);
		rig_check(&b.r);
		b.c->ram[a + bytes] = 0;
		assert_int_equal(slub_check(b.r.oa, &report), -1);
		assert_memory_equal(report.text, "S7: ", 4);
		b.c->ram[a + bytes] = 0xcc;
		rig_free(&b.r, b.c, 1, a);
		rig_check(&b.r);
		rig_release(&b.r);
	}
}

/* Debugged caches go through the node's list only, and work as others do. */
static void paths_of_debugged_caches(void **state)
{
	struct object_rig r;
	memset(&r, 0, sizeof(r));
	rig_init(&r, "slub", &two_cpus, NULL);
	struct object_cache *c = rig_sized(&r, "watched", 4096, GUARDED);
	unsigned each = rig_stats(&r, c).objects_per_slab;
	uint64_t objects[64];
	for (unsigned i = 0; i < 8 * each; i++) {
		objects[i] = rig_alloc(&r, c, i % 2);
		assert_int_equal(rig_path(&r, i % 2),
				 i % each ? PATH_SLAB_NODE_PARTIAL : PATH_SLAB_NEW);
	}
	assert_string_equal(rig_slabs(&r, c), "-:7,7,7,7,7,7,7,7");
	for (unsigned i = 0; i < 8; i++)
		rig_free(&r, c, 0, objects[i * each]);
	rig_check(&r);
	assert_string_equal(rig_slabs(&r, c), "n:6,6,6,6,6,6,6,6");
	for (unsigned i = 1; i < each; i++)
		rig_free(&r, c, 1, objects[i]);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_DISCARD);
	rig_check(&r);
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.fast_allocs_count + s.fast_frees_count, 0);
	assert_int_equal(s.live_count, 7 * 6);
	assert_int_equal(s.active_count, 7 * 6);
	rig_release(&r);
}

/* --- what stops the program ------------------------------------------------------------------- */

static void free_past_the_end(struct bench *b)
{
	one_past_the_end(b);
	rig_free(&b->r, b->c, 0, b->objects[0]);
}

static void alloc_after_use(struct bench *b)
{
	/* The head of the node's list is the slab that was filled last or first; use its object. */
	pfn_t pfn = b->c->nodes[0].partial.head;
	b->c->ram[object_at(b->c, pfn, slab_at(b, pfn)->free) + 5] = 1;
	rig_alloc(&b->r, b->c, 0);
}

static void free_twice(struct bench *b)
{
	rig_free(&b->r, b->c, 1, b->objects[9]);
	rig_free(&b->r, b->c, 1, b->objects[9]);
}

static void free_own_twice(struct bench *b)
{
	unsigned each = b->c->l.objects;
	rig_free(&b->r, b->c, 0, b->objects[7 * each + 20]);
	rig_free(&b->r, b->c, 0, b->objects[7 * each + 20]);
}

static void free_inside(struct bench *b)
{
	rig_free(&b->r, b->c, 0, b->objects[0] + 8);
}

static void free_nothing(struct bench *b)
{
	rig_free(&b->r, b->c, 0, 4000 * PAGE_BYTES);
}

static void free_to_another_cache(struct bench *b)
{
	struct object_cache *other = rig_sized(&b->r, "other", 128, 0);
	rig_free(&b->r, other, 0, b->objects[0]);
}

static void use_link(struct bench *b)
{
	memset(b->c->ram + b->c->cpus[0].free, 0x41, 64);
	rig_alloc(&b->r, b->c, 0);
}

static const struct fatal {
	unsigned flags;
	bool hardened;
	void (*run)(struct bench *b);
	const char *text;
} fatals[] = {
	{GUARDED, false, free_past_the_end, "the red zone of the live object"},
	{GUARDED, false, free_past_the_end, "was overwritten: 0 instead of 0xcc at"},
	{CACHE_RED_ZONE, false, free_past_the_end, "cache bench: the red zone of the live object"},
	{GUARDED, false, alloc_after_use, "was overwritten: 0x1 instead of 0x6b at"},
	{CACHE_POISON, false, alloc_after_use, "cache bench: the poison of the free object"},
	{GUARDED, false, free_twice, "is freed, which is free"},
	{0, true, free_twice, "is freed twice"},
	{0, true, free_own_twice, "is freed, which is free or no object"},
	{0, false, free_inside, "which is no object of it"},
	{0, true, free_nothing, "which is no object of it"},
	{0, false, free_to_another_cache, "cache other: free of"},
	{0, false, use_link, "cache bench: the link of the free object"},
	{0, true, use_link, "cache bench: the link of the free object"},
};

static void program(void *arg)
{
	const struct fatal *f = arg;
	struct bench b;
	bench_init(&b, f->flags, f->hardened);
	f->run(&b);
}

static void misuse_stops_the_program(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatals); i++) {
		struct fatal f = fatals[i];
		struct child_end end;
		child_run(program, &f, &end);
		if (!child_aborted(&end, f.text))
			fail_msg("misuse %zu: status %#x, \"%s\" instead of \"%s\"", i,
				 (unsigned)end.status, end.text, f.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_invariant_is_named),
		cmocka_unit_test(pages_of_large_slabs),
		cmocka_unit_test(writes_are_named),
		cmocka_unit_test(past_the_requested_bytes),
		cmocka_unit_test(paths_of_debugged_caches),
		cmocka_unit_test(misuse_stops_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
