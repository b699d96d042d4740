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

#define NO_KEY ENGINE_NEVER
#define ENGINE_STACK_KIB 256

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

/*
 * One SimGrid event: sleep until the CPU's turn, or let others of the same time run. A CPU that
 * listens can be woken earlier: then its turn has become earlier, too.
 */
static void give_way(struct engine_cpu *cpu)
{
	/* Compared as doubles: a date that rounds to the present would be no sleep and no yield. */
	double turn = to_simgrid(cpu->key_ps), now = simgrid_get_clock();
	cpu->engine->events_count++;
	if (cpu->key_ps == NO_KEY)
		sg_sem_acquire(cpu->kick);
	else if (turn <= now)
		sg_actor_yield();
	else if (cpu->listening)
		sg_sem_acquire_timeout(cpu->kick, turn - now);
	else
		sg_actor_sleep_until(turn);
}

void engine_join(struct engine_cpu *cpu)
{
	set_key(cpu, cpu->now_ps);
	if (cpu->engine->params.exact_events)
		give_way(cpu);
	while (!is_first(cpu))
		give_way(cpu);
	cpu->joined_ps = cpu->now_ps;
}

/*
 * Sleep until @until (NO_KEY: for ever) or until woken or interrupted, whatever comes first; the
 * private clock is at least that then. @listen: interrupts end the sleep.
 */
static void sleep_until(struct engine_cpu *cpu, ps_t until, bool listen)
{
	if (listen && cpu->irqs_count)
		until = u64_min(until, u64_max(cpu->irqs[0].at_ps, cpu->now_ps));
	cpu->listening = listen;
	set_key(cpu, until);
	if (cpu->engine->params.exact_events)
		give_way(cpu);
	while (cpu->key_ps == NO_KEY || !is_first(cpu))
		give_way(cpu);
	cpu->listening = false;
	engine_advance_to(cpu, cpu->key_ps);
	cpu->joined_ps = cpu->now_ps;
}

/* @cpu, which sleeps, is to run at @ps already. */
void engine_rouse(struct engine_cpu *cpu, ps_t ps)
{
	set_key(cpu, u64_min(cpu->key_ps, u64_max(cpu->now_ps, ps)));
	sg_sem_release(cpu->kick);
}

void engine_idle(struct engine_cpu *cpu, ps_t ps)
{
	if (cpu->ipis) {
		while (cpu->now_ps < ps) {
			sleep_until(cpu, ps, !cpu->irqs_off);
			engine_take_interrupts(cpu);
		}
		return;
	}
	/* All interrupts are its own: it knows them. */
	while (!cpu->irqs_off && cpu->irqs_count && cpu->irqs[0].at_ps <= ps) {
		engine_advance_to(cpu, cpu->irqs[0].at_ps);
		engine_take_interrupts(cpu);
	}
	engine_advance_to(cpu, ps);
}

void engine_stop(struct engine_cpu *cpu)
{
	const struct engine *e = cpu->engine;
	if (e->params.exact_events ||
	    (cpu->ipis && cpu->now_ps >= cpu->joined_ps + e->flight_ps))
		engine_join(cpu);
	if (cpu->irqs_count)
		engine_take_interrupts(cpu);
}

void engine_wait_init(struct engine_wait *w, struct engine_cpu *cpu)
{
	*w = (struct engine_wait){cpu, ENGINE_NEVER};
}

static void wait_for(struct engine_wait *w, bool open)
{
	struct engine_cpu *cpu = w->cpu;
	while (w->woken_ps == ENGINE_NEVER || w->woken_ps > cpu->now_ps) {
		cpu->wait = w;
		sleep_until(cpu, w->woken_ps, open);
		cpu->wait = NULL;
		if (open)
			engine_take_interrupts(cpu);
	}
}

void engine_wait(struct engine_wait *w)
{
	wait_for(w, false);
}

void engine_wait_open(struct engine_wait *w)
{
	wait_for(w, !w->cpu->irqs_off);
}

void engine_wake(struct engine_wait *w, ps_t ps)
{
	BUG_ON(w->woken_ps != ENGINE_NEVER, "CPU %u is woken twice", w->cpu->env.cpu);
	w->woken_ps = ps;
	/* It may be in an interrupt that came meanwhile, and look when that is over. */
	if (w->cpu->wait == w)
		engine_rouse(w->cpu, ps);
}

/* --- what an allocator can ask for ------------------------------------------------------------ */

static void engine_sync(struct env *env)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	engine_collect(cpu);
	engine_join(cpu);
	engine_sync_memory(cpu);
}

void engine_catch_up(struct engine_cpu *cpu)
{
	if (!cpu->finished) /* else who interrupts it is synchronised */
		engine_join(cpu);
	engine_sync_memory(cpu);
}

const char *engine_lock_cycle(const struct engine *e)
{
	return e->locks->order.cycle;
}

static const struct env_ops engine_env_ops = {
	.lock = engine_lock,
	.unlock = engine_unlock,
	.sync = engine_sync,
	.ipi = engine_ipi,
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
	engine_join(cpu); /* so that others agree when it was over */
	cpu->irqs_off = 0; /* who asks the run to end may do so inside a lock */
	while (cpu->ipis && cpu->irqs_count) {
		engine_idle_until(cpu, cpu->irqs[0].at_ps);
		engine_take_interrupts(cpu);
	}
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
	cpu->khz_inverse = UINT64_MAX / cpu->khz;
	cpu->ipis = e->params.ipis;
	cpu->stops = e->params.ipis || e->params.exact_events;
	cpu->kick = sg_sem_init(0);
	heap_place(e, number, number); /* all keys are 0: in order of number this is a heap */
}

struct engine *engine_new(const struct engine_params *params, struct err *err)
{
	struct engine *e = calloc(1, sizeof(*e));
	if (e) {
		e->params = *params;
		e->cpus_count = e->all_count = params->cpus_count;
		e->flight_ps = params->hw ? params->hw->ipi_flight_ns * PS_PER_NS : 0;
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
	/* A machine that says nothing of caches says nothing of distances. */
	e->locks->hw = params->hw && params->hw->caches_count ? params->hw : NULL;
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
		free(e->cpus[i].irqs);
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
