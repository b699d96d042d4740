/*
 * op_script.c - see op_script.h.
 *
 * A script is read word by word with a cursor; the first character of a word picks its function
 * from a table. After each word the allocator's own check runs.
 */
#include "alloc/op_script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

static const char type_letters[MIGRATE_TYPES + 1] = "umrHi";

#define X(id, name, cycles, meaning) [COST_##id] = (cycles),
static const uint32_t default_costs[COST_KINDS] = {COST_LIST(X)};
#undef X

/* --- the machine ------------------------------------------------------------------------------ */

static void init_physmem(struct physmem *pm, const struct op_params *p)
{
	const struct zone_span one = {
		.type = ZONE_NORMAL,
		.end_pfn = p->zone_pages,
		.managed_pages = p->zone_pages,
	};
	const struct physmem_params params = {
		.spans = p->spans ? p->spans : &one,
		.spans_count = p->spans ? p->spans_count : 1,
		.max_order = p->max_order ? p->max_order : 10,
		.pageblock_order = p->pageblock_order ? p->pageblock_order : 9,
		.group_by_mobility = !p->ungrouped,
		.distances = p->distances,
		.distances_nodes = p->distances_nodes,
	};
	struct watermark_params marks = {
		.min_free_kbytes = p->min_free_kbytes,
		.scale_factor = p->scale_factor,
	};
	memcpy(marks.lowmem_reserve_ratio, p->lowmem_reserve_ratio,
	       sizeof(marks.lowmem_reserve_ratio));
	struct err err = {0};
	BUG_ON(physmem_init(pm, &params, &err) != 0, "%s", err.text);
	watermark_setup(pm, &marks);
}

void op_machine_init(struct op_machine *m, const struct op_params *p)
{
	memset(m, 0, sizeof(*m));
	init_physmem(&m->pm, p);
	m->unchecked = p->unchecked;
	unsigned cpus = p->cpus_count ? p->cpus_count : 1;
	BUG_ON(cpus > OP_CPUS, "%u CPUs", cpus);
	for (unsigned i = 0; i < cpus; i++)
		m->env[i] = (struct env){.cost_cycles = default_costs, .cpu = i};
	const struct page_allocator_params params = {
		.pm = &m->pm,
		.cpus_count = cpus,
		.cpu_nid = p->cpu_nid,
		.highatomic = !p->no_highatomic,
		.coalesce = !p->no_coalescing,
		.split_steps_max = p->split_steps_max ? p->split_steps_max : ORDER_LIMIT,
		.watermark_boost_factor = p->boost_factor,
		.pcp = p->pcp,
	};
	const struct page_allocator_ops *ops =
		page_allocator_find(p->allocator ? p->allocator : "buddy");
	BUG_ON(!ops, "no page allocator %s", p->allocator);
	m->pa = ops->new(&params);
	BUG_ON(!m->pa, "out of memory for the allocator");
	for (unsigned i = 0; i < m->pm.zones_count && !p->all_used; i++) {
		const struct zone *z = &m->pm.zones[i];
		ops->add_range(m->pa, z->start_pfn, z->start_pfn + z->managed_pages);
	}
}

void op_machine_release(struct op_machine *m)
{
	m->pa->ops->free(m->pa);
	physmem_release(&m->pm);
	free(m->live);
	memset(m, 0, sizeof(*m));
}

/* --- blocks that the script holds ------------------------------------------------------------- */

static void live_add(struct op_machine *m, pfn_t pfn, unsigned order)
{
	if (m->live_count == m->live_capacity) {
		m->live_capacity = m->live_capacity ? 2 * m->live_capacity : 64;
		m->live = realloc(m->live, m->live_capacity * sizeof(*m->live));
		BUG_ON(!m->live, "out of memory for a script");
	}
	m->live[m->live_count++] = (struct op_block){pfn, order};
}

static struct op_block *live_find(struct op_machine *m, pfn_t pfn)
{
	for (size_t i = m->live_count; i-- > 0;) {
		if (m->live[i].pfn == pfn)
			return &m->live[i];
	}
	return NULL;
}

static void live_remove(struct op_machine *m, struct op_block *b)
{
	size_t after = (size_t)(m->live + m->live_count - (b + 1));
	memmove(b, b + 1, after * sizeof(*b));
	m->live_count--;
}

/* --- words ------------------------------------------------------------------------------------ */

struct cursor {
	const char *at, *word;
};

