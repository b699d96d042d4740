/*
 * replay_impl.h - what the parts of the replay share: replay.c has the loop and the pages,
 * replay_object.c the objects. Internal to the replay.
 */
#ifndef SIM_REPLAY_IMPL_H
#define SIM_REPLAY_IMPL_H

#include <inttypes.h>

#include "kern/bug.h"
#include "sim/replay.h"

/* The object of an id. */
static inline struct object *replay_object_of(struct replay *r, uint64_t id)
{
	struct object *o = objects_get(r->objects, id);
	BUG_ON(!o, "out of memory for object %" PRIu64, id);
	return o;
}

/*
 * Before anything that starts now: let a sample that is due see the state without it, and make the
 * event that --exact-events promises.
 */
static inline void replay_settle(struct replay *r, struct engine_cpu *cpu)
{
	if (__builtin_expect(cpu->now_ps >= r->next_sample_ps, 0))
		engine_join(cpu);
	engine_boundary(cpu);
}

void replay_wake_waiters(struct replay *r, uint64_t id, ps_t born_ps);

/* @o, with everything set but this, exists from now on: wake who waits for it. */
static inline void replay_born(struct replay *r, struct engine_cpu *cpu, uint64_t id,
			       struct object *o)
{
	o->born_ps = cpu->now_ps;
	if (__builtin_expect(o->waited_for, 0))
		replay_wake_waiters(r, id, o->born_ps);
}

/* Wait for object @o, whose allocation has not happened yet or ends after *@start. */
void replay_wait(struct replay *r, struct engine_cpu *cpu, uint64_t id, struct object *o,
		 ps_t *start);

/*
 * The object that is to be freed now, once it exists; the free then starts at *@start, or later if
 * the allocation ends later.
 */
static inline struct object *replay_await(struct replay *r, struct engine_cpu *cpu, uint64_t id,
					  ps_t *start)
{
	struct object *o = replay_object_of(r, id);
	if (__builtin_expect(o->state == OBJECT_UNBORN ||
				     (o->state != OBJECT_RECORDED && o->born_ps > *start), 0))
		replay_wait(r, cpu, id, o, start);
	return o;
}

void replay_object_alloc(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);
/* A step that only programs have. */
void replay_program_step(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);
/* As workload.touch says: the holder of new memory writes it, after the allocation was timed. */
void replay_touch_block(struct replay *r, struct engine_cpu *cpu, uint64_t paddr, uint64_t bytes);

static inline void replay_touch_new(struct replay *r, struct engine_cpu *cpu, uint64_t paddr,
				    uint64_t bytes)
{
	if (__builtin_expect(r->touch != TOUCH_NONE, 0))
		replay_touch_block(r, cpu, paddr, bytes);
}

void replay_object_free(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);

#endif
