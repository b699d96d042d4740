/*
 * config_schema_program.c - the rows of workload.programs[], workload.locks[] and virtual_memory:
 * see config_schema.h.
 *
 * A step is a mapping with one key that says what it does, and others that say how. The verbs take
 * the name of what they deal with and so share one place; `work` and `idle` share another. Which
 * key belongs to which verb is one table here, which the checks and the printing go by. A `chance`
 * has steps of its own, which may be all but another chance: its two rows are the last ones, and
 * the list inside leaves them out.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/config_schema.h"

#define HOUR_NS    UINT64_C(3600000000000)
#define BYTES_MAX  (UINT64_C(1) << 46)
#define NAMES(a)   .names = (a), .names_count = ARRAY_SIZE(a)

static const char *const lock_kind_names[] = {"spin", "mutex"};
static const char *const handover_names[] = {"fifo", "nearest"};

#define AT(member) .offset = offsetof(struct config_lock, member)
const struct field schema_lock_keys[LOCK_KEYS] = {
	{.key = "name",
	 .kind = FIELD_NAME,
	 AT(name),
	 .required = true,
	 .help = "what steps call it"},
	{.key = "kind",
	 .kind = FIELD_ENUM,
	 AT(kind),
	 NAMES(lock_kind_names),
	 .help = "who waits spins, or sleeps"},
	{.key = "handover",
	 .kind = FIELD_ENUM,
	 AT(handover),
	 NAMES(handover_names),
	 .help = "the next holder: who came first, or who is nearest to the last one"},
	{.key = "irqs_off",
	 .kind = FIELD_BOOL,
	 AT(irqs_off),
	 .help = "spin: interrupts wait while a CPU waits for the lock or holds it"},
};
#undef AT

const struct schema_list schema_locks_list = {
	.element_bytes = sizeof(struct config_lock),
	.count_offset = offsetof(struct config_workload, locks_count),
	.capacity = CONFIG_LOCKS,
	.heap = true,
};

#define AT(member) .offset = offsetof(struct config_virtual_memory, member)
const struct field schema_virtual_memory_keys[VIRTUAL_MEMORY_KEYS] = {
	{.key = "batch_flushes", .kind = FIELD_BOOL, AT(batch_flushes),
	 .help = "one TLB shootdown for all that a munmap takes away, or one for each page"},
	{.key = "vmalloc_guard", .kind = FIELD_BOOL, AT(vmalloc_guard),
	 .help = "an unmapped page behind every range of vmalloc"},
	{.key = "vmalloc_huge", .kind = FIELD_BOOL, AT(vmalloc_huge),
	 .help = "vmalloc maps pages of 2MiB where a range has room for them"},
	{.key = "vmalloc_lazy_max", .kind = FIELD_U64, AT(vmalloc_lazy_max_pages),
	 .max = UINT64_C(1) << 32, .can_be_auto = true, .json_suffix = "_pages",
	 .help = "pages of freed ranges that wait for one TLB flush of all; 0 = flush at every "
		 "vfree, auto = Linux's formula: 32MiB * (log2(CPUs) + 1)"},
};
#undef AT

static void step_init(void *element)
{
	struct config_step *s = element;
	s->gfp = GFP_KERNEL;
	s->bytes = s->count = CONFIG_AUTO;
	s->stride_bytes = 64;
	s->repeat = 1;
	s->write = true;
	s->writable = true;
}

static void step_release(void *element)
{
	struct config_step *s = element;
	free(s->steps);
}

#define STEP_LIST(holder, member)                                                                  \
	{                                                                                          \
		.element_bytes = sizeof(struct config_step),                                       \
		.count_offset = offsetof(struct holder, member##_count),                           \
		.capacity = CONFIG_STEPS,                                                          \
		.heap = true,                                                                      \
		.element_init = step_init,                                                         \
		.element_release = step_release,                                                   \
		.has_given = true,                                                                 \
		.given_offset = offsetof(struct config_step, given),                               \
	}
static const struct schema_list chance_steps_list = STEP_LIST(config_step, steps);

#define AT(member)  .offset = offsetof(struct config_step, member)
#define VERB(word)  .key = (word), .kind = FIELD_NAME, AT(name)
#define BYTES(m)    .kind = FIELD_U64, .unit = UNIT_BYTES, AT(m), .max = BYTES_MAX
const struct field schema_step_keys[STEP_KEYS] = {
	{VERB("kmalloc"), .help = "kmalloc `size` bytes and give them this name"},
	{VERB("cache_alloc"), .help = "allocate an object of `cache` and give it this name"},
	{VERB("alloc"), .help = "allocate a block of pages and give it this name"},
	{VERB("vmalloc"), .help = "vmalloc `size` bytes and give them this name"},
	{VERB("mmap"), .help = "map `size` bytes into the process's address space"},
	{VERB("touch"), .help = "read or write what has this name, as the following keys say"},
	{VERB("protect"), .help = "make mapped memory of this name writable or not"},
	{VERB("munmap"), .help = "unmap mapped memory of this name; if all of it, "
				 "the name ends, too"},
	{VERB("free"), .help = "free what has this name"},
	{VERB("lock"), .help = "take this lock of workload.locks"},
	{VERB("unlock"), .help = "release it"},
	{.key = "work",
	 .kind = FIELD_DIST,
	 .unit = UNIT_DURATION,
	 AT(duration_ns),
	 .max = HOUR_NS,
	 .help = "compute so long; interrupts come on top"},
	{.key = "idle",
	 .kind = FIELD_DIST,
	 .unit = UNIT_DURATION,
	 AT(duration_ns),
	 .max = HOUR_NS,
	 .help = "do nothing so long"},
	{.key = "size",
	 .kind = FIELD_DIST,
	 .unit = UNIT_BYTES,
	 AT(size_bytes),
	 .max = UINT64_C(1) << 63,
	 .help = "kmalloc, vmalloc, mmap: bytes; alloc, instead of order: rounded up to a "
		 "power-of-two "
		 "number of pages"},
	{.key = "order",
	 .kind = FIELD_U64,
	 AT(order),
	 .max = ORDER_LIMIT - 1,
	 .help = "alloc: 2^order pages"},
	{.key = "cache", .kind = FIELD_NAME, AT(cache), .help = "cache_alloc: one of slab.caches"},
	{.key = "gfp", .kind = FIELD_GFP, AT(gfp), .help = "allocations: flags by Linux's names"},
	{.key = "keep",
	 .kind = FIELD_BOOL,
	 AT(keep),
	 .help = "allocations: never freed; the name ends with the round"},
	{.key = "huge",
	 .kind = FIELD_BOOL,
	 AT(huge),
	 .help = "mmap: with pages of 2MiB where they fit"},
	{.key = "offset",
	 BYTES(offset_bytes),
	 .help = "touch, protect, munmap: first byte; of whole pages in the latter two"},
	{.key = "bytes",
	 BYTES(bytes),
	 .min = 1,
	 .can_be_auto = true,
	 .json_suffix = "",
	 .help = "touch, protect, munmap: how many; auto = to the end"},
	{.key = "stride",
	 BYTES(stride_bytes),
	 .min = 1,
	 .help = "touch: from one access to the next; each is of at most 8 bytes"},
	{.key = "count",
	 .kind = FIELD_U64,
	 AT(count),
	 .min = 1,
	 .max = UINT32_MAX,
	 .can_be_auto = true,
	 .help = "touch: accesses, which start over at the end of the range; auto = once over it"},
	{.key = "repeat",
	 .kind = FIELD_U64,
	 AT(repeat),
	 .min = 1,
	 .max = UINT32_MAX,
	 .help = "touch: how often all that"},
	{.key = "random",
	 .kind = FIELD_BOOL,
	 AT(random),
	 .help = "touch: at a random one of the places that the stride leads to, each time"},
	{.key = "write", .kind = FIELD_BOOL, AT(write), .help = "touch: write, or read"},
	{.key = "writable", .kind = FIELD_BOOL, AT(writable), .help = "protect: may be written"},
	{.key = "chance",
	 .kind = FIELD_DOUBLE,
	 AT(chance),
	 .above_min = true,
	 .real_max = 1,
	 .help = "probability with which the steps within are done, drawn each time"},
	{.key = "steps",
	 .kind = FIELD_LIST,
	 AT(steps),
	 .keys = schema_step_keys,
	 .keys_count = STEP_KEYS - 2,
	 .list = &chance_steps_list,
	 .help = "chance: what is done then; as the steps of a round, but for chance"},
};
#undef AT

#define ONE(kind)   (1u << STEP_##kind)
#define OBJECTS     (ONE(KMALLOC) | ONE(CACHE_ALLOC))
#define ALLOCATIONS (OBJECTS | ONE(ALLOC) | ONE(VMALLOC))
#define RANGES      (ONE(TOUCH) | ONE(PROTECT) | ONE(MUNMAP))

/* Behind the verbs, one for each of the other rows above. */
#define VERBS 13
static const unsigned step_key_kinds[STEP_KEYS - VERBS] = {
	ONE(KMALLOC) | ONE(ALLOC) | ONE(VMALLOC) | ONE(MMAP), /* size */
	ONE(ALLOC),                                           /* order */
	ONE(CACHE_ALLOC),                                     /* cache */
	ALLOCATIONS,                                          /* gfp */
	ALLOCATIONS | ONE(MMAP),                              /* keep */
	ONE(MMAP),                                            /* huge */
	RANGES,                                               /* offset */
	RANGES,                                               /* bytes */
	ONE(TOUCH),                                           /* stride */
	ONE(TOUCH),                                           /* count */
	ONE(TOUCH),                                           /* repeat */
	ONE(TOUCH),                                           /* random */
	ONE(TOUCH),                                           /* write */
	ONE(PROTECT),                                         /* writable */
	ONE(CHANCE),                                          /* chance */
	ONE(CHANCE),                                          /* steps */
};
_Static_assert(VERBS == STEP_CHANCE, "the rows begin with the verbs, in their order");

