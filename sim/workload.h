/*
 * workload.h - the stream of operations that each CPU performs, whatever its source.
 *
 * A recorded trace, an explicit list in YAML (compiled to the same binary trace) and generators all
 * become one stream per CPU, read one operation at a time; nothing grows with their number.
 */
#ifndef SIM_WORKLOAD_H
#define SIM_WORKLOAD_H

#include "kern/err.h"
#include "kern/types.h"
#include "mm/mempolicy.h"
#include "sim/config.h"
#include "sim/objects.h"
#include "sim/trace.h"

/*
 * Pages, then objects: kmalloc, an object of a cache, the end of either. Then what only programs
 * do.
 */
enum op_kind {
	OP_ALLOC,
	OP_FREE,
	OP_KMALLOC,
	OP_CACHE_ALLOC,
	OP_OBJECT_FREE,
	OP_VMALLOC,
	OP_VFREE,
	OP_MMAP,
	OP_TOUCH,
	OP_PROTECT,
	OP_MUNMAP,
	OP_LOCK,
	OP_UNLOCK,
	OP_WORK,
	OP_IDLE, /* until at_ps */
	OP_KINDS,
};

#define OP_CACHE_NONE UINT32_MAX

#define OP_ID_NONE UINT64_MAX

/* Of simulated time, after time_scale: 4000 hours, which leaves room below 2^64 ps. */
#define WORKLOAD_SPAN_NS_MAX (4000 * 3.6e12)

/* What a name of a program stands for on one CPU. */
struct program_slot {
	uint64_t id;    /* of an object or a block */
	uint64_t vaddr; /* of mapped memory; 0: there was none to be had */
	uint64_t bytes; /* asked for; of a block, all of it */
	uint32_t cache; /* of an object, OP_CACHE_NONE: kmalloc */
};

struct op {
	ps_t at_ps;       /* not before this; 0 with pace back_to_back */
	uint64_t id;      /* object, or OP_ID_NONE: free of a block older than the recording */
	union {
		pfn_t pfn; /* recorded frame: used if the object was never allocated here */
		const struct config_step *step; /* of a program, whose objects all were */
	};
	union {
		uint64_t paddr; /* OBJECT_FREE without id: recorded address, or OBJECT_NONE */
		struct program_slot *slot; /* of the program's step: of its name */
	};
	union {
		uint64_t bytes; /* KMALLOC, VMALLOC, MMAP: asked for */
		ps_t work_ps;   /* WORK */
		uint64_t draw;  /* TOUCH: seeds its random accesses */
	};
	gfp_t gfp;
	uint32_t cache;   /* CACHE_ALLOC, OBJECT_FREE: index into the run's caches, or NONE */
	unsigned order;
	unsigned offset;  /* FREE, partial: pages into the object */
	unsigned context; /* enum env_context */
	struct mem_request mem; /* allocations: which node's memory is asked for */
	enum op_kind kind;
	bool partial;     /* free of a part of the object */
	bool failed;      /* the recording has no page for this allocation */
};

struct op_stream;

/* What came of a program, over all its CPUs. */
struct program_counts {
	uint64_t cpus_count;
	uint64_t rounds_count;          /* completed */
	uint64_t accesses_count;        /* by touch */
	uint64_t failed_accesses_count; /* not mapped, not writable, or no page to be had */
	uint64_t failed_maps_count;     /* vmalloc, mmap: no memory or no addresses */
	uint64_t skipped_count;         /* steps on what could not be allocated */
};

struct workload {
	unsigned cpus_count;
	struct op_stream *streams; /* one a CPU */
	/*
	 * Operations that interrupts perform, on top of the others': one a CPU, or NULL if the
	 * source has none. A recording keeps its own order: all in `streams`.
	 */
	struct op_stream *interrupts;
	uint64_t ops_expected;     /* for the progress line; 0: unknown */
	/*
	 * Demands for pages, so far, that the recorded kernel made for objects and that are left to
	 * the simulated object allocator: allocations, frees.
	 */
	uint64_t left_out_count[2];
	/*
	 * Frees, so far, of what is older than the recording that copies of a trace but the first
	 * have left out.
	 */
	uint64_t older_frees_left_out_count;
	ps_t end_ps; /* the simulation lasts at least this long; 0: until the last op */
	struct program_counts *programs; /* by program; NULL: none */
	unsigned program_of[CPUS_LIMIT]; /* by CPU */
};

/*
 * The operations of @trace between @start_ns and @end_ns (its clock; end exclusive), as many times
 * at once as the config's workload.copies says. Trace CPU c of T runs in copy k on simulated CPU
 * k * T + c modulo @cpus_count. Objects allocated before the window are entered in @objects at
 * their recorded pfn, those after it as failed; copies other than the first have none of either, so
 * several go with a whole trace only. The trace must stay open. Returns 0, or -1 with @err
 * (ERR_CONFIG if time_scale or copies_offset stretch it beyond what can be simulated, or copies
 * with an offset would share CPUs).
 */
int workload_from_trace(struct workload *w, const struct trace *trace, uint64_t start_ns,
			uint64_t end_ns, const struct config *c, unsigned cpus_count,
			struct objects *objects, struct err *err);
/* The operations of the config's generators. */
int workload_from_generators(struct workload *w, const struct config *c, unsigned cpus_count,
			     struct err *err);
/*
 * The rounds of the config's programs, and on top of them what its generators do, which are all in
 * another context than a process.
 */
int workload_from_programs(struct workload *w, const struct config *c, unsigned cpus_count,
			   struct err *err);
void workload_release(struct workload *w);

/* The next operation of a CPU, or false at the end. Programs go by the stream's now_ps. */
bool workload_next(struct workload *w, unsigned cpu, struct op *op);
/* The next that an interrupt performs there, or false. */
bool workload_next_interrupt(struct workload *w, unsigned cpu, struct op *op);

/* --- for the sources -------------------------------------------------------------------------- */

/*
 * Fill w->interrupts with the config's generators in another context than a process. Ids of theirs
 * are above cpus_count in steps of 2 * cpus_count: others begin with the CPU's number.
 */
int workload_add_interrupts(struct workload *w, const struct config *c, struct err *err);

struct op_stream {
	bool (*next)(struct op_stream *s, struct op *op);
	void (*release)(struct op_stream *s);
	void *state;
	ps_t now_ps; /* the CPU's time when it asks: whoever asks sets it */
};

#endif
