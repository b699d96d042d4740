/*
 * config_schema_machine.c - the rows of the section `machine`: see config_schema.h.
 *
 * Rows that describe hardware fill struct hw_machine (hw/machine.h), which says what each field
 * means. Relations between them are checked in config_check_machine.c.
 */
#include "sim/config_schema.h"

#include <string.h>

#define TIB         (UINT64_C(1) << 40)
#define CYCLES_MAX  1000000
#define LATENCY_MAX UINT64_C(1000000000) /* 1 s */
#define WAYS_MAX    (1 << 24)
#define NAMES(a)    .names = (a), .names_count = ARRAY_SIZE(a)
#define KEYS(a)     .keys = (a), .keys_count = ARRAY_SIZE(a)

static const char *const zone_names[] = {"DMA", "DMA32", "Normal", "HighMem", "Movable"};
static const char *const layout_names[] = {"x86_64", "x86_32", "flat"};
static const char *const page_names[HW_PAGES] = {"4KiB", "2MiB", "1GiB"};
static const char *const replacement_names[] = {"lru", "plru"};
static const char *const handover_names[] = {"fifo", "nearest"};

static const struct field lowmem_reserve_ratio_keys[] = {
#define ROW(type, name)                                                                            \
	{.key = name, .kind = FIELD_U64, .offset = (type) * sizeof(uint64_t), .max = 1000000000,   \
	 .help = "pages per page kept from requests that could use a higher zone; 0 = none kept"}
	ROW(ZONE_DMA, "DMA"),
	ROW(ZONE_DMA32, "DMA32"),
	ROW(ZONE_NORMAL, "Normal"),
	ROW(ZONE_HIGHMEM, "HighMem"),
	ROW(ZONE_MOVABLE, "Movable"),
#undef ROW
};

#define AT(member) .offset = offsetof(struct config_zone, member)
static const struct field zone_keys[] = {
	{.key = "type",
	 .kind = FIELD_ENUM,
	 AT(type),
	 NAMES(zone_names),
	 .required = true,
	 .help = "kind of zone; types ascend with the address within a node"},
	{.key = "node",
	 .kind = FIELD_U64,
	 AT(node),
	 .max = NODES_LIMIT - 1,
	 .help = "NUMA node; nodes are numbered from 0 without holes"},
	{.key = "start",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(start_bytes),
	 .page_aligned = true,
	 .max = 16 * TIB,
	 .required = true,
	 .help = "physical address of the first page"},
	{.key = "size",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(size_bytes),
	 .page_aligned = true,
	 .min = PAGE_BYTES,
	 .max = 16 * TIB,
	 .required = true,
	 .help = "bytes from the first page to the end of the last"},
	{.key = "managed",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(managed_bytes),
	 .page_aligned = true,
	 .min = PAGE_BYTES,
	 .max = 16 * TIB,
	 .can_be_auto = true,
	 .help = "bytes of it given to the allocator; auto = all of size"},
};
#undef AT

static void zone_init(void *element)
{
	((struct config_zone *)element)->managed_bytes = CONFIG_AUTO;
}

static const struct schema_list zones_list = {
	.element_bytes = sizeof(struct config_zone),
	.count_offset = offsetof(struct config_machine, zones_count),
	.capacity = ARRAY_SIZE(((struct config_machine *)NULL)->zones),
	.element_init = zone_init,
};

_Static_assert(HW_NAME == CONFIG_NAME, "a cache's name is a FIELD_NAME");

