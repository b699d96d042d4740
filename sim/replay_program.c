/*
 * replay_program.c - the steps that only programs have: touching memory, computing, locks; and what
 * workload.touch adds to every allocation. See replay.c for the loop.
 *
 * A touch is a sequence of accesses of at most 8 bytes: from one stride to the next, over and over,
 * or at random multiples of the stride. Objects and pages are accessed at their physical addresses
 * (the kernel's direct map): without caches, each line costs costs.touch_cycles, with them what the
 * caches say. Mapped memory and that of vmalloc are accessed at virtual addresses, through TLBs and
 * page tables, and may fault.
 *
 *   object of 256 bytes, stride 64, count 6: offsets 0, 64, 128, 192, 0, 64
 *
 * Long steps come in pieces, between which the CPU is as between two operations: interrupts are
 * taken, samples see a state that exists, and --exact-events makes its event. A piece is short
 * against the flight of an interrupt.
 *
 * A step on something whose allocation failed does nothing and is counted; so does an access that
 * fails, which ends its touch, as a fault would end a program.
 *
 * MODEL: an access takes the time of the memory alone; the instructions around it are `work`.
 */
#include "kern/rng.h"
#include "sim/replay_impl.h"

#define ACCESS_BYTES   8
#define PIECE_ACCESSES 32
#define PIECE_CYCLES   1024 /* of work */
#define PIECE_BYTES    2048 /* of a block that is written at once */

/* Between two pieces of an operation: as at its end, and at the beginning of the next one. */
static void end_piece(struct replay *r, struct engine_cpu *cpu)
{
	engine_end_operation(cpu);
	if (cpu->env.context == CONTEXT_PROCESS) /* elsewhere interrupts are off */
		replay_settle(r, cpu);
}

static struct program_counts *counts_of(struct replay *r, const struct engine_cpu *cpu)
{
	return &r->workload->programs[r->workload->program_of[cpu->env.cpu]];
}

void replay_touch_block(struct replay *r, struct engine_cpu *cpu, uint64_t paddr, uint64_t bytes)
{
	if (r->touch == TOUCH_FIRST_LINE)
		bytes = u64_min(bytes, HW_LINE - paddr % HW_LINE);
	while (bytes) {
		uint64_t piece = u64_min(bytes, PIECE_BYTES);
		env_touch(&cpu->env, paddr, piece, true);
		paddr += piece;
		bytes -= piece;
		if (bytes)
			end_piece(r, cpu);
	}
}

/* --- touch ------------------------------------------------------------------------------------ */

/* What a step touches. */
struct touched {
	uint64_t start;          /* physical or virtual address of the range's first byte */
	uint64_t bytes;          /* of the range; 0: nothing is left of it */
	uint64_t accesses_count; /* so far */
};

/* Cut the step's range out of @bytes that begin at @start. */
static struct touched range_of(const struct config_step *s, uint64_t start, uint64_t bytes)
{
	uint64_t offset = u64_min(s->offset_bytes, bytes);
	return (struct touched){start + offset, u64_min(s->bytes, bytes - offset), 0};
}

static struct address_space *space_of(struct replay *r, const struct engine_cpu *cpu)
{
	unsigned program = r->workload->program_of[cpu->env.cpu];
	return r->virtual_memory->spaces[r->programs[program].process_index];
}

static bool access_one(struct replay *r, struct engine_cpu *cpu, const struct config_step *s,
		       const struct touched *t, uint64_t offset)
{
	uint64_t bytes = u64_min(ACCESS_BYTES, t->bytes - offset), at = t->start + offset;
	switch (s->what) {
	case STEP_MMAP:
		return address_space_access(space_of(r, cpu), &cpu->env, at, bytes, s->write);
	case STEP_VMALLOC:
		return kernel_map_access(&r->virtual_memory->kernel_map, &cpu->env, at, bytes,
					 s->write);
	default:
		env_touch(&cpu->env, at, bytes, s->write);
		return true;
	}
}

/* One access of a touch; false if it failed. */
static bool touch_next(struct replay *r, struct engine_cpu *cpu, const struct config_step *s,
		       struct touched *t, uint64_t place)
{
	struct program_counts *counts = counts_of(r, cpu);
	bool done = access_one(r, cpu, s, t, place * s->stride_bytes);
	counts->accesses_count++;
	counts->failed_accesses_count += !done;
	if (++t->accesses_count % PIECE_ACCESSES == 0)
		end_piece(r, cpu);
	return done;
}

