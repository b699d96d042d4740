/*
 * run_summary.c - what a run found, in some ten lines for people.
 *
 * A line is there if it says something about this run: without programs, processes, a second node
 * or caches there is none of them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "sim/report_machine.h"
#include "sim/run.h"

#define SUMMARY_PROGRAMS_MAX 6

/* "1 zone", "2 zones". */
static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Nothing if there were no such operations. The median hides what is rare; the mean does not. */
static void print_latency(const struct metrics *m, enum op_kind kind, const char *what, FILE *out)
{
	struct hist all;
	hist_init(&all);
	for (unsigned o = 0; o < ORDER_LIMIT; o++) {
		for (unsigned p = 0; p < PATH_KINDS; p++) {
			if (m->latency_ps[kind][o][p])
				hist_merge(&all, m->latency_ps[kind][o][p]);
		}
	}
	if (all.count)
		fprintf(out, "; %s %.1f ns (mean %.1f)", what,
			(double)hist_quantile(&all, 500) / 1e3,
			(double)all.sum / (double)all.count / 1e3);
}

/* Seconds, as long as their sixth place says something. */
static void print_time(const struct run_result *r, FILE *out)
{
	const struct metrics *m = &r->metrics;
	bool brief = r->simulated_ps < PS_PER_S / 1000;
	fprintf(out, "time          %.*f %s simulated", brief ? 3 : 6,
		(double)r->simulated_ps / (brief ? 1e6 : 1e12), brief ? "us" : "s");
	print_latency(m, OP_ALLOC, "median allocation", out);
	print_latency(m, OP_FREE, "median free", out);
	fputc('\n', out);
}

/* Counts, and whatever kept operations from happening as recorded. */
static void print_operations(const struct run_result *r, FILE *out)
{
	const struct metrics *m = &r->metrics;
	fprintf(out, "operations    %" PRIu64 "%s", m->ops_count,
		r->programs ? " steps of programs" : "");
	if ((!r->machine.objects.oa && !r->programs) || m->allocs_count || m->frees_count)
		fprintf(out, " (%s%" PRIu64 " allocations, %" PRIu64 " frees), %" PRIu64 " failed",
			r->machine.objects.oa || r->programs ? "of pages: " : "", m->allocs_count,
			m->frees_count, m->failed_count);
	const char *separator = ": ";
	for (unsigned i = ALLOC_OK + 1; i < ALLOC_FAILURES; i++) {
		if (!m->failures[i])
			continue;
		fprintf(out, "%s%" PRIu64 " %s", separator, m->failures[i], alloc_failure_names[i]);
		separator = ", ";
	}
	if (m->outside_frees_count)
		fprintf(out, "; %" PRIu64 " frees of frames that this machine lacks",
			m->outside_frees_count);
	if (r->config->workload.copies > 1)
		fprintf(out, "; %" PRIu64 " copies of the trace", r->config->workload.copies);
	fputc('\n', out);
}

static void print_memory(struct run_result *r, FILE *out)
{
	struct free_counts start = {.max_order = r->machine.pm.max_order}, end = start, zone;
	for (unsigned i = 0; i < r->machine.pm.zones_count; i++) {
		free_counts_zone(r->machine.pa, i, &zone);
		free_counts_add(&start, &r->start.free_start[i]);
		free_counts_add(&end, &zone);
	}
	unsigned o = r->machine.pm.pageblock_order;
	fprintf(out, "free memory   %.1f MiB at the start, %.1f MiB at the end\n",
		(double)free_counts_pages(&start) / 256, (double)free_counts_pages(&end) / 256);
	fprintf(out,
		"unusable      %.4f of it for blocks of order %u at the start, %.4f at the end\n",
		(double)unusable_index_millionths(&start, o) / 1e6, o,
		(double)unusable_index_millionths(&end, o) / 1e6);
}

