/*
 * engine_irq.c - interrupts: posted with the time of their arrival, taken when the CPU can.
 *
 * A CPU takes an interrupt between two operations, while it idles, and while it waits with
 * interrupts on (for a mutex, for the answers to its own IPIs). Inside an operation they are off,
 * as they are in Linux under most of an allocator's locks. A workload's own locks may keep them off
 * over several operations (env_lock.irqs_off, Linux's spin_lock_irqsave).
 * MODEL: an operation cannot be interrupted in its middle; the delay that this causes is reported.
 *
 * When does a CPU that runs ahead know of an interrupt? One that it posts itself (a device whose
 * next interrupt is known): always. One that another CPU sends arrives flight_ps after it was sent,
 * at the earliest. At a join all others have done what they do before this CPU's time, so it knows
 * every arrival up to its time plus flight_ps. With IPIs possible, engine_boundary() therefore
 * joins as soon as the last join is flight_ps ago, and a CPU that idles or waits is woken by
 * whoever interrupts it. So both modes of the engine take each interrupt at the same point.
 *
 *   CPU 0 at 1000 sends, flight 700:      CPU 1 joined at 950, runs an operation 1500 .. 1800;
 *   arrives at 1700 on CPU 1              at 1800 (>= 950 + 700) it joins, sees the interrupt,
 * takes it
 *
 * An IPI call posts one interrupt to each target, ipi_send_ns apart, and waits with interrupts on
 * until the last handler has ended; two CPUs that interrupt each other answer each other meanwhile.
 * With a flight of 700 ns, handlers of 300 ns and 200 ns to send, one target costs the initiator
 * 1200 ns and 15 targets 4000 ns.
 */
#include <stdlib.h>

#include "kern/bug.h"
#include "sim/engine_impl.h"

/* --- the queue of a CPU ----------------------------------------------------------------------- */

static bool sooner(const struct engine_irq *a, const struct engine_irq *b)
{
	if (a->at_ps != b->at_ps)
		return a->at_ps < b->at_ps;
	return a->from != b->from ? a->from < b->from : a->number < b->number;
}

static void push(struct engine_cpu *cpu, struct engine_irq irq)
{
	if (cpu->irqs_count == cpu->irqs_room) {
		cpu->irqs_room = cpu->irqs_room ? 2 * cpu->irqs_room : 8;
		cpu->irqs = realloc(cpu->irqs, cpu->irqs_room * sizeof(*cpu->irqs));
		BUG_ON(!cpu->irqs, "out of memory for %u interrupts", cpu->irqs_room);
	}
	unsigned i = cpu->irqs_count++;
	for (; i && sooner(&irq, &cpu->irqs[(i - 1) / 2]); i = (i - 1) / 2)
		cpu->irqs[i] = cpu->irqs[(i - 1) / 2];
	cpu->irqs[i] = irq;
}

static struct engine_irq pop(struct engine_cpu *cpu)
{
	struct engine_irq first = cpu->irqs[0], last = cpu->irqs[--cpu->irqs_count];
	unsigned i = 0;
	for (;;) {
		unsigned child = 2 * i + 1;
		if (child >= cpu->irqs_count)
			break;
		if (child + 1 < cpu->irqs_count &&
		    sooner(&cpu->irqs[child + 1], &cpu->irqs[child]))
			child++;
		if (!sooner(&cpu->irqs[child], &last))
			break;
		cpu->irqs[i] = cpu->irqs[child];
		i = child;
	}
	if (cpu->irqs_count)
		cpu->irqs[i] = last;
	return first;
}

/* --- taking ----------------------------------------------------------------------------------- */

static uint64_t cycles_of(const struct engine_cpu *cpu, uint64_t ns)
{
	return (ns * cpu->khz + 999999) / 1000000;
}

static void take(struct engine_cpu *cpu, const struct engine_irq *irq)
{
	struct env *env = &cpu->env;
	const struct hw_machine *hw = cpu->engine->params.hw;
	unsigned context = env->context, path = env->path;
	bool sleep_noted = env->sleep_noted;
	ps_t begin = cpu->now_ps;
	cpu->interrupts_count++;
	cpu->interrupt_delay_ps_total += begin - irq->at_ps;
	cpu->interrupt_delay_ps_max = u64_max(cpu->interrupt_delay_ps_max, begin - irq->at_ps);
	env_set_context(env, CONTEXT_IRQ);
	if (hw)
		env_charge_to(env, CAUSE_INTERRUPT, cycles_of(cpu, hw->interrupt_ns));
	irq->handler(env, irq->arg);
	engine_end_operation(cpu);
	cpu->interrupts_ps += cpu->now_ps - begin;
	if (!cpu->in_operation)
		cpu->busy_ps += cpu->now_ps - begin;
	env->context = context;
	env->path = path;
	env->sleep_noted = sleep_noted;
}

