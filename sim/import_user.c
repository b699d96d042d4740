/*
 * import_user.c - a trace of a user program's malloc, free and realloc becomes a binary one.
 *
 * The parsers (import_sequence.c, import_mtrace.c, import_heaptrack.c, import_csv.c) say what a
 * line says; this file says what it means. Each object becomes a kmalloc request of its size:
 *
 *   alloc     TRACE_KMALLOC with the next id. If the key is still live, a free was missed: the old
 *             object is freed first (IMPLICIT). A failed one is a demand without an id.
 *   free      TRACE_OBJECT_FREE of what the key names. Of a key that nothing had: the object is
 *             older than the recording, and there is nothing to free (counted, not written). Of one
 *             that was freed already, or, where objects are numbered, never made: a double free.
 *   realloc   a new object, then the old one is freed, as an allocator does that can't grow in
 *             place. Of an unknown key or NULL: an allocation. To 0 bytes: a free, as in C.
 *
 * Time. Where the text has times, time 0 is the first event's, and an event that is earlier than
 * its CPU's last is moved to it (counted). Where it has none, events are a gap apart. In between is
 * a clock that ticks now and then (heaptrack, each 10 ms): an event comes a gap after the one
 * before, but not before the clock's latest tick.
 *
 * Sizes of 0 are demands like any other; what does not fit 32 bits is stored as UINT32_MAX, which
 * no allocator can serve. Findings are counted, with the line of the first, and are errors only if
 * strict.
 *
 * What it does not do: alignment (memalign) and zeroing (calloc) are not kept, since a kmalloc
 * request has none; nor is the thread, except for a CSV column of the CPU.
 */
#include "sim/import_user.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"
#include "kern/gfp.h"
#include "kern/types.h"

#define PROGRESS_LINES 2048

static const struct user_format *const formats[] = {
	&user_rep, &user_mtrace, &user_heaptrack, &user_wee_alloc, &user_csv,
};

/* What strict mode doesn't accept, and how it says so. */
static const struct {
	size_t field; /* of struct trace_report */
	const char *text;
} findings[] = {
	{offsetof(struct trace_report, skipped_lines), "lines that are no event"},
	{offsetof(struct trace_report, truncated_lines), "lines cut short or missing"},
	{offsetof(struct trace_report, out_of_order), "events out of order"},
	{offsetof(struct trace_report, live_object_allocations), "allocations of a live object"},
	{offsetof(struct trace_report, unmatched_object_frees),
	 "frees of objects older than the recording"},
	{offsetof(struct trace_report, double_frees), "frees of objects that did not live"},
};

struct user_import {
	struct textin *in;
	const struct user_format *format;
	void *state; /* the parser's */
	struct trace_writer *writer;
	struct trace_report *report;
	struct err *err;
	struct user_live live;
	uint64_t gap_ns, now_ns; /* now_ns: of the latest event without a time of its own */
	uint64_t last_ns[TRACE_CPUS_LIMIT];
	uint64_t base_ns;
	bool based; /* base_ns is set */
	uint32_t seq, next_id;
	uint64_t first_line[ARRAY_SIZE(findings)];
};

bool scan_hex(const char **p, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;
	for (;; s++) {
		unsigned char c = (unsigned char)*s, letter = c | 0x20;
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (letter >= 'a' && letter <= 'f')
			digit = letter - 'a' + 10u;
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | digit;
	}
	if (s == *p)
		return false;
	*p = s;
	*value = v;
	return true;
}

bool scan_u64(const char **p, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;
	if (s[0] == '0' && (s[1] | 0x20) == 'x') {
		s += 2;
		if (!scan_hex(&s, value))
			return false;
		*p = s;
		return true;
	}
	for (; *s >= '0' && *s <= '9'; s++) {
		uint64_t digit = (uint64_t)(*s - '0');
		v = v > (UINT64_MAX - digit) / 10 ? UINT64_MAX : v * 10 + digit;
	}
	if (s == *p)
		return false;
	*p = s;
	*value = v;
	return true;
}

const struct user_format *user_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

