/*
 * memory_access.c - an access to one cache line in a CPU's own levels, which answer at once.
 *
 * The levels that one CPU has alone are filled on a miss, all of them. A line that a level evicts
 * leaves the levels before it if the level is inclusive; dirty, it goes one level down. When none
 * of the CPU's levels has it any longer, that is queued as a notice for the directory.
 *
 * A write needs LINE_EXCLUSIVE, which all levels that have the line show alike. Without it the
 * write is queued, and the line counts as exclusive from now on: further writes are free, and
 * whether other CPUs lost their copies in the meantime, or took the line, is settled by sync().
 *
 * Example: L1 and L2 of two lines each, L2 not inclusive, latest first. Read a and b: both levels
 * are b a. Write a: L1 a b, UPGRADE a queued. Read c: L2 is c b, for its own order had a last; a
 * stays in L1, which is c a. Read d: L2 is d c, and b is gone everywhere: EVICT b queued. L1 is d
 * c; its a is dirty and goes down: L2 is a d, and c stays in L1.
 */
#include "hw/memory_impl.h"

static void queue(struct memory_cpu *c, uint64_t line, unsigned kind)
{
	word_list_add(&c->queue, line << REQUEST_SHIFT | kind);
	c->ops.pending = c->ops.waiting = true;
}

static bool own_has(const struct memory_cpu *c, uint64_t line)
{
	for (unsigned level = 0; level < c->m->own_levels; level++) {
		if (cache_peek(c->own[level], line))
			return true;
	}
	return false;
}

static void fill_own(struct memory_cpu *c, unsigned level, uint64_t line, uint8_t flags);

/* @level has evicted @line. */
static void evicted_own(struct memory_cpu *c, unsigned level, uint64_t line, uint8_t flags)
{
	if (c->m->hw->caches[level].inclusive) {
		for (unsigned before = 0; before < level; before++) {
			int had = cache_remove(c->own[before], line);
			if (had > 0)
				flags |= (uint8_t)had;
		}
	}
	if (flags & LINE_DIRTY && level + 1 < c->m->own_levels) {
		uint8_t *below = cache_peek(c->own[level + 1], line);
		if (below)
			*below |= flags;
		else
			fill_own(c, level + 1, line, flags);
		return;
	}
	if (!own_has(c, line))
		queue(c, line, REQUEST_EVICT);
}

/* Put a line into one level that lacks it. */
static void fill_own(struct memory_cpu *c, unsigned level, uint64_t line, uint8_t flags)
{
	uint8_t victim_flags;
	uint64_t victim = cache_insert(c->own[level], line, flags, &victim_flags);
	if (victim != CACHE_NO_LINE)
		evicted_own(c, level, victim, victim_flags);
}

/* Fill the levels before @level; the first one alone notes that a line is written. */
static void fill_before(struct memory_cpu *c, unsigned level, uint64_t line, uint8_t flags,
			bool write)
{
	while (level--)
		fill_own(c, level, line, flags | (write && !level ? LINE_DIRTY : 0));
}

/* A write to a line that some levels have without the right to. */
static void become_exclusive(struct memory_cpu *c, uint64_t line)
{
	for (unsigned level = 0; level < c->m->own_levels; level++) {
		uint8_t *flags = cache_peek(c->own[level], line);
		if (flags)
			*flags |= LINE_EXCLUSIVE;
	}
}

/* Level @level has the line, with @flags. */
static void own_hit(struct memory_cpu *c, struct env *env, unsigned level, uint8_t *flags,
		    uint64_t line, bool write, unsigned walk)
{
	if (write && !(*flags & LINE_EXCLUSIVE)) {
		queue(c, line, REQUEST_UPGRADE | walk);
		become_exclusive(c, line);
	}
	if (write && !level)
		*flags |= LINE_DIRTY;
	const struct hw_cache *caches = c->m->hw->caches;
	if (walk)
		memory_charge(c, env, CAUSE_WALK, caches[level].latency_cycles);
	else if (level)
		memory_charge(c, env, CAUSE_CACHE2 + level - 1,
			      caches[level].latency_cycles - caches[0].latency_cycles);
	if (!level)
		return;
	c->missed_first_count++;
	c->stats.hits_count[level]++;
	fill_before(c, level, line, *flags & LINE_EXCLUSIVE, write);
}

void memory_access_line(struct memory_cpu *c, struct env *env, uint64_t line, bool write,
			unsigned walk)
{
	unsigned levels = c->m->own_levels;
	c->stats.accesses_count++;
	for (unsigned level = 0; level < levels; level++) {
		uint8_t *flags = cache_lookup(c->own[level], line);
		if (flags) {
			own_hit(c, env, level, flags, line, write, walk);
			return;
		}
	}
	c->missed_first_count++;
	queue(c, line, (write ? REQUEST_WRITE : REQUEST_READ) | walk);
	fill_before(c, levels, line, write ? LINE_EXCLUSIVE : 0, write);
}
