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
	double time_scale;
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

static bool trace_next(struct op_stream *stream, struct op *op)
{
	struct trace_stream *s = stream->state;
	struct cursor *c = earliest(s);
	if (!c)
		return false;
	const struct trace_rec *r = c->next++;
	uint64_t ns = r->time_ns - s->start_ns;
	*op = (struct op){
		.id = r->id == TRACE_ID_NONE ? OP_ID_NONE : r->id,
		.pfn = r->pfn == TRACE_PFN_NONE ? PFN_NONE : r->pfn,
		.gfp = s->trace->gfps[r->gfp],
		.order = r->order,
		.offset = r->aux,
		.kind = r->kind == TRACE_PAGE_ALLOC ? OP_ALLOC : OP_FREE,
		.partial = r->flags & TRACE_F_PARTIAL,
		.failed = r->flags & TRACE_F_FAILED,
	};
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

static bool has_object(const struct trace_rec *r, enum trace_kind kind)
{
	return r->kind == kind && r->id != TRACE_ID_NONE;
}

/*
 * Records of @kind before the window: what they leave behind is the state at its start. All
 * allocations must be seen before any free, since another CPU may have freed the object.
 */
static int replay_before(const struct trace *trace, enum trace_kind kind, uint64_t start_ns,
			 struct objects *objects, struct err *err)
{
	for (unsigned cpu = 0; cpu < trace->cpus_count; cpu++) {
		const struct trace_rec *r = trace->ops[cpu], *last = r + trace->ops_count[cpu];
		for (; r < last && r->time_ns < start_ns; r++) {
			if (!has_object(r, kind))
				continue;
			struct object *o = objects_get(objects, r->id);
			if (!o)
				return no_memory(err);
			if (kind == TRACE_PAGE_ALLOC) {
				o->state = OBJECT_RECORDED;
				o->pfn = r->pfn;
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

static int open_cursor(struct cursor *c, const struct trace *trace, unsigned cpu, uint64_t start_ns,
		       uint64_t end_ns, struct objects *objects, struct err *err)
{
	const struct trace_rec *r = trace->ops[cpu], *last = r + trace->ops_count[cpu];
	while (r < last && r->time_ns < start_ns)
		r++;
	c->next = r;
	while (last > r && last[-1].time_ns >= end_ns) {
		last--;
		if (!has_object(last, TRACE_PAGE_ALLOC))
			continue;
		/* A free inside the window must not wait for an allocation outside it. */
		struct object *o = objects_get(objects, last->id);
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
	if (replay_before(trace, TRACE_PAGE_ALLOC, start_ns, objects, err) != 0 ||
	    replay_before(trace, TRACE_PAGE_FREE, start_ns, objects, err) != 0)
		return -1;
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		unsigned sources = trace->cpus_count > cpu
					   ? (trace->cpus_count - cpu - 1) / cpus_count + 1
					   : 0;
		struct trace_stream *s =
			calloc(1, sizeof(*s) + sources * sizeof(struct cursor));
		if (!s)
			return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
		w->streams[cpu] = (struct op_stream){trace_next, trace_release, s};
		s->trace = trace;
		s->start_ns = start_ns;
		s->time_scale = c->workload.time_scale;
		s->back_to_back = c->workload.pace == PACE_BACK_TO_BACK;
		s->cursors_count = sources;
		for (unsigned i = 0; i < sources; i++) {
			struct cursor *cur = &s->cursors[i];
			if (open_cursor(cur, trace, cpu + i * cpus_count, start_ns, end_ns, objects,
					err) != 0)
				return -1;
			w->ops_expected += (uint64_t)(cur->end - cur->next);
		}
	}
	return 0;
}

void workload_release(struct workload *w)
{
	for (unsigned i = 0; w->streams && i < w->cpus_count; i++) {
		if (w->streams[i].release)
			w->streams[i].release(&w->streams[i]);
	}
	free(w->streams);
	memset(w, 0, sizeof(*w));
}

bool workload_next(struct workload *w, unsigned cpu, struct op *op)
{
	return w->streams[cpu].next(&w->streams[cpu], op);
}
