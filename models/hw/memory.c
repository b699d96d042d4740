/*
 * memory.c - the memory of a machine as its CPUs see it: TLBs, caches, DRAM; what an access costs.
 *
 * Each CPU has the levels of caches that it need not share, its TLBs and paging-structure caches;
 * they answer at once (memory_access.c). What goes beyond is queued and carried out when the CPU
 * synchronises (memory_coherence.c). This file makes the parts, and translates.
 *
 * The kernel touches memory through its direct map: physical address p is at virtual address
 * ffff888000000000 + p, mapped with pages of hw's direct_map_page. Frames' metadata
 * (PAGE_META_PADDR on) is the vmemmap at ffffea0000000000, mapped with pages of 2 MiB. Both are
 * Linux's layout for four levels. The tables behind them were made when the machine booted; their
 * entries have addresses of their own beyond all memory, from TABLES_PADDR on, so that walks read
 * them through the caches. Addresses that models/mm translates come with the table entries that
 * were read.
 *
 *   touch ---> translation as the last one? ---no---> TLB: hit 1 | hit 2 | walk, reads entries
 *     |                                                                        |
 *     +--> line in the first level, used last of its set? --no--> memory_access_line
 *
 * Two short cuts make the common access a few instructions, and change nothing: a page that was
 * translated last is the latest of its TLB set, and a line used last is the latest of its cache
 * set, so looking it up again would not change any order.
 *
 * Example (L1 4 cycles, L2 14, DRAM 100 ns at 2 GHz, a TLB of one level, a walk of 30 cycles,
 * everything cold): reading 8 bytes costs 30 cycles of CAUSE_TLB at once and, when the CPU
 * synchronises, 200 cycles of CAUSE_DRAM. The same again costs nothing: 4 cycles of a first-level
 * hit are part of what the cost table charges. After other lines have pushed it out of L1 it costs
 * 10 cycles of CAUSE_CACHE2.
 *
 * Invariants, once a CPU has nothing pending:
 *   M1  its own levels hold those lines of which the directory says so, and no others
 *   M2  a line's owner holds it; an exclusive one is a CPU, and nobody beside its path holds the
 *       line; own levels show LINE_EXCLUSIVE to that CPU alone, and LINE_DIRTY to the owner alone
 *   M3  an inclusive level holds what the levels before it hold
 *   M4  each cache and TLB is in order (cache.c, tlb.c); shared levels hold what the directory says
 *   M5  each access was answered once: by a level, another CPU's copy, or memory; or is queued
 *
 * Cost: a first-level hit about 5 ns of the host; sync() is in proportion to what is queued and
 * posted, so a CPU that does nothing costs nothing. Host memory: 9 bytes for each line of a set
 * that is used, and an entry of the directory for each line that is cached.
 *
 * MODEL: instruction fetches, prefetchers, store buffers and non-temporal stores are left out; so
 * are bandwidths of caches. The cost table holds what straight-line code takes.
 * MODEL: boot memory: the kernel's own tables for its direct map lie in memory of node 0 that is
 * not counted. Writing a line allocates it.
 */
#include "hw/memory_impl.h"

#include <stdlib.h>

#include "kern/bug.h"
#include "kern/physmem.h"

#define DIRECT_MAP_VADDR UINT64_C(0xffff888000000000)
#define VMEMMAP_VADDR    UINT64_C(0xffffea0000000000)
#define VADDR_BITS       57 /* that page tables translate */

void word_list_add(struct word_list *l, uint64_t word)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		uint64_t *words = realloc(l->words, room * sizeof(*words));
		BUG_ON(!words, "out of memory for accesses of a CPU");
		l->words = words;
		l->room = room;
	}
	l->words[l->count++] = word;
}

unsigned memory_line_nid(const struct memory *m, uint64_t line)
{
	uint64_t paddr = line << m->line_shift;
	if (!m->params.nid_of || paddr >= TABLES_PADDR)
		return 0;
	if (paddr >= PAGE_META_PADDR) /* as Linux allocates it: with the frames it describes */
		paddr = (paddr - PAGE_META_PADDR) / PAGE_META_BYTES << PAGE_SHIFT;
	return m->params.nid_of(m->params.nid_arg, paddr);
}

