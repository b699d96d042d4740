/*
 * sampler.c - see sampler.h.
 *
 * The sampler is a daemon of the engine. A CPU joins before any operation that starts at or after
 * the next sample's time, so when the sampler runs, every operation that started earlier has been
 * carried out and none that starts later: the row is the same however far CPUs run ahead in
 * between.
 *
 * Rows are built with integer arithmetic in one buffer: a run may take thousands of samples of two
 * hundred columns, and stdio's formatting would be most of its time.
 */
#include "sim/sampler.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"
#include "sim/csv_row.h"

/* Column names of a zone: "normal", or "node1_normal" beyond node 0. */
static void zone_prefix(const struct zone *z, char *buf, size_t size)
{
	char name[ZONE_NAME_SIZE];
	size_t i = 0;
	for (; z->name[i]; i++)
		name[i] = (char)tolower((unsigned char)z->name[i]);
	name[i] = '\0';
	if (z->nid)
		snprintf(buf, size, "node%u_%s", z->nid, name);
	else
		snprintf(buf, size, "%s", name);
}

static void write_zone_header(FILE *out, const struct zone *z, unsigned max_order)
{
	char prefix[24];
	zone_prefix(z, prefix, sizeof(prefix));
	fprintf(out, ",%s_free_pages", prefix);
	for (unsigned o = 0; o <= max_order; o++)
		fprintf(out, ",%s_order%u_blocks", prefix, o);
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		char type[16];
		size_t i = 0;
		for (; migratetype_names[mt][i]; i++)
			type[i] = (char)tolower((unsigned char)migratetype_names[mt][i]);
		type[i] = '\0';
		for (unsigned o = 0; o <= max_order; o++)
			fprintf(out, ",%s_%s_order%u_blocks", prefix, type, o);
	}
}

/* Column names of objects: "objects_held_bytes". */
static void write_object_header(const struct sampler *s)
{
	fprintf(s->out, ",objects_live_count,objects_requested_bytes,objects_given_bytes,"
			"objects_held_bytes");
	for (unsigned i = 0; i < OBJECT_WASTES; i++)
		fprintf(s->out, ",objects_%s_bytes", object_waste_names[i]);
	fprintf(s->out, ",objects_large_bytes,objects_large_requested_bytes,"
			"objects_allocs_count,objects_frees_count,"
			"objects_failed_count");
}

/* The columns of caches.csv; a separator of cells can't be part of a name. */
static void write_caches_header(const struct sampler *s)
{
	const struct object_stack *stack = s->replay->stack;
	char name[CACHE_NAME_SIZE];
	fprintf(s->caches, "time_ns");
	for (unsigned slot = 0; slot < stack->slots_count; slot++) {
		object_stack_slot_name(stack, slot, name);
		for (char *p = name; *p; p++)
			*p = *p == ',' || *p == '"' || iscntrl((unsigned char)*p) ? '_' : *p;
		fprintf(s->caches, ",%s_held_bytes", name);
	}
	fputc('\n', s->caches);
}

static void write_header(const struct sampler *s)
{
	const struct physmem *pm = s->replay->pa->pm;
	fprintf(s->out, "time_ns");
	for (unsigned i = 0; i < pm->zones_count; i++) {
		if (pm->zones[i].managed_pages)
			write_zone_header(s->out, &pm->zones[i], pm->max_order);
	}
	for (unsigned o = 0; o <= pm->max_order; o++)
		fprintf(s->out, ",order%u_unusable_index", o);
	for (unsigned o = 0; o <= pm->max_order; o++)
		fprintf(s->out, ",order%u_extfrag_index", o);
	fprintf(s->out, ",largest_free_order,pcp_pages");
	for (unsigned cpu = 0; cpu < s->cpus_count; cpu++)
		fprintf(s->out, ",cpu%u_pcp_pages", cpu);
	fprintf(s->out, ",ops_count,failed_count,splits_count,merges_count,fallbacks_count,"
			"refills_count,drains_count,zone_lock_wait_ns,workload_pages");
	if (s->replay->stack)
		write_object_header(s);
	fputc('\n', s->out);
}

