/*
 * native_ops.c - see native_ops.h.
 *
 * A recording has objects by id, each once. A program has variables, so ids become slots: an
 * allocation takes the slot that was given back last, which keeps the table of slots as small as
 * what lives.
 *
 *   recorded   kmalloc 0 (64)   kmalloc 1 (96)   free 0   kmalloc 2 (8)   free 2
 *   slots      0 = 64 bytes     1 = 96 bytes     free 0   0 = 8 bytes     free 0      ends: slot 1
 *
 * All CPUs' demands are put into one row by their position in the recording. Left out are frees of
 * what was allocated before it, allocations that failed in it, requests of 0 bytes (which are no
 * memory), and those above NATIVE_BYTES_MAX. __GFP_ZERO is dropped: clearing memory costs the same
 * wherever it lies, and would hide what is measured.
 *
 * The made sequence, for want of a trace: sizes as kernels ask for them, most of them small; of
 * three objects two die soon after their birth, and the third lives for a wave in which some ten
 * thousand objects pile up before they go in random order.
 */
#include "sim/native_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/gfp.h"
#include "kern/rng.h"

#define SLOT_NONE UINT32_MAX

/* The sequence under construction. */
struct builder {
	struct native_ops *o;
	uint64_t room;
	uint32_t *free_slots;   /* given back, last one on top */
	uint32_t free_count;
	struct native_op *held; /* by slot: how it was allocated; bytes 0: is free */
	uint32_t held_room;
	uint64_t live_bytes, live_objects;
};

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory for the sequence of operations");
}

static int grow_slots(struct builder *b, struct err *err)
{
	uint32_t room = b->held_room ? 2 * b->held_room : 1024;
	struct native_op *held = realloc(b->held, room * sizeof(*held));
	if (held)
		b->held = held;
	uint32_t *slots = realloc(b->free_slots, room * sizeof(*slots));
	if (slots)
		b->free_slots = slots;
	if (!held || !slots)
		return out_of_memory(err);
	b->held_room = room;
	return 0;
}

/* SLOT_NONE with @err if memory is short. @b has room for the operation. */
static uint32_t add_alloc(struct builder *b, const struct native_op *op, struct err *err)
{
	struct native_ops *o = b->o;
	if (!b->free_count && o->slots_count == b->held_room && grow_slots(b, err) != 0)
		return SLOT_NONE;
	uint32_t slot = b->free_count ? b->free_slots[--b->free_count] : o->slots_count++;
	struct native_op *added = &o->ops[o->count++];
	*added = *op;
	added->slot = slot;
	b->held[slot] = *added;
	b->live_bytes += op->bytes;
	b->live_objects++;
	o->live_bytes_max = u64_max(o->live_bytes_max, b->live_bytes);
	o->live_objects_max = u64_max(o->live_objects_max, b->live_objects);
	o->allocs_count++;
	return slot;
}

/* @by_cache: the caller named a cache. */
static void add_free(struct builder *b, uint32_t slot, bool by_cache)
{
	struct native_op *held = &b->held[slot];
	bool cache = by_cache && held->kind == NATIVE_CACHE_ALLOC;
	b->o->ops[b->o->count++] = (struct native_op){
		.slot = slot,
		.kind = cache ? NATIVE_CACHE_FREE : NATIVE_FREE,
		.cache = held->cache,
	};
	b->live_bytes -= held->bytes;
	b->live_objects--;
	held->bytes = 0;
	b->free_slots[b->free_count++] = slot;
}

/* What still lives, and the memory of the builder. */
static int finish(struct builder *b, int result, struct err *err)
{
	struct native_ops *o = b->o;
	if (result == 0) {
		o->ends = malloc((b->live_objects + 1) * sizeof(*o->ends));
		result = o->ends ? 0 : out_of_memory(err);
	}
	for (uint32_t slot = 0; result == 0 && slot < o->slots_count; slot++) {
		if (b->held[slot].bytes)
			o->ends[o->ends_count++] = slot;
	}
	free(b->held);
	free(b->free_slots);
	if (result != 0)
		native_ops_release(o);
	return result;
}

static int start(struct builder *b, struct native_ops *o, uint64_t room, unsigned caches_count,
		 struct err *err)
{
	*o = (struct native_ops){0};
	*b = (struct builder){.o = o, .room = room};
	o->ops = malloc((room + 1) * sizeof(*o->ops));
	o->caches = calloc(caches_count + 1, sizeof(*o->caches));
	o->caches_count = caches_count;
	return o->ops && o->caches ? 0 : out_of_memory(err);
}

/* --- from a trace ----------------------------------------------------------------------------- */

static uint32_t bytes_of(const struct trace *t, const struct trace_rec *r)
{
	if (r->kind == TRACE_KMALLOC)
		return r->aux;
	const struct trace_cache *c = &t->caches[r->cache];
	return c->object_size_bytes ? c->object_size_bytes : c->size_bytes;
}

static int add_record(struct builder *b, const struct trace *t, const struct trace_rec *r,
		      uint32_t *slot_of_id, struct err *err)
{
	if (r->kind == TRACE_OBJECT_FREE) {
		if (r->id == TRACE_ID_NONE)
			b->o->early_frees_count++;
		else if (slot_of_id[r->id] == SLOT_NONE)
			b->o->left_out_count++;
		else
			add_free(b, slot_of_id[r->id], r->cache != TRACE_CACHE_NONE);
		return 0;
	}
	struct native_op op = {
		.bytes = bytes_of(t, r),
		.gfp = t->gfps[r->gfp] & ~__GFP_ZERO,
		.kind = r->kind == TRACE_KMALLOC ? NATIVE_KMALLOC : NATIVE_CACHE_ALLOC,
		.cache = r->kind == TRACE_KMALLOC ? 0 : r->cache,
	};
	if (r->id == TRACE_ID_NONE || !op.bytes || op.bytes > NATIVE_BYTES_MAX) {
		b->o->left_out_count++;
		return 0;
	}
	slot_of_id[r->id] = add_alloc(b, &op, err);
	return slot_of_id[r->id] == SLOT_NONE ? -1 : 0;
}

