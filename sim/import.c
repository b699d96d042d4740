/*
 * import.c - a recorded text trace becomes a binary one.
 *
 * Lines become events (import_ftrace.c, import_perf.c), events of kmem get their fields
 * (import_event.c, import_object_event.c). Objects are import_object.c's; this file keeps track of
 * what the events of pages mean together:
 *
 *   allocation   a new object, with the next id. If one of its pages is still live, a free was
 *                missed: the live block is freed first (IMPLICIT).
 *   free         of a live block: an ordinary free. Of a part of one: PARTIAL, and the rest stays
 *                live (import_live.c). Of more than was allocated: what is live in it is freed,
 *                block by block. Of nothing that is live: PREEXISTING, see below.
 *   taken, drained, extfrag    evidence; stored, never replayed
 *   free_batched               repeats a free; counted
 *
 * Frees of unknown blocks are of two kinds. A page that no event has named before was allocated
 * before the recording began: its block goes into the trace's preexisting section. A page that was
 * free at some earlier event must have been allocated since, by a path without a tracepoint
 * (alloc_pages_bulk); it is counted as an untraced allocation. So `seen`, the set of all pages that
 * an event has named, decides, and preexisting blocks never overlap.
 *
 * Time never goes back within a CPU: an event that is earlier than its CPU's last one is moved to
 * that time and counted. Time 0 of the trace is the first event that is imported.
 *
 * Findings are counted, with the first line of each, and are no errors unless strict. Errors are
 * inputs that are no trace, and what exceeds the trace format.
 */
#include "sim/import.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "kern/bug.h"
#include "kern/env.h"
#include "kern/types.h"
#include "sim/import_impl.h"
#include "sim/import_user.h"

#define SNIFF_LINES_MAX      1000
#define PROGRESS_LINES       2048

const struct import_format import_formats[] = {
	{"ftrace", "the `trace` or `trace_pipe` file of tracefs"},
	{"trace-cmd", "output of `trace-cmd report`"},
	{"perf", "output of `perf script`"},
	{"rep", "CS:APP malloc lab: a, r and f lines after a header of numbers"},
	{"mtrace", "what glibc's mtrace() writes"},
	{"heaptrack", "heaptrack, raw or interpreted"},
	{"wee_alloc", "wee_alloc's test traces: Alloc(size) and Free(index)"},
	{"csv", "any table; --map says which column is what"},
	{NULL, NULL},
};

/* What strict mode doesn't accept, and how it says so. */
static const struct finding {
	size_t field; /* of struct trace_report */
	const char *text;
} findings[FINDINGS] = {
	{offsetof(struct trace_report, lost_events), "events lost by the recorder"},
	{offsetof(struct trace_report, skipped_lines), "lines that are no event"},
	{offsetof(struct trace_report, truncated_lines), "events cut short"},
	{offsetof(struct trace_report, out_of_order), "events out of order"},
	{offsetof(struct trace_report, live_allocations), "allocations of a live page"},
	{offsetof(struct trace_report, order_mismatches), "frees larger than their allocation"},
	{offsetof(struct trace_report, unmatched_frees),
	 "frees of blocks older than the recording"},
	{offsetof(struct trace_report, untraced_allocations), "frees of pages that were free"},
	{offsetof(struct trace_report, unknown_gfp_names), "unknown gfp flag names"},
	{offsetof(struct trace_report, live_object_allocations), "allocations of a live object"},
	{offsetof(struct trace_report, unmatched_object_frees),
	 "frees of objects older than the recording"},
	{offsetof(struct trace_report, untraced_object_allocations),
	 "frees of objects that were free"},
	{offsetof(struct trace_report, wrong_cache_frees), "frees to another cache"},
	{offsetof(struct trace_report, cache_name_clashes), "caches of one name and two sizes"},
};

int import_error_here(const struct import *im, const char *what)
{
	return err_set(im->err, ERR_TRACE, "%s:%" PRIu64 ": %s", textin_name(im->in),
		       textin_line_number(im->in), what);
}

int import_out_of_memory(const struct import *im)
{
	return err_set(im->err, ERR_IO, "%s: out of memory", textin_name(im->in));
}

static uint64_t *report_field(struct trace_report *report, size_t field)
{
	return (uint64_t *)(void *)((char *)report + field);
}

void import_note(struct import *im, uint64_t *counter, uint64_t n)
{
	for (size_t i = 0; i < FINDINGS && n && !*counter; i++) {
		if (report_field(im->report, findings[i].field) == counter)
			im->first_line[i] = textin_line_number(im->in);
	}
	*counter += n;
}

