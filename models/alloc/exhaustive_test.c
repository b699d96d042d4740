/*
 * Every sequence of allocations and frees on a zone of 16 pages, for every registered allocator.
 *
 * A sequence is a path in a tree: at each node any kind of request may be made and any live block may
 * be freed. All paths of a given length are run, each on a machine as new, and after each step the
 * frames are compared with an oracle. At the end of a path everything is freed, which has to bring
 * back the free blocks of the start, whatever happened in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/frame_oracle.h"
#include "alloc/op_script.h"

#define PAGES     16
#define DEPTH_MAX 10

struct request {
	unsigned order;
	gfp_t gfp;
};

struct plan {
	const struct request *requests;
	unsigned requests_count, depth;
	unsigned pageblock_order;
	bool ungrouped, all_freed_is_as_new;
	const struct page_allocator_ops *ops;
	uint64_t paths, steps;
};

/* One path: choice[i] < requests_count asks for a block, above that a live block is freed. */
struct path {
	unsigned choice[DEPTH_MAX];
};

/* A machine that is made once and put back to its start between paths. */
struct stage {
	struct physmem pm;
	struct zone zone;
	struct env env;
	struct page_allocator *pa;
	struct frame_oracle oracle;
	struct op_block live[DEPTH_MAX];
	unsigned live_count;
	uint64_t start_blocks[ORDER_LIMIT];
};

static const uint32_t costs[COST_KINDS];

