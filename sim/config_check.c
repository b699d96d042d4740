/*
 * config_check.c - what no single key can tell: relations between keys, and between keys and files.
 *
 * Runs once, after everything was read without a problem. Each check names the dotted key that a
 * user would change; its position is looked up there. The groups follow the sections of the
 * configuration; the machine and generators have files of their own.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc/kmalloc.h"
#include "sim/config_impl.h"
#include "sim/suggest.h"

#define ALLOCATORS_MAX 64 /* that a name can be looked up among */

#define FAIL(ld, path, ...) diag_key(ld, ERR_CONFIG, path, __VA_ARGS__)

static bool is_given(const struct loader *ld, const char *path)
{
	return place_find(ld, path) != NULL;
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

/* Generators that do nothing but interrupt what else CPUs do. */
static bool only_interrupts(const struct config_workload *w)
{
	for (unsigned i = 0; i < w->generators_count; i++) {
		if (w->generators[i].context == CONTEXT_PROCESS)
			return false;
	}
	return w->pace == PACE_RECORDED;
}

static void check_sources(struct loader *ld, const struct config_workload *w)
{
	const char *given[4] = {0};
	unsigned count = 0;
	bool beside = w->programs_count && only_interrupts(w);
	if (w->trace[0])
		given[count++] = "workload.trace";
	if (w->ops_fd >= 0)
		given[count++] = "workload.operations";
	if (w->generators_count && !beside)
		given[count++] = "workload.generators";
	if (w->programs_count)
		given[count++] = "workload.programs";
	if (count > 1)
		FAIL(ld, given[1],
		     "%s is given too; a workload has exactly one of trace, operations, "
		     "generators and programs; beside programs, generators may stand in another "
		     "context than a process (take one back with --set %s=%s)",
		     given[0], given[0], w->trace[0] ? "" : "[]");
}

static void check_copies(struct loader *ld, const struct config *c)
{
	if (c->workload.copies == 1)
		return;
	if (!c->workload.trace[0])
		FAIL(ld, "workload.copies", "copies a recorded trace; it needs workload.trace");
	else if (c->truth[0])
		FAIL(ld, "workload.copies",
		     "copies need a machine as after boot: the recorded state, start.truth, has "
		     "room for one (take it back with --set start.truth=)");
}

static void check_operations(struct loader *ld, const struct config *c)
{
	if (c->workload.level != LEVEL_ALL && !c->workload.trace[0])
		FAIL(ld, "workload.level", "chooses among what a trace has recorded; it needs "
		     "workload.trace");
	check_copies(ld, c);
	if (c->workload.touch != TOUCH_NONE && c->workload.programs_count)
		FAIL(ld, "workload.touch", "has no effect: programs touch by steps");
	if (c->workload.ops_fd < 0)
		return;
	if (ld->ops_cpu_max >= c->machine.cpus)
		diag_at(ld, ERR_CONFIG, &ld->ops_cpu_pos, "workload.operations",
			"names CPU %llu but machine.cpus is %llu (legal range: 0..%llu)",
			(unsigned long long)ld->ops_cpu_max, (unsigned long long)c->machine.cpus,
			(unsigned long long)c->machine.cpus - 1);
	if (ld->ops_node_pos.source && ld->ops_node_max >= c->machine.nodes)
		diag_at(ld, ERR_CONFIG, &ld->ops_node_pos, "workload.operations",
			"asks for node %llu but machine.nodes is %llu (legal range: 0..%llu)",
			(unsigned long long)ld->ops_node_max, (unsigned long long)c->machine.nodes,
			(unsigned long long)c->machine.nodes - 1);
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
	if ((!k->classes_count && !is_given(ld, "kmalloc.classes")) ||
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
	check_machine(ld, c);
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
