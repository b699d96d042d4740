/*
 * replay_object.c - kmalloc, cache allocations and their frees: see replay.c for the loop.
 *
 * An object that was allocated before the start is freed where start_objects says that it lies in
 * the simulation. What is not there is not known to the simulation: a cache without a recorded
 * state, an object of a large kmalloc; such frees are counted and nothing happens. Nor does it at a
 * second free of one place: recorded addresses can be so far apart that the trace, which keeps 44
 * bits of them, has one for two.
 *
 * Requested bytes are kept by cache, since no allocator remembers them. An object from before the
 * start counts as if all of it had been asked for.
 */
#include <inttypes.h>

#include "kern/bug.h"
#include "sim/contents.h"
#include "sim/replay_impl.h"

static uint64_t allocate(struct replay *r, struct engine_cpu *cpu, const struct op *op,
			 struct object_cache *cache, uint64_t bytes, enum alloc_failure *why)
{
	struct object_stack *s = r->stack;
	unsigned nid = mempolicy_node(&r->mempolicy, &cpu->env, &op->mem, op->gfp);
	if (op->kind == OP_KMALLOC)
		return kmalloc_alloc(&s->km, &cpu->env, bytes, op->gfp, nid, why);
	return s->oa->ops->alloc(s->oa, &cpu->env, cache, bytes, op->gfp, nid, why);
}

/* What @o got beyond what was asked for; 0 from allocators that give all of a cache the same. */
static uint64_t rounding_bytes(const struct object_stack *s, const struct object *o)
{
	if (!s->oa->ops->given_bytes || o->slot == SLOT_LARGE)
		return 0;
	return s->oa->ops->given_bytes(s->oa, s->slots[o->slot].cache, o->bytes) - o->bytes;
}

static void note_allocated(struct replay *r, const struct op *op, const struct object *o)
{
	struct cache_slot *slot = &r->stack->slots[o->slot];
	slot->live_requested_bytes += o->bytes;
	slot->requested_bytes += o->bytes;
	slot->live_rounding_bytes += rounding_bytes(r->stack, o);
	if (r->verify_contents && o->bytes)
		contents_write_bytes(r->pa->pm, op->id, object_paddr(o), o->bytes);
}

void replay_object_alloc(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	struct metrics *m = r->metrics;
	struct object_stack *s = r->stack;
	m->object_allocs_count++;
	if (op->failed) {
		m->recorded_failures_count++;
		return;
	}
	uint64_t bytes = op->bytes;
	struct object_cache *cache;
	if (op->kind == OP_KMALLOC) {
		cache = kmalloc_cache(&s->km, bytes, op->gfp);
	} else {
		cache = s->caches[op->cache];
		bytes = cache ? s->object_sizes[op->cache] : 0;
	}
	struct object *o = replay_object_of(r, op->id);
	enum alloc_failure why = ALLOC_NO_MEMORY;
	uint64_t paddr = op->kind == OP_CACHE_ALLOC && !cache
				 ? OBJECT_NONE
				 : allocate(r, cpu, op, cache, bytes, &why);
	engine_end_operation(cpu);
	if (paddr == OBJECT_NONE) {
		m->object_failed_count++;
		m->object_failures[why]++;
		o->state = OBJECT_FAILED;
	} else {
		o->state = OBJECT_LIVE;
		/* Of a request of 0 bytes this is UINT32_MAX: no page has that number. */
		o->pfn = (uint32_t)(paddr >> PAGE_SHIFT);
		o->offset_bytes = (uint16_t)(paddr % PAGE_BYTES);
		o->bytes = (uint32_t)bytes;
		o->slot = (uint16_t)object_stack_slot(s, cache);
		note_allocated(r, op, o);
	}
	replay_born(r, cpu, op->id, o);
	metrics_latency(m, op->kind, 0, cpu->env.path, cpu->now_ps - start);
	if (paddr != OBJECT_NONE)
		replay_touch_new(r, cpu, paddr, bytes);
}

static uint64_t address_of(const struct object *o)
{
	return o->pfn == UINT32_MAX ? KMALLOC_ZERO : object_paddr(o);
}

/* Free what lies at @paddr; through its cache if the workload named one, as callers do. */
static void release(struct replay *r, struct engine_cpu *cpu, uint64_t paddr, unsigned slot,
		    bool by_cache, ps_t start)
{
	struct object_stack *s = r->stack;
	if (by_cache && slot != SLOT_LARGE)
		s->oa->ops->free_object(s->oa, &cpu->env, s->slots[slot].cache, paddr);
	else
		kmalloc_free(&s->km, &cpu->env, paddr);
	engine_end_operation(cpu);
	metrics_latency(r->metrics, OP_OBJECT_FREE, 0, cpu->env.path, cpu->now_ps - start);
}

/* An object from before the start, by its recorded address. */
static void free_start_object(struct replay *r, struct engine_cpu *cpu, uint64_t recorded_paddr,
			      const struct op *op, ps_t start)
{
	struct object_stack *s = r->stack;
	const uint64_t *known = NULL;
	if (recorded_paddr != OBJECT_NONE) {
		env_sync(&cpu->env); /* which CPU's free finds it */
		known = u64map_get(&s->start_objects, recorded_paddr);
	}
	if (!known) {
		r->metrics->unknown_object_frees_count++;
		return;
	}
	uint64_t paddr = *known, begin;
	struct object_cache_stats stats;
	struct object_cache *cache = s->oa->ops->cache_of(s->oa, paddr, &begin);
	BUG_ON(!cache || begin != paddr, "start object %#" PRIx64 " lies in no cache", paddr);
	u64map_remove(&s->start_objects, recorded_paddr);
	s->oa->ops->cache_stats(s->oa, cache, &stats);
	unsigned slot = object_stack_slot(s, cache);
	s->slots[slot].live_requested_bytes -= stats.object_size_bytes;
	release(r, cpu, paddr, slot, op->cache != OP_CACHE_NONE, start);
}

void replay_object_free(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	r->metrics->object_frees_count++;
	if (op->id == OP_ID_NONE) {
		free_start_object(r, cpu, op->paddr, op, start);
		return;
	}
	struct object *o = replay_await(r, cpu, op->id, &start);
	if (o->state == OBJECT_FAILED) {
		r->metrics->skipped_frees_count++;
	} else if (o->state == OBJECT_RECORDED) {
		free_start_object(r, cpu, o->pfn == UINT32_MAX ? OBJECT_NONE : object_paddr(o), op,
				  start);
	} else {
		BUG_ON(r->verify_contents && o->bytes &&
			       !contents_check_bytes(r->pa->pm, op->id, object_paddr(o), o->bytes),
		       "object %" PRIu64 " at %#" PRIx64 ", %u bytes, was overwritten: two own its "
		       "memory",
		       op->id, object_paddr(o), o->bytes);
		r->stack->slots[o->slot].live_requested_bytes -= o->bytes;
		r->stack->slots[o->slot].live_rounding_bytes -= rounding_bytes(r->stack, o);
		release(r, cpu, address_of(o), o->slot, op->cache != OP_CACHE_NONE, start);
	}
	objects_drop(r->objects, op->id);
}
