/*
 * report_machine.c - see report_machine.h.
 *
 * Ratios are quotients of two counters; null where the counter below is 0.
 */
#include "sim/report_machine.h"

#include <inttypes.h>

#include "sim/memory_figures.h"

#define SUMMARY_CAUSES_MAX 6

static double ns(ps_t ps)
{
	return (double)ps / 1000.0;
}

static void write_ratio(struct json *j, const char *key, uint64_t part, uint64_t whole)
{
	if (whole)
		json_double(j, key, (double)part / (double)whole);
	else
		json_null(j, key);
}

/* --- cycles ----------------------------------------------------------------------------------- */

static void sum_cycles(const struct run_result *r, struct cycle_account *sum)
{
	*sum = (struct cycle_account){.charged_cycles = 0};
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++)
		cycles_add(sum, &r->cpus[cpu].cycles);
}

static void write_account(struct json *j, const struct run_result *r,
			  const struct cycle_account *sum, const struct cycle_account *a)
{
	bool caches = r->machine.memory != NULL;
	char key[48];
	json_u64(j, "charged_cycles", a->charged_cycles);
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		if (!cycles_shown(sum, &cycle_parts[i], caches))
			continue;
		snprintf(key, sizeof(key), "%s_cycles", cycle_parts[i].name);
		json_u64(j, key, a->cycles[cycle_parts[i].part]);
	}
	json_double(j, "active_ns", ns(a->active_ps));
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		if (!cycles_shown(sum, &cycle_parts[i], caches))
			continue;
		snprintf(key, sizeof(key), "%s_ns", cycle_parts[i].name);
		json_double(j, key, ns(a->ps[cycle_parts[i].part]));
	}
	json_double(j, "lock_wait_ns", ns(a->lock_wait_ps));
	json_double(j, "ipi_wait_ns", ns(a->ipi_wait_ps));
	json_double(j, "idle_ns", ns(a->idle_ps));
}

void report_cycles(struct json *j, const struct run_result *r)
{
	struct cycle_account sum;
	sum_cycles(r, &sum);
	json_object_begin(j, "cycles");
	write_account(j, r, &sum, &sum);
	json_array_begin(j, "cpus");
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++) {
		json_object_begin(j, NULL);
		json_u64(j, "cpu", cpu);
		write_account(j, r, &sum, &r->cpus[cpu].cycles);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* --- caches and TLBs -------------------------------------------------------------------------- */

static void sum_memory(const struct run_result *r, struct memory_stats *sum)
{
	*sum = (struct memory_stats){.accesses_count = 0};
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++)
		memory_stats_add(sum, &r->cpus[cpu].memory);
}

static void write_caches(struct json *j, const struct hw_machine *hw, const struct memory_stats *s)
{
	json_u64(j, "accesses_count", s->accesses_count);
	json_array_begin(j, "caches");
	for (unsigned i = 0; i < hw->caches_count; i++) {
		uint64_t accesses = memory_stats_accesses(s, i);
		json_object_begin(j, NULL);
		json_string(j, "name", hw->caches[i].name);
		json_u64(j, "accesses_count", accesses);
		json_u64(j, "hits_count", s->hits_count[i]);
		json_u64(j, "misses_count", memory_stats_misses(s, i));
		write_ratio(j, "miss_ratio", memory_stats_misses(s, i), accesses);
		json_object_end(j);
	}
	json_array_end(j);
	json_u64(j, "dram_local_count", s->dram_local_count);
	json_u64(j, "dram_remote_count", s->dram_remote_count);
	json_u64(j, "transfers_cache_count", s->transfers_count[0]);
	json_u64(j, "transfers_node_count", s->transfers_count[1]);
	json_u64(j, "transfers_remote_count", s->transfers_count[2]);
	json_u64(j, "upgrades_count", s->upgrades_count);
	json_u64(j, "invalidated_count", s->invalidated_count);
	json_u64(j, "writebacks_count", s->writebacks_count);
}

static void write_tlb(struct json *j, const struct memory_stats *s)
{
	uint64_t past_first = s->translations_count - s->tlb_hits_count[0];
	json_u64(j, "translations_count", s->translations_count);
	json_u64(j, "tlb1_hits_count", s->tlb_hits_count[0]);
	json_u64(j, "tlb2_hits_count", s->tlb_hits_count[1]);
	write_ratio(j, "tlb1_miss_ratio", past_first, s->translations_count);
	json_u64(j, "walks_count", s->walks_count);
	write_ratio(j, "walk_ratio", s->walks_count, s->translations_count);
	json_u64(j, "walk_refs_count", s->walk_refs_count);
	write_ratio(j, "refs_per_walk", s->walk_refs_count, s->walks_count);
	json_u64(j, "tlb_flushed_pages_count", s->tlb_flushed_pages_count);
	json_u64(j, "tlb_flushes_count", s->tlb_flushes_count);
}

