/*
 * config_check_program.c - what the steps of a program must be to each other, and to other
 * sections.
 *
 * The steps are walked in the order in which a CPU does them, with the names that live and the
 * locks that are held, so that a program that loads never touches what is not there, frees nothing
 * twice and releases what it takes:
 *
 *   level 0  start: what it allocates lives for ever; rounds may touch it but not free it
 *   level 1  a round: has freed at its end what it allocated, but for `keep`
 *   level 2  a chance: likewise, so that what follows need not know whether it was done
 *
 * A name may be used again when it is free. Its slot, a small number, is noted in each step that
 * names it, as are locks and caches.
 *
 * What may put a CPU to sleep or waits for other CPUs to answer an interrupt (virtual memory, idle
 * time, mutexes) is refused while a spin lock is held: there a kernel would hang.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config_impl.h"

#define FAIL(ld, path, ...) diag_key(ld, ERR_CONFIG, path, __VA_ARGS__)
#define PROGRAM_LOCKS_MAX   4 /* held at a time; allocators need some of env's, too */
#define MAPPING_MAX         (UINT64_C(1) << 46)

enum { LEVEL_START, LEVEL_ROUND, LEVEL_CHANCE };

struct step_name {
	char name[CONFIG_NAME];
	bool live;
	unsigned level;
	enum step_kind what;
	bool keep;
	uint64_t bytes;       /* CONFIG_AUTO: not known before it is drawn */
	char path[PATH_SIZE]; /* of the step that made it */
};

struct program_check {
	struct loader *ld;
	struct config *c;
	struct config_program *p;
	struct step_name *names;
	unsigned names_count;
	struct {
		unsigned lock, level;
		char path[PATH_SIZE];
	} held[PROGRAM_LOCKS_MAX];
	unsigned held_count;
	unsigned level;
	bool takes_time; /* some step of a round always does */
	/* The step that is looked at. */
	char step[PATH_SIZE];
};

static bool step_has(const struct config_step *s, const char *key)
{
	return schema_is_given(schema_step_keys, STEP_KEYS, s->given, key);
}

#define STEP_FAIL(pc, key, ...)                                                                    \
	do {                                                                                       \
		char path_[PATH_SIZE];                                                             \
		snprintf(path_, sizeof(path_), "%.200s%s%s", (pc)->step, *(key) ? "." : "", key);  \
		FAIL((pc)->ld, path_, __VA_ARGS__);                                                \
	} while (0)

/* --- names ------------------------------------------------------------------------------------ */

static struct step_name *name_find(struct program_check *pc, const char *name)
{
	for (unsigned i = 0; i < pc->names_count; i++) {
		if (strcmp(pc->names[i].name, name) == 0)
			return &pc->names[i];
	}
	return NULL;
}

/* What a distribution always gives, or CONFIG_AUTO. */
static uint64_t constant_of(const struct config_dist *d)
{
	return d->kind == DIST_CONSTANT && d->value < (double)MAPPING_MAX ? (uint64_t)d->value
									  : CONFIG_AUTO;
}

/* Bytes of what a step makes. */
static uint64_t bytes_of(const struct program_check *pc, const struct config_step *s)
{
	uint64_t bytes = constant_of(&s->size_bytes);
	if (s->kind == STEP_CACHE_ALLOC)
		return pc->c->slab.caches_count
			       ? pc->c->slab.caches[s->cache_index].object_size_bytes
			       : CONFIG_AUTO;
	if (s->kind == STEP_ALLOC && !s->by_size)
		return (uint64_t)PAGE_BYTES << s->order;
	if (s->kind == STEP_KMALLOC || bytes == CONFIG_AUTO)
		return bytes;
	uint64_t unit = PAGE_BYTES;
	while (s->kind == STEP_ALLOC && unit < bytes)
		unit *= 2;
	return (bytes + unit - 1) / unit * unit;
}

