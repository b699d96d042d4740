/*
 * report.c - see report.h.
 *
 * All but the last object, host, depends on input, seed and version alone: no path, clock or
 * address may get in here.
 */
#include "sim/report.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sim/engine.h"
#include "sim/import.h"
#include "sim/json.h"
#include "sim/report_machine.h"
#include "sim/report_objects.h"

static double ns(ps_t ps)
{
	return (double)ps / 1000.0;
}

static void blocks(struct json *j, const char *key, const struct free_counts *f)
{
	json_array_begin_compact(j, key);
	for (unsigned o = 0; o <= f->max_order; o++)
		json_u64(j, NULL, f->blocks[o]);
	json_array_end(j);
}

static void write_meta(struct json *j, const struct run_result *r)
{
	json_object_begin(j, "meta");
	json_string(j, "allocsim_version", ALLOCSIM_VERSION);
	json_string(j, "simgrid_version", engine_simgrid_version());
	json_string(j, "name", r->config->name);
	json_u64(j, "seed", r->config->seed);
	if (r->has_trace) {
		char crc[16];
		snprintf(crc, sizeof(crc), "%08x", r->trace.content_crc);
		json_string(j, "trace_crc32", crc);
	} else {
		json_null(j, "trace_crc32");
	}
	json_u64(j, "max_order", r->machine.pm.max_order);
	json_u64(j, "samples_count", r->samples_count);
	json_u64(j, "sample_interval_ns", r->sample_interval_ps / PS_PER_NS);
	json_object_end(j);
}

static void write_totals(struct json *j, const struct run_result *r)
{
	const struct metrics *m = &r->metrics;
	json_object_begin(j, "totals");
	json_u64(j, "ops_count", m->ops_count);
	json_u64(j, "allocs_count", m->allocs_count);
	json_u64(j, "frees_count", m->frees_count);
	json_u64(j, "failed_count", m->failed_count);
	json_u64(j, "pages_allocated", m->pages_allocated);
	json_u64(j, "pages_freed", m->pages_freed);
	json_u64(j, "held_pages", m->held_pages);
	json_double(j, "simulated_ns", ns(r->simulated_ps));
	json_u64(j, "skipped_frees_count", m->skipped_frees_count);
	json_u64(j, "conflicting_frees_count", m->conflicting_frees_count);
	json_u64(j, "outside_frees_count", m->outside_frees_count);
	if (r->config->workload.copies > 1)
		json_u64(j, "older_frees_left_out_count", r->older_frees_left_out_count);
	json_u64(j, "late_ops_count", m->late_ops_count);
	json_double(j, "late_ns_max", ns(m->late_ps_max));
	json_object_end(j);

	json_object_begin(j, "failures");
	for (unsigned i = ALLOC_OK + 1; i < ALLOC_FAILURES; i++) {
		char key[48];
		snprintf(key, sizeof(key), "%s_count", alloc_failure_names[i]);
		json_u64(j, key, m->failures[i]);
	}
	json_u64(j, "recorded_failures_count", m->recorded_failures_count);
	json_object_end(j);
}

static void write_hist(struct json *j, const struct hist *h)
{
	static const struct {
		const char *key;
		unsigned per_mille;
	} quantiles[] = {{"p50_ns", 500}, {"p90_ns", 900}, {"p99_ns", 990}, {"p99_9_ns", 999}};
	json_u64(j, "count", h->count);
	json_double(j, "min_ns", ns(h->min));
	json_double(j, "mean_ns", (double)h->sum / (double)h->count / 1000.0);
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		json_double(j, quantiles[i].key, ns(hist_quantile(h, quantiles[i].per_mille)));
	json_double(j, "max_ns", ns(h->max));
	json_array_begin_compact(j, "histogram");
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		json_array_begin_compact(j, NULL);
		json_double(j, NULL, ns(hist_bucket_max(i)));
		json_u64(j, NULL, h->bucket[i]);
		json_array_end(j);
	}
	json_array_end(j);
}