bool schema_is_of_step(const struct field *f)
{
	uintptr_t at = (uintptr_t)f, first = (uintptr_t)schema_step_keys;
	return at >= first && at < first + sizeof(schema_step_keys);
}

bool schema_step_takes(const struct field *f, enum step_kind kind)
{
	unsigned row = (unsigned)(f - schema_step_keys);
	return row < VERBS ? row == kind : step_key_kinds[row - VERBS] >> kind & 1;
}

bool schema_step_is_unused(const struct config_step *s, const struct field *f)
{
	if (s->kind == STEP_ALLOC && f->offset == offsetof(struct config_step, order))
		return s->by_size;
	if (s->kind == STEP_ALLOC && f->offset == offsetof(struct config_step, size_bytes))
		return !s->by_size;
	return !schema_step_takes(f, s->kind);
}

static const struct schema_list start_list = STEP_LIST(config_program, start);
static const struct schema_list steps_list = STEP_LIST(config_program, steps);

#define AT(member) .offset = offsetof(struct config_program, member)
const struct field schema_program_keys[PROGRAM_KEYS] = {
	{.key = "name",
	 .kind = FIELD_NAME,
	 AT(name),
	 .required = true,
	 .help = "shown in results; differs from the other programs'"},
	{.key = "cpus",
	 .kind = FIELD_CPUS,
	 AT(cpus),
	 .help = "CPUs that run it, each for itself; a CPU runs at most one program"},
	{.key = "rounds",
	 .kind = FIELD_U64,
	 AT(rounds),
	 .max = UINT64_C(1) << 53,
	 .help = "how often each CPU does the steps; 0 = until workload.duration"},
	{.key = "process",
	 .kind = FIELD_NAME,
	 AT(process),
	 .help = "programs of the same process share an address space; none = one of its own"},
	{.key = "start",
	 .kind = FIELD_LIST,
	 AT(start),
	 .keys = schema_step_keys,
	 .keys_count = STEP_KEYS,
	 .list = &start_list,
	 .help = "steps before the first round, as `steps`; what they allocate stays, and rounds "
		 "may "
		 "touch it"},
	{.key = "steps",
	 .kind = FIELD_LIST,
	 AT(steps),
	 .keys = schema_step_keys,
	 .keys_count = STEP_KEYS,
	 .list = &steps_list,
	 .required = true,
	 .help = "a round; it frees what it allocates, but for `keep`"},
};
#undef AT

static void program_init(void *element)
{
	struct config_program *p = element;
	memset(p->cpus, 0xff, sizeof(p->cpus));
	p->rounds = 1;
}

static void release_steps(struct config_step *steps, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		step_release(&steps[i]);
	free(steps);
}

static void program_release(void *element)
{
	struct config_program *p = element;
	release_steps(p->start, p->start_count);
	release_steps(p->steps, p->steps_count);
}

const struct schema_list schema_programs_list = {
	.element_bytes = sizeof(struct config_program),
	.count_offset = offsetof(struct config_workload, programs_count),
	.capacity = CONFIG_PROGRAMS,
	.heap = true,
	.element_init = program_init,
	.element_release = program_release,
};
