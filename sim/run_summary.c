/*
 * run_summary.c - what a run found, in ten lines for people.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "sim/run.h"

static uint64_t median_ps(const struct metrics *m, enum op_kind kind)
{
	struct hist all;
	hist_init(&all);
	for (unsigned o = 0; o < ORDER_LIMIT; o++) {
		for (unsigned p = 0; p < PATH_KINDS; p++) {
			if (m->latency_ps[kind][o][p])
				hist_merge(&all, m->latency_ps[kind][o][p]);
		}
	}
	return hist_quantile(&all, 500);
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
	fprintf(out, "unusable      %.4f of it for blocks of order %u at the start, %.4f at the end\n",
		(double)unusable_index_millionths(&start, o) / 1e6, o,
		(double)unusable_index_millionths(&end, o) / 1e6);
}

static void print_buddy(struct run_result *r, FILE *out)
{
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
		taken += s.lock->acquired_count;
		contended += s.lock->contended_count;
		wait += s.lock->wait_ps_total;
	}
	fprintf(out, "buddy         %" PRIu64 " splits, %" PRIu64 " merges, %" PRIu64 " claims, %" PRIu64 " steals\n",
		splits, merges, claims, steals);
	fprintf(out, "zone locks    taken %" PRIu64 " times, %" PRIu64 " contended, %.1f us waited\n", taken,
		contended, (double)wait / 1e6);
}

/* The zone in which most happened stands for the run. */
static void print_fidelity(struct run_result *r, FILE *out)
{
	const struct fidelity_zone *best = NULL;
	const char *name = "";
	for (unsigned i = 0; r->has_fidelity && i < r->fidelity.zones_count; i++) {
		if (!best || r->fidelity.zones[i].drift_blocks > best->drift_blocks) {
			best = &r->fidelity.zones[i];
			name = r->machine.pm.zones[i].name;
		}
	}
	double error, drift, skill;
	if (best && fidelity_error(best, &error) && fidelity_drift(best, &drift) &&
	    fidelity_skill(best, &skill))
		fprintf(out, "fidelity      zone %s: error %.4f, drift %.4f, skill %.3f (1 is the recorded kernel)\n",
			name, error, drift, skill);
	else
		fprintf(out, "fidelity      not scored: no recorded end state, or it did not change\n");
}

void run_print_summary(struct run_result *r, const char *output, FILE *out)
{
	const struct metrics *m = &r->metrics;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	fprintf(out, "run           %s: %u CPUs, %u zones, allocator %s\n",
		r->config->name[0] ? r->config->name : "unnamed", r->machine.cpus_count,
		r->machine.pm.zones_count, r->machine.pa->ops->name);
	fprintf(out, "operations    %" PRIu64 " (%" PRIu64 " allocations, %" PRIu64 " frees), %" PRIu64 " failed\n",
		m->ops_count, m->allocs_count, m->frees_count, m->failed_count);
	fprintf(out, "time          %.6f s simulated; median allocation %.1f ns, free %.1f ns\n",
		(double)r->simulated_ps / 1e12, (double)median_ps(m, OP_ALLOC) / 1e3,
		(double)median_ps(m, OP_FREE) / 1e3);
	print_memory(r, out);
	print_buddy(r, out);
	print_fidelity(r, out);
	fprintf(out, "speed         %.2f M operations/s, %.3f s in all, %.0f MiB of host memory\n",
		r->wall_seconds > 0 ? (double)m->ops_count / r->wall_seconds / 1e6 : 0,
		r->wall_seconds + r->setup_seconds, (double)usage.ru_maxrss / 1024);
	fprintf(out, "result        %s/run.json%s, end.buddyinfo\n", output,
		r->sample_interval_ps ? ", series.csv" : "");
}
