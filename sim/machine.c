/*
 * machine.c - see machine.h.
 *
 * Geometry comes from one of three places: the recorded state, the config's list of zones, or a
 * layout:
 *
 *   x86_64   DMA up to 16 MiB, DMA32 up to 3 GiB, a hole for devices, Normal from 4 GiB
 *   x86_32   DMA up to 16 MiB, Normal up to 896 MiB, HighMem above
 *   flat     one Normal zone from pfn 0
 *
 * A layout's memory is cut at zone limits, at node limits (equal shares, in address order), and at
 * the start of the Movable zone, which is the topmost `machine.movable` bytes.
 *
 * With caches in the configuration the machine has them, too (hw/memory.h): one struct memory for
 * all CPUs. A line belongs to the node whose zone has its frame.
 *
 * MODEL: all of a layout's memory is managed; firmware and the kernel image take nothing. Zones
 * given as a list may manage less than they span: then their lowest pages are the managed ones.
 */
#include "sim/machine.h"

#include <string.h>

#include "kern/watermark.h"

#define MIB_PAGES(n) ((pfn_t)(n) << (20 - PAGE_SHIFT))

struct spans {
	struct zone_span list[NODES_LIMIT * ZONE_TYPES];
	unsigned count;
};

static enum zone_type layout_zone(enum machine_layout layout, pfn_t pfn, pfn_t *limit)
{
	static const struct {
		enum machine_layout layout;
		pfn_t limit;
		enum zone_type type;
	} rows[] = {
		{LAYOUT_X86_64, MIB_PAGES(16), ZONE_DMA},
		{LAYOUT_X86_64, MIB_PAGES(4096), ZONE_DMA32},
		{LAYOUT_X86_32, MIB_PAGES(16), ZONE_DMA},
		{LAYOUT_X86_32, MIB_PAGES(896), ZONE_NORMAL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].layout == layout && pfn < rows[i].limit) {
			*limit = rows[i].limit;
			return rows[i].type;
		}
	}
	*limit = PFN_END_LIMIT;
	return layout == LAYOUT_X86_32 ? ZONE_HIGHMEM : ZONE_NORMAL;
}

static void add_span(struct spans *s, unsigned nid, enum zone_type type, pfn_t start, pfn_t end)
{
	struct zone_span *last = s->count ? &s->list[s->count - 1] : NULL;
	if (last && last->nid == nid && last->type == type && last->end_pfn == start) {
		last->end_pfn = end;
		last->managed_pages += end - start;
		return;
	}
	s->list[s->count++] = (struct zone_span){
		.type = type,
		.nid = nid,
		.start_pfn = start,
		.end_pfn = end,
		.managed_pages = end - start,
	};
}

static void spans_from_layout(struct spans *s, const struct config_machine *m)
{
	pfn_t hole_start = m->layout == LAYOUT_X86_64 ? MIB_PAGES(3072) : PFN_END_LIMIT;
	pfn_t hole_end = MIB_PAGES(4096);
	uint64_t total = m->memory_bytes >> PAGE_SHIFT;
	uint64_t fixed = total - u64_min(total, m->movable_bytes >> PAGE_SHIFT);
	/* Equal shares of whole largest blocks; the last node takes the rest. */
	uint64_t share = total / m->nodes >> 10 << 10;
	share = share ? share : total / m->nodes;
	pfn_t pfn = m->layout == LAYOUT_FLAT ? 0 : 1; /* x86 keeps page 0 for the firmware */
	uint64_t done = pfn;
	while (done < total) {
		if (pfn >= hole_start && pfn < hole_end)
			pfn = hole_end;
		pfn_t limit;
		enum zone_type type = layout_zone(m->layout, pfn, &limit);
		uint64_t nid = u64_min(done / share, m->nodes - 1);
		uint64_t node_end = nid + 1 < m->nodes ? (nid + 1) * share : total;
		uint64_t step = u64_min(limit - pfn, node_end - done);
		if (pfn < hole_start)
			step = u64_min(step, hole_start - pfn);
		if (done < fixed)
			step = u64_min(step, fixed - done);
		else
			type = ZONE_MOVABLE;
		add_span(s, (unsigned)nid, type, pfn, pfn + step);
		pfn += step;
		done += step;
	}
}

static void spans_from_list(struct spans *s, const struct config_machine *m)
{
	for (unsigned i = 0; i < m->zones_count; i++) {
		const struct config_zone *z = &m->zones[i];
		pfn_t start = z->start_bytes >> PAGE_SHIFT;
		uint64_t managed =
			z->managed_bytes == CONFIG_AUTO ? z->size_bytes : z->managed_bytes;
		s->list[s->count++] = (struct zone_span){
			.type = z->type,
			.nid = (unsigned)z->node,
			.start_pfn = start,
			.end_pfn = start + (z->size_bytes >> PAGE_SHIFT),
			.managed_pages = managed >> PAGE_SHIFT,
		};
	}
}

static void spans_from_truth(struct spans *s, const struct truth *t)
{
	for (unsigned i = 0; i < t->zones_count; i++) {
		const struct truth_zone *z = &t->zones[i];
		s->list[s->count++] = (struct zone_span){
			.type = z->type,
			.nid = z->nid,
			.start_pfn = z->start_pfn,
			.end_pfn = z->start_pfn + z->spanned_pages,
			.managed_pages = z->managed_pages,
		};
	}
}

