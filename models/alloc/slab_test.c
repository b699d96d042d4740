/*
 * Tests of the object allocator "slab": worked examples of arrays, refill, flush, reaping, slab
 * states and colours, with their figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/slab_machine.h"

static unsigned ctor_calls; /* of count_ctor() */

static void count_ctor(void *object, uint64_t object_size_bytes)
{
	memset(object, 0x5c, object_size_bytes);
	ctor_calls++;
}

static unsigned path(struct slab_machine *s, unsigned cpu)
{
	return s->m.env[cpu].path;
}

/* --- slab states ------------------------------------------------------------------------------ */

/* 1024-byte objects, 4 to a slab; no arrays; one empty slab is kept. */
static void slab_states(void **state)
{
	struct slab_machine s;
	struct object_allocator_params p = slab_machine_params();
	uint64_t o[10];
	p.cpu_partial_objects = 0;
	p.min_partial_slabs = 1;
	slab_machine_init(&s, p, 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){
			    .name = "four", .object_size_bytes = 1024, .ctor = count_ctor});
	ctor_calls = 0;
	assert_int_equal(c->layout.objects_count, 4);
	slab_machine_take(&s, 0, c, o, 9);
	assert_string_equal(slab_machine_states(&s, c), "2 1 0");
	slab_machine_give_all(&s, 0, c, o, 4);
	assert_string_equal(slab_machine_states(&s, c), "1 1 1");
	assert_int_equal(path(&s, 0), PATH_SLAB_NODE_PARTIAL);
	/* From the partial slab. Had the empty one been preferred: "1 2 0". */
	slab_machine_take(&s, 0, c, &o[9], 1);
	assert_string_equal(slab_machine_states(&s, c), "1 1 1");
	assert_int_equal(o[9] >> PAGE_SHIFT, o[8] >> PAGE_SHIFT);
	slab_machine_give_all(&s, 0, c, &o[4], 4);
	assert_string_equal(slab_machine_states(&s, c), "0 1 1");
	assert_int_equal(path(&s, 0), PATH_SLAB_DISCARD);
	slab_machine_give_all(&s, 0, c, &o[8], 2);
	assert_string_equal(slab_machine_states(&s, c), "0 0 1");

	struct object_cache_stats stats = slab_machine_stats(&s, c);
	assert_int_equal(stats.slabs_new_count, 3);
	assert_int_equal(stats.slabs_freed_count, 2);
	assert_int_equal(stats.ctor_calls_count, 12);
	assert_int_equal(ctor_calls, 12);
	assert_int_equal(stats.allocs_count, 10);
	assert_int_equal(stats.frees_count, 10);
	assert_int_equal(stats.fast_allocs_count + stats.fast_frees_count, 0);
	assert_int_equal(stats.live_count, 0);
	assert_int_equal(stats.objects_count, 4);
	assert_int_equal(stats.active_count, 0);
	slab_machine_release(&s);
}

/* Objects of an array are free, though slabinfo counts them as active. */
static void live_and_active(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c256", .object_size_bytes = 256});
	uint64_t o[2];
	slab_machine_take(&s, 0, c, o, 2);
	assert_int_equal(c->arrays[0].avail, 14);
	struct object_cache_stats stats = slab_machine_stats(&s, c);
	assert_int_equal(stats.live_count, 2);
	assert_int_equal(stats.active_count, 16);
	assert_string_equal(slab_machine_states(&s, c), "0 1 0");
	slab_machine_give_all(&s, 0, c, o, 2);
	assert_string_equal(slab_machine_states(&s, c), "0 0 1");
	assert_int_equal(slab_machine_stats(&s, c).active_count, 16);
	slab_machine_release(&s);
}

/* --- arrays ----------------------------------------------------------------------------------- */