static void stage_open(struct stage *s, const struct plan *plan)
{
	const struct zone_span span = {ZONE_NORMAL, 0, 0, PAGES, PAGES};
	const struct physmem_params params = {
		.spans = &span,
		.spans_count = 1,
		.max_order = 4,
		.pageblock_order = plan->pageblock_order,
		.group_by_mobility = !plan->ungrouped,
	};
	struct err err = {0};
	memset(s, 0, sizeof(*s));
	if (physmem_init(&s->pm, &params, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(s->pm.group_by_mobility, !plan->ungrouped);
	s->zone = s->pm.zones[0];
	s->env.cost_cycles = costs;
}

static void count_blocks(void *arg, const struct free_block *b)
{
	uint64_t *blocks = arg;
	blocks[b->order]++;
}

static void stage_start(struct stage *s, const struct plan *plan)
{
	static const unsigned cpu_nid[] = {0};
	const struct page_allocator_params params = {
		.pm = &s->pm,
		.cpus_count = 1,
		.cpu_nid = cpu_nid,
		.coalesce = true,
		.split_steps_max = ORDER_LIMIT,
	};
	memset(s->pm.pages, 0, 2 * PAGES * sizeof(struct page));
	memset(s->pm.pageblock_type, plan->ungrouped ? MIGRATE_UNMOVABLE : MIGRATE_MOVABLE,
	       s->pm.pageblocks_count);
	s->pm.zones[0] = s->zone;
	s->live_count = 0;
	s->pa = plan->ops->new(&params);
	assert_non_null(s->pa);
	s->pa->ops->add_range(s->pa, 0, PAGES);
	frame_oracle_init(&s->oracle, s->pa, PAGES);
	memset(s->start_blocks, 0, sizeof(s->start_blocks));
	s->pa->ops->walk(s->pa, count_blocks, s->start_blocks);
}

static void stage_stop(struct stage *s)
{
	frame_oracle_release(&s->oracle);
	s->pa->ops->free(s->pa);
}

static _Noreturn void path_failed(const struct plan *plan, const struct path *path, unsigned length,
				  const char *what)
{
	char text[256] = "";
	size_t used = 0;
	for (unsigned i = 0; i < length; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %u", path->choice[i]);
	fail_msg("%s, choices%s (below %u: requests): %s", plan->ops->name, text,
		 plan->requests_count, what);
	abort();
}

static int do_request(struct stage *s, const struct request *r)
{
	enum alloc_failure why;
	pfn_t pfn = s->pa->ops->alloc_pages(s->pa, &s->env, r->order, r->gfp, 0, &why);
	if (pfn == PFN_NONE)
		return frame_oracle_failure(&s->oracle, r->order, r->gfp, 0, why, ORDER_LIMIT);
	if (frame_oracle_take(&s->oracle, pfn, r->order, r->gfp, 0) != 0)
		return -1;
	s->live[s->live_count++] = (struct op_block){pfn, r->order};
	return 0;
}

static void do_free(struct stage *s, unsigned i)
{
	struct op_block b = s->live[i];
	s->live_count--;
	memmove(&s->live[i], &s->live[i + 1], (s->live_count - i) * sizeof(b));
	frame_oracle_give(&s->oracle, b.pfn, b.order);
	s->pa->ops->free_pages(s->pa, &s->env, b.pfn, b.order);
}

/* Run one path; returns how many choices there are after its last step. */
static unsigned run_path(struct stage *s, struct plan *plan, const struct path *path, unsigned length)
{
	stage_start(s, plan);
	for (unsigned i = 0; i < length; i++) {
		int done = 0;
		if (path->choice[i] < plan->requests_count)
			done = do_request(s, &plan->requests[path->choice[i]]);
		else
			do_free(s, path->choice[i] - plan->requests_count);
		if (done != 0 || frame_oracle_verify(&s->oracle) != 0)
			path_failed(plan, path, i + 1, s->oracle.error);
	}
	unsigned choices = plan->requests_count + s->live_count;
	plan->paths++;
	plan->steps += length;

	uint64_t blocks[ORDER_LIMIT] = {0};
	while (s->live_count)
		do_free(s, 0);
	if (frame_oracle_verify(&s->oracle) != 0)
		path_failed(plan, path, length, s->oracle.error);
	s->pa->ops->walk(s->pa, count_blocks, blocks);
	if (plan->all_freed_is_as_new && memcmp(blocks, s->start_blocks, sizeof(blocks)) != 0)
		path_failed(plan, path, length, "all freed, but the free blocks are not as at first");
	stage_stop(s);
	return choices;
}

/* All paths that begin with @length steps of @path; only full paths are run for their own sake. */
static void run_tree(struct stage *s, struct plan *plan, struct path *path, unsigned length,
		     unsigned choices)
{
	for (unsigned c = 0; c < choices; c++) {
		path->choice[length] = c;
		unsigned next = run_path(s, plan, path, length + 1);
		if (length + 1 < plan->depth)
			run_tree(s, plan, path, length + 1, next);
	}
}

static void run_plan(struct plan plan)
{
	for (const struct page_allocator_ops *const *ops = page_allocators; *ops; ops++) {
		struct stage s;
		struct path path = {{0}};
		plan.ops = *ops;
		plan.paths = plan.steps = 0;
		stage_open(&s, &plan);
		run_tree(&s, &plan, &path, 0, plan.requests_count);
		physmem_release(&s.pm);
		assert_true(plan.paths > 10000 && plan.steps > 5 * plan.paths);
	}
}

/* Orders 0 to 2 of one type, pageblocks of 16 pages. */
static void one_type(void **state)
{
	static const struct request requests[] = {{0, GFP_KERNEL}, {1, GFP_KERNEL}, {2, GFP_KERNEL}};
	run_plan((struct plan){
		.requests = requests,
		.requests_count = 3,
		.depth = 7,
		.pageblock_order = 4,
		.ungrouped = true,
		.all_freed_is_as_new = true,
	});
}

/* Three types over eight pageblocks of two pages: claims and steals all the time. */
static void three_types(void **state)
{
	static const struct request requests[] = {
		{0, GFP_KERNEL},
		{0, GFP_KERNEL | __GFP_MOVABLE},
		{1, GFP_KERNEL | __GFP_RECLAIMABLE},
		{2, GFP_KERNEL},
		{3, GFP_KERNEL | __GFP_MOVABLE},
	};
	run_plan((struct plan){
		.requests = requests,
		.requests_count = 5,
		.depth = 6,
		.pageblock_order = 1,
		.all_freed_is_as_new = true,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_type),
		cmocka_unit_test(three_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