/* --- translation ------------------------------------------------------------------------------ */

static void forget_page(struct memory_cpu *c)
{
	if (c->tlb)
		c->page_bytes = 0;
}

/*
 * Read the entries of a walk but those that paging-structure caches skip; they learn of the tables
 * above the last entry, which is a page's or empty.
 */
static void walk(struct memory_cpu *c, struct env *env, uint32_t space, uint64_t vaddr,
		 const uint64_t *entry_paddrs, unsigned count)
{
	const struct hw_machine *hw = c->m->hw;
	unsigned skips = tlb_walk_skips(c->tlb, space, vaddr, (unsigned)hw->paging_levels - count);
	c->stats.walks_count++;
	if (skips < count)
		c->stats.walk_refs_count += count - skips;
	if (hw->walk_cycles != HW_AUTO) {
		memory_charge(c, env, CAUSE_TLB, hw->walk_cycles);
		return;
	}
	for (unsigned i = skips; i < count; i++)
		memory_access_line(c, env, entry_paddrs[i] >> c->line_shift, false, REQUEST_WALK);
}

/* The entries for @vaddr of the kernel's own tables, root first. */
static unsigned kernel_entries(const struct hw_machine *hw, uint64_t vaddr, enum hw_page leaf,
			       uint64_t *entry_paddrs)
{
	unsigned count = 0;
	vaddr &= (UINT64_C(1) << VADDR_BITS) - 1;
	for (unsigned level = (unsigned)hw->paging_levels; level-- > (unsigned)leaf;)
		entry_paddrs[count++] =
			TABLES_PADDR + level * TABLES_LEVEL_BYTES + (vaddr >> (12 + 9 * level)) * 8;
	return count;
}

/* Count how a lookup ended; what level 1 did not answer has waited for level 2, if there is one. */
static void looked_up(struct memory_cpu *c, struct env *env, enum tlb_result result)
{
	if (result == TLB_HIT1)
		return;
	c->missed_tlb_count++;
	c->stats.tlb_hits_count[1] += result == TLB_HIT2;
	memory_charge(c, env, CAUSE_TLB, c->m->tlb_level2_cycles);
}

/* Translate the direct map's page of @paddr, if it is not the last one. */
static void translate_direct(struct memory_cpu *c, struct env *env, uint64_t paddr)
{
	const struct hw_machine *hw = c->m->hw;
	bool meta = paddr >= PAGE_META_PADDR;
	enum hw_page page = meta ? HW_PAGE_2M : hw->direct_map_page;
	uint64_t bytes = UINT64_C(1) << hw_page_shift(page);
	uint64_t offset = meta ? paddr - PAGE_META_PADDR : paddr;
	uint64_t vaddr = (meta ? VMEMMAP_VADDR : DIRECT_MAP_VADDR) + offset;
	struct tlb_entry found;

	enum tlb_result result = tlb_lookup(c->tlb, SPACE_KERNEL, vaddr, page, &found);
	looked_up(c, env, result);
	if (result == TLB_MISS) {
		uint64_t entries[5];
		unsigned count = kernel_entries(hw, vaddr, page, entries);
		walk(c, env, SPACE_KERNEL, vaddr, entries, count);
		tlb_insert(c->tlb, &(struct tlb_entry){
					   .vaddr = vaddr & ~(bytes - 1),
					   .space = SPACE_KERNEL,
					   .page = page,
					   .pfn = (offset & ~(bytes - 1)) >> PAGE_SHIFT,
					   .writable = true,
				   });
	}
	c->page_start = paddr - (offset & (bytes - 1));
	/* Of a page in which memory ends and metadata begins, this translates the first part. */
	c->page_bytes = meta ? bytes : u64_min(bytes, PAGE_META_PADDR - c->page_start);
}

bool memory_translate(struct env *env, uint32_t space, uint64_t vaddr, bool write,
		      struct tlb_entry *found)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	if (!c->tlb)
		return false;
	forget_page(c);
	c->stats.translations_count++;
	enum tlb_result result = tlb_lookup(c->tlb, space, vaddr, HW_PAGE_4K, found);
	if (result != TLB_MISS && write && !found->writable) {
		tlb_drop_page(c->tlb, found->space, vaddr, found->page);
		result = TLB_MISS;
	}
	looked_up(c, env, result);
	return result != TLB_MISS;
}

