/*
 * Tests of slub's paths (slub.c, slub_slab.c, slub_cache.c): which slab an object comes from and
 * goes to, worked out by hand from the rules, and what the caches count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/object_rig.h"

#define BASE (UINT64_C(1) << PAGE_SHIFT)

static const struct op_params two_cpus = {.zone_pages = 8192, .cpus_count = 2};

static void start(struct object_rig *r, const struct object_allocator_params *params)
{
	memset(r, 0, sizeof(*r));
	rig_init(r, "slub", &two_cpus, params);
}

static void assert_slabs(struct object_rig *r, struct object_cache *c, const char *expected)
{
	rig_check(r);
	assert_string_equal(rig_slabs(r, c), expected);
}

/* Fill @slabs slabs on one CPU; their objects in order. */
static uint64_t *fill(struct object_rig *r, struct object_cache *c, unsigned cpu, unsigned slabs)
{
	unsigned count = slabs * rig_stats(r, c).objects_per_slab;
	uint64_t *objects = malloc(count * sizeof(*objects));
	for (unsigned i = 0; i < count; i++)
		objects[i] = rig_alloc(r, c, cpu);
	return objects;
}

/* A new slab hands out ascending addresses; the last one freed comes first. */
static void order_of_objects(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "o", 64, 0);
	uint64_t a = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	assert_int_equal(a % BASE, 0);
	uint64_t b = rig_alloc(&r, c, 0), d = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_int_equal(b, a + 64);
	assert_int_equal(d, a + 128);
	rig_free(&r, c, 0, a);
	rig_free(&r, c, 0, d);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_slabs(&r, c, "c0:1");
	assert_int_equal(rig_alloc(&r, c, 0), d);
	assert_int_equal(rig_alloc(&r, c, 0), a);
	assert_int_equal(rig_alloc(&r, c, 0), a + 192);
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.allocs_count, 6);
	assert_int_equal(s.fast_allocs_count, 5);
	assert_int_equal(s.fast_frees_count, 2);
	assert_int_equal(s.live_count, 4);
	assert_int_equal(s.slabs_new_count, 1);
	rig_release(&r);
}

/* kmalloc-192: the 21st object fills a slab of one page, the 22nd makes another. */
static void slab_gets_full(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-192", 192, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 1);
	assert_slabs(&r, c, "c0:21");
	rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	assert_slabs(&r, c, "c0:1 -:21");
	assert_int_equal(rig_stats(&r, c).pages_count, 2);
	free(objects);
	rig_release(&r);
}

/* --- partial lists ---------------------------------------------------------------------------- */

/* Free @count objects of the @slab-th slab that fill() made. */
static void free_some(struct object_rig *r, struct object_cache *c, unsigned cpu,
		      const uint64_t *objects, unsigned slab, unsigned count)
{
	unsigned each = rig_stats(r, c).objects_per_slab;
	for (unsigned i = 0; i < count; i++)
		rig_free(r, c, cpu, objects[slab * each + i]);
}

/*
 * kmalloc-64 on 2 CPUs: 64 objects a slab, at most 4 slabs in a CPU's stock. The fifth slab sends
 * the first four, last one first, to the tail of the node's list. An allocation that finds nothing
 * on the CPU takes the first slab of the node and 4/2 + 1 more.
 */
static void stock_of_a_cpu(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-64", 64, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 6);
	for (unsigned slab = 0; slab < 4; slab++) {
		free_some(&r, c, 0, objects, slab, 1);
		assert_int_equal(rig_path(&r, 0), PATH_SLAB_CPU_PARTIAL);
		free_some(&r, c, 0, objects + 1, slab, slab);
		assert_int_equal(rig_path(&r, 0), slab ? PATH_SLAB_SHARED : PATH_SLAB_CPU_PARTIAL);
	}
	assert_slabs(&r, c, "c0:64 p0:60,61,62,63 -:64");
	free_some(&r, c, 0, objects, 4, 1);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NODE_PARTIAL);
	assert_slabs(&r, c, "c0:64 p0:63 n:60,61,62,63");
	assert_int_equal(rig_stats(&r, c).active_count, 6 * 64 - 10);

	assert_int_equal(rig_alloc(&r, c, 0), objects[4 * 64]);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_CPU_PARTIAL);
	assert_slabs(&r, c, "c0:64 n:60,61,62,63 -:64");
	assert_int_equal(rig_alloc(&r, c, 0), objects[3 * 64 + 3]); /* the last one freed there */
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NODE_PARTIAL);
	assert_slabs(&r, c, "c0:61 p0:63,62,61 -:64,64");
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.refills_cpu_partial_count, 1);
	assert_int_equal(s.refills_node_partial_count, 1);
	assert_int_equal(s.slabs_new_count, 6);
	assert_int_equal(s.active_count, 6 * 64);
	free(objects);
	rig_release(&r);
}

