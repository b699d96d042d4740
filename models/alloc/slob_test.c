/*
 * Tests of slob.c, slob_cache.c and slob_check.c: where objects are cut, what is written into free
 * memory, which pages are searched; each invariant broken on purpose; misuse that stops at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_oracle.h"
#include "alloc/slob.h"
#include "kern/child_program.h"

static const struct op_params one_zone = {.zone_pages = 4096, .unchecked = true, .cpus_count = 2};

struct bench {
	struct object_machine om;
	struct object_allocator *oa;
	struct slob *s;
	struct object_cache *c12, *c100, *c30, *c2, *kmalloc;
};

static struct object_cache *cache(struct bench *b, uint64_t bytes, uint64_t align, unsigned flags)
{
	char name[CACHE_NAME_SIZE];
	snprintf(name, sizeof(name), "c%llu", (unsigned long long)bytes);
	const struct object_cache_params p = {
		.name = name,
		.object_size_bytes = bytes,
		.align_bytes = align,
		.flags = flags,
	};
	struct err err = {0};
	struct object_cache *c = b->oa->ops->cache_new(b->oa, &p, &err);
	if (!c)
		fail_msg("%s", err.text);
	return c;
}

static void bench_init(struct bench *b)
{
	struct object_allocator_params p;
	memset(b, 0, sizeof(*b));
	object_params_init(&p);
	object_machine_init(&b->om, &one_zone, object_allocator_find("slob"), &p, NULL, 0);
	b->oa = b->om.oa;
	b->s = slob_of(b->oa);
	/* Packed, to see every byte: alignment 8 is the least that a cache can have. */
	b->c12 = cache(b, 12, 0, 0);
	b->c100 = cache(b, 100, 0, 0);
	b->c30 = cache(b, 30, 0, 0);
	b->c2 = cache(b, 2, 0, 0);
	b->kmalloc = cache(b, 512, 8, CACHE_KMALLOC);
}

static void assert_check(struct bench *b)
{
	struct check_report report;
	if (b->oa->ops->check(b->oa, &report) != 0)
		fail_msg("%s", report.text);
}

static uint64_t take_on(struct bench *b, unsigned cpu, struct object_cache *c, uint64_t bytes)
{
	enum alloc_failure why = ALLOC_FAILURES;
	uint64_t paddr = b->oa->ops->alloc(b->oa, &b->om.m.env[cpu], c, bytes, GFP_KERNEL, 0, &why);
	assert_int_equal(why, ALLOC_OK);
	assert_check(b);
	return paddr;
}

static uint64_t take(struct bench *b, struct object_cache *c)
{
	return take_on(b, 0, c, slob_cache_from(c)->stats.object_size_bytes);
}

static void give(struct bench *b, struct object_cache *c, uint64_t paddr)
{
	b->oa->ops->free_object(b->oa, &b->om.m.env[0], c, paddr);
	assert_check(b);
}

static struct object_cache_stats stats(struct bench *b, struct object_cache *c)
{
	struct object_cache_stats st;
	b->oa->ops->cache_stats(b->oa, c, &st);
	return st;
}

static void release(struct bench *b)
{
	object_machine_release(&b->om);
}

/* --- inside a page ---------------------------------------------------------------------------- */

/* Objects of 16, 104 and 32 bytes apart; words of the free list where the middle one was. */
static void free_list_lies_in_the_page(void **state)
{
	struct bench b;
	bench_init(&b);
	uint64_t first = take(&b, b.c12), middle = take(&b, b.c100), last = take(&b, b.c30);
	pfn_t pfn = first >> PAGE_SHIFT;
	const struct slob_page *sp = &b.s->pages[pfn];
	const int16_t *words = (const int16_t *)(b.om.m.pm.ram + pfn * PAGE_BYTES);
	assert_int_equal(first % PAGE_BYTES, 0);
	assert_int_equal(middle - first, 16);
	assert_int_equal(last - first, 120); /* 12..16 and 116..120 are free, by alignment */
	assert_int_equal(sp->free_units, SLOB_PAGE_UNITS - 71);
	assert_int_equal(words[6], 2);
	assert_int_equal(words[7], 58);

	give(&b, b.c100, middle);
	assert_int_equal(sp->first, 6);
	assert_int_equal(words[6], 54); /* joined on both sides */
	assert_int_equal(words[7], 75);
	assert_int_equal(words[75], SLOB_PAGE_UNITS - 75);
	assert_int_equal(words[76], SLOB_PAGE_UNITS);
	assert_int_equal(sp->free_units, SLOB_PAGE_UNITS - 21);
	assert_int_equal(sp->objects, 2);
	give(&b, b.c12, first);
	give(&b, b.c30, last);
	assert_int_equal(sp->kind, SLOB_NOT_OURS);
	release(&b);
}

