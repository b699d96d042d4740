/*
 * memory_coherence.c - what happens beyond a CPU's own caches: shared levels, other CPUs' copies,
 * the nodes' memory. Carried out when the CPU synchronises, in the order of its accesses.
 *
 * The directory knows of each line which holders have a copy: a CPU (in any of its own levels), or
 * an instance of a shared level. One of them may be the owner: it has the line newer than memory.
 * A CPU that is the owner is exclusive until another CPU reads the line (states of the MOESI
 * protocol: Modified, then Owned; a copy of anybody else is Shared).
 *
 *   read     from the owner, if it is not on the CPU's path: a transfer, and it is exclusive no
 *            longer; else from the first shared level of the path that has the line; else from the
 *            node's memory. The levels of the path that lacked it hold it afterwards.
 *   write    the same, unless the CPU has a copy; then all holders beside the path lose theirs: the
 *            cost is that of the farthest one, or of the data if that took longer, because both
 *            travel at once. The CPU becomes the owner, exclusive.
 *   evict    the CPU has no copy any longer; if it was the owner, the data goes one level down.
 *
 * A CPU's path is itself and the instances that serve it. What a level evicts goes one level down
 * if that level was the owner; an inclusive level takes it from all holders before it, too.
 *
 * Other CPUs' own levels are not touched from here: they may have run ahead. The directory is
 * changed, and the line is posted to them. When such a CPU synchronises, it first carries out its
 * own queue; then the directory tells for each line posted whether the CPU still has it (it may
 * have fetched it again since), and may still write it, and its own levels are made to agree. So a
 * write takes effect for other CPUs when they synchronise next, whatever they did meanwhile.
 *
 * Example: CPUs 0 and 1 each write line 7 in turn, with no shared level. CPU 0: nobody holds it;
 * DRAM, owner 0. CPU 1: owner 0 is not on its path: a transfer, 0 loses it, owner 1. CPU 0, at its
 * next synchronisation: line 7 was posted and 0 is no holder: its first level forgets it; so the
 * next write misses, and is a transfer again.
 *
 * DRAM has a latency by distance, and a bandwidth for each node: a calendar that says until when
 * the node is busy. An access waits for that, then takes the line's time. Lines written back take
 * their time, too, but nobody waits for them.
 *
 * MODEL: a CPU's accesses beyond its own caches follow each other; out-of-order CPUs overlap some.
 * MODEL: a clean line is fetched from memory, not from another CPU or another instance, as on AMD's
 * CPUs; Intel's may forward it.
 * MODEL: links between nodes have latency, but no limit of bandwidth.
 * MODEL: non-inclusive levels are filled on a miss, and by dirty lines from above; no victim caches
 * that hold what the level above evicts clean.
 */
#include "hw/memory_impl.h"

#include "kern/bug.h"

#define FORESIGHT 8 /* requests */

/* A synchronisation under way. */
struct visit {
	struct memory *m;
	struct memory_cpu *c;
	struct env *env;
	ps_t now_ps;
	uint64_t cycles_before; /* env's, at now_ps */
};

static ps_t cycles_to_ps(uint64_t khz, uint64_t cycles)
{
	return cycles / khz * UINT64_C(1000000000) + cycles % khz * UINT64_C(1000000000) / khz;
}

static uint64_t ps_to_cycles(uint64_t khz, ps_t ps)
{
	uint64_t whole = ps / UINT64_C(1000000000), part = ps % UINT64_C(1000000000);
	return whole * khz + (part * khz + UINT64_C(500000000)) / UINT64_C(1000000000);
}

/* Move one line to or from node @nid's memory, from the present on; how long it has to wait. */
static ps_t dram_move(const struct visit *v, unsigned nid)
{
	struct memory *m = v->m;
	if (!m->hw->dram_bytes_per_s)
		return 0;
	struct dram_node *node = &m->dram[nid];
	ps_t t = v->now_ps + cycles_to_ps(m->params.cpu_khz, v->env->cycles - v->cycles_before);
	ps_t wait = 0;
	if (node->free_at_ps > t) {
		wait = node->free_at_ps - t;
	} else {
		node->free_at_ps = t;
		node->rest = 0;
	}
	node->free_at_ps += m->line_ps;
	node->rest += m->line_rest;
	if (node->rest >= m->hw->dram_bytes_per_s) {
		node->rest -= m->hw->dram_bytes_per_s;
		node->free_at_ps++;
	}
	return wait;
}

