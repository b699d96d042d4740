/*
 * config.h - what a run is told: machine, allocators, costs, start state, workload, measurement.
 *
 * A configuration is YAML. Several files merge left to right, then --set KEY=VALUE; mappings merge
 * key by key, lists and scalars replace. Every quantity carries its unit in the file ("2MiB",
 * "85ns") and in the name of the field here. Anything wrong is reported with file:line:column, the
 * dotted key and the legal range, all of it, before a run starts.
 */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "hw/machine.h"
#include "kern/env.h"
#include "kern/err.h"
#include "kern/types.h"
#include "mm/mempolicy.h"

#define CONFIG_TEXT  256
#define CONFIG_NAME  32
#define CONFIG_LIST  32 /* phases, choices of a distribution, plot orders */
#define CONFIG_GENERATORS 256
#define CONFIG_AUTO  UINT64_MAX /* the word "auto": the kernel's own formula decides */

/* A zone given explicitly in machine.zones. */
struct config_zone {
	enum zone_type type;     /* name: DMA, DMA32, Normal, HighMem, Movable */
	uint64_t node;           /* node: 0.. */
	uint64_t start_bytes;    /* start: physical address, page-aligned */
	uint64_t size_bytes;     /* size: spanned bytes, page-aligned */
	uint64_t managed_bytes;  /* managed: bytes given to the allocator; auto = size */
};

#define CPU_NO_NODE 0xff

enum machine_layout { LAYOUT_X86_64, LAYOUT_X86_32, LAYOUT_FLAT };

struct config_machine {
	uint64_t cpus;                   /* 1..256 */
	uint64_t cpu_khz;                /* cpu_frequency: "2.45GHz" */
	uint64_t nodes;                  /* 1..64; layout splits memory evenly */
	/* node_cpus: lists given, one a node; 0 = CPUs go to the nodes in equal shares, in order */
	unsigned node_cpus_count;
	uint8_t cpu_node[CPUS_LIMIT];    /* with them: of each CPU; CPU_NO_NODE beyond cpus */
	struct hw_machine hw;            /* caches, TLBs, interrupts: hw.caches_count 0 = none */
	uint64_t memory_bytes;           /* memory: used by layout; page-aligned */
	/*
	 * x86_64: DMA, DMA32, hole 3..4 GiB, Normal; x86_32: DMA, Normal, HighMem; flat: one Normal
	 * zone from pfn 0
	 */
	enum machine_layout layout;
	uint64_t movable_bytes;          /* movable: top of memory as ZONE_MOVABLE; 0 = none */
	struct config_zone zones[ZONE_TYPES * 8];
	unsigned zones_count;            /* > 0: the list replaces layout */
	uint64_t min_free_kbytes;        /* auto */
	uint64_t watermark_scale_factor; /* 1..3000, of 10000 */
	/* With a recorded state: not its watermarks, but those that the keys above give (--set). */
	bool own_watermarks;
	uint64_t watermark_boost_factor; /* 0..., of 10000 */
	uint64_t lowmem_reserve_ratio[ZONE_TYPES]; /* by zone type: DMA, DMA32, Normal, HighMem,
						      Movable; 0 = none */
};

struct config_buddy {
	uint64_t max_order;           /* 0..15, default 10 */
	uint64_t pageblock_order;     /* <= max_order, default 9 */
	bool group_by_mobility;       /* migratetypes on or off */
	bool highatomic;              /* reserve for high-order atomic allocations */
	bool coalesce;            /* off: freed blocks never merge (shows what merging is for) */
	uint64_t split_steps_max; /* an allocation may split at most this often; auto = no cap */
};

struct config_pcp {
	bool enabled;
	uint64_t batch_pages;         /* auto */
	uint64_t high_min_pages;      /* auto */
	uint64_t high_max_pages;      /* auto; equal to high_min = no tuning */
	uint64_t high_fraction;       /* percpu_pagelist_high_fraction; 0 = off, else >= 8 */
	uint64_t decay_interval_ns;   /* vmstat worker; 0 = never */
};

