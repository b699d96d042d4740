/*
 * Tests of nodes in the page allocator: whose memory a request gets, what is counted of it, and
 * what becomes of another node's pages on a CPU's lists.
 *
 * Four nodes of 1024 pages each, a CPU on each. A script says n<node> for the node that a request
 * wants and c<cpu> for the CPU that it runs on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "alloc/op_script.h"

static const struct zone_span spans[] = {
	{ZONE_NORMAL, 0, 0, 1024, 1024},
	{ZONE_NORMAL, 1, 1024, 2048, 1024},
	{ZONE_NORMAL, 2, 2048, 3072, 1024},
	{ZONE_NORMAL, 3, 3072, 4096, 1024},
};
static const uint64_t ring[16] = {
	10, 16, 22, 16, //
	16, 10, 16, 22, //
	22, 16, 10, 16, //
	16, 22, 16, 10, //
};
static const uint64_t mesh[16] = { /* two sockets of two nodes */
	10, 12, 32, 32, //
	12, 10, 32, 32, //
	32, 32, 10, 12, //
	32, 32, 12, 10, //
};

static void start(struct op_machine *m, const uint64_t *distances, bool pcp)
{
	const struct op_params params = {
		.spans = spans,
		.spans_count = 4,
		.cpus_count = 4,
		.cpu_nid = {0, 1, 2, 3},
		.distances = distances,
		.distances_nodes = 4,
		.pcp = {.enabled = pcp, .batch_pages = 7, .high_min_pages = 64,
			.high_max_pages = 64},
	};
	op_machine_init(m, &params);
}

static void run(struct op_machine *m, const char *script)
{
	if (op_run(m, script) != 0)
		fail_msg("%s", m->error);
}

/* "hit 2 0 0 1 ...": one line of numastat for each item that is not 0 everywhere. */
static const char *numastat(struct op_machine *m, enum numa_item item)
{
	static char text[128];
	size_t used = 0;
	struct page_node_stats s;
	for (unsigned nid = 0; nid < m->pm.nodes_count; nid++) {
		numastat_sum(m->pa->ops->numastat(m->pa), nid, &s);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu",
					 nid ? " " : "", (unsigned long long)s.counts[item]);
	}
	return text;
}

/* Blocks of a whole node, one after the other: where they come from is the order of fallback. */
static const char *order_of(const uint64_t *distances, unsigned nid)
{
	static char text[5];
	struct op_machine m;
	char script[64];
	start(&m, distances, false);
	snprintf(script, sizeof(script), "c%u n%u a10m*4 a10m!no_memory", nid, nid);
	run(&m, script);
	for (unsigned i = 0; i < 4; i++)
		text[i] = (char)('0' + m.live[i].pfn / 1024);
	op_machine_release(&m);
	return text;
}

static void a_full_node_falls_back_by_distance(void **state)
{
	assert_string_equal(order_of(ring, 0), "0132");
	assert_string_equal(order_of(ring, 1), "1203");
	assert_string_equal(order_of(ring, 2), "2310");
	assert_string_equal(order_of(ring, 3), "3021");
	assert_string_equal(order_of(mesh, 0), "0123");
	assert_string_equal(order_of(mesh, 1), "1032");
	assert_string_equal(order_of(mesh, 2), "2301");
	assert_string_equal(order_of(mesh, 3), "3210");
	/* Off: without distances a node across is as good as the neighbour. */
	assert_string_equal(order_of(NULL, 1), "1230");
	assert_string_equal(order_of(NULL, 3), "3012");
}

/* __GFP_THISNODE fails when its node is full, while others have memory. */
static void this_node_or_none(void **state)
{
	for (int pcp = 0; pcp < 2; pcp++) {
		struct op_machine m;
		start(&m, ring, pcp);
		run(&m, "n2 a0mt*1024 a0mt!no_memory a0m");
		assert_int_equal(m.live[0].pfn / 1024, 2);
		assert_int_equal(m.live[1024].pfn / 1024, 3);
		/* What one CPU has cached of a node, another does not get. */
		run(&m, "f2048 c1 n2");
		run(&m, pcp ? "a0mt!no_memory" : "a0mt=2048");
		op_machine_release(&m);
	}
}

