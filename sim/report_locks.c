/*
 * report_locks.c - see report_locks.h.
 *
 * Derived figures come from Little's law: over a run of T, waits that sum up to W are W / T CPUs
 * that wait, on average. On a spin lock these are CPUs burnt; on a mutex they are sleepers, each
 * with a record of waiter_bytes, and what is burnt is two context switches for each contended
 * acquisition, which the CPUs' cycles hold under their own cause.
 *
 *   16 CPUs, 1000 ns between sections of 200 ns, exponential: W / T = 10.0. Spinning burns 10 of
 *   the 16 CPUs; sleeping costs 640 bytes of waiters (64 each) on average.
 *
 * A wait that never ended, in a deadlock, is in no sum.
 */
#include "sim/report_locks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/json.h"
#include "sim/machine.h"

#define SUMMARY_STUCK_MAX 4
#define SUMMARY_WAITS_MAX 3

static double ns(ps_t ps)
{
	return (double)ps / 1000.0;
}

void lock_report_release(struct lock_report *r)
{
	free(r->locks);
	free(r->stuck);
	memset(r, 0, sizeof(*r));
}

int lock_report_add(struct lock_report *r, const struct env_lock *locks, unsigned count,
		    struct err *err)
{
	if (r->locks_count + count > r->locks_limit) {
		unsigned limit = 2 * (r->locks_count + count);
		struct env_lock *more = realloc(r->locks, limit * sizeof(*more));
		if (!more)
			return err_set(err, ERR_IO, "out of memory for %u locks", limit);
		r->locks = more;
		r->locks_limit = limit;
	}
	if (count)
		memcpy(r->locks + r->locks_count, locks, count * sizeof(*locks));
	r->locks_count += count;
	return 0;
}

int lock_report_add_machine(struct lock_report *r, const struct machine *m, struct err *err)
{
	const struct env_lock *last = NULL;
	for (unsigned i = 0; i < m->pm.zones_count; i++) {
		struct page_zone_stats s;
		m->pa->ops->zone_stats(m->pa, i, &s);
		if (s.lock && lock_report_add(r, s.lock, 1, err) != 0)
			return -1;
	}
	if (!m->objects.oa)
		return 0;
	for (unsigned slot = SLOT_LARGE + 1; slot < m->objects.slots_count; slot++) {
		struct object_cache_stats c;
		object_stack_stats(&m->objects, slot, &c);
		/* Caches of one list share its lock, and stand next to each other. */
		if (!c.lock || c.lock == last || !c.lock->acquired_count)
			continue;
		if (lock_report_add(r, c.lock, 1, err) != 0)
			return -1;
		last = c.lock;
	}
	return 0;
}

int lock_report_engine(struct lock_report *r, struct engine *e, unsigned cpus_count,
		       struct err *err)
{
	memcpy(r->cycle, engine_lock_cycle(e), sizeof(r->cycle));
	if (!engine_deadlock(e, &r->deadlock_at_ps))
		return 0;
	r->stuck = calloc(cpus_count, sizeof(*r->stuck));
	if (!r->stuck)
		return err_set(err, ERR_IO, "out of memory for %u CPUs", cpus_count);
	for (unsigned i = 0; i < cpus_count; i++) {
		const struct engine_cpu *cpu = engine_cpu(e, i);
		struct stuck_cpu *s = &r->stuck[r->stuck_count];
		/* Who has finished and kept a lock is to blame as well. */
		if (cpu->finished && !cpu->env.held_count)
			continue;
		s->cpu = i;
		s->holds_count = cpu->env.held_count;
		for (unsigned k = 0; k < s->holds_count; k++)
			memcpy(s->holds[k], cpu->env.held[k]->name, sizeof(s->holds[k]));
		if (cpu->waits_for)
			memcpy(s->waits_for, cpu->waits_for->name, sizeof(s->waits_for));
		r->stuck_count++;
	}
	return 0;
}

void lock_figures(struct lock_figures *f, const struct lock_report *r, const struct env_lock *lock)
{
	*f = (struct lock_figures){0};
	if (lock->acquired_count)
		f->wait_ns_mean = ns(lock->wait_ps_total) / (double)lock->acquired_count;
	if (r->simulated_ps)
		f->waiting_mean = (double)lock->wait_ps_total / (double)r->simulated_ps;
	if (lock->sleeps) {
		f->waiter_bytes_max = lock->waiting_max * r->waiter_bytes;
		f->waiter_bytes_mean = f->waiting_mean * (double)r->waiter_bytes;
	} else {
		f->spinning_cpus_mean = f->waiting_mean;
	}
}

