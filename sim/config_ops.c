/*
 * config_ops.c - workload.operations: from YAML into a binary trace, and back.
 *
 * A list may have millions of entries, so none of it is kept: each entry is read from the event
 * stream, checked, and appended to an unlinked trace, which a run maps like a recorded one. What is
 * kept is the names that live (config_names.h) and the last time of each CPU. Names become dense
 * ids in order of allocation, as the trace format wants.
 *
 *   - {at: 0ns, cpu: 0, alloc: a, order: 3, gfp: GFP_KERNEL}
 *   - {at: 1us, cpu: 1, free: a}
 *
 * An entry that is wrong still takes part in the bookkeeping of names as far as it can, so that one
 * mistake does not make its block's later free a second one.
 *
 * Printing walks all CPUs' records of the trace together, in the order of the list (trace_rec.seq).
 */
#include <string.h>
#include <unistd.h>

#include "kern/gfp.h"
#include "sim/config_impl.h"
#include "sim/config_names.h"
#include "sim/trace.h"

struct ops_builder {
	struct loader *ld;
	struct trace_writer *writer;
	struct live_names live;
	uint64_t last_ns[CPUS_LIMIT];
	uint64_t count, ids_count, span_ns;
	struct config_pos pos; /* of the entry */
	bool failed;           /* the writer: its error is reported, nothing more is added */
};

static int ops_problem(struct ops_builder *b, const char *what, const char *name)
{
	char quoted[QUOTE_SIZE];
	return diag_at(b->ld, ERR_CONFIG, &b->pos, b->ld->path, "%s%s%s%s", what, name ? " '" : "",
		       name ? diag_quote(name, quoted) : "", name ? "'" : "");
}

static bool has_key(uint64_t seen, const char *key)
{
	return seen >> schema_find(&schema_operation, key) & 1;
}

static int writer_problem(struct ops_builder *b, const struct err *err)
{
	b->failed = true;
	diag_at(b->ld, err->code, &b->pos, b->ld->path, "%s", err->text);
	return -1;
}

static void record_add(struct ops_builder *b, const struct config_operation *op,
		       const struct live_name *block, enum trace_kind kind, gfp_t gfp)
{
	struct trace_rec rec = {
		.time_ns = op->at_ns,
		.seq = (uint32_t)b->count,
		.id = block->id,
		/* No page was recorded. Frame 0 is legal for every order; nothing places objects by
		   it. */
		.pfn = 0,
		.cpu = (uint16_t)op->cpu,
		.kind = (uint8_t)kind,
		.order = block->order,
		.migratetype = block->migratetype,
		.flags = kind == TRACE_PAGE_FREE && block->cpu != op->cpu ? TRACE_F_OTHER_CPU : 0,
	};
	struct err err = {0};
	if (b->ld->problems_count == 0 && trace_writer_add(b->writer, &rec, gfp, &err) < 0)
		writer_problem(b, &err);
	b->count++;
	b->span_ns = u64_max(b->span_ns, op->at_ns);
}

/* The order of an allocation; keeps the largest one for the check against buddy.max_order. */
static unsigned operation_order(struct ops_builder *b, const struct config_operation *op,
				bool by_size)
{
	uint64_t order = op->order;
	if (by_size)
		for (order = 0; ((uint64_t)PAGE_BYTES << order) < op->size_bytes;)
			order++;
	if (!b->ld->ops_order_pos.source || order > b->ld->ops_order_max) {
		b->ld->ops_order_max = order;
		b->ld->ops_order_pos = b->pos;
	}
	return (unsigned)order;
}

static void operation_alloc(struct ops_builder *b, const struct config_operation *op, uint64_t seen)
{
	bool by_size = has_key(seen, "size");
	if (by_size == has_key(seen, "order"))
		ops_problem(b, "alloc needs exactly one of 'order' and 'size'", NULL);
	if (!op->alloc[0])
		return;
	if (live_names_find(&b->live, op->alloc)) {
		ops_problem(b, "allocates a name that is still in use:", op->alloc);
		return;
	}
	struct live_name *block = live_names_add(&b->live, op->alloc);
	if (!block) {
		b->failed = true;
		diag_no_memory(b->ld);
		return;
	}
	block->id = (uint32_t)b->ids_count++;
	block->cpu = (uint16_t)op->cpu;
	block->order = (uint8_t)operation_order(b, op, by_size);
	block->migratetype = (uint8_t)gfp_migratetype(op->gfp);
	block->at_ns = op->at_ns;
	record_add(b, op, block, TRACE_PAGE_ALLOC, op->gfp);
}

static void operation_free(struct ops_builder *b, const struct config_operation *op, uint64_t seen)
{
	if (has_key(seen, "order") || has_key(seen, "size") || has_key(seen, "gfp"))
		ops_problem(b, "'order', 'size' and 'gfp' belong to alloc, not to free", NULL);
	if (!op->free[0])
		return;
	struct live_name *block = live_names_find(&b->live, op->free);
	if (!block) {
		ops_problem(b, "frees a name that is not allocated:", op->free);
		return;
	}
	if (op->at_ns < block->at_ns)
		ops_problem(b, "frees a block before the time of its allocation:", op->free);
	record_add(b, op, block, TRACE_PAGE_FREE, 0);
	live_names_remove(&b->live, block);
}

