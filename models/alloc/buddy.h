/*
 * buddy.h - one zone's binary buddy lists. See buddy.c for the theory.
 *
 * Callers hold the zone's lock (buddy_zone.lock) around everything that changes the lists.
 */
#ifndef ALLOC_BUDDY_H
#define ALLOC_BUDDY_H

#include "alloc/page_allocator.h"
#include "kern/pagelist.h"
#include "kern/watermark.h"

/*
 * How the last removal of a bulk found its block; later ones start there. Linux's enum
 * rmqueue_mode.
 */
enum take_mode {
	TAKE_NORMAL,
	TAKE_STEAL,
};

/* One change of a pageblock's type; see pageblock_log in buddy.c. */
struct pageblock_change {
	uint32_t block;
	uint8_t old_type;
};

struct pageblock_log {
	struct pageblock_change *changes;
	uint64_t count, capacity;
};

struct buddy_zone {
	struct physmem *pm;
	struct zone *zone;
	struct env_lock lock;
	struct pagelist lists[ORDER_LIMIT][MIGRATE_TYPES];
	uint32_t nonempty[MIGRATE_TYPES]; /* bit o: lists[o][type] holds blocks */
	pfn_t untouched_start, untouched_end; /* free largest-order blocks not linked yet: I7 */
	enum migratetype untouched_type;
	bool coalesce, highatomic;
	bool unmerged_start;              /* the start state held buddies side by side: no I5 */
	unsigned split_steps_max;
	uint64_t boost_factor;
	struct pageblock_log *log;
	uint64_t splits_count, merges_count, claims_count, steals_count, boosts_count;
};

void buddy_init(struct buddy_zone *bz, const struct page_allocator_params *params,
		struct zone *zone, struct pageblock_log *log);

/*
 * Take 2^@order pages for a request of type @mt: smallest fit of its own type, then a fallback.
 * @flags: enum alloc_flags. @mode is TAKE_NORMAL before the first removal under one lock hold and
 * then carried along. Returns PFN_NONE if there is no block. The block is in nobody's hands: the
 * caller marks it.
 */
pfn_t buddy_take(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt,
		 unsigned flags, enum take_mode *mode);
/* Smallest fit in the lists of one type only. */
pfn_t buddy_take_type(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt);

/* Return a block, merging it with its free buddies. It goes to the pageblock's list. */
void buddy_put(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order);

/* Boot: free [start, end) in largest aligned blocks, at the tails. */
void buddy_add_range(struct buddy_zone *bz, pfn_t start, pfn_t end);
/* Recorded state: one free block, at the tail, unmerged. */
void buddy_add_block(struct buddy_zone *bz, pfn_t pfn, unsigned order);

/*
 * After a HIGHATOMIC success: keep the page's pageblock for such requests, within 1 % of the zone.
 */
void buddy_reserve_highatomic(struct buddy_zone *bz, struct env *env, pfn_t pfn,
			      unsigned order);
/* Give one reserved pageblock to requests of type @mt; false if there was none. */
bool buddy_unreserve_highatomic(struct buddy_zone *bz, struct env *env, enum migratetype mt);

/* Does the block reach into free memory that has not been linked to a list yet? */
bool buddy_in_untouched(const struct buddy_zone *bz, pfn_t pfn, unsigned order);

void buddy_walk(struct buddy_zone *bz, void (*visit)(void *arg, const struct free_block *),
		void *arg);
int buddy_check(struct buddy_zone *bz, struct check_report *report);

/*
 * With @nonempty as in struct buddy_zone: does some list of a type that a request with @flags may
 * use hold a block of @order or more?
 */
static inline bool buddy_has_block(const uint32_t *nonempty, unsigned order, unsigned flags)
{
	uint32_t orders = nonempty[MIGRATE_UNMOVABLE] | nonempty[MIGRATE_MOVABLE] |
			  nonempty[MIGRATE_RECLAIMABLE];
	if (flags & (ALLOC_HIGHATOMIC | ALLOC_OOM))
		orders |= nonempty[MIGRATE_HIGHATOMIC];
	return orders >> order != 0;
}

/*
 * The pageblock's type as it was when the log had @seen changes: what a CPU knows that last
 * synchronised then.
 */
enum migratetype pageblock_type_seen(const struct physmem *pm, const struct pageblock_log *log,
				     uint64_t seen, pfn_t pfn);

/* Shared by buddy.c and buddy_fallback.c. */
void buddy_link(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order,
		enum migratetype mt, bool tail);
void buddy_unlink(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned order);
pfn_t buddy_first(struct buddy_zone *bz, unsigned order, enum migratetype mt);
void buddy_expand(struct buddy_zone *bz, struct env *env, pfn_t pfn, unsigned low, unsigned high,
		  enum migratetype mt);
void buddy_retype(struct buddy_zone *bz, pfn_t pfn, unsigned order, enum migratetype mt);
bool buddy_split_allowed(const struct buddy_zone *bz, unsigned from, unsigned to);
pfn_t buddy_fallback(struct buddy_zone *bz, struct env *env, unsigned order, enum migratetype mt,
		     unsigned flags, enum take_mode *mode);

#endif