static void make_name(struct program_check *pc, struct config_step *s)
{
	const char *verb = schema_step_keys[s->kind].key;
	struct step_name *n = name_find(pc, s->name);
	if (n && n->live) {
		STEP_FAIL(pc, verb, "'%s' is still in use: it was made by %s", s->name, n->path);
		return;
	}
	if (!n) {
		/* Grow at powers of two. */
		if ((pc->names_count & (pc->names_count - 1)) == 0) {
			size_t room = pc->names_count ? (size_t)pc->names_count * 2 : 1;
			n = reallocarray(pc->names, room, sizeof(*n));
			if (!n) {
				diag_no_memory(pc->ld);
				return;
			}
			pc->names = n;
		}
		n = &pc->names[pc->names_count++];
		memset(n, 0, sizeof(*n));
		strcpy(n->name, s->name);
	}
	n->live = true;
	n->level = pc->level;
	n->what = s->kind;
	n->keep = s->keep;
	n->bytes = bytes_of(pc, s);
	memcpy(n->path, pc->step, sizeof(n->path));
	s->what = s->kind;
	s->slot = (unsigned)(n - pc->names);
}

/* The live name that a step deals with; NULL with a report. */
static struct step_name *use_name(struct program_check *pc, struct config_step *s)
{
	struct step_name *n = name_find(pc, s->name);
	const char *verb = schema_step_keys[s->kind].key;
	if (!n || !n->live) {
		STEP_FAIL(pc, verb, "'%s' is not allocated here", s->name);
		return NULL;
	}
	s->what = n->what;
	s->slot = (unsigned)(n - pc->names);
	return n;
}

static void end_name(struct program_check *pc, struct config_step *s, struct step_name *n)
{
	const char *verb = schema_step_keys[s->kind].key;
	if (n->keep)
		STEP_FAIL(pc, verb, "'%s' is kept for ever, as %s says", s->name, n->path);
	else if (n->level != pc->level)
		STEP_FAIL(pc, verb, "'%s' was made outside of this %s, by %s", s->name,
			  pc->level == LEVEL_CHANCE ? "chance" : "round", n->path);
	n->live = false;
}

/* --- locks ------------------------------------------------------------------------------------ */

static const struct config_lock *spin_lock_held(const struct program_check *pc)
{
	for (unsigned i = 0; i < pc->held_count; i++) {
		const struct config_lock *l = &pc->c->workload.locks[pc->held[i].lock];
		if (l->kind == LOCK_SPIN)
			return l;
	}
	return NULL;
}

/* A step that may sleep or wait for other CPUs. */
static void check_may_sleep(struct program_check *pc, const struct config_step *s)
{
	const struct config_lock *l = spin_lock_held(pc);
	if (l)
		STEP_FAIL(
			pc, schema_step_keys[s->kind].key,
			"may sleep or wait for other CPUs, which nobody may who holds a spin lock, "
			"here '%s'",
			l->name);
}

static bool find_lock(struct program_check *pc, struct config_step *s)
{
	const struct config_workload *w = &pc->c->workload;
	for (s->lock = 0; s->lock < w->locks_count; s->lock++) {
		if (strcmp(w->locks[s->lock].name, s->name) == 0)
			return true;
	}
	STEP_FAIL(pc, schema_step_keys[s->kind].key,
		  "names the lock '%s', which workload.locks does not define", s->name);
	return false;
}

static void take_lock(struct program_check *pc, struct config_step *s)
{
	for (unsigned i = 0; i < pc->held_count; i++) {
		if (pc->held[i].lock == s->lock) {
			STEP_FAIL(pc, "lock", "takes '%s' twice: it is held since %s", s->name,
				  pc->held[i].path);
			return;
		}
	}
	if (pc->c->workload.locks[s->lock].kind == LOCK_MUTEX)
		check_may_sleep(pc, s);
	if (pc->held_count == PROGRAM_LOCKS_MAX) {
		STEP_FAIL(pc, "lock", "is one lock more than the %d that may be held at a time",
			  PROGRAM_LOCKS_MAX);
		return;
	}
	pc->held[pc->held_count].lock = s->lock;
	pc->held[pc->held_count].level = pc->level;
	memcpy(pc->held[pc->held_count++].path, pc->step, sizeof(pc->step));
}

static void release_lock(struct program_check *pc, struct config_step *s)
{
	unsigned i = 0;
	while (i < pc->held_count && pc->held[i].lock != s->lock)
		i++;
	if (i == pc->held_count) {
		STEP_FAIL(pc, "unlock", "'%s' is not held here", s->name);
		return;
	}
	if (pc->held[i].level != pc->level)
		STEP_FAIL(pc, "unlock", "'%s' was taken outside of this chance, by %s", s->name,
			  pc->held[i].path);
	memmove(&pc->held[i], &pc->held[i + 1], (pc->held_count - i - 1) * sizeof(pc->held[0]));
	pc->held_count--;
}

/* --- single steps ----------------------------------------------------------------------------- */

