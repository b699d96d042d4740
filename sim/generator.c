/*
 * generator.c - workloads that are drawn from distributions.
 *
 * Each generator makes allocations on each of its CPUs as a Poisson process; every allocation draws
 * an order (or a size, or the bytes of an object) and a lifetime, and is freed on the same CPU when
 * that is over. Phases multiply the rate for a while, in turn.
 *
 *   next operation of a CPU = the earliest of: each generator's next arrival, the next free due
 *
 * A generator may follow a table (fleet.h) of sizes with their rates and live objects: each
 * allocation is of a size drawn by rate, and lives exponentially long with that size's mean, live /
 * rate, which makes the number that lives of each size what the table says (Little's law). So that
 * it does from the beginning, the live objects are there at time 0: as many as a Poisson process
 * finds, of sizes drawn by live objects. What is left of an exponential lifetime is as long as the
 * whole, so nothing tells them from the others. A size without a rate has objects that stay.
 *
 * Generators in another context than a process are interrupts: a stream of its own for each CPU,
 * whose operations come on top of the others', whatever the CPU is at.
 *
 * Free before allocation, then the generator listed first, at equal times. Frees that are due wait
 * in a binary heap, so memory follows what lives. Every (generator, CPU) has a random stream of its
 * own, so adding a CPU or a generator changes nothing for the others; all draws are bit-identical
 * on every host (kern/rng.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"
#include "kern/rng.h"
#include "alloc/object_allocator.h"
#include "sim/dist_draw.h"
#include "sim/fleet.h"
#include "sim/workload.h"

#define BYTES_MAX 9223372036854775808.0 /* 2^63; what a distribution without an end is cut at */
#define NEVER UINT64_MAX
#define HORIZON_PS                                                                                 \
	((ps_t)(WORKLOAD_SPAN_NS_MAX * 1000)) /* what would be later never is, or is then */

struct due {
	ps_t at_ps;
	uint64_t id;
	uint32_t cache; /* OP_CACHE_NONE but for its objects */
	uint8_t order;
	uint8_t context;
	bool object; /* and not pages */
};

struct source {
	const struct config_generator *g;
	const struct fleet *fleet; /* NULL: no table */
	struct mem_request mem;
	double rate_per_s;
	double prefill_left; /* of the table's live objects, in units of exponential time */
	struct rng rng;
	ps_t next_ps;       /* of the next allocation, or NEVER */
	uint64_t made;
	unsigned phase;
	ps_t phase_end_ps;
};

/* The tables of all generators, by their index; shared by the streams of the CPUs. */
struct fleets {
	unsigned users;
	unsigned count;
	struct fleet tables[];
};

struct generated {
	const struct config_workload *w;
	struct fleets *fleets;
	struct source *sources;
	unsigned sources_count;
	unsigned prefilled; /* sources whose objects of the beginning are there */
	struct due *heap;
	uint64_t heap_count, heap_room;
	struct object_ids ids;
	ps_t end_ps;        /* no allocation here or later; NEVER */
	ps_t now_ps;        /* of the last operation */
};

static unsigned draw_order(const struct config_generator *g, struct rng *rng)
{
	if (g->what == GENERATOR_ORDER)
		return (unsigned)u64_min((uint64_t)dist_draw(&g->order, rng, true),
					 ORDER_LIMIT - 1);
	double bytes = dist_draw(&g->size_bytes, rng, true);
	unsigned order = 0;
	while (order < ORDER_LIMIT - 1 && (double)((uint64_t)PAGE_BYTES << order) < bytes)
		order++;
	return order;
}

/* --- arrivals --------------------------------------------------------------------------------- */

static void next_phase(struct source *s)
{
	s->phase = (s->phase + 1) % s->g->phases_count;
	s->phase_end_ps += s->g->phases[s->phase].duration_ns * PS_PER_NS;
}

static bool ever_arrives(const struct config_generator *g)
{
	if (!g->phases_count)
		return true;
	for (unsigned i = 0; i < g->phases_count; i++) {
		if (g->phases[i].rate_factor > 0)
			return true;
	}
	return false;
}

/*
 * Skip whole rounds of the phases before an arrival that needs *@left of the rate's integral. False
 * if that leads beyond all simulated time.
 */