int sampler_init(struct sampler *s, struct replay *replay, unsigned cpus_count, ps_t interval_ps,
		 FILE *out, FILE *caches)
{
	const struct physmem *pm = replay->pa->pm;
	memset(s, 0, sizeof(*s));
	s->replay = replay;
	s->cpus_count = cpus_count;
	s->interval_ps = interval_ps;
	s->last_ps = UINT64_MAX;
	s->out = out;
	s->caches = caches;
	size_t columns = 64 + cpus_count + 2u * (pm->max_order + 1) +
			 (size_t)pm->zones_count * (pm->max_order + 1) * (MIGRATE_TYPES + 2);
	if (caches)
		columns = u64_max(columns, replay->stack->slots_count + 1);
	s->row_size = columns * 24;
	s->row = malloc(s->row_size);
	if (!s->row)
		return -1;
	replay->next_sample_ps = interval_ps ? 0 : UINT64_MAX;
	if (out)
		write_header(s);
	if (caches)
		write_caches_header(s);
	return 0;
}

void sampler_release(struct sampler *s)
{
	free(s->row);
	s->row = NULL;
}

/* --- a row ------------------------------------------------------------------------------------ */

/* @v units of 10^-@digits. */
static char *put_fixed(char *p, int64_t v, unsigned digits)
{
	uint64_t scale = 1, size = (uint64_t)(v < 0 ? -v : v);
	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	*p++ = ',';
	if (v < 0)
		*p++ = '-';
	p = csv_put_u64(p, size / scale);
	if (!(size %= scale))
		return p;
	*p++ = '.';
	while (size) {
		scale /= 10;
		*p++ = (char)('0' + size / scale);
		size %= scale;
	}
	return p;
}

struct sums {
	struct free_counts all;
	uint64_t splits, merges, fallbacks, refills, drains, pcp_pages;
	ps_t lock_wait_ps;
};

static char *put_zone(char *p, struct page_allocator *pa, unsigned i, struct sums *sums)
{
	struct page_zone_stats z;
	struct free_counts f = {.max_order = pa->pm->max_order};
	pa->ops->zone_stats(pa, i, &z);
	sums->splits += z.splits_count;
	sums->merges += z.merges_count;
	sums->fallbacks += z.claims_count + z.steals_count;
	sums->lock_wait_ps += z.lock ? z.lock->wait_ps_total : 0;
	if (!pa->pm->zones[i].managed_pages)
		return p;
	for (unsigned o = 0; o <= f.max_order; o++) {
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			f.blocks[o] += z.free_blocks[o][mt];
	}
	p = csv_put_column(p, free_counts_pages(&f));
	for (unsigned o = 0; o <= f.max_order; o++)
		p = csv_put_column(p, f.blocks[o]);
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		for (unsigned o = 0; o <= f.max_order; o++)
			p = csv_put_column(p, z.free_blocks[o][mt]);
	}
	free_counts_add(&sums->all, &f);
	return p;
}

static char *put_pcps(char *p, struct page_allocator *pa, unsigned cpus_count, struct sums *sums)
{
	uint64_t by_cpu[CPUS_LIMIT];
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		by_cpu[cpu] = 0;
		for (unsigned i = 0; i < pa->pm->zones_count; i++) {
			struct page_pcp_stats c;
			if (!pa->ops->pcp_stats || !pa->ops->pcp_stats(pa, i, cpu, &c))
				continue;
			by_cpu[cpu] += c.count_pages;
			sums->refills += c.refills_count;
			sums->drains += c.drains_count;
		}
		sums->pcp_pages += by_cpu[cpu];
	}
	p = csv_put_column(p, sums->pcp_pages);
	for (unsigned cpu = 0; cpu < cpus_count; cpu++)
		p = csv_put_column(p, by_cpu[cpu]);
	return p;
}

static void write_row(const struct sampler *s, char *end, FILE *out)
{
	*end++ = '\n';
	BUG_ON((size_t)(end - s->row) > s->row_size, "a series row of %zu bytes",
	       (size_t)(end - s->row));
	fwrite(s->row, 1, (size_t)(end - s->row), out);
}