int import_emit(struct import *im, struct trace_rec rec, gfp_t gfp)
{
	if (im->seq == UINT32_MAX)
		return import_error_here(im, "more events than a trace can hold (2^32 - 1)");
	rec.seq = im->seq++;
	int raised = trace_writer_add(im->writer, &rec, gfp, im->err);
	if (raised < 0)
		return -1;
	im->moved |= raised;
	if (!(rec.flags & TRACE_F_IMPLICIT))
		im->report->imported++;
	if (trace_kind_is_demand(rec.kind))
		im->report->demands++;
	else
		im->report->evidence++;
	im->report->span_ns = u64_max(im->report->span_ns, rec.time_ns);
	return 0;
}

int64_t import_new_id(struct import *im)
{
	if (im->next_id == TRACE_ID_NONE)
		return import_error_here(im, "more allocations than a trace can hold (2^32 - 1)");
	return im->next_id++;
}

static int mark_seen(struct import *im, pfn_t pfn, unsigned order)
{
	int before = pfnset_add(&im->seen, pfn, UINT64_C(1) << order);
	return before < 0 ? import_out_of_memory(im) : before;
}

/* Free the live block @block at @pfn; @rec has time and CPU of the event, @flags are added. */
static int emit_free(struct import *im, struct trace_rec rec, pfn_t pfn,
		     const struct live_block *block, unsigned flags)
{
	rec.kind = TRACE_PAGE_FREE;
	rec.id = block->id;
	rec.pfn = (uint32_t)pfn;
	rec.order = block->order;
	rec.aux = block->offset;
	rec.flags |= (uint8_t)(flags | (block->part ? TRACE_F_PARTIAL : 0) |
			      (block->cpu != rec.cpu ? TRACE_F_OTHER_CPU : 0));
	if (rec.flags & TRACE_F_PARTIAL)
		im->report->partial_frees++;
	return import_emit(im, rec, 0);
}

/* Free every live block that overlaps the @order block at @pfn: *@freed tells how many. */
static int free_overlapping(struct import *im, struct trace_rec rec, pfn_t pfn, unsigned order,
			    unsigned flags, unsigned *freed)
{
	pfn_t pfn_end = pfn + (UINT64_C(1) << order);
	struct live_block block;
	pfn_t at = live_find(&im->live, pfn, order, &block);
	*freed = 0;
	if (at == PFN_NONE)
		at = live_find_inside(&im->live, pfn, pfn_end, &block);
	while (at != PFN_NONE) {
		live_remove(&im->live, at, &block);
		if (emit_free(im, rec, at, &block, flags) != 0)
			return -1;
		++*freed;
		at = live_find_inside(&im->live, at + 1, pfn_end, &block);
	}
	return 0;
}

/* What a block of these flags tells about the cache whose slab it may be. */
static uint8_t slab_flags(gfp_t gfp)
{
	return (uint8_t)(TRACE_CACHE_GREW |
			 (gfp & __GFP_RECLAIMABLE ? TRACE_CACHE_RECLAIMABLE : 0) |
			 (gfp & __GFP_DMA ? TRACE_CACHE_DMA : 0));
}

static int handle_alloc(struct import *im, struct trace_rec rec, const struct page_event *page)
{
	rec.kind = TRACE_PAGE_ALLOC;
	import_note(im, &im->report->unknown_gfp_names, page->unknown_gfp_names);
	if (page->failed) {
		rec.pfn = TRACE_PFN_NONE;
		rec.flags |= TRACE_F_FAILED;
		im->report->failed_allocations++;
		return import_emit(im, rec, page->gfp);
	}
	unsigned freed;
	if (free_overlapping(im, rec, page->pfn, rec.order, TRACE_F_IMPLICIT, &freed) != 0)
		return -1;
	if (freed)
		import_note(im, &im->report->live_allocations, 1);
	int64_t id = import_new_id(im);
	if (id < 0)
		return -1;
	rec.id = (uint32_t)id;
	object_tracker_page(&im->objects, rec.cpu, page->pfn, rec.order);
	struct live_block block = {
		.id = rec.id,
		.order = rec.order,
		.cpu = (uint8_t)rec.cpu,
		.slab_flags = slab_flags(page->gfp),
	};
	if (live_add(&im->live, page->pfn, block) != 0)
		return import_out_of_memory(im);
	if (mark_seen(im, page->pfn, rec.order) < 0)
		return -1;
	return import_emit(im, rec, page->gfp);
}

