/*
 * memory_impl.h - inside a struct memory: for memory*.c, and for tests that break one on purpose.
 */
#ifndef HW_MEMORY_IMPL_H
#define HW_MEMORY_IMPL_H

#include "hw/cache_impl.h"
#include "hw/directory.h"
#include "hw/memory.h"
#include "hw/tlb.h"

/* A growable list of 64-bit words. */
struct word_list {
	uint64_t *words;
	size_t count, room;
};

/* What a CPU's queue holds: a line << REQUEST_SHIFT, with these. */
enum request {
	REQUEST_READ,    /* the line came into the CPU's own levels */
	REQUEST_WRITE,   /* ... to be written */
	REQUEST_UPGRADE, /* a write to a line that they had, but might not write */
	REQUEST_EVICT,   /* none of them has it any longer */
	REQUEST_KIND = 3,
	REQUEST_WALK = 4, /* of a page walk */
	REQUEST_SHIFT = 3,
};

struct memory_cpu {
	struct env_memory ops; /* first: env->memory points here */
	/* Touched by every access. */
	unsigned line_shift;
	uint64_t page_start, page_bytes; /* paddrs that the last translation covers; 0: none */
	struct cache *own[HW_CACHES];    /* levels of this CPU alone */
	struct memory *m;
	struct tlb *tlb; /* NULL: translation is free */
	unsigned cpu, nid;
	struct word_list queue; /* in order: what sync() is to carry out */
	struct word_list news;  /* lines of which other CPUs took or limited this CPU's copies */
	/* Of accesses and translations: that the first levels did not answer at once. */
	uint64_t missed_first_count, missed_tlb_count;
	uint64_t refetched_count;  /* upgrades whose line was gone by then: answered twice */
	struct memory_stats stats; /* hits of the first levels are left out */
};

struct dram_node {
	ps_t free_at_ps; /* when all that was asked for will have been moved */
	uint64_t rest;   /* of a picosecond, in 1/dram_bytes_per_s */
};

struct memory {
	struct memory_params params;
	const struct hw_machine *hw;
	unsigned levels, own_levels; /* of caches: all, and those of one CPU alone */
	unsigned line_shift;
	/*
	 * Holders in the directory: CPU c, for all of its own levels, is c; instance i of shared
	 * level k is first_place[k] + i.
	 */
	unsigned first_place[HW_CACHES], places_count;
	struct cache **shared; /* by place, from cpus_count on */
	struct directory dir;
	struct memory_cpu *cpus;
	struct dram_node dram[NODES_LIMIT];
	uint64_t *dram_cycles; /* latency; row: the CPU's node, column: the address's */
	uint64_t transfer_cycles[3];
	uint64_t tlb_level2_cycles; /* 0: the TLBs have one level */
	ps_t line_ps; /* of a node's bandwidth; rest as in struct dram_node */
	uint64_t line_rest;
};

/* The kernel's own page tables, by level: see memory.c. */
#define TABLES_PADDR       (UINT64_C(1) << 52)
#define TABLES_LEVEL_BYTES (UINT64_C(1) << 48)

/* The instance of shared level @level that @cpu uses. */
static inline unsigned place_of(const struct memory *m, unsigned level, unsigned cpu)
{
	return m->first_place[level] + cpu / (unsigned)m->hw->caches[level].shared_by;
}

static inline struct cache *shared_cache(const struct memory *m, unsigned place)
{
	return m->shared[place - m->params.cpus_count];
}

static inline void memory_charge(struct memory_cpu *c, struct env *env, enum cycle_cause cause,
				 uint64_t cycles)
{
	env_charge_to(env, cause, cycles);
	c->stats.cycles[cause] += cycles;
}

/* Append; the host being out of memory ends the program. */
void word_list_add(struct word_list *l, uint64_t word);
/* The node whose memory a line is in. */
unsigned memory_line_nid(const struct memory *m, uint64_t line);

/* memory_access.c: an access to one line, as far as @c's own levels go. @walk: REQUEST_WALK or 0.
 */
void memory_access_line(struct memory_cpu *c, struct env *env, uint64_t line, bool write,
			unsigned walk);
/* memory_coherence.c: struct env_memory's sync. */
void memory_sync(struct env *env, ps_t now_ps);

#endif
