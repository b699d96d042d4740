/*
 * workload.c - streams from binary traces; see workload.h. Generators: generator.c.
 *
 * A simulated CPU may stand for several recorded ones; its stream then merges theirs by their
 * position in the recording.
 *
 * Copies. workload.copies performs the trace several times at once. CPU c of a trace of T CPUs is,
 * in copy k, simulated CPU (k * T + c) modulo the number of CPUs; with 3 copies of a trace of 2 on
 * 4 CPUs, CPU 0 performs what CPU 0 did in copies 0 and 2. Ids of copy k are the trace's plus k
 * times the number of ids, rounded up to whole chunks of objects.h, so that nothing is shared but
 * the machine. What was allocated before the recording is there once, and copy 0 frees it: the
 * others leave such frees out, counted.
 *
 * Copies that share a CPU are merged by position in the recording, then by copy. Positions order
 * each object's allocation before its free in all streams at once, so no CPU waits for an object
 * behind whose allocation another CPU waits for it; times need not, since clocks of recorded CPUs
 * may differ. With an offset between copies positions say nothing about them, so each then needs
 * CPUs of its own.
 */
#include "sim/workload.h"

#include <stdlib.h>
#include <string.h>

/* What one recorded CPU does in one copy. */
struct cursor {
	const struct trace_rec *next, *end;
};

/* Of which copy a cursor is. */
struct cursor_copy {
	uint64_t first_id; /* of its objects */
	ps_t offset_ps;    /* by which it is later */
	bool is_other;     /* not the first */
	bool begun;        /* the cursor has performed an operation; see copies_next() */
};

struct trace_stream {
	const struct trace *trace;
	uint64_t start_ns;
	struct objects *objects;
	uint64_t *left_out_count; /* of the workload, as is the next */
	uint64_t *older_frees_left_out_count;
	double time_scale;
	uint8_t policy; /* enum mempolicy_mode */
	bool is_list; /* of operations, which may name nodes */
	enum workload_level level;
	bool back_to_back;
	unsigned cursors_count;
	struct cursor_copy *copies; /* of cursors */
	struct cursor cursors[];    /* by copy, then by CPU */
};

static struct cursor *earliest(struct trace_stream *s)
{
	struct cursor *best = NULL;
	if (__builtin_expect(s->cursors_count == 1, 1)) /* as it mostly is */
		return s->cursors[0].next == s->cursors[0].end ? NULL : s->cursors;
	for (unsigned i = 0; i < s->cursors_count; i++) {
		struct cursor *c = &s->cursors[i];
		if (c->next == c->end)
			continue;
		if (!best || c->next->seq < best->next->seq)
			best = c;
	}
	return best;
}

/* Is this demand left to the simulated allocators, or not asked for at all? */
static bool is_left_out(enum workload_level level, const struct trace_rec *r)
{
	switch (level) {
	case LEVEL_ALL:
		return r->flags & TRACE_F_SLAB;
	case LEVEL_PAGES:
		return trace_kind_is_object(r->kind);
	case LEVEL_OBJECTS:
		return !trace_kind_is_object(r->kind);
	}
	return false;
}

/* @r of cursor @c is not replayed, nor will what it allocates be freed. */
static __attribute__((noinline)) void leave_out(struct trace_stream *s, const struct cursor *c,
						const struct trace_rec *r)
{
	if (r->flags & TRACE_F_SLAB && s->level == LEVEL_ALL)
		s->left_out_count[r->kind == TRACE_PAGE_FREE]++;
	if (!trace_kind_is_alloc(r->kind) || r->id == TRACE_ID_NONE)
		return;
	uint64_t id = s->copies[c - s->cursors].first_id + r->id;
	if (objects_get(s->objects, id))
		objects_drop(s->objects, id);
}

/*
 * The next demand that is replayed, or NULL; *@from is whose. The objects of the others are dropped
 * on the way.
 */
