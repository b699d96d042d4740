/*
 * native_contest.c - see native_contest.h.
 *
 * CONTEST(name) makes one allocator's loops from its two functions NAME_take() and NAME_give(),
 * which the compiler puts into the loops, so that no contestant pays for being one of several. A
 * user is played by writing the first and the last byte of every object.
 *
 * mimalloc is loaded while the program runs, into a name space of its own: its library defines
 * malloc(), too, and a program that is linked with it has no other one. Calls into it go through a
 * pointer, as those into a shared library always do.
 *
 * Held bytes, by the books of each:
 *
 *   models     pages of slabs and of large requests; what the buddy has free is not held
 *   glibc      what it had from the kernel (mallinfo2: arena, hblkhd), free memory inside included
 *   mimalloc   its pages in use, as far as objects were ever laid out in them; what it keeps in
 *              reserve beside them is not counted
 */
#include "sim/native_contest.h"

#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef HAVE_MIMALLOC
#include <mimalloc.h>
#endif

/* The compiler must not know where an object came from, or it leaves out the whole pair. */
static inline uint8_t *opaque(uint8_t *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

static _Noreturn void no_memory(const char *name)
{
	fprintf(stderr, "native_bench: %s has no memory left\n", name);
	exit(1);
}

#define INLINE static inline __attribute__((always_inline))

#define CONTEST(name)                                                                              \
	INLINE uint8_t *name##_use(struct contestant *c, const struct native_op *op)               \
	{                                                                                          \
		uint8_t *p = opaque(name##_take(c, op));                                           \
		if (!p)                                                                            \
			no_memory(#name);                                                          \
		p[0] = 1;                                                                          \
		p[op->bytes - 1] = 1;                                                              \
		return p;                                                                          \
	}                                                                                          \
	static void name##_run(struct contestant *c, const struct native_ops *o, uint64_t from,    \
			       uint64_t to, uint8_t **slots)                                       \
	{                                                                                          \
		for (uint64_t i = from; i < to; i++) {                                             \
			const struct native_op *op = &o->ops[i];                                   \
			if (op->kind <= NATIVE_CACHE_ALLOC)                                        \
				slots[op->slot] = name##_use(c, op);                               \
			else                                                                       \
				name##_give(c, op, slots[op->slot]);                               \
		}                                                                                  \
	}                                                                                          \
	static void name##_end(struct contestant *c, const struct native_ops *o, uint8_t **slots)  \
	{                                                                                          \
		const struct native_op op = {.kind = NATIVE_FREE};                                 \
		for (uint32_t i = 0; i < o->ends_count; i++)                                       \
			name##_give(c, &op, slots[o->ends[i]]);                                    \
	}                                                                                          \
	static void name##_pair(struct contestant *c, uint32_t bytes, uint64_t count)              \
	{                                                                                          \
		const struct native_op get = {.bytes = bytes, .gfp = GFP_KERNEL};                  \
		const struct native_op give = {.kind = NATIVE_FREE};                               \
		for (uint64_t i = 0; i < count; i++)                                               \
			name##_give(c, &give, name##_use(c, &get));                                \
	}                                                                                          \
	static void name##_batch(struct contestant *c, uint32_t bytes, uint64_t count)             \
	{                                                                                          \
		const struct native_op get = {.bytes = bytes, .gfp = GFP_KERNEL};                  \
		const struct native_op give = {.kind = NATIVE_FREE};                               \
		for (uint64_t done = 0; done < count; done += NATIVE_BATCH) {                      \
			for (unsigned i = 0; i < NATIVE_BATCH; i++)                                \
				c->batch[i] = name##_use(c, &get);                                 \
			for (unsigned i = 0; i < NATIVE_BATCH; i++)                                \
				name##_give(c, &give, c->batch[i]);                                \
		}                                                                                  \
	}

#define CONTEST_LOOPS(name)                                                                        \
	.run = name##_run, .end = name##_end, .pair = name##_pair, .batch = name##_batch

/* --- nothing ---------------------------------------------------------------------------------- */

INLINE uint8_t *nothing_take(struct contestant *c, const struct native_op *op)
{
	return c->scratch;
}

INLINE void nothing_give(struct contestant *c, const struct native_op *op, uint8_t *p)
{
	opaque(p);
}

static uint64_t nothing_held_bytes(struct contestant *c)
{
	return 0;
}

CONTEST(nothing)

/* --- models ----------------------------------------------------------------------------------- */

INLINE uint8_t *model_take(struct contestant *c, const struct native_op *op)
{
	struct native_machine *m = &c->m;
	enum alloc_failure why;
	uint64_t paddr =
		op->kind == NATIVE_KMALLOC
			? kmalloc_alloc(&m->km, &m->env, op->bytes, op->gfp, 0, &why)
			: m->oa->ops->alloc(m->oa, &m->env, m->caches[op->cache], op->bytes,
					    op->gfp, 0, &why);
	return paddr == OBJECT_NONE ? NULL : m->pm.ram + paddr;
}

INLINE void model_give(struct contestant *c, const struct native_op *op, uint8_t *p)
{
	struct native_machine *m = &c->m;
	uint64_t paddr = (uint64_t)(p - m->pm.ram);
	if (op->kind == NATIVE_FREE)
		kmalloc_free(&m->km, &m->env, paddr);
	else
		m->oa->ops->free_object(m->oa, &m->env, m->caches[op->cache], paddr);
}

static uint64_t model_held_bytes(struct contestant *c)
{
	return native_machine_held_bytes(&c->m);
}

CONTEST(model)

/* --- glibc ------------------------------------------------------------------------------------ */

INLINE uint8_t *glibc_take(struct contestant *c, const struct native_op *op)
{
	return malloc(op->bytes);
}

INLINE void glibc_give(struct contestant *c, const struct native_op *op, uint8_t *p)
{
	free(p);
}

static uint64_t glibc_held_bytes(struct contestant *c)
{
	struct mallinfo2 info = mallinfo2();
	return info.arena + info.hblkhd;
}

CONTEST(glibc)

/* --- mimalloc --------------------------------------------------------------------------------- */

#ifdef HAVE_MIMALLOC

static struct {
	__typeof__(mi_malloc) *malloc;
	__typeof__(mi_free) *free;
	__typeof__(mi_heap_get_default) *heap_get_default;
	__typeof__(mi_heap_visit_blocks) *heap_visit_blocks;
} mi;

static bool mimalloc_load(void)
{
	if (mi.heap_visit_blocks)
		return true;
	void *library = dlopen("libmimalloc.so", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return false;
	*(void **)&mi.malloc = dlsym(library, "mi_malloc");
	*(void **)&mi.free = dlsym(library, "mi_free");
	*(void **)&mi.heap_get_default = dlsym(library, "mi_heap_get_default");
	if (mi.malloc && mi.free && mi.heap_get_default)
		*(void **)&mi.heap_visit_blocks = dlsym(library, "mi_heap_visit_blocks");
	return mi.heap_visit_blocks != NULL;
}

INLINE uint8_t *mimalloc_take(struct contestant *c, const struct native_op *op)
{
	return mi.malloc(op->bytes);
}

INLINE void mimalloc_give(struct contestant *c, const struct native_op *op, uint8_t *p)
{
	mi.free(p);
}

static bool add_area(const mi_heap_t *heap, const mi_heap_area_t *area, void *block, size_t size,
		     void *arg)
{
	*(uint64_t *)arg += area->committed;
	return true;
}

static uint64_t mimalloc_held_bytes(struct contestant *c)
{
	uint64_t bytes = 0;
	mi.heap_visit_blocks(mi.heap_get_default(), false, add_area, &bytes);
	return bytes;
}

CONTEST(mimalloc)

static const struct contestant_ops mimalloc_contestant = {
	.name = "mimalloc", CONTEST_LOOPS(mimalloc), .held_bytes = mimalloc_held_bytes};

#else

static bool mimalloc_load(void)
{
	return false;
}

static const struct contestant_ops mimalloc_contestant = {.name = "mimalloc"};

#endif

/* --- all -------------------------------------------------------------------------------------- */

static const struct contestant_ops nothing_contestant = {
	.name = "nothing", CONTEST_LOOPS(nothing), .held_bytes = nothing_held_bytes};
static const struct contestant_ops glibc_contestant = {
	.name = "glibc", CONTEST_LOOPS(glibc), .held_bytes = glibc_held_bytes};

#define MODEL(name)                                                                                \
	static const struct contestant_ops name##_contestant = {                                   \
		#name, #name, CONTEST_LOOPS(model), .held_bytes = model_held_bytes}

MODEL(slub);
MODEL(slab);
MODEL(slob);

const struct contestant_ops *const contestants[] = {
	&nothing_contestant, &slub_contestant,  &slab_contestant,
	&slob_contestant,    &glibc_contestant, &mimalloc_contestant, NULL,
};

bool contestant_exists(const struct contestant_ops *ops)
{
	return ops != &mimalloc_contestant || mimalloc_load();
}

int contestant_init(struct contestant *c, const struct contestant_ops *ops,
		    const struct native_ops *o, struct err *err)
{
	*c = (struct contestant){.ops = ops};
	if (ops->model)
		return native_machine_init(&c->m, ops->model, o, err);
	if (ops != &nothing_contestant)
		return 0;
	c->scratch = calloc(1, NATIVE_BYTES_MAX);
	return c->scratch ? 0 : err_set(err, ERR_IO, "out of memory");
}

void contestant_release(struct contestant *c)
{
	if (c->ops && c->ops->model)
		native_machine_release(&c->m);
	free(c->scratch);
	*c = (struct contestant){0};
}