static int fail(struct op_machine *m, const struct cursor *c, const char *what)
{
	int len = (int)strcspn(c->word, " \t\n");
	snprintf(m->error, sizeof(m->error), "%.*s: %s", len, c->word, what);
	return -1;
}

static uint64_t number(struct cursor *c)
{
	char *end;
	uint64_t v = strtoull(c->at, &end, 10);
	BUG_ON(end == c->at, "number expected in script at: %s", c->word);
	c->at = end;
	return v;
}

static bool next_is(struct cursor *c, char ch)
{
	if (*c->at != ch)
		return false;
	c->at++;
	return true;
}

static gfp_t flags(struct cursor *c)
{
	static const struct {
		char letter;
		gfp_t set, clear;
	} letters[] = {
		{'u', 0, 0},
		{'m', __GFP_MOVABLE, 0},
		{'r', __GFP_RECLAIMABLE, 0},
		{'h', __GFP_HIGH, 0},
		{'n', 0, __GFP_DIRECT_RECLAIM},
		{'d', __GFP_DMA, 0},
		{'x', __GFP_DMA32, 0},
		{'H', __GFP_HIGHMEM, 0},
		{'t', __GFP_THISNODE, 0},
	};
	gfp_t gfp = GFP_KERNEL;
	for (; isalpha((unsigned char)*c->at); c->at++) {
		size_t i = 0;
		while (i < ARRAY_SIZE(letters) && letters[i].letter != *c->at)
			i++;
		BUG_ON(i == ARRAY_SIZE(letters), "unknown flag in script at: %s", c->word);
		gfp = (gfp | letters[i].set) & ~letters[i].clear;
	}
	return gfp;
}

static int word_alloc(struct op_machine *m, struct cursor *c)
{
	unsigned order = (unsigned)number(c);
	gfp_t gfp = flags(c);
	bool want_pfn = next_is(c, '='), want_failure = !want_pfn && next_is(c, '!');
	pfn_t wanted = want_pfn ? number(c) : PFN_NONE;
	enum alloc_failure why;
	char text[128];
	pfn_t pfn = m->pa->ops->alloc_pages(m->pa, &m->env[m->cpu], order, gfp, m->nid, &why);
	if (pfn != PFN_NONE)
		live_add(m, pfn, order);
	snprintf(text, sizeof(text), "got pfn %lld (%s)", (long long)pfn, alloc_failure_names[why]);
	if ((pfn == PFN_NONE) != (why != ALLOC_OK) || (want_pfn && pfn != wanted) ||
	    (pfn == PFN_NONE) != want_failure)
		return fail(m, c, text);
	if (want_failure) {
		size_t len = strspn(c->at, "abcdefghijklmnopqrstuvwxyz_");
		if (strlen(alloc_failure_names[why]) != len ||
		    strncmp(alloc_failure_names[why], c->at, len) != 0)
			return fail(m, c, text);
		c->at += len;
	}
	return 0;
}

static int word_free(struct op_machine *m, struct cursor *c)
{
	pfn_t pfn = number(c);
	struct op_block *b = live_find(m, pfn);
	unsigned order;
	if (next_is(c, '/'))
		order = (unsigned)number(c);
	else if (b)
		order = b->order;
	else
		return fail(m, c, "no such block");
	if (b)
		live_remove(m, b);
	m->pa->ops->free_pages(m->pa, &m->env[m->cpu], pfn, order);
	return 0;
}

static int word_free_all(struct op_machine *m, struct cursor *c)
{
	for (size_t i = 0; i < m->live_count; i++)
		m->pa->ops->free_pages(m->pa, &m->env[m->cpu], m->live[i].pfn,
				       m->live[i].order);
	m->live_count = 0;
	return 0;
}

static int word_split(struct op_machine *m, struct cursor *c)
{
	pfn_t pfn = number(c);
	struct op_block *b = live_find(m, pfn);
	if (!b)
		return fail(m, c, "no such block");
	unsigned order = b->order;
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++)
		m->pa->ops->split_allocated(m->pa, p, 0);
	live_remove(m, b);
	for (pfn_t p = pfn; p < pfn + (UINT64_C(1) << order); p++)
		live_add(m, p, 0);
	return 0;
}

static int word_add(struct op_machine *m, struct cursor *c)
{
	pfn_t pfn = number(c);
	if (next_is(c, '/'))
		m->pa->ops->add_block(m->pa, pfn, (unsigned)number(c));
	else if (next_is(c, '-'))
		m->pa->ops->add_range(m->pa, pfn, number(c));
	else
		return fail(m, c, "order or end expected");
	return 0;
}

