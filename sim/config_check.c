/*
 * config_check.c - what no single key can tell: relations between keys, and between keys and files.
 *
 * Runs once, after everything was read without a problem. Each check names the dotted key that a
 * user would change; its position is looked up there. The groups follow the sections of the
 * configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc/kmalloc.h"
#include "kern/physmem.h"
#include "sim/config_impl.h"
#include "sim/suggest.h"

#define GIB (UINT64_C(1) << 30)
#define ALLOCATORS_MAX 64 /* that a name can be looked up among */
#define MEMORY_END_BYTES (PFN_END_LIMIT << PAGE_SHIFT)

#define FAIL(ld, path, ...) diag_key(ld, ERR_CONFIG, path, __VA_ARGS__)

static bool is_given(const struct loader *ld, const char *path)
{
	return place_find(ld, path) != NULL;
}

static bool is_page_aligned(uint64_t bytes)
{
	return bytes % PAGE_BYTES == 0;
}

static void check_layout(struct loader *ld, const struct config_machine *m)
{
	/* Memory that does not fit below the hole continues behind it. */
	uint64_t hole = m->layout == LAYOUT_X86_64 && m->memory_bytes > 3 * GIB ? GIB : 0;
	if (!is_page_aligned(m->memory_bytes))
		FAIL(ld, "machine.memory", "is not a multiple of the page size, 4KiB");
	if (m->memory_bytes + hole > MEMORY_END_BYTES)
		FAIL(ld, "machine.memory", "ends above the highest address, 1 MiB below 16TiB%s",
		     hole ? ", with the hole of 1GiB that x86_64 has" : "");
	if (m->memory_bytes / m->nodes < 4 << 20)
		FAIL(ld, "machine.nodes", "leaves less than 4MiB of machine.memory for each node");
	if (m->layout == LAYOUT_X86_32 && m->memory_bytes > 64 * GIB)
		FAIL(ld, "machine.memory", "is more than the 64GiB that x86_32 can address");
	if (m->layout == LAYOUT_X86_32 && m->nodes > 1)
		FAIL(ld, "machine.nodes", "must be 1 with layout x86_32");
	if (!is_page_aligned(m->movable_bytes))
		FAIL(ld, "machine.movable", "is not a multiple of the page size, 4KiB");
	if (m->movable_bytes >= m->memory_bytes)
		FAIL(ld, "machine.movable", "leaves nothing of machine.memory for the kernel");
	if (m->min_free_kbytes != CONFIG_AUTO && m->min_free_kbytes > m->memory_bytes / 1024 / 2)
		FAIL(ld, "machine.min_free_kbytes", "is more than half of machine.memory");
}

static void zone_path(char path[PATH_SIZE], unsigned index, const char *key)
{
	snprintf(path, PATH_SIZE, "machine.zones[%u]%s%s", index, *key ? "." : "", key);
}

static uint64_t zone_end(const struct config_zone *z)
{
	return z->start_bytes + z->size_bytes;
}