/* --- places ----------------------------------------------------------------------------------- */

/* A CPU that stands for @place where distances matter. */
static unsigned place_cpu(const struct memory *m, unsigned place)
{
	if (place < m->params.cpus_count)
		return place;
	unsigned level = m->levels - 1;
	while (place < m->first_place[level])
		level--;
	return (place - m->first_place[level]) * (unsigned)m->hw->caches[level].shared_by;
}

/* 0: they share a cache, 1: a node, 2: neither. */
static unsigned distance_class(const struct memory *m, unsigned cpu, unsigned place)
{
	unsigned other = place_cpu(m, place);
	unsigned last = m->levels - 1;
	if (last >= m->own_levels && place_of(m, last, cpu) == place_of(m, last, other))
		return 0;
	return m->cpus[cpu].nid == m->cpus[other].nid ? 1 : 2;
}

static bool on_path(const struct memory *m, unsigned cpu, unsigned place)
{
	if (place < m->params.cpus_count)
		return place == cpu;
	for (unsigned level = m->own_levels; level < m->levels; level++) {
		if (place_of(m, level, cpu) == place)
			return true;
	}
	return false;
}

static void post(struct memory *m, unsigned cpu, uint64_t line)
{
	struct memory_cpu *c = &m->cpus[cpu];
	word_list_add(&c->news, line);
	c->ops.pending = true;
}

/* @place has no copy of the entry's line any longer. */
static void lose(struct memory *m, struct directory_entry *e, unsigned place)
{
	uint64_t line = e->tag - 1;
	entry_drop(e, place);
	if (place < m->params.cpus_count)
		post(m, place, line);
	else
		cache_remove(shared_cache(m, place), line);
}

/* --- filling and evicting --------------------------------------------------------------------- */

static void put_shared(const struct visit *v, unsigned level, unsigned place, uint64_t line);

/*
 * The owner of @line, served by shared level @level of @cpu's path from now on, gives it up to that
 * level or, beyond the last, to memory.
 */
static void write_back(const struct visit *v, struct directory_entry *e, unsigned level,
		       unsigned cpu)
{
	struct memory *m = v->m;
	uint64_t line = e->tag - 1;
	e->exclusive = false;
	if (level < m->levels) {
		unsigned place = place_of(m, level, cpu);
		e->owner = place;
		if (!entry_has(e, place))
			put_shared(v, level, place, line);
		return;
	}
	e->owner = DIRECTORY_NOBODY;
	v->c->stats.writebacks_count++;
	dram_move(v, memory_line_nid(m, line));
	if (entry_empty(&m->dir, e))
		directory_remove(&m->dir, e);
}

/* @place of shared level @level has evicted @line. */
static void evicted(const struct visit *v, unsigned level, unsigned place, uint64_t line)
{
	struct memory *m = v->m;
	struct directory_entry *e = directory_find(&m->dir, line);
	unsigned per_instance = (unsigned)m->hw->caches[level].shared_by;
	unsigned cpu = (place - m->first_place[level]) * per_instance;
	unsigned cpu_end = cpu + per_instance;
	bool owned = e->owner == place;

	if (cpu_end > m->params.cpus_count)
		cpu_end = m->params.cpus_count;
	entry_drop(e, place);
	if (m->hw->caches[level].inclusive) {
		unsigned i = entry_next(e, cpu, cpu_end);
		for (; i < cpu_end; i = entry_next(e, i + 1, cpu_end)) {
			owned |= e->owner == i;
			lose(m, e, i);
		}
		for (unsigned k = m->own_levels; k < level; k++) {
			unsigned end = place_of(m, k, cpu_end - 1) + 1;
			i = entry_next(e, place_of(m, k, cpu), end);
			for (; i < end; i = entry_next(e, i + 1, end)) {
				owned |= e->owner == i;
				lose(m, e, i);
			}
		}
	}
	if (owned)
		write_back(v, e, level + 1, cpu);
	else if (entry_empty(&m->dir, e))
		directory_remove(&m->dir, e);
}