/* A cache that the workload names, slab.caches[]. */
struct config_cache {
	char name[CONFIG_NAME];
	uint64_t object_size_bytes;
	uint64_t align_bytes;         /* 0: a word */
	bool reclaim_account, account, dma, hwcache_align, typesafe_by_rcu, no_merge;
	bool constructor;             /* objects of a new slab are initialised once */
	uint64_t sheaf_capacity_objects; /* auto: config_slab's */
};

#define CONFIG_CACHES 4096
#define CONFIG_NAMES  64

struct config_names {
	char names[CONFIG_NAMES][CONFIG_NAME];
	unsigned count;
};

struct config_slab {
	char allocator[CONFIG_NAME];  /* a registered object allocator; "slub" */
	bool merge;
	uint64_t min_order, max_order;
	uint64_t min_objects;         /* auto: from the CPUs */
	uint64_t cpu_partial_objects; /* auto */
	uint64_t min_partial_slabs;   /* auto */
	uint64_t remote_node_defrag_ratio; /* 0..100 */
	bool freelist_random, freelist_hardened, red_zone, poison;
	uint64_t sheaf_capacity_objects; /* 0: no sheaves */
	struct config_names sheaf_caches; /* which caches have them; none: all */
	struct config_cache *caches;  /* heap, owned by the config */
	unsigned caches_count;
};

#define CONFIG_CLASSES 64

struct config_kmalloc {
	uint32_t classes_bytes[CONFIG_CLASSES];
	unsigned classes_count;       /* 0: Linux's */
};

enum dist_kind {
	DIST_CONSTANT,
	DIST_UNIFORM,
	DIST_EXPONENTIAL,
	DIST_LOGNORMAL,
	DIST_PARETO,
	DIST_CHOICE
};

/* One value of a DIST_CHOICE. */
struct config_choice {
	double value, weight;         /* weight > 0, relative to the others' */
};

/* A distribution. Values are in the unit of the key it stands at (orders, bytes or ns). */
struct config_dist {
	enum dist_kind kind;
	double value;                 /* constant; INFINITY for a lifetime of "forever" */
	double min, max;              /* uniform (inclusive); clamps the others if max > 0 */
	double mean;                  /* exponential, lognormal */
	double sigma;                 /* lognormal: of the logarithm */
	double scale, shape;          /* pareto: minimum and tail index */
	struct config_choice choices[CONFIG_LIST];
	unsigned choices_count;
};

/* A stretch of time in which a generator's rate is multiplied by a factor. */
struct config_phase {
	uint64_t duration_ns;         /* >= 1 */
	double rate_factor;           /* >= 0 */
};

/* What a generator makes; which of its keys was given. */
enum generator_what {
	GENERATOR_ORDER,   /* order: blocks of pages */
	GENERATOR_SIZE,    /* size: likewise, by bytes */
	GENERATOR_KMALLOC, /* kmalloc: objects by their size */
	GENERATOR_CACHE,   /* cache: objects of a named cache */
	GENERATOR_FLEET,   /* fleet: kmalloc requests as a table says */
};

/* How a generator chooses nodes: as the workload does, or enum mempolicy_mode + 1. */
enum generator_policy { GENERATOR_POLICY_WORKLOAD };

/*
 * One generator: allocations arrive at `rate` per second on each of its CPUs and live for
 * `lifetime`.
 */