static void write_latency(struct json *j, const struct metrics *m)
{
	json_array_begin(j, "latency");
	for (unsigned k = 0; k < OP_KINDS; k++) {
		for (unsigned o = 0; o < ORDER_LIMIT; o++) {
			for (unsigned p = 0; p < PATH_KINDS; p++) {
				if (!m->latency_ps[k][o][p])
					continue;
				json_object_begin(j, NULL);
				json_string(j, "op", op_kind_names[k]);
				json_u64(j, "order", o);
				json_string(j, "path", op_path_names[p]);
				write_hist(j, m->latency_ps[k][o][p]);
				json_object_end(j);
			}
		}
	}
	json_array_end(j);
}

static void write_indices(struct json *j, const char *key, const struct free_counts *f)
{
	json_array_begin_compact(j, key);
	for (unsigned o = 0; o <= f->max_order; o++)
		json_double(j, NULL, (double)unusable_index_millionths(f, o) / 1e6);
	json_array_end(j);
}

static void write_fragmentation(struct json *j, const struct run_result *r)
{
	const struct machine *m = &r->machine;
	struct free_counts start = {.max_order = m->pm.max_order}, end = start, zone;
	for (unsigned i = 0; i < m->pm.zones_count; i++) {
		free_counts_zone(m->pa, i, &zone);
		free_counts_add(&start, &r->start.free_start[i]);
		free_counts_add(&end, &zone);
	}
	json_object_begin(j, "fragmentation");
	write_indices(j, "unusable_index_start", &start);
	write_indices(j, "unusable_index", &end);
	json_array_begin_compact(j, "extfrag_index");
	for (unsigned o = 0; o <= end.max_order; o++)
		json_double(j, NULL, (double)extfrag_index_thousandths(&end, o) / 1e3);
	json_array_end(j);
	json_i64(j, "largest_free_order", largest_free_order(&end));
	json_u64(j, "free_pages_start", free_counts_pages(&start));
	json_u64(j, "free_pages", free_counts_pages(&end));
	json_object_end(j);
}

static void write_zone_counts(struct json *j, const struct run_result *r, unsigned i,
			      const struct page_zone_stats *s)
{
	const struct physmem *pm = &r->machine.pm;
	struct free_counts end;
	free_counts_zone(r->machine.pa, i, &end);
	blocks(j, "free_blocks_start", &r->start.free_start[i]);
	blocks(j, "free_blocks", &end);
	json_object_begin(j, "free_blocks_by_migratetype");
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		json_array_begin_compact(j, migratetype_names[mt]);
		for (unsigned o = 0; o <= pm->max_order; o++)
			json_u64(j, NULL, s->free_blocks[o][mt]);
		json_array_end(j);
	}
	json_object_end(j);
	uint64_t pageblocks[MIGRATE_TYPES];
	zone_pageblocks(pm, &pm->zones[i], pageblocks);
	json_object_begin(j, "pageblocks_by_migratetype");
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
		json_u64(j, migratetype_names[mt], pageblocks[mt]);
	json_object_end(j);
	write_indices(j, "unusable_index", &end);
}

static void write_zone(struct json *j, const struct run_result *r, unsigned i)
{
	static const char *const marks[WMARKS] = {"min", "low", "high", "promo"};
	const struct zone *z = &r->machine.pm.zones[i];
	struct page_zone_stats s;
	r->machine.pa->ops->zone_stats(r->machine.pa, i, &s);
	json_object_begin(j, NULL);
	json_string(j, "name", z->name);
	json_u64(j, "nid", z->nid);
	json_string(j, "type", zone_type_names[z->type]);
	json_u64(j, "managed_pages", z->managed_pages);
	json_u64(j, "free_pages_start", free_counts_pages(&r->start.free_start[i]));
	json_u64(j, "free_pages", z->free_pages);
	json_object_begin(j, "watermarks_pages");
	for (unsigned k = 0; k < WMARKS; k++)
		json_u64(j, marks[k], z->watermark_pages[k]);
	json_u64(j, "boost", z->watermark_boost_pages);
	json_object_end(j);
	json_array_begin_compact(j, "lowmem_reserve_pages");
	for (unsigned t = 0; t < ZONE_TYPES; t++)
		json_u64(j, NULL, z->lowmem_reserve_pages[t]);
	json_array_end(j);
	write_zone_counts(j, r, i, &s);
	json_u64(j, "splits_count", s.splits_count);
	json_u64(j, "merges_count", s.merges_count);
	json_u64(j, "claims_count", s.claims_count);
	json_u64(j, "steals_count", s.steals_count);
	json_u64(j, "boosts_count", s.boosts_count);
	json_u64(j, "highatomic_reserved_pages", z->reserved_highatomic_pages);
	json_object_end(j);
}