/* Wherever it is freed, a page goes back to the zone that it is of. */
static void a_remote_free_goes_home(void **state)
{
	struct op_machine m;
	start(&m, ring, false);
	run(&m, "c0 n0 a0m=0 c3 f0");
	assert_string_equal(op_counts(&m, 0), "10:1");
	assert_string_equal(op_counts(&m, 3), "10:1");
	op_machine_release(&m);

	/* With lists: by CPU 3's list of node 0's zone, not by that of its own node's. */
	start(&m, ring, true);
	run(&m, "c0 n0 a0m=0 c3 f0");
	assert_string_equal(op_lists(&m, 0, 3), "0m:0");
	assert_string_equal(op_lists(&m, 3, 3), "");
	run(&m, "n3 a0m=3072 n0 a0m=0");
	op_machine_release(&m);
}

/* Linux's counters: an allocation counts once, whatever its order. */
static void numastat_counts(void **state)
{
	struct op_machine m;
	start(&m, ring, true);
	run(&m, "c0 n0 a10m a0m*3");     /* the second to fourth find node 0 full */
	run(&m, "c2 n3 a0m a3m");        /* wanted elsewhere, and got it */
	run(&m, "c2 n2 a0m n0 a0mt!no_memory");
	assert_string_equal(numastat(&m, NUMA_HIT), "1 0 1 2");
	assert_string_equal(numastat(&m, NUMA_MISS), "0 3 0 0");
	assert_string_equal(numastat(&m, NUMA_FOREIGN), "3 0 0 0");
	assert_string_equal(numastat(&m, NUMA_LOCAL), "1 0 1 0");
	assert_string_equal(numastat(&m, NUMA_OTHER), "0 3 0 2");
	assert_string_equal(numastat(&m, NUMA_INTERLEAVE), "0 0 0 0");
	op_machine_release(&m);
}

/* A CPU keeps pages of another node for three turns after it used them, and then by batches. */
static void remote_lists_expire(void **state)
{
	struct op_machine m;
	start(&m, ring, true);
	run(&m, "c0 n1 a0m*20 F n0 a0m*20 F"); /* the same of node 1 and of the own one */
	struct page_pcp_stats s[2];
	m.pa->ops->pcp_stats(m.pa, 0, 0, &s[0]);
	m.pa->ops->pcp_stats(m.pa, 1, 0, &s[1]);
	uint64_t own = s[0].count_pages, count = s[1].count_pages;
	assert_int_equal(own, count);
	assert_true(count > 2 * 7);
	for (unsigned left = (unsigned)count; left; left = left > 7 ? left - 7 : 0) {
		run(&m, "t t");
		m.pa->ops->pcp_stats(m.pa, 1, 0, &s[1]);
		assert_int_equal(s[1].count_pages, left);
		run(&m, "t");
	}
	assert_string_equal(op_lists(&m, 1, 0), "");
	assert_string_equal(op_counts(&m, 1), "10:1");
	m.pa->ops->pcp_stats(m.pa, 0, 0, &s[0]);
	assert_int_equal(s[0].count_pages, own);

	/* Use puts it off: a page a turn, and nothing goes back. */
	run(&m, "n1 a0m t t a0m t t a0m t t");
	m.pa->ops->pcp_stats(m.pa, 1, 0, &s[1]);
	assert_int_equal(s[1].drained_pages, count);
	op_machine_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_node_falls_back_by_distance),
		cmocka_unit_test(this_node_or_none),
		cmocka_unit_test(a_remote_free_goes_home),
		cmocka_unit_test(numastat_counts),
		cmocka_unit_test(remote_lists_expire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
