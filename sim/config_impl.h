/*
 * config_impl.h - what the files of the configuration loader share. Nobody else includes this but
 * the reader of sweeps, whose files are YAML of the same kind.
 *
 *   config.c        built-in values, files, includes, --set
 *   config_copy.c   copies
 *   config_diag.c   positions, dotted keys, diagnostics
 *   config_value.c  one YAML value into its field, by the schema
 *   config_machine.c  values that only a machine has: read, printed, as JSON
 *   config_dist.c   distributions, whose parameters are in the unit of their place
 *   config_ops.c    workload.operations into a binary trace and back
 *   config_key.c    single keys by name; inputs
 *   config_check.c, config_check_machine.c, config_check_generator.c
 *                   what no single key can tell: relations between keys
 *   config_print.c, config_json.c, config_reference.c   the table printed
 */
#ifndef SIM_CONFIG_IMPL_H
#define SIM_CONFIG_IMPL_H

#include "sim/config.h"
#include "sim/config_schema.h"
#include "sim/config_yaml.h"

struct json;

#define DIAG_MAX  50  /* errors that are printed before loading stops */
#define PATH_SIZE 256 /* a dotted key */
#define QUOTE_SIZE 72 /* a value or key in a message */

/* Where a value was given. */
struct config_pos {
	const char *source; /* file name, or the text of a --set; NULL: nowhere, a built-in value */
	uint64_t line, column; /* 1-based; line 0: a --set; column 0: the whole file */
};

struct config_place {
	char *path;
	struct config_pos pos;
};

/* A field and the struct of the mapping that it belongs to. */
struct config_target {
	const struct field *field;
	void *base;
};

struct loader {
	struct config *c;
	FILE *diagnostics; /* may be NULL */
	bool no_places; /* nothing is known of where keys were given */
	bool is_applied; /* only --set texts are read: other keys were given somewhere else */
	unsigned problems_count;
	enum err_code first_code;
	char first_text[512];
	bool out_of_memory;

	struct yaml_reader *reader; /* of what is being read */
	const char *source;         /* its name; lives as long as the loader */
	bool is_set;                /* a --set and not a file */
	char path[PATH_SIZE];       /* dotted key that is being read */
	bool places_off;            /* inside operations: too many to remember */

	struct config_target set; /* of the --set that is being read */

	/* Where keys were given; later entries win. */
	struct config_place *places;
	size_t places_count, places_capacity;
	char **sources; /* names that positions point to */
	size_t sources_count, sources_capacity;

	unsigned files_count;  /* loaded so far */
	unsigned include_depth;
	struct { uint64_t dev, ino; } including[16];

	/* What the operations ask of other keys, and where. */
	uint64_t ops_cpu_max, ops_order_max, ops_node_max, ops_count;
	struct config_pos ops_cpu_pos, ops_order_pos, ops_node_pos;
	/* The caches that operations name, and where first; CONFIG_CACHES of them, or NULL. */
	struct named_cache {
		char name[CONFIG_NAME];
		struct config_pos pos;
	} *ops_caches;
	unsigned ops_caches_count;
};

/* --- config_diag.c --- */

