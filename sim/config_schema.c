/*
 * config_schema.c - the rows of the configuration: see config_schema.h.
 *
 * Rows stand in the order of --print-config and of the reference. Limits are what the simulated
 * kernel or the simulator's own arrays allow; where a limit depends on another key, the row has the
 * widest one and config_check.c does the rest.
 */
#include "sim/config_schema.h"

#include <string.h>

#include "kern/gfp.h"
#include "sim/suggest.h"

#define HOUR_NS    UINT64_C(3600000000000)
/* 1000 hours: even five times as much is less than 2^64 picoseconds. */
#define LONGEST_NS (HOUR_NS * 1000)
#define NAMES(a)   .names = (a), .names_count = ARRAY_SIZE(a)
#define KEYS(a)    .keys = (a), .keys_count = ARRAY_SIZE(a)
#define UNLIMITED  UINT64_MAX

static const char *const pace_names[] = {"recorded", "back_to_back"};
static const char *const touch_names[] = {"none", "first_line", "all"};
const char *const schema_policy_names[MEMPOLICIES + 1] = {"workload", "local", "interleave"};
static const char *const level_names[] = {"all", "pages", "objects"};
static const char *const check_names[] = {"none", "end", "full"};

const char *const schema_context_names[CONTEXTS] = {"process", "softirq", "irq", "nmi"};

#define AT(member) .offset = offsetof(struct config_buddy, member)
static const struct field buddy_keys[] = {
	{.key = "max_order",
	 .kind = FIELD_U64,
	 AT(max_order),
	 .max = ORDER_LIMIT - 1,
	 .help = "largest block is 2^max_order pages"},
	{.key = "pageblock_order",
	 .kind = FIELD_U64,
	 AT(pageblock_order),
	 .max = ORDER_LIMIT - 1,
	 .help = "a migratetype belongs to 2^pageblock_order pages; at most max_order"},
	{.key = "group_by_mobility",
	 .kind = FIELD_BOOL,
	 AT(group_by_mobility),
	 .help = "separate free lists by migratetype; false = everything is Unmovable"},
	{.key = "highatomic",
	 .kind = FIELD_BOOL,
	 AT(highatomic),
	 .help = "keep pageblocks for high-order atomic requests"},
	{.key = "coalesce",
	 .kind = FIELD_BOOL,
	 AT(coalesce),
	 .help = "merge free buddies; false shows what merging is for"},
	{.key = "split_steps_max",
	 .kind = FIELD_U64,
	 AT(split_steps_max),
	 .max = ORDER_LIMIT,
	 .can_be_auto = true,
	 .help = "an allocation may split a block at most this often; auto = no limit"},
};
#undef AT

#define AT(member) .offset = offsetof(struct config_pcp, member)
static const struct field pcp_keys[] = {
	{.key = "enabled", .kind = FIELD_BOOL, AT(enabled), .help = "per-CPU page lists are used"},
	{.key = "batch",
	 .kind = FIELD_U64,
	 AT(batch_pages),
	 .min = 1,
	 .max = 1 << 20,
	 .can_be_auto = true,
	 .json_suffix = "_pages",
	 .help = "pages moved at a time between the lists and the buddy; auto = Linux's formula"},
	{.key = "high_min",
	 .kind = FIELD_U64,
	 AT(high_min_pages),
	 .max = 1 << 30,
	 .can_be_auto = true,
	 .json_suffix = "_pages",
	 .help = "least length at which lists are drained; auto = Linux's formula"},
	{.key = "high_max",
	 .kind = FIELD_U64,
	 AT(high_max_pages),
	 .max = 1 << 30,
	 .can_be_auto = true,
	 .json_suffix = "_pages",
	 .help = "most that the length tunes itself to; equal to high_min = no tuning"},
	{.key = "high_fraction",
	 .kind = FIELD_U64,
	 AT(high_fraction),
	 .max = 1000000000,
	 .help = "vm.percpu_pagelist_high_fraction: 0 = off, else at least 8"},
	{.key = "decay_interval",
	 .kind = FIELD_U64,
	 .unit = UNIT_DURATION,
	 AT(decay_interval_ns),
	 .max = LONGEST_NS,
	 .help = "how often idle lists are trimmed; 0s = never"},
};
#undef AT

