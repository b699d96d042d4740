/*
 * run.c - one simulation, top to bottom: see run.h.
 *
 *   load      truth, trace -> machine and its start state -> streams of operations
 *   simulate  engine, replay actors, sampler
 *   conclude  checks, fidelity, run.json, /proc texts, the result directory takes its name
 */
#include "sim/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "alloc/proc_text.h"
#include "alloc/slab_text.h"
#include "kern/bug.h"
#include "sim/contents.h"
#include "sim/engine.h"
#include "sim/progress.h"
#include "sim/replay.h"
#include "sim/report.h"
#include "sim/resultdir.h"
#include "sim/sampler.h"
#include "sim/seed_slabs.h"
#include "sim/workload.h"

#define OBJECT_TICK_PS (1000 * 1000 * 1000 * PS_PER_NS) /* what slab.c takes it for */

struct run {
	struct run_result *result;
	struct config *c;
	const struct run_options *options;
	struct err *err;
	struct truth truth;
	bool has_truth, truth_is_shared;
	uint64_t start_ns, end_ns; /* window of the trace, its clock; end exclusive */
	struct resultdir dir;
	FILE *series, *caches, *machine; /* the tables of samples; NULL: not written */
	struct objects objects;
	struct workload workload;
	struct engine *engine;
	struct replay replay;
	struct sampler sampler;
	struct machine_series machine_series;
	struct progress progress;
	struct check_report check;
	bool broken;               /* a check found something */
};

static struct run *bug_run; /* for the message of a bug; one run a process */

static double now_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_bug_context(void)
{
	fprintf(stderr, "  seed %" PRIu64 "\n", bug_run->c->seed);
	replay_print_context(&bug_run->replay);
}

/* --- load ------------------------------------------------------------------------------------- */

static bool is_shared(const char *path, const char *shared_path)
{
	return shared_path && strcmp(path, shared_path) == 0;
}

static int open_trace(struct run *r)
{
	const struct config_workload *w = &r->c->workload;
	const struct run_shared *shared = r->options->shared;
	struct run_result *res = r->result;
	int rc = 0;
	if (w->trace[0] && shared && is_shared(w->trace, shared->trace_path)) {
		res->trace = *shared->trace;
		res->trace_is_shared = true;
	} else if (w->trace[0])
		rc = trace_open(&res->trace, w->trace, r->err);
	else if (w->ops_fd >= 0)
		rc = trace_open_fd(&res->trace, w->ops_fd, w->ops_name, r->err);
	else
		return 0;
	res->has_trace = rc == 0;
	return rc;
}

/* The part of the trace that is replayed: all of it, or from the snapshot to the end snapshot. */
static int choose_window(struct run *r)
{
	const struct trace *t = &r->result->trace;
	r->start_ns = 0;
	r->end_ns = UINT64_MAX;
	if (!r->has_truth || !r->result->has_trace)
		return 0;
	uint64_t end = r->truth.has_end ? r->truth.end_ns : UINT64_MAX;
	if (r->truth.freemap_start_ns < t->base_ns ||
	    r->truth.freemap_start_ns > t->base_ns + t->span_ns || end < t->base_ns)
		return err_set(r->err, ERR_TRACE,
			       "the state in %s was recorded at %.6f s, but the trace runs from "
			       "%.6f s to %.6f s",
			       r->c->truth, (double)r->truth.freemap_start_ns * 1e-9,
			       (double)t->base_ns * 1e-9, (double)(t->base_ns + t->span_ns) * 1e-9);
	r->start_ns = r->truth.freemap_start_ns - t->base_ns;
	r->end_ns = end == UINT64_MAX ? end : end - t->base_ns;
	return 0;
}

static int set_start(struct run *r)
{
	struct run_result *res = r->result;
	const struct trace *trace = res->has_trace ? &res->trace : NULL;
	if (r->has_truth)
		return start_recorded(&res->machine, &r->truth, trace, r->end_ns, &res->start,
				      r->err);
	return start_boot(&res->machine, trace, &res->start, r->err);
}