static void check_zone(struct loader *ld, const struct config_zone *z, unsigned index)
{
	char path[PATH_SIZE];
	zone_path(path, index, "start");
	if (!is_page_aligned(z->start_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	zone_path(path, index, "size");
	if (!is_page_aligned(z->size_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	if (zone_end(z) > MEMORY_END_BYTES)
		FAIL(ld, path, "ends above the highest address, 1 MiB below 16TiB");
	zone_path(path, index, "managed");
	if (z->managed_bytes == CONFIG_AUTO)
		return;
	if (!is_page_aligned(z->managed_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	if (z->managed_bytes > z->size_bytes)
		FAIL(ld, path, "is more than the size of the zone");
}

/* Zone @later against @earlier of the list. */
static void check_zone_pair(struct loader *ld, const struct config_machine *m, unsigned earlier,
			    unsigned later)
{
	const struct config_zone *a = &m->zones[earlier], *b = &m->zones[later];
	char path[PATH_SIZE];
	bool overlap = a->start_bytes < zone_end(b) && b->start_bytes < zone_end(a);
	zone_path(path, later, "start");
	if (overlap)
		FAIL(ld, path, "overlaps machine.zones[%u]", earlier);
	if (a->node != b->node)
		return;
	if (!overlap && a->type < b->type && a->start_bytes > b->start_bytes)
		FAIL(ld, path, "lies below machine.zones[%u], which is of a lower type", earlier);
	zone_path(path, later, "type");
	if (a->type == b->type)
		FAIL(ld, path, "is the second zone of its type on node %llu",
		     (unsigned long long)b->node);
	else if (a->type > b->type)
		FAIL(ld, path, "must be higher than that of machine.zones[%u] on the same node "
		     "(ascending: DMA, DMA32, Normal, HighMem, Movable)", earlier);
}

/* Nodes are numbered without holes, and there are as many as machine.nodes says if it does. */
static void check_zone_nodes(struct loader *ld, struct config_machine *m)
{
	char path[PATH_SIZE];
	uint64_t used = 0, nodes = 0;
	for (unsigned i = 0; i < m->zones_count; i++) {
		used |= UINT64_C(1) << m->zones[i].node;
		nodes = u64_max(nodes, m->zones[i].node + 1);
	}
	for (unsigned i = 0; i < m->zones_count; i++) {
		uint64_t node = m->zones[i].node;
		if (node > 0 && !(used >> (node - 1) & 1)) {
			zone_path(path, i, "node");
			FAIL(ld, path, "is %llu but there is no node %llu: numbers have no holes",
			     (unsigned long long)node, (unsigned long long)node - 1);
			return;
		}
	}
	if (is_given(ld, "machine.nodes") && m->nodes != nodes)
		FAIL(ld, "machine.nodes", "is %llu but machine.zones has %llu",
		     (unsigned long long)m->nodes, (unsigned long long)nodes);
	m->nodes = nodes;
}

/*
 * A layout and a list of zones are two ways to say the same: the one that was given later holds, so
 * that `--set machine.memory=1TiB` does what it says to a machine described by zones. In one file
 * only one of them may stand.
 */
static void choose_geometry(struct loader *ld, struct config_machine *m)
{
	static const char *const layout_keys[] = {"machine.memory", "machine.layout",
						  "machine.movable"};
	const struct config_pos *zones = place_find(ld, "machine.zones");
	bool newer = false;
	for (size_t i = 0; zones && i < ARRAY_SIZE(layout_keys); i++) {
		const struct config_pos *pos = place_find(ld, layout_keys[i]);
		if (pos && pos->source == zones->source)
			FAIL(ld, layout_keys[i], "stands beside machine.zones, which replaces it");
		else if (pos && pos > zones) /* places are in the order in which keys were given */
			newer = true;
	}
	if (newer)
		m->zones_count = 0;
	else if (zones)
		m->movable_bytes = 0;
}

/*
 * A recorded start state brings its own machine. Keys of a file may describe it once more; a --set
 * that would be without effect is refused. Watermarks may be set: they are computed then.
 */
static void check_against_truth(struct loader *ld, struct config *c)
{
	static const char *const decided[] = {
		"machine.memory", "machine.layout", "machine.movable", "machine.zones",
		"machine.nodes",  "machine.cpus",   "buddy.max_order", "buddy.pageblock_order",
	};
	static const char *const watermarks[] = {
		"machine.min_free_kbytes",
		"machine.watermark_scale_factor",
	};
	for (size_t i = 0; c->truth[0] && i < ARRAY_SIZE(decided); i++) {
		const struct config_pos *pos = place_find(ld, decided[i]);
		if (pos && !pos->line)
			FAIL(ld, decided[i],
			     "has no effect: the recorded state, start.truth, decides it");
	}
	for (size_t i = 0; i < ARRAY_SIZE(watermarks); i++) {
		const struct config_pos *pos = place_find(ld, watermarks[i]);
		c->machine.own_watermarks |= pos && !pos->line;
	}
	for (unsigned i = 0; i < ZONE_TYPES; i++) {
		char path[PATH_SIZE];
		snprintf(path, sizeof(path), "machine.lowmem_reserve_ratio.%s", zone_type_names[i]);
		const struct config_pos *pos = place_find(ld, path);
		c->machine.own_watermarks |= pos && !pos->line;
	}
}

static void check_machine(struct loader *ld, struct config_machine *m)
{
	choose_geometry(ld, m);
	if (!m->zones_count) {
		check_layout(ld, m);
		return;
	}
	for (unsigned i = 0; i < m->zones_count; i++) {
		check_zone(ld, &m->zones[i], i);
		for (unsigned j = 0; j < i; j++)
			check_zone_pair(ld, m, j, i);
	}
	check_zone_nodes(ld, m);
}

/* @name must be one of the @count @names of registered allocators. */
static void check_allocator_name(struct loader *ld, const char *path, const char *name,
				 const char *const *names, unsigned count)
{
	char quoted[QUOTE_SIZE];
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return;
	}
	const char *near = suggest_nearest(name, names, count);
	FAIL(ld, path, "there is no such allocator: '%s'%s%s%s (`allocsim list allocators`)",
	     diag_quote(name, quoted), near ? "; did you mean '" : "", near ? near : "",
	     near ? "'?" : "");
}

static void check_allocators(struct loader *ld, const struct config *c)
{
	const struct config_pcp *p = &c->pcp;
	const char *names[ALLOCATORS_MAX];
	unsigned count = 0;
	for (; page_allocators[count] && count < ALLOCATORS_MAX; count++)
		names[count] = page_allocators[count]->name;
	check_allocator_name(ld, "page_allocator", c->page_allocator, names, count);
	if (c->buddy.pageblock_order > c->buddy.max_order)
		FAIL(ld,
		     is_given(ld, "buddy.pageblock_order") ? "buddy.pageblock_order"
							   : "buddy.max_order",
		     "pageblock_order %llu is above max_order %llu",
		     (unsigned long long)c->buddy.pageblock_order,
		     (unsigned long long)c->buddy.max_order);
	if (p->high_min_pages != CONFIG_AUTO && p->high_max_pages != CONFIG_AUTO &&
	    p->high_max_pages < p->high_min_pages)
		FAIL(ld, "pcp.high_max", "is below pcp.high_min, %llu",
		     (unsigned long long)p->high_min_pages);
	if (p->high_fraction > 0 && p->high_fraction < 8)
		FAIL(ld, "pcp.high_fraction", "must be 0 (off) or at least 8");
	if (p->decay_interval_ns > 0 && p->decay_interval_ns < 1000000)
		FAIL(ld, "pcp.decay_interval", "must be 0s (never) or at least 1ms");
}

static void check_sources(struct loader *ld, const struct config_workload *w)
{
	const char *given[4] = {0};
	unsigned count = 0;
	if (w->trace[0])
		given[count++] = "workload.trace";
	if (w->ops_fd >= 0)
		given[count++] = "workload.operations";
	if (w->generators_count)
		given[count++] = "workload.generators";
	if (w->programs_count)
		given[count++] = "workload.programs";
	if (count > 1)
		FAIL(ld, given[1],
		     "%s is given too; a workload has exactly one of trace, operations, "
		     "generators and programs (take one back with --set %s=%s)",
		     given[0], given[0], w->trace[0] ? "" : "[]");
}

static void check_operations(struct loader *ld, const struct config *c)
{
	if (c->workload.level != LEVEL_ALL && !c->workload.trace[0])
		FAIL(ld, "workload.level", "chooses among what a trace has recorded; it needs "
		     "workload.trace");
	if (c->workload.touch != TOUCH_NONE && c->workload.programs_count)
		FAIL(ld, "workload.touch", "has no effect: programs touch by steps");
	if (c->workload.ops_fd < 0)
		return;
	if (ld->ops_cpu_max >= c->machine.cpus)
		diag_at(ld, ERR_CONFIG, &ld->ops_cpu_pos, "workload.operations",
			"names CPU %llu but machine.cpus is %llu (legal range: 0..%llu)",
			(unsigned long long)ld->ops_cpu_max, (unsigned long long)c->machine.cpus,
			(unsigned long long)c->machine.cpus - 1);
	if (ld->ops_order_pos.source && ld->ops_order_max > c->buddy.max_order)
		diag_at(ld, ERR_CONFIG, &ld->ops_order_pos, "workload.operations",
			"allocates order %llu, above buddy.max_order %llu",
			(unsigned long long)ld->ops_order_max,
			(unsigned long long)c->buddy.max_order);
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static void check_caches(struct loader *ld, const struct config_slab *s)
{
	char path[PATH_SIZE];
	for (unsigned i = 0; i < s->caches_count; i++) {
		const struct config_cache *c = &s->caches[i];
		snprintf(path, sizeof(path), "slab.caches[%u].name", i);
		if (strpbrk(c->name, " \t"))
			FAIL(ld, path, "has blanks, which separate the columns of slabinfo");
		if (strncmp(c->name, "kmalloc-", 8) == 0 ||
		    strncmp(c->name, "dma-kmalloc-", 12) == 0)
			FAIL(ld, path, "is the name of a size class of kmalloc; choose another");
		snprintf(path, sizeof(path), "slab.caches[%u].align", i);
		if (c->align_bytes && !is_power_of_two(c->align_bytes))
			FAIL(ld, path, "is no power of two");
		snprintf(path, sizeof(path), "slab.caches[%u].name", i);
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(s->caches[k].name, c->name) == 0)
				FAIL(ld, path, "'%s' is already the name of slab.caches[%u]",
				     c->name, k);
		}
	}
	for (unsigned i = 0; i < ld->ops_caches_count; i++) {
		const struct named_cache *n = &ld->ops_caches[i];
		unsigned k = 0;
		while (k < s->caches_count && strcmp(s->caches[k].name, n->name) != 0)
			k++;
		if (k == s->caches_count && ld->c->workload.ops_fd >= 0)
			diag_at(ld, ERR_CONFIG, &n->pos, "workload.operations",
				"names the cache '%s', which slab.caches does not define", n->name);
	}
}

/* A size class must fit a slab, be a multiple of 8, and come after smaller ones. */
static void check_classes(struct loader *ld, const struct config *c)
{
	const struct config_kmalloc *k = &c->kmalloc;
	uint64_t largest_bytes = (uint64_t)PAGE_BYTES << c->buddy.max_order;
	char path[PATH_SIZE];
	struct err err = {0};
	unsigned bad;
	if (!is_given(ld, "kmalloc.classes") ||
	    kmalloc_check_classes(k->classes_bytes, k->classes_count, largest_bytes, &bad, &err) ==
		    0)
		return;
	snprintf(path, sizeof(path), "kmalloc.classes[%u]", bad);
	FAIL(ld, k->classes_count ? path : "kmalloc.classes", "%s", err.text);
}

static void check_slab(struct loader *ld, const struct config *c)
{
	const struct config_slab *s = &c->slab;
	const char *names[ALLOCATORS_MAX];
	unsigned count = 0;
	for (; object_allocators[count] && count < ALLOCATORS_MAX; count++)
		names[count] = object_allocators[count]->name;
	check_allocator_name(ld, "slab.allocator", s->allocator, names, count);
	if (s->max_order != CONFIG_AUTO && s->max_order > c->buddy.max_order)
		FAIL(ld, "slab.max_order", "is above buddy.max_order %llu",
		     (unsigned long long)c->buddy.max_order);
	if (s->min_order > s->max_order)
		FAIL(ld, "slab.min_order", "is above slab.max_order %llu",
		     (unsigned long long)s->max_order);
	check_caches(ld, s);
	check_classes(ld, c);
}

static void check_path(struct loader *ld, const char *key, const char *path, bool is_dir)
{
	struct stat st;
	if (!*path)
		return;
	if (stat(path, &st) != 0)
		diag_key(ld, ERR_NO_INPUT, key, "%s: %s", path, strerror(errno));
	else if (is_dir != (bool)S_ISDIR(st.st_mode))
		diag_key(ld, ERR_NO_INPUT, key, "%s: is %s directory", path, is_dir ? "no" : "a");
}

void check_all(struct loader *ld)
{
	struct config *c = ld->c;
	uint64_t interval = c->measurement.sample_interval_ns;
	check_against_truth(ld, c);
	check_machine(ld, &c->machine);
	check_allocators(ld, c);
	check_path(ld, "start.truth", c->truth, true);
	check_path(ld, "workload.trace", c->workload.trace, false);
	check_slab(ld, c);
	check_sources(ld, &c->workload);
	check_operations(ld, c);
	for (unsigned i = 0; i < c->workload.generators_count; i++)
		check_generator(ld, c, i);
	check_locks(ld, c);
	check_programs(ld, c);
	if (interval > 0 && interval < 1000)
		FAIL(ld, "measurement.sample_interval", "must be 0s (no series) or at least 1us");
}
