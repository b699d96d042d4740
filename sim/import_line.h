/*
 * import_line.h - the parts of an importer: from a line of text to an event, from an event's text
 * to its fields. Internal to the import; users include sim/import.h.
 *
 * Every scanner here may rely on the '\n' that follows a line (textin.h): no scan runs past it.
 */
#ifndef SIM_IMPORT_LINE_H
#define SIM_IMPORT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/gfp.h"
#include "sim/import.h"
#include "sim/progress.h"
#include "sim/textin.h"

/* What all text formats have in common: who, when, what; the rest is key=value. */
struct text_event {
	uint64_t time_ns;
	uint32_t cpu; /* as read, not limited to TRACE_CPUS_LIMIT */
	unsigned context; /* enum env_context, where the line tells; else CONTEXT_PROCESS */
	const char *name; /* without "kmem:" */
	size_t name_bytes;
	const char *args; /* up to end */
	const char *end;
};

enum line_kind {
	LINE_EVENT,   /* the text_event is filled */
	/* belongs to the format, but says nothing: headers, call chains, blank lines */
	LINE_IGNORED,
	LINE_LOST,    /* the recorder says how many events it lost in all so far */
	LINE_MISSED,  /* it says that it lost some more */
	LINE_UNKNOWN,
};

struct import_parser {
	const char *name;
	/*
	 * Understand the line [@line, @end), which is followed by '\n'. LINE_LOST and LINE_MISSED
	 * store the number in @lost.
	 */
	enum line_kind (*parse)(const char *line, const char *end, struct text_event *event,
				uint64_t *lost);
};

extern const struct import_parser import_ftrace, import_perf;

/* Scanners. They advance *@p only if they find what they look for. */
static inline const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Blanks, control characters and the '\n' behind the line end a word. */
static inline bool is_word(char c)
{
	return (unsigned char)c > ' ';
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number of at most 19 digits (so it can't overflow). */
bool scan_decimal(const char **p, uint64_t *value);
/* "1140.329054" or "1140.329054123", with 1 to 9 digits behind the point. */
bool scan_time_ns(const char **p, uint64_t *ns);
/* "[001]" */
bool scan_cpu(const char **p, uint32_t *cpu);
/* "1140.329054: kmem:mm_page_alloc: page=...": fills all but the cpu. */
bool scan_event(const char *p, const char *end, struct text_event *event);

/* The page events of kmem. */
enum page_event_kind {
	PAGE_EVENT_NONE, /* some other event */
	PAGE_EVENT_ALLOC,
	PAGE_EVENT_FREE,
	PAGE_EVENT_FREE_BATCHED,
	PAGE_EVENT_TAKEN,
	PAGE_EVENT_DRAINED,
	PAGE_EVENT_EXTFRAG,
};

/* The object events of kmem. */
enum object_event_kind {
	OBJECT_EVENT_NONE, /* some other event */
	OBJECT_EVENT_KMALLOC,
	OBJECT_EVENT_CACHE_ALLOC,
	OBJECT_EVENT_KFREE,
	OBJECT_EVENT_CACHE_FREE,
};

struct object_event {
	uint64_t ptr;         /* 0: no object, in whatever way the kernel printed it */
	uint64_t bytes_req, bytes_alloc;
	const char *name;     /* of the cache, name_bytes long; NULL: not told */
	size_t name_bytes;
	gfp_t gfp;
	unsigned unknown_gfp_names;
};

struct page_event {
	uint64_t pfn;
	uint64_t order; /* EXTFRAG: alloc_order */
	uint64_t migratetype;
	uint64_t alloc_migratetype, fallback_migratetype, fallback_order, change_ownership;
	gfp_t gfp;
	unsigned unknown_gfp_names;
	bool failed; /* no page: the allocation failed */
};

enum page_event_flaw {
	PAGE_EVENT_FINE,
	PAGE_EVENT_KEY_MISSING,
	PAGE_EVENT_ILLEGAL, /* a value that no kernel prints, or that is beyond the simulator's
			       limits */
};

enum page_event_kind page_event_kind(const struct text_event *event);

/* Texts of gfp masks repeat, so their values are remembered. Zeroed storage is empty. */
struct gfp_cache {
	struct {
		char text[120];
		size_t bytes;
		gfp_t gfp;
		unsigned unknown;
	} entries[64];
};

/* Read the fields of a page event of @kind (not NONE, not FREE_BATCHED). */
enum page_event_flaw page_event_parse(const struct text_event *event, enum page_event_kind kind,
				      struct gfp_cache *cache, struct page_event *page);

enum object_event_kind object_event_kind(const struct text_event *event);
/* Read the fields of an object event of @kind (not NONE). */
enum page_event_flaw object_event_parse(const struct text_event *event, enum object_event_kind kind,
					struct gfp_cache *cache, struct object_event *object);

/* Scanners of values; all of [@p, @end) must fit. */
/* Decimal, or hex after 0x. */
bool parse_number(const char *p, const char *end, uint64_t *value);
/* A gfp mask by names, remembered in @cache; counts the unknown ones. */
gfp_t parse_gfp_cached(struct gfp_cache *cache, const char *p, const char *end, unsigned *unknown);

/*
 * Import all of @in with @parser (NULL: sniffed). Takes @writer in any case. With an anonymous
 * writer *@fd receives the trace. @stop (may be NULL) not 0: give up, ERR_INTERRUPTED.
 */
int import_text(struct textin *in, const struct import_parser *parser, bool strict,
		volatile const int *stop, struct progress *progress, struct trace_writer *writer,
		struct trace_report *report, int *fd, struct err *err);

#endif