static void operation_apply(struct ops_builder *b, const struct config_operation *op, uint64_t seen)
{
	struct loader *ld = b->ld;
	if (b->count >= TRACE_ID_NONE) {
		ops_problem(b, "the list is too long for a trace", NULL);
		b->failed = true;
		return;
	}
	if (!ld->ops_cpu_pos.source || op->cpu > ld->ops_cpu_max) {
		ld->ops_cpu_max = op->cpu;
		ld->ops_cpu_pos = b->pos;
	}
	if (has_key(seen, "at")) {
		if (op->at_ns < b->last_ns[op->cpu])
			ops_problem(b, "time goes back on this CPU", NULL);
		b->last_ns[op->cpu] = u64_max(b->last_ns[op->cpu], op->at_ns);
	}
	if (has_key(seen, "alloc") == has_key(seen, "free"))
		ops_problem(b, "needs exactly one of 'alloc' and 'free'", NULL);
	else if (has_key(seen, "alloc"))
		operation_alloc(b, op, seen);
	else
		operation_free(b, op, seen);
}

/* All entries up to the end of the list; -1 if the stream ends or the writer fails. */
static int read_entries(struct ops_builder *b)
{
	struct loader *ld = b->ld;
	for (uint64_t index = 0;; index++) {
		struct config_operation op = {.gfp = OPERATION_GFP};
		uint64_t seen;
		if (yaml_reader_next(ld->reader) != 0)
			return -1;
		if (ld->reader->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		size_t length = path_push_index(ld, index);
		bool is_mapping = ld->reader->event.type == YAML_MAPPING_START_EVENT;
		b->pos = pos_here(ld);
		int rc = value_load_mapping(ld, &schema_operation, &op, &seen);
		if (rc == 0 && is_mapping)
			operation_apply(b, &op, seen);
		else if (rc == 0 && yaml_reader_is_null(ld->reader))
			ops_problem(b, "is empty", NULL);
		path_pop(ld, length);
		if (rc != 0 || b->failed || diag_is_full(ld))
			return -1;
	}
}

/* The trace of what was read becomes the workload's, unless something was wrong. */
static int ops_finish(struct ops_builder *b)
{
	struct config_workload *w = &b->ld->c->workload;
	struct trace_report report = {
		.events = b->count,
		.imported = b->count,
		.demands = b->count,
		.span_ns = b->span_ns,
	};
	struct trace_writer *writer = b->writer;
	struct err err = {0};
	if (b->count == 0 || b->ld->problems_count)
		return 0;
	b->writer = NULL;
	if (trace_writer_finish(writer, 0, &report, &w->ops_fd, &err) != 0) {
		w->ops_fd = -1;
		return writer_problem(b, &err);
	}
	snprintf(w->ops_name, sizeof(w->ops_name), "%.*s", (int)sizeof(w->ops_name) - 1,
		 b->ld->source);
	return 0;
}

int ops_load(struct loader *ld)
{
	struct ops_builder b = {.ld = ld, .pos = pos_here(ld)};
	struct config_workload *w = &ld->c->workload;
	struct err err = {0};
	int rc = -1;
	if (ld->reader->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list of operations");
		return yaml_reader_skip(ld->reader);
	}
	if (w->ops_fd >= 0)
		close(w->ops_fd);
	w->ops_fd = -1;
	w->ops_name[0] = '\0';
	ld->ops_cpu_pos.source = ld->ops_order_pos.source = NULL;
	ld->places_off = true;
	b.writer = trace_writer_new(NULL, &err);
	if (!b.writer) {
		writer_problem(&b, &err);
		goto out;
	}
	if (read_entries(&b) != 0)
		goto out;
	rc = ops_finish(&b);
out:
	trace_writer_abort(b.writer);
	live_names_release(&b.live);
	ld->places_off = false;
	return rc;
}

/* The CPU whose next record stands first in the list; -1 at the end. */
static int next_cpu(const struct trace *t, const uint64_t *done)
{
	int best = -1;
	uint32_t best_seq = UINT32_MAX;
	for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
		if (done[cpu] == t->ops_count[cpu])
			continue;
		uint32_t seq = t->ops[cpu][done[cpu]].seq;
		if (best < 0 || seq < best_seq) {
			best = (int)cpu;
			best_seq = seq;
		}
	}
	return best;
}

int ops_print(const struct config *c, FILE *out, unsigned indent, struct err *err)
{
	struct trace t;
	uint64_t done[TRACE_CPUS_LIMIT] = {0};
	char at[UNITS_TEXT], gfp[256];
	if (trace_open_fd(&t, c->workload.ops_fd, c->workload.ops_name, err) != 0)
		return -1;
	for (int cpu; (cpu = next_cpu(&t, done)) >= 0;) {
		const struct trace_rec *rec = &t.ops[cpu][done[cpu]++];
		fprintf(out, "%*s- {at: %s, cpu: %d, ", (int)indent, "",
			units_format_u64(UNIT_DURATION, rec->time_ns, at), cpu);
		if (rec->kind == TRACE_PAGE_ALLOC)
			fprintf(out, "alloc: o%u, order: %u, gfp: %s}\n", rec->id, rec->order,
				gfp_format(t.gfps[rec->gfp], gfp, sizeof(gfp)));
		else
			fprintf(out, "free: o%u}\n", rec->id);
	}
	trace_close(&t);
	return 0;
}
