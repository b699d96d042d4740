/*
 * native_machine.h - buddy, an object allocator and kmalloc as plain C code, on one CPU.
 *
 * Only for programs that are built with ENV_NATIVE and linked with the models built so.
 */
#ifndef SIM_NATIVE_MACHINE_H
#define SIM_NATIVE_MACHINE_H

#include "alloc/kmalloc.h"
#include "sim/native_ops.h"

#ifndef ENV_NATIVE
#error "struct env's functions must be those of the native build"
#endif

struct native_machine {
	struct physmem pm;
	struct page_allocator *pa;
	struct object_allocator *oa;
	struct kmalloc km;
	struct object_cache **caches; /* by the index that operations carry */
	struct env env;
};

/*
 * A machine with room for @o's objects, and its caches. Returns 0, or -1 with @err and nothing to
 * release.
 */
int native_machine_init(struct native_machine *m, const char *allocator,
			const struct native_ops *o, struct err *err);
void native_machine_release(struct native_machine *m);

/* Bytes of the pages that objects take: slabs, and large requests. */
uint64_t native_machine_held_bytes(struct native_machine *m);

#endif