/* A free block of one unit has room for one word: minus the next. */
static void one_unit(void **state)
{
	struct bench b;
	bench_init(&b);
	struct object_cache *c6 = cache(&b, 6, 0, 0);
	uint64_t first = take(&b, c6);
	take(&b, c6);
	const int16_t *words = (const int16_t *)(b.om.m.pm.ram + first);
	assert_int_equal(words[3], -7);
	assert_int_equal(words[7], SLOB_PAGE_UNITS - 7);
	struct slob_free f = slob_read_free(b.s, first >> PAGE_SHIFT, 3);
	assert_int_equal(f.units, 1);
	assert_int_equal(f.next, 7);
	release(&b);
}

/* The lowest hole that is large enough, not the best. */
static void first_fit_by_address(void **state)
{
	struct bench b;
	uint64_t at[6];
	bench_init(&b);
	for (unsigned i = 0; i < 6; i++)
		at[i] = take(&b, i == 4 ? b.c12 : b.c100);
	give(&b, b.c12, at[4]);
	give(&b, b.c100, at[1]);
	assert_int_equal(take(&b, b.c12), at[1]); /* not the hole of just its size */
	assert_int_equal(take(&b, b.c30), at[1] + 16);
	give(&b, b.c100, at[5]);
	assert_int_equal(take(&b, b.c100), at[4] + 0); /* at[4] and at[5] were joined */
	release(&b);
}

