/* mm_rig.c - see mm_rig.h. */
#include "mm/mm_rig.h"

#include <string.h>

#include "kern/bug.h"

static struct mm_rig *rig; /* env_ops know a CPU alone */
static const unsigned cpu_nid[OP_CPUS];

static void may_pause(struct env *env)
{
	if (env->memory && env->memory->pending)
		env->memory->sync(env, 0);
	if (env->cpu || rig->others_run || rig->spins_held || !rig->meanwhile)
		return;
	rig->others_run = true;
	rig->meanwhile(rig);
	rig->others_run = false;
}

static void rig_lock(struct env *env, struct env_lock *lock)
{
	may_pause(env);
	BUG_ON(lock->owner, "lock %s is held", lock->name);
	lock->owner = env;
	rig->spins_held += !lock->sleeps;
}

static void rig_unlock(struct env *env, struct env_lock *lock)
{
	BUG_ON(lock->owner != env, "lock %s is not CPU %u's", lock->name, env->cpu);
	lock->owner = NULL;
	rig->spins_held -= !lock->sleeps;
}

static void rig_ipi(struct env *env, const struct cpu_set *targets, env_handler handler, void *arg)
{
	BUG_ON(rig->spins_held, "interrupts sent under a spin lock");
	may_pause(env);
	for (unsigned cpu = 0; cpu < OP_CPUS; cpu++) {
		if (!cpu_set_has(targets, cpu))
			continue;
		BUG_ON(cpu == env->cpu, "CPU %u interrupts itself", cpu);
		rig->ipis_count++;
		if (rig->forgets_ipis)
			continue;
		env_set_context(&rig->m.env[cpu], CONTEXT_IRQ);
		handler(&rig->m.env[cpu], arg);
		env_set_context(&rig->m.env[cpu], CONTEXT_PROCESS);
	}
	may_pause(env);
}

static const struct env_ops rig_ops = {rig_lock, rig_unlock, may_pause, rig_ipi};

/* --- the page allocator ----------------------------------------------------------------------- */

static pfn_t rig_alloc(struct page_allocator *pa, struct env *env, unsigned order, gfp_t gfp,
		       unsigned nid, enum alloc_failure *why)
{
	BUG_ON(rig->spins_held, "allocation under a spin lock");
	bool fails = ++rig->allocs_count == rig->fail_at ||
		     (rig->huge_fail_from && order >= rig->huge_fail_from);
	*why = ALLOC_NO_MEMORY;
	may_pause(env);
	return fails ? PFN_NONE : rig->m.pa->ops->alloc_pages(rig->m.pa, env, order, gfp, nid, why);
}

static void rig_free(struct page_allocator *pa, struct env *env, pfn_t pfn, unsigned order)
{
	BUG_ON(rig->spins_held, "free under a spin lock");
	may_pause(env);
	rig->m.pa->ops->free_pages(rig->m.pa, env, pfn, order);
}

static void rig_split(struct page_allocator *pa, pfn_t pfn, unsigned order)
{
	rig->m.pa->ops->split_allocated(rig->m.pa, pfn, order);
}

static const struct page_allocator_ops rig_pa_ops = {
	.name = "rig",
	.alloc_pages = rig_alloc,
	.free_pages = rig_free,
	.split_allocated = rig_split,
};

/* --- the machine ------------------------------------------------------------------------------ */

static const struct hw_machine machine = {
	.caches = {{.name = "L1",
		    .size_bytes = 32768,
		    .ways = 8,
		    .line_bytes = 64,
		    .latency_cycles = 4,
		    .shared_by = 1}},
	.caches_count = 1,
	.tlbs = {{1, 64, 4, 1 << HW_PAGE_4K, false},
		 {1, 32, 4, 1 << HW_PAGE_2M, false},
		 {2, 1536, 12, 1 << HW_PAGE_4K | 1 << HW_PAGE_2M, false}},
	.tlbs_count = 3,
	.tlb_hit2_cycles = 7,
	.pwc_pde_entries = 32,
	.pwc_pdpte_entries = 4,
	.pwc_pml4e_entries = 2,
	.walk_cycles = HW_AUTO,
	.paging_levels = 4,
	.direct_map_page = HW_PAGE_2M,
	.dram_latency_ns = 80,
	.ipi_flight_ns = 1,
	.tlb_flush_page_cycles = 120,
	.tlb_flush_all_cycles = 500,
	.tlb_flush_ceiling_pages = 33,
};

void mm_rig_init(struct mm_rig *r, uint64_t zone_pages, bool with_memory)
{
	const struct op_params params = {.zone_pages = zone_pages, .cpus_count = OP_CPUS};
	memset(r, 0, sizeof(*r));
	op_machine_init(&r->m, &params);
	rig = r;
	r->env = &r->m.env[0];
	r->hw = machine;
	r->pa = (struct page_allocator){.ops = &rig_pa_ops, .pm = &r->m.pm};
	r->free_pages = r->m.pm.zones[0].free_pages;
	const struct memory_params memory = {
		.hw = &r->hw,
		.cpus_count = OP_CPUS,
		.cpu_nid = cpu_nid,
		.nodes_count = 1,
		.cpu_khz = 2450000,
	};
	if (with_memory) {
		r->memory = memory_new(&memory);
		BUG_ON(!r->memory, "out of memory");
	}
	for (unsigned cpu = 0; cpu < OP_CPUS; cpu++) {
		r->m.env[cpu].ops = &rig_ops;
		r->m.env[cpu].memory = with_memory ? memory_of_cpu(r->memory, cpu) : NULL;
	}
}

void mm_rig_release(struct mm_rig *r)
{
	char text[256];
	BUG_ON(r->m.pm.zones[0].free_pages != r->free_pages, "%llu pages instead of %llu are free",
	       (unsigned long long)r->m.pm.zones[0].free_pages, (unsigned long long)r->free_pages);
	for (unsigned cpu = 0; r->memory && cpu < OP_CPUS; cpu++) {
		if (r->m.env[cpu].memory->pending)
			r->m.env[cpu].memory->sync(&r->m.env[cpu], 0);
	}
	BUG_ON(r->memory && memory_check(r->memory, text, sizeof(text)) != 0, "%s", text);
	op_machine_release(&r->m);
	memory_free(r->memory);
}

struct address_space *mm_rig_space(struct mm_rig *r, bool batch_flushes)
{
	const struct address_space_params p = {
		.pa = &r->pa,
		.hw = &r->hw,
		.space = 1,
		.cpus_count = OP_CPUS,
		.cpu_nid = cpu_nid,
		.batch_flushes = batch_flushes,
	};
	return address_space_new(&p, r->env);
}

bool mm_rig_tlb(struct mm_rig *r, unsigned cpu, uint32_t space, uint64_t vaddr,
		struct tlb_entry *found)
{
	return memory_translate(&r->m.env[cpu], space, vaddr, false, found);
}