#define AT(member) .offset = offsetof(struct hw_cache, member)
static const struct field cache_keys[] = {
	{.key = "name", .kind = FIELD_NAME, AT(name), .required = true,
	 .help = "in results and plots, such as L2"},
	{.key = "size", .kind = FIELD_U64, .unit = UNIT_BYTES, AT(size_bytes), .min = 16,
	 .max = TIB / 1024, .required = true,
	 .help = "of one instance: ways * line * a power of two of sets"},
	{.key = "ways", .kind = FIELD_U64, AT(ways), .min = 1, .max = WAYS_MAX, .word = "full",
	 .word_value = CONFIG_AUTO, .required = true,
	 .help = "lines of a set; full = one set of all lines"},
	{.key = "line", .kind = FIELD_U64, .unit = UNIT_BYTES, AT(line_bytes), .min = 16,
	 .max = 256, .help = "a power of two, the same on all levels"},
	{.key = "latency_cycles", .kind = FIELD_U64, AT(latency_cycles), .min = 1,
	 .max = CYCLES_MAX, .required = true,
	 .help = "from load to use; more than that of the level before"},
	{.key = "shared_by", .kind = FIELD_U64, AT(shared_by), .min = 1, .max = CPUS_LIMIT,
	 .help = "CPUs of one instance, numbered in a row: a divisor of machine.cpus, a multiple "
		 "of the level before's; more than a node has = all of the node"},
	{.key = "replacement", .kind = FIELD_ENUM, AT(replacement), NAMES(replacement_names),
	 .help = "lru: the line used longest ago goes; plru: a tree of bits tells, ways a power "
		 "of two"},
	{.key = "inclusive", .kind = FIELD_BOOL, AT(inclusive),
	 .help = "holds all that levels before it hold"},
};
#undef AT

static void cache_init(void *element)
{
	struct hw_cache *c = element;
	c->line_bytes = HW_LINE;
	c->shared_by = 1;
}

static const struct schema_list caches_list = {
	.element_bytes = sizeof(struct hw_cache),
	.count_offset = offsetof(struct config_machine, hw.caches_count),
	.capacity = HW_CACHES,
	.element_init = cache_init,
};

#define AT(member) .offset = offsetof(struct hw_tlb, member)
static const struct field tlb_keys[] = {
	{.key = "level", .kind = FIELD_U64, AT(level), .min = 1, .max = 2, .required = true,
	 .help = "1 is looked up first"},
	{.key = "pages", .kind = FIELD_SET, AT(pages), NAMES(page_names), .required = true,
	 .help = "sizes of pages that its entries map"},
	{.key = "entries", .kind = FIELD_U64, AT(entries), .min = 1, .max = WAYS_MAX,
	 .required = true, .help = "ways * a power of two of sets"},
	{.key = "ways", .kind = FIELD_U64, AT(ways), .min = 1, .max = WAYS_MAX, .word = "full",
	 .word_value = CONFIG_AUTO, .required = true,
	 .help = "entries of a set; full = one set of all entries"},
	{.key = "hashed", .kind = FIELD_BOOL, AT(hashed),
	 .help = "the set is an XOR of bits of the page number, not its low bits alone"},
};
#undef AT

static const struct schema_list tlbs_list = {
	.element_bytes = sizeof(struct hw_tlb),
	.count_offset = offsetof(struct config_machine, hw.tlbs_count),
	.capacity = HW_TLBS,
};

#define AT(member) .offset = offsetof(struct hw_machine, member)
#define TIME(name, member, least, text)                                                            \
	{.key = name, .kind = FIELD_U64, .unit = UNIT_DURATION, AT(member), .min = least,          \
	 .max = LATENCY_MAX, .help = text}
#define COUNT(name, member, most, text)                                                            \
	{.key = name, .kind = FIELD_U64, AT(member), .max = most, .help = text}

static const struct field page_walk_keys[] = {
	COUNT("pde_entries", pwc_pde_entries, 65536,
	      "paging-structure cache that skips to the last level; 0 = none"),
	COUNT("pdpte_entries", pwc_pdpte_entries, 65536, "one that skips to the level of 2MiB"),
	COUNT("pml4e_entries", pwc_pml4e_entries, 65536, "one that skips to the level of 1GiB"),
	{.key = "cycles", .kind = FIELD_U64, AT(walk_cycles), .min = 1, .max = CYCLES_MAX,
	 .can_be_auto = true,
	 .help = "of a page walk; auto = what its reads of table entries cost in the caches"},
};
_Static_assert(HW_AUTO == CONFIG_AUTO, "the word auto means the same to both");

