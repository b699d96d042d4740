/*
 * translate.h - from a virtual address to a physical one, as a CPU does it: TLB, then a page walk.
 */
#ifndef MM_TRANSLATE_H
#define MM_TRANSLATE_H

#include "hw/memory.h"
#include "mm/pagetable.h"

struct translation {
	uint64_t paddr;
	uint64_t bytes; /* from there to the end of the page */
};

/*
 * Translate @vaddr of @space, whose tables are @pt, for env's CPU, which joins @users before it
 * looks at them. False: not mapped, or a write to what may not be written; a page fault is due.
 * Without caches and TLBs (env->memory) translation is free.
 */
bool translate(struct pagetable *pt, struct env *env, uint32_t space, uint64_t vaddr, bool write,
	       struct cpu_set *users, struct translation *t);
/* Access memory at a physical address whose translation is paid for. */
void translate_access(struct env *env, uint64_t paddr, uint64_t bytes, bool write);

#endif
