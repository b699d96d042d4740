/*
 * config_schema_objects.c - the rows of the sections `slab` and `kmalloc`: see config_schema.h.
 */
#include "sim/config_schema.h"

#include <string.h>

#include "alloc/object_allocator.h"

#define KEYS(a) .keys = (a), .keys_count = ARRAY_SIZE(a)

#define AT(member) .offset = offsetof(struct config_cache, member)
static const struct field cache_keys[] = {
	{.key = "name", .kind = FIELD_NAME, AT(name), .required = true,
	 .help = "by which the workload names it; differs from the other caches'"},
	{.key = "object_size", .kind = FIELD_U64, .unit = UNIT_BYTES, AT(object_size_bytes),
	 .min = 1, .max = OBJECT_BYTES_MAX, .required = true, .help = "bytes of one object"},
	{.key = "align", .kind = FIELD_U64, .unit = UNIT_BYTES, AT(align_bytes), .max = PAGE_BYTES,
	 .help = "a power of two; 0B = a word"},
	{.key = "hwcache_align", .kind = FIELD_BOOL, AT(hwcache_align),
	 .help = "align to a cache line, small objects to a half or a quarter"},
	{.key = "reclaim_account", .kind = FIELD_BOOL, AT(reclaim_account),
	 .help = "slabs from Reclaimable pageblocks"},
	{.key = "account", .kind = FIELD_BOOL, AT(account),
	 .help = "charged to memory cgroups; does not merge with caches that are not"},
	{.key = "dma", .kind = FIELD_BOOL, AT(dma), .help = "slabs from zone DMA"},
	{.key = "typesafe_by_rcu", .kind = FIELD_BOOL, AT(typesafe_by_rcu),
	 .help = "free objects stay readable, so their links lie behind them"},
	{.key = "constructor", .kind = FIELD_BOOL, AT(constructor),
	 .help = "objects are initialised once, when their slab is made"},
	{.key = "no_merge", .kind = FIELD_BOOL, AT(no_merge), .help = "has slabs of its own"},
	{.key = "sheaf_capacity", .kind = FIELD_U64, AT(sheaf_capacity_objects),
	 .max = SHEAF_CAPACITY_MAX, .can_be_auto = true, .json_suffix = "_objects",
	 .help = "objects of a sheaf; auto = what slab.sheaf_capacity and slab.sheaf_caches say"},
};
#undef AT

static void cache_init(void *element)
{
	struct config_cache *c = element;
	memset(c, 0, sizeof(*c));
	c->sheaf_capacity_objects = CONFIG_AUTO;
}

static const struct schema_list caches_list = {
	.element_bytes = sizeof(struct config_cache),
	.count_offset = offsetof(struct config_slab, caches_count),
	.capacity = CONFIG_CACHES,
	.heap = true,
	.element_init = cache_init,
};

#define AT(member) .offset = offsetof(struct config_slab, member)
const struct field schema_slab_keys[SLAB_KEYS] = {
	{.key = "allocator", .kind = FIELD_NAME, AT(allocator),
	 .help = "an object allocator of `allocsim list allocators`"},
	{.key = "merge", .kind = FIELD_BOOL, AT(merge),
	 .help = "caches that are alike share slabs"},
	{.key = "min_order", .kind = FIELD_U64, AT(min_order), .max = ORDER_LIMIT - 1,
	 .help = "slabs are at least 2^min_order pages"},
	{.key = "max_order", .kind = FIELD_U64, AT(max_order), .max = ORDER_LIMIT - 1,
	 .can_be_auto = true,
	 .help = "slabs are at most 2^max_order pages, unless one object needs more; auto = the "
		 "allocator's own (slub 3, slab 1)"},
	{.key = "min_objects", .kind = FIELD_U64, AT(min_objects), .min = 1, .max = 32767,
	 .can_be_auto = true,
	 .help = "objects wished for in a slab; auto = Linux's formula, from the CPUs"},
	{.key = "cpu_partial", .kind = FIELD_U64, AT(cpu_partial_objects), .max = 1 << 20,
	 .can_be_auto = true, .json_suffix = "_objects",
	 .help = "free objects that a CPU keeps on partial slabs of its own; auto = Linux's "
		 "choice by size; 0 = none"},
	{.key = "min_partial", .kind = FIELD_U64, AT(min_partial_slabs), .max = 1 << 20,
	 .can_be_auto = true, .json_suffix = "_slabs",
	 .help = "slabs kept on a node's list although they are empty; auto = Linux's choice"},
	{.key = "remote_node_defrag_ratio", .kind = FIELD_U64, AT(remote_node_defrag_ratio),
	 .max = 100,
	 .help = "slub: how often a CPU without partial slabs on its node looks for some on "
		 "others, in hundredths as Linux's sysfs has it; 0 = never"},
	{.key = "freelist_random", .kind = FIELD_BOOL, AT(freelist_random),
	 .help = "new slabs hand out their objects in shuffled order"},
	{.key = "freelist_hardened", .kind = FIELD_BOOL, AT(freelist_hardened),
	 .help = "links between free objects are stored scrambled and are checked"},
	{.key = "red_zone", .kind = FIELD_BOOL, AT(red_zone),
	 .help = "guard bytes around every object; a write past its end is found"},
	{.key = "poison", .kind = FIELD_BOOL, AT(poison),
	 .help = "free objects are filled; a use after free is found"},
	{.key = "sheaf_capacity", .kind = FIELD_U64, AT(sheaf_capacity_objects),
	 .max = SHEAF_CAPACITY_MAX, .json_suffix = "_objects",
	 .help = "slub: objects of a sheaf, the CPUs' stock of single objects; 0 = no sheaves"},
	{.key = "sheaf_caches", .kind = FIELD_NAMES, AT(sheaf_caches),
	 .help = "caches with sheaves of sheaf_capacity; none = all, size classes of kmalloc "
		 "included"},
	{.key = "caches", .kind = FIELD_LIST, AT(caches), KEYS(cache_keys), .list = &caches_list,
	 .help = "caches that operations and generators name; a trace brings its own, which these "
		 "replace by name"},
};
#undef AT

const struct field schema_kmalloc_keys[KMALLOC_KEYS] = {
	{.key = "classes", .kind = FIELD_SIZES,
	 .offset = offsetof(struct config_kmalloc, classes_bytes),
	 .help = "bytes of each size class; none = Linux's, 8 to 8192 with 96 and 192"},
};

_Static_assert(offsetof(struct config_kmalloc, classes_count) ==
	       offsetof(struct config_kmalloc, classes_bytes) + sizeof(uint32_t) * CONFIG_CLASSES,
	       "FIELD_SIZES expects its count behind the array");
