/*
 * translate.c - see translate.h.
 *
 * A TLB hit concerns this CPU alone. For a walk the CPU is synchronised first, since other CPUs
 * change the tables; it says that it uses the space before it reads an entry, so that whoever
 * removes the entry afterwards finds it among those to interrupt.
 */
#include "mm/translate.h"

static bool look_up(struct env *env, uint32_t space, uint64_t vaddr, bool write,
		    struct translation *t)
{
	struct tlb_entry e;
	if (!env->memory || !memory_translate(env, space, vaddr, write, &e))
		return false;
	uint64_t span = pagetable_span(e.page), offset = vaddr & (span - 1);
	*t = (struct translation){e.pfn * PAGE_BYTES + offset, span - offset};
	return true;
}

bool translate(struct pagetable *pt, struct env *env, uint32_t space, uint64_t vaddr, bool write,
	       struct cpu_set *users, struct translation *t)
{
	struct walk w;
	if (look_up(env, space, vaddr, write, t))
		return true;
	env_sync(env);
	cpu_set_add(users, env->cpu);
	pagetable_walk(pt, vaddr, &w);
	uint64_t span = pagetable_span(w.page), offset = vaddr & (span - 1);
	bool found = w.pfn != PFN_NONE && (w.writable || !write);
	if (env->memory) {
		const struct tlb_entry e = {
			.vaddr = vaddr - offset,
			.space = space,
			.page = w.page,
			.pfn = w.pfn,
			.writable = w.writable,
		};
		memory_walked(env, space, vaddr, w.entry_paddrs, w.count, found ? &e : NULL);
	}
	if (found)
		*t = (struct translation){w.pfn * PAGE_BYTES + offset, span - offset};
	return found;
}

void translate_access(struct env *env, uint64_t paddr, uint64_t bytes, bool write)
{
	if (env->memory)
		memory_access(env, paddr, bytes, write);
	else
		env_touch(env, paddr, bytes, write);
}
