/*
 * mm_rig.h - test helper: a small machine of four CPUs with caches and TLBs, on which what other
 * CPUs do meanwhile, and which allocation fails, are the test's to choose.
 */
#ifndef MM_MM_RIG_H
#define MM_MM_RIG_H

#include "alloc/op_script.h"
#include "hw/memory.h"
#include "mm/address_space.h"
#include "mm/kernel_map.h"

struct mm_rig {
	struct op_machine m;
	struct env *env; /* CPU 0 */
	struct hw_machine hw;
	struct memory *memory;
	struct page_allocator pa; /* m.pa, but for failures */
	uint64_t allocs_count;
	uint64_t fail_at;        /* this allocation, counted from 1, finds no page */
	uint64_t huge_fail_from; /* so does any of this order or more; 0: none */
	uint64_t ipis_count;     /* CPUs interrupted */
	uint64_t free_pages;     /* at the start */
	unsigned spins_held;     /* by the CPU that runs */
	bool forgets_ipis;       /* interrupts are lost */
	/* Called where CPU 0 may be paused, holding no spin lock: other CPUs do something. */
	void (*meanwhile)(struct mm_rig *r);
	bool others_run;
};

/* One at a time. Aborts if it can't be made. @with_memory: caches and TLBs, else none. */
void mm_rig_init(struct mm_rig *r, uint64_t zone_pages, bool with_memory);
/* All was given back: no page is missing. */
void mm_rig_release(struct mm_rig *r);
struct address_space *mm_rig_space(struct mm_rig *r, bool batch_flushes);

/* What CPU @cpu's TLB says about @vaddr; false: nothing. */
bool mm_rig_tlb(struct mm_rig *r, unsigned cpu, uint32_t space, uint64_t vaddr,
		struct tlb_entry *found);

#endif