void report_memory_system(struct json *j, const struct run_result *r)
{
	struct memory_stats sum;
	if (!r->machine.memory) {
		json_null(j, "memory_system");
		return;
	}
	sum_memory(r, &sum);
	json_object_begin(j, "memory_system");
	write_caches(j, &r->config->machine.hw, &sum);
	write_tlb(j, &sum);
	json_array_begin(j, "cpus");
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++) {
		json_object_begin(j, NULL);
		json_u64(j, "cpu", cpu);
		write_caches(j, &r->config->machine.hw, &r->cpus[cpu].memory);
		write_tlb(j, &r->cpus[cpu].memory);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* --- for people ------------------------------------------------------------------------------- */

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

/* The parts that took a thousandth of the time or more, the largest first. */
static void print_cycles(const struct run_result *r, FILE *out)
{
	struct {
		const char *label;
		ps_t ps;
	} rows[CYCLE_PARTS + 2], row;
	struct cycle_account sum;
	unsigned count = 0;
	sum_cycles(r, &sum);
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i < CYCLE_PARTS) {
			row.label = cycle_parts[i].label;
			row.ps = sum.ps[cycle_parts[i].part];
		} else {
			row.label = i == CYCLE_PARTS ? "waiting for locks" : "waiting for IPIs";
			row.ps = i == CYCLE_PARTS ? sum.lock_wait_ps : sum.ipi_wait_ps;
		}
		if (!row.ps || row.ps < sum.active_ps / 1000)
			continue;
		unsigned at = count++;
		for (; at && rows[at - 1].ps < row.ps; at--)
			rows[at] = rows[at - 1];
		rows[at] = row;
	}
	fprintf(out, "CPU time      %.3f ms active:", (double)sum.active_ps / 1e9);
	ps_t shown = 0;
	for (unsigned i = 0; i < count && i < SUMMARY_CAUSES_MAX; i++) {
		fprintf(out, "%s %s %.1f %%", i ? "," : "", rows[i].label,
			percent(rows[i].ps, sum.active_ps));
		shown += rows[i].ps;
	}
	if (count > SUMMARY_CAUSES_MAX)
		fprintf(out, ", the rest %.1f %%", percent(sum.active_ps - shown, sum.active_ps));
	fputc('\n', out);
}

static void print_memory_system(const struct run_result *r, FILE *out)
{
	const struct hw_machine *hw = &r->config->machine.hw;
	struct memory_stats sum;
	sum_memory(r, &sum);
	if (!sum.accesses_count) {
		fputs("caches        no accesses\n", out);
		return;
	}
	fprintf(out, "caches        %" PRIu64 " accesses; misses:", sum.accesses_count);
	for (unsigned i = 0; i < hw->caches_count; i++)
		fprintf(out, "%s %s %.2f %%", i ? "," : "", hw->caches[i].name,
			percent(memory_stats_misses(&sum, i), memory_stats_accesses(&sum, i)));
	fprintf(out, "; %" PRIu64 " from memory", sum.dram_local_count + sum.dram_remote_count);
	if (sum.dram_remote_count)
		fprintf(out, " (%" PRIu64 " of another node)", sum.dram_remote_count);
	fprintf(out, ", %" PRIu64 " from other CPUs' caches\n", memory_stats_transfers(&sum));
	if (!sum.translations_count)
		return;
	bool two_levels = false;
	for (unsigned i = 0; i < hw->tlbs_count; i++)
		two_levels = two_levels || hw->tlbs[i].level == 2;
	fprintf(out, "TLB           %" PRIu64 " translations; misses:", sum.translations_count);
	if (two_levels)
		fprintf(out, " level 1 %.2f %%, both",
			percent(sum.translations_count - sum.tlb_hits_count[0],
				sum.translations_count));
	fprintf(out, " %.2f %%", percent(sum.walks_count, sum.translations_count));
	if (sum.walks_count)
		fprintf(out, "; %.2f references a walk",
			(double)sum.walk_refs_count / (double)sum.walks_count);
	fputc('\n', out);
}

void summary_machine(const struct run_result *r, FILE *out)
{
	print_cycles(r, out);
	if (r->machine.memory)
		print_memory_system(r, out);
}