static int open_workload(struct run *r)
{
	struct run_result *res = r->result;
	objects_init(&r->objects);
	if (r->c->workload.programs_count)
		return workload_from_programs(&r->workload, r->c, res->machine.cpus_count, r->err);
	if (!res->has_trace)
		return workload_from_generators(&r->workload, r->c, res->machine.cpus_count,
						r->err);
	if (workload_from_trace(&r->workload, &res->trace, r->start_ns, r->end_ns, r->c,
				res->machine.cpus_count, &r->objects, r->err) != 0)
		return -1;
	if (r->has_truth && r->truth.has_end && r->c->workload.pace == PACE_RECORDED)
		r->workload.end_ps = (ps_t)((double)(r->end_ns - r->start_ns) *
					    r->c->workload.time_scale * 1000.0);
	return 0;
}

/* The object allocator, on memory in its start state. */
static int open_objects(struct run *r)
{
	struct run_result *res = r->result;
	struct machine *m = &res->machine;
	const struct trace *trace = res->has_trace ? &res->trace : NULL;
	if (!object_stack_wanted(r->c, trace))
		return 0;
	const struct truth *truth = r->has_truth ? &r->truth : NULL;
	if (object_stack_init(&m->objects, r->c, m->pa, m->cpus_count, m->cpu_nid, trace, truth,
			      r->err) != 0)
		return -1;
	if (seed_slabs(m, truth, trace, r->start_ns, r->end_ns, &res->start, r->err) != 0)
		return -1;
	object_stack_begin(&m->objects);
	return 0;
}

/* A run only reads what was recorded, so a copy of the pointers is enough. */
static int open_truth(struct run *r)
{
	const struct run_shared *shared = r->options->shared;
	if (shared && is_shared(r->c->truth, shared->truth_path)) {
		r->truth = *shared->truth;
		r->truth_is_shared = true;
	} else if (truth_load(&r->truth, r->c->truth, r->err) != 0) {
		return -1;
	}
	r->has_truth = true;
	return 0;
}

static int load(struct run *r)
{
	if (r->c->truth[0]) {
		if (open_truth(r) != 0)
			return -1;
		if (config_take_recorded(r->c, r->truth.cpus_count, truth_nodes(&r->truth),
					 r->err) != 0)
			return -1;
		r->c->buddy.max_order = r->truth.max_order;
		r->c->buddy.pageblock_order = r->truth.pageblock_order;
	}
	if (open_trace(r) != 0 || choose_window(r) != 0)
		return -1;
	if (machine_init(&r->result->machine, r->c, r->has_truth ? &r->truth : NULL, r->err) != 0)
		return -1;
	if (set_start(r) != 0 || open_objects(r) != 0 || open_workload(r) != 0)
		return -1;
	if (!virtual_memory_wanted(r->c))
		return 0;
	return virtual_memory_init(&r->result->virtual_memory, r->c, &r->result->machine, r->err);
}

/* --- simulate --------------------------------------------------------------------------------- */

/* About 500 samples over a trace, at a round interval; 10 ms where the length is not known. */
static ps_t sample_interval(const struct run *r)
{
	uint64_t given = r->c->measurement.sample_interval_ns;
	if (given != CONFIG_AUTO)
		return given * PS_PER_NS;
	if (!r->result->has_trace || r->c->workload.pace != PACE_RECORDED)
		return 10 * 1000 * 1000 * PS_PER_NS;
	uint64_t end = u64_min(r->end_ns, r->result->trace.span_ns);
	double span_ns = (double)(end - u64_min(end, r->start_ns)) * r->c->workload.time_scale +
			 (double)(r->c->workload.copies - 1) *
				 (double)r->c->workload.copies_offset_ns;
	uint64_t step = 1000;
	for (unsigned i = 0; (double)step * 500 < span_ns; i++)
		step = i % 3 == 1 ? step / 2 * 5 : step * 2; /* 1, 2, 5, 10, ... us */
	return step * PS_PER_NS;
}

static void check_now(struct run *r)
{
	if (r->broken)
		return;
	r->result->checks_count++;
	struct object_allocator *oa = r->result->machine.objects.oa;
	r->broken = r->result->machine.pa->ops->check(r->result->machine.pa, &r->check) != 0;
	if (!r->broken && oa)
		r->broken = oa->ops->check(oa, &r->check) != 0;
	if (!r->broken)
		r->broken = virtual_memory_check(&r->result->virtual_memory, &r->check) != 0;
	const struct memory *memory = r->result->machine.memory;
	if (!r->broken && memory)
		r->broken = memory_check(memory, r->check.text, sizeof(r->check.text)) != 0;
}

