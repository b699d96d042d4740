/*
 * replay.c - the loop of a simulated CPU: take an operation, wait for its time, do it, time it.
 *
 * An operation starts at its recorded time or, if the CPU is still busy then, when the CPU is free.
 * A free also waits for its allocation: when another CPU makes it and is late, the freeing CPU
 * sleeps until the block exists. So a slow simulated machine stretches a workload instead of
 * breaking it.
 *
 * A block that was allocated before the start is freed at its recorded pfn. If the model holds that
 * page itself, because the recording freed a page that it never showed being allocated, the free is
 * counted as conflicting and nothing happens; so it is if another CPU, at the same moment, is about
 * to free the page.
 *
 * Operations of interrupts are posted to the CPU one at a time, each when the one before is done;
 * the engine runs them on top of what the CPU does.
 *
 * Order. Only the allocator's own locks and env_sync() join CPUs; looking up an object does not,
 * since an object is written once by the CPU that allocates it and a free that comes too early
 * waits.
 */
#include "sim/replay.h"

#include <inttypes.h>
#include <stdio.h>

#include "kern/bug.h"
#include "sim/contents.h"
#include "sim/replay_impl.h"

#define NEVER UINT64_MAX

void replay_wake_waiters(struct replay *r, uint64_t id, ps_t born_ps)
{
	for (unsigned i = 0; i < r->workload->cpus_count; i++) {
		if (r->waits_for[i].id == id) {
			r->waits_for[i].id = OP_ID_NONE;
			engine_wake(r->waits_for[i].wait, born_ps);
		}
	}
}

static void finish_alloc(struct replay *r, struct engine_cpu *cpu, const struct op *op,
			 struct object *o, pfn_t pfn)
{
	engine_end_operation(cpu);
	o->state = pfn == PFN_NONE ? OBJECT_FAILED : OBJECT_LIVE;
	o->pfn = pfn == PFN_NONE ? UINT32_MAX : (uint32_t)pfn;
	o->order = (uint8_t)op->order;
	replay_born(r, cpu, op->id, o);
}

static void do_alloc(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	struct metrics *m = r->metrics;
	m->allocs_count++;
	if (op->failed) { /* it left no object: nothing of it can be replayed */
		m->recorded_failures_count++;
		return;
	}
	struct object *o = replay_object_of(r, op->id);
	enum alloc_failure why;
	pfn_t pfn = mempolicy_alloc_pages(&r->mempolicy, &cpu->env, op->order, op->gfp, &op->mem,
					  &why);
	if (pfn == PFN_NONE) {
		m->failed_count++;
		m->failures[why]++;
	} else {
		m->pages_allocated += UINT64_C(1) << op->order;
		m->held_pages += UINT64_C(1) << op->order;
		if (r->verify_contents)
			contents_write(r->pa->pm, op->id, pfn, op->order, op->gfp & __GFP_ZERO);
	}
	finish_alloc(r, cpu, op, o, pfn);
	metrics_latency(m, OP_ALLOC, op->order < ORDER_LIMIT ? op->order : ORDER_LIMIT - 1,
			cpu->env.path, cpu->now_ps - start);
	if (pfn != PFN_NONE)
		replay_touch_new(r, cpu, pfn << PAGE_SHIFT, (uint64_t)PAGE_BYTES << op->order);
}

/* A block, from before the start or not. */
static void free_block(struct replay *r, struct engine_cpu *cpu, pfn_t pfn, unsigned order,
		       ps_t start)
{
	r->pa->ops->free_pages(r->pa, &cpu->env, pfn, order);
	engine_end_operation(cpu);
	r->metrics->pages_freed += UINT64_C(1) << order;
	metrics_latency(r->metrics, OP_FREE, order, cpu->env.path, cpu->now_ps - start);
}

/* A block, or a part of one, that the workload has allocated. */
static void free_held(struct replay *r, struct engine_cpu *cpu, pfn_t pfn, unsigned order,
		      ps_t start)
{
	r->metrics->held_pages -= UINT64_C(1) << order;
	free_block(r, cpu, pfn, order, start);
}

static void check_contents(struct replay *r, const struct object *o, uint64_t id)
{
	BUG_ON(r->verify_contents && o->state == OBJECT_LIVE && !o->parts &&
		       !contents_check(r->pa->pm, id, o->pfn, o->order),
	       "object %" PRIu64 " at pfn %#x, order %u, was overwritten: two own its memory", id,
	       o->pfn, o->order);
}

/* Has the object allocator this page, from the start or since? */
static bool holds_objects(const struct replay *r, pfn_t pfn)
{
	uint64_t start_paddr;
	if (!r->stack)
		return false;
	struct object_allocator *oa = r->stack->oa;
	return oa->ops->cache_of(oa, pfn << PAGE_SHIFT, &start_paddr) != NULL;
}