/* 8 bytes with the size before the object; powers of two are aligned as far as the cache is. */
static void header_and_alignment(void **state)
{
	struct bench b;
	bench_init(&b);
	uint64_t at = take_on(&b, 0, b.kmalloc, 100), next = take_on(&b, 0, b.kmalloc, 64);
	assert_int_equal(at % PAGE_BYTES, SLOB_HEADER_BYTES);
	uint32_t size;
	memcpy(&size, b.om.m.pm.ram + at - SLOB_HEADER_BYTES, sizeof(size));
	assert_int_equal(size, 100);
	assert_int_equal(next - at, 112); /* 108 used, and 4 skipped to be aligned to 8 */
	assert_int_equal(b.oa->ops->given_bytes(b.oa, b.kmalloc, 99), 100);

	struct object_cache *natural = cache(&b, 2048, PAGE_BYTES, CACHE_KMALLOC);
	assert_int_equal(take_on(&b, 0, natural, 128) % 128, 0);
	uint64_t large = take_on(&b, 0, natural, 2048);
	assert_int_equal(large % PAGE_BYTES, 2048);

	struct object_cache *wide = cache(&b, 5000, 32768, 0);
	take(&b, cache(&b, 5001, 0, 0));
	assert_int_equal(take(&b, wide) % 32768, 0);
	assert_int_equal(stats(&b, wide).pages_count, 8);
	release(&b);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* Objects of all caches share pages, apart only by size. */
static void three_pools(void **state)
{
	struct bench b;
	bench_init(&b);
	struct object_cache *c255 = cache(&b, 255, 0, 0), *c256 = cache(&b, 256, 0, 0);
	struct object_cache *c1023 = cache(&b, 1023, 0, 0), *c1024 = cache(&b, 1024, 0, 0);
	uint64_t small = take(&b, b.c12), medium = take(&b, c256), large = take(&b, c1024);
	assert_int_equal(take(&b, c255) >> PAGE_SHIFT, small >> PAGE_SHIFT);
	assert_int_equal(take(&b, c1023) >> PAGE_SHIFT, medium >> PAGE_SHIFT);
	assert_true(small >> PAGE_SHIFT != medium >> PAGE_SHIFT);
	assert_true(medium >> PAGE_SHIFT != large >> PAGE_SHIFT);
	for (unsigned pool = 0; pool < SLOB_POOLS; pool++) {
		struct object_cache *p = b.oa->ops->cache_at(b.oa, pool);
		assert_true(stats(&b, p).flags & CACHE_POOL);
		assert_int_equal(stats(&b, p).pages_count, 1);
	}
	struct object_cache_stats st = stats(&b, c255);
	assert_int_equal(st.pages_count, 0);
	assert_int_equal(st.live_count, 1);
	struct object_cache_usage usage;
	object_cache_usage(b.oa, b.oa->ops->cache_at(b.oa, SLOB_LARGE), &usage);
	assert_int_equal(usage.slabs_partial, 1);
	assert_int_equal(usage.slabs_single, 1); /* held by the 1024 bytes alone */
	assert_int_equal(usage.tail_bytes, 0);
	release(&b);
}

/* The search goes on at the page that served last, and comes round to the others. */
static void next_fit_over_pages(void **state)
{
	struct bench b;
	uint64_t at[12];
	bench_init(&b);
	struct object_cache *c1000 = cache(&b, 1000, 0, 0), *c700 = cache(&b, 700, 0, 0);
	for (unsigned i = 0; i < 12; i++)
		at[i] = take(&b, c1000); /* four to a page: three pages, none full */
	give(&b, c1000, at[1]);
	give(&b, c1000, at[5]);
	pfn_t second = at[4] >> PAGE_SHIFT, third = at[8] >> PAGE_SHIFT;
	const struct pagelist *l = &b.s->caches[SLOB_MEDIUM]->partial;
	assert_int_equal(l->head, third);
	uint64_t hit = take(&b, c700); /* the third has no room: the list starts at who has */
	assert_int_equal(hit >> PAGE_SHIFT, second);
	assert_int_equal(l->head, second);
	give(&b, c1000, at[9]);
	assert_int_equal(take(&b, c1000), at[1]); /* on from the second: the first, not the third */
	assert_int_equal(l->head, at[0] >> PAGE_SHIFT);
	assert_int_equal(take(&b, c1000), at[9]);
	release(&b);
}

/* A page without room is on no list that is searched; its first free block puts it in front. */
static void full_pages(void **state)
{
	struct bench b;
	uint64_t at[8];
	bench_init(&b);
	struct object_cache *c2048 = cache(&b, 2048, 0, 0);
	const struct slob_cache *pool = b.s->caches[SLOB_LARGE];
	for (unsigned i = 0; i < 7; i++)
		at[i] = take(&b, c2048);
	assert_int_equal(pool->full.count, 3);
	assert_int_equal(pool->partial.count, 1);
	give(&b, c2048, at[2]);
	assert_int_equal(pool->full.count, 2);
	assert_int_equal(pool->partial.head, at[2] >> PAGE_SHIFT);
	assert_int_equal(take(&b, c2048), at[2]);
	assert_int_equal(pool->full.count, 3);
	release(&b);
}

static void large_objects_are_blocks(void **state)
{
	struct bench b;
	bench_init(&b);
	uint64_t pages = object_machine_free_pages(&b.om), start;
	struct object_cache *c4095 = cache(&b, 4095, 0, 0), *c9000 = cache(&b, 9000, 0, 0);
	struct object_cache *k8 = cache(&b, 8192, 0, CACHE_KMALLOC);
	uint64_t cut = take(&b, c4095), block = take(&b, c9000);
	uint64_t fits = take_on(&b, 0, k8, 4087), page = take_on(&b, 0, k8, 4088);
	assert_int_equal(b.s->pages[cut >> PAGE_SHIFT].kind, SLOB_POOL_PAGE);
	assert_int_equal(b.s->pages[block >> PAGE_SHIFT].kind, SLOB_BLOCK);
	assert_int_equal(fits % PAGE_BYTES, SLOB_HEADER_BYTES);
	assert_int_equal(page % PAGE_BYTES, 0);
	assert_int_equal(stats(&b, c9000).pages_count, 4);
	assert_int_equal(object_machine_free_pages(&b.om), pages - 1 - 4 - 1 - 1);
	assert_ptr_equal(b.oa->ops->cache_of(b.oa, block + 3 * PAGE_BYTES + 7, &start), c9000);
	assert_int_equal(start, block);
	give(&b, c4095, cut);
	give(&b, c9000, block);
	give(&b, k8, fits);
	give(&b, k8, page);
	assert_int_equal(object_machine_free_pages(&b.om), pages);
	struct object_cache *largest = cache(&b, OBJECT_BYTES_MAX, 0, 0);
	give(&b, largest, take(&b, largest));
	assert_int_equal(object_machine_free_pages(&b.om), pages);
	release(&b);
}

/* Addresses between objects are nobody's. */
static void cache_of_gaps(void **state)
{
	struct bench b;
	uint64_t start;
	bench_init(&b);
	uint64_t at = take(&b, b.c12), k = take_on(&b, 0, b.kmalloc, 20);
	assert_ptr_equal(b.oa->ops->cache_of(b.oa, at + 11, &start), b.c12);
	assert_null(b.oa->ops->cache_of(b.oa, at + 12, &start));
	assert_null(b.oa->ops->cache_of(b.oa, k - 4, &start)); /* its header */
	assert_ptr_equal(b.oa->ops->cache_of(b.oa, k + 19, &start), b.kmalloc);
	assert_null(b.oa->ops->cache_of(b.oa, k + 20, &start));
	assert_null(b.oa->ops->cache_of(b.oa, at + PAGE_BYTES, &start));
	assert_null(b.oa->ops->cache_of(b.oa, UINT64_MAX - 4096, &start));
	release(&b);
}

static void ones(void *object, uint64_t object_size_bytes)
{
	memset(object, 1, object_size_bytes);
}

/* Unlike caches with slabs, SLOB constructs at every allocation. */
static void constructor_at_each_allocation(void **state)
{
	struct bench b;
	struct err err = {0};
	bench_init(&b);
	const struct object_cache_params p = {
		.name = "ctor", .object_size_bytes = 40, .ctor = ones};
	struct object_cache *c = b.oa->ops->cache_new(b.oa, &p, &err);
	for (unsigned i = 0; i < 5; i++) {
		uint64_t at = take(&b, c);
		assert_int_equal(object_bytes(b.oa, at)[39], 1);
		memset(object_bytes(b.oa, at), 7, 40);
		give(&b, c, at);
	}
	assert_int_equal(stats(&b, c).ctor_calls_count, 5);
	release(&b);
}

static void one_lock_for_all(void **state)
{
	struct bench b;
	bench_init(&b);
	uint64_t before = b.s->lock.acquired_count;
	uint64_t at = take_on(&b, 0, b.c12, 12); /* looks, and puts a new page there */
	assert_int_equal(b.om.m.env[0].path, PATH_SLAB_NEW);
	uint64_t other = take_on(&b, 1, b.kmalloc, 300);
	give(&b, b.c12, at);
	assert_int_equal(b.om.m.env[0].path, PATH_SLAB_DISCARD);
	assert_int_equal(b.s->lock.acquired_count - before, 5);
	uint64_t third = take_on(&b, 0, b.kmalloc, 300);
	assert_int_equal(b.om.m.env[0].path, PATH_SLAB_NODE_PARTIAL);
	assert_int_equal(third >> PAGE_SHIFT, other >> PAGE_SHIFT);
	release(&b);
}

static void refused_parameters(void **state)
{
	static const struct {
		struct object_cache_params p;
		const char *text;
	} rows[] = {
		{{.name = "none"}, "objects of 0 bytes; 1 to 4194304"},
		{{.name = "huge", .object_size_bytes = 5u << 20}, "objects of 5242880 bytes"},
		{{.name = "footer", .object_size_bytes = 4u << 20, .flags = CACHE_TYPESAFE_BY_RCU},
		 "objects of 4194304 bytes; 1 to 4194280"},
		{{.name = "odd", .object_size_bytes = 8, .align_bytes = 24},
		 "alignment of 24 bytes; powers of two up to 4194304"},
		{{.name = "wide", .object_size_bytes = 8, .align_bytes = 8u << 20},
		 "8388608 bytes"},
		{{.name = "red", .object_size_bytes = 8, .flags = CACHE_RED_ZONE}, "no red zones"},
	};
	struct bench b;
	bench_init(&b);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = {0};
		assert_null(b.oa->ops->cache_new(b.oa, &rows[i].p, &err));
		assert_int_equal(err.code, ERR_CONFIG);
		if (!strstr(err.text, rows[i].text))
			fail_msg("\"%s\" instead of \"%s\"", err.text, rows[i].text);
	}
	release(&b);
}