/* Put @line, of which the directory has an entry, into an instance that lacks it. */
static void put_shared(const struct visit *v, unsigned level, unsigned place, uint64_t line)
{
	struct memory *m = v->m;
	uint8_t flags;
	entry_add(directory_find(&m->dir, line), place);
	uint64_t victim = cache_insert(shared_cache(m, place), line, 0, &flags);
	if (victim != CACHE_NO_LINE)
		evicted(v, level, place, victim);
}

/* --- accesses --------------------------------------------------------------------------------- */

struct supply {
	enum cycle_cause cause;
	uint64_t cycles;
};

static struct supply from_dram(const struct visit *v, uint64_t line)
{
	struct memory *m = v->m;
	unsigned nid = memory_line_nid(m, line);
	bool local = nid == v->c->nid;
	uint64_t wait = ps_to_cycles(m->params.cpu_khz, dram_move(v, nid));
	if (local)
		v->c->stats.dram_local_count++;
	else
		v->c->stats.dram_remote_count++;
	return (struct supply){local ? CAUSE_DRAM : CAUSE_DRAM_REMOTE,
			       m->dram_cycles[v->c->nid * m->params.nodes_count + nid] + wait};
}

/* Where the data of @e's line comes from, for a CPU whose own levels lack it, and what it costs. */
static struct supply find_supply(const struct visit *v, struct directory_entry *e, bool walk)
{
	struct memory *m = v->m;
	uint64_t line = e->tag - 1;
	if (e->owner != DIRECTORY_NOBODY && !on_path(m, v->c->cpu, e->owner)) {
		unsigned class = distance_class(m, v->c->cpu, e->owner);
		v->c->stats.transfers_count[class]++;
		if (e->exclusive)
			post(m, e->owner, line);
		e->exclusive = false;
		return (struct supply){CAUSE_TRANSFER, m->transfer_cycles[class]};
	}
	for (unsigned level = m->own_levels; level < m->levels; level++) {
		unsigned place = place_of(m, level, v->c->cpu);
		if (!entry_has(e, place))
			continue;
		cache_lookup(shared_cache(m, place), line);
		v->c->stats.hits_count[level]++;
		uint64_t first = walk ? 0 : m->hw->caches[0].latency_cycles;
		/* A first level that is shared charges nothing: no cause is needed. */
		return (struct supply){CAUSE_CACHE2 + (level ? level - 1 : 0),
				       m->hw->caches[level].latency_cycles - first};
	}
	return from_dram(v, line);
}

/* All holders beside the CPU's path lose the line; what that takes, 0 if there were none. */
static uint64_t take_from_others(const struct visit *v, struct directory_entry *e)
{
	struct memory *m = v->m;
	uint64_t cycles = 0;
	bool any = false;
	unsigned i = entry_next(e, 0, m->places_count);
	for (; i < m->places_count; i = entry_next(e, i + 1, m->places_count)) {
		if (on_path(m, v->c->cpu, i))
			continue;
		any = true;
		cycles = u64_max(cycles, m->transfer_cycles[distance_class(m, v->c->cpu, i)]);
		lose(m, e, i);
	}
	v->c->stats.upgrades_count += any;
	return cycles;
}

/* The levels of the path that lack @line get it, the last first. */
static void fill_path(const struct visit *v, uint64_t line)
{
	struct memory *m = v->m;
	for (unsigned level = m->levels; level-- > m->own_levels;) {
		unsigned place = place_of(m, level, v->c->cpu);
		/* What the level before evicted may have moved the entry. */
		if (!entry_has(directory_find(&m->dir, line), place))
			put_shared(v, level, place, line);
	}
}