static bool skip_rounds(struct source *s, ps_t *at, double *left)
{
	const struct config_generator *g = s->g;
	double round_ps = 0, round_units = 0;
	for (unsigned i = 0; i < g->phases_count; i++) {
		double ps = (double)g->phases[i].duration_ns * 1000.0;
		round_ps += ps;
		round_units += ps * s->rate_per_s * g->phases[i].rate_factor / (double)PS_PER_S;
	}
	/* One round less: it is walked through, and rounding can't lead past the arrival. */
	double rounds = *left / round_units - 1.0;
	if (rounds < 1.0)
		return true;
	if (rounds * round_ps > (double)HORIZON_PS - (double)*at)
		return false;
	ps_t skipped = (uint64_t)rounds * (ps_t)round_ps;
	*at += skipped;
	s->phase_end_ps += skipped;
	*left -= floor(rounds) * round_units;
	return true;
}

/* Move to the next arrival: a unit of exponential time at a rate that changes with the phases. */
static void advance(struct source *s, ps_t end_ps)
{
	const struct config_generator *g = s->g;
	double left = rng_exponential(&s->rng);
	ps_t at = s->next_ps;
	if ((g->count_max && s->made >= g->count_max) || !ever_arrives(g) ||
	    (g->phases_count && !skip_rounds(s, &at, &left))) {
		s->next_ps = NEVER;
		return;
	}
	for (;;) {
		double factor = g->phases_count ? g->phases[s->phase].rate_factor : 1.0;
		double per_ps = s->rate_per_s * factor / (double)PS_PER_S;
		double step = per_ps > 0 ? left / per_ps : 1e30;
		if (!g->phases_count || step < (double)(s->phase_end_ps - at)) {
			s->next_ps =
				step < (double)HORIZON_PS - (double)at ? at + (ps_t)step : NEVER;
			break;
		}
		left -= (double)(s->phase_end_ps - at) * per_ps;
		at = s->phase_end_ps;
		next_phase(s);
		if (at >= end_ps || at >= HORIZON_PS) {
			s->next_ps = NEVER;
			return;
		}
	}
	if (s->next_ps >= end_ps)
		s->next_ps = NEVER;
}

/* --- frees that are due ----------------------------------------------------------------------- */

static bool sooner(const struct due *a, const struct due *b)
{
	return a->at_ps < b->at_ps || (a->at_ps == b->at_ps && a->id < b->id);
}

