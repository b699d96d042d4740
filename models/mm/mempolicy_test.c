/* Tests of mempolicy.c: turns, what a policy does not hold for, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"
#include "mm/mempolicy.h"

#define NODES 4

static const struct mem_request local, interleave = {.policy = MEMPOLICY_INTERLEAVE};

struct bench {
	struct op_machine m;
	struct op_params params;
	struct mempolicy mp;
	uint64_t got[NODES]; /* pages, by node */
};

/* Nodes 0..3 of 1024 pages each, but for those in @empty; CPU i is on node i. */
static void start(struct bench *b, unsigned empty)
{
	static const unsigned cpu_nid[] = {0, 1, 2, 3};
	struct zone_span spans[NODES];
	memset(b, 0, sizeof(*b));
	for (unsigned nid = 0; nid < NODES; nid++)
		spans[nid] = (struct zone_span){ZONE_NORMAL, nid, nid * 1024, nid * 1024 + 1024,
						empty >> nid & 1 ? 0 : 1024};
	b->params = (struct op_params){
		.spans = spans, .spans_count = NODES, .cpus_count = NODES, .cpu_nid = {0, 1, 2, 3}};
	op_machine_init(&b->m, &b->params);
	mempolicy_init(&b->mp, b->m.pa, cpu_nid);
}

/* The node of one page, or NODES if there was none. */
static unsigned take(struct bench *b, unsigned cpu, const struct mem_request *r, gfp_t gfp)
{
	enum alloc_failure why;
	pfn_t pfn = mempolicy_alloc_pages(&b->mp, &b->m.env[cpu], 0, gfp, r, &why);
	unsigned nid = pfn == PFN_NONE ? NODES : (unsigned)(pfn / 1024);
	if (nid < NODES)
		b->got[nid]++;
	return nid;
}

static uint64_t counted(struct bench *b, unsigned nid, enum numa_item item)
{
	struct page_node_stats s;
	numastat_sum(b->m.pa->ops->numastat(b->m.pa), nid, &s);
	return s.counts[item];
}

/* N pages of a CPU: N / n on each node, within one. */
static void interleaving_spreads_equally(void **state)
{
	for (unsigned n = 1; n < 1024; n = n * 3 + 1) {
		struct bench b;
		start(&b, 0);
		for (unsigned i = 0; i < n; i++)
			take(&b, 1, &interleave, GFP_KERNEL);
		for (unsigned nid = 0; nid < NODES; nid++) {
			assert_in_range(b.got[nid], n / NODES, n / NODES + 1);
			assert_int_equal(counted(&b, nid, NUMA_INTERLEAVE), b.got[nid]);
			assert_int_equal(counted(&b, nid, NUMA_HIT), b.got[nid]);
		}
		op_machine_release(&b.m);
	}
}

/* Off: local takes all from one node. */
static void local_takes_the_own_node(void **state)
{
	struct bench b;
	start(&b, 0);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(take(&b, 2, &local, GFP_KERNEL), 2);
	assert_int_equal(counted(&b, 2, NUMA_LOCAL), 300);
	assert_int_equal(counted(&b, 2, NUMA_INTERLEAVE), 0);
	op_machine_release(&b.m);
}

/* Each CPU has turns of its own, which begin with the first node. */
static void turns_are_of_the_cpu(void **state)
{
	struct bench b;
	start(&b, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(take(&b, 0, &interleave, GFP_KERNEL), i);
	assert_int_equal(take(&b, 3, &interleave, GFP_KERNEL), 0);
	assert_int_equal(take(&b, 0, &interleave, GFP_KERNEL), 3);
	assert_int_equal(take(&b, 0, &interleave, GFP_KERNEL), 0);
	op_machine_release(&b.m);
}

static void nodes_without_memory_have_no_turn(void **state)
{
	struct bench b;
	start(&b, 1u << 1 | 1u << 3);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(take(&b, 1, &interleave, GFP_KERNEL), i % 2 * 2);
	op_machine_release(&b.m);
}

/* A full node's turn is served by the next of its list, and is no hit. */
static void a_full_node_loses_its_turn(void **state)
{
	struct bench b;
	start(&b, 0);
	if (op_run(&b.m, "n1 a10mt") != 0)
		fail_msg("%s", b.m.error);
	for (unsigned i = 0; i < 40; i++)
		take(&b, 0, &interleave, GFP_KERNEL);
	assert_int_equal(b.got[0], 10);
	assert_int_equal(b.got[1], 0);
	assert_int_equal(b.got[2], 20); /* node 1's list goes on with 2 */
	assert_int_equal(b.got[3], 10);
	assert_int_equal(counted(&b, 2, NUMA_INTERLEAVE), 10);
	assert_int_equal(counted(&b, 2, NUMA_MISS), 10);
	assert_int_equal(counted(&b, 1, NUMA_FOREIGN), 10);
	op_machine_release(&b.m);
}

/* In interrupts and with __GFP_THISNODE there is no policy; a node that is named goes first. */
static void what_a_policy_does_not_hold_for(void **state)
{
	static const struct mem_request named = {
		.has_nid = true, .nid = 3, .policy = MEMPOLICY_INTERLEAVE};
	struct bench b;
	start(&b, 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(take(&b, 1, &interleave, GFP_KERNEL | __GFP_THISNODE), 1);
		assert_int_equal(take(&b, 1, &named, GFP_KERNEL), 3);
		env_set_context(&b.m.env[1], CONTEXT_IRQ);
		assert_int_equal(take(&b, 1, &interleave, GFP_ATOMIC), 1);
		env_set_context(&b.m.env[1], CONTEXT_PROCESS);
	}
	assert_int_equal(take(&b, 1, &interleave, GFP_KERNEL), 0); /* no turn was used up */
	op_machine_release(&b.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interleaving_spreads_equally),
		cmocka_unit_test(local_takes_the_own_node),
		cmocka_unit_test(turns_are_of_the_cpu),
		cmocka_unit_test(nodes_without_memory_have_no_turn),
		cmocka_unit_test(a_full_node_loses_its_turn),
		cmocka_unit_test(what_a_policy_does_not_hold_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