static inline const struct trace_rec *take_record(struct trace_stream *s, struct cursor **from)
{
	while ((*from = earliest(s)) != NULL) {
		const struct trace_rec *r = (*from)->next++;
		if (!is_left_out(s->level, r))
			return r;
		leave_out(s, *from, r);
	}
	return NULL;
}

static void fill_page_op(struct op *op, const struct trace_rec *r)
{
	op->kind = r->kind == TRACE_PAGE_ALLOC ? OP_ALLOC : OP_FREE;
	op->pfn = r->pfn == TRACE_PFN_NONE ? PFN_NONE : r->pfn;
	op->order = r->order;
	op->offset = r->aux;
	op->partial = r->flags & TRACE_F_PARTIAL;
}

static void fill_object_op(struct op *op, const struct trace_rec *r)
{
	op->cache = r->cache == TRACE_CACHE_NONE ? OP_CACHE_NONE : r->cache;
	switch (r->kind) {
	case TRACE_KMALLOC:
		op->kind = OP_KMALLOC;
		op->bytes = r->aux;
		op->cache = OP_CACHE_NONE;
		break;
	case TRACE_CACHE_ALLOC:
		op->kind = OP_CACHE_ALLOC;
		break;
	default:
		op->kind = OP_OBJECT_FREE;
		op->paddr = trace_rec_paddr(r);
		break;
	}
}

static inline void fill_op(const struct trace_stream *s, struct op *op, const struct trace_rec *r)
{
	uint64_t ns = r->time_ns - s->start_ns;
	*op = (struct op){
		.id = r->id == TRACE_ID_NONE ? OP_ID_NONE : r->id,
		.gfp = s->trace->gfps[r->gfp],
		.context = (r->flags & TRACE_F_CONTEXT) >> TRACE_CONTEXT_SHIFT,
		.failed = r->flags & TRACE_F_FAILED,
		.mem.policy = s->policy,
	};
	if (trace_kind_is_object(r->kind))
		fill_object_op(op, r);
	else
		fill_page_op(op, r);
	if (s->is_list && trace_kind_is_alloc(r->kind) && trace_rec_node(r)) {
		op->mem.has_nid = true;
		op->mem.nid = (uint8_t)(trace_rec_node(r) - 1);
	}
	if (!s->back_to_back)
		op->at_ps = s->time_scale == 1.0 ? ns * PS_PER_NS
						 : (ps_t)((double)ns * s->time_scale * 1000.0);
}

static bool trace_next(struct op_stream *stream, struct op *op)
{
	struct trace_stream *s = stream->state;
	struct cursor *c;
	const struct trace_rec *r = take_record(s, &c);
	if (!r)
		return false;
	fill_op(s, op, r);
	return true;
}

/* The same of several copies. Back to back, a copy's first operation alone has a time. */
static bool copies_next(struct op_stream *stream, struct op *op)
{
	struct trace_stream *s = stream->state;
	const struct trace_rec *r;
	struct cursor_copy *c = NULL;
	struct cursor *from;
	while ((r = take_record(s, &from)) != NULL) {
		c = &s->copies[from - s->cursors];
		if (!c->is_other || r->id != TRACE_ID_NONE || trace_kind_is_alloc(r->kind))
			break;
		(*s->older_frees_left_out_count)++;
	}
	if (!r)
		return false;
	fill_op(s, op, r);
	if (op->id != OP_ID_NONE)
		op->id += c->first_id;
	if (!s->back_to_back || !c->begun)
		op->at_ps += c->offset_ps;
	c->begun = true;
	return true;
}

static void trace_release(struct op_stream *stream)
{
	struct trace_stream *s = stream->state;
	free(s->copies);
	free(s);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory for the trace's objects");
}

/* Does @r begin (or end) a thing that has an id and is replayed? */
static bool has_object(const struct trace_rec *r, bool alloc, enum workload_level level)
{
	return trace_kind_is_alloc(r->kind) == alloc && r->id != TRACE_ID_NONE &&
	       !is_left_out(level, r);
}