static const struct field cost_keys[] = {
#define X(id, name, cycles, meaning)                                                               \
	{.key = #name "_cycles", .kind = FIELD_U32, .offset = COST_##id * sizeof(uint32_t),        \
	 .max = 1000000000, .help = meaning},
	COST_LIST(X)
#undef X
};

static const struct field start_keys[] = {
	{.key = "truth", .kind = FIELD_DIR, .offset = offsetof(struct config, truth),
	 .help = "directory of a recorded start.* and end.* state; none = memory starts empty"},
};

#define AT(member) .offset = offsetof(struct config_operation, member)
static const struct field operation_keys[] = {
	{.key = "at",
	 .kind = FIELD_U64,
	 .unit = UNIT_DURATION,
	 AT(at_ns),
	 .max = LONGEST_NS,
	 .required = true,
	 .help = "time of the operation; does not go back within a CPU"},
	{.key = "cpu",
	 .kind = FIELD_U64,
	 AT(cpu),
	 .max = CPUS_LIMIT - 1,
	 .help = "CPU that does it"},
	{.key = "alloc",
	 .kind = FIELD_NAME,
	 AT(alloc),
	 .help = "allocate a block of pages and give it this name"},
	{.key = "kmalloc",
	 .kind = FIELD_NAME,
	 AT(kmalloc),
	 .help = "kmalloc `size` bytes and give them this name"},
	{.key = "cache_alloc",
	 .kind = FIELD_NAME,
	 AT(cache_alloc),
	 .help = "allocate an object of `cache` and give it this name"},
	{.key = "free", .kind = FIELD_NAME, AT(free), .help = "free what has this name"},
	{.key = "order",
	 .kind = FIELD_U64,
	 AT(order),
	 .max = ORDER_LIMIT - 1,
	 .help = "alloc: 2^order pages"},
	{.key = "size",
	 .kind = FIELD_U64,
	 .unit = UNIT_BYTES,
	 AT(size_bytes),
	 .max = UINT64_C(1) << 63,
	 .help = "alloc, instead of order: rounded up to a power-of-two number of pages; kmalloc: "
		 "bytes"},
	{.key = "cache",
	 .kind = FIELD_NAME,
	 AT(cache),
	 .help = "cache_alloc: one of slab.caches"},
	{.key = "gfp", .kind = FIELD_GFP, AT(gfp), .help = "allocations: flags by Linux's names"},
	{.key = "context",
	 .kind = FIELD_ENUM,
	 AT(context),
	 NAMES(schema_context_names),
	 .help = "what the CPU is doing; outside process, an allocation that may sleep is a "
		 "mistake"},
	{.key = "node",
	 .kind = FIELD_U64,
	 AT(node),
	 .can_be_auto = true,
	 .max = NODES_LIMIT - 1,
	 .help = "allocations: node asked for first, or alone with __GFP_THISNODE; auto = as "
		 "workload.policy says"},
};
#undef AT
const struct field schema_operation = {.key = "", .kind = FIELD_MAP, KEYS(operation_keys),
				       .help = ""};