/* Returns how many locks of zones there are. */
static unsigned print_buddy(struct run_result *r, FILE *out)
{
	unsigned locks = 0;
	uint64_t splits = 0, merges = 0, claims = 0, steals = 0, taken = 0, contended = 0;
	ps_t wait = 0;
	for (unsigned i = 0; i < r->machine.pm.zones_count; i++) {
		struct page_zone_stats s;
		r->machine.pa->ops->zone_stats(r->machine.pa, i, &s);
		splits += s.splits_count;
		merges += s.merges_count;
		claims += s.claims_count;
		steals += s.steals_count;
		if (!s.lock)
			continue;
		locks++;
		taken += s.lock->acquired_count;
		contended += s.lock->contended_count;
		wait += s.lock->wait_ps_total;
	}
	fprintf(out,
		"buddy         %" PRIu64 " splits, %" PRIu64 " merges, %" PRIu64 " claims, %" PRIu64
		" steals\n",
		splits, merges, claims, steals);
	fprintf(out,
		"zone locks    taken %" PRIu64 " times, %" PRIu64 " contended, %.1f us waited\n",
		taken, contended, (double)wait / 1e6);
	return locks;
}

bool run_rounds_per_s(const struct run_result *r, unsigned index, double *rate)
{
	const uint64_t *cpus = r->config->workload.programs[index].cpus;
	ps_t end_ps = 0;
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++) {
		if (cpus[cpu / 64] >> (cpu % 64) & 1 && r->cpus[cpu].end_ps > end_ps)
			end_ps = r->cpus[cpu].end_ps;
	}
	if (end_ps)
		*rate = (double)r->programs[index].rounds_count * 1e12 / (double)end_ps;
	return end_ps != 0;
}

static void print_programs(const struct run_result *r, FILE *out)
{
	unsigned count = r->programs ? r->config->workload.programs_count : 0;
	for (unsigned i = 0; i < count && i < SUMMARY_PROGRAMS_MAX; i++) {
		const struct program_counts *p = &r->programs[i];
		fprintf(out, "program       %s: %" PRIu64 " CPU%s, %" PRIu64 " round%s",
			r->config->workload.programs[i].name, p->cpus_count, plural(p->cpus_count),
			p->rounds_count, plural(p->rounds_count));
		double rate;
		if (run_rounds_per_s(r, i, &rate))
			fprintf(out, ", %.0f/s", rate);
		if (p->accesses_count)
			fprintf(out, "; %" PRIu64 " accesses", p->accesses_count);
		if (p->failed_accesses_count)
			fprintf(out, ", %" PRIu64 " of them failed", p->failed_accesses_count);
		if (p->failed_maps_count)
			fprintf(out, "; %" PRIu64 " mappings failed", p->failed_maps_count);
		if (p->skipped_count)
			fprintf(out, "; %" PRIu64 " steps skipped for lack of what they work on",
				p->skipped_count);
		fputc('\n', out);
	}
	if (count > SUMMARY_PROGRAMS_MAX)
		fprintf(out, "              and %u more programs\n", count - SUMMARY_PROGRAMS_MAX);
}

static void print_numa(const struct run_result *r, FILE *out)
{
	const struct machine *m = &r->machine;
	uint64_t hit = 0, miss = 0;
	if (!m->pa->ops->numastat)
		return;
	for (unsigned nid = 0; nid < m->pm.nodes_count; nid++) {
		struct page_node_stats s;
		numastat_sum(m->pa->ops->numastat(m->pa), nid, &s);
		hit += s.counts[NUMA_HIT];
		miss += s.counts[NUMA_MISS];
	}
	if (m->pm.nodes_count > 1 && hit + miss)
		fprintf(out,
			"nodes         %u; %" PRIu64 " of %" PRIu64
			" allocations of pages got another than they asked for\n",
			m->pm.nodes_count, miss, hit + miss);
}