/*
 * Has a daemon still to look at the state as it was before? The cycles of entering an interrupt
 * would show already.
 */
static bool daemon_is_due(const struct engine_cpu *cpu)
{
	const struct engine *e = cpu->engine;
	for (unsigned i = e->cpus_count; i < e->all_count; i++) {
		if (e->cpus[i].key_ps < cpu->now_ps)
			return true;
	}
	return false;
}

void engine_take_interrupts(struct engine_cpu *cpu)
{
	while (!cpu->irqs_off && cpu->irqs_count && cpu->irqs[0].at_ps <= cpu->now_ps) {
		if (cpu->engine->params.ipis) {
			engine_join(cpu); /* one that comes first may be sent meanwhile */
			engine_sync_memory(cpu);
		} else if (daemon_is_due(cpu)) {
			engine_join(cpu);
		}
		struct engine_irq irq = pop(cpu);
		take(cpu, &irq);
	}
}

/* --- sending ---------------------------------------------------------------------------------- */

/*
 * A CPU whose program is over has nothing else to do, and no actor that could: the interrupt is
 * taken for it at once, at its time.
 */
static void take_when_finished(struct engine_cpu *cpu, const struct engine_irq *irq)
{
	engine_advance_to(cpu, irq->at_ps);
	take(cpu, irq);
}

void engine_post(struct engine_cpu *from, struct engine_cpu *target, ps_t ps, env_handler handler,
		 void *arg)
{
	const struct engine *e = target->engine;
	BUG_ON(from != target && (!e->params.ipis || ps < from->now_ps + e->flight_ps),
	       "CPU %u interrupts CPU %u sooner than it can", from->env.cpu, target->env.cpu);
	struct engine_irq irq = {ps, from->irqs_posted++, from->env.cpu, handler, arg};
	if (target->finished) {
		take_when_finished(target, &irq);
		return;
	}
	push(target, irq);
	if (target->listening && target->key_ps > ps)
		engine_rouse(target, ps);
}

struct ipi_call {
	env_handler handler;
	void *arg;
	unsigned left;
	ps_t done_ps; /* end of the last handler so far */
	struct engine_wait wait;
};

static void ipi_arrives(struct env *env, void *arg)
{
	struct ipi_call *call = arg;
	struct engine_cpu *cpu = engine_cpu_of(env);
	call->handler(env, call->arg);
	engine_collect(cpu);
	call->done_ps = u64_max(call->done_ps, cpu->now_ps);
	if (--call->left == 0)
		engine_wake(&call->wait, call->done_ps);
}

void engine_ipi(struct env *env, const struct cpu_set *targets, env_handler handler, void *arg)
{
	struct engine_cpu *cpu = engine_cpu_of(env);
	struct engine *e = cpu->engine;
	struct ipi_call call = {.handler = handler, .arg = arg};
	BUG_ON(!e->params.ipis, "CPU %u sends an IPI in a simulation without", env->cpu);
	BUG_ON(cpu->irqs_off, "CPU %u sends an IPI with interrupts off", env->cpu);
	/* A target that spins for it would never answer, since spinning takes no interrupts. */
	for (unsigned i = 0; i < env->held_count; i++)
		BUG_ON(!env->held[i]->sleeps, "CPU %u sends an IPI and holds spin lock %s",
		       env->cpu, env->held[i]->name);
	engine_collect(cpu);
	engine_join(cpu);
	engine_sync_memory(cpu);
	for (unsigned i = 0; i < e->cpus_count; i++)
		call.left += i != env->cpu && cpu_set_has(targets, i);
	if (!call.left)
		return;
	engine_wait_init(&call.wait, cpu);
	for (unsigned i = 0; i < e->cpus_count; i++) {
		if (i == env->cpu || !cpu_set_has(targets, i))
			continue;
		env_charge_to(env, CAUSE_INTERRUPT, cycles_of(cpu, e->params.hw->ipi_send_ns));
		engine_collect(cpu);
		engine_post(cpu, engine_cpu(e, i), cpu->now_ps + e->flight_ps, ipi_arrives, &call);
	}
	ps_t before = engine_other_skips(cpu);
	engine_wait_open(&call.wait);
	cpu->ipi_wait_ps += engine_other_skips(cpu) - before;
}