#define AT(member) .offset = offsetof(struct config_workload, member)
static const struct field workload_keys[] = {
	{.key = "trace",
	 .kind = FIELD_FILE,
	 AT(trace),
	 .help = "a recorded trace (.atrace); either this, operations, generators or programs"},
	{.key = "pace",
	 .kind = FIELD_ENUM,
	 AT(pace),
	 NAMES(pace_names),
	 .help = "operations at their times, or one right after the other"},
	{.key = "level",
	 .kind = FIELD_ENUM,
	 AT(level),
	 NAMES(level_names),
	 .help = "what of a trace is replayed: objects and pages, all pages as recorded but no "
		 "objects, or objects alone"},
	{.key = "policy",
	 .kind = FIELD_ENUM,
	 AT(policy),
	 .names = schema_policy_names + 1,
	 .names_count = MEMPOLICIES,
	 .help = "node that allocations ask for which don't name one: the CPU's own, or all with "
		 "memory in turn"},
	{.key = "time_scale",
	 .kind = FIELD_DOUBLE,
	 AT(time_scale),
	 .above_min = true,
	 .real_max = 1e6,
	 .help = "recorded times are multiplied by this"},
	{.key = "copies",
	 .kind = FIELD_U64,
	 AT(copies),
	 .min = 1,
	 .max = WORKLOAD_COPIES_MAX,
	 .help = "so many copies of the trace run at once, on CPUs of their own as far as there "
		 "are enough"},
	{.key = "copies_offset",
	 .kind = FIELD_U64,
	 .unit = UNIT_DURATION,
	 AT(copies_offset_ns),
	 .max = LONGEST_NS,
	 .help = "simulated time by which each copy begins later than the one before; 0s = all in "
		 "step; otherwise machine.cpus must suffice for all copies"},
	{.key = "operations", .kind = FIELD_OPERATIONS, .help = "a list of allocations and frees"},
	{.key = "duration",
	 .kind = FIELD_U64,
	 .unit = UNIT_DURATION,
	 AT(duration_ns),
	 .max = LONGEST_NS,
	 .help = "generators stop allocating, programs begin no round here; 0s = no limit, then "
		 "each needs a count or rounds"},
	{.key = "free_at_end",
	 .kind = FIELD_BOOL,
	 AT(free_at_end),
	 .help = "generators free what lives when they stop"},
	{.key = "generators",
	 .kind = FIELD_LIST,
	 AT(generators),
	 .keys = schema_generator_keys,
	 .keys_count = GENERATOR_KEYS,
	 .list = &schema_generators_list,
	 .help = "sources of random allocations, drawn from the seed"},
	{.key = "touch",
	 .kind = FIELD_ENUM,
	 AT(touch),
	 NAMES(touch_names),
	 .help = "what the holder of new memory writes at once, after each allocation of trace, "
		 "operations and generators: nothing, the first cache line or all of it"},
	{.key = "locks",
	 .kind = FIELD_LIST,
	 AT(locks),
	 .keys = schema_lock_keys,
	 .keys_count = LOCK_KEYS,
	 .list = &schema_locks_list,
	 .help = "locks that programs take"},
	{.key = "programs",
	 .kind = FIELD_LIST,
	 AT(programs),
	 .keys = schema_program_keys,
	 .keys_count = PROGRAM_KEYS,
	 .list = &schema_programs_list,
	 .help = "what CPUs do over and over, one step after the other"},
};
#undef AT

#define AT(member) .offset = offsetof(struct config_measurement, member)
static const struct field measurement_keys[] = {
	{.key = "sample_interval", .kind = FIELD_U64, .unit = UNIT_DURATION, AT(sample_interval_ns),
	 .max = LONGEST_NS, .can_be_auto = true,
	 .help = "simulated time between rows of series.csv; 0s = no series, "
		 "auto = about 500 samples of a trace, 10ms otherwise"},
	{.key = "check", .kind = FIELD_ENUM, AT(check), NAMES(check_names),
	 .help = "check the invariants of allocators, page tables, caches and TLBs: never, at the "
		 "end, or with every sample too"},
	{.key = "verify_contents", .kind = FIELD_BOOL, AT(verify_contents),
	 .help = "mark the memory of every allocated block and check it when it is freed"},
};
#undef AT

