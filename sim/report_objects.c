/*
 * report_objects.c - see report_objects.h.
 *
 * `objects` sums up, `caches` has an element for each cache that holds a slab or saw an operation,
 * in order of creation, and last one for kmalloc's large requests, which are whole pages. Bytes are
 * divided as object_bytes.h says, so held bytes are the sum of the five parts in every element and
 * in the sums.
 */
#include "sim/report_objects.h"

#include <stdio.h>
#include <string.h>

static double ns(ps_t ps)
{
	return (double)ps / 1000.0;
}

static void write_bytes(struct json *j, const struct object_bytes *b)
{
	json_u64(j, "requested_bytes", b->requested_bytes);
	json_u64(j, "given_bytes", b->given_bytes);
	json_u64(j, "held_bytes", b->held_bytes);
	json_u64(j, "waste_bytes", object_bytes_waste(b));
	for (unsigned i = 0; i < OBJECT_WASTES; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%s_bytes", object_waste_names[i]);
		json_u64(j, key, b->waste_bytes[i]);
	}
}

static void write_moment(struct json *j, const char *key, ps_t at_ps, const struct object_bytes *b)
{
	json_object_begin(j, key);
	json_double(j, "time_ns", ns(at_ps));
	json_u64(j, "live_count", b->live_count);
	write_bytes(j, b);
	json_object_end(j);
}

/* --- objects ---------------------------------------------------------------------------------- */

/* Sums over caches; pools see no operations of their own. */
struct cache_sums {
	uint64_t allocs, fast_allocs, frees, fast_frees, slabs_new, slabs_freed;
	uint64_t lock_acquired, lock_contended;
	struct object_cache_usage usage;
};

static void sum_caches(const struct object_stack *s, struct cache_sums *sums)
{
	const struct env_lock *last = NULL;
	memset(sums, 0, sizeof(*sums));
	for (unsigned slot = SLOT_LARGE + 1; slot < s->slots_count; slot++) {
		struct object_cache_stats c;
		struct object_cache_usage u;
		object_stack_stats(s, slot, &c);
		object_cache_usage(s->oa, s->slots[slot].cache, &u);
		if (c.lock && c.lock != last) { /* slob has one for all */
			sums->lock_acquired += c.lock->acquired_count;
			sums->lock_contended += c.lock->contended_count;
			last = c.lock;
		}
		sums->slabs_new += c.slabs_new_count;
		sums->slabs_freed += c.slabs_freed_count;
		sums->usage.slabs_empty += u.slabs_empty;
		sums->usage.slabs_single += u.slabs_single;
		sums->usage.pages_single += u.pages_single;
		if (c.flags & CACHE_POOL)
			continue;
		sums->allocs += c.allocs_count;
		sums->fast_allocs += c.fast_allocs_count;
		sums->frees += c.frees_count;
		sums->fast_frees += c.fast_frees_count;
	}
}

static void write_failures(struct json *j, const struct metrics *m)
{
	json_object_begin(j, "failures");
	for (unsigned i = ALLOC_OK + 1; i < ALLOC_FAILURES; i++) {
		char key[48];
		snprintf(key, sizeof(key), "%s_count", alloc_failure_names[i]);
		json_u64(j, key, m->object_failures[i]);
	}
	json_object_end(j);
}

void report_objects(struct json *j, const struct run_result *r)
{
	const struct object_stack *s = &r->machine.objects;
	const struct metrics *m = &r->metrics;
	struct cache_sums sums;
	if (!s->oa) {
		json_null(j, "objects");
		return;
	}
	sum_caches(s, &sums);
	json_object_begin(j, "objects");
	json_string(j, "allocator", s->oa->ops->name);
	json_u64(j, "allocs_count", m->object_allocs_count);
	json_u64(j, "frees_count", m->object_frees_count);
	json_u64(j, "failed_count", m->object_failed_count);
	json_u64(j, "unknown_frees_count", m->unknown_object_frees_count);
	json_u64(j, "zero_size_count", s->km.zero_size_count);
	json_u64(j, "sleep_violations_count", r->sleep_violations_count);
	json_u64(j, "fast_allocs_count", sums.fast_allocs);
	json_u64(j, "slow_allocs_count", sums.allocs - sums.fast_allocs);
	json_u64(j, "fast_frees_count", sums.fast_frees);
	json_u64(j, "slow_frees_count", sums.frees - sums.fast_frees);
	json_u64(j, "page_requests_count", sums.slabs_new + s->km.large_allocs_count);
	json_u64(j, "page_frees_count", sums.slabs_freed + s->km.large_frees_count);
	json_u64(j, "recorded_page_requests_count", r->left_out_count[0]);
	json_u64(j, "recorded_page_frees_count", r->left_out_count[1]);
	json_u64(j, "lock_acquired_count", sums.lock_acquired);
	json_u64(j, "lock_contended_count", sums.lock_contended);
	json_u64(j, "live_count", r->objects_end.live_count);
	json_u64(j, "slabs_empty_count", sums.usage.slabs_empty);
	json_u64(j, "slabs_single_count", sums.usage.slabs_single);
	json_u64(j, "single_pages", sums.usage.pages_single);
	write_bytes(j, &r->objects_end);
	write_moment(j, "start", 0, &r->objects_start);
	write_moment(j, "peak", r->objects_peak_ps, &r->objects_peak);
	write_failures(j, m);
	json_object_end(j);
}

