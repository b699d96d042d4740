/*
 * virtual_memory.c - see virtual_memory.h.
 *
 * Processes are numbered by the checks of the configuration; each whose programs have an mmap step
 * gets an address space, numbered 1 up, as 0 is the kernel's. The kernel's own map of vmalloc is
 * there when a step calls vmalloc.
 *
 *   programs   a (process: web)   b (process: web)   c
 *   processes  0 "web"            0                  1 "c"
 *   spaces     1                  1                  2
 *
 * They are made before time zero by a CPU without an engine, so at no cost; of what that leaves in
 * CPU 0's page lists the run begins with. At the end they stay as they are: what programs hold is
 * counted, then checked.
 */
#include "sim/virtual_memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/json.h"

/* --- what is needed --------------------------------------------------------------------------- */

static bool steps_have(const struct config_step *steps, unsigned count, enum step_kind kind)
{
	for (unsigned i = 0; i < count; i++) {
		if (steps[i].kind == kind || steps_have(steps[i].steps, steps[i].steps_count, kind))
			return true;
	}
	return false;
}

static bool wants_vmalloc(const struct config *c)
{
	for (unsigned i = 0; i < c->workload.programs_count; i++) {
		const struct config_program *p = &c->workload.programs[i];
		if (steps_have(p->start, p->start_count, STEP_VMALLOC) ||
		    steps_have(p->steps, p->steps_count, STEP_VMALLOC))
			return true;
	}
	return false;
}

bool virtual_memory_wanted(const struct config *c)
{
	for (unsigned i = 0; i < c->workload.programs_count; i++) {
		if (c->workload.programs[i].maps)
			return true;
	}
	return wants_vmalloc(c);
}

/* --- making ----------------------------------------------------------------------------------- */

static int make_spaces(struct virtual_memory *v, const struct config *c, struct machine *m,
		       struct env *env, struct err *err)
{
	v->spaces_count = c->workload.processes_count;
	v->spaces = calloc(v->spaces_count + 1, sizeof(*v->spaces));
	if (!v->spaces)
		return err_set(err, ERR_IO, "out of memory for the address spaces");
	for (unsigned i = 0; i < c->workload.programs_count; i++) {
		unsigned process = c->workload.programs[i].process_index;
		const struct address_space_params params = {
			.pa = m->pa,
			.hw = &c->machine.hw,
			.space = SPACE_KERNEL + 1 + process,
			.cpus_count = m->cpus_count,
			.cpu_nid = m->cpu_nid,
			.batch_flushes = c->virtual_memory.batch_flushes,
		};
		if (!c->workload.programs[i].maps || v->spaces[process])
			continue;
		v->spaces[process] = address_space_new(&params, env);
		if (!v->spaces[process])
			return err_set(err, ERR_CONFIG,
				       "no page is free for the address space of program '%s'",
				       c->workload.programs[i].name);
	}
	return 0;
}

static int make_vmalloc(struct virtual_memory *v, const struct config *c, struct machine *m,
			struct env *env, struct err *err)
{
	const struct config_virtual_memory *how = &c->virtual_memory;
	const struct kernel_map_params map_params = {
		.pa = m->pa,
		.hw = &c->machine.hw,
		.cpus_count = m->cpus_count,
		.cpu_nid = m->cpu_nid,
	};
	const struct vmalloc_params params = {
		.pa = m->pa,
		.km = m->objects.oa ? &m->objects.km : NULL,
		.mapper = &v->kernel_map.mapper,
		.cpus_count = m->cpus_count,
		.start = VMALLOC_START,
		.end = VMALLOC_END,
		.guard = how->vmalloc_guard,
		.huge = how->vmalloc_huge,
		.lazy_max_pages = how->vmalloc_lazy_max_pages,
	};
	if (kernel_map_init(&v->kernel_map, &map_params, env) != 0)
		return err_set(err, ERR_CONFIG, "no page is free for the kernel's page table");
	v->vmalloc = vmalloc_new(&params);
	return v->vmalloc ? 0 : err_set(err, ERR_IO, "out of memory for vmalloc");
}

int virtual_memory_init(struct virtual_memory *v, const struct config *c, struct machine *m,
			struct err *err)
{
	struct env env = {.cost_cycles = c->cost_cycles};
	*v = (struct virtual_memory){.cost_cycles = c->cost_cycles};
	if (make_spaces(v, c, m, &env, err) != 0)
		return -1;
	return wants_vmalloc(c) ? make_vmalloc(v, c, m, &env, err) : 0;
}

void virtual_memory_release(struct virtual_memory *v)
{
	struct env env = {.cost_cycles = v->cost_cycles};
	for (unsigned i = 0; i < v->spaces_count; i++) {
		struct address_space_stats s;
		if (!v->spaces[i])
			continue;
		address_space_stats(v->spaces[i], &s);
		if (!s.lock->owner)
			address_space_free(v->spaces[i], &env);
	}
	free(v->spaces);
	vmalloc_free_all(v->vmalloc);
	*v = (struct virtual_memory){0};
}

int virtual_memory_check(struct virtual_memory *v, struct check_report *report)
{
	for (unsigned i = 0; i < v->spaces_count; i++) {
		if (v->spaces[i] && address_space_check(v->spaces[i], report) != 0)
			return -1;
	}
	return v->vmalloc ? vmalloc_check(v->vmalloc, report) : 0;
}

int virtual_memory_locks(const struct virtual_memory *v, struct lock_report *report,
			 struct err *err)
{
	for (unsigned i = 0; i < v->spaces_count; i++) {
		struct address_space_stats s;
		if (!v->spaces[i])
			continue;
		address_space_stats(v->spaces[i], &s);
		if (lock_report_add(report, s.lock, 1, err) != 0)
			return -1;
	}
	struct vmalloc_stats s;
	if (!v->vmalloc)
		return 0;
	vmalloc_stats(v->vmalloc, &s);
	return lock_report_add(report, s.lock, 1, err);
}

