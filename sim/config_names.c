/*
 * config_names.c - hash map with linear probing and deletion by shifting back: see config_names.h.
 *
 * An entry lies at its hash's slot or in the unbroken run of used slots behind it. Removing an
 * entry moves later entries of the run forward where that brings them nearer to their own slot, so
 * there are no tombstones and the map stays as short as what lives in it. At most three quarters
 * are used.
 */
#include "sim/config_names.h"

#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

/* FNV-1a. */
static uint64_t hash(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

void live_names_release(struct live_names *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

/* The slot of @name, or the free one where it would go. */
static struct live_name *slot_of(const struct live_names *m, const char *name)
{
	uint64_t mask = m->slots_count - 1;
	uint64_t i = hash(name) & mask;
	while (m->slots[i].name[0] && strcmp(m->slots[i].name, name) != 0)
		i = (i + 1) & mask;
	return &m->slots[i];
}

struct live_name *live_names_find(const struct live_names *m, const char *name)
{
	if (!m->slots_count)
		return NULL;
	struct live_name *slot = slot_of(m, name);
	return slot->name[0] ? slot : NULL;
}

static int grow(struct live_names *m)
{
	struct live_names bigger = {.slots_count = m->slots_count ? m->slots_count * 2 : 64,
				    .used_count = m->used_count};
	bigger.slots = calloc(bigger.slots_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -1;
	for (uint64_t i = 0; i < m->slots_count; i++) {
		if (m->slots[i].name[0])
			*slot_of(&bigger, m->slots[i].name) = m->slots[i];
	}
	free(m->slots);
	*m = bigger;
	return 0;
}

struct live_name *live_names_add(struct live_names *m, const char *name)
{
	if (m->used_count >= m->slots_count / 4 * 3 && grow(m) != 0)
		return NULL;
	struct live_name *slot = slot_of(m, name);
	BUG_ON(slot->name[0], "name '%s' lives already", name);
	memset(slot, 0, sizeof(*slot));
	strncpy(slot->name, name, sizeof(slot->name) - 1);
	m->used_count++;
	return slot;
}

void live_names_remove(struct live_names *m, struct live_name *entry)
{
	uint64_t mask = m->slots_count - 1;
	uint64_t hole = (uint64_t)(entry - m->slots);
	for (uint64_t i = (hole + 1) & mask; m->slots[i].name[0]; i = (i + 1) & mask) {
		uint64_t home = hash(m->slots[i].name) & mask;
		/* Entry i may move to the hole unless its home lies cyclically in (hole, i]. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].name[0] = '\0';
	m->used_count--;
}