static void on_sample(void *arg, ps_t now_ps)
{
	struct run *r = arg;
	progress_update(&r->progress, r->result->metrics.ops_count, r->result->metrics.ops_count);
	if (r->c->measurement.check == CHECK_FULL)
		check_now(r);
}

/*
 * The first of each CPU's periodic works: in step with the recorded ones if the trace shows them.
 */
static void set_ticks(struct run *r)
{
	const struct start_report *start = &r->result->start;
	ps_t interval = r->c->pcp.enabled ? r->c->pcp.decay_interval_ns * PS_PER_NS : 0;
	r->replay.tick_interval_ps = interval;
	r->replay.object_tick_interval_ps = OBJECT_TICK_PS;
	for (unsigned i = 0; i < r->result->machine.cpus_count; i++) {
		ps_t known = (ps_t)((double)start->tick_ns[i] * r->c->workload.time_scale * 1000.0);
		r->replay.tick_first_ps[i] =
			interval && start->tick_known[i] ? known % interval : interval;
	}
}

/* The locks of programs. */
static int make_locks(struct run *r)
{
	const struct config_workload *w = &r->c->workload;
	struct run_result *res = r->result;
	res->locks = calloc(w->locks_count + 1, sizeof(*res->locks));
	if (!res->locks)
		return err_set(r->err, ERR_IO, "out of memory for the locks");
	res->locks_count = w->locks_count;
	for (unsigned i = 0; i < w->locks_count; i++) {
		const struct config_lock *l = &w->locks[i];
		snprintf(res->locks[i].name, sizeof(res->locks[i].name), "%.*s",
			 (int)sizeof(res->locks[i].name) - 1, l->name);
		res->locks[i].sleeps = l->kind == LOCK_MUTEX;
		res->locks[i].unfair = l->handover == HANDOVER_NEAREST;
		res->locks[i].irqs_off = l->irqs_off;
	}
	return 0;
}

static int setup(struct run *r)
{
	struct run_result *res = r->result;
	const struct engine_params params = {
		.cpus_count = res->machine.cpus_count,
		.cpu_khz = r->c->machine.cpu_khz,
		.cost_cycles = r->c->cost_cycles,
		.exact_events = r->options->exact_events,
		.hw = &r->c->machine.hw,
		.cpu_nid = res->machine.cpu_nid,
		.ipis = virtual_memory_wanted(r->c),
	};
	r->engine = engine_new(&params, r->err);
	if (!r->engine || make_locks(r) != 0)
		return -1;
	for (unsigned i = 0; res->machine.memory && i < params.cpus_count; i++)
		engine_cpu(r->engine, i)->env.memory = memory_of_cpu(res->machine.memory, i);
	r->replay = (struct replay){
		.pa = res->machine.pa,
		.stack = res->machine.objects.oa ? &res->machine.objects : NULL,
		.engine = r->engine,
		.workload = &r->workload,
		.objects = &r->objects,
		.metrics = &res->metrics,
		.touch = r->c->workload.touch,
		.virtual_memory = &res->virtual_memory,
		.programs = r->c->workload.programs,
		.locks = res->locks,
		.verify_contents = r->c->measurement.verify_contents,
		.stop = r->options->stop,
	};
	mempolicy_init(&r->replay.mempolicy, res->machine.pa, res->machine.cpu_nid);
	set_ticks(r);
	if (r->replay.verify_contents && contents_init(&res->machine.pm, r->err) != 0)
		return -1;
	replay_setup(&r->replay);
	res->sample_interval_ps = sample_interval(r);
	if (res->sample_interval_ps) {
		r->series = resultdir_open(&r->dir, "series.csv", r->err);
		if (!r->series)
			return -1;
		if (r->replay.stack)
			r->caches = resultdir_open(&r->dir, "caches.csv", r->err);
		if (r->replay.stack && !r->caches)
			return -1;
		if (res->machine.memory)
			r->machine = resultdir_open(&r->dir, "machine.csv", r->err);
		if (res->machine.memory && !r->machine)
			return -1;
	}
	if (r->replay.stack)
		object_bytes_sum(r->replay.stack, &res->objects_start);
	if (sampler_init(&r->sampler, &r->replay, res->machine.cpus_count, res->sample_interval_ps,
			 r->series, r->caches) != 0)
		return err_set(r->err, ERR_IO, "out of memory for the series");
	if (r->machine) {
		machine_series_init(&r->machine_series, r->engine, res->machine.memory,
				    res->machine.cpus_count, r->c->machine.hw.caches_count,
				    r->machine);
		r->sampler.machine = &r->machine_series;
	}
	r->sampler.on_sample = on_sample;
	r->sampler.arg = r;
	sampler_start(&r->sampler);
	return 0;
}