static const struct field dram_keys[] = {
	TIME("latency", dram_latency_ns, 1,
	     "of the CPU's own node; of another's, times distance / 10"),
	{.key = "bandwidth", .kind = FIELD_U64, .unit = UNIT_BANDWIDTH, AT(dram_bytes_per_s),
	 .min = 1000000, .max = TIB * 1024, .word = "unlimited",
	 .help = "of one node; accesses beyond it wait"},
};

static const struct field transfer_keys[] = {
	TIME("same_cache", transfer_cache_ns, 1, "from a CPU that shares a cache"),
	TIME("same_node", transfer_node_ns, 1, "from another CPU of the node"),
	TIME("other_node", transfer_remote_ns, 1, "from a CPU of another node"),
};

static const struct field interrupts_keys[] = {
	TIME("ipi_send", ipi_send_ns, 0, "sending an IPI, for each target"),
	TIME("ipi_flight", ipi_flight_ns, 1, "from sending an IPI to its arrival"),
	TIME("entry", interrupt_ns, 0, "entering and leaving an interrupt"),
};

static const struct field tlb_flush_keys[] = {
	COUNT("page_cycles", tlb_flush_page_cycles, CYCLES_MAX, "invalidating one page"),
	COUNT("all_cycles", tlb_flush_all_cycles, CYCLES_MAX, "invalidating everything"),
	COUNT("ceiling_pages", tlb_flush_ceiling_pages, 1000000000,
	      "more pages than this are invalidated by invalidating everything"),
};

static const struct field locks_keys[] = {
	{.key = "handover",
	 .kind = FIELD_EITHER,
	 AT(locks_unfair),
	 NAMES(handover_names),
	 .help = "a contended spin lock goes to who came first, or to the nearest waiter"},
	TIME("context_switch", context_switch_ns, 0,
	     "of a sleeping waiter: once to sleep, once to run again"),
	TIME("wakeup", lock_wakeup_ns, 0, "of who hands over to a sleeper"),
	{.key = "waiter",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(waiter_bytes),
	 .max = PAGE_BYTES,
	 .help = "memory of a sleeping waiter's record"},
};
#undef COUNT
#undef TIME
#undef AT

