/*
 * native_ops.h - a sequence of object allocations and frees, as an allocator of user space could be
 * asked for it, too: for measuring allocators as plain C code.
 *
 * It knows nothing of a simulated machine (no kern/env.h), so it may be linked with either build of
 * the models.
 */
#ifndef SIM_NATIVE_OPS_H
#define SIM_NATIVE_OPS_H

#include "kern/err.h"
#include "kern/types.h"
#include "sim/trace.h"

#define NATIVE_BYTES_MAX (UINT32_C(4) << 20) /* what kmalloc can serve; more is left out */

enum native_kind {
	NATIVE_KMALLOC,
	NATIVE_CACHE_ALLOC,
	NATIVE_FREE,       /* by address alone */
	NATIVE_CACHE_FREE, /* of a cache that the caller names */
};

struct native_op {
	uint32_t slot;  /* where the caller keeps the object; used again once it was freed */
	uint32_t bytes; /* allocations: 1 .. NATIVE_BYTES_MAX */
	gfp_t gfp;
	uint16_t cache; /* of CACHE_ALLOC and CACHE_FREE */
	uint8_t kind;   /* enum native_kind */
};
_Static_assert(sizeof(struct native_op) == 16, "four operations to a cache line");

struct native_ops {
	struct native_op *ops;
	uint64_t count, allocs_count;
	uint32_t slots_count;
	uint32_t *ends;         /* slots of objects that live at the end */
	uint32_t ends_count;
	struct trace_cache *caches;
	unsigned caches_count;
	/* At its largest. */
	uint64_t live_bytes_max, live_objects_max;
	/* Records of objects that are not in the sequence. */
	uint64_t early_frees_count; /* of objects from before the recording */
	uint64_t left_out_count;    /* failed, of no size, or too large; with their frees */
};

/*
 * The object demands of all CPUs of a binary trace, in the order of the recording. Returns 0, or -1
 * with @err (ERR_NO_INPUT, ERR_TRACE; ERR_IO: out of memory) and nothing to release.
 */
int native_ops_read(struct native_ops *o, const char *path, struct err *err);
int native_ops_from_trace(struct native_ops *o, const struct trace *t, struct err *err);
/* A made sequence of @count operations: see native_ops.c. */
int native_ops_make(struct native_ops *o, uint64_t count, struct err *err);
void native_ops_release(struct native_ops *o);

#endif
