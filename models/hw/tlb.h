/*
 * tlb.h - the TLBs and paging-structure caches of one CPU. Knows nothing of caches or costs.
 */
#ifndef HW_TLB_H
#define HW_TLB_H

#include "hw/machine.h"
#include "hw/memory.h"

struct tlb;

/* NULL: out of host memory. */
struct tlb *tlb_new(const struct hw_machine *hw);
void tlb_free(struct tlb *t);

enum tlb_result { TLB_HIT1, TLB_HIT2, TLB_MISS };

/*
 * Look @vaddr of @space up, level 1 and then level 2; a hit on level 2 moves the entry to level 1.
 * @hint: the size of page that the caller expects, looked up first (any is correct).
 */
enum tlb_result tlb_lookup(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page hint,
			   struct tlb_entry *found);
/* After a walk: into level 1 and level 2 (where an array holds such pages). */
void tlb_insert(struct tlb *t, const struct tlb_entry *entry);
void tlb_drop_page(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page page);
/* SPACE_KERNEL: everything, global entries among them; else that space's entries. */
void tlb_drop_space(struct tlb *t, uint32_t space);

/*
 * A walk of @levels tables (4 or 5) that ends at a page of size @leaf: how many of its entries,
 * root first, paging-structure caches skip (0 .. all but the last); they hold what was read from
 * now on.
 */
unsigned tlb_walk_skips(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page leaf);

#endif