static void array_sizes(void **state)
{
	static const struct {
		unsigned size, limit, batch, shared;
	} rows[] = {{32, 120, 60, 480},  {256, 120, 60, 480}, {264, 54, 27, 216},
		    {1024, 54, 27, 216}, {1032, 24, 12, 96},  {4096, 24, 12, 96},
		    {4104, 8, 4, 0},     {131072, 8, 4, 0},   {131080, 1, 1, 0}};
	struct slab_machine one, two;
	struct object_allocator_params p = slab_machine_params();
	p.merge = false;
	slab_machine_init(&one, p, 1);
	slab_machine_init(&two, p, 2);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct object_cache_params params = {.name = "array",
							   .object_size_bytes = rows[i].size};
		struct slab_cache *c = slab_machine_cache(&two, &params);
		assert_int_equal(c->arrays[1].limit, rows[i].limit);
		assert_int_equal(c->arrays[1].batch, rows[i].batch);
		assert_int_equal(c->nodes[0].shared.limit, rows[i].shared);
		assert_int_equal(c->nodes[0].free_limit,
				 3 * rows[i].batch + c->layout.objects_count);
		c = slab_machine_cache(&one, &params);
		assert_int_equal(c->nodes[0].shared.limit, 0); /* nobody to share with */
	}
	slab_machine_release(&one);
	slab_machine_release(&two);
}

/* The example at the top of slab.c. */
static void refill_and_flush(void **state)
{
	struct slab_machine s;
	uint64_t o[121], next[61];
	slab_machine_init(&s, slab_machine_params(), 2);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c256", .object_size_bytes = 256});
	assert_int_equal(c->layout.objects_count, 16);
	slab_machine_take(&s, 0, c, o, 1);
	assert_int_equal(path(&s, 0), PATH_SLAB_NEW);
	assert_int_equal(c->arrays[0].avail, 15);
	slab_machine_take(&s, 0, c, o + 1, 15);
	assert_int_equal(path(&s, 0), PATH_SLAB_FAST);
	slab_machine_take(&s, 0, c, o + 16, 1);
	assert_int_equal(path(&s, 0), PATH_SLAB_NEW);
	slab_machine_take(&s, 0, c, o + 17, 104);

	/* CPU 1 frees all: 120 fit into its array, the 121st moves the 60 oldest on. */
	slab_machine_give_all(&s, 1, c, o, 120);
	assert_int_equal(path(&s, 1), PATH_SLAB_FAST);
	assert_int_equal(c->nodes[0].shared.avail, 0);
	slab_machine_give_all(&s, 1, c, o + 120, 1);
	assert_int_equal(path(&s, 1), PATH_SLAB_SHARED);
	assert_int_equal(c->nodes[0].shared.avail, 60);
	assert_int_equal(c->arrays[1].avail, 61);
	assert_memory_equal(c->nodes[0].shared.entries, o, 60 * sizeof(*o));
	assert_memory_equal(c->arrays[1].entries, o + 60, 61 * sizeof(*o));

	/* CPU 0 has some of its last slab left, then takes all 60 of the shared array. */
	unsigned left = c->arrays[0].avail;
	assert_int_equal(left, 7);
	slab_machine_take(&s, 0, c, next, left);
	slab_machine_take(&s, 0, c, next, 1);
	assert_int_equal(path(&s, 0), PATH_SLAB_SHARED);
	assert_int_equal(next[0], o[59]); /* the newest */
	assert_int_equal(c->nodes[0].shared.avail, 0);
	assert_int_equal(c->arrays[0].avail, 59);
	assert_int_equal(slab_machine_stats(&s, c).refills_shared_count, 1);
	/* And CPU 1's own come back newest first. */
	slab_machine_take(&s, 1, c, next, 61);
	for (unsigned i = 0; i < 61; i++)
		assert_int_equal(next[i], o[120 - i]);
	/* Free: o[0..58], in CPU 0's array; three slabs of them are all in it. */
	assert_string_equal(slab_machine_states(&s, c), "4 1 3");
	slab_machine_release(&s);
}

