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
 *   - {at: 2us, cpu: 0, kmalloc: b, size: 100B}
 *   - {at: 3us, cpu: 0, cache_alloc: c, cache: dentry}
 *
 * An entry that is wrong still takes part in the bookkeeping of names as far as it can, so that one
 * mistake does not make its block's later free a second one.
 *
 * Printing walks all CPUs' records of the trace together, in the order of the list (trace_rec.seq).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/gfp.h"
#include "sim/config_impl.h"
#include "sim/config_names.h"
#include "sim/trace_format.h"

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
	bool is_free = kind == TRACE_PAGE_FREE || kind == TRACE_OBJECT_FREE;
	struct trace_rec rec = {
		.time_ns = op->at_ns,
		.seq = (uint32_t)b->count,
		.id = block->id,
		/* No page was recorded. Frame 0 is legal for every order; nothing places blocks by
		   it. */
		.pfn = trace_kind_is_object(kind) ? TRACE_PFN_NONE : 0,
		.cpu = (uint16_t)op->cpu,
		.kind = (uint8_t)kind,
		.flags = (uint8_t)((is_free && block->cpu != op->cpu ? TRACE_F_OTHER_CPU : 0) |
				   op->context << TRACE_CONTEXT_SHIFT),
	};
	if (kind == TRACE_KMALLOC) {
		rec.aux = (uint32_t)u64_min(op->size_bytes, UINT32_MAX);
	} else if (trace_kind_is_object(kind)) {
		rec.cache = block->cache;
	} else {
		rec.order = block->order;
		rec.migratetype = block->migratetype;
	}
	struct err err = {0};
	if (op->node != CONFIG_AUTO && kind == TRACE_KMALLOC)
		rec.slot = (uint16_t)(op->node + 1);
	else if (op->node != CONFIG_AUTO && !is_free)
		rec.aux = (uint32_t)op->node + 1;
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