/* --- invariants broken ------------------------------------------------------------------------ */

/* A small page with objects at 0, 16 and 120, a header object, and a full page. */
struct damage {
	struct bench b;
	uint64_t small, hole, header, full, block;
	struct slob_page *sp; /* of small */
	struct slob_cache *pool;
};

static void count_off(struct damage *d)
{
	d->pool->partial.count++;
}

static void back_link_off(struct damage *d)
{
	d->b.om.m.pm.pages[d->pool->partial.head].prev = 3;
}

static void page_of_another_pool(struct damage *d)
{
	d->sp->where = SLOB_LARGE;
}

static void page_not_allocated(struct damage *d)
{
	d->b.om.m.pm.pages[d->small >> PAGE_SHIFT].flags &= (uint8_t)~PAGE_ALLOCATED;
}

static void block_forgotten(struct damage *d)
{
	d->b.s->pages[d->block >> PAGE_SHIFT].where = 0;
}

static void next_backwards(struct damage *d)
{
	((int16_t *)(d->b.om.m.pm.ram + d->hole))[1] = 2;
}

static void free_block_too_long(struct damage *d)
{
	((int16_t *)(d->b.om.m.pm.ram + d->hole))[0] += 40;
}

static void first_outside(struct damage *d)
{
	d->sp->first = SLOB_PAGE_UNITS + 4;
}