static int simulate(struct run *r)
{
	struct run_result *res = r->result;
	if (r->options->progress)
		progress_init(&r->progress, "run", r->workload.ops_expected);
	bug_run = r;
	bug_context = print_bug_context;
	double begin = now_seconds();
	int rc = engine_run(r->engine, r->err);
	res->wall_seconds = now_seconds() - begin;
	bug_context = NULL;
	progress_done(&r->progress);
	if (rc != 0)
		return -1;
	if (r->options->stop && *r->options->stop)
		return err_set(r->err, ERR_INTERRUPTED, "interrupted; nothing was written");
	for (unsigned i = 0; i < res->machine.cpus_count; i++) {
		const struct engine_cpu *cpu = engine_cpu(r->engine, i);
		res->cpus[i].ops_count = r->replay.ops_done[i];
		res->cpus[i].busy_ps = cpu->busy_ps;
		res->cpus[i].interrupts_count = cpu->interrupts_count;
		res->cpus[i].interrupts_ps = cpu->interrupts_ps;
		res->cpus[i].interrupt_delay_ps_total = cpu->interrupt_delay_ps_total;
		res->cpus[i].interrupt_delay_ps_max = cpu->interrupt_delay_ps_max;
		res->cpus[i].irqs_off_ps_max = cpu->irqs_off_ps_max;
		res->cpus[i].end_ps = cpu->now_ps;
		cycles_of_cpu(&res->cpus[i].cycles, cpu);
		if (res->machine.memory)
			memory_stats(res->machine.memory, i, &res->cpus[i].memory);
		res->sleep_violations_count += cpu->env.sleep_violations_count;
		res->simulated_ps = u64_max(res->simulated_ps, cpu->now_ps);
	}
	res->programs = r->workload.programs;
	r->workload.programs = NULL;
	if (lock_report_engine(&res->lock_report, r->engine, res->machine.cpus_count, r->err) != 0)
		return -1;
	res->lock_report.simulated_ps = res->simulated_ps;
	res->lock_report.waiter_bytes = r->c->machine.hw.waiter_bytes;
	res->lock_report.sleep_violations_count = res->sleep_violations_count;
	res->older_frees_left_out_count = r->workload.older_frees_left_out_count;
	memcpy(res->left_out_count, r->workload.left_out_count, sizeof(res->left_out_count));
	res->engine_events_count = engine_events(r->engine);
	return 0;
}

/* --- conclude --------------------------------------------------------------------------------- */

static void write_buddyinfo(struct run_result *res, FILE *f)
{
	proc_buddyinfo(res->machine.pa, f);
}

static void write_pagetypeinfo(struct run_result *res, FILE *f)
{
	proc_pagetypeinfo(res->machine.pa, f);
}

static void write_zoneinfo(struct run_result *res, FILE *f)
{
	proc_zoneinfo(res->machine.pa, res->machine.cpus_count, f);
}

static void write_numastat(struct run_result *res, FILE *f)
{
	proc_numastat(res->machine.pa, f);
}

static void write_slabinfo(struct run_result *res, FILE *f)
{
	proc_slabinfo(res->machine.objects.oa, f);
}

static int write_file(struct run *r, const char *name, void (*write)(struct run_result *, FILE *))
{
	FILE *f = resultdir_open(&r->dir, name, r->err);
	if (!f)
		return -1;
	write(r->result, f);
	return resultdir_close(&r->dir, f, r->err);
}

static int write_proc(struct run *r, const char *when)
{
	static const struct {
		const char *name;
		void (*write)(struct run_result *, FILE *);
		bool objects, nodes; /* not without objects; with one node */
	} files[] = {
		{"buddyinfo", write_buddyinfo, false, false},
		{"pagetypeinfo", write_pagetypeinfo, false, false},
		{"zoneinfo", write_zoneinfo, false, false},
		{"slabinfo", write_slabinfo, true, false},
		{"numastat", write_numastat, false, true},
	};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char name[64];
		if ((files[i].objects && !r->replay.stack) ||
		    (files[i].nodes && r->result->machine.pm.nodes_count == 1))
			continue;
		snprintf(name, sizeof(name), "%s.%s", when, files[i].name);
		if (write_file(r, name, files[i].write) != 0)
			return -1;
	}
	return 0;
}

