/*
 * import_user.h - the importers of traces of user programs: malloc, free and realloc by name of the
 * object. Internal to the import; users include sim/import.h.
 *
 * A parser turns a line into a user_event; the driver (import_user.c), which all formats share,
 * knows what lives and writes the records.
 */
#ifndef SIM_IMPORT_USER_H
#define SIM_IMPORT_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/u64map.h"
#include "sim/import.h"
#include "sim/progress.h"
#include "sim/textin.h"

/* --- objects that live: import_user_live.c -------------------------------------------------- */

struct user_object {
	uint32_t id;
	uint32_t cpu; /* that allocated it */
};

enum user_key_state {
	USER_KEY_NEW,  /* no allocation had this key */
	USER_KEY_DEAD, /* what had it was freed */
	USER_KEY_LIVE,
};

/* Zeroed storage is empty. */
struct user_live {
	struct u64map map; /* key -> object, or what import_user_live.c says */
	struct user_node *nodes;
	uint32_t nodes_count, nodes_room, nodes_free;
};

void user_live_release(struct user_live *live);

/* Is there something with @key? *@object is filled if it lives. */
enum user_key_state user_live_find(const struct user_live *live, uint64_t key,
				   struct user_object *object);
/* Now @key is @object, which lives; what was there before is forgotten. -1 without memory. */
int user_live_put(struct user_live *live, uint64_t key, struct user_object object);
/* What has @key, if anything, is dead. -1 without memory. */
int user_live_kill(struct user_live *live, uint64_t key);

/*
 * The same where a key is that of a class of objects. A map is used in one of the two ways only.
 * class_pop() gives the oldest one, and *@others tells whether there were more.
 */
int user_live_class_push(struct user_live *live, uint64_t key, struct user_object object);
enum user_key_state user_live_class_pop(struct user_live *live, uint64_t key,
					struct user_object *object, bool *others);

/* --- formats -------------------------------------------------------------------------------- */

enum user_op { USER_ALLOC, USER_FREE, USER_REALLOC };

/* Of no object: a null pointer, or one that the text does not tell. */
#define USER_KEY_NONE U64MAP_KEY_NONE

struct user_event {
	enum user_op op;
	bool failed;      /* ALLOC: there was no memory */
	bool timed;       /* time_ns is given */
	bool by_class;    /* the key is that of a class of objects; no REALLOC then */
	uint64_t key;     /* of the object that is allocated, freed or reallocated */
	uint64_t new_key; /* REALLOC: its key from then on */
	uint64_t size_bytes;
	uint64_t time_ns;
	uint32_t cpu;
};

enum user_line {
	USER_LINE_EVENT,   /* the user_event is filled */
	USER_LINE_CLOCK,   /* its time_ns is: what follows is not before that */
	USER_LINE_IGNORED, /* belongs to the format, but says nothing */
	USER_LINE_UNKNOWN, /* does not belong to it, or has an impossible value */
	USER_LINE_CUT,     /* something is missing */
	USER_LINE_REFUSED, /* a version of the format that is not understood */
	USER_LINE_NO_MEMORY,
};

struct user_format {
	const char *name;
	bool numbers_objects; /* keys count objects, so an unknown one was never allocated */
	size_t state_bytes;   /* of what the parser keeps between lines; zeroed at first */
	/* May the text @text, up to @end, be of this format, and of no other? NULL: can't tell. */
	bool (*sniff)(const char *text, const char *end);
	/* Understand the line [@line, @end), which is followed by '\n' and may be written to. */
	enum user_line (*parse)(void *state, char *line, char *end, struct user_event *event);
	/* At the end: is something missing? May be NULL. */
	bool (*is_cut)(const void *state);
	void (*release)(void *state); /* may be NULL */
};

extern const struct user_format user_rep, user_mtrace, user_heaptrack, user_wee_alloc, user_csv;

/* Which column of a CSV file is what, from 1; 0: there is none. */
struct csv_map {
	unsigned time, op, id, size, cpu;
	uint64_t unit_ns;
};

#define CSV_COLUMNS_MAX 64

/* "time=1,op=2,id=3,size=4,unit=us"; -1 and ERR_USAGE if it is not like that. */
int csv_map_parse(const char *text, struct csv_map *map, struct err *err);

/* What the parser of CSV starts from. */
struct csv_state {
	struct csv_map map;
	char separator; /* 0: not known yet */
	bool past_header;
};

/* --- scanners: import_user.c ---------------------------------------------------------------- */

/* A decimal or 0x hexadecimal number; one of 2^64 or more is UINT64_MAX. They advance *@p. */
bool scan_u64(const char **p, uint64_t *value);
/* A hexadecimal number without 0x; false if it needs more than 64 bits. */
bool scan_hex(const char **p, uint64_t *value);

/* --- the driver: import_user.c -------------------------------------------------------------- */

/* The format of this name, or NULL. */
const struct user_format *user_format_find(const char *name);
/* What the text in @in is: *@format, or NULL if it is none of these. -1 with @err: can't read. */
int user_format_sniff(struct textin *in, const struct user_format **format, struct err *err);

struct import_user_options {
	const struct user_format *format; /* NULL: none of these */
	struct csv_map map;               /* CSV */
	uint64_t gap_ns; /* passes between two events where the text has no times */
};

/*
 * What @options say about these formats. The first is for before the input is opened; the format is
 * NULL if it is to be sniffed or of another family. The second, once it is known, refuses what it
 * does not take. -1 and ERR_USAGE.
 */
int import_user_options(const struct import_options *options, struct import_user_options *user,
			struct err *err);
int import_user_check(const struct import_options *options, const struct import_user_options *user,
		      struct err *err);

/* As import_text() of import_line.h does. */
int import_user_text(struct textin *in, const struct import_user_options *user, bool strict,
		     volatile const int *stop, struct progress *progress,
		     struct trace_writer *writer, struct trace_report *report, int *fd,
		     struct err *err);

#endif