static void set_recorded_zones(struct machine *m, const struct truth *t, bool watermarks)
{
	for (unsigned i = 0; i < t->zones_count; i++) {
		const struct truth_zone *from = &t->zones[i];
		struct zone *z = &m->pm.zones[i];
		if (watermarks) {
			memcpy(z->watermark_pages, from->watermark_pages,
			       sizeof(z->watermark_pages));
			z->watermark_boost_pages = from->watermark_boost_pages;
		}
		z->present_pages = from->present_pages;
		z->pageblocks_count = 0;
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			z->pageblocks_count += from->pageblocks[mt];
	}
}

/* As the configuration says, or in equal shares to the nodes, in order. Returns the nodes' bits. */
static uint64_t place_cpus(struct machine *m, const struct config_machine *c, unsigned nodes_count)
{
	uint64_t nodes = 0;
	m->cpus_count = (unsigned)c->cpus;
	for (unsigned cpu = 0; cpu < m->cpus_count; cpu++) {
		m->cpu_nid[cpu] = c->node_cpus_count
					  ? c->cpu_node[cpu]
					  : (unsigned)((uint64_t)cpu * nodes_count / m->cpus_count);
		nodes |= UINT64_C(1) << m->cpu_nid[cpu];
	}
	return nodes;
}

static unsigned nodes_of(const struct spans *s)
{
	unsigned count = 0;
	for (unsigned i = 0; i < s->count; i++)
		count = (unsigned)u64_max(count, s->list[i].nid + 1);
	return count;
}

/* Of a square matrix with so many values. */
static unsigned rows_of(unsigned values_count)
{
	unsigned rows = 0;
	while (rows * rows < values_count)
		rows++;
	return rows;
}

static int new_allocator(struct machine *m, const struct config *c, struct err *err)
{
	const struct page_allocator_ops *ops = page_allocator_find(c->page_allocator);
	const struct page_allocator_params params = {
		.pm = &m->pm,
		.cpus_count = m->cpus_count,
		.cpu_nid = m->cpu_nid,
		.highatomic = c->buddy.highatomic,
		.coalesce = c->buddy.coalesce,
		.split_steps_max = c->buddy.split_steps_max == CONFIG_AUTO
					   ? ORDER_LIMIT
					   : (unsigned)c->buddy.split_steps_max,
		.watermark_boost_factor = c->machine.watermark_boost_factor,
		.pcp = {
			.enabled = c->pcp.enabled,
			.batch_pages = c->pcp.batch_pages,
			.high_min_pages = c->pcp.high_min_pages,
			.high_max_pages = c->pcp.high_max_pages,
			.high_fraction = c->pcp.high_fraction,
		},
	};
	m->pa = ops->new(&params);
	return m->pa ? 0 : err_set(err, ERR_IO, "out of memory for the page allocator");
}

/* The node whose memory has the frame at @paddr; what is no memory counts as node 0's. */
static unsigned nid_of_address(void *arg, uint64_t paddr)
{
	struct physmem *pm = arg;
	pfn_t pfn = paddr >> PAGE_SHIFT;
	const struct zone *z = pfn < pm->pfn_end ? physmem_zone(pm, pfn) : NULL;
	return z ? z->nid : 0;
}

static int new_memory(struct machine *m, const struct config *c, struct err *err)
{
	const struct memory_params params = {
		.hw = &c->machine.hw,
		.cpus_count = m->cpus_count,
		.cpu_nid = m->cpu_nid,
		.nodes_count = m->pm.nodes_count,
		.cpu_khz = c->machine.cpu_khz,
		.nid_of = m->pm.nodes_count > 1 ? nid_of_address : NULL,
		.nid_arg = &m->pm,
	};
	if (!c->machine.hw.caches_count)
		return 0;
	m->memory = memory_new(&params);
	return m->memory ? 0 : err_set(err, ERR_IO, "out of memory for the caches of %u CPUs",
				       m->cpus_count);
}

int machine_init(struct machine *m, const struct config *c, const struct truth *truth,
		 struct err *err)
{
	const struct hw_machine *hw = &c->machine.hw;
	struct spans spans = {.count = 0};
	memset(m, 0, sizeof(*m));
	if (truth)
		spans_from_truth(&spans, truth);
	else if (c->machine.zones_count)
		spans_from_list(&spans, &c->machine);
	else
		spans_from_layout(&spans, &c->machine);
	const struct physmem_params params = {
		.spans = spans.list,
		.spans_count = spans.count,
		.max_order = (unsigned)c->buddy.max_order,
		.pageblock_order = (unsigned)c->buddy.pageblock_order,
		.group_by_mobility = c->buddy.group_by_mobility,
		.distances = hw->distances_count ? hw->distances : NULL,
		.distances_nodes = rows_of(hw->distances_count),
		.cpu_nodes = place_cpus(m, &c->machine, nodes_of(&spans)),
	};
	if (physmem_init(&m->pm, &params, err) != 0)
		return -1;
	struct watermark_params marks = {
		.min_free_kbytes = c->machine.min_free_kbytes,
		.scale_factor = c->machine.watermark_scale_factor,
	};
	memcpy(marks.lowmem_reserve_ratio, c->machine.lowmem_reserve_ratio,
	       sizeof(marks.lowmem_reserve_ratio));
	watermark_setup(&m->pm, &marks);
	if (truth) {
		set_recorded_zones(m, truth, !c->machine.own_watermarks);
	}
	if (new_allocator(m, c, err) != 0 || new_memory(m, c, err) != 0) {
		machine_release(m);
		return -1;
	}
	return 0;
}

void machine_release(struct machine *m)
{
	object_stack_release(&m->objects);
	memory_free(m->memory);
	if (m->pa)
		m->pa->ops->free(m->pa);
	physmem_release(&m->pm);
	memset(m, 0, sizeof(*m));
}