static void push_due(struct generated *s, struct due d)
{
	if (s->heap_count == s->heap_room) {
		s->heap_room = s->heap_room ? 2 * s->heap_room : 1024;
		s->heap = realloc(s->heap, s->heap_room * sizeof(*s->heap));
		BUG_ON(!s->heap, "out of memory for the objects of a generator");
	}
	uint64_t i = s->heap_count++;
	for (; i && sooner(&d, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = d;
}

static struct due pop_due(struct generated *s)
{
	struct due first = s->heap[0], last = s->heap[--s->heap_count];
	uint64_t i = 0;
	for (;;) {
		uint64_t child = 2 * i + 1;
		if (child >= s->heap_count)
			break;
		if (child + 1 < s->heap_count && sooner(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!sooner(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	if (s->heap_count)
		s->heap[i] = last;
	return first;
}

/* --- the stream ------------------------------------------------------------------------------- */

static ps_t scaled(const struct generated *s, ps_t at)
{
	if (s->w->pace == PACE_BACK_TO_BACK)
		return 0;
	if (s->w->time_scale == 1.0)
		return at;
	double scaled = (double)at * s->w->time_scale;
	return scaled < (double)HORIZON_PS ? (ps_t)scaled : HORIZON_PS;
}

/* What is allocated, into @op; its lifetime in ns, INFINITY for ever. */
static double draw_what(struct source *src, bool prefill, struct op *op)
{
	const struct config_generator *g = src->g;
	const struct fleet_row *row;
	double mean_s;
	op->cache = OP_CACHE_NONE;
	switch (g->what) {
	case GENERATOR_ORDER:
	case GENERATOR_SIZE:
		op->kind = OP_ALLOC;
		op->order = draw_order(g, &src->rng);
		break;
	case GENERATOR_KMALLOC:
		op->kind = OP_KMALLOC;
		op->bytes =
			(uint64_t)fmin(dist_draw(&g->kmalloc_bytes, &src->rng, true), BYTES_MAX);
		break;
	case GENERATOR_CACHE:
		op->kind = OP_CACHE_ALLOC;
		op->cache = g->cache_index;
		break;
	case GENERATOR_FLEET:
		op->kind = OP_KMALLOC;
		row = prefill ? fleet_by_live(src->fleet, rng_unit(&src->rng))
			      : fleet_by_rate(src->fleet, rng_unit(&src->rng));
		op->bytes = row->bytes;
		mean_s = fleet_mean_lifetime_s(row);
		return isinf(mean_s) ? mean_s : mean_s * 1e9 * rng_exponential(&src->rng);
	}
	return dist_draw(&g->lifetime_ns, &src->rng, false);
}

static void allocate(struct generated *s, struct source *src, bool prefill, struct op *op)
{
	double lifetime_ps;
	uint64_t id = object_ids_take(&s->ids);
	if (!prefill)
		s->now_ps = src->next_ps;
	*op = (struct op){
		.at_ps = scaled(s, s->now_ps),
		.id = id,
		.pfn = PFN_NONE,
		.paddr = OBJECT_NONE,
		.gfp = src->g->gfp,
		.context = src->g->context,
		.mem = src->mem,
	};
	lifetime_ps = draw_what(src, prefill, op) * 1000.0;
	push_due(s, (struct due){
			    .at_ps = lifetime_ps < (double)HORIZON_PS - (double)s->now_ps
					     ? s->now_ps + (ps_t)lifetime_ps
					     : NEVER,
			    .id = id,
			    .cache = op->cache,
			    .order = (uint8_t)op->order,
			    .context = (uint8_t)op->context,
			    .object = op->kind != OP_ALLOC,
		    });
	if (prefill)
		return;
	src->made++;
	advance(src, s->end_ps);
}

/* The next object that is there from the beginning, if there is another. */
static bool prefill_next(struct generated *s, struct op *op)
{
	for (; s->prefilled < s->sources_count; s->prefilled++) {
		struct source *src = &s->sources[s->prefilled];
		if (src->prefill_left <= 0)
			continue;
		src->prefill_left -= rng_exponential(&src->rng);
		if (src->prefill_left <= 0)
			continue;
		allocate(s, src, true, op);
		return true;
	}
	return false;
}

/* The free that comes next, if any is still to come when nothing is allocated any more. */
static bool next_free(struct generated *s, bool stopped, ps_t *at)
{
	if (!s->heap_count)
		return false;
	*at = s->heap[0].at_ps;
	if (!stopped)
		return *at != NEVER;
	if (s->w->free_at_end) {
		ps_t stop = s->end_ps == NEVER ? s->now_ps : s->end_ps;
		*at = u64_min(*at, u64_max(stop, s->now_ps));
		return true;
	}
	return *at != NEVER && *at < s->end_ps;
}

static bool generated_next(struct op_stream *stream, struct op *op)
{
	struct generated *s = stream->state;
	struct source *first = NULL;
	if (prefill_next(s, op))
		return true;
	for (unsigned i = 0; i < s->sources_count; i++) {
		struct source *src = &s->sources[i];
		if (src->next_ps != NEVER && (!first || src->next_ps < first->next_ps))
			first = src;
	}
	ps_t free_at;
	bool frees = next_free(s, !first, &free_at);
	if (first && (!frees || first->next_ps < free_at)) {
		allocate(s, first, false, op);
		return true;
	}
	if (!frees)
		return false;
	struct due d = pop_due(s);
	s->now_ps = free_at;
	*op = (struct op){
		.kind = d.object ? OP_OBJECT_FREE : OP_FREE,
		.at_ps = scaled(s, free_at),
		.id = d.id,
		.pfn = PFN_NONE,
		.paddr = OBJECT_NONE,
		.cache = d.cache,
		.order = d.order,
		.context = d.context,
	};
	return true;
}

static void fleets_put(struct fleets *fleets)
{
	if (!fleets || --fleets->users)
		return;
	for (unsigned i = 0; i < fleets->count; i++)
		fleet_release(&fleets->tables[i]);
	free(fleets);
}

/* With one user; NULL and @err on failure. */
static struct fleets *fleets_new(const struct config_workload *w, struct err *err)
{
	struct fleets *fleets =
		calloc(1, sizeof(*fleets) + w->generators_count * sizeof(fleets->tables[0]));
	if (!fleets) {
		err_set(err, ERR_IO, "out of memory for the generators");
		return NULL;
	}
	fleets->users = 1;
	fleets->count = w->generators_count;
	for (unsigned i = 0; i < fleets->count; i++) {
		const struct config_generator *g = &w->generators[i];
		if (g->what == GENERATOR_FLEET &&
		    fleet_load(&fleets->tables[i], g->fleet, err) != 0) {
			fleets_put(fleets);
			return NULL;
		}
	}
	return fleets;
}

static void generated_release(struct op_stream *stream)
{
	struct generated *s = stream->state;
	fleets_put(s->fleets);
	free(s->sources);
	free(s->heap);
	free(s);
}

static void open_source(struct generated *s, const struct config *c, unsigned index, unsigned cpu)
{
	const struct config_generator *g = &s->w->generators[index];
	struct source *src = &s->sources[s->sources_count++];
	src->g = g;
	src->mem = (struct mem_request){
		.has_nid = g->node != CONFIG_AUTO,
		.nid = g->node == CONFIG_AUTO ? 0 : (uint8_t)g->node,
		.policy = (uint8_t)(g->policy == GENERATOR_POLICY_WORKLOAD ? s->w->policy
									   : g->policy - 1),
	};
	src->rate_per_s = g->rate_per_s;
	if (g->what == GENERATOR_FLEET) {
		src->fleet = &s->fleets->tables[index];
		src->rate_per_s = src->fleet->rate_per_s * g->rate_factor;
		src->prefill_left = g->prefill ? src->fleet->live * g->rate_factor : 0;
	}
	rng_init(&src->rng, c->seed, (uint64_t)index * CPUS_LIMIT + cpu);
	src->phase_end_ps = g->phases_count ? g->phases[0].duration_ns * PS_PER_NS : NEVER;
	advance(src, s->end_ps);
}

/* Which of the generators a stream is made of. */
enum stream_kind { STREAM_ALL, STREAM_PROCESS, STREAM_INTERRUPTS };

static bool belongs(const struct config_generator *g, unsigned cpu, enum stream_kind kind)
{
	if (!(g->cpus[cpu / 64] >> (cpu % 64) & 1))
		return false;
	return kind == STREAM_ALL || (g->context == CONTEXT_PROCESS) == (kind == STREAM_PROCESS);
}

static int open_stream(struct op_stream *stream, const struct config *c, struct fleets *fleets,
		       unsigned cpu, unsigned cpus_count, enum stream_kind kind, struct err *err)
{
	const struct config_workload *w = &c->workload;
	struct generated *s = calloc(1, sizeof(*s));
	if (s)
		s->sources = calloc(w->generators_count, sizeof(*s->sources));
	if (!s || !s->sources) {
		free(s);
		return err_set(err, ERR_IO, "out of memory for the generators");
	}
	*stream = (struct op_stream){generated_next, generated_release, s, 0};
	s->w = w;
	s->fleets = fleets;
	fleets->users++;
	s->ids = object_ids_of(kind == STREAM_INTERRUPTS ? cpus_count + cpu : cpu,
			       kind == STREAM_ALL ? cpus_count : 2 * cpus_count);
	s->end_ps = w->duration_ns ? w->duration_ns * PS_PER_NS : NEVER;
	for (unsigned i = 0; i < w->generators_count; i++) {
		if (belongs(&w->generators[i], cpu, kind))
			open_source(s, c, i, cpu);
	}
	return 0;
}

/*
 * Interrupts come at times of their own; where all is done back to back there are no times.
 */
static bool has_interrupts(const struct config_workload *w)
{
	for (unsigned i = 0; w->pace == PACE_RECORDED && i < w->generators_count; i++) {
		if (w->generators[i].context != CONTEXT_PROCESS)
			return true;
	}
	return false;
}

static int open_streams(struct op_stream **streams, const struct config *c, struct fleets *fleets,
			unsigned cpus_count, enum stream_kind kind, struct err *err)
{
	*streams = calloc(cpus_count, sizeof(**streams));
	if (!*streams)
		return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		if (open_stream(&(*streams)[cpu], c, fleets, cpu, cpus_count, kind, err) != 0)
			return -1;
	}
	return 0;
}

/* With tables of its own, if generators follow any. */
static int open_kind(struct op_stream **streams, const struct config *c, unsigned cpus_count,
		     enum stream_kind kind, struct err *err)
{
	struct fleets *fleets = fleets_new(&c->workload, err);
	if (!fleets)
		return -1;
	int result = open_streams(streams, c, fleets, cpus_count, kind, err);
	fleets_put(fleets);
	return result;
}

int workload_add_interrupts(struct workload *w, const struct config *c, struct err *err)
{
	return open_kind(&w->interrupts, c, w->cpus_count, STREAM_INTERRUPTS, err);
}

int workload_from_generators(struct workload *w, const struct config *c, unsigned cpus_count,
			     struct err *err)
{
	memset(w, 0, sizeof(*w));
	w->cpus_count = cpus_count;
	bool interrupts = has_interrupts(&c->workload);
	if (open_kind(&w->streams, c, cpus_count, interrupts ? STREAM_PROCESS : STREAM_ALL, err))
		return -1;
	return interrupts ? workload_add_interrupts(w, c, err) : 0;
}