/* A free of pages that are not live as far as we know. */
static int handle_unknown_free(struct import *im, struct trace_rec rec)
{
	int seen = mark_seen(im, rec.pfn, rec.order);
	if (seen < 0)
		return -1;
	if (seen) {
		import_note(im, &im->report->untraced_allocations, 1);
	} else {
		import_note(im, &im->report->unmatched_frees, 1);
		if (trace_writer_add_preexisting(im->writer, rec.pfn, rec.order, im->err) != 0)
			return -1;
	}
	rec.flags |= TRACE_F_PREEXISTING;
	if (object_tracker_knows_page(&im->objects, rec.pfn, rec.order))
		rec.flags |= TRACE_F_SLAB;
	return import_emit(im, rec, 0);
}

static int handle_free(struct import *im, struct trace_rec rec)
{
	struct live_block block;
	rec.kind = TRACE_PAGE_FREE;
	pfn_t at = live_find(&im->live, rec.pfn, rec.order, &block);
	if (at != PFN_NONE && block.order == rec.order) {
		live_remove(&im->live, at, &block);
		return emit_free(im, rec, at, &block, 0);
	}
	if (at != PFN_NONE) {
		if (live_cut(&im->live, at, &block, rec.pfn, rec.order) != 0)
			return import_out_of_memory(im);
		block.offset += (uint32_t)(rec.pfn - at);
		block.order = rec.order;
		block.part = true;
		return emit_free(im, rec, rec.pfn, &block, 0);
	}
	unsigned freed;
	if (free_overlapping(im, rec, rec.pfn, rec.order, 0, &freed) != 0)
		return -1;
	if (!freed)
		return handle_unknown_free(im, rec);
	import_note(im, &im->report->order_mismatches, 1);
	return 0;
}

static int handle_evidence(struct import *im, struct trace_rec rec, enum page_event_kind kind,
			   const struct page_event *page)
{
	if (kind == PAGE_EVENT_EXTFRAG) {
		rec.kind = TRACE_PAGE_EXTFRAG;
		rec.migratetype = (uint8_t)page->fallback_migratetype;
		rec.aux =
			(uint32_t)(page->fallback_order | page->alloc_migratetype << 8 |
				   page->fallback_migratetype << 16 | page->change_ownership << 24);
	} else {
		rec.kind = kind == PAGE_EVENT_TAKEN ? TRACE_PAGE_TAKEN : TRACE_PAGE_DRAINED;
	}
	if (mark_seen(im, page->pfn, rec.order) < 0)
		return -1;
	return import_emit(im, rec, 0);
}

/* What is common to the records of an event at @time_ns. */
static struct trace_rec make_record(struct import *im, const struct text_event *event,
				    uint64_t time_ns)
{
	if (!im->based) {
		im->based = true;
		im->base_ns = time_ns;
	}
	if (time_ns < im->base_ns) {
		im->moved = true;
		time_ns = im->base_ns;
	}
	return (struct trace_rec){
		.time_ns = time_ns - im->base_ns,
		.id = TRACE_ID_NONE,
		.cpu = (uint16_t)event->cpu,
	};
}

/* Only demands have one. */
static uint8_t context_flags(const struct text_event *event)
{
	return (uint8_t)(event->context << TRACE_CONTEXT_SHIFT);
}

static int handle_page_event(struct import *im, const struct text_event *event,
			     enum page_event_kind kind, uint64_t time_ns)
{
	struct page_event page;
	switch (page_event_parse(event, kind, &im->gfps, &page)) {
	case PAGE_EVENT_KEY_MISSING:
		import_note(im, &im->report->truncated_lines, 1);
		return 0;
	case PAGE_EVENT_ILLEGAL:
		import_note(im, &im->report->skipped_lines, 1);
		return 0;
	case PAGE_EVENT_FINE:
		break;
	}
	struct trace_rec rec = make_record(im, event, time_ns);
	rec.pfn = (uint32_t)page.pfn;
	rec.order = (uint8_t)page.order;
	rec.migratetype = (uint8_t)page.migratetype;
	if (kind == PAGE_EVENT_ALLOC || kind == PAGE_EVENT_FREE)
		rec.flags = context_flags(event);
	if (kind == PAGE_EVENT_ALLOC)
		return handle_alloc(im, rec, &page);
	if (kind == PAGE_EVENT_FREE)
		return handle_free(im, rec);
	return handle_evidence(im, rec, kind, &page);
}

static int handle_object_event(struct import *im, const struct text_event *event,
			       enum object_event_kind kind, uint64_t time_ns)
{
	/* Time 0 is the first event that leaves a record; some of these don't. */
	bool based = im->based;
	uint64_t imported = im->report->imported;
	struct trace_rec rec = make_record(im, event, time_ns);
	rec.flags = context_flags(event);
	int result = import_object_event(im, event, kind, rec);
	if (im->report->imported == imported)
		im->based = based;
	return result;
}