static void carry_out(const struct visit *v, uint64_t line, enum request kind, bool walk)
{
	struct memory *m = v->m;
	struct memory_cpu *c = v->c;
	struct directory_entry *e = directory_get(&m->dir, line);
	BUG_ON(!e, "out of memory for the directory of cache lines");
	/* Without levels of its own a CPU holds nothing; the first shared one does. */
	bool held = m->own_levels && entry_has(e, c->cpu);
	struct supply s = {CAUSE_TRANSFER, 0};

	if (!held) {
		s = find_supply(v, e, walk);
		c->refetched_count += kind == REQUEST_UPGRADE;
		memory_charge(c, v->env, walk ? CAUSE_WALK : s.cause, s.cycles);
	}
	if (kind != REQUEST_READ) {
		uint64_t cycles = take_from_others(v, e);
		if (cycles > s.cycles)
			memory_charge(c, v->env, walk ? CAUSE_WALK : CAUSE_TRANSFER,
				      cycles - s.cycles);
		e->owner = m->own_levels ? c->cpu : place_of(m, 0, c->cpu);
		e->exclusive = m->own_levels;
	}
	if (held)
		return;
	if (m->own_levels)
		entry_add(e, c->cpu);
	fill_path(v, line);
}

/* The CPU's own levels have no copy of @line any longer. */
static void left(const struct visit *v, uint64_t line)
{
	struct memory *m = v->m;
	struct directory_entry *e = directory_find(&m->dir, line);
	if (!e || !entry_has(e, v->c->cpu))
		return; /* it was taken away before */
	entry_drop(e, v->c->cpu);
	if (e->owner == v->c->cpu)
		write_back(v, e, m->own_levels, v->c->cpu);
	else if (entry_empty(&m->dir, e))
		directory_remove(&m->dir, e);
}

/* Make the CPU's own levels agree with what the directory says of a line that was posted. */
static void hear(struct memory_cpu *c, uint64_t line)
{
	const struct memory *m = c->m;
	const struct directory_entry *e = directory_find(&m->dir, line);
	bool holds = e && entry_has(e, c->cpu);
	bool writes = holds && e->exclusive && e->owner == c->cpu;
	bool lost = false;
	for (unsigned level = 0; level < m->own_levels && !writes; level++) {
		if (!holds) {
			lost |= cache_remove(c->own[level], line) >= 0;
			continue;
		}
		uint8_t *flags = cache_peek(c->own[level], line);
		if (flags)
			*flags &= (uint8_t)~LINE_EXCLUSIVE;
	}
	c->stats.invalidated_count += lost;
}

/*
 * The directory and large levels are beyond the host's own caches: it fetches what a request will
 * look at while those before it are carried out.
 */
static void foresee(const struct memory_cpu *c, size_t i)
{
	const struct memory *m = c->m;
	if (i >= c->queue.count)
		return;
	uint64_t line = c->queue.words[i] >> REQUEST_SHIFT;
	directory_prefetch(&m->dir, line);
	for (unsigned level = m->own_levels; level < m->levels; level++)
		cache_prefetch(shared_cache(m, place_of(m, level, c->cpu)), line);
}

void memory_sync(struct env *env, ps_t now_ps)
{
	struct memory_cpu *c = (struct memory_cpu *)env->memory;
	const struct visit v = {c->m, c, env, now_ps, env->cycles};
	for (size_t i = 0; i < c->queue.count; i++) {
		uint64_t word = c->queue.words[i];
		enum request kind = word & REQUEST_KIND;
		foresee(c, i + FORESIGHT);
		if (kind == REQUEST_EVICT)
			left(&v, word >> REQUEST_SHIFT);
		else
			carry_out(&v, word >> REQUEST_SHIFT, kind, word & REQUEST_WALK);
	}
	c->queue.count = 0;
	for (size_t i = 0; i < c->news.count; i++)
		hear(c, c->news.words[i]);
	c->news.count = 0;
	c->ops.pending = c->ops.waiting = false;
}