static void free_units_off(struct damage *d)
{
	d->sp->free_units--;
}

static void full_with_room(struct damage *d)
{
	d->b.s->pages[d->full >> PAGE_SHIFT].free_units = 1;
}

static void object_without_owner(struct damage *d)
{
	d->b.s->owner[d->small / SLOB_UNIT_BYTES] = 0;
}

static void object_of_a_larger_cache(struct damage *d)
{
	d->b.s->owner[d->small / SLOB_UNIT_BYTES] =
		(uint16_t)(slob_cache_from(d->b.c30)->stats.index + 1);
}

static void objects_off(struct damage *d)
{
	d->sp->objects++;
}

static void header_overwritten(struct damage *d)
{
	memset(d->b.om.m.pm.ram + d->header - SLOB_HEADER_BYTES, 0xff, 4);
}

static void header_cleared(struct damage *d)
{
	memset(d->b.om.m.pm.ram + d->header - SLOB_HEADER_BYTES, 0, 4);
}

static void used_units_off(struct damage *d)
{
	d->pool->used_units += 2;
}

static void live_count_off(struct damage *d)
{
	slob_cache_from(d->b.c12)->stats.live_count++;
}

static void block_pages_off(struct damage *d)
{
	d->b.s->caches[d->b.s->owner[d->block / SLOB_UNIT_BYTES] - 1]->stats.pages_count--;
}

