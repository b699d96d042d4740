/*
 * program.c - closed loops: what each CPU does round after round, as a stream of operations.
 *
 * A program is two lists of steps: `start`, done once, and `steps`, the round. A CPU that runs it
 * has its own copy of all that changes: where it is, what its names stand for, and its random
 * numbers. The next operation is worked out when the one before is done, so a round takes as long
 * as the machine makes it, and the load adapts to the machine: the opposite of a trace.
 *
 *   round:  lock, kmalloc, unlock, work 1 us    two CPUs: the second waits at the lock for the
 *                                               first, and every later round starts so much later
 *
 * Random numbers. Every (program, CPU) has a stream of its own, from which each step draws what it
 * needs when it is come to: a size, a duration, whether a `chance` is taken, the seed of random
 * accesses. So they depend neither on other CPUs nor on time.
 *
 * The end. A CPU begins no round at or after workload.duration, nor more than `rounds`. A round
 * that has begun is finished, so locks are released and what a round allocates is freed.
 *
 * Names are slots, numbered by the checks of the configuration, which also saw to it that a step
 * finds its name allocated and its lock held.
 *
 * Cost: a step is a few dozen instructions; memory is a slot a name and CPU, whatever the number of
 * rounds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/object_allocator.h"
#include "kern/bug.h"
#include "kern/rng.h"
#include "sim/dist_draw.h"
#include "sim/workload.h"

#define STEP_PS_MAX (3600.0 * (double)PS_PER_S) /* what a duration without an end is cut at */
#define HORIZON_PS  ((ps_t)(WORKLOAD_SPAN_NS_MAX * 1000)) /* no round begins here or later */
#define BYTES_MAX   9223372036854775808.0 /* 2^63; what a size without an end is cut at */

/* Where a CPU is in a list of steps. */
struct cursor {
	const struct config_step *steps;
	unsigned count, at;
};

struct program_stream {
	const struct config_program *p;
	struct program_counts *counts;
	struct cursor list,
		chance; /* chance: inside of a chance of the list, as long as at < count */
	bool started;   /* the round's steps are under way, not those of `start` */
	uint64_t rounds_begun;
	ps_t end_ps; /* no round begins here or later */
	struct mem_request mem;
	struct rng rng;
	struct program_slot *slots;
	struct object_ids ids;
};

static ps_t draw_ps(struct program_stream *s, const struct config_dist *d)
{
	return (ps_t)fmin(dist_draw(d, &s->rng, false) * 1000.0, STEP_PS_MAX);
}

/* --- steps to operations ---------------------------------------------------------------------- */

static void make_block(struct program_stream *s, const struct config_step *step, struct op *op)
{
	double bytes = 0;
	op->kind = OP_ALLOC;
	op->order = (unsigned)step->order;
	if (step->by_size) {
		bytes = dist_draw(&step->size_bytes, &s->rng, true);
		op->order = 0;
		while (op->order < ORDER_LIMIT - 1 &&
		       (double)((uint64_t)PAGE_BYTES << op->order) < bytes)
			op->order++;
	}
	op->slot->bytes = (uint64_t)PAGE_BYTES << op->order;
}

static void make_object(struct program_stream *s, const struct config_step *step, struct op *op)
{
	op->kind = step->kind == STEP_KMALLOC ? OP_KMALLOC : OP_CACHE_ALLOC;
	if (step->kind == STEP_KMALLOC)
		op->bytes = (uint64_t)fmin(dist_draw(&step->size_bytes, &s->rng, true), BYTES_MAX);
	else
		op->cache = step->cache_index;
	op->slot->bytes = op->bytes;
	op->slot->cache = op->cache;
}

