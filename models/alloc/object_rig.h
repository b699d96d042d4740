/*
 * object_rig.h - test helper: an object allocator on a small machine of op_script.h.
 *
 * Everything aborts at once if it can't be made; allocations and frees verify what they return.
 */
#ifndef ALLOC_OBJECT_RIG_H
#define ALLOC_OBJECT_RIG_H

#include "alloc/object_allocator.h"
#include "alloc/op_script.h"

struct object_rig {
	struct op_machine m;
	struct object_allocator *oa;
	unsigned cpu_nid[OP_CPUS];
	gfp_t gfp;       /* of the allocations below; GFP_KERNEL */
	char text[4096]; /* what rig_slabs() returns */
};

/*
 * @machine as for op_machine_init(). @params: pm, pa, cpus_count and cpu_nid are filled in; NULL:
 * the defaults.
 */
void rig_init(struct object_rig *r, const char *allocator, const struct op_params *machine,
	      const struct object_allocator_params *params);
void rig_release(struct object_rig *r);

struct object_cache *rig_cache(struct object_rig *r, const struct object_cache_params *params);
/* The same with a name, a size and flags alone. */
struct object_cache *rig_sized(struct object_rig *r, const char *name, uint64_t bytes,
			       unsigned flags);

/* On CPU @cpu, for its own node; aborts if there is none. */
uint64_t rig_alloc(struct object_rig *r, struct object_cache *c, unsigned cpu);
void rig_free(struct object_rig *r, struct object_cache *c, unsigned cpu, uint64_t paddr);
/* The path that the last operation of the CPU took. */
enum op_path rig_path(const struct object_rig *r, unsigned cpu);

struct object_cache_stats rig_stats(struct object_rig *r, struct object_cache *c);
/* Abort with the report if an invariant of the object or page allocator does not hold. */
void rig_check(struct object_rig *r);

/* On the free lists of all zones. */
uint64_t rig_free_pages(struct object_rig *r);

/*
 * Where the slabs of a cache stand, each with its live objects, in the walk's order: "c0:3 p0:2,1
 * n:4 -:16,16" is CPU 0's current slab, its partial list, the nodes' lists, and the others.
 */
const char *rig_slabs(struct object_rig *r, struct object_cache *c);

#endif
