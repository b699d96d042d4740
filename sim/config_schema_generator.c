/*
 * config_schema_generator.c - the rows of workload.generators[]: see config_schema.h.
 *
 * Five keys say what a generator makes, and exclude each other; config_check.c sees to that, and
 * notes which one it is. Keys that another kind of generator takes are not shown.
 */
#include <string.h>

#include "sim/config_schema.h"

#define HOUR_NS    UINT64_C(3600000000000)
/* As in config_schema.c: even five times as much is less than 2^64 picoseconds. */
#define LONGEST_NS (HOUR_NS * 1000)
#define NAMES(a)   .names = (a), .names_count = ARRAY_SIZE(a)
#define KEYS(a)    .keys = (a), .keys_count = ARRAY_SIZE(a)

#define PHASE(member) .offset = offsetof(struct config_phase, member)
static const struct field phase_keys[] = {
	{.key = "duration", .kind = FIELD_U64, .unit = UNIT_DURATION, PHASE(duration_ns), .min = 1,
	 .max = LONGEST_NS, .required = true, .help = "length of the phase"},
	{.key = "rate_factor", .kind = FIELD_DOUBLE, PHASE(rate_factor), .real_max = 1e6,
	 .required = true, .help = "the rate is multiplied by this meanwhile; 0 = pause"},
};

static const struct schema_list phases_list = {
	.element_bytes = sizeof(struct config_phase),
	.count_offset = offsetof(struct config_generator, phases_count),
	.capacity = CONFIG_LIST,
};

#define AT(member) .offset = offsetof(struct config_generator, member)
const struct field schema_generator_keys[GENERATOR_KEYS] = {
	{.key = "name",
	 .kind = FIELD_NAME,
	 AT(name),
	 .required = true,
	 .help = "shown in results; differs from the other generators'"},
	{.key = "gfp", .kind = FIELD_GFP, AT(gfp), .help = "flags by Linux's names"},
	{.key = "order",
	 .kind = FIELD_DIST,
	 AT(order),
	 .max = ORDER_LIMIT - 1,
	 .help = "blocks of 2^order pages; exactly one of order, size, kmalloc, cache and fleet"},
	{.key = "size",
	 .kind = FIELD_DIST,
	 .unit = UNIT_BYTES,
	 AT(size_bytes),
	 .min = 1,
	 .max = (uint64_t)PAGE_BYTES << (ORDER_LIMIT - 1),
	 .help = "bytes, rounded up to a power-of-two number of pages"},
	{.key = "kmalloc",
	 .kind = FIELD_DIST,
	 .unit = UNIT_BYTES,
	 AT(kmalloc_bytes),
	 .max = UINT64_C(1) << 63,
	 .help = "kmalloc requests of so many bytes"},
	{.key = "cache", .kind = FIELD_NAME, AT(cache), .help = "objects of one of slab.caches"},
	{.key = "fleet",
	 .kind = FIELD_FILE,
	 AT(fleet),
	 .help = "kmalloc requests as a table has them: lines of size, allocations per second and "
		 "live objects; mean lifetime = live / rate"},
	{.key = "rate_factor",
	 .kind = FIELD_DOUBLE,
	 AT(rate_factor),
	 .above_min = true,
	 .real_max = 1e6,
	 .help = "fleet: rates and live objects of the table are multiplied by this, for each CPU"},
	{.key = "prefill",
	 .kind = FIELD_BOOL,
	 AT(prefill),
	 .help = "fleet: the live objects are allocated at time 0, instead of growing in"},
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
	 .help = "node asked for first, or alone with __GFP_THISNODE; auto = as policy says"},
	{.key = "policy",
	 .kind = FIELD_ENUM,
	 AT(policy),
	 NAMES(schema_policy_names),
	 .help = "node asked for: the CPU's own, or in turn; workload = as workload.policy says"},
	{.key = "lifetime",
	 .kind = FIELD_DIST,
	 .unit = UNIT_DURATION,
	 AT(lifetime_ns),
	 .max = LONGEST_NS,
	 .help = "time from allocation to free; forever = not freed while it runs; required but "
		 "with fleet"},
	{.key = "rate",
	 .kind = FIELD_DOUBLE,
	 .unit = UNIT_RATE,
	 AT(rate_per_s),
	 .real_max = 1e9,
	 .above_min = true,
	 .help = "allocations per second on each CPU; mean of a Poisson process; required but with "
		 "fleet"},
	{.key = "cpus", .kind = FIELD_CPUS, AT(cpus), .help = "CPUs it runs on"},
	{.key = "count",
	 .kind = FIELD_U64,
	 AT(count_max),
	 .max = UINT32_MAX,
	 .help = "allocations per CPU, without those of prefill; 0 = no limit, then "
		 "workload.duration ends it"},
	{.key = "phases",
	 .kind = FIELD_LIST,
	 AT(phases),
	 KEYS(phase_keys),
	 .list = &phases_list,
	 .help = "repeated in turn; none = always at the full rate"},
};
#undef AT

static void generator_init(void *element)
{
	struct config_generator *g = element;
	g->gfp = GFP_KERNEL;
	g->rate_factor = 1;
	g->node = CONFIG_AUTO;
	g->prefill = true;
	memset(g->cpus, 0xff, sizeof(g->cpus));
}

const struct schema_list schema_generators_list = {
	.element_bytes = sizeof(struct config_generator),
	.count_offset = offsetof(struct config_workload, generators_count),
	.capacity = CONFIG_GENERATORS,
	.heap = true,
	.element_init = generator_init,
	.has_given = true,
	.given_offset = offsetof(struct config_generator, given),
};

const struct config_generator *schema_generator_of(const struct config *c, const void *base)
{
	const struct config_generator *first = c->workload.generators;
	uintptr_t at = (uintptr_t)base - (uintptr_t)first;
	/* A list inside a generator begins somewhere in it, but not where one begins. */
	if (!first || at >= c->workload.generators_count * sizeof(*first) || at % sizeof(*first))
		return NULL;
	return base;
}

bool schema_generator_is_unused(const struct config *c, const struct config_generator *g,
				const struct field *f)
{
	/* On one node, there is nothing to choose. */
	if (c->machine.nodes == 1 &&
	    ((f->offset == offsetof(struct config_generator, node) && g->node == CONFIG_AUTO) ||
	     (f->offset == offsetof(struct config_generator, policy) &&
	      g->policy == GENERATOR_POLICY_WORKLOAD)))
		return true;
	static const struct {
		size_t offset;
		unsigned of; /* bit mask of enum generator_what */
	} keys[] = {
#define KEY(member, of) {offsetof(struct config_generator, member), of}
		KEY(order, 1u << GENERATOR_ORDER),
		KEY(size_bytes, 1u << GENERATOR_SIZE),
		KEY(kmalloc_bytes, 1u << GENERATOR_KMALLOC),
		KEY(cache, 1u << GENERATOR_CACHE),
		KEY(fleet, 1u << GENERATOR_FLEET),
		KEY(rate_factor, 1u << GENERATOR_FLEET),
		KEY(prefill, 1u << GENERATOR_FLEET),
		KEY(lifetime_ns, ~(1u << GENERATOR_FLEET)),
		KEY(rate_per_s, ~(1u << GENERATOR_FLEET)),
#undef KEY
	};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].offset == f->offset)
			return !(keys[i].of >> g->what & 1);
	}
	return false;
}
