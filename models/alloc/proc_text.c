/*
 * proc_text.c - see proc_text.h. Formats of Linux 6.18, mm/vmstat.c.
 */
#include "alloc/proc_text.h"

void proc_buddyinfo(struct page_allocator *pa, FILE *out)
{
	for (unsigned i = 0; i < pa->pm->zones_count; i++) {
		const struct zone *z = &pa->pm->zones[i];
		if (!z->managed_pages)
			continue;
		struct page_zone_stats s;
		pa->ops->zone_stats(pa, i, &s);
		fprintf(out, "Node %u, zone %8s ", z->nid, z->name);
		for (unsigned o = 0; o <= pa->pm->max_order; o++) {
			uint64_t blocks = 0;
			for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
				blocks += s.free_blocks[o][mt];
			fprintf(out, "%6llu ", (unsigned long long)blocks);
		}
		fputc('\n', out);
	}
}

static void print_free_counts(struct page_allocator *pa, FILE *out)
{
	fprintf(out, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned o = 0; o <= pa->pm->max_order; o++)
		fprintf(out, "%6u ", o);
	fputc('\n', out);
	for (unsigned i = 0; i < pa->pm->zones_count; i++) {
		const struct zone *z = &pa->pm->zones[i];
		if (!z->managed_pages)
			continue;
		struct page_zone_stats s;
		pa->ops->zone_stats(pa, i, &s);
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
			fprintf(out, "Node %4u, zone %8s, type %12s ", z->nid, z->name,
				migratetype_names[mt]);
			for (unsigned o = 0; o <= pa->pm->max_order; o++) {
				bool many = s.free_blocks[o][mt] > 100000;
				fprintf(out, "%s%6llu ", many ? ">" : "",
					many ? 100000ull
					     : (unsigned long long)s.free_blocks[o][mt]);
			}
			fputc('\n', out);
		}
	}
}

static void print_pageblocks(const struct physmem *pm, FILE *out)
{
	fprintf(out, "\n%-23s", "Number of blocks type ");
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
		fprintf(out, "%12s ", migratetype_names[mt]);
	fputc('\n', out);
	for (unsigned i = 0; i < pm->zones_count; i++) {
		const struct zone *z = &pm->zones[i];
		uint64_t blocks[MIGRATE_TYPES];
		if (!z->managed_pages)
			continue;
		zone_pageblocks(pm, z, blocks);
		fprintf(out, "Node %u, zone %8s ", z->nid, z->name);
		for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++)
			fprintf(out, "%12llu ", (unsigned long long)blocks[mt]);
		fputc('\n', out);
	}
}

void proc_pagetypeinfo(struct page_allocator *pa, FILE *out)
{
	fprintf(out, "Page block order: %u\n", pa->pm->pageblock_order);
	fprintf(out, "Pages per block:  %llu\n\n", (unsigned long long)pageblock_pages(pa->pm));
	print_free_counts(pa, out);
	print_pageblocks(pa->pm, out);
}

static void print_pagesets(struct page_allocator *pa, unsigned zone, unsigned cpus_count, FILE *out)
{
	fprintf(out, "  pagesets\n");
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		struct page_pcp_stats s;
		if (!pa->ops->pcp_stats(pa, zone, cpu, &s))
			continue;
		fprintf(out, "    cpu: %u\n", cpu);
		fprintf(out, "              count:    %llu\n", (unsigned long long)s.count_pages);
		fprintf(out, "              high:     %llu\n", (unsigned long long)s.high_pages);
		fprintf(out, "              batch:    %llu\n", (unsigned long long)s.batch_pages);
		fprintf(out, "              high_min: %llu\n",
			(unsigned long long)s.high_min_pages);
		fprintf(out, "              high_max: %llu\n",
			(unsigned long long)s.high_max_pages);
	}
}

void proc_zoneinfo(struct page_allocator *pa, unsigned cpus_count, FILE *out)
{
	for (unsigned i = 0; i < pa->pm->zones_count; i++) {
		const struct zone *z = &pa->pm->zones[i];
		const struct {
			const char *name;
			uint64_t value;
		} rows[] = {
			{"boost", z->watermark_boost_pages},
			{"min", z->watermark_pages[WMARK_MIN]},
			{"low", z->watermark_pages[WMARK_LOW]},
			{"high", z->watermark_pages[WMARK_HIGH]},
			{"promo", z->watermark_pages[WMARK_PROMO]},
			{"spanned", z->end_pfn - z->start_pfn},
			{"present", z->present_pages},
			{"managed", z->managed_pages},
		};
		fprintf(out, "Node %u, zone %8s\n", z->nid, z->name);
		fprintf(out, "  pages free     %llu\n", (unsigned long long)z->free_pages);
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			fprintf(out, "        %-8s %llu\n", rows[k].name,
				(unsigned long long)rows[k].value);
		fprintf(out, "        protection: (");
		for (unsigned t = 0; t < ZONE_TYPES; t++)
			fprintf(out, "%s%llu", t ? ", " : "",
				(unsigned long long)z->lowmem_reserve_pages[t]);
		fprintf(out, ")\n");
		if (!z->managed_pages)
			continue;
		fprintf(out, "      nr_free_pages %llu\n", (unsigned long long)z->free_pages);
		print_pagesets(pa, i, cpus_count, out);
		fprintf(out, "  start_pfn:           %llu\n", (unsigned long long)z->start_pfn);
		fprintf(out, "  reserved_highatomic: %llu\n",
			(unsigned long long)z->reserved_highatomic_pages);
	}
}

void proc_numastat(struct page_allocator *pa, FILE *out)
{
	unsigned nodes = pa->pm->nodes_count;
	struct page_node_stats stats;
	if (!pa->ops->numastat)
		return;
	fprintf(out, "%16s", "");
	for (unsigned nid = 0; nid < nodes; nid++) {
		char name[16];
		snprintf(name, sizeof(name), "node%u", nid);
		fprintf(out, "%16s", name);
	}
	putc('\n', out);
	for (unsigned i = 0; i < NUMA_ITEMS; i++) {
		fprintf(out, "%-16s", numa_item_names[i]);
		for (unsigned nid = 0; nid < nodes; nid++) {
			numastat_sum(pa->ops->numastat(pa), nid, &stats);
			fprintf(out, "%16llu", (unsigned long long)stats.counts[i]);
		}
		putc('\n', out);
	}
}