/* The cache's number among those that operations name, or -1 if it is not one of them yet. */
static int named_cache_find(const struct loader *ld, const char *name)
{
	for (unsigned i = 0; i < ld->ops_caches_count; i++) {
		if (strcmp(ld->ops_caches[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int named_cache_add(struct loader *ld, const char *name, const struct config_pos *pos)
{
	if (!ld->ops_caches)
		ld->ops_caches = calloc(CONFIG_CACHES, sizeof(*ld->ops_caches));
	if (!ld->ops_caches)
		return diag_no_memory(ld);
	struct named_cache *c = &ld->ops_caches[ld->ops_caches_count++];
	snprintf(c->name, sizeof(c->name), "%.*s", CONFIG_NAME - 1, name);
	c->pos = *pos;
	return 0;
}

/* The trace's index of the cache that an operation names; -1 without memory. */
static int operation_cache(struct ops_builder *b, const char *name)
{
	struct err err = {0};
	int index = named_cache_find(b->ld, name);
	if (index >= 0)
		return index;
	index = trace_writer_add_cache(b->writer, name, 0, 0, &err);
	if (index < 0)
		return writer_problem(b, &err);
	return named_cache_add(b->ld, name, &b->pos) == 0 ? index : -1;
}

/* What an allocation needs and may have beside its name. */
static void check_alloc_keys(struct ops_builder *b, const struct config_operation *op,
			     enum trace_kind kind, uint64_t seen)
{
	bool size = has_key(seen, "size"), order = has_key(seen, "order");
	if (kind == TRACE_PAGE_ALLOC && size == order)
		ops_problem(b, "alloc needs exactly one of 'order' and 'size'", NULL);
	else if (kind == TRACE_PAGE_ALLOC && size &&
		 (!op->size_bytes || op->size_bytes > (uint64_t)PAGE_BYTES << (ORDER_LIMIT - 1)))
		ops_problem(b, "alloc needs a 'size' of 1B..128MiB", NULL);
	if (kind == TRACE_KMALLOC && (!size || order))
		ops_problem(b, "kmalloc needs 'size', and no 'order'", NULL);
	if (kind == TRACE_CACHE_ALLOC && (!has_key(seen, "cache") || size || order))
		ops_problem(b, "cache_alloc needs 'cache', and neither 'order' nor 'size'", NULL);
	if (kind != TRACE_CACHE_ALLOC && has_key(seen, "cache"))
		ops_problem(b, "'cache' belongs to cache_alloc", NULL);
}

static void operation_alloc(struct ops_builder *b, const struct config_operation *op,
			    enum trace_kind kind, const char *name, uint64_t seen)
{
	bool by_size = has_key(seen, "size");
	check_alloc_keys(b, op, kind, seen);
	if (!*name)
		return;
	if (live_names_find(&b->live, name)) {
		ops_problem(b, "allocates a name that is still in use:", name);
		return;
	}
	int cache = kind == TRACE_CACHE_ALLOC && op->cache[0] ? operation_cache(b, op->cache) : 0;
	struct live_name *block = cache < 0 ? NULL : live_names_add(&b->live, name);
	if (!block) {
		b->failed = true;
		if (cache >= 0)
			diag_no_memory(b->ld);
		return;
	}
	if (op->node != CONFIG_AUTO &&
	    (!b->ld->ops_node_pos.source || op->node > b->ld->ops_node_max)) {
		b->ld->ops_node_max = op->node;
		b->ld->ops_node_pos = b->pos;
	}
	block->id = (uint32_t)b->ids_count++;
	block->cpu = (uint16_t)op->cpu;
	block->kind = (uint8_t)kind;
	block->cache = (uint16_t)cache;
	if (kind == TRACE_PAGE_ALLOC) {
		block->order = (uint8_t)operation_order(b, op, by_size);
		block->migratetype = (uint8_t)gfp_migratetype(op->gfp);
	}
	block->at_ns = op->at_ns;
	record_add(b, op, block, kind, op->gfp);
}

static void operation_free(struct ops_builder *b, const struct config_operation *op, uint64_t seen)
{
	static const char *const others[] = {"order", "size", "gfp", "cache", "node"};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (has_key(seen, others[i]))
			ops_problem(b, "free does not take", others[i]);
	}
	if (!op->free[0])
		return;
	struct live_name *block = live_names_find(&b->live, op->free);
	if (!block) {
		ops_problem(b, "frees a name that is not allocated:", op->free);
		return;
	}
	if (op->at_ns < block->at_ns)
		ops_problem(b, "frees a block before the time of its allocation:", op->free);
	bool pages = block->kind == TRACE_PAGE_ALLOC;
	if (block->kind == TRACE_KMALLOC)
		block->cache = TRACE_CACHE_NONE;
	record_add(b, op, block, pages ? TRACE_PAGE_FREE : TRACE_OBJECT_FREE, 0);
	live_names_remove(&b->live, block);
}

/* The one thing that an operation does. */
static void operation_do(struct ops_builder *b, const struct config_operation *op, uint64_t seen)
{
	const struct {
		const char *key, *name;
		enum trace_kind kind;
	} verbs[] = {
		{"alloc", op->alloc, TRACE_PAGE_ALLOC},
		{"kmalloc", op->kmalloc, TRACE_KMALLOC},
		{"cache_alloc", op->cache_alloc, TRACE_CACHE_ALLOC},
		{"free", op->free, TRACE_PAGE_FREE},
	};
	unsigned verb = 0, count = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (has_key(seen, verbs[i].key)) {
			verb = i;
			count++;
		}
	}
	if (count != 1)
		ops_problem(b, "needs exactly one of 'alloc', 'kmalloc', 'cache_alloc' and 'free'",
			    NULL);
	else if (verbs[verb].kind == TRACE_PAGE_FREE)
		operation_free(b, op, seen);
	else
		operation_alloc(b, op, verbs[verb].kind, verbs[verb].name, seen);
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
	operation_do(b, op, seen);
}

/* All entries up to the end of the list; -1 if the stream ends or the writer fails. */
static int read_entries(struct ops_builder *b)
{
	struct loader *ld = b->ld;
	for (uint64_t index = 0;; index++) {
		struct config_operation op = {.gfp = OPERATION_GFP, .node = CONFIG_AUTO};
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
	ld->ops_cpu_pos.source = ld->ops_order_pos.source = ld->ops_node_pos.source = NULL;
	ld->ops_caches_count = 0;
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

static void print_what(const struct trace *t, const struct trace_rec *rec, FILE *out)
{
	char gfp[256];
	unsigned context = (rec->flags & TRACE_F_CONTEXT) >> TRACE_CONTEXT_SHIFT;
	if (trace_kind_is_alloc(rec->kind))
		gfp_format(t->gfps[rec->gfp], gfp, sizeof(gfp));
	if (rec->kind == TRACE_PAGE_ALLOC)
		fprintf(out, "alloc: o%u, order: %u, gfp: %s", rec->id, rec->order, gfp);
	else if (rec->kind == TRACE_KMALLOC)
		fprintf(out, "kmalloc: o%u, size: %uB, gfp: %s", rec->id, rec->aux, gfp);
	else if (rec->kind == TRACE_CACHE_ALLOC)
		fprintf(out, "cache_alloc: o%u, cache: \"%s\", gfp: %s", rec->id,
			t->caches[rec->cache].name, gfp);
	else
		fprintf(out, "free: o%u", rec->id);
	if (trace_kind_is_alloc(rec->kind) && trace_rec_node(rec))
		fprintf(out, ", node: %u", trace_rec_node(rec) - 1);
	if (context)
		fprintf(out, ", context: %s", schema_context_names[context]);
	fputs("}\n", out);
}

int ops_print(const struct config *c, FILE *out, unsigned indent, struct err *err)
{
	struct trace t;
	uint64_t done[TRACE_CPUS_LIMIT] = {0};
	char at[UNITS_TEXT];
	if (trace_open_fd(&t, c->workload.ops_fd, c->workload.ops_name, err) != 0)
		return -1;
	for (int cpu; (cpu = next_cpu(&t, done)) >= 0;) {
		const struct trace_rec *rec = &t.ops[cpu][done[cpu]++];
		fprintf(out, "%*s- {at: %s, cpu: %d, ", (int)indent, "",
			units_format_u64(UNIT_DURATION, rec->time_ns, at), cpu);
		print_what(&t, rec, out);
	}
	trace_close(&t);
	return 0;
}

/* What the allocations of @t ask of other keys. */
static void recall_allocs(struct loader *ld, const struct trace *t, const struct config_pos *pos)
{
	for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
		for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
			const struct trace_rec *rec = &t->ops[cpu][i];
			if (!trace_kind_is_alloc(rec->kind))
				continue;
			if (rec->kind == TRACE_PAGE_ALLOC) {
				ld->ops_order_max = u64_max(ld->ops_order_max, rec->order);
				ld->ops_order_pos = *pos;
			}
			if (trace_rec_node(rec)) {
				ld->ops_node_max =
					u64_max(ld->ops_node_max, trace_rec_node(rec) - 1);
				ld->ops_node_pos = *pos;
			}
		}
	}
}

int ops_recall(struct loader *ld)
{
	const struct config_workload *w = &ld->c->workload;
	const char *name = source_add(ld, w->ops_name);
	const struct config_pos pos = {.source = name, .line = 1};
	struct err err = {0};
	struct trace t;
	if (!name)
		return -1;
	if (trace_open_fd(&t, w->ops_fd, w->ops_name, &err) != 0)
		return diag_at(ld, err.code, &pos, "workload.operations", "%s", err.text);
	ld->ops_cpu_max = t.cpus_count - 1;
	ld->ops_cpu_pos = pos;
	recall_allocs(ld, &t, &pos);
	for (uint32_t i = 0; i < t.caches_count && i < CONFIG_CACHES; i++)
		named_cache_add(ld, t.caches[i].name, &pos);
	trace_close(&t);
	return 0;
}
