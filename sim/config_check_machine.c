/*
 * config_check_machine.c - the section `machine`: memory, and hardware that could not exist.
 *
 * Memory is a layout or a list of zones. Hardware is checked level by level, each against the one
 * before: a wrong number is reported at the key that a user would change, with what would be right.
 *
 *   size 32KiB, line 64B, ways 8    512 lines, 64 sets: fine
 *   size 32KiB, line 64B, ways 7    512 lines don't divide by 7
 *   size 48KiB, line 64B, ways 8    96 sets: no power of two, so address bits can't choose one
 *
 * The words `full` become numbers here, once all keys are known.
 *
 * CPUs and nodes are those of the recorded state if there is one, which is not read yet: then what
 * depends on them is left to config_take_recorded().
 */
#include <string.h>

#include "kern/physmem.h"
#include "sim/config_impl.h"

#define GIB (UINT64_C(1) << 30)
#define MEMORY_END_BYTES (PFN_END_LIMIT << PAGE_SHIFT)

#define FAIL(ld, path, ...) diag_key(ld, ERR_CONFIG, path, __VA_ARGS__)

typedef unsigned long long ull;

static bool is_given(const struct loader *ld, const char *path)
{
	return place_find(ld, path) != NULL;
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool is_page_aligned(uint64_t bytes)
{
	return bytes % PAGE_BYTES == 0;
}

static void check_layout(struct loader *ld, const struct config_machine *m)
{
	/* Memory that does not fit below the hole continues behind it. */
	uint64_t hole = m->layout == LAYOUT_X86_64 && m->memory_bytes > 3 * GIB ? GIB : 0;
	if (!is_page_aligned(m->memory_bytes))
		FAIL(ld, "machine.memory", "is not a multiple of the page size, 4KiB");
	if (m->memory_bytes + hole > MEMORY_END_BYTES)
		FAIL(ld, "machine.memory", "ends above the highest address, 1 MiB below 16TiB%s",
		     hole ? ", with the hole of 1GiB that x86_64 has" : "");
	if (m->memory_bytes / m->nodes < 4 << 20)
		FAIL(ld, "machine.nodes", "leaves less than 4MiB of machine.memory for each node");
	if (m->layout == LAYOUT_X86_32 && m->memory_bytes > 64 * GIB)
		FAIL(ld, "machine.memory", "is more than the 64GiB that x86_32 can address");
	if (m->layout == LAYOUT_X86_32 && m->nodes > 1)
		FAIL(ld, "machine.nodes", "must be 1 with layout x86_32");
	if (!is_page_aligned(m->movable_bytes))
		FAIL(ld, "machine.movable", "is not a multiple of the page size, 4KiB");
	if (m->movable_bytes >= m->memory_bytes)
		FAIL(ld, "machine.movable", "leaves nothing of machine.memory for the kernel");
	if (m->min_free_kbytes != CONFIG_AUTO && m->min_free_kbytes > m->memory_bytes / 1024 / 2)
		FAIL(ld, "machine.min_free_kbytes", "is more than half of machine.memory");
}

static void zone_path(char path[PATH_SIZE], unsigned index, const char *key)
{
	snprintf(path, PATH_SIZE, "machine.zones[%u]%s%s", index, *key ? "." : "", key);
}

static uint64_t zone_end(const struct config_zone *z)
{
	return z->start_bytes + z->size_bytes;
}

static void check_zone(struct loader *ld, const struct config_zone *z, unsigned index)
{
	char path[PATH_SIZE];
	zone_path(path, index, "start");
	if (!is_page_aligned(z->start_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	zone_path(path, index, "size");
	if (!is_page_aligned(z->size_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	if (zone_end(z) > MEMORY_END_BYTES)
		FAIL(ld, path, "ends above the highest address, 1 MiB below 16TiB");
	zone_path(path, index, "managed");
	if (z->managed_bytes == CONFIG_AUTO)
		return;
	if (!is_page_aligned(z->managed_bytes))
		FAIL(ld, path, "is not a multiple of the page size, 4KiB");
	if (z->managed_bytes > z->size_bytes)
		FAIL(ld, path, "is more than the size of the zone");
}

/* Zone @later against @earlier of the list. */
static void check_zone_pair(struct loader *ld, const struct config_machine *m, unsigned earlier,
			    unsigned later)
{
	const struct config_zone *a = &m->zones[earlier], *b = &m->zones[later];
	char path[PATH_SIZE];
	bool overlap = a->start_bytes < zone_end(b) && b->start_bytes < zone_end(a);
	zone_path(path, later, "start");
	if (overlap)
		FAIL(ld, path, "overlaps machine.zones[%u]", earlier);
	if (a->node != b->node)
		return;
	if (!overlap && a->type < b->type && a->start_bytes > b->start_bytes)
		FAIL(ld, path, "lies below machine.zones[%u], which is of a lower type", earlier);
	zone_path(path, later, "type");
	if (a->type == b->type)
		FAIL(ld, path, "is the second zone of its type on node %llu",
		     (unsigned long long)b->node);
	else if (a->type > b->type)
		FAIL(ld, path, "must be higher than that of machine.zones[%u] on the same node "
		     "(ascending: DMA, DMA32, Normal, HighMem, Movable)", earlier);
}

/* Nodes are numbered without holes, and there are as many as machine.nodes says if it does. */
static void check_zone_nodes(struct loader *ld, struct config_machine *m)
{
	char path[PATH_SIZE];
	uint64_t used = 0, nodes = 0;
	for (unsigned i = 0; i < m->zones_count; i++) {
		used |= UINT64_C(1) << m->zones[i].node;
		nodes = u64_max(nodes, m->zones[i].node + 1);
	}
	for (unsigned i = 0; i < m->zones_count; i++) {
		uint64_t node = m->zones[i].node;
		if (node > 0 && !(used >> (node - 1) & 1)) {
			zone_path(path, i, "node");
			FAIL(ld, path, "is %llu but there is no node %llu: numbers have no holes",
			     (unsigned long long)node, (unsigned long long)node - 1);
			return;
		}
	}
	if (is_given(ld, "machine.nodes") && m->nodes != nodes)
		FAIL(ld, "machine.nodes", "is %llu but machine.zones has %llu",
		     (unsigned long long)m->nodes, (unsigned long long)nodes);
	m->nodes = nodes;
}

/*
 * A layout and a list of zones are two ways to say the same: the one that was given later holds, so
 * that `--set machine.memory=1TiB` does what it says to a machine described by zones. In one file
 * only one of them may stand.
 */
static void choose_geometry(struct loader *ld, struct config_machine *m)
{
	static const char *const layout_keys[] = {"machine.memory", "machine.layout",
						  "machine.movable"};
	const struct config_pos *zones = place_find(ld, "machine.zones");
	bool newer = false;
	for (size_t i = 0; i < ARRAY_SIZE(layout_keys); i++) {
		const struct config_pos *pos = place_find(ld, layout_keys[i]);
		if (pos && zones && pos->source == zones->source)
			FAIL(ld, layout_keys[i], "stands beside machine.zones, which replaces it");
		else if (pos && (!zones || pos > zones)) /* places are in the order of giving */
			newer = true;
	}
	if (newer)
		m->zones_count = 0;
	else if (zones)
		m->movable_bytes = 0;
}

static void check_zones(struct loader *ld, struct config_machine *m)
{
	choose_geometry(ld, m);
	if (!m->zones_count) {
		check_layout(ld, m);
		return;
	}
	for (unsigned i = 0; i < m->zones_count; i++) {
		check_zone(ld, &m->zones[i], i);
		for (unsigned j = 0; j < i; j++)
			check_zone_pair(ld, m, j, i);
	}
	check_zone_nodes(ld, m);
}

/* --- caches ----------------------------------------------------------------------------------- */

static char *cache_path(char path[PATH_SIZE], unsigned index, const char *key)
{
	snprintf(path, PATH_SIZE, "machine.caches[%u].%s", index, key);
	return path;
}

/* @count lines or entries in sets of @ways; what is wrong is reported at @path. */
static void check_sets(struct loader *ld, const char *path, const char *what, uint64_t count,
		       uint64_t ways)
{
	if (ways > count || count % ways)
		FAIL(ld, path, "%llu %s don't divide into sets of %llu (legal range: divisors of "
		     "%llu, or full)", (ull)count, what, (ull)ways, (ull)count);
	else if (!is_power_of_two(count / ways))
		FAIL(ld, path, "%llu %s in sets of %llu make %llu sets, which is no power of two",
		     (ull)count, what, (ull)ways, (ull)(count / ways));
}

static void check_cache_geometry(struct loader *ld, struct hw_cache *c, unsigned index)
{
	char path[PATH_SIZE];
	if (!is_power_of_two(c->line_bytes)) {
		FAIL(ld, cache_path(path, index, "line"),
		     "%lluB is no power of two (legal range: 16B..256B)", (ull)c->line_bytes);
		return;
	}
	if (c->size_bytes % c->line_bytes) {
		FAIL(ld, cache_path(path, index, "size"), "is not a multiple of the line, %lluB",
		     (ull)c->line_bytes);
		return;
	}
	if (c->ways == CONFIG_AUTO)
		c->ways = c->size_bytes / c->line_bytes;
	check_sets(ld, cache_path(path, index, "ways"), "lines", c->size_bytes / c->line_bytes,
		   c->ways);
	if (c->replacement == HW_PLRU && !is_power_of_two(c->ways))
		FAIL(ld, cache_path(path, index, "replacement"),
		     "plru needs a power of two of ways, not %llu (legal range: lru, or other "
		     "ways)", (ull)c->ways);
}

/* An inclusive level has room for all that the instances of level @inner below one of it hold. */
static void check_inclusion(struct loader *ld, const struct hw_machine *hw, unsigned outer,
			    unsigned inner)
{
	const struct hw_cache *o = &hw->caches[outer], *i = &hw->caches[inner];
	uint64_t held_bytes = o->shared_by / i->shared_by * i->size_bytes;
	char path[PATH_SIZE], size[UNITS_TEXT];
	if (o->inclusive && o->size_bytes < held_bytes)
		FAIL(ld, cache_path(path, outer, "size"),
		     "is smaller than what it includes: %llu x %s (legal range: at least %s, or "
		     "inclusive: false)", (ull)(o->shared_by / i->shared_by), i->name,
		     units_format_u64(UNIT_BYTES, held_bytes, size));
}

static void check_cache_pair(struct loader *ld, const struct hw_machine *hw, unsigned index)
{
	const struct hw_cache *c = &hw->caches[index], *before = c - 1;
	char path[PATH_SIZE];
	if (c->line_bytes != before->line_bytes && is_power_of_two(before->line_bytes))
		FAIL(ld, cache_path(path, index, "line"),
		     "is %lluB but that of machine.caches[%u] is %lluB: all levels have one size",
		     (ull)c->line_bytes, index - 1, (ull)before->line_bytes);
	if (c->latency_cycles <= before->latency_cycles)
		FAIL(ld, cache_path(path, index, "latency_cycles"),
		     "is %llu but that of machine.caches[%u], which is nearer, is %llu (legal "
		     "range: above %llu)", (ull)c->latency_cycles, index - 1,
		     (ull)before->latency_cycles, (ull)before->latency_cycles);
	if (c->shared_by % before->shared_by) {
		FAIL(ld, cache_path(path, index, "shared_by"),
		     "is %llu but machine.caches[%u] is shared by %llu: its CPUs would be split "
		     "(legal range: multiples of %llu)", (ull)c->shared_by, index - 1,
		     (ull)before->shared_by, (ull)before->shared_by);
		return;
	}
	for (unsigned inner = 0; inner < index; inner++)
		check_inclusion(ld, hw, index, inner);
}

static void check_caches(struct loader *ld, struct hw_machine *hw)
{
	char path[PATH_SIZE];
	for (unsigned i = 0; i < hw->caches_count; i++) {
		check_cache_geometry(ld, &hw->caches[i], i);
		if (i)
			check_cache_pair(ld, hw, i);
		cache_path(path, i, "name");
		if (strpbrk(hw->caches[i].name, " \t,"))
			FAIL(ld, path, "has blanks or commas, which separate columns of tables");
		for (unsigned k = 0; k < i; k++) {
			if (strcmp(hw->caches[k].name, hw->caches[i].name) == 0)
				FAIL(ld, path, "is already the name of machine.caches[%u]", k);
		}
	}
}

/* --- TLBs ------------------------------------------------------------------------------------- */

static const char *const page_names[HW_PAGES] = {"4KiB", "2MiB", "1GiB"};

/* Sizes of pages that level 1 has to hold, each with who needs it. */
static void check_pages(struct loader *ld, const struct hw_machine *hw, uint64_t level1_pages)
{
	const struct {
		enum hw_page page;
		const char *key, *user;
	} needs[] = {
		{HW_PAGE_4K, "machine.tlbs", "programs and vmalloc"},
		{HW_PAGE_2M, "machine.tlbs", "the kernel's array of page descriptors"},
		{hw->direct_map_page, "machine.direct_map", "the kernel's map of all memory"},
	};
	uint64_t told = 0;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		uint64_t bit = UINT64_C(1) << needs[i].page;
		if (!((level1_pages | told) & bit))
			FAIL(ld, needs[i].key, "no array of level 1 holds pages of %s, as used by "
			     "%s", page_names[needs[i].page], needs[i].user);
		told |= bit;
	}
}

static void check_tlbs(struct loader *ld, struct hw_machine *hw)
{
	char path[PATH_SIZE];
	uint64_t pages[2] = {0};
	for (unsigned i = 0; i < hw->tlbs_count; i++) {
		struct hw_tlb *t = &hw->tlbs[i];
		if (t->ways == CONFIG_AUTO)
			t->ways = t->entries;
		snprintf(path, sizeof(path), "machine.tlbs[%u].ways", i);
		check_sets(ld, path, "entries", t->entries, t->ways);
		pages[t->level - 1] |= t->pages;
	}
	if (!hw->tlbs_count)
		return;
	if (!hw->caches_count)
		FAIL(ld, "machine.tlbs", "needs machine.caches: without caches no access is "
		     "simulated");
	for (unsigned i = 0; i < hw->tlbs_count; i++) {
		const struct hw_tlb *t = &hw->tlbs[i];
		snprintf(path, sizeof(path), "machine.tlbs[%u].%s", i,
			 pages[0] ? "pages" : "level");
		if (t->level == 2 && !pages[0])
			FAIL(ld, path, "is 2, but no array has level 1");
		else if (t->level == 2 && t->pages & ~pages[0])
			FAIL(ld, path, "has a size of pages that no array of level 1 holds");
	}
	if (pages[0])
		check_pages(ld, hw, pages[0]);
}

/* --- CPUs and nodes --------------------------------------------------------------------------- */

/*
 * Caches are shared by whole groups of a node's CPUs. One that more CPUs would share than a node
 * has is shared by all of the node: a description of many CPUs holds with fewer of them, too. Where
 * nodes have no equal shares of the CPUs, all count as one node's.
 */
static void check_sharing(struct loader *ld, struct config_machine *m)
{
	bool equal = !m->node_cpus_count && m->cpus % m->nodes == 0;
	uint64_t cpus = equal ? m->cpus / m->nodes : m->cpus;
	char path[PATH_SIZE];
	for (unsigned i = 0; i < m->hw.caches_count; i++) {
		struct hw_cache *c = &m->hw.caches[i];
		c->shared_by = u64_min(c->shared_by, cpus);
		if (cpus % c->shared_by)
			FAIL(ld, cache_path(path, i, "shared_by"),
			     "%llu CPUs%s are no whole groups of %llu (legal range: divisors of "
			     "%llu)", (ull)cpus, equal && m->nodes > 1 ? " of a node" : "",
			     (ull)c->shared_by, (ull)cpus);
	}
}

static void check_distances(struct loader *ld, const struct hw_machine *hw, uint64_t nodes)
{
	char path[PATH_SIZE];
	uint64_t rows = machine_matrix_rows(hw->distances);
	if (rows && rows != nodes) {
		FAIL(ld, "machine.distances",
		     "has %llu row%s but the machine has %llu node%s (legal "
		     "range: a row of %llu for each, or [])",
		     (ull)rows, rows == 1 ? "" : "s", (ull)nodes, nodes == 1 ? "" : "s",
		     (ull)nodes);
		return;
	}
	for (uint64_t from = 0; from < rows; from++) {
		for (uint64_t to = 0; to < rows; to++) {
			uint64_t there = hw->distances[from * rows + to];
			uint64_t back = hw->distances[to * rows + from];
			snprintf(path, sizeof(path), "machine.distances[%llu][%llu]", (ull)from,
				 (ull)to);
			if (from == to && there != 10)
				FAIL(ld, path, "is %llu: a node's distance to itself is 10",
				     (ull)there);
			else if (from != to && there <= 10)
				FAIL(ld, path, "is 10: another node is farther (legal range: "
				     "11..254)");
			else if (to < from && there != back)
				FAIL(ld, path, "is %llu but the way back, [%llu][%llu], is %llu",
				     (ull)there, (ull)to, (ull)from, (ull)back);
		}
	}
}

/* Every CPU is in a node, and only CPUs and nodes that there are. */
static void check_node_cpus(struct loader *ld, const struct config_machine *m)
{
	uint64_t cpus = m->cpus, nodes = m->nodes;
	char path[PATH_SIZE];
	if (!m->node_cpus_count)
		return;
	snprintf(path, sizeof(path), "machine.node_cpus[%llu]", (ull)nodes);
	if (m->node_cpus_count > nodes)
		FAIL(ld, path,
		     "there is no node %llu (legal range: a list for each of machine.nodes, "
		     "%llu)",
		     (ull)nodes, (ull)nodes);
	if (m->node_cpus_count < nodes)
		FAIL(ld, "machine.node_cpus",
		     "lacks node %u (legal range: a list for each of "
		     "machine.nodes, %llu, \"\" for one without CPUs)",
		     m->node_cpus_count, (ull)nodes);
	/* The first that is wrong says enough: they come in ranges. */
	for (unsigned cpu = 0; cpu < CPUS_LIMIT; cpu++) {
		unsigned nid = m->cpu_node[cpu];
		if ((cpu < cpus) == (nid != CPU_NO_NODE))
			continue;
		snprintf(path, sizeof(path), "machine.node_cpus[%u]", nid);
		if (cpu < cpus)
			FAIL(ld, "machine.node_cpus", "CPU %u is in no node", cpu);
		else
			FAIL(ld, path, "names CPU %u but there are %llu (legal range: "
			     "0..%llu)", cpu, (ull)cpus, (ull)cpus - 1);
		break;
	}
}

void check_machine_cpus(struct loader *ld, struct config_machine *m)
{
	check_sharing(ld, m);
	check_distances(ld, &m->hw, m->nodes);
	check_node_cpus(ld, m);
}

void check_machine(struct loader *ld, struct config *c)
{
	struct config_machine *m = &c->machine;
	check_zones(ld, m);
	if (!c->truth[0])
		check_machine_cpus(ld, m);
	check_caches(ld, &m->hw);
	check_tlbs(ld, &m->hw);
}
