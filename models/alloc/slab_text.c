/*
 * slab_text.c - /proc/slabinfo, byte for byte: mm/slab_common.c of Linux 6.18, version 2.1.
 *
 * <objsize> is the distance from one object to the next, not what users may write, and
 * <active_objs> counts as in use what is free on a CPU's slabs: only node lists are looked at. All
 * slabs are called active; Linux has stopped counting. The tunables are those of the allocator SLAB
 * and 0.
 *
 * MODEL: slabs that were made smaller for want of memory count as slabs, as in Linux, but the pools
 * of slob, which Linux doesn't list, have lines of their own.
 */
#include "alloc/slab_text.h"

void proc_slabinfo_line(const struct object_cache_stats *s, FILE *out)
{
	fprintf(out,
		"%-17s %6llu %6llu %6llu %4u %4u : tunables %4u %4u %4u : slabdata %6llu %6llu "
		"%6llu\n",
		s->name, (unsigned long long)s->active_count, (unsigned long long)s->objects_count,
		(unsigned long long)s->size_bytes, s->objects_per_slab, 1u << s->slab_order, 0, 0,
		0, (unsigned long long)s->slabs_count, (unsigned long long)s->slabs_count, 0ull);
}

void proc_slabinfo(struct object_allocator *oa, FILE *out)
{
	struct object_cache_stats stats;
	fprintf(out, "slabinfo - version: 2.1\n");
	fprintf(out, "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		     "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata "
		     "<active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned i = OBJECT_CACHES_LIMIT; i-- > 0;) {
		struct object_cache *cache = oa->ops->cache_at(oa, i);
		if (!cache)
			continue;
		oa->ops->cache_stats(oa, cache, &stats);
		proc_slabinfo_line(&stats, out);
	}
}
