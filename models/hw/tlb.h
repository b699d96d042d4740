/*
 * tlb.h - the TLBs and paging-structure caches of one CPU. Knows nothing of caches or costs.
 */
#ifndef HW_TLB_H
#define HW_TLB_H

#include "hw/machine.h"
#include "hw/memory.h"

struct tlb;

/*
 * NULL: out of host memory. @hw is not kept; its geometry is as struct hw_tlb says. If a level has
 * several arrays for a size of page, the first has them all.
 */
struct tlb *tlb_new(const struct hw_machine *hw);
void tlb_free(struct tlb *t);

enum tlb_result { TLB_HIT1, TLB_HIT2, TLB_MISS };

/*
 * Look @vaddr of @space up, level 1 and then level 2; a hit on level 2 puts a copy into level 1.
 * @hint: the size of page that the caller expects, looked up first (any is correct). @found, of
 * a hit: its space is SPACE_KERNEL if the entry is global.
 */
enum tlb_result tlb_lookup(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page hint,
			   struct tlb_entry *found);
/*
 * After a walk: into level 1 and level 2 (where an array holds such pages), in place of the entry
 * of this page and space, if there is one. entry->vaddr is the page's start.
 */
void tlb_insert(struct tlb *t, const struct tlb_entry *entry);
/*
 * Drop one page's entry, if there is one, and what paging-structure caches hold of the space.
 * @vaddr: anywhere in the page.
 */
void tlb_drop_page(struct tlb *t, uint32_t space, uint64_t vaddr, enum hw_page page);
/* SPACE_KERNEL: everything, global entries among them; else that space's entries. */
void tlb_drop_space(struct tlb *t, uint32_t space);

/*
 * A walk that ends at an entry for a page of size @leaf (mapped or not; HW_PAGES and more: in a
 * table above those for 1 GiB): how many of its entries, root first, paging-structure caches skip
 * (0 .. all but the last); they hold what was read from now on. A walk has paging_levels entries
 * less one for each size above 4 KiB.
 */
unsigned tlb_walk_skips(struct tlb *t, uint32_t space, uint64_t vaddr, unsigned leaf);

/* Verify I1 to I6 of tlb.c; 0, or -1 with what is wrong in @text. */
int tlb_check(const struct tlb *t, char *text, size_t text_size);

#endif