static void damage_init(struct damage *d)
{
	bench_init(&d->b);
	d->small = take(&d->b, d->b.c12);
	d->hole = take(&d->b, d->b.c100);
	take(&d->b, d->b.c30);
	d->header = take_on(&d->b, 0, d->b.kmalloc, 100);
	d->full = take(&d->b, cache(&d->b, 2048, 0, 0));
	take(&d->b, cache(&d->b, 2047, 0, 0));
	d->block = take(&d->b, cache(&d->b, 9000, 0, 0));
	give(&d->b, d->b.c100, d->hole);
	d->hole = d->small + 12;
	d->sp = &d->b.s->pages[d->small >> PAGE_SHIFT];
	d->pool = d->b.s->caches[SLOB_SMALL];
}

static void each_invariant_broken(void **state)
{
	static const struct {
		const char *name;
		void (*breaks)(struct damage *d);
	} rows[] = {
		{"L1", count_off},
		{"L1", back_link_off},
		{"L1", page_of_another_pool},
		{"L1", page_not_allocated},
		{"L1", block_forgotten},
		{"L2", next_backwards},
		{"L2", free_block_too_long},
		{"L2", first_outside},
		{"L3", free_units_off},
		{"L3", full_with_room},
		{"L4", object_without_owner},
		{"L4", object_of_a_larger_cache},
		{"L4", objects_off},
		{"L5", header_overwritten},
		{"L5", header_cleared},
		{"L6", used_units_off},
		{"L6", live_count_off},
		{"L6", block_pages_off},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct damage d;
		struct check_report report = {""};
		damage_init(&d);
		assert_check(&d.b);
		rows[i].breaks(&d);
		int ret = d.b.oa->ops->check(d.b.oa, &report);
		if (ret != -1 || strncmp(report.text, rows[i].name, 2) != 0)
			fail_msg("row %zu: \"%s\" instead of %s", i, report.text, rows[i].name);
		release(&d.b);
	}
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void free_twice(struct damage *d)
{
	give(&d->b, d->b.c12, d->small);
	give(&d->b, d->b.c12, d->small);
}

static void free_to_another_cache(struct damage *d)
{
	give(&d->b, d->b.c30, d->small);
}

static void free_inside(struct damage *d)
{
	give(&d->b, d->b.c12, d->small + 4);
}

static void write_after_free(struct damage *d)
{
	memset(d->b.om.m.pm.ram + d->hole, 0x77, 8);
	enum alloc_failure why;
	d->b.oa->ops->alloc(d->b.oa, &d->b.om.m.env[0], d->b.c100, 100, GFP_KERNEL, 0, &why);
}

static void write_before_the_object(struct damage *d)
{
	header_overwritten(d);
	d->b.oa->ops->free_object(d->b.oa, &d->b.om.m.env[0], d->b.kmalloc, d->header);
}

struct misuse {
	void (*run)(struct damage *d);
	const char *text;
};

static void program(void *arg)
{
	const struct misuse *misuse = arg;
	struct damage d;
	damage_init(&d);
	misuse->run(&d);
}

static void misuse_stops(void **state)
{
	struct misuse rows[] = {
		{free_twice, "which is no live object of cache c12"},
		{free_to_another_cache, "which is no live object of cache c30"},
		{free_inside, "which is no live object of cache c12"},
		{write_after_free, "freed memory was written"},
		{write_before_the_object, "it was overwritten"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct child_end end;
		child_run(program, &rows[i], &end);
		if (!child_aborted(&end, rows[i].text))
			fail_msg("row %zu: status %#x, \"%s\"", i, (unsigned)end.status, end.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_list_lies_in_the_page),
		cmocka_unit_test(one_unit),
		cmocka_unit_test(first_fit_by_address),
		cmocka_unit_test(header_and_alignment),
		cmocka_unit_test(three_pools),
		cmocka_unit_test(next_fit_over_pages),
		cmocka_unit_test(full_pages),
		cmocka_unit_test(large_objects_are_blocks),
		cmocka_unit_test(cache_of_gaps),
		cmocka_unit_test(constructor_at_each_allocation),
		cmocka_unit_test(one_lock_for_all),
		cmocka_unit_test(refused_parameters),
		cmocka_unit_test(each_invariant_broken),
		cmocka_unit_test(misuse_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
