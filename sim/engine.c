/*
 * engine.c - temporally decoupled CPUs on SimGrid. The only file that includes SimGrid.
 *
 * Each CPU is an actor on a SimGrid host of its own. It keeps a private clock (now_ps) and runs
 * ahead: charging cycles, popping pages from its own lists and the like cost no event.
 * engine_join() makes it wait its turn before it touches what others can see.
 *
 * Order. A binary heap holds every CPU under its key: the time at which it next needs to run. A CPU
 * that joins sets its key to its clock; if it is then first by (key, number) it goes on without
 * asking SimGrid at all, because nobody could do anything earlier. Otherwise it sleeps in SimGrid
 * until its time and looks again. While a CPU runs ahead its key stays at its last join; that is
 * right, since the others only compare while they run, and then this one is asleep with its key
 * set. A CPU that waits for another (engine_wait) has no key until it is woken.
 *
 *   CPU 0: key 100, running          CPU 0 joins at 130: CPU 1 (key 120) is first.
 *   CPU 1: key 120, asleep           CPU 0 sleeps till 130; SimGrid runs CPU 1 at 120.
 *
 * Ties are decided by the heap, never by SimGrid's order of arming: a CPU that wakes and is not
 * first yields until it is. SimGrid's clock is a double. Beyond 2^53 ps dates are rounded, but
 * rounding keeps order, so the CPU that is first wakes no later than the others and the heap still
 * decides.
 *
 * What the order guarantees: two CPUs' accesses to shared state happen natively in the order of
 * (simulated time, CPU). SimGrid runs one actor at a time, so no host locking is needed.
 */
#include "sim/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/semaphore.h>
#include <simgrid/version.h>
#include <xbt/config.h>
#include <xbt/log.h>

#include "kern/bug.h"
#include "sim/engine_impl.h"

#define NO_KEY UINT64_MAX
#define ENGINE_STACK_KIB 256

struct engine {
	struct engine_cpu *cpus; /* CPUs, then daemons */
	unsigned cpus_count, all_count, all_limit;
	unsigned *heap;          /* numbers by (key, number), smallest first */
	struct engine_params params;
	struct engine_locks *locks;
	uint64_t events_count;
	const char *daemon_name[4];
};

/* --- where time is a double ------------------------------------------------------------------- */

static double to_simgrid(ps_t ps)
{
	return (double)ps;
}

/* --- order ------------------------------------------------------------------------------------ */

static bool earlier(const struct engine *e, unsigned a, unsigned b)
{
	ps_t ka = e->cpus[a].key_ps, kb = e->cpus[b].key_ps;
	return ka < kb || (ka == kb && a < b);
}

static void heap_place(struct engine *e, unsigned i, unsigned number)
{
	e->heap[i] = number;
	e->cpus[number].heap_index = i;
}

/* Give @cpu the key @ps and restore the heap's order. */
static void set_key(struct engine_cpu *cpu, ps_t ps)
{
	struct engine *e = cpu->engine;
	unsigned number = cpu->env.cpu, i = cpu->heap_index;
	cpu->key_ps = ps;
	while (i > 0 && earlier(e, number, e->heap[(i - 1) / 2])) {
		heap_place(e, i, e->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= e->all_count)
			break;
		if (child + 1 < e->all_count && earlier(e, e->heap[child + 1], e->heap[child]))
			child++;
		if (!earlier(e, e->heap[child], number))
			break;
		heap_place(e, i, e->heap[child]);
		i = child;
	}
	heap_place(e, i, number);
}

static bool is_first(const struct engine_cpu *cpu)
{
	return cpu->engine->heap[0] == cpu->env.cpu;
}

/* One SimGrid event: sleep until the private clock's time, or let others of the same time run. */
static void give_way(struct engine_cpu *cpu)
{
	cpu->engine->events_count++;
	/* Compared as doubles: a date that rounds to the present would be no sleep and no yield. */
	if (to_simgrid(cpu->now_ps) > simgrid_get_clock())
		sg_actor_sleep_until(to_simgrid(cpu->now_ps));
	else
		sg_actor_yield();
}

void engine_join(struct engine_cpu *cpu)
{
	set_key(cpu, cpu->now_ps);
	if (cpu->engine->params.exact_events)
		give_way(cpu);
	while (!is_first(cpu))
		give_way(cpu);
}

void engine_boundary(struct engine_cpu *cpu)
{
	if (cpu->engine->params.exact_events)
		engine_join(cpu);
}

static void sleep_until_woken(struct engine_cpu *cpu)
{
	cpu->engine->events_count++;
	do
		sg_sem_acquire(cpu->kick);
	while (cpu->key_ps == NO_KEY);
	engine_idle_until(cpu, cpu->key_ps);
}

