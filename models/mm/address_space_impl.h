/*
 * address_space_impl.h - what address_space.c and fault.c share. Internal to them and their tests.
 */
#ifndef MM_ADDRESS_SPACE_IMPL_H
#define MM_ADDRESS_SPACE_IMPL_H

#include "mm/address_space.h"
#include "mm/tlbflush.h"
#include "mm/vma.h"

#define HUGE_ORDER 9u
#define HUGE_BYTES (UINT64_C(1) << 21)

struct address_space {
	struct address_space_params p;
	struct pagetable pt;
	struct vmas vmas;
	struct cpu_set users; /* CPUs whose TLBs may know it */
	struct env_lock lock; /* of the ranges; sleeps */
	uint64_t end;         /* of addresses */
	/* The holder of the lock takes rights away in here; tables still have more. */
	uint64_t busy_start, busy_end;
	struct pagetable_leaf *leaves; /* pages that wait for a flush; the lock holder's */
	struct tlb_flush_stats flushes;
	uint64_t faults_count, huge_faults_count, huge_fallbacks_count, failed_count;
};

/*
 * The page at @vaddr is missing, or has fewer rights than needed. True: worth another try; false:
 * it is not mapped, may not be written, or there is no page.
 */
bool address_space_fault(struct address_space *as, struct env *env, uint64_t vaddr, bool write);

#endif