#define AT(member) .offset = offsetof(struct config, member)
static const struct field root_keys[] = {
	{.key = "include",
	 .kind = FIELD_INCLUDE,
	 .help = "files loaded before this one; the first key of a file if given"},
	{.key = "name", .kind = FIELD_NAME, AT(name), .help = "shown in results and plots"},
	{.key = "seed",
	 .kind = FIELD_U64,
	 AT(seed),
	 .max = UNLIMITED,
	 .help = "everything random follows from it"},
	{.key = "machine",
	 .kind = FIELD_MAP,
	 AT(machine),
	 .keys = schema_machine_keys,
	 .keys_count = MACHINE_KEYS,
	 .help = "CPUs and memory"},
	{.key = "page_allocator",
	 .kind = FIELD_NAME,
	 AT(page_allocator),
	 .help = "a page allocator of `allocsim list allocators`"},
	{.key = "buddy",
	 .kind = FIELD_MAP,
	 AT(buddy),
	 KEYS(buddy_keys),
	 .help = "the buddy allocator"},
	{.key = "pcp", .kind = FIELD_MAP, AT(pcp), KEYS(pcp_keys), .help = "per-CPU page lists"},
	{.key = "slab",
	 .kind = FIELD_MAP,
	 AT(slab),
	 .keys = schema_slab_keys,
	 .keys_count = SLAB_KEYS,
	 .help = "the allocator of object caches"},
	{.key = "kmalloc",
	 .kind = FIELD_MAP,
	 AT(kmalloc),
	 .keys = schema_kmalloc_keys,
	 .keys_count = KMALLOC_KEYS,
	 .help = "size classes of kmalloc"},
	{.key = "virtual_memory",
	 .kind = FIELD_MAP,
	 AT(virtual_memory),
	 .keys = schema_virtual_memory_keys,
	 .keys_count = VIRTUAL_MEMORY_KEYS,
	 .help = "mmap and vmalloc, which steps of programs call"},
	{.key = "costs",
	 .kind = FIELD_MAP,
	 AT(cost_cycles),
	 KEYS(cost_keys),
	 .help = "CPU cycles charged for each kind of work"},
	{.key = "start",
	 .kind = FIELD_MAP,
	 KEYS(start_keys),
	 .help = "state that memory starts in"},
	{.key = "workload",
	 .kind = FIELD_MAP,
	 AT(workload),
	 KEYS(workload_keys),
	 .help = "what is allocated and freed"},
	{.key = "measurement",
	 .kind = FIELD_MAP,
	 AT(measurement),
	 KEYS(measurement_keys),
	 .help = "what is recorded and checked"},
};
#undef AT
const struct field schema_root = {.key = "", .kind = FIELD_MAP, KEYS(root_keys), .help = ""};

#define AT(member) .offset = offsetof(struct config_dist, member)
enum { PARAM_VALUE, PARAM_MIN, PARAM_MAX, PARAM_MEAN, PARAM_SIGMA, PARAM_SCALE, PARAM_SHAPE };
const struct field schema_dist_params[] = {
	[PARAM_VALUE] = {.key = "value", .kind = FIELD_PLACE, AT(value), .help = "the value"},
	[PARAM_MIN] = {.key = "min", .kind = FIELD_PLACE, AT(min), .help = "least value"},
	[PARAM_MAX] = {.key = "max", .kind = FIELD_PLACE, AT(max), .help = "largest value"},
	[PARAM_MEAN] = {.key = "mean", .kind = FIELD_PLACE, AT(mean), .help = "mean before limits"},
	[PARAM_SIGMA] = {.key = "sigma", .kind = FIELD_DOUBLE, AT(sigma), .real_max = 10,
			 .help = "standard deviation of the logarithm"},
	[PARAM_SCALE] = {.key = "scale", .kind = FIELD_PLACE, AT(scale), .help = "least value"},
	[PARAM_SHAPE] = {.key = "shape", .kind = FIELD_DOUBLE, AT(shape), .above_min = true,
			 .real_max = 100, .help = "tail index; smaller = heavier tail"},
};
const unsigned schema_dist_params_count = ARRAY_SIZE(schema_dist_params);