struct config_generator {
	char name[CONFIG_NAME];
	gfp_t gfp;
	enum generator_what what;
	struct config_dist order;
	struct config_dist size_bytes; /* rounded up to a power-of-two number of pages */
	struct config_dist kmalloc_bytes;
	char cache[CONFIG_NAME];      /* of slab.caches */
	unsigned cache_index;         /* into slab.caches */
	char fleet[CONFIG_TEXT];      /* path of a table, sim/fleet.h */
	double rate_factor;           /* FLEET: of the table's rates and live objects; per CPU */
	bool prefill;                 /* FLEET: what lives is there from the beginning */
	unsigned context;             /* enum env_context of its operations */
	uint64_t node;                /* asked for; auto: as the policy says */
	unsigned policy;              /* enum generator_policy, where no node is asked for */
	struct config_dist lifetime_ns; /* not FLEET */
	double rate_per_s;            /* mean of a Poisson process; per CPU; not FLEET */
	uint64_t cpus[CPUS_LIMIT / 64]; /* bit mask; default all */
	uint64_t count_max;           /* allocations per CPU; 0 = no limit */
	struct config_phase phases[CONFIG_LIST]; /* repeated in turn */
	unsigned phases_count;
	uint64_t given;               /* keys that were written, by the loader */
};

/* What a step of a program does; which of its keys was given. */
enum step_kind {
	STEP_KMALLOC,
	STEP_CACHE_ALLOC,
	STEP_ALLOC,
	STEP_VMALLOC,
	STEP_MMAP,
	STEP_TOUCH,
	STEP_PROTECT,
	STEP_MUNMAP,
	STEP_FREE,
	STEP_LOCK,
	STEP_UNLOCK,
	STEP_WORK,
	STEP_IDLE,
	STEP_CHANCE, /* the steps within, with a probability */
	STEP_KINDS,
};

struct config_step {
	/* Set by the checks, as are what, slot, lock and cache_index. */
	enum step_kind kind;
	char name[CONFIG_NAME];       /* what is allocated, touched, freed, locked */
	struct config_dist duration_ns; /* WORK, IDLE */
	double chance;                /* CHANCE: 0 < chance <= 1 */
	bool by_size;                 /* ALLOC: size_bytes, not order */
	struct config_dist size_bytes; /* allocations, VMALLOC, MMAP */
	uint64_t order;               /* ALLOC */
	char cache[CONFIG_NAME];      /* CACHE_ALLOC: of slab.caches */
	unsigned cache_index;         /* into slab.caches */
	gfp_t gfp;                    /* allocations, VMALLOC */
	bool keep;                    /* allocations: not freed by the round */
	bool huge;                    /* MMAP */
	uint64_t offset_bytes;        /* TOUCH, PROTECT, MUNMAP: from the beginning */
	uint64_t bytes;               /* ... auto: to the end */
	uint64_t stride_bytes, count; /* TOUCH; count auto: once over the range */
	uint64_t repeat;              /* TOUCH: how often all that */
	bool random, write;           /* TOUCH */
	bool writable;                /* PROTECT */
	enum step_kind what;          /* what `name` is: the kind of the step that made it */
	unsigned slot;                /* of the name, below the program's slots_count */
	unsigned lock;                /* LOCK, UNLOCK: into workload.locks */
	struct config_step *steps;    /* CHANCE; heap */
	unsigned steps_count;
	uint64_t given;               /* keys that were written, by the loader */
};

/*
 * What each of some CPUs does over and over, waiting for each step before the next: a closed loop.
 * Names are the program's and the CPU's own.
 */
struct config_program {
	char name[CONFIG_NAME];
	uint64_t cpus[CPUS_LIMIT / 64]; /* bit mask; a CPU runs at most one program */
	uint64_t rounds;              /* 0: until workload.duration */
	char process[CONFIG_NAME];    /* whose address space mmap uses; "": its own */
	unsigned process_index;       /* below workload.processes_count; set by the checks */
	struct config_step *start, *steps; /* heap: once before the rounds; a round */
	unsigned start_count, steps_count;
	unsigned slots_count;         /* of names; set by the checks */
	bool maps;                    /* has an mmap step; set by the checks */
};