static void make_alloc(struct program_stream *s, const struct config_step *step, struct op *op)
{
	op->gfp = step->gfp;
	op->mem = s->mem;
	if (step->kind == STEP_VMALLOC || step->kind == STEP_MMAP) {
		op->kind = step->kind == STEP_VMALLOC ? OP_VMALLOC : OP_MMAP;
		op->bytes = (uint64_t)fmax(dist_draw(&step->size_bytes, &s->rng, true), 1);
		op->slot->bytes = (op->bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
		return;
	}
	if (step->kind == STEP_ALLOC)
		make_block(s, step, op);
	else
		make_object(s, step, op);
	op->id = op->slot->id = object_ids_take(&s->ids);
}

static void make_free(const struct config_step *step, struct op *op)
{
	op->id = op->slot->id;
	op->cache = op->slot->cache;
	op->kind = step->what == STEP_ALLOC     ? OP_FREE
		   : step->what == STEP_VMALLOC ? OP_VFREE
						: OP_OBJECT_FREE;
}

static void make_op(struct program_stream *s, ps_t now_ps, const struct config_step *step,
		    struct op *op)
{
	static const enum op_kind kinds[STEP_KINDS] = {
		[STEP_TOUCH] = OP_TOUCH, [STEP_PROTECT] = OP_PROTECT, [STEP_MUNMAP] = OP_MUNMAP,
		[STEP_LOCK] = OP_LOCK,   [STEP_UNLOCK] = OP_UNLOCK,   [STEP_WORK] = OP_WORK,
		[STEP_IDLE] = OP_IDLE,
	};
	*op = (struct op){
		.kind = kinds[step->kind],
		.id = OP_ID_NONE,
		.cache = OP_CACHE_NONE,
		.step = step,
		.slot = &s->slots[step->slot],
	};
	switch (step->kind) {
	case STEP_KMALLOC:
	case STEP_CACHE_ALLOC:
	case STEP_ALLOC:
	case STEP_VMALLOC:
	case STEP_MMAP:
		make_alloc(s, step, op);
		break;
	case STEP_FREE:
		make_free(step, op);
		break;
	case STEP_TOUCH:
		op->draw = step->random ? rng_u64(&s->rng) : 0;
		break;
	case STEP_WORK:
		op->work_ps = draw_ps(s, &step->duration_ns);
		break;
	case STEP_IDLE:
		op->at_ps = now_ps + draw_ps(s, &step->duration_ns);
		break;
	default:
		break;
	}
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* `start` or a round is over: begin the next round, if there is one. */
static bool begin_round(struct program_stream *s, ps_t now_ps)
{
	s->counts->rounds_count += s->started;
	s->started = now_ps < s->end_ps && !(s->p->rounds && s->rounds_begun == s->p->rounds);
	if (!s->started)
		return false;
	s->rounds_begun++;
	s->list = (struct cursor){s->p->steps, s->p->steps_count, 0};
	return true;
}

static bool program_next(struct op_stream *stream, struct op *op)
{
	struct program_stream *s = stream->state;
	for (;;) {
		bool inside = s->chance.at < s->chance.count;
		struct cursor *c = inside ? &s->chance : &s->list;
		if (c->at == c->count) {
			if (!begin_round(s, stream->now_ps))
				return false;
			continue;
		}
		const struct config_step *step = &c->steps[c->at++];
		if (step->kind != STEP_CHANCE) {
			make_op(s, stream->now_ps, step, op);
			return true;
		}
		if (rng_unit(&s->rng) < step->chance)
			s->chance = (struct cursor){step->steps, step->steps_count, 0};
	}
}

static bool nothing_next(struct op_stream *stream, struct op *op)
{
	(void)stream;
	(void)op;
	return false;
}

static void program_release(struct op_stream *stream)
{
	struct program_stream *s = stream->state;
	free(s->slots);
	free(s);
}

static int open_program(struct workload *w, const struct config *c, unsigned index, unsigned cpu)
{
	const struct config_program *p = &c->workload.programs[index];
	struct program_stream *s = calloc(1, sizeof(*s));
	if (s)
		s->slots = calloc(p->slots_count + 1, sizeof(*s->slots));
	if (!s || !s->slots) {
		free(s);
		return -1;
	}
	s->p = p;
	s->counts = &w->programs[index];
	s->counts->cpus_count++;
	s->list = (struct cursor){p->start, p->start_count, 0};
	s->end_ps = c->workload.duration_ns ? c->workload.duration_ns * PS_PER_NS : HORIZON_PS;
	s->mem.policy = (uint8_t)c->workload.policy;
	/* Interrupts' objects are sources of their own. */
	s->ids = object_ids_of(cpu, (c->workload.generators_count ? 2 : 1) * w->cpus_count);
	rng_init(&s->rng, c->seed, (uint64_t)index * CPUS_LIMIT + cpu);
	w->streams[cpu] = (struct op_stream){program_next, program_release, s, 0};
	w->program_of[cpu] = index;
	return 0;
}

int workload_from_programs(struct workload *w, const struct config *c, unsigned cpus_count,
			   struct err *err)
{
	const struct config_workload *from = &c->workload;
	memset(w, 0, sizeof(*w));
	w->cpus_count = cpus_count;
	w->streams = calloc(cpus_count, sizeof(*w->streams));
	w->programs = calloc(from->programs_count, sizeof(*w->programs));
	if (!w->streams || !w->programs)
		return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		w->streams[cpu].next = nothing_next;
		for (unsigned i = 0; i < from->programs_count; i++) {
			if (from->programs[i].cpus[cpu / 64] >> (cpu % 64) & 1 &&
			    open_program(w, c, i, cpu) != 0)
				return err_set(err, ERR_IO, "out of memory for the programs");
		}
	}
	return from->generators_count ? workload_add_interrupts(w, c, err) : 0;
}