/* The step's size: that it has one with an end, of at most @limit. */
static void check_size(struct program_check *pc, const struct config_step *s, uint64_t limit,
		       const char *what)
{
	char path[PATH_SIZE], text[UNITS_TEXT];
	snprintf(path, sizeof(path), "%.200s.size", pc->step);
	if (!step_has(s, "size")) {
		STEP_FAIL(pc, "", "%s needs 'size'", schema_step_keys[s->kind].key);
		return;
	}
	check_dist(pc->ld, &s->size_bytes, path);
	if (!limit)
		return;
	double largest = dist_largest(&s->size_bytes);
	units_format_u64(UNIT_BYTES, limit, text);
	if (isinf(largest))
		FAIL(pc->ld, path, "has no upper end; give it a max (at most %s)", text);
	else if (largest > (double)limit)
		FAIL(pc->ld, path, "can exceed %s, %s", text, what);
	if (s->size_bytes.kind == DIST_CONSTANT && s->size_bytes.value < 1)
		FAIL(pc->ld, path, "must be at least 1B");
}

static void check_alloc(struct program_check *pc, struct config_step *s)
{
	const struct config *c = pc->c;
	switch (s->kind) {
	case STEP_KMALLOC:
		check_size(pc, s, 0, "");
		break;
	case STEP_CACHE_ALLOC:
		if (!step_has(s, "cache")) {
			STEP_FAIL(pc, "", "cache_alloc needs 'cache'");
		} else {
			char path[PATH_SIZE];
			snprintf(path, sizeof(path), "%.200s.cache", pc->step);
			s->cache_index = check_cache_name(pc->ld, c, s->cache, path);
		}
		break;
	case STEP_ALLOC:
		s->by_size = step_has(s, "size");
		if (s->by_size == step_has(s, "order"))
			STEP_FAIL(pc, "", "alloc needs exactly one of 'order' and 'size'");
		else if (s->by_size)
			check_size(pc, s, (uint64_t)PAGE_BYTES << c->buddy.max_order,
				   "the largest block of buddy.max_order");
		else if (s->order > c->buddy.max_order)
			STEP_FAIL(pc, "order", "is above buddy.max_order %llu",
				  (unsigned long long)c->buddy.max_order);
		break;
	default:
		check_may_sleep(pc, s);
		check_size(pc, s, MAPPING_MAX, "the largest range of addresses");
	}
	pc->p->maps |= s->kind == STEP_MMAP;
	make_name(pc, s);
}

/* touch, protect, munmap. */
static void check_range(struct program_check *pc, struct config_step *s)
{
	struct step_name *n = use_name(pc, s);
	uint64_t unit = s->kind == STEP_TOUCH ? 1 : PAGE_BYTES;
	bool whole = !s->offset_bytes && s->bytes == CONFIG_AUTO;
	if (!n)
		return;
	if (s->kind != STEP_TOUCH && n->what != STEP_MMAP)
		STEP_FAIL(pc, schema_step_keys[s->kind].key, "'%s' is no mapped memory: %s made it",
			  s->name, n->path);
	if (n->what == STEP_MMAP || n->what == STEP_VMALLOC)
		check_may_sleep(pc, s);
	if (s->offset_bytes % unit)
		STEP_FAIL(pc, "offset", "is not a multiple of the page size, 4KiB");
	if (s->bytes != CONFIG_AUTO && s->bytes % unit)
		STEP_FAIL(pc, "bytes", "is not a multiple of the page size, 4KiB");
	if (n->bytes != CONFIG_AUTO && s->offset_bytes >= n->bytes)
		STEP_FAIL(pc, s->offset_bytes ? "offset" : schema_step_keys[s->kind].key,
			  "leaves nothing of the %llu bytes of '%s'", (unsigned long long)n->bytes,
			  s->name);
	else if (n->bytes != CONFIG_AUTO && s->bytes != CONFIG_AUTO &&
		 s->bytes > n->bytes - s->offset_bytes)
		STEP_FAIL(pc, "bytes", "leads beyond the %llu bytes of '%s'",
			  (unsigned long long)n->bytes, s->name);
	if (s->kind == STEP_MUNMAP && whole)
		end_name(pc, s, n);
}

static void check_free(struct program_check *pc, struct config_step *s)
{
	struct step_name *n = use_name(pc, s);
	if (!n)
		return;
	if (n->what == STEP_MMAP)
		STEP_FAIL(pc, "free", "'%s' is mapped memory, which munmap ends", s->name);
	if (n->what == STEP_VMALLOC)
		check_may_sleep(pc, s);
	end_name(pc, s, n);
}