/* Print and count one problem at @pos with key @path. Always returns -1. */
int diag_at(struct loader *ld, enum err_code code, const struct config_pos *pos, const char *path,
	    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same where the reader is now. */
int diag_here(struct loader *ld, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a key that is known by its dotted path, at the place where it was given. */
int diag_key(struct loader *ld, enum err_code code, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int diag_no_memory(struct loader *ld);
bool diag_is_full(const struct loader *ld);

/* Text of a user for a message: cut, without control characters. */
char *diag_quote(const char *text, char buf[QUOTE_SIZE]);

/* Append ".key" or "[index]" to the dotted path; returns the length to restore with path_pop. */
size_t path_push(struct loader *ld, const char *key);
size_t path_push_index(struct loader *ld, uint64_t index);
void path_pop(struct loader *ld, size_t length);

struct config_pos pos_here(const struct loader *ld);
/* Remember that the current dotted path is given here. */
void place_add(struct loader *ld);
/* Forget everything below the current dotted path: a list is replaced. */
void place_forget(struct loader *ld);
/* Where @path was given, or NULL if it was not. */
const struct config_pos *place_find(const struct loader *ld, const char *path);
/* A copy of @name that lives as long as the loader; NULL without memory. */
const char *source_add(struct loader *ld, const char *name);
void diag_release(struct loader *ld);

/* --- config_value.c --- */

/*
 * Read the node that the current event opens into field @f of the struct at @base; the current
 * event is then the node's last. What is wrong with values is reported and passed over; -1 only if
 * the rest of the input can't be read.
 */
int value_load(struct loader *ld, const struct field *f, void *base);
/* Read a mapping of @map's keys; *@seen receives a bit for each key that was there. */
int value_load_mapping(struct loader *ld, const struct field *map, void *base, uint64_t *seen);
/* Set a field that is a scalar from @text. Reports what is wrong and returns -1 then. */
int value_set_scalar(struct loader *ld, const struct field *f, void *base, const char *text);
bool value_is_scalar(enum field_kind kind);
/* Which of @f's names @text is; reports an unknown one and returns -1. */
int value_name_find(struct loader *ld, const struct field *f, const char *text);
/* Element @element of a list has the keys whose bits are in @keys. */
void list_note_given(const struct schema_list *l, void *element, uint64_t keys);
/* Release the elements of heap lists and the compiled operations. */
void value_release(struct config *c);

/* --- config_machine.c --- */

/* As value_load(); @at is what the kind of field says. */
int machine_load_set(struct loader *ld, const struct field *f, uint64_t *at);
int machine_load_matrix(struct loader *ld, const struct field *f, uint64_t *at);
int machine_load_node_cpus(struct loader *ld, const struct field *f, struct config_machine *m);
/* Rows of a square matrix, 0 if it is not given. */
unsigned machine_matrix_rows(const uint64_t *at);
void machine_print_set(const struct field *f, const uint64_t *at, FILE *out);
void machine_print_matrix(const uint64_t *at, FILE *out);
void machine_print_node_cpus(const struct config_machine *m, FILE *out);
void machine_write_set(const struct field *f, const uint64_t *at, const char *key, struct json *j);
void machine_write_matrix(const uint64_t *at, const char *key, struct json *j);
void machine_write_node_cpus(const struct config_machine *m, const char *key, struct json *j);

/* --- config_dist.c --- */

int dist_load(struct loader *ld, const struct field *f, struct config_dist *d);
int dist_set_scalar(struct loader *ld, const struct field *f, struct config_dist *d,
		    const char *text);
/* Parse and check one value of distribution @f. */
int dist_set_value(struct loader *ld, const struct field *f, const char *text, double *value);
/* A lifetime that never ends. */
bool dist_is_forever(const struct config_dist *d);
/* The row of @d's kind. */
const struct schema_dist *dist_schema(const struct config_dist *d);

/* --- config.c --- */

/* Follow the dotted key @path, which is taken apart, from the root to its field. */
int set_resolve(struct loader *ld, char *path, struct config_target *t);
/* Read one --set text. */
void set_load(struct loader *ld, const char *text);
/* Load the files that the current event, the value of `include`, names. */
int include_load(struct loader *ld);

/* --- config_ops.c --- */

/* Read a list of operations into an unnamed trace, which replaces an earlier one. */
int ops_load(struct loader *ld);

/* Print the operations of @c as a YAML list, each line after @indent spaces. */
int ops_print(const struct config *c, FILE *out, unsigned indent, struct err *err);

/* Learn from the compiled operations what they ask of other keys. */
int ops_recall(struct loader *ld);

/* --- config_check.c --- */

/* Of the machine, in config_check_machine.c. Also fills in what explicit zones and `full` imply. */
void check_machine(struct loader *ld, struct config *c);
/* The part of it that depends on how many CPUs and nodes there are. */
void check_machine_cpus(struct loader *ld, struct config_machine *m);
/* Of one generator, in config_check_generator.c. */
void check_generator(struct loader *ld, struct config *c, unsigned index);
/* A distribution on its own: limits that are no interval, parameters without meaning. */
void check_dist(struct loader *ld, const struct config_dist *d, const char *path);
/* The largest value that @d can give; INFINITY if nothing limits it. */
double dist_largest(const struct config_dist *d);
/* The CPUs of @mask, given at @path, exist. */
void check_cpus(struct loader *ld, const struct config *c, const uint64_t *mask, const char *path);
/* Index of the cache @name in slab.caches, which @path names; reports and returns 0 if it is not
 * there. */
unsigned check_cache_name(struct loader *ld, const struct config *c, const char *name,
			  const char *path);
/* In config_check_program.c; note on the way what names stand for. */
void check_locks(struct loader *ld, const struct config *c);
void check_programs(struct loader *ld, struct config *c);
/* All relations between keys. */
void check_all(struct loader *ld);

/* --- config_print.c --- */

/* Write the value of scalar field @f as it would stand in YAML. */
void print_scalar(const struct field *f, const struct field *dist, const void *base, FILE *out);

#endif
