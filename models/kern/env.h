/*
 * env.h - all that an allocator can see of the machine it runs on.
 *
 * An allocator charges cycles where it does work, names the memory it touches, and takes locks. It
 * never sees time, the engine, configuration or files. One struct env belongs to each simulated CPU
 * and is passed down every call.
 *
 *   env_charge(env, COST_SPLIT)            work of a named kind was done
 *   env_touch(env, paddr, bytes, write)    memory was touched, at its simulated physical address
 *   env_lock(env, &l) / env_unlock         a lock, contended in simulated time
 *   env_sync(env)                          about to read what other CPUs write without a lock
 *   env_ipi(env, &targets, handler, arg)   run something on other CPUs and wait until it is done
 *
 * The rule that makes a run exact: state that another CPU may change is read only right after
 * env_lock() or env_sync(), or through a copy that was made then. Between those calls a CPU may
 * have run ahead of the others.
 *
 * A CPU may have caches and TLBs (struct env_memory, hw/memory.h). What they cost depends on the
 * addresses touched, and on other CPUs where lines and levels are shared. An access that a CPU's
 * private caches answer costs at once; the others are carried out at the next point where the CPU
 * is synchronised anyway, or at the end of the operation. So touching memory never pauses a CPU.
 *
 * Built with ENV_NATIVE, all of it compiles to nothing and the allocator runs as plain C code,
 * which is how its real speed is measured.
 */
#ifndef KERN_ENV_H
#define KERN_ENV_H

#include "kern/types.h"

/*
 * Kinds of work, charged in cycles from the run's cost table (config: costs.<name>_cycles). The
 * list is the registration: X(enum suffix, config name, default cycles, source or meaning).
 *
 * The defaults come from two published measurements with page_bench01 (J. D. Brouer, linux-mm,
 * 2016: 272, 395, 433, 503, 682, 910, 1384, 2335, 4108 and 8398 cycles for an allocation and free
 * of order 0 to 9; 2021: 194 to 207 cycles at order 0 through the per-CPU lists). The first series
 * is a straight line in the number of pages, 379 + 16 * 2^order for order 1 up, within 9 %: so 8
 * cycles a page each way are preparation and checks. MODEL: constants; a machine model with caches
 * and TLBs replaces `touch`. Where times were published, cycles are those of 2.45 GHz.
 */
#define COST_LIST(X)                                                                               \
	X(ALLOC, alloc, 45,                                                                        \
	  "entry of an allocation: flags, zonelist, watermark test of the first zone")             \
	X(FREE, free, 35, "entry of a free: checks, pageblock type")                               \
	X(ZONE, zone, 12, "each further zone considered")                                          \
	X(PREP_PAGE, prep_page, 8, "preparing or checking one page of the block")                  \
	X(PCP, pcp, 30, "per-CPU list lock, push or pop")                                          \
	X(SEARCH, search, 2, "looking at one order's free list")                                   \
	X(LINK, link, 12, "putting a block on a free list or taking it off")                       \
	X(SPLIT, split, 10, "splitting a block once, besides linking the halves")                  \
	X(MERGE, merge, 10, "merging with a free buddy once, besides unlinking it")                \
	X(SCAN_PAGE, scan_page, 3, "looking at one page or block of a pageblock that is claimed")  \
	X(LOCK, lock, 40, "taking and releasing an uncontended spin lock")                         \
	X(LOCK_HANDOFF, lock_handoff, 120,                                                         \
	  "cache-line transfer when a contended lock changes hands")                               \
	X(ZERO_PAGE, zero_page, 400, "clearing one page for __GFP_ZERO")                           \
	X(SLAB_ALLOC, slab_alloc, 21, "taking an object from the CPU's own free list")             \
	X(SLAB_FREE, slab_free, 21, "putting an object on the CPU's own free list")                \
	X(SLAB_SLOW, slab_slow, 40, "leaving the fast path of an object cache")                    \
	X(SLAB_CMPXCHG, slab_cmpxchg, 25,                                                          \
	  "compare-and-exchange on a slab's free list that other CPUs may change")                 \
	X(SLAB_OBJECT, slab_object, 4, "linking or checking one object of a slab")                 \
	X(KMALLOC, kmalloc, 12, "finding the size class of a request")                             \
	X(KFREE, kfree, 14, "finding the slab of a pointer")                                       \
	X(ZERO_LINE, zero_line, 6, "clearing or filling one cache line of an object")              \
	X(FAULT, fault, 1100, "entering and leaving a page fault, finding its range of memory")    \
	X(VMA, vma, 250, "finding, making, changing or removing a range of virtual memory")        \
	X(PTE, pte, 74, "setting, changing or clearing one entry of a page table")                 \
	X(TOUCH, touch, 0, "touching a cache line of metadata, beyond what the entries above hold")