static int word_pageblock(struct op_machine *m, struct cursor *c)
{
	uint64_t block = number(c);
	const char *letter = next_is(c, '=') && *c->at ? strchr(type_letters, *c->at) : NULL;
	if (!letter)
		return fail(m, c, "type expected");
	c->at++;
	pageblock_set_type(&m->pm, block << m->pm.pageblock_order,
			   (enum migratetype)(letter - type_letters));
	return 0;
}

static int word_cpu(struct op_machine *m, struct cursor *c)
{
	m->cpu = (unsigned)number(c);
	return 0;
}

static int word_node(struct op_machine *m, struct cursor *c)
{
	m->nid = (unsigned)number(c);
	return 0;
}

static int word_tick(struct op_machine *m, struct cursor *c)
{
	m->pa->ops->tick(m->pa, &m->env[m->cpu]);
	return 0;
}

static const struct {
	char letter;
	int (*run)(struct op_machine *m, struct cursor *c);
} words[] = {
	{'a', word_alloc}, {'f', word_free},      {'F', word_free_all},
	{'s', word_split}, {'+', word_add},       {'p', word_pageblock},
	{'c', word_cpu},   {'n', word_node},      {'t', word_tick},
};

/* Run the word at the cursor as often as it says. */
static int run_word(struct op_machine *m, struct cursor *c)
{
	size_t i = 0;
	while (i < ARRAY_SIZE(words) && words[i].letter != *c->word)
		i++;
	BUG_ON(i == ARRAY_SIZE(words), "unknown word in script at: %s", c->word);
	for (uint64_t done = 0, count = 1; done < count; done++) {
		c->at = c->word + 1;
		if (words[i].run(m, c) != 0)
			return -1;
		if (next_is(c, '*'))
			count = number(c);
		BUG_ON(*c->at && !isspace((unsigned char)*c->at),
		       "letters left over in script at: %s", c->word);
	}
	struct check_report report;
	if (!m->unchecked && m->pa->ops->check(m->pa, &report) != 0)
		return fail(m, c, report.text);
	return 0;
}

int op_run(struct op_machine *m, const char *script)
{
	struct cursor c = {.at = script};
	m->error[0] = '\0';
	for (;;) {
		while (isspace((unsigned char)*c.at))
			c.at++;
		if (!*c.at)
			return 0;
		c.word = c.at;
		if (run_word(m, &c) != 0)
			return -1;
	}
}

/* --- free lists as text ----------------------------------------------------------------------- */

struct lists_arg {
	struct op_machine *m;
	unsigned zone;
	int cpu;
	size_t used;
	bool any;
	unsigned order;
	enum migratetype type;
	uint64_t blocks[ORDER_LIMIT];
};

static void append_block(void *arg, const struct free_block *b)
{
	struct lists_arg *a = arg;
	size_t room = sizeof(a->m->text) - a->used;
	if (b->zone != a->zone || b->cpu != a->cpu || room < 32)
		return;
	int n;
	if (a->any && b->order == a->order && b->migratetype == a->type)
		n = snprintf(a->m->text + a->used, room, ",%llu", (unsigned long long)b->pfn);
	else
		n = snprintf(a->m->text + a->used, room, "%s%u%c:%llu", a->any ? " " : "", b->order,
			     type_letters[b->migratetype], (unsigned long long)b->pfn);
	a->used += (size_t)n;
	a->any = true;
	a->order = b->order;
	a->type = b->migratetype;
}

const char *op_lists(struct op_machine *m, unsigned zone, int cpu)
{
	struct lists_arg a = {.m = m, .zone = zone, .cpu = cpu};
	m->text[0] = '\0';
	m->pa->ops->walk(m->pa, append_block, &a);
	return m->text;
}

static void count_block(void *arg, const struct free_block *b)
{
	struct lists_arg *a = arg;
	if (b->zone == a->zone && b->cpu < 0)
		a->blocks[b->order]++;
}

const char *op_counts(struct op_machine *m, unsigned zone)
{
	struct lists_arg a = {.m = m, .zone = zone};
	m->text[0] = '\0';
	m->pa->ops->walk(m->pa, count_block, &a);
	for (unsigned o = 0; o < ORDER_LIMIT; o++) {
		if (a.blocks[o])
			a.used += (size_t)snprintf(m->text + a.used, sizeof(m->text) - a.used,
						   "%s%u:%llu", a.used ? " " : "", o,
						   (unsigned long long)a.blocks[o]);
	}
	return m->text;
}