int user_format_sniff(struct textin *in, const struct user_format **format, struct err *err)
{
	const char *text;
	size_t bytes;
	*format = NULL;
	if (textin_peek(in, &text, &bytes, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(formats) && !*format; i++) {
		if (formats[i]->sniff && formats[i]->sniff(text, text + bytes))
			*format = formats[i];
	}
	return 0;
}

int import_user_options(const struct import_options *options, struct import_user_options *user,
			struct err *err)
{
	*user = (struct import_user_options){
		.gap_ns = options->gap_given ? options->gap_ns : IMPORT_GAP_NS,
	};
	if (options->format)
		user->format = user_format_find(options->format);
	if (user->format == &user_csv && !options->map)
		return err_set(err, ERR_USAGE,
			       "--format csv needs --map, such as time=1,op=2,id=3,size=4,unit=us");
	if (user->format != &user_csv && options->map)
		return err_set(err, ERR_USAGE, "--map is for --format csv only");
	return options->map ? csv_map_parse(options->map, &user->map, err) : 0;
}

int import_user_check(const struct import_options *options, const struct import_user_options *user,
		      struct err *err)
{
	if (options->gap_given && (!user->format || user->map.time))
		return err_set(err, ERR_USAGE, "--gap is for traces without times; this one has");
	return 0;
}

static int error_here(const struct user_import *im, const char *what)
{
	return err_set(im->err, ERR_TRACE, "%s:%" PRIu64 ": %s", textin_name(im->in),
		       textin_line_number(im->in), what);
}

static int out_of_memory(const struct user_import *im)
{
	return err_set(im->err, ERR_IO, "%s: out of memory", textin_name(im->in));
}

static uint64_t *counter_at(const struct user_import *im, size_t field)
{
	return (uint64_t *)(void *)((char *)im->report + field);
}

/* Count one of what @counter (a field of im->report) counts. */
static void note(struct user_import *im, uint64_t *counter)
{
	for (size_t i = 0; i < ARRAY_SIZE(findings) && !*counter; i++) {
		if (counter_at(im, findings[i].field) == counter)
			im->first_line[i] = textin_line_number(im->in);
	}
	++*counter;
}

/* Write a record; what is not in @rec yet: seq, pfn, cache. */
static int emit(struct user_import *im, struct trace_rec rec, gfp_t gfp)
{
	if (im->seq == UINT32_MAX)
		return error_here(im, "more events than a trace can hold (2^32 - 1)");
	rec.seq = im->seq++;
	rec.pfn = TRACE_PFN_NONE;
	if (rec.kind == TRACE_OBJECT_FREE)
		rec.cache = TRACE_CACHE_NONE;
	if (trace_writer_add(im->writer, &rec, gfp, im->err) < 0)
		return -1;
	im->report->demands++;
	if (!(rec.flags & TRACE_F_IMPLICIT))
		im->report->imported++;
	im->report->span_ns = u64_max(im->report->span_ns, rec.time_ns);
	return 0;
}

static int emit_free(struct user_import *im, struct trace_rec rec, struct user_object object,
		     unsigned flags)
{
	rec.kind = TRACE_OBJECT_FREE;
	rec.id = object.id;
	rec.flags = (uint8_t)(flags | (object.cpu != rec.cpu ? TRACE_F_OTHER_CPU : 0));
	im->report->object_frees++;
	return emit(im, rec, 0);
}

static int emit_alloc(struct user_import *im, struct trace_rec rec, const struct user_event *event,
		      struct user_object *object)
{
	rec.kind = TRACE_KMALLOC;
	rec.aux = (uint32_t)u64_min(event->size_bytes, UINT32_MAX);
	im->report->object_allocs++;
	im->report->zero_object_allocations += event->size_bytes == 0;
	im->report->huge_object_allocations += event->size_bytes >= UINT32_MAX;
	if (event->failed) {
		rec.id = TRACE_ID_NONE;
		rec.flags = TRACE_F_FAILED;
		im->report->failed_object_allocations++;
		return emit(im, rec, GFP_KERNEL);
	}
	if (im->next_id == TRACE_ID_NONE)
		return error_here(im, "more allocations than a trace can hold (2^32 - 1)");
	rec.id = im->next_id++;
	*object = (struct user_object){.id = rec.id, .cpu = rec.cpu};
	return emit(im, rec, GFP_KERNEL);
}

/* A free, or the free within a realloc, of a key that does not live. */
static void note_unknown(struct user_import *im, enum user_key_state state)
{
	if (state == USER_KEY_DEAD || im->format->numbers_objects)
		note(im, &im->report->double_frees);
	else
		note(im, &im->report->unmatched_object_frees);
}

static int handle_alloc(struct user_import *im, struct trace_rec rec,
			const struct user_event *event)
{
	struct user_object object, old;
	if (!event->failed && !event->by_class &&
	    user_live_find(&im->live, event->key, &old) == USER_KEY_LIVE) {
		note(im, &im->report->live_object_allocations);
		if (emit_free(im, rec, old, TRACE_F_IMPLICIT) != 0)
			return -1;
	}
	if (emit_alloc(im, rec, event, &object) != 0)
		return -1;
	if (event->failed)
		return 0;
	int result = event->by_class ? user_live_class_push(&im->live, event->key, object)
				     : user_live_put(&im->live, event->key, object);
	return result == 0 ? 0 : out_of_memory(im);
}

static int handle_free(struct user_import *im, struct trace_rec rec, const struct user_event *event)
{
	struct user_object object;
	enum user_key_state state;
	bool others = false;
	if (event->key == USER_KEY_NONE) {
		im->report->null_frees++;
		return 0;
	}
	state = event->by_class ? user_live_class_pop(&im->live, event->key, &object, &others)
				: user_live_find(&im->live, event->key, &object);
	if (state != USER_KEY_LIVE) {
		note_unknown(im, state);
		return 0;
	}
	im->report->approximate_frees += others;
	if (!event->by_class && user_live_kill(&im->live, event->key) != 0)
		return out_of_memory(im);
	return emit_free(im, rec, object, 0);
}

static int handle_realloc(struct user_import *im, struct trace_rec rec,
			  const struct user_event *event)
{
	struct user_object object, old;
	struct user_event alloc = *event;
	if (!event->size_bytes)
		return handle_free(im, rec, event);
	alloc.key = event->new_key;
	if (event->key == USER_KEY_NONE)
		return handle_alloc(im, rec, &alloc);
	enum user_key_state state = user_live_find(&im->live, event->key, &old);
	if (state != USER_KEY_LIVE) {
		note_unknown(im, state);
		return handle_alloc(im, rec, &alloc);
	}
	/* At an address that is live and not the old one: that one's free was missed. */
	if (event->new_key != event->key) {
		if (user_live_kill(&im->live, event->key) != 0)
			return out_of_memory(im);
		return handle_alloc(im, rec, &alloc) != 0 ? -1 : emit_free(im, rec, old, 0);
	}
	if (emit_alloc(im, rec, event, &object) != 0)
		return -1;
	if (user_live_put(&im->live, event->key, object) != 0)
		return out_of_memory(im);
	return emit_free(im, rec, old, 0);
}

/* The trace's time of an event, which is in order of time within its CPU. */
static uint64_t place_in_time(struct user_import *im, const struct user_event *event)
{
	uint64_t time_ns = event->time_ns;
	if (!event->timed)
		return im->now_ns;
	if (!im->based) {
		im->based = true;
		im->base_ns = time_ns;
	}
	time_ns = time_ns > im->base_ns ? time_ns - im->base_ns : 0;
	if (event->time_ns < im->base_ns || time_ns < im->last_ns[event->cpu])
		note(im, &im->report->out_of_order);
	return u64_max(time_ns, im->last_ns[event->cpu]);
}

static int handle_event(struct user_import *im, const struct user_event *event)
{
	if (event->cpu >= TRACE_CPUS_LIMIT)
		return error_here(im, "a CPU above 255, more than this version can simulate");
	struct trace_rec rec = {
		.time_ns = place_in_time(im, event),
		.cpu = (uint16_t)event->cpu,
	};
	im->last_ns[event->cpu] = rec.time_ns;
	im->now_ns += im->gap_ns;
	im->report->events++;
	switch (event->op) {
	case USER_ALLOC:
		return handle_alloc(im, rec, event);
	case USER_FREE:
		return handle_free(im, rec, event);
	case USER_REALLOC:
		return handle_realloc(im, rec, event);
	}
	BUG("user event %d", (int)event->op);
}

static int handle_line(struct user_import *im, const struct textline *line)
{
	struct user_event event = {0};
	enum user_line kind = USER_LINE_UNKNOWN;
	/* A last line without its end may look complete and not be: 1 of 10. */
	if (line->unterminated)
		kind = USER_LINE_CUT;
	else if (!line->too_long)
		kind = im->format->parse(im->state, line->text, line->text + line->bytes, &event);
	switch (kind) {
	case USER_LINE_EVENT:
		return handle_event(im, &event);
	case USER_LINE_CLOCK:
		im->now_ns = u64_max(im->now_ns, event.time_ns);
		return 0;
	case USER_LINE_IGNORED:
		return 0;
	case USER_LINE_UNKNOWN:
		note(im, &im->report->skipped_lines);
		return 0;
	case USER_LINE_CUT:
		note(im, &im->report->truncated_lines);
		return 0;
	case USER_LINE_REFUSED:
		return error_here(im, "a version of this format that is not understood");
	case USER_LINE_NO_MEMORY:
		return out_of_memory(im);
	}
	BUG("line kind %d", (int)kind);
}

static int read_lines(struct user_import *im, volatile const int *stop, struct progress *progress)
{
	struct textline line;
	int more;
	while ((more = textin_line(im->in, &line, im->err)) == 1) {
		if (stop && *stop)
			return err_set(im->err, ERR_INTERRUPTED,
				       "interrupted; nothing was written");
		if (handle_line(im, &line) != 0)
			return -1;
		if (progress && textin_line_number(im->in) % PROGRESS_LINES == 0)
			progress_update(progress, textin_bytes_read(im->in), im->report->events);
	}
	if (more < 0)
		return -1;
	if (textin_line_number(im->in) == 0)
		return err_set(im->err, ERR_TRACE, "%s: empty input", textin_name(im->in));
	if (im->format->is_cut && im->format->is_cut(im->state))
		note(im, &im->report->truncated_lines);
	if (!im->report->imported)
		return err_set(im->err, ERR_TRACE,
			       "%s:%" PRIu64 ": no allocation in it, read as %s: nothing to replay",
			       textin_name(im->in), textin_line_number(im->in), im->format->name);
	return 0;
}

static int check_strict(const struct user_import *im)
{
	size_t first = ARRAY_SIZE(findings);
	for (size_t i = 0; i < ARRAY_SIZE(findings); i++) {
		if (*counter_at(im, findings[i].field) &&
		    (first == ARRAY_SIZE(findings) || im->first_line[i] < im->first_line[first]))
			first = i;
	}
	if (first == ARRAY_SIZE(findings))
		return 0;
	return err_set(im->err, ERR_TRACE,
		       "%s:%" PRIu64 ": %s: %" PRIu64 " in all, the first is here (--strict)",
		       textin_name(im->in), im->first_line[first], findings[first].text,
		       *counter_at(im, findings[first].field));
}

int import_user_text(struct textin *in, const struct import_user_options *user, bool strict,
		     volatile const int *stop, struct progress *progress,
		     struct trace_writer *writer, struct trace_report *report, int *fd,
		     struct err *err)
{
	const struct user_format *format = user->format;
	int result = -1;
	struct user_import im = {.in = in,
				 .format = format,
				 .writer = writer,
				 .report = report,
				 .err = err,
				 .gap_ns = user->gap_ns};
	*report = (struct trace_report){0};
	im.state = calloc(1, format->state_bytes);
	if (!im.state) {
		out_of_memory(&im);
		goto out;
	}
	if (format == &user_csv)
		((struct csv_state *)im.state)->map = user->map;
	if (read_lines(&im, stop, progress) != 0)
		goto out;
	if (strict && check_strict(&im) != 0)
		goto out;
	im.writer = NULL;
	result = trace_writer_finish(writer, im.base_ns, report, fd, err);
out:
	trace_writer_abort(im.writer);
	user_live_release(&im.live);
	if (im.state && format->release)
		format->release(im.state);
	free(im.state);
	return result;
}