enum cost_kind {
#define X(id, name, cycles, meaning) COST_##id,
	COST_LIST(X)
#undef X
	COST_KINDS,
};

/* What path an operation took; latencies are reported by order and path. */
enum op_path {
	PATH_PCP,          /* served by, or put on, a per-CPU list alone */
	PATH_PCP_REFILL,   /* allocation that refilled the per-CPU list */
	PATH_PCP_DRAIN,    /* free that drained the per-CPU list */
	PATH_BUDDY,        /* straight from or to the zone's free lists */
	PATH_FAILED,       /* allocation that found no page */
	/* Objects. */
	PATH_SLAB_FAST,         /* the CPU's own list of free objects alone */
	PATH_SLAB_SHARED,       /* a slab's shared list of free objects: taken over, or pushed to */
	PATH_SLAB_CPU_PARTIAL,  /* a slab of the CPU's partial list; a free that put one there */
	PATH_SLAB_NODE_PARTIAL, /* a node's list of slabs, under its lock */
	PATH_SLAB_NEW,          /* allocation that made a slab */
	PATH_SLAB_DISCARD,      /* free that gave a slab back */
	PATH_NONE,              /* there is but one: steps of programs that allocate nothing */
	PATH_KINDS,
};

struct env;

/* What cycles went into; the rest of struct env's cycles is the allocator's own code. */
enum cycle_cause {
	CAUSE_ZERO,       /* clearing, filling and copying memory */
	CAUSE_LOCK,       /* taking locks; waiting for them is time of the engine's */
	CAUSE_TLB,        /* second-level TLB hits and page walks, without the caches' part */
	CAUSE_WALK,       /* reading page tables through the caches */
	CAUSE_CACHE2,     /* accesses that the second level of caches answered, beyond a first */
	CAUSE_CACHE3,     /* ... the third level */
	CAUSE_CACHE4,
	CAUSE_DRAM,       /* ... memory, of the CPU's own node */
	CAUSE_DRAM_REMOTE, /* ... of another node */
	CAUSE_TRANSFER,   /* ... another CPU's cache: a line that it had written */
	CAUSE_INTERRUPT,  /* entering and leaving interrupts, sending them */
	CAUSE_FLUSH,      /* invalidating TLB entries */
	CAUSE_WORK,       /* the workload's own computing */
	CYCLE_CAUSES,
};

/* A set of CPUs. */
struct cpu_set {
	uint64_t bits[CPUS_LIMIT / 64];
};

/*
 * Caches and TLBs of one CPU, as far as allocators and the engine see them; hw/memory.h makes one.
 */
struct env_memory {
	/* @bytes at @paddr are accessed through the kernel's direct map. Never pauses the CPU. */
	void (*touch)(struct env *env, uint64_t paddr, uint64_t bytes, bool write);
	/*
	 * The CPU is synchronised, at @now_ps: what others did to lines in its caches takes effect,
	 * and accesses that left its private caches are carried out. Charges their cycles.
	 */
	void (*sync)(struct env *env, ps_t now_ps);
	bool pending; /* accesses wait for sync(), or news from other CPUs do */
	bool waiting; /* accesses wait: sync() is due before the operation ends */
};

#define ENV_HELD_MAX 8 /* locks that one CPU holds at a time */