static const struct field choice_keys[] = {
	{.key = "value",
	 .kind = FIELD_PLACE,
	 .offset = offsetof(struct config_choice, value),
	 .required = true,
	 .help = "a value"},
	{.key = "weight",
	 .kind = FIELD_DOUBLE,
	 .offset = offsetof(struct config_choice, weight),
	 .above_min = true,
	 .real_max = 1e9,
	 .required = true,
	 .help = "how often, relative to the others"},
};
static const struct schema_list choices_list = {
	.element_bytes = sizeof(struct config_choice),
	.count_offset = offsetof(struct config_dist, choices_count),
	.capacity = CONFIG_LIST,
};
const struct field schema_choices = {.key = "choice", .kind = FIELD_LIST, AT(choices),
				     KEYS(choice_keys), .list = &choices_list,
				     .help = "values with weights"};
#undef AT

#define BIT(param) (1u << PARAM_##param)
#define LIMITS     (BIT(MIN) | BIT(MAX))
const struct schema_dist schema_dists[] = {
	{"constant", DIST_CONSTANT, BIT(VALUE), 0, "always `value`; a bare value means the same"},
	{"uniform", DIST_UNIFORM, LIMITS, 0, "evenly from `min` to `max`, both included"},
	{"exponential", DIST_EXPONENTIAL, BIT(MEAN), LIMITS, "exponential with `mean`"},
	{"lognormal", DIST_LOGNORMAL, BIT(MEAN) | BIT(SIGMA), LIMITS,
	 "lognormal with `mean` and `sigma` of the logarithm"},
	{"pareto", DIST_PARETO, BIT(SCALE) | BIT(SHAPE), LIMITS,
	 "Pareto from `scale` up with tail index `shape`"},
	{"choice", DIST_CHOICE, 0, 0, "a list of `{value, weight}`"},
};
const unsigned schema_dists_count = ARRAY_SIZE(schema_dists);

int schema_find(const struct field *map, const char *key)
{
	for (unsigned i = 0; i < map->keys_count; i++) {
		if (strcmp(map->keys[i].key, key) == 0)
			return (int)i;
	}
	return -1;
}

bool schema_is_given(const struct field *keys, unsigned count, uint64_t given, const char *key)
{
	int i = schema_find(&(struct field){.keys = keys, .keys_count = count}, key);
	return i >= 0 && given >> i & 1;
}

const char *schema_suggest(const struct field *map, const char *key)
{
	const char *names[SCHEMA_KEYS_MAX];
	for (unsigned i = 0; i < map->keys_count; i++)
		names[i] = map->keys[i].key;
	return suggest_nearest(key, names, map->keys_count);
}

static void range_names(const char *what, const struct field *f, char *buf, size_t size)
{
	size_t used = (size_t)snprintf(buf, size, "%s", what);
	for (unsigned i = 0; i < f->names_count && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s %s", i ? "," : "",
					 f->names[i]);
}

static void range_u64(enum unit unit, uint64_t min, uint64_t max, char *buf, size_t size)
{
	char lo[UNITS_TEXT], hi[UNITS_TEXT];
	snprintf(buf, size, "%s..%s", units_format_u64(unit, min, lo),
		 units_format_u64(unit, max, hi));
}

const char *schema_word(const struct field *f, uint64_t *value)
{
	*value = f->can_be_auto ? CONFIG_AUTO : f->word_value;
	return f->can_be_auto ? "auto" : f->word;
}

/* What is legal for kinds that are lists. */
static void range_list(const struct field *f, char *buf, size_t size)
{
	switch (f->kind) {
	case FIELD_SET:
		range_names("a list of", f, buf, size);
		break;
	case FIELD_MATRIX:
		snprintf(buf, size,
			 "a row of %llu..%llu for each node, such as [[10, 21], [21, 10]]",
			 (unsigned long long)f->min, (unsigned long long)f->max);
		break;
	case FIELD_NODE_CPUS:
		snprintf(buf, size, "CPUs of each node, such as [\"0-3,8\", \"4-7\", \"\"]");
		break;
	case FIELD_SIZES:
		snprintf(buf, size, "at most %d multiples of 8, ascending, such as [8, 64, 4KiB]",
			 CONFIG_CLASSES);
		break;
	case FIELD_NAMES:
		snprintf(buf, size, "at most %d names, such as [vm_area_struct]", CONFIG_NAMES);
		break;
	case FIELD_CPUS:
		snprintf(buf, size, "all, or a list of numbers below machine.cpus");
		break;
	case FIELD_LIST:
		snprintf(buf, size, "a list of at most %u", f->list->capacity);
		break;
	default:
		snprintf(buf, size, "a list");
		break;
	}
}