static void write_lock(struct json *j, const struct lock_report *r, const struct env_lock *lock)
{
	struct lock_figures f;
	lock_figures(&f, r, lock);
	json_object_begin(j, NULL);
	json_string(j, "name", lock->name);
	json_string(j, "kind", lock->sleeps ? "mutex" : lock->unfair ? "spin_unfair" : "spin");
	json_u64(j, "acquired_count", lock->acquired_count);
	json_u64(j, "contended_count", lock->contended_count);
	json_u64(j, "transfers_count", lock->transfers_count);
	json_double(j, "wait_ns_total", ns(lock->wait_ps_total));
	json_double(j, "wait_ns_max", ns(lock->wait_ps_max));
	json_double(j, "wait_ns_mean", f.wait_ns_mean);
	json_double(j, "hold_ns_total", ns(lock->hold_ps_total));
	json_double(j, "hold_ns_max", ns(lock->hold_ps_max));
	json_u64(j, "waiting_max", lock->waiting_max);
	json_double(j, "waiting_mean", f.waiting_mean);
	json_double(j, "spinning_cpus_mean", f.spinning_cpus_mean);
	json_u64(j, "waiter_bytes_max", f.waiter_bytes_max);
	json_double(j, "waiter_bytes_mean", f.waiter_bytes_mean);
	json_object_end(j);
}

static void write_deadlock(struct json *j, const struct lock_report *r)
{
	if (!r->stuck_count) {
		json_null(j, "deadlock");
		return;
	}
	json_object_begin(j, "deadlock");
	json_double(j, "at_ns", ns(r->deadlock_at_ps));
	json_array_begin(j, "cpus");
	for (unsigned i = 0; i < r->stuck_count; i++) {
		const struct stuck_cpu *s = &r->stuck[i];
		json_object_begin(j, NULL);
		json_u64(j, "cpu", s->cpu);
		json_array_begin_compact(j, "holds");
		for (unsigned k = 0; k < s->holds_count; k++)
			json_string(j, NULL, s->holds[k]);
		json_array_end(j);
		if (s->waits_for[0])
			json_string(j, "waits_for", s->waits_for);
		else
			json_null(j, "waits_for");
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

void report_locks(struct json *j, const struct lock_report *r)
{
	json_array_begin(j, "locks");
	for (unsigned i = 0; i < r->locks_count; i++)
		write_lock(j, r, &r->locks[i]);
	json_array_end(j);
	json_object_begin(j, "locking");
	json_u64(j, "sleep_violations_count", r->sleep_violations_count);
	json_u64(j, "deadlocked_cpus_count", r->stuck_count);
	write_deadlock(j, r);
	if (r->cycle[0])
		json_string(j, "order_cycle", r->cycle);
	else
		json_null(j, "order_cycle");
	json_object_end(j);
}

void summary_locks(const struct lock_report *r, FILE *out)
{
	if (r->stuck_count)
		fprintf(out, "DEADLOCK      at %.3f us, %u CPUs:", (double)r->deadlock_at_ps / 1e6,
			r->stuck_count);
	for (unsigned i = 0; i < r->stuck_count && i < SUMMARY_STUCK_MAX; i++) {
		const struct stuck_cpu *s = &r->stuck[i];
		fprintf(out, "%s CPU %u ", i ? ";" : "", s->cpu);
		for (unsigned k = 0; k < s->holds_count; k++)
			fprintf(out, "%s%s", k ? ", " : "holds ", s->holds[k]);
		if (s->waits_for[0])
			fprintf(out, "%swaits for %s", s->holds_count ? ", " : "", s->waits_for);
		else if (!s->holds_count)
			fputs("waits for them", out);
	}
	if (r->stuck_count > SUMMARY_STUCK_MAX)
		fprintf(out, "; and %u more", r->stuck_count - SUMMARY_STUCK_MAX);
	if (r->stuck_count)
		fputs("\n              what they had still to do was not done\n", out);
	if (r->cycle[0])
		fprintf(out, "lock order    can deadlock: %s\n", r->cycle);
}

void summary_waits(const struct lock_report *r, unsigned skip, FILE *out)
{
	const struct env_lock *rows[SUMMARY_WAITS_MAX + 1];
	unsigned count = 0, waited = 0;
	for (unsigned i = skip; i < r->locks_count; i++) {
		const struct env_lock *lock = &r->locks[i];
		if (!lock->contended_count)
			continue;
		waited++;
		unsigned at = count;
		for (; at && rows[at - 1]->wait_ps_total < lock->wait_ps_total; at--)
			rows[at] = rows[at - 1];
		rows[at] = lock;
		count += count < SUMMARY_WAITS_MAX;
	}
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s%s taken %" PRIu64 " times, %" PRIu64 " contended, %.1f us waited",
			i ? "; " : "other locks   ", rows[i]->name, rows[i]->acquired_count,
			rows[i]->contended_count, (double)rows[i]->wait_ps_total / 1e6);
	if (waited > count)
		fprintf(out, "; and %u more", waited - count);
	if (waited)
		fputc('\n', out);
}