static bool others_are_freeing(const struct replay *r, pfn_t start, pfn_t end)
{
	for (unsigned i = 0; i < r->workload->cpus_count; i++) {
		const struct recorded_free *f = &r->recorded_frees[i];
		if (f->start < end && start < f->end)
			return true;
	}
	return false;
}

/* A block from before the start, at its recorded pfn. */
static void free_recorded(struct replay *r, struct engine_cpu *cpu, pfn_t pfn, unsigned order,
			  ps_t start)
{
	if (!physmem_has_block(r->pa->pm, pfn, order)) {
		r->metrics->outside_frees_count++;
		return;
	}
	env_sync(&cpu->env);
	pfn_t end = pfn + (UINT64_C(1) << order);
	if (r->pa->ops->knows(r->pa, pfn, order) || holds_objects(r, pfn) ||
	    others_are_freeing(r, pfn, end)) {
		r->metrics->conflicting_frees_count++;
		return;
	}
	struct recorded_free *mine = &r->recorded_frees[cpu->env.cpu];
	*mine = (struct recorded_free){pfn, end};
	free_block(r, cpu, pfn, order, start);
	*mine = (struct recorded_free){0};
}

/* One piece of a larger block. */
static void free_part(struct replay *r, struct engine_cpu *cpu, const struct op *op,
		      struct object *o, ps_t start)
{
	if (o->state == OBJECT_RECORDED) {
		free_recorded(r, cpu, o->pfn + op->offset, op->order, start);
	} else {
		r->pa->ops->split_allocated(r->pa, o->pfn + op->offset, op->order);
		free_held(r, cpu, o->pfn + op->offset, op->order, start);
	}
	if (object_free_part(o, 1u << op->order))
		objects_drop(r->objects, op->id);
}

void replay_wait(struct replay *r, struct engine_cpu *cpu, uint64_t id, struct object *o,
		 ps_t *start)
{
	if (o->state == OBJECT_UNBORN) {
		struct engine_wait wait;
		engine_wait_init(&wait, cpu);
		o->waited_for = true;
		r->waits_for[cpu->env.cpu] = (struct object_wait){id, &wait};
		engine_wait_open(&wait);
	}
	if (o->born_ps > *start) {
		engine_idle_until(cpu, o->born_ps);
		replay_settle(r, cpu);
		*start = cpu->now_ps;
	}
}

static void do_free(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	r->metrics->frees_count++;
	if (op->id == OP_ID_NONE) {
		free_recorded(r, cpu, op->pfn, op->order, start);
		return;
	}
	struct object *o = replay_await(r, cpu, op->id, &start);
	if (o->state == OBJECT_FAILED) {
		r->metrics->skipped_frees_count++;
		if (!op->partial || object_free_part(o, 1u << op->order))
			objects_drop(r->objects, op->id);
		return;
	}
	check_contents(r, o, op->id);
	if (op->partial) {
		free_part(r, cpu, op, o, start);
		return;
	}
	if (o->state == OBJECT_RECORDED)
		free_recorded(r, cpu, o->pfn, o->order, start);
	else
		free_held(r, cpu, o->pfn, o->order, start);
	objects_drop(r->objects, op->id);
}

/* When a CPU's periodic works are due next, or NEVER. */
struct ticks {
	ps_t pages, objects;
};

static struct ticks first_ticks(const struct replay *r, unsigned cpu)
{
	bool objects = r->stack && r->stack->oa->ops->tick && r->object_tick_interval_ps;
	return (struct ticks){
		.pages = r->pa->ops->tick && r->tick_interval_ps ? r->tick_first_ps[cpu] : NEVER,
		.objects = objects ? r->object_tick_interval_ps : NEVER,
	};
}

/* Periodic work that is due before @until. */
static void do_ticks(struct replay *r, struct engine_cpu *cpu, struct ticks *next, ps_t until)
{
	ps_t at;
	while ((at = u64_min(next->pages, next->objects)) <= until && at != NEVER) {
		engine_idle_until(cpu, at);
		replay_settle(r, cpu);
		env_set_context(&cpu->env, CONTEXT_PROCESS);
		if (at == next->pages) {
			r->pa->ops->tick(r->pa, &cpu->env);
			next->pages += r->tick_interval_ps;
		}
		if (at == next->objects) {
			r->stack->oa->ops->tick(r->stack->oa, &cpu->env);
			next->objects += r->object_tick_interval_ps;
		}
		engine_end_operation(cpu);
	}
}

