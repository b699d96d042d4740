/*
 * replay_impl.h - what the parts of the replay share: replay.c has the loop and the pages,
 * replay_object.c the objects. Internal to the replay.
 */
#ifndef SIM_REPLAY_IMPL_H
#define SIM_REPLAY_IMPL_H

#include "sim/replay.h"

/* The object of an id. */
struct object *replay_object_of(struct replay *r, uint64_t id);
/*
 * Before anything that starts now: let a sample that is due see the state without it, and make the
 * event that --exact-events promises.
 */
void replay_settle(struct replay *r, struct engine_cpu *cpu);
/* @o, with everything set but this, exists from now on: wake who waits for it. */
void replay_born(struct replay *r, struct engine_cpu *cpu, uint64_t id, struct object *o);
/*
 * The object that is to be freed now, once it exists; the free then starts at *@start, or later if
 * the allocation ends later.
 */
struct object *replay_await(struct replay *r, struct engine_cpu *cpu, uint64_t id, ps_t *start);

void replay_object_alloc(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);
/* A step that only programs have. */
void replay_program_step(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);
/* As workload.touch says: the holder of new memory writes it, after the allocation was timed. */
void replay_touch_new(struct replay *r, struct engine_cpu *cpu, uint64_t paddr, uint64_t bytes);
void replay_object_free(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start);

#endif