/* --- report ----------------------------------------------------------------------------------- */

static const char *process_name(const struct config *c, unsigned process)
{
	const struct config_program *p = c->workload.programs;
	while (p->process_index != process)
		p++;
	return p->process[0] ? p->process : p->name;
}

static void report_tables(struct json *j, const uint64_t *counts)
{
	json_array_begin_compact(j, "tables_count");
	for (unsigned i = 0; i < PAGETABLE_LEVELS; i++)
		json_u64(j, NULL, counts[i]);
	json_array_end(j);
}

static void report_space(struct json *j, const char *name, const struct address_space *as)
{
	struct address_space_stats s;
	address_space_stats(as, &s);
	json_object_begin(j, NULL);
	json_string(j, "name", name);
	json_u64(j, "vmas_count", s.vmas_count);
	json_u64(j, "mapped_pages", s.mapped_pages);
	json_u64(j, "huge_pages", s.huge_pages);
	report_tables(j, s.tables_count);
	json_u64(j, "faults_count", s.faults_count);
	json_u64(j, "huge_faults_count", s.huge_faults_count);
	json_u64(j, "huge_fallbacks_count", s.huge_fallbacks_count);
	json_u64(j, "failed_accesses_count", s.failed_count);
	json_u64(j, "vma_merges_count", s.vma_merges_count);
	json_u64(j, "vma_splits_count", s.vma_splits_count);
	json_u64(j, "shootdowns_count", s.shootdowns_count);
	json_u64(j, "shootdown_targets_count", s.shootdown_targets_count);
	json_u64(j, "shootdown_full_count", s.shootdown_full_count);
	json_object_end(j);
}

static void report_vmalloc(struct json *j, const struct virtual_memory *v)
{
	struct vmalloc_stats s;
	if (!v->vmalloc) {
		json_null(j, "vmalloc");
		return;
	}
	vmalloc_stats(v->vmalloc, &s);
	json_object_begin(j, "vmalloc");
	json_u64(j, "areas_count", s.areas_count);
	json_u64(j, "mapped_pages", s.mapped_pages);
	json_u64(j, "lazy_pages", s.lazy_pages);
	json_u64(j, "lazy_pages_max", s.lazy_max_pages);
	json_u64(j, "guard_pages", s.guard_pages);
	json_u64(j, "array_bytes", s.array_bytes);
	report_tables(j, v->kernel_map.pt.tables_count);
	json_u64(j, "allocs_count", s.allocs_count);
	json_u64(j, "frees_count", s.frees_count);
	json_u64(j, "failed_count", s.failed_count);
	json_u64(j, "purges_count", s.purges_count);
	json_u64(j, "flushes_count", v->kernel_map.flushes.flushes_count);
	json_u64(j, "flush_targets_count", v->kernel_map.flushes.targets_count);
	json_object_end(j);
}

void virtual_memory_report(const struct virtual_memory *v, const struct config *c, struct json *j)
{
	if (!virtual_memory_wanted(c)) {
		json_null(j, "virtual_memory");
		return;
	}
	json_object_begin(j, "virtual_memory");
	json_array_begin(j, "processes");
	for (unsigned i = 0; i < v->spaces_count; i++) {
		if (v->spaces[i])
			report_space(j, process_name(c, i), v->spaces[i]);
	}
	json_array_end(j);
	report_vmalloc(j, v);
	json_object_end(j);
}

static uint64_t sum_tables(const uint64_t *counts)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < PAGETABLE_LEVELS; i++)
		sum += counts[i];
	return sum;
}

void virtual_memory_summary(const struct virtual_memory *v, const struct config *c,
			    ps_t ipi_wait_ps, FILE *out)
{
	uint64_t flushes = 0, targets = 0, full = 0;
	for (unsigned i = 0; i < v->spaces_count; i++) {
		struct address_space_stats s;
		if (!v->spaces[i])
			continue;
		address_space_stats(v->spaces[i], &s);
		fprintf(out,
			"process       %s: %" PRIu64 " faults, %" PRIu64 " of huge pages (%" PRIu64
			" fell back); at the end %" PRIu64 " pages, %" PRIu64 " huge ones, %" PRIu64
			" tables\n",
			process_name(c, i), s.faults_count, s.huge_faults_count,
			s.huge_fallbacks_count, s.mapped_pages, s.huge_pages,
			sum_tables(s.tables_count));
		flushes += s.shootdowns_count;
		targets += s.shootdown_targets_count;
		full += s.shootdown_full_count;
	}
	if (v->vmalloc) {
		struct vmalloc_stats s;
		vmalloc_stats(v->vmalloc, &s);
		fprintf(out,
			"vmalloc       %" PRIu64 " allocations, %" PRIu64 " frees, %" PRIu64
			" failed; %" PRIu64 " purges; %" PRIu64 " tables\n",
			s.allocs_count, s.frees_count, s.failed_count, s.purges_count,
			sum_tables(v->kernel_map.pt.tables_count));
		flushes += v->kernel_map.flushes.flushes_count;
		targets += v->kernel_map.flushes.targets_count;
		full += v->kernel_map.flushes.full_count;
	}
	if (flushes)
		fprintf(out,
			"TLB flushes   %" PRIu64 ", %" PRIu64 " of everything; %" PRIu64
			" interrupts of other CPUs, %.3f us waited for them each\n",
			flushes, full, targets, (double)ipi_wait_ps / 1e6 / (double)flushes);
}