static void do_op(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	switch (op->kind) {
	case OP_ALLOC:
		do_alloc(r, cpu, op, start);
		break;
	case OP_FREE:
		do_free(r, cpu, op, start);
		break;
	case OP_KMALLOC:
	case OP_CACHE_ALLOC:
		replay_object_alloc(r, cpu, op, start);
		break;
	case OP_OBJECT_FREE:
		replay_object_free(r, cpu, op, start);
		break;
	case OP_VMALLOC:
	case OP_VFREE:
	case OP_MMAP:
	case OP_TOUCH:
	case OP_PROTECT:
	case OP_MUNMAP:
	case OP_LOCK:
	case OP_UNLOCK:
	case OP_WORK:
	case OP_IDLE:
		replay_program_step(r, cpu, op, start);
		break;
	case OP_KINDS:
		BUG("operation kind %d", op->kind);
	}
}

/* An operation from its start: do it, time it. */
static void perform(struct replay *r, struct engine_cpu *cpu, const struct op *op)
{
	struct metrics *m = r->metrics;
	ps_t start = cpu->now_ps;
	if (op->at_ps && start > op->at_ps && op->kind != OP_IDLE) {
		m->late_ops_count++;
		m->late_ps_max = u64_max(m->late_ps_max, start - op->at_ps);
	}
	env_set_context(&cpu->env, op->context);
	do_op(r, cpu, op, start);
	engine_end_operation(cpu);
	r->ops_done[cpu->env.cpu]++;
	m->ops_count++;
}

/* --- interrupts ------------------------------------------------------------------------------- */

static void on_interrupt(struct env *env, void *arg);

static void post_next_interrupt(struct replay *r, struct engine_cpu *cpu)
{
	struct interrupt_op *next = &r->interrupt_ops[cpu->env.cpu];
	next->replay = r;
	next->pending = !(r->stop && *r->stop) &&
			workload_next_interrupt(r->workload, cpu->env.cpu, &next->op);
	if (next->pending)
		engine_post(cpu, cpu, next->op.at_ps, on_interrupt, next);
}

static void on_interrupt(struct env *env, void *arg)
{
	struct engine_cpu *cpu = (struct engine_cpu *)env;
	struct interrupt_op *mine = arg;
	struct replay *r = mine->replay;
	engine_collect(cpu); /* entering it */
	if (cpu->now_ps >= r->next_sample_ps)
		engine_join(cpu);
	perform(r, cpu, &mine->op);
	post_next_interrupt(r, cpu);
}

/* --- the loop --------------------------------------------------------------------------------- */

/* The next operation of @cpu's stream, all before which is done. */
static bool next_op(struct replay *r, struct engine_cpu *cpu, struct op_stream *stream,
		    struct op *op)
{
	if (r->stop && *r->stop)
		return false;
	stream->now_ps = cpu->now_ps;
	return stream->next(stream, op);
}

/* Flat: what an operation passes through is one function; interrupts have copies of their own. */
static __attribute__((flatten)) void cpu_main(struct engine_cpu *cpu, void *arg)
{
	struct replay *r = arg;
	unsigned number = cpu->env.cpu;
	struct op_stream *stream = &r->workload->streams[number];
	struct ticks ticks = first_ticks(r, number);
	struct op op;
	post_next_interrupt(r, cpu);
	while (next_op(r, cpu, stream, &op)) {
		do_ticks(r, cpu, &ticks, u64_max(op.at_ps, cpu->now_ps));
		engine_idle_until(cpu, op.at_ps);
		replay_settle(r, cpu);
		ps_t start = cpu->now_ps;
		cpu->in_operation = true;
		perform(r, cpu, &op);
		cpu->in_operation = false;
		cpu->busy_ps += cpu->now_ps - start;
	}
	ps_t end = r->workload->end_ps;
	while (r->interrupt_ops[number].pending && !(r->stop && *r->stop)) {
		ps_t at = u64_max(r->interrupt_ops[number].op.at_ps, cpu->now_ps);
		do_ticks(r, cpu, &ticks, at);
		engine_idle_until(cpu, at);
		engine_boundary(cpu);
	}
	if (end) {
		do_ticks(r, cpu, &ticks, end);
		engine_idle_until(cpu, end);
	}
}

void replay_setup(struct replay *r)
{
	for (unsigned i = 0; i < r->workload->cpus_count; i++) {
		r->waits_for[i].id = OP_ID_NONE;
		engine_set_main(r->engine, i, cpu_main, r);
	}
}

void replay_print_context(const struct replay *r)
{
	for (unsigned i = 0; i < r->workload->cpus_count; i++) {
		const struct engine_cpu *cpu = engine_cpu(r->engine, i);
		fprintf(stderr, "  CPU %u: at %" PRIu64 " ps, %" PRIu64 " operations done\n", i,
			cpu->now_ps, r->ops_done[i]);
	}
}