/* The zone in which most happened stands for the run; the table below has them all. */
static void print_fidelity(struct run_result *r, FILE *out)
{
	const struct fidelity_zone *most = NULL;
	const char *name = "";
	for (unsigned i = 0; r->has_fidelity && i < r->fidelity.zones_count; i++) {
		if (!most || r->fidelity.zones[i].drift_blocks > most->drift_blocks) {
			most = &r->fidelity.zones[i];
			name = r->machine.pm.zones[i].name;
		}
	}
	double skill;
	if (most && fidelity_skill(most, &skill))
		fprintf(out,
			"fidelity      skill %.3f in zone %s (1: as the recorded kernel, 0: no "
			"better than doing nothing)\n",
			skill, name);
	else
		fprintf(out,
			"fidelity      not scored: %s\n",
			r->has_fidelity ? "the recorded state did not change"
					: "no recorded end state was given");
}

/* The cache, pools aside, that holds most; SLOT_LARGE if that is large requests. */
static unsigned largest_slot(const struct object_stack *s, struct object_bytes *most)
{
	unsigned found = SLOT_LARGE;
	object_bytes_of_slot(s, SLOT_LARGE, most);
	for (unsigned slot = SLOT_LARGE + 1; slot < s->slots_count; slot++) {
		struct object_bytes b;
		object_bytes_of_slot(s, slot, &b);
		if (b.held_bytes > most->held_bytes) {
			*most = b;
			found = slot;
		}
	}
	return found;
}