/* One CPU, arrays of 4, batch 2: what leaves the array goes to the slabs, oldest first. */
static void flush_to_slabs(void **state)
{
	struct slab_machine s;
	struct object_allocator_params p = slab_machine_params();
	uint64_t o[12];
	p.cpu_partial_objects = 4;
	slab_machine_init(&s, p, 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c1024", .object_size_bytes = 1024});
	slab_machine_take(&s, 0, c, o, 12);
	assert_string_equal(slab_machine_states(&s, c), "3 0 0");
	assert_int_equal(slab_machine_stats(&s, c).refills_node_partial_count,
			 3); /* 2 from each new slab */
	/* free_limit is 2 * 2 + 4 = 8. */
	slab_machine_give_all(&s, 0, c, o, 4);
	slab_machine_give_all(&s, 0, c, o + 4, 1);
	assert_int_equal(path(&s, 0), PATH_SLAB_NODE_PARTIAL);
	assert_int_equal(c->nodes[0].free_objects, 2); /* o[0], o[1] */
	assert_int_equal(c->nodes[0].lists[SLAB_PARTIAL].head, o[0] >> PAGE_SHIFT);
	slab_machine_give_all(&s, 0, c, o + 5, 5);
	assert_int_equal(c->nodes[0].free_objects, 6);
	assert_int_equal(c->nodes[0].lists[SLAB_EMPTY].count, 1);
	assert_int_equal(slab_machine_stats(&s, c).slabs_freed_count, 0);
	slab_machine_give_all(&s, 0, c, o + 10, 1);
	assert_int_equal(c->nodes[0].free_objects, 8);
	slab_machine_give_all(&s, 0, c, o + 11, 1);
	assert_int_equal(slab_machine_stats(&s, c).slabs_freed_count, 0);
	assert_int_equal(c->arrays[0].avail, 4);
	/* The array's next refill comes from the partial slab, none of it from the empty ones. */
	slab_machine_take(&s, 0, c, o, 4);
	slab_machine_take(&s, 0, c, o + 4, 1);
	assert_int_equal(path(&s, 0), PATH_SLAB_NODE_PARTIAL);
	slab_machine_release(&s);
}

static void free_limit(void **state)
{
	struct slab_machine s;
	struct object_allocator_params p = slab_machine_params();
	uint64_t o[12];
	p.cpu_partial_objects = 0;
	slab_machine_init(&s, p, 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c1024", .object_size_bytes = 1024});
	slab_machine_take(&s, 0, c, o, 12);
	slab_machine_give_all(&s, 0, c, o, 4); /* limit 4: one slab's worth */
	assert_string_equal(slab_machine_states(&s, c), "2 0 1");
	slab_machine_give_all(&s, 0, c, o + 4, 1); /* 5 free objects: the empty slab goes */
	assert_string_equal(slab_machine_states(&s, c), "1 1 0");
	assert_int_equal(path(&s, 0), PATH_SLAB_DISCARD);
	slab_machine_release(&s);
}

/* --- the reaper ------------------------------------------------------------------------------- */

static void tick(struct slab_machine *s, unsigned cpu, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		s->oa->ops->tick(s->oa, &s->m.env[cpu]);
}

static void reaper(void **state)
{
	struct slab_machine s;
	uint64_t o[120];
	slab_machine_init(&s, slab_machine_params(), 2);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c256", .object_size_bytes = 256});
	slab_machine_take(&s, 0, c, o, 120);
	slab_machine_give_all(&s, 0, c, o, 112);
	assert_int_equal(c->arrays[0].avail, 120);
	tick(&s, 0, 1);
	assert_int_equal(c->arrays[0].avail, 120);
	tick(&s, 0, 1); /* it was used lately */
	assert_int_equal(c->arrays[0].avail, 120);
	tick(&s, 0, 2); /* (120 + 4) / 5 */
	assert_int_equal(c->arrays[0].avail, 96);
	/* The oldest: 8 that were left of the last slab, and the first slab, which goes at once. */
	assert_int_equal(c->nodes[0].free_objects, 8);
	assert_int_equal(slab_machine_stats(&s, c).slabs_freed_count, 1);
	tick(&s, 0, 2);
	assert_int_equal(c->arrays[0].avail, 72);
	assert_int_equal(slab_machine_stats(&s, c).slabs_freed_count, 1); /* the node has 4 s */
	tick(&s, 0, 2);
	assert_int_equal(c->arrays[0].avail, 48);
	assert_int_equal(slab_machine_stats(&s, c).slabs_freed_count, 4);
	tick(&s, 0, 2);
	assert_int_equal(c->arrays[0].avail, 24);
	assert_string_equal(slab_machine_states(&s, c), "0 1 3");
	tick(&s, 0, 2);
	assert_int_equal(c->arrays[0].avail, 0);
	assert_string_equal(slab_machine_states(&s, c), "0 1 0");
	slab_machine_release(&s);
}

/* Ten empty slabs of 4: (40 + 19) / 20 = 2 at a time, unless one was used lately. */
static void reaper_of_slabs(void **state)
{
	struct slab_machine s;
	struct object_allocator_params p = slab_machine_params();
	uint64_t o[40];
	p.cpu_partial_objects = 0;
	p.min_partial_slabs = 10;
	slab_machine_init(&s, p, 2);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c1024", .object_size_bytes = 1024});
	slab_machine_take(&s, 0, c, o, 40);
	slab_machine_give_all(&s, 0, c, o, 40);
	c->nodes[0].empty_touched = false; /* it was looked for when there was none */
	tick(&s, 1, 4);                    /* not this CPU's task */
	assert_string_equal(slab_machine_states(&s, c), "0 0 10");
	tick(&s, 0, 4);
	assert_string_equal(slab_machine_states(&s, c), "0 0 8");
	slab_machine_take(&s, 0, c, o, 1);
	slab_machine_give_all(&s, 0, c, o, 1);
	tick(&s, 0, 4);
	assert_string_equal(slab_machine_states(&s, c), "0 0 8");
	tick(&s, 0, 4);
	assert_string_equal(slab_machine_states(&s, c), "0 0 6");
	slab_machine_release(&s);
}

/* An array that was not used yet gets 16 objects, then whole batches of 60. */
static void short_refill(void **state)
{
	struct slab_machine s;
	uint64_t o[16];
	slab_machine_init(&s, slab_machine_params(), 2);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c32", .object_size_bytes = 32});
	slab_machine_take(&s, 0, c, o, 1);
	assert_int_equal(c->arrays[0].avail, 15);
	slab_machine_take(&s, 1, c, o, 1);
	assert_int_equal(path(&s, 1), PATH_SLAB_NODE_PARTIAL);
	assert_int_equal(c->arrays[1].avail, 15);
	slab_machine_take(&s, 0, c, o, 16);
	assert_int_equal(c->arrays[0].avail, 59);
	assert_int_equal(c->nodes[0].free_objects, 124 - 16 - 16 - 60);
	slab_machine_release(&s);
}

static void reaper_of_few(void **state)
{
	struct slab_machine s;
	uint64_t o[8];
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c512", .object_size_bytes = 512});
	slab_machine_take(&s, 0, c, o, 8);
	slab_machine_give_all(&s, 0, c, o, 7);
	tick(&s, 0, 4);
	/* (54 + 4) / 5 = 11 are more than 7 there: half of them, (7 + 1) / 2. */
	assert_int_equal(c->arrays[0].avail, 3);
	slab_machine_release(&s);
}

/* --- growth ----------------------------------------------------------------------------------- */

/* Share of accesses that miss when the first objects of all slabs are read in turns: 64 sets, 8
 * ways, least recently used: all of a set that holds more than 8, none of the others. */
static unsigned misses(const uint64_t *first, unsigned slabs)
{
	unsigned in_set[64] = {0}, missed = 0;
	for (unsigned i = 0; i < slabs; i++)
		in_set[first[i] / 64 % 64]++;
	for (unsigned i = 0; i < 64; i++)
		missed += in_set[i] > 8 ? in_set[i] : 0;
	return missed;
}

static void first_objects(unsigned size, unsigned slabs, unsigned colours, uint64_t *first)
{
	struct slab_machine s;
	struct object_allocator_params p = slab_machine_params();
	p.max_order = 0;
	p.cpu_partial_objects = 0;
	slab_machine_init(&s, p, 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){
			    .name = "coloured", .object_size_bytes = size, .ctor = count_ctor});
	assert_int_equal(c->layout.colours_count, colours);
	for (unsigned i = 0; i < slabs; i++) {
		first[i] = slab_machine_alloc(&s, 0, c);
		for (unsigned k = 1; k < c->layout.objects_count; k++)
			slab_machine_alloc(&s, 0, c);
	}
	struct object_cache_stats stats = slab_machine_stats(&s, c);
	assert_int_equal(stats.slabs_count, slabs);
	assert_int_equal(stats.ctor_calls_count, slabs * c->layout.objects_count);
	slab_machine_release(&s);
}

static void colouring(void **state)
{
	uint64_t first[65];
	first_objects(704, 10, 8, first);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(first[i] % PAGE_BYTES, 64 * (i % 8));
	first_objects(704, 64, 8, first);
	assert_int_equal(misses(first, 16), 0);
	assert_int_equal(misses(first, 64), 0);
	first_objects(704, 65, 8, first);
	assert_int_equal(misses(first, 65), 9);
	first_objects(816, 16, 1, first); /* 5 * 817 bytes: 11 are left, no colours */
	assert_int_equal(misses(first, 8), 0);
	assert_int_equal(misses(first, 9), 9);
	assert_int_equal(misses(first, 16), 16);
}

/* Shuffled slabs: each object once, not in order, the same with the same seed. */
static void shuffled(void **state)
{
	uint64_t o[2][64];
	for (unsigned run = 0; run < 2; run++) {
		struct slab_machine s;
		struct object_allocator_params p = slab_machine_params();
		unsigned in_order = 0;
		p.freelist_random = true;
		p.seed = 5;
		p.cpu_partial_objects = 0;
		slab_machine_init(&s, p, 1);
		struct slab_cache *c = slab_machine_cache(
			&s, &(struct object_cache_params){.name = "c64", .object_size_bytes = 64});
		slab_machine_take(&s, 0, c, o[run], 64);
		assert_string_equal(slab_machine_states(&s, c), "1 0 0");
		for (unsigned i = 1; i < 64; i++)
			in_order += o[run][i] > o[run][i - 1];
		assert_in_range(in_order, 15, 48);
		slab_machine_release(&s);
	}
	assert_memory_equal(o[0], o[1], sizeof(o[0]));
}

/* Bytes that objects of size classes hold in whole slabs, through the allocator itself. */
static void bytes_held(void **state)
{
	static const struct {
		unsigned class, slabs, objects;
		double held;
	} rows[] = {{32, 1, 124, 33.0323}, {64, 1, 63, 65.0159},  {128, 1, 31, 132.129},
		    {192, 1, 21, 195.048}, {256, 1, 15, 273.067}, {1024, 1, 7, 1170.286}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slab_machine s;
		uint64_t o[124];
		slab_machine_init(&s, slab_machine_params(), 1);
		/* With a constructor, no index lies in an object; it has room on the slab. */
		struct slab_cache *c = slab_machine_cache(
			&s, &(struct object_cache_params){
				    .name = "class",
				    .object_size_bytes = rows[i].class,
				    .ctor = count_ctor,
				    .size_bytes = rows[i].class == 1024 ? 1024 : 0,
				    .objects_per_slab = rows[i].class == 1024 ? 7 : 0,
				    .slab_order = rows[i].class == 1024 ? 1 : 0,
			    });
		slab_machine_take(&s, 0, c, o, rows[i].objects);
		struct object_cache_stats stats = slab_machine_stats(&s, c);
		assert_int_equal(stats.slabs_count, rows[i].slabs);
		assert_float_equal((double)stats.pages_count * PAGE_BYTES / rows[i].objects,
				   rows[i].held, 1e-3);
		slab_machine_take(&s, 0, c, o, 1);
		assert_int_equal(slab_machine_stats(&s, c).slabs_count, rows[i].slabs + 1);
		slab_machine_release(&s);
	}
}

static void no_memory(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "big", .object_size_bytes = 1 << 20});
	uint64_t o[16];
	enum alloc_failure why;
	slab_machine_take(&s, 0, c, o, SLAB_TEST_PAGES / 256);
	assert_int_equal(s.oa->ops->alloc(s.oa, &s.m.env[0], (struct object_cache *)c, 8,
					  GFP_ATOMIC, 0, &why),
			 OBJECT_NONE);
	assert_int_equal(why, ALLOC_NO_MEMORY);
	assert_int_equal(path(&s, 0), PATH_FAILED);
	assert_int_equal(slab_machine_stats(&s, c).failed_count, 1);
	assert_int_equal(s.m.env[0].sleep_violations_count, 0);
	s.m.env[0].context = CONTEXT_IRQ;
	slab_machine_alloc(&s, 0, c);
	assert_int_equal(s.m.env[0].sleep_violations_count, 1); /* GFP_KERNEL may sleep */
	slab_machine_release(&s);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void several_nodes(void **state)
{
	static const struct zone_span spans[] = {
		{ZONE_NORMAL, 0, 0, 1024, 1024},
		{ZONE_NORMAL, 1, 1024, 1040, 16},
	};
	const struct op_params two = {
		.spans = spans, .spans_count = 2, .cpus_count = 2, .cpu_nid = {0, 1}};
	struct slab_machine s;
	uint64_t o[16 * 16 + 1];
	enum alloc_failure why;
	memset(&s, 0, sizeof(s));
	op_machine_init(&s.m, &two);
	slab_machine_start(&s, slab_machine_params(), 2, two.cpu_nid);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "nodes", .object_size_bytes = 256});
	struct object_cache *cache = (struct object_cache *)c;
	for (unsigned i = 0; i < 16 * 16; i++) {
		o[i] = s.oa->ops->alloc(s.oa, &s.m.env[1], cache, 256, GFP_KERNEL, 1, &why);
		assert_int_equal(slab_nid(s.sa, o[i] >> PAGE_SHIFT), 1);
	}
	/* Node 1 is full: one object of a new slab of node 0, which is not kept in the array. */
	o[256] = s.oa->ops->alloc(s.oa, &s.m.env[1], cache, 256, GFP_KERNEL, 1, &why);
	assert_int_equal(slab_nid(s.sa, o[256] >> PAGE_SHIFT), 0);
	assert_int_equal(why, ALLOC_OK);
	assert_int_equal(path(&s, 1), PATH_SLAB_NEW);
	assert_int_equal(c->arrays[1].avail, 0);
	assert_int_equal(c->nodes[0].free_objects, 15);
	assert_int_equal(s.oa->ops->alloc(s.oa, &s.m.env[1], cache, 256,
					  GFP_KERNEL | __GFP_THISNODE, 1, &why),
			 OBJECT_NONE);
	/* CPU 1 gives it back: to its own node's slabs. Node 0's CPU frees one of node 1's. */
	slab_machine_give(&s, 1, c, o[256]);
	assert_int_equal(c->nodes[0].free_objects, 16);
	slab_machine_give(&s, 0, c, o[0]);
	assert_int_equal(c->arrays[0].avail, 0);
	assert_int_equal(c->nodes[1].free_objects, 1);
	slab_machine_give(&s, 1, c, o[1]);
	assert_int_equal(c->arrays[1].avail, 1);
	/* Asked for on node 0 by CPU 1: from node 0's slab. */
	uint64_t object = slab_machine_alloc(&s, 1, c);
	assert_int_equal(slab_nid(s.sa, object >> PAGE_SHIFT), 0);
	assert_int_equal(path(&s, 1), PATH_SLAB_NODE_PARTIAL);
	assert_string_equal(slab_machine_states(&s, c), "15 2 0");
	slab_machine_release(&s);
}