char *schema_range(const struct field *f, const struct field *dist, char *buf, size_t size)
{
	char lo[UNITS_TEXT], hi[UNITS_TEXT];
	const char *word;
	uint64_t word_value;
	buf[0] = '\0';
	switch (f->kind) {
	case FIELD_U64:
	case FIELD_U32:
		range_u64(f->unit, f->min, f->max, buf, size);
		word = schema_word(f, &word_value);
		if (word)
			snprintf(buf + strlen(buf), size - strlen(buf), " or %s", word);
		break;
	case FIELD_DOUBLE:
		units_format_double(f->unit, f->real_min, lo);
		units_format_double(f->unit, f->real_max, hi);
		snprintf(buf, size, f->above_min ? "above %s, up to %s" : "%s..%s", lo, hi);
		break;
	case FIELD_PLACE:
		range_u64(dist->unit, dist->min, dist->max, buf, size);
		break;
	case FIELD_DIST:
		range_u64(f->unit, f->min, f->max, buf, size);
		break;
	case FIELD_ENUM:
	case FIELD_EITHER:
		range_names("one of", f, buf, size);
		break;
	case FIELD_BOOL:
		snprintf(buf, size, "true or false");
		break;
	case FIELD_NAME:
		snprintf(buf, size, "1..%d bytes of text", CONFIG_NAME - 1);
		break;
	case FIELD_FILE:
	case FIELD_DIR:
	case FIELD_INCLUDE:
		snprintf(buf, size, "a path of at most %d bytes", CONFIG_TEXT - 1);
		break;
	case FIELD_GFP:
		snprintf(buf, size, "names joined by |, such as GFP_KERNEL|__GFP_ZERO");
		break;
	case FIELD_MAP:
		snprintf(buf, size, "a mapping");
		break;
	default:
		range_list(f, buf, size);
		break;
	}
	return buf;
}

void *schema_list_items(const struct field *f, const void *base, unsigned *count)
{
	char *holder = (char *)(uintptr_t)base;
	memcpy(count, holder + f->list->count_offset, sizeof(*count));
	if (!f->list->heap)
		return holder + f->offset;
	void *items;
	memcpy(&items, holder + f->offset, sizeof(items));
	return items;
}

bool schema_is_unused(const struct config *c, const struct field *f, const void *base)
{
	if (schema_is_of_step(f))
		return schema_step_is_unused(base, f);
	if (schema_generator_of(c, base))
		return schema_generator_is_unused(c, base, f);
	if (c->machine.nodes == 1 &&
	    ((base == &c->workload && f->offset == offsetof(struct config_workload, policy) &&
	      c->workload.policy == MEMPOLICY_LOCAL) ||
	     (base == &c->slab &&
	      f->offset == offsetof(struct config_slab, remote_node_defrag_ratio) &&
	      c->slab.remote_node_defrag_ratio == 100)))
		return true;
	if (base == &c->workload && f->offset == offsetof(struct config_workload, copies))
		return !c->workload.trace[0] || c->truth[0];
	if (base == &c->workload && f->offset == offsetof(struct config_workload, copies_offset_ns))
		return c->workload.copies == 1;
	if (base == &c->machine && f->offset == offsetof(struct config_machine, own_watermarks))
		return !c->machine.own_watermarks || !c->truth[0];
	/* Zones say all that a layout would. */
	return base == &c->machine && c->machine.zones_count &&
	       (f->offset == offsetof(struct config_machine, memory_bytes) ||
		f->offset == offsetof(struct config_machine, layout) ||
		f->offset == offsetof(struct config_machine, movable_bytes));
}