static void touch(struct replay *r, struct engine_cpu *cpu, const struct op *op, struct touched *t)
{
	const struct config_step *s = op->step;
	uint64_t places = (t->bytes - 1) / s->stride_bytes + 1;
	uint64_t count = s->count == CONFIG_AUTO ? places : s->count;
	struct rng rng;
	rng_init(&rng, op->draw, 0);
	for (uint64_t k = 0; k < s->repeat; k++) {
		uint64_t place = 0;
		for (uint64_t i = 0; i < count; i++) {
			uint64_t at = s->random ? rng_below(&rng, places) : place;
			if (!touch_next(r, cpu, s, t, at))
				return;
			place = place + 1 == places ? 0 : place + 1;
		}
	}
}

/* What the step's name stands for; none if its allocation failed. */
static struct touched target_of(struct replay *r, const struct op *op)
{
	if (op->step->what == STEP_MMAP || op->step->what == STEP_VMALLOC)
		return range_of(op->step, op->slot->vaddr, op->slot->vaddr ? op->slot->bytes : 0);
	const struct object *o = replay_object_of(r, op->slot->id);
	if (o->state != OBJECT_LIVE)
		return (struct touched){0};
	if (op->step->what == STEP_ALLOC)
		return range_of(op->step, (uint64_t)o->pfn << PAGE_SHIFT,
				(uint64_t)PAGE_BYTES << o->order);
	return range_of(op->step, object_paddr(o), o->bytes);
}

/* --- the others ------------------------------------------------------------------------------- */

/* @ps in cycles of @khz, rounded down. */
static uint64_t cycles_of(ps_t ps, uint64_t khz)
{
	const uint64_t unit = UINT64_C(1000000000);
	return ps / unit * khz + ps % unit * khz / unit;
}

static void do_work(struct replay *r, struct engine_cpu *cpu, const struct op *op)
{
	uint64_t cycles = cycles_of(op->work_ps, cpu->khz);
	while (cycles) {
		uint64_t piece = u64_min(cycles, PIECE_CYCLES);
		env_charge_to(&cpu->env, CAUSE_WORK, piece);
		cycles -= piece;
		if (cycles)
			end_piece(r, cpu);
	}
}

/* --- virtual memory --------------------------------------------------------------------------- */

static uint64_t do_vmalloc(struct replay *r, struct engine_cpu *cpu, const struct op *op)
{
	enum alloc_failure why;
	unsigned nid = mempolicy_node(&r->mempolicy, &cpu->env, &op->mem, op->gfp);
	return vmalloc_alloc(r->virtual_memory->vmalloc, &cpu->env, op->bytes, op->gfp, nid, &why);
}

static void do_map(struct replay *r, struct engine_cpu *cpu, const struct op *op)
{
	unsigned flags = VMA_WRITE | (op->step->huge ? VMA_HUGE : 0u);
	if (op->kind == OP_VMALLOC)
		op->slot->vaddr = do_vmalloc(r, cpu, op);
	else
		op->slot->vaddr =
			address_space_map(space_of(r, cpu), &cpu->env, op->bytes, flags);
	counts_of(r, cpu)->failed_maps_count += !op->slot->vaddr;
}

/* A step on a range that is there. */
static void do_range(struct replay *r, struct engine_cpu *cpu, const struct op *op,
		     struct touched *t)
{
	switch (op->kind) {
	case OP_TOUCH:
		touch(r, cpu, op, t);
		break;
	case OP_PROTECT:
		address_space_protect(space_of(r, cpu), &cpu->env, t->start, t->bytes,
				      op->step->writable);
		break;
	case OP_MUNMAP:
		address_space_unmap(space_of(r, cpu), &cpu->env, t->start, t->bytes);
		break;
	default:
		vmalloc_free(r->virtual_memory->vmalloc, &cpu->env, t->start);
	}
}

void replay_program_step(struct replay *r, struct engine_cpu *cpu, const struct op *op, ps_t start)
{
	struct touched t;
	switch (op->kind) {
	case OP_VMALLOC:
	case OP_MMAP:
		do_map(r, cpu, op);
		break;
	case OP_VFREE:
	case OP_TOUCH:
	case OP_PROTECT:
	case OP_MUNMAP:
		t = target_of(r, op);
		if (t.bytes)
			do_range(r, cpu, op, &t);
		else
			counts_of(r, cpu)->skipped_count++;
		break;
	case OP_LOCK:
		env_lock(&cpu->env, &r->locks[op->step->lock]);
		break;
	case OP_UNLOCK:
		/* The engine takes what a spin lock guards for one native step; this was several.
		 */
		env_sync(&cpu->env);
		env_unlock(&cpu->env, &r->locks[op->step->lock]);
		break;
	case OP_WORK:
		do_work(r, cpu, op);
		break;
	default: /* idle: the loop has waited */
		return;
	}
	engine_end_operation(cpu);
	metrics_latency(r->metrics, op->kind, 0, PATH_NONE, cpu->now_ps - start);
}
