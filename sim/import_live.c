/*
 * import_live.c - see import_live.h.
 *
 * One hash map entry a block, keyed by its first frame. Blocks are naturally aligned, so the block
 * that contains a frame begins at one of at most 16 addresses, and orders of which nothing is live
 * are passed over: usually two look-ups.
 *
 * A partial free splits its block as a buddy allocator would: 8 pages less page 2 leave parts of 4,
 * 2 and 1 pages, each of which can later be freed or cut by itself.
 */
#include "sim/import_live.h"

#include "kern/bug.h"

/* id 32 bits | offset 16 | cpu 8 | order 4 | slab flags 3 | part 1 */
static uint64_t pack(struct live_block b)
{
	return (uint64_t)b.id << 32 | (uint64_t)b.offset << 16 | (uint64_t)b.cpu << 8 |
	       (uint64_t)b.order << 4 | (uint64_t)b.slab_flags << 1 | b.part;
}

static struct live_block unpack(uint64_t v)
{
	return (struct live_block){.id = (uint32_t)(v >> 32),
				   .offset = v >> 16 & 0xffff,
				   .cpu = v >> 8 & 0xff,
				   .order = v >> 4 & 0xf,
				   .slab_flags = v >> 1 & 7,
				   .part = v & 1};
}

void live_release(struct live_map *live)
{
	u64map_release(&live->blocks);
	*live = (struct live_map){0};
}

int live_add(struct live_map *live, pfn_t pfn, struct live_block block)
{
	if (u64map_put(&live->blocks, pfn, pack(block)) != 0)
		return -1;
	live->count_by_order[block.order]++;
	return 0;
}

pfn_t live_find(const struct live_map *live, pfn_t pfn, unsigned order, struct live_block *block)
{
	for (unsigned o = order; o < ORDER_LIMIT; o++) {
		pfn_t head = pfn & ~((UINT64_C(1) << o) - 1);
		if (!live->count_by_order[o])
			continue;
		const uint64_t *value = u64map_get(&live->blocks, head);
		if (!value)
			continue;
		*block = unpack(*value);
		if (block->order >= o)
			return head;
	}
	return PFN_NONE;
}

pfn_t live_find_inside(const struct live_map *live, pfn_t pfn, pfn_t pfn_end,
		       struct live_block *block)
{
	if (!live->blocks.count)
		return PFN_NONE;
	for (; pfn < pfn_end; pfn++) {
		const uint64_t *value = u64map_get(&live->blocks, pfn);
		if (value) {
			*block = unpack(*value);
			return pfn;
		}
	}
	return PFN_NONE;
}

void live_remove(struct live_map *live, pfn_t pfn, const struct live_block *block)
{
	bool there = u64map_remove(&live->blocks, pfn);
	BUG_ON(!there, "live block 0x%llx vanished", (unsigned long long)pfn);
	live->count_by_order[block->order]--;
}

int live_cut(struct live_map *live, pfn_t block_pfn, const struct live_block *block, pfn_t pfn,
	     unsigned order)
{
	pfn_t whole_pfn = block_pfn;
	live_remove(live, block_pfn, block);
	for (unsigned o = block->order; o-- > order;) {
		pfn_t half = UINT64_C(1) << o;
		pfn_t rest_pfn = pfn & half ? whole_pfn : whole_pfn + half;
		struct live_block rest = *block;
		rest.offset += (uint32_t)(rest_pfn - block_pfn);
		rest.order = (uint8_t)o;
		rest.part = true;
		if (live_add(live, rest_pfn, rest) != 0)
			return -1;
		whole_pfn = pfn & half ? whole_pfn + half : whole_pfn;
	}
	return 0;
}