static void write_numa(struct json *j, const struct run_result *r)
{
	const struct machine *m = &r->machine;
	json_array_begin(j, "numa");
	for (unsigned nid = 0; m->pa->ops->numastat && nid < m->pm.nodes_count; nid++) {
		struct page_node_stats s;
		char name[24];
		numastat_sum(m->pa->ops->numastat(m->pa), nid, &s);
		snprintf(name, sizeof(name), "node%u", nid);
		json_object_begin(j, NULL);
		json_string(j, "name", name);
		for (unsigned i = 0; i < NUMA_ITEMS; i++) {
			char key[32];
			snprintf(key, sizeof(key), "%s_count", numa_item_names[i]);
			json_u64(j, key, s.counts[i]);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_pcps(struct json *j, const struct run_result *r)
{
	const struct machine *m = &r->machine;
	json_array_begin(j, "pcp");
	for (unsigned i = 0; i < m->pm.zones_count; i++) {
		for (unsigned cpu = 0; cpu < m->cpus_count; cpu++) {
			struct page_pcp_stats s;
			if (!m->pa->ops->pcp_stats || !m->pa->ops->pcp_stats(m->pa, i, cpu, &s))
				continue;
			json_object_begin(j, NULL);
			json_u64(j, "cpu", cpu);
			json_string(j, "zone", m->pm.zones[i].name);
			json_u64(j, "nid", m->pm.zones[i].nid);
			json_u64(j, "count_pages", s.count_pages);
			json_u64(j, "high_pages", s.high_pages);
			json_u64(j, "batch_pages", s.batch_pages);
			json_u64(j, "high_min_pages", s.high_min_pages);
			json_u64(j, "high_max_pages", s.high_max_pages);
			json_u64(j, "refills_count", s.refills_count);
			json_u64(j, "refilled_pages", s.refilled_pages);
			json_u64(j, "drains_count", s.drains_count);
			json_u64(j, "drained_pages", s.drained_pages);
			json_object_end(j);
		}
	}
	json_array_end(j);
}

static void write_cpus(struct json *j, const struct run_result *r)
{
	json_array_begin(j, "cpus");
	for (unsigned i = 0; i < r->machine.cpus_count; i++) {
		json_object_begin(j, NULL);
		json_u64(j, "cpu", i);
		json_u64(j, "ops_count", r->cpus[i].ops_count);
		json_double(j, "busy_ns", ns(r->cpus[i].busy_ps));
		json_double(j, "end_ns", ns(r->cpus[i].end_ps));
		json_u64(j, "interrupts_count", r->cpus[i].interrupts_count);
		json_double(j, "interrupts_ns", ns(r->cpus[i].interrupts_ps));
		json_double(j, "interrupt_delay_ns_total",
			    ns(r->cpus[i].interrupt_delay_ps_total));
		json_double(j, "interrupt_delay_ns_max", ns(r->cpus[i].interrupt_delay_ps_max));
		json_double(j, "irqs_off_ns_max", ns(r->cpus[i].irqs_off_ps_max));
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_programs(struct json *j, const struct run_result *r)
{
	json_array_begin(j, "programs");
	for (unsigned i = 0; r->programs && i < r->config->workload.programs_count; i++) {
		const struct program_counts *p = &r->programs[i];
		json_object_begin(j, NULL);
		json_string(j, "name", r->config->workload.programs[i].name);
		json_u64(j, "cpus_count", p->cpus_count);
		json_u64(j, "rounds_count", p->rounds_count);
		double rate;
		if (run_rounds_per_s(r, i, &rate))
			json_double(j, "rounds_per_s", rate);
		else
			json_null(j, "rounds_per_s");
		json_u64(j, "accesses_count", p->accesses_count);
		json_u64(j, "failed_accesses_count", p->failed_accesses_count);
		json_u64(j, "failed_maps_count", p->failed_maps_count);
		json_u64(j, "skipped_count", p->skipped_count);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_start(struct json *j, const struct start_report *s)
{
	json_object_begin(j, "start");
	json_u64(j, "carved_blocks_count", s->carved_blocks);
	json_u64(j, "outside_blocks_count", s->outside_blocks);
	json_u64(j, "reconciled_added_pages", s->reconciled_added_pages);
	json_u64(j, "reconciled_removed_pages", s->reconciled_removed_pages);
	json_u64(j, "known_pageblocks_count", s->known_pageblocks);
	json_u64(j, "cached_known_pages", s->cached_known_pages);
	json_u64(j, "cached_assumed_pages", s->cached_assumed_pages);
	json_u64(j, "cached_freed_pages", s->cached_freed_pages);
	json_u64(j, "cached_unplaced_pages", s->cached_unplaced_pages);
	json_u64(j, "recorded_caches_count", s->caches_recorded);
	json_u64(j, "other_layout_caches_count", s->caches_other_layout);
	json_u64(j, "placed_slabs_count", s->slabs_placed);
	json_u64(j, "assumed_slabs_count", s->slabs_assumed);
	json_u64(j, "missing_slabs_count", s->slabs_missing);
	json_u64(j, "made_objects_count", s->objects_made);
	json_object_end(j);
}

static void write_figure(struct json *j, const char *key, bool defined, double value)
{
	if (defined)
		json_double(j, key, value);
	else
		json_null(j, key);
}

static void write_fidelity_cache(struct json *j, const struct fidelity_cache *c)
{
	json_object_begin(j, NULL);
	json_string(j, "name", c->name);
	json_u64(j, "slabs_count_start", c->slabs_start);
	json_u64(j, "slabs_count_true", c->slabs_true);
	json_u64(j, "slabs_count_sim", c->slabs_sim);
	json_u64(j, "active_objects_start", c->active_start);
	json_u64(j, "active_objects_true", c->active_true);
	json_u64(j, "active_objects_sim", c->active_sim);
	json_object_end(j);
}

static void write_fidelity_sum(struct json *j, const char *key, const struct fidelity_sum *s)
{
	double skill = 0;
	bool scored = fidelity_sum_skill(s, &skill);
	json_object_begin(j, key);
	json_u64(j, "true", s->total);
	json_u64(j, "error", s->error);
	json_u64(j, "drift", s->drift);
	write_figure(j, "skill", scored, skill);
	if (!scored)
		json_string(j, "reason", "the recorded number did not change");
	json_object_end(j);
}

static void write_fidelity(struct json *j, const struct run_result *r)
{
	if (!r->has_fidelity) {
		json_null(j, "fidelity");
		return;
	}
	json_object_begin(j, "fidelity");
	json_array_begin(j, "zones");
	for (unsigned i = 0; i < r->fidelity.zones_count; i++) {
		const struct fidelity_zone *z = &r->fidelity.zones[i];
		double error = 0, drift = 0, skill = 0;
		bool has_error = fidelity_error(z, &error), has_drift = fidelity_drift(z, &drift);
		bool has_skill = fidelity_skill(z, &skill);
		json_object_begin(j, NULL);
		json_string(j, "name", r->machine.pm.zones[i].name);
		json_u64(j, "nid", r->machine.pm.zones[i].nid);
		write_figure(j, "block_count_error", has_error, error);
		write_figure(j, "block_count_drift", has_drift, drift);
		write_figure(j, "block_count_skill", has_skill, skill);
		if (!has_error)
			json_string(j, "reason", "nothing is free in the recorded end state");
		else if (!has_skill)
			json_string(j, "reason", "the recorded state did not change");
		json_u64(j, "refilled_pages_true", z->refilled_pages_true);
		json_u64(j, "refilled_pages_sim", z->refilled_pages_sim);
		json_u64(j, "drained_pages_true", z->drained_pages_true);
		json_u64(j, "drained_pages_sim", z->drained_pages_sim);
		blocks(j, "free_blocks_true", &z->truth);
		blocks(j, "free_blocks_sim", &z->sim);
		blocks(j, "free_blocks_start", &z->start);
		json_object_end(j);
	}
	json_array_end(j);
	json_array_begin(j, "caches");
	for (unsigned i = 0; i < r->fidelity.caches_count; i++)
		write_fidelity_cache(j, &r->fidelity.caches[i]);
	json_array_end(j);
	/* Without caches like the recorded ones there is nothing to compare. */
	if (r->fidelity.caches_count) {
		write_fidelity_sum(j, "slab_pages", &r->fidelity.slab_pages);
		write_fidelity_sum(j, "active_objects", &r->fidelity.active_objects);
	} else {
		json_null(j, "slab_pages");
		json_null(j, "active_objects");
	}
	json_object_end(j);
}

static void write_trace(struct json *j, const struct run_result *r)
{
	if (r->has_trace)
		import_report_write(&r->trace.report, j, "trace");
	else
		json_null(j, "trace");
}

static void write_host(struct json *j, const struct run_result *r)
{
	struct rusage usage;
	char name[128] = "";
	getrusage(RUSAGE_SELF, &usage);
	gethostname(name, sizeof(name) - 1);
	json_object_begin(j, "host");
	json_double(j, "wall_seconds", r->wall_seconds);
	json_double(j, "setup_seconds", r->setup_seconds);
	json_double(j, "ops_per_second",
		    r->wall_seconds > 0 ? (double)r->metrics.ops_count / r->wall_seconds : 0);
	json_u64(j, "rss_bytes_max", (uint64_t)usage.ru_maxrss * 1024);
	json_u64(j, "engine_events_count", r->engine_events_count);
	json_string(j, "started_utc", r->started_utc);
	json_string(j, "hostname", name);
	json_object_end(j);
}

void report_write(struct run_result *r, FILE *out)
{
	static const char *const levels[] = {"none", "end", "full"};
	struct json j;
	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	write_meta(&j, r);
	json_object_begin(&j, "config");
	config_write_json(r->config, &j);
	json_object_end(&j);
	write_totals(&j, r);
	write_latency(&j, &r->metrics);
	write_fragmentation(&j, r);
	json_array_begin(&j, "zones");
	for (unsigned i = 0; i < r->machine.pm.zones_count; i++)
		write_zone(&j, r, i);
	json_array_end(&j);
	write_numa(&j, r);
	report_objects(&j, r);
	report_caches(&j, r);
	write_pcps(&j, r);
	write_cpus(&j, r);
	report_cycles(&j, r);
	report_memory_system(&j, r);
	report_locks(&j, &r->lock_report);
	virtual_memory_report(&r->virtual_memory, r->config, &j);
	write_programs(&j, r);
	write_trace(&j, r);
	write_start(&j, &r->start);
	write_fidelity(&j, r);
	json_object_begin(&j, "checks");
	json_string(&j, "level", levels[r->config->measurement.check]);
	json_u64(&j, "runs_count", r->checks_count);
	json_u64(&j, "violations_count", 0); /* a run with a violation writes no document */
	json_object_end(&j);
	write_host(&j, r);
	json_object_end(&j);
	json_finish(&j);
}
