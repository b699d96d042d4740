/*
 * config_key.h - single keys of a configuration by their dotted names, and the files it reads.
 */
#ifndef SIM_CONFIG_KEY_H
#define SIM_CONFIG_KEY_H

#include <stdbool.h>

#include "sim/config.h"
#include "sim/config_schema.h"

/* A key and the struct in a configuration that holds its value. */
struct config_key {
	const struct field *field;
	const void *base;
};

/*
 * Find @key ("slab.max_order", "workload.generators[0].rate") in @c. Returns 0, or -1 with @err,
 * whose text says what is wrong with the key and what may have been meant (ERR_CONFIG). @found is
 * good until @c changes.
 */
int config_key_find(const struct config *c, const char *key, struct config_key *found,
		    struct err *err);

enum config_value_kind {
	CONFIG_VALUE_NONE,   /* no single value: a list, a mapping, a distribution */
	CONFIG_VALUE_NUMBER, /* in base units */
	CONFIG_VALUE_BOOL,
	CONFIG_VALUE_WORD,   /* "auto" and its like where a number could stand */
	CONFIG_VALUE_TEXT,
};

struct config_value {
	enum config_value_kind kind;
	double number;           /* NUMBER; BOOL: 0 or 1 */
	char text[CONFIG_TEXT];  /* WORD, TEXT */
};

void config_key_value(const struct config_key *key, struct config_value *v);
/* Is the value the name of a file or directory? */
bool config_key_is_path(const struct config_key *key);
/* The value as --set takes it, on the heap; NULL without memory, and of CONFIG_VALUE_NONE. */
char *config_key_text(const struct config_key *key);

/*
 * Would "KEY=VALUE" be legal by itself, whatever the rest of the configuration? It is set in
 * @scratch, a copy to throw away. 0, or -1 with @err (ERR_CONFIG), whose text begins with the key.
 */
int config_check_set(struct config *scratch, const char *set, struct err *err);

/* Something that a run of the configuration reads. */
struct config_input {
	const char *key;   /* that names it */
	const char *path;  /* NULL: it has none, but */
	int fd;            /* this holds it; else -1 */
	bool is_recording; /* a directory with a recorded state */
};

/*
 * Call @visit for each input of @c, which config_load() or config_apply() filled, in the order
 * trace, recorded state, operations, tables of generators. Ends with -1 as soon as a call does not
 * return 0.
 */
int config_each_input(const struct config *c,
		      int (*visit)(const struct config_input *input, void *context), void *context);

#endif