/* --- costs ------------------------------------------------------------------------------------ */

static void costs(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c256", .object_size_bytes = 256});
	struct env *env = &s.m.env[0];
	uint64_t o[2];
	slab_machine_take(&s, 0, c, o, 1);
	env->cycles = 0;
	slab_machine_take(&s, 0, c, o + 1, 1);
	assert_int_equal(env->cycles, env->cost_cycles[COST_SLAB_ALLOC]);
	assert_int_equal(c->nodes[0].lock.acquired_count, 1);
	slab_machine_give_all(&s, 0, c, o, 1);
	assert_int_equal(env->cycles,
			 env->cost_cycles[COST_SLAB_ALLOC] + env->cost_cycles[COST_SLAB_FREE]);
	assert_int_equal(c->nodes[0].lock.acquired_count, 1);
	slab_machine_release(&s);
}

static void zeroed(void **state)
{
	struct slab_machine s;
	slab_machine_init(&s, slab_machine_params(), 1);
	struct slab_cache *c = slab_machine_cache(
		&s, &(struct object_cache_params){.name = "c100", .object_size_bytes = 100});
	static const uint8_t zeroes[100];
	enum alloc_failure why;
	uint64_t object = slab_machine_alloc(&s, 0, c);
	memset(object_bytes(s.oa, object), 0x77, 100);
	slab_machine_give(&s, 0, c, object);
	assert_int_equal(s.oa->ops->alloc(s.oa, &s.m.env[0], (struct object_cache *)c, 100,
					  GFP_KERNEL | __GFP_ZERO, 0, &why),
			 object);
	assert_memory_equal(object_bytes(s.oa, object), zeroes, 100);
	slab_machine_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_states),     cmocka_unit_test(live_and_active),
		cmocka_unit_test(array_sizes),     cmocka_unit_test(refill_and_flush),
		cmocka_unit_test(flush_to_slabs),  cmocka_unit_test(free_limit),
		cmocka_unit_test(reaper),          cmocka_unit_test(reaper_of_few),
		cmocka_unit_test(reaper_of_slabs), cmocka_unit_test(short_refill),
		cmocka_unit_test(colouring),       cmocka_unit_test(shuffled),
		cmocka_unit_test(bytes_held),      cmocka_unit_test(no_memory),
		cmocka_unit_test(several_nodes),   cmocka_unit_test(costs),
		cmocka_unit_test(zeroed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
