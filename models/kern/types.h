/*
 * types.h - the scalar words of the simulated kernel and its size limits.
 *
 * Everything here is compile-time only; every layer may include it.
 */
#ifndef KERN_TYPES_H
#define KERN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Page frame number: physical address >> PAGE_SHIFT. */
typedef uint64_t pfn_t;
/* Simulated time in picoseconds since the start of the run. */
typedef uint64_t ps_t;
/* Allocation flags, Linux's bits: see gfp.h. */
typedef uint32_t gfp_t;

#define PFN_NONE   UINT64_MAX /* "no page": what a failed allocation returns */
#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u

#define ORDER_LIMIT    16 /* orders 0..15 fit the arrays; a machine uses 0..max_order */
#define NODES_LIMIT    64
#define CPUS_LIMIT     256
#define PFN_END_LIMIT  UINT64_C(0xffffff00) /* list links hold 32-bit frame numbers: 16 TiB */
#define ZONE_NAME_SIZE 8

#define PS_PER_NS UINT64_C(1000)
#define PS_PER_S  UINT64_C(1000000000000)

/* What kind of memory a zone is, low addresses first; Linux's enum zone_type. */
enum zone_type {
	ZONE_DMA,
	ZONE_DMA32,
	ZONE_NORMAL,
	ZONE_HIGHMEM,
	ZONE_MOVABLE,
	ZONE_TYPES,
};

/* Why a page was asked for, and what its pageblock is kept for. */
enum migratetype {
	MIGRATE_UNMOVABLE,
	MIGRATE_MOVABLE,
	MIGRATE_RECLAIMABLE,
	MIGRATE_PCPTYPES,                      /* the types above have per-CPU lists */
	MIGRATE_HIGHATOMIC = MIGRATE_PCPTYPES, /* reserve for high-order atomic requests */
	MIGRATE_ISOLATE,                       /* taken out of use; never allocated from */
	MIGRATE_TYPES,
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t u64_clamp(uint64_t v, uint64_t lo, uint64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

#endif
