/*
 * engine_rig.c - see engine_rig.h.
 */
#include "sim/engine_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

ps_t rig_now(struct rig *r, unsigned cpu)
{
	engine_collect(r->cpu[cpu]);
	return r->cpu[cpu]->now_ps;
}

void rig_work(struct rig *r, unsigned cpu, ps_t ps)
{
	r->cpu[cpu]->env.cycles += ps;
}

void rig_idle_until(struct rig *r, unsigned cpu, ps_t ps)
{
	engine_collect(r->cpu[cpu]);
	engine_idle_until(r->cpu[cpu], ps);
}

void rig_take(struct rig *r, unsigned cpu, unsigned lock)
{
	env_lock(&r->cpu[cpu]->env, &r->locks[lock]);
	const uint64_t words[] = {cpu, rig_now(r, cpu)};
	uint64_t *hash = &r->out->locks[lock].order_hash;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		*hash = (*hash ^ words[i]) * UINT64_C(1099511628211);
}

void rig_give(struct rig *r, unsigned cpu, unsigned lock)
{
	env_unlock(&r->cpu[cpu]->env, &r->locks[lock]);
	engine_collect(r->cpu[cpu]);
	engine_boundary(r->cpu[cpu]);
}

static void cpu_main(struct engine_cpu *cpu, void *arg)
{
	struct rig *r = arg;
	r->body(r, cpu->env.cpu);
	r->out->end_ps[cpu->env.cpu] = rig_now(r, cpu->env.cpu);
}

static void collect(struct rig *r, const struct engine *e)
{
	struct rig_outcome *o = r->out;
	o->deadlock = engine_deadlock(e, &o->deadlock_at_ps);
	snprintf(o->cycle, sizeof(o->cycle), "%s", engine_lock_cycle(e));
	for (unsigned i = 0; i < r->cpus; i++) {
		const struct engine_cpu *cpu = r->cpu[i];
		o->lock_cycles[i] = cpu->env.cycles_by[CAUSE_LOCK];
		o->sleep_violations[i] = cpu->env.sleep_violations_count;
		o->waits_for[i] = cpu->waits_for ? (int)(cpu->waits_for - r->locks) : -1;
	}
	for (unsigned i = 0; i < RIG_LOCKS; i++) {
		const struct env_lock *l = &r->locks[i];
		o->locks[i].acquired = l->acquired_count;
		o->locks[i].contended = l->contended_count;
		o->locks[i].transfers = l->transfers_count;
		o->locks[i].waiting_max = l->waiting_max;
		o->locks[i].wait_ps = l->wait_ps_total;
		o->locks[i].wait_ps_max = l->wait_ps_max;
		o->locks[i].hold_ps = l->hold_ps_total;
		o->locks[i].hold_ps_max = l->hold_ps_max;
	}
}

static void child(struct rig *r)
{
	static const uint32_t no_costs[COST_KINDS];
	struct err err = {.code = ERR_NONE};
	const struct engine_params params = {
		.cpus_count = r->cpus,
		.cpu_khz = RIG_KHZ,
		.cost_cycles = no_costs,
		.exact_events = r->exact,
		.hw = r->hw,
		.cpu_nid = r->cpu_nid,
	};
	alarm(60); /* a simulation that does not end is a failure, not a hang */
	struct engine *e = engine_new(&params, &err);
	r->out->rc = -1;
	if (e) {
		for (unsigned i = 0; i < RIG_LOCKS; i++) {
			snprintf(r->locks[i].name, sizeof(r->locks[i].name), "l%u", i);
			r->locks[i].unfair = r->unfair;
			r->locks[i].sleeps = r->sleeps;
		}
		for (unsigned i = 0; i < r->cpus; i++) {
			r->cpu[i] = engine_cpu(e, i);
			engine_set_main(e, i, cpu_main, r);
		}
		r->out->rc = engine_run(e, &err);
		collect(r, e);
		if (r->after)
			r->after(r, e);
		engine_free(e);
	}
	snprintf(r->out->error, sizeof(r->out->error), "%s", err.text);
}

int rig_try(const struct rig *rig, struct rig_outcome *out, char *text, size_t text_size)
{
	int said[2], status;
	struct rig_outcome *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	assert_int_equal(pipe(said), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		static struct rig r;
		r = *rig;
		r.out = shared;
		dup2(said[1], STDERR_FILENO);
		child(&r);
		fflush(NULL);
		_exit(0);
	}
	close(said[1]);
	char rest[1024];
	size_t got = 0;
	for (ssize_t n; (n = read(said[0], rest, sizeof(rest))) > 0;) {
		for (ssize_t i = 0; i < n && text && got + 1 < text_size; i++)
			text[got++] = rest[i];
	}
	if (text)
		text[got] = 0;
	close(said[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*out = *shared;
	munmap(shared, sizeof(*shared));
	return status;
}

static void simulate_well(const struct rig *r, struct rig_outcome *out)
{
	char text[1024];
	int status = rig_try(r, out, text, sizeof(text));
	if (status != 0 || out->rc != 0 || text[0])
		print_message("%u CPUs: status %d: %s%s\n", r->cpus, status, out->error, text);
	assert_int_equal(status, 0);
	assert_int_equal(out->rc, 0);
	assert_string_equal(text, "");
}

void rig_simulate(const struct rig *r, struct rig_outcome *out)
{
	static struct rig_outcome exact;
	struct rig other = *r;
	other.exact = true;
	simulate_well(&other, &exact);
	simulate_well(r, out);
	assert_memory_equal(out, &exact, sizeof(*out));
}