/*
 * A lock in simulated time. Zeroed storage with a name is an unlocked spin lock that is handed over
 * first come, first served. `free_at` is a calendar: an uncontended critical section runs natively
 * at once and only leaves behind when it ends in simulated time.
 */
struct env_lock {
	char name[24];
	bool sleeps; /* a mutex: who waits gives up its CPU; not to be taken in interrupts */
	bool irqs_off;       /* interrupts wait while a CPU waits for it or holds it */
	bool unfair;         /* handed to the nearest waiter, which the line reaches first */
	ps_t free_at_ps;     /* end of the last critical section */
	ps_t last_arrival_ps; /* arrivals must not go back in time: the engine checks */
	struct env *owner;   /* who is inside, while it runs natively */
	/* CPUs blocked behind a holder that waits itself, in order of arrival */
	struct lock_waiter *waiters_head, *waiters_tail;
	struct env *dispatcher; /* unfair: who chooses when the lock is free */
	unsigned last_cpu;   /* 1 + the last CPU that held it: where its cache line is; 0: none */
	unsigned order_class; /* 1 + its class in a struct lock_order; 0: not met yet */
	unsigned waiting_count, waiting_max; /* CPUs that wait, now and at most */
	uint64_t acquired_count, contended_count;
	uint64_t transfers_count; /* of acquisitions: the line came from another CPU */
	ps_t wait_ps_total, wait_ps_max, hold_ps_total, hold_ps_max;
	ps_t acquired_at_ps;
};

typedef void (*env_handler)(struct env *env, void *arg);

/*
 * What stands behind locks; NULL in struct env: locks only charge and check their use, and there
 * are no other CPUs to interrupt.
 */
struct env_ops {
	void (*lock)(struct env *env, struct env_lock *lock);
	void (*unlock)(struct env *env, struct env_lock *lock);
	void (*sync)(struct env *env);
	/* Run @handler in interrupt context on each CPU of @targets; return when all have. */
	void (*ipi)(struct env *env, const struct cpu_set *targets, env_handler handler, void *arg);
};

/* What a CPU is doing; in all but the first it must not sleep. */
enum env_context {
	CONTEXT_PROCESS,
	CONTEXT_SOFTIRQ,
	CONTEXT_IRQ,
	CONTEXT_NMI,
	CONTEXTS,
};

struct env {
	uint64_t cycles;          /* charged since the engine last collected them */
	const uint32_t *cost_cycles; /* COST_KINDS entries */
	const struct env_ops *ops;
	struct env_memory *memory; /* NULL: no caches; a line touched costs COST_TOUCH */
	unsigned cpu;             /* 0.. */
	unsigned path;            /* enum op_path of the operation under way */
	unsigned context;         /* enum env_context of the operation under way */
	bool sleep_noted;         /* the operation under way is a violation, and counted */
	uint64_t sleep_violations_count; /* operations that might sleep where that is forbidden */
	unsigned held_count;
	struct env_lock *held[ENV_HELD_MAX]; /* in order of taking */
	uint64_t cycles_by[CYCLE_CAUSES];    /* of all that was ever charged */
};

/* A new operation begins, in this context. */
static inline void env_set_context(struct env *env, enum env_context context)
{
	env->context = context;
	env->sleep_noted = false;
}

#ifdef ENV_NATIVE

static inline void env_might_sleep(struct env *env)
{
	(void)env;
}

static inline void env_charge(struct env *env, enum cost_kind kind)
{
	(void)env;
	(void)kind;
}

static inline void env_charge_n(struct env *env, enum cost_kind kind, uint64_t n)
{
	(void)env;
	(void)kind;
	(void)n;
}

static inline void env_touch(struct env *env, uint64_t paddr, uint64_t bytes, bool write)
{
	(void)env;
	(void)paddr;
	(void)bytes;
	(void)write;
}

static inline void env_lock(struct env *env, struct env_lock *lock)
{
	(void)env;
	(void)lock;
}

static inline void env_unlock(struct env *env, struct env_lock *lock)
{
	(void)env;
	(void)lock;
}

