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
		if (!best || c->next->time_ns < best->next->time_ns ||
		    (c->next->time_ns == best->next->time_ns && c->next->seq < best->next->seq))
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

/* Records before the window: what they leave behind is the state at its start. */
static int replay_before(const struct trace_rec *r, struct objects *objects, struct err *err)
{
	if (r->id == TRACE_ID_NONE)
		return 0;
	struct object *o = objects_get(objects, r->id);
	if (!o)
		return err_set(err, ERR_IO, "out of memory for the trace's objects");
	if (r->kind == TRACE_PAGE_ALLOC) {
		o->state = OBJECT_RECORDED;
		o->pfn = r->pfn;
		o->order = r->order;
	} else if (!(r->flags & TRACE_F_PARTIAL) || object_free_part(o, 1u << r->order)) {
		objects_drop(objects, r->id);
	}
	return 0;
}

static int open_cursor(struct cursor *c, const struct trace *trace, unsigned cpu, uint64_t start_ns,
		       uint64_t end_ns, struct objects *objects, struct err *err)
{
	const struct trace_rec *r = trace->ops[cpu], *last = r + trace->ops_count[cpu];
	for (; r < last && r->time_ns < start_ns; r++) {
		if (replay_before(r, objects, err) != 0)
			return -1;
	}
	c->next = r;
	while (last > r && last[-1].time_ns >= end_ns) {
		last--;
		/* A free inside the window must not wait for an allocation outside it. */
		struct object *o =
			last->kind == TRACE_PAGE_ALLOC ? objects_get(objects, last->id) : NULL;
		if (o)
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
	w->cpus_count = cpus_count;
	w->streams = calloc(cpus_count, sizeof(*w->streams));
	if (!w->streams)
		return err_set(err, ERR_IO, "out of memory for %u streams", cpus_count);
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
