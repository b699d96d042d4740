/*
 * memory_check.c - verify the invariants M1 to M5 that memory.c states, TLBs' among them.
 *
 * What a CPU's own levels hold is compared with the directory only if nothing of the CPU is
 * pending: in between they differ by what its queue and its news will change. The rest holds at all
 * times.
 *
 * Cost: in proportion to all sets of all caches, and to the directory's holders times the number of
 * levels.
 */
#include "hw/memory_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
	const struct memory *m;
	char *text;
	size_t text_size;
	bool failed;
	/* The cache that is walked. */
	const struct memory_cpu *c;
	unsigned level, place;
	uint64_t found_count;
	uint64_t *known_count; /* by holder: lines that the directory says it has */
};

static void __attribute__((format(printf, 2, 3))) fail(struct check *k, const char *fmt, ...)
{
	if (k->failed)
		return;
	k->failed = true;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(k->text, k->text_size, fmt, ap);
	va_end(ap);
}

/* A line of one of a CPU's own levels. */
static void check_own_line(void *arg, uint64_t line, uint8_t flags)
{
	struct check *k = arg;
	const struct memory_cpu *c = k->c;
	const struct directory_entry *e = directory_find(&k->m->dir, line);
	unsigned long long at = line;
	bool first = true; /* of this CPU's levels that have the line */

	for (unsigned before = 0; before < k->level; before++)
		first &= !cache_peek(c->own[before], line);
	k->found_count += first;
	for (unsigned after = k->level + 1; after < k->m->own_levels; after++) {
		if (k->m->hw->caches[after].inclusive && !cache_peek(c->own[after], line))
			fail(k, "M3: CPU %u: line %llx of level %u is not in level %u", c->cpu, at,
			     k->level + 1, after + 1);
	}
	if (!e || !entry_has(e, c->cpu)) {
		fail(k, "M1: CPU %u has line %llx, of which the directory does not know", c->cpu,
		     at);
		return;
	}
	bool owner = e->owner == c->cpu;
	if (!(flags & LINE_EXCLUSIVE) != !(owner && e->exclusive))
		fail(k, "M2: CPU %u, level %u: line %llx is exclusive here or there, not in both",
		     c->cpu, k->level + 1, at);
	if (flags & LINE_DIRTY && !owner)
		fail(k, "M2: CPU %u: line %llx is dirty, but not its own", c->cpu, at);
}

static void check_cpu(struct check *k, const struct memory_cpu *c)
{
	char text[200];
	k->c = c;
	k->found_count = 0;
	for (k->level = 0; k->level < k->m->own_levels; k->level++) {
		if (cache_check(c->own[k->level], text, sizeof(text)))
			fail(k, "M4: CPU %u, level %u: %s", c->cpu, k->level + 1, text);
		if (!c->ops.pending)
			cache_walk(c->own[k->level], check_own_line, k);
	}
	if (c->tlb && tlb_check(c->tlb, text, sizeof(text)))
		fail(k, "M4: CPU %u, TLB: %s", c->cpu, text);
	if (!c->ops.pending && k->known_count[c->cpu] != k->found_count)
		fail(k, "M1: CPU %u has %llu lines, the directory knows of %llu", c->cpu,
		     (unsigned long long)k->found_count,
		     (unsigned long long)k->known_count[c->cpu]);
}

static void check_shared_line(void *arg, uint64_t line, uint8_t flags)
{
	struct check *k = arg;
	const struct directory_entry *e = directory_find(&k->m->dir, line);
	k->found_count++;
	if (!e || !entry_has(e, k->place))
		fail(k, "M4: line %llx of shared cache %u is not in the directory",
		     (unsigned long long)line, k->place);
}

static void check_shared(struct check *k, unsigned place)
{
	char text[200];
	const struct cache *cache = shared_cache(k->m, place);
	k->place = place;
	k->found_count = 0;
	if (cache_check(cache, text, sizeof(text)))
		fail(k, "M4: shared cache %u: %s", place, text);
	cache_walk(cache, check_shared_line, k);
	if (k->known_count[place] != k->found_count)
		fail(k, "M4: shared cache %u has %llu lines, the directory knows of %llu", place,
		     (unsigned long long)k->found_count,
		     (unsigned long long)k->known_count[place]);
}