/* A slab that gets empty in a CPU's stock stays there until the stock is sent to the node. */
static void empty_slabs_in_stock(void **state)
{
	struct object_allocator_params p;
	struct object_rig r;
	object_params_init(&p);
	p.min_partial_slabs = 2;
	start(&r, &p);
	struct object_cache *c = rig_sized(&r, "kmalloc-64", 64, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 6);
	free_some(&r, c, 0, objects, 0, 64);
	free_some(&r, c, 0, objects, 1, 1);
	free_some(&r, c, 0, objects, 2, 64);
	free_some(&r, c, 0, objects, 3, 64);
	assert_slabs(&r, c, "c0:64 p0:0,0,63,0 -:64");
	/* Sent in the order 0, 0, 63, 0: two fit, the partial one stays, the last is discarded. */
	free_some(&r, c, 0, objects, 4, 1);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_DISCARD);
	assert_slabs(&r, c, "c0:64 p0:63 n:0,0,63");
	assert_int_equal(rig_stats(&r, c).slabs_freed_count, 1);
	assert_int_equal(rig_stats(&r, c).slabs_count, 5);
	free(objects);
	rig_release(&r);
}

/*
 * Without stocks: slabs that were full go to the tail of the node's list. One that gets empty goes
 * back if the list has min_partial slabs (6 for 4096 bytes) or more, itself included.
 */
static void min_partial(void **state)
{
	struct object_allocator_params p;
	struct object_rig r;
	object_params_init(&p);
	p.cpu_partial_objects = 0;
	start(&r, &p);
	struct object_cache *c = rig_sized(&r, "kmalloc-4k", 4096, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 8);
	for (unsigned slab = 0; slab < 7; slab++) {
		free_some(&r, c, 1, objects, slab, 1);
		assert_int_equal(rig_path(&r, 1), PATH_SLAB_NODE_PARTIAL);
	}
	free_some(&r, c, 1, objects + 1, 6, 1);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_SHARED);
	assert_slabs(&r, c, "c0:8 n:7,7,7,7,7,7,6");
	for (unsigned slab = 0; slab < 3; slab++) {
		free_some(&r, c, 1, objects + 1, slab, 7);
		assert_int_equal(rig_path(&r, 1),
				 slab < 2 ? PATH_SLAB_DISCARD : PATH_SLAB_NODE_PARTIAL);
	}
	assert_slabs(&r, c, "c0:8 n:0,7,7,7,6");
	/* One at a time from the head. */
	rig_alloc(&r, c, 1);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_NODE_PARTIAL);
	assert_slabs(&r, c, "c0:8 c1:1 n:7,7,7,6");
	free(objects);
	rig_release(&r);
}

/* What another CPU frees of a current slab waits on the shared list. */
static void frees_by_another_cpu(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-192", 192, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 1);
	rig_free(&r, c, 1, objects[3]);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_SHARED);
	rig_free(&r, c, 1, objects[5]);
	assert_slabs(&r, c, "c0:19");
	rig_free(&r, c, 0, objects[7]);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_int_equal(rig_alloc(&r, c, 0), objects[7]);
	assert_int_equal(rig_alloc(&r, c, 0), objects[5]);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_SHARED);
	assert_int_equal(rig_alloc(&r, c, 0), objects[3]);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_FAST);
	assert_slabs(&r, c, "c0:21");

	/* A slab that its CPU has forgotten joins the stock of the CPU that frees. */
	rig_alloc(&r, c, 0);
	rig_free(&r, c, 1, objects[0]);
	assert_int_equal(rig_path(&r, 1), PATH_SLAB_CPU_PARTIAL);
	assert_slabs(&r, c, "c0:1 p1:20");
	assert_int_equal(rig_alloc(&r, c, 1), objects[0]);
	assert_slabs(&r, c, "c0:1 c1:21");
	assert_int_equal(rig_stats(&r, c).refills_shared_count, 1);
	free(objects);
	rig_release(&r);
}

/* --- what others do while a CPU waits --------------------------------------------------------- */

/* What happens when CPU 0 comes to a lock for the first time. */
static struct meanwhile {
	struct object_rig *r;
	struct object_cache *c;
	unsigned allocs_count; /* by CPU 1 */
} meanwhile;

static void lock_late(struct env *env, struct env_lock *lock)
{
	unsigned count = meanwhile.allocs_count;
	meanwhile.allocs_count = 0;
	while (count--)
		rig_alloc(meanwhile.r, meanwhile.c, 1);
	assert_null(lock->owner);
	lock->owner = env;
}

static void unlock(struct env *env, struct env_lock *lock)
{
	lock->owner = NULL;
}