void memory_walked(struct env *env, uint32_t space, uint64_t vaddr, const uint64_t *entry_paddrs,
		   unsigned count, const struct tlb_entry *entry)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	if (!c->tlb)
		return;
	forget_page(c);
	walk(c, env, space, vaddr, entry_paddrs, count);
	if (entry)
		tlb_insert(c->tlb, entry);
}

void memory_flush_pages(struct env *env, uint32_t space, uint64_t vaddr, uint64_t pages_count,
			enum hw_page page)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	if (!c->tlb)
		return;
	forget_page(c);
	for (uint64_t i = 0; i < pages_count; i++)
		tlb_drop_page(c->tlb, space, vaddr + (i << hw_page_shift(page)), page);
	c->stats.tlb_flushed_pages_count += pages_count;
	memory_charge(c, env, CAUSE_FLUSH, pages_count * c->m->hw->tlb_flush_page_cycles);
}

void memory_flush_all(struct env *env, uint32_t space)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	if (!c->tlb)
		return;
	forget_page(c);
	tlb_drop_space(c->tlb, space);
	c->stats.tlb_flushes_count++;
	memory_charge(c, env, CAUSE_FLUSH, c->m->hw->tlb_flush_all_cycles);
}

/* --- accesses --------------------------------------------------------------------------------- */

void memory_access(struct env *env, uint64_t paddr, uint64_t bytes, bool write)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	uint64_t last = (paddr + bytes - 1) >> c->line_shift;
	for (uint64_t line = paddr >> c->line_shift; line <= last; line++)
		memory_access_line(c, env, line, write, 0);
}

/* touch() without the short cuts: page by page. */
static __attribute__((noinline)) void touch_pages(struct env *env, uint64_t paddr, uint64_t bytes,
						  bool write)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	while (bytes) {
		if (paddr - c->page_start >= c->page_bytes)
			translate_direct(c, env, paddr);
		uint64_t part = u64_min(bytes, c->page_bytes - (paddr - c->page_start));
		c->stats.translations_count +=
			((paddr + part - 1) >> c->line_shift) - (paddr >> c->line_shift) + 1;
		memory_access(env, paddr, part, write);
		paddr += part;
		bytes -= part;
	}
}

static void touch(struct env *env, uint64_t paddr, uint64_t bytes, bool write)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	uint64_t line = paddr >> c->line_shift;
	if (c->own[0] && (paddr + bytes - 1) >> c->line_shift == line &&
	    paddr - c->page_start < c->page_bytes) {
		uint8_t *flags = cache_recent(c->own[0], line);
		if (!flags)
			flags = cache_lookup(c->own[0], line);
		if (flags && (!write || *flags & LINE_EXCLUSIVE)) {
			*flags |= write ? LINE_DIRTY : 0;
			c->stats.translations_count++;
			c->stats.accesses_count++;
			return;
		}
	}
	touch_pages(env, paddr, bytes, write);
}

/* --- making it -------------------------------------------------------------------------------- */

static uint64_t ns_to_cycles(uint64_t ns, uint64_t khz)
{
	return (ns * khz + 500000) / 1000000;
}

static void compute_costs(struct memory *m)
{
	const struct hw_machine *hw = m->hw;
	unsigned nodes = m->params.nodes_count;
	const uint64_t ns[] = {hw->transfer_cache_ns, hw->transfer_node_ns, hw->transfer_remote_ns};
	for (unsigned i = 0; i < 3; i++)
		m->transfer_cycles[i] = ns_to_cycles(ns[i], m->params.cpu_khz);
	for (unsigned i = 0; i < hw->tlbs_count; i++) {
		if (hw->tlbs[i].level == 2)
			m->tlb_level2_cycles = hw->tlb_hit2_cycles;
	}
	for (unsigned from = 0; from < nodes; from++) {
		for (unsigned to = 0; to < nodes; to++) {
			unsigned i = from * nodes + to;
			uint64_t distance = from == to ? 10 : 20;
			if (hw->distances_count)
				distance = hw->distances[i];
			/* Tenths, rounded once: to the nearest. */
			m->dram_cycles[i] =
				(hw->dram_latency_ns * distance * m->params.cpu_khz + 5000000) /
				10000000;
		}
	}
	if (hw->dram_bytes_per_s) {
		uint64_t work = hw->caches[0].line_bytes * PS_PER_S;
		m->line_ps = work / hw->dram_bytes_per_s;
		m->line_rest = work % hw->dram_bytes_per_s;
	}
}