/*
 * Allocations (or frees) before the window: what they leave behind is the state at its start. All
 * allocations must be seen before any free, since another CPU may have freed the object.
 */
static int replay_before(const struct trace *trace, bool alloc, enum workload_level level,
			 uint64_t start_ns, struct objects *objects, struct err *err)
{
	for (unsigned cpu = 0; cpu < trace->cpus_count; cpu++) {
		const struct trace_rec *r = trace->ops[cpu], *last = r + trace->ops_count[cpu];
		for (; r < last && r->time_ns < start_ns; r++) {
			if (!has_object(r, alloc, level))
				continue;
			struct object *o = objects_get(objects, r->id);
			if (!o)
				return no_memory(err);
			if (alloc) {
				o->state = OBJECT_RECORDED;
				o->pfn = r->pfn;
				if (trace_kind_is_object(r->kind))
					o->offset_bytes = (uint16_t)(trace_rec_paddr(r) %
								     PAGE_BYTES);
				else
					o->order = r->order;
			} else if (!(r->flags & TRACE_F_PARTIAL) ||
				   object_free_part(o, 1u << r->order)) {
				objects_drop(objects, r->id);
			}
		}
	}
	return 0;
}

/* The last operation must come before picoseconds overflow. */
static int check_end(const struct trace *trace, uint64_t start_ns, uint64_t end_ns,
		     const struct config *c, struct err *err)
{
	const struct config_workload *w = &c->workload;
	uint64_t end = u64_min(end_ns, trace->span_ns);
	double span_ns = (double)(end - u64_min(end, start_ns)) * w->time_scale;
	double offsets_ns = (double)(w->copies - 1) * (double)w->copies_offset_ns;
	if (w->pace != PACE_RECORDED)
		span_ns = 0;
	if (span_ns + offsets_ns <= WORKLOAD_SPAN_NS_MAX)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "%s: the workload would last %.0f hours; %.0f are the most",
		       span_ns > offsets_ns ? "workload.time_scale" : "workload.copies_offset",
		       (span_ns + offsets_ns) / 3.6e12, WORKLOAD_SPAN_NS_MAX / 3.6e12);
}

static int check_copies(const struct trace *trace, const struct config_workload *w,
			unsigned cpus_count, struct err *err)
{
	uint64_t needed = w->copies * trace->cpus_count;
	if (w->copies == 1 || !w->copies_offset_ns || needed <= cpus_count)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "workload.copies_offset: %llu copies of a trace of %u CPU%s, of which each "
		       "begins at a time of its own, need %llu CPUs; machine.cpus is %u",
		       (unsigned long long)w->copies, trace->cpus_count,
		       trace->cpus_count == 1 ? "" : "s", (unsigned long long)needed, cpus_count);
}

static int open_cursor(struct cursor *c, const struct trace *trace, unsigned cpu,
		       const struct trace_stream *s, uint64_t end_ns, struct err *err)
{
	uint64_t start_ns = s->start_ns;
	const struct trace_rec *r = trace->ops[cpu], *last = r + trace->ops_count[cpu];
	while (r < last && r->time_ns < start_ns)
		r++;
	c->next = r;
	while (last > r && last[-1].time_ns >= end_ns) {
		last--;
		if (!has_object(last, true, s->level))
			continue;
		/* A free inside the window must not wait for an allocation outside it. */
		struct object *o = objects_get(s->objects, last->id);
		if (!o)
			return no_memory(err);
		o->state = OBJECT_FAILED;
	}
	c->end = last;
	return 0;
}

/* The first of @trace's CPUs that @copy performs on @cpu; others follow in steps of @cpus_count. */
static unsigned first_source(const struct trace *trace, uint64_t copy, unsigned cpu,
			     unsigned cpus_count)
{
	unsigned shift = (unsigned)(copy * trace->cpus_count % cpus_count);
	return (cpu + cpus_count - shift) % cpus_count;
}

