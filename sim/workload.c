/*
 * workload.c - streams from binary traces; see workload.h. Generators: generator.c.
 *
 * A simulated CPU may stand for several recorded ones; its stream then merges theirs by time and
 * position in the recording.
 */
#include "sim/workload.h"

#include <stdlib.h>
#include <string.h>

struct cursor {
	const struct trace_rec *next, *end;
};

struct trace_stream {
	const struct trace *trace;
	uint64_t start_ns;
	struct objects *objects;
	uint64_t *left_out_count; /* of the workload */
	double time_scale;
	uint8_t policy; /* enum mempolicy_mode */
	bool is_list; /* of operations, which may name nodes */
	enum workload_level level;
	bool back_to_back;
	unsigned cursors_count;
	struct cursor cursors[];
};

static struct cursor *earliest(struct trace_stream *s)
{
	struct cursor *best = NULL;
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

/* The next demand that is replayed, or NULL. The objects of the others are dropped on the way. */
static const struct trace_rec *take_record(struct trace_stream *s)
{
	struct cursor *c;
	while ((c = earliest(s)) != NULL) {
		const struct trace_rec *r = c->next++;
		if (!is_left_out(s->level, r))
			return r;
		if (r->flags & TRACE_F_SLAB && s->level == LEVEL_ALL)
			s->left_out_count[r->kind == TRACE_PAGE_FREE]++;
		if (trace_kind_is_alloc(r->kind) && r->id != TRACE_ID_NONE &&
		    objects_get(s->objects, r->id))
			objects_drop(s->objects, r->id);
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

static bool trace_next(struct op_stream *stream, struct op *op)
{
	struct trace_stream *s = stream->state;
	const struct trace_rec *r = take_record(s);
	if (!r)
		return false;
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
	return true;
}

static void trace_release(struct op_stream *stream)
{
	free(stream->state);
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
	uint64_t end = u64_min(end_ns, trace->span_ns);
	double span_ns = (double)(end - u64_min(end, start_ns)) * c->workload.time_scale;
	if (c->workload.pace != PACE_RECORDED || span_ns <= WORKLOAD_SPAN_NS_MAX)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "workload.time_scale: the workload would last %.0f hours; %.0f are the most",
		       span_ns / 3.6e12, WORKLOAD_SPAN_NS_MAX / 3.6e12);
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

int workload_from_trace(struct workload *w, const struct trace *trace, uint64_t start_ns,
			uint64_t end_ns, const struct config *c, unsigned cpus_count,
			struct objects *objects, struct err *err)
{
	memset(w, 0, sizeof(*w));
	if (check_end(trace, start_ns, end_ns, c, err) != 0)
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
		unsigned sources = trace->cpus_count > cpu
					   ? (trace->cpus_count - cpu - 1) / cpus_count + 1
					   : 0;
		struct trace_stream *s =
			calloc(1, sizeof(*s) + sources * sizeof(struct cursor));
		if (!s)
			return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
		w->streams[cpu] = (struct op_stream){trace_next, trace_release, s, 0};
		s->trace = trace;
		s->start_ns = start_ns;
		s->objects = objects;
		s->left_out_count = w->left_out_count;
		s->level = level;
		s->time_scale = c->workload.time_scale;
		s->policy = (uint8_t)c->workload.policy;
		s->is_list = c->workload.ops_fd >= 0;
		s->back_to_back = c->workload.pace == PACE_BACK_TO_BACK;
		s->cursors_count = sources;
		for (unsigned i = 0; i < sources; i++) {
			struct cursor *cur = &s->cursors[i];
			if (open_cursor(cur, trace, cpu + i * cpus_count, s, end_ns, err) != 0)
				return -1;
			w->ops_expected += (uint64_t)(cur->end - cur->next);
		}
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