static int cpu_init(struct memory *m, unsigned cpu)
{
	struct memory_cpu *c = &m->cpus[cpu];
	c->ops = (struct env_memory){.touch = touch, .sync = memory_sync};
	c->line_shift = m->line_shift;
	c->page_bytes = UINT64_MAX;
	c->m = m;
	c->cpu = cpu;
	c->nid = m->params.cpu_nid[cpu];
	for (unsigned level = 0; level < m->own_levels; level++) {
		c->own[level] = cache_new(&m->hw->caches[level]);
		if (!c->own[level])
			return -1;
	}
	if (m->hw->tlbs_count) {
		c->tlb = tlb_new(m->hw);
		if (!c->tlb)
			return -1;
		c->page_bytes = 0;
	}
	return 0;
}

/* Number the shared instances and make them. */
static int shared_init(struct memory *m)
{
	unsigned cpus = m->params.cpus_count;
	m->places_count = cpus;
	for (unsigned level = m->own_levels; level < m->levels; level++) {
		m->first_place[level] = m->places_count;
		m->places_count = place_of(m, level, cpus - 1) + 1;
	}
	m->shared = calloc(m->places_count - cpus + 1, sizeof(struct cache *));
	if (!m->shared)
		return -1;
	unsigned level = m->own_levels;
	for (unsigned place = cpus; place < m->places_count; place++) {
		if (level + 1 < m->levels && place == m->first_place[level + 1])
			level++;
		m->shared[place - cpus] = cache_new(&m->hw->caches[level]);
		if (!m->shared[place - cpus])
			return -1;
	}
	return directory_init(&m->dir, m->places_count);
}

struct memory *memory_new(const struct memory_params *params)
{
	struct memory *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->params = *params;
	m->hw = params->hw;
	m->levels = m->hw->caches_count;
	while (m->own_levels < m->levels && m->hw->caches[m->own_levels].shared_by == 1)
		m->own_levels++;
	m->line_shift = (unsigned)__builtin_ctzll(m->hw->caches[0].line_bytes);
	m->cpus = calloc(params->cpus_count, sizeof(*m->cpus));
	m->dram_cycles =
		calloc((size_t)params->nodes_count * params->nodes_count, sizeof(*m->dram_cycles));
	if (!m->cpus || !m->dram_cycles || shared_init(m))
		goto fail;
	for (unsigned cpu = 0; cpu < params->cpus_count; cpu++) {
		if (cpu_init(m, cpu))
			goto fail;
	}
	compute_costs(m);
	return m;
fail:
	memory_free(m);
	return NULL;
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	for (unsigned cpu = 0; m->cpus && cpu < m->params.cpus_count; cpu++) {
		struct memory_cpu *c = &m->cpus[cpu];
		for (unsigned level = 0; level < m->own_levels; level++)
			cache_free(c->own[level]);
		tlb_free(c->tlb);
		free(c->queue.words);
		free(c->news.words);
	}
	for (unsigned place = m->params.cpus_count; m->shared && place < m->places_count; place++)
		cache_free(shared_cache(m, place));
	free(m->shared);
	directory_release(&m->dir);
	free(m->dram_cycles);
	free(m->cpus);
	free(m);
}

struct env_memory *memory_of_cpu(struct memory *m, unsigned cpu)
{
	return &m->cpus[cpu].ops;
}

void memory_stats(const struct memory *m, unsigned cpu, struct memory_stats *stats)
{
	const struct memory_cpu *c = &m->cpus[cpu];
	*stats = c->stats;
	stats->hits_count[0] += c->stats.accesses_count - c->missed_first_count;
	if (!c->tlb)
		stats->translations_count = 0;
	else
		stats->tlb_hits_count[0] = c->stats.translations_count - c->missed_tlb_count;
}