#define CONFIG_PROGRAMS 256
#define CONFIG_STEPS    1024 /* of a list */
#define CONFIG_LOCKS    64

enum lock_kind { LOCK_SPIN, LOCK_MUTEX };
enum lock_handover { HANDOVER_FIFO, HANDOVER_NEAREST };

/* A lock that programs take. */
struct config_lock {
	char name[CONFIG_NAME];
	enum lock_kind kind;
	enum lock_handover handover;
	bool irqs_off;                /* SPIN: taken with interrupts off */
};

/* What the holder of new memory writes at once. */
enum workload_touch { TOUCH_NONE, TOUCH_FIRST_LINE, TOUCH_ALL };

enum workload_pace { PACE_RECORDED, PACE_BACK_TO_BACK };

/* What of a trace is replayed. */
enum workload_level {
	LEVEL_ALL,     /* objects, and those pages that were not asked for to hold objects */
	LEVEL_PAGES,   /* all pages, no objects: as the recorded object allocator asked for them */
	LEVEL_OBJECTS, /* objects alone */
};

#define WORKLOAD_COPIES_MAX 128

struct config_workload {
	char trace[CONFIG_TEXT];      /* path of a .atrace */
	/* operations: given in YAML, compiled by the loader into a binary trace without a name */
	int ops_fd;                   /* -1, or the compiled `ops` list */
	char ops_name[CONFIG_TEXT];   /* file it came from */
	struct config_generator *generators; /* heap, owned by the config */
	unsigned generators_count;
	struct config_lock *locks;    /* heap, owned by the config, as are programs */
	unsigned locks_count;
	struct config_program *programs;
	unsigned programs_count;
	unsigned processes_count;     /* of all programs; set by the checks */
	enum workload_touch touch;
	/* generators stop allocating, programs begin no round here; 0 = no limit (needs count) */
	uint64_t duration_ns;
	bool free_at_end;             /* generators: free what lives when they stop */
	enum workload_pace pace;
	enum workload_level level;
	enum mempolicy_mode policy;   /* which node's memory is asked for by default */
	double time_scale;            /* recorded times are multiplied by this; > 0 */
	uint64_t copies;              /* so many perform the trace at once; 1.. */
	uint64_t copies_offset_ns;    /* each begins this much after the one before it */
};

/* How the kernel handles virtual memory, for programs that mmap or vmalloc. */
struct config_virtual_memory {
	bool batch_flushes;            /* one TLB shootdown for all that a call unmaps */
	bool vmalloc_guard;            /* an unmapped page behind every range */
	bool vmalloc_huge;             /* pages of 2 MiB where a range has them */
	uint64_t vmalloc_lazy_max_pages; /* freed pages that wait for a flush; auto */
};

enum check_level { CHECK_NONE, CHECK_END, CHECK_FULL };

struct config_measurement {
	uint64_t sample_interval_ns;  /* auto: about 500 samples over a trace's span, 10 ms
					 otherwise; 0 = no series */
	enum check_level check;       /* invariants: never, at the end, or with every sample too */
	bool verify_contents; /* mark the memory of allocated blocks, check it at the free */
};

struct config {
	char name[CONFIG_NAME];       /* shown in plots */
	struct config_machine machine;
	char page_allocator[CONFIG_NAME]; /* a registered one; "buddy" */
	struct config_buddy buddy;
	struct config_pcp pcp;
	struct config_slab slab;
	struct config_kmalloc kmalloc;
	uint32_t cost_cycles[COST_KINDS]; /* costs.<name>_cycles, see kern/env.h */
	char truth[CONFIG_TEXT]; /* start.truth: directory of start.* and end.*; "" = start empty */
	struct config_virtual_memory virtual_memory;
	struct config_workload workload;
	struct config_measurement measurement;
	uint64_t seed;
};

/* The built-in values: a complete, valid configuration but for the workload. */
void config_init(struct config *c);
void config_release(struct config *c);

