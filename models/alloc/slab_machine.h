/*
 * slab_machine.h - test helper: a small machine with the object allocator "slab".
 *
 * Tests of "slab" look inside it, so they include slab.h, too.
 */
#ifndef ALLOC_SLAB_MACHINE_H
#define ALLOC_SLAB_MACHINE_H

#include <stdio.h>

#include "alloc/op_script.h"
#include "alloc/slab.h"
#include "kern/bug.h"

#define SLAB_TEST_PAGES 4096

struct slab_machine {
	struct op_machine m;
	struct object_allocator *oa;
	struct slab_allocator *sa;
};

/* Make the allocator on m->m, which is there; @p->pm and so on are set. Aborts if that fails. */
static inline void slab_machine_start(struct slab_machine *s, struct object_allocator_params p,
				      unsigned cpus_count, const unsigned *cpu_nid)
{
	struct err err = {0};
	BUG_ON(!physmem_ram(&s->m.pm, 0, &err), "%s", err.text);
	p.pm = &s->m.pm;
	p.pa = s->m.pa;
	p.cpus_count = cpus_count;
	p.cpu_nid = cpu_nid;
	s->oa = slab_object_allocator.new(&p, &err);
	BUG_ON(!s->oa, "%s", err.text);
	s->sa = to_slab(s->oa);
}

/* One node, SLAB_TEST_PAGES free pages, @cpus_count CPUs up to OP_CPUS. */
static inline void slab_machine_init(struct slab_machine *s, struct object_allocator_params p,
				     unsigned cpus_count)
{
	static const unsigned cpu_nid[OP_CPUS];
	const struct op_params params = {.zone_pages = SLAB_TEST_PAGES, .cpus_count = cpus_count};
	memset(s, 0, sizeof(*s));
	op_machine_init(&s->m, &params);
	slab_machine_start(s, p, cpus_count, cpu_nid);
}

static inline void slab_machine_release(struct slab_machine *s)
{
	s->oa->ops->free(s->oa);
	op_machine_release(&s->m);
}

static inline struct slab_cache *slab_machine_cache(struct slab_machine *s,
						    const struct object_cache_params *params)
{
	struct err err = {0};
	struct object_cache *c = s->oa->ops->cache_new(s->oa, params, &err);
	BUG_ON(!c, "%s", err.text);
	return to_slab_cache(c);
}

static inline uint64_t slab_machine_alloc(struct slab_machine *s, unsigned cpu,
					  struct slab_cache *c)
{
	enum alloc_failure why;
	return s->oa->ops->alloc(s->oa, &s->m.env[cpu], (struct object_cache *)c,
				 c->layout.object_size_bytes, GFP_KERNEL, 0, &why);
}

static inline void slab_machine_give(struct slab_machine *s, unsigned cpu, struct slab_cache *c,
				     uint64_t object)
{
	s->oa->ops->free_object(s->oa, &s->m.env[cpu], (struct object_cache *)c, object);
}

/* @count objects into @objects; aborts if there are none. */
static inline void slab_machine_take(struct slab_machine *s, unsigned cpu, struct slab_cache *c,
				     uint64_t *objects, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		objects[i] = slab_machine_alloc(s, cpu, c);
		BUG_ON(objects[i] == OBJECT_NONE, "no object %u of cache %s", i, c->name);
	}
}

static inline void slab_machine_give_all(struct slab_machine *s, unsigned cpu,
					 struct slab_cache *c, const uint64_t *objects,
					 unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		slab_machine_give(s, cpu, c, objects[i]);
}

static inline struct object_cache_stats slab_machine_stats(struct slab_machine *s,
							   struct slab_cache *c)
{
	struct object_cache_stats stats;
	s->oa->ops->cache_stats(s->oa, (struct object_cache *)c, &stats);
	return stats;
}

/* "full partial empty" slabs by live objects; aborts if an invariant does not hold. */
static inline const char *slab_machine_states(struct slab_machine *s, struct slab_cache *c)
{
	static char text[64];
	struct object_cache_usage u;
	struct check_report report;
	BUG_ON(s->oa->ops->check(s->oa, &report) != 0, "%s", report.text);
	object_cache_usage(s->oa, (struct object_cache *)c, &u);
	snprintf(text, sizeof(text), "%llu %llu %llu", (unsigned long long)u.slabs_full,
		 (unsigned long long)u.slabs_partial, (unsigned long long)u.slabs_empty);
	return text;
}

/* Linux's defaults for SLAB. */
static inline struct object_allocator_params slab_machine_params(void)
{
	struct object_allocator_params p;
	object_params_init(&p);
	p.max_order = SLAB_ORDER_AUTO;
	return p;
}

#endif