static void sync(struct env *env)
{
}

static void others_run_while_a_cpu_waits(void **state)
{
	static const struct env_ops ops = {.lock = lock_late, .unlock = unlock, .sync = sync};
	struct object_allocator_params p;
	struct object_rig r;
	object_params_init(&p);
	p.cpu_partial_objects = 0;
	p.min_partial_slabs = 0;
	start(&r, &p);
	struct object_cache *c = rig_sized(&r, "kmalloc-4k", 4096, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 2);
	free_some(&r, c, 1, objects, 0, 7);
	assert_slabs(&r, c, "c0:8 n:1");
	/* CPU 0 is about to empty the slab, which CPU 1 makes its own before. */
	meanwhile = (struct meanwhile){&r, c, 1};
	r.m.env[0].ops = &ops;
	rig_free(&r, c, 0, objects[7]);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_SHARED);
	assert_slabs(&r, c, "c0:8 c1:1");

	/* A slab has its first free object; CPU 1 fills the one that CPU 0 wants to take. */
	for (unsigned i = 0; i < 8; i++)
		rig_alloc(&r, c, 1);
	assert_slabs(&r, c, "c0:8 c1:1 -:8");
	rig_free(&r, c, 0, objects[0]);
	assert_slabs(&r, c, "c0:8 c1:1 n:7");
	meanwhile.allocs_count = 8;
	uint64_t a = rig_alloc(&r, c, 0);
	assert_int_equal(rig_path(&r, 0), PATH_SLAB_NEW);
	assert_true(a != objects[0]);
	assert_slabs(&r, c, "c0:1 c1:8 -:8,8");
	free(objects);
	rig_release(&r);
}

/* --- caches ----------------------------------------------------------------------------------- */

static void construct(void *object, uint64_t bytes)
{
	memset(object, 0x77, bytes);
}

/* Once for each object of a new slab; a free object stays as it is, its link lies behind it. */
static void constructors(void **state)
{
	const struct object_cache_params params = {
		.name = "inode", .object_size_bytes = 120, .ctor = construct};
	uint8_t expected[120];
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_cache(&r, &params);
	memset(expected, 0x77, sizeof(expected));
	for (unsigned round = 0; round < 100; round++) {
		uint64_t a = rig_alloc(&r, c, 0), b = rig_alloc(&r, c, 0);
		assert_memory_equal(object_bytes(r.oa, a), expected, sizeof(expected));
		assert_memory_equal(object_bytes(r.oa, b), expected, sizeof(expected));
		rig_free(&r, c, 0, a);
		rig_free(&r, c, 1, b);
	}
	assert_int_equal(rig_stats(&r, c).ctor_calls_count, 32); /* 4096 / 128 */
	free(fill(&r, c, 0, 3));
	struct object_cache_stats s = rig_stats(&r, c);
	assert_int_equal(s.ctor_calls_count, s.slabs_new_count * 32);
	rig_release(&r);
}

static struct object_cache *like(struct object_rig *r, uint64_t bytes, uint64_t align,
				 unsigned flags, void (*ctor)(void *object, uint64_t bytes))
{
	const struct object_cache_params params = {.name = "like",
						   .object_size_bytes = bytes,
						   .align_bytes = align,
						   .flags = flags,
						   .ctor = ctor};
	return rig_cache(r, &params);
}

static void merging(void **state)
{
	struct object_allocator_params p;
	struct object_rig r;
	struct err err;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "first", 60, 0);
	assert_ptr_equal(like(&r, 64, 0, 0, NULL), c);
	assert_ptr_equal(like(&r, 57, 32, 0, NULL), c); /* 64 is a multiple of 32 */
	assert_ptr_equal(like(&r, 50, 64, 0, NULL), c);
	struct object_cache_stats s = rig_stats(&r, c);
	assert_string_equal(s.name, "first");
	assert_int_equal(s.aliases_count, 3);
	assert_int_equal(s.object_size_bytes, 64);
	static const unsigned apart[] = {CACHE_RECLAIM_ACCOUNT, CACHE_ACCOUNT,  CACHE_DMA,
					 CACHE_DMA32,           CACHE_NO_MERGE, CACHE_KMALLOC,
					 CACHE_TYPESAFE_BY_RCU, CACHE_RED_ZONE, CACHE_POISON};
	for (unsigned i = 0; i < ARRAY_SIZE(apart); i++)
		assert_ptr_not_equal(like(&r, 64, 0, apart[i], NULL), c);
	assert_ptr_not_equal(like(&r, 64, 0, 0, construct), c);
	assert_ptr_not_equal(like(&r, 56, 0, 0, NULL), c);
	assert_ptr_not_equal(like(&r, 72, 0, 0, NULL), c);
	/* Each reference is given up by itself. */
	uint64_t a = rig_alloc(&r, c, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(r.oa->ops->cache_free(r.oa, &r.m.env[0], c), 0);
	assert_ptr_equal(r.oa->ops->cache_at(r.oa, 0), c);
	rig_free(&r, c, 0, a);
	assert_int_equal(r.oa->ops->cache_free(r.oa, &r.m.env[0], c), 0);
	assert_null(r.oa->ops->cache_at(r.oa, 0));
	assert_int_equal(rig_stats(&r, like(&r, 64, 0, 0, NULL)).aliases_count, 0);
	rig_release(&r);

	object_params_init(&p);
	p.merge = false;
	start(&r, &p);
	assert_ptr_not_equal(like(&r, 64, 0, 0, NULL), like(&r, 64, 0, 0, NULL));
	memset(&err, 0, sizeof(err));
	const struct object_cache_params bad = {.name = "bad", .object_size_bytes = 0};
	assert_null(r.oa->ops->cache_new(r.oa, &bad, &err));
	assert_int_equal(err.code, ERR_CONFIG);
	rig_release(&r);
}