static void check_duration(struct program_check *pc, const struct config_step *s)
{
	const char *verb = schema_step_keys[s->kind].key;
	char path[PATH_SIZE];
	snprintf(path, sizeof(path), "%.200s.%s", pc->step, verb);
	if (dist_is_forever(&s->duration_ns))
		FAIL(pc->ld, path, "must end: forever is for lifetimes");
	check_dist(pc->ld, &s->duration_ns, path);
	if (s->kind == STEP_IDLE)
		check_may_sleep(pc, s);
}

static void check_steps(struct program_check *pc, struct config_step *steps, unsigned count,
			const char *list);

static void check_chance(struct program_check *pc, struct config_step *s)
{
	unsigned outer = pc->level;
	char step[PATH_SIZE], list[PATH_SIZE];
	if (!step_has(s, "steps") || !s->steps_count) {
		STEP_FAIL(pc, "", "chance needs 'steps'");
		return;
	}
	memcpy(step, pc->step, sizeof(step));
	snprintf(list, sizeof(list), "%.200s.steps", step);
	pc->level = LEVEL_CHANCE;
	check_steps(pc, s->steps, s->steps_count, list);
	pc->level = outer;
	memcpy(pc->step, step, sizeof(step));
}

/* The one verb of the step, and no key that does not go with it; false with a report. */
static bool find_kind(struct program_check *pc, struct config_step *s)
{
	unsigned count = 0;
	for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
		if (step_has(s, kind == STEP_CHANCE ? "chance" : schema_step_keys[kind].key)) {
			s->kind = (enum step_kind)kind;
			count++;
		}
	}
	if (count != 1) {
		STEP_FAIL(pc, "",
			  "needs exactly one of 'kmalloc', 'cache_alloc', 'alloc', 'vmalloc', "
			  "'mmap', 'touch', 'protect', 'munmap', 'free', 'lock', 'unlock', 'work', "
			  "'idle' and 'chance'");
		return false;
	}
	const char *verb = s->kind == STEP_CHANCE ? "chance" : schema_step_keys[s->kind].key;
	for (unsigned i = 0; i < STEP_KEYS; i++) {
		const struct field *f = &schema_step_keys[i];
		if (step_has(s, f->key) && !schema_step_takes(f, s->kind))
			STEP_FAIL(pc, f->key, "does not belong to %s", verb);
	}
	return true;
}

static void check_step(struct program_check *pc, struct config_step *s)
{
	if (!find_kind(pc, s))
		return;
	if (pc->level == LEVEL_ROUND && s->kind != STEP_CHANCE && s->kind != STEP_TOUCH)
		pc->takes_time = true;
	switch (s->kind) {
	case STEP_KMALLOC:
	case STEP_CACHE_ALLOC:
	case STEP_ALLOC:
	case STEP_VMALLOC:
	case STEP_MMAP:
		check_alloc(pc, s);
		break;
	case STEP_TOUCH:
	case STEP_PROTECT:
	case STEP_MUNMAP:
		check_range(pc, s);
		break;
	case STEP_FREE:
		check_free(pc, s);
		break;
	case STEP_LOCK:
		if (find_lock(pc, s))
			take_lock(pc, s);
		break;
	case STEP_UNLOCK:
		if (find_lock(pc, s))
			release_lock(pc, s);
		break;
	case STEP_WORK:
	case STEP_IDLE:
		check_duration(pc, s);
		break;
	case STEP_CHANCE:
		check_chance(pc, s);
		break;
	case STEP_KINDS:
		break;
	}
}

/* All steps of a level, and that nothing of it is left over. */
static void check_steps(struct program_check *pc, struct config_step *steps, unsigned count,
			const char *list)
{
	static const char *const levels[] = {"start", "the round", "the chance"};
	for (unsigned i = 0; i < count; i++) {
		snprintf(pc->step, sizeof(pc->step), "%.200s[%u]", list, i);
		check_step(pc, &steps[i]);
	}
	for (unsigned i = 0; i < pc->names_count; i++) {
		struct step_name *n = &pc->names[i];
		if (!n->live || n->level != pc->level || pc->level == LEVEL_START)
			continue;
		if (!n->keep)
			FAIL(pc->ld, n->path,
			     "'%s' is not %s by the end of %s (to lose it on purpose: keep: true)",
			     n->name, n->what == STEP_MMAP ? "unmapped" : "freed",
			     levels[pc->level]);
		n->live = false;
	}
	while (pc->held_count && pc->held[pc->held_count - 1].level == pc->level) {
		pc->held_count--;
		FAIL(pc->ld, pc->held[pc->held_count].path,
		     "the lock is not released by the end of %s", levels[pc->level]);
	}
}