static int handle_event(struct import *im, const struct text_event *event)
{
	uint64_t time_ns = event->time_ns;
	if (event->cpu >= TRACE_CPUS_LIMIT)
		return import_error_here(im,
					 "a CPU above 255, more than this version can simulate");
	im->report->events++;
	im->moved = time_ns < im->last_ns[event->cpu];
	if (im->moved)
		time_ns = im->last_ns[event->cpu];
	im->last_ns[event->cpu] = time_ns;

	int result = 0;
	enum page_event_kind kind = page_event_kind(event);
	enum object_event_kind object_kind = object_event_kind(event);
	if (object_kind != OBJECT_EVENT_NONE)
		result = handle_object_event(im, event, object_kind, time_ns);
	else if (kind == PAGE_EVENT_NONE)
		im->report->other_events++;
	else if (kind == PAGE_EVENT_FREE_BATCHED)
		im->report->batched_frees++;
	else
		result = handle_page_event(im, event, kind, time_ns);
	if (im->moved)
		import_note(im, &im->report->out_of_order, 1);
	return result;
}

/* The two accounts of loss describe the same events: the larger one counts. */
static void note_lost(struct import *im)
{
	uint64_t lost = u64_max(im->lost_total, im->lost_missed);
	import_note(im, &im->report->lost_events, lost - im->report->lost_events);
}

/* Which parser understands this line? The formats have no event line in common. */
static enum line_kind sniff_line(struct import *im, const char *text, const char *end,
				 struct text_event *event, uint64_t *lost)
{
	static const char tracer[] = "# tracer:";
	enum line_kind kind = import_ftrace.parse(text, end, event, lost);
	if (kind == LINE_EVENT || kind == LINE_LOST || kind == LINE_MISSED ||
	    strncmp(text, tracer, sizeof(tracer) - 1) == 0) {
		im->parser = &import_ftrace;
		return kind;
	}
	enum line_kind perf_kind = import_perf.parse(text, end, event, lost);
	if (perf_kind == LINE_EVENT || perf_kind == LINE_MISSED) {
		im->parser = &import_perf;
		return perf_kind;
	}
	return kind;
}

static int handle_line(struct import *im, const struct textline *line)
{
	struct text_event event = {.context = CONTEXT_PROCESS};
	uint64_t lost = 0;
	enum line_kind kind = LINE_UNKNOWN;
	/* A last line without its end may look complete and not be: order=1 of order=10. */
	if (line->unterminated) {
		import_note(im, &im->report->truncated_lines, 1);
		return 0;
	}
	if (!line->too_long) {
		const char *end = line->text + line->bytes;
		kind = im->parser ? im->parser->parse(line->text, end, &event, &lost)
				  : sniff_line(im, line->text, end, &event, &lost);
	}
	switch (kind) {
	case LINE_EVENT:
		return handle_event(im, &event);
	case LINE_LOST:
		im->lost_total = u64_max(im->lost_total, lost);
		note_lost(im);
		return 0;
	case LINE_MISSED:
		im->lost_missed += lost;
		note_lost(im);
		return 0;
	case LINE_UNKNOWN:
		import_note(im, &im->report->skipped_lines, 1);
		return 0;
	case LINE_IGNORED:
		return 0;
	}
	BUG("line kind %d", kind);
}

static int read_lines(struct import *im, struct progress *progress)
{
	struct textline line;
	int more;
	while ((more = textin_line(im->in, &line, im->err)) == 1) {
		uint64_t number = textin_line_number(im->in);
		if (im->stop && *im->stop)
			return err_set(im->err, ERR_INTERRUPTED,
				       "interrupted; nothing was written");
		if (handle_line(im, &line) != 0)
			return -1;
		if (!im->parser && number == SNIFF_LINES_MAX)
			break;
		if (progress && number % PROGRESS_LINES == 0)
			progress_update(progress, textin_bytes_read(im->in), im->report->events);
	}
	if (more < 0)
		return -1;
	if (textin_line_number(im->in) == 0)
		return err_set(im->err, ERR_TRACE, "%s: empty input", textin_name(im->in));
	if (!im->parser)
		return err_set(im->err, ERR_TRACE,
			       "%s:%" PRIu64
			       ": no trace: not one line so far is an event as ftrace, "
			       "trace-cmd report or perf script print it (`allocsim list formats`; "
			       "a table needs --format csv and --map)",
			       textin_name(im->in), textin_line_number(im->in));
	return 0;
}

