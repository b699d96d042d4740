/*
 * machine_series.c - see machine_series.h.
 *
 * All columns but the time are sums since the start over all CPUs, so a figure of an interval is
 * the difference of two rows, and rows can be left out. Time and counters are those of the
 * operations that began before the sample: a CPU that waits for a lock at that moment has its wait
 * counted when it is over.
 */
#include "sim/machine_series.h"

#include <string.h>

#include "kern/bug.h"
#include "sim/csv_row.h"
#include "sim/memory_figures.h"

/* Time, levels of caches, last_columns, cycles, waits. */
#define COLUMNS_MAX (1 + 2 * HW_CACHES + 13 + CYCLE_PARTS + 2)

static const char *const last_columns =
	",dram_local_count,dram_remote_count,transfers_cache_count,transfers_node_count,"
	"transfers_remote_count,upgrades_count,invalidated_count,writebacks_count,"
	"translations_count,tlb1_hits_count,tlb2_hits_count,walks_count,walk_refs_count";

void machine_series_init(struct machine_series *s, struct engine *engine,
			 const struct memory *memory, unsigned cpus_count, unsigned levels_count,
			 FILE *out)
{
	*s = (struct machine_series){
		.engine = engine,
		.memory = memory,
		.cpus_count = cpus_count,
		.levels_count = levels_count,
		.out = out,
	};
	fprintf(out, "time_ns");
	for (unsigned i = 1; i <= levels_count; i++)
		fprintf(out, ",cache%u_accesses_count,cache%u_misses_count", i, i);
	fputs(last_columns, out);
	for (unsigned i = 0; i < CYCLE_PARTS; i++)
		fprintf(out, ",%s_cycles", cycle_parts[i].name);
	fprintf(out, ",lock_wait_ns,ipi_wait_ns\n");
}

static char *put_memory(char *p, const struct memory_stats *m, unsigned levels_count)
{
	const uint64_t last[] = {
		m->dram_local_count,   m->dram_remote_count,  m->transfers_count[0],
		m->transfers_count[1], m->transfers_count[2], m->upgrades_count,
		m->invalidated_count,  m->writebacks_count,   m->translations_count,
		m->tlb_hits_count[0],  m->tlb_hits_count[1],  m->walks_count,
		m->walk_refs_count,
	};
	for (unsigned i = 0; i < levels_count; i++) {
		p = csv_put_column(p, memory_stats_accesses(m, i));
		p = csv_put_column(p, memory_stats_misses(m, i));
	}
	for (size_t i = 0; i < ARRAY_SIZE(last); i++)
		p = csv_put_column(p, last[i]);
	return p;
}

void machine_series_sample(const struct machine_series *s, ps_t now_ps)
{
	struct cycle_account cycles = {.charged_cycles = 0}, c;
	struct memory_stats memory = {.accesses_count = 0}, m;
	char row[COLUMNS_MAX * CSV_NUMBER_MAX + 1];
	for (unsigned cpu = 0; cpu < s->cpus_count; cpu++) {
		cycles_of_cpu(&c, engine_cpu(s->engine, cpu));
		cycles_add(&cycles, &c);
		memory_stats(s->memory, cpu, &m);
		memory_stats_add(&memory, &m);
	}
	char *p = csv_put_u64(row, now_ps / PS_PER_NS);
	p = put_memory(p, &memory, s->levels_count);
	for (unsigned i = 0; i < CYCLE_PARTS; i++)
		p = csv_put_column(p, cycles.cycles[cycle_parts[i].part]);
	p = csv_put_column(p, cycles.lock_wait_ps / PS_PER_NS);
	p = csv_put_column(p, cycles.ipi_wait_ps / PS_PER_NS);
	*p++ = '\n';
	fwrite(row, 1, (size_t)(p - row), s->out);
}