void engine_wait(struct engine_cpu *cpu)
{
	set_key(cpu, NO_KEY);
	sleep_until_woken(cpu);
}

void engine_pass(struct engine_cpu *cpu, struct engine_cpu *next, ps_t ps)
{
	/* In this order: @next may run, and even wake this CPU, before SimGrid lets it go on. */
	set_key(cpu, NO_KEY);
	engine_wake(next, ps);
	sleep_until_woken(cpu);
}

void engine_wait_open(struct engine_cpu *cpu)
{
	engine_wait(cpu);
}

void engine_wake(struct engine_cpu *cpu, ps_t ps)
{
	BUG_ON(cpu->key_ps != NO_KEY, "CPU %u is woken but does not wait", cpu->env.cpu);
	set_key(cpu, u64_max(cpu->now_ps, ps));
	sg_sem_release(cpu->kick);
}

/* --- what an allocator can ask for ------------------------------------------------------------- */

static void engine_sync(struct env *env)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	engine_collect(cpu);
	engine_join(cpu);
	engine_memory_news(cpu);
}

void engine_memory_sync(struct engine_cpu *cpu)
{
	engine_collect(cpu);
	if (cpu->env.memory && cpu->env.memory->waiting) {
		engine_join(cpu);
		cpu->env.memory->sync(&cpu->env, cpu->now_ps);
		engine_collect(cpu);
	}
}

struct engine_locks *engine_locks(struct engine *e)
{
	return e->locks;
}

const char *engine_lock_cycle(const struct engine *e)
{
	return e->locks->order.cycle;
}

static const struct env_ops engine_env_ops = {
	.lock = engine_lock,
	.unlock = engine_unlock,
	.sync = engine_sync,
};

/* --- platform and actors ---------------------------------------------------------------------- */

char *engine_platform_xml(unsigned cpus_count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	fprintf(f, "<?xml version='1.0'?>\n"
		   "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
		   "<platform version=\"4.1\">\n  <zone id=\"machine\" routing=\"Full\">\n");
	for (unsigned i = 0; i < cpus_count; i++)
		fprintf(f, "    <host id=\"cpu%u\" speed=\"1f\"/>\n", i);
	fprintf(f, "  </zone>\n</platform>\n");
	return fclose(f) == 0 ? text : NULL;
}

static int load_platform(unsigned cpus_count, struct err *err)
{
	char *xml = engine_platform_xml(cpus_count);
	int fd = memfd_create("platform.xml", MFD_CLOEXEC);
	int rc = -1;
	if (!xml || fd < 0) {
		err_set(err, ERR_IO, "cannot build the SimGrid platform: %s", strerror(errno));
		goto out;
	}
	size_t left = strlen(xml);
	for (const char *p = xml; left;) {
		ssize_t n = write(fd, p, left);
		if (n < 0) {
			err_set(err, ERR_IO, "cannot build the SimGrid platform: %s",
				strerror(errno));
			goto out;
		}
		p += n;
		left -= (size_t)n;
	}
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	simgrid_load_platform(path);
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	free(xml);
	return rc;
}

/* Integer picoseconds need SimGrid's tolerances far below 1. */
static void configure_simgrid(void)
{
	static char name[] = "allocsim";
	char *argv[] = {name, NULL};
	int argc = 1;
	xbt_log_control_set("root.thres:critical");
	/* A deadlock is reported once, by engine_run(). */
	xbt_log_control_set("ker_engine.app:file:/dev/null");
#if defined(__SANITIZE_ADDRESS__)
	/* The other factories hide leaks from LeakSanitizer. */
	sg_cfg_set_string("contexts/factory", "thread");
#endif
	/*
	 * SimGrid would end the process on SIGINT at once; who called us may have files to remove.
	 */
	struct sigaction on_int, on_segv;
	sigaction(SIGINT, NULL, &on_int);
	sigaction(SIGSEGV, NULL, &on_segv);
	simgrid_init(&argc, argv);
	sigaction(SIGINT, &on_int, NULL);
	sigaction(SIGSEGV, &on_segv, NULL);
	sg_cfg_set_double("surf/precision", 1e-3);
	sg_cfg_set_double("maxmin/precision", 1e-10);
	sg_cfg_set_int("contexts/stack-size", ENGINE_STACK_KIB);
}

static void actor_main(int argc, char **argv)
{
	struct engine_cpu *cpu = sg_actor_self_get_data();
	engine_join(cpu);
	cpu->main(cpu, cpu->arg);
	engine_collect(cpu);
	cpu->finished = true;
	set_key(cpu, NO_KEY);
}