#define AT(member) .offset = offsetof(struct config_machine, member)
const struct field schema_machine_keys[MACHINE_KEYS] = {
	{.key = "cpus",
	 .kind = FIELD_U64,
	 AT(cpus),
	 .min = 1,
	 .max = CPUS_LIMIT,
	 .help = "number of CPUs"},
	{.key = "cpu_frequency",
	 .kind = FIELD_U64,
	 .unit = UNIT_FREQUENCY,
	 AT(cpu_khz),
	 .min = 1000,
	 .max = 100000000,
	 .help = "clock that turns charged cycles into time"},
	{.key = "nodes",
	 .kind = FIELD_U64,
	 AT(nodes),
	 .min = 1,
	 .max = NODES_LIMIT,
	 .help = "NUMA nodes among which layout splits memory evenly; zones say their own"},
	{.key = "node_cpus",
	 .kind = FIELD_NODE_CPUS,
	 .help = "CPUs of each node, as Linux writes lists of CPUs; \"\" = a node of memory "
		 "alone; none = equal shares, in order"},
	{.key = "distances",
	 .kind = FIELD_MATRIX,
	 AT(hw.distances),
	 .min = 10,
	 .max = 254,
	 .help = "of nodes, as ACPI's SLIT: 10 to itself, symmetric; memory of a node at 21 "
		 "answers 2.1 times as late; none = 10 and 20"},
	{.key = "memory",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(memory_bytes),
	 .page_aligned = true,
	 .min = 4 << 20,
	 .max = 16 * TIB,
	 .help = "memory that layout divides into zones; given after zones, it replaces them"},
	{.key = "layout",
	 .kind = FIELD_ENUM,
	 AT(layout),
	 NAMES(layout_names),
	 .help = "x86_64: DMA, DMA32, hole from 3 to 4 GiB, Normal; x86_32: DMA, Normal, HighMem; "
		 "flat: one Normal zone from address 0"},
	{.key = "movable",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(movable_bytes),
	 .page_aligned = true,
	 .max = 16 * TIB,
	 .help = "top of memory that layout makes a Movable zone; 0B = none"},
	{.key = "zones",
	 .kind = FIELD_LIST,
	 AT(zones),
	 KEYS(zone_keys),
	 .list = &zones_list,
	 .help = "explicit zones, which replace layout, memory and movable"},
	{.key = "min_free_kbytes",
	 .kind = FIELD_U64,
	 AT(min_free_kbytes),
	 .max = 16 * TIB / 1024,
	 .can_be_auto = true,
	 .help = "vm.min_free_kbytes: base of the watermarks; auto = Linux's formula"},
	{.key = "watermark_scale_factor",
	 .kind = FIELD_U64,
	 AT(watermark_scale_factor),
	 .min = 1,
	 .max = 3000,
	 .help = "vm.watermark_scale_factor: distance of the watermarks, of 10000"},
	{.key = "watermark_boost_factor",
	 .kind = FIELD_U64,
	 AT(watermark_boost_factor),
	 .max = 1000000,
	 .help = "vm.watermark_boost_factor: rise of the watermarks after a fallback, of 10000; 0 "
		 "= off"},
	{.key = "lowmem_reserve_ratio",
	 .kind = FIELD_MAP,
	 AT(lowmem_reserve_ratio),
	 KEYS(lowmem_reserve_ratio_keys),
	 .help = "vm.lowmem_reserve_ratio, by type of the lower zone"},
	{.key = "own_watermarks",
	 .kind = FIELD_BOOL,
	 AT(own_watermarks),
	 .help = "with start.truth: not the recorded watermarks but those that the keys above "
		 "give; true as soon as one of them is given by --set"},
	{.key = "caches",
	 .kind = FIELD_LIST,
	 AT(hw.caches),
	 KEYS(cache_keys),
	 .list = &caches_list,
	 .help = "levels of caches for data, nearest to the CPU first; none = memory is not "
		 "simulated, a line touched costs costs.touch_cycles"},
	{.key = "tlbs",
	 .kind = FIELD_LIST,
	 AT(hw.tlbs),
	 KEYS(tlb_keys),
	 .list = &tlbs_list,
	 .help = "arrays of translations; an access looks up all of level 1, then all of level 2; "
		 "none = translation is free"},
	{.key = "tlb_hit2_cycles",
	 .kind = FIELD_U64,
	 AT(hw.tlb_hit2_cycles),
	 .min = 1,
	 .max = CYCLES_MAX,
	 .help = "an access whose translation level 2 of the TLB has"},
	{.key = "page_walk",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(page_walk_keys),
	 .help = "what a miss of all TLBs costs"},
	{.key = "paging_levels",
	 .kind = FIELD_U64,
	 AT(hw.paging_levels),
	 .min = 4,
	 .max = 5,
	 .help = "levels of page tables"},
	{.key = "direct_map",
	 .kind = FIELD_ENUM,
	 AT(hw.direct_map_page),
	 NAMES(page_names),
	 .help = "size of the pages that the kernel maps all memory with"},
	{.key = "dram",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(dram_keys),
	 .help = "memory behind the caches"},
	{.key = "transfer",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(transfer_keys),
	 .help = "time for a cache line, or a lock's, to come from the CPU that wrote it"},
	{.key = "interrupts",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(interrupts_keys),
	 .help = "interrupts, and those that CPUs send each other (IPIs)"},
	{.key = "tlb_flush",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(tlb_flush_keys),
	 .help = "invalidating translations"},
	{.key = "locks",
	 .kind = FIELD_MAP,
	 AT(hw),
	 KEYS(locks_keys),
	 .help = "contended locks, and sleeping on them"},
};
#undef AT