/* What holds @e's line before shared level @level has it in that level, too, if it is inclusive. */
static void check_inclusion(struct check *k, const struct directory_entry *e, unsigned level)
{
	const struct memory *m = k->m;
	unsigned long long line = e->tag - 1;
	if (!m->hw->caches[level].inclusive)
		return;
	unsigned i = entry_next(e, 0, m->first_place[level]);
	for (; i < m->first_place[level]; i = entry_next(e, i + 1, m->first_place[level])) {
		unsigned cpu = i;
		for (unsigned below = m->own_levels; below < level; below++) {
			if (i >= m->first_place[below])
				cpu = (i - m->first_place[below]) *
				      (unsigned)m->hw->caches[below].shared_by;
		}
		if (!entry_has(e, place_of(m, level, cpu)))
			fail(k, "M3: line %llx of holder %u is not in level %u", line, i,
			     level + 1);
	}
}

static void check_entry(struct check *k, const struct directory_entry *e)
{
	const struct memory *m = k->m;
	unsigned long long line = e->tag - 1;
	if (entry_empty(&m->dir, e))
		fail(k, "M1: line %llx of the directory has no holder", line);
	if (e->owner != DIRECTORY_NOBODY && !entry_has(e, e->owner))
		fail(k, "M2: owner %u of line %llx does not hold it", e->owner, line);
	if (e->exclusive) {
		if (e->owner >= m->params.cpus_count) {
			fail(k, "M2: line %llx is exclusive, but to no CPU", line);
			return;
		}
		unsigned i = entry_next(e, 0, m->places_count);
		for (; i < m->places_count; i = entry_next(e, i + 1, m->places_count)) {
			bool path = i == e->owner;
			for (unsigned level = m->own_levels; level < m->levels; level++)
				path |= place_of(m, level, e->owner) == i;
			if (!path)
				fail(k, "M2: line %llx is exclusive to CPU %u, but %u holds it",
				     line, e->owner, i);
		}
	}
	for (unsigned level = m->own_levels; level < m->levels; level++)
		check_inclusion(k, e, level);
}

/* Its entries, each by itself; and how many lines it knows of each holder. */
static void check_directory(struct check *k)
{
	const struct memory *m = k->m;
	size_t at = 0;
	struct directory_entry *e;
	while ((e = directory_next(&m->dir, &at))) {
		check_entry(k, e);
		unsigned i = entry_next(e, 0, m->places_count);
		for (; i < m->places_count; i = entry_next(e, i + 1, m->places_count))
			k->known_count[i]++;
	}
}

static void check_counts(struct check *k, const struct memory_cpu *c)
{
	struct memory_stats s;
	memory_stats(k->m, c->cpu, &s);
	uint64_t answered = s.dram_local_count + s.dram_remote_count;
	for (unsigned i = 0; i < HW_CACHES; i++)
		answered += s.hits_count[i];
	for (unsigned i = 0; i < 3; i++)
		answered += s.transfers_count[i];
	for (size_t i = 0; i < c->queue.count; i++) {
		unsigned kind = c->queue.words[i] & REQUEST_KIND;
		answered += kind == REQUEST_READ || kind == REQUEST_WRITE;
	}
	if (answered != s.accesses_count + c->refetched_count)
		fail(k, "M5: CPU %u: %llu accesses and %llu repeated, %llu answers", c->cpu,
		     (unsigned long long)s.accesses_count, (unsigned long long)c->refetched_count,
		     (unsigned long long)answered);
}

int memory_check(const struct memory *m, char *text, size_t text_size)
{
	struct check k = {.m = m, .text = text, .text_size = text_size};
	k.known_count = calloc(m->places_count, sizeof(*k.known_count));
	if (!k.known_count) {
		fail(&k, "out of memory for the check");
		return -1;
	}
	check_directory(&k);
	for (unsigned cpu = 0; cpu < m->params.cpus_count; cpu++) {
		check_cpu(&k, &m->cpus[cpu]);
		check_counts(&k, &m->cpus[cpu]);
	}
	for (unsigned place = m->params.cpus_count; place < m->places_count; place++)
		check_shared(&k, place);
	free(k.known_count);
	return k.failed ? -1 : 0;
}
