/*
 * config_schema.h - the table of every configuration key.
 *
 * One row says everything about a key: where its value lies, what it may be, and what it is for.
 * The loader, --set, the checks of ranges, the suggestions for mistyped keys, --print-config, JSON
 * output and the reference documentation all walk these rows; a new key is one new row.
 */
#ifndef SIM_CONFIG_SCHEMA_H
#define SIM_CONFIG_SCHEMA_H

#include "kern/gfp.h"
#include "sim/config.h"
#include "sim/units.h"

#define SCHEMA_KEYS_MAX 64 /* keys of one mapping: "given twice" is a bit mask */

enum field_kind {
	FIELD_U64,        /* uint64_t in base units of `unit` */
	FIELD_U32,        /* uint32_t, plain */
	FIELD_DOUBLE,     /* double in base units of `unit` */
	FIELD_PLACE,      /* double in the unit of the distribution it belongs to */
	FIELD_BOOL,
	FIELD_ENUM,       /* an enum, by `names` */
	FIELD_EITHER,     /* a bool by two `names`, that of false first */
	FIELD_NAME,       /* char[CONFIG_NAME] */
	FIELD_FILE,       /* char[CONFIG_TEXT]: path of a file */
	FIELD_DIR,        /* char[CONFIG_TEXT]: path of a directory */
	FIELD_GFP,        /* gfp_t, by name */
	FIELD_SIZES,      /* uint32_t[CONFIG_CLASSES] and its count behind it: a list of bytes */
	FIELD_NAMES,      /* struct config_names: a list of names */
	FIELD_SET,        /* uint64_t, bit i: `names`[i]: a list of names */
	FIELD_MATRIX,     /* uint64_t[NODES_LIMIT^2] and its count behind it: a list of rows */
	FIELD_NODE_CPUS,  /* cpu_node of struct config_machine: a list of lists of CPUs */
	FIELD_CPUS,       /* bit mask of CPUS_LIMIT bits: a list of numbers or "all" */
	FIELD_DIST,       /* struct config_dist, of quantities of `unit` */
	FIELD_MAP,        /* a mapping of `keys`; its struct lies at `offset` */
	FIELD_LIST,       /* a list of mappings of `keys` */
	FIELD_OPERATIONS, /* workload.operations: compiled into a trace while it is read */
	FIELD_INCLUDE,    /* a path or a list of paths, loaded first */
};

/* Where the elements of a FIELD_LIST are; offsets count from the struct that holds the list. */
struct schema_list {
	size_t element_bytes;
	size_t count_offset;  /* of an unsigned */
	unsigned capacity;
	bool heap;            /* `offset` holds a pointer that the config owns, not the array */
	void (*element_init)(void *element); /* NULL: all zero */
	void (*element_release)(void *element); /* NULL: owns nothing */
	bool has_given;       /* elements note which of their keys were written, */
	size_t given_offset;  /* in a uint64_t here: bit i is row i */
};

struct field {
	const char *key;
	enum field_kind kind;
	enum unit unit;
	bool can_be_auto;       /* FIELD_U64: the word "auto" is CONFIG_AUTO */
	const char *word;       /* FIELD_U64: stands for `word_value`, whatever the range */
	uint64_t word_value;
	bool page_aligned;      /* FIELD_U64 of bytes: only multiples of a page are legal */
	bool required;          /* in an element of a list or the parameters of a distribution */
	bool above_min;         /* FIELD_DOUBLE: `real_min` itself is not legal */
	size_t offset;          /* into the struct of the mapping that the key belongs to */
	/* FIELD_U64, FIELD_U32: inclusive; FIELD_DIST, FIELD_MATRIX: of every value */
	uint64_t min, max;
	double real_min, real_max; /* FIELD_DOUBLE */
	const char *const *names;  /* FIELD_ENUM, FIELD_EITHER, FIELD_SET: by value */
	unsigned names_count;
	const struct field *keys;  /* FIELD_MAP, FIELD_LIST */
	unsigned keys_count;
	const struct schema_list *list;
	const char *json_suffix;   /* where the key lacks a unit that `unit` does not tell */
	const char *help;
};

/* A kind of distribution: its key, and which of schema_dist_params it takes. */
struct schema_dist {
	const char *key;
	enum dist_kind kind;
	unsigned needs, may; /* bit i: schema_dist_params[i] */
	const char *help;
};