static inline void env_sync(struct env *env)
{
	(void)env;
}

static inline void env_ipi(struct env *env, const struct cpu_set *targets, env_handler handler,
			   void *arg)
{
	(void)env;
	(void)targets;
	(void)handler;
	(void)arg;
}

static inline void env_charge_to(struct env *env, enum cycle_cause cause, uint64_t cycles)
{
	(void)env;
	(void)cause;
	(void)cycles;
}

static inline void env_set_path(struct env *env, enum op_path path)
{
	(void)env;
	(void)path;
}

#else

/*
 * The operation under way may sleep. In interrupt context that is a mistake of the workload, which
 * is counted; the operation goes on, as Linux's does after its warning. An operation counts once,
 * however many allocators it passes through: each calls this at its entry.
 */
static inline void env_might_sleep(struct env *env)
{
	if (__builtin_expect(env->context != CONTEXT_PROCESS, 0) && !env->sleep_noted) {
		env->sleep_noted = true;
		env->sleep_violations_count++;
	}
}

/* Charge cycles that are not the allocator's own code. */
static inline void env_charge_to(struct env *env, enum cycle_cause cause, uint64_t cycles)
{
	env->cycles += cycles;
	env->cycles_by[cause] += cycles;
}

static inline void env_charge_n(struct env *env, enum cost_kind kind, uint64_t n)
{
	uint64_t cycles = n * env->cost_cycles[kind];
	/* @kind is a constant wherever this is called: no test is left. */
	if (kind == COST_ZERO_PAGE || kind == COST_ZERO_LINE)
		env_charge_to(env, CAUSE_ZERO, cycles);
	else
		env->cycles += cycles;
}

static inline void env_charge(struct env *env, enum cost_kind kind)
{
	env_charge_n(env, kind, 1);
}

/*
 * @bytes (>= 1) of memory at simulated physical address @paddr are read or written, through the
 * kernel's direct map. Without caches each 64-byte line costs COST_TOUCH.
 */
static inline void env_touch(struct env *env, uint64_t paddr, uint64_t bytes, bool write)
{
	if (__builtin_expect(env->memory != NULL, 0)) {
		env->memory->touch(env, paddr, bytes, write);
		return;
	}
	uint32_t cost_cycles = env->cost_cycles[COST_TOUCH];
	if (__builtin_expect(cost_cycles != 0, 0))
		env->cycles += (((paddr & 63) + bytes + 63) >> 6) * cost_cycles;
}

/*
 * Take @lock. Simulated time passes until it is free; other CPUs that are earlier run first. Locks
 * nest (zone lock inside a per-CPU lock); taking a lock twice is a bug.
 */
void env_lock(struct env *env, struct env_lock *lock);
/*
 * Give back @lock, which this CPU holds, in any order. Giving back a lock that `sleeps` may pause
 * the CPU, as env_sync() does: whom to wake is known once all who are earlier have come. A spin
 * lock's section that lasts over several operations ends with env_sync() before this, since what
 * its CPU's caches kept back is carried out here.
 */
void env_unlock(struct env *env, struct env_lock *lock);

/* Let everything that other CPUs do before this CPU's present time happen first. Takes no time. */
static inline void env_sync(struct env *env)
{
	if (env->ops)
		env->ops->sync(env);
}

/*
 * Run @handler on each CPU of @targets, but the caller's own, in interrupt context; return when all
 * have. The caller holds no spin lock: it takes interrupts itself while it waits.
 */
static inline void env_ipi(struct env *env, const struct cpu_set *targets, env_handler handler,
			   void *arg)
{
	if (env->ops)
		env->ops->ipi(env, targets, handler, arg);
}

static inline void env_set_path(struct env *env, enum op_path path)
{
	env->path = path;
}

#endif

static inline void cpu_set_add(struct cpu_set *set, unsigned cpu)
{
	set->bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

static inline bool cpu_set_has(const struct cpu_set *set, unsigned cpu)
{
	return set->bits[cpu / 64] >> (cpu % 64) & 1;
}

#endif