static int open_stream(struct workload *w, unsigned cpu, const struct trace *trace,
		       uint64_t start_ns, uint64_t end_ns, const struct config *c,
		       struct objects *objects, struct err *err)
{
	const struct config_workload *cw = &c->workload;
	unsigned sources = 0;
	for (uint64_t copy = 0; copy < cw->copies; copy++) {
		for (unsigned i = first_source(trace, copy, cpu, w->cpus_count);
		     i < trace->cpus_count; i += w->cpus_count)
			sources++;
	}
	struct trace_stream *s = calloc(1, sizeof(*s) + sources * sizeof(struct cursor));
	if (!s)
		return err_set(err, ERR_IO, "out of memory for %u streams", w->cpus_count);
	w->streams[cpu] = (struct op_stream){cw->copies == 1 ? trace_next : copies_next,
					     trace_release, s, 0};
	s->copies = calloc(sources + 1, sizeof(*s->copies));
	if (!s->copies)
		return err_set(err, ERR_IO, "out of memory for %u streams", w->cpus_count);
	s->trace = trace;
	s->start_ns = start_ns;
	s->objects = objects;
	s->left_out_count = w->left_out_count;
	s->older_frees_left_out_count = &w->older_frees_left_out_count;
	s->level = cw->level;
	s->time_scale = cw->time_scale;
	s->policy = (uint8_t)cw->policy;
	s->is_list = cw->ops_fd >= 0;
	s->back_to_back = cw->pace == PACE_BACK_TO_BACK;
	uint64_t ids = (trace->ids_count + OBJECT_CHUNK_SIZE - 1) >> OBJECT_CHUNK_BITS
							       << OBJECT_CHUNK_BITS;
	for (uint64_t copy = 0; copy < cw->copies; copy++) {
		for (unsigned i = first_source(trace, copy, cpu, w->cpus_count);
		     i < trace->cpus_count; i += w->cpus_count) {
			struct cursor *cur = &s->cursors[s->cursors_count];
			s->copies[s->cursors_count++] = (struct cursor_copy){
				.first_id = copy * ids,
				.offset_ps = copy * cw->copies_offset_ns * PS_PER_NS,
				.is_other = copy != 0,
			};
			if (open_cursor(cur, trace, i, s, end_ns, err) != 0)
				return -1;
			w->ops_expected += (uint64_t)(cur->end - cur->next);
		}
	}
	return 0;
}

int workload_from_trace(struct workload *w, const struct trace *trace, uint64_t start_ns,
			uint64_t end_ns, const struct config *c, unsigned cpus_count,
			struct objects *objects, struct err *err)
{
	memset(w, 0, sizeof(*w));
	if (check_end(trace, start_ns, end_ns, c, err) != 0 ||
	    check_copies(trace, &c->workload, cpus_count, err) != 0)
		return -1;
	w->cpus_count = cpus_count;
	w->streams = calloc(cpus_count, sizeof(*w->streams));
	if (!w->streams)
		return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
	enum workload_level level = c->workload.level;
	if (replay_before(trace, true, level, start_ns, objects, err) != 0 ||
	    replay_before(trace, false, level, start_ns, objects, err) != 0)
		return -1;
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		if (open_stream(w, cpu, trace, start_ns, end_ns, c, objects, err) != 0)
			return -1;
	}
	return 0;
}

static void release_streams(struct op_stream *streams, unsigned count)
{
	for (unsigned i = 0; streams && i < count; i++) {
		if (streams[i].release)
			streams[i].release(&streams[i]);
	}
	free(streams);
}

void workload_release(struct workload *w)
{
	release_streams(w->streams, w->cpus_count);
	release_streams(w->interrupts, w->cpus_count);
	free(w->programs);
	memset(w, 0, sizeof(*w));
}

bool workload_next(struct workload *w, unsigned cpu, struct op *op)
{
	return w->streams[cpu].next(&w->streams[cpu], op);
}

bool workload_next_interrupt(struct workload *w, unsigned cpu, struct op *op)
{
	return w->interrupts && w->interrupts[cpu].next(&w->interrupts[cpu], op);
}