static int check_strict(struct import *im)
{
	size_t first = FINDINGS;
	for (size_t i = 0; i < FINDINGS; i++) {
		if (*report_field(im->report, findings[i].field) &&
		    (first == FINDINGS || im->first_line[i] < im->first_line[first]))
			first = i;
	}
	if (first == FINDINGS)
		return 0;
	return err_set(im->err, ERR_TRACE,
		       "%s:%" PRIu64 ": %s: %" PRIu64 " in all, the first is here (--strict)",
		       textin_name(im->in), im->first_line[first], findings[first].text,
		       *report_field(im->report, findings[first].field));
}

int import_text(struct textin *in, const struct import_parser *parser, bool strict,
		volatile const int *stop, struct progress *progress, struct trace_writer *writer,
		struct trace_report *report, int *fd, struct err *err)
{
	int result = -1;
	struct import im = {.in = in,
			    .parser = parser,
			    .writer = writer,
			    .report = report,
			    .stop = stop,
			    .err = err};
	*report = (struct trace_report){0};
	if (pfnset_init(&im.seen) != 0 || object_tracker_init(&im.objects) != 0) {
		import_out_of_memory(&im);
		goto out;
	}
	if (read_lines(&im, progress) != 0)
		goto out;
	if (!report->imported) {
		err_set(err, ERR_TRACE,
			"%s: no event of kmem (mm_page_*, kmalloc, kmem_cache_*) among %" PRIu64
			" events: nothing to replay",
			textin_name(in), report->events);
		goto out;
	}
	if (strict && check_strict(&im) != 0)
		goto out;
	import_objects_finish(&im);
	im.writer = NULL;
	result = trace_writer_finish(writer, im.base_ns, report, fd, err);
out:
	trace_writer_abort(im.writer);
	object_tracker_release(&im.objects);
	live_release(&im.live);
	pfnset_release(&im.seen);
	return result;
}

/* NULL for a format that is to be sniffed. */
static int find_parser(const char *format, const struct import_parser **parser, struct err *err)
{
	*parser = NULL;
	if (!format)
		return 0;
	if (strcmp(format, "ftrace") == 0 || strcmp(format, "trace-cmd") == 0)
		*parser = &import_ftrace;
	else if (strcmp(format, "perf") == 0)
		*parser = &import_perf;
	else
		return err_set(err, ERR_USAGE,
			       "unknown trace format '%s'; see allocsim list formats", format);
	return 0;
}

/* Renaming the trace to its own input would destroy the recording. */
static bool is_same_file(const struct textin *in, const char *output)
{
	struct stat a, b;
	return fstat(textin_fd(in), &a) == 0 && stat(output, &b) == 0 && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* A file that is no binary trace was hardly meant to be replaced by one. */
static int check_output(const char *output, struct err *err)
{
	char magic[8]; /* as in struct trace_header */
	struct stat st;
	if (stat(output, &st) != 0 || !S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	FILE *f = fopen(output, "re");
	bool ours = f && fread(magic, 1, sizeof(magic), f) == sizeof(magic) &&
		    memcmp(magic, TRACE_MAGIC, sizeof(magic)) == 0;
	if (f)
		fclose(f);
	if (ours)
		return 0;
	return err_set(err, ERR_CANT_CREATE, "%s: exists and is no binary trace; not overwritten",
		       output);
}

int import_trace(const struct import_options *options, struct trace_report *report, struct err *err)
{
	const struct import_parser *parser = NULL;
	struct import_user_options user = {0};
	struct progress progress = {0};
	int result = -1;
	if (import_user_options(options, &user, err) != 0 ||
	    (!user.format && find_parser(options->format, &parser, err) != 0))
		return -1;
	struct textin *in = textin_open(options->input, err);
	if (!in)
		return -1;
	if (is_same_file(in, options->output)) {
		err_set(err, ERR_USAGE, "%s: input and output are the same file", options->output);
		goto out;
	}
	if (check_output(options->output, err) != 0)
		goto out;
	if (!options->format && user_format_sniff(in, &user.format, err) != 0)
		goto out;
	if (import_user_check(options, &user, err) != 0)
		goto out;
	struct trace_writer *writer = trace_writer_new(options->output, err);
	if (!writer)
		goto out;
	if (options->progress)
		progress_init(&progress, "import", textin_bytes_total(in));
	if (user.format)
		result = import_user_text(in, &user, options->strict, options->stop, &progress,
					  writer, report, NULL, err);
	else
		result = import_text(in, parser, options->strict, options->stop, &progress, writer,
				     report, NULL, err);
	progress_done(&progress);
out:
	textin_close(in);
	return result;
}
