/*
 * config_names.h - the names of blocks that live at a point of an operations list.
 */
#ifndef SIM_CONFIG_NAMES_H
#define SIM_CONFIG_NAMES_H

#include <stdint.h>

#include "sim/config.h"

struct live_name {
	char name[CONFIG_NAME]; /* "" = free slot */
	uint32_t id;
	uint16_t cpu;           /* that allocated it */
	uint8_t order, migratetype;
	uint8_t kind;           /* enum trace_kind of its allocation */
	uint16_t cache;         /* index into the trace's caches */
	uint64_t at_ns;
};

/* All zero is an empty map. Memory grows with the names that live at the same time. */
struct live_names {
	struct live_name *slots;
	uint64_t slots_count, used_count; /* slots_count: 0 or a power of two */
};

void live_names_release(struct live_names *m);
/* NULL if @name does not live. The pointer is valid until the map changes. */
struct live_name *live_names_find(const struct live_names *m, const char *name);
/* A new entry for @name, which must not live, with only its name set; NULL without memory. */
struct live_name *live_names_add(struct live_names *m, const char *name);
/* Remove @entry, which live_names_find() gave. */
void live_names_remove(struct live_names *m, struct live_name *entry);

#endif
