/*
 * replay.h - each simulated CPU performs its stream of operations on the allocator.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "alloc/page_allocator.h"
#include "sim/engine.h"
#include "sim/metrics.h"
#include "sim/object_stack.h"
#include "sim/objects.h"
#include "sim/virtual_memory.h"
#include "sim/workload.h"

struct replay {
	struct page_allocator *pa;
	struct object_stack *stack; /* NULL: the workload has no objects */
	struct engine *engine;
	struct workload *workload;
	struct objects *objects;
	struct metrics *metrics;
	struct mempolicy mempolicy;
	ps_t tick_interval_ps;   /* periodic work of each CPU on its page lists; 0: none */
	ps_t tick_first_ps[CPUS_LIMIT]; /* when it is first due */
	ps_t object_tick_interval_ps; /* likewise of the object allocator; first due after one */
	enum workload_touch touch;
	struct virtual_memory *virtual_memory; /* that programs use */
	const struct config_program *programs; /* of whose processes' memory it is */
	struct env_lock *locks;  /* that programs take: workload.locks, in their order */
	bool verify_contents;    /* see contents.h; contents_init() was called */
	ps_t next_sample_ps;     /* a CPU joins before an operation that starts here or later */
	uint64_t ops_done[CPUS_LIMIT]; /* by CPU */
	/* By CPU: the object whose allocation it waits for, or OP_ID_NONE. */
	struct object_wait {
		uint64_t id;
		struct engine_wait *wait;
	} waits_for[CPUS_LIMIT];
	/* By CPU: the recorded block that it is about to free; see replay.c. */
	struct recorded_free {
		pfn_t start, end; /* equal: none */
	} recorded_frees[CPUS_LIMIT];
	/* By CPU: what its next interrupt performs. */
	struct interrupt_op {
		struct replay *replay;
		struct op op;
		bool pending;
	} interrupt_ops[CPUS_LIMIT];
	volatile const int *stop; /* not 0: a signal asks to end; may be NULL */
};

/* Give every CPU of @r->engine its replay loop. */
void replay_setup(struct replay *r);

/* Where the simulation is, for the message of a bug; meant for bug_context. */
void replay_print_context(const struct replay *r);

#endif