static char *put_objects(char *p, const struct sampler *s, const struct object_bytes *sum)
{
	const struct object_stack *stack = s->replay->stack;
	const struct metrics *m = s->replay->metrics;
	const uint64_t first[] = {sum->live_count, sum->requested_bytes, sum->given_bytes,
				  sum->held_bytes};
	const uint64_t last[] = {stack->km.large_live_pages * PAGE_BYTES,
				 stack->slots[SLOT_LARGE].live_requested_bytes,
				 m->object_allocs_count, m->object_frees_count,
				 m->object_failed_count};
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		p = csv_put_column(p, first[i]);
	for (unsigned i = 0; i < OBJECT_WASTES; i++)
		p = csv_put_column(p, sum->waste_bytes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(last); i++)
		p = csv_put_column(p, last[i]);
	return p;
}

/* Sum up what objects hold, and write what each cache does. */
static void sample_caches(struct sampler *s, ps_t now_ps, struct object_bytes *sum)
{
	const struct object_stack *stack = s->replay->stack;
	char *p = csv_put_u64(s->row, now_ps / PS_PER_NS);
	struct object_bytes b;
	memset(sum, 0, sizeof(*sum));
	for (unsigned slot = 0; slot < stack->slots_count; slot++) {
		object_bytes_of_slot(stack, slot, &b);
		object_bytes_add(sum, &b);
		if (s->caches)
			p = csv_put_column(p, b.held_bytes);
	}
	if (s->caches)
		write_row(s, p, s->caches);
	if (sum->held_bytes > s->objects_peak.held_bytes) {
		s->objects_peak = *sum;
		s->objects_peak_ps = now_ps;
	}
}

void sampler_sample(struct sampler *s, ps_t now_ps)
{
	struct page_allocator *pa = s->replay->pa;
	struct sums sums = {.all.max_order = pa->pm->max_order};
	const struct metrics *m = s->replay->metrics;
	s->rows_count++;
	s->last_ps = now_ps;
	struct object_bytes objects;
	if (s->replay->stack)
		sample_caches(s, now_ps, &objects);
	if (s->machine)
		machine_series_sample(s->machine, now_ps);
	if (!s->out)
		return;
	char *p = csv_put_u64(s->row, now_ps / PS_PER_NS);
	for (unsigned i = 0; i < pa->pm->zones_count; i++)
		p = put_zone(p, pa, i, &sums);
	for (unsigned o = 0; o <= pa->pm->max_order; o++)
		p = put_fixed(p, (int64_t)unusable_index_millionths(&sums.all, o), 6);
	for (unsigned o = 0; o <= pa->pm->max_order; o++)
		p = put_fixed(p, extfrag_index_thousandths(&sums.all, o), 3);
	p = put_fixed(p, largest_free_order(&sums.all), 0);
	p = put_pcps(p, pa, s->cpus_count, &sums);
	const uint64_t last[] = {m->ops_count,   m->failed_count, sums.splits, sums.merges,
				 sums.fallbacks, sums.refills,    sums.drains,
				 sums.lock_wait_ps / PS_PER_NS, m->held_pages};
	for (size_t i = 0; i < ARRAY_SIZE(last); i++)
		p = csv_put_column(p, last[i]);
	if (s->replay->stack)
		p = put_objects(p, s, &objects);
	write_row(s, p, s->out);
}

static void sampler_main(struct engine_cpu *cpu, void *arg)
{
	struct sampler *s = arg;
	for (ps_t at = 0;; at += s->interval_ps) {
		engine_idle_until(cpu, at);
		s->replay->next_sample_ps = at;
		engine_join(cpu);
		if (!engine_any_active(s->replay->engine))
			return;
		sampler_sample(s, at);
		if (s->on_sample)
			s->on_sample(s->arg, at);
		s->replay->next_sample_ps = at + s->interval_ps;
	}
}

void sampler_start(struct sampler *s)
{
	if (s->interval_ps)
		engine_add_daemon(s->replay->engine, "sampler", sampler_main, s);
}