/*
 * Load @files (@files_count of them) and then @sets into @c, which config_init() prepared.
 * Everything that is wrong is printed to @diagnostics (NULL: not printed), one line each
 * ("file.yaml:3:5: machine.cpus: ..."), up to a bound; then -1 is returned with @err's code
 * ERR_CONFIG (ERR_NO_INPUT if the first thing wrong is a file that is not there) and a text that
 * sums up, or is the first line if @diagnostics is NULL. @c is then only good for config_release().
 *
 * Relative paths in a file (trace, truth, include) are relative to that file; paths in --set are
 * relative to the working directory. Both are checked to exist. A --set may name an element of a
 * list ("workload.generators[0].rate=5/s"); "workload.trace=", "workload.generators=[]" and
 * "workload.operations=[]" take a source of a file back.
 */
int config_load(struct config *c, const char *const *files, unsigned files_count,
		const char *const *sets, unsigned sets_count, FILE *diagnostics, struct err *err);

/*
 * Make @to a copy of @from that shares nothing with it. Returns 0, or -1 with @err and ERR_IO; @to
 * is to be released in any case.
 */
int config_copy(struct config *to, const struct config *from, struct err *err);

/*
 * For configurations that config_apply() varies: config_load(), but the machine's caches and TLBs
 * are left as they were written. Otherwise `ways: full` would have become a number of ways for one
 * size, and a cache that more CPUs share than there are would be shared by fewer for good. To run
 * it as it is, config_apply() nothing.
 */
int config_load_base(struct config *c, const char *const *files, unsigned files_count,
		     const char *const *sets, unsigned sets_count, FILE *diagnostics,
		     struct err *err);
/*
 * Likewise of one @text, which messages call @name. Relative paths in it are relative to the
 * directory that @name is in; there need not be such a file.
 */
int config_load_base_text(struct config *c, const char *name, const char *text, struct err *err);

/*
 * Set the @count keys of @sets, as --set does, in @c, which a config_load_base() or a copy of what
 * it made filled, and check everything once more. Errors are reported as config_load() does, but
 * where keys stand that the base has is not known. @c is then only good for config_release().
 *
 * The result is that of config_load() with the base as its only file, but for one thing: a layout
 * of memory given here always replaces the base's zones, since here it is given later.
 */
int config_apply(struct config *c, const char *const *sets, unsigned count, FILE *diagnostics,
		 struct err *err);

/*
 * config_load() accepts a configuration without a workload, which is what a description of a
 * machine is. Returns 0 if @c has one to run, else -1 and ERR_CONFIG.
 */
int config_check_runnable(const struct config *c, struct err *err);

/*
 * A recorded start state decides how many CPUs and nodes the machine has: take them over. Returns
 * 0, or -1 and ERR_CONFIG if the rest of @c's machine does not fit them.
 */
int config_take_recorded(struct config *c, unsigned cpus_count, unsigned nodes_count,
			 struct err *err);

/*
 * The resolved configuration, as YAML that config_load() reads back to the same values. Paths are
 * absolute in it, so that it may be kept anywhere. Operations are listed one by one, with names
 * made from their ids. Returns 0, or -1 with @err if the operations can't be read back.
 */
int config_print_yaml(const struct config *c, FILE *out, struct err *err);

/* All keys with their ranges, defaults and meanings, as Markdown (docs/config-reference.md). */
void config_print_reference(FILE *out);

struct json;
/*
 * The same as a JSON object (keys as in YAML, numbers with unit suffixes) into an open object.
 * Of paths there is the last component alone, so that a result does not depend on the place;
 * operations are represented by the name of their file.
 */
void config_write_json(const struct config *c, struct json *j);
/*
 * Where that object has what --set calls @key, into @buf, which is returned: "machine.memory" is
 * machine.memory_bytes there. Names that are no keys stay as they are.
 */
char *config_json_path(const char *key, char *buf, size_t size);

#endif