/* The next record of any CPU; NULL at the end. */
static const struct trace_rec *next_record(const struct trace *t, uint64_t *at)
{
	const struct trace_rec *first = NULL;
	uint32_t cpu = 0;
	for (uint32_t i = 0; i < t->cpus_count; i++) {
		const struct trace_rec *r = &t->ops[i][at[i]];
		if (at[i] < t->ops_count[i] && (!first || r->seq < first->seq)) {
			first = r;
			cpu = i;
		}
	}
	at[cpu]++;
	return first;
}

int native_ops_from_trace(struct native_ops *o, const struct trace *t, struct err *err)
{
	struct builder b;
	const struct trace_rec *r;
	uint64_t at[TRACE_CPUS_LIMIT] = {0};
	int result = start(&b, o, t->objects_count, t->caches_count, err);
	uint32_t *slot_of_id = malloc((t->ids_count + 1) * sizeof(*slot_of_id));
	if (!slot_of_id)
		result = out_of_memory(err);
	for (uint64_t id = 0; slot_of_id && id < t->ids_count; id++)
		slot_of_id[id] = SLOT_NONE;
	if (result == 0 && t->caches_count)
		memcpy(o->caches, t->caches, t->caches_count * sizeof(*o->caches));
	while (result == 0 && (r = next_record(t, at)) != NULL) {
		if (trace_kind_is_object(r->kind))
			result = add_record(&b, t, r, slot_of_id, err);
	}
	free(slot_of_id);
	return finish(&b, result, err);
}

int native_ops_read(struct native_ops *o, const char *path, struct err *err)
{
	struct trace t;
	*o = (struct native_ops){0};
	if (trace_open(&t, path, err) != 0)
		return -1;
	int result = native_ops_from_trace(o, &t, err);
	trace_close(&t);
	return result;
}

/* --- made ------------------------------------------------------------------------------------- */

/* How often a size is asked for, in percent; with a cache of its own, or by kmalloc. */
static const struct {
	uint32_t bytes;
	unsigned percent;
	bool cache;
} sizes[] = {
	{16, 5, false},  {32, 9, false},   {64, 10, false},  {96, 4, false},   {128, 5, false},
	{192, 3, false}, {256, 4, false},  {512, 3, false},  {1024, 3, false}, {2048, 1, false},
	{4096, 1, false}, {16384, 1, false}, {40, 10, true}, {104, 13, true},  {192, 11, true},
	{256, 9, true},  {600, 5, true},   {1096, 3, true},
};

#define SOON      8 /* objects that die young: in the order of their birth */
#define WAVE_MAX  16384

static struct native_op draw(struct rng *rng)
{
	unsigned i = 0;
	for (uint64_t left = rng_below(rng, 100); left >= sizes[i].percent; i++)
		left -= sizes[i].percent;
	return (struct native_op){
		.bytes = sizes[i].bytes,
		.gfp = GFP_KERNEL,
		.cache = sizes[i].cache ? (uint16_t)i : 0,
		.kind = sizes[i].cache ? NATIVE_CACHE_ALLOC : NATIVE_KMALLOC,
	};
}

static void name_caches(struct native_ops *o)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct trace_cache *c = &o->caches[i];
		snprintf(c->name, sizeof(c->name), "made-%u", sizes[i].bytes);
		c->object_size_bytes = sizes[i].cache ? sizes[i].bytes : 0;
		c->size_bytes = c->object_size_bytes;
	}
}

int native_ops_make(struct native_ops *o, uint64_t count, struct err *err)
{
	uint32_t *wave = malloc(WAVE_MAX * sizeof(*wave)), soon[SOON];
	uint32_t held = 0, goal = WAVE_MAX / 2;
	struct builder b;
	struct rng rng;
	rng_init(&rng, 1, 0);
	int result = start(&b, o, count + 2, ARRAY_SIZE(sizes), err);
	if (!wave)
		result = out_of_memory(err);
	if (result == 0)
		name_caches(o);
	for (unsigned i = 0; i < SOON; i++)
		soon[i] = SLOT_NONE;
	for (uint64_t i = 0; result == 0 && o->count < count; i++) {
		struct native_op op = draw(&rng);
		uint32_t slot = add_alloc(&b, &op, err), *young = &soon[i % SOON];
		if (slot == SLOT_NONE) {
			result = -1;
		} else if (i % 3 == 0) {
			wave[held++] = slot;
		} else {
			if (*young != SLOT_NONE)
				add_free(&b, *young, true);
			*young = slot;
		}
		if (held < goal)
			continue;
		goal = (uint32_t)rng_below(&rng, WAVE_MAX / 2);
		while (held > goal && o->count < count) {
			uint32_t victim = (uint32_t)rng_below(&rng, held);
			add_free(&b, wave[victim], true);
			wave[victim] = wave[--held];
		}
		goal = WAVE_MAX / 2 + (uint32_t)rng_below(&rng, WAVE_MAX / 2);
	}
	free(wave);
	return finish(&b, result, err);
}

void native_ops_release(struct native_ops *o)
{
	free(o->ops);
	free(o->ends);
	free(o->caches);
	*o = (struct native_ops){0};
}