static void init_cpu(struct engine *e, unsigned number)
{
	struct engine_cpu *cpu = &e->cpus[number];
	cpu->engine = e;
	cpu->env.cpu = number;
	cpu->env.ops = &engine_env_ops;
	cpu->env.cost_cycles = e->params.cost_cycles;
	cpu->khz = e->params.cpu_khz;
	cpu->kick = sg_sem_init(0);
	heap_place(e, number, number); /* all keys are 0: in order of number this is a heap */
}

struct engine *engine_new(const struct engine_params *params, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (e) {
		e->params = *params;
		e->cpus_count = e->all_count = params->cpus_count;
		e->all_limit = params->cpus_count + (unsigned)ARRAY_SIZE(e->daemon_name);
		e->cpus = calloc(e->all_limit, sizeof(*e->cpus));
		e->heap = calloc(e->all_limit, sizeof(*e->heap));
		e->locks = calloc(1, sizeof(*e->locks));
	}
	if (!e || !e->cpus || !e->heap || !e->locks) {
		err_set(err, ERR_IO, "out of memory for %u CPUs", params->cpus_count);
		engine_free(e);
		return NULL;
	}
	e->locks->hw = params->hw;
	e->locks->cpu_nid = params->cpu_nid;
	configure_simgrid();
	if (load_platform(params->cpus_count, err) != 0) {
		engine_free(e);
		return NULL;
	}
	for (unsigned i = 0; i < e->cpus_count; i++)
		init_cpu(e, i);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	for (unsigned i = 0; e->cpus && i < e->all_count; i++) {
		if (e->cpus[i].kick)
			sg_sem_destroy(e->cpus[i].kick);
	}
	free(e->cpus);
	free(e->heap);
	free(e->locks);
	free(e);
}

void engine_set_main(struct engine *e, unsigned cpu, void (*main)(struct engine_cpu *, void *),
		     void *arg)
{
	e->cpus[cpu].main = main;
	e->cpus[cpu].arg = arg;
}

void engine_add_daemon(struct engine *e, const char *name,
		       void (*main)(struct engine_cpu *, void *), void *arg)
{
	BUG_ON(e->all_count == e->all_limit, "too many daemons");
	unsigned number = e->all_count++;
	e->daemon_name[number - e->cpus_count] = name;
	init_cpu(e, number);
	engine_set_main(e, number, main, arg);
}

int engine_run(struct engine *e, struct err *err)
{
	for (unsigned i = 0; i < e->all_count; i++) {
		char name[32], host[32];
		unsigned home = i < e->cpus_count ? i : 0; /* daemons live on CPU 0's host */
		snprintf(host, sizeof(host), "cpu%u", home);
		snprintf(name, sizeof(name), "%s",
			 i < e->cpus_count ? host : e->daemon_name[i - e->cpus_count]);
		sg_actor_t actor =
			sg_actor_create(name, sg_host_by_name(host), actor_main, 0, NULL);
		sg_actor_set_data(actor, &e->cpus[i]);
	}
	simgrid_run();
	for (unsigned i = 0; i < e->all_count && !engine_deadlock(e, NULL); i++) {
		if (!e->cpus[i].finished)
			return err_set(err, ERR_INTERNAL,
				       "deadlock: CPU %u of %u waits for ever at %llu ps", i,
				       e->cpus_count, (unsigned long long)e->cpus[i].now_ps);
	}
	return 0;
}

bool engine_deadlock(const struct engine *e, ps_t *at_ps)
{
	bool any = false;
	ps_t last = 0;
	for (unsigned i = 0; i < e->all_count; i++) {
		const struct engine_cpu *cpu = &e->cpus[i];
		if (cpu->finished || !cpu->waits_for)
			continue;
		any = true;
		last = u64_max(last, cpu->now_ps);
	}
	if (at_ps)
		*at_ps = e->locks->deadlocked ? e->locks->deadlock_at_ps : last;
	return any;
}

struct engine_cpu *engine_cpu(struct engine *e, unsigned cpu)
{
	return &e->cpus[cpu];
}

uint64_t engine_events(const struct engine *e)
{
	return e->events_count;
}

bool engine_any_active(const struct engine *e)
{
	for (unsigned i = 0; i < e->cpus_count; i++) {
		if (e->cpus[i].key_ps != NO_KEY)
			return true;
	}
	return false;
}

const char *engine_simgrid_version(void)
{
	static char text[16];
	int major, minor, patch;
	sg_version_get(&major, &minor, &patch);
	snprintf(text, sizeof(text), "%d.%d", major, minor);
	return text;
}