/* The last row of the series, and what was found out about objects. */
static int end_samples(struct run *r)
{
	struct run_result *res = r->result;
	FILE *files[] = {r->series, r->caches, r->machine};
	if (r->series && r->sampler.last_ps != res->simulated_ps)
		sampler_sample(&r->sampler, res->simulated_ps);
	r->series = r->caches = r->machine = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (files[i] && resultdir_close(&r->dir, files[i], r->err) != 0)
			return -1;
	}
	res->samples_count = r->sampler.rows_count;
	if (!r->replay.stack)
		return 0;
	object_bytes_sum(r->replay.stack, &res->objects_end);
	res->objects_peak = r->sampler.objects_peak;
	res->objects_peak_ps = r->sampler.objects_peak_ps;
	if (res->objects_end.held_bytes > res->objects_peak.held_bytes) {
		res->objects_peak = res->objects_end;
		res->objects_peak_ps = res->simulated_ps;
	}
	return 0;
}

static int conclude(struct run *r)
{
	struct run_result *res = r->result;
	if (r->c->measurement.check != CHECK_NONE)
		check_now(r);
	if (r->broken)
		return err_set(r->err, ERR_INTERNAL, "an invariant of the allocator is broken: %s",
			       r->check.text);
	if (end_samples(r) != 0)
		return -1;
	if (r->has_truth && r->truth.has_end && res->has_trace) {
		fidelity_score(&res->fidelity, &res->machine, &r->truth, res->start.free_start);
		fidelity_traffic(&res->fidelity, &res->machine, &res->trace, r->start_ns,
				 r->end_ns);
		res->has_fidelity = true;
		if (fidelity_caches(&res->fidelity, &res->machine, &r->truth, r->err) != 0)
			return -1;
	}
	if (lock_report_add_machine(&res->lock_report, &res->machine, r->err) != 0 ||
	    virtual_memory_locks(&res->virtual_memory, &res->lock_report, r->err) != 0 ||
	    lock_report_add(&res->lock_report, res->locks, res->locks_count, r->err) != 0)
		return -1;
	if (write_proc(r, "end") != 0 || write_file(r, "run.json", report_write) != 0)
		return -1;
	if (r->options->before_commit &&
	    r->options->before_commit(r->options->before_commit_arg, &r->dir, r->err) != 0)
		return -1;
	return resultdir_commit(&r->dir, r->err);
}

static void run_release(struct run *r)
{
	resultdir_abort(&r->dir);
	sampler_release(&r->sampler);
	engine_free(r->engine);
	workload_release(&r->workload);
	objects_release(&r->objects);
	if (r->has_truth && !r->truth_is_shared)
		truth_release(&r->truth);
}

int run_simulation(struct run_result *result, struct config *c, const struct run_options *options,
		   struct err *err)
{
	struct run *r = calloc(1, sizeof(*r));
	memset(result, 0, sizeof(*result));
	if (!r)
		return err_set(err, ERR_IO, "out of memory");
	result->config = c;
	metrics_init(&result->metrics);
	r->result = result;
	r->c = c;
	r->options = options;
	r->err = err;
	time_t started = time(NULL);
	struct tm utc;
	strftime(result->started_utc, sizeof(result->started_utc), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&started, &utc));
	double begin = now_seconds();
	const char *marker = options->marker ? options->marker : "run.json";
	int rc = -1;
	if (resultdir_create_kind(&r->dir, options->output, marker, err) == 0 && load(r) == 0 &&
	    setup(r) == 0 && write_proc(r, "start") == 0) {
		result->setup_seconds = now_seconds() - begin;
		rc = simulate(r) == 0 ? conclude(r) : -1;
	}
	run_release(r);
	free(r);
	if (rc != 0)
		run_result_release(result);
	return rc;
}

void run_result_release(struct run_result *result)
{
	virtual_memory_release(&result->virtual_memory);
	machine_release(&result->machine);
	fidelity_release(&result->fidelity);
	free(result->programs);
	free(result->locks);
	lock_report_release(&result->lock_report);
	if (result->has_trace && !result->trace_is_shared)
		trace_close(&result->trace);
	metrics_release(&result->metrics);
	memset(result, 0, sizeof(*result));
}
