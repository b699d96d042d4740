/*
 * tlb_rig.h - for tests and measurements: a TLB whose misses are filled at once, by an identity map
 * of one space.
 */
#ifndef HW_TLB_RIG_H
#define HW_TLB_RIG_H

#include "hw/tlb.h"
#include "kern/rng.h"

#define SIZE_4K (1u << HW_PAGE_4K)
#define SIZE_2M (1u << HW_PAGE_2M)
#define SIZE_1G (1u << HW_PAGE_1G)
#define SIZES   (SIZE_4K | SIZE_2M | SIZE_1G)

#define RIG_SPACE 1u

/* Skylake-SP: see docs/tlb.md. */
#define RIG_SKYLAKE                                                                                \
	{                                                                                          \
		.tlbs = {{1, 64, 4, SIZE_4K, false},                                               \
			 {1, 32, 4, SIZE_2M, false},                                               \
			 {1, 4, 4, SIZE_1G, false},                                                \
			 {2, 1536, 12, SIZE_4K | SIZE_2M, false},                                  \
			 {2, 16, 4, SIZE_1G, false}},                                              \
		.tlbs_count = 5, .pwc_pde_entries = 32, .pwc_pdpte_entries = 4,                    \
		.pwc_pml4e_entries = 2, .paging_levels = 4,                                        \
	}

/* One access, at @vaddr in pages of size @page. */
static inline enum tlb_result rig_touch(struct tlb *t, uint64_t vaddr, enum hw_page page)
{
	struct tlb_entry e;
	enum tlb_result result = tlb_lookup(t, RIG_SPACE, vaddr, page, &e);
	if (result == TLB_MISS) {
		unsigned shift = hw_page_shift(page);
		e = (struct tlb_entry){vaddr >> shift << shift, RIG_SPACE, page, vaddr >> shift,
				       true};
		tlb_insert(t, &e);
	}
	return result;
}

/* How accesses to one page of @pages_count each, drawn uniformly, ended. */
static inline void rig_uniform(struct tlb *t, struct rng *rng, uint64_t pages_count,
			       enum hw_page page, uint64_t samples, uint64_t results[3])
{
	for (uint64_t i = 0; i < samples; i++)
		results[rig_touch(t, rng_below(rng, pages_count) << hw_page_shift(page), page)]++;
}

#endif
