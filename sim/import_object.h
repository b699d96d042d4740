/*
 * import_object.h - which objects of a recording are live, by address. Internal to the import.
 */
#ifndef SIM_IMPORT_OBJECT_H
#define SIM_IMPORT_OBJECT_H

#include "kern/pfnset.h"
#include "kern/u64map.h"
#include "sim/import_line.h"
#include "sim/trace.h"

struct import;

struct object_tracker {
	struct u64map by_address;  /* address -> packed object, live or free */
	struct u64map cache_index; /* hash of name and size -> index + 1 */
	struct pfnset pages;       /* low page numbers (32 bits) that objects were seen in */
	uint16_t first_of[TRACE_CACHES_LIMIT]; /* by cache: the first one of its name */
	unsigned caches_count;
	/* The address at which the recorded kernel mapped frame 0, as far as known. */
	uint64_t map_base, map_base_vote;
	bool map_base_known, saw_high_address;
	struct last_page { /* by CPU: its last page allocation */
		uint64_t pfn;
		uint8_t order, events_ago;
		bool there;
	} last_page[TRACE_CPUS_LIMIT];
	struct last_kmalloc { /* by CPU: its last event, if that was a kmalloc */
		uint64_t ptr, bytes;
	} last_kmalloc[TRACE_CPUS_LIMIT];
};

/* -1 if memory is short. */
int object_tracker_init(struct object_tracker *t);
void object_tracker_release(struct object_tracker *t);

/* A page allocation happened on a CPU. */
void object_tracker_page(struct object_tracker *t, unsigned cpu, pfn_t pfn, unsigned order);
/* Did any of these pages hold an object? */
bool object_tracker_knows_page(const struct object_tracker *t, pfn_t pfn, unsigned order);

/* An object event at @rec's time and CPU. */
int import_object_event(struct import *im, const struct text_event *event,
			enum object_event_kind kind, struct trace_rec rec);
/* All events are read: tell the writer where objects lay. */
void import_objects_finish(struct import *im);

#endif