extern const struct field schema_root;         /* FIELD_MAP at offset 0 of struct config */
#define MACHINE_KEYS 25
#define SLAB_KEYS    15
#define KMALLOC_KEYS 1
extern const struct field schema_machine_keys[MACHINE_KEYS]; /* of struct config_machine */
extern const struct field schema_slab_keys[SLAB_KEYS];       /* of struct config_slab */
extern const struct field schema_kmalloc_keys[KMALLOC_KEYS]; /* of struct config_kmalloc */
extern const struct field schema_operation;    /* FIELD_MAP of struct config_operation */
extern const struct field schema_dist_params[]; /* of struct config_dist */
extern const unsigned schema_dist_params_count;
extern const struct field schema_choices;      /* FIELD_LIST of struct config_dist */
extern const struct schema_dist schema_dists[];
extern const unsigned schema_dists_count;

/* One entry of workload.operations as written. */
struct config_operation {
	uint64_t at_ns;
	uint64_t cpu;
	/* one of them: a block of pages, bytes, an object of a cache; or the end of any */
	char alloc[CONFIG_NAME], kmalloc[CONFIG_NAME], cache_alloc[CONFIG_NAME], free[CONFIG_NAME];
	uint64_t order, size_bytes;                 /* one of them with alloc; size with kmalloc */
	char cache[CONFIG_NAME];                    /* with cache_alloc */
	gfp_t gfp;
	enum env_context context;
	uint64_t node; /* asked for; auto: as workload.policy says */
};
extern const char *const schema_context_names[CONTEXTS]; /* by enum env_context */
extern const char *const schema_policy_names[MEMPOLICIES + 1]; /* "workload", then by mode */
#define OPERATION_GFP GFP_KERNEL /* where an operation says nothing */

/* Position of @key in @map's keys, -1 if it has no such key. */
int schema_find(const struct field *map, const char *key);
/* Is the key of row @key of @keys in the bits @given of an element? */
bool schema_is_given(const struct field *keys, unsigned count, uint64_t given, const char *key);
/* The key of @map that @key most likely meant, or NULL. */
const char *schema_suggest(const struct field *map, const char *key);

/* config_schema_generator.c: workload.generators[]. */
#define GENERATOR_KEYS 17
extern const struct field schema_generator_keys[GENERATOR_KEYS];
extern const struct schema_list schema_generators_list;
/* The generator whose keys lie at @base, or NULL if that is something else. */
const struct config_generator *schema_generator_of(const struct config *c, const void *base);
/* Does @f belong to another kind of generator than @g? */
bool schema_generator_is_unused(const struct config *c, const struct config_generator *g,
				const struct field *f);

/* config_schema_program.c: workload.programs[], workload.locks[] and virtual_memory. */
#define VIRTUAL_MEMORY_KEYS 4
extern const struct field schema_virtual_memory_keys[VIRTUAL_MEMORY_KEYS];
#define PROGRAM_KEYS 6
#define LOCK_KEYS    4
extern const struct field schema_program_keys[PROGRAM_KEYS];
extern const struct field schema_lock_keys[LOCK_KEYS];
extern const struct schema_list schema_programs_list, schema_locks_list;
/* The keys of a step; those of steps inside `chance` are all but the last two. */
#define STEP_KEYS 29
extern const struct field schema_step_keys[STEP_KEYS];
/* Has a step of @kind the key @f of schema_step_keys? */
bool schema_step_takes(const struct field *f, enum step_kind kind);
/* Is @f a key of steps? */
bool schema_is_of_step(const struct field *f);
/* Does @f not belong to the step @s? */
bool schema_step_is_unused(const struct config_step *s, const struct field *f);

/* The word that may stand instead of a number of @f, with its @value; NULL: none. */
const char *schema_word(const struct field *f, uint64_t *value);

/*
 * What is legal for @f, such as "1..256 or auto", into @buf (@size bytes); returns @buf.
 * FIELD_PLACE takes its limits from @dist, the distribution it belongs to (NULL elsewhere).
 */
char *schema_range(const struct field *f, const struct field *dist, char *buf, size_t size);

/*
 * Does another key of @c make the one at @f of the mapping at @base meaningless? It is not shown
 * then.
 */
bool schema_is_unused(const struct config *c, const struct field *f, const void *base);

/* The array of list @f, whose holder is @base, and the number of its elements. */
void *schema_list_items(const struct field *f, const void *base, unsigned *count);

#endif