/* --- programs --------------------------------------------------------------------------------- */

static void check_alone(struct loader *ld, const struct config *c, unsigned index)
{
	const struct config_program *p = &c->workload.programs[index];
	char path[PATH_SIZE];
	for (unsigned i = 0; i < index; i++) {
		const struct config_program *other = &c->workload.programs[i];
		snprintf(path, sizeof(path), "workload.programs[%u].name", index);
		if (strcmp(other->name, p->name) == 0)
			FAIL(ld, path, "'%s' is already the name of workload.programs[%u]", p->name,
			     i);
		snprintf(path, sizeof(path), "workload.programs[%u].cpus", index);
		for (unsigned cpu = 0; cpu < c->machine.cpus; cpu++) {
			if (!((p->cpus[cpu / 64] & other->cpus[cpu / 64]) >> (cpu % 64) & 1))
				continue;
			FAIL(ld, path, "CPU %u runs the program '%s' already", cpu, other->name);
			break;
		}
	}
}

static const char *process_of(const struct config_program *p)
{
	return p->process[0] ? p->process : p->name;
}

/* Programs that name the same process share it; one that names none has its own. */
static void set_process(struct config_workload *w, unsigned index)
{
	struct config_program *p = &w->programs[index];
	for (unsigned i = 0; i < index; i++) {
		if (strcmp(process_of(&w->programs[i]), process_of(p)) == 0) {
			p->process_index = w->programs[i].process_index;
			return;
		}
	}
	p->process_index = w->processes_count++;
}

static void check_program(struct loader *ld, struct config *c, unsigned index)
{
	struct config_program *p = &c->workload.programs[index];
	struct program_check pc = {.ld = ld, .c = c, .p = p, .level = LEVEL_START};
	char path[PATH_SIZE];
	check_alone(ld, c, index);
	snprintf(path, sizeof(path), "workload.programs[%u].cpus", index);
	check_cpus(ld, c, p->cpus, path);
	p->maps = false;
	snprintf(path, sizeof(path), "workload.programs[%u].start", index);
	check_steps(&pc, p->start, p->start_count, path);
	pc.level = LEVEL_ROUND;
	snprintf(path, sizeof(path), "workload.programs[%u].steps", index);
	if (!p->steps_count)
		FAIL(ld, path, "is empty: nothing to do");
	check_steps(&pc, p->steps, p->steps_count, path);
	p->slots_count = pc.names_count;
	free(pc.names);
	snprintf(path, sizeof(path), "workload.programs[%u].rounds", index);
	if (!p->rounds && !c->workload.duration_ns)
		FAIL(ld, path, "would never end: give rounds above 0 or workload.duration");
	else if (!p->rounds && !pc.takes_time && p->steps_count)
		FAIL(ld, path, "would never end: no step of a round is sure to take time");
	set_process(&c->workload, index);
}

void check_locks(struct loader *ld, const struct config *c)
{
	const struct config_workload *w = &c->workload;
	char path[PATH_SIZE];
	for (unsigned i = 0; i < w->locks_count; i++) {
		snprintf(path, sizeof(path), "workload.locks[%u].name", i);
		if (strlen(w->locks[i].name) >= sizeof(((struct env_lock *)NULL)->name))
			FAIL(ld, path, "is too long for a lock: at most %zu bytes",
			     sizeof(((struct env_lock *)NULL)->name) - 1);
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(w->locks[i].name, w->locks[k].name) == 0)
				FAIL(ld, path, "'%s' is already the name of workload.locks[%u]",
				     w->locks[i].name, k);
		}
		snprintf(path, sizeof(path), "workload.locks[%u].irqs_off", i);
		if (w->locks[i].irqs_off && w->locks[i].kind == LOCK_MUTEX)
			FAIL(ld, path, "does not belong to a mutex: who waits for it sleeps");
	}
}

void check_programs(struct loader *ld, struct config *c)
{
	c->workload.processes_count = 0;
	for (unsigned i = 0; i < c->workload.programs_count; i++)
		check_program(ld, c, i);
}