/* Empty slabs go; the others are sorted, fullest first, and of equal ones the last comes first. */
static void shrinking(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	struct object_cache *c = rig_sized(&r, "kmalloc-64", 64, CACHE_KMALLOC);
	static const unsigned freed[] = {5, 64, 2, 40, 5, 0, 35};
	uint64_t *objects = fill(&r, c, 0, 7);
	for (unsigned slab = 0; slab < 7; slab++)
		free_some(&r, c, slab % 2, objects, slab, freed[slab]);
	r.oa->ops->shrink(r.oa, &r.m.env[1], c);
	assert_slabs(&r, c, "n:62,59,59,29,24 -:64");
	assert_int_equal(rig_stats(&r, c).slabs_freed_count, 1);
	free(objects);
	rig_release(&r);
}

/* Empty slabs go back from the end of the node's list: the first one's page is the next in use. */
static void order_of_discarding(void **state)
{
	struct object_rig r;
	struct object_allocator_params p;
	object_params_init(&p);
	p.cpu_partial_objects = 0;
	start(&r, &p);
	struct object_cache *c = rig_sized(&r, "kmalloc-64", 64, CACHE_KMALLOC);
	uint64_t *objects = fill(&r, c, 0, 6);
	for (unsigned slab = 0; slab < 6; slab += 2) /* pages that don't merge */
		free_some(&r, c, 1, objects, slab, 64);
	assert_slabs(&r, c, "c0:64 n:0,0,0 -:64,64");
	r.oa->ops->shrink(r.oa, &r.m.env[1], c);
	assert_slabs(&r, c, "-:64,64,64");
	assert_int_equal(rig_alloc(&r, c, 1) >> PAGE_SHIFT, objects[0] >> PAGE_SHIFT);
	free(objects);
	rig_release(&r);
}

static void the_end_of_a_cache(void **state)
{
	struct object_rig r;
	start(&r, NULL);
	uint64_t before = rig_free_pages(&r);
	struct object_cache *c = rig_sized(&r, "leaky", 700, 0);
	uint64_t *objects = fill(&r, c, 0, 9);
	for (unsigned i = 2; i < 9 * 23; i++)
		rig_free(&r, c, i % 2, objects[i]);
	assert_int_equal(r.oa->ops->cache_free(r.oa, &r.m.env[0], c), 2);
	assert_ptr_equal(r.oa->ops->cache_at(r.oa, 0), c);
	assert_slabs(&r, c, "n:2");
	assert_int_equal(rig_stats(&r, c).live_count, 2);
	rig_free(&r, c, 1, objects[0]);
	rig_free(&r, c, 0, objects[1]);
	assert_int_equal(r.oa->ops->cache_free(r.oa, &r.m.env[0], c), 0);
	assert_null(r.oa->ops->cache_at(r.oa, 0));
	rig_check(&r);
	assert_int_equal(rig_free_pages(&r), before);
	uint64_t start_paddr;
	assert_null(r.oa->ops->cache_of(r.oa, objects[0], &start_paddr));
	free(objects);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_objects),
		cmocka_unit_test(slab_gets_full),
		cmocka_unit_test(stock_of_a_cpu),
		cmocka_unit_test(empty_slabs_in_stock),
		cmocka_unit_test(min_partial),
		cmocka_unit_test(frees_by_another_cpu),
		cmocka_unit_test(others_run_while_a_cpu_waits),
		cmocka_unit_test(constructors),
		cmocka_unit_test(merging),
		cmocka_unit_test(shrinking),
		cmocka_unit_test(order_of_discarding),
		cmocka_unit_test(the_end_of_a_cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