/* --- caches ----------------------------------------------------------------------------------- */

static void write_layout(struct json *j, const struct object_cache_stats *c)
{
	json_u64(j, "aliases_count", c->aliases_count);
	json_bool(j, "pool", c->flags & CACHE_POOL);
	json_u64(j, "object_size_bytes", c->object_size_bytes);
	json_u64(j, "size_bytes", c->size_bytes);
	json_u64(j, "align_bytes", c->align_bytes);
	json_u64(j, "slab_order", c->slab_order);
	json_u64(j, "objects_per_slab", c->objects_per_slab);
	json_u64(j, "cpu_partial_objects", c->cpu_partial_objects);
	json_u64(j, "cpu_partial_slabs", c->cpu_partial_slabs);
	json_u64(j, "min_partial_slabs", c->min_partial_slabs);
}

static void write_counters(struct json *j, const struct object_cache_stats *c)
{
	json_u64(j, "allocs_count", c->allocs_count);
	json_u64(j, "frees_count", c->frees_count);
	json_u64(j, "failed_count", c->failed_count);
	json_u64(j, "fast_allocs_count", c->fast_allocs_count);
	json_u64(j, "slow_allocs_count", c->allocs_count - c->fast_allocs_count);
	json_u64(j, "fast_frees_count", c->fast_frees_count);
	json_u64(j, "slow_frees_count", c->frees_count - c->fast_frees_count);
	json_u64(j, "refills_shared_count", c->refills_shared_count);
	json_u64(j, "refills_cpu_partial_count", c->refills_cpu_partial_count);
	json_u64(j, "refills_node_partial_count", c->refills_node_partial_count);
	json_u64(j, "slabs_new_count", c->slabs_new_count);
	json_u64(j, "slabs_freed_count", c->slabs_freed_count);
	json_u64(j, "slabs_fallback_count", c->slabs_fallback_count);
	json_u64(j, "ctor_calls_count", c->ctor_calls_count);
}

static void write_state(struct json *j, const struct object_cache_stats *c,
			const struct object_cache_usage *u)
{
	json_u64(j, "slabs_count", c->slabs_count);
	json_u64(j, "slabs_full_count", u->slabs_full);
	json_u64(j, "slabs_partial_count", u->slabs_partial);
	json_u64(j, "slabs_empty_count", u->slabs_empty);
	json_u64(j, "slabs_single_count", u->slabs_single);
	json_u64(j, "single_pages", u->pages_single);
	json_u64(j, "objects_count", c->objects_count);
	json_u64(j, "live_count", c->live_count);
	json_u64(j, "active_count", c->active_count);
	json_u64(j, "pages_count", c->pages_count);
}

/* The lock of its list; several caches may share one, which only the first of them shows. */
static void write_lock(struct json *j, const struct env_lock *lock)
{
	json_u64(j, "lock_acquired_count", lock ? lock->acquired_count : 0);
	json_u64(j, "lock_contended_count", lock ? lock->contended_count : 0);
	json_double(j, "lock_wait_ns_total", ns(lock ? lock->wait_ps_total : 0));
}

static void write_cache(struct json *j, const struct object_stack *s, unsigned slot,
			const struct object_cache_stats *c, const struct object_cache_usage *u,
			const struct env_lock *lock)
{
	struct object_bytes b;
	char name[CACHE_NAME_SIZE];
	object_bytes_of_slot(s, slot, &b);
	object_stack_slot_name(s, slot, name);
	json_object_begin(j, NULL);
	json_string(j, "name", name);
	write_layout(j, c);
	write_counters(j, c);
	json_u64(j, "requested_bytes_total", s->slots[slot].requested_bytes);
	write_state(j, c, u);
	write_bytes(j, &b);
	write_lock(j, lock);
	json_object_end(j);
}

/* Large requests as far as they are like a cache: every request is a slab of its own. */
static void write_large(struct json *j, const struct object_stack *s)
{
	const struct kmalloc *km = &s->km;
	const struct object_cache_stats c = {
		.allocs_count = km->large_allocs_count,
		.frees_count = km->large_frees_count,
		.failed_count = km->large_failed_count + km->too_large_count,
		.slabs_new_count = km->large_allocs_count,
		.slabs_freed_count = km->large_frees_count,
		.slabs_count = km->large_live_count,
		.objects_count = km->large_live_count,
		.live_count = km->large_live_count,
		.active_count = km->large_live_count,
		.pages_count = km->large_live_pages,
	};
	const struct object_cache_usage u = {.slabs_full = km->large_live_count};
	write_cache(j, s, SLOT_LARGE, &c, &u, NULL);
}

void report_caches(struct json *j, const struct run_result *r)
{
	const struct object_stack *s = &r->machine.objects;
	const struct env_lock *lock = NULL;
	json_array_begin(j, "caches");
	for (unsigned slot = SLOT_LARGE + 1; s->oa && slot < s->slots_count; slot++) {
		struct object_cache_stats c;
		struct object_cache_usage u;
		object_stack_stats(s, slot, &c);
		if (!c.slabs_count && !c.slabs_new_count && !c.allocs_count && !c.failed_count)
			continue;
		object_cache_usage(s->oa, s->slots[slot].cache, &u);
		write_cache(j, s, slot, &c, &u, c.lock == lock ? NULL : c.lock);
		lock = c.lock;
	}
	if (s->oa)
		write_large(j, s);
	json_array_end(j);
}