static void print_bytes(uint64_t bytes, const char *then, FILE *out)
{
	bool large = bytes >= UINT64_C(1) << 20;
	fprintf(out, "%.1f %s%s", (double)bytes / (large ? 0x1p20 : 0x1p10), large ? "MiB" : "KiB",
		then);
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_object_failures(const struct metrics *m, FILE *out)
{
	const char *separator = ": ";
	fprintf(out, ", %" PRIu64 " failed", m->object_failed_count);
	for (unsigned i = ALLOC_OK + 1; i < ALLOC_FAILURES; i++) {
		if (!m->object_failures[i])
			continue;
		fprintf(out, "%s%" PRIu64 " %s", separator, m->object_failures[i],
			alloc_failure_names[i]);
		separator = ", ";
	}
}

static void print_objects(struct run_result *r, FILE *out)
{
	const struct object_stack *s = &r->machine.objects;
	const struct metrics *m = &r->metrics;
	const struct object_bytes *end = &r->objects_end;
	uint64_t allocs = 0, frees = 0, fast_allocs = 0, fast_frees = 0;
	uint64_t slabs_new = 0, slabs_freed = 0;
	for (unsigned slot = SLOT_LARGE + 1; slot < s->slots_count; slot++) {
		struct object_cache_stats c;
		object_stack_stats(s, slot, &c);
		allocs += c.allocs_count;
		frees += c.frees_count;
		fast_allocs += c.fast_allocs_count;
		fast_frees += c.fast_frees_count;
		slabs_new += c.slabs_new_count;
		slabs_freed += c.slabs_freed_count;
	}
	fprintf(out,
		"objects       %s: %" PRIu64 " allocations (%.1f %% fast), %" PRIu64
		" frees (%.1f %% fast)",
		s->oa->ops->name, m->object_allocs_count, percent(fast_allocs, allocs),
		m->object_frees_count, percent(fast_frees, frees));
	print_object_failures(m, out);
	if (r->sleep_violations_count)
		fprintf(out, "; %" PRIu64 " might sleep where that is forbidden",
			r->sleep_violations_count);
	fputc('\n', out);
	struct object_bytes most;
	char name[CACHE_NAME_SIZE];
	object_stack_slot_name(s, largest_slot(s, &most), name);
	enum object_waste waste = object_bytes_largest(end);
	fputs("object memory ", out);
	print_bytes(end->held_bytes, " held for ", out);
	print_bytes(end->requested_bytes, " requested; most waste: ", out);
	for (const char *p = object_waste_names[waste]; *p; p++)
		fputc(*p == '_' ? ' ' : *p, out);
	fputs(", ", out);
	print_bytes(end->waste_bytes[waste], "; most held: ", out);
	fprintf(out, "%s, ", name);
	print_bytes(most.held_bytes, "\n", out);
	if (r->start.slabs_assumed)
		fprintf(out,
			"object start  %" PRIu64 " slabs where the trace shows them, %" PRIu64
			" by slabinfo's count alone; what was asked for is not known of old "
			"objects\n",
			r->start.slabs_placed, r->start.slabs_assumed);
	if (r->start.caches_other_layout)
		fprintf(out,
			"object start  %" PRIu64 " of %" PRIu64
			" recorded caches have other slabs here "
			"and begin without them; %" PRIu64 " objects made\n",
			r->start.caches_other_layout, r->start.caches_recorded,
			r->start.objects_made);
	fprintf(out, "object pages  %" PRIu64 " blocks taken, %" PRIu64 " given back",
		slabs_new + s->km.large_allocs_count, slabs_freed + s->km.large_frees_count);
	if (r->has_trace && r->trace.report.slab_page_allocs)
		fprintf(out, "; the recorded kernel %" PRIu64 " and %" PRIu64,
			r->left_out_count[0], r->left_out_count[1]);
	fputc('\n', out);
}

/* Devices' and other CPUs'. */
static void print_interrupts(const struct run_result *r, FILE *out)
{
	uint64_t count = 0;
	ps_t in_them = 0, delay_max = 0;
	for (unsigned i = 0; i < r->machine.cpus_count; i++) {
		count += r->cpus[i].interrupts_count;
		in_them += r->cpus[i].interrupts_ps;
		delay_max = u64_max(delay_max, r->cpus[i].interrupt_delay_ps_max);
	}
	if (count)
		fprintf(out,
			"interrupts    %" PRIu64 ", %.1f us in them, delayed by up to %.3f us\n",
			count, (double)in_them / 1e6, (double)delay_max / 1e6);
}

void run_print_summary(struct run_result *r, const char *output, FILE *out)
{
	const struct metrics *m = &r->metrics;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	fprintf(out, "run           %s: %u CPU%s, %u zone%s, allocator %s\n",
		r->config->name[0] ? r->config->name : "unnamed", r->machine.cpus_count,
		plural(r->machine.cpus_count), r->machine.pm.zones_count,
		plural(r->machine.pm.zones_count), r->machine.pa->ops->name);
	summary_locks(&r->lock_report, out);
	print_operations(r, out);
	print_time(r, out);
	print_programs(r, out);
	print_memory(r, out);
	unsigned zone_locks = print_buddy(r, out);
	print_numa(r, out);
	summary_waits(&r->lock_report, zone_locks, out);
	ps_t ipi_wait_ps = 0;
	for (unsigned cpu = 0; cpu < r->machine.cpus_count; cpu++)
		ipi_wait_ps += r->cpus[cpu].cycles.ipi_wait_ps;
	virtual_memory_summary(&r->virtual_memory, r->config, ipi_wait_ps, out);
	if (r->machine.objects.oa)
		print_objects(r, out);
	summary_machine(r, out);
	print_interrupts(r, out);
	print_fidelity(r, out);
	fprintf(out, "speed         %.2f M operations/s, %.3f s in all, %.0f MiB of host memory\n",
		r->wall_seconds > 0 ? (double)m->ops_count / r->wall_seconds / 1e6 : 0,
		r->wall_seconds + r->setup_seconds, (double)usage.ru_maxrss / 1024);
	fprintf(out, "result        %s/run.json%s%s, end.buddyinfo%s%s\n", output,
		r->sample_interval_ps ? ", series.csv" : "",
		r->sample_interval_ps && r->machine.memory ? ", machine.csv" : "",
		r->machine.objects.oa ? ", end.slabinfo" : "",
		r->machine.pm.nodes_count > 1 ? ", end.numastat" : "");
	if (r->has_fidelity)
		fidelity_print(&r->fidelity, &r->machine, out);
}
